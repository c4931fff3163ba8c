/* SPDX-License-Identifier: MIT
 *
 * BBR version 3 on paths that are made up: what it learns of them, how it goes through its states,
 * and what a program that holds back, ACKs that are saved up and short queues do to it.
 */
#include "bbr_path.h"

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

/* 5.3.4: for 200 ms and a round, with half a BDP in flight. */
static void probes_every(uint64_t rate, hf_time every, hf_time then)
{
    struct path *path = path_new(rate, 40 * MS, 8 * rate);
    hf_time begin = path->now, probe, end;
    run_until(path, begin + every - 100 * MS);
    for (unsigned i = 0; i < path->told_count; i++) {
        assert_int_not_equal(path->told[i].reason, HF_REASON_BBR_PROBE_RTT);
    }
    run_until(path, begin + every + 2 * then + 3 * HF_SECOND);
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
            assert_in_range(since, then, then + 600 * MS);
        } else {
            assert_in_range(probe - begin, every, every + 100 * MS);
        }
    }
    free(path);
}

/* Once in nearly ten seconds, where flights are as fast as the fastest, but for a 64th, of 40 ms
 * that is 0.63, and a segment's time, up to 1.25 ms. A segment takes 0.8 ms here, 0.08 there. At
 * last it takes 4: once in five seconds, until the opening's round trip, which had no segment, is
 * forgotten. */
static void probes_the_round_trip(void **unused)
{
    (void)unused;
    probes_every(1250000, 9800 * MS, 9800 * MS);
    probes_every(12500000, 9800 * MS, 9800 * MS);
    probes_every(250000, 5 * HF_SECOND, 9800 * MS);
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

/* 5.5.9: where ACKs are saved up, cwnd bridges the silence between them. */
static void bridges_aggregation(void **unused)
{
    struct path *path = path_new(1250000, 40 * MS, 10000000);
    uint64_t delivered;
    uint32_t extra;
    (void)unused;
    path->ack_every = 20 * MS;
    run_until(path, path->now + 2 * HF_SECOND);
    delivered = path->delivered;
    run_until(path, path->now + 2 * HF_SECOND);
    extra = largest(path->bbr.extra_acked[0], path->bbr.extra_acked[1]);
    assert_in_range(extra, 12500, 50000); /* 20 ms are 25000 octets */
    assert_true(path->delivered - delivered > 2 * 1250000 * UINT64_C(90) / 100);
    cc_bbr.on_idle_restart(&path->state, &path->sample);
    assert_int_equal(path->bbr.extra_acked_delivered, 0);
    assert_true(path->bbr.extra_acked_start == path->now);
    assert_true(path->bbr.idle_restart);
    assert_true(path->bbr.queue_seen);
    assert_true(path->state.pacing_rate == path->bbr.bw * 99 / 100); /* 5.4.1, 5.6.2 */
    /* It is forgotten within ten rounds of regular ACKs. */
    path->ack_every = 0;
    run_until(path, path->now + 2 * HF_SECOND);
    assert_true(largest(path->bbr.extra_acked[0], path->bbr.extra_acked[1]) < extra / 2);
    free(path);
}

/* The bounds that loss sets leave a flight of one BDP. Where ACKs come in bursts that is idle until
 * the next one has come: the bounds make room for them, and the path is used as it is without. */
static void bounds_bridge_bursts(void **unused)
{
    static const hf_time every[] = {0, MS, 2 * MS};
    (void)unused;
    for (unsigned i = 0; i < 3; i++) {
        const uint64_t rate = 12500000;
        struct path *path = path_new(rate, 20 * MS, rate / 50 / 4);
        uint64_t delivered;
        path->ack_every = every[i];
        run_until(path, path->now + 3 * HF_SECOND);
        delivered = path->delivered;
        run_until(path, path->now + 10 * HF_SECOND);
        assert_true(path->bbr.inflight_longterm != HF_CC_INFINITE);
        assert_true(path->delivered - delivered > 10 * rate * 96 / 100);
        free(path);
    }
}

/* A BDP of 17 segments, of which two wait for a delayed ACK, and a queue of four: the bounds leave
 * room for them. Where a BDP is 172 segments they do not, for all that lies below a bound. */
static void small_bounds_bridge_delayed_acks(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < 2; i++) {
        const uint64_t rate = i == 0 ? 1250000 : 12500000;
        struct path *path = path_new(rate, 20 * MS, i == 0 ? 4 * MSS : rate / 50 / 4);
        uint32_t bound = 0;
        path->ack_every = (hf_time)(2 * MSS * (uint64_t)HF_SECOND / rate);
        for (unsigned step = 0; step < 4000; step++) {
            run_until(path, path->now + 5 * MS);
            if (path->bbr.inflight_shortterm != HF_CC_INFINITE &&
                path->state.cwnd_bytes > path->bbr.inflight_shortterm) {
                bound = cc_max(bound, path->state.cwnd_bytes - path->bbr.inflight_shortterm);
            }
        }
        assert_true(path->bbr.inflight_longterm != HF_CC_INFINITE);
        assert_in_range(bound, i == 0 ? MSS : 0, i == 0 ? 2 * MSS : 0);
        free(path);
    }
}

/* 5.3.1.2, 5.5.5: what the program holds back says nothing of the path: Startup goes on, and a
 * lower rate lowers nothing. */
static void limited_by_the_program(void **unused)
{
    struct path *path = path_new(1250000, 40 * MS, 10000000);
    uint64_t before;
    (void)unused;
    path->app_limited = true;
    run_until(path, path->now + 3 * HF_SECOND);
    assert_int_equal(path->bbr.state, BBR_STARTUP);
    path->app_limited = false;
    run_until(path, path->now + HF_SECOND);
    assert_int_not_equal(path->bbr.state, BBR_STARTUP);
    path->app_limited = true;
    before = path->bbr.max_bw;
    path->rate /= 2;
    run_until(path, path->now + 4 * HF_SECOND);
    assert_int_equal(path->bbr.max_bw, before);
    path->app_limited = false; /* now it is the path that says so: within two cycles */
    run_until(path, path->now + 12 * HF_SECOND);
    assert_in_range(path->bbr.max_bw, 612500, 700000);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(learns),
        cmocka_unit_test(probes_the_round_trip),
        cmocka_unit_test(bounded_by_loss),
        cmocka_unit_test(bridges_aggregation),
        cmocka_unit_test(bounds_bridge_bursts),
        cmocka_unit_test(small_bounds_bridge_delayed_acks),
        cmocka_unit_test(limited_by_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
