/* SPDX-License-Identifier: MIT
 *
 * Twins: two hosts of the same seed with so many connections that batches are looked at ahead; one
 * gets its packets in batches, the other one by one. Packets of connections in random order, of
 * some several, damaged, cut short, of others' protocols, resets, and of connections that went to
 * rest meanwhile. Both must answer with the same packets and tell of the same events.
 */
#include "look_ahead.h"
#include "stack_test.h"

#include <handfast/handfast.h>

enum { CONNECTIONS = LOOK_AHEAD_FLOWS + 500, PACKETS = 64, MTU = 1500, ROUNDS = 3000 };

struct world {
    struct hf_stack *clients, *batched, *single;
    hf_handle listeners[2];
    hf_handle handles[CONNECTIONS];
    hf_time now;
    uint64_t random;
    uint32_t count;
    size_t lengths[PACKETS];
    uint8_t packets[PACKETS][MTU];
    uint64_t received;
};

static uint32_t below(struct world *world, uint32_t bound)
{
    return stack_test_chance(&world->random, bound);
}

static struct hf_stack *make_stack(uint8_t seed, uint8_t last, bool ipv6)
{
    struct hf_address address = hf_address_ipv4(10, 0, 0, last);
    struct hf_config config = stack_test_config(seed, 0);
    if (ipv6) {
        memset(&address, 0, sizeof address);
        address.family = HF_IPV6;
        address.bytes[0] = 0xfd;
        address.bytes[15] = last;
    }
    config.syn_retries = 15;
    return stack_test_host(&config, &address);
}

/* ---- the servers */

static void hand_in(struct world *world)
{
    struct hf_arriving arriving[PACKETS];
    memset(arriving, 0, sizeof arriving);
    for (uint32_t i = 0; i < world->count; i++) {
        arriving[i].bytes = world->packets[i];
        arriving[i].length = world->lengths[i];
        (void)hf_stack_input(world->single, world->packets[i], world->lengths[i], world->now);
    }
    hf_stack_input_batch(world->batched, arriving, world->count, world->now);
    world->count = 0;
}

/* Both read all there is, and answer some. */
static void serve(struct world *world)
{
    uint8_t one[2000];
    uint8_t other[2000];
    struct hf_event event;
    struct hf_event twin;
    hf_handle handle;
    while (hf_stack_next_event(world->batched, &event)) {
        assert_int_equal(hf_stack_next_event(world->single, &twin), 1);
        assert_int_equal(event.type, twin.type);
        assert_true(event.handle == twin.handle);
        if (event.type == HF_EVENT_ACCEPTABLE) {
            while (hf_accept(world->batched, world->listeners[0], &handle, NULL) == HF_OK) {
                assert_int_equal(hf_accept(world->single, world->listeners[1], &handle, NULL),
                                 HF_OK);
            }
        } else if (event.type == HF_EVENT_READABLE) {
            ptrdiff_t length =
                hf_recv(world->batched, event.handle, one, sizeof one, 0, world->now);
            assert_int_equal(
                hf_recv(world->single, event.handle, other, sizeof other, 0, world->now), length);
            assert_true(length <= 0 || memcmp(one, other, (size_t)length) == 0);
            world->received += length > 0 ? (uint64_t)length : 0;
            (void)hf_send(world->batched, event.handle, "answer", 6, 0, world->now);
            (void)hf_send(world->single, event.handle, "answer", 6, 0, world->now);
        } else if (event.type == HF_EVENT_ERROR) {
            (void)hf_close(world->batched, event.handle, world->now);
            (void)hf_close(world->single, event.handle, world->now);
        }
    }
    assert_int_equal(hf_stack_next_event(world->single, &twin), 0);
}

/* The same packets from both; they go to the clients. */
static void answer(struct world *world)
{
    uint8_t one[MTU];
    uint8_t other[MTU];
    ptrdiff_t length;
    while ((length = hf_stack_output(world->batched, one, sizeof one, world->now)) > 0) {
        assert_int_equal(hf_stack_output(world->single, other, sizeof other, world->now), length);
        assert_memory_equal(one, other, (size_t)length);
        (void)hf_stack_input(world->clients, one, (size_t)length, world->now);
    }
    assert_int_equal(hf_stack_output(world->single, other, sizeof other, world->now), 0);
}

/* ---- what arrives */

static void damage(struct world *world, uint8_t *packet, size_t *length)
{
    switch (below(world, 12)) {
    case 0:
        packet[below(world, (uint32_t)*length)] ^= (uint8_t)(1 + below(world, 255));
        break;
    case 1:
        *length = below(world, (uint32_t)*length + 1);
        break;
    case 2:
        packet[9] = 17; /* UDP, or nonsense */
        break;
    default:
        break;
    }
}

static void clients_send(struct world *world, bool whole)
{
    ptrdiff_t length;
    while ((length = hf_stack_output(world->clients, world->packets[world->count], MTU,
                                     world->now)) > 0) {
        world->lengths[world->count] = (size_t)length;
        if (!whole) {
            damage(world, world->packets[world->count], &world->lengths[world->count]);
        }
        if (++world->count == PACKETS) {
            hand_in(world);
        }
    }
    hand_in(world);
}

static void step(struct world *world, bool whole)
{
    struct hf_event event;
    clients_send(world, whole);
    serve(world);
    answer(world);
    while (hf_stack_next_event(world->clients, &event)) {
    }
    world->now += HF_MILLISECOND;
}

static struct world *open_world(bool ipv6)
{
    struct world *world = calloc(1, sizeof *world);
    struct hf_endpoint at = {.port = 80};
    assert_non_null(world);
    world->now = HF_SECOND;
    world->random = ipv6 ? 6 : 4;
    world->clients = make_stack(1, 1, ipv6);
    world->batched = make_stack(2, 2, ipv6);
    world->single = make_stack(2, 2, ipv6);
    assert_int_equal(hf_stack_first_address(world->batched, ipv6 ? HF_IPV6 : HF_IPV4, &at.address),
                     HF_OK);
    assert_int_equal(hf_listen(world->batched, &at, 1000, &world->listeners[0]), HF_OK);
    assert_int_equal(hf_listen(world->single, &at, 1000, &world->listeners[1]), HF_OK);
    for (uint32_t i = 0; i < CONNECTIONS; i++) {
        assert_int_equal(hf_connect(world->clients, NULL, &at, world->now, &world->handles[i]),
                         HF_OK);
        if (i % 50 == 49) {
            step(world, true);
        }
    }
    for (unsigned i = 0; i < 100; i++) {
        step(world, true);
    }
    return world;
}

static void test_twins(void **state)
{
    static uint8_t bytes[1000];
    (void)state;
    for (int family = 0; family < 2; family++) {
        struct world *world = open_world(family == 1);
        struct hf_counters one;
        struct hf_counters other;
        hf_stack_counters(world->batched, &one);
        assert_int_equal(one.connections, CONNECTIONS);
        for (unsigned round = 0; round < ROUNDS; round++) {
            for (uint32_t i = below(world, 40); i > 0; i--) {
                hf_handle handle = world->handles[below(world, CONNECTIONS)];
                if (below(world, 1000) == 0) {
                    (void)hf_abort(world->clients, handle, world->now);
                } else {
                    (void)hf_send(world->clients, handle, bytes, 1 + below(world, sizeof bytes), 0,
                                  world->now);
                }
            }
            step(world, false);
            if (below(world, 500) == 0) {
                world->now += 3 * HF_SECOND; /* most rest meanwhile */
            }
        }
        hf_stack_counters(world->batched, &one);
        hf_stack_counters(world->single, &other);
        assert_int_equal(one.packets_received, other.packets_received);
        assert_int_equal(one.connections, other.connections);
        assert_memory_equal(one.dropped, other.dropped, sizeof one.dropped);
        assert_true(one.connections > LOOK_AHEAD_FLOWS && one.connections < CONNECTIONS);
        assert_true(world->received > 10 * ROUNDS);
        hf_stack_free(world->clients);
        hf_stack_free(world->batched);
        hf_stack_free(world->single);
        free(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_twins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
