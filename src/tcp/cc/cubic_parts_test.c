/* SPDX-License-Identifier: MIT
 *
 * CUBIC in its parts (RFC 9438): what marks, idle time and the end of a recovery do to it; and the
 * pace of HyStart++ (RFC 9406) to the octet and to the round.
 */
#include "cc_math.h"
#include "cc_ops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* needs what is above */
#include <cmocka.h>

#define MSS 1000u
#define MS HF_MILLISECOND

static unsigned told[HF_REASON_COUNT];

static void hear(const struct hf_cc_sample *sample, enum hf_reason reason)
{
    (void)sample;
    told[reason]++;
}

struct sender {
    struct hf_cc_state state;
    struct hf_cc_sample sample;
};

static void begin(struct sender *sender, uint32_t segments, uint32_t ssthresh)
{
    memset(told, 0, sizeof told);
    *sender = (struct sender){.sample = {.mss_bytes = MSS,
                                         .now = HF_SECOND,
                                         .srtt_us = 50000,
                                         .acked_bytes = MSS,
                                         .cwnd_limited = true,
                                         .tell = hear}};
    sender->state.private_state = calloc(1, cc_cubic.private_bytes);
    assert_non_null(sender->state.private_state);
    sender->state.cwnd_bytes = segments * MSS;
    sender->state.ssthresh_bytes = ssthresh;
    cc_cubic.init(&sender->state, &sender->sample);
}

static void end(struct sender *sender)
{
    free(sender->state.private_state);
}

static void acks(struct sender *sender, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        sender->sample.now += MS;
        cc_cubic.on_ack(&sender->state, &sender->sample);
    }
}

/* A loss at 100 segments, and some way up the curve again. */
static void half_way(struct sender *sender)
{
    begin(sender, 100, HF_CC_INFINITE);
    cc_cubic.on_congestion(&sender->state, &sender->sample, HF_CC_FAST_RETRANSMIT);
    acks(sender, 2000);
}

/* RFC 8511 3: to a mark CUBIC gives way by 15 %. RFC 6582 3.2: at the end of recovery cwnd is what
 * is in flight and a segment, no more than ssthresh. */
static void marks_and_recovery(void **unused)
{
    struct sender sender;
    (void)unused;
    begin(&sender, 100, HF_CC_INFINITE);
    sender.sample.alternative_backoff = true;
    cc_cubic.on_congestion(&sender.state, &sender.sample, HF_CC_ECN);
    assert_int_equal(sender.state.cwnd_bytes, 85 * MSS);
    assert_int_equal(sender.state.ssthresh_bytes, 85 * MSS);
    sender.state.cwnd_bytes = 2 * MSS;
    cc_cubic.on_congestion(&sender.state, &sender.sample, HF_CC_FAST_RETRANSMIT);
    assert_int_equal(sender.state.cwnd_bytes, 2 * MSS); /* two at least */
    end(&sender);
}

/* 5.8: the clock of the curve stands still while nothing is in flight or the window is not used; it
 * goes on while it is, however long no ACK comes. */
static void only_busy_time_counts(void **unused)
{
    struct sender sender[3];
    (void)unused;
    for (unsigned i = 0; i < 3; i++) {
        half_way(&sender[i]);
        assert_int_equal(sender[i].state.cwnd_bytes, sender[0].state.cwnd_bytes);
    }
    /* 1: unused for 3 s; 2: used for as long. */
    sender[1].sample.now += 3 * HF_SECOND;
    sender[2].sample.now += 3 * HF_SECOND;
    cc_cubic.on_unused(&sender[1].state, sender[1].sample.now);
    assert_int_equal(sender[1].state.cwnd_bytes, sender[0].state.cwnd_bytes);
    for (unsigned round = 0; round < 100; round++) {
        for (unsigned i = 0; i < 3; i++) {
            acks(&sender[i], 10);
        }
    }
    assert_int_equal(sender[1].state.cwnd_bytes, sender[0].state.cwnd_bytes);
    assert_true(sender[2].state.cwnd_bytes > sender[0].state.cwnd_bytes + 2 * MSS);
    for (unsigned i = 0; i < 3; i++) {
        end(&sender[i]);
    }
}

/* 4.9.2: after a needless reduction the curve goes on as if nothing had been: t, too, has gone on.
 * Holds: RFC9438-4.9-a */
static void undone_as_if_it_had_not_been(void **unused)
{
    struct sender sender[2];
    (void)unused;
    for (unsigned i = 0; i < 2; i++) {
        half_way(&sender[i]);
    }
    {
        uint32_t cwnd = sender[1].state.cwnd_bytes, ssthresh = sender[1].state.ssthresh_bytes;
        cc_cubic.on_congestion(&sender[1].state, &sender[1].sample, HF_CC_TIMEOUT);
        assert_int_equal(sender[1].state.cwnd_bytes, MSS);
        sender[0].sample.now += 2 * HF_SECOND;
        sender[1].sample.now += 2 * HF_SECOND;
        sender[1].state.cwnd_bytes = cwnd; /* who calls on_undo has given these back */
        sender[1].state.ssthresh_bytes = ssthresh;
        cc_cubic.on_undo(&sender[1].state, &sender[1].sample);
    }
    for (unsigned i = 0; i < 2; i++) {
        acks(&sender[i], 1000);
    }
    assert_int_equal(sender[1].state.cwnd_bytes, sender[0].state.cwnd_bytes);
    for (unsigned i = 0; i < 2; i++) {
        end(&sender[i]);
    }
}

/* 4.3 to 4.5: the region is told when the window enters it, and not with each ACK. */
static void regions_are_told(void **unused)
{
    struct sender sender;
    (void)unused;
    half_way(&sender); /* K is 4.2 s */
    assert_int_equal(told[HF_REASON_CUBIC_CONCAVE], 1);
    assert_int_equal(told[HF_REASON_CUBIC_CONVEX], 0);
    acks(&sender, 5000);
    assert_int_equal(told[HF_REASON_CUBIC_CONCAVE], 1);
    assert_int_equal(told[HF_REASON_CUBIC_CONVEX], 1);
    cc_cubic.on_congestion(&sender.state, &sender.sample, HF_CC_FAST_RETRANSMIT);
    acks(&sender, 10);
    assert_int_equal(told[HF_REASON_CUBIC_CONCAVE], 2);
    end(&sender);
    begin(&sender, 4, HF_CC_INFINITE); /* an ACK each ms: Reno would be far ahead */
    cc_cubic.on_congestion(&sender.state, &sender.sample, HF_CC_FAST_RETRANSMIT);
    acks(&sender, 100);
    assert_int_equal(told[HF_REASON_CUBIC_RENO], 1);
    end(&sender);
}

/* 4.8, 4.6: what times out in a recovery was answered for when that began, and W_max with it; the
 * slow start that follows ends at that ssthresh, and the curve begins flat there.
 * Holds: RFC9438-4.8-c */
static void timeout_in_recovery(void **unused)
{
    struct sender sender;
    (void)unused;
    begin(&sender, 100, HF_CC_INFINITE);
    cc_cubic.on_congestion(&sender.state, &sender.sample, HF_CC_FAST_RETRANSMIT);
    sender.sample.answered = true;
    cc_cubic.on_congestion(&sender.state, &sender.sample, HF_CC_TIMEOUT);
    assert_int_equal(sender.state.cwnd_bytes, MSS);
    assert_int_equal(sender.state.ssthresh_bytes, 70 * MSS);
    acks(&sender, 69);
    assert_int_equal(sender.state.cwnd_bytes, 70 * MSS);
    cc_cubic.on_delivery(&sender.state, &sender.sample);
    assert_int_equal(told[HF_REASON_CUBIC_EPOCH], 1);
    /* K is 0: half a second later 0.4 * 0.55^3 of a segment, where with W_max = 100 there would be
     * a third of the way to it. */
    acks(&sender, 500);
    assert_in_range(sender.state.cwnd_bytes, 73 * MSS, 75 * MSS); /* Reno's 9/17 a round trip */
    end(&sender);
    /* A needless timeout gives back what the recovery had made. */
    begin(&sender, 100, HF_CC_INFINITE);
    cc_cubic.on_congestion(&sender.state, &sender.sample, HF_CC_ECN);
    sender.sample.answered = sender.sample.undo_begins = true;
    cc_cubic.on_congestion(&sender.state, &sender.sample, HF_CC_TIMEOUT);
    sender.state.cwnd_bytes = 70 * MSS;
    cc_cubic.on_undo(&sender.state, &sender.sample);
    cc_cubic.on_delivery(&sender.state, &sender.sample);
    acks(&sender, 5000);
    assert_in_range(sender.state.cwnd_bytes, 99 * MSS, 101 * MSS); /* K is 4.2 s */
    end(&sender);
}

/* 4.2: each reduction begins a curve of its own: the second is as the first would have been. */
static void epochs_are_alike(void **unused)
{
    struct sender sender[2];
    (void)unused;
    half_way(&sender[0]);
    while (sender[0].state.cwnd_bytes <= 100 * MSS) {
        acks(&sender[0], 1);
    }
    begin(&sender[1], 100, HF_CC_INFINITE);
    sender[1].state.cwnd_bytes = sender[0].state.cwnd_bytes;
    for (unsigned i = 0; i < 2; i++) {
        cc_cubic.on_congestion(&sender[i].state, &sender[i].sample, HF_CC_FAST_RETRANSMIT);
    }
    for (unsigned round = 0; round < 30; round++) {
        for (unsigned i = 0; i < 2; i++) {
            acks(&sender[i], 100);
        }
        assert_int_equal(sender[1].state.cwnd_bytes, sender[0].state.cwnd_bytes);
    }
    end(&sender[0]);
    end(&sender[1]);
}

/* 4.3: on a path so short that the curve stands still, cwnd follows W_est: 9/17 of a segment a
 * round trip until it is what it was before the reduction, from there on a whole one. */
static void slow_until_the_window_before(void **unused)
{
    struct sender sender;
    double model = 70.0 * MSS;
    unsigned slow = 0, fast = 0;
    (void)unused;
    begin(&sender, 100, HF_CC_INFINITE);
    sender.sample.srtt_us = 100;
    cc_cubic.on_congestion(&sender.state, &sender.sample, HF_CC_FAST_RETRANSMIT);
    assert_int_equal(sender.state.cwnd_bytes, 70 * MSS);
    for (unsigned i = 0; i < 10000; i++) {
        bool below = model < 100.0 * MSS;
        model += (below ? 9.0 / 17.0 : 1.0) * MSS * MSS / sender.state.cwnd_bytes;
        sender.sample.now += HF_MICROSECOND;
        cc_cubic.on_ack(&sender.state, &sender.sample);
        slow += below;
        fast += !below;
        assert_in_range(sender.state.cwnd_bytes, (uint32_t)model - 20, (uint32_t)model + 20);
    }
    assert_true(slow > 4000); /* about 85 segments a round, 57 rounds */
    assert_true(fast > 4000);
    end(&sender);
}

/* RFC 9406 4.3: rounds of 20 ACKs whose round trip grows in the fourth. A quarter of the growth in
 * conservative slow start, for five rounds; then ssthresh is cwnd. */
static void pace_of_hystart(void **unused)
{
    struct sender sender;
    unsigned css = 0, over = 0;
    (void)unused;
    begin(&sender, 20, HF_CC_INFINITE);
    for (unsigned round = 1; round <= 12; round++) {
        sender.sample.rtt_us = round >= 4 ? 60000 : 40000;
        sender.sample.snd_nxt = round * 20 * MSS;
        for (unsigned i = 1; i <= 20; i++) {
            uint32_t before = sender.state.cwnd_bytes;
            bool was_css = told[HF_REASON_HYSTART_CSS] > 0;
            sender.sample.snd_una = ((round - 1) * 20 + i) * MSS;
            acks(&sender, 1);
            if (!was_css && told[HF_REASON_HYSTART_CSS] == 0) {
                assert_int_equal(sender.state.cwnd_bytes, before + MSS);
            } else if (was_css && told[HF_REASON_HYSTART_OVER] == 0) {
                assert_int_equal(sender.state.cwnd_bytes, before + MSS / 4);
            }
            if (!was_css && told[HF_REASON_HYSTART_CSS] > 0) {
                css = round;
                assert_int_equal(i, 8); /* eight samples */
            }
            over = over == 0 && told[HF_REASON_HYSTART_OVER] > 0 ? round : over;
        }
    }
    assert_int_equal(css, 4);        /* what ends the third round is a sample of the third */
    assert_int_equal(over - css, 4); /* five rounds, with the one it began in */
    assert_true(sender.state.ssthresh_bytes != HF_CC_INFINITE);
    end(&sender);
}

/* ACKs of one window of a flow, `gap` apart, whose round trips tell nothing; `pause` after the
 * first, which is the last of the burst before. How many until the train is seen, 0: it is not. */
static unsigned train_seen(uint32_t window_segments, uint32_t rtt_us, hf_time gap, hf_time pause)
{
    struct sender sender;
    unsigned seen = 0;
    begin(&sender, window_segments, HF_CC_INFINITE);
    sender.sample.rtt_us = sender.sample.min_rtt_us = rtt_us;
    sender.sample.snd_nxt = 1000 * MSS;
    for (unsigned i = 1; i <= 200; i++) {
        sender.sample.now += i == 2 ? pause : gap;
        sender.sample.snd_una = i * MSS;
        cc_cubic.on_ack(&sender.state, &sender.sample);
        seen = seen == 0 && told[HF_REASON_HYSTART_TRAIN] > 0 ? i : seen;
    }
    assert_int_equal(sender.state.ssthresh_bytes, HF_CC_INFINITE);
    assert_int_equal(sender.state.cwnd_bytes, (window_segments + (seen > 0 ? seen : 200)) * MSS +
                                                  (seen > 0 ? 200 - seen : 0) * (MSS / 4));
    end(&sender);
    return seen;
}

/* ACKs that come without a gap of over 2 ms for more than half of the least round trip: slow start
 * goes on at a quarter of its pace. A window under 16 segments tells nothing. */
static void train_of_acks(void **unused)
{
    (void)unused;
    assert_int_equal(train_seen(100, 100000, MS, MS), 52);
    assert_int_equal(train_seen(100, 100000, MS, 40 * MS), 53); /* from the second on */
    assert_int_equal(train_seen(100, 100000, 2 * MS, MS), 27);
    assert_int_equal(train_seen(100, 100000, 2 * MS + 1, MS), 0);
    assert_int_equal(train_seen(100, 20000, MS, MS), 12);
    assert_int_equal(train_seen(2, 20000, MS, MS), 14);
    assert_int_equal(train_seen(100, 0, MS, MS), 0); /* no round trip is known */
}

/* A bottleneck that takes 0.1 ms for a segment, 100 ms away. Each ACK, and with a receiver that
 * waits each second one, lets go what it makes room for: bursts with a queue at their end, and a
 * pause after each while the path holds more than a window. The first ACK of each burst finds no
 * queue, so a round that begins with it has not grown; there is one round to a burst, and it ends
 * with it. */
static void bursts(unsigned ack_every)
{
    enum { PATH_SEGMENTS = 1000, SEGMENTS = 4000 };
    static hf_time sent[SEGMENTS], acked[SEGMENTS];
    struct sender sender;
    unsigned next = 0, first = 0, burst_ends = 10, burst = 0;
    hf_time link_free = 0;
    begin(&sender, 10, HF_CC_INFINITE);
    sender.sample.min_rtt_us = 100000;
    sender.sample.acked_bytes = ack_every * MSS;
    while (sender.state.cwnd_bytes < PATH_SEGMENTS * MSS) {
        for (; next < first + sender.state.cwnd_bytes / MSS; next++) {
            sent[next] = sender.sample.now;
            link_free = (link_free > sent[next] ? link_free : sent[next]) + MS / 10;
            acked[next] = link_free + 100 * MS - MS / 10;
        }
        first += ack_every;
        assert_true(next < SEGMENTS && first <= next);
        sender.sample.now = acked[first - 1];
        sender.sample.rtt_us = (uint32_t)((acked[first - 1] - sent[first - 1]) / HF_MICROSECOND);
        sender.sample.snd_una = first * MSS;
        sender.sample.snd_nxt = next * MSS;
        cc_cubic.on_ack(&sender.state, &sender.sample);
        assert_int_equal(told[HF_REASON_HYSTART_CSS], 0);
        if (first >= burst_ends) {
            burst++;
            burst_ends = first + sender.state.cwnd_bytes / MSS;
        }
        assert_int_equal(told[HF_REASON_HYSTART_ROUND], burst);
    }
    assert_in_range(burst, 6, 7);
    end(&sender);
}

static void rounds_are_bursts(void **unused)
{
    (void)unused;
    bursts(1);
    bursts(2);
}

/* Where another algorithm has left a threshold the initial slow start is over, and with it
 * HyStart++. */
static void no_hystart_later(void **unused)
{
    struct sender sender;
    (void)unused;
    begin(&sender, 20, 1000 * MSS);
    for (unsigned round = 1; round <= 12; round++) {
        sender.sample.rtt_us = 40000 + round * 10000;
        sender.sample.snd_nxt = round * 20 * MSS;
        for (unsigned i = 1; i <= 20; i++) {
            sender.sample.snd_una = ((round - 1) * 20 + i) * MSS;
            acks(&sender, 1);
        }
    }
    assert_int_equal(told[HF_REASON_HYSTART_CSS], 0);
    assert_int_equal(sender.state.cwnd_bytes, 20 * MSS + 240 * MSS);
    end(&sender);
}

/* RFC 9406 4.2: a round that began more than 2^31 bytes ago is over: for as long the program did
 * not use the window, and nobody heard of its ACKs. Holds: RFC9406-4.2-g */
static void round_from_long_ago(void **unused)
{
    struct sender sender;
    uint32_t base = 0;
    (void)unused;
    begin(&sender, 20, HF_CC_INFINITE);
    for (unsigned round = 1; round <= 8; round++) {
        sender.sample.rtt_us = round >= 7 ? 60000 : 40000;
        for (unsigned i = 1; i <= 20; i++) {
            sender.sample.snd_una = base + i * MSS;
            sender.sample.snd_nxt = base + 20 * MSS + i * MSS;
            acks(&sender, 1);
        }
        base += 20 * MSS + (round == 3 ? 0x80001000u : 0);
    }
    assert_int_equal(told[HF_REASON_HYSTART_CSS], 1);
    end(&sender);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_and_recovery),
        cmocka_unit_test(only_busy_time_counts),
        cmocka_unit_test(undone_as_if_it_had_not_been),
        cmocka_unit_test(regions_are_told),
        cmocka_unit_test(timeout_in_recovery),
        cmocka_unit_test(epochs_are_alike),
        cmocka_unit_test(slow_until_the_window_before),
        cmocka_unit_test(pace_of_hystart),
        cmocka_unit_test(train_of_acks),
        cmocka_unit_test(rounds_are_bursts),
        cmocka_unit_test(no_hystart_later),
        cmocka_unit_test(round_from_long_ago),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
