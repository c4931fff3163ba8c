/* SPDX-License-Identifier: MIT
 *
 * Open addressing with linear probing, at most three quarters full. Removal closes the gap by
 * moving later slots back, so that there are no tombstones and lookups of absent handles stay
 * short however many connections have come and gone.
 */
#include "handle_map.h"

#include <assert.h>
#include <stdlib.h>

enum { FIRST_SLOTS = 64 };

/* Handles are the stack's own numbers, not a peer's: mixing need not be secret. */
static size_t home_of(const struct handle_map *map, hf_handle handle)
{
    uint64_t mixed = handle * UINT64_C(0x9e3779b97f4a7c15);

    return (size_t)(mixed >> 32) & (map->slot_count - 1);
}

void handle_map_free(struct handle_map *map)
{
    free(map->slots);
    *map = (struct handle_map){.slots = NULL};
}

static size_t find(const struct handle_map *map, hf_handle handle)
{
    size_t at = home_of(map, handle);

    while (map->slots[at].handle != HF_NO_HANDLE && map->slots[at].handle != handle)
        at = (at + 1) & (map->slot_count - 1);
    return at;
}

static bool grow(struct handle_map *map)
{
    struct handle_map larger = {.used = map->used};

    larger.slot_count = map->slot_count > 0 ? map->slot_count * 2 : FIRST_SLOTS;
    larger.slots = calloc(larger.slot_count, sizeof *larger.slots);
    if (larger.slots == NULL)
        return false;
    for (size_t i = 0; i < map->slot_count; i++) {
        if (map->slots[i].handle != HF_NO_HANDLE)
            larger.slots[find(&larger, map->slots[i].handle)] = map->slots[i];
    }
    free(map->slots);
    *map = larger;
    return true;
}

bool handle_map_put(struct handle_map *map, hf_handle handle, void *owner)
{
    size_t at;

    assert(handle != HF_NO_HANDLE);
    if ((map->used + 1) * 4 > map->slot_count * 3 && !grow(map))
        return false;
    at = find(map, handle);
    assert(map->slots[at].handle == HF_NO_HANDLE);
    map->slots[at] = (struct handle_map_slot){handle, owner};
    map->used++;
    return true;
}

void *handle_map_get(const struct handle_map *map, hf_handle handle)
{
    if (map->used == 0 || handle == HF_NO_HANDLE)
        return NULL;
    return map->slots[find(map, handle)].owner;
}

void handle_map_remove(struct handle_map *map, hf_handle handle)
{
    size_t mask = map->slot_count - 1, hole, at;

    if (map->used == 0 || handle == HF_NO_HANDLE)
        return;
    hole = find(map, handle);
    if (map->slots[hole].handle == HF_NO_HANDLE)
        return;
    for (at = (hole + 1) & mask; map->slots[at].handle != HF_NO_HANDLE; at = (at + 1) & mask) {
        size_t distance_home = (at - home_of(map, map->slots[at].handle)) & mask;

        if (distance_home >= ((at - hole) & mask)) {
            map->slots[hole] = map->slots[at];
            hole = at;
        }
    }
    map->slots[hole] = (struct handle_map_slot){HF_NO_HANDLE, NULL};
    map->used--;
}
