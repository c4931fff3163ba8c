/* SPDX-License-Identifier: MIT
 *
 * Connections in the stack: their handles, and stack_settle, which after every call into tcp/ sees
 * to what the connection now wants.
 */
#include "fast_open.h"
#include "in_hand.h"
#include "path_metrics.h"
#include "resting.h"

hf_handle stack_handle_of(const struct stack_connection *connection)
{
    return connection->tcp.handle;
}

void stack_connection_begin(struct stack_connection *connection, uint32_t index, uint32_t slot,
                            uint32_t generation, uint32_t hash)
{
    memset(connection, 0, offsetof(struct stack_connection, tcp));
    connection->generation = generation;
    connection->index = index;
    connection->timer.slot = slot;
    connection->hash = hash;
    connection->listener = POOL_NONE;
    connection->fast_open_listener = POOL_NONE;
}

/* An awake connection's memory; where there is none, from some that are idle. */
static struct stack_connection *take_connection(struct hf_stack *stack, uint32_t *index)
{
    struct stack_connection *connection = pool_allocate(&stack->connections, index);
    if (connection == NULL) {
        resting_relieve(stack);
        connection = pool_allocate(&stack->connections, index);
    }
    return connection;
}

struct stack_connection *stack_connection_new(struct hf_stack *stack,
                                              const struct flow_tuple *tuple, uint32_t hash)
{
    uint32_t index;
    uint32_t slot_index;
    struct stack_connection *connection;
    struct stack_slot *slot = pool_allocate(&stack->slots, &slot_index);
    if (slot == NULL) {
        return NULL;
    }
    connection = take_connection(stack, &index);
    if (connection == NULL) {
        pool_release(&stack->slots, slot_index);
        return NULL;
    }
    slot->where = flow_reference(FLOW_CONNECTION, index);
    slot->generation++;
    stack_connection_begin(connection, index, slot_index, slot->generation, hash);
    tcp_conn_init(&connection->tcp, &stack->host, tuple);
    connection->tcp.handle = handle_make(HANDLE_CONNECTION, connection->generation,
                                         slot_index | stack_handle_bits(stack));
    stack->counters.connections++;
    return connection;
}

struct stack_slot *stack_slot_of(const struct hf_stack *stack, hf_handle handle)
{
    uint32_t index = (uint32_t)handle ^ stack_handle_bits(stack); /* of another core: too large */
    struct stack_slot *slot;
    const struct stack_connection *connection;
    if (handle >> 62 != HANDLE_CONNECTION || index >= pool_extent(&stack->slots)) {
        return NULL;
    }
    slot = pool_at(&stack->slots, index);
    if (!(slot->generation & 1) ||
        handle_make(HANDLE_CONNECTION, slot->generation, (uint32_t)handle) != handle) {
        return NULL;
    }
    if (slot->where >> FLOW_INDEX_BITS == FLOW_RESTING) {
        return resting_is_orphan(stack, slot->where) ? NULL : slot;
    }
    connection = pool_at(&stack->connections, slot->where & FLOW_INDEX_MASK);
    return connection->tcp.orphan || connection->waiting ? NULL : slot;
}

struct stack_connection *stack_connection_of(struct hf_stack *stack, hf_handle handle)
{
    const struct stack_slot *slot = stack_slot_of(stack, handle);
    in_hand_before(stack);
    return slot != NULL ? resting_wake_slot(stack, slot, HF_REASON_WAKE_CALL) : NULL;
}

void stack_slot_free(struct hf_stack *stack, uint32_t index)
{
    struct stack_slot *slot = pool_at(&stack->slots, index);
    slot->generation++;
    stack->counters.connections--;
    pool_release(&stack->slots, index);
}

/* ---- events */

void stack_queue_events(struct hf_stack *stack, struct stack_connection *connection)
{
    if (connection->tcp.events == 0 || connection->in_events || connection->waiting) {
        return;
    }
    connection->in_events = true;
    connection->event_next = POOL_NONE;
    connection->event_previous = stack->events_tail;
    if (stack->events_tail == POOL_NONE) {
        stack->events_head = connection->index;
    } else {
        struct stack_connection *last = pool_at(&stack->connections, stack->events_tail);
        last->event_next = connection->index;
    }
    stack->events_tail = connection->index;
}

static void leave_events(struct hf_stack *stack, struct stack_connection *connection)
{
    uint32_t next = connection->event_next;
    uint32_t previous = connection->event_previous;
    if (!connection->in_events) {
        return;
    }
    connection->in_events = false;
    if (previous == POOL_NONE) {
        stack->events_head = next;
    } else {
        ((struct stack_connection *)pool_at(&stack->connections, previous))->event_next = next;
    }
    if (next == POOL_NONE) {
        stack->events_tail = previous;
    } else {
        ((struct stack_connection *)pool_at(&stack->connections, next))->event_previous = previous;
    }
}

static int error_of_event(const struct tcp_conn *conn, enum hf_event_type type)
{
    if (type == HF_EVENT_ERROR) {
        return conn->error;
    }
    if (type == HF_EVENT_SOFT_ERROR) {
        return conn->told_soft_error;
    }
    return HF_OK;
}

static __attribute__((noinline)) int next_event(struct hf_stack *stack, struct hf_event *event)
{
    if (listener_next_event(stack, event)) {
        return 1;
    }
    while (stack->events_head != POOL_NONE) {
        struct stack_connection *connection = pool_at(&stack->connections, stack->events_head);
        unsigned events = connection->tcp.events;
        if (events == 0) {
            leave_events(stack, connection);
            resting_consider(stack, connection);
            continue;
        }
        event->type = (enum hf_event_type)__builtin_ctz(events);
        event->handle = stack_handle_of(connection);
        event->error = error_of_event(&connection->tcp, event->type);
        connection->tcp.events = (tcp_event_set)(events & (events - 1));
        return 1;
    }
    return 0;
}

/* Most calls find nothing; those save no registers. */
int hf_stack_next_event(struct hf_stack *stack, struct hf_event *event)
{
    if (stack->listener_events_head == POOL_NONE && stack->events_head == POOL_NONE) {
        return 0;
    }
    return next_event(stack, event);
}

/* ---- going away */

static void leave_ready(struct hf_stack *stack, struct stack_connection *connection)
{
    if (connection->in_ready) {
        index_list_remove(&stack->ready, &stack->connections, connection->index);
        connection->in_ready = false;
    }
}

static void leave_table(struct hf_stack *stack, struct stack_connection *connection)
{
    if (connection->in_table) {
        flow_remove(stack, connection->hash, flow_reference(FLOW_CONNECTION, connection->index));
        connection->in_table = false;
    }
}

static void leave_all(struct hf_stack *stack, struct stack_connection *connection)
{
    leave_ready(stack, connection);
    leave_table(stack, connection);
    resting_leave_line(stack, connection);
    wheel_cancel(&stack->wheel, &connection->timer.node);
}

/* It is nowhere but in the list of events, if there. */
static void free_alone(struct hf_stack *stack, struct stack_connection *connection)
{
    leave_events(stack, connection);
    tcp_conn_clear(&connection->tcp, &stack->host);
    saved_syn_free(stack, &connection->saved_syn);
    connection->tcp.events = 0;
    connection->generation = 0;
    stack_slot_free(stack, connection->timer.slot);
    pool_release(&stack->connections, connection->index);
}

void stack_connection_free(struct hf_stack *stack, struct stack_connection *connection)
{
    leave_all(stack, connection);
    free_alone(stack, connection);
}

/* CLOSED: the tuple is free at once; the slot when the program has let go, too. One that waits to
 * be accepted is still handed out, so that its program learns what happened. */
static void settle_closed(struct hf_stack *stack, struct stack_connection *connection)
{
    if (connection->tcp.intents != 0 || connection->tcp.tally.limited != HF_LIMITED_NOT) {
        reply_flush_connection(stack, connection);
    }
    leave_all(stack, connection);
    if (connection->tcp.orphan) {
        free_alone(stack, connection);
    } else {
        stack_queue_events(stack, connection);
    }
}

static void settle_time_wait(struct hf_stack *stack, struct stack_connection *connection)
{
    reply_flush_connection(stack, connection);
    time_wait_enter(stack, connection);
    connection->in_table = false; /* the record has taken the place */
    /* For its program the connection is over; the record alone remembers TIME-WAIT. */
    connection->tcp.state = HF_CLOSED;
    for (unsigned i = 0; i < TCP_TIMER_COUNT; i++) {
        connection->tcp.deadlines[i] = HF_TIME_NEVER;
    }
    settle_closed(stack, connection);
}

/* Lazily: a node that would fire too early is left alone and looked at when it does. */
void stack_arm_timer(struct hf_stack *stack, struct stack_connection *connection)
{
    hf_time earliest = tcp_earliest_deadline(&connection->tcp);
    if (earliest == HF_TIME_NEVER) {
        wheel_cancel(&stack->wheel, &connection->timer.node);
    } else if (!wheel_armed(&connection->timer.node) ||
               earliest < connection->timer.node.deadline) {
        wheel_arm(&stack->wheel, &connection->timer.node, earliest);
    }
}

/* It will be asked for what it has to send, unless that is nothing. */
static void enter_ready(struct hf_stack *stack, struct stack_connection *connection)
{
    if (tcp_is_quiet(&connection->tcp, &stack->host) &&
        connection->path_mtus_seen == stack->path_mtus_learnt) {
        tcp_fall_quiet(&connection->tcp, &stack->host);
        return;
    }
    connection->in_ready = true;
    index_list_append(&stack->ready, &stack->connections, connection->index);
}

void stack_settle(struct hf_stack *stack, struct stack_connection *connection)
{
    if (connection->fast_open_listener != POOL_NONE || connection->tcp.fast_open != NULL) {
        fast_open_settle(stack, connection);
    }
    if (path_metrics_wanted(&connection->tcp)) {
        path_metrics_settle(stack, &connection->tcp);
    }
    switch (connection->tcp.state) {
    case HF_CLOSED:
        settle_closed(stack, connection);
        return;
    case HF_TIME_WAIT:
        settle_time_wait(stack, connection);
        return;
    case HF_LISTEN:
    case HF_SYN_SENT:
    case HF_SYN_RECEIVED:
    case HF_ESTABLISHED:
    case HF_FIN_WAIT_1:
    case HF_FIN_WAIT_2:
    case HF_CLOSE_WAIT:
    case HF_CLOSING:
    case HF_LAST_ACK:
        break;
    }
    if (!connection->in_ready) {
        enter_ready(stack, connection);
    }
    stack_arm_timer(stack, connection);
    stack_queue_events(stack, connection);
    resting_consider(stack, connection);
}

/* The connection whose timer this is, awake; NULL: there is no memory to wake it now. */
static struct stack_connection *connection_of_timer(struct hf_stack *stack, struct wheel_node *node)
{
    struct stack_timer *timer =
        (struct stack_timer *)(void *)((char *)node - offsetof(struct stack_timer, node));
    return timer->resting
               ? resting_wake_timer(stack, timer)
               : (struct stack_connection *)(void *)((char *)timer -
                                                     offsetof(struct stack_connection, timer));
}

void stack_run_timers(struct hf_stack *stack)
{
    struct wheel_node *node;
    while ((node = wheel_expire(&stack->wheel, stack->host.now)) != NULL) {
        struct stack_connection *connection = connection_of_timer(stack, node);
        hf_time earliest;
        if (connection == NULL) {
            continue;
        }
        earliest = tcp_earliest_deadline(&connection->tcp);
        if (earliest > stack->host.now) {
            wheel_arm(&stack->wheel, &connection->timer.node, earliest);
            continue;
        }
        tcp_run_timers(&connection->tcp, &stack->host);
        stack_settle(stack, connection);
    }
}
