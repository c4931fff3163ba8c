/* SPDX-License-Identifier: MIT
 *
 * The words between the ladders: headings, wrapped paragraphs and notes.
 */
#ifndef DEMO_TEXT_H
#define DEMO_TEXT_H

#include <stdbool.h>
#include <stdio.h>

struct demo_text {
    FILE *file;
    int columns;
    bool colour;
    bool muted; /* a machine reads the output: no words */
};

/* A line of its own, bold where colours are allowed, with an empty line before it. */
void demo_text_heading(const struct demo_text *text, const char *words);
/* Wrapped to the columns (100 at most: longer lines are hard to read), `indent` spaces before each
 * line. '\n' in `words` begins a new line, "\n\n" leaves an empty line between. */
void demo_text_paragraph(const struct demo_text *text, int indent, const char *words);
/* A remark within a ladder. */
void demo_text_note(const struct demo_text *text, const char *words);
/* printf, unless muted. */
void demo_text_print(const struct demo_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
