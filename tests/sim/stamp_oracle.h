/* SPDX-License-Identifier: MIT
 *
 * What must hold of the TSvals that leave, as the peer sees it that drops by PAWS (RFC 7323 5.3):
 * whatever is sent, first or again, is no older than anything before it with a sequence number that
 * is no higher, for that is what may have become TS.Recent when it arrives (4.3); nothing is of the
 * future; and what is sent again has a newer one than it had, unless that was in the same tick
 * (RFC 3522 3.2).
 */
#ifndef STAMP_ORACLE_H
#define STAMP_ORACLE_H

#include "oracle_failure.h"

#define STAMP_ORACLE_SEGMENTS 8192u

struct stamp_oracle {
    struct oracle_failure failure;
    bool begun;
    hf_time first_time;
    uint32_t first_stamp; /* of the SYN: the clock counts on from here */
    uint32_t below;       /* the newest of those that lie before SND.UNA */
    uint64_t set_back;    /* so many were older than the clock */
    /* What left and is not acknowledged: where it begins, and its stamp. */
    struct {
        uint32_t seq, stamp;
        bool bare;
    } out[STAMP_ORACLE_SEGMENTS];
    uint32_t count;
    bool overflow; /* there were more: no verdicts */
};

/* A segment left, or one arrived. */
void stamp_oracle_take(struct stamp_oracle *oracle, const struct hf_trace_event *event);

#endif
