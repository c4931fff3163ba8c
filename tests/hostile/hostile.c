/* SPDX-License-Identifier: MIT */
#include "hostile.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PORT = 80, MTU = 1500, PEER_MSS = 1460, PEER_MSS_IPV6 = 1440, SMALL_MSS = 88 };
enum { SCALE = 10, FIRST_FLIGHT = 1000, ROUND_TRIP_MS = 10 };
#define MEMORY_LIMIT (UINT64_C(512) << 20)

/* Text is known by its place: byte k of a stream is k modulo a prime. */
enum { PERIOD = 251, CHUNK = 65536 };
static uint8_t text[PERIOD + CHUNK];

/* `offset` bytes after the first one of the stream, or before it where that is negative. */
static const uint8_t *text_at(uint32_t offset)
{
    return text + ((int32_t)offset % PERIOD + PERIOD) % PERIOD;
}

void hostile_fail(const struct hostile *w, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fflush(stdout);
    fputs("hostile: ", stderr);
    vfprintf(stderr, format, arguments);
    fprintf(stderr,
            " (at %.6f s of virtual time, peer port %u, %" PRIu32 " segments, options %u, %s)\n",
            (double)w->now / 1e9, w->peer.port, w->flight, w->flags, w->configuration);
    va_end(arguments);
    exit(1);
}

/* ---- what is counted: callgrind collects within these two (tests/hostile/cost) */

enum hf_reason counted_input(struct hf_stack *stack, const uint8_t *packet, size_t length,
                             hf_time now);
ptrdiff_t counted_output(struct hf_stack *stack, uint8_t *packet, size_t capacity, hf_time now);

__attribute__((noinline)) enum hf_reason
counted_input(struct hf_stack *stack, const uint8_t *packet, size_t length, hf_time now)
{
    return hf_stack_input(stack, packet, length, now);
}

__attribute__((noinline)) ptrdiff_t counted_output(struct hf_stack *stack, uint8_t *packet,
                                                   size_t capacity, hf_time now)
{
    return hf_stack_output(stack, packet, capacity, now);
}

static ptrdiff_t output(struct hostile *w, uint8_t *packet, size_t capacity)
{
    return w->counting ? counted_output(w->stack, packet, capacity, w->now)
                       : hf_stack_output(w->stack, packet, capacity, w->now);
}

/* ---- the host */

void hostile_start(struct hostile *w, uint64_t seed, const struct hf_allocator *allocator)
{
    static const uint8_t host_v6[16] = {0xfd, [15] = 1};
    static const uint8_t other_v6[16] = {0xfd, [15] = 2};
    struct hf_config config = hf_config_default();
    struct hf_endpoint any = {{HF_FAMILY_ANY, {0}}, PORT};
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (uint8_t)(i % PERIOD);
    }
    memset(w, 0, sizeof *w);
    memset(config.seed, 0x5e, sizeof config.seed);
    if (allocator != NULL) {
        config.allocator = *allocator;
    }
    config.memory_bytes = MEMORY_LIMIT;
    config.max_connections = 64;
    config.max_syn_records = 64;
    config.max_time_wait = 64;
    config.initial_window_segments = FIRST_FLIGHT;
    config.send_buffer_max_bytes = 0;
    config.receive_buffer_max_bytes = 0;
    config.metrics_save = 0; /* each connection begins as the first did */
    config.ecn = 3;
    config.rest_after_ns = HF_TIME_NEVER; /* else slabs for what rests are kept, size by size */
    w->config = config;
    w->configuration = "usual";
    w->usual = true;
    w->stack = hf_stack_new(&config);
    w->now = HF_SECOND;
    w->random.state = seed;
    w->host[0] = hf_address_ipv4(10, 0, 0, 1);
    w->other[0] = hf_address_ipv4(10, 0, 0, 2);
    w->host[1] = hf_address_ipv6(host_v6);
    w->other[1] = hf_address_ipv6(other_v6);
    if (w->stack == NULL || hf_stack_add_address(w->stack, &w->host[0]) != HF_OK ||
        hf_stack_add_address(w->stack, &w->host[1]) != HF_OK ||
        hf_listen(w->stack, &any, 8, &w->listener) != HF_OK) {
        hostile_fail(w, "cannot make a host");
    }
}

void hostile_stop(struct hostile *w)
{
    hf_stack_free(w->stack);
}

/* ---- what our host sends */

static uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void read_options(struct hostile *w, const uint8_t *options, size_t length, bool syn)
{
    for (size_t at = 0; at + 1 < length && options[at] != 0;) {
        if (options[at] == 1) {
            at++;
            continue;
        }
        if (options[at] == 8) {
            w->echo = get_u32(options + at + 2);
        } else if (options[at] == 3 && syn) {
            w->shift = options[at + 2];
        }
        at += options[at + 1];
    }
}

static void check_text(struct hostile *w, uint32_t seq, const uint8_t *bytes, size_t length)
{
    uint32_t end = seq + (uint32_t)length;
    if (length > w->mss || (int32_t)(end - w->edge) > 0) {
        hostile_fail(w, "sent %zu bytes at %" PRIu32 ", %" PRId32 " behind the offered edge",
                     length, seq - w->iss, (int32_t)(end - w->edge));
    }
    if (memcmp(bytes, text_at(seq - w->iss - 1), length) != 0) {
        hostile_fail(w, "sent other text at %" PRIu32, seq - w->iss);
    }
    if ((int32_t)(end - w->next) > 0) {
        w->next = end;
    } else if (w->counting) {
        w->repeats++;
    }
}

static void take_packet(struct hostile *w, const uint8_t *packet, size_t length)
{
    const uint8_t *tcp = packet + (packet[0] >> 4 == 4 ? 20 : 40);
    size_t header = (size_t)(tcp[12] >> 4) * 4;
    uint32_t seq = get_u32(tcp + 4);
    uint32_t edge;
    unsigned flags = tcp[13];
    if (packet[packet[0] >> 4 == 4 ? 9 : 6] != 6) {
        hostile_fail(w, "sent something else than TCP");
    }
    if (flags & HF_RST) {
        hostile_fail(w, "sent a RST");
    }
    read_options(w, tcp + 20, header - 20, (flags & HF_SYN) != 0);
    if (flags & HF_SYN) {
        w->iss = seq;
        w->una = w->next = seq + 1;
    } else if (packet + length > tcp + header) {
        check_text(w, seq, tcp + header, (size_t)(packet + length - tcp) - header);
    }
    if ((int32_t)(get_u32(tcp + 8) - w->seq) > 0) {
        w->seq = get_u32(tcp + 8);
    }
    edge =
        get_u32(tcp + 8) + (((uint32_t)tcp[14] << 8 | tcp[15]) << (flags & HF_SYN ? 0 : w->shift));
    if ((int32_t)(edge - w->told_edge) > 0) {
        w->told_edge = edge;
    }
}

static void program(struct hostile *w)
{
    static uint8_t buffer[CHUNK];
    struct hf_event event;
    ptrdiff_t n;
    while (hf_stack_next_event(w->stack, &event)) {
        if (event.type == HF_EVENT_ERROR) {
            hostile_fail(w, "the connection ended: %s", hf_error_text(event.error));
        }
    }
    while (w->refill &&
           (n = hf_send(w->stack, w->connection, text_at(w->written), CHUNK, 0, w->now)) > 0) {
        w->written += (uint32_t)n;
    }
    while (w->reading &&
           (n = hf_recv(w->stack, w->connection, buffer, sizeof buffer, 0, w->now)) > 0) {
        if (memcmp(buffer, text_at(w->read), (size_t)n) != 0) {
            hostile_fail(w, "received other text at %" PRIu32, w->read);
        }
        w->read += (uint32_t)n;
    }
}

void hostile_take(struct hostile *w)
{
    uint8_t packet[MTU];
    ptrdiff_t length;
    bool more = true;
    program(w);
    while (more) {
        more = false;
        while ((length = output(w, packet, sizeof packet)) > 0) {
            w->out += w->counting;
            take_packet(w, packet, (size_t)length);
            more = true;
        }
        program(w);
    }
}

void hostile_wait(struct hostile *w, hf_time time)
{
    hf_time end = w->now + time;
    hf_time next;
    while ((next = hf_stack_next_deadline(w->stack)) <= end) {
        w->now = next > w->now ? next : w->now + 1;
        hostile_take(w);
    }
    w->now = end > w->now ? end : w->now;
    hostile_take(w);
}

/* ---- what the peer sends */

static void put_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

void hostile_option(struct hostile_segment *segment, const uint8_t *bytes, size_t length)
{
    memcpy(segment->options + segment->option_bytes, bytes, length);
    segment->option_bytes += length;
}

void hostile_block(struct hostile_segment *segment, uint32_t left, uint32_t right)
{
    static const uint8_t begin[] = {1, 1, 5, 2};
    if (segment->option_bytes + 8 + (segment->sack_at == 0 ? 4 : 0) > sizeof segment->options) {
        return;
    }
    if (segment->sack_at == 0) {
        hostile_option(segment, begin, sizeof begin);
        segment->sack_at = segment->option_bytes - 1;
    }
    segment->options[segment->sack_at] += 8;
    put_u32(segment->options + segment->option_bytes, left);
    put_u32(segment->options + segment->option_bytes + 4, right);
    segment->option_bytes += 8;
}

static void put_stamps(const struct hostile *w, struct hostile_segment *segment)
{
    static const uint8_t begin[] = {1, 1, 8, 10};
    if (!(w->flags & HOSTILE_NO_STAMPS)) {
        hostile_option(segment, begin, sizeof begin);
        put_u32(segment->options + 4, w->stamp);
        put_u32(segment->options + 8, w->echo);
        segment->option_bytes = 12;
    }
}

void hostile_set_stamp(struct hostile_segment *segment, uint32_t stamp)
{
    if (segment->option_bytes >= 12 && segment->options[2] == 8) {
        put_u32(segment->options + 4, stamp);
    }
}

void hostile_set_echo(struct hostile_segment *segment, uint32_t echo)
{
    if (segment->option_bytes >= 12 && segment->options[2] == 8) {
        put_u32(segment->options + 8, echo);
    }
}

struct hostile_segment hostile_ack(const struct hostile *w)
{
    struct hostile_segment segment = {.seq = w->seq, .ack = w->una, .flags = HF_ACK};
    uint32_t window = (w->flight * w->mss + (1u << SCALE) - 1) >> SCALE;
    segment.window = (uint16_t)(window < UINT16_MAX ? window : UINT16_MAX);
    put_stamps(w, &segment);
    return segment;
}

enum hf_reason hostile_hit_bytes(struct hostile *w, const uint8_t *packet, size_t length)
{
    w->in += w->counting;
    return w->counting ? counted_input(w->stack, packet, length, w->now)
                       : hf_stack_input(w->stack, packet, length, w->now);
}

enum hf_reason hostile_hit(struct hostile *w, const struct hostile_segment *segment)
{
    uint8_t packet[FORGE_MAX_BYTES];
    struct forge_segment forged = {.from = w->peer,
                                   .to = w->local,
                                   .seq = segment->seq,
                                   .ack = segment->ack,
                                   .flags = segment->flags,
                                   .window = segment->window,
                                   .urgent_pointer = segment->urgent_pointer,
                                   .options = segment->options,
                                   .option_length = segment->option_bytes,
                                   .payload = text_at(segment->seq - w->peer_iss - 1),
                                   .payload_length = segment->length};
    size_t length = forge_tcp(&forged, packet);
    uint32_t edge = segment->ack + ((uint32_t)segment->window << SCALE);
    if (segment->marked && packet[0] >> 4 == 4) {
        packet[1] |= 3;
        forge_mend_checksums(packet, length);
    }
    if (!(segment->flags & HF_SYN) && (int32_t)(edge - w->edge) > 0) {
        w->edge = edge;
    }
    return hostile_hit_bytes(w, packet, length);
}

enum hf_reason hostile_text(struct hostile *w, uint32_t seq, uint32_t length)
{
    struct hostile_segment segment = hostile_ack(w);
    segment.seq = seq;
    segment.length = length;
    return hostile_hit(w, &segment);
}

void hostile_acknowledge(struct hostile *w, uint32_t bytes)
{
    struct hostile_segment ack;
    w->una += bytes < in_flight(w) ? bytes : in_flight(w);
    ack = hostile_ack(w);
    (void)hostile_hit(w, &ack);
}

void hostile_honest(struct hostile *w, unsigned round_trips)
{
    hostile_take(w);
    for (unsigned i = 0; i < round_trips; i++) {
        uint32_t end = w->next;
        w->stamp += ROUND_TRIP_MS;
        hostile_wait(w, ROUND_TRIP_MS * HF_MILLISECOND);
        while ((int32_t)(end - w->una) > 0) {
            hostile_acknowledge(w, 32 * w->mss < end - w->una ? 32 * w->mss : end - w->una);
            hostile_take(w);
        }
    }
}

/* ---- a connection */

static uint32_t peer_mss(unsigned flags)
{
    if (flags & HOSTILE_SMALL) {
        return SMALL_MSS;
    }
    return flags & HOSTILE_IPV6 ? PEER_MSS_IPV6 : PEER_MSS;
}

static void shake_hands(struct hostile *w)
{
    struct hostile_segment syn = {.seq = w->peer_iss, .flags = HF_SYN, .window = UINT16_MAX};
    uint32_t mss = peer_mss(w->flags);
    const uint8_t size[] = {2, 4, (uint8_t)(mss >> 8), (uint8_t)mss};
    static const uint8_t scale[] = {1, 3, 3, SCALE};
    static const uint8_t sack[] = {1, 1, 4, 2};
    struct hostile_segment ack;
    put_stamps(w, &syn);
    hostile_option(&syn, size, sizeof size);
    hostile_option(&syn, scale, sizeof scale);
    if (!(w->flags & HOSTILE_NO_SACK)) {
        hostile_option(&syn, sack, sizeof sack);
    }
    if (w->flags & (HOSTILE_ECN | HOSTILE_ACCURATE)) {
        syn.flags |= HF_ECE | HF_CWR | (w->flags & HOSTILE_ACCURATE ? HF_AE : 0);
    }
    (void)hostile_hit(w, &syn);
    hostile_take(w);
    w->now += ROUND_TRIP_MS * HF_MILLISECOND;
    w->stamp += ROUND_TRIP_MS;
    ack = hostile_ack(w);
    (void)hostile_hit(w, &ack);
    if (hf_accept(w->stack, w->listener, &w->connection, NULL) != HF_OK) {
        hostile_fail(w, "no connection to accept");
    }
}

void hostile_open(struct hostile *w, unsigned flags, uint32_t flight)
{
    unsigned family = flags & HOSTILE_IPV6 ? 1 : 0;
    uint32_t bytes;
    w->ports = w->ports < 1024 || w->ports > 60000 ? 1024 : (uint16_t)(w->ports + 1);
    w->flags = flags;
    w->flight = flight;
    w->local = (struct hf_endpoint){w->host[family], PORT};
    w->peer = (struct hf_endpoint){w->other[family], w->ports};
    w->peer_iss = (uint32_t)forge_next(&w->random);
    w->seq = w->peer_iss + 1;
    w->told_edge = w->seq;
    w->stamp = (uint32_t)forge_next(&w->random);
    w->echo = 0;
    w->read = w->written = 0;
    w->refill = w->reading = false;
    w->shift = 0;
    memset(w->mark, 0, sizeof w->mark);
    w->mss = peer_mss(flags) - (w->usual && !(flags & HOSTILE_NO_STAMPS) ? 12u : 0u);
    bytes = flight * w->mss;
    if (hf_set_option(w->stack, w->listener, HF_OPTION_RECEIVE_BUFFER,
                      bytes < 65536 ? 65536 : bytes, w->now) != HF_OK ||
        hf_set_option(w->stack, w->listener, HF_OPTION_SEND_BUFFER, bytes + CHUNK, w->now) !=
            HF_OK) {
        hostile_fail(w, "cannot set buffers");
    }
    shake_hands(w);
    w->edge = w->una + ((uint32_t)hostile_ack(w).window << SCALE);
    w->reading = (flags & HOSTILE_RECEIVER) != 0;
    w->refill = !w->reading;
    hostile_take(w);
    for (unsigned i = 0; w->refill && in_flight(w) + 2 * w->mss <= bytes; i++) {
        if (i > 40 && !w->usual) {
            break;
        }
        if (i > 40) {
            hostile_fail(w, "only %" PRIu32 " segments are in flight", segments(w));
        }
        hostile_honest(w, 1);
    }
}

void hostile_close(struct hostile *w)
{
    uint8_t packet[MTU];
    struct hf_status status;
    struct hf_event event;
    struct hf_counters counters;
    uint64_t cursor = 0;
    if (hf_status(w->stack, w->connection, &status) != HF_OK ||
        (status.state != HF_ESTABLISHED && status.state != HF_CLOSE_WAIT)) {
        hostile_fail(w, "the connection did not survive");
    }
    if (hf_abort(w->stack, w->connection, w->now) != HF_OK) {
        hostile_fail(w, "cannot abort");
    }
    while (hf_stack_output(w->stack, packet, sizeof packet, w->now) > 0) {
    }
    while (hf_stack_next_event(w->stack, &event)) {
    }
    if (hf_find(w->stack, &w->local, &w->peer, &status) != HF_EBADF) {
        hostile_fail(w, "its ports are still taken");
    }
    hf_stack_counters(w->stack, &counters);
    if (counters.connections != 0 || counters.syn_records != 0 || counters.time_waits != 0 ||
        counters.references != 0 || hf_stack_list(w->stack, &cursor, &status) != 1 ||
        status.state != HF_LISTEN || hf_stack_list(w->stack, &cursor, &status) != 0) {
        hostile_fail(w, "something of it is left");
    }
    if (hf_stack_next_deadline(w->stack) != HF_TIME_NEVER) {
        hostile_fail(w, "a timer is left");
    }
}
