/* SPDX-License-Identifier: MIT
 *
 * Events about packets and about records that are no connection.
 */
#include "stack_state.h"

static void fill_event(const struct hf_stack *stack, struct hf_trace_event *event,
                       enum hf_trace_kind kind, const struct flow_tuple *tuple,
                       enum hf_reason reason)
{
    memset(event, 0, sizeof *event);
    event->time = stack->host.now;
    event->kind = kind;
    event->reason = reason;
    event->host_name = stack->config.host_name != NULL ? stack->config.host_name : "";
    event->host = stack->config.host_id;
    if (tuple != NULL) {
        event->local = flow_tuple_local(tuple);
        event->remote = flow_tuple_remote(tuple);
    }
}

static void emit_event(const struct hf_stack *stack, const struct hf_trace_event *event)
{
    stack->config.trace.event(stack->config.trace.context, event);
}

void stack_trace_received(struct hf_stack *stack, const struct arrival *arrival,
                          enum hf_reason reason, enum hf_state before, enum hf_state after,
                          hf_handle handle, const struct hf_trace_numbers *numbers)
{
    struct hf_trace_event event;
    struct hf_trace_segment segment;
    if (!stack_tracing(stack)) {
        return;
    }
    fill_event(stack, &event, HF_TRACE_RECEIVED, &arrival->tuple, reason);
    event.connection = handle;
    event.state_before = before;
    event.state = after;
    if (numbers != NULL) {
        event.numbers = *numbers;
    }
    if (arrival->segment != NULL) {
        tcp_segment_to_trace(arrival->segment, &segment);
        event.segment = &segment;
    }
    event.packet = arrival->packet;
    event.packet_length = arrival->packet_length;
    emit_event(stack, &event);
}

void stack_trace_sent(struct hf_stack *stack, const struct flow_tuple *tuple, const uint8_t *packet,
                      size_t length, enum hf_reason reason, enum hf_state state, hf_handle handle,
                      const struct hf_trace_numbers *numbers)
{
    struct hf_trace_event event;
    struct hf_trace_segment traced;
    struct tcp_segment segment;
    struct ip_header ip;
    fill_event(stack, &event, HF_TRACE_SENT, tuple, reason);
    event.connection = handle;
    event.state_before = state;
    event.state = state;
    if (numbers != NULL) {
        event.numbers = *numbers;
    }
    if (ip_parse(packet, length, &ip) == HF_REASON_NONE) {
        event.local = (struct hf_endpoint){.address = ip.source};
        event.remote = (struct hf_endpoint){.address = ip.destination};
        if (ip.protocol == IP_PROTOCOL_TCP &&
            tcp_parse(ip.payload, ip.payload_length, &segment) == HF_REASON_NONE) {
            event.local.port = segment.source_port;
            event.remote.port = segment.destination_port;
            tcp_segment_to_trace(&segment, &traced);
            event.segment = &traced;
        }
    }
    event.packet = packet;
    event.packet_length = length;
    emit_event(stack, &event);
}

void stack_trace_record(struct hf_stack *stack, const struct flow_tuple *tuple,
                        enum hf_reason reason)
{
    struct hf_trace_event event;
    if (stack_tracing(stack)) {
        fill_event(stack, &event, HF_TRACE_RECOVERY, tuple, reason);
        event.state_before = HF_SYN_RECEIVED;
        event.state = HF_SYN_RECEIVED;
        emit_event(stack, &event);
    }
}

void stack_trace_state(struct hf_stack *stack, const struct flow_tuple *tuple,
                       enum hf_reason reason, enum hf_state before, enum hf_state after, seq32 iss,
                       seq32 irs)
{
    struct hf_trace_event event;
    if (!stack_tracing(stack)) {
        return;
    }
    fill_event(stack, &event, HF_TRACE_STATE, tuple, reason);
    event.state_before = before;
    event.state = after;
    if (after != HF_CLOSED) {
        event.numbers.iss = iss.value;
        event.numbers.irs = irs.value;
        event.numbers.snd_nxt = iss.value + 1;
        event.numbers.rcv_nxt = irs.value + 1;
    }
    emit_event(stack, &event);
}
