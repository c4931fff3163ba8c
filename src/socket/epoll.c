/* SPDX-License-Identifier: MIT
 *
 * epoll, built as Linux builds it, so that its finer points come out the same.
 *
 * A watch joins one epoll instance to one watched file. What happens to a file puts its watches on
 * their instances' ready lists; epoll_wait takes the list from the front and asks each file what is
 * true now. A level-triggered watch that has something to say goes back to the end, an
 * edge-triggered one leaves until something happens again, a one-shot one is disabled.
 */
#include "socket_state.h"

#include <errno.h>
#include <stdlib.h>

/* Bits of `events` that say how to watch, not what for. */
#define HOW_BITS ((uint32_t)(EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | EPOLLEXCLUSIVE))
#define ALWAYS_BITS ((uint32_t)(EPOLLERR | EPOLLHUP))
#define EXCLUSIVE_ALLOWED \
    ((uint32_t)(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE))
#define MOST_NESTED 5

struct epoll {
    struct open_file file;
    struct watch *watches; /* all of this instance */
    struct watch *ready_first, *ready_last;
};

struct watch {
    struct epoll *epoll;
    struct open_file *watched; /* no reference: a file that ends takes its watches with it */
    int fd;                    /* the name it was added by */
    struct epoll_event event;
    struct watch *next_of_epoll, *previous_of_epoll;
    struct watch *next_of_file, *previous_of_file;
    struct watch *next_ready, *previous_ready;
    bool ready;
};

static struct epoll *epoll_of(struct open_file *file)
{
    return (struct epoll *)(void *)file;
}

/* ---- the ready list */

static void ready_append(struct watch *watch)
{
    struct epoll *epoll = watch->epoll;
    watch->ready = true;
    watch->next_ready = NULL;
    watch->previous_ready = epoll->ready_last;
    if (epoll->ready_last != NULL) {
        epoll->ready_last->next_ready = watch;
    } else {
        epoll->ready_first = watch;
    }
    epoll->ready_last = watch;
}

static void ready_remove(struct watch *watch)
{
    struct epoll *epoll = watch->epoll;
    if (!watch->ready) {
        return;
    }
    watch->ready = false;
    if (watch->next_ready != NULL) {
        watch->next_ready->previous_ready = watch->previous_ready;
    } else {
        epoll->ready_last = watch->previous_ready;
    }
    if (watch->previous_ready != NULL) {
        watch->previous_ready->next_ready = watch->next_ready;
    } else {
        epoll->ready_first = watch->next_ready;
    }
}

void file_wake(struct open_file *file, unsigned key)
{
    file->set->changed = true;
    for (struct watch *watch = file->watches; watch != NULL; watch = watch->next_of_file) {
        uint32_t wanted = watch->event.events;
        if ((wanted & ~HOW_BITS) == 0 || (key != 0 && !(key & wanted))) {
            continue;
        }
        if (!watch->ready) {
            ready_append(watch);
        }
        file_wake(&watch->epoll->file, POLLIN | POLLRDNORM);
    }
}

/* ---- watches */

static struct watch *find_watch(const struct epoll *epoll, const struct open_file *file, int fd)
{
    for (struct watch *watch = file->watches; watch != NULL; watch = watch->next_of_file) {
        if (watch->epoll == epoll && watch->fd == fd) {
            return watch;
        }
    }
    return NULL;
}

static void watch_remove(struct watch *watch)
{
    ready_remove(watch);
    if (watch->next_of_epoll != NULL) {
        watch->next_of_epoll->previous_of_epoll = watch->previous_of_epoll;
    }
    if (watch->previous_of_epoll != NULL) {
        watch->previous_of_epoll->next_of_epoll = watch->next_of_epoll;
    } else {
        watch->epoll->watches = watch->next_of_epoll;
    }
    if (watch->next_of_file != NULL) {
        watch->next_of_file->previous_of_file = watch->previous_of_file;
    }
    if (watch->previous_of_file != NULL) {
        watch->previous_of_file->next_of_file = watch->next_of_file;
    } else {
        watch->watched->watches = watch->next_of_file;
    }
    free(watch);
}

static unsigned watch_look(const struct watch *watch)
{
    return (watch->event.events & ~HOW_BITS) == 0
               ? 0
               : file_readiness(watch->watched) & watch->event.events;
}

static void ready_if_so(struct watch *watch)
{
    if (watch_look(watch) != 0 && !watch->ready) {
        ready_append(watch);
        file_wake(&watch->epoll->file, POLLIN | POLLRDNORM);
    }
}

static int watch_add(struct epoll *epoll, struct open_file *file, int fd,
                     const struct epoll_event *event)
{
    struct watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL) {
        return -ENOMEM;
    }
    watch->epoll = epoll;
    watch->watched = file;
    watch->fd = fd;
    watch->event = *event;
    watch->event.events |= ALWAYS_BITS;
    watch->next_of_epoll = epoll->watches;
    if (epoll->watches != NULL) {
        epoll->watches->previous_of_epoll = watch;
    }
    epoll->watches = watch;
    watch->next_of_file = file->watches;
    if (file->watches != NULL) {
        file->watches->previous_of_file = watch;
    }
    file->watches = watch;
    ready_if_so(watch);
    return 0;
}

void epoll_forget_file(struct open_file *file)
{
    struct watch *next;
    for (struct watch *watch = file->watches; watch != NULL; watch = next) {
        next = watch->next_of_file;
        watch_remove(watch);
    }
}

void epoll_free(struct open_file *file)
{
    struct epoll *epoll = epoll_of(file);
    struct watch *next;
    for (struct watch *watch = epoll->watches; watch != NULL; watch = next) {
        next = watch->next_of_epoll;
        watch_remove(watch);
    }
    free(epoll);
}

/* An epoll instance is readable when one that is on its ready list is still ready. */
unsigned epoll_readiness(struct open_file *file)
{
    struct epoll *epoll = epoll_of(file);
    struct watch *next;
    for (struct watch *watch = epoll->ready_first; watch != NULL; watch = next) {
        next = watch->next_ready;
        if (watch_look(watch) != 0) {
            return POLLIN | POLLRDNORM;
        }
        ready_remove(watch);
    }
    return 0;
}

/* ---- epoll_create1, epoll_ctl */

int hf_socket_epoll_create1(struct hf_sockets *set, int flags)
{
    struct epoll *epoll;
    int fd;
    if (flags & ~EPOLL_CLOEXEC) {
        return -EINVAL;
    }
    fd = descriptor_available(set);
    if (fd != 0) {
        return fd;
    }
    epoll = calloc(1, sizeof *epoll);
    if (epoll == NULL) {
        return -ENOMEM;
    }
    epoll->file.kind = FILE_EPOLL;
    epoll->file.references = 1;
    epoll->file.set = set;
    fd = descriptor_open(set, &epoll->file, (flags & EPOLL_CLOEXEC) != 0);
    if (fd < 0) {
        free(epoll);
    }
    return fd;
}

/* How deep instances hang below this one; the search ends beyond what is allowed. */
static int depth_below(const struct open_file *file, const struct open_file *target, int depth)
{
    int deepest = depth;
    if (file == target || depth > MOST_NESTED) {
        return MOST_NESTED + 1;
    }
    if (file->kind != FILE_EPOLL) {
        return depth;
    }
    for (const struct watch *watch = ((const struct epoll *)(const void *)file)->watches;
         watch != NULL; watch = watch->next_of_epoll) {
        int below = watch->watched->kind == FILE_EPOLL
                        ? depth_below(watch->watched, target, depth + 1)
                        : depth;
        deepest = below > deepest ? below : deepest;
    }
    return deepest;
}

static int height_above(const struct open_file *file, int height)
{
    int highest = height;
    for (const struct watch *watch = file->watches; watch != NULL && height <= MOST_NESTED;
         watch = watch->next_of_file) {
        int above = height_above(&watch->epoll->file, height + 1);
        highest = above > highest ? above : highest;
    }
    return highest;
}

static int check_exclusive(int operation, const struct open_file *file,
                           const struct epoll_event *event)
{
    if (operation == EPOLL_CTL_DEL || !(event->events & EPOLLEXCLUSIVE)) {
        return 0;
    }
    if (operation == EPOLL_CTL_MOD || file->kind == FILE_EPOLL ||
        (event->events & ~EXCLUSIVE_ALLOWED)) {
        return -EINVAL;
    }
    return 0;
}

static int control(struct epoll *epoll, int operation, struct open_file *file, int fd,
                   const struct epoll_event *event)
{
    struct watch *watch = find_watch(epoll, file, fd);
    switch (operation) {
    case EPOLL_CTL_ADD:
        if (file->kind == FILE_EPOLL &&
            depth_below(file, &epoll->file, height_above(&epoll->file, 1)) >= MOST_NESTED) {
            return -ELOOP;
        }
        return watch != NULL ? -EEXIST : watch_add(epoll, file, fd, event);
    case EPOLL_CTL_DEL:
        if (watch == NULL) {
            return -ENOENT;
        }
        watch_remove(watch);
        return 0;
    case EPOLL_CTL_MOD:
        if (watch == NULL) {
            return -ENOENT;
        }
        if (watch->event.events & EPOLLEXCLUSIVE) {
            return -EINVAL;
        }
        watch->event = *event;
        watch->event.events |= ALWAYS_BITS;
        ready_if_so(watch);
        return 0;
    default:
        return -EINVAL;
    }
}

int hf_socket_epoll_ctl(struct hf_sockets *set, int epoll_fd, int operation, int fd,
                        struct epoll_event *event)
{
    struct open_file *instance;
    struct open_file *file;
    int error;
    if (operation != EPOLL_CTL_DEL && event == NULL) {
        return -EFAULT;
    }
    instance = file_get(set, epoll_fd);
    file = file_get(set, fd);
    if (instance == NULL || file == NULL) {
        error = -EBADF;
    } else if (instance == file || instance->kind != FILE_EPOLL) {
        error = -EINVAL;
    } else {
        error = check_exclusive(operation, file, event);
    }
    if (error == 0) {
        sockets_take_events(set);
        error = control(epoll_of(instance), operation, file, fd, event);
    }
    if (file != NULL) {
        file_put(file);
    }
    if (instance != NULL) {
        file_put(instance);
    }
    return error;
}

/* ---- epoll_wait */

#define MOST_EVENTS (INT32_MAX / (int)sizeof(struct epoll_event))

/* One pass over what was ready when it began. */
static int collect(struct epoll *epoll, struct epoll_event *events, int most)
{
    struct watch *last = epoll->ready_last;
    struct watch *watch = epoll->ready_first;
    int count = 0;
    while (watch != NULL && count < most) {
        struct watch *next = watch == last ? NULL : watch->next_ready;
        unsigned found;
        ready_remove(watch);
        found = watch_look(watch);
        if (found != 0) {
            if (events == NULL) {
                ready_append(watch);
                return count > 0 ? count : -EFAULT;
            }
            events[count++] = (struct epoll_event){.events = found, .data = watch->event.data};
            if (watch->event.events & EPOLLONESHOT) {
                watch->event.events &= HOW_BITS;
            } else if (!(watch->event.events & EPOLLET)) {
                ready_append(watch);
            }
        }
        watch = next;
    }
    return count;
}

static int wait_for_events(struct epoll *epoll, struct epoll_event *events, int most,
                           int timeout_ms)
{
    struct hf_sockets *set = epoll->file.set;
    struct patience patience = {.waits = timeout_ms != 0 && set->config.wait != NULL,
                                .until = HF_TIME_NEVER};
    if (timeout_ms > 0) {
        patience.until = sockets_now(set) + timeout_ms * HF_MILLISECOND;
    }
    for (;;) {
        int count = collect(epoll, events, most);
        int error;
        if (count != 0 || !patience.waits) {
            return count;
        }
        error = sockets_wait(set, &patience);
        if (error != 0) {
            return error;
        }
    }
}

int hf_socket_epoll_wait(struct hf_sockets *set, int epoll_fd, struct epoll_event *events, int most,
                         int timeout_ms)
{
    struct open_file *file = file_get(set, epoll_fd);
    int result;
    if (file == NULL) {
        return -EBADF;
    }
    if (most <= 0 || most > MOST_EVENTS || file->kind != FILE_EPOLL) {
        result = -EINVAL;
    } else {
        sockets_take_events(set);
        result = wait_for_events(epoll_of(file), events, most, timeout_ms);
    }
    file_put(file);
    return result;
}
