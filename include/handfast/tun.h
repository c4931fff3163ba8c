/* SPDX-License-Identifier: MIT
 *
 * A Linux TUN device: the wire between a Handfast stack and the kernel's own network.
 */
#ifndef HANDFAST_TUN_H
#define HANDFAST_TUN_H

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

struct hf_tun;

struct hf_tun_address {
    struct hf_address address;
    uint8_t prefix_length; /* 0..32 or 0..128 */
};
struct hf_tun_config {
    const char *name; /* 1..15 characters; created if absent, attached to if it exists */
    uint32_t mtu;     /* 576 (1280 with v6)..65535; 0: 1500 */
    const struct hf_tun_address *kernel_addresses; /* given to the kernel's end */
    size_t kernel_address_count;
    uint32_t queue_packets; /* held for the reader, 1..1,000,000; 0: the kernel's own, 500 */
};
/* Opens, addresses and brings up the device by itself (ioctl and rtnetlink; no external program).
 * The descriptor is non-blocking. On failure: NULL, `message` says what failed, on what and
 * what to do (no permission, no /dev/net/tun, name taken...), and errno is EPERM, EACCES, ENOENT,
 * EBUSY, EADDRINUSE, EINVAL or what else the system said. */
HF_API struct hf_tun *hf_tun_open(const struct hf_tun_config *config, char *message,
                                  size_t message_size);
HF_API void hf_tun_close(struct hf_tun *tun);
HF_API int hf_tun_descriptor(const struct hf_tun *tun);
HF_API const char *hf_tun_name(const struct hf_tun *tun);
/* One IP packet: its length, HF_EAGAIN, or another negative error. */
HF_API ptrdiff_t hf_tun_read(struct hf_tun *tun, void *packet, size_t capacity);
HF_API int hf_tun_write(struct hf_tun *tun, const void *packet, size_t length);

#ifdef __cplusplus
}
#endif

#endif
