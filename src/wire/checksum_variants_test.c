/* SPDX-License-Identifier: MIT
 *
 * Each way to sum that this machine can run, by itself, against RFC 1071's own words: every length
 * to 700 at every alignment of source and destination to 32, cut in two at every place, and runs
 * longer than a lane holds of what fills lanes fastest. A program without a test library, because
 * it runs on other processors, too: tests/build/checksum-neon.
 */
#include "checksum_variants.h"

#include <stdio.h>
#include <stdlib.h>

#define LENGTH_MAX 700u
#define ALIGNMENTS 32u
#define GUARD 0xa5u
#define LONG_BYTES (2u << 20)

struct variant {
    const char *name;
    checksum_sum (*add)(checksum_sum, const void *, size_t);
    checksum_sum (*add_copy)(checksum_sum, void *, const void *, size_t);
};

static const struct variant variants[] = {
    {"chosen", checksum_add, checksum_add_copy},
    {"base", checksum_add_base, checksum_add_copy_base},
#if CHECKSUM_HAS_AVX2
    {"avx2", checksum_add_avx2, checksum_add_copy_avx2},
#endif
};

static void fail(const struct variant *variant, const char *what, size_t length, size_t alignment)
{
    printf("%s: %s is wrong, of %zu bytes at alignment %zu\n", variant->name, what, length,
           alignment);
    exit(1);
}

/* RFC 1071 1: "adjacent octets to be checksummed are paired to form 16-bit integers, and the 1's
 * complement sum of these 16-bit integers is formed"; continued from `sum`. */
static uint32_t defined_sum(uint32_t sum, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i += 2) {
        sum += bytes[i] * 256u + (i + 1 < length ? bytes[i + 1] : 0u);
        sum = sum > 65535u ? sum - 65535u : sum;
    }
    return sum;
}

static uint32_t number_of(uint16_t field)
{
    uint8_t bytes[2];
    memcpy(bytes, &field, sizeof bytes);
    return bytes[0] * 256u + bytes[1];
}

static bool means(checksum_sum sum, uint32_t defined)
{
    return number_of(checksum_finish(sum)) == 65535u - defined;
}

static void fill(uint8_t *bytes, size_t length, uint32_t seed)
{
    for (size_t i = 0; i < length; i++) {
        seed = seed * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(seed >> 24);
    }
}

static void check_copy(const struct variant *variant, const uint8_t *source, size_t length,
                       size_t alignment, uint32_t defined)
{
    static uint8_t block[2 * ALIGNMENTS + LENGTH_MAX + ALIGNMENTS];
    uint8_t *destination = block + ALIGNMENTS + alignment;
    memset(block, GUARD, sizeof block);
    if (!means(variant->add_copy(0, destination, source, length), defined)) {
        fail(variant, "the copy's sum", length, alignment);
    }
    if (length > 0 && memcmp(destination, source, length) != 0) {
        fail(variant, "the copy", length, alignment);
    }
    for (size_t i = 0; i < ALIGNMENTS; i++) {
        if (destination[length + i] != GUARD || block[alignment + i] != GUARD) {
            fail(variant, "what stands beside the copy", length, alignment);
        }
    }
}

static void every_length_and_alignment(const struct variant *variant)
{
    static uint8_t block[ALIGNMENTS + LENGTH_MAX];
    for (size_t alignment = 0; alignment < ALIGNMENTS; alignment++) {
        const uint8_t *bytes = block + alignment;
        fill(block, sizeof block, (uint32_t)alignment);
        for (size_t length = 0; length <= LENGTH_MAX; length++) {
            uint32_t defined = defined_sum(0, bytes, length);
            if (!means(variant->add(0, bytes, length), defined)) {
                fail(variant, "the sum", length, alignment);
            }
            check_copy(variant, bytes, length, (alignment * 5 + length) % ALIGNMENTS, defined);
        }
    }
}

/* A second piece that begins at an odd place is turned round. */
static void every_cut(const struct variant *variant)
{
    uint8_t bytes[LENGTH_MAX];
    uint8_t copy[LENGTH_MAX];
    uint32_t defined;
    fill(bytes, sizeof bytes, 1071);
    defined = defined_sum(0, bytes, sizeof bytes);
    for (size_t cut = 0; cut <= sizeof bytes; cut++) {
        checksum_sum first = variant->add_copy(0, copy, bytes, cut);
        checksum_sum second = variant->add_copy(0, copy + cut, bytes + cut, sizeof bytes - cut);
        checksum_sum sum = first + (cut % 2 != 0 ? checksum_swap(second) : second);
        if (!means(sum, defined) || memcmp(copy, bytes, sizeof bytes) != 0) {
            fail(variant, "what is cut in two", cut, 0);
        }
    }
}

static void long_runs(const struct variant *variant)
{
    static const uint8_t filling[] = {0x00, 0xff, 0x80, 0x7f};
    uint8_t *source = malloc(LONG_BYTES + 1);
    uint8_t *destination = malloc(LONG_BYTES + 1);
    if (source == NULL || destination == NULL) {
        printf("no memory\n");
        exit(1);
    }
    for (size_t i = 0; i < sizeof filling * sizeof filling; i++) {
        for (size_t at = 0; at < LONG_BYTES; at += 2) {
            source[at] = filling[i / sizeof filling];
            source[at + 1] = filling[i % sizeof filling];
        }
        uint32_t defined = defined_sum(0, source, LONG_BYTES);
        if (!means(variant->add(0, source, LONG_BYTES), defined) ||
            !means(variant->add_copy(0, destination + 1, source, LONG_BYTES), defined) ||
            memcmp(destination + 1, source, LONG_BYTES) != 0) {
            fail(variant, "a long run", LONG_BYTES, i);
        }
    }
    free(source);
    free(destination);
}

int main(void)
{
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
#if CHECKSUM_HAS_AVX2
        if (variants[i].add == checksum_add_avx2 && !checksum_avx2_usable()) {
            printf("%s: not on this processor\n", variants[i].name);
            continue;
        }
#endif
        every_length_and_alignment(&variants[i]);
        every_cut(&variants[i]);
        long_runs(&variants[i]);
        printf("%s: right\n", variants[i].name);
    }
    return 0;
}
