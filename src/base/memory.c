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

static void *try_allocate(struct memory *memory, size_t size)
{
    if (size > memory->limit_bytes - memory->used_bytes)
        return NULL;
    return memory->allocator.allocate(memory->allocator.context, size);
}

void *memory_allocate(struct memory *memory, size_t size)
{
    HF_ASSERT(size > 0);
    void *block = try_allocate(memory, size);
    while (block == NULL && memory->relieve != NULL && memory->relieve(memory->relief))
        block = try_allocate(memory, size);
    if (block == NULL) {
        memory->refusals++;
        return NULL;
    }
    memory->used_bytes += size;
    if (memory->used_bytes > memory->peak_bytes)
        memory->peak_bytes = memory->used_bytes;
    return block;
}

void memory_release(struct memory *memory, void *block, size_t size)
{
    if (block == NULL)
        return;
    HF_ASSERT(size <= memory->used_bytes);
    memory->used_bytes -= size;
    memory->allocator.release(memory->allocator.context, block, size);
}
