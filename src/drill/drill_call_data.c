/* SPDX-License-Identifier: MIT
 *
 * Reading and writing. A buffer of `...` is filled with, and compared to, the bytes that belong to
 * the stream at that place; descriptors count how far they are. Where urgent data is taken out of
 * the stream, places can no longer be told and contents are not compared.
 */
#include "drill_call.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 64 << 20, MOST_VECTORS = 64, CONTROL_BYTES = 512 };

/* What a call reads into or writes from: up to MOST_VECTORS pieces of one memory. */
struct buffers {
    uint8_t *memory;
    struct iovec pieces[MOST_VECTORS];
    int count;
    size_t total;
    bool null; /* the script hands over NULL */
};

static void release(struct buffers *buffers)
{
    free(buffers->memory);
}

/* Lays the pieces into one memory; their lengths are set. */
static bool lay_out(struct drill_run *run, const struct drill_arguments *arguments,
                    struct buffers *buffers)
{
    size_t used = 0;
    buffers->total = 0;
    for (int i = 0; i < buffers->count; i++)
        buffers->total += buffers->pieces[i].iov_len;
    if (buffers->total > MOST_BYTES) {
        run_fail(run, arguments->event, "a script's call moves %d bytes at most", MOST_BYTES);
        return false;
    }
    buffers->memory = calloc(1, buffers->total + 1);
    if (buffers->memory == NULL) {
        run_fail(run, arguments->event, "out of memory");
        return false;
    }
    for (int i = 0; i < buffers->count; i++) {
        buffers->pieces[i].iov_base = buffers->null ? NULL : buffers->memory + used;
        used += buffers->pieces[i].iov_len;
    }
    return true;
}

static bool one_buffer(struct drill_run *run, const struct drill_arguments *arguments,
                       struct buffers *buffers)
{
    int64_t length;
    memset(buffers, 0, sizeof *buffers);
    if (!call_integer(run, arguments->at[2], &length))
        return false;
    if (length < 0 || length > MOST_BYTES) {
        run_fail(run, arguments->event, "a script's call moves %d bytes at most", MOST_BYTES);
        return false;
    }
    buffers->null = call_is_null(arguments->at[1]);
    buffers->pieces[0].iov_len = (size_t)length;
    buffers->count = 1;
    return lay_out(run, arguments, buffers);
}

/* [{..., 100}, {..., 200}] */
static bool vector(struct drill_run *run, const struct drill_arguments *arguments,
                   const struct drill_expression *list, struct buffers *buffers)
{
    memset(buffers, 0, sizeof *buffers);
    if (list->kind != DRILL_LIST) {
        run_fail(run, arguments->event, "a vector is written [{..., LENGTH}, ...]");
        return false;
    }
    for (const struct drill_expression *piece = list->first; piece != NULL; piece = piece->next) {
        int64_t length;
        if (piece->kind != DRILL_STRUCTURE || piece->first == NULL || piece->first->next == NULL ||
            buffers->count == MOST_VECTORS) {
            run_fail(run, arguments->event,
                     "a vector is written [{..., LENGTH}, ...], with %d "
                     "pieces at most",
                     MOST_VECTORS);
            return false;
        }
        if (!call_integer(run, piece->first->next, &length))
            return false;
        if (length < 0 || length > MOST_BYTES) {
            run_fail(run, arguments->event, "a script's call moves %d bytes at most", MOST_BYTES);
            return false;
        }
        buffers->pieces[buffers->count++].iov_len = (size_t)length;
    }
    return lay_out(run, arguments, buffers);
}

/* ---- the streams' bytes */

static void fill(struct drill_run *run, const struct drill_arguments *arguments,
                 struct buffers *buffers)
{
    const struct drill_descriptor *state = call_state(run, arguments->at[0]);
    drill_stream_fill(buffers->memory, buffers->total, state != NULL ? state->written : 0);
}

static void account_written(struct drill_run *run, const struct drill_arguments *arguments,
                            int64_t answer)
{
    struct drill_descriptor *state = call_state(run, arguments->at[0]);
    if (state != NULL && answer > 0)
        state->written += (uint32_t)answer;
}

static bool any_urgent(const struct drill_run *run)
{
    for (const struct drill_flow *flow = run->flows; flow != NULL; flow = flow->next) {
        if (flow->urgent)
            return true;
    }
    return false;
}

static void compare(struct drill_run *run, const struct drill_arguments *arguments,
                    const struct buffers *buffers, int64_t answer, int64_t flags)
{
    struct drill_descriptor *state = call_state(run, arguments->at[0]);
    size_t length = answer > 0 ? (size_t)answer : 0, good;
    if (state == NULL || length == 0 || length > buffers->total || buffers->null)
        return;
    if (any_urgent(run))
        state->content_unknown = true;
    if (!state->content_unknown && !(flags & (MSG_TRUNC | MSG_OOB | MSG_ERRQUEUE))) {
        good = drill_stream_compare(buffers->memory, length, state->read);
        if (good < length)
            run_fail(run, arguments->event,
                     "byte %zu of what %s gives is not the one that was sent there", good,
                     arguments->event->call.name);
    }
    if (!(flags & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE)))
        state->read += (uint32_t)length;
}

/* ---- reading */

int64_t call_read(struct drill_run *run, const struct drill_arguments *arguments)
{
    struct buffers buffers;
    int64_t answer = 0;
    int fd;
    if (!call_descriptor(run, arguments->at[0], &fd) || !one_buffer(run, arguments, &buffers))
        return 0;
    answer = hf_socket_read(run->sockets, fd, buffers.pieces[0].iov_base, buffers.total);
    compare(run, arguments, &buffers, answer, 0);
    release(&buffers);
    return answer;
}

int64_t call_readv(struct drill_run *run, const struct drill_arguments *arguments)
{
    struct buffers buffers;
    int64_t answer = 0, count;
    int fd;
    if (!call_descriptor(run, arguments->at[0], &fd) ||
        !call_integer(run, arguments->at[2], &count) ||
        !vector(run, arguments, arguments->at[1], &buffers))
        return 0;
    if (count > buffers.count)
        run_fail(run, arguments->event, "the vector has %d pieces only", buffers.count);
    else
        answer = hf_socket_readv(run->sockets, fd, buffers.pieces, (int)count);
    compare(run, arguments, &buffers, answer, 0);
    release(&buffers);
    return answer;
}

int64_t call_recv(struct drill_run *run, const struct drill_arguments *arguments)
{
    struct buffers buffers;
    int64_t answer = 0, flags;
    int fd;
    if (!call_descriptor(run, arguments->at[0], &fd) ||
        !call_integer(run, arguments->at[3], &flags) || !one_buffer(run, arguments, &buffers))
        return 0;
    answer =
        hf_socket_recv(run->sockets, fd, buffers.pieces[0].iov_base, buffers.total, (int)flags);
    compare(run, arguments, &buffers, answer, flags);
    release(&buffers);
    return answer;
}

int64_t call_recvfrom(struct drill_run *run, const struct drill_arguments *arguments)
{
    struct buffers buffers;
    struct call_address from = {.length = sizeof from.storage};
    bool null = call_is_null(arguments->at[4]);
    int64_t answer = 0, flags;
    int fd;
    if (!call_descriptor(run, arguments->at[0], &fd) ||
        !call_integer(run, arguments->at[3], &flags) || !one_buffer(run, arguments, &buffers))
        return 0;
    answer = hf_socket_recvfrom(run->sockets, fd, buffers.pieces[0].iov_base, buffers.total,
                                (int)flags, null ? NULL : (struct sockaddr *)&from.storage,
                                null ? NULL : &from.length);
    compare(run, arguments, &buffers, answer, flags);
    release(&buffers);
    return answer;
}

/* {msg_name(...)=..., msg_iov(1)=[{..., 100}], msg_flags=0} */
static bool message_of(struct drill_run *run, const struct drill_arguments *arguments,
                       struct buffers *buffers, struct msghdr *message, int64_t *wanted_flags)
{
    const struct drill_expression *structure = arguments->at[1], *list, *flags;
    memset(message, 0, sizeof *message);
    *wanted_flags = DRILL_UNSET;
    if (structure->kind != DRILL_STRUCTURE || (list = call_field(structure, "msg_iov")) == NULL) {
        run_fail(run, arguments->event,
                 "a message is written {msg_name(...)=..., msg_iov(1)=[{..., LENGTH}]}");
        return false;
    }
    flags = call_field(structure, "msg_flags");
    if (flags != NULL && flags->kind != DRILL_ELLIPSIS && !call_integer(run, flags, wanted_flags))
        return false;
    if (!vector(run, arguments, list, buffers))
        return false;
    message->msg_iov = buffers->pieces;
    message->msg_iovlen = (size_t)buffers->count;
    return true;
}

int64_t call_recvmsg(struct drill_run *run, const struct drill_arguments *arguments)
{
    struct buffers buffers;
    struct msghdr message;
    union {
        uint8_t bytes[CONTROL_BYTES];
        struct cmsghdr header;
    } control;
    struct call_address from = {.length = sizeof from.storage};
    int64_t answer = 0, flags, wanted_flags;
    int fd;
    if (!call_descriptor(run, arguments->at[0], &fd) ||
        !call_integer(run, arguments->at[2], &flags) ||
        !message_of(run, arguments, &buffers, &message, &wanted_flags))
        return 0;
    memset(&control, 0, sizeof control);
    message.msg_name = &from.storage;
    message.msg_namelen = from.length;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    answer = hf_socket_recvmsg(run->sockets, fd, &message, (int)flags);
    compare(run, arguments, &buffers, answer, flags);
    if (answer >= 0 && wanted_flags != DRILL_UNSET && message.msg_flags != wanted_flags)
        run_fail(run, arguments->event, "msg_flags is 0x%x, expected 0x%llx",
                 (unsigned)message.msg_flags, (unsigned long long)wanted_flags);
    release(&buffers);
    return answer;
}

/* ---- writing */

int64_t call_write(struct drill_run *run, const struct drill_arguments *arguments)
{
    struct buffers buffers;
    int64_t answer = 0;
    int fd;
    if (!call_descriptor(run, arguments->at[0], &fd) || !one_buffer(run, arguments, &buffers))
        return 0;
    fill(run, arguments, &buffers);
    answer = hf_socket_write(run->sockets, fd, buffers.pieces[0].iov_base, buffers.total);
    account_written(run, arguments, answer);
    release(&buffers);
    return answer;
}

int64_t call_writev(struct drill_run *run, const struct drill_arguments *arguments)
{
    struct buffers buffers;
    int64_t answer = 0, count;
    int fd;
    if (!call_descriptor(run, arguments->at[0], &fd) ||
        !call_integer(run, arguments->at[2], &count) ||
        !vector(run, arguments, arguments->at[1], &buffers))
        return 0;
    fill(run, arguments, &buffers);
    if (count > buffers.count)
        run_fail(run, arguments->event, "the vector has %d pieces only", buffers.count);
    else
        answer = hf_socket_writev(run->sockets, fd, buffers.pieces, (int)count);
    account_written(run, arguments, answer);
    release(&buffers);
    return answer;
}

int64_t call_send(struct drill_run *run, const struct drill_arguments *arguments)
{
    struct buffers buffers;
    int64_t answer = 0, flags;
    int fd;
    if (!call_descriptor(run, arguments->at[0], &fd) ||
        !call_integer(run, arguments->at[3], &flags) || !one_buffer(run, arguments, &buffers))
        return 0;
    fill(run, arguments, &buffers);
    answer =
        hf_socket_send(run->sockets, fd, buffers.pieces[0].iov_base, buffers.total, (int)flags);
    account_written(run, arguments, answer);
    release(&buffers);
    return answer;
}

int64_t call_sendto(struct drill_run *run, const struct drill_arguments *arguments)
{
    const struct hf_endpoint usual = {run->remote, run->settings->connect_port};
    struct buffers buffers;
    struct call_address address;
    int64_t answer = 0, flags;
    int fd;
    if (!call_descriptor(run, arguments->at[0], &fd) ||
        !call_integer(run, arguments->at[3], &flags) ||
        !call_address(run, arguments->at[4], &usual, &address) ||
        !call_address_length(run, arguments->at[5], &address) ||
        !one_buffer(run, arguments, &buffers))
        return 0;
    if (flags & MSG_FASTOPEN)
        call_begin_flow(run, arguments->at[0], &address);
    fill(run, arguments, &buffers);
    answer = hf_socket_sendto(
        run->sockets, fd, buffers.pieces[0].iov_base, buffers.total, (int)flags,
        address.null ? NULL : (const struct sockaddr *)&address.storage, address.length);
    account_written(run, arguments, answer);
    release(&buffers);
    return answer;
}

int64_t call_sendmsg(struct drill_run *run, const struct drill_arguments *arguments)
{
    const struct hf_endpoint usual = {run->remote, run->settings->connect_port};
    struct buffers buffers;
    struct msghdr message;
    struct call_address address;
    int64_t answer = 0, flags, unused;
    int fd;
    if (!call_descriptor(run, arguments->at[0], &fd) ||
        !call_integer(run, arguments->at[2], &flags) ||
        !message_of(run, arguments, &buffers, &message, &unused))
        return 0;
    if (flags & MSG_FASTOPEN) {
        call_socket_address(run, &usual, &address);
        message.msg_name = &address.storage;
        message.msg_namelen = address.length;
        call_begin_flow(run, arguments->at[0], &address);
    }
    fill(run, arguments, &buffers);
    answer = hf_socket_sendmsg(run->sockets, fd, &message, (int)flags);
    account_written(run, arguments, answer);
    release(&buffers);
    return answer;
}
