/* SPDX-License-Identifier: MIT
 *
 * The host's side of IP: which addresses are ours, which packets are for us, and which of our
 * addresses a new connection speaks from.
 */
#ifndef IP_HOST_H
#define IP_HOST_H

#include "ip_header.h"
#include "memory.h"

struct ip_host {
    struct memory *memory;
    struct hf_address *addresses; /* in the order they were added */
    uint32_t count, limit;
    uint32_t *places; /* of each its place in `addresses`, by hash: open addressing */
    uint32_t place_mask;
};

/* False: out of memory. */
bool ip_host_init(struct ip_host *host, struct memory *memory, uint32_t limit);
void ip_host_deinit(struct ip_host *host);
/* HF_OK, HF_EINVAL, HF_EADDRINUSE, HF_ENOBUFS. */
int ip_host_add(struct ip_host *host, const struct hf_address *address);
/* HF_OK or HF_EADDRNOTAVAIL. */
int ip_host_remove(struct ip_host *host, const struct hf_address *address);
bool ip_host_is_local(const struct ip_host *host, const struct hf_address *address);
/* MUST-44: the address to speak from, or NULL when there is none of that family. The first added
 * that shares the longest prefix with the destination (as RFC 6724 5 rule 8). */
const struct hf_address *ip_host_source_for(const struct ip_host *host,
                                            const struct hf_address *destination);
/* Parses and judges one packet: HF_REASON_NONE, or why it is not for us. */
enum hf_reason ip_host_input(const struct ip_host *host, const uint8_t *packet, size_t length,
                             struct ip_header *header);
/* A unicast address of a family we know: what a peer may have. */
bool ip_is_unicast(const struct hf_address *address);

#endif
