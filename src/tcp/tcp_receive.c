/* SPDX-License-Identifier: MIT
 *
 * The receive side: which segments are acceptable, where their text goes, which window is offered,
 * and when an acknowledgement is due.
 *
 * Text is written at its place in the receive queue whether it is in order or not, so a hole costs
 * nothing but an entry in a short sorted list of ranges. When the hole fills, the ranges that now
 * touch RCV.NXT are simply counted in. What a peer can make us hold is the window it was offered.
 */
#include "tcp_internal.h"

/* ---- acceptability */

/* RFC 9293 3.10.7.4, table 6. One allowance beyond it, which the same section asks for ("special
 * allowance should be made to accept valid ACKs, URGs, and RSTs"): with a window of zero a segment
 * that begins at RCV.NXT is acceptable, and its text is trimmed away. */
enum hf_reason tcp_sequence_verdict(seq32 rcv_nxt, uint32_t rcv_wnd,
                                    const struct tcp_segment *segment)
{
    uint32_t length = tcp_segment_length(segment);
    seq32 edge = seq_add(rcv_nxt, rcv_wnd);
    seq32 last;
    if (length == 0 || rcv_wnd == 0) {
        if (seq_lt(segment->seq, rcv_nxt)) {
            return HF_REASON_SEQUENCE_OLD;
        }
        if (seq_eq(segment->seq, rcv_nxt) || seq_lt(segment->seq, edge)) {
            return HF_REASON_NONE;
        }
        return HF_REASON_SEQUENCE_BEYOND;
    }
    last = seq_add(segment->seq, length - 1);
    if (seq_lt(last, rcv_nxt)) {
        return HF_REASON_SEQUENCE_OLD;
    }
    if (seq_lt(segment->seq, edge)) {
        return HF_REASON_NONE;
    }
    return HF_REASON_SEQUENCE_BEYOND;
}

/* ---- acknowledgements */

/* Keeps MUST-58, MUST-59. */
void tcp_ack_now(struct tcp_conn *conn, enum hf_reason reason)
{
    if (reason == HF_REASON_SEND_ACK_DUPLICATE) {
        /* RFC 5681 4.2: one for each, so that the sender can count three. */
        if (conn->duplicate_acks_due < UINT8_MAX) {
            conn->duplicate_acks_due++;
        }
        return;
    }
    if (!(conn->intents & TCP_INTENT_ACK)) {
        conn->ack_reason = (uint8_t)reason;
        conn->intents |= TCP_INTENT_ACK;
    }
}

/* In order and no hole: RFC 9293 3.8.6.3, at least every second full-sized segment, else within
 * config.delayed_ack_ns.
 * Keeps MUST-40, SHLD-18, SHLD-19, RFC5681-4.2-b, RFC5681-4.2-c. */
static void acknowledge_in_order(struct tcp_conn *conn, const struct tcp_host *host,
                                 const struct tcp_segment *segment)
{
    uint32_t single = segment->payload_length;
    conn->ack_pending_bytes += segment->payload_length;
    if (segment->joined_bytes > 0) {
        single = min_u32(single, segment->joined_bytes);
    }
    if (single > conn->receive_mss) {
        conn->receive_mss = (uint16_t)min_u32(single, UINT16_MAX);
    }
    if ((!conn->conversation && (conn->quick_ack || conn->quick_acks > 0)) ||
        conn->ack_pending_bytes >= 2u * conn->receive_mss) {
        tcp_ack_now(conn, HF_REASON_SEND_ACK);
        return;
    }
    if (conn->deadlines[TCP_TIMER_DELAYED_ACK] == HF_TIME_NEVER) {
        conn->deadlines[TCP_TIMER_DELAYED_ACK] = host->now + host->config->delayed_ack_ns;
    }
}

/* ---- reassembly */

static size_t reassembly_size(uint32_t capacity)
{
    return sizeof(struct tcp_reassembly) + capacity * sizeof(struct tcp_range);
}

void tcp_reassembly_free(struct tcp_conn *conn, struct tcp_host *host)
{
    if (conn->reassembly != NULL) {
        memory_release(host->memory, conn->reassembly, reassembly_size(conn->reassembly->capacity));
        conn->reassembly = NULL;
    }
}

uint32_t tcp_out_of_order_bytes(const struct tcp_conn *conn)
{
    uint32_t bytes = 0;
    for (uint32_t i = 0; conn->reassembly != NULL && i < conn->reassembly->count; i++) {
        const struct tcp_range *range = &conn->reassembly->ranges[i];
        bytes += (uint32_t)seq_diff(range->right, range->left);
    }
    return bytes;
}

/* Room for one more range; false at the limit or without memory. */
static bool reassembly_grow(struct tcp_conn *conn, struct tcp_host *host)
{
    struct tcp_reassembly *old = conn->reassembly;
    struct tcp_reassembly *grown;
    uint32_t capacity;
    if (old != NULL && old->count < old->capacity) {
        return true;
    }
    capacity = old != NULL ? old->capacity * 2 : 8;
    if (capacity > TCP_REASSEMBLY_MAX_RANGES) {
        return false;
    }
    grown = memory_allocate(host->memory, reassembly_size(capacity));
    if (grown == NULL) {
        return false;
    }
    memset(grown, 0, reassembly_size(capacity));
    if (old != NULL) {
        memcpy(grown, old, reassembly_size(old->count));
    }
    grown->capacity = capacity;
    tcp_reassembly_free(conn, host);
    conn->reassembly = grown;
    return true;
}

/* Enters [left, right), merging what it touches. Scans from the end, where most arrivals go. */
static void reassembly_insert(struct tcp_reassembly *reassembly, seq32 left, seq32 right)
{
    struct tcp_range *ranges = reassembly->ranges;
    uint32_t end = reassembly->count;
    uint32_t begin;
    uint32_t removed;
    while (end > 0 && seq_gt(ranges[end - 1].left, right)) {
        end--;
    }
    begin = end;
    while (begin > 0 && seq_ge(ranges[begin - 1].right, left)) {
        begin--;
        left = seq_min(left, ranges[begin].left);
        right = seq_max(right, ranges[begin].right);
    }
    removed = end - begin;
    memmove(&ranges[begin + 1], &ranges[end], (reassembly->count - end) * sizeof ranges[0]);
    reassembly->count = reassembly->count - removed + 1;
    ranges[begin] = (struct tcp_range){left, right, ++reassembly->recency};
}

/* Counts in the ranges that RCV.NXT has reached. */
static void reassembly_absorb(struct tcp_conn *conn, struct tcp_host *host)
{
    struct tcp_reassembly *reassembly = conn->reassembly;
    uint32_t taken = 0;
    while (taken < reassembly->count && seq_le(reassembly->ranges[taken].left, conn->rcv.nxt)) {
        seq32 right = reassembly->ranges[taken].right;
        if (seq_gt(right, conn->rcv.nxt)) {
            uint32_t more = (uint32_t)seq_diff(right, conn->rcv.nxt);
            conn->rcv.nxt = right;
            conn->rcv.wnd -= more;
            conn->receive_bytes += more;
            conn->bytes_received += more;
        }
        taken++;
    }
    reassembly->count -= taken;
    memmove(reassembly->ranges, &reassembly->ranges[taken],
            reassembly->count * sizeof reassembly->ranges[0]);
    if (reassembly->count == 0) {
        tcp_reassembly_free(conn, host);
    }
}

/* The FIN has a number of its own, which is held like the text (and as Linux tells it). */
static struct tcp_sack_block block_of(const struct tcp_conn *conn, const struct tcp_range *range)
{
    bool fin = conn->has_fin && seq_eq(range->right, conn->rcv.fin);
    return (struct tcp_sack_block){range->left, seq_add(range->right, fin)};
}

/* A FIN without text in front of it, beyond a hole: a block by itself, which comes first if nothing
 * else is held. */
static void fill_lone_fin(const struct tcp_conn *conn, struct tcp_options *options, unsigned room)
{
    const struct tcp_reassembly *held = conn->reassembly;
    if (!conn->has_fin || conn->receive_eof || options->sack_count >= room ||
        seq_le(conn->rcv.fin, conn->rcv.nxt) ||
        (held != NULL && held->count > 0 &&
         seq_eq(held->ranges[held->count - 1].right, conn->rcv.fin))) {
        return;
    }
    options->sack[options->sack_count++] =
        (struct tcp_sack_block){conn->rcv.fin, seq_add(conn->rcv.fin, 1)};
}

/* RFC 2018 4: the block with the segment that came last is first, then the others, most recently
 * reported first.
 * Keeps RFC2018-3-a, RFC2018-4-b, RFC2018-4-c, RFC2018-4-d.
 * Keeps RFC2883-4-d. */
void tcp_fill_sack(const struct tcp_conn *conn, struct tcp_options *options)
{
    const struct tcp_reassembly *reassembly = conn->reassembly;
    unsigned room;
    uint32_t bound = UINT32_MAX;
    options->sack_count = 0;
    if (!conn->sack) {
        return;
    }
    room = tcp_options_sack_room(options);
    if (conn->dsack_due && room > 0) {
        options->sack[options->sack_count++] = conn->dsack; /* RFC 2883 4: it comes first */
    }
    while (reassembly != NULL && options->sack_count < room) {
        const struct tcp_range *best = NULL;
        for (uint32_t i = 0; i < reassembly->count; i++) {
            const struct tcp_range *range = &reassembly->ranges[i];
            if (range->recency < bound && (best == NULL || range->recency > best->recency)) {
                best = range;
            }
        }
        if (best == NULL) {
            break;
        }
        options->sack[options->sack_count++] = block_of(conn, best);
        bound = best->recency;
    }
    fill_lone_fin(conn, options, room);
}

/* ---- text */

/* Keeps SHLD-31, MAY-13, RFC5681-4.2-a. */
static enum hf_reason receive_out_of_order(struct tcp_conn *conn, struct tcp_host *host,
                                           const struct tcp_segment *segment)
{
    uint32_t offset = conn->receive_bytes + (uint32_t)seq_diff(segment->seq, conn->rcv.nxt);
    /* Without SACK the sender counts them; with it one tells as much. */
    for (uint32_t count = conn->sack ? 1 : tcp_segment_count(segment); count > 0; count--) {
        tcp_ack_now(conn, HF_REASON_SEND_ACK_DUPLICATE);
    }
    conn->tally.out_of_order_segments += tcp_segment_count(segment);
    if (!reassembly_grow(conn, host)) {
        return HF_REASON_REASSEMBLY_LIMIT;
    }
    if (!bytequeue_write(&conn->receive_queue, host->pages, offset, segment->payload,
                         segment->payload_length)) {
        return HF_REASON_MEMORY_LIMIT;
    }
    tcp_dsack_note_held(conn, host, segment);
    reassembly_insert(conn->reassembly, segment->seq,
                      seq_add(segment->seq, segment->payload_length));
    tcp_buffers_arrived(conn, host, segment);
    return HF_REASON_OUT_OF_ORDER;
}

/* Keeps RFC5681-4.2-a. */
enum hf_reason tcp_receive_text(struct tcp_conn *conn, struct tcp_host *host,
                                const struct tcp_segment *segment)
{
    struct tcp_segment text = *segment;
    bool filled_hole = conn->reassembly != NULL;
    tcp_ecn_text(conn, host, segment);
    if (conn->has_fin && seq_gt(seq_add(text.seq, text.payload_length), conn->rcv.fin)) {
        /* Nothing follows a FIN. */
        text.payload_length =
            seq_lt(text.seq, conn->rcv.fin) ? (uint32_t)seq_diff(conn->rcv.fin, text.seq) : 0;
        if (text.payload_length == 0) {
            return HF_REASON_DATA_AFTER_FIN;
        }
    }
    if (!seq_eq(text.seq, conn->rcv.nxt)) {
        return receive_out_of_order(conn, host, &text);
    }
    if (!text.in_place && !bytequeue_write(&conn->receive_queue, host->pages, conn->receive_bytes,
                                           text.payload, text.payload_length)) {
        tcp_ack_now(conn, HF_REASON_SEND_ACK);
        return HF_REASON_MEMORY_LIMIT;
    }
    tcp_dsack_note_held(conn, host, &text);
    conn->rcv.nxt = seq_add(conn->rcv.nxt, text.payload_length);
    conn->rcv.wnd -= text.payload_length;
    conn->receive_bytes += text.payload_length;
    conn->bytes_received += text.payload_length;
    conn->tally.last_data_received = host->now;
    tcp_buffers_arrived(conn, host, &text);
    if (filled_hole) {
        /* RFC 5681 4.2: at once when a hole is filled, wholly or in part. */
        reassembly_absorb(conn, host);
        tcp_ack_now(conn, HF_REASON_SEND_ACK);
    } else {
        acknowledge_in_order(conn, host, &text);
    }
    tcp_tell(conn, HF_EVENT_READABLE);
    return HF_REASON_ACCEPTED;
}

void tcp_forget_placed(struct tcp_conn *conn, struct tcp_host *host)
{
    if (conn->receive_bytes == 0 && conn->reassembly == NULL) {
        bytequeue_clear(&conn->receive_queue, host->pages);
    }
}

/* ---- the window */

static uint32_t free_buffer(const struct tcp_conn *conn)
{
    return conn->receive_limit_bytes > conn->receive_bytes
               ? conn->receive_limit_bytes - conn->receive_bytes
               : 0;
}

/* RFC 9293 3.8.6.2.2: the right edge moves only when it can move by min(buffer / 2, MSS).
 * Keeps MUST-39. */
static uint32_t window_step(const struct tcp_conn *conn)
{
    return min_u32(tcp_window_ceiling(conn) / 2, conn->own_mss);
}

/* Keeps MUST-39, MAY-8, REC-1, RFC7323-2.4-a. */
uint16_t tcp_offer_window(struct tcp_conn *conn)
{
    uint32_t shift = conn->rcv_wind_shift;
    uint32_t unit = 1u << shift;
    uint32_t limit = (uint32_t)UINT16_MAX << shift;
    uint32_t room = min_u32(tcp_window_room(conn), limit);
    uint32_t field;
    if (!conn->receive_eof && room > conn->rcv.wnd && room - conn->rcv.wnd >= window_step(conn)) {
        conn->rcv.wnd = max_u32(conn->rcv.wnd, room & ~(unit - 1));
    }
    /* SHLD-14: the right edge never moves left, so the field is rounded up, at the price of at most
     * one unit more than the buffer. Were it rounded up beyond that, a peer that sends a byte at a
     * time could push the edge on for ever. */
    field = (conn->rcv.wnd + unit - 1) >> shift;
    if (!conn->receive_eof && (field << shift) > free_buffer(conn) + unit - 1) {
        field = conn->rcv.wnd >> shift;
    } else {
        conn->rcv.wnd = max_u32(conn->rcv.wnd, field << shift);
    }
    return (uint16_t)min_u32(field, UINT16_MAX);
}

bool tcp_window_update_due(const struct tcp_conn *conn)
{
    uint32_t limit = (uint32_t)UINT16_MAX << conn->rcv_wind_shift;
    uint32_t room = min_u32(tcp_window_room(conn), limit);
    if (conn->receive_eof || room <= conn->rcv.wnd) {
        return false;
    }
    /* Not for every read: when the window is small, as soon as the edge may move at all; otherwise
     * when it can move by a quarter of the buffer. */
    if (conn->rcv.wnd < 2u * conn->receive_mss) {
        return room - conn->rcv.wnd >= window_step(conn);
    }
    return room - conn->rcv.wnd >= max_u32(window_step(conn), tcp_window_ceiling(conn) / 4);
}
