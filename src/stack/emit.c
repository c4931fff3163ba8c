/* SPDX-License-Identifier: MIT
 *
 * From a segment to the bytes of a packet: headers, then payload copied and summed in one pass.
 */
#include "checksum.h"
#include "plain_segment.h"
#include "stack_state.h"

/* RFC 3168 5: whoever chose the DS field has no say in the two bits below it. */
static uint8_t traffic_class_of(const struct emit_fields *fields, const struct tcp_segment *segment)
{
    return (uint8_t)((fields->traffic_class & ~ECN_CE) | segment->ecn);
}

/* Keeps MUST-45, SHLD-22, RFC1191-3-d. */
size_t emit_headers(const struct flow_tuple *tuple, const struct tcp_segment *segment,
                    const struct emit_fields *fields, uint8_t *packet, checksum_sum *pseudo_sum)
{
    struct ip_header ip;
    size_t ip_length = ip_header_bytes(tuple->family);
    size_t header_length = tcp_emit(segment, packet + ip_length);
    if (tuple->family == HF_IPV4) {
        uint32_t length = (uint32_t)header_length + segment->payload_length;
        /* With DF the identification means nothing (RFC 6864 4.1) and stays 0. */
        ip_emit_ipv4(packet, tuple->local, tuple->remote, traffic_class_of(fields, segment),
                     fields->may_fragment ? fields->identification : 0,
                     fields->may_fragment ? 0 : IPV4_FLAG_DONT_FRAGMENT, fields->ttl,
                     IP_PROTOCOL_TCP, length);
        *pseudo_sum =
            checksum_pseudo_ipv4(tuple->local, tuple->remote, IP_PROTOCOL_TCP, (uint16_t)length);
        return ip_length + header_length;
    }
    memset(&ip, 0, sizeof ip);
    ip.source = flow_tuple_local(tuple).address;
    ip.destination = flow_tuple_remote(tuple).address;
    ip.protocol = IP_PROTOCOL_TCP;
    ip.ttl = fields->ttl;
    ip.traffic_class = traffic_class_of(fields, segment);
    ip.dont_fragment = true;
    ip.payload_length = (uint32_t)header_length + segment->payload_length;
    ip_emit(&ip, packet);
    *pseudo_sum = ip_pseudo_sum(&ip.source, &ip.destination, IP_PROTOCOL_TCP, ip.payload_length);
    return ip_length + header_length;
}

/* The segment's text, from the queue to its place; returns its sum. */
static checksum_sum copy_text(const struct tcp_segment *segment, const struct send_queue *queue,
                              uint32_t offset, uint8_t *to)
{
    checksum_sum sum = 0;
    uint32_t done = 0;
    while (done < segment->payload_length) {
        uint32_t contiguous;
        const uint8_t *from = send_queue_span(queue, offset + done, &contiguous);
        uint32_t left = segment->payload_length - done;
        uint32_t take = contiguous < left ? contiguous : left;
        checksum_sum piece = checksum_add_copy(0, to + done, from, take);
        sum += done & 1 ? checksum_swap(piece) : (piece & 0xffffffff) + (piece >> 32);
        done += take;
    }
    return sum;
}

static void put_checksum(uint8_t *tcp, checksum_sum sum)
{
    uint16_t field = checksum_finish(sum);
    memcpy(tcp + TCP_CHECKSUM_OFFSET, &field, sizeof field); /* MUST-2 */
}

static size_t emit_plain(const struct flow_tuple *tuple, const struct tcp_segment *segment,
                         const struct send_queue *queue, uint32_t payload_offset,
                         const struct emit_fields *fields, uint8_t *packet)
{
    /* With DF the identification means nothing (RFC 6864 4.1) and stays 0. */
    const struct plain_fields plain = {
        .ttl = fields->ttl,
        .traffic_class = traffic_class_of(fields, segment),
        .identification = fields->may_fragment ? fields->identification : 0,
        .fragment = fields->may_fragment ? 0 : IPV4_FLAG_DONT_FRAGMENT};
    uint8_t *tcp = packet + IPV4_HEADER_BYTES;
    checksum_sum sum;
    uint32_t header_bytes = plain_segment_write(tuple, segment, &plain, packet, &sum);
    if (segment->payload_length > 0) {
        sum += copy_text(segment, queue, payload_offset, tcp + header_bytes);
    }
    put_checksum(tcp, sum);
    return IPV4_HEADER_BYTES + header_bytes + segment->payload_length;
}

size_t emit_packet(const struct flow_tuple *tuple, const struct tcp_segment *segment,
                   const struct send_queue *queue, uint32_t payload_offset,
                   const struct emit_fields *fields, uint8_t *packet)
{
    checksum_sum sum;
    size_t header_length;
    uint8_t *tcp = packet + ip_header_bytes(tuple->family);
    if (plain_segment_fits(tuple, segment)) {
        return emit_plain(tuple, segment, queue, payload_offset, fields, packet);
    }
    header_length = emit_headers(tuple, segment, fields, packet, &sum);
    sum = checksum_add_header(sum, tcp, (size_t)(packet + header_length - tcp));
    sum += copy_text(segment, queue, payload_offset, packet + header_length);
    put_checksum(tcp, sum);
    return header_length + segment->payload_length;
}
