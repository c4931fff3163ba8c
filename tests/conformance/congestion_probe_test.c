/* SPDX-License-Identifier: MIT
 *
 * The tail loss probe (RFC 8985 7): when it goes, what it is, and what its acknowledgement says.
 * The round trip is 100 ms and the RTO 300 ms, so a probe is due after 202 ms.
 */
#include "round_trip.h"

#define PTO (202 * MS)
#define RTO (300 * MS)

static void begin(struct world *w)
{
    establish_with_rtt(w, 100 * MS, 65535, "mss=1000 sackok ws=4");
}

static void flight(struct world *w, unsigned seq, unsigned count)
{
    user_send(w, count * 1000);
    sends_segments(w, seq, 1000, count);
}

/* 7.2, 7.3: nothing new is there, so the last segment goes again, 2*SRTT + 2 ms after it left. The
 * retransmission timer begins anew behind it, and a second probe there is not.
 * Holds: RFC8985-7.2-a, RFC8985-7.3-a, RFC8985-7.3-b */
static void repeats_the_last_once(void **state)
{
    struct world *w = *state;

    begin(w);
    flight(w, 1, 4);
    sends_after(w, PTO, "P. seq=3001 ack=1 len=1000");
    silent(w);
    sends_after(w, RTO, ". seq=1 ack=1 len=1000");
    silent(w);
    peer(w, ". seq=1 ack=4001");
    silent_for(w, 10 * HF_SECOND);
}

/* Each new transmission and each ACK of new data puts it off (7.2). */
static void runs_from_the_last_news(void **state)
{
    struct world *w = *state;

    begin(w);
    flight(w, 1, 2);
    silent_for(w, 50 * MS);
    flight(w, 2001, 2);
    silent_for(w, 50 * MS);
    peer(w, ". seq=1 ack=1001");
    sends_after(w, PTO, "P. seq=3001 ack=1 len=1000");
    peer(w, ". seq=1 ack=4001");
    silent(w);
}

/* The peer's own data, ACKs without news and window updates do not: a busy peer must not keep the
 * probe away. */
static void not_put_off_by_the_peers_data(void **state)
{
    struct world *w = *state;

    begin(w);
    flight(w, 1, 4);
    for (unsigned i = 0; i < 4; i++) {
        silent_for(w, 50 * MS);
        peer(w, ". seq=%u ack=1 len=100 win=%u", 1 + 100 * i, 65535 - i);
        sends(w, ". seq=4001 ack=%u", 101 + 100 * i);
    }
    sends_after(w, 2 * MS, "P. seq=3001 ack=401 len=1000");
    peer(w, ". seq=401 ack=4001");
}

/* 7.2: a single segment may wait for the peer's delayed ACK, 200 ms more: here the RTO would be
 * first, and the probe goes then: PTO = TCP_RTO_expire() - Now().
 * Holds: RFC8985-7.2-a, RFC8985-7.2-b */
static void single_segment_waits_longer(void **state)
{
    struct world *w = *state;

    begin(w);
    flight(w, 1, 1);
    sends_after(w, RTO, "P. seq=1 ack=1 len=1000");
    assert_int_equal(cwnd_of(w), 10000); /* the probe in the timer's place */
    sends_after(w, RTO, "P. seq=1 ack=1 len=1000");
    assert_int_equal(cwnd_of(w), 1000);
    peer(w, ". seq=1 ack=1001");
    silent(w);
}

/* With 300 ms of round trip the first RTO is 900 ms, and the probe earlier: 600 + 200. */
static void single_segment_probe(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 300 * MS, 65535, "mss=1000 sackok ws=4");
    flight(w, 1, 1);
    sends_after(w, 800 * MS, "P. seq=1 ack=1 len=1000");
    assert_int_equal(cwnd_of(w), 10000);
    peer(w, ". seq=1 ack=1001");
    silent(w);
}

/* 7.3: what is new goes instead, one segment beyond cwnd.
 * Holds: RFC8985-7.3-a */
static void new_data_first(void **state)
{
    struct world *w = *state;

    begin(w);
    user_send(w, 12000);
    sends_segments(w, 1, 1000, 10);
    sends_after(w, PTO, ". seq=10001 ack=1 len=1000");
    silent(w);
    /* The probe is new: it is told apart by nothing, and costs nothing (7.4). */
    peer(w, ". seq=1 ack=11001");
    sends(w, "P. seq=11001 ack=1 len=1000");
    assert_true(cwnd_of(w) >= 10000);
    peer(w, ". seq=1 ack=12001");
    assert_int_equal(status_of(w).retransmits, 0);
}

/* ...if the peer's window takes it. */
static void new_data_beyond_the_window(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 4000, "mss=1000 sackok");
    user_send(w, 8000);
    sends_segments(w, 1, 1000, 4);
    sends_after(w, PTO, ". seq=3001 ack=1 len=1000");
    silent(w);
    peer(w, ". seq=1 ack=4001 win=4000");
    sends_segments(w, 4001, 1000, 4);
    peer(w, ". seq=1 ack=8001 win=4000");
}

/* 7.4: the last segment was lost and the probe replaced it, which only shows when an ACK goes
 * beyond the probe and nobody reported a duplicate: cwnd answers for the loss, once.
 * Holds: RFC8985-7.4-a */
static void mended_loss_costs(void **state)
{
    struct world *w = *state;

    begin(w);
    flight(w, 1, 10);
    sends_after(w, PTO, "P. seq=9001 ack=1 len=1000");
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=10001");
    silent(w);
    assert_true(cwnd_of(w) >= 10000);
    flight(w, 10001, 10);
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=11001"); /* 10 were in flight when it came */
    assert_int_equal(ssthresh_of(w), 5000);
    assert_int_equal(cwnd_of(w), 5000);
    peer(w, ". seq=1 ack=20001");
    assert_int_equal(ssthresh_of(w), 5000);
    assert_true(cwnd_of(w) >= 5000);
    assert_int_equal(status_of(w).retransmits, 1);
}

/* A probe for four in flight that were only late; `answer` is what the peer makes of it. */
static void spurious(struct world *w, const char *answer)
{
    begin(w);
    flight(w, 1, 4);
    sends_after(w, PTO, "P. seq=3001 ack=1 len=1000");
    peer(w, ". seq=1 ack=4001");
    peer(w, "%s", answer);
    silent(w);
    flight(w, 4001, 4);
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=8001");
}

/* 7.4: a DSACK that names it,
 * Holds: RFC8985-7.4-b */
static void spurious_by_dsack(void **state)
{
    spurious(*state, ". seq=1 ack=4001 sack=3001-4001");
    assert_true(cwnd_of(*state) >= 10000);
}

/* or a plain duplicate ACK, from a peer that knows no DSACK: the probe was not needed.
 * Holds: RFC8985-7.4-b */
static void spurious_by_duplicate(void **state)
{
    spurious(*state, ". seq=1 ack=4001");
    assert_true(cwnd_of(*state) >= 10000);
}

/* A window update is no duplicate ACK (RFC 5681 2), and a DSACK of something else says nothing of
 * the probe: the loss is answered for. */
static void window_update_is_no_excuse(void **state)
{
    spurious(*state, ". seq=1 ack=4001 win=60000");
    assert_int_equal(ssthresh_of(*state), 2000);
}

static void other_dsack_is_no_excuse(void **state)
{
    spurious(*state, ". seq=1 ack=4001 sack=1-1001");
    assert_int_equal(ssthresh_of(*state), 2000);
}

/* Several of the tail were lost: the probe's SACK tells, RACK mends all of them, and cwnd is
 * reduced once, not again for the probe. */
static void probe_starts_recovery(void **state)
{
    struct world *w = *state;

    begin(w);
    flight(w, 1, 10);
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=7001");
    sends_after(w, PTO, "P. seq=9001 ack=1 len=1000");
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=7001 sack=9001-10001");
    sends(w, ". seq=7001 ack=1 len=1000");
    assert_int_equal(ssthresh_of(w), 2000);
    while (next_packet(w) != NULL) {
    }
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=8001 sack=9001-10001");
    while (next_packet(w) != NULL) {
    }
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=10001");
    silent(w);
    assert_int_equal(status_of(w).retransmits, 3);
    assert_int_equal(cwnd_of(w), 2000);
    flight(w, 10001, 2);
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=12001");
    assert_true(cwnd_of(w) >= 2000);
}

/* 7.2: where something is SACKed, RACK is at work and no probe is due. */
static void none_with_sacks(void **state)
{
    struct world *w = *state;

    begin(w);
    flight(w, 1, 4);
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=1 sack=1001-2001");
    sends_after(w, 25 * MS, ". seq=1 ack=1 len=1000");
    sends_after(w, RTO, ". seq=1 ack=1 len=1000");
    peer(w, ". seq=1 ack=4001");
    silent_for(w, HF_SECOND);
}

/* Without SACK there is no probe. */
static void none_without_sack(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000 ws=4");
    flight(w, 1, 4);
    sends_after(w, RTO, ". seq=1 ack=1 len=1000");
    peer(w, ". seq=1 ack=4001");
}

/* The tail with the FIN is lost: the probe is the FIN, and its SACK brings the rest. */
static void fin_is_the_tail(void **state)
{
    struct world *w = *state;

    begin(w);
    flight(w, 1, 4);
    user_shutdown(w);
    sends(w, "F. seq=4001 ack=1");
    sends_after(w, PTO, "F. seq=4001 ack=1");
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=1001 sack=4001-4002");
    sends(w, ". seq=1001 ack=1 len=1000");
    while (next_packet(w) != NULL) {
    }
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=4002");
    in_state(w, HF_FIN_WAIT_2);
    silent(w);
}

/* The FIN alone: the timer that is first is the RTO. */
static void fin_alone(void **state)
{
    struct world *w = *state;

    begin(w);
    flight(w, 1, 4);
    user_shutdown(w);
    sends(w, "F. seq=4001 ack=1");
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=4001");
    sends_between(w, 200 * MS, RTO, "F. seq=4001 ack=1");
    peer(w, ". seq=1 ack=4002");
    in_state(w, HF_FIN_WAIT_2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(repeats_the_last_once),
        BOTH(runs_from_the_last_news),
        BOTH(not_put_off_by_the_peers_data),
        BOTH(single_segment_waits_longer),
        BOTH(single_segment_probe),
        BOTH(new_data_first),
        BOTH(new_data_beyond_the_window),
        BOTH(mended_loss_costs),
        BOTH(spurious_by_dsack),
        BOTH(spurious_by_duplicate),
        BOTH(window_update_is_no_excuse),
        BOTH(other_dsack_is_no_excuse),
        BOTH(probe_starts_recovery),
        BOTH(none_with_sacks),
        BOTH(none_without_sack),
        BOTH(fin_is_the_tail),
        BOTH(fin_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
