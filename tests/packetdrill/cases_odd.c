/* SPDX-License-Identifier: MIT
 *
 * The clock, the order of packets, arguments that are wrong, and pipes.
 */
#include "driver.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* It advances at every look, and by what usleep says, however the thread is scheduled. */
void case_clock(void)
{
    const struct sched_param priority = {.sched_priority = 1};
    long long before;
    load(NULL);
    (void)mlockall(MCL_CURRENT | MCL_FUTURE); /* as packetdrill does, where it may */
    (void)sched_setscheduler(0, SCHED_RR, &priority);
    before = now_us();
    for (int i = 1; i <= 300; i++)
        SAME(now_us(), before + i);
    SAME(ifc.usleep(ifc.u, 0), 0);
    SAME(now_us(), before + 301);
    SAME(ifc.usleep(ifc.u, 4000000000u), 0); /* 32 bits of microseconds */
    SAME(now_us(), before + 302 + 4000000000LL);
    at(9000000000LL); /* two hours and a half */
    SAME(now_us(), 9000000001LL);
    receive_none(); /* no socket, nothing to come: it says so at once */
    ifc.free(ifc.u);
}

/* The oldest first, each with the time at which it left, though nobody asked for it then. */
void case_order(void)
{
    struct connection connection;
    struct segment segment;
    int one = 1;
    load(NULL);
    connection = passive_open(100, 8080);
    SAME(ifc.setsockopt(ifc.u, connection.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one), 0);
    for (int i = 1; i <= 5; i++) {
        at(i * 1000);
        SAME(ifc.write(ifc.u, connection.fd, "x", 1), 1);
    }
    at(60000);
    for (int i = 1; i <= 5; i++) {
        segment = receive_at(ACK | PSH, i * 1000);
        SAME(segment.seq, connection.peer.ack + (uint32_t)i - 1);
    }
    CHECK(receive().payload_length > 0); /* nothing is acknowledged: some of it comes again */
    connection.peer.ack += 5;
    at(300000);
    peer_says(&connection, ACK, "");
}

static void bad_descriptors(int fd)
{
    struct address address = local_address(1);
    struct iovec vector = {NULL, 0};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    struct epoll_event event = {.events = EPOLLIN};
    socklen_t length = 4;
    int value = 0;
    FAILS(ifc.bind(ifc.u, fd, SOCKADDR(address), address.length), EBADF);
    FAILS(ifc.listen(ifc.u, fd, 1), EBADF);
    FAILS(ifc.accept(ifc.u, fd, NULL, NULL), EBADF);
    FAILS(ifc.connect(ifc.u, fd, SOCKADDR(address), address.length), EBADF);
    FAILS(ifc.read(ifc.u, fd, &value, 1), EBADF);
    FAILS(ifc.readv(ifc.u, fd, &vector, 1), EBADF);
    FAILS(ifc.recv(ifc.u, fd, &value, 1, 0), EBADF);
    FAILS(ifc.recvfrom(ifc.u, fd, &value, 1, 0, NULL, NULL), EBADF);
    FAILS(ifc.recvmsg(ifc.u, fd, &message, 0), EBADF);
    FAILS(ifc.write(ifc.u, fd, &value, 1), EBADF);
    FAILS(ifc.writev(ifc.u, fd, &vector, 1), EBADF);
    FAILS(ifc.send(ifc.u, fd, &value, 1, 0), EBADF);
    FAILS(ifc.sendto(ifc.u, fd, &value, 1, 0, NULL, 0), EBADF);
    FAILS(ifc.sendmsg(ifc.u, fd, &message, 0), EBADF);
    FAILS(ifc.fcntl(ifc.u, fd, F_GETFL, 0), EBADF);
    FAILS(ifc.ioctl(ifc.u, fd, 0x541bul, &value), EBADF);
    FAILS(ifc.close(ifc.u, fd), EBADF);
    FAILS(ifc.shutdown(ifc.u, fd, SHUT_RDWR), EBADF);
    FAILS(ifc.getsockopt(ifc.u, fd, SOL_SOCKET, SO_ERROR, &value, &length), EBADF);
    FAILS(ifc.setsockopt(ifc.u, fd, SOL_SOCKET, SO_KEEPALIVE, &value, 4), EBADF);
    FAILS(ifc.epoll_ctl(ifc.u, fd, EPOLL_CTL_ADD, fd, &event), EBADF);
    FAILS(ifc.epoll_wait(ifc.u, fd, &event, 1, 0), EBADF);
    FAILS(ifc.splice(ifc.u, fd, NULL, fd, NULL, 1, 0), EBADF);
}

void case_bad_input(void)
{
    long long time;
    size_t length = 0;
    uint8_t bytes[64] = {0};
    int fd;
    load("strict");
    bad_descriptors(-1);
    bad_descriptors(900);
    fd = ifc.socket(ifc.u, AF_INET, SOCK_STREAM, 0);
    bad_descriptors(fd + 50);
    FAILS(ifc.socket(ifc.u, 999, SOCK_STREAM, 0), EAFNOSUPPORT);
    FAILS(ifc.socket(ifc.u, AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
    FAILS(ifc.bind(ifc.u, fd, NULL, 16), EFAULT);
    FAILS(ifc.connect(ifc.u, fd, NULL, 16), EFAULT);
    FAILS(ifc.setsockopt(ifc.u, fd, SOL_SOCKET, SO_KEEPALIVE, NULL, 4), EFAULT);
    FAILS(ifc.getsockopt(ifc.u, fd, SOL_SOCKET, SO_ERROR, NULL, NULL), EFAULT);
    FAILS(ifc.poll(ifc.u, NULL, 1, 0), EFAULT);
    FAILS(ifc.pipe(ifc.u, NULL), EFAULT);
    FAILS(ifc.epoll_create(ifc.u, 0), EINVAL);
    FAILS(ifc.gettimeofday(ifc.u, NULL, NULL), EFAULT);
    FAILS(ifc.netdev_send(ifc.u, NULL, 40), EFAULT);
    FAILS(ifc.netdev_send(ifc.u, bytes, 0), EINVAL);
    FAILS(ifc.netdev_receive(ifc.u, NULL, &length, &time), EFAULT);
    FAILS(ifc.netdev_receive(ifc.u, bytes, NULL, &time), EFAULT);
    /* What is no packet is dropped, as from any network. */
    for (size_t cut = 1; cut <= sizeof bytes; cut++) {
        for (unsigned first = 0; first < 256; first += 5) {
            bytes[0] = (uint8_t)first;
            SAME(ifc.netdev_send(ifc.u, bytes, cut), 0);
        }
    }
    receive_none();
    SAME(ifc.close(ifc.u, fd), 0);
    ifc.free(ifc.u);
}

/* ---- pipes */

static void splice_out_of_a_socket(struct connection *connection, const int fds[2])
{
    loff_t none = 0, elsewhere = 1;
    char bytes[16];
    FAILS(ifc.splice(ifc.u, connection->fd, &none, fds[1], &none, 100, SPLICE_F_NONBLOCK), EAGAIN);
    at(10000);
    peer_says(connection, ACK, "through a pipe");
    receive_at(ACK, 10000);
    FAILS(ifc.splice(ifc.u, connection->fd, &elsewhere, fds[1], &none, 100, 0), ESPIPE);
    FAILS(ifc.splice(ifc.u, connection->fd, &none, connection->fd, &none, 100, 0), EINVAL);
    SAME(ifc.splice(ifc.u, connection->fd, &none, fds[1], &none, 0, 0), 0);
    SAME(ifc.splice(ifc.u, connection->fd, &none, fds[1], &none, 7, 0), 7);
    SAME(ifc.splice(ifc.u, connection->fd, NULL, fds[1], NULL, 100, 0), 7);
    SAME(ifc.read(ifc.u, fds[0], bytes, sizeof bytes), 14);
    CHECK(memcmp(bytes, "through a pipe", 14) == 0);
}

/* Of a full pipe nothing is lost: what it does not take stays in the socket. */
static void splice_into_a_full_pipe(struct connection *connection, const int fds[2])
{
    static char page[4096];
    int size = fcntl(fds[1], F_SETPIPE_SZ, 4096);
    char bytes[8];
    CHECK(size >= 4096);
    for (int filled = 0; filled < size; filled += (int)sizeof page)
        SAME(ifc.write(ifc.u, fds[1], page, sizeof page), sizeof page);
    at(20000);
    peer_says(connection, ACK, "kept");
    receive_at(ACK, 20000);
    FAILS(ifc.splice(ifc.u, connection->fd, NULL, fds[1], NULL, 100, SPLICE_F_NONBLOCK), EAGAIN);
    SAME(ifc.recv(ifc.u, connection->fd, bytes, sizeof bytes, 0), 4);
    CHECK(memcmp(bytes, "kept", 4) == 0);
    for (int left = size; left > 0; left -= (int)sizeof page)
        SAME(ifc.read(ifc.u, fds[0], page, sizeof page), sizeof page);
}

static void splice_into_a_socket(struct connection *connection, const int fds[2])
{
    struct segment segment;
    FAILS(ifc.splice(ifc.u, fds[0], NULL, connection->fd, NULL, 100, SPLICE_F_NONBLOCK), EAGAIN);
    SAME(ifc.write(ifc.u, fds[1], "and back", 8), 8);
    at(30000);
    SAME(ifc.splice(ifc.u, fds[0], NULL, connection->fd, NULL, 3, 0), 3);
    segment = receive_at(ACK | PSH, 30000);
    CHECK(segment.payload_length == 3 && memcmp(segment.payload, "and", 3) == 0);
    connection->peer.ack += 3;
    at(31000);
    peer_says(connection, ACK, "");
    SAME(ifc.splice(ifc.u, fds[0], NULL, connection->fd, NULL, 100, 0), 5);
    segment = receive_at(ACK | PSH, 31000);
    CHECK(segment.payload_length == 5 && memcmp(segment.payload, " back", 5) == 0);
    connection->peer.ack += 5;
    at(32000);
    peer_says(connection, ACK, "");
    SAME(ifc.close(ifc.u, fds[1]), 0);
    SAME(ifc.splice(ifc.u, fds[0], NULL, connection->fd, NULL, 100, 0), 0); /* its end */
}

void case_pipes(void)
{
    struct connection connection;
    int fds[2];
    load("strict");
    connection = passive_open(100, 8080);
    SAME(ifc.pipe(ifc.u, fds), 0);
    splice_out_of_a_socket(&connection, fds);
    splice_into_a_full_pipe(&connection, fds);
    splice_into_a_socket(&connection, fds);
    SAME(ifc.close(ifc.u, fds[0]), 0);
    FAILS(ifc.read(ifc.u, fds[0], fds, 1), EBADF);
    ifc.free(ifc.u);
}
