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
 * cwnd's inflation by duplicate ACKs is kept apart from cwnd in `inflation_bytes`, so that the
 * congestion control below sees only what it decided.
 */
#include "tcp_internal.h"

uint32_t tcp_cwnd_in_recovery(const struct tcp_conn *conn)
{
    int64_t cwnd = conn->congestion.cwnd_bytes;
    if (conn->ecn.reducing) {
        return conn->prr.cwnd_bytes;
    }
    if (conn->recovery == TCP_RECOVERY_FAST && !conn->cc->governs_recovery) {
        cwnd = conn->sack ? (int64_t)conn->prr.cwnd_bytes : cwnd + conn->inflation_bytes;
    }
    return cwnd < 0 ? 0 : (uint32_t)(cwnd < UINT32_MAX ? cwnd : UINT32_MAX);
}

/* Keeps RFC3042-2-a, RFC3042-2-c. */
uint32_t tcp_allowance_in_recovery(const struct tcp_conn *conn)
{
    uint32_t mss = tcp_effective_mss(conn);
    int64_t allowance = tcp_cwnd_bytes(conn);
    if (conn->recovery == TCP_RECOVERY_NONE && !conn->sack) {
        /* RFC 3042 2: the first and the second duplicate ACK let one new segment go each. */
        allowance += (int64_t)min_u32(conn->duplicate_acks, 2) * mss;
    }
    if (conn->ecn.reducing ||
        (conn->recovery == TCP_RECOVERY_FAST && conn->sack && !conn->cc->governs_recovery)) {
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
 * on by a little only; then the segment after it is missing. */
static bool new_loss(const struct tcp_conn *conn)
{
    uint32_t mss = tcp_effective_mss(conn);
    return seq_gt(conn->snd.una, conn->snd.recover) ||
           (conn->congestion.cwnd_bytes > mss &&
            (uint32_t)seq_diff(conn->snd.una, conn->snd.una_before) <= 4 * mss);
}

/* RFC 5681 3.2 steps 2 to 4, RFC 6582 3.2 step 2.
 * Keeps RFC5681-3.2-a, RFC5681-3.2-b, RFC5681-3.2-c, RFC6582-3.2-b. */
void tcp_on_duplicate_ack(struct tcp_conn *conn, struct tcp_host *host,
                          const struct tcp_segment *segment, const struct tcp_ack_news *news)
{
    uint32_t mss = tcp_effective_mss(conn);
    uint32_t threshold = min_u32(conn->reordering, UINT8_MAX);
    struct hf_cc_sample sample;
    uint32_t before = tcp_cwnd_bytes(conn);
    if (conn->recovery == TCP_RECOVERY_TIMEOUT) {
        (void)tcp_frto_on_ack(conn, host, segment, news);
    }
    if (conn->recovery == TCP_RECOVERY_FAST) {
        /* Each tells that one segment has left; there cannot be more of them than are in flight. */
        if (conn->inflation_bytes + (int64_t)mss <=
            (int64_t)tcp_flight(conn) + (int64_t)threshold * mss) {
            conn->inflation_bytes += (int32_t)mss;
        }
        trace_cwnd(conn, host, HF_REASON_CWND_INFLATE, before);
        return;
    }
    if (conn->duplicate_acks < UINT8_MAX) {
        conn->duplicate_acks++;
    }
    if (conn->duplicate_acks == 1) {
        conn->snd.first_duplicate = conn->snd.nxt;
    }
    if (conn->recovery != TCP_RECOVERY_NONE || conn->duplicate_acks != threshold ||
        !new_loss(conn)) {
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
    }
    conn->recovery = TCP_RECOVERY_FAST;
    conn->snd.recover = conn->snd.nxt;
    conn->inflation_bytes = (int32_t)(threshold * mss);
    trace_cwnd(conn, host, HF_REASON_CWND_FAST_RETRANSMIT, before);
    retransmit_first(conn, HF_REASON_RETRANSMIT_FAST);
}

/* Keeps RFC6582-3.2-c. */
static void leave_recovery(struct tcp_conn *conn, struct tcp_host *host)
{
    struct hf_cc_sample sample = tcp_cc_sample(conn, host, 0);
    uint32_t before = tcp_cwnd_bytes(conn);
    bool fast = conn->recovery == TCP_RECOVERY_FAST;
    conn->recovery = TCP_RECOVERY_NONE;
    conn->inflation_bytes = 0;
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

/* RFC 6582 3.2 step 3, the partial acknowledgement: the next hole is sent again, and cwnd deflates
 * by what was acknowledged, plus one segment.
 * Keeps RFC6582-3.2-d. */
static void partial_ack(struct tcp_conn *conn, struct tcp_host *host, uint32_t acked_bytes)
{
    uint32_t before = tcp_cwnd_bytes(conn);
    uint32_t mss = tcp_effective_mss(conn);
    int64_t inflation = (int64_t)conn->inflation_bytes - acked_bytes;
    if (acked_bytes >= mss) {
        inflation += mss;
    }
    if (inflation < -(int64_t)conn->congestion.cwnd_bytes) {
        inflation = -(int64_t)conn->congestion.cwnd_bytes;
    }
    conn->inflation_bytes = (int32_t)inflation;
    trace_cwnd(conn, host, HF_REASON_CWND_DEFLATE, before);
    retransmit_first(conn, HF_REASON_RETRANSMIT_PARTIAL);
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
        return;
    }
    before = tcp_cwnd_bytes(conn);
    sample = tcp_cc_sample(conn, host, acked_bytes);
    sample.cwnd_limited |= repeating;
    sample.after_timeout = conn->after_timeout;
    if (conn->cc->on_ack != NULL && !conn->cc->governs_recovery) {
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
        (void)tcp_frto_on_ack(conn, host, segment, news);
    } else if (conn->recovery == TCP_RECOVERY_FAST && tcp_undo_by_timestamp(conn, segment)) {
        tcp_undo(conn, host, HF_REASON_UNDO_TIMESTAMP, true);
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

/* RFC 6298 5.4 to 5.6, RFC 5681 3.1.
 * Keeps RFC6298-5.4-a, RFC6582-3.2-e. */
void tcp_on_timeout(struct tcp_conn *conn, struct tcp_host *host)
{
    struct hf_cc_sample sample = tcp_cc_sample(conn, host, 0);
    uint32_t before = tcp_cwnd_bytes(conn);
    bool outstanding =
        conn->recovery != TCP_RECOVERY_NONE && seq_lt(conn->snd.una, conn->snd.recover);
    tcp_frto_begin(conn, host);
    tcp_reordering_on_timeout(conn, host);
    if (!outstanding || (conn->recovery == TCP_RECOVERY_TIMEOUT && tcp_first_timeout(conn))) {
        tcp_undo_begin(conn);
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
    conn->inflation_bytes = 0;
    conn->duplicate_acks = 0;
    trace_cwnd(conn, host, HF_REASON_CWND_TIMEOUT, before);
    tcp_rack_on_retransmit_timeout(conn, host);
    retransmit_first(conn, HF_REASON_RETRANSMIT_TIMEOUT);
}
