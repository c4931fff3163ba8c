/* SPDX-License-Identifier: MIT
 *
 * One script being played on one stack in virtual time.
 *
 * Everything happens in one thread. The clock moves only in run_advance: to the time of the next
 * event, or to the stack's next deadline where that is sooner. What the stack sends is taken at
 * once and waits, with its time, for the line that expects it.
 *
 * A call that blocks (one with a time range) asks the socket layer, which asks run_wait to let time
 * pass: run_wait plays the next small step of the script, inside the call, and returns, and the
 * call looks whether it has what it waits for. So a call completes at the very instant at which
 * something satisfied it, before anything else happens, and there is no second thread whose turn
 * would have to be waited for.
 */
#ifndef DRILL_RUN_H
#define DRILL_RUN_H

#include "drill_flow.h"
#include "drill_match.h"
#include "drill_settings.h"

#include <handfast/socket.h>
#include <stdio.h>

/* What is added to the run's clock where a program would see Unix time. */
#define DRILL_WALL_CLOCK (INT64_C(1000000000) * HF_SECOND)

enum { DRILL_DESCRIPTORS = 1024, DRILL_TRACE_LINES = 12, DRILL_TRACE_BYTES = 256 };

/* A packet of the stack that no line has matched yet. */
struct drill_sent {
    hf_time time;
    uint8_t *packet;
    size_t length;
    bool told; /* --verbose has listed it */
    struct drill_sent *next;
};

/* A descriptor of the script. */
struct drill_descriptor {
    int live;                /* the socket layer's, or -1 */
    struct drill_pipe *pipe; /* instead: an end of a pipe, or a file */
    bool pipe_writer;
    bool connecting;        /* it has a flow of its own */
    bool content_unknown;   /* what is read from it cannot be told by its place */
    uint32_t written, read; /* bytes of the streams so far */
};

/* Memory of a call, which its bytes follow. */
struct drill_kept {
    struct drill_kept *next;
};

/* The call that is being made; calls nest when one blocks. */
struct drill_call_frame {
    const struct drill_event *event;
    bool would_block; /* it has no time range, but waits */
    bool overdue;     /* nothing can end it any more */
    hf_time latest;   /* when it must have returned */
    struct drill_call_frame *outer;
};

struct drill_run {
    const struct drill_script *script;
    const struct drill_settings *settings;
    enum drill_version version;
    FILE *out; /* what there is to say about it */
    struct hf_config config;
    struct hf_stack *stack;
    struct hf_sockets *sockets;
    struct hf_address local, remote;
    hf_time start, now, last_event;
    const struct drill_event *event; /* the next one */
    bool failed;
    bool real_time; /* written for a kernel in real time: packetdrill's usual tolerance holds */
    uint64_t steps;
    uint8_t *buffer; /* for one packet out */

    struct drill_sent *sent, **sent_end;
    hf_time earliest, latest;       /* of the outbound line being waited for */
    bool waiting;                   /* earliest and latest are set */
    struct drill_progress progress; /* of that line */

    struct drill_flow *flows; /* the newest first */
    struct drill_flow *flow;  /* the current one */
    bool listening;           /* the next SYN begins a new flow */
    unsigned passive_flows;

    struct drill_descriptor descriptors[DRILL_DESCRIPTORS];
    struct drill_kept *kept;   /* memory of zero copies */
    struct drill_pipe *opened; /* by the call that is being made */
    int info_descriptor;       /* the script's, whose TCP_INFO assertions see */
    struct drill_call_frame *frame;

    char *code; /* Python, collected */
    size_t code_length;
    FILE *code_file;
    bool has_code;

    char trace[DRILL_TRACE_LINES][DRILL_TRACE_BYTES];
    uint64_t trace_count;
    struct hf_ladder *ladder;
    struct hf_trace_tee tee;
};

/* Plays the script over one version of IP; true: it passed. What is wrong goes to `out`. */
bool drill_run_script(const struct drill_script *script, const struct drill_settings *settings,
                      enum drill_version version, FILE *out);

/* ---- between the files of the runner */

/* The first failure: "path:line:column: message". */
__attribute__((format(printf, 3, 4))) void
run_fail(struct drill_run *run, const struct drill_event *event, const char *format, ...);
/* A packet or a call is not as the line says: the same, unless --non_fatal makes it a warning. */
__attribute__((format(printf, 3, 4))) void
run_differs(struct drill_run *run, const struct drill_event *event, const char *format, ...);
/* Seconds since the script began, for people. */
const char *run_time_text(const struct drill_run *run, hf_time time, char text[32]);
/* Lets the clock read `time` and takes what the stack sends. */
void run_advance(struct drill_run *run, hf_time time);
void run_drain(struct drill_run *run);
/* How far an event may be off, `gap` after the one before. */
hf_time run_tolerance(const struct drill_run *run, const struct drill_event *event, hf_time gap);
/* The begin of an event's time; *end: the end of its range. */
hf_time run_event_time(const struct drill_run *run, const struct drill_event *event, hf_time *end);
/* hf_sockets_config.wait and now. */
int run_wait(void *context, hf_time until);
hf_time run_now(void *context);

/* drill_inject.c: an inbound line. */
void run_inject(struct drill_run *run, const struct drill_event *event);
/* The flow that a line speaks of; made if it is inbound and new. NULL after a failure. */
struct drill_flow *run_flow(struct drill_run *run, const struct drill_event *event);
struct drill_flow *run_flow_new(struct drill_run *run, uint16_t remote_port, uint16_t local_port);

/* drill_call.c: a system call. */
void run_call(struct drill_run *run, const struct drill_event *event);

/* drill_config.c: the stack's configuration, and shell commands in the middle of a script. */
bool run_configure(struct drill_run *run);
void run_command(struct drill_run *run, const struct drill_event *event);

/* drill_code.c: assertions. */
void run_code(struct drill_run *run, const struct drill_event *event);
bool run_python(struct drill_run *run);

/* drill_trace.c */
struct hf_trace_sink run_trace_sink(struct drill_run *run);
void run_print_trace(const struct drill_run *run);

#endif
