/* SPDX-License-Identifier: MIT
 *
 * Random early detection (Floyd and Jacobson 1993, with the "gentle" slope that Floyd added in
 * 2000): the longer the average queue, the likelier a packet is marked or dropped on arrival.
 */
#ifndef RED_H
#define RED_H

#include <handfast/types.h>
#include <stdbool.h>
#include <stdint.h>

#define RED_WEIGHT_SHIFT 9 /* w_q = 1/512: the paper's 0.002 */

/* All zero, but for the first three, is the start. */
struct red {
    uint64_t minimum_bytes, maximum_bytes; /* the thresholds of the average; minimum < maximum */
    uint32_t maximum_ppm;                  /* max_p: the chance at the maximum threshold */
    uint64_t average;                      /* bytes, times 2^RED_WEIGHT_SHIFT */
    uint32_t since_last;                   /* arrivals since the last one that was condemned */
};

/* A packet arrives at a queue of `queue_bytes` that, if empty, has been so for the time in which
 * `idle_packets` could have left. `luck_ppm`: uniform from 0 to 999,999. True: mark or drop it. */
bool red_condemns(struct red *red, uint64_t queue_bytes, uint64_t idle_packets, uint32_t luck_ppm);

#endif
