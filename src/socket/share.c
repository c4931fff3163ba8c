/* SPDX-License-Identifier: MIT
 *
 * SO_REUSEPORT: several sockets listen at one endpoint, and connections are spread over them by a
 * keyed hash of who comes.
 *
 * To the core the whole group is one listener. Its connections are taken as soon as they are there
 * and put into the queue of one member each, as sockets that have no descriptor yet; what happens
 * to them meanwhile finds them there. A member whose queue is full hands on to the next; when all
 * are full the rest waits in the core. As in Linux, a member that goes takes its queue along, which
 * is reset, and the last member takes its place in the order.
 */
#include "share.h"

#include "siphash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct share_group {
    struct share_group *next, *previous; /* all of the set */
    struct hf_endpoint local;
    hf_handle handle;
    struct socket **members; /* the first is the one that the handle leads to */
    size_t count, capacity;
};

/* ---- members */

static bool add_member(struct share_group *group, struct socket *socket)
{
    if (group->count == group->capacity) {
        size_t capacity = group->capacity > 0 ? 2 * group->capacity : 4;
        struct socket **grown = realloc(group->members, capacity * sizeof(struct socket *));
        if (grown == NULL) {
            return false;
        }
        group->members = grown;
        group->capacity = capacity;
    }
    group->members[group->count++] = socket;
    return true;
}

static struct share_group *find_group(struct hf_sockets *set, const struct hf_endpoint *local)
{
    struct share_group *group = set->groups;
    while (group != NULL && (group->local.port != local->port ||
                             !hf_address_equal(&group->local.address, &local->address))) {
        group = group->next;
    }
    return group;
}

/* The core's listener holds as many as all members together. */
static int set_core_backlog(struct hf_sockets *set, const struct share_group *group)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < group->count; i++) {
        sum += group->members[i]->backlog;
    }
    return hf_set_option(set->config.stack, group->handle, HF_OPTION_BACKLOG,
                         sum < UINT16_MAX ? (int64_t)sum : UINT16_MAX, sockets_now(set));
}

static void group_free(struct hf_sockets *set, struct share_group *group)
{
    if (group->next != NULL) {
        group->next->previous = group->previous;
    }
    if (group->previous != NULL) {
        group->previous->next = group->next;
    } else {
        set->groups = group->next;
    }
    free(group->members);
    free(group);
}

static int open_group(struct socket *socket, const struct hf_endpoint *local)
{
    struct hf_sockets *set = socket->file.set;
    struct share_group *group = calloc(1, sizeof *group);
    int error = HF_ENOMEM;
    if (group == NULL) {
        return -ENOMEM;
    }
    group->local = *local;
    group->next = set->groups;
    if (set->groups != NULL) {
        set->groups->previous = group;
    }
    set->groups = group;
    if (add_member(group, socket)) {
        error = hf_listen(set->config.stack, local, socket->backlog, &group->handle);
    }
    if (error == HF_OK && !socket_adopt_handle(socket, group->handle)) {
        (void)hf_close(set->config.stack, group->handle, sockets_now(set));
        error = HF_ENOMEM;
    }
    if (error != HF_OK) {
        group_free(set, group);
        return error;
    }
    core_options_apply(socket); /* what the first one wants is what SYNs meet */
    socket->group = group;
    return 0;
}

int share_listen(struct socket *socket, const struct hf_endpoint *local)
{
    struct share_group *group = find_group(socket->file.set, local);
    if (group == NULL) {
        return open_group(socket, local);
    }
    if (!add_member(group, socket)) {
        return -ENOMEM;
    }
    socket->group = group;
    socket->handle = group->handle;
    return set_core_backlog(socket->file.set, group);
}

int share_set_backlog(struct socket *socket)
{
    int error = set_core_backlog(socket->file.set, socket->group);
    share_distribute(socket);
    return error;
}

static void leave_group(struct socket *socket)
{
    struct hf_sockets *set = socket->file.set;
    struct share_group *group = socket->group;
    bool leads = group->members[0] == socket;
    size_t at = 0;
    while (group->members[at] != socket) {
        at++;
    }
    group->members[at] = group->members[--group->count];
    socket->group = NULL;
    socket->handle = HF_NO_HANDLE;
    if (leads) {
        handle_table_remove(&set->handles, group->handle);
    }
    if (group->count == 0) {
        (void)hf_close(set->config.stack, group->handle, sockets_now(set));
        group_free(set, group);
        return;
    }
    if (leads) {
        /* There is room: one was just removed. */
        (void)handle_table_put(&set->handles, group->handle, group->members[0]);
    }
    (void)set_core_backlog(set, group);
}

/* ---- queues */

struct socket *share_take(struct socket *listener)
{
    struct socket *taken = listener->waiting_first;
    if (taken == NULL) {
        return NULL;
    }
    listener->waiting_first = taken->next_waiting;
    if (listener->waiting_first == NULL) {
        listener->waiting_last = NULL;
    }
    listener->waiting_count--;
    taken->next_waiting = NULL;
    share_distribute(listener);
    return taken;
}

static void give(struct socket *listener, struct socket *socket)
{
    if (listener->waiting_last != NULL) {
        listener->waiting_last->next_waiting = socket;
    } else {
        listener->waiting_first = socket;
    }
    listener->waiting_last = socket;
    listener->waiting_count++;
    file_wake(&listener->file, POLLIN | POLLRDNORM | POLLPRI | POLLRDBAND);
}

void share_leave(struct socket *socket)
{
    struct socket *waiting = socket->waiting_first;
    leave_group(socket);
    socket->waiting_first = NULL;
    socket->waiting_last = NULL;
    socket->waiting_count = 0;
    while (waiting != NULL) {
        struct socket *next = waiting->next_waiting;
        waiting->options.linger = true; /* reset, not closed in order */
        waiting->options.linger_s = 0;
        socket_put(waiting);
        waiting = next;
    }
}

/* Who is to have it: the hash's choice, or the next that has room; NULL: nobody. */
static struct socket *choose_member(const struct share_group *group, const struct hf_config *config,
                                    const struct hf_endpoint *peer)
{
    struct siphash_key key = siphash_key_from_bytes(config->seed);
    uint8_t bytes[3 + sizeof peer->address.bytes + 2] = {'s', 'h', peer->address.family};
    size_t first;
    memcpy(bytes + 3, peer->address.bytes, sizeof peer->address.bytes);
    bytes[sizeof bytes - 2] = (uint8_t)(peer->port >> 8);
    bytes[sizeof bytes - 1] = (uint8_t)peer->port;
    first = (size_t)(siphash(&key, bytes, sizeof bytes) % group->count);
    for (size_t i = 0; i < group->count; i++) {
        struct socket *member = group->members[(first + i) % group->count];
        if (member->waiting_count < member->backlog) {
            return member;
        }
    }
    return NULL;
}

static bool has_room(const struct share_group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        if (group->members[i]->waiting_count < group->members[i]->backlog) {
            return true;
        }
    }
    return false;
}

void share_distribute(struct socket *listener)
{
    struct hf_sockets *set = listener->file.set;
    struct share_group *group = listener->group;
    struct hf_endpoint peer;
    hf_handle handle;
    while (has_room(group) &&
           hf_accept(set->config.stack, group->handle, &handle, &peer) == HF_OK) {
        struct socket *member = choose_member(group, hf_stack_config(set->config.stack), &peer);
        struct socket *socket = socket_of_connection(member, handle);
        if (socket != NULL) {
            core_options_apply(socket); /* its own listener's, from here on */
            give(member, socket);
        }
    }
}
