/* SPDX-License-Identifier: MIT
 *
 * What the calls that move bytes read into or write from.
 */
#ifndef DRILL_BUFFERS_H
#define DRILL_BUFFERS_H

#include "drill_call.h"

enum { DRILL_MOST_VECTORS = 64 };

/* Up to DRILL_MOST_VECTORS pieces of one memory. */
struct buffers {
    struct drill_kept *block;
    uint8_t *memory; /* in that */
    struct iovec pieces[DRILL_MOST_VECTORS];
    int count;
    size_t total;
    bool null; /* the script hands over NULL */
};

void buffers_release(struct buffers *buffers);
/* What was sent with `flags`: with MSG_ZEROCOPY the stack may still read it, and it goes with the
 * run. */
void buffers_sent(struct drill_run *run, struct buffers *buffers, int64_t flags);
/* At the end of the run. */
void buffers_release_kept(struct drill_run *run);
/* [{..., 100}, {..., 200}]; false after a failure, and then there is nothing to release. */
bool buffers_vector(struct drill_run *run, const struct drill_arguments *arguments,
                    const struct drill_expression *list, struct buffers *buffers);
/* The bytes that belong to the descriptor's stream next, and how many of them were taken. */
void buffers_fill(struct drill_run *run, const struct drill_arguments *arguments,
                  struct buffers *buffers);
void buffers_account_written(struct drill_run *run, const struct drill_arguments *arguments,
                             int64_t answer);
/* Are they the ones that the peer sent there? */
void buffers_compare(struct drill_run *run, const struct drill_arguments *arguments,
                     const struct buffers *buffers, int64_t answer, int64_t flags);

#endif
