/* SPDX-License-Identifier: MIT
 *
 * What each congestion control makes of a path, in virtual time: one connection, ten seconds of
 * data one way over {10, 100 Mbit/s} x {20, 100 ms} x loss {0, 0.1, 1 %} x buffer {0.1, 1, 4 BDP}.
 * The share of the link's rate that the program at the other end receives in the last eight
 * seconds, the mean and the worst queue in parts of the BDP, and what was sent again.
 *
 *     paths-sim [ALGORITHM...]        default: reno cubic bbr
 */
#include <handfast/handfast.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DURATION (10 * HF_SECOND)
#define WARM_UP (2 * HF_SECOND)
#define MTU 1500
#define BUFFER_BYTES (16u << 20)

struct path {
    uint64_t rate_bits_per_second;
    hf_time rtt_ns;
    uint32_t loss_ppm, buffer_percent;
};

struct outcome {
    double goodput_share, sent_again_percent, queue_mean, queue_worst;
};

static char chunk[1 << 16];

static void send_all(struct hf_stack *stack, hf_handle connection, hf_time now)
{
    while (hf_send(stack, connection, chunk, sizeof chunk, 0, now) > 0) {
    }
}

static uint64_t read_all(struct hf_stack *stack, hf_handle connection, hf_time now)
{
    uint64_t total = 0;
    ptrdiff_t got;
    while ((got = hf_recv(stack, connection, chunk, sizeof chunk, 0, now)) > 0)
        total += (uint64_t)got;
    return total;
}

static uint64_t bdp_bytes(const struct path *path)
{
    return path->rate_bits_per_second / 8 * (uint64_t)(path->rtt_ns / HF_MILLISECOND) / 1000;
}

static struct hf_sim *make_sim(const struct path *path, uint64_t seed, struct hf_stack *stacks[2])
{
    struct hf_sim_config config = hf_sim_config_default();
    uint64_t queue = bdp_bytes(path) * path->buffer_percent / 100;
    config.seed = seed;
    config.forward.delay_ns = config.backward.delay_ns = path->rtt_ns / 2;
    config.forward.rate_bits_per_second = path->rate_bits_per_second;
    config.forward.queue_bytes = (uint32_t)(queue > 2 * MTU ? queue : 2 * MTU);
    config.forward.loss_ppm = path->loss_ppm;
    config.forward.mtu = config.backward.mtu = MTU;
    return hf_sim_new(&config, stacks[0], stacks[1]);
}

static void fail(const char *what)
{
    fprintf(stderr, "paths-sim: %s\n", what);
    exit(1);
}

static struct outcome measure(const struct path *path, const struct hf_cc_ops *algorithm)
{
    struct hf_config config = hf_config_default();
    struct hf_stack *stacks[2];
    struct hf_sim *sim;
    struct hf_endpoint server = {hf_address_ipv4(10, 0, 0, 2), 80};
    struct hf_address client = hf_address_ipv4(10, 0, 0, 1);
    struct hf_counters counters;
    struct hf_event event;
    hf_handle listener, call, visit = HF_NO_HANDLE;
    uint64_t received = 0;
    struct hf_sim_statistics link, at_first = {0};
    struct outcome outcome;

    memset(config.seed, 7, sizeof config.seed);
    config.congestion_control = algorithm;
    config.send_buffer_bytes = config.receive_buffer_bytes = BUFFER_BYTES;
    config.mtu = MTU;
    stacks[0] = hf_stack_new(&config);
    stacks[1] = hf_stack_new(&config);
    if (stacks[0] == NULL || stacks[1] == NULL || hf_stack_add_address(stacks[0], &client) ||
        hf_stack_add_address(stacks[1], &server.address) ||
        hf_listen(stacks[1], &server, 1, &listener) || (sim = make_sim(path, 42, stacks)) == NULL ||
        hf_connect(stacks[0], NULL, &server, 0, &call))
        fail("the hosts cannot be made");
    while (hf_sim_now(sim) < DURATION) {
        hf_time now;
        uint64_t taken;
        hf_sim_step(sim, hf_sim_now(sim) + HF_MILLISECOND);
        now = hf_sim_now(sim);
        while (hf_stack_next_event(stacks[0], &event) || hf_stack_next_event(stacks[1], &event)) {
        }
        if (visit == HF_NO_HANDLE)
            hf_accept(stacks[1], listener, &visit, NULL);
        send_all(stacks[0], call, now);
        taken = visit != HF_NO_HANDLE ? read_all(stacks[1], visit, now) : 0;
        if (now < WARM_UP)
            at_first = hf_sim_statistics(sim, 0);
        else
            received += taken;
    }
    hf_stack_counters(stacks[0], &counters);
    outcome.goodput_share = (double)received * 8 / ((double)(DURATION - WARM_UP) / HF_SECOND) /
                            (double)path->rate_bits_per_second;
    outcome.sent_again_percent =
        100.0 * (double)counters.segments_retransmitted / (double)counters.packets_sent;
    link = hf_sim_statistics(sim, 0);
    outcome.queue_mean = (double)(link.queue_ns - at_first.queue_ns) /
                         (double)(link.turns - at_first.turns + 1) / (double)path->rtt_ns;
    outcome.queue_worst = (double)link.queue_ns_max / (double)path->rtt_ns;
    hf_sim_free(sim);
    hf_stack_free(stacks[0]);
    hf_stack_free(stacks[1]);
    return outcome;
}

int main(int argc, char **argv)
{
    static const char *const usual[] = {"reno", "cubic", "bbr"};
    static const uint64_t rates[] = {10000000, 100000000};
    static const uint32_t buffers[] = {10, 100, 400}, losses[] = {0, 1000, 10000};
    static const hf_time rtts[] = {20 * HF_MILLISECOND, 100 * HF_MILLISECOND};
    int count = argc > 1 ? argc - 1 : 3;

    printf("Mbit/s  RTT ms  loss %%  buffer BDP");
    for (int i = 0; i < count; i++)
        printf("  | %-8s share again%%  queue worst", argc > 1 ? argv[i + 1] : usual[i]);
    printf("\n");
    for (unsigned cell = 0; cell < 36; cell++) {
        struct path path = {.rate_bits_per_second = rates[cell / 18],
                            .rtt_ns = rtts[cell / 9 % 2],
                            .loss_ppm = losses[cell / 3 % 3],
                            .buffer_percent = buffers[cell % 3]};
        printf("%6.0f %7.0f %7.1f %11.1f", (double)path.rate_bits_per_second / 1e6,
               (double)path.rtt_ns / 1e6, path.loss_ppm / 1e4, path.buffer_percent / 100.0);
        for (int i = 0; i < count; i++) {
            const struct hf_cc_ops *algorithm =
                hf_congestion_control(argc > 1 ? argv[i + 1] : usual[i]);
            struct outcome outcome;
            if (algorithm == NULL)
                fail("there is no congestion control of that name");
            outcome = measure(&path, algorithm);
            printf("  | %14.3f %6.2f %6.2f %5.2f", outcome.goodput_share,
                   outcome.sent_again_percent, outcome.queue_mean, outcome.queue_worst);
        }
        printf("\n");
        fflush(stdout);
    }
    return 0;
}
