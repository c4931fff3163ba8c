/* SPDX-License-Identifier: MIT
 *
 * Opening passively: LISTEN (RFC 9293 3.10.7.2) and SYN-RECEIVED as a listener's connections know
 * it (3.10.7.4), before the program has heard of them.
 */
#include "harness.h"

/* hs-passive: SYN, SYN-ACK with ack=SEG.SEQ+1, ACK; accept gives the peer's address (3.5,
 * 3.10.7.2 third). user_accept compares the address. */
static void hs_passive(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "S seq=0 win=1000 mss=1000");
    sends(w, "S. seq=0 ack=1 mss=%u nows nots nosackok win=65535", own_mss(w));
    in_state(w, HF_SYN_RECEIVED);
    no_event(w, HF_EVENT_ACCEPTABLE);
    peer(w, ". seq=1 ack=1 win=1000");
    silent(w);
    event(w, HF_EVENT_ACCEPTABLE, HF_OK);
    user_accept(w);
    in_state(w, HF_ESTABLISHED);
    silent_for(w, 200 * HF_SECOND);
}

/* RFC 7323 2.2, 3.2, RFC 2018 2: what the SYN offers may be answered, and each by itself.
 * Holds: RFC7323-2.2-a, RFC7323-3.2-f */
static void hs_passive_options(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "S seq=0 mss=1000 sackok ts=77 ws=3");
    sends(w, "S. seq=0 ack=1 mss=%u ws sackok ts ecr=77 win=65535", own_mss(w));
    use_flow(w, 40001);
    peer(w, "S seq=0 ts=78");
    sends(w, "S. seq=0 ack=1 mss=%u nows nosackok ts ecr=78", own_mss(w));
    use_flow(w, 40002);
    peer(w, "S seq=0 ws=0");
    sends(w, "S. seq=0 ack=1 mss=%u ws nosackok nots", own_mss(w));
    use_flow(w, 40003);
    peer(w, "S seq=0 sackok");
    sends(w, "S. seq=0 ack=1 mss=%u nows sackok nots", own_mss(w));
}

/* hs-synack-rexmt: the SYN-ACK is sent again 1, 3 and 7 seconds later and so on (RFC 6298 2.1,
 * 5.5), the same each time, and in the end given up; a SYN then begins anew. */
static void hs_synack_rexmt(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "S seq=0 win=1000 mss=1000 sackok ws=3");
    sends(w, "S. seq=0 ack=1 mss=%u ws sackok nots win=65535", own_mss(w));
    for (int wait = 1; wait <= 16; wait *= 2) {
        sends_after(w, wait * HF_SECOND, "S. seq=0 ack=1 mss=%u ws sackok nots win=65535",
                    own_mss(w));
    }
    in_state(w, HF_SYN_RECEIVED);
    silent_for(w, 121 * HF_SECOND);
    in_state(w, HF_CLOSED);
    no_event(w, HF_EVENT_ACCEPTABLE);
    new_incarnation(w, 900000);
    establish_passive(w, 1000, "mss=1000");
}

/* hs-synack-lost-dup-syn: the same SYN again gets the same SYN-ACK again, and there is still one
 * connection, whose retransmission clock is not disturbed for the worse. */
static void hs_duplicate_syn(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    run_for(w, 400 * HF_MILLISECOND, 1);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    in_state(w, HF_SYN_RECEIVED);
    peer(w, ". seq=1 ack=1");
    silent(w);
    event(w, HF_EVENT_ACCEPTABLE, HF_OK);
    user_accept(w);
    in_state(w, HF_ESTABLISHED);
    no_event(w, HF_EVENT_ACCEPTABLE);
    silent_for(w, 100 * HF_SECOND);
}

/* hs-syn-new-seq-in-synrcvd: another SYN inside the window is challenged (RFC 5961 4.2 extends
 * 3.10.7.4 fourth), and the opening goes on. */
static void hs_other_syn(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    peer(w, "S seq=500 mss=1000");
    sends(w, ". seq=1 ack=1");
    peer(w, "S seq=-5000 mss=1000");
    sends(w, ". seq=1 ack=1");
    in_state(w, HF_SYN_RECEIVED);
    peer(w, ". seq=1 ack=1");
    silent(w);
    event(w, HF_EVENT_ACCEPTABLE, HF_OK);
}

/* hs-bad-ack-in-synrcvd: an ACK that does not acknowledge our SYN gets <SEQ=SEG.ACK><CTL=RST>
 * (3.10.7.4 fifth); the state is the same and the right ACK still opens. */
static void hs_bad_ack(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    peer(w, ". seq=1 ack=0");
    sends(w, "R seq=0");
    peer(w, ". seq=1 ack=2");
    sends(w, "R seq=2");
    peer(w, "P. seq=1 ack=-70000 len=10");
    sends(w, "R seq=-70000");
    peer(w, "F. seq=1 ack=9");
    sends(w, "R seq=9");
    in_state(w, HF_SYN_RECEIVED);
    no_event(w, HF_EVENT_ACCEPTABLE);
    sends_after(w, HF_SECOND, "S. seq=0 ack=1");
    peer(w, ". seq=1 ack=1");
    silent(w);
    event(w, HF_EVENT_ACCEPTABLE, HF_OK);
}

/* hs-ack-with-data: text on the third segment is taken (3.10.7.4 fifth, then on to the seventh). */
static void hs_ack_with_data(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    peer(w, "P. seq=1 ack=1 len=300");
    sends(w, ". seq=1 ack=301");
    event(w, HF_EVENT_ACCEPTABLE, HF_OK);
    user_accept(w);
    event(w, HF_EVENT_READABLE, HF_OK);
    user_recv(w, 300);
    in_state(w, HF_ESTABLISHED);
}

/* hs-third-ack-lost-data: the third ACK is lost; the first data opens, even if its front is
 * missing (any acceptable segment with the right ACK does: 3.10.7.4 fifth). */
static void hs_third_ack_lost(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "S seq=0 mss=1000 sackok");
    sends(w, "S. seq=0 ack=1 sackok");
    peer(w, ". seq=101 ack=1 len=100");
    sends(w, ". seq=1 ack=1 sack=101-201");
    event(w, HF_EVENT_ACCEPTABLE, HF_OK);
    user_accept(w);
    in_state(w, HF_ESTABLISHED);
    user_recv_error(w, HF_EAGAIN);
    peer(w, ". seq=1 ack=1 len=100");
    sends(w, ". seq=1 ack=201 nosack");
    user_recv(w, 200);
}

/* hs-fin-completes: FIN on the third segment: SYN-RECEIVED to CLOSE-WAIT, end of file for the
 * reader (3.10.7.4 eighth). */
static void hs_fin_completes(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    peer(w, "F. seq=1 ack=1 len=5");
    sends(w, ". seq=1 ack=7");
    event(w, HF_EVENT_ACCEPTABLE, HF_OK);
    in_state(w, HF_CLOSE_WAIT);
    user_accept(w);
    event(w, HF_EVENT_PEER_CLOSED, HF_OK);
    user_recv(w, 5);
    user_recv_error(w, 0);
    user_close(w);
    sends(w, "F. seq=1 ack=7");
    peer(w, ". seq=7 ack=2");
    silent(w);
    in_state(w, HF_CLOSED);
}

/* hs-rst-passive-synrcvd: RST at RCV.NXT: back to LISTEN without a word to the program (MUST-11);
 * the next SYN is served.
 * Holds: MUST-11 */
static void hs_reset_in_syn_received(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    peer(w, "R seq=1");
    silent(w);
    in_state(w, HF_CLOSED);
    no_event(w, HF_EVENT_ACCEPTABLE);
    no_event(w, HF_EVENT_ERROR);
    silent_for(w, 10 * HF_SECOND);
    new_incarnation(w, 1234);
    establish_passive(w, 1000, "mss=1000");
}

/* A RST that does not carry RCV.NXT does not end SYN-RECEIVED: inside the window it is challenged,
 * outside it is dropped (RFC 5961 3.2). */
static void hs_forged_reset_in_syn_received(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    peer(w, "R seq=2");
    sends(w, ". seq=1 ack=1");
    peer(w, "R seq=0");
    silent(w);
    peer(w, "R. seq=65536 ack=1");
    silent(w);
    in_state(w, HF_SYN_RECEIVED);
    peer(w, ". seq=1 ack=1");
    event(w, HF_EVENT_ACCEPTABLE, HF_OK);
}

/* old-dup-syn: an old SYN from the network is answered; the peer refuses the SYN-ACK with a RST;
 * we are in LISTEN again and its real SYN succeeds (3.5 figure 8). */
static void old_duplicate_syn(void **state)
{
    struct world *w = *state;

    user_listen(w);
    new_incarnation(w, 90);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    peer(w, "R seq=1");
    silent(w);
    in_state(w, HF_CLOSED);
    new_incarnation(w, 100);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    peer(w, ". seq=1 ack=1");
    silent(w);
    in_state(w, HF_ESTABLISHED);
}

/* RFC 7323 5.3 R1: a third segment whose timestamp is older than the SYN's is an old duplicate:
 * acknowledged, dropped, and nothing is opened. */
static void hs_old_timestamp(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "S seq=0 mss=1000 ts=5000");
    sends(w, "S. seq=0 ack=1 ts ecr=5000");
    peer(w, ". seq=1 ack=1 ts=4999");
    sends(w, ". seq=1 ack=1 ts ecr=5000");
    in_state(w, HF_SYN_RECEIVED);
    no_event(w, HF_EVENT_ACCEPTABLE);
    peer(w, ". seq=1 ack=1 ts=5001");
    silent(w);
    event(w, HF_EVENT_ACCEPTABLE, HF_OK);
    in_state(w, HF_ESTABLISHED);
}

/* backlog-full: with the accept queue full the third ACK and new SYNs are dropped without RST (as
 * Linux does); after accept() there is room and the repeated SYN-ACK's answer completes. */
static void backlog_full(void **state)
{
    struct world *w = *state;

    user_listen_backlog(w, 1);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    use_flow(w, 40001);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    peer(w, ". seq=1 ack=1");
    event(w, HF_EVENT_ACCEPTABLE, HF_OK);
    in_state(w, HF_ESTABLISHED);

    use_flow(w, PEER_PORT);
    peer(w, ". seq=1 ack=1");
    silent(w);
    in_state(w, HF_SYN_RECEIVED);
    use_flow(w, 40002);
    peer(w, "S seq=0 mss=1000");
    silent(w);
    in_state(w, HF_CLOSED);

    use_flow(w, 40001);
    user_accept(w);
    use_flow(w, PEER_PORT);
    sends_after(w, HF_SECOND, "S. seq=0 ack=1");
    peer(w, ". seq=1 ack=1");
    silent(w);
    event(w, HF_EVENT_ACCEPTABLE, HF_OK);
    user_accept(w);
    in_state(w, HF_ESTABLISHED);
    use_flow(w, 40002);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
}

/* passive-open-isolated: a second passive OPEN of the port is an error and does the first no harm
 * (3.9.1.1 MUST-41, MUST-42).
 * Holds: MUST-41 */
static void second_listen(void **state)
{
    struct world *w = *state;
    struct hf_endpoint local = {{.family = (uint8_t)w->family}, STACK_PORT};
    hf_handle second = HF_NO_HANDLE;

    user_listen(w);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    assert_int_equal(hf_listen(w->stack, &local, 5, &second), HF_EADDRINUSE);
    peer(w, ". seq=1 ack=1");
    silent(w);
    event(w, HF_EVENT_ACCEPTABLE, HF_OK);
    user_accept(w);
    in_state(w, HF_ESTABLISHED);
}

/* Closing the listener (3.10.4 LISTEN, and 3.10.5): who waits to be accepted is reset; who is half
 * open finds nobody; who was accepted goes on. */
static void listener_closes(void **state)
{
    struct world *w = *state;

    establish_passive(w, 1000, "mss=1000");
    use_flow(w, 40001);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    use_flow(w, 40002);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    peer(w, ". seq=1 ack=1");
    silent(w);
    assert_int_equal(hf_close(w->stack, w->listener, w->now), HF_OK);
    run_for(w, 0, 1);
    sends(w, "R. seq=1 ack=1");
    use_flow(w, 40001);
    silent_for(w, 10 * HF_SECOND);
    peer(w, ". seq=1 ack=1");
    sends(w, "R seq=1");
    use_flow(w, 40003);
    peer(w, "S seq=#700 mss=1000");
    sends(w, "R. seq=#0 ack=#701");
    use_flow(w, PEER_PORT);
    peer(w, "P. seq=1 ack=1 len=10");
    sends(w, ". seq=1 ack=11");
    in_state(w, HF_ESTABLISHED);
}

/* A connection that is reset before accept() is not lost to the program: accept() gives it, and
 * reading says what happened. */
static void reset_before_accept(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    peer(w, "P. seq=1 ack=1 len=20");
    sends(w, ". seq=1 ack=21");
    peer(w, "R seq=21");
    silent(w);
    in_state(w, HF_CLOSED);
    user_accept(w);
    event(w, HF_EVENT_ERROR, HF_ECONNRESET);
    user_recv(w, 20);
    user_recv_error(w, HF_ECONNRESET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(hs_passive),
        BOTH(hs_passive_options),
        BOTH(hs_synack_rexmt),
        BOTH(hs_duplicate_syn),
        BOTH(hs_other_syn),
        BOTH(hs_bad_ack),
        BOTH(hs_ack_with_data),
        BOTH(hs_third_ack_lost),
        BOTH(hs_fin_completes),
        BOTH(hs_reset_in_syn_received),
        BOTH(hs_forged_reset_in_syn_received),
        BOTH(old_duplicate_syn),
        BOTH(hs_old_timestamp),
        BOTH(backlog_full),
        BOTH(second_listen),
        BOTH(listener_closes),
        BOTH(reset_before_accept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
