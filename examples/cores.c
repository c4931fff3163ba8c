/* SPDX-License-Identifier: MIT
 * An echo server with a stack on each core, over a TUN device: cores ADDRESS KERNELS-ADDRESS PORT
 * Needs the right to make one; then, for instance, `nc ADDRESS PORT`. Ends at a signal. */
#include <handfast/handfast.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static struct hf_cores *cores;
static struct hf_endpoint here;

static void stop(int number)
{
    (void)number;
    hf_cores_stop(cores); /* NOLINT(bugprone-signal-handler,cert-sig30-c): made for it */
}

/* On every core, by its own thread: all share the port, and each accepts what is its own. */
static int begin(struct hf_core *core)
{
    hf_handle listener;
    return hf_listen(core->stack, &here, 128, &listener);
}

/* What has come goes back, as far as there is room for it. */
static void echo(struct hf_core *core, hf_handle call)
{
    struct hf_piece pieces[16];
    uint32_t count = 16;
    ptrdiff_t length, taken = 1;
    while (taken > 0 && (length = hf_recv_ref(core->stack, call, pieces, &count)) > 0) {
        hf_time now = hf_core_now(core);
        taken = hf_send(core->stack, call, pieces[0].data, pieces[0].length, 0, now);
        if (taken > 0)
            hf_recv_release(core->stack, call, (size_t)taken, now);
        count = 16;
    }
    if (taken > 0 && length == 0)
        hf_close(core->stack, call, hf_core_now(core));
}

static void event(struct hf_core *core, const struct hf_event *event)
{
    hf_handle call;
    if (event->type == HF_EVENT_ACCEPTABLE)
        while (hf_accept(core->stack, event->handle, &call, NULL) == HF_OK)
            echo(core, call);
    else if (event->type == HF_EVENT_ERROR || event->type == HF_EVENT_CLOSED)
        hf_close(core->stack, event->handle, hf_core_now(core));
    else
        echo(core, event->handle);
}

static void end(struct hf_core *core)
{
    struct hf_counters counters;
    struct hf_cores_counters ways;
    hf_stack_counters(core->stack, &counters);
    hf_cores_counters(core->cores, core->index, &ways);
    printf("core %u: %llu connections accepted; %llu packets passed on to other cores\n",
           core->index, (unsigned long long)counters.connections_accepted,
           (unsigned long long)ways.passed);
}

int main(int argc, char **argv)
{
    const struct hf_core_program program = {.begin = begin, .event = event, .end = end};
    struct hf_cores_config config = hf_cores_config_default();
    struct hf_tun_address kernels = {.prefix_length = 24};
    struct hf_tun_config device = {.name = "hfcores",
                                   .kernel_addresses = &kernels,
                                   .kernel_address_count = 1,
                                   .offload = HF_TUN_OFFLOAD_AUTO,
                                   .multi_queue = 1};
    struct hf_tun *queues[HF_CORES_MAX] = {NULL};
    char message[512] = "";
    int error;
    if (argc < 4 || hf_address_parse(argv[1], &here.address) ||
        hf_address_parse(argv[2], &kernels.address) || (here.port = (uint16_t)atoi(argv[3])) == 0)
        return fprintf(stderr, "usage: cores ADDRESS KERNELS-ADDRESS PORT\n"), 2;
    cores = hf_cores_new(&config);
    if (cores == NULL || hf_cores_add_address(cores, &here.address))
        return fprintf(stderr, "cores: no memory, or no address of a host\n"), 1;
    for (uint32_t i = 0; i < config.cores; i++) {
        queues[i] = i == 0 ? hf_tun_open(&device, message, sizeof message)
                           : hf_tun_open_queue(queues[0], message, sizeof message);
        if (queues[i] == NULL)
            return fprintf(stderr, "cores: %s\n", message), 1;
    }
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    error = hf_cores_run(cores, queues, &program);
    hf_cores_free(cores);
    for (uint32_t i = 0; i < config.cores; i++)
        hf_tun_close(queues[i]);
    return error != HF_OK;
}
