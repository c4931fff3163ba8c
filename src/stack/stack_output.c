/* SPDX-License-Identifier: MIT
 *
 * A packet out, or a batch of them. What was chosen before (in_hand.h) first, then replies, then
 * the connections that are ready, each in its turn; what is for the host itself goes in again at
 * once (RFC 1122 3.3.1.1).
 */
#include "in_hand.h"
#include "resting.h"

static void run_timers(struct hf_stack *stack, hf_time now)
{
    stack_set_now(stack, now);
    time_wait_run_timers(stack);
    syn_cache_run_timers(stack);
    if (stack->host.now >= stack->wheel.quiet_until) {
        in_hand_before(stack);
        stack_run_timers(stack);
    }
}

struct emit_fields emit_fields_of(struct hf_stack *stack, const struct tcp_conn *conn,
                                  uint32_t segments)
{
    bool may_fragment = tcp_may_fragment(conn);
    struct emit_fields fields = {.ttl = conn->ttl,
                                 .traffic_class = conn->traffic_class,
                                 .may_fragment = may_fragment,
                                 .identification = stack->identification};
    stack->identification = (uint16_t)(stack->identification + (may_fragment ? segments : 0));
    return fields;
}

static void trace_sent(struct hf_stack *stack, const struct tcp_conn *conn, const uint8_t *packet,
                       size_t length, enum hf_reason reason)
{
    struct hf_trace_numbers numbers;
    tcp_trace_numbers(conn, &numbers);
    stack_trace_sent(stack, &conn->tuple, packet, length, reason, conn->state, conn->handle,
                     &numbers);
}

/* The connection whose turn it is, or NULL. */
static inline struct stack_connection *take_ready(struct hf_stack *stack)
{
    uint32_t index = stack->ready.head;
    struct stack_connection *connection;
    if (index == POOL_NONE) {
        return NULL;
    }
    connection = pool_at(&stack->connections, index);
    index_list_remove(&stack->ready, &stack->connections, index);
    connection->in_ready = false;
    return connection;
}

/* ---- one by one */

/* The connection's next segment as a packet, or 0. */
static size_t connection_output(struct hf_stack *stack, struct stack_connection *connection,
                                uint8_t *packet)
{
    struct tcp_conn *conn = &connection->tcp;
    struct tcp_segment segment;
    struct emit_fields fields;
    uint32_t payload_offset = 0;
    enum hf_reason reason;
    size_t length;
    path_mtu_refresh(stack, connection);
    if (!tcp_next_segment(conn, &stack->host, &segment, &payload_offset, &reason)) {
        return 0;
    }
    length = in_hand_begin(stack, connection, &segment, payload_offset, reason, packet);
    if (length > 0) {
        return length;
    }
    fields = emit_fields_of(stack, conn, 1);
    length =
        emit_packet(&conn->tuple, &segment, &conn->send_queue, payload_offset, &fields, packet);
    if (stack_tracing(stack)) {
        trace_sent(stack, conn, packet, length, reason);
    }
    return length;
}

static ptrdiff_t next_packet(struct hf_stack *stack, uint8_t *packet)
{
    struct stack_connection *connection;
    if (stack->in_hand != NULL) {
        return (ptrdiff_t)in_hand_next(stack, packet);
    }
    if (stack->replies_head != NULL) {
        return reply_take(stack, packet);
    }
    while ((connection = take_ready(stack)) != NULL) {
        size_t length = connection_output(stack, connection, packet);
        if (length > 0) {
            stack_settle(stack, connection); /* back to the end of the line */
            return (ptrdiff_t)length;
        }
        stack_arm_timer(stack, connection);
        resting_consider(stack, connection);
    }
    resting_run(stack);
    return 0;
}

/* Of packets from the stack to itself no more than this many go round in one call. */
#define TURNED_AROUND_AT_ONCE 256u

static __attribute__((noinline)) bool is_local(struct hf_stack *stack, const uint8_t *packet)
{
    struct hf_address destination;
    memset(&destination, 0, sizeof destination);
    destination.family = packet[0] >> 4 == 6 ? HF_IPV6 : HF_IPV4;
    if (destination.family == HF_IPV6) {
        memcpy(destination.bytes, packet + 24, 16);
        return ip_host_is_local(&stack->ip, &destination);
    }
    memcpy(destination.bytes, packet + 16, 4);
    if (ip_host_is_local(&stack->ip, &destination)) {
        return true;
    }
    memcpy(&stack->foreign, packet + 16, 4);
    return false;
}

/* Most packets go where the one before went: forty instructions less for each. */
static inline bool is_for_ourselves(struct hf_stack *stack, const uint8_t *packet)
{
    uint32_t destination;
    memcpy(&destination, packet + 16, sizeof destination);
    return (packet[0] >> 4 != HF_IPV4 || destination != stack->foreign) && is_local(stack, packet);
}

static ptrdiff_t output_one(struct hf_stack *stack, uint8_t *packet, hf_time now)
{
    run_timers(stack, now);
    for (unsigned turned = 0; turned < TURNED_AROUND_AT_ONCE; turned++) {
        ptrdiff_t length = next_packet(stack, packet);
        if (length <= 0) {
            return length;
        }
        stack->counters.packets_sent++;
        if (!is_for_ourselves(stack, packet)) {
            return length;
        }
        /* RFC 1122 3.3.1.1: what is for the host itself never sees a link. */
        (void)hf_stack_input(stack, packet, (size_t)length, now);
    }
    return 0; /* hf_stack_next_deadline says that there is more */
}

/* ---- in batches */

static void emit_traced(struct hf_stack *stack, const struct super_segment *super,
                        const struct tcp_conn *conn, const struct emit_fields *fields,
                        uint32_t flags, struct hf_packet *packet)
{
    /* Whoever reads a trace finds all of the packet in one place, and its checksum right. */
    if (stack_tracing(stack)) {
        super_emit(super, conn, fields, 0, packet);
        trace_sent(stack, conn, packet->bytes, packet->length, super->reason);
        flags &= ~(uint32_t)HF_OUTPUT_PIECES;
        if (!(flags & HF_OUTPUT_PARTIAL)) {
            return;
        }
    }
    super_emit(super, conn, fields, flags, packet);
}

static bool leads_to_ourselves(const struct hf_stack *stack, const struct tcp_conn *conn)
{
    struct hf_endpoint remote = flow_tuple_remote(&conn->tuple);
    return ip_host_is_local(&stack->ip, &remote.address);
}

/* What this connection has to send, in one or two packets: a run of segments ends with one that did
 * not fit into it, and that has been chosen and must leave. */
static uint32_t connection_batch(struct hf_stack *stack, struct stack_connection *connection,
                                 struct hf_packet *packets, uint32_t room, uint32_t flags)
{
    struct tcp_conn *conn = &connection->tcp;
    struct super_segment super;
    struct tcp_segment segment;
    struct emit_fields fields;
    uint32_t payload_offset = 0;
    uint32_t most;
    enum hf_reason reason;
    bool left_over = false;
    path_mtu_refresh(stack, connection);
    if (!tcp_next_segment(conn, &stack->host, &segment, &payload_offset, &reason)) {
        return 0;
    }
    if ((flags & HF_OUTPUT_PIECES) && leads_to_ourselves(stack, conn)) {
        flags &= ~(uint32_t)HF_OUTPUT_PIECES; /* it is turned around in one piece */
    }
    super_begin(&super, &segment, payload_offset, reason);
    most = (flags & HF_OUTPUT_SUPER) && room >= 2 ? tcp_run_limit(conn, &stack->host) : 1;
    while (super.segments < most && super_is_open(&super)) {
        super_extend(&super, tcp_next_run(conn, &stack->host, &segment, super_room(&super, most)));
        if (super.segments == most || !super_is_open(&super)) {
            break;
        }
        if (!tcp_next_segment(conn, &stack->host, &segment, &payload_offset, &reason)) {
            break;
        }
        if (!super_join(&super, &segment, reason)) {
            left_over = true;
            break;
        }
    }
    fields = emit_fields_of(stack, conn, super.segments);
    emit_traced(stack, &super, conn, &fields, flags, &packets[0]);
    if (!left_over) {
        return 1;
    }
    super_begin(&super, &segment, payload_offset, reason);
    fields = emit_fields_of(stack, conn, 1);
    emit_traced(stack, &super, conn, &fields, flags, &packets[1]);
    return 2;
}

static uint32_t next_packets(struct hf_stack *stack, struct hf_packet *packets, uint32_t room,
                             uint32_t flags)
{
    struct stack_connection *connection;
    ptrdiff_t single = stack->in_hand != NULL ? (ptrdiff_t)in_hand_next(stack, packets[0].bytes)
                                              : reply_take(stack, packets[0].bytes);
    if (single > 0) {
        packets[0].length = packets[0].total_length = (size_t)single;
        packets[0].segments = 1;
        packets[0].segment_bytes = packets[0].piece_count = packets[0].flags = 0;
        packets[0].header_bytes = packets[0].checksum_start = 0;
        return 1;
    }
    while ((connection = take_ready(stack)) != NULL) {
        uint32_t made = connection_batch(stack, connection, packets, room, flags);
        if (made > 0) {
            stack_settle(stack, connection);
            return made;
        }
        stack_arm_timer(stack, connection);
        resting_consider(stack, connection);
    }
    resting_run(stack);
    return 0;
}

static int batch_error(const struct hf_stack *stack, const struct hf_packet *packets,
                       uint32_t count, uint32_t flags)
{
    size_t least = flags & HF_OUTPUT_SUPER ? HF_PACKET_BYTES : stack->config.mtu;
    if ((flags & ~(uint32_t)(HF_OUTPUT_SUPER | HF_OUTPUT_PARTIAL | HF_OUTPUT_PIECES)) != 0 ||
        ((flags & HF_OUTPUT_PIECES) && !(flags & HF_OUTPUT_PARTIAL)) || count > INT32_MAX) {
        return HF_EINVAL;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (packets[i].capacity < least) {
            return HF_EMSGSIZE;
        }
    }
    return HF_OK;
}

/* A packet for the host itself: nothing but memory carried it. */
static void turn_around(struct hf_stack *stack, const struct hf_packet *packet, hf_time now)
{
    const struct hf_packet_hints hints = {.segment_bytes = packet->segment_bytes,
                                          .flags = packet->flags};
    (void)hf_stack_input_packet(stack, packet->bytes, packet->length, &hints, now);
}

int hf_stack_output_batch(struct hf_stack *stack, struct hf_packet *packets, uint32_t count,
                          uint32_t flags, hf_time now)
{
    uint32_t made = 0;
    uint32_t turned = 0;
    int error = batch_error(stack, packets, count, flags);
    if (error != HF_OK) {
        return error;
    }
    in_hand_before(stack);
    run_timers(stack, now);
    while (made < count && turned < TURNED_AROUND_AT_ONCE) {
        uint32_t more = next_packets(stack, &packets[made], count - made, flags);
        bool ours = more > 0 && is_for_ourselves(stack, packets[made].bytes);
        if (more == 0) {
            break;
        }
        for (uint32_t i = 0; i < more; i++) {
            stack->counters.packets_sent += packets[made + i].segments;
            turned += ours ? packets[made + i].segments : 0;
            if (ours) {
                turn_around(stack, &packets[made + i], now);
            }
        }
        made += ours ? 0 : more;
    }
    return (int)made;
}

/* ---- one by one, by way of a batch */

bool stack_late_init(struct hf_stack *stack)
{
    stack->late = memory_allocate(&stack->memory, sizeof *stack->late);
    if (stack->late == NULL) {
        return false;
    }
    memset(stack->late, 0, sizeof *stack->late);
    for (unsigned i = 0; i < LATE_PACKETS; i++) {
        stack->late->packets[i].bytes = stack->late->bytes[i];
        stack->late->packets[i].capacity = sizeof stack->late->bytes[i];
    }
    return true;
}

void stack_late_deinit(struct hf_stack *stack)
{
    if (stack->late != NULL) {
        memory_release(&stack->memory, stack->late, sizeof *stack->late);
        stack->late = NULL;
    }
}

static ptrdiff_t output_late(struct hf_stack *stack, uint8_t *packet, size_t capacity, hf_time now)
{
    struct stack_late *late = stack->late;
    ptrdiff_t length;
    if (late->at == late->count) {
        int made = hf_stack_output_batch(stack, late->packets, LATE_PACKETS, HF_OUTPUT_SUPER, now);
        late->at = 0;
        late->count = (uint32_t)made;
        if (made == 0) {
            return 0;
        }
        hf_split_begin(&late->split, &late->packets[0]);
    }
    length = hf_split_next(&late->split, packet, capacity);
    if (late->split.index == late->packets[late->at].segments) {
        late->at++;
        if (late->at < late->count) {
            hf_split_begin(&late->split, &late->packets[late->at]);
        }
    }
    return length;
}

/* Apart, so that a call that finds nothing saves no registers. */
static __attribute__((noinline)) ptrdiff_t output(struct hf_stack *stack, uint8_t *packet,
                                                  size_t capacity, hf_time now)
{
    return stack->late != NULL ? output_late(stack, packet, capacity, now)
                               : output_one(stack, packet, now);
}

/* Whoever drives a stack asks until there is nothing more, and most calls find nothing. */
static inline bool nothing_to_do(struct hf_stack *stack, hf_time now)
{
    stack_set_now(stack, now);
    now = stack->host.now;
    if (stack->ready.head != POOL_NONE || stack->replies_head != NULL || stack->late != NULL ||
        stack->in_hand != NULL || now >= stack->wheel.quiet_until ||
        now >= stack->syn_quiet_until || now >= stack->time_wait_quiet_until ||
        now >= stack->resting.quiet_until) {
        return false;
    }
    stack->time_wait_looked = now;
    return true;
}

ptrdiff_t hf_stack_output(struct hf_stack *stack, void *packet, size_t capacity, hf_time now)
{
    if (capacity < stack->config.mtu) {
        return HF_EMSGSIZE;
    }
    if (nothing_to_do(stack, now)) {
        return 0;
    }
    return output(stack, packet, capacity, now);
}

hf_time hf_stack_next_deadline(const struct hf_stack *stack)
{
    hf_time earliest = wheel_next_deadline(&stack->wheel);
    hf_time other = syn_cache_next_deadline(stack);
    if (stack->replies_head != NULL || stack->ready.head != POOL_NONE || stack->in_hand != NULL ||
        (stack->late != NULL && stack->late->at < stack->late->count)) {
        return stack->host.now;
    }
    earliest = other < earliest ? other : earliest;
    other = resting_next_deadline(stack);
    earliest = other < earliest ? other : earliest;
    other = time_wait_next_deadline(stack);
    return other < earliest ? other : earliest;
}
