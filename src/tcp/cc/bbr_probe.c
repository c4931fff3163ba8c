/* SPDX-License-Identifier: MIT
 *
 * BBR's states (draft-ietf-ccwg-bbr 5.3):
 *
 *     Startup -> Drain -> DOWN -> CRUISE -> REFILL -> UP -> DOWN ...
 *        ^                         any of them <-> ProbeRTT
 *
 * Startup doubles until the rate stops growing; Drain empties the queue that this built. DOWN and
 * CRUISE leave room for others; REFILL fills the pipe anew, and UP sends more than was ever seen to
 * arrive, to learn whether there is more. Once in five seconds ProbeRTT lets the queue run dry so
 * that the round trip without it can be seen.
 */
#include "bbr.h"

#define STARTUP_GAIN_PERCENT 277u
#define DRAIN_GAIN_PERCENT 50u
#define CWND_GAIN_PERCENT 200u
#define FULL_BW_GROWTH_PERCENT 125u
#define FULL_BW_ROUNDS 3u
#define STARTUP_FULL_LOSS_COUNT 6u
#define PROBE_RTT_DURATION_NS (200 * HF_MILLISECOND)
#define PROBE_RTT_CWND_GAIN_PERCENT 50u
#define RENO_ROUNDS_MAX 63u

static void enter(struct bbr *bbr, const struct hf_cc_sample *sample, enum bbr_state state)
{
    static const struct {
        uint16_t pacing, cwnd;
        enum hf_reason reason;
    } table[] = {
        [BBR_STARTUP] = {STARTUP_GAIN_PERCENT, CWND_GAIN_PERCENT, HF_REASON_BBR_STARTUP},
        [BBR_DRAIN] = {DRAIN_GAIN_PERCENT, CWND_GAIN_PERCENT, HF_REASON_BBR_DRAIN},
        [BBR_DOWN] = {90, CWND_GAIN_PERCENT, HF_REASON_BBR_DOWN},
        [BBR_CRUISE] = {100, CWND_GAIN_PERCENT, HF_REASON_BBR_CRUISE},
        [BBR_REFILL] = {100, CWND_GAIN_PERCENT, HF_REASON_BBR_REFILL},
        [BBR_UP] = {125, 225, HF_REASON_BBR_UP},
        [BBR_PROBE_RTT] = {100, PROBE_RTT_CWND_GAIN_PERCENT, HF_REASON_BBR_PROBE_RTT},
    };
    bbr->state = (uint8_t)state;
    bbr->pacing_gain_percent = table[state].pacing;
    bbr->cwnd_gain_percent = table[state].cwnd;
    hf_cc_tell(sample, table[state].reason);
}

static void start_round(struct bbr *bbr, const struct hf_cc_sample *sample)
{
    bbr->next_round_delivered = sample->total_delivered_bytes;
}

void bbr_reset_full_bw(struct bbr *bbr)
{
    bbr->full_bw = 0;
    bbr->full_bw_count = 0;
    bbr->full_bw_now = false;
}

void bbr_reset_lower_bounds(struct bbr *bbr)
{
    bbr->bw_shortterm = BBR_INFINITE_RATE;
    bbr->inflight_shortterm = HF_CC_INFINITE;
}

static void reset_congestion_signals(struct bbr *bbr)
{
    bbr->loss_in_round = false;
    bbr->ecn_in_round = false;
    bbr->bw_latest = 0;
    bbr->inflight_latest = 0;
}

void bbr_enter_startup(struct bbr *bbr, const struct hf_cc_sample *sample)
{
    bbr_reset_full_bw(bbr);
    enter(bbr, sample, BBR_STARTUP);
}

/* ---- Startup and Drain */

/* DEVIATION: the draft counts a round in which the peer's window held us back as one in which the
 * path gave no more. A receiver whose buffer follows the flow is late where data is lost and it
 * cannot read on; such a round says nothing of the path, unless a queue is seen. */
static bool held_by_peer(struct bbr *bbr)
{
    bool held = bbr->peer_limited || bbr->peer_limited_before;
    bbr->peer_limited_before = bbr->peer_limited;
    bbr->peer_limited = false;
    return held && !bbr_queue_seen(bbr);
}

/* 5.3.1.2: three rounds in a row without a quarter more. */
static void check_full_bw_reached(struct bbr *bbr, const struct hf_cc_sample *sample)
{
    bool held;
    bbr->peer_limited |= sample->window_limited;
    if (!bbr->round_start) {
        return;
    }
    held = held_by_peer(bbr);
    if (bbr->full_bw_now || sample->rate == 0 || bbr_app_limited(bbr, sample)) {
        return;
    }
    if (sample->rate >= cc_scale(bbr->full_bw, FULL_BW_GROWTH_PERCENT, 100)) {
        bbr_reset_full_bw(bbr);
        bbr->full_bw = sample->rate;
        return;
    }
    bbr->full_bw_count += !held;
    bbr->full_bw_now = bbr->full_bw_count >= FULL_BW_ROUNDS;
    bbr->full_bw_reached |= bbr->full_bw_now;
}

/* IsInflightTooHigh: of what was in flight with the newest segment, more than 2 % was lost beyond
 * what the path loses by itself. */
static bool inflight_too_high(const struct bbr *bbr, const struct hf_cc_sample *sample)
{
    uint64_t lost = sample->total_lost_bytes - sample->prior_lost_bytes;
    uint64_t expected = bbr_expected_loss(bbr, sample, sample->prior_pipe_bytes);
    return sample->rate > 0 && lost > expected &&
           (lost - expected) * BBR_LOSS_THRESHOLD > sample->prior_pipe_bytes;
}

/* DEVIATION: nor does loss end Startup in such a round, queue or not, for as many rounds as make a
 * plateau. The round ends in silence, so neither the rate nor the flight of it is the path's: what
 * would be taken for its BDP until the next probes is a fifth too small. */
static bool cut_short(struct bbr *bbr)
{
    if (!(bbr->peer_limited || bbr->peer_limited_before) ||
        bbr->rounds_cut_short >= FULL_BW_ROUNDS) {
        return false;
    }
    bbr->rounds_cut_short++;
    return true;
}

/* 5.3.1.3: a round of recovery with six losses of its own and more than 2 % of the flight.
 * DEVIATION: and with a queue, or without growth; a path that delivers so much more each round, as
 * fast as ever, is not full (bbr_loss.c). */
static void check_startup_high_loss(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct bbr *bbr = bbr_of(state);
    if (bbr->state == BBR_STARTUP && bbr->loss_round_start && sample->in_recovery &&
        bbr->loss_events_in_round >= STARTUP_FULL_LOSS_COUNT && inflight_too_high(bbr, sample) &&
        (bbr->full_bw_count > 0 || bbr_queue_seen(bbr)) && !cut_short(bbr)) {
        bbr->full_bw_reached = true;
        bbr->inflight_longterm =
            cc_max(bbr_bdp(bbr, sample, bbr->max_bw, 100), bbr->inflight_latest);
        hf_cc_tell(sample, HF_REASON_BBR_INFLIGHT_BOUND);
    }
}

/* ---- ProbeBW */

/* Mixed from what differs from flow to flow and from cycle to cycle. */
static uint32_t lot(const struct bbr *bbr, const struct hf_cc_sample *sample)
{
    uint64_t mixed = (sample->snd_nxt + (uint64_t)bbr->round_count * 0x9e3779b9u) ^
                     (uint64_t)(sample->now / HF_MICROSECOND) << 17;
    mixed *= UINT64_C(0xd6e8feb86659fd93);
    return (uint32_t)(mixed >> 32);
}

void bbr_start_down(struct bbr *bbr, const struct hf_cc_sample *sample)
{
    uint32_t drawn = lot(bbr, sample);
    if (bbr->state == BBR_UP) {
        bbr_probe_ends(bbr, sample);
    }
    reset_congestion_signals(bbr);
    bbr->probe_up_count_bytes = HF_CC_INFINITE;
    /* BBRPickProbeWait: 2 to 3 seconds. */
    bbr->rounds_since_bw_probe = drawn & 1;
    bbr->bw_probe_wait_ns = 2 * HF_SECOND + (hf_time)(drawn >> 12) * 953;
    bbr->cycle_stamp = sample->now;
    bbr->ack_phase = BBR_ACKS_PROBE_STOPPING;
    start_round(bbr, sample);
    enter(bbr, sample, BBR_DOWN);
}

static void start_refill(struct bbr *bbr, const struct hf_cc_sample *sample)
{
    bbr_reset_lower_bounds(bbr);
    bbr->disturbed_before = bbr->disturbed;
    bbr->disturbed = false;
    bbr->bw_probe_up_rounds = 0;
    bbr->bw_probe_up_acks = 0;
    bbr->ack_phase = BBR_ACKS_REFILLING;
    start_round(bbr, sample);
    enter(bbr, sample, BBR_REFILL);
}

/* BBRRaiseInflightLongtermSlope: how many bytes delivered are worth one segment more. */
static void raise_slope(const struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct bbr *bbr = bbr_of(state);
    uint64_t growth_segments = UINT64_C(1) << bbr->bw_probe_up_rounds;
    if (bbr->bw_probe_up_rounds < 30) {
        bbr->bw_probe_up_rounds++;
    }
    bbr->probe_up_count_bytes =
        cc_max((uint32_t)(state->cwnd_bytes / growth_segments), sample->mss_bytes);
}

void bbr_start_up(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct bbr *bbr = bbr_of(state);
    bbr->ack_phase = BBR_ACKS_PROBE_STARTING;
    start_round(bbr, sample);
    bbr_reset_full_bw(bbr);
    bbr->full_bw = sample->rate;
    bbr->cycle_stamp = sample->now;
    enter(bbr, sample, BBR_UP);
    raise_slope(state, sample);
}

/* BBRProbeInflightLongtermUpward: slowly at first, twice as fast each round. */
static void probe_upward(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct bbr *bbr = bbr_of(state);
    uint32_t steps;
    if (!sample->cwnd_limited || state->cwnd_bytes < bbr->inflight_longterm) {
        return; /* the bound is not what holds us back */
    }
    bbr->bw_probe_up_acks += sample->delivered_bytes;
    steps = bbr->bw_probe_up_acks / bbr->probe_up_count_bytes;
    bbr->bw_probe_up_acks -= steps * bbr->probe_up_count_bytes;
    bbr->inflight_longterm =
        cc_clamp_u64((uint64_t)bbr->inflight_longterm + (uint64_t)steps * sample->mss_bytes);
    if (bbr->round_start) {
        raise_slope(state, sample);
    }
}

/* BBRHandleInflightTooHigh. */
static void handle_too_high(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct bbr *bbr = bbr_of(state);
    uint32_t target = cc_min(bbr_bdp(bbr, sample, bbr->bw, 100), state->cwnd_bytes);
    bbr->bw_probe_samples = false;
    if (!bbr_app_limited(bbr, sample)) {
        bbr->inflight_longterm =
            cc_max(sample->prior_pipe_bytes, (uint32_t)((uint64_t)target * BBR_BETA_PERCENT / 100));
        hf_cc_tell(sample, HF_REASON_BBR_INFLIGHT_BOUND);
    }
    if (bbr->state == BBR_UP) {
        bbr_start_down(bbr, sample);
    }
}

/* BBRAdaptLongTermModel: what the last probe taught. */
static void adapt_long_term_model(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct bbr *bbr = bbr_of(state);
    if (bbr->ack_phase == BBR_ACKS_PROBE_STARTING && bbr->round_start) {
        bbr->ack_phase = BBR_ACKS_PROBE_FEEDBACK;
    }
    if (bbr->ack_phase == BBR_ACKS_PROBE_STOPPING && bbr->round_start) {
        bbr->bw_probe_samples = false;
        bbr->ack_phase = BBR_ACKS_INIT;
        if (bbr_in_probe_bw(bbr) && !bbr_app_limited(bbr, sample) && bbr->max_bw_filter[1] > 0) {
            bbr->max_bw_filter[0] = bbr->max_bw_filter[1]; /* BBRAdvanceMaxBwFilter */
            bbr->max_bw_filter[1] = 0;
        }
    }
    if (inflight_too_high(bbr, sample)) {
        if (bbr->bw_probe_samples) {
            handle_too_high(state, sample);
        }
        return;
    }
    if (bbr->inflight_longterm == HF_CC_INFINITE) {
        return;
    }
    bbr->inflight_longterm = cc_max(bbr->inflight_longterm, sample->prior_pipe_bytes);
    if (bbr->state == BBR_UP) {
        probe_upward(state, sample);
    }
}

/* As often as Reno would lose (5.3.3.5.2), or after two or three seconds. */
static bool time_to_probe(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct bbr *bbr = bbr_of(state);
    uint32_t target = cc_min(bbr_bdp(bbr, sample, bbr->bw, 100), state->cwnd_bytes);
    if (sample->now > bbr->cycle_stamp + bbr->bw_probe_wait_ns ||
        bbr->rounds_since_bw_probe >= cc_min(target / sample->mss_bytes, RENO_ROUNDS_MAX)) {
        start_refill(bbr, sample);
        return true;
    }
    return false;
}

static bool time_to_cruise(const struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    return sample->pipe_bytes <= bbr_inflight_with_headroom(bbr_of(state), sample) &&
           sample->pipe_bytes <= bbr_inflight(state, sample, 100);
}

static bool time_to_go_down(const struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct bbr *bbr = bbr_of(state);
    if (sample->cwnd_limited && state->cwnd_bytes >= bbr->inflight_longterm) {
        bbr_reset_full_bw(bbr); /* it is our own bound that stops the growth */
        bbr->full_bw = sample->rate;
        return false;
    }
    return bbr->full_bw_now;
}

static void update_probe_bw(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct bbr *bbr = bbr_of(state);
    if (!bbr->full_bw_reached) {
        return;
    }
    adapt_long_term_model(state, sample);
    switch ((enum bbr_state)bbr->state) {
    case BBR_DOWN:
        if (!time_to_probe(state, sample) && time_to_cruise(state, sample)) {
            enter(bbr, sample, BBR_CRUISE);
        }
        break;
    case BBR_CRUISE:
        (void)time_to_probe(state, sample);
        break;
    case BBR_REFILL:
        if (bbr->round_start) {
            bbr->bw_probe_samples = true;
            bbr_start_up(state, sample);
        }
        break;
    case BBR_UP:
        if (time_to_go_down(state, sample)) {
            bbr_start_down(bbr, sample);
        }
        break;
    case BBR_STARTUP:
    case BBR_DRAIN:
    case BBR_PROBE_RTT:
        break;
    }
}

/* ---- ProbeRTT */

uint32_t bbr_probe_rtt_cwnd(const struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    const struct bbr *bbr = bbr_of(state);
    return cc_max(bbr_bdp(bbr, sample, bbr->bw, PROBE_RTT_CWND_GAIN_PERCENT),
                  bbr_min_pipe_cwnd(sample));
}

void bbr_check_probe_rtt_done(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct bbr *bbr = bbr_of(state);
    if (bbr->probe_rtt_done_stamp == 0 || sample->now <= bbr->probe_rtt_done_stamp) {
        return;
    }
    bbr->probe_rtt_min_stamp = sample->now; /* five seconds until the next */
    state->cwnd_bytes = cc_max(state->cwnd_bytes, bbr->prior_cwnd_bytes);
    bbr_reset_lower_bounds(bbr);
    if (bbr->full_bw_reached) {
        bbr_start_down(bbr, sample);
        enter(bbr, sample, BBR_CRUISE);
    } else {
        bbr_enter_startup(bbr, sample);
    }
}

static void handle_probe_rtt(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct bbr *bbr = bbr_of(state);
    bbr->limited_until = sample->total_delivered_bytes + sample->pipe_bytes;
    if (bbr->probe_rtt_done_stamp == 0) {
        if (sample->pipe_bytes <= bbr_probe_rtt_cwnd(state, sample)) {
            bbr->probe_rtt_done_stamp = sample->now + PROBE_RTT_DURATION_NS;
            bbr->probe_rtt_round_done = false;
            start_round(bbr, sample);
        }
        return;
    }
    bbr->probe_rtt_round_done |= bbr->round_start;
    if (bbr->probe_rtt_round_done) {
        bbr_check_probe_rtt_done(state, sample);
    }
}

static void check_probe_rtt(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct bbr *bbr = bbr_of(state);
    if (bbr->state != BBR_PROBE_RTT && bbr->probe_rtt_expired && !bbr->idle_restart) {
        enter(bbr, sample, BBR_PROBE_RTT);
        bbr->prior_cwnd_bytes =
            bbr->in_recovery ? cc_max(bbr->prior_cwnd_bytes, state->cwnd_bytes) : state->cwnd_bytes;
        bbr->probe_rtt_done_stamp = 0;
        bbr->ack_phase = BBR_ACKS_PROBE_STOPPING;
        start_round(bbr, sample);
    }
    if (bbr->state == BBR_PROBE_RTT) {
        handle_probe_rtt(state, sample);
    }
    if (sample->delivered_bytes > 0) {
        bbr->idle_restart = false;
    }
}

void bbr_advance(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct bbr *bbr = bbr_of(state);
    check_full_bw_reached(bbr, sample);
    check_startup_high_loss(state, sample);
    if (bbr->state == BBR_STARTUP && bbr->full_bw_reached) {
        enter(bbr, sample, BBR_DRAIN);
        bbr_probe_ends(bbr, sample);
    }
    if (bbr->state == BBR_DRAIN && sample->pipe_bytes <= bbr_inflight(state, sample, 100)) {
        bbr_start_down(bbr, sample);
    }
    update_probe_bw(state, sample);
    check_probe_rtt(state, sample);
}
