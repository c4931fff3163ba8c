/* SPDX-License-Identifier: MIT
 *
 * The ring against a list: packets of every length, in an order that makes it wrap and fill up in
 * every way. Then by two threads, as it is meant: all that was put comes out, in order and whole.
 * (What a data race would be, only ThreadSanitizer sees: -Db_sanitize=thread.)
 */
#include "core_ring.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RING = CORE_RING_BYTES_MIN, BATCH = 16, STEPS = 60000, STREAM = 100000 };

static uint32_t chance(uint64_t *state, uint32_t below)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33) % below;
}

/* What the packet of this number is. */
static size_t length_of(uint64_t number)
{
    uint64_t state = number * 3;
    uint32_t sort = chance(&state, 64);
    if (sort == 0)
        return HF_PACKET_BYTES - chance(&state, 40);
    return sort < 8 ? chance(&state, 20000) : chance(&state, 1501);
}

static uint8_t byte_of(uint64_t number, size_t at)
{
    return (uint8_t)(number * 31 + at * 7 + at / 250);
}

static void fill(uint64_t number, uint8_t *bytes, struct hf_arriving *packet)
{
    packet->bytes = bytes;
    packet->length = length_of(number);
    packet->hints.segment_bytes = (uint32_t)(number * 5);
    packet->hints.flags = (uint32_t)(number & 3);
    for (size_t i = 0; i < packet->length; i += 61)
        bytes[i] = byte_of(number, i);
}

static void check(uint64_t number, const struct hf_arriving *packet)
{
    const uint8_t *bytes = packet->bytes;
    assert_int_equal(packet->length, length_of(number));
    assert_int_equal(packet->hints.segment_bytes, (uint32_t)(number * 5));
    assert_int_equal(packet->hints.flags, (uint32_t)(number & 3));
    for (size_t i = 0; i < packet->length; i += 61)
        assert_int_equal(bytes[i], byte_of(number, i));
}

static void test_model(void **state)
{
    static uint8_t bytes[HF_PACKET_BYTES];
    struct core_ring ring;
    struct hf_arriving packets[BATCH];
    uint64_t random = 5;
    uint64_t put = 0;
    uint64_t published = 0;
    uint64_t read = 0;
    uint64_t refused = 0;
    (void)state;
    assert_true(core_ring_init(&ring, RING));
    for (int step = 0; step < STEPS; step++) {
        /* For a while nobody reads, and it fills up. */
        switch (chance(&random, step / 1500 % 2 == 0 ? 4 : 3)) {
        case 0:
        case 1: {
            struct hf_arriving packet;
            fill(put, bytes, &packet);
            if (core_ring_put(&ring, &packet))
                put++;
            else
                refused++;
            break;
        }
        case 2:
            core_ring_publish(&ring);
            published = put;
            break;
        default: {
            uint32_t most = 1 + chance(&random, BATCH);
            uint32_t count = core_ring_look(&ring, packets, most);
            uint64_t there = published - read;
            assert_int_equal(count, there < most ? there : most);
            assert_true(core_ring_has_any(&ring) == (there > 0));
            for (uint32_t i = 0; i < count; i++)
                check(read + i, &packets[i]);
            if (chance(&random, 4) > 0) {
                core_ring_release(&ring);
                read += count;
            }
            break;
        }
        }
    }
    assert_true(put > 5000);
    assert_true(refused > 100);
    assert_int_equal(ring.packets, put);
    assert_int_equal(ring.dropped, refused);
    core_ring_deinit(&ring);
}

/* The longest packet has room in an empty ring of the least size, wherever that begins. */
static void test_longest_always_fits(void **state)
{
    static uint8_t bytes[HF_PACKET_BYTES + 1];
    struct core_ring ring;
    struct hf_arriving packet = {.bytes = bytes};
    (void)state;
    assert_true(core_ring_init(&ring, RING));
    for (size_t place = 0; place < RING; place += 16) {
        struct hf_arriving out;
        packet.length = HF_PACKET_BYTES;
        assert_true(core_ring_put(&ring, &packet));
        core_ring_publish(&ring);
        assert_int_equal(core_ring_look(&ring, &out, 1), 1);
        assert_int_equal(out.length, HF_PACKET_BYTES);
        core_ring_release(&ring);
        packet.length = 0; /* one header on */
        assert_true(core_ring_put(&ring, &packet));
        core_ring_publish(&ring);
        assert_int_equal(core_ring_look(&ring, &out, 1), 1);
        core_ring_release(&ring);
    }
    packet.length = HF_PACKET_BYTES + 1;
    assert_false(core_ring_put(&ring, &packet));
    core_ring_deinit(&ring);
}

static void *write_stream(void *argument)
{
    static uint8_t bytes[HF_PACKET_BYTES];
    struct core_ring *ring = argument;
    for (uint64_t number = 0; number < STREAM; number++) {
        struct hf_arriving packet;
        fill(number, bytes, &packet);
        while (!core_ring_put(ring, &packet)) {
            core_ring_publish(ring);
            sched_yield();
        }
        if (number % 7 == 0)
            core_ring_publish(ring);
    }
    core_ring_publish(ring);
    return NULL;
}

static void test_threads(void **state)
{
    struct core_ring ring;
    pthread_t writer;
    uint64_t read = 0;
    (void)state;
    assert_true(core_ring_init(&ring, RING));
    assert_int_equal(pthread_create(&writer, NULL, write_stream, &ring), 0);
    while (read < STREAM) {
        struct hf_arriving packets[BATCH];
        uint32_t count = core_ring_look(&ring, packets, BATCH);
        for (uint32_t i = 0; i < count; i++)
            check(read + i, &packets[i]);
        core_ring_release(&ring);
        read += count;
        if (count == 0)
            sched_yield();
    }
    pthread_join(writer, NULL);
    assert_false(core_ring_has_any(&ring));
    core_ring_deinit(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_longest_always_fits),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
