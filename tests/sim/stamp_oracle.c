/* SPDX-License-Identifier: MIT
 *
 * See stamp_oracle.h.
 */
#include "stamp_oracle.h"

#include <inttypes.h>

static bool before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

/* A tick is a millisecond. */
static uint32_t clock_at(const struct stamp_oracle *oracle, hf_time now)
{
    return oracle->first_stamp +
           (uint32_t)(now / HF_MILLISECOND - oracle->first_time / HF_MILLISECOND);
}

static void drop_acknowledged(struct stamp_oracle *oracle, uint32_t una)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < oracle->count; i++) {
        if (!before(oracle->out[i].seq, una))
            oracle->out[kept++] = oracle->out[i];
        else if (before(oracle->below, oracle->out[i].stamp))
            oracle->below = oracle->out[i].stamp;
    }
    oracle->count = kept;
}

static void judge(struct stamp_oracle *oracle, const struct hf_trace_event *event)
{
    const struct hf_trace_segment *segment = event->segment;
    uint32_t now = clock_at(oracle, event->time), stamp = segment->ts_value;
    uint32_t least = oracle->below;

    for (uint32_t i = 0; i < oracle->count; i++) {
        if (!oracle->out[i].bare && oracle->out[i].seq == segment->seq &&
            oracle->out[i].stamp == stamp && stamp != now)
            oracle_fail(&oracle->failure, event->time,
                        "%" PRIu32 " leaves again with the TSval that it had, %" PRIu32,
                        segment->seq, stamp);
        if (!before(segment->seq, oracle->out[i].seq) && before(least, oracle->out[i].stamp))
            least = oracle->out[i].stamp;
    }
    if (before(stamp, least))
        oracle_fail(&oracle->failure, event->time,
                    "TSval %" PRIu32 " of %" PRIu32 " is older than %" PRIu32 " before it", stamp,
                    segment->seq, least);
    if (before(now, stamp))
        oracle_fail(&oracle->failure, event->time,
                    "TSval %" PRIu32 " of %" PRIu32 " is of the future", stamp, segment->seq);
    oracle->set_back += before(stamp, now);
}

/* A bare ACK may become TS.Recent, too, where all before it has arrived; of those in a row the last
 * one will do. */
static void remember(struct stamp_oracle *oracle, const struct hf_trace_segment *segment)
{
    bool bare = segment->length == 0 && !(segment->flags & (HF_SYN | HF_FIN));
    uint32_t last = oracle->count - 1;

    if (bare && oracle->count > 0 && oracle->out[last].bare &&
        oracle->out[last].seq == segment->seq) {
        oracle->out[last].stamp = segment->ts_value;
        return;
    }
    if (oracle->count == STAMP_ORACLE_SEGMENTS) {
        oracle->overflow = true;
        return;
    }
    oracle->out[oracle->count].bare = bare;
    oracle->out[oracle->count].seq = segment->seq;
    oracle->out[oracle->count++].stamp = segment->ts_value;
}

static void take_sent(struct stamp_oracle *oracle, const struct hf_trace_event *event)
{
    const struct hf_trace_segment *segment = event->segment;

    if (!oracle->begun) {
        oracle->begun = true;
        oracle->first_time = event->time;
        oracle->first_stamp = oracle->below = segment->ts_value;
    }
    if (!oracle->overflow)
        judge(oracle, event);
    remember(oracle, segment);
}

void stamp_oracle_take(struct stamp_oracle *oracle, const struct hf_trace_event *event)
{
    const struct hf_trace_segment *segment = event->segment;

    if (segment == NULL || !segment->has_timestamps)
        return;
    if (event->kind == HF_TRACE_SENT)
        take_sent(oracle, event);
    else if (event->kind == HF_TRACE_RECEIVED && oracle->begun)
        drop_acknowledged(oracle, event->numbers.snd_una);
}
