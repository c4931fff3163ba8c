/* SPDX-License-Identifier: MIT
 *
 * Our copy of the kernel's struct tcp_info against the kernel's header, as far as that goes, and
 * the fields of a connection whose every number is known.
 */
#include "tcp_info.h"

#include "socket_play.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bit_fields),
        cmocka_unit_test(known_numbers),
        cmocka_unit_test(losses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
