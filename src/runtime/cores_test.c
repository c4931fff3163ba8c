/* SPDX-License-Identifier: MIT
 *
 * Cores in virtual time, by one thread: a host of three against a host of one stack. Its packets
 * arrive at any of the three, as a network card with a hash of its own would have it, and find
 * their way. Connections are opened both ways, each echoes what only it carries, and all of it is
 * exact; with rings that are full at times, too.
 */
#include <handfast/cores.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CORES = 3, EACH = 12, CALLS = 2 * CORES * EACH, BYTES = 60000, PORT = 7, MTU = 1500 };
enum { STEPS = 30000, QUEUE = 64 };

/* One end of a connection that asks; the other echoes. */
struct call {
    struct hf_stack *stack;
    hf_handle handle;
    size_t sent, received;
    bool over;
};

struct world {
    struct hf_cores *cores;
    struct hf_stack *single;
    struct call calls[CALLS];
    uint64_t random;
    hf_time now;
    bool astray; /* packets arrive at any core, or else at the first */
};

static uint32_t chance(struct world *world, uint32_t below)
{
    world->random = world->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(world->random >> 33) % below;
}

static uint8_t byte_of(size_t call, size_t at)
{
    return (uint8_t)(call * 53 + at * 7 + at / 256);
}

static void listen_at(struct hf_stack *stack, const struct hf_address *address)
{
    struct hf_endpoint at = {*address, PORT};
    hf_handle listener;
    assert_int_equal(hf_listen(stack, &at, 100, &listener), HF_OK);
}

static void open_world(struct world *world, uint64_t seed, bool astray)
{
    struct hf_cores_config config = hf_cores_config_default();
    struct hf_address many = hf_address_ipv4(10, 0, 0, 1), one = hf_address_ipv4(10, 0, 0, 2);
    struct hf_endpoint to_many = {many, PORT}, to_one = {one, PORT};
    memset(world, 0, sizeof *world);
    world->random = seed;
    world->now = HF_SECOND;
    world->astray = astray;
    memset(config.stack.seed, (int)seed, sizeof config.stack.seed);
    config.cores = CORES;
    config.ring_bytes = 262144;
    world->cores = hf_cores_new(&config);
    assert_non_null(world->cores);
    assert_int_equal(hf_cores_count(world->cores), CORES);
    assert_int_equal(hf_cores_add_address(world->cores, &many), HF_OK);
    assert_int_equal(hf_cores_add_address(world->cores, &many), HF_EADDRINUSE);
    assert_true(hf_stack_has_address(hf_cores_stack(world->cores, CORES - 1), &many));
    config.stack.seed[0] ^= 1;
    world->single = hf_stack_new(&config.stack);
    assert_non_null(world->single);
    assert_int_equal(hf_stack_add_address(world->single, &one), HF_OK);
    listen_at(world->single, &one);
    for (uint32_t core = 0; core < CORES; core++)
        listen_at(hf_cores_stack(world->cores, core), &many);
    for (uint32_t i = 0; i < CALLS; i++) {
        struct call *call = &world->calls[i];
        bool from_many = i % 2 == 0;
        call->stack = from_many ? hf_cores_stack(world->cores, i / 2 % CORES) : world->single;
        assert_int_equal(hf_connect(call->stack, NULL, from_many ? &to_one : &to_many, world->now,
                                    &call->handle),
                         HF_OK);
    }
}

/* ---- programs */

static void echo(struct hf_stack *stack, hf_handle handle, hf_time now)
{
    struct hf_piece piece;
    uint32_t count = 1;
    ptrdiff_t length, taken = 1;
    while (taken > 0 && (length = hf_recv_ref(stack, handle, &piece, &count)) > 0) {
        taken = hf_send(stack, handle, piece.data, piece.length, 0, now);
        if (taken > 0)
            assert_int_equal(hf_recv_release(stack, handle, (size_t)taken, now), HF_OK);
    }
    if (taken > 0 && length == 0)
        (void)hf_close(stack, handle, now);
}

static void ask(struct world *world, uint32_t index)
{
    struct call *call = &world->calls[index];
    uint8_t bytes[3000];
    ptrdiff_t length;
    if (call->over)
        return;
    if (call->sent < BYTES) {
        size_t more = 1 + chance(world, sizeof bytes);
        more = more < BYTES - call->sent ? more : BYTES - call->sent;
        for (size_t i = 0; i < more; i++)
            bytes[i] = byte_of(index, call->sent + i);
        length = hf_send(call->stack, call->handle, bytes, more, 0, world->now);
        assert_true(length > 0 || length == HF_EAGAIN);
        call->sent += length > 0 ? (size_t)length : 0;
        if (call->sent == BYTES)
            assert_int_equal(hf_shutdown(call->stack, call->handle, world->now), HF_OK);
    }
    while ((length = hf_recv(call->stack, call->handle, bytes, sizeof bytes, 0, world->now)) > 0) {
        for (ptrdiff_t i = 0; i < length; i++)
            assert_int_equal(bytes[i], byte_of(index, call->received + (size_t)i));
        call->received += (size_t)length;
    }
    assert_true(length == 0 || length == HF_EAGAIN || length == HF_ENOTCONN);
    if (length == 0) {
        assert_int_equal(call->received, BYTES);
        assert_int_equal(hf_close(call->stack, call->handle, world->now), HF_OK);
        call->over = true;
    }
}

static void serve(struct world *world, struct hf_stack *stack)
{
    struct hf_event event;
    while (hf_stack_next_event(stack, &event)) {
        bool asks = false;
        hf_handle accepted;
        for (uint32_t i = 0; i < CALLS; i++)
            asks |= world->calls[i].stack == stack && world->calls[i].handle == event.handle;
        if (event.type == HF_EVENT_ACCEPTABLE) {
            while (hf_accept(stack, event.handle, &accepted, NULL) == HF_OK)
                echo(stack, accepted, world->now);
        } else if (!asks) {
            echo(stack, event.handle, world->now);
        }
    }
}

/* ---- the way */

static void to_single(struct world *world, struct hf_stack *from)
{
    uint8_t packet[MTU];
    ptrdiff_t length;
    while ((length = hf_stack_output(from, packet, MTU, world->now)) > 0)
        (void)hf_stack_input(world->single, packet, (size_t)length, world->now);
}

/* In batches to the cores, as they come. */
static void to_cores(struct world *world)
{
    static uint8_t packets[QUEUE][MTU];
    struct hf_arriving arriving[QUEUE];
    uint32_t count;
    do {
        ptrdiff_t length = 0;
        uint32_t core = world->astray ? chance(world, CORES) : 0;
        for (count = 0; count < QUEUE; count++) {
            length = hf_stack_output(world->single, packets[count], MTU, world->now);
            if (length <= 0)
                break;
            arriving[count] =
                (struct hf_arriving){.bytes = packets[count], .length = (size_t)length};
        }
        (void)hf_cores_input(world->cores, core, arriving, count, world->now);
    } while (count == QUEUE);
}

static bool step(struct world *world)
{
    bool over = true;
    for (uint32_t core = 0; core < CORES; core++) {
        struct hf_stack *stack = hf_cores_stack(world->cores, core);
        if (!world->astray || chance(world, 3) > 0)
            (void)hf_cores_take(world->cores, core, world->now);
        serve(world, stack);
        to_single(world, stack);
    }
    serve(world, world->single);
    for (uint32_t i = 0; i < CALLS; i++) {
        ask(world, i);
        over &= world->calls[i].over;
    }
    to_cores(world);
    world->now += HF_MILLISECOND;
    return over;
}

static void close_world(struct world *world)
{
    hf_cores_free(world->cores);
    hf_stack_free(world->single);
    free(world);
}

static void run(uint64_t seed, bool astray)
{
    struct world *world = malloc(sizeof *world);
    struct hf_cores_counters passed;
    bool over = false;
    assert_non_null(world);
    open_world(world, seed, astray);
    for (int i = 0; i < STEPS && !over; i++)
        over = step(world);
    assert_true(over);
    for (uint32_t core = 0; core < CORES; core++) {
        struct hf_counters counters;
        hf_stack_counters(hf_cores_stack(world->cores, core), &counters);
        assert_int_equal(counters.connections_opened_actively, EACH);
        assert_true(counters.connections_accepted > 0);
        assert_int_equal(counters.dropped[HF_REASON_NO_CONNECTION], 0);
        hf_cores_counters(world->cores, core, &passed);
        assert_true((passed.passed > 300) == (astray || core == 0));
    }
    close_world(world);
}

static void test_astray(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++)
        run(seed, true);
}

static void test_all_at_one(void **state)
{
    (void)state;
    run(9, false);
}

/* A ring that nobody empties: its packets are lost and counted, and the others' are not. */
static void test_full_ring(void **state)
{
    struct world *world = malloc(sizeof *world);
    uint8_t packet[MTU] = {0x45, [9] = 6};
    struct hf_arriving arriving = {.bytes = packet, .length = MTU};
    struct hf_cores_counters counters;
    struct hf_stack *stack;
    uint32_t own = 0, sent = 1000;
    (void)state;
    assert_non_null(world);
    open_world(world, 4, true);
    stack = hf_cores_stack(world->cores, 0);
    for (uint32_t i = 0; i < sent; i++) {
        memcpy(packet + 20, &i, 4);
        own += hf_stack_core_of(stack, packet, MTU) == 0;
        (void)hf_cores_input(world->cores, 0, &arriving, 1, world->now);
    }
    hf_cores_counters(world->cores, 0, &counters);
    assert_in_range(own, 250, 420);
    assert_int_equal(counters.passed + counters.dropped, sent - own);
    assert_int_equal(counters.passed, 2 * (262144 / 1520));
    assert_int_equal(hf_cores_take(world->cores, 1, world->now), 262144 / 1520);
    assert_int_equal(hf_cores_take(world->cores, 1, world->now), 0);
    close_world(world);
}

/* Whoever sleeps is woken once; who has something to do does not fall asleep. */
static void test_sleep(void **state)
{
    struct world *world = malloc(sizeof *world);
    uint8_t packet[MTU] = {0x45, [9] = 6};
    struct hf_arriving arriving = {.bytes = packet, .length = MTU};
    (void)state;
    assert_non_null(world);
    open_world(world, 5, true);
    while (hf_stack_core_of(hf_cores_stack(world->cores, 0), packet, MTU) != 2)
        packet[20]++;
    assert_int_equal(hf_cores_input(world->cores, 0, &arriving, 1, world->now), 0);
    assert_int_equal(hf_cores_sleep(world->cores, 2), 0);
    assert_int_equal(hf_cores_input(world->cores, 0, &arriving, 1, world->now), 0);
    assert_int_equal(hf_cores_take(world->cores, 2, world->now), 2);
    assert_int_equal(hf_cores_sleep(world->cores, 2), 1);
    assert_int_equal(hf_cores_input(world->cores, 0, &arriving, 1, world->now), 1 << 2);
    assert_int_equal(hf_cores_input(world->cores, 1, &arriving, 1, world->now), 0);
    hf_cores_wake(world->cores, 2);
    assert_int_equal(hf_cores_take(world->cores, 2, world->now), 2);
    close_world(world);
}

static void test_config(void **state)
{
    struct hf_cores_config config = hf_cores_config_default();
    (void)state;
    assert_in_range(config.cores, 1, HF_CORES_MAX);
    config.cores = 0;
    assert_null(hf_cores_new(&config));
    config.cores = HF_CORES_MAX + 1;
    assert_null(hf_cores_new(&config));
    config.cores = 2;
    config.ring_bytes = 262143;
    assert_null(hf_cores_new(&config));
    config.ring_bytes = (1u << 30) + 1;
    assert_null(hf_cores_new(&config));
    config.ring_bytes = 262144;
    config.stack.mtu = 0;
    assert_null(hf_cores_new(&config));
    hf_cores_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_astray),    cmocka_unit_test(test_all_at_one),
        cmocka_unit_test(test_full_ring), cmocka_unit_test(test_sleep),
        cmocka_unit_test(test_config),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
