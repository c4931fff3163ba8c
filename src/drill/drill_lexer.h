/* SPDX-License-Identifier: MIT
 *
 * What the grammar needs of the lexer beyond yylex.
 */
#ifndef DRILL_LEXER_H
#define DRILL_LEXER_H

#include "drill_grammar.h"

/* The text of the token that was read last. */
const char *drill_lexer_text(void *scanner);
int drill_yylex(DRILL_YYSTYPE *value, DRILL_YYLTYPE *location, void *scanner);

#endif
