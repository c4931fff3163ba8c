/* SPDX-License-Identifier: MIT
 *
 * Connections one after another between two hosts in one process: open, one byte each way, close.
 */
#include "measure.h"

#include <handfast/handfast.h>

struct pair {
    struct hf_stack *client, *server;
    hf_handle listener;
    hf_time now;
};

static void settle(struct pair *pair)
{
    uint8_t packet[1500];
    ptrdiff_t length;
    struct hf_event event;
    int moved = 1;
    while (moved) {
        moved = 0;
        while ((length = hf_stack_output(pair->client, packet, sizeof packet, pair->now)) > 0) {
            hf_stack_input(pair->server, packet, (size_t)length, pair->now);
            moved = 1;
        }
        while ((length = hf_stack_output(pair->server, packet, sizeof packet, pair->now)) > 0) {
            hf_stack_input(pair->client, packet, (size_t)length, pair->now);
            moved = 1;
        }
    }
    while (hf_stack_next_event(pair->client, &event)) {
    }
    while (hf_stack_next_event(pair->server, &event)) {
    }
}

static void expect(int condition, const char *what)
{
    if (!condition) {
        measure_fail(what);
    }
}

static void one_connection(struct pair *pair, const struct hf_endpoint *to, int reset)
{
    hf_handle client;
    hf_handle server;
    uint8_t byte = 1;
    expect(hf_connect(pair->client, NULL, to, pair->now, &client) == HF_OK, "cannot connect");
    settle(pair);
    expect(hf_accept(pair->server, pair->listener, &server, NULL) == HF_OK, "cannot accept");
    hf_send(pair->client, client, &byte, 1, 0, pair->now);
    settle(pair);
    expect(hf_recv(pair->server, server, &byte, 1, 0, pair->now) == 1, "a byte is missing");
    hf_send(pair->server, server, &byte, 1, 0, pair->now);
    settle(pair);
    expect(hf_recv(pair->client, client, &byte, 1, 0, pair->now) == 1, "a byte is missing");
    if (reset) {
        hf_abort(pair->client, client, pair->now);
    } else {
        hf_close(pair->client, client, pair->now);
    }
    settle(pair);
    hf_close(pair->server, server, pair->now);
    settle(pair);
}

static void begin_client(struct pair *pair)
{
    struct hf_config config = hf_config_default();
    struct hf_address from = hf_address_ipv4(10, 0, 0, 2);
    pair->client = hf_stack_new(&config);
    expect(pair->client != NULL && hf_stack_add_address(pair->client, &from) == HF_OK,
           "cannot make a host");
}

static double run(struct pair *pair, uint64_t connections, int reset)
{
    struct hf_endpoint to = {hf_address_ipv4(10, 0, 0, 1), 80};
    double start = measure_seconds();
    for (uint64_t i = 0; i < connections; i++) {
        /* So that ports come free: 60 s of TIME-WAIT pass every 10,000 connections. */
        pair->now += 6 * HF_MILLISECOND;
        one_connection(pair, &to, reset);
    }
    return (double)connections / (measure_seconds() - start);
}

double connections_run_at(struct hf_stack *server, uint64_t listener, int64_t *now,
                          uint64_t connections, int reset)
{
    struct pair pair = {.server = server, .listener = listener, .now = *now};
    double rate;
    begin_client(&pair);
    rate = run(&pair, connections, reset);
    *now = pair.now;
    hf_stack_free(pair.client);
    return rate;
}

double connections_run(uint64_t connections, int reset)
{
    struct hf_config config = hf_config_default();
    struct pair pair = {.now = HF_SECOND};
    struct hf_endpoint to = {hf_address_ipv4(10, 0, 0, 1), 80};
    double rate;
    pair.server = hf_stack_new(&config);
    expect(pair.server != NULL && hf_stack_add_address(pair.server, &to.address) == HF_OK,
           "cannot make a host");
    expect(hf_listen(pair.server, &to, 128, &pair.listener) == HF_OK, "cannot listen");
    begin_client(&pair);
    rate = run(&pair, connections, reset);
    hf_stack_free(pair.client);
    hf_stack_free(pair.server);
    return rate;
}
