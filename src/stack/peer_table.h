/* SPDX-License-Identifier: MIT
 *
 * What is remembered of peers beyond a connection's life, by pair of addresses or by the remote one
 * alone: a keyed table of so many entries at most, in which the one used longest ago makes room.
 * What an entry holds, when it counts as stale and what counts as use is its owner's:
 * path_mtus.c, path_metrics.c, fast_open_peers.c.
 */
#ifndef PEER_TABLE_H
#define PEER_TABLE_H

#include "flow_table.h"
#include "flow_tuple.h"
#include "index_list.h"
#include "siphash.h"

/* What every entry begins with. */
struct peer {
    struct index_link link; /* in peer_table.recent */
    uint32_t index, hash;
    uint8_t local[16], remote[16]; /* local: zero if only the remote address counts */
    uint8_t family;
    bool live;
};

struct peer_table {
    struct pool pool;
    struct flow_table flows;
    struct index_list recent; /* the one used last is last */
    const struct siphash_key *key;
    uint64_t evicted; /* that made room for others */
    bool remote_only;
};

/* `entry_bytes`: of the owner's struct, which begins with a struct peer. `key` outlives the table.
 * Allocates nothing yet. */
void peer_table_init(struct peer_table *table, struct memory *memory, const struct siphash_key *key,
                     size_t entry_bytes, uint32_t limit, bool remote_only);
void peer_table_deinit(struct peer_table *table);

/* The tuple's ports do not count. NULL: there is none. */
void *peer_table_find(const struct peer_table *table, const struct flow_tuple *tuple);
/* Makes it, zeroed behind the struct peer, as the one used last; there must be none. NULL: no
 * memory, though another may have made room. */
void *peer_table_add(struct peer_table *table, const struct flow_tuple *tuple);
/* It is now the one used last. */
void peer_table_touch(struct peer_table *table, const struct peer *peer);
void peer_table_forget(struct peer_table *table, struct peer *peer);
void peer_table_clear(struct peer_table *table);

/* Any entry from `*cursor` on, which begins at 0; NULL: there are no more. */
const void *peer_table_next(const struct peer_table *table, uint64_t *cursor);

static inline uint32_t peer_table_count(const struct peer_table *table)
{
    return table->pool.count;
}

#endif
