/* SPDX-License-Identifier: MIT
 *
 * Urgent data as Linux shows it (RFC 6093 advises against it, and describes it): one byte, the last
 * before the mark, taken out of the stream and read with MSG_OOB, unless SO_OOBINLINE leaves it in.
 * Reading stops in front of it once, and passes over it the next time.
 *
 * The core keeps the stream whole and tells where the mark is; which byte was taken already is
 * remembered here, by its place in the stream.
 */
#include "socket_state.h"

#include <errno.h>
#include <string.h>

struct urgent_mark urgent_mark_of(struct socket *socket, const struct hf_status *status)
{
    struct urgent_mark mark = {0};
    if (!socket->urgent) {
        return mark;
    }
    if (status->urgent_bytes == 0) {
        socket->urgent = false;
        return mark;
    }
    mark.ahead = true;
    mark.offset = status->urgent_bytes - 1;
    mark.byte_here = status->receive_queue_bytes > mark.offset;
    mark.byte_taken =
        socket->urgent_taken && socket->urgent_taken_at == socket->read_position + mark.offset;
    return mark;
}

/* Keeps RFC6093-6-a. */
ssize_t urgent_receive(struct socket *socket, void *data, size_t length, int flags,
                       int *message_flags)
{
    struct hf_stack *stack = socket->file.set->config.stack;
    struct hf_status status = {0};
    struct urgent_mark mark;
    char byte;
    if (socket->handle != HF_NO_HANDLE) {
        (void)hf_status(stack, socket->handle, &status);
    }
    mark = urgent_mark_of(socket, &status);
    if (socket->options.urgent_inline || !mark.ahead || mark.byte_taken) {
        return -EINVAL; /* "Yes, this is right": Linux and BSD */
    }
    if (socket->progress == PROGRESS_CLOSED && !socket->peer_closed) {
        return -ENOTCONN;
    }
    if (!mark.byte_here) {
        return socket->progress == PROGRESS_CLOSED || (socket->shutdown & SHUTDOWN_RECEIVE)
                   ? 0
                   : -EAGAIN;
    }
    if (!(flags & MSG_PEEK)) {
        socket->urgent_taken = true;
        socket->urgent_taken_at = socket->read_position + mark.offset;
    }
    *message_flags |= MSG_OOB;
    if (length == 0) {
        *message_flags |= MSG_TRUNC;
        return 0;
    }
    if (flags & MSG_TRUNC) {
        return 1;
    }
    if (data == NULL) {
        return -EFAULT;
    }
    if (hf_peek(stack, socket->handle, mark.offset, &byte, 1) != 1) {
        return -EAGAIN;
    }
    memcpy(data, &byte, 1);
    return 1;
}
