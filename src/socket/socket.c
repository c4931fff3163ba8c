/* SPDX-License-Identifier: MIT
 *
 * A socket's beginning and end.
 */
#include "completions.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>

/* Linux's bounds of the three arguments: families, types and protocols it knows. */
#define FAMILIES 46
#define TYPES 11
#define PROTOCOLS 263
#define TYPE_MASK 0xf

static void init_options(struct socket_options *options)
{
    options->receive_timeout_ns = HF_TIME_NEVER;
    options->send_timeout_ns = HF_TIME_NEVER;
    options->receive_low_water_bytes = 1;
    options->quick_ack = true;
    for (unsigned family = 0; family < 2; family++) {
        options->hops[family] = -1;
        options->traffic_class[family] = -1;
        options->mtu_discovery[family] = IP_PMTUDISC_WANT;
    }
}

struct socket *socket_new(struct hf_sockets *set, int domain)
{
    struct socket *socket = calloc(1, sizeof *socket);
    if (socket == NULL) {
        return NULL;
    }
    socket->file.kind = FILE_SOCKET;
    socket->file.references = 1;
    socket->file.set = set;
    socket->domain = domain;
    socket->handle = HF_NO_HANDLE;
    socket->local.address = address_any_of(socket);
    init_options(&socket->options);
    socket->next = set->sockets;
    if (set->sockets != NULL) {
        set->sockets->previous = socket;
    }
    set->sockets = socket;
    return socket;
}

bool socket_adopt_handle(struct socket *socket, hf_handle handle)
{
    if (!handle_table_put(&socket->file.set->handles, handle, socket)) {
        return false;
    }
    socket->handle = handle;
    return true;
}

void socket_drop_handle(struct socket *socket)
{
    if (socket->handle != HF_NO_HANDLE) {
        handle_table_remove(&socket->file.set->handles, socket->handle);
        socket->handle = HF_NO_HANDLE;
    }
}

int socket_take_error(struct socket *socket)
{
    int error = -socket->error;
    socket->error = 0;
    return error;
}

void socket_free(struct socket *socket)
{
    if (socket->next != NULL) {
        socket->next->previous = socket->previous;
    }
    if (socket->previous != NULL) {
        socket->previous->next = socket->next;
    } else {
        socket->file.set->sockets = socket->next;
    }
    completions_free(socket);
    error_queue_free(socket);
    free(socket);
}

/* Linux's order of complaints: unknown flags, then family, then type, then protocol. */
static int check_arguments(int domain, int type, int protocol)
{
    int kind = type & TYPE_MASK;
    if ((type & ~TYPE_MASK) & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) {
        return -EINVAL;
    }
    if (domain < 0 || domain >= FAMILIES) {
        return -EAFNOSUPPORT;
    }
    if (kind >= TYPES) {
        return -EINVAL;
    }
    if (domain != AF_INET && domain != AF_INET6) {
        return -EAFNOSUPPORT;
    }
    if (protocol < 0 || protocol >= PROTOCOLS) {
        return -EINVAL;
    }
    if (kind != SOCK_STREAM) {
        return -ESOCKTNOSUPPORT;
    }
    return protocol == 0 || protocol == IPPROTO_TCP ? 0 : -EPROTONOSUPPORT;
}

int hf_socket(struct hf_sockets *set, int domain, int type, int protocol)
{
    int error = check_arguments(domain, type, protocol);
    struct socket *socket;
    int fd;
    if (error != 0) {
        return error;
    }
    error = descriptor_available(set);
    if (error != 0) {
        return error;
    }
    socket = socket_new(set, domain);
    if (socket == NULL) {
        return -ENOMEM;
    }
    socket->file.nonblocking = (type & SOCK_NONBLOCK) != 0;
    fd = descriptor_open(set, &socket->file, (type & SOCK_CLOEXEC) != 0);
    if (fd < 0) {
        socket_free(socket);
    }
    return fd;
}
