/* SPDX-License-Identifier: MIT
 *
 * The lexer and the parser together: the one door to the generated code.
 */
#ifndef DRILL_PARSE_H
#define DRILL_PARSE_H

#include "drill_syntax.h"

bool drill_parse_text(struct drill_script *script, const char *text, size_t length,
                      const struct drill_definition *definitions, size_t definition_count);

#endif
