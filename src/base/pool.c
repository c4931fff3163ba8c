/* SPDX-License-Identifier: MIT
 *
 * A pool grows one slab at a time and only when every object it has is in use. Fresh objects are
 * handed out in order of index and are not touched before that, so a slab costs its zeroing and
 * nothing else; released ones form a stack through their first 4 bytes. Only the array of slab
 * pointers ever moves, never a slab.
 *
 * A shrinking pool keeps a stack of released objects in each slab, and takes from the slab that was
 * released to last; one that falls empty goes back to the allocator, unless it is the only empty
 * one: objects that come and go at a slab's edge must not cost its zeroing each time.
 */
#include "pool.h"

#include "hf_assert.h"

#include <string.h>

/* Small enough to zero without a stall and for a small stack to bear, large enough to make the
 * allocator's own cost vanish. */
#ifdef HF_PROFILE_TINY
#define SLAB_TARGET_BYTES 1024
#else
#define SLAB_TARGET_BYTES 32768
#endif
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
                          .free_head = POOL_NONE,
                          .roomy = POOL_NONE,
                          .absent = POOL_NONE};
    while (pool->objects_per_slab < limit &&
           2 * pool->objects_per_slab * object_size <= SLAB_TARGET_BYTES) {
        pool->objects_per_slab *= 2;
        pool->slab_shift++;
    }
}

void pool_init_shrinking(struct pool *pool, struct memory *memory, size_t object_size,
                         uint32_t limit)
{
    pool_init(pool, memory, object_size, limit);
    pool->shrinks = true;
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
    memory_release(pool->memory, pool->uses, pool->slab_capacity * sizeof *pool->uses);
    pool->slabs = NULL;
    pool->uses = NULL;
    pool->roomy = POOL_NONE;
    pool->absent = POOL_NONE;
    pool->empty_count = 0;
    pool->slab_count = 0;
    pool->slab_capacity = 0;
    pool->extent = 0;
    pool->count = 0;
    pool->free_head = POOL_NONE;
}

static bool grow_uses(struct pool *pool, uint32_t capacity)
{
    struct pool_slab *uses = memory_allocate(pool->memory, capacity * sizeof *uses);
    if (uses == NULL)
        return false;
    if (pool->slab_count > 0)
        memcpy(uses, pool->uses, pool->slab_count * sizeof *uses);
    memory_release(pool->memory, pool->uses, pool->slab_capacity * sizeof *uses);
    pool->uses = uses;
    return true;
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
    if (pool->shrinks && !grow_uses(pool, (uint32_t)capacity)) {
        memory_release(pool->memory, slabs, (size_t)capacity * sizeof(void *));
        return false;
    }
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

/* ---- of a shrinking pool */

static void enter_roomy(struct pool *pool, uint32_t number)
{
    pool->uses[number].previous = POOL_NONE;
    pool->uses[number].next = pool->roomy;
    if (pool->roomy != POOL_NONE)
        pool->uses[pool->roomy].previous = number;
    pool->roomy = number;
}

static void leave_roomy(struct pool *pool, uint32_t number)
{
    const struct pool_slab *slab = &pool->uses[number];
    if (slab->previous != POOL_NONE)
        pool->uses[slab->previous].next = slab->next;
    else
        pool->roomy = slab->next;
    if (slab->next != POOL_NONE)
        pool->uses[slab->next].previous = slab->previous;
}

/* A new slab, in the place of one that was given back if there is one. */
static bool add_roomy_slab(struct pool *pool)
{
    uint32_t number = pool->absent;
    if (number == POOL_NONE) {
        if (!add_slab(pool))
            return false;
        number = pool->slab_count - 1;
    } else {
        void *memory = memory_allocate(pool->memory, slab_bytes(pool));
        if (memory == NULL)
            return false;
        memset(memory, 0, slab_bytes(pool));
        pool->absent = pool->uses[number].next;
        pool->slabs[number] = memory;
    }
    pool->uses[number] = (struct pool_slab){.free_head = POOL_NONE};
    pool->empty_count++;
    enter_roomy(pool, number);
    return true;
}

static void *take_roomy(struct pool *pool, uint32_t *index)
{
    if (pool->roomy == POOL_NONE && !add_roomy_slab(pool))
        return NULL;
    uint32_t number = pool->roomy;
    struct pool_slab *slab = &pool->uses[number];
    void *object;
    if (slab->free_head != POOL_NONE) {
        *index = slab->free_head;
        object = pool_at(pool, *index);
        memcpy(&slab->free_head, object, sizeof slab->free_head);
    } else {
        *index = (number << pool->slab_shift) + slab->fresh++;
        object = pool_at(pool, *index);
    }
    if (slab->used++ == 0)
        pool->empty_count--;
    if (slab->used == pool->objects_per_slab)
        leave_roomy(pool, number);
    pool->count++;
    return object;
}

static void give_back(struct pool *pool, uint32_t index)
{
    uint32_t number = index >> pool->slab_shift;
    struct pool_slab *slab = &pool->uses[number];
    HF_ASSERT(slab->used > 0);
    memcpy(pool_at(pool, index), &slab->free_head, sizeof slab->free_head);
    slab->free_head = index;
    if (slab->used-- == pool->objects_per_slab)
        enter_roomy(pool, number);
    if (slab->used > 0 || pool->empty_count++ == 0)
        return;
    pool->empty_count--;
    leave_roomy(pool, number);
    memory_release(pool->memory, pool->slabs[number], slab_bytes(pool));
    pool->slabs[number] = NULL;
    slab->next = pool->absent;
    pool->absent = number;
}

/* ---- of both kinds */

void *pool_allocate(struct pool *pool, uint32_t *index)
{
    if (pool->count >= pool->limit)
        return NULL;
    if (pool->shrinks)
        return take_roomy(pool, index);
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
    HF_ASSERT(pool->count > 0);
    if (pool->shrinks) {
        pool->count--;
        give_back(pool, index);
        return;
    }
    HF_ASSERT(index < pool->extent);
    HF_ASSERT(index != pool->free_head);
    memcpy(pool_at(pool, index), &pool->free_head, sizeof pool->free_head);
    pool->free_head = index;
    pool->count--;
}
