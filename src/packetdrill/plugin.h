/* SPDX-License-Identifier: MIT
 *
 * libhandfast-packetdrill.so from the inside: a host for Google's packetdrill to test.
 *
 * packetdrill is two threads: one plays the script, the other makes the calls that may block. What
 * they know of time they learn from gettimeofday and usleep here, so time is virtual: it moves only
 * when one of them asks for it (usleep, gettimeofday, waiting for a packet), and on the way it
 * stops at each deadline of the stack, and there at each blocked call that has what it waits for.
 *
 * Turns. All state is behind one lock. A call that blocks sleeps on a condition variable of its own
 * thread, so that packetdrill sees a sleeping thread. Whoever changes the world hands the turn to
 * each sleeper in order and waits until it sleeps again or has left with its result
 * (plugin_settle), before doing anything else. So a blocked call is over, with its bytes copied and
 * its window update in the queue, at the very instant at which something satisfied it, and before
 * the next packet, tick or call. That instant is what the thread's next gettimeofday tells,
 * whatever the clock reads by the time it asks.
 */
#ifndef PLUGIN_H
#define PLUGIN_H

#include <handfast/socket.h>

#include <handfast/handfast.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/time.h>

struct packetdrill_interface;

/* What --so_flags may say, as words with commas between. */
struct plugin_flags {
    bool strict;  /* what the plug-in finds wrong ends the process with status 1 */
    bool verbose; /* every packet, and every sysctl that has no effect, on stderr */
    bool ladder;  /* the run as a ladder on stderr */
    bool sysctl;  /* read /proc/sys; on unless "no-sysctl" */
    bool has_local[2];
    struct hf_address local[2]; /* of IPv4, of IPv6 */
    uint32_t mtu;
    uint32_t idle_ms; /* real time after which a blocked call lets time pass; 0: never */
    hf_time patience; /* virtual time that netdev_receive waits for a packet */
    uint8_t seed[16]; /* of the stack */
};

/* A packet that the stack has sent and packetdrill has not taken yet. */
struct plugin_packet {
    struct plugin_packet *next;
    hf_time time;
    uint64_t number; /* of all sent */
    size_t length;
    uint8_t bytes[];
};

/* One of the threads that call. */
struct plugin_thread {
    struct plugin_thread *next;
    pthread_t id;
    pthread_cond_t wake;
    bool blocked; /* inside a call that has waited at least once */
    bool asleep;  /* in plugin_wait, and nobody handed it the turn */
    bool turn;    /* it has been handed the turn and has not given it back */
    bool stamped; /* `stamp` is what its next gettimeofday tells */
    hf_time stamp;
    hf_time until;   /* when what it waits for has come in any case */
    hf_time entered; /* when its call began */
};

/* A conversation, seen from the stack. */
struct plugin_tuple {
    struct hf_endpoint local, remote;
};

/* See plugin_judge.c. */
struct plugin_judge {
    struct plugin_tuple under_test;
    bool known;      /* there is one under test */
    bool connecting; /* the next SYN of the stack is */
    bool ending;     /* packetdrill is closing sockets and resetting what is left */
    uint64_t sent_before_end;
    unsigned problems;
};

enum { PLUGIN_SYSCTLS = 96, PLUGIN_SYSCTL_BYTES = 48 };

struct plugin {
    pthread_mutex_t lock;
    pthread_cond_t settled; /* a turn was given back, or all are done */
    bool settling;
    bool news; /* something happened that a blocked call may wait for */
    bool over; /* free was called */
    struct plugin_thread *threads;
    struct plugin_thread *main; /* the one that plays the script */
    uint64_t activity;          /* calls so far */
    uint64_t idle_activity;     /* as of which nothing but blocked calls was there */
    hf_time idle_until;

    struct plugin_flags flags;
    hf_time now;
    struct hf_stack *stack; /* NULL before the first socket or packet */
    struct hf_sockets *sockets;
    struct hf_config config;
    struct hf_ladder *ladder;
    struct hf_trace_tee tee;
    uint8_t *buffer; /* for one packet out */
    struct plugin_packet *sent, **sent_end;
    uint64_t sent_count;
    struct plugin_judge judge;

    bool local_known[2];     /* an address of IPv4, of IPv6 has appeared */
    bool local_assumed[2];   /* one was needed before any had */
    bool kernel_epoll;       /* the descriptor being opened is to be a kernel's epoll instance */
    unsigned kernel_watches; /* descriptors of the kernel that were added to one */

    char sysctls[PLUGIN_SYSCTLS][PLUGIN_SYSCTL_BYTES]; /* as read last */
};

/* ---- plugin_init.c */

/* The instance that is in use, for the functions that packetdrill calls past the table. */
struct plugin *plugin_instance(void);
/* The stack and its sockets, made when first needed, with the sysctls of that moment. */
bool plugin_ready(struct plugin *plugin);
/* The stack's sysctls as they are now. */
void plugin_refresh(struct plugin *plugin);

/* ---- plugin_flags.c */

void plugin_flags_read(struct plugin_flags *flags, const char *text);

/* ---- plugin_sysctl.c */

/* Remembers those that set nothing, so that a script's changes show. */
void plugin_sysctl_begin(struct plugin *plugin);
/* Reads the namespace's sysctls into plugin->config. True: it is not as it was. */
bool plugin_sysctl_read(struct plugin *plugin);
/* net.ipv6.bindv6only */
bool plugin_sysctl_v6_only(void);

/* ---- plugin_turns.c */

/* Begins and ends a call: the lock, then the world as it is after it. */
struct plugin_thread *plugin_enter(struct plugin *plugin);
void plugin_leave(struct plugin *plugin, struct plugin_thread *thread);
/* Every blocked call looks whether it has what it waits for. */
void plugin_settle(struct plugin *plugin);
/* hf_sockets_config.wait and now */
int plugin_wait(void *context, hf_time until);
hf_time plugin_now(void *context);

/* ---- plugin_clock.c */

/* One step: to the next instant at which something happens, or to `limit`. */
void plugin_step(struct plugin *plugin, hf_time limit);
/* When that is; HF_TIME_NEVER: nothing will. */
hf_time plugin_next(const struct plugin *plugin);
void plugin_advance(struct plugin *plugin, hf_time time);
int plugin_usleep(void *userdata, useconds_t microseconds);
int plugin_gettimeofday(void *userdata, struct timeval *time, struct timezone *zone);

/* ---- plugin_packets.c */

/* Takes what the stack sends now into the queue. */
void plugin_drain(struct plugin *plugin);
void plugin_packets_free(struct plugin *plugin);
int plugin_netdev_send(void *userdata, const void *packet, size_t length);
int plugin_netdev_receive(void *userdata, void *packet, size_t *length, long long *time_us);
/* An address that the script uses on this side becomes the stack's, if it may be. */
void plugin_learn_address(struct plugin *plugin, const struct hf_address *address);
/* The same for what bind names. */
void plugin_learn_sockaddr(struct plugin *plugin, const struct sockaddr *address, socklen_t length);
/* A connect needs an address to come from. */
void plugin_need_address(struct plugin *plugin, const struct sockaddr *remote, socklen_t length);

/* ---- plugin_judge.c */

/* Something is wrong that packetdrill does not see: one line on stderr, counted. */
__attribute__((format(printf, 2, 3))) void plugin_problem(struct plugin *plugin, const char *format,
                                                          ...);
__attribute__((format(printf, 1, 2))) void plugin_say(const char *format, ...);
void plugin_judge_sent(struct plugin *plugin, const struct plugin_packet *packet);
void plugin_judge_taken(struct plugin *plugin, const struct plugin_packet *packet);
void plugin_judge_injected(struct plugin *plugin, const void *packet, size_t length);
void plugin_judge_connect(struct plugin *plugin);
/* A call that only a script makes: it goes on. */
void plugin_judge_goes_on(struct plugin *plugin);
/* packetdrill closed a socket behind the table's back, as it does at its end. */
void plugin_judge_closed(struct plugin *plugin);
void plugin_judge_end(struct plugin *plugin);
/* Whoever exits now does so with status 1, if "strict" was said and a problem was found. */
void plugin_judge_exit(void);

/* ---- the calls; plugin_calls.c, plugin_data.c, plugin_ready.c, plugin_splice.c */

/* One of the stack's descriptors? The others are the kernel's, and so are the calls on them. */
bool plugin_owns(struct plugin *plugin, int fd);
/* plugin_enter for a call on a descriptor of the stack's; NULL, and nothing entered: it is none. */
struct plugin_thread *plugin_begin(struct plugin *plugin, int fd);
/* plugin_leave; a negative errno as the C library would have it. */
ssize_t plugin_end(struct plugin *plugin, struct plugin_thread *thread, ssize_t result);
/* A negative errno as the C library would have it. */
ssize_t plugin_result(ssize_t result);
/* The kernel did something to a pipe or a file, and somebody may be waiting for. */
ssize_t plugin_kernel_did(struct plugin *plugin, ssize_t result);
/* Here `close` is the plug-in's own. */
void plugin_close_kernel(int fd);
void plugin_fill_calls(struct packetdrill_interface *table);
void plugin_fill_data(struct packetdrill_interface *table);
void plugin_fill_ready(struct packetdrill_interface *table);
void plugin_fill_splice(struct packetdrill_interface *table);
ssize_t plugin_sendfile(struct plugin *plugin, int out, int in, off_t *offset, size_t count);
int plugin_getsockopt(void *userdata, int fd, int level, int name, void *value, socklen_t *length);
int plugin_close(void *userdata, int fd);

#endif
