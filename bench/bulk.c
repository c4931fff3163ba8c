/* SPDX-License-Identifier: MIT
 *
 * Two hosts in one process, one thread: a program writes 64 KiB at a time into one, packets go
 * across by hand, and a program reads them out of the other.
 */
#include "measure.h"

#include <handfast/handfast.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PACKETS_A_TURN 32
#define MSS_WITH_TIMESTAMPS 1448.0

static void carry(struct hf_stack *from, struct hf_stack *to, hf_time now)
{
    uint8_t packet[1500];
    for (int i = 0; i < PACKETS_A_TURN; i++) {
        ptrdiff_t length = hf_stack_output(from, packet, sizeof packet, now);
        if (length <= 0) {
            return;
        }
        hf_stack_input(to, packet, (size_t)length, now);
    }
}

static void drain_events(struct hf_stack *stack)
{
    struct hf_event event;
    while (hf_stack_next_event(stack, &event)) {
    }
}

struct bulk_result bulk_run(uint64_t bytes)
{
    static uint8_t buffer[65536];
    struct hf_config config = hf_config_default();
    struct hf_stack *sender = hf_stack_new(&config);
    struct hf_stack *receiver = hf_stack_new(&config);
    struct hf_endpoint from = {.address = hf_address_ipv4(10, 0, 0, 1)};
    struct hf_endpoint to = {hf_address_ipv4(10, 0, 0, 2), 80};
    hf_handle listener;
    hf_handle source;
    hf_handle sink = HF_NO_HANDLE;
    uint64_t received = 0;
    hf_time now = HF_SECOND;
    double start;
    double seconds;
    hf_stack_add_address(sender, &from.address);
    hf_stack_add_address(receiver, &to.address);
    if (hf_listen(receiver, &to, 1, &listener) != HF_OK ||
        hf_connect(sender, NULL, &to, now, &source) != HF_OK) {
        fprintf(stderr, "bench: cannot open a connection\n");
        exit(1);
    }
    start = measure_seconds();
    while (received < bytes) {
        ptrdiff_t length;
        now += HF_MICROSECOND;
        hf_send(sender, source, buffer, sizeof buffer, 0, now);
        carry(sender, receiver, now);
        carry(receiver, sender, now);
        drain_events(sender);
        drain_events(receiver);
        if (sink == HF_NO_HANDLE && hf_accept(receiver, listener, &sink, NULL) != HF_OK) {
            continue;
        }
        while ((length = hf_recv(receiver, sink, buffer, sizeof buffer, 0, now)) > 0) {
            received += (uint64_t)length;
        }
    }
    seconds = measure_seconds() - start;
    hf_stack_free(sender);
    hf_stack_free(receiver);
    return (struct bulk_result){8e-9 * (double)received / seconds,
                                seconds * 1e9 / ((double)received / MSS_WITH_TIMESTAMPS)};
}
