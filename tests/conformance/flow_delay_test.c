/* SPDX-License-Identifier: MIT
 *
 * When segments wait: Nagle and its switches (RFC 9293 3.7.4), PSH (3.9.1), and the delayed
 * acknowledgement (3.8.6.3, RFC 5681 4.2).
 */
#include "round_trip.h"

#define SLACK (100 * HF_MICROSECOND)

/* nagle-on: while a small segment is unacknowledged, small writes are gathered, and leave as one
 * segment when its ACK comes (SHLD-7).
 * Holds: SHLD-7 */
static void nagle_on(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000");
    user_send(w, 10);
    sends(w, "P. seq=1 ack=1 len=10");
    user_send(w, 20);
    user_send(w, 30);
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=11");
    sends(w, "P. seq=11 ack=1 len=50");
    silent_for(w, 50 * MS);
    user_send(w, 960); /* with 0 waiting: 960 is under a segment */
    silent(w);
    user_send(w, 100); /* now a full one can go */
    sends(w, ". seq=61 ack=1 len=1000");
    silent(w);
    peer(w, ". seq=1 ack=1061");
    sends(w, "P. seq=1061 ack=1 len=60");
    peer(w, ". seq=1 ack=1121");
    user_send(w, 10); /* nothing is outstanding */
    sends(w, "P. seq=1121 ack=1 len=10");
    peer(w, ". seq=1 ack=1131");
}

/* nagle-off, MUST-17: with the algorithm off for this connection every write leaves at once.
 * Holds: MUST-17 */
static void nagle_off(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000");
    user_option(w, HF_OPTION_NAGLE, 0);
    for (unsigned i = 0; i < 5; i++) {
        user_send(w, 10);
        sends(w, "P. seq=%u ack=1 len=10", 1 + 10 * i);
    }
    peer(w, ". seq=1 ack=51");
}

/* Turning it off lets go what it held.
 * Holds: MUST-17 */
static void nagle_switched_off(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000");
    user_send(w, 10);
    sends(w, "P. seq=1 ack=1 len=10");
    user_send(w, 10);
    silent(w);
    user_option(w, HF_OPTION_NAGLE, 0);
    sends(w, "P. seq=11 ack=1 len=10");
    peer(w, ". seq=1 ack=21");
}

/* A close does not wait for Nagle: the rest goes with the FIN. */
static void nagle_and_close(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000");
    user_send(w, 10);
    sends(w, "P. seq=1 ack=1 len=10");
    user_send(w, 10);
    silent(w);
    user_shutdown(w);
    sends(w, "FP. seq=11 ack=1 len=10");
    peer(w, ". seq=1 ack=22");
    in_state(w, HF_FIN_WAIT_2);
}

/* psh-last: the last segment of what the program wrote carries PSH, those before it do not
 * (RFC 9293 3.9.1.2, MUST-61).
 * Holds: MUST-61, SHLD-27 */
static void psh_last(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000");
    user_send(w, 2500);
    sends(w, ". seq=1 ack=1 len=1000");
    sends(w, ". seq=1001 ack=1 len=1000");
    sends(w, "P. seq=2001 ack=1 len=500");
    peer(w, ". seq=1 ack=2501");
    user_send(w, 2000);
    sends(w, ". seq=2501 ack=1 len=1000");
    sends(w, "P. seq=3501 ack=1 len=1000");
    peer(w, ". seq=1 ack=4501");
}

/* HF_SEND_MORE: what is announced to be followed is not pushed; full segments go, and the rest when
 * what followed has come.
 * Holds: MAY-15, MAY-16 */
static void more_follows(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000");
    user_send_flags(w, 100, HF_SEND_MORE);
    silent(w);
    user_send_flags(w, 1000, HF_SEND_MORE);
    sends(w, ". seq=1 ack=1 len=1000");
    silent(w);
    user_send(w, 10);
    sends(w, "P. seq=1001 ack=1 len=110");
    peer(w, ". seq=1 ack=1111");
}

/* HF_OPTION_CORK: partial segments wait, at most 200 ms (stack.h); pulling the cork sends them.
 * Holds: MUST-60 */
static void cork(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000");
    user_option(w, HF_OPTION_CORK, 1);
    user_send(w, 100);
    silent(w);
    user_send(w, 1000);
    sends(w, ". seq=1 ack=1 len=1000");
    silent(w);
    user_option(w, HF_OPTION_CORK, 0);
    sends(w, "P. seq=1001 ack=1 len=100");
    peer(w, ". seq=1 ack=1101");
    user_option(w, HF_OPTION_CORK, 1);
    user_send(w, 100);
    silent_for(w, 100 * MS);
    sends_between(w, 0, 100 * MS, "P. seq=1101 ack=1 len=100");
    peer(w, ". seq=1 ack=1201");
}

/* A new connection acknowledges its first segments at once; this sends small ones until one is
 * left waiting, lets its ACK come, and returns the next number. */
static unsigned end_of_quick_acks(struct world *w)
{
    unsigned seq = 1;

    for (unsigned i = 0; i < 64; i++) {
        peer(w, ". seq=%u ack=1 len=10", seq);
        seq += 10;
        if (waiting_packets(w) == 0) {
            run_for(w, 499 * MS, 1);
            sends(w, ". seq=1 ack=%u", seq);
            user_recv(w, seq - 1);
            return seq;
        }
        next_packet(w);
    }
    fail_msg("ACKs are never delayed");
    return 0;
}

/* delack-500ms: a lone segment's ACK waits, and not for 500 ms (MUST-40, SHLD-18).
 * Holds: MUST-40, SHLD-18, RFC5681-4.2-c */
static void delayed_ack(void **state)
{
    struct world *w = *state;
    unsigned seq;

    establish_passive(w, 65535, "mss=1000");
    seq = end_of_quick_acks(w);
    peer(w, ". seq=%u ack=1 len=100", seq);
    silent(w);
    sends_after(w, w->config.delayed_ack_ns, ". seq=1 ack=%u", seq + 100);
    assert_true(w->config.delayed_ack_ns < 500 * MS);
    silent_for(w, 10 * HF_SECOND);
}

/* The delay runs from the first segment that waits, not from the last.
 * Holds: MUST-40 */
static void delayed_ack_is_not_postponed(void **state)
{
    struct world *w = *state;
    unsigned seq;

    establish_passive(w, 65535, "mss=1000");
    seq = end_of_quick_acks(w);
    peer(w, ". seq=%u ack=1 len=10", seq);
    silent_for(w, 30 * MS);
    peer(w, ". seq=%u ack=1 len=10", seq + 10);
    sends_after(w, 10 * MS, ". seq=1 ack=%u", seq + 20);
    silent_for(w, HF_SECOND);
}

/* delack-every-2nd: of full-sized segments at least every second is acknowledged at once
 * (RFC 9293 3.8.6.3 SHLD-19, RFC 5681 4.2).
 * Holds: SHLD-19, RFC5681-4.2-b */
static void every_second_segment(void **state)
{
    struct world *w = *state;
    unsigned seq;

    establish_passive(w, 65535, "mss=1000");
    seq = end_of_quick_acks(w);
    for (unsigned i = 0; i < 10; i++) {
        peer(w, ". seq=%u ack=1 len=1000", seq);
        seq += 1000;
        if (i % 2 == 0 && i > 0) { /* in the first the size is learnt */
            silent(w);
        }
        if (i % 2 == 1) {
            sends(w, ". seq=1 ack=%u", seq);
        } else if (waiting_packets(w) > 0) {
            next_packet(w);
        }
        user_recv(w, 1000);
        silent(w);
    }
}

/* RFC 5681 4.2: a segment above a hole is answered at once, each one, and so is what fills the
 * hole, wholly or in part.
 * Holds: SHLD-31, MAY-13, RFC5681-4.2-a */
static void out_of_order_at_once(void **state)
{
    struct world *w = *state;
    unsigned seq;

    establish_passive(w, 65535, "mss=1000");
    seq = end_of_quick_acks(w);
    for (unsigned i = 0; i < 5; i++) {
        peer(w, ". seq=%u ack=1 len=10", seq + 20 + 20 * i);
        sends(w, ". seq=1 ack=%u", seq);
    }
    peer(w, ". seq=%u ack=1 len=10", seq); /* part of the hole */
    sends(w, ". seq=1 ack=%u", seq + 10);
    peer(w, ". seq=%u ack=1 len=10", seq + 10);
    sends(w, ". seq=1 ack=%u", seq + 30);
    silent_for(w, HF_SECOND);
}

/* A FIN is acknowledged at once, and with it what was waiting. */
static void fin_at_once(void **state)
{
    struct world *w = *state;
    unsigned seq;

    establish_passive(w, 65535, "mss=1000");
    seq = end_of_quick_acks(w);
    peer(w, ". seq=%u ack=1 len=10", seq);
    silent(w);
    peer(w, "F. seq=%u ack=1", seq + 10);
    sends(w, ". seq=1 ack=%u", seq + 11);
    silent_for(w, HF_SECOND);
}

/* The ACK rides on data when there is some in time (RFC 9293 3.8.6.3). */
static void ack_rides_on_data(void **state)
{
    struct world *w = *state;
    unsigned seq;

    establish_passive(w, 65535, "mss=1000");
    seq = end_of_quick_acks(w);
    peer(w, ". seq=%u ack=1 len=10", seq);
    silent_for(w, 20 * MS);
    user_send(w, 30);
    sends(w, "P. seq=1 ack=%u len=30", seq + 10);
    peer(w, ". seq=%u ack=31", seq + 10);
    silent_for(w, HF_SECOND);
}

/* A pure ACK is never acknowledged: two stacks would talk for ever. */
static void acks_are_not_acked(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    for (unsigned i = 0; i < 20; i++) {
        peer(w, ". seq=1 ack=1 win=%u", 1000 + i);
        silent_for(w, HF_SECOND);
    }
}

/* HF_OPTION_QUICK_ACK: no delay for this connection. */
static void quick_ack(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    user_option(w, HF_OPTION_QUICK_ACK, 1);
    for (unsigned i = 0; i < 60; i++) {
        peer(w, ". seq=%u ack=1 len=10", 1 + 10 * i);
        sends(w, ". seq=1 ack=%u", 11 + 10 * i);
    }
}

/* config.delayed_ack_ns 0: at once as well. */
static void delay_of_nothing(void **state)
{
    struct world *w = *state;

    w->config.delayed_ack_ns = 0;
    world_restart(w);
    establish_passive(w, 65535, "mss=1000");
    for (unsigned i = 0; i < 60; i++) {
        peer(w, ". seq=%u ack=1 len=10", 1 + 10 * i);
        sends(w, ". seq=1 ack=%u", 11 + 10 * i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(nagle_on),
        BOTH(nagle_off),
        BOTH(nagle_switched_off),
        BOTH(nagle_and_close),
        BOTH(psh_last),
        BOTH(more_follows),
        BOTH(cork),
        BOTH(delayed_ack),
        BOTH(delayed_ack_is_not_postponed),
        BOTH(every_second_segment),
        BOTH(out_of_order_at_once),
        BOTH(fin_at_once),
        BOTH(ack_rides_on_data),
        BOTH(acks_are_not_acked),
        BOTH(quick_ack),
        BOTH(delay_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
