/* SPDX-License-Identifier: MIT
 *
 * The model's numbers are whole ones, rounded down after each multiplication. What it cannot know,
 * for it depends on what the algorithm makes of the path's own loss, it takes from what is told
 * (the state entered, a bound lowered) and judges whether that was due; the bounds' values it knows
 * as upper ones.
 */
#include "bbr_oracle.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#define INFINITE UINT64_MAX
#define PROBE_RTT_EVERY (5 * HF_SECOND)
#define PROBE_RTT_AT_LEAST_EVERY (9800 * HF_MILLISECOND)
#define MIN_RTT_WINDOW (10 * HF_SECOND)
#define PROBE_RTT_LASTS (200 * HF_MILLISECOND)
#define TRIPS 5 /* a loss round, with what may prolong it, lasts no longer */
#define AGGREGATION_ROUNDS 5
#define AGGREGATION_SLOTS 3

enum phase { STARTUP, DRAIN, DOWN, CRUISE, REFILL, UP, PROBE_RTT };

struct model {
    enum phase phase;
    uint64_t bw, max_bw, filter[2];
    uint32_t min_rtt_us, recent_rtt_us;          /* UINT32_MAX: none */
    hf_time min_rtt_at, recent_rtt_at, empty_at; /* the last one without a queue */
    bool expired, idle_restart;
    uint64_t next_round, limited_until;
    uint32_t rounds;
    bool round_began, stopping; /* the rounds after a probe's end */
    bool surely_full;           /* the pipe was full once */
    hf_time burst_since;
    uint64_t burst_bytes, extra[AGGREGATION_SLOTS];
    uint32_t extra_round;
    /* since the round began: what came, and at how many instants; what that was of the last one */
    uint64_t came_bytes, came_times, came_at_once;
    hf_time came_last;
    /* what was measured in the last round trips */
    uint64_t trip_end, trip_rate[TRIPS], trip_bytes[TRIPS];
    uint32_t trip_share[TRIPS], trip_rtt_us[TRIPS], life_rtt_us; /* share: percent let leave */
    /* the bounds: upper ones, INFINITE where there is none; of the rate the least it may be */
    uint64_t longterm, shortterm, least_bw, lowered_bw;
    bool lowered, lowered_before; /* in this cycle, in the last */
    uint64_t raising;             /* delivered in UP */
    uint64_t refilled_at;
    uint64_t undo_longterm, undo_shortterm, undo_least_bw;
    bool bw_is_max, bw_is_bound, undo_bw_is_max, trouble, probed;
    uint64_t lowered_at;
    /* ProbeRTT */
    hf_time probe_rtt_since, probe_rtt_until;
    bool probe_rtt_round, probe_rtt_over;
    bool in_recovery, recovery_begins;
    uint64_t prior_cwnd;
};

struct judged {
    struct model model;
    _Alignas(max_align_t) uint8_t inner[];
};

/* One call: what the algorithm tells meanwhile comes to hear(). */
struct call {
    struct hf_cc_sample sample; /* first: hear() is given this */
    const struct hf_cc_sample *original;
    struct model *model;
    uint64_t cwnd;
    bool undone;
};

static struct bbr_oracle_news news;

static const struct {
    uint32_t pacing, cwnd; /* percent */
    const char *name;
    unsigned after; /* 1 << phase */
} phases[] = {
    [STARTUP] = {277, 200, "Startup", 1u << PROBE_RTT},
    [DRAIN] = {50, 200, "Drain", 1u << STARTUP},
    [DOWN] = {90, 200, "DOWN", 1u << DRAIN | 1u << UP | 1u << PROBE_RTT},
    [CRUISE] = {100, 200, "CRUISE", 1u << DOWN},
    [REFILL] = {100, 200, "REFILL", 1u << DOWN | 1u << CRUISE},
    [UP] = {125, 225, "UP", 1u << REFILL},
    [PROBE_RTT] = {100, 50, "ProbeRTT", 0x3f},
};

struct bbr_oracle_news *bbr_oracle_news(void)
{
    return &news;
}

static const struct hf_cc_ops *real(void)
{
    return hf_congestion_control("bbr");
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t percent(uint64_t value, uint32_t of)
{
    return value / 100 * of + value % 100 * of / 100;
}

/* ---- 5.4: what the path holds */

static uint64_t bdp(const struct model *model, const struct hf_cc_sample *sample, uint64_t bw,
                    uint32_t gain)
{
    __uint128_t product;

    if (model->min_rtt_us == UINT32_MAX || bw == 0)
        return sample->initial_window_bytes;
    product = (__uint128_t)bw * model->min_rtt_us / 1000000;
    return percent((uint64_t)product, gain);
}

static uint64_t four_segments(const struct hf_cc_sample *sample)
{
    return 4ull * sample->mss_bytes;
}

static uint64_t most_of(const uint64_t *values, unsigned count)
{
    uint64_t most = 0;

    for (unsigned i = 0; i < count; i++)
        most = larger(most, values[i]);
    return most;
}

/* 5.6.4.2 */
static uint64_t max_inflight(const struct model *model, const struct hf_cc_state *state,
                             const struct hf_cc_sample *sample)
{
    uint64_t quantum = larger(smaller(state->pacing_rate / 1000, 65536), 2ull * sample->mss_bytes);
    uint64_t most = bdp(model, sample, model->bw, phases[model->phase].cwnd) +
                    most_of(model->extra, AGGREGATION_SLOTS);

    most = larger(larger(most, 3 * quantum), four_segments(sample));
    return most + (model->phase == UP ? 2ull * sample->mss_bytes : 0);
}

/* The flight of a path that is ours alone: no bound came down in this cycle and the last. What it
 * loses by itself, a tenth at most, comes on top. */
static uint64_t needed_alone(const struct model *model, const struct hf_cc_sample *sample)
{
    uint64_t need = bdp(model, sample, model->bw, 100);

    if (model->lowered || model->lowered_before)
        return 0;
    return need + need / 9 + 1 + most_of(model->extra, AGGREGATION_SLOTS);
}

/* The lower bounds are larger by twice what comes at once, where that is more than two segments;
 * else by once that, as long as all is no more than seventeen times it. */
static uint64_t bridged(const struct model *model, const struct hf_cc_sample *sample, uint64_t most)
{
    uint64_t once = model->came_at_once;

    if (once > 2ull * sample->mss_bytes)
        return most + 2 * once;
    return larger(most, smaller(most + once, 17 * once));
}

/* 5.6.4.7: what may be left of cwnd. */
static uint64_t bound(const struct model *model, const struct hf_cc_sample *sample)
{
    uint64_t most = INFINITE, room = percent(model->longterm, 15), lowered = model->shortterm;

    /* The headroom is whole segments, one at least. */
    room = larger(room - smaller(room, sample->mss_bytes), sample->mss_bytes);

    if (model->phase >= DOWN)
        most = model->longterm;
    if (most != INFINITE && model->phase == PROBE_RTT)
        most -= smaller(most, room);
    if (most != INFINITE && model->phase == CRUISE)
        most = smaller(larger(bridged(model, sample,
                                      larger(most - smaller(most, room), four_segments(sample))),
                              needed_alone(model, sample)),
                       most);
    if (lowered != INFINITE)
        lowered = bridged(model, sample, lowered);
    return larger(smaller(most, lowered), four_segments(sample));
}

static uint64_t probe_rtt_cwnd(const struct model *model, const struct hf_cc_sample *sample)
{
    return larger(bdp(model, sample, model->bw, 50), four_segments(sample));
}

static bool app_limited(const struct model *model, const struct hf_cc_sample *sample)
{
    return sample->app_limited || sample->prior_delivered_bytes < model->limited_until;
}

/* 5.5.6: a round after a probe its cycle is over; max_bw is the most of two. */
static void end_cycle(struct model *model, const struct hf_cc_sample *sample)
{
    if (!model->stopping || !model->round_began)
        return;
    model->stopping = false;
    if (model->phase >= DOWN && model->phase <= UP && !app_limited(model, sample) &&
        model->filter[1] > 0) {
        model->filter[0] = model->filter[1];
        model->filter[1] = 0;
    }
}

/* ---- what is told */

static void forget_lower_bounds(struct model *model)
{
    model->shortterm = INFINITE;
    model->bw_is_max = true;
}

static void leave_probe_rtt(struct call *call)
{
    struct model *model = call->model;

    if (call->sample.now - model->probe_rtt_since < PROBE_RTT_LASTS)
        oracle_fail(&news.failure, call->sample.now, "ProbeRTT lasted only %" PRId64 " ns",
                    call->sample.now - model->probe_rtt_since);
    model->recent_rtt_at = call->sample.now;
    model->probe_rtt_over = true;
    call->cwnd = larger(call->cwnd, model->prior_cwnd);
    forget_lower_bounds(model);
}

static void enter(struct call *call, enum phase phase)
{
    struct model *model = call->model;
    enum phase before = model->phase;

    if (!call->undone && !(phases[phase].after & 1u << before))
        oracle_fail(&news.failure, call->sample.now, "from %s to %s", phases[before].name,
                    phases[phase].name);
    if (before == PROBE_RTT)
        leave_probe_rtt(call);
    model->phase = phase;
    model->surely_full = phase == STARTUP ? false : phase != PROBE_RTT || model->surely_full;
    if (phase != STARTUP && phase != DRAIN && phase != CRUISE)
        model->next_round = call->sample.total_delivered_bytes;
    if (phase == DOWN || phase == PROBE_RTT)
        model->stopping = true;
    if (phase == DOWN && before == DRAIN)
        end_cycle(model, &call->sample);
    if (phase == REFILL) {
        model->stopping = false;
        model->raising = 0;
        model->lowered_before = model->lowered;
        model->lowered = false;
        model->refilled_at = call->sample.total_delivered_bytes;
        forget_lower_bounds(model);
    } else if (phase == UP) {
        if (!call->undone && call->sample.prior_delivered_bytes < model->refilled_at)
            oracle_fail(&news.failure, call->sample.now, "UP before a round of REFILL");
        model->stopping = false;
        model->probed = true;
    } else if (phase == PROBE_RTT) {
        if (!model->expired || model->idle_restart)
            oracle_fail(&news.failure, call->sample.now, "ProbeRTT before it is due");
        model->probe_rtt_since = call->sample.now;
        model->probe_rtt_until = 0;
        model->prior_cwnd = model->in_recovery ? larger(model->prior_cwnd, call->cwnd) : call->cwnd;
        news.probe_rtts++;
    }
}

static uint32_t least_of(const uint32_t *values)
{
    uint32_t least = values[0];

    for (unsigned i = 1; i < TRIPS; i++)
        least = values[i] < least ? values[i] : least;
    return least;
}

static uint64_t latest_bytes(const struct model *model)
{
    return most_of(model->trip_bytes, TRIPS);
}

/* 5.5.10.3: for the losses, or marks, of a round trip. */
static void lower_shortterm(struct call *call)
{
    struct model *model = call->model;
    const struct hf_cc_sample *sample = &call->sample;
    uint64_t before, arrived;

    if (!model->trouble)
        oracle_fail(&news.failure, sample->now, "bounds lowered without a loss or a mark");
    if (model->phase == STARTUP || model->phase == REFILL || model->phase == UP)
        oracle_fail(&news.failure, sample->now, "bounds lowered in %s", phases[model->phase].name);
    if (sample->rate == 0 || sample->prior_delivered_bytes < model->lowered_at)
        oracle_fail(&news.failure, sample->now, "bounds lowered twice in a round trip");
    model->lowered_at = sample->total_delivered_bytes;
    model->trouble = sample->lost_bytes > 0 || sample->ece;
    model->lowered_bw = model->bw_is_max     ? percent(model->max_bw, 70)
                        : model->bw_is_bound ? percent(model->bw, 70)
                                             : INFINITE; /* by more than is seen */
    model->least_bw = percent(model->bw_is_max ? model->max_bw : model->least_bw, 70);
    model->bw_is_max = false;
    /* What arrived of a flight that was larger by what the path itself lost, at most 10 %, and by
     * what ProbeRTT or Drain kept back. */
    before = model->shortterm == INFINITE ? call->cwnd : model->shortterm;
    arrived = latest_bytes(model) + latest_bytes(model) / 9 + 1;
    if (least_of(model->trip_share) == 50)
        arrived = larger(arrived, smaller(2 * arrived, before));
    model->shortterm = larger(arrived, percent(before, 70));
    model->lowered = true;
    news.lowered++;
}

/* 5.5.10.2, 5.3.1.3: of what was in flight with the newest segment more than 2 % was lost. */
static void lower_longterm(struct call *call)
{
    struct model *model = call->model;
    const struct hf_cc_sample *sample = &call->sample;
    uint64_t lost = sample->total_lost_bytes - sample->prior_lost_bytes;

    if (lost * 50 <= sample->prior_pipe_bytes || sample->rate == 0)
        oracle_fail(&news.failure, sample->now,
                    "inflight_longterm set with %" PRIu64 " of %" PRIu32 " lost", lost,
                    sample->prior_pipe_bytes);
    if (model->phase == STARTUP) {
        model->longterm = larger(bdp(model, sample, model->max_bw, 100), latest_bytes(model));
        return;
    }
    if (!model->probed)
        oracle_fail(&news.failure, sample->now, "inflight_longterm lowered twice for a probe");
    model->probed = false;
    model->longterm = larger(sample->prior_pipe_bytes,
                             percent(smaller(bdp(model, sample, model->bw, 100), call->cwnd), 70));
}

static void hear(const struct hf_cc_sample *sample, enum hf_reason reason)
{
    struct call *call;
    static const enum hf_reason reasons[] = {
        [STARTUP] = HF_REASON_BBR_STARTUP,     [DRAIN] = HF_REASON_BBR_DRAIN,
        [DOWN] = HF_REASON_BBR_DOWN,           [CRUISE] = HF_REASON_BBR_CRUISE,
        [REFILL] = HF_REASON_BBR_REFILL,       [UP] = HF_REASON_BBR_UP,
        [PROBE_RTT] = HF_REASON_BBR_PROBE_RTT,
    };

    memcpy(&call, &sample, sizeof call); /* the call begins with its sample, and is ours to write */
    for (unsigned i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i] == reason)
            enter(call, (enum phase)i);
    }
    if (reason == HF_REASON_BBR_LOWER_BOUNDS)
        lower_shortterm(call);
    else if (reason == HF_REASON_BBR_INFLIGHT_BOUND)
        lower_longterm(call);
    call->original->tell(call->original, reason);
}

/* ---- an ACK, before BBR sees it (5.5) */

static void take_rounds(struct model *model, const struct hf_cc_sample *sample)
{
    model->round_began = sample->rate > 0 && sample->prior_delivered_bytes >= model->next_round;
    if (model->round_began) {
        model->next_round = sample->total_delivered_bytes;
        model->rounds++;
    }
    if (sample->rate > 0 && sample->prior_delivered_bytes >= model->trip_end) {
        model->trip_end = sample->total_delivered_bytes;
        memmove(model->trip_rate + 1, model->trip_rate, (TRIPS - 1) * sizeof model->trip_rate[0]);
        memmove(model->trip_bytes + 1, model->trip_bytes,
                (TRIPS - 1) * sizeof model->trip_bytes[0]);
        memmove(model->trip_share + 1, model->trip_share,
                (TRIPS - 1) * sizeof model->trip_share[0]);
        memmove(model->trip_rtt_us + 1, model->trip_rtt_us,
                (TRIPS - 1) * sizeof model->trip_rtt_us[0]);
        model->trip_rate[0] = model->trip_bytes[0] = 0;
        model->trip_share[0] = 100;
        model->trip_rtt_us[0] = UINT32_MAX;
    }
    if (sample->rtt_us > 0 && sample->rtt_us < model->trip_rtt_us[0])
        model->trip_rtt_us[0] = sample->rtt_us;
    model->trip_rate[0] = larger(model->trip_rate[0], sample->rate);
    model->trip_bytes[0] = larger(model->trip_bytes[0], sample->rate_bytes);
}

/* Drain, DOWN and ProbeRTT let leave less than bw. */
static void note_share(struct model *model)
{
    uint32_t share = model->phase == DRAIN || model->phase == PROBE_RTT ? 50
                     : model->phase == DOWN                             ? 90
                                                                        : 100;

    if (share < model->trip_share[0])
        model->trip_share[0] = share;
}

/* A flight was as fast as the fastest ever, a 16th or 1.25 ms aside. */
static bool no_queue_lately(const struct model *model)
{
    uint64_t near = model->life_rtt_us + larger(model->life_rtt_us / 16, 1250);

    for (unsigned i = 0; i < TRIPS; i++) {
        if (model->trip_rtt_us[i] <= near || model->trip_rtt_us[i] == UINT32_MAX)
            return true;
    }
    return false;
}

static void take_rate(struct model *model, const struct hf_cc_sample *sample)
{
    if (sample->rate > 0 && (sample->rate >= model->max_bw || !app_limited(model, sample)))
        model->filter[1] = larger(model->filter[1], sample->rate);
    model->max_bw = larger(model->filter[0], model->filter[1]);
}

/* 5.5.9. More windows than the draft has: how long one lasts while the pipe was never full is not
 * told. */
static void take_aggregation(struct model *model, const struct hf_cc_sample *sample, uint64_t cwnd)
{
    uint64_t interval_us = (uint64_t)((sample->now - model->burst_since) / HF_MICROSECOND);
    uint64_t expected = (uint64_t)((__uint128_t)model->bw * interval_us / 1000000);

    if (model->burst_bytes <= expected) {
        model->burst_bytes = expected = 0;
        model->burst_since = sample->now;
    }
    model->burst_bytes += sample->delivered_bytes;
    if (model->rounds - model->extra_round >= AGGREGATION_ROUNDS) {
        model->extra_round = model->rounds;
        memmove(model->extra + 1, model->extra, (AGGREGATION_SLOTS - 1) * sizeof model->extra[0]);
        model->extra[0] = 0;
    }
    model->extra[0] = larger(model->extra[0], smaller(model->burst_bytes - expected, cwnd));
}

/* The ACKs of an instant are one; the first that shows a new round is the last of the old one. */
static void take_bursts(struct model *model, const struct hf_cc_sample *sample)
{
    model->came_times += model->came_times == 0 || sample->now > model->came_last;
    model->came_last = sample->now;
    model->came_bytes += sample->delivered_bytes;
    if (!model->round_began)
        return;
    model->came_at_once = model->came_bytes / model->came_times;
    model->came_bytes = model->came_times = 0;
}

static void take_rtt(struct model *model, const struct hf_cc_sample *sample)
{
    /* Five seconds, or nearly ten where the last five had a round trip as short as the least, but
     * for a 64th and the time of a segment, up to 1.25 ms. */
    uint64_t segment_us =
        model->max_bw == 0 ? 0 : (uint64_t)sample->mss_bytes * 1000000 / model->max_bw;

    if (sample->rtt_us > 0 &&
        (sample->rtt_us <= model->min_rtt_us ||
         sample->rtt_us - model->min_rtt_us <= model->min_rtt_us / 64 + smaller(segment_us, 1250)))
        model->empty_at = sample->now;
    model->expired = sample->now - model->recent_rtt_at >
                     (sample->now - model->empty_at > PROBE_RTT_EVERY ? PROBE_RTT_EVERY
                                                                      : PROBE_RTT_AT_LEAST_EVERY);
    if (sample->rtt_us > 0 && (sample->rtt_us < model->recent_rtt_us || model->expired)) {
        model->recent_rtt_us = sample->rtt_us;
        model->recent_rtt_at = sample->now;
    }
    if (model->recent_rtt_us < model->min_rtt_us ||
        sample->now > model->min_rtt_at + MIN_RTT_WINDOW) {
        model->min_rtt_us = model->recent_rtt_us;
        model->min_rtt_at = model->recent_rtt_at;
    }
    if (model->min_rtt_us < model->life_rtt_us)
        model->life_rtt_us = model->min_rtt_us;
}

/* Upward only: the largest flight that was seen to be delivered, and in UP what is delivered, of
 * which up to a cwnd may have been counted without having raised it yet. */
static void take_longterm(struct model *model, const struct hf_cc_sample *sample, uint64_t cwnd)
{
    if (model->longterm == INFINITE)
        return;
    model->longterm = larger(model->longterm, sample->prior_pipe_bytes + model->raising);
    if (model->phase == UP) {
        model->longterm += sample->delivered_bytes;
        model->raising =
            smaller(model->raising + sample->delivered_bytes, larger(cwnd, sample->mss_bytes));
    }
}

/* ---- an ACK, after BBR has seen it */

static uint32_t read_u32(const uint8_t *bytes)
{
    uint32_t value;

    memcpy(&value, bytes, sizeof value);
    return value;
}

/* What TCP_CC_INFO shows must be what the samples make it. */
static void judge_info(struct call *call, const struct hf_cc_state *inner)
{
    struct model *model = call->model;
    uint8_t info[HF_CC_INFO_BYTES];
    hf_time now = call->sample.now;
    uint64_t bw, allowed;

    real()->info(inner, info);
    bw = (uint64_t)read_u32(info + 4) << 32 | read_u32(info);
    /* What arrived of what DOWN, Drain or ProbeRTT let leave is seen against that. */
    allowed = larger(model->lowered_bw,
                     most_of(model->trip_rate, TRIPS) * 100 / least_of(model->trip_share));
    if (bw > model->max_bw || (model->bw_is_max && bw != model->max_bw) ||
        (!model->bw_is_max && bw < smaller(model->least_bw, model->max_bw)))
        oracle_fail(&news.failure, now, "bw is %" PRIu64 ", max_bw %" PRIu64 ", at least %" PRIu64,
                    bw, model->max_bw, model->bw_is_max ? model->max_bw : model->least_bw);
    if (model->lowered_at == call->sample.total_delivered_bytes && !model->bw_is_max &&
        bw > allowed && bw < model->max_bw)
        oracle_fail(&news.failure, now, "bw lowered to %" PRIu64 ", at most %" PRIu64, bw, allowed);
    if (read_u32(info + 8) != model->min_rtt_us)
        oracle_fail(&news.failure, now, "min_rtt is %" PRIu32 ", of the samples %" PRIu32,
                    read_u32(info + 8), model->min_rtt_us);
    if (read_u32(info + 12) != phases[model->phase].pacing * 256 / 100 ||
        read_u32(info + 16) != phases[model->phase].cwnd * 256 / 100)
        oracle_fail(&news.failure, now, "gains %" PRIu32 " and %" PRIu32 " in %s",
                    read_u32(info + 12), read_u32(info + 16), phases[model->phase].name);
    model->bw = bw;
    model->bw_is_bound = bw < model->max_bw;
}

/* 5.6.2: gain x bw, less 1 % where there is a queue; more by what the path loses itself, at most
 * 10 %. */
static void judge_pacing(const struct call *call, const struct hf_cc_state *state, uint32_t gain,
                         uint64_t before)
{
    const struct model *model = call->model;
    uint64_t rate = model->bw / 10000 * (gain * 99u) + model->bw % 10000 * (gain * 99u) / 10000;
    uint64_t most = no_queue_lately(model) ? larger(percent(model->bw, gain), rate) : rate;

    most += (call->sample.total_lost_bytes > 0 ? most / 9 : 0) + 1;

    if ((state->pacing_rate != before && state->pacing_rate > most) ||
        (model->surely_full && state->pacing_rate + 1 < rate))
        oracle_fail(&news.failure, call->sample.now,
                    "paced at %" PRIu64 " in %s, gain x bw is %" PRIu64, state->pacing_rate,
                    phases[model->phase].name, rate);
}

static void judge_cwnd(const struct call *call, const struct hf_cc_state *state)
{
    const struct model *model = call->model;
    const struct hf_cc_sample *sample = &call->sample;
    uint64_t cwnd = call->cwnd, inflight = max_inflight(model, state, sample), most, least;
    uint64_t used = cwnd;

    /* Recovery begins with what was used of cwnd, if the program had no more to send. */
    if (model->recovery_begins && sample->app_limited_now)
        used = smaller(used,
                       (uint64_t)sample->pipe_bytes + sample->lost_bytes + sample->delivered_bytes);
    most = larger(used, (uint64_t)sample->lost_bytes + sample->mss_bytes);
    most = sample->lost_bytes > 0 ? most - sample->lost_bytes : used;
    most += sample->delivered_bytes;
    least = smaller(most, inflight - most_of(model->extra, AGGREGATION_SLOTS));
    if (model->surely_full)
        most = smaller(most, inflight);
    else if (cwnd >= inflight && model->phase != PROBE_RTT &&
             sample->total_delivered_bytes >= 2ull * sample->initial_window_bytes)
        most = smaller(most, cwnd);
    if (!sample->in_recovery)
        most = larger(most, four_segments(sample));
    if (model->phase == PROBE_RTT)
        most = smaller(most, probe_rtt_cwnd(model, sample));
    most = smaller(most, bound(model, sample));
    if (state->cwnd_bytes > most)
        oracle_fail(&news.failure, sample->now,
                    "cwnd from %" PRIu64 " to %" PRIu32 " in %s, BBR allows %" PRIu64
                    " (delivered %" PRIu32 ", inflight %" PRIu64 ")",
                    cwnd, state->cwnd_bytes, phases[model->phase].name, most,
                    sample->delivered_bytes, inflight);
    news.judged++;
    if (model->phase == PROBE_RTT || model->longterm != INFINITE || model->shortterm != INFINITE)
        return;
    news.exactly++;
    if (state->cwnd_bytes < smaller(least, used + sample->delivered_bytes))
        oracle_fail(&news.failure, sample->now,
                    "cwnd from %" PRIu64 " to %" PRIu32 " in %s, BBR allows at least %" PRIu64,
                    cwnd, state->cwnd_bytes, phases[model->phase].name, least);
}

/* 5.3.4.3; `inside` from before the call. */
static void judge_probe_rtt(struct call *call, bool inside)
{
    struct model *model = call->model;
    const struct hf_cc_sample *sample = &call->sample;
    bool due = inside && model->probe_rtt_until != 0;

    if (!inside && model->phase != PROBE_RTT) {
        if (model->expired && !model->idle_restart)
            oracle_fail(&news.failure, sample->now, "no ProbeRTT after five seconds");
        return;
    }
    model->limited_until = sample->total_delivered_bytes + sample->pipe_bytes;
    if (due) {
        model->probe_rtt_round |= model->round_began;
        due = model->probe_rtt_round && sample->now > model->probe_rtt_until;
    }
    if (due != model->probe_rtt_over)
        oracle_fail(&news.failure, sample->now,
                    due ? "ProbeRTT goes on after its time" : "ProbeRTT over before its time");
    if (model->phase == PROBE_RTT && model->probe_rtt_until == 0 &&
        sample->pipe_bytes <= probe_rtt_cwnd(model, sample)) {
        model->probe_rtt_until = sample->now + PROBE_RTT_LASTS;
        model->probe_rtt_round = false;
        model->next_round = sample->total_delivered_bytes;
    }
}

/* ---- the calls */

/* BBR's own state, in the same place but for its memory. */
static struct model *unwrap(struct hf_cc_state *state)
{
    struct judged *judged = state->private_state;

    state->private_state = judged->inner;
    return &judged->model;
}

static void wrap(struct hf_cc_state *state)
{
    state->private_state = (uint8_t *)state->private_state - offsetof(struct judged, inner);
}

static struct call begin(struct model *model, const struct hf_cc_state *state,
                         const struct hf_cc_sample *sample)
{
    struct call call = {.sample = *sample, .original = sample, .model = model};

    call.sample.tell = hear;
    call.cwnd = state->cwnd_bytes;
    model->probe_rtt_over = false;
    return call;
}

static void judged_init(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct model *model = unwrap(state);
    struct call call;

    model->min_rtt_us = sample->min_rtt_us > 0 ? sample->min_rtt_us
                        : sample->srtt_us > 0  ? sample->srtt_us
                                               : UINT32_MAX;
    model->recent_rtt_us = model->life_rtt_us = model->min_rtt_us;
    model->lowered_before = true;
    for (unsigned i = 0; i < TRIPS; i++) {
        model->trip_share[i] = 100;
        model->trip_rtt_us[i] = UINT32_MAX;
    }
    model->min_rtt_at = model->recent_rtt_at = model->burst_since = sample->now;
    model->next_round = model->trip_end = sample->total_delivered_bytes;
    model->longterm = INFINITE;
    model->phase = PROBE_RTT; /* from which Startup may come */
    model->probe_rtt_since = sample->now - PROBE_RTT_LASTS;
    forget_lower_bounds(model);
    call = begin(model, state, sample);
    real()->init(state, &call.sample);
    wrap(state);
}

static void judged_on_delivery(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct model *model = unwrap(state);
    struct call call = begin(model, state, sample);
    uint64_t pacing_before = state->pacing_rate;
    bool inside = model->phase == PROBE_RTT;

    news.when = sample->now;
    news.rate = sample->rate;
    news.rtt_us = sample->rtt_us;
    if (model->in_recovery && !sample->in_recovery) {
        model->in_recovery = false;
        call.cwnd = larger(call.cwnd, model->prior_cwnd);
    }
    model->trouble |= sample->lost_bytes > 0 || sample->ece;
    take_rounds(model, sample);
    take_rate(model, sample);
    take_aggregation(model, sample, call.cwnd);
    take_bursts(model, sample);
    take_rtt(model, sample);
    take_longterm(model, sample, call.cwnd);
    if (model->surely_full)
        end_cycle(model, sample);
    note_share(model);
    real()->on_delivery(state, &call.sample);
    note_share(model);
    judge_probe_rtt(&call, inside);
    if (sample->delivered_bytes > 0)
        model->idle_restart = false;
    judge_info(&call, state);
    judge_pacing(&call, state, phases[model->phase].pacing, pacing_before);
    judge_cwnd(&call, state);
    model->recovery_begins = false;
    wrap(state);
}

static void judged_on_congestion(struct hf_cc_state *state, const struct hf_cc_sample *sample,
                                 enum hf_cc_event event)
{
    struct model *model = unwrap(state);
    struct call call = begin(model, state, sample);
    uint64_t allowed = call.cwnd;

    model->trouble = true;
    if (event != HF_CC_ECN) {
        if (event != HF_CC_TIMEOUT_AGAIN) {
            model->undo_shortterm = model->shortterm;
            model->undo_longterm = model->longterm;
            model->undo_least_bw = model->least_bw;
            model->undo_bw_is_max = model->bw_is_max;
        }
        model->prior_cwnd = !model->in_recovery && model->phase != PROBE_RTT
                                ? call.cwnd
                                : larger(model->prior_cwnd, call.cwnd);
        model->in_recovery = true;
        model->recovery_begins = event == HF_CC_FAST_RETRANSMIT;
    }
    if (event == HF_CC_TIMEOUT || event == HF_CC_TIMEOUT_AGAIN)
        allowed = sample->mss_bytes;
    real()->on_congestion(state, &call.sample, event);
    if (state->cwnd_bytes != allowed)
        oracle_fail(&news.failure, sample->now, "cwnd is %" PRIu32 " after event %d, not %" PRIu64,
                    state->cwnd_bytes, (int)event, allowed);
    wrap(state);
}

static void judged_on_idle_restart(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct model *model = unwrap(state);
    struct call call = begin(model, state, sample);
    uint64_t pacing_before = state->pacing_rate;
    bool probing_bandwidth = model->phase >= DOWN && model->phase <= UP;

    model->idle_restart = true;
    model->burst_since = sample->now;
    model->burst_bytes = 0;
    real()->on_idle_restart(state, &call.sample);
    if (state->cwnd_bytes != call.cwnd)
        oracle_fail(&news.failure, sample->now, "cwnd is %" PRIu32 " after idling, it was %" PRIu64,
                    state->cwnd_bytes, call.cwnd);
    if (probing_bandwidth) /* 5.4.1: from where it was, neither faster nor slower */
        judge_pacing(&call, state, 100, pacing_before);
    else if (state->pacing_rate != pacing_before)
        oracle_fail(&news.failure, sample->now, "paced anew after idling in %s",
                    phases[model->phase].name);
    wrap(state);
}

/* 5.5.11; cwnd has been given back by loss recovery. */
static void judged_on_undo(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct model *model = unwrap(state);
    struct call call = begin(model, state, sample);

    call.undone = true;
    model->shortterm = larger(model->shortterm, model->undo_shortterm);
    model->longterm = larger(model->longterm, model->undo_longterm);
    model->bw_is_max |= model->undo_bw_is_max;
    model->bw_is_bound = false;
    if (!model->bw_is_max)
        model->least_bw = larger(model->least_bw, model->undo_least_bw);
    real()->on_undo(state, &call.sample);
    if (state->cwnd_bytes != call.cwnd)
        oracle_fail(&news.failure, sample->now, "cwnd is %" PRIu32 " after an undo, not %" PRIu64,
                    state->cwnd_bytes, call.cwnd);
    wrap(state);
}

static uint32_t judged_info(const struct hf_cc_state *state, uint8_t info[HF_CC_INFO_BYTES])
{
    struct hf_cc_state inner = *state;

    unwrap(&inner);
    return real()->info(&inner, info);
}

struct hf_cc_ops bbr_oracle_ops(void)
{
    return (struct hf_cc_ops){
        .name = "bbr-judged",
        .private_bytes = (uint32_t)sizeof(struct judged) + real()->private_bytes,
        .governs_recovery = true,
        .init = judged_init,
        .on_delivery = judged_on_delivery,
        .on_congestion = judged_on_congestion,
        .on_idle_restart = judged_on_idle_restart,
        .on_undo = judged_on_undo,
        .info = judged_info,
    };
}
