/* SPDX-License-Identifier: MIT
 *
 * Who may have a port beside whom, IPv4 and IPv6 meeting on one port, and mapped addresses.
 */
#include "errno_scenarios.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>

enum where { ANY4, HOST4, ANY6, ANY6_ONLY, HOST6, MAPPED, MAPPED_ANY, WHERE_COUNT };

static int open_at(struct world *world, enum where where, int flags)
{
    int domain = where == ANY4 || where == HOST4 ? AF_INET : AF_INET6;
    int fd = w_socket(world, SERVER, domain, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (where == ANY6_ONLY) {
        w_set(world, fd, SOL_IPV6, IPV6_V6ONLY, 1);
    } else if (domain == AF_INET6) {
        w_set(world, fd, SOL_IPV6, IPV6_V6ONLY, 0);
    }
    if (flags & 1) {
        w_set(world, fd, SOL_SOCKET, SO_REUSEADDR, 1);
    }
    if (flags & 2) {
        w_set(world, fd, SOL_SOCKET, SO_REUSEPORT, 1);
    }
    return fd;
}

static struct sockaddr_storage address_at(struct world *world, enum where where, uint16_t port)
{
    struct sockaddr_storage address;
    switch (where) {
    case ANY4:
        return w_any(world, AF_INET, port);
    case HOST4:
        return w_address(world, AF_INET, false, port);
    case ANY6:
    case ANY6_ONLY:
        return w_any(world, AF_INET6, port);
    case HOST6:
        return w_address(world, AF_INET6, false, port);
    case MAPPED:
        return w_address(world, AF_INET6, true, port);
    case MAPPED_ANY:
        address = w_any(world, AF_INET6, port);
        memset(((struct sockaddr_in6 *)&address)->sin6_addr.s6_addr + 10, 0xff, 2);
        return address;
    case WHERE_COUNT:
        break;
    }
    return w_any(world, AF_INET, port);
}

static void bind_at(struct world *world, int fd, enum where where, uint16_t port)
{
    struct sockaddr_storage address = address_at(world, where, port);
    w_bind(world, fd, &address, w_length(world, address.ss_family));
}

/* Every two places, with these flags on the first and on the second; the first may listen. */
static void every_two(struct world *world, int first_flags, int second_flags, bool listens)
{
    for (int first = 0; first < WHERE_COUNT; first++) {
        for (int second = 0; second < WHERE_COUNT; second++) {
            int one;
            int two;
            uint16_t port;
            w_hush(world, true);
            one = open_at(world, (enum where)first, first_flags);
            two = open_at(world, (enum where)second, second_flags);
            port = w_free_port(world, SERVER);
            bind_at(world, one, (enum where)first, port);
            if (listens) {
                w_listen(world, one, 1);
            }
            w_hush(world, false);
            w_note(world, "%d beside %d", second, first);
            bind_at(world, two, (enum where)second, port);
            w_listen(world, two, 1);
            w_hush(world, true);
            w_close(world, one);
            w_close(world, two);
            w_hush(world, false);
        }
    }
}

static void plain(struct world *world)
{
    every_two(world, 0, 0, false);
}

static void plain_listening(struct world *world)
{
    every_two(world, 0, 0, true);
}

static void reuse_both(struct world *world)
{
    every_two(world, 1, 1, false);
}

static void reuse_listening(struct world *world)
{
    every_two(world, 1, 1, true);
}

static void reuse_one(struct world *world)
{
    every_two(world, 0, 1, false);
}

static void share_both(struct world *world)
{
    every_two(world, 2, 2, true);
}

static void share_one(struct world *world)
{
    every_two(world, 2, 0, true);
}

static void share_and_reuse(struct world *world)
{
    every_two(world, 3, 1, true);
}

/* A port stays taken while a connection that came through it lives, and in TIME-WAIT. */
static void after_listening(struct world *world)
{
    for (int reuse = 0; reuse < 4; reuse++) {
        uint16_t port = w_free_port(world, SERVER);
        struct sockaddr_storage address = w_address(world, AF_INET, false, port);
        int listener = open_at(world, HOST4, reuse & 1);
        int client = w_socket(world, CLIENT, AF_INET, SOCK_STREAM, 0);
        int accepted;
        int again = open_at(world, HOST4, reuse >> 1);
        w_bind(world, listener, &address, w_length(world, AF_INET));
        w_listen(world, listener, 1);
        w_connect(world, client, &address, w_length(world, AF_INET));
        w_await(world, listener, POLLIN);
        accepted = w_accept(world, listener, 0);
        w_bind(world, again, &address, w_length(world, AF_INET));
        w_close(world, again);
        w_close(world, listener);
        again = open_at(world, HOST4, reuse >> 1);
        w_bind(world, again, &address, w_length(world, AF_INET));
        w_listen(world, again, 1);
        w_close(world, again);
        w_close(world, accepted); /* this side goes to TIME-WAIT */
        w_settle(world);
        w_close(world, client);
        w_settle(world);
        again = open_at(world, HOST4, reuse >> 1);
        w_bind(world, again, &address, w_length(world, AF_INET));
        w_listen(world, again, 1);
    }
}

static void twice(struct world *world)
{
    int fd = open_at(world, HOST4, 0);
    uint16_t port = w_free_port(world, SERVER);
    bind_at(world, fd, HOST4, port);
    bind_at(world, fd, HOST4, port);
    bind_at(world, fd, ANY4, 0);
    w_note(world, "same port %d", w_port_of(world, fd) == port);
    w_listen(world, fd, 1);
    bind_at(world, fd, HOST4, port);
}

static void listen_without_bind(struct world *world)
{
    int fd = open_at(world, ANY4, 0);
    w_note(world, "%d", w_port_of(world, fd) != 0);
    w_listen(world, fd, 1);
    w_note(world, "%d", w_port_of(world, fd) != 0);
    bind_at(world, fd, ANY4, 0);
}

/* bind, then connect: the local name is kept. */
static void bound_client(struct world *world)
{
    uint16_t port;
    int listener = w_listener(world, AF_INET, &port);
    struct sockaddr_storage address = w_address(world, AF_INET, false, port);
    struct sockaddr_storage any = w_any(world, AF_INET, 0);
    struct sockaddr_storage out;
    struct sockaddr_storage unset = {.ss_family = AF_UNSPEC};
    socklen_t length = sizeof out;
    int fd = w_socket(world, CLIENT, AF_INET, SOCK_STREAM, 0);
    uint16_t own = w_free_port(world, CLIENT);
    any = w_any(world, AF_INET, own);
    w_bind(world, fd, &any, w_length(world, AF_INET));
    w_getsockname(world, fd, &out, &length);
    w_note(world, "any %d", ((struct sockaddr_in *)&out)->sin_addr.s_addr == 0);
    w_connect(world, fd, &address, w_length(world, AF_INET));
    w_getsockname(world, fd, &out, &length);
    w_note(world, "any %d own %d", ((struct sockaddr_in *)&out)->sin_addr.s_addr == 0,
           w_port_of(world, fd) == own);
    w_await(world, listener, POLLIN);
    (void)w_accept(world, listener, 0);
    w_connect(world, fd, &unset, 16);
    w_getsockname(world, fd, &out, &length);
    w_note(world, "any %d own %d", ((struct sockaddr_in *)&out)->sin_addr.s_addr == 0,
           w_port_of(world, fd) == own);
    w_bind(world, fd, &any, w_length(world, AF_INET));
}

static void note_name(struct world *world, const struct sockaddr_storage *name, socklen_t length)
{
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)name;
    w_note(world, "(%u) family %d mapped %d", (unsigned)length, name->ss_family,
           name->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr));
}

/* An IPv6 listener for both families, and who comes to it. */
static void both_families(struct world *world)
{
    struct sockaddr_storage any = w_any(world, AF_INET6, 0);
    int listener = w_socket(world, SERVER, AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
    uint16_t port;
    w_set(world, listener, SOL_IPV6, IPV6_V6ONLY, 0);
    w_bind(world, listener, &any, w_length(world, AF_INET6));
    w_listen(world, listener, 5);
    w_set(world, listener, SOL_IPV6, IPV6_V6ONLY, 1);
    port = w_port_of(world, listener);
    for (int kind = 0; kind < 3; kind++) {
        int domain = kind == 0 ? AF_INET : AF_INET6;
        struct sockaddr_storage address = w_address(world, domain, kind == 1, port);
        struct sockaddr_storage name;
        socklen_t length;
        int client = w_socket(world, CLIENT, domain, SOCK_STREAM, 0);
        int accepted;
        w_connect(world, client, &address, w_length(world, domain));
        w_await(world, listener, POLLIN);
        length = sizeof name;
        accepted = w_accept_raw(world, listener, (struct sockaddr *)&name, &length, 0);
        note_name(world, &name, length);
        length = sizeof name;
        w_getsockname(world, accepted, &name, &length);
        note_name(world, &name, length);
        length = sizeof name;
        w_getsockname(world, client, &name, &length);
        note_name(world, &name, length);
        length = sizeof name;
        w_getpeername(world, client, &name, &length);
        note_name(world, &name, length);
        (void)w_get(world, client, SOL_SOCKET, SO_DOMAIN);
        (void)w_get(world, accepted, SOL_SOCKET, SO_DOMAIN);
        w_send(world, client, "hello", 5, 0);
        w_await_bytes(world, accepted, 5);
        w_recv(world, accepted, 10, 0);
    }
}

static void only_ipv6(struct world *world)
{
    struct sockaddr_storage any = w_any(world, AF_INET6, 0);
    struct sockaddr_storage mapped = w_address(world, AF_INET6, true, 80);
    struct sockaddr_storage host = w_address(world, AF_INET6, false, 0);
    int fd = w_socket(world, SERVER, AF_INET6, SOCK_STREAM, 0);
    (void)w_set(world, fd, SOL_IPV6, IPV6_V6ONLY, 1);
    (void)w_get(world, fd, SOL_IPV6, IPV6_V6ONLY);
    w_bind(world, fd, &mapped, w_length(world, AF_INET6));
    w_connect(world, fd, &mapped, w_length(world, AF_INET6));
    w_bind(world, fd, &any, w_length(world, AF_INET6));
    w_set(world, fd, SOL_IPV6, IPV6_V6ONLY, 0);
    w_close(world, fd);
    fd = w_socket(world, SERVER, AF_INET6, SOCK_STREAM, 0);
    w_set(world, fd, SOL_IPV6, IPV6_V6ONLY, 0);
    w_bind(world, fd, &host, w_length(world, AF_INET6));
    (void)w_get(world, fd, SOL_IPV6, IPV6_V6ONLY);
    w_connect(world, fd, &mapped, w_length(world, AF_INET6));
    w_close(world, fd);
    fd = w_socket(world, SERVER, AF_INET6, SOCK_STREAM, 0);
    w_set(world, fd, SOL_IPV6, IPV6_V6ONLY, 0);
    bind_at(world, fd, MAPPED, 0);
    (void)w_get(world, fd, SOL_IPV6, IPV6_V6ONLY);
    host = w_address(world, AF_INET6, false, 80);
    w_connect(world, fd, &host, w_length(world, AF_INET6));
    w_close(world, fd);
    fd = w_socket(world, SERVER, AF_INET6, SOCK_STREAM, 0);
    w_set(world, fd, SOL_IPV6, IPV6_V6ONLY, 0);
    bind_at(world, fd, MAPPED_ANY, 0);
    w_connect(world, fd, &host, w_length(world, AF_INET6));
}

const struct named_scenario bind_scenarios[] = {
    {"plain", plain, true},
    {"plain, one listens", plain_listening, true},
    {"reuse both", reuse_both, true},
    {"reuse both, one listens", reuse_listening, true},
    {"reuse one", reuse_one, true},
    {"share both", share_both, true},
    {"share one", share_one, true},
    {"share and reuse", share_and_reuse, true},
    {"after listening", after_listening, false},
    {"bind twice", twice, false},
    {"listen without bind", listen_without_bind, false},
    {"bound client", bound_client, false},
    {"both families", both_families, true},
    {"only IPv6", only_ipv6, true},
};
const size_t bind_scenario_count = sizeof bind_scenarios / sizeof bind_scenarios[0];
