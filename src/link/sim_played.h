/* SPDX-License-Identifier: MIT
 *
 * For the tests of the simulated link: two hosts played by the test. Each sends what its script
 * says when it says so, and writes down what arrives when. hf_stack_input, _output and
 * _next_deadline are theirs, and hf_assert_failed is cmocka's.
 */
#ifndef SIM_PLAYED_H
#define SIM_PLAYED_H

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <handfast/offload.h>
#include <handfast/sim.h>

#define MANY 100000u

struct arrival {
    hf_time time;
    uint32_t label;
    size_t length;
    uint64_t fingerprint;
};

/* Sends `count` packets, the i-th at start + i * interval, each of `length` bytes: its label in the
 * first four (or fewer), then a pattern. */
struct hf_stack {
    hf_time start, interval;
    uint32_t count, sent;
    size_t length;
    struct arrival *arrivals;
    uint32_t arrival_count, arrival_capacity;
    unsigned clock_errors, batches;
    hf_time last_now;
    int stuck;  /* claims for ever that something is due */
    int babble; /* answers every call with a packet */
};

/* What the trace said. */
struct told {
    uint32_t counts[HF_REASON_COUNT];
    uint64_t hash;
    struct hf_trace_event last;
    struct hf_trace_segment last_segment;
};

/* A run of a link from a, who sends, to b. */
struct run {
    struct hf_stack a, b;
    struct hf_sim_config config;
    struct hf_sim *sim;
    struct told told;
};

uint64_t fingerprint(const uint8_t *bytes, size_t length);
/* The packet that a played host sends with this label. */
void fill(uint8_t *packet, size_t length, uint32_t label);

/* a is to send `count` packets; edit config before the start. */
struct run *run_new(uint32_t count, size_t length, hf_time interval);
void run_start(struct run *run);
/* Starts it and runs it to its end, and checks that the statistics add up. */
void run_all(struct run *run);
void run_free(struct run *run);

/* |observed - n p| within five standard deviations of a binomial. */
void assert_binomial(uint64_t observed, uint64_t n, double p);

#endif
