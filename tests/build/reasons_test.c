/* SPDX-License-Identifier: MIT
 *
 * The reason table, read as text. Tools match on the short names, and people read the sentences:
 * so each name is its own, stands for its constant, and each sentence is one and says where it
 * comes from.
 */
#include <handfast/reasons.h>

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct row {
    const char *constant, *name, *sentence, *source;
};

static const struct row rows[] = {
#define ROW(constant, name, sentence, source) {#constant, name, sentence, source},
    HF_REASON_TABLE(ROW)
#undef ROW
};

enum { ROW_COUNT = sizeof rows / sizeof rows[0] };

static int compare_names(const void *a, const void *b)
{
    const struct row *left = a, *right = b;
    return strcmp(left->name, right->name);
}

static void test_names_are_unique(void **state)
{
    struct row sorted[ROW_COUNT];
    (void)state;
    assert_int_equal(ROW_COUNT, HF_REASON_COUNT);
    memcpy(sorted, rows, sizeof rows);
    qsort(sorted, ROW_COUNT, sizeof sorted[0], compare_names);
    for (size_t i = 1; i < ROW_COUNT; i++)
        if (strcmp(sorted[i - 1].name, sorted[i].name) == 0)
            fail_msg("two reasons are called \"%s\"", sorted[i].name);
}

static void test_names_spell_their_constants(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const char *constant = rows[i].constant, *name = rows[i].name;
        for (; *constant != '\0' || *name != '\0'; constant++, name++)
            if (*name != (*constant == '_' ? '-' : tolower((unsigned char)*constant)))
                fail_msg("%s is called \"%s\"", rows[i].constant, rows[i].name);
    }
}

static bool is_sentence(const char *text)
{
    size_t length = strlen(text);
    return length >= 5 && length <= 120 && text[length - 1] == '.' &&
           (isupper((unsigned char)text[0]) || isdigit((unsigned char)text[0])) &&
           strstr(text, "  ") == NULL && strchr(text, '\n') == NULL;
}

static void test_sentences_are_sentences(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (!is_sentence(rows[i].sentence))
            fail_msg("%s: this is no plain sentence: \"%s\"", rows[i].name, rows[i].sentence);
        if (strlen(rows[i].source) < 4)
            fail_msg("%s: \"%s\" names no source", rows[i].name, rows[i].source);
    }
}

/* The functions of the library give the same rows, and never NULL for a number out of range. */
static void test_library_reads_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        assert_string_equal(hf_reason_name((enum hf_reason)i), rows[i].name);
        assert_string_equal(hf_reason_sentence((enum hf_reason)i), rows[i].sentence);
        assert_string_equal(hf_reason_source((enum hf_reason)i), rows[i].source);
    }
    assert_non_null(hf_reason_name(HF_REASON_COUNT));
    assert_non_null(hf_reason_sentence(HF_REASON_COUNT));
    assert_non_null(hf_reason_source(HF_REASON_COUNT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_unique),
        cmocka_unit_test(test_names_spell_their_constants),
        cmocka_unit_test(test_sentences_are_sentences),
        cmocka_unit_test(test_library_reads_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
