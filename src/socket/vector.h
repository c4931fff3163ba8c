/* SPDX-License-Identifier: MIT
 *
 * A walk through an iovec: where the next bytes come from or go to.
 */
#ifndef VECTOR_H
#define VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Linux's MAX_RW_COUNT: no call moves more. */
#define VECTOR_MOST_BYTES ((size_t)0x7ffff000)
#define VECTOR_MOST_PIECES 1024u

struct vector {
    const struct iovec *pieces;
    size_t count;
    size_t offset; /* into the first piece left */
    size_t left;   /* bytes in all */
};

/* One buffer as a vector; `piece` must live as long. */
struct vector vector_of_buffer(struct iovec *piece, const void *data, size_t length);
/* Checks as the kernel does: -EFAULT for no array, -EINVAL for a negative length. */
int vector_of_pieces(const struct iovec *pieces, size_t count, struct vector *vector);
/* The next stretch of memory, at most `most` bytes; false: there is none left. */
bool vector_next(struct vector *vector, size_t most, void **data, size_t *length);
void vector_advance(struct vector *vector, size_t length);

#endif
