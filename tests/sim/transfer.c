/* SPDX-License-Identifier: MIT
 *
 * The run goes on while there is anything left to happen: until both programs are done, and then
 * through TIME-WAIT until neither host has a timer left. What must hold then:
 *
 *  - both programs got every byte, in order, and then the end, and neither was told of an error;
 *  - no connection, record or timer is left, nothing is under way, and the memory of the two hosts
 *    is what it was before, but for the spare pages and slabs that a host keeps;
 *  - after hf_stack_free nothing of the allocator's is out;
 *  - no packet was larger than the path's MTU, and on a clean path nothing was sent twice
 *    but by loss probes, which a peer that puts off its ACKs may provoke.
 *
 * On the way each sender does what the RFCs allow (sender_oracle.c), the receive buffers keep
 * within their size and the stacks within their memory.
 */
#include "transfer.h"
#include "bbr_oracle.h"
#include "rate_oracle.h"
#include "recovery_oracle.h"
#include "router.h"
#include "sender_oracle.h"
#include "stamp_oracle.h"
#include "window_oracle.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define SPARE_BYTES_MAX (5u << 20)
#define STEPS_MAX UINT64_C(50000000)
#define DURATION_MAX_NS (30 * 86400 * HF_SECOND)
#define STATUS_EVERY_STEPS 32u

struct balance {
    uint64_t bytes, blocks, errors;
};

struct watcher {
    uint64_t hash, events;
    struct hf_trace_sink sink;
    const struct scenario *scenario;
    struct sender_oracle senders[2];
    struct recovery_oracle recoveries[2];
    struct window_oracle windows[2];
    struct rate_oracle rates[2];
    struct stamp_oracle stamps[2];
    struct router router;
};

struct transfer {
    const struct scenario *scenario;
    struct transfer_result *result;
    struct balance balances[2];
    struct watcher watcher;
    struct hf_cc_ops judged_bbr;
    struct hf_stack *stacks[2];
    struct hf_sim *sim;
    uint64_t memory_before[2];
    struct application applications[2];
};

__attribute__((format(printf, 2, 3))) static void fail(struct transfer *transfer,
                                                       const char *format, ...)
{
    va_list arguments;

    if (transfer->result->failure[0] != '\0')
        return;
    va_start(arguments, format);
    vsnprintf(transfer->result->failure, sizeof transfer->result->failure, format, arguments);
    va_end(arguments);
}

static bool failed(const struct transfer *transfer)
{
    return transfer->result->failure[0] != '\0';
}

/* ---- Memory: each block carries its size, and what is given back must say the same. */

struct block {
    _Alignas(max_align_t) size_t size;
};

static void *allocate(void *context, size_t size)
{
    struct balance *balance = context;
    struct block *block = malloc(sizeof *block + size);

    if (block == NULL)
        return NULL;
    block->size = size;
    balance->bytes += size;
    balance->blocks++;
    /* Whoever reads before writing gets no zeros from here. */
    memset(block + 1, 0xa5, size);
    return block + 1;
}

static void release(void *context, void *memory, size_t size)
{
    struct balance *balance = context;
    struct block *block = (struct block *)memory - 1;

    if (block->size != size)
        balance->errors++;
    balance->bytes -= block->size;
    balance->blocks--;
    free(block);
}

/* ---- The trace, as one number */

static void mix(struct watcher *watcher, uint64_t value)
{
    watcher->hash = (watcher->hash ^ value) * UINT64_C(0x9fb21c651e98df25);
    watcher->hash ^= watcher->hash >> 29;
}

static void mix_bytes(struct watcher *watcher, const uint8_t *bytes, size_t length)
{
    uint64_t word = 0;

    for (; length >= 8; length -= 8, bytes += 8) {
        memcpy(&word, bytes, 8);
        mix(watcher, word);
    }
    for (word = length; length > 0; length--)
        word = word << 8 | *bytes++;
    mix(watcher, word);
}

static void mix_numbers(struct watcher *watcher, const struct hf_trace_numbers *numbers)
{
    mix(watcher, (uint64_t)numbers->iss << 32 | numbers->irs);
    mix(watcher, (uint64_t)numbers->snd_una << 32 | numbers->snd_nxt);
    mix(watcher, (uint64_t)numbers->snd_wnd << 32 | numbers->rcv_nxt);
    mix(watcher, (uint64_t)numbers->rcv_wnd << 32 | numbers->cwnd_bytes);
    mix(watcher, (uint64_t)numbers->ssthresh_bytes << 32 | numbers->flight_bytes);
    mix(watcher, (uint64_t)numbers->srtt_ns);
    mix(watcher, (uint64_t)numbers->rttvar_ns);
    mix(watcher, (uint64_t)numbers->rto_ns);
}

static void judge_event(struct watcher *watcher, const struct hf_config *host,
                        const struct hf_trace_event *event)
{
    struct sender_oracle *sender = &watcher->senders[event->host];
    struct recovery_oracle *recovery = &watcher->recoveries[event->host];

    /* A super-segment is told of as one that left; the segments are what the run without judges. */
    if (!host->late_split) {
        recovery_oracle_take(recovery, host, event);
        window_oracle_take(&watcher->windows[event->host], recovery, host, event);
        if (strcmp(host->congestion_control->name, "bbr") == 0)
            rate_oracle_take(&watcher->rates[event->host], &recovery->flight, event);
        /* With options beside it no segment may be as large as one can be. */
        if (sender->mss_bytes < recovery->mss_bytes)
            sender->mss_bytes = recovery->mss_bytes;
    }
    sender_oracle_take(sender, host, event);
    stamp_oracle_take(&watcher->stamps[event->host], event);
}

static void watch(void *context, const struct hf_trace_event *event)
{
    struct watcher *watcher = context;

    watcher->events++;
    mix(watcher, (uint64_t)event->time);
    mix(watcher, (uint64_t)event->kind << 32 | (uint64_t)event->reason << 8 | event->host);
    mix(watcher, event->connection);
    mix(watcher, (uint64_t)event->state_before << 32 | (uint64_t)event->state);
    mix(watcher, (uint64_t)event->value);
    mix_bytes(watcher, event->local.address.bytes, sizeof event->local.address.bytes);
    mix_bytes(watcher, event->remote.address.bytes, sizeof event->remote.address.bytes);
    mix(watcher, (uint64_t)event->local.port << 16 | event->remote.port);
    mix_numbers(watcher, &event->numbers);
    if (event->packet != NULL)
        mix_bytes(watcher, event->packet, event->packet_length);
    if (event->kind == HF_TRACE_LINK) {
        router_watch(&watcher->router, event);
    } else {
        const struct hf_config *host = &watcher->scenario->hosts[event->host];
        judge_event(watcher, host, event);
    }
    if (watcher->sink.event != NULL)
        watcher->sink.event(watcher->sink.context, event);
}

/* ---- Setting the scene */

static uint64_t memory_used(const struct hf_stack *stack)
{
    struct hf_counters counters;

    hf_stack_counters(stack, &counters);
    return counters.memory_used_bytes;
}

/* Put to rest, only Handfast's own algorithms take their memory along. */
static void judge_bbr(struct transfer *transfer, struct hf_config *config)
{
    if (strcmp(config->congestion_control->name, "bbr") != 0 ||
        getenv("HANDFAST_REST_AFTER_NS") != NULL)
        return;
    transfer->judged_bbr = bbr_oracle_ops();
    config->congestion_control = config->congestion_controls[0] = &transfer->judged_bbr;
}

static bool make_hosts(struct transfer *transfer)
{
    const struct scenario *scenario = transfer->scenario;

    for (int i = 0; i < 2; i++) {
        struct hf_config config = scenario->hosts[i];
        config.allocator = (struct hf_allocator){allocate, release, &transfer->balances[i]};
        if (!scenario->untraced)
            config.trace = (struct hf_trace_sink){watch, &transfer->watcher};
        judge_bbr(transfer, &config);
        transfer->stacks[i] = hf_stack_new(&config);
        if (transfer->stacks[i] == NULL) {
            fail(transfer, "hf_stack_new refused the configuration of %s", config.host_name);
            return false;
        }
        if (hf_stack_add_address(transfer->stacks[i], &scenario->endpoints[i].address) != HF_OK) {
            fail(transfer, "hf_stack_add_address on %s", config.host_name);
            return false;
        }
        transfer->memory_before[i] = memory_used(transfer->stacks[i]);
        application_init(&transfer->applications[i], &scenario->plans[i], transfer->stacks[i]);
    }
    return true;
}

static bool make_link(struct transfer *transfer)
{
    struct hf_sim_config config = transfer->scenario->link;

    config.trace = (struct hf_trace_sink){watch, &transfer->watcher};
    transfer->sim = hf_sim_new(&config, transfer->stacks[0], transfer->stacks[1]);
    if (transfer->sim == NULL)
        fail(transfer, "hf_sim_new refused the link");
    return transfer->sim != NULL;
}

static bool open_connection(struct transfer *transfer)
{
    int client = transfer->scenario->client, server = 1 - client;
    const struct hf_endpoint *remote = &transfer->scenario->endpoints[server];
    struct application *caller = &transfer->applications[client];
    struct application *called = &transfer->applications[server];
    int error = hf_listen(transfer->stacks[server], remote, 1, &called->listener);

    if (error != HF_OK) {
        fail(transfer, "hf_listen: %s", hf_error_text(error));
        return false;
    }
    error = hf_connect(transfer->stacks[client], NULL, remote, hf_sim_now(transfer->sim),
                       &caller->connection);
    if (error != HF_OK)
        fail(transfer, "hf_connect: %s", hf_error_text(error));
    caller->can_write = true;
    return error == HF_OK;
}

/* ---- Running */

/* What a buffer may become. */
static uint32_t larger(uint32_t first_bytes, uint32_t max_bytes)
{
    return first_bytes > max_bytes ? first_bytes : max_bytes;
}

static void check_status(struct transfer *transfer, int i)
{
    const struct application *application = &transfer->applications[i];
    const struct hf_config *host = &transfer->scenario->hosts[i];
    struct hf_status status;
    uint64_t unit_bytes;
    uint32_t receive_bytes;
    uint32_t send_bytes;

    if (application->connection == HF_NO_HANDLE || application->done)
        return;
    if (hf_status(transfer->stacks[i], application->connection, &status) != HF_OK) {
        fail(transfer, "%s: no status of a live handle", host->host_name);
        return;
    }
    receive_bytes = larger(host->receive_buffer_bytes, host->receive_buffer_max_bytes);
    send_bytes = larger(host->send_buffer_bytes, host->send_buffer_max_bytes);
    /* A scaled window is rounded up to its unit, so that its right edge never moves left. */
    unit_bytes = UINT64_C(1) << status.numbers.rcv_wind_shift;
    if ((uint64_t)status.receive_queue_bytes + status.out_of_order_bytes >
        receive_bytes + unit_bytes - 1)
        fail(transfer, "%s: %" PRIu32 " + %" PRIu32 " bytes in a receive buffer of %" PRIu32,
             host->host_name, status.receive_queue_bytes, status.out_of_order_bytes, receive_bytes);
    if (status.send_queue_bytes > send_bytes || status.send_unsent_bytes > status.send_queue_bytes)
        fail(transfer, "%s: %" PRIu32 " unsent of %" PRIu32 " bytes in a send buffer of %" PRIu32,
             host->host_name, status.send_unsent_bytes, status.send_queue_bytes, send_bytes);
    if (memory_used(transfer->stacks[i]) > host->memory_bytes)
        fail(transfer, "%s: more memory than config.memory_bytes", host->host_name);
}

static hf_time earliest_wake(const struct transfer *transfer)
{
    hf_time a = application_wake(&transfer->applications[0]);
    hf_time b = application_wake(&transfer->applications[1]);

    return a < b ? a : b;
}

static bool run_applications(struct transfer *transfer)
{
    bool did = false;

    for (int i = 0; i < 2; i++) {
        struct application *application = &transfer->applications[i];
        did |= application_run(application, hf_sim_now(transfer->sim));
        if (application->failure[0] != '\0')
            fail(transfer, "%s: %s", transfer->scenario->hosts[i].host_name, application->failure);
    }
    return did;
}

static void check_progress(struct transfer *transfer)
{
    hf_time now = hf_sim_now(transfer->sim);

    if (bbr_oracle_news()->failure.text[0] != '\0')
        fail(transfer, "%s", bbr_oracle_news()->failure.text);
    for (int i = 0; i < 2; i++) {
        const struct watcher *watcher = &transfer->watcher;
        const char *const failures[] = {
            watcher->senders[i].failure.text, watcher->recoveries[i].failure.text,
            watcher->windows[i].failure.text, watcher->rates[i].failure.text,
            watcher->stamps[i].failure.text};
        for (size_t k = 0; k < sizeof failures / sizeof failures[0]; k++) {
            if (failures[k][0] != '\0')
                fail(transfer, "%s: %s", transfer->scenario->hosts[i].host_name, failures[k]);
        }
    }
    if (++transfer->result->steps > STEPS_MAX)
        fail(transfer, "no end after %" PRIu64 " steps", STEPS_MAX);
    if (now - transfer->scenario->link.start > DURATION_MAX_NS)
        fail(transfer, "no end after %" PRId64 " days", DURATION_MAX_NS / (86400 * HF_SECOND));
    if (transfer->result->steps % STATUS_EVERY_STEPS == 0) {
        check_status(transfer, 0);
        check_status(transfer, 1);
    }
}

static bool both_done(const struct transfer *transfer)
{
    return transfer->applications[0].done && transfer->applications[1].done;
}

static int step(struct transfer *transfer, hf_time wake)
{
    int stepped = hf_sim_step(transfer->sim, wake);

    router_speak(&transfer->watcher.router, transfer->stacks, hf_sim_now(transfer->sim));
    return stepped;
}

static void run_to_the_end(struct transfer *transfer)
{
    run_applications(transfer);
    while (!failed(transfer) && !both_done(transfer)) {
        hf_time wake = earliest_wake(transfer);
        int stepped = step(transfer, wake);
        bool did = run_applications(transfer);
        if (!stepped && !did && wake == HF_TIME_NEVER)
            fail(transfer,
                 "nothing is left to happen, but a sent %" PRIu64 " and received %" PRIu64
                 ", b sent %" PRIu64 " and received %" PRIu64 " bytes",
                 transfer->applications[0].sent, transfer->applications[0].received,
                 transfer->applications[1].sent, transfer->applications[1].received);
        check_progress(transfer);
    }
}

/* Closed handles give no events; what the hosts still have to say to each other goes on. */
static void run_to_silence(struct transfer *transfer)
{
    int server = 1 - transfer->scenario->client;
    struct hf_event event;

    if (failed(transfer))
        return;
    if (hf_close(transfer->stacks[server], transfer->applications[server].listener,
                 hf_sim_now(transfer->sim)) != HF_OK)
        fail(transfer, "hf_close of the listener");
    while (!failed(transfer) && step(transfer, HF_TIME_NEVER)) {
        for (int i = 0; i < 2; i++) {
            while (hf_stack_next_event(transfer->stacks[i], &event))
                ;
        }
        check_progress(transfer);
    }
}

/* ---- Judging */

static void judge_host(struct transfer *transfer, int i)
{
    struct hf_stack *stack = transfer->stacks[i];
    const char *name = transfer->scenario->hosts[i].host_name;
    struct hf_counters counters;
    struct hf_status status;
    uint64_t cursor = 0;

    hf_stack_counters(stack, &counters);
    transfer->result->packets[i] = counters.packets_sent;
    transfer->result->joined += counters.packets_joined;
    transfer->result->retransmits[i] = counters.segments_retransmitted;
    if (hf_stack_list(stack, &cursor, &status))
        fail(transfer, "%s: still there at the end: a record in %s", name,
             hf_state_name(status.state));
    if (counters.connections + counters.listeners + counters.syn_records + counters.time_waits != 0)
        fail(transfer,
             "%s: counted at the end: %" PRIu32 " connections, %" PRIu32 " listeners, %" PRIu32
             " SYN records, %" PRIu32 " TIME-WAITs",
             name, counters.connections, counters.listeners, counters.syn_records,
             counters.time_waits);
    if (hf_stack_next_deadline(stack) != HF_TIME_NEVER)
        fail(transfer, "%s: a timer is left", name);
    if (counters.memory_used_bytes > transfer->memory_before[i] + SPARE_BYTES_MAX)
        fail(transfer, "%s: %" PRIu64 " bytes of memory at the end, %" PRIu64 " at first", name,
             counters.memory_used_bytes, transfer->memory_before[i]);
    if (counters.memory_used_bytes != transfer->balances[i].bytes)
        fail(transfer, "%s: counts %" PRIu64 " bytes of memory, holds %" PRIu64, name,
             counters.memory_used_bytes, transfer->balances[i].bytes);
    if (transfer->scenario->clean && counters.segments_retransmitted > counters.loss_probes)
        fail(transfer, "%s: %" PRIu64 " segments sent again over a clean path", name,
             counters.segments_retransmitted);
}

static void judge_link(struct transfer *transfer)
{
    for (int way = 0; way < 2; way++) {
        struct hf_sim_statistics statistics = hf_sim_statistics(transfer->sim, way);
        const char *name = transfer->scenario->hosts[way].host_name;

        transfer->result->lost[way] = statistics.lost + statistics.queue_drops;
        transfer->result->marked += statistics.marked;
        if (statistics.in_flight != 0)
            fail(transfer, "from %s: %" PRIu32 " packets still under way", name,
                 statistics.in_flight);
        if (statistics.mtu_drops != 0)
            fail(transfer, "from %s: %" PRIu64 " packets larger than the MTU", name,
                 statistics.mtu_drops);
    }
}

static void tear_down(struct transfer *transfer)
{
    hf_sim_free(transfer->sim);
    for (int i = 0; i < 2; i++) {
        const struct balance *balance = &transfer->balances[i];
        hf_stack_free(transfer->stacks[i]);
        transfer->result->recovery_acks += transfer->watcher.recoveries[i].acks;
        transfer->result->growths += transfer->watcher.windows[i].growths;
        transfer->result->slow_growths += transfer->watcher.windows[i].slow_growths;
        transfer->result->reductions += transfer->watcher.windows[i].reductions;
        transfer->result->undos += transfer->watcher.windows[i].undos;
        transfer->result->reversions += transfer->watcher.senders[i].reversions;
        transfer->result->set_back += transfer->watcher.stamps[i].set_back;
        recovery_oracle_free(&transfer->watcher.recoveries[i]);
        if (balance->bytes != 0 || balance->blocks != 0)
            fail(transfer, "host %d: %" PRIu64 " bytes in %" PRIu64 " blocks were never given back",
                 i, balance->bytes, balance->blocks);
        if (balance->errors != 0)
            fail(transfer, "host %d: %" PRIu64 " blocks were given back with a wrong size", i,
                 balance->errors);
    }
}

void transfer_run(const struct scenario *scenario, const struct hf_trace_sink *sink,
                  struct transfer_result *result)
{
    struct transfer *transfer = calloc(1, sizeof *transfer);

    memset(result, 0, sizeof *result);
    if (transfer == NULL) {
        snprintf(result->failure, sizeof result->failure, "out of memory");
        return;
    }
    bbr_oracle_news()->failure.text[0] = '\0';
    transfer->scenario = scenario;
    transfer->result = result;
    transfer->watcher.sink = *sink;
    transfer->watcher.scenario = scenario;
    transfer->watcher.router.every = scenario->unreachable_every;
    if (make_hosts(transfer) && make_link(transfer) && open_connection(transfer)) {
        run_to_the_end(transfer);
        run_to_silence(transfer);
        result->duration_ns = hf_sim_now(transfer->sim) - scenario->link.start;
        if (!failed(transfer)) {
            judge_host(transfer, 0);
            judge_host(transfer, 1);
            judge_link(transfer);
        }
    }
    tear_down(transfer);
    result->trace_hash = transfer->watcher.hash;
    result->events = transfer->watcher.events;
    free(transfer);
}
