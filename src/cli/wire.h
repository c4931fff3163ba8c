/* SPDX-License-Identifier: MIT
 *
 * The two devices and the paths between them, while they run.
 */
#ifndef WIRE_H
#define WIRE_H

#include "wire_options.h"

#include <stdio.h>

struct wire {
    const struct wire_options *options;
    struct hf_tun *devices[2];
    struct hf_path *paths[2]; /* from device i to the other */
    uint64_t refused[2];      /* packets that device i would not take */
    hf_time late_ns[2];       /* how late the latest packet left for device i */
    hf_time late_total_ns[2];
    uint64_t passed[2];
    hf_time start_ns, end_ns;
    uint8_t packet[65536];
};

/* Opens, runs and reports. An exit code, after complaining. */
int wire_run(const struct wire_options *options);

/* ---- wire_report.c: what was done until `now_ns` since the start */

void wire_report_table(const struct wire *wire, hf_time now_ns, FILE *out);
void wire_report_json(const struct wire *wire, hf_time now_ns, FILE *out);

#endif
