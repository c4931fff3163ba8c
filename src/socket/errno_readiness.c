/* SPDX-License-Identifier: MIT
 *
 * poll and epoll: what is ready when, and how often it is told.
 */
#include "errno_scenarios.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>

#define ALL (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLRDNORM | EPOLLWRNORM)

static void fresh_sockets(struct world *world)
{
    uint16_t port;
    int fd = w_socket(world, CLIENT, AF_INET, SOCK_STREAM, 0);
    int listener = w_listener(world, AF_INET, &port);
    w_poll(world, fd, 0);
    w_poll(world, fd, 0x7fff);
    w_poll(world, listener, 0x7fff);
}

/* One life, watched level-triggered and edge-triggered. */
static void watch_life(struct world *world, uint32_t how)
{
    int epoll = w_epoll_create1(world, SERVER, 0);
    struct pair pair = w_pair(world, AF_INET);
    w_epoll_add(world, epoll, pair.server, ALL | how);
    w_epoll_wait(world, epoll);
    w_epoll_wait(world, epoll);
    w_send(world, pair.client, "abc", 3, 0);
    w_await_bytes(world, pair.server, 3);
    w_epoll_wait(world, epoll);
    w_epoll_wait(world, epoll);
    w_recv(world, pair.server, 1, 0);
    w_epoll_wait(world, epoll);
    w_send(world, pair.client, "def", 3, 0);
    w_await_bytes(world, pair.server, 5);
    w_epoll_wait(world, epoll);
    w_recv(world, pair.server, 10, 0);
    w_epoll_wait(world, epoll);
    w_epoll_mod(world, epoll, pair.server, ALL | how);
    w_epoll_wait(world, epoll);
    w_epoll_wait(world, epoll);
    w_send(world, pair.client, "U", 1, MSG_OOB);
    w_await(world, pair.server, POLLPRI);
    w_settle(world);
    w_epoll_wait(world, epoll);
    w_epoll_wait(world, epoll);
    w_recv(world, pair.server, 1, MSG_OOB);
    w_epoll_wait(world, epoll);
    w_shutdown(world, pair.client, SHUT_WR);
    w_await(world, pair.server, POLLRDHUP);
    w_epoll_wait(world, epoll);
    w_epoll_wait(world, epoll);
    w_shutdown(world, pair.server, SHUT_WR);
    w_settle(world);
    w_epoll_wait(world, epoll);
    w_epoll_wait(world, epoll);
    w_close(world, pair.server);
    w_epoll_wait(world, epoll);
}

static void level_triggered(struct world *world)
{
    watch_life(world, 0);
}

static void edge_triggered(struct world *world)
{
    watch_life(world, EPOLLET);
}

static void one_shot(struct world *world)
{
    watch_life(world, EPOLLONESHOT);
}

static void reset_watched(struct world *world)
{
    for (int edge = 0; edge < 2; edge++) {
        int epoll = w_epoll_create1(world, SERVER, 0);
        struct pair pair = w_pair(world, AF_INET);
        struct linger linger = {1, 0};
        w_epoll_add(world, epoll, pair.server, edge ? EPOLLIN | EPOLLET : EPOLLIN);
        w_epoll_wait(world, epoll);
        w_setsockopt(world, pair.client, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
        w_close(world, pair.client);
        w_await(world, pair.server, POLLHUP);
        w_epoll_wait(world, epoll);
        w_epoll_wait(world, epoll);
        w_error(world, pair.server);
        w_epoll_wait(world, epoll);
    }
}

static void connect_watched(struct world *world)
{
    for (int refused = 0; refused < 2; refused++) {
        int epoll = w_epoll_create1(world, CLIENT, 0);
        uint16_t port;
        int listener = w_listener(world, AF_INET, &port);
        struct sockaddr_storage address;
        int fd = w_socket(world, CLIENT, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (refused) {
            w_close(world, listener);
        }
        address = w_address(world, AF_INET, false, port);
        w_epoll_add(world, epoll, fd, ALL | EPOLLET);
        w_epoll_wait(world, epoll);
        w_epoll_wait(world, epoll);
        w_connect(world, fd, &address, w_length(world, AF_INET));
        w_await(world, fd, POLLOUT);
        w_settle(world);
        w_epoll_wait(world, epoll);
        w_epoll_wait(world, epoll);
        w_error(world, fd);
        w_poll(world, fd, ALL);
        w_epoll_wait(world, epoll);
    }
}

static void accept_watched(struct world *world)
{
    for (int edge = 0; edge < 2; edge++) {
        uint16_t port;
        int epoll = w_epoll_create1(world, SERVER, 0);
        int listener = w_listener(world, AF_INET, &port);
        struct sockaddr_storage address = w_address(world, AF_INET, false, port);
        w_epoll_add(world, epoll, listener, edge ? ALL | EPOLLET : ALL);
        w_epoll_wait(world, epoll);
        for (int i = 0; i < 2; i++) {
            int client = w_socket(world, CLIENT, AF_INET, SOCK_STREAM, 0);
            w_connect(world, client, &address, w_length(world, AF_INET));
            w_settle(world);
            w_epoll_wait(world, epoll);
            w_epoll_wait(world, epoll);
        }
        w_accept(world, listener, 0);
        w_epoll_wait(world, epoll);
        w_accept(world, listener, 0);
        w_epoll_wait(world, epoll);
        w_accept(world, listener, 0);
        w_shutdown(world, listener, SHUT_RD);
        w_epoll_wait(world, epoll);
        w_poll(world, listener, ALL);
    }
}

/* Shutting down and disconnecting wake, too. */
static void own_calls_watched(struct world *world)
{
    int epoll = w_epoll_create1(world, CLIENT, 0);
    struct pair pair = w_pair(world, AF_INET);
    struct sockaddr_storage unset = {.ss_family = AF_UNSPEC};
    w_epoll_add(world, epoll, pair.client, ALL | EPOLLET);
    w_epoll_wait(world, epoll);
    w_shutdown(world, pair.client, SHUT_RD);
    w_epoll_wait(world, epoll);
    w_shutdown(world, pair.client, SHUT_WR);
    w_epoll_wait(world, epoll); /* and the kernel wakes once more when the FIN is acknowledged */
    w_connect(world, pair.client, &unset, 16);
    w_epoll_wait(world, epoll);
    w_epoll_wait(world, epoll);
}

/* The same socket in two instances, two sockets in one. */
static void several(struct world *world)
{
    int one = w_epoll_create1(world, SERVER, 0);
    int two = w_epoll_create1(world, SERVER, 0);
    struct pair first = w_pair(world, AF_INET);
    struct pair second = w_pair(world, AF_INET);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 1};
    w_epoll_ctl(world, one, EPOLL_CTL_ADD, first.server, &event);
    event.data.u64 = 2;
    w_epoll_ctl(world, one, EPOLL_CTL_ADD, second.server, &event);
    event.data.u64 = 3;
    w_epoll_ctl(world, two, EPOLL_CTL_ADD, first.server, &event);
    w_send(world, first.client, "a", 1, 0);
    w_await_bytes(world, first.server, 1);
    w_send(world, second.client, "b", 1, 0);
    w_await_bytes(world, second.server, 1);
    w_epoll_wait(world, one);
    w_epoll_wait(world, two);
    w_recv(world, first.server, 1, 0);
    w_epoll_wait(world, one);
    w_epoll_wait(world, two);
    w_close(world, second.server);
    w_epoll_wait(world, one);
    w_epoll_ctl(world, one, EPOLL_CTL_DEL, first.server, NULL);
    w_epoll_ctl(world, one, EPOLL_CTL_DEL, second.server, NULL);
    w_close(world, one);
    w_epoll_wait(world, two);
}

/* Level-triggered ones take turns when there is room for fewer than are ready. */
static void taking_turns(struct world *world)
{
    int epoll = w_epoll_create1(world, SERVER, 0);
    struct pair pairs[3];
    for (int i = 0; i < 3; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)i};
        pairs[i] = w_pair(world, AF_INET);
        w_epoll_ctl(world, epoll, EPOLL_CTL_ADD, pairs[i].server, &event);
        w_send(world, pairs[i].client, "x", 1, 0);
        w_await_bytes(world, pairs[i].server, 1);
    }
    for (int i = 0; i < 7; i++) {
        struct epoll_event event = {0};
        w_epoll_wait_raw(world, epoll, &event, 1, 0);
        w_note(world, "%d", (int)event.data.u64);
    }
}

static void full_buffer(struct world *world)
{
    static const char block[4096];
    int epoll = w_epoll_create1(world, CLIENT, 0);
    struct pair pair = w_pair(world, AF_INET);
    int rounds = 0;
    char sink[65536];
    w_epoll_add(world, epoll, pair.client, EPOLLOUT | EPOLLET);
    w_epoll_wait(world, epoll);
    w_set(world, pair.client, SOL_SOCKET, SO_SNDBUF, 20000);
    w_set(world, pair.server, SOL_SOCKET, SO_RCVBUF, 20000);
    w_fill(world, pair.client, block, sizeof block);
    w_poll(world, pair.client, POLLOUT | POLLIN);
    w_epoll_wait(world, epoll);
    w_send(world, pair.client, block, 1, 0);
    while (w_drain(world, pair.server, sink, sizeof sink) && rounds++ < 1000) {
        w_settle(world);
    }
    w_await(world, pair.client, POLLOUT);
    w_epoll_wait(world, epoll);
    w_epoll_wait(world, epoll);
    w_poll(world, pair.client, POLLOUT | POLLIN);
}

/* Unsent bytes keep a socket unwritable, and are counted; a FIN behind them counts one. */
static void unsent(struct world *world)
{
    static const char block[4096];
    struct pair pair = w_pair(world, AF_INET);
    int before = 0;
    int after = 0;
    w_set(world, pair.client, SOL_TCP, TCP_NOTSENT_LOWAT, 1);
    w_poll(world, pair.client, POLLOUT);
    w_set(world, pair.client, SOL_TCP, TCP_NOTSENT_LOWAT, -1);
    w_fill(world, pair.client, block, sizeof block);
    w_set(world, pair.client, SOL_SOCKET, SO_SNDBUF, 100000);
    w_set(world, pair.client, SOL_TCP, TCP_NOTSENT_LOWAT, 1);
    w_poll(world, pair.client, POLLOUT);
    w_send(world, pair.client, block, 1, 0);
    w_hush(world, true);
    w_ioctl(world, pair.client, SIOCOUTQ, &before);
    w_hush(world, false);
    w_shutdown(world, pair.client, SHUT_WR);
    w_hush(world, true);
    w_ioctl(world, pair.client, SIOCOUTQ, &after);
    w_hush(world, false);
    w_note(world, "%d", after - before);
    w_poll(world, pair.client, POLLOUT);
    w_send(world, pair.client, block, 1, 0);
}

static void waiting(struct world *world)
{
    struct pair pair = w_pair(world, AF_INET);
    struct pollfd entries[2] = {{pair.server, POLLIN, 0}, {pair.listener, POLLIN, 0}};
    int epoll = w_epoll_create1(world, SERVER, 0);
    struct epoll_event event = {0};
    w_poll_raw(world, entries, 2, 20);
    w_epoll_add(world, epoll, pair.server, EPOLLIN);
    w_epoll_wait_raw(world, epoll, &event, 1, 20);
    w_send(world, pair.client, "a", 1, 0);
    w_poll_raw(world, entries, 2, -1);
    w_note(world, "%d %d", entries[0].revents, entries[1].revents);
    w_epoll_wait_raw(world, epoll, &event, 1, -1);
    w_note(world, "%#x", event.events);
}

const struct named_scenario readiness_scenarios[] = {
    {"fresh sockets", fresh_sockets, false},
    {"level-triggered", level_triggered, false},
    {"edge-triggered", edge_triggered, false},
    {"one-shot", one_shot, false},
    {"reset, watched", reset_watched, false},
    {"connect, watched", connect_watched, false},
    {"accept, watched", accept_watched, false},
    {"own calls, watched", own_calls_watched, false},
    {"several", several, false},
    {"taking turns", taking_turns, false},
    {"full buffer", full_buffer, false},
    {"unsent", unsent, false},
    {"waiting", waiting, false},
};
const size_t readiness_scenario_count = sizeof readiness_scenarios / sizeof readiness_scenarios[0];
