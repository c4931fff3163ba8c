/* SPDX-License-Identifier: MIT
 *
 * ICMP news about a segment of ours (RFC 9293 3.9.2.2). Anyone can forge it, so it counts only if
 * it quotes a number that is in flight (RFC 5927 4.1). A synchronized connection is never ended: a
 * hard error is taken as soft there (RFC 5927 5.2; DEVIATION from SHLD-26, as in Linux).
 *
 * DEVIATION: MUST-56 says that a soft error must not end a connection. As in Linux it ends an
 * active opening in SYN-SENT, where nothing would be lost and a program with other addresses to try
 * need not wait for minutes. What ends a passive one in SYN-RECEIVED is a hard error.
 */
#include "tcp_internal.h"

/* Keeps RFC5927-4.1-a. */
bool tcp_icmp_in_flight(const struct tcp_conn *conn, seq32 seq)
{
    return seq_le(conn->snd.una, seq) && seq_lt(seq, conn->snd.nxt);
}

/* Keeps SHLD-25, SHLD-26, RFC5927-5.2-a. */
enum hf_reason tcp_icmp_error(struct tcp_conn *conn, struct tcp_host *host, seq32 quoted_seq,
                              bool hard, int error)
{
    if (!tcp_icmp_in_flight(conn, quoted_seq)) {
        return HF_REASON_ICMP_SEQUENCE;
    }
    /* What a program has accepted by Fast Open is as good as synchronized. */
    if (conn->state == HF_SYN_SENT || (hard && !conn->accepted && conn->state == HF_SYN_RECEIVED)) {
        enum hf_reason reason = hard ? HF_REASON_ICMP_HARD : HF_REASON_ICMP_SOFT_OPENING;
        tcp_finish(conn, host, error, reason);
        return reason;
    }
    conn->soft_error = error;
    tcp_trace(conn, host, HF_TRACE_ERROR, HF_REASON_ICMP_SOFT, error);
    if (conn->soft_errors) {
        conn->told_soft_error = error;
        tcp_tell(conn, HF_EVENT_SOFT_ERROR);
    }
    return HF_REASON_ICMP_SOFT;
}

/* Why such a message takes no doubling back, or HF_REASON_NONE. */
static enum hf_reason backoff_kept(const struct tcp_conn *conn, seq32 quoted_seq, bool path_broken)
{
    if (!path_broken) {
        return HF_REASON_BACKOFF_KEPT_CODE;
    }
    if (conn->recovery != TCP_RECOVERY_TIMEOUT || conn->backoff == 0) {
        return HF_REASON_BACKOFF_KEPT_NO_TIMEOUT;
    }
    if (!seq_eq(quoted_seq, conn->snd.una)) {
        return HF_REASON_BACKOFF_KEPT_SEGMENT;
    }
    return conn->snd.wnd == 0 ? HF_REASON_BACKOFF_KEPT_WINDOW : HF_REASON_NONE;
}

/* RFC 6069 4: while the timer runs out again and again, such a message about the segment that it
 * sends again shows that the path is broken and not congested. So the last doubling is taken back,
 * once for each message, and what is left of the shorter RTO is waited for.
 * Keeps RFC6069-4-a, RFC6069-4-b, RFC6069-4-c, RFC6069-4-d. */
void tcp_icmp_unreachable(struct tcp_conn *conn, struct tcp_host *host, seq32 quoted_seq,
                          bool path_broken)
{
    enum hf_reason kept = backoff_kept(conn, quoted_seq, path_broken);
    hf_time deadline;
    if (kept != HF_REASON_NONE) {
        if (tcp_icmp_in_flight(conn, quoted_seq)) { /* else the message is told to be no news */
            tcp_trace(conn, host, HF_TRACE_RECOVERY, kept, quoted_seq.value);
        }
        return;
    }
    conn->backoff--;
    conn->backoff_reverted = true;
    deadline = conn->last_sent + tcp_backed_off_rto(conn, host);
    deadline = deadline > host->now ? deadline : host->now;
    if (deadline < conn->deadlines[TCP_TIMER_RETRANSMIT]) {
        conn->deadlines[TCP_TIMER_RETRANSMIT] = deadline;
    }
    tcp_trace(conn, host, HF_TRACE_RECOVERY, HF_REASON_BACKOFF_REVERTED, conn->snd.una.value);
}
