/* SPDX-License-Identifier: MIT
 *
 * See rate_oracle.h.
 */
#include "rate_oracle.h"

#include <inttypes.h>

#define TIMESTAMP_US 1000 /* by which a round trip may be measured */

/* Bytes a second; times are counted in whole microseconds. */
static uint64_t fastest(const struct flight_model *flight, hf_time now)
{
    uint64_t most = 0;

    for (size_t i = 0; i < flight->arrived_count; i++) {
        const struct flight_arrival *arrival = flight->arrived + i;
        hf_time interval_us = (now - arrival->delivered_time) / HF_MICROSECOND;
        uint64_t bytes = flight->delivered_bytes - arrival->delivered_bytes, rate;
        if (interval_us <= 0)
            return UINT64_MAX;
        rate = bytes * 1000000 / (uint64_t)interval_us;
        most = rate > most ? rate : most;
    }
    return most;
}

static hf_time shortest_us(const struct flight_model *flight, hf_time now)
{
    hf_time least = INT64_MAX;

    for (size_t i = 0; i < flight->arrived_count; i++) {
        hf_time rtt_us = (now - flight->arrived[i].sent) / HF_MICROSECOND;
        least = rtt_us < least ? rtt_us : least;
    }
    return least;
}

static void note_stamp(struct rate_oracle *oracle, uint32_t value, hf_time now)
{
    if (oracle->stamps[oracle->newest].value != value)
        oracle->newest = (oracle->newest + 1) % RATE_ORACLE_STAMPS;
    oracle->stamps[oracle->newest].value = value;
    oracle->stamps[oracle->newest].sent = now;
}

static hf_time echoed_us(const struct rate_oracle *oracle, const struct hf_trace_event *event)
{
    for (unsigned i = 0; i < RATE_ORACLE_STAMPS; i++) {
        if (oracle->stamps[i].value == event->segment->ts_echo && oracle->stamps[i].sent > 0)
            return (event->time - oracle->stamps[i].sent) / HF_MICROSECOND;
    }
    return INT64_MAX;
}

static void judge(struct rate_oracle *oracle, const struct flight_model *flight,
                  const struct hf_trace_event *event)
{
    const struct bbr_oracle_news *news = bbr_oracle_news();
    hf_time shortest = shortest_us(flight, event->time);

    if (news->rate > fastest(flight, event->time))
        oracle_fail(&oracle->failure, event->time,
                    "BBR is told %" PRIu64 " bytes a second, the packets show %" PRIu64, news->rate,
                    fastest(flight, event->time));
    if (news->rtt_us == 0 || news->rtt_us + TIMESTAMP_US >= shortest)
        return;
    if (!event->segment->has_timestamps || news->rtt_us + TIMESTAMP_US < echoed_us(oracle, event))
        oracle_fail(&oracle->failure, event->time,
                    "BBR is told a round trip of %" PRIu32 " us, the packets show %" PRId64,
                    news->rtt_us, shortest);
}

void rate_oracle_take(struct rate_oracle *oracle, const struct flight_model *flight,
                      const struct hf_trace_event *event)
{
    const struct bbr_oracle_news *news = bbr_oracle_news();

    if (event->segment == NULL)
        return;
    if (event->kind == HF_TRACE_SENT && event->segment->has_timestamps)
        note_stamp(oracle, event->segment->ts_value, event->time);
    if (event->kind != HF_TRACE_RECEIVED || flight->reneged || news->when != event->time ||
        news->judged == oracle->judged || flight->arrived_count == 0)
        return;
    oracle->judged = news->judged;
    judge(oracle, flight, event);
}
