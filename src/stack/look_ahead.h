/* SPDX-License-Identifier: MIT
 *
 * Within a batch, while one packet is looked at, the memory that the next ones will need is asked
 * for. See look_ahead.c.
 */
#ifndef LOOK_AHEAD_H
#define LOOK_AHEAD_H

#include "stack_state.h"

/* Fewer stay in the second cache by themselves: there it would cost 15 ns a packet for nothing. */
#define LOOK_AHEAD_FLOWS 2048u
#define LOOK_AHEAD_SLOTS 8u /* more than the farthest look */

struct look_ahead {
    const struct hf_arriving *packets;
    uint32_t count;
    uint32_t hashed, found; /* so far those packets were looked at: first, second look */
    struct {
        struct flow_tuple tuple;
        uint32_t hash;
        bool known; /* and another one's than the packet's before */
    } seen[LOOK_AHEAD_SLOTS];
};

static inline void look_ahead_begin(struct look_ahead *ahead, const struct hf_arriving *packets,
                                    uint32_t count)
{
    ahead->packets = packets;
    ahead->count = count;
    ahead->hashed = ahead->found = 0;
}
/* Packet `index` is about to be looked at: what was found out about it is remembered, and those
 * that follow are looked at in advance. */
void look_ahead(struct hf_stack *stack, struct look_ahead *ahead, uint32_t index);

#endif
