/* SPDX-License-Identifier: MIT
 *
 * --so_flags: words with commas (or blanks) between. What is not a flag is named on stderr, with
 * what there is, and changes nothing.
 *
 * packetdrill tells a plug-in neither its --mtu nor its --local_ip, though the script depends on
 * both; they are read from the process's own command line, where --so_flags does not say otherwise.
 */
#include "plugin.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COMMAND_LINE_BYTES = 65536, WORD_BYTES = 128, LEAST_MTU = 576, MOST_MTU = 65535 };

#define USUAL_IDLE_MS 400
#define USUAL_PATIENCE (86400 * HF_SECOND)
#define KNOWN_FLAGS                                                               \
    "strict, verbose, ladder, no-sysctl, local=ADDRESS, mtu=BYTES, seed=NUMBER, " \
    "patience=SECONDS, idle=MILLISECONDS"

/* A whole number within bounds. */
static bool number_of(const char *value, int64_t least, int64_t most, int64_t *number)
{
    char *end;
    if (value == NULL || !isdigit((unsigned char)value[0]))
        return false;
    *number = strtoll(value, &end, 10);
    return *end == '\0' && *number >= least && *number <= most;
}

static bool take_local(struct plugin_flags *flags, const char *value)
{
    struct hf_address address;
    unsigned family;
    if (value == NULL || hf_address_parse(value, &address) != HF_OK ||
        address.family == HF_FAMILY_ANY || hf_address_is_any(&address))
        return false;
    family = address.family == HF_IPV6;
    flags->local[family] = address;
    return flags->has_local[family] = true;
}

static bool take_switch(struct plugin_flags *flags, const char *name)
{
    if (strcmp(name, "strict") == 0)
        flags->strict = true;
    else if (strcmp(name, "verbose") == 0)
        flags->verbose = true;
    else if (strcmp(name, "ladder") == 0)
        flags->ladder = true;
    else if (strcmp(name, "no-sysctl") == 0)
        flags->sysctl = false;
    else
        return false;
    return true;
}

/* *known: there is such a flag; the value may still be none for it. */
static bool take_value(struct plugin_flags *flags, const char *name, const char *value, bool *known)
{
    int64_t number = 0;
    bool fine;
    *known = true;
    if (strcmp(name, "local") == 0)
        return take_local(flags, value);
    if (strcmp(name, "mtu") == 0) {
        fine = number_of(value, LEAST_MTU, MOST_MTU, &number);
        flags->mtu = fine ? (uint32_t)number : flags->mtu;
    } else if (strcmp(name, "seed") == 0) {
        fine = number_of(value, 0, INT64_MAX, &number);
        if (fine)
            memcpy(flags->seed, &number, sizeof number);
    } else if (strcmp(name, "patience") == 0) {
        fine = number_of(value, 1, INT32_MAX, &number);
        flags->patience = fine ? number * HF_SECOND : flags->patience;
    } else if (strcmp(name, "idle") == 0) {
        fine = number_of(value, 0, 3600000, &number);
        flags->idle_ms = fine ? (uint32_t)number : flags->idle_ms;
    } else {
        *known = false;
        fine = false;
    }
    return fine;
}

static void take_word(struct plugin_flags *flags, char *word)
{
    char *equals = strchr(word, '=');
    bool known;
    if (equals == NULL && take_switch(flags, word))
        return;
    if (equals != NULL)
        *equals = '\0';
    if (take_value(flags, word, equals != NULL ? equals + 1 : NULL, &known))
        return;
    if (known)
        plugin_say("--so_flags: %s: '%s' is no value for it; it is left as it was", word,
                   equals != NULL ? equals + 1 : "");
    else
        plugin_say("--so_flags: there is no flag '%s', and it has no effect; there are: %s", word,
                   KNOWN_FLAGS);
}

static void take_words(struct plugin_flags *flags, const char *text)
{
    static const char between[] = ", \t\n";
    for (const char *at = text + strspn(text, between); *at != '\0'; at += strspn(at, between)) {
        char word[WORD_BYTES];
        size_t length = strcspn(at, between);
        snprintf(word, sizeof word, "%.*s", (int)(length < WORD_BYTES ? length : WORD_BYTES - 1),
                 at);
        take_word(flags, word);
        at += length;
    }
}

/* ---- packetdrill's own command line */

static void take_option(struct plugin_flags *flags, const char *word)
{
    int64_t number;
    if (strncmp(word, "--mtu=", strlen("--mtu=")) == 0 &&
        number_of(word + strlen("--mtu="), LEAST_MTU, MOST_MTU, &number))
        flags->mtu = (uint32_t)number;
    if (strncmp(word, "--local_ip=", strlen("--local_ip=")) == 0)
        (void)take_local(flags, word + strlen("--local_ip="));
}

static void take_command_line(struct plugin_flags *flags)
{
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    char *text = malloc(COMMAND_LINE_BYTES + 1);
    ssize_t length = fd >= 0 && text != NULL ? read(fd, text, COMMAND_LINE_BYTES) : 0;
    for (ssize_t at = 0; at < length; at += (ssize_t)strlen(text + at) + 1) {
        text[length] = '\0';
        take_option(flags, text + at);
    }
    free(text);
    if (fd >= 0)
        plugin_close_kernel(fd);
}

void plugin_flags_read(struct plugin_flags *flags, const char *text)
{
    memset(flags, 0, sizeof *flags);
    flags->sysctl = true;
    flags->idle_ms = USUAL_IDLE_MS;
    flags->patience = USUAL_PATIENCE;
    for (size_t i = 0; i < sizeof flags->seed; i++)
        flags->seed[i] = (uint8_t)(i * 17 + 1);
    take_command_line(flags);
    if (text != NULL)
        take_words(flags, text);
}
