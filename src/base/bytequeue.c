/* SPDX-License-Identifier: MIT
 *
 * The byte at `offset` from the front stands at `start + offset` from the beginning of the front's
 * page: page number and place in it are that sum's high and low bits. A ring of page pointers
 * makes dropping at the front free of moving. The ring doubles when a write reaches beyond it; a
 * queue that never held more than one page has no ring at all, so that a short request costs one
 * page from the pool and no call of the allocator.
 */
#include "bytequeue.h"

#include "hf_assert.h"

#include <string.h>

/* Room for a super-segment's worth, for as many bytes as a sixteenth of a page: growing to that
 * from 8 takes two allocations more each time. */
#define FIRST_RING_CAPACITY 32
/* Far above any TCP window (2^30, RFC 7323 2.3), far below what would overflow a sum. */
#define REACH_BYTES_MAX (UINT32_C(1) << 31)

/* Knowing that it is no more than a page, gcc 12 would copy with a string instruction in place,
 * which begins so slowly that three of them took a sixth of a segment's time. The length is hidden
 * from it, so that it calls memcpy. */
static inline void copy(uint8_t *to, const uint8_t *from, size_t length)
{
#if defined(__GNUC__)
    __asm__("" : "+r"(length));
#endif
    memcpy(to, from, length);
}
/* Pages kept for the next queue are there for whoever needs memory, too. */
static bool give_up_pages(void *context);

void page_pool_init(struct page_pool *pool, struct memory *memory, uint32_t free_limit)
{
    *pool = (struct page_pool){.memory = memory, .free_limit = free_limit};
    memory->relieve = give_up_pages;
    memory->relief = pool;
}

static void *take_free_page(struct page_pool *pool)
{
    void *page = pool->free_pages;
    memcpy(&pool->free_pages, page, sizeof pool->free_pages);
    pool->free_count--;
    return page;
}

static bool give_up_pages(void *context)
{
    struct page_pool *pool = context;
    if (pool->free_pages == NULL)
        return false;
    memory_release(pool->memory, take_free_page(pool), PAGE_BYTES);
    return true;
}

void page_pool_deinit(struct page_pool *pool)
{
    pool->memory->relieve = NULL;
    HF_ASSERT(pool->held == 0);
    while (pool->free_pages != NULL)
        memory_release(pool->memory, take_free_page(pool), PAGE_BYTES);
}

static uint8_t *page_allocate(struct page_pool *pool)
{
    void *page;
    if (pool->free_pages != NULL)
        page = take_free_page(pool);
    else
        page = memory_allocate(pool->memory, PAGE_BYTES);
    if (page != NULL)
        pool->held++;
    return page;
}

static void page_release(struct page_pool *pool, uint8_t *page)
{
    HF_ASSERT(pool->held > 0);
    pool->held--;
    if (pool->free_count >= pool->free_limit) {
        memory_release(pool->memory, page, PAGE_BYTES);
        return;
    }
    memcpy(page, &pool->free_pages, sizeof pool->free_pages);
    pool->free_pages = page;
    pool->free_count++;
}

/* Where the pointer to the page `number` pages after the front's stands. */
static uint8_t **page_place(struct bytequeue *queue, uint32_t number)
{
    if (queue->capacity == 1)
        return &queue->pages.only;
    return &queue->pages.ring[(queue->first + number) & (queue->capacity - 1)];
}

static uint8_t *page_get(const struct bytequeue *queue, uint32_t number)
{
    if (queue->capacity == 1)
        return queue->pages.only;
    return queue->pages.ring[(queue->first + number) & (queue->capacity - 1)];
}

static bool grow_ring(struct bytequeue *queue, struct page_pool *pool, uint32_t pages_needed)
{
    if (queue->capacity == 0 && pages_needed == 1) {
        queue->pages.only = NULL;
        queue->capacity = 1;
        return true;
    }
    uint32_t capacity = FIRST_RING_CAPACITY;
    while (capacity < pages_needed)
        capacity *= 2;
    uint8_t **ring = memory_allocate(pool->memory, capacity * sizeof *ring);
    if (ring == NULL)
        return false;
    for (uint32_t i = 0; i < queue->capacity; i++)
        ring[i] = page_get(queue, i);
    for (uint32_t i = queue->capacity; i < capacity; i++)
        ring[i] = NULL;
    if (queue->capacity > 1)
        memory_release(pool->memory, queue->pages.ring, queue->capacity * sizeof *ring);
    queue->pages.ring = ring;
    queue->capacity = capacity;
    queue->first = 0;
    return true;
}

/* Makes every page of the range be there. What it added before memory ran out may stay, but a
 * queue that holds no page stays wholly empty. */
static bool ensure(struct bytequeue *queue, struct page_pool *pool, uint32_t offset,
                   uint32_t length)
{
    HF_ASSERT(offset <= REACH_BYTES_MAX);
    HF_ASSERT(length <= REACH_BYTES_MAX - offset);
    uint32_t begin = queue->start + offset;
    uint32_t last_page = (begin + length - 1) / PAGE_BYTES;
    if (last_page >= queue->capacity && !grow_ring(queue, pool, last_page + 1))
        return false;
    for (uint32_t number = begin / PAGE_BYTES; number <= last_page; number++) {
        uint8_t **place = page_place(queue, number);
        if (*place != NULL)
            continue;
        *place = page_allocate(pool);
        if (*place == NULL) {
            if (queue->page_count == 0)
                bytequeue_clear(queue, pool);
            return false;
        }
        queue->page_count++;
    }
    return true;
}

/* A request or an answer: all of it lies in one page, the first. */
static bool write_is_short(const struct bytequeue *queue, uint32_t offset, uint32_t length)
{
    return queue->capacity <= 1 && queue->page_count == queue->capacity && queue->start == 0 &&
           length <= PAGE_BYTES && offset <= PAGE_BYTES - length;
}

static bool begin_page(struct bytequeue *queue, struct page_pool *pool)
{
    queue->pages.only = page_allocate(pool);
    if (queue->pages.only == NULL)
        return false;
    queue->capacity = 1;
    queue->page_count = 1;
    return true;
}

bool bytequeue_write(struct bytequeue *queue, struct page_pool *pool, uint32_t offset,
                     const void *data, uint32_t length)
{
    if (length == 0)
        return true;
    if (!write_is_short(queue, offset, length)) {
        if (!ensure(queue, pool, offset, length))
            return false;
    } else if (queue->capacity == 0 && !begin_page(queue, pool)) {
        return false;
    } else {
        copy(queue->pages.only + offset, data, length);
        return true;
    }
    const uint8_t *from = data;
    uint32_t position = queue->start + offset;
    while (length > 0) {
        uint32_t within = position % PAGE_BYTES;
        uint32_t run = PAGE_BYTES - within;
        if (run > length)
            run = length;
        copy(page_get(queue, position / PAGE_BYTES) + within, from, run);
        from += run;
        position += run;
        length -= run;
    }
    return true;
}

uint8_t *bytequeue_reserve_page(struct bytequeue *queue, struct page_pool *pool, uint32_t offset,
                                uint32_t *contiguous)
{
    uint32_t position = queue->start + offset;
    uint32_t number = position / PAGE_BYTES;
    uint32_t within = position % PAGE_BYTES;
    /* Most of the time it is there. */
    if ((number >= queue->capacity || page_get(queue, number) == NULL) &&
        !ensure(queue, pool, offset, 1))
        return NULL;
    *contiguous = PAGE_BYTES - within;
    return page_get(queue, number) + within;
}

const uint8_t *bytequeue_span(const struct bytequeue *queue, uint32_t offset, uint32_t *contiguous)
{
    HF_ASSERT(offset < REACH_BYTES_MAX);
    uint32_t position = queue->start + offset;
    HF_ASSERT(position / PAGE_BYTES < queue->capacity);
    const uint8_t *page = page_get(queue, position / PAGE_BYTES);
    HF_ASSERT(page != NULL);
    uint32_t within = position % PAGE_BYTES;
    *contiguous = PAGE_BYTES - within;
    return page + within;
}

void bytequeue_read(const struct bytequeue *queue, uint32_t offset, void *data, uint32_t length)
{
    uint8_t *to = data;
    while (length > 0) {
        uint32_t run;
        const uint8_t *from = bytequeue_span(queue, offset, &run);
        if (run > length)
            run = length;
        copy(to, from, run);
        to += run;
        offset += run;
        length -= run;
    }
}

static void release_front_page(struct bytequeue *queue, struct page_pool *pool)
{
    uint8_t **place = page_place(queue, 0);
    if (*place != NULL) {
        page_release(pool, *place);
        *place = NULL;
        queue->page_count--;
    }
    queue->first = (queue->first + 1) & (queue->capacity - 1);
}

void bytequeue_unreserve(struct bytequeue *queue, struct page_pool *pool, uint32_t offset,
                         uint32_t length)
{
    HF_ASSERT(offset <= REACH_BYTES_MAX);
    HF_ASSERT(length <= REACH_BYTES_MAX - offset);
    /* The page in which it begins stays for what stands in front of it. */
    uint32_t number = offset == 0 ? 0 : (queue->start + offset + PAGE_BYTES - 1) / PAGE_BYTES;
    uint32_t end = (queue->start + offset + length + PAGE_BYTES - 1) / PAGE_BYTES;
    for (; number < end && number < queue->capacity; number++) {
        uint8_t **place = page_place(queue, number);
        if (*place != NULL) {
            page_release(pool, *place);
            *place = NULL;
            queue->page_count--;
        }
    }
    if (queue->page_count == 0)
        bytequeue_clear(queue, pool);
}

void bytequeue_drop(struct bytequeue *queue, struct page_pool *pool, uint32_t length)
{
    HF_ASSERT(length <= REACH_BYTES_MAX);
    if (queue->capacity == 0)
        return;
    uint32_t position = queue->start + length;
    uint32_t pages = position / PAGE_BYTES;
    if (pages > queue->capacity)
        pages = queue->capacity;
    for (uint32_t i = 0; i < pages; i++)
        release_front_page(queue, pool);
    queue->start = position % PAGE_BYTES;
}

void bytequeue_free(struct bytequeue *queue, struct page_pool *pool)
{
    for (uint32_t i = 0; i < queue->capacity && queue->page_count > 0; i++)
        release_front_page(queue, pool);
    if (queue->capacity > 1)
        memory_release(pool->memory, queue->pages.ring, queue->capacity * sizeof(uint8_t *));
    *queue = (struct bytequeue){0};
}

uint64_t bytequeue_held_bytes(const struct bytequeue *queue)
{
    uint64_t bytes = (uint64_t)queue->page_count * PAGE_BYTES;
    if (queue->capacity > 1)
        bytes += (uint64_t)queue->capacity * sizeof(uint8_t *);
    return bytes;
}
