/* SPDX-License-Identifier: MIT
 *
 * The least round trip of the last 300 seconds (RFC 8985 6.2 step 1 leaves the window to us; it is
 * Linux's tcp_min_rtt_wlen). A path may become longer for good: a minimum for ever would keep
 * RACK's reo_wnd too small, and take every acknowledgement of a repetition for an ambiguous one.
 *
 * Three samples stand in for all of them: the least, the least since, the least since that. Each is
 * later and larger than the one before it; when the first has grown too old the next takes over.
 */
#ifndef TCP_MIN_RTT_H
#define TCP_MIN_RTT_H

#include <handfast/types.h>

#define TCP_MIN_RTT_WINDOW (300 * HF_SECOND)
#define TCP_MIN_RTT_SAMPLES 3

struct tcp_min_rtt {
    struct {
        uint32_t rtt_us;   /* 0: none */
        uint32_t stamp_ms; /* modulo 2^32 */
    } samples[TCP_MIN_RTT_SAMPLES];
};

/* 0: nothing was measured. What is too old stays until there is something newer. */
static inline uint32_t tcp_min_rtt_us(const struct tcp_min_rtt *least)
{
    return least->samples[0].rtt_us;
}
/* `rtt_us` was measured now; 0 counts as 1. */
void tcp_min_rtt_sample(struct tcp_min_rtt *least, uint32_t rtt_us, hf_time now);

#endif
