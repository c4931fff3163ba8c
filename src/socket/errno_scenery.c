/* SPDX-License-Identifier: MIT
 *
 * Addresses, ports, connected pairs, and waiting for something to happen.
 */
#include "errno_world_state.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PATIENCE_MS 10000

socklen_t w_length(struct world *world, int domain)
{
    return world_domain(world, domain) == AF_INET ? sizeof(struct sockaddr_in)
                                                  : sizeof(struct sockaddr_in6);
}

static struct sockaddr_storage make_address(int domain, const char *text, uint16_t port)
{
    struct sockaddr_storage storage;
    memset(&storage, 0, sizeof storage);
    storage.ss_family = (sa_family_t)domain;
    if (domain == AF_INET) {
        struct sockaddr_in *in = (struct sockaddr_in *)&storage;
        in->sin_port = htons(port);
        inet_pton(AF_INET, text, &in->sin_addr);
    } else {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&storage;
        in6->sin6_port = htons(port);
        inet_pton(AF_INET6, text, &in6->sin6_addr);
    }
    return storage;
}

struct sockaddr_storage w_address(struct world *world, int domain, bool mapped, uint16_t port)
{
    mapped = mapped || (domain == AF_INET && world->cast == AS_MAPPED);
    domain = world_domain(world, domain);
    if (domain == AF_INET) {
        return make_address(domain, world->kernel ? "127.0.0.1" : "10.0.0.2", port);
    }
    if (mapped) {
        return make_address(domain, world->kernel ? "::ffff:127.0.0.1" : "::ffff:10.0.0.2", port);
    }
    return make_address(domain, world->kernel ? "::1" : "fd00::2", port);
}

struct sockaddr_storage w_any(struct world *world, int domain, uint16_t port)
{
    domain = world_domain(world, domain);
    return make_address(domain, domain == AF_INET ? "0.0.0.0" : "::", port);
}

struct sockaddr_storage w_foreign(struct world *world, int domain, uint16_t port)
{
    domain = world_domain(world, domain);
    return make_address(domain, domain == AF_INET ? "192.0.2.77" : "2001:db8::77", port);
}

uint16_t w_port_of(struct world *world, int fd)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    struct sockaddr_in in; /* sin6_port lies where sin_port does */
    memset(&address, 0, sizeof address);
    if (world->kernel) {
        (void)getsockname(fd, (struct sockaddr *)&address, &length);
    } else {
        (void)hf_socket_getsockname(world_set(world, fd), fd, (struct sockaddr *)&address, &length);
    }
    memcpy(&in, &address, sizeof in);
    return ntohs(in.sin_port);
}

uint16_t w_free_port(struct world *world, enum side side)
{
    int domain = kernel_has_ipv6() ? AF_INET6 : AF_INET;
    struct sockaddr_storage any = w_any(world, domain, 0);
    bool quiet = world->quiet;
    uint16_t port;
    int fd;
    world->quiet = true;
    fd = world_open_socket(world, side, domain, SOCK_STREAM, 0);
    if (domain == AF_INET6) {
        (void)w_set(world, fd, SOL_IPV6, IPV6_V6ONLY, 0);
    }
    (void)w_bind(world, fd, &any,
                 domain == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
    port = w_port_of(world, fd);
    (void)w_close(world, fd);
    world->quiet = quiet;
    return port;
}

int w_listener(struct world *world, int domain, uint16_t *port)
{
    struct sockaddr_storage address = w_address(world, domain, false, 0);
    bool quiet = world->quiet;
    int fd;
    world->quiet = true;
    fd = w_socket(world, SERVER, domain, SOCK_STREAM | SOCK_NONBLOCK, 0);
    (void)w_bind(world, fd, &address, w_length(world, domain));
    (void)w_listen(world, fd, 5);
    *port = w_port_of(world, fd);
    world->quiet = quiet;
    return fd;
}

struct pair w_pair(struct world *world, int domain)
{
    struct pair pair;
    struct sockaddr_storage address;
    bool quiet = world->quiet;
    pair.listener = w_listener(world, domain, &pair.port);
    address = w_address(world, domain, false, pair.port);
    world->quiet = true;
    pair.client = w_socket(world, CLIENT, domain, SOCK_STREAM | SOCK_NONBLOCK, 0);
    (void)w_connect(world, pair.client, &address, w_length(world, domain));
    w_await(world, pair.client, POLLOUT);
    (void)w_connect(world, pair.client, &address,
                    w_length(world, domain)); /* takes the good news */
    w_await(world, pair.listener, POLLIN);
    pair.server = w_accept(world, pair.listener, SOCK_NONBLOCK);
    world->quiet = quiet;
    if (pair.server < 0) {
        fprintf(stderr, "no connection in the %s\n", world->kernel ? "kernel" : "simulation");
    }
    return pair;
}

void w_await(struct world *world, int fd, int events)
{
    struct pollfd entry = {.fd = fd, .events = (short)events};
    int ready = world->kernel ? poll(&entry, 1, PATIENCE_MS)
                              : hf_socket_poll(world_set(world, fd), &entry, 1, PATIENCE_MS);
    if (ready != 1) {
        fprintf(stderr, "%s: descriptor %d never became ready for %#x (%d)\n",
                world->kernel ? "kernel" : "handfast", fd, (unsigned)events, ready);
    }
}

static int readable_bytes(struct world *world, int fd)
{
    int count = 0;
    if (world->kernel) {
        (void)ioctl(fd, FIONREAD, &count);
    } else {
        (void)hf_socket_ioctl(world_set(world, fd), fd, FIONREAD, &count);
    }
    return count;
}

void w_await_bytes(struct world *world, int fd, int count)
{
    for (int tries = 0; tries < PATIENCE_MS && readable_bytes(world, fd) < count; tries++) {
        if (world->kernel) {
            usleep(1000);
        } else {
            (void)hf_sim_run(world->sim, hf_sim_now(world->sim) + HF_MILLISECOND);
        }
    }
}

void w_fill(struct world *world, int fd, const void *block, size_t length)
{
    bool quiet = world->quiet;
    world->quiet = true;
    for (int tries = 0; tries < 3; tries++) {
        while (w_send(world, fd, block, length, MSG_DONTWAIT) > 0) {
            tries = 0;
        }
        w_settle(world);
    }
    world->quiet = quiet;
}

bool w_drain(struct world *world, int fd, void *sink, size_t length)
{
    bool quiet = world->quiet;
    ssize_t n;
    world->quiet = true;
    n = w_recv_raw(world, fd, sink, length, MSG_DONTWAIT);
    world->quiet = quiet;
    return n > 0;
}

void w_settle(struct world *world)
{
    if (world->kernel) {
        usleep(5000);
    } else {
        (void)hf_sim_run(world->sim, hf_sim_now(world->sim) + 5 * HF_MILLISECOND);
        (void)hf_sockets_update(world->sets[CLIENT]);
        (void)hf_sockets_update(world->sets[SERVER]);
    }
}

bool kernel_has_ipv6(void)
{
    struct sockaddr_storage address = make_address(AF_INET6, "::1", 0);
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool has = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(struct sockaddr_in6)) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return has;
}
