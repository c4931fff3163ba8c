/* SPDX-License-Identifier: MIT
 *
 * One stream over a TUN device with the kernel as the peer, in both directions, with offloads and
 * without; as the reference the kernel with itself over veth, in the same rounds.
 */
#include "bench_kinds.h"
#include "tun_bench.h"

struct cell {
    const char *name, *what, *share_name, *share_what;
    bool inwards, offload;
};

static const struct cell cells[] = {
    {"offload_in", "kernel to Handfast, TUN with offloads", "offload_in_share",
     "the same, of the kernel over veth", true, true},
    {"offload_out", "Handfast to kernel, TUN with offloads", "offload_out_share",
     "the same, of the kernel over veth", false, true},
    {"plain_in", "kernel to Handfast, plain TUN, MTU 1500", "plain_in_share",
     "the same, of the kernel over veth", true, false},
    {"plain_out", "Handfast to kernel, plain TUN, MTU 1500", "plain_out_share",
     "the same, of the kernel over veth", false, false},
};

static void measure_round(struct bench_report *report, double seconds)
{
    double veth = veth_bulk(seconds);
    if (veth > 0) {
        report_add(report, REPORT_KERNEL, "veth", "kernel to kernel over veth, cubic", "Gbit/s",
                   veth / 1e9);
    }
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        const struct cell *cell = &cells[i];
        double bits = tun_bulk(report->plan->program, seconds, cell->inwards, cell->offload);
        if (bits > 0) {
            report_add(report, REPORT_HANDFAST, cell->name, cell->what, "Gbit/s", bits / 1e9);
        }
        if (bits > 0 && veth > 0) {
            report_add(report, REPORT_HANDFAST, cell->share_name, cell->share_what, "of 1",
                       bits / veth);
        }
    }
}

void bench_tun(struct bench_report *report)
{
    const char *problem = tun_bench_problem();
    double seconds = report->plan->quick ? 0.3 : 3;
    if (problem != NULL) {
        report_note(report, "skipped: %s", problem);
        return;
    }
    tun_bulk(report->plan->program, seconds / 3, true, true);
    for (unsigned round = 0; round < report->plan->rounds; round++) {
        measure_round(report, seconds);
    }
    report_bar(report, "offload_in_share", REPORT_AT_LEAST, 1);
    report_bar(report, "offload_out_share", REPORT_AT_LEAST, 1);
    report_bar(report, "plain_in", REPORT_AT_LEAST, 9);
    report_bar(report, "plain_out", REPORT_AT_LEAST, 3.3);
    report_note(report, "%.1f s a run, network namespaces of their own, chunks of 128 KiB",
                seconds);
}
