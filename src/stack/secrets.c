/* SPDX-License-Identifier: MIT
 *
 * What an outsider must not be able to guess, all from config.seed: initial sequence numbers
 * (RFC 6528), timestamp offsets (RFC 7323 5.4) and outgoing ports (RFC 6056).
 */
#include "stack_state.h"

#define ISN_TICK_NS (4 * HF_MICROSECOND) /* MUST-8 */

static struct siphash_key derive(const struct siphash_key *master, uint8_t label)
{
    uint8_t first[2] = {label, 0};
    uint8_t second[2] = {label, 1};
    return (struct siphash_key){siphash(master, first, 2), siphash(master, second, 2)};
}

void stack_keys_init(struct stack_keys *keys, const uint8_t seed[16])
{
    struct siphash_key master = siphash_key_from_bytes(seed);
    keys->flow = derive(&master, 1);
    keys->secret = derive(&master, 2);
    keys->port = derive(&master, 4);
    keys->cookie = derive(&master, 5);
    keys->fast_open = derive(&master, 6);
    keys->steering = derive(&master, 7);
}

/* One keyed hash for both that a connection needs: nobody who sees half of it can tell the other.
 * An opening asks for it twice on either side; five hashes took 1550 of the 36,000 instructions
 * that a connection took. */
static uint64_t secret_of(struct hf_stack *stack, const struct flow_tuple *tuple)
{
    if (!flow_tuple_equal(tuple, &stack->secret.tuple)) {
        stack->secret.value = flow_keyed_hash(&stack->keys.secret, tuple);
        stack->secret.tuple = *tuple;
    }
    return stack->secret.value;
}

/* RFC 6528 3: ISN = M + F(localip, localport, remoteip, remoteport, secretkey) (SHLD-1, MUST-9).
 * Keeps RFC6528-3-a, RFC6528-3-b. */
seq32 stack_isn(struct hf_stack *stack, const struct flow_tuple *tuple)
{
    uint32_t m = (uint32_t)(stack->host.now / ISN_TICK_NS);
    return seq_make(m + (uint32_t)secret_of(stack, tuple));
}

/* The same for the same tuple, so that timestamps go on rising from one connection to the next
 * (RFC 6191, RFC 7323 5.4).
 * Keeps RFC7323-5.4-b. */
uint32_t stack_timestamp_offset(struct hf_stack *stack, const struct flow_tuple *tuple)
{
    return (uint32_t)(secret_of(stack, tuple) >> 32);
}

/* RFC 6056 3.3.4, algorithm 4: an offset keyed by the destination, and one of several counters, so
 * that ports to one peer tell nothing of ports to another, and are not soon used again.
 * Keeps RFC6056-3.3-a, RFC6056-3.3-b. */
int stack_choose_port(struct hf_stack *stack, struct flow_tuple *tuple, uint32_t *hash)
{
    uint32_t low = stack->config.port_low;
    uint32_t count = (uint32_t)stack->config.port_high - low + 1;
    uint64_t keyed;
    uint32_t offset;
    uint32_t start;
    uint16_t *counter;
    tuple->local_port = 0;
    keyed = flow_keyed_hash(&stack->keys.port, tuple);
    offset = (uint32_t)keyed;
    counter = &stack->port_counters[(keyed >> 32) % PORT_COUNTERS];
    start = *counter;
    for (uint32_t tries = 0; tries < count; tries++) {
        tuple->local_port = (uint16_t)(low + (offset % count + start + tries) % count);
        if (!stack_is_home_of(stack, tuple)) {
            continue; /* the peer's answers would arrive at another core */
        }
        *counter = (uint16_t)(start + tries + 1);
        *hash = flow_hash_again(stack, tuple);
        if (flow_find(stack, tuple, *hash) == FLOW_NONE) {
            return HF_OK;
        }
    }
    return HF_EADDRNOTAVAIL;
}
