/* SPDX-License-Identifier: MIT
 *
 * Options, once for all: Nagle's algorithm off, since a relay is to pass on what it gets when it
 * gets it; keep-alive on, so that a peer that vanished does not hold a relay for ever; urgent data
 * in line, so that no byte is lost on the way.
 */
#define _GNU_SOURCE /* accept4 */

#include "kernel_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 4096 };

union socket_address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
};

static socklen_t fill_address(union socket_address *address, const struct hf_endpoint *endpoint)
{
    memset(address, 0, sizeof *address);
    if (endpoint->address.family == HF_IPV4) {
        address->ipv4.sin_family = AF_INET;
        address->ipv4.sin_port = htons(endpoint->port);
        memcpy(&address->ipv4.sin_addr, endpoint->address.bytes, 4);
        return sizeof address->ipv4;
    }
    address->ipv6.sin6_family = AF_INET6;
    address->ipv6.sin6_port = htons(endpoint->port);
    memcpy(&address->ipv6.sin6_addr, endpoint->address.bytes, 16);
    return sizeof address->ipv6;
}

static void set_option(int descriptor, int level, int option)
{
    int one = 1;

    /* None of them is worth failing for. */
    (void)setsockopt(descriptor, level, option, &one, sizeof one);
}

static void set_options(int descriptor)
{
    set_option(descriptor, IPPROTO_TCP, TCP_NODELAY);
    set_option(descriptor, SOL_SOCKET, SO_KEEPALIVE);
    set_option(descriptor, SOL_SOCKET, SO_OOBINLINE);
}

int kernel_socket_new(const struct hf_endpoint *remote)
{
    int family = remote->address.family == HF_IPV4 ? AF_INET : AF_INET6;
    int descriptor = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (descriptor < 0)
        return -errno;
    set_options(descriptor);
    return descriptor;
}

int kernel_socket_connect(int descriptor, const struct hf_endpoint *remote)
{
    union socket_address address;
    socklen_t length = fill_address(&address, remote);

    return connect(descriptor, &address.any, length) == 0 ? 0 : -errno;
}

int kernel_socket_listen(const struct hf_endpoint *local)
{
    union socket_address address;
    socklen_t length = fill_address(&address, local);
    int descriptor = kernel_socket_new(local), error;

    if (descriptor < 0)
        return descriptor;
    set_option(descriptor, SOL_SOCKET, SO_REUSEADDR);
    if (local->address.family == HF_IPV6)
        set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY);
    if (bind(descriptor, &address.any, length) == 0 && listen(descriptor, BACKLOG) == 0)
        return descriptor;
    error = -errno;
    close(descriptor);
    return error;
}

int kernel_socket_share(int descriptor)
{
    int other = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);

    return other < 0 ? -errno : other;
}

int kernel_socket_accept(int listener)
{
    int descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (descriptor < 0)
        return -errno;
    set_options(descriptor);
    return descriptor;
}

int kernel_socket_error(int descriptor)
{
    int error = 0;
    socklen_t length = sizeof error;

    if (getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        return -errno;
    return -error;
}

void kernel_socket_reset(int descriptor)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(descriptor);
}

bool kernel_socket_exhausted(int error)
{
    return error == -EMFILE || error == -ENFILE || error == -ENOBUFS || error == -ENOMEM;
}
