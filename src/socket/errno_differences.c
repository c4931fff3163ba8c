/* SPDX-License-Identifier: MIT
 *
 * Where Handfast's answer is not Linux's, on purpose or because the core cannot do it: what it is
 * instead, and why. This is the whole list as far as it is known; the rest is expected to agree.
 */
#include "errno_scenarios.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>

static void other_sockets(struct world *world)
{
    w_differs(world, -ESOCKTNOSUPPORT, "TCP is all there is");
    w_socket(world, CLIENT, AF_INET, SOCK_DGRAM, 0);
    w_differs(world, -EAFNOSUPPORT, "and IP under it");
    w_socket(world, CLIENT, AF_UNIX, SOCK_STREAM, 0);
}

static void addresses(struct world *world)
{
    struct sockaddr_storage any = w_any(world, AF_INET, 80);
    struct sockaddr_storage no_port = w_address(world, AF_INET, false, 0);
    struct sockaddr_storage multicast = w_any(world, AF_INET, 0);
    int fd = w_socket(world, CLIENT, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ((struct sockaddr_in *)&multicast)->sin_addr.s_addr = htonl(0xe0000001);
    w_differs(world, -EADDRNOTAVAIL, "Linux sends a SYN to port 0, which nobody can answer");
    w_connect(world, fd, &no_port, w_length(world, AF_INET));
    w_close(world, fd);
    fd = w_socket(world, CLIENT, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    w_connect(world, fd, &any, w_length(world, AF_INET));
    w_close(world, fd);
    fd = w_socket(world, CLIENT, AF_INET, SOCK_STREAM, 0);
    w_differs(world, -EADDRNOTAVAIL, "no connection can come there (MUST-57)");
    w_bind(world, fd, &multicast, w_length(world, AF_INET));
}

static void options(struct world *world)
{
    static const struct {
        int level, name, value, ours;
        const char *reason;
    } rows[] = {
        {SOL_IP, IP_TRANSPARENT, 0, -ENOPROTOOPT, "own addresses only"},
        {SOL_IP, IP_FREEBIND, 1, -ENOPROTOOPT, "own addresses only"},
        {SOL_SOCKET, SO_BROADCAST, 1, -ENOPROTOOPT, "means nothing to TCP"},
        {SOL_SOCKET, SO_DONTROUTE, 1, -ENOPROTOOPT, "there are no routes"},
        {SOL_SOCKET, SO_PRIORITY, 1, -ENOPROTOOPT, "no queues to choose from"},
        {SOL_SOCKET, SO_INCOMING_CPU, 1, -ENOPROTOOPT, "no processor is known here"},
    };
    int fd = w_socket(world, CLIENT, AF_INET, SOCK_STREAM, 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        w_differs(world, rows[i].ours, rows[i].reason);
        w_set(world, fd, rows[i].level, rows[i].name, rows[i].value);
    }
}

static void hop_limit(struct world *world)
{
    int fd = w_socket(world, CLIENT, AF_INET6, SOCK_STREAM, 0);
    w_differs(world, -EINVAL, "a hop limit of 0 reaches nobody");
    w_set(world, fd, SOL_IPV6, IPV6_UNICAST_HOPS, 0);
}

const struct named_scenario difference_scenarios[] = {
    {"other sockets", other_sockets, false},
    {"addresses", addresses, false},
    {"options", options, false},
    {"hop limit", hop_limit, true},
};
const size_t difference_scenario_count =
    sizeof difference_scenarios / sizeof difference_scenarios[0];
