/* SPDX-License-Identifier: MIT
 *
 * Open addressing with linear probing, at most half full; a removal closes the gap behind it, so
 * that there are no tombstones. Handles are the core's own numbers, not a peer's, so a plain
 * multiplicative hash will do.
 */
#include "handle_table.h"

#include <stdlib.h>

#define FIRST_SLOTS 64u

static size_t home_of(const struct handle_table *table, hf_handle handle)
{
    return (size_t)((handle * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & (table->slot_count - 1);
}

static void place(struct handle_table *table, hf_handle handle, struct socket *socket)
{
    size_t at = home_of(table, handle);
    while (table->slots[at].handle != HF_NO_HANDLE) {
        at = (at + 1) & (table->slot_count - 1);
    }
    table->slots[at] = (struct handle_slot){handle, socket};
}

static bool grow(struct handle_table *table)
{
    struct handle_table grown = {.slot_count =
                                     table->slot_count ? table->slot_count * 2 : FIRST_SLOTS};
    grown.slots = calloc(grown.slot_count, sizeof grown.slots[0]);
    if (grown.slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < table->slot_count; i++) {
        if (table->slots[i].handle != HF_NO_HANDLE) {
            place(&grown, table->slots[i].handle, table->slots[i].socket);
        }
    }
    grown.used = table->used;
    free(table->slots);
    *table = grown;
    return true;
}

bool handle_table_put(struct handle_table *table, hf_handle handle, struct socket *socket)
{
    if (2 * (table->used + 1) > table->slot_count && !grow(table)) {
        return false;
    }
    place(table, handle, socket);
    table->used++;
    return true;
}

static size_t find(const struct handle_table *table, hf_handle handle)
{
    size_t at;
    if (table->slot_count == 0 || handle == HF_NO_HANDLE) {
        return SIZE_MAX;
    }
    for (at = home_of(table, handle); table->slots[at].handle != handle;
         at = (at + 1) & (table->slot_count - 1)) {
        if (table->slots[at].handle == HF_NO_HANDLE) {
            return SIZE_MAX;
        }
    }
    return at;
}

struct socket *handle_table_get(const struct handle_table *table, hf_handle handle)
{
    size_t at = find(table, handle);
    return at == SIZE_MAX ? NULL : table->slots[at].socket;
}

void handle_table_remove(struct handle_table *table, hf_handle handle)
{
    size_t mask = table->slot_count - 1;
    size_t gap = find(table, handle);
    if (gap == SIZE_MAX) {
        return;
    }
    for (size_t at = (gap + 1) & mask; table->slots[at].handle != HF_NO_HANDLE;
         at = (at + 1) & mask) {
        size_t home = home_of(table, table->slots[at].handle);
        /* It may fill the gap if that is no further from its home than where it stands. */
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            table->slots[gap] = table->slots[at];
            gap = at;
        }
    }
    table->slots[gap] = (struct handle_slot){HF_NO_HANDLE, NULL};
    table->used--;
}

void handle_table_free(struct handle_table *table)
{
    free(table->slots);
    *table = (struct handle_table){0};
}
