/* SPDX-License-Identifier: MIT
 *
 * What BBR is told of the path, judged by the packets alone: no delivery rate is higher than some
 * segment of those that the ACK delivers shows (draft-ietf-ccwg-bbr 4.1: what was delivered since
 * just before it left, over the time that this took), and no round trip is shorter than the
 * shortest that any of them can have made, or the packet whose timestamp is echoed.
 */
#ifndef RATE_ORACLE_H
#define RATE_ORACLE_H

#include "bbr_oracle.h"
#include "flight_model.h"

#define RATE_ORACLE_STAMPS 1024u

struct rate_oracle {
    struct oracle_failure failure;
    uint64_t judged;
    /* The latest timestamps that left, and when each did for the last time. */
    struct {
        uint32_t value;
        hf_time sent;
    } stamps[RATE_ORACLE_STAMPS];
    unsigned newest;
};

/* A segment left, or one arrived, and `flight` has taken its ACK. */
void rate_oracle_take(struct rate_oracle *oracle, const struct flight_model *flight,
                      const struct hf_trace_event *event);

#endif
