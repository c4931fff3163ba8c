/* SPDX-License-Identifier: MIT
 *
 * Theory of operation.
 *
 * A Unix stream socket, named by the process id, in a directory that only its owner can write. A
 * client sends one line that says in which form it wants the connections, or what is remembered of
 * paths, gets them, and the server ends the connection. The list is made piece by piece with the
 * cursor of hf_stack_list or hf_metrics_list, a piece each time the client has taken the one
 * before: a million connections and a slow reader cost one buffer. A few clients at a time are
 * enough; more wait in the kernel's queue.
 */
#define _GNU_SOURCE /* accept4 */

#include "control.h"

#include "message.h"
#include "status_text.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { MOST_CLIENTS = 8, REQUEST_BYTES = 16, PIECE_BYTES = 65536, BACKLOG = 16 };

enum client_form { FORM_UNKNOWN, FORM_TEXT, FORM_JSON };

struct client {
    struct control *control;
    uv_pipe_t pipe;
    uv_write_t write;
    char request[REQUEST_BYTES];
    size_t request_length;
    enum client_form form;
    bool metrics; /* what is remembered of paths, not the connections */
    uint64_t cursor, rows;
    bool opened, ended; /* the list's beginning was written; its end was */
    char piece[PIECE_BYTES];
};

struct control {
    struct host *host;
    const char *command_name;
    char path[CONTROL_PATH_BYTES];
    uv_poll_t poll;
    int descriptor;
    unsigned clients;
    bool waiting;
};

static void accept_clients(uv_poll_t *poll, int status, int events);

static void watch(struct control *control)
{
    if (control->waiting || control->clients >= MOST_CLIENTS)
        return;
    control->waiting = uv_poll_start(&control->poll, UV_READABLE, accept_clients) == 0;
}

static void client_closed(uv_handle_t *handle)
{
    struct client *client = handle->data;

    free(client);
}

static void client_close(struct client *client)
{
    if (uv_is_closing((uv_handle_t *)&client->pipe))
        return;
    uv_close((uv_handle_t *)&client->pipe, client_closed);
    client->control->clients--;
    watch(client->control);
}

static size_t begin_list(const struct client *client, char *text, size_t room)
{
    const struct control *control = client->control;
    int length;

    if (client->form == FORM_TEXT)
        return client->metrics ? status_text_metrics_header(text) : status_text_header(text);
    length = snprintf(text, room,
                      "{\"command\":\"%s\",\"process\":%ld,\"core\":%u,\"device\":\"%s\","
                      "\"now_ns\":%lld,\"%s\":[",
                      control->command_name, (long)getpid(), control->host->core,
                      hf_tun_name(control->host->tun), (long long)host_now(control->host),
                      client->metrics ? "metrics" : "connections");
    return (size_t)length;
}

static size_t end_list(const struct client *client, char *text)
{
    struct hf_counters counters;
    size_t length;

    hf_stack_counters(client->control->host->stack, &counters);
    length = (size_t)sprintf(text, "\n],\n\"counters\":");
    length += status_text_counters(text + length, &counters);
    length += (size_t)sprintf(text + length, "}\n");
    return length;
}

/* The next row, in either form; 0: there was none. */
static size_t next_row(struct client *client, char *text)
{
    const struct host *host = client->control->host;
    hf_time now = host_now(host);
    bool json = client->form == FORM_JSON;
    struct hf_metrics metrics;
    struct hf_status status;

    if (client->metrics) {
        if (!hf_metrics_list(host->stack, &client->cursor, &metrics))
            return 0;
        return json ? status_text_metrics_json(text, &metrics, now)
                    : status_text_metrics_row(text, &metrics, now);
    }
    if (!hf_stack_list(host->stack, &client->cursor, &status))
        return 0;
    return json ? status_text_json(text, &status, now) : status_text_row(text, &status, now);
}

/* Writes as many rows as fit; notes when they were the last. */
static size_t fill_piece(struct client *client)
{
    size_t length = 0;

    if (!client->opened)
        length = begin_list(client, client->piece, STATUS_TEXT_BYTES);
    client->opened = true;
    while (length + STATUS_TEXT_BYTES + STATUS_COUNTERS_BYTES < PIECE_BYTES - 64u) {
        const char *gap = client->form == FORM_TEXT ? "" : client->rows > 0 ? ",\n" : "\n";
        size_t gap_length = strlen(gap);
        size_t row = next_row(client, client->piece + length + gap_length);

        if (row == 0) {
            client->ended = true;
            break;
        }
        memcpy(client->piece + length, gap, gap_length);
        length += gap_length + row;
        client->rows++;
    }
    if (client->ended && client->form == FORM_JSON)
        length += end_list(client, client->piece + length);
    return length;
}

static void write_piece(struct client *client);

static void piece_written(uv_write_t *write, int status)
{
    struct client *client = write->data;

    if (status != 0 || client->ended)
        client_close(client);
    else
        write_piece(client);
}

static void write_piece(struct client *client)
{
    uv_buf_t buffer = uv_buf_init(client->piece, (unsigned)fill_piece(client));

    client->write.data = client;
    if (uv_write(&client->write, (uv_stream_t *)&client->pipe, &buffer, 1, piece_written) != 0)
        client_close(client);
}

static void offer_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct client *client = handle->data;

    (void)suggested;
    *buffer = uv_buf_init(client->request + client->request_length,
                          (unsigned)(REQUEST_BYTES - client->request_length));
}

static void understand(struct client *client)
{
    static const struct {
        const char *line;
        enum client_form form;
        bool metrics;
    } requests[] = {{CONTROL_REQUEST_TEXT, FORM_TEXT, false},
                    {CONTROL_REQUEST_JSON, FORM_JSON, false},
                    {CONTROL_REQUEST_METRICS_TEXT, FORM_TEXT, true},
                    {CONTROL_REQUEST_METRICS_JSON, FORM_JSON, true}};

    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        size_t length = strlen(requests[i].line);

        if (client->request_length >= length &&
            memcmp(client->request, requests[i].line, length) == 0) {
            client->form = requests[i].form;
            client->metrics = requests[i].metrics;
        }
    }
}

static void take_request(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    struct client *client = stream->data;

    (void)buffer;
    if (length < 0) {
        client_close(client);
        return;
    }
    client->request_length += (size_t)length;
    if (memchr(client->request, '\n', client->request_length) == NULL) {
        if (client->request_length == REQUEST_BYTES)
            client_close(client);
        return;
    }
    understand(client);
    uv_read_stop(stream);
    if (client->form == FORM_UNKNOWN)
        client_close(client);
    else
        write_piece(client);
}

static void client_new(struct control *control, int descriptor)
{
    struct client *client = calloc(1, sizeof *client);

    if (client == NULL) {
        close(descriptor);
        return;
    }
    client->control = control;
    uv_pipe_init(&control->host->loop, &client->pipe, 0);
    client->pipe.data = client;
    control->clients++;
    if (uv_pipe_open(&client->pipe, descriptor) != 0) {
        close(descriptor);
        client_close(client);
        return;
    }
    if (uv_read_start((uv_stream_t *)&client->pipe, offer_buffer, take_request) != 0)
        client_close(client);
}

static void accept_clients(uv_poll_t *poll, int status, int events)
{
    struct control *control = poll->data;
    int descriptor;

    (void)status;
    (void)events;
    descriptor = accept4(control->descriptor, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (descriptor >= 0)
        client_new(control, descriptor);
    /* Out of descriptors: the connections have them; `handfast ss' is not worth a busy loop. */
    if (control->clients >= MOST_CLIENTS || (descriptor < 0 && errno != EAGAIN)) {
        uv_poll_stop(&control->poll);
        control->waiting = false;
    }
}

size_t control_directories(char directories[CONTROL_DIRECTORIES][CONTROL_PATH_BYTES])
{
    const char *runtime = getenv("XDG_RUNTIME_DIR"), *only = getenv("HANDFAST_RUNTIME_DIR");
    size_t count = 0;

    if (only != NULL && only[0] == '/' && strlen(only) < CONTROL_PATH_BYTES - 32) {
        snprintf(directories[0], CONTROL_PATH_BYTES, "%s", only);
        return 1;
    }

    if (runtime != NULL && runtime[0] == '/' && strlen(runtime) < CONTROL_PATH_BYTES - 32)
        snprintf(directories[count++], CONTROL_PATH_BYTES, "%s/handfast", runtime);
    snprintf(directories[count++], CONTROL_PATH_BYTES, "/run/handfast");
    snprintf(directories[count++], CONTROL_PATH_BYTES, "/tmp/handfast-%lu",
             (unsigned long)geteuid());
    return count;
}

/* A directory that someone else could have put in our way is not used. */
static bool directory_usable(const char *path)
{
    struct stat found;

    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        return false;
    return lstat(path, &found) == 0 && S_ISDIR(found.st_mode) && found.st_uid == geteuid() &&
           (found.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* A socket that nobody listens on any more was left by a process that was killed. */
static bool socket_is_stale(const struct sockaddr_un *address)
{
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool stale;

    if (descriptor < 0)
        return false;
    stale = connect(descriptor, (const struct sockaddr *)address, sizeof *address) != 0 &&
            errno == ECONNREFUSED;
    close(descriptor);
    return stale;
}

/* 0 or a negated errno. */
static int bind_and_listen(struct control *control)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    mode_t mask;
    int result, error = 0;

    if (strlen(control->path) >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    memcpy(address.sun_path, control->path, strlen(control->path) + 1);
    control->descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (control->descriptor < 0)
        return -errno;
    mask = umask(0177);
    result = bind(control->descriptor, (const struct sockaddr *)&address, sizeof address);
    if (result != 0 && errno == EADDRINUSE && socket_is_stale(&address) &&
        unlink(control->path) == 0)
        result = bind(control->descriptor, (const struct sockaddr *)&address, sizeof address);
    if (result != 0)
        error = -errno;
    umask(mask);
    if (error == 0 && listen(control->descriptor, BACKLOG) != 0) {
        error = -errno;
        unlink(control->path);
    }
    if (error != 0)
        close(control->descriptor);
    return error;
}

/* What commands that were killed have left here goes: their process is no more, and nobody listens.
 * (One that starts this moment has bound its socket and does not listen yet.) */
static void clear_stale(const char *directory)
{
    DIR *entries = opendir(directory);
    const struct dirent *entry;

    if (entries == NULL)
        return;
    while ((entry = readdir(entries)) != NULL) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        /* A process id, and of several hosts in one process all but the first have a number. */
        size_t digits = strspn(entry->d_name, "0123456789-");

        if (digits > 0 && digits < 13 && strcmp(entry->d_name + digits, ".sock") == 0 &&
            snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", directory, entry->d_name) <
                (int)sizeof address.sun_path &&
            kill((pid_t)strtol(entry->d_name, NULL, 10), 0) != 0 && errno == ESRCH &&
            socket_is_stale(&address))
            unlink(address.sun_path);
    }
    closedir(entries);
}

bool control_core_path(char path[CONTROL_PATH_BYTES], const char *first, uint32_t core)
{
    static const char ending[] = ".sock";
    size_t stem = strlen(first);
    char number[16] = "";

    if (core > 0)
        snprintf(number, sizeof number, "-%u", core);
    if (stem >= sizeof ending - 1 && strcmp(first + stem - (sizeof ending - 1), ending) == 0)
        stem -= sizeof ending - 1;
    return snprintf(path, CONTROL_PATH_BYTES, "%.*s%s%s", (int)stem, first, number, first + stem) <
           CONTROL_PATH_BYTES;
}

static int bind_by_default(struct control *control)
{
    char directories[CONTROL_DIRECTORIES][CONTROL_PATH_BYTES];
    size_t count = control_directories(directories);
    char first[CONTROL_PATH_BYTES];
    int error = -ENOENT;

    for (size_t i = 0; i < count; i++) {
        if (!directory_usable(directories[i]))
            continue;
        clear_stale(directories[i]);
        if (snprintf(first, sizeof first, "%s/%ld.sock", directories[i], (long)getpid()) >=
                (int)sizeof first ||
            !control_core_path(control->path, first, control->host->core))
            continue;
        error = bind_and_listen(control);
        if (error == 0)
            return 0;
    }
    return error;
}

static void control_closed(uv_handle_t *handle)
{
    struct control *control = handle->data;

    close(control->descriptor);
    free(control);
}

int control_open(struct control **opened, struct host *host, const char *command_name)
{
    const char *path = host->network->control_path;
    struct control *control;
    int error;

    *opened = NULL;
    if (path != NULL && strcmp(path, "none") == 0)
        return EXIT_CODE_OK;
    control = calloc(1, sizeof *control);
    if (control == NULL)
        return fail(-ENOMEM, "cannot open a control socket");
    control->host = host;
    control->command_name = command_name;
    if (path != NULL && !control_core_path(control->path, path, host->core)) {
        free(control);
        return fail(-ENAMETOOLONG,
                    "--control '%s' (at most %d characters, of several cores 3 less)", path,
                    CONTROL_PATH_BYTES - 1);
    }
    error = path != NULL ? bind_and_listen(control) : bind_by_default(control);
    if (error == 0) {
        error = uv_poll_init(&host->loop, &control->poll, control->descriptor);
        if (error != 0) {
            close(control->descriptor);
            unlink(control->path);
        }
    }
    if (error != 0) {
        free(control);
        if (path != NULL)
            return fail(error, "cannot make the control socket '%s'", path);
        host_tell(host, "no control socket (%s): 'handfast ss' will not see this one",
                  error_words(error));
        return EXIT_CODE_OK;
    }
    control->poll.data = control;
    watch(control);
    *opened = control;
    return EXIT_CODE_OK;
}

static void close_client(uv_handle_t *handle, void *context)
{
    struct control *control = context;

    if (handle->type == UV_NAMED_PIPE && ((struct client *)handle->data)->control == control)
        client_close(handle->data);
}

void control_close(struct control *control)
{
    if (control == NULL)
        return;
    control->clients += MOST_CLIENTS; /* watch() is not to start again */
    uv_walk(&control->host->loop, close_client, control);
    unlink(control->path);
    uv_close((uv_handle_t *)&control->poll, control_closed);
}
