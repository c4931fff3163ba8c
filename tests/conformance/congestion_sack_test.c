/* SPDX-License-Identifier: MIT
 *
 * Generating selective acknowledgements: RFC 2018 3 and 4.
 */
#include "round_trip.h"

/* Without SACK-permitted on the SYN no ACK carries blocks (RFC 2018 2; the bench checks it, too).
 * Holds: RFC2018-3-a */
static void not_permitted(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    peer(w, ". seq=101 ack=1 len=100");
    sends(w, ". seq=1 ack=1 nosack");
}

/* sack-gen: the first block holds the segment that caused the ACK, and grows with its neighbours; a
 * second one repeats what was reported before, most recent first (RFC 2018 4 (a), (b)).
 * Holds: RFC2018-4-b, RFC2018-4-d */
static void newest_block_first(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000 sackok");
    peer(w, ". seq=101 ack=1 len=100");
    sends(w, ". seq=1 ack=1 sack=101-201");
    peer(w, ". seq=201 ack=1 len=100");
    sends(w, ". seq=1 ack=1 sack=101-301");
    peer(w, ". seq=501 ack=1 len=100");
    sends(w, ". seq=1 ack=1 sack=501-601,101-301");
    peer(w, ". seq=301 ack=1 len=50");
    sends(w, ". seq=1 ack=1 sack=101-351,501-601");
    peer(w, ". seq=801 ack=1 len=100");
    sends(w, ". seq=1 ack=1 sack=801-901,101-351,501-601");
    peer(w, ". seq=351 ack=1 len=150"); /* joins two */
    sends(w, ". seq=1 ack=1 sack=101-601,801-901");
    peer(w, ". seq=1 ack=1 len=100"); /* the hole */
    sends(w, ". seq=1 ack=601 sack=801-901");
    peer(w, ". seq=601 ack=1 len=200");
    sends(w, ". seq=1 ack=901 nosack");
}

/* Four blocks fit beside nothing, three beside timestamps (RFC 2018 3).
 * Holds: RFC2018-4-c */
static void as_many_as_fit(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000 sackok");
    for (unsigned i = 0; i < 6; i++) {
        peer(w, ". seq=%u ack=1 len=50", 101 + 100 * i);
        if (i < 5) {
            next_packet(w);
        }
    }
    sends(w, ". seq=1 ack=1 sack=601-651,501-551,401-451,301-351");
    peer(w, ". seq=101 ack=1 len=50"); /* again: it is the newest now */
    sends(w, ". seq=1 ack=1 sack=101-151,101-151,601-651,501-551"); /* and a duplicate (RFC 2883) */
}

/* Holds: RFC2018-4-c */
static void three_with_timestamps(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000 sackok ts=1000");
    for (unsigned i = 0; i < 6; i++) {
        peer(w, ". seq=%u ack=1 len=50 ts=%u", 101 + 100 * i, 1001 + i);
        if (i < 5) {
            next_packet(w);
        }
    }
    sends(w, ". seq=1 ack=1 sack=601-651,501-551,401-451 ts ecr=1000");
}

/* Blocks go on data segments, too, and take their room from the payload (RFC 2018 4: "all ACKs
 * which do not ACK the highest sequence number"; MUST-16).
 * Holds: MUST-16, RFC2018-4-a */
static void on_data_segments(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000 sackok ts=1000");
    peer(w, ". seq=101 ack=1 len=100 ts=1001");
    sends(w, ". seq=1 ack=1 sack=101-201");
    user_send(w, 2000);
    sends(w, ". seq=1 ack=1 len=976 sack=101-201"); /* 1000 - 12 - 12 */
    sends(w, ". seq=977 ack=1 len=976 sack=101-201");
    sends(w, "P. seq=1953 ack=1 len=48 sack=101-201");
    peer(w, ". seq=1 ack=2001 len=100 ts=1002");
    sends(w, ". seq=2001 ack=201 nosack");
}

/* A FIN above a hole is not text: it is remembered, not reported as more than it is, and taken when
 * the hole is filled. */
static void fin_above_a_hole(void **state)
{
    struct world *w = *state;
    const struct captured *captured;

    establish_passive(w, 65535, "mss=1000 sackok");
    peer(w, "F. seq=101 ack=1 len=100");
    captured = next_packet(w);
    assert_non_null(captured);
    assert_int_equal(captured->segment.ack - w->flow->peer_iss, 1);
    assert_int_equal(captured->segment.sack_count, 1);
    assert_int_equal(captured->segment.sack[0][0] - w->flow->peer_iss, 101);
    assert_in_range(captured->segment.sack[0][1] - w->flow->peer_iss, 201, 202);
    while (next_packet(w) != NULL) {
    }
    no_event(w, HF_EVENT_PEER_CLOSED);
    peer(w, ". seq=1 ack=1 len=100");
    sends(w, ". seq=1 ack=202 nosack");
    in_state(w, HF_CLOSE_WAIT);
    event(w, HF_EVENT_PEER_CLOSED, HF_OK);
    user_recv(w, 200);
    user_recv_error(w, 0);
}

/* RFC 2018 8: what was reported is kept; a great many holes are a limit, and beyond it segments are
 * dropped unreported, never dropped after a report. All arrives in the end. */
static void more_holes_than_are_kept(void **state)
{
    struct world *w = *state;
    uint32_t reported_end[1200] = {0};
    unsigned reported = 0;

    establish_passive(w, 65535, "mss=1000 sackok");
    for (unsigned i = 0; i < 1200; i++) {
        peer(w, ". seq=%u ack=1 len=1", 3 + 2 * i);
        w->event_count = 0;
        while (waiting_packets(w) > 0) {
            const struct segment *segment = &next_packet(w)->segment;
            if (segment->sack_count > 0 && segment->sack[0][0] - w->flow->peer_iss == 3 + 2 * i) {
                reported_end[reported++] = 3 + 2 * i;
            }
        }
    }
    assert_true(reported >= 100);
    assert_int_equal(status_of(w).out_of_order_bytes, reported);
    /* Fill the holes below the last reported one only: nothing reported may be missing. */
    for (unsigned i = 0; i < reported; i++) {
        if (i == 0) {
            peer(w, ". seq=1 ack=1 len=2");
        } else if (reported_end[i] == reported_end[i - 1] + 2) {
            peer(w, ". seq=%u ack=1 len=1", reported_end[i] - 1);
        }
        w->event_count = 0;
        while (next_packet(w) != NULL) {
        }
        if (i > 0 && reported_end[i] != reported_end[i - 1] + 2) {
            break;
        }
        assert_int_equal(status_of(w).numbers.rcv_nxt - w->flow->peer_iss, reported_end[i] + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(not_permitted),
        BOTH(newest_block_first),
        BOTH(as_many_as_fit),
        BOTH(three_with_timestamps),
        BOTH(on_data_segments),
        BOTH(fin_above_a_hole),
        BOTH(more_holes_than_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
