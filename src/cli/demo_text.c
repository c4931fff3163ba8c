/* SPDX-License-Identifier: MIT
 *
 * The words between the ladders. The text of a scenario is written as plain paragraphs in its
 * table; here it gets its line breaks, so that it reads well on any terminal and in a file alike.
 */
#include "demo_text.h"

#include <stdarg.h>
#include <string.h>

#define PARAGRAPH_COLUMNS_MAX 100
#define NOTE_PREFIX "  | "

static int line_columns(const struct demo_text *text)
{
    return text->columns < PARAGRAPH_COLUMNS_MAX ? text->columns : PARAGRAPH_COLUMNS_MAX;
}

/* How many bytes of `words` go on a line of `room` columns: up to the last space that fits, or up
 * to a line break; a single word that is too long stands alone and sticks out. */
static size_t line_length(const char *words, size_t room)
{
    size_t length = 0;
    size_t last_space = 0;

    while (words[length] != '\0' && words[length] != '\n') {
        if (words[length] == ' ')
            last_space = length;
        if (length >= room && last_space > 0)
            return last_space;
        length++;
    }
    return length;
}

static void wrapped(const struct demo_text *text, const char *prefix, int indent, const char *words)
{
    size_t before = strlen(prefix) + (size_t)indent;
    size_t columns = (size_t)line_columns(text);
    size_t room = columns > before ? columns - before : 1;

    while (*words != '\0') {
        size_t length = line_length(words, room);

        if (length > 0)
            fprintf(text->file, "%*s%s%.*s", indent, "", prefix, (int)length, words);
        fputc('\n', text->file);
        words += length;
        if (*words == '\n' || *words == ' ')
            words++;
    }
}

void demo_text_heading(const struct demo_text *text, const char *words)
{
    if (!text->muted) {
        fprintf(text->file, "\n%s%s%s\n", text->colour ? "\033[1m" : "", words,
                text->colour ? "\033[0m" : "");
    }
}

void demo_text_paragraph(const struct demo_text *text, int indent, const char *words)
{
    if (!text->muted)
        wrapped(text, "", indent, words);
}

void demo_text_note(const struct demo_text *text, const char *words)
{
    if (text->muted)
        return;
    if (text->colour)
        fputs("\033[3m", text->file);
    wrapped(text, NOTE_PREFIX, 0, words);
    if (text->colour)
        fputs("\033[0m", text->file);
}

void demo_text_print(const struct demo_text *text, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    if (!text->muted)
        vfprintf(text->file, format, arguments);
    va_end(arguments);
}
