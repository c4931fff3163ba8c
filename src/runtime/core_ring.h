/* SPDX-License-Identifier: MIT
 *
 * Packets from one thread to one other, without a lock: a ring of bytes that one of them writes and
 * the other reads. A packet stands in it in one piece, with what its link knew of it, and is looked
 * at where it stands.
 */
#ifndef CORE_RING_H
#define CORE_RING_H

#include <handfast/offload.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CORE_RING_BYTES_MIN 262144u
#define CORE_RING_BYTES_MAX (UINT32_C(1) << 30)
#define CORE_CACHE_LINE 64

/* Positions only grow; the place in `bytes` is their low bits. */
struct core_ring {
    /* The writer's. */
    _Alignas(CORE_CACHE_LINE) atomic_size_t tail; /* what stands before it may be read */
    size_t written;                               /* what will be once it is published */
    size_t head_seen;                             /* `head` as it was when there was no room */
    uint64_t packets, packet_bytes, dropped;
    /* The reader's. */
    _Alignas(CORE_CACHE_LINE) atomic_size_t head; /* what stands before it may be overwritten */
    size_t looked;
    /* Neither changes. */
    _Alignas(CORE_CACHE_LINE) uint8_t *bytes;
    size_t size;
};

/* `size`: a power of two in the range above. False: no memory. */
bool core_ring_init(struct core_ring *ring, size_t size);
void core_ring_deinit(struct core_ring *ring);

/* By the writer. False: there is no room for it now. */
bool core_ring_put(struct core_ring *ring, const struct hf_arriving *packet);
/* What was put can be read from now on. */
void core_ring_publish(struct core_ring *ring);

/* By the reader. Up to `count` packets, whose bytes last until they are released: how many. */
uint32_t core_ring_look(struct core_ring *ring, struct hf_arriving *packets, uint32_t count);
/* These, the ones that were looked at last, have been read. */
void core_ring_release(struct core_ring *ring);
/* Is there anything? Ordered after all that this thread stored before, as seen by the writer. */
bool core_ring_has_any(const struct core_ring *ring);

#endif
