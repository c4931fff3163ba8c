/* SPDX-License-Identifier: MIT */
#include "host_pair.h"

#include "measure.h"

enum { BACKLOG = 128, MTU = 1500 };

void host_pair_begin(struct host_pair *pair)
{
    struct hf_config config = hf_config_default();
    struct hf_address from = hf_address_ipv4(10, 0, 0, 1);
    *pair = (struct host_pair){hf_stack_new(&config),
                               hf_stack_new(&config),
                               {hf_address_ipv4(10, 0, 0, 2), 80},
                               HF_NO_HANDLE,
                               HF_SECOND};
    if (pair->client == NULL || pair->server == NULL ||
        hf_stack_add_address(pair->client, &from) != HF_OK ||
        hf_stack_add_address(pair->server, &pair->to.address) != HF_OK ||
        hf_listen(pair->server, &pair->to, BACKLOG, &pair->listener) != HF_OK) {
        measure_fail("cannot make two hosts");
    }
}

void host_pair_end(struct host_pair *pair)
{
    hf_stack_free(pair->client);
    hf_stack_free(pair->server);
}

void host_pair_settle(struct host_pair *pair)
{
    uint8_t packet[MTU];
    struct hf_stack *stacks[2] = {pair->client, pair->server};
    struct hf_event event;
    ptrdiff_t length;
    for (unsigned side = 0, silent = 0; silent < 2; side ^= 1) {
        silent++;
        while ((length = hf_stack_output(stacks[side], packet, sizeof packet, pair->now)) > 0) {
            hf_stack_input(stacks[side ^ 1], packet, (size_t)length, pair->now);
            silent = 0;
        }
    }
    while (hf_stack_next_event(pair->client, &event) || hf_stack_next_event(pair->server, &event)) {
    }
}

void host_pair_open(struct host_pair *pair, hf_handle *client, hf_handle *server)
{
    pair->now += HF_MILLISECOND;
    if (hf_connect(pair->client, NULL, &pair->to, pair->now, client) != HF_OK) {
        measure_fail("cannot connect");
    }
    host_pair_settle(pair);
    if (hf_accept(pair->server, pair->listener, server, NULL) != HF_OK) {
        measure_fail("cannot accept");
    }
}
