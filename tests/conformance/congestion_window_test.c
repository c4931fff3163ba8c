/* SPDX-License-Identifier: MIT
 *
 * The congestion window: RFC 5681, byte counting (RFC 3465), the initial window (RFC 6928), limited
 * transmit (RFC 3042) and NewReno's recovery (RFC 6582), seen from the segments that leave and from
 * the numbers of hf_status, both against numbers worked out here.
 */
#include "round_trip.h"

/* A conversation whose flights are full: mss 1000, a window that never binds. */
static void begin(struct world *w)
{
    establish_with_rtt(w, 100 * MS, 65535, "mss=1000 ws=4");
}

/* Sends 10 segments and loses none: cwnd is `10 + acks` segments afterwards. */
static void first_flight(struct world *w, unsigned queue_bytes)
{
    begin(w);
    user_send(w, queue_bytes);
    sends_segments(w, 1, 1000, 10);
}

/* iw: the first flight is min(10*MSS, max(2*MSS, 14600)) in whole segments (RFC 6928 2).
 * Holds: RFC6928-2-a */
static void initial_window(void **state)
{
    static const unsigned sizes[] = {536, 1000, 1460, 1960};
    struct world *w = *state;

    w->config.mtu = 2000;
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        unsigned mss = sizes[i], count = 0;
        unsigned limit = 2 * mss > 14600 ? 2 * mss : 14600;
        unsigned path = w->family == HF_IPV4 ? 2000 - 40 : 2000 - 60;
        hf_stack_free(w->stack);
        w->stack = hf_stack_new(&w->config);
        assert_non_null(w->stack);
        assert_int_equal(hf_stack_add_address(w->stack, &w->stack_address), HF_OK);
        w->listener = HF_NO_HANDLE;
        new_incarnation(w, 7777);
        user_listen(w);
        peer(w, "S seq=0 mss=%u", mss);
        mss = mss < path ? mss : path;
        limit = limit < 10 * mss ? limit : 10 * mss;
        sends(w, "S. seq=0 ack=1 mss=%u", path);
        silent_for(w, 100 * MS);
        peer(w, ". seq=1 ack=1");
        user_accept(w);
        assert_int_equal(cwnd_of(w), limit);
        user_send(w, 60000);
        while (waiting_packets(w) > 0) {
            assert_int_equal(next_packet(w)->segment.payload_bytes, mss);
            count++;
        }
        assert_int_equal(count, limit / mss);
    }
}

/* ss-ca-growth, slow start: an ACK of one segment opens the window by one, an ACK of more by as
 * many, and of a part of a segment by its bytes (RFC 3465 2.2, without a limit, as in Linux).
 * Holds: MUST-19, RFC5681-3.1-b */
static void slow_start_growth(void **state)
{
    struct world *w = *state;
    unsigned next = 10001;

    first_flight(w, 60000);
    assert_int_equal(cwnd_of(w), 10000);
    peer(w, ". seq=1 ack=1001 win=4000");
    assert_int_equal(cwnd_of(w), 11000);
    sends_segments(w, next, 1000, 2);
    next += 2000;
    peer(w, ". seq=1 ack=3001 win=4000");
    assert_int_equal(cwnd_of(w), 13000);
    sends_segments(w, next, 1000, 4);
    next += 4000;
    peer(w, ". seq=1 ack=7001 win=4000");
    assert_int_equal(cwnd_of(w), 17000);
    sends_segments(w, next, 1000, 8);
    next += 8000;
    peer(w, ". seq=1 ack=7101 win=4000");
    assert_int_equal(cwnd_of(w), 17100);
    assert_int_equal(next, 24001);
    silent(w); /* 100 freed and 100 grown make no segment */
    peer(w, ". seq=1 ack=8001 win=4000");
    assert_int_equal(cwnd_of(w), 18000);
    sends_segments(w, next, 1000, 2);
}

/* ss-ca-growth, congestion avoidance: one segment more for each window's worth of bytes
 * acknowledged, however they are cut into ACKs (RFC 5681 3.1, RFC 3465 2.1).
 * Holds: MUST-19 */
static void avoidance_growth(void **state)
{
    struct world *w = *state;
    unsigned una = 1, model = 5000, counted = 0;

    w->config.frto = 0; /* the timeout is only a way to a small ssthresh */
    world_restart(w);
    first_flight(w, 500000);
    sends_between(w, 0, HF_SECOND, ". seq=1 ack=1 len=1000");
    assert_int_equal(ssthresh_of(w), 5000);
    while (cwnd_of(w) < 5000 || una < 10001) {
        una += 1000;
        peer(w, ". seq=1 ack=%u win=4000", una);
        while (next_packet(w) != NULL) {
        }
    }
    model = cwnd_of(w);
    assert_in_range(model, 5000, 6000);
    /* Where the count stands is not to be seen: run to the next step, then compare. */
    while (cwnd_of(w) == model) {
        una += 1000;
        peer(w, ". seq=1 ack=%u win=4000", una);
        while (next_packet(w) != NULL) {
        }
    }
    model += 1000;
    for (unsigned i = 0; i < 120; i++) {
        unsigned acked = i % 3 == 2 ? 2000 : 1000;
        assert_int_equal(cwnd_of(w), model);
        una += acked;
        counted += acked;
        if (counted >= model) {
            counted -= model;
            model += 1000;
        }
        peer(w, ". seq=1 ack=%u win=4000", una);
        while (next_packet(w) != NULL) {
        }
    }
    assert_in_range(status_of(w).numbers.flight_bytes, cwnd_of(w) - 999, cwnd_of(w));
}

/* ss-ca-growth: a window that is not used says nothing of the path and does not grow (RFC 7661 1,
 * RFC 9438 4.3): the program sends one segment a round trip. */
static void application_limited(void **state)
{
    struct world *w = *state;
    unsigned una = 10001, cwnd;

    first_flight(w, 10000);
    peer(w, ". seq=1 ack=10001 win=4000");
    user_send(w, 1000);
    sends(w, "P. seq=%u ack=1 len=1000", una);
    peer(w, ". seq=1 ack=%u win=4000", una += 1000);
    cwnd = cwnd_of(w);
    for (unsigned i = 0; i < 30; i++) {
        user_send(w, 1000);
        sends(w, "P. seq=%u ack=1 len=1000", una);
        silent_for(w, 10 * MS);
        peer(w, ". seq=1 ack=%u win=4000", una += 1000);
        assert_true(cwnd_of(w) <= cwnd);
    }
    /* One RTO went by, in which no more than IW was needed: RFC 2861 3.2 takes half of the rest. */
    assert_int_equal(cwnd, 20000);
    assert_int_equal(cwnd_of(w), 15000);
}

/* idle-restart: after more than an RTO without sending, what was learnt of the path is old: the
 * next flight is no larger than the initial window (RFC 5681 4.1). Sooner, it stays.
 * Holds: RFC5681-4.1-a */
static void idle_restart(void **state)
{
    struct world *w = *state;

    first_flight(w, 10000);
    for (unsigned una = 1001; una <= 10001; una += 1000) {
        peer(w, ". seq=1 ack=%u win=4000", una);
    }
    assert_int_equal(cwnd_of(w), 20000);
    silent_for(w, 100 * MS); /* less than the RTO, which is at least 200 ms */
    user_send(w, 20000);
    sends_segments(w, 10001, 1000, 20);
    for (unsigned una = 11001; una <= 30001; una += 1000) {
        peer(w, ". seq=1 ack=%u win=4000", una);
    }
    assert_int_equal(cwnd_of(w), 40000);
    silent_for(w, 10 * HF_SECOND);
    user_send(w, 40000);
    sends_segments(w, 30001, 1000, 10);
    peer(w, ". seq=1 ack=32001 win=4000");
    sends_segments(w, 40001, 1000, 4);
}

/* limited-transmit: the first and the second duplicate ACK each let one new segment go, beyond cwnd
 * and without changing it (RFC 3042 2).
 * Holds: RFC3042-2-a, RFC3042-2-c */
static void limited_transmit(void **state)
{
    struct world *w = *state;

    first_flight(w, 60000);
    peer(w, ". seq=1 ack=1");
    sends(w, ". seq=10001 ack=1 len=1000");
    silent(w);
    peer(w, ". seq=1 ack=1");
    sends(w, ". seq=11001 ack=1 len=1000");
    silent(w);
    assert_int_equal(cwnd_of(w), 10000);
    peer(w, ". seq=1 ack=12001"); /* they were only late */
    assert_int_equal(cwnd_of(w), 22000);
    while (next_packet(w) != NULL) {
    }
}

/* Limited transmit stays inside the peer's window (RFC 3042 2, first condition).
 * Holds: RFC3042-2-b */
static void limited_transmit_in_window(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 4000, "mss=1000");
    user_send(w, 8000);
    sends_segments(w, 1, 1000, 4);
    peer(w, ". seq=1 ack=1 win=4000");
    silent(w);
    peer(w, ". seq=1 ack=1 win=4000");
    silent(w);
    peer(w, ". seq=1 ack=1 win=4000");
    sends(w, ". seq=1 ack=1 len=1000");
    silent(w);
    peer(w, ". seq=1 ack=4001 win=4000");
    while (next_packet(w) != NULL) {
    }
}

/* The third duplicate ACK with 10 segments out: `next` is what was new before it. */
static void three_duplicates(struct world *w)
{
    peer(w, ". seq=1 ack=1");
    sends(w, ". seq=10001 ack=1 len=1000");
    peer(w, ". seq=1 ack=1");
    sends(w, "%s seq=11001 ack=1 len=1000", w->flow->user_sent_bytes == 12000 ? "P." : ".");
    peer(w, ". seq=1 ack=1");
    sends(w, ". seq=1 ack=1 len=1000");
    silent(w);
}

/* fast-rexmt-3dup: the third duplicate ACK sends SND.UNA again. ssthresh is half of what was in
 * flight, and what limited transmit added does not count (RFC 5681 3.2 step 2, a MUST NOT). Ten
 * were out, five are to be: every second of the further duplicates lets a new segment leave, until
 * that is what is in flight; then each does (RFC 9937 6.2).
 * Holds: RFC5681-3.2-a, RFC5681-3.2-b, RFC9937-5-a */
static void fast_retransmit(void **state)
{
    struct world *w = *state;
    unsigned next = 12001;

    first_flight(w, 60000);
    three_duplicates(w);
    assert_int_equal(ssthresh_of(w), 5000);
    for (unsigned duplicate = 4; duplicate <= 11; duplicate++) {
        peer(w, ". seq=1 ack=1");
        /* 14 are out when the ninth makes that five: in proportion and beyond that, none is due. */
        if (duplicate == 5 || duplicate == 7 || duplicate >= 10) {
            sends(w, ". seq=%u ack=1 len=1000", next);
            next += 1000;
        }
        silent(w);
    }
    /* The ACK of all that was out when the loss was found: what is in flight, four segments, comes
     * up to ssthresh. */
    peer(w, ". seq=1 ack=12001");
    assert_int_equal(cwnd_of(w), 5000);
    sends(w, ". seq=16001 ack=1 len=1000");
    silent(w);
    peer(w, ". seq=1 ack=17001");
    while (next_packet(w) != NULL) {
    }
}

/* RFC 5681 2: not every repeated number is a duplicate ACK: not one that changes the window, not
 * one that carries data.
 * Holds: RFC5681-2-a */
static void what_is_no_duplicate(void **state)
{
    struct world *w = *state;

    first_flight(w, 10000);
    for (unsigned i = 0; i < 6; i++) {
        peer(w, ". seq=1 ack=1 win=%u", 60000 + i);
    }
    silent(w);
    for (unsigned i = 0; i < 4; i++) {
        peer(w, ". seq=%u ack=1 len=10 win=60005", 1 + 10 * i);
        while (waiting_packets(w) > 0) {
            assert_int_equal(next_packet(w)->segment.payload_bytes, 0);
        }
    }
    assert_int_equal(status_of(w).retransmits, 0);
    peer(w, ". seq=41 ack=10001 win=60005");
}

/* RFC 5681 3.2: three duplicate ACKs count "without any intervening ACKs which move SND.UNA"; one
 * that only moves the window does not start the count anew. */
static void window_update_between_duplicates(void **state)
{
    struct world *w = *state;

    first_flight(w, 10000);
    peer(w, ". seq=1 ack=1");
    peer(w, ". seq=1 ack=1");
    silent(w);
    peer(w, ". seq=1 ack=1 win=60000");
    silent(w);
    peer(w, ". seq=1 ack=1 win=60000");
    sends(w, ". seq=1 ack=1 len=1000");
    peer(w, ". seq=1 ack=10001 win=60000");
}

/* newreno-partial-ack: segments 1 and 4 were lost. The ACK that stops before the fourth resends it
 * at once; the full ACK ends recovery at ssthresh (RFC 6582 3.2 step 3).
 * Holds: RFC6582-3.2-c, RFC6582-3.2-d */
static void partial_acks(void **state)
{
    struct world *w = *state;

    first_flight(w, 12000);
    three_duplicates(w);
    for (unsigned i = 0; i < 7; i++) {
        peer(w, ". seq=1 ack=1");
    }
    silent(w); /* nothing new is there */
    silent_for(w, 50 * MS);
    peer(w, ". seq=1 ack=3001");
    sends(w, ". seq=3001 ack=1 len=1000");
    silent_for(w, 50 * MS);
    peer(w, ". seq=1 ack=12001");
    silent(w);
    assert_int_equal(cwnd_of(w), 5000);
    assert_int_equal(status_of(w).retransmits, 2);
}

/* A partial ACK of three segments, after duplicates that stood for eleven: one is delivered, the
 * hole. Ten have been then, as many as were out when recovery began: further duplicates let nothing
 * leave. Holds: RFC6582-3.2-d, RFC9937-5-b */
static void partial_ack_after_duplicates(void **state)
{
    struct world *w = *state;

    first_flight(w, 60000);
    three_duplicates(w);
    for (unsigned duplicate = 4; duplicate <= 11; duplicate++) {
        peer(w, ". seq=1 ack=1");
        while (next_packet(w) != NULL) {
        }
    }
    /* 13 are out, 11 - 3 + 1 of them gone, one lost: three in flight, and ssthresh is five. */
    assert_int_equal(status_of(w).numbers.flight_bytes, 16000);
    peer(w, ". seq=1 ack=3001");
    sends(w, ". seq=3001 ack=1 len=1000");
    sends(w, ". seq=16001 ack=1 len=1000");
    silent(w);
    for (unsigned i = 0; i < 4; i++) {
        peer(w, ". seq=1 ack=3001");
        silent(w);
    }
    peer(w, ". seq=1 ack=17001");
    while (next_packet(w) != NULL) {
    }
}

/* RFC 6582 3.2 step 2: only an ACK of more than `recover` lets recovery begin again; the duplicate
 * ACKs that the resent segments themselves cause come with exactly that number.
 * Holds: RFC6582-3.2-b */
static void no_second_fast_retransmit(void **state)
{
    struct world *w = *state;

    first_flight(w, 60000);
    three_duplicates(w);
    peer(w, ". seq=1 ack=12001"); /* recover: SND.NXT of then */
    while (next_packet(w) != NULL) {
    }
    assert_true(status_of(w).numbers.flight_bytes > 0);
    for (unsigned i = 0; i < 5; i++) {
        peer(w, ". seq=1 ack=12001");
        while (waiting_packets(w) > 0) {
            assert_true(next_packet(w)->segment.seq - w->flow->stack_iss != 12001);
        }
    }
    assert_int_equal(status_of(w).retransmits, 1);
    peer(w, ". seq=1 ack=13001");
    while (next_packet(w) != NULL) {
    }
    /* More than recover: this loss is a new one. */
    for (unsigned i = 0; i < 3; i++) {
        peer(w, ". seq=1 ack=13001");
        while (waiting_packets(w) > 0) {
            if (next_packet(w)->segment.seq - w->flow->stack_iss == 13001) {
                assert_int_equal(i, 2);
            }
        }
    }
    assert_int_equal(status_of(w).retransmits, 2);
}

/* RFC 6582 3.2 step 4: after a timeout `recover` is the highest number sent; duplicate ACKs for
 * what the timeout already resends do not start fast retransmit.
 * Holds: RFC6582-3.2-e */
static void no_fast_retransmit_after_timeout(void **state)
{
    struct world *w = *state;

    first_flight(w, 10000);
    sends_between(w, 0, HF_SECOND, ". seq=1 ack=1 len=1000");
    peer(w, ". seq=1 ack=1001");
    sends_segments(w, 1001, 1000, 2);
    for (unsigned i = 0; i < 5; i++) {
        peer(w, ". seq=1 ack=1001");
    }
    silent(w);
    assert_int_equal(ssthresh_of(w), 5000);
    peer(w, ". seq=1 ack=10001");
}

/* A first loss in the very first flight is recovered, too: `recover` begins at the ISS (RFC
 * 6582 3.2 step 1). On both sides of the opening.
 * Holds: RFC6582-3.2-a */
static void first_window_loss_active(void **state)
{
    struct world *w = *state;

    user_connect(w);
    sends(w, "S seq=0");
    silent_for(w, 50 * MS);
    peer(w, "S. seq=0 ack=1 mss=1000");
    sends(w, ". seq=1 ack=1");
    user_send(w, 10000);
    sends_segments(w, 1, 1000, 10);
    peer(w, ". seq=1 ack=1");
    peer(w, ". seq=1 ack=1");
    peer(w, ". seq=1 ack=1");
    sends(w, ". seq=1 ack=1 len=1000");
    peer(w, ". seq=1 ack=10001");
}

/* RFC 5681 4.3 (and 3.2): the lost retransmission: recovery's own segment is lost again; the timer
 * finds that, once, and the window is one segment. */
static void retransmission_lost(void **state)
{
    struct world *w = *state;

    first_flight(w, 12000);
    three_duplicates(w);
    for (unsigned i = 0; i < 8; i++) {
        peer(w, ". seq=1 ack=1");
    }
    sends_between(w, 0, 400 * MS, ". seq=1 ack=1 len=1000");
    silent(w);
    assert_int_equal(cwnd_of(w), 1000);
    peer(w, ". seq=1 ack=12001");
    silent_for(w, 60 * HF_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(initial_window),
        BOTH(slow_start_growth),
        BOTH(avoidance_growth),
        BOTH(application_limited),
        BOTH(idle_restart),
        BOTH(limited_transmit),
        BOTH(limited_transmit_in_window),
        BOTH(fast_retransmit),
        BOTH(what_is_no_duplicate),
        BOTH(window_update_between_duplicates),
        BOTH(partial_acks),
        BOTH(partial_ack_after_duplicates),
        BOTH(no_second_fast_retransmit),
        BOTH(no_fast_retransmit_after_timeout),
        BOTH(first_window_loss_active),
        BOTH(retransmission_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
