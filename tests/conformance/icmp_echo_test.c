/* SPDX-License-Identifier: MIT
 *
 * What the host answers without a connection: echo requests (RFC 1122 3.2.2.6, RFC 4443 4.2) and
 * segments for nobody (RFC 9293 3.10.7.1).
 */
#include "round_trip.h"
#include <string.h>

static size_t echo(const struct world *w, const struct hf_address *source,
                   const struct hf_address *destination, size_t data_bytes, int reply,
                   uint8_t *packet)
{
    uint8_t protocol = w->family == HF_IPV4 ? 1 : 58;
    size_t length = 8 + data_bytes;
    size_t header = ip_build(source, destination, protocol, 64, length, packet);
    uint8_t *message = packet + header;
    uint32_t sum = 0;
    uint16_t checksum;

    memset(message, 0, 8);
    if (w->family == HF_IPV4) {
        message[0] = reply ? 0 : 8;
    } else {
        message[0] = reply ? 129 : 128;
        sum = plain_pseudo_sum(source, destination, protocol, length);
    }
    message[4] = 0xab;
    message[5] = 0xcd;
    message[6] = 0x12;
    message[7] = 0x34;
    for (size_t i = 0; i < data_bytes; i++) {
        message[8 + i] = (uint8_t)(i * 7 + 1);
    }
    checksum = plain_fold(plain_sum(sum, message, length));
    message[2] = (uint8_t)(checksum >> 8);
    message[3] = (uint8_t)checksum;
    return header + length;
}

/* The answer swaps the addresses and returns identifier, sequence number and all the data; nothing
 * else differs but type and checksum (RFC 792, RFC 4443 4.2). */
static void echo_is_answered(void **state)
{
    static const size_t sizes[] = {0, 1, 56, 57, 1000, 1400};
    struct world *w = *state;
    uint8_t request[1600], expected[1600];

    w->icmp_allowed = 1;
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t length = echo(w, &w->peer_address, &w->stack_address, sizes[i], 0, request);
        size_t header = w->family == HF_IPV4 ? 20 : 40;
        const struct captured *captured;
        echo(w, &w->stack_address, &w->peer_address, sizes[i], 1, expected);
        inject(w, request, length);
        assert_int_equal(w->reason, HF_REASON_ICMP_ECHO);
        captured = next_packet(w);
        assert_non_null(captured);
        assert_int_equal(captured->length, length);
        assert_memory_equal(captured->bytes + header, expected + header, length - header);
        assert_int_equal(captured->segment.ttl, w->config.ttl);
        assert_true(hf_address_equal(&captured->segment.source, &w->stack_address));
        assert_true(hf_address_equal(&captured->segment.destination, &w->peer_address));
    }
    silent(w);
}

/* An answer is not answered, nor is a request with a wrong checksum, nor one to an address that is
 * not the host's, multicast and broadcast among them (RFC 1122 3.2.2.6 leaves those to choice). */
static void echo_not_answered(void **state)
{
    struct world *w = *state;
    uint8_t packet[200];
    struct hf_address other = w->stack_address;
    size_t length = echo(w, &w->peer_address, &w->stack_address, 20, 1, packet);

    inject(w, packet, length);
    silent(w);
    length = echo(w, &w->peer_address, &w->stack_address, 20, 0, packet);
    packet[length - 1] ^= 1;
    inject(w, packet, length);
    assert_int_equal(w->reason, HF_REASON_ICMP_CHECKSUM);
    other.bytes[w->family == HF_IPV4 ? 3 : 15] = 99;
    inject(w, packet, echo(w, &w->peer_address, &other, 20, 0, packet));
    assert_int_equal(w->reason, HF_REASON_IP_DESTINATION);
    memset(other.bytes, 0xff, w->family == HF_IPV4 ? 4 : 16);
    inject(w, packet, echo(w, &w->peer_address, &other, 20, 0, packet));
    inject(w, packet, echo(w, &other, &w->stack_address, 20, 0, packet));
    assert_int_equal(w->reason, HF_REASON_IP_SOURCE);
    silent(w);
    w->config.answer_echo = 0;
    world_restart(w);
    inject(w, packet, echo(w, &w->peer_address, &w->stack_address, 20, 0, packet));
    assert_int_equal(w->reason, HF_REASON_ICMP_UNKNOWN);
    silent(w);
}

/* closed-*: with ACK, <SEQ=SEG.ACK><CTL=RST>; without, <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>,
 * SYN and FIN counted in the length; a RST gets nothing (RFC 9293 3.10.7.1). */
static void resets_for_nobody(void **state)
{
    struct world *w = *state;

    peer(w, ". seq=100 ack=#7777");
    sends(w, "R seq=#7777");
    peer(w, "F. seq=100 ack=#4294967295 len=10");
    sends(w, "R seq=#4294967295");
    peer(w, "S. seq=100 ack=#0");
    sends(w, "R seq=#0");
    peer(w, "S seq=100");
    sends(w, "R. seq=#0 ack=101");
    peer(w, "SF seq=100 len=10");
    sends(w, "R. seq=#0 ack=112");
    peer(w, "F seq=100");
    sends(w, "R. seq=#0 ack=101");
    peer(w, "- seq=100 len=7");
    sends(w, "R. seq=#0 ack=107");
    peer(w, "R seq=100");
    peer(w, "R. seq=100 ack=#5");
    silent_for(w, HF_SECOND);
    assert_int_equal(counters_of(w).resets_sent, 7);
    assert_int_equal(counters_of(w).dropped[HF_REASON_NO_CONNECTION], 7);
    assert_int_equal(counters_of(w).dropped[HF_REASON_NO_CONNECTION_RST], 2);
}

/* MUST-57: a segment that was sent to a broadcast or multicast address, or comes from one, or from
 * nowhere, is dropped without an answer.
 * Holds: MUST-57, MUST-63 */
static void no_reset_for_many(void **state)
{
    struct world *w = *state;
    struct hf_address stack = w->stack_address, sender = w->peer_address, many = stack;
    uint8_t packet[200];
    size_t length;

    if (w->family == HF_IPV4) {
        many = hf_address_ipv4(224, 0, 0, 1);
    } else {
        memset(many.bytes, 0, 16);
        many.bytes[0] = 0xff;
        many.bytes[1] = 2;
        many.bytes[15] = 1;
    }
    for (unsigned i = 0; i < 4; i++) {
        w->stack_address = stack;
        w->peer_address = sender;
        if (i == 0) {
            w->stack_address = many;
        } else if (i == 1) {
            w->peer_address = many;
        } else if (i == 2) {
            memset(w->peer_address.bytes, 0, 16); /* unspecified */
        } else {
            w->stack_address.bytes[w->family == HF_IPV4 ? 3 : 15] = 200; /* somebody else */
        }
        length = build(w, packet, sizeof packet, "S seq=0");
        w->stack_address = stack;
        w->peer_address = sender;
        inject(w, packet, length);
        silent(w);
    }
}

/* A protocol nobody speaks here is counted, not answered. */
static void unknown_protocol(void **state)
{
    struct world *w = *state;
    uint8_t packet[100];
    size_t header = ip_build(&w->peer_address, &w->stack_address, 17, 64, 20, packet);

    memset(packet + header, 0, 20);
    inject(w, packet, header + 20);
    assert_int_equal(w->reason, HF_REASON_IP_PROTOCOL);
    assert_int_equal(counters_of(w).dropped[HF_REASON_IP_PROTOCOL], 1);
    silent(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(echo_is_answered),  BOTH(echo_not_answered), BOTH(resets_for_nobody),
        BOTH(no_reset_for_many), BOTH(unknown_protocol),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
