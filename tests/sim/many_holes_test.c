/* SPDX-License-Identifier: MIT
 *
 * A window that was overrun: every second of 2,800 segments is lost. The receiver keeps all that
 * came above the 1,400 holes, so that only what was lost goes again. With room for fewer holes it
 * refused the rest, and the sender took segments for lost that had arrived, and slowed down for
 * each.
 */
#include <handfast/handfast.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENTS 6000u
#define FIRST_LOST 3100u /* of the second half, which leaves as one window */
#define LAST_LOST 5900u

static int lose(void *context, const uint8_t *packet, size_t length, uint64_t number, hf_time now)
{
    unsigned *lost = context;

    (void)packet;
    (void)now;
    if (length < 1000 || number < FIRST_LOST || number >= LAST_LOST || number % 2 == 0)
        return 0;
    (*lost)++;
    return 1;
}

static void check(int good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "many_holes_test: %s\n", what);
    exit(1);
}

int main(void)
{
    static char data[SEGMENTS * 1448], got[sizeof data];
    struct hf_config config = hf_config_default();
    struct hf_sim_config link = hf_sim_config_default();
    struct hf_endpoint server = {hf_address_ipv4(10, 0, 0, 2), 80};
    struct hf_address client = hf_address_ipv4(10, 0, 0, 1);
    struct hf_stack *stacks[2];
    struct hf_status status;
    hf_handle listener = HF_NO_HANDLE, call = HF_NO_HANDLE, visit = HF_NO_HANDLE;
    unsigned lost = 0;
    size_t received = 0;
    ptrdiff_t took;
    struct hf_sim *sim;

    memset(config.seed, 7, sizeof config.seed);
    config.send_buffer_bytes = config.receive_buffer_bytes = 16u << 20;
    config.initial_window_segments = 1000;
    config.slow_start_after_idle = 0;
    link.forward.lose = lose;
    link.forward.lose_context = &lost;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(i * 2654435761u >> 24);
    stacks[0] = hf_stack_new(&config);
    stacks[1] = hf_stack_new(&config);
    check(stacks[0] != NULL && stacks[1] != NULL, "no memory");
    check(hf_stack_add_address(stacks[0], &client) == HF_OK &&
              hf_stack_add_address(stacks[1], &server.address) == HF_OK &&
              hf_listen(stacks[1], &server, 1, &listener) == HF_OK &&
              hf_connect(stacks[0], NULL, &server, 0, &call) == HF_OK,
          "the hosts cannot be made");
    sim = hf_sim_new(&link, stacks[0], stacks[1]);
    check(sim != NULL, "the link cannot be made");
    hf_sim_run(sim, HF_SECOND);
    check(hf_accept(stacks[1], listener, &visit, NULL) == HF_OK, "nobody came");
    for (unsigned half = 0; half < 2; half++) {
        check(hf_send(stacks[0], call, data + half * sizeof data / 2, sizeof data / 2, 0,
                      hf_sim_now(sim)) == (ptrdiff_t)sizeof data / 2,
              "the send buffer is too small");
        hf_sim_run(sim, hf_sim_now(sim) + 10 * HF_SECOND);
        while ((took = hf_recv(stacks[1], visit, got + received, sizeof got - received, 0,
                               hf_sim_now(sim))) > 0)
            received += (size_t)took;
    }
    check(received == sizeof data && memcmp(data, got, sizeof data) == 0,
          "the data is not the same");
    check(hf_status(stacks[0], call, &status) == HF_OK, "the sender is gone");
    printf("%u lost, %u sent again, %u timeouts\n", lost, (unsigned)status.retransmits,
           (unsigned)status.timeouts);
    check(lost == (LAST_LOST - FIRST_LOST) / 2, "the link did not lose what it should");
    check(status.retransmits == lost, "more was sent again than was lost");
    check(status.timeouts == 0, "the timer ran out");
    hf_sim_free(sim);
    hf_stack_free(stacks[0]);
    hf_stack_free(stacks[1]);
    return 0;
}
