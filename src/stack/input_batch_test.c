/* SPDX-License-Identifier: MIT
 *
 * Twins: two receivers of the same seed, one handed each packet by itself and one handed them in
 * batches. What a sender sends them is lost, changed, repeated and put out of order on the way.
 * Both must read the same bytes, count the same, and answer with the same bytes at the end of each
 * batch; and the answers of the first drive the sender.
 */
#include "stack_test.h"

#include <handfast/zero_copy.h>

enum { MTU = 1500, BATCH = 64, STEPS = 600, PORT = 80, WRITE_MOST = 120000, SEEDS = 96 };

struct list {
    uint32_t count;
    size_t lengths[BATCH];
    uint8_t packets[BATCH][MTU];
};

struct reader {
    struct hf_stack *stack;
    hf_handle listener, accepted;
    size_t received;
};

struct world {
    struct hf_stack *sender;
    hf_handle handle;
    struct reader single, batch;
    struct list way, answers, other_answers;
    uint64_t random;
    uint32_t chance_of_100; /* that something happens to a packet */
    uint64_t offered;       /* packets given to either */
    hf_time now;
};

static uint32_t chance(struct world *world, uint32_t below)
{
    return stack_test_chance(&world->random, below);
}

static uint8_t byte_of_stream(size_t at)
{
    return (uint8_t)(at * 31 + at / 251);
}

static struct hf_stack *make_stack(uint8_t seed, const struct hf_address *address, uint32_t variant)
{
    struct hf_config config = stack_test_config(seed, variant);
    config.burst_segments = variant & 8 ? 2 : 0;
    config.memory_bytes = variant % 5 == 4 ? 300000 : config.memory_bytes;
    config.mtu = MTU;
    return stack_test_host(&config, address);
}

static void open_world(struct world *world, uint32_t seed)
{
    const uint8_t bytes[16] = {0xfd, [15] = 1}, others[16] = {0xfd, [15] = 2};
    bool ipv6 = seed % 3 == 2;
    struct hf_address address = ipv6 ? hf_address_ipv6(bytes) : hf_address_ipv4(10, 0, 0, 1);
    struct hf_address other = ipv6 ? hf_address_ipv6(others) : hf_address_ipv4(10, 0, 0, 2);
    struct hf_endpoint at = {other, PORT};
    memset(world, 0, sizeof *world);
    world->random = seed;
    world->chance_of_100 = seed % 4 == 0 ? 0 : seed % 9;
    world->now = HF_SECOND;
    world->sender = make_stack(1, &address, seed & 15);
    world->single.stack = make_stack(2, &other, seed);
    world->batch.stack = make_stack(2, &other, seed);
    assert_int_equal(hf_listen(world->single.stack, &at, 5, &world->single.listener), HF_OK);
    assert_int_equal(hf_listen(world->batch.stack, &at, 5, &world->batch.listener), HF_OK);
    assert_int_equal(hf_connect(world->sender, NULL, &at, world->now, &world->handle), HF_OK);
}

static void close_world(struct world *world)
{
    hf_stack_free(world->sender);
    hf_stack_free(world->single.stack);
    hf_stack_free(world->batch.stack);
}

/* ---- the way */

static void keep(struct list *list, const uint8_t *packet, size_t length)
{
    if (list->count < BATCH) {
        memcpy(list->packets[list->count], packet, length);
        list->lengths[list->count++] = length;
    }
}

/* A bit of it turns round: anywhere, for both receivers must refuse the same. */
static void damage(struct world *world, struct list *list, uint32_t index)
{
    uint32_t at = chance(world, (uint32_t)list->lengths[index]);
    list->packets[index][at] ^= (uint8_t)(1u << chance(world, 8));
}

static void swap(struct list *list, uint32_t one, uint32_t two)
{
    uint8_t packet[MTU];
    size_t length = list->lengths[one];
    memcpy(packet, list->packets[one], MTU);
    memcpy(list->packets[one], list->packets[two], MTU);
    memcpy(list->packets[two], packet, MTU);
    list->lengths[one] = list->lengths[two];
    list->lengths[two] = length;
}

static void fill_way(struct world *world)
{
    uint8_t packet[MTU];
    ptrdiff_t length;
    uint32_t most = 1 + chance(world, BATCH);
    world->way.count = 0;
    while (world->way.count < most &&
           (length = hf_stack_output(world->sender, packet, sizeof packet, world->now)) > 0) {
        bool happens = chance(world, 100) < world->chance_of_100;
        uint32_t what = happens ? chance(world, 4) : 4;
        if (what == 0) {
            continue; /* lost */
        }
        keep(&world->way, packet, (size_t)length);
        if (what == 1) {
            damage(world, &world->way, world->way.count - 1);
        } else if (what == 2) {
            keep(&world->way, packet, (size_t)length);
        } else if (what == 3 && world->way.count > 1) {
            swap(&world->way, world->way.count - 1, chance(world, world->way.count - 1));
        }
    }
}

static void hand_over(struct world *world)
{
    struct hf_arriving arriving[BATCH];
    memset(arriving, 0, sizeof arriving);
    for (uint32_t i = 0; i < world->way.count; i++) {
        arriving[i].bytes = world->way.packets[i];
        arriving[i].length = world->way.lengths[i];
        (void)hf_stack_input(world->single.stack, world->way.packets[i], world->way.lengths[i],
                             world->now);
    }
    hf_stack_input_batch(world->batch.stack, arriving, world->way.count, world->now);
    world->offered += world->way.count;
}

static void collect(struct hf_stack *stack, struct list *answers, hf_time now)
{
    uint8_t packet[MTU];
    ptrdiff_t length;
    answers->count = 0;
    while ((length = hf_stack_output(stack, packet, sizeof packet, now)) > 0) {
        keep(answers, packet, (size_t)length);
    }
}

static void answer(struct world *world)
{
    collect(world->single.stack, &world->answers, world->now);
    collect(world->batch.stack, &world->other_answers, world->now);
    assert_int_equal(world->answers.count, world->other_answers.count);
    for (uint32_t i = 0; i < world->answers.count; i++) {
        size_t length = world->answers.lengths[i];
        assert_int_equal(length, world->other_answers.lengths[i]);
        assert_memory_equal(world->answers.packets[i], world->other_answers.packets[i], length);
        (void)hf_stack_input(world->sender, world->answers.packets[i], length, world->now);
    }
}

/* ---- the programs */

static void read_some(struct reader *reader, size_t most, hf_time now)
{
    static uint8_t buffer[65536];
    ptrdiff_t length;
    if (reader->accepted == HF_NO_HANDLE) {
        (void)hf_accept(reader->stack, reader->listener, &reader->accepted, NULL);
    }
    most = most < sizeof buffer ? most : sizeof buffer;
    if (reader->accepted == HF_NO_HANDLE || most == 0) {
        return;
    }
    length = hf_recv(reader->stack, reader->accepted, buffer, most, 0, now);
    for (ptrdiff_t i = 0; i < length; i++) {
        assert_int_equal(buffer[i], byte_of_stream(reader->received + (size_t)i));
    }
    reader->received += length > 0 ? (size_t)length : 0;
}

/* The same without a copy. */
static void read_some_in_place(struct reader *reader, size_t most, hf_time now)
{
    struct hf_piece pieces[17];
    uint32_t count = 17;
    size_t taken = 0;
    ptrdiff_t length;
    read_some(reader, 0, now); /* accepts */
    if (reader->accepted == HF_NO_HANDLE || most == 0) {
        return;
    }
    length = hf_recv_ref(reader->stack, reader->accepted, pieces, &count);
    if (length <= 0) {
        assert_int_equal(count, 0);
        return;
    }
    assert_int_equal(hf_recv_release(reader->stack, reader->accepted, (size_t)1 << 31, now),
                     HF_EINVAL);
    for (uint32_t i = 0; i < count && taken < most; i++) {
        const uint8_t *bytes = pieces[i].data;
        for (size_t each = 0; each < pieces[i].length && taken < most; each++) {
            assert_int_equal(bytes[each], byte_of_stream(reader->received + taken++));
        }
    }
    assert_int_equal(hf_recv_release(reader->stack, reader->accepted, taken, now), HF_OK);
    reader->received += taken;
}

static void write_some(struct world *world, size_t *written)
{
    static uint8_t buffer[WRITE_MOST];
    size_t length = 1 + chance(world, chance(world, 3) ? WRITE_MOST - 1 : 3000);
    ptrdiff_t taken;
    for (size_t i = 0; i < length; i++) {
        buffer[i] = byte_of_stream(*written + i);
    }
    taken = hf_send(world->sender, world->handle, buffer, length,
                    chance(world, 60) == 0 ? HF_SEND_URGENT : 0, world->now);
    *written += taken > 0 ? (size_t)taken : 0;
}

static void assert_same_counters(const struct world *world)
{
    struct hf_counters one, two;
    struct hf_status first, second;
    hf_stack_counters(world->single.stack, &one);
    hf_stack_counters(world->batch.stack, &two);
    assert_int_equal(one.packets_received, world->offered);
    assert_int_equal(two.packets_received, world->offered);
    assert_int_equal(one.packets_joined, 0);
    assert_true(two.packets_joined > world->offered / 10);
    assert_int_equal(one.packets_sent, two.packets_sent);
    assert_memory_equal(one.dropped, two.dropped, sizeof one.dropped);
    assert_int_equal(hf_status(world->single.stack, world->single.accepted, &first), HF_OK);
    assert_int_equal(hf_status(world->batch.stack, world->batch.accepted, &second), HF_OK);
    assert_int_equal(first.data_segments_received, second.data_segments_received);
    assert_int_equal(first.out_of_order_segments, second.out_of_order_segments);
    assert_int_equal(first.receive_buffer_bytes, second.receive_buffer_bytes);
}

static void run_twins(uint32_t seed)
{
    static struct world world;
    size_t written = 0;
    open_world(&world, seed);
    for (int step = 0; step < STEPS; step++) {
        if (chance(&world, 3) != 0) {
            write_some(&world, &written);
        }
        fill_way(&world);
        hand_over(&world);
        if (chance(&world, 4) != 0) {
            size_t most = chance(&world, chance(&world, 2) ? 65536 : 4000);
            read_some(&world.single, most, world.now);
            if (seed & 16) {
                read_some_in_place(&world.batch, most, world.now);
            } else {
                read_some(&world.batch, most, world.now);
            }
        }
        assert_int_equal(world.single.received, world.batch.received);
        answer(&world);
        world.now += 1 + chance(&world, chance(&world, 20) ? HF_MILLISECOND : HF_SECOND);
    }
    assert_true(world.single.received > 100000);
    assert_same_counters(&world);
    close_world(&world);
}

static void batches_do_what_singles_do(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < SEEDS; seed++) {
        run_twins(seed);
    }
}

/* ---- when nothing is joined */

static void count_events(void *context, const struct hf_trace_event *event)
{
    unsigned *received = context;
    *received += event->kind == HF_TRACE_RECEIVED;
}

/* Five segments in order, given as a batch to a receiver with this configuration: how many joined.
 */
static uint64_t joined_of_five(const struct hf_config *config, uint32_t hints)
{
    static struct world world;
    struct hf_arriving arriving[5];
    struct hf_counters counters;
    struct hf_address other = hf_address_ipv4(10, 0, 0, 2);
    struct hf_endpoint at = {other, PORT};
    uint8_t data[5 * MTU];
    open_world(&world, 0);
    hf_stack_free(world.batch.stack);
    world.batch.stack = hf_stack_new(config);
    assert_non_null(world.batch.stack);
    assert_int_equal(hf_stack_add_address(world.batch.stack, &other), HF_OK);
    assert_int_equal(hf_listen(world.batch.stack, &at, 5, &world.batch.listener), HF_OK);
    for (int i = 0; i < 3; i++) {
        fill_way(&world);
        for (uint32_t each = 0; each < world.way.count; each++) {
            hf_stack_input(world.batch.stack, world.way.packets[each], world.way.lengths[each],
                           world.now);
        }
        collect(world.batch.stack, &world.answers, world.now);
        for (uint32_t each = 0; each < world.answers.count; each++) {
            hf_stack_input(world.sender, world.answers.packets[each], world.answers.lengths[each],
                           world.now);
        }
    }
    memset(data, 7, sizeof data);
    memset(arriving, 0, sizeof arriving);
    assert_true(hf_send(world.sender, world.handle, data, sizeof data, 0, world.now) > 0);
    world.way.count = 0;
    while (world.way.count < 5) {
        uint8_t packet[MTU];
        ptrdiff_t length = hf_stack_output(world.sender, packet, sizeof packet, world.now);
        assert_true(length > 0);
        keep(&world.way, packet, (size_t)length);
    }
    for (uint32_t i = 0; i < 5; i++) {
        arriving[i].bytes = world.way.packets[i];
        arriving[i].length = world.way.lengths[i];
        if (hints != 0) { /* no checksum to be verified, so a wrong one does not matter */
            world.way.packets[i][36] ^= 1;
            arriving[i].hints.flags = hints;
        }
    }
    hf_stack_input_batch(world.batch.stack, arriving, 5, world.now);
    read_some(&world.batch, 0, world.now);
    assert_int_equal(
        hf_recv(world.batch.stack, world.batch.accepted, data, sizeof data, 0, world.now),
        5 * 1448);
    hf_stack_counters(world.batch.stack, &counters);
    close_world(&world);
    return counters.packets_joined;
}

static void joining_can_be_switched_off(void **state)
{
    struct hf_config config = hf_config_bare();
    unsigned received = 0;
    (void)state;
    config.allocator = (struct hf_allocator){stack_test_allocate, stack_test_release, NULL};
    assert_int_equal(joined_of_five(&config, 0), 4);
    assert_int_equal(joined_of_five(&config, HF_PACKET_CHECKSUM_VALID), 4);
    assert_int_equal(joined_of_five(&config, HF_PACKET_CHECKSUM_PARTIAL), 4);
    config.join_received = 0;
    assert_int_equal(joined_of_five(&config, 0), 0);
    config.join_received = 1;
    config.trace.event = count_events;
    config.trace.context = &received;
    assert_int_equal(joined_of_five(&config, 0), 0);
    assert_true(received >= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_do_what_singles_do),
        cmocka_unit_test(joining_can_be_switched_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
