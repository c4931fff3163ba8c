/* SPDX-License-Identifier: MIT
 *
 * The parser against bytes set down by hand, against every prefix of them, and against a model that
 * first cuts the options into a list and then asks for the last good one of each kind.
 */
#include "tcp_segment.h"

#include "wire_test.h"

/* A segment from port 1000 to port 2000; returns its length. */
static size_t build(uint8_t *out, uint16_t flags, const uint8_t *options, size_t options_length,
                    size_t payload_length)
{
    static const uint8_t start[TCP_HEADER_BYTES] = {0x03, 0xe8, 0x07, 0xd0, 0xde, 0xad, 0xbe,
                                                    0xef, 0xca, 0xfe, 0xba, 0xbe, 0x00, 0x00,
                                                    0x20, 0x00, 0x00, 0x00, 0x00, 0x09};
    assert_int_equal(options_length % 4, 0);
    assert_in_range(options_length, 0, TCP_OPTIONS_MAX_BYTES);
    memcpy(out, start, sizeof start);
    out[12] = (uint8_t)((5 + options_length / 4) * 16 + (flags >> 8));
    out[13] = (uint8_t)flags;
    if (options_length > 0) {
        memcpy(out + TCP_HEADER_BYTES, options, options_length);
    }
    memset(out + TCP_HEADER_BYTES + options_length, 'x', payload_length);
    return TCP_HEADER_BYTES + options_length + payload_length;
}

/* Parses from a block of exactly `length` bytes; the payload pointer is not to be followed. */
static enum hf_reason parse_exact(const uint8_t *bytes, size_t length, struct tcp_segment *segment)
{
    uint8_t *copy = test_exact_copy(bytes, length);
    enum hf_reason reason = tcp_parse(copy, length, segment);
    if (reason == HF_REASON_NONE) {
        assert_ptr_equal(segment->payload, copy + segment->header_length);
        assert_int_equal(segment->payload_length, length - segment->header_length);
    }
    free(copy);
    return reason;
}

/* Options shorter than a multiple of four are padded with `padding`. */
static enum hf_reason parse_options_padded(uint16_t flags, const uint8_t *options, size_t length,
                                           uint8_t padding, struct tcp_options *parsed)
{
    uint8_t padded[TCP_OPTIONS_MAX_BYTES];
    uint8_t bytes[TCP_HEADER_MAX_BYTES];
    assert_in_range(length, 0, sizeof padded);
    memset(padded, padding, sizeof padded);
    memcpy(padded, options, length);
    struct tcp_segment segment;
    size_t total = build(bytes, flags, padded, (length + 3) / 4 * 4, 0);
    enum hf_reason reason = parse_exact(bytes, total, &segment);
    *parsed = segment.options;
    return reason;
}

/* Whatever lay there before: all of a segment's fields are those of the bytes. */
static void nothing_is_left_from_before(void **state)
{
    static const uint8_t bytes[20] = {0, 1, 0, 2, [12] = 5 << 4};
    struct tcp_segment segment;
    (void)state;
    memset(&segment, 0xa5, sizeof segment);
    assert_int_equal(tcp_parse(bytes, sizeof bytes, &segment), HF_REASON_NONE);
    assert_int_equal(segment.joined_bytes, 0);
    assert_int_equal(tcp_segment_count(&segment), 1);
    assert_int_equal(segment.payload_length, 0);
    assert_int_equal(segment.ecn, 0);
    assert_false(segment.options.has_mss || segment.options.has_timestamps);
}

/* Holds: MUST-1 */
static void fixed_fields(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x9c, 0x40, 0x01, 0xbb, 0xff, 0xff, 0xff, 0xfe, 0x12,
                                    0x34, 0x56, 0x78, 0x5f, 0xff, 0xff, 0xff, 0xab, 0xcd,
                                    0x80, 0x01, 'h',  'e',  'l',  'l',  'o'};
    struct tcp_segment segment;
    assert_int_equal(tcp_parse(bytes, sizeof bytes, &segment), HF_REASON_NONE);
    assert_int_equal(segment.source_port, 40000);
    assert_int_equal(segment.destination_port, 443);
    assert_int_equal(segment.seq.value, 0xfffffffe);
    assert_int_equal(segment.ack.value, 0x12345678);
    assert_int_equal(segment.flags, 0x1ff);
    assert_int_equal(segment.reserved, 7);
    assert_int_equal(segment.header_length, 20);
    assert_int_equal(segment.window, 65535); /* MUST-1: unsigned */
    assert_int_equal(segment.urgent_pointer, 0x8001);
    assert_int_equal(segment.payload_length, 5);
    assert_memory_equal(segment.payload, "hello", 5);
    assert_int_equal(tcp_segment_length(&segment), 7); /* data, SYN and FIN */
}

static void every_flag_and_reserved_bit(void **state)
{
    (void)state;
    for (unsigned value = 0; value < 0x1000; value++) {
        uint8_t bytes[20];
        struct tcp_segment segment;
        build(bytes, 0, NULL, 0, 0);
        bytes[12] = (uint8_t)(0x50 | value >> 8);
        bytes[13] = (uint8_t)value;
        assert_int_equal(parse_exact(bytes, 20, &segment), HF_REASON_NONE);
        assert_int_equal(segment.flags, value & 0x1ff);
        assert_int_equal(segment.reserved, value >> 9);
    }
}

/* Linux's SYN, and whatever differs from it in a byte, is read as it is behind four NOPs, where it
 * is walked over. */
static void usual_syn_and_its_neighbours(void **state)
{
    (void)state;
    static const uint8_t usual[] = {1, 1, 1, 1, 2, 4, 0x05, 0xb4, 4, 2, 8, 10,
                                    1, 2, 3, 4, 5, 6, 7,    8,    1, 3, 3, 7};
    for (unsigned at = 4; at < sizeof usual; at++) {
        for (unsigned value = 0; value < 256; value++) {
            uint8_t options[sizeof usual];
            struct tcp_options walked, read;
            memcpy(options, usual, sizeof usual);
            options[at] = (uint8_t)value;
            assert_int_equal(parse_options_padded(HF_SYN, options + 4, sizeof usual - 4, 1, &read),
                             parse_options_padded(HF_SYN, options, sizeof usual, 1, &walked));
            assert_int_equal(read.has_fast_open, walked.has_fast_open);
            assert_int_equal(read.fast_open_length, walked.fast_open_length);
            read.has_fast_open = walked.has_fast_open = false; /* the cookies' bytes are gone */
            read.fast_open_length = walked.fast_open_length = 0;
            assert_true(tcp_options_equal(&read, &walked));
            assert_int_equal(read.unknown_count, walked.unknown_count);
        }
    }
}

/* Linux's SYN with data behind it: each prefix is refused for what it lacks, or parsed whole. */
static void every_prefix(void **state)
{
    (void)state;
    static const uint8_t options[] = {2, 4, 0x05, 0xb4, 4, 2, 8,   10, 1, 2, 3, 4, 5, 6,
                                      7, 8, 1,    3,    3, 7, 5,   10, 0, 0, 0, 1, 0, 0,
                                      0, 2, 28,   4,    0, 5, 254, 4,  9, 9, 0, 0};
    uint8_t bytes[100];
    size_t total = build(bytes, HF_SYN, options, sizeof options, 17);
    for (size_t length = 0; length <= total; length++) {
        struct tcp_segment segment;
        enum hf_reason reason = parse_exact(bytes, length, &segment);
        if (length < 20) {
            assert_int_equal(reason, HF_REASON_TCP_TOO_SHORT);
        } else if (length < 60) {
            assert_int_equal(reason, HF_REASON_TCP_DATA_OFFSET);
        } else {
            assert_int_equal(reason, HF_REASON_NONE);
            assert_int_equal(segment.payload_length, length - 60);
            assert_int_equal(segment.options.mss, 1460);
            assert_int_equal(segment.options.ts_echo, 0x05060708);
            assert_int_equal(segment.options.window_scale, 7);
            assert_int_equal(segment.options.sack_count, 1);
            assert_int_equal(segment.options.user_timeout, 5);
            assert_int_equal(segment.options.unknown_count, 1);
        }
    }
}

static void every_data_offset(void **state)
{
    (void)state;
    for (unsigned offset = 0; offset < 16; offset++) {
        for (size_t length = 20; length <= 64; length++) {
            uint8_t bytes[64];
            struct tcp_segment segment;
            build(bytes, HF_ACK, NULL, 0, 44);
            memset(bytes + 20, TCP_OPTION_NOP, 44);
            bytes[12] = (uint8_t)(offset << 4);
            enum hf_reason reason = parse_exact(bytes, length, &segment);
            bool good = offset >= 5 && offset * 4 <= length;
            assert_int_equal(reason, good ? HF_REASON_NONE : HF_REASON_TCP_DATA_OFFSET);
        }
    }
}

/* MUST-7: lengths 0 and 1, and lengths past the header, at every place, for every kind.
 * Holds: MUST-7 */
static void impossible_option_lengths(void **state)
{
    (void)state;
    for (unsigned kind = 2; kind < 256; kind++) {
        for (size_t at = 0; at < 12; at++) {
            uint8_t options[12];
            struct tcp_options parsed;
            memset(options, TCP_OPTION_NOP, sizeof options);
            options[at] = (uint8_t)kind;
            if (at == 11) { /* no room even for a length */
                assert_int_equal(parse_options_padded(HF_SYN, options, 12, 0, &parsed),
                                 HF_REASON_TCP_OPTION_LENGTH);
                continue;
            }
            for (unsigned length = 0; length < 256; length++) {
                options[at + 1] = (uint8_t)length;
                bool good = length >= 2 && length <= 12 - at;
                assert_int_equal(parse_options_padded(HF_SYN, options, 12, 0, &parsed),
                                 good ? HF_REASON_NONE : HF_REASON_TCP_OPTION_LENGTH);
            }
        }
    }
}

/* Each known option after 0 to 7 NOPs (all alignments), followed by every padding.
 * Holds: MUST-4, MUST-64 */
static void every_alignment(void **state)
{
    (void)state;
    static const uint8_t all[] = {2, 4, 0x12, 0x34, 3, 3, 9, 4,  2, 8,    10, 0xa,
                                  0, 0, 1,    0xb,  0, 0, 2, 28, 4, 0x80, 7};
    for (size_t shift = 0; shift < 16; shift++) {
        for (uint8_t padding = 0; padding < 2; padding++) {
            uint8_t options[40];
            struct tcp_options parsed;
            memset(options, TCP_OPTION_NOP, shift);
            memcpy(options + shift, all, sizeof all);
            assert_int_equal(
                parse_options_padded(HF_SYN, options, shift + sizeof all, padding, &parsed),
                HF_REASON_NONE);
            assert_true(parsed.has_mss && parsed.mss == 0x1234);
            assert_true(parsed.has_window_scale && parsed.window_scale == 9);
            assert_true(parsed.has_sack_permitted);
            assert_true(parsed.has_timestamps && parsed.ts_value == 0x0a000001 &&
                        parsed.ts_echo == 0x0b000002);
            assert_true(parsed.has_user_timeout && parsed.user_timeout == 0x8007);
            assert_int_equal(parsed.unknown_count, 0);
        }
    }
}

/* MUST-69: what follows the end is not even looked at.
 * Holds: MUST-4, MUST-69 */
static void nothing_counts_after_the_end(void **state)
{
    (void)state;
    static const uint8_t options[] = {1, 0, 2, 4, 5, 0xb4, 3, 0, 254, 1, 5, 0};
    struct tcp_options parsed;
    static const struct tcp_options none;
    assert_int_equal(parse_options_padded(HF_SYN, options, sizeof options, 0, &parsed),
                     HF_REASON_NONE);
    assert_memory_equal(&parsed, &none, sizeof none);
}

/* MUST-6: every kind that is not known, of every length, is stepped over.
 * Holds: MUST-6, MUST-68 */
static void unknown_kinds(void **state)
{
    (void)state;
    for (unsigned kind = 6; kind < 256; kind++) {
        if (kind == TCP_OPTION_TIMESTAMPS || kind == TCP_OPTION_USER_TIMEOUT ||
            kind == TCP_OPTION_FAST_OPEN || kind == TCP_OPTION_ACCURATE_ECN_0 ||
            kind == TCP_OPTION_ACCURATE_ECN_1) {
            continue;
        }
        for (uint8_t length = 2; length <= 36; length++) {
            uint8_t options[40];
            struct tcp_options parsed;
            memset(options, 0xff, sizeof options);
            options[0] = (uint8_t)kind;
            options[1] = length;
            memcpy(options + length, (uint8_t[]){2, 4, 1, 2}, 4);
            assert_int_equal(parse_options_padded(HF_SYN, options, length + 4u, 0, &parsed),
                             HF_REASON_NONE);
            assert_int_equal(parsed.unknown_count, 1);
            assert_true(parsed.has_mss && parsed.mss == 0x0102);
        }
    }
}

/* A known kind of a wrong length is stepped over, and leaves nothing behind. */
static void wrong_lengths_of_known_kinds(void **state)
{
    (void)state;
    static const struct {
        uint8_t kind, length;
    } right[] = {{2, 4}, {3, 3}, {4, 2}, {8, 10}, {28, 4}};
    for (size_t r = 0; r < sizeof right / sizeof right[0]; r++) {
        for (uint8_t length = 2; length <= 40; length++) {
            uint8_t options[40] = {right[r].kind, length};
            struct tcp_options parsed;
            memset(options + 2, 1, 38);
            assert_int_equal(parse_options_padded(HF_SYN, options, 40, 0, &parsed), HF_REASON_NONE);
            bool good = length == right[r].length;
            assert_int_equal(parsed.has_mss, good && right[r].kind == 2);
            assert_int_equal(parsed.has_window_scale, good && right[r].kind == 3);
            assert_int_equal(parsed.has_sack_permitted, good && right[r].kind == 4);
            assert_int_equal(parsed.has_timestamps, good && right[r].kind == 8);
            assert_int_equal(parsed.has_user_timeout, good && right[r].kind == 28);
            assert_int_equal(parsed.sack_count, 0);
        }
    }
}

static void sack_lengths(void **state)
{
    (void)state;
    for (uint8_t length = 2; length <= 40; length++) {
        uint8_t options[40] = {5, length};
        struct tcp_options parsed;
        for (uint8_t i = 2; i < 40; i++) {
            options[i] = i < length ? i : 1;
        }
        assert_int_equal(parse_options_padded(HF_ACK, options, 40, 0, &parsed), HF_REASON_NONE);
        unsigned blocks = length == 10   ? 1
                          : length == 18 ? 2
                          : length == 26 ? 3
                          : length == 34 ? 4
                                         : 0;
        assert_int_equal(parsed.sack_count, blocks);
        if (blocks > 0) {
            assert_int_equal(parsed.sack[0].left.value, 0x02030405);
            assert_int_equal(parsed.sack[0].right.value, 0x06070809);
        }
        if (blocks == 4) {
            assert_int_equal(parsed.sack[3].left.value, 0x1a1b1c1d);
            assert_int_equal(parsed.sack[3].right.value, 0x1e1f2021);
        }
    }
}

/* MUST-65 and its like.
 * Holds: MUST-65, RFC7323-2.2-c */
static void options_of_syn_elsewhere(void **state)
{
    (void)state;
    static const uint8_t options[] = {2, 4, 5, 0xb4, 3, 3, 7, 4, 2, 1, 28, 4, 0, 1};
    for (unsigned flags = 0; flags < 0x200; flags++) {
        struct tcp_options parsed;
        bool syn = (flags & HF_SYN) != 0;
        assert_int_equal(parse_options_padded((uint16_t)flags, options, sizeof options, 0, &parsed),
                         HF_REASON_NONE);
        assert_int_equal(parsed.has_mss, syn);
        assert_int_equal(parsed.mss, syn ? 1460 : 0);
        assert_int_equal(parsed.has_window_scale, syn);
        assert_int_equal(parsed.has_sack_permitted, syn);
        assert_true(parsed.has_user_timeout);
        assert_int_equal(parsed.unknown_count, 0);
    }
}

static void the_last_of_a_kind_counts(void **state)
{
    (void)state;
    static const uint8_t options[] = {2,  4, 0, 1, 3, 3, 1, 2, 4, 0, 2, 3, 3, 2, 3, 4, 9, 9, 5,
                                      10, 0, 0, 0, 1, 0, 0, 0, 2, 2, 5, 7, 7, 7, 2, 4, 0, 3};
    struct tcp_options parsed;
    assert_int_equal(parse_options_padded(HF_SYN, options, sizeof options, 0, &parsed),
                     HF_REASON_NONE);
    assert_int_equal(parsed.mss, 3);
    assert_int_equal(parsed.window_scale, 2);
    assert_int_equal(parsed.sack_count, 1);
    static const uint8_t sacks[] = {5, 18, 0, 0, 0, 1,  0, 0, 0, 2, 0, 0, 0, 3,
                                    0, 0,  0, 4, 5, 10, 0, 0, 0, 5, 0, 0, 0, 6};
    assert_int_equal(parse_options_padded(HF_ACK, sacks, sizeof sacks, 0, &parsed), HF_REASON_NONE);
    assert_int_equal(parsed.sack_count, 1);
    assert_int_equal(parsed.sack[0].left.value, 5);
    static const uint8_t stamps[] = {8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 8, 10, 0, 0, 0, 3, 0, 0, 0, 4};
    assert_int_equal(parse_options_padded(HF_ACK, stamps, sizeof stamps, 0, &parsed),
                     HF_REASON_NONE);
    assert_int_equal(parsed.ts_value, 3);
}

/* RFC 7413 4.1.1: both kinds, with a cookie and without, on SYN alone. */
static void fast_open(void **state)
{
    (void)state;
    static const uint8_t cookie[] = {34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1};
    static const uint8_t old[] = {254, 8, 0xf9, 0x89, 0xa, 0xb, 0xc, 0xd};
    uint8_t bytes[TCP_HEADER_MAX_BYTES];
    struct tcp_segment segment;
    size_t length = build(bytes, HF_SYN, cookie, sizeof cookie, 0);
    assert_int_equal(tcp_parse(bytes, length, &segment), HF_REASON_NONE);
    assert_true(segment.options.has_fast_open && !segment.options.fast_open_experimental);
    assert_int_equal(segment.options.fast_open_length, 8);
    assert_memory_equal(segment.options.fast_open_cookie, cookie + 2, 8);
    length = build(bytes, HF_SYN | HF_ACK, old, sizeof old, 0);
    assert_int_equal(tcp_parse(bytes, length, &segment), HF_REASON_NONE);
    assert_true(segment.options.has_fast_open && segment.options.fast_open_experimental);
    assert_int_equal(segment.options.fast_open_length, 4);
    assert_memory_equal(segment.options.fast_open_cookie, old + 4, 4);
    length = build(bytes, HF_ACK, cookie, sizeof cookie, 0);
    assert_int_equal(tcp_parse(bytes, length, &segment), HF_REASON_NONE);
    assert_false(segment.options.has_fast_open);
}

static void port_zero(void **state)
{
    (void)state;
    uint8_t bytes[24];
    struct tcp_segment segment;
    build(bytes, HF_SYN, (uint8_t[]){1, 1, 1, 1}, 4, 0);
    memset(bytes, 0, 2);
    assert_int_equal(parse_exact(bytes, 24, &segment), HF_REASON_TCP_PORT_ZERO);
    build(bytes, HF_SYN, (uint8_t[]){1, 1, 1, 1}, 4, 0);
    memset(bytes + 2, 0, 2);
    assert_int_equal(parse_exact(bytes, 24, &segment), HF_REASON_TCP_PORT_ZERO);
    bytes[3] = 1;
    assert_int_equal(parse_exact(bytes, 24, &segment), HF_REASON_NONE);
}

/* --- The model: a list of options first, then questions to the list. --- */

struct model_option {
    unsigned kind, length;
    const uint8_t *value;
};

/* The number of options, or -1 if they cannot be told apart. */
static int model_cut(const uint8_t *options, unsigned length, struct model_option list[40])
{
    int count = 0;
    const uint8_t *end = options + length;
    for (const uint8_t *p = options; p != end; count++) {
        list[count] = (struct model_option){.kind = p[0], .length = 1, .value = p + 2};
        if (p[0] == 0) {
            return count;
        }
        if (p[0] > 1) {
            if (p + 1 == end || p[1] < 2 || p[1] > end - p) {
                return -1;
            }
            list[count].length = p[1];
        }
        p += list[count].length;
    }
    return count;
}

/* The last option of this kind and length, or NULL. A step of 0 means this length only. */
static const struct model_option *model_last(const struct model_option *list, int count,
                                             unsigned kind, unsigned length, unsigned step)
{
    for (int i = count - 1; i >= 0; i--) {
        bool fits = list[i].length == length;
        for (unsigned n = 1; step != 0 && n < 4; n++) {
            fits = fits || list[i].length == length + n * step;
        }
        if (list[i].kind == kind && fits) {
            return &list[i];
        }
    }
    return NULL;
}

/* The last Fast Open option of either kind whose cookie has a length that it may have. */
static const struct model_option *model_fast_open(const struct model_option *list, int count,
                                                  unsigned *head)
{
    for (int i = count - 1; i >= 0; i--) {
        bool experiment = list[i].kind == 254 && list[i].length >= 4 && list[i].value[0] == 0xf9 &&
                          list[i].value[1] == 0x89;
        *head = experiment ? 4 : 2;
        if (!experiment && list[i].kind != 34) {
            continue;
        }
        switch (list[i].length - *head) {
        case 0:
        case 4:
        case 6:
        case 8:
        case 10:
        case 12:
        case 14:
        case 16:
            return &list[i];
        default:
            break;
        }
    }
    return NULL;
}

static uint32_t model_number(const struct model_option *option, unsigned at, unsigned bytes)
{
    uint32_t number = 0;
    for (unsigned i = 0; option != NULL && i < bytes; i++) {
        number = number * 256 + option->value[at + i];
    }
    return number;
}

static void model_compare(const uint8_t *bytes, unsigned header_length,
                          const struct tcp_segment *segment, enum hf_reason reason)
{
    struct model_option list[40];
    int count = model_cut(bytes + 20, header_length - 20, list);
    if (count < 0) {
        assert_int_equal(reason, HF_REASON_TCP_OPTION_LENGTH);
        return;
    }
    assert_int_equal(reason, HF_REASON_NONE);
    const struct tcp_options *parsed = &segment->options;
    bool syn = (bytes[13] & 2) != 0;
    const struct model_option *mss = syn ? model_last(list, count, 2, 4, 0) : NULL;
    const struct model_option *scale = syn ? model_last(list, count, 3, 3, 0) : NULL;
    const struct model_option *permitted = syn ? model_last(list, count, 4, 2, 0) : NULL;
    const struct model_option *stamps = model_last(list, count, 8, 10, 0);
    const struct model_option *timeout = model_last(list, count, 28, 4, 0);
    const struct model_option *sack = model_last(list, count, 5, 10, 8);
    assert_int_equal(parsed->has_mss, mss != NULL);
    assert_int_equal(parsed->mss, model_number(mss, 0, 2));
    assert_int_equal(parsed->has_window_scale, scale != NULL);
    assert_int_equal(parsed->window_scale, model_number(scale, 0, 1));
    assert_int_equal(parsed->has_sack_permitted, permitted != NULL);
    assert_int_equal(parsed->has_timestamps, stamps != NULL);
    assert_int_equal(parsed->ts_value, model_number(stamps, 0, 4));
    assert_int_equal(parsed->ts_echo, model_number(stamps, 4, 4));
    assert_int_equal(parsed->has_user_timeout, timeout != NULL);
    assert_int_equal(parsed->user_timeout, model_number(timeout, 0, 2));
    assert_int_equal(parsed->sack_count, sack == NULL ? 0 : (sack->length - 2) / 8);
    unsigned head = 0;
    const struct model_option *fast_open = syn ? model_fast_open(list, count, &head) : NULL;
    assert_int_equal(parsed->has_fast_open, fast_open != NULL);
    if (fast_open != NULL) {
        assert_int_equal(parsed->fast_open_experimental, head == 4);
        assert_int_equal(parsed->fast_open_length, fast_open->length - head);
    }
    for (unsigned i = 0; i < parsed->sack_count; i++) {
        assert_int_equal(parsed->sack[i].left.value, model_number(sack, i * 8, 4));
        assert_int_equal(parsed->sack[i].right.value, model_number(sack, i * 8 + 4, 4));
    }
}

/* Mostly well-formed options in any order, with a wrong byte here and there. */
static void random_options(struct test_random *random, uint8_t *options, size_t length)
{
    static const uint8_t shapes[][2] = {{2, 4},  {3, 3},   {4, 2},  {5, 10},  {5, 18},  {5, 26},
                                        {5, 34}, {8, 10},  {28, 4}, {1, 1},   {1, 1},   {30, 6},
                                        {34, 2}, {34, 10}, {34, 7}, {34, 18}, {254, 12}};
    test_random_fill(random, options, length);
    size_t at = 0;
    while (at < length) {
        const uint8_t *shape = shapes[test_random_below(random, 17)];
        options[at] = test_random_below(random, 24) == 0 ? 0 : shape[0];
        if (at + 1 < length && shape[1] > 1 && test_random_below(random, 16) != 0) {
            options[at + 1] = shape[1];
        }
        if (shape[0] == 254 && at + 4 <= length && test_random_below(random, 4) != 0) {
            memcpy(options + at + 2, (uint8_t[]){0xf9, 0x89}, 2);
        }
        at += shape[1];
    }
}

static void against_the_model(void **state)
{
    (void)state;
    struct test_random random = {.state = 9293};
    unsigned taken = 0;
    for (unsigned round = 0; round < 300000; round++) {
        uint8_t options[40];
        uint8_t bytes[64];
        size_t length = 4 * (size_t)test_random_below(&random, 11);
        random_options(&random, options, length);
        size_t total = build(bytes, round % 2 ? HF_SYN : HF_ACK, options, length, round % 4);
        struct tcp_segment segment;
        enum hf_reason reason = parse_exact(bytes, total, &segment);
        model_compare(bytes, (unsigned)length + 20, &segment, reason);
        taken += reason == HF_REASON_NONE;
    }
    /* Both outcomes were really tried. */
    assert_in_range(taken, 50000, 290000);
}

static void trace_form(void **state)
{
    (void)state;
    static const uint8_t options[] = {2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2,
                                      1, 3, 3, 255,  1, 1, 5, 10, 0, 0, 0, 7, 0, 0, 0, 8};
    uint8_t bytes[100];
    size_t total = build(bytes, HF_SYN | HF_CWR, options, sizeof options, 3);
    struct tcp_segment segment;
    struct hf_trace_segment trace;
    assert_int_equal(tcp_parse(bytes, total, &segment), HF_REASON_NONE);
    tcp_segment_to_trace(&segment, &trace);
    assert_int_equal(trace.seq, 0xdeadbeef);
    assert_int_equal(trace.ack, 0xcafebabe);
    assert_int_equal(trace.length, 3);
    assert_int_equal(trace.flags, HF_SYN | HF_CWR);
    assert_int_equal(trace.window, 0x2000);
    assert_int_equal(trace.urgent_pointer, 9);
    assert_int_equal(trace.mss, 1460);
    assert_int_equal(trace.window_scale, 127); /* 255 was sent; the field holds no more */
    assert_int_equal(trace.sack_permitted, 1);
    assert_int_equal(trace.has_timestamps, 1);
    assert_int_equal(trace.ts_value, 1);
    assert_int_equal(trace.ts_echo, 2);
    assert_int_equal(trace.sack_count, 1);
    assert_int_equal(trace.sack[0][0], 7);
    assert_int_equal(trace.sack[0][1], 8);
    /* Of four blocks each has its place, and of fewer no more are filled. */
    for (unsigned blocks = 0; blocks <= 4; blocks++) {
        segment.options.sack_count = (uint8_t)blocks;
        for (uint32_t i = 0; i < 4; i++) {
            segment.options.sack[i] = (struct tcp_sack_block){{10 + i}, {20 + i}};
        }
        tcp_segment_to_trace(&segment, &trace);
        assert_int_equal(trace.sack_count, blocks);
        for (uint32_t i = 0; i < 4; i++) {
            assert_int_equal(trace.sack[i][0], i < blocks ? 10 + i : 0);
            assert_int_equal(trace.sack[i][1], i < blocks ? 20 + i : 0);
        }
    }
    total = build(bytes, HF_ACK, NULL, 0, 0);
    assert_int_equal(tcp_parse(bytes, total, &segment), HF_REASON_NONE);
    tcp_segment_to_trace(&segment, &trace);
    assert_int_equal(trace.mss, 0);
    assert_int_equal(trace.window_scale, -1);
    assert_int_equal(trace.sack_permitted + trace.has_timestamps + trace.sack_count, 0);
    assert_int_equal(trace.has_fast_open, 0);
}

static void trace_form_of_fast_open(void **state)
{
    (void)state;
    static const uint8_t cookie[] = {34, 6, 0xab, 0xcd, 1, 2, 1, 1};
    static const uint8_t request[] = {254, 4, 0xf9, 0x89};
    uint8_t bytes[100];
    struct tcp_segment segment;
    struct hf_trace_segment trace;
    size_t total = build(bytes, HF_SYN, cookie, sizeof cookie, 0);
    assert_int_equal(tcp_parse(bytes, total, &segment), HF_REASON_NONE);
    tcp_segment_to_trace(&segment, &trace);
    assert_int_equal(trace.has_fast_open, 1);
    assert_int_equal(trace.fast_open_experimental, 0);
    assert_int_equal(trace.fast_open_length, 4);
    assert_memory_equal(trace.fast_open_cookie, cookie + 2, 4);
    total = build(bytes, HF_SYN, request, sizeof request, 0);
    assert_int_equal(tcp_parse(bytes, total, &segment), HF_REASON_NONE);
    tcp_segment_to_trace(&segment, &trace);
    assert_int_equal(trace.has_fast_open, 1);
    assert_int_equal(trace.fast_open_experimental, 1);
    assert_int_equal(trace.fast_open_length, 0);
}

static void flag_names(void **state)
{
    (void)state;
    char text[40];
    assert_string_equal(tcp_flags_text(0, text), "none");
    assert_string_equal(tcp_flags_text(HF_SYN, text), "SYN");
    assert_string_equal(tcp_flags_text(HF_SYN | HF_ACK, text), "SYN,ACK");
    assert_string_equal(tcp_flags_text(HF_FIN | HF_ACK, text), "FIN,ACK");
    assert_string_equal(tcp_flags_text(0xffff, text), "FIN,SYN,RST,PSH,ACK,URG,ECE,CWR,AE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_left_from_before),
        cmocka_unit_test(fixed_fields),
        cmocka_unit_test(every_flag_and_reserved_bit),
        cmocka_unit_test(usual_syn_and_its_neighbours),
        cmocka_unit_test(every_prefix),
        cmocka_unit_test(every_data_offset),
        cmocka_unit_test(impossible_option_lengths),
        cmocka_unit_test(every_alignment),
        cmocka_unit_test(nothing_counts_after_the_end),
        cmocka_unit_test(unknown_kinds),
        cmocka_unit_test(wrong_lengths_of_known_kinds),
        cmocka_unit_test(sack_lengths),
        cmocka_unit_test(options_of_syn_elsewhere),
        cmocka_unit_test(the_last_of_a_kind_counts),
        cmocka_unit_test(fast_open),
        cmocka_unit_test(port_zero),
        cmocka_unit_test(against_the_model),
        cmocka_unit_test(trace_form),
        cmocka_unit_test(trace_form_of_fast_open),
        cmocka_unit_test(flag_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
