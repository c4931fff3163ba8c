/* SPDX-License-Identifier: MIT
 *
 * What a segment costs beside what its bytes cost alone, and beside peers.
 */
#include "bench_kinds.h"
#include "kernel_peer.h"
#include "peer_program.h"

struct bulk_load {
    uint64_t bytes, floor_segments, peer_bytes;
};

static void measure_floor(struct bench_report *report, const struct bulk_load *load)
{
    report_add(report, REPORT_FLOOR, "floor_segment", "copy+sum, copy, copy+sum of 1460 bytes",
               "ns", floor_segment_ns(load->floor_segments));
    report_add(report, REPORT_FLOOR, "floor_copy", "one copy of 1460 bytes (memcpy)", "ns",
               floor_copy_ns(load->floor_segments));
    report_add(report, REPORT_FLOOR, "floor_copy_sum", "one copy with checksum of 1460 bytes", "ns",
               floor_copy_sum_ns(load->floor_segments));
}

static void measure_handfast(struct bench_report *report, const struct bulk_load *load)
{
    double least = report_latest(report, "floor_segment");
    uint64_t ticks = measure_ticks();
    uint64_t wall = measure_wall_ns();
    double ticks_per_ns;
    struct bulk_result bulk = bulk_run(load->bytes, BULK_POSTED);
    ticks = measure_ticks() - ticks;
    wall = measure_wall_ns() - wall;
    ticks_per_ns = (double)ticks / (double)wall;
    report_add(report, REPORT_HANDFAST, "segment", "a segment from program to program, two hosts",
               "ns", bulk.segment_ns);
    if (ticks > 0) {
        report_add(report, REPORT_HANDFAST, "segment_ticks",
                   "the same in ticks of the time-stamp counter", "ticks",
                   bulk.segment_ns * ticks_per_ns);
    }
    report_add(report, REPORT_HANDFAST, "rate", "the same as a rate", "Gbit/s",
               bulk.gigabits_per_second);
    report_add(report, REPORT_HANDFAST, "floor_share", "the floor's share of a segment's time",
               "of 1", least / bulk.segment_ns);
    report_add(report, REPORT_HANDFAST, "segment_received",
               "the same where the program reads afterwards, by hf_recv", "ns",
               bulk_run(load->bytes / 4, BULK_RECEIVED).segment_ns);
    report_add(report, REPORT_HANDFAST, "segment_single",
               "that, too, one packet a call: hf_stack_output, hf_stack_input", "ns",
               bulk_run(load->bytes / 4, BULK_SINGLE).segment_ns);
}

static void measure_peers(struct bench_report *report, const struct bulk_load *load, bool has_peer)
{
    double ours = report_latest(report, "segment");
    double kernel = kernel_bulk_ns(load->peer_bytes);
    if (kernel > 0) {
        report_add(report, REPORT_KERNEL, "kernel_segment",
                   "1460 bytes over loopback, system calls counted", "ns", kernel);
        report_add(report, REPORT_KERNEL, "kernel_ratio", "its time over Handfast's", "times",
                   kernel / ours);
    }
    if (has_peer) {
        double peer = peer_run(report->plan->peer_path, "bulk", load->peer_bytes, 0);
        if (peer > 0) {
            report_add(report, REPORT_PEER, "peer_segment", "1460 bytes, two hosts in one process",
                       "ns", peer);
            report_add(report, REPORT_PEER, "peer_rate", "the same as a rate", "Gbit/s",
                       1460 * 8 / peer);
            report_add(report, REPORT_PEER, "peer_ratio", "its time over Handfast's", "times",
                       peer / ours);
        }
    }
}

void bench_bulk(struct bench_report *report)
{
    const struct bench_plan *plan = report->plan;
    struct bulk_load load = {UINT64_C(1) << 30, 1000000, UINT64_C(1) << 29};
    char name[128];
    bool has_peer = peer_name(plan->peer_path, name, sizeof name);
    if (plan->quick) {
        load = (struct bulk_load){UINT64_C(1) << 26, 50000, UINT64_C(1) << 25};
    }
    floor_segment_ns(load.floor_segments / 10);
    bulk_run(load.bytes / 10, BULK_POSTED);
    for (unsigned round = 0; round < plan->rounds; round++) {
        measure_floor(report, &load);
        measure_handfast(report, &load);
        measure_peers(report, &load, has_peer);
    }
    report_bar(report, "floor_share", REPORT_AT_LEAST, 0.5);
    if (has_peer) {
        report_note(report, "peer: %s", name);
    }
    report_note(report,
                "times are of the thread that works, so a busy machine weighs less on them");
    report_note(report,
                "timestamps and SACK are on, checksums are made and verified; every byte is "
                "copied in, into a packet, and out of it to where the program has posted a buffer");
}
