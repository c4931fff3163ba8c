/* SPDX-License-Identifier: MIT
 *
 * One stream over a TUN device with the kernel as the peer, in both directions, with offloads and
 * without; as the reference the kernel with itself over veth, in the same rounds.
 */
#include "bench_kinds.h"
#include "namespace.h"
#include "tun_bench.h"

struct cell {
    const char *name, *what;
    const char *share_name, *iperf3_name;
    bool inwards, offload;
};

static const struct cell cells[] = {
    {"offload_in", "kernel to Handfast, TUN with offloads", "offload_in_bare", "offload_in_share",
     true, true},
    {"offload_out", "Handfast to kernel, TUN with offloads", "offload_out_bare",
     "offload_out_share", false, true},
    {"plain_in", "kernel to Handfast, plain TUN, MTU 1500", "plain_in_bare", "plain_in_share", true,
     false},
    {"plain_out", "Handfast to kernel, plain TUN, MTU 1500", "plain_out_bare", "plain_out_share",
     false, false},
};

static void measure_round(struct bench_report *report, double seconds, bool iperf3)
{
    double veth = veth_bulk(seconds);
    double reference = iperf3 ? veth_iperf3(seconds) : 0;
    if (veth > 0) {
        report_add(report, REPORT_KERNEL, "veth", "kernel to kernel over veth, cubic, bare sockets",
                   "Gbit/s", veth / 1e9);
    }
    if (reference > 0) {
        report_add(report, REPORT_KERNEL, "veth_iperf3",
                   "kernel to kernel over veth, cubic, iperf3", "Gbit/s", reference / 1e9);
    }
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        const struct cell *cell = &cells[i];
        double bits = tun_bulk(report->plan->program, seconds, cell->inwards, cell->offload);
        if (bits > 0) {
            report_add(report, REPORT_HANDFAST, cell->name, cell->what, "Gbit/s", bits / 1e9);
        }
        if (bits > 0 && reference > 0) {
            report_add(report, REPORT_HANDFAST, cell->iperf3_name, "  of the kernel by iperf3",
                       "of 1", bits / reference);
        }
        if (bits > 0 && veth > 0) {
            report_add(report, REPORT_HANDFAST, cell->share_name, "  of the kernel by bare sockets",
                       "of 1", bits / veth);
        }
    }
}

static bool has_iperf3(void)
{
    static const char *const words[] = {"iperf3", "--version", NULL};
    return namespace_command(words);
}

void bench_tun(struct bench_report *report)
{
    const char *problem = tun_bench_problem();
    double seconds = report->plan->quick ? 0.3 : 3;
    bool iperf3 = has_iperf3();
    if (problem != NULL) {
        report_note(report, "skipped: %s", problem);
        return;
    }
    tun_bulk(report->plan->program, seconds / 3, true, true);
    for (unsigned round = 0; round < report->plan->rounds; round++) {
        measure_round(report, seconds, iperf3);
    }
    report_bar(report, "offload_in_share", REPORT_AT_LEAST, 1);
    report_bar(report, "offload_out_share", REPORT_AT_LEAST, 1);
    report_bar(report, "plain_in", REPORT_AT_LEAST, 9);
    report_bar(report, "plain_out", REPORT_AT_LEAST, 3.3);
    report_note(report,
                "%.1f s a run (iperf3: 1 s at least), network namespaces of their own, chunks "
                "of 128 KiB",
                seconds);
    report_note(report, "%s",
                iperf3 ? "bare sockets are the kernel's end here, of TUN and of veth; iperf3 "
                         "does more beside"
                       : "iperf3 is not installed: the bars are held against it");
}
