/* SPDX-License-Identifier: MIT
 *
 * The TCP header (RFC 9293 3.1) and its options, between bytes and host order. From tcp_parse on
 * nothing is in network order, and nothing reads past what was received.
 */
#ifndef TCP_SEGMENT_H
#define TCP_SEGMENT_H

#include "seq32.h"

#include <handfast/reasons.h>
#include <handfast/trace.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TCP_HEADER_BYTES 20u
#define TCP_HEADER_MAX_BYTES 60u
#define TCP_OPTIONS_MAX_BYTES 40u
#define TCP_SACK_MAX_BLOCKS 4u
#define TCP_ACCURATE_ECN_FIELDS 3u

/* Option kinds (IANA "TCP Option Kind Numbers"). */
enum tcp_option_kind {
    TCP_OPTION_END = 0,
    TCP_OPTION_NOP = 1,
    TCP_OPTION_MSS = 2,              /* RFC 9293 3.7.1 */
    TCP_OPTION_WINDOW_SCALE = 3,     /* RFC 7323 2 */
    TCP_OPTION_SACK_PERMITTED = 4,   /* RFC 2018 2 */
    TCP_OPTION_SACK = 5,             /* RFC 2018 3, RFC 2883 */
    TCP_OPTION_TIMESTAMPS = 8,       /* RFC 7323 3 */
    TCP_OPTION_USER_TIMEOUT = 28,    /* RFC 5482 */
    TCP_OPTION_FAST_OPEN = 34,       /* RFC 7413 4.1.1 */
    TCP_OPTION_ACCURATE_ECN_0 = 172, /* RFC 9768 3.2.3: counters in the order e0b, ceb, e1b */
    TCP_OPTION_ACCURATE_ECN_1 = 174, /* e1b, ceb, e0b */
    TCP_OPTION_EXPERIMENT = 254 /* RFC 6994, with the identifier below: Fast Open's first form */
};
#define TCP_EXPERIMENT_FAST_OPEN 0xf989u /* RFC 7413 A */
#define TCP_FAST_OPEN_COOKIE_MIN 4u
#define TCP_FAST_OPEN_COOKIE_MAX 16u

struct tcp_sack_block {
    seq32 left;  /* first sequence number of the block */
    seq32 right; /* the one after its last */
};

struct tcp_options {
    /* What there is, in the first eight bytes: see tcp_options_only_timestamps. */
    bool has_timestamps, has_mss, has_window_scale, has_sack_permitted, has_user_timeout;
    bool has_fast_open, has_accurate_ecn;
    uint8_t sack_count;   /* 0..4 */
    uint8_t window_scale; /* as received; RFC 7323 2.3's limit of 14 is the receiver's to apply */
    uint16_t mss;
    uint16_t user_timeout; /* as on the wire: granularity bit and value */
    uint32_t ts_value, ts_echo;
    uint8_t unknown_count; /* options of other kinds, skipped (MUST-6) */
    /* RFC 7413 4.1.1: a cookie of 4 to 16 bytes, or none: a request for one. Borrowed: when read it
     * lies in the packet. */
    bool fast_open_experimental; /* kind 254 in place of 34 */
    uint8_t fast_open_length;
    const uint8_t *fast_open_cookie;
    /* RFC 9768 3.2.3: up to three counters of 24 bits, in the order that the kind says; e1b first
     * is what is sent. */
    bool accurate_ecn_e0b_first;
    uint8_t accurate_ecn_count;
    uint32_t accurate_ecn[TCP_ACCURATE_ECN_FIELDS];
    struct tcp_sack_block sack[TCP_SACK_MAX_BLOCKS];
};

struct tcp_segment {
    uint16_t source_port, destination_port;
    seq32 seq, ack;
    uint16_t flags;   /* enum hf_flag; AE included */
    uint8_t ecn;      /* the two ECN bits of the IP header it came in, or leaves with (RFC 3168 5);
                         tcp_parse leaves 0 */
    uint8_t reserved; /* the three reserved bits as received; ignored (RFC 9293 3.1); sent as 0 */
    uint8_t header_length; /* bytes, 20..60, options included */
    uint16_t window;       /* unsigned (MUST-1), unscaled */
    uint16_t urgent_pointer;
    struct tcp_options options;
    const uint8_t *payload; /* within the parsed bytes */
    uint32_t payload_length;
    /* Several that arrived joined into one: payload of each but the last. 0: it is one. tcp_parse
     * leaves 0. */
    uint32_t joined_bytes;
    bool in_place; /* the text stands where it belongs in the receive queue, `payload` is not it */
};

/* Nothing but timestamps, as in nearly every segment of a connection. */
static inline bool tcp_options_only_timestamps(const struct tcp_options *options)
{
    static const bool only[8] = {true};
    _Static_assert(offsetof(struct tcp_options, has_timestamps) == 0, "the first of the eight");
    _Static_assert(offsetof(struct tcp_options, sack_count) == 7, "and the last");
    return memcmp(options, only, sizeof only) == 0;
}

/* Nothing at all. */
static inline bool tcp_options_none(const struct tcp_options *options)
{
    static const bool none[8] = {false};
    return memcmp(options, none, sizeof none) == 0;
}

/* How many segments arrived in it. */
static inline uint32_t tcp_segment_count(const struct tcp_segment *segment)
{
    return segment->joined_bytes == 0 || segment->payload_length == 0
               ? 1
               : (segment->payload_length + segment->joined_bytes - 1) / segment->joined_bytes;
}

/* SEG.LEN of RFC 9293 3.4: data plus one each for SYN and FIN. */
static inline uint32_t tcp_segment_length(const struct tcp_segment *segment)
{
    return segment->payload_length + ((segment->flags & HF_SYN) ? 1u : 0u) +
           ((segment->flags & HF_FIN) ? 1u : 0u);
}

/* HF_REASON_NONE, or why it was refused: TCP_TOO_SHORT, TCP_DATA_OFFSET, TCP_OPTION_LENGTH,
 * TCP_PORT_ZERO. The checksum is not looked at: see tcp_checksum_ok. A known option of the wrong
 * length (MSS not 4 and so on), or SYN-only options outside SYN, are skipped as unknown ones are;
 * only a length that cannot be stepped over (0, 1, past the header) is refused. Of an option
 * repeated, the last counts. */
enum hf_reason tcp_parse(const uint8_t *bytes, size_t length, struct tcp_segment *segment);

/* Bytes that these options take, padded to a multiple of 4: 0..40. Order and padding are Linux's:
 * on SYN  MSS, SACK-permitted+timestamps | NOP NOP timestamps, accurate ECN, NOP window scale, Fast
 * Open (NOP NOP); elsewhere NOP NOP timestamps, accurate ECN, NOP NOP SACK, whose NOPs give way to
 * what is left of accurate ECN. SACK blocks that do not fit are left off. */
size_t tcp_options_length(const struct tcp_options *options);
/* Whether they would be written alike. */
bool tcp_options_equal(const struct tcp_options *one, const struct tcp_options *other);
/* How many SACK blocks fit beside the other options: 0..4. */
unsigned tcp_options_sack_room(const struct tcp_options *options);

/* Writes the header with its options; checksum field 0; header_length, reserved and payload of
 * `segment` are ignored. Returns its length; `out` has room for TCP_HEADER_MAX_BYTES. */
size_t tcp_emit(const struct tcp_segment *segment, uint8_t *out);

/* For traces. */
void tcp_segment_to_trace(const struct tcp_segment *segment, struct hf_trace_segment *out);

/* Writes "SYN,ACK" and so on (at most 40 bytes); returns text. */
char *tcp_flags_text(uint16_t flags, char text[40]);

#endif
