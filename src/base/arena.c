/* SPDX-License-Identifier: MIT
 *
 * Blocks carry no header, for whoever gives one back says how long it was: sixteen bytes asked for
 * are sixteen bytes taken. All lengths are rounded up to what a gap needs to describe itself, which
 * keeps every block aligned for any object.
 */
#include "hf_assert.h"

#include <handfast/arena.h>
#include <stdint.h>

struct gap {
    struct gap *next;
    size_t bytes;
};

union granule {
    struct gap gap;
    hf_time time;
    long double number;
};

#define GRANULE sizeof(union granule)

static size_t rounded(size_t size)
{
    size_t granules = size / GRANULE + (size % GRANULE != 0);
    return (granules > 0 ? granules : 1) * GRANULE;
}

int hf_arena_init(struct hf_arena *arena, void *memory, size_t bytes)
{
    size_t off = (uintptr_t)memory % GRANULE == 0 ? 0 : GRANULE - (uintptr_t)memory % GRANULE;
    struct gap *gap;
    *arena = (struct hf_arena){0};
    if (memory == NULL || bytes < off + GRANULE) {
        return HF_EINVAL;
    }
    gap = (struct gap *)(void *)((char *)memory + off);
    gap->next = NULL;
    gap->bytes = (bytes - off) / GRANULE * GRANULE;
    arena->gaps = gap;
    arena->size = gap->bytes;
    return HF_OK;
}

size_t hf_arena_largest(const struct hf_arena *arena)
{
    size_t largest = 0;
    for (const struct gap *gap = arena->gaps; gap != NULL; gap = gap->next) {
        largest = gap->bytes > largest ? gap->bytes : largest;
    }
    return largest;
}

/* Links what is left of `gap` behind its first `bytes`, or what comes after it, to the one before.
 */
static void cut(struct hf_arena *arena, struct gap *before, struct gap *gap, size_t bytes)
{
    struct gap *rest = gap->next;
    if (gap->bytes > bytes) {
        rest = (struct gap *)(void *)((char *)gap + bytes);
        rest->next = gap->next;
        rest->bytes = gap->bytes - bytes;
    }
    if (before != NULL) {
        before->next = rest;
    } else {
        arena->gaps = rest;
    }
}

static void *arena_allocate(void *context, size_t size)
{
    struct hf_arena *arena = context;
    size_t bytes = size <= arena->size ? rounded(size) : SIZE_MAX;
    struct gap *before = NULL;
    struct gap *gap = arena->gaps;
    while (gap != NULL && gap->bytes < bytes) {
        before = gap;
        gap = gap->next;
    }
    if (gap == NULL) {
        arena->refusals++;
        return NULL;
    }
    cut(arena, before, gap, bytes);
    arena->used += bytes;
    arena->peak = arena->used > arena->peak ? arena->used : arena->peak;
    return gap;
}

/* `next` comes after `gap`, if anything does. */
static void join(struct gap *gap, struct gap *next)
{
    gap->next = next;
    if (next != NULL && (char *)gap + gap->bytes == (char *)next) {
        gap->bytes += next->bytes;
        gap->next = next->next;
    }
}

static void arena_release(void *context, void *memory, size_t size)
{
    struct hf_arena *arena = context;
    struct gap *before = NULL;
    struct gap *after = arena->gaps;
    struct gap *gap = memory;
    while (after != NULL && after < gap) {
        before = after;
        after = after->next;
    }
    gap->bytes = rounded(size);
    HF_ASSERT(arena->used >= gap->bytes);
    HF_ASSERT(before == NULL || (char *)before + before->bytes <= (char *)gap);
    HF_ASSERT(after == NULL || (char *)gap + gap->bytes <= (char *)after);
    arena->used -= gap->bytes;
    join(gap, after);
    if (before != NULL) {
        join(before, gap);
    } else {
        arena->gaps = gap;
    }
}

struct hf_allocator hf_arena_allocator(struct hf_arena *arena)
{
    return (struct hf_allocator){arena_allocate, arena_release, arena};
}
