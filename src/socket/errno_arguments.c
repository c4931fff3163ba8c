/* SPDX-License-Identifier: MIT
 *
 * Every call with every kind of bad argument.
 */
#include "errno_scenarios.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>

#define NOBODY 900 /* a descriptor that is not open, in either world */

static void socket_arguments(struct world *world)
{
    static const struct {
        int domain, type, protocol;
    } rows[] = {
        {AF_INET, SOCK_STREAM, 0},
        {AF_INET, SOCK_STREAM, IPPROTO_TCP},
        {AF_INET6, SOCK_STREAM, 0},
        {AF_INET6, SOCK_STREAM, IPPROTO_TCP},
        {AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0},
        {AF_INET, SOCK_STREAM, IPPROTO_UDP},
        {AF_INET, SOCK_STREAM, -1},
        {AF_INET, SOCK_STREAM, 1000},
        {AF_INET, SOCK_STREAM, 263},
        {AF_INET, SOCK_STREAM, 99},
        {AF_INET, 0, 0},
        {AF_INET, 9, 0},
        {AF_INET, 11, 0},
        {AF_INET, 15, 0},
        {AF_INET, SOCK_STREAM | 0x100, 0},
        {AF_INET, -1, 0},
        {-1, SOCK_STREAM, 0},
        {46, SOCK_STREAM, 0},
        {1000, SOCK_STREAM, 0},
        {1000, -1, 0},
        {46, 11, 0},
        {AF_INET, 9, 1000},
        {AF_UNSPEC, SOCK_STREAM, 0},
        {AF_UNSPEC, 11, 0},
        {AF_INET6, 9, 0},
        {AF_INET6, SOCK_STREAM, IPPROTO_UDP},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        w_note(world, "%d %#x %d", rows[i].domain, (unsigned)rows[i].type, rows[i].protocol);
        (void)w_socket(world, CLIENT, rows[i].domain, rows[i].type, rows[i].protocol);
    }
}

/* Every call on a descriptor that is none, with arguments that are good, and that are bad, too. */
static void bad_descriptor(struct world *world, int fd)
{
    struct sockaddr_storage address = w_address(world, AF_INET, false, 80);
    struct sockaddr_storage out;
    socklen_t length = sizeof out;
    struct iovec piece = {.iov_base = &out, .iov_len = 1};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    int number = 0;
    w_bind(world, fd, &address, w_length(world, AF_INET));
    w_bind(world, fd, NULL, w_length(world, AF_INET));
    w_bind(world, fd, &address, 1000);
    w_listen(world, fd, 1);
    w_accept(world, fd, 0);
    w_accept(world, fd, 1);
    w_accept_raw(world, fd, (struct sockaddr *)&out, NULL, 0);
    w_connect(world, fd, &address, w_length(world, AF_INET));
    w_connect(world, fd, NULL, w_length(world, AF_INET));
    w_connect(world, fd, &address, 1000);
    w_send(world, fd, &out, 1, 0);
    w_send(world, fd, NULL, 1, 0);
    w_sendto(world, fd, &out, 1, 0, &address, w_length(world, AF_INET));
    w_sendto(world, fd, &out, 1, 0, &address, 1000);
    w_sendmsg(world, fd, &message, 0);
    w_sendmsg(world, fd, NULL, 0);
    w_recv_raw(world, fd, &out, 1, 0);
    w_recvfrom(world, fd, &out, 1, 0, (struct sockaddr *)&out, NULL);
    w_recvmsg(world, fd, &message, 0);
    w_recvmsg(world, fd, NULL, 0);
    w_read(world, fd, &out, 1);
    w_read(world, fd, NULL, 0);
    w_write(world, fd, &out, 1);
    w_readv(world, fd, &piece, 1);
    w_readv(world, fd, NULL, 1);
    w_readv(world, fd, &piece, -1);
    w_writev(world, fd, &piece, 1);
    w_writev(world, fd, &piece, 5000);
    w_shutdown(world, fd, SHUT_RDWR);
    w_shutdown(world, fd, 17);
    w_getsockname(world, fd, &out, &length);
    w_getsockname(world, fd, NULL, NULL);
    w_getpeername(world, fd, &out, &length);
    w_setsockopt(world, fd, SOL_SOCKET, SO_REUSEADDR, &number, sizeof number);
    w_setsockopt(world, fd, SOL_SOCKET, SO_REUSEADDR, NULL, sizeof number);
    length = sizeof number;
    w_getsockopt(world, fd, SOL_SOCKET, SO_REUSEADDR, &number, &length);
    w_getsockopt(world, fd, 12345, 12345, NULL, NULL);
}

static void nobody(struct world *world)
{
    int number = 0;
    struct epoll_event event = {.events = EPOLLIN};
    int epoll = w_epoll_create1(world, CLIENT, 0);
    bad_descriptor(world, -1);
    bad_descriptor(world, NOBODY);
    w_fcntl(world, NOBODY, F_GETFL, 0);
    w_fcntl(world, NOBODY, F_SETFL, O_NONBLOCK);
    w_fcntl(world, NOBODY, 12345, 0);
    w_ioctl(world, NOBODY, FIONREAD, &number);
    w_ioctl(world, NOBODY, FIONREAD, NULL);
    w_poll(world, NOBODY, POLLIN);
    w_poll(world, -1, POLLIN);
    w_epoll_ctl(world, NOBODY, EPOLL_CTL_ADD, NOBODY, &event);
    w_epoll_ctl(world, epoll, EPOLL_CTL_ADD, NOBODY, &event);
    w_epoll_ctl(world, epoll, EPOLL_CTL_DEL, NOBODY, NULL);
    w_epoll_wait_raw(world, NOBODY, &event, 1, 0);
    w_epoll_wait_raw(world, NOBODY, &event, 0, 0);
    w_close(world, NOBODY);
    w_close(world, -1);
}

/* An epoll descriptor is none of a socket's calls' business. */
static void not_a_socket(struct world *world)
{
    int number = 1;
    int epoll = w_epoll_create1(world, CLIENT, 0);
    bad_descriptor(world, epoll);
    w_fcntl(world, epoll, F_GETFL, 0);
    w_fcntl(world, epoll, F_GETFD, 0);
    w_ioctl(world, epoll, FIONBIO, &number);
    w_fcntl(world, epoll, F_GETFL, 0);
    w_poll(world, epoll, POLLIN | POLLOUT);
    w_close(world, epoll);
    w_close(world, epoll);
}

static void addresses_of(struct world *world, int domain)
{
    struct sockaddr_storage good = w_address(world, domain, false, 0);
    struct sockaddr_storage other =
        w_address(world, domain == AF_INET ? AF_INET6 : AF_INET, false, 0);
    struct sockaddr_storage unset = w_any(world, domain, 0);
    struct sockaddr_storage foreign = w_foreign(world, domain, 0);
    struct sockaddr_storage strange = good;
    socklen_t lengths[] = {0, 1, 2, 8, 15, 16, 23, 24, 27, 28, 100, 128, 129, 1000, UINT_MAX};
    unset.ss_family = AF_UNSPEC;
    strange.ss_family = 77;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        int fd = w_socket(world, SERVER, domain, SOCK_STREAM | SOCK_NONBLOCK, 0);
        w_note(world, "length %u", (unsigned)lengths[i]);
        w_bind(world, fd, &other, lengths[i]);
        w_connect(world, fd, &other, lengths[i]);
        w_bind(world, fd, &strange, lengths[i]);
        w_connect(world, fd, &strange, lengths[i]);
        w_bind(world, fd, &foreign, lengths[i]);
        w_bind(world, fd, NULL, lengths[i]);
        w_connect(world, fd, NULL, lengths[i]);
        w_bind(world, fd, &good, lengths[i]);
        w_bind(world, fd, &good, lengths[i]);
        w_close(world, fd);
    }
    {
        int fd = w_socket(world, SERVER, domain, SOCK_STREAM, 0);
        w_bind(world, fd, &unset, w_length(world, domain));
        unset.ss_family = AF_UNSPEC;
        w_connect(world, fd, &unset, 2);
        w_connect(world, fd, &unset, 1);
        w_connect(world, fd, &unset, sizeof unset);
        w_close(world, fd);
    }
}

static void addresses_ipv4(struct world *world)
{
    addresses_of(world, AF_INET);
}

static void addresses_ipv6(struct world *world)
{
    addresses_of(world, AF_INET6);
}

static void unreachable(struct world *world)
{
    struct sockaddr_storage address = w_any(world, AF_INET, 80);
    struct sockaddr_in *in = (struct sockaddr_in *)&address;
    int fd = w_socket(world, CLIENT, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    in->sin_addr.s_addr = htonl(0xe0000001); /* multicast */
    w_connect(world, fd, &address, sizeof *in);
    in->sin_addr.s_addr = htonl(INADDR_BROADCAST);
    w_connect(world, fd, &address, sizeof *in);
    w_getpeername(world, fd, &address, &(socklen_t){sizeof address});
    w_poll(world, fd, POLLIN | POLLOUT);
    w_error(world, fd);
}

static void names(struct world *world)
{
    struct sockaddr_storage out;
    struct pair pair = w_pair(world, AF_INET);
    socklen_t lengths[] = {0, 1, 2, 8, 15, 16, 17, 100, (socklen_t)-1};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        socklen_t length = lengths[i];
        memset(&out, 0, sizeof out);
        w_getsockname(world, pair.client, &out, &length);
        w_note(world, "length %u family %d", (unsigned)length, (int)out.ss_family);
        length = lengths[i];
        memset(&out, 0, sizeof out);
        w_getpeername(world, pair.client, &out, &length);
        w_note(world, "length %u family %d", (unsigned)length, (int)out.ss_family);
        length = lengths[i];
        w_getsockname(world, pair.client, NULL, &length);
    }
    w_getsockname(world, pair.client, &out, NULL);
    w_getpeername(world, pair.client, &out, NULL);
    w_getpeername(world, pair.listener, &out, &lengths[6]);
    w_getpeername(world, pair.listener, NULL, NULL);
}

static void accept_arguments(struct world *world)
{
    struct sockaddr_storage out;
    uint16_t port;
    int listener = w_listener(world, AF_INET, &port);
    struct sockaddr_storage address = w_address(world, AF_INET, false, port);
    socklen_t lengths[] = {0, 2, 16, 100, (socklen_t)-1};
    w_accept(world, listener, 0);
    w_accept(world, listener, 1);
    w_accept(world, listener, 0x40);
    w_accept_raw(world, listener, (struct sockaddr *)&out, NULL, 0);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        int client = w_socket(world, CLIENT, AF_INET, SOCK_STREAM, 0);
        int accepted;
        socklen_t length = lengths[i];
        memset(&out, 0, sizeof out);
        w_connect(world, client, &address, w_length(world, AF_INET));
        w_await(world, listener, POLLIN);
        accepted = w_accept_raw(world, listener, (struct sockaddr *)&out, &length,
                                SOCK_NONBLOCK | SOCK_CLOEXEC);
        w_note(world, "length %u family %d", (unsigned)length, (int)out.ss_family);
        if (accepted >= 0) {
            w_fcntl(world, accepted, F_GETFL, 0);
            w_fcntl(world, accepted, F_GETFD, 0);
        } else {
            w_await(world, client, POLLIN);
            w_recv(world, client, 1, MSG_DONTWAIT); /* closed again */
        }
    }
    {
        int client = w_socket(world, CLIENT, AF_INET, SOCK_STREAM, 0);
        w_connect(world, client, &address, w_length(world, AF_INET));
        w_await(world, listener, POLLIN);
        w_accept_raw(world, listener, (struct sockaddr *)&out, NULL, 0);
        w_accept(world, client, 0);
        w_accept(world, w_socket(world, SERVER, AF_INET, SOCK_STREAM, 0), 0);
    }
}

static void send_arguments(struct world *world)
{
    struct pair pair = w_pair(world, AF_INET);
    struct sockaddr_storage address = w_foreign(world, AF_INET, 9);
    char data[8] = "abcdefg";
    struct iovec pieces[3] = {{data, 3}, {data, 0}, {data + 3, 2}};
    struct iovec null_piece = {NULL, 4};
    struct iovec negative = {data, (size_t)-1};
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 3};
    struct msghdr bad;
    w_send(world, pair.client, NULL, 0, 0);
    w_send(world, pair.client, NULL, 4, 0);
    w_send(world, pair.client, data, 0, 0);
    w_sendto(world, pair.client, data, 1, 0, &address, w_length(world, AF_INET));
    w_sendto(world, pair.client, data, 1, 0, &address, 129);
    w_sendto(world, pair.client, data, 1, 0, &address, (socklen_t)-1);
    w_sendto(world, pair.client, data, 1, 0, NULL, 16);
    w_sendto(world, pair.client, data, 1, 0, &address, 0);
    w_sendmsg(world, pair.client, NULL, 0);
    w_sendmsg(world, pair.client, &message, 0);
    bad = message;
    bad.msg_iovlen = 1025;
    w_sendmsg(world, pair.client, &bad, 0);
    bad = message;
    bad.msg_iov = NULL;
    w_sendmsg(world, pair.client, &bad, 0);
    bad.msg_iovlen = 0;
    w_sendmsg(world, pair.client, &bad, 0);
    bad = message;
    bad.msg_name = &address;
    bad.msg_namelen = 500;
    w_sendmsg(world, pair.client, &bad, 0);
    bad.msg_namelen = (socklen_t)-1;
    w_sendmsg(world, pair.client, &bad, 0);
    bad = message;
    bad.msg_iov = &null_piece;
    bad.msg_iovlen = 1;
    w_sendmsg(world, pair.client, &bad, 0);
    bad.msg_iov = &negative;
    w_sendmsg(world, pair.client, &bad, 0);
    w_write(world, pair.client, NULL, 0);
    w_write(world, pair.client, NULL, 3);
    w_write(world, pair.client, data, 2);
    w_writev(world, pair.client, pieces, 3);
    w_writev(world, pair.client, pieces, 0);
    w_writev(world, pair.client, NULL, 0);
    w_writev(world, pair.client, NULL, 1);
    w_writev(world, pair.client, pieces, -1);
    w_writev(world, pair.client, pieces, 1025);
    w_writev(world, pair.client, &null_piece, 1);
    w_writev(world, pair.client, &negative, 1);
}

static void receive_arguments(struct world *world)
{
    struct pair pair = w_pair(world, AF_INET);
    struct sockaddr_storage address;
    char data[8] = "abcdefg";
    struct iovec pieces[3] = {{data, 3}, {data, 0}, {data + 3, 2}};
    struct iovec null_piece = {NULL, 4};
    struct iovec negative = {data, (size_t)-1};
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 3};
    struct msghdr bad;
    w_send(world, pair.client, "abcdefghijklmno", 15, 0);
    w_await_bytes(world, pair.server, 15);
    w_recv(world, pair.server, 64, MSG_PEEK);
    w_recv_raw(world, pair.server, NULL, 4, 0);
    w_recv_raw(world, pair.server, NULL, 0, 0);
    w_recv_raw(world, pair.server, NULL, 2, MSG_TRUNC);
    w_recvfrom(world, pair.server, data, 1, 0, (struct sockaddr *)&address, NULL);
    {
        socklen_t length = sizeof address;
        w_recvfrom(world, pair.server, data, 1, 0, (struct sockaddr *)&address, &length);
        w_note(world, "length %u", (unsigned)length);
        length = (socklen_t)-1;
        w_recvfrom(world, pair.server, data, 1, 0, (struct sockaddr *)&address, &length);
        w_note(world, "length %u", (unsigned)length);
    }
    w_readv(world, pair.server, pieces, 0);
    w_readv(world, pair.server, NULL, 0);
    w_readv(world, pair.server, NULL, 1);
    w_readv(world, pair.server, pieces, -1);
    w_readv(world, pair.server, pieces, 1025);
    w_readv(world, pair.server, &null_piece, 1);
    w_readv(world, pair.server, &negative, 1);
    w_readv(world, pair.server, pieces, 3);
    w_read(world, pair.server, data, 0);
    w_read(world, pair.server, NULL, 0);
    w_read(world, pair.server, NULL, 1);
    w_recvmsg(world, pair.server, NULL, 0);
    bad = message;
    bad.msg_iovlen = 1025;
    w_recvmsg(world, pair.server, &bad, 0);
    bad = message;
    bad.msg_name = &address;
    bad.msg_namelen = 100;
    bad.msg_control = data;
    bad.msg_controllen = sizeof data;
    bad.msg_flags = 0x1234;
    w_recvmsg(world, pair.server, &bad, 0);
    w_note(world, "name %u control %u flags %#x", (unsigned)bad.msg_namelen,
           (unsigned)bad.msg_controllen, (unsigned)bad.msg_flags);
    w_recv(world, pair.server, 64, MSG_ERRQUEUE);
    w_recv(world, pair.server, 64, 0);
    w_recv(world, pair.server, 0, 0);
    w_read(world, pair.server, NULL, 1);
    w_recv_raw(world, pair.server, NULL, 1, 0);
    w_recv(world, pair.server, 1, MSG_OOB);
    w_recv(world, pair.server, 1, MSG_ERRQUEUE);
}

static void control_arguments(struct world *world)
{
    struct pair pair = w_pair(world, AF_INET);
    int number = 7;
    int fresh = w_socket(world, CLIENT, AF_INET, SOCK_STREAM, 0);
    int all[] = {fresh, pair.listener, pair.client};
    for (int i = 0; i < 3; i++) {
        w_fcntl(world, all[i], F_GETFL, 0);
        w_fcntl(world, all[i], F_SETFL, O_NONBLOCK);
        w_fcntl(world, all[i], F_GETFL, 0);
        w_fcntl(world, all[i], F_SETFL, 0);
        w_fcntl(world, all[i], F_GETFL, 0);
        w_fcntl(world, all[i], F_GETFD, 0);
        w_fcntl(world, all[i], F_SETFD, FD_CLOEXEC);
        w_fcntl(world, all[i], F_GETFD, 0);
        w_fcntl(world, all[i], F_SETFD, 0);
        w_fcntl(world, all[i], F_GETFD, 0);
        w_fcntl(world, all[i], 12345, 0);
        number = 7;
        w_ioctl(world, all[i], FIONREAD, &number);
        w_ioctl(world, all[i], SIOCOUTQ, &number);
        w_ioctl(world, all[i], SIOCOUTQNSD, &number);
        w_ioctl(world, all[i], SIOCATMARK, &number);
        w_ioctl(world, all[i], FIONREAD, NULL);
        w_ioctl(world, all[i], SIOCOUTQ, NULL);
        w_ioctl(world, all[i], SIOCATMARK, NULL);
        w_ioctl(world, all[i], FIONBIO, NULL);
        number = 1;
        w_ioctl(world, all[i], FIONBIO, &number);
        w_fcntl(world, all[i], F_GETFL, 0);
        w_ioctl(world, all[i], 0x1234567, &number);
        w_shutdown(world, all[i], 3);
        w_shutdown(world, all[i], -1);
        w_shutdown(world, all[i], INT_MAX);
    }
}

static void poll_arguments(struct world *world)
{
    struct pollfd entries[3] = {{-1, POLLIN, 99}, {NOBODY, POLLIN, 99}, {-5, POLLOUT, 99}};
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 1};
    int fd = w_socket(world, CLIENT, AF_INET, SOCK_STREAM, 0);
    int epoll = w_epoll_create1(world, CLIENT, EPOLL_CLOEXEC);
    w_poll_raw(world, entries, 3, 0);
    w_note(world, "%d %d %d", entries[0].revents, entries[1].revents, entries[2].revents);
    w_poll_raw(world, NULL, 0, 0);
    w_poll_raw(world, NULL, 1, 0);
    w_poll_raw(world, entries, 1u << 31, 0);
    w_epoll_create1(world, CLIENT, 1);
    w_epoll_ctl(world, epoll, EPOLL_CTL_ADD, fd, NULL);
    w_epoll_ctl(world, epoll, EPOLL_CTL_MOD, fd, &event);
    w_epoll_ctl(world, epoll, EPOLL_CTL_DEL, fd, &event);
    w_epoll_ctl(world, epoll, EPOLL_CTL_ADD, fd, &event);
    w_epoll_ctl(world, epoll, EPOLL_CTL_ADD, fd, &event);
    w_epoll_ctl(world, epoll, EPOLL_CTL_MOD, fd, NULL);
    w_epoll_ctl(world, epoll, EPOLL_CTL_MOD, fd, &event);
    w_epoll_ctl(world, epoll, 17, fd, &event);
    w_epoll_ctl(world, epoll, 17, fd, NULL);
    w_epoll_ctl(world, epoll, EPOLL_CTL_ADD, epoll, &event);
    w_epoll_ctl(world, fd, EPOLL_CTL_ADD, epoll, &event);
    w_epoll_ctl(world, fd, EPOLL_CTL_ADD, fd, &event);
    w_epoll_wait_raw(world, fd, &event, 1, 0);
    w_epoll_wait_raw(world, epoll, &event, 0, 0);
    w_epoll_wait_raw(world, epoll, &event, -1, 0);
    w_epoll_wait_raw(world, epoll, &event, INT_MAX, 0);
    w_epoll_wait_raw(world, epoll, NULL, 1, 0);
    w_epoll_ctl(world, epoll, EPOLL_CTL_DEL, fd, NULL);
    w_epoll_ctl(world, epoll, EPOLL_CTL_DEL, fd, NULL);
    event.events = EPOLLIN | EPOLLEXCLUSIVE;
    w_epoll_ctl(world, epoll, EPOLL_CTL_ADD, fd, &event);
    w_epoll_ctl(world, epoll, EPOLL_CTL_MOD, fd, &event);
    event.events = EPOLLIN;
    w_epoll_ctl(world, epoll, EPOLL_CTL_MOD, fd, &event);
    w_epoll_ctl(world, epoll, EPOLL_CTL_DEL, fd, NULL);
    event.events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT;
    w_epoll_ctl(world, epoll, EPOLL_CTL_ADD, fd, &event);
    event.events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLRDHUP;
    w_epoll_ctl(world, epoll, EPOLL_CTL_ADD, fd, &event);
    w_read(world, epoll, &event, 1);
    w_write(world, epoll, &event, 1);
}

static void nested_epoll(struct world *world)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 1};
    int fd = w_socket(world, CLIENT, AF_INET, SOCK_STREAM, 0);
    int chain[8];
    for (int i = 0; i < 8; i++) {
        chain[i] = w_epoll_create1(world, CLIENT, 0);
        if (i > 0) {
            w_epoll_ctl(world, chain[i], EPOLL_CTL_ADD, chain[i - 1], &event);
        }
    }
    w_epoll_ctl(world, chain[0], EPOLL_CTL_ADD, chain[1], &event);
    w_epoll_ctl(world, chain[0], EPOLL_CTL_ADD, chain[3], &event);
    event.events = EPOLLOUT;
    w_epoll_ctl(world, chain[0], EPOLL_CTL_ADD, fd, &event);
    for (int i = 0; i < 5; i++) {
        w_poll(world, chain[i], POLLIN);
        w_epoll_wait(world, chain[i]);
    }
    w_close(world, fd);
    for (int i = 0; i < 5; i++) {
        w_poll(world, chain[i], POLLIN);
        w_epoll_wait(world, chain[i]);
    }
}

const struct named_scenario argument_scenarios[] = {
    {"socket arguments", socket_arguments, false},
    {"nobody's descriptor", nobody, false},
    {"not a socket", not_a_socket, false},
    {"addresses, IPv4", addresses_ipv4, false},
    {"addresses, IPv6", addresses_ipv6, true},
    {"unreachable", unreachable, false},
    {"names", names, false},
    {"accept arguments", accept_arguments, false},
    {"send arguments", send_arguments, false},
    {"receive arguments", receive_arguments, false},
    {"control arguments", control_arguments, false},
    {"poll arguments", poll_arguments, false},
    {"nested epoll", nested_epoll, false},
};
const size_t argument_scenario_count = sizeof argument_scenarios / sizeof argument_scenarios[0];
