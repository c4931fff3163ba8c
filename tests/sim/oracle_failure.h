/* SPDX-License-Identifier: MIT
 *
 * The first thing that an oracle finds wrong: what comes after it is mostly its consequence.
 */
#ifndef ORACLE_FAILURE_H
#define ORACLE_FAILURE_H

#include <handfast/handfast.h>

struct oracle_failure {
    char text[240]; /* "": all is well */
};

/* Keeps the text, behind the time, unless there is one. */
__attribute__((format(printf, 3, 4))) void oracle_fail(struct oracle_failure *failure, hf_time when,
                                                       const char *format, ...);

#endif
