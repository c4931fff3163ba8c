/* SPDX-License-Identifier: MIT
 *
 * Reno (RFC 5681) with byte counting (RFC 3465).
 *
 * DEVIATION: in slow start an ACK is worth all that it acknowledges, as in Linux, where RFC 3465
 * 2.2 has two segments (L = 2) and RFC 5681 3.1 one: receivers that coalesce ACKs for larger runs
 * are common, and slow start would not double with them. In the slow start after a timeout, where
 * one ACK may cover what had arrived long before, L is 1 (RFC 3465 2.3).
 *
 * How cwnd comes down to ssthresh inside recovery is loss recovery's and stands in tcp_recovery.c
 * and tcp_rack.c; here is only what cwnd and ssthresh become.
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

/* RFC 3465 2.2, 2.3; what is acknowledged beyond ssthresh counts in congestion avoidance.
 * Keeps RFC3465-2.3-a. */
static uint32_t slow_start(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    uint32_t room = state->ssthresh_bytes - state->cwnd_bytes;
    uint32_t worth = sample->acked_bytes;
    uint32_t growth;
    if (sample->after_timeout) {
        worth = cc_min(worth, sample->mss_bytes);
    }
    growth = cc_min(worth, room);
    state->cwnd_bytes += growth;
    return worth - growth;
}

/* Keeps MUST-19, RFC5681-3.1-f, RFC3465-2.1-a. */
void cc_reno_grow(struct hf_cc_state *state, const struct hf_cc_sample *sample,
                  uint32_t *counted_bytes)
{
    uint32_t acked_bytes = sample->acked_bytes;
    if (state->cwnd_bytes < state->ssthresh_bytes) {
        *counted_bytes = 0; /* counting begins with congestion avoidance */
    }
    /* RFC 7661 1, RFC 5681 3.1: a window that was not used proves nothing about the path. */
    if (!sample->cwnd_limited) {
        return;
    }
    if (state->cwnd_bytes < state->ssthresh_bytes) {
        acked_bytes = slow_start(state, sample);
    }
    /* RFC 3465 2.1: one SMSS for each cwnd's worth of acknowledged bytes. RFC 5681 3.1: but no more
     * than one in a round trip, so what an ACK covers beyond cwnd (it jumps over what had arrived
     * before a repetition) is not kept for the next. */
    *counted_bytes += cc_min(acked_bytes, state->cwnd_bytes);
    if (*counted_bytes >= state->cwnd_bytes) {
        *counted_bytes = cc_min(*counted_bytes - state->cwnd_bytes, state->cwnd_bytes - 1);
        if (state->cwnd_bytes <= UINT32_MAX / 2) {
            state->cwnd_bytes += sample->mss_bytes;
        }
    }
}

/* RFC 5681 3.1: "no more than" equation 4, which is all there is to do where the loss has been
 * answered before. */
void cc_reno_timeout(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    uint32_t most = cc_max(sample->flight_bytes / 2, 2 * sample->mss_bytes);
    state->ssthresh_bytes = sample->answered ? cc_min(state->ssthresh_bytes, most) : most;
    state->cwnd_bytes = sample->mss_bytes;
}

static void reno_on_ack(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    cc_reno_grow(state, sample, &reno_of(state)->counted_bytes);
}

/* RFC 5681 3.1 equation 4 and 3.2: ssthresh = max(FlightSize / 2, 2*SMSS).
 * Keeps MUST-19, RFC5681-3.1-c, RFC5681-3.1-d, RFC5681-3.1-e, RFC8511-3-a. */
static void reno_on_congestion(struct hf_cc_state *state, const struct hf_cc_sample *sample,
                               enum hf_cc_event event)
{
    switch (event) {
    case HF_CC_FAST_RETRANSMIT:
        state->ssthresh_bytes = cc_max(sample->flight_bytes / 2, 2 * sample->mss_bytes);
        state->cwnd_bytes = state->ssthresh_bytes;
        break;
    case HF_CC_ECN:
        /* RFC 3168 5: as for a loss; or RFC 8511 3 (ABE): 0.8 for Reno. */
        state->ssthresh_bytes = sample->alternative_backoff
                                    ? (uint32_t)((uint64_t)sample->flight_bytes * 4 / 5)
                                    : sample->flight_bytes / 2;
        state->ssthresh_bytes = cc_max(state->ssthresh_bytes, 2 * sample->mss_bytes);
        state->cwnd_bytes = state->ssthresh_bytes;
        break;
    case HF_CC_TIMEOUT:
        cc_reno_timeout(state, sample);
        break;
    case HF_CC_TIMEOUT_AGAIN:
        /* RFC 5681 3.1: ssthresh is held constant when the same data times out again. */
        state->cwnd_bytes = sample->mss_bytes;
        break;
    }
    reno_of(state)->counted_bytes = 0;
}

const struct hf_cc_ops cc_reno = {
    .name = "reno",
    .private_bytes = sizeof(struct reno),
    .init = reno_init,
    .on_ack = reno_on_ack,
    .on_congestion = reno_on_congestion,
    /* No on_undo: cwnd and ssthresh are all that a reduction changed. */
};
