/* SPDX-License-Identifier: MIT
 *
 * Opening actively: what RFC 9293 3.5, 3.8.3, 3.9.1 and 3.10.7.3 ask of the side that sends the
 * first SYN.
 */
#include "harness.h"

/* hs-active: a SYN-ACK for our SYN is acknowledged with seq ISS+1 and ack IRS+1, and the
 * connection is established (RFC 9293 3.10.7.3, fourth check). */
static void hs_active(void **state)
{
    struct world *w = *state;

    user_connect(w);
    sends(w, "S seq=0 mss=%u ws sackok ts ecr=0", own_mss(w));
    in_state(w, HF_SYN_SENT);
    peer(w, "S. seq=0 ack=1 win=1000 mss=1000");
    sends(w, ". seq=1 ack=1 nots");
    event(w, HF_EVENT_CONNECTED, HF_OK);
    in_state(w, HF_ESTABLISHED);
    silent_for(w, 200 * HF_SECOND);
}

/* hs-active-data-on-ack: what the program sent before the SYN-ACK came goes with the third
 * segment or right after it; none of it is lost (3.10.2 SYN-SENT: queue the data for transmission
 * after entering ESTABLISHED). */
static void hs_active_data_on_ack(void **state)
{
    struct world *w = *state;

    user_connect(w);
    sends(w, "S seq=0");
    user_send(w, 100);
    silent(w);
    peer(w, "S. seq=0 ack=1 win=1000 mss=1000");
    sends(w, "P. seq=1 ack=1 len=100");
    in_state(w, HF_ESTABLISHED);
    peer(w, ". seq=1 ack=101 win=1000");
    silent_for(w, 10 * HF_SECOND);
}

/* The same, when all of it does not fit one segment or the peer's window: the window binds from
 * the first byte on. */
static void hs_active_much_data_on_ack(void **state)
{
    struct world *w = *state;

    user_connect(w);
    sends(w, "S seq=0");
    user_send(w, 3000);
    peer(w, "S. seq=0 ack=1 win=2000 mss=1000");
    sends(w, ". seq=1 ack=1 len=1000");
    sends(w, ". seq=1001 ack=1 len=1000");
    silent(w);
    peer(w, ". seq=1 ack=2001 win=2000");
    sends(w, "P. seq=2001 ack=1 len=1000");
    peer(w, ". seq=1 ack=3001 win=2000");
    silent_for(w, 10 * HF_SECOND);
}

/* hs-syn-rexmt-r2: an unanswered SYN is sent again with its timeout doubling, from 1 s, for at
 * least three minutes, and then the program is told that it timed out (3.8.3 MUST-22, MUST-23; RFC
 * 6298 2.1, 5.5). Every copy has the same number and the same options.
 * Holds: MUST-22, MUST-23, RFC6298-2.1-a */
static void hs_syn_rexmt_r2(void **state)
{
    struct world *w = *state;
    hf_time start = w->now;

    user_connect(w);
    sends(w, "S seq=0 mss=%u ws sackok ts", own_mss(w));
    for (int wait = 1; wait <= 64; wait *= 2) {
        sends_after(w, wait * HF_SECOND, "S seq=0 mss=%u ws sackok ts", own_mss(w));
        no_event(w, HF_EVENT_ERROR);
    }
    silent_for(w, 100 * HF_SECOND);
    no_event(w, HF_EVENT_ERROR);
    silent_for(w, 60 * HF_SECOND);
    event(w, HF_EVENT_ERROR, HF_ETIMEDOUT);
    assert_true(status_of(w).state == HF_CLOSED);
    assert_true(w->now - start >= 180 * HF_SECOND);
    user_recv_error(w, HF_ETIMEDOUT);
}

/* MUST-22, MUST-23 with a number of tries of the program's own: R2 follows it.
 * Holds: MUST-22 */
static void hs_syn_rexmt_few(void **state)
{
    struct world *w = *state;

    w->config.syn_retries = 1;
    world_restart(w);
    user_connect(w);
    sends(w, "S seq=0");
    sends_after(w, HF_SECOND, "S seq=0");
    silent_for(w, 2 * HF_SECOND - HF_MILLISECOND);
    no_event(w, HF_EVENT_ERROR);
    silent_for(w, 2 * HF_MILLISECOND);
    event(w, HF_EVENT_ERROR, HF_ETIMEDOUT);
}

/* A retransmitted SYN may still be answered; and what follows is an ordinary connection. */
static void hs_syn_lost_once(void **state)
{
    struct world *w = *state;

    user_connect(w);
    sends(w, "S seq=0");
    sends_after(w, HF_SECOND, "S seq=0");
    run_for(w, 300 * HF_MILLISECOND, 1);
    peer(w, "S. seq=0 ack=1 mss=1000");
    sends(w, ". seq=1 ack=1");
    in_state(w, HF_ESTABLISHED);
    silent_for(w, 100 * HF_SECOND);
}

/* syn-sent-synack-bad-ack: an ACK at or below ISS, or above SND.NXT, gets <SEQ=SEG.ACK><CTL=RST>;
 * we stay in SYN-SENT and go on asking (3.10.7.3, first check). */
static void syn_sent_bad_ack(void **state)
{
    struct world *w = *state;

    user_connect(w);
    sends(w, "S seq=0");
    peer(w, "S. seq=0 ack=0");
    sends(w, "R seq=0");
    peer(w, "S. seq=0 ack=2");
    sends(w, "R seq=2");
    peer(w, ". seq=7 ack=-5");
    sends(w, "R seq=-5");
    peer(w, "F. seq=7 ack=70000 len=20");
    sends(w, "R seq=70000");
    in_state(w, HF_SYN_SENT);
    no_event(w, HF_EVENT_ERROR);
    sends_after(w, HF_SECOND, "S seq=0");
    new_incarnation(w, 5000); /* the bad SYN-ACKs came from another life of the peer */
    sends_after(w, 2 * HF_SECOND, "S seq=0");
    peer(w, "S. seq=0 ack=1");
    sends(w, ". seq=1 ack=1");
    in_state(w, HF_ESTABLISHED);
}

/* syn-sent-synack-bad-ack with RST: "unless the RST bit is set, if so drop the segment" (3.10.7.3
 * first); syn-sent-rst-noack: a RST that acknowledges nothing is dropped (second). */
static void syn_sent_rst_ignored(void **state)
{
    struct world *w = *state;

    user_connect(w);
    sends(w, "S seq=0");
    peer(w, "R. seq=0 ack=0");
    silent(w);
    peer(w, "R. seq=0 ack=2");
    silent(w);
    peer(w, "R seq=0");
    silent(w);
    peer(w, "SR seq=0");
    silent(w);
    in_state(w, HF_SYN_SENT);
    no_event(w, HF_EVENT_ERROR);
    sends_after(w, HF_SECOND, "S seq=0");
}

/* syn-sent-rst-ack-ok: RST with an ACK of our SYN: connection refused, CLOSED, and no answer
 * (3.10.7.3 second). */
static void syn_sent_refused(void **state)
{
    struct world *w = *state;

    user_connect(w);
    sends(w, "S seq=0");
    peer(w, "R. seq=0 ack=1");
    silent_for(w, 300 * HF_SECOND);
    event(w, HF_EVENT_ERROR, HF_ECONNREFUSED);
    in_state(w, HF_CLOSED);
    user_recv_error(w, HF_ECONNREFUSED);
}

/* syn-sent-ack-only: an acceptable ACK without SYN or RST is dropped (3.10.7.3 fifth).
 * syn-sent-fin: so is a FIN, "since the SEG.SEQ cannot be validated" (3.10.7.4 eighth). */
static void syn_sent_neither_syn_nor_rst(void **state)
{
    struct world *w = *state;

    user_connect(w);
    sends(w, "S seq=0");
    peer(w, ". seq=1 ack=1");
    silent(w);
    peer(w, "P. seq=1 ack=1 len=100");
    silent(w);
    peer(w, "F. seq=1 ack=1");
    silent(w);
    peer(w, "F seq=1");
    silent(w);
    peer(w, "- seq=1 len=10");
    silent(w);
    in_state(w, HF_SYN_SENT);
    sends_after(w, HF_SECOND, "S seq=0");
}

/* Data and FIN on the SYN-ACK itself: "if there are other controls or text in the segment, then
 * continue processing at the sixth step" (3.10.7.3 fourth). */
static void syn_sent_synack_with_data_and_fin(void **state)
{
    struct world *w = *state;

    user_connect(w);
    sends(w, "S seq=0");
    peer(w, "SF. seq=0 ack=1 len=50");
    sends(w, ". seq=1 ack=52");
    in_state(w, HF_CLOSE_WAIT);
    user_recv(w, 50);
    user_recv_error(w, 0);
    silent_for(w, HF_SECOND);
}

/* The window in a SYN-ACK is never scaled (RFC 7323 2.2), those after it are.
 * Holds: RFC7323-2.2-b */
static void synack_window_is_not_scaled(void **state)
{
    struct world *w = *state;

    user_connect(w);
    sends(w, "S seq=0 ws");
    user_send(w, 3000);
    peer(w, "S. seq=0 ack=1 win=500 mss=500 ws=2");
    sends(w, ". seq=1 ack=1 len=500");
    silent(w);
    peer(w, ". seq=1 ack=501 win=250");
    sends(w, ". seq=501 ack=1 len=500");
    sends(w, ". seq=1001 ack=1 len=500");
    silent(w);
}

/* listen-vs-synsent-same-port: opening from a port does not disturb those who listen on it, nor
 * they the opening (3.9.1.1 MUST-42).
 * Holds: MUST-42 */
static void listen_and_connect_on_one_port(void **state)
{
    struct world *w = *state;

    user_listen(w);
    user_connect(w);
    sends(w, "S seq=0");
    use_flow(w, 40001);
    establish_passive(w, 1000, "mss=1000");
    use_flow(w, PEER_PORT);
    peer(w, "S. seq=0 ack=1");
    sends(w, ". seq=1 ack=1");
    event(w, HF_EVENT_CONNECTED, HF_OK);
    use_flow(w, 40001);
    peer(w, "P. seq=1 ack=1 len=10");
    sends(w, ". seq=1 ack=11");
    user_recv(w, 10);
    in_state(w, HF_ESTABLISHED);
}

/* A connection that exists is not opened a second time (3.10.1: "connection already exists"), and
 * the first is none the worse. */
static void connect_twice(void **state)
{
    struct world *w = *state;
    struct hf_endpoint local = {w->stack_address, STACK_PORT};
    struct hf_endpoint remote = {w->peer_address, PEER_PORT};
    hf_handle second = 77;

    establish_active(w, 1000, "mss=1000");
    assert_int_equal(hf_connect(w->stack, &local, &remote, w->now, &second), HF_EADDRINUSE);
    run_for(w, 0, 1);
    silent(w);
    peer(w, "P. seq=1 ack=1 len=10");
    sends(w, ". seq=1 ack=11");
}

/* connect-mcast: an OPEN to broadcast, multicast or "any" is refused and nothing leaves
 * (3.9.2.3 MUST-46).
 * Holds: MUST-46 */
static void connect_to_no_host(void **state)
{
    struct world *w = *state;
    static const char *const nowhere[2][5] = {
        {"224.0.0.1", "255.255.255.255", "239.1.2.3", "0.0.0.0", "240.0.0.1"},
        {"ff02::1", "::", "ff0e::5", "ff01::1", "ff05::2"}};
    hf_handle handle;

    for (int i = 0; i < 5; i++) {
        struct hf_endpoint remote = {.port = 80};
        assert_int_equal(hf_address_parse(nowhere[w->family == HF_IPV6][i], &remote.address),
                         HF_OK);
        assert_int_equal(hf_connect(w->stack, NULL, &remote, w->now, &handle), HF_EINVAL);
    }
    struct hf_endpoint port_zero = {w->peer_address, 0};
    assert_int_equal(hf_connect(w->stack, NULL, &port_zero, w->now, &handle), HF_EINVAL);
    silent_for(w, 10 * HF_SECOND);
}

static uint32_t iss_of_attempt(struct world *w, uint16_t port)
{
    const struct captured *syn;
    uint32_t iss;

    use_flow(w, port);
    new_incarnation(w, 0);
    user_connect(w);
    syn = sends(w, "S seq=0");
    iss = syn->segment.seq;
    user_close(w);
    silent(w);
    in_state(w, HF_CLOSED);
    return iss;
}

/* isn-clock-prf: for one 4-tuple the ISN follows a clock of about 4 microseconds a tick (3.4.1
 * MUST-8), 250000 a second; for different tuples the offset is a keyed hash, so they tell nothing
 * of each other (SHLD-1, RFC 6528 3).
 * Holds: MUST-8, MUST-9, SHLD-1, RFC6528-3-a, RFC6528-3-b */
static void isn_clock_and_hash(void **state)
{
    struct world *w = *state;
    uint32_t first = iss_of_attempt(w, PEER_PORT);
    uint32_t seen[20];

    run_for(w, HF_SECOND, 0);
    assert_int_equal(iss_of_attempt(w, PEER_PORT) - first, 250000);
    run_for(w, 9 * HF_SECOND, 0);
    assert_int_equal(iss_of_attempt(w, PEER_PORT) - first, 2500000);
    for (uint16_t i = 0; i < 20; i++) {
        seen[i] = iss_of_attempt(w, (uint16_t)(PEER_PORT + 1 + i));
        for (uint16_t j = 0; j < i; j++) {
            uint32_t apart = seen[i] - seen[j];
            /* 190 pairs this close by chance: once in 10,000 keys. The key is fixed. */
            assert_true(apart > 1000 && apart < UINT32_MAX - 1000);
        }
    }
    w->config.seed[3] ^= 1; /* MUST-9, RFC 6528 3: another secret, other numbers */
    world_restart(w);
    assert_true(iss_of_attempt(w, PEER_PORT) - first - 2500000 > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(hs_active),
        BOTH(hs_active_data_on_ack),
        BOTH(hs_active_much_data_on_ack),
        BOTH(hs_syn_rexmt_r2),
        BOTH(hs_syn_rexmt_few),
        BOTH(hs_syn_lost_once),
        BOTH(syn_sent_bad_ack),
        BOTH(syn_sent_rst_ignored),
        BOTH(syn_sent_refused),
        BOTH(syn_sent_neither_syn_nor_rst),
        BOTH(syn_sent_synack_with_data_and_fin),
        BOTH(synack_window_is_not_scaled),
        BOTH(listen_and_connect_on_one_port),
        BOTH(connect_twice),
        BOTH(connect_to_no_host),
        BOTH(isn_clock_and_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
