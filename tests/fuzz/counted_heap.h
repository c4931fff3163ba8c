/* SPDX-License-Identifier: MIT
 *
 * The C library's memory, with the bytes that are out now counted in a uint64_t of the test's.
 */
#ifndef COUNTED_HEAP_H
#define COUNTED_HEAP_H

#include <handfast/stack.h>
#include <stdlib.h>

static inline void *counted_allocate(void *context, size_t size)
{
    *(uint64_t *)context += size;
    return malloc(size);
}

static inline void counted_release(void *context, void *memory, size_t size)
{
    *(uint64_t *)context -= size;
    free(memory);
}

static inline struct hf_allocator counted_heap(uint64_t *bytes)
{
    return (struct hf_allocator){counted_allocate, counted_release, bytes};
}

#endif
