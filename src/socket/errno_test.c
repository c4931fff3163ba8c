/* SPDX-License-Identifier: MIT
 *
 * Every scenario, in the kernel and in Handfast, answer by answer. It needs no privilege, talks to
 * loopback only, and its verdict does not depend on how fast anything is.
 */
#include "errno_scenarios.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MOST_SECONDS 120

static void play_all(const struct named_scenario *scenarios, size_t count, int casts)
{
    bool ipv6 = kernel_has_ipv6();
    size_t failures = 0;
    for (size_t i = 0; i < count; i++) {
        if (scenarios[i].needs_ipv6 && !ipv6) {
            continue;
        }
        for (int cast = AS_WRITTEN; cast < (ipv6 ? casts : 1); cast++) {
            failures += !scenario_agrees(&scenarios[i], (enum cast)cast);
        }
    }
    assert_int_equal(failures, 0);
}

static void arguments(void **state)
{
    (void)state;
    play_all(argument_scenarios, argument_scenario_count, 1);
}

static void states(void **state)
{
    (void)state;
    play_all(state_scenarios, state_scenario_count, CAST_COUNT);
}

static void options(void **state)
{
    (void)state;
    play_all(option_scenarios, option_scenario_count, 1);
}

static void readiness(void **state)
{
    (void)state;
    play_all(readiness_scenarios, readiness_scenario_count, CAST_COUNT);
}

static void binding(void **state)
{
    (void)state;
    play_all(bind_scenarios, bind_scenario_count, 1);
}

static void differences(void **state)
{
    (void)state;
    play_all(difference_scenarios, difference_scenario_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments), cmocka_unit_test(states),  cmocka_unit_test(options),
        cmocka_unit_test(readiness), cmocka_unit_test(binding), cmocka_unit_test(differences),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    (void)alarm(MOST_SECONDS); /* a call that hangs ends the test */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
