/* SPDX-License-Identifier: MIT
 *
 * One connection of the stack and one kernel socket, made to look like one connection from end to
 * end.
 */
#ifndef RELAY_H
#define RELAY_H

#include "host.h"

enum relay_end {
    RELAY_CLOSED,       /* both directions ended in order */
    RELAY_RESET,        /* one side was reset, or timed out, after it was open */
    RELAY_NOT_CONNECTED /* the far side could not be reached; `error` says why */
};

struct relay_residue {
    uint8_t *bytes; /* NULL: nothing waits */
    size_t start, length;
};

struct relay {
    struct host_owner owner;
    struct host *host;
    struct relay *next, *previous; /* the user's */
    void *context;                 /* the user's */
    /* Called once; the relay goes away by itself after it. */
    void (*ended)(struct relay *relay, enum relay_end end, int error);

    hf_handle handle;
    int descriptor;
    uint64_t to_kernel_bytes, to_stack_bytes; /* taken by the side they go to */

    /* The rest is relay.c's. */
    uv_poll_t poll;
    int watched; /* UV_ events */
    struct relay_residue to_kernel, to_stack;
    bool kernel_open, stack_open;   /* connected */
    bool kernel_ended, stack_ended; /* gave its FIN */
    bool kernel_shut, stack_shut;   /* was given the other's FIN */
    bool quiet;
};

/* Joins the two; one of them may still be connecting. Both belong to the relay from then on. NULL:
 * no memory; both are still the caller's. */
struct relay *relay_new(struct host *host, hf_handle handle, bool stack_open, int descriptor,
                        bool kernel_open);
/* Lets it work, once the fields of the user are set. */
void relay_start(struct relay *relay);
/* Resets both sides; `ended` is not called. */
void relay_abort(struct relay *relay);

#endif
