/* SPDX-License-Identifier: MIT
 *
 * Options: every one with every length, values in and out of range, before and after connecting.
 * Values that depend on how a kernel is configured are set before they are read.
 */
#include "errno_scenarios.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

struct name {
    int level, name;
};

static const struct name int_options[] = {
    {SOL_SOCKET, SO_REUSEADDR},
    {SOL_SOCKET, SO_REUSEPORT},
    {SOL_SOCKET, SO_KEEPALIVE},
    {SOL_SOCKET, SO_OOBINLINE},
    {SOL_SOCKET, SO_RCVLOWAT},
    {SOL_TCP, TCP_NODELAY},
    {SOL_TCP, TCP_CORK},
    {SOL_TCP, TCP_MAXSEG},
    {SOL_TCP, TCP_KEEPIDLE},
    {SOL_TCP, TCP_KEEPINTVL},
    {SOL_TCP, TCP_KEEPCNT},
    {SOL_TCP, TCP_SYNCNT},
    {SOL_TCP, TCP_USER_TIMEOUT},
    {SOL_TCP, TCP_LINGER2},
    {SOL_TCP, TCP_QUICKACK},
    {SOL_TCP, TCP_NOTSENT_LOWAT},
    {SOL_IP, IP_TOS},
    {SOL_IP, IP_TTL},
    {SOL_IP, IP_RECVERR},
    {SOL_IP, IP_BIND_ADDRESS_NO_PORT},
    {SOL_TCP, TCP_DEFER_ACCEPT},
    {SOL_TCP, TCP_SAVE_SYN},
    {SOL_TCP, TCP_FASTOPEN},
    {SOL_TCP, TCP_FASTOPEN_CONNECT},
    {SOL_TCP, TCP_FASTOPEN_NO_COOKIE},
    {SOL_SOCKET, SO_ZEROCOPY},
    {SOL_SOCKET, SO_TIMESTAMP},
    {SOL_SOCKET, SO_TIMESTAMPNS},
};

static const struct name int_options_ipv6[] = {
    {SOL_IPV6, IPV6_V6ONLY},  {SOL_IPV6, IPV6_TCLASS}, {SOL_IPV6, IPV6_UNICAST_HOPS},
    {SOL_IPV6, IPV6_RECVERR}, {SOL_IP, IP_TOS},        {SOL_IP, IP_TTL},
};

static const int values[] = {1,     0,     2,     -1,    -2,     5,       87,     88,
                             120,   121,   127,   128,   255,    256,     257,    1000,
                             32767, 32768, 65495, 65496, 100000, INT_MAX, INT_MIN};

/* IPV6_UNICAST_HOPS 0 is refused here: see options_ip.c. */
static bool differs(struct name name, int value)
{
    return name.level == SOL_IPV6 && name.name == IPV6_UNICAST_HOPS && value == 0;
}

static void ranges(struct world *world, int fd, const struct name *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        w_note(world, "option %d %d", names[i].level, names[i].name);
        for (size_t j = 0; j < sizeof values / sizeof values[0]; j++) {
            if (differs(names[i], values[j])) {
                continue;
            }
            if (w_set(world, fd, names[i].level, names[i].name, values[j]) == 0) {
                (void)w_get(world, fd, names[i].level, names[i].name);
            }
        }
        w_set(world, fd, names[i].level, names[i].name, 1);
    }
}

/* SO_RCVLOWAT's ceiling is half of tcp_rmem's, which differs; it has a scenario of its own. */
static void ranges_one(struct world *world, size_t from, size_t to)
{
    int fd = w_socket(world, CLIENT, AF_INET, SOCK_STREAM, 0);
    ranges(world, fd, int_options + from, to - from);
}

static void ranges_socket(struct world *world)
{
    ranges_one(world, 0, 4);
}

static void ranges_tcp_flags(struct world *world)
{
    ranges_one(world, 5, 8);
}

static void ranges_tcp_times(struct world *world)
{
    ranges_one(world, 8, 14);
}

static void ranges_tcp_others(struct world *world)
{
    ranges_one(world, 14, 16);
}

static void ranges_ip(struct world *world)
{
    ranges_one(world, 16, 20);
}

static void ranges_tcp_opening(struct world *world)
{
    ranges_one(world, 20, 25);
}

static void ranges_told(struct world *world)
{
    ranges_one(world, 25, 28);
}

static void ranges_ipv6(struct world *world)
{
    int fd = w_socket(world, CLIENT, AF_INET6, SOCK_STREAM, 0);
    ranges(world, fd, int_options_ipv6, sizeof int_options_ipv6 / sizeof int_options_ipv6[0]);
}

static void lengths_of(struct world *world, int fd, const struct name *names, size_t count)
{
    static const socklen_t lengths[] = {0, 1, 2, 3, 4, 5, 8, (socklen_t)-1};
    for (size_t i = 0; i < count; i++) {
        w_set(world, fd, names[i].level, names[i].name, 88);
        for (size_t j = 0; j < sizeof lengths / sizeof lengths[0]; j++) {
            union {
                char bytes[16];
                int number;
            } value;
            socklen_t length = lengths[j];
            memset(value.bytes, 0x5a, sizeof value.bytes);
            w_getsockopt(world, fd, names[i].level, names[i].name, value.bytes, &length);
            w_note(world, "length %u value %#x", (unsigned)length, (unsigned)value.number);
            memset(value.bytes, 0, sizeof value.bytes);
            value.number = 90;
            w_setsockopt(world, fd, names[i].level, names[i].name, value.bytes, lengths[j]);
            (void)w_get(world, fd, names[i].level, names[i].name);
        }
        w_setsockopt(world, fd, names[i].level, names[i].name, NULL, 4);
        w_getsockopt(world, fd, names[i].level, names[i].name, NULL, NULL);
        w_getsockopt(world, fd, names[i].level, names[i].name, NULL, &(socklen_t){4});
        w_getsockopt(world, fd, names[i].level, names[i].name, NULL, &(socklen_t){0});
    }
}

static void lengths(struct world *world)
{
    static const struct name some[] = {{SOL_SOCKET, SO_REUSEADDR}, {SOL_SOCKET, SO_OOBINLINE},
                                       {SOL_TCP, TCP_NODELAY},     {SOL_TCP, TCP_KEEPCNT},
                                       {SOL_TCP, TCP_MAXSEG},      {SOL_IP, IP_TOS},
                                       {SOL_IP, IP_TTL},           {SOL_IP, IP_RECVERR}};
    int fd = w_socket(world, CLIENT, AF_INET, SOCK_STREAM, 0);
    lengths_of(world, fd, some, sizeof some / sizeof some[0]);
}

static void lengths_ipv6(struct world *world)
{
    static const struct name some[] = {
        {SOL_IPV6, IPV6_V6ONLY}, {SOL_IPV6, IPV6_TCLASS}, {SOL_IPV6, IPV6_RECVERR}};
    int fd = w_socket(world, CLIENT, AF_INET6, SOCK_STREAM, 0);
    lengths_of(world, fd, some, sizeof some / sizeof some[0]);
}

static void read_only(struct world *world)
{
    static const struct name names[] = {{SOL_SOCKET, SO_TYPE},       {SOL_SOCKET, SO_DOMAIN},
                                        {SOL_SOCKET, SO_PROTOCOL},   {SOL_SOCKET, SO_ERROR},
                                        {SOL_SOCKET, SO_ACCEPTCONN}, {SOL_SOCKET, SO_SNDLOWAT}};
    int domains[] = {AF_INET, AF_INET6};
    for (int i = 0; i < 2; i++) {
        int fd = w_socket(world, CLIENT, domains[i], SOCK_STREAM, 0);
        for (size_t j = 0; j < sizeof names / sizeof names[0]; j++) {
            (void)w_get(world, fd, names[j].level, names[j].name);
            w_set(world, fd, names[j].level, names[j].name, 1);
            w_setsockopt(world, fd, names[j].level, names[j].name, NULL, 4);
            w_setsockopt(world, fd, names[j].level, names[j].name, "x", 1);
        }
    }
}

static void unknown(struct world *world)
{
    static const struct name names[] = {
        {SOL_SOCKET, 9999}, {SOL_TCP, 9999}, {SOL_IP, 9999},         {SOL_IPV6, 9999}, {17, 1},
        {9999, 1},          {-1, -1},        {SOL_IPV6, IPV6_V6ONLY}};
    int domains[] = {AF_INET, AF_INET6};
    for (int i = 0; i < 2; i++) {
        int fd = w_socket(world, CLIENT, domains[i], SOCK_STREAM, 0);
        for (size_t j = 0; j < sizeof names / sizeof names[0] - (i == 1); j++) {
            socklen_t negative = (socklen_t)-1;
            int number = 1;
            (void)w_get(world, fd, names[j].level, names[j].name);
            w_set(world, fd, names[j].level, names[j].name, 1);
            w_setsockopt(world, fd, names[j].level, names[j].name, "x", 1);
            w_setsockopt(world, fd, names[j].level, names[j].name, NULL, 4);
            w_setsockopt(world, fd, names[j].level, names[j].name, &number, negative);
            w_getsockopt(world, fd, names[j].level, names[j].name, &number, &negative);
            w_getsockopt(world, fd, names[j].level, names[j].name, &number, NULL);
        }
    }
}

/* As far as any kernel's limits allow. */
static void buffers(struct world *world)
{
    static const int sizes[] = {0, 1, 1000, 1152, 1153, 2304, 2305, 4096, 10000, 65536, 100000};
    int fd = w_socket(world, CLIENT, AF_INET, SOCK_STREAM, 0);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        w_set(world, fd, SOL_SOCKET, SO_RCVBUF, sizes[i]);
        (void)w_get(world, fd, SOL_SOCKET, SO_RCVBUF);
        w_set(world, fd, SOL_SOCKET, SO_SNDBUF, sizes[i]);
        (void)w_get(world, fd, SOL_SOCKET, SO_SNDBUF);
    }
    w_setsockopt(world, fd, SOL_SOCKET, SO_RCVBUF, "x", 1);
    w_setsockopt(world, fd, SOL_SOCKET, SO_RCVBUF, NULL, 4);
}

static void low_water(struct world *world)
{
    static const int levels[] = {0, 1, 2, 100, 49999, 50000, 50001, 99999, -1, INT_MAX};
    struct pair pair = w_pair(world, AF_INET);
    int fd = w_socket(world, CLIENT, AF_INET, SOCK_STREAM, 0);
    (void)w_get(world, fd, SOL_SOCKET, SO_RCVLOWAT);
    w_set(world, fd, SOL_SOCKET, SO_RCVBUF, 50000);
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        w_set(world, fd, SOL_SOCKET, SO_RCVLOWAT, levels[i]);
        (void)w_get(world, fd, SOL_SOCKET, SO_RCVLOWAT);
    }
    w_set(world, pair.server, SOL_SOCKET, SO_RCVLOWAT, 4);
    w_send(world, pair.client, "abc", 3, 0);
    w_await_bytes(world, pair.server, 3);
    w_poll(world, pair.server, POLLIN);
    w_recv(world, pair.server, 10, MSG_PEEK);
    w_send(world, pair.client, "d", 1, 0);
    w_await_bytes(world, pair.server, 4);
    w_poll(world, pair.server, POLLIN);
    w_recv(world, pair.server, 2, 0);
    w_poll(world, pair.server, POLLIN);
    w_set(world, pair.server, SOL_SOCKET, SO_RCVLOWAT, 1);
    w_poll(world, pair.server, POLLIN);
}

static void lingers(struct world *world)
{
    static const struct linger rows[] = {{0, 0}, {1, 0}, {1, 5}, {0, 9}, {7, 100}, {-1, 3}};
    int fd = w_socket(world, CLIENT, AF_INET, SOCK_STREAM, 0);
    struct linger out;
    socklen_t length;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        w_setsockopt(world, fd, SOL_SOCKET, SO_LINGER, &rows[i], sizeof rows[i]);
        length = sizeof out;
        w_getsockopt(world, fd, SOL_SOCKET, SO_LINGER, &out, &length);
        w_note(world, "%d %d (%u)", out.l_onoff, out.l_linger, (unsigned)length);
    }
    w_setsockopt(world, fd, SOL_SOCKET, SO_LINGER, &rows[0], 7);
    w_setsockopt(world, fd, SOL_SOCKET, SO_LINGER, &rows[0], 3);
    w_setsockopt(world, fd, SOL_SOCKET, SO_LINGER, NULL, 8);
    length = 5;
    w_getsockopt(world, fd, SOL_SOCKET, SO_LINGER, &out, &length);
    w_note(world, "(%u)", (unsigned)length);
}

static void timevals(struct world *world)
{
    static const struct timeval rows[] = {{0, 0},       {1, 0},        {0, 500000}, {0, 900000},
                                          {0, 1000000}, {0, -1},       {-1, 0},     {-1, 5},
                                          {3600, 0},    {LONG_MAX, 0}, {5, 1000000}};
    static const int names[] = {SO_RCVTIMEO, SO_SNDTIMEO};
    int fd = w_socket(world, CLIENT, AF_INET, SOCK_STREAM, 0);
    for (int n = 0; n < 2; n++) {
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            struct timeval out = {0};
            socklen_t length = sizeof out;
            w_setsockopt(world, fd, SOL_SOCKET, names[n], &rows[i], sizeof rows[i]);
            w_getsockopt(world, fd, SOL_SOCKET, names[n], &out, &length);
            /* The kernel rounds up to its tick. */
            w_note(world, "%ld %ld (%u)", (long)out.tv_sec, (long)out.tv_usec / 100000,
                   (unsigned)length);
        }
        w_setsockopt(world, fd, SOL_SOCKET, names[n], &rows[0], 15);
        w_setsockopt(world, fd, SOL_SOCKET, names[n], &rows[0], 4);
        w_setsockopt(world, fd, SOL_SOCKET, names[n], &rows[0], 20);
        w_setsockopt(world, fd, SOL_SOCKET, names[n], NULL, 16);
    }
}

static void congestion(struct world *world)
{
    int fd = w_socket(world, CLIENT, AF_INET, SOCK_STREAM, 0);
    static const socklen_t room[] = {0, 1, 4, 16, 20};
    w_setsockopt(world, fd, SOL_TCP, TCP_CONGESTION, "reno", 4);
    for (size_t i = 0; i < sizeof room / sizeof room[0]; i++) {
        char name[32] = "????????????????????";
        socklen_t length = room[i];
        w_getsockopt(world, fd, SOL_TCP, TCP_CONGESTION, name, &length);
        w_note(world, "%.20s (%u)", name, (unsigned)length);
    }
    w_setsockopt(world, fd, SOL_TCP, TCP_CONGESTION, "nosuch", 6);
    w_setsockopt(world, fd, SOL_TCP, TCP_CONGESTION, "", 0);
    w_setsockopt(world, fd, SOL_TCP, TCP_CONGESTION, "", 1);
    w_setsockopt(world, fd, SOL_TCP, TCP_CONGESTION, NULL, 4);
    w_setsockopt(world, fd, SOL_TCP, TCP_CONGESTION, "reno\0more", 9);
    w_getsockopt(world, fd, SOL_TCP, TCP_CONGESTION, NULL, &(socklen_t){4});
}

/* The parts of TCP_INFO that do not depend on the path: the state, what was agreed, how much. */
static void information(struct world *world, int fd)
{
    unsigned char info[512];
    socklen_t length = 104;
    uint32_t word;
    memset(info, 0xff, sizeof info);
    w_getsockopt(world, fd, SOL_TCP, TCP_INFO, info, &length);
    w_note(world, "(%u) state %d ca %d retransmits %d options %#x", (unsigned)length, info[0],
           info[1], info[2], info[5] & 7);
    if (info[0] == 10) {
        memcpy(&word, info + 24, sizeof word);
        w_note(world, "waiting %u", (unsigned)word);
        memcpy(&word, info + 28, sizeof word);
        w_note(world, "backlog %u", (unsigned)word);
    }
    length = 3;
    w_getsockopt(world, fd, SOL_TCP, TCP_INFO, info, &length);
    w_note(world, "(%u)", (unsigned)length);
    if (info[0] != 10) {
        uint64_t received;
        uint64_t acknowledged;
        length = 136;
        memset(info, 0xff, sizeof info);
        w_getsockopt(world, fd, SOL_TCP, TCP_INFO, info, &length);
        memcpy(&acknowledged, info + 120, sizeof acknowledged);
        memcpy(&received, info + 128, sizeof received);
        w_note(world, "(%u) acknowledged %d received %d", (unsigned)length, (int)acknowledged,
               (int)received);
    }
}

static void information_of_all(struct world *world)
{
    int fresh = w_socket(world, CLIENT, AF_INET, SOCK_STREAM, 0);
    struct pair pair = w_pair(world, AF_INET);
    (void)w_get(world, fresh, SOL_TCP, TCP_MAXSEG);
    information(world, fresh);
    information(world, pair.listener);
    information(world, pair.client);
    w_send(world, pair.client, "abcde", 5, 0);
    w_await_bytes(world, pair.server, 5);
    w_recv(world, pair.server, 5, 0);
    w_settle(world);
    information(world, pair.server);
    w_shutdown(world, pair.client, SHUT_WR);
    w_await(world, pair.server, POLLRDHUP);
    information(world, pair.server);
    w_shutdown(world, pair.server, SHUT_WR);
    w_await(world, pair.client, POLLHUP);
    w_settle(world);
    information(world, pair.client);
    information(world, pair.server);
    w_getsockopt(world, pair.client, SOL_TCP, TCP_INFO, NULL, NULL);
    w_setsockopt(world, pair.client, SOL_TCP, TCP_INFO, "xxxx", 4);
}

/* The ways to discover the path's MTU. */
static void mtu_discovery(struct world *world)
{
    static const int ways[] = {0, 1, 2, 3, 4, 5, -1, 6, 100};
    int fd = w_socket(world, CLIENT, AF_INET, SOCK_STREAM, 0);
    (void)w_get(world, fd, SOL_IP, IP_MTU);
    w_set(world, fd, SOL_IP, IP_MTU, 1500);
    (void)w_get(world, fd, SOL_IP, IP_MTU_DISCOVER);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        w_set(world, fd, SOL_IP, IP_MTU_DISCOVER, ways[i]);
        (void)w_get(world, fd, SOL_IP, IP_MTU_DISCOVER);
    }
    fd = w_socket(world, CLIENT, AF_INET6, SOCK_STREAM, 0);
    (void)w_get(world, fd, SOL_IPV6, IPV6_MTU);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        w_set(world, fd, SOL_IPV6, IPV6_MTU_DISCOVER, ways[i]);
        (void)w_get(world, fd, SOL_IPV6, IPV6_MTU_DISCOVER);
        w_set(world, fd, SOL_IP, IP_MTU_DISCOVER, ways[i]);
        (void)w_get(world, fd, SOL_IP, IP_MTU_DISCOVER);
    }
}

/* TCP_WINDOW_CLAMP: the least, none, and none any more once connected. */
static void window_clamp(struct world *world)
{
    static const int sizes[] = {0, 1, 1151, 1152, 1153, 5000, 65536, 1000000, -1, 0};
    int fd = w_socket(world, CLIENT, AF_INET, SOCK_STREAM, 0);
    struct pair pair;
    (void)w_get(world, fd, SOL_TCP, TCP_WINDOW_CLAMP);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        w_set(world, fd, SOL_TCP, TCP_WINDOW_CLAMP, sizes[i]);
        (void)w_get(world, fd, SOL_TCP, TCP_WINDOW_CLAMP);
    }
    w_setsockopt(world, fd, SOL_TCP, TCP_WINDOW_CLAMP, "xx", 2);
    w_setsockopt(world, fd, SOL_TCP, TCP_WINDOW_CLAMP, NULL, 4);
    pair = w_pair(world, AF_INET);
    w_set(world, pair.client, SOL_TCP, TCP_WINDOW_CLAMP, 0);
    w_set(world, pair.listener, SOL_TCP, TCP_WINDOW_CLAMP, 0);
    w_set(world, pair.client, SOL_TCP, TCP_WINDOW_CLAMP, 100);
    (void)w_get(world, pair.client, SOL_TCP, TCP_WINDOW_CLAMP);
    w_set(world, pair.server, SOL_TCP, TCP_WINDOW_CLAMP, 20000);
    (void)w_get(world, pair.server, SOL_TCP, TCP_WINDOW_CLAMP);
}

/* TCP_TIMESTAMP is for those who repair connections; TCP_CC_INFO of reno is empty; SO_MEMINFO is
 * nine words. */
static void clocks_and_counts(struct world *world)
{
    static const socklen_t room[] = {0, 1, 4, 20, 36, 40, (socklen_t)-1};
    struct pair pair = w_pair(world, AF_INET);
    int fresh = w_socket(world, CLIENT, AF_INET, SOCK_STREAM, 0);
    int all[] = {fresh, pair.client, pair.server, pair.listener};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        w_set(world, all[i], SOL_TCP, TCP_TIMESTAMP, 1);
        w_set(world, all[i], SOL_TCP, TCP_TIMESTAMP, 0);
        w_setsockopt(world, all[i], SOL_TCP, TCP_TIMESTAMP, "xx", 2);
        w_setsockopt(world, all[i], SOL_TCP, TCP_TIMESTAMP, NULL, 4);
        w_set(world, all[i], SOL_TCP, TCP_CC_INFO, 1);
        w_set(world, all[i], SOL_SOCKET, SO_MEMINFO, 1);
        w_setsockopt(world, all[i], SOL_TCP, TCP_CONGESTION, "reno", 4);
        for (size_t j = 0; j < sizeof room / sizeof room[0]; j++) {
            uint32_t words[10] = {0};
            socklen_t length = room[j];
            w_getsockopt(world, all[i], SOL_TCP, TCP_TIMESTAMP, words, &length);
            w_note(world, "(%u)", (unsigned)length);
            length = room[j];
            w_getsockopt(world, all[i], SOL_TCP, TCP_CC_INFO, words, &length);
            w_note(world, "(%u)", (unsigned)length);
            length = room[j];
            w_set(world, all[i], SOL_SOCKET, SO_RCVBUF, 10000);
            w_set(world, all[i], SOL_SOCKET, SO_SNDBUF, 20000);
            memset(words, 0, sizeof words);
            w_getsockopt(world, all[i], SOL_SOCKET, SO_MEMINFO, words, &length);
            w_note(world, "(%u) %u %u %u %u", (unsigned)length, words[0], words[1], words[2],
                   words[3]);
        }
    }
}

/* TCP_MAXSEG counts until the SYN has left; after that it is taken and says nothing. */
static void maximum_segment(struct world *world)
{
    static const int sizes[] = {0, 87, 88, 500, 1000, 32767, 32768, -1};
    struct pair pair = w_pair(world, AF_INET);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        w_set(world, pair.client, SOL_TCP, TCP_MAXSEG, sizes[i]);
        w_set(world, pair.listener, SOL_TCP, TCP_MAXSEG, sizes[i]);
        (void)w_get(world, pair.listener, SOL_TCP, TCP_MAXSEG);
    }
}

/* A low-water mark that was never set is 0, and so is what it was before. */
static void low_water_unset(struct world *world)
{
    int fd = w_socket(world, CLIENT, AF_INET, SOCK_STREAM, 0);
    (void)w_get(world, fd, SOL_TCP, TCP_NOTSENT_LOWAT);
}

/* What is held back by MSG_MORE and TCP_CORK, and what lets it go. */
static void holding_back(struct world *world)
{
    struct pair pair = w_pair(world, AF_INET);
    int count = 0;
    w_send(world, pair.client, "ab", 2, MSG_MORE);
    w_settle(world);
    w_ioctl(world, pair.server, FIONREAD, &count);
    w_send(world, pair.client, "cd", 2, 0);
    w_await_bytes(world, pair.server, 4);
    w_ioctl(world, pair.server, FIONREAD, &count);
    w_set(world, pair.client, SOL_TCP, TCP_CORK, 1);
    w_send(world, pair.client, "ef", 2, 0);
    w_settle(world);
    w_ioctl(world, pair.server, FIONREAD, &count);
    w_set(world, pair.client, SOL_TCP, TCP_CORK, 0);
    w_await_bytes(world, pair.server, 6);
    w_ioctl(world, pair.server, FIONREAD, &count);
    w_set(world, pair.client, SOL_TCP, TCP_CORK, 1);
    w_send(world, pair.client, "gh", 2, 0);
    w_shutdown(world, pair.client, SHUT_WR);
    w_await(world, pair.server, POLLRDHUP);
    w_recv(world, pair.server, 20, 0);
    w_recv(world, pair.server, 20, 0);
}

/* What a listener has, its connections have. */
static void inheritance(struct world *world)
{
    static const struct {
        int level, name, value;
    } rows[] = {
        {SOL_SOCKET, SO_REUSEADDR, 1},
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {SOL_SOCKET, SO_OOBINLINE, 1},
        {SOL_SOCKET, SO_RCVLOWAT, 3},
        {SOL_TCP, TCP_NODELAY, 1},
        {SOL_TCP, TCP_CORK, 1},
        {SOL_TCP, TCP_KEEPIDLE, 77},
        {SOL_TCP, TCP_KEEPINTVL, 66},
        {SOL_TCP, TCP_KEEPCNT, 5},
        {SOL_TCP, TCP_USER_TIMEOUT, 4321},
        {SOL_TCP, TCP_LINGER2, 7},
        {SOL_TCP, TCP_SYNCNT, 3},
        {SOL_TCP, TCP_NOTSENT_LOWAT, 99},
        {SOL_IP, IP_TOS, 0x20},
        {SOL_IP, IP_TTL, 33},
    };
    struct sockaddr_storage any = w_any(world, AF_INET, 0);
    struct linger linger = {1, 4};
    socklen_t length = sizeof linger;
    int listener = w_socket(world, SERVER, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int client = w_socket(world, CLIENT, AF_INET, SOCK_STREAM, 0);
    int accepted;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        w_set(world, listener, rows[i].level, rows[i].name, rows[i].value);
    }
    w_setsockopt(world, listener, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    w_bind(world, listener, &any, w_length(world, AF_INET));
    w_listen(world, listener, 5);
    any = w_address(world, AF_INET, false, w_port_of(world, listener));
    w_connect(world, client, &any, w_length(world, AF_INET));
    w_await(world, listener, POLLIN);
    accepted = w_accept(world, listener, 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)w_get(world, accepted, rows[i].level, rows[i].name);
        (void)w_get(world, listener, rows[i].level, rows[i].name);
    }
    w_getsockopt(world, accepted, SOL_SOCKET, SO_LINGER, &linger, &length);
    w_note(world, "%d %d", linger.l_onoff, linger.l_linger);
    w_fcntl(world, accepted, F_GETFL, 0);
    linger.l_onoff = 0;
    w_setsockopt(world, accepted, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

static void on_connections(struct world *world)
{
    static const struct name names[] = {
        {SOL_SOCKET, SO_REUSEADDR}, {SOL_SOCKET, SO_KEEPALIVE},
        {SOL_TCP, TCP_NODELAY},     {SOL_TCP, TCP_CORK},
        {SOL_TCP, TCP_KEEPIDLE},    {SOL_TCP, TCP_KEEPCNT},
        {SOL_TCP, TCP_SYNCNT},      {SOL_TCP, TCP_LINGER2},
        {SOL_IP, IP_TOS},           {SOL_IP, IP_TTL},
        {SOL_TCP, TCP_SAVE_SYN},    {SOL_TCP, TCP_DEFER_ACCEPT},
        {SOL_TCP, TCP_FASTOPEN},    {SOL_TCP, TCP_FASTOPEN_NO_COOKIE},
    };
    struct pair pair = w_pair(world, AF_INET);
    int all[] = {pair.client, pair.server, pair.listener};
    for (int i = 0; i < 3; i++) {
        for (size_t j = 0; j < sizeof names / sizeof names[0]; j++) {
            w_set(world, all[i], names[j].level, names[j].name, 1);
            (void)w_get(world, all[i], names[j].level, names[j].name);
            w_set(world, all[i], names[j].level, names[j].name, 0);
            (void)w_get(world, all[i], names[j].level, names[j].name);
        }
    }
}

const struct named_scenario option_scenarios[] = {
    {"ranges, SOL_SOCKET", ranges_socket, false},
    {"ranges, flags of TCP", ranges_tcp_flags, false},
    {"ranges, times of TCP", ranges_tcp_times, false},
    {"ranges, others of TCP", ranges_tcp_others, false},
    {"ranges, IP", ranges_ip, false},
    {"ranges, opening of TCP", ranges_tcp_opening, false},
    {"ranges of what is told", ranges_told, false},
    {"ranges, IPv6", ranges_ipv6, true},
    {"lengths", lengths, false},
    {"lengths, IPv6", lengths_ipv6, true},
    {"read only", read_only, true},
    {"unknown", unknown, true},
    {"buffers", buffers, false},
    {"low water", low_water, false},
    {"lingers", lingers, false},
    {"timevals", timevals, false},
    {"congestion", congestion, false},
    {"information", information_of_all, false},
    {"MTU discovery", mtu_discovery, false},
    {"window clamp", window_clamp, false},
    {"clocks and counts", clocks_and_counts, false},
    {"maximum segment", maximum_segment, false},
    {"low water unset", low_water_unset, false},
    {"holding back", holding_back, false},
    {"inheritance", inheritance, false},
    {"on connections", on_connections, false},
};
const size_t option_scenario_count = sizeof option_scenarios / sizeof option_scenarios[0];
