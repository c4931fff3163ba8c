/* SPDX-License-Identifier: MIT
 *
 * "conect" should be answered with "connect", and "frobnicate" with silence. The measure is the
 * optimal string alignment distance: three rows of the classic table, so that a swap of two
 * neighbouring letters, the commonest slip of all, counts once and not twice. A name is near when
 * at most a third of its letters are wrong, or when the typed word is its beginning.
 */
#include "suggest.h"

#include <string.h>

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned suggest_distance(const char *a, const char *b)
{
    size_t length_a = strlen(a), length_b = strlen(b);
    unsigned rows[3][SUGGEST_LONGEST + 1];

    if (length_a > SUGGEST_LONGEST || length_b > SUGGEST_LONGEST)
        return SUGGEST_LONGEST;
    for (size_t j = 0; j <= length_b; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= length_a; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= length_b; j++) {
            unsigned replaced = above[j - 1] + (a[i - 1] != b[j - 1]);

            row[j] = smaller(replaced, smaller(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = smaller(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[length_a % 3][length_b];
}

const char *suggest_nearest(const char *typed, const char *const *names, size_t count)
{
    const char *nearest = NULL;
    unsigned least = SUGGEST_LONGEST;
    size_t typed_length = strlen(typed);

    for (size_t i = 0; i < count; i++) {
        unsigned distance = suggest_distance(typed, names[i]);
        unsigned allowed = (unsigned)(strlen(names[i]) + 2) / 3;

        if (typed_length >= 2 && strncmp(typed, names[i], typed_length) == 0)
            distance = 1;
        if (distance <= allowed && distance < typed_length && distance < least) {
            least = distance;
            nearest = names[i];
        }
    }
    return nearest;
}
