/* SPDX-License-Identifier: MIT
 *
 * Reading and writing. A buffer of `...` is filled with, and compared to, the bytes that belong to
 * the stream at that place; descriptors count how far they are. Where urgent data is taken out of
 * the stream, places can no longer be told and contents are not compared.
 */
#include "drill_buffers.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 64 << 20, GAP_BYTES = 16 };

#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY 0x4000000
#endif

void buffers_release(struct buffers *buffers)
{
    free(buffers->block);
}

void buffers_sent(struct drill_run *run, struct buffers *buffers, int64_t flags)
{
    if (!(flags & MSG_ZEROCOPY)) {
        buffers_release(buffers);
        return;
    }
    buffers->block->next = run->kept;
    run->kept = buffers->block;
}

void buffers_release_kept(struct drill_run *run)
{
    while (run->kept != NULL) {
        struct drill_kept *next = run->kept->next;
        free(run->kept);
        run->kept = next;
    }
}

/* Lays the pieces into one memory; their lengths are set. They do not touch, like those of a
 * program: a kernel that is handed pages sees two that do as one. */
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
    buffers->block = calloc(1, sizeof *buffers->block + buffers->total +
                                   (size_t)(buffers->count + 1) * GAP_BYTES);
    if (buffers->block == NULL) {
        run_fail(run, arguments->event, "out of memory");
        return false;
    }
    buffers->memory = (uint8_t *)(buffers->block + 1);
    for (int i = 0; i < buffers->count; i++) {
        buffers->pieces[i].iov_base = buffers->null ? NULL : buffers->memory + used;
        used += buffers->pieces[i].iov_len + GAP_BYTES;
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
    uint32_t place = state != NULL ? state->written : 0;
    for (int i = 0; i < buffers->count && !buffers->null; i++) {
        drill_stream_fill(buffers->pieces[i].iov_base, buffers->pieces[i].iov_len, place);
        place += (uint32_t)buffers->pieces[i].iov_len;
    }
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

/* How many of the first `length` bytes are the stream's from `place` on. */
static size_t compare_pieces(const struct buffers *buffers, size_t length, uint32_t place)
{
    size_t done = 0;
    for (int i = 0; i < buffers->count && done < length; i++) {
        size_t part =
            buffers->pieces[i].iov_len < length - done ? buffers->pieces[i].iov_len : length - done;
        size_t good =
            drill_stream_compare(buffers->pieces[i].iov_base, part, place + (uint32_t)done);
        done += good;
        if (good < part)
            break;
    }
    return done;
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
        good = compare_pieces(buffers, length, state->read);
        if (good < length)
            run_fail(run, arguments->event,
                     "byte %zu of what %s gives is not the one that was sent there", good,
                     arguments->event->call.name);
    }
    if (!(flags & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE)))
        state->read += (uint32_t)length;
}

/* ---- what the calls have in common */

struct transfer {
    struct buffers buffers;
    struct drill_pipe *pipe; /* instead of a socket */
    int fd;
    int64_t flags;
    int count; /* of a vector, as the script says */
};

/* NAME(fd, buffer, length[, flags ...]); false after a failure, and then there is nothing to
 * release. */
static bool take_buffer(struct drill_run *run, const struct drill_arguments *arguments, bool writer,
                        struct transfer *transfer)
{
    memset(transfer, 0, sizeof *transfer);
    transfer->pipe = arguments->at[3] == NULL ? call_pipe(run, arguments->at[0], writer) : NULL;
    if (!call_descriptor(run, arguments->at[0], &transfer->fd) ||
        (arguments->at[3] != NULL && !call_integer(run, arguments->at[3], &transfer->flags)) ||
        !one_buffer(run, arguments, &transfer->buffers))
        return false;
    if (writer)
        buffers_fill(run, arguments, &transfer->buffers);
    return true;
}

/* NAME(fd, vector, count) */
static bool take_vector(struct drill_run *run, const struct drill_arguments *arguments, bool writer,
                        struct transfer *transfer)
{
    int64_t count;
    memset(transfer, 0, sizeof *transfer);
    if (!call_descriptor(run, arguments->at[0], &transfer->fd) ||
        !call_integer(run, arguments->at[2], &count) ||
        !buffers_vector(run, arguments, arguments->at[1], &transfer->buffers))
        return false;
    if (count > transfer->buffers.count) {
        run_fail(run, arguments->event, "the vector has %d pieces only", transfer->buffers.count);
        buffers_release(&transfer->buffers);
        return false;
    }
    transfer->count = (int)count;
    if (writer)
        buffers_fill(run, arguments, &transfer->buffers);
    return true;
}

/* What was read is looked at, what was written is counted. */
static int64_t finish(struct drill_run *run, const struct drill_arguments *arguments, bool writer,
                      struct transfer *transfer, int64_t answer)
{
    if (writer) {
        buffers_account_written(run, arguments, answer);
        buffers_sent(run, &transfer->buffers, transfer->flags);
        return answer;
    }
    if (transfer->pipe == NULL)
        buffers_compare(run, arguments, &transfer->buffers, answer, transfer->flags);
    buffers_release(&transfer->buffers);
    return answer;
}

/* ---- reading */

int64_t call_read(struct drill_run *run, const struct drill_arguments *arguments)
{
    struct transfer t;
    if (!take_buffer(run, arguments, false, &t))
        return 0;
    return finish(run, arguments, false, &t,
                  t.pipe != NULL ? call_pipe_read(run, t.pipe, t.buffers.memory, t.buffers.total)
                                 : hf_socket_read(run->sockets, t.fd, t.buffers.pieces[0].iov_base,
                                                  t.buffers.total));
}

int64_t call_readv(struct drill_run *run, const struct drill_arguments *arguments)
{
    struct transfer t;
    if (!take_vector(run, arguments, false, &t))
        return 0;
    return finish(run, arguments, false, &t,
                  hf_socket_readv(run->sockets, t.fd, t.buffers.pieces, t.count));
}

int64_t call_recv(struct drill_run *run, const struct drill_arguments *arguments)
{
    struct transfer t;
    if (!take_buffer(run, arguments, false, &t))
        return 0;
    return finish(run, arguments, false, &t,
                  hf_socket_recv(run->sockets, t.fd, t.buffers.pieces[0].iov_base, t.buffers.total,
                                 (int)t.flags));
}

int64_t call_recvfrom(struct drill_run *run, const struct drill_arguments *arguments)
{
    struct call_address from = {.length = sizeof from.storage};
    bool null = call_is_null(arguments->at[4]);
    struct transfer t;
    if (!take_buffer(run, arguments, false, &t))
        return 0;
    return finish(run, arguments, false, &t,
                  hf_socket_recvfrom(run->sockets, t.fd, t.buffers.pieces[0].iov_base,
                                     t.buffers.total, (int)t.flags,
                                     null ? NULL : (struct sockaddr *)&from.storage,
                                     null ? NULL : &from.length));
}

/* ---- writing */

int64_t call_write(struct drill_run *run, const struct drill_arguments *arguments)
{
    struct transfer t;
    if (!take_buffer(run, arguments, true, &t))
        return 0;
    return finish(run, arguments, true, &t,
                  t.pipe != NULL ? call_pipe_write(run, t.pipe, t.buffers.memory, t.buffers.total)
                                 : hf_socket_write(run->sockets, t.fd, t.buffers.pieces[0].iov_base,
                                                   t.buffers.total));
}

int64_t call_writev(struct drill_run *run, const struct drill_arguments *arguments)
{
    struct transfer t;
    if (!take_vector(run, arguments, true, &t))
        return 0;
    return finish(run, arguments, true, &t,
                  hf_socket_writev(run->sockets, t.fd, t.buffers.pieces, t.count));
}

int64_t call_send(struct drill_run *run, const struct drill_arguments *arguments)
{
    struct transfer t;
    if (!take_buffer(run, arguments, true, &t))
        return 0;
    return finish(run, arguments, true, &t,
                  hf_socket_send(run->sockets, t.fd, t.buffers.pieces[0].iov_base, t.buffers.total,
                                 (int)t.flags));
}

int64_t call_sendto(struct drill_run *run, const struct drill_arguments *arguments)
{
    const struct hf_endpoint usual = {run->remote, run->settings->connect_port};
    struct call_address address;
    struct transfer t;
    if (!call_address(run, arguments->at[4], &usual, &address) ||
        !call_address_length(run, arguments->at[5], &address) ||
        !take_buffer(run, arguments, true, &t))
        return 0;
    if (t.flags & MSG_FASTOPEN)
        call_begin_flow(run, arguments->at[0], &address);
    return finish(run, arguments, true, &t,
                  hf_socket_sendto(run->sockets, t.fd, t.buffers.pieces[0].iov_base,
                                   t.buffers.total, (int)t.flags,
                                   address.null ? NULL : (const struct sockaddr *)&address.storage,
                                   address.length));
}
