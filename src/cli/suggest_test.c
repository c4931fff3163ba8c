/* SPDX-License-Identifier: MIT
 *
 * The distance against its definition, computed without a table; and what is suggested for what.
 */
#include "suggest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Of the first i and j letters, straight from the recursive definition. */
static unsigned defined(const char *a, size_t i, const char *b, size_t j)
{
    unsigned distance;

    if (i == 0 || j == 0)
        return (unsigned)(i + j);
    distance = defined(a, i - 1, b, j - 1) + (a[i - 1] != b[j - 1]);
    distance = least(distance, defined(a, i - 1, b, j) + 1);
    distance = least(distance, defined(a, i, b, j - 1) + 1);
    if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        distance = least(distance, defined(a, i - 2, b, j - 2) + 1);
    return distance;
}

/* All words of up to 4 letters over "abc", against each other. */
static size_t make_word(unsigned number, char word[5])
{
    size_t length = 0;

    for (; number > 0; number = (number - 1) / 3)
        word[length++] = (char)('a' + (number - 1) % 3);
    word[length] = '\0';
    return length;
}

static void distance_as_defined(void **state)
{
    (void)state;
    for (unsigned i = 0; i <= 120; i++) {
        for (unsigned j = 0; j <= 120; j++) {
            char a[5], b[5];
            size_t length_a = make_word(i, a), length_b = make_word(j, b);

            assert_int_equal(suggest_distance(a, b), defined(a, length_a, b, length_b));
        }
    }
}

static void suggestions(void **state)
{
    const char *const names[] = {"demo", "listen", "connect", "proxy", "ss", "version", "help"};
    const struct {
        const char *typed, *expected;
    } cases[] = {
        {"conect", "connect"},
        {"lisetn", "listen"},
        {"con", "connect"},
        {"porxy", "proxy"},
        {"hlep", "help"},
        {"dmeo", "demo"},
        {"versoin", "version"},
        {"sss", "ss"},
        {"frobnicate", NULL},
        {"x", NULL},
        {"", NULL},
    };
    char endless[200];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *found = suggest_nearest(cases[i].typed, names, 7);

        if (cases[i].expected == NULL)
            assert_null(found);
        else
            assert_string_equal(found, cases[i].expected);
    }
    memset(endless, 'c', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    assert_null(suggest_nearest(endless, names, 7));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distance_as_defined),
        cmocka_unit_test(suggestions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
