/* SPDX-License-Identifier: MIT
 *
 * poll and epoll, over the stack's descriptors and the kernel's (pipes) at once.
 *
 * An epoll instance of ours has a kernel's instance for its descriptor: what it watches of the
 * kernel's is added there, and epoll_wait asks both. Time being virtual, the kernel is only ever
 * asked what is ready now.
 */
#include "packetdrill_interface.h"
#include "plugin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Linux allows RLIMIT_NOFILE entries. */
#define MOST_ENTRIES 65536u

static hf_time until_of(const struct plugin *plugin, int timeout_ms)
{
    return timeout_ms < 0 ? HF_TIME_NEVER : plugin->now + timeout_ms * HF_MILLISECOND;
}

/* ---- poll */

static bool all_ours(struct plugin *plugin, const struct pollfd *entries, nfds_t count)
{
    for (nfds_t i = 0; i < count; i++) {
        if (entries[i].fd >= 0 && !plugin_owns(plugin, entries[i].fd))
            return false;
    }
    return true;
}

/* Each of the two sides sees the other's descriptors as none. */
static int look_at_both(struct plugin *plugin, struct pollfd *entries, struct pollfd *copies,
                        nfds_t count)
{
    int ready = 0;
    for (nfds_t i = 0; i < count; i++) {
        copies[i] = entries[i];
        copies[i].revents = 0;
        entries[i].revents = 0;
        if (entries[i].fd >= 0 && plugin_owns(plugin, entries[i].fd)) {
            (void)hf_socket_poll(plugin->sockets, &entries[i], 1, 0);
            copies[i].fd = -1;
        }
    }
    if (poll(copies, count, 0) < 0)
        return -errno;
    for (nfds_t i = 0; i < count; i++) {
        if (copies[i].fd >= 0)
            entries[i].revents = copies[i].revents;
        ready += entries[i].revents != 0;
    }
    return ready;
}

static int poll_both(struct plugin *plugin, struct pollfd *entries, nfds_t count, int timeout_ms)
{
    struct pollfd *copies = malloc(count * sizeof *copies);
    hf_time until = until_of(plugin, timeout_ms);
    int result = copies == NULL ? -ENOMEM : 0;
    while (result == 0) {
        result = look_at_both(plugin, entries, copies, count);
        if (result != 0 || plugin->now >= until)
            break;
        result = plugin_wait(plugin, until);
    }
    free(copies);
    return result;
}

static int call_poll(void *userdata, struct pollfd *entries, nfds_t count, int timeout_ms)
{
    struct plugin *plugin = userdata;
    struct plugin_thread *thread = plugin_enter(plugin);
    int result;
    plugin_judge_goes_on(plugin);
    if (count > MOST_ENTRIES)
        result = -EINVAL;
    else if (count > 0 && entries == NULL)
        result = -EFAULT;
    else if (!plugin_ready(plugin))
        result = -ENOMEM;
    else if (all_ours(plugin, entries, count))
        result = hf_socket_poll(plugin->sockets, entries, count, timeout_ms);
    else
        result = poll_both(plugin, entries, count, timeout_ms);
    return (int)plugin_end(plugin, thread, result);
}

/* ---- epoll */

static int call_epoll_create(void *userdata, int size)
{
    struct plugin *plugin = userdata;
    struct plugin_thread *thread = plugin_enter(plugin);
    int fd = -ENOMEM;
    plugin_judge_goes_on(plugin);
    if (size <= 0) {
        fd = -EINVAL;
    } else if (plugin_ready(plugin)) {
        plugin->kernel_epoll = true;
        fd = hf_socket_epoll_create1(plugin->sockets, 0);
        plugin->kernel_epoll = false;
    }
    return (int)plugin_end(plugin, thread, fd);
}

static int call_epoll_ctl(void *userdata, int epoll, int operation, int fd,
                          struct epoll_event *event)
{
    struct plugin *plugin = userdata;
    struct plugin_thread *thread = plugin_begin(plugin, epoll);
    int result;
    if (thread == NULL)
        return epoll_ctl(epoll, operation, fd, event);
    if (plugin_owns(plugin, fd)) {
        result = hf_socket_epoll_ctl(plugin->sockets, epoll, operation, fd, event);
    } else {
        result = epoll_ctl(epoll, operation, fd, event) == 0 ? 0 : -errno;
        if (result == 0 && operation == EPOLL_CTL_ADD)
            plugin->kernel_watches++;
    }
    return (int)plugin_end(plugin, thread, result);
}

static int wait_for_both(struct plugin *plugin, int epoll, struct epoll_event *events, int most,
                         int timeout_ms)
{
    hf_time until = until_of(plugin, timeout_ms);
    for (;;) {
        int ours = hf_socket_epoll_wait(plugin->sockets, epoll, events, most, 0);
        int theirs = 0, error;
        if (ours >= 0 && ours < most)
            theirs = epoll_wait(epoll, events + ours, most - ours, 0);
        if (ours < 0 || theirs < 0)
            return ours < 0 ? ours : -errno;
        if (ours + theirs > 0 || plugin->now >= until)
            return ours + theirs;
        error = plugin_wait(plugin, until);
        if (error != 0)
            return error;
    }
}

static int call_epoll_wait(void *userdata, int epoll, struct epoll_event *events, int most,
                           int timeout_ms)
{
    struct plugin *plugin = userdata;
    struct plugin_thread *thread = plugin_begin(plugin, epoll);
    int result;
    if (thread == NULL)
        return epoll_wait(epoll, events, most, timeout_ms);
    if (plugin->kernel_watches == 0 || events == NULL)
        result = hf_socket_epoll_wait(plugin->sockets, epoll, events, most, timeout_ms);
    else
        result = wait_for_both(plugin, epoll, events, most, timeout_ms);
    return (int)plugin_end(plugin, thread, result);
}

void plugin_fill_ready(struct packetdrill_interface *table)
{
    table->poll = call_poll;
    table->epoll_create = call_epoll_create;
    table->epoll_ctl = call_epoll_ctl;
    table->epoll_wait = call_epoll_wait;
}
