/* SPDX-License-Identifier: MIT
 *
 * Each option opens one of the library's sinks; a tee joins them. The ladder goes to stderr, where
 * it takes the terminal's width, and colour only on a terminal and unless NO_COLOR is set.
 */
#include "tracing.h"

#include "message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static FILE *create(const char *path, const char *what)
{
    FILE *file = fopen(path, "we");

    if (file == NULL)
        fail(-errno, "cannot write %s '%s'", what, path);
    return file;
}

static int open_ladder(struct tracing *tracing)
{
    struct hf_ladder_options options = {.columns = 80};
    struct winsize size;
    const char *no_colour = getenv("NO_COLOR");

    if (isatty(STDERR_FILENO)) {
        options.colour = no_colour == NULL || no_colour[0] == '\0';
        if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 80)
            options.columns = size.ws_col;
    }
    setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
    tracing->ladder = hf_ladder_new(stderr, &options);
    if (tracing->ladder == NULL)
        return fail(-errno, "cannot draw a ladder");
    tracing->tee.sinks[tracing->tee.count++] = hf_ladder_sink(tracing->ladder);
    return EXIT_CODE_OK;
}

static int open_pcap(struct tracing *tracing, int64_t epoch_ns)
{
    tracing->pcap_file = create(tracing->pcap_path, "the capture");
    if (tracing->pcap_file == NULL)
        return (int)exit_code_of(-errno);
    tracing->pcapng = hf_pcapng_new(tracing->pcap_file, epoch_ns);
    if (tracing->pcapng == NULL)
        return fail(-errno, "cannot write the capture '%s'", tracing->pcap_path);
    tracing->tee.sinks[tracing->tee.count++] = hf_pcapng_sink(tracing->pcapng);
    return EXIT_CODE_OK;
}

static int open_json(struct tracing *tracing)
{
    tracing->trace_file = create(tracing->trace_path, "the trace");
    if (tracing->trace_file == NULL)
        return (int)exit_code_of(-errno);
    tracing->json = hf_json_trace_new(tracing->trace_file);
    if (tracing->json == NULL)
        return fail(-errno, "cannot write the trace '%s'", tracing->trace_path);
    tracing->tee.sinks[tracing->tee.count++] = hf_json_trace_sink(tracing->json);
    return EXIT_CODE_OK;
}

int tracing_open(struct tracing *tracing, const struct network_options *network, int64_t epoch_ns)
{
    int code = EXIT_CODE_OK;

    memset(tracing, 0, sizeof *tracing);
    tracing->pcap_path = network->pcap_path;
    tracing->trace_path = network->trace_path;
    if (tracing->pcap_path != NULL)
        code = open_pcap(tracing, epoch_ns);
    if (code == EXIT_CODE_OK && tracing->trace_path != NULL)
        code = open_json(tracing);
    if (code == EXIT_CODE_OK && network->ladder)
        code = open_ladder(tracing);
    return code;
}

struct hf_trace_sink tracing_sink(struct tracing *tracing)
{
    if (tracing->tee.count == 0)
        return (struct hf_trace_sink){.event = NULL};
    return hf_trace_tee_sink(&tracing->tee);
}

void tracing_flush(struct tracing *tracing)
{
    if (tracing->pcap_file != NULL)
        fflush(tracing->pcap_file);
    if (tracing->trace_file != NULL)
        fflush(tracing->trace_file);
}

static int finish(FILE *file, const char *path)
{
    bool failed;

    if (file == NULL)
        return EXIT_CODE_OK;
    errno = 0;
    failed = ferror(file) != 0;
    if (fclose(file) != 0 || failed)
        return fail(errno != 0 ? -errno : -EIO, "'%s' is incomplete (is the disk full?)", path);
    return EXIT_CODE_OK;
}

int tracing_close(struct tracing *tracing)
{
    int pcap_code, trace_code;

    if (tracing->pcapng != NULL)
        hf_pcapng_free(tracing->pcapng);
    if (tracing->json != NULL)
        hf_json_trace_free(tracing->json);
    if (tracing->ladder != NULL)
        hf_ladder_free(tracing->ladder);
    pcap_code = finish(tracing->pcap_file, tracing->pcap_path);
    trace_code = finish(tracing->trace_file, tracing->trace_path);
    memset(tracing, 0, sizeof *tracing);
    return pcap_code != EXIT_CODE_OK ? pcap_code : trace_code;
}
