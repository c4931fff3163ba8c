/* SPDX-License-Identifier: MIT
 *
 * A thousand networks, each from a seed: 1 MiB each way over links that lose, duplicate, reorder
 * and corrupt, between hosts of every option and buffers down to one segment. What must hold is
 * said in transfer.c, what is tried in scenario.c.
 *
 *     sim_test [--first SEED] [--count N] [--bytes N] [--repeat-every N] [--verbose] [--late-split]
 *              [--congested] [--batched]
 *     sim_test --seed N [--bytes N] [--ladder | --json] [--congested] [--batched]
 *
 * Every --repeat-every'th seed is run twice, and the two traces must be the same, byte for byte.
 * A failure prints the seed and the command that plays it again. Exit code: 0, 1 (a seed failed) or
 * 2 (usage).
 */
#define _GNU_SOURCE /* fopencookie */

#include "bbr_oracle.h"
#include "transfer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct options {
    uint64_t first, count, bytes, repeat_every;
    bool single, ladder, json, verbose, late_split, congested, batched;
};

struct totals {
    uint64_t failures, packets, retransmits, lost, steps, repeated;
    uint64_t recovery_acks, growths, slow_growths, reductions, undos, reversions; /* judged */
    uint64_t set_back;
    uint64_t marked;
    uint64_t joined; /* where they were played without traces */
};

/* ---- A file whose content is kept as a hash: the JSON trace of a run. */

struct text_hash {
    uint64_t hash, length;
};

static ssize_t hash_text(void *cookie, const char *text, size_t length)
{
    struct text_hash *hash = cookie;

    for (size_t i = 0; i < length; i++)
        hash->hash = (hash->hash ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
    hash->length += length;
    return (ssize_t)length;
}

static void run_hashed(const struct scenario *scenario, struct transfer_result *result,
                       struct text_hash *hash)
{
    FILE *file = fopencookie(hash, "w", (cookie_io_functions_t){.write = hash_text});
    struct hf_json_trace *json = file == NULL ? NULL : hf_json_trace_new(file);

    *hash = (struct text_hash){0};
    if (json == NULL) {
        fprintf(stderr, "sim_test: cannot open a JSON trace: %s\n", strerror(errno));
        exit(2);
    }
    transfer_run(
        scenario,
        &(struct hf_trace_sink){hf_json_trace_sink(json).event, hf_json_trace_sink(json).context},
        result);
    hf_json_trace_free(json);
    fclose(file);
}

/* ---- Seeds */

static void choose_scenario(const struct options *options, uint64_t seed, struct scenario *scenario)
{
    scenario_from_seed(scenario, seed, options->bytes);
    if (options->congested)
        scenario_congest(scenario);
    if (options->batched)
        scenario_batch(scenario);
}

static void report(const struct options *options, const struct scenario *scenario,
                   const char *program, const char *failure)
{
    fprintf(stderr, "FAILED seed %" PRIu64 ": %s\n", scenario->seed, failure);
    scenario_print(scenario, stderr);
    fprintf(stderr, "  to see it: %s --seed %" PRIu64 " --bytes %" PRIu64 " --ladder%s%s\n",
            program, scenario->seed, options->bytes, options->congested ? " --congested" : "",
            options->batched ? " --batched" : "");
}

/* Both hosts make super-segments, which are cut before the link: all goes as it does without. */
static const char *run_twice(const struct scenario *scenario, struct transfer_result *result)
{
    const struct hf_trace_sink none = {0};
    struct scenario split = *scenario;
    struct transfer_result second;

    split.hosts[0].late_split = split.hosts[1].late_split = 1;
    transfer_run(scenario, &none, result);
    if (result->failure[0] != '\0')
        return result->failure;
    transfer_run(&split, &none, &second);
    if (second.failure[0] != '\0') {
        *result = second;
        return result->failure;
    }
    if (result->duration_ns != second.duration_ns)
        return "with super-segments it took another time";
    for (int i = 0; i < 2; i++) {
        if (result->packets[i] != second.packets[i] || result->lost[i] != second.lost[i] ||
            result->retransmits[i] != second.retransmits[i])
            return "with super-segments other packets left";
    }
    return NULL;
}

/* With traces every segment is looked at by itself, and judged by the models; without, what came in
 * together is looked at as one. Other packets leave then, but the programs get the same bytes, and
 * all is given back. */
static const char *run_joined(const struct scenario *scenario, struct transfer_result *result)
{
    const struct hf_trace_sink none = {0};
    struct scenario joining = *scenario;
    struct transfer_result joined;

    joining.untraced = true;
    transfer_run(scenario, &none, result);
    if (result->failure[0] != '\0')
        return result->failure;
    transfer_run(&joining, &none, &joined);
    result->joined = joined.joined;
    if (joined.failure[0] == '\0')
        return NULL;
    memcpy(result->failure, joined.failure, sizeof result->failure);
    return result->failure;
}

static const char *run_seed(const struct options *options, const struct scenario *scenario,
                            struct transfer_result *result)
{
    const struct hf_trace_sink none = {0};
    struct text_hash first_text, second_text;
    struct transfer_result second;

    if (options->late_split)
        return run_twice(scenario, result);
    if (options->batched)
        return run_joined(scenario, result);
    if (options->repeat_every == 0 || scenario->seed % options->repeat_every != 0) {
        transfer_run(scenario, &none, result);
        return result->failure[0] != '\0' ? result->failure : NULL;
    }
    run_hashed(scenario, result, &first_text);
    if (result->failure[0] != '\0')
        return result->failure;
    run_hashed(scenario, &second, &second_text);
    if (result->trace_hash != second.trace_hash || result->events != second.events)
        return "the same seed twice gave different events or packets";
    if (first_text.hash != second_text.hash || first_text.length != second_text.length)
        return "the same seed twice gave different JSON traces";
    if (first_text.length == 0)
        return "the JSON trace is empty";
    return NULL;
}

static void add(struct totals *totals, const struct options *options,
                const struct scenario *scenario, const struct transfer_result *result)
{
    totals->packets += result->packets[0] + result->packets[1];
    totals->retransmits += result->retransmits[0] + result->retransmits[1];
    totals->lost += result->lost[0] + result->lost[1];
    totals->steps += result->steps;
    totals->recovery_acks += result->recovery_acks;
    totals->growths += result->growths;
    totals->slow_growths += result->slow_growths;
    totals->marked += result->marked;
    totals->reductions += result->reductions;
    totals->undos += result->undos;
    totals->reversions += result->reversions;
    totals->set_back += result->set_back;
    totals->joined += result->joined;
    totals->repeated += options->repeat_every != 0 && scenario->seed % options->repeat_every == 0;
    if (options->verbose)
        printf("seed %" PRIu64 ": %" PRId64 " ms, %" PRIu64 " + %" PRIu64 " packets, %" PRIu64
               " + %" PRIu64 " lost, %" PRIu64 " + %" PRIu64 " sent again, trace %016" PRIx64 "\n",
               scenario->seed, result->duration_ns / HF_MILLISECOND, result->packets[0],
               result->packets[1], result->lost[0], result->lost[1], result->retransmits[0],
               result->retransmits[1], result->trace_hash);
}

static int run_many(const struct options *options, const char *program)
{
    struct totals totals = {0};

    for (uint64_t seed = options->first; seed < options->first + options->count; seed++) {
        struct scenario scenario;
        struct transfer_result result;
        const char *failure;

        choose_scenario(options, seed, &scenario);
        failure = run_seed(options, &scenario, &result);
        if (failure != NULL) {
            totals.failures++;
            report(options, &scenario, program, failure);
        }
        add(&totals, options, &scenario, &result);
    }
    printf("%" PRIu64 " seeds from %" PRIu64 ", %" PRIu64 " bytes each way: %" PRIu64
           " failed; %" PRIu64 " packets, %" PRIu64 " lost, %" PRIu64 " sent again; %" PRIu64
           " run twice\n",
           options->count, options->first, options->bytes, totals.failures, totals.packets,
           totals.lost, totals.retransmits, totals.repeated);
    printf("judged: %" PRIu64 " steps up (%" PRIu64 " in CSS), %" PRIu64 " reductions and %" PRIu64
           " undos of cwnd, %" PRIu64 " ACKs in recovery; %" PRIu64 " packets marked\n",
           totals.growths, totals.slow_growths, totals.reductions, totals.undos,
           totals.recovery_acks, totals.marked);
    if (options->batched) {
        printf("joined: %" PRIu64 " packets to the one before\n", totals.joined);
        totals.failures += totals.joined == 0;
    }
    printf("timer: %" PRIu64 " doublings taken back for ICMP; %" PRIu64 " stamps set back\n",
           totals.reversions, totals.set_back);
    printf("BBR: %" PRIu64 " ACKs judged (%" PRIu64 " from both sides), %" PRIu64
           " times its bounds came down, %" PRIu64 " ProbeRTTs\n",
           bbr_oracle_news()->judged, bbr_oracle_news()->exactly, bbr_oracle_news()->lowered,
           bbr_oracle_news()->probe_rtts);
    return totals.failures == 0 ? 0 : 1;
}

/* ---- One seed, to look at */

static int run_single(const struct options *options)
{
    struct hf_trace_sink sink = {0};
    struct hf_ladder *ladder = NULL;
    struct hf_json_trace *json = NULL;
    struct scenario scenario;
    struct transfer_result result;

    if (options->ladder) {
        ladder = hf_ladder_new(stdout, &(struct hf_ladder_options){.columns = 120, .verbose = 1});
        sink = hf_ladder_sink(ladder);
    } else if (options->json) {
        json = hf_json_trace_new(stdout);
        sink = hf_json_trace_sink(json);
    }
    scenario_from_seed(&scenario, options->first, options->bytes);
    scenario.hosts[0].late_split = scenario.hosts[1].late_split = options->late_split;
    choose_scenario(options, options->first, &scenario);
    fprintf(stderr, "seed %" PRIu64 "\n", scenario.seed);
    scenario_print(&scenario, stderr);
    transfer_run(&scenario, &sink, &result);
    hf_ladder_free(ladder);
    hf_json_trace_free(json);
    fprintf(stderr, "%" PRIu64 " steps, %" PRIu64 " events, %" PRId64 " ms, trace %016" PRIx64 "\n",
            result.steps, result.events, result.duration_ns / HF_MILLISECOND, result.trace_hash);
    fprintf(stderr, "%s\n", result.failure[0] != '\0' ? result.failure : "all is well");
    return result.failure[0] != '\0' ? 1 : 0;
}

/* ---- Options */

static bool parse_number(const char *text, uint64_t *number)
{
    char *end;

    if (text == NULL || text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0';
}

static bool parse_option(struct options *options, char **arguments, int *i)
{
    const char *name = arguments[*i];

    if (strcmp(name, "--ladder") == 0)
        return options->ladder = true;
    if (strcmp(name, "--json") == 0)
        return options->json = true;
    if (strcmp(name, "--verbose") == 0)
        return options->verbose = true;
    if (strcmp(name, "--late-split") == 0)
        return options->late_split = true;
    if (strcmp(name, "--congested") == 0)
        return options->congested = true;
    if (strcmp(name, "--batched") == 0)
        return options->batched = true;
    *i += 1;
    if (strcmp(name, "--seed") == 0) {
        options->single = true;
        return parse_number(arguments[*i], &options->first);
    }
    if (strcmp(name, "--first") == 0)
        return parse_number(arguments[*i], &options->first);
    if (strcmp(name, "--count") == 0)
        return parse_number(arguments[*i], &options->count);
    if (strcmp(name, "--bytes") == 0)
        return parse_number(arguments[*i], &options->bytes);
    if (strcmp(name, "--repeat-every") == 0)
        return parse_number(arguments[*i], &options->repeat_every);
    return false;
}

int main(int count, char **arguments)
{
    struct options options = {.first = 1, .count = 1000, .bytes = 1u << 20, .repeat_every = 10};

    for (int i = 1; i < count; i++) {
        if (!parse_option(&options, arguments, &i)) {
            fprintf(
                stderr,
                "usage: %s [--first SEED] [--count N] [--bytes N] [--repeat-every N] "
                "[--verbose] [--late-split] [--congested] [--batched]\n"
                "       %s --seed N [--bytes N] [--ladder | --json] [--congested] [--batched]\n",
                arguments[0], arguments[0]);
            return 2;
        }
    }
    return options.single ? run_single(&options) : run_many(&options, arguments[0]);
}
