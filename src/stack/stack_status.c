/* SPDX-License-Identifier: MIT
 *
 * STATUS (RFC 9293 3.9.1.6): of one handle, or of everything in turn; and the counters.
 */
#include "resting.h"

static void clear_status(struct hf_status *status)
{
    memset(status, 0, sizeof *status);
    status->timer = "";
    status->timer_deadline = HF_TIME_NEVER;
    status->congestion_control = "";
}

static void time_wait_status(const struct hf_stack *stack, const struct time_wait_record *record,
                             struct hf_status *status)
{
    struct flow_tuple tuple = time_wait_tuple(record);
    status->state = HF_TIME_WAIT;
    status->local = flow_tuple_local(&tuple);
    status->remote = flow_tuple_remote(&tuple);
    status->timer = "time-wait";
    status->timer_deadline = time_wait_deadline_of(stack, record);
    status->timestamps = record->timestamps;
    status->numbers.snd_una = record->snd_nxt.value;
    status->numbers.snd_nxt = record->snd_nxt.value;
    status->numbers.rcv_nxt = record->rcv_nxt.value;
}

static void syn_record_status(const struct syn_record *record, struct hf_status *status)
{
    status->state = HF_SYN_RECEIVED;
    status->local = flow_tuple_local(&record->tuple);
    status->remote = flow_tuple_remote(&record->tuple);
    status->timer = "retransmit";
    status->timer_deadline = record->deadline;
    status->retransmits = record->retries;
    status->backoff = record->retries;
    status->timestamps = record->timestamps;
    status->sack = record->sack;
    status->window_scaling = record->window_scaling;
    status->numbers.iss = record->iss.value;
    status->numbers.irs = record->irs.value;
    status->numbers.snd_una = record->iss.value;
    status->numbers.snd_nxt = record->iss.value + 1;
    status->numbers.rcv_nxt = record->irs.value + 1;
    status->numbers.snd_wnd = record->snd_wnd;
}

static void listener_status(const struct hf_stack *stack, const struct stack_listener *listener,
                            struct hf_status *status)
{
    status->handle = listener_handle(stack, listener);
    status->state = HF_LISTEN;
    status->local = listener->local;
    status->backlog = listener->backlog;
    status->accept_queue = listener->accept_count;
}

static void connection_status(const struct hf_stack *stack, const struct stack_slot *slot,
                              struct hf_status *status)
{
    uint32_t reference;
    const struct stack_connection *connection;
    struct resting_view view;
    const struct tcp_conn *conn = resting_look(stack, slot, &view);
    tcp_status(conn, status);
    status->duplicate_threshold = conn->reordering;
    if (slot->where >> FLOW_INDEX_BITS == FLOW_RESTING) {
        status->resting = 1;
        return;
    }
    connection = pool_at(&stack->connections, slot->where & FLOW_INDEX_MASK);
    if (connection->waiting) {
        status->handle = HF_NO_HANDLE;
    }
    if (connection->tcp.state != HF_CLOSED || connection->tcp.error != HF_OK) {
        return;
    }
    /* Its TIME-WAIT lives on in a record. */
    reference = flow_find(stack, &connection->tcp.tuple, connection->hash);
    if (reference != FLOW_NONE && reference >> FLOW_INDEX_BITS == FLOW_TIME_WAIT) {
        const struct time_wait_record *record =
            pool_at(&stack->time_waits, reference & FLOW_INDEX_MASK);
        status->state = HF_TIME_WAIT;
        status->timer = "time-wait";
        status->timer_deadline = time_wait_deadline_of(stack, record);
    }
}

int hf_status(const struct hf_stack *stack, hf_handle handle, struct hf_status *status)
{
    const struct stack_slot *slot = stack_slot_of(stack, handle);
    const struct stack_listener *listener = stack_listener_of(stack, handle);
    clear_status(status);
    if (listener != NULL) {
        listener_status(stack, listener, status);
        return HF_OK;
    }
    if (slot == NULL) {
        return HF_EBADF;
    }
    connection_status(stack, slot, status);
    return HF_OK;
}

static const struct stack_slot *slot_of_connection(const struct hf_stack *stack, uint32_t index)
{
    const struct stack_connection *connection = pool_at(&stack->connections, index);
    return pool_at(&stack->slots, connection->timer.slot);
}

int hf_find(const struct hf_stack *stack, const struct hf_endpoint *local,
            const struct hf_endpoint *remote, struct hf_status *status)
{
    struct hf_endpoint own = {.address = stack_clean_address(&local->address), .port = local->port};
    struct hf_endpoint peer = {.address = stack_clean_address(&remote->address),
                               .port = remote->port};
    struct flow_tuple tuple = flow_tuple_make(&own, &peer);
    uint32_t reference = flow_find(stack, &tuple, flow_hash(stack, &tuple));
    uint32_t index = reference & FLOW_INDEX_MASK;
    clear_status(status);
    if (reference == FLOW_NONE) {
        return HF_EBADF;
    }
    switch ((enum flow_kind)(reference >> FLOW_INDEX_BITS)) {
    case FLOW_CONNECTION:
        connection_status(stack, slot_of_connection(stack, index), status);
        break;
    case FLOW_RESTING:
        connection_status(stack, resting_slot(stack, reference), status);
        break;
    case FLOW_SYN:
        syn_record_status(pool_at(&stack->syn_records, index), status);
        break;
    case FLOW_TIME_WAIT:
        time_wait_status(stack, pool_at(&stack->time_waits, index), status);
        break;
    }
    return HF_OK;
}

/* The cursor: which pool (high half), which object next (low half). */
enum list_phase { LIST_LISTENERS, LIST_CONNECTIONS, LIST_SYN_RECORDS, LIST_TIME_WAITS, LIST_END };

static uint32_t phase_extent(const struct hf_stack *stack, enum list_phase phase)
{
    switch (phase) {
    case LIST_LISTENERS:
        return pool_extent(&stack->listeners);
    case LIST_CONNECTIONS:
        return pool_extent(&stack->slots);
    case LIST_SYN_RECORDS:
        return pool_extent(&stack->syn_records);
    case LIST_TIME_WAITS:
        return pool_extent(&stack->time_waits);
    case LIST_END:
        break;
    }
    return 0;
}

static bool is_over(const struct hf_stack *stack, const struct stack_slot *slot)
{
    const struct stack_connection *connection;
    if (slot->where >> FLOW_INDEX_BITS == FLOW_RESTING) {
        return false;
    }
    connection = pool_at(&stack->connections, slot->where & FLOW_INDEX_MASK);
    return connection->tcp.state == HF_CLOSED;
}

static bool list_one(const struct hf_stack *stack, enum list_phase phase, uint32_t index,
                     struct hf_status *status)
{
    clear_status(status);
    switch (phase) {
    case LIST_LISTENERS: {
        const struct stack_listener *listener = pool_at(&stack->listeners, index);
        if (listener->generation & 1) {
            listener_status(stack, listener, status);
            return true;
        }
        return false;
    }
    case LIST_CONNECTIONS: {
        const struct stack_slot *slot = pool_at(&stack->slots, index);
        /* One that is over but still held shows as its TIME-WAIT record or not at all. */
        if ((slot->generation & 1) && !is_over(stack, slot)) {
            connection_status(stack, slot, status);
            return true;
        }
        return false;
    }
    case LIST_SYN_RECORDS: {
        const struct syn_record *record = pool_at(&stack->syn_records, index);
        if (record->live) {
            syn_record_status(record, status);
        }
        return record->live;
    }
    case LIST_TIME_WAITS: {
        const struct time_wait_record *record = pool_at(&stack->time_waits, index);
        if (record->live) {
            time_wait_status(stack, record, status);
        }
        return record->live;
    }
    case LIST_END:
        break;
    }
    return false;
}

int hf_stack_list(const struct hf_stack *stack, uint64_t *cursor, struct hf_status *status)
{
    uint32_t phase = (uint32_t)(*cursor >> 32);
    uint32_t index = (uint32_t)*cursor;
    for (; phase < LIST_END; phase++, index = 0) {
        for (; index < phase_extent(stack, (enum list_phase)phase); index++) {
            if (list_one(stack, (enum list_phase)phase, index, status)) {
                *cursor = (uint64_t)phase << 32 | (index + 1);
                return 1;
            }
        }
    }
    *cursor = (uint64_t)LIST_END << 32;
    return 0;
}

void hf_stack_counters(const struct hf_stack *stack, struct hf_counters *counters)
{
    *counters = stack->counters;
    counters->references = stack->send_store.references.count;
    counters->memory_used_bytes = memory_held(&stack->memory) + sizeof *stack;
    counters->memory_peak_bytes = stack->memory.peak_bytes + sizeof *stack;
}
