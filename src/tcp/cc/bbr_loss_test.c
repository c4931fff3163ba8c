/* SPDX-License-Identifier: MIT
 *
 * The loss that is the path's own (bbr_loss.c), on paths whose loss is known: how well it is told,
 * what is made of it, and what is not taken for it.
 */
#include "bbr_path.h"

static unsigned own_loss_ppm(const struct path *path)
{
    return (unsigned)((uint64_t)path->bbr.own_loss * 1000000 >> 20);
}

/* A path that loses by lot: the share of it is known to within a third after three seconds, and
 * nearly all that does not get lost is used: 0.99 for pacing's margin, what the probes miss. */
static void told_from_congestion(void **unused)
{
    static const unsigned every[] = {100, 50, 33, 20};
    (void)unused;
    for (unsigned i = 0; i < sizeof every / sizeof every[0]; i++) {
        struct path *path = path_new(12500000, 40 * MS, 10000000);
        uint64_t delivered, most = UINT64_C(5) * 12500000 * (every[i] - 1) / every[i];
        path->lose_every = every[i];
        run_until(path, path->now + 3 * HF_SECOND);
        assert_in_range(own_loss_ppm(path), 667000 / every[i], 1333000 / every[i]);
        delivered = path->delivered;
        run_until(path, path->now + 5 * HF_SECOND);
        assert_true(path->delivered - delivered >= most * 92 / 100);
        free(path);
    }
}

/* More than 10 % is congestion, whatever the round trip says: nothing is expected, and the rate
 * comes down. */
static void bounded(void **unused)
{
    struct path *path = path_new(12500000, 40 * MS, 10000000);
    (void)unused;
    path->lose_every = 6;
    for (unsigned i = 0; i < 100 && (i < 20 || path->bbr.bw > 12500000 / 2); i++) {
        run_until(path, path->now + 50 * MS);
        assert_true(own_loss_ppm(path) <= 100000);
    }
    assert_int_equal(path->bbr.own_loss, 0);
    assert_true(path->bbr.bw < 12500000 / 2);
    free(path);
}

/* A queue of a tenth of a BDP that our own probes overflow is no loss of the path's. */
static void not_our_own_overflow(void **unused)
{
    struct path *path = path_new(12500000, 40 * MS, 50000);
    (void)unused;
    for (unsigned i = 0; i < 100; i++) {
        run_until(path, path->now + 100 * MS);
        assert_true(own_loss_ppm(path) <= 3000);
    }
    assert_true(path->lost > 0);
    free(path);
}

/* Where Startup did not see loss, what comes later is believed up to 1 %. */
static void startup_bounds_it(void **unused)
{
    struct path *path = path_new(12500000, 40 * MS, 10000000);
    (void)unused;
    run_until(path, path->now + 2 * HF_SECOND);
    assert_int_equal(path->bbr.own_loss, 0);
    path->lose_every = 20;
    run_until(path, path->now + 6 * HF_SECOND);
    assert_in_range(own_loss_ppm(path), 1, 10000);
    free(path);
}

/* Where Startup did, half as much again is believed as what it saw makes likely. */
static void startup_stretches_it(void **unused)
{
    struct path *path = path_new(12500000, 40 * MS, 10000000);
    uint64_t lost, deviations = 0, most;
    (void)unused;
    path->lose_every = 40;
    run_until(path, path->now + HF_SECOND);
    lost = path->bbr.startup_lost_bytes / MSS;
    assert_true(lost > 4);
    while ((deviations + 1) * (deviations + 1) <= 4 * lost) {
        deviations++;
    }
    most = (lost + deviations) * 1500000 * MSS / path->bbr.startup_seen_bytes;
    assert_in_range(most, 20000, 70000);
    path->lose_every = 11;
    run_until(path, path->now + 6 * HF_SECOND);
    assert_in_range(own_loss_ppm(path), most - most / 50, most + most / 15);
    free(path);
}

/* np and two standard deviations: of 100 segments at 1 %: 1 + 2; at 4 %: 4 + 4; of 10,000 at 1 %:
 * 100 + 20. */
static void expectation(void **unused)
{
    struct path *path = path_new(12500000, 40 * MS, 10000000);
    (void)unused;
    assert_int_equal(bbr_expected_loss(&path->bbr, &path->sample, 100 * MSS), 0);
    path->bbr.own_loss = (1u << 20) / 100;
    assert_in_range(bbr_expected_loss(&path->bbr, &path->sample, 100 * MSS), 2990, 3000);
    assert_in_range(bbr_expected_loss(&path->bbr, &path->sample, 10000 * MSS), 119950, 120000);
    assert_in_range(bbr_sending_rate(&path->bbr, 990000), 999990, 1000000);
    path->bbr.own_loss = (1u << 20) / 25;
    assert_in_range(bbr_expected_loss(&path->bbr, &path->sample, 100 * MSS), 7990, 8000);
    free(path);
}

/* What is in flight when a probe ends is lost to the probe: the short-term bounds look at what is
 * sent after it. */
static void probes_answer_for_themselves(void **unused)
{
    struct path *path = path_new(1250000, 40 * MS, 10000000);
    (void)unused;
    while (path->bbr.state != BBR_CRUISE) {
        run_until(path, path->now + 1);
    }
    run_until(path, path->now + 200 * MS);
    assert_false(path->bbr.probe_losses);
    bbr_probe_ends(&path->bbr, &path->sample);
    path->packets[(path->first + 3) % PACKETS].acked = 0;
    run_until(path, path->now + 30 * MS);
    assert_true(path->lost > 0);
    assert_true(path->bbr.probe_losses);
    run_until(path, path->now + 150 * MS);
    assert_false(path->bbr.probe_losses);
    assert_int_equal(path->bounds_told, 0);
    path->packets[(path->first + 3) % PACKETS].acked = 0;
    run_until(path, path->now + 150 * MS);
    assert_int_equal(path->bounds_told, 1);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(told_from_congestion),         cmocka_unit_test(bounded),
        cmocka_unit_test(not_our_own_overflow),         cmocka_unit_test(startup_bounds_it),
        cmocka_unit_test(startup_stretches_it),         cmocka_unit_test(expectation),
        cmocka_unit_test(probes_answer_for_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
