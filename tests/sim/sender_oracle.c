/* SPDX-License-Identifier: MIT
 *
 * What must hold of a sender at each step:
 *
 *  - new data lies within the window that the peer offered (RFC 9293 3.8.6), and outside recovery
 *    within cwnd: what left and was not reported as received, with the new segment, is no more than
 *    cwnd (RFC 5681 3.1). The exceptions are the RFCs': a tail loss probe (RFC 8985 7.3), the two
 *    segments of limited transmit (RFC 3042 2), and one segment always;
 *  - each sample makes SRTT, RTTVAR and RTO what RFC 6298 2 says, within the bounds configured;
 *  - RTO is what is configured until something is measured, 3 s if the SYN's timer ran out (5.7);
 *  - an ICMP message takes back one doubling, of a timeout that is not answered (RFC 6069 4);
 *  - the retransmission timer never runs out sooner than an RTO after the last progress, but where
 *    the peer goes back on its SACKs;
 *  - cwnd is reduced once for the losses of a round trip (RFC 5681 3.2, RFC 9937 5): not again
 *    before what had left by then is acknowledged, unless the reduction was taken back, or the
 * timer ran out.
 */
#include "sender_oracle.h"

#include <inttypes.h>
#include <string.h>

/* Microseconds are what a sender counts in. */
#define ROUNDING_NS (10 * HF_MICROSECOND)

static bool before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

/* ---- what was reported as received */

static void drop_acknowledged(struct sender_oracle *oracle)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < oracle->sack_count; i++) {
        uint32_t left = oracle->sack[i][0], right = oracle->sack[i][1];
        if (!before(oracle->una, right))
            continue;
        oracle->sack[kept][0] = before(left, oracle->una) ? oracle->una : left;
        oracle->sack[kept++][1] = right;
    }
    oracle->sack_count = kept;
}

static void take_block(struct sender_oracle *oracle, uint32_t left, uint32_t right)
{
    uint32_t kept = 0;

    if (!before(left, right) || before(left, oracle->una) || before(oracle->nxt, right))
        return;
    for (uint32_t i = 0; i < oracle->sack_count; i++) {
        uint32_t other_left = oracle->sack[i][0], other_right = oracle->sack[i][1];
        if (before(other_right, left) || before(right, other_left)) {
            oracle->sack[kept][0] = other_left;
            oracle->sack[kept++][1] = other_right;
            continue;
        }
        left = before(other_left, left) ? other_left : left;
        right = before(right, other_right) ? other_right : right;
    }
    if (kept < SENDER_ORACLE_RANGES) {
        oracle->sack[kept][0] = left;
        oracle->sack[kept++][1] = right;
    }
    oracle->sack_count = kept;
}

static uint32_t reported_bytes(const struct sender_oracle *oracle)
{
    uint32_t bytes = 0;

    for (uint32_t i = 0; i < oracle->sack_count; i++)
        bytes += oracle->sack[i][1] - oracle->sack[i][0];
    return bytes;
}

static void take_received(struct sender_oracle *oracle, const struct hf_trace_event *event)
{
    const struct hf_trace_segment *segment = event->segment;
    uint32_t window;

    if (segment != NULL && (segment->flags & HF_SYN))
        oracle->syn_heard = event->time;
    if (segment == NULL || !oracle->begun || !(segment->flags & HF_ACK) ||
        (segment->flags & HF_RST) || event->state == HF_SYN_SENT)
        return;
    /* Only what the sender took: its SND.UNA shows whether it believed the ACK. */
    if (before(oracle->nxt, segment->ack) || before(event->numbers.snd_una, segment->ack))
        return;
    oracle->heard = true;
    window = (uint32_t)segment->window
             << (segment->flags & HF_SYN ? 0 : event->numbers.snd_wind_shift);
    if (before(oracle->edge, segment->ack + window))
        oracle->edge = segment->ack + window;
    if (before(oracle->una, segment->ack)) {
        oracle->una = segment->ack;
        oracle->duplicates = 0;
        oracle->timeouts = 0;
        oracle->reverted = 0;
        oracle->waiting_since = event->time;
        drop_acknowledged(oracle);
    } else {
        oracle->duplicates++;
    }
    for (uint8_t i = 0; i < segment->sack_count; i++)
        take_block(oracle, segment->sack[i][0], segment->sack[i][1]);
    if (!before(oracle->una, oracle->recover))
        oracle->recovering = false;
    if (!before(oracle->una, oracle->reduced_until))
        oracle->reduced = false;
}

/* ---- what leaves */

/* A probe is one segment more than there is, though cwnd has come down below that. */
static uint64_t allowed_bytes(const struct sender_oracle *oracle,
                              const struct hf_trace_event *event, uint32_t pipe)
{
    uint64_t allowed = event->numbers.cwnd_bytes;

    if (event->reason == HF_REASON_SEND_LOSS_PROBE)
        return pipe;
    if (oracle->duplicates > 0)
        allowed += 2ull * oracle->mss_bytes;
    return allowed < oracle->mss_bytes ? oracle->mss_bytes : allowed;
}

/* RFC 6298 2.1, 5.7: before a round trip is measured. */
static void judge_first_rto(struct sender_oracle *oracle, const struct hf_config *host,
                            const struct hf_trace_event *event)
{
    hf_time rto = host->initial_rto_ns;

    if (oracle->syn_timed_out && rto < 3 * HF_SECOND)
        rto = 3 * HF_SECOND;
    /* Karn's backoff stands until something is measured. */
    if (event->numbers.rto_ns < rto || (event->numbers.rto_ns > rto && !oracle->timed_out))
        oracle_fail(&oracle->failure, event->time,
                    "RTO %" PRId64 " before a sample, by RFC 6298 %" PRId64, event->numbers.rto_ns,
                    rto);
}

static void take_sent(struct sender_oracle *oracle, const struct hf_config *host,
                      const struct hf_trace_event *event)
{
    const struct hf_trace_segment *segment = event->segment;
    uint32_t end, pipe;

    if (segment == NULL)
        return;
    /* Not for the timer, but for the SYN that came again. */
    if (event->time != oracle->syn_heard)
        oracle->syn_timed_out |= event->reason == HF_REASON_RETRANSMIT_SYN ||
                                 event->reason == HF_REASON_RETRANSMIT_SYN_ACK;
    if ((segment->flags & HF_RST) || event->connection == HF_NO_HANDLE)
        return;
    end = segment->seq + segment->length + ((segment->flags & HF_FIN) != 0) +
          ((segment->flags & HF_SYN) != 0);
    if (segment->flags & HF_SYN) {
        if (!oracle->begun) {
            oracle->begun = true;
            oracle->una = oracle->first = segment->seq;
            oracle->nxt = end;
            oracle->edge = end;
            oracle->recover = segment->seq;
            oracle->reduced_until = segment->seq;
        }
        return;
    }
    if (!oracle->begun) {
        /* The SYN-ACK left before there was a connection. */
        oracle->begun = true;
        oracle->una = event->numbers.snd_una;
        oracle->first = oracle->una - 1;
        oracle->nxt = oracle->una;
        oracle->edge = oracle->una + event->numbers.snd_wnd;
        oracle->recover = oracle->una;
        oracle->reduced_until = oracle->una;
    }
    if (segment->length > oracle->mss_bytes)
        oracle->mss_bytes = segment->length;
    if (!oracle->measured && segment->length > 0)
        judge_first_rto(oracle, host, event);
    if (!before(oracle->nxt, end))
        return; /* nothing new */
    if (oracle->una == oracle->nxt)
        oracle->waiting_since = event->time;
    oracle->nxt = end;
    if (before(oracle->edge, end))
        oracle_fail(&oracle->failure, event->time, "sent %" PRIu32 " bytes beyond the window",
                    end - oracle->edge);
    /* A FIN takes a number, but no room in cwnd. */
    pipe = oracle->nxt - oracle->una - reported_bytes(oracle) - ((segment->flags & HF_FIN) != 0);
    if (!oracle->recovering && segment->length > 0 && pipe > allowed_bytes(oracle, event, pipe))
        oracle_fail(&oracle->failure, event->time,
                    "%" PRIu32 " bytes in flight, cwnd allows %" PRIu64, pipe,
                    allowed_bytes(oracle, event, pipe));
}

/* ---- RFC 6298 */

static void take_sample(struct sender_oracle *oracle, const struct hf_config *host,
                        const struct hf_trace_event *event)
{
    hf_time srtt = event->value, rttvar = event->value / 2, rto;
    hf_time error = oracle->srtt_ns - event->value;

    if (oracle->measured) {
        error = error < 0 ? -error : error;
        rttvar = oracle->rttvar_ns - oracle->rttvar_ns / 4 + error / 4;
        srtt = oracle->srtt_ns - oracle->srtt_ns / 8 + event->value / 8;
    }
    oracle->measured = true;
    oracle->reverted = oracle->timeouts; /* 5: with a new measurement RTO collapses */
    rto = 4 * rttvar > host->min_rto_ns ? 4 * rttvar : host->min_rto_ns;
    rto = srtt + rto < host->max_rto_ns ? srtt + rto : host->max_rto_ns;
    error = event->numbers.srtt_ns - srtt;
    if (error > ROUNDING_NS || error < -ROUNDING_NS)
        oracle_fail(&oracle->failure, event->time,
                    "SRTT %" PRId64 " after a sample of %" PRId64 ", by RFC 6298 %" PRId64,
                    event->numbers.srtt_ns, event->value, srtt);
    error = event->numbers.rto_ns - rto;
    if (error > 5 * ROUNDING_NS || error < -5 * ROUNDING_NS)
        oracle_fail(&oracle->failure, event->time,
                    "RTO %" PRId64 " after a sample of %" PRId64 ", by RFC 6298 %" PRId64,
                    event->numbers.rto_ns, event->value, rto);
}

/* 5.5: doubled for each timeout in a row, up to the ceiling. */
static hf_time backed_off(const struct sender_oracle *oracle, const struct hf_config *host,
                          unsigned timeouts)
{
    hf_time rto = oracle->rto_ns;

    for (unsigned i = 0; i < timeouts && rto < host->max_rto_ns; i++)
        rto *= 2;
    return rto < host->max_rto_ns ? rto : host->max_rto_ns;
}

/* 5.4 to 5.6: after a timeout nothing else sets the timer before something is acknowledged, so the
 * next one comes when the doubled RTO is over, no sooner and no later; RFC 6069 4: or one that is
 * doubled less often, or at once where that is over. */
static void judge_doubling(struct sender_oracle *oracle, const struct hf_config *host,
                           const struct hf_trace_event *event, hf_time waited)
{
    unsigned doublings = oracle->timeouts - oracle->reverted;
    hf_time expected = backed_off(oracle, host, doublings);

    if (oracle->reverted > 0 && expected < oracle->reverted_at - oracle->waiting_since)
        expected = oracle->reverted_at - oracle->waiting_since;
    if (waited + ROUNDING_NS < expected || (!oracle->heard && waited > expected + ROUNDING_NS))
        oracle_fail(&oracle->failure, event->time,
                    "timeout %u came %" PRId64 " after the one before, RTO is %" PRId64,
                    oracle->timeouts + 1, waited, expected);
    expected = backed_off(oracle, host, doublings + 1);
    if (event->value > expected + ROUNDING_NS || event->value + ROUNDING_NS < expected)
        oracle_fail(&oracle->failure, event->time,
                    "after timeout %u RTO is %" PRId64 ", by RFC 6298 5.5 %" PRId64,
                    oracle->timeouts + 1, event->value, expected);
}

static void take_timer(struct sender_oracle *oracle, const struct hf_config *host,
                       const struct hf_trace_event *event)
{
    if (event->reason == HF_REASON_TIMER_LOSS_PROBE) {
        oracle->waiting_since = event->time;
    } else if (event->reason == HF_REASON_TIMER_RETRANSMIT) {
        hf_time waited = event->time - oracle->waiting_since;
        if (oracle->begun && oracle->timeouts > 0 && oracle->rto_ns > 0)
            judge_doubling(oracle, host, event, waited);
        oracle->timeouts++;
        oracle->timed_out |= oracle->begun && oracle->una != oracle->first;
        oracle->heard = false;
        if (oracle->begun && !oracle->reneging && oracle->rto_ns > 0 &&
            waited + ROUNDING_NS < oracle->rto_ns)
            oracle_fail(&oracle->failure, event->time,
                        "the timer ran out after %" PRId64 " of an RTO of %" PRId64, waited,
                        oracle->rto_ns);
        oracle->reneging = false;
        oracle->waiting_since = event->time;
    }
}

/* RFC 6069 4 */
static void take_reversion(struct sender_oracle *oracle, const struct hf_trace_event *event)
{
    if (oracle->reverted >= oracle->timeouts)
        oracle_fail(&oracle->failure, event->time, "a doubling is taken back that never was");
    if ((uint32_t)event->value != oracle->una)
        oracle_fail(&oracle->failure, event->time,
                    "a doubling is taken back for what the timer did not send");
    oracle->reverted++;
    oracle->reverted_at = event->time;
    oracle->reversions++;
}

/* ---- cwnd */

static void take_cwnd(struct sender_oracle *oracle, const struct hf_trace_event *event)
{
    switch ((int)event->reason) {
    case HF_REASON_CWND_RACK:
    case HF_REASON_CWND_FAST_RETRANSMIT:
    case HF_REASON_CWND_LOSS_PROBE:
        /* The ACK that shows the loss is told of after what it does. */
        if (oracle->reduced && before(event->numbers.snd_una, oracle->reduced_until))
            oracle_fail(&oracle->failure, event->time, "cwnd reduced twice in a round trip: %s",
                        hf_reason_name(event->reason));
        /* What a probe mended was lost before what is in flight now left. */
        oracle->reduced = event->reason != HF_REASON_CWND_LOSS_PROBE;
        oracle->reduced_until = oracle->nxt;
        if (event->reason != HF_REASON_CWND_LOSS_PROBE) {
            oracle->recovering = true;
            oracle->recover = oracle->nxt;
        }
        break;
    case HF_REASON_CWND_TIMEOUT:
        oracle->recovering = true;
        oracle->recover = oracle->nxt;
        oracle->reduced = false;
        break;
    case HF_REASON_UNDO_TIMESTAMP:
    case HF_REASON_UNDO_DSACK:
    case HF_REASON_UNDO_FRTO:
        oracle->reduced = false;
        oracle->rebased = true;
        break;
    default:
        break;
    }
}

void sender_oracle_take(struct sender_oracle *oracle, const struct hf_config *host,
                        const struct hf_trace_event *event)
{
    bool established = event->state != HF_CLOSED && event->state != HF_LISTEN;

    switch ((int)event->kind) {
    case HF_TRACE_SENT:
        take_sent(oracle, host, event);
        break;
    case HF_TRACE_RECEIVED:
        take_received(oracle, event);
        break;
    case HF_TRACE_RTT:
        take_sample(oracle, host, event);
        break;
    case HF_TRACE_TIMER:
        take_timer(oracle, host, event);
        break;
    case HF_TRACE_CWND:
        take_cwnd(oracle, event);
        break;
    case HF_TRACE_RECOVERY:
        oracle->reneging |= event->reason == HF_REASON_SACK_RENEGING;
        if (event->reason == HF_REASON_BACKOFF_REVERTED)
            take_reversion(oracle, event);
        break;
    default:
        break;
    }
    if (established && event->numbers.srtt_ns > 0) {
        oracle->srtt_ns = event->numbers.srtt_ns;
        oracle->rttvar_ns = event->numbers.rttvar_ns;
        oracle->rto_ns = event->numbers.rto_ns;
    }
}
