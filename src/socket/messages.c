/* SPDX-License-Identifier: MIT
 *
 * The calls that move bytes: twelve ways to say what from.
 *
 * The order in which arguments are looked at is Linux's, so that two mistakes in one call give the
 * same answer there and here.
 */
#include "transfer.h"

#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <string.h>

/* ---- sending */

ssize_t hf_socket_sendto(struct hf_sockets *set, int fd, const void *data, size_t length, int flags,
                         const struct sockaddr *address, socklen_t address_length)
{
    struct iovec piece;
    struct vector from = vector_of_buffer(&piece, data, length);
    struct sockaddr_storage to; /* TCP sends where it is connected to, or connects there */
    int error;
    ssize_t sent;
    struct socket *socket = socket_get(set, fd, &error);
    if (socket == NULL) {
        return error;
    }
    sent = address != NULL ? sockaddr_take(address, address_length, &to) : 0;
    if (sent == 0) {
        sent = socket_send_to(socket, &from, flags, address != NULL ? &to : NULL, address_length);
    }
    socket_put(socket);
    return sent;
}

ssize_t hf_socket_send(struct hf_sockets *set, int fd, const void *data, size_t length, int flags)
{
    return hf_socket_sendto(set, fd, data, length, flags, NULL, 0);
}

/* Linux's sock_cmsg_send: of ancillary data a TCP socket takes nothing that this one can do;
 * messages of other levels are none of its business. */
static int check_control(const struct msghdr *message)
{
    struct msghdr copy = *message;
    if (message->msg_control == NULL || message->msg_controllen == 0) {
        return 0;
    }
    for (struct cmsghdr *control = CMSG_FIRSTHDR(&copy); control != NULL;
         control = CMSG_NXTHDR(&copy, control)) {
        if (control->cmsg_len < sizeof *control) {
            return -EINVAL;
        }
        if (control->cmsg_level == SOL_SOCKET && control->cmsg_type != SCM_RIGHTS &&
            control->cmsg_type != 2 /* SCM_CREDENTIALS */) {
            return -EINVAL;
        }
    }
    return 0;
}

static int check_message(const struct msghdr *message, struct sockaddr_storage *to,
                         socklen_t *to_length)
{
    if (message == NULL) {
        return -EFAULT;
    }
    if ((int)message->msg_namelen < 0) {
        return -EINVAL;
    }
    if (message->msg_name != NULL) {
        socklen_t length =
            message->msg_namelen < sizeof *to ? message->msg_namelen : (socklen_t)sizeof *to;
        int error = sockaddr_take(message->msg_name, length, to);
        *to_length = length;
        if (error != 0) {
            return error;
        }
    }
    if (message->msg_iovlen > VECTOR_MOST_PIECES) {
        return -EMSGSIZE;
    }
    return 0;
}

ssize_t hf_socket_sendmsg(struct hf_sockets *set, int fd, const struct msghdr *message, int flags)
{
    struct vector from = {0};
    struct sockaddr_storage to;
    socklen_t to_length = 0;
    ssize_t sent;
    int error;
    struct socket *socket = socket_get(set, fd, &error);
    if (socket == NULL) {
        return error;
    }
    sent = check_message(message, &to, &to_length);
    if (sent == 0) {
        sent = vector_of_pieces(message->msg_iov, message->msg_iovlen, &from);
    }
    if (sent == 0 && message->msg_controllen > INT_MAX) {
        sent = -ENOBUFS;
    }
    if (sent == 0) {
        sent = check_control(message);
    }
    if (sent == 0) {
        sent =
            socket_send_to(socket, &from, flags, message->msg_name != NULL ? &to : NULL, to_length);
    }
    socket_put(socket);
    return sent;
}

/* ---- receiving */

ssize_t hf_socket_recvfrom(struct hf_sockets *set, int fd, void *data, size_t length, int flags,
                           struct sockaddr *address, socklen_t *address_length)
{
    struct iovec piece;
    struct vector into = vector_of_buffer(&piece, data, length);
    int message_flags;
    int error;
    ssize_t received;
    struct socket *socket = socket_get(set, fd, &error);
    if (socket == NULL) {
        return error;
    }
    received = socket_receive(socket, &into, flags, &message_flags);
    if (received >= 0 && address != NULL) {
        /* A connected stream has no name to give: its length is 0. */
        if (address_length == NULL) {
            received = -EFAULT;
        } else if ((int)*address_length < 0) {
            received = -EINVAL;
        } else {
            *address_length = 0;
        }
    }
    socket_put(socket);
    return received;
}

ssize_t hf_socket_recv(struct hf_sockets *set, int fd, void *data, size_t length, int flags)
{
    return hf_socket_recvfrom(set, fd, data, length, flags, NULL, NULL);
}

/* TCP_INQ: how much more can be read now; the end of the stream counts one, so that a program that
 * reads while there is something does not miss it. */
static void tell_more(struct socket *socket, struct msghdr *message, size_t room)
{
    struct hf_status status;
    struct cmsghdr *control = message->msg_control;
    int more = socket->peer_closed;
    message->msg_controllen = 0;
    if (!socket->options.tell_more) {
        return;
    }
    if (hf_status(socket->file.set->config.stack, socket->handle, &status) == HF_OK) {
        more = (int)status.receive_queue_bytes;
        more += status.state == HF_CLOSE_WAIT || status.state == HF_CLOSING ||
                status.state == HF_LAST_ACK || status.state == HF_TIME_WAIT;
    }
    if (control == NULL || room < CMSG_LEN(sizeof more)) {
        message->msg_flags |= MSG_CTRUNC;
        return;
    }
    control->cmsg_level = SOL_TCP;
    control->cmsg_type = TCP_INQ;
    control->cmsg_len = CMSG_LEN(sizeof more);
    memcpy(CMSG_DATA(control), &more, sizeof more);
    message->msg_controllen = room < CMSG_SPACE(sizeof more) ? room : CMSG_SPACE(sizeof more);
}

ssize_t hf_socket_recvmsg(struct hf_sockets *set, int fd, struct msghdr *message, int flags)
{
    struct vector into = {0};
    int message_flags = 0;
    ssize_t received;
    int error;
    struct socket *socket = socket_get(set, fd, &error);
    if (socket == NULL) {
        return error;
    }
    if (message == NULL) {
        received = -EFAULT;
    } else if ((int)message->msg_namelen < 0) {
        received = -EINVAL;
    } else if (message->msg_iovlen > VECTOR_MOST_PIECES) {
        received = -EMSGSIZE;
    } else {
        received = vector_of_pieces(message->msg_iov, message->msg_iovlen, &into);
    }
    if (received == 0) {
        received = socket_receive(socket, &into, flags, &message_flags);
        if (received >= 0) {
            if (message->msg_name != NULL) {
                message->msg_namelen = 0;
            }
            message->msg_flags = message_flags | (flags & MSG_CMSG_CLOEXEC);
            tell_more(socket, message, message->msg_controllen);
        }
    }
    socket_put(socket);
    return received;
}

/* ---- read and write, which epoll descriptors answer too */

/* -EINVAL for what cannot be read or written at all. */
static struct socket *stream_get(struct hf_sockets *set, int fd, int *error)
{
    struct socket *socket = socket_get(set, fd, error);
    if (*error == -ENOTSOCK) {
        *error = -EINVAL;
    }
    return socket;
}

static ssize_t read_into(struct hf_sockets *set, int fd, struct vector *into)
{
    int message_flags;
    int error;
    ssize_t received = 0;
    struct socket *socket = stream_get(set, fd, &error);
    if (socket == NULL) {
        return error;
    }
    if (into->left > 0) { /* "match SYS5 behaviour": a read of nothing reads nothing */
        received = socket_receive(socket, into, 0, &message_flags);
    }
    socket_put(socket);
    return received;
}

static ssize_t write_from(struct hf_sockets *set, int fd, struct vector *from)
{
    int error;
    ssize_t sent;
    struct socket *socket = stream_get(set, fd, &error);
    if (socket == NULL) {
        return error;
    }
    sent = socket_send(socket, from, 0);
    socket_put(socket);
    return sent;
}

ssize_t hf_socket_read(struct hf_sockets *set, int fd, void *data, size_t length)
{
    struct iovec piece;
    struct vector into = vector_of_buffer(&piece, data, length);
    return read_into(set, fd, &into);
}

ssize_t hf_socket_write(struct hf_sockets *set, int fd, const void *data, size_t length)
{
    struct iovec piece;
    struct vector from = vector_of_buffer(&piece, data, length);
    return write_from(set, fd, &from);
}

static int check_vector(struct hf_sockets *set, int fd, const struct iovec *pieces, int count,
                        struct vector *vector)
{
    int error;
    struct socket *socket = stream_get(set, fd, &error);
    if (socket == NULL) {
        return error;
    }
    socket_put(socket);
    if (count < 0 || (unsigned)count > VECTOR_MOST_PIECES) {
        return -EINVAL;
    }
    return vector_of_pieces(pieces, (size_t)count, vector);
}

ssize_t hf_socket_readv(struct hf_sockets *set, int fd, const struct iovec *pieces, int count)
{
    struct vector into = {0};
    int error = check_vector(set, fd, pieces, count, &into);
    return error != 0 ? error : read_into(set, fd, &into);
}

ssize_t hf_socket_writev(struct hf_sockets *set, int fd, const struct iovec *pieces, int count)
{
    struct vector from = {0};
    int error = check_vector(set, fd, pieces, count, &from);
    if (error == 0 && from.left == 0) {
        return 0; /* unlike write, which asks the socket */
    }
    return error != 0 ? error : write_from(set, fd, &from);
}
