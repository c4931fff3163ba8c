/* SPDX-License-Identifier: MIT
 *
 * A packet in: IP, checksum, header, then to whoever owns the 4-tuple.
 */
#include "checksum.h"
#include "in_hand.h"
#include "plain_segment.h"
#include "resting.h"
#include "text_place.h"

#define SHORT_SEGMENT 64u
/* From here on text goes to its place and is summed in one pass. */
#define LONG_TEXT 256u

/* MUST-3. */
static bool checksum_correct(const struct ip_header *ip)
{
    checksum_sum sum =
        ip_pseudo_sum(&ip->source, &ip->destination, IP_PROTOCOL_TCP, ip->payload_length);
    /* Most segments are a header, or not much more: in place that is a third of the work. */
    if (ip->payload_length <= SHORT_SEGMENT && ip->payload_length % 4 == 0) {
        sum = checksum_add_header(sum, ip->payload, ip->payload_length);
    } else {
        sum = checksum_add(sum, ip->payload, ip->payload_length);
    }
    return checksum_finish(sum) == 0;
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

static enum hf_reason connection_arrives(struct hf_stack *stack,
                                         struct stack_connection *connection,
                                         const struct arrival *arrival)
{
    struct tcp_conn *conn = &connection->tcp;
    enum hf_state before = conn->state;
    enum hf_reason reason = tcp_segment_arrives(conn, &stack->host, arrival->segment);
    posted_fill(stack, connection);
    if (stack_tracing(stack)) {
        struct hf_trace_numbers numbers;
        tcp_trace_numbers(conn, &numbers);
        stack_trace_received(stack, arrival, reason, before, conn->state, conn->handle, &numbers);
    }
    stack_settle(stack, connection);
    return reason;
}

/* It wakes first. Without memory for that the segment is as good as lost, and comes again. */
static enum hf_reason resting_arrives(struct hf_stack *stack, uint32_t reference,
                                      const struct arrival *arrival)
{
    struct stack_connection *connection =
        resting_wake(stack, reference, arrival->hash, HF_REASON_WAKE_SEGMENT);
    if (connection != NULL) {
        return connection_arrives(stack, connection, arrival);
    }
    stack_trace_received(stack, arrival, HF_REASON_MEMORY_LIMIT, HF_ESTABLISHED, HF_ESTABLISHED,
                         HF_NO_HANDLE, NULL);
    return HF_REASON_MEMORY_LIMIT;
}

/* Keeps MUST-42. */
static enum hf_reason demultiplex(struct hf_stack *stack, struct arrival *arrival)
{
    uint32_t reference;
    uint32_t index;
    struct stack_listener *listener;
    reference = flow_find_again(stack, &arrival->tuple, &arrival->hash);
    index = reference & FLOW_INDEX_MASK;
    if (reference != FLOW_NONE) {
        switch ((enum flow_kind)(reference >> FLOW_INDEX_BITS)) {
        case FLOW_CONNECTION:
            return connection_arrives(stack, pool_at(&stack->connections, index), arrival);
        case FLOW_RESTING:
            return resting_arrives(stack, reference, arrival);
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

/* As the link says: `segment_bytes` of text in each but the last. */
static void take_joined(struct hf_stack *stack, uint32_t segment_bytes, struct tcp_segment *segment)
{
    if (segment_bytes > 0 && segment_bytes < segment->payload_length) {
        segment->joined_bytes = segment_bytes;
        stack->counters.packets_received += tcp_segment_count(segment) - 1;
    }
}

static enum hf_reason tcp_input(struct hf_stack *stack, struct arrival *arrival,
                                struct tcp_segment *segment)
{
    const struct ip_header *ip = arrival->ip;
    struct flow_tuple *tuple = &arrival->tuple;
    enum hf_reason reason = tcp_parse(ip->payload, ip->payload_length, segment);
    /* A wrong checksum explains a wrong header, so it is named first. */
    if (reason != HF_REASON_TCP_TOO_SHORT && !arrival->checksum_known && !checksum_correct(ip)) {
        reason = HF_REASON_TCP_CHECKSUM;
    }
    if (reason == HF_REASON_NONE || reason == HF_REASON_TCP_CHECKSUM) {
        tuple->local_port = (uint16_t)(ip->payload[2] << 8 | ip->payload[3]);
        tuple->remote_port = (uint16_t)(ip->payload[0] << 8 | ip->payload[1]);
    }
    tuple->family = ip->destination.family;
    memcpy(tuple->local, ip->destination.bytes, sizeof tuple->local);
    memcpy(tuple->remote, ip->source.bytes, sizeof tuple->remote);
    if (reason != HF_REASON_NONE) {
        stack_trace_received(stack, arrival, reason, HF_CLOSED, HF_CLOSED, HF_NO_HANDLE, NULL);
        return reason;
    }
    segment->ecn = ip->traffic_class & ECN_CE;
    take_joined(stack, arrival->joined_bytes, segment);
    arrival->segment = segment;
    return demultiplex(stack, arrival);
}

/* More than this goes to its place and is summed in one pass: for 1448 bytes that takes the half of
 * the instructions, and where the text is not in the first cache more than that of the time. */
#define LONG_TEXT 256u

/* Long text that continues what was received: to its place and summed at once. False: the checksum
 * is wrong, or there is no memory, and nothing has happened. */
static bool connection_takes(struct hf_stack *stack, struct stack_connection *connection,
                             struct tcp_segment *segment, checksum_sum sum, enum hf_reason *reason)
{
    struct text_place place;
    text_place_begin(&place, connection);
    if (!text_place_put(stack, connection, &place, 0, segment->payload, segment->payload_length,
                        &sum) ||
        checksum_finish(sum) != 0) {
        tcp_forget_placed(&connection->tcp, &stack->host, segment->payload_length);
        return false;
    }
    *reason = text_place_arrives(stack, connection, &place, segment);
    stack_settle(stack, connection);
    return true;
}

/* A plain segment of a connection that there is, or that is about to be. False: whatever it is, the
 * ordinary way knows. */
static bool input_plain(struct hf_stack *stack, const uint8_t *packet, size_t length,
                        const struct hf_packet_hints *hints, enum hf_reason *reason)
{
    struct tcp_segment segment;
    struct arrival arrival;
    struct stack_connection *connection = NULL;
    checksum_sum sum;
    uint32_t reference, index;
    enum flow_kind kind;
    bool known = packet_checksum_known(hints);
    if (!plain_segment_read(packet, length, &arrival.tuple, &segment, &sum)) {
        return false;
    }
    reference = flow_find_again(stack, &arrival.tuple, &arrival.hash);
    kind = (enum flow_kind)(reference >> FLOW_INDEX_BITS);
    index = reference & FLOW_INDEX_MASK;
    if (reference == FLOW_NONE || kind == FLOW_TIME_WAIT) {
        return false;
    }
    if (kind == FLOW_CONNECTION) {
        connection = pool_at(&stack->connections, index);
        if (!known && segment.payload_length >= LONG_TEXT &&
            text_place_fits(&connection->tcp, &segment)) {
            return connection_takes(stack, connection, &segment, sum, reason);
        }
    }
    if (!known && !plain_segment_right(&segment, sum)) {
        return false;
    }
    if (hints != NULL) {
        take_joined(stack, hints->segment_bytes, &segment);
    }
    arrival.packet = packet;
    arrival.packet_length = length;
    arrival.ip = NULL;
    arrival.segment = &segment;
    if (connection != NULL) {
        *reason = connection_arrives(stack, connection, &arrival);
    } else if (kind == FLOW_SYN) {
        *reason = syn_record_arrives(stack, index, &arrival);
    } else {
        *reason = resting_arrives(stack, reference, &arrival);
    }
    return true;
}

/* Apart, so that the short way does not save what only this one needs. */
static __attribute__((noinline)) enum hf_reason input_any(struct hf_stack *stack,
                                                          const uint8_t *packet, size_t length,
                                                          const struct hf_packet_hints *hints)
{
    struct ip_header ip;
    struct tcp_segment segment;
    struct arrival arrival;
    enum hf_reason reason = ip_host_input(&stack->ip, packet, length, &ip);
    memset(&arrival, 0, sizeof arrival);
    arrival.packet = packet;
    arrival.packet_length = length;
    arrival.ip = &ip;
    arrival.joined_bytes = hints != NULL ? hints->segment_bytes : 0;
    arrival.checksum_known = packet_checksum_known(hints);
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

enum hf_reason hf_stack_input(struct hf_stack *stack, const void *packet, size_t length,
                              hf_time now)
{
    return hf_stack_input_packet(stack, packet, length, NULL, now);
}

enum hf_reason hf_stack_input_packet(struct hf_stack *stack, const void *packet, size_t length,
                                     const struct hf_packet_hints *hints, hf_time now)
{
    enum hf_reason reason;
    in_hand_before(stack);
    /* The timers of connections wait for hf_stack_output: whoever calls late has packets that
     * waited too, and an acknowledgement that is there must not find its segment repeated. A
     * TIME-WAIT that is over must not look at them, though. */
    stack_set_now(stack, now);
    time_wait_run_timers(stack);
    stack->counters.packets_received++;
    if (stack->host.by_the_book || stack_tracing(stack) ||
        !input_plain(stack, packet, length, hints, &reason)) {
        reason = input_any(stack, packet, length, hints);
    }
    if (reason != HF_REASON_ACCEPTED) {
        stack->counters.dropped[reason]++;
    }
    return reason;
}
