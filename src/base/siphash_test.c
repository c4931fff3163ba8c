/* SPDX-License-Identifier: MIT
 *
 * SipHash-2-4 against the worked example of the paper's appendix and against libsodium's
 * crypto_shorthash, which is the same function written by others.
 */
#include "siphash.h"

#include "base_test_support.h"

#include <sodium.h>

static void paper_example(void **state)
{
    (void)state;
    uint8_t bytes[16];
    for (uint8_t i = 0; i < 16; i++)
        bytes[i] = i;
    struct siphash_key key = siphash_key_from_bytes(bytes);
    assert_true(key.k0 == UINT64_C(0x0706050403020100));
    assert_true(key.k1 == UINT64_C(0x0f0e0d0c0b0a0908));
    assert_true(siphash(&key, bytes, 15) == UINT64_C(0xa129ca6149be45e5));
}

static uint64_t sodium_hash(const uint8_t key[16], const uint8_t *data, size_t length)
{
    uint8_t out[8];
    assert_int_equal(crypto_shorthash(out, data, length, key), 0);
    uint64_t word = 0;
    for (unsigned i = 0; i < 8; i++)
        word |= (uint64_t)out[i] << 8 * i;
    return word;
}

static void fill(struct test_random *random, uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)random_next(random);
}

static void agrees_with_libsodium(void **state)
{
    (void)state;
    assert_true(sodium_init() >= 0);
    struct test_random random = {3};
    uint8_t data[1024 + 8];
    for (size_t length = 0; length <= 1024; length++) {
        for (unsigned i = 0; i < 16; i++) {
            uint8_t bytes[16];
            fill(&random, bytes, sizeof bytes);
            struct siphash_key key = siphash_key_from_bytes(bytes);
            const uint8_t *from = data + random_below(&random, 8);
            fill(&random, data, sizeof data);
            assert_true(siphash(&key, from, length) == sodium_hash(bytes, from, length));
        }
    }
}

static void unrolled_ones_agree_with_libsodium(void **state)
{
    (void)state;
    assert_true(sodium_init() >= 0);
    struct test_random random = {5};
    for (unsigned i = 0; i < 10000; i++) {
        uint8_t bytes[16];
        uint8_t data[40];
        fill(&random, bytes, sizeof bytes);
        struct siphash_key key = siphash_key_from_bytes(bytes);
        fill(&random, data, sizeof data);
        assert_true(siphash_12(&key, data) == sodium_hash(bytes, data, 12));
        assert_true(siphash_40(&key, data) == sodium_hash(bytes, data, 40));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paper_example),
        cmocka_unit_test(agrees_with_libsodium),
        cmocka_unit_test(unrolled_ones_agree_with_libsodium),
    };
    return cmocka_run_group_tests_name("siphash", tests, NULL, NULL);
}
