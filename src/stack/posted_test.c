/* SPDX-License-Identifier: MIT
 *
 * A posted buffer against hf_recv: two receivers of the same seed are handed the same packets,
 * lost, damaged, repeated and out of order on the way. The program of one reads whatever has come
 * after each packet; the other one's has posted a buffer and takes it back now and then. Packet by
 * packet both must answer with the same bytes; in batches the second must read the stream all the
 * same.
 */
#include "stack_test.h"

#include <handfast/zero_copy.h>

enum { MTU = 1500, WAY = 48, STEPS = 400, PORT = 80, WRITE_MOST = 100000, POST_MOST = 80000 };
#define GUARD 0xa5

struct reader {
    struct hf_stack *stack;
    hf_handle listener, accepted;
    size_t received;
    size_t posted; /* length of the buffer that the stack has */
};

struct world {
    struct hf_stack *sender;
    hf_handle handle;
    struct reader reads, posts;
    uint32_t count;
    size_t lengths[WAY];
    uint8_t packets[WAY][MTU];
    uint64_t random;
    uint32_t chance_of_100; /* that something happens to a packet */
    bool batches;
    size_t written;
    hf_time now;
};

static uint8_t space[POST_MOST + 16];

static uint32_t chance(struct world *world, uint32_t below)
{
    return stack_test_chance(&world->random, below);
}

static uint8_t byte_of_stream(size_t at)
{
    return (uint8_t)(at * 31 + at / 251);
}

static void open_world(struct world *world, uint32_t seed)
{
    struct hf_address address = hf_address_ipv4(10, 0, 0, 1);
    struct hf_address other = hf_address_ipv4(10, 0, 0, 2);
    struct hf_endpoint at = {other, PORT};
    struct hf_config config = stack_test_config(1, seed & 15);
    memset(world, 0, sizeof *world);
    world->random = seed;
    world->chance_of_100 = seed % 4 == 0 ? 0 : seed % 9;
    world->batches = seed & 1;
    world->now = HF_SECOND;
    config.mtu = MTU;
    world->sender = stack_test_host(&config, &address);
    config = stack_test_config(2, seed);
    config.mtu = MTU;
    config.rest_after_ns = seed % 3 == 0 ? 0 : HF_MILLISECOND;
    world->reads.stack = stack_test_host(&config, &other);
    world->posts.stack = stack_test_host(&config, &other);
    assert_int_equal(hf_listen(world->reads.stack, &at, 5, &world->reads.listener), HF_OK);
    assert_int_equal(hf_listen(world->posts.stack, &at, 5, &world->posts.listener), HF_OK);
    assert_int_equal(hf_connect(world->sender, NULL, &at, world->now, &world->handle), HF_OK);
}

static void close_world(struct world *world)
{
    hf_stack_free(world->sender);
    hf_stack_free(world->reads.stack);
    hf_stack_free(world->posts.stack);
}

/* ---- the way */

static void keep(struct world *world, const uint8_t *packet, size_t length)
{
    if (world->count < WAY) {
        memcpy(world->packets[world->count], packet, length);
        world->lengths[world->count++] = length;
    }
}

static void swap_with_last(struct world *world, uint32_t other)
{
    uint8_t packet[MTU];
    uint32_t last = world->count - 1;
    size_t length = world->lengths[other];
    memcpy(packet, world->packets[other], MTU);
    memcpy(world->packets[other], world->packets[last], MTU);
    memcpy(world->packets[last], packet, MTU);
    world->lengths[other] = world->lengths[last];
    world->lengths[last] = length;
}

static void fill_way(struct world *world)
{
    uint8_t packet[MTU];
    ptrdiff_t length;
    world->count = 0;
    while (world->count < WAY &&
           (length = hf_stack_output(world->sender, packet, sizeof packet, world->now)) > 0) {
        uint32_t what = chance(world, 100) < world->chance_of_100 ? chance(world, 4) : 4;
        if (what == 0) {
            continue; /* lost */
        }
        if (what == 1) {
            packet[chance(world, (uint32_t)length)] ^= (uint8_t)(1u << chance(world, 8));
        }
        keep(world, packet, (size_t)length);
        if (what == 2) {
            keep(world, packet, (size_t)length);
        } else if (what == 3 && world->count > 1) {
            swap_with_last(world, chance(world, world->count - 1));
        }
    }
}

/* ---- the programs */

static void assert_stream(struct reader *reader, const uint8_t *bytes, ptrdiff_t length)
{
    for (ptrdiff_t i = 0; i < length; i++) {
        assert_int_equal(bytes[i], byte_of_stream(reader->received + (size_t)i));
    }
    reader->received += length > 0 ? (size_t)length : 0;
}

static void accept_one(struct reader *reader)
{
    if (reader->accepted == HF_NO_HANDLE) {
        (void)hf_accept(reader->stack, reader->listener, &reader->accepted, NULL);
    }
}

static void read_all(struct reader *reader, hf_time now)
{
    static uint8_t buffer[POST_MOST];
    accept_one(reader);
    if (reader->accepted != HF_NO_HANDLE) {
        assert_stream(reader, buffer,
                      hf_recv(reader->stack, reader->accepted, buffer, sizeof buffer, 0, now));
    }
}

static void take_back(struct reader *reader, hf_time now)
{
    ptrdiff_t length;
    if (reader->posted == 0) {
        return;
    }
    length = hf_recv_posted(reader->stack, reader->accepted, now);
    assert_true(length == HF_EAGAIN || (length > 0 && (size_t)length <= reader->posted));
    for (size_t i = 0; i < 16; i++) {
        assert_int_equal(space[reader->posted + i], GUARD);
    }
    assert_stream(reader, space, length);
    assert_int_equal(hf_recv_posted(reader->stack, reader->accepted, now), HF_EINVAL);
    reader->posted = 0;
}

/* A buffer that never gets full makes it the twin of one that reads all. */
static void post(struct world *world)
{
    struct reader *reader = &world->posts;
    size_t length =
        world->batches ? 1 + chance(world, chance(world, 2) ? POST_MOST : 3000) : POST_MOST;
    length = length < POST_MOST ? length : POST_MOST;
    accept_one(reader);
    if (reader->accepted == HF_NO_HANDLE || reader->posted != 0) {
        return;
    }
    memset(space, GUARD, sizeof space);
    assert_int_equal(hf_recv_post(reader->stack, reader->accepted, space, 0, world->now),
                     HF_EINVAL);
    assert_int_equal(hf_recv_post(reader->stack, reader->accepted, space, length, world->now),
                     HF_OK);
    assert_int_equal(hf_recv_post(reader->stack, reader->accepted, space, length, world->now),
                     HF_EINVAL);
    reader->posted = length;
}

static void hand_over(struct world *world)
{
    struct hf_arriving arriving[WAY];
    memset(arriving, 0, sizeof arriving);
    for (uint32_t i = 0; i < world->count; i++) {
        arriving[i].bytes = world->packets[i];
        arriving[i].length = world->lengths[i];
        (void)hf_stack_input(world->reads.stack, world->packets[i], world->lengths[i], world->now);
        read_all(&world->reads, world->now);
        if (!world->batches) {
            (void)hf_stack_input(world->posts.stack, world->packets[i], world->lengths[i],
                                 world->now);
            if (world->posts.posted == 0) {
                post(world);
            }
        }
    }
    if (world->batches) {
        hf_stack_input_batch(world->posts.stack, arriving, world->count, world->now);
    }
}

/* In batches the second one's answers drive the sender, else both answer alike. */
static void answer(struct world *world)
{
    uint8_t one[MTU], two[MTU];
    ptrdiff_t length;
    do {
        ptrdiff_t other = hf_stack_output(world->reads.stack, one, sizeof one, world->now);
        length = hf_stack_output(world->posts.stack, two, sizeof two, world->now);
        if (!world->batches) {
            assert_int_equal(length, other);
            assert_memory_equal(one, two, length > 0 ? (size_t)length : 0);
        }
        if (length > 0) {
            (void)hf_stack_input(world->sender, two, (size_t)length, world->now);
        }
    } while (length > 0);
}

static void write_some(struct world *world)
{
    static uint8_t buffer[WRITE_MOST];
    size_t length = 1 + chance(world, chance(world, 3) ? WRITE_MOST - 1 : 3000);
    ptrdiff_t taken;
    for (size_t i = 0; i < length; i++) {
        buffer[i] = byte_of_stream(world->written + i);
    }
    taken = hf_send(world->sender, world->handle, buffer, length, 0, world->now);
    world->written += taken > 0 ? (size_t)taken : 0;
}

static void run_twins(uint32_t seed)
{
    static struct world world;
    open_world(&world, seed);
    for (int step = 0; step < STEPS; step++) {
        if (chance(&world, 3) != 0) {
            write_some(&world);
        }
        fill_way(&world);
        hand_over(&world);
        if (!world.batches || chance(&world, 3) == 0) {
            take_back(&world.posts, world.now);
            if (world.batches && chance(&world, 4) == 0) {
                read_all(&world.posts, world.now);
            }
            post(&world);
        }
        if (!world.batches) {
            assert_int_equal(world.reads.received, world.posts.received);
        }
        answer(&world);
        world.now += 1 + chance(&world, chance(&world, 20) ? HF_MILLISECOND : HF_SECOND);
    }
    assert_true(world.posts.received > 100000);
    assert_true(world.posts.received <= world.written);
    close_world(&world);
}

static void posted_is_as_read(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 64; seed++) {
        run_twins(seed);
    }
}

/* ---- the connection's end */

static void pump(struct world *world)
{
    for (int i = 0; i < 4; i++) {
        fill_way(world);
        hand_over(world);
        answer(world);
    }
}

/* What came before the FIN, then 0; an error where there is one; and nothing after a close. */
static void ends(void **state)
{
    static struct world world;
    struct reader *reader = &world.posts;
    uint8_t bytes[12];
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = byte_of_stream(i);
    }
    for (int kind = 0; kind < 3; kind++) {
        open_world(&world, 1);
        world.chance_of_100 = 0;
        pump(&world);
        accept_one(reader);
        assert_int_equal(hf_recv_posted(reader->stack, reader->accepted, world.now), HF_EINVAL);
        assert_int_equal(hf_recv_posted(reader->stack, reader->listener, world.now), HF_EOPNOTSUPP);
        memset(space, GUARD, sizeof space);
        assert_int_equal(hf_recv_post(reader->stack, reader->accepted, space, 100, world.now),
                         HF_OK);
        if (kind == 2) {
            assert_int_equal(hf_close(reader->stack, reader->accepted, world.now), HF_OK);
        }
        assert_int_equal(hf_send(world.sender, world.handle, bytes, sizeof bytes, 0, world.now),
                         12);
        pump(&world);
        if (kind == 2) {
            assert_int_equal(space[0], GUARD);
            assert_int_equal(hf_recv_posted(reader->stack, reader->accepted, world.now), HF_EBADF);
            close_world(&world);
            continue;
        }
        assert_int_equal(kind == 0 ? hf_close(world.sender, world.handle, world.now)
                                   : hf_abort(world.sender, world.handle, world.now),
                         HF_OK);
        pump(&world);
        assert_int_equal(hf_recv_posted(reader->stack, reader->accepted, world.now), 12);
        assert_memory_equal(space, bytes, sizeof bytes);
        assert_int_equal(space[12], GUARD);
        assert_int_equal(hf_recv_post(reader->stack, reader->accepted, space, 100, world.now),
                         HF_OK);
        assert_int_equal(hf_recv_posted(reader->stack, reader->accepted, world.now),
                         kind == 0 ? 0 : HF_ECONNRESET);
        close_world(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(posted_is_as_read),
        cmocka_unit_test(ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
