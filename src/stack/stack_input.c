/* SPDX-License-Identifier: MIT
 *
 * A packet in: IP, checksum, header, then to whoever owns the 4-tuple; and a packet out.
 */
#include "checksum.h"
#include "stack_state.h"

/* MUST-3. */
static bool checksum_correct(const struct ip_header *ip)
{
    checksum_sum sum =
        ip_pseudo_sum(&ip->source, &ip->destination, IP_PROTOCOL_TCP, ip->payload_length);
    return checksum_finish(checksum_add(sum, ip->payload, ip->payload_length)) == 0;
}

/* 3.10.7.1: CLOSED, which is to say that there is no connection. */
static enum hf_reason arrives_closed(struct hf_stack *stack, const struct arrival *arrival)
{
    struct tcp_segment reset;
    enum hf_reason reason = HF_REASON_NO_CONNECTION_RST;
    if (tcp_reset_for(arrival->segment, &reset)) {
        reason = HF_REASON_NO_CONNECTION;
        stack->counters.resets_sent++;
        reply_segment(stack, &arrival->tuple, &reset, HF_REASON_SEND_RST, HF_CLOSED, NULL);
    }
    stack_trace_received(stack, arrival, reason, HF_CLOSED, HF_CLOSED, HF_NO_HANDLE, NULL);
    return reason;
}

static enum hf_reason connection_arrives(struct hf_stack *stack, uint32_t index,
                                         const struct arrival *arrival)
{
    struct stack_connection *connection = pool_at(&stack->connections, index);
    struct tcp_conn *conn = &connection->tcp;
    enum hf_state before = conn->state;
    enum hf_reason reason = tcp_segment_arrives(conn, &stack->host, arrival->segment);
    if (stack_tracing(stack)) {
        struct hf_trace_numbers numbers;
        tcp_trace_numbers(conn, &numbers);
        stack_trace_received(stack, arrival, reason, before, conn->state, conn->handle, &numbers);
    }
    stack_settle(stack, connection);
    return reason;
}

/* Keeps MUST-42. */
static enum hf_reason demultiplex(struct hf_stack *stack, struct arrival *arrival)
{
    uint32_t reference;
    uint32_t index;
    struct stack_listener *listener;
    arrival->hash = flow_hash(stack, &arrival->tuple);
    reference = flow_find(stack, &arrival->tuple, arrival->hash);
    index = reference & FLOW_INDEX_MASK;
    if (reference != FLOW_NONE) {
        switch ((enum flow_kind)(reference >> FLOW_INDEX_BITS)) {
        case FLOW_CONNECTION:
            return connection_arrives(stack, index, arrival);
        case FLOW_SYN:
            return syn_record_arrives(stack, index, arrival);
        case FLOW_TIME_WAIT:
            return time_wait_arrives(stack, index, arrival);
        }
    }
    listener = listener_find(stack, &arrival->ip->destination, arrival->tuple.local_port);
    return listener != NULL ? arrives_listen(stack, listener, arrival)
                            : arrives_closed(stack, arrival);
}

static enum hf_reason tcp_input(struct hf_stack *stack, struct arrival *arrival,
                                struct tcp_segment *segment)
{
    const struct ip_header *ip = arrival->ip;
    struct hf_endpoint local = {.address = ip->destination};
    struct hf_endpoint remote = {.address = ip->source};
    enum hf_reason reason = tcp_parse(ip->payload, ip->payload_length, segment);
    /* A wrong checksum explains a wrong header, so it is named first. */
    if (reason != HF_REASON_TCP_TOO_SHORT && !checksum_correct(ip)) {
        reason = HF_REASON_TCP_CHECKSUM;
    }
    if (reason == HF_REASON_NONE || reason == HF_REASON_TCP_CHECKSUM) {
        local.port = (uint16_t)(ip->payload[2] << 8 | ip->payload[3]);
        remote.port = (uint16_t)(ip->payload[0] << 8 | ip->payload[1]);
    }
    arrival->tuple = flow_tuple_make(&local, &remote);
    if (reason != HF_REASON_NONE) {
        stack_trace_received(stack, arrival, reason, HF_CLOSED, HF_CLOSED, HF_NO_HANDLE, NULL);
        return reason;
    }
    segment->ecn = ip->traffic_class & ECN_CE;
    arrival->segment = segment;
    return demultiplex(stack, arrival);
}

static enum hf_reason input(struct hf_stack *stack, const uint8_t *packet, size_t length)
{
    struct ip_header ip;
    struct tcp_segment segment;
    struct arrival arrival;
    enum hf_reason reason = ip_host_input(&stack->ip, packet, length, &ip);
    memset(&arrival, 0, sizeof arrival);
    arrival.packet = packet;
    arrival.packet_length = length;
    arrival.ip = &ip;
    if (reason == HF_REASON_NONE && ip.protocol == IP_PROTOCOL_TCP) {
        return tcp_input(stack, &arrival, &segment);
    }
    if (reason == HF_REASON_NONE &&
        (ip.protocol == IP_PROTOCOL_ICMP && ip.source.family == HF_IPV4)) {
        return stack_icmp_input(stack, &ip, packet, length);
    }
    if (reason == HF_REASON_NONE &&
        (ip.protocol == IP_PROTOCOL_ICMPV6 && ip.source.family == HF_IPV6)) {
        return stack_icmp_input(stack, &ip, packet, length);
    }
    if (reason == HF_REASON_NONE) {
        reason = HF_REASON_IP_PROTOCOL;
    }
    stack_trace_received(stack, &arrival, reason, HF_CLOSED, HF_CLOSED, HF_NO_HANDLE, NULL);
    return reason;
}

static void run_timers(struct hf_stack *stack, hf_time now)
{
    stack_set_now(stack, now);
    time_wait_run_timers(stack);
    syn_cache_run_timers(stack);
    stack_run_timers(stack);
}

enum hf_reason hf_stack_input(struct hf_stack *stack, const void *packet, size_t length,
                              hf_time now)
{
    enum hf_reason reason;
    /* The timers of connections wait for hf_stack_output: whoever calls late has packets that
     * waited too, and an acknowledgement that is there must not find its segment repeated. A
     * TIME-WAIT that is over must not look at them, though. */
    stack_set_now(stack, now);
    time_wait_run_timers(stack);
    stack->counters.packets_received++;
    reason = input(stack, packet, length);
    if (reason != HF_REASON_ACCEPTED) {
        stack->counters.dropped[reason]++;
    }
    return reason;
}

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
    bool may_fragment;
    path_mtu_refresh(stack, connection);
    if (!tcp_next_segment(conn, &stack->host, &segment, &payload_offset, &reason)) {
        return 0;
    }
    may_fragment = tcp_may_fragment(conn);
    fields = (struct emit_fields){.ttl = conn->ttl,
                                  .traffic_class = conn->traffic_class,
                                  .may_fragment = may_fragment,
                                  .identification = stack->identification};
    stack->identification += may_fragment;
    length =
        emit_packet(&conn->tuple, &segment, &conn->send_queue, payload_offset, &fields, packet);
    if (stack_tracing(stack)) {
        struct hf_trace_numbers numbers;
        tcp_trace_numbers(conn, &numbers);
        stack_trace_sent(stack, &conn->tuple, packet, length, reason, conn->state, conn->handle,
                         &numbers);
    }
    return length;
}

static ptrdiff_t next_packet(struct hf_stack *stack, uint8_t *packet)
{
    ptrdiff_t reply = reply_take(stack, packet);
    if (reply > 0) {
        return reply;
    }
    while (stack->ready.head != POOL_NONE) {
        uint32_t index = stack->ready.head;
        struct stack_connection *connection = pool_at(&stack->connections, index);
        size_t length;
        index_list_remove(&stack->ready, &stack->connections, index);
        connection->in_ready = false;
        length = connection_output(stack, connection, packet);
        if (length > 0) {
            stack_settle(stack, connection); /* back to the end of the line */
            return (ptrdiff_t)length;
        }
        stack_arm_timer(stack, connection);
    }
    return 0;
}

/* Of packets from the stack to itself no more than this many go round in one call. */
#define TURNED_AROUND_AT_ONCE 256u

static bool is_for_ourselves(const struct hf_stack *stack, const uint8_t *packet)
{
    struct hf_address destination;
    memset(&destination, 0, sizeof destination);
    destination.family = packet[0] >> 4 == 6 ? HF_IPV6 : HF_IPV4;
    if (destination.family == HF_IPV6) {
        memcpy(destination.bytes, packet + 24, 16);
    } else {
        memcpy(destination.bytes, packet + 16, 4);
    }
    return ip_host_is_local(&stack->ip, &destination);
}

ptrdiff_t hf_stack_output(struct hf_stack *stack, void *packet, size_t capacity, hf_time now)
{
    ptrdiff_t length;
    if (capacity < stack->config.mtu) {
        return HF_EMSGSIZE;
    }
    run_timers(stack, now);
    for (unsigned turned = 0; turned < TURNED_AROUND_AT_ONCE; turned++) {
        length = next_packet(stack, packet);
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

hf_time hf_stack_next_deadline(const struct hf_stack *stack)
{
    hf_time earliest = wheel_next_deadline(&stack->wheel);
    hf_time other = syn_cache_next_deadline(stack);
    if (stack->replies_head != NULL || stack->ready.head != POOL_NONE) {
        return stack->host.now;
    }
    earliest = other < earliest ? other : earliest;
    other = time_wait_next_deadline(stack);
    return other < earliest ? other : earliest;
}
