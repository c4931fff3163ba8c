/* SPDX-License-Identifier: MIT */
#include "plain_segment.h"

#include "checksum.h"
#include "ip_header.h"
#include "wire_bytes.h"

#define PLAIN_IPV4 0x45u /* version 4, five words */
#define MORE_OR_OFFSET 0x3fffu
#define TIMESTAMPS_WORD 0x0101080au /* NOP, NOP, kind 8, length 10 */
#define TIMESTAMPS_BYTES 12u
#define SHORT_TEXT 64u

/* Most texts that come one by one are short: in place that is half of the work. */
static checksum_sum add_text(checksum_sum sum, const uint8_t *text, uint32_t length)
{
    uint32_t whole = length & ~3u;
    uint8_t rest[4] = {0, 0, 0, 0};
    if (length > SHORT_TEXT) {
        return checksum_add(sum, text, length);
    }
    for (uint32_t i = whole; i < length; i++) {
        rest[i - whole] = text[i];
    }
    return checksum_add_header(checksum_add_header(sum, text, whole), rest, sizeof rest);
}

/* Of the pseudo header and TCP's. */
static checksum_sum headers_sum(const uint8_t *packet, uint32_t header_bytes, uint32_t tcp_bytes)
{
    const uint8_t *tcp = packet + IPV4_HEADER_BYTES;
    checksum_sum sum =
        checksum_pseudo_ipv4(packet + 12, packet + 16, IP_PROTOCOL_TCP, (uint16_t)tcp_bytes);
    sum = checksum_add_header(sum, tcp, TCP_HEADER_BYTES);
    if (header_bytes > TCP_HEADER_BYTES) {
        sum = checksum_add_header(sum, tcp + TCP_HEADER_BYTES, TIMESTAMPS_BYTES);
    }
    return sum;
}

/* Keeps MUST-3. */
bool plain_segment_right(const struct tcp_segment *segment, checksum_sum sum)
{
    if (segment->payload_length > 0) {
        sum = add_text(sum, segment->payload, segment->payload_length);
    }
    return checksum_finish(sum) == 0;
}

/* The data offset, if there is nothing but timestamps; 0: there is something else. */
static uint32_t plain_header_bytes(const uint8_t *tcp, uint32_t tcp_bytes)
{
    uint32_t header_bytes = (uint32_t)(tcp[12] >> 4) * 4;
    if (header_bytes == TCP_HEADER_BYTES) {
        return header_bytes;
    }
    return header_bytes == TCP_HEADER_BYTES + TIMESTAMPS_BYTES && header_bytes <= tcp_bytes &&
                   wire_read_32(tcp + TCP_HEADER_BYTES) == TIMESTAMPS_WORD
               ? header_bytes
               : 0;
}

static void fill_segment(const uint8_t *packet, uint32_t header_bytes, uint32_t tcp_bytes,
                         struct tcp_segment *segment)
{
    const uint8_t *tcp = packet + IPV4_HEADER_BYTES;
    memset(segment, 0, sizeof *segment);
    segment->source_port = wire_read_16(tcp);
    segment->destination_port = wire_read_16(tcp + 2);
    segment->seq = seq_make(wire_read_32(tcp + 4));
    segment->ack = seq_make(wire_read_32(tcp + 8));
    segment->flags = wire_read_16(tcp + 12) & 0x1ffu;
    segment->ecn = packet[1] & 3u;
    segment->reserved = (tcp[12] >> 1) & 7u;
    segment->header_length = (uint8_t)header_bytes;
    segment->window = wire_read_16(tcp + 14);
    segment->urgent_pointer = wire_read_16(tcp + 18);
    segment->payload = tcp + header_bytes;
    segment->payload_length = tcp_bytes - header_bytes;
    if (header_bytes > TCP_HEADER_BYTES) {
        segment->options.has_timestamps = true;
        segment->options.ts_value = wire_read_32(tcp + TCP_HEADER_BYTES + 4);
        segment->options.ts_echo = wire_read_32(tcp + TCP_HEADER_BYTES + 8);
    }
}

bool plain_segment_read(const uint8_t *packet, size_t length, struct flow_tuple *tuple,
                        struct tcp_segment *segment, checksum_sum *sum)
{
    const uint8_t *tcp = packet + IPV4_HEADER_BYTES;
    uint32_t total, tcp_bytes, header_bytes;
    if (length < IPV4_HEADER_BYTES + TCP_HEADER_BYTES || packet[0] != PLAIN_IPV4 ||
        packet[9] != IP_PROTOCOL_TCP || (wire_read_16(packet + 6) & MORE_OR_OFFSET) != 0) {
        return false;
    }
    total = wire_read_16(packet + 2);
    if (total < IPV4_HEADER_BYTES + TCP_HEADER_BYTES || total > length) {
        return false;
    }
    tcp_bytes = total - IPV4_HEADER_BYTES;
    header_bytes = plain_header_bytes(tcp, tcp_bytes);
    if (header_bytes == 0 || (tcp[13] & (HF_SYN | HF_URG)) != 0 ||
        checksum_finish(checksum_add_header(0, packet, IPV4_HEADER_BYTES)) != 0) {
        return false;
    }
    *sum = headers_sum(packet, header_bytes, tcp_bytes);
    fill_segment(packet, header_bytes, tcp_bytes, segment);
    memset(tuple, 0, sizeof *tuple);
    memcpy(tuple->local, packet + 16, 4);
    memcpy(tuple->remote, packet + 12, 4);
    tuple->local_port = segment->destination_port;
    tuple->remote_port = segment->source_port;
    tuple->family = HF_IPV4;
    return true;
}

bool plain_segment_glance(const uint8_t *packet, size_t length, struct flow_tuple *tuple)
{
    const uint8_t *tcp;
    memset(tuple, 0, sizeof *tuple);
    if (length >= IPV4_HEADER_BYTES + TCP_HEADER_BYTES && packet[0] == PLAIN_IPV4 &&
        packet[9] == IP_PROTOCOL_TCP) {
        tuple->family = HF_IPV4;
        memcpy(tuple->remote, packet + 12, 4);
        memcpy(tuple->local, packet + 16, 4);
        tcp = packet + IPV4_HEADER_BYTES;
    } else if (length >= IPV6_HEADER_BYTES + TCP_HEADER_BYTES && packet[0] >> 4 == HF_IPV6 &&
               packet[6] == IP_PROTOCOL_TCP) {
        tuple->family = HF_IPV6;
        memcpy(tuple->remote, packet + 8, 16);
        memcpy(tuple->local, packet + 24, 16);
        tcp = packet + IPV6_HEADER_BYTES;
    } else {
        return false;
    }
    tuple->remote_port = wire_read_16(tcp);
    tuple->local_port = wire_read_16(tcp + 2);
    return true;
}

/* ---- out: words that are summed as they are written, so that nothing is loaded that was only just
 * stored */

static inline checksum_sum put(uint8_t *at, uint32_t word, checksum_sum sum)
{
    uint32_t stored = wire_32(word);
    memcpy(at, &stored, sizeof stored);
    return sum + stored;
}

static void put_ipv4(const struct flow_tuple *tuple, const struct plain_fields *fields,
                     uint32_t total, uint8_t *packet)
{
    checksum_sum sum = checksum_pseudo_ipv4(tuple->local, tuple->remote, 0, 0);
    uint16_t field;
    sum = put(packet, 0x45000000u | (uint32_t)fields->traffic_class << 16 | total, sum);
    sum = put(packet + 4, (uint32_t)fields->identification << 16 | fields->fragment, sum);
    sum = put(packet + 8, (uint32_t)fields->ttl << 24 | IP_PROTOCOL_TCP << 16, sum);
    field = checksum_finish(sum);
    memcpy(packet + 10, &field, sizeof field);
    memcpy(packet + 12, tuple->local, 4);
    memcpy(packet + 16, tuple->remote, 4);
}

uint32_t plain_segment_write(const struct flow_tuple *tuple, const struct tcp_segment *segment,
                             const struct plain_fields *fields, uint8_t *packet, checksum_sum *sum)
{
    uint8_t *tcp = packet + IPV4_HEADER_BYTES;
    uint32_t words = segment->options.has_timestamps ? 8 : 5;
    uint32_t tcp_bytes = words * 4 + segment->payload_length;
    uint32_t flags = segment->flags & 0x1ffu;
    checksum_sum all =
        checksum_pseudo_ipv4(tuple->local, tuple->remote, IP_PROTOCOL_TCP, (uint16_t)tcp_bytes);
    put_ipv4(tuple, fields, IPV4_HEADER_BYTES + tcp_bytes, packet);
    all = put(tcp, (uint32_t)segment->source_port << 16 | segment->destination_port, all);
    all = put(tcp + 4, segment->seq.value, all);
    all = put(tcp + 8, segment->ack.value, all);
    all = put(tcp + 12, words << 28 | flags << 16 | segment->window, all);
    all = put(tcp + 16, segment->urgent_pointer, all);
    if (segment->options.has_timestamps) {
        all = put(tcp + 20, TIMESTAMPS_WORD, all);
        all = put(tcp + 24, segment->options.ts_value, all);
        all = put(tcp + 28, segment->options.ts_echo, all);
    }
    *sum = all;
    return words * 4;
}
