/* SPDX-License-Identifier: MIT
 *
 * Packets under way, the next to arrive first. A binary heap ordered by (time, order of adding):
 * packets that arrive at one moment do so in the order in which they were sent, in every run.
 */
#ifndef PACKET_HEAP_H
#define PACKET_HEAP_H

#include <handfast/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct packet_under_way {
    hf_time held_ns; /* injected packets: how long the network held them */
    uint8_t to;      /* the host it goes to: 0 or 1 */
    bool injected;
    size_t length;
    uint8_t bytes[];
};

struct packet_heap_entry {
    hf_time time;
    uint64_t sequence;
    struct packet_under_way *packet;
};

struct packet_heap {
    struct packet_heap_entry *entries;
    size_t count, capacity;
    uint64_t next_sequence;
};

/* All zero is an empty heap. The heap owns its packets. */
void packet_heap_clear(struct packet_heap *heap);
/* Adds a copy of the bytes and returns it, or NULL: out of memory, nothing changed. */
struct packet_under_way *packet_heap_add(struct packet_heap *heap, hf_time time, int to,
                                         const void *bytes, size_t length);
/* HF_TIME_NEVER when empty. */
hf_time packet_heap_next_time(const struct packet_heap *heap);
/* The earliest, which stays; NULL when empty. */
const struct packet_under_way *packet_heap_first(const struct packet_heap *heap);
/* Takes the earliest out, for the caller to free(); NULL when empty. */
struct packet_under_way *packet_heap_take(struct packet_heap *heap);

#endif
