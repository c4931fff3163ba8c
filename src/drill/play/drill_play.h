/* SPDX-License-Identifier: MIT
 *
 * Plays scripts in the language of packetdrill against a Handfast stack in virtual time. Needs no
 * root and no network.
 *
 * The exit status of a play: 0 all passed, 1 some failed, 2 some script is not understood or not
 * there, 9 all passed and the file that was asked for could not be written.
 */
#ifndef DRILL_PLAY_H
#define DRILL_PLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { DRILL_PASSED = 0, DRILL_FAILED = 1, DRILL_NOT_UNDERSTOOD = 2, DRILL_UNWRITTEN = 9 };

struct drill_plan {
    const char *const *paths; /* files, and directories to search for *.pkt */
    size_t path_count;
    const char *const *settings; /* "tolerance_usecs=1000", "define=NAME=VALUE": these win */
    size_t setting_count;
    unsigned jobs; /* scripts at once; 0: 2 */
    bool ladder, allow_shell;
    const char *junit_path; /* or NULL */
    FILE *out, *err;        /* err: what is about files and not about what is in them */
};

/* Says what went wrong, one line a script, and at the end "N passed, N failed". */
int drill_play(const struct drill_plan *plan);

/* Of packetdrill's options those that cannot have a meaning here: why not; NULL: another. */
const char *drill_setting_refusal(const char *name);

/* Is this a setting? False: message says why not. */
bool drill_setting_valid(const char *text, char message[256]);

#endif
