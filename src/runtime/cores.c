/* SPDX-License-Identifier: MIT
 *
 * Stacks side by side, and the rings between them. Nothing here knows of threads: that each core's
 * calls come from one thread is the caller's promise, and the rings are all that two threads touch.
 *
 * One ring for each ordered pair of cores keeps each with one writer and one reader. Of n cores
 * that makes n * (n - 1), of which a core looks at n - 1 each time round; for the numbers of cores
 * there are, that is less than what a shared one would cost in contention.
 */
#define _GNU_SOURCE /* sched_getaffinity */

#include "cores_state.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INPUT_BATCH = 64, TAKE_BATCH = 64, TAKE_ROUNDS = 4, RING_BYTES = 1 << 20 };

struct hf_cores_config hf_cores_config_default(void)
{
    struct hf_cores_config config = {.stack = hf_config_default(), .ring_bytes = RING_BYTES};
    cpu_set_t allowed;
    int count = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;

    config.cores = (uint32_t)(count < HF_CORES_MAX ? count : HF_CORES_MAX);
    return config;
}

static uint32_t power_of_two_from(uint32_t value)
{
    uint32_t power = 1;

    while (power < value)
        power *= 2;
    return power;
}

static bool make_rings(struct hf_cores *cores)
{
    uint32_t count = cores->config.cores;
    size_t bytes = (size_t)count * count * sizeof *cores->rings;
    size_t size = power_of_two_from(cores->config.ring_bytes);

    cores->rings = aligned_alloc(CORE_CACHE_LINE, bytes);
    if (cores->rings == NULL)
        return false;
    memset(cores->rings, 0, bytes);
    for (uint32_t from = 0; from < count; from++) {
        for (uint32_t to = 0; to < count; to++) {
            if (from != to && !core_ring_init(core_ring_between(cores, from, to), size))
                return false;
        }
    }
    return true;
}

static bool make_stacks(struct hf_cores *cores)
{
    for (uint32_t core = 0; core < cores->config.cores; core++) {
        struct hf_config config = cores->config.stack;

        config.core = (uint8_t)core;
        config.cores = (uint8_t)cores->config.cores;
        cores->places[core].stack = hf_stack_new(&config);
        if (cores->places[core].stack == NULL)
            return false;
    }
    return true;
}

struct hf_cores *hf_cores_new(const struct hf_cores_config *config)
{
    struct hf_cores *cores;

    if (config->cores < 1 || config->cores > HF_CORES_MAX || config->busy_poll_ns < 0 ||
        config->ring_bytes < CORE_RING_BYTES_MIN || config->ring_bytes > CORE_RING_BYTES_MAX)
        return NULL;
    cores = aligned_alloc(CORE_CACHE_LINE, sizeof *cores);
    if (cores == NULL)
        return NULL;
    memset(cores, 0, sizeof *cores);
    cores->config = *config;
    atomic_init(&cores->stopping, false);
    for (uint32_t core = 0; core < HF_CORES_MAX; core++) {
        atomic_init(&cores->places[core].sleeping, false);
        atomic_init(&cores->places[core].wake, -1);
    }
    if (make_rings(cores) && make_stacks(cores))
        return cores;
    hf_cores_free(cores);
    return NULL;
}

uint32_t hf_cores_count(const struct hf_cores *cores)
{
    return cores->config.cores;
}

int hf_cores_add_address(struct hf_cores *cores, const struct hf_address *address)
{
    for (uint32_t core = 0; core < cores->config.cores; core++) {
        int error = hf_stack_add_address(cores->places[core].stack, address);

        if (error != HF_OK) {
            while (core-- > 0)
                hf_stack_remove_address(cores->places[core].stack, address, 0);
            return error;
        }
    }
    return HF_OK;
}

struct hf_stack *hf_cores_stack(struct hf_cores *cores, uint32_t core)
{
    return core < cores->config.cores ? cores->places[core].stack : NULL;
}

/* ---- packets */

/* Whoever takes the flag down is the one to wake it. */
static uint64_t publish(struct hf_cores *cores, uint32_t from, uint64_t touched)
{
    uint64_t asleep = 0;

    for (uint32_t to = 0; touched >> to != 0; to++) {
        atomic_bool *sleeping = &cores->places[to].sleeping;

        if (!(touched >> to & 1))
            continue;
        core_ring_publish(core_ring_between(cores, from, to));
        if (atomic_load(sleeping) && atomic_exchange(sleeping, false))
            asleep |= UINT64_C(1) << to;
        if (to == HF_CORES_MAX - 1)
            break;
    }
    return asleep;
}

uint64_t hf_cores_input(struct hf_cores *cores, uint32_t core, const struct hf_arriving *packets,
                        uint32_t count, hf_time now)
{
    struct hf_stack *stack = cores->places[core].stack;
    struct hf_arriving own[INPUT_BATCH];
    uint64_t touched = 0;
    uint32_t own_count = 0;

    if (cores->config.cores == 1) {
        hf_stack_input_batch(stack, packets, count, now);
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t owner = hf_stack_core_of(stack, packets[i].bytes, packets[i].length);

        if (owner != core) {
            if (core_ring_put(core_ring_between(cores, core, owner), &packets[i]))
                touched |= UINT64_C(1) << owner;
            continue;
        }
        own[own_count++] = packets[i];
        if (own_count == INPUT_BATCH) {
            hf_stack_input_batch(stack, own, own_count, now);
            own_count = 0;
        }
    }
    if (own_count > 0)
        hf_stack_input_batch(stack, own, own_count, now);
    return publish(cores, core, touched);
}

uint32_t hf_cores_take(struct hf_cores *cores, uint32_t core, hf_time now)
{
    struct hf_arriving packets[TAKE_BATCH];
    uint32_t taken = 0;

    for (uint32_t from = 0; from < cores->config.cores; from++) {
        struct core_ring *ring = core_ring_between(cores, from, core);
        uint32_t count = TAKE_BATCH;

        for (int round = 0; from != core && count == TAKE_BATCH && round < TAKE_ROUNDS; round++) {
            count = core_ring_look(ring, packets, TAKE_BATCH);
            if (count == 0)
                break;
            hf_stack_input_batch(cores->places[core].stack, packets, count, now);
            core_ring_release(ring);
            taken += count;
        }
    }
    return taken;
}

int hf_cores_sleep(struct hf_cores *cores, uint32_t core)
{
    atomic_store(&cores->places[core].sleeping, true);
    for (uint32_t from = 0; from < cores->config.cores; from++) {
        if (from != core && core_ring_has_any(core_ring_between(cores, from, core))) {
            hf_cores_wake(cores, core);
            return 0;
        }
    }
    return 1;
}

void hf_cores_wake(struct hf_cores *cores, uint32_t core)
{
    atomic_store_explicit(&cores->places[core].sleeping, false, memory_order_relaxed);
}

void hf_cores_counters(const struct hf_cores *cores, uint32_t core,
                       struct hf_cores_counters *counters)
{
    memset(counters, 0, sizeof *counters);
    for (uint32_t to = 0; to < cores->config.cores; to++) {
        const struct core_ring *ring = core_ring_between(cores, core, to);

        counters->passed += ring->packets;
        counters->passed_bytes += ring->packet_bytes;
        counters->dropped += ring->dropped;
    }
}

void hf_cores_free(struct hf_cores *cores)
{
    if (cores == NULL)
        return;
    for (uint32_t core = 0; core < cores->config.cores; core++) {
        int wake = atomic_load(&cores->places[core].wake);

        hf_stack_free(cores->places[core].stack);
        if (wake >= 0)
            close(wake);
    }
    for (uint32_t i = 0; cores->rings != NULL && i < cores->config.cores * cores->config.cores; i++)
        core_ring_deinit(&cores->rings[i]);
    free(cores->rings);
    free(cores);
}
