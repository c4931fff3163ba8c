/* SPDX-License-Identifier: MIT
 *
 * The cache of RFC 9040: for each pair of addresses, what the connections that ended in order have
 * learnt of the path (tcp_metrics.h), for those that open next. An opening connection only looks;
 * one that ends writes.
 *
 * An entry counts as absent once config.metrics_lifetime_ns have passed since it was last written.
 * Of at most config.max_metrics the one used longest ago makes room: opening and ending both use
 * it. An attacker who opens many connections from invented addresses writes nothing, for an entry
 * takes a whole connection, its data's round trip and its orderly end.
 */
#include "path_metrics.h"

struct path_metrics {
    struct index_link link; /* in stack.metrics_recent: the one used last is last */
    uint8_t local[16], remote[16];
    uint32_t hash;
    uint8_t family;
    bool live;
    hf_time saved;
    struct tcp_metrics metrics;
};

void path_metrics_init(struct hf_stack *stack)
{
    pool_init(&stack->metrics, &stack->memory, sizeof(struct path_metrics),
              stack->config.max_metrics);
    flow_table_init(&stack->metrics_table, &stack->memory);
    index_list_init(&stack->metrics_recent);
}

void path_metrics_deinit(struct hf_stack *stack)
{
    flow_table_deinit(&stack->metrics_table);
    pool_deinit(&stack->metrics);
}

static uint32_t path_hash(const struct hf_stack *stack, const struct flow_tuple *tuple)
{
    struct flow_tuple path = *tuple;
    path.local_port = 0;
    path.remote_port = 0;
    return (uint32_t)siphash(&stack->keys.flow, &path, sizeof path);
}

static bool is_path(const void *context, uint32_t reference, const void *key)
{
    const struct hf_stack *stack = context;
    const struct path_metrics *path = pool_at(&stack->metrics, reference);
    const struct flow_tuple *tuple = key;
    return path->family == tuple->family &&
           memcmp(path->local, tuple->local, sizeof path->local) == 0 &&
           memcmp(path->remote, tuple->remote, sizeof path->remote) == 0;
}

static void forget(struct hf_stack *stack, uint32_t index)
{
    struct path_metrics *path = pool_at(&stack->metrics, index);
    path->live = false;
    flow_table_remove(&stack->metrics_table, path->hash, index);
    index_list_remove(&stack->metrics_recent, &stack->metrics, index);
    pool_release(&stack->metrics, index);
    stack->counters.metrics--;
}

/* The pair's entry, now the one used last; NULL: there is none, or none that holds any more. */
static struct path_metrics *find(struct hf_stack *stack, const struct flow_tuple *tuple)
{
    uint32_t index = stack->counters.metrics == 0
                         ? FLOW_NONE
                         : flow_table_find(&stack->metrics_table, path_hash(stack, tuple), is_path,
                                           stack, tuple);
    struct path_metrics *path;
    if (index == FLOW_NONE) {
        return NULL;
    }
    path = pool_at(&stack->metrics, index);
    if (stack->host.now - path->saved >= stack->config.metrics_lifetime_ns) {
        forget(stack, index);
        return NULL;
    }
    index_list_remove(&stack->metrics_recent, &stack->metrics, index);
    index_list_append(&stack->metrics_recent, &stack->metrics, index);
    return path;
}

/* NULL: no memory. */
static struct path_metrics *add(struct hf_stack *stack, const struct flow_tuple *tuple)
{
    uint32_t index;
    struct path_metrics *path = pool_allocate(&stack->metrics, &index);
    if (path == NULL && stack->metrics_recent.head != POOL_NONE) {
        stack->counters.metrics_evicted++;
        forget(stack, stack->metrics_recent.head);
        path = pool_allocate(&stack->metrics, &index);
    }
    if (path == NULL) {
        return NULL;
    }
    memset(path, 0, sizeof *path);
    path->family = tuple->family;
    memcpy(path->local, tuple->local, sizeof path->local);
    memcpy(path->remote, tuple->remote, sizeof path->remote);
    path->hash = path_hash(stack, tuple);
    if (!flow_table_insert(&stack->metrics_table, path->hash, index)) {
        pool_release(&stack->metrics, index);
        return NULL;
    }
    path->live = true;
    index_list_append(&stack->metrics_recent, &stack->metrics, index);
    stack->counters.metrics++;
    return path;
}

static void save(struct hf_stack *stack, const struct tcp_conn *conn)
{
    struct path_metrics *path = find(stack, &conn->tuple);
    if (path == NULL && tcp_metrics_known(conn)) {
        path = add(stack, &conn->tuple);
    }
    if (path == NULL) {
        return;
    }
    tcp_metrics_save(conn, &stack->host, &path->metrics);
    path->saved = stack->host.now;
    stack->counters.metrics_saved++;
}

void path_metrics_settle(struct hf_stack *stack, struct tcp_conn *conn)
{
    bool wanted = conn->metrics_wanted, due = conn->metrics_due;
    conn->metrics_wanted = false;
    conn->metrics_due = false;
    if (wanted) {
        const struct path_metrics *path = find(stack, &conn->tuple);
        if (path != NULL && tcp_metrics_use(conn, &stack->host, &path->metrics)) {
            stack->counters.metrics_used++;
        }
    }
    if (due && stack->config.metrics_save != 0) {
        save(stack, conn);
    }
}

void hf_metrics_flush(struct hf_stack *stack)
{
    while (stack->metrics_recent.head != POOL_NONE) {
        forget(stack, stack->metrics_recent.head);
    }
}

int hf_metrics_list(const struct hf_stack *stack, uint64_t *cursor, struct hf_metrics *metrics)
{
    while (*cursor < pool_extent(&stack->metrics)) {
        const struct path_metrics *path = pool_at(&stack->metrics, (uint32_t)*cursor);
        (*cursor)++;
        if (!path->live) {
            continue;
        }
        memset(metrics, 0, sizeof *metrics);
        metrics->local.family = path->family;
        metrics->remote.family = path->family;
        memcpy(metrics->local.bytes, path->local, sizeof path->local);
        memcpy(metrics->remote.bytes, path->remote, sizeof path->remote);
        metrics->saved_ns = path->saved;
        metrics->srtt_ns = (hf_time)path->metrics.srtt_us * HF_MICROSECOND;
        metrics->rttvar_ns = (hf_time)path->metrics.rttvar_us * HF_MICROSECOND;
        metrics->cwnd_bytes = path->metrics.cwnd_bytes;
        metrics->ssthresh_bytes = path->metrics.ssthresh_bytes;
        metrics->reordering = path->metrics.reordering;
        return 1;
    }
    return 0;
}
