/* SPDX-License-Identifier: MIT
 *
 * What core 1 of the one host sends arrives at core 1 of the other. Whose a flow is depends on the
 * seed and its endpoints alone: with one seed for both nothing is to be passed on, though every
 * packet is looked at for that; with two, each core may have to pass on to any, and the streams
 * that end at a core are none to all of them. So what is received is counted together. Otherwise as
 * in bulk.c.
 */
#define _GNU_SOURCE /* pthread_setaffinity_np */

#include "cores_bulk.h"

#include "measure.h"

#include <handfast/handfast.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { PACKETS_A_TURN = 44, MTU = 1500, WRITE_BYTES = PACKETS_A_TURN * 1448 };

struct cores_pair {
    struct hf_cores *sender, *receiver;
    pthread_barrier_t ready;
    uint64_t bytes; /* of all streams */
    atomic_uint_fast64_t received;
};

struct cores_thread {
    struct cores_pair *pair;
    uint32_t core;
    double worked;
    struct hf_packet leaving[2];
    struct hf_arriving arriving[PACKETS_A_TURN];
    uint8_t packets[PACKETS_A_TURN][MTU];
    uint8_t buffer[WRITE_BYTES];
    uint8_t bytes[2 * HF_PACKET_BYTES];
};

static void carry(struct cores_thread *thread, struct hf_cores *from, struct hf_cores *to,
                  hf_time now)
{
    uint32_t count = 0;
    int made = hf_stack_output_batch(hf_cores_stack(from, thread->core), thread->leaving, 2,
                                     HF_OUTPUT_SUPER | HF_OUTPUT_PARTIAL | HF_OUTPUT_PIECES, now);
    for (int i = 0; i < made; i++) {
        struct hf_split split;
        ptrdiff_t length;
        hf_split_begin(&split, &thread->leaving[i]);
        while ((length = hf_split_next(&split, thread->packets[count], MTU)) > 0) {
            thread->arriving[count].bytes = thread->packets[count];
            thread->arriving[count++].length = (size_t)length;
            if (count == PACKETS_A_TURN) {
                hf_cores_input(to, thread->core, thread->arriving, count, now);
                count = 0;
            }
        }
    }
    hf_cores_input(to, thread->core, thread->arriving, count, now);
    hf_cores_take(to, thread->core, now);
}

static void drain_events(struct hf_stack *stack)
{
    struct hf_event event;
    while (hf_stack_next_event(stack, &event)) {
    }
}

static void read_all(struct cores_thread *thread, hf_handle sink, hf_time now)
{
    struct cores_pair *pair = thread->pair;
    struct hf_stack *receiver = hf_cores_stack(pair->receiver, thread->core);
    ptrdiff_t length;
    while ((length = hf_recv(receiver, sink, thread->buffer, sizeof thread->buffer, 0, now)) > 0) {
        atomic_fetch_add_explicit(&pair->received, (uint64_t)length, memory_order_relaxed);
    }
}

static void stream(struct cores_thread *thread, hf_handle source, hf_handle listener)
{
    struct cores_pair *pair = thread->pair;
    struct hf_stack *sender = hf_cores_stack(pair->sender, thread->core);
    struct hf_stack *receiver = hf_cores_stack(pair->receiver, thread->core);
    hf_handle sinks[HF_CORES_MAX];
    uint32_t count = 0;
    for (hf_time now = 2 * HF_SECOND;
         atomic_load_explicit(&pair->received, memory_order_relaxed) < pair->bytes;
         now += HF_MICROSECOND) {
        hf_send(sender, source, thread->buffer, sizeof thread->buffer, 0, now);
        carry(thread, pair->sender, pair->receiver, now);
        carry(thread, pair->receiver, pair->sender, now);
        drain_events(sender);
        drain_events(receiver);
        if (hf_accept(receiver, listener, &sinks[count], NULL) == HF_OK) {
            count++;
        }
        for (uint32_t i = 0; i < count; i++) {
            read_all(thread, sinks[i], now);
        }
    }
}

static void *run_thread(void *context)
{
    struct cores_thread *thread = context;
    struct cores_pair *pair = thread->pair;
    struct hf_endpoint to = {hf_address_ipv4(10, 0, 0, 2), 80};
    hf_handle listener;
    hf_handle source;
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET(thread->core, &own);
    pthread_setaffinity_np(pthread_self(), sizeof own, &own);
    for (int i = 0; i < 2; i++) {
        thread->leaving[i].bytes = thread->bytes + i * HF_PACKET_BYTES;
        thread->leaving[i].capacity = HF_PACKET_BYTES;
    }
    if (hf_listen(hf_cores_stack(pair->receiver, thread->core), &to, HF_CORES_MAX, &listener) !=
            HF_OK ||
        hf_connect(hf_cores_stack(pair->sender, thread->core), NULL, &to, HF_SECOND, &source) !=
            HF_OK) {
        measure_fail("cannot open a connection on a core");
    }
    pthread_barrier_wait(&pair->ready);
    thread->worked = -measure_seconds();
    stream(thread, source, listener);
    thread->worked += measure_seconds();
    return NULL;
}

static struct hf_cores *host(uint32_t cores, uint8_t last, uint8_t seed)
{
    struct hf_cores_config config = hf_cores_config_default();
    struct hf_address address = hf_address_ipv4(10, 0, 0, last);
    struct hf_cores *host;
    memset(config.stack.seed, seed, sizeof config.stack.seed);
    config.cores = cores;
    host = hf_cores_new(&config);
    if (host == NULL || hf_cores_add_address(host, &address) != HF_OK) {
        measure_fail("cannot make a host of several cores");
    }
    return host;
}

static uint64_t passed_by(const struct cores_pair *pair, uint32_t cores)
{
    uint64_t passed = 0;
    for (uint32_t i = 0; i < cores; i++) {
        struct hf_cores_counters counters;
        hf_cores_counters(pair->sender, i, &counters);
        passed += counters.passed;
        hf_cores_counters(pair->receiver, i, &counters);
        passed += counters.passed;
    }
    return passed;
}

struct cores_bulk_result cores_bulk_run(uint32_t cores, uint64_t bytes, bool astray)
{
    struct cores_pair pair = {host(cores, 1, 7), host(cores, 2, astray ? 8 : 7),
                              .bytes = bytes * cores};
    struct cores_bulk_result result = {0};
    struct cores_thread *threads = calloc(cores, sizeof *threads);
    pthread_t handles[HF_CORES_MAX];
    uint64_t start;
    if (threads == NULL || pthread_barrier_init(&pair.ready, NULL, cores + 1) != 0) {
        measure_fail("no memory for the threads");
    }
    for (uint32_t i = 0; i < cores; i++) {
        threads[i].pair = &pair;
        threads[i].core = i;
        if (pthread_create(&handles[i], NULL, run_thread, &threads[i]) != 0) {
            measure_fail("cannot start a thread");
        }
    }
    start = measure_wall_ns();
    pthread_barrier_wait(&pair.ready);
    for (uint32_t i = 0; i < cores; i++) {
        pthread_join(handles[i], NULL);
        result.worked += threads[i].worked;
    }
    result.seconds = (double)(measure_wall_ns() - start) / 1e9;
    result.passed = passed_by(&pair, cores);
    pthread_barrier_destroy(&pair.ready);
    hf_cores_free(pair.sender);
    hf_cores_free(pair.receiver);
    free(threads);
    return result;
}
