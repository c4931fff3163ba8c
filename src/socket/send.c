/* SPDX-License-Identifier: MIT
 *
 * The sending calls: Linux's tcp_sendmsg_locked.
 *
 * Sending on a connection that is still opening waits for it; on anything else that is not open it
 * is EPIPE, or the pending error in its place. No signal is raised here: whoever stands for the
 * process does that on -EPIPE without MSG_NOSIGNAL.
 */
#include "completions.h"
#include "fast_open_calls.h"
#include "stamping.h"

#include <errno.h>

/* Linux's sk_stream_error: a pending error explains the broken pipe better. */
static int explain(struct socket *socket, int error)
{
    if (error == -EPIPE) {
        int pending = socket_take_error(socket);
        return pending != 0 ? pending : -EPIPE;
    }
    return error;
}

/* Linux's sk_stream_wait_connect. */
static int await_open(struct socket *socket, struct patience *patience)
{
    while (socket->progress != PROGRESS_OPEN) {
        int error = socket_take_error(socket);
        if (error != 0) {
            return error;
        }
        if (socket->progress != PROGRESS_OPENING) {
            return -EPIPE;
        }
        if (!patience->waits) {
            return -EAGAIN;
        }
        error = sockets_wait(socket->file.set, patience);
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

static unsigned core_flags(const struct vector *from, size_t length, int flags)
{
    bool last = length == from->left;
    unsigned core = !last || (flags & MSG_MORE) ? (unsigned)HF_SEND_MORE : 0u;
    return core | (last && (flags & MSG_OOB) ? (unsigned)HF_SEND_URGENT : 0u);
}

/* As much as fits now. */
static ptrdiff_t send_piece(struct socket *socket, struct vector *from, int flags,
                            struct completion *completion)
{
    void *data;
    size_t length;
    ptrdiff_t n;
    (void)vector_next(from, SIZE_MAX, &data, &length);
    if (data == NULL) {
        return -EFAULT;
    }
    n = completion_send(socket, completion, data, length, core_flags(from, length, flags));
    if (n > 0) {
        vector_advance(from, (size_t)n);
    }
    return n;
}

static int send_all(struct socket *socket, struct vector *from, int flags, size_t *sent,
                    struct completion *completion)
{
    struct patience patience = patience_for(socket, socket->options.send_timeout_ns, flags);
    int error = await_open(socket, &patience);
    if (error == 0 && (socket->error != 0 || (socket->shutdown & SHUTDOWN_SEND))) {
        error = -EPIPE;
    }
    while (error == 0 && from->left > 0) {
        ptrdiff_t n = send_piece(socket, from, flags, completion);
        if (n > 0) {
            *sent += (size_t)n;
            completion_piece(socket, completion, from->left > 0);
            continue;
        }
        error = n == HF_EBADF ? -EPIPE : (int)n;
        if (error == -EAGAIN && patience.waits) {
            error = sockets_wait(socket->file.set, &patience);
            if (error == 0 && (socket->error != 0 || (socket->shutdown & SHUTDOWN_SEND))) {
                error = -EPIPE;
            }
        }
    }
    return error;
}

ssize_t socket_send_to(struct socket *socket, struct vector *from, int flags,
                       const struct sockaddr_storage *address, socklen_t length, uint32_t stamps)
{
    struct completion completion;
    size_t by_syn = 0;
    size_t sent = 0;
    int error = completion_begin(socket, from->left, flags, stamps, &completion);
    if (error != 0) {
        return error;
    }
    if ((flags & MSG_FASTOPEN) || socket->connect_put_off) {
        error = fast_open_send(socket, from, flags, address, length, &by_syn);
    }
    if (error == 0) {
        error = send_all(socket, from, flags, &sent, &completion);
    }
    completion_end(socket, &completion, by_syn, sent);
    sent += by_syn;
    return sent > 0 || error == 0 ? (ssize_t)sent : explain(socket, error);
}

ssize_t socket_send(struct socket *socket, struct vector *from, int flags)
{
    return socket_send_to(socket, from, flags, NULL, 0, stamping_of_sends(socket));
}
