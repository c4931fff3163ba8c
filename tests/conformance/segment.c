/* SPDX-License-Identifier: MIT
 *
 * Bytes to segments and back, slowly and plainly: every field by its octet, every check that the
 * RFCs let a reader make. The parser is stricter than a receiver may be, for it judges a sender.
 */
#include "segment.h"
#include <handfast/trace.h>
#include <string.h>

enum { PROTOCOL_TCP = 6, IPV4_HEADER = 20, IPV6_HEADER = 40, TCP_HEADER = 20 };

static void write16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void write32(uint8_t *at, uint32_t value)
{
    write16(at, value >> 16);
    write16(at + 2, value);
}

static uint32_t read16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t read32(const uint8_t *at)
{
    return read16(at) << 16 | read16(at + 2);
}

uint32_t plain_sum(uint32_t sum, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
    }
    return sum;
}

uint16_t plain_fold(uint32_t sum)
{
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

static size_t address_bytes(const struct hf_address *address)
{
    return address->family == HF_IPV4 ? 4 : 16;
}

uint32_t plain_pseudo_sum(const struct hf_address *source, const struct hf_address *destination,
                          uint8_t protocol, size_t length)
{
    uint32_t sum = plain_sum(0, source->bytes, address_bytes(source));
    sum = plain_sum(sum, destination->bytes, address_bytes(destination));
    return sum + protocol + (uint32_t)length;
}

size_t ip_build(const struct hf_address *source, const struct hf_address *destination,
                uint8_t protocol, uint8_t ttl, size_t payload_bytes, uint8_t *packet)
{
    if (source->family == HF_IPV4) {
        memset(packet, 0, IPV4_HEADER);
        packet[0] = 0x45;
        write16(packet + 2, (uint32_t)(IPV4_HEADER + payload_bytes));
        packet[6] = 0x40; /* DF */
        packet[8] = ttl;
        packet[9] = protocol;
        memcpy(packet + 12, source->bytes, 4);
        memcpy(packet + 16, destination->bytes, 4);
        write16(packet + 10, plain_fold(plain_sum(0, packet, IPV4_HEADER)));
        return IPV4_HEADER;
    }
    memset(packet, 0, IPV6_HEADER);
    packet[0] = 0x60;
    write16(packet + 4, (uint32_t)payload_bytes);
    packet[6] = protocol;
    packet[7] = ttl;
    memcpy(packet + 8, source->bytes, 16);
    memcpy(packet + 24, destination->bytes, 16);
    return IPV6_HEADER;
}

size_t segment_build(const struct segment *segment, uint8_t *packet)
{
    size_t options = (segment->option_bytes + 3) / 4 * 4;
    size_t header = TCP_HEADER + options;
    size_t length = header + segment->payload_bytes;
    size_t offset = ip_build(&segment->source, &segment->destination, PROTOCOL_TCP, segment->ttl,
                             length, packet);
    uint8_t *tcp = packet + offset;
    unsigned data_offset =
        segment->data_offset < 0 ? (unsigned)(header / 4) : (unsigned)segment->data_offset;

    memset(tcp, 0, header);
    write16(tcp, segment->source_port);
    write16(tcp + 2, segment->destination_port);
    write32(tcp + 4, segment->seq);
    write32(tcp + 8, segment->ack);
    write16(tcp + 12, data_offset << 12 | segment->reserved << 9 | segment->flags);
    write16(tcp + 14, segment->window);
    write16(tcp + 18, segment->urgent);
    memcpy(tcp + TCP_HEADER, segment->options, segment->option_bytes);
    if (segment->payload_bytes > 0) {
        memcpy(tcp + header, segment->payload, segment->payload_bytes);
    }
    segment_fix_checksum(packet, offset + length);
    if (segment->bad_checksum) {
        tcp[16] ^= 0x10;
    }
    return offset + length;
}

void segment_fix_checksum(uint8_t *packet, size_t length)
{
    struct hf_address source = {0}, destination = {0};
    size_t offset = packet[0] >> 4 == 4 ? IPV4_HEADER : IPV6_HEADER;
    uint8_t *tcp = packet + offset;

    source.family = destination.family = offset == IPV4_HEADER ? HF_IPV4 : HF_IPV6;
    if (offset == IPV4_HEADER) {
        memcpy(source.bytes, packet + 12, 4);
        memcpy(destination.bytes, packet + 16, 4);
    } else {
        memcpy(source.bytes, packet + 8, 16);
        memcpy(destination.bytes, packet + 24, 16);
    }
    write16(tcp + 16, 0);
    write16(tcp + 16, plain_fold(plain_sum(
                          plain_pseudo_sum(&source, &destination, PROTOCOL_TCP, length - offset),
                          tcp, length - offset)));
}

static const char *parse_ipv4(const uint8_t *packet, size_t length, struct segment *segment,
                              uint8_t *protocol, size_t *header)
{
    if (length < IPV4_HEADER) {
        return "shorter than an IPv4 header";
    }
    if (packet[0] != 0x45) {
        return "IPv4 header length is not 20";
    }
    if (read16(packet + 2) != length) {
        return "IPv4 total length differs from the packet's";
    }
    if (plain_fold(plain_sum(0, packet, IPV4_HEADER)) != 0) {
        return "IPv4 header checksum is wrong";
    }
    if (packet[6] & 0x80) {
        return "IPv4 reserved flag is set";
    }
    if (read16(packet + 6) & 0x3fff) {
        return "IPv4 fragment";
    }
    segment->traffic_class = packet[1];
    segment->ttl = packet[8];
    *protocol = packet[9];
    segment->source.family = segment->destination.family = HF_IPV4;
    memcpy(segment->source.bytes, packet + 12, 4);
    memcpy(segment->destination.bytes, packet + 16, 4);
    *header = IPV4_HEADER;
    return NULL;
}

static const char *parse_ipv6(const uint8_t *packet, size_t length, struct segment *segment,
                              uint8_t *protocol, size_t *header)
{
    if (length < IPV6_HEADER) {
        return "shorter than an IPv6 header";
    }
    if (packet[0] >> 4 != 6) {
        return "neither IPv4 nor IPv6";
    }
    if (read16(packet + 4) + IPV6_HEADER != length) {
        return "IPv6 payload length differs from the packet's";
    }
    segment->traffic_class = (uint8_t)(read16(packet) >> 4);
    *protocol = packet[6];
    segment->ttl = packet[7];
    segment->source.family = segment->destination.family = HF_IPV6;
    memcpy(segment->source.bytes, packet + 8, 16);
    memcpy(segment->destination.bytes, packet + 24, 16);
    *header = IPV6_HEADER;
    return NULL;
}

/* One option of `length` octets, kind and length included. */
static const char *parse_option(const uint8_t *at, size_t length, struct segment *segment)
{
    switch (at[0]) {
    case 2:
        if (length != 4 || segment->has_mss) {
            return "MSS option of a wrong length or twice";
        }
        segment->has_mss = 1;
        segment->mss = read16(at + 2);
        return NULL;
    case 3:
        if (length != 3 || segment->has_ws || at[2] > 14) {
            return "window scale option of a wrong length, twice or above 14";
        }
        segment->has_ws = 1;
        segment->ws = at[2];
        return NULL;
    case 4:
        if (length != 2 || segment->has_sackok) {
            return "SACK-permitted option of a wrong length or twice";
        }
        segment->has_sackok = 1;
        return NULL;
    case 5:
        if (segment->sack_count > 0 || length < 10 || (length - 2) % 8 != 0) {
            return "SACK option of a wrong length or twice";
        }
        segment->sack_count = (unsigned)(length - 2) / 8;
        for (unsigned i = 0; i < segment->sack_count; i++) {
            segment->sack[i][0] = read32(at + 2 + 8 * i);
            segment->sack[i][1] = read32(at + 6 + 8 * i);
        }
        return NULL;
    case 8:
        if (length != 10 || segment->has_ts) {
            return "timestamps option of a wrong length or twice";
        }
        segment->has_ts = 1;
        segment->ts_value = read32(at + 2);
        segment->ts_echo = read32(at + 6);
        return NULL;
    default:
        return "an option that nobody asked for";
    }
}

static const char *parse_options(struct segment *segment)
{
    size_t at = 0;

    while (at < segment->option_bytes) {
        size_t length = 1;
        if (segment->options[at] == 0) {
            for (; at < segment->option_bytes; at++) {
                if (segment->options[at] != 0) {
                    return "padding after End of Option List is not zero";
                }
            }
            return NULL;
        }
        if (segment->options[at] != 1) {
            if (at + 1 >= segment->option_bytes || segment->options[at + 1] < 2 ||
                at + segment->options[at + 1] > segment->option_bytes) {
                return "an option overruns the header";
            }
            length = segment->options[at + 1];
            const char *wrong = parse_option(segment->options + at, length, segment);
            if (wrong != NULL) {
                return wrong;
            }
        }
        at += length;
    }
    return NULL;
}

static const char *parse_tcp(const uint8_t *tcp, size_t length, struct segment *segment)
{
    size_t header;

    if (length < TCP_HEADER) {
        return "shorter than a TCP header";
    }
    header = (size_t)(tcp[12] >> 4) * 4;
    if (header < TCP_HEADER || header > length) {
        return "TCP data offset out of range";
    }
    if (plain_fold(plain_sum(
            plain_pseudo_sum(&segment->source, &segment->destination, PROTOCOL_TCP, length), tcp,
            length)) != 0) {
        return "TCP checksum is wrong";
    }
    segment->source_port = (uint16_t)read16(tcp);
    segment->destination_port = (uint16_t)read16(tcp + 2);
    segment->seq = read32(tcp + 4);
    segment->ack = read32(tcp + 8);
    segment->reserved = tcp[12] >> 1 & 7;
    segment->flags = read16(tcp + 12) & 0x1ff;
    segment->window = (uint16_t)read16(tcp + 14);
    segment->urgent = (uint16_t)read16(tcp + 18);
    segment->option_bytes = header - TCP_HEADER;
    memcpy(segment->options, tcp + TCP_HEADER, segment->option_bytes);
    segment->payload = tcp + header;
    segment->payload_bytes = length - header;
    return parse_options(segment);
}

const char *segment_parse(const uint8_t *packet, size_t length, struct segment *segment,
                          uint8_t *protocol)
{
    size_t header = 0;
    const char *wrong;

    memset(segment, 0, sizeof *segment);
    if (length > 0 && packet[0] >> 4 == 4) {
        wrong = parse_ipv4(packet, length, segment, protocol, &header);
    } else {
        wrong = parse_ipv6(packet, length, segment, protocol, &header);
    }
    if (wrong != NULL || *protocol != PROTOCOL_TCP) {
        return wrong;
    }
    return parse_tcp(packet + header, length - header, segment);
}
