/* SPDX-License-Identifier: MIT
 *
 * A Linux TUN device: the wire between a Handfast stack and the kernel's own network.
 */
#ifndef HANDFAST_TUN_H
#define HANDFAST_TUN_H

#include "offload.h"
#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

struct hf_tun;

struct hf_tun_address {
    struct hf_address address;
    uint8_t prefix_length; /* 0..32 or 0..128 */
};
/* Whether packets are moved with their segmentation and checksums left to whoever needs them. */
enum hf_tun_offload {
    HF_TUN_OFFLOAD_OFF,  /* bare packets of at most the MTU: hf_tun_read and hf_tun_write */
    HF_TUN_OFFLOAD_AUTO, /* as far as this kernel can */
    HF_TUN_OFFLOAD_ON    /* or fail */
};
struct hf_tun_config {
    const char *name; /* 1..15 characters; created if absent, attached to if it exists */
    uint32_t mtu;     /* 576 (1280 with v6)..65535; 0: 1500 */
    const struct hf_tun_address *kernel_addresses; /* given to the kernel's end */
    size_t kernel_address_count;
    uint32_t queue_packets; /* held for the reader, 1..1,000,000; 0: the kernel's own, 500 */
    uint8_t offload;        /* enum hf_tun_offload */
    uint8_t multi_queue;    /* 1: hf_tun_open_queue may be used */
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

/* Another queue of a device that was opened with multi_queue: a descriptor of its own, for a thread
 * and a stack of its own, closed by itself. The kernel keeps to one queue for each flow: to the one
 * that the flow's packets were last written to. With the same offloads. NULL and `message`, as
 * above. */
HF_API struct hf_tun *hf_tun_open_queue(const struct hf_tun *tun, char *message,
                                        size_t message_size);

/* What was agreed on with the kernel; 0: no offloads. */
enum hf_tun_offloads {
    HF_TUN_GIVES_ANY = 1,     /* hf_tun_write_packet takes all that hf_stack_output_batch makes */
    HF_TUN_TAKES_PARTIAL = 2, /* hf_tun_read_packet gives packets without their checksum, */
    HF_TUN_TAKES_SUPER_IPV4 = 4, /* and super-segments, as hf_stack_input_packet takes them */
    HF_TUN_TAKES_SUPER_IPV6 = 8
};
HF_API uint32_t hf_tun_offloads(const struct hf_tun *tun);
/* One packet, perhaps a super-segment: its length and hints, HF_EAGAIN, HF_EMSGSIZE (capacity under
 * the MTU, or with offloads under HF_PACKET_BYTES) or another negative error. On a device without
 * offloads too. */
HF_API ptrdiff_t hf_tun_read_packet(struct hf_tun *tun, void *packet, size_t capacity,
                                    struct hf_packet_hints *hints);
/* As many packets as are there, at most `count`, one after the other into `room`: how many, at
 * least 1, or an error as above. HF_EMSGSIZE when not even one would fit for certain; as long as
 * another would, reading goes on. */
HF_API int hf_tun_read_batch(struct hf_tun *tun, void *room, size_t room_bytes,
                             struct hf_arriving *packets, uint32_t count);
/* HF_OK, HF_EAGAIN, HF_EOPNOTSUPP (a super-segment or a partial checksum, without offloads) or
 * another negative error. */
HF_API int hf_tun_write_packet(struct hf_tun *tun, const struct hf_packet *packet);

/* One IP packet, on a device without offloads: its length, HF_EAGAIN, or another negative error;
 * HF_EOPNOTSUPP with them. */
HF_API ptrdiff_t hf_tun_read(struct hf_tun *tun, void *packet, size_t capacity);
HF_API int hf_tun_write(struct hf_tun *tun, const void *packet, size_t length);

#ifdef __cplusplus
}
#endif

#endif
