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
    struct peer peer;
    hf_time saved;
    struct tcp_metrics metrics;
};

void path_metrics_init(struct hf_stack *stack)
{
    peer_table_init(&stack->metrics, &stack->memory, &stack->keys.flow, sizeof(struct path_metrics),
                    stack->config.max_metrics, false);
}

void path_metrics_deinit(struct hf_stack *stack)
{
    peer_table_deinit(&stack->metrics);
}

/* After any change of the table. */
static void count(struct hf_stack *stack)
{
    stack->counters.metrics = peer_table_count(&stack->metrics);
    stack->counters.metrics_evicted = stack->metrics.evicted;
}

/* The pair's entry, now the one used last; NULL: there is none, or none that holds any more. */
static struct path_metrics *find(struct hf_stack *stack, const struct flow_tuple *tuple)
{
    struct path_metrics *path = peer_table_find(&stack->metrics, tuple);
    if (path == NULL) {
        return NULL;
    }
    if (stack->host.now - path->saved >= stack->config.metrics_lifetime_ns) {
        peer_table_forget(&stack->metrics, &path->peer);
        count(stack);
        return NULL;
    }
    peer_table_touch(&stack->metrics, &path->peer);
    return path;
}

static void save(struct hf_stack *stack, const struct tcp_conn *conn)
{
    struct path_metrics *path = find(stack, &conn->tuple);
    if (path == NULL && tcp_metrics_known(conn)) {
        path = peer_table_add(&stack->metrics, &conn->tuple);
        count(stack);
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
    peer_table_clear(&stack->metrics);
    count(stack);
}

int hf_metrics_list(const struct hf_stack *stack, uint64_t *cursor, struct hf_metrics *metrics)
{
    const struct path_metrics *path = peer_table_next(&stack->metrics, cursor);
    if (path == NULL) {
        return 0;
    }
    memset(metrics, 0, sizeof *metrics);
    metrics->local.family = path->peer.family;
    metrics->remote.family = path->peer.family;
    memcpy(metrics->local.bytes, path->peer.local, sizeof path->peer.local);
    memcpy(metrics->remote.bytes, path->peer.remote, sizeof path->peer.remote);
    metrics->saved_ns = path->saved;
    metrics->srtt_ns = (hf_time)path->metrics.srtt_us * HF_MICROSECOND;
    metrics->rttvar_ns = (hf_time)path->metrics.rttvar_us * HF_MICROSECOND;
    metrics->cwnd_bytes = path->metrics.cwnd_bytes;
    metrics->ssthresh_bytes = path->metrics.ssthresh_bytes;
    metrics->reordering = path->metrics.reordering;
    return 1;
}
