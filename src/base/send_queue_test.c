/* SPDX-License-Identifier: MIT
 *
 * The send queue against a flat array: copies and references of all sizes in any order, dropped in
 * pieces that end anywhere, while memory is refused now and then. A reference's memory is a block
 * of its own that is freed the moment the reference comes back, so a look at it afterwards is one
 * that a sanitizer sees; and it comes back once, when it must and not before.
 */
#include "send_queue.h"

#include "base_test_support.h"

#define STREAM_BYTES 400000
#define BLOCKS 4096
#define LIMIT 40

struct block {
    uint8_t *bytes;
    uint64_t start;
    size_t length;
    bool out;   /* with the queue */
    bool owned; /* the queue has a copy of it instead */
};

struct model {
    struct test_heap heap;
    struct memory memory;
    struct page_pool pages;
    struct send_store store;
    struct send_queue queue;
    struct test_random random;
    uint64_t front, end; /* places */
    struct block blocks[BLOCKS];
    uint32_t block_count, out_count, returned_count;
    uint64_t refused;
};

static uint8_t byte_at(uint64_t place)
{
    return (uint8_t)(place * 167 + place / 253);
}

static struct model *model_new(uint64_t seed)
{
    struct model *model = calloc(1, sizeof *model);
    struct hf_allocator allocator;
    assert_non_null(model);
    model->heap = test_heap_make();
    allocator = test_heap_allocator(&model->heap);
    memory_init(&model->memory, &allocator, UINT64_C(1) << 30);
    page_pool_init(&model->pages, &model->memory, 4);
    send_store_init(&model->store, &model->pages, LIMIT);
    model->random.state = seed;
    return model;
}

static uint32_t held(const struct model *model)
{
    return (uint32_t)(model->end - model->front);
}

/* How much is added or dropped: bytes and pages alike. */
static uint32_t some_length(struct model *model)
{
    uint32_t most = random_chance(&model->random, 3) ? 20000 : 300;
    return 1 + random_below(&model->random, most);
}

static void add_copy(struct model *model)
{
    uint8_t bytes[20000];
    uint32_t length = some_length(model);
    for (uint32_t i = 0; i < length; i++)
        bytes[i] = byte_at(model->end + i);
    if (send_queue_write(&model->queue, &model->store, held(model), bytes, length))
        model->end += length;
    else
        model->refused++;
}

static void add_reference(struct model *model)
{
    struct block *block = &model->blocks[model->block_count];
    struct hf_returned returned;
    int error;
    assert_true(model->block_count < BLOCKS);
    *block = (struct block){.start = model->end, .length = some_length(model)};
    block->bytes = malloc(block->length);
    assert_non_null(block->bytes);
    for (uint32_t i = 0; i < block->length; i++)
        block->bytes[i] = byte_at(model->end + i);
    returned = (struct hf_returned){
        .connection = 7, .data = block->bytes, .length = block->length, .context = block};
    error = send_queue_refer(&model->queue, &model->store, held(model), &returned);
    if (error != HF_OK) {
        assert_true(error == (model->store.references.count == LIMIT ? HF_ENOBUFS : HF_ENOMEM));
        model->refused++;
        free(block->bytes);
        return;
    }
    block->out = true;
    model->out_count++;
    model->block_count++;
    model->end += block->length;
}

static void fetch(struct model *model, int error)
{
    struct hf_returned returned;
    while (send_store_next(&model->store, &returned)) {
        struct block *block = returned.context;
        uint64_t end = block->start + block->length;
        uint64_t acknowledged = model->front > block->start ? model->front - block->start : 0;
        assert_true(block->out);
        assert_int_equal(returned.connection, 7);
        assert_ptr_equal(returned.data, block->bytes);
        assert_int_equal(returned.length, block->length);
        assert_int_equal(returned.error, end <= model->front ? HF_OK : error);
        assert_int_equal(returned.acknowledged, end <= model->front ? block->length : acknowledged);
        block->out = false;
        model->returned_count++;
        free(block->bytes);
    }
}

/* None is held longer than it must be. */
static void check_returned(const struct model *model)
{
    uint32_t out = 0;
    for (uint32_t i = 0; i < model->block_count; i++) {
        const struct block *block = &model->blocks[i];
        assert_int_equal(block->out, block->start + block->length > model->front && !block->owned);
        out += block->out;
    }
    assert_int_equal(model->store.references.count, out);
    assert_true((model->queue.references == NULL) == (out == 0));
}

static void check_bytes(struct model *model)
{
    uint8_t bytes[3000];
    uint32_t offset = random_below(&model->random, held(model));
    uint32_t length = held(model) - offset;
    uint32_t contiguous;
    const uint8_t *span = send_queue_span(&model->queue, offset, &contiguous);
    assert_true(contiguous > 0);
    for (uint32_t i = 0; i < contiguous && i < length; i++)
        assert_int_equal(span[i], byte_at(model->front + offset + i));
    length = length < sizeof bytes ? length : (uint32_t)sizeof bytes;
    send_queue_read(&model->queue, offset, bytes, length);
    for (uint32_t i = 0; i < length; i++)
        assert_int_equal(bytes[i], byte_at(model->front + offset + i));
}

static void drop(struct model *model)
{
    uint32_t length = some_length(model);
    if (random_chance(&model->random, 8) || length > held(model))
        length = held(model);
    send_queue_drop(&model->queue, &model->store, held(model), length);
    model->front += length;
    if (!random_chance(&model->random, 4))
        fetch(model, HF_OK);
}

/* Copies in place of references: the same bytes, and all memory comes back. */
static void own(struct model *model)
{
    fetch(model, HF_OK);
    if (!send_queue_own(&model->queue, &model->store, held(model))) {
        model->refused++;
        return;
    }
    for (uint32_t i = 0; i < model->block_count; i++)
        model->blocks[i].owned = true;
    fetch(model, HF_OK);
    assert_null(model->queue.references);
    if (held(model) > 0)
        check_bytes(model);
}

static void finish(struct model *model, int error)
{
    bool empty = model->front == model->end;
    fetch(model, HF_OK);
    if (empty)
        assert_true(send_queue_is_empty(&model->queue));
    send_queue_clear(&model->queue, &model->store, error);
    assert_true(send_queue_is_empty(&model->queue));
    fetch(model, error != HF_OK ? error : HF_ECONNABORTED);
    assert_int_equal(model->returned_count, model->out_count);
    assert_int_equal(send_queue_held_bytes(&model->queue), 0);
    send_store_deinit(&model->store);
    page_pool_deinit(&model->pages);
    assert_int_equal(model->heap.blocks, 0);
    free(model);
}

static void run(uint64_t seed, bool refusals)
{
    struct model *model = model_new(seed);
    /* Some runs have no references, some nothing else, most have both. */
    uint32_t copies = (uint32_t)(seed % 5);
    while (model->end < STREAM_BYTES) {
        uint32_t choice = random_below(&model->random, 8);
        model->heap.fail_some = refusals ? &model->random : NULL;
        if (random_chance(&model->random, 16))
            own(model);
        if (choice < copies)
            add_copy(model);
        else if (choice < 4)
            add_reference(model);
        else if (choice < 6 && held(model) > 0)
            check_bytes(model);
        else if (held(model) > 0)
            drop(model);
        else
            fetch(model, HF_OK);
        if (model->store.returned_head == NULL)
            check_returned(model);
    }
    assert_true(!refusals || model->refused > 0);
    finish(model, seed % 2 == 0 ? HF_ECONNRESET : HF_OK);
}

static void test_model(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++)
        run(seed, false);
}

static void test_model_short_of_memory(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++)
        run(seed, true);
}

/* Those that came back and were not fetched count, and are forgotten with the store. */
static void test_limit(void **state)
{
    struct model *model = model_new(1);
    struct hf_returned one = {.data = "x", .length = 1};
    (void)state;
    for (uint32_t i = 0; i < LIMIT; i++)
        assert_int_equal(send_queue_refer(&model->queue, &model->store, i, &one), HF_OK);
    assert_int_equal(send_queue_refer(&model->queue, &model->store, LIMIT, &one), HF_ENOBUFS);
    send_queue_drop(&model->queue, &model->store, LIMIT, LIMIT);
    assert_int_equal(send_queue_refer(&model->queue, &model->store, 0, &one), HF_ENOBUFS);
    assert_true(send_store_next(&model->store, &one));
    assert_int_equal(send_queue_refer(&model->queue, &model->store, 0, &one), HF_OK);
    send_queue_clear(&model->queue, &model->store, HF_ETIMEDOUT);
    send_store_deinit(&model->store);
    page_pool_deinit(&model->pages);
    assert_int_equal(model->heap.blocks, 0);
    free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_model_short_of_memory),
        cmocka_unit_test(test_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
