/* SPDX-License-Identifier: MIT
 *
 * The host under attack in other shapes than its usual one: recovery as it is without RACK, without
 * SACK, or without what tells spurious timeouts; each congestion control; the search for the path's
 * MTU. A running host takes one from the next connection on.
 */
#include "hostile.h"

#include <handfast/congestion.h>
#include <string.h>

static void by_sack_alone(struct hf_config *config)
{
    config->recovery = 0;
}

static void without_sack(struct hf_config *config)
{
    config->sack = 0;
}

/* What RFC 5681 and 6582 have, and no more. */
static void plain(struct hf_config *config)
{
    config->recovery = 0;
    config->sack = 0;
    config->timestamps = 0;
    config->frto = 0;
    config->loss_probe = 0;
    config->congestion_control = hf_congestion_control("reno");
}

static void without_undo(struct hf_config *config)
{
    config->timestamps = 0;
    config->dsack = 0;
    config->frto = 0;
}

static void without_window(struct hf_config *config)
{
    config->recovery = 3;
}

static void always_a_window(struct hf_config *config)
{
    config->recovery = 5;
    config->duplicate_threshold = 127;
}

static void reno(struct hf_config *config)
{
    config->congestion_control = hf_congestion_control("reno");
}

static void bbr(struct hf_config *config)
{
    config->congestion_control = hf_congestion_control("bbr");
}

static void dctcp(struct hf_config *config)
{
    config->congestion_control = hf_congestion_control("dctcp");
    config->ecn_ect_1 = 1;
}

static void paced(struct hf_config *config)
{
    config->pacing = 1;
    config->pacing_burst_bytes = 3000;
}

static void probing(struct hf_config *config)
{
    config->mtu_probing = 2;
    config->mtu_base_mss = 512;
    config->mtu_probe_interval_ns = HF_SECOND;
    config->hold_too_big = 1;
}

static void narrow(struct hf_config *config)
{
    config->min_path_mtu = 68;
    config->mtu_probing = 1;
    config->mtu_base_mss = 48;
    config->min_rto_ns = HF_MILLISECOND;
}

static void eager(struct hf_config *config)
{
    config->duplicate_threshold = 1;
    config->recovery = 4;
    config->nagle = 0;
    config->delayed_ack_ns = 0;
    config->initial_window_segments = 10;
}

static void telling(struct hf_config *config)
{
    config->ecn_option = 2;
    config->ecn_option_beacon = 63;
    config->ecn_alternative_backoff = 1;
}

static void unscaled(struct hf_config *config)
{
    config->window_scaling = 0;
}

const struct configuration configurations[] = {{"usual", NULL},
                                               {"by SACK alone", by_sack_alone},
                                               {"no SACK", without_sack},
                                               {"plain", plain},
                                               {"no undo", without_undo},
                                               {"reordering window fixed", without_window},
                                               {"reordering window always", always_a_window},
                                               {"reno", reno},
                                               {"bbr", bbr},
                                               {"dctcp", dctcp},
                                               {"paced", paced},
                                               {"probing for the MTU", probing},
                                               {"narrow", narrow},
                                               {"eager", eager},
                                               {"AccECN's option always", telling},
                                               {"no window scaling", unscaled},
                                               {NULL, NULL}};

const struct configuration *configuration_find(const char *name)
{
    const struct configuration *found = configurations;
    while (found->name != NULL && strcmp(found->name, name) != 0) {
        found++;
    }
    return found->name != NULL ? found : NULL;
}

void hostile_configure(struct hostile *w, const struct configuration *configuration)
{
    struct hf_config config = w->config;
    int index;
    if (configuration->set != NULL) {
        configuration->set(&config);
    }
    w->usual = configuration->set == NULL;
    w->configuration = configuration->name;
    if (hf_stack_reconfigure(w->stack, &config) != HF_OK) {
        hostile_fail(w, "no host is %s", configuration->name);
    }
    index = hf_congestion_control_find(w->stack, config.congestion_control->name);
    if (hf_set_option(w->stack, w->listener, HF_OPTION_CONGESTION, index, w->now) != HF_OK) {
        hostile_fail(w, "no congestion control for %s", configuration->name);
    }
}
