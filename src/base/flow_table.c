/* SPDX-License-Identifier: MIT
 *
 * Linear probing in the order of Robin Hood hashing (Celis, 1986): along a run of slots, entries
 * stand in the order of their home slots. So a search ends at the first entry that stands nearer to
 * its home than the one sought would, and at a load of 7/8 hits and misses alike read about four
 * slots, half a cache line. Removal shifts the rest of the run back by one.
 *
 * Growing must stall nobody, not even to clear 100 MB for millions of flows. An array goes through
 * three lives:
 *   next:    allocated when the table is 3/4 full, cleared piece by piece by the inserts that
 *            follow, the pieces sized so that it is clear when the table is 7/8 full;
 *   current: takes all inserts;
 *   old:     emptied into its successor, a few slots an insert or removal, long before that one is
 *            3/4 full. Slots emptied here become gaps, over which a search runs on, for shifting
 *            would put entries back into the part that is done with.
 * A flow is in current or in old, and only these are searched.
 */
#include "flow_table.h"

#include "hf_assert.h"

#define FIRST_CAPACITY 16
#if SIZE_MAX > UINT32_MAX
#define LARGEST_CAPACITY (UINT32_C(1) << 31)
#else
#define LARGEST_CAPACITY (UINT32_C(1) << 28) /* its bytes fit in a size_t */
#endif
#define CLEAR_SLOTS_MIN 16
#define DRAIN_SLOTS 16

/* In both, the reference is FLOW_NONE. */
#define HASH_EMPTY 0
#define HASH_GAP 1

void flow_table_init(struct flow_table *table, struct memory *memory)
{
    *table = (struct flow_table){.memory = memory};
}

static void array_release(struct flow_table *table, struct flow_array *array)
{
    memory_release(table->memory, array->slots, array->capacity * sizeof(struct flow_slot));
    *array = (struct flow_array){0};
}

void flow_table_deinit(struct flow_table *table)
{
    array_release(table, &table->current);
    array_release(table, &table->old);
    array_release(table, &table->next);
    table->drain = 0;
    table->cleared = 0;
}

static bool array_allocate(struct flow_table *table, struct flow_array *array, uint32_t capacity)
{
    struct flow_slot *slots = memory_allocate(table->memory, capacity * sizeof(struct flow_slot));
    if (slots == NULL)
        return false;
    *array = (struct flow_array){.slots = slots, .capacity = capacity};
    return true;
}

static void clear_slots(struct flow_array *array, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        array->slots[i] = (struct flow_slot){HASH_EMPTY, FLOW_NONE};
}

static uint32_t limit_of(uint32_t capacity)
{
    return capacity - capacity / 8;
}

static uint32_t mask_of(const struct flow_array *array)
{
    return array->capacity - 1;
}

/* How far slot `index` is from where its hash would stand first. */
static uint32_t displacement(const struct flow_array *array, uint32_t index, uint32_t hash)
{
    return (index - hash) & mask_of(array);
}

/* Can no entry of a hash whose home is `distance` slots back stand at this slot or beyond it? */
static bool ends_search(const struct flow_array *array, uint32_t index, uint32_t distance)
{
    const struct flow_slot *slot = &array->slots[index];
    if (slot->reference == FLOW_NONE)
        return slot->hash != HASH_GAP;
    return displacement(array, index, slot->hash) < distance;
}

static uint32_t array_find(const struct flow_array *array, uint32_t hash, flow_matches *matches,
                           const void *context, const void *key)
{
    for (uint32_t distance = 0; distance < array->capacity; distance++) {
        uint32_t index = (hash + distance) & mask_of(array);
        const struct flow_slot *slot = &array->slots[index];
        if (slot->hash == hash && slot->reference != FLOW_NONE &&
            matches(context, slot->reference, key))
            return slot->reference;
        if (ends_search(array, index, distance))
            return FLOW_NONE;
    }
    return FLOW_NONE;
}

uint32_t flow_table_find(const struct flow_table *table, uint32_t hash, flow_matches *matches,
                         const void *context, const void *key)
{
    uint32_t reference = FLOW_NONE;
    if (table->current.count > 0)
        reference = array_find(&table->current, hash, matches, context, key);
    if (reference == FLOW_NONE && table->old.count > 0)
        reference = array_find(&table->old, hash, matches, context, key);
    return reference;
}

static bool is_anyones(const void *context, uint32_t reference, const void *key)
{
    (void)context;
    (void)reference;
    (void)key;
    return true;
}

uint32_t flow_table_guess(const struct flow_table *table, uint32_t hash)
{
    return flow_table_find(table, hash, is_anyones, NULL, NULL);
}

void flow_table_prefetch(const struct flow_table *table, uint32_t hash)
{
    if (table->current.count > 0)
        PREFETCH(&table->current.slots[hash & mask_of(&table->current)]);
    if (table->old.count > 0)
        PREFETCH(&table->old.slots[hash & mask_of(&table->old)]);
}

/* The slot of exactly this pair, or NULL. */
static struct flow_slot *array_locate(const struct flow_array *array, uint32_t hash,
                                      uint32_t reference)
{
    for (uint32_t distance = 0; distance < array->capacity; distance++) {
        uint32_t index = (hash + distance) & mask_of(array);
        struct flow_slot *slot = &array->slots[index];
        if (slot->hash == hash && slot->reference == reference)
            return slot;
        if (ends_search(array, index, distance))
            return NULL;
    }
    return NULL;
}

/* There is an empty slot and no gap. */
static void array_insert(struct flow_array *array, struct flow_slot entry)
{
    uint32_t index = entry.hash & mask_of(array);
    while (array->slots[index].reference != FLOW_NONE) {
        struct flow_slot *slot = &array->slots[index];
        if (displacement(array, index, slot->hash) < displacement(array, index, entry.hash)) {
            struct flow_slot displaced = *slot;
            *slot = entry;
            entry = displaced;
        }
        index = (index + 1) & mask_of(array);
    }
    array->slots[index] = entry;
    array->count++;
}

static void shift_back(struct flow_array *array, uint32_t index)
{
    for (;;) {
        uint32_t following = (index + 1) & mask_of(array);
        struct flow_slot entry = array->slots[following];
        if (entry.reference == FLOW_NONE || displacement(array, following, entry.hash) == 0)
            break;
        array->slots[index] = entry;
        index = following;
    }
    array->slots[index] = (struct flow_slot){HASH_EMPTY, FLOW_NONE};
    array->count--;
}

static void make_gap(struct flow_array *array, struct flow_slot *slot)
{
    *slot = (struct flow_slot){HASH_GAP, FLOW_NONE};
    array->count--;
}

static void drain_old(struct flow_table *table, uint32_t slots)
{
    struct flow_array *old = &table->old;
    for (uint32_t i = 0; i < slots && old->count > 0; i++) {
        struct flow_slot *slot = &old->slots[table->drain++];
        if (slot->reference != FLOW_NONE) {
            array_insert(&table->current, *slot);
            make_gap(old, slot);
        }
    }
    if (old->count == 0)
        array_release(table, old);
}

/* Clears so much of `next` that it is clear when `inserts_left` more have come. */
static void clear_next(struct flow_table *table, uint32_t inserts_left)
{
    uint32_t left = table->next.capacity - table->cleared;
    uint32_t slots = left / (inserts_left + 1) + 1;
    if (slots < CLEAR_SLOTS_MIN)
        slots = CLEAR_SLOTS_MIN;
    if (slots > left)
        slots = left;
    clear_slots(&table->next, table->cleared, table->cleared + slots);
    table->cleared += slots;
}

/* Allocates `next`. If there is no memory at 3/4, it asks again now and then until 7/8. */
static void prepare_next(struct flow_table *table, uint32_t count, uint32_t inserts_left)
{
    uint32_t capacity = table->current.capacity;
    bool now_and_then = count % (capacity / 16) == 0;
    if (capacity >= LARGEST_CAPACITY || (inserts_left > 0 && !now_and_then))
        return;
    if (array_allocate(table, &table->next, 2 * capacity))
        table->cleared = 0;
}

static bool make_room(struct flow_table *table)
{
    if (table->current.capacity == 0) {
        if (!array_allocate(table, &table->current, FIRST_CAPACITY))
            return false;
        clear_slots(&table->current, 0, FIRST_CAPACITY);
    }
    uint32_t capacity = table->current.capacity;
    uint32_t count = flow_table_count(table);
    uint32_t inserts_left = limit_of(capacity) - count;
    if (count >= capacity - capacity / 4) {
        if (table->next.capacity == 0)
            prepare_next(table, count, inserts_left);
        if (table->next.capacity != 0)
            clear_next(table, inserts_left);
    }
    if (inserts_left > 0)
        return true;
    if (table->next.capacity == 0)
        return false;
    HF_ASSERT(table->cleared == table->next.capacity);
    HF_ASSERT(table->old.capacity == 0);
    table->old = table->current;
    table->current = table->next;
    table->next = (struct flow_array){0};
    table->drain = 0;
    return true;
}

bool flow_table_insert(struct flow_table *table, uint32_t hash, uint32_t reference)
{
    HF_ASSERT(reference != FLOW_NONE);
    if (table->old.capacity != 0)
        drain_old(table, DRAIN_SLOTS);
    if (!make_room(table))
        return false;
    array_insert(&table->current, (struct flow_slot){hash, reference});
    return true;
}

bool flow_table_remove(struct flow_table *table, uint32_t hash, uint32_t reference)
{
    HF_ASSERT(reference != FLOW_NONE);
    struct flow_slot *slot = array_locate(&table->current, hash, reference);
    if (slot != NULL) {
        shift_back(&table->current, (uint32_t)(slot - table->current.slots));
    } else {
        slot = array_locate(&table->old, hash, reference);
        if (slot == NULL)
            return false;
        make_gap(&table->old, slot);
    }
    if (table->old.capacity != 0)
        drain_old(table, DRAIN_SLOTS);
    return true;
}

bool flow_table_replace(struct flow_table *table, uint32_t hash, uint32_t reference,
                        uint32_t new_reference)
{
    HF_ASSERT(reference != FLOW_NONE);
    HF_ASSERT(new_reference != FLOW_NONE);
    struct flow_slot *slot = array_locate(&table->current, hash, reference);
    if (slot == NULL)
        slot = array_locate(&table->old, hash, reference);
    if (slot == NULL)
        return false;
    slot->reference = new_reference;
    return true;
}

uint32_t flow_table_count(const struct flow_table *table)
{
    return table->current.count + table->old.count;
}
