/* SPDX-License-Identifier: MIT
 *
 * The defaults, and what is refused.
 */
#include "stack_config.h"

#include <string.h>

#ifdef HF_PROFILE_TINY
/* Some dozen connections in 64 KiB, and nothing that is not built. */
static void apply_profile(struct hf_config *config)
{
    config->memory_bytes = 64 << 10;
    config->max_connections = 16;
    config->max_listeners = 4;
    config->max_syn_records = 16;
    config->max_time_wait = 16;
    config->max_addresses = 4;
    config->max_replies = 4;
    config->receive_buffer_bytes = 4096;
    config->receive_buffer_max_bytes = 4096;
    config->send_buffer_bytes = 4096;
    config->send_buffer_max_bytes = 4096;
    config->moderate_receive_buffer = 0;
    config->max_path_mtus = 4;
    config->rest_after_ns = HF_TIME_NEVER;
    config->metrics_save = 0;
    config->fast_open = 0;
}

static bool profile_valid(const struct hf_config *config)
{
    return config->rest_after_ns == HF_TIME_NEVER && config->metrics_save == 0 &&
           config->fast_open == 0 && config->ecn <= 2 && (config->recovery & 1) != 0 &&
           config->late_split == 0;
}
#else
static void apply_profile(struct hf_config *config)
{
    (void)config;
}

static bool profile_valid(const struct hf_config *config)
{
    (void)config;
    return true;
}
#endif

static void set_limits(struct hf_config *config)
{
    config->memory_bytes = UINT64_C(1) << 30;
    config->max_connections = 1000000;
    config->max_listeners = 1024;
    config->max_syn_records = 4096;
    config->max_time_wait = 262144;
    config->max_addresses = 64;
    config->max_replies = 1024;
}

struct hf_config hf_config_bare(void)
{
    struct hf_config config;
    memset(&config, 0, sizeof config);
    set_limits(&config);
    config.mtu = 1500;
    config.receive_buffer_bytes = 64 << 10;
    config.receive_buffer_max_bytes = 6 << 20;
    config.send_buffer_bytes = 64 << 10;
    config.send_buffer_max_bytes = 4 << 20;
    config.msl_ns = 30 * HF_SECOND;
    config.initial_rto_ns = HF_SECOND;
    config.min_rto_ns = 200 * HF_MILLISECOND;
    config.max_rto_ns = 120 * HF_SECOND;
    config.delayed_ack_ns = 40 * HF_MILLISECOND;
    config.syn_retries = 7;
    config.syn_ack_retries = 5;
    config.retries_r1 = 3;
    config.retries_r2 = 15;
    config.keepalive_idle_ns = 7200 * HF_SECOND;
    config.keepalive_interval_ns = 75 * HF_SECOND;
    config.keepalive_probes = 9;
    config.fin_wait_2_timeout_ns = 60 * HF_SECOND;
    config.initial_window_segments = 10;
    config.join_received = 1;
    config.congestion_control = hf_congestion_control("cubic");
    config.slow_start_after_idle = 1;
    config.rest_after_ns = HF_SECOND;
    config.path_mtu_lifetime_ns = 600 * HF_SECOND;
    config.max_references = 65536;
    config.cores = 1;
    config.max_path_mtus = 1024;
    config.min_path_mtu = 552;
    config.metrics_lifetime_ns = 3600 * HF_SECOND;
    config.max_metrics = 1024;
    config.metrics_save = 1;
    config.mtu_base_mss = 1024;
    config.mtu_probe_floor = 48;
    config.mtu_probe_threshold = 8;
    config.mtu_probe_interval_ns = 600 * HF_SECOND;
    config.fast_open = HF_FAST_OPEN_CLIENT;
    config.max_fast_open_peers = 1024;
    config.timestamps = 1;
    config.window_scaling = 1;
    config.sack = 1;
    config.dsack = 1;
    config.frto = 1;
    config.loss_probe = 3;
    config.recovery = 1;
    config.duplicate_threshold = 3;
    config.nagle = 1;
    config.moderate_receive_buffer = 1;
    config.syn_cookies = 1;
    config.ecn = 2;
    config.ecn_fallback = 1;
    config.ecn_option = 2;
    config.ecn_option_beacon = 3;
    config.rfc1337 = 1;
    config.answer_echo = 1;
    config.ttl = 64;
    config.port_low = 49152;
    config.port_high = 65535;
    apply_profile(&config);
    return config;
}

static bool within(uint64_t value, uint64_t low, uint64_t high)
{
    return value >= low && value <= high;
}

/* Beside the core's number: see handle_make. */
static bool handles_fit(const struct hf_config *config)
{
    return config->cores == 1 || (config->max_connections < 1u << HANDLE_CORE_SHIFT &&
                                  config->max_listeners < 1u << HANDLE_CORE_SHIFT);
}

static bool buffers_valid(const struct hf_config *config)
{
    return within(config->mtu, 576, 65535) &&
           within(config->receive_buffer_bytes, 256, UINT64_C(1) << 30) &&
           within(config->send_buffer_bytes, 256, UINT64_C(1) << 30) &&
           config->receive_buffer_max_bytes <= 1u << 30 &&
           config->send_buffer_max_bytes <= 1u << 30 &&
           within(config->max_connections, 1, (1u << 30) - 1) &&
           within(config->max_listeners, 1, (1u << 30) - 1) &&
           within(config->max_syn_records, 1, (1u << 30) - 1) &&
           within(config->max_time_wait, 1, (1u << 30) - 1) &&
           within(config->duplicate_threshold, 1, 127) && within(config->max_addresses, 1, 65536) &&
           within(config->max_replies, 1, 1u << 20) && within(config->cores, 1, HF_CORES_MAX) &&
           config->core < config->cores && handles_fit(config);
}

static bool interval(hf_time value, hf_time low, hf_time high)
{
    return value >= low && value <= high;
}

static bool times_valid(const struct hf_config *config)
{
    const hf_time hour = 3600 * HF_SECOND;
    return interval(config->msl_ns, 0, 24 * hour) &&
           interval(config->initial_rto_ns, HF_MILLISECOND, hour) &&
           interval(config->max_rto_ns, 60 * HF_SECOND, hour) && /* RFC 6298 2.5 */
           interval(config->max_rto_ns, config->initial_rto_ns, hour) &&
           interval(config->min_rto_ns, HF_MILLISECOND, config->max_rto_ns) &&
           interval(config->delayed_ack_ns, 0, 500 * HF_MILLISECOND - 1) && /* MUST-40 */
           interval(config->user_timeout_ns, 0, INT64_MAX / 4) &&
           interval(config->keepalive_idle_ns, HF_SECOND, 32767 * HF_SECOND) &&
           interval(config->keepalive_interval_ns, HF_SECOND, 32767 * HF_SECOND) &&
           (interval(config->rest_after_ns, 0, hour) || config->rest_after_ns == HF_TIME_NEVER) &&
           interval(config->fast_open_blackhole_ns, 0, 24 * hour) &&
           interval(config->fin_wait_2_timeout_ns, HF_MILLISECOND, 24 * hour);
}

static bool counts_valid(const struct hf_config *config)
{
    return config->syn_retries <= 127 && config->syn_ack_retries < SYN_STAGES &&
           config->retries_r1 <= 255 && config->retries_r2 <= 255 &&
           within(config->keepalive_probes, 1, 127) &&
           within(config->initial_window_segments, 1, 1000) && config->ttl >= 1 &&
           within(config->max_fast_open_peers, 1, (1u << 30) - 1) && config->ecn <= 5 &&
           config->recovery <= 7 && config->burst_segments <= 64 && config->join_received <= 1 &&
           config->ecn_option <= 3 && config->ecn_option_beacon <= 63 &&
           config->fast_open_key_count <= 2 && config->port_low >= 1 &&
           config->port_low <= config->port_high;
}

static bool path_mtu_valid(const struct hf_config *config)
{
    const hf_time day = 86400 * HF_SECOND;
    return interval(config->path_mtu_lifetime_ns, 300 * HF_SECOND, day) && /* RFC 1191 6.3 */
           interval(config->mtu_probe_interval_ns, HF_SECOND, day) &&
           within(config->max_references, 1, (1u << 30) - 1) &&
           within(config->max_path_mtus, 1, (1u << 30) - 1) &&
           interval(config->metrics_lifetime_ns, HF_SECOND, day) &&
           within(config->max_metrics, 1, (1u << 30) - 1) &&
           within(config->min_path_mtu, 68, 65535) && within(config->mtu_base_mss, 48, 65535) &&
           within(config->mtu_probe_floor, 48, 65535) &&
           within(config->mtu_probe_threshold, 1, 65535) && config->mtu_probing <= 2;
}

static bool algorithm_valid(const struct hf_cc_ops *ops)
{
    size_t length = 0;
    if (ops == NULL || ops->name == NULL || ops->init == NULL || ops->on_congestion == NULL ||
        (ops->governs_recovery ? ops->on_delivery == NULL : ops->on_ack == NULL)) {
        return false;
    }
    while (length < HF_CC_NAME_BYTES && ops->name[length] != '\0') {
        length++;
    }
    return within(length, 1, HF_CC_NAME_BYTES - 1) && ops->private_bytes <= HF_CC_PRIVATE_BYTES_MAX;
}

static bool algorithms_valid(const struct hf_config *config)
{
    bool ended = false;
    for (int i = 0; i < HF_CONFIG_CONGESTION_CONTROLS; i++) {
        const struct hf_cc_ops *ops = config->congestion_controls[i];
        ended |= ops == NULL;
        if (ops != NULL && (ended || !algorithm_valid(ops))) {
            return false;
        }
    }
    /* The default is one of those that can be chosen. */
    return algorithm_valid(config->congestion_control) &&
           tcp_cc_at(config, tcp_cc_index(config, config->congestion_control)) != NULL;
}

bool stack_config_valid(const struct hf_config *config)
{
    return config->allocator.allocate != NULL && config->allocator.release != NULL &&
           buffers_valid(config) && times_valid(config) && counts_valid(config) &&
           path_mtu_valid(config) && algorithms_valid(config) && profile_valid(config);
}
