/* SPDX-License-Identifier: MIT
 *
 * The error queue's limits and ends, which scripts do not reach: tests/drill/kernel-style has the
 * rest, and the kernel has played those.
 */
#include "socket_play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include <errno.h>
#include <handfast/zero_copy.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY 0x4000000
#endif
#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY 60
#endif

static const struct hf_sim_direction dead = {.loss_ppm = 1000000};

static void turn_on(struct play *play, int fd, int option, int value)
{
    assert_int_equal(
        hf_socket_setsockopt(play->sets[0], fd, SOL_SOCKET, option, &value, sizeof value), 0);
}

/* Reads one message; its sock_extended_err, with `room` for control data. */
static ssize_t take(struct play *play, int fd, size_t room, struct msghdr *message,
                    struct sock_extended_err *error)
{
    static union {
        char bytes[512];
        struct cmsghdr header;
    } control;
    ssize_t answer;
    memset(message, 0, sizeof *message);
    memset(&control, 0, sizeof control);
    message->msg_control = control.bytes;
    message->msg_controllen = room;
    answer = hf_socket_recvmsg(play->sets[0], fd, message, MSG_ERRQUEUE);
    memset(error, 0, sizeof *error);
    for (struct cmsghdr *at = CMSG_FIRSTHDR(message); answer >= 0 && at != NULL;
         at = CMSG_NXTHDR(message, at)) {
        if (at->cmsg_level == SOL_IP && at->cmsg_type == IP_RECVERR &&
            at->cmsg_len >= CMSG_LEN(sizeof *error)) {
            memcpy(error, CMSG_DATA(at), sizeof *error);
        }
    }
    return answer;
}

static void open_pair(struct play *play, int *client, int *server)
{
    play_open(play, 0, NULL);
    play_connect(play, play_listen(play, 80), 80, client, server);
}

/* The connection ends with everything under way: all of it is told, as one. */
static void told_at_the_end(void **state)
{
    const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    struct play play;
    struct msghdr message;
    struct sock_extended_err error;
    int one = 1;
    char byte = 1;
    int client;
    int server;
    (void)state;
    open_pair(&play, &client, &server);
    turn_on(&play, client, SO_ZEROCOPY, 1);
    assert_int_equal(
        hf_socket_setsockopt(play.sets[0], client, SOL_TCP, TCP_NODELAY, &one, sizeof one), 0);
    assert_int_equal(hf_sim_set_direction(play.sim, 0, &dead), 0);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(hf_socket_send(play.sets[0], client, &byte, 1, MSG_ZEROCOPY), 1);
        play_run(&play, HF_MICROSECOND); /* it leaves, so the next does not join it */
    }
    assert_int_equal(take(&play, client, 512, &message, &error), -EAGAIN);
    assert_int_equal(hf_socket_connect(play.sets[0], client, &nowhere, sizeof nowhere), 0);
    assert_int_equal(take(&play, client, 512, &message, &error), 0);
    assert_int_equal(error.ee_origin, SO_EE_ORIGIN_ZEROCOPY);
    assert_int_equal(error.ee_info, 0);
    assert_int_equal(error.ee_data, 4);
    assert_int_equal(take(&play, client, 512, &message, &error), -EAGAIN);
    play_close(&play);
}

/* Numbers that do not follow each other are entries of their own; so many, and no more. */
static void completions_never_get_lost(void **state)
{
    struct play play;
    struct msghdr message;
    struct sock_extended_err error;
    char byte = 1;
    int client;
    int server;
    uint32_t expected = 0;
    unsigned told = 0;
    (void)state;
    open_pair(&play, &client, &server);
    turn_on(&play, client, SO_ZEROCOPY, 1);
    /* A stamp between any two completions keeps them apart, as long as stamps are kept. */
    turn_on(&play, client, SO_RCVBUF, 4000000);
    turn_on(&play, client, SO_TIMESTAMPING,
            SOF_TIMESTAMPING_TX_ACK | SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_TSONLY);
    for (unsigned i = 0; i < 1000; i++) {
        ssize_t answer = hf_socket_send(play.sets[0], client, &byte, 1, MSG_ZEROCOPY);
        if (answer == -ENOBUFS) {
            break;
        }
        assert_int_equal(answer, 1);
        expected++;
        play_run(&play, HF_SECOND);
    }
    assert_in_range(expected, 100, 300);
    for (uint32_t next = 0; next < expected;) {
        assert_true(take(&play, client, 512, &message, &error) >= 0);
        if (error.ee_origin == SO_EE_ORIGIN_ZEROCOPY) {
            assert_int_equal(error.ee_info, next);
            next = error.ee_data + 1;
            told++;
        }
    }
    assert_int_equal(told, expected);
    while (take(&play, client, 512, &message, &error) >= 0) {
        assert_int_equal(error.ee_origin, SO_EE_ORIGIN_TIMESTAMPING);
    }
    assert_int_equal(hf_socket_send(play.sets[0], client, &byte, 1, MSG_ZEROCOPY), 1);
    play_close(&play);
}

/* ---- by reference */

enum { LARGE_BYTES = 200000 };

static void copy_all(struct hf_sockets_config *config, int side)
{
    (void)side;
    config->zero_copy_bytes = 0;
}

static void bound_to_64_pages(struct hf_sockets_config *config, int side)
{
    (void)side;
    config->zero_copy_bytes = 64u * 4096;
}

/* Reads `length` bytes at the server's end, and counts those that are `value`. */
static size_t count_received(struct play *play, int server, size_t length, uint8_t value)
{
    static uint8_t bytes[LARGE_BYTES];
    size_t received = 0;
    size_t count = 0;
    while (received < length) {
        ssize_t n = hf_socket_recv(play->sets[1], server, bytes, sizeof bytes, MSG_DONTWAIT);
        if (n == -EAGAIN) {
            play_run(play, 10 * HF_MILLISECOND);
            continue;
        }
        assert_true(n > 0);
        received += (size_t)n;
        for (ssize_t i = 0; i < n; i++) {
            count += bytes[i] == value;
        }
    }
    assert_int_equal(received, length);
    return count;
}

static struct sock_extended_err take_one(struct play *play, int fd)
{
    struct msghdr message;
    struct sock_extended_err error;
    assert_int_equal(take(play, fd, 512, &message, &error), 0);
    assert_int_equal(error.ee_origin, SO_EE_ORIGIN_ZEROCOPY);
    return error;
}

/* What a program writes over its memory too early is what the peer gets, of all that the first
 * window had no room for: nobody has copied it. Where all is to be copied, nothing of it is. */
static void sent_from_where_it_lies(void **state)
{
    static uint8_t bytes[60000];
    (void)state;
    for (int copied = 0; copied < 2; copied++) {
        struct play play;
        int client;
        int server;
        size_t changed;
        play_open(&play, 0, copied ? copy_all : NULL);
        play_connect(&play, play_listen(&play, 80), 80, &client, &server);
        turn_on(&play, client, SO_ZEROCOPY, 1);
        memset(bytes, 'a', sizeof bytes);
        assert_int_equal(
            hf_socket_send(play.sets[0], client, bytes, sizeof bytes, MSG_ZEROCOPY | MSG_DONTWAIT),
            sizeof bytes);
        play_run(&play, HF_MICROSECOND);
        memset(bytes, 'b', sizeof bytes);
        changed = count_received(&play, server, sizeof bytes, 'b');
        assert_true(copied ? changed == 0 : changed >= sizeof bytes / 2);
        play_run(&play, HF_SECOND);
        assert_int_equal(take_one(&play, client).ee_code, copied ? SO_EE_CODE_ZEROCOPY_COPIED : 0);
        play_close(&play);
    }
}

/* The block is freed as soon as the socket is closed, or its connection over: whoever looks at it
 * afterwards is seen by a sanitizer. The peer has all of it, if it was closed in order. */
static void closed_before_it_is_sent(void **state)
{
    (void)state;
    for (int aborted = 0; aborted < 2; aborted++) {
        struct play play;
        const struct linger at_once = {.l_onoff = 1};
        uint8_t *bytes = malloc(LARGE_BYTES);
        ssize_t taken;
        int client;
        int server;
        assert_non_null(bytes);
        memset(bytes, 'c', LARGE_BYTES);
        play_open(&play, 20000, NULL);
        play_connect(&play, play_listen(&play, 80), 80, &client, &server);
        turn_on(&play, client, SO_ZEROCOPY, 1);
        turn_on(&play, client, SO_SNDBUF, LARGE_BYTES);
        if (aborted) {
            assert_int_equal(hf_socket_setsockopt(play.sets[0], client, SOL_SOCKET, SO_LINGER,
                                                  &at_once, sizeof at_once),
                             0);
        }
        taken =
            hf_socket_send(play.sets[0], client, bytes, LARGE_BYTES, MSG_ZEROCOPY | MSG_DONTWAIT);
        assert_in_range(taken, LARGE_BYTES / 2, LARGE_BYTES);
        assert_int_equal(hf_socket_close(play.sets[0], client), 0);
        free(bytes);
        if (!aborted) {
            assert_int_equal(count_received(&play, server, (size_t)taken, 'c'), taken);
        }
        play_run(&play, HF_SECOND);
        play_close(&play);
    }
}

/* So much memory in use, and no more; it is free again when the completion comes, of all sockets.
 */
static void memory_in_use_is_bounded(void **state)
{
    static uint8_t bytes[60 * 4096];
    struct play play;
    int client;
    int server;
    (void)state;
    play_open(&play, 0, bound_to_64_pages);
    play_connect(&play, play_listen(&play, 80), 80, &client, &server);
    turn_on(&play, client, SO_ZEROCOPY, 1);
    turn_on(&play, client, SO_SNDBUF, 2000000);
    for (int round = 0; round < 3; round++) {
        /* 62 pages, as Linux counts: there are 2 more, and one byte takes 2. */
        assert_int_equal(
            hf_socket_send(play.sets[0], client, bytes, sizeof bytes, MSG_ZEROCOPY | MSG_DONTWAIT),
            sizeof bytes);
        assert_int_equal(hf_socket_send(play.sets[0], client, bytes, 4096, MSG_ZEROCOPY), -ENOBUFS);
        assert_int_equal(hf_socket_send(play.sets[0], client, bytes, 1, MSG_ZEROCOPY), 1);
        assert_int_equal(hf_socket_send(play.sets[0], client, bytes, 1, MSG_ZEROCOPY), -ENOBUFS);
        assert_int_equal(hf_socket_send(play.sets[0], client, bytes, 1, 0), 1);
        assert_int_equal(count_received(&play, server, sizeof bytes + 2, 0), sizeof bytes + 2);
        play_run(&play, HF_SECOND);
        assert_int_equal(take_one(&play, client).ee_code, 0);
    }
    assert_int_equal(hf_socket_send(play.sets[0], client, bytes, 63 * 4096, MSG_ZEROCOPY),
                     -ENOBUFS);
    play_close(&play);
}

/* The stack has no more references: what it has none for is copied, and said to be. */
static void references_run_out(void **state)
{
    struct play play;
    struct msghdr message;
    struct sock_extended_err error;
    const struct hf_config *limits;
    static uint8_t byte = 'd';
    uint32_t next = 0;
    unsigned copied = 0;
    int client;
    int server;
    (void)state;
    open_pair(&play, &client, &server);
    limits = hf_stack_config(play.stacks[0]);
    turn_on(&play, client, SO_ZEROCOPY, 1);
    turn_on(&play, client, SO_SNDBUF, 2000000);
    for (uint32_t i = 0; i < limits->max_references; i++) { /* somebody else has them all */
        assert_int_equal(hf_send_ref(play.stacks[0], hf_sockets_handle(play.sets[0], client), &byte,
                                     1, NULL, 0, hf_sim_now(play.sim)),
                         1);
    }
    assert_int_equal(hf_socket_send(play.sets[0], client, &byte, 1, MSG_ZEROCOPY), 1);
    assert_int_equal(count_received(&play, server, limits->max_references + 1, 'd'),
                     limits->max_references + 1);
    play_run(&play, HF_SECOND);
    assert_int_equal(hf_socket_send(play.sets[0], client, &byte, 1, MSG_ZEROCOPY), 1);
    play_run(&play, HF_SECOND);
    while (take(&play, client, 512, &message, &error) >= 0) {
        assert_int_equal(error.ee_info, next);
        next = error.ee_data + 1;
        copied += error.ee_code == SO_EE_CODE_ZEROCOPY_COPIED;
    }
    assert_int_equal(next, 2);
    assert_int_equal(copied, 1);
    play_close(&play);
}

/* A program that never reads its stamps does not fill the memory. */
static void stamps_are_bounded(void **state)
{
    struct play play;
    struct msghdr message;
    struct sock_extended_err error;
    char byte = 1;
    int client;
    int server;
    unsigned told = 0;
    (void)state;
    open_pair(&play, &client, &server);
    turn_on(&play, client, SO_TIMESTAMPING,
            SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_ACK);
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(hf_socket_send(play.sets[0], client, &byte, 1, 0), 1);
        play_run(&play, HF_SECOND);
    }
    while (take(&play, client, 512, &message, &error) >= 0) {
        told++;
    }
    assert_in_range(told, 50, 500);
    play_close(&play);
}

static void control_data_that_does_not_fit(void **state)
{
    struct play play;
    struct msghdr message;
    struct sock_extended_err error;
    char byte = 1;
    int client;
    int server;
    (void)state;
    open_pair(&play, &client, &server);
    turn_on(&play, client, SO_ZEROCOPY, 1);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(hf_socket_send(play.sets[0], client, &byte, 1, MSG_ZEROCOPY), 1);
        play_run(&play, HF_SECOND);
        if (i == 0) { /* nothing at all */
            assert_int_equal(take(&play, client, 0, &message, &error), 0);
            assert_int_equal(message.msg_flags, MSG_ERRQUEUE | MSG_CTRUNC);
            assert_int_equal(message.msg_controllen, 0);
        } else if (i == 1) { /* half of it */
            assert_int_equal(take(&play, client, CMSG_LEN(8), &message, &error), 0);
            assert_int_equal(message.msg_flags, MSG_ERRQUEUE | MSG_CTRUNC);
            assert_int_equal(message.msg_controllen, CMSG_LEN(8));
        } else {
            assert_int_equal(take(&play, client, 512, &message, &error), 0);
            assert_int_equal(message.msg_flags, MSG_ERRQUEUE);
            assert_int_equal(error.ee_data, 2);
        }
        assert_int_equal(take(&play, client, 512, &message, &error), -EAGAIN);
    }
    /* Closed with things under way and unread: all of it goes. */
    assert_int_equal(hf_socket_send(play.sets[0], client, &byte, 1, MSG_ZEROCOPY), 1);
    play_run(&play, HF_SECOND);
    assert_int_equal(hf_socket_send(play.sets[0], client, &byte, 1, MSG_ZEROCOPY), 1);
    assert_int_equal(hf_socket_close(play.sets[0], client), 0);
    play_run(&play, HF_SECOND);
    play_close(&play);
}

/* Of an even number of bytes, into the two at `at`, which are zero. */
static void put_checksum(uint8_t *bytes, size_t length, size_t at)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < length; i += 2) {
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    bytes[at] = (uint8_t)(~sum >> 8);
    bytes[at + 1] = (uint8_t)~sum;
}

/* recvfrom tells where the segment went that an error is about, recvmsg who complained. */
static void who_refused(void **state)
{
    struct play play;
    struct sockaddr_in address;
    struct sockaddr_in name;
    struct hf_sim_direction lost = {.loss_ppm = 1000000};
    socklen_t length = sizeof name;
    uint8_t icmp[20 + 8 + 20 + 8] = {0};
    char quote[64];
    int client;
    (void)state;
    play_open(&play, 0, NULL);
    assert_int_equal(hf_sim_set_direction(play.sim, 0, &lost), 0);
    client = hf_socket(play.sets[0], AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    address = play_address(81);
    assert_int_equal(
        hf_socket_connect(play.sets[0], client, (struct sockaddr *)&address, sizeof address),
        -EINPROGRESS);
    play_run(&play, HF_MILLISECOND);
    {
        struct hf_status status;
        struct sockaddr_in own;
        socklen_t own_length = sizeof own;
        assert_int_equal(
            hf_status(play.stacks[0], hf_sockets_handle(play.sets[0], client), &status), HF_OK);
        assert_int_equal(
            hf_socket_getsockname(play.sets[0], client, (struct sockaddr *)&own, &own_length), 0);
        /* IPv4 from 10.0.0.9, destination unreachable, host; quoting our SYN. */
        static const uint8_t outer[] = {0x45, 0, 0,  56, 0, 0, 0,  0, 64, 1,
                                        0,    0, 10, 0,  0, 9, 10, 0, 0,  1};
        static const uint8_t inner[] = {0x45, 0, 0,  60, 0, 0, 0,  0, 64, 6,
                                        0,    0, 10, 0,  0, 1, 10, 0, 0,  2};
        memcpy(icmp, outer, sizeof outer);
        icmp[20] = 3;
        icmp[21] = 1;
        memcpy(icmp + 28, inner, sizeof inner);
        memcpy(icmp + 48, &own.sin_port, 2);
        icmp[51] = 81;
        for (unsigned i = 0; i < 4; i++) {
            icmp[52 + i] = (uint8_t)(status.numbers.iss >> (24 - 8 * i));
        }
        put_checksum(icmp, 20, 10);
        put_checksum(icmp + 28, 20, 10);
        put_checksum(icmp + 20, sizeof icmp - 20, 2);
    }
    (void)hf_stack_input(play.stacks[0], icmp, sizeof icmp, hf_sim_now(play.sim));
    assert_int_equal(hf_socket_recvfrom(play.sets[0], client, quote, sizeof quote, MSG_ERRQUEUE,
                                        (struct sockaddr *)&name, &length),
                     8);
    assert_memory_equal(quote, icmp + 48, 8);
    assert_int_equal(length, sizeof name);
    assert_int_equal(name.sin_addr.s_addr, address.sin_addr.s_addr);
    assert_int_equal(name.sin_port, address.sin_port);
    play_close(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(told_at_the_end),
        cmocka_unit_test(completions_never_get_lost),
        cmocka_unit_test(stamps_are_bounded),
        cmocka_unit_test(control_data_that_does_not_fit),
        cmocka_unit_test(who_refused),
        cmocka_unit_test(sent_from_where_it_lies),
        cmocka_unit_test(closed_before_it_is_sent),
        cmocka_unit_test(memory_in_use_is_bounded),
        cmocka_unit_test(references_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
