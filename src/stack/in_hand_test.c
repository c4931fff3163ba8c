/* SPDX-License-Identifier: MIT
 *
 * Segments that were chosen together and leave one by one. Undisturbed they are those of a twin
 * that chooses each by itself. Disturbed after any of them, in each way there is, they must still
 * be what a device would have sent: every number once and in order, the program's own bytes, right
 * checksums, before whatever the disturbance makes leave; and nothing is held when they are gone.
 */
#include "checksum.h"
#include "stack_state.h"
#include "stack_test.h"

#include <handfast/offload.h>

enum {
    MTU = 1500,
    PORT = 80,
    TEXT = 60000,
    HEADERS = 20 + 32,
    MSS = 1448,
    FULL = 10,
    PACKETS = 64
};

enum disturbance {
    NOBODY,
    ACKNOWLEDGED, /* all that has left */
    TOO_MUCH,     /* what has not left, too, is said to have arrived */
    RESET_BY_PEER,
    WRITTEN,
    ABORTED,
    CLOSED,
    ADDRESS_GONE,
    TIMERS_RUN,
    BATCH_TAKEN,
    PATH_NARROW,
    DISTURBANCES
};

struct world {
    struct hf_stack *sender, *receiver;
    hf_handle handle;
    uint32_t next; /* the sequence number that is to leave next */
    uint32_t ack;  /* what the sender acknowledges */
    uint32_t taken, whole, resets;
    uint32_t front; /* the number of text[0] */
    hf_time now;
};

static const struct hf_endpoint server = {{HF_IPV4, {10, 0, 0, 2}}, PORT};
static const struct hf_address client = {HF_IPV4, {10, 0, 0, 1}};
static uint8_t text[TEXT];

static uint32_t at_32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* RFC 1071, as it is written there. */
static uint32_t sum_of(const uint8_t *bytes, size_t length, uint32_t sum)
{
    for (size_t i = 0; i < length; i++) {
        sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

static void open_world(struct world *world, bool by_the_book)
{
    struct hf_config config = stack_test_config(1, 0);
    hf_handle listener, accepted;
    uint8_t packet[MTU];
    ptrdiff_t length;
    memset(world, 0, sizeof *world);
    config.initial_window_segments = FULL;
    world->now = HF_SECOND;
    world->sender = stack_test_host(&config, &client);
    world->receiver = stack_test_host(&config, &server.address);
    world->sender->host.by_the_book = by_the_book;
    assert_int_equal(hf_listen(world->receiver, &server, 1, &listener), HF_OK);
    assert_int_equal(hf_connect(world->sender, NULL, &server, world->now, &world->handle), HF_OK);
    for (int i = 0; i < 2; i++) {
        while ((length = hf_stack_output(world->sender, packet, MTU, world->now)) > 0) {
            hf_stack_input(world->receiver, packet, (size_t)length, world->now);
        }
        while ((length = hf_stack_output(world->receiver, packet, MTU, world->now)) > 0) {
            hf_stack_input(world->sender, packet, (size_t)length, world->now);
        }
    }
    assert_int_equal(hf_accept(world->receiver, listener, &accepted, NULL), HF_OK);
}

static void close_world(struct world *world)
{
    hf_stack_free(world->sender); /* which asserts that nothing is held */
    hf_stack_free(world->receiver);
}

/* Whatever leaves: whole, right, in order. */
static void look_at(struct world *world, const uint8_t *packet, size_t length)
{
    const uint8_t *tcp = packet + 20;
    size_t bytes = length - 20 - (size_t)(tcp[12] >> 4) * 4;
    uint32_t seq = at_32(tcp + 4);
    uint8_t pseudo[] = {0, 6, (uint8_t)((length - 20) >> 8), (uint8_t)(length - 20)};
    assert_int_equal(sum_of(packet, 20, 0), 0xffff);
    assert_int_equal(sum_of(tcp, length - 20, sum_of(pseudo, 4, sum_of(packet + 12, 8, 0))),
                     0xffff);
    assert_int_equal(seq, world->next);
    assert_memory_equal(tcp + (tcp[12] >> 4) * 4, text + (seq - world->front), bytes);
    world->next += (uint32_t)bytes + (tcp[13] & HF_FIN ? 1 : 0);
    world->resets += (tcp[13] & HF_RST) != 0;
    world->whole += bytes == MSS;
    world->ack = at_32(tcp + 8);
    world->taken++;
}

static bool take_one(struct world *world)
{
    uint8_t packet[MTU];
    ptrdiff_t length = hf_stack_output(world->sender, packet, MTU, world->now);
    assert_true(length >= 0);
    if (length == 0) {
        return false;
    }
    look_at(world, packet, (size_t)length);
    return true;
}

/* From the peer: a bare segment with this ACK, made by hand. */
static enum hf_reason arrives(struct world *world, uint32_t ack, uint16_t flags)
{
    struct hf_status status;
    struct tcp_segment segment;
    struct ip_header ip;
    uint8_t packet[MTU];
    checksum_sum sum;
    uint16_t field;
    assert_int_equal(hf_status(world->sender, world->handle, &status), HF_OK);
    memset(&segment, 0, sizeof segment);
    memset(&ip, 0, sizeof ip);
    segment.source_port = PORT;
    segment.destination_port = status.local.port;
    segment.seq = seq_make(world->ack);
    segment.ack = seq_make(ack);
    segment.flags = flags;
    segment.window = 60000;
    segment.options.has_timestamps = true;
    segment.options.ts_value = stack_connection_of(world->sender, world->handle)->tcp.ts_recent;
    ip.source = server.address;
    ip.destination = client;
    ip.protocol = IP_PROTOCOL_TCP;
    ip.ttl = 64;
    ip.payload_length = (uint32_t)tcp_emit(&segment, packet + IPV4_HEADER_BYTES);
    ip_emit(&ip, packet);
    sum = ip_pseudo_sum(&ip.source, &ip.destination, IP_PROTOCOL_TCP, ip.payload_length);
    field = checksum_finish(checksum_add(sum, packet + IPV4_HEADER_BYTES, ip.payload_length));
    memcpy(packet + IPV4_HEADER_BYTES + TCP_CHECKSUM_OFFSET, &field, sizeof field);
    return hf_stack_input(world->sender, packet, IPV4_HEADER_BYTES + ip.payload_length, world->now);
}

/* A super-segment, and what the others are, one by one. */
static void take_batch(struct world *world)
{
    static uint8_t bytes[4][HF_PACKET_BYTES];
    struct hf_packet packets[4];
    int made;
    for (int i = 0; i < 4; i++) {
        packets[i].bytes = bytes[i];
        packets[i].capacity = HF_PACKET_BYTES;
    }
    made = hf_stack_output_batch(world->sender, packets, 4, HF_OUTPUT_SUPER, world->now);
    for (int i = 0; i < made; i++) {
        for (uint32_t j = 0; j < packets[i].segments; j++) {
            uint8_t packet[MTU];
            ptrdiff_t length = hf_packet_split(&packets[i], j, packet, MTU);
            look_at(world, packet, (size_t)length);
        }
    }
}

static void narrow_path(struct world *world)
{
    struct hf_status status;
    uint8_t packet[56] = {0x45, 0, 0, 56, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1};
    uint8_t *icmp = packet + 20;
    uint8_t *quoted = icmp + 8;
    uint32_t sum = 0;
    assert_int_equal(hf_status(world->sender, world->handle, &status), HF_OK);
    icmp[0] = 3;
    icmp[1] = 4;
    icmp[6] = 1000 >> 8;
    icmp[7] = 1000 & 0xff;
    memcpy(quoted, (const uint8_t[]){0x45, 0, 5, 220, 0, 0, 0x40, 0, 64, 6}, 10);
    memcpy(quoted + 12, client.bytes, 4);
    memcpy(quoted + 16, server.address.bytes, 4);
    quoted[20] = (uint8_t)(status.local.port >> 8);
    quoted[21] = (uint8_t)status.local.port;
    quoted[23] = PORT;
    quoted[24] = (uint8_t)(world->front >> 24);
    quoted[25] = (uint8_t)(world->front >> 16);
    quoted[26] = (uint8_t)(world->front >> 8);
    quoted[27] = (uint8_t)world->front;
    sum = ~sum_of(packet, 20, 0) & 0xffff;
    packet[10] = (uint8_t)(sum >> 8);
    packet[11] = (uint8_t)sum;
    sum = ~sum_of(icmp, 36, 0) & 0xffff;
    icmp[2] = (uint8_t)(sum >> 8);
    icmp[3] = (uint8_t)sum;
    assert_int_equal(hf_stack_input(world->sender, packet, sizeof packet, world->now),
                     HF_REASON_ICMP_TOO_BIG);
}

static void disturb(struct world *world, enum disturbance what)
{
    uint32_t chosen_end = world->front + (FULL - 1) * MSS;
    switch (what) {
    case NOBODY:
    case DISTURBANCES:
        break;
    case ACKNOWLEDGED:
        assert_int_equal(arrives(world, world->next, HF_ACK), HF_REASON_ACCEPTED);
        break;
    case TOO_MUCH:
        assert_int_equal(arrives(world, chosen_end, HF_ACK), HF_REASON_ACCEPTED);
        break;
    case RESET_BY_PEER:
        assert_int_equal(arrives(world, world->next, HF_RST | HF_ACK), HF_REASON_RST_ARRIVED);
        break;
    case WRITTEN:
        assert_true(hf_send(world->sender, world->handle, text, 1, 0, world->now) == 1);
        break;
    case ABORTED:
        assert_int_equal(hf_abort(world->sender, world->handle, world->now), HF_OK);
        break;
    case CLOSED:
        assert_int_equal(hf_close(world->sender, world->handle, world->now), HF_OK);
        break;
    case ADDRESS_GONE:
        assert_int_equal(hf_stack_remove_address(world->sender, &client, world->now), HF_OK);
        break;
    case TIMERS_RUN:
        world->now += 3 * HF_SECOND;
        break;
    case BATCH_TAKEN:
        take_batch(world);
        break;
    case PATH_NARROW:
        narrow_path(world);
        break;
    }
}

static void begin_flight(struct world *world)
{
    world->front = world->next =
        stack_connection_of(world->sender, world->handle)->tcp.snd.nxt.value;
    assert_int_equal(hf_send(world->sender, world->handle, text, TEXT, 0, world->now), TEXT);
}

/* After `before` packets; then what is left of the flight. */
static void disturbed(enum disturbance what, uint32_t before)
{
    struct world world;
    uint32_t after;
    open_world(&world, false);
    begin_flight(&world);
    while (world.taken < before) {
        assert_true(take_one(&world));
    }
    assert_int_equal(world.sender->in_hand != NULL, before < FULL - 1);
    disturb(&world, what);
    /* The last one is chosen by itself. What was chosen leaves first, numbers without a gap. */
    while (world.whole < FULL - 1) {
        assert_true(take_one(&world));
    }
    assert_null(world.sender->in_hand);
    after = world.taken;
    if (what == ABORTED) {
        assert_true(take_one(&world)); /* the RST, with the number that is next */
        assert_int_equal(world.resets, 1);
        assert_int_equal(world.taken, after + 1);
    } else if (what == RESET_BY_PEER || what == ADDRESS_GONE) {
        assert_false(take_one(&world));
    }
    close_world(&world);
}

static void leave_whatever_happens(void **state)
{
    (void)state;
    for (unsigned what = 0; what < DISTURBANCES; what++) {
        for (uint32_t before = 1; before < FULL; before++) {
            disturbed((enum disturbance)what, before);
        }
    }
}

static void are_those_chosen_alone(void **state)
{
    struct world ways[2];
    uint8_t packets[2][MTU];
    ptrdiff_t lengths[2];
    uint32_t count = 0;
    (void)state;
    for (int i = 0; i < 2; i++) {
        open_world(&ways[i], i == 1);
        begin_flight(&ways[i]);
    }
    do {
        for (int i = 0; i < 2; i++) {
            lengths[i] = hf_stack_output(ways[i].sender, packets[i], MTU, ways[i].now);
        }
        assert_int_equal(lengths[0], lengths[1]);
        assert_memory_equal(packets[0], packets[1], (size_t)lengths[0]);
        assert_int_equal(ways[0].sender->in_hand != NULL, count < FULL - 2);
        assert_null(ways[1].sender->in_hand);
        count += lengths[0] > 0;
    } while (lengths[0] > 0);
    assert_int_equal(count, FULL);
    for (int i = 0; i < 2; i++) {
        close_world(&ways[i]);
    }
}

/* Where memory is short nobody else is refused for their sake. */
static void need_memory_that_is_free(void **state)
{
    struct world world;
    (void)state;
    open_world(&world, false);
    begin_flight(&world);
    world.sender->memory.limit_bytes = memory_held(&world.sender->memory) + 3 * FULL * MSS;
    assert_true(take_one(&world));
    assert_null(world.sender->in_hand);
    while (world.whole < FULL) {
        assert_true(take_one(&world));
    }
    assert_int_equal(world.sender->memory.refusals, 0);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(are_those_chosen_alone),
                                       cmocka_unit_test(leave_whatever_happens),
                                       cmocka_unit_test(need_memory_that_is_free)};
    for (size_t i = 0; i < TEXT; i++) {
        text[i] = (uint8_t)(i * 31 + i / 251);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
