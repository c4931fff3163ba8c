/* SPDX-License-Identifier: MIT
 *
 * What one direction of a simulated link carries, read from the packets themselves: a second
 * opinion on whatever a stack says about its own segments. IPv4 and TCP only, and nothing is taken
 * from the stack's own parsers.
 */
#ifndef PACKET_WATCH_H
#define PACKET_WATCH_H

#include <handfast/sim.h>

struct packet_watch {
    uint64_t lose_from, lose_to; /* numbers of packets to lose, both included; 0: none */
    bool lose_data_on_syn;       /* loses every SYN that carries data */
    uint16_t only_port;          /* if not 0: looks only at what goes to or from this port */

    uint64_t packets, lost;
    uint64_t data_packets, payload_bytes; /* lost ones too */
    uint64_t repeated_packets;            /* whose first byte had been sent before */
    uint64_t syn_data_packets;
    uint8_t window_shift;     /* of the SYN's option */
    uint32_t largest_window;  /* in bytes */
    uint32_t right_edge;      /* the furthest ACK + window */
    uint32_t most_moved_left; /* the most bytes that were offered and then not any more */
    uint32_t acknowledged;    /* the furthest ACK */
    uint32_t next;            /* behind the furthest byte */
    bool edge_known, next_known;
};

/* For hf_sim_direction.lose, with the watch as context. */
int packet_watch(void *context, const uint8_t *packet, size_t length, uint64_t number, hf_time now);

#endif
