/* SPDX-License-Identifier: MIT
 *
 * Linux's symbolic constants by name.
 */
#ifndef DRILL_SYMBOLS_H
#define DRILL_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

bool drill_symbol_find(const char *name, int64_t *value);
/* "ECONNRESET" for 104; "errno 999" in `spare` for what has no name. */
const char *drill_errno_name(int error, char spare[24]);
/* The errno of that name, or 0. */
int drill_errno_find(const char *name);

#endif
