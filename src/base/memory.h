/* SPDX-License-Identifier: MIT
 *
 * The user's allocator behind a hard cap (hf_config.memory_bytes): what is held is counted, and
 * what would pass the cap is refused.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include <handfast/stack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory {
    struct hf_allocator allocator;
    uint64_t limit_bytes, used_bytes, peak_bytes;
    uint64_t refusals;
    /* Asked when there is nothing left: gives some back, or returns false. May be NULL. */
    bool (*relieve)(void *context);
    void *relief;
};

void memory_init(struct memory *memory, const struct hf_allocator *allocator, uint64_t limit_bytes);
/* NULL when the cap or the allocator says no. Not zeroed. */
void *memory_allocate(struct memory *memory, size_t size);
/* size as allocated; NULL is allowed. */
void memory_release(struct memory *memory, void *block, size_t size);

#endif
