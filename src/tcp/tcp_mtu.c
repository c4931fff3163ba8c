/* SPDX-License-Identifier: MIT
 *
 * How large packets may be. Two things bound them besides what the peer takes:
 *
 * path_mtu: the link's MTU, until a router says that it needs smaller packets (tcp_too_big.c), or
 * another connection to the same host was told so. It is forgotten after a while, for paths change
 * (RFC 1191 6.3, RFC 8201 4).
 *
 * The search (RFC 4821, RFC 8899), for paths on which nobody says anything: what is larger than
 * `search.low` has to be tried with a probe, a segment of data that is larger than the others. If
 * it arrives, that size is in use from then on; if it alone is lost, the size is too large, which
 * is no sign of congestion. The next probe is of the size halfway between. The search begins when a
 * connection does (config.mtu_probing 2), or once repeated timeouts say that full-sized segments
 * disappear (1); those lower `search.low`, too, each time they go on.
 *
 * Sizes are of whole IP packets. Data that was sent in segments that are too large now is cut when
 * it is sent again, not before: it may have arrived.
 */
#include "tcp_internal.h"

/* Linux's conditions: the window is large enough that the probe is a small part of it. */
#define PROBE_WINDOW_SEGMENTS 11u
/* Linux's R1 in terms of time is that many doublings of this. */
#define SILENCE_UNIT (200 * HF_MILLISECOND)
#define MOST_SILENCE_DOUBLINGS 9u

static uint32_t headers_of(const struct tcp_conn *conn)
{
    return (conn->tuple.family == HF_IPV4 ? 20u : 40u) + TCP_HEADER_BYTES;
}

uint16_t tcp_mss_of_mtu(const struct tcp_conn *conn, uint32_t mtu)
{
    uint32_t headers = headers_of(conn);
    return (uint16_t)(mtu > headers ? min_u32(mtu - headers, UINT16_MAX) : 0);
}

/* The largest packet that this payload makes. */
static uint32_t mtu_of_payload(const struct tcp_conn *conn, uint32_t payload)
{
    return payload + headers_of(conn) + (conn->timestamps ? 12u : 0u);
}

/* What the peer takes and the path is known to take, before the search: where it ends. */
static uint16_t search_ceiling(const struct tcp_conn *conn)
{
    uint32_t mss = conn->peer_mss;
    if (conn->max_segment != 0) {
        mss = min_u32(mss, conn->max_segment);
    }
    return (uint16_t)min_u32(mss + headers_of(conn), conn->path_mtu);
}

/* ---- what was sent before is cut to fit */

bool tcp_mtu_cut(struct tcp_conn *conn, const struct tcp_host *host, bool lost)
{
    bool whole = conn->notes == NULL || conn->notes->boundaries == 0;
    return conn->sent == NULL ||
           tcp_sent_recut(&conn->sent, host->memory, tcp_effective_mss(conn), lost, whole);
}

/* Keeps RFC1191-6.4-b, RFC8201-5.4-a. */
void tcp_mtu_resend(struct tcp_conn *conn, seq32 recover)
{
    conn->snd.retransmit_next = conn->snd.una;
    conn->retransmit_reason = HF_REASON_RETRANSMIT_MTU;
    conn->intents |= TCP_INTENT_RETRANSMIT;
    conn->rtt_timing = false;
    if (conn->recovery != TCP_RECOVERY_FAST) {
        /* Sent again in order as cwnd allows, and cwnd stays as it is. */
        conn->recovery = TCP_RECOVERY_TIMEOUT;
    }
    if (conn->recovery != TCP_RECOVERY_FAST || conn->sent != NULL) {
        conn->snd.recover = recover;
    }
    conn->frto = TCP_FRTO_OFF;
    conn->undo.possible = false; /* nothing was reduced for it */
}

/* ---- path_mtu */

/* RFC 5681 3.1: the first window was so many segments, and is as many of the smaller ones. RFC 1191
 * 6.4, which leaves cwnd as it is, holds for those that have grown since.
 * Keeps RFC5681-3.1-g. */
void tcp_mtu_shrink_first_window(struct tcp_conn *conn, const struct tcp_host *host,
                                 uint32_t mss_before)
{
    uint32_t mss = tcp_effective_mss(conn);
    uint32_t before = conn->congestion.cwnd_bytes;
    if (mss >= mss_before || conn->state == HF_SYN_SENT || conn->recovery == TCP_RECOVERY_FAST ||
        seq_gt(conn->snd.una, seq_add(conn->iss, 1))) {
        return;
    }
    conn->congestion.cwnd_bytes = (uint32_t)((uint64_t)before * mss / mss_before);
    tcp_cc_bound(conn, mss);
    tcp_trace(conn, host, HF_TRACE_CWND, HF_REASON_CWND_MTU, before);
}

/* Keeps RFC1191-6.3-a, RFC1191-6.3-b, RFC8201-4-d. */
void tcp_mtu_forget_old(struct tcp_conn *conn, const struct tcp_host *host)
{
    if (conn->path_mtu < host->config->mtu &&
        host->now - conn->path_mtu_lowered >= host->config->path_mtu_lifetime_ns) {
        uint16_t before = conn->path_mtu;
        conn->path_mtu = (uint16_t)host->config->mtu;
        conn->path_mtu_locked = false;
        tcp_trace(conn, host, HF_TRACE_RECOVERY, HF_REASON_PATH_MTU_FORGOTTEN, before);
    }
}

/* RFC 8201 5.2: what one connection has learnt holds for all to that destination. Nothing is sent
 * again for it, since nobody has said that anything of this one's was dropped.
 * Keeps RFC1191-6.2-a, RFC8201-5.2-a. */
void tcp_mtu_adopt(struct tcp_conn *conn, const struct tcp_host *host, uint16_t mtu, bool locked,
                   hf_time lowered)
{
    uint16_t before = conn->path_mtu;
    uint32_t mss = tcp_effective_mss(conn);
    if (mtu >= before || !tcp_too_big_believed(conn)) {
        return;
    }
    conn->path_mtu = mtu;
    conn->path_mtu_locked = locked;
    conn->path_mtu_lowered = lowered;
    conn->search.high = (uint16_t)min_u32(conn->search.high, mtu);
    if (conn->sender != NULL) {
        conn->sender->mtu_shared = true;
        conn->sender->mtu_shared_end = conn->snd.nxt;
    }
    tcp_trace(conn, host, HF_TRACE_RECOVERY, HF_REASON_PATH_MTU_SHARED, before);
    tcp_mtu_shrink_first_window(conn, host, mss);
}

/* ---- the search */

/* Keeps RFC4821-7.3-a, RFC4821-7.2-d, RFC8899-5.3-a. */
static void begin_search(struct tcp_conn *conn, const struct tcp_host *host)
{
    const struct hf_config *config = host->config;
    conn->search.on = true;
    conn->search.over = false;
    conn->search.waits = false;
    conn->search.probe = 0;
    conn->search.since = host->now;
    conn->search.high = search_ceiling(conn);
    conn->search.low = (uint16_t)min_u32(mtu_of_payload(conn, config->mtu_base_mss), UINT16_MAX);
    tcp_trace(conn, host, HF_TRACE_RECOVERY, HF_REASON_MTU_SEARCH, conn->search.low);
}

void tcp_mtu_begin(struct tcp_conn *conn, const struct tcp_host *host)
{
    conn->search.high = search_ceiling(conn);
    if (host->config->mtu_probing >= 2) {
        begin_search(conn, host);
    }
}

/* RFC 4821 7.2: a finished search is begun anew after a while, from what is in use.
 * Keeps RFC4821-7.2-c, RFC8899-5.1.1-a. */
static void end_search(struct tcp_conn *conn, const struct tcp_host *host)
{
    struct tcp_mtu_search *search = &conn->search;
    if (!search->over) {
        search->over = true;
        tcp_trace(conn, host, HF_TRACE_RECOVERY, HF_REASON_MTU_SEARCH_OVER, search->high);
    }
    if (host->now - search->since >= host->config->mtu_probe_interval_ns) {
        search->low = (uint16_t)tcp_mtu_in_use(conn);
        search->high = search_ceiling(conn);
        search->since = host->now;
        search->over = false;
        tcp_trace(conn, host, HF_TRACE_RECOVERY, HF_REASON_MTU_SEARCH, search->low);
    }
}

/* RFC 4821 7.6.2: a probe that was lost was no congestion, so the next one may not be lost sooner
 * than congestion would have come: not before as many round trips as cwnd holds segments. 7.6.3:
 * five times as long where it took a timeout. Keeps RFC4821-7.6.2-b, RFC4821-7.6.3-a. */
static void rest_from_probing(struct tcp_conn *conn, const struct tcp_host *host, unsigned times)
{
    uint32_t window = conn->congestion.cwnd_bytes;
    uint32_t rtt_us = conn->rtt_measured ? conn->srtt_us : conn->rto_us;
    if (conn->backoff > 0 && conn->congestion.ssthresh_bytes != HF_CC_INFINITE) {
        window = max_u32(window, conn->congestion.ssthresh_bytes);
    }
    if (conn->sender != NULL) {
        conn->sender->next_mtu_probe =
            host->now + (hf_time)times * max_u32(window / tcp_effective_mss(conn), 1) *
                            ((hf_time)rtt_us * HF_MICROSECOND);
    }
}

/* Keeps RFC4821-7.4-b, RFC8899-3-a. */
static bool may_probe(const struct tcp_conn *conn, const struct tcp_host *host)
{
    bool calm = conn->recovery == TCP_RECOVERY_NONE && conn->duplicate_acks == 0 &&
                (conn->sent == NULL || conn->sent->sacked_count == 0);
    return conn->search.on && conn->search.probe == 0 && calm &&
           (conn->sender == NULL || host->now >= conn->sender->next_mtu_probe) &&
           (conn->notes == NULL || conn->notes->boundaries == 0) && conn->reassembly == NULL &&
           !conn->dsack_due && !(conn->intents & TCP_INTENT_LOSS_PROBE) &&
           (conn->tuple.family == HF_IPV6 || !tcp_may_fragment(conn)); /* RFC 8899 3: with DF */
}

/* RFC 4821 7.4: only where it can be told whether the probe alone was lost, which takes as many
 * segments behind it as make a loss known; and where it is a small part of the window.
 * Keeps RFC4821-7.2-a, RFC4821-7.2-b, RFC4821-7.4-a, RFC4821-7.4-c, RFC4821-7.4-d. */
static enum tcp_mtu_choice weigh_probe(struct tcp_conn *conn, const struct tcp_host *host,
                                       uint32_t unsent, uint32_t *length)
{
    const struct tcp_mtu_search *search = &conn->search;
    uint32_t mss = tcp_effective_mss(conn);
    uint32_t flight = tcp_flight(conn);
    uint32_t payload;
    uint64_t needed;
    if (!may_probe(conn, host) || conn->congestion.cwnd_bytes < PROBE_WINDOW_SEGMENTS * mss) {
        return TCP_MTU_NO_PROBE;
    }
    payload = tcp_payload_of_mtu(conn, ((uint32_t)search->low + search->high) / 2);
    if (search->high < search->low + (int32_t)host->config->mtu_probe_threshold || payload <= mss) {
        end_search(conn, host);
        return TCP_MTU_NO_PROBE;
    }
    needed = payload + (uint64_t)(conn->reordering + 1u) * mss;
    if (unsent < needed || conn->snd.wnd < needed) {
        return TCP_MTU_NO_PROBE;
    }
    *length = payload;
    if (flight + needed > conn->snd.wnd) {
        return TCP_MTU_WAIT;
    }
    if ((uint64_t)tcp_pipe(conn) + max_u32(payload, 2 * mss) > tcp_cwnd_bytes(conn)) {
        return flight > 0 ? TCP_MTU_WAIT : TCP_MTU_NO_PROBE;
    }
    return TCP_MTU_PROBE;
}

/* A wait is told once, when it begins: nothing leaves meanwhile, though there is room. */
enum tcp_mtu_choice tcp_mtu_choose(struct tcp_conn *conn, const struct tcp_host *host,
                                   uint32_t unsent, uint32_t *length)
{
    enum tcp_mtu_choice choice = weigh_probe(conn, host, unsent, length);
    bool waits = choice == TCP_MTU_WAIT;
    if (waits && !conn->search.waits) {
        tcp_trace(conn, host, HF_TRACE_RECOVERY, HF_REASON_MTU_PROBE_WAIT,
                  mtu_of_payload(conn, *length));
    }
    conn->search.waits = waits;
    return choice;
}

void tcp_mtu_probe_sent(struct tcp_conn *conn, struct tcp_host *host, seq32 start, uint32_t length)
{
    conn->search.probe = (uint16_t)mtu_of_payload(conn, length);
    conn->search.probe_start = start;
    conn->search.probe_end = seq_add(start, length);
    host->counters->mtu_probes++;
}

/* RFC 4821 7.6.1. A larger segment leaves cwnd, which counts bytes, as it is.
 * Keeps RFC4821-7.6.1-a, RFC8899-4.1-a. */
static void probe_arrived(struct tcp_conn *conn, struct tcp_host *host)
{
    struct tcp_mtu_search *search = &conn->search;
    uint32_t before = tcp_mtu_in_use(conn);
    search->low = search->probe;
    search->probe = 0;
    host->counters->mtu_probes_arrived++;
    tcp_trace(conn, host, HF_TRACE_RECOVERY, HF_REASON_MTU_PROBE_ARRIVED, before);
}

/* Keeps RFC4821-3-a, RFC4821-3-b, RFC4821-7.6.2-a, RFC8899-3-c, RFC8899-3-d. */
bool tcp_mtu_probe_lost(struct tcp_conn *conn, struct tcp_host *host)
{
    struct tcp_mtu_search *search = &conn->search;
    uint32_t length = (uint32_t)seq_diff(search->probe_end, search->probe_start);
    uint16_t size = search->probe;
    if (size == 0 || !seq_eq(conn->snd.una, search->probe_start)) {
        return false;
    }
    if (conn->sent != NULL && conn->sent->lost_bytes != length) {
        return false; /* 7.6.3: others were lost with it, which is congestion */
    }
    search->probe = 0;
    if (!tcp_mtu_cut(conn, host, true)) {
        return false;
    }
    if (conn->sent != NULL) {
        conn->sent->newly_lost_bytes -= min_u32(conn->sent->newly_lost_bytes, length);
    }
    search->high = (uint16_t)(size - 1u);
    host->counters->mtu_probes_lost++;
    rest_from_probing(conn, host, 1);
    tcp_trace(conn, host, HF_TRACE_RECOVERY, HF_REASON_MTU_PROBE_LOST, size);
    tcp_mtu_resend(conn, search->probe_end);
    return true;
}

void tcp_mtu_probe_refused(struct tcp_conn *conn, struct tcp_host *host)
{
    if (conn->search.probe > conn->path_mtu) {
        host->counters->mtu_probes_lost++;
        tcp_trace(conn, host, HF_TRACE_RECOVERY, HF_REASON_MTU_PROBE_LOST, conn->search.probe);
        conn->search.probe = 0;
    }
}

/* Linux's R1 by the clock: as long as so many doublings of 200 ms take. */
static hf_time silence_limit(const struct hf_config *config)
{
    uint32_t doublings = min_u32(config->retries_r1, MOST_SILENCE_DOUBLINGS);
    return SILENCE_UNIT * ((2 << doublings) - 1) +
           (config->retries_r1 - doublings) * config->max_rto_ns;
}

/* RFC 4821 7.7: timeout upon timeout means that the path has changed, maybe to one that takes less
 * and does not say so.
 * Keeps RFC4821-7.7-a, RFC4821-7.7-b, RFC8899-4.3-a. */
void tcp_mtu_on_timeout(struct tcp_conn *conn, struct tcp_host *host)
{
    const struct hf_config *config = host->config;
    struct tcp_mtu_search *search = &conn->search;
    uint32_t before = tcp_mtu_in_use(conn);
    if (tcp_first_timeout(conn)) {
        search->silent_since = host->now;
        return;
    }
    if (config->mtu_probing == 0 || conn->snd.wnd == 0 ||
        host->now - search->silent_since < silence_limit(config)) {
        return;
    }
    if (!search->on) {
        begin_search(conn, host);
    } else {
        uint32_t payload = tcp_payload_of_mtu(conn, search->low) / 2;
        payload = min_u32(payload, config->mtu_base_mss);
        payload = max_u32(payload, max_u32(config->mtu_probe_floor, TCP_MINIMUM_SEND_MSS));
        search->low = (uint16_t)min_u32(mtu_of_payload(conn, payload), search->low);
        search->probe = 0;
        search->over = false;
    }
    if (tcp_mtu_in_use(conn) < before) {
        host->counters->mtu_black_holes++;
        tcp_trace(conn, host, HF_TRACE_RECOVERY, HF_REASON_MTU_BLACK_HOLE, before);
    }
}

/* ---- what arrived, and what goes again */

void tcp_mtu_sent(struct tcp_conn *conn, const struct tcp_host *host, seq32 start, uint32_t length)
{
    struct tcp_mtu_search *search = &conn->search;
    uint32_t size = mtu_of_payload(conn, length);
    if (host->config->hold_too_big && size > search->arrived && search->sized == 0) {
        search->sized = (uint16_t)size;
        search->sized_end = seq_add(start, length);
    }
}

void tcp_mtu_acknowledged(struct tcp_conn *conn, struct tcp_host *host)
{
    struct tcp_mtu_search *search = &conn->search;
    if (search->probe != 0 && seq_ge(conn->snd.una, search->probe_end)) {
        probe_arrived(conn, host);
    }
    if (search->sized != 0 && seq_ge(conn->snd.una, search->sized_end)) {
        search->arrived = (uint16_t)max_u32(search->arrived, search->sized);
        search->sized = 0;
    }
    if (search->held != 0 && seq_gt(conn->snd.una, search->held_seq)) {
        /* RFC 5927 7.2: it arrived, whatever the message said */
        tcp_trace(conn, host, HF_TRACE_RECOVERY, HF_REASON_PATH_MTU_UNCONFIRMED, search->held);
        search->held = 0;
    }
}

/* Keeps RFC4821-7.6.4-a, RFC8899-4.4-a. */
void tcp_mtu_on_repeat(struct tcp_conn *conn, const struct tcp_host *host)
{
    struct tcp_mtu_search *search = &conn->search;
    search->sized = 0;
    if (search->probe != 0) {
        /* RFC 4821 7.6.4: whether this size gets through is not known; it will be tried again. */
        tcp_trace(conn, host, HF_TRACE_RECOVERY, HF_REASON_MTU_PROBE_INCONCLUSIVE, search->probe);
        search->probe = 0;
        if (conn->backoff > 0) {
            rest_from_probing(conn, host, 5);
        }
    }
}
