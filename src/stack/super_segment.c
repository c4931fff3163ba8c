/* SPDX-License-Identifier: MIT
 *
 * Super-segments: how segments become one. packet_split.c makes segments of one again.
 *
 * A super-segment is not chosen, it is gathered. tcp_next_segment is asked for one segment after
 * the other, as ever, and decides about each; those that differ in nothing but sequence number,
 * length and, for the last, PSH and FIN are joined. So a late split gives, byte for byte, what
 * would have left without: cutting undoes joining, and nothing else happens in between.
 *
 * Linux's receivers, and whatever forwards in between, know one rule more: CWR on the first segment
 * only (RFC 3168 6.1.2) where ECN is the classic one, but on all where it is a bit of RFC 9768's
 * counter. A segment with it leaves alone, which is right for both.
 */
#include "hf_assert.h"
#include "stack_state.h"
#include "wire_bytes.h"

#define LAST_ONLY ((uint16_t)(HF_PSH | HF_FIN))

/* ---- joining */

void super_begin(struct super_segment *super, const struct tcp_segment *segment,
                 uint32_t payload_offset, enum hf_reason reason)
{
    super->run = *segment;
    super->payload_offset = payload_offset;
    super->segment_bytes = segment->payload_length;
    super->segments = 1;
    super->reason = reason;
}

bool super_is_open(const struct super_segment *super)
{
    uint32_t headers = 40u + TCP_HEADER_MAX_BYTES;
    return super->reason == HF_REASON_SEND_DATA && super->segment_bytes > 0 &&
           (super->run.flags & (LAST_ONLY | HF_SYN | HF_RST | HF_URG | HF_CWR)) == 0 &&
           super->run.payload_length == super->segments * super->segment_bytes &&
           super->run.payload_length + super->segment_bytes + headers <= HF_PACKET_BYTES;
}

bool super_join(struct super_segment *super, const struct tcp_segment *next, enum hf_reason reason)
{
    struct tcp_segment *run = &super->run;
    if (reason != super->reason || next->payload_length == 0 ||
        next->payload_length > super->segment_bytes ||
        !seq_eq(next->seq, seq_add(run->seq, run->payload_length)) ||
        (next->flags & ~LAST_ONLY) != run->flags || !seq_eq(next->ack, run->ack) ||
        next->window != run->window || next->ecn != run->ecn ||
        !tcp_options_equal(&next->options, &run->options)) {
        return false;
    }
    run->payload_length += next->payload_length;
    run->flags |= next->flags & LAST_ONLY;
    super->segments++;
    return true;
}

uint32_t super_room(const struct super_segment *super, uint32_t most)
{
    uint32_t headers = 40u + TCP_HEADER_MAX_BYTES;
    uint32_t fits = (HF_PACKET_BYTES - headers) / super->segment_bytes;
    most = most < fits ? most : fits;
    return most > super->segments ? most - super->segments : 0;
}

void super_extend(struct super_segment *super, uint32_t segments)
{
    super->segments += segments;
    super->run.payload_length += segments * super->segment_bytes;
}

/* ---- as a packet */

static uint16_t partial_checksum(checksum_sum pseudo_sum)
{
    return (uint16_t)~checksum_finish(pseudo_sum);
}

/* False: there are too many. */
static bool refer(const struct super_segment *super, const struct send_queue *queue,
                  struct hf_packet *packet)
{
    uint32_t done = 0;
    packet->piece_count = 0;
    while (done < super->run.payload_length) {
        uint32_t contiguous;
        uint32_t left = super->run.payload_length - done;
        const uint8_t *from = send_queue_span(queue, super->payload_offset + done, &contiguous);
        if (packet->piece_count == HF_PACKET_PIECES) {
            return false;
        }
        contiguous = contiguous < left ? contiguous : left;
        packet->pieces[packet->piece_count++] = (struct hf_piece){from, contiguous};
        done += contiguous;
    }
    return true;
}

void super_emit(const struct super_segment *super, const struct tcp_conn *conn,
                const struct emit_fields *fields, uint32_t flags, struct hf_packet *packet)
{
    const struct tcp_segment *run = &super->run;
    checksum_sum pseudo_sum;
    uint16_t field;
    packet->checksum_start = (uint32_t)ip_header_bytes(conn->tuple.family);
    packet->segments = super->segments;
    packet->segment_bytes = super->segments > 1 ? super->segment_bytes : 0;
    packet->piece_count = 0;
    if (!(flags & HF_OUTPUT_PARTIAL)) {
        packet->flags = 0;
        packet->length = emit_packet(&conn->tuple, run, &conn->send_queue, super->payload_offset,
                                     fields, packet->bytes);
        packet->total_length = packet->length;
        packet->header_bytes = (uint32_t)packet->length - run->payload_length;
        return;
    }
    packet->length = emit_headers(&conn->tuple, run, fields, packet->bytes, &pseudo_sum);
    packet->header_bytes = (uint32_t)packet->length;
    packet->total_length = packet->length + run->payload_length;
    field = partial_checksum(pseudo_sum);
    memcpy(packet->bytes + packet->checksum_start + TCP_CHECKSUM_OFFSET, &field, sizeof field);
    packet->flags = HF_PACKET_CHECKSUM_PARTIAL;
    if (run->payload_length > 0 &&
        (!(flags & HF_OUTPUT_PIECES) || !refer(super, &conn->send_queue, packet))) {
        packet->piece_count = 0;
        send_queue_read(&conn->send_queue, super->payload_offset, packet->bytes + packet->length,
                        run->payload_length);
        packet->length = packet->total_length;
    }
}
