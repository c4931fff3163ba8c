/* SPDX-License-Identifier: MIT
 *
 * Writing a TCP header. The order and padding of options are Linux's, byte for byte, because the
 * world's middleboxes and fingerprints have seen them all before: SACK-permitted takes the place of
 * the two NOPs before the timestamps, everything else that is not a multiple of four has its NOPs
 * in front, and so every option ends on a word and no end-of-options is ever needed. The user
 * timeout, which Linux never sends, is a word by itself and stands before SACK.
 *
 * What is written depends on the options alone, not on the flags: that MSS, window scale and
 * SACK-permitted belong in SYN only is the caller's business (RFC 9293 3.1).
 */
#include "tcp_segment.h"

#include "wire_bytes.h"

#include <string.h>

/* With its padding to a word. */
static unsigned fast_open_length(const struct tcp_options *options)
{
    unsigned head = options->fast_open_experimental ? 4u : 2u;
    return options->has_fast_open ? (head + options->fast_open_length + 3u) & ~3u : 0u;
}

/* Its bytes beyond the last whole word, when what follows can take them in place of its two NOPs:
 * SACK blocks, or SACK-permitted by itself. Otherwise it is padded. */
static unsigned accurate_ecn_rest(const struct tcp_options *options)
{
    unsigned rest = (2u + 3u * options->accurate_ecn_count) % 4u;
    bool shares =
        options->sack_count > 0 || (options->has_sack_permitted && !options->has_timestamps);
    return options->has_accurate_ecn && shares && rest <= 2 ? rest : 0;
}

static unsigned accurate_ecn_words(const struct tcp_options *options)
{
    unsigned length = 2u + 3u * options->accurate_ecn_count;
    if (!options->has_accurate_ecn) {
        return 0;
    }
    return accurate_ecn_rest(options) > 0 ? length & ~3u : (length + 3u) & ~3u;
}

/* Everything but SACK: at most 24 bytes, and on a SYN 20 more for Fast Open in place of the user
 * timeout. */
static unsigned fixed_options_length(const struct tcp_options *options)
{
    unsigned length = options->has_mss ? 4u : 0u;
    if (options->has_timestamps) {
        length += 12; /* with SACK-permitted or two NOPs in front */
    } else if (options->has_sack_permitted) {
        length += 4;
    }
    length += options->has_window_scale ? 4u : 0u;
    length += options->has_user_timeout ? 4u : 0u;
    length += accurate_ecn_words(options);
    length += fast_open_length(options);
    return length;
}

unsigned tcp_options_sack_room(const struct tcp_options *options)
{
    /* Two NOPs, kind and length, then eight bytes a block: with timestamps three fit. */
    unsigned taken = fixed_options_length(options) + 4u;
    unsigned room = taken < TCP_OPTIONS_MAX_BYTES ? (TCP_OPTIONS_MAX_BYTES - taken) / 8u : 0u;
    return room < TCP_SACK_MAX_BLOCKS ? room : TCP_SACK_MAX_BLOCKS;
}

static unsigned sack_blocks_written(const struct tcp_options *options)
{
    unsigned room;
    if (options->sack_count == 0) {
        return 0;
    }
    room = tcp_options_sack_room(options);
    return options->sack_count < room ? options->sack_count : room;
}

size_t tcp_options_length(const struct tcp_options *options)
{
    if (tcp_options_only_timestamps(options)) {
        return 12;
    }
    unsigned blocks = sack_blocks_written(options);
    return fixed_options_length(options) + (blocks > 0 ? 4u + blocks * 8u : 0u);
}

static bool fast_open_equal(const struct tcp_options *one, const struct tcp_options *other)
{
    return one->fast_open_experimental == other->fast_open_experimental &&
           one->fast_open_length == other->fast_open_length &&
           (one->fast_open_length == 0 ||
            memcmp(one->fast_open_cookie, other->fast_open_cookie, one->fast_open_length) == 0);
}

/* Member by member: between them there are gaps that hold anything, and a value whose option is
 * absent does not count. */
bool tcp_options_equal(const struct tcp_options *one, const struct tcp_options *other)
{
    bool same = one->has_timestamps == other->has_timestamps && one->has_mss == other->has_mss &&
                one->has_window_scale == other->has_window_scale &&
                one->has_sack_permitted == other->has_sack_permitted &&
                one->has_user_timeout == other->has_user_timeout &&
                one->has_fast_open == other->has_fast_open &&
                one->has_accurate_ecn == other->has_accurate_ecn &&
                one->sack_count == other->sack_count;
    if (same && one->has_timestamps) {
        same = one->ts_value == other->ts_value && one->ts_echo == other->ts_echo;
    }
    if (same && one->has_accurate_ecn) {
        same = one->accurate_ecn_e0b_first == other->accurate_ecn_e0b_first &&
               one->accurate_ecn_count == other->accurate_ecn_count;
        for (unsigned i = 0; same && i < one->accurate_ecn_count; i++) {
            same = one->accurate_ecn[i] == other->accurate_ecn[i];
        }
    }
    for (unsigned i = 0; same && i < one->sack_count; i++) {
        same = seq_eq(one->sack[i].left, other->sack[i].left) &&
               seq_eq(one->sack[i].right, other->sack[i].right);
    }
    return same && (!one->has_mss || one->mss == other->mss) &&
           (!one->has_window_scale || one->window_scale == other->window_scale) &&
           (!one->has_user_timeout || one->user_timeout == other->user_timeout) &&
           (!one->has_fast_open || fast_open_equal(one, other));
}

/* Four bytes: two of padding or of a short option, then a kind and its length. */
static uint8_t *put_head(uint8_t *at, uint8_t first, uint8_t second, uint8_t kind, unsigned length)
{
    at[0] = first;
    at[1] = second;
    at[2] = kind;
    at[3] = (uint8_t)length;
    return at + 4;
}

/* RFC 9768 3.2.3. `rest`: the bytes that another option's padding makes room for. */
static uint8_t *put_accurate_ecn(uint8_t *at, const struct tcp_options *options, uint8_t rest[2])
{
    uint8_t bytes[2 + 3 * TCP_ACCURATE_ECN_FIELDS + 3];
    unsigned words;
    rest[0] = rest[1] = TCP_OPTION_NOP;
    if (!options->has_accurate_ecn) {
        return at;
    }
    words = accurate_ecn_words(options);
    memset(bytes, TCP_OPTION_NOP, sizeof bytes);
    bytes[0] =
        options->accurate_ecn_e0b_first ? TCP_OPTION_ACCURATE_ECN_0 : TCP_OPTION_ACCURATE_ECN_1;
    bytes[1] = (uint8_t)(2u + 3u * options->accurate_ecn_count);
    for (unsigned i = 0; i < options->accurate_ecn_count; i++) {
        bytes[2 + 3 * i] = (uint8_t)(options->accurate_ecn[i] >> 16);
        wire_write_16(&bytes[3 + 3 * i], (uint16_t)options->accurate_ecn[i]);
    }
    memcpy(at, bytes, words);
    if (accurate_ecn_rest(options) > 0) {
        memcpy(rest, &bytes[words], 2);
    }
    return at + words;
}

static uint8_t *put_sack(uint8_t *at, const struct tcp_options *options, const uint8_t pad[2])
{
    unsigned blocks = sack_blocks_written(options);
    if (blocks == 0) {
        return at;
    }
    at = put_head(at, pad[0], pad[1], TCP_OPTION_SACK, 2 + blocks * 8);
    for (unsigned i = 0; i < blocks; i++) {
        wire_write_32(at, options->sack[i].left.value);
        wire_write_32(at + 4, options->sack[i].right.value);
        at += 8;
    }
    return at;
}

/* RFC 7413 4.1.1. Its padding stands behind, as Linux has it. */
static uint8_t *put_fast_open(uint8_t *at, const struct tcp_options *options)
{
    uint8_t *end = at + fast_open_length(options);
    uint8_t *cookie = at + 2;
    at[0] = TCP_OPTION_FAST_OPEN;
    at[1] = (uint8_t)(2u + options->fast_open_length);
    if (options->fast_open_experimental) {
        at[0] = TCP_OPTION_EXPERIMENT;
        at[1] = (uint8_t)(4u + options->fast_open_length);
        wire_write_16(at + 2, TCP_EXPERIMENT_FAST_OPEN);
        cookie = at + 4;
    }
    if (options->fast_open_length > 0) {
        memcpy(cookie, options->fast_open_cookie, options->fast_open_length);
    }
    for (uint8_t *pad = cookie + options->fast_open_length; pad < end; pad++) {
        *pad = TCP_OPTION_NOP;
    }
    return end;
}

static uint8_t *put_options(uint8_t *at, const struct tcp_options *options)
{
    uint8_t rest[2];
    if (options->has_mss) {
        at[0] = TCP_OPTION_MSS;
        at[1] = 4;
        wire_write_16(at + 2, options->mss);
        at += 4;
    }
    if (options->has_timestamps) {
        bool permitted = options->has_sack_permitted;
        at = put_head(at, permitted ? TCP_OPTION_SACK_PERMITTED : TCP_OPTION_NOP,
                      permitted ? 2 : TCP_OPTION_NOP, TCP_OPTION_TIMESTAMPS, 10);
        wire_write_32(at, options->ts_value);
        wire_write_32(at + 4, options->ts_echo);
        at += 8;
    }
    at = put_accurate_ecn(at, options, rest);
    if (options->has_sack_permitted && !options->has_timestamps) {
        at = put_head(at, rest[0], rest[1], TCP_OPTION_SACK_PERMITTED, 2);
    }
    if (options->has_window_scale) {
        at[0] = TCP_OPTION_NOP;
        at[1] = TCP_OPTION_WINDOW_SCALE;
        at[2] = 3;
        at[3] = options->window_scale;
        at += 4;
    }
    if (options->has_user_timeout) {
        at[0] = TCP_OPTION_USER_TIMEOUT;
        at[1] = 4;
        wire_write_16(at + 2, options->user_timeout);
        at += 4;
    }
    if (options->has_fast_open) {
        at = put_fast_open(at, options);
    }
    return put_sack(at, options, rest);
}

size_t tcp_emit(const struct tcp_segment *segment, uint8_t *out)
{
    size_t length = TCP_HEADER_BYTES + 12;
    if (tcp_options_only_timestamps(&segment->options)) {
        wire_write_32(out + 20, 0x0101080a); /* NOP, NOP, kind 8, length 10: RFC 7323 A */
        wire_write_32(out + 24, segment->options.ts_value);
        wire_write_32(out + 28, segment->options.ts_echo);
    } else {
        length = (size_t)(put_options(out + TCP_HEADER_BYTES, &segment->options) - out);
    }
    wire_write_16(out, segment->source_port);
    wire_write_16(out + 2, segment->destination_port);
    wire_write_32(out + 4, segment->seq.value);
    wire_write_32(out + 8, segment->ack.value);
    /* Data offset in words, three reserved bits of 0, nine flags. */
    wire_write_16(out + 12, (uint16_t)(length / 4 << 12 | (segment->flags & 0x1ffu)));
    wire_write_16(out + 14, segment->window);
    wire_write_16(out + 16, 0);
    wire_write_16(out + 18, segment->urgent_pointer);
    return length;
}
