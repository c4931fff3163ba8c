/* SPDX-License-Identifier: MIT
 *
 * How figures are taken here: several runs of each thing in turn (so that a noisy moment hits all
 * alike), the median and the spread of each, and ratios between things of the same round.
 *
 * What one thread does alone is timed by the time that it had the processor: what others do
 * meanwhile on a busy machine is not its cost. Where processes wait for each other, and for single
 * exchanges, it is the time on the wall.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include <stddef.h>
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
/* Zero, but the compiler cannot know: a value of which nothing is left, added to an index, makes it
 * wait for that value. */
static inline uint64_t measure_nothing(void)
{
    uint64_t zero = 0;
    __asm__ volatile("" : "+r"(zero));
    return zero;
}
/* Seconds for which this thread has had a processor. */
double measure_seconds(void);
/* Nanoseconds on the wall, since some beginning. */
uint64_t measure_wall_ns(void);
/* Ticks of the processor's time-stamp counter, which counts at one rate whatever the clock; 0 where
 * there is none. */
uint64_t measure_ticks(void);
/* The value below which this share of them lies, 0..1. Sorts them. */
uint64_t measure_quantile(uint64_t *values, uint64_t count, double share);
/* The next of a fixed sequence without pattern; state is never 0. */
uint64_t measure_random(uint64_t *state);
/* Says on stderr what could not be done, and ends. */
_Noreturn void measure_fail(const char *what);
/* Zeroed; what there is no memory for ends the program. free gives it back. */
void *measure_calloc(size_t count, size_t size);

/* floor.c: nanoseconds that copying 1460 bytes with a checksum, plainly, and with a checksum again
 * takes: what a segment costs between two programs when nothing but bytes is moved. */
double floor_segment_ns(uint64_t segments);
/* The parts: one plain copy; one copy with a checksum. */
double floor_copy_ns(uint64_t segments);
double floor_copy_sum_ns(uint64_t segments);

/* bulk.c: two hosts in one process, one thread; the sending program copies in, the receiving one
 * copies out; checksums on. */
struct bulk_result {
    double gigabits_per_second;
    double segment_ns; /* per MSS of payload delivered */
};
/* How: in batches, read into a buffer that was posted before, or after it came, by hf_recv; the
 * latter a packet a call, too. */
enum bulk_way { BULK_POSTED, BULK_RECEIVED, BULK_SINGLE };
struct bulk_result bulk_run(uint64_t bytes, enum bulk_way way);

/* connections.c: open, one byte each way, close (FIN, TIME-WAIT kept; or RST), in turn. */
double connections_run(uint64_t connections, int reset);
/* The same with a host that serves already, at this listener on 10.0.0.1 port 80; `now` moves on.
 */
struct hf_stack;
double connections_run_at(struct hf_stack *server, uint64_t listener, int64_t *now,
                          uint64_t connections, int reset);

#endif
