/* SPDX-License-Identifier: MIT
 *
 * The numbers on the command line of `handfast demo`, right and wrong, and that names and scenarios
 * are the same.
 */
#include "demo.h"
#include "demo_options.h"
#include "demo_scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void percentages(void **state)
{
    static const struct {
        const char *text;
        uint32_t ppm;
    } right[] = {
        {"0", 0},      {"1", 10000},        {"100", 1000000}, {"2.5", 25000},     {"2.5%", 25000},
        {"0.0001", 1}, {"99.9999", 999999}, {"7%", 70000},    {"100.0", 1000000}, {"00.5", 5000},
    };
    static const char *const wrong[] = {"",     "-1",   "101",     "100.1", ".5",        "5.",
                                        "5 %",  "five", "0.00001", "5%%",   " 5",        "1e1",
                                        "0x10", "+3",   "2.5.1",   "%",     "4294967297"};
    uint32_t ppm;

    (void)state;
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        assert_true(demo_parse_percent(right[i].text, &ppm));
        assert_int_equal(ppm, right[i].ppm);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (demo_parse_percent(wrong[i], &ppm))
            fail_msg("'%s' was taken as a percentage", wrong[i]);
    }
}

static void rates(void **state)
{
    static const struct {
        const char *text;
        uint64_t bits_per_second;
    } right[] = {
        {"0", 0},          {"9600", 9600},     {"128k", 128000},
        {"128K", 128000},  {"10M", 10000000},  {"10Mbit", 10000000},
        {"9600bit", 9600}, {"1G", 1000000000}, {"1000G", UINT64_C(1000000000000)},
    };
    static const char *const wrong[] = {"",      "-1",   "k",    "10MM",  "10 M",
                                        "1001G", "10Mb", "1.5M", "bit10", "99999999999999999999"};
    uint64_t rate;

    (void)state;
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        assert_true(demo_parse_rate(right[i].text, &rate));
        assert_int_equal(rate, right[i].bits_per_second);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (demo_parse_rate(wrong[i], &rate))
            fail_msg("'%s' was taken as a rate", wrong[i]);
    }
}

static void delays(void **state)
{
    static const struct {
        const char *text;
        hf_time delay_ns;
    } right[] = {
        {"0", 0},
        {"20", 20 * HF_MILLISECOND},
        {"20ms", 20 * HF_MILLISECOND},
        {"500us", 500 * HF_MICROSECOND},
        {"2s", 2 * HF_SECOND},
        {"60s", 60 * HF_SECOND},
        {"60000", 60 * HF_SECOND},
    };
    static const char *const wrong[] = {"",   "-1",    "61s", "60001", "20 ms",
                                        "ms", "1.5ms", "2m",  "2sec",  "18446744073709551617"};
    hf_time delay;

    (void)state;
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        assert_true(demo_parse_delay(right[i].text, &delay));
        assert_int_equal(delay, right[i].delay_ns);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (demo_parse_delay(wrong[i], &delay))
            fail_msg("'%s' was taken as a delay", wrong[i]);
    }
}

static void names_are_those_of_the_scenarios(void **state)
{
    size_t count = 0;

    (void)state;
    for (size_t i = 0; command_demo.words[i] != NULL; i++) {
        if (strcmp(command_demo.words[i], "list") == 0)
            continue;
        assert_non_null(demo_scenario_find(command_demo.words[i]));
        count++;
    }
    assert_null(demo_scenario_at(count));
    assert_non_null(demo_scenario_at(count - 1));
    assert_null(demo_scenario_find("list"));
}

/* A scenario that checks nothing would pass whatever the stacks do. */
static void scenarios_are_whole(void **state)
{
    (void)state;
    for (size_t i = 0; demo_scenario_at(i) != NULL; i++) {
        const struct demo_scenario *scenario = demo_scenario_at(i);
        unsigned checks = 0;

        assert_true(scenario->question[strlen(scenario->question) - 1] == '?');
        assert_non_null(strstr(scenario->before, "Look for:"));
        assert_non_null(strstr(scenario->sections, "RFC 9293 3."));
        assert_true(strlen(scenario->answer) > 200);
        for (size_t k = 0; k < scenario->step_count; k++)
            checks += scenario->steps[k].action >= DEMO_STATE ? 1 : 0;
        assert_true(checks >= 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentages),
        cmocka_unit_test(rates),
        cmocka_unit_test(delays),
        cmocka_unit_test(names_are_those_of_the_scenarios),
        cmocka_unit_test(scenarios_are_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
