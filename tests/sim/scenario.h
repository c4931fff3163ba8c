/* SPDX-License-Identifier: MIT
 *
 * What one seed tries: a network, two hosts with their options, and two programs with their habits.
 */
#ifndef SCENARIO_H
#define SCENARIO_H

#include "application.h"

#include <handfast/sim.h>
#include <stdio.h>

struct scenario {
    uint64_t seed;
    struct hf_sim_config link; /* trace unset */
    struct hf_config hosts[2]; /* allocator and trace unset */
    struct application_plan plans[2];
    struct hf_endpoint endpoints[2]; /* where each host is; the server's port */
    int client;                      /* which host connects */
    bool clean;                      /* nothing on the way harms a packet */
    bool congested;                  /* nothing does but queues */
    unsigned unreachable_every;      /* of so many lost packets a router tells of one; 0: of none */
    bool untraced;                   /* the hosts tell nothing, so may join what comes together */
};

/* The same seed and size give the same scenario. `bytes` go each way. */
void scenario_from_seed(struct scenario *scenario, uint64_t seed, uint64_t bytes);
/* The same hosts and programs on a path that harms nothing but by its queue: where congestion
 * control alone decides. */
void scenario_congest(struct scenario *scenario);
/* The same, but packets come in at times of a quarter of a millisecond to four only, all that
 * has come since at once. */
void scenario_batch(struct scenario *scenario);
void scenario_print(const struct scenario *scenario, FILE *file);

#endif
