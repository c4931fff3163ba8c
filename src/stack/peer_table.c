/* SPDX-License-Identifier: MIT
 *
 * An entry lies in a pool, is found by a keyed hash of its addresses, and stands in a list in the
 * order of use.
 */
#include "peer_table.h"

#include <string.h>

void peer_table_init(struct peer_table *table, struct memory *memory, const struct siphash_key *key,
                     size_t entry_bytes, uint32_t limit, bool remote_only)
{
    pool_init(&table->pool, memory, entry_bytes, limit);
    flow_table_init(&table->flows, memory);
    index_list_init(&table->recent);
    table->key = key;
    table->evicted = 0;
    table->remote_only = remote_only;
}

void peer_table_deinit(struct peer_table *table)
{
    flow_table_deinit(&table->flows);
    pool_deinit(&table->pool);
}

/* What of a tuple counts here. */
static struct flow_tuple key_of(const struct peer_table *table, const struct flow_tuple *tuple)
{
    struct flow_tuple key = *tuple;
    key.local_port = 0;
    key.remote_port = 0;
    if (table->remote_only) {
        memset(key.local, 0, sizeof key.local);
    }
    return key;
}

static uint32_t hash_of(const struct peer_table *table, const struct flow_tuple *key)
{
    return (uint32_t)siphash(table->key, key, sizeof *key);
}

static bool is_peer(const void *context, uint32_t reference, const void *wanted)
{
    const struct peer_table *table = context;
    const struct peer *peer = pool_at(&table->pool, reference);
    const struct flow_tuple *key = wanted;
    return peer->family == key->family &&
           memcmp(peer->local, key->local, sizeof peer->local) == 0 &&
           memcmp(peer->remote, key->remote, sizeof peer->remote) == 0;
}

void *peer_table_find(const struct peer_table *table, const struct flow_tuple *tuple)
{
    struct flow_tuple key;
    uint32_t index;
    if (table->pool.count == 0) {
        return NULL; /* without hashing: the usual case of a host that opens few connections */
    }
    key = key_of(table, tuple);
    if (table->recent.tail != POOL_NONE && is_peer(table, table->recent.tail, &key)) {
        return pool_at(&table->pool, table->recent.tail); /* the one of the last connection, too */
    }
    index = flow_table_find(&table->flows, hash_of(table, &key), is_peer, table, &key);
    return index == FLOW_NONE ? NULL : pool_at(&table->pool, index);
}

void *peer_table_add(struct peer_table *table, const struct flow_tuple *tuple)
{
    struct flow_tuple key = key_of(table, tuple);
    uint32_t index;
    struct peer *peer = pool_allocate(&table->pool, &index);
    if (peer == NULL && table->recent.head != POOL_NONE) {
        table->evicted++;
        peer_table_forget(table, pool_at(&table->pool, table->recent.head));
        peer = pool_allocate(&table->pool, &index);
    }
    if (peer == NULL) {
        return NULL;
    }
    memset(peer, 0, table->pool.object_size);
    peer->index = index;
    peer->family = key.family;
    memcpy(peer->local, key.local, sizeof peer->local);
    memcpy(peer->remote, key.remote, sizeof peer->remote);
    peer->hash = hash_of(table, &key);
    if (!flow_table_insert(&table->flows, peer->hash, index)) {
        pool_release(&table->pool, index);
        return NULL;
    }
    peer->live = true;
    index_list_append(&table->recent, &table->pool, index);
    return peer;
}

void peer_table_touch(struct peer_table *table, const struct peer *peer)
{
    uint32_t index = peer->index;
    if (index != table->recent.tail) {
        index_list_remove(&table->recent, &table->pool, index);
        index_list_append(&table->recent, &table->pool, index);
    }
}

void peer_table_forget(struct peer_table *table, struct peer *peer)
{
    peer->live = false;
    flow_table_remove(&table->flows, peer->hash, peer->index);
    index_list_remove(&table->recent, &table->pool, peer->index);
    pool_release(&table->pool, peer->index);
}

void peer_table_clear(struct peer_table *table)
{
    while (table->recent.head != POOL_NONE) {
        peer_table_forget(table, pool_at(&table->pool, table->recent.head));
    }
}

const void *peer_table_next(const struct peer_table *table, uint64_t *cursor)
{
    while (*cursor < pool_extent(&table->pool)) {
        const struct peer *peer = pool_at(&table->pool, (uint32_t)(*cursor)++);
        if (peer->live) {
            return peer;
        }
    }
    return NULL;
}
