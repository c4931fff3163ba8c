/* SPDX-License-Identifier: MIT
 *
 * Addresses as values: each byte that the family has counts, none that it has not.
 */
#include "base_test_support.h"

static void ipv4_fills_four_bytes(void **state)
{
    (void)state;
    struct hf_address address = hf_address_ipv4(192, 0, 2, 1);
    static const uint8_t expected[16] = {192, 0, 2, 1};
    assert_int_equal(address.family, HF_IPV4);
    assert_memory_equal(address.bytes, expected, 16);
}

static void ipv6_copies_sixteen_bytes(void **state)
{
    (void)state;
    static const uint8_t bytes[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    struct hf_address address = hf_address_ipv6(bytes);
    assert_int_equal(address.family, HF_IPV6);
    assert_memory_equal(address.bytes, bytes, 16);
}

static void each_byte_of_the_family_counts(void **state)
{
    (void)state;
    static const uint8_t zeros[16] = {0};
    for (size_t i = 0; i < 16; i++) {
        struct hf_address six = hf_address_ipv6(zeros);
        struct hf_address four = hf_address_ipv4(0, 0, 0, 0);
        struct hf_address changed_six = six;
        struct hf_address changed_four = four;
        changed_six.bytes[i] = 1;
        changed_four.bytes[i] = 1;
        assert_true(hf_address_is_any(&six));
        assert_true(hf_address_is_any(&four));
        assert_false(hf_address_is_any(&changed_six));
        assert_false(hf_address_equal(&six, &changed_six));
        assert_false(hf_address_equal(&changed_six, &six));
        assert_int_equal(hf_address_is_any(&changed_four), i >= 4);
        assert_int_equal(hf_address_equal(&four, &changed_four), i >= 4);
        assert_true(hf_address_equal(&changed_six, &changed_six));
    }
}

static void families_never_equal_each_other(void **state)
{
    (void)state;
    static const uint8_t zeros[16] = {0};
    struct hf_address any = {0};
    struct hf_address four = hf_address_ipv4(0, 0, 0, 0);
    struct hf_address six = hf_address_ipv6(zeros);
    assert_true(hf_address_is_any(&any));
    assert_true(hf_address_equal(&any, &any));
    assert_false(hf_address_equal(&any, &four));
    assert_false(hf_address_equal(&any, &six));
    assert_false(hf_address_equal(&four, &six));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv4_fills_four_bytes),
        cmocka_unit_test(ipv6_copies_sixteen_bytes),
        cmocka_unit_test(each_byte_of_the_family_counts),
        cmocka_unit_test(families_never_equal_each_other),
    };
    return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
