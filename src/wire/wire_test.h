/* SPDX-License-Identifier: MIT
 *
 * What the tests of this layer share: cmocka, a seeded generator, and copies of bytes in blocks of
 * exactly their size, so that the address sanitizer sees every read past what was received.
 */
#ifndef WIRE_TEST_H
#define WIRE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct test_random {
    uint64_t state;
};

/* SplitMix64. */
static inline uint64_t test_random_next(struct test_random *random)
{
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline uint32_t test_random_below(struct test_random *random, uint32_t bound)
{
    return (uint32_t)(test_random_next(random) >> 32) % bound;
}

static inline void test_random_fill(struct test_random *random, uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        bytes[i] = (uint8_t)(test_random_next(random) >> 40);
    }
}

/* The caller frees. */
static inline uint8_t *test_exact_copy(const uint8_t *bytes, size_t length)
{
    uint8_t *copy = malloc(length);
    assert_true(copy != NULL || length == 0);
    if (length > 0) {
        memcpy(copy, bytes, length);
    }
    return copy;
}

/* RFC 1071 as its first sentence has it: big-endian 16-bit words, each carry added at once. Shares
 * no idea with the code under test. Returns the checksum as a number: its first byte is the high
 * one. */
static inline uint16_t test_naive_checksum(const uint8_t *bytes, size_t length)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < length; i += 2) {
        uint32_t word = (uint32_t)bytes[i] * 256u;
        if (i + 1 < length) {
            word += bytes[i + 1];
        }
        sum += word;
        if (sum > 65535u) {
            sum -= 65535u;
        }
    }
    return (uint16_t)(65535u - sum);
}

/* A checksum field as it lies in memory, as a number. */
static inline uint16_t test_field_value(uint16_t field)
{
    uint8_t bytes[2];
    memcpy(bytes, &field, 2);
    return (uint16_t)(bytes[0] * 256u + bytes[1]);
}

static inline uint16_t test_field_of(uint16_t value)
{
    uint8_t bytes[2] = {(uint8_t)(value / 256u), (uint8_t)(value % 256u)};
    uint16_t field;
    memcpy(&field, bytes, 2);
    return field;
}

#endif
