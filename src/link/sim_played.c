/* SPDX-License-Identifier: MIT
 *
 * The played hosts and their book-keeping.
 */
#include "sim_played.h"

#include "hf_assert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void hf_assert_failed(const char *condition, const char *file, int line)
{
    mock_assert(0, condition, file, line);
    abort();
}

uint64_t fingerprint(const uint8_t *bytes, size_t length)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

void fill(uint8_t *packet, size_t length, uint32_t label)
{
    for (size_t i = 0; i < length; i++)
        packet[i] = (uint8_t)(i < 4 ? label >> (8 * i) : label * 31 + i);
}

static void check_clock(struct hf_stack *host, hf_time now)
{
    if (now < host->last_now)
        host->clock_errors++;
    host->last_now = now;
}

enum hf_reason hf_stack_input(struct hf_stack *host, const void *packet, size_t length, hf_time now)
{
    struct arrival *arrival;

    check_clock(host, now);
    if (host->arrival_count == host->arrival_capacity) {
        host->arrival_capacity = host->arrival_capacity == 0 ? 256 : host->arrival_capacity * 2;
        host->arrivals = realloc(host->arrivals, host->arrival_capacity * sizeof host->arrivals[0]);
        assert_non_null(host->arrivals);
    }
    arrival = &host->arrivals[host->arrival_count++];
    *arrival = (struct arrival){.time = now, .length = length};
    for (size_t i = 0; i < 4 && i < length; i++)
        arrival->label |= (uint32_t)((const uint8_t *)packet)[i] << (8 * i);
    arrival->fingerprint = fingerprint(packet, length);
    return HF_REASON_ACCEPTED;
}

void hf_stack_input_batch(struct hf_stack *host, const struct hf_arriving *packets, uint32_t count,
                          hf_time now)
{
    host->batches++;
    for (uint32_t i = 0; i < count; i++)
        hf_stack_input(host, packets[i].bytes, packets[i].length, now);
}

static hf_time due(const struct hf_stack *host)
{
    return host->sent < host->count ? host->start + host->interval * host->sent : HF_TIME_NEVER;
}

ptrdiff_t hf_stack_output(struct hf_stack *host, void *packet, size_t capacity, hf_time now)
{
    check_clock(host, now);
    if (!host->babble && due(host) > now)
        return 0;
    assert_true(capacity >= host->length);
    fill(packet, host->length, host->sent++);
    return (ptrdiff_t)host->length;
}

hf_time hf_stack_next_deadline(const struct hf_stack *host)
{
    return host->stuck ? 0 : due(host);
}

/* ---- A run with one sender, and what the trace said */

static void tell(void *context, const struct hf_trace_event *event)
{
    struct told *told = context;
    uint64_t facts[4] = {(uint64_t)event->time, event->reason, event->host, (uint64_t)event->value};

    assert_int_equal(event->kind, HF_TRACE_LINK);
    told->counts[event->reason]++;
    for (size_t i = 0; i < 4; i++)
        told->hash = (told->hash ^ facts[i]) * UINT64_C(0x100000001b3);
    told->hash ^= fingerprint(event->packet, event->packet_length);
    told->last = *event;
    if (event->segment != NULL)
        told->last_segment = *event->segment;
}

struct run *run_new(uint32_t count, size_t length, hf_time interval)
{
    struct run *run = calloc(1, sizeof *run);

    assert_non_null(run);
    run->a = (struct hf_stack){.count = count, .length = length, .interval = interval};
    run->config = hf_sim_config_default();
    run->config.seed = 42;
    run->config.trace = (struct hf_trace_sink){tell, &run->told};
    return run;
}

void run_start(struct run *run)
{
    run->sim = hf_sim_new(&run->config, &run->a, &run->b);
    assert_non_null(run->sim);
}

void run_all(struct run *run)
{
    struct hf_sim_statistics statistics;

    run_start(run);
    hf_sim_run(run->sim, HF_TIME_NEVER);
    statistics = hf_sim_statistics(run->sim, 0);
    assert_int_equal(statistics.in_flight, 0);
    assert_int_equal(statistics.sent, run->a.count);
    assert_int_equal(statistics.sent + statistics.duplicated,
                     statistics.delivered + statistics.lost + statistics.queue_drops +
                         statistics.mtu_drops);
    assert_int_equal(statistics.delivered, run->b.arrival_count);
}

void run_free(struct run *run)
{
    assert_int_equal(run->a.clock_errors + run->b.clock_errors, 0);
    hf_sim_free(run->sim);
    free(run->a.arrivals);
    free(run->b.arrivals);
    free(run);
}

void assert_binomial(uint64_t observed, uint64_t n, double p)
{
    double mean = (double)n * p, deviation = sqrt(mean * (1 - p));

    if (fabs((double)observed - mean) > 5 * deviation + 1)
        fail_msg("%llu of %llu, expected %.1f +- %.1f", (unsigned long long)observed,
                 (unsigned long long)n, mean, deviation);
}
