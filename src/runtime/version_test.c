/* SPDX-License-Identifier: MIT
 *
 * The version at run time is the one the headers and the build name.
 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <handfast/handfast.h>
#include <stdio.h>

static void version_is_that_of_headers_and_build(void **state)
{
    char expected[64];

    (void)state;
    snprintf(expected, sizeof expected, "%d.%d.%d", HF_VERSION_MAJOR, HF_VERSION_MINOR,
             HF_VERSION_PATCH);
    assert_string_equal(hf_version(), expected);
    assert_string_equal(hf_version(), PROJECT_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(version_is_that_of_headers_and_build)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
