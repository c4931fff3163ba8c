/* SPDX-License-Identifier: MIT
 *
 * Packets laid out by hand, byte for byte from the RFCs' figures; every cut of them; and noise.
 * Each cut lies in a block of its own exact size, so that a read past it shows under ASan.
 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "packet_glance.h"

#include <stdlib.h>
#include <string.h>

/* IPv4 with one option word, TCP with 4 bytes of options and 3 of data; 192.0.2.1:4660 to
 * 198.51.100.7:80. */
static const uint8_t ipv4_segment[] = {
    0x46, 0x00, 0x00, 0x33, 0x00, 0x01, 0x40, 0x00, 0x40, 0x06, 0x00, 0x00, 192,
    0,    2,    1,    198,  51,   100,  7,    0x01, 0x01, 0x01, 0x00, 0x12, 0x34,
    0x00, 0x50, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x02, 0x03, 0x04, 0x61, 0x39, 0xfe,
    0xdc, 0x00, 0x00, 0xab, 0xcd, 0x01, 0x01, 0x01, 0x01, 'a',  'b',  'c',
};

/* IPv6, TCP SYN without options; [2001:db8::1]:65535 to [2001:db8::2]:1. */
static const uint8_t ipv6_segment[] = {
    0x60, 0x00, 0x00, 0x00, 0x00, 0x14, 0x06, 0x40, 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff, 0xff, 0x00, 0x01, 0x00,
    0x00, 0x00, 0x07, 0x00, 0x00, 0x00, 0x00, 0x50, 0x02, 0x00, 0x40, 0x00, 0x00, 0x00, 0x00,
};

static void glance_at_copy(const uint8_t *bytes, size_t length, struct packet_glance *glance)
{
    uint8_t *copy = malloc(length == 0 ? 1 : length);

    assert_non_null(copy);
    memcpy(copy, bytes, length);
    packet_glance(copy, length, glance);
    free(copy);
}

static void ipv4_segment_is_read(void **state)
{
    static const uint8_t source[16] = {192, 0, 2, 1}, destination[16] = {198, 51, 100, 7};
    struct packet_glance glance;

    (void)state;
    glance_at_copy(ipv4_segment, sizeof ipv4_segment, &glance);
    assert_true(glance.has_segment);
    assert_int_equal(glance.source.address.family, HF_IPV4);
    assert_memory_equal(glance.source.address.bytes, source, 16);
    assert_int_equal(glance.source.port, 4660);
    assert_int_equal(glance.destination.address.family, HF_IPV4);
    assert_memory_equal(glance.destination.address.bytes, destination, 16);
    assert_int_equal(glance.destination.port, 80);
    assert_int_equal(glance.segment.seq, 0x89abcdef);
    assert_int_equal(glance.segment.ack, 0x01020304);
    assert_int_equal(glance.segment.flags, HF_AE | HF_URG | HF_ACK | HF_PSH | HF_FIN);
    assert_int_equal(glance.segment.window, 0xfedc);
    assert_int_equal(glance.segment.urgent_pointer, 0xabcd);
    assert_int_equal(glance.segment.length, 3);
    assert_int_equal(glance.segment.window_scale, -1);
    assert_int_equal(glance.segment.mss, 0);
}

static void ipv6_segment_is_read(void **state)
{
    struct packet_glance glance;

    (void)state;
    glance_at_copy(ipv6_segment, sizeof ipv6_segment, &glance);
    assert_true(glance.has_segment);
    assert_int_equal(glance.source.address.family, HF_IPV6);
    assert_memory_equal(glance.source.address.bytes, ipv6_segment + 8, 16);
    assert_int_equal(glance.source.port, 65535);
    assert_memory_equal(glance.destination.address.bytes, ipv6_segment + 24, 16);
    assert_int_equal(glance.destination.port, 1);
    assert_int_equal(glance.segment.seq, 7);
    assert_int_equal(glance.segment.flags, HF_SYN);
    assert_int_equal(glance.segment.length, 0);
}

/* A packet cut short anywhere is no whole segment; its addresses show once they are all there. */
static void cut_packets_have_no_segment(void **state)
{
    struct packet_glance glance;

    (void)state;
    for (size_t length = 0; length < sizeof ipv4_segment; length++) {
        glance_at_copy(ipv4_segment, length, &glance);
        assert_false(glance.has_segment);
        assert_int_equal(glance.source.address.family, length >= 20 ? HF_IPV4 : HF_FAMILY_ANY);
        assert_int_equal(glance.source.port, 0);
    }
    for (size_t length = 0; length < sizeof ipv6_segment; length++) {
        glance_at_copy(ipv6_segment, length, &glance);
        assert_false(glance.has_segment);
        assert_int_equal(glance.source.address.family, length >= 40 ? HF_IPV6 : HF_FAMILY_ANY);
    }
}

struct change {
    size_t offset;
    uint8_t value;
};

static void what_is_no_segment_is_not_read_as_one(void **state)
{
    static const struct change changes[] = {
        {0, 0x56},  /* version 5 */
        {0, 0x44},  /* header of 16 bytes */
        {0, 0x4f},  /* header of 60 bytes, past the end */
        {2, 0xff},  /* total length past the end */
        {3, 0x10},  /* total length inside the header */
        {3, 0x2b},  /* 19 bytes of TCP */
        {6, 0x60},  /* more fragments */
        {7, 0x01},  /* a later fragment */
        {9, 0x11},  /* UDP */
        {36, 0x41}, /* data offset 4 */
        {36, 0x71}, /* data offset 7: 28 bytes of 27 */
    };
    uint8_t packet[sizeof ipv4_segment];
    struct packet_glance glance;

    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        memcpy(packet, ipv4_segment, sizeof packet);
        packet[changes[i].offset] = changes[i].value;
        glance_at_copy(packet, sizeof packet, &glance);
        assert_false(glance.has_segment);
    }
}

static void noise_is_harmless(void **state)
{
    uint8_t packet[96];
    uint32_t random = 99;
    struct packet_glance glance;
    unsigned segments = 0;

    (void)state;
    for (int round = 0; round < 200000; round++) {
        size_t length;
        for (size_t i = 0; i < sizeof packet; i++) {
            random = random * 1664525u + 1013904223u;
            packet[i] = (uint8_t)(random >> 24);
        }
        length = packet[95] % sizeof packet;
        packet[0] = (uint8_t)((packet[94] & 1 ? 0x40 : 0x60) | (packet[0] & 0x0f));
        packet[2] = 0;
        packet[4] = 0;
        if (packet[94] & 2)
            packet[packet[94] & 1 ? 9 : 6] = 6;
        glance_at_copy(packet, length, &glance);
        if (glance.has_segment) {
            assert_in_range(glance.segment.length, 0, length);
            segments++;
        }
    }
    assert_true(segments > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv4_segment_is_read),
        cmocka_unit_test(ipv6_segment_is_read),
        cmocka_unit_test(cut_packets_have_no_segment),
        cmocka_unit_test(what_is_no_segment_is_not_read_as_one),
        cmocka_unit_test(noise_is_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
