/* SPDX-License-Identifier: MIT
 *
 * BBR version 3 in its parts: the bounds that loss sets, what comes back when the loss was none,
 * the volumes, the filters, and what each state begins with.
 */
#include "bbr_path.h"

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
    path->sample.in_recovery = true; /* 5.6.4.4: one segment more for each that arrives */
    path->sample.lost_bytes = 0;
    cc_bbr.on_delivery(&path->state, &path->sample);
    assert_int_equal(path->state.cwnd_bytes, 2 * MSS);
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

/* 5.6.4.4: five of seven in flight are lost, and one arrives. Where the program had no more to send
 * cwnd's 15 were never used: it is what was, less what is lost, and the one; only once a recovery,
 * and all of it is there again at the end. */
static void unused_window_repeats_nothing(void **unused)
{
    (void)unused;
    for (unsigned limited = 0; limited < 2; limited++) {
        struct path *path = path_new(1250000, 40 * MS, 10000000);
        struct hf_cc_sample *sample = &path->sample;
        uint32_t expected = (limited ? 3 : 11) * MSS;
        path->state.cwnd_bytes = 15 * MSS;
        sample->app_limited_now = limited;
        cc_bbr.on_congestion(&path->state, sample, HF_CC_FAST_RETRANSMIT);
        sample->in_recovery = true;
        sample->pipe_bytes = sample->delivered_bytes = MSS;
        sample->lost_bytes = 5 * MSS;
        sample->total_delivered_bytes = MSS;
        cc_bbr.on_delivery(&path->state, sample);
        assert_int_equal(path->state.cwnd_bytes, expected);
        sample->lost_bytes = 0;
        cc_bbr.on_delivery(&path->state, sample);
        assert_int_equal(path->state.cwnd_bytes, expected + MSS);
        sample->in_recovery = false;
        cc_bbr.on_delivery(&path->state, sample);
        assert_true(path->state.cwnd_bytes >= 15 * MSS);
        free(path);
    }
}

/* 5.5.11: a loss that was none takes the state back, too. */
static void states_come_back(void **unused)
{
    struct path *path = path_new(1250000, 40 * MS, 10000000);
    (void)unused;
    run_until(path, path->now + 100 * MS);
    cc_bbr.on_congestion(&path->state, &path->sample, HF_CC_FAST_RETRANSMIT);
    while (path->bbr.state == BBR_STARTUP) {
        run_until(path, path->now + 1);
    }
    path->bbr.full_bw_count = 2;
    cc_bbr.on_undo(&path->state, &path->sample);
    assert_int_equal(path->bbr.state, BBR_STARTUP);
    assert_true(path->bbr.full_bw == 0);
    assert_false(path->bbr.full_bw_reached);
    assert_int_equal(path->bbr.full_bw_count, 0);
    while (path->bbr.state != BBR_UP) {
        run_until(path, path->now + 1);
    }
    cc_bbr.on_congestion(&path->state, &path->sample, HF_CC_FAST_RETRANSMIT);
    while (path->bbr.state == BBR_UP) {
        run_until(path, path->now + 1);
    }
    cc_bbr.on_undo(&path->state, &path->sample);
    assert_int_equal(path->bbr.state, BBR_UP);
    assert_int_equal(path->bbr.full_bw_count, 0);
    free(path);
}

/* 5.6.2 and the volumes of 5.6.4.2, where the path is unknown, short or bounded to next to nothing.
 */
static void volumes(void **unused)
{
    struct path *path = path_new(12500000, MS, 10000000);
    struct bbr *bbr = &path->bbr;
    (void)unused;
    assert_true(bbr->min_rtt_stamp == path->now);
    assert_int_equal(bbr_bdp(bbr, &path->sample, 0, 200), 10 * MSS);
    assert_int_equal(bbr_bdp(bbr, &path->sample, 12500000, 200), 25000);
    bbr->min_rtt_us = UINT32_MAX;
    assert_int_equal(bbr_bdp(bbr, &path->sample, 12500000, 200), 10 * MSS);
    bbr->min_rtt_us = 1000;
    bbr->max_bw = 12500000;
    path->state.pacing_rate = 12500000; /* 12500 octets a millisecond: thrice that fits offloads */
    assert_int_equal(bbr_inflight(&path->state, &path->sample, 100), 37500);
    path->state.pacing_rate = 1000000;
    assert_int_equal(bbr_inflight(&path->state, &path->sample, 100), 12500);
    assert_int_equal(bbr_inflight_with_headroom(bbr, &path->sample), HF_CC_INFINITE);
    bbr->inflight_longterm = 100000;
    assert_int_equal(bbr_inflight_with_headroom(bbr, &path->sample), 85000);
    bbr->inflight_longterm = 500;
    assert_int_equal(bbr_inflight_with_headroom(bbr, &path->sample), 4 * MSS);
    bbr->inflight_longterm = 6000; /* 15 % are less than a segment */
    assert_int_equal(bbr_inflight_with_headroom(bbr, &path->sample), 5000);
    bbr->inflight_longterm = 21000; /* 15 % are three segments and a part */
    assert_int_equal(bbr_inflight_with_headroom(bbr, &path->sample), 18000);
    path->state.pacing_rate = 100000000; /* no burst is longer than 64 KiB */
    assert_int_equal(bbr_inflight(&path->state, &path->sample, 100), 3 * 65536);
    path->state.pacing_rate = 1000;
    bbr->max_bw = 1000;
    assert_int_equal(bbr_inflight(&path->state, &path->sample, 100), 6 * MSS);
    bbr->min_rtt_us = 100000000;
    assert_int_equal(bbr_bdp(bbr, &path->sample, 100000000, 100), UINT32_MAX);
    bbr->min_rtt_us = 0;
    assert_int_equal(bbr_bdp(bbr, &path->sample, 100000000, 100), 0);
    free(path);
}

/* 5.3.1.3: Startup ends in a round of recovery with six losses of its own and more than 2 % of the
 * flight; not with five, not with 2 % or less, not while the rate grows and no queue is seen, not
 * for what the path loses by itself, and there is nothing of the kind later on. */
static void high_loss(void **unused)
{
    static const struct {
        uint8_t events, state;
        uint32_t lost, acks_near, full_bw_count, own_loss_percent;
        bool ends;
    } cases[] = {{6, BBR_STARTUP, 2001, 49, 0, 0, true},
                 {5, BBR_STARTUP, 2001, 49, 0, 0, false},
                 {6, BBR_STARTUP, 2000, 49, 0, 0, false},
                 {6, BBR_REFILL, 2001, 49, 0, 0, false},
                 {6, BBR_STARTUP, 2001, 50, 0, 0, false}, /* grows, no queue */
                 {6, BBR_STARTUP, 2001, 50, 1, 0, true},
                 {6, BBR_STARTUP, 4900, 49, 0, 1, false}, /* 1 and twice 1 of 100 are expected */
                 {6, BBR_STARTUP, 5100, 49, 0, 1, true}};
    (void)unused;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct path *path = path_new(1250000, 40 * MS, 10000000);
        struct hf_cc_sample *sample = &path->sample;
        path->bbr.state = cases[i].state;
        path->bbr.max_bw = 1250000;
        path->bbr.inflight_latest = 20000;
        path->bbr.loss_round_start = true;
        path->bbr.loss_events_in_round = cases[i].events;
        path->bbr.round_acks = 100;
        path->bbr.round_acks_near = cases[i].acks_near;
        path->bbr.full_bw_count = (uint8_t)cases[i].full_bw_count;
        path->bbr.own_loss = (cases[i].own_loss_percent << 20) / 100;
        sample->in_recovery = true;
        sample->rate = 1250000;
        sample->prior_pipe_bytes = 100000;
        sample->prior_lost_bytes = 7000;
        sample->total_lost_bytes = 7000 + cases[i].lost;
        sample->pipe_bytes = 1000000;
        bbr_advance(&path->state, sample);
        assert_int_equal(path->bbr.full_bw_reached, cases[i].ends);
        assert_int_equal(path->bbr.inflight_longterm, cases[i].ends ? 50000 : HF_CC_INFINITE);
        free(path);
    }
}

/* What a state begins with: 5.3.3.1, 5.3.3.4, 5.3.4.3. */
/* A round that the peer's window cut short is no evidence, three times; then it is. */
static void high_loss_cut_short(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < 3; i++) {
        struct path *path = path_new(1250000, 40 * MS, 10000000);
        struct hf_cc_sample *sample = &path->sample;
        path->bbr.max_bw = 1250000;
        path->bbr.loss_round_start = true;
        path->bbr.loss_events_in_round = 6;
        path->bbr.round_acks = 100;
        path->bbr.peer_limited = i == 1;
        path->bbr.peer_limited_before = i == 2;
        sample->in_recovery = true;
        sample->rate = 1250000;
        sample->prior_pipe_bytes = 100000;
        sample->total_lost_bytes = 100000;
        sample->pipe_bytes = 1000000;
        for (unsigned round = 1; round <= 4; round++) {
            bbr_advance(&path->state, sample);
            assert_int_equal(path->bbr.full_bw_reached, i == 0 || round == 4);
        }
        free(path);
    }
}

static void beginnings(void **unused)
{
    struct path *path = path_new(1250000, 40 * MS, 10000000);
    struct bbr *bbr = &path->bbr;
    struct hf_cc_sample *sample = &path->sample;
    (void)unused;
    run_until(path, path->now + 2 * HF_SECOND);
    bbr->loss_in_round = true;
    bbr->next_round_delivered = 0;
    bbr_start_down(bbr, sample);
    assert_true(bbr->bw_latest == 0 && bbr->inflight_latest == 0 && !bbr->loss_in_round);
    assert_true(bbr->next_round_delivered == path->delivered);
    bbr->next_round_delivered = 0;
    bbr_start_up(&path->state, sample);
    assert_true(bbr->next_round_delivered == path->delivered);
    assert_true(bbr->full_bw == sample->rate);
    /* Our own bound is no evidence that the path is full; and what fits under it raises it. */
    bbr->full_bw_now = true;
    bbr->inflight_longterm = path->state.cwnd_bytes;
    bbr->bw_probe_up_acks = 0;
    bbr->round_start = false;
    sample->prior_pipe_bytes = 0;
    sample->delivered_bytes = 0;
    bbr_advance(&path->state, sample);
    assert_int_equal(bbr->state, BBR_UP);
    assert_false(bbr->full_bw_now);
    assert_int_equal(bbr->inflight_longterm, path->state.cwnd_bytes);
    sample->delivered_bytes = bbr->probe_up_count_bytes;
    bbr_advance(&path->state, sample);
    assert_int_equal(bbr->inflight_longterm, path->state.cwnd_bytes + MSS);
    sample->cwnd_limited = false;
    bbr_advance(&path->state, sample);
    assert_int_equal(bbr->inflight_longterm, path->state.cwnd_bytes + MSS);
    /* ProbeRTT during recovery keeps what recovery kept. */
    bbr->in_recovery = true;
    bbr->prior_cwnd_bytes = 300000;
    bbr->probe_rtt_expired = true;
    bbr_advance(&path->state, sample);
    assert_int_equal(bbr->state, BBR_PROBE_RTT);
    assert_int_equal(bbr->prior_cwnd_bytes, 300000);
    free(path);
}

/* 5.5.5: of two probing cycles the higher counts. 5.5.10.3: 30 % less at most, however little came.
 */
static void filters(void **unused)
{
    struct path *path = path_new(1250000, 40 * MS, 10000000);
    (void)unused;
    while (path->bbr.state != BBR_CRUISE) {
        run_until(path, path->now + 1);
    }
    run_until(path, path->now + 100 * MS);
    path->bbr.max_bw_filter[0] = 2000000;
    run_until(path, path->now + 10 * MS);
    assert_true(path->bbr.max_bw == 2000000);
    path->packets[(path->first + 3) % PACKETS].acked = 0;
    path->rate /= 10;
    path->bbr.bw_latest = 0;
    while (path->bounds_told == 0) {
        run_until(path, path->now + 1);
    }
    assert_true(path->bbr.bw_shortterm == 1400000);
    free(path);
}

/* One ACK that ends a loss round, in a state that was made up. */
static struct path *end_of_round(enum bbr_state state, bool loss, bool mark)
{
    struct path *path = path_new(1250000, 40 * MS, 10000000);
    struct bbr *bbr = &path->bbr;
    struct hf_cc_sample *sample = &path->sample;
    bbr->state = (uint8_t)state;
    bbr->full_bw_reached = state != BBR_STARTUP;
    bbr->max_bw = bbr->max_bw_filter[0] = 1000000;
    bbr->loss_in_round = loss;
    bbr->ecn_in_round = mark;
    bbr->next_round_delivered = bbr->loss_round_delivered = 500000;
    bbr->cycle_stamp = path->now;
    bbr->bw_probe_wait_ns = 2 * HF_SECOND;
    bbr->round_delivered = 500000;
    bbr->round_lost = 1000;
    path->state.cwnd_bytes = 100000;
    sample->total_delivered_bytes = 600000;
    sample->total_lost_bytes = 1000 + (loss ? MSS : 0);
    sample->prior_delivered_bytes = 500000;
    sample->prior_pipe_bytes = 100000;
    sample->pipe_bytes = 100000;
    sample->rate = 1;
    sample->rate_bytes = 1;
    sample->rate_interval_us = 40000;
    path->told_count = path->bounds_told = 0;
    return path;
}

/* Marks alone: what arrived is seen against what was let leave until two rounds ago; beside a loss
 * beyond the path's own it is not. */
static void marks_in_down(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < 8; i++) {
        struct path *path = end_of_round(i & 1 ? BBR_DOWN : BBR_CRUISE, i & 4, true);
        struct bbr *bbr = &path->bbr;
        bbr->bw_latest = 880000;
        bbr->share_before = i & 2 ? 90 : 100;
        cc_bbr.on_delivery(&path->state, &path->sample);
        assert_int_equal(path->bounds_told, 1);
        assert_true(bbr->bw_shortterm == ((i & 3) == 0 || i & 4 ? 880000 : 977777));
        free(path);
    }
}

/* Half was let leave by ProbeRTT: what arrived of it is no bound, though something was lost. */
static void loss_after_probe_rtt(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < 4; i++) {
        struct path *path = end_of_round(BBR_CRUISE, true, i & 1);
        struct bbr *bbr = &path->bbr;
        bbr->bw_latest = 480000;
        bbr->inflight_latest = i & 2 ? 30000 : 48000;
        bbr->share_now = 50;
        cc_bbr.on_delivery(&path->state, &path->sample);
        assert_int_equal(path->bounds_told, 1);
        assert_true(bbr->bw_shortterm == 960000);
        assert_int_equal(bbr->inflight_shortterm, i & 2 ? 70000 : 96000);
        free(path);
    }
}

/* 5.5.10.3, decision by decision: who cuts, for what, from what, and how far. */
static void lower_bounds(void **unused)
{
    static const bool cuts[] = {
        [BBR_STARTUP] = false, [BBR_DRAIN] = true, [BBR_DOWN] = true,     [BBR_CRUISE] = true,
        [BBR_REFILL] = false,  [BBR_UP] = false,   [BBR_PROBE_RTT] = true};
    (void)unused;
    for (unsigned i = 0; i < 7 * 4; i++) {
        enum bbr_state state = (enum bbr_state)(i % 7);
        struct path *path = end_of_round(state, (i / 7) & 1, (i / 7) & 2);
        cc_bbr.on_delivery(&path->state, &path->sample);
        assert_int_equal(path->bounds_told, cuts[state] && i / 7 > 0);
        assert_false(path->bbr.loss_in_round || path->bbr.ecn_in_round);
        free(path);
    }
    for (unsigned i = 0; i < 16; i++) {
        struct path *path = end_of_round(BBR_CRUISE, true, false);
        struct bbr *bbr = &path->bbr;
        uint64_t bw = 700000;
        uint32_t inflight = 70000;
        if (i & 1) { /* cut before */
            bbr->bw_shortterm = 500000;
            bbr->inflight_shortterm = 50000;
            bw = 350000;
            inflight = 35000;
        }
        if (i & 2) { /* more came in this round than that */
            bbr->bw_latest = bw = 800000;
            bbr->inflight_latest = inflight = 80000;
        }
        if (i & 4) { /* what is lost is a probe's */
            bbr->probe_losses = true;
            bbr->probe_end_delivered = 500001;
        }
        if (i & 8) { /* it is what the path loses: of 101 segments 1 % and two deviations */
            bbr->own_loss = (1u << 20) / 100;
        }
        cc_bbr.on_delivery(&path->state, &path->sample);
        if (i & 12) {
            assert_int_equal(path->bounds_told, 0);
            assert_true(bbr->bw_shortterm == (i & 1 ? 500000 : BBR_INFINITE_RATE));
            assert_int_equal(bbr->inflight_shortterm, i & 1 ? 50000 : HF_CC_INFINITE);
        } else {
            assert_int_equal(path->bounds_told, 1);
            assert_true(bbr->bw_shortterm == bw);
            assert_int_equal(bbr->inflight_shortterm, inflight);
        }
        free(path);
    }
}

/* BBRNoteLoss: the first loss begins a whole round; the next ones in it do not. */
/* The flight of which so much arrived was larger by what the path loses itself: 80,000 of 84,210 at
 * 5 %. Else each cut would be that much too deep. */
static void bounded_by_what_left(void **unused)
{
    struct path *path = end_of_round(BBR_CRUISE, true, false);
    struct bbr *bbr = &path->bbr;
    (void)unused;
    bbr->own_loss = (1u << 20) / 20;
    bbr->inflight_latest = 80000;
    path->sample.total_lost_bytes += 40 * MSS;
    cc_bbr.on_delivery(&path->state, &path->sample);
    assert_int_equal(path->bounds_told, 1);
    assert_in_range(bbr->inflight_shortterm, 84209, 84211);
    free(path);
}

static void first_loss_begins_a_round(void **unused)
{
    struct path *path = end_of_round(BBR_CRUISE, false, false);
    (void)unused;
    path->sample.lost_bytes = MSS;
    cc_bbr.on_delivery(&path->state, &path->sample);
    assert_int_equal(path->bounds_told, 0);
    assert_true(path->bbr.loss_in_round);
    assert_true(path->bbr.loss_round_delivered == 600000);
    path->sample.total_delivered_bytes = 650000;
    path->sample.prior_delivered_bytes = 599999;
    cc_bbr.on_delivery(&path->state, &path->sample);
    assert_true(path->bbr.loss_round_delivered == 600000);
    assert_int_equal(path->bounds_told, 0);
    path->sample.total_lost_bytes += MSS;
    path->sample.prior_delivered_bytes = 600000;
    cc_bbr.on_delivery(&path->state, &path->sample);
    assert_true(path->bbr.loss_round_delivered == 650000);
    assert_int_equal(path->bounds_told, 1);
    free(path);
}

/* 5.5.7: a lower round trip counts at once, a higher one when ten seconds are over; the stamp is
 * that of the sample. */
static void least_round_trip(void **unused)
{
    struct path *path = end_of_round(BBR_CRUISE, false, false);
    struct bbr *bbr = &path->bbr;
    hf_time begin = path->now;
    (void)unused;
    path->sample.rtt_us = 30000;
    path->sample.now = begin + 1;
    cc_bbr.on_delivery(&path->state, &path->sample);
    assert_int_equal(bbr->min_rtt_us, 30000);
    assert_true(bbr->min_rtt_stamp == begin + 1);
    path->sample.now = begin + 2;
    cc_bbr.on_delivery(&path->state, &path->sample); /* the same again is no news */
    assert_true(bbr->min_rtt_stamp == begin + 1);
    bbr->probe_rtt_min_delay_us = 50000; /* what ProbeRTT has found since */
    bbr->probe_rtt_min_stamp = begin + 6 * HF_SECOND;
    path->sample.rtt_us = 60000;
    path->sample.now = begin + 1 + 10 * HF_SECOND;
    cc_bbr.on_delivery(&path->state, &path->sample);
    assert_int_equal(bbr->min_rtt_us, 30000);
    path->sample.now++;
    cc_bbr.on_delivery(&path->state, &path->sample);
    assert_int_equal(bbr->min_rtt_us, 50000);
    assert_true(bbr->min_rtt_stamp == begin + 6 * HF_SECOND);
    free(path);
}

/* Linux's struct tcp_bbr_info. */
/* What is known of a queue is of one round: never more ACKs near the least round trip than ACKs. */
static void rounds_count_for_themselves(void **unused)
{
    struct path *path = path_new(1250000, 40 * MS, 10000000);
    hf_time end = path->now + 5 * HF_SECOND;
    uint32_t near_most = 0;
    (void)unused;
    while (path->now < end) {
        run_until(path, path->now + 1);
        assert_true(path->bbr.round_acks_near <= path->bbr.round_acks);
        near_most = cc_max(near_most, path->bbr.round_acks_near);
    }
    assert_true(near_most > 1);
    free(path);
}

/* 5.5.9: the most of a window of rounds counts, and less does not take its place. */
static void aggregation_is_the_most(void **unused)
{
    struct path *path = path_new(1250000, 40 * MS, 10000000);
    (void)unused;
    run_until(path, path->now + 2 * HF_SECOND);
    path->bbr.extra_acked[1] = 9000;
    path->bbr.extra_acked_round = path->bbr.round_count;
    path->bbr.extra_acked_start = path->sample.now;
    path->bbr.extra_acked_delivered = 0;
    path->sample.delivered_bytes = 3000;
    cc_bbr.on_delivery(&path->state, &path->sample);
    assert_int_equal(path->bbr.extra_acked[1], 9000);
    path->sample.delivered_bytes = 12000; /* at the same instant: all 15,000 came at once */
    cc_bbr.on_delivery(&path->state, &path->sample);
    assert_int_equal(path->bbr.extra_acked[1], 15000);
    free(path);
}

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
        cmocka_unit_test(short_term_bounds),
        cmocka_unit_test(what_loss_takes_comes_back),
        cmocka_unit_test(unused_window_repeats_nothing),
        cmocka_unit_test(states_come_back),
        cmocka_unit_test(volumes),
        cmocka_unit_test(high_loss),
        cmocka_unit_test(high_loss_cut_short),
        cmocka_unit_test(beginnings),
        cmocka_unit_test(filters),
        cmocka_unit_test(says_what_linux_says),
        cmocka_unit_test(lower_bounds),
        cmocka_unit_test(marks_in_down),
        cmocka_unit_test(loss_after_probe_rtt),
        cmocka_unit_test(bounded_by_what_left),
        cmocka_unit_test(first_loss_begins_a_round),
        cmocka_unit_test(least_round_trip),
        cmocka_unit_test(aggregation_is_the_most),
        cmocka_unit_test(rounds_count_for_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
