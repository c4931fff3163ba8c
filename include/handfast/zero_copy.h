/* SPDX-License-Identifier: MIT
 *
 * Without a copy. Reading: what has arrived is looked at where it lies, and given back.
 *
 *     struct hf_piece pieces[16];
 *     uint32_t count = 16;
 *     ptrdiff_t length = hf_recv_ref(host, connection, pieces, &count);
 *     for (uint32_t i = 0; length > 0 && i < count; i++)
 *         use(pieces[i].data, pieces[i].length);
 *     if (length > 0)
 *         hf_recv_release(host, connection, length, now);
 *
 * Sending: the program's own memory is what is sent, and sent again, until the peer has it.
 *
 *     length = hf_send_ref(host, connection, data, size, owner, 0, now);
 *     ...
 *     struct hf_returned returned;
 *     while (hf_next_returned(host, &returned))
 *         let_go_of(returned.context, returned.length);
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
 * hf_recv_release, hf_recv, hf_recv_post, hf_close or hf_abort is called on this connection,
 * whatever arrives meanwhile; they are taken off the window until then. */
HF_API ptrdiff_t hf_recv_ref(const struct hf_stack *stack, hf_handle connection,
                             struct hf_piece *pieces, uint32_t *count);
/* The first `length` unread bytes have been read: as if hf_recv had copied them. HF_OK, or
 * HF_EINVAL: there are not so many. */
HF_API int hf_recv_release(struct hf_stack *stack, hf_handle connection, size_t length,
                           hf_time now);

/* RECEIVE with the buffer given beforehand: what arrives in order from now on, and what is unread,
 * is written to `buffer` until it is full, as if hf_recv were called whenever something comes; bulk
 * data in batches (hf_stack_input_batch) with no other copy on the way. The buffer is the stack's
 * until hf_recv_posted, hf_close or hf_abort; beyond what is filled it may hold anything. Events
 * are as ever, HF_EVENT_READABLE says that there is something in it. hf_recv and hf_recv_ref read
 * what follows it. At most 2^32 - 1 bytes are used; HF_EINVAL: none at all, or one is posted
 * already. */
HF_API int hf_recv_post(struct hf_stack *stack, hf_handle connection, void *buffer, size_t length,
                        hf_time now);
/* Takes it back: how many bytes it holds, or if there are none what hf_recv would answer (0: the
 * peer has sent all; HF_EAGAIN: nothing came). HF_EINVAL: none is posted. */
HF_API ptrdiff_t hf_recv_posted(struct hf_stack *stack, hf_handle connection, hf_time now);

/* SEND by reference. As hf_send, with its flags and its errors: as much is taken as has room in the
 * send buffer, in order with what hf_send takes, and what was not taken is to be given again. What
 * was taken is not copied: it is read when a segment is sent, for its checksum as well, and again
 * when the segment is repeated, so it must stay there, unchanged, until it comes back. If it does
 * change, the peer receives one or the other; nothing else depends on it.
 * Each call that took something (its result is greater than 0) has made one reference, which comes
 * back once: from hf_next_returned, or with hf_stack_free, which gives back all that are left and
 * says nothing. There may be config.max_references (HF_ENOBUFS); a connection with references holds
 * about 80 bytes of the stack's memory for each (HF_ENOMEM). Copying is cheaper for a few hundred
 * bytes. `context` is the caller's. */
HF_API ptrdiff_t hf_send_ref(struct hf_stack *stack, hf_handle connection, const void *data,
                             size_t length, void *context, unsigned flags, hf_time now);

/* A reference that came back: the stack will not look at this memory again. */
struct hf_returned {
    hf_handle connection; /* whose it was; it may be stale by now */
    const void *data;
    size_t length;       /* what hf_send_ref took */
    size_t acknowledged; /* of these: all of it unless the connection ended, or hf_send_own */
    void *context;
    int error; /* HF_OK; else what ended the connection; HF_ECONNABORTED: its own program */
};
/* 1 and the oldest that has come back, or 0. To be asked whenever events are; in the order of the
 * stream for each connection. One that is not fetched counts among config.max_references. */
HF_API int hf_next_returned(struct hf_stack *stack, struct hf_returned *returned);

/* For a program that can keep its memory no longer: what this connection was given by reference and
 * the peer has not acknowledged is copied, and all its references come back. HF_ENOMEM: nothing has
 * changed; hf_abort has them come back, too. */
HF_API int hf_send_own(struct hf_stack *stack, hf_handle connection);

#ifdef __cplusplus
}
#endif

#endif
