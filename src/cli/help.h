/* SPDX-License-Identifier: MIT
 *
 * What is printed about the commands, for people and for the tests of the shell completions.
 */
#ifndef HELP_H
#define HELP_H

#include "command.h"

/* All of these print on stdout. */
void help_print_command(const struct command *command);
void help_print_overview(const struct command *const *commands, size_t count);

/* One line each: "command NAME", then its "option NAME --LONG ARGUMENT" ("-" for none) and
 * "word NAME WORD". Stable: the tests and other tools read it. */
void help_print_list(const struct command *const *commands, size_t count);

#endif
