/* SPDX-License-Identifier: MIT
 *
 * What a TUN device asks of the kernel's rtnetlink (rtnetlink(7)): an MTU, to be up, an address,
 * and whether the address is in use by now. Each is one request and one answer.
 */
#ifndef RTNETLINK_H
#define RTNETLINK_H

#include <handfast/types.h>
#include <stdint.h>

/* A socket for the requests below, to be closed with close(), or a negative errno. */
int rtnetlink_open(void);
/* All: 0 or a negative errno of the kernel's. `interface` is the interface's index. */
int rtnetlink_set_mtu(int socket, int interface, uint32_t mtu);
/* How many packets wait in the device for its reader before the kernel drops more. */
int rtnetlink_set_queue(int socket, int interface, uint32_t packets);
int rtnetlink_set_up(int socket, int interface);
/* IPv6 addresses are usable at once: there is nobody on a TUN device to have the address already,
 * so duplicate address detection is left out. */
int rtnetlink_add_address(int socket, int interface, const struct hf_address *address,
                          uint8_t prefix_length);
/* 1 when packets to this address are delivered locally by now, else 0. The kernel takes an IPv6
 * address at once but puts up the route to it a little later, and drops what comes in between. */
int rtnetlink_is_local(int socket, const struct hf_address *address);

#endif
