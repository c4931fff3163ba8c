/* SPDX-License-Identifier: MIT
 *
 * A record is a header and the packet, rounded up so that headers are aligned. One that would reach
 * over the end of the ring begins at its beginning, and a header that says so fills the gap; there
 * always is room for that header, for records end at multiples of its size.
 *
 * The writer publishes with a sequentially consistent store, and then looks whether the reader
 * sleeps; the reader says that it is going to sleep, and then looks at the ring once more
 * (core_ring_has_any). In a single order of those four one of the two sees the other. Publishing
 * once for many packets makes the cost of that order small.
 */
#include "core_ring.h"

#include <stdlib.h>
#include <string.h>

#define WRAP UINT32_MAX

struct record {
    uint32_t length; /* or WRAP: the next one stands at the beginning */
    uint32_t segment_bytes, flags;
    uint32_t zero;
};

bool core_ring_init(struct core_ring *ring, size_t size)
{
    memset(ring, 0, sizeof *ring);
    atomic_init(&ring->tail, 0);
    atomic_init(&ring->head, 0);
    ring->size = size;
    ring->bytes = malloc(size);
    return ring->bytes != NULL;
}

void core_ring_deinit(struct core_ring *ring)
{
    free(ring->bytes);
    ring->bytes = NULL;
}

static size_t record_bytes(size_t length)
{
    return sizeof(struct record) +
           (length + sizeof(struct record) - 1) / sizeof(struct record) * sizeof(struct record);
}

/* ---- the writer */

static bool has_room(struct core_ring *ring, size_t bytes)
{
    if (ring->written + bytes - ring->head_seen <= ring->size)
        return true;
    ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
    return ring->written + bytes - ring->head_seen <= ring->size;
}

static uint8_t *place(const struct core_ring *ring, size_t position)
{
    return ring->bytes + (position & (ring->size - 1));
}

bool core_ring_put(struct core_ring *ring, const struct hf_arriving *packet)
{
    size_t needed = record_bytes(packet->length);
    size_t to_end = ring->size - (ring->written & (ring->size - 1));
    struct record record = {.length = (uint32_t)packet->length,
                            .segment_bytes = packet->hints.segment_bytes,
                            .flags = packet->hints.flags};

    if (packet->length > HF_PACKET_BYTES ||
        !has_room(ring, needed <= to_end ? needed : to_end + needed)) {
        ring->dropped++;
        return false;
    }
    if (needed > to_end) {
        const struct record wrap = {.length = WRAP};
        memcpy(place(ring, ring->written), &wrap, sizeof wrap);
        ring->written += to_end;
    }
    memcpy(place(ring, ring->written), &record, sizeof record);
    memcpy(place(ring, ring->written) + sizeof record, packet->bytes, packet->length);
    ring->written += needed;
    ring->packets++;
    ring->packet_bytes += packet->length;
    return true;
}

void core_ring_publish(struct core_ring *ring)
{
    atomic_store(&ring->tail, ring->written);
}

/* ---- the reader */

uint32_t core_ring_look(struct core_ring *ring, struct hf_arriving *packets, uint32_t count)
{
    size_t at = atomic_load_explicit(&ring->head, memory_order_relaxed);
    uint32_t found = 0;
    size_t tail;

    tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    while (found < count && at != tail) {
        struct record record;
        memcpy(&record, place(ring, at), sizeof record);
        if (record.length == WRAP) {
            at += ring->size - (at & (ring->size - 1));
            continue;
        }
        packets[found++] = (struct hf_arriving){
            .bytes = place(ring, at) + sizeof record,
            .length = record.length,
            .hints = {.segment_bytes = record.segment_bytes, .flags = record.flags}};
        at += record_bytes(record.length);
    }
    ring->looked = at;
    return found;
}

void core_ring_release(struct core_ring *ring)
{
    atomic_store_explicit(&ring->head, ring->looked, memory_order_release);
}

bool core_ring_has_any(const struct core_ring *ring)
{
    return atomic_load(&ring->tail) != atomic_load_explicit(&ring->head, memory_order_relaxed);
}
