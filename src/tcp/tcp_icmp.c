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
 * once for each message, and what is left of the shorter RTO is waited for.
 * Keeps RFC6069-4-a, RFC6069-4-b, RFC6069-4-c, RFC6069-4-d. */
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

bool tcp_too_big_believed(const struct tcp_conn *conn)
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

/* RFC 1191 7.1: sizes that links have. A router that names none gets the next one below the packet
 * that it dropped; the length that it quotes may be wrong (5), but that packet was no larger than
 * what is in use. */
static uint32_t plateau_below(uint32_t size)
{
    static const uint16_t plateaus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296};
    for (unsigned i = 0; i < sizeof plateaus / sizeof plateaus[0]; i++) {
        if (plateaus[i] < size) {
            return plateaus[i];
        }
    }
    return 68;
}

/* Is the message to be believed, and about which size? HF_REASON_ICMP_TOO_BIG: yes.
 * Keeps RFC1191-3-b, RFC8201-4-b, RFC8201-4-c, RFC1191-5-a, RFC5927-7.2-a, RFC8201-4-e,
 * RFC1191-3-e, RFC8899-3-b, RFC8899-4.6.2-a. */
static enum hf_reason judge_too_big(const struct tcp_conn *conn, const struct tcp_host *host,
                                    seq32 quoted_seq, uint32_t *mtu, uint32_t quoted_bytes)
{
    bool ipv6 = conn->tuple.family == HF_IPV6;
    uint32_t least = ipv6 ? IPV6_MINIMUM_MTU : host->config->min_path_mtu;
    if (!in_flight(conn, quoted_seq)) {
        return HF_REASON_ICMP_SEQUENCE;
    }
    if (!tcp_too_big_believed(conn)) {
        return HF_REASON_ICMP_TOO_BIG_UNWANTED;
    }
    if (ipv6 && *mtu < least) {
        return HF_REASON_ICMP_TOO_BIG_MINIMUM; /* every link takes 1280 */
    }
    if (*mtu == 0) {
        *mtu = plateau_below(min_u32(quoted_bytes, conn->path_mtu));
    }
    if (max_u32(*mtu, least) >= conn->path_mtu ||
        tcp_mss_of_mtu(conn, max_u32(*mtu, least)) >= conn->peer_mss) {
        return HF_REASON_ICMP_TOO_BIG_IGNORED;
    }
    return HF_REASON_ICMP_TOO_BIG;
}

/* RFC 1191 6, RFC 8201 4: a smaller MTU, and what was too big goes again at once, cut to fit, with
 * no change of cwnd. */
static enum hf_reason lower_path_mtu(struct tcp_conn *conn, struct tcp_host *host, uint32_t mtu)
{
    uint16_t before = conn->path_mtu;
    uint32_t least = conn->tuple.family == HF_IPV6 ? IPV6_MINIMUM_MTU : host->config->min_path_mtu;
    uint32_t lost = conn->sent != NULL ? conn->sent->lost_bytes - conn->sent->repeat_out_bytes : 0;
    conn->path_mtu = (uint16_t)max_u32(mtu, least);
    if (!tcp_mtu_cut(conn, host, true)) {
        conn->path_mtu = before; /* the next message finds memory, or the one after it */
        return HF_REASON_MEMORY_LIMIT;
    }
    conn->path_mtu_lowered = host->now;
    conn->path_mtu_locked = mtu < least; /* RFC 1191 3: what is still too big may be fragmented */
    conn->search.high = (uint16_t)min_u32(conn->search.high, conn->path_mtu);
    conn->search.arrived = (uint16_t)min_u32(conn->search.arrived, conn->path_mtu);
    conn->search.held = 0;
    host->counters->path_mtus_lowered++;
    if (conn->path_mtu_locked && !tcp_may_fragment(conn)) {
        conn->soft_error = HF_EMSGSIZE; /* what it ends with, if it does (as in Linux) */
    }
    if (conn->state == HF_SYN_SENT || conn->state == HF_SYN_RECEIVED ||
        seq_eq(conn->snd.una, conn->iss)) {
        return HF_REASON_ICMP_TOO_BIG;
    }
    if (conn->sent == NULL || conn->sent->lost_bytes - conn->sent->repeat_out_bytes > lost) {
        tcp_mtu_resend(conn, conn->snd.nxt);
    }
    return HF_REASON_ICMP_TOO_BIG;
}

/* Keeps RFC1191-3-a, RFC1191-3-c, RFC1191-6.4-a, RFC8201-4-a, RFC5927-7.2-b,
 * RFC8899-4.6.1-a. */
enum hf_reason tcp_icmp_too_big(struct tcp_conn *conn, struct tcp_host *host, seq32 quoted_seq,
                                uint32_t mtu, uint32_t quoted_bytes)
{
    enum hf_reason reason = judge_too_big(conn, host, quoted_seq, &mtu, quoted_bytes);
    if (reason != HF_REASON_ICMP_TOO_BIG) {
        host->counters->too_big_refused++;
        return reason;
    }
    if (host->config->hold_too_big && mtu < conn->search.arrived) {
        /* RFC 5927 7.2: larger packets have arrived. The path may have changed; if it has, a
         * timeout will say so, too. */
        conn->search.held = (uint16_t)mtu;
        conn->search.held_seq = quoted_seq;
        return HF_REASON_ICMP_TOO_BIG_HELD;
    }
    if (conn->sent != NULL && !tcp_sent_pay(conn->sent, conn->sent->count)) {
        /* Each message has all records cut. One after the other with nothing sent between them is
         * no path's doing: a timeout has to confirm it, too. */
        conn->search.held = (uint16_t)mtu;
        conn->search.held_seq = quoted_seq;
        return HF_REASON_ICMP_TOO_BIG_HELD;
    }
    return lower_path_mtu(conn, host, mtu);
}

void tcp_too_big_confirmed(struct tcp_conn *conn, struct tcp_host *host)
{
    uint16_t before = conn->path_mtu;
    if (conn->search.held != 0 &&
        lower_path_mtu(conn, host, conn->search.held) == HF_REASON_ICMP_TOO_BIG) {
        tcp_trace(conn, host, HF_TRACE_RECOVERY, HF_REASON_PATH_MTU_CONFIRMED, before);
    }
}
