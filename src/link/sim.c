/* SPDX-License-Identifier: MIT
 *
 * A network that can be repeated: two stacks, a link between them, and a clock that jumps.
 *
 * A packet that a stack hands out meets the link's rules in the order in which a real path would
 * apply them:
 *
 *   1. The MTU, then the queue: a packet that must wait for the rate while `queue_packets` wait
 *      already is dropped (drop-tail).
 *   2. The rate: turns on the wire follow one another; a turn of n bits lasts n / rate, and what
 *      a division leaves over is carried to the next turn, so that the rate is exact.
 *   3. Loss, which happens on the wire: a lost packet has used its turn. First what was chosen (by
 *      number or predicate), then chance, then the bursts of Gilbert and Elliott: a chain of two
 *      states that takes one step per packet and, while bad, loses with its own probability.
 *   4. The delay with jitter. A packet never overtakes the one before it, however the jitter falls,
 *      unless it is picked for reordering: then it is held back longer and others may overtake it.
 *   5. Duplication: the copy takes step 4 with luck of its own, and so may turn up late.
 *   6. Corruption: one bit, anywhere in the packet, is flipped in this copy.
 *
 * Every choice is a function of the seed, the direction, the purpose and the packet's number in
 * its direction (link_random.h). Nothing else enters, neither the wall clock nor an address in
 * memory, so one seed gives one run, byte for byte.
 *
 * Time goes from event to event. After everything that may give a stack something to say, both
 * stacks are flushed: a first, then b. Then the earliest of the next arrival and the two stacks'
 * deadlines is where the clock goes. A stack may give a deadline that is a little early, but one
 * that stands still for ever would hang the simulation; that is asserted against.
 *
 * What is counted agrees: sent + duplicated + injected = delivered + lost + queue_drops + mtu_drops
 * + in_flight, of which `injected` is known to the caller.
 */
#include "hf_assert.h"
#include "link_random.h"
#include "packet_glance.h"
#include "packet_heap.h"
#include "waiting_line.h"

#include <handfast/sim.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PACKET_MAX_BYTES 65535u
#define RULE_TIME_MAX_NS                                                    \
    (HF_TIME_NEVER / 8) /* longer than any run; sums of a few stay in range \
                         */
#define NANOSECONDS_PER_SECOND UINT64_C(1000000000)

/* Bounds on what may happen without the clock moving, far above what an honest run needs. */
#define MOMENT_MAX_PACKETS (UINT32_C(1) << 24)
#define MOMENT_MAX_IDLE_STEPS (UINT32_C(1) << 12)

/* What chance decides. Those that each copy of a packet has for itself come in twos. */
enum purpose {
    PURPOSE_LOSS,
    PURPOSE_BURST_STATE,
    PURPOSE_BURST_LOSS,
    PURPOSE_DUPLICATE,
    PURPOSE_JITTER,
    PURPOSE_JITTER_OF_COPY,
    PURPOSE_REORDER,
    PURPOSE_REORDER_OF_COPY,
    PURPOSE_CORRUPT,
    PURPOSE_CORRUPT_OF_COPY,
    PURPOSE_CORRUPT_BIT,
    PURPOSE_CORRUPT_BIT_OF_COPY,
    PURPOSE_COUNT
};

struct direction {
    struct hf_sim_direction rules;
    struct link_random random[PURPOSE_COUNT];
    uint64_t number;          /* of the last packet sent, from 1 */
    bool bad;                 /* Gilbert-Elliott's state */
    hf_time wire_free;        /* when the last turn on the wire ends */
    uint64_t turn_carry;      /* left over from the last turn, in 1 / rate of a nanosecond */
    hf_time last_arrival;     /* of packets that keep their order */
    struct waiting_line line; /* for the wire */
    struct hf_sim_statistics statistics;
};

struct hf_sim {
    struct hf_sim_config config;
    struct direction directions[2]; /* 0: a -> b, 1: b -> a */
    struct hf_stack *stacks[2];     /* NULL: the host is down */
    struct packet_heap under_way;
    hf_time now;
    uint32_t moment_packets, moment_idle_steps; /* since the clock last moved */
    uint8_t buffer[PACKET_MAX_BYTES + 1];
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

static bool time_is_sane(hf_time time)
{
    return time >= 0 && time <= RULE_TIME_MAX_NS;
}

static bool rules_are_sane(const struct hf_sim_direction *rules)
{
    const uint32_t chances[] = {
        rules->loss_ppm,      rules->burst_enter_ppm, rules->burst_leave_ppm, rules->burst_loss_ppm,
        rules->duplicate_ppm, rules->reorder_ppm,     rules->corrupt_ppm};

    for (size_t i = 0; i < sizeof chances / sizeof chances[0]; i++) {
        if (chances[i] > LINK_RANDOM_PPM)
            return false;
    }
    if (rules->lose_nth_count > 0 && (rules->lose_nth == NULL || rules->lose_nth[0] == 0))
        return false;
    for (size_t i = 1; i < rules->lose_nth_count; i++) {
        if (rules->lose_nth[i] <= rules->lose_nth[i - 1])
            return false;
    }
    return time_is_sane(rules->delay_ns) && time_is_sane(rules->jitter_ns) &&
           time_is_sane(rules->reorder_ns);
}

struct hf_sim *hf_sim_new(const struct hf_sim_config *config, struct hf_stack *a,
                          struct hf_stack *b)
{
    struct hf_sim *sim;

    if (config == NULL || !rules_are_sane(&config->forward) || !rules_are_sane(&config->backward) ||
        !time_is_sane(config->start))
        return NULL;
    sim = calloc(1, sizeof *sim);
    if (sim == NULL)
        return NULL;
    sim->config = *config;
    sim->directions[0].rules = config->forward;
    sim->directions[1].rules = config->backward;
    for (uint64_t i = 0; i < 2; i++) {
        for (uint64_t purpose = 0; purpose < PURPOSE_COUNT; purpose++)
            sim->directions[i].random[purpose] = link_random_for(config->seed, i << 32 | purpose);
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
    waiting_line_clear(&sim->directions[0].line);
    waiting_line_clear(&sim->directions[1].line);
    free(sim);
}

hf_time hf_sim_now(const struct hf_sim *sim)
{
    return sim->now;
}

static hf_time later(hf_time a, hf_time b)
{
    return a > b ? a : b;
}

/* Both are at least 0. Times past the end of time stay just before NEVER. */
static hf_time time_add(hf_time time, hf_time more)
{
    return more >= HF_TIME_NEVER - time ? HF_TIME_NEVER - 1 : time + more;
}

/* ---- Telling about it */

/* `from` sent the packet; its bytes are those it sent, before any corruption. */
static void trace(const struct hf_sim *sim, int from, enum hf_reason reason, const uint8_t *packet,
                  size_t length, hf_time held_ns)
{
    struct packet_glance glance;
    struct hf_trace_event event;

    if (sim->config.trace.event == NULL)
        return;
    packet_glance(packet, length, &glance);
    event = (struct hf_trace_event){
        .time = sim->now,
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

/* ---- One packet onto the link */

static bool chance(const struct direction *direction, enum purpose purpose, uint32_t ppm)
{
    return link_random_hit(direction->random[purpose], direction->number, ppm);
}

/* The chain steps once per packet, whatever becomes of the packet. */
static void step_burst(struct direction *direction)
{
    uint32_t leave_ppm = direction->rules.burst_leave_ppm;

    if (direction->rules.burst_enter_ppm == 0)
        direction->bad = false;
    else if (direction->bad)
        direction->bad = !chance(direction, PURPOSE_BURST_STATE, leave_ppm);
    else
        direction->bad = chance(direction, PURPOSE_BURST_STATE, direction->rules.burst_enter_ppm);
}

static bool loses_number(const struct hf_sim_direction *rules, uint64_t number)
{
    size_t low = 0, high = rules->lose_nth_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rules->lose_nth[middle] == number)
            return true;
        if (rules->lose_nth[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* HF_REASON_NONE: it is not lost. */
static enum hf_reason loss_reason(const struct hf_sim *sim, const struct direction *direction,
                                  const uint8_t *packet, size_t length)
{
    const struct hf_sim_direction *rules = &direction->rules;

    if (loses_number(rules, direction->number))
        return HF_REASON_LINK_LOSS_CHOSEN;
    if (rules->lose != NULL &&
        rules->lose(rules->lose_context, packet, length, direction->number, sim->now))
        return HF_REASON_LINK_LOSS_CHOSEN;
    if (chance(direction, PURPOSE_LOSS, rules->loss_ppm))
        return HF_REASON_LINK_LOSS;
    if (direction->bad && chance(direction, PURPOSE_BURST_LOSS, rules->burst_loss_ppm))
        return HF_REASON_LINK_LOSS;
    return HF_REASON_NONE;
}

/* False: the queue is full (or there is no memory for it, which is as good). */
static bool may_queue(struct direction *direction, hf_time now)
{
    size_t waiting = waiting_line_count(&direction->line, now);

    if (direction->rules.rate_bits_per_second == 0 || direction->wire_free <= now)
        return true;
    if (direction->rules.queue_packets != 0 && waiting >= direction->rules.queue_packets)
        return false;
    return waiting_line_join(&direction->line, direction->wire_free);
}

/* Gives the packet its turn on the wire and returns when its last bit has left. */
static hf_time take_turn(struct direction *direction, size_t length, hf_time now)
{
    uint64_t rate = direction->rules.rate_bits_per_second, work;

    if (rate == 0)
        return now;
    if (direction->wire_free < now) {
        direction->wire_free = now;
        direction->turn_carry = 0;
    }
    /* At most 524,280 bits, so the product is under 2^50; a carry over `rate` is from before the
     * rate was changed. */
    work = (uint64_t)length * 8 * NANOSECONDS_PER_SECOND + direction->turn_carry % rate;
    direction->turn_carry = work % rate;
    direction->wire_free = time_add(direction->wire_free, (hf_time)(work / rate));
    return direction->wire_free;
}

/* Delay, jitter and order of one copy (0: the packet itself, 1: its duplicate). */
static hf_time arrival_time(struct direction *direction, int copy, hf_time departure,
                            hf_time *held_ns)
{
    const struct hf_sim_direction *rules = &direction->rules;
    hf_time hold = rules->reorder_ns != 0 ? rules->reorder_ns : rules->delay_ns / 2;
    hf_time jitter = (hf_time)link_random_up_to(direction->random[PURPOSE_JITTER + copy],
                                                direction->number, (uint64_t)rules->jitter_ns);
    hf_time arrival = time_add(time_add(departure, rules->delay_ns), jitter);

    arrival = later(arrival, direction->last_arrival);
    *held_ns = 0;
    if (hold > 0 && chance(direction, PURPOSE_REORDER + (enum purpose)copy, rules->reorder_ppm)) {
        *held_ns = hold;
        return time_add(arrival, hold);
    }
    direction->last_arrival = arrival;
    return arrival;
}

static void send_copy(struct hf_sim *sim, int from, int copy, const uint8_t *packet, size_t length,
                      hf_time departure)
{
    struct direction *direction = &sim->directions[from];
    struct hf_sim_statistics *statistics = &direction->statistics;
    struct packet_under_way *added;
    hf_time held_ns, arrival = arrival_time(direction, copy, departure, &held_ns);

    added = packet_heap_add(&sim->under_way, arrival, 1 - from, packet, length);
    if (added == NULL) {
        statistics->queue_drops++;
        trace(sim, from, HF_REASON_LINK_QUEUE, packet, length, 0);
        return;
    }
    statistics->in_flight++;
    if (held_ns > 0) {
        statistics->reordered++;
        trace(sim, from, HF_REASON_LINK_REORDER, packet, length, held_ns);
    }
    if (chance(direction, PURPOSE_CORRUPT + (enum purpose)copy, direction->rules.corrupt_ppm)) {
        uint64_t bit = link_random_up_to(direction->random[PURPOSE_CORRUPT_BIT + copy],
                                         direction->number, (uint64_t)length * 8 - 1);
        added->bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        statistics->corrupted++;
        trace(sim, from, HF_REASON_LINK_CORRUPT, packet, length, 0);
    }
}

static void send_packet(struct hf_sim *sim, int from, const uint8_t *packet, size_t length)
{
    struct direction *direction = &sim->directions[from];
    enum hf_reason reason;
    hf_time departure;

    direction->number++;
    direction->statistics.sent++;
    step_burst(direction);
    if (direction->rules.mtu != 0 && length > direction->rules.mtu) {
        direction->statistics.mtu_drops++;
        trace(sim, from, HF_REASON_LINK_MTU, packet, length, 0);
        return;
    }
    if (!may_queue(direction, sim->now)) {
        direction->statistics.queue_drops++;
        trace(sim, from, HF_REASON_LINK_QUEUE, packet, length, 0);
        return;
    }
    departure = take_turn(direction, length, sim->now);
    reason = loss_reason(sim, direction, packet, length);
    if (reason != HF_REASON_NONE) {
        direction->statistics.lost++;
        trace(sim, from, reason, packet, length, 0);
        return;
    }
    send_copy(sim, from, 0, packet, length, departure);
    if (chance(direction, PURPOSE_DUPLICATE, direction->rules.duplicate_ppm)) {
        direction->statistics.duplicated++;
        trace(sim, from, HF_REASON_LINK_DUPLICATE, packet, length, 0);
        send_copy(sim, from, 1, packet, length, departure);
    }
}

/* ---- Time */

void hf_sim_flush(struct hf_sim *sim)
{
    for (int host = 0; host < 2; host++) {
        while (sim->stacks[host] != NULL) {
            ptrdiff_t length =
                hf_stack_output(sim->stacks[host], sim->buffer, sizeof sim->buffer, sim->now);
            HF_ASSERT(length >= 0);
            HF_ASSERT(length <= (ptrdiff_t)PACKET_MAX_BYTES);
            if (length == 0)
                break;
            HF_ASSERT(sim->moment_packets < MOMENT_MAX_PACKETS);
            sim->moment_packets++;
            send_packet(sim, host, sim->buffer, (size_t)length);
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

static void deliver(struct hf_sim *sim)
{
    struct packet_under_way *packet = packet_heap_take(&sim->under_way);
    int to = packet->to, from = 1 - to;
    struct hf_sim_statistics *statistics = &sim->directions[from].statistics;

    statistics->in_flight--;
    if (packet->injected)
        trace(sim, from, HF_REASON_LINK_DELAYED_DUPLICATE, packet->bytes, packet->length,
              packet->held_ns);
    if (sim->stacks[to] == NULL) {
        statistics->lost++;
        trace(sim, from, HF_REASON_LINK_LOSS, packet->bytes, packet->length, 0);
    } else {
        statistics->delivered++;
        statistics->bytes_delivered += packet->length;
        hf_stack_input(sim->stacks[to], packet->bytes, packet->length, sim->now);
    }
    free(packet);
}

static hf_time next_deadline(const struct hf_sim *sim)
{
    hf_time earliest = HF_TIME_NEVER;

    for (int host = 0; host < 2; host++) {
        if (sim->stacks[host] != NULL) {
            hf_time deadline = hf_stack_next_deadline(sim->stacks[host]);
            earliest = deadline < earliest ? deadline : earliest;
        }
    }
    return earliest;
}

int hf_sim_step(struct hf_sim *sim, hf_time until)
{
    hf_time arrival, deadline, next;

    hf_sim_flush(sim);
    arrival = packet_heap_next_time(&sim->under_way);
    deadline = next_deadline(sim);
    next = arrival < deadline ? arrival : deadline;
    if (next == HF_TIME_NEVER || next > until) {
        if (until != HF_TIME_NEVER)
            move_clock(sim, until);
        return 0;
    }
    move_clock(sim, next);
    if (arrival <= sim->now) {
        deliver(sim);
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
    if ((direction != 0 && direction != 1) || rules == NULL || !rules_are_sane(rules))
        return HF_EINVAL;
    sim->directions[direction].rules = *rules;
    return HF_OK;
}

int hf_sim_inject(struct hf_sim *sim, int to, const void *packet, size_t length, hf_time when)
{
    struct packet_under_way *added;

    if ((to != 0 && to != 1) || packet == NULL || length == 0 || length > PACKET_MAX_BYTES ||
        when < sim->now || when == HF_TIME_NEVER)
        return HF_EINVAL;
    added = packet_heap_add(&sim->under_way, when, to, packet, length);
    if (added == NULL)
        return HF_ENOMEM;
    added->injected = true;
    added->held_ns = when - sim->now;
    sim->directions[1 - to].statistics.in_flight++;
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
    return sim->directions[direction].statistics;
}
