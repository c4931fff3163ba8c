/* SPDX-License-Identifier: MIT
 *
 * A deterministic network in one process: hosts joined by a link that delays, loses, reorders,
 * duplicates and corrupts by one seed. Virtual time: a day passes in a moment.
 */
#ifndef HANDFAST_SIM_H
#define HANDFAST_SIM_H

#include "stack.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is done about a queue that grows long. All but drop-tail judge packets before the queue is
 * full. */
enum hf_sim_management {
    HF_SIM_DROP_TAIL, /* nothing: what comes when it is full is dropped */
    HF_SIM_CODEL,     /* RFC 8289 */
    HF_SIM_RED        /* Floyd and Jacobson 1993, gentle */
};

/* What one direction of a link does. Probabilities are in parts per million (0..1,000,000). */
struct hf_sim_direction {
    uint64_t rate_bits_per_second; /* 0: unlimited */
    hf_time delay_ns;              /* one way */
    hf_time jitter_ns;             /* uniform 0..jitter added; keeps the order unless reordered */
    hf_time batch_ns;              /* packets come in at multiples of this only, and what came since
                                      is taken in together (hf_stack_input_batch), as a network
                                      card does whose interrupts are moderated; 0: each at once */
    uint32_t queue_packets;        /* waiting for the rate; 0: unlimited */
    uint32_t queue_bytes;          /* the same in bytes; 0: unlimited */
    enum hf_sim_management management;
    bool mark;                 /* it sets CE on ECN-capable packets instead of dropping them */
    hf_time codel_target_ns;   /* 0: 5 ms */
    hf_time codel_interval_ns; /* 0: 100 ms; at most 1,000 s */
    uint64_t red_minimum_bytes, red_maximum_bytes; /* of the average queue; minimum < maximum */
    uint32_t red_maximum_ppm;    /* the chance at red_maximum_bytes; 1..1,000,000 */
    uint32_t mtu;                /* larger packets are dropped; 0: unlimited */
    bool too_big;                /* and the sender is told by ICMP, unless IPv4's DF is off */
    struct hf_address router[2]; /* who tells it over IPv4 and IPv6; another family: the
                                    packet's destination does */
    uint32_t loss_ppm;
    uint32_t burst_enter_ppm; /* Gilbert-Elliott: good -> bad, per packet; 0: off */
    uint32_t burst_leave_ppm; /* bad -> good */
    uint32_t burst_loss_ppm;  /* loss while bad */
    uint32_t duplicate_ppm;
    uint32_t reorder_ppm;
    hf_time reorder_ns;       /* a reordered packet is held back this much; 0: delay_ns / 2 */
    uint32_t corrupt_ppm;     /* one random bit is flipped */
    const uint32_t *lose_nth; /* numbers of packets to lose, from 1, ascending; borrowed */
    size_t lose_nth_count;
    /* Nonzero loses the packet. `number` counts from 1 in this direction. NULL: unused. */
    int (*lose)(void *context, const uint8_t *packet, size_t length, uint64_t number, hf_time now);
    void *lose_context;
};

struct hf_sim_config {
    uint64_t seed;
    struct hf_sim_direction forward;  /* a -> b */
    struct hf_sim_direction backward; /* b -> a */
    struct hf_trace_sink trace;       /* HF_TRACE_LINK events */
    hf_time start;                    /* the clock's first reading; default 0 */
    const char *host_name[2];         /* of a and b, for traces; borrowed; "a", "b"; NULL is "" */
    uint32_t host_id[2];              /* of a and b, for traces; 0, 1 */
};
/* No loss, 10 ms each way, unlimited rate. */
HF_API struct hf_sim_config hf_sim_config_default(void);

struct hf_sim;
/* The stacks stay the caller's and must outlive the simulation. NULL: out of memory or a value
 * out of range. */
HF_API struct hf_sim *hf_sim_new(const struct hf_sim_config *config, struct hf_stack *a,
                                 struct hf_stack *b);
HF_API void hf_sim_free(struct hf_sim *sim);
HF_API hf_time hf_sim_now(const struct hf_sim *sim);
/* Moves what both stacks have to send at this moment onto the link. Call after user calls; _step
 * and _run do it by themselves. */
HF_API void hf_sim_flush(struct hf_sim *sim);
/* Goes on to the next thing that happens (a delivery or a timer), but not past `until`: 1, or 0
 * when nothing happens up to and at `until` (the clock then reads `until`, unless that is
 * HF_TIME_NEVER). */
HF_API int hf_sim_step(struct hf_sim *sim, hf_time until);
/* Steps until nothing is left to happen or the clock reads `until`. Returns the steps taken. */
HF_API uint64_t hf_sim_run(struct hf_sim *sim, hf_time until);
/* Changes what a direction does from now on (0: a -> b, 1: b -> a). Packets under way stay. */
HF_API int hf_sim_set_direction(struct hf_sim *sim, int direction,
                                const struct hf_sim_direction *rules);
/* Puts a copy of a packet onto the link, to arrive at host `to` (0: a, 1: b) at `when`: an old
 * duplicate, a forgery. Loss rules do not apply. */
HF_API int hf_sim_inject(struct hf_sim *sim, int to, const void *packet, size_t length,
                         hf_time when);
/* Takes over for a restarted host: packets under way now reach `stack` instead. NULL: the host is
 * down, and what reaches it counts as lost. */
HF_API void hf_sim_replace(struct hf_sim *sim, int host, struct hf_stack *stack);

struct hf_sim_statistics {
    uint64_t sent, delivered, lost, queue_drops, mtu_drops, duplicated, reordered, corrupted;
    uint64_t bytes_delivered;
    uint32_t in_flight;
    uint64_t aqm_drops; /* by the queue's management */
    uint64_t marked;    /* with CE */
    uint64_t too_big;   /* ICMP messages that told of mtu_drops */
    uint64_t turns;     /* packets that took the wire, if it has a rate */
    hf_time queue_ns;   /* what those have waited for it, together; and the longest */
    hf_time queue_ns_max;
};
HF_API struct hf_sim_statistics hf_sim_statistics(const struct hf_sim *sim, int direction);

#ifdef __cplusplus
}
#endif

#endif
