/* SPDX-License-Identifier: MIT
 *
 * getopt_long does the work; the rows of the command are turned into its table, and its complaints
 * are made in our own words, with the nearest name.
 */
#include "options.h"

#include "help.h"
#include "message.h"
#include "suggest.h"

#include <getopt.h>
#include <string.h>

enum { MOST_ROWS = 48, HELP_VALUE = 1000, FIRST_VALUE = 1001 };

struct row_table {
    const struct option_row *rows[MOST_ROWS];
    struct option longs[MOST_ROWS + 2]; /* and help, and the end */
    size_t count;
    size_t own_count; /* the first ones are the command's, the rest the network's */
};

static void add_rows(struct row_table *table, const struct option_row *rows, size_t count)
{
    for (size_t i = 0; i < count && table->count < MOST_ROWS; i++) {
        size_t at = table->count++;

        table->rows[at] = &rows[i];
        table->longs[at].name = rows[i].name;
        table->longs[at].has_arg = rows[i].argument != NULL ? required_argument : no_argument;
        table->longs[at].val = FIRST_VALUE + (int)at;
    }
}

static void complain_unknown(const struct command *command, const struct row_table *table,
                             const char *typed)
{
    const char *names[MOST_ROWS + 1];
    char bare[SUGGEST_LONGEST + 1];
    const char *nearest;
    size_t length;

    while (*typed == '-')
        typed++;
    length = strcspn(typed, "=");
    if (length > SUGGEST_LONGEST)
        length = SUGGEST_LONGEST;
    memcpy(bare, typed, length);
    bare[length] = '\0';
    for (size_t i = 0; i < table->count; i++)
        names[i] = table->rows[i]->name;
    names[table->count] = "help";
    nearest = suggest_nearest(bare, names, table->count + 1);
    if (nearest != NULL)
        fail_usage(command, "%s has no option --%s; did you mean --%s?", command->name, bare,
                   nearest);
    else
        fail_usage(command, "%s has no option --%s", command->name, bare);
}

/* getopt has just said '?' or ':' about argv[optind - 1]. */
static void complain(const struct command *command, const struct row_table *table, int said,
                     char **argv)
{
    const char *typed = argv[optind - 1];

    if (said == ':')
        fail_usage(command, "option %s needs a value", typed);
    else if (optopt >= FIRST_VALUE)
        fail_usage(command, "option --%s takes no value", table->rows[optopt - FIRST_VALUE]->name);
    else if (optopt == HELP_VALUE)
        fail_usage(command, "option --help takes no value");
    else if (optopt != 0)
        fail_usage(command, "%s has no option -%c", command->name, optopt);
    else
        complain_unknown(command, table, typed);
}

bool options_scan(const struct command *command, int argc, char **argv,
                  struct network_options *network, options_take_function *take, void *context,
                  int *operand_index, int *code)
{
    struct row_table table = {.count = 0};
    int said;

    add_rows(&table, command->options, command->option_count);
    table.own_count = table.count;
    if (command->network)
        add_rows(&table, network_option_rows, network_option_row_count);
    table.longs[table.count].name = "help";
    table.longs[table.count].val = HELP_VALUE;

    *code = EXIT_CODE_USAGE;
    opterr = 0;
    optind = 0;
    while ((said = getopt_long(argc, argv, ":h", table.longs, NULL)) != -1) {
        size_t at;
        bool taken;

        if (said == HELP_VALUE || said == 'h') {
            help_print_command(command);
            *code = EXIT_CODE_OK;
            return false;
        }
        if (said < FIRST_VALUE) {
            complain(command, &table, said, argv);
            return false;
        }
        at = (size_t)(said - FIRST_VALUE);
        if (at >= table.own_count)
            taken = network_options_take(network, command, table.rows[at]->id, optarg);
        else
            taken = take(context, table.rows[at]->id, optarg);
        if (!taken)
            return false;
    }
    *operand_index = optind;
    *code = EXIT_CODE_OK;
    return true;
}
