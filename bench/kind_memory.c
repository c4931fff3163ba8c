/* SPDX-License-Identifier: MIT
 *
 * Where every byte goes: what the host holds for one connection at rest, for one that is awake, for
 * one half open, for one in TIME-WAIT, and for data in its buffers. Each total is measured, as what
 * the host's own count grows by for many of them; below it stand the parts that are known, by the
 * sizes of the structures and the slots that the tables really have, and what is left: slabs that
 * are not full, their directories, the models of what rests.
 */
#include "bench_kinds.h"
#include "host_pair.h"
#include "idle_peers.h"
#include "stack_state.h"

#define MEMORY_BYTES (UINT64_C(4) << 30)
#define TIME_WAITS 10000u
#define BUFFERED_BYTES 60000u

static double held(const struct hf_stack *stack)
{
    struct hf_counters counters;
    hf_stack_counters(stack, &counters);
    return (double)counters.memory_used_bytes;
}

static void add(struct bench_report *report, const char *name, const char *what, double bytes)
{
    report_add(report, REPORT_HANDFAST, name, what, "bytes", bytes);
}

static double flow_bytes(const struct hf_stack *stack)
{
    const struct flow_table *table = &stack->flows;
    return (double)sizeof(struct flow_slot) *
           ((double)table->current.capacity + table->old.capacity + table->next.capacity);
}

/* ---- established */

static double rest_record_bytes(const struct hf_stack *stack)
{
    double bytes = 0;
    for (unsigned i = 0; i < RESTING_CLASSES; i++) {
        const struct pool *pool = &stack->resting.classes[i];
        bytes += (double)pool->count * pool->object_size;
    }
    return bytes;
}

static void at_rest(struct bench_report *report, uint32_t count)
{
    struct idle_peers *peers = idle_peers_new(count, MEMORY_BYTES, HF_SECOND);
    double before = held(peers->stack);
    double total;
    double record;
    double flow;
    idle_peers_open(peers, count);
    idle_peers_settle(peers);
    total = (held(peers->stack) - before) / count;
    record = rest_record_bytes(peers->stack) / count;
    flow = flow_bytes(peers->stack) / count;
    add(report, "rest", "a connection at rest, one end, in all", total);
    add(report, "rest_record", "  its record: all that it knows, packed", record);
    add(report, "rest_slot", "  what its handle names", sizeof(struct stack_slot));
    add(report, "rest_flow", "  its share of the flow table, as full as it is", flow);
    add(report, "rest_slack", "  slabs not full, directories, models",
        total - record - flow - sizeof(struct stack_slot));
    report_bar(report, "rest", REPORT_AT_MOST, 320);
    idle_peers_free(peers);
}

static void awake(struct bench_report *report, uint32_t count)
{
    struct idle_peers *peers = idle_peers_new(count, MEMORY_BYTES, HF_TIME_NEVER);
    double before = held(peers->stack);
    double total;
    double parts =
        sizeof(struct stack_connection) + sizeof(struct tcp_sender) + sizeof(struct stack_slot);
    double flow;
    idle_peers_open(peers, count);
    total = (held(peers->stack) - before) / count;
    flow = flow_bytes(peers->stack) / count;
    add(report, "awake", "a connection awake and idle, one end, in all", total);
    add(report, "awake_tcp", "  what TCP knows of it (struct tcp_conn)", sizeof(struct tcp_conn));
    add(report, "awake_stack", "  what the host knows of it, timer and lists",
        sizeof(struct stack_connection) - sizeof(struct tcp_conn));
    add(report, "awake_sender", "  what it sends by, once it has sent", sizeof(struct tcp_sender));
    add(report, "awake_slot", "  what its handle names", sizeof(struct stack_slot));
    add(report, "awake_flow", "  its share of the flow table, as full as it is", flow);
    add(report, "awake_slack", "  congestion control's state, slabs not full, directories",
        total - parts - flow);
    idle_peers_free(peers);
}

/* ---- half open, and over */

static void half_open(struct bench_report *report)
{
    struct idle_peers *peers = idle_peers_new(1000, MEMORY_BYTES, HF_SECOND);
    double before = held(peers->stack);
    uint32_t count;
    struct hf_counters counters;
    for (uint32_t i = 0; i < hf_stack_config(peers->stack)->max_syn_records; i++) {
        idle_peers_half_open(peers, i);
    }
    hf_stack_counters(peers->stack, &counters);
    count = counters.syn_records;
    add(report, "syn_record", "a half-open connection's record", sizeof(struct syn_record));
    report_bar(report, "syn_record", REPORT_AT_MOST, 96);
    add(report, "syn", "  with its share of table and slabs, in all",
        count > 0 ? (held(peers->stack) - before) / count : 0);
    idle_peers_free(peers);
}

static void time_wait(struct bench_report *report)
{
    struct host_pair pair;
    struct hf_counters counters;
    double before;
    host_pair_begin(&pair);
    before = held(pair.client);
    for (uint32_t i = 0; i < TIME_WAITS; i++) {
        hf_handle client = HF_NO_HANDLE;
        hf_handle server = HF_NO_HANDLE;
        host_pair_open(&pair, &client, &server);
        hf_close(pair.client, client, pair.now);
        host_pair_settle(&pair);
        hf_close(pair.server, server, pair.now);
        host_pair_settle(&pair);
    }
    hf_stack_counters(pair.client, &counters);
    if (counters.time_waits != TIME_WAITS) {
        measure_fail("connections that ended are not in TIME-WAIT");
    }
    add(report, "time_wait_record", "a connection's record in TIME-WAIT",
        sizeof(struct time_wait_record));
    report_bar(report, "time_wait_record", REPORT_AT_MOST, 64);
    add(report, "time_wait", "  with its share of table and slabs, in all",
        (held(pair.client) - before) / TIME_WAITS);
    host_pair_end(&pair);
}

/* ---- buffers: data that its program has not read, and data that the peer has no window for */

static void buffers(struct bench_report *report)
{
    static const uint8_t data[BUFFERED_BYTES];
    struct host_pair pair;
    hf_handle client = HF_NO_HANDLE;
    hf_handle server = HF_NO_HANDLE;
    double sending;
    double receiving;
    uint32_t queued = 0;
    ptrdiff_t length;
    host_pair_begin(&pair);
    host_pair_open(&pair, &client, &server);
    sending = held(pair.client);
    receiving = held(pair.server);
    length = hf_send(pair.client, client, data, sizeof data, 0, pair.now);
    sending = held(pair.client) - sending;
    host_pair_settle(&pair);
    for (uint8_t byte; length > 0 && queued < BUFFERED_BYTES; queued++) {
        if (hf_peek(pair.server, server, queued, &byte, 1) != 1) {
            break;
        }
    }
    receiving = held(pair.server) - receiving;
    if (length <= 0 || queued == 0) {
        measure_fail("no data is in the buffers");
    }
    report_add(report, REPORT_HANDFAST, "send_buffer", "held for each byte that waits to be sent",
               "bytes", sending / (double)length);
    report_add(report, REPORT_HANDFAST, "receive_buffer",
               "held for each byte that waits to be read", "bytes", receiving / queued);
    host_pair_end(&pair);
}

void bench_memory(struct bench_report *report)
{
    uint32_t count = report->plan->quick ? 10000 : 1000000;
    struct hf_config config = hf_config_default();
    struct hf_stack *stack = hf_stack_new(&config);
    if (stack == NULL) {
        measure_fail("no memory for a host");
    }
    add(report, "host", "a host by itself, with nothing in it", held(stack));
    hf_stack_free(stack);
    at_rest(report, count);
    awake(report, count / 10);
    add(report, "sent_record", "a run of segments in flight (SACK agreed)",
        sizeof(struct tcp_sent_record));
    half_open(report);
    time_wait(report);
    add(report, "flow_slot", "a slot of the flow table", sizeof(struct flow_slot));
    buffers(report);
    report_note(report,
                "%u connections at rest, %u awake, each has exchanged a request; sizes do "
                "not wobble, so they are taken once",
                count, count / 10);
}
