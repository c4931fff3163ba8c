/* SPDX-License-Identifier: MIT
 *
 * A link_path with arrivals of its own.
 */
#include "link_path.h"

#include <handfast/path.h>
#include <stdlib.h>
#include <string.h>

struct hf_path {
    struct link_path way;
    struct packet_heap under_way;
};

struct hf_path *hf_path_new(const struct hf_sim_direction *rules, uint64_t seed)
{
    struct hf_path *path;

    if (rules == NULL || !link_rules_are_sane(rules))
        return NULL;
    path = calloc(1, sizeof *path);
    if (path == NULL)
        return NULL;
    path->way.arrivals = &path->under_way;
    link_path_init(&path->way, seed, rules);
    return path;
}

void hf_path_free(struct hf_path *path)
{
    if (path == NULL)
        return;
    packet_heap_clear(&path->under_way);
    link_path_clear(&path->way);
    free(path);
}

void hf_path_set_back(struct hf_path *path, struct hf_path *back)
{
    path->way.back = back != NULL ? &back->way : NULL;
}

int hf_path_set_rules(struct hf_path *path, const struct hf_sim_direction *rules)
{
    if (rules == NULL || !link_rules_are_sane(rules))
        return HF_EINVAL;
    link_path_set_rules(&path->way, rules);
    return HF_OK;
}

int hf_path_send(struct hf_path *path, const void *packet, size_t length, hf_time now)
{
    if (packet == NULL || length == 0 || length > LINK_PACKET_MAX_BYTES || now < 0 ||
        now > LINK_TIME_MAX_NS)
        return HF_EINVAL;
    link_path_send(&path->way, packet, length, now);
    return HF_OK;
}

hf_time hf_path_next_time(const struct hf_path *path)
{
    hf_time turn = link_path_next_turn(&path->way);
    hf_time arrival = packet_heap_next_time(&path->under_way);

    return turn < arrival ? turn : arrival;
}

ptrdiff_t hf_path_take(struct hf_path *path, void *packet, size_t capacity, hf_time now)
{
    struct hf_sim_statistics *statistics = &path->way.statistics;
    const struct packet_under_way *next;
    struct packet_under_way *taken;
    size_t length;

    link_path_advance(&path->way, now);
    next = packet_heap_first(&path->under_way);
    if (next == NULL || packet_heap_next_time(&path->under_way) > now)
        return 0;
    if (next->length > capacity)
        return HF_EMSGSIZE;
    taken = packet_heap_take(&path->under_way);
    length = taken->length;
    memcpy(packet, taken->bytes, length);
    free(taken);
    statistics->in_flight--;
    statistics->delivered++;
    statistics->bytes_delivered += length;
    return (ptrdiff_t)length;
}

struct hf_sim_statistics hf_path_statistics(const struct hf_path *path)
{
    return path->way.statistics;
}
