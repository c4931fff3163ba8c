/* SPDX-License-Identifier: MIT
 *
 * Linux's import_iovec and iov_iter, as far as sockets need them.
 */
#include "vector.h"

#include <errno.h>
#include <string.h>

struct vector vector_of_buffer(struct iovec *piece, const void *data, size_t length)
{
    /* An iovec has no const; the caller knows which way the bytes go. */
    memcpy(&piece->iov_base, &data, sizeof data);
    piece->iov_len = length < VECTOR_MOST_BYTES ? length : VECTOR_MOST_BYTES;
    return (struct vector){.pieces = piece, .count = 1, .left = piece->iov_len};
}

int vector_of_pieces(const struct iovec *pieces, size_t count, struct vector *vector)
{
    size_t left = 0;
    if (count > 0 && pieces == NULL) {
        return -EFAULT;
    }
    for (size_t i = 0; i < count; i++) {
        if ((ssize_t)pieces[i].iov_len < 0) {
            return -EINVAL;
        }
        left += pieces[i].iov_len < VECTOR_MOST_BYTES - left ? pieces[i].iov_len
                                                             : VECTOR_MOST_BYTES - left;
    }
    *vector = (struct vector){.pieces = pieces, .count = count, .left = left};
    return 0;
}

bool vector_next(struct vector *vector, size_t most, void **data, size_t *length)
{
    size_t whole;
    while (vector->left > 0 && vector->offset == vector->pieces->iov_len) {
        vector->pieces++;
        vector->count--;
        vector->offset = 0;
    }
    if (vector->left == 0) {
        return false;
    }
    whole = vector->pieces->iov_len - vector->offset;
    whole = whole < vector->left ? whole : vector->left;
    *length = whole < most ? whole : most;
    *data =
        vector->pieces->iov_base == NULL ? NULL : (char *)vector->pieces->iov_base + vector->offset;
    return true;
}

void vector_advance(struct vector *vector, size_t length)
{
    vector->offset += length;
    vector->left -= length;
}
