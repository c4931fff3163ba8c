/* SPDX-License-Identifier: MIT
 *
 * `handfast bench`: reads the command line, and leaves the measuring to bench/.
 */
#define _POSIX_C_SOURCE 200809L /* readlink */

#include "bench.h"

#include "bench_play.h"
#include "message.h"
#include "options.h"
#include "suggest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

_Static_assert((int)BENCH_DONE == EXIT_CODE_OK && (int)BENCH_FAILED == EXIT_CODE_FAILURE &&
                   (int)BENCH_UNWRITTEN == EXIT_CODE_FILE,
               "a measurement ends as the program does");

enum { ID_CONNECTIONS = 1, ID_JSON, ID_PEER, ID_QUICK, ID_ROUNDS };
enum { DEFAULT_ROUNDS = 5, PATH_BYTES = 4096 };

static const struct option_row rows[] = {
    {ID_CONNECTIONS, "connections", "NUMBER",
     "Where the number of connections varies, up to so many, 1,000 to 10,000,000. Default: "
     "10,000,000, or with --quick 1,000,000."},
    {ID_JSON, "json", "FILE", "Write all that was found to FILE too, as JSON."},
    {ID_PEER, "peer", "PROGRAM",
     "Measure this beside Handfast in bulk, connections, idle and latency; bench/lwip_peer.c is "
     "one such program. Default: bench/lwip-peer beside this program, if it is there."},
    {ID_QUICK, "quick", NULL, "Less work in each round: seconds rather than minutes."},
    {ID_ROUNDS, "rounds", "NUMBER", "So many interleaved runs, 1 to 64. Default: 5."},
};

struct choices {
    struct bench_plan plan;
    char program[PATH_BYTES], peer[PATH_BYTES];
};

static bool take_number(const char *name, const char *text, unsigned long low, unsigned long high,
                        unsigned long *value)
{
    if (parse_number(text, low, high, value))
        return true;
    fail_usage(&command_bench, "--%s: '%s' is not a number from %lu to %lu", name, text, low, high);
    return false;
}

static bool take(void *context, int id, const char *argument)
{
    struct choices *choices = context;
    unsigned long value = 0;
    bool fine = true;

    switch (id) {
    case ID_CONNECTIONS:
        fine = take_number("connections", argument, 1000, BENCH_MOST_CONNECTIONS, &value);
        choices->plan.connections = (uint32_t)value;
        break;
    case ID_JSON:
        choices->plan.json_path = argument;
        break;
    case ID_PEER:
        choices->plan.peer_path = argument;
        break;
    case ID_QUICK:
        choices->plan.quick = true;
        break;
    case ID_ROUNDS:
        fine = take_number("rounds", argument, 1, BENCH_MOST_ROUNDS, &value);
        choices->plan.rounds = (unsigned)value;
        break;
    default:
        break;
    }
    return fine;
}

/* This program's file, for other processes of it, and the peer that is built beside it. */
static void find_programs(struct choices *choices)
{
    ssize_t length = readlink("/proc/self/exe", choices->program, PATH_BYTES - 1);
    char *slash;

    choices->program[length > 0 ? length : 0] = '\0';
    choices->plan.program = choices->program;
    slash = strrchr(choices->program, '/');
    if (choices->plan.peer_path != NULL || slash == NULL)
        return;
    if (snprintf(choices->peer, PATH_BYTES, "%.*s/bench/lwip-peer", (int)(slash - choices->program),
                 choices->program) < PATH_BYTES &&
        access(choices->peer, X_OK) == 0)
        choices->plan.peer_path = choices->peer;
}

static int check_kind(const char *typed)
{
    const char *nearest;
    size_t count = 0;

    while (bench_kinds[count] != NULL)
        count++;
    if (bench_kind_summary(typed) != NULL)
        return EXIT_CODE_OK;
    nearest = suggest_nearest(typed, bench_kinds, count);
    if (nearest != NULL)
        return fail_usage(&command_bench, "there is no measurement '%s'; did you mean '%s'?", typed,
                          nearest);
    return fail_usage(&command_bench, "there is no measurement '%s'", typed);
}

/* What cannot be written is told before the minutes of work, not after; what an earlier run has
 * left in the file stays until then. */
static int check_files(const struct choices *choices)
{
    const char *path = choices->plan.json_path;
    FILE *file;

    if (choices->plan.peer_path != NULL && access(choices->plan.peer_path, X_OK) != 0)
        return fail(-errno, "cannot run '%s'", choices->plan.peer_path);
    if (path == NULL)
        return EXIT_CODE_OK;
    file = fopen(path, "a");
    if (file == NULL)
        return fail(-errno, "cannot write '%s'", path);
    fclose(file);
    return EXIT_CODE_OK;
}

static int run(int argc, char **argv)
{
    struct choices choices = {.plan = {.rounds = DEFAULT_ROUNDS}};
    int operand, code;

    if (!options_scan(&command_bench, argc, argv, NULL, take, &choices, &operand, &code))
        return code;
    if (operand == argc)
        return fail_usage(&command_bench, "bench needs the name of a measurement");
    if (operand != argc - 1)
        return fail_usage(&command_bench, "bench takes one measurement, but was given '%s' too",
                          argv[operand + 1]);
    choices.plan.kind = argv[operand];
    code = check_kind(choices.plan.kind);
    if (code == EXIT_CODE_OK)
        code = check_files(&choices);
    if (code != EXIT_CODE_OK)
        return code;
    find_programs(&choices);
    return bench_play(&choices.plan);
}

const struct command command_bench = {
    .name = "bench",
    .operands = "MEASUREMENT",
    .summary = "measure what the stack costs on this machine",
    .description =
        "Measures on this machine what the stack costs, beside what the same work costs at the "
        "least (copies, checksums, memory) and beside the peers that are there: the kernel's TCP, "
        "and lwIP where its library was found. Everything is run in turn, several times; the "
        "median is what counts, with least and most. The measurements:\n"
        "bulk: bytes from program to program, two hosts in one process;\n"
        "connections: connections a second, alone and beside idle ones;\n"
        "idle: many idle connections, what they hold and what waking some costs;\n"
        "memory: where every byte goes, at rest, awake, half open, in TIME-WAIT;\n"
        "timers, lookup: the timing wheel and the flow table, by the number of connections;\n"
        "tun: one stream over a TUN device with the kernel as the peer, as root;\n"
        "latency: a request and its response, in one process and, as root, over TUN;\n"
        "scale: all cores at once, each with hosts of its own, beside one alone.\n"
        "Ends with 0 if all was measured, whether or not it reached its bar.",
    .options = rows,
    .option_count = sizeof rows / sizeof rows[0],
    .words = bench_kinds,
    .run = run,
};
