/* SPDX-License-Identifier: MIT
 *
 * `handfast demo`: two hosts in one process, and the questions a student asks of the TCP text.
 */
#ifndef DEMO_H
#define DEMO_H

#include "command.h"

/* argv[0] is "demo". EXIT_CODE_FAILURE when what happened is not what should have happened. */
int cli_demo(int argc, char **argv);

extern const struct command command_demo;

#endif
