/* SPDX-License-Identifier: MIT
 *
 * A set of places 0 .. count - 1 in memory of the owner's: a bit for each, above them a bit for
 * each word that has one, and so on up to a single word. What is next from any place on is found in
 * as many steps as there are levels, four for a million, however far it is.
 */
#ifndef PLACE_SET_H
#define PLACE_SET_H

#include <stddef.h>
#include <stdint.h>

#define PLACE_NONE UINT32_MAX
#define PLACE_SET_MOST (UINT32_C(1) << 25)

/* How many words a set of so many places takes, 1..PLACE_SET_MOST. All zero: it is empty. */
size_t place_set_words(uint32_t count);
/* place < count; there already, or not there, is no matter. */
void place_set_add(uint32_t *words, uint32_t count, uint32_t place);
void place_set_remove(uint32_t *words, uint32_t count, uint32_t place);
/* The first one from `place` on, or PLACE_NONE. */
uint32_t place_set_next(const uint32_t *words, uint32_t count, uint32_t place);

#endif
