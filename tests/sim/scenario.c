/* SPDX-License-Identifier: MIT
 *
 * The ranges. They are wide but not absurd: a network that loses four packets of ten in a row for
 * minutes proves nothing but patience. Loss by chance and loss in bursts together stay near 20 %;
 * bursts end, on average, within three packets, because a retransmission timer gets one packet
 * into each of its turns.
 */
#include "scenario.h"

#include "chance.h"

#include <inttypes.h>
#include <string.h>

#define SERVER_PORT 7000

static hf_time milliseconds(struct chance *chance, uint32_t low, uint32_t high)
{
    return (hf_time)chance_between(chance, low * 1000, high * 1000) * HF_MICROSECOND;
}

/* Parts per million, up to `percent`; none at all in half of the scenarios. */
static uint32_t sometimes(struct chance *chance, uint32_t percent)
{
    uint32_t ppm = chance_between(chance, 1, percent * 10000);

    return chance_percent(chance, 50) ? ppm : 0;
}

static void choose_loss(struct chance *chance, struct hf_sim_direction *way)
{
    switch (chance_between(chance, 0, 4)) {
    case 0:
        break;
    case 1:
        way->loss_ppm = chance_between(chance, 0, 200000);
        break;
    case 2:
        way->loss_ppm = 200000;
        break;
    case 3: /* bad for up to a sixth of the time, and then losing up to 90 % */
        way->burst_enter_ppm = chance_between(chance, 1000, 60000);
        way->burst_leave_ppm = chance_between(chance, 330000, 900000);
        way->burst_loss_ppm = chance_between(chance, 300000, 900000);
        break;
    default:
        way->loss_ppm = chance_between(chance, 0, 100000);
        way->burst_enter_ppm = chance_between(chance, 1000, 40000);
        way->burst_leave_ppm = chance_between(chance, 330000, 900000);
        way->burst_loss_ppm = chance_between(chance, 300000, 900000);
        break;
    }
}

static struct hf_sim_direction choose_way(struct chance *chance, bool clean)
{
    struct hf_sim_direction way = {0};

    way.delay_ns = chance_percent(chance, 10) ? 0 : milliseconds(chance, 0, 120);
    if (clean)
        return way;
    choose_loss(chance, &way);
    way.duplicate_ppm = sometimes(chance, 15);
    way.reorder_ppm = sometimes(chance, 25);
    way.reorder_ns = chance_percent(chance, 50) ? milliseconds(chance, 0, 80) : 0;
    way.corrupt_ppm = sometimes(chance, 5);
    if (chance_percent(chance, 50))
        way.jitter_ns = milliseconds(chance, 0, 60);
    if (chance_percent(chance, 50)) {
        way.rate_bits_per_second = (uint64_t)chance_scaled(chance, 64, 200000) * 1000;
        way.queue_packets = chance_percent(chance, 80) ? chance_scaled(chance, 2, 500) : 0;
    }
    return way;
}

static uint32_t choose_mtu(struct chance *chance, bool ipv6)
{
    uint32_t least = ipv6 ? 1280 : 576;

    switch (chance_between(chance, 0, 3)) {
    case 0:
        return least;
    case 1:
        return chance_between(chance, least, 9000);
    case 2:
        return chance_percent(chance, 20) ? 65535 : 9000;
    default:
        return 1500;
    }
}

static void choose_congestion(struct chance *chance, struct hf_config *host)
{
    static const char *const names[] = {"cubic", "cubic", "bbr", "reno", "dctcp"};

    host->congestion_control = hf_congestion_control(names[chance_between(chance, 0, 4)]);
    host->slow_start_after_idle = chance_percent(chance, 70);
    host->pacing = chance_percent(chance, 20);
    if (chance_percent(chance, 20))
        host->pacing_burst_bytes = chance_scaled(chance, 100, 1u << 20);
}

static void choose_host(struct chance *chance, struct hf_config *host, bool ipv6)
{
    uint32_t segment_bytes;

    *host = hf_config_bare();
    for (size_t i = 0; i < sizeof host->seed; i++)
        host->seed[i] = (uint8_t)chance_next(chance);
    host->memory_bytes = 64u << 20;
    host->mtu = choose_mtu(chance, ipv6);
    segment_bytes = host->mtu - (ipv6 ? 60 : 40);
    /* Down to one segment, and sometimes below. */
    switch (chance_between(chance, 0, 5)) {
    case 0:
        host->receive_buffer_bytes = segment_bytes;
        break;
    case 1:
        host->receive_buffer_bytes = chance_between(chance, 256, 2 * segment_bytes);
        break;
    default:
        host->receive_buffer_bytes = chance_scaled(chance, 1024, 1u << 20);
        break;
    }
    host->send_buffer_bytes = chance_scaled(chance, 256, 1u << 20);
    /* Half of them follow the flow. */
    host->receive_buffer_max_bytes =
        chance_percent(chance, 50) ? chance_scaled(chance, 1024, 6u << 20) : 0;
    host->send_buffer_max_bytes =
        chance_percent(chance, 50) ? chance_scaled(chance, 1024, 4u << 20) : 0;
    host->timestamps = chance_percent(chance, 70);
    host->sack = chance_percent(chance, 70);
    host->window_scaling = chance_percent(chance, 70);
    host->nagle = chance_percent(chance, 60);
    choose_congestion(chance, host);
    host->delayed_ack_ns = chance_percent(chance, 20) ? 200 * HF_MILLISECOND : 40 * HF_MILLISECOND;
    host->initial_window_segments = chance_percent(chance, 80) ? 10 : chance_between(chance, 1, 20);
    /* Nobody gives up: what is tested is that everything arrives. */
    host->syn_retries = 127;
    host->syn_ack_retries = 7;
    host->retries_r2 = 255;
    host->max_rto_ns = chance_percent(chance, 50) ? 60 * HF_SECOND : 120 * HF_SECOND;
    /* Sometimes so short that TIME-WAIT is over before the last ACK was heard. */
    host->msl_ns = chance_percent(chance, 20) ? milliseconds(chance, 50, 2000)
                                              : (hf_time)chance_between(chance, 1, 600) * HF_SECOND;
}

static void choose_plan(struct chance *chance, struct application_plan *plan, uint64_t bytes)
{
    plan->seed = (uint64_t)chance_next(chance) << 32 | chance_next(chance);
    plan->send_bytes = bytes;
    plan->send_seed = chance_next(chance);
    plan->write_max = chance_scaled(chance, 64, PIECE_MAX_BYTES);
    plan->read_max = chance_scaled(chance, 64, PIECE_MAX_BYTES);
    plan->early = chance_percent(chance, 50);
    plan->close_at_once = chance_percent(chance, 50);
    plan->shuts_down = true;
    if (chance_percent(chance, 30))
        plan->more_percent = chance_between(chance, 1, 50);
    /* A slow program takes its pieces at intervals: half a minute to half an hour in all. */
    if (chance_percent(chance, 15)) {
        plan->read_max = chance_between(chance, 1000, 20000);
        plan->read_interval_ns = milliseconds(chance, 1, 1000);
    }
    if (chance_percent(chance, 10)) {
        plan->write_max = chance_between(chance, 1000, 20000);
        plan->write_interval_ns = milliseconds(chance, 1, 1000);
    }
}

/* No word that it has sent all, just hf_close when the peer's end has come. */
static void let_close_say_it_all(struct application_plan *plan)
{
    plan->close_at_once = true;
    plan->shuts_down = false;
}

/* A connection that its program has closed is given up after eight retransmissions without an
 * answer, whatever the retries of others. Where that would happen in one of a few hundred runs,
 * programs stay until all is over. */
static bool is_harsh(const struct hf_sim_direction *way)
{
    return way->burst_enter_ppm > 0 || way->loss_ppm + way->corrupt_ppm > 100000;
}

static void stay_to_the_end(struct scenario *scenario)
{
    for (int i = 0; i < 2; i++) {
        scenario->plans[i].close_at_once = false;
        scenario->plans[i].shuts_down = true;
    }
}

/* An acknowledgement delayed for as long as the shortest retransmission timeout is sent again for,
 * and rightly so; where nothing may be sent again it must not be so late. */
static void acknowledge_in_time(struct scenario *scenario)
{
    scenario->hosts[0].delayed_ack_ns = scenario->hosts[1].delayed_ack_ns = 40 * HF_MILLISECOND;
}

/* Queues that are managed, and mark where both hosts like it. Drawn apart, so that each seed keeps
 * what else it had. */
static void choose_management(struct chance *chance, struct hf_sim_direction *way)
{
    uint32_t fill_ms = chance_between(chance, 2, 60);

    if (way->rate_bits_per_second == 0 || chance_percent(chance, 25))
        return;
    way->mark = chance_percent(chance, 85);
    if (chance_percent(chance, 60)) {
        way->management = HF_SIM_CODEL;
        way->codel_target_ns = milliseconds(chance, 1, 20);
        way->codel_interval_ns = milliseconds(chance, 20, 200);
        return;
    }
    way->management = HF_SIM_RED;
    way->red_minimum_bytes = way->rate_bits_per_second / 8 * fill_ms / 1000 + 1;
    way->red_maximum_bytes = way->red_minimum_bytes * 3;
    way->red_maximum_ppm = chance_between(chance, 10000, 1000000);
}

static void choose_ecn(struct scenario *scenario)
{
    struct chance chance = chance_from(scenario->seed ^ UINT64_C(0x45434e));

    if (scenario->clean || chance_percent(&chance, 50))
        return;
    for (int i = 0; i < 2; i++) {
        struct hf_config *host = &scenario->hosts[i];
        host->ecn = (uint8_t)chance_between(&chance, 0, 5);
        host->ecn_option = (uint8_t)chance_between(&chance, 0, 2);
        host->ecn_alternative_backoff = chance_percent(&chance, 20);
    }
    choose_management(&chance, &scenario->link.forward);
    choose_management(&chance, &scenario->link.backward);
}

/* In a third of the scenarios that lose packets a router tells of some. */
static void choose_router(struct scenario *scenario)
{
    struct chance chance = chance_from(scenario->seed ^ UINT64_C(0x6069));

    if (!scenario->clean && chance_percent(&chance, 33))
        scenario->unreachable_every = chance_between(&chance, 1, 5);
}

static void choose_addresses(struct scenario *scenario, bool ipv6)
{
    for (uint8_t i = 0; i < 2; i++) {
        uint8_t bytes[16] = {0xfd, [15] = (uint8_t)(i + 1)};
        scenario->endpoints[i].address =
            ipv6 ? hf_address_ipv6(bytes) : hf_address_ipv4(10, 0, 0, (uint8_t)(i + 1));
    }
    scenario->endpoints[1 - scenario->client].port = SERVER_PORT;
}

void scenario_from_seed(struct scenario *scenario, uint64_t seed, uint64_t bytes)
{
    struct chance chance = chance_from(seed);
    bool ipv6 = chance_percent(&chance, 50);
    uint32_t mtu;

    memset(scenario, 0, sizeof *scenario);
    scenario->seed = seed;
    scenario->clean = chance_percent(&chance, 5);
    scenario->client = (int)chance_between(&chance, 0, 1);
    scenario->link = hf_sim_config_default();
    scenario->link.seed = seed;
    scenario->link.start = (hf_time)chance_between(&chance, 0, 1u << 31);
    scenario->link.forward = choose_way(&chance, scenario->clean);
    scenario->link.backward = choose_way(&chance, scenario->clean);
    for (int i = 0; i < 2; i++) {
        choose_host(&chance, &scenario->hosts[i], ipv6);
        choose_plan(&chance, &scenario->plans[i], bytes);
        scenario->hosts[i].host_id = (uint32_t)i;
        scenario->hosts[i].host_name = i == 0 ? "a" : "b";
    }
    for (int i = 0; i < 2; i++) {
        scenario->plans[i].receive_seed = scenario->plans[1 - i].send_seed;
        scenario->plans[i].receive_bytes = scenario->plans[1 - i].send_bytes;
    }
    /* One of the two may keep its side open until the other's end has come; not both. */
    if (chance_percent(&chance, 30))
        scenario->plans[chance_between(&chance, 0, 1)].waits_for_peer = true;
    else if (chance_percent(&chance, 30))
        let_close_say_it_all(&scenario->plans[chance_between(&chance, 0, 1)]);
    if (is_harsh(&scenario->link.forward) || is_harsh(&scenario->link.backward))
        stay_to_the_end(scenario);
    if (scenario->clean)
        acknowledge_in_time(scenario);
    choose_addresses(scenario, ipv6);
    choose_ecn(scenario);
    choose_router(scenario);
    /* The path carries what both hosts can take, and the MSS options keep within that. */
    mtu = scenario->hosts[0].mtu < scenario->hosts[1].mtu ? scenario->hosts[0].mtu
                                                          : scenario->hosts[1].mtu;
    scenario->link.forward.mtu = scenario->link.backward.mtu = mtu;
}

static void congest_way(struct chance *chance, struct hf_sim_direction *way, uint32_t mtu)
{
    uint32_t rate_kbits = chance_scaled(chance, 1000, 60000);
    uint32_t delay_ms = chance_between(chance, 1, 100);
    uint32_t held_bytes = rate_kbits / 8 * delay_ms * 2; /* by the path, there and back */
    uint32_t percent = chance_between(chance, 20, 400);

    *way = (struct hf_sim_direction){
        .rate_bits_per_second = rate_kbits * UINT64_C(1000),
        .delay_ns = delay_ms * HF_MILLISECOND,
        .queue_packets = 8 + (uint32_t)((uint64_t)held_bytes * percent / 100 / mtu),
        .mtu = mtu,
    };
}

void scenario_congest(struct scenario *scenario)
{
    struct chance chance = chance_from(scenario->seed ^ UINT64_C(0x51ee7));
    uint32_t mtu = scenario->link.forward.mtu;

    mtu = mtu < 9000 ? mtu : 9000;
    scenario->clean = false;
    scenario->congested = true;
    congest_way(&chance, &scenario->link.forward, mtu);
    congest_way(&chance, &scenario->link.backward, mtu);
    for (int i = 0; i < 2; i++) {
        struct hf_config *host = &scenario->hosts[i];
        struct application_plan *plan = &scenario->plans[i];
        host->mtu = mtu;
        host->receive_buffer_bytes = chance_between(&chance, 128u << 10, 4u << 20);
        host->send_buffer_bytes = chance_between(&chance, 128u << 10, 4u << 20);
        host->window_scaling = true;
        plan->write_max = PIECE_MAX_BYTES;
        plan->read_max = PIECE_MAX_BYTES;
        plan->read_interval_ns = 0;
        if (chance_percent(&chance, 80))
            plan->write_interval_ns = 0;
    }
    choose_ecn(scenario);
}

static void print_way(const char *name, const struct hf_sim_direction *way, FILE *file)
{
    fprintf(file,
            "  %s: rate %" PRIu64 " bit/s, queue %" PRIu32 ", delay %" PRId64 " us, jitter %" PRId64
            " us, mtu %" PRIu32 "\n"
            "    ppm: loss %" PRIu32 ", burst %" PRIu32 "/%" PRIu32 "/%" PRIu32
            ", duplicate %" PRIu32 ", reorder %" PRIu32 " (%" PRId64 " us), corrupt %" PRIu32 "\n",
            name, way->rate_bits_per_second, way->queue_packets, way->delay_ns / 1000,
            way->jitter_ns / 1000, way->mtu, way->loss_ppm, way->burst_enter_ppm,
            way->burst_leave_ppm, way->burst_loss_ppm, way->duplicate_ppm, way->reorder_ppm,
            way->reorder_ns / 1000, way->corrupt_ppm);
    if (way->management != HF_SIM_DROP_TAIL)
        fprintf(file, "    queue management %d%s\n", (int)way->management,
                way->mark ? ", marks" : "");
}

void scenario_batch(struct scenario *scenario)
{
    hf_time unit = 250 * HF_MICROSECOND;

    scenario->link.forward.batch_ns = unit * (hf_time)(1 + scenario->seed % 16);
    scenario->link.backward.batch_ns = unit * (hf_time)(1 + scenario->seed / 16 % 16);
}

void scenario_print(const struct scenario *scenario, FILE *file)
{
    fprintf(file, "  IPv%d, client %s\n", scenario->endpoints[0].address.family,
            scenario->hosts[scenario->client].host_name);
    print_way("a to b", &scenario->link.forward, file);
    print_way("b to a", &scenario->link.backward, file);
    for (int i = 0; i < 2; i++) {
        const struct hf_config *host = &scenario->hosts[i];
        const struct application_plan *plan = &scenario->plans[i];
        fprintf(
            file,
            "  %s: mtu %" PRIu32 ", receive buffer %" PRIu32 " to %" PRIu32 ", send buffer %" PRIu32
            " to %" PRIu32
            ", timestamps %u, sack %u, window scaling %u, nagle %u, delayed ack %" PRId64
            " ms, msl %" PRId64 " ms, %s, ecn %u\n"
            "    program: writes to %" PRIu32 " each %" PRId64 " us, reads to %" PRIu32
            " each %" PRId64 " us, more %" PRIu32 " %%%s%s%s%s\n",
            host->host_name, host->mtu, host->receive_buffer_bytes, host->receive_buffer_max_bytes,
            host->send_buffer_bytes, host->send_buffer_max_bytes, host->timestamps, host->sack,
            host->window_scaling, host->nagle, host->delayed_ack_ns / HF_MILLISECOND,
            host->msl_ns / HF_MILLISECOND, host->congestion_control->name, host->ecn,
            plan->write_max, plan->write_interval_ns / 1000, plan->read_max,
            plan->read_interval_ns / 1000, plan->more_percent, plan->early ? ", early" : "",
            plan->shuts_down ? ", shuts down" : "", plan->close_at_once ? ", closes at once" : "",
            plan->waits_for_peer ? ", waits for peer" : "");
    }
}
