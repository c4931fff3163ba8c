/* SPDX-License-Identifier: MIT
 *
 * The rate at which segments leave, and the one at which they are known to arrive.
 */
#include "round_trip.h"

enum { RATE = 100000 };

/* SO_MAX_PACING_RATE (Linux's socket(7) has it): after the first ten segments no more leave than
 * the rate allows; they leave two at a time, so that a timer serves several. */
static void no_faster_than_asked(void **state)
{
    struct world *w = *state;
    hf_time start;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000 sackok");
    user_option(w, HF_OPTION_MAX_PACING_RATE, RATE);
    user_send(w, 10000);
    sends_segments(w, 1, 1000, 10);
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=10001");
    assert_int_equal(status_of(w).max_pacing_rate, RATE);
    assert_int_equal(status_of(w).pacing_rate, RATE);
    user_send(w, 12000); /* as much as cwnd lets go after one ACK */
    start = w->now;
    for (unsigned i = 0; i < 12; i += 2) {
        unsigned seq = 10001 + i * 1000;
        sends_at_line(w, __FILE__, __LINE__, start + i * 10 * MS - w->now,
                      start + i * 10 * MS - w->now, ". seq=%u ack=1 len=1000", seq);
        sends(w, "%s seq=%u ack=1 len=1000", i == 10 ? "P." : ".", seq + 1000);
    }
    assert_int_equal(counters_of(w).pacing_holds, 5);
    peer(w, ". seq=1 ack=22001");
    /* What was not used is not saved up: a quantum of two, then again the rate. */
    silent_for(w, HF_SECOND / 4);
    user_send(w, 4000);
    sends(w, ". seq=22001 ack=1 len=1000");
    sends(w, ". seq=23001 ack=1 len=1000");
    sends_after(w, 20 * MS, ". seq=24001 ack=1 len=1000");
    sends(w, "P. seq=25001 ack=1 len=1000");
    peer(w, ". seq=1 ack=26001");
}

/* What loss recovery sends again is not held back. */
static void repetitions_are_not_paced(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000 sackok");
    user_option(w, HF_OPTION_MAX_PACING_RATE, 1000); /* one a second */
    user_send(w, 10000);
    sends_segments(w, 1, 1000, 10);
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=1 sack=4001-10001");
    sends(w, ". seq=1 ack=1 len=1000");
    assert_true(waiting_packets(w) >= 1);
    sends(w, ". seq=1001 ack=1 len=1000");
    while (next_packet(w) != NULL) {
    }
    peer(w, ". seq=1 ack=10001");
}

/* Where nothing is paced the rate told is, as in Linux, what cwnd comes to: twice cwnd a round trip
 * in slow start, 1.2 times from half of ssthresh on. */
static void rate_told_of_window(void **state)
{
    struct world *w = *state;
    struct hf_status status;
    uint64_t expected;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000 sackok");
    assert_int_equal(status_of(w).pacing_rate, 2 * 10000 * 10);
    user_send(w, 10000);
    sends_segments(w, 1, 1000, 10);
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=1 sack=4001-10001");
    while (next_packet(w) != NULL) {
    }
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=10001");
    status = status_of(w);
    assert_true(status.numbers.cwnd_bytes >= status.numbers.ssthresh_bytes / 2);
    expected = (uint64_t)status.numbers.cwnd_bytes * 120 / 100 * HF_SECOND /
               (uint64_t)status.numbers.srtt_ns;
    assert_in_range(status.pacing_rate, expected * 99 / 100, expected * 101 / 100);
}

/* draft-cheng-iccrg-delivery-rate-estimation 3: what was delivered since a segment left, over the
 * time that it took; a sample that the program limited counts only if it is higher. */
static void rate_of_delivery(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000 sackok");
    user_send(w, 22000); /* so that there is always more to send */
    sends_segments(w, 1, 1000, 10);
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=10001"); /* 10000 in 100 ms */
    assert_int_equal(status_of(w).delivery_rate, 100000);
    sends_segments(w, 10001, 1000, 12);
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=16001"); /* 6000 in 100 ms */
    assert_int_equal(status_of(w).delivery_rate, 60000);
    silent_for(w, 25 * MS);
    peer(w, ". seq=1 ack=22001"); /* 12000 in 125 ms */
    assert_int_equal(status_of(w).delivery_rate, 96000);
    assert_int_equal(status_of(w).delivery_app_limited, 0);
    silent_for(w, 400 * MS);
    user_send(w, 1000);
    sends(w, "P. seq=22001 ack=1 len=1000");
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=23001"); /* 10000 a second, but that is the program's */
    assert_int_equal(status_of(w).delivery_rate, 96000);
}

/* draft-ietf-ccwg-bbr 5.6.4.6: in Startup cwnd grows by what each ACK delivers, and by no more:
 * what earlier ACKs delivered is not counted again. */
static void each_delivery_counts_once(void **state)
{
    struct world *w = *state;
    int bbr;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000 sackok");
    bbr = hf_congestion_control_find(w->stack, "bbr");
    assert_true(bbr >= 0);
    user_option(w, HF_OPTION_CONGESTION, bbr);
    user_send(w, 30000);
    sends_segments(w, 1, 1000, 10);
    silent_for(w, 100 * MS);
    for (unsigned i = 1; i <= 6; i++) {
        peer(w, ". seq=1 ack=%u", 1 + i * 1000);
        while (next_packet(w) != NULL) {
        }
        assert_int_equal(cwnd_of(w), 10000 + i * 1000);
        peer(w, ". seq=1 ack=%u", 1 + i * 1000); /* delivers nothing */
        while (next_packet(w) != NULL) {
        }
        assert_int_equal(cwnd_of(w), 10000 + i * 1000);
    }
}

/* The same where there is no SACK: one segment a round trip is timed. */
static void rate_without_sack(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000");
    assert_int_equal(status_of(w).delivery_rate, 0);
    user_send(w, 10000);
    sends_segments(w, 1, 1000, 10);
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=10001");
    assert_int_equal(status_of(w).delivery_rate, 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(no_faster_than_asked), BOTH(repetitions_are_not_paced),
        BOTH(rate_told_of_window),  BOTH(rate_of_delivery),
        BOTH(rate_without_sack),    BOTH(each_delivery_counts_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
