/* SPDX-License-Identifier: MIT
 *
 * Listeners: found by address and port, exact binds before wildcards, and the queues of
 * connections that wait to be accepted.
 */
#include "resting.h"

/* Who listens where is the host's own choice, so no key is needed against floods of one hash. */
static uint32_t endpoint_hash(const struct hf_endpoint *local)
{
    uint64_t words[2];
    uint64_t mixed;
    memcpy(words, local->address.bytes, sizeof words);
    mixed = words[0] ^ words[1] * UINT64_C(0x9e3779b97f4a7c15);
    mixed ^= (uint64_t)local->address.family << 56 ^ (uint64_t)local->port << 32;
    mixed *= UINT64_C(0xd6e8feb86659fd93);
    return (uint32_t)(mixed >> 32 ^ mixed >> 11);
}

static bool listener_matches(const void *context, uint32_t reference, const void *key)
{
    const struct hf_stack *stack = context;
    const struct stack_listener *listener = pool_at(&stack->listeners, reference);
    const struct hf_endpoint *local = key;
    return listener->local.port == local->port &&
           hf_address_equal(&listener->local.address, &local->address);
}

static struct stack_listener *find_exactly(const struct hf_stack *stack,
                                           const struct hf_endpoint *local)
{
    uint32_t reference = flow_table_find(&stack->listener_table, endpoint_hash(local),
                                         listener_matches, stack, local);
    return reference == FLOW_NONE ? NULL : pool_at(&stack->listeners, reference);
}

/* An exact bind wins over its family's wildcard, and that over the wildcard of both. */
struct stack_listener *listener_find(const struct hf_stack *stack, const struct hf_address *address,
                                     uint16_t port)
{
    struct hf_endpoint local = {.address = *address, .port = port};
    struct stack_listener *found = find_exactly(stack, &local);
    if (found == NULL) {
        memset(&local.address, 0, sizeof local.address);
        local.address.family = address->family;
        found = find_exactly(stack, &local);
    }
    if (found == NULL) {
        local.address.family = HF_FAMILY_ANY;
        found = find_exactly(stack, &local);
    }
    return found;
}

static int check_listen(struct hf_stack *stack, const struct hf_endpoint *local, uint32_t backlog)
{
    if (local->port == 0 || backlog < 1 || backlog > 65535 ||
        (local->address.family != HF_FAMILY_ANY && local->address.family != HF_IPV4 &&
         local->address.family != HF_IPV6)) {
        return HF_EINVAL;
    }
    if (!hf_address_is_any(&local->address) && !ip_host_is_local(&stack->ip, &local->address)) {
        return HF_EADDRNOTAVAIL;
    }
    return find_exactly(stack, local) != NULL ? HF_EADDRINUSE : HF_OK; /* MUST-41 */
}

static void start_listener(struct hf_stack *stack, struct stack_listener *listener,
                           const struct hf_endpoint *local, uint32_t backlog)
{
    struct flow_tuple none;
    memset(&none, 0, sizeof none);
    none.family = local->address.family;
    none.local_port = local->port;
    memcpy(none.local, local->address.bytes, sizeof none.local);
    listener->local = *local;
    listener->backlog = backlog;
    listener->accept_head = POOL_NONE;
    listener->accept_tail = POOL_NONE;
    tcp_conn_init(&listener->prototype, &stack->host, &none);
    listener->prototype.state = HF_LISTEN;
    if ((stack->config.fast_open & HF_FAST_OPEN_SERVER) &&
        (stack->config.fast_open & HF_FAST_OPEN_ALL_LISTENERS)) {
        listener->fast_open_limit = backlog;
    }
    stack->counters.listeners++;
    stack_trace_state(stack, &none, HF_REASON_OPEN_PASSIVE, HF_CLOSED, HF_LISTEN, seq_make(0),
                      seq_make(0));
}

int hf_listen(struct hf_stack *stack, const struct hf_endpoint *wanted, uint32_t backlog,
              hf_handle *handle)
{
    struct hf_endpoint endpoint = {.address = stack_clean_address(&wanted->address),
                                   .port = wanted->port};
    const struct hf_endpoint *local = &endpoint;
    uint32_t index;
    uint32_t generation;
    uint32_t hash;
    struct stack_listener *listener;
    int error = check_listen(stack, local, backlog);
    if (error != HF_OK) {
        return error;
    }
    listener = pool_allocate(&stack->listeners, &index);
    if (listener == NULL) {
        return HF_ENOBUFS;
    }
    hash = endpoint_hash(local);
    if (!flow_table_insert(&stack->listener_table, hash, index)) {
        pool_release(&stack->listeners, index);
        return HF_ENOMEM;
    }
    generation = listener->generation;
    memset(listener, 0, sizeof *listener);
    listener->generation = generation + 1;
    listener->index = index;
    listener->hash = hash;
    start_listener(stack, listener, local, backlog);
    *handle = listener_handle(stack, listener);
    return HF_OK;
}

struct stack_listener *stack_listener_of(const struct hf_stack *stack, hf_handle handle)
{
    uint32_t index = (uint32_t)handle ^ stack_handle_bits(stack);
    struct stack_listener *listener;
    if (handle >> 62 != HANDLE_LISTENER || index >= pool_extent(&stack->listeners)) {
        return NULL;
    }
    listener = pool_at(&stack->listeners, index);
    if (!(listener->generation & 1) || listener_handle(stack, listener) != handle) {
        return NULL;
    }
    return listener;
}

/* ---- the accept queue */

void listener_enqueue(struct hf_stack *stack, struct stack_listener *listener,
                      struct stack_connection *connection)
{
    connection->listener = listener->index;
    connection->waiting = true;
    connection->accept_next = POOL_NONE;
    if (listener->accept_tail == POOL_NONE) {
        listener->accept_head = connection->index;
    } else {
        struct stack_connection *last = pool_at(&stack->connections, listener->accept_tail);
        last->accept_next = connection->index;
    }
    listener->accept_tail = connection->index;
    listener->accept_count++;
    listener_queue_event(stack, listener);
}

static struct stack_connection *dequeue(struct hf_stack *stack, struct stack_listener *listener)
{
    struct stack_connection *connection;
    if (listener->accept_head == POOL_NONE) {
        return NULL;
    }
    connection = pool_at(&stack->connections, listener->accept_head);
    listener->accept_head = connection->accept_next;
    if (listener->accept_head == POOL_NONE) {
        listener->accept_tail = POOL_NONE;
    }
    listener->accept_count--;
    connection->waiting = false;
    connection->listener = POOL_NONE;
    return connection;
}

int hf_accept(struct hf_stack *stack, hf_handle handle, hf_handle *accepted,
              struct hf_endpoint *peer)
{
    struct stack_listener *listener = stack_listener_of(stack, handle);
    struct stack_connection *connection;
    if (listener == NULL) {
        return HF_EBADF;
    }
    connection = dequeue(stack, listener);
    if (connection == NULL) {
        return HF_EAGAIN;
    }
    *accepted = stack_handle_of(connection);
    if (peer != NULL) {
        *peer = flow_tuple_remote(&connection->tcp.tuple);
    }
    stack->counters.connections_accepted++;
    connection->tcp.accepted = true;
    stack_queue_events(stack, connection);
    resting_consider(stack, connection);
    return HF_OK;
}

void listener_close(struct hf_stack *stack, struct stack_listener *listener)
{
    struct stack_connection *connection;
    syn_cache_remove_listener(stack, listener->index);
    while ((connection = dequeue(stack, listener)) != NULL) {
        tcp_abort(&connection->tcp, &stack->host, HF_REASON_USER_CLOSE, HF_ECONNABORTED);
        stack_settle(stack, connection);
    }
    stack_trace_state(stack, &listener->prototype.tuple, HF_REASON_USER_CLOSE, HF_LISTEN, HF_CLOSED,
                      seq_make(0), seq_make(0));
    flow_table_remove(&stack->listener_table, listener->hash, listener->index);
    listener->generation++;
    stack->counters.listeners--;
    if (!listener->in_events) {
        pool_release(&stack->listeners, listener->index);
    }
}

/* ---- events */

void listener_queue_event(struct hf_stack *stack, struct stack_listener *listener)
{
    if (listener->in_events) {
        return;
    }
    listener->in_events = true;
    listener->event_next = POOL_NONE;
    if (stack->listener_events_tail == POOL_NONE) {
        stack->listener_events_head = listener->index;
    } else {
        struct stack_listener *last = pool_at(&stack->listeners, stack->listener_events_tail);
        last->event_next = listener->index;
    }
    stack->listener_events_tail = listener->index;
}

bool listener_next_event(struct hf_stack *stack, struct hf_event *event)
{
    while (stack->listener_events_head != POOL_NONE) {
        struct stack_listener *listener = pool_at(&stack->listeners, stack->listener_events_head);
        stack->listener_events_head = listener->event_next;
        if (stack->listener_events_head == POOL_NONE) {
            stack->listener_events_tail = POOL_NONE;
        }
        listener->in_events = false;
        if (!(listener->generation & 1)) {
            pool_release(&stack->listeners, listener->index); /* closed while queued */
            continue;
        }
        if (listener->accept_count > 0) {
            event->type = HF_EVENT_ACCEPTABLE;
            event->handle = listener_handle(stack, listener);
            event->error = HF_OK;
            return true;
        }
    }
    return false;
}
