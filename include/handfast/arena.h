/* SPDX-License-Identifier: MIT
 *
 * An allocator over one block of memory, for hosts without a heap:
 *
 *     static unsigned char memory[65536];
 *     struct hf_arena arena;
 *     hf_arena_init(&arena, memory, sizeof memory);
 *     config.allocator = hf_arena_allocator(&arena);
 *     config.memory_bytes = sizeof memory;
 *
 * First fit; what is given back joins its neighbours. Looking for room takes one step for each gap
 * before it, so it is meant for some hundred KiB and some dozen connections. Not for several
 * threads at once.
 */
#ifndef HANDFAST_ARENA_H
#define HANDFAST_ARENA_H

#include "stack.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The arena's own; look, do not touch. All in bytes. */
struct hf_arena {
    void *gaps; /* by address, linked through their first bytes */
    size_t size, used, peak;
    size_t refusals; /* how often there was no room: a count */
};

/* `memory` stays the caller's, who keeps it as long as anything is allocated from it. HF_EINVAL: it
 * does not hold one block once it is aligned. */
HF_API int hf_arena_init(struct hf_arena *arena, void *memory, size_t bytes);
/* The longest block there is room for now. */
HF_API size_t hf_arena_largest(const struct hf_arena *arena);
/* For hf_config.allocator; as long as `arena` stays where it is. */
HF_API struct hf_allocator hf_arena_allocator(struct hf_arena *arena);

#ifdef __cplusplus
}
#endif

#endif
