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

/* A train, as Linux has it: no gap is longer, and windows are large enough to tell. */
#define TRAIN_GAP_NS (2 * HF_MILLISECOND)
#define TRAIN_WINDOW_SEGMENTS 16u

#define INFINITE_RTT UINT32_MAX

void hystart_init(struct hystart *hystart)
{
    *hystart = (struct hystart){.last_round_min_rtt_us = INFINITE_RTT,
                                .round_min_rtt_us = INFINITE_RTT,
                                .css_baseline_min_rtt_us = INFINITE_RTT,
                                .window_end_due = true};
}

/* 4.2: at the start of each round. */
static void begin_round(struct hystart *hystart)
{
    hystart->window_end_due = true;
    hystart->last_round_min_rtt_us = hystart->round_min_rtt_us;
    hystart->round_min_rtt_us = INFINITE_RTT;
    hystart->samples = 0;
    hystart->in_train = false;
}

/* Who does not use the window is not heard of, perhaps for 2^31 bytes: what then seems to lie ahead
 * again is beyond SND.NXT. */
static bool round_is_over(const struct hystart *hystart, const struct hf_cc_sample *sample)
{
    return (int32_t)(sample->snd_una - hystart->window_end) >= 0 ||
           (int32_t)(sample->snd_nxt - hystart->window_end) < 0;
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

/* Nothing shows later that this was noise: the least round trips say nothing yet. */
static void look_for_train(struct hystart *hystart, const struct hf_cc_sample *sample,
                           uint32_t cwnd_bytes)
{
    hf_time half = (hf_time)sample->min_rtt_us * HF_MICROSECOND / 2;
    if (!hystart->in_train || sample->now - hystart->train_end > TRAIN_GAP_NS) {
        /* The round's first ACKs may be the last of the burst before; a pause follows them. */
        hystart->in_train = true;
        hystart->train_began = sample->now;
    }
    hystart->train_end = sample->now;
    if (hystart->css_rounds > 0 || half == 0 || sample->now - hystart->train_began <= half ||
        cwnd_bytes < TRAIN_WINDOW_SEGMENTS * sample->mss_bytes) {
        return;
    }
    hystart->css_baseline_min_rtt_us = 0;
    hystart->css_rounds = CSS_ROUNDS; /* the last one: it is over when the round is */
    hf_cc_tell(sample, HF_REASON_HYSTART_TRAIN);
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

/* The ACK that reaches windowEnd belongs to the round that it ends, and so does what it lets leave:
 * that is the end of the burst which the round's own ACKs made. "windowEnd is set to SND.NXT" (4.2)
 * therefore when the next ACK comes. Were it set before, what is left out would be the beginning of
 * the next round, twice as long in each, and with the queue that it found at the burst's end the
 * first eight samples there would look like a round trip that has grown.
 * Keeps RFC9406-4.2-d, RFC9406-4.2-g. */
bool hystart_on_ack(struct hystart *hystart, const struct hf_cc_sample *sample, uint32_t cwnd_bytes)
{
    if (hystart->window_end_due) {
        hystart->window_end_due = false;
        hystart->window_end = sample->snd_nxt;
    }
    take_rtt(hystart, sample);
    if (!round_is_over(hystart, sample)) {
        look_for_train(hystart, sample, cwnd_bytes);
        return false;
    }
    hf_cc_tell(sample, HF_REASON_HYSTART_ROUND);
    begin_round(hystart);
    if (hystart->css_rounds > 0 && ++hystart->css_rounds > CSS_ROUNDS) {
        hf_cc_tell(sample, HF_REASON_HYSTART_OVER);
        return true;
    }
    return false;
}
