/* SPDX-License-Identifier: MIT
 *
 * Many scripts: each in a process of its own, a few at a time, so that none can disturb another and
 * one that crashes is one that failed. A process writes what it has to say into a file without a
 * name; the lines are printed in the order of the scripts.
 */
#include "drill_check.h"
#include "drill_files.h"
#include "drill_play.h"
#include "drill_run.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    USUAL_JOBS = 2,
    MOST_JOBS = 64,
    LONGEST_SECONDS = 120, /* of real time, for one script: none needs one */
    MOST_DEFINITIONS = 64
};

struct result {
    pid_t process; /* 0: not begun, or ended and seen to */
    FILE *words;
    int status; /* DRILL_PASSED... */
    bool ended;
    double seconds;
    struct timeval begun;
};

struct suite {
    const struct drill_plan *plan;
    struct drill_files files;
    struct result *results;
    size_t begun, printed;
    unsigned running;
    size_t passed, failed;
    bool not_understood;
};

/* ---- one script, in its own process */

static size_t definitions_of(const struct drill_plan *plan,
                             struct drill_definition definitions[MOST_DEFINITIONS],
                             char names[MOST_DEFINITIONS][64])
{
    size_t count = 0;
    for (size_t i = 0; i < plan->setting_count && count < MOST_DEFINITIONS; i++) {
        const char *text = plan->settings[i], *equals;
        if (strncmp(text, "define=", 7) != 0 || (equals = strchr(text + 7, '=')) == NULL)
            continue;
        snprintf(names[count], sizeof names[count], "%.*s", (int)(equals - text - 7), text + 7);
        definitions[count] = (struct drill_definition){names[count], equals + 1};
        count++;
    }
    return count;
}

static bool settings_of(const struct drill_plan *plan, struct drill_script *script,
                        struct drill_settings *settings)
{
    char message[256];
    *settings = drill_settings_default();
    settings->ladder = plan->ladder;
    settings->allow_shell = plan->allow_shell;
    for (const struct drill_setting *setting = script->settings; setting != NULL;
         setting = setting->next) {
        if (!drill_setting_apply(settings, setting->text, message)) {
            drill_complain(script, setting->position, "%s", message);
            return false;
        }
    }
    for (size_t i = 0; i < plan->setting_count; i++)
        drill_setting_apply(settings, plan->settings[i], message);
    return true;
}

/* Commands and sysctls by their names alone: what a script asks for is known before it begins. */
static bool commands_known(const struct drill_settings *settings, struct drill_script *script)
{
    struct hf_config config = hf_config_bare();
    const struct drill_shell shell = {
        &config, settings->allow_shell ? DRILL_UNKNOWN_SKIP : DRILL_UNKNOWN_REFUSE, NULL, NULL};
    char message[256];
    for (const struct drill_command *command = script->commands; command != NULL;
         command = command->next) {
        if (!drill_shell_apply(&shell, command->text, message))
            drill_complain(script, command->position, "%s", message);
    }
    for (const struct drill_event *event = script->events; event != NULL; event = event->next) {
        if (event->kind == DRILL_EVENT_SHELL && !drill_shell_apply(&shell, event->text, message))
            drill_complain(script, event->position, "%s", message);
    }
    return !script->failed;
}

/* One line for each version of IP that the script is run over. */
static int play_versions(const struct drill_script *script, const struct drill_settings *settings,
                         FILE *out)
{
    int status = DRILL_PASSED;
    bool several = (settings->versions & (settings->versions - 1)) != 0;
    for (int version = 0; version < DRILL_VERSIONS; version++) {
        bool passed;
        if (!(settings->versions & (1u << version)))
            continue;
        passed = settings->dry_run ||
                 drill_run_script(script, settings, (enum drill_version)version, out);
        if (!passed)
            status = DRILL_FAILED;
        fprintf(out, "%-8s%s%s%s%s\n", passed ? "ok" : "FAILED", script->path, several ? " [" : "",
                several ? drill_version_name((enum drill_version)version) : "", several ? "]" : "");
    }
    return status;
}

static int play_one(const struct drill_plan *plan, const char *path, FILE *out)
{
    struct drill_definition definitions[MOST_DEFINITIONS];
    char names[MOST_DEFINITIONS][64], message[512];
    struct drill_script script;
    struct drill_settings settings;
    char *source = drill_file_read(path, message);
    size_t count = definitions_of(plan, definitions, names);
    int status = DRILL_NOT_UNDERSTOOD;
    if (source == NULL) {
        fprintf(out, "%s\n%-8s%s\n", message, "FAILED", path);
        return status;
    }
    if (drill_parse(&script, path, source, definitions, count) &&
        settings_of(plan, &script, &settings) && drill_check(&script) &&
        commands_known(&settings, &script))
        status = play_versions(&script, &settings, out);
    else
        fprintf(out, "%s\n%-8s%s\n", script.message, "FAILED", path);
    drill_script_free(&script);
    return status;
}

/* ---- all of them */

static double seconds_since(const struct timeval *then)
{
    struct timeval now;
    gettimeofday(&now, NULL);
    return (double)(now.tv_sec - then->tv_sec) + (double)(now.tv_usec - then->tv_usec) / 1e6;
}

static void begin(struct suite *suite)
{
    struct result *result = &suite->results[suite->begun];
    const char *path = suite->files.paths[suite->begun++];
    gettimeofday(&result->begun, NULL);
    result->words = tmpfile();
    fflush(suite->plan->out);
    result->process = result->words != NULL ? fork() : -1;
    if (result->process == 0) {
        int status;
        alarm(LONGEST_SECONDS);
        status = play_one(suite->plan, path, result->words);
        fflush(result->words);
        _exit(status);
    }
    if (result->process < 0) {
        fprintf(suite->plan->out, "%s: cannot be started: %s\n", path, strerror(errno));
        result->process = 0;
        result->ended = true;
        result->status = DRILL_FAILED;
    } else {
        suite->running++;
    }
}

static void note_end(struct suite *suite, pid_t process, int status)
{
    for (size_t i = 0; i < suite->begun; i++) {
        struct result *result = &suite->results[i];
        if (result->process != process)
            continue;
        result->process = 0;
        result->ended = true;
        result->seconds = seconds_since(&result->begun);
        result->status = WIFEXITED(status) && WEXITSTATUS(status) <= DRILL_NOT_UNDERSTOOD
                             ? WEXITSTATUS(status)
                             : DRILL_FAILED;
        if (WIFSIGNALED(status)) {
            fseek(result->words, 0, SEEK_END);
            fprintf(result->words, "%s: ended by signal %d%s\n%-8s%s\n", suite->files.paths[i],
                    WTERMSIG(status), WTERMSIG(status) == SIGALRM ? ": it took too long" : "",
                    "FAILED", suite->files.paths[i]);
        } else if (!WIFEXITED(status) || WEXITSTATUS(status) > DRILL_NOT_UNDERSTOOD) {
            fseek(result->words, 0, SEEK_END);
            fprintf(result->words, "%s: its process ended in an unforeseen way\n%-8s%s\n",
                    suite->files.paths[i], "FAILED", suite->files.paths[i]);
        }
        suite->running--;
    }
}

/* What the script's process said; its verdict lines are counted. */
static void print_result(struct suite *suite, struct result *result)
{
    char line[1024];
    if (result->status == DRILL_NOT_UNDERSTOOD)
        suite->not_understood = true;
    if (result->words == NULL) {
        suite->failed++;
        return;
    }
    rewind(result->words);
    while (fgets(line, sizeof line, result->words) != NULL) {
        if (strncmp(line, "ok      ", 8) == 0)
            suite->passed++;
        else if (strncmp(line, "FAILED  ", 8) == 0)
            suite->failed++;
        fputs(line, suite->plan->out);
    }
    fflush(suite->plan->out);
    if (result->status == DRILL_PASSED || suite->plan->junit_path == NULL) {
        fclose(result->words);
        result->words = NULL;
    }
}

static void play_suite(struct suite *suite)
{
    unsigned jobs = suite->plan->jobs == 0 ? USUAL_JOBS : suite->plan->jobs;
    if (jobs > MOST_JOBS)
        jobs = MOST_JOBS;
    while (suite->printed < suite->files.count) {
        int status;
        pid_t process;
        while (suite->begun < suite->files.count && suite->running < jobs)
            begin(suite);
        if (suite->running > 0) {
            process = waitpid(-1, &status, 0);
            if (process > 0)
                note_end(suite, process, status);
        }
        while (suite->printed < suite->begun && suite->results[suite->printed].ended)
            print_result(suite, &suite->results[suite->printed++]);
    }
}

/* ---- JUnit's XML, which continuous integration reads */

static void write_escaped(FILE *file, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '<':
            fputs("&lt;", file);
            break;
        case '>':
            fputs("&gt;", file);
            break;
        case '&':
            fputs("&amp;", file);
            break;
        case '"':
            fputs("&quot;", file);
            break;
        default:
            /* XML 1.0 has no other control characters. */
            fputc((unsigned char)*text < ' ' && *text != '\n' && *text != '\t' ? '?' : *text, file);
            break;
        }
    }
}

static bool write_junit(const struct suite *suite)
{
    FILE *file = fopen(suite->plan->junit_path, "we");
    char line[1024];
    size_t failed = 0;
    if (file == NULL)
        return false;
    for (size_t i = 0; i < suite->files.count; i++)
        failed += suite->results[i].status != DRILL_PASSED;
    fprintf(file,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<testsuite name=\"drill\" tests=\"%zu\" failures=\"%zu\">\n",
            suite->files.count, failed);
    for (size_t i = 0; i < suite->files.count; i++) {
        const struct result *result = &suite->results[i];
        fputs("  <testcase classname=\"drill\" name=\"", file);
        write_escaped(file, suite->files.paths[i]);
        fprintf(file, "\" time=\"%.3f\">", result->seconds);
        if (result->status != DRILL_PASSED) {
            fprintf(file, "<failure message=\"%s\">",
                    result->status == DRILL_FAILED ? "failed" : "not understood");
            if (result->words != NULL) {
                rewind(result->words);
                while (fgets(line, sizeof line, result->words) != NULL)
                    write_escaped(file, line);
            }
            fputs("</failure>", file);
        }
        fputs("</testcase>\n", file);
    }
    fputs("</testsuite>\n", file);
    return fclose(file) == 0;
}

static int finish(struct suite *suite)
{
    int status = suite->not_understood ? DRILL_NOT_UNDERSTOOD
                 : suite->failed > 0   ? DRILL_FAILED
                                       : DRILL_PASSED;
    if (suite->plan->junit_path != NULL && !write_junit(suite)) {
        fprintf(suite->plan->err, "handfast: drill: cannot write '%s': %s\n",
                suite->plan->junit_path, strerror(errno));
        status = status == DRILL_PASSED ? DRILL_UNWRITTEN : status;
    }
    fprintf(suite->plan->out, "%zu passed, %zu failed\n", suite->passed, suite->failed);
    for (size_t i = 0; i < suite->files.count; i++) {
        if (suite->results[i].words != NULL)
            fclose(suite->results[i].words);
    }
    return status;
}

int drill_play(const struct drill_plan *plan)
{
    struct suite suite = {.plan = plan};
    char message[512];
    int status = DRILL_NOT_UNDERSTOOD;
    bool fine = true;
    for (size_t i = 0; fine && i < plan->path_count; i++)
        fine = drill_files_add(&suite.files, plan->paths[i], message);
    if (!fine) {
        fprintf(plan->err, "handfast: drill: %s\n", message);
    } else {
        suite.results = calloc(suite.files.count + 1, sizeof *suite.results);
        if (suite.results != NULL) {
            play_suite(&suite);
            status = finish(&suite);
        }
    }
    free(suite.results);
    drill_files_free(&suite.files);
    return status;
}

bool drill_setting_valid(const char *text, char message[256])
{
    struct drill_settings settings = drill_settings_default();
    return drill_setting_apply(&settings, text, message);
}
