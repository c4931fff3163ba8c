/* SPDX-License-Identifier: MIT
 *
 * Several connections, each with a round trip and a congestion control of its own, that meet in one
 * bottleneck, in virtual time: what a path makes of an algorithm, and what algorithms make of each
 * other. Each connection has two hosts to itself; only the bottleneck's queue is shared.
 *
 *     sender i --> queue, rate, loss --> delay, reordering of i --> receiver i
 *              <------ delay, rate, loss, reordering of i <--------
 */
#ifndef BOTTLENECK_H
#define BOTTLENECK_H

#include <handfast/handfast.h>

enum { BOTTLENECK_FLOWS_MAX = 16 };

struct bottleneck_path {
    uint64_t rate_bits_per_second;
    uint32_t queue_bytes;
    uint32_t loss_ppm;    /* both ways */
    uint32_t reorder_ppm; /* forward, by an eighth of the round trip, 250 us at least */
    bool codel_ecn;       /* both ways: RFC 8289 with marks, and ECN asked for */
    uint64_t seed;
};

struct bottleneck_flow {
    const struct hf_cc_ops *algorithm;
    hf_time rtt_ns, start_ns;
    uint64_t bytes;             /* then it is over; 0: as many as go */
    hf_time stop_ns;            /* no more is given to it from then on; 0: there is no end */
    struct hf_trace_sink trace; /* of the sender */
    /* What has come of it. */
    uint64_t received;
    hf_time complete_ns; /* since start_ns, when the last of it was read; 0: not yet */
    struct hf_status status;
};

struct bottleneck;
/* `flows` must outlive it. NULL: out of memory. */
struct bottleneck *bottleneck_new(const struct bottleneck_path *path, struct bottleneck_flow *flows,
                                  unsigned count);
/* On to `until`; brings the flows' figures up to date. */
void bottleneck_run(struct bottleneck *bottleneck, hf_time until);
/* On until every flow with an end is over, `until` at most. */
void bottleneck_finish(struct bottleneck *bottleneck, hf_time until);
/* Of the queue. */
struct hf_sim_statistics bottleneck_statistics(const struct bottleneck *bottleneck);
void bottleneck_set_rules(struct bottleneck *bottleneck, const struct bottleneck_path *path);
void bottleneck_free(struct bottleneck *bottleneck);

#endif
