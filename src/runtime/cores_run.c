/* SPDX-License-Identifier: MIT
 *
 * Theory of operation.
 *
 * A thread for each core, with a queue of the TUN device, a stack and a loop that shares nothing
 * with the others but the rings. Each time round: packets in, from the queue and from the rings, in
 * batches; events to the program; packets out. When nothing was done it sleeps, until the queue has
 * something, the stack's next deadline, or another core rings its bell: an eventfd that is only
 * written when the one who passes a packet on finds that this core sleeps (hf_cores_sleep).
 *
 * The kernel spreads flows over the queues by a hash of its own, which is not ours, so the first
 * packet of a flow may come to any core. But it keeps to the queue that a flow's packets were last
 * written to: with the owner's first answer the flow has found its way.
 *
 * Work is bounded each time round, and one core's flood is no other's.
 */
#define _GNU_SOURCE /* pthread_attr_setaffinity_np, ppoll */

#include "cores_state.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
    READ_PACKETS = 16,       /* at once: they still are in the nearest cache when looked at */
    READ_ROUNDS = 4,         /* and so often each time round */
    READ_BYTES = 5 * 65536,  /* room for them; a super-segment needs a fifth of it */
    WRITE_PACKETS = 16,      /* taken from the stack at once */
    WRITE_ROUNDS = 16,       /* and so often each time round */
    EVENTS = 4096,           /* each time round */
    LAST_ROUNDS = 1000,      /* at the end, for what is still to be sent */
    SLEEP_MILLISECONDS = 10, /* then, for a device that is full */
};

struct runner {
    struct hf_core core;
    const struct hf_core_program *program;
    struct hf_tun *queue;
    pthread_t thread;
    bool started;
    int error;
    hf_time busy_since;
    /* What leaves, and of it packets[held_first..held_end) that the device could not take yet. */
    struct hf_packet packets[WRITE_PACKETS];
    int held_first, held_end;
    uint8_t *in, *out;
};

static hf_time read_clock(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (hf_time)time.tv_sec * HF_SECOND + time.tv_nsec;
}

hf_time hf_core_now(const struct hf_core *core)
{
    (void)core; /* one clock for all: what one core stamps another may read */
    return read_clock();
}

static void ring_bell(const struct hf_cores *cores, uint32_t core)
{
    uint64_t one = 1;
    int wake = atomic_load(&cores->places[core].wake);

    /* Full, it rings already. */
    if (wake >= 0 && write(wake, &one, sizeof one) < 0)
        return;
}

void hf_cores_stop(struct hf_cores *cores)
{
    int before = errno; /* in a signal handler it is somebody's */

    atomic_store(&cores->stopping, true);
    for (uint32_t core = 0; core < cores->config.cores; core++)
        ring_bell(cores, core);
    errno = before;
}

/* ---- in */

/* Returns how many packets came, or what is wrong with the device. */
static int read_queue(struct runner *runner)
{
    struct hf_arriving packets[READ_PACKETS];
    int count = hf_tun_read_batch(runner->queue, runner->in, READ_BYTES, packets, READ_PACKETS);
    uint64_t asleep;

    if (count <= 0)
        return count == HF_EAGAIN ? 0 : count;
    asleep = hf_cores_input(runner->core.cores, runner->core.index, packets, (uint32_t)count,
                            read_clock());
    for (uint32_t core = 0; asleep != 0; core++, asleep >>= 1) {
        if (asleep & 1)
            ring_bell(runner->core.cores, core);
    }
    return count;
}

static int take_packets(struct runner *runner)
{
    int count = 0;

    for (int round = 0; round < READ_ROUNDS; round++) {
        int more = read_queue(runner);

        if (more < 0)
            return more;
        count += more;
        if (more < READ_PACKETS)
            break;
    }
    return count + (int)hf_cores_take(runner->core.cores, runner->core.index, read_clock());
}

/* ---- out */

static bool is_holding(const struct runner *runner)
{
    return runner->held_first < runner->held_end;
}

/* A packet that the device will never take is as good as lost on the way. */
static void write_held(struct runner *runner)
{
    while (is_holding(runner)) {
        int result = hf_tun_write_packet(runner->queue, &runner->packets[runner->held_first]);

        if (result == HF_EAGAIN || result == -EINTR)
            return;
        runner->held_first++;
    }
}

/* True: something left. */
static bool write_packets(struct runner *runner)
{
    uint32_t flags = hf_tun_offloads(runner->queue) & HF_TUN_GIVES_ANY
                         ? HF_OUTPUT_SUPER | HF_OUTPUT_PARTIAL | HF_OUTPUT_PIECES
                         : 0;
    hf_time now = read_clock();
    bool some = is_holding(runner);

    write_held(runner);
    for (int round = 0; round < WRITE_ROUNDS && !is_holding(runner); round++) {
        int made =
            hf_stack_output_batch(runner->core.stack, runner->packets, WRITE_PACKETS, flags, now);

        if (made <= 0)
            return some;
        some = true;
        runner->held_first = 0;
        runner->held_end = made;
        write_held(runner);
        for (int i = runner->held_first; i < runner->held_end; i++)
            (void)hf_packet_keep(&runner->packets[i]);
    }
    return some;
}

/* ---- the loop */

static bool tell_program(struct runner *runner)
{
    const struct hf_core_program *program = runner->program;
    struct hf_returned returned;
    struct hf_event event;
    int count = 0;

    while (count < EVENTS && hf_stack_next_event(runner->core.stack, &event)) {
        if (program->event != NULL)
            program->event(&runner->core, &event);
        count++;
    }
    while (hf_next_returned(runner->core.stack, &returned)) {
        if (program->returned != NULL)
            program->returned(&runner->core, &returned);
        count++;
    }
    return count > 0;
}

/* Until something comes, or it is time. With a full device only its room is waited for. */
static int sleep_until(struct runner *runner, hf_time deadline)
{
    struct hf_cores *cores = runner->core.cores;
    int wake = atomic_load(&cores->places[runner->core.index].wake);
    struct pollfd watched[] = {
        {hf_tun_descriptor(runner->queue), (short)(POLLIN | (is_holding(runner) ? POLLOUT : 0)), 0},
        {wake, POLLIN, 0},
    };
    hf_time wait = deadline == HF_TIME_NEVER ? HF_SECOND : deadline - read_clock();
    struct timespec time;
    uint64_t bells;
    int result;

    if (wait <= 0 && !is_holding(runner))
        return HF_OK;
    wait = wait <= 0 || wait > HF_SECOND ? HF_SECOND : wait;
    time = (struct timespec){.tv_sec = wait / HF_SECOND, .tv_nsec = (long)(wait % HF_SECOND)};
    if (!hf_cores_sleep(cores, runner->core.index))
        return HF_OK;
    result = atomic_load(&cores->stopping) ? 0 : ppoll(watched, 2, &time, NULL);
    hf_cores_wake(cores, runner->core.index);
    if (result < 0 && errno != EINTR)
        return -errno;
    if (result > 0 && (watched[1].revents & POLLIN) && read(wake, &bells, sizeof bells) < 0)
        return errno == EAGAIN || errno == EINTR ? HF_OK : -errno;
    return HF_OK;
}

static int run_once(struct runner *runner)
{
    int count = take_packets(runner);
    bool busy = tell_program(runner);

    if (count < 0)
        return count;
    busy |= write_packets(runner) && !is_holding(runner);
    if (busy || count > 0) {
        runner->busy_since = read_clock();
        return HF_OK;
    }
    if (runner->core.cores->config.busy_poll_ns > 0 &&
        read_clock() < runner->busy_since + runner->core.cores->config.busy_poll_ns)
        return HF_OK;
    return sleep_until(runner, hf_stack_next_deadline(runner->core.stack));
}

/* What the program's last calls have left to be sent still leaves. */
static void finish(struct runner *runner)
{
    struct pollfd device = {hf_tun_descriptor(runner->queue), POLLOUT, 0};

    if (runner->program->end != NULL)
        runner->program->end(&runner->core);
    for (int round = 0; round < LAST_ROUNDS; round++) {
        if (!write_packets(runner))
            return;
        if (is_holding(runner) && poll(&device, 1, SLEEP_MILLISECONDS) < 0)
            return;
    }
}

static void *run_core(void *argument)
{
    struct runner *runner = argument;
    const struct hf_core_program *program = runner->program;

    runner->error = program->begin != NULL ? program->begin(&runner->core) : HF_OK;
    while (runner->error == HF_OK && !atomic_load(&runner->core.cores->stopping))
        runner->error = run_once(runner);
    finish(runner);
    if (runner->error != HF_OK)
        hf_cores_stop(runner->core.cores);
    return NULL;
}

/* ---- beginning and end */

static bool prepare(struct runner *runner, struct hf_cores *cores, uint32_t core,
                    struct hf_tun *queue, const struct hf_core_program *program)
{
    runner->core = (struct hf_core){.cores = cores,
                                    .index = core,
                                    .stack = cores->places[core].stack,
                                    .context = program->context};
    runner->program = program;
    runner->queue = queue;
    runner->in = malloc(READ_BYTES);
    runner->out = malloc((size_t)WRITE_PACKETS * HF_PACKET_BYTES);
    if (runner->in == NULL || runner->out == NULL)
        return false;
    for (size_t i = 0; i < WRITE_PACKETS; i++) {
        runner->packets[i].bytes = runner->out + i * HF_PACKET_BYTES;
        runner->packets[i].capacity = HF_PACKET_BYTES;
    }
    return true;
}

/* The core's own processor, if there are as many cores as processors that this process may use:
 * with more processors than that, which of them are free is for the scheduler to know. A thread
 * that may not be pinned runs all the same. */
static void pin(pthread_t thread, uint32_t core, uint32_t cores)
{
    cpu_set_t allowed;
    cpu_set_t one;

    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0 ||
        (uint32_t)CPU_COUNT(&allowed) != cores)
        return;
    CPU_ZERO(&one);
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &allowed) && core-- == 0) {
            CPU_SET(cpu, &one);
            break;
        }
    }
    (void)pthread_setaffinity_np(thread, sizeof one, &one);
}

/* Signals are the business of the thread that called hf_cores_run. */
static int start_threads(struct runner *runners, uint32_t count)
{
    sigset_t all;
    sigset_t before;
    int error = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (uint32_t core = 0; core < count && error == 0; core++) {
        error = pthread_create(&runners[core].thread, NULL, run_core, &runners[core]);
        runners[core].started = error == 0;
        if (error == 0)
            pin(runners[core].thread, core, count);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -error;
}

static int make_bells(struct hf_cores *cores)
{
    for (uint32_t core = 0; core < cores->config.cores; core++) {
        int wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

        if (wake < 0)
            return -errno;
        atomic_store(&cores->places[core].wake, wake);
    }
    return HF_OK;
}

/* The first core's error counts. */
static int join_threads(struct runner *runners, uint32_t count)
{
    int error = HF_OK;

    for (uint32_t core = 0; core < count; core++) {
        if (!runners[core].started)
            continue;
        pthread_join(runners[core].thread, NULL);
        if (error == HF_OK)
            error = runners[core].error;
    }
    return error;
}

int hf_cores_run(struct hf_cores *cores, struct hf_tun *const *queues,
                 const struct hf_core_program *program)
{
    uint32_t count = cores->config.cores;
    struct runner *runners;
    bool prepared = true;
    int error;
    int first;

    if (cores->has_run)
        return HF_EINVAL;
    cores->has_run = true;
    runners = calloc(count, sizeof *runners);
    for (uint32_t core = 0; runners != NULL && core < count; core++)
        prepared &= prepare(&runners[core], cores, core, queues[core], program);
    error = runners != NULL && prepared ? make_bells(cores) : HF_ENOMEM;
    if (error == HF_OK)
        error = start_threads(runners, count);
    if (error != HF_OK)
        hf_cores_stop(cores);
    first = runners != NULL ? join_threads(runners, count) : HF_OK;
    for (uint32_t core = 0; runners != NULL && core < count; core++) {
        free(runners[core].in);
        free(runners[core].out);
    }
    free(runners);
    return error != HF_OK ? error : first;
}
