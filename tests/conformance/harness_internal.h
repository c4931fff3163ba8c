/* SPDX-License-Identifier: MIT
 *
 * What the bench's files share with each other and not with the tests.
 */
#ifndef CONFORMANCE_HARNESS_INTERNAL_H
#define CONFORMANCE_HARNESS_INTERNAL_H

#include "harness.h"

/* A packet as one line, in the script's own notation. */
void describe(const struct world *w, const struct captured *captured, char *text, size_t capacity);
/* The payload both sides send at this relative sequence number. */
uint8_t pattern_byte(int from_stack, uint32_t relative_seq);
/* Takes all output and events at w->now. */
void drain(struct world *w);
/* Fails if a packet waits that the script did not name. */
void nothing_waits(struct world *w, const char *file, int line);

#endif
