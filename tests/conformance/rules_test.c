/* SPDX-License-Identifier: MIT
 *
 * Rules that any conversation keeps in passing and that no other scenario would be the one to miss:
 * each is shown here by itself.
 */
#include "round_trip.h"

/* A batch of segments: all are processed, then one ACK covers them, though each second one of them
 * alone would be worth an ACK (RFC 9293 3.10.7.4).
 * Holds: MUST-58, MUST-59 */
static void one_ack_for_a_batch(void **state)
{
    struct world *w = *state;
    uint8_t packet[2048];

    establish_passive(w, 65535, "mss=1000");
    for (unsigned i = 0; i < 7; i++) {
        size_t length =
            build(w, packet, sizeof packet, ". seq=%u ack=1 len=1000 win=65535", 1 + i * 1000);
        assert_true(hf_stack_input(w->stack, packet, length, w->now) == HF_REASON_ACCEPTED);
    }
    run_for(w, 0, 1);
    sends(w, ". seq=1 ack=7001");
    silent(w);
    silent_for(w, HF_SECOND);
    user_recv(w, 7000);
}

static void sums_to_zero(const struct world *w, const struct captured *captured)
{
    size_t ip_bytes = w->family == HF_IPV4 ? 20 : 40;
    size_t length = captured->length - ip_bytes;
    uint32_t sum = plain_pseudo_sum(&w->stack_address, &w->peer_address, 6, length);

    assert_int_equal(plain_fold(plain_sum(sum, captured->bytes + ip_bytes, length)) & 0xffff, 0);
}

/* SYN-ACK, ACK, data of odd and even length, FIN, and the RST for nobody: the checksum of each is
 * right (RFC 9293 3.1).
 * Holds: MUST-2 */
static void checksum_of_everything(void **state)
{
    struct world *w = *state;

    user_listen(w);
    peer(w, "S seq=0 mss=1000");
    sums_to_zero(w, sends(w, "S. seq=0 ack=1"));
    peer(w, ". seq=1 ack=1");
    silent(w);
    user_accept(w);
    peer(w, "P. seq=1 ack=1 len=3");
    sums_to_zero(w, sends(w, ". seq=1 ack=4"));
    for (unsigned length = 1, seq = 1; length < 40; seq += length, length++) {
        user_send(w, length);
        sums_to_zero(w, sends(w, "P. seq=%u ack=4 len=%u", seq, length));
        peer(w, ". seq=4 ack=%u", seq + length);
    }
    user_recv(w, 3);
    user_close(w);
    sums_to_zero(w, sends(w, "F. seq=781 ack=4"));
    use_flow(w, 41000);
    peer(w, ". seq=1 ack=#5000");
    sums_to_zero(w, sends(w, "R seq=#5000"));
}

/* The MSS that we announce follows from the MTU of the link: what one path turned out to take makes
 * segments smaller, and not what is announced (RFC 9293 3.7.1, 3.7.3).
 * Holds: MUST-67, SHLD-5, SHLD-6, MAY-3 */
static void announced_mss(void **state)
{
    struct world *w = *state;
    unsigned headers = w->family == HF_IPV4 ? 40 : 60;

    for (unsigned mtu = 1300; mtu <= 1500; mtu += 100) {
        w->config.mtu = mtu;
        world_restart(w);
        user_connect(w);
        sends(w, "S seq=0 mss=%u", mtu - headers);
        user_abort(w);
        user_listen(w);
        use_flow(w, 41000);
        peer(w, "S seq=0 mss=500");
        sends(w, "S. seq=0 ack=1 mss=%u", mtu - headers);
        use_flow(w, PEER_PORT);
    }
}

/* A segment without timestamps, on a connection that has them, does no harm (RFC 7323 3.2).
 * Holds: RFC7323-3.2-d */
static void timestamps_missing(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000 ts=1000");
    peer(w, "P. seq=1 ack=1 len=10");
    sends(w, ". seq=1 ack=11 ts ecr=1000");
    in_state(w, HF_ESTABLISHED);
    no_event(w, HF_EVENT_ERROR);
    peer(w, "P. seq=11 ack=1 len=10 ts=1010");
    sends(w, ". seq=1 ack=21 ts ecr=1010");
    user_recv(w, 20);
}

/* Only what acknowledges new data gives a sample by its echo: data that comes five seconds later,
 * with the echo of long ago, says nothing of the round trip (RFC 7323 4.1).
 * Holds: RFC7323-4.1-a */
static void echo_without_progress(void **state)
{
    struct world *w = *state;
    hf_time srtt_ns;

    user_listen(w);
    peer(w, "S seq=0 mss=1000 ts=1000");
    sends(w, "S. seq=0 ack=1");
    silent_for(w, 100 * MS);
    peer(w, ". seq=1 ack=1 ts=1100");
    silent(w);
    user_accept(w);
    srtt_ns = status_of(w).numbers.srtt_ns;
    assert_in_range(srtt_ns, 99 * MS, 101 * MS);
    silent_for(w, 5 * HF_SECOND);
    peer(w, "P. seq=1 ack=1 len=10 ts=6100");
    sends(w, ". seq=1 ack=11");
    peer(w, ". seq=11 ack=1 win=3000 ts=6100");
    silent(w);
    assert_true(status_of(w).numbers.srtt_ns == srtt_ns);
    user_recv(w, 10);
}

/* The MSS of a SYN-ACK bounds what we send, as that of a SYN does.
 * Holds: MUST-14 */
static void mss_of_syn_ack(void **state)
{
    struct world *w = *state;

    establish_active(w, 65535, "mss=700");
    user_send(w, 1000);
    sends(w, ". seq=1 ack=1 len=700");
    sends(w, "P. seq=701 ack=1 len=300");
    peer(w, ". seq=1 ack=1001");
}

/* A window of more than 16 bits, the peer's, is used to its end (RFC 9293 3.1, RFC 7323 2.3).
 * Holds: REC-1 */
static void window_over_16_bits(void **state)
{
    struct world *w = *state;

    w->config.initial_window_segments = 200;
    world_restart(w);
    establish_passive(w, 800, "mss=1000 ws=7");
    user_send(w, 150000);
    sends_segments(w, 1, 1000, 102);
    peer(w, ". seq=1 ack=102001 win=800");
    sends_segments(w, 102001, 1000, 48);
    peer(w, ". seq=1 ack=150001 win=800");
}

/* Many small writes, made before the connection is there: they leave in full segments, with one PSH
 * at the end of all and not one for each write (RFC 9293 3.9.1.2).
 * Holds: SHLD-27, SHLD-28 */
static void small_writes_fill_segments(void **state)
{
    struct world *w = *state;

    user_connect(w);
    sends(w, "S seq=0");
    for (unsigned i = 0; i < 250; i++) {
        user_send(w, 10);
    }
    peer(w, "S. seq=0 ack=1 mss=1000");
    sends(w, ". seq=1 ack=1 len=1000");
    sends(w, ". seq=1001 ack=1 len=1000");
    sends(w, "P. seq=2001 ack=1 len=500");
    silent(w);
    peer(w, ". seq=1 ack=2501");
}

/* Our program does not read for a day: the window stays shut all that time, and each probe of the
 * peer's is answered, so it cannot think us dead (RFC 9293 3.8.6.1).
 * Holds: MAY-8 */
static void window_shut_for_a_day(void **state)
{
    struct world *w = *state;

    w->config.receive_buffer_bytes = 2000;
    world_restart(w);
    establish_passive(w, 65535, "mss=1000");
    peer(w, ". seq=1 ack=1 len=1000");
    sends(w, ". seq=1 ack=1001");
    peer(w, "P. seq=1001 ack=1 len=1000");
    sends(w, ". seq=1 ack=2001 win=0");
    for (unsigned hour = 0; hour < 24; hour++) {
        silent_for(w, 3600 * HF_SECOND);
        peer(w, ". seq=2001 ack=1 len=1");
        sends(w, ". seq=1 ack=2001 win=0");
    }
    in_state(w, HF_ESTABLISHED);
    user_recv(w, 2000);
    sends(w, ". seq=1 ack=2001 win=2000");
}

/* An address that is nearer to the peer comes while a connection is open: new ones may take it,
 * this one stays with its own (RFC 9293 3.9.1.1). The bench looks at the source of each packet.
 * Holds: MUST-45 */
static void local_address_stays(void **state)
{
    struct world *w = *state;
    struct hf_address nearer = w->peer_address;

    nearer.bytes[w->family == HF_IPV4 ? 3 : 15] ^= 1;
    establish_active(w, 65535, "mss=1000");
    assert_int_equal(hf_stack_add_address(w->stack, &nearer), HF_OK);
    user_send(w, 10);
    sends(w, "P. seq=1 ack=1 len=10");
    sends_between(w, 0, HF_SECOND, "P. seq=1 ack=1 len=10");
    peer(w, "P. seq=1 ack=11 len=10");
    sends(w, ". seq=11 ack=11");
    user_recv(w, 10);
    user_close(w);
    sends(w, "F. seq=11 ack=11");
}

/* How long an idle connection is left alone, how often it is asked then: both are the program's
 * (RFC 9293 3.8.4).
 * Holds: MUST-27 */
static void keepalive_intervals(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    user_option(w, HF_OPTION_KEEPALIVE, 1);
    user_option(w, HF_OPTION_KEEPALIVE_IDLE_NS, 30 * HF_SECOND);
    user_option(w, HF_OPTION_KEEPALIVE_INTERVAL_NS, 7 * HF_SECOND);
    sends_after(w, 30 * HF_SECOND, ". seq=0 ack=1");
    sends_after(w, 7 * HF_SECOND, ". seq=0 ack=1");
    peer(w, ". seq=1 ack=1");
    user_option(w, HF_OPTION_KEEPALIVE, 0);
    silent_for(w, 3600 * HF_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(one_ack_for_a_batch),   BOTH(checksum_of_everything),     BOTH(announced_mss),
        BOTH(mss_of_syn_ack),        BOTH(window_over_16_bits),        BOTH(timestamps_missing),
        BOTH(echo_without_progress), BOTH(small_writes_fill_segments), BOTH(window_shut_for_a_day),
        BOTH(local_address_stays),   BOTH(keepalive_intervals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
