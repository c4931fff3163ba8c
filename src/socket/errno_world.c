/* SPDX-License-Identifier: MIT
 *
 * The two worlds of the comparison: what they write down, how they begin and end, and who wins.
 */
#include "errno_world_state.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_LINES 1000

/* ---- the record */

void world_write_line(struct world *world, const char *call, long answer, const char *more)
{
    struct line *line = &world->lines[world->count];
    if (world->quiet) {
        return;
    }
    if (world->count == MOST_LINES) {
        fprintf(stderr, "too many lines in one scenario\n");
        abort();
    }
    if (answer < 0) {
        snprintf(line->text, sizeof line->text, "%s = %ld (%s)%s", call, answer,
                 strerror((int)-answer), more);
    } else {
        snprintf(line->text, sizeof line->text, "%s = %ld%s", call, answer, more);
    }
    line->may_differ = world->next_differs;
    line->ours = world->next_ours;
    line->answer = answer;
    world->next_differs = false;
    world->count++;
}

void w_note(struct world *world, const char *format, ...)
{
    char text[LINE_BYTES / 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    world_write_line(world, text, 0, "");
}

void w_hush(struct world *world, bool hushed)
{
    world->quiet = hushed;
}

void w_differs(struct world *world, long ours, const char *reason)
{
    (void)reason;
    world->next_differs = true;
    world->next_ours = ours;
}

/* ---- Handfast's side */

static hf_time sim_now(void *context)
{
    return hf_sim_now(((struct world *)context)->sim);
}

/* A call that would wait for ever is a mistake of the scenario or of the code, and ends. */
static int sim_wait(void *context, hf_time until)
{
    struct world *world = context;
    if (!hf_sim_step(world->sim, until) && until == HF_TIME_NEVER) {
        return -EDEADLK;
    }
    return 0;
}

static struct hf_stack *make_stack(uint8_t number)
{
    struct hf_config config = hf_config_default();
    struct hf_stack *stack;
    struct hf_address ipv4 = hf_address_ipv4(10, 0, 0, number);
    struct hf_address ipv6 = hf_address_ipv6((const uint8_t[16]){0xfd, 0, [15] = number});
    memset(config.seed, number, sizeof config.seed);
    config.send_buffer_bytes = 64 * 1024;
    config.receive_buffer_bytes = 64 * 1024;
    config.send_buffer_max_bytes = config.receive_buffer_max_bytes = 0;
    stack = hf_stack_new(&config);
    if (stack == NULL || hf_stack_add_address(stack, &ipv4) != HF_OK ||
        hf_stack_add_address(stack, &ipv6) != HF_OK) {
        abort();
    }
    return stack;
}

static void open_handfast(struct world *world)
{
    struct hf_sim_config link = hf_sim_config_default();
    link.forward.delay_ns = link.backward.delay_ns = 100 * HF_MICROSECOND;
    for (int side = CLIENT; side <= SERVER; side++) {
        world->stacks[side] = make_stack((uint8_t)(side + 1));
    }
    world->sim = hf_sim_new(&link, world->stacks[CLIENT], world->stacks[SERVER]);
    for (int side = CLIENT; side <= SERVER; side++) {
        struct hf_sockets_config config = hf_sockets_config_default();
        config.stack = world->stacks[side];
        config.now = sim_now;
        config.wait = sim_wait;
        config.context = world;
        config.first_descriptor = side == SERVER ? SERVER_DESCRIPTORS : 3;
        config.max_sockets = 200;
        world->sets[side] = hf_sockets_new(&config);
        if (world->sets[side] == NULL) {
            abort();
        }
    }
}

static void close_handfast(struct world *world)
{
    hf_sockets_free(world->sets[CLIENT]);
    hf_sockets_free(world->sets[SERVER]);
    hf_sim_free(world->sim);
    hf_stack_free(world->stacks[CLIENT]);
    hf_stack_free(world->stacks[SERVER]);
}

/* ---- playing and comparing */

static void play(struct world *world, const struct named_scenario *scenario)
{
    world->lines = calloc(MOST_LINES, sizeof *world->lines);
    if (world->lines == NULL) {
        abort();
    }
    if (!world->kernel) {
        open_handfast(world);
    }
    scenario->play(world);
    if (!world->kernel) {
        close_handfast(world);
        return;
    }
    for (int fd = 0; fd < MOST_DESCRIPTORS; fd++) {
        if (world->open_kernel[fd]) {
            (void)close(fd);
        }
    }
}

static bool same_line(const struct line *kernel, const struct line *handfast)
{
    if (handfast->may_differ) {
        /* A difference that is none any more does not belong there. */
        return handfast->answer == handfast->ours && kernel->answer != handfast->answer;
    }
    return strcmp(kernel->text, handfast->text) == 0;
}

static const char *const cast_names[] = {"as written", "IPv6", "mapped"};

static bool agrees_once(const struct named_scenario *scenario, enum cast cast)
{
    struct world kernel = {.kernel = true, .cast = cast};
    struct world handfast = {.kernel = false, .cast = cast};
    bool agrees = true;
    bool verbose = getenv("ERRNO_TEST_VERBOSE") != NULL;
    size_t count;
    play(&kernel, scenario);
    play(&handfast, scenario);
    count = kernel.count < handfast.count ? kernel.count : handfast.count;
    for (size_t i = 0; i < count; i++) {
        if (verbose) {
            fprintf(stderr, "%s, line %zu: %-45s | %s\n", scenario->name, i + 1,
                    kernel.lines[i].text, handfast.lines[i].text);
        }
        if (!same_line(&kernel.lines[i], &handfast.lines[i])) {
            fprintf(stderr, "%s (%s), line %zu: kernel: %s\n%*s handfast: %s\n", scenario->name,
                    cast_names[cast], i + 1, kernel.lines[i].text, (int)strlen(scenario->name) + 6,
                    "", handfast.lines[i].text);
            agrees = false;
        }
    }
    if (kernel.count != handfast.count || count == 0) {
        fprintf(stderr, "%s: %zu lines in the kernel, %zu in Handfast\n", scenario->name,
                kernel.count, handfast.count);
        agrees = false;
    }
    free(kernel.lines);
    free(handfast.lines);
    return agrees;
}

bool scenario_agrees(const struct named_scenario *scenario, enum cast cast)
{
    for (int tries = 0; tries < 3; tries++) {
        if (agrees_once(scenario, cast)) {
            return true;
        }
    }
    return false;
}
