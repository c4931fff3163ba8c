/* SPDX-License-Identifier: MIT
 *
 * The error queue of a socket, read with MSG_ERRQUEUE: see error_queue.c.
 */
#ifndef ERROR_QUEUE_H
#define ERROR_QUEUE_H

#include "socket_state.h"
#include "vector.h"

#include <linux/errqueue.h>

struct queued_error {
    struct queued_error *next;
    struct sock_extended_err error;
    struct hf_address offender; /* of ICMP errors: who said it */
    hf_time stamp_ns;           /* of time stamps: when, in Unix time; 0: none */
    uint32_t payload_bytes;     /* there were so many, of which the first `kept` are here */
    uint32_t kept;
    uint8_t payload[];
};

struct sent_work;

/* There from the first time that something is to be told of what was sent. */
struct error_queue {
    struct queued_error *first, *last;
    size_t charged_bytes; /* all that is queued */
    /* What is still under way, oldest first (completions.c). */
    struct sent_work *work_first, *work_last;
    uint32_t next_mark;
    uint32_t next_zero_copy;
};

/* The socket's queue, made if need be; NULL: no memory. */
struct error_queue *error_queue_of(struct socket *socket);
void error_queue_free(struct socket *socket);
bool error_queue_waits(const struct socket *socket);
/* Not yet queued; NULL: no memory. It is not charged. */
struct queued_error *queued_error_new(const void *payload, uint32_t kept);
/* Puts it at the end and wakes who watches. `charge`: within the receive buffer, or it is dropped,
 * as in Linux; else its room has been set aside before. */
void error_queue_put(struct socket *socket, struct queued_error *entry, bool charge);
size_t queued_error_charge(const struct queued_error *entry);
/* What a router said. */
void error_queue_icmp(struct socket *socket, const struct hf_note *note);
/* IP_RECVERR is off: what routers said goes. */
void error_queue_purge_icmp(struct socket *socket);
/* recvmsg with MSG_ERRQUEUE. -EAGAIN when there is nothing; never waits. */
ssize_t error_queue_receive(struct socket *socket, struct vector *into, struct msghdr *message);

#endif
