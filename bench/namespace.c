/* SPDX-License-Identifier: MIT
 *
 * unshare(2) for the namespace, iproute2's ip for what is in it.
 */
#define _GNU_SOURCE /* unshare, pipe2 */

#include "namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static bool read_whole(int descriptor, void *bytes, size_t size)
{
    size_t got = 0;
    while (got < size) {
        ssize_t length = read(descriptor, (char *)bytes + got, size - got);
        if (length <= 0) {
            return false;
        }
        got += (size_t)length;
    }
    return true;
}

static bool write_whole(int descriptor, const void *bytes, size_t size)
{
    size_t put = 0;
    while (put < size) {
        ssize_t length = write(descriptor, (const char *)bytes + put, size - put);
        if (length <= 0) {
            return false;
        }
        put += (size_t)length;
    }
    return true;
}

static bool loopback_up(void)
{
    static const char *const words[] = {"ip", "link", "set", "lo", "up", NULL};
    return namespace_command(words);
}

bool namespace_run(namespace_work *work, void *context, void *result, size_t size, unsigned seconds)
{
    int ends[2];
    pid_t child;
    bool fine;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(seconds);
        fine = unshare(CLONE_NEWNET) == 0 && loopback_up() && work(context, result, size) &&
               write_whole(ends[1], result, size);
        _exit(fine ? 0 : 1);
    }
    close(ends[1]);
    fine = child > 0 && read_whole(ends[0], result, size);
    close(ends[0]);
    if (child > 0) {
        namespace_stop(child);
    }
    return fine;
}

pid_t namespace_start(const char *program, const char *const words[])
{
    pid_t child = fork();
    if (child == 0) {
        int nothing = open("/dev/null", O_RDWR);
        char *copies[32] = {NULL};
        for (size_t i = 0; i + 1 < sizeof copies / sizeof copies[0] && words[i] != NULL; i++) {
            copies[i] = strdup(words[i]);
        }
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(nothing, STDIN_FILENO);
        dup2(nothing, STDOUT_FILENO);
        dup2(nothing, STDERR_FILENO);
        execvp(program, copies);
        _exit(127);
    }
    return child;
}

bool namespace_command(const char *const words[])
{
    int status = -1;
    pid_t child = namespace_start(words[0], words);
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

void namespace_stop(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

/* ---- two of them */

static bool join(pid_t far)
{
    char number[16];
    const char *const add[] = {"ip",   "link", "add", "near",  "type", "veth",
                               "peer", "name", "far", "netns", number, NULL};
    const char *const address[] = {"ip", "addr", "add", "10.67.0.1/24", "dev", "near", NULL};
    const char *const up[] = {"ip", "link", "set", "near", "up", NULL};
    snprintf(number, sizeof number, "%ld", (long)far);
    return namespace_command(add) && namespace_command(address) && namespace_command(up);
}

static bool far_up(void)
{
    static const char *const address[] = {"ip", "addr", "add", "10.67.0.2/24", "dev", "far", NULL};
    static const char *const up[] = {"ip", "link", "set", "far", "up", NULL};
    return loopback_up() && namespace_command(address) && namespace_command(up);
}

pid_t namespace_far(void (*work)(void *context), void *context)
{
    int to_far[2];
    int to_near[2];
    char byte = 'x';
    pid_t child;
    if (pipe2(to_far, O_CLOEXEC) != 0 || pipe2(to_near, O_CLOEXEC) != 0) {
        return -1;
    }
    child = fork();
    if (child == 0) {
        /* It is there; it has its end; it is ready. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (unshare(CLONE_NEWNET) == 0 && write_whole(to_near[1], &byte, 1) &&
            read_whole(to_far[0], &byte, 1) && far_up() && write_whole(to_near[1], &byte, 1)) {
            close(to_near[1]);
            work(context);
        }
        _exit(0);
    }
    close(to_near[1]);
    close(to_far[0]);
    if (child > 0 && !(read_whole(to_near[0], &byte, 1) && join(child) &&
                       write_whole(to_far[1], &byte, 1) && read_whole(to_near[0], &byte, 1))) {
        namespace_stop(child);
        child = -1;
    }
    close(to_near[0]);
    close(to_far[1]);
    return child;
}
