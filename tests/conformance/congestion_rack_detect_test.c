/* SPDX-License-Identifier: MIT
 *
 * What RACK takes as lost, and when to the nanosecond (RFC 8985 6.2), seen from the segments that
 * leave: the round trip is 100 ms, so a quarter of it, the reordering window, is 25 ms.
 */
#include "round_trip.h"

#define REO_WND (25 * MS)

/* `count` segments of 1000 leave now from `seq` on, and their round trip goes by. */
static void flight(struct world *w, unsigned seq, unsigned count)
{
    user_send(w, count * 1000);
    sends_segments(w, seq, 1000, count);
    silent_for(w, 100 * MS);
}

static void begin(struct world *w)
{
    establish_with_rtt(w, 100 * MS, 65535, "mss=1000 sackok ws=4");
}

/* Three SACKed above a hole are enough: reo_wnd is nothing (6.2 step 4, DupThresh).
 * Holds: RFC8985-6.2-a */
static void three_above(void **state)
{
    struct world *w = *state;

    begin(w);
    flight(w, 1, 10);
    peer(w, ". seq=1 ack=1 sack=1001-2001");
    silent(w);
    peer(w, ". seq=1 ack=1 sack=1001-3001");
    silent(w);
    peer(w, ". seq=1 ack=1 sack=1001-4001");
    sends(w, ". seq=1 ack=1 len=1000");
    silent(w);
    assert_int_equal(ssthresh_of(w), 5000);
    peer(w, ". seq=1 ack=10001");
    assert_int_equal(cwnd_of(w), 5000);
    assert_int_equal(status_of(w).retransmits, 1);
}

/* They count by segments, in one ACK or in many.
 * Holds: RFC8985-6.2-a */
static void three_in_one_ack(void **state)
{
    struct world *w = *state;

    begin(w);
    flight(w, 1, 10);
    peer(w, ". seq=1 ack=1 sack=4001-7001");
    /* Four are lost of ten, three in flight: PRR lets two go, up to ssthresh. */
    sends(w, ". seq=1 ack=1 len=1000");
    sends(w, ". seq=1001 ack=1 len=1000");
    silent(w);
    peer(w, ". seq=1 ack=10001");
    silent(w);
}

/* With one above, the hole may be only late: it has min_rtt/4, then the timer sends it.
 * Holds: RFC8985-6.2-b */
static void one_above(void **state)
{
    struct world *w = *state;

    begin(w);
    flight(w, 1, 10);
    peer(w, ". seq=1 ack=1 sack=1001-2001");
    sends_after(w, REO_WND, ". seq=1 ack=1 len=1000");
    silent(w);
    assert_int_equal(ssthresh_of(w), 5000);
    peer(w, ". seq=1 ack=10001");
    assert_int_equal(cwnd_of(w), 5000);
}

/* What was sent later than anything delivered is not judged. */
static void not_what_was_sent_later(void **state)
{
    struct world *w = *state;

    begin(w);
    user_send(w, 3000);
    sends_segments(w, 1, 1000, 3);
    silent_for(w, 60 * MS);
    user_send(w, 3000);
    sends_segments(w, 3001, 1000, 3);
    silent_for(w, 40 * MS);
    peer(w, ". seq=1 ack=1001 sack=2001-3001");
    sends_after(w, REO_WND, ". seq=1001 ack=1 len=1000");
    peer(w, ". seq=1 ack=3001");
    silent_for(w, 35 * MS);
    peer(w, ". seq=1 ack=6001");
    silent(w);
    assert_int_equal(status_of(w).retransmits, 1);
}

/* A hole closed within reo_wnd was reordering: nothing goes again, cwnd stays. From then on three
 * above are no proof any more: the window is waited for (step 4).
 * Holds: RFC8985-6.2-b */
static void reordering(void **state)
{
    struct world *w = *state;

    begin(w);
    flight(w, 1, 10);
    peer(w, ". seq=1 ack=1 sack=1001-2001");
    silent_for(w, REO_WND - 1);
    peer(w, ". seq=1 ack=2001");
    silent(w);
    peer(w, ". seq=1 ack=10001");
    assert_true(cwnd_of(w) >= 10000);
    assert_int_equal(status_of(w).retransmits, 0);
    flight(w, 10001, 10);
    peer(w, ". seq=1 ack=10001 sack=11001-16001");
    sends_after(w, REO_WND, ". seq=10001 ack=1 len=1000");
    silent(w);
    peer(w, ". seq=1 ack=20001");
}

/* ACKs were lost, so two blocks are new in one ACK, the newest first as RFC 2018 4 wants it: that
 * is no reordering, and the holes go at once. */
static void newest_block_first_is_no_reordering(void **state)
{
    struct world *w = *state;

    begin(w);
    flight(w, 1, 10);
    peer(w, ". seq=1 ack=1 sack=4001-5001,1001-3001");
    sends(w, ". seq=1 ack=1 len=1000");
    silent(w);
    peer(w, ". seq=1 ack=1 sack=4001-9001,1001-3001"); /* delivered enough for the second */
    sends(w, ". seq=3001 ack=1 len=1000");
    silent(w);
    peer(w, ". seq=1 ack=10001");
    /* Still believed to keep order: */
    flight(w, 10001, 5);
    peer(w, ". seq=1 ack=10001 sack=11001-14001");
    sends(w, ". seq=10001 ack=1 len=1000");
    peer(w, ". seq=1 ack=15001");
}

/* A flight of two with its first lost; the hole goes `after` the SACK. */
static void lossy_flight(struct world *w, unsigned seq, hf_time after, const char *dsack)
{
    flight(w, seq, 2);
    peer(w, ". seq=1 ack=%u sack=%u-%u", seq, seq + 1000, seq + 2000);
    sends_after(w, after, ". seq=%u ack=1 len=1000", seq);
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=%u%s", seq + 2000, dsack);
    silent(w);
}

/* Step 4: a round trip with a DSACK widens the window by a quarter of min_rtt; 16 recoveries
 * without one make it narrow again. The recovery that the DSACK itself ends is none of them.
 * Holds: RFC8985-6.2-c */
static void dsack_widens(void **state)
{
    struct world *w = *state;
    unsigned seq = 10001;

    begin(w);
    flight(w, 1, 10);
    peer(w, ". seq=1 ack=1 sack=1001-2001");
    peer(w, ". seq=1 ack=10001"); /* reordering was seen */
    lossy_flight(w, seq, REO_WND, "");
    seq += 2000;
    lossy_flight(w, seq, REO_WND, " sack=1-1001");
    seq += 2000;
    lossy_flight(w, seq, 2 * REO_WND, " sack=1-1001");
    for (unsigned i = 0; i < 16; i++) {
        seq += 2000;
        lossy_flight(w, seq, 3 * REO_WND, "");
    }
    seq += 2000;
    lossy_flight(w, seq, REO_WND, "");
}

/* Within one round trip (until what was SND.NXT then is acknowledged) a second DSACK adds nothing.
 */
static void one_widening_a_round(void **state)
{
    struct world *w = *state;

    begin(w);
    flight(w, 1, 10);
    peer(w, ". seq=1 ack=1 sack=1001-2001");
    peer(w, ". seq=1 ack=5001"); /* reordering */
    for (unsigned i = 0; i < 5; i++) {
        peer(w, ". seq=1 ack=5001 sack=%u-%u", 1 + i * 1000, 1001 + i * 1000);
    }
    silent(w);
    peer(w, ". seq=1 ack=10001");
    lossy_flight(w, 10001, 2 * REO_WND, "");
}

/* However many DSACKs: never wider than the smoothed round trip.
 * Holds: RFC8985-6.2-d */
static void never_wider_than_srtt(void **state)
{
    struct world *w = *state;
    unsigned seq = 10001;

    begin(w);
    flight(w, 1, 10);
    peer(w, ". seq=1 ack=1 sack=1001-2001");
    peer(w, ". seq=1 ack=10001");
    for (unsigned i = 0; i < 300; i++, seq += 1000) {
        user_send(w, 1000);
        sends(w, "P. seq=%u ack=1 len=1000", seq);
        silent_for(w, 100 * MS);
        peer(w, ". seq=1 ack=%u sack=%u-%u", seq + 1000, seq, seq + 1000);
    }
    assert_int_equal(status_of(w).numbers.srtt_ns, 100 * MS);
    flight(w, seq, 5);
    peer(w, ". seq=1 ack=%u sack=%u-%u", seq, seq + 1000, seq + 5000);
    sends_after(w, 100 * MS, ". seq=%u ack=1 len=1000", seq);
    peer(w, ". seq=1 ack=%u", seq + 5000);
}

/* A first block that is no possible duplicate's widens nothing. */
static void impossible_dsack(void **state)
{
    struct world *w = *state;

    begin(w);
    flight(w, 1, 10);
    peer(w, ". seq=1 ack=1 sack=1001-2001");
    peer(w, ". seq=1 ack=10001");
    peer(w, ". seq=1 ack=10001 sack=2001-1001");
    peer(w, ". seq=1 ack=10001 sack=9001-20001");
    peer(w, ". seq=1 ack=10001 sack=5001-5001");
    lossy_flight(w, 10001, REO_WND, "");
}

/* The repetition is lost as well: what was sent at the same time or later is delivered, so RACK
 * knows a round trip after it left, long before the retransmission timer.
 * Holds: RFC8985-6.2-e */
static void lost_retransmission(void **state)
{
    struct world *w = *state;
    unsigned edge;

    begin(w);
    user_send(w, 30000);
    sends_segments(w, 1, 1000, 10);
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=1 sack=1001-4001");
    sends(w, ". seq=1 ack=1 len=1000");
    sends(w, ". seq=10001 ack=1 len=1000");
    silent(w);
    for (unsigned end = 5001; end <= 8001; end += 1000) {
        peer(w, ". seq=1 ack=1 sack=1001-%u", end);
        while (waiting_packets(w) > 0) { /* as PRR has it */
            assert_true(next_packet(w)->segment.seq - w->flow->stack_iss >= 10001);
        }
    }
    peer(w, ". seq=1 ack=1 sack=1001-10001");
    while (next_packet(w) != NULL) {
    }
    edge = status_of(w).numbers.snd_nxt - w->flow->stack_iss;
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=1 sack=1001-11001");
    sends(w, ". seq=1 ack=1 len=1000");
    while (next_packet(w) != NULL) {
    }
    assert_int_equal(ssthresh_of(w), 5000); /* one reduction, and no timeout */
    peer(w, ". seq=1 ack=1 sack=1001-%u", edge);
    while (next_packet(w) != NULL) {
    }
    /* The second repetition has an RTO of its own: the first one's would be over. */
    silent_for(w, 250 * MS);
    peer(w, ". seq=1 ack=%u", status_of(w).numbers.snd_nxt - w->flow->stack_iss);
    assert_int_equal(status_of(w).retransmits, 2);
    while (next_packet(w) != NULL) {
    }
}

/* RFC 2018 3, RFC 9293 3.4: what was never sent, is acknowledged or is no block at all is not
 * looked at; nor a part of a segment. */
static void impossible_blocks(void **state)
{
    static const char *const blocks[] = {
        "2001-1001",             /* nothing */
        "5001-5001",             /* empty */
        "1001-10002",            /* beyond SND.NXT */
        "10001-11001",           /* wholly beyond it */
        "2147483648-2147484648", /* half the world away */
        "4294960000-1001",       /* from below the ISS: a duplicate's, at the most */
        "1002-2001",             /* not a whole segment */
        "1001-2000",
    };
    struct world *w = *state;

    begin(w);
    flight(w, 1, 10);
    for (unsigned i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        peer(w, ". seq=1 ack=1 sack=%s", blocks[i]);
        assert_int_equal(status_of(w).sacked_segments, 0);
        assert_int_equal(status_of(w).segments_in_flight, 10);
        peer(w, ". seq=1 ack=1 sack=%s,%s,%s", blocks[i], blocks[i], blocks[i]);
        silent(w);
    }
    peer(w, ". seq=1 ack=1 sack=2001-1001,1001-2001,10001-30001"); /* a good one among them */
    assert_int_equal(status_of(w).sacked_segments, 1);
    peer(w, ". seq=1 ack=10001");
    silent(w);
    assert_int_equal(status_of(w).retransmits, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(three_above),
        BOTH(three_in_one_ack),
        BOTH(one_above),
        BOTH(not_what_was_sent_later),
        BOTH(reordering),
        BOTH(newest_block_first_is_no_reordering),
        BOTH(dsack_widens),
        BOTH(one_widening_a_round),
        BOTH(never_wider_than_srtt),
        BOTH(impossible_dsack),
        BOTH(lost_retransmission),
        BOTH(impossible_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
