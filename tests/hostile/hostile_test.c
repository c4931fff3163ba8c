/* SPDX-License-Identifier: MIT
 *
 * A peer that knows every number and means harm.
 *
 *     hostile_test sequences COUNT SEED    so many connections, each attacked some dozens of times
 *     hostile_test costs SEGMENTS STEPS    what a packet of each family costs, under callgrind;
 *         [NAME [CONFIGURATION]]           of those alone whose name has this in it; in another
 * shape
 *
 * A sequence is a connection of its own, opened, brought to a flight of up to tens of thousands of
 * segments, and attacked by one family of packets or by several mixed. Text is checked on its way
 * out and in; no assertion may fail; and when the connection has been aborted nothing of it may be
 * left: no connection or record, no timer, no port, and no more memory than was held before (what
 * the first sequences, the largest among them, made the host keep at hand is the measure).
 *
 * costs prints, for each family, how many packets went in and came out while callgrind counted:
 * tests/hostile/cost puts the two together.
 */
#include "counted_heap.h"
#include "hostile.h"
#include "stack_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_CALLGRIND
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_START_INSTRUMENTATION ((void)0)
#define CALLGRIND_STOP_INSTRUMENTATION ((void)0)
#define CALLGRIND_DUMP_STATS_AT(name) ((void)(name))
#endif

enum { WARM_UP = 400, MOST_STEPS = 40, LARGEST = 30000, RECEIVER_LARGEST = 4000 };
enum { CONFIGURATIONS = 16 };

static uint64_t balance_bytes;

static uint32_t families_in(const struct family *families)
{
    uint32_t count = 0;
    while (families[count].name != NULL) {
        count++;
    }
    return count;
}

/* ---- sequences */

/* Mostly a few dozen segments in flight, sometimes thousands, now and then tens of thousands. */
static uint32_t any_flight(struct hostile *w, uint64_t number, bool receiver)
{
    uint32_t most = receiver ? RECEIVER_LARGEST : LARGEST;
    uint32_t kind = below(w, 1000);
    if (number < 2 || number % 5000 < 2) {
        return most;
    }
    if (kind < 5) {
        return 1000 + below(w, 3000);
    }
    if (kind < 15) {
        return 1 + below(w, 3);
    }
    return kind < 200 ? 100 + below(w, 900) : 4 + below(w, 96);
}

static unsigned any_flags(struct hostile *w)
{
    static const unsigned kinds[] = {
        0, 0, 0, HOSTILE_NO_SACK, HOSTILE_NO_STAMPS, HOSTILE_ECN, HOSTILE_ACCURATE};
    return kinds[below(w, sizeof kinds / sizeof kinds[0])] | (below(w, 4) == 0 ? HOSTILE_IPV6 : 0) |
           (below(w, 20) == 0 ? HOSTILE_SMALL : 0);
}

static void sequence(struct hostile *w, uint64_t number)
{
    bool receiver = number % 3 == 1;
    const struct family *families = receiver ? receiver_families : sender_families;
    uint32_t count = families_in(families);
    const struct family *family = &families[below(w, count)];
    bool mixed = below(w, 2) == 0;
    uint32_t steps = 1 + below(w, MOST_STEPS);
    uint32_t flight = any_flight(w, number, receiver);
    /* Half of them as usual. */
    hostile_configure(w, &configurations[below(w, 2) * below(w, CONFIGURATIONS)]);
    hostile_open(w, family->flags | any_flags(w) | (receiver ? HOSTILE_RECEIVER : 0), flight);
    /* What a family prepares takes a packet for each thing held: not every time. */
    if (family->begin != NULL && below(w, 50) == 0) {
        family->begin(w);
    }
    for (uint32_t i = 0; i < steps; i++) {
        if (mixed) {
            family = &families[below(w, count)];
        }
        family->step(w, mixed ? below(w, MOST_STEPS) : i);
    }
    hostile_close(w);
}

/* Without the blocks that are kept at hand for the next one to come. */
static uint64_t held(const struct hostile *w)
{
    return w->stack->memory.used_bytes;
}

static void sequences(uint64_t count, uint64_t seed)
{
    struct hostile *w = malloc(sizeof *w);
    uint64_t most = 0;
    uint64_t packets = 0;
    struct hf_counters counters;
    struct hf_allocator counted = counted_heap(&balance_bytes);
    if (w == NULL) {
        exit(1);
    }
    hostile_start(w, seed, &counted);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t after;
        sequence(w, i);
        after = held(w);
        if (i >= WARM_UP && after > most) {
            hostile_fail(w, "sequence %" PRIu64 " left %" PRIu64 " bytes more than was ever held",
                         i, after - most);
        }
        most = i < WARM_UP && after > most ? after : most;
    }
    hf_stack_counters(w->stack, &counters);
    packets = counters.packets_received;
    printf("%" PRIu64 " sequences, %" PRIu64 " packets in, %" PRIu64 " out, %" PRIu64
           " sent again, %" PRIu64 " timeouts, %" PRIu64 " renegings, %" PRIu64
           " challenge ACKs; memory at most %" PRIu64 " bytes, %" PRIu64 " between them\n",
           count, packets, counters.packets_sent, counters.segments_retransmitted,
           counters.retransmit_timeouts, counters.sack_renegings, counters.challenge_acks_sent,
           counters.memory_peak_bytes, most);
    hostile_stop(w);
    free(w);
    if (balance_bytes != 0) {
        fprintf(stderr, "hostile: %" PRIu64 " bytes were never given back\n", balance_bytes);
        exit(1);
    }
}

/* ---- costs */

/* Until what a flight has to send again has left, where it is paced, too; no timeout is so near. */
#define SETTLING (30 * HF_MILLISECOND)

/* A family that may take few steps only undoes a whole flight with each. What that takes was paid
 * for by the transmissions of the flight, and comes back as others, which a host that paces sends
 * when they are due: so both are counted with it, a flight before and what leaves after. */
static void cost(struct hostile *w, const struct family *family, unsigned flags, uint32_t flight,
                 uint32_t steps)
{
    uint32_t most =
        family->most_steps != 0 && family->most_steps < steps ? family->most_steps : steps;
    hostile_open(w, family->flags | flags, flight);
    if (family->begin != NULL) {
        family->begin(w);
    }
    w->in = w->out = w->repeats = 0;
    w->counting = true;
    CALLGRIND_START_INSTRUMENTATION;
    if (family->most_steps != 0) {
        hostile_honest(w, 1);
    }
    for (uint32_t i = 0; i < most; i++) {
        family->step(w, i);
    }
    if (family->most_steps != 0) {
        hostile_wait(w, SETTLING);
    }
    CALLGRIND_STOP_INSTRUMENTATION;
    w->counting = false;
    CALLGRIND_DUMP_STATS_AT(family->name);
    printf("%s\t%s\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n",
           flags & HOSTILE_RECEIVER ? "receiver" : "sender", family->name, w->in, w->out,
           w->repeats);
    fflush(stdout);
    hostile_close(w);
}

static void costs(uint32_t flight, uint32_t steps, const char *only,
                  const struct configuration *configuration)
{
    struct hostile *w = malloc(sizeof *w);
    if (w == NULL) {
        exit(1);
    }
    hostile_start(w, 1, NULL);
    hostile_configure(w, configuration);
    for (const struct family *family = sender_families; family->name != NULL; family++) {
        if (only == NULL || strstr(family->name, only) != NULL) {
            cost(w, family, 0, flight, steps);
        }
    }
    for (const struct family *family = receiver_families; family->name != NULL; family++) {
        if (only == NULL || strstr(family->name, only) != NULL) {
            cost(w, family, HOSTILE_RECEIVER, flight, steps);
        }
    }
    hostile_stop(w);
    free(w);
}

int main(int argc, char **argv)
{
    uint64_t first = argc >= 3 ? strtoull(argv[2], NULL, 10) : 0;
    uint64_t second = argc >= 4 ? strtoull(argv[3], NULL, 10) : 0;
    if (argc == 4 && strcmp(argv[1], "sequences") == 0) {
        sequences(first, second);
    } else if (argc >= 4 && strcmp(argv[1], "costs") == 0 && first >= 20 && first <= LARGEST) {
        const struct configuration *configuration =
            configuration_find(argc > 5 ? argv[5] : "usual");
        if (configuration == NULL) {
            fprintf(stderr, "hostile_test: there is no configuration '%s'\n", argv[5]);
            return 2;
        }
        costs((uint32_t)first, (uint32_t)second, argc > 4 && argv[4][0] != '\0' ? argv[4] : NULL,
              configuration);
    } else {
        fprintf(stderr, "usage: hostile_test sequences COUNT SEED\n"
                        "       hostile_test costs SEGMENTS STEPS [NAME [CONFIGURATION]]\n");
        return 2;
    }
    return 0;
}
