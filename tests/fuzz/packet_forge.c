/* SPDX-License-Identifier: MIT */
#include "packet_forge.h"

#include <string.h>

uint64_t forge_next(struct forge_random *random)
{
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint32_t forge_below(struct forge_random *random, uint32_t bound)
{
    return (uint32_t)(forge_next(random) % bound);
}

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

static uint32_t sum_words(uint32_t sum, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i + 1 < length; i += 2) {
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
        sum = (sum & 0xffff) + (sum >> 16);
    }
    if (length & 1) {
        sum += (uint32_t)bytes[length - 1] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

/* The checksum of a payload behind an IP header of which `addresses` (both, adjacent) are known. */
static void put_checksum(uint8_t *field, const uint8_t *addresses, size_t address_bytes,
                         uint8_t protocol, const uint8_t *payload, size_t length)
{
    uint32_t sum = sum_words(0, addresses, address_bytes);
    sum += protocol;
    sum += (uint32_t)(length >> 16) + (uint32_t)(length & 0xffff);
    put16(field, 0);
    sum = sum_words(sum, payload, length);
    sum = (sum & 0xffff) + (sum >> 16);
    put16(field, ~sum & 0xffff);
}

static size_t put_ip(uint8_t *packet, const struct hf_address *from, const struct hf_address *to,
                     uint8_t protocol, size_t payload_length)
{
    if (from->family == HF_IPV4) {
        memset(packet, 0, 20);
        packet[0] = 0x45;
        put16(packet + 2, (uint32_t)payload_length + 20);
        packet[6] = 0x40;
        packet[8] = 64;
        packet[9] = protocol;
        memcpy(packet + 12, from->bytes, 4);
        memcpy(packet + 16, to->bytes, 4);
        put16(packet + 10, ~sum_words(0, packet, 20) & 0xffff);
        return 20;
    }
    memset(packet, 0, 40);
    packet[0] = 0x60;
    put16(packet + 4, (uint32_t)payload_length);
    packet[6] = protocol;
    packet[7] = 64;
    memcpy(packet + 8, from->bytes, 16);
    memcpy(packet + 24, to->bytes, 16);
    return 40;
}

static const uint8_t *addresses_of(const uint8_t *packet, size_t *bytes)
{
    *bytes = packet[0] >> 4 == 4 ? 8 : 32;
    return packet[0] >> 4 == 4 ? packet + 12 : packet + 8;
}

size_t forge_tcp(const struct forge_segment *segment, uint8_t packet[FORGE_MAX_BYTES])
{
    size_t length = 20 + segment->option_length + segment->payload_length;
    size_t header = put_ip(packet, &segment->from.address, &segment->to.address, 6, length);
    uint8_t *tcp = packet + header;
    size_t address_bytes;
    const uint8_t *addresses = addresses_of(packet, &address_bytes);
    put16(tcp, segment->from.port);
    put16(tcp + 2, segment->to.port);
    put32(tcp + 4, segment->seq);
    put32(tcp + 8, segment->ack);
    put16(tcp + 12, (uint32_t)((5 + segment->option_length / 4) << 12) | segment->flags);
    put16(tcp + 14, segment->window);
    put16(tcp + 18, segment->urgent_pointer);
    if (segment->option_length > 0) {
        memcpy(tcp + 20, segment->options, segment->option_length);
    }
    if (segment->payload_length > 0) {
        memcpy(tcp + 20 + segment->option_length, segment->payload, segment->payload_length);
    }
    put_checksum(tcp + 16, addresses, address_bytes, 6, tcp, length);
    return header + length;
}

size_t forge_icmp(const struct hf_address *from, const struct hf_address *to, uint8_t type,
                  uint8_t code, uint32_t rest, const uint8_t *quoted, size_t quoted_length,
                  uint8_t packet[FORGE_MAX_BYTES])
{
    uint8_t protocol = from->family == HF_IPV4 ? 1 : 58;
    size_t header = put_ip(packet, from, to, protocol, 8 + quoted_length);
    uint8_t *icmp = packet + header;
    size_t address_bytes;
    const uint8_t *addresses = addresses_of(packet, &address_bytes);
    icmp[0] = type;
    icmp[1] = code;
    put32(icmp + 4, rest);
    memcpy(icmp + 8, quoted, quoted_length);
    if (protocol == 58) {
        put_checksum(icmp + 2, addresses, address_bytes, protocol, icmp, 8 + quoted_length);
    } else {
        put16(icmp + 2, 0);
        put16(icmp + 2, ~sum_words(0, icmp, 8 + quoted_length) & 0xffff);
    }
    return header + 8 + quoted_length;
}

void forge_mend_checksums(uint8_t *packet, size_t length)
{
    size_t header;
    uint8_t protocol;
    size_t address_bytes;
    const uint8_t *addresses;
    size_t field;
    if (length < 40 || (packet[0] >> 4 != 4 && packet[0] >> 4 != 6)) {
        return;
    }
    if (packet[0] >> 4 == 4) {
        header = (size_t)(packet[0] & 15) * 4;
        protocol = packet[9];
        if (header < 20 || header > length) {
            return;
        }
        put16(packet + 10, 0);
        put16(packet + 10, ~sum_words(0, packet, header) & 0xffff);
    } else {
        header = 40;
        protocol = packet[6];
    }
    field = protocol == 6 ? 16 : 2;
    if (header + field + 2 > length) {
        return;
    }
    addresses = addresses_of(packet, &address_bytes);
    if (protocol == 1) {
        put16(packet + header + 2, 0);
        put16(packet + header + 2, ~sum_words(0, packet + header, length - header) & 0xffff);
    } else if (protocol == 6 || protocol == 58) {
        put_checksum(packet + header + field, addresses, address_bytes, protocol, packet + header,
                     length - header);
    }
}
