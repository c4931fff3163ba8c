/* SPDX-License-Identifier: MIT
 *
 * Numbers, limits, and descriptors that come from outside.
 */
#include "socket_play.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void lowest_free_first(void **state)
{
    struct play play;
    int fds[40];
    (void)state;
    play_open(&play, 0, NULL);
    for (int i = 0; i < 40; i++) {
        fds[i] = i % 2 ? hf_socket_epoll_create1(play.sets[0], 0)
                       : hf_socket(play.sets[0], AF_INET, SOCK_STREAM, 0);
        assert_int_equal(fds[i], 3 + i);
        assert_true(hf_sockets_owns(play.sets[0], fds[i]));
    }
    assert_false(hf_sockets_owns(play.sets[0], 2));
    assert_false(hf_sockets_owns(play.sets[0], 43));
    assert_int_equal(hf_socket_close(play.sets[0], 20), 0);
    assert_int_equal(hf_socket_close(play.sets[0], 7), 0);
    assert_int_equal(hf_socket_close(play.sets[0], 7), -EBADF);
    assert_int_equal(hf_socket(play.sets[0], AF_INET, SOCK_STREAM, 0), 7);
    assert_int_equal(hf_socket(play.sets[0], AF_INET, SOCK_STREAM, 0), 20);
    assert_int_equal(hf_socket(play.sets[0], AF_INET, SOCK_STREAM, 0), 43);
    assert_int_equal(hf_sockets_handle(play.sets[0], 43), HF_NO_HANDLE);
    assert_int_equal(hf_sockets_handle(play.sets[0], 999), HF_NO_HANDLE);
    play_close(&play);
}

static void few(struct hf_sockets_config *config, int side)
{
    config->max_sockets = side == 0 ? 2 : 3;
    config->first_descriptor = 100;
}

static void limit(void **state)
{
    struct play play;
    struct sockaddr_in address = play_address(80);
    int listener;
    (void)state;
    play_open(&play, 0, few);
    listener = play_listen(&play, 80);
    assert_int_equal(listener, 100);
    assert_int_equal(hf_socket(play.sets[1], AF_INET, SOCK_STREAM, 0), 101);
    assert_int_equal(hf_socket(play.sets[1], AF_INET, SOCK_STREAM, 0), 102);
    assert_int_equal(hf_socket(play.sets[1], AF_INET, SOCK_STREAM, 0), -EMFILE);
    assert_int_equal(hf_socket_epoll_create1(play.sets[1], 0), -EMFILE);
    /* No room to accept; with room again the connection is still there. */
    assert_int_equal(hf_socket(play.sets[0], AF_INET, SOCK_STREAM, 0), 100);
    assert_int_equal(
        hf_socket_connect(play.sets[0], 100, (struct sockaddr *)&address, sizeof address), 0);
    play_run(&play, HF_SECOND);
    assert_int_equal(hf_socket_accept4(play.sets[1], listener, NULL, NULL, 0), -EMFILE);
    assert_int_equal(hf_socket_close(play.sets[1], 101), 0);
    assert_int_equal(hf_socket_accept4(play.sets[1], listener, NULL, NULL, 0), 101);
    assert_true(hf_sockets_handle(play.sets[1], 101) != HF_NO_HANDLE);
    play_close(&play);
}

/* A world that hands out numbers of its own. */
struct outside {
    int next;
    int refuses;
    int open;
};

static struct outside *outside_of(void *context)
{
    return ((struct play *)context)->notes;
}

static int give_descriptor(void *context)
{
    struct outside *outside = outside_of(context);
    if (outside->refuses != 0) {
        return outside->refuses;
    }
    outside->open++;
    outside->next += 17;
    return outside->next;
}

static void take_descriptor(void *context, int fd)
{
    assert_true(fd <= outside_of(context)->next);
    outside_of(context)->open--;
}

static void from_outside(struct hf_sockets_config *config, int side)
{
    if (side == 0) {
        config->open_descriptor = give_descriptor;
        config->close_descriptor = take_descriptor;
    }
}

static void outside_numbers(void **state)
{
    struct play play;
    struct outside outside = {.next = 1000};
    (void)state;
    play_open(&play, 0, from_outside);
    play.notes = &outside;
    assert_int_equal(hf_socket(play.sets[0], AF_INET, SOCK_STREAM, 0), 1017);
    assert_int_equal(hf_socket_epoll_create1(play.sets[0], 0), 1034);
    assert_true(hf_sockets_owns(play.sets[0], 1017));
    assert_false(hf_sockets_owns(play.sets[0], 1018));
    assert_int_equal(outside.open, 2);
    assert_int_equal(hf_socket_close(play.sets[0], 1017), 0);
    assert_int_equal(outside.open, 1);
    outside.refuses = -ENFILE;
    assert_int_equal(hf_socket(play.sets[0], AF_INET, SOCK_STREAM, 0), -ENFILE);
    outside.refuses = 0;
    outside.next = 1 << 25; /* beyond what the table takes: given back */
    assert_int_equal(hf_socket(play.sets[0], AF_INET, SOCK_STREAM, 0), -EMFILE);
    assert_int_equal(outside.open, 1);
    play_close(&play);
    assert_int_equal(outside.open, 0);
}

static void configurations(void **state)
{
    struct hf_sockets_config config = hf_sockets_config_default();
    struct hf_config stack_config = hf_config_default();
    (void)state;
    assert_null(hf_sockets_new(NULL));
    assert_null(hf_sockets_new(&config));
    config.stack = hf_stack_new(&stack_config);
    assert_null(hf_sockets_new(&config)); /* no clock */
    hf_stack_free(config.stack);
    hf_sockets_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lowest_free_first),
        cmocka_unit_test(limit),
        cmocka_unit_test(outside_numbers),
        cmocka_unit_test(configurations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
