/* SPDX-License-Identifier: MIT
 *
 * From the core's handle to the socket that holds it.
 */
#ifndef HANDLE_TABLE_H
#define HANDLE_TABLE_H

#include <handfast/types.h>
#include <stdbool.h>

struct socket;

struct handle_slot {
    hf_handle handle; /* HF_NO_HANDLE: free */
    struct socket *socket;
};
/* All zero is an empty table. */
struct handle_table {
    struct handle_slot *slots;
    size_t slot_count; /* a power of two, or 0 */
    size_t used;
};

/* False: out of memory. The handle is not in the table. */
bool handle_table_put(struct handle_table *table, hf_handle handle, struct socket *socket);
/* NULL: not there. */
struct socket *handle_table_get(const struct handle_table *table, hf_handle handle);
void handle_table_remove(struct handle_table *table, hf_handle handle);
void handle_table_free(struct handle_table *table);

#endif
