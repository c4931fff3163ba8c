/* SPDX-License-Identifier: MIT
 *
 * A router on the path that answers for some of the packets that the link loses: the host of their
 * destination cannot be reached (RFC 792, RFC 4443 3.1). What RFC 6069 makes of that is for
 * sender_oracle.h.
 */
#ifndef ROUTER_H
#define ROUTER_H

#include <handfast/handfast.h>

#define ROUTER_QUEUE 8u
#define ROUTER_MESSAGE_BYTES 128u

struct router {
    unsigned every; /* answers for each so-manieth packet lost; 0: for none */
    unsigned lost, count;
    struct {
        uint32_t host; /* that sent what was lost */
        uint32_t length;
        uint8_t packet[ROUTER_MESSAGE_BYTES];
    } messages[ROUTER_QUEUE];
};

/* An event of the link: it may have lost something. */
void router_watch(struct router *router, const struct hf_trace_event *event);
/* Delivers what the router has to say. */
void router_speak(struct router *router, struct hf_stack *stacks[2], hf_time now);

#endif
