/* SPDX-License-Identifier: MIT
 *
 * The options of every command that touches the network.
 */
#ifndef NETWORK_OPTIONS_H
#define NETWORK_OPTIONS_H

#include "command.h"

#include <handfast/handfast.h>

enum { NETWORK_MOST_ADDRESSES = 16 };

struct network_options {
    const char *tun_name;
    struct hf_tun_address addresses[NETWORK_MOST_ADDRESSES]; /* Handfast's own */
    size_t address_count;
    struct hf_tun_address kernel_addresses[NETWORK_MOST_ADDRESSES];
    size_t kernel_address_count;
    const char *pcap_path, *trace_path;
    const char *control_path; /* NULL: the default place; "none": no socket */
    hf_time msl_ns;           /* 0: the stack's default */
    uint32_t mtu;
    uint32_t cores; /* 1, but for commands that have an option for it */
    uint8_t mtu_probing;
    uint8_t offload;                            /* enum hf_tun_offload */
    hf_time busy_poll_ns;                       /* 0: sleeps at once */
    uint8_t ecn;                                /* as in hf_config */
    const struct hf_cc_ops *congestion_control; /* NULL: the default */
    uint8_t seed[16];
    bool has_seed, ladder, verbose, fast_open;
};

extern const struct option_row network_option_rows[];
extern const size_t network_option_row_count;

/* "10.66.0.1/24", "fd66::1/64"; without the length, unless it is needed, that of one host. False,
 * silently, for anything else. */
bool network_parse_prefixed(const char *text, bool prefix_needed, struct hf_tun_address *parsed);
void network_options_init(struct network_options *network);
/* Returns false after complaining. */
bool network_options_take(struct network_options *network, const struct command *command, int id,
                          const char *argument);
/* After the last option: fills in the default addresses and looks at the whole. */
bool network_options_finish(struct network_options *network, const struct command *command);

#endif
