/* SPDX-License-Identifier: MIT
 *
 * Offloads of a TUN device. With IFF_VNET_HDR each packet carries a struct virtio_net_hdr in front,
 * as network cards of virtual machines have it: whether its checksum is still to be completed, and
 * if it is several TCP segments in one, how long each of them is. What is written may be so at
 * once; what is read is only as the reader has said that it can take it (TUNSETOFFLOAD), for until
 * then the kernel cuts and completes in software. All of it is asked for and none of it expected:
 * an older kernel's device works without.
 *
 * The header stands in the machine's own byte order (TUNSETVNETLE is for others).
 */
#define _DEFAULT_SOURCE /* struct ifreq's flags, readv */

#include "tun_device.h"

#include <errno.h>
#include <limits.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#define TCP_CHECKSUM_OFFSET 16
#define IPV6_VERSION 6

_Static_assert(sizeof(struct virtio_net_hdr) == 10, "the header that TUNSETVNETHDRSZ knows");

short tun_offload_flags(int descriptor, enum hf_tun_offload wanted)
{
    unsigned features = 0;

    if (wanted == HF_TUN_OFFLOAD_OFF || ioctl(descriptor, TUNGETFEATURES, &features) != 0)
        return 0;
    return (short)(features & IFF_VNET_HDR);
}

bool tun_offload_agree(struct hf_tun *tun)
{
    /* From all to the least. A super-segment with CWR is as good as any to us. */
    static const struct {
        unsigned long kernels;
        uint32_t ours;
    } offers[] = {
        {TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN,
         HF_TUN_TAKES_PARTIAL | HF_TUN_TAKES_SUPER_IPV4 | HF_TUN_TAKES_SUPER_IPV6},
        {TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6,
         HF_TUN_TAKES_PARTIAL | HF_TUN_TAKES_SUPER_IPV4 | HF_TUN_TAKES_SUPER_IPV6},
        {TUN_F_CSUM | TUN_F_TSO4, HF_TUN_TAKES_PARTIAL | HF_TUN_TAKES_SUPER_IPV4},
        {TUN_F_CSUM, HF_TUN_TAKES_PARTIAL},
        {0, 0},
    };
    int size = (int)sizeof(struct virtio_net_hdr);

    /* Another program may have left a persistent device with a longer one. */
    if (ioctl(tun->descriptor, TUNSETVNETHDRSZ, &size) != 0)
        return false;
    for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
        if (ioctl(tun->descriptor, TUNSETOFFLOAD, offers[i].kernels) == 0) {
            tun->offloads = HF_TUN_GIVES_ANY | offers[i].ours;
            return true;
        }
    }
    tun->offloads = HF_TUN_GIVES_ANY;
    return true;
}

uint32_t hf_tun_offloads(const struct hf_tun *tun)
{
    return tun->offloads;
}

static struct hf_packet_hints hints_of(const struct virtio_net_hdr *header)
{
    struct hf_packet_hints hints = {.flags = 0};
    unsigned type = header->gso_type & ~(unsigned)VIRTIO_NET_HDR_GSO_ECN;

    if (header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
        hints.flags |= HF_PACKET_CHECKSUM_PARTIAL;
    if (header->flags & VIRTIO_NET_HDR_F_DATA_VALID)
        hints.flags |= HF_PACKET_CHECKSUM_VALID;
    if (type == VIRTIO_NET_HDR_GSO_TCPV4 || type == VIRTIO_NET_HDR_GSO_TCPV6)
        hints.segment_bytes = header->gso_size;
    return hints;
}

ptrdiff_t hf_tun_read_packet(struct hf_tun *tun, void *packet, size_t capacity,
                             struct hf_packet_hints *hints)
{
    struct virtio_net_hdr header;
    struct iovec pieces[] = {{&header, sizeof header}, {packet, capacity}};
    ssize_t length;

    if (tun->offloads == 0) {
        *hints = (struct hf_packet_hints){.flags = 0};
        return hf_tun_read(tun, packet, capacity);
    }
    if (capacity < HF_PACKET_BYTES)
        return HF_EMSGSIZE;
    do
        length = readv(tun->descriptor, pieces, 2);
    while (length < 0 && errno == EINTR);
    if (length < 0)
        return -errno;
    if ((size_t)length < sizeof header)
        return HF_EPROTO;
    *hints = hints_of(&header);
    return length - (ssize_t)sizeof header;
}

/* Where the next one begins: on a cache line. */
#define BATCH_ALIGNMENT 64u

int hf_tun_read_batch(struct hf_tun *tun, void *room, size_t room_bytes,
                      struct hf_arriving *packets, uint32_t count)
{
    size_t least = tun->offloads != 0 ? HF_PACKET_BYTES : tun->mtu;
    size_t used = 0;
    int found = 0;

    if (room_bytes < least)
        return HF_EMSGSIZE;
    while ((uint32_t)found < count && found < INT_MAX && room_bytes - used >= least) {
        uint8_t *at = (uint8_t *)room + used;
        struct hf_arriving *packet = &packets[found];
        ptrdiff_t length = hf_tun_read_packet(tun, at, room_bytes - used, &packet->hints);

        if (length < 0)
            return found > 0 ? found : (int)length;
        packet->bytes = at;
        packet->length = (size_t)length;
        found++;
        used += ((size_t)length + BATCH_ALIGNMENT - 1) / BATCH_ALIGNMENT * BATCH_ALIGNMENT;
        if (used > room_bytes)
            break;
    }
    return found;
}

static struct virtio_net_hdr header_of(const struct hf_packet *packet)
{
    struct virtio_net_hdr header;

    memset(&header, 0, sizeof header);
    if (packet->flags & HF_PACKET_CHECKSUM_PARTIAL) {
        header.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        header.csum_start = (uint16_t)packet->checksum_start;
        header.csum_offset = TCP_CHECKSUM_OFFSET;
    }
    if (packet->segments > 1) {
        header.gso_type = packet->bytes[0] >> 4 == IPV6_VERSION ? VIRTIO_NET_HDR_GSO_TCPV6
                                                                : VIRTIO_NET_HDR_GSO_TCPV4;
        header.gso_size = (uint16_t)packet->segment_bytes;
        header.hdr_len = (uint16_t)packet->header_bytes;
    }
    return header;
}

/* struct iovec serves readv too and knows no const; writev only reads. */
static void *for_reading(const uint8_t *data)
{
    union {
        const uint8_t *in;
        void *out;
    } pointer = {.in = data};
    return pointer.out;
}

int hf_tun_write_packet(struct hf_tun *tun, const struct hf_packet *packet)
{
    struct virtio_net_hdr header = header_of(packet);
    struct iovec pieces[HF_PACKET_PIECES + 2];
    int count = 0;
    ssize_t written;
    size_t whole = packet->total_length;

    if (tun->offloads != 0) {
        pieces[count++] = (struct iovec){&header, sizeof header};
        whole += sizeof header;
    } else if (packet->segments > 1 || packet->flags != 0) {
        return HF_EOPNOTSUPP;
    }
    pieces[count++] = (struct iovec){packet->bytes, packet->length};
    for (uint32_t i = 0; i < packet->piece_count; i++)
        pieces[count++] =
            (struct iovec){for_reading(packet->pieces[i].data), packet->pieces[i].length};
    do
        written = writev(tun->descriptor, pieces, count);
    while (written < 0 && errno == EINTR);
    if (written < 0)
        return -errno;
    return (size_t)written == whole ? HF_OK : HF_EMSGSIZE;
}
