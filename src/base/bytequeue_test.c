/* SPDX-License-Identifier: MIT
 *
 * The byte queue against a flat array with a mark on each byte that was written: holes, overlaps,
 * drops over holes, rings that wrap and grow, and memory that is refused at every point. The pages
 * held are counted against the pages that the model says were touched.
 */
#include "bytequeue.h"

#include "base_test_support.h"

#define WINDOW_BYTES 150000
/* Positions in the stream fold into the model at this power of two, above the window. */
#define MODEL_BYTES 262144
#define MODEL_PAGES (MODEL_BYTES / PAGE_BYTES)

struct model {
    struct test_heap heap;
    struct memory memory;
    struct page_pool pool;
    struct bytequeue queue;
    struct test_random random;
    uint64_t front;  /* position of the queue's front in the endless stream */
    uint64_t origin; /* position at which pages began when the queue was last empty; <= front */
    uint8_t bytes[MODEL_BYTES];
    bool written[MODEL_BYTES];
    bool page_touched[MODEL_PAGES];
    uint64_t refused, holes_dropped, bytes_read;
};

static struct model *model_new(uint64_t seed, uint64_t limit_bytes, uint32_t free_limit)
{
    struct model *model = calloc(1, sizeof *model);
    assert_non_null(model);
    model->heap = test_heap_make();
    struct hf_allocator allocator = test_heap_allocator(&model->heap);
    memory_init(&model->memory, &allocator, limit_bytes);
    page_pool_init(&model->pool, &model->memory, free_limit);
    model->random.state = seed;
    return model;
}

static bool *page_mark(struct model *model, uint64_t position)
{
    return &model->page_touched[(position - model->origin) / PAGE_BYTES % MODEL_PAGES];
}

static void check_accounts(struct model *model)
{
    uint32_t pages = 0;
    for (uint32_t i = 0; i < MODEL_PAGES; i++)
        pages += model->page_touched[i];
    assert_int_equal(model->queue.page_count, pages);
    assert_int_equal(model->pool.held, pages);
    assert_true(model->pool.free_count <= model->pool.free_limit);
    assert_true(bytequeue_held_bytes(&model->queue) + model->pool.free_count * PAGE_BYTES ==
                model->heap.bytes);
    if (bytequeue_is_empty(&model->queue))
        assert_int_equal(bytequeue_held_bytes(&model->queue), 0);
}

static bool model_written(const struct model *model, uint32_t offset)
{
    return model->written[(model->front + offset) % MODEL_BYTES];
}

/* How many bytes from `offset` on were written, at most `most`. */
static uint32_t written_run(const struct model *model, uint32_t offset, uint32_t most)
{
    uint32_t run = 0;
    while (run < most && offset + run < WINDOW_BYTES && model_written(model, offset + run))
        run++;
    return run;
}

static void compare(struct model *model, uint32_t offset, const uint8_t *bytes, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++)
        assert_int_equal(bytes[i], model->bytes[(model->front + offset + i) % MODEL_BYTES]);
    model->bytes_read += length;
}

static void check_range(struct model *model, uint32_t offset, uint32_t most)
{
    static uint8_t copy[WINDOW_BYTES + 1];
    uint32_t length = written_run(model, offset, most);
    copy[length] = 0xee;
    bytequeue_read(&model->queue, offset, copy, length);
    assert_int_equal(copy[length], 0xee);
    compare(model, offset, copy, length);
    if (length == 0)
        return;
    uint32_t contiguous = 0;
    const uint8_t *span = bytequeue_span(&model->queue, offset, &contiguous);
    uint64_t in_page = (model->front + offset - model->origin) % PAGE_BYTES;
    assert_int_equal(contiguous, PAGE_BYTES - in_page);
    compare(model, offset, span, contiguous < length ? contiguous : length);
}

static void check_all(struct model *model)
{
    for (uint32_t offset = 0; offset < WINDOW_BYTES;) {
        uint32_t run = written_run(model, offset, WINDOW_BYTES);
        check_range(model, offset, run);
        offset += run + 1;
    }
    check_accounts(model);
}

static void note_write(struct model *model, uint32_t offset, const uint8_t *bytes, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++) {
        uint64_t position = model->front + offset + i;
        model->bytes[position % MODEL_BYTES] = bytes[i];
        model->written[position % MODEL_BYTES] = true;
        *page_mark(model, position) = true;
    }
}

/* Which pages a refused write added is its own affair, within the range; the count must be true. */
static void note_refusal(struct model *model, uint32_t offset, uint32_t length)
{
    model->refused++;
    if (bytequeue_is_empty(&model->queue)) {
        model->origin = model->front;
        memset(model->page_touched, 0, sizeof model->page_touched);
        return;
    }
    uint32_t added = model->queue.page_count;
    for (uint32_t i = 0; i < MODEL_PAGES; i++)
        added -= model->page_touched[i];
    uint64_t end = model->front + offset + length;
    for (uint64_t at = model->front + offset; at < end && added > 0; at++) {
        added -= !*page_mark(model, at);
        *page_mark(model, at) = true;
    }
    assert_int_equal(added, 0);
}

static bool write_by_reserving(struct model *model, uint32_t offset, const uint8_t *bytes,
                               uint32_t length)
{
    uint32_t contiguous = 0;
    for (uint32_t done = 0; done < length; done += contiguous) {
        if (bytequeue_reserve_page(&model->queue, &model->pool, offset + done, &contiguous) == NULL)
            return false;
        assert_in_range(contiguous, 1, PAGE_BYTES);
    }
    for (uint32_t done = 0; done < length; done += contiguous) {
        uint8_t *to =
            bytequeue_reserve_page(&model->queue, &model->pool, offset + done, &contiguous);
        assert_non_null(to); /* it was reserved */
        if (contiguous > length - done)
            contiguous = length - done;
        memcpy(to, bytes + done, contiguous);
    }
    return true;
}

static bool write_bytes(struct model *model, uint32_t offset, uint32_t length)
{
    static uint8_t bytes[WINDOW_BYTES];
    for (uint32_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)(random_next(&model->random) >> 8);
    bool done;
    if (random_chance(&model->random, 2))
        done = bytequeue_write(&model->queue, &model->pool, offset, bytes, length);
    else
        done = write_by_reserving(model, offset, bytes, length);
    if (done)
        note_write(model, offset, bytes, length);
    else
        note_refusal(model, offset, length);
    return done;
}

static void clear(struct model *model)
{
    bytequeue_clear(&model->queue, &model->pool);
    assert_true(bytequeue_is_empty(&model->queue));
    memset(model->written, 0, sizeof model->written);
    memset(model->page_touched, 0, sizeof model->page_touched);
    model->origin = model->front;
}

static void drop(struct model *model, uint32_t length)
{
    bytequeue_drop(&model->queue, &model->pool, length);
    for (uint32_t i = 0; i < length && i < WINDOW_BYTES; i++) {
        bool *written = &model->written[(model->front + i) % MODEL_BYTES];
        model->holes_dropped += !*written;
        *written = false;
    }
    uint64_t old_page = (model->front - model->origin) / PAGE_BYTES;
    model->front += length;
    uint64_t new_page = (model->front - model->origin) / PAGE_BYTES;
    for (uint64_t page = old_page; page < new_page && page < old_page + MODEL_PAGES; page++)
        model->page_touched[page % MODEL_PAGES] = false;
    if (bytequeue_is_empty(&model->queue))
        model->origin = model->front;
}

static bool anything_written(const struct model *model)
{
    return memchr(model->written, 1, sizeof model->written) != NULL;
}

static void model_free(struct model *model)
{
    clear(model);
    check_accounts(model);
    assert_int_equal(model->pool.held, 0);
    page_pool_deinit(&model->pool);
    assert_int_equal(model->memory.used_bytes, 0);
    assert_int_equal(model->heap.blocks, 0);
    free(model);
}

static void step(struct model *model, uint32_t reach)
{
    struct test_random *random = &model->random;
    uint32_t in_order = written_run(model, 0, WINDOW_BYTES);
    uint32_t offset = random_below(random, reach);
    uint32_t most = reach - offset;
    if (most > 1 && !random_chance(random, 20))
        most = most > 3000 ? 3000 : most;
    uint32_t length = random_below(random, most + 1);
    switch (random_below(random, 8)) {
    case 0:
    case 1:
        if (in_order + 1460 <= reach)
            write_bytes(model, in_order, 1460);
        break;
    case 2:
        write_bytes(model, offset, length);
        break;
    case 3:
    case 4:
        check_range(model, offset, length);
        break;
    case 5:
        check_range(model, 0, in_order);
        drop(model, random_below(random, in_order + 1));
        break;
    case 6:
        drop(model, in_order);
        if (random_chance(random, 30))
            drop(model, random_below(random, 2 * WINDOW_BYTES));
        break;
    default:
        if (!anything_written(model) || random_chance(random, 200))
            clear(model);
        break;
    }
}

static uint64_t run_model(struct model *model, int steps, uint32_t reach)
{
    for (int i = 0; i < steps; i++) {
        step(model, reach);
        check_accounts(model);
        if (i % (steps / 20) == 0)
            check_all(model);
    }
    check_all(model);
    assert_true(model->holes_dropped > 0);
    assert_true(model->bytes_read > 100000);
    uint64_t refused = model->refused;
    model_free(model);
    return refused;
}

static void agrees_with_the_model(void **state)
{
    (void)state;
    assert_int_equal(run_model(model_new(1, 1 << 24, 4), 40000, WINDOW_BYTES), 0);
    assert_int_equal(run_model(model_new(2, 1 << 24, 0), 40000, 20000), 0);
    assert_int_equal(run_model(model_new(3, 1 << 24, 1000), 40000, 5000), 0);
    for (uint64_t seed = 4; seed < 20; seed++)
        run_model(model_new(seed, 1 << 24, 2), 2000, 3000u << seed % 5);
}

static void agrees_with_the_model_when_memory_is_short(void **state)
{
    (void)state;
    assert_true(run_model(model_new(30, 40000, 3), 40000, WINDOW_BYTES) > 100);
    assert_true(run_model(model_new(31, 9000, 1), 40000, 20000) > 100);
    struct test_random failures = {32};
    struct model *model = model_new(33, 1 << 24, 2);
    model->heap.fail_some = &failures;
    assert_true(run_model(model, 40000, WINDOW_BYTES) > 100);
}

/* A queue with data and a hole; a write over all of it that needs a larger ring and many pages;
 * each allocation of it refused in turn. */
static void each_refusal_leaves_contents_intact(void **state)
{
    (void)state;
    uint64_t fail = 0;
    for (bool refused = true; refused; fail++) {
        struct model *model = model_new(40, 1 << 24, 0);
        assert_true(write_bytes(model, 0, 3000));
        drop(model, 1000);
        assert_true(write_bytes(model, 9000, 2000));
        model->heap.fail_all_from = model->heap.allocations + fail;
        refused = !write_bytes(model, 500, 50000);
        check_all(model);
        model->heap.fail_all_from = TEST_NEVER_FAILS;
        assert_true(write_bytes(model, 500, 50000));
        check_all(model);
        model_free(model);
    }
    /* 51,500 bytes of 4,096 touch 13 pages, 2 or 3 are there; the ring of 8 must grow. */
    assert_true(fail - 1 >= 11);
    assert_true(fail - 1 <= 12);
}

static void refused_first_write_leaves_an_empty_queue(void **state)
{
    (void)state;
    struct model *model = model_new(50, 1 << 24, 2);
    for (uint64_t fail = 0; fail < 2; fail++) {
        model->heap.fail_at = model->heap.allocations + fail;
        assert_false(write_bytes(model, 5000, 10));
        assert_true(bytequeue_is_empty(&model->queue));
        assert_int_equal(model->heap.bytes, 0);
    }
    model->heap.fail_at = model->heap.allocations;
    assert_false(write_bytes(model, 0, 10));
    assert_true(bytequeue_is_empty(&model->queue));
    assert_true(write_bytes(model, 0, 10));
    check_all(model);
    model_free(model);
}

/* A request and its answer cost a page from the pool and no allocation at all. */
static void one_page_needs_no_ring(void **state)
{
    (void)state;
    struct model *model = model_new(60, 1 << 24, 1);
    assert_true(write_bytes(model, 0, 100));
    assert_int_equal(bytequeue_held_bytes(&model->queue), PAGE_BYTES);
    clear(model);
    uint64_t allocations = model->heap.allocations;
    assert_int_equal(allocations, 1);
    for (int i = 0; i < 1000; i++) {
        assert_true(write_bytes(model, 0, 100));
        check_range(model, 0, 100);
        drop(model, 100);
        clear(model);
    }
    assert_int_equal(model->heap.allocations, allocations);
    model_free(model);
}

/* What holes cost: a byte far out holds its own page and the ring, not the pages between. */
static void a_hole_holds_no_pages(void **state)
{
    (void)state;
    struct model *model = model_new(70, 1 << 24, 1);
    assert_true(write_bytes(model, WINDOW_BYTES - 1, 1));
    assert_int_equal(model->queue.page_count, 1);
    assert_true(bytequeue_held_bytes(&model->queue) <= PAGE_BYTES + 64 * sizeof(void *));
    check_all(model);
    model_free(model);
}

static void what_was_reserved_is_given_back(void **state)
{
    enum { WRITTEN = 2 * PAGE_BYTES + 100, RESERVED = 3 * PAGE_BYTES };
    static uint8_t written[WRITTEN], read[WRITTEN];
    (void)state;
    for (uint32_t i = 0; i < WRITTEN; i++)
        written[i] = (uint8_t)(i * 7 + i / 256);
    /* The front in the middle of a page, so much in front of it. */
    for (uint32_t held = 0; held <= WRITTEN; held += held == 0 ? 1 : 33) {
        for (uint32_t front = 0; front < PAGE_BYTES; front += 1000) {
            struct test_heap heap = test_heap_make();
            struct hf_allocator allocator = test_heap_allocator(&heap);
            struct memory memory;
            struct page_pool pool;
            struct bytequeue queue = {0};
            uint32_t contiguous;
            uint32_t pages;
            memory_init(&memory, &allocator, UINT64_MAX);
            page_pool_init(&pool, &memory, 0);
            if (held > 0) {
                assert_true(bytequeue_write(&queue, &pool, front, written, held));
                bytequeue_drop(&queue, &pool, front);
            }
            pages = queue.page_count;
            for (uint32_t at = 0; at < RESERVED; at += contiguous)
                assert_non_null(bytequeue_reserve_page(&queue, &pool, held + at, &contiguous));
            assert_true(queue.page_count > pages);
            bytequeue_unreserve(&queue, &pool, held, RESERVED);
            assert_int_equal(queue.page_count, pages);
            assert_int_equal(bytequeue_is_empty(&queue), held == 0);
            bytequeue_read(&queue, 0, read, held);
            assert_memory_equal(read, written, held);
            bytequeue_clear(&queue, &pool);
            page_pool_deinit(&pool);
            assert_int_equal(memory.used_bytes, 0);
        }
    }
}

static void the_pool_keeps_no_more_pages_than_its_limit(void **state)
{
    (void)state;
    struct model *model = model_new(80, 1 << 24, 5);
    assert_true(write_bytes(model, 0, 10 * PAGE_BYTES));
    assert_int_equal(model->pool.held, 10);
    clear(model);
    assert_int_equal(model->pool.held, 0);
    assert_int_equal(model->pool.free_count, 5);
    assert_int_equal(model->heap.bytes, 5 * PAGE_BYTES);
    model_free(model);
}

/* The largest window of RFC 7323 2.3, and offsets up to it. */
static void reaches_to_the_largest_window(void **state)
{
    (void)state;
    struct test_heap heap = test_heap_make();
    struct hf_allocator allocator = test_heap_allocator(&heap);
    struct memory memory;
    struct page_pool pool;
    struct bytequeue queue = {0};
    memory_init(&memory, &allocator, 1 << 24);
    page_pool_init(&pool, &memory, 0);
    assert_true(bytequeue_write(&queue, &pool, 0, "front", 5));
    assert_true(bytequeue_write(&queue, &pool, (UINT32_C(1) << 30) - 4, "rear", 4));
    char text[5] = {0};
    bytequeue_drop(&queue, &pool, (UINT32_C(1) << 30) - 4);
    bytequeue_read(&queue, 0, text, 4);
    assert_string_equal(text, "rear");
    assert_int_equal(queue.page_count, 1);
    bytequeue_clear(&queue, &pool);
    page_pool_deinit(&pool);
    assert_int_equal(heap.blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_model),
        cmocka_unit_test(agrees_with_the_model_when_memory_is_short),
        cmocka_unit_test(each_refusal_leaves_contents_intact),
        cmocka_unit_test(refused_first_write_leaves_an_empty_queue),
        cmocka_unit_test(one_page_needs_no_ring),
        cmocka_unit_test(a_hole_holds_no_pages),
        cmocka_unit_test(what_was_reserved_is_given_back),
        cmocka_unit_test(the_pool_keeps_no_more_pages_than_its_limit),
        cmocka_unit_test(reaches_to_the_largest_window),
    };
    return cmocka_run_group_tests_name("bytequeue", tests, NULL, NULL);
}
