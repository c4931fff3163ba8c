/* SPDX-License-Identifier: MIT
 *
 * Reading and writing. A buffer of `...` is filled with, and compared to, the bytes that belong to
 * the stream at that place; descriptors count how far they are. Where urgent data is taken out of
 * the stream, places can no longer be told and contents are not compared.
 */
#include "drill_buffers.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 64 << 20 };

void buffers_release(struct buffers *buffers)
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
bool buffers_vector(struct drill_run *run, const struct drill_arguments *arguments,
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
            buffers->count == DRILL_MOST_VECTORS) {
            run_fail(run, arguments->event,
                     "a vector is written [{..., LENGTH}, ...], with %d "
                     "pieces at most",
                     DRILL_MOST_VECTORS);
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

void buffers_fill(struct drill_run *run, const struct drill_arguments *arguments,
                  struct buffers *buffers)
{
    const struct drill_descriptor *state = call_state(run, arguments->at[0]);
    drill_stream_fill(buffers->memory, buffers->total, state != NULL ? state->written : 0);
}

void buffers_account_written(struct drill_run *run, const struct drill_arguments *arguments,
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

void buffers_compare(struct drill_run *run, const struct drill_arguments *arguments,
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
    struct drill_pipe *pipe = call_pipe(run, arguments->at[0], false);
    struct buffers buffers;
    int64_t answer = 0;
    int fd;
    if (!call_descriptor(run, arguments->at[0], &fd) || !one_buffer(run, arguments, &buffers))
        return 0;
    if (pipe != NULL) {
        answer = call_pipe_read(run, pipe, buffers.memory, buffers.total);
    } else {
        answer = hf_socket_read(run->sockets, fd, buffers.pieces[0].iov_base, buffers.total);
        buffers_compare(run, arguments, &buffers, answer, 0);
    }
    buffers_release(&buffers);
    return answer;
}

int64_t call_readv(struct drill_run *run, const struct drill_arguments *arguments)
{
    struct buffers buffers;
    int64_t answer = 0, count;
    int fd;
    if (!call_descriptor(run, arguments->at[0], &fd) ||
        !call_integer(run, arguments->at[2], &count) ||
        !buffers_vector(run, arguments, arguments->at[1], &buffers))
        return 0;
    if (count > buffers.count)
        run_fail(run, arguments->event, "the vector has %d pieces only", buffers.count);
    else
        answer = hf_socket_readv(run->sockets, fd, buffers.pieces, (int)count);
    buffers_compare(run, arguments, &buffers, answer, 0);
    buffers_release(&buffers);
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
    buffers_compare(run, arguments, &buffers, answer, flags);
    buffers_release(&buffers);
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
    buffers_compare(run, arguments, &buffers, answer, flags);
    buffers_release(&buffers);
    return answer;
}

/* ---- writing */

int64_t call_write(struct drill_run *run, const struct drill_arguments *arguments)
{
    struct drill_pipe *pipe = call_pipe(run, arguments->at[0], true);
    struct buffers buffers;
    int64_t answer = 0;
    int fd;
    if (!call_descriptor(run, arguments->at[0], &fd) || !one_buffer(run, arguments, &buffers))
        return 0;
    buffers_fill(run, arguments, &buffers);
    if (pipe != NULL)
        answer = call_pipe_write(run, pipe, buffers.memory, buffers.total);
    else
        answer = hf_socket_write(run->sockets, fd, buffers.pieces[0].iov_base, buffers.total);
    buffers_account_written(run, arguments, answer);
    buffers_release(&buffers);
    return answer;
}

int64_t call_writev(struct drill_run *run, const struct drill_arguments *arguments)
{
    struct buffers buffers;
    int64_t answer = 0, count;
    int fd;
    if (!call_descriptor(run, arguments->at[0], &fd) ||
        !call_integer(run, arguments->at[2], &count) ||
        !buffers_vector(run, arguments, arguments->at[1], &buffers))
        return 0;
    buffers_fill(run, arguments, &buffers);
    if (count > buffers.count)
        run_fail(run, arguments->event, "the vector has %d pieces only", buffers.count);
    else
        answer = hf_socket_writev(run->sockets, fd, buffers.pieces, (int)count);
    buffers_account_written(run, arguments, answer);
    buffers_release(&buffers);
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
    buffers_fill(run, arguments, &buffers);
    answer =
        hf_socket_send(run->sockets, fd, buffers.pieces[0].iov_base, buffers.total, (int)flags);
    buffers_account_written(run, arguments, answer);
    buffers_release(&buffers);
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
    buffers_fill(run, arguments, &buffers);
    answer = hf_socket_sendto(
        run->sockets, fd, buffers.pieces[0].iov_base, buffers.total, (int)flags,
        address.null ? NULL : (const struct sockaddr *)&address.storage, address.length);
    buffers_account_written(run, arguments, answer);
    buffers_release(&buffers);
    return answer;
}
