/* SPDX-License-Identifier: MIT
 *
 * Plays packetdrill to the plug-in: loads it by the same flags, calls it through the same table (of
 * which this is a description of its own), keeps time in the same way (usleep but for the last 20
 * us, then looking at the clock again and again), and makes the calls that may block in a second
 * thread, whose sleep it looks for in /proc. Packets are built and judged here, with checksums of
 * this file's own.
 */
#ifndef DRIVER_H
#define DRIVER_H

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

/* 33 pointers in packetdrill's order. */
struct ifc {
    void *u;
    void (*free)(void *);
    int (*socket)(void *, int, int, int);
    int (*bind)(void *, int, const struct sockaddr *, socklen_t);
    int (*listen)(void *, int, int);
    int (*accept)(void *, int, struct sockaddr *, socklen_t *);
    int (*connect)(void *, int, const struct sockaddr *, socklen_t);
    ssize_t (*read)(void *, int, void *, size_t);
    ssize_t (*readv)(void *, int, const struct iovec *, int);
    ssize_t (*recv)(void *, int, void *, size_t, int);
    ssize_t (*recvfrom)(void *, int, void *, size_t, int, struct sockaddr *, socklen_t *);
    ssize_t (*recvmsg)(void *, int, struct msghdr *, int);
    ssize_t (*write)(void *, int, const void *, size_t);
    ssize_t (*writev)(void *, int, const struct iovec *, int);
    ssize_t (*send)(void *, int, const void *, size_t, int);
    ssize_t (*sendto)(void *, int, const void *, size_t, int, const struct sockaddr *, socklen_t);
    ssize_t (*sendmsg)(void *, int, const struct msghdr *, int);
    int (*fcntl)(void *, int, int, ...);
    int (*ioctl)(void *, int, unsigned long, ...);
    int (*close)(void *, int);
    int (*shutdown)(void *, int, int);
    int (*getsockopt)(void *, int, int, int, void *, socklen_t *);
    int (*setsockopt)(void *, int, int, int, const void *, socklen_t);
    int (*poll)(void *, struct pollfd *, nfds_t, int);
    int (*netdev_send)(void *, const void *, size_t);
    int (*netdev_receive)(void *, void *, size_t *, long long *);
    int (*usleep)(void *, useconds_t);
    int (*gettimeofday)(void *, struct timeval *, struct timezone *);
    int (*epoll_create)(void *, int);
    int (*epoll_ctl)(void *, int, int, int, struct epoll_event *);
    int (*epoll_wait)(void *, int, struct epoll_event *, int, int);
    int (*pipe)(void *, int[2]);
    int (*splice)(void *, int, loff_t *, int, loff_t *, size_t, unsigned);
};
extern struct ifc ifc;
extern const char *plugin_path;

/* What does not hold ends the process, and says where. */
#define CHECK(condition) check((condition), #condition, __FILE__, __LINE__)
#define SAME(actual, expected) \
    same((long long)(actual), (long long)(expected), #actual, __FILE__, __LINE__)
void check(bool holds, const char *what, const char *file, int line);
void same(long long actual, long long expected, const char *what, const char *file, int line);
/* -1 with this errno. */
#define FAILS(call, error) fails((long long)(call), error, #call, __FILE__, __LINE__)
void fails(long long result, int error, const char *what, const char *file, int line);

/* dlopen and packetdrill_interface_init; the script's time begins. */
void load(const char *flags);

/* ---- time, in microseconds of the script */

long long now_us(void);
void at(long long us); /* waits as packetdrill does */

/* ---- packets */

enum version { V4, V6, MAPPED };
extern enum version version;

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

/* One direction of one conversation; ports of this side and of the peer. */
struct segment {
    uint16_t local_port, remote_port;
    uint32_t seq, ack;
    unsigned flags;
    uint16_t window;
    uint8_t options[40];
    size_t options_length;
    uint8_t payload[2048];
    size_t payload_length;
    long long time; /* of one received, of the script */
    bool v6;
};
void inject(const struct segment *segment);
/* The stack's next packet: well formed, from the usual addresses. */
struct segment receive(void);
/* It must have these flags and leave at this time; its other fields are in it. */
struct segment receive_at(unsigned flags, long long us);
/* No packet can come any more. */
void receive_none(void);

/* The usual addresses of the version, as a socket's. */
struct address {
    struct sockaddr_storage storage;
    socklen_t length;
};
struct address local_address(uint16_t port);
struct address remote_address(uint16_t port);
#define SOCKADDR(address) ((struct sockaddr *)&(address).storage)
int family(void);

/* A connection that the peer opens: socket, bind, listen, SYN, SYN-ACK, ACK, accept. */
struct connection {
    int listener, fd;
    struct segment peer; /* the next that the peer would send */
};
struct connection passive_open(long long us, uint16_t local_port);
struct segment peer_says(struct connection *connection, unsigned flags, const char *text);

/* ---- the second thread */

struct job {
    long long (*call)(void *argument);
    void *argument;
    long long begin_us, result, end_us; /* when it is to begin; how and when it ended */
    int error;
};
/* Hands it over and waits until its thread sleeps in the call, or it is done. True: it sleeps. */
bool start(struct job *job);
/* It is over, without this thread having let time pass. */
void finish(struct job *job);

/* ---- the cases, by file */

void case_slots(void), case_bad_input(void), case_clock(void), case_order(void);
void case_passive(void), case_active(void), case_data(void), case_news(void), case_readiness(void);
void case_blocking(void), case_blocking_write(void), case_blocking_time(void), case_idle(void);
void case_pipes(void), case_preload(void);
void case_end(void), case_end_problems(void), case_flags(void), case_sysctl(void);

#endif
