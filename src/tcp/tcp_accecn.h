/* SPDX-License-Identifier: MIT
 *
 * Accurate ECN feedback (RFC 9768): what tcp_ecn.c asks of tcp_accecn.c.
 */
#ifndef TCP_ACCECN_H
#define TCP_ACCECN_H

#include "tcp_internal.h"

/* 3.2.1: where r.cep begins. */
#define ACE_START 5u
#define ACE_MASK 7u
/* The three flags as one number: AE 4, CWR 2, ECE 1. */
#define ACE_FLAGS (HF_AE | HF_CWR | HF_ECE)
static inline uint8_t accecn_ace(uint16_t flags)
{
    return (uint8_t)((flags & HF_AE ? 4 : 0) | (flags & HF_CWR ? 2 : 0) | (flags & HF_ECE ? 1 : 0));
}
static inline uint16_t accecn_flags(uint32_t ace)
{
    return (uint16_t)((ace & 4 ? HF_AE : 0) | (ace & 2 ? HF_CWR : 0) | (ace & 1 ? HF_ECE : 0));
}

/* 3.1.2 table 2, 3.2.2.1 table 3: what the codepoint that a SYN or SYN-ACK came with is echoed as.
 */
uint8_t accecn_handshake_ace(uint8_t codepoint);

/* One ACK, as A.2 looks at it. */
struct accecn_ack {
    uint8_t ace;           /* the field */
    uint32_t marked;       /* s.cep, counted from 0 */
    uint32_t segments;     /* newly acknowledged */
    uint32_t bytes;        /* of these, payload */
    uint32_t marked_bytes; /* newly, by the option */
    uint32_t mss_bytes;
    bool option; /* there was one: marked_bytes means something */
};
/* How many of our segments this ACK says were marked: the ACE field alone may have wrapped, and
 * where it may, the safest count that fits is taken. */
uint32_t accecn_newly_marked(const struct accecn_ack *ack);

/* Takes the counters of an option; returns how many more bytes were marked, *valid: they can be
 * believed. */
uint32_t accecn_take_option(struct tcp_conn *conn, struct tcp_host *host,
                            const struct tcp_options *options, bool *valid);
/* An acceptable segment counts for what we tell the peer. */
void accecn_arrived(struct tcp_conn *conn, const struct tcp_segment *segment);
/* The first segment that can: is the field zero, does it say what became of our SYN-ACK? */
void accecn_first_ace(struct tcp_conn *conn, struct tcp_host *host,
                      const struct tcp_segment *segment);
/* The option says that there were marks, the field says that there were none. */
void accecn_inconsistent(struct tcp_conn *conn, struct tcp_host *host);
/* SYN-ACK's flags, decoded by who sent a SYN with all three. */
void accecn_take_syn_ack(struct tcp_conn *conn, struct tcp_host *host,
                         const struct tcp_segment *segment);

#endif
