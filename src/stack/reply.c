/* SPDX-License-Identifier: MIT
 *
 * Packets that no connection stands behind wait here for hf_stack_output: whole, and no more than
 * config.max_replies of them, so that a flood of questions costs bounded memory. What does not fit
 * is dropped and counted; TCP's own retransmissions make up for it.
 */
#include "stack_state.h"

/* In whole words: a block of a size that comes again soon. */
static size_t bytes_of(size_t length)
{
    return sizeof(struct stack_reply) + ((length + 7) & ~(size_t)7);
}

struct stack_reply *reply_reserve(struct hf_stack *stack, size_t length)
{
    struct stack_reply *reply = NULL;
    if (stack->reply_count < stack->config.max_replies) {
        reply = memory_allocate(&stack->memory, bytes_of(length));
    }
    if (reply == NULL) {
        stack->counters.replies_dropped++;
        return NULL;
    }
    memset(reply, 0, sizeof *reply);
    reply->length = (uint32_t)length;
    return reply;
}

void reply_commit(struct hf_stack *stack, struct stack_reply *reply)
{
    reply->next = NULL;
    if (stack->replies_tail != NULL) {
        stack->replies_tail->next = reply;
    } else {
        stack->replies_head = reply;
    }
    stack->replies_tail = reply;
    stack->reply_count++;
}

static void release(struct hf_stack *stack, struct stack_reply *reply)
{
    memory_release(&stack->memory, reply, bytes_of(reply->length));
}

static void reply_segment_from(struct hf_stack *stack, const struct flow_tuple *tuple,
                               const struct tcp_segment *segment, enum hf_reason reason,
                               struct stack_reply identity, uint8_t ttl, uint8_t traffic_class)
{
    size_t length =
        ip_header_bytes(tuple->family) + TCP_HEADER_BYTES + tcp_options_length(&segment->options);
    struct stack_reply *reply = reply_reserve(stack, length);
    if (reply == NULL) {
        return;
    }
    reply->reason = reason;
    reply->state = identity.state;
    reply->numbers = identity.numbers;
    emit_packet(tuple, segment, NULL, 0,
                &(struct emit_fields){.ttl = ttl, .traffic_class = traffic_class}, reply->packet);
    reply_commit(stack, reply);
}

void reply_segment(struct hf_stack *stack, const struct flow_tuple *tuple,
                   const struct tcp_segment *segment, enum hf_reason reason, enum hf_state state,
                   const struct syn_record *record)
{
    struct stack_reply identity = {.state = state};
    if (record != NULL) {
        identity.numbers.iss = record->iss;
        identity.numbers.irs = record->irs;
        identity.numbers.snd_nxt = seq_add(record->iss, 1);
        identity.numbers.rcv_nxt = seq_add(record->irs, 1);
    }
    reply_segment_from(stack, tuple, segment, reason, identity, stack->config.ttl,
                       stack->config.traffic_class);
}

void reply_flush_connection(struct hf_stack *stack, struct stack_connection *connection)
{
    reply_flush_conn(stack, &connection->tcp);
}

void reply_flush_conn(struct hf_stack *stack, struct tcp_conn *conn)
{
    struct tcp_segment segment;
    uint32_t payload_offset;
    enum hf_reason reason;
    struct stack_reply identity = {.state = conn->state};
    identity.numbers.iss = conn->iss;
    identity.numbers.irs = conn->irs;
    identity.numbers.snd_nxt = conn->snd.nxt;
    identity.numbers.rcv_nxt = conn->rcv.nxt;
    while (tcp_next_segment(conn, &stack->host, &segment, &payload_offset, &reason)) {
        segment.payload_length = 0; /* nothing with data is left in these states */
        reply_segment_from(stack, &conn->tuple, &segment, reason, identity, conn->ttl,
                           conn->traffic_class);
    }
}

ptrdiff_t reply_take(struct hf_stack *stack, uint8_t *packet)
{
    struct stack_reply *reply = stack->replies_head;
    ptrdiff_t length;
    if (reply == NULL) {
        return 0;
    }
    stack->replies_head = reply->next;
    if (reply->next == NULL) {
        stack->replies_tail = NULL;
    }
    stack->reply_count--;
    memcpy(packet, reply->packet, reply->length);
    length = (ptrdiff_t)reply->length;
    if (stack_tracing(stack)) {
        struct hf_trace_numbers numbers;
        memset(&numbers, 0, sizeof numbers);
        numbers.iss = reply->numbers.iss.value;
        numbers.irs = reply->numbers.irs.value;
        numbers.snd_nxt = reply->numbers.snd_nxt.value;
        numbers.rcv_nxt = reply->numbers.rcv_nxt.value;
        stack_trace_sent(stack, NULL, packet, reply->length, reply->reason, reply->state,
                         HF_NO_HANDLE, &numbers);
    }
    release(stack, reply);
    return length;
}

void reply_clear(struct hf_stack *stack)
{
    while (stack->replies_head != NULL) {
        struct stack_reply *reply = stack->replies_head;
        stack->replies_head = reply->next;
        release(stack, reply);
    }
    stack->replies_tail = NULL;
    stack->reply_count = 0;
}
