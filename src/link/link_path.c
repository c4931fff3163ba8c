/* SPDX-License-Identifier: MIT
 *
 * The rules, in the order of link_path.h.
 */
#include "link_path.h"

#include "ecn_mark.h"
#include "too_big.h"

#include <stdlib.h>
#include <string.h>

#define INTERVAL_MAX_NS (1000 * HF_SECOND) /* CoDel squares it */
#define NANOSECONDS_PER_SECOND UINT64_C(1000000000)
#define TYPICAL_PACKET_BITS                                               \
    8000u /* for RED's idle time; the paper's "typical transmission time" \
           */

/* One packet that waits for the wire. */
struct link_waiting {
    struct link_waiting *next;
    hf_time entered;
    uint64_t number;
    bool bad; /* Gilbert-Elliott's state when it was sent */
    size_t length;
    uint8_t bytes[];
};

/* A packet whose turn comes. */
struct leaving {
    const uint8_t *packet;
    size_t length;
    uint64_t number;
    bool bad;
    hf_time now;
};

static bool time_is_sane(hf_time time)
{
    return time >= 0 && time <= LINK_TIME_MAX_NS;
}

static bool management_is_sane(const struct hf_sim_direction *rules)
{
    switch (rules->management) {
    case HF_SIM_DROP_TAIL:
        return true;
    case HF_SIM_CODEL:
        return time_is_sane(rules->codel_target_ns) && rules->codel_interval_ns >= 0 &&
               rules->codel_interval_ns <= INTERVAL_MAX_NS;
    case HF_SIM_RED:
        return rules->red_minimum_bytes < rules->red_maximum_bytes &&
               rules->red_maximum_bytes <= UINT32_MAX && rules->red_maximum_ppm > 0 &&
               rules->red_maximum_ppm <= LINK_RANDOM_PPM;
    }
    return false;
}

bool link_rules_are_sane(const struct hf_sim_direction *rules)
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
           time_is_sane(rules->batch_ns) && time_is_sane(rules->reorder_ns) &&
           management_is_sane(rules);
}

void link_path_set_rules(struct link_path *path, const struct hf_sim_direction *rules)
{
    path->rules = *rules;
    path->codel.target_ns = rules->codel_target_ns != 0 ? rules->codel_target_ns : CODEL_TARGET_NS;
    path->codel.interval_ns =
        rules->codel_interval_ns != 0 ? rules->codel_interval_ns : CODEL_INTERVAL_NS;
    path->red.minimum_bytes = rules->red_minimum_bytes;
    path->red.maximum_bytes = rules->red_maximum_bytes;
    path->red.maximum_ppm = rules->red_maximum_ppm;
}

void link_path_init(struct link_path *path, uint64_t seed, const struct hf_sim_direction *rules)
{
    for (uint64_t purpose = 0; purpose < LINK_PURPOSE_COUNT; purpose++)
        path->random[purpose] = link_random_for(seed, (uint64_t)path->from << 32 | purpose);
    link_path_set_rules(path, rules);
}

void link_path_clear(struct link_path *path)
{
    while (path->first != NULL) {
        struct link_waiting *next = path->first->next;
        free(path->first);
        path->first = next;
    }
    path->last = NULL;
    waiting_line_clear(&path->line);
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

static void tell(const struct link_path *path, enum hf_reason reason, const uint8_t *packet,
                 size_t length, hf_time held_ns, hf_time now)
{
    if (path->teller.tell != NULL)
        path->teller.tell(path->teller.context, path->from, reason, packet, length, held_ns, now);
}

static bool chance(const struct link_path *path, enum link_purpose purpose, uint64_t number,
                   uint32_t ppm)
{
    return link_random_hit(path->random[purpose], number, ppm);
}

/* ---- Leaving: from the turn on the wire to the arrival */

/* Gives the packet its turn on the wire and returns when its last bit has left. */
static hf_time take_turn(struct link_path *path, size_t length, hf_time now)
{
    uint64_t rate = path->rules.rate_bits_per_second, work;

    if (rate == 0)
        return now;
    if (path->wire_free < now) {
        path->wire_free = now;
        path->turn_carry = 0;
    }
    /* At most 524,280 bits, so the product is under 2^50; a carry over `rate` is from before the
     * rate was changed. */
    work = (uint64_t)length * 8 * NANOSECONDS_PER_SECOND + path->turn_carry % rate;
    path->turn_carry = work % rate;
    path->wire_free = time_add(path->wire_free, (hf_time)(work / rate));
    return path->wire_free;
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
static enum hf_reason loss_reason(const struct link_path *path, const struct leaving *leaving)
{
    const struct hf_sim_direction *rules = &path->rules;

    if (loses_number(rules, leaving->number))
        return HF_REASON_LINK_LOSS_CHOSEN;
    if (rules->lose != NULL && rules->lose(rules->lose_context, leaving->packet, leaving->length,
                                           leaving->number, leaving->now))
        return HF_REASON_LINK_LOSS_CHOSEN;
    if (chance(path, LINK_PURPOSE_LOSS, leaving->number, rules->loss_ppm))
        return HF_REASON_LINK_LOSS;
    if (leaving->bad &&
        chance(path, LINK_PURPOSE_BURST_LOSS, leaving->number, rules->burst_loss_ppm))
        return HF_REASON_LINK_LOSS;
    return HF_REASON_NONE;
}

/* When the receiver next looks. */
static hf_time taken_in(const struct hf_sim_direction *rules, hf_time arrival)
{
    hf_time since = rules->batch_ns > 0 ? arrival % rules->batch_ns : 0;

    return since > 0 ? time_add(arrival, rules->batch_ns - since) : arrival;
}

/* Delay, jitter and order of one copy (0: the packet itself, 1: its duplicate). */
static hf_time arrival_time(struct link_path *path, uint64_t number, int copy, hf_time departure,
                            hf_time *held_ns)
{
    const struct hf_sim_direction *rules = &path->rules;
    hf_time hold = rules->reorder_ns != 0 ? rules->reorder_ns : rules->delay_ns / 2;
    hf_time jitter = (hf_time)link_random_up_to(path->random[LINK_PURPOSE_JITTER + copy], number,
                                                (uint64_t)rules->jitter_ns);
    hf_time arrival = time_add(time_add(departure, rules->delay_ns), jitter);

    arrival = later(arrival, path->last_arrival);
    *held_ns = 0;
    if (hold > 0 &&
        chance(path, LINK_PURPOSE_REORDER + (enum link_purpose)copy, number, rules->reorder_ppm)) {
        *held_ns = hold;
        return taken_in(rules, time_add(arrival, hold));
    }
    path->last_arrival = arrival;
    return taken_in(rules, arrival);
}

static void send_copy(struct link_path *path, const struct leaving *leaving, int copy,
                      hf_time departure)
{
    struct hf_sim_statistics *statistics = &path->statistics;
    struct packet_under_way *added;
    hf_time held_ns, arrival = arrival_time(path, leaving->number, copy, departure, &held_ns);

    added =
        packet_heap_add(path->arrivals, arrival, 1 - path->from, leaving->packet, leaving->length);
    if (added == NULL) {
        statistics->queue_drops++;
        tell(path, HF_REASON_LINK_QUEUE, leaving->packet, leaving->length, 0, leaving->now);
        return;
    }
    statistics->in_flight++;
    if (held_ns > 0) {
        statistics->reordered++;
        tell(path, HF_REASON_LINK_REORDER, leaving->packet, leaving->length, held_ns, leaving->now);
    }
    if (chance(path, LINK_PURPOSE_CORRUPT + (enum link_purpose)copy, leaving->number,
               path->rules.corrupt_ppm)) {
        uint64_t bit = link_random_up_to(path->random[LINK_PURPOSE_CORRUPT_BIT + copy],
                                         leaving->number, (uint64_t)leaving->length * 8 - 1);
        added->bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        statistics->corrupted++;
        tell(path, HF_REASON_LINK_CORRUPT, leaving->packet, leaving->length, 0, leaving->now);
    }
}

static void leave(struct link_path *path, const struct leaving *leaving)
{
    hf_time departure = take_turn(path, leaving->length, leaving->now);
    enum hf_reason reason = loss_reason(path, leaving);

    if (reason != HF_REASON_NONE) {
        path->statistics.lost++;
        tell(path, reason, leaving->packet, leaving->length, 0, leaving->now);
        return;
    }
    send_copy(path, leaving, 0, departure);
    if (chance(path, LINK_PURPOSE_DUPLICATE, leaving->number, path->rules.duplicate_ppm)) {
        path->statistics.duplicated++;
        tell(path, HF_REASON_LINK_DUPLICATE, leaving->packet, leaving->length, 0, leaving->now);
        send_copy(path, leaving, 1, departure);
    }
}

/* ---- Waiting for the wire */

static void count_wait(struct link_path *path, hf_time waited_ns)
{
    path->statistics.turns++;
    path->statistics.queue_ns += waited_ns;
    path->statistics.queue_ns_max = later(path->statistics.queue_ns_max, waited_ns);
}

static void drop_waiting(struct link_path *path, const uint8_t *packet, size_t length, hf_time now)
{
    path->statistics.queue_drops++;
    tell(path, HF_REASON_LINK_QUEUE, packet, length, 0, now);
}

/* A packet that the queue's management picked: marked, where that is wanted and possible. */
static bool mark_instead(struct link_path *path, uint8_t *packet, size_t length, hf_time now)
{
    if (path->rules.mark && ecn_mark(packet, length)) {
        path->statistics.marked++;
        tell(path, HF_REASON_LINK_MARK, packet, length, 0, now);
        return true;
    }
    path->statistics.aqm_drops++;
    tell(path, HF_REASON_LINK_MANAGED, packet, length, 0, now);
    return false;
}

/* False: the queue is full (or there is no memory for it, which is as good). */
static bool may_wait(struct link_path *path, hf_time now)
{
    size_t waiting = waiting_line_count(&path->line, now);

    if (path->rules.rate_bits_per_second == 0 || path->wire_free <= now)
        return true;
    if (path->rules.queue_packets != 0 && waiting >= path->rules.queue_packets)
        return false;
    return waiting_line_join(&path->line, path->wire_free);
}

/* The fate is settled at once. */
static void send_at_once(struct link_path *path, const uint8_t *packet, size_t length, hf_time now)
{
    struct leaving leaving = {packet, length, path->number, path->bad, now};

    if (!may_wait(path, now)) {
        drop_waiting(path, packet, length, now);
        return;
    }
    if (path->rules.rate_bits_per_second != 0)
        count_wait(path, later(path->wire_free - now, 0));
    leave(path, &leaving);
}

static bool is_full(const struct link_path *path, size_t length, hf_time now)
{
    const struct hf_sim_direction *rules = &path->rules;

    if (path->first == NULL && path->wire_free <= now)
        return false;
    return (rules->queue_packets != 0 && path->queue_packets >= rules->queue_packets) ||
           (rules->queue_bytes != 0 && path->queue_bytes + length > rules->queue_bytes);
}

static bool red_picks(struct link_path *path, hf_time now)
{
    uint64_t idle_packets = 0;
    uint32_t luck_ppm = (uint32_t)link_random_up_to(path->random[LINK_PURPOSE_RED], path->number,
                                                    LINK_RANDOM_PPM - 1);

    if (path->rules.management != HF_SIM_RED)
        return false;
    if (path->first == NULL && path->wire_free < now) {
        uint64_t idle_us = (uint64_t)(now - path->wire_free) / 1000;
        uint64_t rate = path->rules.rate_bits_per_second;
        uint64_t packet_us = rate == 0 ? 0 : TYPICAL_PACKET_BITS * UINT64_C(1000000) / rate;
        idle_packets = idle_us / (packet_us > 0 ? packet_us : 1);
    }
    return red_condemns(&path->red, path->queue_bytes, idle_packets, luck_ppm);
}

static void send_to_queue(struct link_path *path, const uint8_t *packet, size_t length, hf_time now)
{
    struct link_waiting *waiting =
        is_full(path, length, now) ? NULL : malloc(sizeof *waiting + length);

    if (waiting == NULL) {
        drop_waiting(path, packet, length, now);
        return;
    }
    *waiting = (struct link_waiting){
        .entered = now, .number = path->number, .bad = path->bad, .length = length};
    memcpy(waiting->bytes, packet, length);
    if (red_picks(path, now) && !mark_instead(path, waiting->bytes, length, now)) {
        free(waiting);
        return;
    }
    if (path->first == NULL)
        path->first = waiting;
    else
        path->last->next = waiting;
    path->last = waiting;
    path->queue_packets++;
    path->queue_bytes += length;
    path->statistics.in_flight++;
}

hf_time link_path_next_turn(const struct link_path *path)
{
    return path->first == NULL ? HF_TIME_NEVER : later(path->wire_free, path->first->entered);
}

static void serve_head(struct link_path *path, hf_time now)
{
    struct link_waiting *head = path->first;
    struct leaving leaving = {head->bytes, head->length, head->number, head->bad, now};

    path->first = head->next;
    path->queue_packets--;
    path->queue_bytes -= head->length;
    path->statistics.in_flight--;
    if (path->rules.management != HF_SIM_CODEL ||
        !codel_condemns(&path->codel, now, now - head->entered, path->queue_bytes) ||
        mark_instead(path, head->bytes, head->length, now)) {
        count_wait(path, now - head->entered);
        leave(path, &leaving);
    }
    free(head);
}

void link_path_advance(struct link_path *path, hf_time now)
{
    for (hf_time turn = link_path_next_turn(path); turn <= now && turn != HF_TIME_NEVER;
         turn = link_path_next_turn(path))
        serve_head(path, turn);
}

/* ---- Entering */

/* The chain steps once per packet, whatever becomes of the packet. */
static void step_burst(struct link_path *path)
{
    uint32_t leave_ppm = path->rules.burst_leave_ppm;

    if (path->rules.burst_enter_ppm == 0)
        path->bad = false;
    else if (path->bad)
        path->bad = !chance(path, LINK_PURPOSE_BURST_STATE, path->number, leave_ppm);
    else
        path->bad =
            chance(path, LINK_PURPOSE_BURST_STATE, path->number, path->rules.burst_enter_ppm);
}

/* The message takes the other way's delay and nothing else of its rules. */
static void answer_too_big(struct link_path *path, const uint8_t *packet, size_t length,
                           hf_time now)
{
    const struct hf_address *router =
        &path->rules.router[length > 0 && packet[0] >> 4 == 6 ? 1 : 0];
    struct link_path *back = path->back;
    uint8_t message[TOO_BIG_MAX_BYTES];
    size_t message_length = too_big(packet, length, path->rules.mtu, router, message);

    if (message_length == 0 || back == NULL ||
        packet_heap_add(back->arrivals, time_add(now, back->rules.delay_ns), path->from, message,
                        message_length) == NULL)
        return;
    back->statistics.in_flight++;
    path->statistics.too_big++;
}

static void drop_too_big(struct link_path *path, const uint8_t *packet, size_t length, hf_time now)
{
    path->statistics.mtu_drops++;
    tell(path, HF_REASON_LINK_MTU, packet, length, 0, now);
    if (path->rules.too_big)
        answer_too_big(path, packet, length, now);
}

void link_path_send(struct link_path *path, const uint8_t *packet, size_t length, hf_time now)
{
    path->number++;
    path->statistics.sent++;
    step_burst(path);
    if (path->rules.mtu != 0 && length > path->rules.mtu) {
        drop_too_big(path, packet, length, now);
    } else if (path->rules.management == HF_SIM_DROP_TAIL && path->rules.queue_bytes == 0 &&
               path->first == NULL) {
        send_at_once(path, packet, length, now);
    } else {
        link_path_advance(path, now);
        send_to_queue(path, packet, length, now);
        link_path_advance(path, now);
    }
}
