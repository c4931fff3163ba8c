/* SPDX-License-Identifier: MIT
 *
 * Files are opened before the device is touched: a mistyped name is told at once, and to users
 * without any rights too.
 */
#define _GNU_SOURCE /* <uv.h> needs more than C17 has */

#include "session.h"

#include "message.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROGRESS_MILLISECONDS = 100 };

struct session *session_new(const struct command *command)
{
    struct session *session = calloc(1, sizeof *session);

    if (session == NULL) {
        fail(-ENOMEM, "%s", command->name);
        return NULL;
    }
    session->command = command;
    session->source.number = session->sink.number = -1;
    network_options_init(&session->network);
    return session;
}

bool session_take_option(struct session *session, int id, const char *argument)
{
    switch (id) {
    case SESSION_ID_SEND:
        session->send_path = argument;
        return true;
    case SESSION_ID_RECV:
        session->recv_path = argument;
        return true;
    case SESSION_ID_EXPECT:
        session->has_expected = parse_bytes(argument, &session->expected_bytes);
        if (!session->has_expected)
            fail_usage(session->command,
                       "--expect: '%s' is not a number of bytes, like 4096 or 16M", argument);
        return session->has_expected;
    case SESSION_ID_GENERATE:
        session->generates = parse_bytes(argument, &session->generated_bytes);
        if (!session->generates)
            fail_usage(session->command,
                       "--generate: '%s' is not a number of bytes, like 4096 or 16M", argument);
        return session->generates;
    case SESSION_ID_DISCARD:
        session->discards = true;
        return true;
    default:
        return false;
    }
}

static int check_files(const struct session *session)
{
    if (session->generates && session->send_path != NULL)
        return fail_usage(session->command, "--generate and --send: what shall be sent?");
    if (session->discards && session->recv_path != NULL)
        return fail_usage(session->command, "--discard and --recv: what shall be written?");
    return EXIT_CODE_OK;
}

static int open_files(struct session *session)
{
    int error;

    if (session->generates)
        error = descriptor_open_made_up(&session->source, session->generated_bytes, false);
    else if (session->send_path != NULL)
        error = descriptor_open_file(&session->source, session->send_path, false);
    else if (session->recv_path != NULL && isatty(STDIN_FILENO))
        error = -EBADF;
    else
        error = descriptor_open_standard(&session->source, STDIN_FILENO);
    /* A closed standard input is one that has ended. */
    if (error != 0 && session->send_path != NULL)
        return fail(error, "cannot read '%s'", session->send_path);
    session->has_source = error == 0;

    if (session->discards)
        error = descriptor_open_made_up(&session->sink, 0, true);
    else if (session->recv_path != NULL)
        error = descriptor_open_file(&session->sink, session->recv_path, true);
    else
        error = descriptor_open_standard(&session->sink, STDOUT_FILENO);
    if (error != 0)
        return fail(error, "cannot write %s%s%s", session->recv_path != NULL ? "'" : "",
                    session->recv_path != NULL ? session->recv_path : "to standard output",
                    session->recv_path != NULL ? "'" : "");
    return EXIT_CODE_OK;
}

static uint64_t progress_bytes(const struct session *session)
{
    return session->progress_receives ? session->stream.received_bytes
                                      : stream_acknowledged(&session->stream);
}

static void show_progress(uv_timer_t *timer)
{
    struct session *session = timer->data;

    progress_update(&session->progress, progress_bytes(session), host_now(&session->host));
    progress_draw(&session->progress);
}

/* The file that is sent, whose size is known, is the better measure; without one, what comes. */
static void start_progress(struct session *session)
{
    if ((session->send_path == NULL && session->recv_path == NULL) || !progress_wanted())
        return;
    session->progress_receives = session->send_path == NULL;
    progress_start(&session->progress, session->progress_receives ? "received" : "sent",
                   session->progress_receives ? session->expected_bytes : session->source.file_size,
                   host_now(&session->host));
    uv_timer_start(&session->progress_timer, show_progress, PROGRESS_MILLISECONDS,
                   PROGRESS_MILLISECONDS);
}

static void stream_connected(struct stream *stream)
{
    struct session *session = stream->context;
    char peer[HF_ENDPOINT_TEXT];

    host_tell(&session->host, "connected to %s", hf_endpoint_format(&session->peer, peer));
    start_progress(session);
}

static int report(struct session *session, enum stream_end how, int error)
{
    const struct stream *stream = &session->stream;
    char peer[HF_ENDPOINT_TEXT];

    hf_endpoint_format(&session->peer, peer);
    /* "Host unreachable", said by a router meanwhile, explains more than "timed out". */
    if (error == HF_ETIMEDOUT && stream->soft_error != HF_OK)
        error = stream->soft_error;
    switch (how) {
    case STREAM_CONNECTION:
        if (!stream->open)
            return fail_connection(error, "connecting to %s", peer);
        return fail_connection(
            error, "the connection with %s, after %" PRIu64 " bytes sent and %" PRIu64 " received",
            peer, stream->sent_bytes, stream->received_bytes);
    case STREAM_SOURCE:
        if (error == -ENODATA) {
            say("%s became shorter while it was being sent; the connection with %s was reset",
                session->source.name, peer);
            return EXIT_CODE_FAILURE;
        }
        return fail(error, "reading %s; the connection with %s was reset", session->source.name,
                    peer);
    case STREAM_SINK:
        return fail(error, "writing %s; the connection with %s was reset", session->sink.name,
                    peer);
    case STREAM_DONE:
        break;
    }
    host_tell(&session->host,
              "closed: %" PRIu64 " bytes sent to %s and %" PRIu64 " received from it",
              stream->sent_bytes, peer, stream->received_bytes);
    if (session->has_expected && stream->received_bytes != session->expected_bytes) {
        say("%s sent %" PRIu64 " bytes, where %" PRIu64 " were expected", peer,
            stream->received_bytes, session->expected_bytes);
        return EXIT_CODE_FAILURE;
    }
    return EXIT_CODE_OK;
}

static void stream_ended(struct stream *stream, enum stream_end how, int error)
{
    struct session *session = stream->context;
    int exit_code;

    uv_timer_stop(&session->progress_timer);
    progress_finish(&session->progress,
                    session->progress_receives ? stream->received_bytes : stream->sent_bytes,
                    host_now(&session->host));
    exit_code = report(session, how, error);
    if (session->next != NULL && how != STREAM_SOURCE && how != STREAM_SINK)
        session->next(session, exit_code);
    else
        host_stop(&session->host, exit_code);
}

static void take_signal(struct host *host, int number)
{
    struct session *session = host->command;

    uv_timer_stop(&session->progress_timer);
    progress_finish(&session->progress, progress_bytes(session), host_now(host));
    if (session->stream.handle != HF_NO_HANDLE)
        host_tell(host, "interrupted: the connection is reset");
    stream_abort(&session->stream);
    /* A signal is how --keep is meant to end. */
    host_stop(host, session->keep ? EXIT_CODE_OK : EXIT_CODE_SIGNAL + number);
}

static void take_returned(struct host *host, const struct hf_returned *returned)
{
    (void)host;
    stream_returned(returned);
}

static bool source_is_whole(struct host *host)
{
    struct session *session = host->command;

    return stream_source_is_whole(&session->stream);
}

int session_open(struct session *session)
{
    struct stream *stream = &session->stream;
    int code, error = 0;

    if (!network_options_finish(&session->network, session->command))
        return EXIT_CODE_USAGE;
    code = check_files(session);
    if (code == EXIT_CODE_OK)
        code = open_files(session);
    if (code == EXIT_CODE_OK)
        code = host_open(&session->host, &session->network, session->command->name);
    if (code != EXIT_CODE_OK)
        return code;
    session->host.command = session;
    session->host.on_signal = take_signal;
    uv_timer_init(&session->host.loop, &session->progress_timer);
    session->progress_timer.data = session;
    session->timer_open = true;
    if (session->has_source)
        error =
            descriptor_attach(&session->source, &session->host.loop, stream_source_ready, stream);
    if (error != 0)
        return fail(error, "cannot wait for %s", session->source.name);
    error = descriptor_attach(&session->sink, &session->host.loop, stream_sink_ready, stream);
    if (error != 0)
        return fail(error, "cannot wait for %s", session->sink.name);
    stream->host = &session->host;
    stream->source = session->has_source ? &session->source : NULL;
    if (session->send_path != NULL && mapped_file_open(&session->mapped, session->source.number)) {
        stream->mapped = &session->mapped;
        session->host.on_returned = take_returned;
        session->host.source_is_whole = source_is_whole;
    }
    stream->sink = &session->sink;
    stream->keep_sink = session->keep;
    stream->connected = stream_connected;
    stream->ended = stream_ended;
    stream->context = session;
    return EXIT_CODE_OK;
}

void session_begin(struct session *session, hf_handle handle, const struct hf_endpoint *peer,
                   bool open)
{
    session->peer = *peer;
    session->stream.handle = handle;
    session->stream.open = open;
    if (open)
        stream_connected(&session->stream);
    if (!stream_start(&session->stream)) {
        hf_abort(session->host.stack, handle, host_now(&session->host));
        session->stream.handle = HF_NO_HANDLE;
        host_stop(&session->host, fail(-ENOMEM, "cannot look after a connection"));
    }
}

int session_close(struct session *session, int exit_code)
{
    int error;

    if (session->host.loop_open) {
        stream_abort(&session->stream);
        if (session->timer_open)
            uv_close((uv_handle_t *)&session->progress_timer, NULL);
    }
    descriptor_close(&session->source);
    error = descriptor_close(&session->sink);
    if (error != 0 && exit_code == EXIT_CODE_OK)
        exit_code = fail(error, "writing %s", session->sink.name);
    exit_code = host_close(&session->host, exit_code);
    mapped_file_close(&session->mapped);
    free(session);
    return exit_code;
}
