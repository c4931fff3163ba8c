/* SPDX-License-Identifier: MIT
 *
 * Loopback with an MSS as on Ethernet; the kernel may still carry many such segments as one, as it
 * does for everyone. Each run comes from another address of 127.0.0.0/8, so that the TIME-WAITs of
 * those before take none of its ports.
 */
#define _GNU_SOURCE /* accept4 */

#include "kernel_peer.h"

#include "measure.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MSS = 1460, REQUEST = 64, RESPONSE = 128 };

struct kernel_pair {
    int listener, client, server;
    struct sockaddr_in from, to;
};

static int new_socket(void)
{
    int mss = MSS;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor >= 0 && setsockopt(descriptor, IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof mss) != 0) {
        close(descriptor);
        descriptor = -1;
    }
    return descriptor;
}

static void close_all(struct kernel_pair *pair)
{
    if (pair->client >= 0) {
        close(pair->client);
    }
    if (pair->server >= 0) {
        close(pair->server);
    }
    if (pair->listener >= 0) {
        close(pair->listener);
    }
}

static int begin(struct kernel_pair *pair)
{
    socklen_t length = sizeof pair->to;
    uint64_t random = measure_wall_ns() | 1;
    memset(pair, 0, sizeof *pair);
    pair->client = pair->server = -1;
    pair->from.sin_family = pair->to.sin_family = AF_INET;
    pair->to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    pair->from.sin_addr.s_addr =
        htonl(0x7f010001u + ((uint32_t)(measure_random(&random) >> 20) & 0x3fff00u));
    pair->listener = new_socket();
    return pair->listener >= 0 &&
           bind(pair->listener, (struct sockaddr *)&pair->to, sizeof pair->to) == 0 &&
           listen(pair->listener, 128) == 0 &&
           getsockname(pair->listener, (struct sockaddr *)&pair->to, &length) == 0;
}

static int open_one(struct kernel_pair *pair)
{
    int one = 1;
    pair->client = new_socket();
    if (pair->client < 0 ||
        setsockopt(pair->client, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one) != 0 ||
        bind(pair->client, (struct sockaddr *)&pair->from, sizeof pair->from) != 0 ||
        connect(pair->client, (struct sockaddr *)&pair->to, sizeof pair->to) != 0) {
        return 0;
    }
    pair->server = accept4(pair->listener, NULL, NULL, SOCK_CLOEXEC);
    return pair->server >= 0;
}

/* ---- bulk */

/* Moves `bytes` from one end to the other, as they fit. */
static int move(const struct kernel_pair *pair, uint64_t bytes)
{
    static uint8_t buffer[44 * MSS];
    uint64_t received = 0;
    while (received < bytes) {
        ssize_t length = send(pair->client, buffer, sizeof buffer, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (length < 0 && errno != EAGAIN) {
            return 0;
        }
        length = recv(pair->server, buffer, sizeof buffer, MSG_DONTWAIT);
        if (length < 0 && errno == EAGAIN) {
            /* What was sent is on its way in the kernel. */
            struct pollfd wait = {pair->server, POLLIN, 0};
            if (poll(&wait, 1, 1000) <= 0) {
                return 0;
            }
        } else if (length <= 0) {
            return 0;
        } else {
            received += (uint64_t)length;
        }
    }
    return 1;
}

double kernel_bulk_ns(uint64_t bytes)
{
    struct kernel_pair pair;
    double start = measure_seconds();
    double result = 0;
    if (begin(&pair) && open_one(&pair) && move(&pair, bytes)) {
        result = (measure_seconds() - start) * 1e9 / ((double)bytes / MSS);
    }
    close_all(&pair);
    return result;
}

/* ---- connections */

static int exchange(int from, int to, size_t length)
{
    uint8_t bytes[RESPONSE] = {0};
    return send(from, bytes, length, MSG_NOSIGNAL) == (ssize_t)length &&
           recv(to, bytes, length, MSG_WAITALL) == (ssize_t)length;
}

static int one_connection(struct kernel_pair *pair, int reset)
{
    struct linger now = {1, 0};
    int fine = open_one(pair) && exchange(pair->client, pair->server, 1) &&
               exchange(pair->server, pair->client, 1);
    if (fine && reset) {
        fine = setsockopt(pair->client, SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0;
    }
    if (pair->client >= 0) {
        close(pair->client);
    }
    if (pair->server >= 0) {
        close(pair->server);
    }
    pair->client = pair->server = -1;
    return fine;
}

double kernel_connections(uint64_t connections, int reset)
{
    struct kernel_pair pair;
    double start = measure_seconds();
    int fine = begin(&pair);
    for (uint64_t i = 0; fine && i < connections; i++) {
        fine = one_connection(&pair, reset);
    }
    close_all(&pair);
    return fine ? (double)connections / (measure_seconds() - start) : 0;
}

/* ---- latency */

int kernel_latency(uint64_t *times, uint32_t count)
{
    struct kernel_pair pair;
    int one = 1;
    int fine = begin(&pair) && open_one(&pair) &&
               setsockopt(pair.client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0 &&
               setsockopt(pair.server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0;
    for (uint32_t i = 0; fine && i < count; i++) {
        uint64_t start = measure_wall_ns();
        fine = exchange(pair.client, pair.server, REQUEST) &&
               exchange(pair.server, pair.client, RESPONSE);
        times[i] = measure_wall_ns() - start;
    }
    close_all(&pair);
    return fine;
}
