/* SPDX-License-Identifier: MIT
 *
 * What an algorithm may do with cwnd and ssthresh, step by step: how much an ACK may add (Reno's
 * and CUBIC's rules, in floating point), what a reduction must come to, what an undo gives back,
 * and that nothing changes without a reason told.
 */
#ifndef WINDOW_ORACLE_H
#define WINDOW_ORACLE_H

#include "recovery_oracle.h"

struct cubic_model {
    double w_max, cwnd_prior, w_est, k_seconds;
    hf_time epoch; /* when t was 0 */
    bool in_epoch, after_timeout, slow_start_over;
};

struct window_oracle {
    struct oracle_failure failure;
    bool begun;
    bool reordering_seen;
    uint32_t cwnd_bytes, ssthresh_bytes; /* the algorithm's own, without PRR and inflation */
    uint32_t prior_cwnd_bytes, prior_ssthresh_bytes; /* what an undo gives back */
    bool fast, reducing;                             /* cwnd is led by recovery, by ECN's PRR */
    bool timed_out, outstanding;                     /* in recovery after a timeout; in any */
    uint32_t recover;
    unsigned timeouts;  /* in a row */
    bool after_timeout; /* slow start after one: RFC 3465 2.3's L = 1 */
    uint32_t una, nxt;  /* as the packets show them */
    double counted;     /* Reno's, since cwnd last grew */
    struct cubic_model cubic, cubic_before;
    bool slow_start_over, css, css_next; /* HyStart++ */
    unsigned css_rounds, round_acks;
    uint32_t round_end;
    uint32_t highest_bytes; /* BBR's cwnd, so far */
    /* what the step at hand has told so far */
    bool grew;
    uint32_t grown_from, grown_to, growing_ssthresh_bytes;
    hf_time srtt_ns;
    bool reduced; /* not again until `reduced_until` is acknowledged */
    uint32_t reduced_until;
    uint64_t growths, slow_growths, reductions, undos; /* judged; slow: of HyStart++'s CSS */
};

/* `recovery` has taken the event already: it knows what an ACK delivers. */
void window_oracle_take(struct window_oracle *oracle, const struct recovery_oracle *recovery,
                        const struct hf_config *host, const struct hf_trace_event *event);

#endif
