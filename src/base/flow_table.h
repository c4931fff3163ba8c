/* SPDX-License-Identifier: MIT
 *
 * From a 4-tuple's keyed hash to the record that owns it. Open addressing; each slot holds the
 * 32-bit hash and a 32-bit reference, so a miss touches one cache line and growth never touches
 * the records. Growth is incremental: each insert clears a little of the next array or moves a few
 * slots of the old one, so no operation stalls. Removal shifts back, leaving no tombstones. The
 * hash is keyed by the owner, so chosen tuples cannot pile up in one place.
 */
#ifndef FLOW_TABLE_H
#define FLOW_TABLE_H

#include "memory.h"
#include "prefetch.h"

#include <stdbool.h>

#define FLOW_NONE UINT32_MAX

struct flow_slot {
    uint32_t hash;
    uint32_t reference; /* FLOW_NONE: empty */
};

struct flow_array {
    struct flow_slot *slots;
    uint32_t capacity; /* a power of two, or 0 */
    uint32_t count;
};

struct flow_table {
    struct memory *memory;
    struct flow_array current; /* inserts go here */
    struct flow_array old;     /* being emptied into current; capacity 0 when there is none */
    struct flow_array next;    /* twice current, being cleared; capacity 0 when there is none */
    uint32_t drain;            /* the next slot of `old` to move */
    uint32_t cleared;          /* the slots of `next` that are cleared */
};

/* Does the record named `reference` own `key`? */
typedef bool flow_matches(const void *context, uint32_t reference, const void *key);

void flow_table_init(struct flow_table *table, struct memory *memory);
void flow_table_deinit(struct flow_table *table);
/* The reference, or FLOW_NONE. `matches` runs only on slots whose whole hash is equal. */
uint32_t flow_table_find(const struct flow_table *table, uint32_t hash, flow_matches *matches,
                         const void *context, const void *key);
/* The caller has made sure that it is not there. False: out of memory, nothing changed. */
bool flow_table_insert(struct flow_table *table, uint32_t hash, uint32_t reference);
/* Removes exactly that pair; false if it is not there. */
bool flow_table_remove(struct flow_table *table, uint32_t hash, uint32_t reference);
/* Replaces the reference of a pair that is there (a record changed its kind). */
bool flow_table_replace(struct flow_table *table, uint32_t hash, uint32_t reference,
                        uint32_t new_reference);
/* Asks for the memory where a hash would stand, without waiting for it. */
void flow_table_prefetch(const struct flow_table *table, uint32_t hash);
/* The reference that stands first with this hash, whosever it is, or FLOW_NONE. */
uint32_t flow_table_guess(const struct flow_table *table, uint32_t hash);
uint32_t flow_table_count(const struct flow_table *table);

#endif
