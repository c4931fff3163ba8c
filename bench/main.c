/* SPDX-License-Identifier: MIT
 *
 * handfast-bench: what the stack costs here, beside what moving the same bytes costs at the least.
 */
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNS 7
#define BULK_BYTES (UINT64_C(1) << 30)
#define FLOOR_SEGMENTS UINT64_C(1000000)
#define CONNECTIONS UINT64_C(100000)

static void print_machine(void)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "r");
    const char *model = "unknown processor";
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "model name", 10) == 0 && strchr(line, ':') != NULL) {
            line[strcspn(line, "\n")] = '\0';
            model = strchr(line, ':') + 2;
            break;
        }
    }
    printf("%s; compiled by %s; one thread; %d interleaved runs, median (least to most)\n\n", model,
           __VERSION__, RUNS);
    if (file != NULL) {
        fclose(file);
    }
}

static void print_row(const char *what, const struct measure *measure, const char *unit)
{
    printf("%-58s %10.2f %s (%.2f to %.2f)\n", what, measure_median(measure), unit,
           measure_least(measure), measure_most(measure));
}

int main(void)
{
    struct measure floor_ns = {.count = 0};
    struct measure bulk_ns = {.count = 0};
    struct measure bulk_rate = {.count = 0};
    struct measure ratio = {.count = 0};
    struct measure fin_rate = {.count = 0};
    struct measure rst_rate = {.count = 0};
    print_machine();
    floor_segment_ns(FLOOR_SEGMENTS / 10);
    bulk_run(BULK_BYTES / 10);
    for (int run = 0; run < RUNS; run++) {
        double least = floor_segment_ns(FLOOR_SEGMENTS);
        struct bulk_result bulk = bulk_run(BULK_BYTES);
        measure_add(&floor_ns, least);
        measure_add(&bulk_ns, bulk.segment_ns);
        measure_add(&bulk_rate, bulk.gigabits_per_second);
        measure_add(&ratio, least / bulk.segment_ns);
        measure_add(&fin_rate, connections_run(CONNECTIONS, 0) / 1e3);
        measure_add(&rst_rate, connections_run(CONNECTIONS, 1) / 1e3);
    }
    print_row("copy+checksum, memcpy, copy+checksum of 1460 bytes", &floor_ns, "ns");
    print_row("a 1460-byte MSS from program to program, two hosts", &bulk_ns, "ns");
    print_row("  the same as a rate", &bulk_rate, "Gbit/s");
    print_row("  the floor's share of it", &ratio, "of 1");
    print_row("open, 1 byte each way, close with FIN and TIME-WAIT", &fin_rate, "thousand/s");
    print_row("open, 1 byte each way, close with RST", &rst_rate, "thousand/s");
    return 0;
}
