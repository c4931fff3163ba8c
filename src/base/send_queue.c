/* SPDX-License-Identifier: MIT
 *
 * Copies and references, in one order. A place in the stream lies in a reference or it does not;
 * then it stands in the bytequeue, as far from its front as there are copied bytes between the two.
 * Each reference knows how much before it is by reference, so one search for the reference at or
 * after a place answers both, whatever the number of references. A queue without any is a bytequeue
 * and pays one comparison for it.
 */
#include "send_queue.h"

#include "hf_assert.h"

#include <string.h>

#define FIRST_CAPACITY 8u

/* ---- the store */

void send_store_init(struct send_store *store, struct page_pool *pages, uint32_t limit)
{
    *store = (struct send_store){.pages = pages};
    pool_init_shrinking(&store->references, pages->memory, sizeof(struct send_reference), limit);
}

void send_store_deinit(struct send_store *store)
{
    struct hf_returned forgotten;
    while (send_store_next(store, &forgotten)) {
    }
    HF_ASSERT(store->references.count == 0);
    pool_deinit(&store->references);
}

bool send_store_next(struct send_store *store, struct hf_returned *returned)
{
    struct send_reference *reference = store->returned_head;
    if (reference == NULL)
        return false;
    *returned = reference->returned;
    store->returned_head = reference->next;
    if (store->returned_head == NULL)
        store->returned_tail = NULL;
    pool_release(&store->references, reference->index);
    return true;
}

static void give_back(struct send_store *store, struct send_reference *reference,
                      size_t acknowledged, int error)
{
    reference->returned.acknowledged = acknowledged;
    reference->returned.error = error;
    reference->next = NULL;
    if (store->returned_tail == NULL)
        store->returned_head = reference;
    else
        store->returned_tail->next = reference;
    store->returned_tail = reference;
}

/* ---- places */

static size_t size_of(uint32_t capacity)
{
    return sizeof(struct send_references) + capacity * sizeof(struct send_reference *);
}

static struct send_reference *at(const struct send_references *references, uint32_t number)
{
    return references->ring[(references->first + number) & (references->capacity - 1)];
}

static uint64_t end_of(const struct send_reference *reference)
{
    return reference->start + reference->returned.length;
}

/* The first that ends behind this place, or NULL. */
static const struct send_reference *find(const struct send_references *references, uint64_t place)
{
    uint32_t low = 0;
    uint32_t high = references->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (end_of(at(references, middle)) <= place)
            low = middle + 1;
        else
            high = middle;
    }
    return low < references->count ? at(references, low) : NULL;
}

/* How much of what stands before this place was copied; `next` is what `find` says of it. */
static uint64_t copied_before(const struct send_references *references,
                              const struct send_reference *next, uint64_t place)
{
    if (next == NULL)
        return place - references->referred;
    return place - next->referred - (place > next->start ? place - next->start : 0);
}

/* Of `held` bytes, how many are copies. */
static uint32_t copied_bytes(const struct send_queue *queue, uint32_t held)
{
    const struct send_references *references = queue->references;
    if (references == NULL)
        return held;
    return (uint32_t)(references->front + held - references->referred - references->front_copied);
}

/* ---- adding */

bool send_queue_write(struct send_queue *queue, struct send_store *store, uint32_t held,
                      const void *data, uint32_t length)
{
    return bytequeue_write(&queue->copied, store->pages, copied_bytes(queue, held), data, length);
}

/* Room for one more in the ring. */
static bool reserve(struct send_queue *queue, struct memory *memory)
{
    struct send_references *before = queue->references;
    struct send_references *after;
    uint32_t capacity = before == NULL ? FIRST_CAPACITY : 2 * before->capacity;
    if (before != NULL && before->count < before->capacity)
        return true;
    after = memory_allocate(memory, size_of(capacity));
    if (after == NULL)
        return false;
    if (before == NULL)
        *after = (struct send_references){0};
    else
        *after = *before;
    for (uint32_t i = 0; i < after->count; i++)
        after->ring[i] = at(before, i);
    after->capacity = capacity;
    after->first = 0;
    if (before != NULL)
        memory_release(memory, before, size_of(before->capacity));
    queue->references = after;
    return true;
}

static void free_references(struct send_queue *queue, struct memory *memory)
{
    memory_release(memory, queue->references, size_of(queue->references->capacity));
    queue->references = NULL;
}

int send_queue_refer(struct send_queue *queue, struct send_store *store, uint32_t held,
                     const struct hf_returned *returned)
{
    struct send_references *references;
    struct send_reference *reference;
    uint32_t index;
    HF_ASSERT(returned->length > 0);
    if (store->references.count >= store->references.limit)
        return HF_ENOBUFS;
    if (!reserve(queue, store->pages->memory))
        return HF_ENOMEM;
    references = queue->references;
    reference = pool_allocate(&store->references, &index);
    if (reference == NULL) {
        if (references->count == 0)
            free_references(queue, store->pages->memory);
        return HF_ENOMEM;
    }
    *reference = (struct send_reference){.returned = *returned,
                                         .start = references->front + held,
                                         .referred = references->referred,
                                         .index = index};
    references->ring[(references->first + references->count) & (references->capacity - 1)] =
        reference;
    references->count++;
    references->referred += returned->length;
    return HF_OK;
}

/* ---- reading */

const uint8_t *send_queue_span_mixed(const struct send_queue *queue, uint32_t offset,
                                     uint32_t *contiguous)
{
    const struct send_references *references = queue->references;
    uint64_t place = references->front + offset;
    const struct send_reference *next = find(references, place);
    const uint8_t *data;
    uint64_t copied;
    if (next != NULL && next->start <= place) {
        data = next->returned.data;
        *contiguous = (uint32_t)(end_of(next) - place);
        return data + (place - next->start);
    }
    copied = copied_before(references, next, place) - references->front_copied;
    data = bytequeue_span(&queue->copied, (uint32_t)copied, contiguous);
    if (next != NULL && next->start - place < *contiguous)
        *contiguous = (uint32_t)(next->start - place);
    return data;
}

void send_queue_read(const struct send_queue *queue, uint32_t offset, void *data, uint32_t length)
{
    uint8_t *to = data;
    if (queue->references == NULL) {
        bytequeue_read(&queue->copied, offset, data, length);
        return;
    }
    while (length > 0) {
        uint32_t run;
        const uint8_t *from = send_queue_span_mixed(queue, offset, &run);
        if (run > length)
            run = length;
        memcpy(to, from, run);
        to += run;
        offset += run;
        length -= run;
    }
}

/* ---- taking away */

static void drop_mixed(struct send_queue *queue, struct send_store *store, uint32_t held,
                       uint32_t length)
{
    struct send_references *references = queue->references;
    uint64_t place = references->front + length;
    uint64_t before = copied_before(references, find(references, place), place);
    uint32_t copied = (uint32_t)(before - references->front_copied);
    if (copied == copied_bytes(queue, held))
        bytequeue_clear(&queue->copied, store->pages);
    else
        bytequeue_drop(&queue->copied, store->pages, copied);
    while (references->count > 0 && end_of(at(references, 0)) <= place) {
        struct send_reference *done = at(references, 0);
        references->first = (references->first + 1) & (references->capacity - 1);
        references->count--;
        give_back(store, done, done->returned.length, HF_OK);
    }
    references->front = place;
    references->front_copied = before;
    if (references->count == 0)
        free_references(queue, store->pages->memory);
}

void send_queue_drop(struct send_queue *queue, struct send_store *store, uint32_t held,
                     uint32_t length)
{
    HF_ASSERT(length <= held);
    if (queue->references != NULL)
        drop_mixed(queue, store, held, length);
    else if (length == held)
        bytequeue_clear(&queue->copied, store->pages);
    else
        bytequeue_drop(&queue->copied, store->pages, length);
}

/* How much of it was acknowledged. */
static size_t acknowledged_of(const struct send_references *references,
                              const struct send_reference *reference)
{
    return references->front > reference->start ? (size_t)(references->front - reference->start)
                                                : 0;
}

bool send_queue_own(struct send_queue *queue, struct send_store *store, uint32_t held)
{
    struct send_references *references = queue->references;
    struct bytequeue copied = {0};
    if (references == NULL)
        return true;
    for (uint32_t offset = 0; offset < held;) {
        uint32_t run;
        const uint8_t *from = send_queue_span_mixed(queue, offset, &run);
        run = run < held - offset ? run : held - offset;
        if (!bytequeue_write(&copied, store->pages, offset, from, run)) {
            bytequeue_clear(&copied, store->pages);
            return false;
        }
        offset += run;
    }
    bytequeue_clear(&queue->copied, store->pages);
    queue->copied = copied;
    for (uint32_t i = 0; i < references->count; i++) {
        struct send_reference *done = at(references, i);
        give_back(store, done, acknowledged_of(references, done), HF_OK);
    }
    free_references(queue, store->pages->memory);
    return true;
}

void send_queue_clear(struct send_queue *queue, struct send_store *store, int error)
{
    struct send_references *references = queue->references;
    bytequeue_clear(&queue->copied, store->pages);
    if (references == NULL)
        return;
    for (uint32_t i = 0; i < references->count; i++) {
        struct send_reference *lost = at(references, i);
        give_back(store, lost, acknowledged_of(references, lost),
                  error != HF_OK ? error : HF_ECONNABORTED);
    }
    free_references(queue, store->pages->memory);
}

uint64_t send_queue_held_bytes(const struct send_queue *queue)
{
    const struct send_references *references = queue->references;
    uint64_t bytes = bytequeue_held_bytes(&queue->copied);
    if (references != NULL)
        bytes += size_of(references->capacity) + references->count * sizeof(struct send_reference);
    return bytes;
}
