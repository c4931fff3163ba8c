/* SPDX-License-Identifier: MIT
 *
 * What the command line of `handfast demo` asks for.
 */
#ifndef DEMO_OPTIONS_H
#define DEMO_OPTIONS_H

#include "command.h"

#include <handfast/types.h>
#include <stdbool.h>
#include <stdint.h>

struct demo_options {
    const char *name; /* of the scenario, "list", or NULL: the whole conversation over a bad link */
    const char *pcap_path;
    uint64_t seed;
    uint32_t loss_ppm;
    uint32_t reorder_ppm;
    uint64_t length_bytes;         /* of what the client sends */
    uint64_t rate_bits_per_second; /* of the link; 0: unlimited */
    hf_time delay_ns;              /* one way */
    int columns;
    bool json, absolute, verbose, colour, ipv6, ascii;
    bool step;               /* wait for Enter; false when there is no terminal to press it on */
    const char *link_option; /* the last one given of those that shape the link, or NULL */
};

enum { DEMO_OPTION_ROWS = 17 };
extern const struct option_row demo_option_rows[DEMO_OPTION_ROWS];

/* False: end with *code; help or a complaint was printed. */
bool demo_options_scan(const struct command *command, int argc, char **argv,
                       struct demo_options *options, int *code);

/* The forms that numbers take on the command line; each takes the whole text or returns false. */
/* "2", "2.5", "2.5%": 0..100 percent with up to four decimals, in parts per million. */
bool demo_parse_percent(const char *text, uint32_t *ppm);
/* "0", "9600", "128k", "10M", "1G", also with "bit" behind: bits per second, 1000 to the k. */
bool demo_parse_rate(const char *text, uint64_t *bits_per_second);
/* "20" (milliseconds), "20ms", "500us", "2s"; at most 60 s. */
bool demo_parse_delay(const char *text, hf_time *delay_ns);

#endif
