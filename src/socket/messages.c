/* SPDX-License-Identifier: MIT
 *
 * The calls that move bytes: twelve ways to say what from.
 *
 * The order in which arguments are looked at is Linux's, so that two mistakes in one call give the
 * same answer there and here.
 */
#include "error_queue.h"
#include "stamping.h"
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
        sent = socket_send_to(socket, &from, flags, address != NULL ? &to : NULL, address_length,
                              stamping_of_sends(socket));
    }
    socket_put(socket);
    return sent;
}

ssize_t hf_socket_send(struct hf_sockets *set, int fd, const void *data, size_t length, int flags)
{
    return hf_socket_sendto(set, fd, data, length, flags, NULL, 0);
}

/* Linux's sock_cmsg_send: of ancillary data a TCP socket takes which time stamps this send is to
 * have; messages of other levels are none of its business. */
static int check_control(const struct msghdr *message, uint32_t *stamps)
{
    int error = 0;
    struct msghdr copy = *message;
    if (message->msg_control == NULL || message->msg_controllen == 0) {
        return 0;
    }
    for (struct cmsghdr *control = CMSG_FIRSTHDR(&copy); control != NULL && error == 0;
         control = CMSG_NXTHDR(&copy, control)) {
        if (control->cmsg_len < sizeof *control) {
            return -EINVAL;
        }
        if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SO_TIMESTAMPING) {
            error = stamping_of_message(control, stamps);
        } else if (control->cmsg_level == SOL_SOCKET && control->cmsg_type != SCM_RIGHTS &&
                   control->cmsg_type != 2 /* SCM_CREDENTIALS */) {
            return -EINVAL;
        }
    }
    return error;
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
    uint32_t stamps;
    ssize_t sent;
    int error;
    struct socket *socket = socket_get(set, fd, &error);
    if (socket == NULL) {
        return error;
    }
    stamps = stamping_of_sends(socket);
    sent = check_message(message, &to, &to_length);
    if (sent == 0) {
        sent = vector_of_pieces(message->msg_iov, message->msg_iovlen, &from);
    }
    if (sent == 0 && message->msg_controllen > INT_MAX) {
        sent = -ENOBUFS;
    }
    if (sent == 0) {
        sent = check_control(message, &stamps);
    }
    if (sent == 0) {
        sent = socket_send_to(socket, &from, flags, message->msg_name != NULL ? &to : NULL,
                              to_length, stamps);
    }
    socket_put(socket);
    return sent;
}

/* ---- receiving */

/* TCP_INQ: how much more can be read now; the end of the stream counts one, so that a program that
 * reads while there is something does not miss it. */
static void tell_more(struct socket *socket, struct ancillary *ancillary)
{
    struct hf_status status;
    int more = socket->peer_closed;
    if (!socket->options.tell_more) {
        return;
    }
    if (hf_status(socket->file.set->config.stack, socket->handle, &status) == HF_OK) {
        more = (int)status.receive_queue_bytes;
        more += status.state == HF_CLOSE_WAIT || status.state == HF_CLOSING ||
                status.state == HF_LAST_ACK || status.state == HF_TIME_WAIT;
    }
    ancillary_put(ancillary, SOL_TCP, TCP_INQ, &more, sizeof more);
}

static ssize_t receive_message(struct socket *socket, struct vector *into, struct msghdr *message,
                               int flags)
{
    struct ancillary ancillary;
    int message_flags;
    ssize_t received;
    if (flags & MSG_ERRQUEUE) {
        return error_queue_receive(socket, into, message);
    }
    received = socket_receive(socket, into, flags, &message_flags);
    if (received < 0) {
        return received;
    }
    if (message->msg_name != NULL) {
        message->msg_namelen = 0;
    }
    message->msg_flags = message_flags | (flags & MSG_CMSG_CLOEXEC);
    ancillary = ancillary_begin(message);
    if (received > 0) {
        stamping_received(socket, &ancillary);
    }
    tell_more(socket, &ancillary);
    return received;
}

ssize_t hf_socket_recvfrom(struct hf_sockets *set, int fd, void *data, size_t length, int flags,
                           struct sockaddr *address, socklen_t *address_length)
{
    struct iovec piece;
    struct vector into = vector_of_buffer(&piece, data, length);
    struct msghdr message = {0};
    struct sockaddr_storage name;
    int error;
    ssize_t received;
    struct socket *socket = socket_get(set, fd, &error);
    if (socket == NULL) {
        return error;
    }
    /* A connected stream has no name to give, and its length is 0; an error has one. */
    message.msg_name = &name;
    message.msg_namelen = sizeof name;
    received = receive_message(socket, &into, &message, flags);
    if (received >= 0 && address != NULL) {
        if (address_length == NULL) {
            received = -EFAULT;
        } else if ((int)*address_length < 0) {
            received = -EINVAL;
        } else {
            socklen_t room = *address_length;
            memcpy(address, &name, room < message.msg_namelen ? room : message.msg_namelen);
            *address_length = message.msg_namelen;
        }
    }
    socket_put(socket);
    return received;
}

ssize_t hf_socket_recv(struct hf_sockets *set, int fd, void *data, size_t length, int flags)
{
    return hf_socket_recvfrom(set, fd, data, length, flags, NULL, NULL);
}

ssize_t hf_socket_recvmsg(struct hf_sockets *set, int fd, struct msghdr *message, int flags)
{
    struct vector into = {0};
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
        received = receive_message(socket, &into, message, flags);
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
