/* SPDX-License-Identifier: MIT
 *
 * Random numbers by place instead of by turn: the number for packet n and a purpose depends on the
 * seed, the purpose and n alone. So a packet's fate does not hang on what befell those before it,
 * and changing the rule for one thing (say, the jitter) leaves every other choice as it was: two
 * runs of one seed that differ in one rule can be compared.
 *
 * The function is SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
 * Generators", 2014), whose n-th output is a bijective mix of key + n * gamma and so needs no
 * state. Good statistics, no secrecy: nothing here guards against an attacker.
 */
#ifndef LINK_RANDOM_H
#define LINK_RANDOM_H

#include <stdint.h>

#define LINK_RANDOM_PPM 1000000u

struct link_random {
    uint64_t key;
};

static inline uint64_t link_random_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* The `number`-th value of the sequence, from 0. */
static inline uint64_t link_random_at(struct link_random random, uint64_t number)
{
    return link_random_mix(random.key + (number + 1) * UINT64_C(0x9e3779b97f4a7c15));
}

/* An independent sequence for each (seed, purpose). Mixed twice, since neighbouring seeds and
 * purposes are the rule. */
static inline struct link_random link_random_for(uint64_t seed, uint64_t purpose)
{
    struct link_random seeds = {link_random_mix(seed ^ UINT64_C(0x6a09e667f3bcc908))};

    return (struct link_random){link_random_mix(link_random_at(seeds, purpose))};
}

/* True for ppm out of a million numbers: never for 0, always for 1,000,000. */
static inline int link_random_hit(struct link_random random, uint64_t number, uint32_t ppm)
{
    uint64_t high = link_random_at(random, number) >> 32;

    return ((high * LINK_RANDOM_PPM) >> 32) < ppm;
}

/* 0..limit. */
static inline uint64_t link_random_up_to(struct link_random random, uint64_t number, uint64_t limit)
{
    uint64_t value = link_random_at(random, number);

    return limit == UINT64_MAX ? value : value % (limit + 1);
}

#endif
