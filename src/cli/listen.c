/* SPDX-License-Identifier: MIT
 *
 * `handfast listen': waits for a connection, and is nc from then on.
 */
#define _GNU_SOURCE /* <uv.h> needs more than C17 has */

#include "message.h"
#include "options.h"
#include "session.h"

#include <string.h>

enum { ID_KEEP = SESSION_ID_OWN, BACKLOG = 16 };

struct listening {
    struct host_owner owner;
    struct session *session;
    hf_handle listener;
    bool busy;
};

static const struct option_row rows[] = {
    SESSION_OPTION_ROWS,
    {ID_KEEP, "keep", NULL,
     "Serve one connection after the other, until a signal. What they send is written one after "
     "the other; a file given with --send is sent to each."},
};

static int run(int argc, char **argv);

const struct command command_listen = {
    .name = "listen",
    .operands = "[ADDRESS:]PORT",
    .summary = "wait for a connection; what it brings goes to standard output",
    .description =
        "Waits for a connection to PORT, at all of Handfast's addresses or at one. Sends "
        "standard input to the peer and writes what the peer sends to standard output. The end "
        "of standard input closes that direction only; the command ends when both are closed.",
    .options = rows,
    .option_count = sizeof rows / sizeof rows[0],
    .network = true,
    .run = run,
};

static bool take(void *context, int id, const char *argument)
{
    struct session *session = context;

    if (id == ID_KEEP) {
        session->keep = true;
        return true;
    }
    return session_take_option(session, id, argument);
}

static void accept_one(struct listening *listening)
{
    struct session *session = listening->session;
    struct hf_endpoint peer;
    hf_handle connection;

    if (listening->busy || session->host.stopping ||
        hf_accept(session->host.stack, listening->listener, &connection, &peer) != HF_OK)
        return;
    listening->busy = true;
    if (!session->keep) {
        /* Others who come now are refused rather than left to wait for nothing. */
        host_disown(&session->host, listening->listener);
        hf_close(session->host.stack, listening->listener, host_now(&session->host));
        listening->listener = HF_NO_HANDLE;
    }
    session_begin(session, connection, &peer, true);
}

static void take_event(struct host_owner *owner, const struct hf_event *event)
{
    if (event->type == HF_EVENT_ACCEPTABLE)
        accept_one((struct listening *)owner);
}

/* After one connection of --keep, the next. */
static void next(struct session *session, int exit_code)
{
    struct listening *listening = session->context;

    listening->busy = false;
    if (!session->keep) {
        host_stop(&session->host, exit_code);
        return;
    }
    if (session->send_path != NULL || session->generates) {
        int error = descriptor_rewind(&session->source);

        if (error != 0) {
            host_stop(&session->host, fail(error, "cannot send '%s' again", session->source.name));
            return;
        }
        session->stream.source_ended = false;
    }
    accept_one(listening);
}

static int start(struct session *session, struct listening *listening,
                 const struct hf_endpoint *local)
{
    struct host *host = &session->host;
    char text[HF_ENDPOINT_TEXT];
    int error;

    error = host_listen(host, local, BACKLOG, &listening->listener);
    if (error != HF_OK) {
        if (local->address.family == HF_FAMILY_ANY)
            return fail(error, "listening on port %u", local->port);
        return fail(error, "listening on %s", hf_endpoint_format(local, text));
    }
    listening->owner.event = take_event;
    if (!host_own(host, listening->listener, &listening->owner))
        return fail(HF_ENOMEM, "listening on port %u", local->port);
    for (size_t i = 0; i < session->network.address_count; i++) {
        struct hf_endpoint at = {session->network.addresses[i].address, local->port};

        if (local->address.family == HF_FAMILY_ANY ||
            hf_address_equal(&local->address, &at.address))
            say("listening on %s", hf_endpoint_format(&at, text));
    }
    return EXIT_CODE_OK;
}

static bool parse_local(const char *text, struct hf_endpoint *local)
{
    unsigned long port;

    *local = (struct hf_endpoint){.port = 0};
    if (parse_number(text, 1, 65535, &port)) {
        local->port = (uint16_t)port;
        return true;
    }
    return hf_endpoint_parse(text, local) == HF_OK && local->port != 0 &&
           !hf_address_is_any(&local->address);
}

static int run(int argc, char **argv)
{
    struct session *session = session_new(&command_listen);
    struct listening listening = {.session = session};
    struct hf_endpoint local;
    int operand, code;

    if (session == NULL)
        return EXIT_CODE_FAILURE;
    session->context = &listening;
    session->next = next;
    if (!options_scan(&command_listen, argc, argv, &session->network, take, session, &operand,
                      &code))
        return session_close(session, code);
    code = EXIT_CODE_USAGE;
    if (argc - operand != 1)
        fail_usage(&command_listen, argc == operand ? "listen needs a port"
                                                    : "listen takes one port and nothing more");
    else if (!parse_local(argv[operand], &local))
        fail_usage(&command_listen, "'%s' is not a port from 1 to 65535, nor ADDRESS:PORT",
                   argv[operand]);
    else
        code = session_open(session);
    if (code == EXIT_CODE_OK)
        code = start(session, &listening, &local);
    if (code == EXIT_CODE_OK)
        code = host_run(&session->host);
    if (listening.listener != HF_NO_HANDLE)
        hf_close(session->host.stack, listening.listener, host_now(&session->host));
    return session_close(session, code);
}
