/* SPDX-License-Identifier: MIT
 *
 * See flight_model.h.
 */
#include "flight_model.h"

#include <stdlib.h>
#include <string.h>

static uint32_t length_of(const struct flight_segment *segment)
{
    return segment->end - segment->seq;
}

/* Takes the segment out of the sums, or puts it in. */
static void uncount(struct flight_model *model, const struct flight_segment *segment)
{
    uint32_t *sum = segment->sacked  ? &model->sacked_bytes
                    : segment->waits ? &model->waiting_bytes
                                     : &model->pipe_bytes;
    *sum -= length_of(segment);
}

static void count(struct flight_model *model, const struct flight_segment *segment)
{
    uint32_t *sum = segment->sacked  ? &model->sacked_bytes
                    : segment->waits ? &model->waiting_bytes
                                     : &model->pipe_bytes;
    *sum += length_of(segment);
}

/* A full house doubles; `bytes` each. */
static void *grown(void *memory, size_t *capacity, size_t bytes)
{
    *capacity = *capacity == 0 ? 64 : *capacity * 2;
    memory = realloc(memory, *capacity * bytes);
    if (memory == NULL)
        abort();
    return memory;
}

static void make_room(struct flight_model *model)
{
    size_t used = model->end - model->first;

    if (model->end < model->capacity)
        return;
    if (used > model->capacity / 2 || model->capacity == 0) {
        model->segments = grown(model->segments, &model->capacity, sizeof model->segments[0]);
    }
    memmove(model->segments, model->segments + model->first, used * sizeof model->segments[0]);
    model->first = 0;
    model->end = used;
}

static void leave(struct flight_model *model, struct flight_segment *segment)
{
    if (model->end - model->first <= 1)
        model->delivered_time = model->now;
    segment->left =
        (struct flight_arrival){model->now, model->delivered_time, model->delivered_bytes};
}

static uint32_t arrive(struct flight_model *model, const struct flight_segment *segment,
                       uint32_t bytes)
{
    if (model->arrived_count == model->arrived_capacity)
        model->arrived = grown(model->arrived, &model->arrived_capacity, sizeof model->arrived[0]);
    model->arrived[model->arrived_count++] = segment->left;
    model->delivered_bytes += bytes;
    model->delivered_time = model->now;
    return bytes;
}

void flight_model_begin_ack(struct flight_model *model)
{
    model->arrived_count = 0;
}

/* The first segment that begins at or after `seq`. */
static size_t find(const struct flight_model *model, uint32_t seq)
{
    size_t low = model->first, high = model->end;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (flight_before(model->segments[middle].seq, seq))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool flight_model_append(struct flight_model *model, uint32_t seq, uint32_t end)
{
    struct flight_segment segment = {.seq = seq, .end = end};

    if (model->end > model->first && flight_before(seq, model->segments[model->end - 1].end))
        return false;
    make_room(model);
    model->segments[model->end++] = segment;
    leave(model, &model->segments[model->end - 1]);
    count(model, &segment);
    return true;
}

uint32_t flight_model_repeat(struct flight_model *model, uint32_t seq, bool *waited)
{
    size_t i = find(model, seq);
    struct flight_segment *segment = model->segments + i;

    if (i == model->end || segment->seq != seq)
        return 0;
    uncount(model, segment);
    *waited = segment->waits;
    segment->waits = false;
    segment->left =
        (struct flight_arrival){model->now, model->delivered_time, model->delivered_bytes};
    count(model, segment);
    return length_of(segment);
}

void flight_model_lose(struct flight_model *model, uint32_t seq)
{
    size_t i = find(model, seq);
    struct flight_segment *segment = model->segments + i;

    if (i == model->end || segment->seq != seq || segment->sacked)
        return;
    uncount(model, segment);
    segment->waits = true;
    count(model, segment);
}

uint32_t flight_model_acknowledge(struct flight_model *model, uint32_t ack)
{
    uint32_t delivered = 0;

    while (model->first < model->end) {
        struct flight_segment *segment = model->segments + model->first;
        if (!flight_before(segment->seq, ack))
            break;
        uncount(model, segment);
        if (flight_before(ack, segment->end)) {
            delivered += segment->sacked ? 0 : arrive(model, segment, ack - segment->seq);
            segment->seq = ack;
            count(model, segment);
            break;
        }
        delivered += segment->sacked ? 0 : arrive(model, segment, length_of(segment));
        model->first++;
    }
    return delivered;
}

/* A segment of which only a part is reported is not. */
uint32_t flight_model_report(struct flight_model *model, uint32_t left, uint32_t right)
{
    uint32_t delivered = 0;

    for (size_t i = find(model, left); i < model->end; i++) {
        struct flight_segment *segment = model->segments + i;
        if (flight_before(right, segment->end))
            break;
        if (segment->sacked)
            continue;
        uncount(model, segment);
        segment->sacked = true;
        segment->waits = false;
        count(model, segment);
        delivered += arrive(model, segment, length_of(segment));
    }
    return delivered;
}

void flight_model_unlose(struct flight_model *model)
{
    for (size_t i = model->first; i < model->end; i++) {
        struct flight_segment *segment = model->segments + i;
        uncount(model, segment);
        segment->waits = false;
        count(model, segment);
    }
}

void flight_model_forget_reports(struct flight_model *model)
{
    model->reneged = true;
    for (size_t i = model->first; i < model->end; i++) {
        struct flight_segment *segment = model->segments + i;
        uncount(model, segment);
        segment->sacked = false;
        count(model, segment);
    }
}

void flight_model_free(struct flight_model *model)
{
    free(model->segments);
    free(model->arrived);
    memset(model, 0, sizeof *model);
}
