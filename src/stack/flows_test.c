/* SPDX-License-Identifier: MIT
 *
 * Who owns a tuple, with the last answer remembered, against a plain array of all there are.
 */
#include "base_test_support.h"
#include "stack_state.h"

#include <handfast/handfast.h>

#define TUPLES 24

struct owner {
    struct flow_tuple tuple;
    uint32_t hash, reference; /* FLOW_NONE: it has none */
};

static struct owner owner_of(const struct hf_stack *stack, uint32_t number)
{
    struct hf_endpoint local = {hf_address_ipv4(10, 0, 0, 1), 80};
    struct hf_endpoint remote = {hf_address_ipv4(10, 0, 0, 2), (uint16_t)(1000 + number)};
    struct owner owner = {.reference = FLOW_NONE};
    if (number % 3 == 0) {
        static const uint8_t bytes[16] = {0xfd, [15] = 1};
        local.address = remote.address = hf_address_ipv6(bytes);
    }
    owner.tuple = flow_tuple_make(&local, &remote);
    owner.hash = flow_hash(stack, &owner.tuple);
    return owner;
}

static void begin(struct hf_stack *stack, struct owner *owner)
{
    uint32_t index;
    struct syn_record *record = pool_allocate(&stack->syn_records, &index);
    assert_non_null(record);
    record->tuple = owner->tuple;
    owner->reference = flow_reference(FLOW_SYN, index);
    assert_true(flow_insert(stack, owner->hash, owner->reference));
}

/* From a half-open connection to TIME-WAIT. */
static void change(struct hf_stack *stack, struct owner *owner)
{
    uint32_t index;
    struct time_wait_record *record = pool_allocate(&stack->time_waits, &index);
    assert_non_null(record);
    memcpy(record->local, owner->tuple.local, sizeof record->local);
    memcpy(record->remote, owner->tuple.remote, sizeof record->remote);
    record->local_port = owner->tuple.local_port;
    record->remote_port = owner->tuple.remote_port;
    record->family = owner->tuple.family;
    flow_replace(stack, owner->hash, owner->reference, flow_reference(FLOW_TIME_WAIT, index));
    pool_release(&stack->syn_records, owner->reference & FLOW_INDEX_MASK);
    owner->reference = flow_reference(FLOW_TIME_WAIT, index);
}

static void end(struct hf_stack *stack, struct owner *owner)
{
    bool half_open = owner->reference >> FLOW_INDEX_BITS == FLOW_SYN;
    flow_remove(stack, owner->hash, owner->reference);
    pool_release(half_open ? &stack->syn_records : &stack->time_waits,
                 owner->reference & FLOW_INDEX_MASK);
    owner->reference = FLOW_NONE;
}

static void what_is_remembered_is_what_a_search_finds(void **state)
{
    (void)state;
    struct test_random random = {21};
    struct test_heap heap = test_heap_make();
    struct hf_config config = hf_config_bare();
    struct hf_stack *stack;
    struct owner owners[TUPLES];
    uint32_t number = 0;
    config.allocator = test_heap_allocator(&heap);
    stack = hf_stack_new(&config);
    assert_non_null(stack);
    for (uint32_t i = 0; i < TUPLES; i++)
        owners[i] = owner_of(stack, i);
    for (int step = 0; step < 100000; step++) {
        uint32_t hash = 0;
        struct owner *owner;
        if (random_chance(&random, 4))
            number = random_below(&random, TUPLES); /* else the one before: a train of packets */
        owner = &owners[number];
        assert_int_equal(flow_find_again(stack, &owner->tuple, &hash), owner->reference);
        assert_int_equal(hash, owner->hash);
        assert_int_equal(flow_hash_again(stack, &owner->tuple), owner->hash);
        if (random_chance(&random, 2))
            owner = &owners[random_below(&random, TUPLES)];
        if (owner->reference == FLOW_NONE)
            begin(stack, owner);
        else if (owner->reference >> FLOW_INDEX_BITS == FLOW_SYN && random_chance(&random, 2))
            change(stack, owner);
        else
            end(stack, owner);
    }
    for (uint32_t i = 0; i < TUPLES; i++) {
        if (owners[i].reference != FLOW_NONE)
            end(stack, &owners[i]);
    }
    hf_stack_free(stack);
    assert_int_equal(heap.blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_remembered_is_what_a_search_finds),
    };
    return cmocka_run_group_tests_name("flows", tests, NULL, NULL);
}
