/* SPDX-License-Identifier: MIT
 *
 * ICMP: what the network says about packets sent earlier.
 *
 * What an error means to TCP is settled in two tables below. RFC 9293 3.9.2.2 names the soft ones
 * (IPv4: unreachable 0, 1 and 5, time exceeded, parameter problem; ICMPv6: unreachable 0 and 3,
 * time exceeded, parameter problem): they say that a path is broken now, and paths heal, so they
 * are remembered for the day the connection gives up (MUST-56). Port and protocol unreachable are
 * hard: the host itself spoke, and nobody is there (SHLD-26). IPv4's "fragmentation needed" is no
 * error to report but news of the path MTU (RFC 1191, RFC 5461 2.1) and is a kind of its own.
 *
 * Of the codes that RFC 9293 does not name, Linux's division is taken: unknown or isolated
 * destinations and prohibitions are hard, type-of-service ones are soft. Hard only ever ends an
 * opening; a synchronized connection treats every one of them as soft, since anyone may send them
 * (RFC 5927 5.2, RFC 5461 4).
 *
 * The errors are Linux's errno for the code (EHOSTDOWN and ENONET, which nobody tests for, become
 * EHOSTUNREACH).
 */
#include "icmp_message.h"

#include "checksum.h"
#include "hf_assert.h"
#include "wire_bytes.h"

#include <string.h>

#define ICMP_HEADER_BYTES 8u
/* RFC 1812 4.3.2.3 and RFC 4443 2.4(c): an error, with its IP header, is no longer than this. */
#define ICMPV4_ERROR_MAX_BYTES 576u
#define ICMPV6_ERROR_MAX_BYTES 1280u
#define QUOTE_MIN_BYTES 8u /* of TCP: ports and sequence number (RFC 792) */

enum icmpv4_type {
    ICMPV4_ECHO_REPLY = 0,
    ICMPV4_UNREACHABLE = 3,
    ICMPV4_SOURCE_QUENCH = 4,
    ICMPV4_ECHO_REQUEST = 8,
    ICMPV4_TIME_EXCEEDED = 11,
    ICMPV4_PARAMETER_PROBLEM = 12
};
#define ICMPV4_CODE_FRAGMENTATION_NEEDED 4u

enum icmpv6_type {
    ICMPV6_UNREACHABLE = 1,
    ICMPV6_TOO_BIG = 2,
    ICMPV6_TIME_EXCEEDED = 3,
    ICMPV6_PARAMETER_PROBLEM = 4,
    ICMPV6_ECHO_REQUEST = 128,
    ICMPV6_ECHO_REPLY = 129
};

struct meaning {
    enum icmp_severity severity;
    int error;
};

/* By code: RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1. */
static const struct meaning ipv4_unreachable[] = {
    [0] = {ICMP_SEVERITY_SOFT, HF_ENETUNREACH},   /* net */
    [1] = {ICMP_SEVERITY_SOFT, HF_EHOSTUNREACH},  /* host */
    [2] = {ICMP_SEVERITY_HARD, HF_ENOPROTOOPT},   /* protocol */
    [3] = {ICMP_SEVERITY_HARD, HF_ECONNREFUSED},  /* port */
    [4] = {ICMP_SEVERITY_NONE, HF_EMSGSIZE},      /* fragmentation needed: TOO_BIG */
    [5] = {ICMP_SEVERITY_SOFT, HF_EOPNOTSUPP},    /* source route failed */
    [6] = {ICMP_SEVERITY_HARD, HF_ENETUNREACH},   /* net unknown */
    [7] = {ICMP_SEVERITY_HARD, HF_EHOSTUNREACH},  /* host unknown */
    [8] = {ICMP_SEVERITY_HARD, HF_EHOSTUNREACH},  /* source host isolated */
    [9] = {ICMP_SEVERITY_HARD, HF_ENETUNREACH},   /* net prohibited */
    [10] = {ICMP_SEVERITY_HARD, HF_EHOSTUNREACH}, /* host prohibited */
    [11] = {ICMP_SEVERITY_SOFT, HF_ENETUNREACH},  /* net, for this type of service */
    [12] = {ICMP_SEVERITY_SOFT, HF_EHOSTUNREACH}, /* host, for this type of service */
    [13] = {ICMP_SEVERITY_HARD, HF_EHOSTUNREACH}, /* communication prohibited */
    [14] = {ICMP_SEVERITY_HARD, HF_EHOSTUNREACH}, /* host precedence violation */
    [15] = {ICMP_SEVERITY_HARD, HF_EHOSTUNREACH}, /* precedence cutoff */
};

/* By code: RFC 4443 3.1. */
static const struct meaning ipv6_unreachable[] = {
    [0] = {ICMP_SEVERITY_SOFT, HF_ENETUNREACH},  /* no route */
    [1] = {ICMP_SEVERITY_HARD, HF_EACCES},       /* prohibited */
    [2] = {ICMP_SEVERITY_SOFT, HF_EHOSTUNREACH}, /* beyond the scope of the source address */
    [3] = {ICMP_SEVERITY_SOFT, HF_EHOSTUNREACH}, /* address */
    [4] = {ICMP_SEVERITY_HARD, HF_ECONNREFUSED}, /* port */
    [5] = {ICMP_SEVERITY_HARD, HF_EACCES},       /* source address failed a policy */
    [6] = {ICMP_SEVERITY_HARD, HF_EACCES},       /* route to reject */
};

/* `ipv6` says whether it is ICMPv6: the two number their types differently. */
static enum icmp_kind kind_of(bool ipv6, uint8_t type, uint8_t code)
{
    if (ipv6) {
        switch (type) {
        case ICMPV6_UNREACHABLE:
            return ICMP_KIND_UNREACHABLE;
        case ICMPV6_TOO_BIG:
            return ICMP_KIND_TOO_BIG;
        case ICMPV6_TIME_EXCEEDED:
            return ICMP_KIND_TIME_EXCEEDED;
        case ICMPV6_PARAMETER_PROBLEM:
            return ICMP_KIND_PARAMETER_PROBLEM;
        case ICMPV6_ECHO_REQUEST:
            return ICMP_KIND_ECHO_REQUEST;
        case ICMPV6_ECHO_REPLY:
            return ICMP_KIND_ECHO_REPLY;
        default:
            return ICMP_KIND_UNKNOWN;
        }
    }
    switch (type) {
    case ICMPV4_ECHO_REPLY:
        return ICMP_KIND_ECHO_REPLY;
    case ICMPV4_UNREACHABLE:
        return code == ICMPV4_CODE_FRAGMENTATION_NEEDED ? ICMP_KIND_TOO_BIG : ICMP_KIND_UNREACHABLE;
    case ICMPV4_SOURCE_QUENCH:
        return ICMP_KIND_SOURCE_QUENCH;
    case ICMPV4_ECHO_REQUEST:
        return ICMP_KIND_ECHO_REQUEST;
    case ICMPV4_TIME_EXCEEDED:
        return ICMP_KIND_TIME_EXCEEDED;
    case ICMPV4_PARAMETER_PROBLEM:
        return ICMP_KIND_PARAMETER_PROBLEM;
    default:
        return ICMP_KIND_UNKNOWN;
    }
}

/* A code that is in no table asks nothing: it cannot be told what it means. */
static struct meaning meaning_of_unreachable(bool ipv6, uint8_t code)
{
    const struct meaning *table = ipv6 ? ipv6_unreachable : ipv4_unreachable;
    size_t count = ipv6 ? sizeof ipv6_unreachable / sizeof ipv6_unreachable[0]
                        : sizeof ipv4_unreachable / sizeof ipv4_unreachable[0];
    return code < count ? table[code] : (struct meaning){ICMP_SEVERITY_NONE, HF_OK};
}

static struct meaning meaning_of(bool ipv6, enum icmp_kind kind, uint8_t code)
{
    switch (kind) {
    case ICMP_KIND_UNREACHABLE:
        return meaning_of_unreachable(ipv6, code);
    case ICMP_KIND_TOO_BIG:
        return (struct meaning){ICMP_SEVERITY_NONE, HF_EMSGSIZE};
    case ICMP_KIND_TIME_EXCEEDED:
        return (struct meaning){ICMP_SEVERITY_SOFT, HF_EHOSTUNREACH};
    case ICMP_KIND_PARAMETER_PROBLEM:
        return (struct meaning){ICMP_SEVERITY_SOFT, HF_EPROTO};
    case ICMP_KIND_UNKNOWN:
    case ICMP_KIND_ECHO_REQUEST:
    case ICMP_KIND_ECHO_REPLY:
    case ICMP_KIND_SOURCE_QUENCH:
        break;
    }
    return (struct meaning){ICMP_SEVERITY_NONE, HF_OK};
}

static void parse_quote(const struct ip_header *ip, struct icmp_message *message)
{
    struct ip_header quoted;
    if (ip_parse_quoted(message->payload, message->payload_length, &quoted) != HF_REASON_NONE) {
        return;
    }
    if (quoted.source.family != ip->source.family || quoted.protocol != IP_PROTOCOL_TCP ||
        quoted.payload_length < QUOTE_MIN_BYTES) {
        return;
    }
    message->has_quote = true;
    message->detail = wire_read_32(ip->payload + 4);
    message->quoted_segment = quoted.payload;
    message->quoted_segment_bytes = quoted.payload_length;
    message->quoted_source.address = quoted.source;
    message->quoted_source.port = wire_read_16(quoted.payload);
    message->quoted_destination.address = quoted.destination;
    message->quoted_destination.port = wire_read_16(quoted.payload + 2);
    message->quoted_seq = seq_make(wire_read_32(quoted.payload + 4));
    message->quoted_bytes = ip->source.family == HF_IPV6 ? 40u + wire_read_16(message->payload + 4)
                                                         : wire_read_16(message->payload + 2);
}

static void parse_body(const struct ip_header *ip, bool ipv6, struct icmp_message *message)
{
    const uint8_t *bytes = ip->payload;
    switch (message->kind) {
    case ICMP_KIND_ECHO_REQUEST:
    case ICMP_KIND_ECHO_REPLY:
        message->identifier = wire_read_16(bytes + 4);
        message->number = wire_read_16(bytes + 6);
        break;
    case ICMP_KIND_TOO_BIG:
        message->mtu = ipv6 ? wire_read_32(bytes + 4) : wire_read_16(bytes + 6);
        parse_quote(ip, message);
        break;
    case ICMP_KIND_UNREACHABLE:
    case ICMP_KIND_TIME_EXCEEDED:
    case ICMP_KIND_PARAMETER_PROBLEM:
    case ICMP_KIND_SOURCE_QUENCH:
        parse_quote(ip, message);
        break;
    case ICMP_KIND_UNKNOWN:
        break;
    }
}

enum hf_reason icmp_parse(const struct ip_header *ip, struct icmp_message *message)
{
    memset(message, 0, sizeof *message);
    if (ip->payload_length < ICMP_HEADER_BYTES) {
        return HF_REASON_ICMP_TOO_SHORT;
    }
    /* Only ICMPv6 covers a pseudo-header (RFC 4443 2.3). */
    bool ipv6 = ip->source.family == HF_IPV6;
    checksum_sum sum = 0;
    if (ipv6) {
        sum = ip_pseudo_sum(&ip->source, &ip->destination, IP_PROTOCOL_ICMPV6, ip->payload_length);
    }
    if (checksum_finish(checksum_add(sum, ip->payload, ip->payload_length)) != 0) {
        return HF_REASON_ICMP_CHECKSUM;
    }
    message->type = ip->payload[0];
    message->code = ip->payload[1];
    message->kind = kind_of(ipv6, message->type, message->code);
    struct meaning meaning = meaning_of(ipv6, message->kind, message->code);
    message->severity = meaning.severity;
    message->error = meaning.error;
    message->payload = ip->payload + ICMP_HEADER_BYTES;
    message->payload_length = ip->payload_length - ICMP_HEADER_BYTES;
    parse_body(ip, ipv6, message);
    return HF_REASON_NONE;
}

/* Copies the payload behind the header at `out` and fills in the checksum. */
static size_t finish_message(uint8_t *out, const uint8_t *payload, size_t payload_length,
                             const struct hf_address *source, const struct hf_address *destination)
{
    size_t length = ICMP_HEADER_BYTES + payload_length;
    checksum_sum sum = 0;
    HF_ASSERT(source->family == destination->family);
    if (source->family == HF_IPV6) {
        sum = ip_pseudo_sum(source, destination, IP_PROTOCOL_ICMPV6, (uint32_t)length);
    }
    sum = checksum_add(sum, out, ICMP_HEADER_BYTES);
    sum = checksum_add_copy(sum, out + ICMP_HEADER_BYTES, payload, payload_length);
    uint16_t checksum = checksum_finish(sum);
    memcpy(out + 2, &checksum, 2);
    return length;
}

size_t icmp_emit_echo_reply(const struct icmp_message *request, const struct hf_address *source,
                            const struct hf_address *destination, uint8_t *out, size_t capacity)
{
    HF_ASSERT(request->kind == ICMP_KIND_ECHO_REQUEST);
    if (capacity < ICMP_HEADER_BYTES || capacity - ICMP_HEADER_BYTES < request->payload_length) {
        return 0;
    }
    memset(out, 0, ICMP_HEADER_BYTES);
    out[0] = source->family == HF_IPV6 ? ICMPV6_ECHO_REPLY : ICMPV4_ECHO_REPLY;
    wire_write_16(out + 4, request->identifier);
    wire_write_16(out + 6, request->number);
    return finish_message(out, request->payload, request->payload_length, source, destination);
}

size_t icmp_emit_error(uint8_t type, uint8_t code, uint32_t mtu, const struct hf_address *source,
                       const struct hf_address *destination, const uint8_t *packet, size_t length,
                       uint8_t *out, size_t capacity)
{
    if (capacity < ICMP_HEADER_BYTES) {
        return 0;
    }
    bool ipv6 = source->family == HF_IPV6;
    size_t room = ipv6 ? ICMPV6_ERROR_MAX_BYTES - IPV6_HEADER_BYTES
                       : ICMPV4_ERROR_MAX_BYTES - IPV4_HEADER_BYTES;
    room = (room < capacity ? room : capacity) - ICMP_HEADER_BYTES;
    memset(out, 0, ICMP_HEADER_BYTES);
    out[0] = type;
    out[1] = code;
    if (kind_of(ipv6, type, code) == ICMP_KIND_TOO_BIG) {
        if (ipv6) {
            wire_write_32(out + 4, mtu);
        } else {
            wire_write_16(out + 6, (uint16_t)(mtu < UINT16_MAX ? mtu : UINT16_MAX));
        }
    }
    return finish_message(out, packet, length < room ? length : room, source, destination);
}
