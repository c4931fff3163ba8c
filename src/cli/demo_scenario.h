/* SPDX-License-Identifier: MIT
 *
 * A scenario is a question, a list of steps for the two programs and the link, and an answer. The
 * steps say what the programs ask for and what the network does; what the two TCPs make of it is
 * theirs alone, and is compared with what the RFC says should have come of it.
 */
#ifndef DEMO_SCENARIO_H
#define DEMO_SCENARIO_H

#include "demo_stage.h"

enum demo_action {
    DEMO_ACT,     /* both hosts anew, with nothing open; text: the act's heading; value: the MSL in
                     ms, 0: the default */
    DEMO_SAY,     /* text: a remark */
    DEMO_LISTEN,  /* OPEN, passive */
    DEMO_CONNECT, /* OPEN, active */
    DEMO_SEND,    /* value: bytes */
    DEMO_CLOSE,   /* CLOSE in the RFC's sense: nothing more to send */
    DEMO_ABORT,   /* ABORT */
    DEMO_READING, /* value: 1: the program reads what arrives; 0: it lets it lie */
    DEMO_LOSE,    /* value: enum demo_packet: the next such packet of the host is lost */
    DEMO_LOSE_THIRD, /* the same, but two such packets pass before */
    DEMO_HOLD,       /* what the host sends from now on is held back value ms longer; 0: no more */
    DEMO_CRASH,      /* the host loses its memory and starts again */
    DEMO_REPLAY,  /* value: enum demo_packet: an old copy of the host's last such packet arrives */
    DEMO_RUN,     /* value: so many ms pass */
    DEMO_RUN_OUT, /* time passes until nothing is left to happen */
    /* Checks: what the host's stack (state), program (bytes, error, end) or trace (path) says. */
    DEMO_STATE,    /* value: enum hf_state */
    DEMO_PATH,     /* text: the states since the act began, with spaces between */
    DEMO_RECEIVED, /* value: bytes that arrived, all of them right */
    DEMO_ERROR,    /* value: what the program was told, negated; 0: nothing */
    DEMO_GAVE      /* value: enum hf_reason: the host gave it, or the link for it, in this act */
};

struct demo_step {
    enum demo_action action;
    unsigned host;
    uint32_t value;
    const char *text;
};

struct demo_scenario {
    const char *name;
    const char *summary; /* one line, for lists */
    const char *question;
    const char *before;   /* what happens, and what to look for */
    const char *answer;   /* what was seen, and why it must be so */
    const char *sections; /* where it is written */
    struct demo_casting casting;
    const struct demo_step *steps;
    size_t step_count;
};

/* All of them, in the order of a course; NULL past the end. */
const struct demo_scenario *demo_scenario_at(size_t index);
const struct demo_scenario *demo_scenario_find(const char *name);

/* Plays one on the options' terms and prints what came of it. An exit code. */
int demo_scenario_play(const struct demo_scenario *scenario, const struct demo_options *options);

/* The chapters. */
extern const struct demo_scenario demo_handshake, demo_old_duplicate, demo_simultaneous_open;
extern const struct demo_scenario demo_transfer;
extern const struct demo_scenario demo_close, demo_simultaneous_close, demo_lost_last_ack;
extern const struct demo_scenario demo_half_open, demo_reset;

#define DEMO_STEPS(table) .steps = (table), .step_count = sizeof(table) / sizeof(table)[0]
/* The plain network of the scenarios: 10 ms each way, nothing lost unless a step says so. */
#define DEMO_PLAIN_LINK                     \
    {                                       \
        {.delay_ns = 10 * HF_MILLISECOND},  \
        {                                   \
            .delay_ns = 10 * HF_MILLISECOND \
        }                                   \
    }

#endif
