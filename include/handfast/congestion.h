/* SPDX-License-Identifier: MIT
 *
 * Congestion control: how fast a connection sends. Loss recovery decides what is lost (RFC 8985);
 * an algorithm hears of it and sets three numbers: cwnd, ssthresh and the pacing rate.
 *
 *     config.congestion_control = hf_congestion_control("bbr");       one of those that are there
 *     config.congestion_controls[0] = &mine;                          one more, by its own name
 *     hf_set_option(stack, c, HF_OPTION_CONGESTION, hf_congestion_control_find(stack, "mine"), now)
 *
 * An algorithm is a table of functions over a state. It reads no clock and calls nobody; what it
 * must know is in the sample it is given. Its private memory (`private_bytes`, zeroed) is there
 * from before the connection sends its first byte; a connection that never sends has none.
 *
 * Bytes throughout; rates in bytes per second.
 */
#ifndef HANDFAST_CONGESTION_H
#define HANDFAST_CONGESTION_H

#include "reasons.h"
#include "types.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HF_CC_INFINITE UINT32_MAX
#define HF_CC_NAME_BYTES 16          /* with its zero, as Linux's TCP_CA_NAME_MAX */
#define HF_CC_PRIVATE_BYTES_MAX 4096 /* what an algorithm may ask for a connection */
#define HF_CC_INFO_BYTES 20          /* TCP_CC_INFO's union in Linux */

/* The numbers an algorithm writes. */
struct hf_cc_state {
    uint32_t cwnd_bytes;     /* less than a segment is one segment */
    uint32_t ssthresh_bytes; /* HF_CC_INFINITE at first (RFC 5681 3.1) */
    /* What both were before the last reduction that may yet prove needless. Loss recovery keeps
     * them and gives them back; an algorithm only reads them. */
    uint32_t prior_cwnd_bytes;
    uint32_t prior_ssthresh_bytes;
    uint64_t pacing_rate; /* 0: the algorithm does not ask for pacing */
    void *private_state;  /* private_bytes of them; NULL when it asked for none */
};

/* What the moment looks like. What does not belong to the call is 0. */
struct hf_cc_sample {
    hf_time now;
    uint32_t mss_bytes;            /* SMSS */
    uint32_t flight_bytes;         /* FlightSize: sent and not cumulatively acknowledged */
    uint32_t pipe_bytes;           /* of these, neither SACKed nor lost (RFC 6675) */
    uint32_t acked_bytes;          /* on_ack: newly acknowledged */
    uint32_t sent_bytes;           /* on_sent: by what left; flight_bytes counts them */
    uint32_t initial_window_bytes; /* RFC 6928, or one segment after a lost SYN */
    uint32_t snd_una, snd_nxt;     /* sequence numbers, for counting round trips */
    bool after_timeout;            /* this slow start follows a timeout: L = 1 (RFC 3465 2.3) */
    bool cwnd_limited;    /* cwnd held the sender back, not data or the peer's window (RFC 7661) */
    bool in_recovery;     /* fast recovery, or what follows a timeout */
    bool window_limited;  /* the peer's window held the sender back when it last sent */
    bool app_limited;     /* the rate below was measured while there was too little to send */
    bool app_limited_now; /* there still is, or was when what is in flight left: C.app_limited */
    bool ece;          /* the ACK echoes congestion (RFC 3168), or its counters moved (RFC 9768) */
    uint32_t ce_bytes; /* of what this ACK delivers, marked CE */
    bool alternative_backoff; /* HF_CC_ECN: less than for a loss (RFC 8511), if it asks for it */
    /* HF_CC_TIMEOUT: of what was in flight at the last reduction; no second one. An undo takes back
     * both, or (`undo_begins`) only what the timeout does. */
    bool answered, undo_begins;
    uint32_t rtt_us;              /* of the latest segment this ACK delivers; 0: it tells none */
    uint32_t srtt_us, min_rtt_us; /* of the connection; 0: not measured */
    /* The delivery rate (draft-cheng-iccrg-delivery-rate-estimation), for on_delivery. */
    uint32_t delivered_bytes;       /* newly, by ACK or SACK */
    uint32_t lost_bytes;            /* newly taken as lost */
    uint64_t total_delivered_bytes; /* C.delivered */
    uint64_t total_lost_bytes;
    uint64_t prior_delivered_bytes; /* C.delivered when what is acknowledged left; see rate */
    uint64_t prior_lost_bytes;
    uint32_t prior_pipe_bytes; /* in flight when it left, itself included */
    uint64_t rate;             /* 0: this ACK gives no rate sample */
    uint32_t rate_bytes;       /* delivered in... */
    uint32_t rate_interval_us; /* ... this time */
    /* Says why, to whoever watches the trace: see hf_cc_tell. */
    void (*tell)(const struct hf_cc_sample *sample, enum hf_reason reason);
    const void *connection, *host;
};

/* A decision: becomes a trace event of kind HF_TRACE_CWND, and is counted where there is a counter
 * for it. */
static inline void hf_cc_tell(const struct hf_cc_sample *sample, enum hf_reason reason)
{
    if (sample->tell != NULL) {
        sample->tell(sample, reason);
    }
}

enum hf_cc_event {
    HF_CC_FAST_RETRANSMIT, /* loss told by duplicate ACKs or RACK; once a recovery */
    HF_CC_TIMEOUT,         /* loss told by the retransmission timer, first of a series */
    HF_CC_TIMEOUT_AGAIN,   /* the timer ran out again for the same data */
    HF_CC_ECN              /* congestion echoed without loss (RFC 3168); once a round trip */
};

struct hf_cc_ops {
    const char *name; /* 1 to 15 characters */
    uint32_t private_bytes;
    /* The connection's cwnd outside of recovery is followed in recovery too, in place of PRR's
     * (RFC 9937), and on_ack is not called: on_delivery is. */
    bool governs_recovery;
    /* It lives by marks (RFC 8257; Linux's TCP_CONG_NEEDS_ECN): its connections ask for ECN and
     * agree to it whatever config.ecn says, all of theirs is ECT, and as receivers they echo each
     * mark as it comes, not until CWR. */
    bool needs_ecn;
    /* on_delivery tells it nothing while cwnd is below ssthresh, and is not called then. */
    bool delivery_past_slow_start_only;
    /* private_state is zeroed; cwnd and ssthresh stand as they are to stand (the initial ones, or
     * what another algorithm left: this is also called when the algorithm is changed). */
    void (*init)(struct hf_cc_state *state, const struct hf_cc_sample *sample);
    /* A segment with data or FIN has left, new or again, or several new ones at once. May be NULL.
     */
    void (*on_sent)(struct hf_cc_state *state, const struct hf_cc_sample *sample);
    /* In place of on_sent, where nothing else is in flight; in place of on_ack, where cwnd does not
     * hold the sender back: up to now the window was not used (RFC 7661). on_sent is not called at
     * all then. May be NULL: on_sent and on_ack are called. A connection of few bytes has no other
     * times, and to fill samples for them took a thirtieth of what it costs. */
    void (*on_unused)(struct hf_cc_state *state, hf_time now);
    /* New data acknowledged outside recovery, or in slow start after a timeout. */
    void (*on_ack)(struct hf_cc_state *state, const struct hf_cc_sample *sample);
    /* Every ACK that delivers something, and whatever shows a loss, in recovery or not; after loss
     * detection, recovery and on_ack. May be NULL. */
    void (*on_delivery)(struct hf_cc_state *state, const struct hf_cc_sample *sample);
    /* Sets ssthresh, and cwnd to what it is to be when recovery is over (PRR leads there), or to
     * one segment after a timeout. */
    void (*on_congestion)(struct hf_cc_state *state, const struct hf_cc_sample *sample,
                          enum hf_cc_event event);
    /* Recovery without SACK (RFC 6582) is over. May be NULL: cwnd is ssthresh. */
    void (*on_recovery_exit)(struct hf_cc_state *state, const struct hf_cc_sample *sample);
    /* Sending begins again after nothing was in flight for longer than RTO. NULL: cwnd is halved
     * for each RTO, down to the initial window (RFC 2861), as Linux does. */
    void (*on_idle_restart)(struct hf_cc_state *state, const struct hf_cc_sample *sample);
    /* The last reduction was needless (RFC 4015, RFC 3708): cwnd and ssthresh have been given back;
     * what else the algorithm changed at on_congestion it takes back here. May be NULL. */
    void (*on_undo)(struct hf_cc_state *state, const struct hf_cc_sample *sample);
    /* What TCP_CC_INFO shows, in Linux's layout: fills `info` and returns its length, at most
     * HF_CC_INFO_BYTES. May be NULL: nothing. */
    uint32_t (*info)(const struct hf_cc_state *state, uint8_t info[HF_CC_INFO_BYTES]);
};

/* One of those that come with Handfast: "reno", "cubic" (the default), "bbr",
 * "dctcp". NULL: there is none of that
 * name. */
HF_API const struct hf_cc_ops *hf_congestion_control(const char *name);

struct hf_stack;
/* What this stack has, in order: Handfast's, then config.congestion_controls. NULL past the end. */
HF_API const char *hf_congestion_control_name(const struct hf_stack *stack, int index);
/* The index of a name, for HF_OPTION_CONGESTION; HF_ENOENT. */
HF_API int hf_congestion_control_find(const struct hf_stack *stack, const char *name);

#ifdef __cplusplus
}
#endif

#endif
