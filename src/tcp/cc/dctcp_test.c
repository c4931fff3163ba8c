/* SPDX-License-Identifier: MIT
 *
 * DCTCP (RFC 8257) against its formula in double precision, and what it and Reno have in common:
 * slow start, congestion avoidance, and what a loss takes (RFC 5681, RFC 3465).
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

struct sender {
    const struct hf_cc_ops *ops;
    struct hf_cc_state state;
    struct hf_cc_sample sample;
};

static void begin(struct sender *sender, const struct hf_cc_ops *ops)
{
    *sender = (struct sender){.ops = ops};
    sender->state.private_state = calloc(1, ops->private_bytes);
    assert_non_null(sender->state.private_state);
    sender->state.cwnd_bytes = 10 * MSS;
    sender->state.ssthresh_bytes = HF_CC_INFINITE;
    sender->sample.mss_bytes = MSS;
    sender->sample.cwnd_limited = true;
    ops->init(&sender->state, &sender->sample);
}

static void end(struct sender *sender)
{
    free(sender->state.private_state);
}

static uint32_t word(const struct sender *sender, unsigned at)
{
    uint8_t info[HF_CC_INFO_BYTES];
    uint32_t value;
    assert_int_equal(sender->ops->info(&sender->state, info), 16);
    memcpy(&value, info + at, sizeof value);
    return value;
}

/* Without a mark; `segments` are in flight then. */
static void first_ack(struct sender *sender, uint32_t segments)
{
    sender->sample.snd_una += MSS;
    sender->sample.snd_nxt = sender->sample.snd_una + segments * MSS;
    sender->sample.delivered_bytes = MSS;
    sender->ops->on_delivery(&sender->state, &sender->sample);
}

/* A window of `segments` of which the first `marked` are marked CE. */
static void window(struct sender *sender, uint32_t segments, uint32_t marked)
{
    struct hf_cc_sample *sample = &sender->sample;
    uint32_t first = sample->snd_una;
    for (uint32_t i = 1; i <= segments; i++) {
        sample->snd_una = first + i * MSS;
        sample->snd_nxt = sample->snd_una + segments * MSS;
        sample->delivered_bytes = MSS;
        sample->ce_bytes = i <= marked ? MSS : 0;
        sender->ops->on_delivery(&sender->state, sample);
    }
}

/* 3.3: alpha is a moving average of the fraction marked, 1 at first, with a gain of 1/16; once a
 * window, the first of which ends with the first ACK.
 * Holds: RFC8257-3.3-a, RFC8257-3.3-c, RFC8257-4.2-a. */
static void alpha_follows_the_marks(void **unused)
{
    struct sender sender;
    double alpha = 15.0 / 16;
    (void)unused;
    begin(&sender, &cc_dctcp);
    sender.sample.snd_una = 0xffff0000u; /* numbers wrap */
    sender.ops->init(&sender.state, &sender.sample);
    assert_int_equal(word(&sender, 4), 1024);
    first_ack(&sender, 10);
    assert_int_equal(word(&sender, 4), 960);
    for (uint32_t i = 0; i < 60; i++) {
        uint32_t marked = i * 7 % 11 % 10;
        window(&sender, 10, marked);
        alpha = alpha * 15 / 16 + marked / 10.0 / 16;
        assert_in_range(word(&sender, 4), (int)(alpha * 1024) - 2, (int)(alpha * 1024) + 2);
        assert_int_equal(word(&sender, 8), marked * MSS);
        assert_int_equal(word(&sender, 12), 10 * MSS);
        assert_int_equal(word(&sender, 0), marked > 0 ? 0x00010001 : 0x00000001);
    }
    for (uint32_t i = 0; i < 300; i++) {
        window(&sender, 10, 0);
    }
    /* Nothing was marked for long: nothing is taken either, to the last octet. */
    sender.state.cwnd_bytes = 0x80000000u;
    sender.ops->on_congestion(&sender.state, &sender.sample, HF_CC_ECN);
    assert_int_equal(sender.state.cwnd_bytes, 0x80000000u);
    end(&sender);
}

/* 3.3 step 9: cwnd * (1 - alpha / 2), two segments at least; what proves needless changes nothing
 * of what the marks have taught. Holds: RFC8257-3.3-b. */
static void window_gives_way_in_proportion(void **unused)
{
    struct sender sender;
    (void)unused;
    begin(&sender, &cc_dctcp);
    sender.state.cwnd_bytes = 100 * MSS;
    sender.ops->on_congestion(&sender.state, &sender.sample, HF_CC_ECN); /* alpha is 1 */
    assert_int_equal(sender.state.cwnd_bytes, 50 * MSS);
    assert_int_equal(sender.state.ssthresh_bytes, 50 * MSS);
    first_ack(&sender, 10); /* alpha is 15/16 */
    sender.state.cwnd_bytes = 96 * MSS;
    sender.ops->on_congestion(&sender.state, &sender.sample, HF_CC_ECN);
    assert_int_equal(sender.state.cwnd_bytes, 51 * MSS);
    window(&sender, 10, 10);
    assert_null(sender.ops->on_undo);
    assert_int_equal(word(&sender, 4), 964); /* (15/16 * 15 + 1) / 16 */
    sender.state.cwnd_bytes = 3 * MSS;
    sender.ops->on_congestion(&sender.state, &sender.sample, HF_CC_ECN);
    assert_int_equal(sender.state.cwnd_bytes, 2 * MSS);
    end(&sender);
}

/* RFC 5681 3.1 with RFC 3465's counting. */
static void grows_as_reno(const struct hf_cc_ops *ops)
{
    struct sender sender;
    begin(&sender, ops);
    sender.sample.acked_bytes = 5 * MSS;
    ops->on_ack(&sender.state, &sender.sample);
    assert_int_equal(sender.state.cwnd_bytes, 15 * MSS); /* all that is acknowledged */
    sender.sample.acked_bytes = MSS / 2;
    ops->on_ack(&sender.state, &sender.sample);
    assert_int_equal(sender.state.cwnd_bytes, 15 * MSS + MSS / 2);
    sender.sample.acked_bytes = 5 * MSS;
    sender.sample.after_timeout = true;
    ops->on_ack(&sender.state, &sender.sample);
    assert_int_equal(sender.state.cwnd_bytes, 16 * MSS + MSS / 2); /* L = 1 */
    sender.sample.cwnd_limited = false;
    ops->on_ack(&sender.state, &sender.sample);
    assert_int_equal(sender.state.cwnd_bytes, 16 * MSS + MSS / 2);
    sender.sample.cwnd_limited = true;
    sender.sample.after_timeout = false;
    sender.state.ssthresh_bytes = 18 * MSS;
    ops->on_ack(&sender.state, &sender.sample); /* up to ssthresh; 3.5 segments are left */
    assert_int_equal(sender.state.cwnd_bytes, 18 * MSS);
    /* Congestion avoidance: a segment for each window acknowledged, the rest is kept. */
    sender.sample.acked_bytes = 14 * MSS;
    ops->on_ack(&sender.state, &sender.sample);
    assert_int_equal(sender.state.cwnd_bytes, 18 * MSS);
    sender.sample.acked_bytes = MSS;
    ops->on_ack(&sender.state, &sender.sample); /* 18.5 of 18 */
    assert_int_equal(sender.state.cwnd_bytes, 19 * MSS);
    sender.sample.acked_bytes = 18 * MSS;
    ops->on_ack(&sender.state, &sender.sample);
    assert_int_equal(sender.state.cwnd_bytes, 19 * MSS);
    sender.sample.acked_bytes = MSS / 2;
    ops->on_ack(&sender.state, &sender.sample); /* half a one was left over */
    assert_int_equal(sender.state.cwnd_bytes, 20 * MSS);
    end(&sender);
}

/* RFC 5681 3.1, equation 4: half of what was in flight, two segments at least; a timeout leaves one
 * segment, and the next one of the series leaves ssthresh alone. */
static void gives_way_to_loss(const struct hf_cc_ops *ops)
{
    static const struct {
        enum hf_cc_event event;
        uint32_t flight, ssthresh, cwnd;
    } cases[] = {{HF_CC_FAST_RETRANSMIT, 20 * MSS, 10 * MSS, 10 * MSS},
                 {HF_CC_FAST_RETRANSMIT, 3 * MSS, 2 * MSS, 2 * MSS},
                 {HF_CC_TIMEOUT, 20 * MSS, 10 * MSS, MSS},
                 {HF_CC_TIMEOUT, 3 * MSS, 2 * MSS, MSS},
                 {HF_CC_TIMEOUT_AGAIN, 20 * MSS, 30 * MSS, MSS}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sender sender;
        begin(&sender, ops);
        sender.state.cwnd_bytes = 30 * MSS;
        sender.state.ssthresh_bytes = 30 * MSS;
        sender.sample.acked_bytes = 29 * MSS; /* forgotten with the loss */
        ops->on_ack(&sender.state, &sender.sample);
        sender.sample.flight_bytes = cases[i].flight;
        ops->on_congestion(&sender.state, &sender.sample, cases[i].event);
        assert_int_equal(sender.state.ssthresh_bytes, cases[i].ssthresh);
        assert_int_equal(sender.state.cwnd_bytes, cases[i].cwnd);
        if (cases[i].event == HF_CC_FAST_RETRANSMIT) {
            sender.sample.acked_bytes = cases[i].cwnd - 1;
            ops->on_ack(&sender.state, &sender.sample);
            assert_int_equal(sender.state.cwnd_bytes, cases[i].cwnd);
        }
        end(&sender);
    }
}

/* RFC 8511 3: Reno gives way to a mark by a fifth. RFC 6582 3.2: at the end of recovery cwnd is
 * what is in flight and a segment, no more than ssthresh. */
static void marks_and_recovery_of_reno(void **unused)
{
    struct sender sender;
    (void)unused;
    begin(&sender, &cc_reno);
    sender.sample.flight_bytes = 20 * MSS;
    sender.sample.alternative_backoff = true;
    cc_reno.on_congestion(&sender.state, &sender.sample, HF_CC_ECN);
    assert_int_equal(sender.state.ssthresh_bytes, 16 * MSS);
    assert_int_equal(sender.state.cwnd_bytes, 16 * MSS);
    end(&sender);
}

static void reno(void **unused)
{
    (void)unused;
    grows_as_reno(&cc_reno);
    gives_way_to_loss(&cc_reno);
}

static void dctcp_without_marks(void **unused)
{
    (void)unused;
    grows_as_reno(&cc_dctcp);
    gives_way_to_loss(&cc_dctcp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alpha_follows_the_marks),
        cmocka_unit_test(window_gives_way_in_proportion),
        cmocka_unit_test(marks_and_recovery_of_reno),
        cmocka_unit_test(reno),
        cmocka_unit_test(dctcp_without_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
