/* SPDX-License-Identifier: MIT
 *
 * Idle connections by their number, up to ten million in one process: what the host holds for each,
 * by its own count and by the system's, and what it costs one in a hundred of them, in random
 * order, to exchange a request.
 */
#include "bench_kinds.h"
#include "idle_peers.h"
#include "machine.h"
#include "peer_program.h"

#include <stdlib.h>

#define MEMORY_BYTES (UINT64_C(4) << 30)
#define SMALLEST UINT32_C(1000)
#define BYTES_A_CONNECTION 360 /* while they open, with the generator's part */

struct idle_times {
    uint64_t *answered, *acknowledged;
    uint32_t count;
};

static void add_times(struct bench_report *report, struct idle_times *times, double x, double rate)
{
    report_point(report, REPORT_HANDFAST, "wake_rate", "requests to idle ones", "thousand/s", x,
                 rate / 1e3);
    report_point(report, REPORT_HANDFAST, "wake_p50", "until the response has left, p50", "us", x,
                 (double)measure_quantile(times->answered, times->count, 0.5) / 1e3);
    report_point(report, REPORT_HANDFAST, "wake_p99", "until the response has left, p99", "us", x,
                 (double)measure_quantile(times->answered, times->count, 0.99) / 1e3);
    report_point(report, REPORT_HANDFAST, "wake_p999", "until the response has left, p99.9", "us",
                 x, (double)measure_quantile(times->answered, times->count, 0.999) / 1e3);
}

static void measure_crowd(struct bench_report *report, uint32_t connections)
{
    double x = connections;
    struct idle_times times = {.count = connections / 100 > 100 ? connections / 100 : 100};
    struct idle_peers *peers;
    struct hf_counters counters;
    uint64_t resident = machine_resident_bytes();
    double start;
    peers = idle_peers_new(connections, MEMORY_BYTES, HF_SECOND);
    times.answered = calloc(times.count, sizeof *times.answered);
    times.acknowledged = calloc(times.count, sizeof *times.acknowledged);
    if (times.answered == NULL || times.acknowledged == NULL) {
        measure_fail("no memory for the times");
    }
    start = measure_seconds();
    idle_peers_open(peers, connections);
    report_point(report, REPORT_HANDFAST, "open_rate", "opened, with a request each", "thousand/s",
                 x, connections / (measure_seconds() - start) / 1e3);
    idle_peers_settle(peers);
    hf_stack_counters(peers->stack, &counters);
    report_point(report, REPORT_HANDFAST, "held", "bytes held for each, by its own count", "bytes",
                 x, (double)counters.memory_used_bytes / connections);
    report_point(report, REPORT_HANDFAST, "resident", "bytes resident for each, with the peers' 5",
                 "bytes", x, (double)(machine_resident_bytes() - resident) / connections);
    report_point(report, REPORT_HANDFAST, "peak", "bytes held at most, while they opened", "bytes",
                 x, (double)counters.memory_peak_bytes / connections);
    for (unsigned round = 0; round < report->plan->rounds; round++) {
        start = measure_seconds();
        idle_peers_wake(peers, times.count, times.answered, times.acknowledged);
        add_times(report, &times, x, times.count / (measure_seconds() - start));
        idle_peers_settle(peers);
    }
    hf_stack_counters(peers->stack, &counters);
    if (counters.connections != connections) {
        measure_fail("an idle connection was lost");
    }
    free(times.answered);
    free(times.acknowledged);
    idle_peers_free(peers);
}

static void figures_of_largest(struct bench_report *report)
{
    const struct report_curve *first = &report->curves[0];
    double most = first->points[first->point_count - 1].x;
    report_add(report, REPORT_HANDFAST, "connections", "idle connections, the most", "connections",
               most);
    report_add(report, REPORT_HANDFAST, "idle_bytes", "held for each of them, everything counted",
               "bytes", report_last_point(report, "held"));
    report_bar(report, "idle_bytes", REPORT_AT_MOST, 320);
    report_add(report, REPORT_HANDFAST, "peak_mib", "the most that the host held for all of them",
               "MiB", report_last_point(report, "peak") * most / 1048576);
    report_bar(report, "peak_mib", REPORT_AT_MOST, 4096);
}

void bench_idle(struct bench_report *report)
{
    const struct bench_plan *plan = report->plan;
    double peer;
    bench_sizes(report, SMALLEST, BYTES_A_CONNECTION, measure_crowd);
    if (report->curve_count > 0) {
        figures_of_largest(report);
    }
    peer = plan->peer_path != NULL ? peer_run(plan->peer_path, "idle", 5000, 0) : 0;
    if (peer > 0) {
        report_add(report, REPORT_PEER, "peer_idle_bytes", "held for an idle connection, one end",
                   "bytes", peer);
    }
    report_note(report, "a request is 64 bytes, a response 128; one connection in a hundred, in "
                        "random order, wakes in each round");
}
