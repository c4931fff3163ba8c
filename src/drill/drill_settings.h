/* SPDX-License-Identifier: MIT
 *
 * What --name=value says, on the command line and at the head of a script (the command line wins),
 * and what sysctl lines say about the stack.
 */
#ifndef DRILL_SETTINGS_H
#define DRILL_SETTINGS_H

#include <handfast/stack.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum drill_version { DRILL_V4, DRILL_V6, DRILL_MAPPED, DRILL_VERSIONS };

struct drill_settings {
    int64_t tolerance_ns;
    uint32_t tolerance_ppm; /* of the time since the event before */
    int64_t ts_tick_ns;     /* 0: outbound TS val is not compared */
    uint32_t mtu;           /* 0: not given */
    unsigned versions;      /* bits 1 << enum drill_version */
    bool has_local, has_remote;
    struct hf_address local, remote; /* --local_ip, --remote_ip */
    uint16_t bind_port, connect_port;
    bool defaults; /* --init_scripts: what the kernel's scripts begin with */
    bool non_fatal_packets, non_fatal_calls; /* a mismatch is told, and does not end the script */
    bool late_split;                         /* hf_config's: super-segments, cut late */
    bool strict_segments, dry_run, verbose, allow_shell, ladder;
};

struct drill_settings drill_settings_default(void);

/* "tolerance_usecs=1000". False: message says what is wrong with it. */
bool drill_setting_apply(struct drill_settings *settings, const char *text, char message[256]);

/* The addresses of a version, where none were given. */
struct hf_address drill_local_address(const struct drill_settings *settings,
                                      enum drill_version version);
struct hf_address drill_remote_address(const struct drill_settings *settings,
                                       enum drill_version version);
uint32_t drill_mtu(const struct drill_settings *settings, enum drill_version version);
/* "ipv4", "ipv6", "ipv4-mapped-ipv6" */
const char *drill_version_name(enum drill_version version);

/* Do both say the same? */
bool drill_config_same(const struct hf_config *a, const struct hf_config *b);

/* One sysctl: net.ipv4.tcp_sack and kin, or handfast.NAME for a field of hf_config. */
bool drill_sysctl_apply(struct hf_config *config, const char *name, const char *value,
                        char message[256]);

/* What becomes of commands that have no meaning here. */
enum drill_unknown {
    DRILL_UNKNOWN_REFUSE,
    DRILL_UNKNOWN_RUN, /* by /bin/sh: --allow-shell */
    DRILL_UNKNOWN_SKIP
};

struct drill_shell {
    struct hf_config *config;
    enum drill_unknown unknown;
    FILE *notes;   /* told what changes nothing, or NULL */
    bool *flushed; /* set by "ip tcp_metrics flush"; NULL: nothing is remembered yet */
};

/* Linux's sysctls that drill_sysctl_apply knows, by number, without "net.ipv4."; NULL past the
 * last. *mapped: it sets the stack's configuration; else it only states what holds in any case. */
const char *drill_sysctl_name(size_t number, bool *mapped);

/* The commands of one backtick line. False: message names what is refused. */
bool drill_shell_apply(const struct drill_shell *shell, const char *text, char message[256]);

#endif
