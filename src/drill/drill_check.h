/* SPDX-License-Identifier: MIT
 *
 * What can be told about a script before it runs.
 */
#ifndef DRILL_CHECK_H
#define DRILL_CHECK_H

#include "drill_syntax.h"

/* False after a complaint: an unknown name, a time that cannot be, a packet that cannot be built.
 * Symbolic constants become numbers here. */
bool drill_check(struct drill_script *script);

#endif
