/* SPDX-License-Identifier: MIT
 *
 * poll and epoll. What an epoll instance reports is compared in its order; data given as fd=N is
 * kept as the script's number.
 */
#include "drill_call.h"

#include <string.h>

enum { MOST_EVENTS = 64 };

static bool field_integer(struct drill_run *run, const struct drill_expression *structure,
                          const char *name, int64_t *value)
{
    const struct drill_expression *field = call_field(structure, name);
    *value = 0;
    return field == NULL || call_integer(run, field, value);
}

/* ---- poll */

int64_t call_poll(struct drill_run *run, const struct drill_arguments *arguments)
{
    struct pollfd list[MOST_EVENTS];
    int64_t wanted[MOST_EVENTS], count, timeout, answer;
    size_t given = 0;
    if (arguments->at[0]->kind != DRILL_LIST) {
        run_fail(run, arguments->event, "poll's list is written [{fd=N, events=..., revents=...}]");
        return 0;
    }
    if (!call_integer(run, arguments->at[1], &count) ||
        !call_integer(run, arguments->at[2], &timeout))
        return 0;
    for (const struct drill_expression *entry = arguments->at[0]->first; entry != NULL;
         entry = entry->next) {
        const struct drill_expression *fd = call_field(entry, "fd");
        int64_t events;
        if (given == MOST_EVENTS || fd == NULL) {
            run_fail(run, arguments->event,
                     "poll's list is written [{fd=N, events=..., revents=...}], with %d entries at "
                     "most",
                     MOST_EVENTS);
            return 0;
        }
        if (!call_descriptor(run, fd, &list[given].fd) ||
            !field_integer(run, entry, "events", &events) ||
            !field_integer(run, entry, "revents", &wanted[given]))
            return 0;
        list[given].events = (short)events;
        list[given++].revents = 0;
    }
    if (count < 0 || (size_t)count > given) {
        run_fail(run, arguments->event, "poll's list has %zu entries", given);
        return 0;
    }
    answer = hf_socket_poll(run->sockets, list, (nfds_t)count, (int)timeout);
    for (size_t i = 0; answer >= 0 && i < (size_t)count; i++) {
        if (list[i].revents != (short)wanted[i])
            run_fail(run, arguments->event, "revents of entry %zu is 0x%x, expected 0x%x", i,
                     (unsigned)list[i].revents, (unsigned)wanted[i]);
    }
    return answer;
}

/* ---- epoll */

int64_t call_epoll_create(struct drill_run *run, const struct drill_arguments *arguments)
{
    int64_t size;
    if (!call_integer(run, arguments->at[0], &size))
        return 0;
    return size <= 0 ? -22 : hf_socket_epoll_create1(run->sockets, 0);
}

int64_t call_epoll_create1(struct drill_run *run, const struct drill_arguments *arguments)
{
    int64_t flags;
    return call_integer(run, arguments->at[0], &flags)
               ? hf_socket_epoll_create1(run->sockets, (int)flags)
               : 0;
}

/* {events=EPOLLIN, fd=4}: fd, u32, u64 and ptr are one number here. */
static bool epoll_event_of(struct drill_run *run, const struct drill_expression *structure,
                           struct epoll_event *event)
{
    static const char *const names[] = {"fd", "u32", "u64", "ptr"};
    int64_t events, data = 0;
    if (structure->kind != DRILL_STRUCTURE) {
        run_fail(run, run->frame->event, "an epoll event is written {events=..., fd=N}");
        return false;
    }
    if (!field_integer(run, structure, "events", &events))
        return false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct drill_expression *field = call_field(structure, names[i]);
        if (field != NULL && !call_integer(run, field, &data))
            return false;
    }
    memset(event, 0, sizeof *event);
    event->events = (uint32_t)events;
    event->data.u64 = (uint64_t)data;
    return true;
}

int64_t call_epoll_ctl(struct drill_run *run, const struct drill_arguments *arguments)
{
    struct epoll_event event;
    int64_t operation;
    int epoll, fd;
    bool null = call_is_null(arguments->at[3]);
    if (!call_descriptor(run, arguments->at[0], &epoll) ||
        !call_integer(run, arguments->at[1], &operation) ||
        !call_descriptor(run, arguments->at[2], &fd) ||
        (!null && !epoll_event_of(run, arguments->at[3], &event)))
        return 0;
    return hf_socket_epoll_ctl(run->sockets, epoll, (int)operation, fd, null ? NULL : &event);
}

int64_t call_epoll_wait(struct drill_run *run, const struct drill_arguments *arguments)
{
    const struct drill_expression *list = arguments->at[1], *entry;
    struct epoll_event events[MOST_EVENTS], wanted;
    int64_t most, timeout, answer, i = 0;
    int epoll;
    if (!call_descriptor(run, arguments->at[0], &epoll) ||
        !call_integer(run, arguments->at[2], &most) ||
        !call_integer(run, arguments->at[3], &timeout))
        return 0;
    if (most > MOST_EVENTS)
        most = MOST_EVENTS;
    memset(events, 0, sizeof events);
    answer = hf_socket_epoll_wait(run->sockets, epoll, events, (int)most, (int)timeout);
    if (run->failed || list->kind == DRILL_ELLIPSIS || answer <= 0)
        return answer;
    for (entry = list->kind == DRILL_LIST ? list->first : list; entry != NULL && i < answer;
         entry = list->kind == DRILL_LIST ? entry->next : NULL, i++) {
        if (!epoll_event_of(run, entry, &wanted))
            return 0;
        if (events[i].events != wanted.events || events[i].data.u64 != wanted.data.u64)
            run_fail(run, arguments->event,
                     "event %lld is {events=0x%x, fd=%llu}, expected {events=0x%x, fd=%llu}",
                     (long long)i, events[i].events, (unsigned long long)events[i].data.u64,
                     wanted.events, (unsigned long long)wanted.data.u64);
    }
    return answer;
}
