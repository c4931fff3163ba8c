/* SPDX-License-Identifier: MIT
 *
 * CLOSE before the opening is over. In SYN-RECEIVED with nothing queued the FIN leaves at once and
 * the state is FIN-WAIT-1 while our SYN is still unacknowledged (RFC 9293 3.10.4), so SYN and FIN
 * may be lost, acknowledged and answered separately or together. SYN-RECEIVED with a program
 * behind it is that of a simultaneous open.
 */
#include "harness.h"

/* FIN-WAIT-1 with SND.UNA at ISS: SYN-ACK and FIN are both unacknowledged. */
static void close_early(struct world *w)
{
    user_connect(w);
    sends(w, "S seq=0");
    peer(w, "S seq=0 win=1000 mss=1000");
    sends(w, "S. seq=0 ack=1");
    user_shutdown(w);
    sends(w, "F. seq=1 ack=1");
    in_state(w, HF_FIN_WAIT_1);
}

/* Both acknowledged at once, FIN-WAIT-2; then the peer closes. */
static void acked_together(void **state)
{
    struct world *w = *state;

    close_early(w);
    peer(w, ". seq=1 ack=2 win=1000");
    silent(w);
    in_state(w, HF_FIN_WAIT_2);
    peer(w, "P. seq=1 ack=2 len=10");
    sends(w, ". seq=2 ack=11");
    user_recv(w, 10);
    peer(w, "F. seq=11 ack=2");
    sends(w, ". seq=2 ack=12");
    in_state(w, HF_TIME_WAIT);
}

/* The peer's crossing SYN-ACK acknowledges the SYN only: acknowledged, still FIN-WAIT-1, and the
 * FIN is sent again when its time comes. */
static void syn_acked_by_crossing(void **state)
{
    struct world *w = *state;

    close_early(w);
    peer(w, "S. seq=0 ack=1 win=1000 mss=1000");
    sends(w, ". seq=2 ack=1");
    in_state(w, HF_FIN_WAIT_1);
    sends_between(w, 100 * HF_MILLISECOND, 3 * HF_SECOND, "F. seq=1 ack=1");
    peer(w, ". seq=1 ack=2 win=1000");
    in_state(w, HF_FIN_WAIT_2);
    silent_for(w, 10 * HF_SECOND);
}

/* The SYN-ACK and the FIN are lost: the SYN-ACK goes again first (RFC 6298 5.4: the earliest), and
 * the FIN follows. */
static void both_lost(void **state)
{
    struct world *w = *state;

    close_early(w);
    sends_after(w, HF_SECOND, "S. seq=0 ack=1");
    for (int i = 0; i < 2; i++) { /* the FIN may be repeated with it */
        run_for(w, 0, 1);
        if (waiting_packets(w) > 0) {
            sends(w, "F. seq=1 ack=1");
        }
    }
    peer(w, ". seq=1 ack=1 win=1000");
    in_state(w, HF_FIN_WAIT_1);
    sends_between(w, 0, 5 * HF_SECOND, "F. seq=1 ack=1");
    peer(w, ". seq=1 ack=2 win=1000");
    in_state(w, HF_FIN_WAIT_2);
}

/* FINs cross: CLOSING, then TIME-WAIT. */
static void fins_cross(void **state)
{
    struct world *w = *state;

    close_early(w);
    peer(w, "F. seq=1 ack=1");
    sends(w, ". seq=2 ack=2");
    in_state(w, HF_CLOSING);
    peer(w, ". seq=2 ack=2");
    in_state(w, HF_TIME_WAIT);
}

/* One segment acknowledges everything and closes: TIME-WAIT. */
static void fin_acks_all(void **state)
{
    struct world *w = *state;

    close_early(w);
    peer(w, "F. seq=1 ack=2");
    sends(w, ". seq=2 ack=2");
    in_state(w, HF_TIME_WAIT);
    event(w, HF_EVENT_CLOSED, HF_OK);
}

/* RST in FIN-WAIT-1 is a reset (3.10.7.4 second). */
static void reset(void **state)
{
    struct world *w = *state;

    close_early(w);
    peer(w, "R seq=1");
    silent_for(w, 10 * HF_SECOND);
    in_state(w, HF_CLOSED);
    event(w, HF_EVENT_ERROR, HF_ECONNRESET);
}

/* Nobody answers at all: given up in the end, with nothing left. */
static void never_answered(void **state)
{
    struct world *w = *state;

    user_connect(w);
    sends(w, "S seq=0");
    peer(w, "S seq=0 win=1000 mss=1000");
    sends(w, "S. seq=0 ack=1");
    user_close(w);
    sends(w, "F. seq=1 ack=1");
    for (int i = 0; i < 60; i++) {
        run_for(w, 600 * HF_SECOND, 1);
        if (waiting_packets(w) == 0) {
            break;
        }
        assert_true(next_packet(w)->segment.flags != (HF_RST | HF_ACK));
    }
    silent_for(w, 600 * HF_SECOND);
    in_state(w, HF_CLOSED);
    assert_int_equal(counters_of(w).connections, 0);
}

/* With data queued the FIN waits for ESTABLISHED (3.10.4), and text and FIN then go in one. The
 * SYN-ACK that was lost is sent again in between. */
static void data_first(void **state)
{
    struct world *w = *state;

    user_connect(w);
    sends(w, "S seq=0");
    user_send(w, 100);
    peer(w, "S seq=0 win=1000 mss=1000");
    sends(w, "S. seq=0 ack=1");
    user_shutdown(w);
    in_state(w, HF_SYN_RECEIVED);
    sends_after(w, HF_SECOND, "S. seq=0 ack=1");
    peer(w, "S. seq=0 ack=1 win=1000 mss=1000");
    sends(w, "PF. seq=1 ack=1 len=100");
    in_state(w, HF_FIN_WAIT_1);
    peer(w, ". seq=1 ack=102 win=1000");
    in_state(w, HF_FIN_WAIT_2);
}

/* A window of zero on the peer's SYN: the FIN has no place in it and waits; when the window opens
 * it goes. */
static void no_window_for_fin(void **state)
{
    struct world *w = *state;

    user_connect(w);
    sends(w, "S seq=0");
    peer(w, "S seq=0 win=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    user_shutdown(w);
    silent(w);
    in_state(w, HF_FIN_WAIT_1);
    peer(w, ". seq=1 ack=1 win=1000");
    sends(w, "F. seq=1 ack=1");
    peer(w, ". seq=1 ack=2 win=1000");
    in_state(w, HF_FIN_WAIT_2);
    silent_for(w, 10 * HF_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(acked_together),    BOTH(syn_acked_by_crossing),
        BOTH(both_lost),         BOTH(fins_cross),
        BOTH(fin_acks_all),      BOTH(reset),
        BOTH(never_answered),    BOTH(data_first),
        BOTH(no_window_for_fin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
