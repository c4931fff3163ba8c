/* SPDX-License-Identifier: MIT
 *
 * bind, getsockname, getpeername: a socket's own name and its peer's.
 *
 * No port is privileged: that is the kernel's business with its users, not TCP's.
 */
#include "socket_state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

/* Linux's inet_bind and inet6_bind want their own family, but for the old habit of leaving it
 * unset with 0.0.0.0; inet6_bind looks at the socket's state before the address, inet_bind after.
 */
static int check_inet(const struct sockaddr_storage *address, socklen_t length)
{
    struct sockaddr_in in;
    memcpy(&in, address, sizeof in);
    if (length < sizeof in) {
        return -EINVAL;
    }
    if (in.sin_family != AF_INET &&
        (in.sin_family != AF_UNSPEC || in.sin_addr.s_addr != htonl(INADDR_ANY))) {
        return -EAFNOSUPPORT;
    }
    return 0;
}

#define SIN6_LENGTH_RFC2133 24u

static int check_inet6(const struct sockaddr_storage *address, socklen_t length)
{
    struct sockaddr_in6 in6;
    memcpy(&in6, address, sizeof in6);
    if (length < SIN6_LENGTH_RFC2133) {
        return -EINVAL;
    }
    if (in6.sin6_family != AF_INET6) {
        return -EAFNOSUPPORT;
    }
    return IN6_IS_ADDR_MULTICAST(&in6.sin6_addr) ? -EINVAL : 0;
}

static int check_state(const struct socket *socket)
{
    return socket->progress != PROGRESS_CLOSED || socket->port != NULL ? -EINVAL : 0;
}

static int check_address(const struct socket *socket, const struct hf_address *address)
{
    if (hf_address_is_any(address) ||
        hf_stack_has_address(socket->file.set->config.stack, address)) {
        return 0;
    }
    return -EADDRNOTAVAIL;
}

static int check_bind(const struct socket *socket, const struct sockaddr_storage *address,
                      socklen_t length, struct hf_endpoint *local)
{
    int error =
        socket->domain == AF_INET ? check_inet(address, length) : check_inet6(address, length);
    if (error != 0) {
        return error;
    }
    *local = sockaddr_endpoint(address);
    if (socket->domain == AF_INET) {
        error = check_address(socket, &local->address);
        return error != 0 ? error : check_state(socket);
    }
    error = check_state(socket);
    if (error == 0 && local->address.family == HF_IPV4 && socket->options.v6_only) {
        error = -EINVAL;
    }
    return error != 0 ? error : check_address(socket, &local->address);
}

/* Takes the port, or any free one for port 0. */
static int take_port(struct socket *socket, uint16_t port)
{
    struct hf_sockets *set = socket->file.set;
    int error;
    if (port != 0) {
        if (port_conflict(set, socket, port, false)) {
            return -EADDRINUSE;
        }
        socket->local.port = port;
    } else {
        socket->local.port = port_choose(set, socket);
        if (socket->local.port == 0) {
            return -EADDRINUSE;
        }
    }
    error = port_hold(socket);
    if (error != 0) {
        socket->local.port = 0;
    }
    return error;
}

int socket_autobind(struct socket *socket)
{
    return take_port(socket, 0);
}

static int bind_to(struct socket *socket, const struct hf_endpoint *local)
{
    struct hf_endpoint before = socket->local;
    bool v6_only_before = socket->options.v6_only;
    int error = 0;
    socket->local = (struct hf_endpoint){.address = local->address};
    if (socket->domain == AF_INET6 && local->address.family == HF_IPV6 &&
        !hf_address_is_any(&local->address)) {
        socket->options.v6_only = true; /* as Linux shows it */
    }
    if (local->port != 0 || !socket->options.bind_without_port) {
        error = take_port(socket, local->port);
    }
    if (error != 0) {
        socket->local = before;
        socket->options.v6_only = v6_only_before;
        return error;
    }
    socket->address_locked = !hf_address_is_any(&local->address);
    socket->port_locked = local->port != 0;
    return 0;
}

int hf_socket_bind(struct hf_sockets *set, int fd, const struct sockaddr *address, socklen_t length)
{
    struct sockaddr_storage storage;
    struct hf_endpoint local;
    int error;
    struct socket *socket = socket_get(set, fd, &error);
    if (socket == NULL) {
        return error;
    }
    error = sockaddr_take(address, length, &storage);
    if (error == 0) {
        error = check_bind(socket, &storage, length, &local);
    }
    if (error == 0) {
        error = bind_to(socket, &local);
    }
    socket_put(socket);
    return error;
}

int hf_socket_getsockname(struct hf_sockets *set, int fd, struct sockaddr *address,
                          socklen_t *length)
{
    int error;
    struct socket *socket = socket_get(set, fd, &error);
    if (socket == NULL) {
        return error;
    }
    error = sockaddr_give(socket, &socket->local, address, length);
    socket_put(socket);
    return error;
}

int hf_socket_getpeername(struct hf_sockets *set, int fd, struct sockaddr *address,
                          socklen_t *length)
{
    int error;
    struct socket *socket = socket_get(set, fd, &error);
    if (socket == NULL) {
        return error;
    }
    if (socket->remote.port == 0 || socket->progress == PROGRESS_CLOSED ||
        socket->progress == PROGRESS_OPENING) {
        error = -ENOTCONN;
    } else {
        error = sockaddr_give(socket, &socket->remote, address, length);
    }
    socket_put(socket);
    return error;
}
