/* SPDX-License-Identifier: MIT
 *
 * The segments themselves: what stands in the header and the options of an ACK, a reset, a SYN and
 * of data, once tcp_send.c has chosen which of them leaves. Whatever carries an ACK settles here
 * what was owed to the peer.
 */
#include "tcp_fast_open.h"
#include "tcp_internal.h"

/* Keeps MUST-30, MUST-31, RFC6093-4-a, RFC7323-3.2-a. */
void tcp_build_header(struct tcp_conn *conn, struct tcp_host *host, struct tcp_segment *segment,
                      seq32 seq, uint16_t flags)
{
    memset(segment, 0, sizeof *segment);
    segment->source_port = conn->tuple.local_port;
    segment->destination_port = conn->tuple.remote_port;
    segment->seq = seq;
    segment->flags = flags;
    /* RFC 7323 3.2: in every segment once agreed, RST excepted; on our first SYN as an offer. */
    if (conn->timestamps || ((flags & (HF_SYN | HF_ACK)) == HF_SYN && host->config->timestamps)) {
        segment->options.has_timestamps = !(flags & HF_RST);
        segment->options.ts_value = tcp_timestamp(conn, host->now);
        segment->options.ts_echo = flags & HF_ACK ? conn->ts_recent : 0;
    }
    if (flags & HF_ACK) {
        segment->ack = conn->rcv.nxt;
    }
    if (conn->urgent_sending && seq_lt(seq, conn->snd.up) && !(flags & HF_SYN)) {
        /* MUST-62: SND.UP names the octet after the urgent data; farther than 65535 it is announced
         * as far as the field goes. */
        uint32_t distance = (uint32_t)seq_diff(conn->snd.up, seq);
        segment->flags |= HF_URG;
        segment->urgent_pointer = (uint16_t)min_u32(distance, UINT16_MAX);
    }
}

/* Whatever carries an ACK settles the delayed one.
 * Keeps MUST-58. */
static void acknowledged(struct tcp_conn *conn, struct tcp_segment *segment)
{
    segment->window = tcp_offer_window(conn);
    conn->intents &= (uint16_t) ~(TCP_INTENT_ACK);
    conn->dsack_due = false; /* RFC 2883 4: reported once */
    conn->ack_pending_bytes = 0;
    conn->rcv.last_ack_sent = conn->rcv.nxt;
    conn->deadlines[TCP_TIMER_DELAYED_ACK] = HF_TIME_NEVER;
    if (conn->quick_acks > 0) {
        conn->quick_acks--;
    }
}

/* Neither SACK nor accurate ECN has anything to say beside the timestamps. */
static bool options_are_plain(const struct tcp_conn *conn)
{
    return conn->reassembly == NULL && !conn->dsack_due && !conn->has_fin &&
           conn->ecn.mode != TCP_ECN_ACCURATE;
}

void tcp_build_ack(struct tcp_conn *conn, struct tcp_host *host, struct tcp_segment *segment,
                   seq32 seq)
{
    bool handshake = conn->ecn.handshake_due;
    tcp_build_header(conn, host, segment, seq, HF_ACK);
    tcp_ecn_fill(conn, host, segment, false);
    if (!options_are_plain(conn)) {
        /* RFC 9768 3.2.2.1: beside SACK blocks the field would be a counter.
         * Keeps RFC9768-3.2.2.1-d. */
        if (!handshake) {
            tcp_fill_sack(conn, &segment->options);
        }
        tcp_ecn_fill_option(conn, host, &segment->options, TCP_OPTIONS_MAX_BYTES);
        tcp_ecn_option_sent(conn, host, &segment->options);
    }
    acknowledged(conn, segment);
}

/* Keeps RFC9768-3.2.2-b. */
void tcp_build_reset(struct tcp_conn *conn, struct tcp_host *host, struct tcp_segment *segment)
{
    tcp_build_header(conn, host, segment, conn->reset_seq, HF_RST);
    segment->flags = HF_RST;
    segment->urgent_pointer = 0;
    if (conn->reset_has_ack) {
        segment->flags = HF_RST | HF_ACK;
        segment->ack = conn->reset_ack;
    }
    if (conn->ecn.mode != TCP_ECN_OFF) {
        tcp_ecn_fill_reset(conn, host, segment);
    }
    conn->intents &= (uint16_t)~TCP_INTENT_RESET;
    host->counters->resets_sent++;
}

/* SYN, or SYN-ACK where the peer's SYN is known (MUST-10). MSS in every SYN (SHLD-5, MUST-14).
 * Keeps MAY-3, RFC7323-2.2-a, RFC7323-2.2-b, RFC7323-3.2-f, RFC2018-2-a. */
enum hf_reason tcp_build_syn(struct tcp_conn *conn, struct tcp_host *host,
                             struct tcp_segment *segment)
{
    bool answer = conn->state != HF_SYN_SENT;
    const struct hf_config *config = host->config;
    tcp_build_header(conn, host, segment, conn->iss, answer ? HF_SYN | HF_ACK : HF_SYN);
    segment->flags |= tcp_ecn_syn_flags(conn, host);
    if (segment->flags & HF_ECE) {
        tcp_ecn_fill_syn(conn, segment);
    }
    segment->options.has_mss = true;
    segment->options.mss = conn->own_mss;
    segment->options.has_sack_permitted = answer ? conn->sack : config->sack;
    segment->options.has_window_scale = answer ? conn->window_scaling : config->window_scaling;
    segment->options.window_scale = conn->rcv_wind_shift;
    segment->window = (uint16_t)min_u32(conn->rcv.wnd, UINT16_MAX);
    conn->intents &= (uint16_t)~TCP_INTENT_SYN;
    if (seq_eq(conn->snd.nxt, conn->iss)) {
        conn->snd.nxt = seq_add(conn->iss, 1);
        conn->snd.retransmit_next = conn->snd.nxt;
        conn->progress_time = host->now;
        conn->rtt_timing = true;
        conn->rtt_seq = conn->snd.nxt;
        conn->rtt_start = host->now;
        if (tcp_fast_open_build(conn, host, segment)) {
            return HF_REASON_SEND_SYN_DATA;
        }
        return answer ? HF_REASON_SEND_SYN_ACK : HF_REASON_SEND_SYN;
    }
    if (conn->backoff == 0 && answer && !conn->passive) {
        return HF_REASON_SEND_SYN_ACK; /* simultaneous open: the same SYN, now with an ACK */
    }
    conn->retransmits++;
    host->counters->segments_retransmitted++;
    if (conn->backoff == 0 && !answer) {
        return HF_REASON_RETRANSMIT_MTU; /* no timeout: without its data (tcp_fast_open.c) */
    }
    return answer ? HF_REASON_RETRANSMIT_SYN_ACK : HF_REASON_RETRANSMIT_SYN;
}

/* Payload room in a segment that carries what this connection's segments carry now. */
uint32_t tcp_segment_room_beside(const struct tcp_conn *conn, const struct tcp_host *host)
{
    struct tcp_options options;
    uint32_t base;
    uint32_t with_sack;
    uint32_t mss = tcp_effective_mss(conn);
    memset(&options, 0, sizeof options);
    options.has_timestamps = conn->timestamps;
    base = (uint32_t)tcp_options_length(&options);
    tcp_fill_sack(conn, &options);
    tcp_ecn_fill_option(conn, host, &options, TCP_OPTIONS_MAX_BYTES);
    with_sack = (uint32_t)tcp_options_length(&options);
    return mss > with_sack - base ? mss - (with_sack - base) : 1;
}

/* SACK blocks as far as they fit beside the payload: a repetition keeps the size it had.
 * Keeps RFC2018-4-a. */
static void fill_sack_beside(struct tcp_conn *conn, const struct tcp_host *host,
                             struct tcp_segment *segment, uint32_t length)
{
    uint32_t base;
    uint32_t mss;
    if (options_are_plain(conn)) {
        return;
    }
    base = (uint32_t)tcp_options_length(&segment->options);
    mss = tcp_effective_mss(conn);
    tcp_fill_sack(conn, &segment->options);
    while (segment->options.sack_count > 0 &&
           length + tcp_options_length(&segment->options) - base > mss) {
        segment->options.sack_count--;
    }
    tcp_ecn_fill_option(conn, host, &segment->options,
                        min_u32(base + (mss > length ? mss - length : 0), TCP_OPTIONS_MAX_BYTES));
    tcp_ecn_option_sent(conn, host, &segment->options);
}

/* Data from `seq`, `length` of it, with FIN if that ends the stream and `fin` says so.
 * Keeps MAY-15. */
void tcp_build_data(struct tcp_conn *conn, struct tcp_host *host, struct tcp_segment *segment,
                    seq32 seq, uint32_t length, bool fin, uint32_t *payload_offset)
{
    uint16_t flags = HF_ACK;
    if (length > 0 && seq_eq(seq_add(seq, length), tcp_fin_seq(conn)) &&
        (!conn->more_follows || fin)) {
        flags |= HF_PSH; /* MUST-61: on the last segment of what there is */
    }
    if (conn->notes != NULL && length > 0 && tcp_notes_ends(conn, seq_add(seq, length))) {
        flags |= HF_PSH; /* or of what the program holds together */
    }
    if (fin) {
        flags |= HF_FIN;
    }
    tcp_build_header(conn, host, segment, seq, flags);
    tcp_ecn_fill(conn, host, segment, length > 0 && seq_ge(seq, conn->snd.nxt));
    fill_sack_beside(conn, host, segment, length);
    segment->payload_length = length;
    *payload_offset = (uint32_t)seq_diff(seq, conn->snd.front);
    if (length > 0 && conn->tally.data_segments_received > 0 &&
        host->now - conn->tally.last_data_received < host->config->delayed_ack_ns) {
        conn->conversation = true; /* ACKs ride on answers */
    }
    acknowledged(conn, segment);
    conn->bytes_sent += length;
    conn->tally.data_segments_sent += length > 0;
    conn->last_sent = host->now;
}
