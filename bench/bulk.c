/* SPDX-License-Identifier: MIT
 *
 * Two hosts in one process, one thread: a program writes a super-segment's worth at a time into
 * one, packets of the MTU's size go across by hand, and a program reads them out of the other.
 * Every byte is copied from the program, into a packet and out of it to the program; checksums
 * are computed and verified. A program that has not posted a buffer for what arrives has each byte
 * copied once more, by way of the receive queue.
 */
#include "measure.h"

#include <handfast/handfast.h>
#include <stdlib.h>
#include <string.h>

#define PACKETS_A_TURN 44 /* a super-segment's */
#define MTU 1500
#define MSS_WITH_TIMESTAMPS 1448u
#define WRITE_BYTES (PACKETS_A_TURN * MSS_WITH_TIMESTAMPS)

/* A wire: packets as they would cross one, at most as large as its MTU, checksums complete. */
struct wire {
    struct hf_packet leaving[2];
    struct hf_arriving arriving[PACKETS_A_TURN];
    uint8_t packets[PACKETS_A_TURN][MTU];
    uint8_t *bytes; /* of those that leave */
};

static void carry(struct wire *wire, struct hf_stack *from, struct hf_stack *to, hf_time now)
{
    uint32_t count = 0;
    int made = hf_stack_output_batch(from, wire->leaving, 2,
                                     HF_OUTPUT_SUPER | HF_OUTPUT_PARTIAL | HF_OUTPUT_PIECES, now);
    for (int i = 0; i < made; i++) {
        struct hf_split split;
        ptrdiff_t length;
        hf_split_begin(&split, &wire->leaving[i]);
        while ((length = hf_split_next(&split, wire->packets[count], MTU)) > 0) {
            wire->arriving[count].bytes = wire->packets[count];
            wire->arriving[count++].length = (size_t)length;
            if (count == PACKETS_A_TURN) {
                hf_stack_input_batch(to, wire->arriving, count, now);
                count = 0;
            }
        }
    }
    hf_stack_input_batch(to, wire->arriving, count, now);
}

/* The same by the two calls that everybody begins with. */
static void carry_singly(struct wire *wire, struct hf_stack *from, struct hf_stack *to, hf_time now)
{
    ptrdiff_t length;
    while ((length = hf_stack_output(from, wire->packets[0], MTU, now)) > 0) {
        hf_stack_input(to, wire->packets[0], (size_t)length, now);
    }
}

static void drain_events(struct hf_stack *stack)
{
    struct hf_event event;
    while (hf_stack_next_event(stack, &event)) {
    }
}

static struct wire *wire_new(void)
{
    struct wire *wire = measure_calloc(1, sizeof *wire);
    uint8_t *bytes = measure_calloc(2, HF_PACKET_BYTES);
    wire->bytes = bytes;
    for (int i = 0; i < 2; i++) {
        wire->leaving[i].bytes = bytes + i * HF_PACKET_BYTES;
        wire->leaving[i].capacity = HF_PACKET_BYTES;
    }
    return wire;
}

static void wire_free(struct wire *wire)
{
    free(wire->bytes);
    free(wire);
}

static uint64_t read_received(struct hf_stack *receiver, hf_handle sink, enum bulk_way way,
                              uint8_t *buffer, hf_time now)
{
    uint64_t received = 0;
    ptrdiff_t length;
    if (way == BULK_POSTED) {
        length = hf_recv_posted(receiver, sink, now); /* HF_EINVAL: this is the first time */
        received = length > 0 ? (uint64_t)length : 0;
    }
    /* All that is left, too: what waits in the queue when a buffer is posted fills it, so that what
     * comes next finds it full and waits in the queue, for ever. */
    while ((length = hf_recv(receiver, sink, buffer, WRITE_BYTES, 0, now)) > 0) {
        received += (uint64_t)length;
    }
    if (way == BULK_POSTED) {
        hf_recv_post(receiver, sink, buffer, WRITE_BYTES, now);
    }
    return received;
}

struct bulk_result bulk_run(uint64_t bytes, enum bulk_way way)
{
    static uint8_t buffer[WRITE_BYTES];
    struct wire *wire = wire_new();
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
        measure_fail("cannot open a connection");
    }
    start = measure_seconds();
    while (received < bytes) {
        now += HF_MICROSECOND;
        hf_send(sender, source, buffer, sizeof buffer, 0, now);
        if (way == BULK_SINGLE) {
            carry_singly(wire, sender, receiver, now);
            carry_singly(wire, receiver, sender, now);
        } else {
            carry(wire, sender, receiver, now);
            carry(wire, receiver, sender, now);
        }
        drain_events(sender);
        drain_events(receiver);
        if (sink == HF_NO_HANDLE && hf_accept(receiver, listener, &sink, NULL) != HF_OK) {
            continue;
        }
        received += read_received(receiver, sink, way, buffer, now);
    }
    seconds = measure_seconds() - start;
    wire_free(wire);
    hf_stack_free(sender);
    hf_stack_free(receiver);
    return (struct bulk_result){8e-9 * (double)received / seconds,
                                seconds * 1e9 / ((double)received / MSS_WITH_TIMESTAMPS)};
}
