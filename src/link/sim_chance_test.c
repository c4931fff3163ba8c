/* SPDX-License-Identifier: MIT
 *
 * The simulated link's luck: loss, bursts, duplicates, reordering, corruption, what is lost by
 * choice, and that one seed is one run. Bounds are binomial, five standard deviations wide, with
 * fixed seeds, so that a run never fails by luck.
 */
#include "sim_played.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Chance */

static void loss_is_as_likely_as_said(void **state)
{
    static const uint32_t chances[] = {0, 1000, 50000, 200000, 500000, 999000, 1000000};

    (void)state;
    for (size_t c = 0; c < sizeof chances / sizeof chances[0]; c++) {
        struct run *run = run_new(MANY, 40, HF_MICROSECOND);
        double p = chances[c] / 1e6;
        uint64_t pairs = 0;
        uint32_t expected = 0;

        run->config.forward.loss_ppm = chances[c];
        run_all(run);
        assert_binomial(MANY - run->b.arrival_count, MANY, p);
        assert_int_equal(run->told.counts[HF_REASON_LINK_LOSS], MANY - run->b.arrival_count);
        /* Two lost in a row are as likely as two independent losses. */
        for (uint32_t i = 0; i < run->b.arrival_count; i++) {
            uint32_t gap = run->b.arrivals[i].label - expected;
            pairs += gap > 1 ? gap - 1 : 0;
            expected = run->b.arrivals[i].label + 1;
        }
        pairs += MANY - expected > 1 ? MANY - expected - 1 : 0;
        assert_in_range((int64_t)fabs((double)pairs - MANY * p * p), 0,
                        (int64_t)(10 * sqrt(MANY * p * p) + 2));
        run_free(run);
    }
}

/* With enter 1 % and leave 20 % the chain is bad 1 / 21 of the time, in stretches of 5 packets on
 * average; losing all of them, loss is 4.76 %. */
static void bursts_follow_gilbert_and_elliott(void **state)
{
    struct run *run = run_new(10 * MANY, 40, HF_MICROSECOND);
    uint32_t bursts = 0, lost, expected = 0;
    double mean;

    (void)state;
    run->config.forward.burst_enter_ppm = 10000;
    run->config.forward.burst_leave_ppm = 200000;
    run->config.forward.burst_loss_ppm = 1000000;
    run_all(run);
    lost = 10 * MANY - run->b.arrival_count;
    for (uint32_t i = 0; i < run->b.arrival_count; i++) {
        bursts += run->b.arrivals[i].label != expected;
        expected = run->b.arrivals[i].label + 1;
    }
    bursts += expected != 10 * MANY;
    mean = (double)lost / bursts;
    /* About 9,500 bursts, geometric with mean 5 and deviation 4.5: the mean's own is 0.046. */
    assert_true(mean > 4.75 && mean < 5.25);
    assert_true(lost > 10 * MANY * 0.0440 && lost < 10 * MANY * 0.0512);
    run_free(run);

    run = run_new(10 * MANY, 40, HF_MICROSECOND);
    run->config.forward.burst_enter_ppm = 10000;
    run->config.forward.burst_leave_ppm = 200000;
    run->config.forward.burst_loss_ppm = 500000;
    run_all(run);
    lost = 10 * MANY - run->b.arrival_count;
    assert_true(lost > 10 * MANY * 0.0218 && lost < 10 * MANY * 0.0258);
    run_free(run);
}

static void duplicates_come_twice(void **state)
{
    struct run *run = run_new(MANY, 40, HF_MICROSECOND);
    uint8_t *seen = calloc(MANY, 1);
    uint32_t twice = 0;

    (void)state;
    assert_non_null(seen);
    run->config.forward.duplicate_ppm = 100000;
    run_all(run);
    for (uint32_t i = 0; i < run->b.arrival_count; i++) {
        assert_true(run->b.arrivals[i].label < MANY);
        seen[run->b.arrivals[i].label]++;
    }
    for (uint32_t i = 0; i < MANY; i++) {
        assert_in_range(seen[i], 1, 2);
        twice += seen[i] == 2;
    }
    assert_binomial(twice, MANY, 0.1);
    assert_int_equal(hf_sim_statistics(run->sim, 0).duplicated, twice);
    assert_int_equal(run->told.counts[HF_REASON_LINK_DUPLICATE], twice);
    free(seen);
    run_free(run);
}

/* What was not lost is doubled, held back and spoilt as often as if nothing had been lost. */
static void chances_are_independent(void **state)
{
    struct run *run = run_new(MANY, 40, HF_MICROSECOND);
    struct hf_sim_statistics statistics;

    (void)state;
    run->config.forward.loss_ppm = 200000;
    run->config.forward.duplicate_ppm = 200000;
    run->config.forward.reorder_ppm = 200000;
    run->config.forward.corrupt_ppm = 200000;
    run_all(run);
    statistics = hf_sim_statistics(run->sim, 0);
    assert_binomial(statistics.lost, MANY, 0.2);
    assert_binomial(statistics.duplicated, MANY - statistics.lost, 0.2);
    assert_binomial(statistics.reordered, statistics.delivered, 0.2);
    assert_binomial(statistics.corrupted, statistics.delivered, 0.2);
    run_free(run);
}

/* What arrives out of turn was held back by exactly what was asked; the others keep their turn. */
static void reordered_packets_are_held_back(void **state)
{
    static const hf_time holds[] = {0, 3 * HF_MILLISECOND};

    (void)state;
    for (size_t h = 0; h < 2; h++) {
        struct run *run = run_new(MANY, 40, 100 * HF_MICROSECOND);
        hf_time hold = holds[h] != 0 ? holds[h] : 5 * HF_MILLISECOND;
        uint32_t held = 0, last = 0;

        run->config.forward.reorder_ppm = 30000;
        run->config.forward.reorder_ns = holds[h];
        run_all(run);
        assert_int_equal(run->b.arrival_count, MANY);
        for (uint32_t i = 0; i < MANY; i++) {
            const struct arrival *arrival = &run->b.arrivals[i];
            hf_time late =
                arrival->time - arrival->label * 100 * HF_MICROSECOND - 10 * HF_MILLISECOND;
            if (late == 0) {
                assert_true(i == 0 || arrival->label >= last);
                last = arrival->label;
            } else {
                assert_int_equal(late, hold);
                held++;
            }
        }
        assert_binomial(held, MANY, 0.03);
        assert_int_equal(hf_sim_statistics(run->sim, 0).reordered, held);
        assert_int_equal(run->told.counts[HF_REASON_LINK_REORDER], held);
        assert_int_equal(run->told.last.value, hold);
        run_free(run);
    }
}

static void corruption_flips_one_bit(void **state)
{
    uint32_t flips[48] = {0}, corrupted = 0;
    struct run *run = run_new(MANY, 6, HF_MICROSECOND);

    (void)state;
    run->config.forward.corrupt_ppm = 200000;
    run_all(run);
    assert_int_equal(run->b.arrival_count, MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        uint8_t packet[6];
        int bit = -1;

        fill(packet, sizeof packet, i);
        if (run->b.arrivals[i].fingerprint == fingerprint(packet, sizeof packet))
            continue;
        for (int candidate = 0; candidate < 48; candidate++) {
            packet[candidate / 8] ^= (uint8_t)(1 << candidate % 8);
            if (run->b.arrivals[i].fingerprint == fingerprint(packet, sizeof packet))
                bit = candidate;
            packet[candidate / 8] ^= (uint8_t)(1 << candidate % 8);
        }
        assert_in_range(bit, 0, 47);
        flips[bit]++;
        corrupted++;
    }
    assert_binomial(corrupted, MANY, 0.2);
    for (int bit = 0; bit < 48; bit++)
        assert_binomial(flips[bit], corrupted, 1.0 / 48);
    assert_int_equal(hf_sim_statistics(run->sim, 0).corrupted, corrupted);
    assert_int_equal(run->told.counts[HF_REASON_LINK_CORRUPT], corrupted);
    run_free(run);
}

/* ---- Choice */

static void chosen_numbers_are_lost(void **state)
{
    static const uint32_t chosen[] = {1, 2, 7, 100, 4000000000u};
    static const uint32_t labels[] = {0, 1, 6, 99};
    struct run *run = run_new(100, 40, 0);

    (void)state;
    run->config.forward.lose_nth = chosen;
    run->config.forward.lose_nth_count = 5;
    run_all(run);
    assert_int_equal(run->b.arrival_count, 96);
    for (uint32_t i = 0; i < 96; i++) {
        for (size_t j = 0; j < 4; j++)
            assert_int_not_equal(run->b.arrivals[i].label, labels[j]);
    }
    assert_int_equal(run->told.counts[HF_REASON_LINK_LOSS_CHOSEN], 4);
    run_free(run);
}

struct asked {
    uint64_t calls, errors;
};

static int lose_labels_5_and_10(void *context, const uint8_t *packet, size_t length,
                                uint64_t number, hf_time now)
{
    struct asked *asked = context;

    asked->calls++;
    if (number != asked->calls || length != 40 || packet[0] != number - 1 ||
        now != (hf_time)(number - 1) * 7)
        asked->errors++;
    return packet[0] == 5 || packet[0] == 10;
}

static void predicate_is_asked_and_obeyed(void **state)
{
    struct run *run = run_new(50, 40, 7);
    struct asked asked = {0};

    (void)state;
    run->config.forward.lose = lose_labels_5_and_10;
    run->config.forward.lose_context = &asked;
    run_all(run);
    assert_int_equal(asked.calls, 50);
    assert_int_equal(asked.errors, 0);
    assert_int_equal(run->b.arrival_count, 48);
    assert_int_equal(run->b.arrivals[5].label, 6);
    assert_int_equal(run->b.arrivals[9].label, 11);
    run_free(run);
}

static void mtu_is_the_largest_that_passes(void **state)
{
    (void)state;
    for (uint32_t mtu = 575; mtu <= 577; mtu++) {
        struct run *run = run_new(10, 576, 0);
        run->config.forward.mtu = mtu;
        run_all(run);
        assert_int_equal(run->b.arrival_count, mtu >= 576 ? 10 : 0);
        assert_int_equal(run->told.counts[HF_REASON_LINK_MTU], mtu >= 576 ? 0 : 10);
        run_free(run);
    }
}

/* ---- Repetition */

static struct hf_sim_direction everything(void)
{
    return (struct hf_sim_direction){
        .rate_bits_per_second = 50000000,
        .delay_ns = 7 * HF_MILLISECOND,
        .jitter_ns = 2 * HF_MILLISECOND,
        .queue_packets = 30,
        .mtu = 1500,
        .loss_ppm = 20000,
        .burst_enter_ppm = 5000,
        .burst_leave_ppm = 300000,
        .burst_loss_ppm = 700000,
        .duplicate_ppm = 20000,
        .reorder_ppm = 30000,
        .corrupt_ppm = 10000,
    };
}

static struct run *everything_both_ways(uint64_t seed, hf_time jitter_ns)
{
    struct run *run = run_new(5000, 700, 100 * HF_MICROSECOND);

    run->b.count = 5000;
    run->b.length = 900;
    run->b.interval = 130 * HF_MICROSECOND;
    run->config.seed = seed;
    run->config.forward = everything();
    run->config.backward = everything();
    run->config.forward.jitter_ns = jitter_ns;
    run_start(run);
    hf_sim_run(run->sim, HF_TIME_NEVER);
    return run;
}

static void assert_same_arrivals(const struct hf_stack *x, const struct hf_stack *y)
{
    assert_int_equal(x->arrival_count, y->arrival_count);
    for (uint32_t i = 0; i < x->arrival_count; i++) {
        assert_int_equal(x->arrivals[i].time, y->arrivals[i].time);
        assert_int_equal(x->arrivals[i].length, y->arrivals[i].length);
        assert_int_equal(x->arrivals[i].fingerprint, y->arrivals[i].fingerprint);
    }
}

static void one_seed_is_one_run(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 5; seed++) {
        struct run *first = everything_both_ways(seed, HF_MILLISECOND);
        struct run *second = everything_both_ways(seed, HF_MILLISECOND);
        struct run *other = everything_both_ways(seed + 1, HF_MILLISECOND);

        assert_same_arrivals(&first->a, &second->a);
        assert_same_arrivals(&first->b, &second->b);
        assert_int_equal(first->told.hash, second->told.hash);
        assert_int_not_equal(first->told.hash, other->told.hash);
        for (int direction = 0; direction < 2; direction++) {
            struct hf_sim_statistics s = hf_sim_statistics(first->sim, direction);
            struct hf_sim_statistics t = hf_sim_statistics(second->sim, direction);
            assert_memory_equal(&s, &t, offsetof(struct hf_sim_statistics, in_flight));
        }
        run_free(first);
        run_free(second);
        run_free(other);
    }
}

/* The directions have luck of their own: equal rules and packets, and yet other losses. */
static void directions_differ(void **state)
{
    struct run *run = run_new(1000, 40, HF_MILLISECOND);
    uint32_t same = 0;

    (void)state;
    run->b.count = 1000;
    run->b.length = 40;
    run->b.interval = HF_MILLISECOND;
    run->config.forward.loss_ppm = run->config.backward.loss_ppm = 500000;
    run_start(run);
    hf_sim_run(run->sim, HF_TIME_NEVER);
    for (uint32_t i = 0; i < run->a.arrival_count; i++) {
        for (uint32_t j = 0; j < run->b.arrival_count; j++)
            same += run->a.arrivals[i].label == run->b.arrivals[j].label;
    }
    assert_binomial(same, 1000, 0.25);
    run_free(run);
}

/* Another jitter changes times; which packets are lost, doubled or spoilt stays as it was. */
static void one_rule_does_not_stir_the_others(void **state)
{
    struct run *plain = everything_both_ways(9, 0), *jittery = everything_both_ways(9, 999999);
    struct hf_sim_statistics s = hf_sim_statistics(plain->sim, 0);
    struct hf_sim_statistics t = hf_sim_statistics(jittery->sim, 0);

    (void)state;
    assert_true(s.lost > 100);
    assert_int_equal(s.lost, t.lost);
    assert_int_equal(s.duplicated, t.duplicated);
    assert_int_equal(s.reordered, t.reordered);
    assert_int_equal(s.corrupted, t.corrupted);
    assert_int_not_equal(plain->b.arrivals[100].time, jittery->b.arrivals[100].time);
    assert_same_arrivals(&plain->a, &jittery->a);
    run_free(plain);
    run_free(jittery);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_is_as_likely_as_said),
        cmocka_unit_test(bursts_follow_gilbert_and_elliott),
        cmocka_unit_test(duplicates_come_twice),
        cmocka_unit_test(chances_are_independent),
        cmocka_unit_test(reordered_packets_are_held_back),
        cmocka_unit_test(corruption_flips_one_bit),
        cmocka_unit_test(chosen_numbers_are_lost),
        cmocka_unit_test(predicate_is_asked_and_obeyed),
        cmocka_unit_test(mtu_is_the_largest_that_passes),
        cmocka_unit_test(one_seed_is_one_run),
        cmocka_unit_test(directions_differ),
        cmocka_unit_test(one_rule_does_not_stir_the_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
