/* SPDX-License-Identifier: MIT */
#include "numbers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void whole_numbers(void **state)
{
    const char *const wrong[] = {"",    " 1",    "+1", "-1", "1 ",  "1a",
                                 "0x1", "65536", "0",  "1.", "1e3", "99999999999999999999999"};
    unsigned long value;

    (void)state;
    assert_true(parse_number("1", 1, 65535, &value));
    assert_int_equal(value, 1);
    assert_true(parse_number("65535", 1, 65535, &value));
    assert_int_equal(value, 65535);
    assert_true(parse_number("0080", 1, 65535, &value));
    assert_int_equal(value, 80);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(parse_number(wrong[i], 1, 65535, &value));
}

static void seconds(void **state)
{
    const char *const wrong[] = {"", ".", ".5", "-1", "1s", "1.5.", "0.009", "11", "1e1", " 1"};
    int64_t value;

    (void)state;
    assert_true(parse_seconds("1", 10000000, INT64_C(10000000000), &value));
    assert_int_equal(value, 1000000000);
    assert_true(parse_seconds("0.25", 10000000, INT64_C(10000000000), &value));
    assert_int_equal(value, 250000000);
    assert_true(parse_seconds("2.0000000019", 10000000, INT64_C(10000000000), &value));
    assert_int_equal(value, INT64_C(2000000001));
    assert_true(parse_seconds("10", 10000000, INT64_C(10000000000), &value));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(parse_seconds(wrong[i], 10000000, INT64_C(10000000000), &value));
    assert_false(parse_seconds("99999999999999999999999999", 0, INT64_MAX, &value));
}

static void bytes(void **state)
{
    const char *const wrong[] = {"",
                                 "K",
                                 "-1",
                                 "1KB",
                                 "1 K",
                                 "1T",
                                 "0x10",
                                 "18446744073709551616",
                                 "18014398509481984K",
                                 "17179869184G"};
    uint64_t value;

    (void)state;
    assert_true(parse_bytes("0", &value));
    assert_true(value == 0);
    assert_true(parse_bytes("4096", &value));
    assert_true(value == 4096);
    assert_true(parse_bytes("16k", &value));
    assert_true(value == 16384);
    assert_true(parse_bytes("3M", &value));
    assert_true(value == 3145728);
    assert_true(parse_bytes("8G", &value));
    assert_true(value == UINT64_C(8589934592));
    assert_true(parse_bytes("18446744073709551615", &value));
    assert_true(value == UINT64_MAX);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(parse_bytes(wrong[i], &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(seconds),
        cmocka_unit_test(bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
