/* SPDX-License-Identifier: MIT
 *
 * The short ways of plain segments against the ordinary ones. Out: emit_packet writes the same
 * bytes as headers written one by one and summed as a whole. In: whatever plain_segment_read takes,
 * of packets whole and damaged, the parsers take too, and read the same in it; and it takes all
 * that are plain.
 */
#include "plain_segment.h"
#include "stack_state.h"
#include "stack_test.h"

enum { ROUNDS = 20000, TEXT_MOST = 300, PACKET_MOST = 400 };

static uint32_t word(uint64_t *random)
{
    return stack_test_chance(random, UINT32_MAX);
}

static struct flow_tuple some_tuple(uint64_t *random)
{
    struct flow_tuple tuple;
    uint32_t local = word(random), remote = word(random);
    memset(&tuple, 0, sizeof tuple);
    memcpy(tuple.local, &local, 4);
    memcpy(tuple.remote, &remote, 4);
    tuple.family = HF_IPV4;
    tuple.local_port = (uint16_t)(1 + stack_test_chance(random, 65535));
    tuple.remote_port = (uint16_t)(1 + stack_test_chance(random, 65535));
    return tuple;
}

static struct tcp_segment some_segment(const struct flow_tuple *tuple, uint64_t *random)
{
    struct tcp_segment segment;
    memset(&segment, 0, sizeof segment);
    segment.source_port = tuple->local_port;
    segment.destination_port = tuple->remote_port;
    segment.seq = seq_make(word(random));
    segment.ack = seq_make(word(random));
    segment.flags = (uint16_t)(word(random) & 0x1ff);
    if (stack_test_chance(random, 4) != 0) {
        segment.flags &= (uint16_t) ~(HF_SYN | HF_URG);
    }
    segment.ecn = (uint8_t)(word(random) & 3);
    segment.window = (uint16_t)word(random);
    segment.urgent_pointer = stack_test_chance(random, 4) == 0 ? (uint16_t)word(random) : 0;
    segment.options.has_timestamps = stack_test_chance(random, 4) != 0;
    segment.options.ts_value = word(random);
    segment.options.ts_echo = word(random);
    segment.options.has_mss = stack_test_chance(random, 8) == 0;
    segment.options.mss = (uint16_t)word(random);
    return segment;
}

static struct emit_fields some_fields(uint64_t *random)
{
    return (struct emit_fields){.ttl = (uint8_t)word(random),
                                .traffic_class = (uint8_t)word(random),
                                .may_fragment = stack_test_chance(random, 2) == 0,
                                .identification = (uint16_t)word(random)};
}

/* Headers by the writers of headers, one sum over all of it. */
static size_t write_at_length(const struct flow_tuple *tuple, const struct tcp_segment *segment,
                              const uint8_t *text, const struct emit_fields *fields,
                              uint8_t *packet)
{
    checksum_sum sum;
    size_t header_length = emit_headers(tuple, segment, fields, packet, &sum);
    uint16_t field;
    memcpy(packet + header_length, text, segment->payload_length);
    sum = checksum_add(sum, packet + IPV4_HEADER_BYTES,
                       header_length - IPV4_HEADER_BYTES + segment->payload_length);
    field = checksum_finish(sum);
    memcpy(packet + IPV4_HEADER_BYTES + TCP_CHECKSUM_OFFSET, &field, sizeof field);
    return header_length + segment->payload_length;
}

static bool is_plain(const struct tcp_segment *segment)
{
    return !segment->options.has_mss && (segment->flags & (HF_SYN | HF_URG)) == 0;
}

static void same_reading(const uint8_t *packet, size_t length, const struct flow_tuple *tuple,
                         const struct tcp_segment *segment)
{
    struct ip_header ip;
    struct tcp_segment parsed;
    assert_int_equal(ip_parse(packet, length, &ip), HF_REASON_NONE);
    assert_int_equal(ip.protocol, IP_PROTOCOL_TCP);
    assert_int_equal(tcp_parse(ip.payload, ip.payload_length, &parsed), HF_REASON_NONE);
    assert_memory_equal(ip.source.bytes, tuple->remote, 16);
    assert_memory_equal(ip.destination.bytes, tuple->local, 16);
    assert_int_equal(ip.destination.family, tuple->family);
    assert_int_equal(parsed.source_port, tuple->remote_port);
    assert_int_equal(parsed.destination_port, tuple->local_port);
    assert_int_equal(parsed.source_port, segment->source_port);
    assert_int_equal(parsed.destination_port, segment->destination_port);
    assert_int_equal(parsed.seq.value, segment->seq.value);
    assert_int_equal(parsed.ack.value, segment->ack.value);
    assert_int_equal(parsed.flags, segment->flags);
    assert_int_equal(ip.traffic_class & 3, segment->ecn);
    assert_int_equal(parsed.reserved, segment->reserved);
    assert_int_equal(parsed.header_length, segment->header_length);
    assert_int_equal(parsed.window, segment->window);
    assert_int_equal(parsed.urgent_pointer, segment->urgent_pointer);
    assert_ptr_equal(parsed.payload, segment->payload);
    assert_int_equal(parsed.payload_length, segment->payload_length);
    assert_true(tcp_options_equal(&parsed.options, &segment->options));
}

static bool checksums_right(const uint8_t *packet, size_t length)
{
    struct ip_header ip;
    checksum_sum sum;
    if (ip_parse(packet, length, &ip) != HF_REASON_NONE) {
        return false;
    }
    sum = ip_pseudo_sum(&ip.source, &ip.destination, IP_PROTOCOL_TCP, ip.payload_length);
    return checksum_finish(checksum_add(sum, ip.payload, ip.payload_length)) == 0;
}

/* One as it leaves; returns its length. */
static size_t leaves(struct hf_stack *stack, uint64_t *random, uint8_t *packet)
{
    uint8_t text[TEXT_MOST], other[PACKET_MOST];
    struct flow_tuple tuple = some_tuple(random), read_tuple;
    struct tcp_segment segment = some_segment(&tuple, random), read;
    struct emit_fields fields = some_fields(random);
    struct send_queue queue;
    checksum_sum sum;
    size_t length;
    memset(&queue, 0, sizeof queue);
    for (uint32_t i = 0; i < TEXT_MOST; i++) {
        text[i] = (uint8_t)word(random);
    }
    if (stack_test_chance(random, 3) != 0) {
        segment.payload_length = 1 + stack_test_chance(random, TEXT_MOST - 1);
    }
    /* Twice: across the edge of a page. */
    for (uint32_t at = 0; at < PAGE_BYTES; at += TEXT_MOST) {
        assert_true(send_queue_write(&queue, &stack->send_store, at, text, TEXT_MOST));
    }
    length = emit_packet(&tuple, &segment, &queue,
                         PAGE_BYTES / TEXT_MOST * TEXT_MOST * stack_test_chance(random, 2), &fields,
                         packet);
    assert_int_equal(write_at_length(&tuple, &segment, text, &fields, other), length);
    assert_memory_equal(packet, other, length);
    send_queue_clear(&queue, &stack->send_store, HF_OK);
    assert_int_equal(plain_segment_read(packet, length, &read_tuple, &read, &sum),
                     is_plain(&segment));
    if (is_plain(&segment)) {
        assert_true(plain_segment_right(&read, sum));
        same_reading(packet, length, &read_tuple, &read);
    }
    return length;
}

/* Cut short, or with a bit of its headers turned. */
static size_t damaged(uint64_t *random, uint8_t *packet, size_t length)
{
    if (stack_test_chance(random, 2) == 0) {
        return stack_test_chance(random, (uint32_t)length + 1);
    }
    packet[stack_test_chance(random, 60) % length] ^= (uint8_t)(1u << stack_test_chance(random, 8));
    return length;
}

static void written_and_read_alike(void **state)
{
    struct hf_config config = stack_test_config(1, 0);
    struct hf_address address = hf_address_ipv4(10, 0, 0, 1);
    struct hf_stack *stack = stack_test_host(&config, &address);
    uint64_t random = 1;
    uint32_t taken = 0, refused = 0, wrong = 0;
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint8_t packet[PACKET_MOST];
        size_t length = leaves(stack, &random, packet);
        length = damaged(&random, packet, length);
        struct flow_tuple tuple;
        struct tcp_segment segment;
        checksum_sum sum;
        if (plain_segment_read(packet, length, &tuple, &segment, &sum)) {
            same_reading(packet, length, &tuple, &segment);
            assert_int_equal(plain_segment_right(&segment, sum), checksums_right(packet, length));
            taken++;
            wrong += !checksums_right(packet, length);
        } else {
            refused++;
        }
    }
    assert_true(taken > ROUNDS / 10);
    assert_true(wrong > ROUNDS / 20);
    assert_true(refused > ROUNDS / 10);
    hf_stack_free(stack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(written_and_read_alike)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
