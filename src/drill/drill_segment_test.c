/* SPDX-License-Identifier: MIT
 *
 * The judge's packets against the stack's own parser and emitter, which were written apart from
 * them: what one writes the other reads, for many shapes of packets; and every single bit that is
 * flipped on the way is noticed.
 */
#include "checksum.h"
#include "drill_options.h"
#include "drill_segment.h"
#include "ip_header.h"
#include "tcp_segment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = 2048, ROUNDS = 2000 };

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static const struct drill_faults no_faults = {false, false, DRILL_UNSET};

static struct drill_segment some_segment(uint64_t *random, const uint8_t *payload)
{
    struct drill_segment segment;
    size_t address;
    memset(&segment, 0, sizeof segment);
    segment.source.address.family = next_random(random) % 2 ? HF_IPV4 : HF_IPV6;
    segment.destination.address.family = segment.source.address.family;
    address = segment.source.address.family == HF_IPV4 ? 4 : 16;
    for (size_t i = 0; i < address; i++) {
        segment.source.address.bytes[i] = (uint8_t)(next_random(random) | 1);
        segment.destination.address.bytes[i] = (uint8_t)(next_random(random) | 1);
    }
    segment.source.port = (uint16_t)(next_random(random) | 1);
    segment.destination.port = (uint16_t)(next_random(random) | 1);
    segment.protocol = DRILL_PROTOCOL_TCP;
    segment.ttl = (uint8_t)(next_random(random) | 1);
    segment.traffic_class = (uint8_t)next_random(random);
    segment.dont_fragment = true;
    segment.flags = (uint16_t)(next_random(random) & 0x1ff);
    segment.seq = (uint32_t)next_random(random);
    segment.ack = segment.flags & DRILL_ACK ? (uint32_t)next_random(random) : 0;
    segment.urgent = segment.flags & DRILL_URG ? (uint16_t)next_random(random) : 0;
    segment.window = (uint16_t)next_random(random);
    segment.payload = payload;
    segment.payload_length = (uint32_t)(next_random(random) % 1400);
    return segment;
}

static void test_built_is_parsed(void **state)
{
    uint64_t random = 88172645463325252u;
    uint8_t payload[ROOM], packet[ROOM];
    (void)state;
    for (size_t i = 0; i < ROOM; i++)
        payload[i] = (uint8_t)next_random(&random);
    for (int round = 0; round < ROUNDS; round++) {
        struct drill_segment built = some_segment(&random, payload), back;
        struct ip_header ip;
        struct tcp_segment tcp;
        char problem[128];
        size_t length = drill_build(&built, &no_faults, packet, sizeof packet);
        assert_int_not_equal(length, 0);
        assert_int_equal(ip_parse(packet, length, &ip), HF_REASON_NONE);
        assert_int_equal(ip.traffic_class, built.traffic_class);
        assert_int_equal(ip.ttl, built.ttl);
        assert_true(hf_address_equal(&ip.source, &built.source.address));
        assert_true(hf_address_equal(&ip.destination, &built.destination.address));
        assert_int_equal(tcp_parse(ip.payload, ip.payload_length, &tcp), HF_REASON_NONE);
        assert_int_equal(tcp.source_port, built.source.port);
        assert_int_equal(tcp.destination_port, built.destination.port);
        assert_int_equal(tcp.seq.value, built.seq);
        assert_int_equal(tcp.ack.value, built.ack);
        assert_int_equal(tcp.flags, built.flags);
        assert_int_equal(tcp.window, built.window);
        assert_int_equal(tcp.urgent_pointer, built.urgent);
        assert_int_equal(tcp.payload_length, built.payload_length);
        assert_memory_equal(tcp.payload, payload, built.payload_length);
        if (!drill_dissect(packet, length, &back, problem))
            fail_msg("%s", problem);
        assert_int_equal(back.seq, built.seq);
        assert_int_equal(back.flags, built.flags);
    }
}

/* The Internet checksum sees every single bit; what it cannot see is beside it checked by itself
 * (TTL and the like are not in any checksum of IPv6, and are not judged here). */
static void test_every_bit_counts(void **state)
{
    uint64_t random = 424242;
    uint8_t payload[ROOM] = {0}, packet[ROOM];
    (void)state;
    for (int round = 0; round < 50; round++) {
        struct drill_segment built = some_segment(&random, payload), back;
        char problem[128];
        size_t length, from;
        built.payload_length %= 40;
        length = drill_build(&built, &no_faults, packet, sizeof packet);
        from = built.source.address.family == HF_IPV4 ? 0 : 8;
        for (size_t bit = from * 8; bit < length * 8; bit++) {
            packet[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            assert_false(drill_dissect(packet, length, &back, problem));
            assert_int_not_equal(problem[0], '\0');
            packet[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
        assert_true(drill_dissect(packet, length, &back, problem));
    }
}

static void test_faults(void **state)
{
    uint64_t random = 7;
    uint8_t payload[ROOM] = {0}, packet[ROOM];
    struct drill_faults faults = {true, false, DRILL_UNSET};
    (void)state;
    for (int round = 0; round < 100; round++) {
        struct drill_segment built = some_segment(&random, payload), back;
        char problem[128];
        size_t length = drill_build(&built, &faults, packet, sizeof packet);
        assert_false(drill_dissect(packet, length, &back, problem));
    }
}

/* What the stack emits, options included, is read and printed as scripts write it. */
static void test_emitted_is_read(void **state)
{
    struct tcp_segment segment;
    struct ip_header ip;
    struct drill_segment back;
    uint8_t packet[ROOM] = {0};
    char problem[128], text[256];
    size_t length, network;
    uint16_t checksum;
    (void)state;
    memset(&segment, 0, sizeof segment);
    memset(&ip, 0, sizeof ip);
    segment.source_port = 8080;
    segment.destination_port = 53000;
    segment.seq.value = 77;
    segment.ack.value = 88;
    segment.flags = HF_SYN | HF_ACK;
    segment.window = 1234;
    segment.options.has_mss = segment.options.has_sack_permitted = true;
    segment.options.has_timestamps = segment.options.has_window_scale = true;
    segment.options.mss = 1460;
    segment.options.window_scale = 7;
    segment.options.ts_value = 5;
    segment.options.ts_echo = 6;
    assert_int_equal(hf_address_parse("192.168.0.1", &ip.source), 0);
    assert_int_equal(hf_address_parse("192.0.2.1", &ip.destination), 0);
    ip.protocol = IP_PROTOCOL_TCP;
    ip.ttl = 64;
    network = ip_header_bytes(HF_IPV4);
    length = tcp_emit(&segment, packet + network);
    ip.payload_length = (uint32_t)length;
    ip_emit(&ip, packet);
    checksum = checksum_finish(
        checksum_add(ip_pseudo_sum(&ip.source, &ip.destination, IP_PROTOCOL_TCP, (uint32_t)length),
                     packet + network, length));
    memcpy(packet + network + 16, &checksum, sizeof checksum);
    if (!drill_dissect(packet, network + length, &back, problem))
        fail_msg("%s", problem);
    assert_int_equal(back.seq, 77);
    assert_int_equal(back.window, 1234);
    drill_options_print(back.options, back.options_length, 0, text, sizeof text);
    assert_string_equal(text, "mss 1460,sackOK,TS val 5 ecr 6,nop,wscale 7");
}

static void test_truncated(void **state)
{
    uint64_t random = 99;
    uint8_t payload[ROOM] = {0}, packet[ROOM];
    (void)state;
    for (int round = 0; round < 20; round++) {
        struct drill_segment built = some_segment(&random, payload), back;
        char problem[128];
        size_t length = drill_build(&built, &no_faults, packet, sizeof packet);
        for (size_t cut = 0; cut < length; cut++)
            assert_false(drill_dissect(packet, cut, &back, problem));
    }
}

static void test_option_bytes(void **state)
{
    static const uint8_t lengths[][4] = {{2, 0, 1, 1}, {2, 1, 1, 1}, {2, 5, 1, 1}, {1, 1, 1, 3}};
    static const uint8_t padding[] = {1, 0, 0, 7};
    char text[64];
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        assert_false(drill_options_valid(lengths[i], 4));
    assert_false(drill_options_valid(padding, 4));
    assert_true(drill_options_valid(padding, 3));
    drill_options_print(lengths[0], 4, 0, text, sizeof text);
    assert_string_equal(text, "hex 02000101");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_built_is_parsed), cmocka_unit_test(test_every_bit_counts),
        cmocka_unit_test(test_faults),          cmocka_unit_test(test_emitted_is_read),
        cmocka_unit_test(test_truncated),       cmocka_unit_test(test_option_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
