/* SPDX-License-Identifier: MIT
 *
 * How large a connection's buffers are while nobody has fixed them, as Linux does it.
 *
 * Receiving: dynamic right-sizing. What a sender can have in flight is what it was offered, so the
 * offer has to stay ahead of its window, which may double each round trip. The receiver times round
 * trips by itself, sees how much its program read in the last one, and makes the buffer twice that,
 * and more when it was growing. Within the buffer the offer (tuning.ssthresh_bytes) rises with what
 * arrives, two segments for one, so that a peer that sends little is never promised much.
 *
 * Sending: what cwnd lets fly, and as much again to follow it at once.
 *
 * A limit is no memory: pages are held only where bytes are, and a queue that was read or
 * acknowledged gives all of them back. When memory is short nothing grows, what is newly offered
 * falls to four segments, and a limit that had grown returns to where it began; the right edge that
 * was offered stands (RFC 9293 3.8.6, SHLD-14).
 */
#include "tcp_internal.h"

/* Linux's: tiny segments are no sign of a flow that needs room. */
#define LEAST_GROWING_SEGMENT 128u
#define FIRST_SPACE_SEGMENTS 10u
#define SHORT_MEMORY_SEGMENTS 4u
/* What Linux reckons for a segment besides its payload, before and after rounding up. */
#define SEGMENT_HEADERS 640u
#define SEGMENT_RECORD 256u
#define LARGEST_CHUNK 65215u

/* ---- receiving */

static seq32 read_to(const struct tcp_conn *conn)
{
    return seq_sub(conn->rcv.nxt, conn->receive_bytes);
}

void tcp_buffers_begin(struct tcp_conn *conn, struct tcp_host *host)
{
    struct tcp_tuning *tuning = &conn->tuning;
    tuning->ssthresh_bytes = conn->rcv.wnd;
    tuning->space_bytes = min_u32(conn->rcv.wnd, FIRST_SPACE_SEGMENTS * conn->own_mss);
    tuning->space_seq = read_to(conn);
    tuning->space_since = host->now;
    tcp_buffers_acked(conn, host);
}

/* A sample by the window: the right edge that was offered when the clock started has been reached,
 * so a round trip has passed, or more: the least counts. One by an echoed timestamp is of a segment
 * that answered ours: smoothed as RFC 6298 smooths. */
static void rtt_sample(struct tcp_tuning *tuning, hf_time sample_ns, bool by_window)
{
    uint32_t sample_us =
        (uint32_t)(sample_ns / HF_MICROSECOND < UINT32_MAX / 8 ? sample_ns / HF_MICROSECOND
                                                               : UINT32_MAX / 8);
    sample_us = max_u32(sample_us, 1);
    if (tuning->rtt_us == 0) {
        tuning->rtt_us = sample_us;
    } else if (by_window) {
        tuning->rtt_us = min_u32(tuning->rtt_us, sample_us);
    } else {
        tuning->rtt_us = max_u32(tuning->rtt_us - tuning->rtt_us / 8 + sample_us / 8, 1);
    }
}

/* `reached`: RCV.NXT after the segment looked at. */
static void measure_by_window(struct tcp_conn *conn, const struct tcp_host *host, seq32 reached)
{
    struct tcp_tuning *tuning = &conn->tuning;
    if (tuning->rtt_since != 0) {
        if (seq_lt(reached, tuning->rtt_seq)) {
            return;
        }
        rtt_sample(tuning, host->now - tuning->rtt_since, true);
    }
    tuning->rtt_seq = seq_add(conn->rcv.nxt, conn->rcv.wnd);
    tuning->rtt_since = host->now;
}

static void measure_by_timestamp(struct tcp_conn *conn, const struct tcp_host *host,
                                 const struct tcp_segment *segment)
{
    struct tcp_tuning *tuning = &conn->tuning;
    uint32_t echo = segment->options.ts_echo;
    uint32_t length = segment->payload_length; /* of the first, where several were joined */
    int32_t ticks;
    if (!segment->options.has_timestamps || echo == 0 || echo == tuning->rtt_echo) {
        return;
    }
    tuning->rtt_echo = echo;
    if (segment->joined_bytes > 0) {
        length = min_u32(length, segment->joined_bytes);
    }
    ticks = (int32_t)(tcp_timestamp(conn, host->now) - echo);
    /* A short segment may have waited for its program. */
    if (ticks >= 0 && length >= conn->receive_mss) {
        rtt_sample(tuning, (ticks > 0 ? ticks : 1) * HF_MILLISECOND, false);
    }
}

/* One segment of `length` was taken, and `held` bytes wait to be read since. */
static void offer_more(struct tcp_conn *conn, uint32_t length, uint32_t held)
{
    uint32_t most = conn->receive_limit_bytes;
    uint32_t room = most > held ? most - held : 0;
    uint32_t *ssthresh = &conn->tuning.ssthresh_bytes;
    if (conn->window_clamp_bytes != 0) {
        room = min_u32(room, conn->window_clamp_bytes);
    }
    if (length >= LEAST_GROWING_SEGMENT && room > *ssthresh) {
        *ssthresh += min_u32(room - *ssthresh, 2 * max_u32(conn->own_mss, length));
    }
}

void tcp_buffers_arrived(struct tcp_conn *conn, struct tcp_host *host,
                         const struct tcp_segment *segment)
{
    uint32_t total = segment->payload_length;
    uint32_t each = segment->joined_bytes > 0 ? segment->joined_bytes : total;
    uint32_t *ssthresh = &conn->tuning.ssthresh_bytes;
    bool in_order = seq_eq(conn->rcv.nxt, seq_add(segment->seq, total));
    uint32_t later = in_order ? total : 0; /* of it, after the segment looked at */
    bool memory_short = tcp_memory_short(host);
    if (conn->timestamps) {
        measure_by_timestamp(conn, host, segment);
    }
    if (memory_short) {
        *ssthresh = min_u32(*ssthresh, SHORT_MEMORY_SEGMENTS * conn->own_mss);
    }
    for (uint32_t left = total; left > 0;) {
        uint32_t length = min_u32(each, left);
        left -= length;
        later -= in_order ? length : 0;
        if (!conn->timestamps) {
            measure_by_window(conn, host, seq_sub(conn->rcv.nxt, later));
        }
        if (!memory_short) {
            offer_more(conn, length, conn->receive_bytes - later);
        }
    }
}

/* From RCV.NXT to the end of what waits behind a hole. */
static uint32_t held_bytes(const struct tcp_conn *conn)
{
    const struct tcp_reassembly *held = conn->reassembly;
    return held == NULL || held->count == 0
               ? 0
               : (uint32_t)seq_diff(held->ranges[held->count - 1].right, conn->rcv.nxt);
}

/* Twice what was read in the last round trip and a little; when that was growing, as much more as
 * it grew by, twice; and what waits behind a hole, which the program could not read yet and would
 * have. */
static uint64_t wanted_buffer(const struct tcp_conn *conn, uint32_t copied)
{
    uint32_t space = conn->tuning.space_bytes;
    uint64_t window = 2ull * copied + 16ull * conn->own_mss;
    return window + 2 * (window * (copied - space) / max_u32(space, 1)) + held_bytes(conn);
}

static void right_size(struct tcp_conn *conn, struct tcp_host *host, uint32_t copied)
{
    uint64_t wanted = wanted_buffer(conn, copied);
    uint32_t before = conn->receive_limit_bytes;
    uint32_t most = host->config->receive_buffer_max_bytes;
    uint32_t bytes = wanted < most ? (uint32_t)wanted : most;
    if (host->config->moderate_receive_buffer && bytes > before) {
        conn->receive_limit_bytes = bytes;
        tcp_trace(conn, host, HF_TRACE_WINDOW, HF_REASON_BUFFER_GROWN, before);
    }
}

/* A round trip is over: what came in it is the measure from now on, when it was more than ever. */
static void end_round_trip(struct tcp_conn *conn, struct tcp_host *host, seq32 reached)
{
    struct tcp_tuning *tuning = &conn->tuning;
    uint32_t copied = (uint32_t)seq_diff(reached, tuning->space_seq);
    if (seq_gt(reached, tuning->space_seq) && copied > tuning->space_bytes &&
        !tcp_memory_short(host)) {
        if (conn->receive_tuned) {
            right_size(conn, host, copied);
        }
        tuning->space_bytes = copied;
    }
    tuning->space_seq = seq_max(tuning->space_seq, reached);
    tuning->space_since = host->now;
}

static bool round_trip_over(const struct tcp_conn *conn, const struct tcp_host *host)
{
    const struct tcp_tuning *tuning = &conn->tuning;
    return tuning->rtt_us != 0 &&
           host->now - tuning->space_since >= tuning->rtt_us * HF_MICROSECOND;
}

/* While a hole is open nothing can be read, for as long as its repetition takes, or the repetition
 * of that; the peer goes on meanwhile, and must not be stopped by the window. Linux adds what is
 * held since 6.16; besides, a program that has read all there was would have read that, too, so it
 * counts as read. */
void tcp_buffers_held(struct tcp_conn *conn, struct tcp_host *host)
{
    if (!conn->receive_tuned || tcp_memory_short(host)) {
        return;
    }
    if (conn->receive_bytes == 0 && round_trip_over(conn, host)) {
        end_round_trip(conn, host, seq_add(conn->rcv.nxt, held_bytes(conn)));
    } else {
        right_size(conn, host, conn->tuning.space_bytes);
    }
}

/* Back to where it began, as far as what is held and offered allows; so is what it is measured by,
 * or it would never grow again. */
static void give_back(struct tcp_conn *conn, struct tcp_host *host)
{
    uint32_t before = conn->receive_limit_bytes;
    uint32_t least =
        max_u32(host->config->receive_buffer_bytes, conn->receive_bytes + conn->rcv.wnd);
    if (least < before) {
        conn->receive_limit_bytes = least;
        conn->tuning.space_bytes =
            min_u32(conn->tuning.space_bytes, FIRST_SPACE_SEGMENTS * conn->own_mss);
        tcp_trace(conn, host, HF_TRACE_WINDOW, HF_REASON_BUFFER_SHRUNK, before);
    }
}

void tcp_buffers_read(struct tcp_conn *conn, struct tcp_host *host)
{
    if (tcp_memory_short(host) && conn->receive_tuned) {
        give_back(conn, host);
    }
    if (round_trip_over(conn, host)) {
        end_round_trip(conn, host, read_to(conn));
    }
}

/* ---- sending */

/* `bytes` is at least 2. */
static uint32_t power_of_two_from(uint32_t bytes)
{
    return 1u << (32 - __builtin_clz(bytes - 1));
}

void tcp_buffers_acked(struct tcp_conn *conn, struct tcp_host *host)
{
    uint32_t mss = tcp_effective_mss(conn);
    uint32_t cwnd = conn->congestion.cwnd_bytes;
    /* No more than the first few: that needs no division. */
    bool few = cwnd <= FIRST_SPACE_SEGMENTS * mss;
    uint32_t largest = max_u32(conn->peer_mss, mss);
    uint32_t before = conn->send_limit_bytes;
    uint64_t segments, each, wanted;
    if (few &&
        before >= FIRST_SPACE_SEGMENTS * (2 * (largest + SEGMENT_HEADERS) + SEGMENT_RECORD)) {
        return; /* no power of two reaches beyond that */
    }
    segments = few ? FIRST_SPACE_SEGMENTS : cwnd / mss;
    each = power_of_two_from(largest + SEGMENT_HEADERS);
    wanted = segments * max_u32((uint32_t)each + SEGMENT_RECORD, 2 * mss);
    if (wanted > host->config->send_buffer_max_bytes) {
        wanted = host->config->send_buffer_max_bytes;
    }
    if (conn->send_tuned && wanted > before && !tcp_memory_short(host)) {
        conn->send_limit_bytes = (uint32_t)wanted;
    }
}

/* What would leave at once if there were enough of it. */
static uint32_t leaving_bytes(const struct tcp_conn *conn)
{
    int64_t window = (int64_t)conn->snd.wnd - tcp_flight(conn);
    int64_t cwnd = (int64_t)tcp_send_allowance(conn) - tcp_pipe(conn);
    int64_t least = window < cwnd ? window : cwnd;
    if (conn->state != HF_ESTABLISHED && conn->state != HF_CLOSE_WAIT) {
        return 0;
    }
    return least > 0 ? (uint32_t)least : 0;
}

/* Linux takes data in chunks that its segmentation offload likes, and looks at the low-water mark
 * before each: whole segments, no more than half of the peer's largest window. */
static uint32_t chunk_bytes(const struct tcp_conn *conn)
{
    uint32_t mss = tcp_effective_mss(conn);
    uint32_t most = LARGEST_CHUNK;
    if (conn->snd.max_wnd > 0) {
        most = min_u32(most, conn->snd.max_wnd > 536 ? conn->snd.max_wnd / 2 : conn->snd.max_wnd);
    }
    return max_u32(most / mss * mss, mss);
}

uint32_t tcp_send_room(const struct tcp_conn *conn)
{
    uint32_t room =
        conn->send_limit_bytes > conn->send_bytes ? conn->send_limit_bytes - conn->send_bytes : 0;
    uint64_t low_water = conn->not_sent_low_water_bytes;
    uint64_t may_wait;
    uint64_t chunk;
    uint32_t unsent;
    if (low_water == 0 || low_water == UINT32_MAX) {
        return room;
    }
    unsent = tcp_unsent_bytes(conn);
    may_wait = low_water + leaving_bytes(conn);
    if (unsent >= may_wait) {
        return 0;
    }
    chunk = chunk_bytes(conn);
    may_wait = (may_wait - unsent + chunk - 1) / chunk * chunk;
    return may_wait < room ? (uint32_t)may_wait : room;
}

bool tcp_writable(const struct tcp_conn *conn)
{
    uint32_t room =
        conn->send_limit_bytes > conn->send_bytes ? conn->send_limit_bytes - conn->send_bytes : 0;
    uint32_t low_water = conn->not_sent_low_water_bytes;
    return room > 0 && room >= conn->send_bytes / 2 &&
           (low_water == 0 || 2ull * tcp_unsent_bytes(conn) < low_water);
}

void tcp_tell_if_writable(struct tcp_conn *conn)
{
    if (tcp_writable(conn)) {
        conn->send_blocked = false;
        tcp_tell(conn, HF_EVENT_WRITABLE);
    }
}
