/* SPDX-License-Identifier: MIT
 *
 * Offsets are those of RFC 791 3.1, RFC 8200 3 and RFC 9293 3.1.
 */
#include "packet_glance.h"

#include <string.h>

#define IPV4_HEADER_MIN 20u
#define IPV6_HEADER 40u
#define TCP_HEADER_MIN 20u
#define PROTOCOL_TCP 6u

static uint16_t read_16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static uint32_t read_32(const uint8_t *bytes)
{
    return (uint32_t)read_16(bytes) << 16 | read_16(bytes + 2);
}

static void glance_segment(const uint8_t *tcp, size_t length, struct packet_glance *glance)
{
    struct hf_trace_segment *segment = &glance->segment;
    size_t header_length;

    if (length < TCP_HEADER_MIN)
        return;
    header_length = (size_t)(tcp[12] >> 4) * 4;
    if (header_length < TCP_HEADER_MIN || header_length > length)
        return;
    glance->source.port = read_16(tcp);
    glance->destination.port = read_16(tcp + 2);
    segment->seq = read_32(tcp + 4);
    segment->ack = read_32(tcp + 8);
    segment->flags = (uint16_t)(read_16(tcp + 12) & 0x1ff);
    segment->window = read_16(tcp + 14);
    segment->urgent_pointer = read_16(tcp + 18);
    segment->length = (uint32_t)(length - header_length);
    segment->window_scale = -1;
    glance->has_segment = true;
}

static void glance_ipv4(const uint8_t *packet, size_t length, struct packet_glance *glance)
{
    size_t header_length = (size_t)(packet[0] & 0x0f) * 4, total_length;

    if (length < IPV4_HEADER_MIN)
        return;
    glance->source.address.family = glance->destination.address.family = HF_IPV4;
    memcpy(glance->source.address.bytes, packet + 12, 4);
    memcpy(glance->destination.address.bytes, packet + 16, 4);
    total_length = read_16(packet + 2);
    if (header_length < IPV4_HEADER_MIN || total_length < header_length || total_length > length)
        return;
    /* A fragment that is not the first has no TCP header, and the first has not all of its data. */
    if ((read_16(packet + 6) & 0x3fff) == 0 && packet[9] == PROTOCOL_TCP)
        glance_segment(packet + header_length, total_length - header_length, glance);
}

static void glance_ipv6(const uint8_t *packet, size_t length, struct packet_glance *glance)
{
    size_t payload_length;

    if (length < IPV6_HEADER)
        return;
    glance->source.address.family = glance->destination.address.family = HF_IPV6;
    memcpy(glance->source.address.bytes, packet + 8, 16);
    memcpy(glance->destination.address.bytes, packet + 24, 16);
    payload_length = read_16(packet + 4);
    if (payload_length <= length - IPV6_HEADER && packet[6] == PROTOCOL_TCP)
        glance_segment(packet + IPV6_HEADER, payload_length, glance);
}

void packet_glance(const uint8_t *packet, size_t length, struct packet_glance *glance)
{
    memset(glance, 0, sizeof *glance);
    if (length == 0)
        return;
    if (packet[0] >> 4 == 4)
        glance_ipv4(packet, length, glance);
    else if (packet[0] >> 4 == 6)
        glance_ipv6(packet, length, glance);
}
