/* SPDX-License-Identifier: MIT
 *
 * Loss recovery with SACK judged by Proportional Rate Reduction (RFC 9937), packet by packet: how
 * much each ACK lets leave, and that no more does. The model knows which segments left, what the
 * peer said, and which of them the sender took as lost; pipe, prr_delivered, prr_out and cwnd it
 * counts by itself, and compares its cwnd with the sender's after each ACK.
 */
#ifndef RECOVERY_ORACLE_H
#define RECOVERY_ORACLE_H

#include "flight_model.h"
#include "oracle_failure.h"

#include <handfast/handfast.h>

struct recovery_oracle {
    struct oracle_failure failure;
    bool begun, sent_any;
    bool sack[2];       /* which side's SYN permits it */
    uint32_t mss_bytes; /* what the SYNs and the MTU come to */
    uint32_t una, nxt;
    uint32_t ack_acked_bytes, ack_delivered_bytes; /* by the latest ACK; 0: it did not count */
    struct flight_model flight;
    bool recovering, timed_out, reducing; /* reducing: by ECN, with nothing lost */
    bool forced;                          /* one repetition goes whatever PRR says */
    uint32_t recover, reduced_until;
    uint64_t delivered_bytes, out_bytes;
    uint32_t recover_fs_bytes, cwnd_bytes, ssthresh_bytes;
    /* what the events before an ACK's own said */
    bool entered, lost, marked, absorbed;
    bool timer_ran;
    hf_time timer_time;
    uint64_t acks, sent; /* judged */
};

void recovery_oracle_take(struct recovery_oracle *oracle, const struct hf_config *host,
                          const struct hf_trace_event *event);
void recovery_oracle_free(struct recovery_oracle *oracle);

#endif
