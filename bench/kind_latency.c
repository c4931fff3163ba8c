/* SPDX-License-Identifier: MIT
 *
 * A request of 64 bytes and a response of 128 on one open connection, again and again: how long an
 * exchange takes when two hosts are in one process, and when the kernel is the client over a TUN
 * device. Times are on the wall, each exchange by itself.
 */
#include "bench_kinds.h"
#include "host_pair.h"
#include "kernel_peer.h"
#include "peer_program.h"
#include "tun_bench.h"

#include <handfast/handfast.h>
#include <stdlib.h>

enum { REQUEST = 64, RESPONSE = 128 };

static void exchange(struct host_pair *pair, hf_handle asking, hf_handle answering)
{
    uint8_t bytes[RESPONSE] = {0};
    pair->now += 20 * HF_MICROSECOND;
    hf_send(pair->client, asking, bytes, REQUEST, 0, pair->now);
    host_pair_settle(pair);
    if (hf_recv(pair->server, answering, bytes, sizeof bytes, 0, pair->now) != REQUEST) {
        measure_fail("a request is missing");
    }
    hf_send(pair->server, answering, bytes, RESPONSE, 0, pair->now);
    host_pair_settle(pair);
    if (hf_recv(pair->client, asking, bytes, sizeof bytes, 0, pair->now) != RESPONSE) {
        measure_fail("a response is missing");
    }
}

static void in_process(uint64_t *times, uint32_t count)
{
    struct host_pair pair;
    hf_handle asking;
    hf_handle answering;
    host_pair_begin(&pair);
    host_pair_open(&pair, &asking, &answering);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t start = measure_wall_ns();
        exchange(&pair, asking, answering);
        times[i] = measure_wall_ns() - start;
    }
    host_pair_end(&pair);
}

/* The names and words of the three quantiles of one way to do it. */
struct quantiles {
    enum report_who who;
    const char *names[3], *whats[3];
};

static void add(struct bench_report *report, const struct quantiles *quantiles, uint64_t *times,
                uint32_t count)
{
    static const double shares[] = {0.5, 0.99, 0.999};
    for (int i = 0; i < 3; i++) {
        report_add(report, quantiles->who, quantiles->names[i], quantiles->whats[i], "us",
                   (double)measure_quantile(times, count, shares[i]) / 1e3);
    }
}

static const struct quantiles process_rows = {REPORT_HANDFAST,
                                              {"process_p50", "process_p99", "process_p999"},
                                              {"two hosts in one process, p50",
                                               "two hosts in one process, p99",
                                               "two hosts in one process, p99.9"}};
static const struct quantiles loopback_rows = {REPORT_KERNEL,
                                               {"loopback_p50", "loopback_p99", "loopback_p999"},
                                               {"both ends in one thread, loopback, p50",
                                                "both ends in one thread, loopback, p99",
                                                "both ends in one thread, loopback, p99.9"}};
static const struct quantiles veth_rows = {REPORT_KERNEL,
                                           {"veth_p50", "veth_p99", "veth_p999"},
                                           {"kernel to kernel, two namespaces over veth, p50",
                                            "kernel to kernel, two namespaces over veth, p99",
                                            "kernel to kernel, two namespaces over veth, p99.9"}};
static const struct quantiles tun_rows = {REPORT_HANDFAST,
                                          {"tun_p50", "tun_p99", "tun_p999"},
                                          {"kernel to Handfast over TUN, asleep between, p50",
                                           "kernel to Handfast over TUN, asleep between, p99",
                                           "kernel to Handfast over TUN, asleep between, p99.9"}};
static const struct quantiles busy_rows = {REPORT_HANDFAST,
                                           {"tun_busy_p50", "tun_busy_p99", "tun_busy_p999"},
                                           {"kernel to Handfast over TUN, busy-polling, p50",
                                            "kernel to Handfast over TUN, busy-polling, p99",
                                            "kernel to Handfast over TUN, busy-polling, p99.9"}};

static void over_devices(struct bench_report *report, uint64_t *times, uint32_t count)
{
    if (veth_latency(times, count)) {
        add(report, &veth_rows, times, count);
    }
    if (tun_latency(times, count, false)) {
        add(report, &tun_rows, times, count);
    }
    if (tun_latency(times, count, true)) {
        add(report, &busy_rows, times, count);
    }
}

void bench_latency(struct bench_report *report)
{
    const struct bench_plan *plan = report->plan;
    uint32_t count = plan->quick ? 10000 : 200000;
    uint32_t device_count = plan->quick ? 500 : 20000;
    uint64_t *times = calloc(count, sizeof *times);
    const char *problem = tun_bench_problem();
    char name[128];
    bool has_peer = peer_name(plan->peer_path, name, sizeof name);
    if (times == NULL) {
        measure_fail("no memory for the times");
    }
    in_process(times, count / 10);
    for (unsigned round = 0; round < plan->rounds; round++) {
        in_process(times, count);
        add(report, &process_rows, times, count);
        if (kernel_latency(times, count / 10)) {
            add(report, &loopback_rows, times, count / 10);
        }
        if (has_peer) {
            report_add(report, REPORT_PEER, "peer_p50", "two hosts in one process, p50", "us",
                       peer_run(plan->peer_path, "latency", count, 0) / 1e3);
        }
        if (problem == NULL) {
            over_devices(report, times, device_count);
        }
    }
    if (problem != NULL) {
        report_note(report, "skipped: TUN and veth: %s", problem);
    }
    if (has_peer) {
        report_note(report, "peer: %s", name);
    }
    report_note(report, "a request is 64 bytes, a response 128, one connection, one at a time");
    free(times);
}
