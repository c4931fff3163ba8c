/* SPDX-License-Identifier: MIT
 *
 * Congestion controls of a program's own that write what no window can be: nothing, everything,
 * whatever comes. The least window is one segment (RFC 5681 3.1), so all that is sent arrives, also
 * where one of Handfast's algorithms takes over in the middle what another left.
 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <handfast/sim.h>
#include <string.h>

#define PORT 7000
#define LENGTH 300000u

static void write_nothing(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    (void)sample;
    state->cwnd_bytes = 0;
    state->ssthresh_bytes = 0;
}

static void lose_everything(struct hf_cc_state *state, const struct hf_cc_sample *sample,
                            enum hf_cc_event event)
{
    (void)event;
    write_nothing(state, sample);
}

static void write_everything(struct hf_cc_state *state, const struct hf_cc_sample *sample)
{
    (void)sample;
    state->cwnd_bytes = UINT32_MAX;
    state->ssthresh_bytes = UINT32_MAX;
    state->pacing_rate = UINT64_MAX;
}

static void keep_everything(struct hf_cc_state *state, const struct hf_cc_sample *sample,
                            enum hf_cc_event event)
{
    (void)event;
    write_everything(state, sample);
}

static void unused(struct hf_cc_state *state, hf_time now)
{
    (void)now;
    write_nothing(state, NULL);
}

static uint32_t tell_too_much(const struct hf_cc_state *state, uint8_t info[HF_CC_INFO_BYTES])
{
    (void)state;
    memset(info, 1, HF_CC_INFO_BYTES);
    return UINT32_MAX;
}

static const struct hf_cc_ops nothing = {.name = "nothing",
                                         .init = write_nothing,
                                         .on_sent = write_nothing,
                                         .on_ack = write_nothing,
                                         .on_delivery = write_nothing,
                                         .on_congestion = lose_everything,
                                         .on_recovery_exit = write_nothing,
                                         .on_idle_restart = write_nothing,
                                         .on_undo = write_nothing,
                                         .info = tell_too_much};
static const struct hf_cc_ops seldom = {.name = "seldom",
                                        .governs_recovery = true,
                                        .init = write_nothing,
                                        .on_unused = unused,
                                        .on_ack = write_nothing,
                                        .on_delivery = write_nothing,
                                        .on_congestion = lose_everything};
static const struct hf_cc_ops everything = {.name = "everything",
                                            .init = write_everything,
                                            .on_sent = write_everything,
                                            .on_ack = write_everything,
                                            .on_delivery = write_everything,
                                            .on_congestion = keep_everything,
                                            .on_recovery_exit = write_everything,
                                            .on_idle_restart = write_everything,
                                            .on_undo = write_everything};

static struct hf_stack *new_host(uint8_t number, const struct hf_cc_ops *algorithm, uint8_t sack)
{
    struct hf_address address = hf_address_ipv4(10, 0, 0, number);
    struct hf_config config = hf_config_default();
    struct hf_stack *stack;
    memset(config.seed, number, sizeof config.seed);
    config.sack = sack;
    if (algorithm != NULL) {
        config.congestion_control = algorithm;
    }
    config.congestion_controls[0] = &nothing;
    config.congestion_controls[1] = &seldom;
    config.congestion_controls[2] = &everything;
    stack = hf_stack_new(&config);
    assert_non_null(stack);
    assert_int_equal(hf_stack_add_address(stack, &address), HF_OK);
    return stack;
}

/* LENGTH bytes over a path that loses; from a third of them on `later` decides. */
static void transfer(const struct hf_cc_ops *first, const char *later, uint8_t sack)
{
    struct hf_stack *client = new_host(1, first, sack);
    struct hf_stack *server = new_host(2, NULL, sack);
    struct hf_endpoint remote = {hf_address_ipv4(10, 0, 0, 2), PORT};
    struct hf_sim_config link = hf_sim_config_default();
    struct hf_sim *sim;
    struct hf_status status;
    hf_handle listener, call, visit = HF_NO_HANDLE;
    uint32_t sent = 0, read = 0;
    static uint8_t block[LENGTH];
    link.forward.loss_ppm = 20000;
    link.forward.rate_bits_per_second = 20000000;
    sim = hf_sim_new(&link, client, server);
    assert_non_null(sim);
    assert_int_equal(hf_listen(server, &remote, 1, &listener), HF_OK);
    assert_int_equal(hf_connect(client, NULL, &remote, 0, &call), HF_OK);
    while (read < LENGTH) {
        hf_time now = hf_sim_now(sim);
        ptrdiff_t length = hf_send(client, call, block, LENGTH - sent, 0, now);
        assert_true(now < 3600 * HF_SECOND);
        sent += length > 0 ? (uint32_t)length : 0;
        if (visit == HF_NO_HANDLE) {
            (void)hf_accept(server, listener, &visit, NULL);
        }
        length = hf_recv(server, visit, block, sizeof block, 0, now);
        read += length > 0 ? (uint32_t)length : 0;
        if (read > LENGTH / 3) {
            int index = hf_congestion_control_find(client, later);
            assert_int_equal(hf_set_option(client, call, HF_OPTION_CONGESTION, index, now), HF_OK);
        }
        (void)hf_sim_run(sim, now + 20 * HF_MILLISECOND);
        assert_int_equal(hf_status(client, call, &status), HF_OK);
        assert_true(status.congestion_info_bytes <= HF_CC_INFO_BYTES);
    }
    hf_sim_free(sim);
    hf_stack_free(client);
    hf_stack_free(server);
}

static void all_arrives(void **state)
{
    static const struct hf_cc_ops *const odd[] = {&nothing, &seldom, &everything};
    static const char *const later[] = {"reno", "cubic", "bbr", "dctcp", "nothing", "everything"};
    (void)state;
    for (unsigned one = 0; one < sizeof odd / sizeof odd[0]; one++) {
        for (unsigned two = 0; two < sizeof later / sizeof later[0]; two++) {
            transfer(odd[one], later[two], 1);
            transfer(odd[one], later[two], 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_arrives)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
