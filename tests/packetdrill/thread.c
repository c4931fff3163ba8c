/* SPDX-License-Identifier: MIT
 *
 * The second thread, which makes the calls that may block. The first waits until it sees it sleep
 * in /proc/self/task/TID/stat, as packetdrill does, and not for anything that the plug-in says.
 */
#include "driver.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t handed = PTHREAD_COND_INITIALIZER, taken = PTHREAD_COND_INITIALIZER;
static struct job *current;
static enum { IDLE, ENQUEUED, RUNNING } state;
static pid_t thread_id;

static void *work(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&lock);
    thread_id = (pid_t)syscall(SYS_gettid);
    for (;;) {
        struct job *job;
        while (state != ENQUEUED)
            pthread_cond_wait(&handed, &lock);
        job = current;
        state = RUNNING;
        pthread_cond_signal(&taken);
        pthread_mutex_unlock(&lock);
        at(job->begin_us); /* this thread waits for the time of its call by itself */
        job->result = job->call(job->argument);
        job->error = errno;
        job->end_us = now_us(); /* the first look at the clock after it */
        pthread_mutex_lock(&lock);
        state = IDLE;
        pthread_cond_signal(&taken);
    }
    return NULL;
}

static bool is_idle(void)
{
    bool idle;
    pthread_mutex_lock(&lock);
    idle = state == IDLE;
    pthread_mutex_unlock(&lock);
    return idle;
}

static bool is_asleep(void)
{
    char path[64], text[256];
    const char *end;
    ssize_t length;
    int fd;
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)thread_id);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    length = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    CHECK(length > 0);
    close(fd);
    text[length > 0 ? length : 0] = '\0';
    end = strrchr(text, ')');
    return end != NULL && end[1] == ' ' && end[2] == 'S';
}

bool start(struct job *job)
{
    static bool begun;
    pthread_t thread;
    if (!begun) {
        begun = true;
        SAME(pthread_create(&thread, NULL, work, NULL), 0);
    }
    pthread_mutex_lock(&lock);
    CHECK(state == IDLE);
    current = job;
    state = ENQUEUED;
    pthread_cond_signal(&handed);
    while (state == ENQUEUED)
        pthread_cond_wait(&taken, &lock);
    pthread_mutex_unlock(&lock);
    while (!is_idle()) {
        sched_yield();
        if (is_asleep())
            return !is_idle();
    }
    return false;
}

void finish(struct job *job)
{
    pthread_mutex_lock(&lock);
    while (state != IDLE)
        pthread_cond_wait(&taken, &lock);
    CHECK(current == job);
    pthread_mutex_unlock(&lock);
}
