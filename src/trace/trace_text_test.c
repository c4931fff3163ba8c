/* SPDX-License-Identifier: MIT
 *
 * The text helpers of the sinks, against literals.
 */
#include "trace_text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_line_is_bounded_and_says_when_it_is_full(void **state)
{
    struct trace_text text;
    char big[TRACE_TEXT_BYTES];

    (void)state;
    memset(big, 'x', sizeof(big));
    big[sizeof(big) - 1] = '\0';
    trace_text_clear(&text);
    trace_text_add(&text, big);
    assert_false(text.truncated);
    assert_int_equal(text.length, TRACE_TEXT_BYTES - 1);
    trace_text_add(&text, "y");
    assert_true(text.truncated);
    assert_string_equal(text.bytes, big);
    text.truncated = false;
    trace_text_addf(&text, "%d", 7);
    assert_true(text.truncated);
    assert_string_equal(text.bytes, big);
}

static void columns_are_code_points(void **state)
{
    (void)state;
    assert_int_equal(trace_columns(""), 0);
    assert_int_equal(trace_columns("abc"), 3);
    assert_int_equal(trace_columns("\xe2\x94\x80\xe2\x96\xba"), 2);
    assert_int_equal(trace_columns("J\xc3\xbcrgen"), 6);
    assert_int_equal(trace_columns("\xf0\x9f\x99\x82"), 1);
}

static void only_well_formed_utf8_counts(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
    } cases[] = {
        {"a", 1},
        {"\xc3\xa9", 2},
        {"\xe2\x82\xac", 3},
        {"\xf4\x8f\xbf\xbf", 4},
        {"\x80", 0},             /* a continuation byte alone */
        {"\xc0\x80", 0},         /* overlong */
        {"\xc1\xbf", 0},         /* overlong */
        {"\xe0\x9f\xbf", 0},     /* overlong */
        {"\xf0\x8f\xbf\xbf", 0}, /* overlong */
        {"\xed\xa0\x80", 0},     /* a surrogate */
        {"\xf4\x90\x80\x80", 0}, /* past U+10FFFF */
        {"\xf5\x80\x80\x80", 0},
        {"\xff", 0},
        {"\xe2\x82", 0}, /* cut short */
        {"\xf0\x9f\x99", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(trace_utf8_length(cases[i].bytes), cases[i].length);
}

static void names_are_made_harmless(void **state)
{
    char name[16];

    (void)state;
    trace_clean_name(name, sizeof(name), "host-a", false);
    assert_string_equal(name, "host-a");
    trace_clean_name(name, sizeof(name), "a\x1b[2J\n\x7f\xc2\x9b", false);
    assert_string_equal(name, "a?[2J???");
    trace_clean_name(name, sizeof(name), "J\xc3\xbcrg\xff!", false);
    assert_string_equal(name, "J\xc3\xbcrg?!");
    trace_clean_name(name, sizeof(name), "J\xc3\xbcrg", true);
    assert_string_equal(name, "J?rg");
    trace_clean_name(name, 5, "abc\xc3\xbc", false); /* room for 4 bytes: no half character */
    assert_string_equal(name, "abc");
}

static void endpoints_read_as_people_write_them(void **state)
{
    struct hf_endpoint v4 = {{HF_IPV4, {10, 0, 0, 255}}, 65535};
    struct hf_endpoint v6 = {{HF_IPV6, {0xfd, 0, [15] = 1}}, 80};
    struct hf_endpoint longest = {{HF_IPV6, {0}}, 65535};
    struct hf_endpoint any = {{HF_FAMILY_ANY, {0}}, 80};
    char text[HF_ENDPOINT_TEXT];

    (void)state;
    memset(longest.address.bytes, 0xff, 16);
    trace_endpoint_text(&v4, text);
    assert_string_equal(text, "10.0.0.255:65535");
    trace_endpoint_text(&v6, text);
    assert_string_equal(text, "[fd00::1]:80");
    trace_endpoint_text(&longest, text);
    assert_string_equal(text, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
    trace_endpoint_text(&any, text);
    assert_string_equal(text, "*:80");
}

static void flags_come_in_the_order_of_their_bits(void **state)
{
    char text[TRACE_FLAGS_TEXT];

    (void)state;
    trace_flags_text(HF_SYN | HF_ACK, ",", text);
    assert_string_equal(text, "SYN,ACK");
    trace_flags_text(0, ",", text);
    assert_string_equal(text, "none");
    trace_flags_text(0x1ff, "\",\"", text);
    assert_string_equal(text, "FIN\",\"SYN\",\"RST\",\"PSH\",\"ACK\",\"URG\",\"ECE\",\"CWR\",\"AE");
    trace_flags_text(0xfe00 | HF_RST, ",", text); /* reserved bits have no name */
    assert_string_equal(text, "RST");
}

static void durations_have_a_fitting_unit(void **state)
{
    static const struct {
        hf_time duration_ns;
        const char *text;
    } cases[] = {
        {0, "0 ns"},
        {7, "7 ns"},
        {999, "999 ns"},
        {1000, "1 us"},
        {1500, "1.5 us"},
        {20 * HF_MILLISECOND, "20 ms"},
        {1234567, "1.234 ms"},
        {1050 * HF_MILLISECOND, "1.050 s"},
        {60 * HF_SECOND, "60 s"},
        {HF_TIME_NEVER, "for ever"},
        {HF_TIME_NEVER - 1, "9223372036.854 s"},
        {-5, "-5 ns"},
        {INT64_MIN, "-9223372036854775808 ns"},
    };
    char text[TRACE_DURATION_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        trace_duration_text(cases[i].duration_ns, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void protocols_are_read_within_the_packet(void **state)
{
    uint8_t v4[20] = {0x45, [9] = 1}, v6[40] = {0x60, [6] = 58}, other[40] = {0x70};

    (void)state;
    assert_int_equal(trace_packet_protocol(v4, 20), 1);
    assert_int_equal(trace_packet_protocol(v4, 19), -1);
    assert_int_equal(trace_packet_protocol(v6, 40), 58);
    assert_int_equal(trace_packet_protocol(v6, 39), -1);
    assert_int_equal(trace_packet_protocol(other, 40), -1);
    assert_int_equal(trace_packet_protocol(NULL, 40), -1);
}

static void a_full_disk_silences_the_output(void **state)
{
    FILE *full = fopen("/dev/full", "w");
    struct trace_output output = {full, false};

    (void)state;
    assert_non_null(full);
    setvbuf(full, NULL, _IONBF, 0);
    trace_output_write(&output, "x", 1);
    assert_true(output.failed);
    assert_int_equal(errno, ENOSPC);
    clearerr(full);
    trace_output_write(&output, "y", 1);
    trace_output_flush(&output);
    assert_int_equal(ferror(full), 0); /* nothing more was tried */
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_bounded_and_says_when_it_is_full),
        cmocka_unit_test(columns_are_code_points),
        cmocka_unit_test(only_well_formed_utf8_counts),
        cmocka_unit_test(names_are_made_harmless),
        cmocka_unit_test(endpoints_read_as_people_write_them),
        cmocka_unit_test(flags_come_in_the_order_of_their_bits),
        cmocka_unit_test(durations_have_a_fitting_unit),
        cmocka_unit_test(protocols_are_read_within_the_packet),
        cmocka_unit_test(a_full_disk_silences_the_output),
    };

    return cmocka_run_group_tests_name("trace_text", tests, NULL, NULL);
}
