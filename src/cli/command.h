/* SPDX-License-Identifier: MIT
 *
 * What a subcommand is: a row of data and a function. Help texts, the list that the shell
 * completions are checked against and the parsing of options are all read from these rows, so that
 * none of them can say what another does not.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <stdbool.h>
#include <stddef.h>

/* How a command ends; handfast(1) lists them under EXIT STATUS. Signals end it with 128 + N. */
enum exit_code {
    EXIT_CODE_OK = 0,
    EXIT_CODE_FAILURE = 1,
    EXIT_CODE_USAGE = 2,
    EXIT_CODE_REFUSED = 3,
    EXIT_CODE_RESET = 4,
    EXIT_CODE_TIMED_OUT = 5,
    EXIT_CODE_UNREACHABLE = 6,
    EXIT_CODE_PERMISSION = 7,
    EXIT_CODE_ADDRESS = 8,
    EXIT_CODE_FILE = 9,
    EXIT_CODE_SIGNAL = 128
};

struct option_row {
    int id;               /* for the command's own `take` function */
    const char *name;     /* "send", for --send */
    const char *argument; /* "FILE", or NULL for none */
    const char *help;     /* one or more sentences; wrapped when printed */
};

struct command {
    const char *name;
    const char *operands; /* "HOST PORT"; "" for none */
    const char *summary;  /* one line, no full stop */
    const char *description;
    const struct option_row *options;
    size_t option_count;
    bool network;             /* takes the options of every command that touches the network */
    const char *const *words; /* operands that are words to choose from, or NULL; NULL-ended */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns an exit_code */
};

extern const struct command command_connect;
extern const struct command command_listen;
extern const struct command command_proxy;
extern const struct command command_ss;
extern const struct command command_wire;

#endif
