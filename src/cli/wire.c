/* SPDX-License-Identifier: MIT
 *
 * `handfast wire' at work: one thread, two devices, two paths. It sleeps in ppoll until a packet
 * comes or the next one is due; the kernel's high-resolution timers wake it within tens of
 * microseconds. Where it may, it asks for real-time scheduling, so that busy hosts at both ends do
 * not make it late; how late packets left is part of the report.
 *
 * A TUN device stays in the namespace in which it was opened, whoever holds its descriptor. So the
 * command steps into each namespace in turn to open its device, and back.
 */
#define _GNU_SOURCE /* ppoll, setns */

#include "wire.h"

#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

/* Packets taken in at one look, so that those due meanwhile do not wait long. */
#define READ_MOST 16
/* What the kernel may hold for us: half a second of full packets at 100 Mbit/s. */
#define DEVICE_QUEUE_PACKETS 4096u

static volatile sig_atomic_t signal_end, signal_report;

static void on_signal(int number)
{
    if (number == SIGUSR1)
        signal_report = 1;
    else
        signal_end = number;
}

static hf_time clock_now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (hf_time)time.tv_sec * HF_SECOND + time.tv_nsec;
}

/* ---- Opening */

/* Goes into the namespace of an end; its own descriptor to come back, -1: no need, -2 after
 * complaining. */
static int enter(const struct wire_end *end, int *exit_code)
{
    int own, other, error;

    if (end->space[0] == '\0')
        return -1;
    own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    other = open(end->space, O_RDONLY | O_CLOEXEC);
    error = own < 0 || other < 0 || setns(other, CLONE_NEWNET) != 0 ? -errno : 0;
    if (other >= 0)
        close(other);
    if (error == 0)
        return own;
    *exit_code = fail(error, "entering the network namespace '%s'", end->space);
    if (own >= 0)
        close(own);
    return -2;
}

static int leave(int own)
{
    int error = 0;

    if (own < 0)
        return EXIT_CODE_OK;
    if (setns(own, CLONE_NEWNET) != 0)
        error = -errno;
    close(own);
    return error == 0 ? EXIT_CODE_OK : fail(error, "returning from a network namespace");
}

static int open_device(struct wire *wire, int at)
{
    const struct wire_end *end = &wire->options->ends[at];
    struct hf_tun_config config = {
        .name = end->device,
        .mtu = wire->options->device_mtu,
        .queue_packets = DEVICE_QUEUE_PACKETS,
        .kernel_addresses = end->addresses,
        .kernel_address_count = end->address_count,
    };
    char message[256];
    int code = EXIT_CODE_OK, error, own = enter(end, &code);

    if (own == -2)
        return code;
    wire->devices[at] = hf_tun_open(&config, message, sizeof message);
    error = errno;
    if (wire->devices[at] == NULL) {
        say("%s: %s", end->text, message);
        code = (int)exit_code_of(-error);
    }
    return leave(own) == EXIT_CODE_OK ? code : EXIT_CODE_FAILURE;
}

static int open_paths(struct wire *wire)
{
    for (uint64_t way = 0; way < 2; way++) {
        /* Two seeds, so that luck one way says nothing of luck the other way. */
        wire->paths[way] = hf_path_new(&wire->options->rules[way], wire->options->seed * 2 + way);
        if (wire->paths[way] == NULL)
            return fail(HF_ENOMEM, "wire");
    }
    hf_path_set_back(wire->paths[0], wire->paths[1]);
    hf_path_set_back(wire->paths[1], wire->paths[0]);
    return EXIT_CODE_OK;
}

static int open_all(struct wire *wire)
{
    const int ending[] = {SIGINT, SIGTERM, SIGUSR1};
    struct sigaction action = {.sa_handler = on_signal};
    struct sched_param priority = {.sched_priority = 2};
    int code = open_device(wire, 0);

    if (code == EXIT_CODE_OK)
        code = open_device(wire, 1);
    if (code == EXIT_CODE_OK)
        code = open_paths(wire);
    if (code != EXIT_CODE_OK)
        return code;
    /* Blocked but while ppoll waits: a signal never falls between the look and the sleep. */
    for (size_t i = 0; i < sizeof ending / sizeof ending[0]; i++) {
        sigset_t one;

        sigemptyset(&one);
        sigaddset(&one, ending[i]);
        sigprocmask(SIG_BLOCK, &one, NULL);
        sigaction(ending[i], &action, NULL);
    }
    /* Both only make it more exact: without the right to them it works all the same. */
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    (void)sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &priority);
    return EXIT_CODE_OK;
}

/* ---- Running */

static int take_in(struct wire *wire, int from)
{
    for (int i = 0; i < READ_MOST; i++) {
        ptrdiff_t length = hf_tun_read(wire->devices[from], wire->packet, sizeof wire->packet);

        if (length == HF_EAGAIN)
            return EXIT_CODE_OK;
        if (length < 0)
            return fail((int)length, "reading from %s", wire->options->ends[from].text);
        if (length > 0)
            hf_path_send(wire->paths[from], wire->packet, (size_t)length,
                         clock_now() - wire->start_ns);
    }
    return EXIT_CODE_OK;
}

/* Passes on what has arrived. */
static int hand_out(struct wire *wire, int from)
{
    int to = 1 - from;
    hf_time due, now, late;
    ptrdiff_t length;

    for (;;) {
        due = hf_path_next_time(wire->paths[from]);
        now = clock_now() - wire->start_ns;
        if (due > now)
            return EXIT_CODE_OK;
        length = hf_path_take(wire->paths[from], wire->packet, sizeof wire->packet, now);
        if (length <= 0)
            continue; /* a turn on the wire, no arrival */
        if (hf_tun_write(wire->devices[to], wire->packet, (size_t)length) != HF_OK)
            wire->refused[to]++;
        late = clock_now() - wire->start_ns - due;
        wire->passed[to]++;
        wire->late_total_ns[to] += late;
        wire->late_ns[to] = late > wire->late_ns[to] ? late : wire->late_ns[to];
    }
}

static int sleep_for(struct wire *wire, hf_time limit_ns)
{
    struct pollfd descriptors[2] = {
        {.fd = hf_tun_descriptor(wire->devices[0]), .events = POLLIN},
        {.fd = hf_tun_descriptor(wire->devices[1]), .events = POLLIN},
    };
    struct timespec time, *timeout = NULL;
    hf_time left = limit_ns - (clock_now() - wire->start_ns);
    sigset_t open_to_all;

    sigemptyset(&open_to_all);
    if (limit_ns != HF_TIME_NEVER) {
        left = left > 0 ? left : 0;
        time = (struct timespec){.tv_sec = (time_t)(left / HF_SECOND),
                                 .tv_nsec = (long)(left % HF_SECOND)};
        timeout = &time;
    }
    if (ppoll(descriptors, 2, timeout, &open_to_all) < 0 && errno != EINTR)
        return fail(-errno, "waiting for packets");
    return EXIT_CODE_OK;
}

static hf_time next_time(const struct wire *wire)
{
    hf_time next = wire->options->duration_ns > 0 ? wire->options->duration_ns : HF_TIME_NEVER;

    for (int way = 0; way < 2; way++) {
        hf_time time = hf_path_next_time(wire->paths[way]);
        next = time < next ? time : next;
    }
    return next;
}

static bool is_over(const struct wire *wire)
{
    return signal_end != 0 || (wire->options->duration_ns > 0 &&
                               clock_now() - wire->start_ns >= wire->options->duration_ns);
}

static int carry(struct wire *wire)
{
    int code = EXIT_CODE_OK;

    while (code == EXIT_CODE_OK && !is_over(wire)) {
        for (int way = 0; way < 2 && code == EXIT_CODE_OK; way++) {
            code = take_in(wire, way);
            if (code == EXIT_CODE_OK)
                code = hand_out(wire, way);
        }
        if (signal_report != 0) {
            signal_report = 0;
            wire_report_table(wire, clock_now(), stderr);
        }
        if (code == EXIT_CODE_OK)
            code = sleep_for(wire, next_time(wire));
    }
    return code;
}

/* Where the JSON goes, opened before anything is carried: a run of hours must not end with a file
 * that cannot be written. */
static int open_json(const char *path, FILE **file)
{
    *file = NULL;
    if (path == NULL)
        return EXIT_CODE_OK;
    *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
    return *file != NULL ? EXIT_CODE_OK : fail(-errno, "writing '%s'", path);
}

static int report(const struct wire *wire, FILE *json)
{
    int error;

    if (json != stdout)
        wire_report_table(wire, wire->end_ns, stdout);
    if (json != NULL)
        wire_report_json(wire, wire->end_ns, json);
    if (json == NULL || json == stdout)
        return EXIT_CODE_OK;
    error = fflush(json) == 0 && !ferror(json) ? 0 : errno;
    return error == 0 ? EXIT_CODE_OK : fail(-error, "writing '%s'", wire->options->json_path);
}

int wire_run(const struct wire_options *options)
{
    struct wire *wire = calloc(1, sizeof *wire);
    FILE *json = NULL;
    int code;

    if (wire == NULL)
        return fail(HF_ENOMEM, "wire");
    wire->options = options;
    code = open_json(options->json_path, &json);
    if (code == EXIT_CODE_OK)
        code = open_all(wire);
    if (code == EXIT_CODE_OK) {
        say("%s and %s are joined", options->ends[0].text, options->ends[1].text);
        wire->start_ns = clock_now();
        code = carry(wire);
        wire->end_ns = clock_now();
        if (report(wire, json) != EXIT_CODE_OK && code == EXIT_CODE_OK)
            code = EXIT_CODE_FILE;
    }
    if (json != NULL && json != stdout)
        (void)fclose(json);
    for (int i = 0; i < 2; i++) {
        hf_path_free(wire->paths[i]);
        hf_tun_close(wire->devices[i]);
    }
    free(wire);
    return code;
}
