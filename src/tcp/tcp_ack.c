/* SPDX-License-Identifier: MIT
 *
 * The ACK field of an acceptable segment in a synchronized state (RFC 9293 3.10.7.4 fifth): is it
 * one we can believe, what does it acknowledge, and which window comes with it.
 */
#include "tcp_internal.h"

/* RFC 6298 3 (Karn): the timed segment if it is covered; after retransmissions the echoed timestamp
 * (RFC 7323 4), which tells which copy is being acknowledged. True: there was a sample.
 * Keeps MUST-18, RFC6298-3-a, RFC6298-3-b, RFC7323-4.1-a. */
static bool measure_rtt(struct tcp_conn *conn, struct tcp_host *host,
                        const struct tcp_segment *segment)
{
    if (conn->rtt_timing) {
        if (seq_ge(segment->ack, conn->rtt_seq)) {
            conn->rtt_timing = false;
            tcp_rtt_sample(conn, host, host->now - conn->rtt_start);
            return true;
        }
        return false;
    }
    if (conn->timestamps && segment->options.has_timestamps && segment->options.ts_echo != 0 &&
        (conn->backoff > 0 || !tcp_repeat_stamp_misleads(conn, segment->options.ts_echo))) {
        int32_t ticks = (int32_t)(tcp_timestamp(conn, host->now) - segment->options.ts_echo);
        if (ticks >= 0) {
            tcp_rtt_sample(conn, host, ticks * HF_MILLISECOND);
            return true;
        }
    }
    return false;
}

/* Takes acknowledged bytes off the send queue; returns how many.
 * Keeps RFC2018-8-b. */
static uint32_t release_acknowledged(struct tcp_conn *conn, struct tcp_host *host, seq32 ack)
{
    uint32_t bytes = 0;
    if (seq_gt(ack, conn->snd.front)) {
        bytes = min_u32((uint32_t)seq_diff(ack, conn->snd.front), conn->send_bytes);
        send_queue_drop(&conn->send_queue, host->send_store, conn->send_bytes, bytes);
        conn->send_bytes -= bytes;
        conn->snd.front = seq_add(conn->snd.front, bytes);
        conn->bytes_acked += bytes;
    }
    return bytes;
}

/* Keeps RFC6298-5-b, RFC6298-5.2-a, RFC6298-5.3-a, RFC6582-4-a. */
static void new_ack(struct tcp_conn *conn, struct tcp_host *host, const struct tcp_segment *segment,
                    struct tcp_ack_news *news)
{
    bool syn_acked = seq_eq(conn->snd.una, conn->iss);
    uint32_t acked_bytes;
    news->measured = measure_rtt(conn, host, segment);
    if (!news->measured && !syn_acked && conn->backoff > 0) {
        /* Karn's other half (RFC 6298 5): the backed-off RTO stands until a sample replaces it. */
        conn->rto_us = (uint32_t)(tcp_backed_off_rto(conn, host) / HF_MICROSECOND);
    }
    acked_bytes = release_acknowledged(conn, host, segment->ack);
    conn->snd.una_before = conn->snd.una;
    conn->snd.una = segment->ack;
    conn->snd.retransmit_next = seq_max(conn->snd.retransmit_next, conn->snd.una);
    if (conn->notes != NULL) {
        tcp_notes_acked(conn, host);
    }
    tcp_mtu_on_ack(conn, host);
    if (conn->urgent_sending && seq_ge(conn->snd.una, conn->snd.up)) {
        conn->urgent_sending = false;
    }
    conn->backoff = 0;
    conn->backoff_reverted = false;
    conn->r1_reported = false;
    conn->soft_error = HF_OK;
    conn->progress_time = host->now;
    /* RFC 6298 5.3: the timer starts anew; 5.2: it stops when all is acknowledged. */
    conn->deadlines[TCP_TIMER_RETRANSMIT] = HF_TIME_NEVER;
    if (syn_acked) {
        tcp_synchronized(conn, host);
    }
    news->acked_bytes = acked_bytes;
    news->progress = true;
    if (!conn->sack) {
        tcp_rate_cumulative(conn, host, acked_bytes);
        tcp_on_new_ack(conn, host, segment, news);
    }
    conn->duplicate_acks = 0;
    tcp_arm_retransmit(conn, host);
}

/* RFC 9293 3.10.7.4 fifth: only a segment that is not older than the last one that did may move
 * SND.WND. DEVIATION: one that moves SND.UNA is as new as there is, though its text may be old (a
 * repetition that overtook nothing); were its window not taken (Linux does), the old one, counted
 * from the new SND.UNA, would reach beyond what was ever offered.
 * Keeps REC-1. */
static void update_window(struct tcp_conn *conn, struct tcp_host *host,
                          const struct tcp_segment *segment, bool progress)
{
    uint32_t wnd = (uint32_t)segment->window << conn->snd_wind_shift; /* RFC 7323 2.3 */
    uint32_t before = conn->snd.wnd;
    seq32 edge = seq_add(conn->snd.wl2, before);
    if (segment->flags & HF_SYN) {
        wnd = segment->window;
    }
    if (progress || seq_lt(conn->snd.wl1, segment->seq) ||
        (seq_eq(conn->snd.wl1, segment->seq) && seq_le(conn->snd.wl2, segment->ack))) {
        conn->snd.wnd = wnd;
        conn->snd.wl1 = segment->seq;
        conn->snd.wl2 = segment->ack;
        conn->snd.max_wnd = max_u32(conn->snd.max_wnd, wnd);
        if (seq_lt(seq_add(segment->ack, wnd), edge)) {
            tcp_trace(conn, host, HF_TRACE_WINDOW, HF_REASON_WINDOW_SHRUNK, before);
        }
    }
    if (conn->snd.wnd == before) {
        return;
    }
    if (conn->snd.wnd == 0) {
        /* SHLD-29: a whole RTO from now, whatever was being waited for before. */
        conn->deadlines[TCP_TIMER_PROBE] = HF_TIME_NEVER;
        tcp_arm_retransmit(conn, host);
        tcp_trace(conn, host, HF_TRACE_WINDOW, HF_REASON_WINDOW_ZERO, before);
    } else if (before == 0) {
        tcp_trace(conn, host, HF_TRACE_WINDOW, HF_REASON_WINDOW_OPENED, before);
    }
    if (conn->snd.wnd > before && tcp_flight(conn) == 0) {
        /* There is room again: no probe is needed, and its backoff is over. */
        conn->deadlines[TCP_TIMER_PROBE] = HF_TIME_NEVER;
        conn->intents &= (uint16_t)~TCP_INTENT_PROBE;
        conn->backoff = 0;
    }
}

/* RFC 5681 2, but for the outstanding data: no data, no SYN or FIN, the same number, the same
 * window.
 * Keeps RFC5681-2-a. */
static bool is_duplicate_ack(const struct tcp_conn *conn, const struct tcp_segment *segment)
{
    return seq_eq(segment->ack, conn->snd.una) && segment->payload_length == 0 &&
           !(segment->flags & (HF_SYN | HF_FIN)) &&
           (uint32_t)segment->window << conn->snd_wind_shift == conn->snd.wnd;
}

static uint32_t outstanding_segments(const struct tcp_conn *conn)
{
    return conn->sent != NULL ? conn->sent->count - conn->sent->sacked_count : 0;
}

/* Segments that are known to have arrived since `before` were outstanding; without records, as many
 * as the bytes fill. */
static void count_delivered(struct tcp_conn *conn, uint32_t before, uint32_t acked_bytes)
{
    if (before > 0) {
        uint32_t now = outstanding_segments(conn);
        conn->tally.delivered_segments += before > now ? before - now : 0;
    } else if (!conn->sack) {
        uint32_t mss = tcp_effective_mss(conn);
        conn->tally.delivered_segments += (acked_bytes + mss - 1) / mss;
    }
}

/* Where ECN was not agreed on, and the segment has no mark to be counted, all of it is this. */
static inline void tcp_ecn_begin(struct tcp_conn *conn, struct tcp_host *host,
                                 const struct tcp_segment *segment)
{
    if (conn->ecn.mode == TCP_ECN_OFF && segment->ecn != ECN_CE) {
        conn->ecn.echoed = false;
        return;
    }
    tcp_ecn_arrived(conn, host, segment);
    tcp_ecn_begin_ack(conn, host, segment);
}

/* Nothing is in flight or in doubt, and this says nothing of what was, nor of the window: whoever
 * only listens gets no other ACKs. Then tcp_process_ack comes to an end early. */
static bool is_idle_ack(const struct tcp_conn *conn, const struct tcp_host *host,
                        const struct tcp_segment *segment)
{
    return seq_eq(segment->ack, conn->snd.una) && seq_eq(segment->ack, conn->snd.nxt) &&
           tcp_rack_is_idle(conn, segment) &&
           (uint32_t)segment->window << conn->snd_wind_shift == conn->snd.wnd &&
           !conn->ecn.echoed && !conn->ecn.reducing && conn->ecn.mode != TCP_ECN_ACCURATE &&
           conn->tally.timeout_since == 0 && !(segment->flags & HF_SYN) && !host->by_the_book;
}

static void take_idle_ack(struct tcp_conn *conn, struct tcp_host *host,
                          const struct tcp_segment *segment)
{
    if (seq_le(conn->snd.wl1, segment->seq)) {
        conn->snd.wl1 = segment->seq;
        conn->snd.wl2 = segment->ack;
    }
    if (conn->sack) {
        tcp_rack_on_idle_ack(conn, host);
    }
    tcp_buffers_acked(conn, host);
    tcp_tell_writable(conn);
}

/* One that is neither old nor idle. Apart, so that one that is saves no registers. */
static __attribute__((noinline)) void take_ack(struct tcp_conn *conn, struct tcp_host *host,
                                               const struct tcp_segment *segment)
{
    struct tcp_ack_news news = {.acked_bytes = 0};
    uint32_t outstanding = outstanding_segments(conn);
    uint32_t delivered = conn->tally.delivered_segments;
    if (seq_gt(segment->ack, conn->snd.una)) {
        new_ack(conn, host, segment, &news);
    } else {
        news.duplicate = is_duplicate_ack(conn, segment);
        if (news.duplicate && !conn->sack && tcp_flight(conn) > 0) {
            tcp_on_duplicate_ack(conn, host, segment, &news);
        }
    }
    update_window(conn, host, segment, news.progress);
    if (conn->sack) {
        if (tcp_rack_is_idle(conn, segment)) {
            tcp_rack_on_idle_ack(conn, host);
        } else if (tcp_rack_is_lone(conn, host, segment)) {
            tcp_rack_on_lone_ack(conn, host, segment, &news);
        } else {
            tcp_rack_on_ack(conn, host, segment, &news);
        }
    }
    count_delivered(conn, outstanding, news.acked_bytes);
    if (conn->ecn.echoed || conn->ecn.mode == TCP_ECN_ACCURATE) {
        tcp_ecn_count(conn, host, conn->tally.delivered_segments - delivered);
    }
    if (conn->sender != NULL) {
        tcp_cc_delivered(conn, host);
    }
    if (conn->ecn.echoed || conn->ecn.reducing) {
        tcp_ecn_react(conn, host, &news);
    }
    if (conn->tally.timeout_since != 0) {
        tcp_tally_progress(conn, host);
    }
    tcp_buffers_acked(conn, host);
    tcp_tell_writable(conn);
}

/* Keeps MAY-12, RFC5961-5.2-a, RFC5961-5.2-b. */
bool tcp_process_ack(struct tcp_conn *conn, struct tcp_host *host,
                     const struct tcp_segment *segment, enum hf_reason *reason)
{
    tcp_rate_begin_ack(conn);
    if (seq_gt(segment->ack, conn->snd.nxt)) {
        *reason = HF_REASON_ACK_FUTURE;
        return false;
    }
    /* RFC 5961 5.2: SND.UNA - MAX.SND.WND =< SEG.ACK. */
    if (seq_lt(segment->ack, seq_sub(conn->snd.una, conn->snd.max_wnd))) {
        *reason = HF_REASON_ACK_TOO_OLD;
        return false;
    }
    tcp_ecn_begin(conn, host, segment);
    conn->probes_out = 0; /* MUST-37: whoever answers is there */
    tcp_restart_keepalive(conn);
    if (seq_lt(segment->ack, conn->snd.una)) {
        return true; /* an old duplicate: ignored, but its text may be new */
    }
    if (is_idle_ack(conn, host, segment)) {
        take_idle_ack(conn, host, segment);
    } else {
        take_ack(conn, host, segment);
    }
    return true;
}
