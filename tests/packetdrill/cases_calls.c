/* SPDX-License-Identifier: MIT
 *
 * The table, and a conversation from each side over each version of IP.
 */
#include "driver.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY 60
#endif
#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY 0x4000000
#endif
#ifndef SO_EE_CODE_ZEROCOPY_COPIED
#define SO_EE_CODE_ZEROCOPY_COPIED 1
#endif

void case_slots(void)
{
    void *slots[33];
    load(NULL);
    _Static_assert(sizeof ifc == sizeof slots, "33 pointers");
    memcpy(slots, &ifc, sizeof slots);
    for (int i = 0; i < 33; i++)
        CHECK(slots[i] != NULL);
    ifc.free(ifc.u);
}

/* Opened by the peer: the answers leave at the very time of what they answer. */
void case_passive(void)
{
    struct connection connection;
    struct segment segment;
    char bytes[16];
    load("strict");
    connection = passive_open(100, 8080);
    at(1000);
    peer_says(&connection, ACK | PSH, "hello");
    SAME(receive_at(ACK, 1000).ack, connection.peer.seq); /* the first are acknowledged at once */
    memset(bytes, 0, sizeof bytes);
    SAME(ifc.read(ifc.u, connection.fd, bytes, sizeof bytes), 5);
    CHECK(memcmp(bytes, "hello", 5) == 0);
    at(2000);
    SAME(ifc.write(ifc.u, connection.fd, "good day", 8), 8);
    segment = receive_at(ACK | PSH, 2000);
    SAME(segment.ack, connection.peer.seq);
    SAME(segment.seq, connection.peer.ack);
    SAME(segment.payload_length, 8);
    connection.peer.ack += 8;
    at(3000);
    peer_says(&connection, ACK, "");
    SAME(ifc.close(ifc.u, connection.fd), 0);
    SAME(receive_at(FIN | ACK, 3000).seq, connection.peer.ack);
    connection.peer.ack++;
    at(4000);
    peer_says(&connection, FIN | ACK, "");
    segment = receive_at(ACK, 4000);
    SAME(segment.ack, connection.peer.seq);
    SAME(ifc.close(ifc.u, connection.listener), 0);
    ifc.free(ifc.u);
}

/* Opened from this side: the stack's SYN shows its address and port. */
void case_active(void)
{
    struct address remote = remote_address(8080), unspec;
    int fd, error = -1;
    socklen_t length = sizeof error;
    struct segment syn, answer;
    load("strict");
    fd = ifc.socket(ifc.u, family(), SOCK_STREAM, 0);
    SAME(ifc.fcntl(ifc.u, fd, F_SETFL, O_RDWR | O_NONBLOCK), 0);
    SAME(ifc.fcntl(ifc.u, fd, F_GETFL, 0), O_RDWR | O_NONBLOCK);
    at(0);
    FAILS(ifc.connect(ifc.u, fd, SOCKADDR(remote), remote.length), EINPROGRESS);
    syn = receive_at(SYN, 0);
    SAME(syn.remote_port, 8080);
    SAME(receive_at(SYN, 1000000).seq, syn.seq); /* RFC 6298 2.1: after a second, then twice that */
    SAME(receive_at(SYN, 3000000).seq, syn.seq);
    answer = (struct segment){.local_port = syn.local_port,
                              .remote_port = 8080,
                              .flags = SYN | ACK,
                              .ack = syn.seq + 1,
                              .window = 5000};
    at(3100000);
    inject(&answer);
    SAME(receive_at(ACK, 3100000).ack, 1);
    SAME(ifc.getsockopt(ifc.u, fd, SOL_SOCKET, SO_ERROR, &error, &length), 0);
    SAME(error, 0);
    /* connect(AF_UNSPEC) as packetdrill calls it: 128 bytes, of which two mean something. */
    memset(&unspec, 0x5a, sizeof unspec);
    unspec.storage.ss_family = AF_UNSPEC;
    at(3200000);
    SAME(ifc.connect(ifc.u, fd, SOCKADDR(unspec), 128), 0);
    receive_at(RST | ACK, 3200000);
    SAME(ifc.close(ifc.u, fd), 0);
    FAILS(ifc.close(ifc.u, fd), EBADF);
    ifc.free(ifc.u);
}

/* The other calls that move data. */
void case_data(void)
{
    struct connection connection;
    struct address peer = {.length = sizeof peer.storage};
    char a[2], b[8];
    struct iovec vector[2] = {{a, sizeof a}, {b, sizeof b}};
    struct msghdr message = {.msg_iov = vector, .msg_iovlen = 2};
    int bytes = -1;
    uint32_t seq;
    load("strict");
    connection = passive_open(100, 8080);
    seq = connection.peer.ack;
    at(1000);
    peer_says(&connection, ACK | PSH, "0123456789abcdefghij");
    SAME(receive_at(ACK, 1000).ack, 21);
    SAME(ifc.ioctl(ifc.u, connection.fd, FIONREAD, &bytes), 0);
    SAME(bytes, 20);
    SAME(ifc.readv(ifc.u, connection.fd, vector, 2), 10);
    CHECK(memcmp(a, "01", 2) == 0 && memcmp(b, "23456789", 8) == 0);
    SAME(ifc.recv(ifc.u, connection.fd, b, 2, MSG_PEEK), 2);
    SAME(ifc.recvfrom(ifc.u, connection.fd, b, 2, 0, SOCKADDR(peer), &peer.length), 2);
    CHECK(memcmp(b, "ab", 2) == 0);
    SAME(ifc.recvmsg(ifc.u, connection.fd, &message, 0), 8);
    CHECK(memcmp(a, "cd", 2) == 0 && memcmp(b, "efghij", 6) == 0);
    FAILS(ifc.recv(ifc.u, connection.fd, b, 1, MSG_DONTWAIT), EAGAIN);
    vector[1].iov_len = 1;
    at(2000);
    SAME(ifc.writev(ifc.u, connection.fd, vector, 2), 3);
    SAME(receive_at(ACK | PSH, 2000).seq, seq);
    SAME(ifc.send(ifc.u, connection.fd, "s", 1, 0), 1);
    SAME(ifc.sendto(ifc.u, connection.fd, "t", 1, 0, NULL, 0), 1);
    SAME(ifc.sendmsg(ifc.u, connection.fd, &message, 0), 3);
    connection.peer.ack = seq + 3;
    at(3000);
    peer_says(&connection, ACK, ""); /* Nagle's rule: the rest goes as one */
    SAME(receive_at(ACK | PSH, 3000).payload_length, 5);
    connection.peer.ack += 5;
    at(4000);
    peer_says(&connection, ACK, "");
    SAME(ifc.shutdown(ifc.u, connection.fd, SHUT_WR), 0);
    receive_at(FIN | ACK, 4000);
    ifc.free(ifc.u);
}

/* One message of the error queue: its time stamp, and what it is about. */
static struct sock_extended_err take_news(int fd, struct timespec *stamp)
{
    union {
        char bytes[256];
        struct cmsghdr header;
    } control;
    struct msghdr message = {.msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    struct sock_extended_err error = {0};
    memset(stamp, 0, sizeof *stamp);
    SAME(ifc.recvmsg(ifc.u, fd, &message, MSG_ERRQUEUE), 0);
    for (struct cmsghdr *part = CMSG_FIRSTHDR(&message); part != NULL;
         part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_TIMESTAMPING)
            memcpy(stamp, CMSG_DATA(part), sizeof *stamp);
        else
            memcpy(&error, CMSG_DATA(part), sizeof error);
    }
    return error;
}

/* MSG_ZEROCOPY and time stamps: control data, by the clock that packetdrill reads. */
void case_news(void)
{
    const int one = 1, stamps = SOF_TIMESTAMPING_TX_ACK | SOF_TIMESTAMPING_SOFTWARE;
    struct connection connection;
    struct sock_extended_err error;
    struct timespec stamp;
    struct timeval now;
    struct pollfd entry = {.events = POLLIN};
    load("strict");
    connection = passive_open(100, 8080);
    entry.fd = connection.fd;
    SAME(ifc.setsockopt(ifc.u, connection.fd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof one), 0);
    SAME(ifc.setsockopt(ifc.u, connection.fd, SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof stamps),
         0);
    at(1000);
    SAME(ifc.send(ifc.u, connection.fd, "zero", 4, MSG_ZEROCOPY), 4);
    SAME(receive_at(ACK | PSH, 1000).payload_length, 4);
    at(2000);
    connection.peer.ack += 4;
    peer_says(&connection, ACK, "");
    SAME(ifc.poll(ifc.u, &entry, 1, 0), 1);
    SAME(entry.revents, POLLERR);
    error = take_news(connection.fd, &stamp);
    SAME(error.ee_origin, SO_EE_ORIGIN_TIMESTAMPING);
    SAME(error.ee_info, SCM_TSTAMP_ACK);
    SAME(ifc.gettimeofday(ifc.u, &now, NULL), 0);
    CHECK(llabs((now.tv_sec - stamp.tv_sec) * 1000000LL + now.tv_usec - stamp.tv_nsec / 1000) <
          1000);
    error = take_news(connection.fd, &stamp);
    SAME(error.ee_origin, SO_EE_ORIGIN_ZEROCOPY);
    SAME(error.ee_code, SO_EE_CODE_ZEROCOPY_COPIED);
    SAME(error.ee_data, 0);
    SAME(ifc.poll(ifc.u, &entry, 1, 0), 0);
    at(3000);
    SAME(ifc.shutdown(ifc.u, connection.fd, SHUT_WR), 0);
    receive_at(FIN | ACK, 3000);
    ifc.free(ifc.u);
}

/* poll and epoll over sockets and pipes at once. */
void case_readiness(void)
{
    struct connection connection;
    int fds[2], epoll;
    struct pollfd entries[3];
    struct epoll_event event = {.events = EPOLLIN}, found[4];
    load("strict");
    connection = passive_open(100, 8080);
    SAME(ifc.pipe(ifc.u, fds), 0);
    entries[0] = (struct pollfd){.fd = connection.fd, .events = POLLIN | POLLOUT};
    entries[1] = (struct pollfd){.fd = fds[0], .events = POLLIN};
    entries[2] = (struct pollfd){.fd = -1, .events = POLLIN};
    SAME(ifc.poll(ifc.u, entries, 3, 0), 1);
    SAME(entries[0].revents, POLLOUT);
    entries[0].events = POLLIN;
    at(1000000);
    SAME(ifc.poll(ifc.u, entries, 3, 250), 0);
    SAME(now_us() / 1000, 1250);
    SAME(ifc.write(ifc.u, fds[1], "x", 1), 1);
    SAME(ifc.poll(ifc.u, entries, 3, 250), 1);
    SAME(entries[1].revents, POLLIN);
    entries[2].fd = 999;
    SAME(ifc.poll(ifc.u, entries, 3, -1), 2);
    SAME(entries[2].revents, POLLNVAL);
    epoll = ifc.epoll_create(ifc.u, 1);
    CHECK(epoll >= 0);
    event.data.fd = connection.fd;
    SAME(ifc.epoll_ctl(ifc.u, epoll, EPOLL_CTL_ADD, connection.fd, &event), 0);
    SAME(ifc.epoll_wait(ifc.u, epoll, found, 4, 10), 0);
    event.data.fd = fds[0];
    SAME(ifc.epoll_ctl(ifc.u, epoll, EPOLL_CTL_ADD, fds[0], &event), 0);
    SAME(ifc.epoll_wait(ifc.u, epoll, found, 4, -1), 1);
    SAME(found[0].data.fd, fds[0]);
    at(2000000);
    peer_says(&connection, ACK, "y");
    receive_at(ACK, 2000000);
    SAME(ifc.epoll_wait(ifc.u, epoll, found, 4, -1), 2);
    SAME(ifc.epoll_wait(ifc.u, epoll, found, 1, -1), 1);
    FAILS(ifc.epoll_wait(ifc.u, epoll, found, 0, -1), EINVAL);
    SAME(ifc.close(ifc.u, epoll), 0);
    FAILS(ifc.epoll_wait(ifc.u, epoll, found, 1, 0), EBADF);
    ifc.free(ifc.u);
}
