/* SPDX-License-Identifier: MIT
 *
 * Figures 6 to 13 of RFC 9293, each as a table with the figure's own line numbers. Where a figure
 * says 100, A's first number (ISS_A) stands here, and ISS_B for its 300. Figures 9, 10, 12 and 13
 * begin with an open connection: their 100 and 300 are the numbers that come next, ISS_A + 1 and
 * ISS_B + 1.
 */
#include "figure_player.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define RTO_MS 1000u
#define TWO_MSL_MS 60000u

/* A program or the clock; then the states of A and B. */
#define CALL(line, move, peer, a, b)                                                     \
    {                                                                                    \
        line, move, PEER_##peer, 0, {NO_NUMBER, 0}, {NO_NUMBER, 0}, 0, {HF_##a, HF_##b}, \
            HF_REASON_NONE                                                               \
    }
#define PASS_TIME(line, milliseconds, a, b)                                                     \
    {                                                                                           \
        line, WAITS, PEER_A, 0, {NO_NUMBER, 0}, {NO_NUMBER, 0}, milliseconds, {HF_##a, HF_##b}, \
            HF_REASON_NONE                                                                      \
    }
/* What the peer made of the last segment that reached it. */
#define JUDGED(line, peer, reason, a, b)                                                   \
    {                                                                                      \
        line, JUDGES, PEER_##peer, 0, {NO_NUMBER, 0}, {NO_NUMBER, 0}, 0, {HF_##a, HF_##b}, \
            HF_REASON_##reason                                                             \
    }
#define WRITE(line, peer, length, a, b)                                                        \
    {                                                                                          \
        line, SENDS, PEER_##peer, 0, {NO_NUMBER, 0}, {NO_NUMBER, 0}, length, {HF_##a, HF_##b}, \
            HF_REASON_NONE                                                                     \
    }
/* A segment: who sends it, its flags, SEQ, ACK and length, why it is sent; then the states. */
#define SYN_OF(line, move, peer, seq, reason, a, b)                                     \
    {                                                                                   \
        line, move, PEER_##peer, HF_SYN, {seq, 0}, {NO_NUMBER, 0}, 0, {HF_##a, HF_##b}, \
            HF_REASON_##reason                                                          \
    }
#define RST_OF(line, move, peer, seq, plus, reason, a, b)                                  \
    {                                                                                      \
        line, move, PEER_##peer, HF_RST, {seq, plus}, {NO_NUMBER, 0}, 0, {HF_##a, HF_##b}, \
            HF_REASON_##reason                                                             \
    }
#define SEGMENT(line, move, peer, flags, seq, seq_plus, ack, ack_plus, length, reason, a, b) \
    {                                                                                        \
        line, move, PEER_##peer, flags, {seq, seq_plus}, {ack, ack_plus}, length,            \
            {HF_##a, HF_##b}, HF_REASON_##reason                                             \
    }
#define SYN_ACK (HF_SYN | HF_ACK)
#define FIN_ACK (HF_FIN | HF_ACK)

/* What an open connection has behind it: figure 6. B listens no more, so that what is left of B's
 * side is the connection alone. */
#define OPEN_CONNECTION                                                                           \
    CALL(0, LISTENS, B, CLOSED, LISTEN), CALL(0, CONNECTS, A, SYN_SENT, LISTEN),                  \
        SYN_OF(0, PASSES, A, ISS_A, SEND_SYN, SYN_SENT, SYN_RECEIVED),                            \
        SEGMENT(0, PASSES, B, SYN_ACK, ISS_B, 0, ISS_A, 1, 0, SEND_SYN_ACK, ESTABLISHED,          \
                SYN_RECEIVED),                                                                    \
        SEGMENT(0, PASSES, A, HF_ACK, ISS_A, 1, ISS_B, 1, 0, SEND_ACK, ESTABLISHED, ESTABLISHED), \
        CALL(0, UNLISTENS, B, ESTABLISHED, ESTABLISHED)

static void figure_6_basic_three_way_handshake(void **state)
{
    static const struct figure_row rows[] = {
        CALL(1, LISTENS, B, CLOSED, LISTEN),
        CALL(2, CONNECTS, A, SYN_SENT, LISTEN),
        SYN_OF(2, PASSES, A, ISS_A, SEND_SYN, SYN_SENT, SYN_RECEIVED),
        SEGMENT(3, PASSES, B, SYN_ACK, ISS_B, 0, ISS_A, 1, 0, SEND_SYN_ACK, ESTABLISHED,
                SYN_RECEIVED),
        SEGMENT(4, PASSES, A, HF_ACK, ISS_A, 1, ISS_B, 1, 0, SEND_ACK, ESTABLISHED, ESTABLISHED),
        WRITE(5, A, 10, ESTABLISHED, ESTABLISHED),
        /* The ACK of line 4 took no number: the data has the same SEQ. */
        SEGMENT(5, PASSES, A, HF_ACK, ISS_A, 1, ISS_B, 1, 10, SEND_DATA, ESTABLISHED, ESTABLISHED),
        /* Past the figure: the data is acknowledged, at once or a little later (MUST-40). */
        PASS_TIME(6, 100, ESTABLISHED, ESTABLISHED),
        SEGMENT(6, PASSES, B, HF_ACK, ISS_B, 1, ISS_A, 11, 0, NONE, ESTABLISHED, ESTABLISHED),
    };
    const struct figure figure = {
        .name = "figure 6", FIGURE_ROWS(rows), .received_bytes = {[PEER_B] = 10}};

    (void)state;
    figure_play(&figure);
}

/* Holds: MUST-10 */
static void figure_7_simultaneous_open(void **state)
{
    static const struct figure_row rows[] = {
        CALL(2, CONNECTS, A, SYN_SENT, CLOSED),
        SYN_OF(2, LEAVES, A, ISS_A, SEND_SYN, SYN_SENT, CLOSED),
        CALL(3, CONNECTS, B, SYN_SENT, SYN_SENT),
        SYN_OF(3, PASSES, B, ISS_B, SEND_SYN, SYN_RECEIVED, SYN_SENT),
        SYN_OF(4, ARRIVES, A, ISS_A, NONE, SYN_RECEIVED, SYN_RECEIVED),
        SEGMENT(5, LEAVES, A, SYN_ACK, ISS_A, 0, ISS_B, 1, 0, SEND_SYN_ACK, SYN_RECEIVED,
                SYN_RECEIVED),
        SEGMENT(6, PASSES, B, SYN_ACK, ISS_B, 0, ISS_A, 1, 0, SEND_SYN_ACK, ESTABLISHED,
                SYN_RECEIVED),
        SEGMENT(7, ARRIVES, A, SYN_ACK, ISS_A, 0, ISS_B, 1, 0, NONE, ESTABLISHED, ESTABLISHED),
        /* Past the figure: the SYN in each SYN,ACK was received before, so an ACK answers it
         * (3.10.7.4, first). */
        SEGMENT(8, PASSES, A, HF_ACK, ISS_A, 1, ISS_B, 1, 0, NONE, ESTABLISHED, ESTABLISHED),
        SEGMENT(8, PASSES, B, HF_ACK, ISS_B, 1, ISS_A, 1, 0, NONE, ESTABLISHED, ESTABLISHED),
    };
    const struct figure figure = {.name = "figure 7", FIGURE_ROWS(rows)};

    (void)state;
    figure_play(&figure);
}

static void figure_8_recovery_from_old_duplicate_syn(void **state)
{
    static const struct figure_row rows[] = {
        CALL(1, LISTENS, B, CLOSED, LISTEN),
        /* The RFC's <SEQ=90>: an earlier attempt from the same port, given up. */
        CALL(1, CONNECTS, A, SYN_SENT, LISTEN),
        SYN_OF(1, LEAVES, A, ISS_A, SEND_SYN, SYN_SENT, LISTEN),
        CALL(1, ABORTS, A, CLOSED, LISTEN),
        CALL(2, CONNECTS, A, SYN_SENT, LISTEN),
        SYN_OF(2, LEAVES, A, ISS_A_NEW, SEND_SYN, SYN_SENT, LISTEN),
        SYN_OF(3, ARRIVES, A, ISS_A, NONE, SYN_SENT, SYN_RECEIVED),
        SEGMENT(4, PASSES, B, SYN_ACK, ISS_B, 0, ISS_A, 1, 0, SEND_SYN_ACK, SYN_SENT, SYN_RECEIVED),
        JUDGED(4, A, SYN_SENT_BAD_ACK, SYN_SENT, SYN_RECEIVED),
        RST_OF(5, OVERTAKES, A, ISS_A, 1, SEND_RST, SYN_SENT, LISTEN),
        SYN_OF(6, ARRIVES, A, ISS_A_NEW, NONE, SYN_SENT, SYN_RECEIVED),
        SEGMENT(7, PASSES, B, SYN_ACK, ISS_B_NEW, 0, ISS_A_NEW, 1, 0, SEND_SYN_ACK, ESTABLISHED,
                SYN_RECEIVED),
        SEGMENT(8, PASSES, A, HF_ACK, ISS_A_NEW, 1, ISS_B_NEW, 1, 0, SEND_ACK, ESTABLISHED,
                ESTABLISHED),
    };
    const struct figure figure = {.name = "figure 8", FIGURE_ROWS(rows)};

    (void)state;
    figure_play(&figure);
}

/* The figure shows the SYN of line 3 outside B's window. RFC 5961 4.2 answers a SYN with the same
 * ACK (a challenge) wherever it lies, where RFC 793 reset the connection if it lay inside. */
#define FIGURE_9_ROWS                                                                  \
    OPEN_CONNECTION, CALL(1, REBOOTS, A, CLOSED, ESTABLISHED),                         \
        CALL(3, CONNECTS, A, SYN_SENT, ESTABLISHED),                                   \
        SYN_OF(3, PASSES, A, ISS_A_NEW, SEND_SYN, SYN_SENT, ESTABLISHED),              \
        JUDGED(3, B, SYN_CHALLENGED, SYN_SENT, ESTABLISHED),                           \
        SEGMENT(4, PASSES, B, HF_ACK, ISS_B, 1, ISS_A, 1, 0, SEND_CHALLENGE, SYN_SENT, \
                ESTABLISHED),                                                          \
        JUDGED(4, A, SYN_SENT_BAD_ACK, SYN_SENT, ESTABLISHED),                         \
        RST_OF(5, PASSES, A, ISS_A, 1, SEND_RST, SYN_SENT, CLOSED),                    \
        PASS_TIME(6, RTO_MS, SYN_SENT, CLOSED),                                        \
        SYN_OF(7, LEAVES, A, ISS_A_NEW, RETRANSMIT_SYN, SYN_SENT, CLOSED)

static const struct figure_row figure_9_rows[] = {FIGURE_9_ROWS};

static void figure_9_half_open_discovery(void **state)
{
    const struct figure figure = {.name = "figure 9",
                                  FIGURE_ROWS(figure_9_rows),
                                  .in_network = 1,
                                  .errors = {[PEER_B] = HF_ECONNRESET}};

    (void)state;
    figure_play(&figure);
}

/* The old number that B waits for next, and some into its window: what a host without a clock
 * might choose again, or an attacker guess. */
static void move_into_window(unsigned line, const uint32_t numbers[NUMBER_ORIGINS], uint8_t *packet)
{
    if (line == 3)
        figure_write_seq(packet, numbers[ISS_A] + 1);
}

static void move_further_into_window(unsigned line, const uint32_t numbers[NUMBER_ORIGINS],
                                     uint8_t *packet)
{
    if (line == 3)
        figure_write_seq(packet, numbers[ISS_A] + 1000);
}

static void figure_9_with_the_syn_in_the_window(void **state)
{
    struct figure figure = {.name = "figure 9, SYN at RCV.NXT",
                            FIGURE_ROWS(figure_9_rows),
                            .in_network = 1,
                            .errors = {[PEER_B] = HF_ECONNRESET},
                            .tamper = move_into_window};

    (void)state;
    figure_play(&figure);
    figure.name = "figure 9, SYN in the window";
    figure.tamper = move_further_into_window;
    figure_play(&figure);
}

static void figure_10_half_open_discovery_by_data(void **state)
{
    static const struct figure_row rows[] = {
        OPEN_CONNECTION,
        CALL(1, REBOOTS, A, CLOSED, ESTABLISHED),
        WRITE(2, B, 10, CLOSED, ESTABLISHED),
        SEGMENT(2, PASSES, B, HF_ACK, ISS_B, 1, ISS_A, 1, 10, SEND_DATA, CLOSED, ESTABLISHED),
        JUDGED(2, A, NO_CONNECTION, CLOSED, ESTABLISHED),
        RST_OF(3, PASSES, A, ISS_A, 1, SEND_RST, CLOSED, CLOSED),
    };
    const struct figure figure = {
        .name = "figure 10", FIGURE_ROWS(rows), .errors = {[PEER_B] = HF_ECONNRESET}};

    (void)state;
    figure_play(&figure);
}

static void figure_11_old_duplicate_syn_between_passive_sockets(void **state)
{
    static const struct figure_row rows[] = {
        /* Where the duplicate comes from. */
        CALL(0, CONNECTS, A, SYN_SENT, CLOSED),
        SYN_OF(0, LEAVES, A, ISS_A, SEND_SYN, SYN_SENT, CLOSED),
        CALL(0, ABORTS, A, CLOSED, CLOSED),
        CALL(1, LISTENS, A, LISTEN, CLOSED),
        CALL(1, LISTENS, B, LISTEN, LISTEN),
        SYN_OF(2, ARRIVES, A, ISS_A, NONE, LISTEN, SYN_RECEIVED),
        SEGMENT(3, PASSES, B, SYN_ACK, ISS_B, 0, ISS_A, 1, 0, SEND_SYN_ACK, LISTEN, SYN_RECEIVED),
        JUDGED(3, A, LISTEN_ACK, LISTEN, SYN_RECEIVED),
        RST_OF(4, PASSES, A, ISS_A, 1, SEND_RST, LISTEN, LISTEN),
    };
    const struct figure figure = {.name = "figure 11", FIGURE_ROWS(rows)};

    (void)state;
    figure_play(&figure);
}

static void figure_12_normal_close(void **state)
{
    static const struct figure_row rows[] = {
        OPEN_CONNECTION,
        CALL(2, CLOSES, A, FIN_WAIT_1, ESTABLISHED),
        SEGMENT(2, PASSES, A, FIN_ACK, ISS_A, 1, ISS_B, 1, 0, SEND_FIN, FIN_WAIT_1, CLOSE_WAIT),
        SEGMENT(3, PASSES, B, HF_ACK, ISS_B, 1, ISS_A, 2, 0, SEND_ACK, FIN_WAIT_2, CLOSE_WAIT),
        CALL(4, CLOSES, B, FIN_WAIT_2, LAST_ACK),
        SEGMENT(4, PASSES, B, FIN_ACK, ISS_B, 1, ISS_A, 2, 0, SEND_FIN, TIME_WAIT, LAST_ACK),
        SEGMENT(5, PASSES, A, HF_ACK, ISS_A, 2, ISS_B, 2, 0, SEND_ACK, TIME_WAIT, CLOSED),
        PASS_TIME(6, TWO_MSL_MS - 100, TIME_WAIT, CLOSED),
        PASS_TIME(6, 100, CLOSED, CLOSED),
    };
    const struct figure figure = {.name = "figure 12", FIGURE_ROWS(rows)};

    (void)state;
    figure_play(&figure);
}

static void figure_13_simultaneous_close(void **state)
{
    static const struct figure_row rows[] = {
        OPEN_CONNECTION,
        CALL(2, CLOSES, A, FIN_WAIT_1, ESTABLISHED),
        CALL(2, CLOSES, B, FIN_WAIT_1, FIN_WAIT_1),
        SEGMENT(2, LEAVES, A, FIN_ACK, ISS_A, 1, ISS_B, 1, 0, SEND_FIN, FIN_WAIT_1, FIN_WAIT_1),
        SEGMENT(2, PASSES, B, FIN_ACK, ISS_B, 1, ISS_A, 1, 0, SEND_FIN, CLOSING, FIN_WAIT_1),
        SEGMENT(2, ARRIVES, A, FIN_ACK, ISS_A, 1, ISS_B, 1, 0, NONE, CLOSING, CLOSING),
        SEGMENT(3, LEAVES, A, HF_ACK, ISS_A, 2, ISS_B, 2, 0, SEND_ACK, CLOSING, CLOSING),
        SEGMENT(3, PASSES, B, HF_ACK, ISS_B, 2, ISS_A, 2, 0, SEND_ACK, TIME_WAIT, CLOSING),
        SEGMENT(3, ARRIVES, A, HF_ACK, ISS_A, 2, ISS_B, 2, 0, NONE, TIME_WAIT, TIME_WAIT),
        PASS_TIME(4, TWO_MSL_MS - 100, TIME_WAIT, TIME_WAIT),
        PASS_TIME(4, 100, CLOSED, CLOSED),
    };
    const struct figure figure = {.name = "figure 13", FIGURE_ROWS(rows)};

    (void)state;
    figure_play(&figure);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figure_6_basic_three_way_handshake),
        cmocka_unit_test(figure_7_simultaneous_open),
        cmocka_unit_test(figure_8_recovery_from_old_duplicate_syn),
        cmocka_unit_test(figure_9_half_open_discovery),
        cmocka_unit_test(figure_9_with_the_syn_in_the_window),
        cmocka_unit_test(figure_10_half_open_discovery_by_data),
        cmocka_unit_test(figure_11_old_duplicate_syn_between_passive_sockets),
        cmocka_unit_test(figure_12_normal_close),
        cmocka_unit_test(figure_13_simultaneous_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
