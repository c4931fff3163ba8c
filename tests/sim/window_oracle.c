/* SPDX-License-Identifier: MIT
 *
 * The bounds are upper ones where the sender knows more than is told (whether cwnd was used), and
 * exact where it does not: reductions, undo, and that cwnd and ssthresh stay as they are otherwise.
 *
 * The events of an ACK come before the ACK itself; so a growth is remembered and judged when the
 * ACK shows how much it acknowledges.
 */
#include "window_oracle.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define CUBIC_C 0.4
#define CUBIC_BETA 0.7
#define CUBIC_ALPHA (3.0 * (1.0 - CUBIC_BETA) / (1.0 + CUBIC_BETA))
/* The sender may count t and K in milliseconds. */
#define CUBIC_TICK HF_MILLISECOND
#define CSS_DIVISOR 4
#define CSS_ROUNDS 5
#define HYSTART_SAMPLES 8

static bool is_cubic(const struct hf_config *host)
{
    return strcmp(host->congestion_control->name, "cubic") == 0;
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

/* ---- growth */

/* RFC 5681 3.1, RFC 3465: a segment for each cwnd's worth of acknowledged bytes, and no ACK is
 * worth more than one. */
static double reno_avoidance(struct window_oracle *oracle, double cwnd, double acked, double mss)
{
    oracle->counted += smaller(acked, cwnd);
    return oracle->counted >= cwnd ? cwnd + mss : cwnd;
}

/* Growth, when there was any, has used up one cwnd; what is left is always less than one. */
static void reno_settle(struct window_oracle *oracle, double cwnd, bool grew)
{
    if (grew)
        oracle->counted -= cwnd;
    oracle->counted = larger(0, smaller(oracle->counted, larger(cwnd, oracle->grown_to)));
}

/* RFC 9438 4.2, equation 1. */
static double cubic_curve(const struct cubic_model *cubic, double seconds, double mss)
{
    double distance = seconds - cubic->k_seconds;

    return cubic->w_max + CUBIC_C * distance * distance * distance * mss;
}

/* 4.1: windows are in segments; the next whole one is what a sender may head for. */
static double whole_segments(double bytes, double mss)
{
    return ceil(bytes / mss) * mss;
}

/* 4.3 to 4.5. */
static double cubic_avoidance(struct window_oracle *oracle, hf_time now, double cwnd, double acked,
                              double mss)
{
    struct cubic_model *cubic = &oracle->cubic;
    double seconds = (double)(now - cubic->epoch + oracle->srtt_ns + CUBIC_TICK) / 1e9;
    double target = whole_segments(cubic_curve(cubic, seconds, mss), mss);
    double alpha = cubic->w_est + 1 >= cubic->cwnd_prior ? 1.0 : CUBIC_ALPHA; /* whole bytes */

    cubic->w_est += alpha * mss * acked / cwnd;
    target = smaller(target, 1.5 * cwnd);
    return larger(cubic->w_est, cwnd + larger(0, target - cwnd) * acked / cwnd);
}

/* How far the ACK may raise cwnd from `cwnd`. */
static double most_after_ack(struct window_oracle *oracle, const struct hf_config *host,
                             hf_time now, double cwnd, double acked, double mss)
{
    double ssthresh = oracle->growing_ssthresh_bytes;

    if (cwnd < ssthresh) {
        double growth = acked;
        if (is_cubic(host) && !oracle->slow_start_over && oracle->css)
            growth = acked / CSS_DIVISOR;
        if (!is_cubic(host) && oracle->after_timeout)
            growth = acked = smaller(acked, mss);
        oracle->counted = 0;
        if (growth <= ssthresh - cwnd)
            return cwnd + growth;
        acked -= ssthresh - cwnd;
        cwnd = ssthresh;
    }
    if (!is_cubic(host))
        return reno_avoidance(oracle, cwnd, acked, mss);
    return oracle->cubic.in_epoch ? cubic_avoidance(oracle, now, cwnd, acked, mss) : cwnd;
}

static void judge_growth(struct window_oracle *oracle, const struct recovery_oracle *recovery,
                         const struct hf_config *host, const struct hf_trace_event *event)
{
    double from = oracle->grew ? oracle->grown_from : oracle->cwnd_bytes;
    double acked = recovery->ack_acked_bytes, mss = recovery->mss_bytes, most;

    if (!oracle->grew) {
        oracle->growing_ssthresh_bytes = oracle->ssthresh_bytes;
        oracle->srtt_ns = event->numbers.srtt_ns;
    }
    /* Each octet once, when it is known to have arrived; by SACKs alone where there is reordering.
     */
    if (recovery->sack[0] && recovery->sack[1] && (acked > 0 || oracle->reordering_seen))
        acked = recovery->ack_delivered_bytes;
    if (oracle->fast || oracle->reducing || acked == 0)
        return;
    most = most_after_ack(oracle, host, event->time, from, acked, mss);
    reno_settle(oracle, from, oracle->grew && from >= oracle->growing_ssthresh_bytes);
    if (oracle->cwnd_bytes >= oracle->ssthresh_bytes)
        oracle->after_timeout = false; /* grown or not: slow start is over */
    if (!oracle->grew)
        return;
    oracle->growths++;
    oracle->slow_growths += oracle->css && from < oracle->growing_ssthresh_bytes;
    /* Whole bytes, the rest of a division that is carried on, and a curve in whole numbers. */
    if (oracle->grown_to > most + 2 + most / 100000)
        oracle_fail(&oracle->failure, event->time,
                    "cwnd grew from %" PRIu32 " to %" PRIu32
                    ", %s allows %.1f (acknowledged %.0f, ssthresh "
                    "%" PRIu32 ")",
                    oracle->grown_from, oracle->grown_to, host->congestion_control->name, most,
                    acked, oracle->growing_ssthresh_bytes);
}

static void take_growth(struct window_oracle *oracle, const struct hf_trace_event *event)
{
    oracle->grew = true;
    oracle->grown_from = (uint32_t)event->value;
    oracle->grown_to = event->numbers.cwnd_bytes;
    oracle->srtt_ns = event->numbers.srtt_ns;
    if (oracle->grown_from != oracle->cwnd_bytes)
        oracle_fail(&oracle->failure, event->time,
                    "cwnd was %" PRIu32 ", and %" PRIu32 " before it grew", oracle->cwnd_bytes,
                    oracle->grown_from);
    /* Where HyStart++ ends slow start, ssthresh has become cwnd already. */
    oracle->growing_ssthresh_bytes = oracle->ssthresh_bytes;
    oracle->cwnd_bytes = oracle->grown_to;
    oracle->ssthresh_bytes = event->numbers.ssthresh_bytes;
}

static void take_epoch(struct window_oracle *oracle, const struct hf_trace_event *event, double mss)
{
    struct cubic_model *cubic = &oracle->cubic;
    double cwnd = event->numbers.cwnd_bytes;

    if (oracle->fast || oracle->reducing)
        oracle_fail(&oracle->failure, event->time, "an epoch begins while cwnd is led down");
    if (cubic->in_epoch)
        oracle_fail(&oracle->failure, event->time, "a second epoch without a reduction");
    cubic->in_epoch = true;
    cubic->epoch = event->time;
    cubic->w_est = cwnd;
    cubic->k_seconds = 0;
    if (cubic->after_timeout || cwnd >= cubic->w_max)
        cubic->w_max = cwnd;
    else
        cubic->k_seconds = cbrt((cubic->w_max - cwnd) / mss / CUBIC_C);
    if (cubic->cwnd_prior == 0)
        cubic->cwnd_prior = cwnd;
    cubic->after_timeout = false;
}

/* ---- reductions */

static void save(struct window_oracle *oracle)
{
    oracle->prior_cwnd_bytes = oracle->cwnd_bytes;
    oracle->prior_ssthresh_bytes = oracle->ssthresh_bytes;
}

static void reduce_cubic(struct window_oracle *oracle, double mss)
{
    struct cubic_model *cubic = &oracle->cubic;
    double cwnd = oracle->cwnd_bytes;

    cubic->slow_start_over = oracle->slow_start_over;
    oracle->cubic_before = *cubic;
    /* In whole bytes: whether cwnd has come back there depends on it. */
    cubic->w_max =
        whole_segments(cwnd, mss) < cubic->w_max ? floor(cwnd * (1 + CUBIC_BETA) / 2) : cwnd;
    cubic->cwnd_prior = cwnd;
    cubic->in_epoch = false;
    cubic->after_timeout = false;
}

/* RFC 9438 4.6; RFC 5681 equation 4; RFC 8511 3; RFC 8257 3.3 can take no more than half. */
static void judge_ssthresh(struct window_oracle *oracle, const struct recovery_oracle *recovery,
                           const struct hf_config *host, const struct hf_trace_event *event)
{
    bool mark = event->reason == HF_REASON_CWND_ECN;
    bool gentle = mark && host->ecn_alternative_backoff != 0;
    double least = 2.0 * recovery->mss_bytes, cwnd = oracle->cwnd_bytes;
    double ssthresh = event->numbers.ssthresh_bytes, flight = oracle->nxt - recovery->una;
    double most = larger(flight * (gentle ? 0.8 : 0.5), least);

    if (is_cubic(host)) {
        most = larger(cwnd * (gentle ? 0.85 : CUBIC_BETA), least);
        if (ssthresh < most - 2)
            oracle_fail(&oracle->failure, event->time, "ssthresh %.0f after %s, CUBIC's is %.1f",
                        ssthresh, hf_reason_name(event->reason), most);
    } else if (mark && strcmp(host->congestion_control->name, "dctcp") == 0) {
        most = larger(cwnd, least);
        if (ssthresh < larger(cwnd / 2 - 1, least))
            oracle_fail(&oracle->failure, event->time, "ssthresh %.0f of cwnd %.0f for a mark",
                        ssthresh, cwnd);
    }
    if (ssthresh > most + 1)
        oracle_fail(&oracle->failure, event->time,
                    "ssthresh %.0f after %s, %s allows %.1f (cwnd %.0f, flight %.0f)", ssthresh,
                    hf_reason_name(event->reason), host->congestion_control->name, most, cwnd,
                    flight);
    oracle->reductions++;
}

/* RFC 3168 6.1.2, RFC 9937 5: once for all that was in flight. What a loss probe mended was lost
 * before what is in flight now left. */
static void judge_pace(struct window_oracle *oracle, const struct hf_trace_event *event)
{
    if (oracle->reduced && flight_before(event->numbers.snd_una, oracle->reduced_until))
        oracle_fail(&oracle->failure, event->time, "reduced twice in a round trip: %s",
                    hf_reason_name(event->reason));
    oracle->reduced = event->reason != HF_REASON_CWND_LOSS_PROBE;
    oracle->reduced_until = oracle->nxt;
}

static void take_reduction(struct window_oracle *oracle, const struct recovery_oracle *recovery,
                           const struct hf_config *host, const struct hf_trace_event *event)
{
    /* The ACK of `reduced_until` itself does not show that what left with CWR has arrived. */
    bool absorbed =
        oracle->reducing && !flight_before(oracle->reduced_until, event->numbers.snd_una);

    if (event->reason == HF_REASON_CWND_FAST_RETRANSMIT || event->reason == HF_REASON_CWND_RACK)
        oracle->fast = oracle->outstanding = true;
    oracle->recover = oracle->nxt;
    oracle->timed_out = false;
    oracle->reducing = event->reason == HF_REASON_CWND_ECN;
    if (absorbed) {
        if (event->numbers.ssthresh_bytes != oracle->ssthresh_bytes)
            oracle_fail(&oracle->failure, event->time,
                        "reduced a second time for what ECN had told of");
        return;
    }
    judge_ssthresh(oracle, recovery, host, event);
    judge_pace(oracle, event);
    save(oracle);
    reduce_cubic(oracle, recovery->mss_bytes);
    oracle->counted = 0;
    oracle->slow_start_over = true;
    oracle->cwnd_bytes = oracle->ssthresh_bytes = event->numbers.ssthresh_bytes;
}

/* RFC 3168 6.1.2, RFC 9438 4.8: what timed out was in flight when cwnd was last reduced, and has
 * been answered for; RFC 5681 3.1 says of ssthresh no more than how large it may be. */
static void take_answered_timeout(struct window_oracle *oracle,
                                  const struct recovery_oracle *recovery,
                                  const struct hf_config *host, const struct hf_trace_event *event)
{
    double most = larger((oracle->nxt - recovery->una) / 2.0, 2.0 * recovery->mss_bytes);

    most = is_cubic(host) ? oracle->ssthresh_bytes : smaller(oracle->ssthresh_bytes, most);
    if (event->numbers.ssthresh_bytes > most + 1 || event->numbers.ssthresh_bytes < most - 1)
        oracle_fail(&oracle->failure, event->time,
                    "ssthresh went from %" PRIu32 " to %" PRIu32
                    " for what had been answered, %.0f is right",
                    oracle->ssthresh_bytes, event->numbers.ssthresh_bytes, most);
    if (oracle->reducing) {
        oracle->cubic.slow_start_over = oracle->slow_start_over;
        oracle->cubic_before = oracle->cubic;
    }
    oracle->cubic.in_epoch = false;
    oracle->cubic.after_timeout = true;
}

/* RFC 5681 3.1: one segment; ssthresh stays when the same data times out again. */
static void take_timeout(struct window_oracle *oracle, const struct recovery_oracle *recovery,
                         const struct hf_config *host, const struct hf_trace_event *event)
{
    bool inside = oracle->outstanding && flight_before(oracle->una, oracle->recover);
    bool answered = oracle->reducing ? !flight_before(oracle->reduced_until, recovery->una)
                                     : oracle->fast && inside;

    if (!inside || (oracle->timed_out && oracle->timeouts == 0))
        save(oracle);
    if (oracle->timeouts == 0 && answered) {
        take_answered_timeout(oracle, recovery, host, event);
    } else if (oracle->timeouts == 0) {
        judge_ssthresh(oracle, recovery, host, event);
        reduce_cubic(oracle, recovery->mss_bytes);
        oracle->cubic.after_timeout = true;
        oracle->slow_start_over = true;
    } else if (event->numbers.ssthresh_bytes != oracle->ssthresh_bytes) {
        oracle_fail(&oracle->failure, event->time,
                    "ssthresh went from %" PRIu32 " to %" PRIu32 " at timeout %u",
                    oracle->ssthresh_bytes, event->numbers.ssthresh_bytes, oracle->timeouts + 1);
    }
    if (event->numbers.cwnd_bytes > recovery->mss_bytes)
        oracle_fail(&oracle->failure, event->time, "cwnd is %" PRIu32 " after a timeout",
                    event->numbers.cwnd_bytes);
    oracle->timeouts++;
    oracle->reduced = false;
    oracle->counted = 0;
    oracle->timed_out = oracle->outstanding = oracle->after_timeout = true;
    oracle->fast = oracle->reducing = false;
    oracle->recover = oracle->nxt;
    oracle->cwnd_bytes = event->numbers.cwnd_bytes;
    oracle->ssthresh_bytes = event->numbers.ssthresh_bytes;
}

/* RFC 4015 3.2: what was taken is given back, no more. */
static void take_undo(struct window_oracle *oracle, const struct hf_trace_event *event)
{
    bool outgrown = oracle->cwnd_bytes > oracle->prior_cwnd_bytes; /* RFC 9438 4.9.2 */
    double cwnd = larger(oracle->cwnd_bytes, oracle->prior_cwnd_bytes);
    double ssthresh = larger(oracle->ssthresh_bytes, outgrown ? 0 : oracle->prior_ssthresh_bytes);

    if (event->numbers.cwnd_bytes != cwnd || event->numbers.ssthresh_bytes != ssthresh)
        oracle_fail(&oracle->failure, event->time,
                    "undone to cwnd %" PRIu32 " and ssthresh %" PRIu32
                    ", before it was %.0f and %.0f",
                    event->numbers.cwnd_bytes, event->numbers.ssthresh_bytes, cwnd, ssthresh);
    oracle->undos++;
    oracle->reduced = false;
    oracle->fast = oracle->outstanding = oracle->timed_out = oracle->after_timeout = false;
    if (!outgrown) {
        oracle->cubic = oracle->cubic_before;
        oracle->slow_start_over = oracle->cubic.slow_start_over;
    }
    oracle->cwnd_bytes = event->numbers.cwnd_bytes;
    oracle->ssthresh_bytes = event->numbers.ssthresh_bytes;
}

/* RFC 6582 3.2 step 3, RFC 9937 6.2: no more than ssthresh. */
static void take_recovered(struct window_oracle *oracle, const struct recovery_oracle *recovery,
                           const struct hf_trace_event *event)
{
    bool sack = recovery->sack[0] && recovery->sack[1];
    uint32_t cwnd = event->numbers.cwnd_bytes;

    if (cwnd > oracle->cwnd_bytes || (sack && cwnd != oracle->cwnd_bytes))
        oracle_fail(&oracle->failure, event->time,
                    "cwnd is %" PRIu32 " after recovery, ssthresh %" PRIu32, cwnd,
                    oracle->ssthresh_bytes);
    oracle->fast = oracle->outstanding = false;
    oracle->cwnd_bytes = cwnd;
    oracle->counted = 0;
}

/* RFC 2861: less, and ssthresh remembers three quarters. */
static void take_idle(struct window_oracle *oracle, const struct hf_trace_event *event)
{
    double remembered = larger(oracle->ssthresh_bytes, oracle->cwnd_bytes * 0.75);

    if (event->numbers.cwnd_bytes > oracle->cwnd_bytes ||
        event->numbers.ssthresh_bytes > remembered)
        oracle_fail(&oracle->failure, event->time,
                    "unused, cwnd went from %" PRIu32 " to %" PRIu32 ", ssthresh from %" PRIu32
                    " to %" PRIu32,
                    oracle->cwnd_bytes, event->numbers.cwnd_bytes, oracle->ssthresh_bytes,
                    event->numbers.ssthresh_bytes);
    oracle->cwnd_bytes = event->numbers.cwnd_bytes;
    oracle->ssthresh_bytes = event->numbers.ssthresh_bytes;
}

/* ---- HyStart++ (RFC 9406 4.2) */

static void take_round(struct window_oracle *oracle, const struct hf_trace_event *event)
{
    if (flight_before(event->numbers.snd_una, oracle->round_end))
        oracle_fail(&oracle->failure, event->time,
                    "HyStart++ ends a round before it is acknowledged");
    oracle->round_end = oracle->nxt;
    oracle->round_acks = 0;
    if (oracle->css_next && ++oracle->css_rounds > CSS_ROUNDS + 1)
        oracle_fail(&oracle->failure, event->time, "%u rounds of conservative slow start",
                    oracle->css_rounds);
}

static void take_css(struct window_oracle *oracle, const struct hf_trace_event *event, bool begins)
{
    if (oracle->slow_start_over)
        oracle_fail(&oracle->failure, event->time, "HyStart++ after the initial slow start");
    /* The ACK at hand is one more. */
    if (oracle->round_acks + 1 < HYSTART_SAMPLES)
        oracle_fail(&oracle->failure, event->time, "HyStart++ decides after %u samples",
                    oracle->round_acks + 1);
    oracle->css_next = begins;
    oracle->css_rounds = 1;
}

/* ---- events */

static void take_cwnd(struct window_oracle *oracle, const struct recovery_oracle *recovery,
                      const struct hf_config *host, const struct hf_trace_event *event)
{
    switch ((int)event->reason) {
    case HF_REASON_CWND_SLOW_START:
    case HF_REASON_CWND_AVOIDANCE:
        take_growth(oracle, event);
        break;
    case HF_REASON_CUBIC_EPOCH:
        take_epoch(oracle, event, recovery->mss_bytes);
        break;
    case HF_REASON_CWND_RACK:
    case HF_REASON_CWND_FAST_RETRANSMIT:
    case HF_REASON_CWND_LOSS_PROBE:
    case HF_REASON_CWND_ECN:
        take_reduction(oracle, recovery, host, event);
        break;
    case HF_REASON_CWND_TIMEOUT:
        take_timeout(oracle, recovery, host, event);
        break;
    case HF_REASON_UNDO_TIMESTAMP:
    case HF_REASON_UNDO_DSACK:
    case HF_REASON_UNDO_FRTO:
        take_undo(oracle, event);
        break;
    case HF_REASON_CWND_RECOVERED:
        take_recovered(oracle, recovery, event);
        break;
    case HF_REASON_CWND_FRTO: /* RFC 5682 2.1 step 3a */
        if (oracle->cwnd_bytes > 3 * recovery->mss_bytes)
            oracle->cwnd_bytes = 3 * recovery->mss_bytes;
        break;
    case HF_REASON_CWND_ECN_OVER:
        oracle->reducing = false;
        break;
    case HF_REASON_CWND_IDLE:
    case HF_REASON_CWND_UNUSED:
        take_idle(oracle, event);
        break;
    case HF_REASON_HYSTART_ROUND:
        take_round(oracle, event);
        break;
    case HF_REASON_HYSTART_CSS:
        take_css(oracle, event, true);
        break;
    case HF_REASON_HYSTART_TRAIN: /* the round is the last one */
        oracle->css_next = true;
        oracle->css_rounds = CSS_ROUNDS;
        break;
    case HF_REASON_HYSTART_RESUMED:
        take_css(oracle, event, false);
        break;
    case HF_REASON_HYSTART_OVER:
        oracle->slow_start_over = true;
        break;
    default:
        break;
    }
}

static void take_received(struct window_oracle *oracle, const struct recovery_oracle *recovery,
                          const struct hf_config *host, const struct hf_trace_event *event)
{
    judge_growth(oracle, recovery, host, event);
    if (recovery->ack_acked_bytes > 0)
        oracle->timeouts = 0;
    oracle->una = recovery->una;
    if (oracle->timed_out && !flight_before(oracle->una, oracle->recover))
        oracle->timed_out = oracle->outstanding = false;
    oracle->round_acks++;
    oracle->css = oracle->css_next;
    oracle->grew = false;
}

/* draft-ietf-ccwg-bbr 5.6.4.6: an ACK adds what it delivers, no more. After a recovery, a ProbeRTT
 * or an undo cwnd may become what it was; so only beyond the highest so far is this a bound. Four
 * segments are always allowed. */
static void take_bbr(struct window_oracle *oracle, const struct recovery_oracle *recovery,
                     const struct hf_trace_event *event)
{
    uint32_t cwnd = event->numbers.cwnd_bytes;
    uint32_t delivered_bytes = recovery->ack_acked_bytes;
    double most;

    if (recovery->sack[0] && recovery->sack[1])
        delivered_bytes = recovery->ack_delivered_bytes;
    if (event->kind == HF_TRACE_CWND && event->reason == HF_REASON_CWND_MODEL) {
        oracle->grew = cwnd > event->value;
        oracle->grown_from = (uint32_t)event->value;
        oracle->grown_to = cwnd;
    } else if (event->kind == HF_TRACE_RECEIVED) {
        most = larger(oracle->grown_from, oracle->highest_bytes) + delivered_bytes;
        if (oracle->grew && oracle->grown_to > larger(most, 4.0 * recovery->mss_bytes))
            oracle_fail(&oracle->failure, event->time,
                        "cwnd grew from %" PRIu32 " to %" PRIu32 ", bbr allows %.0f",
                        oracle->grown_from, oracle->grown_to, most);
        oracle->growths += oracle->grew;
        oracle->grew = false;
        oracle->highest_bytes = cwnd > oracle->highest_bytes ? cwnd : oracle->highest_bytes;
    }
}

/* Where recovery does not lead, both are what the last reason made them. */
static void judge_still(struct window_oracle *oracle, const struct hf_trace_event *event)
{
    const struct hf_trace_numbers *numbers = &event->numbers;

    if ((!oracle->fast && !oracle->reducing && numbers->cwnd_bytes != oracle->cwnd_bytes) ||
        numbers->ssthresh_bytes != oracle->ssthresh_bytes)
        oracle_fail(&oracle->failure, event->time,
                    "cwnd and ssthresh were %" PRIu32 " and %" PRIu32 ", and are %" PRIu32
                    " and %" PRIu32 " with no reason told",
                    oracle->cwnd_bytes, oracle->ssthresh_bytes, numbers->cwnd_bytes,
                    numbers->ssthresh_bytes);
}

void window_oracle_take(struct window_oracle *oracle, const struct recovery_oracle *recovery,
                        const struct hf_config *host, const struct hf_trace_event *event)
{
    bool bbr = strcmp(host->congestion_control->name, "bbr") == 0;

    if (!recovery->begun || event->connection == HF_NO_HANDLE)
        return;
    if (!oracle->begun) {
        oracle->begun = true;
        oracle->cwnd_bytes = event->numbers.cwnd_bytes;
        oracle->ssthresh_bytes = event->numbers.ssthresh_bytes;
        oracle->una = oracle->round_end = recovery->una;
        oracle->highest_bytes = oracle->cwnd_bytes;
    }
    if (bbr) {
        take_bbr(oracle, recovery, event);
        return;
    }
    if (event->reason == HF_REASON_REORDERING_SEEN)
        oracle->reordering_seen = true;
    switch ((int)event->kind) {
    case HF_TRACE_CWND:
        take_cwnd(oracle, recovery, host, event);
        break;
    case HF_TRACE_RECEIVED:
        take_received(oracle, recovery, host, event);
        judge_still(oracle, event);
        break;
    case HF_TRACE_SENT:
        oracle->nxt = recovery->nxt;
        judge_still(oracle, event);
        break;
    default:
        break;
    }
}
