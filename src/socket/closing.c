/* SPDX-License-Identifier: MIT
 *
 * shutdown and close.
 *
 * shutdown closes directions of the connection, whoever else holds the socket; close gives up the
 * socket, and what is left to send goes on by itself, unless SO_LINGER says to wait for it, or,
 * with a time of zero, to drop it and reset.
 */
#include "completions.h"

#include <errno.h>

/* ---- shutdown: Linux's inet_shutdown */

static void shut_down_open(struct socket *socket, unsigned directions)
{
    struct hf_sockets *set = socket->file.set;
    socket->shutdown |= directions;
    if (socket->handle == HF_NO_HANDLE) {
        return;
    }
    if (directions & SHUTDOWN_SEND) {
        (void)hf_shutdown(set->config.stack, socket->handle, sockets_now(set));
    }
    if (directions & SHUTDOWN_RECEIVE) {
        (void)hf_set_option(set->config.stack, socket->handle, HF_OPTION_RECEIVE_SHUTDOWN, 1,
                            sockets_now(set));
    }
}

static int shut_down(struct socket *socket, int how)
{
    unsigned directions = (unsigned)how + 1; /* SHUT_RD, SHUT_WR, SHUT_RDWR as two bits */
    int error = 0;
    if (how < SHUT_RD || how > SHUT_RDWR) {
        return -EINVAL;
    }
    if (socket->phase == PHASE_CONNECTING) {
        socket->phase = socket->progress == PROGRESS_OPEN ? PHASE_CONNECTED : PHASE_DISCONNECTING;
    }
    switch (socket->progress) {
    case PROGRESS_CLOSED:
        error = -ENOTCONN;
        socket->shutdown |= directions; /* for those who poll it */
        break;
    case PROGRESS_OPEN:
        shut_down_open(socket, directions);
        break;
    case PROGRESS_LISTENING:
        if (directions & SHUTDOWN_RECEIVE) {
            socket_disconnect(socket);
            socket->phase = PHASE_UNCONNECTED;
        }
        break;
    case PROGRESS_OPENING:
        socket_disconnect(socket);
        socket->phase = PHASE_UNCONNECTED;
        break;
    }
    file_wake(&socket->file, 0);
    return error;
}

int hf_socket_shutdown(struct hf_sockets *set, int fd, int how)
{
    int error;
    struct socket *socket = socket_get(set, fd, &error);
    if (socket == NULL) {
        return error;
    }
    error = shut_down(socket, how);
    socket_put(socket);
    return error;
}

/* ---- close: Linux's tcp_close */

/* What was sent is not all acknowledged, or our FIN is not. */
static bool still_sending(struct socket *socket)
{
    struct hf_status status;
    if (socket->progress != PROGRESS_OPEN ||
        hf_status(socket->file.set->config.stack, socket->handle, &status) != HF_OK) {
        return false;
    }
    switch (status.state) {
    case HF_SYN_RECEIVED: /* a simultaneous open's FIN waits for it */
    case HF_ESTABLISHED:
    case HF_CLOSE_WAIT:
    case HF_FIN_WAIT_1:
    case HF_CLOSING:
    case HF_LAST_ACK:
        return true;
    case HF_CLOSED:
    case HF_LISTEN:
    case HF_SYN_SENT:
    case HF_FIN_WAIT_2:
    case HF_TIME_WAIT:
        break;
    }
    return false;
}

/* SO_LINGER with a time: FIN, and wait for its acknowledgement; O_NONBLOCK does not matter. */
static void linger(struct socket *socket)
{
    struct hf_sockets *set = socket->file.set;
    struct patience patience = {.waits = set->config.wait != NULL};
    patience.until = sockets_now(set) + socket->options.linger_s * HF_SECOND;
    (void)hf_shutdown(set->config.stack, socket->handle, sockets_now(set));
    socket->shutdown = SHUTDOWN_BOTH;
    socket->file.references = 1; /* it sleeps here; nobody else can find it */
    while (patience.waits && still_sending(socket)) {
        if (sockets_wait(set, &patience) != 0) {
            break;
        }
    }
    socket->file.references = 0;
}

static bool has_unread(const struct socket *socket)
{
    struct hf_status status;
    return hf_status(socket->file.set->config.stack, socket->handle, &status) == HF_OK &&
           status.receive_queue_bytes > 0;
}

void socket_close_connection(struct socket *socket)
{
    struct hf_sockets *set = socket->file.set;
    hf_handle handle = socket->handle;
    bool lingers = socket->progress == PROGRESS_OPEN && socket->options.linger;
    if (socket->progress == PROGRESS_LISTENING) {
        socket_stop_listening(socket);
    } else if (handle != HF_NO_HANDLE) {
        /* Unread data resets the connection in any case, and first. */
        if (lingers && socket->options.linger_s == 0 && !has_unread(socket)) {
            (void)hf_abort(set->config.stack, handle, sockets_now(set));
        } else {
            if (lingers && !set->exiting && !has_unread(socket)) {
                linger(socket);
            }
            completions_let_go(socket);
            (void)hf_close(set->config.stack, handle, sockets_now(set));
        }
        socket_drop_handle(socket);
    }
    port_release(socket);
}
