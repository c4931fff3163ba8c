/* SPDX-License-Identifier: MIT
 *
 * SACK and the retransmission timer: what goes again after it, a peer that goes back on its SACKs
 * (RFC 2018 8), and how often congestion is answered for.
 */
#include "round_trip.h"

static void first_flight(struct world *w, unsigned queue_bytes)
{
    establish_with_rtt(w, 100 * MS, 65535, "mss=1000 sackok ws=4");
    user_send(w, queue_bytes);
    sends_segments(w, 1, 1000, 10);
    silent_for(w, 100 * MS);
}

/* After the timeout all that is not SACKed goes again, in order and in slow start; what is SACKed
 * does not. */
static void all_but_the_sacked(void **state)
{
    struct world *w = *state;

    first_flight(w, 10000);
    peer(w, ". seq=1 ack=1 sack=3001-5001");
    sends_after(w, 25 * MS, ". seq=1 ack=1 len=1000"); /* RACK's timer */
    silent(w);
    sends_after(w, 300 * MS, ". seq=1 ack=1 len=1000"); /* the RTO of this repetition */
    silent(w);
    assert_int_equal(cwnd_of(w), 1000);
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=1001 sack=3001-5001");
    assert_int_equal(cwnd_of(w), 2000);
    sends_segments(w, 1001, 1000, 2);
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=2001 sack=3001-5001");
    assert_int_equal(cwnd_of(w), 3000);
    sends_segments(w, 5001, 1000, 2);
    peer(w, ". seq=1 ack=5001");
    while (waiting_packets(w) > 0) {
        assert_true(next_packet(w)->segment.seq - w->flow->stack_iss >= 7001);
    }
    peer(w, ". seq=1 ack=10001");
    silent_for(w, 10 * HF_SECOND);
}

/* RFC 2018 8: the very first is SACKed and yet not acknowledged, so the peer has thrown it away
 * again: after the timeout, which then comes in half a round trip (as in Linux), nothing it SACKed
 * is believed.
 * Holds: RFC2018-8-a, RFC2018-8-b */
static void reneging(void **state)
{
    struct world *w = *state;

    first_flight(w, 10000);
    peer(w, ". seq=1 ack=1 sack=1001-10001");
    sends(w, ". seq=1 ack=1 len=1000");
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=1001"); /* no more: the rest is gone */
    assert_int_equal(status_of(w).sacked_segments, 9);
    sends_after(w, 50 * MS, ". seq=1001 ack=1 len=1000");
    silent(w);
    assert_int_equal(status_of(w).sacked_segments, 0);
    for (unsigned ack = 2001; ack <= 10001; ack += 1000) {
        silent_for(w, 100 * MS);
        peer(w, ". seq=1 ack=%u", ack);
        while (waiting_packets(w) > 0) {
            assert_true(next_packet(w)->segment.seq - w->flow->stack_iss >= ack);
        }
    }
    assert_int_equal(status_of(w).retransmits, 1 + 9);
    silent_for(w, 10 * HF_SECOND);
}

/* A block from SND.UNA on says the same by itself. */
static void first_is_sacked(void **state)
{
    struct world *w = *state;

    first_flight(w, 10000);
    peer(w, ". seq=1 ack=1 sack=1-10001");
    assert_int_equal(status_of(w).sacked_segments, 10);
    sends_after(w, 200 * MS, ". seq=1 ack=1 len=1000");
    assert_int_equal(status_of(w).sacked_segments, 0);
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=10001");
    silent(w);
}

/* A peer that acknowledges a part of what it had SACKed: the record is cut, and after the timeout
 * the rest of it goes. */
static void part_of_a_sacked_segment(void **state)
{
    struct world *w = *state;

    first_flight(w, 10000);
    peer(w, ". seq=1 ack=1 sack=1001-10001");
    sends(w, ". seq=1 ack=1 len=1000");
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=1501 sack=2001-10001");
    assert_int_equal(status_of(w).sacked_segments, 9);
    assert_int_equal(status_of(w).segments_in_flight, 9);
    silent(w);
    sends_after(w, 50 * MS, ". seq=1501 ack=1 len=500");
    silent(w); /* half a segment leaves room in a window of one, but not for a whole */
    peer(w, ". seq=1 ack=10001");
    silent(w);
}

/* A part of what is not SACKed, too: the rest goes as it is, and later whole segments again. */
static void part_of_a_segment(void **state)
{
    struct world *w = *state;

    first_flight(w, 10000);
    peer(w, ". seq=1 ack=301 sack=1001-5001");
    sends(w, ". seq=301 ack=1 len=700");
    silent(w);
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=10001");
    silent(w);
    assert_int_equal(cwnd_of(w), 4850); /* half of the 9700 that were in flight */
}

/* Holes that show one after the other within one recovery are answered for once; a loss of what was
 * sent after it began, again (RFC 6675 5: RecoveryPoint). */
static void one_reduction_a_recovery(void **state)
{
    struct world *w = *state;
    unsigned edge;

    first_flight(w, 40000);
    peer(w, ". seq=1 ack=1 sack=1001-4001");
    sends(w, ". seq=1 ack=1 len=1000");
    sends(w, ". seq=10001 ack=1 len=1000");
    assert_int_equal(ssthresh_of(w), 5000);
    peer(w, ". seq=1 ack=1 sack=5001-7001,1001-4001"); /* 4001 is lost as well */
    while (next_packet(w) != NULL) {
    }
    peer(w, ". seq=1 ack=1 sack=8001-10001,5001-7001,1001-4001"); /* and 7001 */
    while (next_packet(w) != NULL) {
    }
    assert_int_equal(ssthresh_of(w), 5000);
    edge = status_of(w).numbers.snd_nxt - w->flow->stack_iss;
    assert_true(edge >= 12001);
    /* All that was repeated arrives; of the new ones, the first is lost. */
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=10001 sack=11001-%u", edge);
    while (next_packet(w) != NULL) {
    }
    assert_int_equal(ssthresh_of(w), 5000);
    /* Recovery is over, so RACK gives what only two overtook a quarter of the round trip. */
    sends_after(w, 25 * MS, ". seq=10001 ack=1 len=1000");
    assert_true(ssthresh_of(w) < 5000);
    while (next_packet(w) != NULL) {
    }
    peer(w, ". seq=1 ack=%u", status_of(w).numbers.snd_nxt - w->flow->stack_iss);
    while (next_packet(w) != NULL) {
    }
}

/* RFC 5681 3.2 step 2, RFC 6675 5 (4.2): the two segments that the first two SACKs let go are no
 * part of the flight that is halved. The ACK that ends recovery does not open the window. */
static void entry_and_exit(void **state)
{
    struct world *w = *state;

    first_flight(w, 60000);
    peer(w, ". seq=1 ack=1 sack=1001-2001");
    sends(w, ". seq=10001 ack=1 len=1000");
    peer(w, ". seq=1 ack=1 sack=1001-3001");
    sends(w, ". seq=11001 ack=1 len=1000");
    peer(w, ". seq=1 ack=1 sack=1001-4001");
    sends(w, ". seq=1 ack=1 len=1000");
    silent(w);
    assert_int_equal(ssthresh_of(w), 5000);
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=12001");
    assert_int_equal(cwnd_of(w), 5000);
    sends_segments(w, 12001, 1000, 5);
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=17001"); /* a whole window later it does */
    assert_int_equal(cwnd_of(w), 6000);
    while (next_packet(w) != NULL) {
    }
}

/* The window is shut while a hole is open: what was sent goes again, nothing new. */
static void window_shut_in_recovery(void **state)
{
    struct world *w = *state;

    first_flight(w, 30000);
    peer(w, ". seq=1 ack=1 sack=1001-4001 win=0");
    sends(w, ". seq=1 ack=1 len=1000");
    silent(w);
    peer(w, ". seq=1 ack=1 sack=1001-10001 win=0");
    silent(w);
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=10001 win=0");
    silent(w);
    sends_between(w, 200 * MS, HF_SECOND, ". seq=10000 ack=1"); /* a window probe */
    peer(w, ". seq=1 ack=10001 win=4000");
    sends_segments(w, 10001, 1000, 5);
    peer(w, ". seq=1 ack=15001 win=4000");
    while (next_packet(w) != NULL) {
    }
}

/* Data both ways: SACK blocks ride on the peer's data, and the repetition carries our ACK. */
static void sacks_on_data(void **state)
{
    struct world *w = *state;

    first_flight(w, 10000);
    peer(w, ". seq=1 ack=1 len=100 sack=1001-2001");
    sends(w, ". seq=10001 ack=101");
    peer(w, ". seq=101 ack=1 len=100 sack=1001-3001");
    sends(w, ". seq=10001 ack=201");
    peer(w, ". seq=201 ack=1 len=100 sack=1001-4001");
    sends(w, ". seq=1 ack=301 len=1000");
    silent(w);
    peer(w, ". seq=301 ack=10001 len=100");
    sends_between(w, 0, 500 * MS, ". seq=10001 ack=401");
}

/* The program has let go: recovery goes on for the orphan, FIN included. */
static void orphan_recovers(void **state)
{
    struct world *w = *state;

    first_flight(w, 10000);
    user_close(w);
    sends(w, "F. seq=10001 ack=1");
    peer(w, ". seq=1 ack=1 sack=3001-10002");
    for (unsigned seq = 1; seq <= 2001; seq += 1000) {
        sends(w, ". seq=%u ack=1 len=1000", seq);
    }
    silent(w);
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=10002");
    peer(w, "F. seq=1 ack=10002");
    sends(w, ". seq=10002 ack=2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(all_but_the_sacked), BOTH(reneging),
        BOTH(first_is_sacked),    BOTH(part_of_a_sacked_segment),
        BOTH(part_of_a_segment),  BOTH(one_reduction_a_recovery),
        BOTH(entry_and_exit),     BOTH(window_shut_in_recovery),
        BOTH(sacks_on_data),      BOTH(orphan_recovers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
