/* SPDX-License-Identifier: MIT
 *
 * Millions of random, damaged and forged packets into a host that listens and holds connections:
 * no sanitizer report, no leak, memory within config.memory_bytes, and the connection whose numbers
 * the attacker does not know still carries its bytes.
 *
 *     packet_storm_test [PACKETS] [SEED]
 *
 * The attacker knows every address and port. It does not know the sequence numbers of the protected
 * connection (RFC 5961 and 9293 promise nothing against one who does), but it reads those of other
 * connections, the victims, and hits them with exact numbers, options and urgent pointers; a victim
 * that dies is replaced.
 *
 * Packets of the protected connection are not recorded for damaging either: two flipped bits in one
 * column of the checksum cancel out, and then TCP has no means to tell.
 */
#include "counted_heap.h"
#include "packet_forge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VICTIMS 8
#define RECORDED 64
#define MEMORY_LIMIT (UINT64_C(24) << 20)
#define SERVER_PORT 80

static uint64_t balance_bytes;

struct storm {
    struct hf_stack *server, *client;
    struct hf_address server_address[2], client_address[2]; /* v4, v6 */
    struct hf_handle_pair {
        hf_handle client, server;
    } protected_pair[2], victims[VICTIMS];
    uint16_t protected_port[2]; /* the client's; 0 until known */
    hf_handle listener;
    hf_time now;
    struct forge_random random;
    uint8_t recorded[RECORDED][FORGE_MAX_BYTES];
    size_t recorded_length[RECORDED];
    unsigned recorded_next;
    uint64_t reasons[HF_REASON_COUNT];
    uint64_t replaced;
};

static void fail(const struct storm *storm, const char *what)
{
    fprintf(stderr, "packet storm: %s (at %.3f s of virtual time)\n", what,
            (double)storm->now / 1e9);
    exit(1);
}

static struct hf_stack *make_host(uint8_t seed, uint64_t memory)
{
    struct hf_config config = hf_config_default();
    memset(config.seed, seed, sizeof config.seed);
    config.allocator = counted_heap(&balance_bytes);
    config.memory_bytes = memory;
    config.max_connections = 2000;
    config.max_syn_records = 1000;
    config.max_time_wait = 1000;
    config.receive_buffer_bytes = 65536;
    config.send_buffer_bytes = 65536;
    config.msl_ns = 100 * HF_MILLISECOND;
    return hf_stack_new(&config);
}

static void record_packet(struct storm *storm, const uint8_t *packet, size_t length)
{
    unsigned slot = storm->recorded_next++ % RECORDED;
    memcpy(storm->recorded[slot], packet, length);
    storm->recorded_length[slot] = length;
}

static void record(struct storm *storm, const uint8_t *packet, size_t length)
{
    size_t at = packet[0] >> 4 == 4 ? 20 : 40;
    uint16_t port = (uint16_t)(packet[at] << 8 | packet[at + 1]);
    if (port == storm->protected_port[0] || port == storm->protected_port[1]) {
        return;
    }
    record_packet(storm, packet, length);
}

/* Carries what both hosts have to say to each other; what the server says to nobody we know falls
 * on the floor. */
static void shuttle(struct storm *storm)
{
    uint8_t packet[FORGE_MAX_BYTES];
    struct hf_stack *hosts[2] = {storm->client, storm->server};
    for (unsigned quiet = 0, side = 0; quiet < 2; side ^= 1) {
        ptrdiff_t length = hf_stack_output(hosts[side], packet, sizeof packet, storm->now);
        quiet = length > 0 ? 0 : quiet + 1;
        if (length > 0) {
            if (side == 0) {
                record(storm, packet, (size_t)length);
            }
            hf_stack_input(hosts[side ^ 1], packet, (size_t)length, storm->now);
            side ^= 1;
        }
    }
}

static void drain_events(struct storm *storm)
{
    struct hf_event event;
    while (hf_stack_next_event(storm->server, &event)) {
    }
    while (hf_stack_next_event(storm->client, &event)) {
    }
}

/* A fresh connection; every other one that was waiting at the listener is somebody else's. */
static struct hf_handle_pair open_pair(struct storm *storm, unsigned family)
{
    struct hf_handle_pair pair = {HF_NO_HANDLE, HF_NO_HANDLE};
    struct hf_endpoint remote = {storm->server_address[family], SERVER_PORT};
    struct hf_status mine;
    hf_handle accepted;
    struct hf_endpoint peer;
    if (hf_connect(storm->client, NULL, &remote, storm->now, &pair.client) != HF_OK) {
        fail(storm, "the client cannot open");
    }
    for (int tries = 0; tries < 200 && pair.server == HF_NO_HANDLE; tries++) {
        shuttle(storm);
        if (hf_status(storm->client, pair.client, &mine) != HF_OK) {
            break;
        }
        while (hf_accept(storm->server, storm->listener, &accepted, &peer) == HF_OK) {
            if (peer.port == mine.local.port &&
                hf_address_equal(&peer.address, &mine.local.address)) {
                pair.server = accepted;
            } else {
                hf_abort(storm->server, accepted, storm->now);
            }
        }
        storm->now += 50 * HF_MILLISECOND;
    }
    return pair;
}

static void close_pair(struct storm *storm, struct hf_handle_pair *pair)
{
    hf_abort(storm->client, pair->client, storm->now);
    hf_abort(storm->server, pair->server, storm->now);
    shuttle(storm);
}

/* A few bytes each way, whatever arrived meanwhile must not have come between them. */
static int exchange(struct storm *storm, const struct hf_handle_pair *pair)
{
    uint8_t said[64];
    uint8_t heard[128];
    struct hf_stack *from = storm->client;
    struct hf_stack *to = storm->server;
    hf_handle source = pair->client;
    hf_handle sink = pair->server;
    for (int way = 0; way < 2; way++) {
        size_t got = 0;
        for (size_t i = 0; i < sizeof said; i++) {
            said[i] = (uint8_t)forge_next(&storm->random);
        }
        if (hf_send(from, source, said, sizeof said, 0, storm->now) != (ptrdiff_t)sizeof said) {
            return 0;
        }
        for (int tries = 0; tries < 100 && got < sizeof said; tries++) {
            ptrdiff_t n;
            shuttle(storm);
            n = hf_recv(to, sink, heard + got, sizeof heard - got, 0, storm->now);
            got += n > 0 ? (size_t)n : 0;
            storm->now += 10 * HF_MILLISECOND;
        }
        if (got != sizeof said || memcmp(said, heard, got) != 0) {
            return 0;
        }
        from = storm->server;
        to = storm->client;
        source = pair->server;
        sink = pair->client;
    }
    return 1;
}

/* Kinds with the lengths that they should have; 0: any. */
static const struct {
    uint8_t kind, length;
} option_forms[] = {{2, 4}, {3, 3}, {4, 2}, {5, 10}, {5, 18}, {8, 10}, {28, 4}, {34, 0}, {254, 0}};

/* None, well-formed ones (timestamps and SACK of any value), or rubbish. */
static size_t random_options(struct forge_random *random, uint8_t options[40])
{
    unsigned kind = forge_below(random, 4);
    size_t length = 4u * forge_below(random, 11);
    size_t at = 0;
    if (kind == 0) {
        return 0;
    }
    for (size_t i = 0; i < length; i++) {
        options[i] = (uint8_t)forge_next(random);
    }
    while (kind != 1 && at < length) {
        unsigned form = forge_below(random, sizeof option_forms / sizeof option_forms[0]);
        size_t wanted = option_forms[form].length;
        wanted = wanted > 0 ? wanted : 2 + forge_below(random, 6);
        if (at + wanted > length) {
            options[at++] = 1;
            continue;
        }
        options[at] = option_forms[form].kind;
        options[at + 1] = (uint8_t)wanted;
        at += wanted;
    }
    return length;
}

/* A segment with right checksums between the ends of `status`, numbers drawn near its own when
 * `knows`, otherwise anywhere. */
static size_t forged_segment(struct storm *storm, const struct hf_status *status, int knows,
                             uint8_t *packet)
{
    struct forge_random *random = &storm->random;
    uint8_t options[40];
    uint8_t payload[1200];
    struct forge_segment segment;
    memset(&segment, 0, sizeof segment);
    segment.from = status->remote;
    segment.to = status->local;
    segment.seq = (uint32_t)forge_next(random);
    segment.ack = (uint32_t)forge_next(random);
    if (knows) {
        segment.seq = status->numbers.rcv_nxt + forge_below(random, 70000) - 2000;
        segment.ack = status->numbers.snd_nxt - forge_below(random, 3000) + forge_below(random, 20);
        if (forge_below(random, 3) == 0) {
            segment.seq = status->numbers.rcv_nxt;
        }
    }
    segment.flags = (uint16_t)forge_below(random, 512);
    if (forge_below(random, 2) == 0) {
        segment.flags = HF_ACK;
    }
    segment.window = (uint16_t)forge_next(random);
    segment.urgent_pointer = (uint16_t)forge_next(random);
    segment.options = options;
    segment.option_length = random_options(random, options);
    segment.payload = payload;
    segment.payload_length =
        forge_below(random, 4) ? forge_below(random, 40) : forge_below(random, sizeof payload);
    memset(payload, 0x5a, segment.payload_length);
    return forge_tcp(&segment, packet);
}

static size_t opening_flood(struct storm *storm, uint8_t *packet)
{
    struct forge_random *random = &storm->random;
    uint8_t options[40];
    unsigned family = forge_below(random, 2);
    struct forge_segment segment;
    memset(&segment, 0, sizeof segment);
    segment.from.address = storm->client_address[family];
    segment.from.address.bytes[3] = (uint8_t)(3 + forge_below(random, 200));
    segment.from.port = (uint16_t)(1 + forge_below(random, 65535));
    segment.to.address = storm->server_address[family];
    segment.to.port = forge_below(random, 8) ? SERVER_PORT : (uint16_t)forge_next(random);
    segment.seq = (uint32_t)forge_next(random);
    segment.ack = (uint32_t)forge_next(random);
    segment.flags = forge_below(random, 4) ? HF_SYN : (uint16_t)forge_below(random, 512);
    segment.window = (uint16_t)forge_next(random);
    segment.options = options;
    segment.option_length = random_options(random, options);
    return forge_tcp(&segment, packet);
}

static size_t damaged_recording(struct storm *storm, uint8_t *packet)
{
    struct forge_random *random = &storm->random;
    unsigned slot = forge_below(random, RECORDED);
    size_t length = storm->recorded_length[slot];
    memcpy(packet, storm->recorded[slot], length);
    for (unsigned flips = 1 + forge_below(random, 6); length > 0 && flips > 0; flips--) {
        packet[forge_below(random, (uint32_t)length)] ^= (uint8_t)(1u << forge_below(random, 8));
    }
    if (length > 0 && forge_below(random, 4) == 0) {
        length = forge_below(random, (uint32_t)length + 1);
    }
    /* Mended headers reach deeper; the numbers of the protected connection must not be among what
     * a blind attacker can mend, so only packets of victims' kind are: those with the ports
     * changed. */
    if (length >= 60 && forge_below(random, 2) == 0) {
        size_t port = packet[0] >> 4 == 4 ? 20 : 40;
        packet[port] ^= (uint8_t)(1 + forge_below(random, 255));
        forge_mend_checksums(packet, length);
    }
    return length;
}

static size_t noise(struct storm *storm, uint8_t *packet)
{
    struct forge_random *random = &storm->random;
    size_t length = forge_below(random, 200);
    for (size_t i = 0; i < length; i++) {
        packet[i] = (uint8_t)forge_next(random);
    }
    if (length >= 40 && forge_below(random, 2)) {
        unsigned family = forge_below(random, 2);
        packet[0] = family == 0 ? (uint8_t)(0x40 | (packet[0] & 15)) : 0x60;
        if (family == 0) {
            memcpy(packet + 16, storm->server_address[0].bytes, 4);
        } else {
            memcpy(packet + 24, storm->server_address[1].bytes, 16);
        }
        forge_mend_checksums(packet, length);
    }
    return length;
}

static size_t forged_icmp(struct storm *storm, const struct hf_status *status, uint8_t *packet)
{
    struct forge_random *random = &storm->random;
    uint8_t quoted[FORGE_MAX_BYTES];
    struct forge_segment segment;
    size_t length;
    int v4 = status->local.address.family == HF_IPV4;
    static const uint8_t v4_types[] = {3, 3, 3, 4, 5, 8, 11, 12};
    static const uint8_t v6_types[] = {1, 2, 3, 4, 128, 129, 134, 1};
    memset(&segment, 0, sizeof segment);
    segment.from = status->local;
    segment.to = status->remote;
    segment.seq = forge_below(random, 2) ? status->numbers.snd_una : (uint32_t)forge_next(random);
    length = forge_tcp(&segment, quoted);
    length = forge_below(random, 3) ? length : forge_below(random, (uint32_t)length + 1);
    return forge_icmp(&status->remote.address, &status->local.address,
                      v4 ? v4_types[forge_below(random, 8)] : v6_types[forge_below(random, 8)],
                      (uint8_t)forge_below(random, 16), forge_below(random, 70000), quoted, length,
                      packet);
}

static void strike(struct storm *storm)
{
    uint8_t packet[FORGE_MAX_BYTES];
    struct forge_random *random = &storm->random;
    struct hf_status status;
    size_t length;
    const struct hf_handle_pair *victim = &storm->victims[forge_below(random, VICTIMS)];
    const struct hf_handle_pair *guarded = &storm->protected_pair[forge_below(random, 2)];
    unsigned kind = forge_below(random, 16);
    if (kind < 6 && hf_status(storm->server, victim->server, &status) == HF_OK) {
        length = kind < 5 ? forged_segment(storm, &status, 1, packet)
                          : forged_icmp(storm, &status, packet);
    } else if (kind < 8 && hf_status(storm->server, guarded->server, &status) == HF_OK) {
        length = forged_segment(storm, &status, 0, packet);
    } else if (kind < 11) {
        length = opening_flood(storm, packet);
    } else if (kind < 14) {
        length = damaged_recording(storm, packet);
    } else {
        length = noise(storm, packet);
    }
    {
        /* An exact copy, so that a read past the end is seen. */
        uint8_t *exact = malloc(length > 0 ? length : 1);
        memcpy(exact, packet, length);
        storm->reasons[hf_stack_input(storm->server, exact, length, storm->now)]++;
        free(exact);
    }
}

static void check(struct storm *storm)
{
    struct hf_counters counters;
    struct hf_status status;
    uint8_t sink[4096];
    shuttle(storm);
    drain_events(storm);
    for (unsigned i = 0; i < VICTIMS; i++) {
        hf_recv(storm->server, storm->victims[i].server, sink, forge_below(&storm->random, 4096), 0,
                storm->now);
        if (hf_status(storm->server, storm->victims[i].server, &status) != HF_OK ||
            status.state != HF_ESTABLISHED) {
            close_pair(storm, &storm->victims[i]);
            storm->victims[i] = open_pair(storm, i & 1);
            storm->replaced++;
        }
    }
    for (unsigned i = 0; i < 2; i++) {
        if (!exchange(storm, &storm->protected_pair[i])) {
            fail(storm, i == 0 ? "the IPv4 connection no longer works"
                               : "the IPv6 connection no longer works");
        }
    }
    hf_stack_counters(storm->server, &counters);
    if (counters.memory_peak_bytes > MEMORY_LIMIT) {
        fail(storm, "memory went past config.memory_bytes");
    }
}

static void prepare(struct storm *storm, uint64_t seed)
{
    static const uint8_t server6[16] = {0xfd, 0, [15] = 1};
    static const uint8_t client6[16] = {0xfd, 0, [15] = 2};
    struct hf_endpoint any = {.port = SERVER_PORT};
    memset(storm, 0, sizeof *storm);
    storm->random.state = seed;
    storm->now = HF_SECOND;
    storm->server = make_host(1, MEMORY_LIMIT);
    storm->client = make_host(2, UINT64_C(1) << 28);
    storm->server_address[0] = hf_address_ipv4(10, 0, 0, 1);
    storm->server_address[1] = hf_address_ipv6(server6);
    storm->client_address[0] = hf_address_ipv4(10, 0, 0, 2);
    storm->client_address[1] = hf_address_ipv6(client6);
    for (unsigned family = 0; family < 2; family++) {
        hf_stack_add_address(storm->server, &storm->server_address[family]);
        hf_stack_add_address(storm->client, &storm->client_address[family]);
    }
    if (hf_listen(storm->server, &any, 64, &storm->listener) != HF_OK) {
        fail(storm, "cannot listen");
    }
    for (unsigned i = 0; i < 2; i++) {
        struct hf_status status;
        storm->protected_pair[i] = open_pair(storm, i);
        hf_status(storm->client, storm->protected_pair[i].client, &status);
        storm->protected_port[i] = status.local.port;
    }
    /* What was recorded while they opened is forgotten. */
    memset(storm->recorded_length, 0, sizeof storm->recorded_length);
    for (unsigned i = 0; i < VICTIMS; i++) {
        storm->victims[i] = open_pair(storm, i & 1);
    }
}

int main(int argc, char **argv)
{
    static struct storm storm;
    uint64_t packets = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    prepare(&storm, seed);
    for (uint64_t i = 0; i < packets; i++) {
        strike(&storm);
        storm.now += 20 * HF_MICROSECOND;
        if (i % 512 == 511) {
            check(&storm);
        }
    }
    check(&storm);
    hf_stack_free(storm.server);
    hf_stack_free(storm.client);
    if (balance_bytes != 0) {
        fail(&storm, "memory was not given back");
    }
    printf("%" PRIu64 " packets, seed %" PRIu64 ", %" PRIu64
           " victims replaced; what became of them:\n",
           packets, seed, storm.replaced);
    for (unsigned reason = 0; reason < HF_REASON_COUNT; reason++) {
        if (storm.reasons[reason] > 0) {
            printf("%10" PRIu64 " %s\n", storm.reasons[reason],
                   hf_reason_name((enum hf_reason)reason));
        }
    }
    return 0;
}
