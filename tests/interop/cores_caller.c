/* SPDX-License-Identifier: MIT
 *
 *     cores_caller CORES OWN-ADDRESS KERNELS-ADDRESS PORT CONNECTIONS BYTES
 *
 * A host of so many cores calls an echo server on the kernel's TCP: on each core so many
 * connections, each of which sends so many bytes of a pattern of its own, and must get them back.
 * Says for each core how many did, and ends with 0 if all of them did.
 */
#include <handfast/handfast.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct call {
    hf_handle handle;
    uint64_t sent, received;
    bool done;
};

/* Of one core; its thread's alone but for `finished`. */
struct caller {
    struct call *calls;
    uint32_t finished, exact;
};

static struct hf_cores *cores;
static struct hf_endpoint remote;
static uint32_t connections;
static uint64_t bytes;
static atomic_uint cores_left;

static void stop(int number)
{
    (void)number;
    hf_cores_stop(cores); /* NOLINT(bugprone-signal-handler,cert-sig30-c): made for it */
}

static uint8_t byte_of(uint32_t core, uint32_t number, uint64_t at)
{
    return (uint8_t)(at * 13 + at / 257 + core * 101 + number * 7);
}

static struct call *call_of(struct caller *caller, hf_handle handle)
{
    for (uint32_t i = 0; i < connections; i++) {
        if (caller->calls[i].handle == handle)
            return &caller->calls[i];
    }
    return NULL;
}

static int begin(struct hf_core *core)
{
    struct caller *caller = calloc(1, sizeof *caller);

    if (caller != NULL)
        caller->calls = calloc(connections, sizeof *caller->calls);
    if (caller == NULL || caller->calls == NULL) {
        free(caller);
        return HF_ENOMEM;
    }
    core->context = caller;
    for (uint32_t i = 0; i < connections; i++) {
        int error =
            hf_connect(core->stack, NULL, &remote, hf_core_now(core), &caller->calls[i].handle);
        if (error != HF_OK)
            return error;
    }
    return HF_OK;
}

static void finish(struct hf_core *core, struct call *call)
{
    struct caller *caller = core->context;

    if (call->done)
        return;
    call->done = true;
    caller->finished++;
    caller->exact += call->received == bytes;
    hf_close(core->stack, call->handle, hf_core_now(core));
    if (caller->finished == connections && atomic_fetch_sub(&cores_left, 1) == 1)
        hf_cores_stop(cores);
}

static void send_more(struct hf_core *core, struct call *call, uint32_t number)
{
    uint8_t piece[4096];
    ptrdiff_t taken = 1;

    while (call->sent < bytes && taken > 0) {
        size_t length =
            bytes - call->sent < sizeof piece ? (size_t)(bytes - call->sent) : sizeof piece;
        for (size_t i = 0; i < length; i++)
            piece[i] = byte_of(core->index, number, call->sent + i);
        taken = hf_send(core->stack, call->handle, piece, length, 0, hf_core_now(core));
        call->sent += taken > 0 ? (uint64_t)taken : 0;
    }
    if (call->sent == bytes)
        hf_shutdown(core->stack, call->handle, hf_core_now(core));
}

static void receive_more(struct hf_core *core, struct call *call, uint32_t number)
{
    uint8_t piece[4096];
    ptrdiff_t length;

    while ((length = hf_recv(core->stack, call->handle, piece, sizeof piece, 0,
                             hf_core_now(core))) > 0) {
        for (ptrdiff_t i = 0; i < length; i++) {
            if (piece[i] != byte_of(core->index, number, call->received + (uint64_t)i)) {
                fprintf(stderr, "core %u, connection %u: byte %llu is wrong\n", core->index, number,
                        (unsigned long long)call->received + (unsigned long long)i);
                finish(core, call);
                return;
            }
        }
        call->received += (uint64_t)length;
    }
    if (length == 0)
        finish(core, call);
}

static void take_event(struct hf_core *core, const struct hf_event *event)
{
    struct caller *caller = core->context;
    struct call *call = call_of(caller, event->handle);

    if (call == NULL || call->done)
        return;
    if (event->type == HF_EVENT_ERROR) {
        fprintf(stderr, "core %u: %s\n", core->index, hf_error_text(event->error));
        finish(core, call);
        return;
    }
    send_more(core, call, (uint32_t)(call - caller->calls));
    receive_more(core, call, (uint32_t)(call - caller->calls));
}

static void end(struct hf_core *core)
{
    struct caller *caller = core->context;
    struct hf_cores_counters ways;

    hf_cores_counters(core->cores, core->index, &ways);
    printf("core %u: %u of %u exact; %llu passed on\n", core->index, caller->exact, connections,
           (unsigned long long)ways.passed);
    if (caller->exact != connections)
        atomic_fetch_add(&cores_left, 1000); /* never all right again */
    free(caller->calls);
    free(caller);
}

static int run(uint32_t count, struct hf_tun_address *kernels, const struct hf_address *own)
{
    const struct hf_core_program program = {.begin = begin, .event = take_event, .end = end};
    struct hf_cores_config config = hf_cores_config_default();
    struct hf_tun_config device = {.name = "hfcores",
                                   .kernel_addresses = kernels,
                                   .kernel_address_count = 1,
                                   .offload = HF_TUN_OFFLOAD_AUTO,
                                   .multi_queue = 1};
    struct hf_tun *queues[HF_CORES_MAX] = {NULL};
    char message[512] = "";
    int error = HF_OK;

    config.cores = count;
    cores = hf_cores_new(&config);
    if (cores == NULL || hf_cores_add_address(cores, own) != HF_OK)
        return 1;
    for (uint32_t i = 0; i < count && error == HF_OK; i++) {
        queues[i] = i == 0 ? hf_tun_open(&device, message, sizeof message)
                           : hf_tun_open_queue(queues[0], message, sizeof message);
        if (queues[i] == NULL) {
            fprintf(stderr, "%s\n", message);
            error = HF_EINVAL;
        }
    }
    signal(SIGTERM, stop);
    if (error == HF_OK)
        error = hf_cores_run(cores, queues, &program);
    hf_cores_free(cores);
    for (uint32_t i = 0; i < count; i++)
        hf_tun_close(queues[i]);
    if (error != HF_OK)
        fprintf(stderr, "%s\n", hf_error_text(error));
    return error != HF_OK || atomic_load(&cores_left) != 0;
}

int main(int argc, char **argv)
{
    struct hf_tun_address kernels = {.prefix_length = 24};
    struct hf_address own;
    uint32_t count;

    if (argc != 7 || hf_address_parse(argv[2], &own) != HF_OK ||
        hf_address_parse(argv[3], &kernels.address) != HF_OK) {
        fprintf(stderr, "usage: cores_caller CORES OWN KERNELS PORT CONNECTIONS BYTES\n");
        return 2;
    }
    count = (uint32_t)strtoul(argv[1], NULL, 10);
    remote = (struct hf_endpoint){kernels.address, (uint16_t)strtoul(argv[4], NULL, 10)};
    connections = (uint32_t)strtoul(argv[5], NULL, 10);
    bytes = strtoull(argv[6], NULL, 10);
    atomic_init(&cores_left, count);
    return run(count, &kernels, &own);
}
