/* SPDX-License-Identifier: MIT
 *
 * Whether the peer is still there: keep-alives (RFC 9293 3.8.4) and the user timeout (3.10.8,
 * RFC 5482 2).
 */
#include "round_trip.h"

#define IDLE (7200 * HF_SECOND)
#define INTERVAL (75 * HF_SECOND)

/* ka-default-off: an idle connection is silent for ever unless the program asks (MUST-25).
 * Holds: MUST-25 */
static void keepalive_default_off(void **state)
{
    struct world *w = *state;
    int64_t value = -1;

    establish_passive(w, 65535, "mss=1000");
    assert_int_equal(hf_get_option(w->stack, w->flow->connection, HF_OPTION_KEEPALIVE, &value),
                     HF_OK);
    assert_int_equal(value, 0);
    silent_for(w, 10 * IDLE);
    in_state(w, HF_ESTABLISHED);
}

/* ka-idle: after two hours at least (MUST-28) of hearing nothing (MUST-26) a segment without data
 * (SHLD-12) asks, with SEQ one before SND.NXT; an answer puts it off as long again.
 * Holds: MUST-24, MUST-26, MUST-28, SHLD-12, MAY-5 */
static void keepalive_idle(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    user_option(w, HF_OPTION_KEEPALIVE, 1);
    for (unsigned i = 0; i < 5; i++) {
        sends_after(w, IDLE, ". seq=0 ack=1");
        silent_for(w, 100 * MS);
        peer(w, ". seq=1 ack=1");
    }
    silent_for(w, IDLE / 2);
    peer(w, ". seq=1 ack=1 len=10");
    while (waiting_packets(w) == 0) {
        run_for(w, HF_SECOND, 1);
    }
    next_packet(w);
    run_for(w, 100 * HF_SECOND, 0);
    silent_for(w, IDLE - 102 * HF_SECOND);
    sends_between(w, 0, 3 * HF_SECOND, ". seq=0 ack=11");
    peer(w, ". seq=11 ack=1");
}

/* ka-one-lost, ka-abort: one unanswered probe proves nothing (MUST-29): only after all of them does
 * the connection end, with ETIMEDOUT and a RST in case the peer is there after all.
 * Holds: MUST-29 */
static void keepalive_abort(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    user_option(w, HF_OPTION_KEEPALIVE, 1);
    sends_after(w, IDLE, ". seq=0 ack=1");
    for (unsigned i = 1; i < 9; i++) {
        sends_after(w, INTERVAL, ". seq=0 ack=1");
    }
    no_event(w, HF_EVENT_ERROR);
    in_state(w, HF_ESTABLISHED);
    sends_after(w, INTERVAL, "R. seq=1 ack=1");
    event(w, HF_EVENT_ERROR, HF_ETIMEDOUT);
    in_state(w, HF_CLOSED);
    user_recv_error(w, HF_ETIMEDOUT);
}

/* An answer to a late probe resets the count. */
static void keepalive_count_starts_anew(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    user_option(w, HF_OPTION_KEEPALIVE_IDLE_NS, 10 * HF_SECOND);
    user_option(w, HF_OPTION_KEEPALIVE_INTERVAL_NS, HF_SECOND);
    user_option(w, HF_OPTION_KEEPALIVE_PROBES, 3);
    user_option(w, HF_OPTION_KEEPALIVE, 1);
    for (unsigned round = 0; round < 4; round++) {
        sends_after(w, 10 * HF_SECOND, ". seq=0 ack=1");
        sends_after(w, HF_SECOND, ". seq=0 ack=1");
        sends_after(w, HF_SECOND, ". seq=0 ack=1");
        peer(w, ". seq=1 ack=1");
    }
    user_option(w, HF_OPTION_KEEPALIVE, 0);
    silent_for(w, 100 * HF_SECOND);
}

/* MUST-26: no keep-alive while sent data is unacknowledged: retransmission is at work then.
 * Holds: MUST-26 */
static void no_keepalive_with_data_out(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000");
    user_option(w, HF_OPTION_KEEPALIVE_IDLE_NS, HF_SECOND);
    user_option(w, HF_OPTION_KEEPALIVE_INTERVAL_NS, HF_SECOND);
    user_option(w, HF_OPTION_KEEPALIVE_PROBES, 2);
    user_option(w, HF_OPTION_KEEPALIVE, 1);
    user_send(w, 10);
    sends(w, "P. seq=1 ack=1 len=10");
    for (unsigned i = 0; i < 10; i++) {
        sends_between(w, 0, 121 * HF_SECOND, "P. seq=1 ack=1 len=10");
    }
    in_state(w, HF_ESTABLISHED);
    peer(w, ". seq=1 ack=11");
    sends_after(w, HF_SECOND, ". seq=10 ack=1");
    peer(w, ". seq=1 ack=11");
}

/* An option set on a listener is what its connections begin with (MUST-24: per connection).
 * Holds: MUST-24 */
static void keepalive_from_listener(void **state)
{
    struct world *w = *state;

    user_listen(w);
    assert_int_equal(hf_set_option(w->stack, w->listener, HF_OPTION_KEEPALIVE, 1, w->now), HF_OK);
    assert_int_equal(
        hf_set_option(w->stack, w->listener, HF_OPTION_KEEPALIVE_IDLE_NS, 5 * HF_SECOND, w->now),
        HF_OK);
    establish_passive(w, 65535, "mss=1000");
    sends_after(w, 5 * HF_SECOND, ". seq=0 ack=1");
    peer(w, ". seq=1 ack=1");
}

/* ka-answer: the peer's keep-alive, with a byte or without, is outside the window and so is
 * answered by an ACK (RFC 9293 3.10.7.4 first); its garbage byte is not taken. */
static void answers_keepalives(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    for (unsigned i = 0; i < 20; i++) {
        peer(w, ". seq=0 ack=1");
        sends(w, ". seq=1 ack=1");
        peer(w, ". seq=0 ack=1 len=1");
        sends(w, ". seq=1 ack=1");
        silent_for(w, HF_SECOND);
    }
    assert_int_equal(status_of(w).receive_queue_bytes, 0);
}

/* uto-local: data unacknowledged for the user timeout ends the connection (RFC 9293 3.10.8),
 * however few the retransmissions were by then. */
static void user_timeout_data(void **state)
{
    struct world *w = *state;
    hf_time start;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000");
    user_option(w, HF_OPTION_USER_TIMEOUT_NS, 5 * HF_SECOND);
    silent_for(w, 20 * HF_SECOND); /* nothing is unacknowledged: nothing happens */
    start = w->now;
    user_send(w, 10);
    sends(w, "P. seq=1 ack=1 len=10");
    while (w->now < start + 5 * HF_SECOND - MS) {
        run_for(w, start + 5 * HF_SECOND - MS - w->now, 1);
        next_packet(w);
    }
    no_event(w, HF_EVENT_ERROR);
    run_for(w, 2 * MS, 0);
    event(w, HF_EVENT_ERROR, HF_ETIMEDOUT);
    in_state(w, HF_CLOSED);
}

/* A user timeout longer than R2's count of retries does not shorten anything, and progress starts
 * it anew. */
static void user_timeout_progress(void **state)
{
    struct world *w = *state;
    unsigned una = 1;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000");
    user_option(w, HF_OPTION_USER_TIMEOUT_NS, 3 * HF_SECOND);
    user_send(w, 100000);
    for (unsigned i = 0; i < 10; i++) { /* 20 s, a little every 2 s */
        run_for(w, 2 * HF_SECOND, 0);
        while (next_packet(w) != NULL) {
        }
        una += 1000;
        peer(w, ". seq=1 ack=%u", una);
        while (next_packet(w) != NULL) {
        }
        no_event(w, HF_EVENT_ERROR);
    }
    run_for(w, 3 * HF_SECOND + MS, 0);
    while (next_packet(w) != NULL) {
    }
    event(w, HF_EVENT_ERROR, HF_ETIMEDOUT);
}

/* MUST-21's user timeout holds for the opening as well (RFC 9293 3.10.8: any state).
 * Holds: MUST-21 */
static void user_timeout_opening(void **state)
{
    struct world *w = *state;

    w->config.user_timeout_ns = 10 * HF_SECOND;
    world_restart(w);
    user_connect(w);
    sends(w, "S seq=0");
    sends_after(w, HF_SECOND, "S seq=0");
    sends_after(w, 2 * HF_SECOND, "S seq=0");
    sends_after(w, 4 * HF_SECOND, "S seq=0");
    silent_for(w, 3 * HF_SECOND - MS);
    no_event(w, HF_EVENT_ERROR);
    silent_for(w, 2 * MS);
    event(w, HF_EVENT_ERROR, HF_ETIMEDOUT);
}

/* With both, the user timeout decides when keep-alive gives up, not the count of probes (Linux,
 * tcp(7)): it is longer here... */
static void user_timeout_over_keepalive_longer(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    user_option(w, HF_OPTION_KEEPALIVE_IDLE_NS, 10 * HF_SECOND);
    user_option(w, HF_OPTION_KEEPALIVE_INTERVAL_NS, HF_SECOND);
    user_option(w, HF_OPTION_KEEPALIVE_PROBES, 2);
    user_option(w, HF_OPTION_USER_TIMEOUT_NS, 20 * HF_SECOND);
    user_option(w, HF_OPTION_KEEPALIVE, 1);
    sends_after(w, 10 * HF_SECOND, ". seq=0 ack=1");
    for (unsigned i = 0; i < 9; i++) {
        sends_after(w, HF_SECOND, ". seq=0 ack=1");
    }
    sends_between(w, HF_SECOND, HF_SECOND, "R. seq=1 ack=1");
    event(w, HF_EVENT_ERROR, HF_ETIMEDOUT);
}

/* ...and shorter here, though never before one probe went unanswered. */
static void user_timeout_over_keepalive_shorter(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    user_option(w, HF_OPTION_KEEPALIVE_IDLE_NS, 10 * HF_SECOND);
    user_option(w, HF_OPTION_KEEPALIVE_INTERVAL_NS, HF_SECOND);
    user_option(w, HF_OPTION_USER_TIMEOUT_NS, 5 * HF_SECOND);
    user_option(w, HF_OPTION_KEEPALIVE, 1);
    sends_after(w, 10 * HF_SECOND, ". seq=0 ack=1");
    sends_after(w, HF_SECOND, "R. seq=1 ack=1");
    event(w, HF_EVENT_ERROR, HF_ETIMEDOUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(keepalive_default_off),
        BOTH(keepalive_idle),
        BOTH(keepalive_abort),
        BOTH(keepalive_count_starts_anew),
        BOTH(no_keepalive_with_data_out),
        BOTH(keepalive_from_listener),
        BOTH(answers_keepalives),
        BOTH(user_timeout_data),
        BOTH(user_timeout_progress),
        BOTH(user_timeout_opening),
        BOTH(user_timeout_over_keepalive_longer),
        BOTH(user_timeout_over_keepalive_shorter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
