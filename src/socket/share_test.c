/* SPDX-License-Identifier: MIT
 *
 * SO_REUSEPORT: everyone gets some, nobody gets lost, and who goes takes only its own along. (Which
 * binds are allowed is compared with the kernel in errno_test.)
 */
#include "socket_play.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static int listen_shared(struct play *play, int backlog)
{
    struct sockaddr_in address = play_address(80);
    int one = 1;
    int fd = hf_socket(play->sets[1], AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(
        hf_socket_setsockopt(play->sets[1], fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one), 0);
    assert_int_equal(hf_socket_bind(play->sets[1], fd, (struct sockaddr *)&address, sizeof address),
                     0);
    assert_int_equal(hf_socket_listen(play->sets[1], fd, backlog), 0);
    return fd;
}

static int connect_one(struct play *play)
{
    struct sockaddr_in address = play_address(80);
    int fd = hf_socket(play->sets[0], AF_INET, SOCK_STREAM, 0);
    assert_int_equal(
        hf_socket_connect(play->sets[0], fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static int accept_all(struct play *play, int listener)
{
    int count = 0;
    while (hf_socket_accept4(play->sets[1], listener, NULL, NULL, 0) >= 0) {
        count++;
    }
    return count;
}

static void spread(void **state)
{
    struct play play;
    int listeners[4];
    int total = 0;
    (void)state;
    play_open(&play, 0, NULL);
    for (int i = 0; i < 4; i++) {
        listeners[i] = listen_shared(&play, 100);
    }
    for (int i = 0; i < 200; i++) {
        (void)connect_one(&play);
    }
    play_run(&play, HF_SECOND);
    for (int i = 0; i < 4; i++) {
        struct pollfd entry = {listeners[i], POLLIN, 0};
        int count;
        assert_int_equal(hf_socket_poll(play.sets[1], &entry, 1, 0), 1);
        count = accept_all(&play, listeners[i]);
        assert_in_range(count, 25, 80); /* 50 each, give or take more than four deviations */
        assert_int_equal(hf_socket_poll(play.sets[1], &entry, 1, 0), 0);
        total += count;
    }
    assert_int_equal(total, 200);
    play_close(&play);
}

/* Full queues hand on; beyond all of them connections wait in the core and come when there is room.
 */
static void overflow(void **state)
{
    struct play play;
    int first;
    int second;
    (void)state;
    play_open(&play, 0, NULL);
    first = listen_shared(&play, 1);
    second = listen_shared(&play, 2);
    for (int i = 0; i < 9; i++) {
        (void)connect_one(&play);
        play_run(&play, 100 * HF_MILLISECOND);
    }
    /* 2 and 3 in the queues, and as many as all members together in the core. */
    assert_int_equal(accept_all(&play, first) + accept_all(&play, second), 9);
    play_close(&play);
}

/* What the peer did before there was a descriptor is not lost. */
static void events_while_waiting(void **state)
{
    struct play play;
    struct linger linger = {1, 0};
    char data[8];
    int listener;
    int client;
    int server;
    (void)state;
    play_open(&play, 0, NULL);
    listener = listen_shared(&play, 5);
    client = connect_one(&play);
    assert_int_equal(hf_socket_send(play.sets[0], client, "abc", 3, 0), 3);
    play_run(&play, HF_SECOND);
    assert_int_equal(
        hf_socket_setsockopt(play.sets[0], client, SOL_SOCKET, SO_LINGER, &linger, sizeof linger),
        0);
    assert_int_equal(hf_socket_close(play.sets[0], client), 0);
    play_run(&play, HF_SECOND);
    server = hf_socket_accept4(play.sets[1], listener, NULL, NULL, 0);
    assert_true(server >= 0);
    assert_int_equal(hf_socket_recv(play.sets[1], server, data, 8, 0), 3);
    assert_int_equal(hf_socket_recv(play.sets[1], server, data, 8, 0), -ECONNRESET);
    play_close(&play);
}

/* The first one, which the core's handle leads to, closes; the others go on. */
static void leaving(void **state)
{
    struct play play;
    int listeners[3];
    int clients[30];
    int reset = 0;
    int accepted = 0;
    struct hf_counters counters;
    (void)state;
    play_open(&play, 0, NULL);
    for (int i = 0; i < 3; i++) {
        listeners[i] = listen_shared(&play, 100);
    }
    for (int i = 0; i < 30; i++) {
        clients[i] = connect_one(&play);
    }
    play_run(&play, HF_SECOND);
    assert_int_equal(hf_socket_close(play.sets[1], listeners[0]), 0);
    play_run(&play, HF_SECOND);
    for (int i = 0; i < 30; i++) {
        char data;
        reset += hf_socket_recv(play.sets[0], clients[i], &data, 1, MSG_DONTWAIT) == -ECONNRESET;
    }
    accepted = accept_all(&play, listeners[1]) + accept_all(&play, listeners[2]);
    assert_true(reset > 0 && accepted > 0);
    assert_int_equal(reset + accepted, 30);
    for (int i = 0; i < 10; i++) {
        (void)connect_one(&play);
    }
    play_run(&play, HF_SECOND);
    assert_int_equal(accept_all(&play, listeners[1]) + accept_all(&play, listeners[2]), 10);
    assert_int_equal(hf_socket_shutdown(play.sets[1], listeners[1], SHUT_RD), 0);
    assert_int_equal(hf_socket_accept4(play.sets[1], listeners[1], NULL, NULL, 0), -EINVAL);
    (void)connect_one(&play);
    play_run(&play, HF_SECOND);
    assert_int_equal(accept_all(&play, listeners[2]), 1);
    assert_int_equal(hf_socket_listen(play.sets[1], listeners[1], 7), 0); /* and back again */
    assert_int_equal(hf_socket_close(play.sets[1], listeners[2]), 0);
    assert_int_equal(hf_socket_close(play.sets[1], listeners[1]), 0);
    hf_stack_counters(play.stacks[1], &counters);
    assert_int_equal(counters.listeners, 0);
    play_close(&play);
}

/* Each member's options are those of its own connections. */
static void options_of_members(void **state)
{
    struct play play;
    int listeners[2];
    int seen[2] = {0, 0};
    (void)state;
    play_open(&play, 0, NULL);
    for (int i = 0; i < 2; i++) {
        int idle = 100 + i;
        listeners[i] = listen_shared(&play, 50);
        assert_int_equal(hf_socket_setsockopt(play.sets[1], listeners[i], IPPROTO_TCP, TCP_KEEPIDLE,
                                              &idle, sizeof idle),
                         0);
    }
    for (int i = 0; i < 20; i++) {
        (void)connect_one(&play);
    }
    play_run(&play, HF_SECOND);
    for (int i = 0; i < 2; i++) {
        int fd;
        while ((fd = hf_socket_accept4(play.sets[1], listeners[i], NULL, NULL, 0)) >= 0) {
            int64_t idle_ns;
            assert_int_equal(hf_get_option(play.stacks[1], hf_sockets_handle(play.sets[1], fd),
                                           HF_OPTION_KEEPALIVE_IDLE_NS, &idle_ns),
                             HF_OK);
            assert_int_equal(idle_ns, (100 + i) * HF_SECOND);
            seen[i]++;
        }
    }
    assert_true(seen[0] > 0 && seen[1] > 0);
    play_close(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spread),
        cmocka_unit_test(overflow),
        cmocka_unit_test(events_while_waiting),
        cmocka_unit_test(leaving),
        cmocka_unit_test(options_of_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
