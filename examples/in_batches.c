/* SPDX-License-Identifier: MIT
 * Bulk data between two hosts in one process: packets in batches, cut to the MTU on the way, and
 * read where they lie. */
#include <handfast/handfast.h>
#include <stdio.h>
#include <string.h>

enum { MTU = 1500, PACKETS = 64, LENGTH = 1000000 };

static unsigned char wire[PACKETS][MTU], ones[65536];
static unsigned char space[2 * HF_PACKET_BYTES];

/* All that one host has to send, to the other. */
static void carry(struct hf_stack *from, struct hf_stack *to, hf_time now)
{
    struct hf_packet packet = {.bytes = space, .capacity = HF_PACKET_BYTES};
    struct hf_packet packets[2] = {packet, packet};
    packets[1].bytes += HF_PACKET_BYTES;
    for (int made; (made = hf_stack_output_batch(from, packets, 2, HF_OUTPUT_SUPER, now)) > 0;) {
        for (int i = 0; i < made; i++) {
            struct hf_arriving arriving[PACKETS] = {{0}};
            struct hf_split split;
            uint32_t count = 0;
            hf_split_begin(&split, &packets[i]);
            for (ptrdiff_t length; (length = hf_split_next(&split, wire[count], MTU)) > 0;) {
                arriving[count].bytes = wire[count];
                arriving[count++].length = (size_t)length;
            }
            hf_stack_input_batch(to, arriving, count, now);
        }
    }
}

int main(void)
{
    struct hf_config config = hf_config_default();
    struct hf_stack *client = hf_stack_new(&config), *server = hf_stack_new(&config);
    struct hf_address home = hf_address_ipv4(10, 0, 0, 1);
    struct hf_endpoint shop = {hf_address_ipv4(10, 0, 0, 2), 80};
    hf_handle door, call, visit = HF_NO_HANDLE;
    size_t written = 0, read = 0, sum = 0;
    if (!client || !server || hf_stack_add_address(client, &home) ||
        hf_stack_add_address(server, &shop.address) || hf_listen(server, &shop, 1, &door) ||
        hf_connect(client, NULL, &shop, 0, &call))
        return 1;
    memset(ones, 1, sizeof ones);
    for (hf_time now = 0; now < HF_SECOND && read < LENGTH; now += HF_MILLISECOND) {
        struct hf_piece pieces[16];
        uint32_t count = 16;
        size_t left = LENGTH - written < sizeof ones ? LENGTH - written : sizeof ones;
        ptrdiff_t length = hf_send(client, call, ones, left, 0, now);
        written += length > 0 ? (size_t)length : 0;
        carry(client, server, now);
        if (visit == HF_NO_HANDLE)
            (void)hf_accept(server, door, &visit, NULL);
        while ((length = hf_recv_ref(server, visit, pieces, &count)) > 0) {
            for (uint32_t i = 0; i < count; i++)
                for (size_t at = 0; at < pieces[i].length; at++)
                    sum += ((const unsigned char *)pieces[i].data)[at];
            hf_recv_release(server, visit, (size_t)length, now);
            read += (size_t)length;
            count = 16;
        }
        carry(server, client, now);
    }
    printf("the server has looked at %zu bytes, their sum is %zu\n", read, sum);
    hf_stack_free(client);
    hf_stack_free(server);
    return read != LENGTH || sum != LENGTH;
}
