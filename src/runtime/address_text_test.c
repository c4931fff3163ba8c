/* SPDX-License-Identifier: MIT
 *
 * Addresses and endpoints as text: what is taken, what is refused, and that what is printed reads
 * back. Expected texts for IPv6 are RFC 5952's own examples.
 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <handfast/types.h>
#include <string.h>

static const uint8_t fd00_1[16] = {0xfd, [15] = 1};

static void address_text_is_read(void **state)
{
    static const uint8_t v4[16] = {10, 66, 0, 255};
    static const uint8_t mapped[16] = {[10] = 0xff, 0xff, 192, 0, 2, 1};
    static const uint8_t zero[16] = {0};
    struct hf_address address;

    (void)state;
    memset(&address, 0xaa, sizeof address);
    assert_int_equal(hf_address_parse("10.66.0.255", &address), HF_OK);
    assert_int_equal(address.family, HF_IPV4);
    assert_memory_equal(address.bytes, v4, 16);
    assert_int_equal(hf_address_parse("fd00::1", &address), HF_OK);
    assert_int_equal(address.family, HF_IPV6);
    assert_memory_equal(address.bytes, fd00_1, 16);
    assert_int_equal(hf_address_parse("::ffff:192.0.2.1", &address), HF_OK);
    assert_int_equal(address.family, HF_IPV6);
    assert_memory_equal(address.bytes, mapped, 16);
    memset(&address, 0xaa, sizeof address);
    assert_int_equal(hf_address_parse("*", &address), HF_OK);
    assert_int_equal(address.family, HF_FAMILY_ANY);
    assert_memory_equal(address.bytes, zero, 16);
}

static void bad_address_text_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        "10.0.0",
        "10.0.0.256",
        "10.0.0.1 ",
        " 10.0.0.1",
        "10.0.0.-1",
        "fd00::1::",
        "fd00:::",
        "1:2:3:4:5:6:7:8:9",
        "fe80::1%eth0",
        "[fd00::1]",
        "10.0.0.1:80",
        "localhost",
        "**",
        "::ffff:192.0.2.256",
    };
    struct hf_address address, before;

    (void)state;
    memset(&address, 0x5a, sizeof address);
    before = address;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(hf_address_parse(bad[i], &address), HF_EINVAL);
        assert_memory_equal(&address, &before, sizeof before);
    }
    assert_int_equal(hf_address_parse(NULL, &address), HF_EINVAL);
    assert_int_equal(hf_address_parse("10.0.0.1", NULL), HF_EINVAL);
}

static void addresses_print_as_rfc_5952_says(void **state)
{
    static const char *const pairs[][2] = {
        {"2001:0db8:0:0:0:0:2:1", "2001:db8::2:1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"2001:DB8::ABCD", "2001:db8::abcd"},
        {"0:0:0:0:0:0:0:0", "::"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
        {"255.255.255.255", "255.255.255.255"},
        {"0.0.0.0", "0.0.0.0"},
        {"*", "*"},
    };
    char text[HF_ADDRESS_TEXT];
    struct hf_address address;

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        assert_int_equal(hf_address_parse(pairs[i][0], &address), HF_OK);
        assert_ptr_equal(hf_address_format(&address, text), text);
        assert_string_equal(text, pairs[i][1]);
    }
    address.family = 77;
    assert_string_equal(hf_address_format(&address, text), "?");
}

static void endpoint_text_is_read(void **state)
{
    static const uint8_t v4[16] = {192, 0, 2, 9};
    struct hf_endpoint endpoint;

    (void)state;
    assert_int_equal(hf_endpoint_parse("192.0.2.9:0", &endpoint), HF_OK);
    assert_int_equal(endpoint.address.family, HF_IPV4);
    assert_memory_equal(endpoint.address.bytes, v4, 16);
    assert_int_equal(endpoint.port, 0);
    assert_int_equal(hf_endpoint_parse("192.0.2.9:65535", &endpoint), HF_OK);
    assert_int_equal(endpoint.port, 65535);
    assert_int_equal(hf_endpoint_parse("[fd00::1]:80", &endpoint), HF_OK);
    assert_int_equal(endpoint.address.family, HF_IPV6);
    assert_memory_equal(endpoint.address.bytes, fd00_1, 16);
    assert_int_equal(endpoint.port, 80);
    assert_int_equal(hf_endpoint_parse("*:443", &endpoint), HF_OK);
    assert_int_equal(endpoint.address.family, HF_FAMILY_ANY);
    assert_int_equal(endpoint.port, 443);
}

static void bad_endpoint_text_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        ":",
        ":80",
        "192.0.2.9",
        "192.0.2.9:",
        "192.0.2.9:65536",
        "192.0.2.9:99999",
        "192.0.2.9:100000",
        "192.0.2.9:4294967376",
        "192.0.2.9:-1",
        "192.0.2.9:+80",
        "192.0.2.9: 80",
        "192.0.2.9:80 ",
        "192.0.2.9:http",
        "192.0.2.9:80:80",
        "[192.0.2.9]:80",
        "[*]:80",
        "fd00::1:80",
        "fd00::1",
        "[fd00::1]",
        "[fd00::1]80",
        "[fd00::1]:",
        "[fd00::1:80",
        "[[fd00::1]]:80",
        "[]:80",
        "[1111:2222:3333:4444:5555:6666:7777:8888:9999:0000]:80",
    };
    struct hf_endpoint endpoint, before;

    (void)state;
    memset(&endpoint, 0x5a, sizeof endpoint);
    before = endpoint;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(hf_endpoint_parse(bad[i], &endpoint), HF_EINVAL);
        assert_memory_equal(&endpoint, &before, sizeof before);
    }
    assert_int_equal(hf_endpoint_parse(NULL, &endpoint), HF_EINVAL);
    assert_int_equal(hf_endpoint_parse("192.0.2.9:80", NULL), HF_EINVAL);
}

static void endpoints_read_back_as_printed(void **state)
{
    static const char *const texts[] = {
        "192.0.2.9:80",   "255.255.255.255:65535",
        "[fd00::1]:8080", "[::]:0",
        "*:22",           "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
    };
    char text[HF_ENDPOINT_TEXT];
    struct hf_endpoint endpoint;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(hf_endpoint_parse(texts[i], &endpoint), HF_OK);
        assert_ptr_equal(hf_endpoint_format(&endpoint, text), text);
        assert_string_equal(text, texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(address_text_is_read),
        cmocka_unit_test(bad_address_text_is_refused),
        cmocka_unit_test(addresses_print_as_rfc_5952_says),
        cmocka_unit_test(endpoint_text_is_read),
        cmocka_unit_test(bad_endpoint_text_is_refused),
        cmocka_unit_test(endpoints_read_back_as_printed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
