/* SPDX-License-Identifier: MIT
 *
 * TCP Fast Open between two whole hosts: what a client remembers and forgets, what a server bounds,
 * keys that change while clients hold cookies of the old ones, memory that is refused at every
 * moment, and links that lose packets. Whether data rode on a SYN is read from the packets.
 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "packet_watch.h"

#include <stdlib.h>
#include <string.h>

#define PORT 7000
#define SERVER_ADDRESSES 3
#define RESETS_REMEMBERED 1024
#define RESET_PENALTY (60 * HF_SECOND)

struct world {
    struct hf_config configs[2];
    struct hf_sim_config link;
    struct hf_stack *client, *server;
    struct hf_sim *sim;
    struct packet_watch forward, backward;
    hf_handle listener;
    uint64_t allocations, refuse_at; /* of the host whose memory is refused once */
};

static void configure(struct world *world)
{
    memset(world, 0, sizeof *world);
    for (int side = 0; side < 2; side++) {
        struct hf_config *config = &world->configs[side];
        *config = hf_config_default();
        memset(config->seed, side + 1, sizeof config->seed);
        config->msl_ns = HF_SECOND;
    }
    world->configs[0].fast_open = HF_FAST_OPEN_CLIENT;
    world->configs[1].fast_open = HF_FAST_OPEN_SERVER;
    world->link = hf_sim_config_default();
    world->link.forward.lose = world->link.backward.lose = packet_watch;
    world->link.forward.lose_context = &world->forward;
    world->link.backward.lose_context = &world->backward;
}

static struct hf_address server_address(unsigned which)
{
    return hf_address_ipv4(10, 0, 0, (uint8_t)(2 + which));
}

static void begin(struct world *world, uint32_t queue)
{
    struct hf_address address = hf_address_ipv4(10, 0, 0, 1);
    struct hf_endpoint local = {hf_address_ipv4(0, 0, 0, 0), PORT};
    world->client = hf_stack_new(&world->configs[0]);
    world->server = hf_stack_new(&world->configs[1]);
    assert_non_null(world->client);
    assert_non_null(world->server);
    assert_int_equal(hf_stack_add_address(world->client, &address), HF_OK);
    for (unsigned i = 0; i < SERVER_ADDRESSES; i++) {
        address = server_address(i);
        assert_int_equal(hf_stack_add_address(world->server, &address), HF_OK);
    }
    world->sim = hf_sim_new(&world->link, world->client, world->server);
    assert_non_null(world->sim);
    assert_int_equal(hf_listen(world->server, &local, 4096, &world->listener), HF_OK);
    assert_int_equal(
        hf_set_option(world->server, world->listener, HF_OPTION_FAST_OPEN_QUEUE, queue, 0), HF_OK);
}

static void end(struct world *world)
{
    hf_sim_free(world->sim);
    hf_stack_free(world->client);
    hf_stack_free(world->server);
}

static hf_time now(const struct world *world)
{
    return hf_sim_now(world->sim);
}

static void run_for(struct world *world, hf_time time)
{
    struct hf_event event;
    (void)hf_sim_run(world->sim, now(world) + time);
    while (hf_stack_next_event(world->client, &event) ||
           hf_stack_next_event(world->server, &event)) {
    }
}

/* A connection with Fast Open and a request; HF_NO_HANDLE: refused, for lack of memory. */
static hf_handle request(struct world *world, unsigned which, const void *text, size_t length)
{
    struct hf_endpoint remote = {server_address(which), PORT};
    hf_handle client;
    ptrdiff_t sent = HF_EAGAIN;
    if (hf_connect(world->client, NULL, &remote, now(world), &client) != HF_OK) {
        return HF_NO_HANDLE;
    }
    (void)hf_set_option(world->client, client, HF_OPTION_FAST_OPEN_CONNECT, 1, now(world));
    for (int tries = 0; tries < 10 && sent <= 0; tries++) {
        sent = hf_send(world->client, client, text, length, 0, now(world));
    }
    assert_int_equal(sent, length);
    return client;
}

/* What the server's program reads; then both let go. Returns how much it was, and -1 if nothing
 * came to be accepted. */
static ptrdiff_t serve(struct world *world, hf_handle client, void *text, size_t capacity)
{
    hf_handle server;
    ptrdiff_t length;
    if (hf_accept(world->server, world->listener, &server, NULL) != HF_OK) {
        return -1;
    }
    length = hf_recv(world->server, server, text, capacity, 0, now(world));
    (void)hf_close(world->client, client, now(world));
    (void)hf_close(world->server, server, now(world));
    run_for(world, 5 * HF_SECOND);
    return length;
}

/* One whole exchange on a good link. Returns how many SYNs carried data. */
static uint64_t exchange(struct world *world, unsigned which)
{
    uint64_t before = world->forward.syn_data_packets;
    char text[16] = {0};
    hf_handle client = request(world, which, "a request", 9);
    assert_int_not_equal(client, HF_NO_HANDLE);
    run_for(world, HF_SECOND);
    assert_int_equal(serve(world, client, text, sizeof text), 9);
    assert_string_equal(text, "a request");
    return world->forward.syn_data_packets - before;
}

static struct hf_counters counters_of(const struct hf_stack *stack)
{
    struct hf_counters counters;
    hf_stack_counters(stack, &counters);
    return counters;
}

/* ---- what a client remembers */

/* The peer that was used longest ago makes room (RFC 7413 4.1.3). */
static void least_recently_used(void **state)
{
    struct world world;
    (void)state;
    configure(&world);
    world.configs[0].max_fast_open_peers = 2;
    begin(&world, 16);
    assert_int_equal(exchange(&world, 0), 0);
    assert_int_equal(exchange(&world, 1), 0);
    assert_int_equal(exchange(&world, 0), 1); /* used again */
    assert_int_equal(exchange(&world, 2), 0); /* takes the place of 1 */
    assert_int_equal(exchange(&world, 0), 1);
    assert_int_equal(exchange(&world, 2), 1);
    assert_int_equal(exchange(&world, 1), 0); /* it was forgotten; takes the place of 0 */
    assert_int_equal(exchange(&world, 2), 1);
    assert_int_equal(exchange(&world, 0), 0);
    end(&world);
}

/* ---- keys */

static void set_keys(struct world *world, hf_handle listener, char first, char second)
{
    uint8_t keys[2 * HF_FAST_OPEN_KEY_BYTES];
    memset(keys, first, HF_FAST_OPEN_KEY_BYTES);
    memset(keys + HF_FAST_OPEN_KEY_BYTES, second, HF_FAST_OPEN_KEY_BYTES);
    assert_int_equal(hf_set_fast_open_keys(world->server, listener, keys, sizeof keys), HF_OK);
}

/* Keys change while a client holds a cookie (RFC 7413 4.1.2): one of the key before is taken, and
 * answered with a new one; one of an older key is not, and the data is sent again. */
static void keys_rotate(hf_handle (*whose)(const struct world *world))
{
    struct world world;
    struct hf_counters before;
    configure(&world);
    begin(&world, 16);
    set_keys(&world, whose(&world), 'b', 'a');
    assert_int_equal(exchange(&world, 0), 0);
    assert_int_equal(exchange(&world, 0), 1);
    for (int at = 'c'; at < 'h'; at++) {
        char key = (char)at;
        before = counters_of(world.server);
        set_keys(&world, whose(&world), key, (char)(key - 1));
        assert_int_equal(exchange(&world, 0), 1);
        assert_int_equal(counters_of(world.server).fast_open_passive, before.fast_open_passive + 1);
        assert_int_equal(counters_of(world.server).fast_open_cookies_sent,
                         before.fast_open_cookies_sent + 1);
    }
    before = counters_of(world.server);
    set_keys(&world, whose(&world), 'z', 'y');
    assert_int_equal(exchange(&world, 0), 1); /* sent in vain, and again: the request came */
    assert_int_equal(counters_of(world.server).fast_open_passive, before.fast_open_passive);
    assert_int_equal(counters_of(world.server).fast_open_passive_failed,
                     before.fast_open_passive_failed + 1);
    assert_int_equal(exchange(&world, 0), 1);
    assert_int_equal(counters_of(world.server).fast_open_passive, before.fast_open_passive + 1);
    end(&world);
}

static hf_handle the_stack(const struct world *world)
{
    (void)world;
    return HF_NO_HANDLE;
}

static hf_handle the_listener(const struct world *world)
{
    return world->listener;
}

static void keys_of_the_stack(void **state)
{
    (void)state;
    keys_rotate(the_stack);
}

static void keys_of_a_listener(void **state)
{
    (void)state;
    keys_rotate(the_listener);
}

static void keys_refused(void **state)
{
    const uint8_t keys[3 * HF_FAST_OPEN_KEY_BYTES] = {1};
    uint8_t before[2 * HF_FAST_OPEN_KEY_BYTES];
    uint8_t after[2 * HF_FAST_OPEN_KEY_BYTES];
    const size_t wrong[] = {0, 1, 15, 17, 31, 33, 48};
    struct world world;
    (void)state;
    configure(&world);
    begin(&world, 16);
    assert_int_equal(hf_get_fast_open_keys(world.server, HF_NO_HANDLE, before), 16);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(hf_set_fast_open_keys(world.server, HF_NO_HANDLE, keys, wrong[i]),
                         HF_EINVAL);
    }
    assert_int_equal(hf_get_fast_open_keys(world.server, HF_NO_HANDLE, after), 16);
    assert_memory_equal(before, after, 16);
    assert_int_equal(hf_set_fast_open_keys(world.server, world.listener + 1, keys, 16), HF_EBADF);
    end(&world);
}

/* ---- a flood: SYNs with data, each then reset, by hand */

static uint32_t sum_words(const uint8_t *bytes, size_t length, uint32_t sum)
{
    for (size_t i = 0; i < length; i += 2) {
        sum += (uint32_t)bytes[i] << 8 | (i + 1 < length ? bytes[i + 1] : 0);
    }
    return sum;
}

static void put_sum(uint8_t *at, uint32_t sum)
{
    while (sum >> 16 != 0) {
        sum = (sum & 0xffffu) + (sum >> 16);
    }
    at[0] = (uint8_t)(~sum >> 8);
    at[1] = (uint8_t)~sum;
}

/* From 10.9.0.1 to the server; `length` bytes of payload, all zero. */
static void deliver(struct world *world, uint16_t port, uint32_t seq, uint8_t flags, size_t length)
{
    uint8_t packet[128] = {
        0x45, 0, 0, (uint8_t)(40 + length), 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 9, 0, 1, 10, 0, 0, 2};
    uint8_t *tcp = packet + 20;
    tcp[0] = (uint8_t)(port >> 8);
    tcp[1] = (uint8_t)port;
    tcp[2] = PORT >> 8;
    tcp[3] = PORT & 0xff;
    for (unsigned i = 0; i < 4; i++) {
        tcp[4 + i] = (uint8_t)(seq >> (24 - 8 * i));
    }
    tcp[12] = 5 << 4;
    tcp[13] = flags;
    tcp[14] = tcp[15] = 0xff;
    put_sum(packet + 10, sum_words(packet, 20, 0));
    put_sum(tcp + 16,
            sum_words(tcp, 20 + length, sum_words(packet + 12, 8, 6 + 20 + (uint32_t)length)));
    (void)hf_stack_input(world->server, packet, 40 + length, now(world));
}

/* A SYN with data; true if it opened a connection at once, which is taken and reset then. */
static bool knock(struct world *world, uint16_t port)
{
    struct hf_event event;
    hf_handle taken = HF_NO_HANDLE;
    uint8_t packet[1500];
    bool opened;
    deliver(world, port, 1000, 2, 10);
    opened = hf_accept(world->server, world->listener, &taken, NULL) == HF_OK;
    while (hf_stack_output(world->server, packet, sizeof packet, now(world)) > 0) {
    }
    deliver(world, port, 1011 - (opened ? 0u : 10u), 4, 0);
    if (opened) {
        assert_int_equal(hf_close(world->server, taken, now(world)), HF_OK);
    }
    while (hf_stack_output(world->server, packet, sizeof packet, now(world)) > 0 ||
           hf_stack_next_event(world->server, &event)) {
    }
    return opened;
}

/* RFC 7413 5.1: who is reset before its handshake was complete counts on for a minute. */
static void resets_count(void **state)
{
    struct world world;
    (void)state;
    configure(&world);
    world.configs[1].fast_open |= HF_FAST_OPEN_SERVER_NO_COOKIE;
    begin(&world, 3);
    for (uint16_t i = 0; i < 3; i++) {
        assert_true(knock(&world, (uint16_t)(20000 + i)));
        run_for(&world, 10 * HF_SECOND);
    }
    assert_false(knock(&world, 20003));
    run_for(&world, RESET_PENALTY - 30 * HF_SECOND - HF_SECOND);
    assert_false(knock(&world, 20004));
    run_for(&world, 2 * HF_SECOND);
    assert_true(knock(&world, 20005)); /* the first of the three is forgotten */
    assert_false(knock(&world, 20006));
    end(&world);
}

/* The ring of all listeners is bounded; while it is full, SYNs open in the ordinary way. */
static void resets_are_bounded(void **state)
{
    struct world world;
    uint64_t bytes;
    (void)state;
    configure(&world);
    world.configs[1].fast_open |= HF_FAST_OPEN_SERVER_NO_COOKIE;
    begin(&world, 4096);
    for (uint16_t i = 0; i < RESETS_REMEMBERED; i++) {
        assert_true(knock(&world, (uint16_t)(20000 + i)));
    }
    bytes = counters_of(world.server).memory_used_bytes;
    for (uint16_t i = 0; i < 100; i++) {
        assert_false(knock(&world, (uint16_t)(30000 + i)));
    }
    assert_int_equal(counters_of(world.server).connections, 0);
    run_for(&world, RESET_PENALTY - HF_SECOND);
    assert_false(knock(&world, 31000));
    run_for(&world, 2 * HF_SECOND);
    assert_true(counters_of(world.server).memory_used_bytes <= bytes + 65536);
    for (uint16_t i = 0; i < RESETS_REMEMBERED; i++) {
        assert_true(knock(&world, (uint16_t)(40000 + i)));
    }
    assert_false(knock(&world, 32000));
    end(&world);
}

/* ---- refused memory */

static void *allocate(void *context, size_t size)
{
    struct world *world = context;
    world->allocations++;
    return world->allocations == world->refuse_at ? NULL : malloc(size);
}

static void release(void *context, void *memory, size_t size)
{
    (void)context;
    (void)size;
    free(memory);
}

/* Each allocation of one host from the first exchange on is refused in turn. Whatever it was for:
 * either the program is told at once, or its request arrives in the end, by Fast Open or without.
 */
static void one_refusal(int side, uint64_t which, bool *reached)
{
    struct world world;
    configure(&world);
    world.configs[side].allocator = (struct hf_allocator){allocate, release, &world};
    begin(&world, 16);
    world.allocations = 0;
    world.refuse_at = which;
    for (unsigned i = 0; i < 3; i++) {
        char text[16] = {0};
        hf_handle client = request(&world, 0, "a request", 9);
        if (client == HF_NO_HANDLE) {
            assert_int_equal(side, 0);
            continue;
        }
        run_for(&world, 10 * HF_SECOND);
        assert_int_equal(serve(&world, client, text, sizeof text), 9);
        assert_string_equal(text, "a request");
    }
    *reached = world.allocations >= which;
    run_for(&world, 10 * HF_SECOND);
    assert_int_equal(counters_of(world.client).connections, 0);
    assert_int_equal(counters_of(world.server).connections, 0);
    end(&world);
}

static void refused_memory(void **state)
{
    (void)state;
    for (int side = 0; side < 2; side++) {
        bool reached = true;
        uint64_t which = 0;
        while (reached) {
            assert_true(++which < 1000);
            one_refusal(side, which, &reached);
        }
        assert_true(which > 3);
    }
}

/* ---- loss */

/* A way that swallows every SYN with data: the second one has none, and nothing is missing. */
static void data_on_syn_lost(void **state)
{
    struct world world;
    hf_handle client;
    char text[16] = {0};
    (void)state;
    configure(&world);
    begin(&world, 16);
    assert_int_equal(exchange(&world, 0), 0);
    world.forward.lose_data_on_syn = true;
    client = request(&world, 0, "a request", 9);
    run_for(&world, 3 * HF_SECOND);
    assert_int_equal(world.forward.syn_data_packets, 1);
    assert_int_equal(world.forward.lost, 1);
    assert_int_equal(serve(&world, client, text, sizeof text), 9);
    assert_string_equal(text, "a request");
    assert_int_equal(counters_of(world.client).fast_open_active_failed, 1);
    end(&world);
}

/* Byte `i` of what connection `number` sends. */
static char pattern(unsigned number, uint32_t i)
{
    return (char)(i * 31u + (i >> 8) * 7u + number);
}

static uint32_t check_bytes(struct world *world, hf_handle server, unsigned number, uint32_t got)
{
    char text[4096];
    ptrdiff_t length;
    while ((length = hf_recv(world->server, server, text, sizeof text, 0, now(world))) > 0) {
        for (ptrdiff_t i = 0; i < length; i++) {
            assert_int_equal(text[i], pattern(number, got++));
        }
    }
    return got;
}

/* A request of six segments, the first of which may ride on the SYN, over a link that loses,
 * duplicates and reorders: each arrives whole and once, on each of many seeds. */
static void bad_link(void **state)
{
    enum { BYTES = 8000, SEEDS = 40, REQUESTS = 8 };
    uint64_t rode = 0;
    (void)state;
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        struct world world;
        configure(&world);
        world.link.seed = seed;
        world.link.forward.loss_ppm = world.link.backward.loss_ppm = 150000;
        world.link.forward.duplicate_ppm = world.link.backward.duplicate_ppm = 50000;
        world.link.forward.reorder_ppm = world.link.backward.reorder_ppm = 50000;
        begin(&world, 16);
        for (unsigned number = 0; number < REQUESTS; number++) {
            char text[BYTES];
            hf_handle client;
            hf_handle server = HF_NO_HANDLE;
            uint32_t got = 0;
            for (uint32_t i = 0; i < BYTES; i++) {
                text[i] = pattern(number, i);
            }
            client = request(&world, 0, text, sizeof text);
            for (int waited = 0; waited < 600 && got < BYTES; waited++) {
                run_for(&world, 200 * HF_MILLISECOND);
                if (server == HF_NO_HANDLE) {
                    (void)hf_accept(world.server, world.listener, &server, NULL);
                }
                if (server != HF_NO_HANDLE) {
                    got = check_bytes(&world, server, number, got);
                }
            }
            assert_int_equal(got, BYTES);
            assert_int_equal(hf_close(world.client, client, now(&world)), HF_OK);
            assert_int_equal(hf_close(world.server, server, now(&world)), HF_OK);
        }
        run_for(&world, 600 * HF_SECOND);
        assert_int_equal(counters_of(world.client).connections, 0);
        assert_int_equal(counters_of(world.server).connections, 0);
        assert_true(counters_of(world.server).fast_open_passive <= world.forward.syn_data_packets);
        rode += counters_of(world.client).fast_open_active;
        end(&world);
    }
    assert_true(rode > SEEDS); /* or this was no test of Fast Open */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(least_recently_used),
        cmocka_unit_test(keys_of_the_stack),
        cmocka_unit_test(keys_of_a_listener),
        cmocka_unit_test(keys_refused),
        cmocka_unit_test(resets_count),
        cmocka_unit_test(resets_are_bounded),
        cmocka_unit_test(refused_memory),
        cmocka_unit_test(data_on_syn_lost),
        cmocka_unit_test(bad_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
