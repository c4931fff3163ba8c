/* SPDX-License-Identifier: MIT
 *
 * How a host of several cores scales:  scale [--cores N] [--rounds N] [--seconds N]
 *
 * Two hosts in one process, both of as many cores; thread i has core i of either. What a core sends
 * arrives at the other host's core of the same number, which keeps it or passes it on (cores.h):
 *
 *     home    both hosts hash alike, so every packet arrives where it belongs, as over queues that
 *             have learnt their flows
 *     astray  they hash differently, so that of two packets one crosses over, both ways: as bad as
 *             it gets
 *
 * bulk: each core's client keeps some connections busy with data, MTU 1500, checksums made and
 * verified, copied in and out. connections: opened, a byte each way, closed with FIN, TIME-WAIT
 * kept.
 *
 * One core and several are measured in turn, so that a machine that slows down slows both; of the
 * rounds the medians are compared. The second ratio is by the threads' own CPU time, times the
 * cores: what it would be if nobody else used the machine. Threads poll and never sleep, so it
 * means most where they always have work: at home. Astray, each step of an exchange waits for two
 * threads to run, so on a machine that is busy otherwise it says more about that.
 */
#define _POSIX_C_SOURCE 200809L

#include <handfast/cores.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PORT = 9, MTU = 1500, BATCH = 64, BUSY = 4, OPEN = 512, WRITE_BYTES = 16384 };
enum { ROUNDS_MOST = 100, CORES_MOST = 16 };

enum load { BULK, CONNECTIONS };

struct world {
    struct hf_cores *client, *server;
    enum load load;
    atomic_bool going;
    pthread_barrier_t ready;
};

/* One thread. */
struct worker {
    struct world *world;
    uint32_t core;
    hf_time now;
    struct hf_stack *client, *server;
    uint64_t done; /* bytes received, or connections finished */
    int failed;
    double cpu_seconds;
    pthread_t thread;
    uint8_t space[BATCH][MTU];
};

static hf_time read_clock_of(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return (hf_time)time.tv_sec * HF_SECOND + time.tv_nsec;
}

static hf_time read_clock(void)
{
    return read_clock_of(CLOCK_MONOTONIC);
}

/* ---- the way */

static bool carry(struct worker *worker, struct hf_stack *from, struct hf_cores *to)
{
    struct hf_packet packets[BATCH];
    struct hf_arriving arriving[BATCH];
    bool some = false;
    int made;

    for (int i = 0; i < BATCH; i++) {
        packets[i].bytes = worker->space[i];
        packets[i].capacity = MTU;
    }
    while ((made = hf_stack_output_batch(from, packets, BATCH, 0, worker->now)) > 0) {
        for (int i = 0; i < made; i++)
            arriving[i] =
                (struct hf_arriving){.bytes = packets[i].bytes, .length = packets[i].length};
        (void)hf_cores_input(to, worker->core, arriving, (uint32_t)made, worker->now);
        some = true;
        if (made < BATCH)
            break;
    }
    return some;
}

/* ---- programs */

static int open_call(struct worker *worker)
{
    struct hf_endpoint remote = {hf_address_ipv4(10, 0, 0, 2), PORT};
    hf_handle handle;

    return hf_connect(worker->client, NULL, &remote, worker->now, &handle);
}

static void write_all(struct worker *worker, hf_handle handle)
{
    static const uint8_t bytes[WRITE_BYTES];

    while (hf_send(worker->client, handle, bytes, sizeof bytes, 0, worker->now) > 0)
        ;
}

static void read_all(struct worker *worker, hf_handle handle)
{
    static _Thread_local uint8_t bytes[65536];
    ptrdiff_t length;

    while ((length = hf_recv(worker->server, handle, bytes, sizeof bytes, 0, worker->now)) > 0)
        worker->done += (uint64_t)length;
}

static void client_event(struct worker *worker, const struct hf_event *event)
{
    char byte;
    bool over = event->type == HF_EVENT_ERROR || event->type == HF_EVENT_CLOSED;

    if (event->type == HF_EVENT_ERROR)
        worker->failed++;
    if (worker->world->load == BULK) {
        if (!over)
            write_all(worker, event->handle);
        return;
    }
    if (event->type == HF_EVENT_CONNECTED)
        (void)hf_send(worker->client, event->handle, "?", 1, 0, worker->now);
    if (over || hf_recv(worker->client, event->handle, &byte, 1, 0, worker->now) == 1) {
        worker->done += !over;
        if (hf_close(worker->client, event->handle, worker->now) == HF_OK)
            worker->failed += open_call(worker) != HF_OK;
    }
}

static void server_event(struct worker *worker, const struct hf_event *event)
{
    hf_handle handle;
    char byte;
    ptrdiff_t length;

    if (event->type == HF_EVENT_ACCEPTABLE) {
        while (hf_accept(worker->server, event->handle, &handle, NULL) == HF_OK) {
            const struct hf_event first = {.type = HF_EVENT_READABLE, .handle = handle};
            server_event(worker, &first);
        }
    } else if (worker->world->load == BULK) {
        read_all(worker, event->handle);
    } else {
        while ((length = hf_recv(worker->server, event->handle, &byte, 1, 0, worker->now)) > 0)
            (void)hf_send(worker->server, event->handle, "!", 1, 0, worker->now);
        if (length == 0 || event->type == HF_EVENT_ERROR)
            (void)hf_close(worker->server, event->handle, worker->now);
    }
}

static void turn(struct worker *worker)
{
    struct world *world = worker->world;
    struct hf_event event;
    bool busy;

    worker->now = read_clock();
    busy = hf_cores_take(world->server, worker->core, worker->now) > 0;
    busy |= hf_cores_take(world->client, worker->core, worker->now) > 0;
    while (hf_stack_next_event(worker->server, &event))
        server_event(worker, &event);
    while (hf_stack_next_event(worker->client, &event))
        client_event(worker, &event);
    busy |= carry(worker, worker->client, world->server);
    busy |= carry(worker, worker->server, world->client);
    /* Whoever waits for another core lets it run, should it have to wait for this one's processor.
     */
    if (!busy)
        sched_yield();
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct hf_endpoint local = {hf_address_ipv4(10, 0, 0, 2), PORT};
    hf_handle listener;
    int calls = worker->world->load == BULK ? BUSY : OPEN;

    worker->now = read_clock();
    worker->failed += hf_listen(worker->server, &local, 1024, &listener) != HF_OK;
    pthread_barrier_wait(&worker->world->ready);
    for (int i = 0; i < calls; i++)
        worker->failed += open_call(worker) != HF_OK;
    while (atomic_load_explicit(&worker->world->going, memory_order_relaxed))
        turn(worker);
    worker->cpu_seconds = (double)read_clock_of(CLOCK_THREAD_CPUTIME_ID) / 1e9;
    return NULL;
}

/* ---- a measurement */

static struct hf_cores *make_host(uint32_t cores, uint8_t seed, uint8_t last)
{
    struct hf_cores_config config = hf_cores_config_default();
    struct hf_address address = hf_address_ipv4(10, 0, 0, last);
    struct hf_cores *host;

    memset(config.stack.seed, seed, sizeof config.stack.seed);
    config.cores = cores;
    config.ring_bytes = 4 << 20;
    /* What is on its way stays in a core's own cache: this is no measure of memory. */
    config.stack.send_buffer_max_bytes = 65536;
    config.stack.receive_buffer_max_bytes = 131072;
    config.stack.port_low = 1024;
    config.stack.max_time_wait = 65536;
    config.stack.msl_ns = HF_SECOND / 4;
    host = hf_cores_new(&config);
    if (host == NULL || hf_cores_add_address(host, &address) != HF_OK) {
        fprintf(stderr, "scale: no memory for a host of %u cores\n", cores);
        exit(1);
    }
    return host;
}

static void start(struct world *world, struct worker *workers, uint32_t cores)
{
    for (uint32_t core = 0; core < cores; core++) {
        workers[core].world = world;
        workers[core].core = core;
        workers[core].client = hf_cores_stack(world->client, core);
        workers[core].server = hf_cores_stack(world->server, core);
        if (pthread_create(&workers[core].thread, NULL, work, &workers[core]) != 0) {
            fprintf(stderr, "scale: cannot start a thread\n");
            exit(1);
        }
    }
}

/* What was done in a second, and in a second of CPU by as many cores. */
struct rate {
    double wall, cpu;
};

static struct rate measure(enum load load, bool astray, uint32_t cores, double seconds)
{
    struct world world = {.load = load};
    struct worker *workers = calloc(cores, sizeof *workers);
    struct timespec pause = {.tv_sec = (time_t)seconds,
                             .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    uint64_t done = 0;
    int failed = 0;
    hf_time began;
    double took, cpu_seconds = 0;

    if (workers == NULL)
        exit(1);
    world.client = make_host(cores, 1, 1);
    world.server = make_host(cores, astray ? 2 : 1, 2);
    atomic_init(&world.going, true);
    pthread_barrier_init(&world.ready, NULL, cores);
    began = read_clock();
    start(&world, workers, cores);
    nanosleep(&pause, NULL);
    atomic_store(&world.going, false);
    for (uint32_t core = 0; core < cores; core++) {
        pthread_join(workers[core].thread, NULL);
        done += workers[core].done;
        failed += workers[core].failed;
        cpu_seconds += workers[core].cpu_seconds;
    }
    took = (double)(read_clock() - began) / 1e9;
    pthread_barrier_destroy(&world.ready);
    hf_cores_free(world.client);
    hf_cores_free(world.server);
    free(workers);
    if (failed > 0)
        fprintf(stderr, "scale: %d calls failed\n", failed);
    return (struct rate){(double)done / took, (double)done / cpu_seconds * cores};
}

static int compare(const void *one, const void *other)
{
    double a = *(const double *)one, b = *(const double *)other;

    return (a > b) - (a < b);
}

static void measure_pair(enum load load, bool astray, uint32_t cores, int rounds, double seconds)
{
    double singles[ROUNDS_MOST] = {0}, severals[ROUNDS_MOST] = {0}, ratios[ROUNDS_MOST] = {0};
    double by_cpu[ROUNDS_MOST] = {0};
    double scale = load == BULK ? 8e-9 : 1e-3;

    (void)measure(load, astray, cores, seconds / 4); /* to warm up */
    for (int round = 0; round < rounds; round++) {
        struct rate single = measure(load, astray, 1, seconds);
        struct rate several = measure(load, astray, cores, seconds);
        singles[round] = single.wall;
        severals[round] = several.wall;
        ratios[round] = several.wall / single.wall;
        by_cpu[round] = several.cpu / single.cpu;
    }
    qsort(singles, (size_t)rounds, sizeof *singles, compare);
    qsort(severals, (size_t)rounds, sizeof *severals, compare);
    qsort(ratios, (size_t)rounds, sizeof *ratios, compare);
    qsort(by_cpu, (size_t)rounds, sizeof *by_cpu, compare);
    printf("%-12s %-7s %8.2f %8.2f %-10s %5.2f (%.2f..%.2f) %5.2f (%.2f..%.2f)\n",
           load == BULK ? "bulk" : "connections", astray ? "astray" : "home",
           singles[rounds / 2] * scale, severals[rounds / 2] * scale,
           load == BULK ? "Gbit/s" : "thousand/s", ratios[rounds / 2], ratios[0],
           ratios[rounds - 1], by_cpu[rounds / 2], by_cpu[0], by_cpu[rounds - 1]);
    fflush(stdout);
}

static double option(int argc, char **argv, const char *name, double value)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], name) == 0)
            value = strtod(argv[i + 1], NULL);
    }
    return value;
}

int main(int argc, char **argv)
{
    double cores = option(argc, argv, "--cores", 2), rounds = option(argc, argv, "--rounds", 5);
    double seconds = option(argc, argv, "--seconds", 1);

    if (argc % 2 == 0 || cores < 1 || cores > CORES_MOST || rounds < 1 || rounds > ROUNDS_MOST ||
        seconds < 0.01 || seconds > 60) {
        fprintf(stderr, "usage: scale [--cores 1..%d] [--rounds 1..%d] [--seconds 0.01..60]\n",
                (int)CORES_MOST, (int)ROUNDS_MOST);
        return 2;
    }
    printf("%-12s %-7s %8s %8s %-10s %-18s %s\n", "load", "", "1 core",
           cores == 2 ? "2 cores" : "several", "", "ratio", "by CPU time");
    for (int load = BULK; load <= CONNECTIONS; load++) {
        for (int astray = 0; astray <= 1; astray++)
            measure_pair((enum load)load, astray != 0, (uint32_t)cores, (int)rounds, seconds);
    }
    return 0;
}
