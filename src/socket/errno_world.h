/* SPDX-License-Identifier: MIT
 *
 * One set of calls, two worlds behind it: the kernel's sockets on loopback, and Handfast's on two
 * stacks with a simulated link between them. A scenario is a function that makes calls; every call
 * writes down what it answered, and a test compares the two records line by line. The kernel is the
 * judge.
 *
 * A client and a server play: in the kernel they are one process, in Handfast two hosts, and which
 * of them a descriptor belongs to is told by its number.
 */
#ifndef ERRNO_WORLD_H
#define ERRNO_WORLD_H

#include <handfast/socket.h>

#include <netinet/in.h>
#include <stdbool.h>

enum side { CLIENT, SERVER };

struct world;
typedef void scenario_play(struct world *world);
struct named_scenario {
    const char *name;
    scenario_play *play;
    bool needs_ipv6;
};

/* Scenarios speak of AF_INET; the same can be played over IPv6, and over IPv4 with AF_INET6 sockets
 * and mapped addresses. */
enum cast { AS_WRITTEN, AS_IPV6, AS_MAPPED, CAST_COUNT };

/* Plays it in both worlds. Prints every line that differs; true: none does. Loopback is shared with
 * whoever else is on this machine and may take a port in between, so what disagrees is played twice
 * more; a difference of meaning disagrees every time. */
bool scenario_agrees(const struct named_scenario *scenario, enum cast cast);
bool kernel_has_ipv6(void);

/* ---- Calls. Each writes down its answer; descriptors are written as "descriptor". */
int w_socket(struct world *world, enum side side, int domain, int type, int protocol);
int w_bind(struct world *world, int fd, const void *address, socklen_t length);
int w_listen(struct world *world, int fd, int backlog);
int w_accept(struct world *world, int fd, int flags);
int w_accept_raw(struct world *world, int fd, struct sockaddr *address, socklen_t *length,
                 int flags);
int w_connect(struct world *world, int fd, const void *address, socklen_t length);
ssize_t w_send(struct world *world, int fd, const void *data, size_t length, int flags);
ssize_t w_sendto(struct world *world, int fd, const void *data, size_t length, int flags,
                 const void *address, socklen_t address_length);
ssize_t w_sendmsg(struct world *world, int fd, const struct msghdr *message, int flags);
/* Writes down the bytes, too. */
ssize_t w_recv(struct world *world, int fd, size_t length, int flags);
ssize_t w_recv_raw(struct world *world, int fd, void *data, size_t length, int flags);
ssize_t w_recvfrom(struct world *world, int fd, void *data, size_t length, int flags,
                   struct sockaddr *address, socklen_t *address_length);
ssize_t w_recvmsg(struct world *world, int fd, struct msghdr *message, int flags);
ssize_t w_read(struct world *world, int fd, void *data, size_t length);
ssize_t w_write(struct world *world, int fd, const void *data, size_t length);
ssize_t w_readv(struct world *world, int fd, const struct iovec *vector, int count);
ssize_t w_writev(struct world *world, int fd, const struct iovec *vector, int count);
int w_shutdown(struct world *world, int fd, int how);
int w_close(struct world *world, int fd);
int w_getsockname(struct world *world, int fd, void *address, socklen_t *length);
int w_getpeername(struct world *world, int fd, void *address, socklen_t *length);
int w_setsockopt(struct world *world, int fd, int level, int name, const void *value,
                 socklen_t length);
int w_getsockopt(struct world *world, int fd, int level, int name, void *value, socklen_t *length);
int w_fcntl(struct world *world, int fd, int command, int argument);
int w_ioctl(struct world *world, int fd, unsigned long request, int *argument);
int w_poll_raw(struct world *world, struct pollfd *descriptors, nfds_t count, int timeout_ms);
int w_epoll_create1(struct world *world, enum side side, int flags);
int w_epoll_ctl(struct world *world, int epoll, int operation, int fd, struct epoll_event *event);
int w_epoll_wait_raw(struct world *world, int epoll, struct epoll_event *events, int most,
                     int timeout_ms);

/* ---- The same, shorter. */
int w_set(struct world *world, int fd, int level, int name, int value);
int w_get(struct world *world, int fd, int level, int name); /* writes down the value */
int w_poll(struct world *world, int fd, int events);         /* at once; writes down revents */
int w_epoll_add(struct world *world, int epoll, int fd, uint32_t events);
int w_epoll_mod(struct world *world, int epoll, int fd, uint32_t events);
int w_epoll_wait(struct world *world, int epoll); /* at once; writes down events and data */
int w_error(struct world *world, int fd);         /* SO_ERROR */

/* ---- Scenery; nothing is written down. */
/* The server's address: 127.0.0.1 or ::1, or what stands for it. AF_INET6 and `mapped`:
 * ::ffff:127.0.0.1. */
struct sockaddr_storage w_address(struct world *world, int domain, bool mapped, uint16_t port);
struct sockaddr_storage w_any(struct world *world, int domain, uint16_t port);
/* An address that is nobody's here. */
struct sockaddr_storage w_foreign(struct world *world, int domain, uint16_t port);
socklen_t w_length(struct world *world, int domain);
uint16_t w_port_of(struct world *world, int fd); /* the local port */
/* A port that nobody holds at any address. */
uint16_t w_free_port(struct world *world, enum side side);
int w_listener(struct world *world, int domain, uint16_t *port);
/* A connected pair; non-blocking. */
struct pair {
    int client, server;
    int listener;
    uint16_t port;
};
struct pair w_pair(struct world *world, int domain);
/* Waits until poll says one of these (or ERR, HUP). */
void w_await(struct world *world, int fd, int events);
/* Waits until so many bytes can be read. */
void w_await_bytes(struct world *world, int fd, int count);
/* Sends blocks until no more fits, and until that stays so; nothing is written down. */
void w_fill(struct world *world, int fd, const void *block, size_t length);
/* Reads what there is; false: there was nothing. */
bool w_drain(struct world *world, int fd, void *sink, size_t length);
/* Lets everything arrive that is under way. */
void w_settle(struct world *world);
/* Calls are not written down while hushed. */
void w_hush(struct world *world, bool hushed);
void w_note(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The next line may differ from the kernel's, and in Handfast is this answer; the reason is for
 * the reader. */
void w_differs(struct world *world, long ours, const char *reason);

#endif
