/* SPDX-License-Identifier: MIT
 *
 * --pcap, --trace and --ladder: the files that a stack's events are written to.
 */
#ifndef TRACING_H
#define TRACING_H

#include "network_options.h"

#include <stdio.h>

struct tracing {
    FILE *pcap_file, *trace_file;
    struct hf_pcapng *pcapng;
    struct hf_json_trace *json;
    struct hf_ladder *ladder;
    struct hf_trace_tee tee;
    const char *pcap_path, *trace_path;
};

/* EXIT_CODE_OK, or another after complaining; tracing_close is needed in either case. `epoch_ns`
 * is the wall clock when the stack's clock reads 0. */
int tracing_open(struct tracing *tracing, const struct network_options *network, int64_t epoch_ns);
/* For config.trace: valid while `tracing` stays where it is. No function when there is nothing to
 * write. */
struct hf_trace_sink tracing_sink(struct tracing *tracing);
/* Lets readers of the files see what was written so far. */
void tracing_flush(struct tracing *tracing);
/* EXIT_CODE_OK, or another after complaining about a file that could not be written. */
int tracing_close(struct tracing *tracing);

#endif
