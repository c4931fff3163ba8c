/* SPDX-License-Identifier: MIT
 *
 * The short cuts against the long way. Where the answer is nearly always the same, the stack finds
 * it without asking everyone: a connection that is quiet is not asked for segments (tcp_is_quiet),
 * and so on for each place that looks at tcp_host.by_the_book. Two worlds of the same seed, one
 * with short cuts and one without, are done the same to, over a path that loses, repeats, delays
 * and damages packets: each packet, event, answer and trace must be the same, and so must be what
 * STATUS says of each connection after each step.
 */
#include "stack_state.h"
#include "stack_test.h"

enum { MTU = 1500, WAY = 256, STEPS = 500, PORT = 80, PEERS = 3, WRITE_MOST = 30000, TRACED = 16 };

struct host {
    struct hf_stack *stack;
    hf_handle listener;
    hf_handle handles[2 * PEERS];
    uint32_t handle_count;
};

/* A packet on its way to hosts[to]. */
struct travelling {
    hf_time arrives;
    uint32_t to;
    size_t length;
    uint8_t bytes[MTU];
};

struct world {
    struct host hosts[2];
    struct travelling *way;
    uint32_t count;
    uint64_t packets;        /* that left, ever */
    uint64_t log;            /* of all that could be seen */
    uint64_t traced[TRACED]; /* of traces, which may come a call earlier: those of a connection */
};

struct run {
    struct world worlds[2];
    uint64_t random;
    uint64_t faults; /* what the path does to a packet follows from this and its number */
    uint32_t faults_of_100;
    hf_time now;
};

static uint8_t text[WRITE_MOST];

static uint32_t chance(struct run *run, uint32_t below)
{
    return stack_test_chance(&run->random, below);
}

static void note_into(uint64_t *log, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < length; i++) {
        *log = (*log ^ at[i]) * UINT64_C(0x100000001b3);
    }
    *log ^= *log >> 29;
}

static void note(struct world *world, const void *bytes, size_t length)
{
    note_into(&world->log, bytes, length);
}

static void note_number(struct world *world, int64_t number)
{
    note(world, &number, sizeof number);
}

static void note_trace(void *context, const struct hf_trace_event *event)
{
    struct world *world = context;
    const struct hf_trace_numbers *numbers = &event->numbers;
    const int64_t all[] = {event->time,         event->kind,
                           event->reason,       (int64_t)event->connection,
                           event->value,        event->state,
                           event->state_before, numbers->snd_una,
                           numbers->snd_nxt,    numbers->snd_wnd,
                           numbers->rcv_nxt,    numbers->rcv_wnd,
                           numbers->cwnd_bytes, numbers->ssthresh_bytes,
                           numbers->srtt_ns,    numbers->rto_ns};
    note_into(&world->traced[event->connection % TRACED], all, sizeof all);
}

/* ---- the path */

static void way_put(struct run *run, struct world *world, uint32_t to, const uint8_t *bytes,
                    size_t length, hf_time delay)
{
    struct travelling *packet;
    if (world->count == WAY) {
        return; /* a queue that is full drops */
    }
    packet = &world->way[world->count++];
    packet->arrives = run->now + delay;
    packet->to = to;
    packet->length = length;
    memcpy(packet->bytes, bytes, length);
}

/* The same happens to the packet of the same number in both worlds. */
static void send_off(struct run *run, struct world *world, uint32_t to, uint8_t *bytes,
                     size_t length)
{
    uint64_t fate = run->faults ^ world->packets++ * UINT64_C(0x9e3779b97f4a7c15);
    bool faulty = stack_test_chance(&fate, 100) < run->faults_of_100;
    hf_time delay = HF_MILLISECOND;
    note(world, bytes, length);
    switch (faulty ? stack_test_chance(&fate, 4) : 4u) {
    case 0:
        return;
    case 1:
        bytes[stack_test_chance(&fate, (uint32_t)length)] ^= 1;
        break;
    case 2:
        way_put(run, world, to, bytes, length, delay);
        break;
    case 3:
        delay += (hf_time)stack_test_chance(&fate, 5000) * HF_MICROSECOND;
        break;
    default:
        break;
    }
    way_put(run, world, to, bytes, length, delay);
}

static void drain(struct run *run, struct world *world)
{
    uint8_t packet[MTU];
    ptrdiff_t length;
    for (uint32_t from = 0; from < 2; from++) {
        while ((length = hf_stack_output(world->hosts[from].stack, packet, sizeof packet,
                                         run->now)) > 0) {
            send_off(run, world, 1 - from, packet, (size_t)length);
        }
    }
}

static void deliver(struct run *run, struct world *world)
{
    uint32_t at = 0;
    while (at < world->count) {
        struct travelling packet = world->way[at];
        if (packet.arrives > run->now) {
            at++;
            continue;
        }
        memmove(&world->way[at], &world->way[at + 1],
                (world->count - at - 1) * sizeof world->way[0]);
        world->count--;
        note_number(world, hf_stack_input(world->hosts[packet.to].stack, packet.bytes,
                                          packet.length, run->now));
        drain(run, world);
    }
}

static hf_time next_time(const struct run *run, const struct world *world)
{
    hf_time next = HF_TIME_NEVER;
    for (uint32_t i = 0; i < 2; i++) {
        hf_time deadline = hf_stack_next_deadline(world->hosts[i].stack);
        next = deadline < next ? deadline : next;
    }
    for (uint32_t i = 0; i < world->count; i++) {
        next = world->way[i].arrives < next ? world->way[i].arrives : next;
    }
    return next > run->now ? next : run->now;
}

/* ---- what is done to both worlds */

static void take_events(struct world *world, struct host *host)
{
    struct hf_event event;
    while (hf_stack_next_event(host->stack, &event)) {
        note_number(world, (int64_t)event.type << 32 | (uint32_t)event.error);
        note_number(world, (int64_t)event.handle);
    }
}

static void keep(struct host *host, hf_handle handle)
{
    if (host->handle_count < 2 * PEERS) {
        host->handles[host->handle_count++] = handle;
    } else {
        hf_close(host->stack, handle, 0);
    }
}

static void open_one(struct run *run, struct world *world)
{
    struct hf_endpoint to = {hf_address_ipv4(10, 0, 0, 2), PORT};
    hf_handle handle;
    if (world->hosts[0].handle_count < PEERS &&
        hf_connect(world->hosts[0].stack, NULL, &to, run->now, &handle) == HF_OK) {
        keep(&world->hosts[0], handle);
        note_number(world, (int64_t)handle);
    }
}

static void accept_one(struct world *world)
{
    struct host *host = &world->hosts[1];
    hf_handle handle;
    if (hf_accept(host->stack, host->listener, &handle, NULL) == HF_OK) {
        keep(host, handle);
        note_number(world, (int64_t)handle);
    }
}

static void read_some(struct run *run, struct world *world, struct host *host, hf_handle handle,
                      uint32_t most)
{
    static uint8_t bytes[WRITE_MOST];
    ptrdiff_t taken = hf_recv(host->stack, handle, bytes, most, 0, run->now);
    note_number(world, taken);
    if (taken > 0) {
        note(world, bytes, (size_t)taken);
    }
}

static void let_go(struct run *run, struct host *host, uint32_t which, bool abort)
{
    if (abort) {
        hf_abort(host->stack, host->handles[which], run->now);
    } else {
        hf_close(host->stack, host->handles[which], run->now);
    }
    host->handles[which] = host->handles[--host->handle_count];
}

/* What is drawn once, and done in both worlds. */
struct action {
    uint32_t what, host, which, amount, option;
};

static void set_some_option(struct run *run, struct host *host, const struct action *action)
{
    static const struct {
        enum hf_option option;
        int64_t values[2];
    } options[] = {
        {HF_OPTION_NAGLE, {0, 1}},
        {HF_OPTION_CORK, {0, 1}},
        {HF_OPTION_QUICK_ACK, {0, 1}},
        {HF_OPTION_KEEPALIVE, {0, 1}},
        {HF_OPTION_MAX_PACING_RATE, {0, 1000000}},
        {HF_OPTION_WINDOW_CLAMP, {0, 3000}},
        {HF_OPTION_WANT_WRITABLE, {1, 1}},
    };
    uint32_t count = (uint32_t)(sizeof options / sizeof options[0]);
    uint32_t which = action->option % count;
    hf_set_option(host->stack, host->handles[action->which % host->handle_count],
                  options[which].option, options[which].values[action->amount & 1], run->now);
}

static void act(struct run *run, struct world *world, const struct action *action)
{
    struct host *host = &world->hosts[action->host];
    uint32_t which = host->handle_count > 0 ? action->which % host->handle_count : 0;
    uint32_t amount = action->option % 3 == 0 ? action->amount : action->amount % 100;
    switch (host->handle_count > 0 ? action->what : action->what % 4) {
    case 0:
        open_one(run, world);
        break;
    case 1:
        accept_one(world);
        break;
    case 2:
    case 3:
        break;
    case 4:
    case 5:
    case 6:
    case 7:
        note_number(world, hf_send(host->stack, host->handles[which], text, amount,
                                   action->option % 11 == 0 ? HF_SEND_MORE : 0, run->now));
        break;
    case 8:
    case 9:
    case 10:
    case 11:
        read_some(run, world, host, host->handles[which], amount);
        break;
    case 12:
        set_some_option(run, host, action);
        break;
    case 13:
        note_number(world, hf_shutdown(host->stack, host->handles[which], run->now));
        break;
    default:
        let_go(run, host, which, action->option % 3 == 0);
        break;
    }
    drain(run, world);
}

static void note_status(struct world *world)
{
    for (uint32_t i = 0; i < 2; i++) {
        const struct host *host = &world->hosts[i];
        for (uint32_t at = 0; at < host->handle_count; at++) {
            struct hf_status status;
            memset(&status, 0, sizeof status);
            if (hf_status(host->stack, host->handles[at], &status) == HF_OK) {
                memset(&status.local, 0, sizeof status.local); /* with a gap that holds anything */
                memset(&status.remote, 0, sizeof status.remote);
                note(world, &status, sizeof status);
            }
        }
    }
}

/* ---- runs */

static void open_world(struct run *run, uint32_t number, uint32_t seed)
{
    static const char *const algorithms[] = {"cubic", "reno", "bbr", "dctcp"};
    struct world *world = &run->worlds[number];
    struct hf_endpoint at = {hf_address_ipv4(10, 0, 0, 2), PORT};
    world->way = malloc(WAY * sizeof world->way[0]);
    assert_non_null(world->way);
    for (uint32_t i = 0; i < 2; i++) {
        struct hf_address address = hf_address_ipv4(10, 0, 0, (uint8_t)(i + 1));
        struct hf_config config = stack_test_config((uint8_t)(i + 1), seed % 8);
        config.mtu = MTU;
        config.congestion_control = hf_congestion_control(algorithms[seed / 8 % 4]);
        config.recovery = seed % 5 == 0 ? 0 : 1;
        config.pacing = seed % 7 == 0;
        config.window_scaling = seed % 11 != 0;
        config.rest_after_ns = seed % 3 == 0 ? 100 * HF_MILLISECOND : HF_SECOND;
        if (seed & 1) {
            config.trace = (struct hf_trace_sink){note_trace, world};
        }
        world->hosts[i].stack = stack_test_host(&config, &address);
        world->hosts[i].stack->host.by_the_book = number == 1;
    }
    assert_int_equal(hf_listen(world->hosts[1].stack, &at, 5, &world->hosts[1].listener), HF_OK);
}

static void close_world(struct world *world)
{
    hf_stack_free(world->hosts[0].stack);
    hf_stack_free(world->hosts[1].stack);
    free(world->way);
}

static hf_time later(struct run *run)
{
    hf_time one = next_time(run, &run->worlds[0]);
    hf_time other = next_time(run, &run->worlds[1]);
    hf_time next = one < other ? one : other;
    if (next == HF_TIME_NEVER || chance(run, 8) == 0) {
        return run->now + (hf_time)chance(run, 300000) * HF_MICROSECOND;
    }
    return next;
}

static void step(struct run *run)
{
    struct action action = {.what = chance(run, 15), .host = chance(run, 2)};
    hf_time now = chance(run, 3) == 0 ? run->now : later(run);
    action.which = chance(run, 100);
    action.amount = chance(run, WRITE_MOST);
    action.option = chance(run, 1000);
    if (action.what == 14 && chance(run, 4) != 0) {
        action.what = 2; /* not so soon */
    }
    run->now = now;
    for (uint32_t i = 0; i < 2; i++) {
        struct world *world = &run->worlds[i];
        drain(run, world);
        deliver(run, world);
        act(run, world, &action);
        take_events(world, &world->hosts[0]);
        take_events(world, &world->hosts[1]);
        note_status(world);
    }
}

static void run_seed(uint32_t seed)
{
    static struct run run;
    memset(&run, 0, sizeof run);
    run.random = seed;
    run.faults = seed * UINT64_C(0x2545f4914f6cdd1d);
    run.faults_of_100 = seed % 4 == 0 ? 0 : seed % 4 * 6;
    run.now = HF_SECOND;
    open_world(&run, 0, seed);
    open_world(&run, 1, seed);
    for (uint32_t i = 0; i < STEPS; i++) {
        step(&run);
        if (run.worlds[0].log != run.worlds[1].log ||
            memcmp(run.worlds[0].traced, run.worlds[1].traced, sizeof run.worlds[0].traced) != 0) {
            fail_msg("seed %u, step %u: the short cut led elsewhere", seed, i);
        }
    }
    assert_true(run.worlds[0].packets > 0);
    close_world(&run.worlds[0]);
    close_world(&run.worlds[1]);
}

static void short_cuts_lead_to_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (uint8_t)(i * 31 + i / 251);
    }
    for (uint32_t seed = 0; seed < 240; seed++) {
        run_seed(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(short_cuts_lead_to_the_same)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
