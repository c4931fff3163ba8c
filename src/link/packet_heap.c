/* SPDX-License-Identifier: MIT
 *
 * The heap in an array: the children of entry i are 2i+1 and 2i+2, and none is before its parent.
 */
#include "packet_heap.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 64u

void packet_heap_clear(struct packet_heap *heap)
{
    for (size_t i = 0; i < heap->count; i++)
        free(heap->entries[i].packet);
    free(heap->entries);
    *heap = (struct packet_heap){0};
}

static bool before(const struct packet_heap_entry *a, const struct packet_heap_entry *b)
{
    return a->time != b->time ? a->time < b->time : a->sequence < b->sequence;
}

static bool grow(struct packet_heap *heap)
{
    size_t capacity = heap->capacity == 0 ? FIRST_CAPACITY : heap->capacity * 2;
    struct packet_heap_entry *entries;

    if (capacity > SIZE_MAX / sizeof *entries)
        return false;
    entries = realloc(heap->entries, capacity * sizeof *entries);
    if (entries == NULL)
        return false;
    heap->entries = entries;
    heap->capacity = capacity;
    return true;
}

struct packet_under_way *packet_heap_add(struct packet_heap *heap, hf_time time, int to,
                                         const void *bytes, size_t length)
{
    struct packet_heap_entry entry = {.time = time, .sequence = heap->next_sequence};
    size_t hole = heap->count;

    if (heap->count == heap->capacity && !grow(heap))
        return NULL;
    entry.packet = malloc(sizeof *entry.packet + length);
    if (entry.packet == NULL)
        return NULL;
    *entry.packet = (struct packet_under_way){.to = (uint8_t)to, .length = length};
    memcpy(entry.packet->bytes, bytes, length);
    heap->next_sequence++;
    heap->count++;
    while (hole > 0 && before(&entry, &heap->entries[(hole - 1) / 2])) {
        heap->entries[hole] = heap->entries[(hole - 1) / 2];
        hole = (hole - 1) / 2;
    }
    heap->entries[hole] = entry;
    return entry.packet;
}

hf_time packet_heap_next_time(const struct packet_heap *heap)
{
    return heap->count == 0 ? HF_TIME_NEVER : heap->entries[0].time;
}

const struct packet_under_way *packet_heap_first(const struct packet_heap *heap)
{
    return heap->count == 0 ? NULL : heap->entries[0].packet;
}

struct packet_under_way *packet_heap_take(struct packet_heap *heap)
{
    struct packet_under_way *taken;
    struct packet_heap_entry last;
    size_t hole = 0;

    if (heap->count == 0)
        return NULL;
    taken = heap->entries[0].packet;
    last = heap->entries[--heap->count];
    for (size_t child = 1; child < heap->count; child = 2 * hole + 1) {
        if (child + 1 < heap->count && before(&heap->entries[child + 1], &heap->entries[child]))
            child++;
        if (!before(&heap->entries[child], &last))
            break;
        heap->entries[hole] = heap->entries[child];
        hole = child;
    }
    heap->entries[hole] = last;
    return taken;
}
