/* SPDX-License-Identifier: MIT
 *
 * Text that continues what a connection has received goes to its place in the one pass that its
 * checksum needs anyway, before anything else of the segment is looked at. Behind the end of what
 * was received nobody reads, so text that turns out to be wrong does no harm: the next takes its
 * place. For one segment (stack_input.c) and for a run of them (input_batch.c).
 */
#ifndef TEXT_PLACE_H
#define TEXT_PLACE_H

#include "checksum.h"
#include "stack_state.h"

struct text_place {
    uint8_t *to;       /* where text goes next */
    uint32_t room;     /* so much of it in one place; 0: to be asked for */
    uint32_t straight; /* so much text goes to the program's buffer, before any to the queue */
};

/* Does the segment continue what the connection has received, with nothing known to follow, and say
 * no more than ACK and PSH? (Linux joins what these alone distinguish; of ECN's flags those of RFC
 * 9768's counter may be there.) */
bool text_place_fits(const struct tcp_conn *conn, const struct tcp_segment *segment);
void text_place_begin(struct text_place *place, const struct stack_connection *connection);
/* Copies `length` bytes that begin `at` bytes behind what was received, and adds their sum as that
 * of bytes from an even offset on. False: out of memory. */
bool text_place_put(struct hf_stack *stack, struct stack_connection *connection,
                    struct text_place *place, uint32_t at, const uint8_t *text, uint32_t length,
                    checksum_sum *sum);
/* The connection looks at the segment whose text has been put; what follows is stack_settle. */
enum hf_reason text_place_arrives(struct hf_stack *stack, struct stack_connection *connection,
                                  const struct text_place *place, struct tcp_segment *segment);

#endif
