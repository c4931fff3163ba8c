/* SPDX-License-Identifier: MIT
 *
 * Every traffic class, over IPv4 (whose checksum is computed anew by the rule of RFC 1071 to
 * compare) and IPv6.
 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "ecn_mark.h"

#include <string.h>

static uint32_t header_sum(const uint8_t header[20])
{
    uint32_t sum = 0;

    for (int i = 0; i < 20; i += 2)
        sum += (uint32_t)(header[i] * 256 + header[i + 1]);
    while (sum > 0xffff)
        sum = sum % 0x10000 + sum / 0x10000;
    return sum;
}

static void ipv4_is_marked_and_stays_valid(void **state)
{
    (void)state;
    for (int class = 0; class < 256; class ++) {
        for (int salt = 0; salt < 300; salt++) {
            uint8_t packet[20] = {
                0x45, (uint8_t) class, 0, 20, (uint8_t)salt, (uint8_t)(salt * 7), 0, 0, 64, 6};
            uint8_t before[20];
            uint32_t sum = header_sum(packet) ^ 0xffff;

            packet[10] = (uint8_t)(sum / 256);
            packet[11] = (uint8_t)sum;
            memcpy(before, packet, sizeof packet);
            if (class % 4 == 0) {
                assert_false(ecn_mark(packet, sizeof packet));
                assert_memory_equal(packet, before, sizeof packet);
                continue;
            }
            assert_true(ecn_mark(packet, sizeof packet));
            assert_int_equal(packet[1], class / 4 * 4 + 3);
            assert_int_equal(header_sum(packet), 0xffff);
            packet[1] = before[1];
            packet[10] = before[10];
            packet[11] = before[11];
            assert_memory_equal(packet, before, sizeof packet);
        }
    }
}

static void ipv6_is_marked(void **state)
{
    (void)state;
    for (int class = 0; class < 256; class ++) {
        uint8_t packet[40] = {(uint8_t)(0x60 + class / 16), (uint8_t)(class % 16 * 16 + 5), 9, 9};
        uint8_t expected[40];

        memcpy(expected, packet, sizeof packet);
        if (class % 4 != 0)
            expected[1] = (uint8_t)((class / 4 * 4 + 3) % 16 * 16 + 5);
        assert_int_equal(ecn_mark(packet, sizeof packet), class % 4 != 0);
        assert_memory_equal(packet, expected, sizeof packet);
    }
}

static void what_is_no_ip_packet_is_left_alone(void **state)
{
    uint8_t bytes[40];

    (void)state;
    for (unsigned version = 0; version < 16; version++) {
        for (size_t length = 0; length <= sizeof bytes; length++) {
            memset(bytes, 0xff, sizeof bytes);
            bytes[0] = (uint8_t)(version << 4 | 5);
            if ((version == 4 && length >= 20) || (version == 6 && length >= 40))
                continue;
            assert_false(ecn_mark(bytes, length));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv4_is_marked_and_stays_valid),
        cmocka_unit_test(ipv6_is_marked),
        cmocka_unit_test(what_is_no_ip_packet_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
