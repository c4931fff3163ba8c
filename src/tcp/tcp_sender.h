/* SPDX-License-Identifier: MIT
 *
 * What only a connection that sends must know beside its sequence numbers: how much of its window
 * it uses (RFC 2861), how fast what it sends is delivered, when pacing lets the next segment go,
 * and what the acknowledgement at hand taught. It is there from before the first byte leaves; a
 * connection that only receives never has it.
 */
#ifndef TCP_SENDER_H
#define TCP_SENDER_H

#include "seq32.h"

#include <handfast/types.h>
#include <stdbool.h>
#include <stdint.h>

/* How things stood when a segment left (draft-cheng-iccrg-delivery-rate-estimation 3.2's per-packet
 * state). Counts of bytes are modulo 2^32: they are only ever subtracted from later ones. */
struct tcp_rate_mark {
    hf_time delivered_time;  /* P.delivered_time */
    hf_time first_sent_time; /* P.first_sent_time */
    uint32_t delivered_bytes, lost_bytes;
    uint32_t pipe_bytes; /* in flight, itself included */
    bool app_limited, retransmitted;
};

struct tcp_sender {
    /* Is cwnd what limits us? (tcp_congestion.c) */
    uint32_t max_flight_bytes; /* the most in flight in this window */
    uint32_t used_bytes;       /* the most since used_stamp */
    hf_time used_stamp;        /* when cwnd was last full, or was cut for not being used */

    uint32_t expected_records; /* of a flight, by the last one (tcp_sent_needed) */

    /* The connection's delivery, C in the draft (tcp_rate.c). */
    uint64_t delivered_bytes, lost_bytes, delivered_ce_bytes;
    uint64_t app_limited_until; /* in delivered_bytes; 0: not application-limited */
    uint32_t delivered_segments, delivered_ce_segments;
    hf_time delivered_time, first_sent_time;
    /* Without SACK one segment a round trip is timed. */
    struct tcp_rate_mark timed;
    hf_time timed_sent;
    seq32 timed_end;
    bool timing;

    /* The ACK at hand. */
    struct {
        struct tcp_rate_mark mark; /* of the latest-sent segment that it delivers */
        hf_time sent;
        seq32 end;
        bool any;
        uint32_t delivered_bytes, lost_bytes, ce_bytes;
        uint32_t rtt_us; /* 0: none */
        uint32_t rate_bytes, rate_interval_us;
        uint64_t rate;
        bool rate_app_limited, ece;
    } ack;
    /* For STATUS: the last rate that was not held down by the program, or the most since. */
    uint64_t shown_rate;
    bool shown_app_limited;

    /* What leaves together (tcp_push.c). */
    seq32 burst_end;
    hf_time burst_time;

    /* Pacing (tcp_pacing.c): when the next segment would leave if each took its time. */
    hf_time pacing_next, pacing_credit; /* credit: what lateness has cost and is made up for */
    uint32_t unpaced_segments;          /* the first ones go at once */

    /* Bytes that went again for what routers said, less what was acknowledged since, up to
     * resent_una (tcp_too_big.c). */
    uint32_t resent_bytes;
    seq32 resent_una;
    /* Another connection was told of a smaller MTU; what left before, up to here, did not know. */
    seq32 mtu_shared_end;
    bool growth_held; /* told: cwnd does not grow, for it is not used */
    bool mtu_shared;
    hf_time next_mtu_probe; /* none before that (tcp_mtu.c); 0: at any time */
};

#endif
