/* SPDX-License-Identifier: MIT
 *
 * Objects of one size, named by a 32-bit index, in slabs that never move: an index and a pointer
 * both stay good until release. Released objects are reused last-in first-out (warm in the cache).
 * The pool writes only the first 4 bytes of a released object (its free list), so an owner may keep
 * a generation at any later offset through release and reuse. New slabs are zeroed.
 *
 * A shrinking pool (pool_init_shrinking) gives a slab back when its last object is released, but
 * for one; so nothing of an object outlives its release, and indexes have gaps.
 */
#ifndef POOL_H
#define POOL_H

#include "memory.h"

#include <stdbool.h>

#define POOL_NONE UINT32_MAX

/* Of a shrinking pool, for each slab. */
struct pool_slab {
    uint32_t used, fresh;    /* objects in use; objects ever handed out */
    uint32_t free_head;      /* index of a released object, or POOL_NONE */
    uint32_t next, previous; /* numbers, in the list of slabs with room or of slabs not there */
};

struct pool {
    struct memory *memory;
    void **slabs;
    uint32_t object_size;
    uint32_t objects_per_slab; /* a power of two */
    uint32_t slab_shift;       /* log2 of it */
    uint32_t slab_count, slab_capacity;
    uint32_t extent; /* indexes handed out so far, released ones included */
    uint32_t count;  /* allocated now */
    uint32_t limit;  /* most that may be allocated */
    uint32_t free_head;
    /* Of a shrinking pool; NULL: it is none. `roomy`: slabs with room; `absent`: given back. */
    struct pool_slab *uses;
    bool shrinks;
    uint32_t roomy, absent, empty_count;
};

/* object_size: 8..65536, a multiple of 8. Allocates nothing yet. */
void pool_init(struct pool *pool, struct memory *memory, size_t object_size, uint32_t limit);
void pool_init_shrinking(struct pool *pool, struct memory *memory, size_t object_size,
                         uint32_t limit);
void pool_deinit(struct pool *pool);
/* NULL at the limit or without memory. The object is NOT zeroed when reused. */
void *pool_allocate(struct pool *pool, uint32_t *index);
void pool_release(struct pool *pool, uint32_t index);
/* Indexes ever handed out are 0 .. pool_extent-1. Not for shrinking pools. */
static inline uint32_t pool_extent(const struct pool *pool)
{
    return pool->extent;
}

/* index < pool_extent(pool). */
static inline void *pool_at(const struct pool *pool, uint32_t index)
{
    uint32_t within = index & (pool->objects_per_slab - 1);
    return (char *)pool->slabs[index >> pool->slab_shift] + (size_t)within * pool->object_size;
}

#endif
