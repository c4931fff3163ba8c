/* SPDX-License-Identifier: MIT
 *
 * Calls that block, in the second thread: each sleeps, ends at the instant of what satisfied it,
 * and is over before the first thread's next step.
 */
#include "driver.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>

struct arguments {
    int fd;
    void *data;
    size_t length;
    struct address address;
};

static long long do_accept(void *argument)
{
    struct arguments *a = argument;
    a->address.length = sizeof a->address.storage;
    return ifc.accept(ifc.u, a->fd, SOCKADDR(a->address), &a->address.length);
}

static long long do_connect(void *argument)
{
    struct arguments *a = argument;
    return ifc.connect(ifc.u, a->fd, SOCKADDR(a->address), a->address.length);
}

static long long do_read(void *argument)
{
    struct arguments *a = argument;
    return ifc.read(ifc.u, a->fd, a->data, a->length);
}

static long long do_write(void *argument)
{
    struct arguments *a = argument;
    return ifc.write(ifc.u, a->fd, a->data, a->length);
}

static long long do_poll(void *argument)
{
    struct arguments *a = argument;
    return ifc.poll(ifc.u, a->data, 1, (int)a->length);
}

static long long do_epoll_wait(void *argument)
{
    struct arguments *a = argument;
    return ifc.epoll_wait(ifc.u, a->fd, a->data, 1, (int)a->length);
}

static struct job asleep(long long (*call)(void *), struct arguments *arguments, struct job *job)
{
    *job = (struct job){.call = call, .argument = arguments, .begin_us = now_us() + 50};
    CHECK(start(job));
    return *job;
}

/* Over at this time, with this result, and without this thread having waited for it. */
static void ended(struct job *job, long long result, long long us)
{
    finish(job);
    SAME(job->result, result);
    SAME(job->end_us, us);
}

static void accepts_and_reads(void)
{
    struct segment peer = {.local_port = 8080, .remote_port = 53000, .flags = SYN, .window = 5000};
    struct arguments arguments = {.fd = ifc.socket(ifc.u, family(), SOCK_STREAM, 0)};
    struct address local = local_address(8080), expected = remote_address(53000);
    struct job job;
    char bytes[8] = "";
    SAME(ifc.bind(ifc.u, arguments.fd, SOCKADDR(local), local.length), 0);
    SAME(ifc.listen(ifc.u, arguments.fd, 1), 0);
    at(100);
    asleep(do_accept, &arguments, &job);
    at(1000);
    inject(&peer);
    peer.ack = receive_at(SYN | ACK, 1000).seq + 1;
    peer.seq = 1;
    peer.flags = ACK;
    at(2000);
    inject(&peer);
    at(2500); /* time went on before the thread came to ask */
    finish(&job);
    SAME(job.end_us, 2000);
    CHECK(job.result > arguments.fd);
    SAME(arguments.address.length, expected.length);
    CHECK(memcmp(&arguments.address.storage, &expected.storage, expected.length) == 0);
    arguments = (struct arguments){.fd = (int)job.result, .data = bytes, .length = sizeof bytes};
    at(3000);
    asleep(do_read, &arguments, &job);
    at(4000);
    peer.payload_length = 3;
    memcpy(peer.payload, "abc", 3);
    inject(&peer);
    CHECK(memcmp(bytes, "abc", 3) == 0); /* it is over before netdev_send returns */
    ended(&job, 3, 4000);
    SAME(receive_at(ACK, 4000).ack, 4);
}

static void connects(void)
{
    struct arguments arguments = {.fd = ifc.socket(ifc.u, family(), SOCK_STREAM, 0),
                                  .address = remote_address(8081)};
    struct segment syn, answer;
    struct job job;
    at(10000);
    asleep(do_connect, &arguments, &job);
    syn = receive();
    SAME(syn.flags, SYN);
    answer = (struct segment){.local_port = syn.local_port,
                              .remote_port = 8081,
                              .flags = SYN | ACK,
                              .ack = syn.seq + 1,
                              .window = 5000};
    at(20000);
    inject(&answer);
    ended(&job, 0, 20000);
    receive_at(ACK, 20000);
}

/* A write of more than the buffer holds goes on as the peer acknowledges. */
static void writes(void)
{
    static uint8_t bytes[300000];
    struct connection connection = passive_open(30000, 8082);
    struct arguments arguments = {.fd = connection.fd, .data = bytes, .length = sizeof bytes};
    const int small = 4096;
    struct job job;
    uint32_t sent = 0;
    long long time = 40000;
    SAME(ifc.setsockopt(ifc.u, connection.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    at(time);
    asleep(do_write, &arguments, &job);
    while (sent < sizeof bytes) {
        struct segment segment = receive();
        CHECK(segment.payload_length > 0);
        SAME(segment.seq, connection.peer.ack);
        connection.peer.ack += (uint32_t)segment.payload_length;
        sent += (uint32_t)segment.payload_length;
        inject(&connection.peer);
    }
    finish(&job);
    SAME(job.result, sizeof bytes);
}

static void polls(struct connection *connection)
{
    struct pollfd entry = {.fd = connection->fd, .events = POLLIN};
    struct epoll_event event = {.events = EPOLLIN, .data.fd = connection->fd};
    struct arguments arguments = {.data = &entry, .length = (size_t)-1};
    struct job job;
    char bytes[8];
    asleep(do_poll, &arguments, &job);
    at(110000);
    peer_says(connection, ACK, "x");
    ended(&job, 1, 110000);
    SAME(entry.revents, POLLIN);
    SAME(ifc.read(ifc.u, connection->fd, bytes, sizeof bytes), 1);
    arguments.fd = ifc.epoll_create(ifc.u, 1);
    arguments.data = &event;
    SAME(ifc.epoll_ctl(ifc.u, arguments.fd, EPOLL_CTL_ADD, connection->fd, &event), 0);
    memset(&event, 0, sizeof event);
    asleep(do_epoll_wait, &arguments, &job);
    at(120000);
    peer_says(connection, ACK, "y");
    ended(&job, 1, 120000);
    SAME(event.data.fd, connection->fd);
}

void case_blocking(void)
{
    struct connection connection;
    load("idle=0");
    accepts_and_reads();
    connects();
    connection = passive_open(100000, 8083);
    polls(&connection);
}

void case_blocking_write(void)
{
    load("idle=0");
    writes();
}

/* What ends by itself does so while the first thread lets time pass in one great step. */
void case_blocking_time(void)
{
    const struct timeval patience = {.tv_sec = 3, .tv_usec = 500};
    struct connection connection;
    struct pollfd entry = {.events = POLLIN};
    struct arguments arguments = {.data = &entry, .length = 1500};
    struct job job;
    char bytes[8];
    load("idle=0");
    connection = passive_open(100, 8080);
    entry.fd = arguments.fd = connection.fd;
    asleep(do_poll, &arguments, &job);
    at(10000000);
    finish(&job);
    SAME(job.result, 0);
    SAME(job.end_us, job.begin_us + 1500000);
    SAME(ifc.setsockopt(ifc.u, connection.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience),
         0);
    arguments.data = bytes;
    arguments.length = sizeof bytes;
    asleep(do_read, &arguments, &job);
    at(20000000);
    ended(&job, -1, job.begin_us + 3000500);
    SAME(job.error, EAGAIN);
    /* The first thread's own: nobody else moves time for it. */
    entry.events = POLLIN;
    SAME(ifc.poll(ifc.u, &entry, 1, 1000), 0);
    SAME(now_us() / 1000, 21000);
    FAILS(ifc.read(ifc.u, connection.fd, bytes, 1), EAGAIN);
    SAME(now_us() / 1000, 24000);
}

/* Nobody calls: packetdrill waits, in real time, for the call that is under way. */
void case_idle(void)
{
    const struct timeval patience = {.tv_sec = 0, .tv_usec = 600000};
    struct connection connection;
    struct arguments arguments;
    struct job job;
    char bytes[8];
    load("idle=20");
    connection = passive_open(100, 8080);
    SAME(ifc.setsockopt(ifc.u, connection.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience),
         0);
    arguments = (struct arguments){.fd = connection.fd, .data = bytes, .length = sizeof bytes};
    asleep(do_read, &arguments, &job);
    ended(&job, -1, job.begin_us + 600000);
    SAME(job.error, EAGAIN);
}
