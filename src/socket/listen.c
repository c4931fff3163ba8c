/* SPDX-License-Identifier: MIT
 *
 * listen and accept.
 */
#include "fast_open_calls.h"
#include "share.h"

#include <errno.h>

/* Linux's somaxconn; a backlog of n lets n + 1 connections wait. */
#define LARGEST_BACKLOG 4096u

static uint32_t core_backlog(int backlog)
{
    return ((unsigned)backlog < LARGEST_BACKLOG ? (unsigned)backlog : LARGEST_BACKLOG) + 1;
}

/* An AF_INET6 wildcard listens for both families, unless it was told not to. */
static struct hf_endpoint listening_endpoint(const struct socket *socket)
{
    struct hf_endpoint local = socket->local;
    if (socket->domain == AF_INET6 && local.address.family == HF_IPV6 &&
        hf_address_is_any(&local.address) && !socket->options.v6_only) {
        local.address.family = HF_FAMILY_ANY;
    }
    return local;
}

static int open_alone(struct socket *socket, const struct hf_endpoint *local)
{
    struct hf_sockets *set = socket->file.set;
    hf_handle handle;
    int error = hf_listen(set->config.stack, local, socket->backlog, &handle);
    if (error == HF_OK && !socket_adopt_handle(socket, handle)) {
        (void)hf_close(set->config.stack, handle, sockets_now(set));
        error = -ENOMEM;
    }
    if (error == HF_OK) {
        core_options_apply(socket);
    }
    return error;
}

void socket_stop_listening(struct socket *socket)
{
    struct hf_sockets *set = socket->file.set;
    if (socket->group != NULL) {
        share_leave(socket);
    } else {
        (void)hf_close(set->config.stack, socket->handle, sockets_now(set));
        socket_drop_handle(socket);
    }
}

static int change_backlog(struct socket *socket, int backlog)
{
    struct hf_sockets *set = socket->file.set;
    socket->backlog = core_backlog(backlog);
    if (socket->group != NULL) {
        return share_set_backlog(socket);
    }
    return hf_set_option(set->config.stack, socket->handle, HF_OPTION_BACKLOG, socket->backlog,
                         sockets_now(set));
}

static int open_listener(struct socket *socket, int backlog)
{
    struct hf_sockets *set = socket->file.set;
    struct hf_endpoint local;
    int error;
    if (socket->port == NULL) {
        error = socket_autobind(socket);
        if (error != 0) {
            return error;
        }
    } else if (port_conflict(set, socket, socket->local.port, false)) {
        return -EADDRINUSE;
    }
    if (socket->handle != HF_NO_HANDLE) { /* of a connection that is over */
        (void)hf_close(set->config.stack, socket->handle, sockets_now(set));
        socket_drop_handle(socket);
    }
    local = listening_endpoint(socket);
    socket->backlog = core_backlog(backlog);
    fast_open_listen(socket, socket->backlog - 1);
    if (socket->options.reuse_port) {
        error = share_listen(socket, &local);
    } else {
        error = open_alone(socket, &local);
    }
    if (error != 0) {
        return error;
    }
    socket->progress = PROGRESS_LISTENING;
    return 0;
}

int hf_socket_listen(struct hf_sockets *set, int fd, int backlog)
{
    int error;
    struct socket *socket = socket_get(set, fd, &error);
    if (socket == NULL) {
        return error;
    }
    error = -EINVAL;
    if (socket->phase == PHASE_UNCONNECTED && socket->progress == PROGRESS_LISTENING) {
        error = change_backlog(socket, backlog);
    } else if (socket->phase == PHASE_UNCONNECTED && socket->progress == PROGRESS_CLOSED) {
        error = open_listener(socket, backlog);
    }
    socket_put(socket);
    return error;
}

/* ---- accept */

struct socket *socket_of_connection(struct socket *listener, hf_handle handle)
{
    struct hf_sockets *set = listener->file.set;
    struct hf_status status;
    struct socket *socket = socket_new(set, listener->domain);
    if (socket == NULL || !socket_adopt_handle(socket, handle)) {
        (void)hf_abort(set->config.stack, handle, sockets_now(set));
        if (socket != NULL) {
            socket_free(socket);
        }
        return NULL;
    }
    socket->options = listener->options;
    socket->phase = PHASE_CONNECTED;
    socket->progress = PROGRESS_OPEN;
    (void)hf_status(set->config.stack, handle, &status);
    socket->local = status.local;
    socket->remote = status.remote;
    socket->address_locked = listener->address_locked;
    if (port_hold(socket) != 0) {
        socket_close_connection(socket);
        socket_free(socket);
        return NULL;
    }
    core_options_accepted(socket);
    fast_open_accepted(socket);
    return socket;
}

uint32_t socket_waiting(const struct socket *listener)
{
    struct hf_status status;
    if (listener->group != NULL) {
        return listener->waiting_count;
    }
    return hf_status(listener->file.set->config.stack, listener->handle, &status) == HF_OK
               ? status.accept_queue
               : 0;
}

/* Waits until there is one to accept. */
static int await_acceptable(struct socket *listener)
{
    struct hf_sockets *set = listener->file.set;
    struct patience patience = patience_for(listener, listener->options.receive_timeout_ns, 0);
    for (;;) {
        int error;
        if (listener->progress != PROGRESS_LISTENING) {
            return -EINVAL;
        }
        if (socket_waiting(listener) > 0) {
            return 0;
        }
        if (!patience.waits) {
            return -EAGAIN;
        }
        error = sockets_wait(set, &patience);
        if (error != 0) {
            return error;
        }
    }
}

static struct socket *take_connection(struct socket *listener)
{
    hf_handle handle;
    if (listener->group != NULL) {
        return share_take(listener);
    }
    return hf_accept(listener->file.set->config.stack, listener->handle, &handle, NULL) == HF_OK
               ? socket_of_connection(listener, handle)
               : NULL;
}

static int accept_one(struct socket *listener, struct sockaddr *address, socklen_t *length,
                      int flags)
{
    struct hf_sockets *set = listener->file.set;
    struct socket *socket;
    int error = await_acceptable(listener);
    int fd;
    if (error != 0) {
        return error;
    }
    socket = take_connection(listener);
    if (socket == NULL) {
        return -ENOMEM;
    }
    sockets_take_events(set); /* what happened to it while it waited */
    socket->file.nonblocking = (flags & SOCK_NONBLOCK) != 0;
    if (address != NULL) {
        error = sockaddr_give(socket, &socket->remote, address, length);
    }
    fd = error == 0 ? descriptor_open(set, &socket->file, (flags & SOCK_CLOEXEC) != 0) : error;
    if (fd < 0) {
        socket_put(socket); /* the connection is lost, as in Linux */
    }
    return fd;
}

int hf_socket_accept4(struct hf_sockets *set, int fd, struct sockaddr *address, socklen_t *length,
                      int flags)
{
    struct open_file *file = file_get(set, fd);
    int error = 0;
    if (file == NULL) {
        return -EBADF;
    }
    sockets_take_events(set);
    if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) {
        error = -EINVAL;
    } else if (file->kind != FILE_SOCKET) {
        error = -ENOTSOCK;
    } else {
        error = descriptor_available(set);
    }
    if (error == 0) {
        error = accept_one(socket_of(file), address, length, flags);
    }
    file_put(file);
    return error;
}
