/* SPDX-License-Identifier: MIT
 *
 * The shell lines of scripts set sysctls and routes, nearly all. They are read here and set the
 * stack's configuration; no process is started and no setting of the machine is touched. What has
 * no meaning here is refused by name, or handed to /bin/sh if --allow-shell says so.
 */
#include "drill_command.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { COMMAND_BYTES = 8192 };

/* One word from *at, quotes and backslashes included. False: too long, or a quote does not end. */
static bool next_word(const char **at, char word[DRILL_WORD_BYTES])
{
    size_t length = 0;
    char quote = '\0';
    for (; **at != '\0'; (*at)++) {
        char character = **at;
        if (quote == '\0' && strchr(" \t\n", character) != NULL)
            break;
        if (quote == '\0' && (character == '>' || character == '|') && length > 0 &&
            strspn(word, "0123456789&") < length)
            break; /* value>file */
        if (quote == '\0' && (character == '"' || character == '\'')) {
            quote = character;
            continue;
        }
        if (quote != '\0' && character == quote) {
            quote = '\0';
            continue;
        }
        if (quote != '\'' && character == '\\' && (*at)[1] != '\0')
            character = *++*at;
        if (length + 1 >= DRILL_WORD_BYTES)
            return false;
        word[length++] = character;
        word[length] = '\0';
        if (quote == '\0' && character == '|')
            break;
    }
    if (**at == '|')
        (*at)++;
    return quote == '\0';
}

/* "2>&1", ">file" and the like. */
static bool is_redirection(const char *word, const char **target)
{
    const char *at = word + strspn(word, "0123456789&");
    if (*at != '>' && *at != '<')
        return false;
    *target = at + strspn(at, "><");
    return true;
}

/* Splits one command as a shell would. */
static bool split(const char *command, struct drill_words *words)
{
    const char *at = command;
    words->count = 0;
    words->output[0] = '\0';
    for (;;) {
        char word[DRILL_WORD_BYTES] = "";
        const char *target;
        bool quoted, standard;
        at += strspn(at, " \t\n");
        if (*at == '\0' || *at == '#')
            return true;
        quoted = *at == '"' || *at == '\'';
        standard = *at == '>' || *at == '1';
        if (!next_word(&at, word))
            return false;
        if (!quoted && is_redirection(word, &target)) {
            if (target[0] == '\0') {
                char file[DRILL_WORD_BYTES] = "";
                at += strspn(at, " \t");
                if (!next_word(&at, file))
                    return false;
                snprintf(word, sizeof word, "%s", file);
                target = word;
            }
            if (standard)
                snprintf(words->output, sizeof words->output, "%s", target);
            continue;
        }
        if (words->count == DRILL_MOST_WORDS)
            return false;
        memcpy(words->text[words->count++], word, sizeof word);
    }
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

static bool apply_command(const struct drill_shell *shell, const char *command, char message[256])
{
    struct drill_words *words = malloc(sizeof *words);
    bool fine = words != NULL && split(command, words), known = true;
    if (!fine) {
        snprintf(message, 256, "the command '%.100s' is too long or its quotes do not end",
                 command);
    } else if (words->count > 0) {
        fine = drill_command_apply(shell, words, &known, message);
    }
    if (!known && shell->unknown == DRILL_UNKNOWN_REFUSE)
        snprintf(message, 256,
                 "the command '%.60s' is refused: only sysctls are read; --allow-shell runs it",
                 words->text[0]);
    if (!known && shell->unknown == DRILL_UNKNOWN_RUN)
        fine = run_shell(command, message);
    if (!known && shell->unknown == DRILL_UNKNOWN_SKIP)
        fine = true;
    free(words);
    return fine;
}

bool drill_shell_apply(const struct drill_shell *shell, const char *text, char message[256])
{
    char command[COMMAND_BYTES];
    size_t length = 0;
    char quote = '\0';
    for (const char *at = text;; at++) {
        bool ends = *at == '\0' || (quote == '\0' &&
                                    (*at == '\n' || *at == ';' || (at[0] == '&' && at[1] == '&') ||
                                     (at[0] == '|' && at[1] == '|')));
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
        if (!apply_command(shell, command, message))
            return false;
        if (*at == '\0')
            return true;
        if (*at == '|') /* A || B: A has succeeded, so B is left out */
            at += strcspn(at, "\n;");
        if (*at == '\0')
            return true;
        if (*at == '&')
            at++;
    }
}
