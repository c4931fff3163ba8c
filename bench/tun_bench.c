/* SPDX-License-Identifier: MIT
 *
 * The kernel's end is sockets, in 128 KiB chunks for bulk data; Handfast's is the program itself
 * for bulk data, and a few lines around a host for exchanges (tun_answer.c).
 */
#define _GNU_SOURCE /* SIOCOUTQ's company */

#include "tun_bench.h"

#include "measure.h"
#include "namespace.h"
#include "tun_answer.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define OWN "10.66.0.2"
#define KERNEL "10.66.0.1"
#define OWN_NETWORK "10.66.0.2/24"
#define KERNEL_NETWORK "10.66.0.1/24"
#define FAR "10.67.0.2"
enum { PORT = 5001, CHUNK = 128 * 1024, START_SECONDS = 10, RUN_SECONDS = 60 };
enum { REQUEST = 64, RESPONSE = 128 };

static bool nothing(void *context, void *result, size_t size)
{
    (void)context;
    memset(result, 0, size);
    return access("/dev/net/tun", R_OK | W_OK) == 0;
}

const char *tun_bench_problem(void)
{
    char byte;
    if (access("/dev/net/tun", F_OK) != 0) {
        return "there is no /dev/net/tun";
    }
    return namespace_run(nothing, NULL, &byte, 1, START_SECONDS)
               ? NULL
               : "needs root, for network namespaces and TUN devices, and iproute2";
}

/* ---- the kernel's sockets */

static struct sockaddr_in place(const char *address)
{
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    inet_pton(AF_INET, address, &place.sin_addr);
    return place;
}

static void set_timeout(int descriptor)
{
    struct timeval limit = {START_SECONDS, 0};
    int one = 1;
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
}

/* -1: nobody was there for ten seconds. */
static int connect_to(const char *address)
{
    struct sockaddr_in to = place(address);
    uint64_t until = measure_wall_ns() + START_SECONDS * UINT64_C(1000000000);
    while (measure_wall_ns() < until) {
        int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (descriptor < 0) {
            return -1;
        }
        set_timeout(descriptor);
        if (connect(descriptor, (struct sockaddr *)&to, sizeof to) == 0) {
            return descriptor;
        }
        close(descriptor);
        usleep(10000);
    }
    return -1;
}

static int listen_here(void)
{
    struct sockaddr_in here = place("0.0.0.0");
    int one = 1;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (descriptor >= 0 && (bind(descriptor, (struct sockaddr *)&here, sizeof here) != 0 ||
                            listen(descriptor, 1) != 0)) {
        close(descriptor);
        descriptor = -1;
    }
    return descriptor;
}

static int accept_one(int listener)
{
    int descriptor;
    set_timeout(listener);
    descriptor = accept(listener, NULL, NULL);
    if (descriptor >= 0) {
        set_timeout(descriptor);
    }
    return descriptor;
}

/* ---- bulk */

static double elapsed(uint64_t start)
{
    return (double)(measure_wall_ns() - start) / 1e9;
}

/* What was acknowledged in that time. */
static double send_for(int descriptor, double seconds)
{
    static const char chunk[CHUNK];
    uint64_t sent = 0;
    uint64_t start = measure_wall_ns();
    int waiting = 0;
    while (elapsed(start) < seconds) {
        ssize_t length = send(descriptor, chunk, sizeof chunk, MSG_NOSIGNAL);
        if (length <= 0) {
            return 0;
        }
        sent += (uint64_t)length;
    }
    if (ioctl(descriptor, SIOCOUTQ, &waiting) != 0) {
        return 0;
    }
    return (double)(sent - (uint64_t)waiting) * 8 / elapsed(start);
}

static double receive_for(int descriptor, double seconds)
{
    static char chunk[CHUNK];
    uint64_t received = 0;
    uint64_t start = measure_wall_ns();
    while (elapsed(start) < seconds) {
        ssize_t length = recv(descriptor, chunk, sizeof chunk, 0);
        if (length <= 0) {
            return 0;
        }
        received += (uint64_t)length;
    }
    return (double)received * 8 / elapsed(start);
}

struct bulk_work {
    const char *program;
    double seconds;
    bool inwards, offload;
};

/* `handfast COMMAND` on its TUN device, and then `words`, four at most. */
static pid_t start_own(const struct bulk_work *work, const char *command,
                       const char *const words[4])
{
    const char *const all[] = {"handfast",
                               command,
                               "--tun",
                               "hfbench",
                               "--address",
                               OWN_NETWORK,
                               "--kernel-address",
                               KERNEL_NETWORK,
                               "--control",
                               "none",
                               "--offload",
                               work->offload ? "on" : "off",
                               words[0],
                               words[1],
                               words[2],
                               words[3],
                               NULL};
    return namespace_start(work->program, all);
}

static bool bulk_in(const struct bulk_work *work, double *bits)
{
    static const char *const words[] = {"--discard", "5001", NULL, NULL};
    pid_t child = start_own(work, "listen", words);
    int descriptor = child > 0 ? connect_to(OWN) : -1;
    *bits = descriptor >= 0 ? send_for(descriptor, work->seconds) : 0;
    if (child > 0) {
        namespace_stop(child);
    }
    return *bits > 0;
}

static bool bulk_out(const struct bulk_work *work, double *bits)
{
    static const char *const words[] = {"--generate", "1000G", KERNEL, "5001"};
    int listener = listen_here();
    pid_t child = start_own(work, "connect", words);
    int descriptor = listener >= 0 && child > 0 ? accept_one(listener) : -1;
    *bits = descriptor >= 0 ? receive_for(descriptor, work->seconds) : 0;
    if (child > 0) {
        namespace_stop(child);
    }
    return *bits > 0;
}

static bool bulk(void *context, void *result, size_t size)
{
    const struct bulk_work *work = context;
    double bits = 0;
    bool fine = work->inwards ? bulk_in(work, &bits) : bulk_out(work, &bits);
    memcpy(result, &bits, size);
    return fine;
}

double tun_bulk(const char *program, double seconds, bool inwards, bool offload)
{
    struct bulk_work work = {program, seconds, inwards, offload};
    double bits = 0;
    return namespace_run(bulk, &work, &bits, sizeof bits, RUN_SECONDS) ? bits : 0;
}

static void far_receives(void *context)
{
    const double *seconds = context;
    int listener = listen_here();
    int descriptor = listener >= 0 ? accept_one(listener) : -1;
    if (descriptor >= 0) {
        receive_for(descriptor, *seconds + START_SECONDS);
    }
}

static bool near_sends(void *context, void *result, size_t size)
{
    const double *seconds = context;
    pid_t far = namespace_far(far_receives, context);
    int descriptor = far > 0 ? connect_to(FAR) : -1;
    double bits = descriptor >= 0 ? send_for(descriptor, *seconds) : 0;
    if (far > 0) {
        namespace_stop(far);
    }
    memcpy(result, &bits, size);
    return bits > 0;
}

double veth_bulk(double seconds)
{
    double bits = 0;
    return namespace_run(near_sends, &seconds, &bits, sizeof bits, RUN_SECONDS) ? bits : 0;
}

static void far_iperf3(void *context)
{
    static const char *const words[] = {"iperf3", "--server", "--one-off", NULL};
    (void)context;
    namespace_command(words);
}

/* The rate that the receiver has seen, in iperf3's JSON: the number after "bits_per_second" in the
 * last "sum_received". */
static double received_bits(const char *path)
{
    char line[512];
    double bits = 0;
    bool received = false;
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        const char *rate = strstr(line, "\"bits_per_second\":");
        received = received || strstr(line, "\"sum_received\"") != NULL;
        if (received && rate != NULL) {
            bits = strtod(strchr(rate, ':') + 1, NULL);
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return bits;
}

static bool near_iperf3(void *context, void *result, size_t size)
{
    const double *seconds = context;
    char path[40];
    char duration[16];
    int file = memfd_create("iperf3", MFD_CLOEXEC); /* it opens it by our name for it */
    pid_t far = namespace_far(far_iperf3, NULL);
    const char *const words[] = {"iperf3",    "--client",     FAR,     "--time",
                                 duration,    "--congestion", "cubic", "--json",
                                 "--logfile", path,           NULL};
    double bits = 0;
    snprintf(path, sizeof path, "/proc/%ld/fd/%d", (long)getpid(), file);
    snprintf(duration, sizeof duration, "%.0f", *seconds < 1 ? 1 : *seconds);
    /* Until it listens. */
    for (int tries = 0; file >= 0 && far > 0 && !(bits > 0) && tries < 20; tries++) {
        usleep(100000);
        if (namespace_command(words)) {
            bits = received_bits(path);
        }
    }
    if (file >= 0) {
        close(file);
    }
    if (far > 0) {
        namespace_stop(far);
    }
    memcpy(result, &bits, size);
    return bits > 0;
}

double veth_iperf3(double seconds)
{
    double bits = 0;
    return namespace_run(near_iperf3, &seconds, &bits, sizeof bits, RUN_SECONDS) ? bits : 0;
}

/* ---- exchanges */

struct latency_work {
    uint32_t count;
    bool busy;
};

/* With a few before that are not counted. */
static bool ask(int descriptor, uint64_t *times, uint32_t count)
{
    uint8_t bytes[RESPONSE] = {0};
    for (uint32_t i = 0; i < count + count / 10; i++) {
        uint64_t start = measure_wall_ns();
        if (send(descriptor, bytes, REQUEST, MSG_NOSIGNAL) != REQUEST ||
            recv(descriptor, bytes, RESPONSE, MSG_WAITALL) != RESPONSE) {
            return false;
        }
        if (i >= count / 10) {
            times[i - count / 10] = measure_wall_ns() - start;
        }
    }
    return true;
}

static void far_answers(void *context)
{
    uint8_t bytes[RESPONSE] = {0};
    int listener = listen_here();
    int descriptor = listener >= 0 ? accept_one(listener) : -1;
    (void)context;
    while (descriptor >= 0 && recv(descriptor, bytes, REQUEST, MSG_WAITALL) == REQUEST &&
           send(descriptor, bytes, RESPONSE, MSG_NOSIGNAL) == RESPONSE) {
    }
}

static bool near_asks(void *context, void *result, size_t size)
{
    const struct latency_work *work = context;
    pid_t far = namespace_far(far_answers, NULL);
    int descriptor = far > 0 ? connect_to(FAR) : -1;
    bool fine = descriptor >= 0 && ask(descriptor, result, work->count);
    (void)size;
    if (far > 0) {
        namespace_stop(far);
    }
    return fine;
}

bool veth_latency(uint64_t *times, uint32_t count)
{
    struct latency_work work = {count, false};
    return namespace_run(near_asks, &work, times, count * sizeof *times, RUN_SECONDS);
}

static bool kernel_asks(void *context, void *result, size_t size)
{
    const struct latency_work *work = context;
    pid_t child = tun_answer_start(work->busy);
    int descriptor = child > 0 ? connect_to(OWN) : -1;
    bool fine = descriptor >= 0 && ask(descriptor, result, work->count);
    (void)size;
    if (child > 0) {
        namespace_stop(child);
    }
    return fine;
}

bool tun_latency(uint64_t *times, uint32_t count, bool busy)
{
    struct latency_work work = {count, busy};
    return namespace_run(kernel_asks, &work, times, count * sizeof *times, RUN_SECONDS);
}
