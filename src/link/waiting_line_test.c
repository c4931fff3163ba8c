/* SPDX-License-Identifier: MIT
 *
 * The ring against a model: the list of all starting times, counted anew at every question.
 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "waiting_line.h"

#define ROUNDS 20000

static void count_is_that_of_the_model(void **state)
{
    static hf_time starts[ROUNDS];
    struct waiting_line line = {0};
    hf_time now = 0, last = 0;
    uint32_t random = 5;
    size_t joined = 0, longest = 0;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        size_t waiting = 0;

        random = random * 1664525u + 1013904223u;
        /* Joins faster than the line drains in the first half, slower in the second. */
        if ((random >> 16) % 4 < (round < ROUNDS / 2 ? 3u : 1u)) {
            last = (last > now ? last : now) + (random >> 24) % 5;
            assert_true(waiting_line_join(&line, last));
            starts[joined++] = last;
        } else {
            now += (random >> 24) % 6;
        }
        for (size_t i = 0; i < joined; i++)
            waiting += starts[i] > now;
        assert_int_equal(waiting_line_count(&line, now), waiting);
        longest = waiting > longest ? waiting : longest;
    }
    assert_true(longest > 1000);
    assert_int_equal(waiting_line_count(&line, last), 0);
    waiting_line_clear(&line);
    assert_int_equal(waiting_line_count(&line, last), 0);
    waiting_line_clear(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(count_is_that_of_the_model)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
