/* SPDX-License-Identifier: MIT
 *
 * Which part of a segment is inside the window and what becomes of the rest (RFC 9293 3.4, 3.10.7.4
 * first), the window that the peer offers (fifth), and how often forged segments are answered (RFC
 * 5961 7).
 */
#include "harness.h"
#include <string.h>

/* A connection whose receive window, of 1000 bytes, is full: RCV.NXT is 1001. */
static void fill_window(struct world *w)
{
    w->config.receive_buffer_bytes = 1000;
    world_restart(w);
    establish_passive(w, 1000, "mss=1000");
    peer(w, "P. seq=1 ack=1 len=1000 win=1000");
    sends(w, ". seq=1 ack=1001 win=0");
}

/* wnd0-acceptability: with RCV.WND 0 text is not taken, and is answered with an ACK (3.10.7.4,
 * table 6). */
static void zero_window_refuses_text(void **state)
{
    struct world *w = *state;

    fill_window(w);
    peer(w, "P. seq=1001 ack=1 len=1");
    sends(w, ". seq=1 ack=1001 win=0");
    peer(w, ". seq=1001 ack=1 len=100");
    sends(w, ". seq=1 ack=1001 win=0");
    peer(w, ". seq=1002 ack=1");
    sends(w, ". seq=1 ack=1001 win=0");
    peer(w, ". seq=1000 ack=1 len=1");
    sends(w, ". seq=1 ack=1001 win=0");
    user_recv(w, 1000);
    sends(w, ". seq=1 ack=1001 win=1000");
    user_recv_error(w, HF_EAGAIN);
    peer(w, "P. seq=1001 ack=1 len=100");
    sends(w, ". seq=1 ack=1101");
    user_recv(w, 100);
}

/* "...special allowance should be made to accept valid ACKs, URGs, and RSTs" (3.10.7.4; MUST-66):
 * an ACK on refused text counts.
 * Holds: MUST-66 */
static void zero_window_takes_ack(void **state)
{
    struct world *w = *state;

    fill_window(w);
    user_send(w, 500);
    sends(w, "P. seq=1 ack=1001 len=500 win=0");
    peer(w, ". seq=1001 ack=501 win=1000");
    silent_for(w, 10 * HF_SECOND); /* it is acknowledged: nothing is sent again */
    user_send(w, 500);
    sends(w, "P. seq=501 ack=1001 len=500 win=0");
    peer(w, "P. seq=1001 ack=1001 win=1000 len=1"); /* with a byte that has no room */
    sends(w, ". seq=1001 ack=1001 win=0");
    silent_for(w, 10 * HF_SECOND);
}

/* Holds: MUST-66 */
static void zero_window_takes_urg(void **state)
{
    struct world *w = *state;

    fill_window(w);
    peer(w, "U. seq=1001 ack=1 urg=50");
    silent(w);
    event(w, HF_EVENT_URGENT, HF_OK);
}

/* Holds: MUST-66 */
static void zero_window_takes_rst(void **state)
{
    struct world *w = *state;

    fill_window(w);
    peer(w, "R seq=1000");
    silent(w);
    peer(w, "R seq=1002");
    silent(w);
    in_state(w, HF_ESTABLISHED);
    peer(w, "R seq=1001");
    silent(w);
    event(w, HF_EVENT_ERROR, HF_ECONNRESET);
    user_recv(w, 1000);
    user_recv_error(w, HF_ECONNRESET);
}

/* A SYN is challenged with a closed window too (RFC 5961 4.2).
 * Holds: RFC5961-4.2-a */
static void zero_window_challenges_syn(void **state)
{
    struct world *w = *state;

    fill_window(w);
    peer(w, "S seq=1001");
    sends(w, ". seq=1 ack=1001 win=0");
    peer(w, "S seq=0");
    sends(w, ". seq=1 ack=1001 win=0");
}

/* trim-left: of text partly received before, only the new part counts, even if the old part
 * differs now: what was acknowledged is not touched. The pattern checks every byte. */
static void trim_left(void **state)
{
    struct world *w = *state;

    establish_passive(w, 1000, "mss=1000");
    peer(w, "P. seq=1 ack=1 len=100");
    sends(w, ". seq=1 ack=101");
    peer(w, "P. seq=51 ack=1 len=100");
    sends(w, ". seq=1 ack=151");
    peer(w, "PF. seq=1 ack=1 len=160");
    sends(w, ". seq=1 ack=162");
    user_recv(w, 160);
    user_recv_error(w, 0);
    assert_int_equal(status_of(w).bytes_received, 160);
}

/* A retransmission whose end is the FIN that was taken already is only acknowledged. */
static void trim_left_everything(void **state)
{
    struct world *w = *state;

    establish_passive(w, 1000, "mss=1000");
    peer(w, "PF. seq=1 ack=1 len=100");
    sends(w, ". seq=1 ack=102");
    peer(w, "PF. seq=1 ack=1 len=100");
    sends(w, ". seq=1 ack=102");
    peer(w, "PF. seq=51 ack=1 len=50");
    sends(w, ". seq=1 ack=102");
    in_state(w, HF_CLOSE_WAIT);
    user_recv(w, 100);
}

/* trim-right: what lies beyond the window is cut off, and a FIN behind it with it. */
static void trim_right(void **state)
{
    struct world *w = *state;

    w->config.receive_buffer_bytes = 1000;
    world_restart(w);
    establish_passive(w, 1000, "mss=1000");
    peer(w, "PF. seq=1 ack=1 len=1200");
    sends(w, ". seq=1 ack=1001 win=0");
    in_state(w, HF_ESTABLISHED);
    no_event(w, HF_EVENT_PEER_CLOSED);
    user_recv(w, 1000);
    sends(w, ". seq=1 ack=1001 win=1000");
    user_recv_error(w, HF_EAGAIN);
    peer(w, "PF. seq=1001 ack=1 len=200");
    sends(w, ". seq=1 ack=1202");
    user_recv(w, 200);
    user_recv_error(w, 0);
}

/* The same above a hole: 50 bytes are inside, and they are kept. */
static void trim_right_above_hole(void **state)
{
    struct world *w = *state;

    w->config.receive_buffer_bytes = 1000;
    world_restart(w);
    establish_passive(w, 1000, "mss=1000 sackok");
    peer(w, ". seq=951 ack=1 len=200");
    sends(w, ". seq=1 ack=1 sack=951-1001");
    assert_int_equal(status_of(w).out_of_order_bytes, 50);
    peer(w, ". seq=1 ack=1 len=950");
    sends(w, ". seq=1 ack=1001 win=0 nosack");
    user_recv(w, 1000);
    sends(w, ". seq=1 ack=1001 win=1000");
}

/* trim-left and trim-right of one segment. */
static void trim_both(void **state)
{
    struct world *w = *state;

    w->config.receive_buffer_bytes = 1000;
    world_restart(w);
    establish_passive(w, 1000, "mss=1000");
    peer(w, ". seq=1 ack=1 len=500");
    sends(w, ". seq=1 ack=501 win=500");
    peer(w, ". seq=401 ack=1 len=900");
    sends(w, ". seq=1 ack=1001 win=0");
    user_recv(w, 1000);
    sends(w, ". seq=1 ack=1001 win=1000");
}

/* wl1-wl2: the window of a segment that is older than the one that last set it is not taken
 * (3.10.7.4 fifth: SND.WL1 < SEG.SEQ, or equal and SND.WL2 =< SEG.ACK). */
static void old_segment_does_not_set_window(void **state)
{
    struct world *w = *state;

    establish_passive(w, 300, "mss=1000");
    peer(w, ". seq=201 ack=1 len=100 win=600");
    sends(w, ". seq=1 ack=1");
    peer(w, ". seq=1 ack=1 len=200 win=10"); /* sent before the other */
    sends(w, ". seq=1 ack=301");
    user_send(w, 600);
    sends(w, "P. seq=1 ack=301 len=600");
    peer(w, ". seq=301 ack=401 win=700");
    peer(w, ". seq=301 ack=301 win=5"); /* the same number, an older acknowledgement */
    silent(w);
    user_send(w, 500);
    /* The window's edge is at 1101: all of it may go. */
    if (waiting_packets(w) == 0) {
        peer(w, ". seq=301 ack=601 win=500"); /* Nagle waited for this */
    }
    sends(w, "P. seq=601 ack=301 len=500");
    peer(w, ". seq=301 ack=1101 win=500");
    silent_for(w, 10 * HF_SECOND);
}

/* A newer segment does set it, smaller or larger. */
static void new_segment_sets_window(void **state)
{
    struct world *w = *state;

    establish_passive(w, 1000, "mss=1000");
    peer(w, ". seq=1 ack=1 win=200");
    user_send(w, 200);
    sends(w, "P. seq=1 ack=1 len=200");
    user_send(w, 100);
    silent(w);
    peer(w, ". seq=1 ack=201 win=100");
    sends(w, "P. seq=201 ack=1 len=100");
    peer(w, ". seq=1 ack=301 win=0");
    silent(w);
}

/* ack-future carries nothing in: text and window of a segment that acknowledges what was never
 * sent are dropped with it (3.10.7.4 fifth; RFC 5961 5.2).
 * Holds: RFC5961-5.2-b */
static void ack_future_drops_all(void **state)
{
    struct world *w = *state;

    establish_passive(w, 1000, "mss=1000");
    peer(w, "PF. seq=1 ack=2 len=100 win=5");
    sends(w, ". seq=1 ack=1");
    user_recv_error(w, HF_EAGAIN);
    in_state(w, HF_ESTABLISHED);
    user_send(w, 1000);
    sends(w, "P. seq=1 ack=1 len=1000");
}

/* Sends `segment` `count` times and returns how many answers came; each must be an ACK. */
static unsigned flood(struct world *w, const char *segment, unsigned count)
{
    uint8_t packet[400];
    unsigned answers = 0;

    for (unsigned i = 0; i < count; i++) {
        const struct captured *captured;
        inject(w, packet, build(w, packet, sizeof packet, "%s", segment));
        while ((captured = next_packet(w)) != NULL) {
            assert_int_equal(captured->segment.flags, HF_ACK);
            assert_int_equal(captured->segment.destination_port, w->flow->peer_port);
            answers++;
        }
    }
    return answers;
}

/* challenge-ack-limit: a flood is answered a few times only, and so that what one connection is
 * answered tells nothing of another (RFC 5961 7; a limit shared by all can be read from outside);
 * after a while there are answers again.
 * Holds: RFC5961-7-a */
static void challenge_limit(void **state)
{
    struct world *w = *state;
    static const char *const triggers[] = {"R seq=5", "S seq=1 mss=1000", "S. seq=1 ack=1",
                                           ". seq=1 ack=5000", ". seq=-400 ack=1"};

    for (unsigned i = 0; i < sizeof triggers / sizeof triggers[0]; i++) {
        unsigned answers;
        world_restart(w);
        establish_passive(w, 1000, "mss=1000");
        use_flow(w, 40001);
        establish_passive(w, 1000, "mss=1000");
        answers = flood(w, triggers[i], 500);
        assert_in_range(answers, 1, 50);
        use_flow(w, PEER_PORT); /* another connection: its own share */
        assert_int_equal(flood(w, triggers[i], 1), 1);
        use_flow(w, 40001);
        run_for(w, 10 * HF_SECOND, 1);
        assert_in_range(flood(w, triggers[i], 500), 1, 50);
        in_state(w, HF_ESTABLISHED);
        peer(w, "P. seq=1 ack=1 len=10");
        sends_between(w, 0, w->config.delayed_ack_ns, ". seq=1 ack=11");
    }
}

/* A half-open connection is no echo either: forged segments at it are answered a few times. */
static void flood_of_records(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    assert_in_range(flood(w, "S seq=500", 250), 1, 50);
    assert_in_range(flood(w, "R seq=5", 250), 0, 50);
    in_state(w, HF_SYN_RECEIVED);
    peer(w, ". seq=1 ack=1");
    silent(w);
    user_accept(w);
    in_state(w, HF_ESTABLISHED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(zero_window_refuses_text),
        BOTH(zero_window_takes_ack),
        BOTH(zero_window_takes_urg),
        BOTH(zero_window_takes_rst),
        BOTH(zero_window_challenges_syn),
        BOTH(trim_left),
        BOTH(trim_left_everything),
        BOTH(trim_right),
        BOTH(trim_right_above_hole),
        BOTH(trim_both),
        BOTH(old_segment_does_not_set_window),
        BOTH(new_segment_sets_window),
        BOTH(ack_future_drops_all),
        BOTH(challenge_limit),
        BOTH(flood_of_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
