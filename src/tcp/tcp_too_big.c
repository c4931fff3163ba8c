/* SPDX-License-Identifier: MIT
 *
 * "Too big": a router says how large packets may be (RFC 1191, RFC 8201). What it says is judged,
 * for anyone may say it (RFC 5927 7.2); then path_mtu is lowered, and what was dropped goes again
 * at once, cut to fit, with no change of cwnd. DEVIATION: RFC 1191 6.4 and RFC 8201 5.4 would have
 * one segment leave until ACKs return, as in slow start; as in Linux all goes that cwnd allows.
 *
 * A sender that is told of one size after the other sends the same bytes again each time. A path
 * has a few narrow places, a forger has a thousand. So what goes again for a message is owed, and
 * bytes that are acknowledged pay for it: TOO_BIG_FLIGHTS times what is in flight may be owed. That
 * is as many as there are sizes in RFC 1191 7.1's table, from the largest link to the least path.
 * Beyond it a message waits until a timeout confirms it.
 */
#include "tcp_fast_open.h"
#include "tcp_internal.h"

#define IPV6_MINIMUM_MTU 1280u
#define TOO_BIG_FLIGHTS 8u

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

static uint32_t least_mtu(const struct tcp_conn *conn, const struct tcp_host *host)
{
    return conn->tuple.family == HF_IPV6 ? IPV6_MINIMUM_MTU : host->config->min_path_mtu;
}

/* Only a SYN is in flight, or a SYN-ACK. */
static bool opening(const struct tcp_conn *conn)
{
    return conn->state == HF_SYN_SENT ||
           (seq_eq(conn->snd.una, conn->iss) && !conn->fast_open_child);
}

/* RFC 5927 7.2's maxsizesent, for the segment that is quoted: can it have been larger than that?
 * Options are counted as if there were as many as there can be. While opening nothing is known of
 * it, for data on a SYN leaves no record. */
static bool may_have_been_larger(const struct tcp_conn *conn, seq32 quoted_seq, uint32_t mtu)
{
    uint32_t headers = conn->tuple.family == HF_IPV4 ? 20 : 40;
    uint32_t length = tcp_flight(conn);
    if (opening(conn)) {
        return true;
    }
    if (conn->sent != NULL) {
        uint32_t id = tcp_sent_find(conn->sent, seq_add(quoted_seq, 1));
        length = id != conn->sent->first ? tcp_sent_at(conn->sent, id - 1)->length : length;
    }
    return headers + TCP_HEADER_BYTES + TCP_OPTIONS_MAX_BYTES + length > mtu;
}

/* RFC 8201 5.2: whose packet was dropped is told so though another connection to that host has been
 * told first, and it may send it again; once for what left before that. */
static bool left_before_shared(const struct tcp_conn *conn, seq32 quoted_seq)
{
    return conn->sender != NULL && conn->sender->mtu_shared &&
           seq_lt(quoted_seq, conn->sender->mtu_shared_end);
}

/* Is the message to be believed, and about which size? HF_REASON_ICMP_TOO_BIG: yes.
 * Keeps RFC1191-3-b, RFC8201-4-b, RFC8201-4-c, RFC1191-5-a, RFC5927-7.2-a, RFC8201-4-e,
 * RFC1191-3-e, RFC8899-3-b, RFC8899-4.6.2-a, RFC5927-7.2-c, RFC8201-4-f, RFC8201-5.2-b. */
static enum hf_reason judge_too_big(const struct tcp_conn *conn, const struct tcp_host *host,
                                    seq32 quoted_seq, uint32_t *mtu, uint32_t quoted_bytes)
{
    bool ipv6 = conn->tuple.family == HF_IPV6;
    uint32_t least = least_mtu(conn, host);
    uint32_t size;
    bool lowers;
    if (!tcp_icmp_in_flight(conn, quoted_seq)) {
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
    size = max_u32(*mtu, least);
    lowers = size < conn->path_mtu &&
             (conn->state == HF_SYN_SENT || tcp_mss_of_mtu(conn, size) < conn->peer_mss);
    if (!lowers && (*mtu >= least || conn->path_mtu_locked) &&
        !left_before_shared(conn, quoted_seq)) {
        return HF_REASON_ICMP_TOO_BIG_IGNORED;
    }
    return may_have_been_larger(conn, quoted_seq, *mtu) ? HF_REASON_ICMP_TOO_BIG
                                                        : HF_REASON_ICMP_TOO_BIG_SIZE;
}

/* RFC 1191 3: what cannot be made small enough may be fragmented. (On a link that takes no more
 * itself that stays so for the connection: path_mtu is not below the link's, and so not forgotten.)
 */
static void let_it_be_fragmented(struct tcp_conn *conn, const struct tcp_host *host, uint32_t mtu)
{
    if (conn->path_mtu_locked || mtu >= least_mtu(conn, host)) {
        return;
    }
    conn->path_mtu_locked = true;
    if (tcp_may_fragment(conn)) {
        tcp_trace(conn, host, HF_TRACE_RECOVERY, HF_REASON_PATH_MTU_FRAGMENTS, (hf_time)mtu);
    } else {
        conn->soft_error = HF_EMSGSIZE; /* what it ends with, if it does (as in Linux) */
    }
}

static uint32_t waiting_bytes(const struct tcp_conn *conn)
{
    return conn->sent != NULL ? conn->sent->lost_bytes - conn->sent->repeat_out_bytes : 0;
}

/* RFC 1191 6, RFC 8201 4: a smaller MTU, and what was too big goes again. */
static enum hf_reason lower_path_mtu(struct tcp_conn *conn, struct tcp_host *host, uint32_t mtu)
{
    uint16_t before = conn->path_mtu;
    uint32_t mss = tcp_effective_mss(conn);
    uint32_t waiting = waiting_bytes(conn);
    bool shared = conn->sender != NULL && conn->sender->mtu_shared;
    conn->path_mtu = (uint16_t)min_u32(before, max_u32(mtu, least_mtu(conn, host)));
    if (!tcp_mtu_cut(conn, host, true)) {
        conn->path_mtu = before; /* the next message finds memory, or the one after it */
        return HF_REASON_MEMORY_LIMIT;
    }
    conn->path_mtu_lowered = host->now;
    conn->search.high = (uint16_t)min_u32(conn->search.high, conn->path_mtu);
    conn->search.arrived = (uint16_t)min_u32(conn->search.arrived, conn->path_mtu);
    conn->search.held = 0;
    host->counters->path_mtus_lowered++;
    tcp_mtu_probe_refused(conn, host);
    let_it_be_fragmented(conn, host, mtu);
    tcp_mtu_shrink_first_window(conn, host, mss);
    if (conn->sender != NULL) {
        conn->sender->mtu_shared = false;
    }
    if (opening(conn)) {
        tcp_fast_open_too_big(conn);
    } else if (conn->sent != NULL ? waiting_bytes(conn) > waiting
                                  : tcp_effective_mss(conn) < mss || shared) {
        tcp_mtu_resend(conn, conn->snd.nxt);
    }
    return HF_REASON_ICMP_TOO_BIG;
}

/* See the head of this file. And each message has all records cut: transmissions pay for that, too.
 * Keeps RFC1191-6.4-d, RFC8201-5.4-c. */
static bool may_resend(struct tcp_conn *conn)
{
    struct tcp_sender *sender = conn->sender;
    uint32_t flight = tcp_flight(conn);
    uint32_t paid;
    if (sender == NULL) {
        return true; /* nothing but a SYN */
    }
    paid = conn->snd.una.value - sender->resent_una.value;
    sender->resent_bytes -= min_u32(paid, sender->resent_bytes);
    sender->resent_una = conn->snd.una;
    if (sender->resent_bytes > (TOO_BIG_FLIGHTS - 1) * (uint64_t)flight ||
        (conn->sent != NULL && !tcp_sent_pay(conn->sent, conn->sent->count))) {
        return false;
    }
    sender->resent_bytes += min_u32(flight, UINT32_MAX - sender->resent_bytes);
    return true;
}

static enum hf_reason hold(struct tcp_conn *conn, seq32 quoted_seq, uint32_t mtu,
                           enum hf_reason reason)
{
    conn->search.held = (uint16_t)mtu;
    conn->search.held_seq = quoted_seq;
    return reason;
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
        return hold(conn, quoted_seq, mtu, HF_REASON_ICMP_TOO_BIG_HELD);
    }
    if (!may_resend(conn)) {
        return hold(conn, quoted_seq, mtu, HF_REASON_ICMP_TOO_BIG_OFTEN);
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
