/* SPDX-License-Identifier: MIT
 *
 * HyStart++ (RFC 9406): leaving slow start before it overruns the path. Where the round trip grows
 * from one round to the next, slow start goes on more slowly for a while (Conservative Slow Start);
 * if the growth proves to be noise it resumes, and after five rounds congestion avoidance begins.
 *
 * A round trip's least sample grows late: slow start sends in bursts with a pause after each, in
 * which the queue empties, so that the first packets of the next burst find none, and the least of
 * the round shows nothing until the window is twice what the path holds. DEVIATION: so the length
 * of the train of ACKs counts, too, as in Linux (Ha and Rhee, "Taming the elephants", 2011). They
 * come as fast as the bottleneck lets packets through; when a round's have come without a gap for
 * half of the least round trip, what is in flight has filled the path by the time the rest has
 * come. Linux ends slow start there; here it goes on more slowly to the end of the round.
 */
#ifndef HYSTART_H
#define HYSTART_H

#include <handfast/congestion.h>

struct hystart {
    uint32_t window_end; /* windowEnd: a round is over when it is acknowledged */
    uint32_t last_round_min_rtt_us, round_min_rtt_us; /* UINT32_MAX: infinity */
    uint32_t css_baseline_min_rtt_us;
    hf_time train_began, train_end; /* the ACKs of a train follow each other closely */
    uint8_t samples;                /* rttSampleCount, no further than is asked for */
    uint8_t
        css_rounds; /* of this Conservative Slow Start, the current one included; 0: not in it */
    bool in_train;  /* this round's has begun */
    bool window_end_due; /* it is what has left when the next ACK comes */
};

void hystart_init(struct hystart *hystart);
/* In the initial slow start, for which alone it is (RFC 9406 4.3): what to divide the acknowledged
 * bytes by. */
uint32_t hystart_divisor(const struct hystart *hystart);
/* Then it hears of the ACK. True: slow start is over, ssthresh is to become cwnd. */
bool hystart_on_ack(struct hystart *hystart, const struct hf_cc_sample *sample,
                    uint32_t cwnd_bytes);

#endif
