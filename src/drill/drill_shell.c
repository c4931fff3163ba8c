/* SPDX-License-Identifier: MIT
 *
 * The shell lines of scripts are, nearly all, sysctls. They are read here and set the stack's
 * configuration; no process is started and no setting of the machine is touched. What is something
 * else is refused by name, or handed to /bin/sh if --allow-shell says so.
 */
#include "drill_settings.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { MOST_WORDS = 64, WORD_BYTES = 512, COMMAND_BYTES = 8192 };

struct words {
    char text[MOST_WORDS][WORD_BYTES];
    unsigned count;
};

/* Splits one command into words as a shell would, quotes and backslashes included. False: too long
 * or a quote that does not end. */
static bool split(const char *command, struct words *words)
{
    const char *at = command;
    words->count = 0;
    for (;;) {
        size_t length = 0;
        char quote = '\0';
        at += strspn(at, " \t\n");
        if (*at == '\0' || *at == '#')
            return true;
        if (words->count == MOST_WORDS)
            return false;
        for (; *at != '\0' && (quote != '\0' || strchr(" \t\n", *at) == NULL); at++) {
            if (quote == '\0' && (*at == '"' || *at == '\'')) {
                quote = *at;
            } else if (quote != '\0' && *at == quote) {
                quote = '\0';
            } else if (length + 1 < WORD_BYTES) {
                words->text[words->count][length++] = *at;
            } else {
                return false;
            }
        }
        if (quote != '\0')
            return false;
        words->text[words->count++][length] = '\0';
    }
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* "/proc/sys/net/ipv4/tcp_sack" or "net.ipv4.tcp_sack" and a value. */
static bool assign(struct hf_config *config, const char *path, const char *value, char message[256])
{
    static const char prefix[] = "/proc/sys/";
    char name[WORD_BYTES];
    size_t skip = strncmp(path, prefix, sizeof prefix - 1) == 0 ? sizeof prefix - 1 : 0;
    snprintf(name, sizeof name, "%s", path + skip);
    for (char *at = name; *at != '\0'; at++) {
        if (*at == '/')
            *at = '.';
    }
    return drill_sysctl_apply(config, name, value, message);
}

/* NAME=VALUE words, options left out. */
static bool assignments(struct hf_config *config, struct words *words, char message[256])
{
    for (unsigned i = 1; i < words->count; i++) {
        char *word = words->text[i], *equals = strchr(word, '=');
        if (word[0] == '-')
            continue;
        if (strchr(word, '>') != NULL)
            break; /* where its words went does not matter */
        if (equals == NULL) {
            snprintf(message, 256, "'%.60s': NAME=VALUE is expected", word);
            return false;
        }
        *equals = '\0';
        if (!assign(config, word, equals + 1, message))
            return false;
    }
    return true;
}

/* echo VALUE > /proc/sys/... */
static bool is_echo(const struct words *words)
{
    return words->count == 4 && strcmp(words->text[0], "echo") == 0 &&
           strcmp(words->text[2], ">") == 0 &&
           strncmp(words->text[3], "/proc/sys/", strlen("/proc/sys/")) == 0;
}

static bool run_shell(const char *command, char message[256])
{
    /* NOLINTNEXTLINE(cert-env33-c): the user asked for it, by name, with --allow-shell. */
    int status = system(command);
    if (status == -1 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        snprintf(message, 256, "the command '%.100s' failed with status %d", command,
                 status != -1 && WIFEXITED(status) ? WEXITSTATUS(status) : -1);
        return false;
    }
    return true;
}

static bool apply_command(struct hf_config *config, const char *command, bool allow_shell,
                          char message[256])
{
    struct words *words = malloc(sizeof *words);
    const char *program;
    bool fine = true;
    if (words == NULL || !split(command, words)) {
        snprintf(message, 256, "the command '%.100s' is too long or its quotes do not end",
                 command);
        free(words);
        return false;
    }
    program = words->count > 0 ? base_name(words->text[0]) : "";
    if (strcmp(program, "sysctl") == 0 || strcmp(program, "set_sysctls.py") == 0)
        fine = assignments(config, words, message);
    else if (is_echo(words))
        fine = assign(config, words->text[3], words->text[1], message);
    else if (allow_shell && program[0] != '\0' && strcmp(program, "defaults.sh") != 0)
        fine = run_shell(command, message);
    else if (program[0] != '\0' && strcmp(program, ":") != 0 && strcmp(program, "true") != 0 &&
             strcmp(program, "defaults.sh") != 0) { /* the stack begins with its defaults */
        snprintf(message, 256,
                 "the command '%.60s' is refused: only sysctls are read; --allow-shell runs it",
                 program);
        fine = false;
    }
    free(words);
    return fine;
}

bool drill_shell_apply(struct hf_config *config, const char *text, bool allow_shell,
                       char message[256])
{
    char command[COMMAND_BYTES];
    size_t length = 0;
    char quote = '\0';
    for (const char *at = text;; at++) {
        bool ends = *at == '\0' || (quote == '\0' &&
                                    (*at == '\n' || *at == ';' || (at[0] == '&' && at[1] == '&')));
        if (!ends && at[0] == '\\' && at[1] == '\n') {
            at++; /* the line goes on */
            continue;
        }
        if (!ends && (*at == '"' || *at == '\''))
            quote = quote == '\0' ? *at : quote == *at ? '\0' : quote;
        if (!ends) {
            if (length + 1 >= sizeof command) {
                snprintf(message, 256, "this command is too long");
                return false;
            }
            command[length++] = *at;
            continue;
        }
        command[length] = '\0';
        length = 0;
        if (!apply_command(config, command, allow_shell, message))
            return false;
        if (*at == '\0')
            return true;
        if (*at == '&')
            at++;
    }
}
