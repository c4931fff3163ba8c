/* SPDX-License-Identifier: MIT
 *
 * How far the number of connections goes, and what does not fit.
 */
#include "bench_kinds.h"
#include "machine.h"

#define SPARE_BYTES (UINT64_C(1) << 28)

uint32_t bench_most(const struct bench_plan *plan)
{
    if (plan->connections != 0) {
        return plan->connections;
    }
    return plan->quick ? BENCH_MOST_CONNECTIONS / 10 : BENCH_MOST_CONNECTIONS;
}

bool bench_has_memory(struct bench_report *report, uint32_t count, uint64_t bytes_each)
{
    struct machine machine;
    uint64_t needed = count * bytes_each + SPARE_BYTES;
    machine_look(&machine);
    if (machine.available_bytes < needed) {
        report_note(report, "skipped: %u need %llu MiB, and %llu are free", count,
                    (unsigned long long)needed >> 20,
                    (unsigned long long)machine.available_bytes >> 20);
        return false;
    }
    return true;
}

void bench_sizes(struct bench_report *report, uint32_t smallest, uint64_t bytes_each,
                 void (*measure)(struct bench_report *report, uint32_t count))
{
    uint32_t most = bench_most(report->plan);
    uint32_t count = smallest < most ? smallest : most;
    while (bench_has_memory(report, count, bytes_each)) {
        measure(report, count);
        if (count == most) {
            break;
        }
        count = count < most / 10 ? count * 10 : most;
    }
}
