/* SPDX-License-Identifier: MIT
 *
 * Behind cores.h: what hf_cores holds, for its own two files.
 */
#ifndef CORES_STATE_H
#define CORES_STATE_H

#include "core_ring.h"

#include <handfast/cores.h>

/* On a cache line of its own: the flag is written by all. */
struct core_place {
    _Alignas(CORE_CACHE_LINE) atomic_bool sleeping;
    struct hf_stack *stack;
    _Alignas(CORE_CACHE_LINE) atomic_int wake; /* an eventfd of hf_cores_run's, or -1 */
};

struct hf_cores {
    struct hf_cores_config config;
    atomic_bool stopping;
    bool has_run;
    struct core_place places[HF_CORES_MAX];
    struct core_ring *rings; /* from one core to another: [from * count + to] */
};

static inline struct core_ring *core_ring_between(const struct hf_cores *cores, uint32_t from,
                                                  uint32_t to)
{
    return &cores->rings[from * cores->config.cores + to];
}

#endif
