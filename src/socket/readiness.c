/* SPDX-License-Identifier: MIT
 *
 * Readiness: what the core's events do to a socket, and what poll says of it.
 *
 * The core's events are edges and wake those who watch; the level is asked of the core whenever
 * somebody looks, so that nothing can be missed. socket_readiness is Linux's tcp_poll, line for
 * line in meaning: a socket that was never connected, or is over, hangs up; one that hangs up can
 * be written to, because the write would not block but fail.
 */
#include "completions.h"
#include "share.h"

#include <handfast/zero_copy.h>

#include <errno.h>

#define READABLE (POLLIN | POLLRDNORM)
#define WRITABLE (POLLOUT | POLLWRNORM)

/* ---- events */

void socket_done(struct socket *socket)
{
    socket->progress = PROGRESS_CLOSED;
    socket->shutdown = SHUTDOWN_BOTH;
    if (!socket->port_locked) {
        port_release(socket);
    }
    file_wake(&socket->file, 0);
}

/* Linux's tcp_reset has a word of its own for a peer that had said FIN before, and not heard ours.
 */
static void take_error(struct socket *socket, int error)
{
    completions_take_notes(socket);
    completions_abandon(socket);
    if (error == HF_ECONNRESET && socket->peer_closed && !(socket->shutdown & SHUTDOWN_SEND)) {
        error = HF_EPIPE;
    }
    socket->error = -error;
    socket_done(socket);
    file_wake(&socket->file, POLLERR);
}

/* ICMP advice. R1, which the core reports with ETIMEDOUT, is nothing that Linux tells. */
static void take_soft_error(struct socket *socket, int error)
{
    if (error == HF_ETIMEDOUT) {
        return;
    }
    if (socket->options.receive_errors[socket->remote.address.family == HF_IPV6]) {
        socket->error = -error;
        file_wake(&socket->file, POLLERR);
    } else {
        socket->soft_error = -error;
    }
}

static bool enough_to_read(const struct socket *socket)
{
    struct hf_status status;
    return socket->options.receive_low_water_bytes <= 1 ||
           hf_status(socket->file.set->config.stack, socket->handle, &status) != HF_OK ||
           status.receive_queue_bytes >= socket->options.receive_low_water_bytes;
}

/* RFC 9293 3.10.7.4 tells the user nothing of a RST in LAST-ACK or CLOSING; Linux tells whoever
 * still holds the socket. */
static void take_end(struct socket *socket)
{
    struct hf_status status;
    if (hf_status(socket->file.set->config.stack, socket->handle, &status) == HF_OK &&
        status.reset_at_end) {
        take_error(socket, HF_ECONNRESET);
    } else {
        completions_take_notes(socket);
        completions_abandon(socket);
        socket_done(socket);
    }
}

static void take_event(struct socket *socket, const struct hf_event *event)
{
    switch (event->type) {
    case HF_EVENT_ACCEPTABLE:
        if (socket->group != NULL) {
            share_distribute(socket);
        } else {
            file_wake(&socket->file, READABLE | POLLPRI | POLLRDBAND);
        }
        break;
    case HF_EVENT_CONNECTED:
        if (socket->progress == PROGRESS_OPENING) {
            socket->progress = PROGRESS_OPEN;
            file_wake(&socket->file, 0);
        }
        break;
    case HF_EVENT_READABLE:
        if (enough_to_read(socket)) {
            file_wake(&socket->file, READABLE | POLLPRI | POLLRDBAND);
        }
        break;
    case HF_EVENT_WRITABLE:
        file_wake(&socket->file, WRITABLE | POLLWRBAND);
        break;
    case HF_EVENT_PEER_CLOSED:
        socket->peer_closed = true;
        socket->shutdown |= SHUTDOWN_RECEIVE;
        file_wake(&socket->file, 0);
        break;
    case HF_EVENT_URGENT:
        socket->urgent = true;
        file_wake(&socket->file, READABLE | POLLPRI | POLLRDBAND);
        break;
    case HF_EVENT_SOFT_ERROR:
        take_soft_error(socket, event->error);
        break;
    case HF_EVENT_ERROR:
        take_error(socket, event->error);
        break;
    case HF_EVENT_CLOSED:
        take_end(socket);
        break;
    case HF_EVENT_NOTED:
        completions_take_notes(socket);
        break;
    }
}

/* ---- room to write */

/* Nobody may have sent in vain yet: the core is asked to tell when there is room. */
static void await_room(struct socket *socket)
{
    struct hf_sockets *set = socket->file.set;
    if (socket->handle != HF_NO_HANDLE) {
        (void)hf_set_option(set->config.stack, socket->handle, HF_OPTION_WANT_WRITABLE, 1,
                            sockets_now(set));
    }
}

void sockets_take_events(struct hf_sockets *set)
{
    struct hf_event event;
    struct hf_returned returned;
    while (hf_stack_next_event(set->config.stack, &event)) {
        struct socket *socket = handle_table_get(&set->handles, event.handle);
        if (socket != NULL) {
            take_event(socket, &event);
        }
    }
    /* Completions tell of them: a mark at a send's last byte is acknowledged with it. */
    while (hf_next_returned(set->config.stack, &returned)) {
    }
}

int hf_sockets_update(struct hf_sockets *set)
{
    bool changed;
    sockets_take_events(set);
    changed = set->changed;
    set->changed = false;
    return changed;
}

/* ---- poll's answer */

/* As many bytes as SO_RCVLOWAT asks for, one more if the first is urgent and not to be read in
 * line; fewer if the window is shut, because no more can come. */
static bool is_readable(struct socket *socket, const struct hf_status *status,
                        const struct urgent_mark *mark)
{
    uint32_t target = socket->options.receive_low_water_bytes;
    if (status->receive_queue_bytes == 0) {
        return false;
    }
    if (mark->ahead && mark->offset == 0 && !socket->options.urgent_inline) {
        if (status->receive_queue_bytes == 1) {
            return false;
        }
        target++;
    }
    return status->receive_queue_bytes >= target || status->numbers.rcv_wnd <= status->mss_bytes;
}

/* What SYN-SENT and SYN-RECEIVED do not say: reading, writing, urgent data. */
static unsigned traffic_readiness(struct socket *socket)
{
    struct hf_status status = {0};
    struct urgent_mark mark = {0};
    unsigned ready = 0;
    if (socket->handle != HF_NO_HANDLE) {
        (void)hf_status(socket->file.set->config.stack, socket->handle, &status);
        mark = urgent_mark_of(socket, &status);
    }
    if (is_readable(socket, &status, &mark)) {
        ready |= READABLE;
    }
    if ((socket->shutdown & SHUTDOWN_SEND) || socket->progress == PROGRESS_CLOSED ||
        status.writable) {
        ready |= WRITABLE;
    } else {
        await_room(socket);
    }
    if (mark.ahead && mark.byte_here && !mark.byte_taken) {
        ready |= POLLPRI;
    }
    return ready;
}

unsigned socket_readiness(struct socket *socket)
{
    unsigned ready = 0;
    if (socket->progress == PROGRESS_LISTENING) {
        return socket_waiting(socket) > 0 ? READABLE : 0;
    }
    if (socket->shutdown == SHUTDOWN_BOTH || socket->progress == PROGRESS_CLOSED) {
        ready |= POLLHUP;
    }
    if (socket->shutdown & SHUTDOWN_RECEIVE) {
        ready |= READABLE | (unsigned)EPOLLRDHUP;
    }
    if (socket->progress != PROGRESS_OPENING) {
        ready |= traffic_readiness(socket);
    } else if (socket->connect_put_off) {
        ready |= WRITABLE; /* so that somebody writes what the SYN waits for */
    }
    if (socket->error != 0 || error_queue_waits(socket)) {
        ready |= POLLERR;
    }
    return ready;
}

unsigned file_readiness(struct open_file *file)
{
    switch (file->kind) {
    case FILE_SOCKET:
        return socket_readiness(socket_of(file));
    case FILE_EPOLL:
        return epoll_readiness(file);
    }
    return 0;
}
