/* SPDX-License-Identifier: MIT
 *
 * One command of a backtick line, taken apart into words.
 */
#ifndef DRILL_COMMAND_H
#define DRILL_COMMAND_H

#include "drill_settings.h"

enum { DRILL_MOST_WORDS = 64, DRILL_WORD_BYTES = 512 };

struct drill_words {
    char text[DRILL_MOST_WORDS][DRILL_WORD_BYTES];
    unsigned count;                /* without redirections */
    char output[DRILL_WORD_BYTES]; /* where standard output goes, or "" */
};

/* *known: there is a meaning for this program. False: not known, or message says what is wrong. */
bool drill_command_apply(const struct drill_shell *shell, struct drill_words *words, bool *known,
                         char message[256]);

#endif
