/* SPDX-License-Identifier: MIT
 *
 * Sequence arithmetic against 64-bit numbers that do not wrap: two positions in an endless stream
 * less than 2^31 apart compare as their 32-bit images must.
 */
#include "seq32.h"

#include "base_test_support.h"

static seq32 image(uint64_t position)
{
    return seq_make((uint32_t)position);
}

static void check_pair(uint64_t a, uint64_t b)
{
    seq32 x = image(a);
    seq32 y = image(b);
    assert_int_equal(seq_diff(x, y), (int64_t)(a - b));
    assert_int_equal(seq_lt(x, y), a < b);
    assert_int_equal(seq_le(x, y), a <= b);
    assert_int_equal(seq_gt(x, y), a > b);
    assert_int_equal(seq_ge(x, y), a >= b);
    assert_int_equal(seq_eq(x, y), a == b);
    assert_int_equal(seq_max(x, y).value, (uint32_t)(a > b ? a : b));
    assert_int_equal(seq_min(x, y).value, (uint32_t)(a < b ? a : b));
}

static void agrees_with_unwrapped_positions(void **state)
{
    (void)state;
    struct test_random random = {1};
    for (int i = 0; i < 300000; i++) {
        uint64_t a = (UINT64_C(1) << 40) + random_next(&random) % (UINT64_C(1) << 34);
        uint64_t distance = random_next(&random) & 0x7fffffff;
        distance >>= random_below(&random, 32);
        check_pair(a, a + distance);
        check_pair(a, a - distance);
    }
}

static void agrees_at_the_edges(void **state)
{
    (void)state;
    static const uint32_t edges[] = {0,          1,          2,          0x7ffffffe, 0x7fffffff,
                                     0x80000000, 0x80000001, 0xfffffffe, 0xffffffff};
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        uint64_t a = (UINT64_C(1) << 40) + edges[i];
        static const uint32_t distances[] = {0, 1, 2, 0x7ffffffe, 0x7fffffff};
        for (size_t j = 0; j < sizeof distances / sizeof *distances; j++) {
            check_pair(a, a + distances[j]);
            check_pair(a, a - distances[j]);
        }
    }
}

static void adds_and_subtracts_modulo_2_to_the_32(void **state)
{
    (void)state;
    assert_int_equal(seq_add(seq_make(0xffffffff), 1).value, 0);
    assert_int_equal(seq_sub(seq_make(0), 1).value, 0xffffffff);
    struct test_random random = {2};
    for (int i = 0; i < 100000; i++) {
        uint64_t position = (UINT64_C(1) << 40) + random_next(&random) % (UINT64_C(1) << 40);
        uint32_t bytes = (uint32_t)random_next(&random);
        assert_int_equal(seq_add(image(position), bytes).value, image(position + bytes).value);
        assert_int_equal(seq_sub(image(position), bytes).value, image(position - bytes).value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_unwrapped_positions),
        cmocka_unit_test(agrees_at_the_edges),
        cmocka_unit_test(adds_and_subtracts_modulo_2_to_the_32),
    };
    return cmocka_run_group_tests_name("seq32", tests, NULL, NULL);
}
