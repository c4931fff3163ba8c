/* SPDX-License-Identifier: MIT
 *
 * Random calls, against an array in order of use.
 */
#include "peer_table.h"

#include "stack_test.h"

enum { LIMIT = 12, PAIRS = 40, STEPS = 60000 };

struct entry {
    struct peer peer;
    uint32_t value;
};

struct model {
    uint32_t count;
    uint32_t pair[LIMIT], value[LIMIT]; /* the one used longest ago first */
};

static struct flow_tuple tuple_of(uint32_t pair, bool remote_only, uint64_t *state)
{
    struct flow_tuple tuple = {.family = pair & 1 ? HF_IPV6 : HF_IPV4};
    tuple.remote[3] = (uint8_t)(remote_only ? pair : pair / 4);
    tuple.local[0] = (uint8_t)(remote_only ? stack_test_chance(state, 3) : pair & 2);
    tuple.local_port = (uint16_t)stack_test_chance(state, 3);
    tuple.remote_port = (uint16_t)stack_test_chance(state, 3);
    return tuple;
}

static uint32_t place(const struct model *model, uint32_t pair)
{
    uint32_t i = 0;
    while (i < model->count && model->pair[i] != pair) {
        i++;
    }
    return i;
}

static void drop(struct model *model, uint32_t at)
{
    model->count--;
    for (uint32_t i = at; i < model->count; i++) {
        model->pair[i] = model->pair[i + 1];
        model->value[i] = model->value[i + 1];
    }
}

static void put(struct model *model, uint32_t pair, uint32_t value)
{
    model->pair[model->count] = pair;
    model->value[model->count++] = value;
}

static void check_all(const struct peer_table *table, const struct model *model)
{
    uint64_t cursor = 0;
    uint32_t seen = 0, sum = 0;
    const struct entry *entry;
    assert_int_equal(peer_table_count(table), model->count);
    while ((entry = peer_table_next(table, &cursor)) != NULL) {
        sum += entry->value;
        seen++;
    }
    assert_int_equal(seen, model->count);
    for (uint32_t i = 0; i < model->count; i++) {
        sum -= model->value[i];
    }
    assert_int_equal(sum, 0);
}

static void against_a_model(bool remote_only)
{
    static const struct siphash_key key = {1, 2};
    struct hf_allocator allocator = {stack_test_allocate, stack_test_release, NULL};
    struct memory memory;
    struct peer_table table;
    struct model model = {0};
    uint64_t state = 3, evicted = 0;
    memory_init(&memory, &allocator, 1u << 20);
    peer_table_init(&table, &memory, &key, sizeof(struct entry), LIMIT, remote_only);
    for (uint32_t step = 0; step < STEPS; step++) {
        uint32_t pair = stack_test_chance(&state, PAIRS);
        struct flow_tuple tuple = tuple_of(pair, remote_only, &state);
        struct entry *entry = peer_table_find(&table, &tuple);
        uint32_t at = place(&model, pair);
        assert_int_equal(entry != NULL, at < model.count);
        if (entry == NULL && stack_test_chance(&state, 2) == 0) {
            entry = peer_table_add(&table, &tuple);
            assert_non_null(entry);
            assert_int_equal(entry->value, 0);
            if (model.count == LIMIT) {
                drop(&model, 0);
                evicted++;
            }
            entry->value = step + 1;
            put(&model, pair, step + 1);
        } else if (entry != NULL) {
            uint32_t value = model.value[at];
            assert_int_equal(entry->value, value);
            drop(&model, at);
            if (stack_test_chance(&state, 8) == 0) {
                peer_table_forget(&table, &entry->peer);
            } else {
                peer_table_touch(&table, &entry->peer);
                put(&model, pair, value);
            }
        }
        check_all(&table, &model);
    }
    assert_int_equal(table.evicted, evicted);
    assert_true(evicted > 100);
    peer_table_clear(&table);
    assert_int_equal(peer_table_count(&table), 0);
    peer_table_deinit(&table);
    assert_int_equal(memory.used_bytes, 0);
}

static void by_both_addresses(void **state)
{
    (void)state;
    against_a_model(false);
}

static void by_the_remote_address(void **state)
{
    (void)state;
    against_a_model(true);
}

/* Without memory nothing is added, and nothing breaks. */
static void without_memory(void **state)
{
    static const struct siphash_key key = {1, 2};
    struct hf_allocator allocator = {stack_test_allocate, stack_test_release, NULL};
    struct flow_tuple tuple = {.family = HF_IPV4};
    struct memory memory;
    struct peer_table table;
    (void)state;
    for (size_t limit = 0; limit < 20000; limit += 100) {
        memory_init(&memory, &allocator, limit);
        peer_table_init(&table, &memory, &key, sizeof(struct entry), LIMIT, false);
        for (uint32_t i = 0; i < 2 * LIMIT; i++) {
            const void *added;
            tuple.remote[0] = (uint8_t)i;
            added = peer_table_add(&table, &tuple);
            assert_ptr_equal(peer_table_find(&table, &tuple), added);
        }
        peer_table_deinit(&table);
        assert_int_equal(memory.used_bytes, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_both_addresses),
        cmocka_unit_test(by_the_remote_address),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
