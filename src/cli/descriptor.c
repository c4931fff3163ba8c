/* SPDX-License-Identifier: MIT
 *
 * Theory of operation.
 *
 * A blocking read or write would stop the whole host: no ACKs, no timers. So descriptors are
 * non-blocking and watched by the loop. Two kinds make trouble:
 *
 * Regular files and /dev/null are always ready, and epoll refuses them. They are served from an
 * idle handle: a bounded piece each time round the loop.
 *
 * Standard input and output are often shared: a shell, a pager or the next command of a pipeline
 * holds the same open file description, and O_NONBLOCK is a property of that. Terminals and pipes
 * are therefore opened anew through /proc/self/fd, which gives a description of our own. Where
 * that cannot be (sockets, or a terminal of another user), the flag is set and put back at the
 * end.
 */
#define _GNU_SOURCE /* O_CLOEXEC */

#include "descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void reset(struct descriptor *descriptor, const char *name, bool writing)
{
    memset(descriptor, 0, sizeof *descriptor);
    descriptor->number = -1;
    descriptor->standard = -1;
    descriptor->restore_flags = -1;
    descriptor->name = name;
    descriptor->writing = writing;
}

int descriptor_open_file(struct descriptor *descriptor, const char *path, bool writing)
{
    struct stat found;
    int error;

    reset(descriptor, path, writing);
    descriptor->number = open(path,
                              writing ? O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY
                                      : O_RDONLY | O_CLOEXEC | O_NOCTTY,
                              0666);
    if (descriptor->number < 0)
        return -errno;
    if (fstat(descriptor->number, &found) != 0)
        error = -errno;
    else
        error = S_ISDIR(found.st_mode) ? -EISDIR : 0;
    if (error != 0) {
        close(descriptor->number);
        descriptor->number = -1;
        return error;
    }
    if (S_ISREG(found.st_mode))
        descriptor->file_size = (uint64_t)found.st_size;
    return 0;
}

int descriptor_open_made_up(struct descriptor *descriptor, uint64_t bytes, bool writing)
{
    int error = descriptor_open_file(descriptor, "/dev/null", writing);

    descriptor->made_up = true;
    descriptor->file_size = descriptor->left_bytes = bytes;
    return error;
}

int descriptor_open_standard(struct descriptor *descriptor, int number)
{
    char path[32];
    struct stat found;
    int flags;

    reset(descriptor, number == STDIN_FILENO ? "standard input" : "standard output",
          number != STDIN_FILENO);
    descriptor->standard = number;
    if (fstat(number, &found) != 0)
        return -errno;
    descriptor->number = number;
    descriptor->is_socket = S_ISSOCK(found.st_mode);
    if (S_ISREG(found.st_mode) && !descriptor->writing)
        descriptor->file_size = (uint64_t)found.st_size;
    if (!isatty(number) && !S_ISFIFO(found.st_mode))
        return 0;
    flags = O_NONBLOCK | O_CLOEXEC | O_NOCTTY | (descriptor->writing ? O_WRONLY : O_RDONLY);
    snprintf(path, sizeof path, "/proc/self/fd/%d", number);
    number = open(path, flags);
    if (number >= 0)
        descriptor->number = number;
    return 0;
}

static void polled(uv_poll_t *poll, int status, int events)
{
    struct descriptor *descriptor = poll->data;

    (void)events;
    /* libuv stops by itself upon an error, which the next read or write will tell. */
    if (status != 0)
        descriptor->watched = false;
    descriptor->ready(descriptor->context);
}

static void idled(uv_idle_t *idle)
{
    struct descriptor *descriptor = idle->data;

    descriptor->ready(descriptor->context);
}

int descriptor_attach(struct descriptor *descriptor, uv_loop_t *loop, void (*ready)(void *context),
                      void *context)
{
    int flags = fcntl(descriptor->number, F_GETFL);
    int error;

    if (flags < 0)
        return -errno;
    descriptor->ready = ready;
    descriptor->context = context;
    error = uv_poll_init(loop, &descriptor->watch.poll, descriptor->number);
    if (error == UV_EPERM) {
        descriptor->always_ready = true;
        error = uv_idle_init(loop, &descriptor->watch.idle);
    } else if (error == 0 && (flags & O_NONBLOCK) == 0) {
        descriptor->restore_flags = flags; /* libuv has set O_NONBLOCK */
    }
    if (error != 0)
        return error;
    descriptor->has_handle = true;
    descriptor->watch.handle.data = descriptor;
    return 0;
}

void descriptor_watch(struct descriptor *descriptor, bool wanted)
{
    if (!descriptor->has_handle || descriptor->watched == wanted)
        return;
    descriptor->watched = wanted;
    if (descriptor->always_ready) {
        if (wanted)
            uv_idle_start(&descriptor->watch.idle, idled);
        else
            uv_idle_stop(&descriptor->watch.idle);
    } else if (wanted) {
        uv_poll_start(&descriptor->watch.poll, descriptor->writing ? UV_WRITABLE : UV_READABLE,
                      polled);
    } else {
        uv_poll_stop(&descriptor->watch.poll);
    }
}

ssize_t descriptor_read(struct descriptor *descriptor, void *data, size_t length)
{
    ssize_t result;

    if (descriptor->made_up) {
        size_t taken = length < descriptor->left_bytes ? length : (size_t)descriptor->left_bytes;

        descriptor->left_bytes -= taken;
        return (ssize_t)taken;
    }
    result = read(descriptor->number, data, length);

    if (result < 0)
        return errno == EINTR ? -EAGAIN : -errno;
    return result;
}

ssize_t descriptor_write(struct descriptor *descriptor, const void *data, size_t length)
{
    ssize_t result;

    if (descriptor->made_up)
        return (ssize_t)length;
    result = write(descriptor->number, data, length);

    if (result < 0)
        return errno == EINTR ? -EAGAIN : -errno;
    return result;
}

int descriptor_skip(struct descriptor *descriptor, uint64_t bytes)
{
    return lseek(descriptor->number, (off_t)bytes, SEEK_SET) < 0 ? -errno : 0;
}

int descriptor_rewind(struct descriptor *descriptor)
{
    descriptor->left_bytes = descriptor->file_size;
    return lseek(descriptor->number, 0, SEEK_SET) < 0 ? -errno : 0;
}

/* The number stays taken, so that no file opened later becomes standard output by accident. */
static int close_standard(int number)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC), error = 0;

    if (null < 0)
        return -errno;
    if (dup2(null, number) < 0)
        error = -errno;
    close(null);
    return error;
}

int descriptor_close(struct descriptor *descriptor)
{
    int error = 0;

    if (descriptor->number < 0)
        return 0;
    descriptor_watch(descriptor, false);
    if (descriptor->has_handle && !uv_is_closing(&descriptor->watch.handle))
        uv_close(&descriptor->watch.handle, NULL);
    descriptor->has_handle = false;
    if (descriptor->restore_flags >= 0)
        fcntl(descriptor->number, F_SETFL, descriptor->restore_flags);
    if (descriptor->is_socket && descriptor->writing)
        shutdown(descriptor->number, SHUT_WR);
    if (descriptor->number != descriptor->standard && close(descriptor->number) != 0)
        error = -errno;
    if (descriptor->standard == STDOUT_FILENO && close_standard(descriptor->standard) != 0)
        error = -errno;
    descriptor->number = -1;
    return error;
}
