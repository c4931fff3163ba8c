/* SPDX-License-Identifier: MIT
 *
 * The tiny profile's host without its optional parts (meson -Dprofile=tiny): what the rest sees of
 * connections at rest, the cache of RFC 9040, Fast Open and kept SYNs when resting.c,
 * path_metrics.c, fast_open*.c, saved_syn.c and in_hand.c are not built; input_batch.c is not
 * either, and nobody in here misses it. As in tcp/absent.c, a configuration that asks for them is
 * refused.
 */
#include "fast_open.h"
#include "hf_assert.h"
#include "in_hand.h"
#include "path_metrics.h"
#include "resting.h"

/* ---- resting.c: all connections are awake (config.rest_after_ns is HF_TIME_NEVER) */

void resting_init(struct hf_stack *stack)
{
    stack->resting.quiet_until = HF_TIME_NEVER;
}

void resting_deinit(struct hf_stack *stack)
{
    (void)stack;
}

void resting_join(struct hf_stack *stack, struct stack_connection *connection)
{
    (void)stack;
    (void)connection;
}

void resting_leave_line(struct hf_stack *stack, struct stack_connection *connection)
{
    (void)stack;
    (void)connection;
}

void resting_run_due(struct hf_stack *stack)
{
    (void)stack;
}

hf_time resting_next_deadline(const struct hf_stack *stack)
{
    (void)stack;
    return HF_TIME_NEVER;
}

void resting_relieve(struct hf_stack *stack)
{
    (void)stack;
}

bool resting_owns_tuple(const struct hf_stack *stack, uint32_t reference,
                        const struct flow_tuple *tuple)
{
    (void)stack;
    (void)reference;
    (void)tuple;
    HF_ASSERT(false);
    return false;
}

bool resting_is_orphan(const struct hf_stack *stack, uint32_t reference)
{
    (void)stack;
    (void)reference;
    HF_ASSERT(false);
    return false;
}

const struct stack_slot *resting_slot(const struct hf_stack *stack, uint32_t reference)
{
    (void)stack;
    (void)reference;
    HF_ASSERT(false);
    return NULL;
}

struct flow_tuple resting_tuple(const struct hf_stack *stack, uint32_t reference)
{
    struct flow_tuple none = {.family = HF_IPV4};
    (void)stack;
    (void)reference;
    HF_ASSERT(false);
    return none;
}

struct stack_connection *resting_wake(struct hf_stack *stack, uint32_t reference, uint32_t hash,
                                      enum hf_reason reason)
{
    (void)stack;
    (void)reference;
    (void)hash;
    (void)reason;
    HF_ASSERT(false);
    return NULL;
}

struct stack_connection *resting_wake_slot_at_rest(struct hf_stack *stack,
                                                   const struct stack_slot *slot,
                                                   enum hf_reason reason)
{
    (void)stack;
    (void)slot;
    (void)reason;
    HF_ASSERT(false);
    return NULL;
}

struct stack_connection *resting_wake_timer(struct hf_stack *stack, struct stack_timer *timer)
{
    (void)stack;
    (void)timer;
    HF_ASSERT(false);
    return NULL;
}

const struct tcp_conn *resting_look(const struct hf_stack *stack, const struct stack_slot *slot,
                                    struct resting_view *view)
{
    const struct stack_connection *connection =
        pool_at(&stack->connections, slot->where & FLOW_INDEX_MASK);
    (void)view;
    return &connection->tcp;
}

void resting_abort(struct hf_stack *stack, struct stack_slot *slot, enum hf_reason reason)
{
    (void)stack;
    (void)slot;
    (void)reason;
    HF_ASSERT(false);
}

/* ---- path_metrics.c: nothing is remembered beyond a connection's life */

void path_metrics_init(struct hf_stack *stack)
{
    (void)stack;
}

void path_metrics_deinit(struct hf_stack *stack)
{
    (void)stack;
}

void path_metrics_settle(struct hf_stack *stack, struct tcp_conn *conn)
{
    (void)stack;
    conn->metrics_wanted = false;
    conn->metrics_due = false;
}

/* ---- fast_open.c, fast_open_peers.c: SYNs that ask for a cookie are answered without one */

void fast_open_init(struct hf_stack *stack)
{
    (void)stack;
}

void fast_open_deinit(struct hf_stack *stack)
{
    (void)stack;
}

struct fast_open_answer fast_open_judge(struct hf_stack *stack, struct stack_listener *listener,
                                        const struct arrival *arrival)
{
    struct fast_open_answer none;
    (void)stack;
    (void)listener;
    (void)arrival;
    memset(&none, 0, sizeof none);
    return none;
}

bool fast_open_begin(struct hf_stack *stack, struct stack_listener *listener,
                     struct stack_connection *connection, const struct fast_open_answer *answer,
                     const struct tcp_segment *segment)
{
    (void)stack;
    (void)listener;
    (void)connection;
    (void)answer;
    (void)segment;
    HF_ASSERT(false);
    return false;
}

void fast_open_abandon(struct hf_stack *stack, struct stack_connection *connection)
{
    (void)stack;
    (void)connection;
}

void fast_open_fill(const struct fast_open_answer *answer, struct tcp_options *options)
{
    (void)answer;
    (void)options;
}

void fast_open_settle(struct hf_stack *stack, struct stack_connection *connection)
{
    (void)stack;
    (void)connection;
}

int fast_open_connect(struct hf_stack *stack, struct stack_connection *connection, int64_t value)
{
    (void)stack;
    (void)connection;
    return value == 0 ? HF_OK : HF_EOPNOTSUPP;
}

/* ---- saved_syn.c: as if there never were memory to keep one */

struct saved_syn *saved_syn_take(struct hf_stack *stack, const struct stack_listener *listener,
                                 const struct arrival *arrival)
{
    (void)stack;
    (void)listener;
    (void)arrival;
    return NULL;
}

void saved_syn_free(struct hf_stack *stack, struct saved_syn **saved)
{
    (void)stack;
    (void)saved;
}

/* ---- in_hand.c: each segment is chosen by itself */

size_t in_hand_choose(struct hf_stack *stack, struct stack_connection *connection,
                      const struct tcp_segment *first, uint32_t payload_offset, uint8_t *packet)
{
    (void)stack;
    (void)connection;
    (void)first;
    (void)payload_offset;
    (void)packet;
    return 0;
}

size_t in_hand_next(struct hf_stack *stack, uint8_t *packet)
{
    (void)stack;
    (void)packet;
    HF_ASSERT(false);
    return 0;
}

void in_hand_keep(struct hf_stack *stack)
{
    (void)stack;
}

void in_hand_drop(struct hf_stack *stack)
{
    (void)stack;
}
