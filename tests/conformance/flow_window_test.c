/* SPDX-License-Identifier: MIT
 *
 * Flow control: the zero window and its probes (RFC 9293 3.8.6.1), silly-window avoidance on both
 * sides (3.8.6.2), and the right edge that never goes left.
 */
#include "round_trip.h"

/* The opening leaves SRTT 100 ms and RTTVAR 50 ms. */
#define RTO (300 * MS)
#define SLACK (100 * HF_MICROSECOND)

/* Established; the peer's window of `window` is then shut behind 1000 bytes. */
static void shut_window(struct world *w, unsigned window)
{
    establish_with_rtt(w, 100 * MS, window, "mss=1000");
    user_send(w, 1000);
    sends(w, "P. seq=1 ack=1 len=1000");
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=1001 win=0");
    silent(w);
}

/* zwp-basic: data waits for a shut window: the first probe comes after an RTO, the next ones at
 * doubling intervals (MUST-36, SHLD-29, SHLD-30); as long as the peer answers, the connection stays
 * (MUST-37). The probe repeats the last acknowledged number, as Linux's does.
 * Holds: MUST-36, MUST-37, SHLD-29, SHLD-30 */
static void zero_window_probes(void **state)
{
    struct world *w = *state;
    hf_time interval = 0;

    shut_window(w, 5000);
    user_send(w, 2000);
    for (unsigned i = 0; i < 40; i++) {
        hf_time low = i == 0 ? 280 * MS : 2 * interval - SLACK;
        hf_time start = w->now, ceiling = 120 * HF_SECOND;
        low = low < ceiling - SLACK ? low : ceiling - SLACK;
        sends_between(w, low, i == 0 ? 320 * MS : low + 2 * SLACK, ". seq=1000 ack=1");
        interval = w->now - start;
        peer(w, ". seq=1 ack=1001 win=0");
        silent(w);
    }
    assert_in_range(interval, 60 * HF_SECOND, 120 * HF_SECOND);
    in_state(w, HF_ESTABLISHED);
    no_event(w, HF_EVENT_ERROR);
    no_event(w, HF_EVENT_SOFT_ERROR);
}

/* SHLD-29, SHLD-30: the first probe comes an RTO after the window was shut and the next ones follow
 * their own clock: ACKs that repeat the shut window, with text or without, put none of them off.
 * Holds: SHLD-29, SHLD-30 */
static void zero_window_repeated(void **state)
{
    struct world *w = *state;
    unsigned seq = 1;

    shut_window(w, 5000);
    user_send(w, 2000);
    for (unsigned i = 0; i < 2; i++) {
        hf_time probe_due = w->now + (i == 0 ? 300 * MS : 600 * MS);
        while (w->now + 90 * MS < probe_due) {
            silent_for(w, 90 * MS);
            peer(w, ". seq=%u ack=1001 win=0", seq);
            silent(w);
            peer(w, "P. seq=%u ack=1001 win=0 len=10", seq);
            sends(w, ". seq=1001 ack=%u", seq += 10);
        }
        sends_between(w, probe_due - w->now - SLACK, probe_due - w->now + SLACK,
                      ". seq=1000 ack=%u", seq);
    }
    peer(w, ". seq=%u ack=1001 win=0", seq);
}

/* MUST-35: the window may open without anything having been sent at it. */
static void zero_window_without_data(void **state)
{
    struct world *w = *state;

    shut_window(w, 5000);
    silent_for(w, 600 * HF_SECOND); /* nothing waits: nothing is asked */
    user_send(w, 10);
    silent(w);
    peer(w, ". seq=1 ack=1001 win=5000");
    sends(w, "P. seq=1001 ack=1 len=10");
    peer(w, ". seq=1 ack=1011 win=5000");
}

/* zwp-reopen: the update lets data go at once, and the probes' backoff is forgotten. */
static void zero_window_reopens(void **state)
{
    struct world *w = *state;

    shut_window(w, 5000);
    user_send(w, 2000);
    sends_between(w, 0, HF_SECOND, ". seq=1000 ack=1");
    sends_between(w, 0, HF_SECOND, ". seq=1000 ack=1");
    sends_between(w, 0, 2 * HF_SECOND, ". seq=1000 ack=1");
    peer(w, ". seq=1 ack=1001 win=5000");
    sends(w, ". seq=1001 ack=1 len=1000");
    sends(w, "P. seq=2001 ack=1 len=1000");
    sends_between(w, 200 * MS, 320 * MS, ". seq=1001 ack=1 len=1000");
    peer(w, ". seq=1 ack=3001 win=5000");
    silent_for(w, 600 * HF_SECOND);
}

/* zwp-no-answer: a peer that does not answer probes is gone: R2 applies (RFC 9293 3.8.3, 3.8.6.1).
 */
static void zero_window_no_answer(void **state)
{
    struct world *w = *state;
    hf_time start;

    shut_window(w, 5000);
    user_send(w, 2000);
    start = w->now;
    for (unsigned i = 0; i < 15; i++) {
        sends_between(w, 0, 121 * HF_SECOND, ". seq=1000 ack=1");
    }
    silent_for(w, 121 * HF_SECOND);
    event(w, HF_EVENT_ERROR, HF_ETIMEDOUT);
    in_state(w, HF_CLOSED);
    assert_true(w->now - start > 100 * HF_SECOND);
}

/* zwp-no-answer with a user timeout: counted from when the peer was last heard. */
static void zero_window_user_timeout(void **state)
{
    struct world *w = *state;
    unsigned probes = 0;

    shut_window(w, 5000);
    user_option(w, HF_OPTION_USER_TIMEOUT_NS, 20 * HF_SECOND);
    user_send(w, 2000);
    for (unsigned i = 0; i < 12; i++) { /* answered: longer than the timeout, and it lives */
        run_for(w, 5 * HF_SECOND, 0);
        while (next_packet(w) != NULL) {
            probes++;
        }
        peer(w, ". seq=1 ack=1001 win=0");
    }
    assert_in_range(probes, 5, 15);
    in_state(w, HF_ESTABLISHED);
    run_for(w, 19 * HF_SECOND, 0);
    in_state(w, HF_ESTABLISHED);
    run_for(w, 60 * HF_SECOND, 0);
    while (next_packet(w) != NULL) {
    }
    event(w, HF_EVENT_ERROR, HF_ETIMEDOUT);
}

/* A FIN takes a number and so a place in the window (RFC 9293 3.4): with the window shut it waits,
 * and the window is asked about; with one byte of room it goes. */
static void zero_window_fin(void **state)
{
    struct world *w = *state;

    shut_window(w, 5000);
    user_shutdown(w);
    silent(w);
    sends_between(w, 200 * MS, 400 * MS, ". seq=1000 ack=1");
    peer(w, ". seq=1 ack=1001 win=1");
    sends(w, "F. seq=1001 ack=1");
    peer(w, ". seq=1 ack=1002 win=1");
    in_state(w, HF_FIN_WAIT_2);
}

/* The window ends in the middle of a segment: what is inside goes, not a byte more (MUST-34's other
 * side), as it is all that the window ever held.
 * Holds: RFC7323-2.4-b */
static void window_cuts_segment(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 1500, "mss=1000");
    user_send(w, 3000);
    sends(w, ". seq=1 ack=1 len=1000");
    while (waiting_packets(w) > 0) {
        const struct captured *captured = next_packet(w);
        assert_true(captured->segment.seq + captured->segment.payload_bytes - w->flow->stack_iss <=
                    1501);
    }
    peer(w, ". seq=1 ack=%u win=4000",
         (unsigned)(status_of(w).numbers.snd_nxt - w->flow->stack_iss));
    while (next_packet(w) != NULL) {
    }
    peer(w, ". seq=1 ack=3001 win=4000");
}

/* sws-sender: a window that opens by less than a segment and less than half of the largest ever
 * offered is not filled; the override timer of 0.1 to 1 s lets it go (RFC 9293 3.8.6.2.1, MUST-38).
 * Holds: MUST-38 */
static void silly_window_held(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 4000, "mss=1000");
    user_send(w, 8000);
    sends_segments(w, 1, 1000, 4);
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=4001 win=300");
    silent_for(w, 99 * MS);
    sends_between(w, MS, 901 * MS, ". seq=4001 ack=1 len=300");
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=4301 win=1000");
    sends(w, ". seq=4301 ack=1 len=1000");
    peer(w, ". seq=1 ack=5301 win=8000");
    sends(w, ". seq=5301 ack=1 len=1000");
    sends(w, ". seq=6301 ack=1 len=1000");
    sends(w, "P. seq=7301 ack=1 len=700");
    peer(w, ". seq=1 ack=8001 win=8000");
}

/* sws-sender: half of the largest window is worth sending, though it is under a segment.
 * Holds: MUST-38 */
static void silly_window_half(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 1200, "mss=1000");
    user_send(w, 5000);
    sends(w, ". seq=1 ack=1 len=1000");
    silent(w);
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=1001 win=599");
    silent_for(w, 99 * MS);
    peer(w, ". seq=1 ack=1001 win=600");
    sends(w, ". seq=1001 ack=1 len=600");
    peer(w, ". seq=1 ack=1601 win=65000");
    for (unsigned seq = 1601; seq < 4601; seq += 1000) {
        sends(w, ". seq=%u ack=1 len=1000", seq);
    }
    sends(w, "P. seq=4601 ack=1 len=400");
    peer(w, ". seq=1 ack=5001 win=65000");
}

static void small_buffer(struct world *w, uint32_t bytes)
{
    w->config.receive_buffer_bytes = bytes;
    world_restart(w);
    establish_passive(w, 65535, "mss=1000");
}

/* Fills the receive buffer with segments of 1000 and a rest. */
static void fill_buffer(struct world *w, unsigned bytes)
{
    unsigned seq = 1;
    while (seq < bytes + 1) {
        unsigned length = bytes + 1 - seq < 1000 ? bytes + 1 - seq : 1000;
        peer(w, ". seq=%u ack=1 len=%u", seq, length);
        seq += length;
        while (next_packet(w) != NULL) {
        }
    }
    run_for(w, HF_SECOND, 0);
    while (next_packet(w) != NULL) {
    }
}

/* sws-receiver: the program reads byte by byte; the edge moves only when it can by a whole step of
 * min(buffer/2, MSS) (RFC 9293 3.8.6.2.2, MUST-39). */
static void reads_byte_by_byte(struct world *w, unsigned buffer)
{
    unsigned step = buffer / 2 < own_mss(w) ? buffer / 2 : own_mss(w);
    unsigned updates = 0, edge = buffer + 1;

    small_buffer(w, buffer);
    fill_buffer(w, buffer);
    peer(w, ". seq=%u ack=1 len=1", buffer + 1); /* a probe */
    sends(w, ". seq=1 ack=%u win=0", buffer + 1);
    for (unsigned read = 1; read <= buffer; read++) {
        user_recv(w, 1);
        while (waiting_packets(w) > 0) {
            const struct captured *captured = next_packet(w);
            unsigned now_edge =
                captured->segment.ack - w->flow->peer_iss + captured->segment.window;
            assert_true(now_edge >= edge + step);
            assert_true(now_edge <= buffer + 1 + read);
            edge = now_edge;
            updates++;
        }
        /* "Would be enough" must also be "is said": the peer must not be left with a shut window.
         */
        assert_true(edge > buffer + 1 || read < step);
    }
    assert_in_range(updates, 1, buffer / step + 1);
}

/* Holds: MUST-39, MAY-8 */
static void silly_window_receiver(void **state)
{
    reads_byte_by_byte(*state, 8000);
}

/* Holds: MUST-39 */
static void silly_window_receiver_tiny(void **state)
{
    reads_byte_by_byte(*state, 256);
}

/* The same between updates: an ACK for another reason does not move the edge by a crumb either. */
static void acks_do_not_creep(void **state)
{
    struct world *w = *state;

    small_buffer(w, 8000);
    fill_buffer(w, 8000);
    user_recv(w, 200);
    peer(w, ". seq=8001 ack=1 len=1");
    sends(w, ". seq=1 ack=8001 win=0");
    user_recv(w, 200);
    peer(w, ". seq=8001 ack=1 len=1");
    sends(w, ". seq=1 ack=8001 win=0");
}

/* rwnd-no-shrink: a right edge once offered is kept (SHLD-14). A scaled window can only be said in
 * units, so the edge that an ACK names may lie less than a unit before an earlier one; what was
 * once offered must then still be taken (RFC 7323 2.4). And it is no more than the buffer and a
 * unit. */
static void right_edge(struct world *w, uint32_t buffer, unsigned length, unsigned count)
{
    uint32_t edge = 0, unit, next = 1;

    w->config.receive_buffer_bytes = buffer;
    world_restart(w);
    establish_passive(w, 65535, "mss=1000 ws=7");
    user_option(w, HF_OPTION_QUICK_ACK, 1);
    unit = 1u << w->flow->stack_shift;
    for (unsigned i = 0; i < count; i++, next += length) {
        peer(w, ". seq=%u ack=1 len=%u", next, length);
        while (waiting_packets(w) > 0) {
            const struct segment *segment = &next_packet(w)->segment;
            uint32_t named = segment->ack - w->flow->peer_iss + segment->window * unit;
            assert_true(named + unit > edge);
            edge = named > edge ? named : edge;
            w->event_count = 0; /* one READABLE a segment */
        }
    }
    assert_true(edge > 65535);
    assert_true(edge <= buffer + 1 + unit);
    while (buffer < 1 << 24 && next < edge) {
        unsigned take = edge - next < 1400 ? edge - next : 1400;
        peer(w, ". seq=%u ack=1 len=%u", next, take);
        next += take;
        w->event_count = 0;
        while (next_packet(w) != NULL) {
        }
    }
    run_for(w, HF_SECOND, 0);
    while (next_packet(w) != NULL) {
    }
    assert_int_equal(status_of(w).receive_queue_bytes, next - 1);
}

static void right_edge_bytes(void **state)
{
    right_edge(*state, 1 << 20, 1, 3000);
}

static void right_edge_odd(void **state)
{
    right_edge(*state, 300001, 97, 3000);
}

static void right_edge_large_shift(void **state)
{
    right_edge(*state, 1 << 30, 333, 1000);
}

/* SHLD-14 again: a buffer made smaller does not take back what was offered; what was offered and
 * arrives is taken.
 * Holds: SHLD-14, RFC7323-2.4-a */
static void smaller_buffer_keeps_promise(void **state)
{
    struct world *w = *state;

    small_buffer(w, 8000);
    user_option(w, HF_OPTION_RECEIVE_BUFFER, 1000);
    silent(w);
    for (unsigned seq = 1; seq < 8001; seq += 1000) {
        peer(w, ". seq=%u ack=1 len=1000", seq);
        while (next_packet(w) != NULL) {
        }
    }
    user_recv(w, 8000);
    run_for(w, HF_SECOND, 0);
    while (next_packet(w) != NULL) {
    }
    peer(w, ". seq=8001 ack=1 len=1000");
    sends_between(w, 0, HF_SECOND, ". seq=1 ack=9001");
    user_recv(w, 1000);
    run_for(w, HF_SECOND, 0);
    while (next_packet(w) != NULL) {
    }
    /* What lies beyond the smaller buffer is now outside. */
    peer(w, ". seq=12001 ack=1 len=100");
    sends(w, ". seq=1 ack=9001");
    assert_int_equal(status_of(w).out_of_order_bytes, 0);
}

/* With our window shut, what a peer must be able to say still gets through: its ACKs (MUST-66's
 * companions in RFC 9293 3.10.7.4), here of our data. */
static void acks_pass_shut_window(void **state)
{
    struct world *w = *state;

    small_buffer(w, 1000);
    fill_buffer(w, 1000);
    user_send(w, 500);
    sends(w, "P. seq=1 ack=1001 len=500 win=0");
    peer(w, ". seq=1001 ack=501");
    assert_int_equal(status_of(w).send_queue_bytes, 0);
    peer(w, ". seq=1001 ack=501 len=100"); /* data does not */
    sends(w, ". seq=501 ack=1001 win=0");
    assert_int_equal(status_of(w).receive_queue_bytes, 1000);
}

/* EVENT WRITABLE is the flow control of hf_send: room again after there was none (stack.h). */
static void send_buffer_fills(void **state)
{
    struct world *w = *state;
    uint8_t bytes[5000] = {0};

    w->config.send_buffer_bytes = 3000;
    world_restart(w);
    establish_passive(w, 65535, "mss=1000");
    user_send(w, 3000);
    sends_segments(w, 1, 1000, 3);
    assert_int_equal(status_of(w).send_room_bytes, 0);
    assert_int_equal(hf_send(w->stack, w->flow->connection, bytes, 10, 0, w->now), HF_EAGAIN);
    no_event(w, HF_EVENT_WRITABLE);
    peer(w, ". seq=1 ack=3001");
    event(w, HF_EVENT_WRITABLE, HF_OK);
    no_event(w, HF_EVENT_WRITABLE);
    assert_int_equal(status_of(w).send_room_bytes, 3000);
    user_send(w, 1000);
    sends(w, "P. seq=3001 ack=1 len=1000");
    peer(w, ". seq=1 ack=4001");
    no_event(w, HF_EVENT_WRITABLE); /* it never had none */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(zero_window_probes),
        BOTH(zero_window_without_data),
        BOTH(zero_window_repeated),
        BOTH(zero_window_reopens),
        BOTH(zero_window_no_answer),
        BOTH(zero_window_user_timeout),
        BOTH(zero_window_fin),
        BOTH(window_cuts_segment),
        BOTH(silly_window_held),
        BOTH(silly_window_half),
        BOTH(silly_window_receiver),
        BOTH(silly_window_receiver_tiny),
        BOTH(acks_do_not_creep),
        BOTH(right_edge_bytes),
        BOTH(right_edge_odd),
        BOTH(right_edge_large_shift),
        BOTH(smaller_buffer_keeps_promise),
        BOTH(acks_pass_shut_window),
        BOTH(send_buffer_fills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
