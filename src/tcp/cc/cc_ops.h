/* SPDX-License-Identifier: MIT
 *
 * The algorithms that come with Handfast. What an algorithm is stands in <handfast/congestion.h>;
 * nothing in this folder sees more of a connection than that, so that one from outside can do all
 * that these do.
 */
#ifndef CC_OPS_H
#define CC_OPS_H

#include <handfast/congestion.h>
#include <stddef.h>

extern const struct hf_cc_ops cc_reno, cc_cubic, cc_bbr, cc_dctcp;

/* The index-th, or NULL; those of the configuration follow. */
const struct hf_cc_ops *cc_builtin(unsigned index);
#ifdef HF_PROFILE_TINY
#define CC_BUILTIN_COUNT 2
#else
#define CC_BUILTIN_COUNT 4
#endif

/* Reno's growth, slow start and congestion avoidance, for whoever grows as Reno does;
 * `counted_bytes`: acknowledged since cwnd last grew. */
void cc_reno_grow(struct hf_cc_state *state, const struct hf_cc_sample *sample,
                  uint32_t *counted_bytes);
/* What the first timeout of a series makes of both for whoever answers losses as Reno does. */
void cc_reno_timeout(struct hf_cc_state *state, const struct hf_cc_sample *sample);

#endif
