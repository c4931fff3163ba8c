/* SPDX-License-Identifier: MIT
 *
 * A TUN device from the inside: what tun.c, which opens it, shares with tun_offload.c, which moves
 * packets larger than its MTU.
 */
#ifndef TUN_DEVICE_H
#define TUN_DEVICE_H

#include <handfast/tun.h>
#include <net/if.h>
#include <stdbool.h>

struct hf_tun {
    int descriptor;
    uint32_t mtu;
    uint32_t offloads; /* enum hf_tun_offloads: what was agreed on */
    bool multi_queue;
    char name[IFNAMSIZ];
};

/* The flags for TUNSETIFF that offloads need, as far as this kernel has them. */
short tun_offload_flags(int descriptor, enum hf_tun_offload wanted);
/* After TUNSETIFF: agrees with the device on what it hands over. The header's length is that of
 * struct virtio_net_hdr. False: errno. */
bool tun_offload_agree(struct hf_tun *tun);

#endif
