/* SPDX-License-Identifier: MIT
 *
 * What a program gave to be sent and the peer has not acknowledged: copies in a bytequeue, and
 * between them stretches of the program's own memory, by reference. A reference is given back
 * exactly once, when its last byte is acknowledged or when nothing of it will ever be sent again;
 * until it is fetched it waits in the store, where it has been since it was made, so giving back
 * needs no memory and cannot fail.
 */
#ifndef SEND_QUEUE_H
#define SEND_QUEUE_H

#include "bytequeue.h"
#include "pool.h"

#include <handfast/zero_copy.h>

/* One stretch. Places in the stream count all that was ever queued since the queue first held a
 * reference. */
struct send_reference {
    struct send_reference *next; /* of those given back */
    struct hf_returned returned; /* what its program will be told */
    uint64_t start;              /* its place */
    uint64_t referred;           /* how much of what stands before it is by reference, too */
    uint32_t index;              /* its own, in the pool */
};

/* Of one queue, only while it has any: a ring, in the order of the stream. */
struct send_references {
    uint32_t capacity, first, count;
    uint64_t front;        /* the place of the queue's front */
    uint64_t front_copied; /* how much of what stood before it was copied */
    uint64_t referred;     /* ever, by reference */
    struct send_reference *ring[];
};

/* For all queues of a stack. */
struct send_store {
    struct page_pool *pages;
    struct pool references;
    struct send_reference *returned_head, *returned_tail;
};

struct send_queue {
    struct bytequeue copied;
    struct send_references *references; /* NULL: all is copied */
};

/* At most `limit` references at a time, those that were given back and not fetched included. */
void send_store_init(struct send_store *store, struct page_pool *pages, uint32_t limit);
/* References that were not fetched are forgotten. */
void send_store_deinit(struct send_store *store);
/* The oldest that was given back; false: none. */
bool send_store_next(struct send_store *store, struct hf_returned *returned);

/* All zero is an empty queue. How many bytes there are its owner knows: `held`. */
/* Appends copies; false: out of memory, and nothing is added. */
bool send_queue_write(struct send_queue *queue, struct send_store *store, uint32_t held,
                      const void *data, uint32_t length);
/* Appends a reference to what `returned` tells of: connection, data, length (1 or more), context.
 * HF_OK; HF_ENOBUFS: too many; HF_ENOMEM. */
int send_queue_refer(struct send_queue *queue, struct send_store *store, uint32_t held,
                     const struct hf_returned *returned);
/* As of a bytequeue: the bytes at `offset`, and how many follow contiguously (at least 1). */
const uint8_t *send_queue_span_mixed(const struct send_queue *queue, uint32_t offset,
                                     uint32_t *contiguous);
static inline const uint8_t *send_queue_span(const struct send_queue *queue, uint32_t offset,
                                             uint32_t *contiguous)
{
    return queue->references == NULL ? bytequeue_span(&queue->copied, offset, contiguous)
                                     : send_queue_span_mixed(queue, offset, contiguous);
}
void send_queue_read(const struct send_queue *queue, uint32_t offset, void *data, uint32_t length);
/* The first `length` of them are acknowledged. */
void send_queue_drop(struct send_queue *queue, struct send_store *store, uint32_t held,
                     uint32_t length);
/* Takes copies of what is referred to, and all references go back. False: out of memory, and
 * nothing has changed. */
bool send_queue_own(struct send_queue *queue, struct send_store *store, uint32_t held);
/* Nothing of it will be sent: all references go back, with this error (HF_ECONNABORTED if it is
 * HF_OK). */
void send_queue_clear(struct send_queue *queue, struct send_store *store, int error);
static inline bool send_queue_is_empty(const struct send_queue *queue)
{
    return bytequeue_is_empty(&queue->copied) && queue->references == NULL;
}
/* Memory of the stack's; the program's own is not counted. */
uint64_t send_queue_held_bytes(const struct send_queue *queue);

#endif
