/* SPDX-License-Identifier: MIT
 *
 * A network that can be repeated: two stacks, a link between them, and a clock that jumps. What
 * the link does is in link_path.h.
 *
 * Time goes from event to event. After everything that may give a stack something to say, both
 * stacks are flushed: a first, then b. Then the earliest of the next arrival and the two stacks'
 * deadlines is where the clock goes. A stack may give a deadline that is a little early, but one
 * that stands still for ever would hang the simulation; that is asserted against.
 */
#include "hf_assert.h"
#include "link_path.h"
#include "packet_glance.h"

#include <handfast/offload.h>

#include <stdlib.h>

/* Bounds on what may happen without the clock moving, far above what an honest run needs. */
#define MOMENT_MAX_PACKETS (UINT32_C(1) << 24)
#define MOMENT_MAX_IDLE_STEPS (UINT32_C(1) << 12)

/* What a host with direction.batch_ns takes in at once, as Linux's NAPI. */
#define BATCH_PACKETS 64

struct hf_sim {
    struct hf_sim_config config;
    struct link_path paths[2];  /* 0: a -> b, 1: b -> a */
    struct hf_stack *stacks[2]; /* NULL: the host is down */
    struct packet_heap under_way;
    hf_time now;
    uint32_t moment_packets, moment_idle_steps; /* since the clock last moved */
    uint8_t buffer[LINK_PACKET_MAX_BYTES + 1];
};

struct hf_sim_config hf_sim_config_default(void)
{
    return (struct hf_sim_config){
        .forward = {.delay_ns = 10 * HF_MILLISECOND},
        .backward = {.delay_ns = 10 * HF_MILLISECOND},
        .host_name = {"a", "b"},
        .host_id = {0, 1},
    };
}

/* `from` sent the packet; its bytes are those it sent, before any corruption. */
static void trace(void *context, int from, enum hf_reason reason, const uint8_t *packet,
                  size_t length, hf_time held_ns, hf_time now)
{
    const struct hf_sim *sim = context;
    struct packet_glance glance;
    struct hf_trace_event event;

    if (sim->config.trace.event == NULL)
        return;
    packet_glance(packet, length, &glance);
    event = (struct hf_trace_event){
        .time = now,
        .kind = HF_TRACE_LINK,
        .reason = reason,
        .host_name = sim->config.host_name[from] != NULL ? sim->config.host_name[from] : "",
        .host = sim->config.host_id[from],
        .connection = HF_NO_HANDLE,
        .local = glance.source,
        .remote = glance.destination,
        .state_before = HF_CLOSED,
        .state = HF_CLOSED,
        .value = held_ns,
        .segment = glance.has_segment ? &glance.segment : NULL,
        .packet = packet,
        .packet_length = length,
    };
    sim->config.trace.event(sim->config.trace.context, &event);
}

struct hf_sim *hf_sim_new(const struct hf_sim_config *config, struct hf_stack *a,
                          struct hf_stack *b)
{
    struct hf_sim *sim;

    if (config == NULL || !link_rules_are_sane(&config->forward) ||
        !link_rules_are_sane(&config->backward) || config->start < 0 ||
        config->start > LINK_TIME_MAX_NS)
        return NULL;
    sim = calloc(1, sizeof *sim);
    if (sim == NULL)
        return NULL;
    sim->config = *config;
    for (int from = 0; from < 2; from++) {
        struct link_path *path = &sim->paths[from];

        path->from = from;
        path->arrivals = &sim->under_way;
        path->back = &sim->paths[1 - from];
        path->teller = (struct link_teller){trace, sim};
        link_path_init(path, config->seed, from == 0 ? &config->forward : &config->backward);
    }
    sim->stacks[0] = a;
    sim->stacks[1] = b;
    sim->now = config->start;
    return sim;
}

void hf_sim_free(struct hf_sim *sim)
{
    if (sim == NULL)
        return;
    packet_heap_clear(&sim->under_way);
    link_path_clear(&sim->paths[0]);
    link_path_clear(&sim->paths[1]);
    free(sim);
}

hf_time hf_sim_now(const struct hf_sim *sim)
{
    return sim->now;
}

/* ---- Time */

void hf_sim_flush(struct hf_sim *sim)
{
    for (int host = 0; host < 2; host++) {
        while (sim->stacks[host] != NULL) {
            ptrdiff_t length =
                hf_stack_output(sim->stacks[host], sim->buffer, sizeof sim->buffer, sim->now);
            HF_ASSERT(length >= 0);
            HF_ASSERT(length <= (ptrdiff_t)LINK_PACKET_MAX_BYTES);
            if (length == 0)
                break;
            HF_ASSERT(sim->moment_packets < MOMENT_MAX_PACKETS);
            sim->moment_packets++;
            link_path_send(&sim->paths[host], sim->buffer, (size_t)length, sim->now);
        }
    }
}

static void move_clock(struct hf_sim *sim, hf_time to)
{
    if (to <= sim->now)
        return;
    sim->now = to;
    sim->moment_packets = 0;
    sim->moment_idle_steps = 0;
}

/* True when it reached its stack, false when that is down. */
static bool account_delivered(struct hf_sim *sim, const struct packet_under_way *packet)
{
    int to = packet->to, from = 1 - to;
    struct hf_sim_statistics *statistics = &sim->paths[from].statistics;

    statistics->in_flight--;
    if (packet->injected)
        trace(sim, from, HF_REASON_LINK_DELAYED_DUPLICATE, packet->bytes, packet->length,
              packet->held_ns, sim->now);
    if (sim->stacks[to] == NULL) {
        statistics->lost++;
        trace(sim, from, HF_REASON_LINK_LOSS, packet->bytes, packet->length, 0, sim->now);
        return false;
    }
    statistics->delivered++;
    statistics->bytes_delivered += packet->length;
    return true;
}

static void deliver_one(struct hf_sim *sim)
{
    struct packet_under_way *packet = packet_heap_take(&sim->under_way);

    if (account_delivered(sim, packet))
        hf_stack_input(sim->stacks[packet->to], packet->bytes, packet->length, sim->now);
    free(packet);
}

/* All that the host takes in at this moment, or as much as it does at once. */
static void deliver_batch(struct hf_sim *sim, int to)
{
    struct packet_under_way *packets[BATCH_PACKETS];
    struct hf_arriving arriving[BATCH_PACKETS];
    uint32_t taken = 0, count = 0;

    while (taken < BATCH_PACKETS && packet_heap_next_time(&sim->under_way) <= sim->now &&
           packet_heap_first(&sim->under_way)->to == to) {
        packets[taken] = packet_heap_take(&sim->under_way);
        if (account_delivered(sim, packets[taken]))
            arriving[count++] = (struct hf_arriving){.bytes = packets[taken]->bytes,
                                                     .length = packets[taken]->length};
        taken++;
    }
    if (count > 0)
        hf_stack_input_batch(sim->stacks[to], arriving, count, sim->now);
    while (taken-- > 0)
        free(packets[taken]);
}

static void deliver(struct hf_sim *sim)
{
    int to = packet_heap_first(&sim->under_way)->to;

    if (sim->paths[1 - to].rules.batch_ns > 0)
        deliver_batch(sim, to);
    else
        deliver_one(sim);
}

static hf_time earlier(hf_time a, hf_time b)
{
    return a < b ? a : b;
}

/* When a packet that waits for the wire has its turn. */
static hf_time next_turn(const struct hf_sim *sim)
{
    return earlier(link_path_next_turn(&sim->paths[0]), link_path_next_turn(&sim->paths[1]));
}

static hf_time next_deadline(const struct hf_sim *sim)
{
    hf_time earliest = HF_TIME_NEVER;

    for (int host = 0; host < 2; host++) {
        if (sim->stacks[host] != NULL) {
            hf_time deadline = hf_stack_next_deadline(sim->stacks[host]);
            earliest = earlier(earliest, deadline);
        }
    }
    return earliest;
}

int hf_sim_step(struct hf_sim *sim, hf_time until)
{
    hf_time arrival, turn, next;

    hf_sim_flush(sim);
    arrival = packet_heap_next_time(&sim->under_way);
    turn = next_turn(sim);
    next = earlier(earlier(arrival, turn), next_deadline(sim));
    if (next == HF_TIME_NEVER || next > until) {
        if (until != HF_TIME_NEVER)
            move_clock(sim, until);
        return 0;
    }
    move_clock(sim, next);
    if (arrival <= sim->now) {
        deliver(sim);
    } else if (turn <= sim->now) {
        link_path_advance(&sim->paths[0], sim->now);
        link_path_advance(&sim->paths[1], sim->now);
    } else {
        /* A timer: it runs in the flush below. Its stack was flushed at this moment already if the
         * clock did not move, and must not go on claiming that something is due. */
        HF_ASSERT(sim->moment_idle_steps < MOMENT_MAX_IDLE_STEPS);
        sim->moment_idle_steps++;
    }
    hf_sim_flush(sim);
    return 1;
}

uint64_t hf_sim_run(struct hf_sim *sim, hf_time until)
{
    uint64_t steps = 0;

    while (hf_sim_step(sim, until))
        steps++;
    return steps;
}

/* ---- Changing the world */

int hf_sim_set_direction(struct hf_sim *sim, int direction, const struct hf_sim_direction *rules)
{
    if ((direction != 0 && direction != 1) || rules == NULL || !link_rules_are_sane(rules))
        return HF_EINVAL;
    link_path_set_rules(&sim->paths[direction], rules);
    return HF_OK;
}

int hf_sim_inject(struct hf_sim *sim, int to, const void *packet, size_t length, hf_time when)
{
    struct packet_under_way *added;

    if ((to != 0 && to != 1) || packet == NULL || length == 0 || length > LINK_PACKET_MAX_BYTES ||
        when < sim->now || when == HF_TIME_NEVER)
        return HF_EINVAL;
    added = packet_heap_add(&sim->under_way, when, to, packet, length);
    if (added == NULL)
        return HF_ENOMEM;
    added->injected = true;
    added->held_ns = when - sim->now;
    sim->paths[1 - to].statistics.in_flight++;
    return HF_OK;
}

void hf_sim_replace(struct hf_sim *sim, int host, struct hf_stack *stack)
{
    HF_ASSERT(host == 0 || host == 1);
    sim->stacks[host] = stack;
}

struct hf_sim_statistics hf_sim_statistics(const struct hf_sim *sim, int direction)
{
    HF_ASSERT(direction == 0 || direction == 1);
    return sim->paths[direction].statistics;
}
