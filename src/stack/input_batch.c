/* SPDX-License-Identifier: MIT
 *
 * Packets in batches: segments of one connection that follow each other are joined on arrival, as
 * Linux's GRO does it, and the connection looks at them once.
 *
 * A run begins with a segment that parses, belongs to an established connection and continues what
 * it has received: then where its text belongs is known before anything else is, and the one pass
 * that every byte needs for its checksum also copies it there. Behind the end of what was received
 * nobody reads, so text that turns out to be wrong does no harm: the next takes its place. What
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
#include "stack_state.h"
#include "wire_bytes.h"

#if defined(__GNUC__)
#define PREFETCH(address) __builtin_prefetch(address)
#else
#define PREFETCH(address) ((void)(address))
#endif

struct run {
    struct stack_connection *connection; /* NULL: no run is open */
    struct arrival arrival;
    struct ip_header ip;
    struct tcp_segment segment; /* the first one */
    const uint8_t *first;       /* its bytes */
    uint32_t ip_bytes, header_bytes;
    checksum_sum pseudo_sum; /* without the length */
    uint32_t payload_bytes;  /* of all, so far */
    uint32_t count;
    bool ended; /* nothing more fits */
};

/* ---- text to its place, and its checksum on the way */

/* The text of the next segment goes behind the run's. False: out of memory, or the checksum is
 * wrong (MUST-3). */
static bool place(struct hf_stack *stack, struct run *run, const uint8_t *tcp, uint32_t tcp_bytes,
                  bool checksum_known)
{
    struct tcp_conn *conn = &run->connection->tcp;
    uint32_t header_bytes = run->header_bytes - run->ip_bytes;
    uint32_t length = tcp_bytes - header_bytes;
    uint32_t offset = conn->receive_bytes + run->payload_bytes;
    uint8_t length_bytes[2];
    uint16_t length_word;
    checksum_sum sum;
    wire_write_16(length_bytes, (uint16_t)tcp_bytes);
    memcpy(&length_word, length_bytes, sizeof length_word);
    sum = checksum_add(run->pseudo_sum + length_word, tcp, header_bytes);
    for (uint32_t done = 0; done < length;) {
        uint32_t contiguous;
        uint8_t *to = bytequeue_reserve(&conn->receive_queue, &stack->pages, offset + done,
                                        length - done, &contiguous);
        checksum_sum piece;
        if (to == NULL) {
            return false;
        }
        piece = checksum_add_copy(0, to, tcp + header_bytes + done, contiguous);
        sum += done & 1 ? checksum_swap(piece) : (piece & 0xffffffff) + (piece >> 32);
        done += contiguous;
    }
    return checksum_known || checksum_finish(sum) == 0;
}

/* ---- a run's beginning */

static bool checksum_is_known(const struct hf_arriving *packet)
{
    return (packet->hints.flags & (HF_PACKET_CHECKSUM_PARTIAL | HF_PACKET_CHECKSUM_VALID)) != 0;
}

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

/* Linux joins what ACK and PSH alone distinguish; of ECN's flags those of RFC 9768's counter are
 * the same on all or the run ends. */
static bool flags_joinable(uint16_t flags)
{
    return (flags & (HF_FIN | HF_SYN | HF_RST | HF_URG | HF_ACK)) == HF_ACK;
}

/* It continues what the connection has received, and nothing is known to follow. */
static bool continues(const struct tcp_conn *conn, const struct tcp_segment *segment)
{
    return conn->state == HF_ESTABLISHED && conn->reassembly == NULL && !conn->has_fin &&
           !conn->receive_eof && !conn->orphan && !conn->receive_shutdown &&
           seq_eq(segment->seq, conn->rcv.nxt) && segment->payload_length > 0 &&
           segment->payload_length <= conn->rcv.wnd && segment->options.sack_count == 0;
}

static void set_templates(struct run *run, const uint8_t *bytes)
{
    const struct ip_header *ip = &run->ip;
    run->first = bytes;
    run->ip_bytes = ip->header_length;
    run->header_bytes = ip->header_length + run->segment.header_length;
    run->pseudo_sum = ip_pseudo_sum(&ip->source, &ip->destination, IP_PROTOCOL_TCP, 0);
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
        tcp_parse(run->ip.payload, run->ip.payload_length, segment) != HF_REASON_NONE ||
        !flags_joinable(segment->flags)) {
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
    arrival->hash = flow_hash(stack, &arrival->tuple);
    reference = flow_find(stack, &arrival->tuple, arrival->hash);
    if (reference == FLOW_NONE || reference >> FLOW_INDEX_BITS != FLOW_CONNECTION) {
        return false;
    }
    run->connection = pool_at(&stack->connections, reference & FLOW_INDEX_MASK);
    set_templates(run, packet->bytes);
    run->payload_bytes = 0;
    if (!continues(&run->connection->tcp, segment) ||
        !place(stack, run, run->ip.payload, run->ip.payload_length, checksum_is_known(packet))) {
        tcp_forget_placed(&run->connection->tcp, &stack->host);
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

/* The same IP header, but for length, identification and checksum, which is right; the length is
 * that of the packet. */
static bool same_ip_header(const struct run *run, const uint8_t *bytes, size_t length)
{
    const uint8_t *first = run->first;
    uint64_t sum = 0;
    if (run->ip_bytes == 40) {
        return memcmp(bytes, first, 4) == 0 && memcmp(bytes + 6, first + 6, 34) == 0 &&
               wire_read_16(bytes + 4) == length - 40;
    }
    for (unsigned at = 0; at < 20; at += 4) {
        uint32_t word;
        memcpy(&word, bytes + at, 4);
        sum += word;
    }
    return memcmp(bytes, first, 2) == 0 && memcmp(bytes + 6, first + 6, 4) == 0 &&
           memcmp(bytes + 12, first + 12, 8) == 0 && wire_read_16(bytes + 2) == length &&
           checksum_finish(sum) == 0;
}

/* The same TCP header, but for sequence number, PSH and checksum. */
static bool same_tcp_header(const struct run *run, const uint8_t *tcp)
{
    const uint8_t *first = run->first + run->ip_bytes;
    uint32_t header_bytes = run->header_bytes - run->ip_bytes;
    return memcmp(tcp, first, 4) == 0 && memcmp(tcp + 8, first + 8, 5) == 0 &&
           ((tcp[13] ^ first[13]) & ~HF_PSH) == 0 && memcmp(tcp + 14, first + 14, 2) == 0 &&
           memcmp(tcp + 18, first + 18, header_bytes - 18) == 0;
}

static bool join(struct hf_stack *stack, struct run *run, const struct hf_arriving *packet)
{
    const uint8_t *tcp = (const uint8_t *)packet->bytes + run->ip_bytes;
    uint32_t length;
    if (run->ended || packet->length <= run->header_bytes || packet->hints.segment_bytes != 0 ||
        !same_ip_header(run, packet->bytes, packet->length) || !same_tcp_header(run, tcp)) {
        return false;
    }
    length = (uint32_t)packet->length - run->header_bytes;
    if (length > run->segment.payload_length ||
        length + run->payload_bytes > run->connection->tcp.rcv.wnd ||
        wire_read_32(tcp + 4) != seq_add(run->segment.seq, run->payload_bytes).value ||
        !place(stack, run, tcp, (uint32_t)packet->length - run->ip_bytes,
               checksum_is_known(packet))) {
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
    struct tcp_conn *conn;
    enum hf_reason reason;
    if (connection == NULL) {
        return;
    }
    run->connection = NULL;
    segment->joined_bytes = run->count > 1 ? segment->payload_length : 0;
    segment->payload_length = run->payload_bytes;
    segment->in_place = true;
    stack->counters.packets_received += run->count;
    stack->counters.packets_joined += run->count - 1;
    conn = &connection->tcp;
    reason = tcp_segment_arrives(conn, &stack->host, segment);
    if (reason != HF_REASON_ACCEPTED) {
        stack->counters.dropped[reason] += run->count;
        tcp_forget_placed(conn, &stack->host);
    }
    stack_settle(stack, connection);
}

void hf_stack_input_batch(struct hf_stack *stack, const struct hf_arriving *packets, uint32_t count,
                          hf_time now)
{
    struct run run;
    bool joins = stack->config.join_received && !stack_tracing(stack);
    run.connection = NULL;
    stack_set_now(stack, now);
    time_wait_run_timers(stack);
    for (uint32_t i = 0; i < count; i++) {
        if (i + 1 < count) {
            PREFETCH(packets[i + 1].bytes); /* headers of the next while this one is looked at */
        }
        if (run.connection != NULL && join(stack, &run, &packets[i])) {
            continue;
        }
        end(stack, &run);
        if (!joins || i + 1 == count || !may_join(&packets[i], &packets[i + 1]) ||
            !begin(stack, &run, &packets[i])) {
            (void)hf_stack_input_packet(stack, packets[i].bytes, packets[i].length,
                                        &packets[i].hints, now);
        }
    }
    end(stack, &run);
}
