/* SPDX-License-Identifier: MIT
 *
 * Reno (RFC 5681) with byte counting (RFC 3465, L = 2) and the initial window of RFC 6928. The
 * window arithmetic inside recovery (inflation, partial ACKs: RFC 6582) is loss recovery's and
 * stands in tcp_recovery.c; here is only what cwnd and ssthresh become.
 */
#include "cc_ops.h"

#include <stddef.h>

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* RFC 6928 2: IW = min(10*MSS, max(2*MSS, 14600)). A configured smaller count of segments wins;
 * RFC 5681 3.1: one segment after a lost SYN or SYN-ACK. */
static uint32_t initial_window(const struct cc_sample *sample)
{
    uint32_t by_count = sample->initial_segments * sample->mss_bytes;
    if (sample->initial_segments != 10) {
        return by_count;
    }
    return min_u32(by_count, max_u32(2 * sample->mss_bytes, 14600));
}

static void reno_init(struct cc_state *state, const struct cc_sample *sample)
{
    state->cwnd_bytes = initial_window(sample);
    /* RFC 5681 3.1: the initial ssthresh should be arbitrarily high. */
    state->ssthresh_bytes = CC_SSTHRESH_INFINITE;
    state->scratch[0] = 0;
}

static void reno_on_sent(struct cc_state *state, const struct cc_sample *sample)
{
    (void)state;
    (void)sample;
}

/* Keeps MUST-19. */
static void reno_on_ack(struct cc_state *state, const struct cc_sample *sample)
{
    /* RFC 7661 1, RFC 5681 3.1: a window that was not used proves nothing about the path. */
    if (!sample->cwnd_limited) {
        return;
    }
    if (state->cwnd_bytes < state->ssthresh_bytes) {
        /* RFC 3465 2.2: by the bytes acknowledged, at most L*SMSS an ACK; 2.3: L is 2, but 1 in the
         * slow start that follows a timeout. */
        uint32_t limit = (sample->after_timeout ? 1 : 2) * sample->mss_bytes;
        uint32_t growth = min_u32(sample->acked_bytes, limit);
        growth = min_u32(growth, state->ssthresh_bytes - state->cwnd_bytes);
        state->cwnd_bytes += growth;
        state->scratch[0] = 0;
        return;
    }
    /* RFC 3465 2.1: one SMSS for each cwnd's worth of acknowledged bytes. */
    state->scratch[0] += sample->acked_bytes;
    if (state->scratch[0] >= state->cwnd_bytes) {
        state->scratch[0] -= state->cwnd_bytes;
        if (state->cwnd_bytes <= UINT32_MAX / 2) {
            state->cwnd_bytes += sample->mss_bytes;
        }
    }
}

/* RFC 5681 3.1 equation 4 and 3.2: ssthresh = max(FlightSize / 2, 2*SMSS).
 * Keeps MUST-19. */
static void reno_on_congestion(struct cc_state *state, const struct cc_sample *sample,
                               enum cc_event event)
{
    switch (event) {
    case CC_EVENT_FAST_RETRANSMIT:
        state->ssthresh_bytes = max_u32(sample->flight_bytes / 2, 2 * sample->mss_bytes);
        state->cwnd_bytes = state->ssthresh_bytes;
        break;
    case CC_EVENT_TIMEOUT:
        state->ssthresh_bytes = max_u32(sample->flight_bytes / 2, 2 * sample->mss_bytes);
        state->cwnd_bytes = sample->mss_bytes;
        break;
    case CC_EVENT_TIMEOUT_AGAIN:
        /* RFC 5681 3.1: ssthresh is held constant when the same data times out again. */
        state->cwnd_bytes = sample->mss_bytes;
        break;
    }
    state->scratch[0] = 0;
}

/* RFC 6582 3.2 step 3, option 1: no burst after a full acknowledgement. */
static void reno_on_recovery_exit(struct cc_state *state, const struct cc_sample *sample)
{
    uint32_t flight = max_u32(sample->flight_bytes, sample->mss_bytes);
    state->cwnd_bytes = min_u32(state->ssthresh_bytes, flight + sample->mss_bytes);
    state->scratch[0] = 0;
}

/* RFC 5681 4.1: after idling for more than an RTO, RW = min(IW, cwnd). */
static void reno_on_idle_restart(struct cc_state *state, const struct cc_sample *sample)
{
    state->cwnd_bytes = min_u32(initial_window(sample), state->cwnd_bytes);
    state->scratch[0] = 0;
}

const struct cc_ops cc_reno = {
    .name = "reno",
    .init = reno_init,
    .on_sent = reno_on_sent,
    .on_ack = reno_on_ack,
    .on_congestion = reno_on_congestion,
    .on_recovery_exit = reno_on_recovery_exit,
    .on_idle_restart = reno_on_idle_restart,
    .on_undo = NULL, /* cwnd and ssthresh are all that it changed */
};
