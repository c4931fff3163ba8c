/* SPDX-License-Identifier: MIT
 *
 * BBR version 3 (draft-ietf-ccwg-bbr), from the inside. bbr.c keeps the model of the path and sets
 * the three numbers; bbr_probe.c goes through the states in which the model is learnt. The names
 * are the draft's.
 */
#ifndef BBR_H
#define BBR_H

#include "cc_math.h"
#include "cc_ops.h"

#define BBR_INFINITE_RATE UINT64_MAX
#define BBR_MIN_PIPE_SEGMENTS 4u /* MinPipeCwnd (2.7) */
#define BBR_BETA_PERCENT 70u     /* Beta */
#define BBR_LOSS_THRESHOLD 50u   /* LossThresh: 1/50 = 2 % */
#define BBR_QUEUE_LEAST_US 1250u /* what our own bursts make is no queue */

enum bbr_state {
    BBR_STARTUP,
    BBR_DRAIN,
    BBR_DOWN, /* ProbeBW_DOWN and so on */
    BBR_CRUISE,
    BBR_REFILL,
    BBR_UP,
    BBR_PROBE_RTT
};

enum bbr_ack_phase {
    BBR_ACKS_INIT,
    BBR_ACKS_REFILLING,
    BBR_ACKS_PROBE_STARTING,
    BBR_ACKS_PROBE_FEEDBACK,
    BBR_ACKS_PROBE_STOPPING
};

struct bbr {
    /* The data rate model (2.3): the last two probing cycles' most, and a bound after loss. */
    uint64_t max_bw_filter[2], max_bw;
    uint64_t bw_shortterm, bw, bw_latest;
    /* The volume model (2.4), bytes; UINT32_MAX: no bound. */
    uint32_t inflight_longterm, inflight_shortterm, inflight_latest, max_inflight;
    uint32_t min_rtt_us; /* UINT32_MAX: none yet */
    hf_time min_rtt_stamp;
    /* Round trips, counted by what is delivered (5.5.1). */
    uint64_t next_round_delivered, loss_round_delivered;
    uint32_t round_count;
    /* ACK aggregation (5.5.9): two windows of five rounds each. */
    hf_time extra_acked_start;
    uint64_t extra_acked_delivered;
    uint32_t extra_acked[2], extra_acked_round;
    /* What comes at one instant, on average over the last round; and this round's sums. */
    uint32_t ack_burst_bytes, round_bursts;
    uint64_t burst_round_bytes;
    hf_time burst_stamp;
    /* Is the pipe full (5.3.1.2)? */
    uint64_t full_bw;
    /* ProbeBW (5.3.3) */
    hf_time cycle_stamp, bw_probe_wait_ns;
    uint32_t rounds_since_bw_probe, probe_up_count_bytes, bw_probe_up_acks;
    /* ProbeRTT (5.3.4) */
    uint32_t probe_rtt_min_delay_us;
    hf_time probe_rtt_min_stamp, probe_rtt_done_stamp;
    hf_time empty_stamp;    /* a round trip as short as the least */
    uint64_t limited_until; /* samples from before this were taken while held back on purpose */
    uint32_t prior_cwnd_bytes;
    /* The path's own loss (bbr_loss.c): of so much seen, so much lost; its share, and the loss
     * round that is being looked at. */
    uint64_t own_seen_bytes, own_lost_bytes, startup_seen_bytes, startup_lost_bytes;
    uint64_t round_delivered, round_lost, round_bw, probe_end_delivered;
    uint32_t own_loss, least_rtt_us, round_acks, round_acks_near;
    /* What a needless recovery took (5.5.11). */
    uint64_t undo_bw_shortterm;
    uint32_t undo_inflight_shortterm, undo_inflight_longterm;
    uint8_t undo_state;

    uint8_t state, ack_phase; /* enum bbr_state, enum bbr_ack_phase */
    uint8_t full_bw_count;    /* rounds without 25 % more */
    uint8_t rounds_cut_short; /* lossy rounds of Startup that the peer's window held back */
    uint8_t bw_probe_up_rounds;
    uint8_t loss_events_in_round;    /* ACKs that told of loss */
    uint8_t share_now, share_before; /* percent of bw that may leave: in this round, the last */
    uint16_t pacing_gain_percent, cwnd_gain_percent;
    bool round_start, loss_round_start, loss_in_round, ecn_in_round;
    bool full_bw_reached, full_bw_now, bw_probe_samples;
    bool peer_limited, peer_limited_before; /* its window held us back in this round, the last */
    bool queue_seen;                        /* in the last round */
    bool disturbed, disturbed_before;       /* the bounds came down in this cycle, in the last */
    bool probe_losses;                      /* what is lost now was sent while probing */
    bool round_counts;                      /* what it lost may be the path's own */
    bool recovery_begins;                   /* what this ACK brought is not counted yet */
    bool probe_rtt_round_done, probe_rtt_expired, idle_restart, in_recovery;
};

/* ---- bbr.c */

/* BBRBDPMultiple: bytes; the initial window while no RTT is known. */
uint32_t bbr_bdp(const struct bbr *bbr, const struct hf_cc_sample *sample, uint64_t bw,
                 uint32_t gain_percent);
/* BBRInflight: what the path holds at this gain, in whole segments and with room for offloads. */
uint32_t bbr_inflight(const struct hf_cc_state *state, const struct hf_cc_sample *sample,
                      uint32_t gain_percent);
uint32_t bbr_inflight_with_headroom(const struct bbr *bbr, const struct hf_cc_sample *sample);
bool bbr_app_limited(const struct bbr *bbr, const struct hf_cc_sample *sample);
static inline struct bbr *bbr_of(const struct hf_cc_state *state)
{
    return state->private_state;
}
static inline uint32_t bbr_min_pipe_cwnd(const struct hf_cc_sample *sample)
{
    return BBR_MIN_PIPE_SEGMENTS * sample->mss_bytes;
}
static inline bool bbr_in_probe_bw(const struct bbr *bbr)
{
    return bbr->state >= BBR_DOWN && bbr->state <= BBR_UP;
}

/* ---- bbr_loss.c */

/* Probing is over: what is lost of what it has in flight is no news of the path at rest. */
void bbr_probe_ends(struct bbr *bbr, const struct hf_cc_sample *sample);
/* Each ACK; and the end of a loss round, before its congestion signals are forgotten. */
void bbr_loss_on_ack(struct bbr *bbr, const struct hf_cc_sample *sample);
void bbr_loss_on_round(struct bbr *bbr, const struct hf_cc_sample *sample);
/* Of this loss round until now: what was lost of what was sent. */
uint64_t bbr_round_lost(const struct bbr *bbr, const struct hf_cc_sample *sample);
uint64_t bbr_round_sent(const struct bbr *bbr, const struct hf_cc_sample *sample);
/* Most of the round's ACKs tell of a queue. */
bool bbr_queue_seen(const struct bbr *bbr);
/* The most that the path loses by itself of so many bytes, as far as chance goes; 0: nothing is
 * known of it. */
uint64_t bbr_expected_loss(const struct bbr *bbr, const struct hf_cc_sample *sample,
                           uint64_t bytes);
/* What must be sent for so much to arrive. */
uint64_t bbr_sending_rate(const struct bbr *bbr, uint64_t rate);

/* ---- bbr_probe.c */

void bbr_enter_startup(struct bbr *bbr, const struct hf_cc_sample *sample);
void bbr_start_down(struct bbr *bbr, const struct hf_cc_sample *sample);
void bbr_start_up(struct hf_cc_state *state, const struct hf_cc_sample *sample);
void bbr_reset_full_bw(struct bbr *bbr);
void bbr_reset_lower_bounds(struct bbr *bbr);
/* The state machine, one ACK on. */
void bbr_advance(struct hf_cc_state *state, const struct hf_cc_sample *sample);
uint32_t bbr_probe_rtt_cwnd(const struct hf_cc_state *state, const struct hf_cc_sample *sample);
void bbr_check_probe_rtt_done(struct hf_cc_state *state, const struct hf_cc_sample *sample);

#endif
