/* SPDX-License-Identifier: MIT
 *
 * State by user call and state by timer: what each call of RFC 9293 3.10.2 to 3.10.5 does in each
 * state, and which timers run there. In the listener's SYN-RECEIVED the program has no connection
 * yet, so there are no calls in that column.
 */
#include "cells_states.h"
#include <stdio.h>
#include <stdlib.h>

enum call { CALL_CLOSE, CALL_SHUTDOWN, CALL_ABORT, CALL_SEND, CALL_RECEIVE, CALL_TIME };

/* What leaves at once. */
enum reply { NOTHING, FIN, RESET, TEXT };

struct outcome {
    int skip;
    ptrdiff_t result;
    enum reply reply;
    enum hf_state state;
};

#define SKIP      \
    {             \
        .skip = 1 \
    }

/* CLOSE, the program letting go (3.10.4). SYN-SENT: delete the TCB. SYN-RECEIVED with nothing
 * queued: FIN, FIN-WAIT-1. ESTABLISHED: FIN, FIN-WAIT-1. CLOSE-WAIT: FIN, LAST-ACK. Elsewhere it
 * is closing already: nothing more is sent. */
static const struct outcome close_outcomes[COLUMN_COUNT] = {
    [SYN_SENT] = {.state = HF_CLOSED},
    [SYN_RECEIVED_PASSIVE] = SKIP,
    [SYN_RECEIVED_ACTIVE] = {.reply = FIN, .state = HF_FIN_WAIT_1},
    [ESTABLISHED] = {.reply = FIN, .state = HF_FIN_WAIT_1},
    [FIN_WAIT_1] = {.state = HF_FIN_WAIT_1},
    [FIN_WAIT_2] = {.state = HF_FIN_WAIT_2},
    [CLOSE_WAIT] = {.reply = FIN, .state = HF_LAST_ACK},
    [CLOSING] = {.state = HF_CLOSING},
    [LAST_ACK] = {.state = HF_LAST_ACK},
    [TIME_WAIT] = {.state = HF_TIME_WAIT},
};

/* The same call keeping the handle (half-close). While opening actively there is nothing to half
 * close (stack.h: HF_ENOTCONN), and after the end neither. */
static const struct outcome shutdown_outcomes[COLUMN_COUNT] = {
    [SYN_SENT] = {.result = HF_ENOTCONN, .state = HF_SYN_SENT},
    [SYN_RECEIVED_PASSIVE] = SKIP,
    [SYN_RECEIVED_ACTIVE] = {.reply = FIN, .state = HF_FIN_WAIT_1},
    [ESTABLISHED] = {.reply = FIN, .state = HF_FIN_WAIT_1},
    [FIN_WAIT_1] = {.state = HF_FIN_WAIT_1},
    [FIN_WAIT_2] = {.state = HF_FIN_WAIT_2},
    [CLOSE_WAIT] = {.reply = FIN, .state = HF_LAST_ACK},
    [CLOSING] = {.state = HF_CLOSING},
    [LAST_ACK] = {.state = HF_LAST_ACK},
    [TIME_WAIT] = SKIP,
};

/* ABORT (3.10.5): RST in SYN-RECEIVED, ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2 and CLOSE-WAIT; in
 * CLOSING and LAST-ACK the TCB just goes. TIME-WAIT outlives its program here, as it does in
 * Linux, where no socket is left to abort it by. */
static const struct outcome abort_outcomes[COLUMN_COUNT] = {
    [SYN_SENT] = {.state = HF_CLOSED},
    [SYN_RECEIVED_PASSIVE] = SKIP,
    [SYN_RECEIVED_ACTIVE] = {.reply = RESET, .state = HF_CLOSED},
    [ESTABLISHED] = {.reply = RESET, .state = HF_CLOSED},
    [FIN_WAIT_1] = {.reply = RESET, .state = HF_CLOSED},
    [FIN_WAIT_2] = {.reply = RESET, .state = HF_CLOSED},
    [CLOSE_WAIT] = {.reply = RESET, .state = HF_CLOSED},
    [CLOSING] = {.state = HF_CLOSED},
    [LAST_ACK] = {.state = HF_CLOSED},
    [TIME_WAIT] = {.state = HF_TIME_WAIT},
};

/* SEND (3.10.2): queued while opening, sent in ESTABLISHED and CLOSE-WAIT, afterwards "error:
 * connection closing". */
static const struct outcome send_outcomes[COLUMN_COUNT] = {
    [SYN_SENT] = {.result = 10, .state = HF_SYN_SENT},
    [SYN_RECEIVED_PASSIVE] = SKIP,
    [SYN_RECEIVED_ACTIVE] = {.result = 10, .state = HF_SYN_RECEIVED},
    [ESTABLISHED] = {.result = 10, .reply = TEXT, .state = HF_ESTABLISHED},
    [FIN_WAIT_1] = {.result = HF_EPIPE, .state = HF_FIN_WAIT_1},
    [FIN_WAIT_2] = {.result = HF_EPIPE, .state = HF_FIN_WAIT_2},
    [CLOSE_WAIT] = {.result = 10, .reply = TEXT, .state = HF_CLOSE_WAIT},
    [CLOSING] = {.result = HF_EPIPE, .state = HF_CLOSING},
    [LAST_ACK] = {.result = HF_EPIPE, .state = HF_LAST_ACK},
    [TIME_WAIT] = {.result = HF_EPIPE, .state = HF_TIME_WAIT},
};

/* RECEIVE (3.10.3) with nothing received: waits in ESTABLISHED and the FIN-WAITs; "connection
 * closing", which is end of file, once the peer's FIN was taken. */
static const struct outcome receive_outcomes[COLUMN_COUNT] = {
    [SYN_SENT] = {.result = HF_ENOTCONN, .state = HF_SYN_SENT},
    [SYN_RECEIVED_PASSIVE] = SKIP,
    [SYN_RECEIVED_ACTIVE] = {.result = HF_ENOTCONN, .state = HF_SYN_RECEIVED},
    [ESTABLISHED] = {.result = HF_EAGAIN, .state = HF_ESTABLISHED},
    [FIN_WAIT_1] = {.result = HF_EAGAIN, .state = HF_FIN_WAIT_1},
    [FIN_WAIT_2] = {.result = HF_EAGAIN, .state = HF_FIN_WAIT_2},
    [CLOSE_WAIT] = {.result = 0, .state = HF_CLOSE_WAIT},
    [CLOSING] = {.result = 0, .state = HF_CLOSING},
    [LAST_ACK] = {.result = 0, .state = HF_LAST_ACK},
    [TIME_WAIT] = {.result = 0, .state = HF_TIME_WAIT},
};

/* What a state sends when it is left alone (3.10.8): the retransmission of what is unacknowledged,
 * at `first` and again after twice that; nothing where nothing is. The opening took no time, which
 * counts as one microsecond: an RTO of 200.001 ms. */
struct timer {
    const char *segment;
    hf_time first;
    hf_time end; /* 0: the state lasts for ever */
};
static const hf_time rto = 200 * HF_MILLISECOND + HF_MICROSECOND;

static struct timer timer_of(enum column column)
{
    static const struct timer timers[COLUMN_COUNT] = {
        [SYN_SENT] = {"S seq=0", HF_SECOND, 0},
        [SYN_RECEIVED_PASSIVE] = {"S. seq=0 ack=1", HF_SECOND, 0},
        [SYN_RECEIVED_ACTIVE] = {"S. seq=0 ack=1", HF_SECOND, 0},
        [ESTABLISHED] = {NULL, 0, 0},
        [FIN_WAIT_1] = {"F. seq=1 ack=1", rto, 0},
        [FIN_WAIT_2] = {NULL, 0, 0},
        [CLOSE_WAIT] = {NULL, 0, 0},
        [CLOSING] = {"F. seq=1 ack=2", rto, 0},
        [LAST_ACK] = {"F. seq=1 ack=2", rto, 0},
        [TIME_WAIT] = {NULL, 0, 60 * HF_SECOND},
    };
    return timers[column];
}

struct cell {
    enum call call;
    enum column column;
    enum hf_family family;
    struct world *world;
    char name[80];
};

static int cell_setup(void **state)
{
    struct cell *cell = *state;
    void *world = NULL;
    int failed = cell->family == HF_IPV4 ? world_setup_v4(&world) : world_setup_v6(&world);

    cell->world = world;
    return failed;
}

static int cell_teardown(void **state)
{
    struct cell *cell = *state;
    void *world = cell->world;

    return world_teardown(&world);
}

static void check_reply(struct world *w, enum reply reply, const struct position *at)
{
    switch (reply) {
    case NOTHING:
        break;
    case FIN:
        sends(w, "F. seq=%d ack=%d", at->nxt, at->rcv_nxt);
        break;
    case RESET:
        sends(w, "R. seq=%d ack=%d", at->nxt, at->rcv_nxt);
        break;
    case TEXT:
        sends(w, "P. seq=%d ack=%d len=10", at->nxt, at->rcv_nxt);
        break;
    }
    silent_for(w, 100 * HF_MILLISECOND);
}

static void run_call(struct world *w, enum call call, const struct outcome *outcome)
{
    uint8_t bytes[10] = {0};
    hf_handle handle = w->flow->connection;
    ptrdiff_t result = 0;

    switch (call) {
    case CALL_CLOSE:
        result = hf_close(w->stack, handle, w->now);
        break;
    case CALL_SHUTDOWN:
        result = hf_shutdown(w->stack, handle, w->now);
        break;
    case CALL_ABORT:
        result = hf_abort(w->stack, handle, w->now);
        break;
    case CALL_SEND:
        if (outcome->result > 0) {
            user_send(w, sizeof bytes); /* with the bytes the bench will look for */
            return;
        }
        result = hf_send(w->stack, handle, bytes, sizeof bytes, 0, w->now);
        break;
    case CALL_RECEIVE:
        result = hf_recv(w->stack, handle, bytes, sizeof bytes, 0, w->now);
        break;
    case CALL_TIME:
        break;
    }
    assert_int_equal(result, outcome->result);
    run_for(w, 0, 1);
}

static const struct outcome *outcome_of(enum call call, enum column column)
{
    static const struct outcome *const tables[] = {[CALL_CLOSE] = close_outcomes,
                                                   [CALL_SHUTDOWN] = shutdown_outcomes,
                                                   [CALL_ABORT] = abort_outcomes,
                                                   [CALL_SEND] = send_outcomes,
                                                   [CALL_RECEIVE] = receive_outcomes};
    return &tables[call][column];
}

static void run_time(struct world *w, enum column column)
{
    struct timer timer = timer_of(column);

    if (timer.segment != NULL) {
        sends_after(w, timer.first, "%s", timer.segment);
        in_state(w, position_of(column).state);
        sends_after(w, 2 * timer.first, "%s", timer.segment);
        return;
    }
    if (timer.end == 0) {
        silent_for(w, 3600 * HF_SECOND);
        in_state(w, position_of(column).state);
        return;
    }
    silent_for(w, timer.end - HF_MILLISECOND);
    in_state(w, position_of(column).state);
    silent_for(w, 2 * HF_MILLISECOND);
    in_state(w, HF_CLOSED);
}

static void run_cell(void **state)
{
    struct cell *cell = *state;
    struct world *w = cell->world;
    struct position at = position_of(cell->column);
    const struct outcome *outcome;

    reach(w, cell->column, OPENED_ACTIVELY, 0);
    if (cell->call == CALL_TIME) {
        run_time(w, cell->column);
        return;
    }
    outcome = outcome_of(cell->call, cell->column);
    run_call(w, cell->call, outcome);
    check_reply(w, outcome->reply, &at);
    in_state(w, outcome->state);
    no_event(w, HF_EVENT_ERROR);
}

int main(void)
{
    static const char *const names[] = {"CLOSE", "half-CLOSE", "ABORT", "SEND", "RECEIVE", "time"};
    static struct cell cells[6 * COLUMN_COUNT * 2];
    static struct CMUnitTest tests[6 * COLUMN_COUNT * 2];
    size_t count = 0;

    for (unsigned call = CALL_CLOSE; call <= CALL_TIME; call++) {
        for (unsigned i = 0; i < COLUMN_COUNT * 2; i++) {
            struct cell *cell = &cells[count];
            cell->call = (enum call)call;
            cell->column = (enum column)(i / 2);
            cell->family = i % 2 ? HF_IPV6 : HF_IPV4;
            if (call != CALL_TIME && outcome_of(cell->call, cell->column)->skip) {
                continue;
            }
            snprintf(cell->name, sizeof cell->name, "%s in %s (IPv%d)", names[call],
                     position_of(cell->column).name, (int)cell->family);
            tests[count++] =
                (struct CMUnitTest){cell->name, run_cell, cell_setup, cell_teardown, cell};
        }
    }
    return _cmocka_run_group_tests("calls", tests, count, NULL, NULL);
}
