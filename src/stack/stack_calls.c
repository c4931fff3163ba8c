/* SPDX-License-Identifier: MIT
 *
 * The user calls: handles are checked here, the work is done in tcp/.
 */
#include "fast_open.h"
#include "resting.h"
#include "stack_config.h"

#include <handfast/zero_copy.h>

/* ---- OPEN, active (RFC 9293 3.9.1.1) */

static int check_remote(const struct hf_endpoint *remote)
{
    if (remote->port == 0 || !ip_is_unicast(&remote->address)) {
        return HF_EINVAL; /* MUST-46 */
    }
    return HF_OK;
}

/* MUST-43, 44: the local address is the caller's, or the stack's choice. */
static int choose_local(const struct hf_stack *stack, const struct hf_endpoint *wanted,
                        const struct hf_endpoint *remote, struct hf_endpoint *local)
{
    const struct hf_address *source;
    memset(local, 0, sizeof *local);
    if (wanted != NULL) {
        local->port = wanted->port;
        local->address = stack_clean_address(&wanted->address);
    }
    if (wanted != NULL && !hf_address_is_any(&local->address)) {
        if (local->address.family != remote->address.family) {
            return HF_EINVAL;
        }
        return ip_host_is_local(&stack->ip, &local->address) ? HF_OK : HF_EADDRNOTAVAIL;
    }
    source = ip_host_source_for(&stack->ip, &remote->address);
    if (source == NULL) {
        return HF_ENETUNREACH;
    }
    local->address = *source;
    return HF_OK;
}

static int choose_tuple(struct hf_stack *stack, const struct hf_endpoint *local,
                        const struct hf_endpoint *remote, struct flow_tuple *tuple, uint32_t *hash)
{
    *tuple = flow_tuple_make(local, remote);
    if (local->port == 0) {
        return stack_choose_port(stack, tuple, hash);
    }
    if (!stack_is_home_of(stack, tuple)) {
        return HF_EADDRNOTAVAIL; /* the answers would arrive at another core */
    }
    *hash = flow_hash_again(stack, tuple);
    return flow_find(stack, tuple, *hash) == FLOW_NONE ? HF_OK : HF_EADDRINUSE;
}

int hf_connect(struct hf_stack *stack, const struct hf_endpoint *wanted,
               const struct hf_endpoint *peer, hf_time now, hf_handle *handle)
{
    struct hf_endpoint remote = {.address = stack_clean_address(&peer->address),
                                 .port = peer->port};
    struct hf_endpoint local;
    struct flow_tuple tuple;
    struct stack_connection *connection;
    uint32_t hash;
    int error = check_remote(&remote);
    stack_set_now(stack, now);
    if (error == HF_OK) {
        error = choose_local(stack, wanted, &remote, &local);
    }
    if (error == HF_OK) {
        error = choose_tuple(stack, &local, &remote, &tuple, &hash);
    }
    if (error != HF_OK) {
        return error;
    }
    connection = stack_connection_new(stack, &tuple, hash);
    if (connection == NULL) {
        return stack->slots.count >= stack->config.max_connections ? HF_ENOBUFS : HF_ENOMEM;
    }
    if (!flow_insert(stack, hash, flow_reference(FLOW_CONNECTION, connection->index))) {
        stack_connection_free(stack, connection);
        return HF_ENOMEM;
    }
    connection->in_table = true;
    tcp_open_active(&connection->tcp, &stack->host, stack_isn(stack, &tuple),
                    stack_timestamp_offset(stack, &tuple));
    stack->counters.connections_opened_actively++;
    stack_settle(stack, connection);
    *handle = stack_handle_of(connection);
    return HF_OK;
}

/* ---- the rest */

/* Why there is no connection: a listener is no connection, one at rest could not be woken, and what
 * else is there is nothing. */
int stack_no_connection(const struct hf_stack *stack, hf_handle handle)
{
    if (stack_slot_of(stack, handle) != NULL) {
        return HF_ENOMEM;
    }
    return stack_listener_of(stack, handle) != NULL ? HF_EOPNOTSUPP : HF_EBADF;
}

ptrdiff_t hf_send(struct hf_stack *stack, hf_handle handle, const void *data, size_t length,
                  unsigned flags, hf_time now)
{
    struct stack_connection *connection = stack_connection_of(stack, handle);
    ptrdiff_t taken;
    if (connection == NULL) {
        return stack_no_connection(stack, handle);
    }
    stack_set_now(stack, now);
    taken = tcp_send(&connection->tcp, &stack->host, data, length, flags);
    if (taken > 0) {
        stack_settle(stack, connection);
    }
    return taken;
}

ptrdiff_t hf_send_ref(struct hf_stack *stack, hf_handle handle, const void *data, size_t length,
                      void *context, unsigned flags, hf_time now)
{
    struct stack_connection *connection = stack_connection_of(stack, handle);
    ptrdiff_t taken;
    if (connection == NULL) {
        return stack_no_connection(stack, handle);
    }
    stack_set_now(stack, now);
    taken = tcp_send_reference(&connection->tcp, &stack->host, data, length, context, flags);
    if (taken > 0) {
        stack_settle(stack, connection);
    }
    return taken;
}

int hf_send_own(struct hf_stack *stack, hf_handle handle)
{
    struct stack_connection *connection = stack_connection_of(stack, handle);
    if (connection == NULL) {
        return stack_no_connection(stack, handle);
    }
    return tcp_send_own(&connection->tcp, &stack->host) ? HF_OK : HF_ENOMEM;
}

int hf_next_returned(struct hf_stack *stack, struct hf_returned *returned)
{
    return send_store_next(&stack->send_store, returned);
}

/* Whoever waits asks again and again: a connection at rest says so without waking. */
static bool nothing_to_read(struct hf_stack *stack, const struct stack_slot *slot,
                            ptrdiff_t *answer)
{
    struct resting_view view;
    if (slot->where >> FLOW_INDEX_BITS != FLOW_RESTING ||
        resting_look(stack, slot, &view)->receive_bytes > 0) {
        return false;
    }
    *answer = tcp_receive(&view.conn, &stack->host, NULL, 0, 0);
    return true;
}

ptrdiff_t hf_recv(struct hf_stack *stack, hf_handle handle, void *data, size_t length,
                  unsigned flags, hf_time now)
{
    const struct stack_slot *slot = stack_slot_of(stack, handle);
    struct stack_connection *connection;
    ptrdiff_t taken;
    stack_set_now(stack, now);
    if (slot != NULL && nothing_to_read(stack, slot, &taken)) {
        return taken;
    }
    connection = slot != NULL ? resting_wake_slot(stack, slot, HF_REASON_WAKE_CALL) : NULL;
    if (connection == NULL) {
        return stack_no_connection(stack, handle);
    }
    taken = tcp_receive(&connection->tcp, &stack->host, data, length, flags);
    if (connection->tcp.intents != 0) {
        stack_settle(stack, connection);
    } else {
        resting_consider(stack, connection);
    }
    return taken;
}

ptrdiff_t hf_peek(const struct hf_stack *stack, hf_handle handle, uint32_t offset, void *data,
                  size_t length)
{
    const struct stack_slot *slot = stack_slot_of(stack, handle);
    struct resting_view view;
    return slot != NULL ? tcp_peek(resting_look(stack, slot, &view), offset, data, length)
                        : stack_no_connection(stack, handle);
}

ptrdiff_t hf_recv_ref(const struct hf_stack *stack, hf_handle handle, struct hf_piece *pieces,
                      uint32_t *count)
{
    const struct stack_slot *slot = stack_slot_of(stack, handle);
    struct resting_view view;
    uint32_t room = *count;
    *count = 0;
    if (slot == NULL) {
        return stack_no_connection(stack, handle);
    }
    if (room == 0) {
        return HF_EINVAL;
    }
    *count = room;
    return tcp_refer(resting_look(stack, slot, &view), pieces, count); /* nothing unread rests */
}

int hf_recv_release(struct hf_stack *stack, hf_handle handle, size_t length, hf_time now)
{
    struct stack_connection *connection = stack_connection_of(stack, handle);
    if (connection == NULL) {
        return stack_no_connection(stack, handle);
    }
    if (length > connection->tcp.receive_bytes) {
        return HF_EINVAL;
    }
    stack_set_now(stack, now);
    if (length > 0) {
        tcp_release(&connection->tcp, &stack->host, (uint32_t)length);
    }
    if (connection->tcp.intents != 0) {
        stack_settle(stack, connection);
    }
    return HF_OK;
}

int hf_shutdown(struct hf_stack *stack, hf_handle handle, hf_time now)
{
    struct stack_connection *connection = stack_connection_of(stack, handle);
    int error;
    if (connection == NULL) {
        return stack_no_connection(stack, handle);
    }
    stack_set_now(stack, now);
    error = tcp_shutdown(&connection->tcp, &stack->host);
    stack_settle(stack, connection);
    return error;
}

/* One at rest that cannot be woken is ended with a RST, for its handle is stale either way. */
static int end_without_memory(struct hf_stack *stack, hf_handle handle)
{
    struct stack_slot *slot = stack_slot_of(stack, handle);
    if (slot == NULL) {
        return stack_no_connection(stack, handle);
    }
    resting_abort(stack, slot, HF_REASON_MEMORY_LIMIT);
    return HF_OK;
}

int hf_close(struct hf_stack *stack, hf_handle handle, hf_time now)
{
    struct stack_connection *connection = stack_connection_of(stack, handle);
    struct stack_listener *listener = stack_listener_of(stack, handle);
    stack_set_now(stack, now);
    if (listener != NULL) {
        listener_close(stack, listener);
        return HF_OK;
    }
    if (connection == NULL) {
        return end_without_memory(stack, handle);
    }
    connection->posted = (struct stack_posted){.buffer = NULL};
    tcp_close(&connection->tcp, &stack->host);
    stack_settle(stack, connection);
    return HF_OK;
}

int hf_abort(struct hf_stack *stack, hf_handle handle, hf_time now)
{
    struct stack_connection *connection = stack_connection_of(stack, handle);
    stack_set_now(stack, now);
    if (connection == NULL) {
        return end_without_memory(stack, handle);
    }
    connection->posted = (struct stack_posted){.buffer = NULL};
    tcp_abort(&connection->tcp, &stack->host, HF_REASON_USER_ABORT, HF_ECONNABORTED);
    stack_settle(stack, connection);
    return HF_OK;
}

int hf_set_option(struct hf_stack *stack, hf_handle handle, enum hf_option option, int64_t value,
                  hf_time now)
{
    struct stack_connection *connection = stack_connection_of(stack, handle);
    struct stack_listener *listener = stack_listener_of(stack, handle);
    int error;
    stack_set_now(stack, now);
    if (listener != NULL && option == HF_OPTION_BACKLOG) {
        if (value < 1 || value > 65535) {
            return HF_EINVAL;
        }
        listener->backlog = (uint32_t)value;
        return HF_OK;
    }
    if (listener != NULL && option == HF_OPTION_FAST_OPEN_QUEUE) {
        if (value < 0 || value > 65535) {
            return HF_EINVAL;
        }
        listener->fast_open_limit = (uint32_t)value;
        return HF_OK;
    }
    if (listener != NULL) {
        return tcp_set_option(&listener->prototype, &stack->host, option, value);
    }
    if (connection == NULL) {
        return stack_no_connection(stack, handle);
    }
    error = option == HF_OPTION_FAST_OPEN_CONNECT
                ? fast_open_connect(stack, connection, value)
                : tcp_set_option(&connection->tcp, &stack->host, option, value);
    stack_settle(stack, connection);
    return error;
}

int hf_get_option(const struct hf_stack *stack, hf_handle handle, enum hf_option option,
                  int64_t *value)
{
    const struct stack_slot *slot = stack_slot_of(stack, handle);
    const struct stack_listener *listener = stack_listener_of(stack, handle);
    struct resting_view view;
    const struct tcp_conn *conn = slot != NULL ? resting_look(stack, slot, &view) : NULL;
    if (listener != NULL && option == HF_OPTION_BACKLOG) {
        *value = listener->backlog;
        return HF_OK;
    }
    if (listener != NULL && option == HF_OPTION_FAST_OPEN_QUEUE) {
        *value = listener->fast_open_limit;
        return HF_OK;
    }
    if (conn != NULL && option == HF_OPTION_FAST_OPEN_CONNECT) {
        *value = conn->syn_held ? 2 : conn->fast_open != NULL;
        return HF_OK;
    }
    if (listener != NULL) {
        return tcp_get_option(&listener->prototype, &stack->host, option, value);
    }
    return conn != NULL ? tcp_get_option(conn, &stack->host, option, value) : HF_EBADF;
}

/* ---- notes */

int hf_mark(struct hf_stack *stack, hf_handle handle, uint32_t mark, unsigned kinds, hf_time now)
{
    struct stack_connection *connection = stack_connection_of(stack, handle);
    int error;
    if (connection == NULL) {
        return stack_no_connection(stack, handle);
    }
    if (kinds == 0 || kinds > (HF_MARK_SENT | HF_MARK_ACKED | HF_MARK_BOUNDARY)) {
        return HF_EINVAL;
    }
    stack_set_now(stack, now);
    error = tcp_notes_mark(&connection->tcp, &stack->host, mark, kinds);
    stack_queue_events(stack, connection);
    return error;
}

int hf_next_note(struct hf_stack *stack, hf_handle handle, struct hf_note *note)
{
    struct stack_connection *connection = stack_connection_of(stack, handle);
    return connection != NULL && tcp_notes_take(&connection->tcp, &stack->host, note);
}

/* ---- the algorithms there are */

const char *hf_congestion_control_name(const struct hf_stack *stack, int index)
{
    const struct hf_cc_ops *ops = tcp_cc_at(&stack->config, index);
    return ops != NULL ? ops->name : NULL;
}

static bool same_name(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

int hf_congestion_control_find(const struct hf_stack *stack, const char *name)
{
    const struct hf_cc_ops *ops;
    for (int i = 0; (ops = tcp_cc_at(&stack->config, i)) != NULL; i++) {
        if (same_name(ops->name, name)) {
            return i;
        }
    }
    return HF_ENOENT;
}
