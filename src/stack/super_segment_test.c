/* SPDX-License-Identifier: MIT
 *
 * Twins: two senders of the same seed, one that makes single segments and one that makes
 * super-segments which hf_packet_split cuts. They are given the same calls and the same answers,
 * over a path that loses packets, and must send the same bytes at the same times. And two
 * receivers, one of them handed the super-segments whole: both must read the same and count the
 * same.
 */
#include "stack_test.h"

#include <handfast/offload.h>

enum {
    PACKETS = 8,
    LIST_PACKETS = 4096,
    MTU = 1500,
    STEPS = 400,
    PORT = 80,
    TRANSFER_MOST = 3000000,
    WRITE_MOST = 200000
};

struct list {
    size_t count;
    size_t lengths[LIST_PACKETS];
    uint8_t packets[LIST_PACKETS][MTU];
};

struct world {
    struct hf_stack *single, *super, *receiver;
    hf_handle single_handle, super_handle, listener, accepted;
    struct list first, second;
    struct hf_packet packets[PACKETS];
    uint8_t *bytes;
    uint8_t *data;
    uint64_t random;
    uint32_t flags, supers, segment_bytes;
    hf_time now;
    size_t sent, received;
};

static uint32_t chance(struct world *world, uint32_t below)
{
    return stack_test_chance(&world->random, below);
}

static struct hf_stack *make_stack(uint8_t seed, const struct hf_address *address, uint32_t variant)
{
    struct hf_config config = stack_test_config(seed, variant);
    config.pacing = (variant & 8) != 0;
    config.burst_segments = variant & 16 ? 2 : 0;
    config.mtu = MTU;
    return stack_test_host(&config, address);
}

static void keep(struct list *list, const uint8_t *packet, size_t length)
{
    assert_in_range(length, 1, MTU);
    assert_true(list->count < LIST_PACKETS);
    memcpy(list->packets[list->count], packet, length);
    list->lengths[list->count++] = length;
}

static void drain_single(struct world *world)
{
    uint8_t packet[MTU];
    ptrdiff_t length;
    world->first.count = 0;
    while ((length = hf_stack_output(world->single, packet, sizeof packet, world->now)) > 0) {
        keep(&world->first, packet, (size_t)length);
    }
    assert_int_equal(length, 0);
}

/* The segments in turn are those that are asked for one by one. */
static void split_in_turn(const struct hf_packet *packet)
{
    struct hf_split split;
    uint8_t expected[MTU];
    uint8_t bytes[MTU];
    hf_split_begin(&split, packet);
    assert_int_equal(hf_split_next(&split, bytes, 20), HF_EMSGSIZE);
    for (uint32_t index = 0; index < packet->segments; index++) {
        ptrdiff_t length = hf_packet_split(packet, index, expected, sizeof expected);
        /* A buffer of exactly the size is enough, one byte less is not. */
        assert_int_equal(hf_split_next(&split, bytes, (size_t)length - 1), HF_EMSGSIZE);
        assert_int_equal(hf_split_next(&split, bytes, (size_t)length), length);
        assert_memory_equal(bytes, expected, (size_t)length);
    }
    assert_int_equal(hf_split_next(&split, bytes, sizeof bytes), 0);
}

static void keep_for_later(struct hf_packet *packet)
{
    const struct hf_packet before = *packet;
    packet->capacity = packet->total_length - 1;
    assert_int_equal(hf_packet_keep(packet), HF_EMSGSIZE);
    assert_int_equal(packet->length, before.length);
    assert_int_equal(packet->piece_count, before.piece_count);
    packet->capacity = before.capacity;
    assert_int_equal(hf_packet_keep(packet), HF_OK);
    assert_int_equal(packet->length, before.total_length);
    assert_int_equal(packet->piece_count, 0);
}

static void drain_super(struct world *world)
{
    uint8_t packet[MTU];
    int made;
    world->second.count = 0;
    while ((made = hf_stack_output_batch(world->super, world->packets, PACKETS, world->flags,
                                         world->now)) > 0) {
        for (int i = 0; i < made; i++) {
            struct hf_packet *each = &world->packets[i];
            world->supers += each->segments > 1;
            assert_int_equal(hf_packet_split(each, each->segments, packet, sizeof packet),
                             HF_EINVAL);
            assert_int_equal(hf_packet_split(each, 0, packet, 20), HF_EMSGSIZE);
            split_in_turn(each);
            if (each->segments % 2 == 0) {
                keep_for_later(each);
            }
            for (uint32_t index = 0; index < each->segments; index++) {
                ptrdiff_t length = hf_packet_split(each, index, packet, sizeof packet);
                assert_true(length > 0);
                keep(&world->second, packet, (size_t)length);
            }
        }
    }
    assert_int_equal(made, 0);
}

static void compare(const struct world *world)
{
    assert_int_equal(world->first.count, world->second.count);
    for (size_t i = 0; i < world->first.count; i++) {
        assert_int_equal(world->first.lengths[i], world->second.lengths[i]);
        assert_memory_equal(world->first.packets[i], world->second.packets[i],
                            world->first.lengths[i]);
    }
}

/* What both sent reaches the receiver but for what is lost; its answers reach both. */
static void carry(struct world *world, uint32_t loss_of_100)
{
    uint8_t packet[MTU];
    ptrdiff_t length;
    for (size_t i = 0; i < world->first.count; i++) {
        if (chance(world, 100) >= loss_of_100) {
            uint8_t *arriving = world->first.packets[i];
            hf_stack_input(world->receiver, arriving, world->first.lengths[i], world->now);
        }
    }
    while ((length = hf_stack_output(world->receiver, packet, sizeof packet, world->now)) > 0) {
        enum hf_reason one, two;
        if (chance(world, 100) < loss_of_100) {
            continue;
        }
        one = hf_stack_input(world->single, packet, (size_t)length, world->now);
        two = hf_stack_input(world->super, packet, (size_t)length, world->now);
        assert_int_equal(one, two);
    }
}

static void read_all(struct world *world)
{
    static uint8_t buffer[65536];
    ptrdiff_t length;
    if (world->accepted == HF_NO_HANDLE) {
        (void)hf_accept(world->receiver, world->listener, &world->accepted, NULL);
    }
    while (world->accepted != HF_NO_HANDLE &&
           (length = hf_recv(world->receiver, world->accepted, buffer, sizeof buffer, 0,
                             world->now)) > 0) {
        assert_true(world->received + (size_t)length <= world->sent);
        assert_memory_equal(buffer, world->data + world->received, (size_t)length);
        world->received += (size_t)length;
    }
}

static void write_some(struct world *world)
{
    size_t most = TRANSFER_MOST - world->sent;
    size_t length = 1 + chance(world, chance(world, 3) ? WRITE_MOST : 3000);
    unsigned flags = chance(world, 10) ? 0 : HF_SEND_MORE;
    ptrdiff_t one, two;
    if (chance(world, 3) == 0) { /* the last segment is full, and is pushed all the same */
        length = (1 + chance(world, 60)) * (size_t)world->segment_bytes;
    }
    length = length < most ? length : most;
    if (chance(world, 50) == 0) {
        flags |= HF_SEND_URGENT;
    }
    one = hf_send(world->single, world->single_handle, world->data + world->sent, length, flags,
                  world->now);
    two = hf_send(world->super, world->super_handle, world->data + world->sent, length, flags,
                  world->now);
    assert_int_equal(one, two);
    world->sent += one > 0 ? (size_t)one : 0;
}

static void open_world(struct world *world, uint32_t seed, uint32_t flags, bool ipv6)
{
    const uint8_t bytes[16] = {0xfd, [15] = 1}, others[16] = {0xfd, [15] = 2};
    struct hf_address address = ipv6 ? hf_address_ipv6(bytes) : hf_address_ipv4(10, 0, 0, 1);
    struct hf_address other = ipv6 ? hf_address_ipv6(others) : hf_address_ipv4(10, 0, 0, 2);
    struct hf_endpoint at = {other, PORT};
    memset(world, 0, sizeof *world);
    world->flags = flags;
    world->random = seed;
    world->now = HF_SECOND;
    world->segment_bytes = MTU - (ipv6 ? 60u : 40u) - (seed & 2 ? 0u : 12u);
    world->bytes = malloc((size_t)PACKETS * HF_PACKET_BYTES);
    world->data = malloc(TRANSFER_MOST);
    assert_non_null(world->bytes);
    assert_non_null(world->data);
    for (size_t i = 0; i < TRANSFER_MOST; i++) {
        world->data[i] = (uint8_t)(chance(world, 256));
    }
    for (size_t i = 0; i < PACKETS; i++) {
        world->packets[i].bytes = world->bytes + i * HF_PACKET_BYTES;
        world->packets[i].capacity = HF_PACKET_BYTES;
    }
    world->single = make_stack(1, &address, seed);
    world->super = make_stack(1, &address, seed);
    world->receiver = make_stack(2, &other, seed);
    assert_int_equal(hf_listen(world->receiver, &at, 5, &world->listener), HF_OK);
    assert_int_equal(hf_connect(world->single, NULL, &at, world->now, &world->single_handle),
                     HF_OK);
    assert_int_equal(hf_connect(world->super, NULL, &at, world->now, &world->super_handle), HF_OK);
    if (seed % 5 == 4) { /* DF clear: identifications count */
        hf_set_option(world->single, world->single_handle, HF_OPTION_PATH_MTU_DISCOVERY,
                      HF_PATH_MTU_DONT, world->now);
        hf_set_option(world->super, world->super_handle, HF_OPTION_PATH_MTU_DISCOVERY,
                      HF_PATH_MTU_DONT, world->now);
    }
}

static void close_world(struct world *world)
{
    hf_stack_free(world->single);
    hf_stack_free(world->super);
    hf_stack_free(world->receiver);
    free(world->bytes);
    free(world->data);
}

static void assert_same_status(const struct world *world)
{
    struct hf_counters one, two;
    struct hf_status first, second;
    hf_stack_counters(world->single, &one);
    hf_stack_counters(world->super, &two);
    assert_int_equal(one.packets_sent, two.packets_sent);
    assert_int_equal(one.segments_retransmitted, two.segments_retransmitted);
    assert_int_equal(one.pacing_holds, two.pacing_holds);
    assert_int_equal(hf_status(world->single, world->single_handle, &first), HF_OK);
    assert_int_equal(hf_status(world->super, world->super_handle, &second), HF_OK);
    assert_int_equal(first.data_segments_sent, second.data_segments_sent);
    assert_int_equal(first.numbers.cwnd_bytes, second.numbers.cwnd_bytes);
}

static void run_twins(uint32_t seed, uint32_t flags, bool ipv6)
{
    static struct world world;
    uint32_t loss = seed % 3 == 0 ? 0 : seed % 7;
    open_world(&world, seed, flags, ipv6);
    for (int step = 0; step < STEPS; step++) {
        if (chance(&world, 3) != 0 && world.sent < TRANSFER_MOST) {
            write_some(&world);
        }
        drain_single(&world);
        drain_super(&world);
        compare(&world);
        world.now += 1 + chance(&world, 20 * HF_MILLISECOND);
        carry(&world, loss);
        read_all(&world);
        world.now += 1 + chance(&world, chance(&world, 20) ? 5 * HF_MILLISECOND : HF_SECOND);
    }
    assert_same_status(&world);
    assert_int_equal(hf_shutdown(world.single, world.single_handle, world.now), HF_OK);
    assert_int_equal(hf_shutdown(world.super, world.super_handle, world.now), HF_OK);
    for (int step = 0; step < STEPS && world.received < world.sent; step++) {
        drain_single(&world);
        drain_super(&world);
        compare(&world);
        world.now += 100 * HF_MILLISECOND;
        carry(&world, 0);
        read_all(&world);
    }
    assert_int_equal(world.received, world.sent);
    assert_true(world.sent > 0);
    assert_true(world.supers > 0);
    close_world(&world);
}

static void late_split_is_byte_for_byte_the_same(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 32; seed++) {
        static const uint32_t flags[] = {HF_OUTPUT_SUPER, HF_OUTPUT_SUPER | HF_OUTPUT_PARTIAL,
                                         HF_OUTPUT_SUPER | HF_OUTPUT_PARTIAL | HF_OUTPUT_PIECES};
        run_twins(seed, flags[seed % 3], (seed & 1) != 0);
    }
}

/* ---- receiving */

struct reader {
    struct hf_stack *stack;
    hf_handle listener, accepted;
    size_t received;
};

static void read_as_sent(struct world *world, struct reader *reader)
{
    static uint8_t buffer[65536];
    ptrdiff_t length;
    if (reader->accepted == HF_NO_HANDLE) {
        (void)hf_accept(reader->stack, reader->listener, &reader->accepted, NULL);
    }
    while (reader->accepted != HF_NO_HANDLE &&
           (length = hf_recv(reader->stack, reader->accepted, buffer, sizeof buffer, 0,
                             world->now)) > 0) {
        assert_memory_equal(buffer, world->data + reader->received, (size_t)length);
        reader->received += (size_t)length;
    }
}

static int drain_answers(const struct reader *reader, struct hf_stack *sender, hf_time now)
{
    uint8_t packet[MTU];
    ptrdiff_t length;
    int count = 0;
    for (; (length = hf_stack_output(reader->stack, packet, sizeof packet, now)) > 0; count++) {
        if (sender != NULL) {
            hf_stack_input(sender, packet, (size_t)length, now);
        }
    }
    return count;
}

/* `whole` is handed the super-segments, `cut` their segments; the latter's answers go back. */
static void super_segments_arrive_as_their_segments_do(void **state)
{
    const struct hf_address other = hf_address_ipv4(10, 0, 0, 2);
    const struct hf_endpoint at = {other, PORT};
    static struct world world;
    struct reader whole = {.stack = NULL}, cut = {.stack = NULL};
    struct hf_status one, two;
    struct hf_counters counted_one, counted_two;
    int answers = 0, supers = 0;
    (void)state;
    open_world(&world, 0, HF_OUTPUT_SUPER | HF_OUTPUT_PARTIAL, false);
    whole.stack = make_stack(2, &other, 0);
    cut.stack = make_stack(2, &other, 0);
    assert_int_equal(hf_listen(whole.stack, &at, 5, &whole.listener), HF_OK);
    assert_int_equal(hf_listen(cut.stack, &at, 5, &cut.listener), HF_OK);
    for (int step = 0; step < 200; step++) {
        int made;
        ptrdiff_t took = hf_send(world.super, world.super_handle, world.data + world.sent,
                                 world.sent < TRANSFER_MOST - 65536 ? 65536 : 0, 0, world.now);
        world.sent += took > 0 ? (size_t)took : 0;
        while ((made = hf_stack_output_batch(world.super, world.packets, PACKETS, world.flags,
                                             world.now)) > 0) {
            for (int i = 0; i < made; i++) {
                const struct hf_packet *each = &world.packets[i];
                const struct hf_packet_hints hints = {each->segment_bytes, each->flags};
                uint8_t packet[MTU];
                int before = answers;
                assert_int_equal(each->total_length, each->length);
                assert_int_equal(hf_stack_input_packet(whole.stack, each->bytes, each->length,
                                                       &hints, world.now),
                                 HF_REASON_ACCEPTED);
                for (uint32_t index = 0; index < each->segments; index++) {
                    ptrdiff_t length = hf_packet_split(each, index, packet, sizeof packet);
                    assert_int_equal(hf_stack_input(cut.stack, packet, (size_t)length, world.now),
                                     HF_REASON_ACCEPTED);
                }
                answers += drain_answers(&whole, NULL, world.now);
                drain_answers(&cut, world.super, world.now);
                /* RFC 5681 4.2: two full-sized segments are acknowledged by their end. */
                assert_true(each->segments < 2 || answers == before + 1);
                supers += each->segments > 1;
            }
        }
        read_as_sent(&world, &whole);
        read_as_sent(&world, &cut);
        drain_answers(&whole, NULL, world.now);
        drain_answers(&cut, world.super, world.now);
        world.now += 10 * HF_MILLISECOND;
    }
    assert_true(supers > 20);
    assert_int_equal(whole.received, cut.received);
    assert_int_equal(whole.received, world.sent);
    assert_int_equal(hf_status(whole.stack, whole.accepted, &one), HF_OK);
    assert_int_equal(hf_status(cut.stack, cut.accepted, &two), HF_OK);
    assert_int_equal(one.data_segments_received, two.data_segments_received);
    hf_stack_counters(whole.stack, &counted_one);
    hf_stack_counters(cut.stack, &counted_two);
    assert_int_equal(counted_one.packets_received, counted_two.packets_received);
    hf_stack_free(whole.stack);
    hf_stack_free(cut.stack);
    close_world(&world);
}

/* A packet that came over a wire is verified, whatever its size; one that never was on one cannot
 * be. */
static void wrong_checksums_are_not_masked(void **state)
{
    static struct world world;
    const struct hf_packet_hints joined = {.segment_bytes = 1448};
    struct hf_packet *packet;
    int made = 0;
    (void)state;
    open_world(&world, 0, HF_OUTPUT_SUPER, false);
    for (int step = 0; step < 100 && world.packets[0].segments < 3; step++) {
        hf_send(world.super, world.super_handle, world.data, 65536, 0, world.now);
        made = hf_stack_output_batch(world.super, world.packets, PACKETS, world.flags, world.now);
        if (made > 0 && world.packets[0].segments >= 3) {
            break;
        }
        for (int i = 0; i < made; i++) {
            uint8_t *bytes = world.packets[i].bytes;
            hf_stack_input(world.receiver, bytes, world.packets[i].length, world.now);
        }
        drain_answers(&(struct reader){.stack = world.receiver}, world.super, world.now);
        world.now += HF_MILLISECOND;
    }
    packet = &world.packets[0];
    assert_true(packet->segments >= 3);
    assert_int_equal(packet->flags, 0);
    packet->bytes[packet->length - 1] ^= 1;
    assert_int_equal(
        hf_stack_input_packet(world.receiver, packet->bytes, packet->length, &joined, world.now),
        HF_REASON_TCP_CHECKSUM);
    packet->bytes[packet->length - 1] ^= 1;
    assert_int_equal(
        hf_stack_input_packet(world.receiver, packet->bytes, packet->length, &joined, world.now),
        HF_REASON_ACCEPTED);
    close_world(&world);
}

static void what_is_asked_for_is_checked(void **state)
{
    static struct world world;
    (void)state;
    open_world(&world, 0, 0, false);
    assert_int_equal(hf_stack_output_batch(world.super, world.packets, 1, 8, world.now), HF_EINVAL);
    assert_int_equal(
        hf_stack_output_batch(world.super, world.packets, 1, HF_OUTPUT_PIECES, world.now),
        HF_EINVAL);
    world.packets[1].capacity = MTU;
    assert_int_equal(
        hf_stack_output_batch(world.super, world.packets, 2, HF_OUTPUT_SUPER, world.now),
        HF_EMSGSIZE);
    assert_int_equal(hf_stack_output_batch(world.super, world.packets, 2, 0, world.now), 1);
    assert_int_equal(world.packets[0].segments, 1);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(late_split_is_byte_for_byte_the_same),
        cmocka_unit_test(super_segments_arrive_as_their_segments_do),
        cmocka_unit_test(wrong_checksums_are_not_masked),
        cmocka_unit_test(what_is_asked_for_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
