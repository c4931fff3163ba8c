/* SPDX-License-Identifier: MIT
 *
 * The user's allocator behind a hard cap (hf_config.memory_bytes): what is held is counted, and
 * what would pass the cap is refused.
 *
 * A connection that opens, sends and ends takes and gives back half a dozen small blocks; so a few
 * of each size are kept at hand, where the owner asks for it. They count against the cap, and go
 * back to the allocator before anything is refused for their sake.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include <handfast/stack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMORY_STEP_BYTES 8u
#ifdef HF_PROFILE_TINY
#define MEMORY_KEPT_SIZES 1u
#else
#define MEMORY_KEPT_SIZES 256u
#endif
struct memory_kept;

struct memory {
    struct hf_allocator allocator;
    uint64_t limit_bytes, used_bytes;
    uint64_t peak_bytes; /* the most that was held */
    uint64_t refusals;
    /* Asked when there is nothing left: gives some back, or returns false. May be NULL. */
    bool (*relieve)(void *context);
    void *relief;
    /* Released blocks at hand, by size, a multiple of MEMORY_STEP_BYTES: no more
     * than keep_bytes. */
    struct memory_kept *kept[MEMORY_KEPT_SIZES];
    uint64_t keep_bytes, kept_bytes;
};

/* Keeps nothing at hand until keep_bytes says so; then memory_trim ends it. */
void memory_init(struct memory *memory, const struct hf_allocator *allocator, uint64_t limit_bytes);
/* Gives back what is kept at hand. */
void memory_trim(struct memory *memory);
/* NULL when the cap or the allocator says no. Not zeroed. */
void *memory_allocate(struct memory *memory, size_t size);
/* size as allocated; NULL is allowed. */
void memory_release(struct memory *memory, void *block, size_t size);
/* What the allocator has given, blocks at hand included. */
static inline uint64_t memory_held(const struct memory *memory)
{
    return memory->used_bytes + memory->kept_bytes;
}

#endif
