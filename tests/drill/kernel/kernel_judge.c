/* SPDX-License-Identifier: MIT
 *
 * kernel_judge [--jobs N] [--verbose] PATH...: plays scripts on the kernel. Exit status: 0 all
 * passed, 1 some failed, 2 some not understood, 77 not root or no TUN device.
 */
#include "kernel_judge.h"

#include "drill_play.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SKIPPED = 77, MOST_SETTINGS = 8, USUAL_JOBS = 4 };

int main(int count, char **words)
{
    const char *settings[MOST_SETTINGS] = {"tolerance_usecs=25000", "tolerance_percent=12.5"};
    struct drill_plan plan = {.settings = settings, .setting_count = 2, .jobs = USUAL_JOBS};
    const struct sched_param first = {.sched_priority = 1};
    int at = 1;
    for (; at < count && strncmp(words[at], "--", 2) == 0; at++) {
        if (strcmp(words[at], "--jobs") == 0 && at + 1 < count)
            plan.jobs = (unsigned)strtoul(words[++at], NULL, 10);
        else if (plan.setting_count < MOST_SETTINGS)
            settings[plan.setting_count++] = words[at] + 2;
    }
    if (geteuid() != 0 || access("/dev/net/tun", R_OK | W_OK) != 0) {
        fprintf(stderr, "kernel_judge: skipped: this needs root and /dev/net/tun\n");
        return SKIPPED;
    }
    /* It sleeps nearly all the time, and what it measures is when the kernel sends. */
    sched_setscheduler(0, SCHED_FIFO, &first);
    signal(SIGPIPE, SIG_IGN);
    plan.paths = (const char *const *)words + at;
    plan.path_count = (size_t)(count - at);
    plan.out = stdout;
    plan.err = stderr;
    return drill_play(&plan);
}
