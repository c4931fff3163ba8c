/* SPDX-License-Identifier: MIT
 *
 * The scripts that are meant by files and directories.
 */
#ifndef DRILL_FILES_H
#define DRILL_FILES_H

#include <stdbool.h>
#include <stddef.h>

struct drill_files {
    char **paths;
    size_t count, room;
};

/* Adds a file, or all *.pkt below a directory in the order of their names. False: message says what
 * is wrong with it. */
bool drill_files_add(struct drill_files *files, const char *path, char message[512]);
void drill_files_free(struct drill_files *files);
/* The whole text of a file, from malloc; NULL: message. */
char *drill_file_read(const char *path, char message[512]);

#endif
