/* SPDX-License-Identifier: MIT
 *
 * Directories are searched in the order of names, so that a list of results is the same everywhere.
 */
#include "drill_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DEEPEST = 16, MOST_BYTES = 4 << 20 };

/* Takes `path` over when it succeeds. */
static bool append(struct drill_files *files, char *path)
{
    if (files->count == files->room) {
        size_t room = files->room == 0 ? 64 : 2 * files->room;
        char **grown = realloc(files->paths, room * sizeof *grown);
        if (grown == NULL)
            return false;
        files->paths = grown;
        files->room = room;
    }
    files->paths[files->count++] = path;
    return true;
}

static bool is_script(const char *name)
{
    size_t length = strlen(name);
    return length > 4 && strcmp(name + length - 4, ".pkt") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool search(struct drill_files *files, const char *directory, int depth, char message[512])
{
    struct dirent **entries;
    int count = scandir(directory, &entries, NULL, by_name);
    bool fine = count >= 0 && depth < DEEPEST;
    if (count < 0)
        snprintf(message, 512, "%s: %s", directory, strerror(errno));
    else if (depth >= DEEPEST)
        snprintf(message, 512, "%s: too many directories within each other", directory);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        struct stat status;
        size_t length = strlen(directory) + strlen(name) + 2;
        char *path = fine && name[0] != '.' ? malloc(length) : NULL;
        if (path != NULL) {
            snprintf(path, length, "%s/%s", directory, name);
            if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
                fine = search(files, path, depth + 1, message);
            else if (is_script(name) && append(files, path))
                path = NULL;
        }
        free(path);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return fine;
}

bool drill_files_add(struct drill_files *files, const char *path, char message[512])
{
    struct stat status;
    size_t before = files->count, length = strlen(path);
    char *copy;
    if (stat(path, &status) != 0) {
        snprintf(message, 512, "%s: %s", path, strerror(errno));
        return false;
    }
    copy = malloc(length + 1);
    if (copy == NULL) {
        snprintf(message, 512, "%s: out of memory", path);
        return false;
    }
    memcpy(copy, path, length + 1);
    if (!S_ISDIR(status.st_mode)) {
        if (append(files, copy))
            return true;
        free(copy);
        return false;
    }
    while (length > 1 && copy[length - 1] == '/')
        copy[--length] = '\0';
    if (!search(files, copy, 0, message)) {
        free(copy);
        return false;
    }
    free(copy);
    if (files->count == before)
        snprintf(message, 512, "%s: no script (*.pkt) in this directory", path);
    return files->count > before;
}

void drill_files_free(struct drill_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->paths[i]);
    free(files->paths);
}

char *drill_file_read(const char *path, char message[512])
{
    FILE *file = fopen(path, "re");
    char *text = file != NULL ? malloc(MOST_BYTES + 1) : NULL;
    size_t length = text != NULL ? fread(text, 1, MOST_BYTES + 1, file) : 0;
    bool fine = text != NULL && !ferror(file);
    if (!fine) {
        snprintf(message, 512, "%s: %s", path, strerror(errno));
    } else if (length > MOST_BYTES) {
        snprintf(message, 512, "%s: larger than any script", path);
        fine = false;
    } else if (memchr(text, '\0', length) != NULL) {
        snprintf(message, 512, "%s: this is no text", path);
        fine = false;
    }
    if (file != NULL)
        fclose(file);
    if (!fine) {
        free(text);
        return NULL;
    }
    text[length] = '\0';
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0) /* some editors mark UTF-8 so */
        memmove(text, text + 3, length - 2);
    return text;
}
