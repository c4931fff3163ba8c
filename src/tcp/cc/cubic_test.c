/* SPDX-License-Identifier: MIT
 *
 * CUBIC and HyStart++ against models of their own: RFC 9438's equations in double precision, and
 * RFC 9406's rules with a made-up round trip.
 */
#include "cc_math.h"
#include "cc_ops.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* needs what is above */
#include <cmocka.h>

#define MSS 1000u

static unsigned told[HF_REASON_COUNT];

static void hear(const struct hf_cc_sample *sample, enum hf_reason reason)
{
    (void)sample;
    told[reason]++;
}

static void *begin(struct hf_cc_state *state, const struct hf_cc_ops *ops, uint32_t segments)
{
    struct hf_cc_sample sample = {.mss_bytes = MSS, .tell = hear};
    memset(told, 0, sizeof told);
    memset(state, 0, sizeof *state);
    state->private_state = calloc(1, ops->private_bytes);
    assert_non_null(state->private_state);
    state->cwnd_bytes = segments * MSS;
    state->ssthresh_bytes = HF_CC_INFINITE;
    ops->init(state, &sample);
    return state->private_state;
}

static void cube_root_is_exact(void **unused)
{
    (void)unused;
    for (uint64_t r = 0; r < 2642245; r = r * 5 / 4 + 1) {
        assert_int_equal(cc_cube_root(r * r * r), r);
        assert_int_equal(cc_cube_root(r * r * r + 3 * r * r + 3 * r), r);
    }
    assert_int_equal(cc_cube_root(UINT64_MAX), 2642245);
}

/* 4.2 to 4.7: after a loss at W_max the window follows 0.4 (t - K)^3 + W_max or Reno's line,
 * whichever is higher, to within two segments. */
static void curve(uint32_t rtt_ms, uint32_t w_max)
{
    struct hf_cc_state state;
    void *memory = begin(&state, &cc_cubic, w_max);
    struct hf_cc_sample sample = {.mss_bytes = MSS,
                                  .cwnd_limited = true,
                                  .srtt_us = rtt_ms * 1000,
                                  .acked_bytes = MSS,
                                  .tell = hear};
    double k = cbrt(w_max * 0.3 / 0.4), estimate = w_max * 0.7, seconds = 0;
    cc_cubic.on_congestion(&state, &sample, HF_CC_FAST_RETRANSMIT);
    assert_int_equal(state.cwnd_bytes, w_max * 700);
    assert_int_equal(state.ssthresh_bytes, w_max * 700);
    sample.now = HF_SECOND;
    while (seconds < 1.5 * k) {
        uint32_t acks = state.cwnd_bytes / MSS;
        for (uint32_t i = 0; i < acks; i++) {
            double w = state.cwnd_bytes / (double)MSS;
            sample.now += rtt_ms * HF_MILLISECOND / acks;
            cc_cubic.on_ack(&state, &sample);
            estimate += (estimate < w_max ? 9.0 / 17 : 1.0) / w;
        }
        seconds = (double)(sample.now - HF_SECOND) / HF_SECOND;
        {
            double window = state.cwnd_bytes / (double)MSS, late = seconds + rtt_ms / 1e3;
            double least = fmax(0.4 * pow(seconds - rtt_ms / 1e3 - k, 3) + w_max, estimate);
            double most = fmax(0.4 * pow(late - k, 3) + w_max, estimate);
            assert_true(window <= most + 2 && window >= least * 0.98 - 2);
        }
    }
    assert_int_equal(told[HF_REASON_CUBIC_EPOCH], 1);
    free(memory);
}

static void window_follows_the_curve(void **unused)
{
    (void)unused;
    curve(100, 100);
    curve(20, 400);
    curve(200, 1000);
    curve(10, 20); /* Reno's region */
}

/* RFC 9438 in long double, in segments and seconds: a curve that began at 0.7 * w_max. */
struct model {
    long double w_max, k, cwnd, estimate;
};

static long double model_curve(const struct model *model, long double t)
{
    long double d = t - model->k;
    return 0.4L * d * d * d + model->w_max;
}

/* 4.2, 4.4, 4.5: what the ACK of one segment makes of cwnd where the curve leads. */
static long double model_led_by_curve(const struct model *model, long double t, long double rtt)
{
    long double target = model_curve(model, t + rtt);
    target = fmaxl(model->cwnd, fminl(target, 1.5L * model->cwnd));
    return model->cwnd + (target - model->cwnd) / model->cwnd;
}

/* One window, one path, one time: what the only ACK makes of it, t after the curve began. K and t
 * are whole milliseconds, and the target is a whole segment: by so much it may be off, of which an
 * ACK makes its part, and by an octet for each division. */
static void one_step(uint32_t segments, uint32_t mss, uint32_t rtt_us, uint64_t t_ms)
{
    struct hf_cc_state state;
    struct hf_cc_sample sample = {.mss_bytes = mss,
                                  .cwnd_limited = true,
                                  .now = HF_SECOND,
                                  .srtt_us = rtt_us,
                                  .acked_bytes = mss,
                                  .tell = hear};
    void *memory = begin(&state, &cc_cubic, 1);
    struct model model = {.w_max = segments, .k = cbrtl(segments * 0.3L / 0.4L)};
    long double t = t_ms / 1e3L, rtt = rtt_us / 1e6L, error, curve, allowed, window;
    bool right;
    state.cwnd_bytes = segments * mss;
    cc_cubic.on_congestion(&state, &sample, HF_CC_FAST_RETRANSMIT);
    assert_int_equal(state.cwnd_bytes, (uint64_t)segments * mss * 7 / 10);
    model.cwnd = (long double)state.cwnd_bytes / mss;
    model.estimate = model.cwnd + 9.0L / 17 / model.cwnd;
    cc_cubic.on_delivery(&state, &sample); /* t is 0 */
    sample.now += (hf_time)t_ms * HF_MILLISECOND;
    cc_cubic.on_ack(&state, &sample);
    window = (long double)state.cwnd_bytes / mss;
    error = fabsl(model_curve(&model, t + rtt + 0.003L) - model_curve(&model, t + rtt - 0.003L));
    allowed = fminl((1 + error) / model.cwnd, 0.5L) + 3.0L / mss;
    curve = fabsl(window - model_led_by_curve(&model, t, rtt));
    error = fabsl(model_curve(&model, t + 0.003L) - model_curve(&model, t - 0.003L)) + 3.0L / mss;
    right = model_curve(&model, t) + error >= model.estimate && curve <= allowed;
    right |= model_curve(&model, t) - error < model.estimate &&
             fabsl(window - fmaxl(model.cwnd, model.estimate)) <= 3.0L / mss;
    assert_true(right);
    free(memory);
}

/* 4.2, 4.3: over the whole range: one segment to 2^20 (or what 32 bits hold), 100 us to 10 s of
 * round trip, no time to a day of it: nothing overflows, nothing steps back.
 * Holds: RFC9438-4.2-a, RFC9438-4.2-b */
static void curve_over_the_whole_range(void **unused)
{
    static const uint32_t sizes[] = {88, 536, 1448, 4000};
    static const uint64_t times[] = {0,       1,       2,       10,      100,   999,
                                     1000,    5000,    9000,    50000,   92000, 300000,
                                     1048000, 1049000, 3600000, 86400000};
    (void)unused;
    for (uint32_t segments = 4; segments <= 1u << 20; segments = segments * 3 / 2 + 1) {
        for (unsigned size = 0; size < sizeof sizes / sizeof sizes[0]; size++) {
            for (uint32_t rtt_us = 100; rtt_us <= 10000000; rtt_us *= 10) {
                for (unsigned i = 0; i < sizeof times / sizeof times[0]; i++) {
                    one_step(segments, sizes[size], rtt_us, times[i]);
                }
            }
        }
    }
}

/* 4.7 and 4.9. */
static void fast_convergence_and_undo(void **unused)
{
    struct hf_cc_state state;
    struct hf_cc_sample sample = {.mss_bytes = MSS, .tell = hear};
    void *memory = begin(&state, &cc_cubic, 100);
    (void)unused;
    cc_cubic.on_congestion(&state, &sample, HF_CC_FAST_RETRANSMIT);
    assert_int_equal(told[HF_REASON_CUBIC_FAST_CONVERGENCE], 0);
    cc_cubic.on_congestion(&state, &sample, HF_CC_FAST_RETRANSMIT);
    assert_int_equal(told[HF_REASON_CUBIC_FAST_CONVERGENCE], 1);
    assert_int_equal(state.cwnd_bytes, 49000);
    state.cwnd_bytes = 70000;
    cc_cubic.on_undo(&state, &sample);
    cc_cubic.on_congestion(&state, &sample, HF_CC_TIMEOUT); /* W_max is 100 segments again */
    assert_int_equal(told[HF_REASON_CUBIC_FAST_CONVERGENCE], 2);
    assert_int_equal(state.cwnd_bytes, MSS);
    assert_int_equal(state.ssthresh_bytes, 49000);
    cc_cubic.on_congestion(&state, &sample, HF_CC_TIMEOUT_AGAIN);
    assert_int_equal(state.ssthresh_bytes, 49000);
    free(memory);
}

/* RFC 9406 4.2: rounds of 20 ACKs; from the fourth on the round trip is `grown_us`. */
static void slow_start(uint32_t grown_us, uint32_t relief_round, unsigned css, unsigned resumed,
                       bool over)
{
    struct hf_cc_state state;
    struct hf_cc_sample sample = {
        .mss_bytes = MSS, .cwnd_limited = true, .acked_bytes = MSS, .tell = hear};
    void *memory = begin(&state, &cc_cubic, 20);
    for (uint32_t round = 1; round <= 12; round++) {
        uint32_t before = state.cwnd_bytes;
        sample.rtt_us = round >= 4 && round < relief_round ? grown_us : 40000;
        sample.snd_nxt = round * 20 * MSS + MSS;
        for (uint32_t i = 1; i <= 20; i++) {
            sample.snd_una = ((round - 1) * 20 + i) * MSS + MSS;
            sample.now += HF_MILLISECOND;
            cc_cubic.on_ack(&state, &sample);
        }
        if (told[HF_REASON_HYSTART_CSS] == 0)
            assert_int_equal(state.cwnd_bytes, before + 20 * MSS);
        else if (told[HF_REASON_HYSTART_RESUMED] == 0)
            assert_true(state.cwnd_bytes < before + 20 * MSS);
    }
    assert_int_equal(told[HF_REASON_HYSTART_CSS], css);
    assert_int_equal(told[HF_REASON_HYSTART_RESUMED], resumed);
    assert_int_equal(told[HF_REASON_HYSTART_OVER], over);
    assert_int_equal(state.ssthresh_bytes != HF_CC_INFINITE, over);
    free(memory);
}

static void hystart(void **unused)
{
    (void)unused;
    slow_start(44999, 99, 0, 0, false); /* under max(4 ms, 40 ms / 8) = 5 ms more */
    slow_start(45000, 99, 1, 0, true);  /* five rounds of it */
    slow_start(45000, 6, 1, 1, false);  /* it was noise */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cube_root_is_exact),
        cmocka_unit_test(window_follows_the_curve),
        cmocka_unit_test(curve_over_the_whole_range),
        cmocka_unit_test(fast_convergence_and_undo),
        cmocka_unit_test(hystart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
