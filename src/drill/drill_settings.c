/* SPDX-License-Identifier: MIT
 *
 * packetdrill's options by their names. What only tells packetdrill about devices and gateways of
 * the kernel says nothing to a stack in virtual time and is taken without effect; what asks for
 * another machine or for another stack is refused.
 */
#include "drill_settings.h"

#include "drill_play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_MTU = 576, LEAST_MTU_V6 = 1280, MOST_MTU = 65535 };

static const char *const version_names[DRILL_VERSIONS] = {"ipv4", "ipv6", "ipv4-mapped-ipv6"};

/* Names that mean nothing here. */
static const char *const without_effect[] = {
    "gateway_ip", "netmask_ip", "speed",          "persistent_tun_dev", "tun_dev",
    "use_expect", "is_anyip",   "send_omit_free", "tcp_ts_ecr_scaled",  "debug",
};

const char *drill_setting_refusal(const char *name)
{
    static const char wire[] = "both ends of the wire are in this process";
    static const char plugin[] = "the stack under test is Handfast, in this process";
    static const struct {
        const char *name, *why;
    } table[] = {
        {"wire_client", wire},      {"wire_client_dev", wire}, {"wire_server", wire},
        {"wire_server_at", wire},   {"wire_server_dev", wire}, {"wire_server_ip", wire},
        {"wire_server_port", wire}, {"so_filename", plugin},   {"so_flags", plugin},
        {"fm_filename", plugin},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(table[i].name, name) == 0)
            return table[i].why;
    }
    return NULL;
}

struct drill_settings drill_settings_default(void)
{
    struct drill_settings settings;
    memset(&settings, 0, sizeof settings);
    settings.versions = 1u << DRILL_V4;
    settings.bind_port = 8080;
    settings.connect_port = 8080;
    return settings;
}

static bool number_of(const char *name, const char *text, int64_t least, int64_t most,
                      int64_t *value, char message[256])
{
    char *end;
    if (text == NULL || text[0] == '\0') {
        snprintf(message, 256, "--%s needs a value: --%s=NUMBER", name, name);
        return false;
    }
    *value = strtoll(text, &end, 10);
    if (*end != '\0' || *value < least || *value > most) {
        snprintf(message, 256, "--%s: '%.40s' is not a number from %lld to %lld", name, text,
                 (long long)least, (long long)most);
        return false;
    }
    return true;
}

static bool versions_of(struct drill_settings *settings, const char *text, char message[256])
{
    unsigned versions = 0;
    const char *at = text != NULL ? text : "";
    if (strcmp(at, "all") == 0) {
        settings->versions = (1u << DRILL_VERSIONS) - 1;
        return true;
    }
    while (*at != '\0') {
        size_t length = strcspn(at, ",");
        unsigned found = 0;
        for (unsigned i = 0; i < DRILL_VERSIONS; i++) {
            if (strlen(version_names[i]) == length && strncmp(version_names[i], at, length) == 0)
                found = 1u << i;
        }
        if (found == 0)
            break;
        versions |= found;
        at += length;
        if (*at == ',')
            at++;
    }
    if (versions == 0 || *at != '\0') {
        snprintf(message, 256,
                 "--ip_version: '%.60s' is not ipv4, ipv6, ipv4-mapped-ipv6, a list of these with "
                 "commas, or all",
                 text != NULL ? text : "");
        return false;
    }
    settings->versions = versions;
    return true;
}

static bool address_of(const char *name, const char *text, struct hf_address *address,
                       char message[256])
{
    if (text == NULL || hf_address_parse(text, address) != 0 || address->family == HF_FAMILY_ANY) {
        snprintf(message, 256, "--%s: '%.60s' is no IP address", name, text != NULL ? text : "");
        return false;
    }
    return true;
}

/* "12.5" as parts per million of a whole. */
static bool percent_of(const char *text, uint32_t *ppm, char message[256])
{
    char *end = NULL;
    double value = text != NULL && text[0] != '\0' ? strtod(text, &end) : -1;
    if (end == NULL || *end != '\0' || !(value >= 0 && value <= 1000)) {
        snprintf(message, 256, "--tolerance_percent: '%.40s' is not a percentage",
                 text != NULL ? text : "");
        return false;
    }
    *ppm = (uint32_t)(value * 10000 + 0.5);
    return true;
}

/* Which mismatches only warn: packet, syscall, or both with a comma. */
static bool non_fatal_of(struct drill_settings *settings, const char *text, char message[256])
{
    const char *at = text != NULL ? text : "";
    do {
        size_t length = strcspn(at, ",");
        if (length == strlen("packet") && strncmp(at, "packet", length) == 0) {
            settings->non_fatal_packets = true;
        } else if (length == strlen("syscall") && strncmp(at, "syscall", length) == 0) {
            settings->non_fatal_calls = true;
        } else {
            snprintf(message, 256,
                     "--non_fatal: '%.60s' is not packet, syscall or both with a comma",
                     text != NULL ? text : "");
            return false;
        }
        at += length;
    } while (*at++ == ',');
    return true;
}

/* What a value must be one of, where only some have a meaning here. */
static bool one_of(const char *name, const char *value, const char *const *words, char message[256])
{
    for (; *words != NULL; words++) {
        if (value != NULL && strcmp(value, *words) == 0)
            return true;
    }
    snprintf(message, 256, "--%s: '%.60s' has no meaning here", name, value != NULL ? value : "");
    return false;
}

/* How the code in %{ }% is run, and what it is told. */
static bool apply_code(const char *name, const char *value, char message[256], bool *known)
{
    static const char *const commands[] = {
        "python", "python3", "/usr/bin/python", "/usr/bin/python3", "/usr/bin/env python3", NULL};
    static const char *const formats[] = {"python", NULL};
    static const char *const options[] = {"TCP_INFO", "TCP_CC_INFO", "SO_MEMINFO", "", NULL};
    *known = true;
    if (strcmp(name, "code_command") == 0)
        return one_of(name, value, commands, message);
    if (strcmp(name, "code_format") == 0)
        return one_of(name, value, formats, message);
    if (strcmp(name, "code_sockopt") == 0)
        return one_of(name, value, options, message);
    *known = false;
    return false;
}

/* Scripts that go before every script: only one is known. */
static bool init_scripts_of(struct drill_settings *settings, const char *text, char message[256])
{
    const char *at = text != NULL ? text : "";
    while (*at != '\0') {
        size_t length = strcspn(at, ",");
        const char *name = at + length;
        while (name > at && name[-1] != '/')
            name--;
        if ((size_t)(at + length - name) != strlen("defaults.sh") ||
            strncmp(name, "defaults.sh", strlen("defaults.sh")) != 0) {
            snprintf(
                message, 256,
                "--init_scripts: '%.60s' is refused: no script is run, and only the meaning of "
                "defaults.sh is known",
                at);
            return false;
        }
        settings->defaults = true;
        at += length + (at[length] == ',');
    }
    return true;
}

/* Names without a value. */
static bool switch_on(struct drill_settings *settings, const char *name)
{
    bool *place = NULL;
    if (strcmp(name, "strict_segments") == 0)
        place = &settings->strict_segments;
    else if (strcmp(name, "dry_run") == 0)
        place = &settings->dry_run;
    else if (strcmp(name, "late_split") == 0)
        place = &settings->late_split;
    else if (strcmp(name, "verbose") == 0)
        place = &settings->verbose;
    if (place != NULL)
        *place = true;
    return place != NULL;
}

static bool apply_number(struct drill_settings *settings, const char *name, const char *value,
                         char message[256], bool *known)
{
    int64_t number = 0;
    bool fine;
    *known = true;
    if (strcmp(name, "tolerance_usecs") == 0) {
        fine = number_of(name, value, 0, INT32_MAX, &number, message);
        settings->tolerance_ns = number * HF_MICROSECOND;
    } else if (strcmp(name, "tcp_ts_tick_usecs") == 0) {
        fine = number_of(name, value, 0, 1000000, &number, message);
        settings->ts_tick_ns = number * HF_MICROSECOND;
    } else if (strcmp(name, "mtu") == 0) {
        fine = number_of(name, value, LEAST_MTU, MOST_MTU, &number, message);
        settings->mtu = (uint32_t)number;
    } else if (strcmp(name, "bind_port") == 0) {
        fine = number_of(name, value, 1, UINT16_MAX, &number, message);
        settings->bind_port = (uint16_t)number;
    } else if (strcmp(name, "connect_port") == 0) {
        fine = number_of(name, value, 1, UINT16_MAX, &number, message);
        settings->connect_port = (uint16_t)number;
    } else {
        *known = false;
        fine = false;
    }
    return fine;
}

bool drill_setting_apply(struct drill_settings *settings, const char *text, char message[256])
{
    char name[64];
    size_t length = strcspn(text, "=");
    const char *value = text[length] == '=' ? text + length + 1 : NULL;
    bool known = false, fine;
    snprintf(name, sizeof name, "%.*s", (int)length, text);
    if (switch_on(settings, name))
        return true;
    fine = apply_number(settings, name, value, message, &known);
    if (known)
        return fine;
    if (strcmp(name, "tolerance_percent") == 0)
        return percent_of(value, &settings->tolerance_ppm, message);
    if (strcmp(name, "ip_version") == 0)
        return versions_of(settings, value, message);
    if (strcmp(name, "local_ip") == 0)
        return settings->has_local = address_of(name, value, &settings->local, message);
    if (strcmp(name, "remote_ip") == 0)
        return settings->has_remote = address_of(name, value, &settings->remote, message);
    if (strcmp(name, "define") == 0 || strcmp(name, "D") == 0)
        return true; /* read with the script's words */
    if (strcmp(name, "non_fatal") == 0)
        return non_fatal_of(settings, value, message);
    if (strcmp(name, "init_scripts") == 0)
        return init_scripts_of(settings, value, message);
    fine = apply_code(name, value, message, &known);
    if (known)
        return fine;
    if (drill_setting_refusal(name) != NULL) {
        snprintf(message, 256, "--%s is refused: %s", name, drill_setting_refusal(name));
        return false;
    }
    for (size_t i = 0; i < sizeof without_effect / sizeof without_effect[0]; i++) {
        if (strcmp(name, without_effect[i]) == 0)
            return true;
    }
    snprintf(message, 256, "there is no option --%s", name);
    return false;
}

/* ---- what a version of IP brings with it */

const char *drill_version_name(enum drill_version version)
{
    return version_names[version];
}

static struct hf_address parsed(const char *text)
{
    struct hf_address address;
    if (hf_address_parse(text, &address) != 0)
        memset(&address, 0, sizeof address);
    return address;
}

struct hf_address drill_local_address(const struct drill_settings *settings,
                                      enum drill_version version)
{
    uint8_t family = version == DRILL_V6 ? HF_IPV6 : HF_IPV4;
    if (settings->has_local && settings->local.family == family)
        return settings->local;
    return parsed(version == DRILL_V6 ? "fd3d:a0b:17d6::1" : "192.168.0.1");
}

struct hf_address drill_remote_address(const struct drill_settings *settings,
                                       enum drill_version version)
{
    uint8_t family = version == DRILL_V6 ? HF_IPV6 : HF_IPV4;
    if (settings->has_remote && settings->remote.family == family)
        return settings->remote;
    return parsed(version == DRILL_V6 ? "fd3d:fa7b:d17d::1" : "192.0.2.1");
}

/* Twenty bytes more for IPv6, so that one script has one MSS over both. */
uint32_t drill_mtu(const struct drill_settings *settings, enum drill_version version)
{
    if (settings->mtu == 0)
        return version == DRILL_V6 ? 1520 : 1500;
    return version == DRILL_V6 && settings->mtu < LEAST_MTU_V6 ? LEAST_MTU_V6 : settings->mtu;
}
