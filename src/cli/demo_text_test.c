/* SPDX-License-Identifier: MIT
 *
 * Wrapping, against a naive rule: no line is longer than it may be unless it is one word, no line
 * could have taken the next word as well, and the words are the same words.
 */
#include "demo_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { OUTPUT_MOST = 8192 };

/* What `print` writes, as a string. */
static void printed(struct demo_text *text, const char *words, int indent, char *output)
{
    FILE *file = tmpfile();
    size_t length;

    assert_non_null(file);
    text->file = file;
    demo_text_paragraph(text, indent, words);
    rewind(file);
    length = fread(output, 1, OUTPUT_MOST - 1, file);
    output[length] = '\0';
    fclose(file);
}

/* Cuts the first line off; NULL when nothing is left. */
static char *next_line(char **rest)
{
    char *line = *rest, *end;

    if (line == NULL)
        return NULL;
    end = strchr(line, '\n');
    *rest = end != NULL ? end + 1 : NULL;
    if (end != NULL)
        *end = '\0';
    return line;
}

static void lines_are_filled_and_not_overfilled(void **state)
{
    static const char words[] =
        "Some words of different lengths, and a few long ones: internationalization, "
        "antidisestablishmentarianism and_an_endless_word_that_no_line_of_forty_columns_can_hold "
        "a b c d e f g h i j k l m n o p q r s t u v w x y z end.";
    char output[OUTPUT_MOST], rebuilt[OUTPUT_MOST] = "";

    (void)state;
    for (int columns = 20; columns <= 100; columns++) {
        for (int indent = 0; indent <= 8; indent += 4) {
            struct demo_text text = {.columns = columns};
            size_t room = (size_t)(columns - indent);
            char *line, *rest = output;

            printed(&text, words, indent, output);
            rebuilt[0] = '\0';
            while ((line = next_line(&rest)) != NULL && *line != '\0') {
                assert_int_equal(strspn(line, " "), indent);
                line += indent;
                if (strlen(line) > room)
                    assert_null(strchr(line, ' '));
                if (rebuilt[0] != '\0')
                    strcat(rebuilt, " ");
                strcat(rebuilt, line);
                /* The next word would not have fitted. */
                if (rest != NULL && *rest != '\0')
                    assert_true(strlen(line) + 1 + strcspn(rest + indent, " \n") > room);
            }
            assert_string_equal(rebuilt, words);
        }
    }
}

static void breaks_are_kept(void **state)
{
    struct demo_text text = {.columns = 80};
    char output[OUTPUT_MOST];

    (void)state;
    printed(&text, "one\ntwo\n\nthree", 2, output);
    assert_string_equal(output, "  one\n  two\n\n  three\n");
}

static void long_lines_stop_at_a_hundred(void **state)
{
    struct demo_text text = {.columns = 300};
    char words[600], output[OUTPUT_MOST];

    (void)state;
    for (size_t i = 0; i < sizeof words; i++)
        words[i] = i % 5 == 4 ? ' ' : 'w';
    words[sizeof words - 1] = '\0';
    printed(&text, words, 0, output);
    assert_int_equal(strcspn(output, "\n"), 99);
}

static void muted_is_silent(void **state)
{
    struct demo_text text = {.columns = 80, .muted = true};
    char output[OUTPUT_MOST];

    (void)state;
    printed(&text, "words", 0, output);
    assert_string_equal(output, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_filled_and_not_overfilled),
        cmocka_unit_test(breaks_are_kept),
        cmocka_unit_test(long_lines_stop_at_a_hundred),
        cmocka_unit_test(muted_is_silent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
