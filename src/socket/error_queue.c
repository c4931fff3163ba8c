/* SPDX-License-Identifier: MIT
 *
 * The error queue (Linux's sk_error_queue): what there is to tell of segments that were sent, in
 * the order in which it became known. Three kinds of news are in it: the ICMP error that has ended
 * an opening, with who said it and what it quotes (over IPv6 only with IPV6_RECVERR); completions
 * of MSG_ZEROCOPY; time stamps of transmission (SO_TIMESTAMPING). While there is any, poll says
 * POLLERR; reading it never waits.
 *
 * An ICMP error sets the pending error too, which SO_ERROR and the calls report; reading it from
 * the queue takes that back. Of an open connection ICMP errors are not queued: as in Linux
 * IP_RECVERR makes them pending errors, and nothing else.
 *
 * What is queued is charged against the receive buffer, at what Linux reckons for such an entry,
 * and dropped when that is full, so that nobody's ICMP messages fill the memory of a program that
 * never looks.
 */
#include "error_queue.h"

#include "ancillary.h"
#include "stamping.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY_BYTES 768u /* the charge for an entry beside its payload */

struct error_queue *error_queue_of(struct socket *socket)
{
    if (socket->error_queue == NULL) {
        socket->error_queue = calloc(1, sizeof *socket->error_queue);
    }
    return socket->error_queue;
}

void error_queue_free(struct socket *socket)
{
    struct error_queue *queue = socket->error_queue;
    if (queue == NULL) {
        return;
    }
    while (queue->first != NULL) {
        struct queued_error *entry = queue->first;
        queue->first = entry->next;
        free(entry);
    }
    free(queue);
    socket->error_queue = NULL;
}

bool error_queue_waits(const struct socket *socket)
{
    return socket->error_queue != NULL && socket->error_queue->first != NULL;
}

struct queued_error *queued_error_new(const void *payload, uint32_t kept)
{
    struct queued_error *entry = calloc(1, sizeof *entry + kept);
    if (entry != NULL) {
        entry->kept = kept;
        entry->payload_bytes = kept;
        if (kept > 0) {
            memcpy(entry->payload, payload, kept);
        }
    }
    return entry;
}

size_t queued_error_charge(const struct queued_error *entry)
{
    return ENTRY_BYTES + entry->kept;
}

void error_queue_put(struct socket *socket, struct queued_error *entry, bool charge)
{
    struct error_queue *queue = socket->error_queue;
    if (charge) {
        size_t most = 2 * (size_t)core_option_get(socket, HF_OPTION_RECEIVE_BUFFER);
        if (queue->charged_bytes + queued_error_charge(entry) > most) {
            free(entry);
            return;
        }
        queue->charged_bytes += queued_error_charge(entry);
    }
    entry->next = NULL;
    if (queue->last != NULL) {
        queue->last->next = entry;
    } else {
        queue->first = entry;
    }
    queue->last = entry;
    file_wake(&socket->file, POLLERR);
}

/* ---- ICMP */

static bool is_icmp(const struct queued_error *entry)
{
    return entry->error.ee_origin == SO_EE_ORIGIN_ICMP ||
           entry->error.ee_origin == SO_EE_ORIGIN_ICMP6;
}

#define ICMPV4_PARAMETER_PROBLEM 12

/* Linux's ip_icmp_error and ipv6_icmp_error, of which only the second asks whether it is wanted. */
void error_queue_icmp(struct socket *socket, const struct hf_note *note)
{
    bool v6 = note->sender.family == HF_IPV6;
    uint32_t kept =
        note->quote_bytes < sizeof note->quote ? note->quote_bytes : (uint32_t)sizeof note->quote;
    struct queued_error *entry;
    if ((v6 && !socket->options.receive_errors[1]) || error_queue_of(socket) == NULL) {
        return;
    }
    entry = queued_error_new(note->quote, kept);
    if (entry == NULL) {
        return;
    }
    entry->payload_bytes = note->quote_bytes;
    entry->offender = note->sender;
    entry->error.ee_errno = (uint32_t)-note->error;
    entry->error.ee_origin = v6 ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP;
    entry->error.ee_type = note->type;
    entry->error.ee_code = note->code;
    if (v6) {
        entry->error.ee_info = note->detail;
    } else if (note->type == ICMPV4_PARAMETER_PROBLEM) {
        entry->error.ee_info = note->detail >> 24; /* the pointer */
    }
    error_queue_put(socket, entry, true);
}

static void drop(struct error_queue *queue, struct queued_error *before, struct queued_error *entry)
{
    if (before != NULL) {
        before->next = entry->next;
    } else {
        queue->first = entry->next;
    }
    if (queue->last == entry) {
        queue->last = before;
    }
    queue->charged_bytes -= queued_error_charge(entry);
    free(entry);
}

void error_queue_purge_icmp(struct socket *socket)
{
    struct error_queue *queue = socket->error_queue;
    struct queued_error *before = NULL;
    struct queued_error *entry = queue != NULL ? queue->first : NULL;
    while (entry != NULL) {
        struct queued_error *next = entry->next;
        if (is_icmp(entry)) {
            drop(queue, before, entry);
        } else {
            before = entry;
        }
        entry = next;
    }
}

/* ---- reading */

/* Linux's sock_dequeue_err_skb: the pending error is that of the next message. */
static void settle_pending_error(struct socket *socket, const struct queued_error *taken)
{
    const struct queued_error *next = taken->next;
    if (next != NULL && is_icmp(next)) {
        socket->error = (int)next->error.ee_errno;
    } else if (is_icmp(taken)) {
        socket->error = 0;
    }
    if (next != NULL) {
        file_wake(&socket->file, POLLERR);
    }
}

static int copy_payload(const struct queued_error *entry, struct vector *into, size_t *copied)
{
    void *data;
    size_t length;
    *copied = 0;
    while (*copied < entry->kept && vector_next(into, entry->kept - *copied, &data, &length)) {
        if (data == NULL) {
            return -EFAULT;
        }
        memcpy(data, entry->payload + *copied, length);
        vector_advance(into, length);
        *copied += length;
    }
    return 0;
}

/* The address of one's own family, mapped where need be; port in host order. */
static void put_address(const struct socket *socket, const struct hf_address *address,
                        uint16_t port, struct sockaddr_storage *out)
{
    struct hf_endpoint endpoint = {.address = *address, .port = port};
    socklen_t length = sizeof *out;
    memset(out, 0, sizeof *out);
    (void)sockaddr_give(socket, &endpoint, (struct sockaddr *)out, &length);
}

static void put_error(const struct socket *socket, const struct queued_error *entry,
                      struct ancillary *ancillary)
{
    struct {
        struct sock_extended_err error;
        union {
            struct sockaddr_storage any;
            struct sockaddr_in v4;
            struct sockaddr_in6 v6;
        } offender;
    } data;
    bool v6 = socket->domain == AF_INET6;
    memset(&data, 0, sizeof data);
    data.error = entry->error;
    if (is_icmp(entry)) {
        put_address(socket, &entry->offender, 0, &data.offender.any);
    }
    ancillary_put(ancillary, v6 ? SOL_IPV6 : SOL_IP, v6 ? IPV6_RECVERR : IP_RECVERR, &data,
                  sizeof data.error + (v6 ? sizeof data.offender.v6 : sizeof data.offender.v4));
}

/* Where the segment that the error is about was going. */
static int put_name(const struct socket *socket, const struct queued_error *entry,
                    struct msghdr *message)
{
    socklen_t length = message->msg_namelen;
    if (message->msg_name == NULL) {
        return 0;
    }
    message->msg_namelen = 0;
    if (!is_icmp(entry)) {
        return 0;
    }
    int error = sockaddr_give(socket, &socket->remote, message->msg_name, &length);
    message->msg_namelen = length;
    return error;
}

ssize_t error_queue_receive(struct socket *socket, struct vector *into, struct msghdr *message)
{
    struct error_queue *queue = socket->error_queue;
    struct queued_error *entry = queue != NULL ? queue->first : NULL;
    struct ancillary ancillary;
    size_t copied;
    int error;
    if (entry == NULL) {
        return -EAGAIN;
    }
    settle_pending_error(socket, entry);
    error = copy_payload(entry, into, &copied);
    message->msg_flags = 0;
    if (error == 0) {
        error = put_name(socket, entry, message);
    }
    if (error == 0) {
        message->msg_flags = copied < entry->payload_bytes ? MSG_TRUNC : 0;
        ancillary = ancillary_begin(message);
        stamping_put(socket, &ancillary, entry->stamp_ns);
        put_error(socket, entry, &ancillary);
        message->msg_flags |= MSG_ERRQUEUE;
    }
    drop(queue, NULL, entry);
    return error != 0 ? error : (ssize_t)copied;
}
