/* SPDX-License-Identifier: MIT
 *
 * The timing wheel by the number of timers in it. Deadlines lie up to a minute ahead.
 *
 * A connection whose timer is re-armed has just been touched, and so is in the cache; and as a
 * deadline nearly always moves away, the stack re-arms lazily: the node stays where it is and is
 * looked at when it fires. That is `rearm`. `rearm_move` is the rare other case, a deadline that
 * comes nearer, of a node that nobody has touched: it leaves one list of a thousand others and
 * enters another, so it costs cache misses, the more the more memory the nodes take.
 */
#include "bench_kinds.h"
#include "timing_wheel.h"

#include <stdlib.h>
#include <string.h>

#define SMALLEST UINT32_C(1000)
#define MOST_OPERATIONS UINT32_C(1000000)
#define BATCH 32u
#define STRIDE UINT32_C(1000003) /* a prime that divides none of the counts */
#define SPAN_NS (60 * HF_SECOND)
#define STEP_NS HF_MILLISECOND

/* As the stack has it: the deadline that holds, and the node's, which may be before it. */
struct timer {
    struct wheel_node node;
    hf_time deadline;
    uint64_t touched;
    uint64_t rest[3]; /* a cache line each: a connection's timer has company, too */
};

struct timers {
    struct timing_wheel wheel;
    struct timer *timers;
    uint32_t count, operations;
    uint64_t random;
    hf_time now;
};

static void add(struct bench_report *report, const struct timers *timers, enum report_who who,
                const char *name, const char *what, double seconds, uint32_t operations)
{
    report_point(report, who, name, what, "ns", timers->count, seconds * 1e9 / operations);
}

static hf_time next_deadline(struct timers *timers)
{
    return timers->now + HF_SECOND + (hf_time)(measure_random(&timers->random) % SPAN_NS);
}

static void arm(struct bench_report *report, struct timers *timers)
{
    double start = measure_seconds();
    for (uint32_t i = 0; i < timers->count; i++) {
        struct timer *timer = &timers->timers[i];
        timer->deadline = next_deadline(timers);
        wheel_arm(&timers->wheel, &timer->node, timer->deadline);
    }
    add(report, timers, REPORT_HANDFAST, "arm", "arm", measure_seconds() - start, timers->count);
}

static void rearm_lazily(struct timers *timers, struct timer *timer, hf_time deadline)
{
    timer->deadline = deadline;
    if (!wheel_armed(&timer->node) || deadline < timer->node.deadline) {
        wheel_arm(&timers->wheel, &timer->node, deadline);
    }
}

/* A batch of timers in random places, touched first, as by the segment that has come; then re-armed
 * to a later deadline. The time of each half. */
static void rearm_batch(struct timers *timers, uint64_t *touching, uint64_t *arming)
{
    struct timer *batch[BATCH];
    uint64_t seen = 0;
    uint64_t begun = measure_wall_ns();
    uint64_t touched;
    for (uint32_t k = 0; k < BATCH; k++) {
        /* Each waits for the one before, and so the last for all. */
        seen &= measure_nothing();
        batch[k] = &timers->timers[(measure_random(&timers->random) + seen) % timers->count];
        seen = ++batch[k]->touched;
    }
    measure_keep(seen);
    touched = measure_wall_ns();
    for (uint32_t k = 0; k < BATCH; k++) {
        rearm_lazily(timers, batch[k], batch[k]->deadline + (hf_time)(k + 1));
    }
    *touching = touched - begun;
    *arming = measure_wall_ns() - touched;
}

/* The clock is read twice a batch, and the median batch is what counts: others may have had the
 * machine taken away. */
static void rearm(struct bench_report *report, struct timers *timers)
{
    uint32_t batches = timers->operations / BATCH;
    uint64_t *touching = calloc(batches, sizeof *touching);
    uint64_t *arming = calloc(batches, sizeof *arming);
    if (touching == NULL || arming == NULL) {
        measure_fail("no memory for the times");
    }
    for (uint32_t i = 0; i < batches; i++) {
        rearm_batch(timers, &touching[i], &arming[i]);
    }
    add(report, timers, REPORT_FLOOR, "touch", "a random timer's own memory touched",
        (double)measure_quantile(touching, batches, 0.5) / 1e9, BATCH);
    add(report, timers, REPORT_HANDFAST, "rearm", "re-arm as the stack does, of what was touched",
        (double)measure_quantile(arming, batches, 0.5) / 1e9, BATCH);
    free(touching);
    free(arming);
}

static void rearm_move(struct bench_report *report, struct timers *timers)
{
    double start = measure_seconds();
    for (uint32_t i = 0; i < timers->operations; i++) {
        struct timer *timer = &timers->timers[measure_random(&timers->random) % timers->count];
        timer->deadline = next_deadline(timers);
        wheel_arm(&timers->wheel, &timer->node, timer->deadline);
    }
    add(report, timers, REPORT_HANDFAST, "rearm_move", "re-arm that moves an untouched node",
        measure_seconds() - start, timers->operations);
}

/* Some are cancelled, in an order without sense, and armed again unmeasured. */
static void cancel(struct bench_report *report, struct timers *timers)
{
    uint32_t some = timers->operations < timers->count ? timers->operations : timers->count;
    uint64_t at = 0;
    double start = measure_seconds();
    for (uint32_t i = 0; i < some; i++) {
        wheel_cancel(&timers->wheel, &timers->timers[at].node);
        at = (at + STRIDE) % timers->count;
    }
    add(report, timers, REPORT_HANDFAST, "cancel", "cancel", measure_seconds() - start, some);
    if (timers->wheel.count != timers->count - some) {
        measure_fail("a timer could not be cancelled");
    }
    at = 0;
    for (uint32_t i = 0; i < some; i++) {
        timers->timers[at].deadline = next_deadline(timers);
        wheel_arm(&timers->wheel, &timers->timers[at].node, timers->timers[at].deadline);
        at = (at + STRIDE) % timers->count;
    }
}

/* Time passes in milliseconds until all have fired: with all moves down the wheel on the way. */
static void expire(struct bench_report *report, struct timers *timers)
{
    uint32_t fired = 0;
    double start = measure_seconds();
    while (timers->wheel.count > 0) {
        hf_time next = wheel_next_deadline(&timers->wheel);
        timers->now = next > timers->now + STEP_NS ? next : timers->now + STEP_NS;
        while (wheel_expire(&timers->wheel, timers->now) != NULL) {
            fired++;
        }
    }
    add(report, timers, REPORT_HANDFAST, "expire", "expire, moves down the wheel included",
        measure_seconds() - start, timers->count);
    if (fired != timers->count) {
        measure_fail("a timer was lost");
    }
}

static void measure_size(struct bench_report *report, uint32_t count)
{
    struct timers timers = {.count = count, .random = UINT64_C(88172645463325252)};
    timers.operations = count < MOST_OPERATIONS ? MOST_OPERATIONS / 10 : MOST_OPERATIONS;
    timers.operations -= timers.operations % BATCH;
    timers.now = HF_SECOND;
    timers.timers = aligned_alloc(64, (size_t)count * sizeof *timers.timers);
    if (timers.timers == NULL) {
        measure_fail("no memory for the timers");
    }
    memset(timers.timers, 0, (size_t)count * sizeof *timers.timers);
    wheel_init(&timers.wheel, timers.now);
    for (unsigned round = 0; round < report->plan->rounds; round++) {
        arm(report, &timers);
        rearm(report, &timers);
        rearm_move(report, &timers);
        cancel(report, &timers);
        expire(report, &timers);
    }
    free(timers.timers);
}

void bench_timers(struct bench_report *report)
{
    bench_sizes(report, SMALLEST, sizeof(struct timer), measure_size);
    report_add(report, REPORT_HANDFAST, "rearm_most", "a re-arm with the most timers", "ns",
               report_last_point(report, "rearm"));
    report_add(report, REPORT_HANDFAST, "rearm_growth", "the same, over that with 1,000", "times",
               report_last_point(report, "rearm") / report_first_point(report, "rearm"));
    report_bar(report, "rearm_growth", REPORT_AT_MOST, 1.25);
    report_note(report, "deadlines lie up to 60 s ahead; time passes in steps of 1 ms");
}
