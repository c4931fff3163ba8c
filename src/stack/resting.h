/* SPDX-License-Identifier: MIT
 *
 * Connections at rest. What has been idle for config.rest_after_ns, with nothing queued, in flight
 * or to be told, is packed into a record of a few hundred bytes (tcp_rest.h), and its whole
 * `struct stack_connection` is given back. Its slot, and so its handle, stays; the flow table and
 * the slot lead to the record. Whatever touches it wakes it first, so that nobody else has to know:
 * a segment, an ICMP message, a call, its timer. STATUS and other looks that change nothing are
 * made on a copy.
 *
 * Awake connections that may rest stand in a line, in the order in which they came to it. The head
 * is looked at when its time has come: what was touched meanwhile goes to the end. So a busy
 * connection costs a few steps each rest_after_ns, and an idle one is found without a search.
 */
#ifndef RESTING_H
#define RESTING_H

#include "stack_state.h"

/* A copy of a connection, to look at. */
struct resting_view {
    struct tcp_conn conn;
    struct tcp_sender sender;
    uint64_t private_state[TCP_REST_PRIVATE_BYTES / 8];
};

void resting_init(struct hf_stack *stack);
/* Gives back all, with what the connections in it still hold. */
void resting_deinit(struct hf_stack *stack);
void resting_join(struct hf_stack *stack, struct stack_connection *connection);
/* Something was done to it: it may rest in a while, or, with rest_after_ns 0, at once. Then it is
 * gone when this returns. */
static inline void resting_consider(struct hf_stack *stack, struct stack_connection *connection)
{
    connection->touched = stack->host.now;
    if (!connection->in_rest_line) {
        resting_join(stack, connection);
    }
}
void resting_leave_line(struct hf_stack *stack, struct stack_connection *connection);
/* Puts to rest what has been idle for long enough: a bounded number at a time. */
void resting_run_due(struct hf_stack *stack);
static inline void resting_run(struct hf_stack *stack)
{
    if (stack->host.now >= stack->resting.quiet_until) {
        resting_run_due(stack);
    }
}
hf_time resting_next_deadline(const struct hf_stack *stack);
/* Memory is short: puts some to rest that have not been idle for long. */
void resting_relieve(struct hf_stack *stack);

/* The record behind a reference of kind FLOW_RESTING. */
bool resting_owns_tuple(const struct hf_stack *stack, uint32_t reference,
                        const struct flow_tuple *tuple);
bool resting_is_orphan(const struct hf_stack *stack, uint32_t reference);
const struct stack_slot *resting_slot(const struct hf_stack *stack, uint32_t reference);
struct flow_tuple resting_tuple(const struct hf_stack *stack, uint32_t reference);
/* Asks for its memory. */
void resting_prefetch(const struct hf_stack *stack, uint32_t reference);
/* Wakes it; NULL: there is no memory, and it rests on. */
struct stack_connection *resting_wake(struct hf_stack *stack, uint32_t reference, uint32_t hash,
                                      enum hf_reason reason);
/* The slot's connection, woken if it rests. */
struct stack_connection *resting_wake_slot_at_rest(struct hf_stack *stack,
                                                   const struct stack_slot *slot,
                                                   enum hf_reason reason);
static inline struct stack_connection *
resting_wake_slot(struct hf_stack *stack, const struct stack_slot *slot, enum hf_reason reason)
{
    return slot->where >> FLOW_INDEX_BITS != FLOW_RESTING
               ? pool_at(&stack->connections, slot->where & FLOW_INDEX_MASK)
               : resting_wake_slot_at_rest(stack, slot, reason);
}
/* The timer of one that rests has run out; NULL: it will run out again. */
struct stack_connection *resting_wake_timer(struct hf_stack *stack, struct stack_timer *timer);
/* The connection that the slot names: itself if it is awake, or a copy in `view`. */
const struct tcp_conn *resting_look(const struct hf_stack *stack, const struct stack_slot *slot,
                                    struct resting_view *view);
/* There is no memory to wake it, and it must end: RST, and everything of it is given back. */
void resting_abort(struct hf_stack *stack, struct stack_slot *slot, enum hf_reason reason);

#endif
