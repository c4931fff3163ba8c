/* SPDX-License-Identifier: MIT
 *
 * Explicit congestion notification: a connection's state of it, and what the other files ask of
 * tcp_ecn.c.
 */
#ifndef TCP_ECN_H
#define TCP_ECN_H

#include "seq32.h"

#include <handfast/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tcp_ack_news;
struct tcp_conn;
struct tcp_host;
struct tcp_options;
struct tcp_segment;

/* RFC 3168 5: the two bits of the IP header, as they stand there. */
enum ecn_codepoint { ECN_NOT_ECT = 0, ECN_ECT_1 = 1, ECN_ECT_0 = 2, ECN_CE = 3 };

/* How the two hosts tell each other of marks. The numbers are Linux's tcpi_ecn_mode. */
enum tcp_ecn_mode {
    TCP_ECN_OFF = 0,
    TCP_ECN_CLASSIC = 1, /* RFC 3168 */
    TCP_ECN_ACCURATE = 2 /* RFC 9768 */
};

struct tcp_ecn {
    uint8_t mode;        /* enum tcp_ecn_mode: what was agreed */
    uint8_t offered;     /* what our first SYN asked for */
    bool no_ect : 1;     /* a SYN or SYN-ACK without ECN has gone or come: nothing is sent as ECT */
    bool echo : 1;       /* RFC 3168 6.1.3: a mark came; ECE on all that leaves until CWR comes */
    bool cwr_due : 1;    /* 6.1.2: cwnd was reduced; the next new data says so */
    bool seen : 1;       /* something of the peer's came as ECT or CE */
    bool echoed : 1;     /* the ACK at hand tells of marks */
    bool before_due : 1; /* RFC 8257 3.2: an ACK of what came before the marks changed */
    /* cwnd was reduced when SND.NXT stood at reduced_until: nothing reduces it again for what was
     * in flight then. `reducing`: for marks, and PRR is still leading the flight down. */
    bool reduced : 1;
    bool reducing : 1;
    bool prior_reduced : 1; /* ... before the reduction that may be undone */
    bool prior_cwr_due : 1;
    /* Accurate feedback (tcp_accecn.c). */
    bool handshake_due : 1;  /* a bare ACK must tell how the SYN-ACK's ECN field arrived */
    bool first_checked : 1;  /* the first ACE field of the peer was looked at */
    bool ace_bad : 1;        /* and was zero: none is believed */
    bool handshake_ace : 1;  /* the segment at hand has the handshake's in its place */
    bool syn_ack_marked : 1; /* a SYN-ACK came marked, which counts but once */
    bool option_seen : 1;    /* the peer's options get through */
    bool option_counted : 1; /* ... with counters */
    bool option_bad : 1;     /* ... which are zeroed */
    bool option_valid : 1;   /* the ACK at hand has one that counts CE bytes */
    bool progress : 1;       /* ... and is newer than all before */
    uint8_t ace;             /* ... and its ACE field */
    uint8_t option_demand;   /* this many segments must carry the option */
    uint8_t option_moved;    /* counters (1 << place) that none has told of since they moved */
    uint8_t ce_pending;      /* marked since the last segment left */
    uint8_t last_codepoint;  /* of the last text that came */
    uint8_t syn_codepoint;   /* of the peer's SYN or SYN-ACK */
    uint32_t marked_bytes;   /* newly, by the option at hand */
    uint32_t counted_ce;     /* s.cep, counted from 0 */
    uint32_t received_bytes[3], delivered_bytes[3]; /* ECT(0), CE, ECT(1): r.e0b ... s.e1b */
    hf_time option_sent;
    seq32 reduced_until, prior_until;
    seq32 before;         /* RCV.NXT when the marks changed */
    uint32_t received_ce; /* segments that came marked CE */
};

/* ---- opening */

/* The bits of the SYN or SYN-ACK that is about to leave; counts what it commits to. */
uint16_t tcp_ecn_syn_flags(struct tcp_conn *conn, struct tcp_host *host);
/* The peer's SYN or SYN-ACK arrived in SYN-SENT. */
void tcp_ecn_take_syn(struct tcp_conn *conn, struct tcp_host *host,
                      const struct tcp_segment *segment);
/* What a listener of this algorithm agrees to when this SYN asks. */
uint8_t tcp_ecn_answer(const struct tcp_host *host, const struct hf_cc_ops *cc,
                       const struct tcp_segment *syn);

/* The bits of its SYN-ACK, sent so often before; `codepoint`: the SYN's. */
uint16_t tcp_ecn_answer_flags(uint8_t mode, uint8_t codepoint, unsigned retries);
/* What was agreed to when a SYN cookie left, by what brings it back and, if it has timestamps, by
 * the bit that it has kept there. */
uint8_t tcp_ecn_of_cookie(const struct tcp_host *host, const struct tcp_segment *segment,
                          bool kept);
/* RFC 9768 3.2.2: the bits of what else leaves before the handshake is over. */
uint16_t tcp_ecn_first_ace(uint8_t mode);
/* The peer's SYN-ACK came again: it is told again how it arrived. */
void tcp_ecn_repeat_handshake(struct tcp_conn *conn, const struct tcp_segment *segment);
/* A SYN like this asks for, or agrees to, another kind of feedback than one before. */
bool tcp_ecn_syn_contradicts(uint8_t mode, uint16_t flags);
/* A listener has agreed for this connection. */
void tcp_ecn_opened_passively(struct tcp_conn *conn, struct tcp_host *host);

/* ---- receiving */

/* An acceptable segment arrived, with text or without. */
void tcp_ecn_arrived(struct tcp_conn *conn, struct tcp_host *host,
                     const struct tcp_segment *segment);
/* Its text, trimmed to the window, is about to be taken. */
void tcp_ecn_text(struct tcp_conn *conn, struct tcp_host *host, const struct tcp_segment *segment);

/* ---- sending */

/* The SYN or SYN-ACK is built. */
void tcp_ecn_fill_syn(const struct tcp_conn *conn, struct tcp_segment *segment);
/* RFC 8257 3.2: the ACK of what came before the marks changed is built; the next tells of the new
 * state. */
void tcp_ecn_fill_before(struct tcp_conn *conn, struct tcp_segment *segment);
/* The codepoint of a SYN that asks for this, or of a SYN-ACK that agrees. */
uint8_t tcp_ecn_handshake_codepoint(const struct hf_cc_ops *cc, uint8_t mode);
/* The reset is built. */
void tcp_ecn_fill_reset(struct tcp_conn *conn, struct tcp_host *host, struct tcp_segment *segment);
/* A segment that is neither SYN nor RST is built; `new_data`: it carries bytes that were never
 * sent. */
void tcp_ecn_fill(struct tcp_conn *conn, struct tcp_host *host, struct tcp_segment *segment,
                  bool new_data);

/* Accurate ECN's option, if it is its time, as far as `room` bytes of options hold it. */
void tcp_ecn_fill_option(const struct tcp_conn *conn, const struct tcp_host *host,
                         struct tcp_options *options, size_t room);
/* The option of a SYN-ACK, if it fits. */
void tcp_ecn_first_option(const struct tcp_host *host, struct tcp_options *options);
/* These options leave. */
void tcp_ecn_option_sent(struct tcp_conn *conn, const struct tcp_host *host,
                         const struct tcp_options *options);

/* ---- reacting */

/* An ACK that will be believed: what does it say of marks? Before anything is made of it. */
void tcp_ecn_begin_ack(struct tcp_conn *conn, struct tcp_host *host,
                       const struct tcp_segment *segment);
/* The mark that the ACK at hand tells of is to be answered: none of its window has been. */
bool tcp_ecn_reacts(const struct tcp_conn *conn);
/* cwnd is not to grow on this ACK; SND.UNA has moved. */
bool tcp_ecn_holds_cwnd(struct tcp_conn *conn, struct tcp_host *host);
/* The ACK showed that so many segments have arrived. */
void tcp_ecn_count(struct tcp_conn *conn, struct tcp_host *host, uint32_t segments);
/* All else has been made of the ACK: cwnd is reduced, or on its way down. */
void tcp_ecn_react(struct tcp_conn *conn, struct tcp_host *host, const struct tcp_ack_news *news);
/* Losses have reduced cwnd. */
void tcp_ecn_reduced(struct tcp_conn *conn);
/* A reduction is about to happen, which may prove needless; it has. */
void tcp_ecn_undo_begin(struct tcp_conn *conn);
void tcp_ecn_undone(struct tcp_conn *conn, struct tcp_host *host);
/* What is lost was in flight when marks reduced cwnd: that reduction counts for it too. */
bool tcp_ecn_absorbs_loss(struct tcp_conn *conn);
/* So was what timed out. */
bool tcp_ecn_answers_timeout(const struct tcp_conn *conn);

#endif
