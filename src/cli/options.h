/* SPDX-License-Identifier: MIT
 *
 * Reads a command line by the rows of its command.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "command.h"
#include "network_options.h"
#include "numbers.h"

/* Takes one option. Returns false after complaining. */
typedef bool options_take_function(void *context, int id, const char *argument);

/* `network` may be NULL for commands that do not touch it. Network options go there, all others to
 * `take`. True: go on, *operand_index is the first operand. False: help was printed or the
 * complaint was made, and *code is what to end with. */
bool options_scan(const struct command *command, int argc, char **argv,
                  struct network_options *network, options_take_function *take, void *context,
                  int *operand_index, int *code);

#endif
