/* SPDX-License-Identifier: MIT
 *
 * The floor: the three copies that bulk data makes between two programs, with the two checksums
 * that TCP asks for, and nothing else.
 */
#include "checksum.h"
#include "measure.h"

#include <string.h>

#define SEGMENT_BYTES 1460
#define RING_SEGMENTS 32 /* buffers that stay in the nearest caches, as a stack's would */

struct floor_buffers {
    uint8_t program[RING_SEGMENTS][SEGMENT_BYTES + 20];
    uint8_t wire[RING_SEGMENTS][SEGMENT_BYTES + 20];
    uint8_t queue[RING_SEGMENTS][SEGMENT_BYTES + 20];
};

static struct floor_buffers *floor_buffers(void)
{
    static struct floor_buffers buffers;
    memset(buffers.program, 0x5a, sizeof buffers.program);
    return &buffers;
}

/* Nanoseconds for each segment with which `one` is done: what it answers is kept, so that none of
 * it is left out. */
static inline __attribute__((always_inline)) double
per_segment_ns(uint64_t segments, uint64_t (*one)(struct floor_buffers *at, unsigned slot))
{
    struct floor_buffers *at = floor_buffers();
    uint64_t sums = 0;
    double start = measure_seconds();
    for (uint64_t i = 0; i < segments; i++) {
        sums += one(at, (unsigned)(i % RING_SEGMENTS));
    }
    measure_keep(sums);
    return (measure_seconds() - start) * 1e9 / (double)segments;
}

static inline uint64_t copy_sum_out(struct floor_buffers *at, unsigned slot)
{
    return checksum_finish(checksum_add_copy(0, at->wire[slot], at->program[slot], SEGMENT_BYTES));
}

static inline uint64_t copy(struct floor_buffers *at, unsigned slot)
{
    memcpy(at->queue[slot], at->program[slot], SEGMENT_BYTES);
    return at->queue[slot][slot % SEGMENT_BYTES];
}

static inline uint64_t copy_three_times(struct floor_buffers *at, unsigned slot)
{
    uint64_t sums = copy_sum_out(at, slot);
    memcpy(at->queue[slot], at->wire[slot], SEGMENT_BYTES);
    return sums +
           checksum_finish(checksum_add_copy(0, at->program[slot], at->queue[slot], SEGMENT_BYTES));
}

double floor_segment_ns(uint64_t segments)
{
    return per_segment_ns(segments, copy_three_times);
}

double floor_copy_ns(uint64_t segments)
{
    return per_segment_ns(segments, copy);
}

double floor_copy_sum_ns(uint64_t segments)
{
    return per_segment_ns(segments, copy_sum_out);
}
