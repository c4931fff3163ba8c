/* SPDX-License-Identifier: MIT
 *
 * The flow table against a plain array of records: through growth, collisions, runs that wrap
 * around the end, removal while an old array is being emptied, and refused memory.
 */
#include "flow_table.h"

#include "base_test_support.h"

struct record {
    uint32_t hash;
    uint32_t reference; /* the name it has in the table now */
    uint64_t key;
    bool present;
};

#define MODEL_RECORDS 40000

struct model {
    struct test_heap heap;
    struct memory memory;
    struct flow_table table;
    struct test_random random;
    struct record records[MODEL_RECORDS];
    uint32_t count;
    uint64_t removed_from_old, refused;
};

/* Reference r names record r % MODEL_RECORDS; a replacement has another multiple added. */
struct search {
    const struct record *records;
    uint32_t hash;
};

static bool record_matches(const void *context, uint32_t reference, const void *key)
{
    const struct search *search = context;
    const struct record *record = &search->records[reference % MODEL_RECORDS];
    uint64_t sought;
    memcpy(&sought, key, sizeof sought);
    assert_true(record->present);
    assert_int_equal(record->reference, reference);
    assert_int_equal(record->hash, search->hash);
    return record->key == sought;
}

static uint32_t find(const struct model *model, const struct record *record)
{
    struct search search = {model->records, record->hash};
    return flow_table_find(&model->table, record->hash, record_matches, &search, &record->key);
}

static void check_record(const struct model *model, const struct record *record)
{
    assert_int_equal(find(model, record), record->present ? record->reference : FLOW_NONE);
}

static void check_all(const struct model *model)
{
    assert_int_equal(flow_table_count(&model->table), model->count);
    for (uint32_t i = 0; i < MODEL_RECORDS; i++)
        check_record(model, &model->records[i]);
}

typedef uint32_t make_hash(struct test_random *random);

static uint32_t any_hash(struct test_random *random)
{
    return (uint32_t)random_next(random);
}

/* Few hashes: long runs of equal ones. */
static uint32_t colliding_hash(struct test_random *random)
{
    return random_below(random, 500) * UINT32_C(0x9e3779b1);
}

/* All homes of a small array are at its very end, so that runs wrap around. */
static uint32_t hash_at_the_end(struct test_random *random)
{
    return UINT32_MAX - random_below(random, 5000);
}

/* Equal in the low bits until the array is large; the values that mark empty slots among them. */
static uint32_t hash_in_the_high_bits(struct test_random *random)
{
    uint32_t high = random_below(random, 2000);
    return high << 9 | random_below(random, 2);
}

static struct model *model_new(uint64_t seed, make_hash *hash, uint64_t limit_bytes)
{
    struct model *model = calloc(1, sizeof *model);
    assert_non_null(model);
    model->heap = test_heap_make();
    struct hf_allocator allocator = test_heap_allocator(&model->heap);
    memory_init(&model->memory, &allocator, limit_bytes);
    flow_table_init(&model->table, &model->memory);
    assert_int_equal(model->heap.allocations, 0);
    model->random.state = seed;
    for (uint32_t i = 0; i < MODEL_RECORDS; i++) {
        model->records[i].hash = hash(&model->random);
        model->records[i].key = random_next(&model->random);
        model->records[i].reference = i;
    }
    return model;
}

static void model_free(struct model *model)
{
    flow_table_deinit(&model->table);
    assert_int_equal(model->memory.used_bytes, 0);
    assert_int_equal(model->heap.blocks, 0);
    free(model);
}

/* What one insert may do besides its own work: no stall. */
static void check_piecemeal(const struct flow_table *before, const struct flow_table *after)
{
    uint32_t was_cleared = before->next.capacity != 0 ? before->cleared : 0;
    if (after->next.capacity != 0)
        assert_true(after->cleared - was_cleared <= 40);
    if (before->old.capacity != 0 && after->old.capacity != 0)
        assert_true(after->drain - before->drain <= 16);
    if (before->old.capacity != 0 && after->old.capacity == 0)
        assert_true(before->old.count <= 16);
}

static void insert(struct model *model, struct record *record)
{
    struct flow_table before = model->table;
    bool done = flow_table_insert(&model->table, record->hash, record->reference);
    if (done) {
        record->present = true;
        model->count++;
    } else {
        model->refused++;
    }
    if (model->heap.fail_some == NULL)
        check_piecemeal(&before, &model->table);
    assert_int_equal(flow_table_count(&model->table), model->count);
}

static bool stands_in(const struct flow_array *array, const struct record *record)
{
    for (uint32_t i = 0; i < array->capacity; i++) {
        if (array->slots[i].hash == record->hash && array->slots[i].reference == record->reference)
            return true;
    }
    return false;
}

static void remove_record(struct model *model, struct record *record)
{
    if (model->removed_from_old < 20)
        model->removed_from_old += stands_in(&model->table.old, record);
    assert_true(flow_table_remove(&model->table, record->hash, record->reference));
    record->present = false;
    model->count--;
    assert_int_equal(flow_table_count(&model->table), model->count);
}

static void replace(struct model *model, struct record *record)
{
    uint32_t reference = record->reference + MODEL_RECORDS;
    assert_true(flow_table_replace(&model->table, record->hash, record->reference, reference));
    assert_false(flow_table_replace(&model->table, record->hash, record->reference, 1));
    record->reference = reference;
}

static void step(struct model *model, uint32_t range, uint32_t inserts_in_8)
{
    struct record *record = &model->records[random_below(&model->random, range)];
    bool inserting = random_below(&model->random, 8) < inserts_in_8;
    if (!record->present && inserting)
        insert(model, record);
    else if (record->present && !inserting)
        remove_record(model, record);
    else if (record->present && random_chance(&model->random, 4))
        replace(model, record);
    else if (!record->present)
        assert_false(flow_table_remove(&model->table, record->hash, record->reference));
    check_record(model, record);
    check_record(model, &model->records[random_below(&model->random, range)]);
}

static void run_phase(struct model *model, uint32_t range, uint32_t inserts_in_8, int steps)
{
    for (int i = 0; i < steps; i++)
        step(model, range, inserts_in_8);
    check_all(model);
}

static void run_model(uint64_t seed, make_hash *hash, uint32_t range, int steps)
{
    struct model *model = model_new(seed, hash, UINT64_C(1) << 30);
    run_phase(model, range, 6, steps);
    run_phase(model, range, 2, steps / 2);
    run_phase(model, range, 4, steps / 2);
    run_phase(model, range, 7, steps);
    run_phase(model, range, 1, steps);
    if (range > 5000)
        assert_int_equal(model->removed_from_old, 20);
    assert_int_equal(model->refused, 0);
    for (uint32_t i = 0; i < MODEL_RECORDS; i++) {
        if (model->records[i].present)
            remove_record(model, &model->records[i]);
    }
    check_all(model);
    model_free(model);
}

static void agrees_with_the_model(void **state)
{
    (void)state;
    run_model(1, any_hash, MODEL_RECORDS, 150000);
    for (uint64_t seed = 2; seed < 40; seed++)
        run_model(seed, any_hash, 20u << seed % 6, 2000);
}

static void agrees_with_the_model_under_collisions(void **state)
{
    (void)state;
    run_model(100, colliding_hash, 6000, 60000);
    run_model(101, hash_at_the_end, 6000, 60000);
    run_model(102, hash_in_the_high_bits, 6000, 60000);
    for (uint64_t seed = 103; seed < 130; seed++)
        run_model(seed, hash_at_the_end, 20u << seed % 6, 2000);
}

/* Equal hash and equal references aside, only the exact pair goes. */
static void removes_exactly_that_pair(void **state)
{
    (void)state;
    struct model *model = model_new(200, any_hash, 1 << 20);
    for (uint32_t i = 0; i < 3; i++) {
        model->records[i].hash = 77;
        insert(model, &model->records[i]);
    }
    assert_false(flow_table_remove(&model->table, 77, 3));
    assert_false(flow_table_remove(&model->table, 78, 1));
    assert_false(flow_table_replace(&model->table, 78, 1, 4));
    remove_record(model, &model->records[1]);
    check_all(model);
    model_free(model);
}

/* An empty table answers too. */
static void empty_table_has_nothing(void **state)
{
    (void)state;
    struct model *model = model_new(201, any_hash, 0);
    check_all(model);
    assert_false(flow_table_remove(&model->table, 0, 0));
    assert_false(flow_table_replace(&model->table, 0, 0, 1));
    insert(model, &model->records[0]);
    assert_int_equal(model->refused, 1);
    check_all(model);
    model_free(model);
}

/* The cap stops growth: what is in stays, and room made by removal can be used. */
static void full_memory_refuses_inserts_only(void **state)
{
    (void)state;
    struct model *model = model_new(202, any_hash, 10000);
    while (model->refused == 0)
        insert(model, &model->records[model->count]);
    uint32_t full = model->count;
    assert_true(full >= 14);
    check_all(model);
    for (int i = 0; i < 1000; i++) {
        remove_record(model, &model->records[random_below(&model->random, full)]);
        for (uint32_t j = 0; j < full; j++) {
            if (!model->records[j].present)
                insert(model, &model->records[j]);
        }
        assert_int_equal(model->count, full);
        insert(model, &model->records[full]);
        assert_false(model->records[full].present);
    }
    check_all(model);
    model->memory.limit_bytes = 1 << 20;
    insert(model, &model->records[full]);
    assert_true(model->records[full].present);
    check_all(model);
    model_free(model);
}

static void survives_an_unreliable_allocator(void **state)
{
    (void)state;
    struct test_random failures = {203};
    struct model *model = model_new(204, any_hash, UINT64_C(1) << 30);
    model->heap.fail_some = &failures;
    run_phase(model, MODEL_RECORDS, 6, 100000);
    run_phase(model, MODEL_RECORDS, 2, 50000);
    run_phase(model, MODEL_RECORDS, 7, 100000);
    model_free(model);
}

/* Refuses each of the first allocations in turn. */
static void survives_each_refusal(void **state)
{
    (void)state;
    for (uint64_t fail_at = 0; fail_at < 12; fail_at++) {
        struct model *model = model_new(300 + fail_at, any_hash, UINT64_C(1) << 30);
        model->heap.fail_at = fail_at;
        for (uint32_t i = 0; i < 3000; i++) {
            insert(model, &model->records[i]);
            if (!model->records[i].present)
                insert(model, &model->records[i]);
            assert_true(model->records[i].present);
        }
        assert_true(model->heap.allocations > fail_at || fail_at > 8);
        check_all(model);
        model_free(model);
    }
}

/* Slots that a miss reads, averaged over every home, just before the table grows: eight make a
 * cache line. Counted here by hand from the array itself. */
static void a_miss_reads_less_than_a_cache_line(void **state)
{
    (void)state;
    struct model *model = model_new(400, any_hash, UINT64_C(1) << 30);
    uint32_t full = 32768 - 32768 / 8;
    for (uint32_t i = 0; i < full; i++)
        insert(model, &model->records[i]);
    const struct flow_array *array = &model->table.current;
    assert_int_equal(array->capacity, 32768);
    assert_int_equal(array->count, full);
    uint64_t reads = 0;
    for (uint32_t home = 0; home < array->capacity; home++) {
        uint32_t distance = 0;
        for (;; distance++) {
            uint32_t index = (home + distance) % array->capacity;
            const struct flow_slot *slot = &array->slots[index];
            uint32_t theirs = (index - slot->hash) % array->capacity;
            reads++;
            if (slot->reference == FLOW_NONE || theirs < distance)
                break;
        }
        assert_true(distance < 200);
    }
    assert_true(reads < UINT64_C(8) * array->capacity);
    model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_model),
        cmocka_unit_test(agrees_with_the_model_under_collisions),
        cmocka_unit_test(removes_exactly_that_pair),
        cmocka_unit_test(empty_table_has_nothing),
        cmocka_unit_test(full_memory_refuses_inserts_only),
        cmocka_unit_test(survives_an_unreliable_allocator),
        cmocka_unit_test(survives_each_refusal),
        cmocka_unit_test(a_miss_reads_less_than_a_cache_line),
    };
    return cmocka_run_group_tests_name("flow_table", tests, NULL, NULL);
}
