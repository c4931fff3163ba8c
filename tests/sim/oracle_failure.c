/* SPDX-License-Identifier: MIT
 *
 * See oracle_failure.h.
 */
#include "oracle_failure.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void oracle_fail(struct oracle_failure *failure, hf_time when, const char *format, ...)
{
    va_list arguments;
    int length;

    if (failure->text[0] != '\0')
        return;
    length = snprintf(failure->text, sizeof failure->text, "at %" PRId64 " ns: ", when);
    va_start(arguments, format);
    vsnprintf(failure->text + length, sizeof failure->text - (size_t)length, format, arguments);
    va_end(arguments);
}
