/* SPDX-License-Identifier: MIT
 *
 * How many packets wait for a link of limited rate. A packet waits until its turn on the wire
 * starts; turns start in order, so the line is a ring of starting times.
 */
#ifndef WAITING_LINE_H
#define WAITING_LINE_H

#include <handfast/types.h>
#include <stdbool.h>
#include <stddef.h>

struct waiting_line {
    hf_time *starts;
    size_t first, count, capacity; /* capacity: a power of two, or 0 */
};

/* All zero is an empty line. */
void waiting_line_clear(struct waiting_line *line);
/* Those whose turn has not started at `now`, which must not go backwards. */
size_t waiting_line_count(struct waiting_line *line, hf_time now);
/* `start` is no earlier than any before it. False: out of memory. */
bool waiting_line_join(struct waiting_line *line, hf_time start);

#endif
