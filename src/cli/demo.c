/* SPDX-License-Identifier: MIT
 *
 * `handfast demo`: needs no root and no network. By itself it shows a whole conversation over a bad
 * link; with a name, one of the questions that a student asks of the TCP text, answered by the
 * engine itself.
 */
#include "demo.h"

#include "demo_conversation.h"
#include "demo_options.h"
#include "demo_scenario.h"
#include "message.h"
#include "suggest.h"

#include <stdio.h>
#include <string.h>

/* For help and completions; the unit test holds it against the scenarios. */
static const char *const names[] = {
    "list",  "handshake",     "old-duplicate",      "simultaneous-open", "transfer",
    "close", "lost-last-ack", "simultaneous-close", "half-open",         "reset",
    NULL,
};

enum { NAME_COUNT = sizeof names / sizeof names[0] - 1 };

static int print_list(void)
{
    printf("handfast demo %-20s%s\n", "", "a whole conversation over a bad link");
    for (size_t i = 0; demo_scenario_at(i) != NULL; i++)
        printf("handfast demo %-20s%s\n", demo_scenario_at(i)->name, demo_scenario_at(i)->summary);
    return EXIT_CODE_OK;
}

static int unknown_name(const char *typed)
{
    const char *nearest = suggest_nearest(typed, names, NAME_COUNT);

    if (nearest != NULL)
        return fail_usage(&command_demo,
                          "there is no demo '%s'; did you mean '%s'? "
                          "'handfast demo list' names them all",
                          typed, nearest);
    return fail_usage(&command_demo, "there is no demo '%s'; 'handfast demo list' names them all",
                      typed);
}

int cli_demo(int argc, char **argv)
{
    const struct demo_scenario *scenario;
    struct demo_options options;
    int code = EXIT_CODE_OK;

    if (!demo_options_scan(&command_demo, argc, argv, &options, &code))
        return code;
    if (options.name == NULL)
        return demo_conversation_play(&options);
    if (strcmp(options.name, "list") == 0)
        return print_list();
    scenario = demo_scenario_find(options.name);
    if (scenario == NULL)
        return unknown_name(options.name);
    return demo_scenario_play(scenario, &options);
}

const struct command command_demo = {
    .name = "demo",
    .operands = "[NAME]",
    .summary = "watch two hosts talk, and see why TCP is as it is (no root, no network)",
    .description =
        "Two Handfast hosts in this process, joined by a simulated link, and a ladder of every "
        "segment with both ends' states and the reasons. Without a name: a whole conversation "
        "over a link that loses and reorders. With a name: one of the questions that a student "
        "asks of the TCP text, run on the real engine; 'handfast demo list' names them. Ends with "
        "0 only if every byte arrived as it was sent and every state is as it should be.",
    .options = demo_option_rows,
    .option_count = DEMO_OPTION_ROWS,
    .words = names,
    .run = cli_demo,
};
