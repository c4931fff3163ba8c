/* SPDX-License-Identifier: MIT
 *
 * The namespace, its device, its settings and the clock: see kernel_judge.h.
 */
#include "kernel_judge.h"

#include "drill_settings.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Where the runner's clock begins, and how often the device is looked at in between. */
#define CLOCK_START (1000 * HF_SECOND)

enum { COMMAND_BYTES = 8192 };

static struct {
    int device;
    hf_time begun; /* the machine's clock when the runner's stood at CLOCK_START */
    bool running;
    bool reno; /* the script wants another congestion control than Linux's usual one */
} judge = {.device = -1};

static hf_time machine_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (hf_time)now.tv_sec * HF_SECOND + now.tv_nsec;
}

hf_time kernel_time(void)
{
    return judge.running ? machine_time() - judge.begun + CLOCK_START : CLOCK_START;
}

void kernel_wait_until(hf_time now)
{
    struct pollfd look = {.fd = judge.device, .events = POLLIN};
    if (!judge.running) {
        judge.begun = machine_time() - (now - CLOCK_START);
        judge.running = true;
    }
    for (;;) {
        hf_time left = now - kernel_time();
        struct timespec wait = {left / HF_SECOND, left % HF_SECOND};
        if (left <= 0 || ppoll(&look, 1, &wait, NULL) != 0)
            return;
    }
}

int kernel_device(void)
{
    return judge.device;
}

/* Not in real time: a program that waits for a lock of the kernel's by asking again and again would
 * keep its holder from letting go. */
static bool shell(const char *command)
{
    const struct sched_param ordinary = {0};
    struct sched_param own = {0};
    int policy = sched_getscheduler(0), status;
    sched_getparam(0, &own);
    sched_setscheduler(0, SCHED_OTHER, &ordinary);
    /* NOLINTNEXTLINE(cert-env33-c): settings of the namespace, by the programs that make them. */
    status = system(command);
    if (policy >= 0)
        sched_setscheduler(0, policy, &own);
    return status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int open_device(void)
{
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    snprintf(request.ifr_name, sizeof request.ifr_name, "drill");
    if (device >= 0 && ioctl(device, TUNSETIFF, &request) != 0) {
        close(device);
        return -1;
    }
    return device;
}

bool kernel_enter(void)
{
    /* The addresses are those of drill_local_address and drill_remote_address. */
    static const char set_up[] =
        "ip link set lo up && sysctl -qw net.ipv6.conf.all.accept_dad=0 "
        "net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.drill.accept_dad=0 "
        "net.ipv6.conf.drill.router_solicitations=0 net.ipv6.conf.drill.addr_gen_mode=1 "
        "net.ipv4.conf.all.rp_filter=0 net.ipv4.tcp_congestion_control=reno && "
        "ip addr add 192.168.0.1/24 dev drill && "
        "ip -6 addr add fd3d:a0b:17d6::1/64 dev drill nodad && "
        "ip link set drill up mtu 1500 && ip route add default dev drill && "
        "ip -6 route add default dev drill";
    if (judge.device >= 0)
        return true;
    if (unshare(CLONE_NEWNET) != 0 || (judge.device = open_device()) < 0) {
        fprintf(stderr, "kernel_judge: no network namespace with a TUN device: %s\n",
                strerror(errno));
        return false;
    }
    return shell(set_up);
}

const char *kernel_congestion_control(void)
{
    return judge.reno ? "reno" : "cubic";
}

/* ---- the shell lines of a script, run for what they are */

/* Where the scripts' own helpers lie. */
static const char *helpers(void)
{
    const char *folder = getenv("KERNEL_JUDGE_HELPERS");
    return folder != NULL ? folder : ".";
}

/* The path before a helper's name is that of another tree. */
static bool with_paths(const char *text, char command[COMMAND_BYTES])
{
    static const char *const names[] = {"defaults.sh", "set_sysctls.py"};
    size_t length = 0;
    while (*text != '\0') {
        size_t word = strcspn(text, " \t\n;&|"), used = 0;
        for (size_t i = 0; i < sizeof names / sizeof names[0] && word > 0; i++) {
            size_t name = strlen(names[i]);
            if (word >= name && strncmp(text + word - name, names[i], name) == 0)
                used = (size_t)snprintf(command + length, COMMAND_BYTES - length, "%s/%s",
                                        helpers(), names[i]);
        }
        if (used == 0) {
            word = word > 0 ? word : 1;
            if (length + word >= COMMAND_BYTES)
                return false;
            memcpy(command + length, text, word);
            used = word;
        }
        length += used;
        text += word;
        if (length >= COMMAND_BYTES)
            return false;
    }
    command[length] = '\0';
    return true;
}

bool drill_shell_apply(const struct drill_shell *settings, const char *text, char message[256])
{
    char command[COMMAND_BYTES];
    if (!kernel_enter()) {
        snprintf(message, 256, "there is no namespace to run it in");
        return false;
    }
    /* The look ahead at lines among the events: here each has its time. */
    if (settings->unknown == DRILL_UNKNOWN_SKIP && strcmp(text, "defaults.sh") != 0)
        return true;
    if (strstr(text, "tcp_congestion_control") != NULL) {
        judge.reno = strstr(text, "reno") != NULL;
        return true;
    }
    if (strstr(text, "handfast.") != NULL || !with_paths(text, command) || !shell(command)) {
        snprintf(message, 256, "the kernel does not take '%.150s'", text);
        return false;
    }
    return true;
}
