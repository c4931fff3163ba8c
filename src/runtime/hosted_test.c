/* SPDX-License-Identifier: MIT
 *
 * hf_config_default is hf_config_bare plus malloc and a random seed, and nothing else changed.
 * hf_config_bare is played by the test, with marks that must come through.
 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <handfast/stack.h>
#include <stdalign.h>
#include <string.h>

struct hf_config hf_config_bare(void)
{
    return (struct hf_config){
        .host_name = "marked",
        .host_id = 11,
        .memory_bytes = 22,
        .max_connections = 33,
        .mtu = 1234,
        .msl_ns = 5678,
        .keepalive_probes = 44,
        .ttl = 55,
        .port_low = 888,
        .port_high = 999,
    };
}

static void the_rest_is_the_bare_configuration(void **state)
{
    struct hf_config config = hf_config_default();

    (void)state;
    assert_non_null(config.allocator.allocate);
    assert_non_null(config.allocator.release);
    assert_string_equal(config.host_name, "marked");
    assert_int_equal(config.host_id, 11);
    assert_int_equal(config.memory_bytes, 22);
    assert_int_equal(config.max_connections, 33);
    assert_int_equal(config.mtu, 1234);
    assert_int_equal(config.msl_ns, 5678);
    assert_int_equal(config.keepalive_probes, 44);
    assert_int_equal(config.ttl, 55);
    assert_int_equal(config.port_low, 888);
    assert_int_equal(config.port_high, 999);
    assert_null(config.trace.event);
}

static void memory_is_usable_and_aligned(void **state)
{
    struct hf_config config = hf_config_default();

    (void)state;
    for (size_t size = 1; size <= 1 << 20; size *= 4) {
        uint8_t *block = config.allocator.allocate(config.allocator.context, size);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % alignof(max_align_t), 0);
        memset(block, 0xff, size);
        config.allocator.release(config.allocator.context, block, size);
    }
}

/* With 128 random bits two equal seeds, or one of zeros, will not be seen in the life of the
 * universe; and over 64 seeds each bit has been both 0 and 1. */
static void every_seed_is_its_own(void **state)
{
    static const uint8_t zero[16] = {0};
    uint8_t seen_set[16] = {0}, seen_clear[16] = {0};
    struct hf_config previous = hf_config_default();

    (void)state;
    for (int i = 0; i < 64; i++) {
        struct hf_config config = hf_config_default();
        assert_memory_not_equal(config.seed, previous.seed, 16);
        assert_memory_not_equal(config.seed, zero, 16);
        for (size_t byte = 0; byte < 16; byte++) {
            seen_set[byte] = (uint8_t)(seen_set[byte] | config.seed[byte]);
            seen_clear[byte] = (uint8_t)(seen_clear[byte] | (uint8_t)~config.seed[byte]);
        }
        previous = config;
    }
    for (size_t byte = 0; byte < 16; byte++) {
        assert_int_equal(seen_set[byte], 0xff);
        assert_int_equal(seen_clear[byte], 0xff);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rest_is_the_bare_configuration),
        cmocka_unit_test(memory_is_usable_and_aligned),
        cmocka_unit_test(every_seed_is_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
