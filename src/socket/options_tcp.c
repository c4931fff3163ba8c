/* SPDX-License-Identifier: MIT
 *
 * SOL_TCP.
 */
#include "fast_open_calls.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>

#ifndef TCP_CC_INFO
#define TCP_CC_INFO 26
#endif

/* What Linux calls a connection's MSS before there is one (RFC 9293 3.7.1, MUST-15). */
#define DEFAULT_MSS 536
#define SMALLEST_MSS 88
#define LARGEST_MSS 32767
#define LONGEST_FIN_WAIT_2_S 120
#define SMALLEST_WINDOW_CLAMP 1152 /* half of the smallest receive buffer */
#define LARGEST_WINDOW_CLAMP (1 << 30)

static int set_nodelay(struct socket *socket, const struct option_row *row, int value)
{
    (void)row;
    return core_option_set(socket, HF_OPTION_NAGLE, value == 0);
}

static int get_nodelay(struct socket *socket, const struct option_row *row, int *value)
{
    (void)row;
    *value = core_option_get(socket, HF_OPTION_NAGLE) == 0;
    return 0;
}

static int set_cork(struct socket *socket, const struct option_row *row, int value)
{
    (void)row;
    return core_option_set(socket, HF_OPTION_CORK, value != 0);
}

static int set_max_segment(struct socket *socket, const struct option_row *row, int value)
{
    (void)row;
    if (value != 0 && (value < SMALLEST_MSS || value > LARGEST_MSS)) {
        return -EINVAL;
    }
    if (socket->progress == PROGRESS_OPEN) {
        return 0; /* as in Linux it is taken and says nothing any more: the SYNs are through */
    }
    return core_option_set(socket, HF_OPTION_MAX_SEGMENT, value);
}

/* What is in use, once there is a connection; before that what was asked for. */
static int get_max_segment(struct socket *socket, const struct option_row *row, int *value)
{
    struct hf_status status;
    int64_t asked = core_option_get(socket, HF_OPTION_MAX_SEGMENT);
    (void)row;
    if (socket->progress == PROGRESS_OPEN &&
        hf_status(socket->file.set->config.stack, socket->handle, &status) == HF_OK) {
        *value = (int)status.mss_bytes;
    } else {
        *value = asked != 0 ? (int)asked : DEFAULT_MSS;
    }
    return 0;
}

static int set_quick_ack(struct socket *socket, const struct option_row *row, int value)
{
    int error = core_option_set(socket, HF_OPTION_QUICK_ACK, value != 0);
    (void)row;
    if (error == 0) {
        socket->options.quick_ack = value != 0;
    }
    return error;
}

static int set_tell_more(struct socket *socket, const struct option_row *row, int value)
{
    (void)row;
    if (value < 0 || value > 1) {
        return -EINVAL;
    }
    socket->options.tell_more = value != 0;
    return 0;
}

/* As in Linux, 0 is what net.ipv4.tcp_notsent_lowat says. */
static int set_not_sent_low_water(struct socket *socket, const struct option_row *row, int value)
{
    int error = core_option_set(socket, HF_OPTION_NOT_SENT_LOW_WATER, (int64_t)(uint32_t)value);
    (void)row;
    file_wake(&socket->file, POLLOUT | POLLWRNORM | POLLWRBAND);
    return error;
}

static int get_not_sent_low_water(struct socket *socket, const struct option_row *row, int *value)
{
    (void)row;
    /* What was set, not what holds in its place. */
    bool given = (socket->options.core.given >> HF_OPTION_NOT_SENT_LOW_WATER) & 1;
    *value = given ? (int)(uint32_t)core_option_get(socket, HF_OPTION_NOT_SENT_LOW_WATER) : 0;
    return 0;
}

/* Linux's tcp_set_window_clamp. */
static int set_window_clamp(struct socket *socket, const struct option_row *row, int value)
{
    (void)row;
    if (value == 0) {
        return socket->progress == PROGRESS_CLOSED
                   ? core_option_set(socket, HF_OPTION_WINDOW_CLAMP, 0)
                   : -EINVAL;
    }
    if (value < SMALLEST_WINDOW_CLAMP) {
        value = SMALLEST_WINDOW_CLAMP;
    } else if (value > LARGEST_WINDOW_CLAMP) {
        value = LARGEST_WINDOW_CLAMP;
    }
    return core_option_set(socket, HF_OPTION_WINDOW_CLAMP, value);
}

/* What was set; of a connection without one, all that its buffer could hold. */
static int get_window_clamp(struct socket *socket, const struct option_row *row, int *value)
{
    struct hf_status status;
    (void)row;
    *value = (int)core_option_get(socket, HF_OPTION_WINDOW_CLAMP);
    if (*value == 0 && socket->progress == PROGRESS_OPEN &&
        hf_status(socket->file.set->config.stack, socket->handle, &status) == HF_OK) {
        *value = (int)status.receive_buffer_bytes;
    }
    return 0;
}

/* Only a program that repairs connections may set the clock, which Handfast does not offer. */
static int set_timestamp(struct socket *socket, const struct option_row *row, int value)
{
    (void)socket;
    (void)row;
    (void)value;
    return -EPERM;
}

/* Repairing connections takes rights that no program has here. */
static int set_repair(struct socket *socket, const struct option_row *row, int value)
{
    (void)socket;
    (void)row;
    (void)value;
    return -EPERM;
}

static int get_repair(struct socket *socket, const struct option_row *row, int *value)
{
    (void)socket;
    (void)row;
    *value = 0;
    return 0;
}

/* The timestamp that a segment would carry now (RFC 7323 5.4), in milliseconds, so that the lowest
 * bit, by which Linux tells that a clock counts microseconds, is clear. */
static int get_timestamp(struct socket *socket, const struct option_row *row, int *value)
{
    struct hf_status status;
    uint32_t clock = (uint32_t)(sockets_now(socket->file.set) / HF_MILLISECOND);
    (void)row;
    if (socket->progress != PROGRESS_LISTENING && socket->handle != HF_NO_HANDLE &&
        hf_status(socket->file.set->config.stack, socket->handle, &status) == HF_OK) {
        clock += status.timestamp_offset;
    }
    *value = (int)(clock & ~UINT32_C(1));
    return 0;
}

/* Seconds in FIN-WAIT-2 once closed: 0 the stack's, negative none at all. */
static int set_fin_wait_2(struct socket *socket, const struct option_row *row, int value)
{
    int seconds = value > LONGEST_FIN_WAIT_2_S ? LONGEST_FIN_WAIT_2_S : value;
    (void)row;
    return core_option_set(socket, HF_OPTION_FIN_WAIT_2_NS, seconds < 0 ? -1 : seconds * HF_SECOND);
}

static int get_fin_wait_2(struct socket *socket, const struct option_row *row, int *value)
{
    int64_t time = core_option_get(socket, HF_OPTION_FIN_WAIT_2_NS);
    (void)row;
    if (time == 0) {
        time = hf_stack_config(socket->file.set->config.stack)->fin_wait_2_timeout_ns;
    }
    *value = time < 0 ? -1 : (int)(time / HF_SECOND);
    return 0;
}

/* Before there is a connection what was asked for, or the stack's default. */
static const char *congestion_name(struct socket *socket)
{
    const struct hf_stack *stack = socket->file.set->config.stack;
    int64_t index = core_option_get(socket, HF_OPTION_CONGESTION);
    const char *name = hf_congestion_control_name(stack, (int)index);
    return name != NULL ? name : "";
}

/* Linux looks at no more than 15 characters, and knows no empty name. */
static int set_congestion(struct socket *socket, const void *value, socklen_t length)
{
    char name[HF_CC_NAME_BYTES] = {0};
    int index;
    if (length < 1) {
        return -EINVAL;
    }
    if (value == NULL) {
        return -EFAULT;
    }
    memcpy(name, value, length < sizeof name - 1 ? length : sizeof name - 1);
    index = hf_congestion_control_find(socket->file.set->config.stack, name);
    return index < 0 ? -ENOENT : core_option_set(socket, HF_OPTION_CONGESTION, index);
}

static int get_congestion(struct socket *socket, void *value, socklen_t *length)
{
    char name[HF_CC_NAME_BYTES] = {0};
    const char *text = congestion_name(socket);
    for (size_t i = 0; i < sizeof name - 1 && text[i] != 0; i++) {
        name[i] = text[i];
    }
    *length = *length < sizeof name ? *length : (socklen_t)sizeof name;
    if (*length > 0 && value == NULL) {
        return -EFAULT;
    }
    if (*length > 0) {
        memcpy(value, name, *length);
    }
    return 0;
}

/* Linux counts TCP_DEFER_ACCEPT in timeouts of the SYN-ACK and tells it in the seconds that these
 * take, from 1 s doubling to 120 s: what is read is rounded up from what was set. */
#define FIRST_RETRY_S 1
#define LONGEST_RETRY_S 120
#define MOST_RETRIES 255

static int next_retry_s(int seconds)
{
    return 2 * seconds < LONGEST_RETRY_S ? 2 * seconds : LONGEST_RETRY_S;
}

static int set_defer_accept(struct socket *socket, const struct option_row *row, int value)
{
    int retry = FIRST_RETRY_S;
    int period = FIRST_RETRY_S;
    int retries = value > 0;
    (void)row;
    while (value > period && retries < MOST_RETRIES) {
        retries++;
        retry = next_retry_s(retry);
        period += retry;
    }
    return core_option_set(socket, HF_OPTION_DEFER_ACCEPT, retries);
}

static int get_defer_accept(struct socket *socket, const struct option_row *row, int *value)
{
    int64_t retries = core_option_get(socket, HF_OPTION_DEFER_ACCEPT);
    int retry = FIRST_RETRY_S;
    (void)row;
    *value = 0;
    for (; retries > 0; retries--) {
        *value += retry;
        retry = next_retry_s(retry);
    }
    return 0;
}

/* 2 asks for the link's header too, of which there is none here, as on Linux's tun devices. */
static int set_save_syn(struct socket *socket, const struct option_row *row, int value)
{
    (void)row;
    if (value < 0 || value > 2) {
        return -EINVAL;
    }
    socket->options.save_syn = (uint8_t)value;
    return core_option_set(socket, HF_OPTION_SAVE_SYN, value != 0);
}

static int get_save_syn(struct socket *socket, const struct option_row *row, int *value)
{
    (void)row;
    *value = socket->options.save_syn;
    return 0;
}

/* Once: what was read is forgotten. A buffer too small is told how much there is. */
static int get_saved_syn(struct socket *socket, void *value, socklen_t *length)
{
    struct hf_stack *stack = socket->file.set->config.stack;
    ptrdiff_t size = socket->handle != HF_NO_HANDLE && socket->progress != PROGRESS_LISTENING
                         ? hf_saved_syn(stack, socket->handle, NULL, 0)
                         : 0;
    bool fits = size > 0 && *length >= (socklen_t)size;
    bool small = size > 0 && !fits;
    *length = size > 0 ? (socklen_t)size : 0;
    if (small) {
        return -EINVAL;
    }
    if (fits && value == NULL) {
        return -EFAULT;
    }
    if (fits) {
        (void)hf_saved_syn(stack, socket->handle, value, *length);
    }
    return 0;
}

static int get_fast_open_connect(struct socket *socket, const struct option_row *row, int *value)
{
    (void)row;
    *value = socket->options.fast_open_connect;
    return 0;
}

/* struct tcp_bbr_info, struct tcp_dctcp_info, or nothing (Linux's union tcp_cc_info). */
static int get_congestion_info(struct socket *socket, void *value, socklen_t *length)
{
    struct hf_status status;
    if (socket->handle == HF_NO_HANDLE ||
        hf_status(socket->file.set->config.stack, socket->handle, &status) != HF_OK) {
        *length = 0;
        return 0;
    }
    *length =
        *length < status.congestion_info_bytes ? *length : (socklen_t)status.congestion_info_bytes;
    if (*length > 0 && value == NULL) {
        return -EFAULT;
    }
    if (*length > 0) {
        memcpy(value, status.congestion_info, *length);
    }
    return 0;
}

#define CORE(option, from, to, in_core)                                                            \
    .set = option_set_core, .get = option_get_core, .core = (option), .low = (from), .high = (to), \
    .unit = (in_core)

static const struct option_row rows[] = {
    {.name = TCP_NODELAY, .set = set_nodelay, .get = get_nodelay},
    {.name = TCP_CORK, .set = set_cork, .get = option_get_core, .core = HF_OPTION_CORK, .unit = 1},
    {.name = TCP_MAXSEG, .set = set_max_segment, .get = get_max_segment},
    {.name = TCP_KEEPIDLE, CORE(HF_OPTION_KEEPALIVE_IDLE_NS, 1, 32767, HF_SECOND)},
    {.name = TCP_KEEPINTVL, CORE(HF_OPTION_KEEPALIVE_INTERVAL_NS, 1, 32767, HF_SECOND)},
    {.name = TCP_KEEPCNT, CORE(HF_OPTION_KEEPALIVE_PROBES, 1, 127, 1)},
    {.name = TCP_SYNCNT, CORE(HF_OPTION_SYN_RETRIES, 1, 127, 1)},
    {.name = TCP_USER_TIMEOUT, CORE(HF_OPTION_USER_TIMEOUT_NS, 0, INT32_MAX, HF_MILLISECOND)},
    {.name = TCP_LINGER2, .set = set_fin_wait_2, .get = get_fin_wait_2},
    {.name = TCP_QUICKACK,
     .set = set_quick_ack,
     .get = option_get_flag,
     .offset = offsetof(struct socket_options, quick_ack)},
    {.name = TCP_INQ,
     .set = set_tell_more,
     .get = option_get_flag,
     .offset = offsetof(struct socket_options, tell_more)},
    {.name = TCP_NOTSENT_LOWAT, .set = set_not_sent_low_water, .get = get_not_sent_low_water},
    {.name = TCP_CC_INFO, .get_bytes = get_congestion_info},
    {.name = TCP_CONGESTION, .set_bytes = set_congestion, .get_bytes = get_congestion},
    {.name = TCP_DEFER_ACCEPT, .set = set_defer_accept, .get = get_defer_accept},
    {.name = TCP_SAVE_SYN, .set = set_save_syn, .get = get_save_syn},
    {.name = TCP_SAVED_SYN, .get_bytes = get_saved_syn},
    {.name = TCP_FASTOPEN,
     .set = set_fast_open_queue,
     .get = option_get_core,
     .core = HF_OPTION_FAST_OPEN_QUEUE,
     .unit = 1},
    {.name = TCP_FASTOPEN_CONNECT, .set = set_fast_open_connect, .get = get_fast_open_connect},
    {.name = TCP_FASTOPEN_NO_COOKIE,
     .set = set_fast_open_no_cookie,
     .get = option_get_core,
     .core = HF_OPTION_FAST_OPEN_NO_COOKIE,
     .unit = 1},
    {.name = TCP_FASTOPEN_KEY, .set_bytes = set_fast_open_key, .get_bytes = get_fast_open_key},
    {.name = TCP_WINDOW_CLAMP, .set = set_window_clamp, .get = get_window_clamp},
    {.name = TCP_TIMESTAMP, .set = set_timestamp, .get = get_timestamp},
    {.name = TCP_REPAIR, .set = set_repair, .get = get_repair},
    {.name = TCP_INFO, .get_bytes = tcp_info_get},
};
const struct option_table option_table_tcp = {rows, sizeof rows / sizeof rows[0]};
