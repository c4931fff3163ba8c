/* SPDX-License-Identifier: MIT
 *
 * A pipe's bytes stand at the front of one buffer and move up when some are taken: pipes of scripts
 * are short and rarely full.
 */
#include "drill_pipe.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct drill_pipe *drill_pipe_new(void)
{
    struct drill_pipe *pipe = calloc(1, sizeof *pipe);
    if (pipe != NULL)
        pipe->file = -1;
    return pipe;
}

void drill_pipe_drop(struct drill_pipe *pipe, bool writer)
{
    if (writer)
        pipe->writers--;
    else
        pipe->readers--;
    if (pipe->readers > 0 || pipe->writers > 0)
        return;
    if (pipe->file >= 0)
        close(pipe->file);
    free(pipe);
}

size_t drill_pipe_put(struct drill_pipe *pipe, const uint8_t *bytes, size_t length)
{
    size_t room = DRILL_PIPE_BYTES - pipe->length;
    if (length > room)
        length = room;
    memcpy(pipe->bytes + pipe->length, bytes, length);
    pipe->length += length;
    return length;
}

size_t drill_pipe_peek(const struct drill_pipe *pipe, uint8_t *bytes, size_t length)
{
    if (length > pipe->length)
        length = pipe->length;
    memcpy(bytes, pipe->bytes, length);
    return length;
}

size_t drill_pipe_take(struct drill_pipe *pipe, uint8_t *bytes, size_t length)
{
    length = drill_pipe_peek(pipe, bytes, length);
    pipe->length -= length;
    memmove(pipe->bytes, pipe->bytes + length, pipe->length);
    return length;
}
