/* SPDX-License-Identifier: MIT
 *
 * What closed connections leave behind: held as long as the core remembers them, and forgotten
 * then. Who conflicts with whom is compared with the kernel in errno_test.
 */
#include "socket_play.h"
#include "socket_state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static unsigned left_behind(const struct hf_sockets *set)
{
    unsigned count = 0;
    for (const struct port_owner *owner = set->ports.oldest_left; owner != NULL;
         owner = owner->newer) {
        count++;
    }
    return count;
}

static int bind_port(struct play *play, int side, uint16_t port, int reuse)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = hf_socket(play->sets[side], AF_INET, SOCK_STREAM, 0);
    int error;
    assert_int_equal(
        hf_socket_setsockopt(play->sets[side], fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse),
        0);
    error = hf_socket_bind(play->sets[side], fd, (struct sockaddr *)&any, sizeof any);
    assert_int_equal(hf_socket_close(play->sets[side], fd), 0);
    return error;
}

/* The server closes first and goes through FIN-WAIT, TIME-WAIT: taken; then free. */
static void time_wait_holds_the_port(void **state)
{
    struct play play;
    int listener;
    int client;
    int server;
    (void)state;
    play_open(&play, 0, NULL);
    listener = play_listen(&play, 80);
    play_connect(&play, listener, 80, &client, &server);
    assert_int_equal(hf_socket_close(play.sets[1], listener), 0);
    assert_int_equal(hf_socket_close(play.sets[1], server), 0);
    assert_int_equal(left_behind(play.sets[1]), 1);
    assert_int_equal(bind_port(&play, 1, 80, 0), -EADDRINUSE);
    play_run(&play, HF_SECOND);
    assert_int_equal(hf_socket_close(play.sets[0], client), 0);
    play_run(&play, HF_SECOND);
    assert_int_equal(bind_port(&play, 1, 80, 0), -EADDRINUSE);
    assert_int_equal(bind_port(&play, 1, 80, 1), -EADDRINUSE); /* the old one had no SO_REUSEADDR */
    assert_int_equal(bind_port(&play, 1, 81, 0), 0);
    play_run(&play, 60 * HF_SECOND);
    assert_int_equal(bind_port(&play, 1, 80, 0), 0);
    assert_int_equal(left_behind(play.sets[1]), 0);
    play_close(&play);
}

/* A reset leaves nothing. */
static void reset_leaves_nothing(void **state)
{
    struct play play;
    struct linger linger = {1, 0};
    int listener;
    int client;
    int server;
    (void)state;
    play_open(&play, 0, NULL);
    listener = play_listen(&play, 80);
    play_connect(&play, listener, 80, &client, &server);
    assert_int_equal(
        hf_socket_setsockopt(play.sets[1], server, SOL_SOCKET, SO_LINGER, &linger, sizeof linger),
        0);
    assert_int_equal(hf_socket_close(play.sets[1], server), 0);
    assert_int_equal(hf_socket_close(play.sets[1], listener), 0);
    assert_int_equal(left_behind(play.sets[1]), 0);
    assert_int_equal(bind_port(&play, 1, 80, 0), 0);
    play_close(&play);
}

/* A client that opens and closes for ever, a little faster than TIME-WAIT ends: what is left behind
 * stays as much as the core remembers. */
static void bounded(void **state)
{
    struct play play;
    struct hf_counters counters;
    unsigned most = 0;
    int listener;
    (void)state;
    play_open(&play, 0, NULL);
    listener = play_listen(&play, 80);
    for (int i = 0; i < 600; i++) {
        int client;
        int server;
        play_connect(&play, listener, 80, &client, &server);
        assert_int_equal(hf_socket_close(play.sets[0], client), 0);
        play_run(&play, HF_SECOND);
        assert_int_equal(hf_socket_close(play.sets[1], server), 0);
        play_run(&play, HF_SECOND);
        hf_stack_counters(play.stacks[0], &counters);
        assert_true(left_behind(play.sets[0]) <=
                    2 * (counters.connections + counters.time_waits) + 2);
        most = left_behind(play.sets[0]) > most ? left_behind(play.sets[0]) : most;
        /* It closed last: LAST-ACK is soon over, and forgotten when the next one comes. */
        assert_in_range(left_behind(play.sets[1]), 0, 1);
    }
    assert_true(most > 20);
    play_close(&play);
}

/* bind(0) takes every port of the range once, and then there is none. */
static void every_port_once(void **state)
{
    struct hf_config config = hf_config_default();
    struct play play;
    struct sockaddr_in any = {.sin_family = AF_INET};
    uint8_t seen[16] = {0};
    struct hf_stack *stack;
    struct hf_sockets_config sockets_config = hf_sockets_config_default();
    struct hf_sockets *set;
    (void)state;
    play_open(&play, 0, NULL);
    config.port_low = 50000;
    config.port_high = 50015;
    stack = hf_stack_new(&config);
    sockets_config = play.sets[0]->config;
    sockets_config.stack = stack;
    set = hf_sockets_new(&sockets_config);
    for (int i = 0; i < 16; i++) {
        socklen_t length = sizeof any;
        int fd = hf_socket(set, AF_INET, SOCK_STREAM, 0);
        any.sin_port = 0;
        assert_int_equal(hf_socket_bind(set, fd, (struct sockaddr *)&any, sizeof any), 0);
        assert_int_equal(hf_socket_getsockname(set, fd, (struct sockaddr *)&any, &length), 0);
        assert_in_range(ntohs(any.sin_port), 50000, 50015);
        assert_int_equal(seen[ntohs(any.sin_port) - 50000]++, 0);
    }
    any.sin_port = 0;
    assert_int_equal(hf_socket_bind(set, hf_socket(set, AF_INET, SOCK_STREAM, 0),
                                    (struct sockaddr *)&any, sizeof any),
                     -EADDRINUSE);
    assert_int_equal(hf_socket_listen(set, hf_socket(set, AF_INET, SOCK_STREAM, 0), 1),
                     -EADDRINUSE);
    hf_sockets_free(set);
    hf_stack_free(stack);
    play_close(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_wait_holds_the_port),
        cmocka_unit_test(reset_leaves_nothing),
        cmocka_unit_test(bounded),
        cmocka_unit_test(every_port_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
