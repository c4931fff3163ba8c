/* SPDX-License-Identifier: MIT
 *
 * From a 4-tuple to its owner, whichever of the four kinds it is.
 */
#include "resting.h"

/* Of an IPv4 tuple only the bytes that it uses, which takes half of the rounds; none of another
 * length can be the same input. */
uint64_t flow_keyed_hash(const struct siphash_key *key, const struct flow_tuple *tuple)
{
    uint8_t short_form[12];
    if (tuple->family != HF_IPV4) {
        return siphash_40(key, (const uint8_t *)tuple);
    }
    memcpy(short_form, tuple->local, 4);
    memcpy(short_form + 4, tuple->remote, 4);
    memcpy(short_form + 8, &tuple->local_port, 2);
    memcpy(short_form + 10, &tuple->remote_port, 2);
    return siphash_12(key, short_form);
}

uint32_t flow_hash(const struct hf_stack *stack, const struct flow_tuple *tuple)
{
    return (uint32_t)flow_keyed_hash(&stack->keys.flow, tuple);
}

uint32_t flow_hash_again(struct hf_stack *stack, const struct flow_tuple *tuple)
{
    if (!flow_tuple_equal(tuple, &stack->hashed.tuple)) {
        stack->hashed.hash = flow_hash(stack, tuple);
        stack->hashed.tuple = *tuple;
        stack->hashed.reference = FLOW_NONE;
    }
    return stack->hashed.hash;
}

static bool owns_tuple(const void *context, uint32_t reference, const void *key)
{
    const struct hf_stack *stack = context;
    uint32_t index = reference & FLOW_INDEX_MASK;
    switch ((enum flow_kind)(reference >> FLOW_INDEX_BITS)) {
    case FLOW_CONNECTION: {
        const struct stack_connection *connection = pool_at(&stack->connections, index);
        return flow_tuple_equal(&connection->tcp.tuple, key);
    }
    case FLOW_SYN: {
        const struct syn_record *record = pool_at(&stack->syn_records, index);
        return flow_tuple_equal(&record->tuple, key);
    }
    case FLOW_TIME_WAIT: {
        return time_wait_owns(pool_at(&stack->time_waits, index), key);
    }
    case FLOW_RESTING:
        return resting_owns_tuple(stack, reference, key);
    }
    return false;
}

uint32_t flow_find(const struct hf_stack *stack, const struct flow_tuple *tuple, uint32_t hash)
{
    return flow_table_find(&stack->flows, hash, owns_tuple, stack, tuple);
}

uint32_t flow_find_again(struct hf_stack *stack, const struct flow_tuple *tuple, uint32_t *hash)
{
    if (flow_tuple_equal(tuple, &stack->hashed.tuple)) {
        *hash = stack->hashed.hash;
        if (stack->hashed.reference != FLOW_NONE) {
            return stack->hashed.reference;
        }
    }
    *hash = flow_hash_again(stack, tuple);
    stack->hashed.reference = flow_find(stack, tuple, *hash);
    return stack->hashed.reference;
}

bool flow_insert(struct hf_stack *stack, uint32_t hash, uint32_t reference)
{
    return flow_table_insert(&stack->flows, hash, reference);
}

static struct flow_tuple tuple_of(const struct hf_stack *stack, uint32_t reference)
{
    uint32_t index = reference & FLOW_INDEX_MASK;
    switch ((enum flow_kind)(reference >> FLOW_INDEX_BITS)) {
    case FLOW_CONNECTION:
        return ((const struct stack_connection *)pool_at(&stack->connections, index))->tcp.tuple;
    case FLOW_SYN:
        return ((const struct syn_record *)pool_at(&stack->syn_records, index))->tuple;
    case FLOW_TIME_WAIT:
        return time_wait_tuple(pool_at(&stack->time_waits, index));
    case FLOW_RESTING:
        break;
    }
    return resting_tuple(stack, reference);
}

void flow_remove(struct hf_stack *stack, uint32_t hash, uint32_t reference)
{
    if (stack->crowded_ports != NULL) {
        struct flow_tuple tuple = tuple_of(stack, reference);
        crowded_ports_freed(stack, &tuple);
    }
    if (stack->hashed.reference == reference) {
        stack->hashed.reference = FLOW_NONE;
    }
    flow_table_remove(&stack->flows, hash, reference);
}

void flow_replace(struct hf_stack *stack, uint32_t hash, uint32_t reference, uint32_t new_reference)
{
    if (stack->hashed.reference == reference) {
        stack->hashed.reference = new_reference;
    }
    flow_table_replace(&stack->flows, hash, reference, new_reference);
}
