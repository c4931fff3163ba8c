/* SPDX-License-Identifier: MIT
 *
 * Ways into each state, for the tests that go through them all.
 */
#ifndef CONFORMANCE_CELLS_STATES_H
#define CONFORMANCE_CELLS_STATES_H

#include "harness.h"

/* The columns of the tables. SYN-RECEIVED is there twice: a listener's, which is no connection of
 * the program's yet, and that of a simultaneous open. */
enum column {
    SYN_SENT,
    SYN_RECEIVED_PASSIVE,
    SYN_RECEIVED_ACTIVE,
    ESTABLISHED,
    FIN_WAIT_1,
    FIN_WAIT_2,
    CLOSE_WAIT,
    CLOSING,
    LAST_ACK,
    TIME_WAIT,
    COLUMN_COUNT
};

/* Where the numbers stand in a state, relative to the ISSs. */
struct position {
    enum hf_state state;
    int32_t una, nxt; /* SND.UNA, SND.NXT */
    int32_t rcv_nxt;  /* RCV.NXT */
    const char *name;
};

struct position position_of(enum column column);
/* How the way there is gone. ORPHANED: the program closes where it would half-close, and lets go.
 */
enum way { OPENED_ACTIVELY, OPENED_PASSIVELY, ORPHANED };
const char *way_name(enum way way);
/* A fresh stack with a connection in that state; everything it took is named and its events are
 * taken. `timestamps`: the peer's TSval in all it sends, 0 for a connection without the option. */
void reach(struct world *w, enum column column, enum way way, uint32_t timestamps);

#endif
