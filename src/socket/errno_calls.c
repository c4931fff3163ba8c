/* SPDX-License-Identifier: MIT
 *
 * Every call in both worlds. The kernel is asked without the C library in between, which would look
 * at arguments itself under a sanitizer.
 */
#include "errno_world_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long said(struct world *world, const char *call, long answer)
{
    world_write_line(world, call, answer, "");
    return answer;
}

static int said_descriptor(struct world *world, const char *call, int fd)
{
    world_write_line(world, call, fd < 0 ? fd : 0, fd < 0 ? "" : " (descriptor)");
    if (world->kernel && fd >= 0 && fd < MOST_DESCRIPTORS) {
        world->open_kernel[fd] = true;
    }
    return fd;
}

struct hf_sockets *world_set(struct world *world, int fd)
{
    return world->sets[fd >= SERVER_DESCRIPTORS ? SERVER : CLIENT];
}

/* What the kernel says through errno. */
static long kernel_answer(long answer)
{
    return answer < 0 ? -errno : answer;
}

static long kernel_poll(struct pollfd *descriptors, nfds_t count, int timeout_ms)
{
    struct timespec time = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
    return kernel_answer(
        syscall(SYS_ppoll, descriptors, count, timeout_ms < 0 ? NULL : &time, NULL, 0));
}

int world_open_socket(struct world *world, enum side side, int domain, int type, int protocol)
{
    int fd = world->kernel ? (int)kernel_answer(socket(domain, type, protocol))
                           : hf_socket(world->sets[side], domain, type, protocol);
    return said_descriptor(world, "socket", fd);
}

int world_domain(const struct world *world, int domain)
{
    return world->cast != AS_WRITTEN && domain == AF_INET ? AF_INET6 : domain;
}

int w_socket(struct world *world, enum side side, int domain, int type, int protocol)
{
    domain = world_domain(world, domain);
    return world_open_socket(world, side, domain, type, protocol);
}

int w_bind(struct world *world, int fd, const void *address, socklen_t length)
{
    return (int)said(world, "bind",
                     world->kernel ? kernel_answer(syscall(SYS_bind, fd, address, length))
                                   : hf_socket_bind(world_set(world, fd), fd, address, length));
}

int w_listen(struct world *world, int fd, int backlog)
{
    return (int)said(world, "listen",
                     world->kernel ? kernel_answer(listen(fd, backlog))
                                   : hf_socket_listen(world_set(world, fd), fd, backlog));
}

int w_accept_raw(struct world *world, int fd, struct sockaddr *address, socklen_t *length,
                 int flags)
{
    int accepted = world->kernel
                       ? (int)kernel_answer(syscall(SYS_accept4, fd, address, length, flags))
                       : hf_socket_accept4(world_set(world, fd), fd, address, length, flags);
    return said_descriptor(world, "accept4", accepted);
}

int w_accept(struct world *world, int fd, int flags)
{
    return w_accept_raw(world, fd, NULL, NULL, flags);
}

int w_connect(struct world *world, int fd, const void *address, socklen_t length)
{
    return (int)said(world, "connect",
                     world->kernel ? kernel_answer(syscall(SYS_connect, fd, address, length))
                                   : hf_socket_connect(world_set(world, fd), fd, address, length));
}

ssize_t w_send(struct world *world, int fd, const void *data, size_t length, int flags)
{
    return said(
        world, "send",
        world->kernel
            ? kernel_answer(syscall(SYS_sendto, fd, data, length, flags | MSG_NOSIGNAL, NULL, 0))
            : hf_socket_send(world_set(world, fd), fd, data, length, flags | MSG_NOSIGNAL));
}

ssize_t w_sendto(struct world *world, int fd, const void *data, size_t length, int flags,
                 const void *address, socklen_t address_length)
{
    flags |= MSG_NOSIGNAL;
    return said(world, "sendto",
                world->kernel ? kernel_answer(syscall(SYS_sendto, fd, data, length, flags, address,
                                                      address_length))
                              : hf_socket_sendto(world_set(world, fd), fd, data, length, flags,
                                                 address, address_length));
}

ssize_t w_sendmsg(struct world *world, int fd, const struct msghdr *message, int flags)
{
    flags |= MSG_NOSIGNAL;
    return said(world, "sendmsg",
                world->kernel ? kernel_answer(syscall(SYS_sendmsg, fd, message, flags))
                              : hf_socket_sendmsg(world_set(world, fd), fd, message, flags));
}

ssize_t w_recv_raw(struct world *world, int fd, void *data, size_t length, int flags)
{
    return said(world, "recv",
                world->kernel
                    ? kernel_answer(syscall(SYS_recvfrom, fd, data, length, flags, NULL, NULL))
                    : hf_socket_recv(world_set(world, fd), fd, data, length, flags));
}

ssize_t w_recv(struct world *world, int fd, size_t length, int flags)
{
    char data[64];
    char more[sizeof data + 8] = "";
    ssize_t n;
    memset(data, '-', sizeof data);
    length = length < sizeof data ? length : sizeof data;
    n = world->kernel ? kernel_answer(syscall(SYS_recvfrom, fd, data, length, flags, NULL, NULL))
                      : hf_socket_recv(world_set(world, fd), fd, data, length, flags);
    if (n > 0) {
        snprintf(more, sizeof more, " \"%.*s\"", (int)n, data);
    }
    world_write_line(world, "recv", n, more);
    return n;
}

ssize_t w_recvfrom(struct world *world, int fd, void *data, size_t length, int flags,
                   struct sockaddr *address, socklen_t *address_length)
{
    return said(world, "recvfrom",
                world->kernel ? kernel_answer(syscall(SYS_recvfrom, fd, data, length, flags,
                                                      address, address_length))
                              : hf_socket_recvfrom(world_set(world, fd), fd, data, length, flags,
                                                   address, address_length));
}

ssize_t w_recvmsg(struct world *world, int fd, struct msghdr *message, int flags)
{
    return said(world, "recvmsg",
                world->kernel ? kernel_answer(syscall(SYS_recvmsg, fd, message, flags))
                              : hf_socket_recvmsg(world_set(world, fd), fd, message, flags));
}

ssize_t w_read(struct world *world, int fd, void *data, size_t length)
{
    return said(world, "read",
                world->kernel ? kernel_answer(syscall(SYS_read, fd, data, length))
                              : hf_socket_read(world_set(world, fd), fd, data, length));
}

ssize_t w_write(struct world *world, int fd, const void *data, size_t length)
{
    return said(world, "write",
                world->kernel ? kernel_answer(syscall(SYS_write, fd, data, length))
                              : hf_socket_write(world_set(world, fd), fd, data, length));
}

ssize_t w_readv(struct world *world, int fd, const struct iovec *vector, int count)
{
    return said(world, "readv",
                world->kernel ? kernel_answer(syscall(SYS_readv, fd, vector, count))
                              : hf_socket_readv(world_set(world, fd), fd, vector, count));
}

ssize_t w_writev(struct world *world, int fd, const struct iovec *vector, int count)
{
    return said(world, "writev",
                world->kernel ? kernel_answer(syscall(SYS_writev, fd, vector, count))
                              : hf_socket_writev(world_set(world, fd), fd, vector, count));
}

int w_shutdown(struct world *world, int fd, int how)
{
    return (int)said(world, "shutdown",
                     world->kernel ? kernel_answer(shutdown(fd, how))
                                   : hf_socket_shutdown(world_set(world, fd), fd, how));
}

int w_close(struct world *world, int fd)
{
    if (world->kernel && fd >= 0 && fd < MOST_DESCRIPTORS) {
        world->open_kernel[fd] = false;
    }
    return (int)said(world, "close",
                     world->kernel ? kernel_answer(close(fd))
                                   : hf_socket_close(world_set(world, fd), fd));
}

int w_getsockname(struct world *world, int fd, void *address, socklen_t *length)
{
    return (int)said(world, "getsockname",
                     world->kernel
                         ? kernel_answer(syscall(SYS_getsockname, fd, address, length))
                         : hf_socket_getsockname(world_set(world, fd), fd, address, length));
}

int w_getpeername(struct world *world, int fd, void *address, socklen_t *length)
{
    return (int)said(world, "getpeername",
                     world->kernel
                         ? kernel_answer(syscall(SYS_getpeername, fd, address, length))
                         : hf_socket_getpeername(world_set(world, fd), fd, address, length));
}

int w_setsockopt(struct world *world, int fd, int level, int name, const void *value,
                 socklen_t length)
{
    char call[48];
    snprintf(call, sizeof call, "setsockopt(%d, %d)", level, name);
    return (int)said(
        world, call,
        world->kernel ? kernel_answer(syscall(SYS_setsockopt, fd, level, name, value, length))
                      : hf_socket_setsockopt(world_set(world, fd), fd, level, name, value, length));
}

int w_getsockopt(struct world *world, int fd, int level, int name, void *value, socklen_t *length)
{
    char call[48];
    snprintf(call, sizeof call, "getsockopt(%d, %d)", level, name);
    return (int)said(
        world, call,
        world->kernel ? kernel_answer(syscall(SYS_getsockopt, fd, level, name, value, length))
                      : hf_socket_getsockopt(world_set(world, fd), fd, level, name, value, length));
}

int w_fcntl(struct world *world, int fd, int command, int argument)
{
    long answer = world->kernel ? kernel_answer(fcntl(fd, command, argument))
                                : hf_socket_fcntl(world_set(world, fd), fd, command, argument);
    if (command == F_GETFL && answer >= 0) {
        answer &= O_ACCMODE | O_NONBLOCK; /* the kernel shows O_LARGEFILE, too, on some machines */
    }
    return (int)said(world, "fcntl", answer);
}

int w_ioctl(struct world *world, int fd, unsigned long request, int *argument)
{
    char call[32];
    char more[32] = "";
    long answer = world->kernel ? kernel_answer(syscall(SYS_ioctl, fd, request, argument))
                                : hf_socket_ioctl(world_set(world, fd), fd, request, argument);
    snprintf(call, sizeof call, "ioctl(%#lx)", request);
    if (answer == 0 && argument != NULL) {
        snprintf(more, sizeof more, " -> %d", *argument);
    }
    world_write_line(world, call, answer, more);
    return (int)answer;
}

int w_poll_raw(struct world *world, struct pollfd *descriptors, nfds_t count, int timeout_ms)
{
    struct hf_sockets *set =
        world_set(world, count > 0 && descriptors != NULL ? descriptors[0].fd : -1);
    return (int)said(world, "poll",
                     world->kernel ? kernel_poll(descriptors, count, timeout_ms)
                                   : hf_socket_poll(set, descriptors, count, timeout_ms));
}

int w_epoll_create1(struct world *world, enum side side, int flags)
{
    int fd = world->kernel ? (int)kernel_answer(epoll_create1(flags))
                           : hf_socket_epoll_create1(world->sets[side], flags);
    return said_descriptor(world, "epoll_create1", fd);
}

int w_epoll_ctl(struct world *world, int epoll, int operation, int fd, struct epoll_event *event)
{
    return (int)said(
        world, "epoll_ctl",
        world->kernel ? kernel_answer(syscall(SYS_epoll_ctl, epoll, operation, fd, event))
                      : hf_socket_epoll_ctl(world_set(world, epoll), epoll, operation, fd, event));
}

int w_epoll_wait_raw(struct world *world, int epoll, struct epoll_event *events, int most,
                     int timeout_ms)
{
    return (int)said(
        world, "epoll_wait",
        world->kernel
            ? kernel_answer(syscall(SYS_epoll_pwait, epoll, events, most, timeout_ms, NULL, 0))
            : hf_socket_epoll_wait(world_set(world, epoll), epoll, events, most, timeout_ms));
}

/* ---- the same, shorter */

int w_set(struct world *world, int fd, int level, int name, int value)
{
    return w_setsockopt(world, fd, level, name, &value, sizeof value);
}

int w_get(struct world *world, int fd, int level, int name)
{
    int value = -12345;
    socklen_t length = sizeof value;
    char call[48];
    char more[48] = "";
    long answer = world->kernel ? kernel_answer(getsockopt(fd, level, name, &value, &length))
                                : hf_socket_getsockopt(world_set(world, fd), fd, level, name,
                                                       &value, &length);
    snprintf(call, sizeof call, "getsockopt(%d, %d)", level, name);
    if (answer == 0) {
        snprintf(more, sizeof more, " -> %d (%u bytes)", value, (unsigned)length);
    }
    world_write_line(world, call, answer, more);
    return value;
}

int w_error(struct world *world, int fd)
{
    return w_get(world, fd, SOL_SOCKET, SO_ERROR);
}

int w_poll(struct world *world, int fd, int events)
{
    struct pollfd entry = {.fd = fd, .events = (short)events};
    long answer = world->kernel ? kernel_answer(poll(&entry, 1, 0))
                                : hf_socket_poll(world_set(world, fd), &entry, 1, 0);
    char more[32];
    snprintf(more, sizeof more, " -> %#x", (unsigned)(unsigned short)entry.revents);
    world_write_line(world, "poll", answer, more);
    return entry.revents;
}

static int epoll_named(struct world *world, int epoll, int operation, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u64 = 7};
    return w_epoll_ctl(world, epoll, operation, fd, &event);
}

int w_epoll_add(struct world *world, int epoll, int fd, uint32_t events)
{
    return epoll_named(world, epoll, EPOLL_CTL_ADD, fd, events);
}

int w_epoll_mod(struct world *world, int epoll, int fd, uint32_t events)
{
    return epoll_named(world, epoll, EPOLL_CTL_MOD, fd, events);
}

int w_epoll_wait(struct world *world, int epoll)
{
    struct epoll_event events[4];
    char more[96] = "";
    size_t used = 0;
    int count = world->kernel ? (int)kernel_answer(epoll_wait(epoll, events, 4, 0))
                              : hf_socket_epoll_wait(world_set(world, epoll), epoll, events, 4, 0);
    for (int i = 0; i < count && used < sizeof more; i++) {
        used += (size_t)snprintf(more + used, sizeof more - used, " %#x/%d", events[i].events,
                                 (int)events[i].data.u64);
    }
    world_write_line(world, "epoll_wait", count, more);
    return count;
}
