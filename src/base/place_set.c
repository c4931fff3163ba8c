/* SPDX-License-Identifier: MIT */
#include "place_set.h"

#include <stdbool.h>

#define BITS 32u
#define LEVELS 5u /* 32^5 places */

static uint32_t words_of(uint32_t count)
{
    return (count + BITS - 1) / BITS;
}

size_t place_set_words(uint32_t count)
{
    size_t all = 0;
    do {
        count = words_of(count);
        all += count;
    } while (count > 1);
    return all;
}

void place_set_add(uint32_t *words, uint32_t count, uint32_t place)
{
    uint32_t before = 0;
    while (before == 0) {
        before = words[place / BITS];
        words[place / BITS] |= UINT32_C(1) << place % BITS;
        count = words_of(count);
        if (count == 1) {
            return;
        }
        words += count;
        place /= BITS;
    }
}

void place_set_remove(uint32_t *words, uint32_t count, uint32_t place)
{
    uint32_t after = 0;
    while (after == 0) {
        words[place / BITS] &= ~(UINT32_C(1) << place % BITS);
        after = words[place / BITS];
        count = words_of(count);
        if (count == 1) {
            return;
        }
        words += count;
        place /= BITS;
    }
}

uint32_t place_set_next(const uint32_t *words, uint32_t count, uint32_t place)
{
    const uint32_t *levels[LEVELS];
    unsigned level = 0;
    uint32_t found;
    levels[0] = words;
    count = words_of(count);
    /* Up, until the rest of a word has something. */
    while (true) {
        uint32_t at = place / BITS;
        found = at < count ? levels[level][at] & UINT32_MAX << place % BITS : 0;
        if (found != 0) {
            place = at * BITS + (uint32_t)__builtin_ctz(found);
            break;
        }
        if (count == 1) {
            return PLACE_NONE;
        }
        levels[level + 1] = levels[level] + count;
        level++;
        place = at + 1;
        count = words_of(count);
    }
    /* And down, to the first of what that stands for. */
    while (level > 0) {
        level--;
        place = place * BITS + (uint32_t)__builtin_ctz(levels[level][place]);
    }
    return place;
}
