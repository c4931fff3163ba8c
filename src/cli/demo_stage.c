/* SPDX-License-Identifier: MIT
 *
 * Setting the stage: hosts, link, sinks. Everything follows from the seed on the command line, so
 * that a demo looks the same wherever it runs, and what a student saw can be seen again.
 */
#include "demo_stage.h"

#include "message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PORT_A                                                                         \
    40000u /* of the first act; each act has its own, so that captures tell them apart \
            */
#define PORT_B 80u
#define SEED_BYTES 16u

/* splitmix64 (Steele, Lea and Flood, 2014): every seed gives a different, well-mixed number. */
static uint64_t mix(uint64_t value)
{
    value += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

uint8_t demo_stage_pattern(uint64_t seed, unsigned host, uint64_t offset)
{
    uint64_t word = mix(seed ^ mix(host + 1) ^ (offset >> 3));

    return (uint8_t)(word >> (8 * (offset & 7)));
}

static struct hf_address role_address(unsigned host, bool ipv6)
{
    /* The documentation's own: RFC 5737 and RFC 3849. */
    static const uint8_t base[16] = {0x20, 0x01, 0x0d, 0xb8};
    uint8_t bytes[16];

    if (!ipv6)
        return hf_address_ipv4(192, 0, 2, (uint8_t)(host + 1));
    memcpy(bytes, base, sizeof bytes);
    bytes[15] = (uint8_t)(host + 1);
    return hf_address_ipv6(bytes);
}

static struct hf_stack *new_stack(struct demo_stage *stage, unsigned host)
{
    struct demo_role *role = &stage->roles[host];
    struct hf_config config = hf_config_default();
    struct hf_stack *stack;

    for (unsigned i = 0; i < SEED_BYTES; i++)
        config.seed[i] = demo_stage_pattern(stage->options->seed, host + 2 + 2 * role->restarts, i);
    config.trace = hf_trace_tee_sink(&stage->tee);
    config.host_name = stage->casting.host_names[host];
    config.host_id = host;
    config.timestamps = stage->casting.timestamps ? 1 : 0;
    config.sack = stage->casting.sack ? 1 : 0;
    if (stage->casting.receive_buffer_bytes > 0) {
        config.receive_buffer_bytes = stage->casting.receive_buffer_bytes;
        config.receive_buffer_max_bytes = 0; /* of this size it stays */
    }
    if (stage->msl_ns > 0)
        config.msl_ns = stage->msl_ns;
    stack = hf_stack_new(&config);
    if (stack != NULL && hf_stack_add_address(stack, &role->address) != HF_OK) {
        hf_stack_free(stack);
        return NULL;
    }
    return stack;
}

/* The link asks about every packet; a chosen loss happens once. */
static int lose_chosen(void *context, const uint8_t *packet, size_t length, uint64_t number,
                       hf_time now)
{
    struct demo_loss *loss = context;

    (void)number;
    (void)now;
    if (loss->packet == DEMO_PACKET_NONE ||
        demo_watch_kind_of_packet(packet, length) != loss->packet)
        return 0;
    if (loss->skip > 0) {
        loss->skip--;
        return 0;
    }
    loss->packet = DEMO_PACKET_NONE;
    return 1;
}

/* An exit code, after a complaint if it is not 0. */
static int open_capture(struct demo_stage *stage)
{
    const char *path = stage->options->pcap_path;
    struct hf_trace_tee *tee = &stage->tee;

    if (path == NULL)
        return EXIT_CODE_OK;
    stage->pcap_file = fopen(path, "we");
    if (stage->pcap_file == NULL)
        return fail(-errno, "cannot write the capture '%s'", path);
    stage->pcapng = hf_pcapng_new(stage->pcap_file, 0);
    if (stage->pcapng == NULL)
        return fail(-errno, "cannot write the capture '%s'", path);
    tee->sinks[tee->count++] = hf_pcapng_sink(stage->pcapng);
    return EXIT_CODE_OK;
}

static int open_sinks(struct demo_stage *stage)
{
    const struct demo_options *options = stage->options;
    struct hf_ladder_options ladder_options = {
        .columns = options->columns,
        .colour = options->colour ? 1 : 0,
        .absolute = options->absolute || stage->casting.absolute ? 1 : 0,
        .verbose = options->verbose ? 1 : 0,
        .plain_ascii = options->ascii ? 1 : 0,
    };
    struct hf_trace_tee *tee = &stage->tee;

    tee->sinks[tee->count++] = demo_watch_sink(&stage->watch);
    if (options->json) {
        stage->json = hf_json_trace_new(stdout);
        if (stage->json == NULL)
            return fail(-errno, "cannot trace");
        tee->sinks[tee->count++] = hf_json_trace_sink(stage->json);
    } else {
        stage->ladder = hf_ladder_new(stdout, &ladder_options);
        if (stage->ladder == NULL)
            return fail(-errno, "cannot draw a ladder");
        tee->sinks[tee->count++] = hf_ladder_sink(stage->ladder);
    }
    return open_capture(stage);
}

static bool open_hosts(struct demo_stage *stage)
{
    struct hf_sim_config config = hf_sim_config_default();
    struct hf_sim_direction *directions[DEMO_HOSTS] = {&config.forward, &config.backward};

    for (unsigned host = 0; host < DEMO_HOSTS; host++) {
        struct demo_role *role = &stage->roles[host];

        role->address = role_address(host, stage->options->ipv6);
        role->port = (uint16_t)(host == DEMO_A ? PORT_A : PORT_B);
        role->reading = true;
        role->stack = new_stack(stage, host);
        if (role->stack == NULL)
            return false;
        config.host_name[host] = stage->casting.host_names[host];
        config.host_id[host] = host;
        stage->casting.link[host].lose = lose_chosen;
        stage->casting.link[host].lose_context = &role->loss;
        *directions[host] = stage->casting.link[host];
    }
    config.seed = stage->options->seed;
    config.trace = hf_trace_tee_sink(&stage->tee);
    stage->sim = hf_sim_new(&config, stage->roles[DEMO_A].stack, stage->roles[DEMO_B].stack);
    return stage->sim != NULL;
}

int demo_stage_new(const struct demo_options *options, const struct demo_casting *casting,
                   struct demo_stage **made)
{
    struct demo_stage *stage = calloc(1, sizeof *stage);
    int code;

    *made = NULL;
    if (stage == NULL)
        return fail(HF_ENOMEM, "cannot set the stage");
    stage->options = options;
    stage->casting = *casting;
    stage->stepping = options->step;
    stage->text = (struct demo_text){stdout, options->columns, options->colour, options->json};
    code = open_sinks(stage);
    if (code == EXIT_CODE_OK && !open_hosts(stage))
        code = fail(HF_ENOMEM, "cannot set the stage");
    if (code != EXIT_CODE_OK) {
        demo_stage_free(stage);
        return code;
    }
    *made = stage;
    return EXIT_CODE_OK;
}

void demo_stage_introduce(const struct demo_stage *stage)
{
    struct hf_trace_sink ladder;

    if (stage->ladder == NULL)
        return;
    ladder = hf_ladder_sink(stage->ladder);
    for (unsigned host = 0; host < DEMO_HOSTS; host++) {
        const struct hf_trace_event event = {
            .kind = HF_TRACE_LINK,
            .reason = HF_REASON_NONE,
            .host_name = stage->casting.host_names[host],
            .host = host,
        };

        ladder.event(ladder.context, &event);
    }
}

static int close_capture(struct demo_stage *stage)
{
    bool failed;

    if (stage->pcapng != NULL)
        hf_pcapng_free(stage->pcapng);
    if (stage->pcap_file == NULL)
        return EXIT_CODE_OK;
    errno = 0;
    failed = ferror(stage->pcap_file) != 0;
    if (fclose(stage->pcap_file) != 0 || failed)
        return fail(errno != 0 ? -errno : -EIO,
                    "the capture '%s' is incomplete (is the disk full?)",
                    stage->options->pcap_path);
    return EXIT_CODE_OK;
}

int demo_stage_free(struct demo_stage *stage)
{
    int code;

    if (stage == NULL)
        return EXIT_CODE_OK;
    hf_sim_free(stage->sim);
    for (unsigned host = 0; host < DEMO_HOSTS; host++)
        hf_stack_free(stage->roles[host].stack);
    if (stage->ladder != NULL)
        hf_ladder_free(stage->ladder);
    if (stage->json != NULL)
        hf_json_trace_free(stage->json);
    code = close_capture(stage);
    free(stage);
    return code;
}

int demo_stage_restart(struct demo_stage *stage, unsigned host)
{
    struct demo_role *role = &stage->roles[host];
    struct hf_stack *before = role->stack;
    struct demo_role after = {
        .address = role->address,
        .port = role->port,
        .reading = true,
        .restarts = role->restarts + 1,
    };

    *role = after;
    role->stack = new_stack(stage, host);
    if (role->stack == NULL) {
        role->stack = before;
        return HF_ENOMEM;
    }
    hf_sim_replace(stage->sim, (int)host, role->stack);
    /* It learns what time it is before anything happens to it. */
    hf_sim_flush(stage->sim);
    hf_stack_free(before);
    return HF_OK;
}

int demo_stage_reset(struct demo_stage *stage, unsigned act)
{
    for (unsigned host = 0; host < DEMO_HOSTS; host++) {
        int error = demo_stage_restart(stage, host);

        if (error != HF_OK)
            return error;
    }
    stage->roles[DEMO_A].port = (uint16_t)(PORT_A + act);
    demo_watch_forget_states(&stage->watch);
    return HF_OK;
}
