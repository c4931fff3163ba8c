/* SPDX-License-Identifier: MIT
 *
 * The network of bottleneck.h: the library's paths (path.h) between pairs of hosts, and a loop that
 * goes from one thing that happens to the next.
 */
#include "bottleneck.h"

#include <stdlib.h>
#include <string.h>

enum { MTU = 1500, BUFFER_MOST = 64 << 20 };

struct pair {
    struct hf_stack *near, *far; /* near sends */
    struct hf_path *access, *back;
    hf_handle listener, call, visit;
    uint64_t given;
    bool opened, shut;
};

struct bottleneck {
    struct bottleneck_flow *flows;
    struct pair pairs[BOTTLENECK_FLOWS_MAX];
    struct hf_path *queue;
    unsigned count;
    hf_time now;
    uint8_t packet[MTU], chunk[65536];
};

static struct hf_sim_direction queue_rules(const struct bottleneck_path *path)
{
    return (struct hf_sim_direction){.rate_bits_per_second = path->rate_bits_per_second,
                                     .queue_bytes = path->queue_bytes,
                                     .management =
                                         path->codel_ecn ? HF_SIM_CODEL : HF_SIM_DROP_TAIL,
                                     .mark = path->codel_ecn,
                                     .loss_ppm = path->loss_ppm};
}

static bool make_pair(struct bottleneck *bottleneck, const struct bottleneck_path *path, unsigned i)
{
    struct pair *pair = &bottleneck->pairs[i];
    const struct bottleneck_flow *flow = &bottleneck->flows[i];
    struct hf_config config = hf_config_default();
    struct hf_address here = hf_address_ipv4(10, 0, (uint8_t)i, 1);
    struct hf_endpoint there = {hf_address_ipv4(10, 0, (uint8_t)i, 2), 80};
    struct hf_sim_direction rules = {.delay_ns = flow->rtt_ns / 2,
                                     .reorder_ppm = path->reorder_ppm};
    memset(config.seed, (int)(path->seed * 31 + i + 1) & 0xff, sizeof config.seed);
    config.congestion_control = flow->algorithm;
    config.ecn = path->codel_ecn ? 1 : 2;
    config.send_buffer_max_bytes = config.receive_buffer_max_bytes = BUFFER_MOST;
    config.mtu = MTU;
    pair->far = hf_stack_new(&config);
    config.trace = flow->trace;
    pair->near = hf_stack_new(&config);
    rules.reorder_ns = flow->rtt_ns / 8 > 250000 ? flow->rtt_ns / 8 : 250000;
    pair->access = hf_path_new(&rules, path->seed * 100 + 2 * i + 1);
    rules = queue_rules(path);
    rules.delay_ns = flow->rtt_ns / 2;
    pair->back = hf_path_new(&rules, path->seed * 100 + 2 * i + 2);
    pair->visit = HF_NO_HANDLE;
    return pair->near != NULL && pair->far != NULL && pair->access != NULL && pair->back != NULL &&
           hf_stack_add_address(pair->near, &here) == HF_OK &&
           hf_stack_add_address(pair->far, &there.address) == HF_OK &&
           hf_listen(pair->far, &there, 1, &pair->listener) == HF_OK;
}

struct bottleneck *bottleneck_new(const struct bottleneck_path *path, struct bottleneck_flow *flows,
                                  unsigned count)
{
    struct bottleneck *bottleneck = calloc(1, sizeof *bottleneck);
    struct hf_sim_direction rules = queue_rules(path);
    if (bottleneck == NULL)
        return NULL;
    bottleneck->flows = flows;
    bottleneck->queue = hf_path_new(&rules, path->seed * 100);
    for (; bottleneck->queue != NULL && bottleneck->count < count; bottleneck->count++) {
        if (!make_pair(bottleneck, path, bottleneck->count))
            break;
    }
    if (bottleneck->count == count)
        return bottleneck;
    bottleneck->count += bottleneck->queue != NULL;
    bottleneck_free(bottleneck);
    return NULL;
}

void bottleneck_free(struct bottleneck *bottleneck)
{
    for (unsigned i = 0; i < bottleneck->count; i++) {
        hf_stack_free(bottleneck->pairs[i].near);
        hf_stack_free(bottleneck->pairs[i].far);
        hf_path_free(bottleneck->pairs[i].access);
        hf_path_free(bottleneck->pairs[i].back);
    }
    hf_path_free(bottleneck->queue);
    free(bottleneck);
}

static void send_all(struct bottleneck *bottleneck, unsigned i)
{
    struct pair *pair = &bottleneck->pairs[i];
    const struct bottleneck_flow *flow = &bottleneck->flows[i];
    ptrdiff_t took = 1;
    while (!pair->shut && took > 0) {
        uint64_t left = flow->bytes == 0 ? sizeof bottleneck->chunk : flow->bytes - pair->given;
        if (left == 0 || (flow->stop_ns > 0 && bottleneck->now >= flow->stop_ns)) {
            pair->shut = true;
            hf_shutdown(pair->near, pair->call, bottleneck->now);
            return;
        }
        took = hf_send(pair->near, pair->call, bottleneck->chunk,
                       left < sizeof bottleneck->chunk ? (size_t)left : sizeof bottleneck->chunk, 0,
                       bottleneck->now);
        pair->given += took > 0 ? (uint64_t)took : 0;
    }
}

static void read_all(struct bottleneck *bottleneck, unsigned i)
{
    struct pair *pair = &bottleneck->pairs[i];
    struct bottleneck_flow *flow = &bottleneck->flows[i];
    ptrdiff_t got;
    if (pair->visit == HF_NO_HANDLE &&
        hf_accept(pair->far, pair->listener, &pair->visit, NULL) != HF_OK)
        return;
    while ((got = hf_recv(pair->far, pair->visit, bottleneck->chunk, sizeof bottleneck->chunk, 0,
                          bottleneck->now)) > 0)
        flow->received += (uint64_t)got;
    if (pair->shut && flow->received == pair->given && flow->complete_ns == 0)
        flow->complete_ns = bottleneck->now - flow->start_ns;
}

/* Whatever a pair has to do at this moment; true: it did something. */
static bool attend(struct bottleneck *bottleneck, unsigned i)
{
    struct pair *pair = &bottleneck->pairs[i];
    hf_time now = bottleneck->now;
    struct hf_event event;
    ptrdiff_t length;
    bool busy = false;
    if (!pair->opened && now >= bottleneck->flows[i].start_ns) {
        struct hf_endpoint there = {hf_address_ipv4(10, 0, (uint8_t)i, 2), 80};
        pair->opened = hf_connect(pair->near, NULL, &there, now, &pair->call) == HF_OK;
    }
    while ((length = hf_path_take(pair->access, bottleneck->packet, MTU, now)) > 0) {
        hf_stack_input(pair->far, bottleneck->packet, (size_t)length, now);
        while ((length = hf_stack_output(pair->far, bottleneck->packet, MTU, now)) > 0)
            hf_path_send(pair->back, bottleneck->packet, (size_t)length, now);
        busy = true;
    }
    while ((length = hf_path_take(pair->back, bottleneck->packet, MTU, now)) > 0) {
        hf_stack_input(pair->near, bottleneck->packet, (size_t)length, now);
        busy = true;
    }
    if (pair->opened)
        send_all(bottleneck, i);
    read_all(bottleneck, i);
    while (hf_stack_next_event(pair->near, &event) || hf_stack_next_event(pair->far, &event))
        continue;
    while ((length = hf_stack_output(pair->near, bottleneck->packet, MTU, now)) > 0) {
        hf_path_send(bottleneck->queue, bottleneck->packet, (size_t)length, now);
        busy = true;
    }
    while ((length = hf_stack_output(pair->far, bottleneck->packet, MTU, now)) > 0) {
        hf_path_send(pair->back, bottleneck->packet, (size_t)length, now);
        busy = true;
    }
    return busy;
}

static hf_time earlier(hf_time a, hf_time b)
{
    return a < b ? a : b;
}

static hf_time next_time(const struct bottleneck *bottleneck)
{
    hf_time next = hf_path_next_time(bottleneck->queue);
    for (unsigned i = 0; i < bottleneck->count; i++) {
        const struct pair *pair = &bottleneck->pairs[i];
        next = earlier(next, hf_path_next_time(pair->access));
        next = earlier(next, hf_path_next_time(pair->back));
        next = earlier(next, hf_stack_next_deadline(pair->near));
        next = earlier(next, hf_stack_next_deadline(pair->far));
        if (!pair->opened)
            next = earlier(next, bottleneck->flows[i].start_ns);
    }
    return next;
}

/* The third octet of the destination says whose it is. */
static void cross(struct bottleneck *bottleneck)
{
    ptrdiff_t length;
    while ((length = hf_path_take(bottleneck->queue, bottleneck->packet, MTU, bottleneck->now)) > 0)
        hf_path_send(bottleneck->pairs[bottleneck->packet[18]].access, bottleneck->packet,
                     (size_t)length, bottleneck->now);
}

static bool all_complete(const struct bottleneck *bottleneck)
{
    for (unsigned i = 0; i < bottleneck->count; i++) {
        const struct bottleneck_flow *flow = &bottleneck->flows[i];
        if ((flow->bytes > 0 || flow->stop_ns > 0) && flow->complete_ns == 0)
            return false;
    }
    return true;
}

static void run(struct bottleneck *bottleneck, hf_time until, bool to_the_end)
{
    while (bottleneck->now < until && (!to_the_end || !all_complete(bottleneck))) {
        hf_time next;
        bool busy;
        do {
            busy = false;
            cross(bottleneck);
            for (unsigned i = 0; i < bottleneck->count; i++)
                busy |= attend(bottleneck, i);
        } while (busy);
        next = earlier(next_time(bottleneck), until);
        bottleneck->now = next > bottleneck->now ? next : bottleneck->now;
    }
    for (unsigned i = 0; i < bottleneck->count; i++) {
        if (bottleneck->pairs[i].opened)
            hf_status(bottleneck->pairs[i].near, bottleneck->pairs[i].call,
                      &bottleneck->flows[i].status);
    }
}

void bottleneck_run(struct bottleneck *bottleneck, hf_time until)
{
    run(bottleneck, until, false);
}

void bottleneck_finish(struct bottleneck *bottleneck, hf_time until)
{
    run(bottleneck, until, true);
}

struct hf_sim_statistics bottleneck_statistics(const struct bottleneck *bottleneck)
{
    return hf_path_statistics(bottleneck->queue);
}

void bottleneck_set_rules(struct bottleneck *bottleneck, const struct bottleneck_path *path)
{
    struct hf_sim_direction rules = queue_rules(path);
    hf_path_set_rules(bottleneck->queue, &rules);
}
