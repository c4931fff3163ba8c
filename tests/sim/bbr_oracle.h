/* SPDX-License-Identifier: MIT
 *
 * BBR judged call by call. It is wrapped: what the sender tells it goes to a model of
 * draft-ietf-ccwg-bbr first, and what it makes of it is compared with what the model allows:
 *
 *  - max_bw and min_rtt are what the samples make them, and TCP_CC_INFO says so (5.5.5, 5.5.7);
 *  - the states follow each other as in 5.3, each with its gains (5.6.1);
 *  - cwnd grows by no more than is delivered, and once the pipe was full is at most cwnd_gain x BDP
 *    and what aggregation needs (5.6.4.2), at most inflight_longterm, less the headroom where the
 *    draft leaves some, and inflight_shortterm (5.6.4.7); while neither bounds it, it is exact;
 *  - ProbeRTT comes when the least round trip is five seconds old, lowers cwnd to half a BDP, and
 *    lasts 200 ms and a round trip (5.3.4);
 *  - the short-term bounds come down by no more than Beta, once a round trip, and only after a loss
 *    or a mark (5.5.10.3); the long-term one once a probe, when more than 2 % was lost (5.5.10.2).
 *
 * What the samples themselves are worth is for rate_oracle.h.
 */
#ifndef BBR_ORACLE_H
#define BBR_ORACLE_H

#include "oracle_failure.h"

#include <handfast/congestion.h>

/* What BBR was last told, and how often its cwnd was judged: of all connections of the process,
 * for a congestion control is given no place of its own but the connection's. */
struct bbr_oracle_news {
    struct oracle_failure failure;
    hf_time when;
    uint64_t rate; /* 0: none */
    uint32_t rtt_us;
    uint64_t judged, exactly, probe_rtts, lowered;
};

/* BBR, judged; for config.congestion_control and config.congestion_controls. */
struct hf_cc_ops bbr_oracle_ops(void);
struct bbr_oracle_news *bbr_oracle_news(void);

#endif
