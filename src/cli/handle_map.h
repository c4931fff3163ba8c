/* SPDX-License-Identifier: MIT
 *
 * From a stack's handle to the object that looks after it.
 */
#ifndef HANDLE_MAP_H
#define HANDLE_MAP_H

#include <handfast/handfast.h>
#include <stdbool.h>

struct handle_map_slot {
    hf_handle handle; /* HF_NO_HANDLE: free */
    void *owner;
};
struct handle_map {
    struct handle_map_slot *slots; /* a power of two of them, or none */
    size_t slot_count, used;
};

/* All zero is an empty map. */
void handle_map_free(struct handle_map *map);
/* The handle must be neither HF_NO_HANDLE nor in the map. False: out of memory. */
bool handle_map_put(struct handle_map *map, hf_handle handle, void *owner);
/* NULL when it is not there. */
void *handle_map_get(const struct handle_map *map, hf_handle handle);
/* Nothing happens when it is not there. */
void handle_map_remove(struct handle_map *map, hf_handle handle);

#endif
