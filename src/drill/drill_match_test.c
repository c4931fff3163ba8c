/* SPDX-License-Identifier: MIT
 *
 * The judge: what is equal passes, and every single difference is seen and named.
 */
#include "drill_match.h"

#include "drill_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct bench {
    struct drill_script script;
    const struct drill_packet *expected;
    struct drill_flow flow;
    struct drill_progress progress;
    struct drill_judge judge;
    struct drill_segment live;
    uint8_t payload[8192];
    char why[256];
};

#define OFFSET 4294967000u

/* A line, and a packet that is just what it expects. */
static void set_up(struct bench *bench, const char *line)
{
    memset(bench, 0, sizeof *bench);
    if (!drill_parse(&bench->script, "s", strdup(line), NULL, 0))
        fail_msg("%s", bench->script.message);
    bench->expected = &bench->script.events->packet;
    bench->flow.offset_known = true;
    bench->flow.sequence_offset = OFFSET;
    bench->live.source.address.family = HF_IPV4;
    bench->live.protocol = DRILL_PROTOCOL_TCP;
    bench->live.flags = bench->expected->flags;
    bench->live.seq = bench->expected->seq.value + OFFSET;
    bench->live.ack = bench->expected->ack.value;
    bench->live.window = bench->expected->window;
    bench->live.payload = bench->payload;
    bench->live.payload_length = bench->expected->length;
    drill_stream_fill(bench->payload, sizeof bench->payload, bench->expected->seq.value - 1);
    drill_options_encode(bench->expected->options, 0, bench->live.options,
                         &bench->live.options_length);
}

static void tear_down(struct bench *bench)
{
    drill_script_free(&bench->script);
    free(bench->flow.timestamps);
}

static enum drill_match judge(struct bench *bench)
{
    return drill_match(&bench->judge, bench->expected, &bench->flow, &bench->progress, &bench->live,
                       bench->why);
}

static const char line[] = "+0 > [ect0, ttl 64] P. 1:101(100) ack 7 win 500 <nop,nop,sack 5:9>";

static void start(struct bench *bench)
{
    set_up(bench, line);
    bench->live.ttl = 64;
    bench->live.traffic_class = 2;
}

static void test_equal(void **state)
{
    struct bench bench;
    (void)state;
    start(&bench);
    assert_int_equal(judge(&bench), DRILL_MATCH_WHOLE);
    tear_down(&bench);
}

static void test_differences(void **state)
{
    static const char *const reasons[] = {
        "the sequence number is 2, expected 1",
        "ack is 8, expected 7",
        "win is 501, expected 500",
        "PSH is clear, expected set",
        "CWR is set, expected clear",
        "ttl is 63, expected 64",
        "the ECN field is ce, expected ect0",
        "99 bytes of payload, expected 100",
        "101 bytes of payload, expected 100",
        "byte 50 of the payload is not the one that was written there",
        "the options are <nop,nop,sack 5:10>, expected <nop,nop,sack 5:9>",
        "the options are <>, expected <nop,nop,sack 5:9>",
    };
    (void)state;
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        struct bench bench;
        start(&bench);
        bench.judge.strict_segments = true;
        switch (i) {
        case 0:
            bench.live.seq++;
            break;
        case 1:
            bench.live.ack++;
            break;
        case 2:
            bench.live.window++;
            break;
        case 3:
            bench.live.flags &= (uint16_t)~DRILL_PSH;
            break;
        case 4:
            bench.live.flags |= DRILL_CWR;
            break;
        case 5:
            bench.live.ttl--;
            break;
        case 6:
            bench.live.traffic_class = 3;
            break;
        case 7:
            bench.live.payload_length--;
            break;
        case 8:
            bench.live.payload_length++;
            break;
        case 9:
            bench.payload[50] ^= 1;
            break;
        case 10:
            bench.live.options[11]++;
            break;
        default:
            bench.live.options_length = 0;
            break;
        }
        assert_int_equal(judge(&bench), DRILL_MATCH_NOT);
        assert_string_equal(bench.why, reasons[i]);
        tear_down(&bench);
    }
}

/* A line of 2500 bytes as segments of 1000, 1000 and 500. */
static void test_pieces(void **state)
{
    struct bench bench;
    (void)state;
    set_up(&bench, "+0 > P. 1:2501(2500) ack 7");
    bench.live.flags = DRILL_ACK;
    bench.live.payload_length = 1000;
    assert_int_equal(judge(&bench), DRILL_MATCH_PART);
    bench.live.seq += 1000;
    bench.live.payload += 1000;
    assert_int_equal(judge(&bench), DRILL_MATCH_PART);
    bench.live.seq += 1000;
    bench.live.payload += 1000;
    bench.live.payload_length = 500;
    assert_int_equal(judge(&bench), DRILL_MATCH_NOT); /* PSH is the last one's */
    bench.live.flags |= DRILL_PSH;
    assert_int_equal(judge(&bench), DRILL_MATCH_WHOLE);
    tear_down(&bench);
}

static void test_uneven_pieces(void **state)
{
    struct bench bench;
    (void)state;
    set_up(&bench, "+0 > P. 1:2501(2500) ack 7");
    bench.live.flags = DRILL_ACK;
    bench.live.payload_length = 1000;
    assert_int_equal(judge(&bench), DRILL_MATCH_PART);
    bench.live.seq += 1000;
    bench.live.payload += 1000;
    bench.live.payload_length = 700;
    assert_int_equal(judge(&bench), DRILL_MATCH_NOT);
    bench.live.payload_length = 1200;
    assert_int_equal(judge(&bench), DRILL_MATCH_NOT);
    tear_down(&bench);
}

/* The stack's initial number is learned from its SYN, once. */
static void test_learning(void **state)
{
    struct bench bench;
    (void)state;
    set_up(&bench, "+0 > S 0:0(0) win 5");
    bench.flow.offset_known = false;
    bench.live.seq = 123456789;
    assert_int_equal(judge(&bench), DRILL_MATCH_WHOLE);
    assert_int_equal(bench.flow.sequence_offset, 123456789);
    bench.live.seq++; /* the same SYN with another number */
    assert_int_equal(judge(&bench), DRILL_MATCH_NOT);
    bench.flow.offset_open = true; /* after the peer's new SYN there may be one */
    assert_int_equal(judge(&bench), DRILL_MATCH_WHOLE);
    tear_down(&bench);
}

static void test_timestamps(void **state)
{
    struct bench bench;
    uint32_t live;
    (void)state;
    set_up(&bench, "+0 > . 1:1(0) ack 7 win 5 <nop,nop,TS val 200 ecr 9>");
    bench.live.options[7] = 55; /* TS val is the stack's own */
    assert_int_equal(judge(&bench), DRILL_MATCH_WHOLE);
    assert_true(drill_flow_echo(&bench.flow, 200, &live));
    assert_int_equal(live, 55);
    assert_true(drill_flow_echo(&bench.flow, 190, &live));
    assert_int_equal(live, 45);
    bench.live.options[11] = 8; /* ecr is the script's */
    assert_int_equal(judge(&bench), DRILL_MATCH_NOT);
    bench.live.options[11] = 9;
    bench.judge.ts_tick_ns = 1000000;
    bench.live.options[7] = 60; /* 5 ms after the first one, where the script has none */
    assert_int_equal(judge(&bench), DRILL_MATCH_NOT);
    assert_string_equal(bench.why, "TS val is 5 ms after the first one, expected 0");
    tear_down(&bench);
}

static void test_stream(void **state)
{
    uint8_t bytes[5000];
    (void)state;
    drill_stream_fill(bytes, sizeof bytes, 1000);
    assert_int_equal(drill_stream_compare(bytes, sizeof bytes, 1000), sizeof bytes);
    /* Bytes in a wrong place do not pass as others. */
    for (uint32_t shift = 1; shift < 3000; shift++)
        assert_true(drill_stream_compare(bytes, 200, 1000 + shift) < 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal),    cmocka_unit_test(test_differences),
        cmocka_unit_test(test_pieces),   cmocka_unit_test(test_uneven_pieces),
        cmocka_unit_test(test_learning), cmocka_unit_test(test_timestamps),
        cmocka_unit_test(test_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
