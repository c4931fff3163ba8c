/* SPDX-License-Identifier: MIT */
#include "hystart.h"

#include "cc_math.h"

/* RFC 9406 4.3's constants. */
#define MIN_RTT_THRESH_US 4000u
#define MAX_RTT_THRESH_US 16000u
#define MIN_RTT_DIVISOR 8u
#define N_RTT_SAMPLE 8u
#define CSS_GROWTH_DIVISOR 4u
#define CSS_ROUNDS 5u

#define INFINITE_RTT UINT32_MAX

void hystart_init(struct hystart *hystart)
{
    *hystart = (struct hystart){.last_round_min_rtt_us = INFINITE_RTT,
                                .round_min_rtt_us = INFINITE_RTT,
                                .css_baseline_min_rtt_us = INFINITE_RTT};
}

/* 4.2: at the start of each round. */
static void begin_round(struct hystart *hystart, const struct hf_cc_sample *sample)
{
    hystart->window_end = sample->snd_nxt;
    hystart->last_round_min_rtt_us = hystart->round_min_rtt_us;
    hystart->round_min_rtt_us = INFINITE_RTT;
    hystart->samples = 0;
}

static bool round_is_over(const struct hystart *hystart, const struct hf_cc_sample *sample)
{
    return (int32_t)(sample->snd_una - hystart->window_end) >= 0;
}

/* Keeps RFC9406-4.2-b. */
static uint32_t rtt_threshold(const struct hystart *hystart)
{
    return cc_max(MIN_RTT_THRESH_US,
                  cc_min(hystart->last_round_min_rtt_us / MIN_RTT_DIVISOR, MAX_RTT_THRESH_US));
}

/* 4.2: has the round trip grown?
 * Keeps RFC9406-4.2-a. */
static void look_for_growth(struct hystart *hystart, const struct hf_cc_sample *sample)
{
    if (hystart->samples >= N_RTT_SAMPLE && hystart->round_min_rtt_us != INFINITE_RTT &&
        hystart->last_round_min_rtt_us != INFINITE_RTT &&
        hystart->round_min_rtt_us >= hystart->last_round_min_rtt_us + rtt_threshold(hystart)) {
        hystart->css_baseline_min_rtt_us = hystart->round_min_rtt_us;
        hystart->css_rounds = 1; /* a part of a round counts (4.2) */
        hf_cc_tell(sample, HF_REASON_HYSTART_CSS);
    }
}

/* 4.2, in CSS: was it noise?
 * Keeps RFC9406-4.2-e. */
static void look_for_relief(struct hystart *hystart, const struct hf_cc_sample *sample)
{
    if (hystart->samples >= N_RTT_SAMPLE &&
        hystart->round_min_rtt_us < hystart->css_baseline_min_rtt_us) {
        hystart->css_baseline_min_rtt_us = INFINITE_RTT;
        hystart->css_rounds = 0;
        hf_cc_tell(sample, HF_REASON_HYSTART_RESUMED);
    }
}

static void take_rtt(struct hystart *hystart, const struct hf_cc_sample *sample)
{
    if (sample->rtt_us > 0) {
        hystart->round_min_rtt_us = cc_min(hystart->round_min_rtt_us, sample->rtt_us);
        if (hystart->samples < UINT8_MAX) {
            hystart->samples++;
        }
    }
    if (hystart->css_rounds > 0) {
        look_for_relief(hystart, sample);
    } else {
        look_for_growth(hystart, sample);
    }
}

/* Keeps RFC9406-4.2-c. */
uint32_t hystart_divisor(const struct hystart *hystart)
{
    return hystart->css_rounds > 0 ? CSS_GROWTH_DIVISOR : 1;
}

/* The ACK that reaches windowEnd belongs to the round that it ends.
 * Keeps RFC9406-4.2-d. */
bool hystart_on_ack(struct hystart *hystart, const struct hf_cc_sample *sample)
{
    if (!hystart->started) {
        hystart->started = true;
        hystart->window_end = sample->snd_nxt;
    }
    take_rtt(hystart, sample);
    if (!round_is_over(hystart, sample)) {
        return false;
    }
    hf_cc_tell(sample, HF_REASON_HYSTART_ROUND);
    begin_round(hystart, sample);
    if (hystart->css_rounds > 0 && ++hystart->css_rounds > CSS_ROUNDS) {
        hf_cc_tell(sample, HF_REASON_HYSTART_OVER);
        return true;
    }
    return false;
}
