/* SPDX-License-Identifier: MIT
 *
 * Much data both ways over a link that loses packets, driven by an edge-triggered epoll loop at
 * either end, in calls of changing kinds and sizes: every byte arrives once and in order, and no
 * edge is missed, or the loop would stand still.
 */
#include "socket_play.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define TOTAL_BYTES 400000u
#define MOST_TURNS 200000

struct end {
    struct hf_sockets *set;
    int fd, epoll;
    uint32_t random;
    size_t sent, received;
    int shut, finished;
};

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* The stream's byte at a place; the two directions differ. */
static char byte_at(size_t place, uint32_t direction)
{
    return (char)((place * 31 + place / 251 + direction * 7) & 0xff);
}

static void end_open(struct end *end, struct hf_sockets *set, int fd, uint32_t random)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET};
    *end = (struct end){.set = set, .fd = fd, .random = random};
    end->epoll = hf_socket_epoll_create1(set, 0);
    assert_int_equal(hf_socket_fcntl(set, fd, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(hf_socket_epoll_ctl(set, end->epoll, EPOLL_CTL_ADD, fd, &event), 0);
}

static ssize_t send_in_some_way(struct end *end, char *data, size_t length)
{
    struct iovec pieces[3] = {
        {data, length / 3}, {NULL, 0}, {data + length / 3, length - length / 3}};
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 3};
    switch (next_random(&end->random) % 4) {
    case 0:
        return hf_socket_write(end->set, end->fd, data, length);
    case 1:
        return hf_socket_writev(end->set, end->fd, pieces, 3);
    case 2:
        return hf_socket_sendmsg(end->set, end->fd, &message, MSG_MORE);
    default:
        return hf_socket_send(end->set, end->fd, data, length, 0);
    }
}

static void send_until_full(struct end *end, uint32_t direction)
{
    char block[3000];
    ssize_t n = 1;
    while (n > 0 && end->sent < TOTAL_BYTES) {
        size_t length = 1 + next_random(&end->random) % sizeof block;
        length = length < TOTAL_BYTES - end->sent ? length : TOTAL_BYTES - end->sent;
        for (size_t i = 0; i < length; i++) {
            block[i] = byte_at(end->sent + i, direction);
        }
        n = send_in_some_way(end, block, length);
        assert_true(n > 0 || n == -EAGAIN);
        end->sent += n > 0 ? (size_t)n : 0;
    }
    if (end->sent == TOTAL_BYTES && !end->shut) {
        assert_int_equal(hf_socket_shutdown(end->set, end->fd, SHUT_WR), 0);
        end->shut = 1;
    }
}

static ssize_t receive_in_some_way(struct end *end, char *data, size_t length)
{
    struct iovec pieces[2] = {{data, length / 2}, {data + length / 2, length - length / 2}};
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2};
    char peeked[64];
    ssize_t n;
    switch (next_random(&end->random) % 4) {
    case 0:
        return hf_socket_read(end->set, end->fd, data, length);
    case 1:
        return hf_socket_readv(end->set, end->fd, pieces, 2);
    case 2:
        return hf_socket_recvmsg(end->set, end->fd, &message, 0);
    default:
        n = hf_socket_recv(end->set, end->fd, peeked, sizeof peeked, MSG_PEEK);
        if (n <= 0) {
            return n;
        }
        length = (size_t)n;
        n = hf_socket_recv(end->set, end->fd, data, length, 0);
        assert_int_equal(n, length);
        assert_memory_equal(data, peeked, length);
        return n;
    }
}

static void receive_until_empty(struct end *end, uint32_t direction)
{
    char block[5000];
    ssize_t n = 1;
    while (n > 0) {
        n = receive_in_some_way(end, block, 1 + next_random(&end->random) % sizeof block);
        for (ssize_t i = 0; i < n; i++) {
            assert_int_equal(block[i], byte_at(end->received + (size_t)i, direction));
        }
        end->received += n > 0 ? (size_t)n : 0;
    }
    assert_true(n == 0 || n == -EAGAIN);
    end->finished = end->finished || n == 0;
}

/* One turn: whatever epoll tells is done to the end. 1: it told something. */
static int turn(struct end *end, uint32_t sends, uint32_t receives)
{
    struct epoll_event event;
    if (hf_socket_epoll_wait(end->set, end->epoll, &event, 1, 0) != 1) {
        return 0;
    }
    if (event.events & EPOLLIN) {
        receive_until_empty(end, receives);
    }
    if (event.events & EPOLLOUT) {
        send_until_full(end, sends);
    }
    return 1;
}

static void both_ways(uint32_t loss_ppm)
{
    struct play play;
    struct end ends[2];
    int listener;
    int fds[2];
    play_open(&play, loss_ppm, NULL);
    listener = play_listen(&play, 80);
    play_connect(&play, listener, 80, &fds[0], &fds[1]);
    end_open(&ends[0], play.sets[0], fds[0], 1);
    end_open(&ends[1], play.sets[1], fds[1], 2);
    for (int turns = 0; turns < MOST_TURNS; turns++) {
        int did = turn(&ends[0], 0, 1);
        did += turn(&ends[1], 1, 0);
        if (ends[0].finished && ends[1].finished) {
            break;
        }
        if (did == 0 && !hf_sim_step(play.sim, HF_TIME_NEVER)) {
            break;
        }
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ends[i].sent, TOTAL_BYTES);
        assert_int_equal(ends[i].received, TOTAL_BYTES);
        assert_true(ends[i].finished);
        assert_int_equal(hf_socket_close(ends[i].set, ends[i].fd), 0);
    }
    play_close(&play);
}

static void without_loss(void **state)
{
    (void)state;
    both_ways(0);
}

static void with_loss(void **state)
{
    (void)state;
    both_ways(20000);
}

/* Unsent bytes never pass TCP_NOTSENT_LOWAT by more than one call's worth, and all arrive. */
static void low_water(void **state)
{
    struct play play;
    char block[2000] = "";
    char sink[4096];
    int low_water_bytes = 8000;
    size_t sent = 0;
    size_t received = 0;
    int listener;
    int client;
    int server;
    (void)state;
    play_open(&play, 0, NULL);
    listener = play_listen(&play, 80);
    play_connect(&play, listener, 80, &client, &server);
    assert_int_equal(hf_socket_setsockopt(play.sets[0], client, IPPROTO_TCP, TCP_NOTSENT_LOWAT,
                                          &low_water_bytes, sizeof low_water_bytes),
                     0);
    for (int turns = 0; turns < 10000 && received < TOTAL_BYTES; turns++) {
        struct hf_status status;
        ssize_t n;
        while (sent < TOTAL_BYTES &&
               (n = hf_socket_send(play.sets[0], client, block, sizeof block, MSG_DONTWAIT)) > 0) {
            sent += (size_t)n;
        }
        play_run(&play, HF_MILLISECOND);
        assert_int_equal(
            hf_status(play.stacks[0], hf_sockets_handle(play.sets[0], client), &status), HF_OK);
        /* The last that was taken when less than 8000 waited is half of the largest window. */
        assert_true(status.send_unsent_bytes < 8000 + 65536 / 2);
        while ((n = hf_socket_recv(play.sets[1], server, sink, sizeof sink, MSG_DONTWAIT)) > 0) {
            received += (size_t)n;
        }
    }
    assert_true(received >= TOTAL_BYTES);
    play_close(&play);
}

/* A host that talks to itself: nothing of it reaches a link, and the wildcard means this host
 * (connect(2) on Linux). */
static void with_itself(void **state)
{
    const struct {
        uint32_t bound, to, found;
    } cases[] = {{0, 0x0a000001, 0x0a000001}, {0, 0, 0x0a000001}, {0x0a000001, 0, 0x0a000001}};
    struct play play;
    (void)state;
    play_open(&play, 0, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hf_sockets *set = play.sets[0];
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(80 + i))};
        struct sockaddr_in name;
        socklen_t length = sizeof name;
        char text[8] = {0};
        int listener = hf_socket(set, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        int client = hf_socket(set, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        int server;
        assert_int_equal(hf_socket_bind(set, listener, (struct sockaddr *)&address, sizeof address),
                         0);
        assert_int_equal(hf_socket_listen(set, listener, 1), 0);
        if (cases[i].bound != 0) {
            struct sockaddr_in own = {.sin_family = AF_INET};
            own.sin_addr.s_addr = htonl(cases[i].bound);
            assert_int_equal(hf_socket_bind(set, client, (struct sockaddr *)&own, sizeof own), 0);
        }
        address.sin_addr.s_addr = htonl(cases[i].to);
        assert_int_equal(
            hf_socket_connect(set, client, (struct sockaddr *)&address, sizeof address),
            -EINPROGRESS);
        play_run(&play, HF_MILLISECOND);
        assert_int_equal(hf_socket_getpeername(set, client, (struct sockaddr *)&name, &length), 0);
        assert_int_equal(ntohl(name.sin_addr.s_addr), cases[i].found);
        server = hf_socket_accept4(set, listener, (struct sockaddr *)&name, &length, 0);
        assert_true(server >= 0);
        assert_int_equal(ntohl(name.sin_addr.s_addr), 0x0a000001);
        assert_int_equal(hf_socket_send(set, client, "to us", 5, 0), 5);
        play_run(&play, HF_MILLISECOND);
        assert_int_equal(hf_socket_recv(set, server, text, sizeof text, 0), 5);
        assert_string_equal(text, "to us");
        assert_int_equal(hf_socket_shutdown(set, client, SHUT_WR), 0);
        play_run(&play, HF_MILLISECOND);
        assert_int_equal(hf_socket_recv(set, server, text, sizeof text, 0), 0);
        assert_int_equal(hf_sim_statistics(play.sim, 0).sent, 0);
    }
    play_close(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_loss),
        cmocka_unit_test(with_loss),
        cmocka_unit_test(with_itself),
        cmocka_unit_test(low_water),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
