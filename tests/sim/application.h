/* SPDX-License-Identifier: MIT
 *
 * A program at one end of a connection: it sends a stream of bytes that only its seed knows, checks
 * every byte that comes, ends its side and waits for the other's end. It has habits: sizes of its
 * pieces, pauses, when it shuts down and when it closes.
 */
#ifndef APPLICATION_H
#define APPLICATION_H

#include "chance.h"

#include <handfast/stack.h>
#include <stdbool.h>

#define PIECE_MAX_BYTES (1u << 18)

struct application_plan {
    uint64_t seed; /* of its habits */
    uint64_t send_bytes, receive_bytes;
    uint64_t send_seed, receive_seed; /* of the streams */
    uint32_t write_max, read_max;     /* pieces are 1 to this, PIECE_MAX_BYTES at most */
    hf_time write_interval_ns;        /* 0: as fast as it is taken */
    hf_time read_interval_ns;         /* 0: as it comes */
    uint32_t more_percent;            /* of pieces sent with HF_SEND_MORE */
    bool early;                       /* a client that sends before it is connected */
    bool shuts_down;                  /* says explicitly that it has sent all */
    bool waits_for_peer;              /* ... and only after the peer's end has come */
    bool close_at_once; /* closes when it has sent and read all; else when all is over */
};

struct application {
    struct application_plan plan;
    struct hf_stack *stack;
    hf_handle listener, connection;
    struct chance chance;
    uint64_t sent, received;
    bool connected, can_read, can_write, shut, peer_ended, over, done;
    hf_time next_read, next_write;
    char failure[160]; /* "" while all is well */
    uint8_t piece[PIECE_MAX_BYTES], expected[PIECE_MAX_BYTES];
};

void application_init(struct application *application, const struct application_plan *plan,
                      struct hf_stack *stack);
/* Takes the stack's events, and reads, writes and closes what it can at `now`. True when it did
 * something. */
bool application_run(struct application *application, hf_time now);
/* When it wants to run next of itself; HF_TIME_NEVER: it waits for events. */
hf_time application_wake(const struct application *application);

#endif
