/* SPDX-License-Identifier: MIT
 *
 * What an outsider must not guess: initial sequence numbers (RFC 6528) and outgoing ports
 * (RFC 6056), and that all of it follows from config.seed.
 */
#include "round_trip.h"
#include <string.h>

/* Connects from `port` (0: the stack chooses) to a remote whose last octets are `host`; takes the
 * SYN off the wire, aborts, and returns the SYN. */
static struct segment syn_to(struct world *w, uint16_t port, unsigned host, uint16_t remote_port)
{
    struct hf_endpoint local = {.port = port}, remote = {w->peer_address, remote_port};
    size_t last = w->family == HF_IPV4 ? 3 : 15;
    struct segment segment;
    hf_handle handle;

    local.address.family = (uint8_t)w->family;
    remote.address.bytes[last] = (uint8_t)host;
    remote.address.bytes[last - 1] = (uint8_t)(host >> 8);
    w->any_source = 1;
    assert_int_equal(hf_connect(w->stack, &local, &remote, w->now, &handle), HF_OK);
    run_for(w, 0, 0);
    assert_int_equal(waiting_packets(w), 1);
    segment = next_packet(w)->segment;
    assert_int_equal(segment.flags, HF_SYN);
    assert_int_equal(hf_abort(w->stack, handle, w->now), HF_OK);
    silent(w);
    return segment;
}

/* isn-clock-prf: ISN = M + F(connection): for one pair of endpoints it advances with a clock of a
 * tick every 4 us (MUST-8, RFC 6528 3).
 * Holds: MUST-8, RFC6528-3-a */
static void isn_clock(void **state)
{
    static const hf_time steps[] = {4 * HF_MICROSECOND, HF_MILLISECOND,   HF_SECOND,
                                    HF_SECOND,          3600 * HF_SECOND, 20000 * HF_SECOND};
    struct world *w = *state;
    uint32_t before = syn_to(w, 5000, 9, 80).seq;

    for (unsigned i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        uint32_t isn;
        run_for(w, steps[i], 0);
        isn = syn_to(w, 5000, 9, 80).seq;
        assert_int_equal(isn - before, (uint32_t)(steps[i] / (4 * HF_MICROSECOND)));
        before = isn;
    }
}

/* The same clock on the passive side.
 * Holds: MUST-8 */
static void isn_clock_passive(void **state)
{
    struct world *w = *state;
    uint32_t first;

    user_listen(w);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    first = w->flow->stack_iss;
    peer(w, "R seq=1");
    in_state(w, HF_CLOSED);
    run_for(w, HF_SECOND, 0);
    new_incarnation(w, 5);
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1");
    assert_int_equal(w->flow->stack_iss - first, 250000);
    peer(w, "R seq=1");
}

/* F is keyed: endpoints that differ in one bit have unrelated numbers, and another seed gives other
 * numbers throughout (SHLD-1, MUST-9). 64 of them hit each top bit about half the time.
 * Holds: MUST-9, SHLD-1, RFC6528-3-b */
static void isn_is_keyed(void **state)
{
    struct world *w = *state;
    uint32_t numbers[64];
    unsigned ones[32] = {0};

    for (unsigned i = 0; i < 64; i++) {
        numbers[i] = i % 2 ? syn_to(w, (uint16_t)(5000 + i / 2), 9, 80).seq
                           : syn_to(w, 4000, 9, (uint16_t)(100 + i / 2)).seq;
        for (unsigned bit = 0; bit < 32; bit++) {
            ones[bit] += numbers[i] >> bit & 1;
        }
        for (unsigned j = 0; j < i; j++) {
            assert_true(numbers[i] - numbers[j] > 64 && numbers[j] - numbers[i] > 64);
        }
    }
    for (unsigned bit = 0; bit < 32; bit++) {
        assert_in_range(ones[bit], 10, 54); /* six standard deviations hold 8..56 */
    }
    w->config.seed[15] ^= 1;
    world_restart(w);
    for (unsigned i = 0; i < 8; i++) {
        uint32_t isn = syn_to(w, 4000, 9, (uint16_t)(100 + i)).seq;
        assert_true(isn != numbers[2 * i]);
    }
}

/* Deterministic: the same seed, calls and times give the same bytes. */
static void same_seed_same_numbers(void **state)
{
    struct world *w = *state;
    struct segment first[10];

    for (unsigned i = 0; i < 10; i++) {
        first[i] = syn_to(w, 0, 9 + i, 80);
    }
    world_restart(w);
    for (unsigned i = 0; i < 10; i++) {
        struct segment again = syn_to(w, 0, 9 + i, 80);
        assert_int_equal(again.seq, first[i].seq);
        assert_int_equal(again.source_port, first[i].source_port);
        assert_int_equal(again.ts_value, first[i].ts_value);
    }
}

/* RFC 6056 3.2: outgoing ports come from the configured range, and not one and the same. */
static void ports_in_range(void **state)
{
    struct world *w = *state;
    unsigned low_half = 0;

    for (unsigned i = 0; i < 200; i++) {
        unsigned port = syn_to(w, 0, 9 + i, 80).source_port;
        assert_in_range(port, 49152, 65535);
        low_half += port < 57344;
    }
    assert_in_range(low_half, 50, 150);
    w->config.port_low = w->config.port_high = 7;
    world_restart(w);
    assert_int_equal(syn_to(w, 0, 9, 80).source_port, 7);
    assert_int_equal(syn_to(w, 0, 10, 80).source_port, 7);
}

/* RFC 6056 2, 3.3.4: the port to one peer does not tell the port to another: the differences
 * between successive peers are no constant, and hardly two peers get the same.
 * Holds: RFC6056-3.3-a */
static void ports_unpredictable_across_peers(void **state)
{
    struct world *w = *state;
    uint16_t ports[128];
    unsigned equal_steps = 0, equal_ports = 0;

    for (unsigned i = 0; i < 128; i++) {
        ports[i] = syn_to(w, 0, 9 + i, 80).source_port;
        if (i >= 2 && (uint16_t)(ports[i] - ports[i - 1]) == (uint16_t)(ports[1] - ports[0])) {
            equal_steps++;
        }
        for (unsigned j = 0; j < i; j++) {
            equal_ports += ports[i] == ports[j];
        }
    }
    assert_true(equal_steps <= 2);
    assert_true(equal_ports <= 6);
}

/* RFC 6056 3.3.4: to the same peer a port is not used again soon.
 * Holds: RFC6056-3.3-b */
static void ports_not_soon_again(void **state)
{
    struct world *w = *state;
    uint16_t ports[1000];

    for (unsigned i = 0; i < 1000; i++) {
        ports[i] = syn_to(w, 0, 9, 80).source_port;
        for (unsigned j = 0; j < i; j++) {
            assert_true(ports[i] != ports[j]);
        }
    }
}

static int connect_to(struct world *w, uint16_t remote_port, hf_handle *handle)
{
    struct hf_endpoint remote = {w->peer_address, remote_port};
    return hf_connect(w->stack, NULL, &remote, w->now, handle);
}

/* All ports of the range serve before HF_EADDRNOTAVAIL, and the pair of endpoints is what is taken:
 * another remote has all ports again. A port that is given back serves again. */
static void all_ports_are_used(void **state)
{
    struct world *w = *state;
    hf_handle handles[100], other;
    unsigned seen[100] = {0};

    w->config.port_low = 2000;
    w->config.port_high = 2099;
    world_restart(w);
    for (unsigned i = 0; i < 100; i++) {
        struct hf_status status;
        assert_int_equal(connect_to(w, 80, &handles[i]), HF_OK);
        assert_int_equal(hf_status(w->stack, handles[i], &status), HF_OK);
        assert_in_range(status.local.port, 2000, 2099);
        assert_int_equal(seen[status.local.port - 2000]++, 0);
    }
    assert_int_equal(connect_to(w, 80, &other), HF_EADDRNOTAVAIL);
    assert_int_equal(connect_to(w, 81, &other), HF_OK);
    assert_int_equal(hf_abort(w->stack, handles[42], w->now), HF_OK);
    assert_int_equal(connect_to(w, 80, &other), HF_OK);
    assert_int_equal(connect_to(w, 80, &other), HF_EADDRNOTAVAIL);
}

/* The only free port of three is found each time, however often it was asked for (a counter of 16
 * bits wraps on the way). */
static void last_port_is_always_found(void **state)
{
    struct world *w = *state;
    hf_handle held, handle;

    w->config.port_low = 2000;
    w->config.port_high = 2002;
    world_restart(w);
    assert_int_equal(connect_to(w, 80, &held), HF_OK);
    assert_int_equal(connect_to(w, 80, &held), HF_OK);
    for (unsigned i = 0; i < 70000; i++) {
        int error = connect_to(w, 80, &handle);
        if (error != HF_OK) {
            fail_msg("attempt %u found no port: %d", i, error);
        }
        hf_abort(w->stack, handle, w->now);
    }
}

/* A tuple that is in use, by a connection or by its TIME-WAIT, cannot be opened again by hand
 * (MUST-13, RFC 9293 3.10.1: "connection already exists"), and the stack does not choose its port.
 * Holds: MUST-13 */
static void tuple_in_use(void **state)
{
    struct world *w = *state;
    struct hf_endpoint local = {w->stack_address, STACK_PORT};
    struct hf_endpoint remote = {w->peer_address, PEER_PORT};
    hf_handle handle;

    w->config.port_low = w->config.port_high = STACK_PORT;
    world_restart(w);
    establish_active(w, 65535, "mss=1000");
    assert_int_equal(hf_connect(w->stack, &local, &remote, w->now, &handle), HF_EADDRINUSE);
    assert_int_equal(hf_connect(w->stack, NULL, &remote, w->now, &handle), HF_EADDRNOTAVAIL);
    user_close(w);
    sends(w, "F. seq=1 ack=1");
    peer(w, "F. seq=1 ack=2");
    sends(w, ". seq=2 ack=2");
    in_state(w, HF_TIME_WAIT);
    assert_int_equal(hf_connect(w->stack, &local, &remote, w->now, &handle), HF_EADDRINUSE);
    assert_int_equal(hf_connect(w->stack, NULL, &remote, w->now, &handle), HF_EADDRNOTAVAIL);
    run_for(w, 61 * HF_SECOND, 0);
    assert_int_equal(hf_connect(w->stack, NULL, &remote, w->now, &handle), HF_OK);
    new_incarnation(w, 0);
    run_for(w, 0, 0);
    sends(w, "S seq=0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(isn_clock),
        BOTH(isn_clock_passive),
        BOTH(isn_is_keyed),
        BOTH(same_seed_same_numbers),
        BOTH(ports_in_range),
        BOTH(ports_unpredictable_across_peers),
        BOTH(ports_not_soon_again),
        BOTH(all_ports_are_used),
        BOTH(last_port_is_always_found),
        BOTH(tuple_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
