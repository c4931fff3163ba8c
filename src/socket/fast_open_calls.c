/* SPDX-License-Identifier: MIT
 *
 * TCP Fast Open on sockets, in Linux's words (RFC 7413 6.1 leaves the API to each system).
 *
 * sendto(MSG_FASTOPEN) is connect and send in one: what fits the SYN rides on it if a cookie is
 * known; the call then waits for the connection like a connect, and a socket that does not wait
 * answers with how much rides, or EINPROGRESS if nothing does. With TCP_FASTOPEN_CONNECT it is
 * connect that does nothing if a cookie is known, and the first write sends the SYN.
 */
#include "fast_open_calls.h"

#include <errno.h>
#include <string.h>

/* Linux's somaxconn, which bounds the queue. */
#define LARGEST_QUEUE 4096

static const struct hf_config *config_of(const struct socket *socket)
{
    return hf_stack_config(socket->file.set->config.stack);
}

/* ---- sending */

static int pass_option(struct socket *socket, int64_t value)
{
    struct hf_sockets *set = socket->file.set;
    return hf_set_option(set->config.stack, socket->handle, HF_OPTION_FAST_OPEN_CONNECT, value,
                         sockets_now(set));
}

/* Hands the core what the SYN will carry. */
static int fill_syn(struct socket *socket, struct vector *from, size_t *sent)
{
    struct hf_sockets *set = socket->file.set;
    struct hf_status status;
    size_t room;
    if (hf_status(set->config.stack, socket->handle, &status) != HF_OK) {
        return -ENOTCONN;
    }
    room = status.fast_open_room_bytes;
    while (room > 0 && from->left > 0) {
        void *data;
        size_t length;
        ptrdiff_t n;
        (void)vector_next(from, room, &data, &length);
        if (data == NULL) {
            return -EFAULT;
        }
        n = hf_send(set->config.stack, socket->handle, data, length, 0, sockets_now(set));
        if (n <= 0) {
            break; /* no room: the SYN goes with what there is */
        }
        vector_advance(from, (size_t)n);
        *sent += (size_t)n;
        room -= (size_t)n;
    }
    return 0;
}

static int begin(struct socket *socket, const struct sockaddr_storage *address, socklen_t length)
{
    if (address != NULL && length < sizeof address->ss_family) {
        return -EINVAL;
    }
    switch (socket->phase) {
    case PHASE_CONNECTED:
        return -EISCONN;
    case PHASE_CONNECTING:
        return -EALREADY;
    case PHASE_DISCONNECTING:
        return -EINVAL;
    case PHASE_UNCONNECTED:
        break;
    }
    if (socket->progress != PROGRESS_CLOSED) {
        return -EISCONN;
    }
    if (address == NULL) {
        return -EINVAL;
    }
    return connect_start(socket, address, length);
}

int fast_open_send(struct socket *socket, struct vector *from, int flags,
                   const struct sockaddr_storage *address, socklen_t length, size_t *sent)
{
    bool put_off = socket->connect_put_off;
    int error = 0;
    if (!(config_of(socket)->fast_open & HF_FAST_OPEN_CLIENT) ||
        (address != NULL && length >= sizeof address->ss_family &&
         address->ss_family == AF_UNSPEC)) {
        return -EOPNOTSUPP;
    }
    if (!put_off) {
        error = begin(socket, address, length);
        if (error == -EALREADY) {
            return connect_await(socket, -EALREADY, flags);
        }
        if (error != 0) {
            return error;
        }
        error = pass_option(socket, 2); /* held until it is filled */
    }
    if (error == 0) {
        error = fill_syn(socket, from, sent);
    }
    socket->connect_put_off = false;
    (void)pass_option(socket, 1);
    socket->phase = PHASE_CONNECTING;
    if (error != 0) {
        return error;
    }
    return connect_await(socket, -EINPROGRESS, flags);
}

bool fast_open_put_off(struct socket *socket)
{
    int64_t value = 0;
    if (!socket->options.fast_open_connect || pass_option(socket, 2) != HF_OK) {
        return false;
    }
    (void)hf_get_option(socket->file.set->config.stack, socket->handle, HF_OPTION_FAST_OPEN_CONNECT,
                        &value);
    socket->connect_put_off = value == 2;
    return socket->connect_put_off;
}

/* ---- listening */

void fast_open_listen(struct socket *socket, uint32_t backlog)
{
    uint32_t both = HF_FAST_OPEN_SERVER | HF_FAST_OPEN_ALL_LISTENERS;
    if ((config_of(socket)->fast_open & both) == both &&
        core_option_get(socket, HF_OPTION_FAST_OPEN_QUEUE) == 0) {
        (void)core_option_set(socket, HF_OPTION_FAST_OPEN_QUEUE, backlog);
    }
}

void fast_open_apply(struct socket *socket)
{
    const struct socket_options *options = &socket->options;
    if (options->fast_open_key_bytes > 0) {
        (void)hf_set_fast_open_keys(socket->file.set->config.stack, socket->handle,
                                    options->fast_open_keys, options->fast_open_key_bytes);
    }
}

void fast_open_accepted(struct socket *socket)
{
    struct core_options *core = &socket->options.core;
    core->given &= ~(UINT64_C(1) << HF_OPTION_FAST_OPEN_QUEUE);
    core->given &= ~(UINT64_C(1) << HF_OPTION_DEFER_ACCEPT);
    socket->options.fast_open_key_bytes = 0;
}

/* ---- options */

static bool may_listen(const struct socket *socket)
{
    return socket->progress == PROGRESS_CLOSED || socket->progress == PROGRESS_LISTENING;
}

int set_fast_open_queue(struct socket *socket, const struct option_row *row, int value)
{
    (void)row;
    if (value < 0 || !may_listen(socket)) {
        return -EINVAL;
    }
    return core_option_set(socket, HF_OPTION_FAST_OPEN_QUEUE,
                           value < LARGEST_QUEUE ? value : LARGEST_QUEUE);
}

int set_fast_open_connect(struct socket *socket, const struct option_row *row, int value)
{
    (void)row;
    if (value < 0 || value > 1) {
        return -EINVAL;
    }
    if (!(config_of(socket)->fast_open & HF_FAST_OPEN_CLIENT)) {
        return -EOPNOTSUPP;
    }
    if (socket->progress != PROGRESS_CLOSED) {
        return -EINVAL;
    }
    socket->options.fast_open_connect = value == 1;
    return 0;
}

int set_fast_open_no_cookie(struct socket *socket, const struct option_row *row, int value)
{
    (void)row;
    if (value < 0 || value > 1 || !may_listen(socket)) {
        return -EINVAL;
    }
    return core_option_set(socket, HF_OPTION_FAST_OPEN_NO_COOKIE, value);
}

int set_fast_open_key(struct socket *socket, const void *value, socklen_t length)
{
    struct socket_options *options = &socket->options;
    if (length != HF_FAST_OPEN_KEY_BYTES && length != 2 * HF_FAST_OPEN_KEY_BYTES) {
        return -EINVAL;
    }
    if (value == NULL) {
        return -EFAULT;
    }
    memcpy(options->fast_open_keys, value, length);
    options->fast_open_key_bytes = (uint8_t)length;
    if (socket->progress == PROGRESS_LISTENING) {
        fast_open_apply(socket);
    }
    return 0;
}

/* Its own, or the stack's. */
int get_fast_open_key(struct socket *socket, void *value, socklen_t *length)
{
    const struct socket_options *options = &socket->options;
    uint8_t keys[2 * HF_FAST_OPEN_KEY_BYTES];
    socklen_t size = options->fast_open_key_bytes;
    memcpy(keys, options->fast_open_keys, sizeof keys);
    if (size == 0) {
        size = (socklen_t)hf_get_fast_open_keys(socket->file.set->config.stack, HF_NO_HANDLE, keys);
    }
    *length = *length < size ? *length : size;
    if (*length > 0 && value == NULL) {
        return -EFAULT;
    }
    if (*length > 0) {
        memcpy(value, keys, *length);
    }
    return 0;
}
