/* SPDX-License-Identifier: MIT
 *
 * BBR version 3 (draft-ietf-ccwg-bbr). It does not wait for loss to tell that a path is full but
 * measures it: the most it delivers (max_bw) and the least time it takes (min_rtt); their product
 * is what should be in flight. It sends at that rate, and now and then probes for more of the one
 * and less of the other. Loss beyond 2 % bounds it.
 *
 * Differences from the draft: what the path loses by itself is no congestion (bbr_loss.c); what is
 * lost of a probe's own flight, after Startup or UP, is for the long-term bound alone: cutting the
 * short-term ones for it, too, would answer the same loss twice. A loss is looked at once an ACK,
 * with the flight that the newest segment acknowledged left behind, not once for each lost packet;
 * what the draft draws by lot is mixed from numbers of the connection, so that a run can be
 * repeated; ECN, of which the draft says nothing yet, counts as loss does for the short-term
 * bounds.
 */
#include "bbr.h"

#define MIN_RTT_FILTER_NS (10 * HF_SECOND)    /* MinRTTFilterLen */
#define PROBE_RTT_INTERVAL_NS (5 * HF_SECOND) /* ProbeRTTInterval */
#define PROBE_RTT_LATEST_NS (MIN_RTT_FILTER_NS - 200 * HF_MILLISECOND)
#define EMPTY_PATH_DIVISOR 64u
#define EXTRA_ACKED_WINDOW_ROUNDS 5u /* half of ExtraAckedFilterLen */
#define SLIGHT_BURSTS 17u
#define STARTUP_GAIN_PERCENT 277u
#define PACING_MARGIN_PERCENT 1u
#define HALF_PERCENT 50u
#define NO_RTT UINT32_MAX
#define MICROSECONDS 1000000u

/* ---- what the path holds */

uint32_t bbr_bdp(const struct bbr *bbr, const struct hf_cc_sample *sample, uint64_t bw,
                 uint32_t gain_percent)
{
    if (bbr->min_rtt_us == NO_RTT || bw == 0) {
        return sample->initial_window_bytes;
    }
    return cc_clamp_u64(cc_scale(cc_scale(bw, bbr->min_rtt_us, MICROSECONDS), gain_percent, 100));
}

/* BBRSetSendQuantum, BBRUpdateOffloadBudget: a millisecond's worth, two segments at least. */
static uint32_t offload_budget(const struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    uint64_t quantum = state->pacing_rate / 1000;
    quantum = quantum < 65536 ? quantum : 65536;
    return 3 * cc_max((uint32_t)quantum, 2 * sample->mss_bytes);
}

uint32_t bbr_inflight(const struct hf_cc_state *state, const struct hf_cc_sample *sample,
                      uint32_t gain_percent)
{
    const struct bbr *bbr = bbr_of(state);
    uint32_t inflight = bbr_bdp(bbr, sample, bbr->max_bw, gain_percent);
    inflight = cc_max(inflight, offload_budget(state, sample));
    return cc_max(inflight, bbr_min_pipe_cwnd(sample));
}

/* The headroom in whole segments, as in Linux. Of a flight of 21 it is 3, and 18 are left; 15 % to
 * the octet would leave 17 and a part of one, which cwnd cannot spend. */
uint32_t bbr_inflight_with_headroom(const struct bbr *bbr, const struct hf_cc_sample *sample)
{
    uint32_t headroom;
    if (bbr->inflight_longterm == HF_CC_INFINITE) {
        return HF_CC_INFINITE;
    }
    headroom = cc_max(sample->mss_bytes, (uint32_t)((uint64_t)bbr->inflight_longterm * 15 / 100) /
                                             sample->mss_bytes * sample->mss_bytes);
    return cc_max(bbr->inflight_longterm > headroom ? bbr->inflight_longterm - headroom : 0,
                  bbr_min_pipe_cwnd(sample));
}

bool bbr_app_limited(const struct bbr *bbr, const struct hf_cc_sample *sample)
{
    return sample->app_limited || sample->prior_delivered_bytes < bbr->limited_until;
}

/* ---- the model, one ACK on (5.5) */

/* 5.5.1: a round trip is over when what left at its beginning is delivered. */
static void update_rounds(struct bbr *bbr, const struct hf_cc_sample *sample)
{
    bbr->round_start = false;
    bbr->loss_round_start = false;
    if (sample->rate == 0) {
        return;
    }
    if (sample->prior_delivered_bytes >= bbr->next_round_delivered) {
        bbr->next_round_delivered = sample->total_delivered_bytes;
        bbr->round_count++;
        bbr->rounds_since_bw_probe++;
        bbr->round_start = true;
    }
    if (sample->prior_delivered_bytes >= bbr->loss_round_delivered) {
        bbr->loss_round_delivered = sample->total_delivered_bytes;
        bbr->loss_round_start = true;
    }
}

/* 5.5.5: the most of this and of the last probing cycle. */
static void update_max_bw(struct bbr *bbr, const struct hf_cc_sample *sample)
{
    if (sample->rate > 0 && (sample->rate >= bbr->max_bw || !bbr_app_limited(bbr, sample))) {
        bbr->max_bw_filter[1] =
            sample->rate > bbr->max_bw_filter[1] ? sample->rate : bbr->max_bw_filter[1];
    }
    bbr->max_bw = bbr->max_bw_filter[0] > bbr->max_bw_filter[1] ? bbr->max_bw_filter[0]
                                                                : bbr->max_bw_filter[1];
}

/* More was lost in this round than the path loses by itself. */
static bool excess_loss(const struct bbr *bbr, const struct hf_cc_sample *sample)
{
    return bbr->loss_in_round && bbr_round_lost(bbr, sample) >
                                     bbr_expected_loss(bbr, sample, bbr_round_sent(bbr, sample));
}

/* How much of bw this state lets leave, in percent. */
static uint8_t share_let_leave(const struct bbr *bbr)
{
    switch ((enum bbr_state)bbr->state) {
    case BBR_DRAIN:
    case BBR_PROBE_RTT:
        return HALF_PERCENT;
    case BBR_DOWN:
        return 90;
    case BBR_STARTUP:
    case BBR_CRUISE:
    case BBR_REFILL:
    case BBR_UP:
        break;
    }
    return 100;
}

/* How much of bw left in the rounds whose samples this one has: those of up to two rounds ago. */
static uint32_t share_that_left(const struct bbr *bbr)
{
    return cc_min(share_let_leave(bbr), cc_min(bbr->share_now, bbr->share_before));
}

/* The most that arrived in the round, seen against what was let leave. A mark is no loss, and the
 * draft says nothing of it: what DOWN lets leave, 90 %, would become the bound when the queue that
 * the probe has made is marked, of this 90 % the next, and what is left the pace for two seconds,
 * on a path that delivers all it is given. DEVIATION: nor is the half that ProbeRTT lets leave what
 * the path delivers; a loss in the round after it would cut bw by 30 %. What is lost of DOWN's
 * counts as in the draft. */
static uint64_t bw_shown(const struct bbr *bbr, bool lost)
{
    uint32_t share = share_that_left(bbr);
    uint64_t bw = cc_scale(bbr->bw_latest, 100, share);
    bw = bw < bbr->bw_shortterm ? bw : bbr->bw_shortterm;
    return (lost && share > HALF_PERCENT) || bw < bbr->bw_latest ? bbr->bw_latest : bw;
}

/* The same of the flight. */
static uint32_t inflight_shown(const struct bbr *bbr)
{
    uint32_t inflight = cc_clamp_u64(bbr_sending_rate(bbr, bbr->inflight_latest));
    if (share_that_left(bbr) > HALF_PERCENT) {
        return inflight;
    }
    return cc_max(inflight, cc_min(cc_clamp_u64(2 * (uint64_t)inflight), bbr->inflight_shortterm));
}

/* 5.5.10.3: what loss says while nothing is being probed for. DEVIATION: inflight_latest is what
 * arrived of a flight. The bound is for what leaves: what the path loses by itself comes on top, as
 * it does to the pacing rate. */
static void adapt_lower_bounds(const struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct bbr *bbr = bbr_of(state);
    uint64_t less_bw, shown;
    bool lost = excess_loss(bbr, sample);
    if (bbr->probe_losses || bbr->state == BBR_STARTUP || bbr->state == BBR_REFILL ||
        bbr->state == BBR_UP || !(lost || bbr->ecn_in_round)) {
        return;
    }
    if (bbr->bw_shortterm == BBR_INFINITE_RATE) {
        bbr->bw_shortterm = bbr->max_bw;
    }
    if (bbr->inflight_shortterm == HF_CC_INFINITE) {
        bbr->inflight_shortterm = state->cwnd_bytes;
    }
    bbr->disturbed = true;
    less_bw = cc_scale(bbr->bw_shortterm, BBR_BETA_PERCENT, 100);
    shown = bw_shown(bbr, lost);
    bbr->bw_shortterm = shown > less_bw ? shown : less_bw;
    bbr->inflight_shortterm =
        cc_max(inflight_shown(bbr),
               (uint32_t)((uint64_t)bbr->inflight_shortterm * BBR_BETA_PERCENT / 100));
    hf_cc_tell(sample, HF_REASON_BBR_LOWER_BOUNDS);
}

static void update_congestion_signals(const struct hf_cc_state *state,
                                      const struct hf_cc_sample *sample)
{
    struct bbr *bbr = bbr_of(state);
    bbr->bw_latest = sample->rate > bbr->bw_latest ? sample->rate : bbr->bw_latest;
    bbr->inflight_latest = cc_max(bbr->inflight_latest, sample->rate_bytes);
    if (sample->lost_bytes > 0) {
        if (!bbr->loss_in_round) { /* BBRNoteLoss: a whole round from the first loss on */
            bbr->loss_round_delivered = sample->total_delivered_bytes;
            bbr->loss_round_start = false;
        }
        bbr->loss_in_round = true;
        if (bbr->loss_events_in_round < UINT8_MAX) {
            bbr->loss_events_in_round++;
        }
    }
    bbr->ecn_in_round |= sample->ece;
    update_max_bw(bbr, sample);
    bbr_loss_on_ack(bbr, sample);
    if (bbr->loss_round_start) {
        adapt_lower_bounds(state, sample);
        bbr->loss_in_round = false;
        bbr->ecn_in_round = false;
    }
}

/* 5.5.9: more was acknowledged at once than the rate explains: the path or the receiver saves ACKs
 * up, and cwnd must bridge the silence. */
static void update_aggregation(const struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct bbr *bbr = bbr_of(state);
    hf_time interval_us = (sample->now - bbr->extra_acked_start) / HF_MICROSECOND;
    uint64_t expected = cc_scale(bbr->bw, (uint64_t)interval_us, MICROSECONDS);
    uint32_t extra;
    if (bbr->extra_acked_delivered <= expected) {
        bbr->extra_acked_delivered = 0;
        bbr->extra_acked_start = sample->now;
        expected = 0;
    }
    bbr->extra_acked_delivered += sample->delivered_bytes;
    extra = cc_min(cc_clamp_u64(bbr->extra_acked_delivered - expected), state->cwnd_bytes);
    if (bbr->round_count - bbr->extra_acked_round >=
        (bbr->full_bw_reached ? EXTRA_ACKED_WINDOW_ROUNDS : 1)) {
        bbr->extra_acked_round = bbr->round_count;
        bbr->extra_acked[0] = bbr->extra_acked[1];
        bbr->extra_acked[1] = 0;
    }
    bbr->extra_acked[1] = cc_max(bbr->extra_acked[1], extra);
}

static uint32_t most_extra_acked(const struct bbr *bbr)
{
    return cc_max(bbr->extra_acked[0], bbr->extra_acked[1]);
}

/* Of a receiver that saves ACKs up, or a path that does (Linux keeps SACKs back for 1 ms or 5 % of
 * the round trip; so do radio links, and devices that join segments), so much comes in one go. */
static void update_ack_bursts(struct bbr *bbr, const struct hf_cc_sample *sample)
{
    if (bbr->round_bursts == 0 || sample->now != bbr->burst_stamp) {
        bbr->burst_stamp = sample->now;
        bbr->round_bursts++;
    }
    bbr->burst_round_bytes += sample->delivered_bytes;
    if (bbr->round_start) {
        bbr->ack_burst_bytes = cc_clamp_u64(bbr->burst_round_bytes / bbr->round_bursts);
        bbr->burst_round_bytes = 0;
        bbr->round_bursts = 0;
    }
}

/* How much longer than the least round trip one is that met no queue: a 64th, and what a segment
 * takes to pass, for the least one may be that of the opening, which was a header. */
static uint32_t without_queue_us(const struct bbr *bbr, const struct hf_cc_sample *sample)
{
    uint64_t segment_us = 0;
    if (bbr->max_bw > 0) {
        segment_us = cc_scale(sample->mss_bytes, MICROSECONDS, bbr->max_bw);
    }
    return bbr->min_rtt_us / EMPTY_PATH_DIVISOR +
           (uint32_t)(segment_us < BBR_QUEUE_LEAST_US ? segment_us : BBR_QUEUE_LEAST_US);
}

/* DEVIATION: where a round trip of the last five seconds was as short as the least one, but for
 * that, the path was just seen without a queue, and ProbeRTT has no queue to remove. It is put off,
 * to where it is still in time for the filter of ten seconds: min_rtt may have been taken with
 * another flow's queue in it. */
static bool probe_rtt_due(struct bbr *bbr, const struct hf_cc_sample *sample)
{
    hf_time age = sample->now - bbr->probe_rtt_min_stamp;
    if (sample->rtt_us > 0 &&
        sample->rtt_us <= (uint64_t)bbr->min_rtt_us + without_queue_us(bbr, sample)) {
        bbr->empty_stamp = sample->now;
    }
    return age > PROBE_RTT_LATEST_NS ||
           (age > PROBE_RTT_INTERVAL_NS && sample->now - bbr->empty_stamp > PROBE_RTT_INTERVAL_NS);
}

/* 5.5.7: one filter of ten seconds, and a shorter one that says when to look. */
static void update_min_rtt(struct bbr *bbr, const struct hf_cc_sample *sample)
{
    bbr->probe_rtt_expired = probe_rtt_due(bbr, sample);
    if (sample->rtt_us > 0 &&
        (sample->rtt_us < bbr->probe_rtt_min_delay_us || bbr->probe_rtt_expired)) {
        bbr->probe_rtt_min_delay_us = sample->rtt_us;
        bbr->probe_rtt_min_stamp = sample->now;
    }
    if (bbr->probe_rtt_min_delay_us < bbr->min_rtt_us ||
        sample->now > bbr->min_rtt_stamp + MIN_RTT_FILTER_NS) {
        bbr->min_rtt_us = bbr->probe_rtt_min_delay_us;
        bbr->min_rtt_stamp = bbr->probe_rtt_min_stamp;
    }
}

/* ---- the three numbers (5.6) */

/* BBRSetPacingRateWithGain. DEVIATION: the margin is there to empty a queue; where the last round
 * saw none, it would only leave 1 % of the path unused. */
static void set_pacing_rate(struct hf_cc_state *state, uint32_t gain_percent)
{
    const struct bbr *bbr = bbr_of(state);
    uint32_t margin = bbr->full_bw_reached && !bbr->queue_seen ? 0 : PACING_MARGIN_PERCENT;
    uint64_t rate =
        cc_scale(bbr_sending_rate(bbr, bbr->bw), gain_percent * (100 - margin), 100 * 100);
    if (rate > 0 && (bbr->full_bw_reached || rate > state->pacing_rate)) {
        state->pacing_rate = rate;
    }
}

/* DEVIATION: the draft makes room for ACKs that come late and many at once in max_inflight alone
 * (extra_acked), and the bounds that loss has set take it away again: a flight of one BDP, as
 * inflight_shortterm and the headroom leave it, is idle until the burst has come and while it is
 * paced out. So a bound is two of them larger, where they are more than delayed ACKs make; one, up
 * to seventeen of them, where they are not: of a BDP of a dozen segments that is a part that
 * counts. At the inflight_longterm that overflowed the path it ends as ever. */
static uint32_t with_bursts(const struct bbr *bbr, const struct hf_cc_sample *sample,
                            uint32_t bound)
{
    uint64_t burst = bbr->ack_burst_bytes;
    if (bound == HF_CC_INFINITE) {
        return bound;
    }
    if (burst > 2 * sample->mss_bytes) {
        return cc_clamp_u64(bound + 2 * burst);
    }
    return cc_max(bound, cc_min(cc_clamp_u64(bound + burst), cc_clamp_u64(SLIGHT_BURSTS * burst)));
}

/* DEVIATION: the headroom of CRUISE is for others, that they find room to grow in. Where it is more
 * than the queue holds it leaves part of the path unused: a tenth, with a queue of a tenth of a
 * BDP. So where nobody is there it leaves the flight that the path needs: no bound came down in the
 * last cycle nor in this one, and the last round saw no queue. */
static uint32_t cruising_flight(const struct bbr *bbr, const struct hf_cc_sample *sample)
{
    uint32_t flight = with_bursts(bbr, sample, bbr_inflight_with_headroom(bbr, sample));
    if (!bbr->disturbed && !bbr->disturbed_before && !bbr->queue_seen) {
        uint64_t needed = bbr_sending_rate(bbr, bbr_bdp(bbr, sample, bbr->bw, 100));
        needed += most_extra_acked(bbr);
        flight = cc_max(flight, cc_clamp_u64(needed));
    }
    return cc_min(flight, bbr->inflight_longterm);
}

static void bound_cwnd(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    const struct bbr *bbr = bbr_of(state);
    uint32_t cap = HF_CC_INFINITE;
    if (bbr->state == BBR_PROBE_RTT) {
        state->cwnd_bytes = cc_min(state->cwnd_bytes, bbr_probe_rtt_cwnd(state, sample));
    }
    if (bbr->state == BBR_PROBE_RTT) {
        cap = bbr_inflight_with_headroom(bbr, sample);
    } else if (bbr->state == BBR_CRUISE) {
        cap = cruising_flight(bbr, sample);
    } else if (bbr_in_probe_bw(bbr)) {
        cap = bbr->inflight_longterm;
    }
    cap = cc_max(cc_min(cap, with_bursts(bbr, sample, bbr->inflight_shortterm)),
                 bbr_min_pipe_cwnd(sample));
    state->cwnd_bytes = cc_min(state->cwnd_bytes, cap);
}

/* DEVIATION: the draft takes what is lost off cwnd so that an ACK lets leave no more than twice
 * what it says to have arrived. Where the program gave too little to send cwnd is larger than the
 * flight was, and all that is lost would go again at once, into the queue that has just overflowed;
 * the last of it would be for the retransmission timer. As in Linux recovery begins with what was
 * used of cwnd; what it was before comes back at the end (BBRRestoreCwnd). */
static uint32_t used_cwnd(const struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct bbr *bbr = bbr_of(state);
    uint32_t cwnd = state->cwnd_bytes;
    if (bbr->recovery_begins && sample->app_limited_now) {
        cwnd = cc_min(cwnd, sample->pipe_bytes + sample->lost_bytes + sample->delivered_bytes);
    }
    bbr->recovery_begins = false;
    return cwnd;
}

static void set_cwnd(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct bbr *bbr = bbr_of(state);
    uint64_t cwnd;
    bbr->max_inflight = bbr_bdp(bbr, sample, bbr->bw, bbr->cwnd_gain_percent);
    bbr->max_inflight = cc_clamp_u64((uint64_t)bbr->max_inflight + most_extra_acked(bbr));
    bbr->max_inflight = cc_max(bbr->max_inflight, offload_budget(state, sample));
    bbr->max_inflight = cc_max(bbr->max_inflight, bbr_min_pipe_cwnd(sample));
    if (bbr->state == BBR_UP) {
        bbr->max_inflight = cc_clamp_u64((uint64_t)bbr->max_inflight + 2 * sample->mss_bytes);
    }
    cwnd = used_cwnd(state, sample);
    /* BBRModulateCwndForRecovery: what is lost leaves the flight and makes no room. */
    if (sample->lost_bytes > 0) {
        cwnd = cwnd > sample->lost_bytes + sample->mss_bytes ? cwnd - sample->lost_bytes
                                                             : sample->mss_bytes;
    }
    cwnd += sample->delivered_bytes;
    if (bbr->full_bw_reached) {
        cwnd = cwnd < bbr->max_inflight ? cwnd : bbr->max_inflight;
    } else if (state->cwnd_bytes >= bbr->max_inflight &&
               sample->total_delivered_bytes >= 2ull * sample->initial_window_bytes) {
        cwnd = cwnd < state->cwnd_bytes ? cwnd : state->cwnd_bytes;
    }
    state->cwnd_bytes = cc_clamp_u64(cwnd);
    if (!sample->in_recovery) {
        state->cwnd_bytes = cc_max(state->cwnd_bytes, bbr_min_pipe_cwnd(sample));
    }
    bound_cwnd(state, sample);
}

/* ---- what congestion control is told */

static void bbr_init(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct bbr *bbr = bbr_of(state);
    uint32_t srtt_us = sample->srtt_us > 0 ? sample->srtt_us : 1000;
    bbr->min_rtt_us = sample->min_rtt_us > 0 ? sample->min_rtt_us
                      : sample->srtt_us > 0  ? sample->srtt_us
                                             : NO_RTT;
    bbr->min_rtt_stamp = sample->now;
    bbr->probe_rtt_min_delay_us = bbr->min_rtt_us;
    bbr->probe_rtt_min_stamp = sample->now;
    bbr->extra_acked_start = sample->now;
    bbr->empty_stamp = sample->now;
    bbr->share_now = bbr->share_before = 100;
    bbr->disturbed_before = true; /* there was no cycle yet */
    bbr->next_round_delivered = sample->total_delivered_bytes;
    bbr->loss_round_delivered = sample->total_delivered_bytes;
    bbr->inflight_longterm = HF_CC_INFINITE;
    bbr_reset_lower_bounds(bbr);
    bbr_enter_startup(bbr, sample);
    /* BBRInitPacingRate (5.6.2) */
    state->pacing_rate =
        cc_scale(state->cwnd_bytes, (uint64_t)STARTUP_GAIN_PERCENT * (MICROSECONDS / 100), srtt_us);
    state->ssthresh_bytes = HF_CC_INFINITE; /* there is no such thing here */
}

static void leave_recovery(struct hf_cc_state *state, struct bbr *bbr)
{
    bbr->in_recovery = false;
    state->cwnd_bytes = cc_max(state->cwnd_bytes, bbr->prior_cwnd_bytes);
}

static void bbr_on_delivery(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct bbr *bbr = bbr_of(state);
    if (bbr->in_recovery && !sample->in_recovery) {
        leave_recovery(state, bbr);
    }
    update_rounds(bbr, sample);
    update_congestion_signals(state, sample);
    update_aggregation(state, sample);
    update_ack_bursts(bbr, sample);
    update_min_rtt(bbr, sample);
    bbr_advance(state, sample);
    if (bbr->loss_round_start) {
        bbr_loss_on_round(bbr, sample);
        bbr->bw_latest = sample->rate;
        bbr->inflight_latest = sample->rate_bytes;
        bbr->loss_events_in_round = 0;
        bbr->share_before = bbr->share_now;
        bbr->share_now = share_let_leave(bbr);
    }
    bbr->bw = bbr->max_bw < bbr->bw_shortterm ? bbr->max_bw : bbr->bw_shortterm;
    set_pacing_rate(state, bbr->pacing_gain_percent);
    set_cwnd(state, sample);
}

/* 5.5.10: the bounds follow at the end of the round; here is only what must be kept. */
static void bbr_on_congestion(struct hf_cc_state *state, const struct hf_cc_sample *sample,
                              enum hf_cc_event event)
{
    struct bbr *bbr = bbr_of(state);
    if (event == HF_CC_ECN) {
        bbr->ecn_in_round = true;
        return;
    }
    if (event != HF_CC_TIMEOUT_AGAIN) {
        bbr->undo_bw_shortterm = bbr->bw_shortterm;
        bbr->undo_inflight_shortterm = bbr->inflight_shortterm;
        bbr->undo_inflight_longterm = bbr->inflight_longterm;
        bbr->undo_state = bbr->state;
    }
    /* BBRSaveCwnd */
    bbr->prior_cwnd_bytes = !bbr->in_recovery && bbr->state != BBR_PROBE_RTT
                                ? state->cwnd_bytes
                                : cc_max(bbr->prior_cwnd_bytes, state->cwnd_bytes);
    bbr->recovery_begins = event == HF_CC_FAST_RETRANSMIT;
    bbr->in_recovery = true;
    if (event == HF_CC_TIMEOUT || event == HF_CC_TIMEOUT_AGAIN) {
        state->cwnd_bytes = sample->mss_bytes; /* 5.6.4.4: nothing is known to be in flight */
    }
}

/* 5.4.1: from where it was, without a burst. */
static void bbr_on_idle_restart(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct bbr *bbr = bbr_of(state);
    bbr->idle_restart = true;
    bbr->extra_acked_start = sample->now;
    bbr->extra_acked_delivered = 0;
    if (bbr_in_probe_bw(bbr)) {
        set_pacing_rate(state, 100);
    } else if (bbr->state == BBR_PROBE_RTT) {
        bbr_check_probe_rtt_done(state, sample);
    }
}

/* 5.5.11: BBRHandleSpuriousLossDetection. */
static void bbr_on_undo(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct bbr *bbr = bbr_of(state);
    bbr->loss_in_round = false;
    bbr_reset_full_bw(bbr);
    bbr->bw_shortterm =
        bbr->bw_shortterm > bbr->undo_bw_shortterm ? bbr->bw_shortterm : bbr->undo_bw_shortterm;
    bbr->inflight_shortterm = cc_max(bbr->inflight_shortterm, bbr->undo_inflight_shortterm);
    bbr->inflight_longterm = cc_max(bbr->inflight_longterm, bbr->undo_inflight_longterm);
    if (bbr->state != BBR_PROBE_RTT && bbr->state != bbr->undo_state) {
        if (bbr->undo_state == BBR_STARTUP) {
            bbr->full_bw_reached = false;
            bbr_enter_startup(bbr, sample);
        } else if (bbr->undo_state == BBR_UP) {
            bbr_start_up(state, sample);
        }
    }
}

static void put_u32(uint8_t *at, uint32_t value)
{
    const uint8_t *bytes = (const uint8_t *)&value; /* in the host's order, as the kernel does */
    for (int i = 0; i < 4; i++) {
        at[i] = bytes[i];
    }
}

/* Linux's struct tcp_bbr_info: bw (two halves), min_rtt, and the gains times 256. */
static uint32_t bbr_info(const struct hf_cc_state *state, uint8_t info[HF_CC_INFO_BYTES])
{
    const struct bbr *bbr = bbr_of(state);
    put_u32(info, (uint32_t)bbr->bw);
    put_u32(info + 4, (uint32_t)(bbr->bw >> 32));
    put_u32(info + 8, bbr->min_rtt_us);
    put_u32(info + 12, bbr->pacing_gain_percent * 256u / 100);
    put_u32(info + 16, bbr->cwnd_gain_percent * 256u / 100);
    return 20;
}

const struct hf_cc_ops cc_bbr = {
    .name = "bbr",
    .private_bytes = sizeof(struct bbr),
    .governs_recovery = true,
    .init = bbr_init,
    .on_delivery = bbr_on_delivery,
    .on_congestion = bbr_on_congestion,
    .on_idle_restart = bbr_on_idle_restart,
    .on_undo = bbr_on_undo,
    .info = bbr_info,
};
