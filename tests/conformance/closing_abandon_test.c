/* SPDX-License-Identifier: MIT
 *
 * The program goes away: CLOSE with things unread or unsent, ABORT, and what becomes of connections
 * nobody holds (RFC 9293 3.10.4, 3.10.5, 3.6.1 SHLD-3).
 */
#include "harness.h"

/* close-unread: CLOSE with received data unread: RST and not FIN, so that the peer knows its data
 * was lost (SHLD-3).
 * Holds: SHLD-3 */
static void close_with_unread_data(void **state)
{
    struct world *w = *state;

    establish_active(w, 1000, "mss=1000");
    peer(w, "P. seq=1 ack=1 len=10");
    sends(w, ". seq=1 ack=11");
    user_close(w);
    sends(w, "R. seq=1 ack=11");
    in_state(w, HF_CLOSED);
    silent_for(w, 100 * HF_SECOND);
}

/* The same after the peer's FIN, in CLOSE-WAIT. */
static void close_with_unread_data_after_fin(void **state)
{
    struct world *w = *state;

    establish_active(w, 1000, "mss=1000");
    peer(w, "PF. seq=1 ack=1 len=10");
    sends(w, ". seq=1 ack=12");
    user_close(w);
    sends(w, "R. seq=1 ack=12");
    in_state(w, HF_CLOSED);
}

/* And after our own FIN: SHLD-3 knows no state. In FIN-WAIT-2...
 * Holds: SHLD-3 */
static void close_with_unread_data_in_fin_wait_2(void **state)
{
    struct world *w = *state;

    establish_active(w, 1000, "mss=1000");
    user_shutdown(w);
    sends(w, "F. seq=1 ack=1");
    peer(w, "P. seq=1 ack=2 len=10");
    sends(w, ". seq=2 ack=11");
    user_close(w);
    sends(w, "R. seq=2 ack=11");
    in_state(w, HF_CLOSED);
}

/* ...and in LAST-ACK and CLOSING, where the peer still waits for the ACK that says all is well. */
static void close_with_unread_data_in_last_ack(void **state)
{
    struct world *w = *state;

    establish_active(w, 1000, "mss=1000");
    peer(w, "PF. seq=1 ack=1 len=10");
    sends(w, ". seq=1 ack=12");
    user_shutdown(w);
    sends(w, "F. seq=1 ack=12");
    in_state(w, HF_LAST_ACK);
    user_close(w);
    sends(w, "R. seq=2 ack=12");
    in_state(w, HF_CLOSED);
}

/* Data read is data read: no RST. */
static void close_with_all_read(void **state)
{
    struct world *w = *state;

    establish_active(w, 1000, "mss=1000");
    peer(w, "P. seq=1 ack=1 len=10");
    sends(w, ". seq=1 ack=11");
    user_recv(w, 10);
    user_close(w);
    sends(w, "F. seq=1 ack=11");
    in_state(w, HF_FIN_WAIT_1);
}

/* data-after-close: new data that nobody will read gets a RST (SHLD-3), in FIN-WAIT-1...
 * Holds: SHLD-3, MAY-1 */
static void data_after_close_in_fin_wait_1(void **state)
{
    struct world *w = *state;

    establish_active(w, 1000, "mss=1000");
    user_close(w);
    sends(w, "F. seq=1 ack=1");
    peer(w, "P. seq=1 ack=1 len=10");
    sends(w, "R seq=1");
    in_state(w, HF_CLOSED);
    silent_for(w, 100 * HF_SECOND);
}

/* ...and in FIN-WAIT-2. What was received before the CLOSE and comes again is only acknowledged.
 * Holds: SHLD-3, MAY-1 */
static void data_after_close_in_fin_wait_2(void **state)
{
    struct world *w = *state;

    establish_active(w, 1000, "mss=1000");
    peer(w, "P. seq=1 ack=1 len=10");
    sends(w, ". seq=1 ack=11");
    user_recv(w, 10);
    user_close(w);
    sends(w, "F. seq=1 ack=11");
    peer(w, ". seq=11 ack=2");
    in_state(w, HF_FIN_WAIT_2);
    peer(w, "P. seq=1 ack=2 len=10");
    sends(w, ". seq=2 ack=11");
    in_state(w, HF_FIN_WAIT_2);
    peer(w, "P. seq=11 ack=2 len=10");
    sends(w, "R seq=2");
    in_state(w, HF_CLOSED);
}

/* A FIN without data is no data: the close goes on in order. */
static void fin_after_close(void **state)
{
    struct world *w = *state;

    establish_active(w, 1000, "mss=1000");
    user_close(w);
    sends(w, "F. seq=1 ack=1");
    peer(w, "F. seq=1 ack=2");
    sends(w, ". seq=2 ack=2");
    in_state(w, HF_TIME_WAIT);
    silent_for(w, 61 * HF_SECOND);
    in_state(w, HF_CLOSED);
}

/* linger-zero: ABORT: <SEQ=SND.NXT><CTL=RST>, queued data forgotten, no TIME-WAIT (3.10.5). Linux
 * sets ACK on it, and so do we. */
static void abort_forgets_everything(void **state)
{
    struct world *w = *state;

    establish_active(w, 1000, "mss=1000");
    user_send(w, 3000);
    sends(w, ". seq=1 ack=1 len=1000");
    user_abort(w);
    sends(w, "R. seq=1001 ack=1");
    in_state(w, HF_CLOSED);
    silent_for(w, 100 * HF_SECOND);
    assert_int_equal(counters_of(w).connections, 0);
    peer(w, ". seq=1 ack=1001");
    sends(w, "R seq=1001");
}

/* reset-vs-normal: the reader can tell a FIN from a RST (3.9.1.4 MUST-12): after the FIN 0, after
 * the RST the error, for ever.
 * Holds: MUST-12 */
static void end_or_reset(void **state)
{
    struct world *w = *state;

    establish_active(w, 1000, "mss=1000");
    peer(w, "F. seq=1 ack=1");
    sends(w, ". seq=1 ack=2");
    user_recv_error(w, 0);
    user_recv_error(w, 0);
    no_event(w, HF_EVENT_ERROR);
    use_flow(w, 40001);
    establish_passive(w, 1000, "mss=1000");
    peer(w, "P. seq=1 ack=1 len=10");
    sends(w, ". seq=1 ack=11");
    peer(w, "R seq=11");
    silent(w);
    event(w, HF_EVENT_ERROR, HF_ECONNRESET);
    user_recv(w, 10);
    user_recv_error(w, HF_ECONNRESET);
    user_recv_error(w, HF_ECONNRESET);
}

/* close-in-syn-sent: CLOSE or ABORT deletes the TCB without a packet (3.10.4, 3.10.5 SYN-SENT); a
 * late SYN-ACK finds nothing and is reset (3.10.7.1). */
static void close_in_syn_sent(void **state)
{
    struct world *w = *state;

    user_connect(w);
    sends(w, "S seq=0");
    user_close(w);
    silent_for(w, 10 * HF_SECOND);
    in_state(w, HF_CLOSED);
    peer(w, "S. seq=0 ack=1");
    sends(w, "R seq=1");
    use_flow(w, 40001);
    w->flow->stack_port = 81;
    user_connect(w);
    sends(w, "S seq=0");
    user_abort(w);
    silent_for(w, 10 * HF_SECOND);
    in_state(w, HF_CLOSED);
}

/* close-in-synrcvd: CLOSE in SYN-RECEIVED with nothing queued: FIN at once, FIN-WAIT-1 (3.10.4).
 * The ACK of SYN and FIN in one leads to FIN-WAIT-2. */
static void close_in_syn_received(void **state)
{
    struct world *w = *state;

    user_connect(w);
    sends(w, "S seq=0");
    peer(w, "S seq=0 win=1000 mss=1000");
    sends(w, "S. seq=0 ack=1");
    user_shutdown(w);
    sends(w, "F. seq=1 ack=1");
    in_state(w, HF_FIN_WAIT_1);
    peer(w, ". seq=1 ack=2");
    silent(w);
    in_state(w, HF_FIN_WAIT_2);
    peer(w, "F. seq=1 ack=2");
    sends(w, ". seq=2 ack=2");
    in_state(w, HF_TIME_WAIT);
}

/* With data queued: "queue for processing after entering ESTABLISHED": data, then FIN. */
static void close_in_syn_received_with_data(void **state)
{
    struct world *w = *state;

    user_connect(w);
    sends(w, "S seq=0");
    user_send(w, 100);
    peer(w, "S seq=0 win=1000 mss=1000");
    sends(w, "S. seq=0 ack=1");
    user_close(w);
    silent(w);
    peer(w, ". seq=1 ack=1 win=1000");
    sends(w, "PF. seq=1 ack=1 len=100");
    in_state(w, HF_FIN_WAIT_1);
    peer(w, ". seq=1 ack=102 win=1000");
    in_state(w, HF_FIN_WAIT_2);
}

/* CLOSE and SEND between connect and its end: the program of a connection in SYN-SENT may queue
 * data; ABORT in SYN-RECEIVED sends RST (3.10.5). */
static void abort_in_syn_received(void **state)
{
    struct world *w = *state;

    user_connect(w);
    sends(w, "S seq=0");
    user_send(w, 100);
    peer(w, "S seq=0 win=1000 mss=1000");
    sends(w, "S. seq=0 ack=1");
    user_abort(w);
    sends(w, "R. seq=1 ack=1");
    in_state(w, HF_CLOSED);
    silent_for(w, 100 * HF_SECOND);
}

/* fw2-timeout: FIN-WAIT-2 that its program has closed ends by itself (60 s, as Linux); a late FIN
 * then finds nothing. */
static void orphan_in_fin_wait_2(void **state)
{
    struct world *w = *state;

    establish_active(w, 1000, "mss=1000");
    user_close(w);
    sends(w, "F. seq=1 ack=1");
    peer(w, ". seq=1 ack=2");
    silent_for(w, 60 * HF_SECOND - HF_MILLISECOND);
    in_state(w, HF_FIN_WAIT_2);
    silent_for(w, 2 * HF_MILLISECOND);
    in_state(w, HF_CLOSED);
    peer(w, "F. seq=1 ack=2");
    sends(w, "R seq=2");
}

/* The clock begins with the CLOSE when that comes after FIN-WAIT-2 was reached. */
static void half_closed_then_orphan(void **state)
{
    struct world *w = *state;

    establish_active(w, 1000, "mss=1000");
    user_shutdown(w);
    sends(w, "F. seq=1 ack=1");
    peer(w, ". seq=1 ack=2");
    silent_for(w, 500 * HF_SECOND);
    user_close(w);
    silent_for(w, 60 * HF_SECOND - HF_MILLISECOND);
    in_state(w, HF_FIN_WAIT_2);
    silent_for(w, 2 * HF_MILLISECOND);
    in_state(w, HF_CLOSED);
    assert_int_equal(counters_of(w).connections, 0);
}

/* An orphan whose FIN nobody answers is given up in bounded time, and leaves nothing. */
static void orphan_unanswered(void **state)
{
    struct world *w = *state;

    establish_active(w, 1000, "mss=1000");
    user_close(w);
    sends(w, "F. seq=1 ack=1");
    for (int i = 0; i < 40; i++) {
        run_for(w, 600 * HF_SECOND, 1);
        if (waiting_packets(w) == 0) {
            break;
        }
        sends(w, "F. seq=1 ack=1");
    }
    silent_for(w, HF_SECOND);
    in_state(w, HF_CLOSED);
    assert_int_equal(counters_of(w).connections, 0);
}

static void ended_by_reset(struct world *w)
{
    struct hf_status status;
    event(w, HF_EVENT_CLOSED, HF_OK);
    no_event(w, HF_EVENT_ERROR);
    status = status_of(w);
    assert_int_equal(status.error, HF_OK);
    assert_int_equal(status.reset_at_end, 1);
}

/* lastack-rst: RST in LAST-ACK and CLOSING: CLOSED (3.10.7.4 second), in order, for the peer may
 * have had everything; whoever wants to know asks. Where the FIN had not left yet, for there was
 * no window for the text before it, it was no orderly end. */
static void reset_at_the_very_end(void **state)
{
    struct world *w = *state;

    establish_active(w, 1000, "mss=1000");
    peer(w, "F. seq=1 ack=1");
    sends(w, ". seq=1 ack=2");
    user_shutdown(w);
    sends(w, "F. seq=1 ack=2");
    peer(w, "R seq=2");
    silent_for(w, 10 * HF_SECOND);
    in_state(w, HF_CLOSED);
    ended_by_reset(w);
    use_flow(w, 40001);
    w->flow->stack_port = 81;
    establish_active(w, 1000, "mss=1000");
    user_shutdown(w);
    sends(w, "F. seq=1 ack=1");
    peer(w, "F. seq=1 ack=1");
    sends(w, ". seq=2 ack=2");
    peer(w, "R. seq=2 ack=1");
    silent_for(w, 10 * HF_SECOND);
    in_state(w, HF_CLOSED);
    ended_by_reset(w);
    use_flow(w, 40002);
    establish_active(w, 1000, "mss=1000");
    peer(w, "F. seq=1 ack=1");
    sends(w, ". seq=1 ack=2");
    user_send(w, 10);
    sends(w, "P. seq=1 ack=2 len=10");
    user_shutdown(w);
    sends(w, "F. seq=11 ack=2");
    peer(w, "R seq=2");
    in_state(w, HF_CLOSED);
    ended_by_reset(w);
    use_flow(w, 40003);
    w->flow->stack_port = 82;
    establish_active(w, 5, "mss=1000");
    peer(w, "F. seq=1 ack=1 win=5");
    sends(w, ". seq=1 ack=2");
    user_send(w, 10);
    sends(w, ". seq=1 ack=2 len=5");
    user_shutdown(w);
    silent(w);
    peer(w, "R seq=2");
    in_state(w, HF_CLOSED);
    event(w, HF_EVENT_ERROR, HF_ECONNRESET);
}

/* RFC 9293 3.10.4 and 3.10.2 after the end: a stale handle is an error in every call. */
static void stale_handle(void **state)
{
    struct world *w = *state;
    uint8_t byte = 0;

    establish_active(w, 1000, "mss=1000");
    hf_handle handle = w->flow->connection;
    user_close(w);
    sends(w, "F. seq=1 ack=1");
    assert_int_equal(hf_send(w->stack, handle, &byte, 1, 0, w->now), HF_EBADF);
    assert_int_equal(hf_recv(w->stack, handle, &byte, 1, 0, w->now), HF_EBADF);
    assert_int_equal(hf_shutdown(w->stack, handle, w->now), HF_EBADF);
    assert_int_equal(hf_close(w->stack, handle, w->now), HF_EBADF);
    assert_int_equal(hf_abort(w->stack, handle, w->now), HF_EBADF);
    run_for(w, 0, 1);
    silent(w);
    in_state(w, HF_FIN_WAIT_1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(close_with_unread_data),
        BOTH(close_with_unread_data_after_fin),
        BOTH(close_with_unread_data_in_fin_wait_2),
        BOTH(close_with_unread_data_in_last_ack),
        BOTH(close_with_all_read),
        BOTH(data_after_close_in_fin_wait_1),
        BOTH(data_after_close_in_fin_wait_2),
        BOTH(fin_after_close),
        BOTH(abort_forgets_everything),
        BOTH(end_or_reset),
        BOTH(close_in_syn_sent),
        BOTH(close_in_syn_received),
        BOTH(close_in_syn_received_with_data),
        BOTH(abort_in_syn_received),
        BOTH(orphan_in_fin_wait_2),
        BOTH(half_closed_then_orphan),
        BOTH(orphan_unanswered),
        BOTH(reset_at_the_very_end),
        BOTH(stale_handle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
