/* SPDX-License-Identifier: MIT
 *
 * What is known of paths: by destination, the MTU that a router told of (RFC 8201 5.2). A
 * connection learns it, having made sure that the message is about something it sent; the others
 * to that destination look it up before they next send, and new ones begin with it.
 *
 * An entry holds as long as its connection's own memory would (config.path_mtu_lifetime_ns), then
 * counts as absent. Of at most config.max_path_mtus the one learnt longest ago makes room; a
 * connection keeps what it has taken from it.
 *
 * Connections are told by a count of all that was ever learnt: one that has seen the latest need
 * not look.
 */
#include "stack_state.h"

struct path_mtu {
    struct index_link link; /* in stack.path_mtu_recent */
    uint8_t remote[16];
    uint32_t hash;
    hf_time lowered;
    uint16_t mtu;
    uint8_t family;
    bool locked;
};

void path_mtus_init(struct hf_stack *stack)
{
    pool_init(&stack->path_mtus, &stack->memory, sizeof(struct path_mtu),
              stack->config.max_path_mtus);
    flow_table_init(&stack->path_mtu_table, &stack->memory);
    index_list_init(&stack->path_mtu_recent);
}

void path_mtus_deinit(struct hf_stack *stack)
{
    flow_table_deinit(&stack->path_mtu_table);
    pool_deinit(&stack->path_mtus);
}

static uint32_t path_hash(const struct hf_stack *stack, const struct flow_tuple *tuple)
{
    struct flow_tuple destination = *tuple;
    memset(destination.local, 0, sizeof destination.local);
    destination.local_port = 0;
    destination.remote_port = 0;
    return (uint32_t)siphash(&stack->keys.flow, &destination, sizeof destination);
}

static bool is_path(const void *context, uint32_t reference, const void *key)
{
    const struct hf_stack *stack = context;
    const struct path_mtu *path = pool_at(&stack->path_mtus, reference);
    const struct flow_tuple *tuple = key;
    return path->family == tuple->family &&
           memcmp(path->remote, tuple->remote, sizeof path->remote) == 0;
}

static uint32_t find(const struct hf_stack *stack, const struct flow_tuple *tuple)
{
    return flow_table_find(&stack->path_mtu_table, path_hash(stack, tuple), is_path, stack, tuple);
}

static void forget(struct hf_stack *stack, uint32_t index)
{
    const struct path_mtu *path = pool_at(&stack->path_mtus, index);
    flow_table_remove(&stack->path_mtu_table, path->hash, index);
    index_list_remove(&stack->path_mtu_recent, &stack->path_mtus, index);
    pool_release(&stack->path_mtus, index);
}

/* NULL: no memory. */
static struct path_mtu *add(struct hf_stack *stack, const struct flow_tuple *tuple)
{
    uint32_t index;
    struct path_mtu *path = pool_allocate(&stack->path_mtus, &index);
    if (path == NULL && stack->path_mtu_recent.head != POOL_NONE) {
        forget(stack, stack->path_mtu_recent.head);
        path = pool_allocate(&stack->path_mtus, &index);
    }
    if (path == NULL) {
        return NULL;
    }
    memset(path, 0, sizeof *path);
    path->family = tuple->family;
    memcpy(path->remote, tuple->remote, sizeof path->remote);
    path->hash = path_hash(stack, tuple);
    if (!flow_table_insert(&stack->path_mtu_table, path->hash, index)) {
        pool_release(&stack->path_mtus, index);
        return NULL;
    }
    index_list_append(&stack->path_mtu_recent, &stack->path_mtus, index);
    return path;
}

void path_mtu_learn(struct hf_stack *stack, const struct tcp_conn *conn)
{
    uint32_t index = find(stack, &conn->tuple);
    struct path_mtu *path;
    if (index != FLOW_NONE) {
        forget(stack, index); /* it comes back as the latest */
    }
    path = add(stack, &conn->tuple);
    if (path != NULL) {
        path->mtu = conn->path_mtu;
        path->locked = conn->path_mtu_locked;
        path->lowered = conn->path_mtu_lowered;
        stack->path_mtus_learnt++;
    }
}

void path_mtu_look_up(struct hf_stack *stack, struct tcp_conn *conn)
{
    uint32_t index = stack->path_mtus_learnt > 0 ? find(stack, &conn->tuple) : FLOW_NONE;
    const struct path_mtu *path;
    if (index == FLOW_NONE) {
        return;
    }
    path = pool_at(&stack->path_mtus, index);
    if (stack->host.now - path->lowered >= stack->config.path_mtu_lifetime_ns) {
        forget(stack, index);
        return;
    }
    tcp_mtu_adopt(conn, &stack->host, path->mtu, path->locked, path->lowered);
}
