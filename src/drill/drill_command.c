/* SPDX-License-Identifier: MIT
 *
 * The programs that scripts call, each with what it means for a stack in virtual time: sysctls and
 * routes set its configuration; what looks after the kernel's devices, caches and queues has
 * nothing to do here; what would have to be heard, and is not, is refused by name.
 */
#include "drill_command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static void note(const struct drill_shell *shell, const char *what, const char *detail)
{
    if (shell->notes != NULL)
        fprintf(shell->notes, "    note:     '%s%s%s' changes nothing here\n", what,
                detail[0] != '\0' ? " " : "", detail);
}

/* ---- sysctls */

/* "/proc/sys/net/ipv4/tcp_sack" or "net.ipv4.tcp_sack" and a value. */
static bool assign(const struct drill_shell *shell, const char *path, const char *value,
                   char message[256])
{
    static const char prefix[] = "/proc/sys/";
    const struct hf_config before = *shell->config;
    char name[DRILL_WORD_BYTES];
    size_t skip = strncmp(path, prefix, sizeof prefix - 1) == 0 ? sizeof prefix - 1 : 0;
    snprintf(name, sizeof name, "%s", path + skip);
    for (char *at = name; *at != '\0'; at++) {
        if (*at == '/')
            *at = '.';
    }
    if (!drill_sysctl_apply(shell->config, name, value, message))
        return false;
    if (drill_config_same(&before, shell->config))
        note(shell, "sysctl", name);
    return true;
}

/* NAME=VALUE words, options left out; a NAME alone is only read. */
static bool sysctl(const struct drill_shell *shell, struct drill_words *words, char message[256])
{
    for (unsigned i = 1; i < words->count; i++) {
        char *word = words->text[i], *equals = strchr(word, '=');
        if (word[0] == '-')
            continue;
        if (equals == NULL) {
            note(shell, "sysctl", word);
            continue;
        }
        *equals = '\0';
        if (!assign(shell, word, equals + 1, message))
            return false;
    }
    return true;
}

/* echo VALUE > /proc/sys/... */
static bool echo(const struct drill_shell *shell, struct drill_words *words, char message[256])
{
    char value[DRILL_WORD_BYTES] = "";
    if (strncmp(words->output, "/proc/sys/", strlen("/proc/sys/")) != 0)
        return true; /* for people to read */
    for (unsigned i = 1; i < words->count; i++) {
        size_t used = strlen(value);
        snprintf(value + used, sizeof value - used, "%s%s", i > 1 ? " " : "", words->text[i]);
    }
    return assign(shell, words->output, value, message);
}

/* What the kernel's own scripts begin with, where the stack has it. */
static bool defaults(const struct drill_shell *shell, struct drill_words *words, char message[256])
{
    static const char *const table[][2] = {
        {"net.ipv4.tcp_timestamps", "1"},
        {"net.ipv4.tcp_window_scaling", "1"},
        {"net.ipv4.tcp_sack", "1"},
        {"net.ipv4.tcp_dsack", "1"},
        {"net.ipv4.tcp_rmem", "4096 540000 15728640"},
        {"net.ipv4.tcp_wmem", "4096 262144 4194304"},
        {"net.ipv4.tcp_congestion_control", "cubic"},
        {"net.ipv4.tcp_slow_start_after_idle", "0"},
        {"net.ipv4.tcp_min_tso_segs", "4"},
        {"net.ipv4.tcp_syn_retries", "5"},
        {"net.ipv4.tcp_synack_retries", "5"},
        {"net.ipv4.tcp_retries1", "3"},
        {"net.ipv4.tcp_retries2", "15"},
        {"net.ipv4.tcp_max_syn_backlog", "1024"},
        {"net.ipv4.tcp_syncookies", "1"},
        {"net.ipv4.tcp_frto", "2"},
        {"net.ipv4.tcp_reordering", "3"},
        {"net.ipv4.tcp_early_retrans", "4"},
        {"net.ipv4.tcp_recovery", "1"},
        {"net.ipv4.tcp_fin_timeout", "60"},
        {"net.ipv4.tcp_ecn", "0"},
        {"net.ipv4.tcp_mtu_probing", "0"},
        {"net.ipv4.tcp_no_metrics_save", "1"},
        {"net.ipv4.tcp_notsent_lowat", "4294967295"},
        {"net.ipv4.tcp_fastopen", "0x70403"},
        {"net.ipv4.tcp_fastopen_key", "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4"},
    };
    (void)words;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (!drill_sysctl_apply(shell->config, table[i][0], table[i][1], message))
            note(shell, table[i][0], table[i][1]);
    }
    return true;
}

/* ---- routes, links and queues */

/* "200ms", "20000us", "1s" or milliseconds without a unit. */
static bool duration(const char *text, hf_time *time)
{
    char *end;
    long long number = strtoll(text, &end, 10);
    hf_time unit = strcmp(end, "us") == 0                   ? HF_MICROSECOND
                   : strcmp(end, "s") == 0                  ? HF_SECOND
                   : *end == '\0' || strcmp(end, "ms") == 0 ? HF_MILLISECOND
                                                            : 0;
    if (end == text || unit == 0 || number <= 0 || number > HF_TIME_NEVER / unit)
        return false;
    *time = number * unit;
    return true;
}

static bool number(const char *text, long most, uint32_t *value)
{
    char *end;
    long read = strtol(text, &end, 10);
    if (end == text || *end != '\0' || read < 1 || read > most)
        return false;
    *value = (uint32_t)read;
    return true;
}

/* One attribute of a route and its value. False: message says what is wrong. */
static bool attribute(const struct drill_shell *shell, const char *name, const char *value,
                      char message[256])
{
    static const char *const places[] = {"via", "dev", "src", "proto", "scope", "metric", "table"};
    bool fine = true;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (strcmp(name, places[i]) == 0)
            return true; /* there is one way only */
    }
    if (strcmp(name, "initcwnd") == 0) {
        fine = number(value, 65535, &shell->config->initial_window_segments);
    } else if (strcmp(name, "mtu") == 0) {
        fine = number(value, 65535, &shell->config->mtu);
    } else if (strcmp(name, "rto_min") == 0) {
        fine = duration(value, &shell->config->min_rto_ns);
    } else if (strcmp(name, "congctl") == 0) {
        return drill_sysctl_apply(shell->config, "net.ipv4.tcp_congestion_control", value, message);
    } else if (strcmp(name, "features") == 0 && strcmp(value, "ecn") == 0) {
        return drill_sysctl_apply(shell->config, "net.ipv4.tcp_ecn", "1", message);
    } else {
        snprintf(message, 256, "ip route: '%.60s' is nothing that the stack knows of a route",
                 name);
        return false;
    }
    if (!fine)
        snprintf(message, 256, "ip route: %.60s cannot be '%.60s'", name, value);
    return fine;
}

static bool route(const struct drill_shell *shell, struct drill_words *words, unsigned at,
                  char message[256])
{
    const char *verb = at < words->count ? words->text[at] : "show";
    if (strcmp(verb, "show") == 0 || strcmp(verb, "get") == 0 || strcmp(verb, "flush") == 0 ||
        strcmp(verb, "list") == 0) {
        note(shell, "ip route", verb);
        return true;
    }
    /* The verb, then where to. */
    for (at += 2; at < words->count; at += 2) {
        const char *name = words->text[at];
        if (at + 1 < words->count && strcmp(words->text[at + 1], "lock") == 0)
            at++;
        if (!attribute(shell, name, at + 1 < words->count ? words->text[at + 1] : "", message))
            return false;
    }
    return true;
}

/* Nothing is remembered from one script to the next; within one, `flush' forgets. */
static bool metrics(const struct drill_shell *shell, const char *verb)
{
    if (strncmp(verb, "fl", 2) == 0 && shell->flushed != NULL)
        *shell->flushed = true;
    else
        note(shell, "ip tcp_metrics", verb);
    return true;
}

static bool ip(const struct drill_shell *shell, struct drill_words *words, char message[256])
{
    unsigned at = 1;
    const char *object;
    while (at < words->count && words->text[at][0] == '-')
        at++;
    object = at < words->count ? words->text[at] : "";
    if (strcmp(object, "route") == 0 || strcmp(object, "ro") == 0 || strcmp(object, "r") == 0)
        return route(shell, words, at + 1, message);
    if (strcmp(object, "tcp_metrics") == 0 || strcmp(object, "tcpmetrics") == 0)
        return metrics(shell, at + 1 < words->count ? words->text[at + 1] : "show");
    if (strcmp(object, "neigh") == 0) {
        note(shell, "ip", object);
        return true;
    }
    if (strcmp(object, "link") == 0) {
        for (unsigned i = at + 1; i + 1 < words->count; i++) {
            if (strcmp(words->text[i], "mtu") == 0)
                return attribute(shell, "mtu", words->text[i + 1], message);
        }
        note(shell, "ip", object);
        return true;
    }
    snprintf(message, 256,
             "the command 'ip %.60s' is refused: of ip only route, link, neigh and tcp_metrics are "
             "read; --allow-shell runs it",
             object);
    return false;
}

/* A queue that only orders packets does nothing where each leaves at once. */
static bool tc(const struct drill_shell *shell, struct drill_words *words, char message[256])
{
    for (unsigned i = 1; i < words->count; i++) {
        if (strcmp(words->text[i], "netem") == 0 || strcmp(words->text[i], "tbf") == 0 ||
            strcmp(words->text[i], "filter") == 0) {
            snprintf(message, 256,
                     "the command 'tc ... %s' is refused: between the stack and the script nothing "
                     "is delayed, lost or filtered",
                     words->text[i]);
            return false;
        }
    }
    note(shell, "tc", words->count > 1 ? words->text[1] : "");
    return true;
}

/* Counters may be set back, but not compared. */
static bool nstat(const struct drill_shell *shell, struct drill_words *words, char message[256])
{
    for (unsigned i = 1; i < words->count; i++) {
        if (strcmp(words->text[i], "|") == 0) {
            snprintf(message, 256,
                     "the command 'nstat |' is refused: the stack does not count in the kernel's "
                     "names; ask tcpi_* in %%{ }%% instead");
            return false;
        }
    }
    note(shell, "nstat", "");
    return true;
}

static bool nothing(const struct drill_shell *shell, struct drill_words *words, char message[256])
{
    (void)message;
    note(shell, words->text[0], "");
    return true;
}

bool drill_command_apply(const struct drill_shell *shell, struct drill_words *words, bool *known,
                         char message[256])
{
    static const struct {
        const char *name;
        bool (*apply)(const struct drill_shell *, struct drill_words *, char[256]);
    } table[] = {
        {"sysctl", sysctl},
        {"set_sysctls.py", sysctl},
        {"echo", echo},
        {"defaults.sh", defaults},
        {"ip", ip},
        {"tc", tc},
        {"nstat", nstat},
        {"sleep", nothing},
        {"modprobe", nothing},
        {"true", nothing},
        {":", nothing},
        {"set", nothing},
        {"sync", nothing},
    };
    const char *program = base_name(words->text[0]);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(program, table[i].name) == 0) {
            *known = true;
            return table[i].apply(shell, words, message);
        }
    }
    *known = false;
    return false;
}
