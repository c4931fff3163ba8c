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

#define IPV4_MINIMUM_MTU 552u /* Linux's min_pmtu: smaller is likelier an attack than a path */
#define IPV6_MINIMUM_MTU 1280u

/* Keeps RFC5927-4.1-a. */
static bool in_flight(const struct tcp_conn *conn, seq32 seq)
{
    return seq_le(conn->snd.una, seq) && seq_lt(seq, conn->snd.nxt);
}

/* Keeps SHLD-25, SHLD-26, RFC5927-5.2-a. */
enum hf_reason tcp_icmp_error(struct tcp_conn *conn, struct tcp_host *host, seq32 quoted_seq,
                              bool hard, int error)
{
    if (!in_flight(conn, quoted_seq)) {
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

/* RFC 6069 4: while the timer runs out again and again, such a message about the segment that it
 * sends again shows that the path is broken and not congested. So the last doubling is taken back,
 * once for each message, and what is left of the shorter RTO is waited for. */
void tcp_icmp_unreachable(struct tcp_conn *conn, struct tcp_host *host, seq32 quoted_seq)
{
    hf_time deadline;
    if (conn->recovery != TCP_RECOVERY_TIMEOUT || conn->backoff == 0 ||
        !seq_eq(quoted_seq, conn->snd.una) || conn->snd.wnd == 0) {
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

/* HF_OPTION_PATH_MTU_DISCOVERY. */
static bool too_big_believed(const struct tcp_conn *conn)
{
    switch ((enum hf_path_mtu_discovery)conn->path_mtu_discovery) {
    case HF_PATH_MTU_WANT:
    case HF_PATH_MTU_DO:
    case HF_PATH_MTU_PROBE:
        return true;
    case HF_PATH_MTU_DONT: /* which IPv6 does not have: nobody but the sender can fragment */
        return conn->tuple.family == HF_IPV6;
    case HF_PATH_MTU_INTERFACE:
    case HF_PATH_MTU_OMIT:
        break;
    }
    return false;
}

bool tcp_may_fragment(const struct tcp_conn *conn)
{
    switch ((enum hf_path_mtu_discovery)conn->path_mtu_discovery) {
    case HF_PATH_MTU_DO:
        return false;
    case HF_PATH_MTU_WANT:
        return conn->path_mtu_locked;
    case HF_PATH_MTU_DONT:
    case HF_PATH_MTU_PROBE:
    case HF_PATH_MTU_INTERFACE:
    case HF_PATH_MTU_OMIT:
        break;
    }
    return true;
}

/* RFC 1191 6, RFC 8201 4: a smaller MTU, and what was too big goes again at once, cut to fit, with
 * no change of cwnd. RFC 5927 7.2: never more than what is in use now.
 * Keeps RFC5927-7.2-a, RFC1191-3-a, RFC1191-3-b, RFC1191-3-c, RFC1191-6.4-a, RFC8201-4-a,
 * RFC8201-4-b, RFC8201-4-c, RFC1191-5-a. */
enum hf_reason tcp_icmp_too_big(struct tcp_conn *conn, const struct tcp_host *host,
                                seq32 quoted_seq, uint32_t mtu)
{
    uint32_t minimum = conn->tuple.family == HF_IPV4 ? IPV4_MINIMUM_MTU : IPV6_MINIMUM_MTU;
    uint16_t before;
    bool locked;
    if (!in_flight(conn, quoted_seq)) {
        return HF_REASON_ICMP_SEQUENCE;
    }
    if (mtu < minimum && conn->tuple.family == HF_IPV6) {
        return HF_REASON_ICMP_TOO_BIG_IGNORED; /* RFC8201-4-e: every link takes 1280 */
    }
    locked = mtu < minimum;
    mtu = max_u32(mtu, minimum);
    if (!too_big_believed(conn) || mtu >= conn->path_mtu ||
        tcp_mss_of_mtu(conn, mtu) >= conn->peer_mss) {
        return HF_REASON_ICMP_TOO_BIG_IGNORED;
    }
    before = conn->path_mtu;
    conn->path_mtu = (uint16_t)mtu;
    if (conn->sent != NULL && !tcp_sent_recut(&conn->sent, host->memory, tcp_effective_mss(conn))) {
        conn->path_mtu = before; /* the next message finds memory, or the one after it */
        return HF_REASON_MEMORY_LIMIT;
    }
    conn->path_mtu_lowered = host->now;
    conn->path_mtu_locked = locked; /* RFC 1191 3: what is still too big may be fragmented */
    if (conn->state == HF_SYN_SENT || conn->state == HF_SYN_RECEIVED ||
        seq_eq(conn->snd.una, conn->iss)) {
        return HF_REASON_ICMP_TOO_BIG;
    }
    conn->snd.retransmit_next = conn->snd.una;
    conn->retransmit_reason = HF_REASON_RETRANSMIT_MTU;
    conn->intents |= TCP_INTENT_RETRANSMIT;
    if (conn->recovery != TCP_RECOVERY_FAST) {
        /* All that is in flight is too big for the path: it goes again in order. */
        conn->recovery = TCP_RECOVERY_TIMEOUT;
    }
    if (conn->recovery != TCP_RECOVERY_FAST || conn->sent != NULL) {
        conn->snd.recover = conn->snd.nxt; /* all of it: leaving earlier would reduce cwnd twice */
    }
    conn->rtt_timing = false;
    return HF_REASON_ICMP_TOO_BIG;
}
