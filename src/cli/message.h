/* SPDX-License-Identifier: MIT
 *
 * Words for people, on stderr: what happened, to what, and what to do about it.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include "command.h"

/* "handfast: ..." and a line end. Whole lines: nothing of another writer comes between. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

/* The exit code that stands for an error: an enum hf_error, or an errno, negated. */
enum exit_code exit_code_of(int error);

/* Its name in plain words. Unlike hf_error_text it knows the errors of files too. */
const char *error_words(int error);

/* What to do about it, as a clause that follows "; "; "" when there is no better advice than the
 * error itself. */
const char *error_advice(int error);

/* Says "WHAT: ERROR; ADVICE" and returns the exit code. */
__attribute__((format(printf, 2, 3))) int fail(int error, const char *format, ...);

/* The same for what ended a connection: there, EACCES is a router's word and not a file's. */
__attribute__((format(printf, 2, 3))) int fail_connection(int error, const char *format, ...);

/* The same for a wrong command line, with the way to the help: always EXIT_CODE_USAGE. */
__attribute__((format(printf, 2, 3))) int fail_usage(const struct command *command,
                                                     const char *format, ...);

#endif
