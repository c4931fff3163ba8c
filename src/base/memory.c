/* SPDX-License-Identifier: MIT
 *
 * Accounting around the user's allocator. The sizes are those asked for: what the allocator adds
 * for itself is not seen here, so the cap is on what the stack uses, as a user would count it.
 */
#include "memory.h"

#include "hf_assert.h"

void memory_init(struct memory *memory, const struct hf_allocator *allocator, uint64_t limit_bytes)
{
    HF_ASSERT(allocator->allocate != NULL);
    HF_ASSERT(allocator->release != NULL);
    *memory = (struct memory){.allocator = *allocator, .limit_bytes = limit_bytes};
}

/* A block that nobody has. */
struct memory_kept {
    struct memory_kept *next;
};

/* Are blocks of exactly this size kept at hand? Then in kept[size / MEMORY_STEP_BYTES]. */
static inline bool is_keepable(size_t size)
{
    return size / MEMORY_STEP_BYTES < MEMORY_KEPT_SIZES && size % MEMORY_STEP_BYTES == 0;
}

void memory_trim(struct memory *memory)
{
    for (size_t i = 0; i < MEMORY_KEPT_SIZES; i++) {
        while (memory->kept[i] != NULL) {
            struct memory_kept *block = memory->kept[i];
            memory->kept[i] = block->next;
            memory->allocator.release(memory->allocator.context, block, i * MEMORY_STEP_BYTES);
        }
    }
    memory->kept_bytes = 0;
}

static void *try_allocate(struct memory *memory, size_t size)
{
    uint64_t free_bytes = memory->limit_bytes - memory->used_bytes;
    if (size > free_bytes)
        return NULL;
    if (size > free_bytes - memory->kept_bytes)
        memory_trim(memory);
    void *block = memory->allocator.allocate(memory->allocator.context, size);
    if (block == NULL && memory->kept_bytes > 0) {
        memory_trim(memory);
        block = memory->allocator.allocate(memory->allocator.context, size);
    }
    return block;
}

void *memory_allocate(struct memory *memory, size_t size)
{
    HF_ASSERT(size > 0);
    void *block;
    if (is_keepable(size) && memory->kept[size / MEMORY_STEP_BYTES] != NULL) {
        struct memory_kept *kept = memory->kept[size / MEMORY_STEP_BYTES];
        memory->kept[size / MEMORY_STEP_BYTES] = kept->next;
        memory->kept_bytes -= size;
        block = kept;
    } else {
        block = try_allocate(memory, size);
    }
    while (block == NULL && memory->relieve != NULL && memory->relieve(memory->relief))
        block = try_allocate(memory, size);
    if (block == NULL) {
        memory->refusals++;
        return NULL;
    }
    memory->used_bytes += size;
    if (memory_held(memory) > memory->peak_bytes)
        memory->peak_bytes = memory_held(memory);
    return block;
}

void memory_release(struct memory *memory, void *block, size_t size)
{
    if (block == NULL)
        return;
    HF_ASSERT(size <= memory->used_bytes);
    memory->used_bytes -= size;
    if (is_keepable(size) && memory->kept_bytes + size <= memory->keep_bytes) {
        struct memory_kept *kept = block;
        kept->next = memory->kept[size / MEMORY_STEP_BYTES];
        memory->kept[size / MEMORY_STEP_BYTES] = kept;
        memory->kept_bytes += size;
        return;
    }
    memory->allocator.release(memory->allocator.context, block, size);
}
