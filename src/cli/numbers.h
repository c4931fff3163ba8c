/* SPDX-License-Identifier: MIT
 *
 * Numbers as people write them on a command line.
 */
#ifndef NUMBERS_H
#define NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

/* A whole decimal number between low and high; false, silently, for anything else. */
bool parse_number(const char *text, unsigned long low, unsigned long high, unsigned long *value);
/* Seconds with a decimal fraction, as nanoseconds between low and high. */
bool parse_seconds(const char *text, int64_t low_ns, int64_t high_ns, int64_t *value_ns);
/* A byte count with an optional suffix K, M, G (of 1024). */
bool parse_bytes(const char *text, uint64_t *value);

#endif
