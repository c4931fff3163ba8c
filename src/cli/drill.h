/* SPDX-License-Identifier: MIT
 *
 * `handfast drill`.
 */
#ifndef DRILL_H
#define DRILL_H

#include "command.h"

extern const struct command command_drill;
int cli_drill(int argc, char **argv);

#endif
