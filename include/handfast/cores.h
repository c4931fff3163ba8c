/* SPDX-License-Identifier: MIT
 *
 * One host on several cores: a stack for each, and no lock anywhere.
 *
 * Every flow belongs to one core, by a keyed hash of its endpoints. All stacks have the same
 * addresses and the same seed; a connection lives in one of them and nowhere else. Where a packet
 * arrives, anybody can tell whose it is (hf_stack_core_of); one that came to the wrong core goes to
 * the right one through a ring that these two share with nobody. Ports of active connections are
 * chosen so that the answers come home. A listener is opened on each core, and each accepts what is
 * its own.
 *
 * Whose is what: a stack and all that is reached through it (connections, listeners, events,
 * handles) belong to one thread, the core's own. A handle names its core, and means nothing to
 * another's stack (HF_EBADF). Limits of hf_config are each core's own: memory_bytes is what one
 * stack may hold. What is learnt of paths and peers (hf_metrics, path MTUs, Fast Open cookies of
 * other hosts) each core learns for itself; the cookies this host gives out are good on all of
 * them. What belongs to no flow, like an echo request, is answered by whoever receives it.
 *
 * With a loop of one's own (packets from anywhere, time passed in, threads or none):
 *
 *     struct hf_cores *cores = hf_cores_new(&config);
 *     ... then for core i, by one thread:
 *     woken = hf_cores_input(cores, i, packets, count, now);   what came to queue i
 *     hf_cores_take(cores, i, now);                            what others have passed on
 *     ... hf_stack_output_batch, hf_stack_next_event of hf_cores_stack(cores, i) as ever
 *
 * Or with the one that is here, over a TUN device with a queue for each core: hf_cores_run.
 */
#ifndef HANDFAST_CORES_H
#define HANDFAST_CORES_H

#include "offload.h"
#include "stack.h"
#include "tun.h"
#include "zero_copy.h"

#ifdef __cplusplus
extern "C" {
#endif

struct hf_cores;

struct hf_cores_config {
    struct hf_config stack; /* of each; `core` and `cores` are filled in. The allocator and the
                               trace sink are called by all threads, so must be made for that */
    uint32_t cores;         /* 1..HF_CORES_MAX */
    uint32_t ring_bytes;    /* from one core to another, 262,144 ..
                               2^30, rounded up to a power of two; 1 MiB. A packet that finds its
                               ring full is dropped and counted */
    /* Of hf_cores_run: how long a core looks for packets again and again before it sleeps. 0. */
    hf_time busy_poll_ns;
};
/* Hosted: malloc, a random seed, as many cores as this process may run on. */
HF_API struct hf_cores_config hf_cores_config_default(void);

/* NULL: a value is out of its range, or memory is refused. */
HF_API struct hf_cores *hf_cores_new(const struct hf_cores_config *config);
/* Once no thread uses them any more. NULL is allowed. */
HF_API void hf_cores_free(struct hf_cores *cores);
HF_API uint32_t hf_cores_count(const struct hf_cores *cores);
/* Before the threads are started, as hf_stack_add_address on each. */
HF_API int hf_cores_add_address(struct hf_cores *cores, const struct hf_address *address);
/* A core's stack, for its thread. */
HF_API struct hf_stack *hf_cores_stack(struct hf_cores *cores, uint32_t core);

/* Packets that arrived where this core listens: its own go to its stack as a batch, the others to
 * their rings. Returns the cores (1 << core) that were passed something and may sleep: see
 * hf_cores_sleep. By this core's thread. */
HF_API uint64_t hf_cores_input(struct hf_cores *cores, uint32_t core,
                               const struct hf_arriving *packets, uint32_t count, hf_time now);
/* What other cores have passed on to this one, into its stack: how many packets, 0: there are none.
 * At most a few hundred at once. By this core's thread. */
HF_API uint32_t hf_cores_take(struct hf_cores *cores, uint32_t core, hf_time now);
/* Before this core's thread sleeps. 1: it may, and whoever passes it something until hf_cores_wake
 * will find it among what hf_cores_input returns, once. 0: there is something, it must not. */
HF_API int hf_cores_sleep(struct hf_cores *cores, uint32_t core);
/* After it slept, or did not after all. */
HF_API void hf_cores_wake(struct hf_cores *cores, uint32_t core);

struct hf_cores_counters {
    uint64_t passed, passed_bytes; /* packets that arrived elsewhere and came by a ring */
    uint64_t dropped;              /* of these, that found their ring full */
};
/* Of what arrived at this core for others. By this core's thread. */
HF_API void hf_cores_counters(const struct hf_cores *cores, uint32_t core,
                              struct hf_cores_counters *counters);

/* Which core a packet belongs to, by its endpoints, or by those of the segment that it quotes;
 * what belongs to none, to the one that asks. 0 where there is one. It reads nothing that changes.
 */
HF_API uint32_t hf_stack_core_of(const struct hf_stack *stack, const void *packet, size_t length);
/* The core that a handle names, where there are several. */
HF_API uint32_t hf_handle_core(hf_handle handle);

/* ---- threads, hosted builds only */

/* One core, as its own thread sees it. */
struct hf_core {
    struct hf_cores *cores;
    uint32_t index;
    struct hf_stack *stack;
    void *context; /* hf_core_program's, then the program's to change */
};
HF_API hf_time hf_core_now(const struct hf_core *core);

/* What a program does on each core. All are called by the core's thread; they may use the core's
 * stack as they like, and output is drained after them. NULL: nothing. */
struct hf_core_program {
    int (*begin)(struct hf_core *core); /* opens listeners; other than HF_OK ends all cores */
    void (*event)(struct hf_core *core, const struct hf_event *event);
    void (*returned)(struct hf_core *core, const struct hf_returned *returned); /* hf_send_ref */
    void (*end)(struct hf_core *core); /* at the end; what is sent then still leaves */
    void *context;                     /* of all cores */
};

/* Runs a thread for each core, each pinned to a processor of its own if there are just as many,
 * until hf_cores_stop is called. `queues`: of one TUN device, one for each core (hf_tun_open with
 * multi_queue, then hf_tun_open_queue). HF_OK; what begin returned; HF_ENOMEM; or a negative errno
 * of the system. Once for each hf_cores_new. */
HF_API int hf_cores_run(struct hf_cores *cores, struct hf_tun *const *queues,
                        const struct hf_core_program *program);
/* Ends it, soon. By any thread; in a signal handler too. */
HF_API void hf_cores_stop(struct hf_cores *cores);

#ifdef __cplusplus
}
#endif

#endif
