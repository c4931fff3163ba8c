/* SPDX-License-Identifier: MIT
 *
 * Which local port an outgoing connection gets (RFC 6056 3.3.4, algorithm 4): an offset keyed by
 * the destination, and one of several counters, so that ports to one peer tell nothing of ports to
 * another, and are not soon used again. From there on the first is taken that is free.
 *
 * Towards a destination that has taken all ports that is a walk over all of them, for nothing, and
 * a long one while few are free; a program that goes on asking would do little else. So such
 * destinations are remembered, with the ports that became free since: those are all there is to
 * look at. What is chosen is what the walk would have found.
 */
#include "resting.h"

#define CROWDED_DESTINATIONS 16u
#define CROWDED_PORTS 64u

struct crowded_destination {
    struct flow_tuple destination; /* its local port is 0 */
    uint16_t low;                  /* the range that was walked */
    uint32_t count;
    uint32_t freed_count;
    uint16_t freed[CROWDED_PORTS]; /* no other may be free; these may be taken again */
    bool on;
};

struct crowded_ports {
    struct crowded_destination entries[CROWDED_DESTINATIONS];
    uint32_t next; /* to be replaced */
};

void crowded_ports_free(struct hf_stack *stack)
{
    if (stack->crowded_ports != NULL) {
        memory_release(&stack->memory, stack->crowded_ports, sizeof *stack->crowded_ports);
        stack->crowded_ports = NULL;
    }
}

static struct crowded_destination *find(const struct hf_stack *stack,
                                        const struct flow_tuple *destination)
{
    struct crowded_ports *crowded = stack->crowded_ports;
    for (uint32_t i = 0; crowded != NULL && i < CROWDED_DESTINATIONS; i++) {
        struct crowded_destination *entry = &crowded->entries[i];
        if (entry->on && flow_tuple_equal(&entry->destination, destination)) {
            return entry;
        }
    }
    return NULL;
}

/* All ports to it are taken. Without memory it is walked again the next time. */
static void remember(struct hf_stack *stack, const struct flow_tuple *destination, uint16_t low,
                     uint32_t count)
{
    struct crowded_ports *crowded = stack->crowded_ports;
    if (crowded == NULL) {
        crowded = memory_allocate(&stack->memory, sizeof *crowded);
        if (crowded == NULL) {
            return;
        }
        memset(crowded, 0, sizeof *crowded);
        stack->crowded_ports = crowded;
    }
    crowded->entries[crowded->next] = (struct crowded_destination){
        .destination = *destination, .low = low, .count = count, .on = true};
    crowded->next = (crowded->next + 1) % CROWDED_DESTINATIONS;
}

static uint32_t place_of(const struct crowded_destination *entry, uint16_t port)
{
    uint32_t i = 0;
    while (i < entry->freed_count && entry->freed[i] != port) {
        i++;
    }
    return i;
}

void crowded_ports_freed(struct hf_stack *stack, const struct flow_tuple *tuple)
{
    struct flow_tuple destination = *tuple;
    struct crowded_destination *entry;
    destination.local_port = 0;
    entry = find(stack, &destination);
    if (entry == NULL || (uint32_t)tuple->local_port - entry->low >= entry->count ||
        place_of(entry, tuple->local_port) < entry->freed_count) {
        return;
    }
    if (entry->freed_count == CROWDED_PORTS) {
        entry->on = false; /* with so many the walk is short again */
        return;
    }
    entry->freed[entry->freed_count++] = tuple->local_port;
}

static bool is_free(struct hf_stack *stack, const struct flow_tuple *tuple, uint32_t *hash)
{
    stack->ports_looked_at++;
    *hash = flow_hash_again(stack, tuple);
    return flow_find(stack, tuple, *hash) == FLOW_NONE;
}

/* Of the freed ports the one that the walk from `first` on would come to first: how far it is, or
 * `count`. Those that are taken again are forgotten. */
static uint32_t nearest_freed(struct hf_stack *stack, struct crowded_destination *entry,
                              struct flow_tuple *tuple, uint32_t first, uint32_t *hash)
{
    uint32_t nearest = entry->count;
    for (uint32_t i = 0; i < entry->freed_count;) {
        uint32_t distance =
            ((uint32_t)entry->freed[i] - entry->low + entry->count - first) % entry->count;
        tuple->local_port = entry->freed[i];
        if (!stack_is_home_of(stack, tuple) || !is_free(stack, tuple, hash)) {
            entry->freed[i] = entry->freed[--entry->freed_count];
            continue;
        }
        nearest = distance < nearest ? distance : nearest;
        i++;
    }
    return nearest;
}

/* Keeps RFC6056-3.3-a, RFC6056-3.3-b. */
int stack_choose_port(struct hf_stack *stack, struct flow_tuple *tuple, uint32_t *hash)
{
    uint16_t low = stack->config.port_low;
    uint32_t count = (uint32_t)stack->config.port_high - low + 1;
    struct flow_tuple destination;
    struct crowded_destination *crowded;
    uint64_t keyed;
    uint32_t offset, start, tries = 0;
    uint16_t *counter;
    tuple->local_port = 0;
    destination = *tuple;
    keyed = flow_keyed_hash(&stack->keys.port, tuple);
    offset = (uint32_t)keyed % count;
    counter = &stack->port_counters[(keyed >> 32) % PORT_COUNTERS];
    start = *counter;
    crowded = find(stack, &destination);
    if (crowded != NULL && (crowded->low != low || crowded->count != count)) {
        crowded->on = false; /* the range is another one now */
        crowded = NULL;
    }
    if (crowded != NULL) {
        tries = nearest_freed(stack, crowded, tuple, (offset + start) % count, hash);
    }
    for (; tries < count; tries++) {
        tuple->local_port = (uint16_t)(low + (offset + start + tries) % count);
        if (!stack_is_home_of(stack, tuple)) {
            continue; /* the peer's answers would arrive at another core */
        }
        *counter = (uint16_t)(start + tries + 1);
        if (is_free(stack, tuple, hash)) {
            return HF_OK;
        }
    }
    *counter = (uint16_t)(start + count);
    if (crowded == NULL) {
        remember(stack, &destination, low, count);
    }
    return HF_EADDRNOTAVAIL;
}
