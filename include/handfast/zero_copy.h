/* SPDX-License-Identifier: MIT
 *
 * Reading without a copy: what has arrived is looked at where it lies, and given back.
 *
 *     struct hf_piece pieces[16];
 *     uint32_t count = 16;
 *     ptrdiff_t length = hf_recv_ref(host, connection, pieces, &count);
 *     for (uint32_t i = 0; length > 0 && i < count; i++)
 *         use(pieces[i].data, pieces[i].length);
 *     if (length > 0)
 *         hf_recv_release(host, connection, length, now);
 */
#ifndef HANDFAST_ZERO_COPY_H
#define HANDFAST_ZERO_COPY_H

#include "offload.h"

#ifdef __cplusplus
extern "C" {
#endif

/* RECEIVE by reference. In: how many pieces there is room for (1 or more; HF_EINVAL). Out: how many
 * there are; they follow each other in the stream and begin with the first unread byte. Returns
 * their bytes together, or what hf_recv would (0, an error); then there are none. A piece is at
 * most 4096 bytes long, its bytes are not to be written to, and they stay where they are until
 * hf_recv_release, hf_recv, hf_close or hf_abort is called on this connection, whatever arrives
 * meanwhile; they are taken off the window until then. */
HF_API ptrdiff_t hf_recv_ref(const struct hf_stack *stack, hf_handle connection,
                             struct hf_piece *pieces, uint32_t *count);
/* The first `length` unread bytes have been read: as if hf_recv had copied them. HF_OK, or
 * HF_EINVAL: there are not so many. */
HF_API int hf_recv_release(struct hf_stack *stack, hf_handle connection, size_t length,
                           hf_time now);

#ifdef __cplusplus
}
#endif

#endif
