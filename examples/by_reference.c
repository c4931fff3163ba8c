/* SPDX-License-Identifier: MIT
 * Sending without a copy: the stack reads a constant where it lies, and says when it is done. */
#include <handfast/handfast.h>
#include <stdio.h>

static const char words[] = "Rain on the roof all night; by morning the path is a brook.";

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
    struct hf_returned returned;
    hf_handle door, call;
    char context[] = "the words";
    if (!client || !server || hf_stack_add_address(client, &home) ||
        hf_stack_add_address(server, &shop.address) || hf_listen(server, &shop, 1, &door) ||
        hf_connect(client, NULL, &shop, 0, &call) ||
        hf_send_ref(client, call, words, sizeof words, context, 0, 0) != sizeof words)
        return 1;
    for (hf_time now = 0; !hf_next_returned(client, &returned); now += HF_MILLISECOND) {
        carry(client, server, now);
        carry(server, client, now);
    }
    printf("%s: %zu bytes of %zu have arrived\n", (char *)returned.context, returned.acknowledged,
           returned.length);
    hf_stack_free(client);
    hf_stack_free(server);
    return returned.error;
}
