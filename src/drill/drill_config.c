/* SPDX-License-Identifier: MIT
 *
 * What the shell lines of a script make of the stack's configuration. A stack takes its
 * configuration when it is made, so lines among the events count as well, as long as no packet has
 * moved; later ones change what a running stack lets change (hf_stack_reconfigure), as sysctls do.
 */
#include "drill_run.h"

#include <string.h>

/* Is this the event that sets packets moving? */
static bool moves(const struct drill_event *event)
{
    static const char *const calls[] = {"connect", "sendto", "sendmsg", "accept", "write", "read"};
    if (event->kind == DRILL_EVENT_PACKET)
        return true;
    for (size_t i = 0; event->kind == DRILL_EVENT_CALL && i < sizeof calls / sizeof calls[0]; i++) {
        if (strcmp(event->call.name, calls[i]) == 0)
            return true;
    }
    return false;
}

static bool read_commands(struct drill_run *run)
{
    struct drill_shell shell = {&run->config, DRILL_UNKNOWN_REFUSE, NULL, NULL};
    char message[256];
    if (run->settings->allow_shell)
        shell.unknown = DRILL_UNKNOWN_RUN;
    if (run->settings->verbose)
        shell.notes = run->out;
    for (const struct drill_command *command = run->script->commands; command != NULL;
         command = command->next) {
        const struct drill_event place = {.position = command->position};
        if (strstr(command->text, "defaults.sh") != NULL ||
            strstr(command->text, "set_sysctls.py") != NULL)
            run->real_time = true;
        if (!drill_shell_apply(&shell, command->text, message)) {
            run_fail(run, &place, "%s", message);
            return false;
        }
    }
    return true;
}

bool run_configure(struct drill_run *run)
{
    struct drill_shell shell = {&run->config, DRILL_UNKNOWN_SKIP, NULL, NULL};
    char message[256];
    run->config = hf_config_default();
    for (size_t i = 0; i < sizeof run->config.seed; i++)
        run->config.seed[i] = (uint8_t)(i * 17 + 1);
    run->config.mtu = drill_mtu(run->settings, run->version);
    run->config.late_split = run->settings->late_split;
    run->config.host_name = "stack";
    run->config.trace = run_trace_sink(run);
    run->real_time = run->settings->defaults;
    if (run->settings->defaults && !drill_shell_apply(&shell, "defaults.sh", message)) {
        const struct drill_event place = {.position = {1, 1}};
        run_fail(run, &place, "--init_scripts: %s", message);
        return false;
    }
    if (!read_commands(run))
        return false;
    for (const struct drill_event *event = run->script->events; event != NULL && !moves(event);
         event = event->next) {
        if (event->kind == DRILL_EVENT_SHELL && !drill_shell_apply(&shell, event->text, message)) {
            run_fail(run, event, "%s", message);
            return false;
        }
    }
    return true;
}

void run_command(struct drill_run *run, const struct drill_event *event)
{
    struct hf_config wanted = run->config;
    bool flushed = false;
    struct drill_shell shell = {&wanted, DRILL_UNKNOWN_REFUSE, NULL, &flushed};
    char message[256];
    if (run->settings->allow_shell)
        shell.unknown = DRILL_UNKNOWN_RUN;
    if (run->settings->verbose)
        shell.notes = run->out;
    if (!drill_shell_apply(&shell, event->text, message))
        run_fail(run, event, "%s", message);
    else if (hf_stack_reconfigure(run->stack, &wanted) != 0)
        run_fail(run, event, "the stack does not take this setting: a value is out of its range");
    else
        run->config = wanted;
    if (flushed)
        hf_metrics_flush(run->stack);
}
