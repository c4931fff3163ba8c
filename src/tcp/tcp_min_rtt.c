/* SPDX-License-Identifier: MIT */
#include "tcp_min_rtt.h"

#define WINDOW_MS ((uint32_t)(TCP_MIN_RTT_WINDOW / HF_MILLISECOND))

static void drop_first(struct tcp_min_rtt *least)
{
    for (unsigned i = 1; i < TCP_MIN_RTT_SAMPLES; i++) {
        least->samples[i - 1] = least->samples[i];
    }
    least->samples[TCP_MIN_RTT_SAMPLES - 1].rtt_us = 0;
}

/* Keeps RFC8985-6.2-g. */
void tcp_min_rtt_sample(struct tcp_min_rtt *least, uint32_t rtt_us, hf_time now)
{
    uint32_t stamp_ms = (uint32_t)(now / HF_MILLISECOND);
    unsigned count = 0;
    rtt_us = rtt_us > 0 ? rtt_us : 1;
    while (least->samples[0].rtt_us != 0 && stamp_ms - least->samples[0].stamp_ms > WINDOW_MS) {
        drop_first(least);
    }
    /* Whatever is not less and older will never be the least again. */
    while (count < TCP_MIN_RTT_SAMPLES && least->samples[count].rtt_us != 0 &&
           least->samples[count].rtt_us < rtt_us) {
        count++;
    }
    for (unsigned i = count; i < TCP_MIN_RTT_SAMPLES; i++) {
        least->samples[i].rtt_us = 0;
    }
    if (count == TCP_MIN_RTT_SAMPLES) {
        /* No room: the last makes way when it is a quarter of the window old, so that there is one
         * of each part of it. */
        if (stamp_ms - least->samples[count - 1].stamp_ms < WINDOW_MS / 4) {
            return;
        }
        if (least->samples[2].stamp_ms - least->samples[1].stamp_ms < WINDOW_MS / 4) {
            least->samples[1] = least->samples[2];
        }
        count--;
    }
    least->samples[count].rtt_us = rtt_us;
    least->samples[count].stamp_ms = stamp_ms;
}
