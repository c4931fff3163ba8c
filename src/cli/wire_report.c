/* SPDX-License-Identifier: MIT
 *
 * What a wire did, for people and for programs: the same rows.
 */
#include "wire.h"

#include <inttypes.h>
#include <string.h>

static const struct {
    const char *label, *key;
} rows[] = {
    {"packets read", "packets_read"},
    {"delivered", "delivered"},
    {"bytes delivered", "bytes_delivered"},
    {"lost", "lost"},
    {"queue full", "queue_drops"},
    {"dropped by management", "managed_drops"},
    {"marked CE", "marked"},
    {"too large", "mtu_drops"},
    {"told so by ICMP", "too_big"},
    {"delivered twice", "duplicated"},
    {"held back", "reordered"},
    {"corrupted", "corrupted"},
    {"under way", "in_flight"},
    {"mean wait in queue, us", "queue_mean_us"},
    {"longest wait, us", "queue_max_us"},
    {"refused by the device", "refused"},
    {"mean lateness, us", "late_mean_us"},
    {"worst lateness, us", "late_max_us"},
};

enum { ROWS = sizeof rows / sizeof rows[0] };

static uint64_t mean_us(hf_time total_ns, uint64_t count)
{
    return count == 0 ? 0 : (uint64_t)(total_ns / HF_MICROSECOND) / count;
}

/* In the order of the rows. */
static void collect(const struct wire *wire, int way, uint64_t values[ROWS])
{
    struct hf_sim_statistics did = hf_path_statistics(wire->paths[way]);
    int to = 1 - way;
    const uint64_t collected[ROWS] = {
        did.sent,
        did.delivered,
        did.bytes_delivered,
        did.lost,
        did.queue_drops,
        did.aqm_drops,
        did.marked,
        did.mtu_drops,
        did.too_big,
        did.duplicated,
        did.reordered,
        did.corrupted,
        did.in_flight,
        mean_us(did.queue_ns, did.turns),
        (uint64_t)(did.queue_ns_max / HF_MICROSECOND),
        wire->refused[to],
        mean_us(wire->late_total_ns[to], wire->passed[to]),
        (uint64_t)(wire->late_ns[to] / HF_MICROSECOND),
    };

    memcpy(values, collected, sizeof collected);
}

void wire_report_table(const struct wire *wire, hf_time now_ns, FILE *out)
{
    const struct wire_end *ends = wire->options->ends;
    uint64_t values[2][ROWS];

    for (int way = 0; way < 2; way++)
        collect(wire, way, values[way]);
    fprintf(out, "%.3f s    forward: %s to %s, backward: the other way\n",
            (double)(now_ns - wire->start_ns) / 1e9, ends[0].text, ends[1].text);
    fprintf(out, "%-24s %15s %15s\n", "", "forward", "backward");
    for (size_t i = 0; i < ROWS; i++)
        fprintf(out, "%-24s %15" PRIu64 " %15" PRIu64 "\n", rows[i].label, values[0][i],
                values[1][i]);
    fflush(out);
}

void wire_report_json(const struct wire *wire, hf_time now_ns, FILE *out)
{
    static const char *const names[2] = {"forward", "backward"};
    uint64_t values[2][ROWS];

    for (int way = 0; way < 2; way++)
        collect(wire, way, values[way]);
    fprintf(out, "{\"seconds\": %.6f, \"seed\": %" PRIu64, (double)(now_ns - wire->start_ns) / 1e9,
            wire->options->seed);
    for (int way = 0; way < 2; way++) {
        fprintf(out, ", \"%s\": {", names[way]);
        for (size_t i = 0; i < ROWS; i++)
            fprintf(out, "%s\"%s\": %" PRIu64, i == 0 ? "" : ", ", rows[i].key, values[way][i]);
        fprintf(out, "}");
    }
    fprintf(out, "}\n");
}
