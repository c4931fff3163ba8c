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

#define BYTES_FOR_A_RANGE 1024u
#define LEAST_RANGES 512u
#define MOST_RANGES 8192u

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

/* The first range that ends at `seq` or behind it. */
uint32_t tcp_reassembly_find(const struct tcp_reassembly *reassembly, seq32 seq)
{
    uint32_t low = 0;
    uint32_t high = reassembly->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (seq_lt(reassembly->ranges[middle].right, seq)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* How many there may be. Where a window was overrun every second segment may be missing, and what
 * is refused for want of a range is lost to a sender that has to send it again: a range for each
 * 1024 bytes of the buffer, but no more than bounds what a hostile peer can cost. */
static uint32_t most_ranges(const struct tcp_conn *conn)
{
    uint32_t ranges = conn->receive_limit_bytes / BYTES_FOR_A_RANGE;
    return ranges < LEAST_RANGES ? LEAST_RANGES : min_u32(ranges, MOST_RANGES);
}

/* Room for [left, right); false at the limit or without memory. What only makes a range longer
 * needs none. */
static bool reassembly_grow(struct tcp_conn *conn, struct tcp_host *host, seq32 left, seq32 right)
{
    struct tcp_reassembly *old = conn->reassembly;
    struct tcp_reassembly *grown;
    uint32_t capacity;
    uint32_t at;
    if (old != NULL && old->count < old->capacity) {
        return true;
    }
    capacity = old != NULL ? old->capacity * 2 : 8;
    if (old != NULL && capacity > most_ranges(conn)) {
        at = tcp_reassembly_find(old, left);
        return at < old->count && seq_le(old->ranges[at].left, right);
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

/* Takes out of the recent ones what lies in [left, right). */
static void forget_recent(struct tcp_reassembly *reassembly, seq32 left, seq32 right)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < reassembly->recent_count; i++) {
        struct tcp_sack_block block = reassembly->recent[i];
        if (seq_lt(block.left, left) || seq_gt(block.right, right)) {
            reassembly->recent[kept++] = block;
        }
    }
    reassembly->recent_count = kept;
}

/* Enters [left, right), merging what it touches. */
static void reassembly_insert(struct tcp_reassembly *reassembly, seq32 left, seq32 right)
{
    struct tcp_range *ranges = reassembly->ranges;
    uint32_t begin = tcp_reassembly_find(reassembly, left);
    uint32_t end = begin;
    while (end < reassembly->count && seq_le(ranges[end].left, right)) {
        left = seq_min(left, ranges[end].left);
        right = seq_max(right, ranges[end].right);
        end++;
    }
    memmove(&ranges[begin + 1], &ranges[end], (reassembly->count - end) * sizeof ranges[0]);
    reassembly->count = reassembly->count - (end - begin) + 1;
    ranges[begin] = (struct tcp_range){left, right, ++reassembly->recency};
    forget_recent(reassembly, left, right);
    reassembly->recent_count = min_u32(reassembly->recent_count, TCP_SACK_MAX_BLOCKS - 1);
    memmove(&reassembly->recent[1], &reassembly->recent[0],
            reassembly->recent_count * sizeof reassembly->recent[0]);
    reassembly->recent[0] = (struct tcp_sack_block){left, right};
    reassembly->recent_count++;
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
    forget_recent(reassembly, seq_sub(conn->rcv.nxt, 1u << 30), conn->rcv.nxt);
    if (reassembly->count == 0) {
        tcp_reassembly_free(conn, host);
    }
}

/* Some of the recent ones were absorbed: those before them again, while that is not too much to
 * look through for a peer who makes it happen with each segment. */
static void recall_recent(struct tcp_reassembly *reassembly)
{
    uint32_t wanted = min_u32(reassembly->count, TCP_SACK_MAX_BLOCKS);
    uint32_t bound = UINT32_MAX;
    if (reassembly->recent_count >= wanted || reassembly->count > LEAST_RANGES) {
        return;
    }
    for (uint32_t found = 0; found < wanted; found++) {
        const struct tcp_range *best = NULL;
        for (uint32_t i = 0; i < reassembly->count; i++) {
            const struct tcp_range *range = &reassembly->ranges[i];
            if (range->recency < bound && (best == NULL || range->recency > best->recency)) {
                best = range;
            }
        }
        if (best == NULL) {
            return;
        }
        reassembly->recent[found] = (struct tcp_sack_block){best->left, best->right};
        reassembly->recent_count = found + 1;
        bound = best->recency;
    }
}

/* The FIN has a number of its own, which is held like the text (and as Linux tells it). */
static struct tcp_sack_block with_fin(const struct tcp_conn *conn, struct tcp_sack_block block)
{
    bool fin = conn->has_fin && seq_eq(block.right, conn->rcv.fin);
    return (struct tcp_sack_block){block.left, seq_add(block.right, fin)};
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
    struct tcp_reassembly *reassembly = conn->reassembly;
    unsigned room;
    options->sack_count = 0;
    if (!conn->sack) {
        return;
    }
    room = tcp_options_sack_room(options);
    if (conn->dsack_due && room > 0) {
        options->sack[options->sack_count++] = conn->dsack; /* RFC 2883 4: it comes first */
    }
    if (reassembly != NULL) {
        recall_recent(reassembly);
        for (uint32_t i = 0; i < reassembly->recent_count && options->sack_count < room; i++) {
            options->sack[options->sack_count++] = with_fin(conn, reassembly->recent[i]);
        }
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
    if (!reassembly_grow(conn, host, segment->seq,
                         seq_add(segment->seq, segment->payload_length))) {
        return HF_REASON_REASSEMBLY_LIMIT;
    }
    if (!bytequeue_write(&conn->receive_queue, host->pages, offset, segment->payload,
                         segment->payload_length)) {
        return HF_REASON_MEMORY_LIMIT;
    }
    tcp_dsack_note_held(conn, host, segment);
    reassembly_insert(conn->reassembly, segment->seq,
                      seq_add(segment->seq, segment->payload_length));
    tcp_buffers_held(conn, host);
    tcp_buffers_arrived(conn, host, segment);
    return HF_REASON_OUT_OF_ORDER;
}

/* Keeps RFC5681-4.2-a. */
static enum hf_reason take_text(struct tcp_conn *conn, struct tcp_host *host,
                                const struct tcp_segment *segment)
{
    bool filled_hole = conn->reassembly != NULL;
    if (!seq_eq(segment->seq, conn->rcv.nxt)) {
        return receive_out_of_order(conn, host, segment);
    }
    if (!segment->in_place &&
        !bytequeue_write(&conn->receive_queue, host->pages, conn->receive_bytes, segment->payload,
                         segment->payload_length)) {
        tcp_ack_now(conn, HF_REASON_SEND_ACK);
        return HF_REASON_MEMORY_LIMIT;
    }
    if (filled_hole) {
        tcp_dsack_note_held(conn, host, segment);
    }
    conn->rcv.nxt = seq_add(conn->rcv.nxt, segment->payload_length);
    conn->rcv.wnd -= segment->payload_length;
    conn->receive_bytes += segment->payload_length;
    conn->bytes_received += segment->payload_length;
    conn->tally.last_data_received = host->now;
    tcp_buffers_arrived(conn, host, segment);
    if (filled_hole) {
        /* RFC 5681 4.2: at once when a hole is filled, wholly or in part. */
        reassembly_absorb(conn, host);
        tcp_ack_now(conn, HF_REASON_SEND_ACK);
    } else {
        acknowledge_in_order(conn, host, segment);
    }
    tcp_tell(conn, HF_EVENT_READABLE);
    return HF_REASON_ACCEPTED;
}

enum hf_reason tcp_receive_text(struct tcp_conn *conn, struct tcp_host *host,
                                const struct tcp_segment *segment)
{
    struct tcp_segment text;
    tcp_ecn_text(conn, host, segment);
    if (!conn->has_fin || seq_le(seq_add(segment->seq, segment->payload_length), conn->rcv.fin)) {
        return take_text(conn, host, segment);
    }
    /* Nothing follows a FIN. */
    if (seq_ge(segment->seq, conn->rcv.fin)) {
        return HF_REASON_DATA_AFTER_FIN;
    }
    text = *segment;
    text.payload_length = (uint32_t)seq_diff(conn->rcv.fin, text.seq);
    return take_text(conn, host, &text);
}

void tcp_forget_placed(struct tcp_conn *conn, struct tcp_host *host, uint32_t length)
{
    if (length > 0 && conn->reassembly == NULL) {
        bytequeue_unreserve(&conn->receive_queue, host->pages, conn->receive_bytes, length);
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
