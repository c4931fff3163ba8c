/* SPDX-License-Identifier: MIT
 *
 * libFuzzer on a whole host: the input is a program for an attacker beside a host that listens and
 * holds one established connection. Each step is a byte that says what, and what it needs:
 * raw bytes as a packet, a segment near the connection's numbers with right checksums, a user call,
 * or time passing. Nothing may crash, leak, pass the memory limit or spin.
 */
#include "packet_forge.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MEMORY_LIMIT (UINT64_C(4) << 20)
#define MOST_PACKETS 4096

struct bench {
    struct hf_stack *host;
    struct hf_endpoint local, remote;
    hf_handle listener, connection;
    hf_time now;
    const uint8_t *data;
    size_t size;
};

static void *plain_allocate(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static void plain_release(void *context, void *memory, size_t size)
{
    (void)context;
    (void)size;
    free(memory);
}

static uint32_t take(struct bench *bench, unsigned bytes)
{
    uint32_t value = 0;
    while (bytes-- > 0 && bench->size > 0) {
        value = value << 8 | *bench->data++;
        bench->size--;
    }
    return value;
}

static void drain(struct bench *bench)
{
    uint8_t packet[FORGE_MAX_BYTES];
    unsigned packets = 0;
    while (hf_stack_output(bench->host, packet, sizeof packet, bench->now) > 0) {
        if (++packets > MOST_PACKETS) {
            abort(); /* it never comes to rest */
        }
    }
}

static void give(struct bench *bench, const uint8_t *packet, size_t length)
{
    uint8_t *exact = malloc(length > 0 ? length : 1);
    memcpy(exact, packet, length);
    hf_stack_input(bench->host, exact, length, bench->now);
    free(exact);
}

static void give_segment(struct bench *bench, uint32_t seq, uint32_t ack, uint16_t flags)
{
    uint8_t packet[FORGE_MAX_BYTES];
    struct forge_segment segment = {.from = bench->remote,
                                    .to = bench->local,
                                    .seq = seq,
                                    .ack = ack,
                                    .flags = flags,
                                    .window = (uint16_t)take(bench, 2)};
    size_t options = take(bench, 1) % 44 / 4 * 4;
    if (options > bench->size) {
        options = 0;
    }
    segment.options = bench->data;
    segment.option_length = options;
    bench->data += options;
    bench->size -= options;
    segment.payload_length = take(bench, 1) * 4u;
    if (segment.payload_length > bench->size) {
        segment.payload_length = bench->size;
    }
    segment.payload = bench->data;
    bench->data += segment.payload_length;
    bench->size -= segment.payload_length;
    segment.urgent_pointer = segment.flags & HF_URG ? (uint16_t)take(bench, 2) : 0;
    give(bench, packet, forge_tcp(&segment, packet));
}

static void near_segment(struct bench *bench)
{
    struct hf_status status;
    uint32_t seq = take(bench, 2);
    uint32_t ack = take(bench, 2);
    uint16_t flags = (uint16_t)(take(bench, 2) & 0x1ff);
    if (hf_status(bench->host, bench->connection, &status) == HF_OK) {
        seq = status.numbers.rcv_nxt + (uint32_t)(int32_t)(int16_t)seq;
        ack = status.numbers.snd_nxt + (uint32_t)(int32_t)(int16_t)ack;
    }
    give_segment(bench, seq, ack, flags);
}

static void user_call(struct bench *bench)
{
    static uint8_t bytes[8192];
    uint32_t what = take(bench, 1);
    uint32_t length = take(bench, 2) % sizeof bytes;
    hf_handle accepted;
    switch (what % 9) {
    case 0:
        hf_send(bench->host, bench->connection, bytes, length, what >> 4 & 3, bench->now);
        break;
    case 1:
        hf_recv(bench->host, bench->connection, bytes, length, what >> 4 & 1, bench->now);
        break;
    case 2:
        hf_shutdown(bench->host, bench->connection, bench->now);
        break;
    case 3:
        hf_close(bench->host, bench->connection, bench->now);
        break;
    case 4:
        hf_abort(bench->host, bench->connection, bench->now);
        break;
    case 5:
        hf_set_option(bench->host, bench->connection, (enum hf_option)(what >> 4), length,
                      bench->now);
        break;
    case 6:
        if (hf_accept(bench->host, bench->listener, &accepted, NULL) == HF_OK) {
            hf_close(bench->host, bench->connection, bench->now);
            bench->connection = accepted;
        }
        break;
    case 7:
        bench->remote.port = (uint16_t)(length + 1);
        break;
    default:
        hf_connect(bench->host, NULL, &bench->remote, bench->now, &bench->connection);
        break;
    }
}

static void step(struct bench *bench)
{
    uint32_t what = take(bench, 1);
    struct hf_event event;
    switch (what % 8) {
    case 0: {
        size_t length = take(bench, 1);
        length = length < bench->size ? length : bench->size;
        give(bench, bench->data, length);
        bench->data += length;
        bench->size -= length;
        break;
    }
    case 1:
    case 2:
    case 3:
        near_segment(bench);
        break;
    case 4:
        user_call(bench);
        break;
    case 5:
        bench->now += (hf_time)take(bench, 2) * HF_MILLISECOND * ((what & 64) ? 1000 : 1);
        break;
    case 6:
        give_segment(bench, take(bench, 4), take(bench, 4), (uint16_t)(take(bench, 2) & 0x1ff));
        break;
    default:
        while (hf_stack_next_event(bench->host, &event)) {
        }
        break;
    }
    drain(bench);
}

/* The other side's first two packets, by hand. */
static void establish(struct bench *bench)
{
    uint8_t packet[FORGE_MAX_BYTES];
    struct hf_status status;
    uint64_t cursor = 0;
    /* MSS 1000; SACK permitted; window scale 2: none, some or all of them. */
    static const uint8_t offers[] = {2, 4, 1000 >> 8, 1000 & 255, 4, 2, 1, 1, 3, 3, 2, 1};
    struct forge_segment segment = {
        .from = bench->remote, .to = bench->local, .seq = 1000, .flags = HF_SYN, .window = 65535};
    segment.options = offers;
    segment.option_length = take(bench, 1) % 4 * 4;
    give(bench, packet, forge_tcp(&segment, packet));
    drain(bench);
    while (hf_stack_list(bench->host, &cursor, &status)) {
        if (status.state == HF_SYN_RECEIVED) {
            segment.seq = 1001;
            segment.ack = status.numbers.iss + 1;
            segment.flags = HF_ACK;
            segment.option_length = 0;
            give(bench, packet, forge_tcp(&segment, packet));
            break;
        }
    }
    if (hf_accept(bench->host, bench->listener, &bench->connection, NULL) != HF_OK) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bench bench = {.data = data, .size = size, .now = HF_SECOND};
    struct hf_config config = hf_config_bare();
    struct hf_counters counters;
    config.allocator = (struct hf_allocator){plain_allocate, plain_release, NULL};
    config.memory_bytes = MEMORY_LIMIT;
    config.max_syn_records = 16;
    config.max_time_wait = 16;
    config.receive_buffer_bytes = 20000;
    config.send_buffer_bytes = 20000;
    bench.host = hf_stack_new(&config);
    bench.local = (struct hf_endpoint){hf_address_ipv4(10, 0, 0, 1), 80};
    bench.remote = (struct hf_endpoint){hf_address_ipv4(10, 0, 0, 2), 1024};
    hf_stack_add_address(bench.host, &bench.local.address);
    if (hf_listen(bench.host, &bench.local, 4, &bench.listener) != HF_OK) {
        abort();
    }
    establish(&bench);
    while (bench.size > 0) {
        step(&bench);
    }
    hf_stack_counters(bench.host, &counters);
    if (counters.memory_peak_bytes > MEMORY_LIMIT) {
        abort();
    }
    hf_stack_free(bench.host);
    return 0;
}
