/* SPDX-License-Identifier: MIT
 *
 * Ten million idle connections in one process:
 *
 *     idle-bench [CONNECTIONS]
 *
 * One host serves; the peers are a generator that keeps nothing of them but the server's first
 * number. Every connection is opened, exchanges one request of 64 bytes and a response of 128, and
 * falls idle. Then one in a hundred, in random order, exchanges another, each timed from the
 * request's arrival until the response has left, and again until its ACK has been taken. Printed:
 * what the host holds, by its own count and by the system's, and the times.
 *
 * Time is virtual: the connections open over so much of it that most have been put to rest before
 * the last are there, as they would be if people opened them.
 */
#define _POSIX_C_SOURCE 200809L
#include "checksum.h"
#include "ip_header.h"
#include "tcp_segment.h"

#include <handfast/handfast.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SERVER_PORT 80
#define REQUEST_BYTES 64u
#define RESPONSE_BYTES 128u
#define PACKET_BYTES 1600
#define MEMORY_BYTES (UINT64_C(4) << 30)
#define SPACING_NS (10 * HF_MICROSECOND)
#define TRIP_MOST_NS (5 * HF_MICROSECOND)
#define PORTS 60000u

struct bench {
    struct hf_stack *stack;
    hf_handle listener;
    uint32_t *first_numbers; /* the server's ISS */
    hf_time now;
    uint64_t random;
    uint8_t packet[PACKET_BYTES];
    struct tcp_segment answer; /* the last that the server sent */
    uint64_t answers;
};

static void fail(const char *what)
{
    fprintf(stderr, "idle-bench: %s\n", what);
    exit(1);
}

static uint64_t next_random(struct bench *bench)
{
    bench->random ^= bench->random << 13;
    bench->random ^= bench->random >> 7;
    bench->random ^= bench->random << 17;
    return bench->random;
}

static uint64_t wall_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* ---- the peers */

static uint32_t peer_iss(uint32_t number)
{
    return number * 2654435761u + 12345;
}

static uint32_t peer_clock(const struct bench *bench, uint32_t number)
{
    return (uint32_t)(bench->now / HF_MILLISECOND) + number * 40503u;
}

/* A segment of peer `number`, into the host. */
static void peer_sends(struct bench *bench, uint32_t number, uint32_t seq, uint32_t ack,
                       uint16_t flags, uint32_t length)
{
    static uint8_t packet[PACKET_BYTES];
    struct tcp_segment segment;
    struct ip_header ip;
    checksum_sum sum;
    uint16_t field;
    size_t header;
    memset(&segment, 0, sizeof segment);
    segment.source_port = (uint16_t)(1024 + number % PORTS);
    segment.destination_port = SERVER_PORT;
    segment.seq = seq_make(seq);
    segment.ack = seq_make(ack);
    segment.flags = flags;
    segment.window = 64240;
    segment.options.has_timestamps = true;
    segment.options.ts_value = peer_clock(bench, number);
    segment.options.ts_echo = bench->answer.options.ts_value;
    if (flags & HF_SYN) {
        segment.options.has_mss = true;
        segment.options.mss = 1460;
        segment.options.has_sack_permitted = true;
        segment.options.has_window_scale = true;
        segment.options.window_scale = 7;
    }
    header = tcp_emit(&segment, packet + 20);
    memset(packet + 20 + header, 'x', length);
    memset(&ip, 0, sizeof ip);
    ip.source = hf_address_ipv4(11, (uint8_t)(number / PORTS >> 8), (uint8_t)(number / PORTS), 1);
    ip.destination = hf_address_ipv4(10, 0, 0, 1);
    ip.protocol = IP_PROTOCOL_TCP;
    ip.ttl = 64;
    ip.dont_fragment = true;
    ip.payload_length = (uint32_t)header + length;
    ip_emit(&ip, packet);
    sum = ip_pseudo_sum(&ip.source, &ip.destination, IP_PROTOCOL_TCP, ip.payload_length);
    field = checksum_finish(checksum_add(sum, packet + 20, ip.payload_length));
    memcpy(packet + 36, &field, sizeof field);
    (void)hf_stack_input(bench->stack, packet, 20 + ip.payload_length, bench->now);
}

/* ---- the server */

static void drain(struct bench *bench)
{
    ptrdiff_t length;
    while ((length = hf_stack_output(bench->stack, bench->packet, sizeof bench->packet,
                                     bench->now)) > 0) {
        if (tcp_parse(bench->packet + 20, (size_t)length - 20, &bench->answer) != HF_REASON_NONE) {
            fail("what the host sent is no segment");
        }
        bench->answers++;
    }
}

static void serve(struct bench *bench)
{
    static uint8_t bytes[RESPONSE_BYTES];
    struct hf_event event;
    hf_handle handle;
    while (hf_stack_next_event(bench->stack, &event)) {
        if (event.type == HF_EVENT_ACCEPTABLE) {
            while (hf_accept(bench->stack, bench->listener, &handle, NULL) == HF_OK) {
            }
        } else if (event.type == HF_EVENT_READABLE) {
            if (hf_recv(bench->stack, event.handle, bytes, sizeof bytes, 0, bench->now) !=
                    REQUEST_BYTES ||
                hf_send(bench->stack, event.handle, bytes, RESPONSE_BYTES, 0, bench->now) !=
                    RESPONSE_BYTES) {
                fail("a request could not be read and answered");
            }
        } else if (event.type == HF_EVENT_ERROR) {
            fail("a connection has ended");
        }
    }
}

static void turn(struct bench *bench)
{
    serve(bench);
    drain(bench);
}

static void pass_time(struct bench *bench)
{
    bench->now += (hf_time)(next_random(bench) % TRIP_MOST_NS);
}

/* Request `round`, from 0, of peer `number`, and its response. Two times, in ns. */
static void exchange(struct bench *bench, uint32_t number, uint32_t round, uint64_t *answered,
                     uint64_t *acknowledged)
{
    uint32_t seq = peer_iss(number) + 1 + round * REQUEST_BYTES;
    uint32_t ack = bench->first_numbers[number] + 1 + round * RESPONSE_BYTES;
    uint64_t begun;
    pass_time(bench);
    begun = wall_ns();
    peer_sends(bench, number, seq, ack, HF_ACK | HF_PSH, REQUEST_BYTES);
    turn(bench);
    *answered = wall_ns() - begun;
    if (bench->answer.payload_length != RESPONSE_BYTES || bench->answer.seq.value != ack) {
        fail("a request was not answered at once");
    }
    pass_time(bench);
    peer_sends(bench, number, seq + REQUEST_BYTES, ack + RESPONSE_BYTES, HF_ACK, 0);
    turn(bench);
    *acknowledged = wall_ns() - begun;
}

static void open_one(struct bench *bench, uint32_t number)
{
    uint64_t before = bench->answers;
    uint64_t answered;
    uint64_t acknowledged;
    bench->answer.options.ts_value = 0;
    peer_sends(bench, number, peer_iss(number), 0, HF_SYN, 0);
    turn(bench);
    if (bench->answers != before + 1 || !(bench->answer.flags & HF_SYN)) {
        fail("a SYN was not answered");
    }
    bench->first_numbers[number] = bench->answer.seq.value;
    pass_time(bench);
    peer_sends(bench, number, peer_iss(number) + 1, bench->first_numbers[number] + 1, HF_ACK, 0);
    turn(bench);
    exchange(bench, number, 0, &answered, &acknowledged);
    bench->now += SPACING_NS;
}

/* ---- what is printed */

static uint64_t resident_bytes(void)
{
    unsigned long total = 0;
    unsigned long resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL) {
        if (fscanf(file, "%lu %lu", &total, &resident) != 2) {
            resident = 0;
        }
        fclose(file);
    }
    return (uint64_t)resident * 4096;
}

static int compare(const void *a, const void *b)
{
    uint64_t first = *(const uint64_t *)a;
    uint64_t second = *(const uint64_t *)b;
    return first < second ? -1 : first > second;
}

static double percentile_us(const uint64_t *sorted_ns, uint32_t count, uint32_t thousandths)
{
    uint64_t index = (uint64_t)count * thousandths / 1000;
    return (double)sorted_ns[index] / 1e3;
}

static void print_times(const char *what, uint64_t *times, uint32_t count)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        sum += times[i];
    }
    qsort(times, count, sizeof *times, compare);
    printf("  %-28s mean %6.2f us   p50 %6.2f   p99 %6.2f   p99.9 %7.2f\n", what,
           (double)sum / count / 1e3, percentile_us(times, count, 500),
           percentile_us(times, count, 990), percentile_us(times, count, 999));
}

static void print_memory(const struct bench *bench, uint32_t connections, uint64_t resident)
{
    struct hf_counters counters;
    hf_stack_counters(bench->stack, &counters);
    printf("  connections %u, at rest %u, rests %llu, wakes %llu, refused %llu\n",
           counters.connections, counters.connections_resting, (unsigned long long)counters.rests,
           (unsigned long long)counters.wakes, (unsigned long long)counters.rests_refused);
    printf("  held: %.1f MiB now, %.1f at most: %.1f bytes a connection; resident %.1f\n",
           (double)counters.memory_used_bytes / 1048576,
           (double)counters.memory_peak_bytes / 1048576,
           (double)counters.memory_used_bytes / connections, (double)resident / connections);
}

/* ---- the run */

static void begin(struct bench *bench, uint32_t connections)
{
    struct hf_config config = hf_config_default();
    struct hf_address address = hf_address_ipv4(10, 0, 0, 1);
    struct hf_endpoint local = {address, SERVER_PORT};
    memset(bench, 0, sizeof *bench);
    memset(config.seed, 7, sizeof config.seed);
    config.memory_bytes = MEMORY_BYTES;
    config.max_connections = connections;
    bench->now = HF_SECOND;
    bench->random = 88172645463325252u;
    bench->stack = hf_stack_new(&config);
    bench->first_numbers = calloc(connections, sizeof *bench->first_numbers);
    if (bench->stack == NULL || bench->first_numbers == NULL ||
        hf_stack_add_address(bench->stack, &address) != HF_OK ||
        hf_listen(bench->stack, &local, 1024, &bench->listener) != HF_OK) {
        fail("no memory to begin with");
    }
}

/* Until nothing more is to be done, as far as an hour from now. */
static void settle(struct bench *bench)
{
    hf_time end = bench->now + 3600 * HF_SECOND;
    hf_time deadline;
    while ((deadline = hf_stack_next_deadline(bench->stack)) < end) {
        bench->now = deadline > bench->now ? deadline : bench->now;
        turn(bench);
    }
    bench->now = end;
}

static void wake_some(struct bench *bench, uint32_t connections)
{
    uint32_t count = connections / 100;
    uint64_t *answered = calloc(count, sizeof *answered);
    uint64_t *acknowledged = calloc(count, sizeof *acknowledged);
    uint8_t *seen = calloc(connections, 1);
    uint64_t begun = wall_ns();
    if (answered == NULL || acknowledged == NULL || seen == NULL) {
        fail("no memory for the times");
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number;
        do {
            number = (uint32_t)(next_random(bench) % connections);
        } while (seen[number]);
        seen[number] = 1;
        exchange(bench, number, 1, &answered[i], &acknowledged[i]);
    }
    printf("%u of them exchange a request, in random order: %.0f a second\n", count,
           count / ((double)(wall_ns() - begun) / 1e9));
    print_times("until the response has left", answered, count);
    print_times("until its ACK is taken", acknowledged, count);
    free(seen);
    free(answered);
    free(acknowledged);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    uint32_t connections = 10000000;
    uint64_t resident;
    uint64_t begun;
    char *end = NULL;
    if (argc == 2) {
        unsigned long wanted = strtoul(argv[1], &end, 10);
        connections = wanted >= 100 && wanted <= 100000000 ? (uint32_t)wanted : 0;
    }
    if (argc > 2 || connections == 0 || (end != NULL && *end != '\0')) {
        fprintf(stderr, "usage: idle-bench [CONNECTIONS]   100 to 100,000,000; 10,000,000\n");
        return 2;
    }
    begin(&bench, connections);
    resident = resident_bytes();
    begun = wall_ns();
    for (uint32_t i = 0; i < connections; i++) {
        open_one(&bench, i);
    }
    printf("%u connections, a request of %u bytes and a response of %u each: %.0f a second\n",
           connections, REQUEST_BYTES, RESPONSE_BYTES,
           connections / ((double)(wall_ns() - begun) / 1e9));
    settle(&bench);
    print_memory(&bench, connections,
                 resident_bytes() - resident - sizeof(uint32_t) * (uint64_t)connections);
    wake_some(&bench, connections);
    settle(&bench);
    print_memory(&bench, connections,
                 resident_bytes() - resident - sizeof(uint32_t) * (uint64_t)connections);
    hf_stack_free(bench.stack);
    free(bench.first_numbers);
    return 0;
}
