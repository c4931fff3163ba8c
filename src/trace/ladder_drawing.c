/* SPDX-License-Identifier: MIT
 *
 * A ladder drawn into memory.
 */
#include "ladder_drawing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct drawing drawing_begin(const struct hf_ladder_options *options)
{
    struct drawing drawing = {.file = tmpfile()};

    assert_non_null(drawing.file);
    drawing.ladder = hf_ladder_new(drawing.file, options);
    assert_non_null(drawing.ladder);
    drawing.sink = hf_ladder_sink(drawing.ladder);
    return drawing;
}

char *drawing_finish(struct drawing *drawing)
{
    char *text;

    hf_ladder_free(drawing->ladder);
    rewind(drawing->file);
    text = script_read_all(drawing->file);
    fclose(drawing->file);
    assert_non_null(text);
    return text;
}

char *drawing_of_script(const struct hf_ladder_options *options)
{
    struct drawing drawing = drawing_begin(options);

    script_play(drawing.sink);
    return drawing_finish(&drawing);
}

void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("not found:\n%s\nin:\n%s", part, text);
}

void assert_lacks(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("found:\n%s\nin:\n%s", part, text);
}

void assert_tidy(const char *text, size_t columns, bool colour, bool ascii)
{
    const char *line = text;

    while (*line) {
        const char *end = strchr(line, '\n'), *at;
        size_t width = 0;
        unsigned expected = 0; /* bytes until the code point is whole */
        bool on = false;

        assert_non_null(end);
        for (at = line; at < end; at++) {
            unsigned char byte = (unsigned char)*at;

            if (byte == 0x1b) {
                assert_true(colour);
                assert_int_equal(at[1], '[');
                on = at[2] != '0';
                at += strcspn(at, "m");
                continue;
            }
            assert_true(byte >= 0x20 && byte != 0x7f);
            assert_true(!ascii || byte < 0x80);
            width += (byte & 0xc0) != 0x80;
            assert_true((byte & 0xc0) == 0x80 ? expected > 0 : expected == 0);
            if ((byte & 0xc0) == 0x80)
                expected--;
            else
                expected = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : byte >= 0xc0 ? 1 : 0;
        }
        assert_false(on);
        assert_int_equal(expected, 0);
        if (width > columns)
            fail_msg("%zu columns, not %zu: %.*s", width, columns, (int)(end - line), line);
        assert_true(end == line || end[-1] != ' ');
        line = end + 1;
    }
}
