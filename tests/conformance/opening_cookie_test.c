/* SPDX-License-Identifier: MIT
 *
 * SYN cookies (RFC 4987 3.6): with the SYN cache full a SYN-ACK leaves and nothing is remembered,
 * and only the ACK of that very SYN-ACK opens a connection.
 */
#include "harness.h"

enum { FLOODERS = 4 };

/* A host whose SYN cache holds FLOODERS records, all taken by peers that never answer. */
static void flooded(struct world *w)
{
    w->config.max_syn_records = FLOODERS;
    world_restart(w);
    user_listen(w);
    for (unsigned i = 0; i < FLOODERS; i++) {
        use_flow(w, (uint16_t)(20000 + i));
        peer(w, "S seq=0 mss=1460");
        sends(w, "S. seq=0 ack=1");
    }
    assert_int_equal(counters_of(w).syn_records, FLOODERS);
    use_flow(w, PEER_PORT);
}

/* syncookie-accept: the right ACK opens, though nothing was kept of the SYN. */
static void cookie_accepted(void **state)
{
    struct world *w = *state;
    flooded(w);
    peer(w, "S seq=0 mss=1460 ws=7 sackok ts=100");
    sends(w, "S. seq=0 ack=1 ecr=100");
    assert_int_equal(counters_of(w).syn_records, FLOODERS);
    assert_int_equal(counters_of(w).connections, 0);
    peer(w, ". seq=1 ack=1 win=500 ts=110");
    silent(w);
    in_state(w, HF_ESTABLISHED);
    user_accept(w);
    peer(w, "P. seq=1 ack=1 len=10 win=500 ts=120");
    sends(w, ". seq=1 ack=11 ecr=120");
    user_recv(w, 10);
}

/* syncookie-opts: window scale and SACK live in the timestamp's low bits. 500 << 7 is a window of
 * 64000: more than one unscaled 500 would let us send. */
static void cookie_keeps_options(void **state)
{
    struct world *w = *state;
    struct hf_status status;
    flooded(w);
    peer(w, "S seq=0 mss=1000 ws=7 sackok ts=100");
    sends(w, "S. seq=0 ack=1");
    peer(w, ". seq=1 ack=1 win=500 ts=110");
    user_accept(w);
    status = status_of(w);
    assert_true(status.timestamps);
    assert_true(status.sack);
    assert_true(status.window_scaling);
    assert_int_equal(status.numbers.snd_wnd, 500 << 7);
    /* The MSS is one of eight, never above what the peer announced: 1000 becomes 536. */
    assert_int_equal(status.mss_bytes, 536 - 12);
}

/* Without timestamps there is no room for scale and SACK: neither is agreed. */
static void cookie_without_timestamps(void **state)
{
    struct world *w = *state;
    struct hf_status status;
    flooded(w);
    peer(w, "S seq=0 mss=1460 ws=7 sackok");
    sends(w, "S. seq=0 ack=1 nots nosack nows");
    peer(w, ". seq=1 ack=1 win=500");
    user_accept(w);
    status = status_of(w);
    assert_false(status.timestamps);
    assert_false(status.sack);
    assert_false(status.window_scaling);
    assert_int_equal(status.numbers.snd_wnd, 500);
}

/* The ACK may be lost: the first data opens, and is kept. */
static void cookie_with_data(void **state)
{
    struct world *w = *state;
    flooded(w);
    peer(w, "S seq=0 mss=1460");
    sends(w, "S. seq=0 ack=1");
    peer(w, "P. seq=1 ack=1 len=100");
    sends(w, ". seq=1 ack=101");
    user_accept(w);
    user_recv(w, 100);
}

/* syncookie-bad: a guessed ACK, and one with another sequence number, get RST and open nothing. */
static void cookie_forged(void **state)
{
    struct world *w = *state;
    flooded(w);
    peer(w, "S seq=0 mss=1460");
    sends(w, "S. seq=0 ack=1");
    peer(w, ". seq=1 ack=2");
    sends(w, "R seq=2");
    peer(w, ". seq=2 ack=1");
    sends(w, "R seq=1");
    assert_int_equal(counters_of(w).connections, 0);
    /* The true one is still good. */
    peer(w, ". seq=1 ack=1");
    silent(w);
    in_state(w, HF_ESTABLISHED);
}

/* A cookie is good for the tick it was made in (64 s) and the next, no longer. */
static void cookie_too_old(void **state)
{
    struct world *w = *state;
    flooded(w);
    peer(w, "S seq=0 mss=1460");
    sends(w, "S. seq=0 ack=1");
    /* The flooders' records retransmit meanwhile; that is not what this is about. */
    run_for(w, 130 * HF_SECOND, 0);
    while (next_packet(w) != NULL) {
    }
    peer(w, ". seq=1 ack=1");
    sends(w, "R seq=1");
    assert_int_equal(counters_of(w).connections, 0);
}

/* In quiet times nothing is guessed at: no cookie was sent, none is believed. */
static void no_cookie_when_quiet(void **state)
{
    struct world *w = *state;
    user_listen(w);
    for (uint32_t guess = 0; guess < 1000; guess++) {
        peer(w, ". seq=1 ack=#%u", guess * 4000037u);
        assert_int_equal(w->reason, HF_REASON_LISTEN_ACK);
        assert_non_null(next_packet(w));
    }
    assert_int_equal(counters_of(w).connections, 0);
}

/* Switched off, the oldest record makes room instead (RFC 4987 3.4). */
static void cookies_off(void **state)
{
    struct world *w = *state;
    w->config.syn_cookies = 0;
    flooded(w);
    peer(w, "S seq=0 mss=1460");
    sends(w, "S. seq=0 ack=1");
    assert_int_equal(counters_of(w).syn_records, FLOODERS);
    assert_int_equal(counters_of(w).syn_records_evicted, 1);
    in_state(w, HF_SYN_RECEIVED);
    use_flow(w, 20000);
    in_state(w, HF_CLOSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(cookie_accepted),      BOTH(cookie_keeps_options), BOTH(cookie_without_timestamps),
        BOTH(cookie_with_data),     BOTH(cookie_forged),        BOTH(cookie_too_old),
        BOTH(no_cookie_when_quiet), BOTH(cookies_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
