/* SPDX-License-Identifier: MIT
 *
 * A reduction of cwnd that proves needless is taken back.
 *
 * Nothing was lost, the path only delayed or reordered; but the sender took it for loss, sent again
 * and slowed down. Three things can show it afterwards: the echoed timestamp of an ACK that is
 * older than the first repetition (Eifel, RFC 3522); DSACKs for all that was sent again (RFC 3708);
 * and after a timeout, what F-RTO finds (tcp_frto.c). Then cwnd and ssthresh become what they were
 * (RFC 4015).
 *
 * DEVIATION: RFC 4015 3.2 step 5 sets cwnd to FlightSize + min(bytes_acked, IW) against bursts. As
 * Linux does, all of cwnd is given back: what it allowed before is mostly still in flight.
 */
#include "tcp_internal.h"

/* Repetitions of before, whose ACKs are still to come: their echoes are older than what will be
 * sent again from now on, and say nothing about it. */
static bool repetitions_out(const struct tcp_conn *conn)
{
    struct tcp_sent *sent = conn->sent;
    return sent != NULL && sent->count > 0 &&
           (sent->repeat_out_count > 0 ||
            (tcp_sent_at(sent, sent->first)->flags & TCP_SENT_REPEATED) != 0);
}

void tcp_undo_begin(struct tcp_conn *conn)
{
    bool probe = conn->rack.probe_out && conn->rack.probe_repeats;
    bool earlier = repetitions_out(conn);
    struct tcp_undo before = conn->undo;
    uint32_t out = earlier ? conn->sent->repeat_out_count : 0;
    conn->congestion.prior_cwnd_bytes = conn->congestion.cwnd_bytes;
    conn->congestion.prior_ssthresh_bytes = conn->congestion.ssthresh_bytes;
    tcp_ecn_undo_begin(conn);
    /* What is out is a repetition whose DSACK may still come, a probe too; and the first of them
     * left when `stamp` says. */
    conn->undo = (struct tcp_undo){.marker = conn->snd.una,
                                   .possible = true,
                                   .retransmits = probe + out,
                                   .repeated = probe || out > 0,
                                   .stamped = earlier && before.stamped,
                                   .stamp = before.stamp};
}

/* Keeps RFC3522-3.2-a. */
void tcp_undo_on_repeat(struct tcp_conn *conn, uint32_t stamp)
{
    struct tcp_undo *undo = &conn->undo;
    if (!undo->stamped) {
        undo->stamped = true; /* RFC 3522 3.2 step 2: RetransmitTS */
        undo->stamp = stamp;
    }
    if (!undo->possible) {
        return;
    }
    undo->repeated = true;
    undo->retransmits++;
}

/* RFC 3522 3.2 step 4; an echo of 0 says that nothing was there to be echoed.
 * Keeps RFC3522-3.2-b. */
bool tcp_undo_by_timestamp(const struct tcp_conn *conn, const struct tcp_segment *segment)
{
    const struct tcp_options *options = &segment->options;
    return conn->undo.possible && conn->undo.stamped && conn->timestamps &&
           options->has_timestamps && options->ts_echo != 0 &&
           (int32_t)(options->ts_echo - conn->undo.stamp) < 0;
}

/* Keeps RFC3708-3-a. */
bool tcp_undo_by_dsack(const struct tcp_conn *conn)
{
    return conn->undo.possible && conn->undo.repeated && conn->undo.retransmits == 0;
}

enum hf_reason tcp_undo_reason(const struct tcp_conn *conn, const struct tcp_segment *segment)
{
    if (tcp_undo_by_timestamp(conn, segment)) {
        return HF_REASON_UNDO_TIMESTAMP;
    }
    return tcp_undo_by_dsack(conn) ? HF_REASON_UNDO_DSACK : HF_REASON_NONE;
}

/* RFC 4015 3.2 step 6: the round trip that the timer did not wait for is taken at its full length,
 * so that the next one like it does not run into the timer again.
 * Keeps RFC4015-3.2-c. */
static void adapt_timer(struct tcp_conn *conn, const struct tcp_host *host)
{
    hf_time rto;
    if (!conn->rtt_measured || conn->rack.rtt_us <= conn->srtt_us) {
        return;
    }
    conn->rttvar_us = max_u32(conn->rttvar_us, conn->rack.rtt_us / 2);
    conn->srtt_us = conn->rack.rtt_us;
    rto = 4 * (hf_time)conn->rttvar_us * HF_MICROSECOND;
    rto = rto > host->config->min_rto_ns ? rto : host->config->min_rto_ns;
    rto += conn->srtt_us * HF_MICROSECOND;
    rto = rto < host->config->max_rto_ns ? rto : host->config->max_rto_ns;
    conn->rto_us = (uint32_t)(rto / HF_MICROSECOND);
}

static void count(struct tcp_host *host, enum hf_reason reason)
{
    if (reason == HF_REASON_UNDO_TIMESTAMP) {
        host->counters->undos_by_timestamp++;
    } else if (reason == HF_REASON_UNDO_DSACK) {
        host->counters->undos_by_dsack++;
    } else {
        host->counters->undos_by_frto++;
    }
}

/* What was sent again, and had only been overtaken, shows reordering just as what is still waiting
 * its turn does (RFC 8985 6.2 step 3). Without this a path on which every hole is taken for a loss
 * at once would never be found out: the repetition hides the original. And it shows how far: from
 * the hole that began it to the highest octet that has arrived, as Linux has it. */
static void learn_reordering(struct tcp_conn *conn, struct tcp_host *host)
{
    if (!conn->sack || conn->recovery != TCP_RECOVERY_FAST || conn->rack.reordering_seen) {
        return;
    }
    conn->rack.reordering_seen = true;
    conn->reorderings++;
    if (seq_gt(conn->snd.una, conn->undo.marker)) {
        tcp_reordering_seen(conn, conn->undo.marker);
    }
    tcp_trace(conn, host, HF_TRACE_RECOVERY, HF_REASON_REORDERING_SEEN, conn->snd.una.value);
}

/* Each record that was taken as lost is looked at, and will be again when it is lost the next time;
 * after a timeout that is all of them. A peer that has us do so more often than we send lies. */
static bool affordable(struct tcp_conn *conn)
{
    struct tcp_sent *sent = conn->sent;
    bool all = conn->recovery == TCP_RECOVERY_TIMEOUT || sent->edge.on;
    return tcp_sent_pay(sent, all ? sent->count : sent->lost_count);
}

static void refuse(struct tcp_conn *conn, struct tcp_host *host)
{
    conn->undo.possible = false;
    conn->frto = TCP_FRTO_OFF;
    tcp_trace(conn, host, HF_TRACE_RECOVERY, HF_REASON_UNDO_REFUSED, conn->snd.una.value);
}

/* RFC 9438 4.9.2: where the news comes so late that cwnd has grown beyond what it was, what has
 * been found since stays; ssthresh from before would begin slow start once more. Keeps
 * RFC9438-4.9-b. */
static void give_back(struct tcp_conn *conn, const struct hf_cc_sample *sample)
{
    struct hf_cc_state *state = &conn->congestion;
    if (state->cwnd_bytes > state->prior_cwnd_bytes && !conn->cc->governs_recovery) {
        return;
    }
    state->cwnd_bytes = max_u32(state->cwnd_bytes, state->prior_cwnd_bytes);
    state->ssthresh_bytes = max_u32(state->ssthresh_bytes, state->prior_ssthresh_bytes);
    if (conn->cc->on_undo != NULL) {
        conn->cc->on_undo(state, sample);
        tcp_cc_bound(conn, sample->mss_bytes);
    }
}

/* Keeps RFC4015-3.2-a, RFC5682-2.1-g. */
void tcp_undo(struct tcp_conn *conn, struct tcp_host *host, enum hf_reason reason, bool none_lost)
{
    struct hf_cc_sample sample = tcp_cc_sample(conn, host, 0);
    uint32_t before = tcp_cwnd_bytes(conn);
    bool timeout = conn->recovery == TCP_RECOVERY_TIMEOUT;
    if (none_lost && conn->sent != NULL) {
        if (!affordable(conn)) {
            refuse(conn, host);
            return;
        }
        tcp_sent_unmark_lost(conn->sent);
    }
    learn_reordering(conn, host);
    give_back(conn, &sample);
    tcp_ecn_undone(conn, host);
    conn->undo.possible = false;
    /* RFC 5682 2.1 step 3b: so that the next three duplicate ACKs count (RFC 6582 3.2 step 2). */
    conn->snd.recover = seq_sub(conn->snd.una, 1);
    conn->recovery = TCP_RECOVERY_NONE;
    conn->frto = TCP_FRTO_OFF;
    conn->after_timeout = false;
    conn->left_bytes = 0;
    conn->duplicate_acks = 0;
    conn->intents &= (uint16_t)~TCP_INTENT_RETRANSMIT;
    conn->snd.retransmit_next = conn->snd.nxt;
    if (timeout) {
        adapt_timer(conn, host);
        conn->deadlines[TCP_TIMER_RETRANSMIT] = HF_TIME_NEVER;
        tcp_arm_retransmit(conn, host); /* by the new RTO */
    }
    conn->undos++;
    count(host, reason);
    tcp_trace(conn, host, HF_TRACE_CWND, reason, before);
}
