/* SPDX-License-Identifier: MIT
 *
 * Calls that block, and what the world does meanwhile: bytes come, the peer closes, time runs out,
 * somebody interrupts, somebody else closes the descriptor. Durations are those of the virtual
 * clock, so they are exact.
 */
#include "socket_play.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/time.h>

#include <cmocka.h>

enum { LISTENER, SENDER, RECEIVER };

static void open_pair(struct play *play)
{
    play_open(play, 0, NULL);
    play->fds[LISTENER] = play_listen(play, 80);
    play_connect(play, play->fds[LISTENER], 80, &play->fds[SENDER], &play->fds[RECEIVER]);
}

static void send_some(struct play *play, unsigned step)
{
    if (step == 3 || step == 6 || step == 9) {
        assert_int_equal(hf_socket_send(play->sets[0], play->fds[SENDER], "abcd", 4, 0), 4);
    }
}

static void receive_waits(void **state)
{
    struct play play;
    char data[20] = "";
    (void)state;
    open_pair(&play);
    play.script = send_some;
    assert_int_equal(hf_socket_recv(play.sets[1], play.fds[RECEIVER], data, 20, 0), 4);
    assert_int_equal(hf_socket_recv(play.sets[1], play.fds[RECEIVER], data, 8, MSG_WAITALL), 8);
    assert_memory_equal(data, "abcdabcd", 8);
    /* Nothing more will ever come; the world says so. */
    assert_int_equal(hf_socket_recv(play.sets[1], play.fds[RECEIVER], data, 1, 0), -EDEADLK);
    play_close(&play);
}

static void finish(struct play *play, unsigned step)
{
    if (step == 2) {
        assert_int_equal(hf_socket_send(play->sets[0], play->fds[SENDER], "end", 3, 0), 3);
        assert_int_equal(hf_socket_close(play->sets[0], play->fds[SENDER]), 0);
    }
}

static void wait_for_all_ends_with_fin(void **state)
{
    struct play play;
    char data[20] = "";
    (void)state;
    open_pair(&play);
    play.script = finish;
    assert_int_equal(hf_socket_recv(play.sets[1], play.fds[RECEIVER], data, 20, MSG_WAITALL), 3);
    assert_int_equal(hf_socket_recv(play.sets[1], play.fds[RECEIVER], data, 20, MSG_WAITALL), 0);
    play_close(&play);
}

static void times_run_out(void **state)
{
    struct play play;
    struct timeval time = {1, 500000};
    char data[4];
    hf_time before;
    (void)state;
    open_pair(&play);
    play_run(&play, HF_SECOND);
    assert_int_equal(hf_socket_setsockopt(play.sets[1], play.fds[RECEIVER], SOL_SOCKET, SO_RCVTIMEO,
                                          &time, sizeof time),
                     0);
    before = hf_sim_now(play.sim);
    assert_int_equal(hf_socket_recv(play.sets[1], play.fds[RECEIVER], data, 4, 0), -EAGAIN);
    assert_int_equal(hf_sim_now(play.sim) - before, 1500 * HF_MILLISECOND);
    before = hf_sim_now(play.sim);
    assert_int_equal(
        hf_socket_poll(play.sets[1], &(struct pollfd){play.fds[RECEIVER], POLLIN, 0}, 1, 250), 0);
    assert_int_equal(hf_sim_now(play.sim) - before, 250 * HF_MILLISECOND);
    play_close(&play);
}

/* A connection attempt that nobody answers: SO_SNDTIMEO ends the call, not the attempt. */
static void connect_runs_out(void **state)
{
    struct play play;
    struct sockaddr_in nobody = play_address(80);
    struct timeval time = {2, 0};
    hf_time before;
    int fd;
    (void)state;
    play_open(&play, 0, NULL);
    nobody.sin_addr.s_addr ^= 0xff000000; /* 10.0.0.253 */
    fd = hf_socket(play.sets[0], AF_INET, SOCK_STREAM, 0);
    assert_int_equal(
        hf_socket_setsockopt(play.sets[0], fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time), 0);
    before = hf_sim_now(play.sim);
    assert_int_equal(hf_socket_connect(play.sets[0], fd, (struct sockaddr *)&nobody, sizeof nobody),
                     -EINPROGRESS);
    assert_int_equal(hf_sim_now(play.sim) - before, 2 * HF_SECOND);
    assert_int_equal(hf_socket_connect(play.sets[0], fd, (struct sockaddr *)&nobody, sizeof nobody),
                     -EALREADY);
    time.tv_sec = 0;
    assert_int_equal(
        hf_socket_setsockopt(play.sets[0], fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time), 0);
    assert_int_equal(hf_socket_connect(play.sets[0], fd, (struct sockaddr *)&nobody, sizeof nobody),
                     -ETIMEDOUT);
    play_close(&play);
}

static void interrupted(void **state)
{
    struct play play;
    struct pollfd entry;
    char data[8];
    (void)state;
    open_pair(&play);
    entry = (struct pollfd){play.fds[RECEIVER], POLLIN, 0};
    play.wait_error = -EINTR;
    assert_int_equal(hf_socket_recv(play.sets[1], play.fds[RECEIVER], data, 8, 0), -EINTR);
    play.wait_error = -EINTR;
    assert_int_equal(hf_socket_poll(play.sets[1], &entry, 1, -1), -EINTR);
    /* With bytes in hand the call says how many. */
    assert_int_equal(hf_socket_send(play.sets[0], play.fds[SENDER], "abc", 3, 0), 3);
    play_run(&play, HF_SECOND);
    play.wait_error = -EINTR;
    assert_int_equal(hf_socket_recv(play.sets[1], play.fds[RECEIVER], data, 8, MSG_WAITALL), 3);
    play_close(&play);
}

static void close_meanwhile(struct play *play, unsigned step)
{
    if (step == 2) {
        assert_int_equal(hf_socket_close(play->sets[1], play->fds[RECEIVER]), 0);
        assert_int_equal(hf_socket_close(play->sets[1], play->fds[RECEIVER]), -EBADF);
    }
    if (step == 4) {
        assert_int_equal(hf_socket_send(play->sets[0], play->fds[SENDER], "late", 4, 0), 4);
    }
}

/* A descriptor that is closed under a call takes the socket along only when the call is over. */
static void closed_under_a_call(void **state)
{
    struct play play;
    char data[8];
    struct hf_counters counters;
    (void)state;
    open_pair(&play);
    play.script = close_meanwhile;
    assert_int_equal(hf_socket_recv(play.sets[1], play.fds[RECEIVER], data, 8, 0), 4);
    play.script = NULL;
    assert_int_equal(hf_socket_recv(play.sets[0], play.fds[SENDER], data, 8, 0), 0);
    assert_int_equal(hf_socket_close(play.sets[0], play.fds[SENDER]), 0);
    play_run(&play, 200 * HF_SECOND);
    hf_stack_counters(play.stacks[1], &counters);
    assert_int_equal(counters.connections, 0);
    play_close(&play);
}

static void drain(struct play *play, unsigned step)
{
    char data[4096];
    (void)step;
    (void)hf_socket_recv(play->sets[1], play->fds[RECEIVER], data, sizeof data, MSG_DONTWAIT);
}

static void send_waits_for_room(void **state)
{
    static char block[1 << 20];
    struct play play;
    (void)state;
    open_pair(&play);
    assert_int_equal(
        hf_socket_send(play.sets[0], play.fds[SENDER], block, sizeof block, MSG_DONTWAIT),
        64 * 1024);
    assert_int_equal(hf_socket_send(play.sets[0], play.fds[SENDER], block, 1, MSG_DONTWAIT),
                     -EAGAIN);
    play.script = drain;
    assert_int_equal(hf_socket_send(play.sets[0], play.fds[SENDER], block, sizeof block, 0),
                     sizeof block);
    play_close(&play);
}

static void reset_meanwhile(struct play *play, unsigned step)
{
    if (step == 8) {
        struct linger linger = {1, 0};
        assert_int_equal(hf_socket_setsockopt(play->sets[1], play->fds[RECEIVER], SOL_SOCKET,
                                              SO_LINGER, &linger, sizeof linger),
                         0);
        assert_int_equal(hf_socket_close(play->sets[1], play->fds[RECEIVER]), 0);
    }
}

static void reset_under_a_send(void **state)
{
    static char block[1 << 20];
    struct play play;
    ssize_t sent;
    (void)state;
    open_pair(&play);
    play.script = reset_meanwhile;
    sent = hf_socket_send(play.sets[0], play.fds[SENDER], block, sizeof block, 0);
    assert_true(sent > 0 && sent < (ssize_t)sizeof block);
    assert_int_equal(hf_socket_send(play.sets[0], play.fds[SENDER], block, 1, 0), -ECONNRESET);
    assert_int_equal(hf_socket_send(play.sets[0], play.fds[SENDER], block, 1, 0), -EPIPE);
    play_close(&play);
}

/* close with SO_LINGER returns when all is acknowledged, or when its time is over. */
static void lingering_close(void **state)
{
    static char block[60000];
    struct play play;
    struct linger linger = {1, 10};
    struct hf_sim_direction dead = {.loss_ppm = 1000000};
    hf_time before;
    (void)state;
    open_pair(&play);
    assert_int_equal(hf_socket_setsockopt(play.sets[0], play.fds[SENDER], SOL_SOCKET, SO_LINGER,
                                          &linger, sizeof linger),
                     0);
    assert_int_equal(hf_socket_send(play.sets[0], play.fds[SENDER], block, sizeof block, 0),
                     sizeof block);
    before = hf_sim_now(play.sim);
    assert_int_equal(hf_socket_close(play.sets[0], play.fds[SENDER]), 0);
    assert_true(hf_sim_now(play.sim) - before >= 20 * HF_MILLISECOND); /* a round trip at least */
    assert_true(hf_sim_now(play.sim) - before < HF_SECOND);
    play_connect(&play, play.fds[LISTENER], 80, &play.fds[SENDER], &play.fds[RECEIVER]);
    assert_int_equal(hf_socket_setsockopt(play.sets[0], play.fds[SENDER], SOL_SOCKET, SO_LINGER,
                                          &linger, sizeof linger),
                     0);
    assert_int_equal(hf_sim_set_direction(play.sim, 0, &dead), 0);
    assert_int_equal(hf_socket_send(play.sets[0], play.fds[SENDER], block, 10, 0), 10);
    before = hf_sim_now(play.sim);
    assert_int_equal(hf_socket_close(play.sets[0], play.fds[SENDER]), 0);
    assert_int_equal(hf_sim_now(play.sim) - before, 10 * HF_SECOND);
    play_close(&play);
}

static void no_wait(struct hf_sockets_config *config, int side)
{
    if (side == 0) {
        config->wait = NULL;
    }
}

/* Without `wait` no call waits, whatever the descriptor's flags say. */
static void nothing_blocks_without_wait(void **state)
{
    struct play play;
    struct sockaddr_in address = play_address(80);
    struct epoll_event event;
    char data[4];
    int fd;
    int epoll;
    (void)state;
    play_open(&play, 0, no_wait);
    (void)play_listen(&play, 80);
    fd = hf_socket(play.sets[0], AF_INET, SOCK_STREAM, 0);
    epoll = hf_socket_epoll_create1(play.sets[0], 0);
    assert_int_equal(
        hf_socket_connect(play.sets[0], fd, (struct sockaddr *)&address, sizeof address),
        -EINPROGRESS);
    assert_int_equal(hf_socket_epoll_wait(play.sets[0], epoll, &event, 1, -1), 0);
    play_run(&play, HF_SECOND);
    assert_int_equal(
        hf_socket_connect(play.sets[0], fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(hf_socket_recv(play.sets[0], fd, data, 4, 0), -EAGAIN);
    assert_int_equal(hf_socket_poll(play.sets[0], &(struct pollfd){fd, POLLIN, 0}, 1, -1), 0);
    play_close(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(receive_waits),       cmocka_unit_test(wait_for_all_ends_with_fin),
        cmocka_unit_test(times_run_out),       cmocka_unit_test(connect_runs_out),
        cmocka_unit_test(interrupted),         cmocka_unit_test(closed_under_a_call),
        cmocka_unit_test(send_waits_for_room), cmocka_unit_test(reset_under_a_send),
        cmocka_unit_test(lingering_close),     cmocka_unit_test(nothing_blocks_without_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
