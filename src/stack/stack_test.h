/* SPDX-License-Identifier: MIT
 *
 * What tests of whole stacks begin with: hosts on the heap that differ in what they can do, and
 * chance that a seed repeats.
 */
#ifndef STACK_TEST_H
#define STACK_TEST_H

#include <handfast/stack.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static inline void *stack_test_allocate(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static inline void stack_test_release(void *context, void *memory, size_t size)
{
    (void)context;
    (void)size;
    free(memory);
}

/* Bits 0 to 2 of `variant`: without SACK, without timestamps, with ECN. The rest is the test's. */
static inline struct hf_config stack_test_config(uint8_t seed, uint32_t variant)
{
    struct hf_config config = hf_config_bare();
    config.allocator = (struct hf_allocator){stack_test_allocate, stack_test_release, NULL};
    config.seed[0] = seed;
    config.sack = (variant & 1) == 0;
    config.timestamps = (variant & 2) == 0;
    config.ecn = variant & 4 ? 3 : 1;
    return config;
}

static inline struct hf_stack *stack_test_host(const struct hf_config *config,
                                               const struct hf_address *address)
{
    struct hf_stack *stack = hf_stack_new(config);
    assert_non_null(stack);
    assert_int_equal(hf_stack_add_address(stack, address), HF_OK);
    return stack;
}

static inline uint32_t stack_test_chance(uint64_t *state, uint32_t below)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33) % below;
}

#endif
