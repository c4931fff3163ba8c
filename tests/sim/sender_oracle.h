/* SPDX-License-Identifier: MIT
 *
 * A sender judged from outside, event by event, by what the RFCs allow it. It keeps a model of its
 * own: which octets the ACKs and SACK blocks that arrived have reported, what the window's right
 * edge is, which round trip it is in; and computes what RFC 6298 makes of each sample.
 */
#ifndef SENDER_ORACLE_H
#define SENDER_ORACLE_H

#include "oracle_failure.h"

#include <stdbool.h>

#define SENDER_ORACLE_RANGES 1024u

struct sender_oracle {
    struct oracle_failure failure;
    bool begun;
    uint32_t una, nxt; /* from the packets alone */
    uint32_t edge;     /* the furthest right edge offered */
    uint32_t sack[SENDER_ORACLE_RANGES][2];
    uint32_t sack_count;
    uint32_t mss_bytes;  /* the largest segment that left */
    uint32_t duplicates; /* ACKs that moved nothing, since one that did */
    bool recovering;     /* until `recover` is acknowledged */
    uint32_t recover;
    bool reduced; /* until `reduced_until` is acknowledged */
    uint32_t reduced_until;
    bool measured, rebased;
    hf_time srtt_ns, rttvar_ns, rto_ns;
    hf_time waiting_since; /* the retransmission timer cannot have been set earlier */
    bool reneging;
    unsigned timeouts; /* in a row */
    unsigned reverted; /* of their doublings, by ICMP (RFC 6069) */
    hf_time reverted_at;
    bool heard;                    /* an ACK came since the last one */
    bool syn_timed_out, timed_out; /* the timer ran out for the SYN, for data */
    uint32_t first;                /* the SYN's number */
    hf_time syn_heard;
    uint64_t reversions; /* judged */
};

/* Every event of one host that has one connection. */
void sender_oracle_take(struct sender_oracle *oracle, const struct hf_config *host,
                        const struct hf_trace_event *event);

#endif
