/* SPDX-License-Identifier: MIT
 *
 * Help is written from the rows of the commands, wrapped to 78 columns.
 */
#include "help.h"

#include "network_options.h"

#include <stdio.h>
#include <string.h>

enum { COLUMNS = 78, OPTION_INDENT = 8, SUMMARY_COLUMN = 12 };

static const struct option_row help_row = {0, "help", NULL, "Print this and end."};

/* Prints words with `indent` spaces before each line but the first, whose first `column` columns
 * are taken already. */
static void print_wrapped(const char *text, int indent, int column)
{
    const char *gap = "";

    while (*text != '\0') {
        int length = (int)strcspn(text, " \n");

        if (column + (int)strlen(gap) + length > COLUMNS && *gap != '\0') {
            printf("\n%*s", indent, "");
            column = indent;
            gap = "";
        }
        printf("%s%.*s", gap, length, text);
        column += (int)strlen(gap) + length;
        gap = " ";
        text += length;
        if (*text == '\n') {
            printf("\n%*s", text[1] != '\n' && text[1] != '\0' ? indent : 0, "");
            column = indent;
            gap = "";
        }
        if (*text != '\0')
            text++;
    }
    putchar('\n');
}

static void print_option(const struct option_row *row)
{
    printf("  --%s%s%s\n%*s", row->name, row->argument != NULL ? " " : "",
           row->argument != NULL ? row->argument : "", OPTION_INDENT, "");
    print_wrapped(row->help, OPTION_INDENT, OPTION_INDENT);
}

void help_print_command(const struct command *command)
{
    printf("usage: handfast %s%s%s%s\n\n", command->name,
           command->option_count > 0 || command->network ? " [OPTION...]" : "",
           command->operands[0] != '\0' ? " " : "", command->operands);
    print_wrapped(command->description, 0, 0);
    printf("\nOptions:\n");
    for (size_t i = 0; i < command->option_count; i++)
        print_option(&command->options[i]);
    print_option(&help_row);
    if (command->network) {
        printf("\nOptions of the network:\n");
        for (size_t i = 0; i < network_option_row_count; i++)
            print_option(&network_option_rows[i]);
    }
    printf("\nThe manual, handfast(1), has examples and the exit codes.\n");
}

void help_print_overview(const struct command *const *commands, size_t count)
{
    printf("Handfast: a TCP in user space that explains itself.\n\n"
           "usage: handfast COMMAND [OPTION...] [OPERAND...]\n\nCommands:\n");
    for (size_t i = 0; i < count; i++) {
        printf("  %-*s", SUMMARY_COLUMN - 2, commands[i]->name);
        print_wrapped(commands[i]->summary, SUMMARY_COLUMN, SUMMARY_COLUMN);
    }
    printf("\n'handfast help COMMAND' says more about one. 'handfast demo' needs no root and no\n"
           "network: start there. The manual is handfast(1).\n");
}

static void list_options(const char *command, const struct option_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        printf("option %s --%s %s\n", command, rows[i].name,
               rows[i].argument != NULL ? rows[i].argument : "-");
}

void help_print_list(const struct command *const *commands, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct command *command = commands[i];

        printf("command %s\n", command->name);
        list_options(command->name, command->options, command->option_count);
        if (command->network)
            list_options(command->name, network_option_rows, network_option_row_count);
        printf("option %s --help -\n", command->name);
        for (const char *const *word = command->words; word != NULL && *word != NULL; word++)
            printf("word %s %s\n", command->name, *word);
    }
}
