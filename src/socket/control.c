/* SPDX-License-Identifier: MIT
 *
 * ioctl: how much can be read, how much is not acknowledged, is the urgent mark here.
 */
#include "socket_state.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

static bool status_of(struct socket *socket, struct hf_status *status)
{
    *status = (struct hf_status){0};
    return socket->handle != HF_NO_HANDLE && socket->progress != PROGRESS_OPENING &&
           hf_status(socket->file.set->config.stack, socket->handle, status) == HF_OK;
}

/* Linux's tcp_inq: up to the urgent mark, unless that is in line or passed. */
static int bytes_to_read(struct socket *socket)
{
    struct hf_status status;
    struct urgent_mark mark;
    if (!status_of(socket, &status)) {
        return 0;
    }
    mark = urgent_mark_of(socket, &status);
    if (mark.ahead && !socket->options.urgent_inline && mark.byte_here) {
        return (int)mark.offset;
    }
    return (int)status.receive_queue_bytes;
}

/* Sequence numbers, so an unacknowledged FIN counts one. */
static int numbers_out(struct socket *socket, bool unsent_only)
{
    struct hf_status status;
    bool fin;
    bool fin_sent;
    if (!status_of(socket, &status)) {
        return 0;
    }
    fin = (socket->shutdown & SHUTDOWN_SEND) != 0 &&
          (status.state == HF_FIN_WAIT_1 || status.state == HF_CLOSING ||
           status.state == HF_LAST_ACK);
    /* In flight is more than data: the FIN is out. */
    fin_sent = fin && status.numbers.snd_nxt - status.numbers.snd_una >
                          status.send_queue_bytes - status.send_unsent_bytes;
    if (unsent_only) {
        return (int)status.send_unsent_bytes + (fin && !fin_sent);
    }
    return (int)status.send_queue_bytes + fin;
}

static int at_mark(struct socket *socket)
{
    struct hf_status status;
    struct urgent_mark mark;
    if (!status_of(socket, &status)) {
        return 0;
    }
    mark = urgent_mark_of(socket, &status);
    return mark.ahead && mark.offset == 0;
}

static int answer(struct socket *socket, unsigned long request, int *result)
{
    switch (request) {
    case FIONREAD:
    case SIOCOUTQ:
    case SIOCOUTQNSD:
        if (socket->progress == PROGRESS_LISTENING) {
            return -EINVAL;
        }
        *result = request == FIONREAD ? bytes_to_read(socket)
                                      : numbers_out(socket, request == SIOCOUTQNSD);
        return 0;
    case SIOCATMARK:
        *result = at_mark(socket);
        return 0;
    default:
        return -ENOTTY;
    }
}

int hf_socket_ioctl(struct hf_sockets *set, int fd, unsigned long request, int *argument)
{
    struct open_file *file = file_get(set, fd);
    int result = 0;
    int error;
    if (file == NULL) {
        return -EBADF;
    }
    sockets_take_events(set);
    if (request == FIONBIO) {
        error = argument == NULL ? -EFAULT : 0;
        if (error == 0) {
            file->nonblocking = *argument != 0;
        }
    } else if (file->kind != FILE_SOCKET) {
        error = -ENOTTY;
    } else {
        error = answer(socket_of(file), request, &result);
        if (error == 0 && argument == NULL) {
            error = -EFAULT;
        }
        if (error == 0) {
            *argument = result;
        }
    }
    file_put(file);
    return error;
}
