/* SPDX-License-Identifier: MIT
 *
 * A set of places against an array of them.
 */
#include "base_test_support.h"
#include "place_set.h"

static uint32_t naive_next(const bool *there, uint32_t count, uint32_t place)
{
    while (place < count && !there[place]) {
        place++;
    }
    return place < count ? place : PLACE_NONE;
}

/* Dense, sparse and nearly empty, of every number of levels. */
static void like_an_array(void **state)
{
    static const uint32_t counts[] = {1, 16, 31, 32, 33, 64, 1000, 1024, 1025, 40000, 1u << 20};
    (void)state;
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        uint32_t count = counts[c];
        struct test_random random = {c};
        bool *there = calloc(count, sizeof *there);
        uint32_t *words = calloc(place_set_words(count), sizeof *words);
        assert_non_null(there);
        assert_non_null(words);
        for (unsigned i = 0; i < 20000; i++) {
            uint32_t place = random_below(&random, count);
            uint32_t near = place - place % 8 + random_below(&random, 8);
            near = near < count ? near : place;
            if (random_below(&random, 1 + i % 5000 / 1000) == 0) {
                there[near] = true;
                place_set_add(words, count, near);
            } else {
                uint32_t next = place_set_next(words, count, place);
                place = next != PLACE_NONE ? next : place;
                there[place] = false;
                place_set_remove(words, count, place);
            }
            if (count <= 1100 || i % 100 == 0) {
                place = random_below(&random, count);
                assert_int_equal(place_set_next(words, count, place),
                                 naive_next(there, count, place));
            }
        }
        free(there);
        free(words);
    }
}

static void sizes(void **state)
{
    (void)state;
    assert_int_equal(place_set_words(1), 1);
    assert_int_equal(place_set_words(32), 1);
    assert_int_equal(place_set_words(33), 2 + 1);
    assert_int_equal(place_set_words(1024), 32 + 1);
    assert_int_equal(place_set_words(1025), 33 + 2 + 1);
    assert_int_equal(place_set_words(PLACE_SET_MOST), (1 << 20) + (1 << 15) + (1 << 10) + 32 + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(like_an_array), cmocka_unit_test(sizes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
