/* SPDX-License-Identifier: MIT
 *
 * Our copy of the kernel's struct tcp_info against the kernel's header, as far as that goes, and
 * the fields of a connection whose every number is known.
 */
#include "tcp_info.h"

#include "socket_play.h"

#include <errno.h>
#include <linux/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SAME(field)                                                                              \
    _Static_assert(offsetof(struct tcp_info_linux, field) == offsetof(struct tcp_info, field) && \
                       sizeof((struct tcp_info_linux){0}.field) ==                               \
                           sizeof((struct tcp_info){0}.field),                                   \
                   #field)
SAME(tcpi_state);
SAME(tcpi_options);
SAME(tcpi_rto);
SAME(tcpi_unacked);
SAME(tcpi_fackets);
SAME(tcpi_last_data_sent);
SAME(tcpi_last_ack_recv);
SAME(tcpi_pmtu);
SAME(tcpi_rttvar);
SAME(tcpi_reordering);
SAME(tcpi_total_retrans);
SAME(tcpi_pacing_rate);
SAME(tcpi_bytes_acked);
SAME(tcpi_segs_out);
SAME(tcpi_min_rtt);
SAME(tcpi_data_segs_out);
SAME(tcpi_delivery_rate);
SAME(tcpi_sndbuf_limited);
SAME(tcpi_delivered_ce);
SAME(tcpi_bytes_retrans);
SAME(tcpi_dsack_dups);
SAME(tcpi_snd_wnd);

static struct tcp_info_linux info_of(struct hf_sockets *set, int fd)
{
    struct tcp_info_linux info;
    socklen_t length = sizeof info;
    assert_int_equal(hf_socket_getsockopt(set, fd, IPPROTO_TCP, TCP_INFO, &info, &length), 0);
    assert_int_equal(length, sizeof info);
    return info;
}

/* The bit fields have no offset to compare: written by name, read where the kernel's are. */
static void bit_fields(void **state)
{
    struct tcp_info_linux ours = {.tcpi_snd_wscale = 5,
                                  .tcpi_rcv_wscale = 9,
                                  .tcpi_delivery_rate_app_limited = 1,
                                  .tcpi_fastopen_client_fail = 2};
    struct tcp_info kernels;
    (void)state;
    memset(&kernels, 0, sizeof kernels);
    memcpy(&kernels, &ours, 8);
    assert_int_equal(kernels.tcpi_snd_wscale, 5);
    assert_int_equal(kernels.tcpi_rcv_wscale, 9);
    assert_int_equal(kernels.tcpi_delivery_rate_app_limited, 1);
    assert_int_equal(kernels.tcpi_fastopen_client_fail, 2);
}

/* A link of 10 ms each way, 1500 bytes, nothing lost: the numbers follow. */
static void known_numbers(void **state)
{
    static const char block[14480]; /* ten segments of 1448 */
    struct play play;
    struct tcp_info_linux info;
    int client;
    int server;
    (void)state;
    play_open(&play, 0, NULL);
    play_connect(&play, play_listen(&play, 80), 80, &client, &server);
    assert_int_equal(hf_socket_send(play.sets[0], client, block, sizeof block, 0), sizeof block);
    info = info_of(play.sets[0], client);
    assert_int_equal(info.tcpi_notsent_bytes, sizeof block);
    play_run(&play, HF_MILLISECOND); /* under way */
    info = info_of(play.sets[0], client);
    assert_int_equal(info.tcpi_state, 1);
    assert_int_equal(info.tcpi_unacked, 10);
    assert_int_equal(info.tcpi_bytes_sent, sizeof block);
    assert_int_equal(info.tcpi_notsent_bytes, 0);
    assert_int_equal(info.tcpi_bytes_acked, 1); /* the SYN */
    play_run(&play, HF_SECOND);
    info = info_of(play.sets[0], client);
    assert_int_equal(info.tcpi_unacked, 0);
    assert_int_equal(info.tcpi_bytes_acked, sizeof block + 1);
    assert_int_equal(info.tcpi_snd_mss, 1448);
    assert_int_equal(info.tcpi_advmss, 1460);
    assert_int_equal(info.tcpi_pmtu, 1500);
    assert_int_equal(info.tcpi_min_rtt, 20000);
    assert_in_range(info.tcpi_rtt, 20000, 22000);
    assert_int_equal(info.tcpi_total_retrans, 0);
    assert_in_range(info.tcpi_snd_cwnd, 10, 20);
    assert_in_range(info.tcpi_last_data_sent, 990, 1001);
    assert_in_range(info.tcpi_last_ack_recv, 970, 990);
    info = info_of(play.sets[1], server);
    assert_int_equal(info.tcpi_bytes_received, sizeof block);
    assert_int_equal(info.tcpi_rcv_mss, 1448);
    play_close(&play);
}

/* One segment is lost, and what is counted agrees with what the link saw. */
static void losses(void **state)
{
    static const char block[60000];
    const uint32_t lost[] = {6};
    struct hf_sim_direction forward = {.delay_ns = 10 * HF_MILLISECOND};
    struct play play;
    struct tcp_info_linux info;
    int client;
    int server;
    (void)state;
    play_open(&play, 0, NULL);
    play_connect(&play, play_listen(&play, 80), 80, &client, &server);
    forward.lose_nth = lost;
    forward.lose_nth_count = 1;
    assert_int_equal(hf_sim_set_direction(play.sim, 0, &forward), 0);
    assert_int_equal(hf_socket_send(play.sets[0], client, block, sizeof block, 0), sizeof block);
    play_run(&play, 5 * HF_SECOND);
    info = info_of(play.sets[0], client);
    assert_int_equal(info.tcpi_total_retrans, 1); /* what was lost, and nothing else */
    assert_int_equal(info.tcpi_ca_state, 0);
    assert_in_range(info.tcpi_bytes_sent, sizeof block + 1,
                    sizeof block + info.tcpi_total_retrans * 1448);
    assert_int_equal(info.tcpi_segs_out, hf_sim_statistics(play.sim, 0).sent);
    assert_int_equal(info.tcpi_segs_in, hf_sim_statistics(play.sim, 1).delivered);
    assert_int_equal(info.tcpi_bytes_acked, sizeof block + 1);
    play_close(&play);
}

/* What one direction of the link carried, read from its packets: IPv4, TCP. */
struct carried {
    uint64_t lose; /* the number of a packet to lose, or 0 */
    uint32_t data_packets, lost, repeated;
    uint32_t next;            /* behind the furthest byte */
    uint32_t timestamp_value; /* of the last data packet's option */
};

static int carry(void *context, const uint8_t *packet, size_t length, uint64_t number, hf_time now)
{
    struct carried *carried = context;
    size_t ip_header = (packet[0] & 15u) * 4u;
    const uint8_t *tcp = packet + ip_header;
    size_t payload = length - ip_header - (tcp[12] >> 4) * 4u;
    uint32_t seq = (uint32_t)tcp[4] << 24 | (uint32_t)tcp[5] << 16 | (uint32_t)tcp[6] << 8 | tcp[7];
    (void)now;
    if (payload == 0) {
        return 0;
    }
    if (carried->data_packets > 0 && (int32_t)(carried->next - seq) > 0) {
        carried->repeated++;
    } else {
        carried->next = seq + (uint32_t)payload;
    }
    /* What goes with data is two bytes of padding, kind, length, TSval, TSecr. */
    carried->timestamp_value =
        (uint32_t)tcp[24] << 24 | (uint32_t)tcp[25] << 16 | (uint32_t)tcp[26] << 8 | tcp[27];
    carried->data_packets++;
    carried->lost += number == carried->lose;
    return number == carried->lose;
}

static void carry_both(struct play *play, struct carried carried[2])
{
    for (int direction = 0; direction < 2; direction++) {
        struct hf_sim_direction rules = {.delay_ns = 10 * HF_MILLISECOND, .lose = carry};
        rules.lose_context = &carried[direction];
        assert_int_equal(hf_sim_set_direction(play->sim, direction, &rules), 0);
    }
}

/* Data segments, those that are known to have arrived and those that went again: as many as the
 * link carried, one of them lost. */
static void segments(void **state)
{
    static const char block[60000];
    struct carried carried[2] = {{.lose = 9}, {0}};
    struct play play;
    struct tcp_info_linux info;
    int client;
    int server;
    (void)state;
    play_open(&play, 0, NULL);
    carry_both(&play, carried);
    play_connect(&play, play_listen(&play, 80), 80, &client, &server);
    assert_int_equal(hf_socket_send(play.sets[0], client, block, sizeof block, 0), sizeof block);
    assert_int_equal(hf_socket_send(play.sets[1], server, block, 7000, 0), 7000);
    play_run(&play, 5 * HF_SECOND);
    assert_int_equal(carried[0].lost, 1);
    assert_true(carried[0].repeated > 0);
    info = info_of(play.sets[0], client);
    assert_int_equal(info.tcpi_data_segs_out, carried[0].data_packets);
    assert_int_equal(info.tcpi_data_segs_in, carried[1].data_packets);
    assert_int_equal(info.tcpi_total_retrans, carried[0].repeated);
    /* With the SYN; a segment that went again counts once. */
    assert_int_equal(info.tcpi_delivered, 1 + carried[0].data_packets - carried[0].repeated);
    info = info_of(play.sets[1], server);
    assert_int_equal(info.tcpi_data_segs_out, carried[1].data_packets);
    assert_int_equal(info.tcpi_data_segs_in, carried[0].data_packets - carried[0].lost);
    assert_int_equal(info.tcpi_delivered, 1 + carried[1].data_packets);
    play_close(&play);
}

/* TCP_TIMESTAMP reads the clock that goes out as TSval (RFC 7323 5.4: it runs by itself), in
 * milliseconds. */
static void timestamp_clock(void **state)
{
    struct carried carried[2] = {{0}, {0}};
    struct play play;
    uint32_t before;
    uint32_t after;
    socklen_t length = sizeof before;
    int client;
    int server;
    (void)state;
    play_open(&play, 0, NULL);
    carry_both(&play, carried);
    play_connect(&play, play_listen(&play, 80), 80, &client, &server);
    assert_int_equal(
        hf_socket_getsockopt(play.sets[0], client, IPPROTO_TCP, TCP_TIMESTAMP, &before, &length),
        0);
    play_run(&play, HF_SECOND);
    assert_int_equal(
        hf_socket_getsockopt(play.sets[0], client, IPPROTO_TCP, TCP_TIMESTAMP, &after, &length), 0);
    assert_int_equal(after - before, 1000);
    assert_int_equal(hf_socket_send(play.sets[0], client, "x", 1, 0), 1);
    play_run(&play, HF_SECOND);
    assert_int_equal(carried[0].data_packets, 1);
    assert_int_equal(carried[0].timestamp_value & ~UINT32_C(1), after); /* Linux's last bit */
    assert_int_equal(
        hf_socket_setsockopt(play.sets[0], client, IPPROTO_TCP, TCP_TIMESTAMP, &after, length),
        -EPERM);
    play_close(&play);
}

/* ---- what held the sender back: each time is known from what the two programs do */

/* Busy from the byte to its acknowledgement (a round trip, and the delay of the ACK); idle then. */
static void busy_time(void **state)
{
    struct play play;
    struct tcp_info_linux info;
    int client;
    int server;
    (void)state;
    play_open(&play, 0, NULL);
    play_connect(&play, play_listen(&play, 80), 80, &client, &server);
    play_run(&play, HF_SECOND);
    assert_int_equal(info_of(play.sets[0], client).tcpi_busy_time, 0);
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(hf_socket_send(play.sets[0], client, "x", 1, 0), 1);
        play_run(&play, HF_SECOND);
        info = info_of(play.sets[0], client);
        assert_in_range(info.tcpi_busy_time, i * 20000, i * 60000);
        assert_int_equal(info.tcpi_rwnd_limited, 0);
        assert_int_equal(info.tcpi_sndbuf_limited, 0);
    }
    play_close(&play);
}

/* Nobody reads: what does not fit the window waits for it, until it is read. */
static void receiver_limited(void **state)
{
    static char block[60000];
    struct play play;
    struct tcp_info_linux info;
    int client;
    int server;
    (void)state;
    play_open(&play, 0, NULL);
    play_connect(&play, play_listen(&play, 80), 80, &client, &server);
    assert_int_equal(hf_socket_send(play.sets[0], client, block, sizeof block, 0), sizeof block);
    play_run(&play, HF_SECOND);
    assert_int_equal(info_of(play.sets[0], client).tcpi_rwnd_limited, 0); /* it all fitted */
    assert_int_equal(hf_socket_send(play.sets[0], client, block, sizeof block, 0), sizeof block);
    play_run(&play, 2 * HF_SECOND);
    info = info_of(play.sets[0], client);
    assert_in_range(info.tcpi_rwnd_limited, 1900000, 2000000);
    assert_int_equal(info.tcpi_sndbuf_limited, 0);
    assert_true(info.tcpi_busy_time >= info.tcpi_rwnd_limited + 20000);
    while (hf_socket_recv(play.sets[1], server, block, sizeof block, MSG_DONTWAIT) > 0) {
        play_run(&play, 100 * HF_MILLISECOND);
    }
    info = info_of(play.sets[0], client);
    assert_int_equal(info.tcpi_unacked + info.tcpi_notsent_bytes, 0);
    assert_in_range(info.tcpi_rwnd_limited, 1900000, 2100000);
    play_close(&play);
}

static void read_all(struct play *play, unsigned step)
{
    static char block[60000];
    (void)step;
    (void)hf_socket_recv(play->sets[1], play->fds[0], block, sizeof block, MSG_DONTWAIT);
}

/* A buffer of two segments and much more to write: a round trip for each of them. */
static void buffer_limited(void **state)
{
    static const char block[72000];
    const int buffer = 3600;
    struct play play;
    struct tcp_info_linux info;
    hf_time begun;
    uint64_t took_us;
    int client;
    int server;
    (void)state;
    play_open(&play, 0, NULL);
    play_connect(&play, play_listen(&play, 80), 80, &client, &server);
    assert_int_equal(
        hf_socket_setsockopt(play.sets[0], client, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer),
        0);
    assert_int_equal(hf_socket_setsockopt(play.sets[0], client, IPPROTO_TCP, TCP_NODELAY,
                                          &(const int){1}, sizeof(int)),
                     0);
    play.fds[0] = server;
    play.script = read_all;
    begun = hf_sim_now(play.sim);
    assert_int_equal(hf_socket_send(play.sets[0], client, block, sizeof block, 0), sizeof block);
    took_us = (uint64_t)((hf_sim_now(play.sim) - begun) / HF_MICROSECOND);
    assert_in_range(took_us, 20000 * 15, 20000 * 60);
    info = info_of(play.sets[0], client);
    assert_in_range(info.tcpi_sndbuf_limited, took_us * 9 / 10, took_us);
    assert_int_equal(info.tcpi_rwnd_limited, 0);
    assert_in_range(info.tcpi_busy_time, info.tcpi_sndbuf_limited, took_us + 20000);
    play_close(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments),       cmocka_unit_test(timestamp_clock),
        cmocka_unit_test(busy_time),      cmocka_unit_test(receiver_limited),
        cmocka_unit_test(buffer_limited), cmocka_unit_test(bit_fields),
        cmocka_unit_test(known_numbers),  cmocka_unit_test(losses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
