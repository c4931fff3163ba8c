/* SPDX-License-Identifier: MIT
 *
 * What the tests of this layer share: random numbers from a seed, and an allocator that checks the
 * sizes it gets back, fills what it hands out with rubbish and fails when told to.
 */
#ifndef BASE_TEST_SUPPORT_H
#define BASE_TEST_SUPPORT_H

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <handfast/stack.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* SplitMix64 (Steele, Lea and Flood, 2014). */
struct test_random {
    uint64_t state;
};

static inline uint64_t random_next(struct test_random *random)
{
    random->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t mixed = random->state;
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

/* 0 .. bound-1 */
static inline uint32_t random_below(struct test_random *random, uint32_t bound)
{
    return (uint32_t)(random_next(random) % bound);
}

static inline bool random_chance(struct test_random *random, uint32_t one_in)
{
    return random_below(random, one_in) == 0;
}

/* Small and large numbers alike; at least the top `zeros` bits are zero. */
static inline uint64_t random_of_any_scale(struct test_random *random, uint32_t zeros)
{
    uint32_t shift = zeros + random_below(random, 64 - zeros);
    return random_next(random) >> shift;
}

#define TEST_NEVER_FAILS UINT64_MAX

struct test_heap {
    uint64_t blocks, bytes;        /* out now */
    uint64_t allocations;          /* asked for so far, failed ones included */
    uint64_t fail_at;              /* the allocation of this number, from 0, fails */
    uint64_t fail_all_from;        /* so do all from this number on */
    struct test_random *fail_some; /* not NULL: one in eight fails */
};

/* In front of each block; keeps the alignment of malloc. */
union test_block {
    size_t size;
    max_align_t alignment;
};

static inline void *test_heap_allocate(void *context, size_t size)
{
    struct test_heap *heap = context;
    uint64_t number = heap->allocations++;
    if (number == heap->fail_at || number >= heap->fail_all_from)
        return NULL;
    if (heap->fail_some != NULL && random_chance(heap->fail_some, 8))
        return NULL;
    union test_block *block = malloc(sizeof *block + size);
    assert_non_null(block);
    block->size = size;
    memset(block + 1, 0xa5, size);
    heap->blocks++;
    heap->bytes += size;
    return block + 1;
}

static inline void test_heap_release(void *context, void *memory, size_t size)
{
    struct test_heap *heap = context;
    assert_non_null(memory);
    union test_block *block = (union test_block *)memory - 1;
    assert_int_equal(block->size, size);
    assert_true(heap->blocks > 0);
    heap->blocks--;
    heap->bytes -= size;
    memset(memory, 0x5a, size);
    free(block);
}

static inline struct test_heap test_heap_make(void)
{
    return (struct test_heap){.fail_at = TEST_NEVER_FAILS, .fail_all_from = TEST_NEVER_FAILS};
}

static inline struct hf_allocator test_heap_allocator(struct test_heap *heap)
{
    return (struct hf_allocator){test_heap_allocate, test_heap_release, heap};
}

#endif
