/* SPDX-License-Identifier: MIT
 *
 * `handfast': finds the subcommand and runs it.
 */
#include "bench.h"
#include "command.h"
#include "demo.h"
#include "drill.h"
#include "help.h"
#include "message.h"
#include "suggest.h"

#include <errno.h>
#include <handfast/handfast.h>
#include <stdio.h>
#include <string.h>

enum { COMMANDS = 10 };

static int run_help(int argc, char **argv);
static int run_version(int argc, char **argv);

static const struct option_row help_rows[] = {
    {1, "list", NULL, "Print every command and option in a form for programs."},
};

static const struct command command_help = {
    .name = "help",
    .operands = "[COMMAND]",
    .summary = "say what the commands do, or one of them in full",
    .description =
        "Says what the commands do, or what one of them does and which options it takes.",
    .options = help_rows,
    .option_count = 1,
    .run = run_help,
};

static const struct command command_version = {
    .name = "version",
    .operands = "",
    .summary = "say which version this is",
    .description = "Prints \"handfast\" and the version number.",
    .run = run_version,
};

static const struct command *const commands[COMMANDS] = {
    &command_demo, &command_listen, &command_connect, &command_proxy,   &command_ss,
    &command_wire, &command_drill,  &command_bench,   &command_version, &command_help,
};

/* NULL after complaining. */
static const struct command *find_command(const char *name)
{
    const char *names[COMMANDS];
    const char *nearest;

    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
        names[i] = commands[i]->name;
    }
    nearest = suggest_nearest(name, names, COMMANDS);
    if (nearest != NULL)
        fail_usage(NULL, "there is no command '%s'; did you mean '%s'?", name, nearest);
    else
        fail_usage(NULL, "there is no command '%s'", name);
    return NULL;
}

static int run_help(int argc, char **argv)
{
    const struct command *command;

    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        help_print_list(commands, COMMANDS);
        return EXIT_CODE_OK;
    }
    if (argc > 2)
        return fail_usage(NULL, "help takes one command");
    if (argc < 2) {
        help_print_overview(commands, COMMANDS);
        return EXIT_CODE_OK;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        help_print_command(&command_help);
        return EXIT_CODE_OK;
    }
    if (argv[1][0] == '-')
        return fail_usage(&command_help, "help has no option %s", argv[1]);
    command = find_command(argv[1]);
    if (command == NULL)
        return EXIT_CODE_USAGE;
    help_print_command(command);
    return EXIT_CODE_OK;
}

static int run_version(int argc, char **argv)
{
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        help_print_command(&command_version);
        return EXIT_CODE_OK;
    }
    if (argc > 1)
        return fail_usage(&command_version, "version takes no operands, but was given '%s'",
                          argv[1]);
    printf("handfast %s\n", hf_version());
    return EXIT_CODE_OK;
}

/* What was printed may still fail to reach its file. */
static int finish(int exit_code)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        int error = errno;

        /* Whoever closed the pipe has read enough. */
        if (error == EPIPE)
            return exit_code;
        if (exit_code == EXIT_CODE_OK)
            return fail(-error, "writing to standard output");
    }
    return exit_code;
}

int main(int argc, char **argv)
{
    const struct command *command;
    char *name;

    if (argc < 2) {
        help_print_overview(commands, COMMANDS);
        finish(EXIT_CODE_OK);
        return EXIT_CODE_USAGE;
    }
    name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        help_print_overview(commands, COMMANDS);
        return finish(EXIT_CODE_OK);
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        return finish(run_version(1, argv + 1));
    if (name[0] == '-')
        return fail_usage(NULL, "options stand after the command, but '%s' stands before", name);
    command = find_command(name);
    return command != NULL ? finish(command->run(argc - 1, argv + 1)) : EXIT_CODE_USAGE;
}
