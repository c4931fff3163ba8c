/* SPDX-License-Identifier: MIT
 *
 * The names are those of RFC 8289 5.
 */
#include "codel.h"

/* Entering the dropping state so soon after it was left goes on from the rate reached then. */
#define RESUME_INTERVALS 16

/* The largest whole number whose square is not above `value`. */
static uint64_t square_root(uint64_t value)
{
    uint64_t root = 0;

    for (uint64_t bit = UINT64_C(1) << 62; bit != 0; bit >>= 2) {
        if (value >= root + bit) {
            value -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return root;
}

/* t + interval / sqrt(count). The reciprocal has 31 bits behind the point, the interval is in
 * microseconds (at most 2^30), the product in 1/1024 of a microsecond: errors are nanoseconds, and
 * do not add up to anything over thousands of drops. */
static hf_time control_law(const struct codel *codel, hf_time time, uint32_t count)
{
    uint64_t reciprocal = square_root((UINT64_C(1) << 62) / count);
    uint64_t interval_us = (uint64_t)(codel->interval_ns / HF_MICROSECOND);

    return time + (hf_time)(((interval_us * reciprocal) >> 21) * 1000 >> 10);
}

/* dodequeue's ok_to_drop. */
static bool above_for_an_interval(struct codel *codel, hf_time now, hf_time sojourn_ns,
                                  uint64_t behind_bytes)
{
    if (sojourn_ns < codel->target_ns || behind_bytes <= CODEL_MAX_PACKET_BYTES) {
        codel->first_above = 0;
        return false;
    }
    if (codel->first_above == 0) {
        codel->first_above = now + codel->interval_ns;
        return false;
    }
    return now >= codel->first_above;
}

bool codel_condemns(struct codel *codel, hf_time now, hf_time sojourn_ns, uint64_t behind_bytes)
{
    bool ok_to_drop = above_for_an_interval(codel, now, sojourn_ns, behind_bytes);
    uint32_t delta = codel->count - codel->last_count;

    if (!ok_to_drop) {
        codel->dropping = false;
        return false;
    }
    if (codel->dropping) {
        if (now < codel->drop_next)
            return false;
        codel->count++;
        codel->drop_next = control_law(codel, codel->drop_next, codel->count);
        return true;
    }
    codel->dropping = true;
    codel->count =
        delta > 1 && now - codel->drop_next < RESUME_INTERVALS * codel->interval_ns ? delta : 1;
    codel->drop_next = control_law(codel, now, codel->count);
    codel->last_count = codel->count;
    return true;
}
