/* SPDX-License-Identifier: MIT
 *
 * connect and its opposite, connect(AF_UNSPEC).
 *
 * The phases are Linux's: a socket whose attempt is under way is CONNECTING until somebody calls
 * connect again and hears how it went, whatever TCP did in the meantime. So a second connect on a
 * non-blocking socket says EALREADY, then once 0 or the error, then EISCONN.
 */
#include "completions.h"
#include "fast_open_calls.h"

#include <errno.h>
#include <string.h>

/* ---- the way back */

static bool has_peer_to_reset(const struct socket *socket)
{
    struct hf_status status;
    if (hf_status(socket->file.set->config.stack, socket->handle, &status) != HF_OK) {
        return false;
    }
    switch (status.state) {
    case HF_SYN_SENT: /* nobody to reset, but the same error */
    case HF_SYN_RECEIVED:
    case HF_ESTABLISHED:
    case HF_FIN_WAIT_1:
    case HF_FIN_WAIT_2:
    case HF_CLOSE_WAIT:
        return true;
    case HF_CLOSING:
    case HF_LAST_ACK:
        return status.send_unsent_bytes > 0;
    case HF_CLOSED:
    case HF_LISTEN:
    case HF_TIME_WAIT:
        break;
    }
    return false;
}

void socket_disconnect(struct socket *socket)
{
    struct hf_sockets *set = socket->file.set;
    if (socket->progress == PROGRESS_LISTENING) {
        socket_stop_listening(socket);
    } else if (socket->handle != HF_NO_HANDLE) {
        hf_handle handle = socket->handle;
        if (has_peer_to_reset(socket)) {
            socket->error = ECONNRESET;
        }
        socket_drop_handle(socket);
        (void)hf_abort(set->config.stack, handle, sockets_now(set));
        completions_abandon(socket);
    }
    socket->progress = PROGRESS_CLOSED;
    if (!socket->port_locked) {
        port_release(socket);
    }
    memset(&socket->remote, 0, sizeof socket->remote);
    if (!socket->address_locked) {
        socket->local.address = address_any_of(socket);
    }
    socket->shutdown = 0;
    socket->peer_closed = false;
    socket->urgent = false;
    socket->connect_put_off = false;
    file_wake(&socket->file, POLLERR);
}

/* ---- where to */

#define SIN6_LENGTH_RFC2133 24u

static int check_inet6(const struct socket *socket, const struct sockaddr_storage *address,
                       socklen_t length, struct hf_endpoint *remote)
{
    struct sockaddr_in6 in6;
    memcpy(&in6, address, sizeof in6);
    if (length < SIN6_LENGTH_RFC2133) {
        return -EINVAL;
    }
    if (in6.sin6_family != AF_INET6) {
        return -EAFNOSUPPORT;
    }
    *remote = sockaddr_endpoint(address);
    if (address_is_multicast(&remote->address)) {
        return -ENETUNREACH;
    }
    if (remote->address.family == HF_IPV4 && socket->options.v6_only) {
        return -ENETUNREACH;
    }
    /* Bound to an address of the other kind: there is no way from here to there. */
    if (socket->local.address.family == HF_IPV4 && remote->address.family == HF_IPV6) {
        return -EAFNOSUPPORT;
    }
    if (socket->local.address.family == HF_IPV6 && remote->address.family == HF_IPV4 &&
        !hf_address_is_any(&socket->local.address)) {
        return -ENETUNREACH;
    }
    return 0;
}

static int check_inet(const struct sockaddr_storage *address, socklen_t length,
                      struct hf_endpoint *remote)
{
    struct sockaddr_in in;
    memcpy(&in, address, sizeof in);
    if (length < sizeof in) {
        return -EINVAL;
    }
    if (in.sin_family != AF_INET) {
        return -EAFNOSUPPORT;
    }
    *remote = sockaddr_endpoint(address);
    return address_is_multicast(&remote->address) || in.sin_addr.s_addr == INADDR_BROADCAST
               ? -ENETUNREACH
               : 0;
}

/* ---- opening */

static int errno_of_connect(int error)
{
    /* This pair of endpoints is taken; or port 0, or this host itself. */
    return error == HF_EADDRINUSE || error == HF_EINVAL ? -EADDRNOTAVAIL : error;
}

/* The name that the core chose, or that bind chose, is ours now. */
static int take_names(struct socket *socket)
{
    struct hf_status status;
    if (hf_status(socket->file.set->config.stack, socket->handle, &status) != HF_OK) {
        return -ENOMEM;
    }
    socket->local = status.local;
    socket->remote = status.remote;
    return socket->port != NULL ? 0 : port_hold(socket);
}

/* As on Linux the wildcard means this host itself: at the address that the socket is bound to, or
 * at the host's first one, for want of a 127.0.0.1. Without any it stays the wildcard, which the
 * core refuses (RFC 9293 MUST-46). */
static const struct hf_endpoint *to_ourselves(const struct hf_stack *stack,
                                              const struct hf_endpoint *local,
                                              const struct hf_endpoint *remote,
                                              struct hf_endpoint *self)
{
    *self = *remote;
    if (hf_address_is_any(&local->address)) {
        (void)hf_stack_first_address(stack, (enum hf_family)remote->address.family, &self->address);
    } else {
        self->address = local->address;
    }
    return self;
}

static int open_connection(struct socket *socket, const struct hf_endpoint *remote)
{
    struct hf_sockets *set = socket->file.set;
    struct hf_endpoint local = socket->local;
    struct hf_endpoint self;
    hf_handle handle;
    int error;
    if (socket->handle != HF_NO_HANDLE) {
        socket_disconnect(socket);
        socket->error = 0;
    }
    if (socket->port == NULL) {
        local.port = 0;
    }
    if (hf_address_is_any(&local.address)) {
        local.address.family = remote->address.family;
    }
    if (hf_address_is_any(&remote->address)) {
        remote = to_ourselves(set->config.stack, &local, remote, &self);
    }
    error = hf_connect(set->config.stack, &local, remote, sockets_now(set), &handle);
    if (error != HF_OK) {
        return errno_of_connect(error);
    }
    error = socket_adopt_handle(socket, handle) ? take_names(socket) : -ENOMEM;
    if (error != 0) {
        socket_drop_handle(socket);
        (void)hf_abort(set->config.stack, handle, sockets_now(set));
        memset(&socket->remote, 0, sizeof socket->remote);
        return error;
    }
    core_options_apply(socket);
    socket->progress = PROGRESS_OPENING;
    socket->opened_actively = true;
    socket->error = 0;
    socket->soft_error = 0;
    socket->peer_closed = false;
    socket->urgent = false;
    socket->urgent_taken = false;
    socket->read_position = 0;
    return 0;
}

int connect_start(struct socket *socket, const struct sockaddr_storage *address, socklen_t length)
{
    struct hf_endpoint remote;
    int error = socket->domain == AF_INET ? check_inet(address, length, &remote)
                                          : check_inet6(socket, address, length, &remote);
    return error != 0 ? error : open_connection(socket, &remote);
}

/* ---- the call */

/* The attempt is under way: waits for its end if the socket waits. `verdict` is what to say if it
 * does not come. */
int connect_await(struct socket *socket, int verdict, int message_flags)
{
    struct patience patience = patience_for(socket, socket->options.send_timeout_ns, message_flags);
    while (socket->progress == PROGRESS_OPENING) {
        int error;
        if (!patience.waits) {
            return verdict;
        }
        error = sockets_wait(socket->file.set, &patience);
        if (error != 0) {
            return error;
        }
    }
    if (socket->progress == PROGRESS_CLOSED) {
        int error = socket_take_error(socket);
        socket->phase = PHASE_UNCONNECTED;
        socket_disconnect(socket);
        return error != 0 ? error : -ECONNABORTED;
    }
    socket->phase = PHASE_CONNECTED;
    return 0;
}

static int connect_to(struct socket *socket, const struct sockaddr_storage *address,
                      socklen_t length)
{
    int error;
    if (length < sizeof address->ss_family) {
        return -EINVAL;
    }
    if (address->ss_family == AF_UNSPEC) {
        socket_disconnect(socket);
        socket->phase = PHASE_UNCONNECTED;
        return 0;
    }
    switch (socket->phase) {
    case PHASE_CONNECTED:
        return -EISCONN;
    case PHASE_CONNECTING:
        return socket->connect_put_off ? -EISCONN : connect_await(socket, -EALREADY, 0);
    case PHASE_DISCONNECTING:
        return -EINVAL;
    case PHASE_UNCONNECTED:
        break;
    }
    if (socket->progress != PROGRESS_CLOSED) {
        return -EISCONN;
    }
    error = connect_start(socket, address, length);
    if (error != 0) {
        return error;
    }
    socket->phase = PHASE_CONNECTING;
    return fast_open_put_off(socket) ? 0 : connect_await(socket, -EINPROGRESS, 0);
}

int hf_socket_connect(struct hf_sockets *set, int fd, const struct sockaddr *address,
                      socklen_t length)
{
    struct sockaddr_storage storage;
    struct open_file *file = file_get(set, fd);
    int error;
    if (file == NULL) {
        return -EBADF;
    }
    error = sockaddr_take(address, length, &storage);
    if (error == 0 && file->kind != FILE_SOCKET) {
        error = -ENOTSOCK;
    }
    if (error == 0) {
        sockets_take_events(set);
        error = connect_to(socket_of(file), &storage, length);
    }
    file_put(file);
    return error;
}
