/* SPDX-License-Identifier: MIT
 *
 * A path that is made up for BBR's tests: a bottleneck with a rate, a round trip and a queue,
 * packet by packet. What BBR should learn of it is known exactly; how it should go about it is in
 * the draft (draft-ietf-ccwg-bbr), whose numbers stand here again and are compared after every ACK.
 */
#ifndef BBR_PATH_H
#define BBR_PATH_H

#include "bbr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* needs what is above */
#include <cmocka.h>

#define MSS 1000u
#define MS HF_MILLISECOND
#define PACKETS 65536u

struct packet {
    hf_time sent, acked; /* acked: when its ACK comes; 0: it is lost */
    hf_time first_sent, delivered_stamp;
    uint64_t delivered, lost;
    uint32_t pipe;
};

struct told {
    hf_time when;
    enum hf_reason reason;
};

struct path {
    uint64_t rate; /* bytes a second */
    hf_time rtt;
    uint64_t queue_bytes;
    unsigned lose_every; /* one of so many is lost behind the queue, by lot; 0: none */
    hf_time ack_every;   /* ACKs are saved up until a multiple of this; 0: they are not */
    bool app_limited;

    struct hf_cc_state state;
    struct bbr bbr;
    struct hf_cc_sample sample;
    struct packet packets[PACKETS];
    uint64_t first, next; /* not acknowledged yet, in order */
    hf_time now, link_free, send_due, first_sent, delivered_stamp;
    uint64_t delivered, lost, recovery_end, lot;
    uint32_t pipe;
    uint64_t came_bytes, came_times, at_once; /* at_once: bytes an instant, last round */
    hf_time came_last;
    bool lowered, lowered_before; /* the bounds, in this cycle and the last */
    struct told told[512];
    unsigned told_count, bounds_told;
};

/* Whoever is told. */
static struct path *hearing;

static inline void hear(const struct hf_cc_sample *sample, enum hf_reason reason)
{
    (void)sample;
    hearing->bounds_told += reason == HF_REASON_BBR_LOWER_BOUNDS;
    hearing->lowered |= reason == HF_REASON_BBR_LOWER_BOUNDS;
    if (reason == HF_REASON_BBR_REFILL) {
        hearing->lowered_before = hearing->lowered;
        hearing->lowered = false;
    }
    assert_true(hearing->told_count < sizeof hearing->told / sizeof hearing->told[0]);
    hearing->told[hearing->told_count++] = (struct told){hearing->now, reason};
}

static inline struct path *path_new(uint64_t rate, hf_time rtt, uint64_t queue_bytes)
{
    struct path *path = calloc(1, sizeof *path);
    assert_non_null(path);
    hearing = path;
    path->rate = rate;
    path->rtt = rtt;
    path->queue_bytes = queue_bytes;
    path->now = path->link_free = path->send_due = HF_SECOND;
    path->first_sent = path->delivered_stamp = path->now;
    path->sample = (struct hf_cc_sample){.now = path->now,
                                         .mss_bytes = MSS,
                                         .initial_window_bytes = 10 * MSS,
                                         .srtt_us = (uint32_t)(rtt / HF_MICROSECOND),
                                         .min_rtt_us = (uint32_t)(rtt / HF_MICROSECOND),
                                         .cwnd_limited = true,
                                         .tell = hear};
    path->state.private_state = &path->bbr;
    path->state.cwnd_bytes = 10 * MSS;
    cc_bbr.init(&path->state, &path->sample);
    path->lowered_before = true; /* there was none */
    return path;
}

static inline void send_one(struct path *path)
{
    struct packet *packet = &path->packets[path->next++ % PACKETS];
    hf_time begin = path->link_free > path->now ? path->link_free : path->now;
    uint64_t queued = (uint64_t)(begin - path->now) * path->rate / HF_SECOND;
    if (path->pipe == 0) {
        path->first_sent = path->delivered_stamp = path->now;
    }
    path->pipe += MSS;
    *packet = (struct packet){path->now,       0,          path->first_sent, path->delivered_stamp,
                              path->delivered, path->lost, path->pipe};
    if (queued + MSS <= path->queue_bytes) {
        path->link_free = begin + (hf_time)(MSS * HF_SECOND / path->rate);
    }
    path->lot = path->lot * UINT64_C(6364136223846793005) + 1442695040888963407u;
    if (queued + MSS <= path->queue_bytes &&
        (path->lose_every == 0 || (path->lot >> 33) % path->lose_every != 0)) {
        packet->acked = path->link_free + path->rtt;
        if (path->ack_every > 0) {
            packet->acked += path->ack_every - packet->acked % path->ack_every;
        }
    }
    path->send_due = path->now + (hf_time)(MSS * (uint64_t)HF_SECOND / path->state.pacing_rate);
}

/* A bound, larger by two bursts of ACKs; by one, up to seventeen, where it is of delayed ones. */
static inline uint32_t bridged(const struct path *path, uint32_t bound)
{
    uint32_t burst = (uint32_t)path->at_once;
    if (burst > 2 * MSS) {
        return bound + 2 * burst;
    }
    return bound > 17 * burst ? bound : bound + burst > 17 * burst ? 17 * burst : bound + burst;
}

/* What CRUISE needs where nobody else is there. */
static inline uint32_t needed_alone(const struct path *path)
{
    const struct bbr *bbr = &path->bbr;
    uint64_t bdp = bbr->bw * bbr->min_rtt_us / 1000000;
    if (path->lowered || path->lowered_before || bbr->queue_seen) {
        return 0;
    }
    return (uint32_t)((bdp << 20) / ((1u << 20) - bbr->own_loss)) +
           (bbr->extra_acked[0] > bbr->extra_acked[1] ? bbr->extra_acked[0] : bbr->extra_acked[1]);
}

/* What the draft says of the three numbers, state by state. */
static inline void numbers_are_right(const struct path *path)
{
    static const struct {
        unsigned pacing, cwnd;
    } gains[] = {[BBR_STARTUP] = {277, 200}, [BBR_DRAIN] = {50, 200},   [BBR_DOWN] = {90, 200},
                 [BBR_CRUISE] = {100, 200},  [BBR_REFILL] = {100, 200}, [BBR_UP] = {125, 225},
                 [BBR_PROBE_RTT] = {100, 50}};
    const struct bbr *bbr = &path->bbr;
    uint64_t quantum, most, margin;
    assert_int_equal(bbr->pacing_gain_percent, gains[bbr->state].pacing);
    assert_int_equal(bbr->cwnd_gain_percent, gains[bbr->state].cwnd);
    assert_true(path->state.cwnd_bytes >= 4 * MSS || path->sample.in_recovery);
    if (!bbr->full_bw_reached) {
        return;
    }
    most = (bbr->bw << 20) / ((1u << 20) - bbr->own_loss); /* so that bw arrives */
    margin = bbr->queue_seen ? 99 : 100;                   /* where there is a queue to empty */
    assert_in_range(path->state.pacing_rate,
                    most * gains[bbr->state].pacing / 100 * margin / 100 - 3,
                    most * gains[bbr->state].pacing / 100 * margin / 100 + 3);
    most = bbr->bw * bbr->min_rtt_us / 1000000 * gains[bbr->state].cwnd / 100;
    most += bbr->extra_acked[0] > bbr->extra_acked[1] ? bbr->extra_acked[0] : bbr->extra_acked[1];
    quantum = path->state.pacing_rate / 1000;
    quantum = quantum < 2 * MSS ? 2 * MSS : quantum > 65536 ? 65536 : quantum;
    most = most < 3 * quantum ? 3 * quantum : most;
    most += bbr->state == BBR_UP ? 2 * MSS : 0;
    assert_true(path->state.cwnd_bytes <= most + 3);
    if (bbr->state == BBR_CRUISE && bbr->inflight_longterm != HF_CC_INFINITE) {
        assert_true(path->state.cwnd_bytes <=
                        bbr->inflight_longterm / 100 * 85 + 100 + MSS + 2 * path->at_once ||
                    path->state.cwnd_bytes <= needed_alone(path) ||
                    path->state.cwnd_bytes == 4 * MSS);
    }
    if (bbr->state == BBR_PROBE_RTT) {
        uint64_t half = bbr->bw * bbr->min_rtt_us / 2000000;
        assert_true(path->state.cwnd_bytes <= (half > 4 * MSS ? half + 3 : 4 * MSS));
    }
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t largest(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* 5.6.4.6, BBRSetCwnd, from the numbers that the model has now and the cwnd that was. */
static inline void cwnd_is_right(const struct path *path, uint32_t before)
{
    const struct bbr *bbr = &path->bbr;
    const struct hf_cc_sample *sample = &path->sample;
    uint32_t cwnd = before, headroom, cap = HF_CC_INFINITE, lowered = bbr->inflight_shortterm;
    if (sample->lost_bytes > 0) {
        cwnd = cwnd > sample->lost_bytes + MSS ? cwnd - sample->lost_bytes : MSS;
    }
    cwnd += sample->delivered_bytes;
    if (bbr->full_bw_reached) {
        cwnd = least(cwnd, bbr->max_inflight);
    } else if (before >= bbr->max_inflight && sample->total_delivered_bytes >= 20 * MSS) {
        cwnd = least(cwnd, before);
    }
    if (!sample->in_recovery) {
        cwnd = largest(cwnd, 4 * MSS);
    }
    if (bbr->state == BBR_PROBE_RTT) {
        cwnd = least(cwnd, largest((uint32_t)(bbr->bw * bbr->min_rtt_us / 1000000 / 2), 4 * MSS));
    }
    if (bbr->inflight_longterm != HF_CC_INFINITE) {
        headroom = largest(MSS, bbr->inflight_longterm / 100 * 15 / MSS * MSS);
        if (bbr->state == BBR_PROBE_RTT || bbr->state == BBR_CRUISE) {
            cap =
                largest(bbr->inflight_longterm - least(headroom, bbr->inflight_longterm), 4 * MSS);
            if (bbr->state == BBR_CRUISE) {
                cap = largest(bridged(path, cap), needed_alone(path));
            }
            cap = least(cap, bbr->inflight_longterm);
        } else if (bbr->state == BBR_DOWN || bbr->state == BBR_REFILL || bbr->state == BBR_UP) {
            cap = bbr->inflight_longterm;
        }
    }
    lowered = lowered == HF_CC_INFINITE ? lowered : bridged(path, lowered);
    cap = largest(least(cap, lowered), 4 * MSS);
    assert_int_equal(path->state.cwnd_bytes, least(cwnd, cap));
}

static inline void note_burst(struct path *path)
{
    path->came_times += path->came_times == 0 || path->now > path->came_last;
    path->came_last = path->now;
    path->came_bytes += MSS;
    if (path->bbr.round_start) {
        path->at_once = path->came_bytes / path->came_times;
        path->came_bytes = path->came_times = 0;
    }
}

/* The ACK of the oldest packet that was not lost; losses before it are noticed with it. */
static inline void acknowledge(struct path *path)
{
    struct hf_cc_sample *sample = &path->sample;
    const struct packet *packet;
    hf_time interval;
    uint32_t before;
    uint8_t state;
    sample->lost_bytes = 0;
    while (path->packets[path->first % PACKETS].acked == 0) {
        path->first++;
        path->pipe -= MSS;
        path->lost += MSS;
        sample->lost_bytes += MSS;
    }
    packet = &path->packets[path->first++ % PACKETS];
    path->now = packet->acked;
    path->pipe -= MSS;
    path->delivered += MSS;
    path->delivered_stamp = path->now;
    path->first_sent = packet->sent;
    interval = packet->sent - packet->first_sent > path->now - packet->delivered_stamp
                   ? packet->sent - packet->first_sent
                   : path->now - packet->delivered_stamp;
    sample->now = path->now;
    sample->rtt_us = (uint32_t)((path->now - packet->sent) / HF_MICROSECOND);
    sample->delivered_bytes = MSS;
    sample->total_delivered_bytes = path->delivered;
    sample->total_lost_bytes = path->lost;
    sample->prior_delivered_bytes = packet->delivered;
    sample->prior_lost_bytes = packet->lost;
    sample->prior_pipe_bytes = packet->pipe;
    sample->pipe_bytes = path->pipe;
    sample->flight_bytes = path->pipe;
    sample->rate_bytes = (uint32_t)(path->delivered - packet->delivered);
    sample->rate = (uint64_t)sample->rate_bytes * (uint64_t)HF_SECOND / (uint64_t)interval;
    sample->rate_interval_us = (uint32_t)(interval / HF_MICROSECOND);
    sample->snd_nxt = (uint32_t)(path->next * MSS);
    sample->app_limited = path->app_limited;
    sample->in_recovery = path->first <= path->recovery_end;
    if (sample->lost_bytes > 0 && !sample->in_recovery) {
        path->recovery_end = path->next;
        cc_bbr.on_congestion(&path->state, sample, HF_CC_FAST_RETRANSMIT);
        sample->in_recovery = true;
    }
    before = path->state.cwnd_bytes;
    if (path->bbr.in_recovery && !sample->in_recovery) {
        before = largest(before, path->bbr.prior_cwnd_bytes);
    }
    state = path->bbr.state;
    cc_bbr.on_delivery(&path->state, sample);
    note_burst(path);
    numbers_are_right(path);
    if (state != BBR_PROBE_RTT || path->bbr.state == BBR_PROBE_RTT) {
        cwnd_is_right(path, before);
    }
}

static inline void run_until(struct path *path, hf_time end)
{
    while (path->now < end) {
        uint64_t oldest = path->first;
        hf_time due = path->send_due > path->now ? path->send_due : path->now;
        while (oldest < path->next && path->packets[oldest % PACKETS].acked == 0) {
            oldest++;
        }
        if (path->pipe + MSS <= path->state.cwnd_bytes &&
            (oldest == path->next || due <= path->packets[oldest % PACKETS].acked)) {
            path->now = due;
            send_one(path);
        } else {
            assert_true(oldest < path->next);
            acknowledge(path);
        }
    }
}

#endif
