/* SPDX-License-Identifier: MIT
 *
 * The orders in which two sides can close: RFC 9293 3.6, 3.10.4 and the FIN's part of 3.10.7.4.
 */
#include "harness.h"

/* close-active: our FIN, its ACK, the peer's FIN, our ACK: FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT (3.6
 * figure 12), for 2 MSL (MUST-13).
 * Holds: MUST-13 */
static void close_active(void **state)
{
    struct world *w = *state;

    establish_active(w, 1000, "mss=1000");
    user_shutdown(w);
    sends(w, "F. seq=1 ack=1");
    in_state(w, HF_FIN_WAIT_1);
    peer(w, ". seq=1 ack=2");
    silent(w);
    in_state(w, HF_FIN_WAIT_2);
    no_event(w, HF_EVENT_PEER_CLOSED);
    peer(w, "F. seq=1 ack=2");
    sends(w, ". seq=2 ack=2");
    event(w, HF_EVENT_PEER_CLOSED, HF_OK);
    event(w, HF_EVENT_CLOSED, HF_OK);
    in_state(w, HF_TIME_WAIT);
    silent_for(w, 60 * HF_SECOND - HF_MILLISECOND);
    in_state(w, HF_TIME_WAIT);
    silent_for(w, 2 * HF_MILLISECOND);
    in_state(w, HF_CLOSED);
}

/* close-passive: the peer's FIN is acknowledged, the reader sees the end, our CLOSE sends FIN, its
 * ACK ends it: CLOSE-WAIT, LAST-ACK, CLOSED, with no TIME-WAIT (3.6, 3.10.7.4 fifth). */
static void close_passive(void **state)
{
    struct world *w = *state;

    establish_active(w, 1000, "mss=1000");
    peer(w, "F. seq=1 ack=1");
    sends(w, ". seq=1 ack=2");
    event(w, HF_EVENT_PEER_CLOSED, HF_OK);
    in_state(w, HF_CLOSE_WAIT);
    user_recv_error(w, 0);
    silent_for(w, 1000 * HF_SECOND);
    in_state(w, HF_CLOSE_WAIT);
    user_shutdown(w);
    sends(w, "F. seq=1 ack=2");
    in_state(w, HF_LAST_ACK);
    peer(w, ". seq=2 ack=2");
    silent(w);
    event(w, HF_EVENT_CLOSED, HF_OK);
    in_state(w, HF_CLOSED);
    peer(w, ". seq=2 ack=2");
    sends(w, "R seq=2");
}

/* close-simultaneous: the FINs cross; theirs is acknowledged from CLOSING with SND.NXT past our
 * FIN; the ACK of ours leads to TIME-WAIT (3.6 figure 13). */
static void close_simultaneous(void **state)
{
    struct world *w = *state;

    establish_active(w, 1000, "mss=1000");
    user_shutdown(w);
    sends(w, "F. seq=1 ack=1");
    peer(w, "F. seq=1 ack=1");
    sends(w, ". seq=2 ack=2");
    in_state(w, HF_CLOSING);
    no_event(w, HF_EVENT_CLOSED);
    peer(w, ". seq=2 ack=2");
    silent(w);
    event(w, HF_EVENT_CLOSED, HF_OK);
    in_state(w, HF_TIME_WAIT);
    silent_for(w, 60 * HF_SECOND + HF_MILLISECOND);
    in_state(w, HF_CLOSED);
}

/* close-fin-ack-combined: a FIN that acknowledges ours goes from FIN-WAIT-1 straight to TIME-WAIT
 * (3.10.7.4 eighth). */
static void close_fin_acks_fin(void **state)
{
    struct world *w = *state;

    establish_active(w, 1000, "mss=1000");
    user_shutdown(w);
    sends(w, "F. seq=1 ack=1");
    peer(w, "F. seq=1 ack=2");
    sends(w, ". seq=2 ack=2");
    event(w, HF_EVENT_CLOSED, HF_OK);
    in_state(w, HF_TIME_WAIT);
}

/* close-fin-data: text before FIN in one segment is delivered before the end of file, and one ACK
 * covers both (3.10.7.4 seventh, eighth). */
static void close_fin_with_data(void **state)
{
    struct world *w = *state;

    establish_active(w, 1000, "mss=1000");
    peer(w, "PF. seq=1 ack=1 len=80");
    sends(w, ". seq=1 ack=82");
    event(w, HF_EVENT_READABLE, HF_OK);
    event(w, HF_EVENT_PEER_CLOSED, HF_OK);
    user_recv(w, 80);
    user_recv_error(w, 0);
    in_state(w, HF_CLOSE_WAIT);
    silent_for(w, HF_SECOND);
}

/* fin-out-of-order: FIN above a hole is not processed until the hole is filled (3.10.7.4:
 * segments are processed in sequence). */
static void close_fin_out_of_order(void **state)
{
    struct world *w = *state;

    establish_active(w, 1000, "mss=1000");
    peer(w, "F. seq=101 ack=1 len=50");
    sends(w, ". seq=1 ack=1");
    in_state(w, HF_ESTABLISHED);
    no_event(w, HF_EVENT_PEER_CLOSED);
    user_recv_error(w, HF_EAGAIN);
    peer(w, ". seq=1 ack=1 len=100");
    sends(w, ". seq=1 ack=152");
    in_state(w, HF_CLOSE_WAIT);
    event(w, HF_EVENT_PEER_CLOSED, HF_OK);
    user_recv(w, 150);
    user_recv_error(w, 0);
}

/* The same with a FIN that comes by itself. */
static void close_bare_fin_out_of_order(void **state)
{
    struct world *w = *state;

    establish_active(w, 1000, "mss=1000");
    user_shutdown(w);
    sends(w, "F. seq=1 ack=1");
    peer(w, "F. seq=101 ack=2");
    sends(w, ". seq=2 ack=1");
    in_state(w, HF_FIN_WAIT_2);
    peer(w, ". seq=51 ack=2 len=50");
    sends(w, ". seq=2 ack=1");
    peer(w, ". seq=1 ack=2 len=50");
    sends(w, ". seq=2 ack=102");
    in_state(w, HF_TIME_WAIT);
    user_recv(w, 100);
    user_recv_error(w, 0);
}

/* The SYN-ACK takes 100 ms, so SRTT is 100 ms, RTTVAR 50 ms and the RTO 300 ms (RFC 6298 2.2). */
static void establish_in_100_ms(struct world *w)
{
    user_connect(w);
    sends(w, "S seq=0");
    silent_for(w, 100 * HF_MILLISECOND);
    peer(w, "S. seq=0 ack=1 win=1000 mss=1000");
    sends(w, ". seq=1 ack=1");
}

/* Nothing follows a FIN (3.10.7.4 seventh: "this should not occur"): text numbered past a FIN that
 * is known, even one above a hole, is not the stream's. */
static void close_text_past_known_fin(void **state)
{
    struct world *w = *state;

    establish_active(w, 1000, "mss=1000");
    peer(w, "F. seq=101 ack=1 len=50");
    sends(w, ". seq=1 ack=1");
    peer(w, ". seq=121 ack=1 len=100");
    (void)next_packet(w); /* whether it is answered is not said */
    peer(w, ". seq=151 ack=1 len=100");
    (void)next_packet(w);
    peer(w, ". seq=300 ack=1 len=100");
    (void)next_packet(w);
    peer(w, ". seq=1 ack=1 len=100");
    sends(w, ". seq=1 ack=152");
    in_state(w, HF_CLOSE_WAIT);
    user_recv(w, 150);
    user_recv_error(w, 0);
    assert_int_equal(status_of(w).out_of_order_bytes, 0);
}

/* fin-rexmt: an unacknowledged FIN is sent again with the RTO doubling (RFC 6298 5.4, 5.5). */
static void close_fin_lost(void **state)
{
    struct world *w = *state;

    establish_in_100_ms(w);
    user_shutdown(w);
    sends(w, "F. seq=1 ack=1");
    sends_after(w, 300 * HF_MILLISECOND, "F. seq=1 ack=1");
    sends_after(w, 600 * HF_MILLISECOND, "F. seq=1 ack=1");
    sends_after(w, 1200 * HF_MILLISECOND, "F. seq=1 ack=1");
    in_state(w, HF_FIN_WAIT_1);
    peer(w, ". seq=1 ack=2");
    in_state(w, HF_FIN_WAIT_2);
    silent_for(w, 100 * HF_SECOND);
}

/* From CLOSING and LAST-ACK the FIN is repeated as well, with the peer's FIN acknowledged. */
static void close_fin_lost_in_closing(void **state)
{
    struct world *w = *state;

    establish_in_100_ms(w);
    user_shutdown(w);
    sends(w, "F. seq=1 ack=1");
    peer(w, "F. seq=1 ack=1");
    sends(w, ". seq=2 ack=2");
    sends_after(w, 300 * HF_MILLISECOND, "F. seq=1 ack=2");
    sends_after(w, 600 * HF_MILLISECOND, "F. seq=1 ack=2");
    in_state(w, HF_CLOSING);
    peer(w, ". seq=2 ack=2");
    in_state(w, HF_TIME_WAIT);
}

static void close_fin_lost_in_last_ack(void **state)
{
    struct world *w = *state;

    establish_in_100_ms(w);
    peer(w, "F. seq=1 ack=1");
    sends(w, ". seq=1 ack=2");
    user_close(w);
    sends(w, "F. seq=1 ack=2");
    sends_after(w, 300 * HF_MILLISECOND, "F. seq=1 ack=2");
    sends_after(w, 600 * HF_MILLISECOND, "F. seq=1 ack=2");
    in_state(w, HF_LAST_ACK);
    peer(w, ". seq=2 ack=2");
    in_state(w, HF_CLOSED);
    silent_for(w, 100 * HF_SECOND);
}

/* fin-rexmt, the other half: every copy of the peer's FIN is acknowledged (3.10.7.4 first). */
static void close_peer_repeats_fin(void **state)
{
    struct world *w = *state;

    establish_active(w, 1000, "mss=1000");
    peer(w, "F. seq=1 ack=1");
    sends(w, ". seq=1 ack=2");
    for (int i = 0; i < 40; i++) {
        peer(w, "F. seq=1 ack=1");
        sends(w, ". seq=1 ack=2");
    }
    in_state(w, HF_CLOSE_WAIT);
}

/* fin-after-unsent: CLOSE with queued data: all of it goes first, and FIN on or after the last
 * segment (3.10.4 ESTABLISHED: queue until all preceding SENDs have been segmentized). */
static void close_with_queued_data(void **state)
{
    struct world *w = *state;

    establish_active(w, 1500, "mss=1000");
    user_send(w, 2500);
    sends(w, ". seq=1 ack=1 len=1000");
    user_close(w);
    silent(w);
    in_state(w, HF_FIN_WAIT_1);
    peer(w, ". seq=1 ack=1001 win=2000");
    sends(w, ". seq=1001 ack=1 len=1000");
    sends(w, "PF. seq=2001 ack=1 len=500");
    peer(w, ". seq=1 ack=2501 win=2000");
    in_state(w, HF_FIN_WAIT_1);
    peer(w, ". seq=1 ack=2502 win=2000");
    in_state(w, HF_FIN_WAIT_2);
}

/* The same with a window that has no room for the FIN's own number: it waits (the FIN is in the
 * window or it is not sent: 3.4), and goes when there is room. */
static void close_fin_waits_for_window(void **state)
{
    struct world *w = *state;

    establish_active(w, 500, "mss=1000");
    user_send(w, 500);
    sends(w, "P. seq=1 ack=1 len=500");
    user_close(w);
    silent(w);
    peer(w, ". seq=1 ack=501 win=500");
    sends(w, "F. seq=501 ack=1");
    peer(w, ". seq=1 ack=502 win=500");
    in_state(w, HF_FIN_WAIT_2);
}

/* shutdown-wr: after our FIN we still read: text in FIN-WAIT-1 and FIN-WAIT-2 is acknowledged and
 * delivered (3.6, 3.10.7.4 seventh); sending is over (3.10.2: "connection closing"). */
static void half_close(void **state)
{
    struct world *w = *state;
    uint8_t byte = 1;

    establish_active(w, 1000, "mss=1000");
    user_shutdown(w);
    sends(w, "F. seq=1 ack=1");
    assert_int_equal(hf_send(w->stack, w->flow->connection, &byte, 1, 0, w->now), HF_EPIPE);
    peer(w, "P. seq=1 ack=1 len=30");
    sends(w, ". seq=2 ack=31");
    in_state(w, HF_FIN_WAIT_1);
    user_recv(w, 30);
    peer(w, ". seq=31 ack=2");
    peer(w, "P. seq=31 ack=2 len=40");
    sends(w, ". seq=2 ack=71");
    in_state(w, HF_FIN_WAIT_2);
    silent_for(w, 1000 * HF_SECOND); /* held by its program, FIN-WAIT-2 has no end of its own */
    in_state(w, HF_FIN_WAIT_2);
    user_recv(w, 40);
    user_recv_error(w, HF_EAGAIN);
    user_shutdown(w); /* again: no harm and no packet */
    silent(w);
    peer(w, "F. seq=71 ack=2 len=5");
    sends(w, ". seq=2 ack=77");
    user_recv(w, 5);
    user_recv_error(w, 0);
}

/* The other half: after the peer's FIN we may send as long as we like (3.6 case 2). */
static void half_close_by_peer(void **state)
{
    struct world *w = *state;

    establish_active(w, 1000, "mss=1000");
    peer(w, "F. seq=1 ack=1");
    sends(w, ". seq=1 ack=2");
    for (unsigned i = 0; i < 10; i++) {
        run_for(w, HF_SECOND, 1);
        user_send(w, 100);
        sends(w, "P. seq=%u ack=2 len=100", 1 + 100 * i);
        peer(w, ". seq=2 ack=%u win=1000", 101 + 100 * i);
    }
    in_state(w, HF_CLOSE_WAIT);
    user_close(w);
    sends(w, "F. seq=1001 ack=2");
    peer(w, ". seq=2 ack=1002");
    in_state(w, HF_CLOSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(close_active),
        BOTH(close_passive),
        BOTH(close_simultaneous),
        BOTH(close_fin_acks_fin),
        BOTH(close_fin_with_data),
        BOTH(close_fin_out_of_order),
        BOTH(close_bare_fin_out_of_order),
        BOTH(close_text_past_known_fin),
        BOTH(close_fin_lost),
        BOTH(close_fin_lost_in_closing),
        BOTH(close_fin_lost_in_last_ack),
        BOTH(close_peer_repeats_fin),
        BOTH(close_with_queued_data),
        BOTH(close_fin_waits_for_window),
        BOTH(half_close),
        BOTH(half_close_by_peer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
