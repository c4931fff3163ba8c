/* SPDX-License-Identifier: MIT
 *
 * A pool grows one slab at a time and only when every object it has is in use. Fresh objects are
 * handed out in order of index and are not touched before that, so a slab costs its zeroing and
 * nothing else; released ones form a stack through their first 4 bytes. Only the array of slab
 * pointers ever moves, never a slab.
 */
#include "pool.h"

#include "hf_assert.h"

#include <stdbool.h>
#include <string.h>

/* Small enough to zero without a stall and for a small stack to bear, large enough to make the
 * allocator's own cost vanish. */
#define SLAB_TARGET_BYTES 32768
#define OBJECT_BYTES_MAX 65536
#define FIRST_SLAB_CAPACITY 4

void pool_init(struct pool *pool, struct memory *memory, size_t object_size, uint32_t limit)
{
    HF_ASSERT(object_size >= 8);
    HF_ASSERT(object_size <= OBJECT_BYTES_MAX);
    HF_ASSERT(object_size % 8 == 0);
    *pool = (struct pool){.memory = memory,
                          .object_size = (uint32_t)object_size,
                          .objects_per_slab = 1,
                          .limit = limit,
                          .free_head = POOL_NONE};
    while (pool->objects_per_slab < limit &&
           2 * pool->objects_per_slab * object_size <= SLAB_TARGET_BYTES) {
        pool->objects_per_slab *= 2;
        pool->slab_shift++;
    }
}

static size_t slab_bytes(const struct pool *pool)
{
    return (size_t)pool->objects_per_slab * pool->object_size;
}

void pool_deinit(struct pool *pool)
{
    for (uint32_t i = 0; i < pool->slab_count; i++)
        memory_release(pool->memory, pool->slabs[i], slab_bytes(pool));
    memory_release(pool->memory, pool->slabs, pool->slab_capacity * sizeof(void *));
    pool->slabs = NULL;
    pool->slab_count = 0;
    pool->slab_capacity = 0;
    pool->extent = 0;
    pool->count = 0;
    pool->free_head = POOL_NONE;
}

static bool grow_slab_array(struct pool *pool)
{
    uint64_t capacity = FIRST_SLAB_CAPACITY;
    if (pool->slab_capacity > 0)
        capacity = 2 * (uint64_t)pool->slab_capacity;
    if (capacity > UINT32_MAX || capacity > SIZE_MAX / sizeof(void *))
        return false;
    void **slabs = memory_allocate(pool->memory, (size_t)capacity * sizeof(void *));
    if (slabs == NULL)
        return false;
    if (pool->slab_count > 0)
        memcpy(slabs, pool->slabs, pool->slab_count * sizeof(void *));
    memory_release(pool->memory, pool->slabs, pool->slab_capacity * sizeof(void *));
    pool->slabs = slabs;
    pool->slab_capacity = (uint32_t)capacity;
    return true;
}

static bool add_slab(struct pool *pool)
{
    if (pool->slab_count == pool->slab_capacity && !grow_slab_array(pool))
        return false;
    void *slab = memory_allocate(pool->memory, slab_bytes(pool));
    if (slab == NULL)
        return false;
    memset(slab, 0, slab_bytes(pool));
    pool->slabs[pool->slab_count++] = slab;
    return true;
}

void *pool_allocate(struct pool *pool, uint32_t *index)
{
    if (pool->count >= pool->limit)
        return NULL;
    if (pool->free_head != POOL_NONE) {
        void *object = pool_at(pool, pool->free_head);
        *index = pool->free_head;
        memcpy(&pool->free_head, object, sizeof pool->free_head);
        pool->count++;
        return object;
    }
    if (pool->extent >> pool->slab_shift == pool->slab_count && !add_slab(pool))
        return NULL;
    *index = pool->extent++;
    pool->count++;
    return pool_at(pool, *index);
}

void pool_release(struct pool *pool, uint32_t index)
{
    HF_ASSERT(index < pool->extent);
    HF_ASSERT(pool->count > 0);
    HF_ASSERT(index != pool->free_head);
    memcpy(pool_at(pool, index), &pool->free_head, sizeof pool->free_head);
    pool->free_head = index;
    pool->count--;
}

uint32_t pool_extent(const struct pool *pool)
{
    return pool->extent;
}
