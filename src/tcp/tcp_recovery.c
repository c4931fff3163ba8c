/* SPDX-License-Identifier: MIT
 *
 * What follows a timeout, and loss recovery where SACK was not agreed (where it was: tcp_rack.c):
 * fast retransmit and fast recovery (RFC 5681 3.2, NewReno: RFC 6582), limited transmit (RFC 3042)
 * and what follows a timeout.
 *
 * snd.retransmit_next..snd.recover is what is still to be sent again. After three duplicate ACKs
 * that is one segment at a time, sent whatever cwnd says (TCP_INTENT_RETRANSMIT); after a timeout
 * it is everything that was in flight, sent again in slow start as ACKs come, and ACKs that jump
 * ahead skip what the peer has already.
 *
 * How much may leave meanwhile is PRR's affair (RFC 9937), as with SACK, and as in Linux: where the
 * peer does not say what has arrived, a duplicate ACK stands for one segment (RFC 9937 5), and what
 * they stood for is taken off the flight (`left_bytes`) and off what later ACKs acknowledge. This
 * takes the place of the inflation and deflation of cwnd in RFC 5681 3.2 and RFC 6582 3.2, after
 * which half a round trip of silence was followed by a segment for each ACK.
 *
 * The ACK of just what was out when recovery began does not end it, but the next one (RFC 6582 3.2
 * step 2, Linux): duplicates of it may only answer what was sent again for nothing.
 */
#include "tcp_internal.h"

uint32_t tcp_cwnd_in_recovery(const struct tcp_conn *conn)
{
    uint32_t cwnd = conn->congestion.cwnd_bytes;
    if (conn->ecn.reducing) {
        return conn->prr.cwnd_bytes;
    }
    if (conn->recovery == TCP_RECOVERY_FAST && !conn->cc->governs_recovery) {
        cwnd = conn->prr.cwnd_bytes;
    }
    return cwnd;
}

/* After a timeout only what was sent again, or since, counts. In fast recovery: but for what
 * duplicate ACKs stand for, and the hole before it goes again. Keeps RFC9937-5-a. */
uint32_t tcp_pipe_without_sack(const struct tcp_conn *conn, uint32_t flight)
{
    uint32_t gone = 0;
    if (conn->recovery == TCP_RECOVERY_FAST) {
        gone = conn->left_bytes;
        gone += conn->intents & TCP_INTENT_RETRANSMIT ? tcp_effective_mss(conn) : 0;
    } else {
        gone = conn->left_bytes;
        if (seq_lt(conn->snd.retransmit_next, conn->snd.recover)) {
            gone += (uint32_t)seq_diff(conn->snd.recover, conn->snd.retransmit_next);
        }
    }
    return flight - min_u32(flight, gone);
}

/* Keeps RFC3042-2-a, RFC3042-2-c, RFC3042-2-d. */
uint32_t tcp_allowance_in_recovery(const struct tcp_conn *conn)
{
    uint32_t mss = tcp_effective_mss(conn);
    int64_t allowance = tcp_cwnd_bytes(conn);
    if (conn->recovery == TCP_RECOVERY_NONE && !conn->sack) {
        /* RFC 3042 2: the first and the second duplicate ACK let one new segment go each. */
        allowance += (int64_t)min_u32(conn->duplicate_acks, 2) * mss;
    }
    if (conn->ecn.reducing ||
        (conn->recovery == TCP_RECOVERY_FAST && !conn->cc->governs_recovery)) {
        return tcp_cwnd_bytes(conn); /* PRR has the last word */
    }
    if (allowance < (int64_t)mss) {
        return mss;
    }
    return allowance > UINT32_MAX ? UINT32_MAX : (uint32_t)allowance;
}

static void trace_cwnd(const struct tcp_conn *conn, const struct tcp_host *host,
                       enum hf_reason reason, uint32_t before)
{
    if (tcp_cwnd_bytes(conn) != before || reason == HF_REASON_CWND_FAST_RETRANSMIT ||
        reason == HF_REASON_CWND_TIMEOUT || reason == HF_REASON_CWND_RECOVERED) {
        tcp_trace(conn, host, HF_TRACE_CWND, reason, before);
    }
}

static void retransmit_first(struct tcp_conn *conn, enum hf_reason reason)
{
    conn->snd.retransmit_next = conn->snd.una;
    conn->retransmit_reason = (uint8_t)reason;
    conn->intents |= TCP_INTENT_RETRANSMIT;
    conn->rtt_timing = false; /* Karn */
}

/* RFC 6582 3.2 step 2: losses up to `recover` belong to the recovery that was, and duplicates of
 * its last ACK most likely answer what was sent again for nothing. 4.1: unless that ACK had moved
 * on by a little only; then the segment after it is missing.
 * Keeps RFC6582-4.1-a. */
static bool new_loss(const struct tcp_conn *conn)
{
    uint32_t mss = tcp_effective_mss(conn);
    return seq_gt(conn->snd.una, conn->snd.recover) ||
           (conn->congestion.cwnd_bytes > mss &&
            (uint32_t)seq_diff(conn->snd.una, conn->snd.una_before) <= 4 * mss);
}

/* Of the flight one segment is the hole, which no duplicate ACK stands for; and there cannot be
 * more of them than were out (RFC 9937 5), whatever a peer sends that acknowledges by parts. */
static void bound_left(struct tcp_conn *conn)
{
    uint32_t flight = tcp_flight(conn);
    uint32_t mss = tcp_effective_mss(conn);
    conn->left_bytes = min_u32(conn->left_bytes, flight > mss ? flight - mss : 0);
}

/* A further one. Keeps RFC9937-5-a, RFC9937-5-b. */
static void take_duplicate(struct tcp_conn *conn, struct tcp_host *host)
{
    uint32_t before = tcp_cwnd_bytes(conn);
    uint32_t left = conn->left_bytes;
    if (conn->prr.delivered_bytes < conn->prr.flight_bytes) {
        conn->left_bytes += tcp_effective_mss(conn);
        bound_left(conn);
        tcp_prr_on_ack(conn, conn->left_bytes - min_u32(left, conn->left_bytes), false, false);
    }
    trace_cwnd(conn, host, HF_REASON_CWND_INFLATE, before);
}

/* What an ACK of new data delivers beyond what duplicates stood for: one segment at least, the
 * hole. Keeps RFC9937-5-c. */
static uint32_t delivered_by(struct tcp_conn *conn, uint32_t acked_bytes)
{
    uint32_t hole = min_u32(acked_bytes, tcp_effective_mss(conn));
    uint32_t beyond = acked_bytes - min_u32(acked_bytes, conn->left_bytes);
    conn->left_bytes -= min_u32(conn->left_bytes, acked_bytes - hole);
    bound_left(conn);
    return max_u32(beyond, hole);
}

/* RFC 9937 5, without SACK: RecoverFS is the flight without the segments that duplicates stood for
 * before this one. */
static void begin_prr(struct tcp_conn *conn, uint32_t threshold)
{
    uint32_t flight = tcp_flight(conn);
    uint32_t mss = tcp_effective_mss(conn);
    uint32_t before = min_u32((threshold - 1) * mss, flight - min_u32(flight, mss));
    conn->prr = (struct tcp_prr){.flight_bytes = max_u32(flight - before, 1)};
}

/* RFC 5681 3.2 steps 2 to 4, RFC 6582 3.2 step 2.
 * Keeps RFC5681-3.2-a, RFC5681-3.2-b, RFC6582-3.2-b. */
void tcp_on_duplicate_ack(struct tcp_conn *conn, struct tcp_host *host,
                          const struct tcp_segment *segment, const struct tcp_ack_news *news)
{
    uint32_t mss = tcp_effective_mss(conn);
    uint32_t threshold = min_u32(conn->reordering, UINT8_MAX);
    struct hf_cc_sample sample;
    uint32_t before;
    if (conn->recovery == TCP_RECOVERY_TIMEOUT) {
        (void)tcp_frto_on_ack(conn, host, segment, news);
        if (seq_gt(conn->snd.nxt, conn->snd.recover)) {
            /* One of the new segments that F-RTO asked for, or sent since, has arrived. */
            conn->left_bytes += mss;
            bound_left(conn);
        }
    }
    if (conn->recovery == TCP_RECOVERY_FAST) {
        take_duplicate(conn, host);
        if (!tcp_recovery_lingers(conn)) {
            return;
        }
    }
    before = tcp_cwnd_bytes(conn);
    if (conn->duplicate_acks < UINT8_MAX) {
        conn->duplicate_acks++;
    }
    if (conn->duplicate_acks == 1) {
        conn->snd.first_duplicate = conn->snd.nxt;
    }
    if (conn->recovery == TCP_RECOVERY_NONE && conn->duplicate_acks <= 2) {
        tcp_trace(conn, host, HF_TRACE_RECOVERY, HF_REASON_LIMITED_TRANSMIT, conn->snd.una.value);
    }
    if (conn->recovery == TCP_RECOVERY_TIMEOUT || conn->duplicate_acks != threshold) {
        return;
    }
    if (!new_loss(conn)) {
        tcp_trace(conn, host, HF_TRACE_RECOVERY, HF_REASON_DUPLICATES_OLD, conn->snd.una.value);
        return;
    }
    if (tcp_mtu_probe_lost(conn, host)) {
        return;
    }
    if (!tcp_ecn_absorbs_loss(conn)) {
        tcp_undo_begin(conn);
        sample = tcp_cc_sample(conn, host, 0);
        /* RFC 5681 3.2 step 2: without what limited transmit sent. */
        sample.flight_bytes = (uint32_t)seq_diff(conn->snd.first_duplicate, conn->snd.una);
        conn->cc->on_congestion(&conn->congestion, &sample, HF_CC_FAST_RETRANSMIT);
        tcp_cc_bound(conn, sample.mss_bytes);
        tcp_ecn_reduced(conn);
        begin_prr(conn, threshold);
    }
    conn->recovery = TCP_RECOVERY_FAST;
    conn->snd.recover = conn->snd.nxt;
    conn->left_bytes = threshold * mss;
    bound_left(conn);
    retransmit_first(conn, HF_REASON_RETRANSMIT_FAST);
    tcp_prr_on_ack(conn, mss, false, true);
    trace_cwnd(conn, host, HF_REASON_CWND_FAST_RETRANSMIT, before);
}

/* Keeps RFC6582-3.2-c. */
static void leave_recovery(struct tcp_conn *conn, struct tcp_host *host)
{
    struct hf_cc_sample sample = tcp_cc_sample(conn, host, 0);
    uint32_t before = tcp_cwnd_bytes(conn);
    bool fast = conn->recovery == TCP_RECOVERY_FAST;
    conn->recovery = TCP_RECOVERY_NONE;
    conn->left_bytes = 0;
    if (fast) {
        if (conn->cc->on_recovery_exit != NULL) {
            conn->cc->on_recovery_exit(&conn->congestion, &sample);
            tcp_cc_bound(conn, sample.mss_bytes);
        }
        trace_cwnd(conn, host, HF_REASON_CWND_RECOVERED, before);
    }
    conn->intents &= (uint16_t)~TCP_INTENT_RETRANSMIT;
    conn->snd.retransmit_next = conn->snd.nxt;
}

/* RFC 6582 3.2 step 3, the partial acknowledgement: the next hole is lost, too, and is sent again
 * at once. (Linux leaves to PRR when.) Keeps RFC6582-3.2-d. */
static void partial_ack(struct tcp_conn *conn, struct tcp_host *host, uint32_t acked_bytes)
{
    uint32_t before = tcp_cwnd_bytes(conn);
    uint32_t delivered_bytes = delivered_by(conn, acked_bytes);
    retransmit_first(conn, HF_REASON_RETRANSMIT_PARTIAL);
    tcp_prr_on_ack(conn, delivered_bytes, true, true);
    trace_cwnd(conn, host, HF_REASON_CWND_DEFLATE, before);
}

/* All that was out when recovery began is acknowledged, and nothing beyond.
 * Keeps RFC6582-3.2-c. */
static void linger(struct tcp_conn *conn, struct tcp_host *host, uint32_t acked_bytes)
{
    uint32_t before = tcp_cwnd_bytes(conn);
    uint32_t delivered_bytes = delivered_by(conn, acked_bytes);
    conn->left_bytes = 0;
    conn->intents &= (uint16_t)~TCP_INTENT_RETRANSMIT;
    conn->snd.retransmit_next = conn->snd.nxt;
    tcp_prr_on_ack(conn, delivered_bytes, true, false);
    tcp_trace(conn, host, HF_TRACE_CWND, HF_REASON_CWND_LINGERS, before);
}

/* RFC 7661 4.3, RFC 9438 5.8: a window that is not used does not grow. Once for as long as it is
 * so, and only for who listens. */
static void tell_held(const struct tcp_conn *conn, const struct tcp_host *host)
{
    struct tcp_sender *sender = conn->sender;
    if (sender == NULL || sender->growth_held) {
        return;
    }
    sender->growth_held = true;
    tcp_trace(conn, host, HF_TRACE_CWND,
              conn->tally.limited == HF_LIMITED_RECEIVER ? HF_REASON_CWND_HELD_RECEIVER
                                                         : HF_REASON_CWND_HELD_PROGRAM,
              tcp_cwnd_bytes(conn));
}

void tcp_grow_cwnd(struct tcp_conn *conn, struct tcp_host *host, uint32_t acked_bytes,
                   bool repeating)
{
    struct hf_cc_sample sample;
    uint32_t before;
    bool slow_start = conn->congestion.cwnd_bytes < conn->congestion.ssthresh_bytes;
    if ((conn->ecn.reducing || conn->ecn.echoed) && tcp_ecn_holds_cwnd(conn, host)) {
        return;
    }
    if (conn->cc->on_unused != NULL && !repeating && !tcp_cwnd_limited(conn)) {
        conn->cc->on_unused(&conn->congestion, host->now);
        tcp_cc_bound(conn, tcp_effective_mss(conn));
        conn->after_timeout &= slow_start;
        if (tcp_tracing(host)) {
            tell_held(conn, host);
        }
        return;
    }
    before = tcp_cwnd_bytes(conn);
    sample = tcp_cc_sample(conn, host, acked_bytes);
    sample.cwnd_limited |= repeating;
    sample.after_timeout = conn->after_timeout;
    if (conn->cc->on_ack != NULL && !conn->cc->governs_recovery) {
        if (tcp_tracing(host) && !sample.cwnd_limited) {
            tell_held(conn, host);
        } else if (conn->sender != NULL) {
            conn->sender->growth_held = false;
        }
        conn->cc->on_ack(&conn->congestion, &sample); /* else on_delivery says it all */
        tcp_cc_bound(conn, sample.mss_bytes);
    }
    if (conn->congestion.cwnd_bytes >= conn->congestion.ssthresh_bytes) {
        conn->after_timeout = false;
    }
    trace_cwnd(conn, host, slow_start ? HF_REASON_CWND_SLOW_START : HF_REASON_CWND_AVOIDANCE,
               before);
}

void tcp_on_new_ack(struct tcp_conn *conn, struct tcp_host *host, const struct tcp_segment *segment,
                    const struct tcp_ack_news *news)
{
    bool repeating = conn->recovery == TCP_RECOVERY_TIMEOUT;
    uint32_t acked_bytes = news->acked_bytes;
    if (repeating) {
        conn->left_bytes = 0;
        (void)tcp_frto_on_ack(conn, host, segment, news);
    } else if (conn->recovery == TCP_RECOVERY_FAST && tcp_undo_by_timestamp(conn, segment)) {
        tcp_undo(conn, host, HF_REASON_UNDO_TIMESTAMP, true);
    }
    if (tcp_recovery_lingers(conn)) {
        linger(conn, host, acked_bytes);
        return;
    }
    if (conn->recovery != TCP_RECOVERY_NONE && seq_ge(conn->snd.una, conn->snd.recover)) {
        bool fast = conn->recovery == TCP_RECOVERY_FAST;
        leave_recovery(conn, host);
        if (fast) {
            return;
        }
    }
    if (conn->recovery == TCP_RECOVERY_FAST) {
        partial_ack(conn, host, acked_bytes);
    } else if (acked_bytes > 0) {
        tcp_grow_cwnd(conn, host, acked_bytes, repeating);
    }
}

/* RFC 6298 5.4 to 5.6, RFC 5681 3.1. What was in flight when a loss or a mark reduced cwnd has been
 * answered for: a timeout of that takes cwnd, but is no second multiplicative decrease (RFC 3168
 * 6.1.2, Linux).
 * Keeps RFC6298-5.4-a, RFC6582-3.2-e, RFC9438-4.8-c. */
void tcp_on_timeout(struct tcp_conn *conn, struct tcp_host *host)
{
    struct hf_cc_sample sample = tcp_cc_sample(conn, host, 0);
    uint32_t before = tcp_cwnd_bytes(conn);
    bool outstanding =
        conn->recovery != TCP_RECOVERY_NONE && seq_lt(conn->snd.una, conn->snd.recover);
    sample.answered =
        conn->recovery == TCP_RECOVERY_FAST ? outstanding : tcp_ecn_answers_timeout(conn);
    tcp_frto_begin(conn, host);
    tcp_reordering_on_timeout(conn, host);
    if (!outstanding || (conn->recovery == TCP_RECOVERY_TIMEOUT && tcp_first_timeout(conn))) {
        tcp_undo_begin(conn);
        sample.undo_begins = true;
    }
    conn->timeouts++;
    host->counters->retransmit_timeouts++;
    conn->cc->on_congestion(&conn->congestion, &sample,
                            tcp_first_timeout(conn) ? HF_CC_TIMEOUT : HF_CC_TIMEOUT_AGAIN);
    tcp_cc_bound(conn, sample.mss_bytes);
    tcp_ecn_reduced(conn);
    conn->recovery = TCP_RECOVERY_TIMEOUT;
    conn->after_timeout = true;
    conn->snd.recover = conn->snd.nxt;
    conn->left_bytes = 0;
    conn->duplicate_acks = 0;
    trace_cwnd(conn, host, HF_REASON_CWND_TIMEOUT, before);
    tcp_rack_on_retransmit_timeout(conn, host);
    retransmit_first(conn, HF_REASON_RETRANSMIT_TIMEOUT);
}
