/* SPDX-License-Identifier: MIT
 *
 * A doubly linked list of pool objects by index: 8 bytes an object where pointers would take 16.
 * The link is the object's first member; the pool's free list may use those bytes once the object
 * is in no list.
 */
#ifndef INDEX_LIST_H
#define INDEX_LIST_H

#include "pool.h"

struct index_link {
    uint32_t next, previous; /* POOL_NONE at the ends */
};

struct index_list {
    uint32_t head, tail; /* POOL_NONE: empty */
};

static inline void index_list_init(struct index_list *list)
{
    list->head = POOL_NONE;
    list->tail = POOL_NONE;
}

static inline void index_list_append(struct index_list *list, const struct pool *pool,
                                     uint32_t index)
{
    struct index_link *link = pool_at(pool, index);
    link->next = POOL_NONE;
    link->previous = list->tail;
    if (list->tail == POOL_NONE) {
        list->head = index;
    } else {
        ((struct index_link *)pool_at(pool, list->tail))->next = index;
    }
    list->tail = index;
}

static inline void index_list_remove(struct index_list *list, const struct pool *pool,
                                     uint32_t index)
{
    struct index_link *link = pool_at(pool, index);
    if (link->previous == POOL_NONE) {
        list->head = link->next;
    } else {
        ((struct index_link *)pool_at(pool, link->previous))->next = link->next;
    }
    if (link->next == POOL_NONE) {
        list->tail = link->previous;
    } else {
        ((struct index_link *)pool_at(pool, link->next))->previous = link->previous;
    }
}

#endif
