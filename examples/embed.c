/* SPDX-License-Identifier: MIT
 * Two hosts in one process: packets in, packets out, time passed in. */
#include <handfast/handfast.h>
#include <stdio.h>

static void carry(struct hf_stack *from, struct hf_stack *to, hf_time now)
{
    unsigned char packet[1500];
    for (ptrdiff_t length; (length = hf_stack_output(from, packet, sizeof packet, now)) > 0;)
        hf_stack_input(to, packet, (size_t)length, now);
}

int main(void)
{
    struct hf_config config = hf_config_default();
    struct hf_stack *client = hf_stack_new(&config), *server = hf_stack_new(&config);
    struct hf_address home = hf_address_ipv4(10, 0, 0, 1);
    struct hf_endpoint shop = {hf_address_ipv4(10, 0, 0, 2), 80};
    hf_handle door, call, visit;
    char text[16];
    if (!client || !server || hf_stack_add_address(client, &home) ||
        hf_stack_add_address(server, &shop.address) || hf_listen(server, &shop, 1, &door) ||
        hf_connect(client, NULL, &shop, 0, &call) || hf_send(client, call, "hello", 6, 0, 0) != 6)
        return 1;
    for (hf_time now = 0; now < HF_SECOND; now += HF_MILLISECOND) {
        carry(client, server, now);
        carry(server, client, now);
    }
    if (hf_accept(server, door, &visit, NULL) || hf_recv(server, visit, text, 16, 0, HF_SECOND) < 6)
        return 1;
    printf("the server reads: %s\n", text);
    hf_stack_free(client);
    hf_stack_free(server);
}
