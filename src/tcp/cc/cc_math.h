/* SPDX-License-Identifier: MIT
 *
 * Integer arithmetic that the algorithms share.
 */
#ifndef CC_MATH_H
#define CC_MATH_H

#include <stdint.h>

static inline uint32_t cc_max(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static inline uint32_t cc_min(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static inline uint32_t cc_clamp_u64(uint64_t value)
{
    return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

/* a * b / c without losing the high half of the product; c != 0, the quotient fits. */
static inline uint64_t cc_scale(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t whole = a / c;
    uint64_t rest = a % c;
    while (rest > UINT32_MAX || b > UINT32_MAX) { /* rest * b must fit */
        if (rest <= UINT64_MAX / (b > 0 ? b : 1)) {
            break;
        }
        rest >>= 1;
        c = (c + 1) >> 1;
    }
    return whole * b + rest * b / c;
}

/* The largest r with r^3 <= value: digit by digit in base 2. */
static inline uint32_t cc_cube_root(uint64_t value)
{
    uint64_t root = 0;
    for (int shift = 63; shift >= 0; shift -= 3) {
        uint64_t step;
        root *= 2;
        step = 3 * root * (root + 1) + 1;
        if (value >> shift >= step) {
            value -= step << shift;
            root++;
        }
    }
    return (uint32_t)root;
}

#endif
