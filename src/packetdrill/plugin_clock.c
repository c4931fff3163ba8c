/* SPDX-License-Identifier: MIT
 *
 * The clock that packetdrill reads. It stands still but for what is asked of it: one microsecond
 * for each look, so that a loop that looks until a time comes gets there, and what usleep says.
 */
#include "plugin.h"

#include <errno.h>

/* A stack that wakes for nothing again and again within one call ends here. */
#define MOST_STEPS UINT64_C(2000000)

hf_time plugin_next(const struct plugin *plugin)
{
    hf_time next = plugin->stack != NULL ? hf_stack_next_deadline(plugin->stack) : HF_TIME_NEVER;
    for (const struct plugin_thread *thread = plugin->threads; thread != NULL;
         thread = thread->next) {
        if (thread->asleep && thread->until < next)
            next = thread->until;
    }
    return next > plugin->now ? next : plugin->now + 1; /* what was due is done */
}

void plugin_step(struct plugin *plugin, hf_time limit)
{
    hf_time next = plugin_next(plugin);
    if (next > limit) {
        plugin->now = limit > plugin->now ? limit : plugin->now;
        return;
    }
    plugin->now = next;
    plugin->news = true;
    plugin_drain(plugin);
    plugin_settle(plugin);
}

void plugin_advance(struct plugin *plugin, hf_time time)
{
    uint64_t steps = 0;
    while (plugin->now < time) {
        if (++steps > MOST_STEPS) {
            plugin_problem(plugin, "the stack wakes again and again without end");
            plugin->now = time;
        }
        plugin_step(plugin, time);
    }
}

static void clock_unlock(struct plugin *plugin, struct plugin_thread *thread)
{
    thread->blocked = false;
    pthread_mutex_unlock(&plugin->lock);
}

int plugin_usleep(void *userdata, useconds_t microseconds)
{
    struct plugin *plugin = userdata;
    struct plugin_thread *thread = plugin_enter(plugin);
    thread->stamped = false;
    plugin_advance(plugin, plugin->now + (hf_time)microseconds * HF_MICROSECOND);
    clock_unlock(plugin, thread);
    return 0;
}

/* The end of a blocked call is when it ended, not when its thread came to ask. */
static hf_time look(struct plugin *plugin, struct plugin_thread *thread)
{
    if (thread->stamped) {
        thread->stamped = false;
        return thread->stamp;
    }
    plugin_advance(plugin, (plugin->now / HF_MICROSECOND + 1) * HF_MICROSECOND);
    return plugin->now;
}

int plugin_gettimeofday(void *userdata, struct timeval *time, struct timezone *zone)
{
    struct plugin *plugin = userdata;
    struct plugin_thread *thread;
    hf_time now;
    (void)zone; /* obsolete in the C library, too */
    if (time == NULL) {
        errno = EFAULT;
        return -1;
    }
    thread = plugin_enter(plugin);
    now = look(plugin, thread);
    time->tv_sec = now / HF_SECOND;
    time->tv_usec = now % HF_SECOND / HF_MICROSECOND;
    clock_unlock(plugin, thread);
    return 0;
}
