/* SPDX-License-Identifier: MIT
 *
 * RFC 791, RFC 8200, RFC 9293 3.1, RFC 792, RFC 4443, byte by byte. Checksums are summed sixteen
 * bits at a time in a loop that is slow and cannot be misread.
 */
#include "drill_segment.h"

#include <stdio.h>
#include <string.h>

enum {
    V4_HEADER = 20,
    V6_HEADER = 40,
    TCP_HEADER = 20,
    ICMP_HEADER = 8,
    FLAG_DONT_FRAGMENT = 0x4000
};

static uint16_t read_16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t read_32(const uint8_t *at)
{
    return (uint32_t)read_16(at) << 16 | read_16(at + 2);
}

static void write_16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void write_32(uint8_t *at, uint32_t value)
{
    write_16(at, value >> 16);
    write_16(at + 2, value & 0xffff);
}

/* ---- checksums (RFC 1071) */

static uint32_t add_words(uint32_t sum, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

static uint16_t finish(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* With the pseudo header of the packet's version; over a correct message the result is 0. */
static uint16_t transport_checksum(const struct drill_segment *segment, const uint8_t *message,
                                   size_t length)
{
    size_t address = segment->source.address.family == HF_IPV4 ? 4 : 16;
    uint32_t sum = 0;
    if (segment->protocol != DRILL_PROTOCOL_ICMP) {
        sum = add_words(sum, segment->source.address.bytes, address);
        sum = add_words(sum, segment->destination.address.bytes, address);
        sum += (uint32_t)(length >> 16) + (uint32_t)(length & 0xffff) + segment->protocol;
    }
    return finish(add_words(sum, message, length));
}

/* ---- building */

static size_t build_v4(const struct drill_segment *segment, const struct drill_faults *faults,
                       uint8_t *packet, size_t length)
{
    unsigned checksum;
    packet[0] = 0x45;
    packet[1] = segment->traffic_class;
    write_16(packet + 2, (unsigned)length);
    write_16(packet + 6, segment->dont_fragment ? FLAG_DONT_FRAGMENT : 0);
    packet[8] = segment->ttl;
    packet[9] = segment->protocol;
    memcpy(packet + 12, segment->source.address.bytes, 4);
    memcpy(packet + 16, segment->destination.address.bytes, 4);
    checksum = finish(add_words(0, packet, V4_HEADER));
    write_16(packet + 10, faults->bad_ip_checksum ? checksum ^ 0x5555 : checksum);
    return V4_HEADER;
}

static size_t build_v6(const struct drill_segment *segment, uint8_t *packet, size_t length)
{
    write_32(packet,
             6u << 28 | (uint32_t)segment->traffic_class << 20 | (segment->flow_label & 0xfffff));
    write_16(packet + 4, (unsigned)(length - V6_HEADER));
    packet[6] = segment->protocol;
    packet[7] = segment->ttl;
    memcpy(packet + 8, segment->source.address.bytes, 16);
    memcpy(packet + 24, segment->destination.address.bytes, 16);
    return V6_HEADER;
}

static void build_tcp(const struct drill_segment *segment, const struct drill_faults *faults,
                      uint8_t *header)
{
    unsigned words = (TCP_HEADER + (unsigned)segment->options_length) / 4;
    if (faults->data_offset != DRILL_UNSET)
        words = (unsigned)faults->data_offset;
    write_16(header, segment->source.port);
    write_16(header + 2, segment->destination.port);
    write_32(header + 4, segment->seq);
    write_32(header + 8, segment->ack);
    write_16(header + 12,
             words << 12 | (unsigned)segment->reserved << 9 | (segment->flags & 0x1ffu));
    write_16(header + 14, segment->window);
    write_16(header + 18, segment->urgent);
    memcpy(header + TCP_HEADER, segment->options, segment->options_length);
}

size_t drill_build(const struct drill_segment *segment, const struct drill_faults *faults,
                   uint8_t *packet, size_t capacity)
{
    bool tcp = segment->protocol == DRILL_PROTOCOL_TCP,
         v4 = segment->source.address.family == HF_IPV4;
    size_t own = tcp ? (size_t)TCP_HEADER + segment->options_length : (size_t)ICMP_HEADER;
    size_t network = v4 ? V4_HEADER : V6_HEADER;
    size_t length = network + own + segment->payload_length;
    uint8_t *message = packet + network;
    unsigned checksum;
    if (length > capacity || length > UINT16_MAX || segment->options_length % 4 != 0)
        return 0;
    memset(packet, 0, network + own);
    if (v4)
        build_v4(segment, faults, packet, length);
    else
        build_v6(segment, packet, length);
    if (tcp) {
        build_tcp(segment, faults, message);
    } else {
        message[0] = segment->icmp_type;
        message[1] = segment->icmp_code;
        write_32(message + 4, segment->icmp_rest);
    }
    if (segment->payload_length > 0)
        memcpy(message + own, segment->payload, segment->payload_length);
    checksum = transport_checksum(segment, message, length - network);
    write_16(message + (tcp ? 16 : 2), faults->bad_checksum ? checksum ^ 0x5555 : checksum);
    return length;
}

/* ---- taking apart */

#define PROBLEM(...) (snprintf(problem, 128, __VA_ARGS__), false)

static bool dissect_v4(const uint8_t *packet, size_t length, struct drill_segment *segment,
                       char problem[128])
{
    unsigned fragment;
    if (length < V4_HEADER)
        return PROBLEM("%zu bytes are no IPv4 header", length);
    if (packet[0] != 0x45)
        return PROBLEM("IPv4 header of %d words", packet[0] & 15);
    if (read_16(packet + 2) != length)
        return PROBLEM("IPv4 total length %u in a packet of %zu bytes", read_16(packet + 2),
                       length);
    if (finish(add_words(0, packet, V4_HEADER)) != 0)
        return PROBLEM("the IPv4 header checksum 0x%04x is wrong", read_16(packet + 10));
    fragment = read_16(packet + 6);
    if (fragment & ~(unsigned)FLAG_DONT_FRAGMENT)
        return PROBLEM("fragment field 0x%04x", fragment);
    segment->dont_fragment = (fragment & FLAG_DONT_FRAGMENT) != 0;
    segment->traffic_class = packet[1];
    segment->ttl = packet[8];
    segment->protocol = packet[9];
    segment->source.address.family = segment->destination.address.family = HF_IPV4;
    memcpy(segment->source.address.bytes, packet + 12, 4);
    memcpy(segment->destination.address.bytes, packet + 16, 4);
    return true;
}

static bool dissect_v6(const uint8_t *packet, size_t length, struct drill_segment *segment,
                       char problem[128])
{
    uint32_t first;
    if (length < V6_HEADER)
        return PROBLEM("%zu bytes are no IPv6 header", length);
    if (read_16(packet + 4) + (size_t)V6_HEADER != length)
        return PROBLEM("IPv6 payload length %u in a packet of %zu bytes", read_16(packet + 4),
                       length);
    first = read_32(packet);
    segment->traffic_class = (uint8_t)(first >> 20);
    segment->flow_label = first & 0xfffff;
    segment->dont_fragment = true; /* no router fragments */
    segment->protocol = packet[6];
    segment->ttl = packet[7];
    segment->source.address.family = segment->destination.address.family = HF_IPV6;
    memcpy(segment->source.address.bytes, packet + 8, 16);
    memcpy(segment->destination.address.bytes, packet + 24, 16);
    return true;
}

static bool dissect_tcp(const uint8_t *header, size_t length, struct drill_segment *segment,
                        char problem[128])
{
    size_t own;
    if (length < TCP_HEADER)
        return PROBLEM("%zu bytes are no TCP header", length);
    own = (size_t)(header[12] >> 4) * 4;
    if (own < TCP_HEADER || own > length)
        return PROBLEM("TCP data offset %d in a segment of %zu bytes", header[12] >> 4, length);
    if (transport_checksum(segment, header, length) != 0)
        return PROBLEM("the TCP checksum 0x%04x is wrong", read_16(header + 16));
    segment->source.port = read_16(header);
    segment->destination.port = read_16(header + 2);
    segment->seq = read_32(header + 4);
    segment->ack = read_32(header + 8);
    segment->data_offset = header[12] >> 4;
    segment->reserved = (header[12] >> 1) & 7;
    segment->flags = read_16(header + 12) & 0x1ff;
    segment->window = read_16(header + 14);
    segment->urgent = read_16(header + 18);
    segment->options_length = (uint8_t)(own - TCP_HEADER);
    memcpy(segment->options, header + TCP_HEADER, own - TCP_HEADER);
    segment->payload = header + own;
    segment->payload_length = (uint32_t)(length - own);
    if (segment->reserved != 0)
        return PROBLEM("the reserved bits are %d, not 0 (RFC 9293 3.1)", segment->reserved);
    if (!(segment->flags & DRILL_ACK) && segment->ack != 0)
        return PROBLEM("an acknowledgement number without ACK");
    if (!(segment->flags & DRILL_URG) && segment->urgent != 0)
        return PROBLEM("an urgent pointer without URG");
    return true;
}

static bool dissect_icmp(const uint8_t *message, size_t length, struct drill_segment *segment,
                         char problem[128])
{
    if (length < ICMP_HEADER)
        return PROBLEM("%zu bytes are no ICMP message", length);
    if (transport_checksum(segment, message, length) != 0)
        return PROBLEM("the ICMP checksum 0x%04x is wrong", read_16(message + 2));
    segment->icmp_type = message[0];
    segment->icmp_code = message[1];
    segment->icmp_rest = read_32(message + 4);
    segment->payload = message + ICMP_HEADER;
    segment->payload_length = (uint32_t)(length - ICMP_HEADER);
    return true;
}

bool drill_dissect(const uint8_t *packet, size_t length, struct drill_segment *segment,
                   char problem[128])
{
    unsigned version = length > 0 ? packet[0] >> 4 : 0;
    size_t network = version == 4 ? V4_HEADER : V6_HEADER;
    memset(segment, 0, sizeof *segment);
    problem[0] = '\0';
    if (version != 4 && version != 6)
        return PROBLEM("IP version %u", version);
    if (version == 4 ? !dissect_v4(packet, length, segment, problem)
                     : !dissect_v6(packet, length, segment, problem))
        return false;
    switch (segment->protocol) {
    case DRILL_PROTOCOL_TCP:
        return dissect_tcp(packet + network, length - network, segment, problem);
    case DRILL_PROTOCOL_ICMP:
    case DRILL_PROTOCOL_ICMP6:
        if ((segment->protocol == DRILL_PROTOCOL_ICMP) != (version == 4))
            return PROBLEM("ICMP of the other IP version");
        return dissect_icmp(packet + network, length - network, segment, problem);
    default:
        return PROBLEM("IP protocol %d", segment->protocol);
    }
}
