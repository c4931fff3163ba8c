/* SPDX-License-Identifier: MIT
 *
 * Random blocks, each filled with a number of its own: nobody else writes there, the count of what
 * is used is that of what is held, and when all is given back the arena is one gap again.
 */
#include "base_test_support.h"

#include <handfast/arena.h>

enum { BLOCKS = 64, BYTES = 20000, STEPS = 100000 };

struct block {
    unsigned char *at;
    size_t size;
    unsigned char fill;
};

static uint32_t draw(uint64_t *state, uint32_t below)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(*state >> 33) % below;
}

static void check(const struct block *block)
{
    for (size_t i = 0; i < block->size; i++) {
        assert_int_equal(block->at[i], block->fill);
    }
}

static void random_blocks(void **state)
{
    static _Alignas(16) unsigned char memory[BYTES + 16];
    struct block blocks[BLOCKS] = {{0}};
    struct hf_arena arena;
    struct hf_allocator allocator;
    uint64_t random = 5;
    unsigned refused = 0;
    size_t largest;
    (void)state;
    assert_int_equal(hf_arena_init(&arena, memory + 3, BYTES), HF_OK);
    allocator = hf_arena_allocator(&arena);
    largest = hf_arena_largest(&arena);
    assert_in_range(largest, BYTES - 64, BYTES);
    assert_int_equal(largest, arena.size);
    for (unsigned step = 0; step < STEPS; step++) {
        struct block *block = &blocks[draw(&random, BLOCKS)];
        if (block->at != NULL) {
            check(block);
            allocator.release(allocator.context, block->at, block->size);
            block->at = NULL;
        } else {
            block->size = 1 + draw(&random, draw(&random, 8) == 0 ? 4000 : 300);
            block->at = allocator.allocate(allocator.context, block->size);
            if (block->at == NULL) {
                assert_true(hf_arena_largest(&arena) < block->size);
                refused++;
                continue;
            }
            assert_int_equal((uintptr_t)block->at % _Alignof(max_align_t), 0);
            assert_true(block->at >= memory + 3 && block->at + block->size <= memory + 3 + BYTES);
            block->fill = (unsigned char)draw(&random, 256);
            memset(block->at, block->fill, block->size);
        }
    }
    assert_true(refused > 100);
    assert_int_equal(arena.refusals, refused);
    for (unsigned i = 0; i < BLOCKS; i++) {
        if (blocks[i].at != NULL) {
            check(&blocks[i]);
            allocator.release(allocator.context, blocks[i].at, blocks[i].size);
        }
    }
    assert_int_equal(arena.used, 0);
    assert_int_equal(hf_arena_largest(&arena), largest);
    assert_in_range(arena.peak, BYTES / 2, BYTES);
}

static void what_does_not_fit(void **state)
{
    unsigned char memory[64];
    struct hf_arena arena;
    struct hf_allocator allocator;
    (void)state;
    assert_int_equal(hf_arena_init(&arena, NULL, 100), HF_EINVAL);
    assert_int_equal(hf_arena_init(&arena, memory, 0), HF_EINVAL);
    assert_int_equal(hf_arena_init(&arena, memory, 7), HF_EINVAL);
    assert_int_equal(hf_arena_init(&arena, memory, sizeof memory), HF_OK);
    allocator = hf_arena_allocator(&arena);
    assert_null(allocator.allocate(allocator.context, SIZE_MAX));
    assert_null(allocator.allocate(allocator.context, SIZE_MAX - 8));
    assert_null(allocator.allocate(allocator.context, arena.size + 1));
    assert_non_null(allocator.allocate(allocator.context, arena.size));
    assert_null(allocator.allocate(allocator.context, 1));
    assert_int_equal(hf_arena_largest(&arena), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_blocks),
        cmocka_unit_test(what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
