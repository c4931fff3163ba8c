/* SPDX-License-Identifier: MIT
 *
 * The cap and its accounts against the allocator's own count of what is out.
 */
#include "memory.h"

#include "base_test_support.h"

static void cap_is_exact(void **state)
{
    (void)state;
    struct test_heap heap = test_heap_make();
    struct hf_allocator allocator = test_heap_allocator(&heap);
    struct memory memory;
    memory_init(&memory, &allocator, 100);
    assert_null(memory_allocate(&memory, 101));
    assert_null(memory_allocate(&memory, SIZE_MAX));
    assert_int_equal(heap.allocations, 0);
    void *first = memory_allocate(&memory, 60);
    assert_non_null(first);
    assert_null(memory_allocate(&memory, 41));
    assert_null(memory_allocate(&memory, SIZE_MAX - 30));
    void *second = memory_allocate(&memory, 40);
    assert_non_null(second);
    assert_null(memory_allocate(&memory, 1));
    assert_int_equal(memory.used_bytes, 100);
    assert_int_equal(memory.refusals, 5);
    memory_release(&memory, first, 60);
    memory_release(&memory, NULL, 60);
    assert_int_equal(memory.used_bytes, 40);
    assert_int_equal(memory.peak_bytes, 100);
    memory_release(&memory, second, 40);
    assert_int_equal(memory.used_bytes, 0);
    assert_int_equal(heap.blocks, 0);
}

static void allocator_refusal_is_counted_and_costs_nothing(void **state)
{
    (void)state;
    struct test_heap heap = test_heap_make();
    heap.fail_at = 0;
    struct hf_allocator allocator = test_heap_allocator(&heap);
    struct memory memory;
    memory_init(&memory, &allocator, 100);
    assert_null(memory_allocate(&memory, 100));
    assert_int_equal(memory.refusals, 1);
    assert_int_equal(memory.used_bytes, 0);
    assert_int_equal(memory.peak_bytes, 0);
    void *block = memory_allocate(&memory, 100);
    assert_non_null(block);
    memory_release(&memory, block, 100);
}

static void nothing_fits_under_a_cap_of_zero(void **state)
{
    (void)state;
    struct test_heap heap = test_heap_make();
    struct hf_allocator allocator = test_heap_allocator(&heap);
    struct memory memory;
    memory_init(&memory, &allocator, 0);
    assert_null(memory_allocate(&memory, 1));
    assert_int_equal(memory.refusals, 1);
}

#define MODEL_BLOCKS 300
#define MODEL_LIMIT 70000

static void accounts_agree_with_the_heap(void **state)
{
    (void)state;
    struct test_random random = {4};
    struct test_random failures = {5};
    struct test_heap heap = test_heap_make();
    heap.fail_some = &failures;
    struct hf_allocator allocator = test_heap_allocator(&heap);
    struct memory memory;
    memory_init(&memory, &allocator, MODEL_LIMIT);
    void *blocks[MODEL_BLOCKS] = {NULL};
    size_t sizes[MODEL_BLOCKS] = {0};
    uint64_t peak = 0;
    uint64_t refusals = 0;
    uint64_t cap_refusals = 0;
    for (int step = 0; step < 200000; step++) {
        uint32_t i = random_below(&random, MODEL_BLOCKS);
        if (blocks[i] != NULL) {
            memory_release(&memory, blocks[i], sizes[i]);
            blocks[i] = NULL;
        } else {
            sizes[i] = 1 + random_below(&random, 1000);
            uint64_t asked = heap.allocations;
            bool fits = heap.bytes + sizes[i] <= MODEL_LIMIT;
            blocks[i] = memory_allocate(&memory, sizes[i]);
            assert_int_equal(heap.allocations - asked, fits);
            refusals += blocks[i] == NULL;
            cap_refusals += !fits;
        }
        if (heap.bytes > peak)
            peak = heap.bytes;
        assert_true(heap.bytes <= MODEL_LIMIT);
        assert_true(memory.used_bytes == heap.bytes);
        assert_true(memory.peak_bytes == peak);
        assert_true(memory.refusals == refusals);
    }
    assert_true(cap_refusals > 1000);
    for (int i = 0; i < MODEL_BLOCKS; i++)
        memory_release(&memory, blocks[i], sizes[i]);
    assert_int_equal(memory.used_bytes, 0);
    assert_int_equal(heap.blocks, 0);
}

/* What is at hand counts against the cap, serves only its own size, and stands in nobody's way. */
static void what_is_kept_at_hand_is_the_heaps(void **state)
{
    (void)state;
    struct test_heap heap = test_heap_make();
    struct hf_allocator allocator = test_heap_allocator(&heap);
    struct memory memory;
    memory_init(&memory, &allocator, 200);
    memory.keep_bytes = 150;
    void *first = memory_allocate(&memory, 96);
    void *second = memory_allocate(&memory, 96);
    memory_release(&memory, first, 96);
    memory_release(&memory, second, 96); /* one of the two is kept */
    assert_int_equal(memory.used_bytes, 0);
    assert_int_equal(memory.kept_bytes, 96);
    assert_int_equal(heap.bytes, 96);
    uint64_t asked = heap.allocations;
    first = memory_allocate(&memory, 96);
    assert_int_equal(heap.allocations, asked);
    assert_int_equal(memory.kept_bytes, 0);
    memory_release(&memory, first, 96);
    second = memory_allocate(&memory, 88);
    assert_int_equal(heap.allocations, asked + 1);
    first = memory_allocate(&memory, 112); /* the cap has room for it without what is kept */
    assert_non_null(first);
    assert_int_equal(heap.bytes, 200);
    assert_null(memory_allocate(&memory, 1));
    memory_release(&memory, first, 112);
    memory_release(&memory, second, 88);
    memory_trim(&memory);
    assert_int_equal(heap.blocks, 0);
}

/* The allocator's refusal, too, takes back what is kept before it is believed. */
static void what_is_kept_goes_before_anything_is_refused(void **state)
{
    (void)state;
    struct test_heap heap = test_heap_make();
    struct hf_allocator allocator = test_heap_allocator(&heap);
    struct memory memory;
    memory_init(&memory, &allocator, 1000);
    memory.keep_bytes = 1000;
    memory_release(&memory, memory_allocate(&memory, 64), 64);
    assert_int_equal(heap.blocks, 1);
    heap.fail_at = heap.allocations;
    void *block = memory_allocate(&memory, 128);
    assert_non_null(block);
    assert_int_equal(heap.blocks, 1);
    assert_int_equal(memory.refusals, 0);
    memory_release(&memory, block, 128);
    memory_trim(&memory);
    assert_int_equal(heap.blocks, 0);
}

static void the_heap_never_holds_more_than_the_cap(void **state)
{
    (void)state;
    struct test_random random = {6};
    struct test_heap heap = test_heap_make();
    struct hf_allocator allocator = test_heap_allocator(&heap);
    struct memory memory;
    void *blocks[MODEL_BLOCKS] = {NULL};
    size_t sizes[MODEL_BLOCKS] = {0};
    uint64_t held = 0;
    uint64_t refused = 0;
    uint64_t peak = 0;
    memory_init(&memory, &allocator, MODEL_LIMIT);
    memory.keep_bytes = MODEL_LIMIT / 4;
    for (int step = 0; step < 200000; step++) {
        uint32_t i = random_below(&random, MODEL_BLOCKS);
        if (blocks[i] != NULL) {
            memory_release(&memory, blocks[i], sizes[i]);
            held -= sizes[i];
            blocks[i] = NULL;
        } else {
            sizes[i] = random_chance(&random, 2) ? 8 * (1 + random_below(&random, 140))
                                                 : 1 + random_below(&random, 1000);
            blocks[i] = memory_allocate(&memory, sizes[i]);
            assert_int_equal(blocks[i] != NULL, held + sizes[i] <= MODEL_LIMIT);
            if (blocks[i] != NULL) {
                memset(blocks[i], (int)i, sizes[i]);
                held += sizes[i];
            }
            refused += blocks[i] == NULL;
        }
        assert_true(memory.used_bytes == held);
        assert_true(heap.bytes == held + memory.kept_bytes);
        assert_true(heap.bytes <= MODEL_LIMIT);
        assert_true(memory.kept_bytes <= memory.keep_bytes);
        peak = heap.bytes > peak ? heap.bytes : peak;
        assert_true(memory.peak_bytes == peak);
    }
    assert_true(refused > 1000);
    for (int i = 0; i < MODEL_BLOCKS; i++)
        memory_release(&memory, blocks[i], sizes[i]);
    memory_trim(&memory);
    assert_int_equal(heap.blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cap_is_exact),
        cmocka_unit_test(allocator_refusal_is_counted_and_costs_nothing),
        cmocka_unit_test(nothing_fits_under_a_cap_of_zero),
        cmocka_unit_test(accounts_agree_with_the_heap),
        cmocka_unit_test(what_is_kept_at_hand_is_the_heaps),
        cmocka_unit_test(what_is_kept_goes_before_anything_is_refused),
        cmocka_unit_test(the_heap_never_holds_more_than_the_cap),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
