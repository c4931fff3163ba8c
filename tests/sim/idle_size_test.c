/* SPDX-License-Identifier: MIT
 *
 * What an idle connection costs: all that a host holds more for each of some thousands of them,
 * divided by their number, so that slots of tables, nodes of timers and slack are in it. Printed,
 * and bounded: what makes a connection larger has to say so here and in docs/internals.md. The
 * links have jitter, for connections whose round trips are all alike would rest in less than
 * others.
 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <handfast/sim.h>
#include <stdio.h>
#include <string.h>

#define CONNECTIONS 6000u
#define PORT 7000
#define IDLE_TIME (600 * HF_SECOND)
/* Bytes. */
#define MOST_UNUSED 200u
#define MOST_AFTER_SENDING 320u
/* Pages that the host keeps for the next queues: 1,024 of 4 KiB, whatever the connections. */
#define SPARE_PAGES (1024u * 4096u / CONNECTIONS)

struct pair {
    struct hf_stack *stacks[2]; /* client, server */
    struct hf_sim *sim;
    uint64_t before[2];
    hf_handle handles[2][CONNECTIONS];
};

static struct hf_stack *new_host(uint8_t number)
{
    struct hf_address address = hf_address_ipv4(10, 0, 0, number);
    struct hf_config config = hf_config_default();
    struct hf_stack *stack;
    memset(config.seed, number, sizeof config.seed);
    stack = hf_stack_new(&config);
    assert_non_null(stack);
    assert_int_equal(hf_stack_add_address(stack, &address), HF_OK);
    return stack;
}

static uint64_t held_bytes(const struct hf_stack *stack)
{
    struct hf_counters counters;
    hf_stack_counters(stack, &counters);
    return counters.memory_used_bytes;
}

static void run_for(struct pair *pair, hf_time time)
{
    struct hf_event event;
    (void)hf_sim_run(pair->sim, hf_sim_now(pair->sim) + time);
    while (hf_stack_next_event(pair->stacks[0], &event) ||
           hf_stack_next_event(pair->stacks[1], &event)) {
    }
}

static void open_all(struct pair *pair)
{
    struct hf_endpoint remote = {hf_address_ipv4(10, 0, 0, 2), PORT};
    struct hf_sim_config link = hf_sim_config_default();
    hf_handle listener;
    pair->stacks[0] = new_host(1);
    pair->stacks[1] = new_host(2);
    link.forward.jitter_ns = 7 * HF_MILLISECOND;
    link.backward.jitter_ns = 5 * HF_MILLISECOND;
    pair->sim = hf_sim_new(&link, pair->stacks[0], pair->stacks[1]);
    assert_non_null(pair->sim);
    assert_int_equal(hf_listen(pair->stacks[1], &remote, 64, &listener), HF_OK);
    for (unsigned side = 0; side < 2; side++) {
        pair->before[side] = held_bytes(pair->stacks[side]);
    }
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        assert_int_equal(
            hf_connect(pair->stacks[0], NULL, &remote, hf_sim_now(pair->sim), &pair->handles[0][i]),
            HF_OK);
        run_for(pair, 100 * HF_MILLISECOND);
        assert_int_equal(hf_accept(pair->stacks[1], listener, &pair->handles[1][i], NULL), HF_OK);
    }
    run_for(pair, IDLE_TIME);
}

static void close_all(struct pair *pair)
{
    hf_sim_free(pair->sim);
    hf_stack_free(pair->stacks[0]);
    hf_stack_free(pair->stacks[1]);
}

static void bounded(const struct pair *pair, const char *what, uint64_t most)
{
    for (unsigned side = 0; side < 2; side++) {
        uint64_t each = (held_bytes(pair->stacks[side]) - pair->before[side]) / CONNECTIONS;
        printf("%s, %s: %u bytes a connection\n", side == 0 ? "client" : "server", what,
               (unsigned)each);
        assert_true(each <= most);
    }
}

/* Each way so much, all read. */
static void talk(struct pair *pair, uint32_t bytes)
{
    static char block[100000];
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        for (unsigned side = 0; side < 2; side++) {
            assert_int_equal(hf_send(pair->stacks[side], pair->handles[side][i], block, bytes, 0,
                                     hf_sim_now(pair->sim)),
                             bytes);
        }
        run_for(pair, 400 * HF_MILLISECOND);
        for (unsigned side = 0; side < 2; side++) {
            assert_int_equal(hf_recv(pair->stacks[side], pair->handles[side][i], block, bytes, 0,
                                     hf_sim_now(pair->sim)),
                             bytes);
        }
    }
    run_for(pair, IDLE_TIME);
}

/* Nearly all of them, and they were before somebody asked. */
static void at_rest(const struct pair *pair)
{
    for (unsigned side = 0; side < 2; side++) {
        struct hf_counters counters;
        struct hf_status status;
        hf_stack_counters(pair->stacks[side], &counters);
        assert_int_equal(counters.connections, CONNECTIONS);
        assert_int_equal(counters.connections_resting, CONNECTIONS);
        assert_int_equal(counters.rests_refused, 0);
        assert_int_equal(hf_status(pair->stacks[side], pair->handles[side][77], &status), HF_OK);
        assert_int_equal(status.state, HF_ESTABLISHED);
        assert_int_equal(status.resting, 1);
        assert_int_equal(hf_stack_next_deadline(pair->stacks[side]),
                         status.keepalive ? status.timer_deadline : HF_TIME_NEVER);
    }
}

static void idle_connections(void **state)
{
    static struct pair pair;
    (void)state;
    open_all(&pair);
    at_rest(&pair);
    bounded(&pair, "nothing sent yet", MOST_UNUSED);
    talk(&pair, 10);
    bounded(&pair, "after 10 bytes each way", MOST_AFTER_SENDING);
    at_rest(&pair);
    talk(&pair, 30000);
    bounded(&pair, "after 30,000 more", MOST_AFTER_SENDING + SPARE_PAGES);
    close_all(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(idle_connections)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
