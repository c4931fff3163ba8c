/* SPDX-License-Identifier: MIT
 *
 * Two hosts in one process with nothing between them, the one listening on 10.0.0.2 port 80: for
 * what is done a step at a time. What cannot be done ends the program (measure_fail).
 */
#ifndef HOST_PAIR_H
#define HOST_PAIR_H

#include <handfast/handfast.h>

struct host_pair {
    struct hf_stack *client, *server;
    struct hf_endpoint to;
    hf_handle listener;
    hf_time now; /* moved on by who uses it */
};

void host_pair_begin(struct host_pair *pair);
void host_pair_end(struct host_pair *pair);
/* Carries packets until neither has any left; their events are taken and forgotten. */
void host_pair_settle(struct host_pair *pair);
/* One connection, both ends of it. */
void host_pair_open(struct host_pair *pair, hf_handle *client, hf_handle *server);

#endif
