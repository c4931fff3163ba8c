/* SPDX-License-Identifier: MIT
 *
 * Reno (RFC 5681) with byte counting (RFC 3465, L = 2). The window arithmetic inside recovery
 * (inflation, partial ACKs: RFC 6582) is loss recovery's and stands in tcp_recovery.c; here is only
 * what cwnd and ssthresh become.
 */
#include "cc_math.h"
#include "cc_ops.h"

/* Bytes acknowledged since cwnd last grew. */
struct reno {
    uint32_t counted_bytes;
};

static struct reno *reno_of(const struct hf_cc_state *state)
{
    return state->private_state;
}

/* Keeps RFC5681-3.1-b. */
static void reno_init(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    (void)sample;
    reno_of(state)->counted_bytes = 0;
}

/* Keeps MUST-19. */
static void reno_on_ack(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct reno *reno = reno_of(state);
    /* RFC 7661 1, RFC 5681 3.1: a window that was not used proves nothing about the path. */
    if (!sample->cwnd_limited) {
        return;
    }
    if (state->cwnd_bytes < state->ssthresh_bytes) {
        /* RFC 3465 2.2: by the bytes acknowledged, at most L*SMSS an ACK; 2.3: L is 2, but 1 in the
         * slow start that follows a timeout. */
        uint32_t limit = (sample->after_timeout ? 1 : 2) * sample->mss_bytes;
        uint32_t growth = cc_min(sample->acked_bytes, limit);
        growth = cc_min(growth, state->ssthresh_bytes - state->cwnd_bytes);
        state->cwnd_bytes += growth;
        reno->counted_bytes = 0;
        return;
    }
    /* RFC 3465 2.1: one SMSS for each cwnd's worth of acknowledged bytes. */
    reno->counted_bytes += sample->acked_bytes;
    if (reno->counted_bytes >= state->cwnd_bytes) {
        reno->counted_bytes -= state->cwnd_bytes;
        if (state->cwnd_bytes <= UINT32_MAX / 2) {
            state->cwnd_bytes += sample->mss_bytes;
        }
    }
}

/* RFC 5681 3.1 equation 4 and 3.2: ssthresh = max(FlightSize / 2, 2*SMSS).
 * Keeps MUST-19, RFC5681-3.1-c, RFC5681-3.1-d, RFC5681-3.1-e. */
static void reno_on_congestion(struct hf_cc_state *state, const struct hf_cc_sample *sample,
                               enum hf_cc_event event)
{
    switch (event) {
    case HF_CC_FAST_RETRANSMIT:
        state->ssthresh_bytes = cc_max(sample->flight_bytes / 2, 2 * sample->mss_bytes);
        state->cwnd_bytes = state->ssthresh_bytes;
        break;
    case HF_CC_ECN:
        /* RFC 8511 3 (ABE): a mark is not a loss; 0.8 for Reno. */
        state->ssthresh_bytes =
            cc_max((uint32_t)((uint64_t)sample->flight_bytes * 4 / 5), 2 * sample->mss_bytes);
        state->cwnd_bytes = state->ssthresh_bytes;
        break;
    case HF_CC_TIMEOUT:
        state->ssthresh_bytes = cc_max(sample->flight_bytes / 2, 2 * sample->mss_bytes);
        state->cwnd_bytes = sample->mss_bytes;
        break;
    case HF_CC_TIMEOUT_AGAIN:
        /* RFC 5681 3.1: ssthresh is held constant when the same data times out again. */
        state->cwnd_bytes = sample->mss_bytes;
        break;
    }
    reno_of(state)->counted_bytes = 0;
}

/* RFC 6582 3.2 step 3, option 1: no burst after a full acknowledgement. */
static void reno_on_recovery_exit(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    uint32_t flight = cc_max(sample->flight_bytes, sample->mss_bytes);
    state->cwnd_bytes = cc_min(state->ssthresh_bytes, flight + sample->mss_bytes);
    reno_of(state)->counted_bytes = 0;
}

const struct hf_cc_ops cc_reno = {
    .name = "reno",
    .private_bytes = sizeof(struct reno),
    .init = reno_init,
    .on_ack = reno_on_ack,
    .on_congestion = reno_on_congestion,
    .on_recovery_exit = reno_on_recovery_exit,
    /* No on_undo: cwnd and ssthresh are all that a reduction changed. */
};
