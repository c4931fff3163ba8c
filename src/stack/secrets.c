/* SPDX-License-Identifier: MIT
 *
 * What an outsider must not be able to guess, all from config.seed: initial sequence numbers
 * (RFC 6528) and timestamp offsets (RFC 7323 5.4); outgoing ports: port_choice.c.
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
