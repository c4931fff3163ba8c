/* SPDX-License-Identifier: MIT
 *
 * Buffers that follow the flow, judged from outside: by what the packets on the link offer, by what
 * the test's own program read in each round trip, and by how much got through.
 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "packet_watch.h"

#include <string.h>

#define DELAY (25 * HF_MILLISECOND)
#define ROUND_TRIP (2 * DELAY)
#define RATE_BITS 80000000ull
#define RATE_BYTES (RATE_BITS / 8)
#define TICK HF_MILLISECOND
#define TICKS_A_SECOND 1000u
#define EVERYTHING UINT32_MAX
#define FIRST_BUFFER (64u * 1024u)
#define MEMORY_BYTES (12ull * 1024 * 1024)
#define HOG_BYTES (10 * 1024 * 1024) /* more than three quarters of that, less than all */
#define PORT 7000

struct world {
    struct hf_config configs[2];
    struct hf_stack *client, *server;
    struct hf_sim *sim;
    struct hf_sim_config link;
    struct packet_watch data, acks;
    hf_handle listener;
    uint64_t read_bytes;
    uint32_t most_in_round_trip; /* of what was read, in any stretch as long as a round trip */
    uint32_t recent[ROUND_TRIP / TICK]; /* read in each tick of the last one */
    uint32_t recent_at;
};

static void configure(struct world *world)
{
    memset(world, 0, sizeof *world);
    for (int side = 0; side < 2; side++) {
        struct hf_config *config = &world->configs[side];
        *config = hf_config_default();
        memset(config->seed, side + 1, sizeof config->seed);
        config->receive_buffer_bytes = config->send_buffer_bytes = FIRST_BUFFER;
    }
    world->link = hf_sim_config_default();
    world->link.forward.rate_bits_per_second = RATE_BITS;
    world->link.forward.delay_ns = world->link.backward.delay_ns = DELAY;
    world->link.forward.lose = world->link.backward.lose = packet_watch;
    world->link.forward.lose_context = &world->data;
    world->link.backward.lose_context = &world->acks;
}

static struct hf_stack *new_host(const struct hf_config *config, uint8_t number)
{
    struct hf_address address = hf_address_ipv4(10, 0, 0, number);
    struct hf_stack *stack = hf_stack_new(config);
    assert_non_null(stack);
    assert_int_equal(hf_stack_add_address(stack, &address), HF_OK);
    return stack;
}

static void begin(struct world *world)
{
    struct hf_endpoint local = {hf_address_ipv4(10, 0, 0, 2), PORT};
    world->client = new_host(&world->configs[0], 1);
    world->server = new_host(&world->configs[1], 2);
    world->sim = hf_sim_new(&world->link, world->client, world->server);
    assert_non_null(world->sim);
    assert_int_equal(hf_listen(world->server, &local, 16, &world->listener), HF_OK);
}

static void end(struct world *world)
{
    /* SHLD-14, in every test here. A scaled window is counted in units, and what is held is not:
     * RFC 7323 2.4 has every sender put up with less than one unit. */
    assert_true(world->acks.most_moved_left < 1u << world->acks.window_shift);
    hf_sim_free(world->sim);
    hf_stack_free(world->client);
    hf_stack_free(world->server);
}

static void run_tick(struct world *world)
{
    struct hf_event event;
    (void)hf_sim_run(world->sim, hf_sim_now(world->sim) + TICK);
    while (hf_stack_next_event(world->client, &event) ||
           hf_stack_next_event(world->server, &event)) {
    }
}

static void open_pair(struct world *world, hf_handle *client, hf_handle *server)
{
    struct hf_endpoint remote = {hf_address_ipv4(10, 0, 0, 2), PORT};
    assert_int_equal(hf_connect(world->client, NULL, &remote, hf_sim_now(world->sim), client),
                     HF_OK);
    for (hf_time waited = 0; waited < 4 * ROUND_TRIP; waited += TICK) {
        run_tick(world);
    }
    assert_int_equal(hf_accept(world->server, world->listener, server, NULL), HF_OK);
}

static struct hf_status status_of(const struct hf_stack *stack, hf_handle handle)
{
    struct hf_status status;
    assert_int_equal(hf_status(stack, handle, &status), HF_OK);
    return status;
}

static void give_all(struct world *world, hf_handle client)
{
    static const char block[65536];
    while (hf_send(world->client, client, block, sizeof block, 0, hf_sim_now(world->sim)) > 0) {
    }
}

static uint32_t take(struct world *world, hf_handle server, uint32_t most)
{
    static char block[65536];
    uint32_t taken = 0;
    while (taken < most) {
        size_t length = most - taken < sizeof block ? most - taken : sizeof block;
        ptrdiff_t n = hf_recv(world->server, server, block, length, 0, hf_sim_now(world->sim));
        if (n <= 0) {
            break;
        }
        taken += (uint32_t)n;
    }
    return taken;
}

static void note_read(struct world *world, uint32_t bytes)
{
    uint32_t ticks = sizeof world->recent / sizeof world->recent[0];
    uint32_t sum = 0;
    world->read_bytes += bytes;
    world->recent[world->recent_at++ % ticks] = bytes;
    for (uint32_t i = 0; i < ticks; i++) {
        sum += world->recent[i];
    }
    world->most_in_round_trip = sum > world->most_in_round_trip ? sum : world->most_in_round_trip;
}

/* The client gives all that is taken; the server reads so much a tick. Returns what was read. */
static uint64_t move(struct world *world, hf_handle client, hf_handle server, uint32_t ticks,
                     uint32_t a_tick)
{
    uint64_t before = world->read_bytes;
    for (uint32_t i = 0; i < ticks; i++) {
        give_all(world, client);
        run_tick(world);
        note_read(world, take(world, server, a_tick));
    }
    return world->read_bytes - before;
}

/* ---- receiving */

static void follows_the_flow(bool timestamps)
{
    struct world world;
    struct hf_status status;
    hf_handle client;
    hf_handle server;
    uint64_t last_second;
    configure(&world);
    world.configs[0].timestamps = timestamps;
    begin(&world);
    open_pair(&world, &client, &server);
    (void)move(&world, client, server, 2 * TICKS_A_SECOND, EVERYTHING);
    last_second = move(&world, client, server, TICKS_A_SECOND, EVERYTHING);
    /* The first buffer allows 1.3 MB/s; the link ten. Headers are four per cent of it. */
    assert_true(last_second > RATE_BYTES * 9 / 10);
    status = status_of(world.server, server);
    assert_int_equal(status.timestamps, timestamps);
    assert_true(status.receive_rtt_ns >= ROUND_TRIP);
    /* Ahead of the flow, and bounded. */
    assert_true(status.receive_buffer_bytes >= 2 * (RATE_BYTES / 20) * 9 / 10);
    assert_true(status.receive_buffer_bytes <= world.configs[1].receive_buffer_max_bytes);
    assert_true(world.acks.largest_window > world.most_in_round_trip);
    assert_true(world.acks.largest_window <= status.receive_buffer_bytes + 65536u);
    end(&world);
}

static void follows_the_flow_by_timestamps(void **state)
{
    (void)state;
    follows_the_flow(true);
}

static void follows_the_flow_by_windows(void **state)
{
    (void)state;
    follows_the_flow(false);
}

/* The same, but for one switch or one option: then the buffer stays, and the flow is what it
 * allows: a buffer a round trip. */
static void stays_where_it_is(bool by_option)
{
    struct world world;
    hf_handle client;
    hf_handle server;
    uint64_t moved;
    configure(&world);
    world.configs[1].moderate_receive_buffer = by_option;
    begin(&world);
    open_pair(&world, &client, &server);
    if (by_option) {
        assert_int_equal(hf_set_option(world.server, server, HF_OPTION_RECEIVE_BUFFER, FIRST_BUFFER,
                                       hf_sim_now(world.sim)),
                         HF_OK);
    }
    moved = move(&world, client, server, 2 * TICKS_A_SECOND, EVERYTHING);
    assert_in_range(moved, FIRST_BUFFER * 20, FIRST_BUFFER * 44);
    assert_int_equal(status_of(world.server, server).receive_buffer_bytes, FIRST_BUFFER);
    assert_true(world.acks.largest_window <= FIRST_BUFFER);
    end(&world);
}

static void unmoderated(void **state)
{
    (void)state;
    stays_where_it_is(false);
}

static void fixed_by_option(void **state)
{
    (void)state;
    stays_where_it_is(true);
}

/* What a program does not read is no reason to take more: the buffer follows the program. */
static void slow_program(void **state)
{
    const uint32_t a_tick = 500; /* 25,000 bytes a round trip: the first buffer is plenty */
    struct world world;
    struct hf_status status;
    hf_handle client;
    hf_handle server;
    (void)state;
    configure(&world);
    begin(&world);
    open_pair(&world, &client, &server);
    (void)move(&world, client, server, TICKS_A_SECOND, 0);
    status = status_of(world.server, server);
    assert_int_equal(status.receive_buffer_bytes, FIRST_BUFFER);
    assert_true(status.receive_queue_bytes <= FIRST_BUFFER + (1u << world.acks.window_shift));
    assert_int_equal(move(&world, client, server, 2 * TICKS_A_SECOND, a_tick),
                     2ull * TICKS_A_SECOND * a_tick);
    status = status_of(world.server, server);
    assert_true(status.receive_buffer_bytes <= world.configs[1].receive_buffer_max_bytes / 4);
    assert_true(status.receive_queue_bytes <= status.receive_buffer_bytes);
    /* And once it reads, it gets all the room that a flow of that speed asks for. */
    (void)move(&world, client, server, 2 * TICKS_A_SECOND, EVERYTHING);
    assert_true(move(&world, client, server, TICKS_A_SECOND, EVERYTHING) > RATE_BYTES * 9 / 10);
    end(&world);
}

/* Small segments cost the receiver far more than they carry: the offer does not rise for them. */
static void small_segments(void **state)
{
    static const char block[100];
    struct world world;
    hf_handle client;
    hf_handle server;
    uint32_t before;
    (void)state;
    configure(&world);
    begin(&world);
    open_pair(&world, &client, &server);
    assert_int_equal(hf_set_option(world.client, client, HF_OPTION_NAGLE, 0, hf_sim_now(world.sim)),
                     HF_OK);
    before = status_of(world.server, server).receive_ssthresh_bytes;
    for (int i = 0; i < 2000; i++) {
        (void)hf_send(world.client, client, block, sizeof block, 0, hf_sim_now(world.sim));
        run_tick(&world);
        note_read(&world, take(&world, server, EVERYTHING));
    }
    assert_true(world.data.data_packets > 1900);
    assert_int_equal(status_of(world.server, server).receive_ssthresh_bytes, before);
    end(&world);
}

/* ---- memory */

/* From here on the edges that count are this connection's. */
static void watch_only(struct world *world, hf_handle client)
{
    uint16_t port = status_of(world->client, client).local.port;
    uint8_t shift = world->acks.window_shift;
    world->acks = (struct packet_watch){.only_port = port, .window_shift = shift};
}

/* A neighbour that reads nothing fills the server's memory: what had grown goes back to where it
 * began, without a step left; when the neighbour has read, it grows anew. */
static void memory_pressure(void **state)
{
    struct world world;
    struct hf_status status;
    hf_handle client;
    hf_handle server;
    hf_handle hog_client;
    hf_handle hog_server;
    uint32_t grown;
    (void)state;
    configure(&world);
    world.configs[1].memory_bytes = MEMORY_BYTES;
    begin(&world);
    open_pair(&world, &hog_client, &hog_server);
    open_pair(&world, &client, &server);
    watch_only(&world, client);
    (void)move(&world, client, server, 2 * TICKS_A_SECOND, EVERYTHING);
    grown = status_of(world.server, server).receive_buffer_bytes;
    assert_true(grown > 4 * FIRST_BUFFER);

    assert_int_equal(hf_set_option(world.server, hog_server, HF_OPTION_RECEIVE_BUFFER, HOG_BYTES,
                                   hf_sim_now(world.sim)),
                     HF_OK);
    for (uint32_t i = 0; i < 4 * TICKS_A_SECOND; i++) {
        give_all(&world, hog_client);
        run_tick(&world);
        (void)take(&world, server, EVERYTHING);
    }
    assert_true(status_of(world.server, hog_server).receive_memory_bytes >= HOG_BYTES);
    (void)move(&world, client, server, 2 * TICKS_A_SECOND, EVERYTHING);
    status = status_of(world.server, server);
    assert_true(status.receive_buffer_bytes < grown / 2);
    assert_true(status.receive_ssthresh_bytes <= 4u * 1460u);

    (void)take(&world, hog_server, EVERYTHING);
    assert_int_equal(hf_abort(world.client, hog_client, hf_sim_now(world.sim)), HF_OK);
    (void)move(&world, client, server, 3 * TICKS_A_SECOND, EVERYTHING);
    assert_true(status_of(world.server, server).receive_buffer_bytes > 4 * FIRST_BUFFER);
    end(&world);
}

/* ---- sending */

/* Never less than twice what congestion control lets fly, up to its maximum; never smaller again.
 */
static void send_buffer_follows_cwnd(void **state)
{
    struct world world;
    hf_handle client;
    hf_handle server;
    uint32_t before = 0;
    (void)state;
    configure(&world);
    world.configs[0].send_buffer_max_bytes = 1024 * 1024;
    begin(&world);
    open_pair(&world, &client, &server);
    for (uint32_t i = 0; i < 3 * TICKS_A_SECOND; i++) {
        struct hf_status status;
        (void)move(&world, client, server, 1, EVERYTHING);
        status = status_of(world.client, client);
        assert_true(status.send_buffer_bytes >= before);
        assert_true(status.send_buffer_bytes >= 1024 * 1024 ||
                    status.send_buffer_bytes + 2 * status.mss_bytes >=
                        2ull * status.numbers.cwnd_bytes);
        assert_true(status.send_buffer_bytes <= 1024 * 1024);
        before = status.send_buffer_bytes;
    }
    assert_int_equal(before, 1024 * 1024);
    end(&world);
}

static void send_buffer_stays(void **state)
{
    struct world world;
    struct hf_status status;
    hf_handle client;
    hf_handle server;
    (void)state;
    configure(&world);
    begin(&world);
    open_pair(&world, &client, &server);
    assert_int_equal(hf_set_option(world.client, client, HF_OPTION_SEND_BUFFER, FIRST_BUFFER,
                                   hf_sim_now(world.sim)),
                     HF_OK);
    (void)move(&world, client, server, 2 * TICKS_A_SECOND, EVERYTHING);
    status = status_of(world.client, client);
    assert_int_equal(status.send_buffer_bytes, FIRST_BUFFER);
    assert_true(status.send_queue_bytes <= FIRST_BUFFER);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_the_flow_by_timestamps),
        cmocka_unit_test(follows_the_flow_by_windows),
        cmocka_unit_test(unmoderated),
        cmocka_unit_test(fixed_by_option),
        cmocka_unit_test(slow_program),
        cmocka_unit_test(small_segments),
        cmocka_unit_test(memory_pressure),
        cmocka_unit_test(send_buffer_follows_cwnd),
        cmocka_unit_test(send_buffer_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
