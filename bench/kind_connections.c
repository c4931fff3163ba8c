/* SPDX-License-Identifier: MIT
 *
 * How many connections a second come and go, with an empty table and beside idle ones: the table,
 * the timers and the memory of a crowd must not make a newcomer dear.
 */
#include "bench_kinds.h"
#include "idle_peers.h"
#include "kernel_peer.h"
#include "peer_program.h"

#define MEMORY_BYTES (UINT64_C(4) << 30)
#define BYTES_A_CONNECTION 360 /* at the most while they open, with the generator's part */
#define CROWD UINT32_C(100000)

struct connections_load {
    uint64_t connections, kernel_connections, peer_connections;
    struct idle_peers *crowd, *horde; /* NULL: there is none */
};

static double at_crowd(struct idle_peers *crowd, uint64_t connections, int reset)
{
    return connections_run_at(crowd->stack, crowd->listener, &crowd->now, connections, reset);
}

static void measure_handfast(struct bench_report *report, const struct connections_load *load)
{
    uint64_t count = load->connections;
    double fin = connections_run(count, 0);
    double rst = connections_run(count, 1);
    report_add(report, REPORT_HANDFAST, "fin_rate", "closed with FIN, TIME-WAIT kept, empty tables",
               "thousand/s", fin / 1e3);
    report_add(report, REPORT_HANDFAST, "rst_rate", "ended with RST, empty tables", "thousand/s",
               rst / 1e3);
    if (load->crowd != NULL) {
        double beside = at_crowd(load->crowd, count, 0);
        report_add(report, REPORT_HANDFAST, "fin_rate_100k", "with FIN, beside 100,000 idle",
                   "thousand/s", beside / 1e3);
        report_add(report, REPORT_HANDFAST, "fin_100k_share", "the same, of that with empty tables",
                   "of 1", beside / fin);
        beside = at_crowd(load->crowd, count, 1);
        report_add(report, REPORT_HANDFAST, "rst_rate_100k", "with RST, beside 100,000 idle",
                   "thousand/s", beside / 1e3);
        report_add(report, REPORT_HANDFAST, "rst_100k_share", "the same, of that with empty tables",
                   "of 1", beside / rst);
    }
    if (load->horde != NULL) {
        double beside = at_crowd(load->horde, count, 0);
        report_add(report, REPORT_HANDFAST, "fin_rate_horde", "with FIN, beside the most idle",
                   "thousand/s", beside / 1e3);
        report_add(report, REPORT_HANDFAST, "fin_horde_share",
                   "the same, of that with empty tables", "of 1", beside / fin);
    }
}

static void measure_peers(struct bench_report *report, const struct connections_load *load,
                          bool has_peer)
{
    const char *path = report->plan->peer_path;
    double rate = kernel_connections(load->kernel_connections, 0);
    if (rate > 0) {
        report_add(report, REPORT_KERNEL, "kernel_fin_rate",
                   "with FIN, over loopback, system calls counted", "thousand/s", rate / 1e3);
    }
    rate = kernel_connections(load->kernel_connections, 1);
    if (rate > 0) {
        report_add(report, REPORT_KERNEL, "kernel_rst_rate", "with RST, the same", "thousand/s",
                   rate / 1e3);
    }
    if (has_peer) {
        report_add(report, REPORT_PEER, "peer_rst_rate", "with RST, empty tables", "thousand/s",
                   peer_run(path, "rst", load->peer_connections, 0) / 1e3);
        report_add(report, REPORT_PEER, "peer_fin_rate", "with FIN and TIME-WAIT", "thousand/s",
                   peer_run(path, "fin", load->peer_connections / 10, 0) / 1e3);
        report_add(report, REPORT_PEER, "peer_rst_rate_idle", "with RST, beside 5,000 idle",
                   "thousand/s", peer_run(path, "rst", load->peer_connections / 100, 5000) / 1e3);
    }
}

static struct idle_peers *crowd_new(uint32_t connections)
{
    struct idle_peers *crowd = idle_peers_new(connections, MEMORY_BYTES, HF_SECOND);
    idle_peers_open(crowd, connections);
    idle_peers_settle(crowd);
    return crowd;
}

/* As many as asked for, if there is room for them. */
static struct idle_peers *horde_new(struct bench_report *report, uint32_t connections)
{
    if (!bench_has_memory(report, connections, BYTES_A_CONNECTION)) {
        return NULL;
    }
    report_note(report, "the most idle: %u connections", connections);
    return crowd_new(connections);
}

void bench_connections(struct bench_report *report)
{
    const struct bench_plan *plan = report->plan;
    struct connections_load load = {100000, 5000, 100000, NULL, NULL};
    uint32_t most = bench_most(plan);
    char name[128];
    bool has_peer = peer_name(plan->peer_path, name, sizeof name);
    if (plan->quick) {
        load = (struct connections_load){5000, 500, 10000, NULL, NULL};
    }
    if (most >= CROWD) {
        load.crowd = crowd_new(CROWD);
    }
    load.horde = most > CROWD ? horde_new(report, most) : NULL;
    connections_run(load.connections / 10, 0);
    for (unsigned round = 0; round < plan->rounds; round++) {
        measure_handfast(report, &load);
        measure_peers(report, &load, has_peer);
    }
    report_bar(report, "fin_rate", REPORT_AT_LEAST, 600);
    report_bar(report, "rst_rate", REPORT_AT_LEAST, 1200);
    report_bar(report, "fin_100k_share", REPORT_AT_LEAST, 0.9);
    report_bar(report, "rst_100k_share", REPORT_AT_LEAST, 0.9);
    report_bar(report, "fin_horde_share", REPORT_AT_LEAST, 0.7);
    if (has_peer) {
        report_note(report, "peer: %s", name);
    }
    if (load.crowd != NULL) {
        idle_peers_free(load.crowd);
    }
    if (load.horde != NULL) {
        idle_peers_free(load.horde);
    }
}
