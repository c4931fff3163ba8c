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

#endif
