/* SPDX-License-Identifier: MIT
 *
 * Whose turn it is: see plugin.h.
 */
#include "plugin.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

/* A blocked call of which nobody takes notice lets as much time pass as packetdrill waits, in real
 * time, for one that is under way. */
#define IDLE_TIME HF_SECOND
#define IDLE_PAUSE_NS 1000000L

static struct plugin_thread *thread_self(struct plugin *plugin)
{
    struct plugin_thread **link = &plugin->threads;
    pthread_t self = pthread_self();
    while (*link != NULL) {
        if (pthread_equal((*link)->id, self))
            return *link;
        link = &(*link)->next;
    }
    *link = calloc(1, sizeof **link);
    if (*link == NULL) {
        plugin_say("out of memory");
        abort();
    }
    (*link)->id = self;
    pthread_cond_init(&(*link)->wake, NULL);
    return *link;
}

struct plugin_thread *plugin_enter(struct plugin *plugin)
{
    struct plugin_thread *thread;
    pthread_mutex_lock(&plugin->lock);
    while (plugin->settling)
        pthread_cond_wait(&plugin->settled, &plugin->lock);
    thread = thread_self(plugin);
    thread->entered = plugin->now;
    plugin->activity++;
    return thread;
}

/* Gives a turn back that was handed out. */
static void turn_back(struct plugin *plugin, struct plugin_thread *thread)
{
    if (thread->turn) {
        thread->turn = false;
        pthread_cond_broadcast(&plugin->settled);
    }
}

void plugin_leave(struct plugin *plugin, struct plugin_thread *thread)
{
    plugin_drain(plugin);
    if (thread->blocked) {
        thread->blocked = false;
        thread->stamped = true;
        thread->stamp = plugin->now;
    }
    plugin->news = true;
    if (thread->turn) /* the one who handed it out goes on, and settles the rest */
        turn_back(plugin, thread);
    else
        plugin_settle(plugin);
    pthread_mutex_unlock(&plugin->lock);
}

void plugin_settle(struct plugin *plugin)
{
    struct plugin_thread *self = thread_self(plugin);
    if (plugin->settling)
        return;
    plugin->settling = true;
    while (plugin->news) {
        plugin->news = false;
        for (struct plugin_thread *thread = plugin->threads; thread != NULL;
             thread = thread->next) {
            if (thread == self || !thread->asleep)
                continue;
            thread->turn = true;
            pthread_cond_signal(&thread->wake);
            while (thread->turn)
                pthread_cond_wait(&plugin->settled, &plugin->lock);
            if (!thread->asleep)
                plugin->news = true; /* what it did may be what another waits for */
        }
        plugin_drain(plugin);
    }
    plugin->settling = false;
    pthread_cond_broadcast(&plugin->settled);
}

/* ---- waiting */

hf_time plugin_now(void *context)
{
    return ((struct plugin *)context)->now;
}

/* The thread that plays the script waits: nobody else moves time, so this does. */
static int pass_time(struct plugin *plugin, const struct plugin_thread *thread, hf_time until)
{
    hf_time next = plugin_next(plugin), most = thread->entered + plugin->flags.patience;
    if (next > until)
        next = until;
    if (next > most) {
        plugin_problem(plugin, "a call of the script blocks, and nothing can end it");
        return -EDEADLK;
    }
    plugin_step(plugin, next);
    return 0;
}

/* Nobody has called for a while of real time, because packetdrill is waiting for this very call:
 * time passes, as it would for the kernel. */
static bool idle(struct plugin *plugin)
{
    if (plugin->idle_activity != plugin->activity) {
        plugin->idle_activity = plugin->activity;
        plugin->idle_until = plugin->now + IDLE_TIME;
    }
    return plugin->now < plugin->idle_until;
}

static void deadline_in(struct timespec *deadline, long ns)
{
    const long second = 1000000000L;
    clock_gettime(CLOCK_REALTIME, deadline);
    deadline->tv_sec += ns / second;
    deadline->tv_nsec += ns % second;
    if (deadline->tv_nsec >= second) {
        deadline->tv_sec++;
        deadline->tv_nsec -= second;
    }
}

static int sleep_idle(struct plugin *plugin, struct plugin_thread *thread, hf_time until)
{
    uint64_t activity = plugin->activity;
    bool at_once = plugin->idle_activity == activity;
    struct timespec deadline;
    hf_time next;
    deadline_in(&deadline, at_once ? IDLE_PAUSE_NS : (long)plugin->flags.idle_ms * 1000000L);
    while (!thread->turn && !plugin->over) {
        int error = pthread_cond_timedwait(&thread->wake, &plugin->lock, &deadline);
        if (error != ETIMEDOUT || thread->turn || plugin->settling)
            continue;
        if (plugin->activity != activity || !idle(plugin)) {
            activity = plugin->activity;
            deadline_in(&deadline, (long)plugin->flags.idle_ms * 1000000L);
            continue;
        }
        thread->asleep = false;
        next = plugin_next(plugin);
        next = next < until ? next : until;
        plugin_step(plugin, next < plugin->idle_until ? next : plugin->idle_until);
        return 0;
    }
    thread->asleep = false;
    return plugin->over ? -EINTR : 0;
}

int plugin_wait(void *context, hf_time until)
{
    struct plugin *plugin = context;
    struct plugin_thread *thread = thread_self(plugin);
    plugin_drain(plugin);
    if (plugin->over)
        return -EINTR;
    if (until <= plugin->now)
        return 0;
    if (thread == plugin->main)
        return pass_time(plugin, thread, until);
    thread->blocked = true;
    thread->asleep = true;
    thread->until = until;
    turn_back(plugin, thread);
    if (plugin->flags.idle_ms != 0)
        return sleep_idle(plugin, thread, until);
    while (!thread->turn && !plugin->over)
        pthread_cond_wait(&thread->wake, &plugin->lock);
    thread->asleep = false;
    return plugin->over ? -EINTR : 0;
}
