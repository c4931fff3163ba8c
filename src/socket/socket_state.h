/* SPDX-License-Identifier: MIT
 *
 * A set of sockets, from the inside: what the files of socket/ share.
 *
 * A descriptor leads to an open file, which is a socket or an epoll instance. The descriptor holds
 * one reference to it and every call under way another, so that a file closed while a call sleeps
 * in it goes away when that call returns, as in Linux.
 *
 * A socket carries Linux's three notions beside each other, because programs can see all three:
 * its `phase` (Linux's socket.state: what connect and listen answer by), its `progress` (a coarse
 * TCP state: what send, recv and poll answer by), and the two shutdown bits. The core is the truth
 * for everything else and is asked when a call needs it; its events keep these three up to date and
 * wake whoever watches.
 */
#ifndef SOCKET_STATE_H
#define SOCKET_STATE_H

#include "handle_table.h"
#include <handfast/socket.h>

#include <netinet/in.h>
#include <stdbool.h>
#include <time.h>

struct watch;

enum file_kind { FILE_SOCKET, FILE_EPOLL };

struct open_file {
    enum file_kind kind;
    bool nonblocking;
    unsigned references;
    struct hf_sockets *set;
    struct watch *watches; /* the epoll entries that watch it */
};

struct descriptor {
    struct open_file *file; /* NULL: free */
    bool close_on_exec;
};

/* Linux's socket.state. */
enum socket_phase { PHASE_UNCONNECTED, PHASE_CONNECTING, PHASE_CONNECTED, PHASE_DISCONNECTING };

/* Linux's sk_state, as far as calls tell the difference. */
enum socket_progress {
    PROGRESS_CLOSED, /* not opened, or over */
    PROGRESS_LISTENING,
    PROGRESS_OPENING, /* SYN-SENT, SYN-RECEIVED */
    PROGRESS_OPEN     /* ESTABLISHED and all that follows, but for TIME-WAIT, which is CLOSED */
};

/* Linux's RCV_SHUTDOWN and SEND_SHUTDOWN. */
#define SHUTDOWN_RECEIVE 1u
#define SHUTDOWN_SEND 2u
#define SHUTDOWN_BOTH 3u

struct socket;
struct error_queue;

/* Someone who holds a local port: a socket, or what a closed socket left behind in the core (an
 * orphan, TIME-WAIT), which holds the port for as long as the core knows the pair of endpoints. */
struct port_owner {
    struct port_owner *next, *previous; /* in its bucket */
    struct port_owner *older, *newer;   /* of those left behind */
    struct socket *socket;              /* NULL: left behind */
    struct hf_endpoint local, remote;   /* remote: only where left behind */
    bool reuse_address, reuse_port;     /* only where left behind */
};

#define PORT_BUCKETS 1024u
struct port_table {
    struct port_owner *buckets[PORT_BUCKETS];
    struct port_owner *oldest_left, *newest_left;
    uint64_t drawn; /* ports drawn so far */
};

/* Options of the core, kept where there is no connection yet to keep them; set on a listener they
 * reach its connections through the core. */
#define CORE_OPTION_COUNT 48
struct core_options {
    uint64_t given; /* bit per enum hf_option */
    int64_t values[CORE_OPTION_COUNT];
};

struct socket_options {
    struct core_options core;
    hf_time receive_timeout_ns, send_timeout_ns; /* HF_TIME_NEVER: none; 0: never wait */
    uint32_t receive_low_water_bytes;
    int linger_s;
    /* Of IPv4 and of IPv6; -1: the stack's. */
    int hops[2];
    int traffic_class[2];
    int mtu_discovery[2];
    bool linger;
    bool reuse_address, reuse_port;
    bool keepalive;
    bool urgent_inline;
    bool v6_only;
    bool receive_errors[2]; /* IP_RECVERR, IPV6_RECVERR */
    bool bind_without_port;
    bool quick_ack;
    bool tell_more; /* TCP_INQ */
    bool fast_open_connect;
    bool zero_copy;                   /* SO_ZEROCOPY */
    bool stamp_times, stamp_times_ns; /* SO_TIMESTAMP; SO_TIMESTAMPNS: both */
    uint32_t stamping;                /* SO_TIMESTAMPING's bits */
    uint32_t stamping_base;           /* with OPT_ID: the sequence number that counts as 0 */
    uint8_t save_syn;                 /* as it was set: 0, 1, 2 */
    uint8_t fast_open_key_bytes;      /* 0: the stack's keys */
    uint8_t fast_open_keys[2 * HF_FAST_OPEN_KEY_BYTES];
};

struct socket {
    struct open_file file;
    struct socket *next, *previous; /* all sockets of the set */
    int domain;
    hf_handle handle;
    enum socket_phase phase;
    enum socket_progress progress;
    unsigned shutdown;
    bool peer_closed;    /* Linux's SOCK_DONE */
    bool address_locked; /* bind named an address */
    bool port_locked;    /* bind named a port */
    bool opened_actively;
    bool connect_put_off;            /* connect has succeeded, but the SYN waits for data */
    bool urgent;                     /* the core may have an urgent mark ahead */
    bool urgent_taken;               /* the byte at urgent_taken_at was read with MSG_OOB */
    int error;                       /* Linux's sk_err: positive, reported once */
    int soft_error;                  /* Linux's sk_err_soft */
    struct error_queue *error_queue; /* NULL: never used */
    /* An AF_INET6 socket on a mapped address has IPv4 endpoints here. */
    struct hf_endpoint local, remote;
    struct port_owner *port; /* NULL: none held (local.port may still tell the last one) */
    uint64_t read_position;  /* bytes read so far */
    uint64_t urgent_taken_at;
    struct socket_options options;
    /* Of a listener: how many may wait, and, with SO_REUSEPORT, who does. */
    uint32_t backlog;
    struct share_group *group; /* NULL: it has its core listener for itself */
    struct socket *waiting_first, *waiting_last, *next_waiting;
    uint32_t waiting_count;
};

struct hf_sockets {
    struct hf_sockets_config config;
    struct descriptor *descriptors;
    size_t descriptor_count; /* slots */
    size_t open_count;
    size_t lowest_free; /* none below it is free */
    struct handle_table handles;
    struct port_table ports;
    struct socket *sockets;
    struct share_group *groups;
    size_t zero_copy_pages; /* of the program's memory, in use */
    bool changed;           /* readiness, since the last hf_sockets_update */
    bool exiting;
};

/* ---- descriptor.c */

/* The file behind a descriptor with one more reference, or NULL. */
struct open_file *file_get(struct hf_sockets *set, int fd);
/* Gives the reference back; the last one ends the file. */
void file_put(struct open_file *file);
/* The socket behind a descriptor with one more reference; NULL and *error: -EBADF, -ENOTSOCK. */
struct socket *socket_get(struct hf_sockets *set, int fd, int *error);
void socket_put(struct socket *socket);
static inline struct socket *socket_of(struct open_file *file)
{
    return (struct socket *)(void *)file;
}
/* Could one more descriptor be opened? 0 or -EMFILE. */
int descriptor_available(const struct hf_sockets *set);
/* A descriptor for the file, which has its first reference already: the number, or a negative
 * errno and the reference is still the caller's. */
int descriptor_open(struct hf_sockets *set, struct open_file *file, bool close_on_exec);

/* ---- socket.c */

/* A new socket, not yet behind a descriptor; NULL: no memory. */
struct socket *socket_new(struct hf_sockets *set, int domain);
/* Forgets the core's handle, which is gone or about to be. */
void socket_drop_handle(struct socket *socket);
bool socket_adopt_handle(struct socket *socket, hf_handle handle);
/* Linux's sock_error: the pending error, negative, once; 0: none. */
int socket_take_error(struct socket *socket);
/* The last reference is gone. */
void socket_free(struct socket *socket);

/* ---- blocking.c */

hf_time sockets_now(const struct hf_sockets *set);
/* When a call that may wait this long gives up; `timeout` 0: at once, which is what a non-blocking
 * call asks for. */
struct patience {
    bool waits;
    hf_time until;
};
struct patience patience_for(const struct socket *socket, hf_time timeout_ns, int message_flags);
/* Lets time pass once and takes the stack's events. 0: look again (patience->waits is off once its
 * time is over); else a negative errno that ends the call. Only while patience->waits. */
int sockets_wait(struct hf_sockets *set, struct patience *patience);

/* ---- sockaddr.c */

/* Copies an address in as the kernel does: -EINVAL for a length out of range, -EFAULT for NULL. */
int sockaddr_take(const struct sockaddr *address, socklen_t length, struct sockaddr_storage *out);
/* Gives an address out: at most *length bytes, and *length becomes the true one. -EFAULT, -EINVAL.
 */
int sockaddr_give(const struct socket *socket, const struct hf_endpoint *endpoint,
                  struct sockaddr *address, socklen_t *length);
/* What the address says, mapped ones as IPv4. The family was checked. */
struct hf_endpoint sockaddr_endpoint(const struct sockaddr_storage *address);
bool address_is_multicast(const struct hf_address *address);
/* The wildcard of a socket's own family. */
struct hf_address address_any_of(const struct socket *socket);

/* ---- port_table.c */

/* Could this socket hold this port at socket->local.address? Linux's inet_csk_bind_conflict;
 * `strict` as in the search for a free port. */
bool port_conflict(struct hf_sockets *set, const struct socket *socket, uint16_t port, bool strict);
/* 0, -ENOMEM. */
int port_hold(struct socket *socket);
/* The socket lets go of its port; what the core still keeps of its connection goes on holding it.
 */
void port_release(struct socket *socket);
/* A port that nobody holds: 0 when there is none. */
uint16_t port_choose(struct hf_sockets *set, const struct socket *socket);
void port_table_free(struct hf_sockets *set);

/* ---- bind.c */

/* Gives an unbound socket a port of its own (listen, connect). */
int socket_autobind(struct socket *socket);

/* ---- listen.c */

/* A socket for a connection just accepted, with one reference and no descriptor; NULL: no memory,
 * and the connection is gone. What waited to be told of it may still wait. */
struct socket *socket_of_connection(struct socket *listener, hf_handle handle);
/* How many wait to be accepted. */
uint32_t socket_waiting(const struct socket *listener);
/* A listener stops. */
void socket_stop_listening(struct socket *socket);

/* ---- connect.c */

/* Linux's tcp_disconnect. */
void socket_disconnect(struct socket *socket);

/* ---- readiness.c */

/* What poll would say now, whoever asks for what. */
unsigned socket_readiness(struct socket *socket);
unsigned file_readiness(struct open_file *file);
/* Takes what the core has to tell. */
void sockets_take_events(struct hf_sockets *set);
/* The connection is over, in Linux's words: tcp_done. */
void socket_done(struct socket *socket);

/* ---- urgent.c */

/* Bytes that may be read before the urgent mark stops the reader; UINT32_MAX: no mark ahead. */
struct urgent_mark {
    bool ahead;      /* there is a mark that was not read past */
    uint32_t offset; /* unread bytes before the urgent one */
    bool byte_here;  /* the urgent byte has arrived */
    bool byte_taken; /* and was read with MSG_OOB */
};
struct urgent_mark urgent_mark_of(struct socket *socket, const struct hf_status *status);
ssize_t urgent_receive(struct socket *socket, void *data, size_t length, int flags,
                       int *message_flags);

/* ---- closing.c */

/* What close() does to the connection of a socket whose last reference is gone. */
void socket_close_connection(struct socket *socket);

/* ---- epoll.c */

void epoll_free(struct open_file *file);
/* The file goes away: nobody watches it any more. */
void epoll_forget_file(struct open_file *file);
unsigned epoll_readiness(struct open_file *file);
/* Something happened to a file: whoever watches it for one of `key` (0: for anything) looks again.
 */
void file_wake(struct open_file *file, unsigned key);

/* ---- core_options.c */

/* Sets an option of the core on a socket whether it is open or not. 0 or negative errno. */
int core_option_set(struct socket *socket, enum hf_option option, int64_t value);
int64_t core_option_get(const struct socket *socket, enum hf_option option);
/* What was set before there was a connection or listener goes to it now. */
void core_options_apply(struct socket *socket);
/* The same for TTL and traffic class alone. */
void core_options_apply_header(struct socket *socket);
/* The socket of an accepted connection: what its listener had is in force there already. */
void core_options_accepted(struct socket *socket);

/* ---- tcp_info.c */

int tcp_info_get(struct socket *socket, void *value, socklen_t *length);

#endif
