/* SPDX-License-Identifier: MIT
 *
 * What ICMP may do to a connection: RFC 9293 3.9.2.2, the defences of RFC 5927, and path MTU
 * discovery (RFC 1191, RFC 8201). Every message is built here, octet by octet.
 */
#include "round_trip.h"
#include <string.h>

static struct hf_address router_of(const struct world *w)
{
    struct hf_address router = w->peer_address;
    router.bytes[w->family == HF_IPV4 ? 3 : 15] = 77;
    return router;
}

static void put32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

/* A router's ICMP error with `field` in its second word, about a segment of the flow with this
 * absolute number. The quote is the IP header and eight octets, the least there is (RFC 792). */
static size_t icmp_build(const struct world *w, unsigned type, unsigned code, uint32_t field,
                         uint32_t quoted_seq, uint8_t packet[128])
{
    uint8_t message[80];
    struct hf_address router = router_of(w);
    uint8_t protocol = w->family == HF_IPV4 ? 1 : 58;
    size_t quote, length, header;

    memset(message, 0, sizeof message);
    message[0] = (uint8_t)type;
    message[1] = (uint8_t)code;
    put32(message + 4, field);
    quote = ip_build(&w->stack_address, &w->peer_address, 6, 60, 1000, message + 8);
    length = 8 + quote + 8;
    put32(message + 8 + quote, (uint32_t)w->flow->stack_port << 16 | w->flow->peer_port);
    put32(message + 8 + quote + 4, quoted_seq);
    {
        uint32_t sum = w->family == HF_IPV4
                           ? 0
                           : plain_pseudo_sum(&router, &w->stack_address, protocol, length);
        uint16_t checksum = plain_fold(plain_sum(sum, message, length));
        message[2] = (uint8_t)(checksum >> 8);
        message[3] = (uint8_t)checksum;
    }
    header = ip_build(&router, &w->stack_address, protocol, 60, length, packet);
    memcpy(packet + header, message, length);
    return header + length;
}

static enum hf_reason icmp_error(struct world *w, unsigned type, unsigned code, uint32_t field,
                                 uint32_t quoted_seq)
{
    uint8_t packet[128];

    inject(w, packet, icmp_build(w, type, code, field, quoted_seq, packet));
    return w->reason;
}

struct error_case {
    unsigned type, code;
    int error;
};

/* RFC 9293 3.9.2.2: those that say "not now, not this way". */
static const struct error_case soft_v4[] = {
    {3, 0, HF_ENETUNREACH},   {3, 1, HF_EHOSTUNREACH},  {3, 5, HF_EOPNOTSUPP},
    {11, 0, HF_EHOSTUNREACH}, {11, 1, HF_EHOSTUNREACH}, {12, 0, HF_EPROTO},
};
static const struct error_case soft_v6[] = {
    {1, 0, HF_ENETUNREACH},  {1, 3, HF_EHOSTUNREACH}, {3, 0, HF_EHOSTUNREACH},
    {3, 1, HF_EHOSTUNREACH}, {4, 0, HF_EPROTO},       {4, 1, HF_EPROTO},
};
/* And those that refuse: protocol, port, administratively. */
static const struct error_case hard_v4[] = {
    {3, 2, HF_ENOPROTOOPT},
    {3, 3, HF_ECONNREFUSED},
};
static const struct error_case hard_v6[] = {
    {1, 4, HF_ECONNREFUSED},
    {1, 1, HF_EACCES},
};

static const struct error_case *soft_cases(const struct world *w)
{
    return w->family == HF_IPV4 ? soft_v4 : soft_v6;
}

static const struct error_case *hard_cases(const struct world *w)
{
    return w->family == HF_IPV4 ? hard_v4 : hard_v6;
}

/* icmp-soft: a soft error is told to the program and aborts nothing (MUST-54, MUST-56, MUST-47);
 * the data goes again in its own time. The error's number is Linux's.
 * Holds: MUST-47, MUST-54, MUST-56, SHLD-25 */
static void soft_established(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000");
    user_send(w, 10);
    sends(w, "P. seq=1 ack=1 len=10");
    for (unsigned i = 0; i < 6; i++) {
        const struct error_case *e = &soft_cases(w)[i];
        assert_int_equal(icmp_error(w, e->type, e->code, 0, w->flow->stack_iss + 1),
                         HF_REASON_ICMP_SOFT);
        silent(w);
        if (status_of(w).soft_error != e->error) {
            print_message("type %u code %u\n", e->type, e->code);
        }
        assert_int_equal(status_of(w).soft_error, e->error);
        event(w, HF_EVENT_SOFT_ERROR, e->error);
        in_state(w, HF_ESTABLISHED);
    }
    sends_between(w, 200 * MS, 400 * MS, "P. seq=1 ack=1 len=10");
    peer(w, ". seq=1 ack=11"); /* it got through: the trouble is over */
    assert_int_equal(status_of(w).soft_error, HF_OK);
}

/* SHLD-20: the program may choose not to be told.
 * Holds: SHLD-20 */
static void soft_not_wanted(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000");
    user_option(w, HF_OPTION_SOFT_ERRORS, 0);
    user_send(w, 10);
    sends(w, "P. seq=1 ack=1 len=10");
    icmp_error(w, soft_cases(w)[1].type, soft_cases(w)[1].code, 0, w->flow->stack_iss + 1);
    no_event(w, HF_EVENT_SOFT_ERROR);
    peer(w, ". seq=1 ack=11");
}

/* icmp-soft while opening: as on Linux it ends the attempt, with the error that was reported
 * (DEVIATION from MUST-56); a message about another number does not. */
static void soft_opening(void **state)
{
    struct world *w = *state;

    user_connect(w);
    sends(w, "S seq=0");
    icmp_error(w, soft_cases(w)[1].type, soft_cases(w)[1].code, 0, w->flow->stack_iss + 1);
    in_state(w, HF_SYN_SENT);
    no_event(w, HF_EVENT_ERROR);
    assert_int_equal(
        icmp_error(w, soft_cases(w)[1].type, soft_cases(w)[1].code, 0, w->flow->stack_iss),
        HF_REASON_ICMP_SOFT_OPENING);
    event(w, HF_EVENT_ERROR, HF_EHOSTUNREACH);
    silent_for(w, 10 * HF_SECOND);
}

/* icmp-hard-synsent: protocol or port unreachable ends the attempt (SHLD-26).
 * Holds: SHLD-26 */
static void hard_opening(void **state)
{
    struct world *w = *state;

    for (unsigned i = 0; i < 2; i++) {
        const struct error_case *e = &hard_cases(w)[i];
        use_flow(w, (uint16_t)(41000 + i));
        user_connect(w);
        sends(w, "S seq=0");
        assert_int_equal(icmp_error(w, e->type, e->code, 0, w->flow->stack_iss),
                         HF_REASON_ICMP_HARD);
        event(w, HF_EVENT_ERROR, e->error);
        in_state(w, HF_CLOSED);
        user_recv_error(w, e->error);
    }
}

/* icmp-hard-estab: once synchronized anyone could have forged it, and the peer was there: taken as
 * soft (RFC 5927 5.2, as Linux does without IP_RECVERR).
 * Holds: RFC5927-5.2-a */
static void hard_established(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000");
    user_send(w, 10);
    sends(w, "P. seq=1 ack=1 len=10");
    for (unsigned i = 0; i < 2; i++) {
        const struct error_case *e = &hard_cases(w)[i];
        icmp_error(w, e->type, e->code, 0, w->flow->stack_iss + 1);
        in_state(w, HF_ESTABLISHED);
        event(w, HF_EVENT_SOFT_ERROR, e->error);
        no_event(w, HF_EVENT_ERROR);
    }
    peer(w, ". seq=1 ack=11");
}

/* icmp-seq-check: a quoted number that is not in flight, SND.UNA <= SEQ < SND.NXT, is no quote of
 * ours (RFC 5927 4.1). In the opening, the SYN's own is the only one.
 * Holds: RFC5927-4.1-a */
static void quoted_number_must_be_in_flight(void **state)
{
    struct world *w = *state;
    const struct error_case *soft = &soft_cases(w)[1], *hard = &hard_cases(w)[1];
    uint32_t iss;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000");
    iss = w->flow->stack_iss;
    assert_int_equal(icmp_error(w, soft->type, soft->code, 0, iss + 1), HF_REASON_ICMP_SEQUENCE);
    user_send(w, 10);
    sends(w, "P. seq=1 ack=1 len=10");
    assert_int_equal(icmp_error(w, soft->type, soft->code, 0, iss), HF_REASON_ICMP_SEQUENCE);
    assert_int_equal(icmp_error(w, soft->type, soft->code, 0, iss + 11), HF_REASON_ICMP_SEQUENCE);
    assert_int_equal(icmp_error(w, soft->type, soft->code, 0, iss + 10), HF_REASON_ICMP_SOFT);
    peer(w, ". seq=1 ack=11");
    use_flow(w, 41000);
    user_connect(w);
    sends(w, "S seq=0");
    iss = w->flow->stack_iss;
    assert_int_equal(icmp_error(w, hard->type, hard->code, 0, iss + 1), HF_REASON_ICMP_SEQUENCE);
    assert_int_equal(icmp_error(w, hard->type, hard->code, 0, iss - 1), HF_REASON_ICMP_SEQUENCE);
    in_state(w, HF_SYN_SENT);
    user_close(w);
}

/* A half-open connection at a listener: the same check, and a hard error removes it. */
static void syn_received(void **state)
{
    struct world *w = *state;
    const struct error_case *hard = &hard_cases(w)[1];

    user_listen(w);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    assert_int_equal(icmp_error(w, hard->type, hard->code, 0, w->flow->stack_iss + 1),
                     HF_REASON_ICMP_SEQUENCE);
    in_state(w, HF_SYN_RECEIVED);
    assert_int_equal(
        icmp_error(w, soft_cases(w)[0].type, soft_cases(w)[0].code, 0, w->flow->stack_iss),
        HF_REASON_ICMP_SOFT);
    in_state(w, HF_SYN_RECEIVED);
    assert_int_equal(icmp_error(w, hard->type, hard->code, 0, w->flow->stack_iss),
                     HF_REASON_ICMP_HARD);
    in_state(w, HF_CLOSED);
    silent_for(w, 100 * HF_SECOND);
}

/* MUST-54's other side: a quote that names no connection changes nothing. */
static void quote_of_nobody(void **state)
{
    struct world *w = *state;
    const struct error_case *soft = &soft_cases(w)[0];

    establish_passive(w, 65535, "mss=1000");
    use_flow(w, 41000);
    assert_int_equal(icmp_error(w, soft->type, soft->code, 0, 12345), HF_REASON_ICMP_QUOTE);
    use_flow(w, PEER_PORT);
    in_state(w, HF_ESTABLISHED);
    no_event(w, HF_EVENT_SOFT_ERROR);
    silent_for(w, HF_SECOND);
}

/* icmp-quench: Source Quench is dropped without a trace on the connection (MUST-55).
 * Holds: MUST-55, RFC5927-6-a */
static void source_quench(void **state)
{
    struct world *w = *state;
    unsigned cwnd;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000");
    user_send(w, 10000);
    sends_segments(w, 1, 1000, 10);
    cwnd = cwnd_of(w);
    assert_int_equal(icmp_error(w, 4, 0, 0, w->flow->stack_iss + 1), HF_REASON_ICMP_QUENCH);
    assert_int_equal(cwnd_of(w), cwnd);
    assert_int_equal(status_of(w).soft_error, HF_OK);
    no_event(w, HF_EVENT_SOFT_ERROR);
    peer(w, ". seq=1 ack=10001");
}

static enum hf_reason too_big(struct world *w, uint32_t mtu, uint32_t seq)
{
    uint32_t absolute = w->flow->stack_iss + seq;
    return w->family == HF_IPV4 ? icmp_error(w, 3, 4, mtu, absolute)
                                : icmp_error(w, 2, 0, mtu, absolute);
}

/* All that waits from `seq` on, in order and without a gap, no packet above `mtu`; returns where it
 * ends. */
static unsigned sends_within(struct world *w, unsigned seq, size_t mtu)
{
    const struct captured *captured;
    while ((captured = next_packet(w)) != NULL) {
        assert_true(captured->length <= mtu);
        assert_int_equal(captured->segment.seq - w->flow->stack_iss, seq);
        seq += (unsigned)captured->segment.payload_bytes;
    }
    return seq;
}

/* pmtu-frag-needed, pmtu-ptb: what was too big is sent again at once in pieces that fit, all later
 * segments fit, too, and cwnd is what it was: this was no congestion (RFC 1191 6.4 and 6.5,
 * RFC 8201 4).
 * Holds: RFC1191-3-a, RFC1191-6.4-a, RFC8201-4-a */
static void too_big_resends(void **state)
{
    struct world *w = *state;
    unsigned cwnd, end, una = 1;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1460");
    user_send(w, 5 * own_mss(w));
    sends_segments(w, 1, own_mss(w), 5);
    cwnd = cwnd_of(w);
    assert_int_equal(too_big(w, 1400, 1), HF_REASON_ICMP_TOO_BIG);
    end = sends_within(w, 1, 1400);
    assert_true(end > 1);
    assert_in_range(cwnd_of(w), cwnd - 1000, cwnd);
    assert_true(ssthresh_of(w) > 1000000);
    while (una < 5 * own_mss(w) + 1) {
        una = end;
        peer(w, ". seq=1 ack=%u", una);
        end = sends_within(w, una, 1400);
    }
    silent_for(w, 10 * HF_SECOND);
    user_send(w, 5000);
    end = sends_within(w, una, 1400);
    peer(w, ". seq=1 ack=%u", end);
    while (end < una + 5000) {
        end = sends_within(w, end, 1400);
        peer(w, ". seq=1 ack=%u", end);
    }
    assert_int_equal(status_of(w).mss_bytes, 1400 - (w->family == HF_IPV4 ? 40 : 60));
    in_state(w, HF_ESTABLISHED);
}

/* The same while what a timeout lost is being sent again: what has gone out since then is too big
 * as well, and all of it goes again. */
static void too_big_after_timeout(void **state)
{
    struct world *w = *state;
    unsigned mss = own_mss(w), una, nxt;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1460");
    user_send(w, 20 * mss);
    sends_segments(w, 1, mss, 10);
    sends_between(w, 0, HF_SECOND, ". seq=1 ack=1 len=%u", mss);
    for (unsigned i = 1; i <= 9; i++) {
        una = 1 + i * mss;
        peer(w, ". seq=1 ack=%u", una);
        while (next_packet(w) != NULL) {
        }
    }
    nxt = status_of(w).numbers.snd_nxt - w->flow->stack_iss;
    assert_true(nxt > 1 + 11 * mss); /* new data is out, the tenth is not acknowledged yet */
    assert_int_equal(too_big(w, 1300, nxt - mss), HF_REASON_ICMP_TOO_BIG);
    assert_true(sends_within(w, una, 1300) >= nxt - mss);
    peer(w, ". seq=1 ack=%u", nxt);
    sends_within(w, nxt, 1300);
}

/* pmtu-attack-hold: for data that is acknowledged, or never was sent, the message is forged or
 * late; one that claims no less than is in use lowers nothing (RFC 5927 7.2).
 * Holds: RFC1191-3-b, RFC5927-7.2-a, RFC8201-4-c */
static void too_big_ignored(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1460");
    assert_int_equal(too_big(w, 1400, 1), HF_REASON_ICMP_SEQUENCE);
    user_send(w, own_mss(w));
    sends_segments(w, 1, own_mss(w), 1);
    assert_int_equal(too_big(w, 1400, 0), HF_REASON_ICMP_SEQUENCE);
    assert_int_equal(too_big(w, 1400, 1 + own_mss(w)), HF_REASON_ICMP_SEQUENCE);
    assert_int_equal(too_big(w, 1500, 1), HF_REASON_ICMP_TOO_BIG_IGNORED);
    assert_int_equal(too_big(w, 9000, 1), HF_REASON_ICMP_TOO_BIG_IGNORED);
    silent(w);
    assert_int_equal(status_of(w).mss_bytes, own_mss(w));
    peer(w, ". seq=1 ack=%u", 1 + own_mss(w));
}

/* A path's limit that the peer's own MSS keeps us under already: nothing was too big, so there is
 * nothing to lower or to send again.
 * Holds: RFC5927-7.2-a */
static void too_big_for_nobody(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000");
    user_send(w, 2000);
    sends_segments(w, 1, 1000, 2);
    assert_int_equal(too_big(w, 1400, 1), HF_REASON_ICMP_TOO_BIG_IGNORED);
    silent(w);
    assert_int_equal(status_of(w).path_mtu_bytes, w->config.mtu);
    peer(w, ". seq=1 ack=2001");
}

/* pmtu floors: what claims less than every path takes is not believed to the letter: for IPv4 the
 * stack stops at 552, as Linux does, and then lets routers fragment (RFC 1191 3: do not go on
 * eliciting the message).
 * Holds: RFC1191-3-c */
static void too_big_floor(void **state)
{
    struct world *w = *state;
    const struct captured *captured;
    unsigned seq = 1;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1460");
    user_send(w, own_mss(w));
    sends_segments(w, 1, own_mss(w), 1);
    assert_int_equal(too_big(w, 100, 1), HF_REASON_ICMP_TOO_BIG);
    while ((captured = next_packet(w)) != NULL) {
        assert_true(captured->length <= 552);
        assert_int_equal(captured->segment.seq - w->flow->stack_iss, seq);
        assert_int_equal(captured->bytes[6] & 0x40, 0); /* DF */
        seq += (unsigned)captured->segment.payload_bytes;
    }
    assert_int_equal(seq, 1 + own_mss(w));
    peer(w, ". seq=1 ack=%u", seq);
}

/* IPv6 promises 1280: a message that claims less cannot be true, and is discarded (RFC 8201 4);
 * one that says just that is believed.
 * Holds: RFC8201-4-b, RFC8201-4-e */
static void too_big_below_1280(void **state)
{
    struct world *w = *state;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1440");
    user_send(w, 1440);
    sends_segments(w, 1, 1440, 1);
    assert_int_equal(too_big(w, 1279, 1), HF_REASON_ICMP_TOO_BIG_MINIMUM);
    assert_int_equal(too_big(w, 0, 1), HF_REASON_ICMP_TOO_BIG_MINIMUM);
    silent(w);
    assert_int_equal(too_big(w, 1280, 1), HF_REASON_ICMP_TOO_BIG);
    sends(w, ". seq=1 ack=1 len=1220");
    sends(w, "P. seq=1221 ack=1 len=220");
    peer(w, ". seq=1 ack=1441");
}

/* RFC 1191 3, 5: a router of before 1990 says 0. Which sizes follow: drill/pmtu/plateau. */
static void too_big_without_mtu(void **state)
{
    struct world *w = *state;
    unsigned end;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1460");
    user_send(w, 1460);
    sends_segments(w, 1, 1460, 1);
    assert_int_equal(too_big(w, 0, 1), HF_REASON_ICMP_TOO_BIG);
    end = sends_within(w, 1, 1499);
    assert_int_equal(end, 1461);
    peer(w, ". seq=1 ack=1461");
}

/* RFC 1191 6.3: an estimate is not raised within 5 minutes; after 10, as Linux does, the full size
 * is tried again.
 * Holds: RFC1191-6.3-a, RFC8201-4-d */
static void too_big_is_forgotten(void **state)
{
    struct world *w = *state;
    unsigned una = 1 + own_mss(w);

    establish_with_rtt(w, 100 * MS, 65535, "mss=1460");
    user_send(w, own_mss(w));
    sends_segments(w, 1, own_mss(w), 1);
    assert_int_equal(too_big(w, 1300, 1), HF_REASON_ICMP_TOO_BIG);
    assert_int_equal(sends_within(w, 1, 1300), una);
    peer(w, ". seq=1 ack=%u", una);
    run_for(w, 301 * HF_SECOND, 0);
    user_send(w, own_mss(w));
    assert_int_equal(sends_within(w, una, 1300), una + own_mss(w));
    una += own_mss(w);
    peer(w, ". seq=1 ack=%u", una);
    run_for(w, 300 * HF_SECOND, 0);
    user_send(w, own_mss(w));
    sends_segments(w, una, own_mss(w), 1);
    peer(w, ". seq=1 ack=%u", una + own_mss(w));
}

/* An event that waits tells of the error it came for, though all was well again before the program
 * took it. */
static void soft_error_taken_late(void **state)
{
    struct world *w = *state;
    struct hf_event taken;
    uint8_t packet[200], message[128];
    size_t length;

    establish_with_rtt(w, 100 * MS, 65535, "mss=1000");
    user_send(w, 10);
    sends(w, "P. seq=1 ack=1 len=10");
    length = build(w, packet, sizeof packet, ". seq=1 ack=11");
    hf_stack_input(w->stack, message,
                   icmp_build(w, soft_cases(w)[1].type, soft_cases(w)[1].code, 0,
                              w->flow->stack_iss + 1, message),
                   w->now);
    hf_stack_input(w->stack, packet, length, w->now);
    assert_int_equal(hf_stack_next_event(w->stack, &taken), 1);
    assert_int_equal(taken.type, HF_EVENT_SOFT_ERROR);
    assert_int_equal(taken.error, HF_EHOSTUNREACH);
}

/* DF is set on all else, or nothing would ever be reported (RFC 1191 3).
 * Holds: RFC1191-3-d */
static void dont_fragment(void **state)
{
    struct world *w = *state;
    const struct captured *captured;

    establish_passive(w, 65535, "mss=1460");
    user_send(w, 100);
    captured = sends(w, "P. seq=1 ack=1 len=100");
    assert_int_equal(captured->bytes[6] & 0x40, 0x40);
    peer(w, ". seq=1 ack=101");
}

/* The message must be whole and its checksum right (RFC 792, RFC 4443 2.3). */
static void bad_messages(void **state)
{
    struct world *w = *state;
    uint8_t packet[128], message[8] = {3, 1};
    size_t header;

    establish_passive(w, 65535, "mss=1000");
    header =
        ip_build(&w->peer_address, &w->stack_address, w->family == HF_IPV4 ? 1 : 58, 64, 8, packet);
    memcpy(packet + header, message, 8); /* no checksum */
    inject(w, packet, header + 8);
    assert_int_equal(w->reason, HF_REASON_ICMP_CHECKSUM);
    header =
        ip_build(&w->peer_address, &w->stack_address, w->family == HF_IPV4 ? 1 : 58, 64, 7, packet);
    inject(w, packet, header + 7);
    assert_int_equal(w->reason, HF_REASON_ICMP_TOO_SHORT);
    in_state(w, HF_ESTABLISHED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(soft_established),      BOTH(soft_not_wanted),
        BOTH(soft_opening),          BOTH(hard_opening),
        BOTH(hard_established),      BOTH(quoted_number_must_be_in_flight),
        BOTH(syn_received),          BOTH(quote_of_nobody),
        ONLY_V4(source_quench),      BOTH(too_big_resends),
        BOTH(too_big_after_timeout), BOTH(too_big_ignored),
        BOTH(too_big_for_nobody),    ONLY_V4(too_big_floor),
        ONLY_V6(too_big_below_1280), ONLY_V4(too_big_without_mtu),
        BOTH(too_big_is_forgotten),  BOTH(soft_error_taken_late),
        ONLY_V4(dont_fragment),      BOTH(bad_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
