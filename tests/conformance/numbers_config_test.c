/* SPDX-License-Identifier: MIT
 *
 * The numbers a program may set: hf_config, the options of connections and listeners, and what of
 * them reaches the wire.
 */
#include "round_trip.h"
#include <stdlib.h>
#include <string.h>

typedef void change(struct hf_config *config, int64_t value);

#define FIELD(name, type)                                           \
    static void set_##name(struct hf_config *config, int64_t value) \
    {                                                               \
        config->name = (type)value;                                 \
    }
FIELD(mtu, uint32_t)
FIELD(receive_buffer_bytes, uint32_t)
FIELD(send_buffer_bytes, uint32_t)
FIELD(max_connections, uint32_t)
FIELD(max_listeners, uint32_t)
FIELD(max_syn_records, uint32_t)
FIELD(max_time_wait, uint32_t)
FIELD(max_addresses, uint32_t)
FIELD(max_replies, uint32_t)
FIELD(duplicate_threshold, uint8_t)
FIELD(memory_bytes, uint64_t)
FIELD(msl_ns, hf_time)
FIELD(initial_rto_ns, hf_time)
FIELD(min_rto_ns, hf_time)
FIELD(max_rto_ns, hf_time)
FIELD(delayed_ack_ns, hf_time)
FIELD(user_timeout_ns, hf_time)
FIELD(syn_retries, uint32_t)
FIELD(syn_ack_retries, uint32_t)
FIELD(retries_r1, uint32_t)
FIELD(retries_r2, uint32_t)
FIELD(keepalive_idle_ns, hf_time)
FIELD(keepalive_interval_ns, hf_time)
FIELD(keepalive_probes, uint32_t)
FIELD(fin_wait_2_timeout_ns, hf_time)
FIELD(initial_window_segments, uint32_t)
FIELD(path_mtu_lifetime_ns, hf_time)
FIELD(max_references, uint32_t)
FIELD(max_path_mtus, uint32_t)
FIELD(min_path_mtu, uint32_t)
FIELD(mtu_base_mss, uint32_t)
FIELD(mtu_probe_floor, uint32_t)
FIELD(mtu_probe_threshold, uint32_t)
FIELD(mtu_probe_interval_ns, hf_time)
FIELD(mtu_probing, uint8_t)
FIELD(ttl, uint8_t)
FIELD(port_low, uint16_t)
FIELD(port_high, uint16_t)

static const struct config_case {
    const char *name;
    change *set;
    int64_t value;
    int valid;
} config_cases[] = {
    {"mtu", set_mtu, 575, 0},
    {"mtu", set_mtu, 576, 1},
    {"mtu", set_mtu, 65535, 1},
    {"mtu", set_mtu, 65536, 0},
    {"mtu", set_mtu, 0, 0},
    {"path_mtu_lifetime", set_path_mtu_lifetime_ns, 300 * HF_SECOND - 1, 0},
    {"path_mtu_lifetime", set_path_mtu_lifetime_ns, 300 * HF_SECOND, 1},
    {"path_mtu_lifetime", set_path_mtu_lifetime_ns, 86400 * HF_SECOND, 1},
    {"path_mtu_lifetime", set_path_mtu_lifetime_ns, 86400 * HF_SECOND + 1, 0},
    {"max_references", set_max_references, 0, 0},
    {"max_references", set_max_references, 1, 1},
    {"max_path_mtus", set_max_path_mtus, 0, 0},
    {"max_path_mtus", set_max_path_mtus, 1, 1},
    {"min_path_mtu", set_min_path_mtu, 67, 0},
    {"min_path_mtu", set_min_path_mtu, 68, 1},
    {"min_path_mtu", set_min_path_mtu, 65536, 0},
    {"mtu_base_mss", set_mtu_base_mss, 47, 0},
    {"mtu_base_mss", set_mtu_base_mss, 48, 1},
    {"mtu_base_mss", set_mtu_base_mss, 65536, 0},
    {"mtu_probe_floor", set_mtu_probe_floor, 47, 0},
    {"mtu_probe_floor", set_mtu_probe_floor, 48, 1},
    {"mtu_probe_threshold", set_mtu_probe_threshold, 0, 0},
    {"mtu_probe_threshold", set_mtu_probe_threshold, 1, 1},
    {"mtu_probe_interval", set_mtu_probe_interval_ns, HF_SECOND - 1, 0},
    {"mtu_probe_interval", set_mtu_probe_interval_ns, HF_SECOND, 1},
    {"mtu_probing", set_mtu_probing, 2, 1},
    {"mtu_probing", set_mtu_probing, 3, 0},
    {"receive_buffer", set_receive_buffer_bytes, 255, 0},
    {"receive_buffer", set_receive_buffer_bytes, 256, 1},
    {"receive_buffer", set_receive_buffer_bytes, 1 << 30, 1},
    {"receive_buffer", set_receive_buffer_bytes, (1 << 30) + 1, 0},
    {"send_buffer", set_send_buffer_bytes, 255, 0},
    {"send_buffer", set_send_buffer_bytes, 256, 1},
    {"send_buffer", set_send_buffer_bytes, (1 << 30) + 1, 0},
    {"max_connections", set_max_connections, 0, 0},
    {"max_connections", set_max_connections, 1, 1},
    {"max_connections", set_max_connections, UINT32_MAX, 0},
    {"max_listeners", set_max_listeners, 0, 0},
    {"max_syn_records", set_max_syn_records, 0, 0},
    {"max_time_wait", set_max_time_wait, 0, 0},
    {"max_addresses", set_max_addresses, 0, 0},
    {"max_replies", set_max_replies, 0, 0},
    {"duplicate_threshold", set_duplicate_threshold, 0, 0},
    {"duplicate_threshold", set_duplicate_threshold, 1, 1},
    {"duplicate_threshold", set_duplicate_threshold, 127, 1},
    {"duplicate_threshold", set_duplicate_threshold, 128, 0},
    {"memory_bytes", set_memory_bytes, 0, 0},
    {"memory_bytes", set_memory_bytes, 1000, 0},
    {"msl", set_msl_ns, -1, 0},
    {"msl", set_msl_ns, 0, 1},
    {"initial_rto", set_initial_rto_ns, 0, 0},
    {"initial_rto", set_initial_rto_ns, -HF_SECOND, 0},
    {"min_rto", set_min_rto_ns, 0, 0},
    {"min_rto", set_min_rto_ns, 121 * HF_SECOND, 0},
    {"max_rto", set_max_rto_ns, 59 * HF_SECOND, 0},
    {"max_rto", set_max_rto_ns, 60 * HF_SECOND, 1},
    {"max_rto", set_max_rto_ns, INT64_MAX, 0},
    {"delayed_ack", set_delayed_ack_ns, -1, 0},
    {"delayed_ack", set_delayed_ack_ns, 0, 1},
    {"delayed_ack", set_delayed_ack_ns, 500 * MS - 1, 1},
    {"delayed_ack", set_delayed_ack_ns, 500 * MS, 0},
    {"user_timeout", set_user_timeout_ns, -1, 0},
    {"user_timeout", set_user_timeout_ns, 0, 1},
    {"user_timeout", set_user_timeout_ns, INT64_MAX, 0},
    {"syn_retries", set_syn_retries, 128, 0},
    {"syn_ack_retries", set_syn_ack_retries, 256, 0},
    {"retries_r1", set_retries_r1, 256, 0},
    {"retries_r2", set_retries_r2, 256, 0},
    {"keepalive_idle", set_keepalive_idle_ns, HF_SECOND - 1, 0},
    {"keepalive_idle", set_keepalive_idle_ns, 32768 * HF_SECOND, 0},
    {"keepalive_interval", set_keepalive_interval_ns, 0, 0},
    {"keepalive_interval", set_keepalive_interval_ns, 32768 * HF_SECOND, 0},
    {"keepalive_probes", set_keepalive_probes, 0, 0},
    {"keepalive_probes", set_keepalive_probes, 128, 0},
    {"fin_wait_2_timeout", set_fin_wait_2_timeout_ns, 0, 0},
    {"fin_wait_2_timeout", set_fin_wait_2_timeout_ns, -1, 0},
    {"initial_window", set_initial_window_segments, 0, 0},
    {"initial_window", set_initial_window_segments, 1, 1},
    {"ttl", set_ttl, 0, 0},
    {"ttl", set_ttl, 1, 1},
    {"port_low", set_port_low, 0, 0},
    {"port_low", set_port_low, 65535, 1},
    {"port_high", set_port_high, 49151, 0},
    {"port_high", set_port_high, 49152, 1},
};

/* Each value alone makes the default configuration one that is refused, or is still taken (the
 * ranges of stack.h).
 * Holds: MUST-40 */
static void config_is_validated(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof config_cases / sizeof config_cases[0]; i++) {
        struct hf_config config = hf_config_default();
        struct hf_stack *stack;
        config_cases[i].set(&config, config_cases[i].value);
        stack = hf_stack_new(&config);
        if ((stack != NULL) != config_cases[i].valid) {
            fail_msg("%s = %lld is %s", config_cases[i].name, (long long)config_cases[i].value,
                     stack != NULL ? "taken" : "refused");
        }
        hf_stack_free(stack);
    }
}

static void *no_memory(void *context, size_t size)
{
    (void)context;
    (void)size;
    return NULL;
}

/* Without an allocator, or with one that has nothing, there is no stack. */
static void allocator_is_needed(void **state)
{
    struct hf_config config = hf_config_bare();

    (void)state;
    assert_null(hf_stack_new(&config));
    config = hf_config_default();
    config.allocator.allocate = no_memory;
    assert_null(hf_stack_new(&config));
    config = hf_config_default();
    config.allocator.release = NULL;
    assert_null(hf_stack_new(&config));
    hf_stack_free(NULL);
}

/* The documented defaults.
 * Holds: MUST-28 */
static void defaults(void **state)
{
    struct hf_config config = hf_config_default(), again = hf_config_default();

    (void)state;
    assert_int_equal(config.mtu, 1500);
    assert_true(2 * config.msl_ns == 60 * HF_SECOND);
    assert_true(config.initial_rto_ns == HF_SECOND);
    assert_true(config.max_rto_ns >= 60 * HF_SECOND);
    assert_true(config.delayed_ack_ns < 500 * MS);
    assert_true(config.keepalive_idle_ns >= 7200 * HF_SECOND); /* MUST-28 */
    assert_int_equal(config.initial_window_segments, 10);
    assert_memory_not_equal(config.seed, again.seed, sizeof config.seed);
}

struct option_case {
    enum hf_option option;
    int64_t low, high; /* the range; one less and one more are out */
    int64_t initial;
};

static const struct option_case option_cases[] = {
    {HF_OPTION_NAGLE, 0, 1, 1},
    {HF_OPTION_CORK, 0, 1, 0},
    {HF_OPTION_KEEPALIVE, 0, 1, 0},
    {HF_OPTION_KEEPALIVE_IDLE_NS, HF_SECOND, 32767 * HF_SECOND, 7200 * HF_SECOND},
    {HF_OPTION_KEEPALIVE_INTERVAL_NS, HF_SECOND, 32767 * HF_SECOND, 75 * HF_SECOND},
    {HF_OPTION_KEEPALIVE_PROBES, 1, 127, 9},
    {HF_OPTION_RETRIES_R2, 0, 255, 15},
    {HF_OPTION_SYN_RETRIES, 0, 127, 7},
    {HF_OPTION_RECEIVE_BUFFER, 256, 1 << 30, 1 << 20},
    {HF_OPTION_SEND_BUFFER, 256, 1 << 30, 1 << 20},
    {HF_OPTION_MAX_SEGMENT, 88, 65495, 0},
    {HF_OPTION_TTL, 1, 255, 64},
    {HF_OPTION_QUICK_ACK, 0, 1, 0},
    {HF_OPTION_SOFT_ERRORS, 0, 1, 1},
};

static void check_options(struct hf_stack *stack, hf_handle handle, hf_time now)
{
    int64_t value;

    for (unsigned i = 0; i < sizeof option_cases / sizeof option_cases[0]; i++) {
        const struct option_case *c = &option_cases[i];
        assert_int_equal(hf_get_option(stack, handle, c->option, &value), HF_OK);
        assert_int_equal(value, c->initial);
        assert_int_equal(hf_set_option(stack, handle, c->option, c->low - 1, now), HF_EINVAL);
        assert_int_equal(hf_set_option(stack, handle, c->option, c->high + 1, now), HF_EINVAL);
        assert_int_equal(hf_set_option(stack, handle, c->option, INT64_MIN, now), HF_EINVAL);
        assert_int_equal(hf_set_option(stack, handle, c->option, INT64_MAX, now), HF_EINVAL);
        assert_int_equal(hf_get_option(stack, handle, c->option, &value), HF_OK);
        assert_int_equal(value, c->initial); /* what was refused changed nothing */
        assert_int_equal(hf_set_option(stack, handle, c->option, c->low, now), HF_OK);
        assert_int_equal(hf_get_option(stack, handle, c->option, &value), HF_OK);
        assert_int_equal(value, c->low);
        assert_int_equal(hf_set_option(stack, handle, c->option, c->high, now), HF_OK);
        assert_int_equal(hf_get_option(stack, handle, c->option, &value), HF_OK);
        assert_int_equal(value, c->high);
        assert_int_equal(hf_set_option(stack, handle, c->option, c->initial, now), HF_OK);
    }
    assert_int_equal(hf_set_option(stack, handle, HF_OPTION_USER_TIMEOUT_NS, -1, now), HF_EINVAL);
    assert_int_equal(hf_set_option(stack, handle, HF_OPTION_TRAFFIC_CLASS, 256, now), HF_EINVAL);
    assert_int_equal(hf_set_option(stack, handle, HF_OPTION_TRAFFIC_CLASS, 0xff, now), HF_OK);
    assert_int_equal(hf_get_option(stack, handle, HF_OPTION_TRAFFIC_CLASS, &value), HF_OK);
    assert_int_equal(value, 0xfc); /* SHLD-21: the ECN bits are not the program's */
    assert_int_equal(hf_set_option(stack, handle, HF_OPTION_TRAFFIC_CLASS, 0, now), HF_OK);
    assert_int_equal(hf_set_option(stack, handle, (enum hf_option)1000, 0, now), HF_ENOPROTOOPT);
    assert_int_equal(hf_get_option(stack, handle, (enum hf_option)1000, &value), HF_ENOPROTOOPT);
    assert_int_equal(hf_set_option(stack, handle, (enum hf_option) - 1, 0, now), HF_ENOPROTOOPT);
}

static void option_ranges(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    check_options(w->stack, w->flow->connection, w->now);
    check_options(w->stack, w->listener, w->now);
    run_for(w, 0, 0);
    while (next_packet(w) != NULL) {
    }
}

/* Options of a listener are inherited by its connections, all of them. */
static void options_are_inherited(void **state)
{
    struct world *w = *state;
    int64_t value;

    user_listen(w);
    for (unsigned i = 0; i < sizeof option_cases / sizeof option_cases[0]; i++) {
        const struct option_case *c = &option_cases[i];
        value = c->initial == c->low ? c->high : c->low;
        if (c->option == HF_OPTION_TTL) {
            continue; /* the bench watches the TTL; see ttl_and_class */
        }
        assert_int_equal(hf_set_option(w->stack, w->listener, c->option, value, w->now), HF_OK);
    }
    peer(w, "S seq=0 mss=1000");
    sends(w, "S. seq=0 ack=1 mss=88 win=256");
    peer(w, ". seq=1 ack=1");
    user_accept(w);
    for (unsigned i = 0; i < sizeof option_cases / sizeof option_cases[0]; i++) {
        const struct option_case *c = &option_cases[i];
        if (c->option == HF_OPTION_TTL) {
            continue;
        }
        assert_int_equal(hf_get_option(w->stack, w->flow->connection, c->option, &value), HF_OK);
        assert_int_equal(value, c->initial == c->low ? c->high : c->low);
    }
}

/* MUST-48, MUST-49: the program sets TTL and DS field of what a connection sends, its SYN too.
 * Holds: MUST-48, MUST-49, SHLD-21, SHLD-22 */
static void ttl_and_class(void **state)
{
    struct world *w = *state;
    struct hf_endpoint local = {w->stack_address, STACK_PORT};
    struct hf_endpoint remote = {w->peer_address, PEER_PORT};
    const struct captured *captured;

    w->config.ttl = 33;
    w->config.traffic_class = 0x20;
    world_restart(w);
    establish_passive(w, 65535, "mss=1000");
    user_send(w, 1);
    captured = sends(w, "P. seq=1 ack=1 len=1");
    assert_int_equal(captured->segment.ttl, 33);
    assert_int_equal(captured->segment.traffic_class, 0x20);
    peer(w, ". seq=1 ack=2");
    user_option(w, HF_OPTION_TRAFFIC_CLASS, 0xb9);
    user_option(w, HF_OPTION_TTL, 200);
    w->config.ttl = 200; /* what the bench expects */
    user_send(w, 1);
    captured = sends(w, "P. seq=2 ack=1 len=1");
    assert_int_equal(captured->segment.ttl, 200);
    assert_int_equal(captured->segment.traffic_class, 0xb8);
    peer(w, ". seq=1 ack=3");
    user_abort(w);
    captured = sends(w, "R. seq=3 ack=1");
    assert_int_equal(captured->segment.traffic_class, 0xb8);
    new_incarnation(w, 3);
    assert_int_equal(hf_connect(w->stack, &local, &remote, w->now, &w->flow->connection), HF_OK);
    assert_int_equal(hf_set_option(w->stack, w->flow->connection, HF_OPTION_TTL, 200, w->now),
                     HF_OK);
    assert_int_equal(
        hf_set_option(w->stack, w->flow->connection, HF_OPTION_TRAFFIC_CLASS, 0x48, w->now), HF_OK);
    captured = sends(w, "S seq=0");
    assert_int_equal(captured->segment.ttl, 200);
    assert_int_equal(captured->segment.traffic_class, 0x48);
}

static void connect_quietly(struct world *w)
{
    struct hf_endpoint local = {w->stack_address, STACK_PORT};
    struct hf_endpoint remote = {w->peer_address, PEER_PORT};

    assert_int_equal(hf_connect(w->stack, &local, &remote, w->now, &w->flow->connection), HF_OK);
}

static void set_quietly(struct world *w, enum hf_option option, int64_t value)
{
    assert_int_equal(hf_set_option(w->stack, w->flow->connection, option, value, w->now), HF_OK);
}

/* What is set between hf_connect and the SYN reaches the SYN: MAX_SEGMENT caps the MSS both ways,
 * and the window is of the buffer that there is. */
static void options_before_the_syn(void **state)
{
    struct world *w = *state;

    connect_quietly(w);
    set_quietly(w, HF_OPTION_MAX_SEGMENT, 500);
    set_quietly(w, HF_OPTION_RECEIVE_BUFFER, 5000);
    set_quietly(w, HF_OPTION_SYN_RETRIES, 1);
    sends(w, "S seq=0 mss=500 win=5000 ws=0");
    sends_after(w, HF_SECOND, "S seq=0 mss=500 win=5000 ws=0");
    peer(w, "S. seq=0 ack=1 mss=1000");
    sends(w, ". seq=1 ack=1");
    user_send(w, 2000);
    sends(w, ". seq=1 ack=1 len=500"); /* one: the SYN was lost once */
    peer(w, ". seq=1 ack=501");
    while (next_packet(w) != NULL) {
    }
}

static void large_buffer_before_the_syn(void **state)
{
    struct world *w = *state;

    connect_quietly(w);
    set_quietly(w, HF_OPTION_RECEIVE_BUFFER, 1 << 30);
    sends(w, "S seq=0 win=65535 ws=14");
    user_close(w);
}

static void no_syn_retries(void **state)
{
    struct world *w = *state;

    connect_quietly(w);
    set_quietly(w, HF_OPTION_SYN_RETRIES, 0);
    sends(w, "S seq=0");
    silent_for(w, 10 * HF_SECOND);
    event(w, HF_EVENT_ERROR, HF_ETIMEDOUT);
}

/* hf_stack_reconfigure: the next SYN is of the new values; what is refused changes nothing, and
 * what the stack was built with stays. */
static void reconfigured(void **state)
{
    struct world *w = *state;
    struct hf_config config = *hf_stack_config(w->stack);
    const struct captured *captured;

    config.sack = config.timestamps = 0;
    config.mtu = 1300;
    config.syn_retries = 128;
    assert_int_equal(hf_stack_reconfigure(w->stack, &config), HF_EINVAL);
    assert_int_equal(hf_stack_config(w->stack)->sack, 1);
    config.syn_retries = 0;
    assert_int_equal(hf_stack_reconfigure(w->stack, &config), HF_OK);
    assert_int_equal(hf_stack_config(w->stack)->mtu, 1500);
    connect_quietly(w);
    captured = sends(w, "S seq=0");
    assert_false(captured->segment.has_sackok);
    assert_false(captured->segment.has_ts);
    assert_true(captured->segment.has_ws);
    silent_for(w, 10 * HF_SECOND);
    event(w, HF_EVENT_ERROR, HF_ETIMEDOUT);
}

/* MUST-16 and MAX_SEGMENT: no segment is larger than the least of what the peer's MSS, the path and
 * the program allow, options taken off (RFC 6691).
 * Holds: MUST-16 */
static void max_segment(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000 ts=5");
    user_option(w, HF_OPTION_MAX_SEGMENT, 300);
    assert_int_equal(status_of(w).mss_bytes, 288);
    user_send(w, 288 * 2);
    sends(w, ". seq=1 ack=1 len=288");
    sends(w, "P. seq=289 ack=1 len=288");
    user_option(w, HF_OPTION_MAX_SEGMENT, 0);
    peer(w, ". seq=1 ack=577 ts=6");
    user_send(w, 988);
    sends(w, "P. seq=577 ack=1 len=988");
    peer(w, ". seq=1 ack=1565 ts=7");
}

/* hf_stack_output needs room for the largest packet there may be, and says so. */
static void output_needs_room(void **state)
{
    struct world *w = *state;
    uint8_t packet[1500];

    connect_quietly(w);
    assert_int_equal(hf_stack_output(w->stack, packet, 1499, w->now), HF_EMSGSIZE);
    assert_int_equal(hf_stack_output(w->stack, packet, 0, w->now), HF_EMSGSIZE);
    assert_true(hf_stack_output(w->stack, packet, 1500, w->now) > 0);
    assert_int_equal(hf_stack_output(w->stack, packet, 1500, w->now), 0);
}

/* A clock that steps back is not followed (types.h). */
static void clock_steps_back(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000 ts=5");
    w->now -= 500 * HF_SECOND;
    user_send(w, 1); /* the bench checks that TSval does not go back */
    w->now += 500 * HF_SECOND;
    assert_non_null(next_packet(w));
    sends_between(w, 0, HF_SECOND, "P. seq=1 ack=1 len=1");
    peer(w, ". seq=1 ack=2 ts=9");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONLY_V4(config_is_validated),
        ONLY_V4(allocator_is_needed),
        ONLY_V4(defaults),
        BOTH(option_ranges),
        BOTH(options_are_inherited),
        BOTH(ttl_and_class),
        BOTH(options_before_the_syn),
        BOTH(large_buffer_before_the_syn),
        BOTH(no_syn_retries),
        BOTH(reconfigured),
        BOTH(max_segment),
        BOTH(output_needs_room),
        BOTH(clock_steps_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
