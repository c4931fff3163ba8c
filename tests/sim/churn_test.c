/* SPDX-License-Identifier: MIT
 *
 * Connections that come and go in every way there is, round after round between the same two
 * hosts. A record, slot or page that one of the ways forgets to give back is too little to see
 * once; but every round does the same as the one before, so from the second on neither host may
 * hold a byte more.
 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <handfast/sim.h>
#include <string.h>

#define ROUNDS 8
/* Until here pools may come to keep a spare slab each. */
#define SETTLED_ROUNDS 5
#define CONNECTIONS_A_ROUND 900
#define SERVER_PORT 7000
#define CLOSED_PORT 7001
#define LONG_ENOUGH (2 * HF_SECOND)

enum way {
    WAY_CLIENT_CLOSES_FIRST,
    WAY_SERVER_CLOSES_FIRST,
    WAY_BOTH_CLOSE_AT_ONCE,
    WAY_CLIENT_ABORTS,
    WAY_SERVER_ABORTS,
    WAY_CLOSED_WITH_UNREAD_DATA,
    WAY_REFUSED,
    WAY_ABORTED_IN_SYN_SENT,
    WAY_CLIENT_VANISHES_AFTER_SYN,
    WAY_NEVER_ACCEPTED,
    WAY_COUNT
};

struct pair {
    struct hf_stack *client, *server;
    struct hf_sim *sim;
    struct hf_endpoint remote;
    hf_handle listener;
};

static void drain_events(struct pair *pair)
{
    struct hf_event event;

    while (hf_stack_next_event(pair->client, &event) || hf_stack_next_event(pair->server, &event))
        ;
}

static hf_time now(const struct pair *pair)
{
    return hf_sim_now(pair->sim);
}

static void run_for(struct pair *pair, hf_time duration)
{
    hf_sim_run(pair->sim, now(pair) + duration);
    drain_events(pair);
}

static hf_handle start(struct pair *pair, uint16_t port)
{
    struct hf_endpoint remote = pair->remote;
    hf_handle connection;

    remote.port = port;
    assert_int_equal(hf_connect(pair->client, NULL, &remote, now(pair), &connection), HF_OK);
    return connection;
}

static void open_both(struct pair *pair, hf_handle *client, hf_handle *server)
{
    *client = start(pair, SERVER_PORT);
    run_for(pair, LONG_ENOUGH);
    assert_int_equal(hf_accept(pair->server, pair->listener, server, NULL), HF_OK);
}

static void send_text(struct hf_stack *stack, hf_handle connection, hf_time when)
{
    static const char text[5000] = "some text";

    assert_int_equal(hf_send(stack, connection, text, sizeof text, 0, when), sizeof text);
}

static void read_text(struct hf_stack *stack, hf_handle connection, hf_time when)
{
    char text[6000];

    assert_int_equal(hf_recv(stack, connection, text, sizeof text, 0, when), 5000);
}

/* Both ends are there; data has gone each way; then they part. */
static void meet_and_part(struct pair *pair, enum way way)
{
    hf_handle client, server;

    open_both(pair, &client, &server);
    send_text(pair->client, client, now(pair));
    send_text(pair->server, server, now(pair));
    run_for(pair, LONG_ENOUGH);
    read_text(pair->server, server, now(pair));
    if (way != WAY_CLOSED_WITH_UNREAD_DATA)
        read_text(pair->client, client, now(pair));
    if (way == WAY_CLIENT_ABORTS)
        assert_int_equal(hf_abort(pair->client, client, now(pair)), HF_OK);
    else if (way == WAY_SERVER_ABORTS)
        assert_int_equal(hf_abort(pair->server, server, now(pair)), HF_OK);
    else if (way != WAY_SERVER_CLOSES_FIRST)
        assert_int_equal(hf_close(pair->client, client, now(pair)), HF_OK);
    if (way == WAY_SERVER_CLOSES_FIRST || way == WAY_BOTH_CLOSE_AT_ONCE)
        assert_int_equal(hf_close(pair->server, server, now(pair)), HF_OK);
    run_for(pair, LONG_ENOUGH);
    /* Whoever is left closes; a handle of a connection that was reset is still there to close. */
    if (way == WAY_SERVER_CLOSES_FIRST || way == WAY_SERVER_ABORTS)
        assert_int_equal(hf_close(pair->client, client, now(pair)), HF_OK);
    else if (way != WAY_BOTH_CLOSE_AT_ONCE)
        assert_int_equal(hf_close(pair->server, server, now(pair)), HF_OK);
    run_for(pair, LONG_ENOUGH);
}

static void vanish_after_syn(struct pair *pair)
{
    const struct hf_sim_direction open = hf_sim_config_default().backward;
    struct hf_sim_direction shut = open;
    hf_handle client;

    shut.loss_ppm = 1000000;
    assert_int_equal(hf_sim_set_direction(pair->sim, 1, &shut), HF_OK);
    client = start(pair, SERVER_PORT);
    run_for(pair, 500 * HF_MILLISECOND);
    assert_int_equal(hf_abort(pair->client, client, now(pair)), HF_OK);
    run_for(pair, 600 * HF_SECOND);
    assert_int_equal(hf_sim_set_direction(pair->sim, 1, &open), HF_OK);
}

static void come_and_go(struct pair *pair, enum way way)
{
    hf_handle client, server;

    switch (way) {
    case WAY_CLIENT_CLOSES_FIRST:
    case WAY_SERVER_CLOSES_FIRST:
    case WAY_BOTH_CLOSE_AT_ONCE:
    case WAY_CLIENT_ABORTS:
    case WAY_SERVER_ABORTS:
    case WAY_CLOSED_WITH_UNREAD_DATA:
        meet_and_part(pair, way);
        break;
    case WAY_REFUSED:
        client = start(pair, CLOSED_PORT);
        run_for(pair, LONG_ENOUGH);
        assert_int_equal(hf_close(pair->client, client, now(pair)), HF_OK);
        break;
    case WAY_ABORTED_IN_SYN_SENT:
        client = start(pair, SERVER_PORT);
        hf_sim_flush(pair->sim);
        assert_int_equal(hf_abort(pair->client, client, now(pair)), HF_OK);
        run_for(pair, LONG_ENOUGH);
        break;
    case WAY_CLIENT_VANISHES_AFTER_SYN:
        vanish_after_syn(pair);
        break;
    case WAY_NEVER_ACCEPTED:
        client = start(pair, SERVER_PORT);
        run_for(pair, LONG_ENOUGH);
        assert_int_equal(hf_abort(pair->client, client, now(pair)), HF_OK);
        run_for(pair, LONG_ENOUGH);
        if (hf_accept(pair->server, pair->listener, &server, NULL) == HF_OK)
            assert_int_equal(hf_close(pair->server, server, now(pair)), HF_OK);
        break;
    case WAY_COUNT:
        fail();
    }
}

static struct hf_stack *new_host(uint8_t number)
{
    struct hf_address address = hf_address_ipv4(10, 0, 0, number);
    struct hf_config config = hf_config_default();
    struct hf_stack *stack;

    memset(config.seed, number, sizeof config.seed);
    config.msl_ns = HF_SECOND;
    stack = hf_stack_new(&config);
    assert_non_null(stack);
    assert_int_equal(hf_stack_add_address(stack, &address), HF_OK);
    return stack;
}

static uint64_t memory_at_rest(const struct hf_stack *stack, uint32_t listeners)
{
    struct hf_counters counters;

    hf_stack_counters(stack, &counters);
    assert_int_equal(counters.connections, 0);
    assert_int_equal(counters.syn_records, 0);
    assert_int_equal(counters.time_waits, 0);
    assert_int_equal(counters.listeners, listeners);
    assert_int_equal(hf_stack_next_deadline(stack), HF_TIME_NEVER);
    return counters.memory_used_bytes;
}

static void nothing_is_forgotten(void **state)
{
    struct pair pair = {.client = new_host(1), .server = new_host(2)};
    const struct hf_sim_config config = hf_sim_config_default();
    uint64_t client_bytes = 0, server_bytes = 0;

    (void)state;
    pair.sim = hf_sim_new(&config, pair.client, pair.server);
    assert_non_null(pair.sim);
    pair.remote = (struct hf_endpoint){hf_address_ipv4(10, 0, 0, 2), SERVER_PORT};
    assert_int_equal(hf_listen(pair.server, &pair.remote, 16, &pair.listener), HF_OK);
    for (int round = 1; round <= ROUNDS; round++) {
        for (int i = 0; i < CONNECTIONS_A_ROUND; i++)
            come_and_go(&pair, (enum way)(i % WAY_COUNT));
        hf_sim_run(pair.sim, HF_TIME_NEVER);
        drain_events(&pair);
        if (round > SETTLED_ROUNDS) {
            assert_int_equal(memory_at_rest(pair.client, 0), client_bytes);
            assert_int_equal(memory_at_rest(pair.server, 1), server_bytes);
        }
        client_bytes = memory_at_rest(pair.client, 0);
        server_bytes = memory_at_rest(pair.server, 1);
    }
    hf_sim_free(pair.sim);
    hf_stack_free(pair.client);
    hf_stack_free(pair.server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_forgotten)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
