/* SPDX-License-Identifier: MIT */
#include "in_hand.h"

#include "hf_assert.h"

/* What the cap leaves free, less than this part of it is taken: nobody else shall be refused. */
#define PART_OF_FREE 4u
/* What a run takes beside its segments, 1,300 instructions, it gives back with the second. */
#define LEAST_FOLLOWING 3u

struct stack_in_hand {
    struct hf_split split;
    struct hf_packet packet;
    uint32_t bytes_of_block;
    bool kept; /* the text stands behind the headers, nothing in the send queue is looked at */
    uint8_t bytes[]; /* headers, and room for the text */
};

static struct stack_in_hand *allocate(struct hf_stack *stack, uint32_t segments, uint32_t length)
{
    size_t capacity = IPV6_HEADER_BYTES + TCP_HEADER_MAX_BYTES + (size_t)segments * length;
    size_t bytes = sizeof(struct stack_in_hand) + capacity;
    uint64_t free_bytes = stack->memory.limit_bytes - memory_held(&stack->memory);
    struct stack_in_hand *hand;
    if (bytes > free_bytes / PART_OF_FREE) {
        return NULL;
    }
    hand = memory_allocate(&stack->memory, bytes);
    if (hand == NULL) {
        return NULL;
    }
    hand->bytes_of_block = (uint32_t)bytes;
    hand->kept = false;
    hand->packet.bytes = hand->bytes;
    hand->packet.capacity = capacity;
    return hand;
}

void in_hand_drop(struct hf_stack *stack)
{
    if (stack->in_hand != NULL) {
        memory_release(&stack->memory, stack->in_hand, stack->in_hand->bytes_of_block);
        stack->in_hand = NULL;
    }
}

/* Alone with something to send, to somebody else, in copies. */
static bool may_run(const struct hf_stack *stack, const struct tcp_conn *conn)
{
    struct hf_endpoint remote;
    if (stack->ready.head != POOL_NONE || conn->send_queue.references != NULL ||
        stack_tracing(stack) || stack->host.by_the_book) {
        return false;
    }
    remote = flow_tuple_remote(&conn->tuple);
    return !ip_host_is_local(&stack->ip, &remote.address);
}

size_t in_hand_choose(struct hf_stack *stack, struct stack_connection *connection,
                      const struct tcp_segment *first, uint32_t payload_offset, uint8_t *packet)
{
    struct tcp_conn *conn = &connection->tcp;
    struct super_segment super;
    struct emit_fields fields;
    uint32_t sure = tcp_run_sure(conn, &stack->host, first);
    uint32_t most;
    if (sure < LEAST_FOLLOWING || !may_run(stack, conn)) {
        return 0;
    }
    super_begin(&super, first, payload_offset, HF_REASON_SEND_DATA);
    if (!super_is_open(&super)) {
        return 0;
    }
    most = tcp_run_limit(conn, &stack->host);
    most = super_room(&super, most < IN_HAND_SEGMENTS ? most : IN_HAND_SEGMENTS);
    most = most < sure ? most : sure;
    stack->in_hand = allocate(stack, most + 1, first->payload_length);
    if (stack->in_hand == NULL) {
        return 0;
    }
    super_extend(&super, tcp_next_run(conn, &stack->host, first, most));
    if (super.segments == 1) {
        in_hand_drop(stack);
        return 0;
    }
    fields = emit_fields_of(stack, conn, super.segments);
    super_emit(&super, conn, &fields, HF_OUTPUT_PARTIAL | HF_OUTPUT_PIECES,
               &stack->in_hand->packet);
    hf_split_begin(&stack->in_hand->split, &stack->in_hand->packet);
    return in_hand_next(stack, packet);
}

size_t in_hand_next(struct hf_stack *stack, uint8_t *packet)
{
    struct stack_in_hand *hand = stack->in_hand;
    struct hf_split *split = &hand->split;
    ptrdiff_t length;
    if (hand->kept) {
        length = hf_packet_split(&hand->packet, split->index, packet, stack->config.mtu);
        split->index++;
    } else {
        length = hf_split_next(split, packet, stack->config.mtu);
    }
    HF_ASSERT(length > 0);
    if (split->index == hand->packet.segments) {
        in_hand_drop(stack);
    }
    return (size_t)length;
}

void in_hand_keep(struct hf_stack *stack)
{
    struct stack_in_hand *hand = stack->in_hand;
    if (!hand->kept) {
        HF_ASSERT(hf_packet_keep(&hand->packet) == HF_OK);
        hand->kept = true;
    }
}
