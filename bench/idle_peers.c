/* SPDX-License-Identifier: MIT
 *
 * The peers' segments are made from a connection's number and what little is kept of it, and go to
 * the server by hand.
 */
#include "idle_peers.h"

#include "checksum.h"
#include "ip_header.h"
#include "measure.h"

#include <stdlib.h>
#include <string.h>

#define SERVER_PORT 80
#define SPACING_NS (10 * HF_MICROSECOND)
#define TRIP_MOST_NS (5 * HF_MICROSECOND)
#define PORTS 60000u

/* ---- the peers */

static uint32_t peer_iss(uint32_t number)
{
    return number * 2654435761u + 12345;
}

static uint32_t peer_clock(const struct idle_peers *peers, uint32_t number)
{
    return (uint32_t)(peers->now / HF_MILLISECOND) + number * 40503u;
}

/* A segment of peer `number`, into the host. */
static void peer_sends(struct idle_peers *peers, uint32_t number, uint32_t seq, uint32_t ack,
                       uint16_t flags, uint32_t length)
{
    uint8_t packet[IDLE_PACKET_BYTES];
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
    segment.options.ts_value = peer_clock(peers, number);
    segment.options.ts_echo = peers->answer.options.ts_value;
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
    (void)hf_stack_input(peers->stack, packet, 20 + ip.payload_length, peers->now);
}

/* ---- the server */

static void drain(struct idle_peers *peers)
{
    ptrdiff_t length;
    while ((length = hf_stack_output(peers->stack, peers->packet, sizeof peers->packet,
                                     peers->now)) > 0) {
        if (tcp_parse(peers->packet + 20, (size_t)length - 20, &peers->answer) != HF_REASON_NONE) {
            measure_fail("what the host sent is no segment");
        }
        peers->answers++;
    }
}

static void serve(struct idle_peers *peers)
{
    uint8_t bytes[IDLE_RESPONSE_BYTES];
    struct hf_event event;
    hf_handle handle;
    while (hf_stack_next_event(peers->stack, &event)) {
        if (event.type == HF_EVENT_ACCEPTABLE) {
            while (hf_accept(peers->stack, peers->listener, &handle, NULL) == HF_OK) {
            }
        } else if (event.type == HF_EVENT_READABLE) {
            if (hf_recv(peers->stack, event.handle, bytes, sizeof bytes, 0, peers->now) !=
                    IDLE_REQUEST_BYTES ||
                hf_send(peers->stack, event.handle, bytes, IDLE_RESPONSE_BYTES, 0, peers->now) !=
                    IDLE_RESPONSE_BYTES) {
                measure_fail("a request could not be read and answered");
            }
        } else if (event.type == HF_EVENT_ERROR) {
            measure_fail("a connection has ended");
        }
    }
}

static void turn(struct idle_peers *peers)
{
    serve(peers);
    drain(peers);
}

static void pass_time(struct idle_peers *peers)
{
    peers->now += (hf_time)(measure_random(&peers->random) % TRIP_MOST_NS);
}

/* The next request of peer `number`, and its response. Two times, in ns. */
static void exchange(struct idle_peers *peers, uint32_t number, uint64_t *answered,
                     uint64_t *acknowledged)
{
    uint32_t round = peers->requests[number]++;
    uint32_t seq = peer_iss(number) + 1 + round * IDLE_REQUEST_BYTES;
    uint32_t ack = peers->first_numbers[number] + 1 + round * IDLE_RESPONSE_BYTES;
    uint64_t begun;
    if (round == UINT8_MAX) {
        measure_fail("too many requests on one connection");
    }
    pass_time(peers);
    begun = measure_wall_ns();
    peer_sends(peers, number, seq, ack, HF_ACK | HF_PSH, IDLE_REQUEST_BYTES);
    turn(peers);
    *answered = measure_wall_ns() - begun;
    if (peers->answer.payload_length != IDLE_RESPONSE_BYTES || peers->answer.seq.value != ack) {
        measure_fail("a request was not answered at once");
    }
    pass_time(peers);
    peer_sends(peers, number, seq + IDLE_REQUEST_BYTES, ack + IDLE_RESPONSE_BYTES, HF_ACK, 0);
    turn(peers);
    *acknowledged = measure_wall_ns() - begun;
}

static void open_one(struct idle_peers *peers, uint32_t number)
{
    uint64_t before = peers->answers;
    uint64_t answered;
    uint64_t acknowledged;
    peers->answer.options.ts_value = 0;
    peer_sends(peers, number, peer_iss(number), 0, HF_SYN, 0);
    turn(peers);
    if (peers->answers != before + 1 || !(peers->answer.flags & HF_SYN)) {
        measure_fail("a SYN was not answered");
    }
    peers->first_numbers[number] = peers->answer.seq.value;
    pass_time(peers);
    peer_sends(peers, number, peer_iss(number) + 1, peers->first_numbers[number] + 1, HF_ACK, 0);
    turn(peers);
    exchange(peers, number, &answered, &acknowledged);
    peers->now += SPACING_NS;
}

/* ---- the whole of it */

struct idle_peers *idle_peers_new(uint32_t most, uint64_t memory_bytes, hf_time rest_after_ns)
{
    struct idle_peers *peers = measure_calloc(1, sizeof *peers);
    struct hf_config config = hf_config_default();
    struct hf_endpoint local = {hf_address_ipv4(10, 0, 0, 1), SERVER_PORT};
    memset(config.seed, 7, sizeof config.seed);
    config.memory_bytes = memory_bytes;
    config.max_connections = most + 100000;
    config.rest_after_ns = rest_after_ns;
    peers->most = most;
    peers->now = HF_SECOND;
    peers->random = 88172645463325252u;
    peers->stack = hf_stack_new(&config);
    peers->first_numbers = measure_calloc(most, sizeof *peers->first_numbers);
    peers->requests = measure_calloc(most, 1);
    if (peers->stack == NULL || hf_stack_add_address(peers->stack, &local.address) != HF_OK ||
        hf_listen(peers->stack, &local, 1024, &peers->listener) != HF_OK) {
        measure_fail("no memory to begin with");
    }
    return peers;
}

void idle_peers_free(struct idle_peers *peers)
{
    hf_stack_free(peers->stack);
    free(peers->first_numbers);
    free(peers->requests);
    free(peers);
}

void idle_peers_open(struct idle_peers *peers, uint32_t connections)
{
    while (peers->opened < connections && peers->opened < peers->most) {
        open_one(peers, peers->opened++);
    }
}

void idle_peers_half_open(struct idle_peers *peers, uint32_t number)
{
    peers->answer.options.ts_value = 0;
    peer_sends(peers, peers->most + number, peer_iss(number), 0, HF_SYN, 0);
    turn(peers);
}

void idle_peers_settle(struct idle_peers *peers)
{
    hf_time end = peers->now + 3600 * HF_SECOND;
    hf_time deadline;
    while ((deadline = hf_stack_next_deadline(peers->stack)) < end) {
        peers->now = deadline > peers->now ? deadline : peers->now;
        turn(peers);
    }
    peers->now = end;
}

void idle_peers_wake(struct idle_peers *peers, uint32_t count, uint64_t *answered,
                     uint64_t *acknowledged)
{
    uint8_t *seen = calloc(peers->opened, 1);
    uint64_t times[2];
    if (seen == NULL) {
        measure_fail("no memory for the times");
    }
    for (uint32_t i = 0; i < count && i < peers->opened; i++) {
        uint32_t number;
        do {
            number = (uint32_t)(measure_random(&peers->random) % peers->opened);
        } while (seen[number]);
        seen[number] = 1;
        exchange(peers, number, &times[0], &times[1]);
        if (answered != NULL) {
            answered[i] = times[0];
        }
        if (acknowledged != NULL) {
            acknowledged[i] = times[1];
        }
    }
    free(seen);
}
