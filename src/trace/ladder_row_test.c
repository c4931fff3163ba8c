/* SPDX-License-Identifier: MIT
 *
 * What must hold for every line of any conversation, however odd: no wider than asked, no control
 * characters, well-formed UTF-8.
 */
#include "ladder_drawing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void every_line_fits_in_every_width(void **state)
{
    static const int widths[] = {0, 1, -5, 80, 81, 99, 100, 120, 133, 200, 400, 100000};

    (void)state;
    for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
        for (int choice = 0; choice < 16; choice++) {
            struct hf_ladder_options options = {.columns = widths[i],
                                                .colour = choice & 1,
                                                .absolute = choice >> 1 & 1,
                                                .verbose = choice >> 2 & 1,
                                                .plain_ascii = choice >> 3 & 1};
            size_t columns = widths[i] < 80 ? 80 : widths[i] > 400 ? 400 : (size_t)widths[i];
            char *text = drawing_of_script(&options);

            assert_tidy(text, columns, options.colour, options.plain_ascii);
            free(text);
        }
    }
}

static void colour_changes_nothing_but_colour(void **state)
{
    struct hf_ladder_options plain = {.columns = 100}, coloured = {.columns = 100, .colour = 1};
    char *expected = drawing_of_script(&plain), *text = drawing_of_script(&coloured);
    size_t kept = 0;

    (void)state;
    assert_contains(text, "\x1b[32m");
    for (size_t i = 0; text[i]; i++) {
        if (text[i] == 0x1b)
            i += strcspn(text + i, "m");
        else
            text[kept++] = text[i];
    }
    text[kept] = '\0';
    assert_string_equal(text, expected);
    free(text);
    free(expected);
}

static void arrows_are_drawn_with_lines_unless_ascii_is_asked_for(void **state)
{
    char *text = drawing_of_script(NULL);

    (void)state;
    assert_contains(text, "0.000000 SYN-SENT     \xe2\x94\x80\xe2\x94\x80 SYN SEQ=0 LEN=0 ");
    assert_contains(text, "\xe2\x94\x80\xe2\x96\xba LISTEN\n");
    assert_contains(text, "SYN-SENT     \xe2\x97\x84\xe2\x94\x80\xe2\x94\x80 SYN,ACK SEQ=0 ");
    assert_tidy(text, 80, false, false);
    free(text);
}

static void time_counts_from_the_first_event_in_eight_columns(void **state)
{
    static const struct {
        hf_time since;
        const char *text;
    } cases[] = {
        {0, "0.000000 "},
        {1, "0.000000 "},
        {9999999999, "9.999999 "},
        {10 * HF_SECOND, "10.00000 "},
        {99 * HF_SECOND + 123456789, "99.12345 "},
        {7200 * HF_SECOND + 500 * HF_MILLISECOND, "7200.500 "},
        {1234567 * HF_SECOND, " 1234567 "},
        {99999999 * HF_SECOND, "99999999 "},
        {100000000 * HF_SECOND, "     3 y "},
        {HF_TIME_NEVER - 1 - 77, "   292 y "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct drawing drawing = drawing_begin(NULL);
        struct script_event event;
        char *text, expected[32];

        script_blank(&event, 0, 77, HF_TRACE_LIMIT, HF_REASON_MEMORY_LIMIT);
        script_send(drawing.sink, &event);
        event.event.time = 77 + cases[i].since;
        script_send(drawing.sink, &event);
        event.event.time = 5; /* another host's clock is behind: no time before the first */
        script_send(drawing.sink, &event);
        text = drawing_finish(&drawing);
        snprintf(expected, sizeof(expected), "\n%sCLOSED", cases[i].text);
        assert_contains(text, expected);
        assert_tidy(text, 80, false, false);
        free(text);
    }
}

static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33);
}

static void fill_random(void *into, size_t length, uint64_t *seed)
{
    uint8_t *bytes = into;

    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)next_random(seed);
}

static void make_random(struct script_event *into, uint64_t *seed)
{
    static const char long_name[] = "a name that is a good deal longer than any column of any "
                                    "ladder could ever be made to hold";
    static const char *const names[] = {"", "a", "\xff\xfe", "J\xc3\xbcrgen\n", long_name};
    static const uint8_t families[] = {HF_FAMILY_ANY, HF_IPV4, HF_IPV6};
    struct hf_trace_event *event = &into->event;

    script_blank(into, next_random(seed) % 20, 0, HF_TRACE_SENT, HF_REASON_NONE);
    event->kind = (enum hf_trace_kind)(next_random(seed) % 11);
    event->reason = (enum hf_reason)(next_random(seed) % (HF_REASON_COUNT + 2));
    event->host_name = names[next_random(seed) % 5];
    event->time = next_random(seed) % 3 ? 5 : (hf_time)((uint64_t)next_random(seed) << 32);
    event->state_before = (enum hf_state)(next_random(seed) % 12);
    event->state = (enum hf_state)(next_random(seed) % 12);
    event->value = next_random(seed) % 4 ? (int64_t)next_random(seed) - 1000 : INT64_MIN;
    event->host %= next_random(seed) % 2 ? 2 : 20;
    if (next_random(seed) % 2) {
        fill_random(&event->local.address.bytes, 16, seed);
        event->local.address.family = families[next_random(seed) % 3];
        event->local.port = (uint16_t)(next_random(seed) % 200);
        event->remote.address.family = families[next_random(seed) % 3];
        event->remote.port = (uint16_t)(next_random(seed) % 3 ? 65535 : 0);
        memset(event->remote.address.bytes, 0xff, 16);
    }
    if (next_random(seed) % 2)
        fill_random(&event->numbers, sizeof(event->numbers), seed);
    fill_random(&into->segment, sizeof(into->segment), seed);
    if (next_random(seed) % 4)
        event->segment = &into->segment;
    fill_random(into->packet, 60, seed);
    event->packet = next_random(seed) % 4 ? into->packet : NULL;
    event->packet_length = next_random(seed) % 61;
}

static void nothing_upsets_the_ladder(void **state)
{
    uint64_t seed = 1;

    (void)state;
    for (int round = 0; round < 40; round++) {
        struct hf_ladder_options options = {.columns = round % 5 ? 80 + round : 0,
                                            .verbose = round & 1,
                                            .absolute = round >> 1 & 1,
                                            .plain_ascii = round >> 2 & 1,
                                            .colour = round >> 3 & 1};
        struct drawing drawing = drawing_begin(&options);
        char *text;

        for (int i = 0; i < 1000; i++) {
            struct script_event event;

            make_random(&event, &seed);
            script_send(drawing.sink, &event);
        }
        text = drawing_finish(&drawing);
        assert_tidy(text, options.columns ? (size_t)options.columns : 80, options.colour,
                    options.plain_ascii);
        assert_true(script_count(text, "\n") > 1000);
        free(text);
    }
}

static void fast_open_is_an_item(void **state)
{
    struct script_event event;

    (void)state;
    for (int cookie = 0; cookie < 2; cookie++) {
        FILE *file = tmpfile();
        struct hf_ladder *ladder = hf_ladder_new(file, NULL);
        char *text;

        assert_non_null(ladder);
        script_make(4, &event); /* a's SYN */
        event.segment.has_fast_open = 1;
        event.segment.fast_open_length = cookie ? 2 : 0;
        memcpy(event.segment.fast_open_cookie, "\xab\x0c", 2);
        script_send(hf_ladder_sink(ladder), &event);
        hf_ladder_free(ladder);
        rewind(file);
        text = script_read_all(file);
        fclose(file);
        assert_non_null(text);
        assert_non_null(strstr(text, " FO"));
        assert_true((strstr(text, " FO=ab0c") != NULL) == (cookie != 0));
        free(text);
    }
}

static void a_full_disk_silences_the_ladder(void **state)
{
    FILE *full = fopen("/dev/full", "w");
    struct hf_ladder *ladder = hf_ladder_new(full, NULL);

    (void)state;
    assert_non_null(ladder);
    setvbuf(full, NULL, _IONBF, 0);
    script_play(hf_ladder_sink(ladder));
    assert_true(ferror(full));
    clearerr(full);
    script_play(hf_ladder_sink(ladder));
    assert_false(ferror(full));
    hf_ladder_free(ladder);
    fclose(full);
    hf_ladder_free(NULL);
    assert_null(hf_ladder_new(NULL, NULL));
    assert_int_equal(errno, EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_fits_in_every_width),
        cmocka_unit_test(colour_changes_nothing_but_colour),
        cmocka_unit_test(arrows_are_drawn_with_lines_unless_ascii_is_asked_for),
        cmocka_unit_test(time_counts_from_the_first_event_in_eight_columns),
        cmocka_unit_test(nothing_upsets_the_ladder),
        cmocka_unit_test(fast_open_is_an_item),
        cmocka_unit_test(a_full_disk_silences_the_ladder),
    };

    return cmocka_run_group_tests_name("ladder_row", tests, NULL, NULL);
}
