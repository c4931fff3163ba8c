/* SPDX-License-Identifier: MIT
 *
 * F-RTO (RFC 5682): was the timeout spurious? After it the first segment is sent again, as always.
 * Then its ACK comes; and instead of sending the second one again, two new segments leave. If the
 * next ACK covers what was sent only once, before the timeout, then that was never lost: the path
 * was slow, not lossy. If it is a duplicate, the loss was real and the rest is sent again.
 *
 * With SACK (3.1) any delivery of what was sent only once says so, even with the first ACK; without
 * (2.1) only the second ACK can, for the first may jump over what the receiver held out of order.
 *
 * DEVIATION: 3.1 too waits for the second ACK. As in Linux the first one is enough where it
 * delivers an original: what the receiver held would have been SACKed before. Where timestamps say
 * that the ACK was sent for the repetition, it is not enough.
 */
#include "tcp_internal.h"

/* 2.1 step 1: not while an earlier recovery is going on, unless that is this timer's own.
 * Keeps RFC5682-2.1-a. */
void tcp_frto_begin(struct tcp_conn *conn, const struct tcp_host *host)
{
    bool outstanding =
        conn->recovery != TCP_RECOVERY_NONE && seq_lt(conn->snd.una, conn->snd.recover);
    conn->frto = TCP_FRTO_OFF;
    if (host->config->frto && (!outstanding || !tcp_first_timeout(conn))) {
        conn->frto = TCP_FRTO_FIRST;
    } else if (host->config->frto) {
        tcp_trace(conn, host, HF_TRACE_RECOVERY, HF_REASON_FRTO_BARRED, conn->snd.una.value);
    }
}

static bool answers_repetition(const struct tcp_conn *conn, const struct tcp_segment *segment)
{
    return conn->timestamps && segment->options.has_timestamps && conn->undo.stamped &&
           (int32_t)(segment->options.ts_echo - conn->undo.stamp) >= 0;
}

/* Did the ACK deliver what was sent only once?
 * Keeps RFC5682-2.1-e, RFC5682-3.1-a. */
static bool original_arrived(const struct tcp_conn *conn, const struct tcp_segment *segment,
                             const struct tcp_ack_news *news)
{
    bool second = conn->frto == TCP_FRTO_SECOND;
    if (!conn->sack) {
        return second && news->progress; /* all before has been acknowledged */
    }
    return news->original && (second || !answers_repetition(conn, segment));
}

/* 2.1 step 2a: the ACK leaves over a part of what went again, and so says nothing of the rest. With
 * SACK, 3.1 step 2, it is as good as any (Linux). Keeps RFC5682-2.1-f. */
static bool leaves_a_part(const struct tcp_conn *conn)
{
    return !conn->sack && seq_lt(conn->snd.una, conn->snd.retransmit_next);
}

static void give_up(struct tcp_conn *conn, struct tcp_host *host, enum hf_reason reason)
{
    conn->frto = TCP_FRTO_OFF;
    tcp_trace(conn, host, HF_TRACE_RECOVERY, reason, conn->snd.una.value);
}

void tcp_frto_nothing_new(struct tcp_conn *conn, struct tcp_host *host)
{
    give_up(conn, host, HF_REASON_FRTO_UNDECIDED);
}

/* 2.1 step 2b, where there is something new and the window takes it.
 * Keeps RFC5682-2.1-c. */
static void ask_new_data(struct tcp_conn *conn, struct tcp_host *host)
{
    if (tcp_unsent_bytes(conn) == 0 || tcp_flight(conn) >= conn->snd.wnd) {
        tcp_frto_nothing_new(conn, host);
        return;
    }
    conn->frto = TCP_FRTO_NEW;
    conn->snd.recover = conn->snd.nxt;
    tcp_trace(conn, host, HF_TRACE_RECOVERY, HF_REASON_FRTO_NEW_DATA, conn->snd.nxt.value);
}

/* Step 3a: "no more than 3*MSS". Keeps RFC5682-2.1-d. */
static void lower_cwnd(struct tcp_conn *conn, struct tcp_host *host)
{
    uint32_t before = conn->congestion.cwnd_bytes;
    uint32_t most = 3 * tcp_effective_mss(conn);
    if (before > most) {
        conn->congestion.cwnd_bytes = most;
        tcp_trace(conn, host, HF_TRACE_CWND, HF_REASON_CWND_FRTO, before);
    }
}

/* Keeps RFC5682-2.1-b. */
bool tcp_frto_on_ack(struct tcp_conn *conn, struct tcp_host *host,
                     const struct tcp_segment *segment, const struct tcp_ack_news *news)
{
    enum hf_reason reason = news->progress ? tcp_undo_reason(conn, segment) : HF_REASON_NONE;
    bool new_data_out = seq_gt(conn->snd.nxt, conn->snd.recover);
    if (reason != HF_REASON_NONE) {
        tcp_undo(conn, host, reason, true);
        return true;
    }
    if (conn->frto == TCP_FRTO_NEW && new_data_out) {
        conn->frto = TCP_FRTO_SECOND;
    } else if (conn->frto == TCP_FRTO_NEW) {
        tcp_frto_nothing_new(conn, host);
    }
    if (conn->frto == TCP_FRTO_OFF || !conn->undo.possible) {
        return false;
    }
    if (original_arrived(conn, segment, news)) {
        tcp_undo(conn, host, HF_REASON_UNDO_FRTO, true);
        return true;
    }
    if (conn->frto == TCP_FRTO_SECOND) {
        if (news->sacked_bytes > 0 || news->duplicate) {
            give_up(conn, host, HF_REASON_FRTO_LOSS);
            lower_cwnd(conn, host);
        }
    } else if (news->progress && seq_lt(conn->snd.una, conn->snd.recover) && !leaves_a_part(conn)) {
        ask_new_data(conn, host);
    } else if (news->progress || (!conn->sack && news->duplicate)) {
        give_up(conn, host, HF_REASON_FRTO_LOSS); /* step 2a */
    }
    return false;
}
