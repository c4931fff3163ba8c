/* SPDX-License-Identifier: MIT
 *
 * Putting connections to rest, and waking them.
 *
 * A record is as long as it must be: a head; a node of the timing wheel if the connection waits for
 * a time (keep-alive); the two addresses; the packed connection. Records live in
 * pools by size, in steps of 16 bytes where most are, so that little is lost to rounding; and the
 * pools give back what they no longer need.
 */
#include "resting.h"

#include "prefetch.h"

#include "fast_open.h"
#include "hf_assert.h"

#define CLASS_BITS 5
#define CLASS_INDEX_BITS (FLOW_INDEX_BITS - CLASS_BITS)
#define CLASS_INDEX_MASK ((1u << CLASS_INDEX_BITS) - 1)
_Static_assert(RESTING_CLASSES == 1 << CLASS_BITS, "a reference names the class");
#define SMALLEST_RECORD 48u
#define FINE_CLASSES 26u
#define FINE_STEP 16u /* to 448 bytes */
#define COARSE_STEP 144u

/* So many at a time: half a millisecond at most. */
#define REST_AT_ONCE 512u
#define RELIEF_AT_ONCE 64u
/* A timer that found no memory runs again. */
#define TIMER_AGAIN_NS (100 * HF_MILLISECOND)

struct record_head {
    uint32_t slot;
    uint32_t path_mtus_seen;
    uint16_t local_port, remote_port;
    uint32_t length : 11;        /* packed */
    uint32_t private_bytes : 10; /* of the algorithm's state, if it is packed too */
    uint32_t model : 2;
    uint32_t sender : 1; /* there was one */
    uint32_t timed : 1;  /* a struct stack_timer follows */
    uint32_t ipv6 : 1;
    uint32_t orphan : 1;
};
_Static_assert(sizeof(struct record_head) == 16, "what each of ten million costs");
_Static_assert(TCP_REST_BYTES_MAX < 1u << 11, "its length is kept in 11 bits");
_Static_assert(TCP_REST_PRIVATE_BYTES < 1u << 10, "and that of the algorithm's state in 10");

static uint32_t class_size(uint32_t number)
{
    uint32_t fine = number < FINE_CLASSES ? number : FINE_CLASSES - 1;
    return SMALLEST_RECORD + FINE_STEP * fine + COARSE_STEP * (number - fine);
}

/* RESTING_CLASSES: none is large enough. */
static uint32_t class_for(uint32_t bytes)
{
    uint32_t number = 0;
    while (number < RESTING_CLASSES && class_size(number) < bytes) {
        number++;
    }
    return number;
}

void resting_init(struct hf_stack *stack)
{
    struct resting *resting = &stack->resting;
    uint32_t most = stack->config.max_connections;
    for (uint32_t i = 0; i < RESTING_CLASSES; i++) {
        /* The last index stays unused, for no reference may be FLOW_NONE. */
        pool_init_shrinking(&resting->classes[i], &stack->memory, class_size(i),
                            most < CLASS_INDEX_MASK ? most : CLASS_INDEX_MASK);
    }
    resting->line_head = POOL_NONE;
    resting->line_tail = POOL_NONE;
    resting->quiet_until = HF_TIME_NEVER;
}

/* ---- records */

static uint32_t reference_class(uint32_t reference)
{
    return (reference & FLOW_INDEX_MASK) >> CLASS_INDEX_BITS;
}

static struct record_head *head_at(const struct hf_stack *stack, uint32_t reference)
{
    return pool_at(&stack->resting.classes[reference_class(reference)],
                   reference & CLASS_INDEX_MASK);
}

static struct stack_timer *timer_of(struct record_head *head)
{
    return (struct stack_timer *)(void *)(head + 1);
}

/* Where the addresses, local and remote, and what is packed lie in a record with this head. */
static uint32_t addresses_at(const struct record_head *head)
{
    return sizeof *head + (head->timed ? sizeof(struct stack_timer) : 0);
}

static uint32_t address_bytes(const struct record_head *head)
{
    return head->ipv6 ? 16 : 4;
}

static uint32_t packed_at(const struct record_head *head)
{
    return addresses_at(head) + 2 * address_bytes(head);
}

static const uint8_t *bytes_of(const struct record_head *head, uint32_t offset)
{
    return (const uint8_t *)head + offset;
}

static struct flow_tuple tuple_of(const struct record_head *head)
{
    struct flow_tuple tuple;
    const uint8_t *addresses = bytes_of(head, addresses_at(head));
    memset(&tuple, 0, sizeof tuple);
    tuple.family = head->ipv6 ? HF_IPV6 : HF_IPV4;
    tuple.local_port = head->local_port;
    tuple.remote_port = head->remote_port;
    memcpy(tuple.local, addresses, address_bytes(head));
    memcpy(tuple.remote, addresses + address_bytes(head), address_bytes(head));
    return tuple;
}

void resting_prefetch(const struct hf_stack *stack, uint32_t reference)
{
    prefetch_range(head_at(stack, reference),
                   stack->resting.classes[reference_class(reference)].object_size);
}

struct flow_tuple resting_tuple(const struct hf_stack *stack, uint32_t reference)
{
    return tuple_of(head_at(stack, reference));
}

bool resting_owns_tuple(const struct hf_stack *stack, uint32_t reference,
                        const struct flow_tuple *tuple)
{
    const struct record_head *head = head_at(stack, reference);
    const uint8_t *addresses = bytes_of(head, addresses_at(head));
    uint32_t length = address_bytes(head);
    return head->remote_port == tuple->remote_port && head->local_port == tuple->local_port &&
           tuple->family == (head->ipv6 ? HF_IPV6 : HF_IPV4) &&
           memcmp(addresses, tuple->local, length) == 0 &&
           memcmp(addresses + length, tuple->remote, length) == 0;
}

const struct stack_slot *resting_slot(const struct hf_stack *stack, uint32_t reference)
{
    return pool_at(&stack->slots, head_at(stack, reference)->slot);
}

bool resting_is_orphan(const struct hf_stack *stack, uint32_t reference)
{
    return head_at(stack, reference)->orphan;
}

static void release_record(struct hf_stack *stack, uint32_t reference)
{
    struct record_head *head = head_at(stack, reference);
    if (head->timed) {
        wheel_cancel(&stack->wheel, &timer_of(head)->node);
    }
    pool_release(&stack->resting.classes[reference_class(reference)], reference & CLASS_INDEX_MASK);
    stack->counters.connections_resting--;
}

static void unpack(const struct hf_stack *stack, const struct record_head *head,
                   struct tcp_conn *conn, struct tcp_sender *sender, void *private_state)
{
    const struct stack_slot *slot = pool_at(&stack->slots, head->slot);
    conn->tuple = tuple_of(head);
    conn->handle =
        handle_make(HANDLE_CONNECTION, slot->generation, head->slot | stack_handle_bits(stack));
    tcp_rest_unpack(
        conn, head->sender ? sender : NULL, head->private_bytes > 0 ? private_state : NULL,
        stack->resting.models[head->model], bytes_of(head, packed_at(head)), head->length);
}

void resting_deinit(struct hf_stack *stack)
{
    for (uint32_t i = 0; i < pool_extent(&stack->slots); i++) {
        const struct stack_slot *slot = pool_at(&stack->slots, i);
        if ((slot->generation & 1) && slot->where >> FLOW_INDEX_BITS == FLOW_RESTING) {
            struct tcp_conn conn;
            unpack(stack, head_at(stack, slot->where), &conn, NULL, NULL);
            tcp_conn_clear(&conn, &stack->host);
        }
    }
    for (uint32_t i = 0; i < RESTING_CLASSES; i++) {
        pool_deinit(&stack->resting.classes[i]);
    }
    for (uint32_t i = 0; i < RESTING_MODELS; i++) {
        memory_release(&stack->memory, stack->resting.models[i], sizeof *stack->resting.models[i]);
        stack->resting.models[i] = NULL;
    }
}

/* ---- the line */

static void enter_line(struct hf_stack *stack, struct stack_connection *connection)
{
    struct resting *resting = &stack->resting;
    connection->in_rest_line = true;
    connection->rest_at = stack->host.now + stack->config.rest_after_ns;
    connection->rest_next = POOL_NONE;
    connection->rest_previous = resting->line_tail;
    if (connection->rest_at < resting->quiet_until) {
        resting->quiet_until = connection->rest_at;
    }
    if (resting->line_tail == POOL_NONE) {
        resting->line_head = connection->index;
    } else {
        struct stack_connection *last = pool_at(&stack->connections, resting->line_tail);
        last->rest_next = connection->index;
    }
    resting->line_tail = connection->index;
}

void resting_leave_line(struct hf_stack *stack, struct stack_connection *connection)
{
    struct resting *resting = &stack->resting;
    uint32_t next = connection->rest_next;
    uint32_t previous = connection->rest_previous;
    if (!connection->in_rest_line) {
        return;
    }
    connection->in_rest_line = false;
    if (previous == POOL_NONE) {
        resting->line_head = next;
    } else {
        ((struct stack_connection *)pool_at(&stack->connections, previous))->rest_next = next;
    }
    if (next == POOL_NONE) {
        resting->line_tail = previous;
    } else {
        ((struct stack_connection *)pool_at(&stack->connections, next))->rest_previous = previous;
    }
}

/* ---- going to rest */

/* The stack keeps nothing about it that a record has no place for. */
static bool stands_alone(const struct stack_connection *connection)
{
    return connection->in_table && !connection->in_ready && !connection->in_events &&
           !connection->waiting && connection->saved_syn == NULL &&
           connection->posted.buffer == NULL && connection->fast_open_listener == POOL_NONE &&
           connection->tcp.fast_open == NULL && connection->tcp.events == 0;
}

/* Idle, and none of its timers will run soon. */
static bool may_rest(const struct hf_stack *stack, const struct stack_connection *connection)
{
    const struct tcp_conn *conn = &connection->tcp;
    if (!stands_alone(connection) || !tcp_rests_quietly(conn)) {
        return false;
    }
    switch (conn->state) {
    case HF_ESTABLISHED:
    case HF_CLOSE_WAIT:
    case HF_FIN_WAIT_2:
        return tcp_earliest_deadline(conn) - stack->host.now > stack->config.rest_after_ns;
    case HF_CLOSED:
    case HF_LISTEN:
    case HF_SYN_SENT:
    case HF_SYN_RECEIVED:
    case HF_FIN_WAIT_1:
    case HF_CLOSING:
    case HF_LAST_ACK:
    case HF_TIME_WAIT:
        break;
    }
    return false;
}

static struct tcp_rest_model *model_for(struct hf_stack *stack, const struct tcp_conn *conn,
                                        uint32_t *number)
{
    struct tcp_rest_model **model;
    *number = (conn->passive ? 1u : 0u) + (conn->sender != NULL ? 2u : 0u);
    model = &stack->resting.models[*number];
    if (*model == NULL) {
        *model = memory_allocate(&stack->memory, sizeof **model);
        if (*model != NULL) {
            tcp_rest_model_init(*model, conn);
        }
    }
    return *model;
}

static struct record_head *new_record(struct hf_stack *stack, uint32_t bytes, uint32_t *reference)
{
    uint32_t number = class_for(bytes);
    uint32_t index;
    struct record_head *head;
    if (number == RESTING_CLASSES) {
        return NULL;
    }
    head = pool_allocate(&stack->resting.classes[number], &index);
    *reference = flow_reference(FLOW_RESTING, number << CLASS_INDEX_BITS | index);
    return head;
}

static void give_back(struct hf_stack *stack, struct stack_connection *connection,
                      struct tcp_rest_parts parts)
{
    struct tcp_conn *conn = &connection->tcp;
    if (parts.private_state) { /* otherwise the record leads to it */
        memory_release(&stack->memory, conn->congestion.private_state, parts.private_bytes);
    }
    memory_release(&stack->memory, conn->sender, sizeof *conn->sender);
    resting_leave_line(stack, connection);
    wheel_cancel(&stack->wheel, &connection->timer.node);
    connection->generation = 0;
    pool_release(&stack->connections, connection->index);
}

/* False: there is no memory for a record, or none is large enough; it stays awake. */
static bool rest(struct hf_stack *stack, struct stack_connection *connection, enum hf_reason reason)
{
    struct tcp_conn *conn = &connection->tcp;
    struct stack_slot *slot = pool_at(&stack->slots, connection->timer.slot);
    struct tcp_rest_parts parts = tcp_rest_parts(conn);
    hf_time deadline = tcp_earliest_deadline(conn);
    struct record_head head = {
        .slot = connection->timer.slot,
        .path_mtus_seen = connection->path_mtus_seen,
        .local_port = conn->tuple.local_port,
        .remote_port = conn->tuple.remote_port,
        .private_bytes = (uint32_t)parts.private_bytes & 0x3ff,
        .sender = parts.sender,
        .timed = deadline != HF_TIME_NEVER,
        .ipv6 = conn->tuple.family == HF_IPV6,
        .orphan = conn->orphan,
    };
    uint8_t packed[TCP_REST_BYTES_MAX];
    uint32_t number;
    uint32_t reference;
    struct record_head *record = NULL;
    uint8_t *bytes;
    struct tcp_rest_model *model = model_for(stack, conn, &number);
    uint32_t length =
        model != NULL ? tcp_rest_pack(conn, model, packed, sizeof packed) : TCP_REST_TOO_LARGE;
    if (length != TCP_REST_TOO_LARGE) {
        record = new_record(stack, packed_at(&head) + length, &reference);
    }
    if (record == NULL) {
        stack->counters.rests_refused++;
        return false;
    }
    head.length = length & 0x7ff;
    head.model = number & 3;
    *record = head;
    bytes = (uint8_t *)record;
    memcpy(bytes + addresses_at(&head), conn->tuple.local, address_bytes(&head));
    memcpy(bytes + addresses_at(&head) + address_bytes(&head), conn->tuple.remote,
           address_bytes(&head));
    memcpy(bytes + packed_at(&head), packed, length);
    if (head.timed) {
        *timer_of(record) = (struct stack_timer){.slot = head.slot, .resting = true};
        wheel_arm(&stack->wheel, &timer_of(record)->node, deadline);
    }
    flow_replace(stack, connection->hash, slot->where, reference);
    slot->where = reference;
    stack->counters.rests++;
    stack->counters.connections_resting++;
    tcp_trace_rest(conn, &stack->host, reason, packed_at(&head) + length);
    give_back(stack, connection, parts);
    return true;
}

void resting_join(struct hf_stack *stack, struct stack_connection *connection)
{
    enum hf_state state = connection->tcp.state;
    if (state == HF_CLOSED || state == HF_TIME_WAIT ||
        stack->config.rest_after_ns == HF_TIME_NEVER) {
        return;
    }
    if (stack->config.rest_after_ns == 0) {
        /* At every opportunity, idle or not: so that a connection that rests can be shown to be the
         * same as one that does not. */
        if (stands_alone(connection)) {
            (void)rest(stack, connection, HF_REASON_REST_IDLE);
        }
    } else {
        enter_line(stack, connection);
    }
}

void resting_run_due(struct hf_stack *stack)
{
    struct resting *resting = &stack->resting;
    for (uint32_t i = 0; i < REST_AT_ONCE && resting->line_head != POOL_NONE; i++) {
        struct stack_connection *connection = pool_at(&stack->connections, resting->line_head);
        if (connection->rest_at > stack->host.now) {
            break;
        }
        resting_leave_line(stack, connection);
        if (stack->config.rest_after_ns == HF_TIME_NEVER) {
            continue; /* since hf_stack_reconfigure */
        }
        if (stack->host.now - connection->touched < stack->config.rest_after_ns) {
            enter_line(stack, connection);
        } else if (may_rest(stack, connection)) {
            (void)rest(stack, connection, HF_REASON_REST_IDLE);
        }
        /* Otherwise it comes to the line again when something is done to it. */
    }
    resting->quiet_until = resting_next_deadline(stack);
}

hf_time resting_next_deadline(const struct hf_stack *stack)
{
    const struct stack_connection *connection;
    if (stack->resting.line_head == POOL_NONE) {
        return HF_TIME_NEVER;
    }
    connection = pool_at(&stack->connections, stack->resting.line_head);
    return connection->rest_at;
}

void resting_relieve(struct hf_stack *stack)
{
    uint32_t index = stack->resting.line_head;
    for (uint32_t i = 0; i < RELIEF_AT_ONCE && index != POOL_NONE; i++) {
        struct stack_connection *connection = pool_at(&stack->connections, index);
        index = connection->rest_next;
        if (may_rest(stack, connection)) {
            (void)rest(stack, connection, HF_REASON_REST_RELIEF);
        }
    }
}

/* ---- waking */

static bool find_memory(struct hf_stack *stack, const struct record_head *head,
                        struct stack_connection **connection, uint32_t *index,
                        struct tcp_sender **sender, void **private_state)
{
    *sender = NULL;
    *private_state = NULL;
    *connection = pool_allocate(&stack->connections, index);
    if (*connection == NULL) {
        return false;
    }
    if (head->sender) {
        *sender = memory_allocate(&stack->memory, sizeof **sender);
    }
    if (head->private_bytes > 0) {
        *private_state = memory_allocate(&stack->memory, head->private_bytes);
    }
    if ((head->sender && *sender == NULL) || (head->private_bytes > 0 && *private_state == NULL)) {
        memory_release(&stack->memory, *sender, sizeof **sender);
        memory_release(&stack->memory, *private_state, head->private_bytes);
        pool_release(&stack->connections, *index);
        return false;
    }
    return true;
}

struct stack_connection *resting_wake(struct hf_stack *stack, uint32_t reference, uint32_t hash,
                                      enum hf_reason reason)
{
    const struct record_head *head = head_at(stack, reference);
    struct stack_slot *slot = pool_at(&stack->slots, head->slot);
    struct stack_connection *connection;
    struct tcp_sender *sender;
    void *private_state;
    uint32_t index;
    bool found = find_memory(stack, head, &connection, &index, &sender, &private_state);
    if (!found) {
        resting_relieve(stack);
        found = find_memory(stack, head, &connection, &index, &sender, &private_state);
    }
    if (!found) {
        stack->counters.wakes_failed++;
        return NULL;
    }
    stack_connection_begin(connection, index, head->slot, slot->generation, hash);
    connection->path_mtus_seen = head->path_mtus_seen;
    connection->in_table = true;
    unpack(stack, head, &connection->tcp, sender, private_state);
    slot->where = flow_reference(FLOW_CONNECTION, index);
    flow_replace(stack, hash, reference, slot->where);
    release_record(stack, reference);
    stack->counters.wakes++;
    tcp_trace_rest(&connection->tcp, &stack->host, reason, 0);
    stack_arm_timer(stack, connection);
    connection->touched = stack->host.now;
    if (stack->config.rest_after_ns != 0 && stack->config.rest_after_ns != HF_TIME_NEVER) {
        enter_line(stack, connection);
    }
    return connection;
}

struct stack_connection *resting_wake_slot_at_rest(struct hf_stack *stack,
                                                   const struct stack_slot *slot,
                                                   enum hf_reason reason)
{
    struct flow_tuple tuple = resting_tuple(stack, slot->where);
    return resting_wake(stack, slot->where, flow_hash(stack, &tuple), reason);
}

struct stack_connection *resting_wake_timer(struct hf_stack *stack, struct stack_timer *timer)
{
    const struct stack_slot *slot = pool_at(&stack->slots, timer->slot);
    struct stack_connection *connection = resting_wake_slot(stack, slot, HF_REASON_WAKE_TIMER);
    if (connection == NULL) {
        wheel_arm(&stack->wheel, &timer->node, stack->host.now + TIMER_AGAIN_NS);
    }
    return connection;
}

/* ---- looking, and the end */

const struct tcp_conn *resting_look(const struct hf_stack *stack, const struct stack_slot *slot,
                                    struct resting_view *view)
{
    if (slot->where >> FLOW_INDEX_BITS != FLOW_RESTING) {
        const struct stack_connection *connection =
            pool_at(&stack->connections, slot->where & FLOW_INDEX_MASK);
        return &connection->tcp;
    }
    unpack(stack, head_at(stack, slot->where), &view->conn, &view->sender, view->private_state);
    return &view->conn;
}

void resting_abort(struct hf_stack *stack, struct stack_slot *slot, enum hf_reason reason)
{
    uint32_t reference = slot->where;
    uint32_t index = head_at(stack, reference)->slot;
    struct tcp_conn conn;
    struct flow_tuple tuple = resting_tuple(stack, reference);
    unpack(stack, head_at(stack, reference), &conn, NULL, NULL);
    tcp_abort(&conn, &stack->host, reason, HF_ENOMEM);
    reply_flush_conn(stack, &conn);
    tcp_conn_clear(&conn, &stack->host);
    flow_remove(stack, flow_hash(stack, &tuple), reference);
    release_record(stack, reference);
    stack_slot_free(stack, index);
}
