/* SPDX-License-Identifier: MIT
 *
 * Every sink of a tee gets every event once, in turn; gaps and wild counts do no harm.
 */
#include "trace_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct listener {
    char name;
    char *heard;
    const struct hf_trace_event *last;
};

static void hear(void *context, const struct hf_trace_event *event)
{
    struct listener *listener = context;
    size_t length = strlen(listener->heard);

    listener->heard[length] = listener->name;
    listener->heard[length + 1] = '\0';
    listener->last = event;
}

static void every_sink_hears_in_turn(void **state)
{
    char heard[64] = "";
    struct listener a = {'a', heard, NULL}, b = {'b', heard, NULL};
    struct hf_trace_tee tee = {.sinks = {{hear, &a}, {NULL, NULL}, {hear, &b}}, .count = 3};
    struct script_event event;

    (void)state;
    script_make(0, &event);
    script_send(hf_trace_tee_sink(&tee), &event);
    script_send(hf_trace_tee_sink(&tee), &event);
    assert_string_equal(heard, "abab");
    assert_ptr_equal(a.last, &event.event);
    assert_ptr_equal(b.last, &event.event);
}

static void the_count_decides_and_stays_within_the_array(void **state)
{
    char heard[64] = "";
    struct listener a = {'a', heard, NULL};
    struct hf_trace_tee tee = {.count = 0};
    struct hf_trace_sink sink = hf_trace_tee_sink(&tee);
    struct script_event event;

    (void)state;
    script_make(0, &event);
    for (size_t i = 0; i < 8; i++)
        tee.sinks[i] = (struct hf_trace_sink){hear, &a};
    script_send(sink, &event);
    assert_string_equal(heard, "");
    tee.count = 5; /* taken up at once */
    script_send(sink, &event);
    assert_string_equal(heard, "aaaaa");
    tee.count = 1000;
    heard[0] = '\0';
    script_send(sink, &event);
    assert_string_equal(heard, "aaaaaaaa");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sink_hears_in_turn),
        cmocka_unit_test(the_count_decides_and_stays_within_the_array),
    };

    return cmocka_run_group_tests_name("tee", tests, NULL, NULL);
}
