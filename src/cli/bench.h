/* SPDX-License-Identifier: MIT
 *
 * `handfast bench`.
 */
#ifndef BENCH_H
#define BENCH_H

#include "command.h"

extern const struct command command_bench;

#endif
