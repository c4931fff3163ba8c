/* SPDX-License-Identifier: MIT
 *
 * One scenario played from opening to silence, and judged.
 */
#ifndef TRANSFER_H
#define TRANSFER_H

#include "scenario.h"

struct transfer_result {
    char failure[320];   /* "": all is well */
    uint64_t trace_hash; /* of every event and every packet, in order */
    uint64_t events, steps;
    uint64_t packets[2], retransmits[2], lost[2];
    uint64_t recovery_acks, growths, slow_growths, reductions, undos, reversions; /* judged */
    uint64_t set_back; /* TSvals older than the clock */
    uint64_t marked;   /* with CE */
    uint64_t joined;   /* packets that were looked at as a part of the one before */
    hf_time duration_ns;
};

/* `sink` gets every event of both hosts and the link besides; its `event` may be NULL. */
void transfer_run(const struct scenario *scenario, const struct hf_trace_sink *sink,
                  struct transfer_result *result);

#endif
