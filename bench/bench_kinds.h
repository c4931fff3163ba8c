/* SPDX-License-Identifier: MIT
 *
 * One function a kind of measurement: fills a report by its plan.
 */
#ifndef BENCH_KINDS_H
#define BENCH_KINDS_H

#include "bench_report.h"

void bench_bulk(struct bench_report *report);
void bench_connections(struct bench_report *report);
void bench_idle(struct bench_report *report);
void bench_memory(struct bench_report *report);
void bench_timers(struct bench_report *report);
void bench_lookup(struct bench_report *report);
void bench_tun(struct bench_report *report);
void bench_latency(struct bench_report *report);
void bench_scale(struct bench_report *report);

/* Of curves: measures at `smallest`, ten times that and so on up to plan.connections, or what
 * --quick says. What there is no memory for is left out, and a note says so. */
void bench_sizes(struct bench_report *report, uint32_t smallest, uint64_t bytes_each,
                 void (*measure)(struct bench_report *report, uint32_t count));
/* plan.connections, or what --quick says. */
uint32_t bench_most(const struct bench_plan *plan);
/* Is there so much memory, and a little more? If not, a note says so. */
bool bench_has_memory(struct bench_report *report, uint32_t count, uint64_t bytes_each);

#endif
