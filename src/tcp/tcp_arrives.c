/* SPDX-License-Identifier: MIT
 *
 * SEGMENT ARRIVES (RFC 9293 3.10.7) for a connection that exists, to be read beside the RFC:
 * arrives_syn_sent is 3.10.7.3; arrives_other_states is 3.10.7.4 with its eight steps, each a
 * function under its ordinal. CLOSED (3.10.7.1) and LISTEN (3.10.7.2) have no connection and stand
 * in the stack: see arrives_closed in stack_input.c and arrives_listen in syn_cache.c; TIME-WAIT is
 * a small record and stands in time_wait.c.
 */
#include "tcp_fast_open.h"
#include "tcp_internal.h"

/* A step's verdict: go on to the next, or stop here for the reason given. */
enum verdict { GO_ON, STOP };

/* RFC 5961 7, per connection: at most 10 at once and 2 a second, so that no outsider can read a
 * shared counter (CVE-2016-5696 was that). */
#define CHALLENGE_TOKENS 10u
#define CHALLENGE_REFILL_NS (HF_SECOND / 2)
/* Linux's TCP_DELACK_MAX. */
#define DEFERRED_ACK_NS (200 * HF_MILLISECOND)

/* Keeps RFC5961-7-a. */
static bool challenge_allowed(struct tcp_conn *conn, const struct tcp_host *host)
{
    hf_time since = host->now - conn->challenge_refill;
    if (since >= CHALLENGE_REFILL_NS) {
        uint64_t tokens = conn->challenge_tokens + (uint64_t)(since / CHALLENGE_REFILL_NS);
        conn->challenge_tokens = (uint8_t)(tokens < CHALLENGE_TOKENS ? tokens : CHALLENGE_TOKENS);
        conn->challenge_refill = host->now - since % CHALLENGE_REFILL_NS;
    }
    if (conn->challenge_tokens == 0) {
        return false;
    }
    conn->challenge_tokens--;
    return true;
}

static void answer_limited(struct tcp_conn *conn, struct tcp_host *host, enum hf_reason reason)
{
    if (challenge_allowed(conn, host)) {
        conn->challenge_reason = (uint8_t)reason;
        conn->intents |= TCP_INTENT_CHALLENGE;
        host->counters->challenge_acks_sent += reason == HF_REASON_SEND_CHALLENGE;
    } else {
        tcp_trace(conn, host, HF_TRACE_LIMIT, HF_REASON_CHALLENGE_LIMITED, 0);
    }
}

static void challenge(struct tcp_conn *conn, struct tcp_host *host)
{
    answer_limited(conn, host, HF_REASON_SEND_CHALLENGE);
}

/* <SEQ=SEG.ACK><CTL=RST> */
static void reset_with_their_ack(struct tcp_conn *conn, const struct tcp_segment *segment)
{
    conn->intents |= TCP_INTENT_RESET;
    conn->reset_seq = segment->ack;
    conn->reset_has_ack = false;
}

bool tcp_reset_for(const struct tcp_segment *segment, struct tcp_segment *reset)
{
    if (segment->flags & HF_RST) {
        return false;
    }
    memset(reset, 0, sizeof *reset);
    reset->source_port = segment->destination_port;
    reset->destination_port = segment->source_port;
    if (segment->flags & HF_ACK) {
        reset->seq = segment->ack;
        reset->flags = HF_RST;
    } else {
        reset->ack = seq_add(segment->seq, tcp_segment_length(segment));
        reset->flags = HF_RST | HF_ACK;
    }
    return true;
}

/* ---- 3.10.7.3: SYN-SENT */

static enum hf_reason syn_sent_take_syn(struct tcp_conn *conn, struct tcp_host *host,
                                        const struct tcp_segment *segment);
static void sixth_check_urg(struct tcp_conn *conn, struct tcp_host *host,
                            const struct tcp_segment *segment);
static enum verdict seventh_process_text(struct tcp_conn *conn, struct tcp_host *host,
                                         const struct tcp_segment *segment, enum hf_reason *reason);
static void eighth_check_fin(struct tcp_conn *conn, struct tcp_host *host,
                             const struct tcp_segment *segment);
static bool trim_to_window(const struct tcp_conn *conn, struct tcp_segment *segment);

static enum hf_reason arrives_syn_sent(struct tcp_conn *conn, struct tcp_host *host,
                                       const struct tcp_segment *segment)
{
    bool has_ack = (segment->flags & HF_ACK) != 0;
    /* First, the ACK bit: SEG.ACK =< ISS or SEG.ACK > SND.NXT gets a RST. */
    if (has_ack && (seq_le(segment->ack, conn->iss) || seq_gt(segment->ack, conn->snd.nxt))) {
        if (segment->flags & HF_RST) {
            return HF_REASON_SYN_SENT_RST_IGNORED;
        }
        reset_with_their_ack(conn, segment);
        return HF_REASON_SYN_SENT_BAD_ACK;
    }
    /* Second, the RST bit: only with an acceptable ACK. */
    if (segment->flags & HF_RST) {
        if (!has_ack) {
            return HF_REASON_SYN_SENT_RST_IGNORED;
        }
        tcp_finish(conn, host, HF_ECONNREFUSED, HF_REASON_RST_REFUSED);
        return HF_REASON_RST_REFUSED;
    }
    /* Fourth, the SYN bit. Fifth: neither SYN nor RST. */
    if (!(segment->flags & HF_SYN)) {
        return HF_REASON_SYN_SENT_NOTHING;
    }
    return syn_sent_take_syn(conn, host, segment);
}

static enum hf_reason syn_sent_take_syn(struct tcp_conn *conn, struct tcp_host *host,
                                        const struct tcp_segment *segment)
{
    struct tcp_segment rest;
    enum hf_reason reason = HF_REASON_ACCEPTED;
    conn->irs = segment->seq;
    conn->rcv.nxt = seq_add(segment->seq, 1);
    conn->rcv.up = conn->rcv.nxt;
    conn->rcv.last_ack_sent = conn->rcv.nxt;
    tcp_take_syn_options(conn, host, segment);
    tcp_ecn_take_syn(conn, host, segment);
    conn->snd.wnd = segment->window; /* RFC 7323 2.2: a SYN's window is not scaled */
    conn->snd.max_wnd = segment->window;
    conn->snd.wl1 = segment->seq;
    conn->snd.wl2 = segment->ack;
    tcp_fast_open_answered(conn, host, segment);
    if (!(segment->flags & HF_ACK)) {
        /* Simultaneous open: our SYN goes again, as SYN-ACK with the same number (MUST-10). */
        conn->snd.wl2 = conn->iss;
        conn->intents |= TCP_INTENT_SYN;
        conn->rtt_timing = false;
        conn->deadlines[TCP_TIMER_RETRANSMIT] = HF_TIME_NEVER;
        tcp_set_state(conn, host, HF_SYN_RECEIVED, HF_REASON_SIMULTANEOUS_OPEN);
        return HF_REASON_SIMULTANEOUS_OPEN;
    }
    conn->intents &= (uint16_t)~TCP_INTENT_SYN;
    (void)tcp_process_ack(conn, host, segment, &reason);
    if (conn->defer_accept > 0) {
        /* As Linux does where TCP_DEFER_ACCEPT is set on a client: data will follow at once. */
        conn->deadlines[TCP_TIMER_DELAYED_ACK] = host->now + DEFERRED_ACK_NS;
    } else {
        tcp_ack_now(conn, HF_REASON_SEND_ACK);
    }
    /* Data or controls on the SYN-ACK: go on at the sixth step. */
    rest = *segment;
    (void)trim_to_window(conn, &rest); /* an ACK is due in any case */
    sixth_check_urg(conn, host, segment);
    if (rest.payload_length == 0 || seventh_process_text(conn, host, &rest, &reason) == GO_ON) {
        eighth_check_fin(conn, host, &rest);
    }
    return reason;
}

/* ---- 3.10.7.4: the other states */

/* Simultaneous open (figure 7): the peer's SYN-ACK repeats the SYN that we have, so its number is
 * one before RCV.NXT; it is that crossing, not an old duplicate. */
static bool crossing_syn_ack(const struct tcp_conn *conn, const struct tcp_segment *segment)
{
    return seq_eq(conn->snd.una, conn->iss) && !conn->passive &&
           (segment->flags & (HF_SYN | HF_ACK | HF_RST)) == (HF_SYN | HF_ACK) &&
           seq_eq(segment->seq, conn->irs) && seq_eq(segment->ack, seq_add(conn->iss, 1));
}

/* RFC 7323 5.3 R1, 5.5: a timestamp before TS.Recent marks an old duplicate, unless TS.Recent is
 * older than 24 days. RST is exempt.
 * Keeps RFC7323-3.2-d, RFC7323-3.2-e, RFC7323-5.2-a, RFC7323-5.2-b, RFC7323-5.3-a, RFC7323-5.5-a.
 */
static inline bool stamp_is_old(const struct tcp_conn *conn, const struct tcp_segment *segment)
{
    return conn->timestamps && segment->options.has_timestamps && !(segment->flags & HF_RST) &&
           (int32_t)(segment->options.ts_value - conn->ts_recent) < 0;
}

static bool paws_rejects(const struct tcp_conn *conn, const struct tcp_host *host,
                         const struct tcp_segment *segment)
{
    uint32_t age_s = (uint32_t)(host->now / HF_SECOND) - conn->ts_recent_age_s;
    return stamp_is_old(conn, segment) && age_s <= 24u * 24u * 3600u;
}

/* RFC 9768 3.1.5; whoever forges it has to know the numbers of both SYNs, or that of the one. */
static bool contradicts(const struct tcp_conn *conn, const struct tcp_segment *segment)
{
    return tcp_ecn_syn_contradicts(conn->ecn.mode, segment->flags) &&
           seq_eq(segment->seq, conn->irs) &&
           (segment->flags & HF_ACK ? seq_eq(segment->ack, seq_add(conn->iss, 1)) : conn->passive);
}

static void reset_them(struct tcp_conn *conn, struct tcp_host *host, enum hf_reason reason)
{
    conn->intents |= TCP_INTENT_RESET;
    conn->reset_seq = conn->snd.nxt;
    conn->reset_ack = conn->rcv.nxt;
    conn->reset_has_ack = true;
    host->counters->connections_reset++;
    tcp_finish(conn, host, HF_ECONNRESET, reason);
}

/* First: the sequence number is looked at.
 * Keeps RFC5961-3.2-a, RFC5961-4.2-a, RFC7323-5.3-a. */
static enum verdict first_check_sequence(struct tcp_conn *conn, struct tcp_host *host,
                                         const struct tcp_segment *segment, enum hf_reason *reason)
{
    if (paws_rejects(conn, host, segment)) {
        *reason = HF_REASON_PAWS;
    } else {
        *reason = tcp_sequence_verdict(conn->rcv.nxt, conn->rcv.wnd, segment);
    }
    if (*reason == HF_REASON_NONE) {
        return GO_ON;
    }
    if (segment->flags & HF_RST) {
        *reason = HF_REASON_RST_OUTSIDE;
        return STOP;
    }
    if (segment->flags & HF_SYN) {
        /* RFC 5961 4.2: a SYN in a synchronized state is challenged whatever its number. */
        *reason = HF_REASON_SYN_CHALLENGED;
        if (contradicts(conn, segment)) {
            *reason = HF_REASON_ACCECN_CONTRADICTED;
            reset_them(conn, host, *reason);
            return STOP;
        }
        tcp_ecn_repeat_handshake(conn, segment);
    }
    /* "An acknowledgment should be sent in reply." A retransmission of data that we have means that
     * our ACK was lost, so it is always answered; the rest is limited. */
    if (segment->payload_length > 0 || (segment->flags & HF_FIN)) {
        tcp_dsack_note_old(conn, host, segment);
        tcp_ack_now(conn, HF_REASON_SEND_ACK_DUPLICATE);
    } else if (*reason == HF_REASON_SYN_CHALLENGED) {
        challenge(conn, host);
    } else {
        answer_limited(conn, host, HF_REASON_SEND_ACK); /* a probe, a keep-alive, an old ACK */
    }
    return STOP;
}

/* Only what is new and inside the window goes on: the front that was received before, the SYN with
 * it, and what lies beyond the right edge are cut off. True: something lay beyond. */
static bool trim_to_window(const struct tcp_conn *conn, struct tcp_segment *segment)
{
    bool cut_right = false;
    seq32 edge = seq_add(conn->rcv.nxt, conn->rcv.wnd);
    if (segment->flags & HF_SYN) {
        segment->seq = seq_add(segment->seq, 1);
        segment->flags &= (uint16_t)~HF_SYN;
    }
    if (seq_lt(segment->seq, conn->rcv.nxt)) {
        uint32_t old = (uint32_t)seq_diff(conn->rcv.nxt, segment->seq);
        uint32_t cut = min_u32(old, segment->payload_length);
        segment->payload += cut;
        segment->payload_length -= cut;
        segment->seq = seq_add(segment->seq, cut);
        if (seq_lt(segment->seq, conn->rcv.nxt)) {
            segment->flags &= (uint16_t)~HF_FIN; /* the FIN is old too */
            segment->seq = conn->rcv.nxt;
        }
    }
    if (seq_gt(seq_add(segment->seq, segment->payload_length), edge)) {
        uint32_t room = seq_lt(segment->seq, edge) ? (uint32_t)seq_diff(edge, segment->seq) : 0;
        segment->payload_length = room;
        segment->flags &= (uint16_t)~HF_FIN;
        cut_right = true;
    }
    return cut_right;
}

/* In CLOSING and LAST-ACK the RFC has no signal for the user: the peer may have had everything and
 * be gone, and the ACK that said so lost. Where our FIN has not left yet we are in these states
 * only by name (RFC 9293 3.10.4: CLOSE waits until all is sent), and the user's last octets are
 * lost. */
static void reset_at_the_end(struct tcp_conn *conn, struct tcp_host *host, enum hf_reason reason)
{
    bool fin_sent = conn->fin_queued && seq_gt(conn->snd.nxt, tcp_fin_seq(conn));
    host->counters->connections_reset++;
    conn->reset_at_end = fin_sent;
    tcp_finish(conn, host, fin_sent ? HF_OK : HF_ECONNRESET, reason);
}

/* Second: the RST bit (with RFC 5961 3.2: exact, in the window, or neither).
 * Keeps SHLD-2, RFC5961-3.2-b, RFC5961-3.2-c. */
static enum verdict second_check_rst(struct tcp_conn *conn, struct tcp_host *host,
                                     const struct tcp_segment *segment, enum hf_reason *reason)
{
    if (!(segment->flags & HF_RST)) {
        return GO_ON;
    }
    if (!seq_eq(segment->seq, conn->rcv.nxt)) {
        *reason = HF_REASON_RST_CHALLENGED;
        challenge(conn, host);
        return STOP;
    }
    *reason = HF_REASON_RST_ARRIVED;
    switch (conn->state) {
    case HF_SYN_RECEIVED:
        /* MUST-11: a passive opening goes back to LISTEN in silence (the listener never left it);
         * an active one was refused. */
        if (conn->fast_open_child) { /* the program may have it already */
            host->counters->connections_reset++;
            tcp_finish(conn, host, HF_ECONNRESET, *reason);
            break;
        }
        *reason = conn->passive ? HF_REASON_RST_BACK_TO_LISTEN : HF_REASON_RST_REFUSED;
        tcp_finish(conn, host, HF_ECONNREFUSED, *reason);
        break;
    case HF_ESTABLISHED:
    case HF_FIN_WAIT_1:
    case HF_FIN_WAIT_2:
    case HF_CLOSE_WAIT:
        host->counters->connections_reset++;
        tcp_finish(conn, host, HF_ECONNRESET, *reason);
        break;
    case HF_CLOSING:
    case HF_LAST_ACK:
        reset_at_the_end(conn, host, *reason);
        break;
    case HF_CLOSED:
    case HF_LISTEN:
    case HF_SYN_SENT:
    case HF_TIME_WAIT:
        break;
    }
    return STOP;
}

/* Third: security is not checked (RFC 9293 A.1).
 * Fourth: the SYN bit, which no longer belongs here (RFC 5961 4.2).
 * Keeps RFC5961-4.2-a. */
static enum verdict fourth_check_syn(struct tcp_conn *conn, struct tcp_host *host,
                                     const struct tcp_segment *segment, enum hf_reason *reason)
{
    if (!(segment->flags & HF_SYN)) {
        return GO_ON;
    }
    *reason = HF_REASON_SYN_CHALLENGED;
    challenge(conn, host);
    return STOP;
}

/* RFC 7323 4.3: TS.Recent follows segments that cover Last.ACK.sent. Done only once the ACK has
 * been found good, so that a forger needs both numbers.
 * Keeps RFC7323-4.3-a, RFC7323-4.3-b. */
static void take_timestamp(struct tcp_conn *conn, const struct tcp_host *host,
                           const struct tcp_segment *segment)
{
    const struct tcp_options *options = &segment->options;
    if (!conn->timestamps || !options->has_timestamps ||
        seq_gt(segment->seq, conn->rcv.last_ack_sent)) {
        return;
    }
    if ((int32_t)(options->ts_value - conn->ts_recent) >= 0 || !paws_rejects(conn, host, segment)) {
        conn->ts_recent = options->ts_value;
        conn->ts_recent_age_s = (uint32_t)(host->now / HF_SECOND);
    }
}

/* What else the fifth step says once an ACK has covered our FIN. */
static void our_fin_acked(struct tcp_conn *conn, struct tcp_host *host)
{
    switch (conn->state) {
    case HF_FIN_WAIT_1:
        tcp_set_state(conn, host, HF_FIN_WAIT_2, HF_REASON_FIN_ACKED);
        if (conn->orphan) {
            tcp_wait_abandoned(conn, host);
        }
        break;
    case HF_CLOSING:
        tcp_tell(conn, HF_EVENT_CLOSED);
        conn->metrics_due = true;
        tcp_set_state(conn, host, HF_TIME_WAIT, HF_REASON_FIN_ACKED);
        break;
    case HF_LAST_ACK:
        conn->metrics_due = true;
        tcp_finish(conn, host, HF_OK, HF_REASON_FIN_ACKED);
        break;
    case HF_CLOSED:
    case HF_LISTEN:
    case HF_SYN_SENT:
    case HF_SYN_RECEIVED:
    case HF_ESTABLISHED:
    case HF_FIN_WAIT_2:
    case HF_CLOSE_WAIT:
    case HF_TIME_WAIT:
        break;
    }
}

/* Fifth: the ACK field. */
static enum verdict fifth_check_ack(struct tcp_conn *conn, struct tcp_host *host,
                                    const struct tcp_segment *arrived,
                                    const struct tcp_segment *segment, enum hf_reason *reason)
{
    if (!(segment->flags & HF_ACK)) {
        *reason = HF_REASON_NO_ACK_BIT;
        return STOP;
    }
    if (conn->state == HF_SYN_RECEIVED &&
        (seq_le(segment->ack, conn->snd.una) || seq_gt(segment->ack, conn->snd.nxt))) {
        reset_with_their_ack(conn, segment);
        *reason = HF_REASON_SYN_RECEIVED_BAD_ACK;
        return STOP;
    }
    if (!tcp_process_ack(conn, host, segment, reason)) {
        /* RFC 9293 3.10.7.4 and RFC 5961 5.2: answered with an ACK, and dropped. */
        challenge(conn, host);
        return STOP;
    }
    take_timestamp(conn, host, arrived); /* by SEG.SEQ as it came */
    if (conn->fin_queued && seq_gt(conn->snd.una, tcp_fin_seq(conn))) {
        our_fin_acked(conn, host);
    }
    return conn->state == HF_CLOSED ? STOP : GO_ON;
}

/* Sixth: the URG bit (RFC 9293 3.8.5, RFC 6093). The program is told when the mark appears and each
 * time it moves on (MUST-32). The segment is as it came: the pointer counts from its own SEG.SEQ.
 * Keeps RFC6093-4-a. */
static void sixth_check_urg(struct tcp_conn *conn, struct tcp_host *host,
                            const struct tcp_segment *segment)
{
    seq32 mark;
    if (!(segment->flags & HF_URG) || conn->receive_eof) {
        return;
    }
    /* MUST-62: the pointer names the octet after the urgent data. */
    mark = seq_add(segment->seq, segment->urgent_pointer);
    if (seq_le(mark, conn->rcv.nxt) || (conn->urgent_receiving && seq_le(mark, conn->rcv.up))) {
        return;
    }
    conn->rcv.up = mark;
    conn->urgent_receiving = true;
    tcp_trace(conn, host, HF_TRACE_CALL, HF_REASON_URGENT_ARRIVED, segment->urgent_pointer);
    tcp_tell(conn, HF_EVENT_URGENT);
}

/* Seventh: the segment text.
 * Keeps MAY-1. */
static enum verdict seventh_process_text(struct tcp_conn *conn, struct tcp_host *host,
                                         const struct tcp_segment *segment, enum hf_reason *reason)
{
    switch (conn->state) {
    case HF_ESTABLISHED:
    case HF_FIN_WAIT_1:
    case HF_FIN_WAIT_2:
        break;
    case HF_CLOSE_WAIT:
    case HF_CLOSING:
    case HF_LAST_ACK:
        /* "This should not occur since a FIN has been received": text beyond the FIN. */
        *reason = HF_REASON_DATA_AFTER_FIN;
        challenge(conn, host);
        return STOP;
    case HF_CLOSED:
    case HF_LISTEN:
    case HF_SYN_SENT:
    case HF_SYN_RECEIVED:
    case HF_TIME_WAIT:
        return STOP;
    }
    if (conn->orphan || (conn->receive_shutdown && conn->fin_queued)) {
        /* SHLD-3, RFC 1122 4.2.2.13: nobody will read it. */
        reset_with_their_ack(conn, segment);
        *reason = HF_REASON_DATA_AFTER_CLOSE;
        tcp_finish(conn, host, HF_ECONNRESET, *reason);
        return STOP;
    }
    *reason = tcp_receive_text(conn, host, segment);
    return GO_ON;
}

/* Keeps MUST-12, MUST-13. */
static void take_fin(struct tcp_conn *conn, struct tcp_host *host)
{
    conn->rcv.nxt = seq_add(conn->rcv.nxt, 1);
    conn->rcv.wnd -= conn->rcv.wnd > 0 ? 1u : 0u;
    conn->has_fin = false;
    conn->receive_eof = true;
    tcp_ack_now(conn, HF_REASON_SEND_ACK);
    tcp_tell(conn, HF_EVENT_PEER_CLOSED);
    switch (conn->state) {
    case HF_SYN_RECEIVED:
    case HF_ESTABLISHED:
        tcp_set_state(conn, host, HF_CLOSE_WAIT, HF_REASON_FIN_ARRIVED);
        break;
    case HF_FIN_WAIT_1:
        /* Had this segment acknowledged our FIN, the fifth step would have left FIN-WAIT-2. */
        tcp_set_state(conn, host, HF_CLOSING, HF_REASON_FIN_ARRIVED);
        break;
    case HF_FIN_WAIT_2:
        tcp_tell(conn, HF_EVENT_CLOSED);
        conn->metrics_due = true;
        tcp_set_state(conn, host, HF_TIME_WAIT, HF_REASON_FIN_ARRIVED);
        break;
    case HF_CLOSED:
    case HF_LISTEN:
    case HF_SYN_SENT:
    case HF_CLOSE_WAIT:
    case HF_CLOSING:
    case HF_LAST_ACK:
    case HF_TIME_WAIT:
        break;
    }
}

/* Eighth: the FIN bit. A FIN above a hole is remembered and taken when the hole is filled. */
static void eighth_check_fin(struct tcp_conn *conn, struct tcp_host *host,
                             const struct tcp_segment *segment)
{
    if (conn->state == HF_CLOSED || conn->receive_eof) {
        return;
    }
    if (segment->flags & HF_FIN) {
        conn->has_fin = true;
        conn->rcv.fin = seq_add(segment->seq, segment->payload_length);
        if (!seq_eq(conn->rcv.fin, conn->rcv.nxt) && segment->payload_length == 0) {
            tcp_ack_now(conn, HF_REASON_SEND_ACK_DUPLICATE);
        }
    }
    if (conn->has_fin && seq_eq(conn->rcv.fin, conn->rcv.nxt)) {
        take_fin(conn, host);
    }
}

/* The eight steps; `segment` is a copy of `arrived`, to be trimmed. */
static enum hf_reason eight_steps(struct tcp_conn *conn, struct tcp_host *host,
                                  const struct tcp_segment *arrived, struct tcp_segment *segment)
{
    enum hf_reason reason = HF_REASON_ACCEPTED;
    bool cut_right;
    if (first_check_sequence(conn, host, segment, &reason) == STOP) {
        return reason;
    }
    reason = HF_REASON_ACCEPTED;
    if (second_check_rst(conn, host, segment, &reason) == STOP ||
        fourth_check_syn(conn, host, segment, &reason) == STOP) {
        return reason;
    }
    if (segment->payload_length > 0) {
        tcp_dsack_note_old(conn, host, segment); /* its front came before */
    }
    cut_right = trim_to_window(conn, segment);
    if (fifth_check_ack(conn, host, arrived, segment, &reason) == STOP) {
        return reason;
    }
    if (cut_right) {
        tcp_ack_now(conn, HF_REASON_SEND_ACK); /* what is beyond must come again */
    }
    sixth_check_urg(conn, host, arrived);
    if (segment->payload_length > 0 && seventh_process_text(conn, host, segment, &reason) == STOP) {
        return reason;
    }
    eighth_check_fin(conn, host, segment);
    return reason;
}

/* RFC 1323's and 7323's header prediction: what is next in order, all within the window, with an
 * ACK and neither SYN, RST nor URG. Then the first four steps find nothing wrong and nothing to
 * trim, and the sixth nothing to do. With a copy to be trimmed they took 190 instructions. */
static inline bool is_predicted(const struct tcp_conn *conn, const struct tcp_host *host,
                                const struct tcp_segment *segment)
{
    return seq_eq(segment->seq, conn->rcv.nxt) &&
           (segment->flags & (HF_SYN | HF_RST | HF_URG | HF_ACK)) == HF_ACK &&
           segment->payload_length <= conn->rcv.wnd && !stamp_is_old(conn, segment) &&
           !host->by_the_book;
}

/* The fifth step and those after it. */
static enum hf_reason predicted_steps(struct tcp_conn *conn, struct tcp_host *host,
                                      const struct tcp_segment *segment)
{
    enum hf_reason reason = HF_REASON_ACCEPTED;
    if (fifth_check_ack(conn, host, segment, segment, &reason) == STOP ||
        (segment->payload_length > 0 &&
         seventh_process_text(conn, host, segment, &reason) == STOP)) {
        return reason;
    }
    eighth_check_fin(conn, host, segment);
    return reason;
}

static enum hf_reason arrives_other_states(struct tcp_conn *conn, struct tcp_host *host,
                                           const struct tcp_segment *arrived)
{
    struct tcp_segment segment = *arrived;
    uint8_t shift = conn->snd_wind_shift;
    enum hf_reason reason;
    if (tcp_fast_open_repeated_syn(conn, &segment)) {
        return HF_REASON_SYN_CACHE_DUPLICATE;
    }
    if (!crossing_syn_ack(conn, &segment)) {
        return eight_steps(conn, host, arrived, &segment);
    }
    segment.seq = seq_add(segment.seq, 1);
    segment.flags &= (uint16_t)~HF_SYN;
    tcp_ack_now(conn, HF_REASON_SEND_ACK);
    conn->snd_wind_shift = 0; /* RFC 7323 2.2: the window of a SYN is not scaled */
    reason = eight_steps(conn, host, arrived, &segment);
    conn->snd_wind_shift = shift;
    return reason;
}

enum hf_reason tcp_segment_arrives(struct tcp_conn *conn, struct tcp_host *host,
                                   const struct tcp_segment *segment)
{
    uint32_t count = tcp_segment_count(segment);
    conn->segments_received += count;
    conn->tally.data_segments_received += segment->payload_length > 0 ? count : 0;
    conn->last_received = host->now;
    switch (conn->state) {
    case HF_SYN_SENT:
        return arrives_syn_sent(conn, host, segment);
    case HF_SYN_RECEIVED:
    case HF_ESTABLISHED:
    case HF_FIN_WAIT_1:
    case HF_FIN_WAIT_2:
    case HF_CLOSE_WAIT:
    case HF_CLOSING:
    case HF_LAST_ACK:
        return is_predicted(conn, host, segment) ? predicted_steps(conn, host, segment)
                                                 : arrives_other_states(conn, host, segment);
    case HF_CLOSED:
    case HF_LISTEN:
    case HF_TIME_WAIT:
        break;
    }
    return HF_REASON_NO_CONNECTION;
}
