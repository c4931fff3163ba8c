/* SPDX-License-Identifier: MIT
 *
 * Sockets with Linux's meaning on a Handfast stack: descriptors, options, readiness and errno as a
 * program written for Linux expects them. Constants and structs are those of the platform's own
 * headers (<sys/socket.h>, <netinet/tcp.h>, <poll.h>, <sys/epoll.h>).
 *
 * Every call returns what Linux's system call of that name returns, with errors as negative errno
 * (-EAGAIN), never through errno. Nothing here does I/O or sleeps by itself: a blocking call asks
 * `wait` in the configuration to let time pass.
 *
 * A set of sockets is used by one thread at a time; `wait` may let others in (see there).
 */
#ifndef HANDFAST_SOCKET_H
#define HANDFAST_SOCKET_H

#include "stack.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hf_sockets;

struct hf_sockets_config {
    struct hf_stack *stack; /* borrowed; its events are taken by the sockets from now on */
    /* The clock: the same that drives the stack. */
    hf_time (*now)(void *context);
    /* Called by a call that blocks, again and again until it has what it waits for: lets packets
     * move and time pass, until `until` at the latest (HF_TIME_NEVER: no limit), and returns 0, or
     * a negative errno (-EINTR) that ends the call. It may release a lock around the sockets while
     * it sleeps. NULL: every call behaves as if O_NONBLOCK were set. */
    int (*wait)(void *context, hf_time until);
    void *context;
    /* What to add to now() to get Unix time, for time stamps; 0. */
    hf_time real_time_offset_ns;
    /* Descriptors are numbered from `first_descriptor` up (default 3), the lowest free one first,
     * unless these two are given: then new ones come from open_descriptor (a real descriptor, or a
     * negative errno) and go back through close_descriptor. */
    int first_descriptor;
    int (*open_descriptor)(void *context);
    void (*close_descriptor)(void *context, int descriptor);
    unsigned max_sockets; /* default 65536; one more is -EMFILE */
    /* MSG_ZEROCOPY: so much of the program's memory may be in use at a time, in pages of 4 KiB as
     * Linux counts them against RLIMIT_MEMLOCK; more is -ENOBUFS; default 8 MiB. 0: none; all is
     * copied at once, and completions say so, as Linux does where a device cannot read memory.
     * DEVIATION: Linux keeps such pages until the completion whatever the program does; here the
     * program keeps them mapped until then. (close takes copies of what is left.) The stack's
     * returned references (zero_copy.h) are taken by the sockets, as its events are. */
    size_t zero_copy_bytes;
};
HF_API struct hf_sockets_config hf_sockets_config_default(void);

/* NULL: out of memory or no stack. */
HF_API struct hf_sockets *hf_sockets_new(const struct hf_sockets_config *config);
/* Closes what is open (as a process's exit would) and frees. NULL is allowed. */
HF_API void hf_sockets_free(struct hf_sockets *sockets);
/* Takes the stack's events into the sockets' readiness. Call after hf_stack_input and timers, where
 * no socket call follows at once; every socket call does it by itself. Returns 1 if the readiness
 * of any socket changed since the last time. */
HF_API int hf_sockets_update(struct hf_sockets *sockets);
/* Is this descriptor one of ours? */
HF_API int hf_sockets_owns(const struct hf_sockets *sockets, int descriptor);
/* The core's handle behind a socket, for traces and tests; HF_NO_HANDLE when there is none. */
HF_API hf_handle hf_sockets_handle(const struct hf_sockets *sockets, int descriptor);

/* ---- System calls. */
HF_API int hf_socket(struct hf_sockets *sockets, int domain, int type, int protocol);
HF_API int hf_socket_bind(struct hf_sockets *sockets, int fd, const struct sockaddr *address,
                          socklen_t length);
HF_API int hf_socket_listen(struct hf_sockets *sockets, int fd, int backlog);
HF_API int hf_socket_accept4(struct hf_sockets *sockets, int fd, struct sockaddr *address,
                             socklen_t *length, int flags);
HF_API int hf_socket_connect(struct hf_sockets *sockets, int fd, const struct sockaddr *address,
                             socklen_t length);
HF_API ssize_t hf_socket_send(struct hf_sockets *sockets, int fd, const void *data, size_t length,
                              int flags);
HF_API ssize_t hf_socket_sendto(struct hf_sockets *sockets, int fd, const void *data, size_t length,
                                int flags, const struct sockaddr *address,
                                socklen_t address_length);
HF_API ssize_t hf_socket_sendmsg(struct hf_sockets *sockets, int fd, const struct msghdr *message,
                                 int flags);
HF_API ssize_t hf_socket_recv(struct hf_sockets *sockets, int fd, void *data, size_t length,
                              int flags);
HF_API ssize_t hf_socket_recvfrom(struct hf_sockets *sockets, int fd, void *data, size_t length,
                                  int flags, struct sockaddr *address, socklen_t *address_length);
HF_API ssize_t hf_socket_recvmsg(struct hf_sockets *sockets, int fd, struct msghdr *message,
                                 int flags);
HF_API ssize_t hf_socket_read(struct hf_sockets *sockets, int fd, void *data, size_t length);
HF_API ssize_t hf_socket_write(struct hf_sockets *sockets, int fd, const void *data, size_t length);
HF_API ssize_t hf_socket_readv(struct hf_sockets *sockets, int fd, const struct iovec *vector,
                               int count);
HF_API ssize_t hf_socket_writev(struct hf_sockets *sockets, int fd, const struct iovec *vector,
                                int count);
HF_API int hf_socket_shutdown(struct hf_sockets *sockets, int fd, int how);
HF_API int hf_socket_close(struct hf_sockets *sockets, int fd);
HF_API int hf_socket_getsockname(struct hf_sockets *sockets, int fd, struct sockaddr *address,
                                 socklen_t *length);
HF_API int hf_socket_getpeername(struct hf_sockets *sockets, int fd, struct sockaddr *address,
                                 socklen_t *length);
HF_API int hf_socket_getsockopt(struct hf_sockets *sockets, int fd, int level, int name,
                                void *value, socklen_t *length);
HF_API int hf_socket_setsockopt(struct hf_sockets *sockets, int fd, int level, int name,
                                const void *value, socklen_t length);
/* F_GETFL, F_SETFL (O_NONBLOCK), F_GETFD, F_SETFD (FD_CLOEXEC); others -EINVAL. */
HF_API int hf_socket_fcntl(struct hf_sockets *sockets, int fd, int command, int argument);
/* FIONREAD (SIOCINQ), SIOCOUTQ, SIOCOUTQNSD, SIOCATMARK, FIONBIO; others -ENOTTY. */
HF_API int hf_socket_ioctl(struct hf_sockets *sockets, int fd, unsigned long request,
                           int *argument);
/* Only our descriptors; another one reads POLLNVAL. */
HF_API int hf_socket_poll(struct hf_sockets *sockets, struct pollfd *descriptors, nfds_t count,
                          int timeout_ms);
/* Epoll instances are descriptors of ours, too; closed by hf_socket_close. */
HF_API int hf_socket_epoll_create1(struct hf_sockets *sockets, int flags);
HF_API int hf_socket_epoll_ctl(struct hf_sockets *sockets, int epoll, int operation, int fd,
                               struct epoll_event *event);
HF_API int hf_socket_epoll_wait(struct hf_sockets *sockets, int epoll, struct epoll_event *events,
                                int most, int timeout_ms);

#ifdef __cplusplus
}
#endif

#endif
