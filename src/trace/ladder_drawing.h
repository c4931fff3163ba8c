/* SPDX-License-Identifier: MIT
 *
 * A ladder drawn into memory, for tests, and what they ask of it.
 */
#ifndef LADDER_DRAWING_H
#define LADDER_DRAWING_H

#include "trace_script.h"

#include <stdbool.h>

struct drawing {
    FILE *file;
    struct hf_ladder *ladder;
    struct hf_trace_sink sink;
};

struct drawing drawing_begin(const struct hf_ladder_options *options);
/* All that was drawn; to be freed. */
char *drawing_finish(struct drawing *drawing);
char *drawing_of_script(const struct hf_ladder_options *options);

void assert_contains(const char *text, const char *part);
void assert_lacks(const char *text, const char *part);
/* Every line: at most `columns` code points once colours are taken out, nothing behind it, nothing
 * in it that is not printable; colours only if wanted, and off again at its end. */
void assert_tidy(const char *text, size_t columns, bool colour, bool ascii);

#endif
