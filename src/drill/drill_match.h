/* SPDX-License-Identifier: MIT
 *
 * The judge: is this packet the one that the script expects?
 */
#ifndef DRILL_MATCH_H
#define DRILL_MATCH_H

#include "drill_flow.h"

enum drill_match {
    DRILL_MATCH_WHOLE, /* it is */
    DRILL_MATCH_PART,  /* it is one of several that make up the line's bytes */
    DRILL_MATCH_NOT
};

/* How far a line has been matched: all zero at its beginning. */
struct drill_progress {
    uint32_t taken_bytes;
    uint32_t piece_bytes; /* the size of the pieces so far */
};

struct drill_judge {
    bool strict_segments;
    bool any_inner_push; /* PSH of all pieces but the last is not looked at */
    int64_t ts_tick_ns;  /* 0: TS val is not compared */
};

/* `flow` learns the stack's numbers from what matches. `why` says what differs. */
enum drill_match drill_match(const struct drill_judge *judge, const struct drill_packet *expected,
                             struct drill_flow *flow, struct drill_progress *progress,
                             const struct drill_segment *live, char why[256]);

#endif
