/* SPDX-License-Identifier: MIT
 *
 * RED against the paper's formulas in floating point.
 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "red.h"

#include <math.h>

#define WEIGHT (1.0 / 512)

static uint32_t luck(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % 1000000;
}

static void the_average_is_the_papers(void **state)
{
    struct red red = {20000, 60000, 100000, 0, 0};
    uint32_t seed = 3;
    double average = 0;

    (void)state;
    for (int i = 0; i < 50000; i++) {
        uint64_t queue = luck(&seed) % 80000;
        uint64_t idle = luck(&seed) % 100 == 0 ? luck(&seed) % 3000 : 0;

        red_condemns(&red, queue, idle, 999999);
        average = average * pow(1 - WEIGHT, (double)idle);
        average += WEIGHT * ((double)queue - average);
        assert_true(fabs((double)red.average / 512 - average) < 2 + average / 100);
    }
}

/* How often a queue of constant length, of any age, is picked; per million. */
static double rate_at(uint64_t queue)
{
    struct red red = {20000, 60000, 100000, 0, 0};
    uint32_t seed = 9;
    int picked = 0;

    for (int i = 0; i < 20000; i++)
        red_condemns(&red, queue, 0, luck(&seed));
    for (int i = 0; i < 200000; i++)
        picked += red_condemns(&red, queue, 0, luck(&seed));
    return picked * 5.0;
}

/* The gaps between two are uniform on 1..1/p_b, so their mean is (1 + 1/p_b) / 2. */
static double expected_at(double chance)
{
    return chance >= 1 ? 1e6 : 2e6 / (1 + 1 / chance);
}

static void the_chance_is_the_slopes(void **state)
{
    (void)state;
    assert_true(rate_at(0) == 0);
    assert_true(rate_at(19000) == 0);
    assert_true(fabs(rate_at(40000) / expected_at(0.05) - 1) < 0.05);
    assert_true(fabs(rate_at(59000) / expected_at(0.0975) - 1) < 0.05);
    /* "Gentle": from the maximum on, up to twice that, towards certainty. */
    assert_true(fabs(rate_at(90000) / expected_at(0.55) - 1) < 0.20);
    assert_true(rate_at(125000) == 1e6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_average_is_the_papers),
        cmocka_unit_test(the_chance_is_the_slopes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
