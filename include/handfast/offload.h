/* SPDX-License-Identifier: MIT
 *
 * Packets in batches, and larger than the MTU: super-segments. A link that can cut a packet of many
 * segments late, or complete a checksum (a TUN device with offloads, a network card), takes one
 * such packet where it would else take forty; and hands over what arrived in the same way. The
 * single segments are the same either way, byte for byte: hf_packet_split makes them, for links
 * that cannot.
 */
#ifndef HANDFAST_OFFLOAD_H
#define HANDFAST_OFFLOAD_H

#include "reasons.h"
#include "stack.h"
#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HF_PACKET_BYTES 65535 /* the longest packet, a super-segment with its headers */
#define HF_PACKET_PIECES 20

enum hf_packet_flag {
    /* The TCP checksum field holds the sum of the pseudo-header alone, and whoever puts the packet
     * on a wire completes it, from checksum_start on. Of an arriving packet: it never was on one,
     * so there is nothing to be verified. */
    HF_PACKET_CHECKSUM_PARTIAL = 1,
    HF_PACKET_CHECKSUM_VALID = 2 /* arriving: the link has verified it */
};

/* What a link knows of a packet that arrives. */
struct hf_packet_hints {
    uint32_t segment_bytes; /* payload of each of its segments but the last; 0: it is one */
    uint32_t flags;         /* enum hf_packet_flag */
};

/* hf_stack_input, for a packet that may be longer than the MTU: segments of one connection, in
 * order, with the same header but for sequence number, PSH and FIN, joined into one by the link.
 * They are counted as what they were: for acknowledgements, congestion marks and statistics. At
 * most one acknowledgement answers all of them (RFC 9293 3.8.6.3, RFC 5681 4.2: by its end). A
 * checksum is verified unless the hints say that it need not be. `hints` may be NULL. */
HF_API enum hf_reason hf_stack_input_packet(struct hf_stack *stack, const void *packet,
                                            size_t length, const struct hf_packet_hints *hints,
                                            hf_time now);

/* A packet that arrives with others. */
struct hf_arriving {
    const void *bytes;
    size_t length;
    struct hf_packet_hints hints;
};

/* hf_stack_input_packet for each in turn, with one difference: successive segments of a connection
 * that are in order and have the same headers but for sequence number and PSH are looked at as one,
 * as Linux does (GRO); as above they count as what they were, and one acknowledgement may answer
 * all of a batch. Not while a trace sink is set, nor with config.join_received 0: then it is what
 * it says. Bytes are borrowed for the call. */
HF_API void hf_stack_input_batch(struct hf_stack *stack, const struct hf_arriving *packets,
                                 uint32_t count, hf_time now);

struct hf_piece {
    const void *data;
    size_t length;
};

/* A packet that leaves: bytes[0..length), then the pieces. `bytes` and `capacity` are set by the
 * caller, the rest by hf_stack_output_batch. */
struct hf_packet {
    uint8_t *bytes;
    size_t capacity; /* at least config.mtu; with HF_OUTPUT_SUPER at least HF_PACKET_BYTES */
    size_t length;
    size_t total_length; /* with the pieces */
    uint32_t piece_count;
    uint32_t segment_bytes;  /* payload of each of its segments but the last; 0: it is one */
    uint32_t segments;       /* how many it is on a wire without offloads: 1 or more */
    uint32_t header_bytes;   /* IP and TCP */
    uint32_t checksum_start; /* where the TCP header begins; 0: it is none of TCP */
    uint32_t flags;          /* HF_PACKET_CHECKSUM_PARTIAL, or nothing: it is complete */
    struct hf_piece pieces[HF_PACKET_PIECES];
};

enum hf_output_flag {
    HF_OUTPUT_SUPER = 1,   /* packets may be super-segments */
    HF_OUTPUT_PARTIAL = 2, /* TCP checksums may be left partial */
    HF_OUTPUT_PIECES = 4   /* payload may stay where it is, in pieces; goes with _PARTIAL only */
};
/* Up to `count` packets out: how many, 0 when there is nothing to send at `now`, HF_EMSGSIZE when a
 * capacity is too small, HF_EINVAL (flags). Pieces point into the stack and last until the next
 * call on it. A super-segment is made of new data that may leave at this instant: all that is
 * chosen for single segments (cwnd, pacing, Nagle, PSH, FIN) is chosen for each of its segments;
 * retransmissions, probes, urgent data and segments with CWR are never part of one. It is no
 * longer than Linux's, about a millisecond's worth. A last place in `packets` takes no
 * super-segment, so give room for two at least. Otherwise as hf_stack_output. */
HF_API int hf_stack_output_batch(struct hf_stack *stack, struct hf_packet *packets, uint32_t count,
                                 uint32_t flags, hf_time now);

/* For a link that has no room now: copies what the pieces point at behind the headers, so that the
 * stack may move on. HF_EMSGSIZE: its capacity is too small, and it is as it was. */
HF_API int hf_packet_keep(struct hf_packet *packet);

/* Late split: writes the segment of this index, 0 to segments - 1, with its checksum complete, as
 * hf_stack_output would have made it. Its length, or HF_EMSGSIZE, HF_EINVAL (no such index). */
HF_API ptrdiff_t hf_packet_split(const struct hf_packet *packet, uint32_t index, void *out,
                                 size_t capacity);

/* The same for all segments of a packet in turn, which takes less for each: what is the same for
 * all of them is worked out once. The members are the library's own. */
struct hf_split {
    const struct hf_packet *packet;
    const uint8_t *from; /* the text that comes next, so much of it in one place */
    size_t left;
    uint32_t piece, index, sequence;
    uint64_t header_sum;
    uint8_t shape;
    uint8_t header[103];
};
/* `packet` and what its pieces point to must last as long as the segments are asked for. */
HF_API void hf_split_begin(struct hf_split *split, const struct hf_packet *packet);
/* Writes the next segment: its length, 0 when there is none left, HF_EMSGSIZE. */
HF_API ptrdiff_t hf_split_next(struct hf_split *split, void *out, size_t capacity);

#ifdef __cplusplus
}
#endif

#endif
