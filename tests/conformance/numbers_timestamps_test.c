/* SPDX-License-Identifier: MIT
 *
 * RFC 7323: window scale, timestamps, and PAWS.
 */
#include "round_trip.h"

/* ws-negotiate: our SYN offers a shift that lets its 16 bits cover the buffer; it is in use only if
 * the SYN-ACK has one, too (RFC 7323 2.2), and the windows of the SYNs themselves are not scaled.
 * Holds: RFC7323-2.2-a, RFC7323-2.2-b */
static void scale_needs_both(void **state)
{
    struct world *w = *state;

    user_connect(w);
    sends(w, "S seq=0 ws=5 win=65535"); /* 1 MiB needs a shift of 5 */
    peer(w, "S. seq=0 ack=1 win=3000 mss=1000");
    sends(w, ". seq=1 ack=1");
    assert_int_equal(status_of(w).window_scaling, 0);
    user_send(w, 10000);
    sends_segments(w, 1, 1000, 3); /* 3000 it is */
    peer(w, ". seq=1 ack=3001 win=2000");
    sends_segments(w, 3001, 1000, 2); /* and later windows as they stand */
    peer(w, ". seq=1 ack=5001 win=65535");
    while (next_packet(w) != NULL) {
    }
    assert_true(status_of(w).numbers.rcv_wnd <= 65535);
}

/* Holds: , RFC7323-2.2-a */
static void scale_in_use(void **state)
{
    struct world *w = *state;

    user_connect(w);
    sends(w, "S seq=0 ws=5 win=65535");
    peer(w, "S. seq=0 ack=1 win=2000 mss=1000 ws=3"); /* 2000, not 16000 */
    sends(w, ". seq=1 ack=1");
    assert_int_equal(status_of(w).window_scaling, 1);
    user_send(w, 30000);
    sends_segments(w, 1, 1000, 2);
    peer(w, ". seq=1 ack=2001 win=500"); /* 4000 */
    sends_segments(w, 2001, 1000, 4);
    peer(w, ". seq=1 ack=6001 win=65535");
    while (next_packet(w) != NULL) {
    }
}

/* The same on the passive side: the SYN's own window is what it says. */
static void scale_passive(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "S seq=0 win=2000 mss=1000 ws=3");
    sends(w, "S. seq=0 ack=1 ws=5 win=65535");
    peer(w, ". seq=1 ack=1 win=500");
    user_accept(w);
    user_send(w, 30000);
    sends_segments(w, 1, 1000, 4);
    peer(w, ". seq=1 ack=4001 win=65535");
    while (next_packet(w) != NULL) {
    }
}

/* A SYN without the option gets a SYN-ACK without it, and no scaling.
 * Holds: RFC7323-2.2-a */
static void scale_not_offered(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "S seq=0 win=2000 mss=1000");
    sends(w, "S. seq=0 ack=1 nows nots nosackok");
    peer(w, ". seq=1 ack=1 win=1000");
    user_accept(w);
    user_send(w, 30000);
    sends_segments(w, 1, 1000, 1);
    peer(w, ". seq=1 ack=1001 win=65535");
    while (next_packet(w) != NULL) {
    }
}

/* Switched off in the configuration: not offered, and not taken when the peer offers (RFC 7323 2.2:
 * a SYN-ACK may only answer an option of the SYN). */
static void options_switched_off(void **state)
{
    struct world *w = *state;

    w->config.window_scaling = 0;
    w->config.timestamps = 0;
    w->config.sack = 0;
    world_restart(w);
    user_connect(w);
    sends(w, "S seq=0 nows nots nosackok mss");
    peer(w, "S. seq=0 ack=1 win=1000 mss=1000 ws=7 sackok ts=5 ecr=0");
    sends(w, ". seq=1 ack=1 nots");
    user_send(w, 5000);
    sends_segments(w, 1, 1000, 1);
    peer(w, ". seq=1 ack=1001 win=1000");
    sends_segments(w, 1001, 1000, 1);
    peer(w, ". seq=1 ack=2001 win=65535");
    while (next_packet(w) != NULL) {
    }
    use_flow(w, 41000);
    user_listen(w);
    peer(w, "S seq=0 mss=1000 ws=7 sackok ts=5");
    sends(w, "S. seq=0 ack=1 nows nots nosackok mss");
    peer(w, "R seq=1");
}

/* RFC 7323 2.3: a shift above 14 is used as 14.
 * Holds: RFC7323-2.3-a */
static void scale_above_14(void **state)
{
    struct world *w = *state;

    establish_passive(w, 1, "mss=1000 ws=15");
    assert_int_equal(status_of(w).numbers.snd_wnd, 1 << 14);
    user_send(w, 9000);
    sends_segments(w, 1, 1000, 9);
    peer(w, ". seq=1 ack=9001 win=1");
    world_restart(w);
    establish_active(w, 1, "mss=1000 ws=15");
    assert_int_equal(status_of(w).numbers.snd_wnd, 1 << 14);
}

/* Simultaneous open: the crossing SYN-ACK is a SYN, so its window is not scaled either.
 * Holds: RFC7323-2.2-b */
static void scale_crossing_syn_ack(void **state)
{
    struct world *w = *state;

    user_connect(w);
    sends(w, "S seq=0 ws");
    peer(w, "S seq=0 win=1000 mss=1000 ws=7");
    sends(w, "S. seq=0 ack=1 ws");
    peer(w, "S. seq=0 ack=1 win=1000 mss=1000 ws=7");
    in_state(w, HF_ESTABLISHED);
    while (next_packet(w) != NULL) {
    }
    assert_int_equal(status_of(w).numbers.snd_wnd, 1000);
    user_send(w, 5000);
    sends_segments(w, 1, 1000, 1);
    peer(w, ". seq=1 ack=1001 win=100");
    while (next_packet(w) != NULL) {
    }
}

/* ts-negotiate: once both SYNs had timestamps, every segment but RST has them (RFC 7323 3.2; the
 * bench checks each), and TSecr is what the peer sent last in order.
 * Holds: RFC7323-3.2-a */
static void timestamps_in_all(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000 ts=1000");
    assert_int_equal(status_of(w).timestamps, 1);
    assert_int_equal(status_of(w).mss_bytes, 988); /* RFC 6691: the option's room is taken off */
    user_send(w, 988);
    sends(w, "P. seq=1 ack=1 len=988 ts ecr=1000");
    peer(w, ". seq=1 ack=989 ts=2000");
    user_send(w, 1);
    sends(w, "P. seq=989 ack=1 len=1 ts ecr=2000");
    peer(w, ". seq=1 ack=990 ts=2001");
    user_abort(w);
    sends(w, "R. seq=990 ack=1 nots");
}

/* RFC 7323 5.4: our clock ticks between once a second and once a millisecond, and never back (the
 * bench checks that), also from one connection to the next between the same endpoints.
 * Holds: RFC7323-5.4-a */
static void timestamp_clock(void **state)
{
    struct world *w = *state;
    const struct captured *captured;
    uint32_t first;

    establish_passive(w, 65535, "mss=1000 ts=1000");
    user_send(w, 1);
    captured = sends(w, "P. seq=1 ack=1 len=1 ts");
    first = captured->segment.ts_value;
    peer(w, ". seq=1 ack=2 ts=1001");
    silent_for(w, 100 * HF_SECOND);
    user_send(w, 1);
    captured = sends(w, "P. seq=2 ack=1 len=1 ts");
    assert_in_range(captured->segment.ts_value - first, 100, 100000);
    peer(w, ". seq=1 ack=3 ts=1002");
}

/* RFC 7323 5.4, 7: the clock's offset is another for every pair of endpoints, so that it does not
 * tell how long the host has run.
 * Holds: RFC7323-5.4-b */
static void timestamp_offsets_differ(void **state)
{
    struct world *w = *state;
    uint32_t values[8];

    user_listen(w);
    for (unsigned i = 0; i < 8; i++) {
        use_flow(w, (uint16_t)(41000 + i));
        peer(w, "S seq=0 mss=1000 ts=1000");
        values[i] = sends(w, "S. seq=0 ack=1 ts ecr=1000")->segment.ts_value;
        peer(w, "R seq=1");
        for (unsigned j = 0; j < i; j++) {
            assert_true(values[i] - values[j] > 1000 && values[j] - values[i] > 1000);
        }
    }
}

/* paws-drop: a timestamp before TS.Recent marks an old duplicate: an ACK answers, the segment is
 * dropped (RFC 7323 5.3 R1). An equal or newer one is fine.
 * Holds: RFC7323-5.3-a */
static void paws_drops(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000 ts=1000");
    peer(w, ". seq=1 ack=1 len=10 ts=2000");
    sends_between(w, 0, HF_SECOND, ". seq=1 ack=11 ts ecr=2000");
    peer(w, ". seq=11 ack=1 len=10 ts=1999");
    assert_int_equal(w->reason, HF_REASON_PAWS);
    sends(w, ". seq=1 ack=11 ts ecr=2000");
    assert_int_equal(status_of(w).receive_queue_bytes, 10);
    peer(w, "F. seq=11 ack=1 ts=1999");
    sends(w, ". seq=1 ack=11 ts ecr=2000");
    in_state(w, HF_ESTABLISHED);
    peer(w, ". seq=11 ack=1 len=10 ts=2000");
    sends_between(w, 0, HF_SECOND, ". seq=1 ack=21 ts ecr=2000");
    assert_int_equal(status_of(w).receive_queue_bytes, 20);
}

/* PAWS compares in modulo 2^32 (RFC 7323 5.2): the clock may wrap.
 * Holds: RFC7323-5.2-b */
static void paws_wraps(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000 ts=4294967290");
    peer(w, ". seq=1 ack=1 len=10 ts=5");
    sends_between(w, 0, HF_SECOND, ". seq=1 ack=11 ts ecr=5");
    peer(w, ". seq=11 ack=1 len=10 ts=4294967295");
    assert_int_equal(w->reason, HF_REASON_PAWS);
    sends(w, ". seq=1 ack=11 ts ecr=5");
}

/* paws-rst-exempt: a RST is judged by its number alone (RFC 7323 5.2, RFC 5961 3.2).
 * Holds: RFC7323-5.2-a */
static void paws_spares_rst(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000 ts=1000");
    peer(w, "R. seq=1 ack=1 ts=1");
    event(w, HF_EVENT_ERROR, HF_ECONNRESET);
}

static void paws_spares_rst_without(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000 ts=1000");
    peer(w, "R seq=1");
    event(w, HF_EVENT_ERROR, HF_ECONNRESET);
}

/* paws-idle-24d: half of the 32 bits pass in 24.8 days at a tick a millisecond; after 24 days
 * without a segment TS.Recent says nothing any more (RFC 7323 5.5).
 * Holds: RFC7323-5.5-a */
static void paws_forgets(void **state)
{
    struct world *w = *state;
    const hf_time day = 86400 * HF_SECOND;

    establish_passive(w, 65535, "mss=1000 ts=1000");
    run_for(w, 23 * day, 0);
    peer(w, ". seq=1 ack=1 len=10 ts=999");
    assert_int_equal(w->reason, HF_REASON_PAWS);
    sends(w, ". seq=1 ack=1 ts ecr=1000");
    run_for(w, 2 * day, 0);
    peer(w, ". seq=1 ack=1 len=10 ts=999");
    sends_between(w, 0, HF_SECOND, ". seq=1 ack=11 ts ecr=999");
    assert_int_equal(status_of(w).receive_queue_bytes, 10);
}

/* RFC 7323 5.3 R1 while the opening is not complete: an old ACK with the right number does not make
 * a connection. */
static void paws_in_syn_received(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "S seq=0 mss=1000 ts=1000");
    sends(w, "S. seq=0 ack=1 ts ecr=1000");
    peer(w, ". seq=1 ack=1 ts=999");
    sends(w, ". seq=1 ack=1 ts ecr=1000");
    no_event(w, HF_EVENT_ACCEPTABLE);
    in_state(w, HF_SYN_RECEIVED);
    peer(w, ". seq=1 ack=1 ts=1001");
    event(w, HF_EVENT_ACCEPTABLE, HF_OK);
    in_state(w, HF_ESTABLISHED);
    user_accept(w);
}

/* ts-recent-update: only a segment that begins at or before Last.ACK.sent moves TS.Recent, so that
 * one above a hole does not (RFC 7323 4.3 (2)).
 * Holds: RFC7323-4.3-a */
static void ts_recent_above_hole(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000 ts=1000");
    peer(w, ". seq=101 ack=1 len=100 ts=1010");
    sends(w, ". seq=1 ack=1 ts ecr=1000");
    peer(w, ". seq=201 ack=1 len=100 ts=1020");
    sends(w, ". seq=1 ack=1 ts ecr=1000");
    peer(w, ". seq=1 ack=1 len=100 ts=1030"); /* RFC 7323 4.3 (C): the filler's is echoed */
    sends(w, ". seq=1 ack=301 ts ecr=1030");
}

/* ts-echo-delack: a delayed ACK echoes the earliest segment that it acknowledges, so that the
 * sender's round trip includes the delay (RFC 7323 4.3 (A)).
 * Holds: RFC7323-4.3-b */
static void ts_echo_delayed(void **state)
{
    struct world *w = *state;
    unsigned seq = 1, stamp = 1000;

    establish_passive(w, 65535, "mss=1000 ts=1000");
    for (unsigned i = 0; i < 64; i++) { /* until ACKs are delayed */
        peer(w, ". seq=%u ack=1 len=10 ts=%u", seq, stamp += 10);
        seq += 10;
        if (waiting_packets(w) == 0) {
            break;
        }
        next_packet(w);
    }
    peer(w, ". seq=%u ack=1 len=10 ts=%u", seq, stamp + 5);
    sends_between(w, 0, 499 * MS, ". seq=1 ack=%u ts ecr=%u", seq + 10, stamp);
    /* A retransmission that begins where the last ACK stood, with new data behind: SEG.SEQ counts
     * as it came. */
    seq += 10;
    peer(w, ". seq=%u ack=1 len=10 ts=%u", seq, stamp + 20);
    silent(w);
    peer(w, ". seq=%u ack=1 len=20 ts=%u", seq, stamp + 30);
    sends_between(w, 0, 499 * MS, ". seq=1 ack=%u ts ecr=%u", seq + 20, stamp + 30);
}

/* A forged ACK number (RFC 5961 5.2 would challenge it) does not move TS.Recent. */
static void ts_recent_needs_good_ack(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000 ts=1000");
    peer(w, ". seq=1 ack=500 ts=900000");
    sends(w, ". seq=1 ack=1 ts ecr=1000");
    peer(w, ". seq=1 ack=1 len=10 ts=1001");
    sends_between(w, 0, HF_SECOND, ". seq=1 ack=11 ts ecr=1001");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(scale_needs_both),
        BOTH(scale_in_use),
        BOTH(scale_passive),
        BOTH(scale_not_offered),
        BOTH(options_switched_off),
        BOTH(scale_above_14),
        BOTH(scale_crossing_syn_ack),
        BOTH(timestamps_in_all),
        BOTH(timestamp_clock),
        BOTH(timestamp_offsets_differ),
        BOTH(paws_drops),
        BOTH(paws_wraps),
        BOTH(paws_spares_rst),
        BOTH(paws_spares_rst_without),
        BOTH(paws_forgets),
        BOTH(paws_in_syn_received),
        BOTH(ts_recent_above_hole),
        BOTH(ts_echo_delayed),
        BOTH(ts_recent_needs_good_ack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
