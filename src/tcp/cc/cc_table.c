/* SPDX-License-Identifier: MIT
 *
 * The algorithms by name.
 */
#include "cc_ops.h"

static bool equal(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

const struct hf_cc_ops *cc_builtin(unsigned index)
{
    static const struct hf_cc_ops *const table[CC_BUILTIN_COUNT] = {
        &cc_reno,
        &cc_cubic,
#ifndef HF_PROFILE_TINY
        &cc_bbr,
        &cc_dctcp,
#endif
    };
    return index < CC_BUILTIN_COUNT ? table[index] : NULL;
}

const struct hf_cc_ops *hf_congestion_control(const char *name)
{
    for (unsigned i = 0; i < CC_BUILTIN_COUNT; i++) {
        if (equal(cc_builtin(i)->name, name)) {
            return cc_builtin(i);
        }
    }
    return NULL;
}
