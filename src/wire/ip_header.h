/* SPDX-License-Identifier: MIT
 *
 * IPv4 (RFC 791, with options) and IPv6 (RFC 8200, with extension headers) headers, behind one
 * struct that the rest of the stack reads without caring which it was.
 */
#ifndef IP_HEADER_H
#define IP_HEADER_H

#include <handfast/reasons.h>
#include <handfast/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IPV4_HEADER_BYTES 20u
#define IPV6_HEADER_BYTES 40u
#define IP_PROTOCOL_ICMP 1u
#define IP_PROTOCOL_TCP 6u
#define IP_PROTOCOL_ICMPV6 58u

struct ip_header {
    struct hf_address source, destination;
    uint8_t protocol;        /* of the payload, after any extension headers */
    uint8_t ttl;             /* or hop limit */
    uint8_t traffic_class;   /* DS field and ECN */
    bool dont_fragment;      /* IPv4's DF; always true for IPv6 */
    uint16_t identification; /* IPv4 */
    uint32_t flow_label;     /* IPv6 */
    uint16_t header_length;  /* bytes before the payload, options and extensions included */
    const uint8_t *payload;
    uint32_t payload_length; /* by the length field; trailing link padding is cut off */
};

/* HF_REASON_NONE or IP_*: a fragment is IP_FRAGMENT (an IPv6 atomic fragment is no fragment:
 * RFC 6946); IPv4's header checksum is verified; unknown IPv4 options are ignored (MUST-50). IPv6
 * hop-by-hop, destination options and routing headers with segments left 0 are stepped over.
 * Addresses are not judged here. No next header (59) gives protocol 59 and its payload. */
enum hf_reason ip_parse(const uint8_t *bytes, size_t length, struct ip_header *header);
/* For quoted packets in ICMP errors: total length may exceed what is there, the checksum is not
 * verified, payload_length is what is there. */
enum hf_reason ip_parse_quoted(const uint8_t *bytes, size_t length, struct ip_header *header);

/* Writes a header without options for payload_length bytes; the family is that of `source`.
 * Returns 20 or 40. Total at most 65535. IPv4's checksum is filled in. */
size_t ip_emit(const struct ip_header *header, uint8_t *out);
/* The same for IPv4, each field from where it lies; `fragment`: flags and offset as they stand in
 * the header. */
void ip_emit_ipv4(uint8_t *out, const uint8_t source[4], const uint8_t destination[4],
                  uint8_t traffic_class, uint16_t identification, uint16_t fragment, uint8_t ttl,
                  uint8_t protocol, uint32_t payload_length);
#define IPV4_FLAG_DONT_FRAGMENT 0x4000u
/* 20 or 40. */
static inline size_t ip_header_bytes(uint8_t family)
{
    return family == HF_IPV4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
}

/* The pseudo-header's sum for a payload of `length` bytes; see checksum.h. */
uint64_t ip_pseudo_sum(const struct hf_address *source, const struct hf_address *destination,
                       uint8_t protocol, uint32_t length);

/* By address alone (no netmask is known): 224.0.0.0/4, ff00::/8; 255.255.255.255. */
bool ip_is_multicast(const struct hf_address *address);
bool ip_is_broadcast(const struct hf_address *address);

#endif
