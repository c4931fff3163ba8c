/* SPDX-License-Identifier: MIT
 *
 * The headers of a SYN, kept for the program that accepts its connection (Linux's TCP_SAVE_SYN):
 * first beside the SYN-cache record, then beside the connection. A SYN that is answered with a
 * cookie leaves nothing behind. Each costs at most what a header can be long, out of
 * config.memory_bytes; where there is none, the SYN is not kept, and nothing else changes.
 */
#include "fast_open.h"

struct saved_syn {
    uint32_t length;
    uint8_t bytes[];
};

struct saved_syn *saved_syn_take(struct hf_stack *stack, const struct stack_listener *listener,
                                 const struct arrival *arrival)
{
    struct saved_syn *saved;
    size_t length;
    if (!listener->prototype.save_syn) {
        return NULL;
    }
    length = (size_t)(arrival->ip->payload - arrival->packet) + arrival->segment->header_length;
    saved = memory_allocate(&stack->memory, sizeof *saved + length);
    if (saved != NULL) {
        saved->length = (uint32_t)length;
        memcpy(saved->bytes, arrival->packet, length);
    }
    return saved;
}

void saved_syn_free(struct hf_stack *stack, struct saved_syn **saved)
{
    if (*saved != NULL) {
        memory_release(&stack->memory, *saved, sizeof **saved + (*saved)->length);
        *saved = NULL;
    }
}

ptrdiff_t hf_saved_syn(struct hf_stack *stack, hf_handle handle, void *data, size_t capacity)
{
    const struct stack_slot *slot = stack_slot_of(stack, handle);
    struct stack_connection *connection;
    ptrdiff_t length;
    if (slot == NULL) {
        return stack_listener_of(stack, handle) != NULL ? HF_EOPNOTSUPP : HF_EBADF;
    }
    if (slot->where >> FLOW_INDEX_BITS == FLOW_RESTING) {
        return 0; /* nothing rests that has one */
    }
    connection = pool_at(&stack->connections, slot->where & FLOW_INDEX_MASK);
    if (connection->saved_syn == NULL) {
        return 0;
    }
    length = (ptrdiff_t)connection->saved_syn->length;
    if (capacity > 0) {
        memcpy(data, connection->saved_syn->bytes,
               capacity < (size_t)length ? capacity : (size_t)length);
    }
    if (capacity >= (size_t)length) {
        saved_syn_free(stack, &connection->saved_syn);
    }
    return length;
}
