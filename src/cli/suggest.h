/* SPDX-License-Identifier: MIT
 *
 * The nearest name to a mistyped one.
 */
#ifndef SUGGEST_H
#define SUGGEST_H

#include <stddef.h>

/* Single-character slips between two names: insertions, deletions, replacements and swaps of
 * neighbours. Names longer than SUGGEST_LONGEST count as far apart. */
#define SUGGEST_LONGEST 40u
unsigned suggest_distance(const char *a, const char *b);

/* The name in `names` that `typed` most likely stands for, or NULL when none is near. The first of
 * equals wins. */
const char *suggest_nearest(const char *typed, const char *const *names, size_t count);

#endif
