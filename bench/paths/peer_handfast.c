/* SPDX-License-Identifier: MIT
 *
 * The same on Handfast's TCP over a TUN device: one thread that waits in ppoll for packets and for
 * the stack's deadline.
 */
#define _GNU_SOURCE

#include "peer.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { READ_MOST = 64 };
#define FINISH_SECONDS 60.0
#define LINGER_SECONDS 0.2

struct host {
    struct hf_stack *stack;
    struct hf_tun *tun;
    FILE *trace_file;
    struct hf_json_trace *trace;
    double start;
    uint8_t packet[65536], chunk[PEER_CHUNK_BYTES];
};

static hf_time now_of(const struct host *host)
{
    return (hf_time)((peer_seconds() - host->start) * 1e9);
}

static int failed(const char *what, int error)
{
    fprintf(stderr, "%s: %s\n", what, hf_error_text(error));
    return 1;
}

static void close_host(struct host *host)
{
    hf_stack_free(host->stack);
    hf_tun_close(host->tun);
    if (host->trace != NULL)
        hf_json_trace_free(host->trace);
    if (host->trace_file != NULL)
        fclose(host->trace_file);
    free(host);
}

static struct host *open_host(const struct peer_job *job)
{
    struct hf_tun_config tun = {.name = job->tun,
                                .kernel_addresses = &job->kernels,
                                .kernel_address_count = 1,
                                .queue_packets = 4096};
    struct hf_config config = hf_config_default();
    struct host *host = calloc(1, sizeof *host);
    char message[256] = "out of memory, or no such congestion control";

    if (host == NULL)
        return NULL;
    config.congestion_control = hf_congestion_control(job->congestion);
    config.ecn = 1; /* asked for, as the kernel does where a queue marks */
    /* What `run' gives the kernel's, by sysctl: its buffers, and no memory of paths. */
    config.metrics_save = 0;
    config.receive_buffer_max_bytes = config.send_buffer_max_bytes = 64u << 20;
    if (job->trace != NULL && (host->trace_file = fopen(job->trace, "we")) != NULL)
        host->trace = hf_json_trace_new(host->trace_file);
    if (host->trace != NULL)
        config.trace = hf_json_trace_sink(host->trace);
    host->start = peer_seconds();
    if (config.congestion_control != NULL)
        host->stack = hf_stack_new(&config);
    if (host->stack != NULL)
        host->tun = hf_tun_open(&tun, message, sizeof message);
    if (host->tun != NULL && hf_stack_add_address(host->stack, &job->own.address) == HF_OK)
        return host;
    fprintf(stderr, "%s\n", message);
    close_host(host);
    return NULL;
}

static void send_packets(struct host *host)
{
    ptrdiff_t length;

    while ((length =
                hf_stack_output(host->stack, host->packet, sizeof host->packet, now_of(host))) > 0)
        (void)hf_tun_write(host->tun, host->packet, (size_t)length);
}

/* Packets out, a wait of at most `most_ns`, packets in. */
static void turn(struct host *host, hf_time most_ns)
{
    struct pollfd descriptor = {.fd = hf_tun_descriptor(host->tun), .events = POLLIN};
    hf_time deadline, wait = most_ns;
    struct timespec time;

    send_packets(host);
    deadline = hf_stack_next_deadline(host->stack);
    if (deadline != HF_TIME_NEVER && deadline - now_of(host) < wait)
        wait = deadline - now_of(host);
    wait = wait > 0 ? wait : 0;
    time = (struct timespec){.tv_sec = wait / HF_SECOND, .tv_nsec = wait % HF_SECOND};
    ppoll(&descriptor, 1, &time, NULL);
    for (int i = 0; i < READ_MOST; i++) {
        ptrdiff_t length = hf_tun_read(host->tun, host->packet, sizeof host->packet);

        if (length <= 0)
            break;
        hf_stack_input(host->stack, host->packet, (size_t)length, now_of(host));
        /* Acknowledgements go out between packets, as they do from a kernel's. */
        send_packets(host);
    }
}

/* ---- Sending */

struct sending {
    hf_handle connection;
    uint64_t sent;
    uint8_t answer[PEER_ANSWER_BYTES];
    size_t answered;
    bool connected, shut;
    int error;
};

static void take_events(struct host *host, struct sending *sending)
{
    struct hf_event event;

    while (hf_stack_next_event(host->stack, &event)) {
        if (event.handle != sending->connection)
            continue;
        if (event.type == HF_EVENT_CONNECTED)
            sending->connected = true;
        else if (event.type == HF_EVENT_ERROR)
            sending->error = event.error;
    }
}

static void take_figures(const struct host *host, hf_handle connection, struct peer_result *result)
{
    struct hf_status status;

    hf_status(host->stack, connection, &status);
    result->acknowledged = status.bytes_acked;
    result->retransmitted = status.bytes_retransmitted;
    result->spurious = status.dsacks_received;
    result->segments = status.bytes_sent / (status.mss_bytes > 0 ? status.mss_bytes : 1);
}

static void push(struct host *host, const struct peer_job *job, struct sending *sending,
                 double start, struct peer_result *result)
{
    ptrdiff_t took = 1;

    while (!sending->shut && took > 0) {
        uint64_t left = job->bytes == 0 ? sizeof host->chunk : job->bytes - sending->sent;

        if (job->bytes == 0 ? peer_seconds() - start >= job->seconds : left == 0) {
            result->seconds = peer_seconds() - start;
            take_figures(host, sending->connection, result);
            hf_shutdown(host->stack, sending->connection, now_of(host));
            sending->shut = true;
            return;
        }
        took = hf_send(host->stack, sending->connection, host->chunk,
                       left < sizeof host->chunk ? left : sizeof host->chunk, 0, now_of(host));
        sending->sent += took > 0 ? (uint64_t)took : 0;
    }
}

static int transfer(struct host *host, const struct peer_job *job)
{
    struct sending sending = {.error = HF_OK};
    struct peer_result result = {.seconds = 0};
    double start = peer_seconds();
    int error = hf_connect(host->stack, NULL, &job->remote, now_of(host), &sending.connection);

    if (error != HF_OK)
        return failed("connect", error);
    while (sending.answered < PEER_ANSWER_BYTES) {
        ptrdiff_t took;

        take_events(host, &sending);
        if (sending.error != HF_OK)
            return failed("sending", sending.error);
        if (sending.connected) {
            push(host, job, &sending, start, &result);
            took = hf_recv(host->stack, sending.connection, sending.answer + sending.answered,
                           PEER_ANSWER_BYTES - sending.answered, 0, now_of(host));
            sending.answered += took > 0 ? (size_t)took : 0;
        }
        if (sending.answered < PEER_ANSWER_BYTES)
            turn(host, 50 * HF_MILLISECOND);
    }
    for (size_t i = 0; i < PEER_ANSWER_BYTES; i++)
        result.bytes = result.bytes << 8 | sending.answer[i];
    if (job->bytes > 0) {
        result.seconds = peer_seconds() - start;
        take_figures(host, sending.connection, &result);
    }
    peer_print(&result);
    hf_close(host->stack, sending.connection, now_of(host));
    return 0;
}

static int finish(struct host *host, int code)
{
    struct hf_counters counters;

    /* What is left to say at the end: the answer may get lost, and goes again for as long as the
     * other side may wait for it; then the last acknowledgements. */
    for (double end = peer_seconds() + FINISH_SECONDS; peer_seconds() < end;) {
        hf_stack_counters(host->stack, &counters);
        if (counters.connections == 0 && end - peer_seconds() > LINGER_SECONDS)
            end = peer_seconds() + LINGER_SECONDS;
        turn(host, 20 * HF_MILLISECOND);
    }
    close_host(host);
    return code;
}

int peer_handfast_send(const struct peer_job *job)
{
    struct host *host = open_host(job);
    int code = host == NULL;

    for (unsigned i = 0; i < job->repeat && code == 0; i++)
        code = transfer(host, job);
    return host == NULL ? 1 : finish(host, code);
}

/* ---- Receiving */

/* 1: over, 0: goes on, -1: failed. */
static int drain(struct host *host, hf_handle connection, uint64_t *total)
{
    uint8_t answer[PEER_ANSWER_BYTES];
    ptrdiff_t took;

    while ((took = hf_recv(host->stack, connection, host->chunk, sizeof host->chunk, 0,
                           now_of(host))) > 0)
        *total += (uint64_t)took;
    if (took == HF_EAGAIN)
        return 0;
    if (took < 0) {
        failed("receiving", (int)took);
        return -1;
    }
    for (size_t i = 0; i < sizeof answer; i++)
        answer[i] = (uint8_t)(*total >> (56 - 8 * i));
    hf_send(host->stack, connection, answer, sizeof answer, 0, now_of(host));
    hf_close(host->stack, connection, now_of(host));
    return 1;
}

static int serve_one(struct host *host, hf_handle listener)
{
    hf_handle connection;
    struct hf_event event;
    uint64_t total = 0;
    int state = 0;

    while (hf_accept(host->stack, listener, &connection, NULL) != HF_OK) {
        turn(host, HF_SECOND);
        while (hf_stack_next_event(host->stack, &event))
            continue;
    }
    while ((state = drain(host, connection, &total)) == 0) {
        turn(host, HF_SECOND);
        while (hf_stack_next_event(host->stack, &event))
            continue;
    }
    return state < 0;
}

int peer_handfast_serve(const struct peer_job *job)
{
    struct host *host = open_host(job);
    struct hf_endpoint local = {.port = job->port};
    hf_handle listener;
    int code = host == NULL;

    if (code != 0)
        return code;
    code = hf_listen(host->stack, &local, 64, &listener) != HF_OK;
    fprintf(stderr, "listening\n");
    for (unsigned i = 0; i < job->repeat && code == 0; i++)
        code = serve_one(host, listener);
    return finish(host, code);
}
