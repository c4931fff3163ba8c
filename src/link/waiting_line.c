/* SPDX-License-Identifier: MIT
 *
 * A ring that doubles when it is full.
 */
#include "waiting_line.h"

#include <stdint.h>
#include <stdlib.h>

#define FIRST_CAPACITY 16u

void waiting_line_clear(struct waiting_line *line)
{
    free(line->starts);
    *line = (struct waiting_line){0};
}

size_t waiting_line_count(struct waiting_line *line, hf_time now)
{
    while (line->count > 0 && line->starts[line->first] <= now) {
        line->first = (line->first + 1) & (line->capacity - 1);
        line->count--;
    }
    return line->count;
}

static bool grow(struct waiting_line *line)
{
    size_t capacity = line->capacity == 0 ? FIRST_CAPACITY : line->capacity * 2;
    hf_time *starts;

    if (capacity > SIZE_MAX / sizeof *starts)
        return false;
    starts = malloc(capacity * sizeof *starts);
    if (starts == NULL)
        return false;
    for (size_t i = 0; i < line->count; i++)
        starts[i] = line->starts[(line->first + i) & (line->capacity - 1)];
    free(line->starts);
    line->starts = starts;
    line->first = 0;
    line->capacity = capacity;
    return true;
}

bool waiting_line_join(struct waiting_line *line, hf_time start)
{
    if (line->count == line->capacity && !grow(line))
        return false;
    line->starts[(line->first + line->count) & (line->capacity - 1)] = start;
    line->count++;
    return true;
}
