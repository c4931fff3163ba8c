/* SPDX-License-Identifier: MIT
 *
 * The numbers are SplitMix64's (the reference outputs that its authors' program prints for seed
 * 1234567), and chances are exact at both ends.
 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "link_random.h"

static void numbers_are_those_of_the_reference(void **state)
{
    static const uint64_t reference[] = {
        UINT64_C(6457827717110365317),  UINT64_C(3203168211198807973),
        UINT64_C(9817491932198370423),  UINT64_C(4593380528125082431),
        UINT64_C(16408922859458223821),
    };
    struct link_random random = {1234567};

    (void)state;
    for (uint64_t i = 0; i < 5; i++)
        assert_true(link_random_at(random, i) == reference[i]);
}

static void no_chance_never_and_certainty_always(void **state)
{
    struct link_random random = link_random_for(1, 2);
    uint64_t hits = 0, misses = 0;

    (void)state;
    for (uint64_t number = 0; number < 20000000; number++) {
        hits += (uint64_t)link_random_hit(random, number, 0);
        misses += (uint64_t)!link_random_hit(random, number, LINK_RANDOM_PPM);
    }
    assert_int_equal(hits, 0);
    assert_int_equal(misses, 0);
}

/* 20 expected of 20 million; 5 standard deviations are 22. */
static void one_in_a_million_is_that(void **state)
{
    struct link_random random = link_random_for(1, 2);
    uint64_t hits = 0;

    (void)state;
    for (uint64_t number = 0; number < 20000000; number++)
        hits += (uint64_t)link_random_hit(random, number, 1);
    assert_in_range(hits, 1, 42);
}

static void ranges_are_filled_to_their_limits(void **state)
{
    struct link_random random = link_random_for(3, 4);
    unsigned counts[7] = {0};

    (void)state;
    for (uint64_t number = 0; number < 70000; number++) {
        uint64_t value = link_random_up_to(random, number, 6);
        assert_in_range(value, 0, 6);
        counts[value]++;
    }
    for (int i = 0; i < 7; i++)
        assert_in_range(counts[i], 10000 - 500, 10000 + 500);
    assert_int_equal(link_random_up_to(random, 5, 0), 0);
    assert_true(link_random_up_to(random, 5, UINT64_MAX) == link_random_at(random, 5));
}

/* Neighbouring seeds and purposes have nothing in common: of 64 bits half differ. */
static void neighbours_are_strangers(void **state)
{
    uint64_t differing = 0, compared = 0;

    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++) {
        for (uint64_t purpose = 0; purpose < 20; purpose++) {
            uint64_t here = link_random_at(link_random_for(seed, purpose), 1);
            uint64_t next_seed = link_random_at(link_random_for(seed + 1, purpose), 1);
            uint64_t next_purpose = link_random_at(link_random_for(seed, purpose + 1), 1);
            differing += (uint64_t)__builtin_popcountll(here ^ next_seed);
            differing += (uint64_t)__builtin_popcountll(here ^ next_purpose);
            compared += 128;
        }
    }
    /* 256,000 bits: a standard deviation is 253. */
    assert_in_range(differing, compared / 2 - 5 * 253, compared / 2 + 5 * 253);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_those_of_the_reference),
        cmocka_unit_test(no_chance_never_and_certainty_always),
        cmocka_unit_test(one_in_a_million_is_that),
        cmocka_unit_test(ranges_are_filled_to_their_limits),
        cmocka_unit_test(neighbours_are_strangers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
