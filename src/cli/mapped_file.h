/* SPDX-License-Identifier: MIT
 *
 * A file in memory, to be sent from where it lies.
 */
#ifndef MAPPED_FILE_H
#define MAPPED_FILE_H

#include <stdbool.h>
#include <stdint.h>

struct mapped_file {
    const uint8_t *bytes; /* NULL: it could not be mapped */
    uint64_t length;
};

/* Maps a regular file that is not empty, from its beginning to where it ends now. False: it cannot
 * be, and is to be read as any other. One at a time in a process. */
bool mapped_file_open(struct mapped_file *mapped, int descriptor);
/* Has the file become shorter, so that what was read of it may be zeros that it never had? */
bool mapped_file_was_cut(const struct mapped_file *mapped);
/* Unmaps it; twice is harmless. */
void mapped_file_close(struct mapped_file *mapped);

#endif
