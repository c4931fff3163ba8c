/* SPDX-License-Identifier: MIT
 *
 * One input, through everything that reads bytes from the network. The sanitizers see that nothing
 * reads past its end; this file sees that what was read makes sense: payloads lie inside, the
 * strict reader never takes what the lenient one refuses, and whatever parses is written again and
 * must parse to the same.
 *
 * Checksums would keep a fuzzer out, so each input is tried as it is and again with the checksum
 * fields filled in. There is no main here: libFuzzer brings one, and any program that calls
 * LLVMFuzzerTestOneInput can replay inputs without it.
 */
#include "checksum.h"
#include "icmp_message.h"
#include "ip_header.h"
#include "tcp_segment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                      \
    do {                                                                                      \
        if (!(condition)) {                                                                   \
            fprintf(stderr, "wire_fuzz: line %d: does not hold: %s\n", __LINE__, #condition); \
            abort();                                                                          \
        }                                                                                     \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* A block of exactly this size. */
static uint8_t *allocate(size_t length)
{
    uint8_t *block = malloc(length > 0 ? length : 1);
    CHECK(block != NULL);
    return block;
}

static void check_same_options(const struct tcp_options *a, const struct tcp_options *b)
{
    CHECK(a->has_mss == b->has_mss && a->mss == b->mss);
    CHECK(a->has_window_scale == b->has_window_scale && a->window_scale == b->window_scale);
    CHECK(a->has_sack_permitted == b->has_sack_permitted);
    CHECK(a->has_timestamps == b->has_timestamps);
    CHECK(a->ts_value == b->ts_value && a->ts_echo == b->ts_echo);
    CHECK(a->has_user_timeout == b->has_user_timeout && a->user_timeout == b->user_timeout);
    CHECK(a->unknown_count == b->unknown_count && a->sack_count == b->sack_count);
    for (unsigned i = 0; i < a->sack_count; i++) {
        CHECK(seq_eq(a->sack[i].left, b->sack[i].left));
        CHECK(seq_eq(a->sack[i].right, b->sack[i].right));
    }
}

static void check_tcp(const uint8_t *bytes, size_t length)
{
    struct tcp_segment segment;
    if (tcp_parse(bytes, length, &segment) != HF_REASON_NONE) {
        return;
    }
    CHECK(segment.header_length >= TCP_HEADER_BYTES && segment.header_length <= length);
    CHECK(segment.payload == bytes + segment.header_length);
    CHECK(segment.payload_length == length - segment.header_length);
    CHECK(segment.options.sack_count <= TCP_SACK_MAX_BLOCKS);
    CHECK((segment.flags & HF_SYN) ||
          !(segment.options.has_mss || segment.options.has_window_scale ||
            segment.options.has_sack_permitted));
    char text[40];
    struct hf_trace_segment trace;
    CHECK(strlen(tcp_flags_text(segment.flags, text)) < sizeof text);
    tcp_segment_to_trace(&segment, &trace);
    CHECK(trace.sack_count == segment.options.sack_count);

    size_t options_length = tcp_options_length(&segment.options);
    CHECK(options_length % 4 == 0 && options_length <= TCP_OPTIONS_MAX_BYTES);
    uint8_t *out = allocate(TCP_HEADER_BYTES + options_length);
    CHECK(tcp_emit(&segment, out) == TCP_HEADER_BYTES + options_length);
    struct tcp_segment again;
    CHECK(tcp_parse(out, TCP_HEADER_BYTES + options_length, &again) == HF_REASON_NONE);
    CHECK(again.source_port == segment.source_port);
    CHECK(again.destination_port == segment.destination_port);
    CHECK(seq_eq(again.seq, segment.seq) && seq_eq(again.ack, segment.ack));
    CHECK(again.flags == segment.flags && again.reserved == 0);
    CHECK(again.window == segment.window && again.urgent_pointer == segment.urgent_pointer);

    /* Unknown options are not sent on, and padding may leave less room for SACK than there was. */
    struct tcp_options expected = segment.options;
    unsigned room = tcp_options_sack_room(&expected);
    expected.unknown_count = 0;
    expected.sack_count = (uint8_t)(expected.sack_count < room ? expected.sack_count : room);
    check_same_options(&again.options, &expected);
    free(out);
}

static void check_echo(const struct ip_header *ip, const struct icmp_message *request)
{
    size_t length = 8 + (size_t)request->payload_length;
    uint8_t *out = allocate(length);
    struct ip_header back = *ip;
    struct icmp_message reply;
    CHECK(icmp_emit_echo_reply(request, &ip->destination, &ip->source, out, length - 1) == 0);
    CHECK(icmp_emit_echo_reply(request, &ip->destination, &ip->source, out, length) == length);
    back.source = ip->destination;
    back.destination = ip->source;
    back.payload = out;
    CHECK(icmp_parse(&back, &reply) == HF_REASON_NONE);
    CHECK(reply.kind == ICMP_KIND_ECHO_REPLY);
    CHECK(reply.identifier == request->identifier && reply.number == request->number);
    CHECK(reply.payload_length == request->payload_length);
    CHECK(memcmp(reply.payload, request->payload, reply.payload_length) == 0);
    free(out);
}

/* The same error written again quotes the same, unless the quote no longer fits whole. */
static void check_error(const struct ip_header *ip, const struct icmp_message *error)
{
    uint8_t out[1280];
    struct ip_header back = *ip;
    struct icmp_message again;
    back.payload = out;
    back.payload_length = (uint32_t)icmp_emit_error(error->type, error->code, error->mtu,
                                                    &ip->source, &ip->destination, error->payload,
                                                    error->payload_length, out, sizeof out);
    CHECK(back.payload_length >= 8 && back.payload_length <= sizeof out);
    CHECK(icmp_parse(&back, &again) == HF_REASON_NONE);
    CHECK(again.kind == error->kind && again.severity == error->severity);
    CHECK(again.error == error->error && again.mtu == error->mtu);
    if (again.payload_length == error->payload_length) {
        CHECK(again.has_quote == error->has_quote);
    }
    if (again.has_quote) {
        CHECK(error->has_quote && seq_eq(again.quoted_seq, error->quoted_seq));
        CHECK(again.quoted_source.port == error->quoted_source.port);
        CHECK(again.quoted_destination.port == error->quoted_destination.port);
    }
}

static void check_icmp(const struct ip_header *ip)
{
    struct icmp_message message;
    if (icmp_parse(ip, &message) != HF_REASON_NONE) {
        return;
    }
    CHECK(message.payload == ip->payload + 8);
    CHECK(message.payload_length == ip->payload_length - 8);
    switch (message.kind) {
    case ICMP_KIND_ECHO_REQUEST:
        check_echo(ip, &message);
        break;
    case ICMP_KIND_UNREACHABLE:
    case ICMP_KIND_TOO_BIG:
    case ICMP_KIND_TIME_EXCEEDED:
    case ICMP_KIND_PARAMETER_PROBLEM:
    case ICMP_KIND_SOURCE_QUENCH:
        check_error(ip, &message);
        break;
    case ICMP_KIND_UNKNOWN:
    case ICMP_KIND_ECHO_REPLY:
        CHECK(message.severity == ICMP_SEVERITY_NONE && !message.has_quote);
        break;
    }
}

/* The payload as an ICMP message, as it is and with its checksum filled in. */
static void check_icmp_twice(const struct ip_header *ip)
{
    check_icmp(ip);
    if (ip->payload_length < 8) {
        return;
    }
    uint8_t *fixed = allocate(ip->payload_length);
    memcpy(fixed, ip->payload, ip->payload_length);
    memset(fixed + 2, 0, 2);
    checksum_sum sum = 0;
    if (ip->source.family == HF_IPV6) {
        sum = ip_pseudo_sum(&ip->source, &ip->destination, IP_PROTOCOL_ICMPV6, ip->payload_length);
    }
    uint16_t checksum = checksum_finish(checksum_add(sum, fixed, ip->payload_length));
    memcpy(fixed + 2, &checksum, 2);
    struct ip_header with = *ip;
    struct icmp_message message;
    with.payload = fixed;
    CHECK(icmp_parse(&with, &message) == HF_REASON_NONE);
    check_icmp(&with);
    free(fixed);
}

static void check_same_header(const struct ip_header *a, const struct ip_header *b)
{
    CHECK(memcmp(&a->source, &b->source, sizeof a->source) == 0);
    CHECK(memcmp(&a->destination, &b->destination, sizeof a->destination) == 0);
    CHECK(a->protocol == b->protocol && a->ttl == b->ttl);
    CHECK(a->traffic_class == b->traffic_class && a->dont_fragment == b->dont_fragment);
    CHECK(a->identification == b->identification && a->flow_label == b->flow_label);
    CHECK(a->payload_length == b->payload_length);
}

static void check_emitted(const struct ip_header *header)
{
    size_t header_length = ip_header_bytes(header->source.family);
    size_t length = header_length + header->payload_length;
    uint8_t *out = allocate(length);
    struct ip_header again;
    CHECK(ip_emit(header, out) == header_length);
    memcpy(out + header_length, header->payload, header->payload_length);
    CHECK(ip_parse(out, length, &again) == HF_REASON_NONE);
    CHECK(again.header_length == header_length);
    check_same_header(header, &again);
    free(out);
}

static void check_ip(const uint8_t *bytes, size_t length)
{
    struct ip_header header;
    struct ip_header quoted;
    enum hf_reason reason = ip_parse(bytes, length, &header);
    enum hf_reason quoted_reason = ip_parse_quoted(bytes, length, &quoted);
    if (quoted_reason == HF_REASON_NONE) {
        CHECK(quoted.payload == bytes + quoted.header_length);
        CHECK(quoted.payload_length <= length - quoted.header_length);
    }
    if (reason != HF_REASON_NONE) {
        return;
    }
    CHECK(quoted_reason == HF_REASON_NONE);
    check_same_header(&header, &quoted);
    CHECK(!(ip_is_multicast(&header.source) && ip_is_broadcast(&header.source)));
    CHECK(header.payload == bytes + header.header_length);
    check_emitted(&header);
    check_tcp(header.payload, header.payload_length);
    check_icmp_twice(&header);
}

/* However it is cut, copied or turned, the sum is the same. */
static void check_sums(const uint8_t *bytes, size_t length)
{
    uint16_t whole = checksum_finish(checksum_add(0, bytes, length));
    uint8_t *copy = allocate(length);
    CHECK(checksum_finish(checksum_add_copy(0, copy, bytes, length)) == whole);
    CHECK(length == 0 || memcmp(copy, bytes, length) == 0);
    size_t cut = length > 0 ? bytes[0] % length : 0;
    checksum_sum rest = checksum_add(0, bytes + cut, length - cut);
    checksum_sum sum = checksum_add(0, bytes, cut) + (cut % 2 ? checksum_swap(rest) : rest);
    CHECK(checksum_finish(sum) == whole);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    check_sums(bytes, length);
    check_tcp(bytes, length);
    check_ip(bytes, length);
    if (length < IPV4_HEADER_BYTES || bytes[0] >> 4 != 4) {
        return 0;
    }
    size_t header_length = (bytes[0] & 15u) * 4u;
    if (header_length < IPV4_HEADER_BYTES || header_length > length) {
        return 0;
    }
    uint8_t *fixed = allocate(length);
    memcpy(fixed, bytes, length);
    memset(fixed + 10, 0, 2);
    uint16_t checksum = checksum_finish(checksum_add(0, fixed, header_length));
    memcpy(fixed + 10, &checksum, 2);
    check_ip(fixed, length);
    free(fixed);
    return 0;
}
