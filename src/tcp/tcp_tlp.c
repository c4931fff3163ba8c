/* SPDX-License-Identifier: MIT
 *
 * The tail loss probe, RFC 8985 7. When the tail of a flight is lost no later segment is there to
 * be delivered, from which RACK (tcp_rack.c) would see it; so after two round trips of silence one
 * more segment is sent, new or the last one again, and its acknowledgement brings the news long
 * before the retransmission timer.
 */
#include "tcp_internal.h"

#define WORST_DELAYED_ACK (200 * HF_MILLISECOND) /* RFC 8985 7.2: TLP.max_ack_delay */
#define TIMER_SLACK (2 * HF_MILLISECOND)         /* as Linux: timers of both sides are coarse */
#define PTO_WITHOUT_RTT HF_SECOND                /* 7.2: no SRTT yet */

/* Keeps RFC8985-7.1-a. */
void tcp_forget_loss_probe(struct tcp_conn *conn)
{
    conn->rack.probe_out = conn->rack.probe_timed = false;
    conn->intents &= (uint16_t)~TCP_INTENT_LOSS_PROBE;
    conn->deadlines[TCP_TIMER_LOSS_PROBE] = HF_TIME_NEVER;
}

/* 7.3: one at a time, and none before the round trip has been measured again: probes that are sent
 * again and again would keep Karn's algorithm from ever learning that the path has become longer.
 * Keeps RFC8985-7.2-c, RFC8985-7.3-b, RFC8985-7.3-c. */
bool tcp_loss_probe_wanted(const struct tcp_conn *conn, const struct tcp_host *host)
{
    return !seq_eq(conn->snd.una, conn->iss) && /* RFC 7413: only the SYN-ACK is repeated yet */
           conn->sack && host->config->loss_probe && conn->sent != NULL && conn->sent->count > 0 &&
           !conn->rack.probe_out && !conn->rack.probe_unmeasured &&
           conn->recovery == TCP_RECOVERY_NONE && conn->sent->sacked_count == 0 &&
           conn->backoff == 0;
}

/* Keeps RFC8985-7.2-a, RFC8985-7.2-b, RFC8985-7.2-d, RFC8985-7.2-e. */
void tcp_arm_loss_probe(struct tcp_conn *conn, struct tcp_host *host)
{
    hf_time *deadline = &conn->deadlines[TCP_TIMER_LOSS_PROBE];
    hf_time retransmit = conn->deadlines[TCP_TIMER_RETRANSMIT];
    hf_time pto = PTO_WITHOUT_RTT;
    *deadline = HF_TIME_NEVER;
    if (!tcp_loss_probe_wanted(conn, host)) {
        return;
    }
    /* 7.2: two round trips, and the peer's delayed ACK where a single segment waits for it. */
    if (conn->rtt_measured) {
        pto = 2 * (hf_time)conn->srtt_us * HF_MICROSECOND;
        pto += conn->sent->count == 1 ? WORST_DELAYED_ACK : TIMER_SLACK;
    }
    /* "If Now() + PTO > TCP_RTO_expire(): PTO = TCP_RTO_expire() - Now()": then the probe takes the
     * timer's turn, and the timer comes an RTO later. */
    *deadline = host->now + pto < retransmit ? host->now + pto : retransmit;
}

/* Keeps RFC8985-7.3-d. */
void tcp_loss_probe_timeout(struct tcp_conn *conn, struct tcp_host *host)
{
    if (conn->sent == NULL || conn->sent->count == 0 || conn->recovery != TCP_RECOVERY_NONE) {
        return;
    }
    tcp_trace(conn, host, HF_TRACE_TIMER, HF_REASON_TIMER_LOSS_PROBE, 0);
    conn->intents |= TCP_INTENT_LOSS_PROBE;
    conn->loss_probes++;
    host->counters->loss_probes++;
    conn->rack.probe_out = conn->rack.probe_unmeasured = true;
    conn->rack.probe_repeats = tcp_unsent_bytes(conn) == 0;
    conn->rack.probe_end = conn->snd.nxt; /* of new data: moved on when it is sent */
    /* 7.3: the retransmission timer stands behind the probe. */
    conn->deadlines[TCP_TIMER_RETRANSMIT] = HF_TIME_NEVER;
}

/* 7.4: did the probe mend a loss that nobody else saw? Then cwnd answers for it once.
 * Keeps RFC8985-7.4-a, RFC8985-7.4-b. */
void tcp_loss_probe_on_ack(struct tcp_conn *conn, struct tcp_host *host,
                           const struct tcp_segment *segment, const struct tcp_ack_news *news)
{
    struct tcp_rack *rack = &conn->rack;
    if (!rack->probe_out) {
        return;
    }
    if (seq_lt(segment->ack, rack->probe_end)) {
        tcp_rtt_sample_beside_probe(conn, host, news);
        return;
    }
    rack->probe_timed = false;
    /* It carried new data; or a DSACK, or a plain duplicate ACK, says that it was the duplicate. */
    if (!rack->probe_repeats || news->probe_dup ||
        (seq_eq(segment->ack, rack->probe_end) && news->duplicate &&
         segment->options.sack_count == 0)) {
        if (rack->probe_repeats) {
            tcp_trace(conn, host, HF_TRACE_RECOVERY, HF_REASON_LOSS_PROBE_NEEDLESS,
                      rack->probe_end.value);
        }
        rack->probe_out = false;
    } else if (seq_gt(segment->ack, rack->probe_end)) {
        struct hf_cc_sample sample = tcp_cc_sample(conn, host, 0);
        sample.flight_bytes += news->acked_bytes; /* what was in flight when it came */
        uint32_t before = tcp_cwnd_bytes(conn);
        rack->probe_out = false;
        /* Where more is lost the recovery that follows answers for all of it, once. */
        if (conn->recovery == TCP_RECOVERY_NONE &&
            (conn->sent == NULL || conn->sent->lost_bytes == 0)) {
            if (!tcp_ecn_absorbs_loss(conn)) {
                tcp_undo_begin(conn);
                conn->cc->on_congestion(&conn->congestion, &sample, HF_CC_FAST_RETRANSMIT);
                tcp_cc_bound(conn, sample.mss_bytes);
                tcp_ecn_reduced(conn);
            }
            tcp_trace(conn, host, HF_TRACE_CWND, HF_REASON_CWND_LOSS_PROBE, before);
        }
    }
}
