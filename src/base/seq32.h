/* SPDX-License-Identifier: MIT
 *
 * Sequence numbers (RFC 9293 3.4): 32 bits that wrap. A struct of one member, so that a raw `<`
 * on two of them does not compile; comparison is "less than, modulo 2^32", true for distances
 * under 2^31.
 */
#ifndef SEQ32_H
#define SEQ32_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint32_t value;
} seq32;

static inline seq32 seq_make(uint32_t value)
{
    return (seq32){value};
}

/* a - b as a signed distance. */
static inline int32_t seq_diff(seq32 a, seq32 b)
{
    return (int32_t)(a.value - b.value);
}

static inline seq32 seq_add(seq32 a, uint32_t bytes)
{
    return (seq32){a.value + bytes};
}

static inline seq32 seq_sub(seq32 a, uint32_t bytes)
{
    return (seq32){a.value - bytes};
}

static inline bool seq_lt(seq32 a, seq32 b)
{
    return seq_diff(a, b) < 0;
}

static inline bool seq_le(seq32 a, seq32 b)
{
    return seq_diff(a, b) <= 0;
}

static inline bool seq_gt(seq32 a, seq32 b)
{
    return seq_diff(a, b) > 0;
}

static inline bool seq_ge(seq32 a, seq32 b)
{
    return seq_diff(a, b) >= 0;
}

static inline bool seq_eq(seq32 a, seq32 b)
{
    return a.value == b.value;
}

static inline seq32 seq_max(seq32 a, seq32 b)
{
    return seq_gt(a, b) ? a : b;
}

static inline seq32 seq_min(seq32 a, seq32 b)
{
    return seq_lt(a, b) ? a : b;
}

#endif
