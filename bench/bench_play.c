/* SPDX-License-Identifier: MIT
 *
 * The kinds of measurement by name, and what is the same for all of them.
 */
#include "bench_play.h"

#include "bench_kinds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct kind {
    const char *name;
    const char *summary;
    void (*run)(struct bench_report *report);
};

static const struct kind kinds[] = {
    {"bulk", "bytes from program to program, two hosts in one process, one thread", bench_bulk},
    {"connections", "connections a second: open, a byte each way, close", bench_connections},
    {"idle", "idle connections of one host: what they hold, what waking some costs", bench_idle},
    {"memory", "where every byte goes: at rest, awake, half open, in TIME-WAIT", bench_memory},
    {"timers", "the timing wheel by the number of timers", bench_timers},
    {"lookup", "the flow table by the number of flows", bench_lookup},
    {"tun", "one stream over a TUN device with the kernel as the peer", bench_tun},
    {"latency", "a request and its response: in one process, over TUN", bench_latency},
    {"scale", "all cores at once, each with hosts of its own, beside one alone", bench_scale},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

const char *const bench_kinds[] = {"bulk",   "connections", "idle",    "memory", "timers",
                                   "lookup", "tun",         "latency", "scale",  NULL};
_Static_assert(sizeof bench_kinds / sizeof bench_kinds[0] == KINDS + 1, "each kind has its name");

static const struct kind *find(const char *name)
{
    for (size_t i = 0; i < KINDS; i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

const char *bench_kind_summary(const char *name)
{
    const struct kind *kind = find(name);
    return kind != NULL ? kind->summary : NULL;
}

int bench_play(const struct bench_plan *plan)
{
    const struct kind *kind = find(plan->kind);
    struct bench_report *report = kind != NULL ? report_new(plan) : NULL;
    int status = BENCH_DONE;
    if (report == NULL) {
        fprintf(stderr, "handfast: bench %s: out of memory\n", plan->kind);
        return BENCH_FAILED;
    }
    kind->run(report);
    report_print(report, stdout);
    if (plan->json_path != NULL && !report_write_json(report, plan->json_path)) {
        fprintf(stderr, "handfast: bench %s: cannot write '%s': %s\n", plan->kind, plan->json_path,
                strerror(errno));
        status = BENCH_UNWRITTEN;
    }
    free(report);
    return status;
}
