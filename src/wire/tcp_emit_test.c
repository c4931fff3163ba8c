/* SPDX-License-Identifier: MIT
 *
 * What is written, against bytes set down by hand in the layouts Linux sends, and against a walk of
 * the options that knows nothing of the code that wrote them.
 */
#include "tcp_segment.h"

#include "wire_test.h"

static struct tcp_segment plain_segment(uint16_t flags)
{
    return (struct tcp_segment){.source_port = 0x1234,
                                .destination_port = 80,
                                .seq = {0x01020304},
                                .ack = {0xa0b0c0d0},
                                .flags = flags,
                                .window = 0xfaf0,
                                .urgent_pointer = 0x0708};
}

/* Writes into a block of exactly `length` bytes and compares. */
static void check_options(const struct tcp_options *options, uint16_t flags,
                          const uint8_t *expected, size_t length)
{
    struct tcp_segment segment = plain_segment(flags);
    segment.options = *options;
    assert_int_equal(tcp_options_length(options), length);
    uint8_t *out = malloc(TCP_HEADER_BYTES + length);
    assert_non_null(out);
    memset(out, 0xee, TCP_HEADER_BYTES + length);
    assert_int_equal(tcp_emit(&segment, out), TCP_HEADER_BYTES + length);
    assert_int_equal(out[12], (5 + length / 4) << 4);
    if (length > 0) {
        assert_memory_equal(out + TCP_HEADER_BYTES, expected, length);
    }
    free(out);
}

/* RFC 7413 4.1.1, padded behind as Linux does; with a SYN's other options it fills all 40 bytes. */
static void fast_open(void **state)
{
    (void)state;
    static const uint8_t cookie[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    static const uint8_t request[] = {34, 2, 1, 1};
    static const uint8_t short_one[] = {34, 6, 1, 2, 3, 4, 1, 1};
    static const uint8_t usual[] = {34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1};
    static const uint8_t no_padding[] = {34, 8, 1, 2, 3, 4, 5, 6};
    static const uint8_t old_request[] = {254, 4, 0xf9, 0x89};
    static const uint8_t old[] = {254, 12, 0xf9, 0x89, 1, 2, 3, 4, 5, 6, 7, 8};
    static const uint8_t all[] = {2, 4, 5, 0xb4, 4,  2,  8,  10, 0,  0,  0, 7, 0, 0,
                                  0, 0, 1, 3,    3,  7,  34, 18, 1,  2,  3, 4, 5, 6,
                                  7, 8, 9, 10,   11, 12, 13, 14, 15, 16, 1, 1};
    struct tcp_options options = {.has_fast_open = true};
    options.fast_open_cookie = cookie;
    check_options(&options, HF_SYN, request, sizeof request);
    options.fast_open_length = 4;
    check_options(&options, HF_SYN, short_one, sizeof short_one);
    options.fast_open_length = 6;
    check_options(&options, HF_SYN, no_padding, sizeof no_padding);
    options.fast_open_length = 8;
    check_options(&options, HF_SYN, usual, sizeof usual);
    options.fast_open_experimental = true;
    check_options(&options, HF_SYN, old, sizeof old);
    options.fast_open_length = 0;
    check_options(&options, HF_SYN, old_request, sizeof old_request);
    options = (struct tcp_options){.has_mss = true,
                                   .mss = 1460,
                                   .has_sack_permitted = true,
                                   .has_timestamps = true,
                                   .ts_value = 7,
                                   .has_window_scale = true,
                                   .window_scale = 7,
                                   .has_fast_open = true,
                                   .fast_open_length = 16,
                                   .fast_open_cookie = cookie};
    check_options(&options, HF_SYN, all, sizeof all);
}

static void header_fields(void **state)
{
    (void)state;
    struct tcp_segment segment = plain_segment(HF_ACK | HF_PSH | HF_URG | HF_ECE | HF_AE);
    segment.reserved = 7;        /* sent as 0 whatever was received (RFC 9293 3.1) */
    segment.header_length = 60;  /* ignored */
    segment.payload_length = 99; /* ignored */
    static const uint8_t expected[] = {0x12, 0x34, 0x00, 0x50, 0x01, 0x02, 0x03, 0x04, 0xa0, 0xb0,
                                       0xc0, 0xd0, 0x51, 0x78, 0xfa, 0xf0, 0x00, 0x00, 0x07, 0x08};
    uint8_t out[TCP_HEADER_MAX_BYTES];
    memset(out, 0xee, sizeof out);
    assert_int_equal(tcp_emit(&segment, out), sizeof expected);
    assert_memory_equal(out, expected, sizeof expected);
    for (size_t i = sizeof expected; i < sizeof out; i++) {
        assert_int_equal(out[i], 0xee);
    }
    for (unsigned flags = 0; flags < 0x200; flags++) {
        segment.flags = (uint16_t)flags;
        tcp_emit(&segment, out);
        assert_int_equal(out[12], 0x50 | flags >> 8);
        assert_int_equal(out[13], flags & 0xff);
    }
}

/* Linux's SYN: MSS 1460, SACK permitted, timestamps, window scale 7.
 * Holds: MUST-14 */
static void linux_syn(void **state)
{
    (void)state;
    struct tcp_options options = {.has_mss = true,
                                  .mss = 1460,
                                  .has_sack_permitted = true,
                                  .has_timestamps = true,
                                  .ts_value = 0x11223344,
                                  .has_window_scale = true,
                                  .window_scale = 7};
    static const uint8_t whole[] = {2,    4,    0x05, 0xb4, 4, 2, 8, 10, 0x11, 0x22,
                                    0x33, 0x44, 0,    0,    0, 0, 1, 3,  3,    7};
    check_options(&options, HF_SYN, whole, sizeof whole);

    options.has_sack_permitted = false; /* net.ipv4.tcp_sack=0 */
    options.ts_echo = 0xa1a2a3a4;
    static const uint8_t without_sack[] = {2,    4,    0x05, 0xb4, 1,    1,    8, 10, 0x11, 0x22,
                                           0x33, 0x44, 0xa1, 0xa2, 0xa3, 0xa4, 1, 3,  3,    7};
    check_options(&options, HF_SYN | HF_ACK, without_sack, sizeof without_sack);

    options.has_timestamps = false; /* net.ipv4.tcp_timestamps=0 */
    options.has_sack_permitted = true;
    static const uint8_t without_timestamps[] = {2, 4, 0x05, 0xb4, 1, 1, 4, 2, 1, 3, 3, 7};
    check_options(&options, HF_SYN, without_timestamps, sizeof without_timestamps);

    options.has_window_scale = false; /* and tcp_window_scaling=0 */
    check_options(&options, HF_SYN, without_timestamps, 8);
    options.has_sack_permitted = false;
    check_options(&options, HF_SYN, without_timestamps, 4);
    options.has_mss = false;
    check_options(&options, HF_SYN, NULL, 0);
}

static void linux_data_and_acks(void **state)
{
    (void)state;
    struct tcp_options options = {
        .has_timestamps = true, .ts_value = 0x01020304, .ts_echo = 0x05060708};
    static const uint8_t expected[] = {1, 1,  8, 10, 1,    2,    3,    4,    5, 6, 7, 8, 1, 1,
                                       5, 26, 0, 0,  0,    1,    0,    0,    0, 2, 0, 0, 0, 3,
                                       0, 0,  0, 4,  0xff, 0xff, 0xff, 0xff, 0, 0, 0, 6};
    check_options(&options, HF_ACK, expected, 12);
    options.sack_count = 3;
    options.sack[0] = (struct tcp_sack_block){{1}, {2}};
    options.sack[1] = (struct tcp_sack_block){{3}, {4}};
    options.sack[2] = (struct tcp_sack_block){{UINT32_MAX}, {6}};
    assert_int_equal(tcp_options_sack_room(&options), 3);
    check_options(&options, HF_ACK, expected, 40);
    options.sack_count = 4; /* the fourth does not fit beside timestamps */
    check_options(&options, HF_ACK, expected, 40);

    options.has_timestamps = false;
    options.sack[3] = (struct tcp_sack_block){{0x0a0b0c0d}, {0x0e0f1011}};
    static const uint8_t four[] = {1, 1, 5, 34, 0,    0,    0,    1,    0,    0,    0,    2,
                                   0, 0, 0, 3,  0,    0,    0,    4,    0xff, 0xff, 0xff, 0xff,
                                   0, 0, 0, 6,  0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11};
    check_options(&options, HF_ACK, four, sizeof four);
    options.sack_count = 1;
    static const uint8_t one[] = {1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2};
    check_options(&options, HF_ACK, one, sizeof one);
}

static void user_timeout(void **state)
{
    (void)state;
    struct tcp_options options = {.has_user_timeout = true, .user_timeout = 0x8005};
    static const uint8_t expected[] = {28, 4, 0x80, 0x05};
    check_options(&options, HF_ACK, expected, sizeof expected);
    options.has_timestamps = true;
    options.sack_count = 4;
    assert_int_equal(tcp_options_sack_room(&options), 2);
    assert_int_equal(tcp_options_length(&options), 12 + 4 + 4 + 16);
}

/* Steps over every option, and says how many there were of each kind. */
static void walk(const uint8_t *options, size_t length, unsigned count[256])
{
    memset(count, 0, 256 * sizeof count[0]);
    size_t at = 0;
    while (at < length) {
        uint8_t kind = options[at];
        assert_int_not_equal(kind, TCP_OPTION_END);
        count[kind]++;
        size_t step = kind == TCP_OPTION_NOP ? 1 : options[at + 1];
        assert_in_range(step, 1, length - at);
        at += step;
    }
    assert_int_equal(at, length);
}

static void check_round_trip(const struct tcp_segment *segment, const uint8_t *out, size_t length)
{
    struct tcp_segment parsed;
    assert_int_equal(tcp_parse(out, length, &parsed), HF_REASON_NONE);
    const struct tcp_options *a = &segment->options;
    const struct tcp_options *b = &parsed.options;
    assert_int_equal(parsed.header_length, length);
    assert_int_equal(b->has_mss, a->has_mss);
    assert_int_equal(b->mss, a->has_mss ? a->mss : 0);
    assert_int_equal(b->has_sack_permitted, a->has_sack_permitted);
    assert_int_equal(b->has_window_scale, a->has_window_scale);
    assert_int_equal(b->window_scale, a->has_window_scale ? a->window_scale : 0);
    assert_int_equal(b->has_timestamps, a->has_timestamps);
    assert_int_equal(b->ts_value, a->has_timestamps ? a->ts_value : 0);
    assert_int_equal(b->ts_echo, a->has_timestamps ? a->ts_echo : 0);
    assert_int_equal(b->has_user_timeout, a->has_user_timeout);
    assert_int_equal(b->user_timeout, a->has_user_timeout ? a->user_timeout : 0);
    assert_int_equal(b->unknown_count, 0);
    for (unsigned i = 0; i < b->sack_count; i++) {
        assert_int_equal(b->sack[i].left.value, a->sack[i].left.value);
        assert_int_equal(b->sack[i].right.value, a->sack[i].right.value);
    }
}

/* All 32 sets of the five options, with 0 to 4 SACK blocks. */
static void every_combination(void **state)
{
    (void)state;
    struct test_random random = {.state = 8};
    for (unsigned set = 0; set < 32 * 5; set++) {
        struct tcp_segment segment = plain_segment(HF_SYN | HF_ACK);
        struct tcp_options *options = &segment.options;
        test_random_fill(&random, (uint8_t *)options->sack, sizeof options->sack);
        options->has_mss = set & 1;
        options->has_window_scale = set & 2;
        options->has_sack_permitted = set & 4;
        options->has_timestamps = set & 8;
        options->has_user_timeout = set & 16;
        options->sack_count = (uint8_t)(set / 32);
        options->mss = (uint16_t)test_random_next(&random);
        options->window_scale = (uint8_t)test_random_next(&random);
        options->user_timeout = (uint16_t)test_random_next(&random);
        options->ts_value = (uint32_t)test_random_next(&random);
        options->ts_echo = (uint32_t)test_random_next(&random);

        size_t length = tcp_options_length(options);
        unsigned room = tcp_options_sack_room(options);
        assert_in_range(length, 0, TCP_OPTIONS_MAX_BYTES);
        assert_int_equal(length % 4, 0);
        uint8_t *out = malloc(TCP_HEADER_BYTES + length);
        assert_non_null(out);
        assert_int_equal(tcp_emit(&segment, out), TCP_HEADER_BYTES + length);
        unsigned count[256];
        walk(out + TCP_HEADER_BYTES, length, count);
        assert_int_equal(count[TCP_OPTION_MSS], options->has_mss);
        assert_int_equal(count[TCP_OPTION_WINDOW_SCALE], options->has_window_scale);
        assert_int_equal(count[TCP_OPTION_SACK_PERMITTED], options->has_sack_permitted);
        assert_int_equal(count[TCP_OPTION_TIMESTAMPS], options->has_timestamps);
        assert_int_equal(count[TCP_OPTION_USER_TIMEOUT], options->has_user_timeout);
        assert_int_equal(count[TCP_OPTION_SACK], options->sack_count > 0 && room > 0);
        check_round_trip(&segment, out, TCP_HEADER_BYTES + length);

        /* The room is all there is: one block more would not fit, or is past four. */
        struct tcp_options full = *options;
        full.sack_count = (uint8_t)room;
        assert_int_equal(tcp_options_length(&full) <= TCP_OPTIONS_MAX_BYTES, 1);
        assert_true(room == TCP_SACK_MAX_BLOCKS ||
                    tcp_options_length(&full) + (room == 0 ? 12 : 8) > TCP_OPTIONS_MAX_BYTES);
        free(out);
    }
}

/* Options of few values, so that many pairs are alike. */
static void few_options(struct test_random *random, struct tcp_options *options)
{
    static const uint8_t cookie[] = {1, 2, 3, 4, 1, 2, 3, 5, 1};
    /* What stands in gaps and in members whose option is absent is not to count. */
    test_random_fill(random, (uint8_t *)options, sizeof *options);
    options->has_mss = test_random_below(random, 4) == 0;
    options->has_window_scale = test_random_below(random, 4) == 0;
    options->has_sack_permitted = test_random_below(random, 4) == 0;
    options->has_timestamps = test_random_below(random, 2) == 0;
    options->has_user_timeout = test_random_below(random, 8) == 0;
    options->has_fast_open = test_random_below(random, 8) == 0;
    options->has_accurate_ecn = test_random_below(random, 4) == 0;
    options->mss = (uint16_t)test_random_below(random, 2);
    options->window_scale = (uint8_t)test_random_below(random, 2);
    options->user_timeout = (uint16_t)test_random_below(random, 2);
    options->ts_value = test_random_below(random, 2);
    options->ts_echo = test_random_below(random, 2);
    options->fast_open_experimental = test_random_below(random, 2) == 0;
    options->fast_open_length = test_random_below(random, 2) == 0 ? 4 : 0;
    options->fast_open_cookie = cookie + test_random_below(random, 2) * 4;
    options->accurate_ecn_e0b_first = test_random_below(random, 2) == 0;
    options->accurate_ecn_count = (uint8_t)test_random_below(random, 4);
    options->sack_count = (uint8_t)test_random_below(random, 3);
    for (unsigned i = 0; i < TCP_ACCURATE_ECN_FIELDS; i++) {
        options->accurate_ecn[i] = test_random_below(random, 4) == 0 ? 0x800000 : 5;
    }
    for (unsigned i = 0; i < TCP_SACK_MAX_BLOCKS; i++) {
        options->sack[i].left.value = test_random_below(random, 4) == 0;
        options->sack[i].right.value = 5 + (test_random_below(random, 4) == 0);
    }
}

/* Makes them alike in most options. */
static void liken(struct test_random *random, struct tcp_options *to,
                  const struct tcp_options *from)
{
    if (test_random_below(random, 8) > 0) {
        to->has_mss = from->has_mss;
        to->has_window_scale = from->has_window_scale;
        to->has_sack_permitted = from->has_sack_permitted;
        to->has_user_timeout = from->has_user_timeout;
    }
    if (test_random_below(random, 8) > 0) {
        to->mss = from->mss;
        to->window_scale = from->window_scale;
        to->user_timeout = from->user_timeout;
    }
    if (test_random_below(random, 8) > 0) {
        to->has_timestamps = from->has_timestamps;
        to->ts_value = from->ts_value;
        to->ts_echo = from->ts_echo;
    }
    if (test_random_below(random, 8) > 0) {
        to->has_fast_open = from->has_fast_open;
        to->fast_open_experimental = from->fast_open_experimental;
        to->fast_open_length = from->fast_open_length;
    }
    if (test_random_below(random, 8) > 0) {
        to->has_accurate_ecn = from->has_accurate_ecn;
        to->accurate_ecn_e0b_first = from->accurate_ecn_e0b_first;
        to->accurate_ecn_count = from->accurate_ecn_count;
        memcpy(to->accurate_ecn, from->accurate_ecn, sizeof to->accurate_ecn);
    }
    if (test_random_below(random, 8) > 0) {
        to->sack_count = from->sack_count;
        memcpy(to->sack, from->sack, sizeof to->sack);
    }
}

/* Equal if and only if the same bytes are written. */
static void equality_is_that_of_the_bytes(void **state)
{
    struct test_random random = {.state = 11};
    unsigned alike = 0;
    unsigned judged = 0;
    (void)state;
    while (judged < 200000) {
        struct tcp_segment segments[2] = {plain_segment(HF_ACK), plain_segment(HF_ACK)};
        uint8_t bytes[2][TCP_HEADER_MAX_BYTES];
        size_t length[2];
        bool fits = true;
        bool same;
        for (unsigned i = 0; i < 2; i++) {
            struct tcp_options *options = &segments[i].options;
            few_options(&random, options);
            if (i == 1) {
                liken(&random, options, &segments[0].options);
            }
            fits = fits && tcp_options_length(options) <= TCP_OPTIONS_MAX_BYTES &&
                   tcp_options_sack_room(options) >= options->sack_count;
        }
        if (!fits) {
            continue;
        }
        for (unsigned i = 0; i < 2; i++) {
            length[i] = tcp_emit(&segments[i], bytes[i]);
        }
        same = length[0] == length[1] && memcmp(bytes[0], bytes[1], length[0]) == 0;
        assert_int_equal(tcp_options_equal(&segments[0].options, &segments[1].options), same);
        alike += same;
        judged++;
    }
    assert_true(alike > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fast_open),
        cmocka_unit_test(header_fields),
        cmocka_unit_test(linux_syn),
        cmocka_unit_test(linux_data_and_acks),
        cmocka_unit_test(user_timeout),
        cmocka_unit_test(every_combination),
        cmocka_unit_test(equality_is_that_of_the_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
