/* SPDX-License-Identifier: MIT
 *
 * The sum for processors of different kinds, and what the variants share. checksum.c says which one
 * is taken; only it and the tests look in here.
 */
#ifndef CHECKSUM_VARIANTS_H
#define CHECKSUM_VARIANTS_H

#include "checksum.h"

#include <stdbool.h>

/* What runs on every processor of the kind that is built for: by 16 bytes where it has vectors
 * (SSE2, NEON), else by 8. CHECKSUM_PORTABLE builds only the latter, so that tests can hold the two
 * against each other on one machine. */
checksum_sum checksum_add_base(checksum_sum sum, const void *data, size_t length);
checksum_sum checksum_add_copy_base(checksum_sum sum, void *destination, const void *source,
                                    size_t length);

/* By 32 bytes, on processors with AVX2 alone. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(HF_PROFILE_TINY) && \
    !defined(CHECKSUM_PORTABLE)
#define CHECKSUM_HAS_AVX2 1
checksum_sum checksum_add_avx2(checksum_sum sum, const void *data, size_t length);
checksum_sum checksum_add_copy_avx2(checksum_sum sum, void *destination, const void *source,
                                    size_t length);
/* Has this processor AVX2, and does the system keep its registers? */
bool checksum_avx2_usable(void);
#else
#define CHECKSUM_HAS_AVX2 0
#endif

#if defined(__GNUC__)
#define ALWAYS_INLINE inline __attribute__((always_inline))
#else
#define ALWAYS_INLINE inline
#endif

static ALWAYS_INLINE uint64_t add_with_carry(uint64_t a, uint64_t b)
{
    uint64_t sum = a + b;
    return sum + (sum < b);
}

/* The functions of each variant are compiled twice, with and without the copy: `copy` is a constant
 * to each of their callers. */

/* What is too short for a vector. */
static ALWAYS_INLINE uint64_t add_end(uint8_t *destination, const uint8_t *source, size_t length,
                                      bool copy)
{
    uint64_t low = 0;
    uint64_t high = 0;
    for (; length >= 8; length -= 8, source += 8) {
        uint64_t word;
        memcpy(&word, source, 8);
        if (copy) {
            memcpy(destination, &word, 8);
            destination += 8;
        }
        low += word & 0xffffffffu;
        high += word >> 32;
    }
    if (length & 4u) {
        uint32_t word;
        memcpy(&word, source, 4);
        if (copy) {
            memcpy(destination, &word, 4);
            destination += 4;
        }
        low += word;
        source += 4;
    }
    if (length & 2u) {
        uint16_t word;
        memcpy(&word, source, 2);
        if (copy) {
            memcpy(destination, &word, 2);
            destination += 2;
        }
        high += word;
        source += 2;
    }
    if (length & 1u) {
        uint16_t word = 0; /* the odd byte comes first, a zero after it, in memory order */
        memcpy(&word, source, 1);
        if (copy) {
            *destination = *source;
        }
        low += word;
    }
    return low + high;
}

#endif
