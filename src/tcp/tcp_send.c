/* SPDX-License-Identifier: MIT
 *
 * tcp_next_segment: the only place that chooses what leaves. It is asked again and again until it
 * has nothing more to say, and answers in this order:
 *
 *   a reset; the SYN; challenge and duplicate ACKs (always by themselves); what loss recovery wants
 *   sent again; new data or FIN as window, cwnd, Nagle and silly-window avoidance allow; window
 *   probes and keep-alives; and last an ACK that found no data to ride on.
 *
 * How each of them is built: tcp_build.c. The stack copies the payload from the send queue at
 * *payload_offset.
 */
#include "tcp_internal.h"

/* ---- retransmissions */

/* Not beyond a boundary that the program has set. */
static uint32_t whole_segment(const struct tcp_conn *conn, seq32 seq, uint32_t length)
{
    return conn->notes != NULL ? tcp_notes_bound(conn, seq, length) : length;
}

/* RFC 6298 5: nothing goes again less than an RTO after it left, and what the timer will send is
 * the first that is outstanding. When that goes again the time begins anew (RFC 6675 6's careful
 * variant, as Linux does in any recovery).
 * Keeps RFC6298-5-a. */
static void give_repetition_its_time(struct tcp_conn *conn, seq32 seq)
{
    if (conn->recovery != TCP_RECOVERY_NONE && seq_le(seq, conn->snd.una)) {
        conn->deadlines[TCP_TIMER_RETRANSMIT] = HF_TIME_NEVER;
    }
}

/* Of what follows what went again just now. */
static void set_next_reason(struct tcp_conn *conn)
{
    if (conn->retransmit_reason != HF_REASON_RETRANSMIT_MTU) {
        conn->retransmit_reason = HF_REASON_RETRANSMIT_AFTER_TIMEOUT;
    }
}

static void count_repetition(struct tcp_conn *conn, struct tcp_host *host, uint32_t length)
{
    tcp_pacing_sent(conn, host, length);
    tcp_mtu_on_repeat(conn, host);
    conn->retransmits++;
    conn->bytes_retransmitted += length;
    host->counters->segments_retransmitted++;
    conn->rtt_timing = false; /* Karn */
}

/* The segment at retransmit_next, up to what was in flight. */
static enum hf_reason build_retransmission(struct tcp_conn *conn, struct tcp_host *host,
                                           struct tcp_segment *segment, uint32_t *payload_offset)
{
    seq32 seq = seq_max(conn->snd.retransmit_next, conn->snd.front);
    seq32 data_end = seq_min(tcp_fin_seq(conn), conn->snd.nxt);
    uint32_t left = seq_lt(seq, data_end) ? (uint32_t)seq_diff(data_end, seq) : 0;
    uint32_t length = whole_segment(conn, seq, min_u32(left, tcp_segment_room(conn, host)));
    bool fin = conn->fin_queued && seq_gt(conn->snd.nxt, tcp_fin_seq(conn)) && length == left;
    enum hf_reason reason = (enum hf_reason)conn->retransmit_reason;
    seq32 next;
    tcp_build_data(conn, host, segment, seq, length, fin, payload_offset);
    next = seq_add(seq, length + (fin ? 1u : 0u));
    give_repetition_its_time(conn, seq);
    conn->prr.out_bytes += next.value - seq.value;
    if (length == 0 && fin) {
        reason = HF_REASON_RETRANSMIT_FIN;
    }
    count_repetition(conn, host, length);
    tcp_rate_sent_again(conn, NULL);
    tcp_undo_on_repeat(conn, segment->options.ts_value);
    conn->intents &= (uint16_t)~TCP_INTENT_RETRANSMIT;
    if (conn->recovery == TCP_RECOVERY_TIMEOUT) {
        conn->snd.retransmit_next = next;
        set_next_reason(conn);
    } else {
        conn->snd.retransmit_next = conn->snd.nxt;
    }
    return reason;
}

/* With SACK: the first lost record, or for a probe the last one; `spare`: what RFC 6675 sends again
 * where nothing lost or new may leave. TCP_SENT_NONE: none. */
static uint32_t which_repetition(struct tcp_conn *conn, const struct tcp_host *host, bool spare,
                                 enum hf_reason *reason)
{
    if (spare) {
        return tcp_rfc6675_next(conn, host, reason);
    }
    if (conn->intents & TCP_INTENT_LOSS_PROBE) {
        *reason = HF_REASON_SEND_LOSS_PROBE;
        return conn->sent->first + conn->sent->count - 1;
    }
    *reason = tcp_rack_is_on(host) ? HF_REASON_RETRANSMIT_RACK : HF_REASON_RETRANSMIT_SACK;
    if (conn->recovery == TCP_RECOVERY_TIMEOUT) {
        *reason = (enum hf_reason)conn->retransmit_reason;
    }
    return tcp_sent_next_lost(conn->sent);
}

/* Keeps RFC2018-5-a, RFC8985-7.3-a, RFC8985-7.3-e. */
static bool next_repetition(struct tcp_conn *conn, struct tcp_host *host,
                            struct tcp_segment *segment, uint32_t *payload_offset, bool spare,
                            enum hf_reason *reason)
{
    const struct tcp_sent_record *record;
    uint32_t id = which_repetition(conn, host, spare, reason);
    bool probe = *reason == HF_REASON_SEND_LOSS_PROBE;
    enum hf_reason spare_reason;
    bool fin;
    if (id == TCP_SENT_NONE) {
        conn->intents &= (uint16_t)~TCP_INTENT_RETRANSMIT;
        return false;
    }
    record = tcp_sent_at(conn->sent, id);
    fin = conn->fin_queued && seq_gt(tcp_sent_end(record), tcp_fin_seq(conn));
    if (record->length > tcp_effective_mss(conn) + fin && tcp_mtu_cut(conn, host, false)) {
        /* It left when the path took more, or to find out whether it does. */
        id = which_repetition(conn, host, spare, reason);
        record = tcp_sent_at(conn->sent, id);
        fin = conn->fin_queued && seq_gt(tcp_sent_end(record), tcp_fin_seq(conn));
    }
    if (probe) {
        conn->intents &= (uint16_t)~TCP_INTENT_LOSS_PROBE;
        conn->rack.probe_timed = conn->rtt_timing && seq_ge(record->seq, conn->rtt_seq);
    }
    tcp_build_data(conn, host, segment, record->seq, record->length - (fin ? 1u : 0u), fin,
                   payload_offset);
    spare_reason = *reason;
    if (fin && record->length == 1 && !probe) {
        *reason = HF_REASON_RETRANSMIT_FIN;
    }
    if (record->flags & TCP_SENT_PUSHED) {
        segment->flags |= HF_PSH;
    }
    tcp_repeat_stamp(conn, host, segment, record);
    tcp_sent_repeat(conn->sent, id, host->now);
    tcp_rate_sent_again(conn, tcp_sent_at(conn->sent, id));
    conn->prr.out_bytes += record->length;
    count_repetition(conn, host, segment->payload_length);
    if (!probe) {
        tcp_undo_on_repeat(conn, segment->options.ts_value);
        tcp_rfc6675_repeated(conn, id, spare_reason);
    }
    conn->intents &= (uint16_t)~TCP_INTENT_RETRANSMIT;
    if (conn->recovery == TCP_RECOVERY_TIMEOUT) {
        set_next_reason(conn);
    }
    if (!probe) {
        give_repetition_its_time(conn, record->seq);
    }
    return true;
}

/* After a timeout cwnd is spent in whole segments (RFC 5681 2); what PRR lets go in fast recovery
 * is counted so already, and a part of one may leave as a whole. Keeps RFC5681-2-b. */
static bool repetition_fits(const struct tcp_conn *conn, uint32_t length)
{
    uint64_t pipe = tcp_pipe(conn);
    if (conn->recovery == TCP_RECOVERY_TIMEOUT && pipe > 0) {
        pipe += length - 1u;
    }
    return pipe < tcp_send_allowance(conn);
}

/* After a timeout, what follows goes again as cwnd and the window allow (SHLD-16). */
static bool retransmission_allowed(struct tcp_conn *conn)
{
    seq32 edge = seq_add(conn->snd.una, conn->snd.wnd);
    seq32 next = conn->snd.retransmit_next;
    if (conn->sent != NULL) {
        uint32_t id = tcp_sent_next_lost(conn->sent);
        return id != TCP_SENT_NONE && seq_lt(tcp_sent_at(conn->sent, id)->seq, edge) &&
               repetition_fits(conn, tcp_sent_at(conn->sent, id)->length);
    }
    return conn->recovery == TCP_RECOVERY_TIMEOUT && seq_lt(next, conn->snd.recover) &&
           seq_lt(next, edge) &&
           repetition_fits(
               conn, min_u32((uint32_t)seq_diff(conn->snd.recover, next), tcp_effective_mss(conn)));
}

/* ---- new data */

static bool can_send_data(const struct tcp_conn *conn)
{
    switch (conn->state) {
    case HF_ESTABLISHED:
    case HF_CLOSE_WAIT:
    case HF_FIN_WAIT_1:
    case HF_CLOSING:
    case HF_LAST_ACK:
        return true;
    case HF_SYN_RECEIVED:
        return conn->fast_open_child; /* RFC 7413 4.2.2 */
    case HF_CLOSED:
    case HF_LISTEN:
    case HF_SYN_SENT:
    case HF_FIN_WAIT_2:
    case HF_TIME_WAIT:
        break;
    }
    return false;
}

/* RFC 9293 3.7.4, in Minshall's form as Linux has it: a segment under full size waits only while
 * another one under full size is unacknowledged. DEVIATION: the RFC's form waits for anything
 * unacknowledged; the two differ where a full segment is in flight, and there this one avoids
 * waiting for the peer's delayed ACK. MUST-17: off by HF_OPTION_NAGLE.
 * Keeps SHLD-7, SHLD-27, MAY-16. */
static bool nagle_holds(const struct tcp_conn *conn)
{
    if (conn->fin_queued || (conn->intents & TCP_INTENT_LOSS_PROBE) ||
        (conn->urgent_sending && seq_lt(conn->snd.nxt, conn->snd.up))) {
        return false; /* nothing follows, it is urgent, or a probe's (RFC 8985 7.3) */
    }
    if (conn->cork || conn->more_follows) {
        return true;
    }
    return conn->nagle && seq_gt(conn->snd.small_end, conn->snd.una) &&
           seq_le(conn->snd.small_end, conn->snd.nxt);
}

/* RFC 9293 3.8.6.2.1 (MUST-38), with U the usable window and D what there is to send:
 * how much may go now, 0: nothing.
 * Keeps SHLD-28, RFC7323-2.4-b, RFC3042-2-b. */
static uint32_t sendable_bytes(struct tcp_conn *conn, struct tcp_host *host, uint32_t unsent)
{
    int64_t window_room = (int64_t)conn->snd.wnd - tcp_flight(conn);
    int64_t cwnd_room = (int64_t)tcp_send_allowance(conn) - tcp_pipe(conn);
    uint32_t room = tcp_segment_room(conn, host);
    uint32_t bounded;
    uint32_t length;
    if (window_room <= 0) {
        return 0; /* MUST-34: the window may have shrunk under what is in flight; SHLD-15 */
    }
    if (cwnd_room < (int64_t)min_u32(room, whole_segment(conn, conn->snd.nxt, unsent)) &&
        tcp_flight(conn) > 0 && !(conn->intents & TCP_INTENT_LOSS_PROBE)) {
        tcp_cc_validate(conn, host, true);
        return 0; /* cwnd is spent in whole segments */
    }
    bounded = whole_segment(conn, conn->snd.nxt, unsent);
    length = min_u32(bounded, room);
    if (window_room < (int64_t)length) {
        length = (uint32_t)window_room;
    }
    if (length == bounded && length < unsent) {
        return length; /* it will not grow any more */
    }
    if (length == room) {
        return length; /* (1) a full segment */
    }
    if (length == unsent && !nagle_holds(conn)) {
        return length; /* (2) all there is */
    }
    if (length < unsent && length >= conn->snd.max_wnd / 2) {
        return length; /* (3) half the largest window the peer ever offered */
    }
    if (conn->intents & TCP_INTENT_FORCE_SMALL) {
        return length; /* (4) the override timeout */
    }
    return 0;
}

static void account_new_data(struct tcp_conn *conn, struct tcp_host *host, uint32_t length,
                             bool fin)
{
    if (tcp_flight(conn) == 0) {
        conn->progress_time = host->now;
    }
    if (conn->sack) {
        tcp_sent_add(conn->sent, conn->snd.nxt, length + (fin ? 1u : 0u), host->now);
    }
    conn->prr.out_bytes += length;
    tcp_rate_sent(conn, host, length + (fin ? 1u : 0u));
    conn->snd.nxt = seq_add(conn->snd.nxt, length + (fin ? 1u : 0u));
    conn->snd.retransmit_next =
        conn->recovery == TCP_RECOVERY_TIMEOUT ? conn->snd.retransmit_next : conn->snd.nxt;
    if (length > 0 && length < tcp_segment_room(conn, host)) {
        conn->snd.small_end = conn->snd.nxt;
    }
    tcp_mtu_sent(conn, host, seq_sub(conn->snd.nxt, length + (fin ? 1u : 0u)), length);
    if (!conn->rtt_timing && (conn->recovery == TCP_RECOVERY_NONE || tcp_recovery_lingers(conn))) {
        conn->rtt_timing = true;
        conn->rtt_seq = conn->snd.nxt;
        conn->rtt_start = host->now;
    }
    conn->intents &= (uint16_t) ~(TCP_INTENT_FORCE_SMALL | TCP_INTENT_PROBE);
    tcp_cc_sent(conn, host, length + (fin ? 1u : 0u));
}

/* How much of the unsent goes now, 0: nothing; and whether it probes the path's MTU. */
static uint32_t new_data_length(struct tcp_conn *conn, struct tcp_host *host, uint32_t unsent,
                                bool *mtu_probe)
{
    uint32_t length = 0;
    tcp_cc_restart_after_idle(conn, host);
    tcp_mtu_forget_old(conn, host);
    switch (conn->search.on ? tcp_mtu_choose(conn, host, unsent, &length) : TCP_MTU_NO_PROBE) {
    case TCP_MTU_PROBE:
        *mtu_probe = true;
        break;
    case TCP_MTU_NO_PROBE:
        length = sendable_bytes(conn, host, unsent);
        break;
    case TCP_MTU_WAIT:
        return 0;
    }
    if (length > 0 && !(conn->intents & TCP_INTENT_LOSS_PROBE) && tcp_pacing_holds(conn, host)) {
        return 0;
    }
    return length;
}

static bool push_due(struct tcp_conn *conn, const struct tcp_host *host, uint32_t length,
                     uint32_t unsent)
{
    struct tcp_burst burst;
    int64_t window_room, cwnd_room;
    if (length == 0 || host->config->burst_segments == 0) {
        return false;
    }
    window_room = (int64_t)conn->snd.wnd - tcp_flight(conn);
    cwnd_room = (int64_t)tcp_send_allowance(conn) - tcp_pipe(conn);
    burst = (struct tcp_burst){
        .length_bytes = length,
        .room_bytes = tcp_segment_room(conn, host),
        .unsent_bytes = unsent,
        .window_bytes = window_room > 0 ? (uint32_t)window_room : 0,
        .cwnd_bytes = cwnd_room > 0 ? (uint32_t)cwnd_room : 0,
        .small_waits = nagle_holds(conn),
    };
    return tcp_push_due(conn, host, &burst);
}

static bool send_new(struct tcp_conn *conn, struct tcp_host *host, struct tcp_segment *segment,
                     uint32_t *payload_offset, enum hf_reason *reason)
{
    uint32_t unsent = tcp_unsent_bytes(conn);
    uint32_t length = 0;
    bool fin_unsent = tcp_fin_unsent(conn);
    bool mtu_probe = false;
    bool fin;
    bool pushed;
    if (unsent > 0) {
        length = new_data_length(conn, host, unsent, &mtu_probe);
        if (length == 0) {
            return false;
        }
    }
    /* The FIN takes a number of its own, and so a place in the window. */
    fin = fin_unsent && length == unsent && (uint64_t)tcp_flight(conn) + length < conn->snd.wnd;
    if (length == 0 && !fin) {
        return false;
    }
    if (!tcp_sender_reserve(conn, host) ||
        (conn->sack &&
         !tcp_sent_reserve(&conn->sent, host->memory, conn->sender->expected_records))) {
        return false; /* ACKs will make room */
    }
    tcp_build_data(conn, host, segment, conn->snd.nxt, length, fin, payload_offset);
    pushed = (segment->flags & HF_PSH) != 0;
    if (push_due(conn, host, length, unsent)) {
        segment->flags |= HF_PSH; /* this once: a repetition is no burst */
    }
    account_new_data(conn, host, length, fin);
    tcp_tell_writable(conn); /* less waits to be sent */
    if (conn->sack && pushed) {
        tcp_sent_at(conn->sent, conn->sent->first + conn->sent->count - 1)->flags |=
            TCP_SENT_PUSHED;
    }
    *reason = length > 0 ? HF_REASON_SEND_DATA : HF_REASON_SEND_FIN;
    if (mtu_probe) {
        tcp_mtu_probe_sent(conn, host, seq_sub(conn->snd.nxt, length), length);
        *reason = HF_REASON_SEND_MTU_PROBE;
    } else if (conn->intents & TCP_INTENT_LOSS_PROBE) {
        conn->intents &= (uint16_t)~TCP_INTENT_LOSS_PROBE;
        conn->rack.probe_repeats = false;
        conn->rack.probe_end = conn->snd.nxt;
        *reason = HF_REASON_SEND_LOSS_PROBE;
    }
    return true;
}

static inline bool next_new_data(struct tcp_conn *conn, struct tcp_host *host,
                                 struct tcp_segment *segment, uint32_t *payload_offset,
                                 enum hf_reason *reason)
{
    return (tcp_unsent_bytes(conn) > 0 || tcp_fin_unsent(conn)) &&
           send_new(conn, host, segment, payload_offset, reason);
}

/* ---- probes */

/* DEVIATION: RFC 9293 3.8.6.1 probes with an octet of new data; as Linux does, the probe repeats an
 * acknowledged number without data, which every receiver must answer with an ACK too. The same
 * segment is the keep-alive (SHLD-12: no data). */
static bool next_probe(struct tcp_conn *conn, struct tcp_host *host, struct tcp_segment *segment,
                       enum hf_reason *reason)
{
    uint16_t both = TCP_INTENT_PROBE | TCP_INTENT_KEEPALIVE;
    if (!(conn->intents & both)) {
        return false;
    }
    *reason = conn->intents & TCP_INTENT_PROBE ? HF_REASON_SEND_PROBE : HF_REASON_SEND_KEEPALIVE;
    conn->intents &= (uint16_t)~both;
    /* Its number is old, so the peer will not look at its ACK field or window: whatever
     * acknowledgement or window update is due stays due. */
    tcp_build_header(conn, host, segment, seq_sub(conn->snd.una, 1), HF_ACK);
    tcp_repeat_stamp_left(conn, segment->options.ts_value);
    tcp_ecn_fill(conn, host, segment, false);
    segment->window = (uint16_t)min_u32(conn->rcv.wnd >> conn->rcv_wind_shift, UINT16_MAX);
    return true;
}

/* ---- the choice */

static bool next_bare_ack(struct tcp_conn *conn, struct tcp_host *host, struct tcp_segment *segment,
                          enum hf_reason *reason)
{
    if (conn->ecn.before_due) {
        *reason = HF_REASON_SEND_ACK;
        tcp_build_ack(conn, host, segment, conn->snd.nxt);
        tcp_ecn_fill_before(conn, segment);
        return true;
    }
    if (conn->intents & TCP_INTENT_CHALLENGE) {
        conn->intents &= (uint16_t)~TCP_INTENT_CHALLENGE;
        *reason = (enum hf_reason)conn->challenge_reason;
    } else if (conn->duplicate_acks_due > 0) {
        conn->duplicate_acks_due--;
        *reason = HF_REASON_SEND_ACK_DUPLICATE;
    } else if (conn->ecn.handshake_due) {
        *reason = HF_REASON_SEND_ACK; /* RFC 9768 3.2.2.1: a bare one, whatever else could ride */
    } else {
        return false;
    }
    tcp_build_ack(conn, host, segment, conn->snd.nxt);
    return true;
}

/* RFC 6675 4, NextSeg () rules 3 and 4. */
static bool next_spare(struct tcp_conn *conn, struct tcp_host *host, struct tcp_segment *segment,
                       uint32_t *payload_offset, enum hf_reason *reason)
{
    return tcp_rfc6675_next(conn, host, reason) != TCP_SENT_NONE && !tcp_pacing_holds(conn, host) &&
           next_repetition(conn, host, segment, payload_offset, true, reason);
}

/* Keeps MAY-7. */
static bool choose(struct tcp_conn *conn, struct tcp_host *host, struct tcp_segment *segment,
                   uint32_t *payload_offset, enum hf_reason *reason)
{
    if (conn->intents & TCP_INTENT_RESET) {
        tcp_build_reset(conn, host, segment);
        *reason = HF_REASON_SEND_RST;
        return true;
    }
    if (conn->state == HF_CLOSED) {
        return false;
    }
    if (conn->intents & TCP_INTENT_SYN) {
        *reason = tcp_build_syn(conn, host, segment);
        return true;
    }
    if (conn->state == HF_SYN_SENT) {
        return false;
    }
    if (next_bare_ack(conn, host, segment, reason)) {
        return true;
    }
    if (can_send_data(conn)) {
        if (conn->frto == TCP_FRTO_NEW && !(conn->intents & TCP_INTENT_RETRANSMIT)) {
            if (next_new_data(conn, host, segment, payload_offset, reason)) {
                return true;
            }
            if (seq_le(conn->snd.nxt, conn->snd.recover)) {
                tcp_frto_nothing_new(conn, host); /* RFC 5682 2.1 step 2b */
            }
        }
        if ((conn->intents & TCP_INTENT_RETRANSMIT) ||
            (conn->frto != TCP_FRTO_NEW && retransmission_allowed(conn) &&
             !tcp_pacing_holds(conn, host))) {
            if (conn->sent == NULL) {
                *reason = build_retransmission(conn, host, segment, payload_offset);
                return true;
            }
            if (next_repetition(conn, host, segment, payload_offset, false, reason)) {
                return true;
            }
        }
        if (next_new_data(conn, host, segment, payload_offset, reason)) {
            return true;
        }
        if (next_spare(conn, host, segment, payload_offset, reason)) {
            return true;
        }
        if ((conn->intents & TCP_INTENT_LOSS_PROBE) && conn->sent != NULL &&
            next_repetition(conn, host, segment, payload_offset, false, reason)) {
            conn->rack.probe_repeats = true;
            return true;
        }
    }
    if (next_probe(conn, host, segment, reason)) {
        return true;
    }
    if (conn->intents & TCP_INTENT_ACK) {
        *reason = (enum hf_reason)conn->ack_reason;
        tcp_build_ack(conn, host, segment, conn->snd.nxt);
        return true;
    }
    return false;
}

void tcp_fall_quiet(struct tcp_conn *conn, struct tcp_host *host)
{
    /* As tcp_tally_limits sees it, where nothing is unsent and nobody waits for room. */
    uint8_t limited = conn->send_bytes == 0 ? HF_LIMITED_NOT : HF_LIMITED_NETWORK;
    if (seq_eq(conn->snd.una, conn->snd.nxt) && conn->sent == NULL) {
        if (conn->sender != NULL) {
            tcp_rate_idle(conn);
        }
        conn->deadlines[TCP_TIMER_RETRANSMIT] = HF_TIME_NEVER;
        conn->deadlines[TCP_TIMER_PROBE] = HF_TIME_NEVER;
    } else {
        tcp_rate_check_app_limited(conn, host);
        tcp_arm_retransmit(conn, host);
    }
    if (limited != conn->tally.limited) {
        tcp_tally_limits(conn, host);
    }
}

enum hf_reason tcp_send_ack(struct tcp_conn *conn, struct tcp_host *host,
                            struct tcp_segment *segment)
{
    tcp_build_ack(conn, host, segment, conn->snd.nxt);
    tcp_arm_retransmit(conn, host);
    conn->segments_sent++;
    return (enum hf_reason)conn->ack_reason;
}

bool tcp_choose_segment(struct tcp_conn *conn, struct tcp_host *host, struct tcp_segment *segment,
                        uint32_t *payload_offset, enum hf_reason *reason)
{
    bool found = choose(conn, host, segment, payload_offset, reason);
    if (!found) {
        tcp_rate_check_app_limited(conn, host);
    }
    if (conn->state != HF_CLOSED) {
        tcp_arm_retransmit(conn, host);
        if (found && (segment->payload_length > 0 || (segment->flags & HF_FIN))) {
            tcp_arm_loss_probe(conn, host); /* RFC 8985 7.2: after each new transmission */
        }
    }
    if (found) {
        conn->segments_sent++;
        if (conn->notes != NULL && segment->payload_length > 0) {
            tcp_notes_sent(conn, host, seq_add(segment->seq, (segment->flags & HF_SYN) != 0),
                           segment->payload_length);
        }
    } else {
        tcp_tally_limits(conn, host);
    }
    return found;
}
