/* SPDX-License-Identifier: MIT
 *
 * The simulated link's clock: rate, queue, delay, stepping, injected packets, hosts replaced, and
 * what it refuses. Expected times are worked out here from the rules' definitions, to the
 * nanosecond. What chance does is in sim_chance_test.c.
 */
#include "sim_played.h"

#include <stdlib.h>

/* ---- Time */

static void nothing_set_means_delay_alone(void **state)
{
    struct run *run = run_new(100, 60, HF_MILLISECOND);
    uint8_t expected[60];

    (void)state;
    run_all(run);
    assert_int_equal(run->b.arrival_count, 100);
    for (uint32_t i = 0; i < 100; i++) {
        fill(expected, sizeof expected, i);
        assert_int_equal(run->b.arrivals[i].time, i * HF_MILLISECOND + 10 * HF_MILLISECOND);
        assert_int_equal(run->b.arrivals[i].length, 60);
        assert_int_equal(run->b.arrivals[i].fingerprint, fingerprint(expected, sizeof expected));
    }
    assert_int_equal(run->told.hash, 0);
    assert_int_equal(hf_sim_statistics(run->sim, 0).bytes_delivered, 6000);
    run_free(run);
}

/* 1001 bytes at 7 Mbit/s take 1,144,000 ns exactly; at 7,777,777 bit/s they do not divide, and the
 * k-th still ends at the k-fold of the exact time, rounded down once. */
static void rate_serialises_exactly(void **state)
{
    static const uint64_t rates[] = {7000000, 7777777, 999999999, 3, UINT64_C(100000000000)};

    (void)state;
    for (size_t r = 0; r < sizeof rates / sizeof rates[0]; r++) {
        struct run *run = run_new(2000, 1001, 0);
        run->config.forward.rate_bits_per_second = rates[r];
        run_all(run);
        assert_int_equal(run->b.arrival_count, 2000);
        for (uint64_t k = 0; k < 2000; k++) {
            uint64_t bits = (k + 1) * 1001 * 8;
            uint64_t whole = bits / rates[r], rest = bits % rates[r];
            uint64_t ns = whole * 1000000000u + rest * 1000000000u / rates[r];
            assert_int_equal(run->b.arrivals[k].label, k);
            assert_int_equal(run->b.arrivals[k].time, (hf_time)ns + 10 * HF_MILLISECOND);
        }
        run_free(run);
    }
}

/* The wire is idle between packets that come slower than the rate: nothing waits. */
static void rate_lets_slow_senders_pass(void **state)
{
    struct run *run = run_new(50, 1250, 3 * HF_MILLISECOND);

    (void)state;
    run->config.forward.rate_bits_per_second = 10000000;
    run->config.forward.queue_packets = 1;
    run_all(run);
    assert_int_equal(run->b.arrival_count, 50);
    for (uint32_t i = 0; i < 50; i++)
        assert_int_equal(run->b.arrivals[i].time, (3 * i + 1 + 10) * HF_MILLISECOND);
    run_free(run);
}

/* 1250 bytes at 10 Mbit/s: a turn is 1 ms. Of 100 packets at once one is on the wire and 10 wait;
 * later, one packet each 500 us, every other one finds the queue full. */
static void full_queue_drops_the_tail(void **state)
{
    struct run *run = run_new(100, 1250, 0);

    (void)state;
    run->config.forward.rate_bits_per_second = 10000000;
    run->config.forward.queue_packets = 10;
    run_all(run);
    assert_int_equal(run->b.arrival_count, 11);
    for (uint32_t i = 0; i < 11; i++) {
        assert_int_equal(run->b.arrivals[i].label, i);
        assert_int_equal(run->b.arrivals[i].time, (i + 1 + 10) * HF_MILLISECOND);
    }
    assert_int_equal(hf_sim_statistics(run->sim, 0).queue_drops, 89);
    assert_int_equal(run->told.counts[HF_REASON_LINK_QUEUE], 89);
    run_free(run);

    run = run_new(1000, 1250, 500 * HF_MICROSECOND);
    run->config.forward.rate_bits_per_second = 10000000;
    run->config.forward.queue_packets = 10;
    run_all(run);
    assert_in_range(run->b.arrival_count, 500 + 10, 500 + 12);
    for (uint32_t i = 0; i < run->b.arrival_count; i++)
        assert_int_equal(run->b.arrivals[i].time, (i + 1 + 10) * HF_MILLISECOND);
    run_free(run);
}

static void jitter_spreads_but_keeps_order(void **state)
{
    struct run *run = run_new(20000, 40, 2 * HF_MILLISECOND);
    hf_time least = HF_TIME_NEVER, most = 0;
    uint64_t low_half = 0;

    (void)state;
    /* Packets farther apart than the jitter: each delay shows by itself. */
    run->config.forward.jitter_ns = HF_MILLISECOND;
    run_all(run);
    assert_int_equal(run->b.arrival_count, 20000);
    for (uint32_t i = 0; i < 20000; i++) {
        hf_time delay = run->b.arrivals[i].time - i * 2 * HF_MILLISECOND;
        assert_int_equal(run->b.arrivals[i].label, i);
        least = delay < least ? delay : least;
        most = delay > most ? delay : most;
        low_half += delay < 10 * HF_MILLISECOND + 500 * HF_MICROSECOND;
    }
    assert_in_range(least, 10 * HF_MILLISECOND, 10 * HF_MILLISECOND + 10000);
    assert_in_range(most, 11 * HF_MILLISECOND - 10000, 11 * HF_MILLISECOND);
    assert_binomial(low_half, 20000, 0.5);
    run_free(run);

    /* Packets closer together than the jitter would pass one another, and do not. */
    run = run_new(20000, 40, 10 * HF_MICROSECOND);
    run->config.forward.jitter_ns = HF_MILLISECOND;
    run_all(run);
    assert_int_equal(run->b.arrival_count, 20000);
    for (uint32_t i = 0; i < 20000; i++) {
        assert_int_equal(run->b.arrivals[i].label, i);
        assert_true(i == 0 || run->b.arrivals[i].time >= run->b.arrivals[i - 1].time);
    }
    run_free(run);
}

/* Every packet waits for the next multiple, and what has come by then comes in one call. */
static void batches_come_at_multiples(void **state)
{
    struct run *run = run_new(1000, 40, 30 * HF_MICROSECOND);

    (void)state;
    run->config.forward.batch_ns = 100 * HF_MICROSECOND;
    run_all(run);
    assert_int_equal(run->b.arrival_count, 1000);
    for (uint32_t i = 0; i < 1000; i++) {
        hf_time arrival = 10 * HF_MILLISECOND + i * 30 * HF_MICROSECOND;
        assert_int_equal(run->b.arrivals[i].label, i);
        assert_int_equal(run->b.arrivals[i].time, (arrival + 99999) / 100000 * 100000);
    }
    assert_int_equal(run->b.batches, 301); /* 30 ms of them, and the one at the beginning */
    run_free(run);

    /* More than a host takes in at once comes in several calls, at the same moment. */
    run = run_new(150, 40, 0);
    run->config.forward.batch_ns = HF_MILLISECOND;
    run_all(run);
    assert_int_equal(run->b.arrival_count, 150);
    assert_int_equal(run->b.batches, 3);
    assert_int_equal(run->b.arrivals[0].time, 10 * HF_MILLISECOND);
    assert_int_equal(run->b.arrivals[149].time, 10 * HF_MILLISECOND);
    run_free(run);
}

/* ---- Stepping */

static void steps_stop_where_told(void **state)
{
    struct run *run = run_new(2, 40, 20 * HF_MILLISECOND); /* arrive at 10 and 30 ms */

    (void)state;
    run->config.start = 5;
    run_start(run);
    assert_int_equal(hf_sim_now(run->sim), 5);
    assert_int_equal(hf_sim_step(run->sim, 10 * HF_MILLISECOND), 0);
    assert_int_equal(hf_sim_now(run->sim), 10 * HF_MILLISECOND);
    assert_int_equal(run->b.arrival_count, 0);
    assert_int_equal(hf_sim_statistics(run->sim, 0).in_flight, 1);
    assert_int_equal(hf_sim_step(run->sim, 10 * HF_MILLISECOND + 5), 1);
    assert_int_equal(hf_sim_now(run->sim), 10 * HF_MILLISECOND + 5);
    assert_int_equal(run->b.arrival_count, 1);
    /* The clock does not go back. */
    assert_int_equal(hf_sim_step(run->sim, HF_MILLISECOND), 0);
    assert_int_equal(hf_sim_now(run->sim), 10 * HF_MILLISECOND + 5);
    /* The sender's timer, then the delivery, then nothing: the clock stays. */
    assert_int_equal(hf_sim_step(run->sim, HF_TIME_NEVER), 1);
    assert_int_equal(hf_sim_now(run->sim), 20 * HF_MILLISECOND);
    assert_int_equal(hf_sim_step(run->sim, HF_TIME_NEVER), 1);
    assert_int_equal(hf_sim_now(run->sim), 30 * HF_MILLISECOND);
    assert_int_equal(hf_sim_step(run->sim, HF_TIME_NEVER), 0);
    assert_int_equal(hf_sim_now(run->sim), 30 * HF_MILLISECOND);
    assert_int_equal(hf_sim_run(run->sim, HF_SECOND), 0);
    assert_int_equal(hf_sim_now(run->sim), HF_SECOND);
    run_free(run);
}

static void injected_packets_arrive_when_told(void **state)
{
    struct run *run = run_new(0, 40, 0);
    /* A SYN from 192.0.2.1:9 to 192.0.2.2:10. */
    static const uint8_t old[] = {0x45, 0, 0,   40, 0,    0, 0, 0, 64, 6,  0, 0, 192, 0,
                                  2,    1, 192, 0,  2,    2, 0, 9, 0,  10, 0, 0, 0,   7,
                                  0,    0, 0,   0,  0x50, 2, 1, 0, 0,  0,  0, 0};

    (void)state;
    run->config.forward.loss_ppm = 1000000;
    run->config.host_name[0] = "alice";
    run->config.host_id[0] = 77;
    run->config.start = 100;
    run_start(run);
    assert_int_equal(hf_sim_inject(run->sim, 1, old, sizeof old, 3000), HF_OK);
    assert_int_equal(hf_sim_inject(run->sim, 1, old, sizeof old, 100), HF_OK);
    assert_int_equal(hf_sim_inject(run->sim, 0, old, sizeof old, 2000), HF_OK);
    assert_int_equal(hf_sim_inject(run->sim, 2, old, sizeof old, 2000), HF_EINVAL);
    assert_int_equal(hf_sim_inject(run->sim, -1, old, sizeof old, 2000), HF_EINVAL);
    assert_int_equal(hf_sim_inject(run->sim, 1, NULL, 40, 2000), HF_EINVAL);
    assert_int_equal(hf_sim_inject(run->sim, 1, old, 0, 2000), HF_EINVAL);
    assert_int_equal(hf_sim_inject(run->sim, 1, old, 65536, 2000), HF_EINVAL);
    assert_int_equal(hf_sim_inject(run->sim, 1, old, sizeof old, 99), HF_EINVAL);
    assert_int_equal(hf_sim_inject(run->sim, 1, old, sizeof old, HF_TIME_NEVER), HF_EINVAL);
    assert_int_equal(hf_sim_run(run->sim, HF_TIME_NEVER), 3);
    assert_int_equal(run->b.arrival_count, 2);
    assert_int_equal(run->b.arrivals[0].time, 100);
    assert_int_equal(run->b.arrivals[1].time, 3000);
    assert_int_equal(run->a.arrival_count, 1);
    assert_int_equal(run->a.arrivals[0].time, 2000);
    assert_int_equal(run->b.arrivals[1].fingerprint, fingerprint(old, sizeof old));
    assert_int_equal(run->told.counts[HF_REASON_LINK_DELAYED_DUPLICATE], 3);
    assert_int_equal(run->told.last.time, 3000);
    assert_int_equal(run->told.last.value, 2900);
    assert_string_equal(run->told.last.host_name, "alice");
    assert_int_equal(run->told.last.host, 77);
    assert_int_equal(run->told.last.local.address.bytes[3], 1);
    assert_int_equal(run->told.last.local.port, 9);
    assert_int_equal(run->told.last.remote.address.bytes[3], 2);
    assert_int_equal(run->told.last.remote.port, 10);
    assert_int_equal(run->told.last_segment.seq, 7);
    assert_int_equal(run->told.last_segment.flags, HF_SYN);
    run_free(run);
}

static void rules_change_for_what_follows(void **state)
{
    struct run *run = run_new(4, 40, 4 * HF_MILLISECOND);
    struct hf_sim_direction rules;

    (void)state;
    run_start(run);
    hf_sim_run(run->sim, 5 * HF_MILLISECOND); /* two are under way */
    rules = run->config.forward;
    rules.delay_ns = 0;
    assert_int_equal(hf_sim_set_direction(run->sim, 0, &rules), HF_OK);
    assert_int_equal(hf_sim_set_direction(run->sim, 2, &rules), HF_EINVAL);
    assert_int_equal(hf_sim_set_direction(run->sim, 0, NULL), HF_EINVAL);
    rules.loss_ppm = 1000001;
    assert_int_equal(hf_sim_set_direction(run->sim, 0, &rules), HF_EINVAL);
    hf_sim_run(run->sim, HF_TIME_NEVER);
    assert_int_equal(run->b.arrival_count, 4);
    assert_int_equal(run->b.arrivals[0].time, 10 * HF_MILLISECOND);
    assert_int_equal(run->b.arrivals[1].time, 14 * HF_MILLISECOND);
    /* No delay any more, but the order stays. */
    assert_int_equal(run->b.arrivals[2].label, 2);
    assert_int_equal(run->b.arrivals[2].time, 14 * HF_MILLISECOND);
    assert_int_equal(run->b.arrivals[3].time, 14 * HF_MILLISECOND);
    run_free(run);
}

static void replaced_host_takes_over(void **state)
{
    struct run *run = run_new(6, 40, 5 * HF_MILLISECOND);
    struct hf_stack restarted = {0};

    (void)state;
    run_start(run);
    hf_sim_run(run->sim, 12 * HF_MILLISECOND); /* 1 arrived, 2 are under way */
    assert_int_equal(run->b.arrival_count, 1);
    hf_sim_replace(run->sim, 1, NULL); /* down: the one due at 15 ms finds nobody */
    hf_sim_run(run->sim, 17 * HF_MILLISECOND);
    assert_int_equal(hf_sim_statistics(run->sim, 0).lost, 1);
    hf_sim_replace(run->sim, 1, &restarted);
    hf_sim_run(run->sim, HF_TIME_NEVER);
    assert_int_equal(run->b.arrival_count, 1);
    assert_int_equal(restarted.arrival_count, 4);
    assert_int_equal(restarted.arrivals[0].label, 2);
    assert_int_equal(restarted.arrivals[0].time, 20 * HF_MILLISECOND);
    free(restarted.arrivals);
    run_free(run);
}

static void flush_puts_what_is_due_on_the_link(void **state)
{
    struct run *run = run_new(3, 40, HF_MILLISECOND);

    (void)state;
    run_start(run);
    assert_int_equal(hf_sim_statistics(run->sim, 0).sent, 0);
    hf_sim_flush(run->sim);
    assert_int_equal(hf_sim_statistics(run->sim, 0).sent, 1);
    assert_int_equal(hf_sim_now(run->sim), 0);
    hf_sim_flush(run->sim);
    assert_int_equal(hf_sim_statistics(run->sim, 0).sent, 1);
    run_free(run);
}

/* ---- Guards */

static void bad_rules_are_refused(void **state)
{
    static const uint32_t descending[] = {5, 4}, twice[] = {5, 5}, zero[] = {0, 1};
    const struct hf_sim_direction good = hf_sim_config_default().forward;
    struct hf_sim_direction bad[15];
    struct hf_stack a = {0}, b = {0};
    struct hf_sim_config config;

    (void)state;
    for (size_t i = 0; i < 15; i++)
        bad[i] = good;
    bad[0].loss_ppm = 1000001;
    bad[1].burst_enter_ppm = 1000001;
    bad[2].burst_leave_ppm = 1000001;
    bad[3].burst_loss_ppm = 1000001;
    bad[4].duplicate_ppm = 1000001;
    bad[5].reorder_ppm = 1000001;
    bad[6].corrupt_ppm = UINT32_MAX;
    bad[7].delay_ns = -1;
    bad[8].jitter_ns = -1;
    bad[9].reorder_ns = -1;
    bad[10].delay_ns = HF_TIME_NEVER;
    bad[11].lose_nth_count = 1;
    bad[12].lose_nth = descending;
    bad[12].lose_nth_count = 2;
    bad[13].lose_nth = twice;
    bad[13].lose_nth_count = 2;
    bad[14].lose_nth = zero;
    bad[14].lose_nth_count = 2;
    for (size_t i = 0; i < 15; i++) {
        config = hf_sim_config_default();
        config.forward = bad[i];
        assert_null(hf_sim_new(&config, &a, &b));
        config = hf_sim_config_default();
        config.backward = bad[i];
        assert_null(hf_sim_new(&config, &a, &b));
    }
    config = hf_sim_config_default();
    config.start = -1;
    assert_null(hf_sim_new(&config, &a, &b));
    assert_null(hf_sim_new(NULL, &a, &b));
    hf_sim_free(NULL);
}

static void stack_that_stands_still_is_noticed(void **state)
{
    struct run *run = run_new(0, 40, 0);

    (void)state;
    run_start(run);
    run->a.stuck = 1;
    expect_assert_failure(hf_sim_run(run->sim, HF_TIME_NEVER));
    run_free(run);
}

static void stack_that_never_falls_silent_is_noticed(void **state)
{
    struct run *run = run_new(0, 40, 0);

    (void)state;
    run->config.forward.mtu = 20;
    run->config.trace.event = NULL;
    run_start(run);
    run->a.babble = 1;
    expect_assert_failure(hf_sim_flush(run->sim));
    run_free(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_set_means_delay_alone),
        cmocka_unit_test(rate_serialises_exactly),
        cmocka_unit_test(rate_lets_slow_senders_pass),
        cmocka_unit_test(full_queue_drops_the_tail),
        cmocka_unit_test(jitter_spreads_but_keeps_order),
        cmocka_unit_test(batches_come_at_multiples),
        cmocka_unit_test(steps_stop_where_told),
        cmocka_unit_test(injected_packets_arrive_when_told),
        cmocka_unit_test(rules_change_for_what_follows),
        cmocka_unit_test(replaced_host_takes_over),
        cmocka_unit_test(flush_puts_what_is_due_on_the_link),
        cmocka_unit_test(bad_rules_are_refused),
        cmocka_unit_test(stack_that_stands_still_is_noticed),
        cmocka_unit_test(stack_that_never_falls_silent_is_noticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
