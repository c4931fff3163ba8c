/* SPDX-License-Identifier: MIT
 *
 * The link knows nothing of the layers that parse and emit in earnest (wire), so this is a reading
 * and writing of its own, of what the two messages need and no more.
 */
#include "too_big.h"

#include <stdbool.h>
#include <string.h>

#define IPV4_HEADER 20u
#define IPV6_HEADER 40u
#define ICMP_HEADER 8u
#define IPV4_MESSAGE_MAX 576u /* RFC 1812 4.3.2.3: quote as much as fits this */
#define DONT_FRAGMENT 0x40u
#define PROTOCOL_ICMP 1u
#define PROTOCOL_ICMPV6 58u
#define HOP_LIMIT 64u

static void write_16(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

static void write_32(uint8_t *bytes, uint32_t value)
{
    write_16(bytes, value >> 16);
    write_16(bytes + 2, value);
}

/* RFC 1071's sum of one more run of bytes, of even length but for the last. */
static uint32_t sum(uint32_t before, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i + 1 < length; i += 2)
        before += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    return length % 2 != 0 ? before + ((uint32_t)bytes[length - 1] << 8) : before;
}

static uint32_t checksum_of(uint32_t total)
{
    while (total >> 16 != 0)
        total = (total & 0xffff) + (total >> 16);
    return ~total & 0xffff;
}

/* Types 3, 4, 5, 11 and 12 are about other packets. */
static bool is_icmp_error(const uint8_t *packet, size_t length, size_t header)
{
    uint8_t type = length > header ? packet[header] : 3;

    return packet[9] == PROTOCOL_ICMP && (type == 3 || type == 4 || type == 5 || type > 10);
}

static size_t too_big_ipv4(const uint8_t *packet, size_t length, uint32_t mtu,
                           const struct hf_address *router, uint8_t *message)
{
    size_t header = (size_t)(packet[0] & 0x0f) * 4;
    size_t quoted = IPV4_MESSAGE_MAX - IPV4_HEADER - ICMP_HEADER;
    uint8_t *icmp = message + IPV4_HEADER;

    if ((packet[6] & DONT_FRAGMENT) == 0 || is_icmp_error(packet, length, header))
        return 0;
    quoted = length < quoted ? length : quoted;
    memset(message, 0, IPV4_HEADER + ICMP_HEADER);
    message[0] = 0x45;
    write_16(message + 2, (uint32_t)(IPV4_HEADER + ICMP_HEADER + quoted));
    message[8] = HOP_LIMIT;
    message[9] = PROTOCOL_ICMP;
    memcpy(message + 12, router->family == HF_IPV4 ? router->bytes : packet + 16, 4);
    memcpy(message + 16, packet + 12, 4);
    write_16(message + 10, checksum_of(sum(0, message, IPV4_HEADER)));
    icmp[0] = 3;
    icmp[1] = 4;
    write_16(icmp + 6, mtu);
    memcpy(icmp + ICMP_HEADER, packet, quoted);
    write_16(icmp + 2, checksum_of(sum(0, icmp, ICMP_HEADER + quoted)));
    return IPV4_HEADER + ICMP_HEADER + quoted;
}

static size_t too_big_ipv6(const uint8_t *packet, size_t length, uint32_t mtu,
                           const struct hf_address *router, uint8_t *message)
{
    size_t quoted = TOO_BIG_MAX_BYTES - IPV6_HEADER - ICMP_HEADER;
    uint8_t *icmp = message + IPV6_HEADER;
    uint32_t pseudo;

    /* Types below 128 are errors. */
    if (packet[6] == PROTOCOL_ICMPV6 && (length <= IPV6_HEADER || packet[IPV6_HEADER] < 128))
        return 0;
    quoted = length < quoted ? length : quoted;
    memset(message, 0, IPV6_HEADER + ICMP_HEADER);
    message[0] = 0x60;
    write_16(message + 4, (uint32_t)(ICMP_HEADER + quoted));
    message[6] = PROTOCOL_ICMPV6;
    message[7] = HOP_LIMIT;
    memcpy(message + 8, router->family == HF_IPV6 ? router->bytes : packet + 24, 16);
    memcpy(message + 24, packet + 8, 16);
    icmp[0] = 2;
    write_32(icmp + 4, mtu);
    memcpy(icmp + ICMP_HEADER, packet, quoted);
    pseudo = sum((uint32_t)(ICMP_HEADER + quoted) + PROTOCOL_ICMPV6, message + 8, 32);
    write_16(icmp + 2, checksum_of(sum(pseudo, icmp, ICMP_HEADER + quoted)));
    return IPV6_HEADER + ICMP_HEADER + quoted;
}

size_t too_big(const uint8_t *packet, size_t length, uint32_t mtu, const struct hf_address *router,
               uint8_t message[TOO_BIG_MAX_BYTES])
{
    uint8_t version = length > 0 ? packet[0] >> 4 : 0;

    if (version == 4 && length >= IPV4_HEADER)
        return too_big_ipv4(packet, length, mtu, router, message);
    if (version == 6 && length >= IPV6_HEADER)
        return too_big_ipv6(packet, length, mtu, router, message);
    return 0;
}
