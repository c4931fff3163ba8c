/* SPDX-License-Identifier: MIT
 *
 * Outgoing ports: a host that remembers which destinations have taken all of them, against one that
 * is made to forget it and walks each time. Both must choose the same; what the first one looks at
 * is counted.
 */
#include "stack_state.h"

#include "stack_test.h"

enum { LOW = 50000, PORTS = 2000, DESTINATIONS = 3, ROUNDS = 20000 };

struct host {
    struct hf_stack *stack;
    hf_handle connections[DESTINATIONS][PORTS];
    uint32_t counts[DESTINATIONS];
    bool forgets;
};

static void set_up(struct host *host, bool forgets)
{
    struct hf_config config = stack_test_config(7, 0);
    struct hf_address address = hf_address_ipv4(10, 0, 0, 1);
    config.port_low = LOW;
    config.port_high = LOW + PORTS - 1;
    memset(host, 0, sizeof *host);
    host->stack = stack_test_host(&config, &address);
    host->forgets = forgets;
}

/* The port, or an error. */
static int open_one(struct host *host, uint32_t destination)
{
    struct hf_endpoint remote = {hf_address_ipv4(10, 0, 1, (uint8_t)(1 + destination)), 80};
    struct hf_status status;
    hf_handle handle;
    int error;
    if (host->forgets) {
        crowded_ports_free(host->stack);
    }
    error = hf_connect(host->stack, NULL, &remote, HF_SECOND, &handle);
    if (error != HF_OK) {
        return error;
    }
    assert_int_equal(hf_status(host->stack, handle, &status), HF_OK);
    host->connections[destination][host->counts[destination]++] = handle;
    return status.local.port;
}

static void close_one(struct host *host, uint32_t destination, uint32_t which)
{
    hf_handle *all = host->connections[destination];
    assert_int_equal(hf_abort(host->stack, all[which], HF_SECOND), HF_OK);
    all[which] = all[--host->counts[destination]];
}

static uint64_t looked_at(const struct host *host)
{
    return host->stack->ports_looked_at;
}

/* Where none is left that is known at once; where few are, those alone are looked at. */
static void refusals_cost_nothing(void **state)
{
    struct host *host = calloc(1, sizeof *host);
    uint64_t before;
    (void)state;
    assert_non_null(host);
    set_up(host, false);
    for (uint32_t i = 0; i < PORTS; i++) {
        assert_true(open_one(host, 0) > 0);
    }
    before = looked_at(host);
    assert_int_equal(open_one(host, 0), HF_EADDRNOTAVAIL);
    assert_int_equal(looked_at(host) - before, PORTS); /* once */
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(open_one(host, 0), HF_EADDRNOTAVAIL);
    }
    assert_int_equal(looked_at(host) - before, PORTS);
    assert_true(open_one(host, 1) > 0); /* another destination has all of its own */

    before = looked_at(host);
    for (uint32_t i = 0; i < 1000; i++) {
        close_one(host, 0, i * 7 % PORTS);
        assert_true(open_one(host, 0) > 0);
        assert_int_equal(open_one(host, 0), HF_EADDRNOTAVAIL);
    }
    assert_true(looked_at(host) - before <= 1000 * 4);
    hf_stack_free(host->stack);
    free(host);
}

/* Near the limit, over it, far below it again: the same ports as the walk's, or none as well. */
static void chooses_what_the_walk_would(void **state)
{
    struct host *host = calloc(2, sizeof *host);
    uint64_t chance = 3;
    uint32_t refused = 0;
    (void)state;
    assert_non_null(host);
    set_up(&host[0], false);
    set_up(&host[1], true);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint32_t destination = stack_test_chance(&chance, 10) == 0 ? 1 : 0;
        uint32_t count = host[0].counts[destination];
        bool emptying = i % 6000 > 5900; /* more are freed than are remembered */
        if (count > 0 && (emptying || (count > PORTS - 5 && stack_test_chance(&chance, 2) == 0))) {
            uint32_t which = stack_test_chance(&chance, count);
            close_one(&host[0], destination, which);
            close_one(&host[1], destination, which);
        } else {
            int port = open_one(&host[0], destination);
            assert_int_equal(open_one(&host[1], destination), port);
            refused += port == HF_EADDRNOTAVAIL;
        }
    }
    assert_true(refused > 100);
    assert_true(looked_at(&host[0]) * 10 < looked_at(&host[1]));
    hf_stack_free(host[0].stack);
    hf_stack_free(host[1].stack);
    free(host);
}

/* Another range of ports: what was known of the old one is forgotten. */
static void another_range(void **state)
{
    struct host *host = calloc(1, sizeof *host);
    struct hf_config config;
    (void)state;
    assert_non_null(host);
    set_up(host, false);
    config = *hf_stack_config(host->stack);
    config.port_high = LOW + 9;
    assert_int_equal(hf_stack_reconfigure(host->stack, &config), HF_OK);
    for (int i = 0; i < 10; i++) {
        assert_true(open_one(host, 0) > 0);
    }
    assert_int_equal(open_one(host, 0), HF_EADDRNOTAVAIL);
    config.port_high = LOW + 19;
    assert_int_equal(hf_stack_reconfigure(host->stack, &config), HF_OK);
    for (int i = 0; i < 10; i++) {
        assert_true(open_one(host, 0) >= LOW + 10);
    }
    assert_int_equal(open_one(host, 0), HF_EADDRNOTAVAIL);
    hf_stack_free(host->stack);
    free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(refusals_cost_nothing),
                                       cmocka_unit_test(chooses_what_the_walk_would),
                                       cmocka_unit_test(another_range)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
