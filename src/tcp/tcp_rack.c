/* SPDX-License-Identifier: MIT
 *
 * Loss recovery with selective acknowledgements: RACK (RFC 8985) tells what is lost, PRR (RFC 9937)
 * how fast to go on while it is mended. RACK's other half, the tail loss probe: tcp_tlp.c.
 *
 * RACK's idea: a segment is lost when another one that was sent sufficiently later has been
 * delivered. "Sufficiently" is reo_wnd, a part of the round trip that grows when the path is seen
 * to reorder. Because it compares times of transmission, it also sees that a repetition was lost.
 */
#include "tcp_internal.h"

#define RENEGING_WAIT_MIN (10 * HF_MILLISECOND)

/* Has RACK.segment left after this one? DEVIATION: 6.2 step 2 breaks ties of time by sequence
 * number, which takes what was sent again in the same moment for older than it is; the ordinal of
 * the transmission does not. */
static bool left_before(const struct tcp_sent_record *record, const struct tcp_rack *rack)
{
    return rack->sent > record->sent ||
           (rack->sent == record->sent && (int32_t)(rack->order - record->order) > 0);
}

/* ---- 6.2 steps 1 to 3: what an acknowledged record teaches */

/* Was it the repetition that is acknowledged, or the original? Unclear ones teach nothing. An echo
 * of an older stamp tells only where SND.UNA moved over the record: behind a hole the peer echoes
 * the stamp of what came before the hole (RFC 7323 4.3), whatever it received since.
 * DEVIATION: 6.2 step 2 compares the echo in SACKs, too. Then RACK would stand still for as long as
 * the first hole is open, and a repetition of it that was lost would be for the retransmission
 * timer. As Linux does, the round trip alone decides there.
 * Keeps RFC8985-6.2-i. */
static bool ambiguous(const struct tcp_conn *conn, const struct tcp_sent_record *record,
                      const struct tcp_segment *segment, hf_time rtt)
{
    if (!(record->flags & TCP_SENT_REPEATED)) {
        return false;
    }
    if (conn->timestamps && segment->options.has_timestamps && seq_lt(record->seq, conn->snd.una) &&
        tcp_repeat_stamp_is_newer(conn, record->sent, segment->options.ts_echo)) {
        return true;
    }
    return rtt < (hf_time)tcp_min_rtt_us(&conn->rack.min_rtt) * HF_MICROSECOND;
}

/* As ambiguous as ever for who measures round trips: Karn's rule, RFC 6298 3. */
static bool times_round_trip(const struct tcp_conn *conn, const struct tcp_sent_record *record)
{
    return !(record->flags & TCP_SENT_REPEATED) || !conn->timestamps ||
           seq_lt(record->seq, conn->snd.una);
}

/* `record` stands for all of a run, the first of which ends at `first_end`: what they teach one
 * after the other, the last teaches alone. Keeps RFC8985-6.2-f. */
static void rack_update(struct tcp_conn *conn, const struct tcp_host *host, seq32 first_end,
                        const struct tcp_sent_record *record, const struct tcp_segment *segment,
                        struct tcp_ack_news *news)
{
    struct tcp_rack *rack = &conn->rack;
    seq32 end = tcp_sent_end(record);
    hf_time rtt = host->now - record->sent;
    uint32_t rtt_us =
        rtt / HF_MICROSECOND < UINT32_MAX ? (uint32_t)(rtt / HF_MICROSECOND) : UINT32_MAX;
    /* Step 3, reordering: something below the highest delivered comes, and was sent only once. */
    if (!rack->valid || seq_gt(first_end, rack->fack)) {
        rack->fack = end;
    } else if (seq_lt(end, rack->fack) && !(record->flags & TCP_SENT_REPEATED)) {
        rack->reordering_seen = true;
        news->reordered_from =
            news->reordered ? seq_min(news->reordered_from, record->seq) : record->seq;
        news->reordered = true;
    }
    /* RFC 5682 3.1: what was sent after recovery began tells nothing about what was before. */
    if (!(record->flags & TCP_SENT_REPEATED) &&
        (seq_le(first_end, conn->snd.recover) || seq_le(end, conn->snd.recover))) {
        news->original = true;
    }
    if (ambiguous(conn, record, segment, rtt)) {
        return;
    }
    if (times_round_trip(conn, record)) {
        conn->sender->ack.rtt_us = max_u32(rtt_us, 1);
    }
    if (!(record->flags & TCP_SENT_REPEATED)) {
        tcp_min_rtt_sample(&rack->min_rtt, rtt_us, host->now); /* step 1 */
    }
    /* Step 2. */
    rack->rtt_us = max_u32(rtt_us, 1);
    if (!rack->valid || !left_before(record, rack)) {
        rack->sent = record->sent;
        rack->order = record->order;
        rack->valid = true;
    }
}

/* ---- the scoreboard */

/* Bulk data has dozens of segments of an instant acknowledged by one ACK: looked at one by one they
 * took 300 instructions each. One that was overtaken is looked at by itself. */
static bool take_run(struct tcp_conn *conn, const struct tcp_host *host,
                     const struct tcp_segment *segment, struct tcp_ack_news *news)
{
    struct tcp_sent *sent = conn->sent;
    const struct tcp_sent_record *first = tcp_sent_at(sent, sent->first);
    uint32_t count = tcp_sent_run(sent, conn->snd.una);
    const struct tcp_sent_record *last = tcp_sent_at(sent, sent->first + count - 1);
    uint32_t bytes = (uint32_t)seq_diff(tcp_sent_end(last), first->seq);
    if (count < 2 || (conn->rack.valid && seq_le(tcp_sent_end(first), conn->rack.fack))) {
        return false;
    }
    news->delivered_bytes += bytes;
    tcp_rate_delivered(conn, host, last, bytes, count);
    rack_update(conn, host, tcp_sent_end(first), last, segment, news);
    tcp_sent_drop_run(sent, count);
    return true;
}

static void take_cumulative(struct tcp_conn *conn, struct tcp_host *host,
                            const struct tcp_segment *segment, struct tcp_ack_news *news)
{
    struct tcp_sent *sent = conn->sent;
    while (sent->count > 0) {
        const struct tcp_sent_record *record = tcp_sent_at(sent, sent->first);
        if (sent->count > 1 && take_run(conn, host, segment, news)) {
            continue;
        }
        if (seq_ge(record->seq, conn->snd.una)) {
            break;
        }
        if (seq_gt(tcp_sent_end(record), conn->snd.una)) {
            if (!(record->flags & TCP_SENT_SACKED)) {
                uint32_t part = (uint32_t)seq_diff(conn->snd.una, record->seq);
                news->delivered_bytes += part;
                tcp_rate_delivered_part(conn, host, part);
            }
            tcp_sent_cut_first(sent, conn->snd.una);
            break;
        }
        if (!(record->flags & TCP_SENT_SACKED)) {
            news->delivered_bytes += record->length;
            tcp_rate_delivered(conn, host, record, record->length, 1);
            rack_update(conn, host, tcp_sent_end(record), record, segment, news);
        }
        tcp_sent_drop_first(sent);
    }
}

/* Marks the records that lie wholly in the block. */
static void take_block(struct tcp_conn *conn, struct tcp_host *host,
                       const struct tcp_segment *segment, struct tcp_sack_block block,
                       struct tcp_ack_news *news)
{
    struct tcp_sent *sent = conn->sent;
    uint32_t id = tcp_sent_skip_sacked(sent, tcp_sent_find(sent, block.left));
    while (id != sent->first + sent->count) {
        struct tcp_sent_record *record = tcp_sent_at(sent, id);
        if (seq_gt(tcp_sent_end(record), block.right)) {
            return;
        }
        tcp_rate_delivered(conn, host, record, record->length, 1);
        rack_update(conn, host, tcp_sent_end(record), record, segment, news);
        tcp_rtt_note_sacked(conn, record, news);
        tcp_sent_mark_sacked(sent, id);
        news->delivered_bytes += record->length;
        news->sacked_bytes += record->length;
        id = tcp_sent_skip_sacked(sent, id);
    }
}

/* RFC 2018 8 again: a peer that goes back on its SACKs more often than we send is not believed
 * before all that was out then is acknowledged. */
static bool sacks_doubted(struct tcp_conn *conn)
{
    struct tcp_sent *sent = conn->sent;
    sent->doubted = sent->doubted && seq_lt(conn->snd.una, sent->doubted_until);
    return sent->doubted;
}

/* In ascending order, whatever order they came in: where ACKs were lost several blocks are new at
 * once, and the newest first would look like reordering. */
static void take_sack(struct tcp_conn *conn, struct tcp_host *host,
                      const struct tcp_segment *segment, struct tcp_ack_news *news)
{
    const struct tcp_options *options = &segment->options;
    struct tcp_sack_block blocks[TCP_SACK_MAX_BLOCKS];
    enum hf_reason refused = HF_REASON_NONE;
    seq32 from = conn->snd.una;
    unsigned count = 0;
    if (options->sack_count == 0) {
        return;
    }
    if (sacks_doubted(conn)) {
        tcp_trace(conn, host, HF_TRACE_RECOVERY, HF_REASON_SACK_DOUBTED,
                  options->sack[0].left.value);
        return;
    }
    for (unsigned i = news->dsack ? 1 : 0; i < options->sack_count; i++) {
        struct tcp_sack_block block = options->sack[i];
        unsigned place = count;
        /* Only what was sent and is not acknowledged; the rest is an error or an attack. */
        if (seq_ge(block.left, block.right) || seq_gt(block.right, conn->snd.nxt)) {
            refused = HF_REASON_SACK_IMPOSSIBLE;
            from = block.left;
            continue;
        }
        if (seq_lt(block.left, conn->snd.una)) {
            from = refused == HF_REASON_NONE ? block.left : from;
            refused = refused == HF_REASON_NONE ? HF_REASON_SACK_OLD : refused;
            continue;
        }
        for (; place > 0 && seq_lt(block.left, blocks[place - 1].left); place--) {
            blocks[place] = blocks[place - 1];
        }
        blocks[place] = block;
        count++;
    }
    if (refused != HF_REASON_NONE) {
        tcp_trace(conn, host, HF_TRACE_RECOVERY, refused, from.value); /* one a segment */
    }
    for (unsigned i = 0; i < count; i++) {
        take_block(conn, host, segment, blocks[i], news);
    }
}

/* ---- 6.2 steps 4 and 5: what is lost */

static bool threshold_reached(const struct tcp_conn *conn, const struct tcp_host *host)
{
    return conn->sent->sacked_count >= conn->reordering &&
           !(host->config->recovery & TCP_LOSS_NO_THRESHOLD);
}

hf_time tcp_reordering_extent(const struct tcp_conn *conn)
{
    const struct tcp_rack *rack = &conn->rack;
    hf_time extent = (hf_time)tcp_min_rtt_us(&rack->min_rtt) * HF_MICROSECOND / 4;
    hf_time srtt = (hf_time)conn->srtt_us * HF_MICROSECOND;
    return extent * rack->reo_wnd_mult < srtt ? extent * rack->reo_wnd_mult : srtt;
}

/* Keeps RFC8985-6.2-a, RFC8985-6.2-c, RFC8985-6.2-d. */
static hf_time reordering_window(const struct tcp_conn *conn, const struct tcp_host *host)
{
    if (!conn->rack.reordering_seen &&
        (conn->recovery != TCP_RECOVERY_NONE || threshold_reached(conn, host))) {
        return 0;
    }
    return tcp_reordering_extent(conn);
}

/* Marks as lost what was sent long enough before something that was delivered; returns how many.
 * Keeps RFC8985-6.2-b, RFC8985-6.2-e. */
static uint32_t detect_loss(struct tcp_conn *conn, struct tcp_host *host)
{
    const struct tcp_rack *rack = &conn->rack;
    struct tcp_sent *sent = conn->sent;
    hf_time reo_wnd = reordering_window(conn, host);
    enum hf_reason reason = reo_wnd == 0 && conn->recovery == TCP_RECOVERY_NONE
                                ? HF_REASON_LOSS_THRESHOLD
                                : HF_REASON_LOSS_RACK;
    uint32_t lost = 0;
    conn->deadlines[TCP_TIMER_REORDERING] = HF_TIME_NEVER;
    while (rack->valid && sent->flying.oldest != TCP_SENT_NONE) {
        const struct tcp_sent_record *record = tcp_sent_at(sent, sent->flying.oldest);
        hf_time due;
        if (!left_before(record, rack)) {
            break;
        }
        due = record->sent + (hf_time)rack->rtt_us * HF_MICROSECOND + reo_wnd;
        if (due > host->now) {
            /* Step 5: the reordering timer looks again. DEVIATION: at the first that is due, not
             * the last; each goes again in its time, and the last is not looked for among all. */
            conn->deadlines[TCP_TIMER_REORDERING] = due;
            break;
        }
        tcp_trace(conn, host, HF_TRACE_LOSS, reason, record->seq.value);
        tcp_sent_mark_lost(sent, sent->flying.oldest);
        lost++;
    }
    return lost;
}

/* ---- recovery */

/* `delivered_bytes`: by the ACK that shows the loss.
 * Keeps RFC9937-6-f. */
static void enter_recovery(struct tcp_conn *conn, struct tcp_host *host, uint32_t delivered_bytes)
{
    struct hf_cc_sample sample = tcp_cc_sample(conn, host, 0);
    uint32_t before = tcp_cwnd_bytes(conn);
    /* RFC 5681 3.2 step 2, RFC 6675 5 (4.2): without what left, as limited transmit, beyond cwnd
     * because SACKed segments made room. */
    sample.flight_bytes = min_u32(sample.flight_bytes, conn->congestion.cwnd_bytes);
    if (!tcp_ecn_absorbs_loss(conn)) {
        tcp_undo_begin(conn);
        conn->cc->on_congestion(&conn->congestion, &sample, HF_CC_FAST_RETRANSMIT);
        tcp_cc_bound(conn, sample.mss_bytes);
        tcp_ecn_reduced(conn);
        /* RFC 9937 6.1: of RecoverFS, what was SACKed before will not be delivered in recovery;
         * what this ACK delivers is. */
        conn->prr =
            (struct tcp_prr){.flight_bytes = max_u32(
                                 tcp_flight(conn) - conn->sent->sacked_bytes + delivered_bytes, 1)};
        conn->prr.cwnd_bytes = tcp_pipe(conn);
    }
    conn->recovery = TCP_RECOVERY_FAST;
    conn->snd.recover = conn->snd.nxt;
    conn->rtt_timing = false;
    tcp_rfc6675_begin_recovery(conn);
    conn->intents |= TCP_INTENT_RETRANSMIT; /* the first repetition goes whatever PRR says */
    tcp_forget_loss_probe(conn);            /* RFC 8985 7.1 */
    tcp_trace(conn, host, HF_TRACE_CWND, HF_REASON_CWND_RACK, before);
}

/* Something is lost: to congestion, unless it was the probe of a larger packet alone. */
static void begin_recovery(struct tcp_conn *conn, struct tcp_host *host, uint32_t delivered_bytes)
{
    if (tcp_mtu_probe_lost(conn, host)) {
        tcp_forget_loss_probe(conn);
    } else {
        enter_recovery(conn, host, delivered_bytes);
    }
}

/* cwnd is what it came to, ssthresh.
 * Keeps RFC9937-6-e. */
static void leave_recovery(struct tcp_conn *conn, struct tcp_host *host,
                           const struct tcp_ack_news *news)
{
    uint32_t before = tcp_cwnd_bytes(conn);
    bool fast = conn->recovery == TCP_RECOVERY_FAST;
    struct tcp_rack *rack = &conn->rack;
    conn->recovery = TCP_RECOVERY_NONE;
    conn->intents &= (uint16_t)~TCP_INTENT_RETRANSMIT;
    if (fast) {
        tcp_trace(conn, host, HF_TRACE_CWND, HF_REASON_CWND_RECOVERED, before);
    }
    /* Step 4: the wider window is kept for 16 recoveries, fast ones or after a timeout. */
    if (!news->widened && rack->reo_wnd_persist > 0 && --rack->reo_wnd_persist == 0) {
        rack->reo_wnd_mult = 1;
    }
}

/* RFC 9937 6: how much may leave on this ACK. What is lost meanwhile leaves room in the window that
 * is so found, until the next ACK that delivers something. As in Linux, and in section 8's
 * example, what comes down in proportion comes down in whole segments: ssthresh counts without the
 * part of one, and a part of one may leave as a whole, for it is taken off later.
 * Keeps RFC9937-6-a, RFC9937-6-b, RFC9937-6-c, RFC9937-6-d, RFC9937-6-g, RFC9937-6-h. */
void tcp_prr_on_ack(struct tcp_conn *conn, uint32_t delivered_bytes, bool progress, bool new_loss)
{
    struct tcp_prr *prr = &conn->prr;
    uint32_t mss = tcp_effective_mss(conn);
    uint32_t pipe = tcp_pipe(conn);
    uint32_t ssthresh = conn->congestion.ssthresh_bytes / mss * mss;
    int64_t allowed;
    if (delivered_bytes == 0) {
        return;
    }
    prr->delivered_bytes += delivered_bytes;
    if (pipe > ssthresh) {
        /* In proportion: by the end the flight has come down to ssthresh. */
        uint64_t share =
            (prr->delivered_bytes * ssthresh + prr->flight_bytes - 1) / prr->flight_bytes;
        allowed = (int64_t)share - (int64_t)prr->out_bytes;
        allowed = (allowed + mss - 1) / mss * mss;
    } else {
        /* Slow start back up to ssthresh while the path delivers, packet for packet otherwise. */
        int64_t limit = (int64_t)prr->delivered_bytes - (int64_t)prr->out_bytes;
        if (limit < (int64_t)delivered_bytes) {
            limit = delivered_bytes;
        }
        if (progress && !new_loss) {
            limit += mss;
        }
        allowed = (int64_t)ssthresh - pipe;
        allowed = allowed < limit ? allowed : limit;
    }
    if (prr->out_bytes == 0 && allowed <= 0) {
        allowed = mss; /* the fast retransmit itself */
    }
    prr->cwnd_bytes = pipe + (uint32_t)(allowed > 0 ? allowed : 0);
}

/* ---- what an ACK may show to have been wrong */

/* RFC 2018 8: the first of what is not acknowledged was SACKed, yet the ACK that came so far stops
 * before it. Either the ACK of the rest is on its way, or the peer has dropped what it had: the
 * timer decides soon (Linux: half a round trip, 10 ms at least), and then no SACK is believed. */
static void suspect_reneging(struct tcp_conn *conn, const struct tcp_host *host,
                             const struct tcp_ack_news *news)
{
    struct tcp_sent *sent = conn->sent;
    hf_time wait = conn->srtt_us * HF_MICROSECOND / 2;
    hf_time deadline;
    if (!news->progress || sent->count == 0 ||
        !(tcp_sent_at(sent, sent->first)->flags & TCP_SENT_SACKED)) {
        return;
    }
    deadline = host->now + (wait > RENEGING_WAIT_MIN ? wait : RENEGING_WAIT_MIN);
    if (deadline < conn->deadlines[TCP_TIMER_RETRANSMIT]) {
        conn->deadlines[TCP_TIMER_RETRANSMIT] = deadline;
    }
}

/* Was the recovery that is going on, or the last one, a mistake? True: it was, and what it took has
 * been given back. */
static bool judge_recovery(struct tcp_conn *conn, struct tcp_host *host,
                           const struct tcp_segment *segment, const struct tcp_ack_news *news)
{
    enum hf_reason reason = HF_REASON_NONE;
    switch ((enum tcp_recovery)conn->recovery) {
    case TCP_RECOVERY_NONE:
        reason = tcp_undo_by_dsack(conn) ? HF_REASON_UNDO_DSACK : HF_REASON_NONE;
        break;
    case TCP_RECOVERY_FAST:
        if (news->progress) {
            reason = tcp_undo_reason(conn, segment);
        } else if (tcp_undo_by_dsack(conn)) {
            reason = HF_REASON_UNDO_DSACK;
        }
        break;
    case TCP_RECOVERY_TIMEOUT:
        return tcp_frto_on_ack(conn, host, segment, news);
    }
    if (reason != HF_REASON_NONE) {
        tcp_undo(conn, host, reason, reason == HF_REASON_UNDO_TIMESTAMP);
    }
    return reason != HF_REASON_NONE;
}

/* ---- the two ways in */

/* 6.2 step 1: the opening's round trip counts, unless it is within a tick of the timestamps it may
 * have been taken from. */
static void first_rtt(struct tcp_conn *conn, const struct tcp_host *host)
{
    struct tcp_min_rtt *least = &conn->rack.min_rtt;
    if (tcp_min_rtt_us(least) == 0 && conn->rtt_measured && conn->srtt_us >= 1000) {
        tcp_min_rtt_sample(least, conn->srtt_us, host->now);
    }
}

/* Each octet counts once, when it is known to have arrived. RFC 5681 3.1 opens cwnd for ACKs of new
 * data, and RFC 3042 2 forbids that the first two duplicate ACKs change it. DEVIATION: as in Linux,
 * once the path has been seen to reorder further than those, SACKs alone open it, too: there nearly
 * every ACK leaves a hole, and what is behind it would never count. */
static bool growth_due(const struct tcp_conn *conn, const struct tcp_host *host,
                       const struct tcp_ack_news *news)
{
    return news->delivered_bytes > 0 &&
           (news->acked_bytes > 0 || conn->reordering > host->config->duplicate_threshold);
}

/* All that was in flight is acknowledged. */
static void end_flight(struct tcp_conn *conn, struct tcp_host *host)
{
    conn->sender->expected_records = tcp_sent_needed(conn->sent);
    tcp_sent_free(&conn->sent, host->memory);
    conn->rack.order = 0; /* ordinals begin anew */
    conn->deadlines[TCP_TIMER_REORDERING] = HF_TIME_NEVER;
    conn->intents &= (uint16_t)~TCP_INTENT_LOSS_PROBE;
}

/* Keeps RFC8985-6.2-h. */
void tcp_rack_on_ack(struct tcp_conn *conn, struct tcp_host *host,
                     const struct tcp_segment *segment, struct tcp_ack_news *news)
{
    uint8_t before = conn->recovery;
    bool overtaken = (conn->intents & TCP_INTENT_LOSS_PROBE) != 0;
    bool undone;
    uint32_t lost = 0;
    if (overtaken) {
        tcp_forget_loss_probe(
            conn); /* the answer came before the probe had left: it is not needed */
    }
    tcp_dsack_on_ack(conn, host, segment, news);
    if (conn->sent == NULL) {
        first_rtt(conn, host);
    } else {
        if (!tcp_rack_is_on(host)) {
            tcp_rfc6675_before_ack(conn);
        }
        take_cumulative(conn, host, segment, news);
        take_sack(conn, host, segment, news);
        tcp_rtt_sample_by_sack(conn, host, news);
        suspect_reneging(conn, host, news);
    }
    if (news->reordered) {
        conn->reorderings++;
        /* As far as from there to the highest that this ACK tells of, as in Linux. */
        tcp_reordering_seen(conn, news->reordered_from);
        tcp_trace(conn, host, HF_TRACE_RECOVERY, HF_REASON_REORDERING_SEEN, conn->snd.una.value);
    }
    undone = judge_recovery(conn, host, segment, news);
    /* Before losses are looked for: what left since recovery began was sent in the order in which
     * it leaves after it, and has reo_wnd's time again (RFC 8985 6.2 step 4). */
    if (conn->recovery != TCP_RECOVERY_NONE && seq_ge(conn->snd.una, conn->snd.recover)) {
        leave_recovery(conn, host, news);
    }
    if (conn->sent != NULL) {
        lost = tcp_rack_is_on(host) ? detect_loss(conn, host)
                                    : tcp_rfc6675_detect_loss(conn, host, news);
    }
    tcp_loss_probe_on_ack(conn, host, segment, news);
    /* What was sent after the last recovery began and is lost is a loss of its own. */
    if (conn->recovery == TCP_RECOVERY_NONE && conn->sent != NULL && conn->sent->lost_bytes > 0) {
        begin_recovery(conn, host, news->delivered_bytes);
    }
    if (conn->recovery == TCP_RECOVERY_FAST) {
        tcp_prr_on_ack(conn, news->delivered_bytes, news->progress, lost > 0);
    } else if (growth_due(conn, host, news) && (before != TCP_RECOVERY_FAST || undone)) {
        tcp_grow_cwnd(conn, host, news->delivered_bytes, before == TCP_RECOVERY_TIMEOUT);
    }
    tcp_rate_take_losses(conn);
    if (conn->sent != NULL && conn->sent->count == 0) {
        end_flight(conn, host);
    }
    /* 7.2: anew when SND.UNA moves. What the peer says otherwise, its own data for one, does not
     * put it off. */
    if (news->progress || overtaken) {
        tcp_arm_loss_probe(conn, host);
    } else if (!tcp_loss_probe_wanted(conn, host)) {
        conn->deadlines[TCP_TIMER_LOSS_PROBE] = HF_TIME_NEVER;
    }
}

void tcp_rack_on_lone_ack(struct tcp_conn *conn, struct tcp_host *host,
                          const struct tcp_segment *segment, struct tcp_ack_news *news)
{
    struct tcp_sent *sent = conn->sent;
    const struct tcp_sent_record *record = tcp_sent_at(sent, sent->first);
    news->delivered_bytes = record->length;
    tcp_rate_delivered(conn, host, record, record->length, 1);
    rack_update(conn, host, conn->snd.una, record, segment, news);
    if (growth_due(conn, host, news)) {
        tcp_grow_cwnd(conn, host, news->delivered_bytes, false);
    }
    end_flight(conn, host);
    conn->deadlines[TCP_TIMER_LOSS_PROBE] = HF_TIME_NEVER;
}

void tcp_rack_on_idle_ack(struct tcp_conn *conn, const struct tcp_host *host)
{
    first_rtt(conn, host);
    conn->deadlines[TCP_TIMER_LOSS_PROBE] = HF_TIME_NEVER;
}

/* 6.2 step 5's timer: what had to wait for reo_wnd has waited.
 * Keeps RFC8985-6.2-b, RFC9937-6-i. */
void tcp_rack_timeout(struct tcp_conn *conn, struct tcp_host *host)
{
    if (conn->sent == NULL) {
        return;
    }
    tcp_rate_begin_ack(conn);
    tcp_trace(conn, host, HF_TRACE_TIMER, HF_REASON_TIMER_REORDERING, 0);
    if (detect_loss(conn, host) == 0) {
        return;
    }
    if (conn->recovery == TCP_RECOVERY_NONE) {
        begin_recovery(conn, host, 0);
        if (conn->recovery == TCP_RECOVERY_FAST) {
            /* DEVIATION: RFC 9937 6.2 has a step for an ACK that delivers something. As in Linux a
             * recovery that time begins has one, too, as if the first segment that is lost had been
             * delivered. */
            struct tcp_sent *sent = conn->sent;
            tcp_prr_on_ack(conn, tcp_sent_at(sent, tcp_sent_next_lost(sent))->length, false, true);
        }
    }
    tcp_cc_delivered(conn, host);
}

/* RFC 8985 6.3: after a timeout the first segment is lost, and what left so long ago that RACK
 * would wait for it no more. RFC 2018 8: when the very first is SACKed without being acknowledged,
 * the peer has gone back on its SACKs; none is believed, and all of it goes again.
 * Keeps RFC2018-8-a.
 * Keeps RFC6675-5.1-a, RFC8985-6.3-a. */
void tcp_rack_on_retransmit_timeout(struct tcp_conn *conn, struct tcp_host *host)
{
    struct tcp_sent *sent = conn->sent;
    hf_time patience;
    bool reneging;
    if (sent == NULL || sent->count == 0) {
        return;
    }
    reneging = (tcp_sent_at(sent, sent->first)->flags & TCP_SENT_SACKED) != 0;
    if (reneging) {
        tcp_sent_forget_sacks(sent, conn->snd.nxt);
        host->counters->sack_renegings++;
        tcp_trace(conn, host, HF_TRACE_RECOVERY, HF_REASON_SACK_RENEGING, conn->snd.una.value);
    }
    tcp_trace(conn, host, HF_TRACE_LOSS, HF_REASON_LOSS_TIMEOUT, conn->snd.una.value);
    tcp_sent_mark_lost(sent, sent->first);
    patience = (hf_time)conn->rack.rtt_us * HF_MICROSECOND + reordering_window(conn, host);
    while (sent->flying.oldest != TCP_SENT_NONE) {
        const struct tcp_sent_record *record = tcp_sent_at(sent, sent->flying.oldest);
        if (!reneging && tcp_rack_is_on(host) && record->sent + patience > host->now) {
            break;
        }
        tcp_trace(conn, host, HF_TRACE_LOSS, HF_REASON_LOSS_TIMEOUT, record->seq.value);
        tcp_sent_mark_lost(sent, sent->flying.oldest);
    }
    tcp_forget_loss_probe(conn); /* RFC 8985 7.1 */
    conn->deadlines[TCP_TIMER_REORDERING] = HF_TIME_NEVER;
}
