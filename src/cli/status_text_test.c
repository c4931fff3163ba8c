/* SPDX-License-Identifier: MIT
 *
 * Rows have as many fields as the header, and nothing overflows with the largest of numbers.
 */
#include "status_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int fields_of(const char *line)
{
    int fields = 1;

    for (; *line != '\0'; line++)
        fields += *line == '\t';
    return fields;
}

static struct hf_status example(void)
{
    struct hf_status status = {
        .handle = 0x1234,
        .state = HF_ESTABLISHED,
        .local = {hf_address_ipv4(10, 66, 0, 2), 80},
        .remote = {hf_address_ipv4(10, 66, 0, 1), 40000},
        .send_queue_bytes = 1000,
        .receive_queue_bytes = 20,
        .retransmits = 3,
        .timer = "retransmit",
        .timer_deadline = 2500 * HF_MILLISECOND,
        .timestamps = 1,
        .window_scaling = 1,
        .nagle = 1,
        .congestion_control = "reno",
    };

    status.numbers.snd_wnd = 65536;
    status.numbers.cwnd_bytes = 14480;
    status.numbers.srtt_ns = 1234567;
    status.numbers.rto_ns = 200 * HF_MILLISECOND;
    return status;
}

static void rows(void **state)
{
    char text[STATUS_TEXT_BYTES];
    struct hf_status status = example();
    const struct hf_endpoint none = {.port = 0};
    size_t length;

    (void)state;
    length = status_text_header(text);
    assert_int_equal(length, strlen(text));
    assert_int_equal(fields_of(text), STATUS_TEXT_COLUMNS);

    length = status_text_row(text, &status, 2 * HF_SECOND);
    assert_int_equal(length, strlen(text));
    assert_string_equal(text, "ESTABLISHED\t20\t1000\t10.66.0.2:80\t10.66.0.1:40000\t65536\t14480\t"
                              "1.235ms\t200ms\t3\tretransmit 0.5s\tts,ws\n");

    status.state = HF_LISTEN;
    status.local = (struct hf_endpoint){.port = 80};
    status.remote = none;
    status.backlog = 16;
    status.accept_queue = 2;
    status.timer = "";
    status.timer_deadline = HF_TIME_NEVER;
    status_text_row(text, &status, 0);
    assert_string_equal(text, "LISTEN\t2\t16\t*:80\t*\t-\t-\t-\t-\t-\t-\t-\n");

    for (int kind = HF_CLOSED; kind <= HF_TIME_WAIT; kind++) {
        status.state = (enum hf_state)kind;
        status_text_row(text, &status, 0);
        assert_int_equal(fields_of(text), STATUS_TEXT_COLUMNS);
    }
}

static void json(void **state)
{
    char text[STATUS_TEXT_BYTES];
    struct hf_status status = example();
    size_t length;

    (void)state;
    length = status_text_json(text, &status, 2 * HF_SECOND);
    assert_int_equal(length, strlen(text));
    assert_non_null(strstr(text, "{\"handle\":\"1234\",\"state\":\"ESTABLISHED\","
                                 "\"local\":{\"address\":\"10.66.0.2\",\"port\":80},"));
    assert_non_null(strstr(text, "\"timer\":\"retransmit\",\"timer_left_ns\":500000000,"));
    assert_non_null(strstr(text, "\"srtt_ns\":1234567,"));
    assert_int_equal(text[strlen(text) - 1], '}');
}

static void metrics(void **state)
{
    char text[STATUS_TEXT_BYTES];
    struct hf_metrics known = {.local = hf_address_ipv4(10, 66, 0, 2),
                               .remote = hf_address_ipv4(10, 66, 0, 1),
                               .saved_ns = 1500 * HF_MILLISECOND,
                               .srtt_ns = 20 * HF_MILLISECOND,
                               .rttvar_ns = 2500 * HF_MICROSECOND,
                               .cwnd_bytes = 14480,
                               .reordering = 3};
    size_t length;

    (void)state;
    length = status_text_metrics_header(text);
    assert_int_equal(length, strlen(text));
    assert_int_equal(fields_of(text), STATUS_METRICS_COLUMNS);
    length = status_text_metrics_row(text, &known, 4 * HF_SECOND);
    assert_int_equal(length, strlen(text));
    assert_string_equal(text, "10.66.0.2\t10.66.0.1\t2.5s\t20ms\t2.500ms\t14480\t-\t3\n");
    length = status_text_metrics_json(text, &known, 4 * HF_SECOND);
    assert_int_equal(length, strlen(text));
    assert_string_equal(text, "{\"local\":\"10.66.0.2\",\"remote\":\"10.66.0.1\","
                              "\"age_ns\":2500000000,\"srtt_ns\":20000000,\"rttvar_ns\":2500000,"
                              "\"cwnd_bytes\":14480,\"ssthresh_bytes\":0,\"reordering\":3}");
    memset(&known, 0xff, sizeof known);
    known.local.family = known.remote.family = HF_IPV6;
    known.saved_ns = INT64_MIN / 2;
    known.srtt_ns = known.rttvar_ns = INT64_MAX;
    assert_true(status_text_metrics_row(text, &known, INT64_MAX / 2) < STATUS_TEXT_BYTES - 1);
    assert_int_equal(fields_of(text), STATUS_METRICS_COLUMNS);
    assert_true(status_text_metrics_json(text, &known, INT64_MAX / 2) < STATUS_TEXT_BYTES - 1);
    assert_int_equal(text[strlen(text) - 1], '}');
}

static void largest(void **state)
{
    char text[STATUS_TEXT_BYTES];
    struct hf_status status;

    (void)state;
    memset(&status, 0xff, sizeof status);
    status.state = HF_SYN_RECEIVED;
    status.local.address.family = status.remote.address.family = HF_IPV6;
    status.timer = "a-timer-with-a-long-name";
    status.timer_deadline = INT64_MAX - 1;
    status.congestion_control = "an-algorithm-with-a-long-name";
    assert_true(status_text_row(text, &status, 0) < STATUS_TEXT_BYTES - 1);
    assert_true(status_text_json(text, &status, 0) < STATUS_TEXT_BYTES - 1);
    assert_int_equal(text[strlen(text) - 1], '}');
}

static void counters(void **state)
{
    char text[STATUS_COUNTERS_BYTES];
    struct hf_counters counted = {.packets_received = 7};
    size_t length;

    (void)state;
    counted.dropped[HF_REASON_TCP_CHECKSUM] = 3;
    counted.dropped[HF_REASON_PAWS] = 1;
    length = status_text_counters(text, &counted);
    assert_int_equal(length, strlen(text));
    assert_non_null(strstr(text, "{\"packets_received\":7,"));
    assert_non_null(strstr(text, "\"dropped\":{\"tcp-checksum\":3,\"paws\":1}}"));

    memset(&counted, 0xff, sizeof counted);
    length = status_text_counters(text, &counted);
    assert_true(length < STATUS_COUNTERS_BYTES - 1);
    assert_string_equal(text + length - 2, "}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows),    cmocka_unit_test(json),     cmocka_unit_test(metrics),
        cmocka_unit_test(largest), cmocka_unit_test(counters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
