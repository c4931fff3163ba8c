/* SPDX-License-Identifier: MIT
 *
 * The delivery rate (draft-cheng-iccrg-delivery-rate-estimation): how fast what is sent arrives.
 *
 * Each segment takes with it, in its sent record, how much had been delivered when it left and when
 * that was. Its acknowledgement closes the interval: so much more was delivered in so much time.
 * Of the time it took to send and the time it took to acknowledge the longer counts, so that
 * neither bursts nor ACKs that were saved up make the path look faster than it is. While the
 * program gives too little to send, a sample is marked so.
 *
 * Without SACK there are no records; one segment a round trip is timed then, as for the RTT, and a
 * retransmission spoils it.
 */
#include "tcp_internal.h"

/* 3.2, upon sending; `pipe_bytes` before it. */
static struct tcp_rate_mark mark_of(const struct tcp_sender *sender, uint32_t pipe_bytes,
                                    uint32_t length, bool retransmitted)
{
    return (struct tcp_rate_mark){
        .delivered_time = sender->delivered_time,
        .first_sent_time = sender->first_sent_time,
        .delivered_bytes = (uint32_t)sender->delivered_bytes,
        .lost_bytes = (uint32_t)sender->lost_bytes,
        .pipe_bytes = pipe_bytes + length,
        .app_limited = sender->app_limited_until != 0,
        .retransmitted = retransmitted,
    };
}

void tcp_rate_sent(struct tcp_conn *conn, const struct tcp_host *host, uint32_t length)
{
    struct tcp_sender *sender = conn->sender;
    if (tcp_flight(conn) == 0) {
        sender->first_sent_time = host->now;
        sender->delivered_time = host->now;
    }
    if (conn->sent != NULL) {
        uint32_t pipe = tcp_sent_pipe(conn->sent, tcp_flight(conn));
        tcp_sent_at(conn->sent, conn->sent->first + conn->sent->count - 1)->rate =
            mark_of(sender, pipe, length, false);
    } else if (!sender->timing && conn->recovery == TCP_RECOVERY_NONE) {
        sender->timing = true;
        sender->timed = mark_of(sender, tcp_flight(conn), length, false);
        sender->timed_sent = host->now;
        sender->timed_end = seq_add(conn->snd.nxt, length);
    }
}

void tcp_rate_sent_run(struct tcp_conn *conn, uint32_t segments, uint32_t length)
{
    struct tcp_sent *sent = conn->sent;
    uint32_t end = sent->first + sent->count;
    struct tcp_rate_mark mark =
        mark_of(conn->sender, tcp_sent_pipe(sent, tcp_flight(conn)), length, false);
    for (uint32_t id = end - segments; id != end; id++) {
        tcp_sent_at(sent, id)->rate = mark;
        mark.pipe_bytes += length;
    }
}

void tcp_rate_sent_again(struct tcp_conn *conn, struct tcp_sent_record *record)
{
    struct tcp_sender *sender = conn->sender;
    uint32_t pipe = tcp_pipe(conn); /* it counts already */
    if (record == NULL) {
        sender->timing = false;
        return;
    }
    record->rate = mark_of(sender, pipe - min_u32(pipe, record->length), record->length, true);
}

void tcp_rate_begin_ack(struct tcp_conn *conn)
{
    if (conn->sender != NULL) {
        memset(&conn->sender->ack, 0, sizeof conn->sender->ack);
    }
}

static void count_delivered(struct tcp_sender *sender, const struct tcp_host *host, uint32_t bytes,
                            uint32_t segments)
{
    sender->delivered_bytes += bytes;
    sender->delivered_segments += segments;
    sender->delivered_time = host->now;
    sender->ack.delivered_bytes += bytes;
}

/* A repetition that seems to have arrived sooner than anything can: it was the original, which the
 * path had only held back. The repetition's mark would close an interval, and a round trip, that
 * have just begun. (3.3 looks at the length of the interval for this, which is the longer of two
 * and does not show it.) */
static bool was_original(const struct tcp_conn *conn, const struct tcp_host *host,
                         const struct tcp_sent_record *record)
{
    return (record->flags & TCP_SENT_REPEATED) && (host->now - record->sent) / HF_MICROSECOND <
                                                      (hf_time)tcp_min_rtt_us(&conn->rack.min_rtt);
}

void tcp_rate_delivered(struct tcp_conn *conn, const struct tcp_host *host,
                        const struct tcp_sent_record *record, uint32_t bytes, uint32_t segments)
{
    struct tcp_sender *sender = conn->sender;
    seq32 end = tcp_sent_end(record);
    count_delivered(sender, host, bytes, segments);
    if (was_original(conn, host, record)) {
        return;
    }
    if (!sender->ack.any || record->sent > sender->ack.sent ||
        (record->sent == sender->ack.sent && seq_gt(end, sender->ack.end))) {
        sender->ack.any = true;
        sender->ack.mark = record->rate;
        sender->ack.sent = record->sent;
        sender->ack.end = end;
    }
}

void tcp_rate_delivered_part(struct tcp_conn *conn, const struct tcp_host *host, uint32_t bytes)
{
    count_delivered(conn->sender, host, bytes, 0);
}

void tcp_rate_cumulative(struct tcp_conn *conn, const struct tcp_host *host, uint32_t bytes)
{
    struct tcp_sender *sender = conn->sender;
    uint32_t mss = tcp_effective_mss(conn);
    if (sender == NULL || bytes == 0) {
        return;
    }
    count_delivered(sender, host, bytes, (bytes + mss - 1) / mss);
    if (sender->timing && seq_ge(conn->snd.una, sender->timed_end)) {
        sender->timing = false;
        sender->ack.any = true;
        sender->ack.mark = sender->timed;
        sender->ack.sent = sender->timed_sent;
        sender->ack.end = sender->timed_end;
    }
}

void tcp_rate_take_losses(struct tcp_conn *conn)
{
    if (conn->sender != NULL && conn->sent != NULL) {
        conn->sender->lost_bytes += conn->sent->newly_lost_bytes;
        conn->sender->ack.lost_bytes += conn->sent->newly_lost_bytes;
        conn->sent->newly_lost_bytes = 0;
    }
}

/* 3.3, GenerateRateSample. */
void tcp_rate_sample(struct tcp_conn *conn)
{
    struct tcp_sender *sender = conn->sender;
    hf_time sending, acking, interval;
    if (sender->app_limited_until != 0 && sender->delivered_bytes > sender->app_limited_until) {
        sender->app_limited_until = 0;
    }
    if (!sender->ack.any) {
        return;
    }
    sending = sender->ack.sent - sender->ack.mark.first_sent_time;
    acking = sender->delivered_time - sender->ack.mark.delivered_time;
    interval = sending > acking ? sending : acking;
    sender->first_sent_time = sender->ack.sent;
    /* Shorter than any round trip: a repetition that was answered by the original's ACK. */
    if (interval <= 0 || interval / HF_MICROSECOND < (hf_time)tcp_min_rtt_us(&conn->rack.min_rtt)) {
        return;
    }
    interval /= HF_MICROSECOND;
    interval = interval > 0 ? interval : 1;
    sender->ack.rate_bytes = (uint32_t)sender->delivered_bytes - sender->ack.mark.delivered_bytes;
    sender->ack.rate_interval_us = interval < UINT32_MAX ? (uint32_t)interval : UINT32_MAX;
    sender->ack.rate = (uint64_t)sender->ack.rate_bytes * 1000000u / sender->ack.rate_interval_us;
    sender->ack.rate_app_limited = sender->ack.mark.app_limited;
    if (!sender->ack.rate_app_limited || sender->ack.rate >= sender->shown_rate) {
        sender->shown_rate = sender->ack.rate;
        sender->shown_app_limited = sender->ack.rate_app_limited;
    }
}

void tcp_rate_idle(struct tcp_conn *conn)
{
    struct tcp_sender *sender = conn->sender;
    if (tcp_cwnd_bytes(conn) > 0) { /* as below, with nothing in flight */
        sender->app_limited_until = sender->delivered_bytes;
        sender->app_limited_until += sender->app_limited_until == 0;
    }
}

/* 3.4: nothing more to send, nothing that waits to be sent again, and cwnd has room: whatever is
 * measured until this flight is delivered tells of the program, not of the path. */
void tcp_rate_check_app_limited(struct tcp_conn *conn, const struct tcp_host *host)
{
    struct tcp_sender *sender = conn->sender;
    uint32_t pipe;
    uint32_t unsent = tcp_unsent_bytes(conn);
    if (sender == NULL || (unsent > 0 && unsent >= tcp_effective_mss(conn)) ||
        (conn->sent != NULL && conn->sent->lost_bytes > conn->sent->repeat_out_bytes)) {
        return;
    }
    pipe = tcp_pipe(conn);
    if (pipe >= tcp_cwnd_bytes(conn)) {
        return;
    }
    if (sender->app_limited_until == 0 && pipe > 0) {
        tcp_trace(conn, host, HF_TRACE_CWND, HF_REASON_RATE_APP_LIMITED,
                  conn->congestion.cwnd_bytes);
    }
    sender->app_limited_until = sender->delivered_bytes + pipe;
    if (sender->app_limited_until == 0) {
        sender->app_limited_until = 1;
    }
}
