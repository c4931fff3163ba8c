/* SPDX-License-Identifier: MIT
 *
 * One event, several readers. The struct is the caller's and may be changed between events; a sink
 * without a function is passed over, and a count past the array counts as the whole array.
 */
#include <handfast/trace.h>

#define TEE_SINKS (sizeof((struct hf_trace_tee *)0)->sinks / sizeof(struct hf_trace_sink))

static void tee_event(void *context, const struct hf_trace_event *event)
{
    const struct hf_trace_tee *tee = context;
    size_t count = tee->count < TEE_SINKS ? tee->count : TEE_SINKS;

    for (size_t i = 0; i < count; i++) {
        if (tee->sinks[i].event)
            tee->sinks[i].event(tee->sinks[i].context, event);
    }
}

struct hf_trace_sink hf_trace_tee_sink(struct hf_trace_tee *tee)
{
    struct hf_trace_sink sink = {tee_event, tee};

    return sink;
}
