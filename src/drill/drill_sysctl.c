/* SPDX-License-Identifier: MIT
 *
 * Linux's sysctls by the fields of hf_config that mean the same; `handfast.FIELD` sets any field
 * directly. A value that Handfast has in any case (tcp_stdurg=1) is taken; one that
 * asks for what it does not do is refused, so that no script passes by not being heard.
 */
#include "drill_settings.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum width { BITS_8, BITS_16, BITS_32, BITS_64 };

#define NEGATED 0

struct field {
    const char *name; /* after "net.ipv4." or "handfast." */
    size_t offset;
    enum width width;
    int64_t unit; /* one of the sysctl's in the field's; NEGATED: 0 is 1 and anything else 0 */
    int which;    /* of several numbers, counted from 0 */
};

#define FIELD(name, field, width, unit, which)                      \
    {                                                               \
        name, offsetof(struct hf_config, field), width, unit, which \
    }
#define OWN(field, width) FIELD(#field, field, width, 1, 0)

static const struct field linux_fields[] = {
    FIELD("tcp_timestamps", timestamps, BITS_8, 1, 0),
    FIELD("tcp_window_scaling", window_scaling, BITS_8, 1, 0),
    FIELD("tcp_sack", sack, BITS_8, 1, 0),
    FIELD("tcp_dsack", dsack, BITS_8, 1, 0),
    FIELD("tcp_frto", frto, BITS_8, 1, 0),
    FIELD("tcp_early_retrans", loss_probe, BITS_8, 1, 0),
    FIELD("tcp_recovery", recovery, BITS_8, 1, 0),
    FIELD("tcp_reordering", duplicate_threshold, BITS_8, 1, 0),
    FIELD("tcp_ecn", ecn, BITS_8, 1, 0),
    FIELD("tcp_ecn_fallback", ecn_fallback, BITS_8, 1, 0),
    FIELD("tcp_ecn_option", ecn_option, BITS_8, 1, 0),
    FIELD("tcp_ecn_option_beacon", ecn_option_beacon, BITS_8, 1, 0),
    FIELD("tcp_syncookies", syn_cookies, BITS_8, 1, 0),
    FIELD("tcp_rfc1337", rfc1337, BITS_8, 1, 0),
    FIELD("ip_default_ttl", ttl, BITS_8, 1, 0),
    FIELD("tcp_fastopen", fast_open, BITS_32, 1, 0),
    FIELD("tcp_fastopen_blackhole_timeout_sec", fast_open_blackhole_ns, BITS_64, HF_SECOND, 0),
    FIELD("tcp_mtu_probing", mtu_probing, BITS_8, 1, 0),
    FIELD("tcp_base_mss", mtu_base_mss, BITS_32, 1, 0),
    FIELD("tcp_mtu_probe_floor", mtu_probe_floor, BITS_32, 1, 0),
    FIELD("tcp_probe_threshold", mtu_probe_threshold, BITS_32, 1, 0),
    FIELD("tcp_probe_interval", mtu_probe_interval_ns, BITS_64, HF_SECOND, 0),
    FIELD("tcp_no_metrics_save", metrics_save, BITS_8, NEGATED, 0),
    FIELD("tcp_no_ssthresh_metrics_save", ssthresh_metrics_save, BITS_8, NEGATED, 0),
    FIELD("route.min_pmtu", min_path_mtu, BITS_32, 1, 0),
    FIELD("route.mtu_expires", path_mtu_lifetime_ns, BITS_64, HF_SECOND, 0),
    FIELD("tcp_syn_retries", syn_retries, BITS_32, 1, 0),
    FIELD("tcp_synack_retries", syn_ack_retries, BITS_32, 1, 0),
    FIELD("tcp_retries1", retries_r1, BITS_32, 1, 0),
    FIELD("tcp_retries2", retries_r2, BITS_32, 1, 0),
    FIELD("tcp_keepalive_time", keepalive_idle_ns, BITS_64, HF_SECOND, 0),
    FIELD("tcp_keepalive_intvl", keepalive_interval_ns, BITS_64, HF_SECOND, 0),
    FIELD("tcp_keepalive_probes", keepalive_probes, BITS_32, 1, 0),
    FIELD("tcp_fin_timeout", fin_wait_2_timeout_ns, BITS_64, HF_SECOND, 0),
    FIELD("tcp_rmem", receive_buffer_bytes, BITS_32, 1, 1),
    FIELD("tcp_rmem", receive_buffer_max_bytes, BITS_32, 1, 2),
    FIELD("tcp_wmem", send_buffer_bytes, BITS_32, 1, 1),
    FIELD("tcp_notsent_lowat", not_sent_low_water_bytes, BITS_32, 1, 0),
    FIELD("tcp_min_tso_segs", burst_segments, BITS_8, 1, 0),
    FIELD("tcp_slow_start_after_idle", slow_start_after_idle, BITS_8, 1, 0),
    FIELD("tcp_wmem", send_buffer_max_bytes, BITS_32, 1, 2),
    FIELD("tcp_moderate_rcvbuf", moderate_receive_buffer, BITS_8, 1, 0),
    FIELD("tcp_max_syn_backlog", max_syn_records, BITS_32, 1, 0),
    FIELD("tcp_max_tw_buckets", max_time_wait, BITS_32, 1, 0),
    FIELD("tcp_rto_min_us", min_rto_ns, BITS_64, HF_MICROSECOND, 0),
    FIELD("tcp_rto_max_ms", max_rto_ns, BITS_64, HF_MILLISECOND, 0),
    FIELD("ip_local_port_range", port_low, BITS_16, 1, 0),
    FIELD("ip_local_port_range", port_high, BITS_16, 1, 1),
};

static const struct field own_fields[] = {
    OWN(memory_bytes, BITS_64),
    OWN(max_connections, BITS_32),
    OWN(max_listeners, BITS_32),
    OWN(max_syn_records, BITS_32),
    OWN(max_time_wait, BITS_32),
    OWN(max_replies, BITS_32),
    OWN(max_references, BITS_32),
    OWN(receive_buffer_bytes, BITS_32),
    OWN(receive_buffer_max_bytes, BITS_32),
    OWN(send_buffer_bytes, BITS_32),
    OWN(send_buffer_max_bytes, BITS_32),
    OWN(moderate_receive_buffer, BITS_8),
    OWN(not_sent_low_water_bytes, BITS_32),
    OWN(msl_ns, BITS_64),
    OWN(initial_rto_ns, BITS_64),
    OWN(min_rto_ns, BITS_64),
    OWN(max_rto_ns, BITS_64),
    OWN(delayed_ack_ns, BITS_64),
    OWN(user_timeout_ns, BITS_64),
    OWN(path_mtu_lifetime_ns, BITS_64),
    OWN(max_path_mtus, BITS_32),
    OWN(min_path_mtu, BITS_32),
    OWN(metrics_lifetime_ns, BITS_64),
    OWN(max_metrics, BITS_32),
    OWN(metrics_save, BITS_8),
    OWN(ssthresh_metrics_save, BITS_8),
    OWN(mtu_probing, BITS_8),
    OWN(mtu_base_mss, BITS_32),
    OWN(mtu_probe_floor, BITS_32),
    OWN(mtu_probe_threshold, BITS_32),
    OWN(mtu_probe_interval_ns, BITS_64),
    OWN(hold_too_big, BITS_8),
    OWN(syn_retries, BITS_32),
    OWN(syn_ack_retries, BITS_32),
    OWN(retries_r1, BITS_32),
    OWN(retries_r2, BITS_32),
    OWN(keepalive_idle_ns, BITS_64),
    OWN(keepalive_interval_ns, BITS_64),
    OWN(keepalive_probes, BITS_32),
    OWN(fin_wait_2_timeout_ns, BITS_64),
    OWN(initial_window_segments, BITS_32),
    OWN(slow_start_after_idle, BITS_8),
    OWN(pacing, BITS_8),
    OWN(burst_segments, BITS_8),
    OWN(pacing_burst_bytes, BITS_32),
    OWN(timestamps, BITS_8),
    OWN(window_scaling, BITS_8),
    OWN(sack, BITS_8),
    OWN(dsack, BITS_8),
    OWN(frto, BITS_8),
    OWN(loss_probe, BITS_8),
    OWN(recovery, BITS_8),
    OWN(duplicate_threshold, BITS_8),
    OWN(fast_open, BITS_32),
    OWN(max_fast_open_peers, BITS_32),
    OWN(fast_open_blackhole_ns, BITS_64),
    OWN(nagle, BITS_8),
    OWN(syn_cookies, BITS_8),
    OWN(ecn, BITS_8),
    OWN(ecn_fallback, BITS_8),
    OWN(ecn_option, BITS_8),
    OWN(ecn_option_beacon, BITS_8),
    OWN(ecn_ect_1, BITS_8),
    OWN(ecn_alternative_backoff, BITS_8),
    OWN(rfc1337, BITS_8),
    OWN(answer_echo, BITS_8),
    OWN(ttl, BITS_8),
    OWN(traffic_class, BITS_8),
    OWN(port_low, BITS_16),
    OWN(port_high, BITS_16),
};

/* What holds here whatever is set, with the values that say so; NULL: any value, since it only
 * concerns what a run in virtual time does not have (caches between runs, offloads, devices). */
static const struct {
    const char *name;
    const char *values[4];
} settled[] = {
    {"tcp_fack", {"0", NULL}},
    {"tcp_thin_linear_timeouts", {"0", NULL}},
    {"tcp_tw_reuse", {NULL}},
    {"tcp_autocorking", {"0", NULL}},
    {"tcp_tso_win_divisor", {NULL}},
    {"tcp_tso_rtt_log", {NULL}},
    {"tcp_limit_output_bytes", {NULL}},
    {"tcp_challenge_ack_limit", {NULL}},
    {"tcp_invalid_ratelimit", {NULL}},
    {"tcp_pacing_ss_ratio", {NULL}},
    {"tcp_pacing_ca_ratio", {NULL}},
    {"tcp_abort_on_overflow", {"0", NULL}},
    {"tcp_backlog_ack_defer", {NULL}},
    {"tcp_max_reordering", {NULL}},
    {"tcp_syn_linear_timeouts", {"0", NULL}},
    {"tcp_stdurg", {"1", NULL}},
    {"tcp_orphan_retries", {"0", "8", NULL}},
    {"tcp_adv_win_scale", {NULL}},
    {"tcp_app_win", {NULL}},
    {"tcp_workaround_signed_windows", {"0", NULL}},
    {"ip_no_pmtu_disc", {"0", NULL}},
    {"default_qdisc", {NULL}},
};

bool drill_config_same(const struct hf_config *a, const struct hf_config *b)
{
    const unsigned char *left = (const unsigned char *)a, *right = (const unsigned char *)b;
    return memcmp(left, right, sizeof *a) == 0; /* copies of one another, padding included */
}

static void store(struct hf_config *config, const struct field *field, int64_t value)
{
    char *place = (char *)config + field->offset;
    uint8_t byte = (uint8_t)value;
    uint16_t half = (uint16_t)value;
    uint32_t word = (uint32_t)value;
    switch (field->width) {
    case BITS_8:
        memcpy(place, &byte, sizeof byte);
        break;
    case BITS_16:
        memcpy(place, &half, sizeof half);
        break;
    case BITS_32:
        memcpy(place, &word, sizeof word);
        break;
    case BITS_64:
        memcpy(place, &value, sizeof value);
        break;
    }
}

static int64_t most_of(const struct field *field)
{
    static const int64_t most[] = {UINT8_MAX, UINT16_MAX, UINT32_MAX, INT64_MAX};
    return most[field->width] / (field->unit > 1 ? field->unit : 1);
}

/* The `which`th of the numbers in a text. */
static bool number_in(const char *text, int which, int64_t most, int64_t *value)
{
    const char *at = text;
    char *end;
    for (int i = 0; i < which; i++) {
        at += strspn(at, " \t");
        at += strcspn(at, " \t");
    }
    *value = strtoll(at, &end, 0); /* as the kernel reads them */
    return end != at && (*end == '\0' || *end == ' ' || *end == '\t') && *value >= 0 &&
           *value <= most;
}

static bool set_field(struct hf_config *config, const struct field *table, size_t count,
                      const char *name, const char *value, char message[256], bool *known)
{
    for (size_t i = 0; i < count; i++) {
        int64_t number = 0;
        if (strcmp(table[i].name, name) != 0)
            continue;
        *known = true;
        if (!number_in(value, table[i].which, most_of(&table[i]), &number)) {
            snprintf(message, 256, "sysctl %s: '%.60s' is out of range", name, value);
            return false;
        }
        store(config, &table[i], table[i].unit == NEGATED ? number == 0 : number * table[i].unit);
    }
    return *known;
}

static bool is_settled(const char *name, const char *value, char message[256])
{
    for (size_t i = 0; i < sizeof settled / sizeof settled[0]; i++) {
        if (strcmp(settled[i].name, name) != 0)
            continue;
        if (settled[i].values[0] == NULL)
            return true;
        for (size_t j = 0; settled[i].values[j] != NULL; j++) {
            if (strcmp(settled[i].values[j], value) == 0)
                return true;
        }
        snprintf(message, 256, "sysctl %s=%.60s asks for what Handfast does not do; it has %s",
                 name, value, settled[i].values[0]);
        return false;
    }
    snprintf(message, 256, "there is no sysctl %s for Handfast", name);
    return false;
}

/* tcp_congestion_control sets the default; the lists of what is available and allowed are taken
 * when they name nothing that is not there. */
static bool set_congestion(struct hf_config *config, const char *name, const char *value,
                           char message[256])
{
    const char *at = value + strspn(value, " \t");
    while (*at != '\0') {
        char one[HF_CC_NAME_BYTES] = "";
        size_t length = strcspn(at, " \t");
        const struct hf_cc_ops *ops = NULL;
        if (length < sizeof one) {
            memcpy(one, at, length);
            ops = hf_congestion_control(one);
        }
        if (ops == NULL) {
            snprintf(
                message, 256,
                "sysctl %s: Handfast has no congestion control '%.*s'; it has reno, cubic, bbr "
                "and dctcp",
                name, (int)(length < 40 ? length : 40), at);
            return false;
        }
        if (strcmp(name, "tcp_congestion_control") == 0)
            config->congestion_control = ops;
        at += length;
        at += strspn(at, " \t");
    }
    return true;
}

/* One or two keys of four words each: "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4,...", the words as
 * numbers, little-endian in the key. */
static bool set_fast_open_key(struct hf_config *config, const char *value, char message[256])
{
    const char *at = value;
    uint8_t count = 0;
    do {
        at += count > 0; /* the comma */
        for (unsigned i = 0; i < 4; i++) {
            char *end;
            unsigned long word = strtoul(at, &end, 16);
            if (end == at || end - at > 8 || count == 2 || (i < 3 && *end != '-')) {
                snprintf(message, 256, "sysctl tcp_fastopen_key: '%.80s' is no key", value);
                return false;
            }
            for (unsigned j = 0; j < 4; j++)
                config->fast_open_keys[count][4 * i + j] = (uint8_t)(word >> (8 * j));
            at = i < 3 ? end + 1 : end;
        }
        count++;
    } while (*at == ',');
    config->fast_open_key_count = count;
    if (*at != '\0')
        snprintf(message, 256, "sysctl tcp_fastopen_key: '%.80s' is no key", value);
    return *at == '\0';
}

bool drill_sysctl_apply(struct hf_config *config, const char *name, const char *value,
                        char message[256])
{
    static const char *const prefixes[] = {"net.ipv4.", "net.ipv6.", "net.core."};
    bool known = false, fine;
    if (strncmp(name, "handfast.", strlen("handfast.")) == 0) {
        name += strlen("handfast.");
        fine = set_field(config, own_fields, sizeof own_fields / sizeof own_fields[0], name, value,
                         message, &known);
        if (!known)
            snprintf(message, 256, "hf_config has no field %s to set", name);
        return fine;
    }
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            name += strlen(prefixes[i]);
    }
    if (strcmp(name, "tcp_congestion_control") == 0 ||
        strcmp(name, "tcp_available_congestion_control") == 0 ||
        strcmp(name, "tcp_allowed_congestion_control") == 0)
        return set_congestion(config, name, value, message);
    if (strcmp(name, "tcp_fastopen_key") == 0)
        return set_fast_open_key(config, value, message);
    fine = set_field(config, linux_fields, sizeof linux_fields / sizeof linux_fields[0], name,
                     value, message, &known);
    return known ? fine : is_settled(name, value, message);
}

const char *drill_sysctl_name(size_t number, bool *mapped)
{
    const size_t fields = sizeof linux_fields / sizeof linux_fields[0];
    const size_t others = sizeof settled / sizeof settled[0];
    *mapped = number < fields;
    if (number < fields)
        return linux_fields[number].name;
    return number - fields < others ? settled[number - fields].name : NULL;
}
