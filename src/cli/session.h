/* SPDX-License-Identifier: MIT
 *
 * What `listen' and `connect' have in common: a host, a source, a sink, and a stream between them
 * and the connection.
 */
#ifndef SESSION_H
#define SESSION_H

#include "command.h"
#include "host.h"
#include "options.h"
#include "progress.h"
#include "stream.h"

struct session {
    const struct command *command;
    struct network_options network;
    const char *send_path, *recv_path; /* NULL: standard input, standard output */
    uint64_t expected_bytes;           /* --expect; meant only if has_expected */
    uint64_t generated_bytes;          /* --generate, only if `generates` */
    bool has_expected, generates, discards;
    bool keep; /* more connections follow: the sink stays open */
    /* Called when a connection has ended and was reported; the default stops the host with the
     * code. */
    void (*next)(struct session *session, int exit_code);
    void *context;

    struct host host;
    struct stream stream;
    struct hf_endpoint peer;
    struct descriptor source, sink;
    struct mapped_file mapped; /* of --send */
    bool has_source;
    struct progress progress;
    uv_timer_t progress_timer;
    bool timer_open, progress_receives;
};

/* Ids of the shared rows below; a command's own begin at SESSION_ID_OWN. */
enum {
    SESSION_ID_SEND = 1,
    SESSION_ID_RECV,
    SESSION_ID_EXPECT,
    SESSION_ID_GENERATE,
    SESSION_ID_DISCARD,
    SESSION_ID_OWN
};
#define SESSION_OPTION_ROWS                                                                      \
    {SESSION_ID_SEND, "send", "FILE", "Send this file instead of standard input."},              \
        {SESSION_ID_RECV, "recv", "FILE",                                                        \
         "Write what the peer sends to this file instead of standard output. Standard input is " \
         "then not read from a terminal."},                                                      \
        {SESSION_ID_EXPECT, "expect", "BYTES[K|M|G]",                                            \
         "How much the peer will send: for the progress bar, and an error if it is not so."},    \
        {SESSION_ID_GENERATE, "generate", "BYTES[K|M|G]",                                        \
         "Send so many bytes of zero, made here, instead of standard input: to measure."},       \
    {                                                                                            \
        SESSION_ID_DISCARD, "discard", NULL,                                                     \
            "Read what the peer sends and write it nowhere: to measure."                         \
    }

/* Allocates it with the defaults; NULL: out of memory, after complaining. */
struct session *session_new(const struct command *command);
bool session_take_option(struct session *session, int id, const char *argument);
/* Opens the files, then the host. EXIT_CODE_OK, or another after complaining. */
int session_open(struct session *session);
/* Lets the stream run on this connection; `open` is false while it is being opened. */
void session_begin(struct session *session, hf_handle handle, const struct hf_endpoint *peer,
                   bool open);
/* Frees all and returns the command's exit code. */
int session_close(struct session *session, int exit_code);

#endif
