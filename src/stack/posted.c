/* SPDX-License-Identifier: MIT
 *
 * RECEIVE with the buffer given beforehand, which is how RFC 9293 3.9.1 describes the call: text
 * that arrives in order goes straight from the packet to where the program wants it, in the one
 * pass that its checksum needs (input_batch.c). By way of the receive queue each byte is copied
 * once more: 31 ns of a segment's 220, and its pages are taken and given back besides.
 *
 * What the connection is told is what it is told when a program reads at once: the text arrives,
 * and it has been read. So windows, acknowledgements and the buffer's size follow the same rules;
 * and whatever does not come straight, because it was out of order, or came by itself, is fetched
 * from the receive queue in the same moment.
 */
#include "resting.h"

static uint32_t room_of(const struct stack_posted *posted)
{
    return posted->length - posted->filled;
}

void posted_fill(struct hf_stack *stack, struct stack_connection *connection)
{
    struct stack_posted *posted = &connection->posted;
    if (room_of(posted) > 0 && connection->tcp.receive_bytes > 0) {
        posted->filled += (uint32_t)tcp_receive(
            &connection->tcp, &stack->host, posted->buffer + posted->filled, room_of(posted), 0);
    }
}

void posted_take(struct hf_stack *stack, struct stack_connection *connection, uint32_t length)
{
    connection->posted.filled += length;
    tcp_release(&connection->tcp, &stack->host, length);
}

int hf_recv_post(struct hf_stack *stack, hf_handle handle, void *buffer, size_t length, hf_time now)
{
    struct stack_connection *connection = stack_connection_of(stack, handle);
    if (connection == NULL) {
        return stack_no_connection(stack, handle);
    }
    if (buffer == NULL || length == 0 || connection->posted.buffer != NULL) {
        return HF_EINVAL;
    }
    stack_set_now(stack, now);
    connection->posted = (struct stack_posted){
        .buffer = buffer, .length = length < UINT32_MAX ? (uint32_t)length : UINT32_MAX};
    posted_fill(stack, connection);
    if (connection->tcp.intents != 0) {
        stack_settle(stack, connection);
    }
    return HF_OK;
}

ptrdiff_t hf_recv_posted(struct hf_stack *stack, hf_handle handle, hf_time now)
{
    struct stack_connection *connection = stack_connection_of(stack, handle);
    ptrdiff_t answer;
    if (connection == NULL) {
        return stack_no_connection(stack, handle);
    }
    if (connection->posted.buffer == NULL) {
        return HF_EINVAL;
    }
    stack_set_now(stack, now);
    answer = (ptrdiff_t)connection->posted.filled;
    if (answer == 0) {
        answer = tcp_receive(&connection->tcp, &stack->host, NULL, 0, 0); /* why there is nothing */
    }
    connection->posted = (struct stack_posted){.buffer = NULL};
    resting_consider(stack, connection);
    return answer;
}
