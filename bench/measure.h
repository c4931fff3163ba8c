/* SPDX-License-Identifier: MIT
 *
 * How figures are taken here: several runs of each thing in turn (so that a noisy moment hits all
 * alike), the median and the spread of each, and ratios between things of the same round.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include <stdint.h>

#define MEASURE_MAX_RUNS 64

struct measure {
    double values[MEASURE_MAX_RUNS];
    unsigned count;
};

void measure_add(struct measure *measure, double value);
double measure_median(const struct measure *measure);
double measure_least(const struct measure *measure);
double measure_most(const struct measure *measure);
/* A use for a result, so that the work behind it is not left out. */
void measure_keep(uint64_t value);
/* Seconds on the monotonic clock. */
double measure_seconds(void);

/* floor.c: nanoseconds that copying 1460 bytes with a checksum, plainly, and with a checksum again
 * takes: what a segment costs between two programs when nothing but bytes is moved. */
double floor_segment_ns(uint64_t segments);

/* bulk.c: two hosts in one process, one thread; the sending program copies in, the receiving one
 * copies out; checksums on. */
struct bulk_result {
    double gigabits_per_second;
    double segment_ns; /* per MSS of payload delivered */
};
struct bulk_result bulk_run(uint64_t bytes);

/* connections.c: open, one byte each way, close (FIN, TIME-WAIT kept; or RST), in turn. */
double connections_run(uint64_t connections, int reset);

#endif
