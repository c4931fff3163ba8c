/* SPDX-License-Identifier: MIT
 *
 * <handfast/socket.h> by system calls: see kernel_judge.h.
 *
 * A call that would block must let the runner go on with the script, so none really blocks: where
 * the socket is a blocking one, the runner is asked to let time pass until poll() says that the
 * call can return, and calls that a blocking socket would hold until all is done are made in parts.
 */
#include "kernel_judge.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { MOST_DESCRIPTORS = 1024 };

struct hf_sockets {
    struct hf_sockets_config config;
    bool open[MOST_DESCRIPTORS];
};

struct hf_sockets *hf_sockets_new(const struct hf_sockets_config *config)
{
    struct hf_sockets *sockets = calloc(1, sizeof *sockets);
    if (sockets != NULL)
        sockets->config = *config;
    return sockets;
}

void hf_sockets_free(struct hf_sockets *sockets)
{
    for (int fd = 0; sockets != NULL && fd < MOST_DESCRIPTORS; fd++) {
        if (sockets->open[fd])
            close(fd);
    }
    if (sockets != NULL)
        sockets->config.stack->over = true;
    free(sockets);
}

int hf_sockets_update(struct hf_sockets *sockets)
{
    (void)sockets;
    return 0;
}

static ssize_t answer(ssize_t result)
{
    return result < 0 ? -errno : result;
}

static int opened(struct hf_sockets *sockets, int fd)
{
    if (fd < 0)
        return -errno;
    if (fd < MOST_DESCRIPTORS)
        sockets->open[fd] = true;
    return fd;
}

/* ---- waiting */

static bool blocking(int fd, int flags)
{
    int mode = fcntl(fd, F_GETFL);
    return mode >= 0 && !(mode & O_NONBLOCK) && !(flags & MSG_DONTWAIT);
}

/* When a call that waits must end by SO_RCVTIMEO or SO_SNDTIMEO. */
static hf_time limit_of(struct hf_sockets *sockets, int fd, int option)
{
    struct timeval limit = {0, 0};
    socklen_t length = sizeof limit;
    hf_time time;
    if (getsockopt(fd, SOL_SOCKET, option, &limit, &length) != 0)
        return HF_TIME_NEVER;
    time = (hf_time)limit.tv_sec * HF_SECOND + (hf_time)limit.tv_usec * HF_MICROSECOND;
    return time > 0 ? sockets->config.now(sockets->config.context) + time : HF_TIME_NEVER;
}

/* Lets time pass until poll() finds one of `events`, an error or the end: 0, or a negative errno.
 */
static int wait_for(struct hf_sockets *sockets, int fd, short events, hf_time limit)
{
    struct pollfd look = {.fd = fd, .events = events};
    while (poll(&look, 1, 0) == 0) {
        int over;
        if (sockets->config.now(sockets->config.context) >= limit)
            return -EAGAIN;
        over = sockets->config.wait(sockets->config.context, limit);
        if (over < 0)
            return over;
    }
    return 0;
}

static int wait_to_read(struct hf_sockets *sockets, int fd, int flags)
{
    if (flags & (MSG_OOB | MSG_ERRQUEUE) || !blocking(fd, flags))
        return 0;
    return wait_for(sockets, fd, POLLIN, limit_of(sockets, fd, SO_RCVTIMEO));
}

/* MSG_WAITALL: until so much is there, or nothing more comes. */
static int wait_for_all(struct hf_sockets *sockets, int fd, int flags, size_t length)
{
    hf_time limit = limit_of(sockets, fd, SO_RCVTIMEO);
    while (flags & MSG_WAITALL && blocking(fd, flags)) {
        struct pollfd look = {.fd = fd, .events = POLLIN | POLLRDHUP};
        int there = 0, over;
        if (ioctl(fd, FIONREAD, &there) != 0 || (size_t)there >= length ||
            (poll(&look, 1, 0) > 0 && look.revents & (POLLRDHUP | POLLHUP | POLLERR)) ||
            sockets->config.now(sockets->config.context) >= limit)
            return 0;
        over = sockets->config.wait(sockets->config.context, limit);
        if (over < 0)
            return over;
    }
    return 0;
}

/* ---- opening and closing */

int hf_socket(struct hf_sockets *sockets, int domain, int type, int protocol)
{
    const char *name = kernel_congestion_control();
    int fd = opened(sockets, socket(domain, type, protocol));
    if (fd >= 0)
        setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name));
    return fd;
}

int hf_socket_bind(struct hf_sockets *sockets, int fd, const struct sockaddr *address,
                   socklen_t length)
{
    int on = 1;
    (void)sockets;
    /* Scripts leave out what would only let them run twice. */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return (int)answer(bind(fd, address, length));
}

int hf_socket_listen(struct hf_sockets *sockets, int fd, int backlog)
{
    (void)sockets;
    return (int)answer(listen(fd, backlog));
}

int hf_socket_accept4(struct hf_sockets *sockets, int fd, struct sockaddr *address,
                      socklen_t *length, int flags)
{
    int over = wait_to_read(sockets, fd, 0);
    return over < 0 ? over : opened(sockets, accept4(fd, address, length, flags));
}

int hf_socket_connect(struct hf_sockets *sockets, int fd, const struct sockaddr *address,
                      socklen_t length)
{
    int mode = fcntl(fd, F_GETFL), result, error = 0;
    socklen_t size = sizeof error;
    if (mode < 0 || mode & O_NONBLOCK)
        return (int)answer(connect(fd, address, length));
    fcntl(fd, F_SETFL, mode | O_NONBLOCK);
    result = (int)answer(connect(fd, address, length));
    fcntl(fd, F_SETFL, mode);
    if (result != -EINPROGRESS)
        return result;
    result = wait_for(sockets, fd, POLLOUT, limit_of(sockets, fd, SO_SNDTIMEO));
    if (result == -EAGAIN)
        return -EINPROGRESS;
    if (result == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0)
        result = -error;
    return result;
}

int hf_socket_shutdown(struct hf_sockets *sockets, int fd, int how)
{
    (void)sockets;
    return (int)answer(shutdown(fd, how));
}

int hf_socket_close(struct hf_sockets *sockets, int fd)
{
    struct linger linger = {0, 0};
    socklen_t length = sizeof linger;
    /* One that lingers waits until all is acknowledged. */
    if (blocking(fd, 0) && getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &length) == 0 &&
        linger.l_onoff && linger.l_linger > 0)
        return -EOPNOTSUPP;
    if (fd >= 0 && fd < MOST_DESCRIPTORS)
        sockets->open[fd] = false;
    return (int)answer(close(fd));
}

/* ---- data */

/* Where the runner's clock would show the kernel's real time. */
static hf_time to_runner(const struct hf_sockets *sockets, hf_time real)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return real - (now.tv_sec * HF_SECOND + now.tv_nsec) + kernel_time() +
           sockets->config.real_time_offset_ns;
}

static void convert_stamps(const struct hf_sockets *sockets, struct msghdr *message)
{
    for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at != NULL; at = CMSG_NXTHDR(message, at)) {
        struct timespec stamp;
        hf_time time;
        bool coarse = at->cmsg_type == SCM_TIMESTAMP;
        if (at->cmsg_level != SOL_SOCKET || at->cmsg_len < CMSG_LEN(sizeof stamp) ||
            (!coarse && at->cmsg_type != SCM_TIMESTAMPNS && at->cmsg_type != SCM_TIMESTAMPING))
            continue;
        memcpy(&stamp, CMSG_DATA(at), sizeof stamp);
        time = stamp.tv_sec * HF_SECOND + stamp.tv_nsec * (coarse ? HF_MICROSECOND : 1);
        time = to_runner(sockets, time);
        stamp.tv_sec = time / HF_SECOND;
        stamp.tv_nsec = time % HF_SECOND / (coarse ? HF_MICROSECOND : 1);
        memcpy(CMSG_DATA(at), &stamp, sizeof stamp);
    }
}

ssize_t hf_socket_recvmsg(struct hf_sockets *sockets, int fd, struct msghdr *message, int flags)
{
    size_t length = 0;
    int over;
    for (size_t i = 0; i < message->msg_iovlen; i++)
        length += message->msg_iov[i].iov_len;
    over = wait_to_read(sockets, fd, flags);
    if (over == 0)
        over = wait_for_all(sockets, fd, flags, length);
    if (over == 0)
        over = (int)answer(recvmsg(fd, message, flags));
    if (over >= 0)
        convert_stamps(sockets, message);
    return over;
}

ssize_t hf_socket_recvfrom(struct hf_sockets *sockets, int fd, void *data, size_t length, int flags,
                           struct sockaddr *address, socklen_t *address_length)
{
    int over = wait_to_read(sockets, fd, flags);
    if (over == 0)
        over = wait_for_all(sockets, fd, flags, length);
    if (over == 0 && flags & MSG_WAITALL)
        flags |= MSG_DONTWAIT; /* what is there is all */
    return over < 0 ? over : answer(recvfrom(fd, data, length, flags, address, address_length));
}

ssize_t hf_socket_recv(struct hf_sockets *sockets, int fd, void *data, size_t length, int flags)
{
    return hf_socket_recvfrom(sockets, fd, data, length, flags, NULL, NULL);
}

ssize_t hf_socket_read(struct hf_sockets *sockets, int fd, void *data, size_t length)
{
    int over = wait_to_read(sockets, fd, 0);
    return over < 0 ? over : answer(read(fd, data, length));
}

ssize_t hf_socket_readv(struct hf_sockets *sockets, int fd, const struct iovec *vector, int count)
{
    int over = wait_to_read(sockets, fd, 0);
    return over < 0 ? over : answer(readv(fd, vector, count));
}

/* A blocking socket holds a sender until the last byte is taken. */
static ssize_t send_all(struct hf_sockets *sockets, int fd, const char *data, size_t length,
                        int flags)
{
    hf_time limit = limit_of(sockets, fd, SO_SNDTIMEO);
    size_t sent = 0;
    for (;;) {
        ssize_t part = answer(send(fd, data + sent, length - sent, flags | MSG_DONTWAIT));
        if (part >= 0)
            sent += (size_t)part;
        else if (part != -EAGAIN)
            return sent > 0 ? (ssize_t)sent : part;
        if (sent >= length)
            return (ssize_t)sent;
        part = wait_for(sockets, fd, POLLOUT, limit);
        if (part < 0)
            return sent > 0 ? (ssize_t)sent : part;
    }
}

ssize_t hf_socket_sendmsg(struct hf_sockets *sockets, int fd, const struct msghdr *message,
                          int flags)
{
    int over = blocking(fd, flags)
                   ? wait_for(sockets, fd, POLLOUT | POLLHUP, limit_of(sockets, fd, SO_SNDTIMEO))
                   : 0;
    return over < 0 ? over : answer(sendmsg(fd, message, flags));
}

ssize_t hf_socket_sendto(struct hf_sockets *sockets, int fd, const void *data, size_t length,
                         int flags, const struct sockaddr *address, socklen_t address_length)
{
    if (address == NULL && blocking(fd, flags))
        return send_all(sockets, fd, data, length, flags);
    return answer(sendto(fd, data, length, flags, address, address_length));
}

ssize_t hf_socket_send(struct hf_sockets *sockets, int fd, const void *data, size_t length,
                       int flags)
{
    return hf_socket_sendto(sockets, fd, data, length, flags, NULL, 0);
}

ssize_t hf_socket_write(struct hf_sockets *sockets, int fd, const void *data, size_t length)
{
    if (blocking(fd, 0) && data != NULL)
        return send_all(sockets, fd, data, length, 0);
    return answer(write(fd, data, length));
}

ssize_t hf_socket_writev(struct hf_sockets *sockets, int fd, const struct iovec *vector, int count)
{
    int over = blocking(fd, 0)
                   ? wait_for(sockets, fd, POLLOUT | POLLHUP, limit_of(sockets, fd, SO_SNDTIMEO))
                   : 0;
    return over < 0 ? over : answer(writev(fd, vector, count));
}

/* ---- names, options, modes */

int hf_socket_getsockname(struct hf_sockets *sockets, int fd, struct sockaddr *address,
                          socklen_t *length)
{
    (void)sockets;
    return (int)answer(getsockname(fd, address, length));
}

int hf_socket_getpeername(struct hf_sockets *sockets, int fd, struct sockaddr *address,
                          socklen_t *length)
{
    (void)sockets;
    return (int)answer(getpeername(fd, address, length));
}

int hf_socket_getsockopt(struct hf_sockets *sockets, int fd, int level, int name, void *value,
                         socklen_t *length)
{
    (void)sockets;
    return (int)answer(getsockopt(fd, level, name, value, length));
}

int hf_socket_setsockopt(struct hf_sockets *sockets, int fd, int level, int name, const void *value,
                         socklen_t length)
{
    (void)sockets;
    return (int)answer(setsockopt(fd, level, name, value, length));
}

int hf_socket_fcntl(struct hf_sockets *sockets, int fd, int command, int argument)
{
    (void)sockets;
    return (int)answer(fcntl(fd, command, argument));
}

int hf_socket_ioctl(struct hf_sockets *sockets, int fd, unsigned long request, int *argument)
{
    (void)sockets;
    return (int)answer(ioctl(fd, request, argument));
}

/* ---- readiness */

static hf_time until(struct hf_sockets *sockets, int timeout_ms)
{
    return timeout_ms < 0
               ? HF_TIME_NEVER
               : sockets->config.now(sockets->config.context) + timeout_ms * HF_MILLISECOND;
}

int hf_socket_poll(struct hf_sockets *sockets, struct pollfd *descriptors, nfds_t count,
                   int timeout_ms)
{
    hf_time limit = until(sockets, timeout_ms);
    for (;;) {
        int ready = (int)answer(poll(descriptors, count, 0)), over;
        if (ready != 0 || sockets->config.now(sockets->config.context) >= limit)
            return ready;
        over = sockets->config.wait(sockets->config.context, limit);
        if (over < 0)
            return over;
    }
}

int hf_socket_epoll_create1(struct hf_sockets *sockets, int flags)
{
    return opened(sockets, epoll_create1(flags));
}

int hf_socket_epoll_ctl(struct hf_sockets *sockets, int epoll, int operation, int fd,
                        struct epoll_event *event)
{
    (void)sockets;
    return (int)answer(epoll_ctl(epoll, operation, fd, event));
}

int hf_socket_epoll_wait(struct hf_sockets *sockets, int epoll, struct epoll_event *events,
                         int most, int timeout_ms)
{
    hf_time limit = until(sockets, timeout_ms);
    for (;;) {
        int ready = (int)answer(epoll_wait(epoll, events, most, 0)), over;
        if (ready != 0 || sockets->config.now(sockets->config.context) >= limit)
            return ready;
        over = sockets->config.wait(sockets->config.context, limit);
        if (over < 0)
            return over;
    }
}
