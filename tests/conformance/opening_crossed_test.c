/* SPDX-License-Identifier: MIT
 *
 * Both sides open at once (RFC 9293 3.5 figure 7), and one side opens what the other still has, or
 * has lost (3.5.1 figures 8 to 11).
 */
#include "harness.h"

static void cross_syns(struct world *w, const char *options)
{
    user_connect(w);
    sends(w, "S seq=0");
    peer(w, "S seq=0 win=1000 %s", options);
    sends(w, "S. seq=0 ack=1 mss=%u", own_mss(w));
    in_state(w, HF_SYN_RECEIVED);
    no_event(w, HF_EVENT_CONNECTED);
}

/* simopen-basic: a SYN in SYN-SENT is answered with our own SYN again, now a SYN-ACK of the same
 * ISS (3.10.7.3 fourth, MUST-10); the peer's SYN-ACK then establishes and is acknowledged.
 * Holds: MUST-10 */
static void simultaneous_open(void **state)
{
    struct world *w = *state;

    cross_syns(w, "mss=1000");
    peer(w, "S. seq=0 ack=1 win=1000 mss=1000");
    sends(w, ". seq=1 ack=1");
    event(w, HF_EVENT_CONNECTED, HF_OK);
    in_state(w, HF_ESTABLISHED);
    silent_for(w, 100 * HF_SECOND);
    user_send(w, 10);
    sends(w, "P. seq=1 ack=1 len=10");
    peer(w, "P. seq=1 ack=11 len=10");
    sends(w, ". seq=11 ack=11");
    user_recv(w, 10);
}

/* simopen-crossed-ack: a plain ACK does as well (3.10.7.4 fifth). */
static void simultaneous_open_plain_ack(void **state)
{
    struct world *w = *state;

    cross_syns(w, "mss=1000");
    peer(w, ". seq=1 ack=1 win=1000");
    silent(w);
    event(w, HF_EVENT_CONNECTED, HF_OK);
    in_state(w, HF_ESTABLISHED);
    silent_for(w, 100 * HF_SECOND);
}

/* The first text does as well, and is not lost; nor is what our program sent early. */
static void simultaneous_open_with_data(void **state)
{
    struct world *w = *state;

    user_connect(w);
    sends(w, "S seq=0");
    user_send(w, 100);
    peer(w, "S seq=0 win=1000 mss=1000");
    sends(w, "S. seq=0 ack=1");
    peer(w, "P. seq=1 ack=1 win=1000 len=50");
    sends(w, "P. seq=1 ack=51 len=100");
    event(w, HF_EVENT_CONNECTED, HF_OK);
    user_recv(w, 50);
}

/* A lost SYN-ACK is sent again after the RTO, doubling, as any SYN (RFC 6298 5; MUST-22).
 * Holds: MUST-22 */
static void simultaneous_open_synack_lost(void **state)
{
    struct world *w = *state;

    cross_syns(w, "mss=1000");
    sends_after(w, HF_SECOND, "S. seq=0 ack=1 mss=%u", own_mss(w));
    sends_after(w, 2 * HF_SECOND, "S. seq=0 ack=1 mss=%u", own_mss(w));
    peer(w, "S seq=0 win=1000 mss=1000"); /* the peer's SYN again: unacceptable, so an ACK */
    sends(w, ". seq=1 ack=1");
    in_state(w, HF_SYN_RECEIVED);
    peer(w, "S. seq=0 ack=1 win=1000 mss=1000");
    sends(w, ". seq=1 ack=1");
    in_state(w, HF_ESTABLISHED);
}

/* simopen-options: what the peer's SYN lacks our SYN-ACK does not offer and nobody uses (RFC 7323
 * 2.2, 3.2; RFC 2018 2); the harness refuses timestamps from then on. */
static void simultaneous_open_without_options(void **state)
{
    struct world *w = *state;

    user_connect(w);
    sends(w, "S seq=0 ws sackok ts");
    peer(w, "S seq=0 win=1000 mss=1000");
    sends(w, "S. seq=0 ack=1 nows nosackok nots");
    peer(w, "S. seq=0 ack=1 win=1000 mss=1000");
    sends(w, ". seq=1 ack=1 nots");
    user_send(w, 10);
    sends(w, "P. seq=1 ack=1 len=10 nots");
    peer(w, ". seq=101 ack=11 len=10");
    sends(w, ". seq=11 ack=1 nots nosack");
}

/* With options on both SYNs they hold; and the window of a crossing SYN-ACK is not scaled either:
 * "the window field in a segment where the SYN bit is set MUST NOT be scaled" (RFC 7323 2.2). */
static void simultaneous_open_synack_window(void **state)
{
    struct world *w = *state;

    user_connect(w);
    sends(w, "S seq=0 ws sackok ts");
    user_send(w, 3000);
    peer(w, "S seq=0 win=500 mss=500 ws=2 ts=10 sackok");
    sends(w, "S. seq=0 ack=1 ws sackok ts ecr=10");
    peer(w, "S. seq=0 ack=1 win=500 mss=500 ws=2 ts=11 sackok");
    sends(w, ". seq=1 ack=1 len=488 ts ecr=11");
    silent(w);
    in_state(w, HF_ESTABLISHED);
    peer(w, ". seq=1 ack=489 win=244 ts=12"); /* 976 */
    sends(w, ". seq=489 ack=1 len=488");
    sends(w, ". seq=977 ack=1 len=488");
    silent(w);
}

/* hs-rst-active-synrcvd: RST for a connection that we opened actively: the program hears "refused"
 * (3.10.7.4 second, MUST-11).
 * Holds: MUST-11 */
static void simultaneous_open_refused(void **state)
{
    struct world *w = *state;

    cross_syns(w, "mss=1000");
    peer(w, "R seq=1");
    silent_for(w, 100 * HF_SECOND);
    event(w, HF_EVENT_ERROR, HF_ECONNREFUSED);
    in_state(w, HF_CLOSED);
    user_recv_error(w, HF_ECONNREFUSED);
}

/* hs-bad-ack-in-synrcvd on this path: RST with the segment's ACK, and the opening goes on. */
static void simultaneous_open_bad_ack(void **state)
{
    struct world *w = *state;

    cross_syns(w, "mss=1000");
    peer(w, ". seq=1 ack=2");
    sends(w, "R seq=2");
    peer(w, ". seq=1 ack=0");
    sends(w, "R seq=0");
    in_state(w, HF_SYN_RECEIVED);
    no_event(w, HF_EVENT_ERROR);
    peer(w, ". seq=1 ack=1");
    in_state(w, HF_ESTABLISHED);
}

/* SYN-RECEIVED gives up like SYN-SENT (MUST-23): no sooner than three minutes.
 * Holds: MUST-23 */
static void simultaneous_open_times_out(void **state)
{
    struct world *w = *state;
    hf_time start = w->now;

    cross_syns(w, "mss=1000");
    while (state_of(w) == HF_SYN_RECEIVED && w->now < start + 600 * HF_SECOND) {
        run_for(w, HF_SECOND, 1);
        if (waiting_packets(w) > 0) {
            sends(w, "S. seq=0 ack=1");
        }
    }
    assert_in_range(w->now - start, 180 * HF_SECOND, 599 * HF_SECOND);
    event(w, HF_EVENT_ERROR, HF_ETIMEDOUT);
    in_state(w, HF_CLOSED);
}

/* half-open-discover-send: the peer has lost everything; our data gets its RST with seq = our ack;
 * the program hears that the connection was reset (3.5.1 figure 10). */
static void half_open_found_by_sending(void **state)
{
    struct world *w = *state;

    establish_active(w, 1000, "mss=1000");
    user_send(w, 100);
    sends(w, "P. seq=1 ack=1 len=100");
    peer(w, "R seq=1");
    silent_for(w, 10 * HF_SECOND);
    event(w, HF_EVENT_ERROR, HF_ECONNRESET);
    in_state(w, HF_CLOSED);
    user_recv_error(w, HF_ECONNRESET);
}

/* half-open-discover-syn: the peer, having crashed, opens again with a SYN of an old number: it
 * gets an ACK of what we expect (RFC 5961 4.2); its RST closes our end; its next SYN is served
 * (3.5.1 figure 9). */
static void half_open_found_by_syn(void **state)
{
    struct world *w = *state;

    establish_passive(w, 1000, "mss=1000");
    peer(w, "P. seq=1 ack=1 len=100");
    sends(w, ". seq=1 ack=101");
    peer(w, "S seq=-300 win=1000 mss=1000");
    sends(w, ". seq=1 ack=101");
    peer(w, "R seq=101");
    silent(w);
    event(w, HF_EVENT_ERROR, HF_ECONNRESET);
    in_state(w, HF_CLOSED);
    new_incarnation(w, w->flow->peer_iss - 300);
    peer(w, "S seq=0 win=1000 mss=1000");
    sends(w, "S. seq=0 ack=1");
    peer(w, ". seq=1 ack=1");
    silent(w);
    in_state(w, HF_ESTABLISHED);
}

/* half-open-passive: text for a connection that does not exist: <SEQ=SEG.ACK><CTL=RST> (3.10.7.1,
 * figure 11). */
static void half_open_passive(void **state)
{
    struct world *w = *state;

    peer(w, "P. seq=#5000 ack=#123456 len=40");
    sends(w, "R seq=#123456");
    user_listen(w);
    peer(w, "P. seq=#5000 ack=#123456 len=40");
    sends(w, "R seq=#123456");
}

static void no_answer_between(struct world *w, struct hf_address source,
                              struct hf_address destination)
{
    struct hf_address stack_address = w->stack_address, peer_address = w->peer_address;

    w->peer_address = source;
    w->stack_address = destination;
    use_flow(w, 41000);
    new_incarnation(w, 0);
    peer(w, "S seq=0 mss=1000");
    peer(w, "P. seq=1 ack=#77 len=10");
    peer(w, "F. seq=1 ack=#77");
    w->peer_address = peer_address;
    w->stack_address = stack_address;
    silent_for(w, 3 * HF_SECOND);
    assert_int_equal(counters_of(w).syn_records, 0);
}

static struct hf_address address_of(const char *text)
{
    struct hf_address address;
    assert_int_equal(hf_address_parse(text, &address), HF_OK);
    return address;
}

/* syn-to-bcast, syn-from-bcast: what is addressed to many is no business of TCP (MUST-57), and
 * what claims to come from many is dropped (MUST-63): no SYN-ACK, and no RST either.
 * Holds: MUST-57, MUST-63 */
static void syn_to_or_from_many(void **state)
{
    struct world *w = *state;
    static const char *const many[2][4] = {
        {"224.0.0.1", "255.255.255.255", "239.255.255.250", "0.0.0.0"},
        {"ff02::1", "ff05::1:3", "ff0e::1", "::"}};

    user_listen(w);
    for (int i = 0; i < 4; i++) {
        struct hf_address address = address_of(many[w->family == HF_IPV6][i]);
        no_answer_between(w, address, w->stack_address);
        no_answer_between(w, w->peer_address, address);
    }
    /* And what is for another host is not for us. */
    no_answer_between(w, w->peer_address,
                      address_of(w->family == HF_IPV4 ? "10.0.0.77" : "fd00::77"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(simultaneous_open),
        BOTH(simultaneous_open_plain_ack),
        BOTH(simultaneous_open_with_data),
        BOTH(simultaneous_open_synack_lost),
        BOTH(simultaneous_open_without_options),
        BOTH(simultaneous_open_synack_window),
        BOTH(simultaneous_open_refused),
        BOTH(simultaneous_open_bad_ack),
        BOTH(simultaneous_open_times_out),
        BOTH(half_open_found_by_sending),
        BOTH(half_open_found_by_syn),
        BOTH(half_open_passive),
        BOTH(syn_to_or_from_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
