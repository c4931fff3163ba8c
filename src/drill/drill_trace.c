/* SPDX-License-Identifier: MIT
 *
 * What the stack says about itself while a script runs: the last few events are kept as lines and
 * shown when something is not as expected, so that the reason stands beside the difference.
 */
#include "drill_run.h"

#include <string.h>

static void note(void *context, const struct hf_trace_event *event)
{
    struct drill_run *run = context;
    char *line = run->trace[run->trace_count++ % DRILL_TRACE_LINES];
    char time[32], detail[80] = "";
    if (event->kind == HF_TRACE_STATE)
        snprintf(detail, sizeof detail, "%s -> %s, ", hf_state_name(event->state_before),
                 hf_state_name(event->state));
    else if (event->kind == HF_TRACE_CWND)
        snprintf(detail, sizeof detail, "%lld -> %u, ssthresh %u, ", (long long)event->value,
                 event->numbers.cwnd_bytes, event->numbers.ssthresh_bytes);
    else if (event->kind == HF_TRACE_RTT)
        snprintf(detail, sizeof detail, "%lld us, rto %lld us, ",
                 (long long)(event->value / HF_MICROSECOND),
                 (long long)(event->numbers.rto_ns / HF_MICROSECOND));
    snprintf(line, DRILL_TRACE_BYTES, "%s %-8s %s%s: %s (%s)",
             run_time_text(run, event->time, time), hf_trace_kind_name(event->kind), detail,
             hf_reason_name(event->reason), hf_reason_sentence(event->reason),
             hf_reason_source(event->reason));
}

struct hf_trace_sink run_trace_sink(struct drill_run *run)
{
    struct hf_ladder_options options;
    memset(&options, 0, sizeof options);
    run->tee.sinks[run->tee.count++] = (struct hf_trace_sink){note, run};
    if (run->settings->ladder) {
        run->ladder = hf_ladder_new(run->out, &options);
        if (run->ladder != NULL)
            run->tee.sinks[run->tee.count++] = hf_ladder_sink(run->ladder);
    }
    return hf_trace_tee_sink(&run->tee);
}

void run_print_trace(const struct drill_run *run)
{
    uint64_t first =
        run->trace_count > DRILL_TRACE_LINES ? run->trace_count - DRILL_TRACE_LINES : 0;
    if (first < run->trace_count)
        fprintf(run->out, "    what the stack says:\n");
    for (uint64_t i = first; i < run->trace_count; i++)
        fprintf(run->out, "      %s\n", run->trace[i % DRILL_TRACE_LINES]);
}
