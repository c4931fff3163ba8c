/* SPDX-License-Identifier: MIT
 *
 * Loss recovery by what was SACKed alone (RFC 6675), as it was before RACK: config.recovery without
 * its first bit, Linux's tcp_recovery=0. A segment is lost when enough was SACKed above it, never
 * because time has passed.
 *
 * IsLost (4): DupThresh SACKed stretches lie above it, or more than DupThresh - 1 segments' worth
 * of SACKed bytes. Both only ever grow for a given segment, and are the larger the lower it lies;
 * so there is an edge below which everything not SACKed is lost, and it moves up alone. What lies
 * SACKed above the edge is counted as SACKs come (tcp_sent.c), so an ACK costs what it tells and
 * what it moves the edge by.
 *
 * NextSeg (4): (1) what is lost and was not sent again, which tcp_send.c does in any case; (2) new
 * data; then here (3) what lies in a hole, lost or not, and (4) once a recovery, the rescue: the
 * last segment of all, so that the ACK of it shows what else is missing. DupThresh is the
 * connection's reordering (tcp_reordering.c). How fast all that goes is PRR's (RFC 9937), for both
 * ways of recovery.
 */
#include "tcp_internal.h"

/* What lies SACKed at or above the edge, counted anew: at the beginning, and where losses or SACKs
 * have been taken back. */
static void begin(struct tcp_sent *sent, seq32 una)
{
    struct tcp_sent_edge *edge = &sent->edge;
    bool before = false;
    edge->on = true;
    edge->seq = una;
    edge->sacked_bytes = 0;
    edge->sacked_runs = 0;
    for (uint32_t id = sent->first; id != sent->first + sent->count; id++) {
        const struct tcp_sent_record *record = tcp_sent_at(sent, id);
        bool sacked = (record->flags & TCP_SENT_SACKED) != 0;
        edge->sacked_bytes += sacked ? record->length : 0;
        edge->sacked_runs += sacked && !before;
        before = sacked;
    }
}

void tcp_rfc6675_before_ack(struct tcp_conn *conn)
{
    struct tcp_sent *sent = conn->sent;
    if (!sent->edge.on) {
        begin(sent, sent->count > 0 ? tcp_sent_at(sent, sent->first)->seq : conn->snd.una);
    }
}

/* IsLost () for what lies just below so much. */
static bool is_lost(const struct tcp_conn *conn, uint32_t sacked_bytes, uint32_t sacked_runs)
{
    return sacked_runs >= conn->reordering ||
           sacked_bytes > (uint64_t)(conn->reordering - 1u) * tcp_effective_mss(conn);
}

/* Lost; where rule 3 has sent it again already its repetition is still out. */
static bool lose(struct tcp_conn *conn, struct tcp_host *host, uint32_t id)
{
    struct tcp_sent_record *record = tcp_sent_at(conn->sent, id);
    if (record->flags & TCP_SENT_LOST) {
        return false;
    }
    tcp_trace(conn, host, HF_TRACE_LOSS, HF_REASON_LOSS_SACK, record->seq.value);
    if ((record->flags & TCP_SENT_TWICE) && seq_lt(record->seq, conn->sent->high_rxt)) {
        tcp_sent_mark_lost_repeated(conn->sent, id);
    } else {
        tcp_sent_mark_lost(conn->sent, id);
    }
    return true;
}

/* 5 (1) to (3): DupThresh duplicate ACKs, each with news of SACK, are enough, however little they
 * SACK. An ACK with such news is one whatever else it says (2): if it moves SND.UNA, too, it is the
 * first of the next ones.
 * Keeps RFC6675-2-a, RFC6675-5-c. */
static bool threshold_reached(struct tcp_conn *conn, const struct tcp_ack_news *news)
{
    struct tcp_sent *sent = conn->sent;
    if (news->progress || conn->recovery != TCP_RECOVERY_NONE) {
        sent->sack_duplicates = 0;
    }
    if (news->sacked_bytes == 0 || conn->recovery != TCP_RECOVERY_NONE) {
        return false;
    }
    sent->sack_duplicates++;
    return sent->sack_duplicates >= conn->reordering;
}

/* Keeps RFC6675-4-a, RFC6675-5-a, RFC6675-5-b. */
uint32_t tcp_rfc6675_detect_loss(struct tcp_conn *conn, struct tcp_host *host,
                                 const struct tcp_ack_news *news)
{
    struct tcp_sent *sent = conn->sent;
    struct tcp_sent_edge *edge = &sent->edge;
    uint32_t end = sent->first + sent->count;
    uint32_t lost = 0;
    uint32_t id;
    edge->seq = seq_max(edge->seq, conn->snd.una);
    for (id = tcp_sent_find(sent, edge->seq); id != end; id++) {
        const struct tcp_sent_record *record = tcp_sent_at(sent, id);
        uint32_t bytes = edge->sacked_bytes;
        uint32_t runs = edge->sacked_runs;
        if (record->flags & TCP_SENT_SACKED) {
            bytes -= record->length;
            runs -= id + 1 == end || !(tcp_sent_at(sent, id + 1)->flags & TCP_SENT_SACKED);
        }
        if (!is_lost(conn, bytes, runs)) {
            break;
        }
        edge->sacked_bytes = bytes;
        edge->sacked_runs = runs;
        if (!(record->flags & TCP_SENT_SACKED)) {
            lost += lose(conn, host, id);
        }
    }
    edge->seq = id == end ? conn->snd.nxt : tcp_sent_at(sent, id)->seq;
    if (threshold_reached(conn, news) && lost == 0) {
        id = tcp_sent_skip_sacked(sent, sent->first);
        lost += id != end && lose(conn, host, id);
    }
    return lost;
}

/* 5 (4.3): RescueRxt is the end of the segment that goes again first, so that a rescue waits until
 * more than that has been acknowledged. Keeps RFC6675-5-e. */
void tcp_rfc6675_begin_recovery(struct tcp_conn *conn)
{
    struct tcp_sent *sent = conn->sent;
    sent->high_rxt = conn->snd.una;
    sent->rescue_from = tcp_sent_end(tcp_sent_at(sent, sent->first));
    sent->rescued = false;
}

/* NextSeg () rule 3: the first of what was not sent again and lies below something SACKed. */
static uint32_t in_a_hole(struct tcp_conn *conn)
{
    struct tcp_sent *sent = conn->sent;
    uint32_t id = tcp_sent_skip_sacked(sent, tcp_sent_find(sent, sent->high_rxt));
    if (id == sent->first + sent->count || !seq_lt(tcp_sent_at(sent, id)->seq, conn->rack.fack) ||
        (tcp_sent_at(sent, id)->flags & TCP_SENT_LOST)) {
        return TCP_SENT_NONE;
    }
    return id;
}

/* Rule 4: the last of what was not SACKed, if HighACK is beyond RescueRxt: that is the end of the
 * first repetition, and RecoveryPoint once the rescue went, which HighACK passes only when this
 * recovery is over. */
static uint32_t to_rescue(struct tcp_conn *conn)
{
    struct tcp_sent *sent = conn->sent;
    if (sent->rescued || seq_le(conn->snd.una, sent->rescue_from)) {
        return TCP_SENT_NONE;
    }
    for (uint32_t id = sent->first + sent->count; id != sent->first; id--) {
        if (!(tcp_sent_at(sent, id - 1)->flags & TCP_SENT_SACKED)) {
            return id - 1;
        }
    }
    return TCP_SENT_NONE;
}

/* Rules 1 and 2 had nothing, or the peer's window does not take it.
 * Keeps RFC6675-4-b, RFC6675-4-c. */
uint32_t tcp_rfc6675_next(struct tcp_conn *conn, const struct tcp_host *host,
                          enum hf_reason *reason)
{
    uint32_t pipe, id;
    if (conn->sent == NULL || conn->recovery != TCP_RECOVERY_FAST || tcp_rack_is_on(host)) {
        return TCP_SENT_NONE;
    }
    pipe = tcp_pipe(conn);
    if (pipe + (uint64_t)tcp_effective_mss(conn) > tcp_send_allowance(conn)) {
        return TCP_SENT_NONE;
    }
    *reason = HF_REASON_RETRANSMIT_HOLE;
    id = in_a_hole(conn);
    if (id == TCP_SENT_NONE) {
        *reason = HF_REASON_RETRANSMIT_RESCUE;
        id = to_rescue(conn);
    }
    return id;
}

/* "HighRxt" follows rules 1 and 3, the rescue does not move it. */
void tcp_rfc6675_repeated(struct tcp_conn *conn, uint32_t id, enum hf_reason reason)
{
    struct tcp_sent *sent = conn->sent;
    if (reason == HF_REASON_RETRANSMIT_RESCUE) {
        sent->rescued = true;
    } else {
        sent->high_rxt = seq_max(sent->high_rxt, tcp_sent_end(tcp_sent_at(sent, id)));
    }
    if (reason == HF_REASON_RETRANSMIT_RESCUE || reason == HF_REASON_RETRANSMIT_HOLE) {
        tcp_sent_mark_twice(sent, id);
    }
}
