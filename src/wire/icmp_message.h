/* SPDX-License-Identifier: MIT
 *
 * ICMPv4 (RFC 792, 1191, 1812) and ICMPv6 (RFC 4443): errors with the packet they quote, and echo.
 */
#ifndef ICMP_MESSAGE_H
#define ICMP_MESSAGE_H

#include "ip_header.h"
#include "seq32.h"

enum icmp_kind {
    ICMP_KIND_UNKNOWN,
    ICMP_KIND_ECHO_REQUEST,
    ICMP_KIND_ECHO_REPLY,
    ICMP_KIND_UNREACHABLE, /* code tells: see icmp_severity */
    ICMP_KIND_TOO_BIG,     /* v4 3/4, v6 2/0: mtu is set (v4: 0 from old routers) */
    ICMP_KIND_TIME_EXCEEDED,
    ICMP_KIND_PARAMETER_PROBLEM,
    ICMP_KIND_SOURCE_QUENCH
};

/* What an error asks of TCP (RFC 9293 3.9.2.2, RFC 5461): soft ones are noted, hard ones end an
 * opening. */
enum icmp_severity { ICMP_SEVERITY_NONE, ICMP_SEVERITY_SOFT, ICMP_SEVERITY_HARD };

struct icmp_message {
    enum icmp_kind kind;
    enum icmp_severity severity; /* of UNREACHABLE, TIME_EXCEEDED, PARAMETER_PROBLEM */
    int error; /* what Linux would report: HF_ECONNREFUSED, HF_EHOSTUNREACH, HF_ENETUNREACH,
                  HF_EPROTO, HF_EACCES, HF_EMSGSIZE; HF_OK for no error */
    uint8_t type, code;
    uint32_t mtu;                /* TOO_BIG */
    uint32_t quoted_bytes;       /* the quoted packet's length, as its header has it */
    uint16_t identifier, number; /* echo */
    const uint8_t *payload;      /* echo data, or the quoted packet */
    uint32_t payload_length;
    /* Errors that quote a TCP segment of which at least ports and sequence number are there: */
    bool has_quote;
    struct hf_endpoint quoted_source, quoted_destination;
    seq32 quoted_seq;
    const uint8_t *quoted_segment; /* TCP's header and what follows */
    uint32_t quoted_segment_bytes;
    uint32_t detail; /* of errors: the four bytes after the checksum */
};

/* `ip` is the parsed packet that carries it. HF_REASON_NONE, ICMP_TOO_SHORT or ICMP_CHECKSUM. */
enum hf_reason icmp_parse(const struct ip_header *ip, struct icmp_message *message);
/* Writes the ICMP answer (without IP header) to an echo request: its length, or 0 when `capacity`
 * is too small. The checksum is filled in for a packet from `source` to `destination`. */
size_t icmp_emit_echo_reply(const struct icmp_message *request, const struct hf_address *source,
                            const struct hf_address *destination, uint8_t *out, size_t capacity);
/* An ICMP error of this type and code about `packet`, quoting as much as RFC 1812 4.3.2.3 /
 * RFC 4443 2.4 allow (576 / 1280 bytes in all, and `capacity`). `mtu` for TOO_BIG. */
size_t icmp_emit_error(uint8_t type, uint8_t code, uint32_t mtu, const struct hf_address *source,
                       const struct hf_address *destination, const uint8_t *packet, size_t length,
                       uint8_t *out, size_t capacity);

#endif
