/* SPDX-License-Identifier: MIT
 *
 * The transfer on the kernel's TCP.
 */
#define _GNU_SOURCE

#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static uint8_t chunk[PEER_CHUNK_BYTES];

static int failed(const char *what)
{
    perror(what);
    return 1;
}

static socklen_t address_of(const struct hf_endpoint *endpoint, struct sockaddr_storage *storage)
{
    memset(storage, 0, sizeof *storage);
    if (endpoint->address.family == HF_IPV6) {
        struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(endpoint->port)};

        memcpy(&ipv6.sin6_addr, endpoint->address.bytes, 16);
        memcpy(storage, &ipv6, sizeof ipv6);
        return sizeof ipv6;
    }
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(endpoint->port)};

    memcpy(&ipv4.sin_addr, endpoint->address.bytes, 4);
    memcpy(storage, &ipv4, sizeof ipv4);
    return sizeof ipv4;
}

/* Until there is room again, or the job's time is over. */
static void wait_for_room(int descriptor, const struct peer_job *job, double start)
{
    struct pollfd room = {.fd = descriptor, .events = POLLOUT};
    double left = job->bytes == 0 ? start + job->seconds - peer_seconds() : 1;
    struct timespec most = {.tv_sec = (time_t)left,
                            .tv_nsec = (long)((left - (double)(time_t)left) * 1e9)};

    if (left > 0)
        ppoll(&room, 1, &most, NULL);
}

static int send_all(int descriptor, const struct peer_job *job, double start)
{
    uint64_t sent = 0;

    while (job->bytes == 0 ? peer_seconds() - start < job->seconds : sent < job->bytes) {
        uint64_t left = job->bytes == 0 ? sizeof chunk : job->bytes - sent;
        ssize_t took =
            send(descriptor, chunk, left < sizeof chunk ? left : sizeof chunk, MSG_DONTWAIT);

        if (took < 0 && errno != EAGAIN)
            return failed("send");
        if (took < 0)
            wait_for_room(descriptor, job, start);
        else
            sent += (uint64_t)took;
    }
    return 0;
}

static int take_figures(int descriptor, struct peer_result *result)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof info;

    if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &length) != 0)
        return failed("TCP_INFO");
    result->acknowledged = info.tcpi_bytes_acked;
    result->retransmitted = info.tcpi_bytes_retrans;
    result->spurious = info.tcpi_dsack_dups;
    result->segments = info.tcpi_data_segs_out;
    return 0;
}

static int transfer(const struct peer_job *job)
{
    struct sockaddr_storage address;
    socklen_t length = address_of(&job->remote, &address);
    struct peer_result result = {.seconds = 0};
    uint8_t answer[PEER_ANSWER_BYTES];
    double start = peer_seconds();
    int descriptor = socket(address.ss_family, SOCK_STREAM, 0);

    if (descriptor < 0 || setsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, job->congestion,
                                     (socklen_t)strlen(job->congestion)) != 0)
        return failed(job->congestion);
    if (connect(descriptor, (struct sockaddr *)&address, length) != 0)
        return failed("connect");
    if (send_all(descriptor, job, start) != 0)
        return failed("sending");
    result.seconds = peer_seconds() - start;
    if (job->bytes == 0 && take_figures(descriptor, &result) != 0)
        return 1;
    if (shutdown(descriptor, SHUT_WR) != 0)
        return failed("shutdown");
    if (recv(descriptor, answer, sizeof answer, MSG_WAITALL) != sizeof answer)
        return failed("the answer");
    for (size_t i = 0; i < sizeof answer; i++)
        result.bytes = result.bytes << 8 | answer[i];
    if (job->bytes > 0) {
        result.seconds = peer_seconds() - start;
        if (take_figures(descriptor, &result) != 0)
            return 1;
    }
    peer_print(&result);
    close(descriptor);
    return 0;
}

int peer_kernel_send(const struct peer_job *job)
{
    for (unsigned i = 0; i < job->repeat; i++) {
        if (transfer(job) != 0)
            return 1;
    }
    return 0;
}

static int serve_one(int listener)
{
    int descriptor = accept(listener, NULL, NULL);
    uint8_t answer[PEER_ANSWER_BYTES];
    uint64_t total = 0;
    ssize_t took;

    if (descriptor < 0)
        return failed("accept");
    while ((took = recv(descriptor, chunk, sizeof chunk, 0)) > 0)
        total += (uint64_t)took;
    if (took < 0)
        return failed("recv");
    for (size_t i = 0; i < sizeof answer; i++)
        answer[i] = (uint8_t)(total >> (56 - 8 * i));
    if (send(descriptor, answer, sizeof answer, 0) != sizeof answer)
        return failed("answering");
    close(descriptor);
    return 0;
}

int peer_kernel_serve(const struct peer_job *job)
{
    struct hf_endpoint any = {.address = {.family = HF_IPV6}, .port = job->port};
    struct sockaddr_storage address;
    socklen_t length = address_of(&any, &address);
    int listener = socket(AF_INET6, SOCK_STREAM, 0), one = 1;

    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 64) != 0)
        return failed("listening");
    fprintf(stderr, "listening\n");
    for (unsigned i = 0; i < job->repeat; i++) {
        if (serve_one(listener) != 0)
            return 1;
    }
    return 0;
}
