/* SPDX-License-Identifier: MIT
 *
 * Duplicates (RFC 2883). A receiver that gets octets again says which, in the first block of its
 * next ACK, once. A sender that hears of it learns that a repetition was needless: RACK gives
 * reordering more time (RFC 8985 6.2), and when every repetition of a recovery was needless, so was
 * the recovery (tcp_undo.c).
 *
 * What a peer says here is only a claim. It may say that more came twice than was ever sent twice;
 * then the network duplicates, or the peer lies, and no reduction is taken back for it.
 */
#include "tcp_internal.h"

/* A DSACK is about one segment that came again. Our records are segments, so the block of an
 * honest peer covers a few of them at most; looking no further bounds what a long one costs. */
#define DSACK_RECORDS_MAX 32u

/* ---- telling */

void tcp_dsack_note(struct tcp_conn *conn, struct tcp_host *host, seq32 left, seq32 right)
{
    if (!conn->sack || !host->config->dsack) {
        return;
    }
    conn->dsack = (struct tcp_sack_block){left, right};
    conn->dsack_due = true;
    host->counters->dsacks_sent++;
    uint32_t as_ours = left.value - conn->irs.value + conn->iss.value;
    tcp_trace(conn, host, HF_TRACE_RECOVERY, HF_REASON_DSACK_SENT, as_ours);
}

/* RFC 2883 4 (1), (2): the duplicate part that is below the cumulative acknowledgement.
 * Keeps RFC2883-4-a, RFC2883-4-c. */
void tcp_dsack_note_old(struct tcp_conn *conn, struct tcp_host *host,
                        const struct tcp_segment *segment)
{
    seq32 end = seq_add(segment->seq, tcp_segment_length(segment));
    if (seq_lt(segment->seq, end) && seq_lt(segment->seq, conn->rcv.nxt)) {
        tcp_dsack_note(conn, host, segment->seq, seq_min(end, conn->rcv.nxt));
    }
}

/* RFC 2883 4 (3): above it. Where several stretches are duplicates, the first is reported (4 (4)),
 * and the block that holds it follows by itself: it is the one touched last.
 * Keeps RFC2883-4-b, RFC2883-4-c. */
void tcp_dsack_note_held(struct tcp_conn *conn, struct tcp_host *host,
                         const struct tcp_segment *segment)
{
    const struct tcp_reassembly *held = conn->reassembly;
    seq32 end = seq_add(segment->seq, segment->payload_length);
    uint32_t first;
    if (held == NULL || held->count == 0 ||
        (conn->dsack_due && seq_eq(conn->dsack.right, conn->rcv.nxt))) {
        return; /* its front was a duplicate, too, and is reported */
    }
    first = tcp_reassembly_find(held, seq_add(segment->seq, 1));
    if (first < held->count && seq_lt(held->ranges[first].left, end)) {
        tcp_dsack_note(conn, host, seq_max(segment->seq, held->ranges[first].left),
                       seq_min(end, held->ranges[first].right));
    }
}

/* ---- hearing */

/* RFC 2883 4: the first block is a duplicate's when it lies below the ACK or inside the second. One
 * that names what was never sent is an error or an attack.
 * Keeps RFC2883-5-a. */
static bool is_dsack(const struct tcp_conn *conn, const struct tcp_segment *segment)
{
    const struct tcp_options *options = &segment->options;
    const struct tcp_sack_block *block = &options->sack[0];
    if (options->sack_count == 0 || seq_ge(block->left, block->right) ||
        seq_gt(block->right, conn->snd.nxt) || seq_le(block->left, conn->iss)) {
        return false;
    }
    if (seq_lt(block->left, segment->ack)) {
        return true;
    }
    return options->sack_count > 1 && seq_ge(block->left, options->sack[1].left) &&
           seq_le(block->right, options->sack[1].right);
}

/* How many of the repetitions that the undo counts the block speaks of. */
static uint32_t repetitions_in(struct tcp_conn *conn, struct tcp_sack_block block,
                               uint32_t segments)
{
    struct tcp_sent *sent = conn->sent;
    uint32_t count = 0;
    uint32_t id;
    if (seq_le(block.right, conn->undo.marker)) {
        return 0; /* of an older recovery */
    }
    if (sent == NULL || sent->count == 0 ||
        seq_le(block.right, tcp_sent_at(sent, sent->first)->seq)) {
        return segments; /* acknowledged before; there is no record left to look at */
    }
    id = tcp_sent_find(sent, block.left);
    for (uint32_t i = 0; i < DSACK_RECORDS_MAX && id != sent->first + sent->count; i++, id++) {
        const struct tcp_sent_record *record = tcp_sent_at(sent, id);
        if (seq_gt(tcp_sent_end(record), block.right)) {
            break;
        }
        count += (record->flags & TCP_SENT_REPEATED) != 0;
    }
    return count;
}

/* RFC 8985 6.2 step 4: a DSACK in a round trip says that reo_wnd was too small. DEVIATION: step 4
 * counts any DSACK; as in Linux, the one for a tail loss probe does not count: the probe was sent
 * for silence, whatever reo_wnd was.
 * Keeps RFC8985-6.2-c. */
static void widen(struct tcp_conn *conn, struct tcp_host *host, struct tcp_ack_news *news)
{
    struct tcp_rack *rack = &conn->rack;
    if (!news->dsack || news->probe_dup || rack->dsack_round_valid ||
        (host->config->recovery & TCP_LOSS_STATIC_WINDOW)) {
        return;
    }
    news->widened = true;
    rack->dsack_round_valid = true;
    rack->dsack_round = conn->snd.nxt;
    if (rack->reo_wnd_mult < UINT8_MAX) {
        rack->reo_wnd_mult++;
    }
    rack->reo_wnd_persist = TCP_RACK_PERSIST;
    tcp_trace(conn, host, HF_TRACE_RECOVERY, HF_REASON_REO_WND_WIDER, conn->snd.una.value);
}

/* Where what was sent again is SACKed and then came once more, above SND.UNA, its repetition was
 * needless: the original had only been overtaken. RFC 8985 6.2 step 3 looks at what was sent once;
 * but where every hole is sent again at once that would never find the path out, and reo_wnd, which
 * the same DSACK widens, is not asked before reordering was seen. As in Linux it is seen here. */
static void show_overtaken(struct tcp_conn *conn, struct tcp_sack_block block,
                           struct tcp_ack_news *news)
{
    struct tcp_sent *sent = conn->sent;
    const struct tcp_sent_record *record;
    uint32_t id;
    if (sent == NULL || !conn->rack.valid || seq_lt(block.left, conn->snd.una)) {
        return;
    }
    id = tcp_sent_find(sent, block.left);
    if (id == sent->first + sent->count) {
        return;
    }
    record = tcp_sent_at(sent, id);
    if ((record->flags & TCP_SENT_SACKED) && (record->flags & TCP_SENT_REPEATED) &&
        seq_le(tcp_sent_end(record), block.right) &&
        seq_lt(tcp_sent_end(record), conn->rack.fack)) {
        conn->rack.reordering_seen = true;
        news->reordered = true;
        news->reordered_from = record->seq;
    }
}

/* Keeps RFC3708-4-a. */
void tcp_dsack_on_ack(struct tcp_conn *conn, struct tcp_host *host,
                      const struct tcp_segment *segment, struct tcp_ack_news *news)
{
    struct tcp_rack *rack = &conn->rack;
    struct tcp_undo *undo = &conn->undo;
    struct tcp_sack_block block = segment->options.sack[0];
    uint32_t mss = tcp_effective_mss(conn);
    uint32_t segments;
    if (rack->dsack_round_valid && seq_ge(conn->snd.una, rack->dsack_round)) {
        rack->dsack_round_valid = false;
    }
    news->dsack = is_dsack(conn, segment);
    if (!news->dsack) {
        return;
    }
    segments = ((uint32_t)seq_diff(block.right, block.left) - 1) / mss + 1;
    if (conn->dsacks_received > UINT32_MAX - segments) {
        return;
    }
    conn->dsacks_received += segments;
    host->counters->dsacks_received++;
    news->probe_dup =
        rack->probe_out && rack->probe_repeats && seq_eq(block.right, rack->probe_end);
    tcp_trace(conn, host, HF_TRACE_RECOVERY, HF_REASON_DSACK_SEEN, block.left.value);
    widen(conn, host, news);
    if (conn->dsacks_received > conn->retransmits) {
        tcp_trace(conn, host, HF_TRACE_RECOVERY, HF_REASON_DSACK_IGNORED, block.left.value);
        return;
    }
    show_overtaken(conn, block, news);
    if (undo->possible && undo->retransmits > 0) {
        undo->retransmits -= min_u32(undo->retransmits, repetitions_in(conn, block, segments));
    }
}
