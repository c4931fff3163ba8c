/* SPDX-License-Identifier: MIT
 *
 * Transfers over paths whose MTU changes again and again on the way, as routes come and go: with
 * routers that say so, and with routers that swallow what is too large without a word. Whatever
 * happens, what arrives is what was sent, and it arrives; and once the path is known, nothing is
 * too large for it any more.
 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <handfast/sim.h>
#include <handfast/trace.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define SEEDS 60
#define SERVER_PORT 7000
#define BYTES 400000u
#define CHANGES 6

struct run {
    uint64_t chance;
    struct hf_config config;
    struct hf_sim_direction path;
    struct hf_stack *client, *server;
    struct hf_sim *sim;
    hf_handle sender, receiver;
    uint32_t bytes, sent, received;
    bool ipv6;
    const char *what;
};

/* xorshift64*: the run's own chance, independent of the link's. */
static uint32_t below(struct run *run, uint32_t bound)
{
    run->chance ^= run->chance >> 12;
    run->chance ^= run->chance << 25;
    run->chance ^= run->chance >> 27;
    return (uint32_t)((run->chance * UINT64_C(2685821657736338717)) >> 33) % bound;
}

static uint8_t byte_at(uint32_t offset)
{
    return (uint8_t)(offset * 2654435761u >> 21 ^ offset);
}

static struct hf_address address_of(const struct run *run, uint8_t host)
{
    struct hf_address address = {.family = run->ipv6 ? HF_IPV6 : HF_IPV4};
    address.bytes[0] = run->ipv6 ? 0xfd : 10;
    address.bytes[run->ipv6 ? 15 : 3] = host;
    return address;
}

static uint32_t some_mtu(struct run *run)
{
    return run->ipv6 ? 1280 + below(run, 221) : 600 + below(run, 901);
}

static void set_path(struct run *run, uint32_t mtu)
{
    run->path.mtu = mtu;
    assert_int_equal(hf_sim_set_direction(run->sim, 0, &run->path), HF_OK);
}

static void give(struct run *run)
{
    uint8_t piece[4096];
    while (run->sent < run->bytes) {
        uint32_t left = run->bytes - run->sent;
        uint32_t length = left < sizeof piece ? left : sizeof piece;
        ptrdiff_t taken;
        for (uint32_t i = 0; i < length; i++)
            piece[i] = byte_at(run->sent + i);
        taken = hf_send(run->client, run->sender, piece, length, 0, hf_sim_now(run->sim));
        if (taken <= 0) {
            assert_int_equal(taken, HF_EAGAIN);
            return;
        }
        run->sent += (uint32_t)taken;
    }
}

static void take(struct run *run)
{
    uint8_t piece[4096];
    ptrdiff_t length;
    while ((length = hf_recv(run->server, run->receiver, piece, sizeof piece, 0,
                             hf_sim_now(run->sim))) > 0) {
        for (ptrdiff_t i = 0; i < length; i++) {
            if (piece[i] != byte_at(run->received + (uint32_t)i))
                fail_msg("%s: byte %u is another", run->what, run->received + (uint32_t)i);
        }
        run->received += (uint32_t)length;
    }
    assert_int_equal(length, HF_EAGAIN);
}

/* Until `received` bytes have come, or the clock reads `until`. */
static void go_on(struct run *run, uint32_t received, hf_time until)
{
    struct hf_event event;
    while (run->received < received && hf_sim_now(run->sim) < until) {
        give(run);
        hf_sim_flush(run->sim);
        (void)hf_sim_step(run->sim, until);
        while (hf_stack_next_event(run->client, &event) ||
               hf_stack_next_event(run->server, &event)) {
            if (event.type == HF_EVENT_ERROR)
                fail_msg("%s: error %d at %u bytes", run->what, event.error, run->received);
        }
        take(run);
    }
}

static void begin(struct run *run, uint64_t seed)
{
    struct hf_sim_config link = hf_sim_config_default();
    struct hf_endpoint server = {.port = SERVER_PORT};
    struct hf_address client;
    hf_handle listener;
    run->config.seed[0] = (uint8_t)seed;
    run->config.seed[1] = (uint8_t)(seed >> 8);
    link.seed = seed;
    link.forward.delay_ns = (1 + (hf_time)below(run, 40)) * HF_MILLISECOND;
    link.forward.rate_bits_per_second = 2000000 + below(run, 50000000);
    link.forward.loss_ppm = below(run, 3) == 0 ? 5000 : 0;
    link.backward.delay_ns = link.forward.delay_ns;
    run->path = link.forward;
    run->client = hf_stack_new(&run->config);
    run->server = hf_stack_new(&run->config);
    assert_non_null(run->client);
    assert_non_null(run->server);
    client = address_of(run, 1);
    server.address = address_of(run, 2);
    assert_int_equal(hf_stack_add_address(run->client, &client), HF_OK);
    assert_int_equal(hf_stack_add_address(run->server, &server.address), HF_OK);
    run->sim = hf_sim_new(&link, run->client, run->server);
    assert_non_null(run->sim);
    assert_int_equal(hf_listen(run->server, &server, 1, &listener), HF_OK);
    assert_int_equal(hf_connect(run->client, NULL, &server, 0, &run->sender), HF_OK);
    hf_sim_flush(run->sim);
    while (hf_accept(run->server, listener, &run->receiver, NULL) == HF_EAGAIN)
        assert_int_equal(hf_sim_step(run->sim, 100 * HF_SECOND), 1);
}

static void end(struct run *run)
{
    hf_sim_free(run->sim);
    hf_stack_free(run->client);
    hf_stack_free(run->server);
}

static void plan(struct run *run, uint64_t seed, uint8_t probing)
{
    memset(run, 0, sizeof *run);
    run->chance = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    run->bytes = BYTES;
    run->ipv6 = below(run, 3) == 0;
    run->config = hf_config_default();
    memset(run->config.seed, 0, sizeof run->config.seed);
    run->config.sack = below(run, 4) != 0;
    run->config.timestamps = below(run, 2) != 0;
    run->config.congestion_control = hf_congestion_control(below(run, 2) != 0 ? "cubic" : "reno");
    run->config.mtu_probing = probing;
    run->config.hold_too_big = below(run, 3) == 0;
}

static struct hf_status status_of(const struct run *run)
{
    struct hf_status status;
    assert_int_equal(hf_status(run->client, run->sender, &status), HF_OK);
    return status;
}

/* The path changes CHANGES times, each time at another place of the transfer. */
static void changes(struct run *run)
{
    for (uint32_t i = 1; i <= CHANGES; i++) {
        go_on(run, below(run, BYTES / CHANGES) + (i - 1) * (BYTES / CHANGES), 20000 * HF_SECOND);
        set_path(run, some_mtu(run));
    }
    go_on(run, BYTES, 20000 * HF_SECOND);
    if (run->received != BYTES)
        fail_msg("%s: %u bytes of %u came", run->what, run->received, BYTES);
}

static void run_seeds(const char *how, uint8_t probing, bool too_big)
{
    char what[80];
    uint64_t lowered = 0, holes = 0, probes = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct run run;
        struct hf_counters counters;
        plan(&run, seed, probing);
        snprintf(what, sizeof what, "%s, seed %llu", how, (unsigned long long)seed);
        run.what = what;
        begin(&run, seed);
        run.path.too_big = too_big;
        changes(&run);
        hf_stack_counters(run.client, &counters);
        lowered += counters.path_mtus_lowered;
        holes += counters.mtu_black_holes;
        probes += counters.mtu_probes_arrived;
        end(&run);
    }
    /* What was to be tried was tried. */
    assert_true(too_big ? lowered > SEEDS : lowered == 0);
    assert_true(too_big || holes > SEEDS / 2);
    assert_true(probing < 2 || probes > SEEDS);
}

static void routers_tell(void **state)
{
    (void)state;
    run_seeds("told by routers", 0, true);
}

static void routers_tell_and_probes_go_up(void **state)
{
    (void)state;
    run_seeds("told by routers, probing", 2, true);
}

static void black_holes(void **state)
{
    (void)state;
    run_seeds("black holes", 1, false);
}

static void black_holes_and_probes(void **state)
{
    (void)state;
    run_seeds("black holes, probing", 2, false);
}

/* What leaves after a wait for room for a probe. */
struct waits {
    unsigned told, kept;
    bool waiting;
};

static void watch_waits(void *context, const struct hf_trace_event *event)
{
    struct waits *waits = context;
    if (event->reason == HF_REASON_MTU_PROBE_WAIT) {
        assert_false(waits->waiting); /* once, when it begins */
        assert_in_range(event->value, 1024, 1500);
        waits->waiting = true;
        waits->told++;
    } else if (event->kind == HF_TRACE_SENT && event->segment != NULL &&
               event->segment->length > 0) {
        if (waits->waiting) {
            assert_int_equal(event->reason, HF_REASON_SEND_MTU_PROBE);
            waits->kept++;
        }
        waits->waiting = false;
    }
}

/* Where nobody says a word the search finds the path's MTU, to within its threshold, and from then
 * on all that is too large are probes. Each time that data waits for one is told, and ends with it.
 */
static void search_finds_it(void **state)
{
    struct waits waits = {0, 0, false};
    (void)state;
    for (uint32_t mtu = 1100; mtu <= 1500; mtu += 57) {
        struct run run;
        struct hf_status status;
        struct hf_counters counters;
        plan(&run, mtu, 2);
        run.bytes = 40 * BYTES;
        run.ipv6 = false;
        run.config.sack = 1;
        /* After a probe that failed the next one waits for as many round trips as cwnd holds
         * segments (RFC 4821 7.6.2): of a small window all that takes are done in time. */
        run.config.receive_buffer_bytes = run.config.receive_buffer_max_bytes = 30000;
        run.what = "search";
        run.config.trace = (struct hf_trace_sink){.event = watch_waits, .context = &waits};
        begin(&run, mtu);
        run.path.loss_ppm = 0;
        run.path.rate_bits_per_second = 0; /* no queue, whose growth could outrun the timeout */
        set_path(&run, mtu);
        go_on(&run, run.bytes, 1000 * HF_SECOND);
        assert_int_equal(run.received, run.bytes);
        status = status_of(&run);
        assert_in_range(status.mtu_search_low_bytes, mtu - 8, mtu);
        assert_true(status.mtu_search_high_bytes >= mtu);
        assert_int_equal(status.timeouts, 0);
        hf_stack_counters(run.client, &counters);
        assert_int_equal(hf_sim_statistics(run.sim, 0).mtu_drops, counters.mtu_probes_lost);
        assert_int_equal(counters.mtu_black_holes, 0);
        end(&run);
    }
    assert_true(waits.kept > 0);
    assert_int_equal(waits.told, waits.kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routers_tell),    cmocka_unit_test(routers_tell_and_probes_go_up),
        cmocka_unit_test(black_holes),     cmocka_unit_test(black_holes_and_probes),
        cmocka_unit_test(search_finds_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
