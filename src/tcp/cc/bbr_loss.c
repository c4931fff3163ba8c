/* SPDX-License-Identifier: MIT
 *
 * The loss that is the path's own: radio, dirty fibre, whatever loses a part of what passes however
 * little is sent. DEVIATION: the draft takes all loss for congestion. On a path that loses 3 % by
 * itself it leaves Startup after a few rounds, halves what it may send within a second, and its
 * every probe ends at once: at 500 Mbit/s and 100 ms 3 % of the rate is all it got. Here
 * what the path loses anyway is estimated, and the draft's rules look at what comes on top of it.
 *
 * How is one told from the other? Congestion has a queue that overflows; the path's own loss comes
 * also while we send less than the path was seen to deliver and the round trip shows no queue. So
 * only such rounds count: those that lie wholly in DOWN or CRUISE after the probe's own losses have
 * been told of, or in Startup while the rate grows as it should, and in which at least half of the
 * ACKs came within a sixteenth (or 1.25 ms, which our own bursts make) of the least round trip, and
 * no mark. The least round trip is that of the connection's whole life: on a path that became
 * longer nothing counts. A round's loss is then weighed into the estimate; one above what a path of
 * OWN_LOSS_MOST would bring is congestion whatever the round trip says.
 *
 * A crowd of flows in a queue that never empties looks the same to one that came late: its least
 * round trip has the queue in it. But it cannot have grown round after round; so what Startup saw
 * while it grew bounds the estimate, and where it saw too little, 1 % does. Half as much again is
 * let pass: where a path overtakes, too, a receiver drops by PAWS (RFC 7323 5.3) what was sent
 * before a repetition and comes after it; the more repetitions there are the more of that, so at
 * full rate a path loses more than it did in Startup.
 *
 * What is expected of n segments at an own loss p is np, and two standard deviations of it, for
 * chance is not even. (With three, one flow alone keeps 10 % more of a path that loses 3 %, but
 * eight in a short queue share it with Jain's index 0.69 instead of 0.98.) An estimate above
 * OWN_LOSS_MOST is not believed: then all loss is congestion, as in the draft. So the worst that a
 * mistake here can do is to put up with that much. Pacing sends by so much more that max_bw is what
 * arrives.
 */
#include "bbr.h"

#define OWN_LOSS_ONE (1u << 20)              /* a fraction of 1 */
#define OWN_LOSS_MOST (OWN_LOSS_ONE / 10)    /* 10 % */
#define OWN_LOSS_UNSEEN (OWN_LOSS_ONE / 100) /* 1 %, where Startup did not see it */
#define MEMORY_SEGMENTS 4096u                /* of so many and twice as many the estimate is made */
#define LEAST_SEGMENTS 100u                  /* of fewer it is not */
#define GROWTH_PERCENT 125u

static uint32_t square_root(uint64_t value)
{
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 31; bit > 0; bit >>= 1) {
        if ((root + bit) * (root + bit) <= value) {
            root += bit;
        }
    }
    return (uint32_t)root;
}

/* What `bytes` lose at this rate of loss, two standard deviations above the mean. */
static uint64_t expected(uint64_t bytes, uint32_t loss, uint32_t mss_bytes)
{
    uint64_t mean = bytes / mss_bytes * loss; /* segments, in parts of OWN_LOSS_ONE */
    uint64_t deviations = (uint64_t)2 * square_root(mean) << 10;
    return cc_scale(mean + deviations, mss_bytes, OWN_LOSS_ONE);
}

uint64_t bbr_expected_loss(const struct bbr *bbr, const struct hf_cc_sample *sample, uint64_t bytes)
{
    return bbr->own_loss == 0 ? 0 : expected(bytes, bbr->own_loss, sample->mss_bytes);
}

uint64_t bbr_sending_rate(const struct bbr *bbr, uint64_t rate)
{
    return cc_scale(rate, OWN_LOSS_ONE, OWN_LOSS_ONE - bbr->own_loss);
}

bool bbr_queue_seen(const struct bbr *bbr)
{
    return 2 * bbr->round_acks_near < bbr->round_acks;
}

static bool state_counts(const struct bbr *bbr)
{
    switch ((enum bbr_state)bbr->state) {
    case BBR_STARTUP:
        return true;
    case BBR_DOWN:
    case BBR_CRUISE:
        return bbr->ack_phase == BBR_ACKS_INIT;
    case BBR_DRAIN:
    case BBR_REFILL:
    case BBR_UP:
    case BBR_PROBE_RTT:
        return false;
    }
    return false;
}

/* The most that Startup's losses make likely: two standard deviations above what was seen, and half
 * as much again. */
static uint64_t startup_bound(const struct bbr *bbr, uint32_t mss_bytes)
{
    uint64_t lost = bbr->startup_lost_bytes / mss_bytes; /* segments */
    uint64_t bound;
    uint64_t most = (lost << 10) + (uint64_t)2 * square_root(lost << 20);
    if (bbr->startup_seen_bytes < (uint64_t)LEAST_SEGMENTS * mss_bytes) {
        return OWN_LOSS_UNSEEN;
    }
    bound = cc_scale(most * mss_bytes, OWN_LOSS_ONE >> 10, bbr->startup_seen_bytes);
    bound += bound / 2;
    return bound > OWN_LOSS_UNSEEN ? bound : OWN_LOSS_UNSEEN;
}

static void estimate(struct bbr *bbr, const struct hf_cc_sample *sample, uint64_t seen,
                     uint64_t lost)
{
    uint64_t memory = (uint64_t)2 * MEMORY_SEGMENTS * sample->mss_bytes;
    bbr->own_seen_bytes += seen;
    bbr->own_lost_bytes += lost;
    if (bbr->state == BBR_STARTUP) {
        bbr->startup_seen_bytes += seen;
        bbr->startup_lost_bytes += lost;
    }
    while (bbr->own_seen_bytes > memory) {
        bbr->own_seen_bytes /= 2;
        bbr->own_lost_bytes /= 2;
    }
    bbr->own_loss = 0;
    if (bbr->own_seen_bytes >= (uint64_t)LEAST_SEGMENTS * sample->mss_bytes) {
        uint64_t loss = cc_scale(bbr->own_lost_bytes, OWN_LOSS_ONE, bbr->own_seen_bytes);
        uint64_t most = startup_bound(bbr, sample->mss_bytes);
        loss = loss < most ? loss : most;
        bbr->own_loss = loss <= OWN_LOSS_MOST ? (uint32_t)loss : 0;
    }
}

uint64_t bbr_round_lost(const struct bbr *bbr, const struct hf_cc_sample *sample)
{
    return sample->total_lost_bytes - bbr->round_lost;
}

uint64_t bbr_round_sent(const struct bbr *bbr, const struct hf_cc_sample *sample)
{
    return sample->total_delivered_bytes - bbr->round_delivered + bbr_round_lost(bbr, sample);
}

static void begin_round(struct bbr *bbr, const struct hf_cc_sample *sample)
{
    bbr->round_bw = bbr->bw_latest;
    bbr->round_lost = sample->total_lost_bytes;
    bbr->round_delivered = sample->total_delivered_bytes;
    bbr->round_acks = 0;
    bbr->round_acks_near = 0;
    bbr->round_counts = true;
}

void bbr_probe_ends(struct bbr *bbr, const struct hf_cc_sample *sample)
{
    bbr->probe_losses = true;
    bbr->probe_end_delivered = sample->total_delivered_bytes;
}

/* Something sent after the probe has arrived: from here on a round is one without it. */
static void forget_probe(struct bbr *bbr, const struct hf_cc_sample *sample)
{
    bbr->probe_losses = false;
    bbr->loss_in_round = false;
    bbr->ecn_in_round = false;
    bbr->loss_round_start = false;
    bbr->loss_round_delivered = sample->total_delivered_bytes;
    bbr->loss_events_in_round = 0;
    begin_round(bbr, sample);
}

void bbr_loss_on_ack(struct bbr *bbr, const struct hf_cc_sample *sample)
{
    uint32_t queue_us;
    if (bbr->least_rtt_us == 0 || bbr->min_rtt_us < bbr->least_rtt_us) {
        bbr->least_rtt_us = bbr->min_rtt_us;
    }
    queue_us = cc_max(bbr->least_rtt_us / 16, BBR_QUEUE_LEAST_US);
    if (bbr->probe_losses && sample->rate > 0 &&
        sample->prior_delivered_bytes >= bbr->probe_end_delivered) {
        forget_probe(bbr, sample);
    }
    if (sample->rtt_us > 0) {
        bbr->round_acks++;
        bbr->round_acks_near += sample->rtt_us <= bbr->least_rtt_us + queue_us;
    }
    bbr->round_counts &= state_counts(bbr) && !sample->ece && !bbr_app_limited(bbr, sample);
}

void bbr_loss_on_round(struct bbr *bbr, const struct hf_cc_sample *sample)
{
    uint64_t lost = bbr_round_lost(bbr, sample);
    uint64_t sent = bbr_round_sent(bbr, sample);
    bool grows = bbr->bw_latest >= cc_scale(bbr->round_bw, GROWTH_PERCENT, 100);
    if (bbr->round_counts && bbr->round_acks > 0 && !bbr_queue_seen(bbr) &&
        (bbr->state != BBR_STARTUP || grows) &&
        lost <= expected(sent, OWN_LOSS_MOST, sample->mss_bytes)) {
        estimate(bbr, sample, sent, lost);
    }
    bbr->queue_seen = bbr_queue_seen(bbr);
    begin_round(bbr, sample);
}
