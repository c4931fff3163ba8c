/* SPDX-License-Identifier: MIT
 *
 * A local end of a transfer: standard input or output, or a file, read and written without ever
 * holding up the loop.
 */
#ifndef DESCRIPTOR_H
#define DESCRIPTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

struct descriptor {
    int number;         /* -1: not open */
    int standard;       /* the number it stands for, 0 or 1; or -1 */
    const char *name;   /* for messages; borrowed */
    uint64_t file_size; /* of a regular file that is read; 0 otherwise */
    /* The rest is descriptor.c's. */
    bool writing, is_socket, always_ready, watched, has_handle, made_up;
    uint64_t left_bytes; /* of what is made up */
    int restore_flags;   /* what the shared description's flags were, or -1 */
    void (*ready)(void *context);
    void *context;
    union {
        uv_poll_t poll;
        uv_idle_t idle;
        uv_handle_t handle;
    } watch;
};

/* All give 0 or a negated errno. Opening is done before there is a loop, so that a wrong file name
 * is told first. */
int descriptor_open_file(struct descriptor *descriptor, const char *path, bool writing);
/* No file behind it: gives so many bytes, whatever the buffer holds, or takes all there are. */
int descriptor_open_made_up(struct descriptor *descriptor, uint64_t bytes, bool writing);
int descriptor_open_standard(struct descriptor *descriptor, int number);
/* To be called once, before the first _watch. `ready` is called whenever there may be something
 * to read, or room to write, while it is watched. */
int descriptor_attach(struct descriptor *descriptor, uv_loop_t *loop, void (*ready)(void *context),
                      void *context);
void descriptor_watch(struct descriptor *descriptor, bool wanted);
/* As read and write: a count, or a negated errno; -EAGAIN when it is not ready. */
ssize_t descriptor_read(struct descriptor *descriptor, void *data, size_t length);
ssize_t descriptor_write(struct descriptor *descriptor, const void *data, size_t length);
/* What is read next stands so many bytes after a file's beginning. */
int descriptor_skip(struct descriptor *descriptor, uint64_t bytes);
/* Back to the beginning of a file, or of what is made up. */
int descriptor_rewind(struct descriptor *descriptor);
/* Tells the program at the other end that no more will come; of standard output too. 0 or a
 * negated errno. The loop must run once more before the descriptor's memory goes. Twice is
 * harmless. */
int descriptor_close(struct descriptor *descriptor);

#endif
