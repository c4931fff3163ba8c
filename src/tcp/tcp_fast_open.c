/* SPDX-License-Identifier: MIT
 *
 * TCP Fast Open (RFC 7413), one connection's part: data on the SYN, and what follows from it.
 *
 * The client's data is in the send queue like any other. Where the SYN-ACK acknowledges only the
 * SYN, SND.NXT goes back to what it acknowledged: the data was never accepted, so it is sent anew
 * as the first data of the connection, cut to the MSS that is known by now (4.2.1).
 *
 * The server's connection is made in SYN-RECEIVED with SND.UNA = ISS. It may send: at most the
 * initial window, once, to an address that has shown by its cookie that it can hear (4.2.2, 5.2).
 * Until the SYN-ACK is acknowledged only the SYN-ACK is ever repeated.
 */
#include "tcp_fast_open.h"

#include "tcp_internal.h"

struct tcp_fast_open *tcp_fast_open_new(struct tcp_conn *conn, struct tcp_host *host)
{
    if (conn->fast_open == NULL) {
        conn->fast_open = memory_allocate(host->memory, sizeof *conn->fast_open);
    }
    if (conn->fast_open != NULL) {
        memset(conn->fast_open, 0, sizeof *conn->fast_open);
    }
    return conn->fast_open;
}

void tcp_fast_open_free(struct tcp_conn *conn, struct tcp_host *host)
{
    if (conn->fast_open != NULL) {
        memory_release(host->memory, conn->fast_open, sizeof *conn->fast_open);
        conn->fast_open = NULL;
    }
}

/* ---- client */

/* RFC 7413 4.2.1: by the MSS that the peer had the last time, or the default. */
uint32_t tcp_fast_open_room(const struct tcp_conn *conn)
{
    const struct tcp_fast_open *fast_open = conn->fast_open;
    uint32_t mss = tcp_mss_of_mtu(conn, conn->path_mtu);
    if (fast_open == NULL || !fast_open->data || fast_open->sent || conn->state != HF_SYN_SENT) {
        return 0;
    }
    if (fast_open->mss != 0) {
        mss = min_u32(mss, fast_open->mss);
    }
    if (conn->max_segment != 0) {
        mss = min_u32(mss, conn->max_segment);
    }
    return mss > TCP_FAST_OPEN_HEADROOM ? mss - TCP_FAST_OPEN_HEADROOM : 0;
}

void tcp_fast_open_hold(struct tcp_conn *conn)
{
    conn->syn_held = true;
    conn->intents &= (uint16_t)~TCP_INTENT_SYN;
}

void tcp_fast_open_release(struct tcp_conn *conn)
{
    if (conn->syn_held) {
        conn->syn_held = false;
        conn->intents |= TCP_INTENT_SYN;
    }
}

static void put_option(const struct tcp_fast_open *fast_open, struct tcp_options *options)
{
    options->has_fast_open = true;
    options->fast_open_experimental = fast_open->experimental;
    options->fast_open_length = fast_open->cookie_length;
    options->fast_open_cookie = fast_open->cookie;
}

bool tcp_fast_open_build(struct tcp_conn *conn, struct tcp_host *host, struct tcp_segment *segment)
{
    struct tcp_fast_open *fast_open = conn->fast_open;
    uint32_t room = tcp_fast_open_room(conn);
    if (fast_open == NULL || fast_open->sent) {
        return false;
    }
    fast_open->sent = true;
    if (fast_open->option) {
        put_option(fast_open, &segment->options);
        conn->fast_open_used = !conn->passive;
    }
    fast_open->data_bytes = min_u32(conn->send_bytes, room);
    if (fast_open->data_bytes > 0 && !tcp_sender_reserve(conn, host)) {
        fast_open->data_bytes = 0; /* it can wait for the handshake */
    }
    if (fast_open->data_bytes == 0) {
        return false;
    }
    conn->fast_open_used = true;
    segment->payload_length = fast_open->data_bytes;
    conn->snd.nxt = seq_add(conn->snd.nxt, fast_open->data_bytes);
    conn->snd.retransmit_next = conn->snd.nxt;
    conn->bytes_sent += fast_open->data_bytes;
    conn->last_sent = host->now;
    return true;
}

/* Only the SYN, or only a part of its data, was acknowledged: the rest goes at once. */
static void take_back(struct tcp_conn *conn, struct tcp_host *host, seq32 acknowledged)
{
    bool syn_repeated = conn->retransmits > 0;
    if (seq_ge(acknowledged, conn->snd.nxt)) {
        return;
    }
    conn->snd.nxt = acknowledged;
    conn->snd.retransmit_next = acknowledged;
    conn->intents |= TCP_INTENT_FORCE_SMALL; /* it was sent before: Nagle has no say */
    conn->retransmits++;
    host->counters->segments_retransmitted++;
    host->counters->fast_open_active_failed++;
    conn->fast_open_failure = syn_repeated ? TCP_FAST_OPEN_SYN_REPEATED : TCP_FAST_OPEN_NOT_ACKED;
    conn->fast_open->data_refused = true;
    tcp_trace(conn, host, HF_TRACE_LIMIT, HF_REASON_FAST_OPEN_REFUSED, conn->fast_open->data_bytes);
}

/* 4.1.3: cookie, MSS and failure are remembered. A cookie that nobody asked for is not taken. */
static void learn(struct tcp_conn *conn, const struct tcp_segment *segment)
{
    struct tcp_fast_open *fast_open = conn->fast_open;
    const struct tcp_options *options = &segment->options;
    fast_open->news = TCP_FAST_OPEN_ANSWERED;
    fast_open->got_mss = options->has_mss ? options->mss : 0;
    if (fast_open->option && options->has_fast_open && options->fast_open_length > 0) {
        fast_open->got_cookie = true;
        fast_open->got_experimental = options->fast_open_experimental;
        fast_open->got_length = options->fast_open_length;
        memcpy(fast_open->got, options->fast_open_cookie, options->fast_open_length);
    }
    if (fast_open->got_cookie) {
        return;
    }
    if (conn->syn_retransmitted) {
        fast_open->syn_dropped = fast_open->data_refused;
    } else {
        fast_open->other_kind =
            fast_open->option && fast_open->cookie_length == 0 && fast_open->data_bytes == 0;
    }
}

/* Keeps RFC7413-4.2.1-c. */
void tcp_fast_open_answered(struct tcp_conn *conn, struct tcp_host *host,
                            const struct tcp_segment *segment)
{
    struct tcp_fast_open *fast_open = conn->fast_open;
    if (fast_open == NULL || !fast_open->sent) {
        return;
    }
    if (!(segment->flags & HF_ACK)) {
        /* Simultaneous open: who sent this SYN had not seen ours. */
        take_back(conn, host, seq_add(conn->iss, 1));
        return;
    }
    if (fast_open->data_bytes > 0) {
        take_back(conn, host, segment->ack);
        if (!fast_open->data_refused) {
            conn->syn_data_acked = true;
            host->counters->fast_open_active++;
            host->fast_open_pauses = 0; /* Fast Open works: no black hole */
        }
    }
    learn(conn, segment);
}

/* As Linux does, the SYN goes again at once; its data waits for the handshake, so that it is too
 * big no more, whatever size a second message names.
 * Keeps RFC1191-6.4-a. */
void tcp_fast_open_too_big(struct tcp_conn *conn)
{
    if (conn->state == HF_SYN_SENT && conn->fast_open != NULL && conn->fast_open->data_bytes > 0 &&
        conn->retransmits == 0) {
        conn->rtt_timing = false; /* Karn */
        conn->intents |= TCP_INTENT_SYN;
        conn->deadlines[TCP_TIMER_RETRANSMIT] = HF_TIME_NEVER;
    }
}

/* ---- server */

/* Keeps RFC7413-4.2.2-b. */
bool tcp_fast_open_passive(struct tcp_conn *conn, struct tcp_host *host,
                           const struct tcp_segment *segment)
{
    struct tcp_segment text = *segment;
    conn->fast_open_child = true;
    conn->snd.nxt = conn->iss;
    conn->snd.retransmit_next = conn->iss;
    conn->rtt_timing = false; /* begins when the SYN-ACK leaves */
    conn->receive_mss = (uint16_t)min_u32(conn->own_mss, 536);
    conn->segments_received++;
    text.seq = conn->rcv.nxt;
    text.flags &= (uint16_t)~HF_SYN;
    if (text.payload_length > 0) {
        if (tcp_receive_text(conn, host, &text) != HF_REASON_ACCEPTED) {
            return false;
        }
        conn->syn_data_acked = true;
    }
    /* The SYN-ACK acknowledges it all, and offers what a SYN-ACK can. */
    conn->intents = TCP_INTENT_SYN;
    conn->ack_pending_bytes = 0;
    conn->deadlines[TCP_TIMER_DELAYED_ACK] = HF_TIME_NEVER;
    conn->rcv.last_ack_sent = conn->rcv.nxt;
    conn->rcv.wnd = min_u32(conn->receive_limit_bytes - conn->receive_bytes, UINT16_MAX);
    tcp_cc_open(conn, host);
    conn->snd.limited_until = conn->iss;
    return true;
}

bool tcp_fast_open_repeated_syn(struct tcp_conn *conn, const struct tcp_segment *segment)
{
    if (!tcp_fast_open_unproven(conn) || !seq_eq(segment->seq, conn->irs) ||
        (segment->flags & (HF_SYN | HF_ACK | HF_RST | HF_FIN)) != HF_SYN) {
        return false;
    }
    conn->rtt_timing = false; /* Karn: which copy will be acknowledged? */
    conn->intents |= TCP_INTENT_SYN;
    return true;
}

void tcp_fast_open_proven(struct tcp_conn *conn, struct tcp_host *host)
{
    if (conn->syn_retransmitted && tcp_flight(conn) > 0) {
        tcp_on_timeout(conn, host);
    }
}

/* ---- black holes */

/* Some middleboxes swallow all that follows a SYN with data. As Linux does, when a connection that
 * used Fast Open times out twice in a row, or is given up before that, nobody uses it for a while
 * (config.fast_open_blackhole_ns; 4.1.3.1 asks for negative responses to be cached).
 * Keeps RFC7413-4.2.1-b. */
void tcp_fast_open_timeout(struct tcp_conn *conn, struct tcp_host *host, bool expired)
{
    if (!conn->fast_open_used || host->config->fast_open_blackhole_ns == 0 ||
        !(conn->backoff == 2 || (conn->backoff < 2 && expired))) {
        return;
    }
    if (host->fast_open_pauses < UINT32_MAX) {
        host->fast_open_pauses++;
    }
    host->fast_open_paused = host->now;
    tcp_trace(conn, host, HF_TRACE_LIMIT, HF_REASON_FAST_OPEN_BLACK_HOLE, host->fast_open_pauses);
}
