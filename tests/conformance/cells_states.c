/* SPDX-License-Identifier: MIT
 *
 * How the tables of cells get into each state: by the shortest way that RFC 9293 3.3.2 figure 5
 * shows, opening actively except for the listener's SYN-RECEIVED.
 */
#include "cells_states.h"
#include <stdio.h>

struct position position_of(enum column column)
{
    static const struct position positions[COLUMN_COUNT] = {
        [SYN_SENT] = {HF_SYN_SENT, 0, 1, 0, "SYN-SENT"},
        [SYN_RECEIVED_PASSIVE] = {HF_SYN_RECEIVED, 0, 1, 1, "SYN-RECEIVED (listener)"},
        [SYN_RECEIVED_ACTIVE] = {HF_SYN_RECEIVED, 0, 1, 1, "SYN-RECEIVED (crossed)"},
        [ESTABLISHED] = {HF_ESTABLISHED, 1, 1, 1, "ESTABLISHED"},
        [FIN_WAIT_1] = {HF_FIN_WAIT_1, 1, 2, 1, "FIN-WAIT-1"},
        [FIN_WAIT_2] = {HF_FIN_WAIT_2, 2, 2, 1, "FIN-WAIT-2"},
        [CLOSE_WAIT] = {HF_CLOSE_WAIT, 1, 1, 2, "CLOSE-WAIT"},
        [CLOSING] = {HF_CLOSING, 1, 2, 2, "CLOSING"},
        [LAST_ACK] = {HF_LAST_ACK, 1, 2, 2, "LAST-ACK"},
        [TIME_WAIT] = {HF_TIME_WAIT, 2, 2, 2, "TIME-WAIT"},
    };
    return positions[column];
}

const char *way_name(enum way way)
{
    static const char *const names[] = {"", ", opened passively", ", orphaned"};
    return names[way];
}

static void reach_opening(struct world *w, enum column column, enum way way, const char *ts)
{
    if (column == SYN_RECEIVED_PASSIVE) {
        user_listen(w);
        peer(w, "S seq=0 mss=1000 %s", ts);
        sends(w, "S. seq=0 ack=1");
        return;
    }
    if (way == OPENED_PASSIVELY) {
        user_listen(w);
        peer(w, "S seq=0 mss=1000 %s", ts);
        sends(w, "S. seq=0 ack=1");
        peer(w, ". seq=1 ack=1 %s", ts);
        user_accept(w);
        return;
    }
    user_connect(w);
    sends(w, "S seq=0");
    if (column == SYN_SENT) {
        return;
    }
    if (column == SYN_RECEIVED_ACTIVE) {
        peer(w, "S seq=0 mss=1000 %s", ts);
        sends(w, "S. seq=0 ack=1");
        return;
    }
    peer(w, "S. seq=0 ack=1 mss=1000 %s", ts);
    sends(w, ". seq=1 ack=1");
    event(w, HF_EVENT_CONNECTED, HF_OK);
}

/* Who has let go is told nothing. */
static void told(struct world *w, enum way way, enum hf_event_type type)
{
    if (way == ORPHANED) {
        no_event(w, type);
    } else {
        event(w, type, HF_OK);
    }
}

static void send_fin(struct world *w, enum way way, unsigned ack)
{
    if (way == ORPHANED) {
        user_close(w);
    } else {
        user_shutdown(w);
    }
    sends(w, "F. seq=1 ack=%u", ack);
}

static void reach_closing(struct world *w, enum column column, enum way way, const char *ts)
{
    if (column == CLOSE_WAIT || column == LAST_ACK) {
        peer(w, "F. seq=1 ack=1 %s", ts);
        sends(w, ". seq=1 ack=2");
        event(w, HF_EVENT_PEER_CLOSED, HF_OK);
        if (column == LAST_ACK) {
            send_fin(w, way, 2);
        }
        return;
    }
    send_fin(w, way, 1);
    if (column == CLOSING) {
        peer(w, "F. seq=1 ack=1 %s", ts);
        sends(w, ". seq=2 ack=2");
        told(w, way, HF_EVENT_PEER_CLOSED);
        return;
    }
    if (column == FIN_WAIT_1) {
        return;
    }
    peer(w, ". seq=1 ack=2 %s", ts);
    if (column == TIME_WAIT) {
        peer(w, "F. seq=1 ack=2 %s", ts);
        sends(w, ". seq=2 ack=2");
        told(w, way, HF_EVENT_PEER_CLOSED);
        told(w, way, HF_EVENT_CLOSED);
    }
}

void reach(struct world *w, enum column column, enum way way, uint32_t timestamps)
{
    char ts[32] = "";

    world_restart(w);
    if (timestamps != 0) {
        snprintf(ts, sizeof ts, "ts=%u", timestamps);
    }
    reach_opening(w, column, way, ts);
    if (column > ESTABLISHED) {
        reach_closing(w, column, way, ts);
    }
    silent(w);
    in_state(w, position_of(column).state);
}
