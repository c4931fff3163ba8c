/* SPDX-License-Identifier: MIT
 *
 * The hosted assertion hook: says what failed and aborts. Not part of the core archives.
 */
#include "hf_assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void hf_assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "handfast: %s:%d: assertion failed: %s\n", file, line, condition);
    abort();
}
