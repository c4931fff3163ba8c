/* SPDX-License-Identifier: MIT
 *
 * The receiving calls: Linux's tcp_recvmsg_locked.
 *
 * A read is satisfied once it has `target` bytes (SO_RCVLOWAT, or all of them with MSG_WAITALL);
 * short of that it waits, unless something says that no more is coming: FIN, an error, shutdown,
 * the end. With bytes in hand none of these is an error yet; the next call tells.
 */
#include "transfer.h"

#include <errno.h>

#define DISCARD_BYTES 4096u

struct reader {
    struct socket *socket;
    struct vector *into;
    int flags;
    size_t copied;
    struct patience patience;
    size_t target;
};

static ptrdiff_t take(struct socket *socket, void *data, size_t length)
{
    struct hf_sockets *set = socket->file.set;
    ptrdiff_t n = hf_recv(set->config.stack, socket->handle, data, length, 0, sockets_now(set));
    if (n > 0) {
        socket->read_position += (uint64_t)n;
    }
    return n;
}

/* How far may be read before the urgent mark stops the reader: 0 in front of it, once this call has
 * read something. A call that begins there passes over the urgent byte, unless it is read in line.
 */
static size_t limit_of_mark(struct reader *reader)
{
    struct socket *socket = reader->socket;
    struct hf_status status;
    struct urgent_mark mark;
    char skipped;
    if (!socket->urgent ||
        hf_status(socket->file.set->config.stack, socket->handle, &status) != HF_OK) {
        return SIZE_MAX;
    }
    mark = urgent_mark_of(socket, &status);
    if (mark.ahead && (mark.offset > 0 || reader->copied > 0)) {
        return mark.offset;
    }
    if (mark.ahead && !socket->options.urgent_inline && mark.byte_here) {
        (void)take(socket, &skipped, 1);
    }
    return SIZE_MAX;
}
/* MSG_TRUNC: the bytes are counted and thrown away. */
static ptrdiff_t discard(struct socket *socket, size_t length)
{
    char bytes[DISCARD_BYTES];
    return take(socket, bytes, length < sizeof bytes ? length : sizeof bytes);
}

/* Moves what is there. 0, or -EFAULT. */
static int read_available(struct reader *reader)
{
    struct socket *socket = reader->socket;
    void *data;
    size_t length;
    size_t most;
    while (socket->handle != HF_NO_HANDLE && socket->progress != PROGRESS_OPENING) {
        ptrdiff_t n;
        most = limit_of_mark(reader);
        if (most == 0 || !vector_next(reader->into, most, &data, &length)) {
            break;
        }
        if (reader->flags & MSG_TRUNC) {
            n = discard(socket, length);
        } else if (data == NULL) {
            struct hf_status status;
            (void)hf_status(socket->file.set->config.stack, socket->handle, &status);
            return status.receive_queue_bytes > 0 ? -EFAULT : 0;
        } else {
            n = take(socket, data, length);
        }
        if (n <= 0) {
            break;
        }
        vector_advance(reader->into, (size_t)n);
        reader->copied += (size_t)n;
    }
    return 0;
}

/* Copies without taking, from the front, what there is now. The urgent byte is left out where it
 * is not in line. */
static int peek_available(struct reader *reader)
{
    struct socket *socket = reader->socket;
    struct hf_stack *stack = socket->file.set->config.stack;
    struct hf_status status;
    struct urgent_mark mark;
    struct vector into = *reader->into;
    uint32_t from = 0;
    uint32_t end;
    void *data;
    size_t length;
    reader->copied = 0;
    if (socket->handle == HF_NO_HANDLE || hf_status(stack, socket->handle, &status) != HF_OK) {
        return 0;
    }
    end = status.receive_queue_bytes;
    mark = urgent_mark_of(socket, &status);
    if (mark.ahead && mark.offset == 0 && !socket->options.urgent_inline) {
        from = 1;
    } else if (mark.ahead && mark.offset > 0 && mark.offset < end) {
        end = mark.offset;
    }
    while (from < end && vector_next(&into, end - from, &data, &length)) {
        ptrdiff_t n = (ptrdiff_t)length;
        if (!(reader->flags & MSG_TRUNC)) {
            if (data == NULL) {
                return -EFAULT;
            }
            n = hf_peek(stack, socket->handle, from, data, length);
        }
        if (n <= 0) {
            break;
        }
        vector_advance(&into, (size_t)n);
        from += (uint32_t)n;
        reader->copied += (size_t)n;
    }
    return 0;
}

/* Short of the target: is there a reason not to wait? True: stop, with *verdict if nothing was
 * copied. */
static bool must_stop(const struct reader *reader, int *verdict)
{
    struct socket *socket = reader->socket;
    *verdict = 0;
    if (reader->copied > 0) {
        return !reader->patience.waits || socket->error != 0 ||
               socket->progress == PROGRESS_CLOSED || (socket->shutdown & SHUTDOWN_RECEIVE);
    }
    if (socket->peer_closed) {
        return true;
    }
    if (socket->error != 0) {
        *verdict = socket_take_error(socket);
        return true;
    }
    if (socket->shutdown & SHUTDOWN_RECEIVE) {
        return true;
    }
    if (socket->progress == PROGRESS_CLOSED) {
        *verdict = -ENOTCONN;
        return true;
    }
    if (!reader->patience.waits) {
        *verdict = -EAGAIN;
        return true;
    }
    return false;
}

/* A read of no bytes asks whether there are any. */
static bool nothing_asked_and_ready(struct reader *reader)
{
    struct hf_status status;
    return reader->into->left == 0 && reader->socket->handle != HF_NO_HANDLE &&
           hf_status(reader->socket->file.set->config.stack, reader->socket->handle, &status) ==
               HF_OK &&
           status.receive_queue_bytes > 0;
}

static bool stopped_at_mark(const struct reader *reader)
{
    struct hf_status status;
    struct socket *socket = reader->socket;
    struct urgent_mark mark;
    if (!socket->urgent || reader->copied == 0 || (reader->flags & MSG_PEEK) ||
        hf_status(socket->file.set->config.stack, socket->handle, &status) != HF_OK) {
        return false;
    }
    mark = urgent_mark_of(socket, &status);
    return mark.ahead && mark.offset == 0;
}

static ssize_t read_stream(struct reader *reader)
{
    size_t wanted = reader->into->left;
    for (;;) {
        int verdict = reader->flags & MSG_PEEK ? peek_available(reader) : read_available(reader);
        if (verdict != 0) {
            return reader->copied > 0 ? (ssize_t)reader->copied : verdict;
        }
        if (reader->copied >= reader->target || (wanted > 0 && reader->copied >= wanted) ||
            nothing_asked_and_ready(reader) || stopped_at_mark(reader) ||
            must_stop(reader, &verdict)) {
            return reader->copied > 0 ? (ssize_t)reader->copied : verdict;
        }
        verdict = sockets_wait(reader->socket->file.set, &reader->patience);
        if (verdict != 0) {
            return reader->copied > 0 ? (ssize_t)reader->copied : verdict;
        }
    }
}

static size_t target_of(const struct socket *socket, int flags, size_t wanted)
{
    size_t target = wanted;
    if (!(flags & MSG_WAITALL) && socket->options.receive_low_water_bytes < target) {
        target = socket->options.receive_low_water_bytes;
    }
    return target > 0 ? target : 1;
}

ssize_t socket_receive(struct socket *socket, struct vector *into, int flags, int *message_flags)
{
    struct reader reader = {.socket = socket, .into = into, .flags = flags};
    *message_flags = 0;
    if (socket->progress == PROGRESS_LISTENING) {
        return -ENOTCONN;
    }
    if (flags & MSG_OOB) {
        void *data = NULL;
        size_t length = 0;
        (void)vector_next(into, SIZE_MAX, &data, &length);
        return urgent_receive(socket, data, length, flags, message_flags);
    }
    reader.patience = patience_for(socket, socket->options.receive_timeout_ns, flags);
    reader.target = target_of(socket, flags, into->left);
    return read_stream(&reader);
}
