/* SPDX-License-Identifier: MIT
 *
 * pipe, open, splice and sendfile: the calls by which a program moves bytes between a socket and
 * something else. Pipes live in this process; a file is one of the machine's and only read, so that
 * a script can send what it finds there.
 *
 * The bytes of a socket's stream are known by their place (drill_flow.h). What comes out of a file,
 * or out of a pipe at another place, is not what belongs there: from then on the payload of that
 * conversation is not compared.
 */
#include "drill_call.h"

#include "drill_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_BYTES = 64 << 20 };

struct drill_pipe *call_pipe(struct drill_run *run, const struct drill_expression *expression,
                             bool writer)
{
    const struct drill_descriptor *state = call_state(run, expression);
    return state != NULL && state->pipe != NULL && state->pipe_writer == writer ? state->pipe
                                                                                : NULL;
}

void call_drop_pipe(struct drill_descriptor *state)
{
    if (state->pipe != NULL)
        drill_pipe_drop(state->pipe, state->pipe_writer);
    state->pipe = NULL;
}

static bool place_of(struct drill_run *run, const struct drill_arguments *arguments,
                     const struct drill_expression *expression, struct drill_descriptor **state)
{
    int64_t number = -1;
    if (expression != NULL && !call_integer(run, expression, &number))
        return false;
    if (number < 0 || number >= DRILL_DESCRIPTORS) {
        run_fail(run, arguments->event, "descriptors of scripts are numbers from 0 to %d",
                 DRILL_DESCRIPTORS - 1);
        return false;
    }
    *state = &run->descriptors[number];
    return true;
}

static void become(struct drill_descriptor *state, struct drill_pipe *pipe, bool writer)
{
    call_drop_pipe(state);
    memset(state, 0, sizeof *state);
    state->live = -1;
    state->pipe = pipe;
    state->pipe_writer = writer;
    *(writer ? &pipe->writers : &pipe->readers) += 1;
}

/* pipe([5, 6]) = 0 */
int64_t call_make_pipe(struct drill_run *run, const struct drill_arguments *arguments)
{
    const struct drill_expression *list = arguments->at[0], *first = list->first;
    struct drill_descriptor *reader, *writer;
    struct drill_pipe *pipe;
    int64_t flags;
    if (arguments->at[1] != NULL && !call_integer(run, arguments->at[1], &flags))
        return 0;
    if (list->kind != DRILL_LIST || first == NULL || first->next == NULL) {
        run_fail(run, arguments->event, "a pipe is written pipe([READ, WRITE])");
        return 0;
    }
    if (!place_of(run, arguments, first, &reader) ||
        !place_of(run, arguments, first->next, &writer))
        return 0;
    if (reader == writer) {
        run_fail(run, arguments->event, "the ends of a pipe are two descriptors");
        return 0;
    }
    pipe = drill_pipe_new();
    if (pipe == NULL)
        return -ENOMEM;
    become(reader, pipe, false);
    become(writer, pipe, true);
    return 0;
}

/* open("path", O_RDONLY) = 5 */
int64_t call_open(struct drill_run *run, const struct drill_arguments *arguments)
{
    const struct drill_expression *name = arguments->at[0];
    struct drill_pipe *pipe;
    int64_t flags;
    int file;
    if (!call_integer(run, arguments->at[1], &flags))
        return 0;
    if (name->kind != DRILL_STRING || (flags & (O_ACCMODE | O_CREAT | O_TRUNC)) != O_RDONLY) {
        run_fail(run, arguments->event,
                 "a file is opened by its name in quotes, and for reading only (O_RDONLY)");
        return 0;
    }
    file = open(name->text, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return -errno;
    pipe = drill_pipe_new();
    if (pipe == NULL) {
        close(file);
        return -ENOMEM;
    }
    pipe->file = file;
    pipe->readers = 1;
    run->opened = pipe; /* bound to its number when the answer is known to be right */
    return 0;
}

int64_t call_pipe_read(struct drill_run *run, struct drill_pipe *pipe, uint8_t *bytes,
                       size_t length)
{
    ssize_t got;
    if (pipe->file >= 0) {
        got = read(pipe->file, bytes, length);
        return got < 0 ? -errno : got;
    }
    if (length > 0 && pipe->length == 0 && pipe->writers > 0) {
        run->frame->would_block = true;
        return -EAGAIN;
    }
    return (int64_t)drill_pipe_take(pipe, bytes, length);
}

int64_t call_pipe_write(struct drill_run *run, struct drill_pipe *pipe, const uint8_t *bytes,
                        size_t length)
{
    if (pipe->readers == 0)
        return -EPIPE;
    if (length > 0 && pipe->length == DRILL_PIPE_BYTES) {
        run->frame->would_block = true;
        return -EAGAIN;
    }
    return (int64_t)drill_pipe_put(pipe, bytes, length);
}

/* ---- into and out of sockets */

/* What a socket is given that is not its stream's own: its payload is compared no longer. */
static void note_content(struct drill_run *run, struct drill_descriptor *state,
                         const uint8_t *bytes, size_t length)
{
    int number = (int)(state - run->descriptors);
    if (drill_stream_compare(bytes, length, state->written) < length) {
        for (struct drill_flow *flow = run->flows; flow != NULL; flow = flow->next) {
            if (flow->descriptor == number)
                flow->own_unknown = true;
        }
    }
    state->written += (uint32_t)length;
}

static int64_t send_bytes(struct drill_run *run, const struct drill_expression *descriptor,
                          const uint8_t *bytes, size_t length, int flags)
{
    struct drill_descriptor *state = call_state(run, descriptor);
    int64_t sent;
    int fd;
    if (!call_descriptor(run, descriptor, &fd))
        return 0;
    sent = hf_socket_send(run->sockets, fd, bytes, length, flags);
    if (sent > 0 && state != NULL)
        note_content(run, state, bytes, (size_t)sent);
    return sent;
}

static int64_t out_of_pipe(struct drill_run *run, const struct drill_arguments *arguments,
                           struct drill_pipe *from, size_t length, unsigned flags)
{
    struct drill_pipe *into = call_pipe(run, arguments->at[2], true);
    uint8_t bytes[DRILL_PIPE_BYTES];
    int64_t moved;
    if (into == from)
        return -EINVAL;
    if (from->length == 0 && from->writers == 0)
        return 0;
    if (from->length == 0) {
        run->frame->would_block = !(flags & SPLICE_F_NONBLOCK);
        return -EAGAIN;
    }
    length = drill_pipe_peek(from, bytes, length);
    if (into != NULL) {
        moved = into->readers == 0 ? -EPIPE : (int64_t)drill_pipe_put(into, bytes, length);
        if (moved == 0)
            moved = -EAGAIN;
    } else {
        moved = send_bytes(run, arguments->at[2], bytes, length,
                           (flags & SPLICE_F_MORE ? MSG_MORE : 0) |
                               (flags & SPLICE_F_NONBLOCK ? MSG_DONTWAIT : 0));
    }
    if (moved > 0)
        drill_pipe_take(from, bytes, (size_t)moved);
    return moved;
}

static int64_t into_pipe(struct drill_run *run, const struct drill_arguments *arguments,
                         struct drill_pipe *into, size_t length, unsigned flags)
{
    struct drill_descriptor *state = call_state(run, arguments->at[0]);
    uint8_t bytes[DRILL_PIPE_BYTES];
    size_t room = DRILL_PIPE_BYTES - into->length;
    int64_t got;
    int fd;
    if (!call_descriptor(run, arguments->at[0], &fd))
        return 0;
    if (into->readers == 0)
        return -EPIPE;
    if (room == 0) {
        run->frame->would_block = !(flags & SPLICE_F_NONBLOCK);
        return -EAGAIN;
    }
    if (state != NULL && state->pipe != NULL) { /* a file */
        got = call_pipe_read(run, state->pipe, bytes, length < room ? length : room);
    } else {
        got = hf_socket_recv(run->sockets, fd, bytes, length < room ? length : room,
                             flags & SPLICE_F_NONBLOCK ? MSG_DONTWAIT : 0);
        if (got > 0 && state != NULL) {
            if (drill_stream_compare(bytes, (size_t)got, state->read) < (size_t)got &&
                !state->content_unknown)
                run_fail(run, arguments->event,
                         "what splice gives is not what was sent at that place");
            state->read += (uint32_t)got;
        }
    }
    if (got > 0)
        drill_pipe_put(into, bytes, (size_t)got);
    return got;
}

/* splice(from, NULL, to, NULL, length, flags) */
int64_t call_splice(struct drill_run *run, const struct drill_arguments *arguments)
{
    struct drill_pipe *from = call_pipe(run, arguments->at[0], false),
                      *into = call_pipe(run, arguments->at[2], true);
    int64_t length, flags;
    if (!call_integer(run, arguments->at[4], &length) ||
        !call_integer(run, arguments->at[5], &flags))
        return 0;
    if (length < 0 || length > MOST_BYTES) {
        run_fail(run, arguments->event, "a script's call moves %d bytes at most", MOST_BYTES);
        return 0;
    }
    if (length == 0)
        return 0;
    if (!call_is_null(arguments->at[1]) || !call_is_null(arguments->at[3]))
        return -ESPIPE;
    if (from != NULL && from->file < 0)
        return out_of_pipe(run, arguments, from, (size_t)length, (unsigned)flags);
    if (into != NULL)
        return into_pipe(run, arguments, into, (size_t)length, (unsigned)flags);
    return -EINVAL;
}

/* sendfile(socket, file, [offset] or NULL, count) */
int64_t call_sendfile(struct drill_run *run, const struct drill_arguments *arguments)
{
    const struct drill_expression *place = arguments->at[2];
    struct drill_pipe *from = call_pipe(run, arguments->at[1], false);
    int64_t count, offset = 0, sent;
    ssize_t got;
    uint8_t *bytes;
    if (!call_integer(run, arguments->at[3], &count) ||
        (!call_is_null(place) && !call_listed_integer(run, place, &offset)))
        return 0;
    if (count < 0 || count > MOST_BYTES) {
        run_fail(run, arguments->event, "a script's call moves %d bytes at most", MOST_BYTES);
        return 0;
    }
    if (from == NULL)
        return call_state(run, arguments->at[1]) != NULL &&
                       (call_state(run, arguments->at[1])->live >= 0 ||
                        call_state(run, arguments->at[1])->pipe != NULL)
                   ? -EINVAL
                   : -EBADF;
    if (from->file < 0 || offset < 0)
        return -EINVAL;
    bytes = malloc((size_t)count + 1);
    if (bytes == NULL)
        return -ENOMEM;
    if (call_is_null(place))
        offset = lseek(from->file, 0, SEEK_CUR);
    got = pread(from->file, bytes, (size_t)count, offset > 0 ? offset : 0);
    sent =
        got > 0 ? send_bytes(run, arguments->at[0], bytes, (size_t)got, 0) : (got < 0 ? -errno : 0);
    if (sent > 0 && call_is_null(place) && lseek(from->file, sent, SEEK_CUR) < 0)
        sent = -errno;
    free(bytes);
    return sent;
}
