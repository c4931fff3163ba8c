/* SPDX-License-Identifier: MIT
 *
 * What `handfast wire' was asked for.
 */
#ifndef WIRE_OPTIONS_H
#define WIRE_OPTIONS_H

#include "command.h"

#include <handfast/handfast.h>

enum {
    WIRE_MOST_ADDRESSES = 8,
    WIRE_MOST_NUMBERS = 256,
    WIRE_NAME_BYTES = 256,
    WIRE_TEXT_BYTES = 288
};

/* One end: a TUN device, perhaps in a network namespace. */
struct wire_end {
    char text[WIRE_TEXT_BYTES];  /* as it was written */
    char space[WIRE_NAME_BYTES]; /* the namespace's file; "": our own */
    char device[WIRE_NAME_BYTES];
    struct hf_tun_address addresses[WIRE_MOST_ADDRESSES];
    size_t address_count;
};

struct wire_options {
    struct wire_end ends[2];
    struct hf_sim_direction rules[2];       /* 0: A to B, 1: B to A */
    uint32_t numbers[2][WIRE_MOST_NUMBERS]; /* of packets to lose, for rules[].lose_nth */
    uint64_t seed;
    hf_time duration_ns; /* 0: until a signal */
    uint32_t device_mtu;
    const char *json_path; /* NULL: none; "-": standard output */
};

/* EXIT_CODE_OK and *help false: go on. Otherwise the end, after complaining or helping. */
int wire_options_read(struct wire_options *options, int argc, char **argv, bool *help);

/* Numbers with units; false, silently, for anything else. "20ms", "1.5s", "100us", "7ns"; a bare
 * number is seconds. */
bool wire_parse_time(const char *text, hf_time *time);
/* "10M", "1.5G", "64k": bits per second, with suffixes of 1,000. At least 1. */
bool wire_parse_rate(const char *text, uint64_t *bits_per_second);
/* "0.1" or "0.1%": percent, as parts per million. */
bool wire_parse_percent(const char *text, uint32_t *ppm);

#endif
