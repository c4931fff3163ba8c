/* SPDX-License-Identifier: MIT
 *
 * DCTCP (RFC 8257), for networks whose switches mark early: the window gives way in proportion to
 * how many bytes of the last round were marked, not by half at the first mark.
 *
 *     alpha = alpha * (1 - g) + g * M        g = 1/16, M the fraction marked, once a window
 *     cwnd  = cwnd * (1 - alpha / 2)         once a window, if anything was marked
 *
 * To loss it reacts as Reno does (3.4), and grows as Reno does (3.5). It is not for the Internet
 * (RFC 8257 5); where ECN was not agreed there is nothing marked and it is Reno.
 */
#include "cc_math.h"
#include "cc_ops.h"

#define ALPHA_ONE (1u << 20)
#define G_SHIFT 4 /* g = 1/16 (4.2) */

struct dctcp {
    uint32_t alpha; /* DCTCP.Alpha in parts of ALPHA_ONE; 1 at first (4.1) */
    uint32_t window_end;
    uint64_t delivered_bytes, ce_bytes; /* BytesAcked and BytesMarked of this window */
    uint32_t last_delivered_bytes, last_ce_bytes;
    uint32_t counted_bytes; /* acknowledged since cwnd last grew */
};

static struct dctcp *dctcp_of(const struct hf_cc_state *state)
{
    return state->private_state;
}

/* 3.3: WindowEnd begins as SND.UNA, so that the first ACK ends a window already.
 * Keeps RFC8257-3.3-c, RFC8257-4.2-a. */
static void dctcp_init(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    dctcp_of(state)->alpha = ALPHA_ONE;
    dctcp_of(state)->window_end = sample->snd_una;
}

/* 3.3 steps 1 to 8. DEVIATION: step 1 leaves SACKs aside; here, as in Linux, bytes count when they
 * are first told of, and an echo with them, so that a hole does not put off what the marks say.
 * Step 4 goes on where SND.UNA is beyond WindowEnd; here, as in Linux, where all before WindowEnd
 * is acknowledged, which is what had been sent when the window began. Keeps RFC8257-3.3-a. */
static void dctcp_on_delivery(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    struct dctcp *dctcp = dctcp_of(state);
    uint32_t marked;
    dctcp->delivered_bytes += sample->delivered_bytes;
    dctcp->ce_bytes += cc_min(sample->ce_bytes, sample->delivered_bytes);
    if ((int32_t)(sample->snd_una - dctcp->window_end) < 0 || dctcp->delivered_bytes == 0) {
        return;
    }
    marked = (uint32_t)cc_scale(dctcp->ce_bytes, ALPHA_ONE, dctcp->delivered_bytes);
    dctcp->alpha = dctcp->alpha - (dctcp->alpha >> G_SHIFT) + (marked >> G_SHIFT);
    if (dctcp->alpha > ALPHA_ONE) {
        dctcp->alpha = ALPHA_ONE;
    }
    if (marked == 0 && dctcp->alpha < 1u << G_SHIFT) {
        dctcp->alpha = 0; /* what the shift would keep for ever */
    }
    dctcp->last_delivered_bytes = cc_clamp_u64(dctcp->delivered_bytes);
    dctcp->last_ce_bytes = cc_clamp_u64(dctcp->ce_bytes);
    dctcp->delivered_bytes = 0;
    dctcp->ce_bytes = 0;
    dctcp->window_end = sample->snd_nxt;
    hf_cc_tell(sample, HF_REASON_DCTCP_ALPHA);
}

/* 3.5: as Reno. */
static void dctcp_on_ack(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    cc_reno_grow(state, sample, &dctcp_of(state)->counted_bytes);
}

/* Keeps RFC8257-3.3-b, RFC8257-3.4-a. */
static void dctcp_on_congestion(struct hf_cc_state *state, const struct hf_cc_sample *sample,
                                enum hf_cc_event event)
{
    struct dctcp *dctcp = dctcp_of(state);
    uint32_t least = 2 * sample->mss_bytes;
    dctcp->counted_bytes = 0;
    switch (event) {
    case HF_CC_FAST_RETRANSMIT:
        state->ssthresh_bytes = cc_max(sample->flight_bytes / 2, least); /* 3.4 */
        state->cwnd_bytes = state->ssthresh_bytes;
        break;
    case HF_CC_ECN: /* 3.3 step 9 */
        state->ssthresh_bytes =
            cc_max(state->cwnd_bytes -
                       (uint32_t)cc_scale(state->cwnd_bytes, dctcp->alpha, 2 * (uint64_t)ALPHA_ONE),
                   least);
        state->cwnd_bytes = state->ssthresh_bytes;
        break;
    case HF_CC_TIMEOUT:
        cc_reno_timeout(state, sample);
        break;
    case HF_CC_TIMEOUT_AGAIN:
        state->cwnd_bytes = sample->mss_bytes;
        break;
    }
}

static void put(uint8_t *at, uint32_t value, int bytes)
{
    uint16_t half = (uint16_t)value;
    const uint8_t *from = bytes == 2 ? (const uint8_t *)&half : (const uint8_t *)&value;
    for (int i = 0; i < bytes; i++) {
        at[i] = from[i];
    }
}

/* Linux's struct tcp_dctcp_info: enabled, ce_state, alpha in parts of 1024, and what the last
 * window's marks were made of. */
static uint32_t dctcp_info(const struct hf_cc_state *state, uint8_t info[HF_CC_INFO_BYTES])
{
    const struct dctcp *dctcp = dctcp_of(state);
    put(info, 1, 2);
    put(info + 2, dctcp->last_ce_bytes > 0, 2);
    put(info + 4, dctcp->alpha / (ALPHA_ONE / 1024), 4);
    put(info + 8, dctcp->last_ce_bytes, 4);
    put(info + 12, dctcp->last_delivered_bytes, 4);
    return 16;
}

const struct hf_cc_ops cc_dctcp = {
    .name = "dctcp",
    .private_bytes = sizeof(struct dctcp),
    .needs_ecn = true,
    .init = dctcp_init,
    .on_ack = dctcp_on_ack,
    .on_delivery = dctcp_on_delivery,
    .on_congestion = dctcp_on_congestion,
    /* No on_undo: alpha counts marks, of which losses, needless or not, say nothing. */
    .info = dctcp_info,
};
