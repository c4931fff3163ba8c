/* SPDX-License-Identifier: MIT
 *
 * The cells of paths/cells.tsv in virtual time: what paths/run measures of Handfast over `handfast
 * wire', without the machine. The same seed gives the same figures, so what a change does to a path
 * can be told from luck; both ends are Handfast's, whatever the cell says of the receiver.
 *
 *     cells-sim CELLS.TSV [--seconds S] [--seeds N] [--bytes N] [--ack-batch US] [CELL...]
 *
 * For each cell means over the seeds (default 3): goodput, what is acknowledged S seconds (default
 * 8) after the SYN; or, with --bytes, the time that so many take until the last has come; what was
 * sent again; the mean queue. With --ack-batch the sender is given ACKs at multiples of so many
 * microseconds only, as where the receiver keeps them back: Linux does with SACKs, for 1000.
 */
#include <handfast/handfast.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_MAX_BYTES (64u << 20) /* as paths/run gives both sides */
#define QUEUE_LEAST_BYTES 6000u
#define GIVE_UP (600 * HF_SECOND)

struct cell {
    int number, codel_ecn;
    char algorithm[HF_CC_NAME_BYTES];
    double rate_mbit, rtt_ms, loss_percent, reorder_percent, buffer_bdp;
};

struct job {
    double seconds;
    uint64_t bytes; /* 0: as many as the seconds give */
    unsigned seeds;
    hf_time ack_batch_ns;
};

struct hosts {
    struct hf_stack *stack[2];
    struct hf_sim *sim;
    hf_handle listener, call, visit;
    uint64_t sent, received;
    bool shut, over;
};

struct outcome {
    double seconds, goodput_mbit, sent_again_percent, queue_ms;
};

static char chunk[1 << 16];

static void fail(const char *what)
{
    fprintf(stderr, "cells-sim: %s\n", what);
    exit(1);
}

static bool read_cell(const char *line, struct cell *cell)
{
    char receiver[16];
    return sscanf(line, "%d\t%15s\t%15s\t%lf\t%lf\t%lf\t%lf\t%lf\t%d", &cell->number,
                  cell->algorithm, receiver, &cell->rate_mbit, &cell->rtt_ms, &cell->loss_percent,
                  &cell->reorder_percent, &cell->buffer_bdp, &cell->codel_ecn) == 9;
}

/* As paths/run gives it to `handfast wire': loss and reordering forward, the rest both ways. */
static struct hf_sim_config path_of(const struct cell *cell, const struct job *job, uint64_t seed)
{
    struct hf_sim_config config = hf_sim_config_default();
    struct hf_sim_direction *forward = &config.forward;
    double reorder_ms = cell->rtt_ms / 8 > 0.25 ? cell->rtt_ms / 8 : 0.25;
    double queue = cell->rate_mbit * 125 * cell->rtt_ms * cell->buffer_bdp;

    config.seed = seed;
    forward->rate_bits_per_second = (uint64_t)(cell->rate_mbit * 1e6);
    forward->delay_ns = (hf_time)(cell->rtt_ms / 2 * 1e6);
    forward->queue_bytes = queue > QUEUE_LEAST_BYTES ? (uint32_t)queue : QUEUE_LEAST_BYTES;
    if (cell->codel_ecn != 0) {
        forward->management = HF_SIM_CODEL;
        forward->mark = true;
    }
    config.backward = *forward;
    config.backward.batch_ns = job->ack_batch_ns;
    forward->loss_ppm = (uint32_t)(cell->loss_percent * 1e4);
    forward->reorder_ppm = (uint32_t)(cell->reorder_percent * 1e4);
    forward->reorder_ns = (hf_time)(reorder_ms * 1e6);
    return config;
}

static void open_hosts(struct hosts *hosts, const struct cell *cell, const struct job *job,
                       uint64_t seed)
{
    struct hf_sim_config path = path_of(cell, job, seed);
    struct hf_config config = hf_config_default();
    struct hf_endpoint server = {hf_address_ipv4(10, 0, 0, 2), 80};
    struct hf_address client = hf_address_ipv4(10, 0, 0, 1);

    memset(hosts, 0, sizeof *hosts);
    hosts->visit = HF_NO_HANDLE;
    memset(config.seed, 7, sizeof config.seed);
    config.congestion_control = hf_congestion_control(cell->algorithm);
    config.ecn = 1;
    config.metrics_save = 0;
    config.receive_buffer_max_bytes = config.send_buffer_max_bytes = BUFFER_MAX_BYTES;
    if (config.congestion_control == NULL)
        fail("there is no congestion control of that name");
    hosts->stack[0] = hf_stack_new(&config);
    hosts->stack[1] = hf_stack_new(&config);
    if (hosts->stack[0] == NULL || hosts->stack[1] == NULL ||
        hf_stack_add_address(hosts->stack[0], &client) != HF_OK ||
        hf_stack_add_address(hosts->stack[1], &server.address) != HF_OK ||
        hf_listen(hosts->stack[1], &server, 1, &hosts->listener) != HF_OK ||
        (hosts->sim = hf_sim_new(&path, hosts->stack[0], hosts->stack[1])) == NULL ||
        hf_connect(hosts->stack[0], NULL, &server, 0, &hosts->call) != HF_OK)
        fail("the hosts cannot be made");
}

static void send_some(struct hosts *hosts, const struct job *job, hf_time now)
{
    uint64_t most = job->bytes > 0 ? job->bytes : UINT64_MAX;
    ptrdiff_t took = 1;

    while (hosts->sent < most && took > 0) {
        uint64_t left = most - hosts->sent;
        took = hf_send(hosts->stack[0], hosts->call, chunk,
                       left < sizeof chunk ? (size_t)left : sizeof chunk, 0, now);
        hosts->sent += took > 0 ? (uint64_t)took : 0;
    }
    if (!hosts->shut && hosts->sent == most)
        hosts->shut = hf_shutdown(hosts->stack[0], hosts->call, now) == HF_OK;
}

static void receive_some(struct hosts *hosts, hf_time now)
{
    ptrdiff_t took = HF_EAGAIN;

    if (hosts->visit == HF_NO_HANDLE)
        hf_accept(hosts->stack[1], hosts->listener, &hosts->visit, NULL);
    if (hosts->visit == HF_NO_HANDLE)
        return;
    while ((took = hf_recv(hosts->stack[1], hosts->visit, chunk, sizeof chunk, 0, now)) > 0)
        hosts->received += (uint64_t)took;
    hosts->over = took == 0;
}

static struct outcome run_once(const struct cell *cell, const struct job *job, uint64_t seed)
{
    struct hosts hosts;
    struct outcome outcome;
    struct hf_status status;
    struct hf_sim_statistics link;
    struct hf_event event;
    hf_time end = job->bytes > 0 ? GIVE_UP : (hf_time)(job->seconds * 1e9);

    open_hosts(&hosts, cell, job, seed);
    while (!hosts.over && hf_sim_now(hosts.sim) < end) {
        hf_sim_step(hosts.sim, hf_sim_now(hosts.sim) + HF_MILLISECOND);
        while (hf_stack_next_event(hosts.stack[0], &event) ||
               hf_stack_next_event(hosts.stack[1], &event)) {
        }
        send_some(&hosts, job, hf_sim_now(hosts.sim));
        receive_some(&hosts, hf_sim_now(hosts.sim));
    }
    if (job->bytes > 0 && (!hosts.over || hosts.received != hosts.sent))
        fail("a transfer did not come to an end");
    hf_status(hosts.stack[0], hosts.call, &status);
    link = hf_sim_statistics(hosts.sim, 0);
    outcome.seconds = (double)hf_sim_now(hosts.sim) / 1e9;
    if (job->bytes > 0)
        outcome.seconds += cell->rtt_ms / 2e3; /* until the sender would hear of it */
    outcome.goodput_mbit = (double)status.bytes_acked * 8 / outcome.seconds / 1e6;
    outcome.sent_again_percent =
        100.0 * (double)status.bytes_retransmitted / (double)(status.bytes_sent + 1);
    outcome.queue_ms = (double)link.queue_ns / 1e6 / (double)(link.turns + 1);
    hf_sim_free(hosts.sim);
    hf_stack_free(hosts.stack[0]);
    hf_stack_free(hosts.stack[1]);
    return outcome;
}

static void show(const struct cell *cell, const struct job *job)
{
    struct outcome mean = {.seconds = 0};

    for (unsigned seed = 1; seed <= job->seeds; seed++) {
        struct outcome one = run_once(cell, job, seed);
        mean.seconds += one.seconds / job->seeds;
        mean.goodput_mbit += one.goodput_mbit / job->seeds;
        mean.sent_again_percent += one.sent_again_percent / job->seeds;
        mean.queue_ms += one.queue_ms / job->seeds;
    }
    printf("%4d  %-6s %9.2f Mbit/s %10.1f ms %7.2f %% again %8.2f ms of queue\n", cell->number,
           cell->algorithm, mean.goodput_mbit, mean.seconds * 1e3, mean.sent_again_percent,
           mean.queue_ms);
    fflush(stdout);
}

static bool wanted(const struct cell *cell, char **numbers, int count)
{
    for (int i = 0; i < count; i++) {
        if (atoi(numbers[i]) == cell->number)
            return true;
    }
    return count == 0;
}

int main(int argc, char **argv)
{
    struct job job = {.seconds = 8, .seeds = 3};
    FILE *file = argc > 1 ? fopen(argv[1], "re") : NULL;
    char line[256];
    struct cell cell;
    int next = 2;

    if (file == NULL)
        fail("no cells: cells-sim CELLS.TSV [--seconds S] [--seeds N] [--bytes N] "
             "[--ack-batch US] [CELL...]");
    for (; next + 1 < argc && strncmp(argv[next], "--", 2) == 0; next += 2) {
        if (strcmp(argv[next], "--seconds") == 0)
            job.seconds = strtod(argv[next + 1], NULL);
        else if (strcmp(argv[next], "--seeds") == 0)
            job.seeds = (unsigned)strtoul(argv[next + 1], NULL, 10);
        else if (strcmp(argv[next], "--bytes") == 0)
            job.bytes = strtoull(argv[next + 1], NULL, 10);
        else if (strcmp(argv[next], "--ack-batch") == 0)
            job.ack_batch_ns = (hf_time)strtoul(argv[next + 1], NULL, 10) * HF_MICROSECOND;
        else
            fail("an option that is none: --seconds S, --seeds N, --bytes N, --ack-batch US");
    }
    if (job.ack_batch_ns > HF_SECOND)
        fail("--ack-batch takes up to 1000000");
    if (!(job.seconds > 0) || job.seconds > 500 || job.seeds == 0)
        fail("--seconds takes up to 500, and --seeds at least 1");
    while (fgets(line, sizeof line, file) != NULL) {
        if (read_cell(line, &cell) && wanted(&cell, argv + next, argc - next))
            show(&cell, &job);
    }
    fclose(file);
    return 0;
}
