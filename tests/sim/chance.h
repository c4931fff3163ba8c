/* SPDX-License-Identifier: MIT
 *
 * The random numbers of the test itself, shared with nothing under test: what to try. A linear
 * congruential generator of 64 bits (Knuth's constants), its output stirred so that neighbouring
 * seeds do not walk in step.
 */
#ifndef CHANCE_H
#define CHANCE_H

#include <stdbool.h>
#include <stdint.h>

struct chance {
    uint64_t state;
};

static inline uint32_t chance_next(struct chance *chance)
{
    uint64_t stirred;

    chance->state = chance->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    stirred = (chance->state ^ chance->state >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return (uint32_t)((stirred ^ stirred >> 32) * UINT64_C(0xd6e8feb86659fd93) >> 32);
}

static inline struct chance chance_from(uint64_t seed)
{
    struct chance chance = {seed * UINT64_C(0x9e3779b97f4a7c15) + 1};

    for (int i = 0; i < 8; i++)
        chance_next(&chance);
    return chance;
}

/* low..high. */
static inline uint32_t chance_between(struct chance *chance, uint32_t low, uint32_t high)
{
    return low + (uint32_t)(((uint64_t)chance_next(chance) * ((uint64_t)high - low + 1)) >> 32);
}

static inline bool chance_percent(struct chance *chance, uint32_t percent)
{
    return chance_between(chance, 0, 99) < percent;
}

/* low..high, each power of two as likely as the next. 0 < low. */
static inline uint32_t chance_scaled(struct chance *chance, uint32_t low, uint32_t high)
{
    uint32_t limit = low;

    while (limit <= high / 2 && chance_percent(chance, 80))
        limit *= 2;
    return chance_between(chance, low, limit > high / 2 ? high : limit * 2 - 1);
}

#endif
