/* SPDX-License-Identifier: MIT
 *
 * Congestion control decides how fast; loss detection (tcp_ack.c) decides what is lost. An
 * algorithm writes only cwnd, ssthresh and its own scratch, and reads what happened from a sample.
 */
#ifndef CC_OPS_H
#define CC_OPS_H

#include <handfast/types.h>
#include <stdbool.h>
#include <stdint.h>

#define CC_SSTHRESH_INFINITE UINT32_MAX

struct cc_state {
    uint32_t cwnd_bytes;
    uint32_t ssthresh_bytes;
    uint32_t scratch[2]; /* the algorithm's own */
    /* What both were before the last reduction that may yet prove needless. Loss recovery keeps
     * them and gives them back; an algorithm only reads them. */
    uint32_t prior_cwnd_bytes;
    uint32_t prior_ssthresh_bytes;
};

/* What the moment looks like, in bytes. */
struct cc_sample {
    hf_time now;
    uint32_t mss_bytes;    /* SMSS */
    uint32_t flight_bytes; /* FlightSize: sent and not cumulatively acknowledged */
    uint32_t acked_bytes;  /* newly acknowledged by this ACK */
    uint32_t initial_segments;
    bool after_timeout; /* this slow start follows a timeout: L = 1 (RFC 3465 2.3) */
    bool cwnd_limited;  /* the sender was held back by cwnd, not by data or the peer's window */
};

enum cc_event {
    CC_EVENT_FAST_RETRANSMIT, /* loss told by duplicate ACKs */
    CC_EVENT_TIMEOUT,         /* loss told by the retransmission timer, first of a series */
    CC_EVENT_TIMEOUT_AGAIN    /* the timer ran out again for the same data */
};

struct cc_ops {
    const char *name;
    /* cwnd and ssthresh of a new connection; segments: RFC 6928's window, or 1 after a lost SYN. */
    void (*init)(struct cc_state *state, const struct cc_sample *sample);
    void (*on_sent)(struct cc_state *state, const struct cc_sample *sample);
    /* New data acknowledged outside recovery, or in slow start after a timeout. */
    void (*on_ack)(struct cc_state *state, const struct cc_sample *sample);
    void (*on_congestion)(struct cc_state *state, const struct cc_sample *sample,
                          enum cc_event event);
    void (*on_recovery_exit)(struct cc_state *state, const struct cc_sample *sample);
    void (*on_idle_restart)(struct cc_state *state, const struct cc_sample *sample);
    /* The last reduction was needless (RFC 4015, RFC 3708): cwnd and ssthresh have been given back;
     * what else the algorithm changed at on_congestion it takes back here. May be NULL. */
    void (*on_undo)(struct cc_state *state, const struct cc_sample *sample);
};

extern const struct cc_ops cc_reno;

#endif
