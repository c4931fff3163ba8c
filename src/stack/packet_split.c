/* SPDX-License-Identifier: MIT
 *
 * How one packet becomes segments, for links that cannot cut.
 *
 * The headers of a super-segment's segments differ in sequence number and checksum, and the last
 * one's in length, PSH and FIN besides. So there is one header for all but the last, with the sum
 * of its words; what a segment takes is a copy of it, its number, and the one pass over its text
 * that copies and sums. Where in the packet's pieces the next text begins is known from the segment
 * before. Each by itself, with its header summed anew and its place searched for, a segment took
 * 380 instructions beside that pass; so it takes 110.
 */
#include "checksum.h"
#include "hf_assert.h"
#include "stack_state.h"
#include "wire_bytes.h"

#define LAST_ONLY ((uint8_t)(HF_PSH | HF_FIN))
#define TCP_SEQUENCE_OFFSET 4u
#define TCP_FLAGS_OFFSET 13u
#define IPV4_DONT_FRAGMENT 0x4000u

/* What stands in hf_split.shape: which segments its header is for. */
enum shape { SHAPE_NONE, SHAPE_INNER, SHAPE_LAST };

static bool is_ipv4(const uint8_t *ip)
{
    return ip[0] >> 4 == HF_IPV4;
}

static bool completes(const struct hf_packet *packet)
{
    return packet->segments > 1 || (packet->flags & HF_PACKET_CHECKSUM_PARTIAL) != 0;
}

static size_t text_of(const struct hf_packet *packet, uint32_t index)
{
    size_t text = packet->total_length - packet->header_bytes;
    return index + 1 < packet->segments ? packet->segment_bytes
                                        : text - (size_t)index * packet->segment_bytes;
}

/* ---- headers */

static void complete_ipv4(uint8_t *ip)
{
    uint16_t field;
    wire_write_16(ip + 10, 0);
    field = checksum_finish(checksum_add_header(0, ip, ip_header_bytes(HF_IPV4)));
    memcpy(ip + 10, &field, sizeof field);
}

static void set_ip_length(uint8_t *ip, size_t length)
{
    if (is_ipv4(ip)) {
        wire_write_16(ip + 2, (uint16_t)length);
        complete_ipv4(ip);
    } else {
        wire_write_16(ip + 4, (uint16_t)(length - ip_header_bytes(HF_IPV6)));
    }
}

static checksum_sum pseudo_sum_of(const uint8_t *ip, uint32_t length)
{
    return is_ipv4(ip) ? checksum_pseudo_ipv4(ip + 12, ip + 16, IP_PROTOCOL_TCP, (uint16_t)length)
                       : checksum_pseudo_ipv6(ip + 8, ip + 24, IP_PROTOCOL_TCP, length);
}

/* The header of segments with so much text, and its sum without sequence number and text. */
static void set_header(struct hf_split *split, enum shape shape, size_t text_bytes)
{
    const struct hf_packet *packet = split->packet;
    uint8_t *tcp = split->header + packet->checksum_start;
    size_t length = packet->header_bytes + text_bytes;
    split->shape = (uint8_t)shape;
    memcpy(split->header, packet->bytes, packet->header_bytes);
    if (!completes(packet)) {
        return;
    }
    if (packet->segments > 1) {
        set_ip_length(split->header, length);
        tcp[TCP_FLAGS_OFFSET] &= (uint8_t)(shape == SHAPE_LAST ? 0xffu : ~(unsigned)LAST_ONLY);
    }
    memset(tcp + TCP_SEQUENCE_OFFSET, 0, sizeof(uint32_t));
    memset(tcp + TCP_CHECKSUM_OFFSET, 0, sizeof(uint16_t));
    split->header_sum = checksum_add_header(
        pseudo_sum_of(split->header, (uint32_t)(length - packet->checksum_start)), tcp,
        packet->header_bytes - packet->checksum_start);
}

/* As one copy of 64 bytes, if the text behind it takes what is too much: no call of memcpy. */
static void put_header(const struct hf_split *split, uint8_t *out, size_t length)
{
    if (split->packet->header_bytes <= 64 && length >= 64) {
        memcpy(out, split->header, 64);
    } else {
        memcpy(out, split->header, split->packet->header_bytes);
    }
}

/* What is this segment's alone. */
static void complete(const struct hf_split *split, uint8_t *out, checksum_sum text_sum)
{
    const struct hf_packet *packet = split->packet;
    uint8_t *tcp = out + packet->checksum_start;
    uint32_t sequence;
    uint16_t field;
    wire_write_32((uint8_t *)&sequence, split->sequence);
    if (packet->segments > 1 && is_ipv4(out) && !(wire_read_16(out + 6) & IPV4_DONT_FRAGMENT)) {
        wire_write_16(out + 4, (uint16_t)(wire_read_16(out + 4) + split->index));
        complete_ipv4(out);
    }
    field = checksum_finish(split->header_sum + sequence + text_sum);
    memcpy(tcp + TCP_SEQUENCE_OFFSET, &sequence, sizeof sequence);
    memcpy(tcp + TCP_CHECKSUM_OFFSET, &field, sizeof field);
}

/* ---- text */

/* Text stands behind the headers, or in pieces, or both. */
static void next_piece(struct hf_split *split)
{
    const struct hf_packet *packet = split->packet;
    HF_ASSERT(split->piece < packet->piece_count);
    split->from = packet->pieces[split->piece].data;
    split->left = packet->pieces[split->piece].length;
    split->piece++;
}

static void skip(struct hf_split *split, size_t length)
{
    while (length >= split->left && split->piece < split->packet->piece_count) {
        length -= split->left;
        next_piece(split);
    }
    HF_ASSERT(length <= split->left);
    split->from += length;
    split->left -= length;
}

/* The next `length` bytes of text, and their sum. */
static checksum_sum gather(struct hf_split *split, size_t length, uint8_t *out)
{
    size_t done = 0;
    checksum_sum sum = 0;
    while (done < length) {
        size_t take = split->left < length - done ? split->left : length - done;
        checksum_sum part = checksum_add_copy(0, out + done, split->from, take);
        sum += done & 1 ? checksum_swap(part) : (part & 0xffffffff) + (part >> 32);
        done += take;
        split->from += take;
        split->left -= take;
        if (done < length) {
            next_piece(split);
        }
    }
    return sum;
}

/* ---- the calls */

void hf_split_begin(struct hf_split *split, const struct hf_packet *packet)
{
    HF_ASSERT(packet->header_bytes <= sizeof split->header);
    split->packet = packet;
    split->from = packet->bytes + packet->header_bytes;
    split->left = packet->length - packet->header_bytes;
    split->piece = 0;
    split->index = 0;
    split->shape = SHAPE_NONE;
    split->header_sum = 0;
    split->sequence =
        completes(packet)
            ? wire_read_32(packet->bytes + packet->checksum_start + TCP_SEQUENCE_OFFSET)
            : 0;
}

ptrdiff_t hf_split_next(struct hf_split *split, void *out, size_t capacity)
{
    const struct hf_packet *packet = split->packet;
    enum shape shape = split->index + 1 < packet->segments ? SHAPE_INNER : SHAPE_LAST;
    size_t text_bytes;
    size_t length;
    checksum_sum text_sum;
    if (split->index >= packet->segments) {
        return 0;
    }
    text_bytes = text_of(packet, split->index);
    length = packet->header_bytes + text_bytes;
    if (length > capacity) {
        return HF_EMSGSIZE;
    }
    if (split->shape != shape) {
        set_header(split, shape, text_bytes);
    }
    put_header(split, out, length);
    text_sum = gather(split, text_bytes, (uint8_t *)out + packet->header_bytes);
    if (completes(packet)) {
        complete(split, out, text_sum);
    }
    split->sequence += (uint32_t)text_bytes;
    split->index++;
    return (ptrdiff_t)length;
}

ptrdiff_t hf_packet_split(const struct hf_packet *packet, uint32_t index, void *out,
                          size_t capacity)
{
    struct hf_split split;
    if (index >= packet->segments) {
        return HF_EINVAL;
    }
    hf_split_begin(&split, packet);
    skip(&split, (size_t)index * packet->segment_bytes);
    split.index = index;
    split.sequence += index * packet->segment_bytes;
    return hf_split_next(&split, out, capacity);
}

int hf_packet_keep(struct hf_packet *packet)
{
    if (packet->total_length > packet->capacity) {
        return HF_EMSGSIZE;
    }
    for (uint32_t i = 0; i < packet->piece_count; i++) {
        memcpy(packet->bytes + packet->length, packet->pieces[i].data, packet->pieces[i].length);
        packet->length += packet->pieces[i].length;
    }
    packet->piece_count = 0;
    return HF_OK;
}
