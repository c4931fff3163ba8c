/* SPDX-License-Identifier: MIT
 *
 * What becomes of what was sent: completions of zero copies, time stamps. See completions.c.
 */
#ifndef COMPLETIONS_H
#define COMPLETIONS_H

#include "error_queue.h"

/* One send, while it is being made. */
struct completion {
    bool zero_copy;
    bool grouped;    /* MSG_EOR: a segment ends where it does */
    uint32_t stamps; /* SOF_TIMESTAMPING_TX_... */
    struct sent_work *work;
    unsigned pieces; /* of a zero copy, since the last boundary */
};

/* hf_send, or hf_send_ref where the piece is part of a zero copy. */
ptrdiff_t completion_send(struct socket *socket, struct completion *completion, const void *data,
                          size_t length, unsigned flags);

/* Before anything is sent of `length` bytes. -ENOBUFS: too many zero copies are not told of yet, or
 * too much memory is in use. */
int completion_begin(struct socket *socket, size_t length, int flags, uint32_t stamps,
                     struct completion *completion);
/* After each piece of the caller's memory that was sent; `more`: and there is another. */
void completion_piece(struct socket *socket, struct completion *completion, bool more);
/* So much was sent in all, by the SYN and after it. */
void completion_end(struct socket *socket, struct completion *completion, size_t by_syn,
                    size_t after);

/* HF_EVENT_NOTED. */
void completions_take_notes(struct socket *socket);
/* The connection is over: nothing will be acknowledged any more, and no memory is in use. */
void completions_abandon(struct socket *socket);
/* The program is about to let go of the socket, and of its memory with it. */
void completions_let_go(struct socket *socket);
/* The socket goes away. */
void completions_free(struct socket *socket);

#endif
