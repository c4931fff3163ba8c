/* SPDX-License-Identifier: MIT
 *
 * Reading and writing IP headers. The peer's lengths are believed only as far as the bytes reach.
 *
 * IPv4: the checksum is looked at as soon as the header is known to be all there, for a header that
 * fails it proves nothing else. Options are walked, to know that they can be, and then ignored
 * (RFC 9293 MUST-50).
 *
 * IPv6: extension headers form a chain, each naming the next. The ones a host must step over to
 * find TCP are stepped over; any other number ends the chain and is the packet's protocol, whether
 * it is TCP, ESP, "no next header", or something this host has never heard of. Real packets carry
 * one or two; the chain is bounded, so that nobody buys work with headers (RFC 8504 5.3 allows a
 * limit). Options that must not be skipped when they are unknown (RFC 8200 4.2: the two high bits
 * of their type) refuse the packet; among them is the jumbo payload option, which this host does
 * not take.
 *
 * A packet quoted in an ICMP error was sent by this host, or is said to have been, and is cut
 * short: there the length field may promise more than there is, a first fragment still has the
 * ports (only first fragments may be quoted: RFC 1122 3.2.2), and a routing header may have places
 * left to go.
 */
#include "ip_header.h"

#include "checksum.h"
#include "hf_assert.h"
#include "wire_bytes.h"

#include <string.h>

enum { NEXT_HOP_BY_HOP = 0, NEXT_ROUTING = 43, NEXT_FRAGMENT = 44, NEXT_DESTINATION_OPTIONS = 60 };

#define IPV4_OPTION_END 0u
#define IPV4_OPTION_NOP 1u
#define IPV4_FLAG_MORE_FRAGMENTS 0x2000u
#define IPV4_FRAGMENT_OFFSET 0x1fffu
#define IPV6_OPTION_PAD1 0u
#define IPV6_OPTION_MUST_KNOW 0xc0u
#define IPV6_FRAGMENT_HEADER_BYTES 8u
#define IPV6_FRAGMENT_OFFSET 0xfff8u
#define IPV6_FRAGMENT_MORE 0x0001u
#define EXTENSION_HEADERS_MAX 8u

/* Into zeroes, in place: a struct returned by value would be stored and at once loaded again. */
static void read_address(struct hf_address *address, uint8_t family, const uint8_t *bytes)
{
    address->family = family;
    memcpy(address->bytes, bytes, family == HF_IPV4 ? 4 : 16);
}

static enum hf_reason check_ipv4_options(const uint8_t *bytes, size_t length)
{
    size_t at = 0;
    while (at < length && bytes[at] != IPV4_OPTION_END) {
        if (bytes[at] == IPV4_OPTION_NOP) {
            at++;
            continue;
        }
        if (length - at < 2 || bytes[at + 1] < 2 || bytes[at + 1] > length - at) {
            return HF_REASON_IP_OPTION;
        }
        at += bytes[at + 1];
    }
    return HF_REASON_NONE;
}

/* Finds the payload between the length field and what is there. */
static enum hf_reason set_payload(const uint8_t *bytes, size_t length, size_t total, bool quoted,
                                  struct ip_header *header)
{
    if (total < header->header_length || (total > length && !quoted)) {
        return HF_REASON_IP_TOTAL_LENGTH;
    }
    size_t end = total < length ? total : length;
    header->payload = bytes + header->header_length;
    header->payload_length = (uint32_t)(end - header->header_length);
    return HF_REASON_NONE;
}

static enum hf_reason parse_ipv4(const uint8_t *bytes, size_t length, bool quoted,
                                 struct ip_header *header)
{
    if (length < IPV4_HEADER_BYTES) {
        return HF_REASON_IP_TOO_SHORT;
    }
    unsigned header_length = (bytes[0] & 15u) * 4u;
    if (header_length < IPV4_HEADER_BYTES || header_length > length) {
        return HF_REASON_IP_HEADER_LENGTH;
    }
    if (!quoted && checksum_finish(checksum_add_header(0, bytes, header_length)) != 0) {
        return HF_REASON_IP_CHECKSUM;
    }
    uint16_t fragment = wire_read_16(bytes + 6);
    header->traffic_class = bytes[1];
    header->identification = wire_read_16(bytes + 4);
    header->dont_fragment = (fragment & IPV4_FLAG_DONT_FRAGMENT) != 0;
    header->ttl = bytes[8];
    header->protocol = bytes[9];
    read_address(&header->source, HF_IPV4, bytes + 12);
    read_address(&header->destination, HF_IPV4, bytes + 16);
    header->header_length = (uint16_t)header_length;

    enum hf_reason reason = set_payload(bytes, length, wire_read_16(bytes + 2), quoted, header);
    if (reason != HF_REASON_NONE) {
        return reason;
    }
    reason = check_ipv4_options(bytes + IPV4_HEADER_BYTES, header_length - IPV4_HEADER_BYTES);
    if (reason != HF_REASON_NONE) {
        return reason;
    }
    unsigned refused = IPV4_FRAGMENT_OFFSET | (quoted ? 0u : IPV4_FLAG_MORE_FRAGMENTS);
    return (fragment & refused) != 0 ? HF_REASON_IP_FRAGMENT : HF_REASON_NONE;
}

/* The options of a hop-by-hop or destination options header (RFC 8200 4.2). */
static enum hf_reason check_ipv6_options(const uint8_t *bytes, size_t length, bool quoted)
{
    size_t at = 0;
    while (at < length) {
        if (bytes[at] == IPV6_OPTION_PAD1) {
            at++;
            continue;
        }
        if (length - at < 2 || bytes[at + 1] > length - at - 2) {
            return HF_REASON_IP_EXTENSION;
        }
        if ((bytes[at] & IPV6_OPTION_MUST_KNOW) != 0 && !quoted) {
            return HF_REASON_IP_EXTENSION;
        }
        at += 2u + bytes[at + 1];
    }
    return HF_REASON_NONE;
}

/* Steps over the extension header header->protocol at header->payload. */
static enum hf_reason step_over_extension(struct ip_header *header, bool quoted)
{
    const uint8_t *extension = header->payload;
    if (header->payload_length < 8) {
        return HF_REASON_IP_EXTENSION;
    }
    unsigned extension_length = (extension[1] + 1u) * 8u;
    if (header->protocol == NEXT_FRAGMENT) {
        unsigned fragment = wire_read_16(extension + 2);
        if (fragment & (IPV6_FRAGMENT_OFFSET | (quoted ? 0u : IPV6_FRAGMENT_MORE))) {
            return HF_REASON_IP_FRAGMENT;
        }
        extension_length = IPV6_FRAGMENT_HEADER_BYTES; /* its second byte is reserved */
    }
    if (extension_length > header->payload_length) {
        return HF_REASON_IP_EXTENSION;
    }
    if (header->protocol == NEXT_ROUTING) {
        if (extension[3] != 0 && !quoted) { /* segments left: not for us (RFC 8200 4.4) */
            return HF_REASON_IP_EXTENSION;
        }
    } else if (header->protocol != NEXT_FRAGMENT) {
        enum hf_reason reason = check_ipv6_options(extension + 2, extension_length - 2, quoted);
        if (reason != HF_REASON_NONE) {
            return reason;
        }
    }
    header->protocol = extension[0];
    header->payload += extension_length;
    header->payload_length -= extension_length;
    header->header_length = (uint16_t)(header->header_length + extension_length);
    return HF_REASON_NONE;
}

static bool is_extension(uint8_t next)
{
    return next == NEXT_HOP_BY_HOP || next == NEXT_ROUTING || next == NEXT_FRAGMENT ||
           next == NEXT_DESTINATION_OPTIONS;
}

static enum hf_reason parse_ipv6(const uint8_t *bytes, size_t length, bool quoted,
                                 struct ip_header *header)
{
    if (length < IPV6_HEADER_BYTES) {
        return HF_REASON_IP_TOO_SHORT;
    }
    uint32_t first_word = wire_read_32(bytes);
    header->traffic_class = (uint8_t)(first_word >> 20);
    header->flow_label = first_word & 0xfffffu;
    header->dont_fragment = true;
    header->protocol = bytes[6];
    header->ttl = bytes[7];
    read_address(&header->source, HF_IPV6, bytes + 8);
    read_address(&header->destination, HF_IPV6, bytes + 24);
    header->header_length = IPV6_HEADER_BYTES;

    size_t total = IPV6_HEADER_BYTES + (size_t)wire_read_16(bytes + 4);
    enum hf_reason reason = set_payload(bytes, length, total, quoted, header);
    for (unsigned count = 0; reason == HF_REASON_NONE && is_extension(header->protocol); count++) {
        if (count == EXTENSION_HEADERS_MAX) {
            return HF_REASON_IP_EXTENSION;
        }
        if (header->protocol == NEXT_HOP_BY_HOP && count > 0) {
            return HF_REASON_IP_EXTENSION; /* only ever the first: RFC 8200 4.1 */
        }
        reason = step_over_extension(header, quoted);
    }
    return reason;
}

static enum hf_reason parse(const uint8_t *bytes, size_t length, bool quoted,
                            struct ip_header *header)
{
    memset(header, 0, sizeof *header);
    if (length == 0) {
        return HF_REASON_IP_TOO_SHORT;
    }
    switch (bytes[0] >> 4) {
    case HF_IPV4:
        return parse_ipv4(bytes, length, quoted, header);
    case HF_IPV6:
        return parse_ipv6(bytes, length, quoted, header);
    default:
        return HF_REASON_IP_VERSION;
    }
}

/* A whole IPv4 packet without options, as nearly all are. False: parse says what it is. */
static inline bool parse_plain_ipv4(const uint8_t *bytes, size_t length, struct ip_header *header)
{
    if (length < IPV4_HEADER_BYTES || bytes[0] != (HF_IPV4 << 4 | IPV4_HEADER_BYTES / 4)) {
        return false;
    }
    uint16_t total = wire_read_16(bytes + 2);
    uint16_t fragment = wire_read_16(bytes + 6);
    if (total < IPV4_HEADER_BYTES || total > length ||
        (fragment & (IPV4_FRAGMENT_OFFSET | IPV4_FLAG_MORE_FRAGMENTS)) != 0 ||
        checksum_finish(checksum_add_header(0, bytes, IPV4_HEADER_BYTES)) != 0) {
        return false;
    }
    memset(header, 0, sizeof *header);
    read_address(&header->source, HF_IPV4, bytes + 12);
    read_address(&header->destination, HF_IPV4, bytes + 16);
    header->protocol = bytes[9];
    header->ttl = bytes[8];
    header->traffic_class = bytes[1];
    header->dont_fragment = (fragment & IPV4_FLAG_DONT_FRAGMENT) != 0;
    header->identification = wire_read_16(bytes + 4);
    header->header_length = IPV4_HEADER_BYTES;
    header->payload = bytes + IPV4_HEADER_BYTES;
    header->payload_length = (uint32_t)(total - IPV4_HEADER_BYTES);
    return true;
}

enum hf_reason ip_parse(const uint8_t *bytes, size_t length, struct ip_header *header)
{
    return parse_plain_ipv4(bytes, length, header) ? HF_REASON_NONE
                                                   : parse(bytes, length, false, header);
}

enum hf_reason ip_parse_quoted(const uint8_t *bytes, size_t length, struct ip_header *header)
{
    return parse(bytes, length, true, header);
}

void ip_emit_ipv4(uint8_t *out, const uint8_t source[4], const uint8_t destination[4],
                  uint8_t traffic_class, uint16_t identification, uint16_t fragment, uint8_t ttl,
                  uint8_t protocol, uint32_t payload_length)
{
    HF_ASSERT(payload_length <= UINT16_MAX - IPV4_HEADER_BYTES);
    uint16_t version_and_class = (uint16_t)(0x4500u | traffic_class);
    uint16_t total = (uint16_t)(IPV4_HEADER_BYTES + payload_length);
    uint16_t ttl_and_protocol = (uint16_t)((unsigned)ttl << 8 | protocol);
    /* A sum of the numbers, not of the bytes as they lie in memory, gives the field as a number
     * (RFC 1071 2(B)), without loading again what was only just stored. */
    checksum_sum sum = (checksum_sum)version_and_class + total + identification + fragment +
                       ttl_and_protocol + wire_read_32(source) + wire_read_32(destination);
    wire_write_16(out, version_and_class);
    wire_write_16(out + 2, total);
    wire_write_16(out + 4, identification);
    wire_write_16(out + 6, fragment);
    wire_write_16(out + 8, ttl_and_protocol);
    wire_write_16(out + 10, checksum_finish(sum));
    memcpy(out + 12, source, 4);
    memcpy(out + 16, destination, 4);
}

static void emit_ipv6(const struct ip_header *header, uint8_t *out)
{
    HF_ASSERT(header->payload_length <= UINT16_MAX);
    wire_write_32(out, UINT32_C(6) << 28 | (uint32_t)header->traffic_class << 20 |
                           (header->flow_label & 0xfffffu));
    wire_write_16(out + 4, (uint16_t)header->payload_length);
    out[6] = header->protocol;
    out[7] = header->ttl;
    memcpy(out + 8, header->source.bytes, 16);
    memcpy(out + 24, header->destination.bytes, 16);
}

size_t ip_emit(const struct ip_header *header, uint8_t *out)
{
    HF_ASSERT(header->source.family == header->destination.family);
    if (header->source.family == HF_IPV4) {
        ip_emit_ipv4(out, header->source.bytes, header->destination.bytes, header->traffic_class,
                     header->identification, header->dont_fragment ? IPV4_FLAG_DONT_FRAGMENT : 0,
                     header->ttl, header->protocol, header->payload_length);
    } else {
        HF_ASSERT(header->source.family == HF_IPV6);
        emit_ipv6(header, out);
    }
    return ip_header_bytes(header->source.family);
}

uint64_t ip_pseudo_sum(const struct hf_address *source, const struct hf_address *destination,
                       uint8_t protocol, uint32_t length)
{
    if (source->family == HF_IPV4) {
        return checksum_pseudo_ipv4(source->bytes, destination->bytes, protocol, (uint16_t)length);
    }
    return checksum_pseudo_ipv6(source->bytes, destination->bytes, protocol, length);
}

bool ip_is_multicast(const struct hf_address *address)
{
    if (address->family == HF_IPV4) {
        return (address->bytes[0] & 0xf0u) == 0xe0u;
    }
    return address->family == HF_IPV6 && address->bytes[0] == 0xffu;
}

bool ip_is_broadcast(const struct hf_address *address)
{
    return address->family == HF_IPV4 && wire_read_32(address->bytes) == 0xffffffffu;
}
