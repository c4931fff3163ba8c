/* SPDX-License-Identifier: MIT
 *
 * A window of bytes addressed by offset from its front, in pages that are allocated when touched.
 * The send side appends at the end and drops at the front as ACKs come; the receive side writes
 * wherever a segment belongs, so reassembly needs no per-segment memory: what a peer can make us
 * hold is bounded by the window, not by the number of its segments. Each byte is copied once in
 * and once out. An empty queue holds nothing.
 */
#ifndef BYTEQUEUE_H
#define BYTEQUEUE_H

#include "memory.h"

#include <stdbool.h>

#ifdef HF_PROFILE_TINY
#define PAGE_BYTES 512
#else
#define PAGE_BYTES 4096
#endif

/* Pages for all queues of a stack, the most recently used first. */
struct page_pool {
    struct memory *memory;
    void *free_pages; /* linked through their first bytes */
    uint32_t free_count;
    uint32_t free_limit; /* more than this many go back to the allocator */
    uint32_t held;       /* pages in queues now */
};

void page_pool_init(struct page_pool *pool, struct memory *memory, uint32_t free_limit);
void page_pool_deinit(struct page_pool *pool);

struct bytequeue {
    union {
        uint8_t **ring; /* page pointers, NULL where nothing was written yet */
        uint8_t *only;  /* capacity 1: the page itself, for most queues need no ring */
    } pages;
    uint32_t capacity;   /* of the ring: a power of two, or 0 */
    uint32_t first;      /* ring index of the page that holds the front */
    uint32_t start;      /* the front's offset within that page, < PAGE_BYTES */
    uint32_t page_count; /* pages held */
};

/* All zero is an empty queue. */
/* Writes at `offset` from the front. False: out of memory; then no byte below `offset`, and no byte
 * that was written before, has changed (pages that were added may stay). */
bool bytequeue_write(struct bytequeue *queue, struct page_pool *pool, uint32_t offset,
                     const void *data, uint32_t length);
/* Makes room for the byte at `offset`, and so for those that follow in its page: *contiguous of
 * them, at least 1, may be written. For copying with a checksum in one pass. NULL: out of memory,
 * with the same promise. */
uint8_t *bytequeue_reserve_page(struct bytequeue *queue, struct page_pool *pool, uint32_t offset,
                                uint32_t *contiguous);
/* The bytes at `offset`: a pointer and how many follow contiguously in the page (at least 1). The
 * caller knows that they were written. */
const uint8_t *bytequeue_span(const struct bytequeue *queue, uint32_t offset, uint32_t *contiguous);
void bytequeue_read(const struct bytequeue *queue, uint32_t offset, void *data, uint32_t length);
/* What was reserved for `length` bytes from `offset` on, behind everything that matters: pages that
 * hold nothing else return to the pool. */
void bytequeue_unreserve(struct bytequeue *queue, struct page_pool *pool, uint32_t offset,
                         uint32_t length);
/* Moves the front forward, over holes too; pages left behind return to the pool. */
void bytequeue_drop(struct bytequeue *queue, struct page_pool *pool, uint32_t length);
static inline bool bytequeue_is_empty(const struct bytequeue *queue)
{
    return queue->capacity == 0;
}
/* Frees everything; the queue is empty again. Called by the owner when no byte in the queue matters
 * any more: keeps nothing allocated. Half of the calls find nothing to free. */
void bytequeue_free(struct bytequeue *queue, struct page_pool *pool);
static inline void bytequeue_clear(struct bytequeue *queue, struct page_pool *pool)
{
    if (!bytequeue_is_empty(queue)) {
        bytequeue_free(queue, pool);
    }
}
/* Bytes of memory held, slack and ring included. */
uint64_t bytequeue_held_bytes(const struct bytequeue *queue);

#endif
