/* SPDX-License-Identifier: MIT
 *
 * Reads a command line by the rows of its command.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "command.h"
#include "network_options.h"
#include "numbers.h"

enum options_result {
    OPTIONS_OK,    /* go on; *operand_index is the first operand */
    OPTIONS_HELP,  /* --help was printed: end with EXIT_CODE_OK */
    OPTIONS_WRONG, /* the complaint was made: end with EXIT_CODE_USAGE */
};

/* Takes one option. Returns false after complaining. */
typedef bool options_take_function(void *context, int id, const char *argument);

/* `network` may be NULL for commands that do not touch it. Network options go there, all others to
 * `take`. */
enum options_result options_scan(const struct command *command, int argc, char **argv,
                                 struct network_options *network, options_take_function *take,
                                 void *context, int *operand_index);

#endif
