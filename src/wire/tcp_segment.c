/* SPDX-License-Identifier: MIT
 *
 * Reading a TCP header. Everything here is the peer's word: each byte is looked at only after its
 * place is known to lie inside what was received, and each option only inside the data offset.
 *
 * Options form a list of kind, length, value, in which only two kinds (end, no-operation) have no
 * length. The list can thus be walked without knowing the kinds (MUST-6), as long as the lengths
 * lead forward and stay inside; where one does not, nothing after it can be told apart, and the
 * segment is refused (MUST-7). What is known but wrong in itself is stepped over.
 *
 * Nearly every segment of a connection carries exactly NOP NOP timestamps: that one shape is
 * recognised by its first word (RFC 7323 A) and skips the walk.
 */
#include "tcp_segment.h"

#include "wire_bytes.h"

#include <string.h>

#define ALIGNED_TIMESTAMPS_WORD 0x0101080au /* NOP, NOP, kind 8, length 10 */
#define ALIGNED_TIMESTAMPS_BYTES 12u
#define SYN_BYTES 20u
#define SYN_MIDDLE_WORD 0x0402080au /* SACK-permitted, length 2; kind 8, length 10 */
#define SYN_LAST_BYTES 0x010303u    /* NOP; kind 3, length 3 */

static inline void parse_timestamps(const uint8_t *value, struct tcp_options *options)
{
    options->has_timestamps = true;
    options->ts_value = wire_read_32(value);
    options->ts_echo = wire_read_32(value + 4);
}

/* RFC 2018 3: two bytes, then eight a block; 40 bytes of options hold at most four. */
static void parse_sack(const uint8_t *option, uint8_t length, struct tcp_options *options)
{
    if (length < 10 || (length - 2) % 8 != 0) {
        return;
    }
    options->sack_count = (uint8_t)((length - 2) / 8);
    for (unsigned i = 0; i < options->sack_count; i++) {
        options->sack[i].left = seq_make(wire_read_32(option + 2 + i * 8));
        options->sack[i].right = seq_make(wire_read_32(option + 6 + i * 8));
    }
}

/* RFC 7413 4.1.1: only on SYN, an even length of 4 to 16, or nothing. What is none of these is as
 * good as absent. */
static void parse_fast_open(const uint8_t *cookie, unsigned length, bool experimental,
                            struct tcp_options *options)
{
    if (length != 0 && (length % 2 != 0 || length < TCP_FAST_OPEN_COOKIE_MIN ||
                        length > TCP_FAST_OPEN_COOKIE_MAX)) {
        return;
    }
    options->has_fast_open = true;
    options->fast_open_experimental = experimental;
    options->fast_open_length = (uint8_t)length;
    options->fast_open_cookie = cookie;
}

/* RFC 9768 3.2.3: as many whole counters as the length holds; what is beyond is padding. */
static void parse_accurate_ecn(const uint8_t *option, uint8_t length, struct tcp_options *options)
{
    unsigned count = (length - 2u) / 3u;
    options->has_accurate_ecn = true;
    options->accurate_ecn_e0b_first = option[0] == TCP_OPTION_ACCURATE_ECN_0;
    options->accurate_ecn_count =
        (uint8_t)(count < TCP_ACCURATE_ECN_FIELDS ? count : TCP_ACCURATE_ECN_FIELDS);
    for (unsigned i = 0; i < options->accurate_ecn_count; i++) {
        const uint8_t *at = option + 2 + 3 * i;
        options->accurate_ecn[i] = (uint32_t)at[0] << 16 | (uint32_t)wire_read_16(at + 1);
    }
}

/* One option that has a length, all of it present. MSS, window scale and SACK-permitted only mean
 * something in SYN (MUST-65, RFC 7323 2.2, RFC 2018 2).
 * Keeps RFC7323-2.2-c. */
static void parse_option(const uint8_t *option, uint8_t length, bool syn,
                         struct tcp_options *options)
{
    switch (option[0]) {
    case TCP_OPTION_MSS:
        if (syn && length == 4) {
            options->has_mss = true;
            options->mss = wire_read_16(option + 2);
        }
        break;
    case TCP_OPTION_WINDOW_SCALE:
        if (syn && length == 3) {
            options->has_window_scale = true;
            options->window_scale = option[2];
        }
        break;
    case TCP_OPTION_SACK_PERMITTED:
        if (syn && length == 2) {
            options->has_sack_permitted = true;
        }
        break;
    case TCP_OPTION_SACK:
        parse_sack(option, length, options);
        break;
    case TCP_OPTION_TIMESTAMPS:
        if (length == 10) {
            parse_timestamps(option + 2, options);
        }
        break;
    case TCP_OPTION_USER_TIMEOUT:
        if (length == 4) {
            options->has_user_timeout = true;
            options->user_timeout = wire_read_16(option + 2);
        }
        break;
    case TCP_OPTION_ACCURATE_ECN_0:
    case TCP_OPTION_ACCURATE_ECN_1:
        parse_accurate_ecn(option, length, options);
        break;
    case TCP_OPTION_FAST_OPEN:
        if (syn) {
            parse_fast_open(option + 2, length - 2u, false, options);
        }
        break;
    case TCP_OPTION_EXPERIMENT:
        if (length < 4 || wire_read_16(option + 2) != TCP_EXPERIMENT_FAST_OPEN) {
            options->unknown_count++;
        } else if (syn) {
            parse_fast_open(option + 4, length - 4u, true, options);
        }
        break;
    default:
        options->unknown_count++; /* MUST-6 */
        break;
    }
}

/* A SYN as Linux writes it, and tcp_emit: MSS, SACK-permitted, timestamps, NOP, window scale.
 * Walked over, its five options take 220 instructions. */
static inline bool parse_usual_syn(const uint8_t *bytes, struct tcp_options *options)
{
    if (wire_read_16(bytes) != (TCP_OPTION_MSS << 8 | 4) ||
        wire_read_32(bytes + 4) != SYN_MIDDLE_WORD ||
        wire_read_32(bytes + 16) >> 8 != SYN_LAST_BYTES) {
        return false;
    }
    options->has_mss = true;
    options->mss = wire_read_16(bytes + 2);
    options->has_sack_permitted = true;
    parse_timestamps(bytes + 8, options);
    options->has_window_scale = true;
    options->window_scale = bytes[19];
    return true;
}

/* Keeps MUST-4, MUST-5, MUST-64, MUST-68. */
static enum hf_reason parse_options(const uint8_t *bytes, unsigned length, bool syn,
                                    struct tcp_options *options)
{
    if (length == ALIGNED_TIMESTAMPS_BYTES && wire_read_32(bytes) == ALIGNED_TIMESTAMPS_WORD) {
        parse_timestamps(bytes + 4, options);
        return HF_REASON_NONE;
    }
    if (syn && length == SYN_BYTES && parse_usual_syn(bytes, options)) {
        return HF_REASON_NONE;
    }
    unsigned at = 0;
    while (at < length &&
           bytes[at] != TCP_OPTION_END) { /* what follows the end is padding: MUST-69 */
        if (bytes[at] == TCP_OPTION_NOP) {
            at++;
            continue;
        }
        if (length - at < 2) {
            return HF_REASON_TCP_OPTION_LENGTH;
        }
        uint8_t option_length = bytes[at + 1];
        if (option_length < 2 || option_length > length - at) {
            return HF_REASON_TCP_OPTION_LENGTH;
        }
        parse_option(bytes + at, option_length, syn, options);
        at += option_length;
    }
    return HF_REASON_NONE;
}

/* Keeps MUST-1. */
enum hf_reason tcp_parse(const uint8_t *bytes, size_t length, struct tcp_segment *segment)
{
    /* Zeroed in parts: for the whole in one, gcc 12 takes a string instruction that costs more than
     * all the rest of the parsing. */
    memset(segment, 0, offsetof(struct tcp_segment, options));
    memset(&segment->options, 0, sizeof segment->options);
    segment->payload = NULL;
    segment->payload_length = 0;
    segment->joined_bytes = 0;
    segment->in_place = false;
    if (length < TCP_HEADER_BYTES) {
        return HF_REASON_TCP_TOO_SHORT;
    }
    segment->source_port = wire_read_16(bytes);
    segment->destination_port = wire_read_16(bytes + 2);
    segment->seq = seq_make(wire_read_32(bytes + 4));
    segment->ack = seq_make(wire_read_32(bytes + 8));
    segment->flags = wire_read_16(bytes + 12) & 0x1ffu;
    segment->reserved = (bytes[12] >> 1) & 7u;
    segment->window = wire_read_16(bytes + 14);
    segment->urgent_pointer = wire_read_16(bytes + 18);

    unsigned header_length = (bytes[12] >> 4) * 4u;
    if (header_length < TCP_HEADER_BYTES || header_length > length) {
        return HF_REASON_TCP_DATA_OFFSET;
    }
    segment->header_length = (uint8_t)header_length;
    segment->payload = bytes + header_length;
    segment->payload_length = (uint32_t)(length - header_length);

    enum hf_reason reason =
        parse_options(bytes + TCP_HEADER_BYTES, header_length - TCP_HEADER_BYTES,
                      (segment->flags & HF_SYN) != 0, &segment->options);
    if (reason != HF_REASON_NONE) {
        return reason;
    }
    if (segment->source_port == 0 || segment->destination_port == 0) {
        return HF_REASON_TCP_PORT_ZERO;
    }
    return HF_REASON_NONE;
}

void tcp_segment_to_trace(const struct tcp_segment *segment, struct hf_trace_segment *out)
{
    const struct tcp_options *options = &segment->options;
    memset(out, 0, sizeof *out);
    out->seq = segment->seq.value;
    out->ack = segment->ack.value;
    out->length = segment->payload_length;
    out->flags = segment->flags;
    out->window = segment->window;
    out->urgent_pointer = segment->urgent_pointer;
    out->mss = options->has_mss ? options->mss : 0;
    out->window_scale = -1;
    if (options->has_window_scale) {
        out->window_scale =
            options->window_scale <= INT8_MAX ? (int8_t)options->window_scale : INT8_MAX;
    }
    out->sack_permitted = options->has_sack_permitted;
    out->has_timestamps = options->has_timestamps;
    out->ts_value = options->ts_value;
    out->ts_echo = options->ts_echo;
    out->sack_count = options->sack_count;
    for (unsigned i = 0; i < options->sack_count; i++) {
        out->sack[i][0] = options->sack[i].left.value;
        out->sack[i][1] = options->sack[i].right.value;
    }
    if (options->has_fast_open && options->fast_open_length <= sizeof out->fast_open_cookie) {
        out->has_fast_open = 1;
        out->fast_open_experimental = options->fast_open_experimental;
        out->fast_open_length = options->fast_open_length;
        if (options->fast_open_length > 0) {
            memcpy(out->fast_open_cookie, options->fast_open_cookie, options->fast_open_length);
        }
    }
}

static const struct {
    uint16_t flag;
    char name[4];
} flag_names[] = {
    {HF_FIN, "FIN"}, {HF_SYN, "SYN"}, {HF_RST, "RST"}, {HF_PSH, "PSH"}, {HF_ACK, "ACK"},
    {HF_URG, "URG"}, {HF_ECE, "ECE"}, {HF_CWR, "CWR"}, {HF_AE, "AE"},
};

char *tcp_flags_text(uint16_t flags, char text[40])
{
    char *at = text;
    for (size_t i = 0; i < sizeof flag_names / sizeof flag_names[0]; i++) {
        if (!(flags & flag_names[i].flag)) {
            continue;
        }
        if (at != text) {
            *at++ = ',';
        }
        for (const char *letter = flag_names[i].name; *letter != '\0'; letter++) {
            *at++ = *letter;
        }
    }
    if (at == text) {
        memcpy(text, "none", 5);
        return text;
    }
    *at = '\0';
    return text;
}
