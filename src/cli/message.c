/* SPDX-License-Identifier: MIT
 *
 * Every complaint of the program passes through here, so that all read alike and each error leads
 * to one exit code.
 */
#include "message.h"

#include <errno.h>
#include <handfast/handfast.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 2048 };

static const char prefix[] = "handfast: ";

/* stderr may share a description that someone made non-blocking: a full terminal is waited for, but
 * not for ever. */
static void write_line(const char *text, size_t length)
{
    while (length > 0) {
        ssize_t written = write(STDERR_FILENO, text, length);

        if (written > 0) {
            text += written;
            length -= (size_t)written;
        } else if (written < 0 && errno == EAGAIN) {
            struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};

            if (poll(&ready, 1, 1000) <= 0)
                return;
        } else if (written == 0 || errno != EINTR) {
            return;
        }
    }
}

__attribute__((format(printf, 1, 0))) static void say_list(const char *format, va_list arguments)
{
    char line[LINE_BYTES];
    size_t start = sizeof prefix - 1, room = sizeof line - start - 1;
    int length;

    memcpy(line, prefix, start);
    length = vsnprintf(line + start, room, format, arguments);
    if (length < 0)
        return;
    start += (size_t)length < room ? (size_t)length : room - 1;
    line[start++] = '\n';
    fflush(stderr);
    write_line(line, start);
}

void say(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say_list(format, arguments);
    va_end(arguments);
}

enum exit_code exit_code_of(int error)
{
    switch (-error) {
    case 0:
        return EXIT_CODE_OK;
    case ECONNREFUSED:
        return EXIT_CODE_REFUSED;
    case ECONNRESET:
    case ECONNABORTED:
        return EXIT_CODE_RESET;
    case ETIMEDOUT:
        return EXIT_CODE_TIMED_OUT;
    case ENETUNREACH:
    case EHOSTUNREACH:
        return EXIT_CODE_UNREACHABLE;
    case EPERM:
    case EACCES:
        return EXIT_CODE_PERMISSION;
    case EADDRINUSE:
    case EADDRNOTAVAIL:
        return EXIT_CODE_ADDRESS;
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case EROFS:
        return EXIT_CODE_FILE;
    default:
        return EXIT_CODE_FAILURE;
    }
}

const char *error_words(int error)
{
    switch (-error) {
    case ECONNREFUSED:
    case ECONNRESET:
    case ETIMEDOUT:
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EADDRINUSE:
    case EADDRNOTAVAIL:
    case ENOBUFS:
    case EPROTO:
        return hf_error_text(error);
    default:
        return strerror(-error);
    }
}

const char *error_advice(int error)
{
    switch (-error) {
    case ECONNREFUSED:
        return "the host answers, but no program listens on that port: check the port, or start "
               "the program";
    case ECONNRESET:
        return "the other program ended the connection abruptly, or died: look at its messages";
    case ETIMEDOUT:
        return "nothing answered: check the address, the route to it and any packet filter "
               "between";
    case ENETUNREACH:
        return "no --address of that family can reach it: give one with --address";
    case EHOSTUNREACH:
        return "a router or the kernel says there is no way there: check the address and the "
               "kernel's routes (ip route get ADDRESS)";
    case EADDRINUSE:
        return "another listener has it: choose another port, or stop that one";
    case EADDRNOTAVAIL:
        return "it is not an address of this host: choose one that is";
    case ENOENT:
        return "check the name";
    case EACCES:
    case EPERM:
        return "check its owner and mode, or run as a user who may";
    case EMFILE:
        return "raise the limit of open files (ulimit -n)";
    case ENOSPC:
        return "make room on the disk";
    case ENOBUFS:
        return "a table is full: wait for connections to end";
    default:
        return "";
    }
}

int fail(int error, const char *format, ...)
{
    char what[LINE_BYTES / 2];
    const char *advice = error_advice(error);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    say("%s: %s%s%s", what, error_words(error), advice[0] != '\0' ? "; " : "", advice);
    return (int)exit_code_of(error);
}

int fail_connection(int error, const char *format, ...)
{
    char what[LINE_BYTES / 2];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    if (error == HF_EACCES) {
        say("%s: prohibited by a packet filter on the way (ICMP); ask its keeper", what);
        return EXIT_CODE_UNREACHABLE;
    }
    return fail(error, "%s", what);
}

int fail_usage(const struct command *command, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say_list(format, arguments);
    va_end(arguments);
    if (command != NULL)
        say("try 'handfast help %s'", command->name);
    else
        say("try 'handfast help'");
    return EXIT_CODE_USAGE;
}
