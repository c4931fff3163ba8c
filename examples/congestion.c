/* SPDX-License-Identifier: MIT
 * A congestion control of one's own: a window that stays as it is, half of it after a loss. */
#include <handfast/handfast.h>
#include <stdio.h>
#include <string.h>

struct steady {
    unsigned long acked_bytes, losses; /* what the algorithm keeps for one connection */
};

static void steady_init(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    state->cwnd_bytes = 20 * sample->mss_bytes;
}

static void steady_on_ack(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    ((struct steady *)state->private_state)->acked_bytes += sample->acked_bytes;
}

static void steady_on_congestion(struct hf_cc_state *state, const struct hf_cc_sample *sample,
                                 enum hf_cc_event event)
{
    unsigned half = state->cwnd_bytes / 2, least = 2 * sample->mss_bytes;
    ((struct steady *)state->private_state)->losses++;
    state->ssthresh_bytes = half > least ? half : least;
    state->cwnd_bytes = event == HF_CC_FAST_RETRANSMIT || event == HF_CC_ECN ? state->ssthresh_bytes
                                                                             : sample->mss_bytes;
}

static const struct hf_cc_ops steady = {
    .name = "steady",
    .private_bytes = sizeof(struct steady),
    .init = steady_init,
    .on_ack = steady_on_ack,
    .on_congestion = steady_on_congestion,
};

int main(void)
{
    struct hf_config config = hf_config_default();
    struct hf_sim_config way = hf_sim_config_default();
    struct hf_endpoint shop = {hf_address_ipv4(10, 0, 0, 2), 80};
    struct hf_address home = hf_address_ipv4(10, 0, 0, 1);
    struct hf_stack *client, *server;
    struct hf_sim *sim;
    struct hf_status status;
    hf_handle door, call, visit;
    char text[20000] = {0};
    unsigned long got = 0;
    config.congestion_controls[0] = &steady; /* may be chosen by its name from now on */
    client = hf_stack_new(&config);
    server = hf_stack_new(&config);
    sim = hf_sim_new(&way, client, server);
    if (!client || !server || !sim || hf_stack_add_address(client, &home) ||
        hf_stack_add_address(server, &shop.address) || hf_listen(server, &shop, 1, &door) ||
        hf_connect(client, NULL, &shop, 0, &call) ||
        hf_set_option(client, call, HF_OPTION_CONGESTION,
                      hf_congestion_control_find(client, "steady"), 0) ||
        hf_send(client, call, text, sizeof text, 0, 0) != (ptrdiff_t)sizeof text)
        return 1;
    hf_sim_run(sim, HF_SECOND);
    if (hf_accept(server, door, &visit, NULL) || hf_status(client, call, &status))
        return 1;
    for (ptrdiff_t n; (n = hf_recv(server, visit, text, sizeof text, 0, HF_SECOND)) > 0;)
        got += (unsigned long)n;
    printf("%s: %lu bytes arrived, the window is %u segments\n", status.congestion_control, got,
           status.numbers.cwnd_bytes / status.mss_bytes);
    hf_sim_free(sim);
    hf_stack_free(client);
    hf_stack_free(server);
    return got == sizeof text && strcmp(status.congestion_control, "steady") == 0 ? 0 : 1;
}
