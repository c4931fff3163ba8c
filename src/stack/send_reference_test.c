/* SPDX-License-Identifier: MIT
 *
 * Twins: two senders of the same seed, one given copies and one given references with copies in
 * between, over a way that loses packets. Both must send the same bytes at the same time, taken out
 * one by one, split late, or in pieces. Each reference stands in a block of its own that is freed
 * the moment it comes back, so whoever reads it later is seen by a sanitizer.
 *
 * Then every way for a connection to end with references outstanding: each comes back once.
 */
#include "stack_test.h"

#include <handfast/zero_copy.h>
#include <stdbool.h>

enum { MTU = 1500, PORT = 80, STREAM = 600000, WRITE_MOST = 30000, SEEDS = 64, STEPS = 20000 };
enum { WAY_PACKETS = 256, BATCH = 4 };

struct way {
    uint32_t count;
    size_t lengths[WAY_PACKETS];
    uint8_t packets[WAY_PACKETS][MTU];
};

struct block {
    uint8_t *bytes;
    size_t length;
    int *outstanding;
};

struct sender {
    struct hf_stack *stack;
    hf_handle handle;
    struct way way;
};

struct world {
    struct sender copies, references;
    struct hf_stack *receiver;
    hf_handle listener, accepted;
    struct way back;
    uint64_t random;
    uint32_t loss_of_100;
    uint32_t output; /* 0: one by one or late; else flags of a batch */
    size_t written, read;
    int outstanding, made;
    bool owned;            /* just now: what comes back need not be acknowledged */
    struct block *last[2]; /* the two made last */
    hf_time now;
};

static uint8_t space[BATCH][HF_PACKET_BYTES];

static uint32_t chance(struct world *world, uint32_t below)
{
    return stack_test_chance(&world->random, below);
}

static uint8_t byte_of_stream(size_t at)
{
    return (uint8_t)(at * 31 + at / 251);
}

static struct hf_stack *make_stack(uint8_t seed, uint32_t variant, uint8_t last)
{
    struct hf_address address = hf_address_ipv4(10, 0, 0, last);
    struct hf_config config = stack_test_config(seed, variant & 3);
    config.late_split = (variant & 4) != 0;
    config.fast_open = HF_FAST_OPEN_CLIENT | HF_FAST_OPEN_SERVER | HF_FAST_OPEN_CLIENT_NO_COOKIE |
                       HF_FAST_OPEN_SERVER_NO_COOKIE;
    config.rest_after_ns = variant & 8 ? 0 : HF_SECOND;
    config.max_references = 100;
    config.mtu = MTU;
    return stack_test_host(&config, &address);
}

static void open_world(struct world *world, uint32_t seed)
{
    struct hf_endpoint at = {hf_address_ipv4(10, 0, 0, 2), PORT};
    memset(world, 0, sizeof *world);
    world->random = seed;
    world->loss_of_100 = seed % 5;
    world->now = HF_SECOND;
    world->output = seed % 3 == 2 ? HF_OUTPUT_SUPER | HF_OUTPUT_PARTIAL | HF_OUTPUT_PIECES : 0;
    world->copies.stack = make_stack(1, seed, 1);
    world->references.stack = make_stack(1, seed, 1);
    world->receiver = make_stack(2, seed & 3, 2);
    assert_int_equal(hf_listen(world->receiver, &at, 5, &world->listener), HF_OK);
    assert_int_equal(hf_connect(world->copies.stack, NULL, &at, world->now, &world->copies.handle),
                     HF_OK);
    assert_int_equal(
        hf_connect(world->references.stack, NULL, &at, world->now, &world->references.handle),
        HF_OK);
}

static void close_world(struct world *world)
{
    hf_stack_free(world->copies.stack);
    hf_stack_free(world->references.stack);
    hf_stack_free(world->receiver);
}

/* ---- out */

static void keep(struct way *way, const uint8_t *packet, size_t length)
{
    assert_true(way->count < WAY_PACKETS);
    memcpy(way->packets[way->count], packet, length);
    way->lengths[way->count++] = length;
}

static void take_batches(struct hf_stack *stack, struct way *way, uint32_t flags, hf_time now)
{
    struct hf_packet packets[BATCH];
    uint8_t packet[MTU];
    int made;
    memset(packets, 0, sizeof packets);
    for (int i = 0; i < BATCH; i++) {
        packets[i].bytes = space[i];
        packets[i].capacity = HF_PACKET_BYTES;
    }
    while ((made = hf_stack_output_batch(stack, packets, BATCH, flags, now)) > 0) {
        for (int i = 0; i < made; i++) {
            for (uint32_t index = 0; index < packets[i].segments; index++) {
                ptrdiff_t length = hf_packet_split(&packets[i], index, packet, MTU);
                assert_true(length > 0);
                keep(way, packet, (size_t)length);
            }
        }
    }
    assert_int_equal(made, 0);
}

static void take_out(const struct world *world, struct hf_stack *stack, struct way *way)
{
    uint8_t packet[MTU];
    ptrdiff_t length;
    way->count = 0;
    if (world->output != 0) {
        take_batches(stack, way, world->output, world->now);
        return;
    }
    while ((length = hf_stack_output(stack, packet, sizeof packet, world->now)) > 0) {
        keep(way, packet, (size_t)length);
    }
}

static void fetch(struct world *world, int error)
{
    struct hf_returned returned;
    while (hf_next_returned(world->references.stack, &returned)) {
        struct block *block = returned.context;
        assert_int_equal(returned.error, error);
        assert_true(returned.connection == world->references.handle);
        assert_ptr_equal(returned.data, block->bytes);
        assert_int_equal(returned.length, block->length);
        assert_true(error == HF_OK ? returned.acknowledged == block->length || world->owned
                                   : returned.acknowledged < block->length);
        --*block->outstanding;
        free(block->bytes);
        free(block);
    }
}

/* ---- in */

static ptrdiff_t refer(struct world *world, const uint8_t *bytes, size_t length)
{
    struct block *block = malloc(sizeof *block);
    ptrdiff_t taken;
    assert_non_null(block);
    *block = (struct block){malloc(length), length, &world->outstanding};
    assert_non_null(block->bytes);
    memcpy(block->bytes, bytes, length);
    taken = hf_send_ref(world->references.stack, world->references.handle, block->bytes, length,
                        block, 0, world->now);
    if (taken <= 0) {
        free(block->bytes);
        free(block);
        return taken;
    }
    block->length = (size_t)taken;
    world->last[world->made % 2] = block;
    world->outstanding++;
    world->made++;
    return taken;
}

static void write_some(struct world *world, size_t until)
{
    static uint8_t bytes[WRITE_MOST];
    size_t length = 1 + chance(world, chance(world, 2) ? WRITE_MOST : 300);
    ptrdiff_t one;
    ptrdiff_t other;
    length = length < until - world->written ? length : until - world->written;
    if (length == 0 || world->outstanding > 90) {
        return;
    }
    for (size_t i = 0; i < length; i++) {
        bytes[i] = byte_of_stream(world->written + i);
    }
    one = hf_send(world->copies.stack, world->copies.handle, bytes, length, 0, world->now);
    if (chance(world, 3) == 0) {
        other = hf_send(world->references.stack, world->references.handle, bytes, length, 0,
                        world->now);
    } else {
        other = refer(world, bytes, length);
    }
    assert_int_equal(one, other);
    world->written += one > 0 ? (size_t)one : 0;
}

static void read_all(struct world *world)
{
    uint8_t bytes[8192];
    ptrdiff_t length;
    if (world->accepted == HF_NO_HANDLE) {
        (void)hf_accept(world->receiver, world->listener, &world->accepted, NULL);
    }
    while ((length = hf_recv(world->receiver, world->accepted, bytes, sizeof bytes, 0,
                             world->now)) > 0) {
        for (ptrdiff_t i = 0; i < length; i++) {
            assert_int_equal(bytes[i], byte_of_stream(world->read + (size_t)i));
        }
        world->read += (size_t)length;
    }
}

static void step(struct world *world)
{
    struct way *one = &world->copies.way;
    struct way *other = &world->references.way;
    take_out(world, world->copies.stack, one);
    take_out(world, world->references.stack, other);
    assert_int_equal(one->count, other->count);
    for (uint32_t i = 0; i < one->count; i++) {
        assert_int_equal(one->lengths[i], other->lengths[i]);
        assert_memory_equal(one->packets[i], other->packets[i], one->lengths[i]);
        if (chance(world, 100) >= world->loss_of_100) {
            (void)hf_stack_input(world->receiver, one->packets[i], one->lengths[i], world->now);
        }
    }
    read_all(world);
    take_out(world, world->receiver, &world->back);
    world->now += HF_MILLISECOND;
    for (uint32_t i = 0; i < world->back.count; i++) {
        if (chance(world, 100) >= world->loss_of_100) {
            (void)hf_stack_input(world->copies.stack, world->back.packets[i],
                                 world->back.lengths[i], world->now);
            (void)hf_stack_input(world->references.stack, world->back.packets[i],
                                 world->back.lengths[i], world->now);
        }
    }
    fetch(world, HF_OK);
}

/* One of them can wait no longer for what it was given: it has copies from then on. */
static void own(struct world *world)
{
    int error = hf_send_own(world->references.stack, world->references.handle);
    assert_int_equal(error, HF_OK);
    world->owned = true;
    fetch(world, HF_OK);
    world->owned = false;
    assert_int_equal(world->outstanding, 0);
}

static void test_twins(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < SEEDS; seed++) {
        struct world *world = malloc(sizeof *world);
        assert_non_null(world);
        open_world(world, seed);
        for (int i = 0; i < STEPS && world->read < STREAM; i++) {
            write_some(world, STREAM);
            if (seed % 2 == 0 && chance(world, 20) == 0) {
                own(world);
            }
            step(world);
        }
        assert_int_equal(world->read, STREAM);
        for (int i = 0; i < 1000 && world->outstanding > 0; i++) {
            step(world);
        }
        assert_true(world->made > 10);
        assert_int_equal(world->outstanding, 0);
        close_world(world);
        free(world);
    }
}

/* ---- ends */

enum way_to_end {
    END_CLOSE_UNREAD, /* the program closes while it has not read all: reset */
    END_ABORT,
    END_PEER_RESETS,
    END_TIMEOUT,
    END_ADDRESS_GONE,
    END_STACK,
    END_CLOSE, /* in order: what was sent still arrives, and then comes back */
    END_COUNT
};

/* Nothing of the sender's arrives any more, and 20,000 bytes in two references are outstanding, of
 * the first of which a part is acknowledged. */
static struct world *halfway(void)
{
    static uint8_t bytes[10000];
    struct world *world = malloc(sizeof *world);
    assert_non_null(world);
    open_world(world, 0);
    for (int i = 0; i < 20; i++) {
        step(world);
    }
    assert_int_equal(hf_send(world->receiver, world->accepted, "unread", 6, 0, world->now), 6);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = byte_of_stream(i);
    }
    assert_int_equal(refer(world, bytes, sizeof bytes), sizeof bytes);
    assert_int_equal(refer(world, bytes, sizeof bytes), sizeof bytes);
    take_out(world, world->references.stack, &world->references.way);
    assert_true(world->references.way.count >= 10);
    for (uint32_t i = 0; i < 3; i++) {
        (void)hf_stack_input(world->receiver, world->references.way.packets[i],
                             world->references.way.lengths[i], world->now);
    }
    take_out(world, world->receiver, &world->back);
    for (uint32_t i = 0; i < world->back.count; i++) {
        (void)hf_stack_input(world->references.stack, world->back.packets[i],
                             world->back.lengths[i], world->now);
    }
    fetch(world, HF_OK);
    assert_int_equal(world->outstanding, 2);
    return world;
}

/* What the references say when it ended this way; nothing: they say nothing. */
static int end(struct world *world, enum way_to_end how)
{
    struct hf_stack *stack = world->references.stack;
    struct hf_address address = hf_address_ipv4(10, 0, 0, 1);
    switch (how) {
    case END_CLOSE_UNREAD:
        assert_int_equal(hf_close(stack, world->references.handle, world->now), HF_OK);
        return HF_ECONNABORTED;
    case END_ABORT:
        assert_int_equal(hf_abort(stack, world->references.handle, world->now), HF_OK);
        return HF_ECONNABORTED;
    case END_PEER_RESETS:
        assert_int_equal(hf_abort(world->receiver, world->accepted, world->now), HF_OK);
        take_out(world, world->receiver, &world->back);
        assert_int_equal(world->back.count, 1);
        (void)hf_stack_input(stack, world->back.packets[0], world->back.lengths[0], world->now);
        return HF_ECONNRESET;
    case END_TIMEOUT:
        for (int i = 0; i < 3600; i++) {
            world->now += HF_SECOND;
            take_out(world, stack, &world->references.way);
        }
        return HF_ETIMEDOUT;
    case END_ADDRESS_GONE:
        assert_int_equal(hf_stack_remove_address(stack, &address, world->now), HF_OK);
        return HF_EADDRNOTAVAIL;
    case END_STACK:
    case END_CLOSE:
    case END_COUNT:
        break;
    }
    return HF_OK;
}

static void finish_in_order(struct world *world)
{
    uint8_t unread[6];
    struct hf_stack *stack = world->references.stack;
    assert_int_equal(hf_recv(stack, world->references.handle, unread, 6, 0, world->now), 6);
    assert_int_equal(hf_close(stack, world->references.handle, world->now), HF_OK);
    for (int i = 0; i < 5000 && world->outstanding > 0; i++) {
        take_out(world, stack, &world->references.way);
        for (uint32_t k = 0; k < world->references.way.count; k++) {
            (void)hf_stack_input(world->receiver, world->references.way.packets[k],
                                 world->references.way.lengths[k], world->now);
        }
        take_out(world, world->receiver, &world->back);
        world->now += HF_MILLISECOND;
        for (uint32_t k = 0; k < world->back.count; k++) {
            (void)hf_stack_input(stack, world->back.packets[k], world->back.lengths[k], world->now);
        }
        fetch(world, HF_OK);
    }
}

static void test_ends(void **state)
{
    (void)state;
    for (int how = 0; how < END_COUNT; how++) {
        struct world *world = halfway();
        if (how == END_CLOSE) {
            finish_in_order(world);
        } else if (how != END_STACK) {
            fetch(world, end(world, (enum way_to_end)how));
        }
        assert_int_equal(world->outstanding, how == END_STACK ? 2 : 0);
        close_world(world);
        for (int i = 0; i < world->outstanding; i++) {
            free(world->last[i]->bytes);
            free(world->last[i]);
        }
        free(world);
    }
}

/* ---- limits and errors */

static void test_limits(void **state)
{
    struct world *world = malloc(sizeof *world);
    struct hf_stack *stack;
    struct hf_returned returned;
    struct hf_counters counters;
    struct hf_status status;
    int count = 0;
    hf_handle handle;
    (void)state;
    assert_non_null(world);
    open_world(world, 0);
    stack = world->references.stack;
    handle = world->references.handle;
    assert_int_equal(hf_send_ref(stack, HF_NO_HANDLE, "a", 1, NULL, 0, world->now), HF_EBADF);
    assert_int_equal(hf_send_own(stack, HF_NO_HANDLE), HF_EBADF);
    assert_int_equal(hf_send_ref(stack, handle, "a", 0, NULL, 0, world->now), 0);
    assert_int_equal(hf_next_returned(stack, &returned), 0);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(hf_send_ref(stack, handle, "a", 1, NULL, 0, world->now), 1);
    }
    assert_int_equal(hf_send_ref(stack, handle, "a", 1, NULL, 0, world->now), HF_ENOBUFS);
    hf_stack_counters(stack, &counters);
    assert_int_equal(counters.references, 100);
    assert_int_equal(counters.references_refused, 1);
    assert_int_equal(hf_send(stack, handle, "a", 1, 0, world->now), 1);
    assert_int_equal(hf_status(stack, handle, &status), HF_OK);
    assert_int_equal(status.send_queue_bytes, 101);
    assert_int_equal(hf_set_option(stack, handle, HF_OPTION_SEND_BUFFER, 256, world->now), HF_OK);
    assert_int_equal(hf_abort(stack, handle, world->now), HF_OK);
    assert_int_equal(hf_send_ref(stack, handle, "a", 1, NULL, 0, world->now), HF_EBADF);
    while (hf_next_returned(stack, &returned)) {
        assert_int_equal(returned.acknowledged, 0);
        count++;
    }
    assert_int_equal(count, 100);
    close_world(world);
    free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_twins),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
