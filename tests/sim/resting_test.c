/* SPDX-License-Identifier: MIT
 *
 * Connections at rest on a host whose memory is full: what cannot be woken loses nothing but time,
 * what must end ends with a reset, and when there is room again all goes on. And those that stand
 * in line to rest when the program decides that none is to, or at other times.
 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <handfast/sim.h>
#include <stdbool.h>
#include <string.h>

#define CONNECTIONS 200u
#define FLOOD 0u    /* sends more than the server can hold */
#define CLOSED 199u /* is closed while memory is full */
#define PORT 7000
#define SMALL_MEMORY (1200u << 10)

struct pair {
    struct hf_stack *client, *server;
    struct hf_sim *sim;
    hf_handle at_client[CONNECTIONS], at_server[CONNECTIONS];
    bool reset[CONNECTIONS];
};

static struct hf_stack *new_host(uint8_t number, uint64_t memory_bytes)
{
    struct hf_address address = hf_address_ipv4(10, 0, 0, number);
    struct hf_config config = hf_config_default();
    struct hf_stack *stack;
    memset(config.seed, number, sizeof config.seed);
    config.memory_bytes = memory_bytes;
    config.receive_buffer_bytes = 4 << 20;
    config.send_buffer_bytes = 4 << 20;
    stack = hf_stack_new(&config);
    assert_non_null(stack);
    assert_int_equal(hf_stack_add_address(stack, &address), HF_OK);
    return stack;
}

static void run_for(struct pair *pair, hf_time time)
{
    struct hf_event event;
    (void)hf_sim_run(pair->sim, hf_sim_now(pair->sim) + time);
    while (hf_stack_next_event(pair->server, &event)) {
    }
    while (hf_stack_next_event(pair->client, &event)) {
        for (unsigned i = 0; i < CONNECTIONS; i++) {
            if (event.type == HF_EVENT_ERROR && event.handle == pair->at_client[i]) {
                pair->reset[i] = event.error == HF_ECONNRESET;
            }
        }
    }
}

static void open_all(struct pair *pair)
{
    struct hf_endpoint remote = {hf_address_ipv4(10, 0, 0, 2), PORT};
    struct hf_sim_config link = hf_sim_config_default();
    hf_handle listener;
    memset(pair, 0, sizeof *pair);
    pair->client = new_host(1, UINT64_C(1) << 28);
    pair->server = new_host(2, SMALL_MEMORY);
    pair->sim = hf_sim_new(&link, pair->client, pair->server);
    assert_non_null(pair->sim);
    assert_int_equal(hf_listen(pair->server, &remote, 64, &listener), HF_OK);
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        assert_int_equal(
            hf_connect(pair->client, NULL, &remote, hf_sim_now(pair->sim), &pair->at_client[i]),
            HF_OK);
        run_for(pair, 100 * HF_MILLISECOND);
        assert_int_equal(hf_accept(pair->server, listener, &pair->at_server[i], NULL), HF_OK);
    }
    run_for(pair, 10 * HF_SECOND);
}

static struct hf_counters counters_of(const struct hf_stack *stack)
{
    struct hf_counters counters;
    hf_stack_counters(stack, &counters);
    return counters;
}

static void send_from_client(struct pair *pair, unsigned number, uint32_t bytes)
{
    static char block[2 << 20];
    assert_int_equal(
        hf_send(pair->client, pair->at_client[number], block, bytes, 0, hf_sim_now(pair->sim)),
        bytes);
}

static uint32_t read_at_server(struct pair *pair, unsigned number)
{
    static char block[2 << 20];
    uint32_t read = 0;
    ptrdiff_t more;
    while ((more = hf_recv(pair->server, pair->at_server[number], block, sizeof block, 0,
                           hf_sim_now(pair->sim))) > 0) {
        read += (uint32_t)more;
    }
    assert_int_equal(more, HF_EAGAIN);
    return read;
}

static void memory_is_full(void **state)
{
    static struct pair pair;
    static uint32_t read[CONNECTIONS];
    (void)state;
    open_all(&pair);
    assert_int_equal(counters_of(pair.server).connections_resting, CONNECTIONS);
    send_from_client(&pair, FLOOD, 2 << 20);
    run_for(&pair, 5 * HF_SECOND);
    assert_true(counters_of(pair.server).memory_used_bytes > SMALL_MEMORY - 40000);
    for (unsigned i = 1; i < CLOSED; i++) {
        send_from_client(&pair, i, 10);
    }
    run_for(&pair, 2 * HF_SECOND);
    assert_true(counters_of(pair.server).wakes_failed > 0);
    assert_true(counters_of(pair.server).dropped[HF_REASON_MEMORY_LIMIT] > 0);
    assert_true(counters_of(pair.server).memory_peak_bytes <= SMALL_MEMORY);

    assert_int_equal(hf_close(pair.server, pair.at_server[CLOSED], hf_sim_now(pair.sim)), HF_OK);
    assert_int_equal(hf_close(pair.server, pair.at_server[CLOSED], hf_sim_now(pair.sim)), HF_EBADF);
    assert_int_equal(counters_of(pair.server).connections, CONNECTIONS - 1);
    run_for(&pair, HF_SECOND);

    for (unsigned round = 0; round < 200; round++) {
        for (unsigned i = 0; i < CLOSED; i++) {
            read[i] += read_at_server(&pair, i);
        }
        run_for(&pair, HF_SECOND);
    }
    assert_int_equal(read[FLOOD], 2 << 20);
    for (unsigned i = 1; i < CLOSED; i++) {
        assert_int_equal(read[i], 10);
        assert_false(pair.reset[i]);
    }
    /* Not even for the RST was there memory; whoever speaks to what is gone hears of it. */
    if (!pair.reset[CLOSED]) {
        send_from_client(&pair, CLOSED, 10);
        run_for(&pair, HF_SECOND);
    }
    assert_true(pair.reset[CLOSED]);
    run_for(&pair, 10 * HF_SECOND);
    assert_int_equal(counters_of(pair.server).connections_resting, CONNECTIONS - 1);
    hf_sim_free(pair.sim);
    hf_stack_free(pair.client);
    hf_stack_free(pair.server);
}

static void set_rest_after(struct pair *pair, hf_time rest_after_ns)
{
    struct hf_config config = *hf_stack_config(pair->client);
    config.rest_after_ns = rest_after_ns;
    assert_int_equal(hf_stack_reconfigure(pair->client, &config), HF_OK);
}

/* What hf_stack_reconfigure says holds for those that stand in line already. */
static void decided_anew(void **state)
{
    static struct pair pair;
    (void)state;
    open_all(&pair);
    assert_int_equal(counters_of(pair.client).connections_resting, CONNECTIONS);
    for (unsigned i = 0; i < CLOSED; i++) {
        send_from_client(&pair, i, 10);
    }
    run_for(&pair, HF_SECOND / 2);
    assert_int_equal(counters_of(pair.client).connections_resting, CONNECTIONS - CLOSED);
    set_rest_after(&pair, HF_TIME_NEVER);
    run_for(&pair, 100 * HF_SECOND);
    assert_int_equal(counters_of(pair.client).connections_resting, CONNECTIONS - CLOSED);
    set_rest_after(&pair, 2 * HF_SECOND);
    for (unsigned i = 0; i < CLOSED; i++) {
        send_from_client(&pair, i, 10);
    }
    run_for(&pair, HF_SECOND);
    assert_int_equal(counters_of(pair.client).connections_resting, CONNECTIONS - CLOSED);
    set_rest_after(&pair, 10 * HF_SECOND);
    run_for(&pair, 5 * HF_SECOND);
    assert_int_equal(counters_of(pair.client).connections_resting, CONNECTIONS - CLOSED);
    run_for(&pair, 20 * HF_SECOND);
    assert_int_equal(counters_of(pair.client).connections_resting, CONNECTIONS);
    for (unsigned i = 0; i < CLOSED; i++) {
        assert_int_equal(read_at_server(&pair, i), 20);
    }
    hf_sim_free(pair.sim);
    hf_stack_free(pair.client);
    hf_stack_free(pair.server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(memory_is_full),
                                       cmocka_unit_test(decided_anew)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
