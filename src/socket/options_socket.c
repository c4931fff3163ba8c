/* SPDX-License-Identifier: MIT
 *
 * SOL_SOCKET.
 *
 * Buffers: Linux doubles what SO_RCVBUF and SO_SNDBUF are given, to make room for its own
 * bookkeeping, and reports the double. The core counts payload alone, so it gets half of what is
 * reported, which is also what Linux offers as a window.
 */
#include "stamping.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/time.h>

#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY 60
#endif

/* Linux's SOCK_MIN_RCVBUF and SOCK_MIN_SNDBUF on 64-bit machines, doubled already. */
#define SMALLEST_RECEIVE_BUFFER 2304
#define SMALLEST_SEND_BUFFER 4608
#define LARGEST_BUFFER (INT32_MAX / 2) /* before doubling */

static int set_buffer(struct socket *socket, const struct option_row *row, int value)
{
    /* A negative size is a very large one. */
    int bytes = value < 0 || value > LARGEST_BUFFER ? LARGEST_BUFFER : value;
    if (2 * bytes < row->low) {
        bytes = row->low / 2;
    }
    return core_option_set(socket, row->core, bytes);
}

static int get_buffer(struct socket *socket, const struct option_row *row, int *value)
{
    int64_t bytes = core_option_get(socket, row->core);
    *value = bytes > LARGEST_BUFFER ? 2 * LARGEST_BUFFER : (int)(2 * bytes);
    return 0;
}

/* Never more than half of the buffer, or it could not be reached; with a buffer that was not set,
 * of the largest that it may grow to, and it grows at once. */
static int set_low_water(struct socket *socket, const struct option_row *row, int value)
{
    const struct hf_config *config = hf_stack_config(socket->file.set->config.stack);
    int64_t now = core_option_get(socket, HF_OPTION_RECEIVE_BUFFER);
    int64_t wanted = value < 0 ? INT32_MAX : value;
    bool fixed = (socket->options.core.given >> HF_OPTION_RECEIVE_BUFFER) & 1;
    int64_t most = fixed || config->receive_buffer_max_bytes < now
                       ? now
                       : (int64_t)config->receive_buffer_max_bytes / 2;
    (void)row;
    if (wanted > most) {
        wanted = most;
    }
    if (wanted > now) {
        (void)core_option_set(socket, HF_OPTION_RECEIVE_LEAST, wanted);
    }
    socket->options.receive_low_water_bytes = wanted > 0 ? (uint32_t)wanted : 1;
    file_wake(&socket->file, 0);
    return 0;
}

static int get_low_water(struct socket *socket, const struct option_row *row, int *value)
{
    (void)row;
    *value = (int)socket->options.receive_low_water_bytes;
    return 0;
}

static int get_one(struct socket *socket, const struct option_row *row, int *value)
{
    (void)socket;
    (void)row;
    *value = 1;
    return 0;
}

static int set_keepalive(struct socket *socket, const struct option_row *row, int value)
{
    int error = core_option_set(socket, HF_OPTION_KEEPALIVE, value != 0);
    return error != 0 ? error : option_set_flag(socket, row, value);
}

static int get_type(struct socket *socket, const struct option_row *row, int *value)
{
    (void)socket;
    (void)row;
    *value = SOCK_STREAM;
    return 0;
}

static int get_domain(struct socket *socket, const struct option_row *row, int *value)
{
    (void)row;
    *value = socket->domain;
    return 0;
}

static int get_protocol(struct socket *socket, const struct option_row *row, int *value)
{
    (void)socket;
    (void)row;
    *value = IPPROTO_TCP;
    return 0;
}

static int get_error(struct socket *socket, const struct option_row *row, int *value)
{
    (void)row;
    *value = -socket_take_error(socket);
    if (*value == 0) {
        *value = socket->soft_error;
        socket->soft_error = 0;
    }
    return 0;
}

static int get_accepting(struct socket *socket, const struct option_row *row, int *value)
{
    (void)row;
    *value = socket->progress == PROGRESS_LISTENING;
    return 0;
}

static int take_bytes(const void *value, socklen_t length, void *out, size_t size)
{
    if (length < size) {
        return -EINVAL;
    }
    if (value == NULL) {
        return -EFAULT;
    }
    memcpy(out, value, size);
    return 0;
}

static int give_bytes(const void *from, size_t size, void *value, socklen_t *length)
{
    *length = *length < size ? *length : (socklen_t)size;
    if (*length > 0 && value == NULL) {
        return -EFAULT;
    }
    if (*length > 0) {
        memcpy(value, from, *length);
    }
    return 0;
}

static int set_linger(struct socket *socket, const void *value, socklen_t length)
{
    struct linger linger;
    int error = take_bytes(value, length, &linger, sizeof linger);
    if (error != 0) {
        return error;
    }
    socket->options.linger = linger.l_onoff != 0;
    if (linger.l_onoff != 0) {
        /* Linux takes it as unsigned, so that a negative one is a very long time. */
        socket->options.linger_s = linger.l_linger < 0 ? INT32_MAX : linger.l_linger;
    }
    return 0;
}

static int get_linger(struct socket *socket, void *value, socklen_t *length)
{
    struct linger linger = {.l_onoff = socket->options.linger,
                            .l_linger = socket->options.linger_s};
    return give_bytes(&linger, sizeof linger, value, length);
}

/* Linux's sock_set_timeout: zero is for ever, a negative one not at all. */
static int set_timeout(hf_time *timeout, const void *value, socklen_t length)
{
    struct timeval time;
    int error = take_bytes(value, length, &time, sizeof time);
    if (error != 0) {
        return error;
    }
    if (time.tv_usec < 0 || time.tv_usec >= 1000000) {
        return -EDOM;
    }
    if (time.tv_sec < 0) {
        *timeout = 0;
    } else if ((time.tv_sec == 0 && time.tv_usec == 0) || time.tv_sec > INT64_MAX / 2 / HF_SECOND) {
        *timeout = HF_TIME_NEVER;
    } else {
        *timeout = time.tv_sec * HF_SECOND + time.tv_usec * HF_MICROSECOND;
    }
    return 0;
}

static int get_timeout(hf_time timeout, void *value, socklen_t *length)
{
    struct timeval time = {0};
    if (timeout != HF_TIME_NEVER) {
        time.tv_sec = timeout / HF_SECOND;
        time.tv_usec = timeout % HF_SECOND / HF_MICROSECOND;
    }
    return give_bytes(&time, sizeof time, value, length);
}

static int set_receive_timeout(struct socket *socket, const void *value, socklen_t length)
{
    return set_timeout(&socket->options.receive_timeout_ns, value, length);
}

static int get_receive_timeout(struct socket *socket, void *value, socklen_t *length)
{
    return get_timeout(socket->options.receive_timeout_ns, value, length);
}

static int set_send_timeout(struct socket *socket, const void *value, socklen_t length)
{
    return set_timeout(&socket->options.send_timeout_ns, value, length);
}

static int get_send_timeout(struct socket *socket, void *value, socklen_t *length)
{
    return get_timeout(socket->options.send_timeout_ns, value, length);
}

/* Linux's sk_get_meminfo, in its order: what is held to be read, SO_RCVBUF, what is held to be sent
 * (twice), SO_SNDBUF. There is no memory set aside, no option memory, no backlog, and nothing is
 * dropped that was taken. */
static int get_memory(struct socket *socket, void *value, socklen_t *length)
{
    uint32_t words[9] = {0};
    struct hf_status status;
    if (socket->handle != HF_NO_HANDLE && socket->progress != PROGRESS_LISTENING &&
        hf_status(socket->file.set->config.stack, socket->handle, &status) == HF_OK) {
        words[0] = (uint32_t)status.receive_memory_bytes;
        words[2] = (uint32_t)status.send_memory_bytes;
        words[5] = (uint32_t)status.send_memory_bytes;
    }
    words[1] = (uint32_t)(2 * core_option_get(socket, HF_OPTION_RECEIVE_BUFFER));
    words[3] = (uint32_t)(2 * core_option_get(socket, HF_OPTION_SEND_BUFFER));
    return give_bytes(words, sizeof words, value, length);
}

/* Bytes a second; Linux takes and gives 32 bits, or 64 where there is room. All ones: no limit. */
static int set_max_pacing_rate(struct socket *socket, const void *value, socklen_t length)
{
    uint32_t small;
    uint64_t rate;
    if (length < sizeof small) {
        return -EINVAL;
    }
    if (value == NULL) {
        return -EFAULT;
    }
    memcpy(&small, value, sizeof small);
    rate = small == UINT32_MAX ? UINT64_MAX : small;
    if (length == sizeof rate) {
        memcpy(&rate, value, sizeof rate);
    }
    if (rate > INT64_MAX / 4) {
        rate = 0;
    } else if (rate == 0) {
        rate = 1; /* no limit is another number; this is as slow as it gets */
    }
    return core_option_set(socket, HF_OPTION_MAX_PACING_RATE, (int64_t)rate);
}

static int get_max_pacing_rate(struct socket *socket, void *value, socklen_t *length)
{
    uint64_t rate = (uint64_t)core_option_get(socket, HF_OPTION_MAX_PACING_RATE);
    uint32_t small;
    rate = rate == 0 ? UINT64_MAX : rate;
    small = rate < UINT32_MAX ? (uint32_t)rate : UINT32_MAX;
    if (*length == 0) {
        return 0;
    }
    if (value == NULL) {
        return -EFAULT;
    }
    if (*length >= sizeof rate) {
        *length = sizeof rate;
        memcpy(value, &rate, sizeof rate);
    } else {
        *length = *length < sizeof small ? *length : (socklen_t)sizeof small;
        memcpy(value, &small, *length);
    }
    return 0;
}

static int set_zero_copy(struct socket *socket, const struct option_row *row, int value)
{
    if (value < 0 || value > 1) {
        return -EINVAL;
    }
    return option_set_flag(socket, row, value);
}

#define FLAG(member)                                \
    .set = option_set_flag, .get = option_get_flag, \
    .offset = offsetof(struct socket_options, member)

static const struct option_row rows[] = {
    {.name = SO_REUSEADDR, FLAG(reuse_address)},
    {.name = SO_REUSEPORT, FLAG(reuse_port)},
    {.name = SO_OOBINLINE, FLAG(urgent_inline)},
    {.name = SO_KEEPALIVE,
     .set = set_keepalive,
     .get = option_get_flag,
     .offset = offsetof(struct socket_options, keepalive)},
    {.name = SO_RCVBUF,
     .set = set_buffer,
     .get = get_buffer,
     .core = HF_OPTION_RECEIVE_BUFFER,
     .low = SMALLEST_RECEIVE_BUFFER},
    {.name = SO_SNDBUF,
     .set = set_buffer,
     .get = get_buffer,
     .core = HF_OPTION_SEND_BUFFER,
     .low = SMALLEST_SEND_BUFFER},
    {.name = SO_MAX_PACING_RATE,
     .set_bytes = set_max_pacing_rate,
     .get_bytes = get_max_pacing_rate},
    {.name = SO_RCVLOWAT, .set = set_low_water, .get = get_low_water},
    {.name = SO_SNDLOWAT, .get = get_one},
    {.name = SO_MEMINFO, .get_bytes = get_memory},
    {.name = SO_TYPE, .get = get_type},
    {.name = SO_DOMAIN, .get = get_domain},
    {.name = SO_PROTOCOL, .get = get_protocol},
    {.name = SO_ERROR, .get = get_error},
    {.name = SO_ACCEPTCONN, .get = get_accepting},
    {.name = SO_ZEROCOPY,
     .set = set_zero_copy,
     .get = option_get_flag,
     .offset = offsetof(struct socket_options, zero_copy)},
    {.name = SO_TIMESTAMP, .set = set_stamp_times, .get = get_stamp_times},
    {.name = SO_TIMESTAMPNS, .set = set_stamp_times, .get = get_stamp_times},
    {.name = SO_TIMESTAMPING, .set_bytes = set_stamping, .get_bytes = get_stamping},
    {.name = SO_LINGER, .set_bytes = set_linger, .get_bytes = get_linger},
    {.name = SO_RCVTIMEO, .set_bytes = set_receive_timeout, .get_bytes = get_receive_timeout},
    {.name = SO_SNDTIMEO, .set_bytes = set_send_timeout, .get_bytes = get_send_timeout},
};
const struct option_table option_table_socket = {rows, sizeof rows / sizeof rows[0]};
