/* SPDX-License-Identifier: MIT
 *
 * A world from the inside: what the files behind errno_world.h share.
 */
#ifndef ERRNO_WORLD_STATE_H
#define ERRNO_WORLD_STATE_H

#include "errno_world.h"

#include <handfast/handfast.h>

#define LINE_BYTES 160
#define SERVER_DESCRIPTORS 1000 /* Handfast's server numbers from here */
#define MOST_DESCRIPTORS 2048

struct line {
    char text[LINE_BYTES];
    bool may_differ;
    long ours;
    long answer;
};

struct world {
    bool kernel;
    struct line *lines;
    size_t count;
    bool next_differs;
    long next_ours;
    bool quiet;
    enum cast cast;
    bool open_kernel[MOST_DESCRIPTORS];
    struct hf_stack *stacks[2];
    struct hf_sim *sim;
    struct hf_sockets *sets[2];
};

/* ---- errno_world.c */

/* The line reads "call = answer" and `more`. */
void world_write_line(struct world *world, const char *call, long answer, const char *more);

/* ---- errno_calls.c */

/* AF_INET as the cast has it. */
int world_domain(const struct world *world, int domain);
/* The set of sockets behind a descriptor. */
struct hf_sockets *world_set(struct world *world, int fd);
int world_open_socket(struct world *world, enum side side, int domain, int type, int protocol);

#endif
