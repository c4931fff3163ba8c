/* SPDX-License-Identifier: MIT
 *
 * What loopback cannot show: ICMP errors (IP_RECVERR and SO_ERROR), and hf_sockets_update's answer.
 */
#include "socket_play.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* Keeps the first bytes of the last packet that the client sent, and loses it. */
struct caught {
    uint8_t bytes[28];
    unsigned count;
};

static int catch_packet(void *context, const uint8_t *packet, size_t length, uint64_t number,
                        hf_time now)
{
    struct caught *caught = context;
    (void)number;
    (void)now;
    assert_true(length >= sizeof caught->bytes);
    memcpy(caught->bytes, packet, sizeof caught->bytes);
    caught->count++;
    return 1;
}

static void put_checksum(uint8_t *at, const uint8_t *data, size_t length)
{
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < length; i += 2) {
        sum += (uint32_t)data[i] << 8 | data[i + 1];
    }
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    at[0] = (uint8_t)(~sum >> 8);
    at[1] = (uint8_t)~sum;
}

/* ICMP destination unreachable about a packet of the client's. */
static void unreachable(struct play *play, const struct caught *caught, uint8_t code)
{
    uint8_t packet[20 + 8 + 28] = {0x45, 0, 0, sizeof packet, 0, 0, 0, 0, 64, 1};
    memcpy(packet + 12, (const uint8_t[]){10, 0, 0, 2, 10, 0, 0, 1}, 8);
    put_checksum(packet + 10, packet, 20);
    packet[20] = 3;
    packet[21] = code;
    memcpy(packet + 28, caught->bytes, 28);
    put_checksum(packet + 22, packet + 20, sizeof packet - 20);
    (void)hf_stack_input(play->stacks[0], packet, sizeof packet, hf_sim_now(play->sim));
}

static int error_of(struct play *play, int fd)
{
    int error = -1;
    socklen_t length = sizeof error;
    assert_int_equal(hf_socket_getsockopt(play->sets[0], fd, SOL_SOCKET, SO_ERROR, &error, &length),
                     0);
    return error;
}

static unsigned poll_of(struct play *play, int fd)
{
    struct pollfd entry = {fd, POLLIN, 0};
    (void)hf_socket_poll(play->sets[0], &entry, 1, 0);
    return (unsigned)(unsigned short)entry.revents;
}

static void soft_errors(void **state)
{
    struct play play;
    struct caught caught = {.count = 0};
    struct hf_sim_direction dead = {.lose = catch_packet, .lose_context = &caught};
    int one = 1;
    int client;
    int server;
    char data;
    (void)state;
    play_open(&play, 0, NULL);
    play_connect(&play, play_listen(&play, 80), 80, &client, &server);
    play_run(&play, HF_SECOND);
    assert_int_equal(hf_sim_set_direction(play.sim, 0, &dead), 0);
    assert_int_equal(hf_socket_send(play.sets[0], client, "abc", 3, 0), 3);
    play_run(&play, HF_MILLISECOND);
    assert_int_equal(caught.count, 1);
    /* Advice: kept for who asks, once. */
    unreachable(&play, &caught, 1);
    assert_int_equal(poll_of(&play, client), 0);
    assert_int_equal(hf_socket_recv(play.sets[0], client, &data, 1, MSG_DONTWAIT), -EAGAIN);
    assert_int_equal(error_of(&play, client), EHOSTUNREACH);
    assert_int_equal(error_of(&play, client), 0);
    /* With IP_RECVERR it is told at once; the connection goes on. */
    assert_int_equal(
        hf_socket_setsockopt(play.sets[0], client, IPPROTO_IP, IP_RECVERR, &one, sizeof one), 0);
    unreachable(&play, &caught, 1);
    assert_int_equal(poll_of(&play, client), POLLERR);
    assert_int_equal(hf_socket_recv(play.sets[0], client, &data, 1, MSG_DONTWAIT), -EHOSTUNREACH);
    assert_int_equal(poll_of(&play, client), 0);
    assert_int_equal(hf_socket_recv(play.sets[0], client, &data, 1, MSG_DONTWAIT), -EAGAIN);
    /* Quoting a number that is not in flight: nothing. */
    caught.bytes[27] ^= 0x80;
    unreachable(&play, &caught, 1);
    assert_int_equal(error_of(&play, client), 0);
    play_close(&play);
}

/* Port unreachable for a SYN refuses the connection. */
static void hard_error(void **state)
{
    struct play play;
    struct caught caught = {.count = 0};
    struct hf_sim_direction dead = {.lose = catch_packet, .lose_context = &caught};
    struct sockaddr_in address = play_address(80);
    int fd;
    (void)state;
    play_open(&play, 0, NULL);
    assert_int_equal(hf_sim_set_direction(play.sim, 0, &dead), 0);
    fd = hf_socket(play.sets[0], AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(
        hf_socket_connect(play.sets[0], fd, (struct sockaddr *)&address, sizeof address),
        -EINPROGRESS);
    play_run(&play, HF_MILLISECOND);
    unreachable(&play, &caught, 3);
    assert_int_equal(poll_of(&play, fd), POLLIN | POLLERR | POLLHUP);
    assert_int_equal(
        hf_socket_connect(play.sets[0], fd, (struct sockaddr *)&address, sizeof address),
        -ECONNREFUSED);
    play_close(&play);
}

/* 1 exactly when something happened since the last time. */
static void updates(void **state)
{
    struct play play;
    int client;
    int server;
    char data[4];
    (void)state;
    play_open(&play, 0, NULL);
    play_connect(&play, play_listen(&play, 80), 80, &client, &server);
    play_run(&play, HF_SECOND);
    assert_int_equal(hf_sockets_update(play.sets[1]), 0);
    assert_int_equal(hf_socket_send(play.sets[0], client, "abc", 3, 0), 3);
    (void)hf_sim_run(play.sim, hf_sim_now(play.sim) + HF_SECOND);
    assert_int_equal(hf_sockets_update(play.sets[1]), 1);
    assert_int_equal(hf_sockets_update(play.sets[1]), 0);
    assert_int_equal(hf_socket_recv(play.sets[1], server, data, 4, MSG_DONTWAIT), 3);
    assert_int_equal(hf_sockets_update(play.sets[1]), 0);
    assert_int_equal(hf_socket_close(play.sets[0], client), 0);
    (void)hf_sim_run(play.sim, hf_sim_now(play.sim) + HF_SECOND);
    /* A call of ours takes the news first, but does not hide that there was some. */
    assert_int_equal(hf_socket_recv(play.sets[1], server, data, 4, MSG_DONTWAIT), 0);
    assert_int_equal(hf_sockets_update(play.sets[1]), 1);
    play_close(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(soft_errors),
        cmocka_unit_test(hard_error),
        cmocka_unit_test(updates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
