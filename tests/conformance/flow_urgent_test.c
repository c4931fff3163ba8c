/* SPDX-License-Identifier: MIT
 *
 * Urgent data (RFC 9293 3.8.5, RFC 6093): in band, with a mark that names the octet after it.
 */
#include "round_trip.h"

/* urg-basic: the pointer counts from SEG.SEQ to the octet that follows the urgent data (MUST-62,
 * RFC 6093 3.1: in all that is sent as in all that is read).
 * Holds: MUST-30, MUST-62, RFC6093-4-a */
static void pointer_names_the_next_octet(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    user_send_flags(w, 5, HF_SEND_URGENT);
    sends(w, "P.U seq=1 ack=1 len=5 urg=5");
    peer(w, ". seq=1 ack=6");
    user_send(w, 5);
    sends(w, "P. seq=6 ack=1 len=5");
    peer(w, ". seq=1 ack=11");
}

/* urg-any-length: a sequence of urgent data of any length (MUST-31): every segment before the mark
 * says how far it still is, those after it carry no URG.
 * Holds: MUST-31 */
static void mark_over_several_segments(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    user_send_flags(w, 2500, HF_SEND_URGENT);
    sends(w, ".U seq=1 ack=1 len=1000 urg=2500");
    sends(w, ".U seq=1001 ack=1 len=1000 urg=1500");
    sends(w, "P.U seq=2001 ack=1 len=500 urg=500");
    user_send(w, 1000);
    sends(w, "P. seq=2501 ack=1 len=1000");
    peer(w, ". seq=1 ack=3501");
}

/* A mark farther than the field reaches is announced as far as it goes (RFC 6093 6). */
static void mark_beyond_the_field(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000 ws=7");
    user_send_flags(w, 70000, HF_SEND_URGENT);
    for (unsigned i = 0; i < 10; i++) {
        unsigned left = 70000 - 1000 * i;
        sends(w, ".U seq=%u ack=1 len=1000 urg=%u", 1 + 1000 * i, left > 65535 ? 65535 : left);
    }
    peer(w, ". seq=1 ack=10001");
    while (next_packet(w) != NULL) {
    }
}

/* Retransmissions carry the mark as well. */
static void mark_is_resent(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    user_send_flags(w, 5, HF_SEND_URGENT);
    sends(w, "P.U seq=1 ack=1 len=5 urg=5");
    sends_between(w, 0, 2 * HF_SECOND, "P.U seq=1 ack=1 len=5 urg=5");
    peer(w, ". seq=1 ack=6");
}

/* urg-wnd0, sending: urgency is told through a shut window, at once (RFC 9293 3.8.5: "even if the
 * window is zero", 3.10.2). */
static void told_through_shut_window(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    peer(w, ". seq=1 ack=1 win=0");
    user_send_flags(w, 5, HF_SEND_URGENT);
    sends(w, ".U seq=1 ack=1 len=0 urg=5");
    peer(w, ". seq=1 ack=1 win=1000");
    sends(w, "P.U seq=1 ack=1 len=5 urg=5");
    peer(w, ". seq=1 ack=6");
}

/* Urgency does not wait for Nagle (RFC 9293 3.7.4 leaves it; Linux lets it go at once). */
static void urgent_passes_nagle(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    user_send(w, 10);
    sends(w, "P. seq=1 ack=1 len=10");
    user_send_flags(w, 1, HF_SEND_URGENT);
    sends(w, "P.U seq=11 ack=1 len=1 urg=1");
    peer(w, ". seq=1 ack=12");
}

/* No SYN carries URG: whatever was queued before it leaves (as Linux). */
static void syn_has_no_urg(void **state)
{
    struct world *w = *state;
    struct hf_endpoint local = {w->stack_address, STACK_PORT};
    struct hf_endpoint remote = {w->peer_address, PEER_PORT};

    assert_int_equal(hf_connect(w->stack, &local, &remote, w->now, &w->flow->connection), HF_OK);
    user_send_flags(w, 5, HF_SEND_URGENT);
    sends(w, "S seq=0");
    peer(w, "S. seq=0 ack=1 mss=1000");
    sends(w, "P.U seq=1 ack=1 len=5 urg=5");
    peer(w, ". seq=1 ack=6");
}

/* urg-basic, receiving: the program is told when a mark appears (MUST-32) and can learn how much is
 * left before it (MUST-33).
 * Holds: MUST-32, MUST-33, MUST-62, RFC6093-4-a */
static void program_is_told(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    peer(w, "P.U seq=1 ack=1 len=10 urg=8");
    next_packet(w);
    event(w, HF_EVENT_URGENT, HF_OK);
    assert_int_equal(status_of(w).urgent_bytes, 8);
    user_recv(w, 3);
    assert_int_equal(status_of(w).urgent_bytes, 5);
    user_recv(w, 5);
    assert_int_equal(status_of(w).urgent_bytes, 0);
    user_recv(w, 2);
    no_event(w, HF_EVENT_URGENT);
}

/* urg-advance: told again when the mark moves on, not when it is only repeated (MUST-32).
 * Holds: MUST-32 */
static void told_again_on_advance(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    peer(w, "U. seq=1 ack=1 urg=100"); /* no data yet */
    event(w, HF_EVENT_URGENT, HF_OK);
    assert_int_equal(status_of(w).urgent_bytes, 100);
    peer(w, "U. seq=1 ack=1 urg=100");
    no_event(w, HF_EVENT_URGENT);
    peer(w, "U. seq=1 ack=1 urg=50"); /* an older segment */
    no_event(w, HF_EVENT_URGENT);
    assert_int_equal(status_of(w).urgent_bytes, 100);
    peer(w, "U. seq=1 ack=1 urg=200");
    event(w, HF_EVENT_URGENT, HF_OK);
    assert_int_equal(status_of(w).urgent_bytes, 200);
    run_for(w, HF_SECOND, 0);
    while (next_packet(w) != NULL) {
    }
}

/* A mark at or before what was received long ago is no news. */
static void old_mark_is_no_news(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    peer(w, "P. seq=1 ack=1 len=10");
    next_packet(w);
    user_recv(w, 10);
    peer(w, "U. seq=11 ack=1 urg=0");
    no_event(w, HF_EVENT_URGENT);
    peer(w, "P.U seq=1 ack=1 len=10 urg=10"); /* a late copy */
    next_packet(w);
    no_event(w, HF_EVENT_URGENT);
    assert_int_equal(status_of(w).urgent_bytes, 0);
}

/* urg-wnd0, receiving: with a window of zero the segment's text is refused, its URG is not
 * (MUST-66).
 * Holds: MUST-66 */
static void heard_through_shut_window(void **state)
{
    struct world *w = *state;

    w->config.receive_buffer_bytes = 1000;
    world_restart(w);
    establish_passive(w, 65535, "mss=1000");
    peer(w, "P. seq=1 ack=1 len=1000");
    sends_between(w, 0, HF_SECOND, ". seq=1 ack=1001 win=0");
    peer(w, "P.U seq=1001 ack=1 len=10 urg=10");
    sends(w, ". seq=1 ack=1001 win=0");
    event(w, HF_EVENT_URGENT, HF_OK);
    assert_int_equal(status_of(w).urgent_bytes, 1010);
    assert_int_equal(status_of(w).receive_queue_bytes, 1000);
}

/* A mark above a hole is told at once: urgency does not wait for reassembly (RFC 9293 3.10.7.4
 * sixth stands before the text). */
static void mark_above_a_hole(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    peer(w, "P.U seq=101 ack=1 len=10 urg=10");
    sends(w, ". seq=1 ack=1");
    event(w, HF_EVENT_URGENT, HF_OK);
    assert_int_equal(status_of(w).urgent_bytes, 110);
    peer(w, "P. seq=1 ack=1 len=100");
    sends(w, ". seq=1 ack=111");
    user_recv(w, 110);
    assert_int_equal(status_of(w).urgent_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(pointer_names_the_next_octet),
        BOTH(mark_over_several_segments),
        BOTH(mark_beyond_the_field),
        BOTH(mark_is_resent),
        BOTH(told_through_shut_window),
        BOTH(urgent_passes_nagle),
        BOTH(syn_has_no_urg),
        BOTH(program_is_told),
        BOTH(told_again_on_advance),
        BOTH(old_mark_is_no_news),
        BOTH(heard_through_shut_window),
        BOTH(mark_above_a_hole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
