/* SPDX-License-Identifier: MIT
 *
 * `handfast ss': the connections of a running command, or what it remembers of paths, asked for at
 * its Unix socket, or, of several cores, at those of all. Rows come with their fields parted by
 * tabs; here they are set in columns.
 */
#define _GNU_SOURCE /* struct timeval */

#include "control.h"
#include "message.h"
#include "options.h"
#include "status_text.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { ID_CONTROL = 1, ID_JSON, ID_METRICS, MOST_FOUND = 64, ANSWER_SECONDS = 10, COLUMN_GAP = 2 };

struct asking {
    const char *path;
    bool json, metrics;
};

static const struct option_row rows[] = {
    {ID_CONTROL, "control", "PATH",
     "The socket of the command to ask. Needed only if several are running."},
    {ID_JSON, "json", NULL,
     "Print all that is known, as one JSON object; of several cores, as one for each."},
    {ID_METRICS, "metrics", NULL, "Show what is remembered of paths instead of connections."},
};

static int run(int argc, char **argv);

const struct command command_ss = {
    .name = "ss",
    .operands = "",
    .summary = "show the connections of a running listen, connect or proxy",
    .description =
        "Shows the listeners and connections of a running handfast command: state, bytes unread "
        "(Recv-Q) and not yet acknowledged (Send-Q), both endpoints, the peer's window, the "
        "congestion window, round-trip time, retransmission timeout, segments sent again, the "
        "timer that runs, and options. Of a listener, Recv-Q is how many connections wait to be "
        "accepted and Send-Q how many may. With --metrics, what the command remembers of paths for "
        "the connections to come (RFC 9040): addresses, how long ago it was noted, round-trip time "
        "and its variance, congestion window, slow-start threshold, and how far packets were "
        "reordered, in segments; '-' is not known.",
    .options = rows,
    .option_count = sizeof rows / sizeof rows[0],
    .run = run,
};

static bool take(void *context, int id, const char *argument)
{
    struct asking *asking = context;

    if (id == ID_JSON)
        asking->json = true;
    else if (id == ID_METRICS)
        asking->metrics = true;
    else
        asking->path = argument;
    return true;
}

/* A connected descriptor, or a negated errno. */
static int open_control(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = ANSWER_SECONDS};
    int descriptor, error;

    if (strlen(path) >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path) + 1);
    descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return -errno;
    (void)setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0)
        return descriptor;
    error = -errno;
    close(descriptor);
    return error;
}

struct found {
    char paths[MOST_FOUND][CONTROL_PATH_BYTES];
    size_t count;
    size_t refused; /* there, but not for us */
};

static void look_into(const char *directory, struct found *found)
{
    DIR *entries = opendir(directory);
    const struct dirent *entry;

    if (entries == NULL)
        return;
    while (found->count < MOST_FOUND && (entry = readdir(entries)) != NULL) {
        char *path = found->paths[found->count];
        size_t length = strlen(entry->d_name);
        int descriptor;

        /* With a number behind the process id it is of a core, of which ask() knows. */
        if (length < 6 || strcmp(entry->d_name + length - 5, ".sock") != 0 ||
            strchr(entry->d_name, '-') != NULL ||
            snprintf(path, CONTROL_PATH_BYTES, "%s/%s", directory, entry->d_name) >=
                CONTROL_PATH_BYTES)
            continue;
        descriptor = open_control(path);
        if (descriptor >= 0) {
            close(descriptor);
            found->count++;
        } else if (descriptor == -EACCES) {
            found->refused++;
        }
    }
    closedir(entries);
}

/* EXIT_CODE_OK and the path of the only running command, or another after complaining. */
static int find_control(char path[CONTROL_PATH_BYTES])
{
    char directories[CONTROL_DIRECTORIES][CONTROL_PATH_BYTES];
    size_t count = control_directories(directories);
    struct found *found = calloc(1, sizeof *found);
    int code = EXIT_CODE_OK;

    if (found == NULL)
        return fail(-ENOMEM, "ss");
    for (size_t i = 0; i < count; i++)
        look_into(directories[i], found);
    if (found->count == 1) {
        memcpy(path, found->paths[0], CONTROL_PATH_BYTES);
    } else if (found->count > 1) {
        say("several commands are running; choose one with --control:");
        for (size_t i = 0; i < found->count; i++)
            say("  --control %s", found->paths[i]);
        code = EXIT_CODE_FAILURE;
    } else if (found->refused > 0) {
        say("no handfast command of yours is running, but another user's is: ask as that user");
        code = EXIT_CODE_PERMISSION;
    } else {
        say("no handfast command is running: start listen, connect or proxy, or name its socket "
            "with --control");
        code = EXIT_CODE_FAILURE;
    }
    free(found);
    return code;
}

struct answer {
    char *text; /* ends with a NUL */
    size_t length, room;
};

/* What comes is put behind what there is. False after complaining. */
static bool read_answer(int descriptor, struct answer *answer)
{
    while (true) {
        ssize_t got;

        if (answer->room - answer->length <= 1) {
            size_t room = answer->room > 0 ? answer->room * 2 : 65536;
            char *larger = realloc(answer->text, room);

            if (larger == NULL) {
                fail(-ENOMEM, "reading the answer");
                return false;
            }
            answer->text = larger;
            answer->room = room;
        }
        got = read(descriptor, answer->text + answer->length, answer->room - answer->length - 1);
        if (got == 0) {
            answer->text[answer->length] = '\0';
            return true;
        }
        if (got < 0 && errno != EINTR) {
            if (errno == EAGAIN)
                say("no answer within %d seconds: the command is stopped or very busy",
                    (int)ANSWER_SECONDS);
            else
                fail(-errno, "reading the answer");
            return false;
        }
        answer->length += got > 0 ? (size_t)got : 0;
    }
}

static void measure(const char *text, int widths[STATUS_TEXT_COLUMNS])
{
    int column = 0;

    while (*text != '\0') {
        int length = (int)strcspn(text, "\t\n");

        if (column < STATUS_TEXT_COLUMNS && length > widths[column])
            widths[column] = length;
        text += length;
        column = *text == '\n' ? 0 : column + 1;
        text += *text != '\0';
    }
}

static void print_columns(const char *text)
{
    int widths[STATUS_TEXT_COLUMNS] = {0};
    int column = 0;

    measure(text, widths);
    while (*text != '\0') {
        int length = (int)strcspn(text, "\t\n");
        bool last = text[length] != '\t';

        printf("%.*s", length, text);
        if (!last && column < STATUS_TEXT_COLUMNS)
            printf("%*s", widths[column] - length + COLUMN_GAP, "");
        if (last)
            putchar('\n');
        column = last ? 0 : column + 1;
        text += length;
        text += *text != '\0';
    }
}

static const char *request_of(const struct asking *asking)
{
    if (asking->metrics)
        return asking->json ? CONTROL_REQUEST_METRICS_JSON : CONTROL_REQUEST_METRICS_TEXT;
    return asking->json ? CONTROL_REQUEST_JSON : CONTROL_REQUEST_TEXT;
}

/* Asks one core. EXIT_CODE_OK, or another after complaining. */
static int ask_core(const struct asking *asking, const char *path, int descriptor,
                    struct answer *answer)
{
    const char *request = request_of(asking);
    size_t before = answer->length;
    int code = EXIT_CODE_OK;

    if (send(descriptor, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request)) {
        code = fail(-errno, "asking at '%s'", path);
    } else if (!read_answer(descriptor, answer)) {
        code = EXIT_CODE_FAILURE;
    } else if (answer->length == before) {
        say("%s: the command gave no answer", path);
        code = EXIT_CODE_FAILURE;
    } else if (before > 0 && !asking->json) {
        /* One heading is enough. */
        char *below = strchr(answer->text + before, '\n') + 1;
        size_t length = answer->length - (size_t)(below - answer->text);

        memmove(answer->text + before, below, length + 1);
        answer->length = before + length;
    }
    close(descriptor);
    return code;
}

static int ask_all(const struct asking *asking, struct answer *answer)
{
    char path[CONTROL_PATH_BYTES];
    int code = EXIT_CODE_OK;

    for (uint32_t core = 0; code == EXIT_CODE_OK && core < HF_CORES_MAX; core++) {
        int descriptor =
            control_core_path(path, asking->path, core) ? open_control(path) : -ENAMETOOLONG;

        if (core > 0 && descriptor < 0)
            break; /* so many there were */
        if (descriptor == -ECONNREFUSED) {
            say("%s: the command that made this socket has ended; remove the file", path);
            code = EXIT_CODE_FAILURE;
        } else if (descriptor < 0) {
            code = fail(descriptor, "asking at '%s'", asking->path);
        } else {
            code = ask_core(asking, path, descriptor, answer);
        }
    }
    return code;
}

static int ask(const struct asking *asking)
{
    struct answer answer = {.text = NULL};
    int code = ask_all(asking, &answer);

    if (code != EXIT_CODE_OK || answer.text == NULL)
        ; /* it was complained about */
    else if (asking->json)
        fwrite(answer.text, 1, answer.length, stdout);
    else
        print_columns(answer.text);
    free(answer.text);
    return code;
}

static int run(int argc, char **argv)
{
    struct asking asking = {.path = NULL};
    char path[CONTROL_PATH_BYTES];
    int operand, code = EXIT_CODE_OK;

    if (!options_scan(&command_ss, argc, argv, NULL, take, &asking, &operand, &code))
        return code;
    if (operand != argc)
        return fail_usage(&command_ss, "ss takes no operands, but was given '%s'", argv[operand]);
    if (asking.path == NULL) {
        code = find_control(path);
        asking.path = path;
    }
    return code == EXIT_CODE_OK ? ask(&asking) : code;
}
