/* SPDX-License-Identifier: MIT
 *
 * The pool against a plain table of what was handed out: pointers and indexes stay good, contents
 * and generations survive, limits and refusals leave everything as it was.
 */
#include "pool.h"

#include "base_test_support.h"

#define MODEL_OBJECTS 3000

struct model_object {
    unsigned char *pointer; /* where this index has always been; NULL: never handed out */
    uint64_t tag;
    uint32_t generation;
    bool live;
};

struct model {
    struct memory memory;
    struct pool pool;
    size_t object_size;
    struct model_object objects[MODEL_OBJECTS];
    uint32_t released[MODEL_OBJECTS]; /* a stack */
    uint32_t released_count, live_count, extent;
};

/* Bytes 4..7 hold the owner's generation; the rest of the object follows from a tag. */
static void fill_object(const struct model *model, const struct model_object *object)
{
    struct test_random random = {object->tag};
    for (size_t i = 0; i < model->object_size; i += 8) {
        uint64_t word = random_next(&random);
        memcpy(object->pointer + i, &word, 8);
    }
    memcpy(object->pointer + 4, &object->generation, 4);
}

static void check_object(const struct model *model, const struct model_object *object)
{
    struct test_random random = {object->tag};
    for (size_t i = 0; i < model->object_size; i += 8) {
        uint64_t word = random_next(&random);
        if (i == 0)
            assert_memory_equal(object->pointer, &word, 4);
        else
            assert_memory_equal(object->pointer + i, &word, 8);
    }
    assert_memory_equal(object->pointer + 4, &object->generation, 4);
}

static void allocate_one(struct model *model, uint64_t tag)
{
    static const unsigned char zeros[65536] = {0};
    uint32_t index = POOL_NONE;
    unsigned char *pointer = pool_allocate(&model->pool, &index);
    assert_non_null(pointer);
    uint32_t expected = model->extent;
    if (model->released_count > 0)
        expected = model->released[--model->released_count];
    assert_int_equal(index, expected);
    struct model_object *object = &model->objects[index];
    if (index == model->extent) {
        model->extent++;
        object->pointer = pointer;
        assert_memory_equal(pointer, zeros, model->object_size);
    }
    assert_ptr_equal(pointer, object->pointer);
    assert_memory_equal(pointer + 4, &object->generation, 4);
    object->generation++;
    object->tag = tag;
    object->live = true;
    model->live_count++;
    fill_object(model, object);
}

static void release_one(struct model *model, uint32_t index)
{
    struct model_object *object = &model->objects[index];
    check_object(model, object);
    pool_release(&model->pool, index);
    assert_memory_equal(object->pointer + 4, &object->generation, 4);
    object->live = false;
    model->live_count--;
    model->released[model->released_count++] = index;
}

static void check_all(const struct model *model)
{
    assert_int_equal(pool_extent(&model->pool), model->extent);
    assert_int_equal(model->pool.count, model->live_count);
    for (uint32_t i = 0; i < model->extent; i++) {
        assert_ptr_equal(pool_at(&model->pool, i), model->objects[i].pointer);
        if (model->objects[i].live)
            check_object(model, &model->objects[i]);
    }
}

static void run_model(size_t object_size, uint32_t limit, uint32_t steps)
{
    assert_true(limit <= MODEL_OBJECTS);
    struct test_heap heap = test_heap_make();
    struct hf_allocator allocator = test_heap_allocator(&heap);
    struct model *model = calloc(1, sizeof *model);
    assert_non_null(model);
    memory_init(&model->memory, &allocator, UINT64_C(1) << 32);
    pool_init(&model->pool, &model->memory, object_size, limit);
    assert_int_equal(heap.allocations, 0);
    model->object_size = object_size;
    struct test_random random = {object_size * 1000 + limit};
    uint64_t at_limit = 0;
    for (uint32_t step = 0; step < steps; step++) {
        bool filling = step / (steps / 6) % 2 == 0;
        bool allocating = random_chance(&random, 3) != filling;
        uint32_t index = POOL_NONE;
        if (allocating && model->live_count < limit) {
            allocate_one(model, step);
        } else if (allocating) {
            assert_null(pool_allocate(&model->pool, &index));
            at_limit++;
        } else if (model->extent > 0) {
            index = random_below(&random, model->extent);
            if (model->objects[index].live)
                release_one(model, index);
        }
        if (step % (steps / 8) == 0)
            check_all(model);
    }
    assert_true(at_limit > 0);
    check_all(model);
    pool_deinit(&model->pool);
    assert_int_equal(model->memory.used_bytes, 0);
    assert_int_equal(heap.blocks, 0);
    free(model);
}

static void agrees_with_the_model(void **state)
{
    (void)state;
    run_model(8, 3000, 200000);
    run_model(16, 1, 1000);
    run_model(48, 63, 50000);
    run_model(320, 2000, 100000);
    run_model(8200, 40, 10000);
    run_model(65536, 9, 1000);
}

static void limit_zero_hands_out_nothing(void **state)
{
    (void)state;
    struct test_heap heap = test_heap_make();
    struct hf_allocator allocator = test_heap_allocator(&heap);
    struct memory memory;
    memory_init(&memory, &allocator, 1000000);
    struct pool pool;
    pool_init(&pool, &memory, 64, 0);
    uint32_t index;
    assert_null(pool_allocate(&pool, &index));
    assert_int_equal(heap.allocations, 0);
    pool_deinit(&pool);
}

/* A slab is never larger than a small limit needs, within a factor of two. */
static void small_limit_takes_small_memory(void **state)
{
    (void)state;
    struct test_heap heap = test_heap_make();
    struct hf_allocator allocator = test_heap_allocator(&heap);
    struct memory memory;
    memory_init(&memory, &allocator, 1000000);
    struct pool pool;
    pool_init(&pool, &memory, 64, 5);
    uint32_t index;
    assert_non_null(pool_allocate(&pool, &index));
    assert_true(memory.used_bytes <= 2 * 5 * 64 + 64);
    pool_deinit(&pool);
}

/* Fails each allocation in turn; the next try goes on where the pool stood. */
static void survives_each_refusal(void **state)
{
    (void)state;
    for (uint64_t fail_at = 0; fail_at < 14; fail_at++) {
        struct test_heap heap = test_heap_make();
        heap.fail_at = fail_at;
        struct hf_allocator allocator = test_heap_allocator(&heap);
        struct memory memory;
        memory_init(&memory, &allocator, UINT64_C(1) << 30);
        struct pool pool;
        pool_init(&pool, &memory, 4096, 1000);
        uint64_t refused = 0;
        for (uint32_t i = 0; i < 100; i++) {
            uint32_t index = POOL_NONE;
            unsigned char *object = pool_allocate(&pool, &index);
            if (object == NULL) {
                refused++;
                assert_int_equal(pool.count, i);
                assert_int_equal(pool_extent(&pool), i);
                object = pool_allocate(&pool, &index);
            }
            assert_non_null(object);
            assert_int_equal(index, i);
            memset(object, (int)i, 4096);
        }
        assert_int_equal(refused, 1);
        for (uint32_t i = 0; i < 100; i++) {
            const unsigned char *object = pool_at(&pool, i);
            assert_int_equal(object[0], i);
            assert_int_equal(object[4095], i);
        }
        pool_deinit(&pool);
        assert_int_equal(heap.blocks, 0);
    }
}

static void memory_cap_bounds_the_pool(void **state)
{
    (void)state;
    struct test_heap heap = test_heap_make();
    struct hf_allocator allocator = test_heap_allocator(&heap);
    struct memory memory;
    memory_init(&memory, &allocator, 100000);
    struct pool pool;
    pool_init(&pool, &memory, 320, 1000000);
    uint32_t index = POOL_NONE;
    uint32_t count = 0;
    while (pool_allocate(&pool, &index) != NULL)
        count++;
    assert_true(count > 0);
    assert_true(heap.bytes <= 100000);
    pool_release(&pool, 0);
    assert_non_null(pool_allocate(&pool, &index));
    assert_int_equal(index, 0);
    assert_null(pool_allocate(&pool, &index));
    pool_deinit(&pool);
    assert_int_equal(heap.blocks, 0);
}

/* ---- shrinking */

#define SHRINKING_OBJECTS 2000u

struct shrinking_object {
    unsigned char *pointer; /* NULL: not allocated */
    uint32_t index;
    uint64_t tag;
};

static void check_tags(const struct pool *pool, const struct shrinking_object *objects)
{
    for (uint32_t i = 0; i < SHRINKING_OBJECTS; i++) {
        if (objects[i].pointer == NULL)
            continue;
        assert_ptr_equal(pool_at(pool, objects[i].index), objects[i].pointer);
        assert_memory_equal(objects[i].pointer, &objects[i].tag, sizeof objects[i].tag);
        assert_memory_equal(objects[i].pointer + pool->object_size - 8, &objects[i].tag, 8);
    }
}

/* What is allocated keeps its place and its bytes; no two have the same; what is empty goes back,
 * but for one slab; a refused slab changes nothing. */
static void shrinks_as_it_empties(void **state)
{
    (void)state;
    struct test_heap heap = test_heap_make();
    struct hf_allocator allocator = test_heap_allocator(&heap);
    struct memory memory;
    memory_init(&memory, &allocator, UINT64_C(1) << 32);
    struct pool pool;
    pool_init_shrinking(&pool, &memory, 208, SHRINKING_OBJECTS - 100);
    struct shrinking_object *objects = calloc(SHRINKING_OBJECTS, sizeof *objects);
    assert_non_null(objects);
    struct test_random random = {5};
    uint32_t live = 0;
    size_t slab = (size_t)pool.objects_per_slab * pool.object_size;
    for (uint32_t step = 0; step < 200000; step++) {
        uint32_t fill = step / 20000 % 2 == 0 ? 60 : 20; /* of 100 */
        struct shrinking_object *object = &objects[random_below(&random, SHRINKING_OBJECTS)];
        heap.fail_some = step % 50000 < 25000 ? NULL : &random;
        if (object->pointer == NULL && random_below(&random, 100) < fill) {
            object->pointer = pool_allocate(&pool, &object->index);
            if (object->pointer == NULL) {
                assert_true(live == pool.limit || heap.fail_some != NULL);
                continue;
            }
            live++;
            object->tag = random_next(&random);
            memcpy(object->pointer, &object->tag, sizeof object->tag);
            memcpy(object->pointer + pool.object_size - 8, &object->tag, 8);
        } else if (object->pointer != NULL && random_below(&random, 100) >= fill) {
            pool_release(&pool, object->index);
            object->pointer = NULL;
            live--;
        }
        assert_int_equal(pool.count, live);
        if (step % 500 == 0)
            check_tags(&pool, objects);
    }
    check_tags(&pool, objects);
    for (uint32_t i = 0; i < SHRINKING_OBJECTS; i++) {
        if (objects[i].pointer != NULL)
            pool_release(&pool, objects[i].index);
    }
    assert_int_equal(pool.count, 0);
    assert_in_range(memory.used_bytes, slab, slab + 4096);
    pool_deinit(&pool);
    assert_int_equal(memory.used_bytes, 0);
    assert_int_equal(heap.blocks, 0);
    free(objects);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_model),
        cmocka_unit_test(limit_zero_hands_out_nothing),
        cmocka_unit_test(small_limit_takes_small_memory),
        cmocka_unit_test(survives_each_refusal),
        cmocka_unit_test(memory_cap_bounds_the_pool),
        cmocka_unit_test(shrinks_as_it_empties),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
