/* SPDX-License-Identifier: MIT
 *
 * What a script's descriptor may be besides a socket: an end of a pipe, which is bytes in memory,
 * or a file of the machine, which is only read.
 */
#ifndef DRILL_PIPE_H
#define DRILL_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As Linux's: sixteen pages. */
enum { DRILL_PIPE_BYTES = 65536 };

struct drill_pipe {
    uint8_t bytes[DRILL_PIPE_BYTES];
    size_t length;
    unsigned readers, writers; /* descriptors */
    int file;                  /* of the machine; -1: a pipe */
};

/* NULL: out of memory. */
struct drill_pipe *drill_pipe_new(void);
/* One end goes; the last frees. */
void drill_pipe_drop(struct drill_pipe *pipe, bool writer);
/* How many bytes went in, or came out: as many as there is room for, or as there are. */
size_t drill_pipe_put(struct drill_pipe *pipe, const uint8_t *bytes, size_t length);
size_t drill_pipe_take(struct drill_pipe *pipe, uint8_t *bytes, size_t length);
/* Looks, takes nothing. */
size_t drill_pipe_peek(const struct drill_pipe *pipe, uint8_t *bytes, size_t length);

#endif
