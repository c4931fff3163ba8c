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

/* Names that callers may still use. */
#define cc_sample hf_cc_sample
#define cc_state hf_cc_state
#define CC_EVENT_FAST_RETRANSMIT HF_CC_FAST_RETRANSMIT
#define CC_EVENT_TIMEOUT HF_CC_TIMEOUT
#define CC_EVENT_TIMEOUT_AGAIN HF_CC_TIMEOUT_AGAIN

extern const struct hf_cc_ops cc_reno, cc_cubic, cc_bbr, cc_dctcp;

/* The index-th, or NULL; those of the configuration follow. */
const struct hf_cc_ops *cc_builtin(unsigned index);
#define CC_BUILTIN_COUNT 4

#endif
