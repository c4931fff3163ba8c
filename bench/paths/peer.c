/* SPDX-License-Identifier: MIT
 *
 * The command line:
 *
 *   path-peer serve PORT [OPTION...]
 *   path-peer send ADDRESS:PORT [OPTION...]
 *
 *   --bytes N      send: of each transfer;  --seconds S  send: as many as go in this time
 *   --repeat N     transfers, one after the other
 *   --congestion NAME
 *   --handfast DEVICE OWN/LENGTH KERNELS/LENGTH
 *   --trace FILE   of Handfast, in JSON
 *
 * send prints a line of JSON for each transfer.
 */
#define _GNU_SOURCE

#include "peer.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double peer_seconds(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

void peer_print(const struct peer_result *result)
{
    printf("{\"seconds\": %.6f, \"bytes\": %" PRIu64 ", \"acknowledged\": %" PRIu64
           ", \"retransmitted\": %" PRIu64 ", \"spurious\": %" PRIu64 ", \"segments\": %" PRIu64
           "}\n",
           result->seconds, result->bytes, result->acknowledged, result->retransmitted,
           result->spurious, result->segments);
    fflush(stdout);
}

static bool parse_prefixed(char *text, struct hf_tun_address *address)
{
    char *slash = strchr(text, '/');

    if (slash == NULL)
        return false;
    *slash = '\0';
    address->prefix_length = (uint8_t)strtoul(slash + 1, NULL, 10);
    return hf_address_parse(text, &address->address) == HF_OK;
}

/* How many words the option took; 0: it is none. */
static int take_option(struct peer_job *job, int left, char **words)
{
    if (left >= 2 && strcmp(words[0], "--bytes") == 0) {
        job->bytes = strtoull(words[1], NULL, 10);
        return 2;
    }
    if (left >= 2 && strcmp(words[0], "--seconds") == 0) {
        job->seconds = strtod(words[1], NULL);
        return 2;
    }
    if (left >= 2 && strcmp(words[0], "--repeat") == 0) {
        job->repeat = (unsigned)strtoul(words[1], NULL, 10);
        return 2;
    }
    if (left >= 2 && strcmp(words[0], "--congestion") == 0) {
        job->congestion = words[1];
        return 2;
    }
    if (left >= 2 && strcmp(words[0], "--trace") == 0) {
        job->trace = words[1];
        return 2;
    }
    if (left >= 4 && strcmp(words[0], "--handfast") == 0) {
        job->handfast = true;
        job->tun = words[1];
        return parse_prefixed(words[2], &job->own) && parse_prefixed(words[3], &job->kernels) ? 4
                                                                                              : 0;
    }
    return 0;
}

static int usage(void)
{
    fprintf(stderr, "path-peer serve PORT or send ADDRESS:PORT, then --bytes N, --seconds S, "
                    "--repeat N, --congestion NAME, --handfast DEVICE OWN/LENGTH KERNELS/LENGTH, "
                    "--trace FILE\n");
    return 2;
}

int main(int argc, char **argv)
{
    struct peer_job job = {.repeat = 1, .congestion = "cubic"};
    const struct sched_param priority = {.sched_priority = 1};
    bool serves;

    if (argc < 3)
        return usage();
    serves = strcmp(argv[1], "serve") == 0;
    if (serves)
        job.port = (uint16_t)strtoul(argv[2], NULL, 10);
    else if (strcmp(argv[1], "send") != 0 || hf_endpoint_parse(argv[2], &job.remote) != HF_OK)
        return usage();
    for (int at = 3; at < argc;) {
        int took = take_option(&job, argc - at, argv + at);

        if (took == 0)
            return usage();
        at += took;
    }
    if (!serves && job.bytes == 0 && job.seconds <= 0)
        return usage();
    /* What else the machine does is not to be measured; a stack in a process would wait for it more
     * than the kernel's. The wire comes before both. Without the right to it, it works all the
     * same.
     */
    (void)sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &priority);
    if (job.handfast)
        return serves ? peer_handfast_serve(&job) : peer_handfast_send(&job);
    return serves ? peer_kernel_serve(&job) : peer_kernel_send(&job);
}
