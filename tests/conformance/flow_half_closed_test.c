/* SPDX-License-Identifier: MIT
 *
 * Sending goes on after a FIN has come or while ours waits: every state that may still send cares
 * for its data as ESTABLISHED does.
 */
#include "round_trip.h"

#define SLACK (100 * HF_MICROSECOND)

/* 2000 octets wait behind a window that is shut; the opening left an RTO of 300 ms. */
static void wait_behind_window(struct world *w)
{
    establish_with_rtt(w, 100 * MS, 5000, "mss=1000");
    user_send(w, 1000);
    sends(w, "P. seq=1 ack=1 len=1000");
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=1001 win=0");
    user_send(w, 2000);
    silent(w);
}

/* The window is asked about after an RTO, and again after twice that; when it opens, what waits
 * goes. */
static void is_asked_about(struct world *w, hf_time since, unsigned ack, const char *last)
{
    sends_between(w, since + 300 * MS - w->now - SLACK, since + 320 * MS - w->now,
                  ". seq=1000 ack=%u", ack);
    sends_between(w, 500 * MS, 700 * MS, ". seq=1000 ack=%u", ack);
    peer(w, ". seq=%u ack=1001 win=5000", ack);
    sends(w, ". seq=1001 ack=%u len=1000", ack);
    sends(w, "%s seq=2001 ack=%u len=1000", last, ack);
}

/* RFC 9293 3.8.6.1: zero windows are probed in CLOSE-WAIT as well.
 * Holds: MUST-36 */
static void probes_in_close_wait(void **state)
{
    struct world *w = *state;
    hf_time since;

    wait_behind_window(w);
    since = w->now;
    peer(w, "F. seq=1 ack=1001 win=0");
    sends(w, ". seq=1001 ack=2");
    in_state(w, HF_CLOSE_WAIT);
    is_asked_about(w, since, 2, "P.");
    peer(w, ". seq=2 ack=3001");
}

/* The same with a FIN of our own behind the data: FIN-WAIT-1.
 * Holds: MUST-36 */
static void probes_in_fin_wait_1(void **state)
{
    struct world *w = *state;
    hf_time since;

    wait_behind_window(w);
    since = w->now;
    user_shutdown(w);
    silent(w);
    in_state(w, HF_FIN_WAIT_1);
    is_asked_about(w, since, 1, "FP.");
    peer(w, ". seq=1 ack=3002");
    in_state(w, HF_FIN_WAIT_2);
}

/* Both: LAST-ACK where theirs came first, CLOSING where ours did.
 * Holds: MUST-36 */
static void probes_in_last_ack(void **state)
{
    struct world *w = *state;
    hf_time since;

    wait_behind_window(w);
    since = w->now;
    peer(w, "F. seq=1 ack=1001 win=0");
    sends(w, ". seq=1001 ack=2");
    user_shutdown(w);
    silent(w);
    in_state(w, HF_LAST_ACK);
    is_asked_about(w, since, 2, "FP.");
    peer(w, ". seq=2 ack=3002");
    in_state(w, HF_CLOSED);
}

static void probes_in_closing(void **state)
{
    struct world *w = *state;
    hf_time since;

    wait_behind_window(w);
    since = w->now;
    user_shutdown(w);
    silent(w);
    peer(w, "F. seq=1 ack=1001 win=0");
    sends(w, ". seq=1001 ack=2");
    in_state(w, HF_CLOSING);
    is_asked_about(w, since, 2, "FP.");
    peer(w, ". seq=2 ack=3002");
    in_state(w, HF_TIME_WAIT);
}

/* SHLD-20: a program that wants no soft errors is not told at R1 either; the end it is told of. */
static void silent_at_r1(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000");
    user_option(w, HF_OPTION_SOFT_ERRORS, 0);
    user_option(w, HF_OPTION_RETRIES_R2, 6);
    user_send(w, 10);
    sends(w, "P. seq=1 ack=1 len=10");
    for (unsigned i = 0; i < 6; i++) {
        sends_between(w, 0, 20 * HF_SECOND, "P. seq=1 ack=1 len=10");
    }
    silent_for(w, 60 * HF_SECOND);
    no_event(w, HF_EVENT_SOFT_ERROR);
    event(w, HF_EVENT_ERROR, HF_ETIMEDOUT);
}

/* hf_status names the timer that runs (stack.h). */
static void timers_by_name(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 5000, "mss=1000");
    assert_string_equal(status_of(w).timer, "");
    user_option(w, HF_OPTION_KEEPALIVE, 1);
    assert_string_equal(status_of(w).timer, "keepalive");
    user_send(w, 1000);
    sends(w, "P. seq=1 ack=1 len=1000");
    assert_string_equal(status_of(w).timer, "retransmit");
    peer(w, ". seq=1 ack=1001 win=0");
    user_send(w, 1000);
    silent(w);
    assert_string_equal(status_of(w).timer, "probe");
    peer(w, ". seq=1 ack=1001 win=5000");
    sends(w, "P. seq=1001 ack=1 len=1000");
    peer(w, ". seq=1 ack=2001");
    assert_string_equal(status_of(w).timer, "keepalive");
}

/* Linux's tcp_max_quickacks: a new connection acknowledges its first sixteen segments at once,
 * which paces the peer's slow start; from then on an ACK waits for a second segment (SHLD-18), 40
 * ms at most. */
static void first_sixteen_at_once(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000");
    for (unsigned i = 0; i < 16; i++) {
        peer(w, "P. seq=%u ack=1 len=10", 1 + i * 10);
        sends(w, ". seq=1 ack=%u", 11 + i * 10);
    }
    peer(w, "P. seq=161 ack=1 len=10");
    sends_after(w, 40 * MS, ". seq=1 ack=171");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(probes_in_close_wait),  BOTH(probes_in_fin_wait_1), BOTH(probes_in_last_ack),
        BOTH(probes_in_closing),     BOTH(silent_at_r1),         BOTH(timers_by_name),
        BOTH(first_sixteen_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
