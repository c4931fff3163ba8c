/* SPDX-License-Identifier: MIT
 *
 * Started, read to its end, and ended by an alarm of its own if it hangs.
 */
#define _GNU_SOURCE /* pipe2 */

#include "peer_program.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PEER_SECONDS = 120 };

static pid_t start(const char *path, char *const words[], int *output)
{
    int ends[2];
    pid_t child;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -1;
    }
    child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        alarm(PEER_SECONDS);
        execv(path, words);
        _exit(127);
    }
    close(ends[1]);
    if (child < 0) {
        close(ends[0]);
    }
    *output = ends[0];
    return child;
}

static bool run_words(const char *path, char *const words[], char *text, size_t size)
{
    int output = -1;
    int status = -1;
    pid_t child = start(path, words, &output);
    FILE *lines = child > 0 ? fdopen(output, "r") : NULL;
    bool fine = lines != NULL && fgets(text, (int)size, lines) != NULL;
    if (fine) {
        text[strcspn(text, "\n")] = '\0';
    }
    if (lines != NULL) {
        fclose(lines);
    }
    return child > 0 && waitpid(child, &status, 0) == child && fine && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

bool peer_name(const char *path, char *text, size_t size)
{
    char program[] = "peer";
    char word[] = "name";
    char *words[] = {program, word, NULL};
    return path != NULL && run_words(path, words, text, size);
}

double peer_run(const char *path, const char *work, uint64_t count, uint64_t idle)
{
    char program[] = "peer";
    char kind[16];
    char first[24];
    char second[24];
    char *words[] = {program, kind, first, second, NULL};
    char text[128];
    snprintf(kind, sizeof kind, "%s", work);
    snprintf(first, sizeof first, "%llu", (unsigned long long)count);
    snprintf(second, sizeof second, "%llu", (unsigned long long)idle);
    return path != NULL && run_words(path, words, text, sizeof text) ? strtod(text, NULL) : 0;
}
