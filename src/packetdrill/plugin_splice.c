/* SPDX-License-Identifier: MIT
 *
 * pipe, splice and sendfile. Pipes are the kernel's; bytes cross between them and the stack's
 * sockets by way of a buffer, and none is lost: what the far end does not take stays where it was.
 * Bytes of a socket are looked at (MSG_PEEK) and taken once the pipe has them; those of a pipe are
 * doubled with tee, and taken once the socket has them; those of a file are read at their place.
 */
#include "packetdrill_interface.h"
#include "plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 65536 };
#define MOST_SENDFILE ((size_t)0x7ffff000)

static int call_pipe(void *userdata, int fds[2])
{
    (void)userdata;
    return pipe(fds);
}

static bool is_pipe(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
}

static bool kernel_waits(int fd, unsigned flags)
{
    int status = fcntl(fd, F_GETFL);
    return !(flags & SPLICE_F_NONBLOCK) && status >= 0 && !(status & O_NONBLOCK);
}

/* Waits for a pipe of the kernel, as the kernel would: asleep, and with the lock given up. */
static int await_pipe(struct plugin *plugin, int fd, short events, bool waits)
{
    struct pollfd entry = {.fd = fd, .events = events};
    while (poll(&entry, 1, 0) == 0) {
        int error;
        if (!waits)
            return -EAGAIN;
        error = plugin_wait(plugin, HF_TIME_NEVER);
        if (error != 0)
            return error;
    }
    return 0;
}

/* ---- from a socket to a pipe */

static int peek_flags(unsigned flags)
{
    return MSG_PEEK | (flags & SPLICE_F_NONBLOCK ? MSG_DONTWAIT : 0);
}

/* What a pipe with room takes at once; it may be less than is there. */
static ssize_t write_some(int pipe, const uint8_t *bytes, size_t length)
{
    int flags = fcntl(pipe, F_GETFL);
    ssize_t taken;
    int error;
    if (flags < 0 || fcntl(pipe, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    taken = write(pipe, bytes, length);
    error = errno;
    (void)fcntl(pipe, F_SETFL, flags);
    return taken >= 0 ? taken : -error;
}

static ssize_t socket_to_pipe(struct plugin *plugin, int in, int out, size_t length, unsigned flags)
{
    size_t most = length < CHUNK ? length : CHUNK;
    uint8_t *bytes = malloc(most);
    ssize_t there, taken;
    if (bytes == NULL)
        return -ENOMEM;
    there = await_pipe(plugin, out, POLLOUT, kernel_waits(out, flags));
    if (there == 0)
        there = hf_socket_recv(plugin->sockets, in, bytes, most, peek_flags(flags));
    taken = there > 0 ? write_some(out, bytes, (size_t)there) : there;
    if (taken > 0)
        taken = hf_socket_recv(plugin->sockets, in, bytes, (size_t)taken, MSG_DONTWAIT);
    free(bytes);
    return taken;
}

/* ---- from a pipe to a socket */

/* The bytes at the head of a pipe, which stay there. */
static ssize_t pipe_peek(int pipe_in, uint8_t *bytes, size_t length)
{
    int fds[2];
    ssize_t there;
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
        return -errno;
    (void)fcntl(fds[1], F_SETPIPE_SZ, 2 * CHUNK); /* less is slower, nothing worse */
    there = tee(pipe_in, fds[1], length, SPLICE_F_NONBLOCK);
    if (there > 0)
        there = read(fds[0], bytes, (size_t)there);
    if (there < 0)
        there = -errno;
    plugin_close_kernel(fds[0]);
    plugin_close_kernel(fds[1]);
    return there;
}

static int send_flags(unsigned flags)
{
    return MSG_NOSIGNAL | (flags & SPLICE_F_NONBLOCK ? MSG_DONTWAIT : 0) |
           (flags & SPLICE_F_MORE ? MSG_MORE : 0);
}

static ssize_t pipe_to_socket(struct plugin *plugin, int in, int out, size_t length, unsigned flags)
{
    size_t most = length < CHUNK ? length : CHUNK;
    uint8_t *bytes = malloc(most);
    ssize_t there, taken;
    if (bytes == NULL)
        return -ENOMEM;
    there = await_pipe(plugin, in, POLLIN, kernel_waits(in, flags));
    if (there == 0)
        there = pipe_peek(in, bytes, most);
    taken = there > 0
                ? hf_socket_send(plugin->sockets, out, bytes, (size_t)there, send_flags(flags))
                : there;
    if (taken > 0)
        taken = read(in, bytes, (size_t)taken);
    free(bytes);
    return taken;
}

/* ---- splice */

/* packetdrill hands over the place of an offset even where the script has none: at 0 it is none for
 * what cannot be sought in. */
static bool misplaced(const loff_t *offset)
{
    return offset != NULL && *offset != 0;
}

static ssize_t splice_with_socket(struct plugin *plugin, int in, const loff_t *offset_in, int out,
                                  const loff_t *offset_out, size_t length, unsigned flags)
{
    bool from = plugin_owns(plugin, in), to = plugin_owns(plugin, out);
    if (from && to)
        return -EINVAL; /* one end must be a pipe */
    if (fcntl(from ? out : in, F_GETFD) < 0)
        return -EBADF;
    if (!is_pipe(from ? out : in))
        return -EINVAL;
    if (misplaced(offset_in) || misplaced(offset_out))
        return -ESPIPE;
    if (length == 0)
        return 0;
    return from ? socket_to_pipe(plugin, in, out, length, flags)
                : pipe_to_socket(plugin, in, out, length, flags);
}

static int call_splice(void *userdata, int in, loff_t *offset_in, int out, loff_t *offset_out,
                       size_t length, unsigned flags)
{
    struct plugin *plugin = userdata;
    struct plugin_thread *thread = plugin_enter(plugin);
    ssize_t result;
    thread->stamped = false;
    plugin_judge_goes_on(plugin);
    if (plugin_owns(plugin, in) || plugin_owns(plugin, out))
        return (int)plugin_end(
            plugin, thread,
            splice_with_socket(plugin, in, offset_in, out, offset_out, length, flags));
    plugin_leave(plugin, thread);
    if (is_pipe(in) && !misplaced(offset_in))
        offset_in = NULL;
    if (is_pipe(out) && !misplaced(offset_out))
        offset_out = NULL;
    result = splice(in, offset_in, out, offset_out, length, flags);
    return (int)plugin_kernel_did(plugin, result);
}

/* ---- sendfile */

static bool ends_at(int file, off_t at)
{
    struct stat status;
    return fstat(file, &status) == 0 && at >= status.st_size;
}

/* One chunk from `at` on: how much the socket took, 0 at the end of the file. */
static ssize_t send_chunk(struct plugin *plugin, int out, int in, off_t at, size_t left,
                          uint8_t *bytes)
{
    ssize_t there = pread(in, bytes, left < CHUNK ? left : CHUNK, at);
    bool last;
    if (there < 0)
        return errno == ESPIPE ? -EINVAL : -errno;
    if (there == 0)
        return 0;
    last = (size_t)there == left || ends_at(in, at + there);
    return hf_socket_send(plugin->sockets, out, bytes, (size_t)there,
                          MSG_NOSIGNAL | (last ? 0 : MSG_MORE));
}

ssize_t plugin_sendfile(struct plugin *plugin, int out, int in, off_t *offset, size_t count)
{
    off_t at = offset != NULL ? *offset : lseek(in, 0, SEEK_CUR);
    size_t left = count < MOST_SENDFILE ? count : MOST_SENDFILE, sent = 0;
    ssize_t taken = 0;
    uint8_t *bytes;
    if (plugin_owns(plugin, in))
        return -EINVAL; /* not from a socket */
    if (fcntl(in, F_GETFD) < 0)
        return -EBADF;
    if (at < 0)
        return -EINVAL;
    bytes = malloc(CHUNK);
    if (bytes == NULL)
        return -ENOMEM;
    while (sent < left) {
        taken = send_chunk(plugin, out, in, at + (off_t)sent, left - sent, bytes);
        if (taken <= 0)
            break;
        sent += (size_t)taken;
    }
    free(bytes);
    if (sent == 0 && taken < 0)
        return taken;
    if (offset != NULL)
        *offset = at + (off_t)sent;
    else
        (void)lseek(in, at + (off_t)sent, SEEK_SET);
    return (ssize_t)sent;
}

void plugin_fill_splice(struct packetdrill_interface *table)
{
    table->pipe = call_pipe;
    table->splice = call_splice;
}
