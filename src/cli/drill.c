/* SPDX-License-Identifier: MIT
 *
 * `handfast drill`: the options of packetdrill by their own names, and a few of ours. What a
 * setting means is known to the runner alone; it is asked here only whether it understands it, so
 * that a mistake on the command line is told once and not for every script.
 */
#include "drill.h"

#include "drill_play.h"
#include "message.h"
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)DRILL_NOT_UNDERSTOOD == EXIT_CODE_USAGE &&
                   (int)DRILL_FAILED == EXIT_CODE_FAILURE && (int)DRILL_PASSED == EXIT_CODE_OK &&
                   (int)DRILL_UNWRITTEN == EXIT_CODE_FILE,
               "a play ends as the program does");

enum {
    ID_JOBS = 1,
    ID_LADDER,
    ID_JUNIT,
    ID_ALLOW_SHELL,
    /* The others are settings, handed on under their own names; their ids are the places of their
     * rows. */
    ID_FIRST_SETTING,
    ID_DEFINE = ID_FIRST_SETTING,
    ID_IP_VERSION,
    ID_TOLERANCE_USECS,
    ID_TOLERANCE_PERCENT,
    ID_MTU,
    ID_LOCAL_IP,
    ID_REMOTE_IP,
    ID_BIND_PORT,
    ID_CONNECT_PORT,
    ID_TCP_TS_TICK_USECS,
    ID_NON_FATAL,
    ID_STRICT_SEGMENTS,
    ID_LATE_SPLIT,
    ID_DRY_RUN,
    ID_VERBOSE,
    ID_INIT_SCRIPTS,
    ID_CODE_COMMAND,
    ID_CODE_FORMAT,
    ID_CODE_SOCKOPT,
    ID_GATEWAY_IP,
    ID_NETMASK_IP,
    ID_SPEED,
    ID_PERSISTENT_TUN_DEV,
    ID_USE_EXPECT,
    ID_IS_ANYIP,
    ID_SEND_OMIT_FREE,
    ID_TCP_TS_ECR_SCALED,
    ID_DEBUG
};

enum { MOST_SETTINGS = 64, SETTING_BYTES = 256 };

#define NO_EFFECT "Taken for packetdrill's sake; nothing here depends on it."

static const struct option_row rows[] = {
    {ID_JOBS, "jobs", "NUMBER", "So many scripts at once, also as -j NUMBER. Default: 2."},
    {ID_LADDER, "ladder", NULL, "Draw every run as a ladder of segments."},
    {ID_JUNIT, "junit", "FILE", "Write the results as JUnit's XML too."},
    {ID_ALLOW_SHELL, "allow-shell", NULL,
     "Run the shell commands of scripts that are no sysctls. Only for scripts you trust."},
    {ID_DEFINE, "define", "NAME=VALUE",
     "The word NAME of scripts reads as VALUE, also as -D NAME=VALUE."},
    {ID_IP_VERSION, "ip_version", "VERSION",
     "ipv4, ipv6, ipv4-mapped-ipv6, several with commas, or all. Default: ipv4."},
    {ID_TOLERANCE_USECS, "tolerance_usecs", "NUMBER",
     "Microseconds that a time may be off. Default: 0, for virtual time has no jitter."},
    {ID_TOLERANCE_PERCENT, "tolerance_percent", "PERCENT",
     "The same, of the time since the event before."},
    {ID_MTU, "mtu", "BYTES", "The stack's MTU. Default: 1500, over IPv6 1520."},
    {ID_LOCAL_IP, "local_ip", "ADDRESS", "The stack's address."},
    {ID_REMOTE_IP, "remote_ip", "ADDRESS", "The address of the scripts' peer."},
    {ID_BIND_PORT, "bind_port", "PORT", "The port of bind(fd, ..., ...). Default: 8080."},
    {ID_CONNECT_PORT, "connect_port", "PORT", "The port of connect(fd, ..., ...). Default: 8080."},
    {ID_TCP_TS_TICK_USECS, "tcp_ts_tick_usecs", "NUMBER",
     "One tick of the scripts' TS val; 0, the default, leaves the stack's TS val uncompared."},
    {ID_NON_FATAL, "non_fatal", "WHAT",
     "packet, syscall or both with a comma: their mismatches are told and do not end the script."},
    {ID_STRICT_SEGMENTS, "strict_segments", NULL,
     "A line stands for one segment, however many bytes it has."},
    {ID_LATE_SPLIT, "late_split", NULL,
     "The stack makes super-segments and cuts them; what it sends stays the same."},
    {ID_DRY_RUN, "dry_run", NULL, "Only read the scripts."},
    {ID_VERBOSE, "verbose", NULL, "Every packet and call as it happens, also as -v."},
    {ID_INIT_SCRIPTS, "init_scripts", "FILES",
     "Known is defaults.sh alone: the settings that the kernel's scripts begin with."},
    {ID_CODE_COMMAND, "code_command", "PROGRAM", "What runs the code in scripts: python3."},
    {ID_CODE_FORMAT, "code_format", "FORMAT", "The language of that code: python."},
    {ID_CODE_SOCKOPT, "code_sockopt", "NAME",
     "TCP_INFO, TCP_CC_INFO or SO_MEMINFO: the code is told all of them."},
    {ID_GATEWAY_IP, "gateway_ip", "ADDRESS", NO_EFFECT},
    {ID_NETMASK_IP, "netmask_ip", "ADDRESS", NO_EFFECT},
    {ID_SPEED, "speed", "NUMBER", NO_EFFECT},
    {ID_PERSISTENT_TUN_DEV, "persistent_tun_dev", NULL, NO_EFFECT},
    {ID_USE_EXPECT, "use_expect", NULL, NO_EFFECT},
    {ID_IS_ANYIP, "is_anyip", NULL, NO_EFFECT},
    {ID_SEND_OMIT_FREE, "send_omit_free", NULL, NO_EFFECT},
    {ID_TCP_TS_ECR_SCALED, "tcp_ts_ecr_scaled", NULL, NO_EFFECT},
    {ID_DEBUG, "debug", NULL, NO_EFFECT},
};

enum { ROW_COUNT = sizeof rows / sizeof rows[0] };

struct choices {
    struct drill_plan plan;
    const char *settings[MOST_SETTINGS];
    char texts[MOST_SETTINGS][SETTING_BYTES];
};

static bool take_setting(struct choices *choices, const char *name, const char *argument)
{
    size_t at = choices->plan.setting_count;
    char message[256];

    if (at == MOST_SETTINGS) {
        fail_usage(&command_drill, "more than %d settings", MOST_SETTINGS);
        return false;
    }
    if (snprintf(choices->texts[at], SETTING_BYTES, "%s%s%s", name, argument != NULL ? "=" : "",
                 argument != NULL ? argument : "") >= SETTING_BYTES) {
        fail_usage(&command_drill, "--%s: the value is too long", name);
        return false;
    }
    if (!drill_setting_valid(choices->texts[at], message)) {
        fail_usage(&command_drill, "%s", message);
        return false;
    }
    choices->settings[at] = choices->texts[at];
    choices->plan.setting_count++;
    return true;
}

static bool take_jobs(struct choices *choices, const char *argument)
{
    char *end;
    unsigned long jobs = strtoul(argument, &end, 10);

    if (argument[0] < '0' || argument[0] > '9' || *end != '\0' || jobs < 1 || jobs > 64) {
        fail_usage(&command_drill, "--jobs: '%s' is not a number from 1 to 64", argument);
        return false;
    }
    choices->plan.jobs = (unsigned)jobs;
    return true;
}

static bool take(void *context, int id, const char *argument)
{
    struct choices *choices = context;

    switch (id) {
    case ID_JOBS:
        return take_jobs(choices, argument);
    case ID_LADDER:
        choices->plan.ladder = true;
        return true;
    case ID_JUNIT:
        choices->plan.junit_path = argument;
        return true;
    case ID_ALLOW_SHELL:
        choices->plan.allow_shell = true;
        return true;
    default:
        return take_setting(choices, rows[id - 1].name, argument);
    }
}

/* -D NAME=VALUE, -DNAME=VALUE, -j N, -jN and -v in the long form that the rows have. The words are
 * allocated and given back by the caller; NULL: out of memory. */
static char *long_form(const char *word)
{
    const char *name = word, *value = "";
    size_t room;
    char *made;

    if (strncmp(word, "-D", 2) == 0 || strncmp(word, "-j", 2) == 0) {
        name = word[1] == 'D' ? "--define" : "--jobs";
        value = word + 2;
    }
    if (strcmp(word, "-v") == 0)
        name = "--verbose";
    room = strlen(name) + strlen(value) + 2;
    made = malloc(room);
    if (made != NULL)
        snprintf(made, room, "%s%s%s", name, value[0] != '\0' ? "=" : "", value);
    return made;
}

/* packetdrill's options that cannot have a meaning here are refused with the reason. */
static bool none_refused(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        char name[64];
        const char *why;
        if (strncmp(argv[i], "--", 2) != 0)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(argv[i] + 2, "="), argv[i] + 2);
        why = drill_setting_refusal(name);
        if (why != NULL) {
            fail_usage(&command_drill, "--%s is refused: %s", name, why);
            return false;
        }
    }
    return true;
}

static int play(struct choices *choices, int argc, char **argv)
{
    int first = 0, code;

    if (!none_refused(argc, argv))
        return EXIT_CODE_USAGE;

    if (!options_scan(&command_drill, argc, argv, NULL, take, choices, &first, &code))
        return code;
    if (first == argc)
        return fail_usage(&command_drill, "which scripts? Name files, or directories of *.pkt");
    choices->plan.paths = (const char *const *)argv + first;
    choices->plan.path_count = (size_t)(argc - first);
    choices->plan.settings = choices->settings;
    choices->plan.out = stdout;
    choices->plan.err = stderr;
    return drill_play(&choices->plan);
}

int cli_drill(int argc, char **argv)
{
    struct choices *choices = calloc(1, sizeof *choices);
    char **words = calloc((size_t)argc + 1, sizeof *words);
    bool fine = choices != NULL && words != NULL;
    int code = EXIT_CODE_FAILURE;

    for (int i = 0; fine && i < argc; i++) {
        words[i] = long_form(argv[i]);
        fine = words[i] != NULL;
    }
    if (fine)
        code = play(choices, argc, words);
    else
        say("out of memory");
    /* getopt_long moves the words about, but loses none. */
    for (int i = 0; words != NULL && i < argc; i++)
        free(words[i]);
    free(words);
    free(choices);
    return code;
}

const struct command command_drill = {
    .name = "drill",
    .operands = "SCRIPT...",
    .summary = "run packetdrill scripts in virtual time (no root, no network)",
    .description =
        "Plays scripts in packetdrill's language against a Handfast stack in this process: system "
        "calls on one side, packets on the other, each at its time. A directory stands for all "
        "*.pkt below it. Beyond what packetdrill checks, every packet's checksums and payload are "
        "verified, none may come unexpected, and nothing may be left when all is over. Ends with 0 "
        "if every script passed, 1 if one failed, 2 if one is not understood.",
    .options = rows,
    .option_count = ROW_COUNT,
    .run = cli_drill,
};
