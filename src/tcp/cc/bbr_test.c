/* SPDX-License-Identifier: MIT
 *
 * BBR version 3 on a path that is made up here: a bottleneck with a rate, a round trip and a queue,
 * packet by packet. What it should learn is known exactly; how it should go about it is in the
 * draft (draft-ietf-ccwg-bbr), whose numbers stand here again.
 */
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

    struct hf_cc_state state;
    struct bbr bbr;
    struct hf_cc_sample sample;
    struct packet packets[PACKETS];
    uint64_t first, next; /* not acknowledged yet, in order */
    hf_time now, link_free, send_due, first_sent, delivered_stamp;
    uint64_t delivered, lost, recovery_end;
    uint32_t pipe;
    struct told told[512];
    unsigned told_count, bounds_told;
};

static struct path *hearing;

static void hear(const struct hf_cc_sample *sample, enum hf_reason reason)
{
    (void)sample;
    hearing->bounds_told += reason == HF_REASON_BBR_LOWER_BOUNDS;
    assert_true(hearing->told_count < sizeof hearing->told / sizeof hearing->told[0]);
    hearing->told[hearing->told_count++] = (struct told){hearing->now, reason};
}

static struct path *path_new(uint64_t rate, hf_time rtt, uint64_t queue_bytes)
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
    return path;
}

static void send_one(struct path *path)
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
        packet->acked = path->link_free + path->rtt;
    }
    path->send_due = path->now + (hf_time)(MSS * (uint64_t)HF_SECOND / path->state.pacing_rate);
}

/* What the draft says of the three numbers, state by state. */
static void numbers_are_right(const struct path *path)
{
    static const struct {
        unsigned pacing, cwnd;
    } gains[] = {[BBR_STARTUP] = {277, 200}, [BBR_DRAIN] = {50, 200},   [BBR_DOWN] = {90, 200},
                 [BBR_CRUISE] = {100, 200},  [BBR_REFILL] = {100, 200}, [BBR_UP] = {125, 225},
                 [BBR_PROBE_RTT] = {100, 50}};
    const struct bbr *bbr = &path->bbr;
    uint64_t quantum, most;
    assert_int_equal(bbr->pacing_gain_percent, gains[bbr->state].pacing);
    assert_int_equal(bbr->cwnd_gain_percent, gains[bbr->state].cwnd);
    assert_true(path->state.cwnd_bytes >= 4 * MSS || path->sample.in_recovery);
    if (!bbr->full_bw_reached) {
        return;
    }
    assert_in_range(path->state.pacing_rate,
                    bbr->bw * gains[bbr->state].pacing / 100 * 99 / 100 - 3,
                    bbr->bw * gains[bbr->state].pacing / 100 * 99 / 100 + 3);
    most = bbr->bw * bbr->min_rtt_us / 1000000 * gains[bbr->state].cwnd / 100;
    most += bbr->extra_acked[0] > bbr->extra_acked[1] ? bbr->extra_acked[0] : bbr->extra_acked[1];
    quantum = path->state.pacing_rate / 1000;
    quantum = quantum < 2 * MSS ? 2 * MSS : quantum > 65536 ? 65536 : quantum;
    most = most < 3 * quantum ? 3 * quantum : most;
    most += bbr->state == BBR_UP ? 2 * MSS : 0;
    assert_true(path->state.cwnd_bytes <= most + 3);
    if (bbr->state == BBR_CRUISE && bbr->inflight_longterm != HF_CC_INFINITE) {
        assert_true(path->state.cwnd_bytes <= bbr->inflight_longterm / 100 * 85 + 100 ||
                    path->state.cwnd_bytes == 4 * MSS);
    }
    if (bbr->state == BBR_PROBE_RTT) {
        uint64_t half = bbr->bw * bbr->min_rtt_us / 2000000;
        assert_true(path->state.cwnd_bytes <= (half > 4 * MSS ? half + 3 : 4 * MSS));
    }
}

/* The ACK of the oldest packet that was not lost; losses before it are noticed with it. */
static void acknowledge(struct path *path)
{
    struct hf_cc_sample *sample = &path->sample;
    const struct packet *packet;
    hf_time interval;
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
    sample->in_recovery = path->first <= path->recovery_end;
    if (sample->lost_bytes > 0 && !sample->in_recovery) {
        path->recovery_end = path->next;
        cc_bbr.on_congestion(&path->state, sample, HF_CC_FAST_RETRANSMIT);
        sample->in_recovery = true;
    }
    cc_bbr.on_delivery(&path->state, sample);
    numbers_are_right(path);
}

static void run_until(struct path *path, hf_time end)
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

static bool is_state(enum hf_reason reason)
{
    return reason == HF_REASON_BBR_STARTUP || reason == HF_REASON_BBR_DRAIN ||
           reason == HF_REASON_BBR_DOWN || reason == HF_REASON_BBR_CRUISE ||
           reason == HF_REASON_BBR_REFILL || reason == HF_REASON_BBR_UP ||
           reason == HF_REASON_BBR_PROBE_RTT;
}

/* When the `nth` entry into a state was told; fails if it was not. */
static hf_time entered(const struct path *path, enum hf_reason reason, unsigned nth)
{
    for (unsigned i = 0; i < path->told_count; i++) {
        if (path->told[i].reason == reason && nth-- == 0) {
            return path->told[i].when;
        }
    }
    fail_msg("a state was not entered as often as expected");
    return 0;
}

/* 5.3: each state has its successors; ProbeRTT comes from anywhere and goes to DOWN, at once
 * CRUISE. */
static void states_follow_the_draft(const struct path *path)
{
    enum hf_reason before = HF_REASON_NONE;
    for (unsigned i = 0; i < path->told_count; i++) {
        enum hf_reason reason = path->told[i].reason;
        if (!is_state(reason)) {
            continue;
        }
        if (reason == HF_REASON_BBR_DRAIN) {
            assert_int_equal(before, HF_REASON_BBR_STARTUP);
        } else if (reason == HF_REASON_BBR_DOWN) {
            assert_true(before == HF_REASON_BBR_DRAIN || before == HF_REASON_BBR_UP ||
                        before == HF_REASON_BBR_PROBE_RTT);
        } else if (reason == HF_REASON_BBR_CRUISE) {
            assert_int_equal(before, HF_REASON_BBR_DOWN);
        } else if (reason == HF_REASON_BBR_REFILL) {
            assert_true(before == HF_REASON_BBR_DOWN || before == HF_REASON_BBR_CRUISE);
        } else if (reason == HF_REASON_BBR_UP) {
            assert_int_equal(before, HF_REASON_BBR_REFILL);
        }
        before = reason;
    }
}

/* A path with room: the model is the path to within 2 %, whatever the queue could hold. */
static void learns_the_path(uint64_t rate, hf_time rtt)
{
    struct path *path = path_new(rate, rtt, 100 * rate);
    uint64_t delivered;
    hf_time begin = path->now, drain, wait;
    uint64_t bdp = rate * (uint64_t)rtt / HF_SECOND;
    uint64_t rounds = bdp / MSS < 63 ? bdp / MSS : 63;
    assert_int_equal(path->state.pacing_rate,
                     (uint64_t)10 * MSS * 277 / 100 * (uint64_t)HF_SECOND / (uint64_t)rtt);
    assert_int_equal(path->state.ssthresh_bytes, HF_CC_INFINITE);
    run_until(path, begin + 3 * HF_SECOND);
    delivered = path->delivered;
    drain = entered(path, HF_REASON_BBR_DRAIN, 0);
    assert_true(drain - begin < 20 * rtt);
    assert_true(entered(path, HF_REASON_BBR_DOWN, 0) - drain < 6 * rtt);
    assert_true(entered(path, HF_REASON_BBR_CRUISE, 0) - drain < 10 * rtt);
    run_until(path, begin + 23 * HF_SECOND);
    states_follow_the_draft(path);
    assert_in_range(path->bbr.max_bw, rate * 98 / 100, rate * 102 / 100);
    assert_in_range(path->bbr.min_rtt_us, rtt / HF_MICROSECOND,
                    rtt / HF_MICROSECOND + (hf_time)(MSS * UINT64_C(1000000) / rate) + 1);
    assert_true(path->delivered - delivered > 20 * rate * 90 / 100);
    assert_int_equal(path->lost, 0);
    assert_int_equal(path->bbr.inflight_longterm, HF_CC_INFINITE);
    /* 5.3.3.5.3: two to three seconds from DOWN to REFILL, or as many rounds as Reno would need. */
    wait = entered(path, HF_REASON_BBR_REFILL, 0) - entered(path, HF_REASON_BBR_DOWN, 0);
    if ((hf_time)rounds * rtt > 3 * HF_SECOND) {
        assert_in_range(wait, 2 * HF_SECOND, 3 * HF_SECOND + 2 * rtt);
    } else {
        assert_true(wait <= 3 * HF_SECOND + 2 * rtt && wait >= (hf_time)(rounds - 3) * rtt);
        assert_true(wait <= (hf_time)(rounds + 3) * rtt * 3 / 2);
    }
    /* 5.3.3.3: one round of REFILL; 5.3.3.4: UP ends when three rounds have brought no more. */
    wait = entered(path, HF_REASON_BBR_UP, 0) - entered(path, HF_REASON_BBR_REFILL, 0);
    assert_in_range(wait, rtt * 9 / 10, rtt * 3);
    wait = entered(path, HF_REASON_BBR_DOWN, 1) - entered(path, HF_REASON_BBR_UP, 0);
    assert_in_range(wait, 3 * rtt, 8 * rtt);
    free(path);
}

static void learns(void **unused)
{
    (void)unused;
    learns_the_path(1250000, 40 * MS);  /* 50 segments */
    learns_the_path(12500000, 20 * MS); /* 250 */
    learns_the_path(1250000, 100 * MS); /* 125: longer than the clock */
    learns_the_path(125000, 120 * MS);  /* 15 */
}

/* 5.3.4: once in five seconds, for 200 ms and a round, with half a BDP in flight. */
static void probes_the_round_trip(void **unused)
{
    struct path *path = path_new(1250000, 40 * MS, 10000000);
    hf_time begin = path->now, probe, end;
    (void)unused;
    run_until(path, begin + 4900 * MS);
    for (unsigned i = 0; i < path->told_count; i++) {
        assert_int_not_equal(path->told[i].reason, HF_REASON_BBR_PROBE_RTT);
    }
    run_until(path, begin + 21 * HF_SECOND);
    for (unsigned nth = 0; nth < 3; nth++) {
        unsigned i;
        probe = entered(path, HF_REASON_BBR_PROBE_RTT, nth);
        for (i = 0; path->told[i].reason != HF_REASON_BBR_PROBE_RTT || path->told[i].when != probe;
             i++) {
        }
        end = path->told[i + 1].when;
        assert_int_equal(path->told[i + 1].reason, HF_REASON_BBR_DOWN);
        assert_int_equal(path->told[i + 2].reason, HF_REASON_BBR_CRUISE);
        assert_int_equal(path->told[i + 2].when, end);
        assert_in_range(end - probe, 200 * MS, 200 * MS + 4 * 40 * MS);
        if (nth > 0) {
            hf_time since = probe - entered(path, HF_REASON_BBR_PROBE_RTT, nth - 1);
            assert_in_range(since, 5 * HF_SECOND, 5 * HF_SECOND + 600 * MS);
        } else {
            assert_in_range(probe - begin, 5 * HF_SECOND, 5 * HF_SECOND + 100 * MS);
        }
    }
    free(path);
}

/* A queue of a fifth of a BDP: probing overflows it, which bounds the flight (5.3.3.4, 5.5.10.2);
 * the path is used well all the same, and 2 % of loss is no more than the probes cost. */
static void bounded_by_loss(void **unused)
{
    struct path *path = path_new(1250000, 40 * MS, 10000);
    hf_time begin = path->now;
    uint64_t delivered, lost;
    (void)unused;
    run_until(path, begin + 5 * HF_SECOND);
    delivered = path->delivered;
    lost = path->lost;
    run_until(path, begin + 30 * HF_SECOND);
    states_follow_the_draft(path);
    assert_true(path->bbr.inflight_longterm != HF_CC_INFINITE);
    assert_in_range(path->bbr.inflight_longterm, 35000, 75000);
    delivered = path->delivered - delivered;
    lost = path->lost - lost;
    assert_true(delivered > UINT64_C(25) * 1250000 * 75 / 100);
    assert_true(lost < delivered * 3 / 100);
    free(path);
}

/* 5.5.10.3: loss while nothing is probed for takes 30 % off the short-term bounds, at most once a
 * round, and not below what the round delivered; REFILL forgets them. */
static void short_term_bounds(void **unused)
{
    struct path *path = path_new(1250000, 40 * MS, 10000000);
    hf_time cruise;
    uint32_t cwnd;
    (void)unused;
    while (path->bbr.state != BBR_CRUISE) {
        run_until(path, path->now + 1);
    }
    cruise = path->now;
    run_until(path, cruise + 200 * MS);
    assert_true(path->bbr.bw_shortterm == BBR_INFINITE_RATE);
    assert_int_equal(path->bbr.inflight_shortterm, HF_CC_INFINITE);
    assert_int_equal(path->bounds_told, 0);
    /* The network loses one packet that was on its way. */
    path->packets[(path->first + 3) % PACKETS].acked = 0;
    cwnd = path->state.cwnd_bytes;
    run_until(path, path->now + 100 * MS);
    assert_int_equal(path->bounds_told, 1);
    assert_in_range(path->bbr.bw_shortterm, 1250000 * 7 / 10, 1250000 * 102 / 100);
    assert_true(path->bbr.bw_shortterm >= path->bbr.max_bw * 7 / 10);
    assert_true(path->bbr.inflight_shortterm >= cwnd * 7 / 10 - MSS);
    assert_true(path->bbr.inflight_shortterm <= cwnd);
    run_until(path, path->now + 100 * MS);
    assert_int_equal(path->bounds_told, 1);
    while (path->bbr.state != BBR_REFILL) {
        run_until(path, path->now + 1);
    }
    assert_true(path->bbr.bw_shortterm == BBR_INFINITE_RATE);
    assert_int_equal(path->bbr.inflight_shortterm, HF_CC_INFINITE);
    free(path);
}

/* 5.6.4.4 and 5.5.11: a timeout leaves one segment, and a timeout that was needless, or a recovery
 * that is over, gives back what was there. */
static void what_loss_takes_comes_back(void **unused)
{
    struct path *path = path_new(1250000, 40 * MS, 10000000);
    uint32_t cwnd;
    (void)unused;
    run_until(path, path->now + 2 * HF_SECOND);
    cwnd = path->state.cwnd_bytes;
    path->bbr.inflight_longterm = 90000;
    cc_bbr.on_congestion(&path->state, &path->sample, HF_CC_TIMEOUT);
    assert_int_equal(path->state.cwnd_bytes, MSS);
    assert_true(path->bbr.in_recovery);
    cc_bbr.on_congestion(&path->state, &path->sample, HF_CC_TIMEOUT_AGAIN);
    assert_int_equal(path->state.cwnd_bytes, MSS);
    path->bbr.inflight_longterm = 60000;
    path->bbr.inflight_shortterm = 50000;
    path->bbr.bw_shortterm = 1000000;
    cc_bbr.on_undo(&path->state, &path->sample);
    assert_int_equal(path->bbr.inflight_longterm, 90000);
    assert_int_equal(path->bbr.inflight_shortterm, HF_CC_INFINITE);
    assert_true(path->bbr.bw_shortterm == BBR_INFINITE_RATE);
    path->bbr.inflight_longterm = HF_CC_INFINITE;
    path->sample.in_recovery = false;
    path->sample.lost_bytes = 0;
    cc_bbr.on_delivery(&path->state, &path->sample);
    assert_false(path->bbr.in_recovery);
    assert_true(path->state.cwnd_bytes >= cwnd);
    free(path);
}

/* Linux's struct tcp_bbr_info. */
static void says_what_linux_says(void **unused)
{
    struct path *path = path_new(1250000, 40 * MS, 10000000);
    uint8_t info[HF_CC_INFO_BYTES];
    uint32_t words[5];
    (void)unused;
    path->bbr.bw = UINT64_C(0x123456789a);
    assert_int_equal(cc_bbr.info(&path->state, info), 20);
    memcpy(words, info, sizeof words);
    assert_int_equal(words[0], 0x3456789a);
    assert_int_equal(words[1], 0x12);
    assert_int_equal(words[2], 40000);
    assert_int_equal(words[3], 277 * 256 / 100);
    assert_int_equal(words[4], 512);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(learns),
        cmocka_unit_test(probes_the_round_trip),
        cmocka_unit_test(bounded_by_loss),
        cmocka_unit_test(short_term_bounds),
        cmocka_unit_test(what_loss_takes_comes_back),
        cmocka_unit_test(says_what_linux_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
