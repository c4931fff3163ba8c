/* SPDX-License-Identifier: MIT
 *
 * What only a connection that sends must know beside its sequence numbers: how much of its window
 * it uses (RFC 2861) and what the acknowledgement at hand taught. It is there from before the first
 * byte leaves; a connection that only receives never has it.
 */
#ifndef TCP_SENDER_H
#define TCP_SENDER_H

#include <handfast/types.h>
#include <stdint.h>

struct tcp_sender {
    /* Is cwnd what limits us? (tcp_congestion.c) */
    uint32_t max_flight_bytes; /* the most in flight in this window */
    uint32_t used_bytes;       /* the most since used_stamp */
    hf_time used_stamp;        /* when cwnd was last full, or was cut for not being used */
    /* The ACK at hand. */
    uint32_t ack_rtt_us; /* of the latest segment it delivers; 0: none */
};

#endif
