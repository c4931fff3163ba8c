/* SPDX-License-Identifier: MIT
 *
 * CUBIC (RFC 9438), the default, with HyStart++ (RFC 9406) for the initial slow start.
 *
 * After a reduction the window follows a cubic curve through time: steep at first, flat around
 * W_max, where the last loss was, then steep again in search of more.
 *
 *     W_cubic(t) = C * (t - K)^3 + W_max        C = 0.4 segments/s^3, K = cbrt((W_max - cwnd)/C)
 *
 * Since it is time that counts and not round trips, flows of different RTT grow alike. Where Reno
 * would grow faster (short RTT, small windows) its window, W_est, is followed instead.
 *
 * All is in bytes and milliseconds. What cwnd gains on one ACK is a fraction of a byte; the rest of
 * the division is kept and added to the next.
 *
 * As in Linux the reduction is measured from cwnd, not from the flight (RFC 9438 4.6 allows it
 * where cwnd does not grow unused, which RFC 2861's rules in tcp_congestion.c see to); and in slow
 * start an ACK is worth all that it acknowledges. DEVIATION: RFC 9406 4.2 advises L = 8 segments an
 * ACK for a sender that does not pace; as in Linux there is no limit, since receivers that
 * coalesce ACKs for larger runs than that are common.
 */
#include "cc_math.h"
#include "cc_ops.h"
#include "hystart.h"

/* beta_cubic = 0.7 (4.6); alpha_cubic = 3 * (1 - beta) / (1 + beta) = 9/17 (4.3). */
#define BETA_NUMERATOR 7u
#define BETA_DENOMINATOR 10u
#define ALPHA_NUMERATOR 9u
#define ALPHA_DENOMINATOR 17u
#define SECOND_MS 1000u
/* |t - K| no further than this: 17 minutes from W_max, the curve is beyond any window. */
#define FARTHEST_MS (1u << 20)

/* RFC 9438 4.2; told when it changes. */
enum cubic_region { REGION_NONE, REGION_RENO, REGION_CONCAVE, REGION_CONVEX };

/* What a reduction changes, and an undo gives back (RFC 9438 4.9). */
struct cubic_curve {
    uint32_t w_max_bytes;
    uint32_t cwnd_prior_bytes; /* just before the last reduction; 0: there was none */
    uint32_t w_est_bytes;
    uint32_t k_ms;
    uint64_t t_epoch_ns;  /* when the epoch began, on the clock below */
    bool in_epoch;        /* congestion avoidance has begun since the last reduction */
    bool after_timeout;   /* K = 0 in the next epoch (4.8) */
    bool slow_start_over; /* the initial one: HyStart++ has no more to say */
    uint8_t region;       /* enum cubic_region */
};

struct cubic {
    struct cubic_curve curve, before;
    uint64_t clock_ns; /* time in which cwnd was used: t is what has passed of it since t_epoch */
    hf_time seen;      /* up to when that has been counted */
    uint64_t growth_credit; /* (target - cwnd) * bytes acknowledged, not spent yet */
    uint64_t est_credit;
    struct hystart hystart;
};

static struct cubic *cubic_of(const struct hf_cc_state *state)
{
    return state->private_state;
}

/* Keeps MAY-18, RFC5681-3.1-b. */
static void cubic_init(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct cubic *cubic = cubic_of(state);
    cubic->seen = sample->now;
    hystart_init(&cubic->hystart);
    /* Where another algorithm has been the initial slow start is over. */
    cubic->curve.slow_start_over = state->ssthresh_bytes != HF_CC_INFINITE;
}

/* ---- congestion avoidance */

static void count_time(struct cubic *cubic, hf_time now)
{
    cubic->clock_ns += (uint64_t)(now - cubic->seen);
    cubic->seen = now;
}

/* The windows of RFC 9438 are in segments (4.1), and a part of one is of no use: where CUBIC
 * compares windows or heads for one it means the next whole segment, as in Linux. Where the window
 * is a dozen segments that is 5 % of it. */
static uint64_t whole_segments(uint64_t bytes, uint32_t mss_bytes)
{
    return (bytes + mss_bytes - 1) / mss_bytes * mss_bytes;
}

/* 4.2; 4.8: after a timeout, and 4.10: where slow start ended without a loss, the curve starts at
 * its flat middle: K = 0 and W_max = cwnd.
 * Keeps RFC9438-4.2-a, RFC9438-4.8-b, RFC9438-4.10-a. */
static void begin_epoch(const struct hf_cc_state *state, struct cubic *cubic,
                        const struct hf_cc_sample *sample)
{
    struct cubic_curve *curve = &cubic->curve;
    count_time(cubic, sample->now);
    curve->in_epoch = true;
    curve->region = REGION_NONE;
    curve->t_epoch_ns = cubic->clock_ns;
    curve->w_est_bytes = state->cwnd_bytes;
    cubic->growth_credit = 0;
    cubic->est_credit = 0;
    if (curve->after_timeout || state->cwnd_bytes >= curve->w_max_bytes) {
        curve->w_max_bytes = state->cwnd_bytes;
        curve->k_ms = 0;
    } else {
        /* K^3 = (W_max - cwnd_epoch) / (0.4 * SMSS) in s^3, times 10^9 for ms^3. */
        uint64_t distance = curve->w_max_bytes - state->cwnd_bytes;
        curve->k_ms = cc_cube_root(distance * 2500000000u / sample->mss_bytes);
    }
    if (curve->cwnd_prior_bytes == 0) {
        curve->cwnd_prior_bytes = state->cwnd_bytes;
    }
    curve->after_timeout = false;
    hf_cc_tell(sample, HF_REASON_CUBIC_EPOCH);
}

/* W_cubic(t), never negative: t is time, no count of round trips.
 * Keeps RFC9438-3.3-a. */
static uint64_t w_cubic(const struct cubic_curve *curve, uint64_t t_ms, uint32_t mss_bytes)
{
    uint64_t d = t_ms > curve->k_ms ? t_ms - curve->k_ms : curve->k_ms - t_ms;
    uint64_t way;
    d = d < FARTHEST_MS ? d : FARTHEST_MS;
    /* 0.4 * SMSS * d^3 / 10^9, the division in two so that nothing overflows. */
    way = d * d * d / 100000u * mss_bytes / 25000u;
    if (t_ms >= curve->k_ms) {
        return curve->w_max_bytes + way;
    }
    return way < curve->w_max_bytes ? curve->w_max_bytes - way : 0;
}

/* 4.3: what Reno would have with CUBIC's smaller decrease; once past the window before the
 * reduction, exactly Reno's growth.
 * Keeps RFC9438-4.3-b. */
static void grow_estimate(const struct hf_cc_state *state, struct cubic *cubic,
                          const struct hf_cc_sample *sample, uint32_t acked_bytes)
{
    struct cubic_curve *curve = &cubic->curve;
    bool as_reno = curve->w_est_bytes >= curve->cwnd_prior_bytes;
    uint64_t one = (uint64_t)state->cwnd_bytes * ALPHA_DENOMINATOR;
    cubic->est_credit +=
        (uint64_t)acked_bytes * sample->mss_bytes * (as_reno ? ALPHA_DENOMINATOR : ALPHA_NUMERATOR);
    curve->w_est_bytes = cc_clamp_u64(curve->w_est_bytes + cubic->est_credit / one);
    cubic->est_credit %= one;
}

static void enter_region(struct cubic_curve *curve, const struct hf_cc_sample *sample,
                         enum cubic_region region)
{
    static const enum hf_reason reasons[] = {
        [REGION_RENO] = HF_REASON_CUBIC_RENO,
        [REGION_CONCAVE] = HF_REASON_CUBIC_CONCAVE,
        [REGION_CONVEX] = HF_REASON_CUBIC_CONVEX,
    };
    if (curve->region != region) {
        curve->region = (uint8_t)region;
        hf_cc_tell(sample, reasons[region]);
    }
}

/* Keeps RFC9438-4.2-b, RFC9438-4.3-a, RFC9438-4.4-a, RFC9438-4.5-a. */
static void avoid_congestion(struct hf_cc_state *state, struct cubic *cubic,
                             const struct hf_cc_sample *sample, uint32_t acked_bytes)
{
    struct cubic_curve *curve = &cubic->curve;
    uint64_t t_ms, target, most;
    if (!curve->in_epoch) {
        begin_epoch(state, cubic, sample);
    }
    count_time(cubic, sample->now);
    grow_estimate(state, cubic, sample, acked_bytes);
    t_ms = (cubic->clock_ns - curve->t_epoch_ns) / (uint64_t)HF_MILLISECOND;
    if (w_cubic(curve, t_ms, sample->mss_bytes) < curve->w_est_bytes) {
        enter_region(curve, sample, REGION_RENO);
        state->cwnd_bytes = cc_max(state->cwnd_bytes, curve->w_est_bytes);
        cubic->growth_credit = 0;
        return;
    }
    enter_region(curve, sample,
                 state->cwnd_bytes < curve->w_max_bytes ? REGION_CONCAVE : REGION_CONVEX);
    /* 4.4, 4.5: towards where the curve will be one RTT from now, at most half as much again. */
    target = whole_segments(w_cubic(curve, t_ms + sample->srtt_us / SECOND_MS, sample->mss_bytes),
                            sample->mss_bytes);
    most = (uint64_t)state->cwnd_bytes + state->cwnd_bytes / 2;
    target = target < most ? target : most;
    if (target <= state->cwnd_bytes) {
        return;
    }
    cubic->growth_credit += (target - state->cwnd_bytes) * acked_bytes;
    state->cwnd_bytes = cc_clamp_u64(state->cwnd_bytes + cubic->growth_credit / state->cwnd_bytes);
    cubic->growth_credit %= state->cwnd_bytes;
}

/* ---- slow start; what is left of the acknowledged bytes when it ends */

/* Keeps RFC9406-4.3-a. */
static uint32_t slow_start(struct hf_cc_state *state, struct cubic *cubic,
                           const struct hf_cc_sample *sample)
{
    bool initial = !cubic->curve.slow_start_over;
    uint32_t room = state->ssthresh_bytes - state->cwnd_bytes;
    uint32_t divisor = initial ? hystart_divisor(&cubic->hystart) : 1;
    uint32_t growth = cc_min(sample->acked_bytes / divisor, room);
    state->cwnd_bytes += growth;
    if (initial && hystart_on_ack(&cubic->hystart, sample, state->cwnd_bytes)) {
        cubic->curve.slow_start_over = true;
        state->ssthresh_bytes = state->cwnd_bytes;
        return 0;
    }
    return growth == room ? sample->acked_bytes - growth : 0;
}

static void cubic_on_ack(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct cubic *cubic = cubic_of(state);
    uint32_t acked_bytes = sample->acked_bytes;
    if (state->cwnd_bytes < state->ssthresh_bytes) {
        acked_bytes = slow_start(state, cubic, sample);
        if (cubic->curve.in_epoch) {
            cubic->seen = sample->now; /* after idling: t waits for congestion avoidance */
        }
    }
    if (acked_bytes > 0) {
        avoid_congestion(state, cubic, sample, acked_bytes);
    }
}

/* 4.2: t counts from where congestion avoidance begins: from the ACK that ends recovery, or brings
 * slow start up to ssthresh. */
static void cubic_on_delivery(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct cubic *cubic = cubic_of(state);
    if (!cubic->curve.in_epoch && !sample->in_recovery &&
        state->cwnd_bytes >= state->ssthresh_bytes) {
        begin_epoch(state, cubic, sample);
    }
}

/* 5.8, RFC 7661: nothing was in flight, or the window was not used; t stood still.
 * Keeps RFC9438-4.2-c. */
static void cubic_on_unused(struct hf_cc_state *state, hf_time now)
{
    cubic_of(state)->seen = now;
}

/* ---- reductions */

/* 4.6 and 4.7.
 * Keeps RFC9438-4.6-a, RFC9438-4.6-b, RFC9438-4.7-a. */
static void reduce(struct hf_cc_state *state, const struct hf_cc_sample *sample, uint32_t numerator,
                   uint32_t denominator)
{
    struct cubic *cubic = cubic_of(state);
    struct cubic_curve *curve = &cubic->curve;
    uint64_t cwnd = state->cwnd_bytes;
    cubic->before = *curve;
    if (whole_segments(cwnd, sample->mss_bytes) < curve->w_max_bytes) {
        /* 4.7: before W_max was reached again somebody else has come; leave room for them:
         * W_max = cwnd * (1 + beta) / 2. */
        curve->w_max_bytes = (uint32_t)(cwnd * (BETA_DENOMINATOR + BETA_NUMERATOR) /
                                        (uint64_t)(2 * BETA_DENOMINATOR));
        hf_cc_tell(sample, HF_REASON_CUBIC_FAST_CONVERGENCE);
    } else {
        curve->w_max_bytes = state->cwnd_bytes;
    }
    curve->cwnd_prior_bytes = state->cwnd_bytes;
    curve->in_epoch = false;
    curve->after_timeout = false;
    curve->slow_start_over = true;
    state->ssthresh_bytes =
        cc_max((uint32_t)(cwnd * numerator / denominator), 2 * sample->mss_bytes);
}

/* 4.8. What has been answered already (4.6) keeps W_max and ssthresh; the undo, if it begins here,
 * is to give back what is now. Keeps RFC9438-4.8-c. */
static void reduce_for_timeout(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct cubic *cubic = cubic_of(state);
    if (!sample->answered) {
        reduce(state, sample, BETA_NUMERATOR, BETA_DENOMINATOR);
    } else if (sample->undo_begins) {
        cubic->before = cubic->curve;
    }
    cubic->curve.in_epoch = false;
    cubic->curve.after_timeout = true;
    state->cwnd_bytes = sample->mss_bytes;
}

/* Keeps RFC9438-4.8-a, RFC8511-3-a. */
static void cubic_on_congestion(struct hf_cc_state *state, const struct hf_cc_sample *sample,
                                enum hf_cc_event event)
{
    switch (event) {
    case HF_CC_FAST_RETRANSMIT:
        reduce(state, sample, BETA_NUMERATOR, BETA_DENOMINATOR);
        state->cwnd_bytes = state->ssthresh_bytes;
        break;
    case HF_CC_ECN:
        /* RFC 3168 5: as for a loss; or RFC 8511 3 (ABE): 0.85 for CUBIC. */
        if (sample->alternative_backoff) {
            reduce(state, sample, 17, 20);
        } else {
            reduce(state, sample, BETA_NUMERATOR, BETA_DENOMINATOR);
        }
        state->cwnd_bytes = state->ssthresh_bytes;
        break;
    case HF_CC_TIMEOUT:
        reduce_for_timeout(state, sample);
        break;
    case HF_CC_TIMEOUT_AGAIN:
        /* RFC 5681 3.1: ssthresh is held constant when the same data times out again. */
        state->cwnd_bytes = sample->mss_bytes;
        break;
    }
}

/* 4.9.2: a needless reduction leaves the curve where it was, and t_epoch with it.
 * Keeps RFC9438-4.9-a. */
static void cubic_on_undo(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct cubic *cubic = cubic_of(state);
    (void)sample;
    cubic->curve = cubic->before;
}

const struct hf_cc_ops cc_cubic = {
    .name = "cubic",
    .private_bytes = sizeof(struct cubic),
    .delivery_past_slow_start_only = true,
    .init = cubic_init,
    .on_unused = cubic_on_unused,
    .on_ack = cubic_on_ack,
    .on_delivery = cubic_on_delivery,
    .on_congestion = cubic_on_congestion,
    .on_undo = cubic_on_undo,
};
