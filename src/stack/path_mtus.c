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
    struct peer peer;
    hf_time lowered;
    uint16_t mtu;
    bool locked;
};

void path_mtus_init(struct hf_stack *stack)
{
    peer_table_init(&stack->path_mtus, &stack->memory, &stack->keys.flow, sizeof(struct path_mtu),
                    stack->config.max_path_mtus, true);
}

void path_mtus_deinit(struct hf_stack *stack)
{
    peer_table_deinit(&stack->path_mtus);
}

void path_mtu_learn(struct hf_stack *stack, const struct tcp_conn *conn)
{
    struct path_mtu *path = peer_table_find(&stack->path_mtus, &conn->tuple);
    if (path != NULL) {
        peer_table_touch(&stack->path_mtus, &path->peer);
    } else {
        path = peer_table_add(&stack->path_mtus, &conn->tuple);
    }
    if (path != NULL) {
        path->mtu = conn->path_mtu;
        path->locked = conn->path_mtu_locked;
        path->lowered = conn->path_mtu_lowered;
        stack->path_mtus_learnt++;
    }
}

void path_mtu_look_up(struct hf_stack *stack, struct tcp_conn *conn)
{
    struct path_mtu *path = peer_table_find(&stack->path_mtus, &conn->tuple);
    if (path == NULL) {
        return;
    }
    if (stack->host.now - path->lowered >= stack->config.path_mtu_lifetime_ns) {
        peer_table_forget(&stack->path_mtus, &path->peer);
        return;
    }
    tcp_mtu_adopt(conn, &stack->host, path->mtu, path->locked, path->lowered);
}
