/* SPDX-License-Identifier: MIT
 *
 * Packets in batches: segments of one connection that follow each other are joined on arrival, as
 * Linux's GRO does it, and the connection looks at them once.
 *
 * A run begins with a segment that parses, belongs to an established connection and continues what
 * it has received: then its text goes to its place at once (text_place.h). What
 * follows joins the run if its headers are the same bytes as the first one's but for lengths,
 * checksums, sequence number, which must be the next, and PSH, which ends the run. Anything else
 * ends the run first and then goes the way of a single packet. So packets are acted on in the order
 * they came, and what a joined segment can be is narrow enough to be compared rather than parsed.
 *
 * What RFC 9293 asks of each segment holds for the run: the sequence numbers follow each other and
 * lie in the window; flags, ACK field, window and options are the same for all, so looking at them
 * once is looking at each; MUST-58: the acknowledgement that a second full segment makes due is
 * made due, and leaves with the next output, as it would if they had come one by one. While
 * somebody traces, nothing is joined: each packet has its own story then.
 */
#include "in_hand.h"
#include "look_ahead.h"
#include "prefetch.h"
#include "text_place.h"
#include "wire_bytes.h"

struct run {
    struct stack_connection *connection; /* NULL: no run is open */
    struct arrival arrival;
    struct ip_header ip;
    struct tcp_segment segment; /* the first one */
    const uint8_t *first;       /* its bytes */
    uint32_t ip_bytes, header_bytes;
    /* Of what all have in common: IPv4's header; the TCP header with the pseudo-header. */
    checksum_sum ip_sum, tcp_sum;
    struct text_place place;
    uint32_t payload_bytes; /* of all, so far */
    uint32_t refused_bytes; /* of one that was placed behind them and is none of them */
    uint32_t count;
    bool ended; /* nothing more fits */
};

#define IPV4_LENGTH 2u
#define IPV4_IDENTIFICATION 4u
#define IPV4_CHECKSUM 10u
#define IPV6_LENGTH 4u
#define TCP_SEQUENCE 4u
#define TCP_FLAGS 12u /* with the data offset */
#define TCP_CHECKSUM 16u

/* ---- text to its place, and its checksum on the way */

static checksum_sum word_16(const uint8_t *at)
{
    uint16_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static checksum_sum word_32(const uint8_t *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* Of the TCP header and the pseudo-header: what this one has by itself, and what all have. */
static checksum_sum header_sum(const struct run *run, const uint8_t *tcp, uint32_t tcp_bytes)
{
    uint8_t length[2];
    wire_write_16(length, (uint16_t)tcp_bytes);
    return run->tcp_sum + word_16(length) + word_32(tcp + TCP_SEQUENCE) + word_16(tcp + TCP_FLAGS) +
           word_16(tcp + TCP_CHECKSUM);
}

/* The text of the next segment goes behind the run's. False: out of memory, or the checksum is
 * wrong (MUST-3). */
static bool place(struct hf_stack *stack, struct run *run, const uint8_t *tcp, uint32_t tcp_bytes,
                  bool checksum_known)
{
    uint32_t header_bytes = run->header_bytes - run->ip_bytes;
    checksum_sum sum = header_sum(run, tcp, tcp_bytes);
    return text_place_put(stack, run->connection, &run->place, run->payload_bytes,
                          tcp + header_bytes, tcp_bytes - header_bytes, &sum) &&
           (checksum_known || checksum_finish(sum) == 0);
}

/* ---- a run's beginning */

static uint32_t ip_header_of(const struct hf_arriving *packet)
{
    const uint8_t *bytes = packet->bytes;
    uint32_t ip_bytes = packet->length > 0 && bytes[0] == 0x45 ? 20 : 0;
    if (packet->length > 0 && bytes[0] >> 4 == HF_IPV6) {
        ip_bytes = 40;
    }
    return ip_bytes != 0 && packet->length > ip_bytes + TCP_HEADER_BYTES ? ip_bytes : 0;
}

/* Same addresses and ports, text in both: worth a closer look. */
static bool may_join(const struct hf_arriving *packet, const struct hf_arriving *next)
{
    const uint8_t *one = packet->bytes;
    const uint8_t *two = next->bytes;
    uint32_t ip_bytes = ip_header_of(packet);
    uint32_t addresses = ip_bytes == 20 ? 12 : 8;
    return ip_bytes != 0 && ip_header_of(next) == ip_bytes &&
           memcmp(one + addresses, two + addresses, ip_bytes - addresses + 4) == 0 &&
           packet->length > ip_bytes + (one[ip_bytes + 12] >> 4) * 4u &&
           packet->hints.segment_bytes == 0 && next->hints.segment_bytes == 0;
}

/* The sums of the first one's headers, without what the others have by themselves. */
static void set_sums(struct run *run, const uint8_t *bytes)
{
    const struct ip_header *ip = &run->ip;
    const uint8_t *tcp = bytes + ip->header_length;
    uint32_t tcp_bytes = run->segment.header_length;
    uint8_t common[IPV4_HEADER_BYTES + TCP_HEADER_MAX_BYTES];
    run->first = bytes;
    run->ip_bytes = ip->header_length;
    run->header_bytes = run->ip_bytes + tcp_bytes;
    run->ip_sum = 0;
    if (run->ip_bytes == IPV4_HEADER_BYTES) {
        memcpy(common, bytes, IPV4_HEADER_BYTES);
        memset(common + IPV4_LENGTH, 0, 2);
        memset(common + IPV4_IDENTIFICATION, 0, 2);
        memset(common + IPV4_CHECKSUM, 0, 2);
        run->ip_sum = checksum_add_header(0, common, IPV4_HEADER_BYTES);
    }
    memcpy(common, tcp, tcp_bytes);
    memset(common + TCP_SEQUENCE, 0, 4);
    memset(common + TCP_FLAGS, 0, 2);
    memset(common + TCP_CHECKSUM, 0, 2);
    run->tcp_sum = checksum_add_header(
        ip_pseudo_sum(&ip->source, &ip->destination, IP_PROTOCOL_TCP, 0), common, tcp_bytes);
}

/* Opens a run with this packet; false: it is none of that kind, and nothing has happened. */
static bool begin(struct hf_stack *stack, struct run *run, const struct hf_arriving *packet)
{
    struct arrival *arrival = &run->arrival;
    struct tcp_segment *segment = &run->segment;
    struct hf_endpoint local = {.port = 0};
    struct hf_endpoint remote = {.port = 0};
    uint32_t reference;
    if (ip_host_input(&stack->ip, packet->bytes, packet->length, &run->ip) != HF_REASON_NONE ||
        run->ip.protocol != IP_PROTOCOL_TCP || run->ip.header_length != ip_header_of(packet) ||
        tcp_parse(run->ip.payload, run->ip.payload_length, segment) != HF_REASON_NONE) {
        return false;
    }
    local = (struct hf_endpoint){run->ip.destination, segment->destination_port};
    remote = (struct hf_endpoint){run->ip.source, segment->source_port};
    memset(arrival, 0, sizeof *arrival);
    arrival->packet = packet->bytes;
    arrival->packet_length = packet->length;
    arrival->ip = &run->ip;
    arrival->segment = segment;
    arrival->tuple = flow_tuple_make(&local, &remote);
    reference = flow_find_again(stack, &arrival->tuple, &arrival->hash);
    if (reference == FLOW_NONE || reference >> FLOW_INDEX_BITS != FLOW_CONNECTION) {
        return false;
    }
    run->connection = pool_at(&stack->connections, reference & FLOW_INDEX_MASK);
    set_sums(run, packet->bytes);
    run->payload_bytes = run->refused_bytes = 0;
    text_place_begin(&run->place, run->connection);
    if (!text_place_fits(&run->connection->tcp, segment) ||
        !place(stack, run, run->ip.payload, run->ip.payload_length,
               packet_checksum_known(&packet->hints))) {
        tcp_forget_placed(&run->connection->tcp, &stack->host, segment->payload_length);
        run->connection = NULL;
        return false;
    }
    segment->ecn = run->ip.traffic_class & ECN_CE;
    run->payload_bytes = segment->payload_length;
    run->count = 1;
    run->ended = (segment->flags & HF_PSH) != 0;
    return true;
}

/* ---- what follows */

/* The bits of both headers that must be the first one's: all but lengths, identification,
 * checksums, sequence number and PSH. TCP's options must be the same, too. */
#define SAME 0xff
#define NOT_PSH 0xf7
/* clang-format off */
static const uint8_t same_ipv4[IPV4_HEADER_BYTES + TCP_HEADER_BYTES] = {
    SAME, SAME,    0,    0,    /* version, class, length */
    0,    0,       SAME, SAME, /* identification, fragments */
    SAME, SAME,    0,    0,    /* TTL, protocol, checksum */
    SAME, SAME,    SAME, SAME, /* addresses */
    SAME, SAME,    SAME, SAME,
    SAME, SAME,    SAME, SAME, /* ports */
    0,    0,       0,    0,    /* sequence number */
    SAME, SAME,    SAME, SAME, /* acknowledgement number */
    SAME, NOT_PSH, SAME, SAME, /* data offset, flags, window */
    0,    0,       SAME, SAME, /* checksum, urgent pointer */
};
static const uint8_t same_ipv6[IPV6_HEADER_BYTES + TCP_HEADER_BYTES] = {
    SAME, SAME,    SAME, SAME, /* version, class, flow label */
    0,    0,       SAME, SAME, /* length, next header, hop limit */
    SAME, SAME,    SAME, SAME, /* addresses */
    SAME, SAME,    SAME, SAME,
    SAME, SAME,    SAME, SAME,
    SAME, SAME,    SAME, SAME,
    SAME, SAME,    SAME, SAME,
    SAME, SAME,    SAME, SAME,
    SAME, SAME,    SAME, SAME,
    SAME, SAME,    SAME, SAME,
    SAME, SAME,    SAME, SAME, /* ports */
    0,    0,       0,    0,    /* sequence number */
    SAME, SAME,    SAME, SAME, /* acknowledgement number */
    SAME, NOT_PSH, SAME, SAME, /* data offset, flags, window */
    0,    0,       SAME, SAME, /* checksum, urgent pointer */
};
/* clang-format on */

static uint64_t word_64(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static inline uint64_t differs_64(const uint8_t *one, const uint8_t *other, const uint8_t *mask,
                                  uint32_t at)
{
    return (word_64(one + at) ^ word_64(other + at)) & word_64(mask + at);
}

/* The same headers as the first one's, but for what may differ. A word at a time, the places
 * constants: by memcmp for the stretches in between it took 90 instructions more, and in a loop
 * over header and mask 38. */
static bool same_headers(const struct run *run, const uint8_t *bytes)
{
    const uint8_t *first = run->first;
    uint32_t at = IPV4_HEADER_BYTES + TCP_HEADER_BYTES;
    uint64_t differs;
    if (run->ip_bytes == IPV4_HEADER_BYTES) {
        differs = differs_64(bytes, first, same_ipv4, 0) | differs_64(bytes, first, same_ipv4, 8) |
                  differs_64(bytes, first, same_ipv4, 16) |
                  differs_64(bytes, first, same_ipv4, 24) | differs_64(bytes, first, same_ipv4, 32);
    } else {
        at = IPV6_HEADER_BYTES + TCP_HEADER_BYTES;
        differs = differs_64(bytes, first, same_ipv6, at - 8);
        for (uint32_t from = 0; from + 8 <= at; from += 8) {
            differs |= differs_64(bytes, first, same_ipv6, from);
        }
    }
    for (; at + 8 <= run->header_bytes; at += 8) {
        differs |= word_64(bytes + at) ^ word_64(first + at);
    }
    if (at < run->header_bytes) {
        differs |= word_32(bytes + at) ^ word_32(first + at);
    }
    return differs == 0;
}

/* The IP header tells the packet's own length, and IPv4's checksum is right. */
static bool ip_header_right(const struct run *run, const uint8_t *bytes, size_t length)
{
    if (run->ip_bytes == IPV6_HEADER_BYTES) {
        return wire_read_16(bytes + IPV6_LENGTH) == length - IPV6_HEADER_BYTES;
    }
    return wire_read_16(bytes + IPV4_LENGTH) == length &&
           checksum_finish(run->ip_sum + word_16(bytes + IPV4_LENGTH) +
                           word_16(bytes + IPV4_IDENTIFICATION) + word_16(bytes + IPV4_CHECKSUM)) ==
               0;
}

static bool join(struct hf_stack *stack, struct run *run, const struct hf_arriving *packet)
{
    const uint8_t *tcp = (const uint8_t *)packet->bytes + run->ip_bytes;
    uint32_t length;
    if (run->ended || packet->length <= run->header_bytes || packet->hints.segment_bytes != 0 ||
        !same_headers(run, packet->bytes) || !ip_header_right(run, packet->bytes, packet->length)) {
        return false;
    }
    length = (uint32_t)packet->length - run->header_bytes;
    if (length > run->segment.payload_length ||
        length + run->payload_bytes > run->connection->tcp.rcv.wnd ||
        wire_read_32(tcp + 4) != seq_add(run->segment.seq, run->payload_bytes).value) {
        return false;
    }
    if (!place(stack, run, tcp, (uint32_t)packet->length - run->ip_bytes,
               packet_checksum_known(&packet->hints))) {
        run->refused_bytes = length;
        return false;
    }
    run->payload_bytes += length;
    run->count++;
    run->segment.flags |= tcp[13] & HF_PSH;
    run->ended = length < run->segment.payload_length || (tcp[13] & HF_PSH);
    return true;
}

/* ---- its end */

static void end(struct hf_stack *stack, struct run *run)
{
    struct stack_connection *connection = run->connection;
    struct tcp_segment *segment = &run->segment;
    enum hf_reason reason;
    if (connection == NULL) {
        return;
    }
    run->connection = NULL;
    segment->joined_bytes = run->count > 1 ? segment->payload_length : 0;
    segment->payload_length = run->payload_bytes;
    stack->counters.packets_received += run->count;
    stack->counters.packets_joined += run->count - 1;
    reason = text_place_arrives(stack, connection, &run->place, segment);
    if (reason != HF_REASON_ACCEPTED) {
        stack->counters.dropped[reason] += run->count;
    }
    tcp_forget_placed(&connection->tcp, &stack->host, run->refused_bytes);
    stack_settle(stack, connection);
}

void hf_stack_input_batch(struct hf_stack *stack, const struct hf_arriving *packets, uint32_t count,
                          hf_time now)
{
    struct run run;
    struct look_ahead ahead;
    bool looks = flow_table_count(&stack->flows) >= LOOK_AHEAD_FLOWS;
    bool joins = stack->config.join_received && !stack_tracing(stack);
    run.connection = NULL;
    in_hand_before(stack);
    look_ahead_begin(&ahead, packets, count);
    stack_set_now(stack, now);
    time_wait_run_timers(stack);
    for (uint32_t i = 0; i < count; i++) {
        if (i + 1 < count) {
            PREFETCH(packets[i + 1].bytes); /* headers of the next while this one is looked at */
        }
        if (run.connection != NULL && join(stack, &run, &packets[i])) {
            continue;
        }
        /* cppcheck-suppress ctuuninitvar ; without a connection nothing else of it is looked at */
        end(stack, &run);
        if (looks) {
            look_ahead(stack, &ahead, i);
        }
        if (!joins || i + 1 == count || !may_join(&packets[i], &packets[i + 1]) ||
            !begin(stack, &run, &packets[i])) {
            (void)hf_stack_input_packet(stack, packets[i].bytes, packets[i].length,
                                        &packets[i].hints, now);
        }
    }
    /* cppcheck-suppress ctuuninitvar */
    end(stack, &run);
}
