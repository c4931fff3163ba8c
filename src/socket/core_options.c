/* SPDX-License-Identifier: MIT
 *
 * The core's options on sockets. The core keeps them in connections and listeners; a socket that is
 * neither yet keeps what it was told here, and hands it over when it becomes one.
 *
 * TTL, traffic class and path MTU discovery are two options each in Linux, one per family; which
 * one counts depends on where the socket is connected to.
 */
#include "fast_open_calls.h"

static bool is_given(const struct socket *socket, enum hf_option option)
{
    return (socket->options.core.given >> option) & 1;
}

static int pass_on(struct socket *socket, enum hf_option option, int64_t value)
{
    struct hf_sockets *set = socket->file.set;
    return hf_set_option(set->config.stack, socket->handle, option, value, sockets_now(set));
}

int core_option_set(struct socket *socket, enum hf_option option, int64_t value)
{
    if (socket->handle != HF_NO_HANDLE && socket->group == NULL) {
        int error = pass_on(socket, option, value);
        if (error != HF_OK) {
            return error;
        }
    }
    socket->options.core.given |= UINT64_C(1) << option;
    socket->options.core.values[option] = value;
    return 0;
}

static int64_t default_of(const struct hf_stack *stack, enum hf_option option)
{
    const struct hf_config *config = hf_stack_config(stack);
    switch (option) {
    case HF_OPTION_NAGLE:
        return config->nagle;
    case HF_OPTION_KEEPALIVE_IDLE_NS:
        return config->keepalive_idle_ns;
    case HF_OPTION_KEEPALIVE_INTERVAL_NS:
        return config->keepalive_interval_ns;
    case HF_OPTION_KEEPALIVE_PROBES:
        return config->keepalive_probes;
    case HF_OPTION_USER_TIMEOUT_NS:
        return config->user_timeout_ns;
    case HF_OPTION_RETRIES_R2:
        return config->retries_r2;
    case HF_OPTION_SYN_RETRIES:
        return config->syn_retries;
    case HF_OPTION_RECEIVE_BUFFER:
        return config->receive_buffer_bytes;
    case HF_OPTION_SEND_BUFFER:
        return config->send_buffer_bytes;
    case HF_OPTION_TTL:
        return config->ttl;
    case HF_OPTION_TRAFFIC_CLASS:
        return config->traffic_class;
    case HF_OPTION_SOFT_ERRORS:
        return 1;
    case HF_OPTION_CONGESTION:
        return hf_congestion_control_find(stack, config->congestion_control->name);
    case HF_OPTION_PATH_MTU_DISCOVERY:
        return HF_PATH_MTU_WANT;
    case HF_OPTION_WINDOW_CLAMP:
    case HF_OPTION_NOT_SENT_LOW_WATER:
    case HF_OPTION_WANT_WRITABLE:
    case HF_OPTION_RECEIVE_LEAST:
    case HF_OPTION_CORK:
    case HF_OPTION_KEEPALIVE:
    case HF_OPTION_MAX_SEGMENT:
    case HF_OPTION_QUICK_ACK:
    case HF_OPTION_FIN_WAIT_2_NS:
    case HF_OPTION_RECEIVE_SHUTDOWN:
    case HF_OPTION_MAX_PACING_RATE:
    case HF_OPTION_BACKLOG:
    case HF_OPTION_FAST_OPEN_QUEUE:
    case HF_OPTION_FAST_OPEN_CONNECT:
    case HF_OPTION_FAST_OPEN_NO_COOKIE:
    case HF_OPTION_DEFER_ACCEPT:
    case HF_OPTION_SAVE_SYN:
        break;
    }
    return 0;
}

int64_t core_option_get(const struct socket *socket, enum hf_option option)
{
    const struct hf_stack *stack = socket->file.set->config.stack;
    int64_t value;
    if (is_given(socket, option)) {
        return socket->options.core.values[option];
    }
    if (socket->handle != HF_NO_HANDLE && socket->group == NULL &&
        hf_get_option(stack, socket->handle, option, &value) == HF_OK) {
        return value;
    }
    return default_of(stack, option);
}

/* A core listener that several sockets share (SO_REUSEPORT) does not follow any of them once it is
 * there; their connections are told one by one. */

/* Which of the two families' values counts. */
static unsigned family_of(const struct socket *socket)
{
    if (socket->progress == PROGRESS_LISTENING || socket->remote.port == 0) {
        return socket->domain == AF_INET6;
    }
    return socket->remote.address.family == HF_IPV6;
}

void core_options_apply_header(struct socket *socket)
{
    const struct hf_config *config = hf_stack_config(socket->file.set->config.stack);
    unsigned family = family_of(socket);
    int hops = socket->options.hops[family];
    int traffic_class = socket->options.traffic_class[family];
    if (socket->handle == HF_NO_HANDLE || socket->group != NULL) {
        return;
    }
    (void)pass_on(socket, HF_OPTION_TTL, hops >= 0 ? hops : config->ttl);
    (void)pass_on(socket, HF_OPTION_TRAFFIC_CLASS,
                  traffic_class >= 0 ? traffic_class : config->traffic_class);
    (void)pass_on(socket, HF_OPTION_PATH_MTU_DISCOVERY, socket->options.mtu_discovery[family]);
}

void core_options_apply(struct socket *socket)
{
    const struct core_options *core = &socket->options.core;
    for (unsigned option = 0; option < CORE_OPTION_COUNT; option++) {
        if ((core->given >> option) & 1) {
            (void)pass_on(socket, (enum hf_option)option, core->values[option]);
        }
    }
    core_options_apply_header(socket);
    fast_open_apply(socket);
}

/* An AF_INET6 listener's connection from an IPv4 peer takes the IPv4 values from here on. */
void core_options_accepted(struct socket *socket)
{
    if (socket->domain == AF_INET6 && socket->remote.address.family == HF_IPV4) {
        core_options_apply_header(socket);
    }
}
