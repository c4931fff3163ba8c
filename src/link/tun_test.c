/* SPDX-License-Identifier: MIT
 *
 * The TUN device against the kernel itself, in a network namespace that this program makes for
 * itself and that ends with it. The kernel is asked what it was given (getifaddrs, ioctl,
 * /proc/net/if_inet6); its UDP sockets and its answers to pings are the other end of the wire.
 * Packets are built and judged here by hand, checksums included.
 */
#define _GNU_SOURCE /* unshare */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <handfast/tun.h>
#include <ifaddrs.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIPPED 77
#define WAIT_MS                                                                      \
    10000 /* for what must come; a broken test ends, a slow machine does not fail it \
           */
#define PROTOCOL_UDP 17
#define PROTOCOL_ICMP 1
#define PROTOCOL_ICMPV6 58
#define KERNEL_PORT 4001
#define PEER_PORT 4002

/* ---- A namespace of our own */

static int write_text(const char *path, const char *text)
{
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t written;

    if (descriptor < 0)
        return -1;
    written = write(descriptor, text, strlen(text));
    close(descriptor);
    return written == (ssize_t)strlen(text) ? 0 : -1;
}

/* NULL, or why there is none. Root needs no user namespace; others become root of their own. */
static const char *enter_namespace(void)
{
    char map[64];
    unsigned user = geteuid(), group = getegid();

    if (unshare(CLONE_NEWNET) == 0)
        return NULL;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        return strerror(errno);
    if (write_text("/proc/self/setgroups", "deny") != 0)
        return "cannot write /proc/self/setgroups";
    snprintf(map, sizeof map, "0 %u 1", user);
    if (write_text("/proc/self/uid_map", map) != 0)
        return "cannot write /proc/self/uid_map";
    snprintf(map, sizeof map, "0 %u 1", group);
    if (write_text("/proc/self/gid_map", map) != 0)
        return "cannot write /proc/self/gid_map";
    return NULL;
}

/* ---- Devices */

static const uint8_t kernel_ipv6[16] = {0xfd, 0x66, [15] = 1};
static const uint8_t peer_ipv6[16] = {0xfd, 0x66, [15] = 2};
static const uint8_t kernel_ipv4[4] = {10, 66, 0, 1};
static const uint8_t peer_ipv4[4] = {10, 66, 0, 2};

static struct hf_tun_address address_of(uint8_t family, const uint8_t *bytes, uint8_t prefix_length)
{
    struct hf_tun_address address = {{.family = family}, prefix_length};

    memcpy(address.address.bytes, bytes, family == HF_IPV4 ? 4 : 16);
    return address;
}

static struct hf_tun *open_device(const char *name, uint32_t mtu)
{
    struct hf_tun_address addresses[2] = {address_of(HF_IPV4, kernel_ipv4, 24),
                                          address_of(HF_IPV6, kernel_ipv6, 64)};
    struct hf_tun_config config = {
        .name = name, .mtu = mtu, .kernel_addresses = addresses, .kernel_address_count = 2};
    char message[256];
    struct hf_tun *tun = hf_tun_open(&config, message, sizeof message);

    if (tun == NULL)
        fail_msg("%s", message);
    return tun;
}

/* Opening with this configuration fails, and the message has all three words. */
static void assert_refused(const struct hf_tun_config *config, const char *first,
                           const char *second, const char *third)
{
    char message[256];

    assert_null(hf_tun_open(config, message, sizeof message));
    if (strstr(message, first) == NULL || strstr(message, second) == NULL ||
        strstr(message, third) == NULL)
        fail_msg("message lacks \"%s\", \"%s\" or \"%s\": %s", first, second, third, message);
}

/* ---- Packets */

static uint16_t read_16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void write_16(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

static uint32_t sum(uint32_t start, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        start += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
    return start;
}

static uint16_t fold(uint32_t total)
{
    while (total >> 16 != 0)
        total = (total & 0xffff) + (total >> 16);
    return (uint16_t)~total;
}

/* Over addresses, length, protocol and payload: 0 when the checksum within is right. */
static uint16_t payload_checksum(const uint8_t *packet, uint8_t protocol, const uint8_t *payload,
                                 size_t length)
{
    uint32_t total = packet[0] >> 4 == 4 ? sum(0, packet + 12, 8) : sum(0, packet + 8, 32);

    return fold(sum(total + (uint32_t)length + protocol, payload, length));
}

/* An IP packet from the peer to the kernel around `payload`; returns its length. */
static size_t wrap(uint8_t family, uint8_t protocol, const uint8_t *payload, size_t length,
                   uint8_t *packet)
{
    size_t header = family == HF_IPV4 ? 20 : 40;

    memset(packet, 0, header);
    if (family == HF_IPV4) {
        packet[0] = 0x45;
        write_16(packet + 2, (uint32_t)(header + length));
        packet[8] = 64;
        packet[9] = protocol;
        memcpy(packet + 12, peer_ipv4, 4);
        memcpy(packet + 16, kernel_ipv4, 4);
        write_16(packet + 10, fold(sum(0, packet, header)));
    } else {
        packet[0] = 0x60;
        write_16(packet + 4, (uint32_t)length);
        packet[6] = protocol;
        packet[7] = 64;
        memcpy(packet + 8, peer_ipv6, 16);
        memcpy(packet + 24, kernel_ipv6, 16);
    }
    memcpy(packet + header, payload, length);
    return header + length;
}

/* The next packet of this family and protocol that the kernel sends, past its own chatter (router
 * solicitations, multicast reports): its payload and the payload's length. */
static const uint8_t *read_payload(struct hf_tun *tun, uint8_t family, uint8_t protocol,
                                   uint8_t packet[2048], size_t *length)
{
    for (;;) {
        struct pollfd waiting = {.fd = hf_tun_descriptor(tun), .events = POLLIN};
        ptrdiff_t n;

        assert_int_equal(poll(&waiting, 1, WAIT_MS), 1);
        n = hf_tun_read(tun, packet, 2048);
        assert_true(n >= 20);
        if (family == HF_IPV4 && packet[0] == 0x45 && packet[9] == protocol) {
            assert_int_equal(read_16(packet + 2), n);
            assert_int_equal(fold(sum(0, packet, 20)), 0);
            *length = (size_t)n - 20;
            return packet + 20;
        }
        if (family == HF_IPV6 && packet[0] >> 4 == 6 && packet[6] == protocol &&
            packet[24] != 0xff) {
            assert_int_equal(read_16(packet + 4), n - 40);
            *length = (size_t)n - 40;
            return packet + 40;
        }
    }
}

/* ---- Kernel sockets */

struct kernel_address {
    struct sockaddr_storage storage;
    socklen_t length;
};

static struct kernel_address kernel_address(uint8_t family, const uint8_t *bytes, uint16_t port)
{
    struct kernel_address address = {.length = sizeof(struct sockaddr_in)};
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    if (family == HF_IPV4) {
        memcpy(&ipv4.sin_addr, bytes, 4);
        memcpy(&address.storage, &ipv4, sizeof ipv4);
    } else {
        memcpy(&ipv6.sin6_addr, bytes, 16);
        memcpy(&address.storage, &ipv6, sizeof ipv6);
        address.length = sizeof ipv6;
    }
    return address;
}

static int kernel_socket(uint8_t family)
{
    struct kernel_address local =
        kernel_address(family, family == HF_IPV4 ? kernel_ipv4 : kernel_ipv6, KERNEL_PORT);
    int descriptor = socket(family == HF_IPV4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_true(descriptor >= 0);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&local.storage, local.length), 0);
    return descriptor;
}

/* ---- The tests */

static void device_is_what_was_asked_for(void **state)
{
    struct hf_tun *tun = open_device("hft0", 1400);
    struct ifreq request = {.ifr_name = "hft0"};
    int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), found = 0;
    struct ifaddrs *all;

    (void)state;
    assert_string_equal(hf_tun_name(tun), "hft0");
    assert_true(fcntl(hf_tun_descriptor(tun), F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(hf_tun_descriptor(tun), F_GETFD) & FD_CLOEXEC);
    assert_int_equal(ioctl(any, SIOCGIFMTU, &request), 0);
    assert_int_equal(request.ifr_mtu, 1400);
    assert_int_equal(ioctl(any, SIOCGIFFLAGS, &request), 0);
    assert_int_equal(request.ifr_flags & (IFF_UP | IFF_RUNNING), IFF_UP | IFF_RUNNING);
    assert_int_equal(getifaddrs(&all), 0);
    for (struct ifaddrs *one = all; one != NULL; one = one->ifa_next) {
        struct sockaddr_in ipv4, mask4;
        struct sockaddr_in6 ipv6, mask6;
        if (strcmp(one->ifa_name, "hft0") != 0 || one->ifa_addr == NULL)
            continue;
        if (one->ifa_addr->sa_family == AF_INET) {
            memcpy(&ipv4, one->ifa_addr, sizeof ipv4);
            memcpy(&mask4, one->ifa_netmask, sizeof mask4);
            assert_memory_equal(&ipv4.sin_addr, kernel_ipv4, 4);
            assert_int_equal(ntohl(mask4.sin_addr.s_addr), 0xffffff00);
            found |= 1;
        } else if (one->ifa_addr->sa_family == AF_INET6) {
            memcpy(&ipv6, one->ifa_addr, sizeof ipv6);
            memcpy(&mask6, one->ifa_netmask, sizeof mask6);
            if (memcmp(&ipv6.sin6_addr, kernel_ipv6, 16) == 0) {
                assert_int_equal(mask6.sin6_addr.s6_addr[7], 0xff);
                assert_int_equal(mask6.sin6_addr.s6_addr[8], 0);
                found |= 2;
            }
        }
    }
    assert_int_equal(found, 3);
    freeifaddrs(all);
    close(any);
    hf_tun_close(tun);
    assert_int_equal(if_nametoindex("hft0"), 0);
}

/* Not tentative: usable from the first packet on. */
static void ipv6_address_is_usable_at_once(void **state)
{
    struct hf_tun *tun = open_device("hft0", 0);
    FILE *table = fopen("/proc/self/net/if_inet6", "re");
    char hex[33], name[32];
    unsigned index, prefix, scope, flags, found = 0;

    (void)state;
    assert_non_null(table);
    while (fscanf(table, "%32s %x %x %x %x %31s", hex, &index, &prefix, &scope, &flags, name) ==
           6) {
        if (strcmp(hex, "fd660000000000000000000000000001") != 0)
            continue;
        assert_int_equal(flags & 0x40 /* IFA_F_TENTATIVE */, 0);
        found++;
    }
    assert_int_equal(found, 1);
    fclose(table);
    hf_tun_close(tun);
}

static void kernel_datagrams_come_out(void **state)
{
    static const uint8_t families[] = {HF_IPV4, HF_IPV6};
    static const uint8_t text[] = "from the kernel to the peer";
    struct hf_tun *tun = open_device("hft0", 0);
    uint8_t packet[2048];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const uint8_t *peer = families[i] == HF_IPV4 ? peer_ipv4 : peer_ipv6, *udp;
        struct kernel_address to = kernel_address(families[i], peer, PEER_PORT);
        int descriptor = kernel_socket(families[i]);
        size_t length;

        assert_int_equal(
            sendto(descriptor, text, sizeof text, 0, (struct sockaddr *)&to.storage, to.length),
            sizeof text);
        udp = read_payload(tun, families[i], PROTOCOL_UDP, packet, &length);
        assert_int_equal(length, 8 + sizeof text);
        assert_int_equal(read_16(udp), KERNEL_PORT);
        assert_int_equal(read_16(udp + 2), PEER_PORT);
        assert_int_equal(read_16(udp + 4), length);
        assert_int_equal(payload_checksum(packet, PROTOCOL_UDP, udp, length), 0);
        assert_memory_equal(udp + 8, text, sizeof text);
        if (families[i] == HF_IPV4) {
            assert_memory_equal(packet + 12, kernel_ipv4, 4);
            assert_memory_equal(packet + 16, peer_ipv4, 4);
        } else {
            assert_memory_equal(packet + 8, kernel_ipv6, 16);
            assert_memory_equal(packet + 24, peer_ipv6, 16);
        }
        close(descriptor);
    }
    hf_tun_close(tun);
}

static void written_datagrams_reach_the_kernel(void **state)
{
    static const uint8_t families[] = {HF_IPV4, HF_IPV6};
    struct hf_tun *tun = open_device("hft0", 0);
    uint8_t udp[8 + 1200], packet[2048], received[2048];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const uint8_t *peer = families[i] == HF_IPV4 ? peer_ipv4 : peer_ipv6;
        struct kernel_address expected = kernel_address(families[i], peer, PEER_PORT), from;
        int descriptor = kernel_socket(families[i]);
        struct pollfd waiting = {.fd = descriptor, .events = POLLIN};
        size_t length;

        write_16(udp, PEER_PORT);
        write_16(udp + 2, KERNEL_PORT);
        write_16(udp + 4, sizeof udp);
        write_16(udp + 6, 0);
        for (size_t j = 8; j < sizeof udp; j++)
            udp[j] = (uint8_t)(j * 7 + i);
        length = wrap(families[i], PROTOCOL_UDP, udp, sizeof udp, packet);
        write_16(udp + 6, payload_checksum(packet, PROTOCOL_UDP, udp, sizeof udp));
        wrap(families[i], PROTOCOL_UDP, udp, sizeof udp, packet);
        assert_int_equal(hf_tun_write(tun, packet, length), HF_OK);

        assert_int_equal(poll(&waiting, 1, WAIT_MS), 1);
        from.length = sizeof from.storage;
        memset(&from.storage, 0, sizeof from.storage);
        assert_int_equal(recvfrom(descriptor, received, sizeof received, 0,
                                  (struct sockaddr *)&from.storage, &from.length),
                         1200);
        assert_memory_equal(received, udp + 8, 1200);
        assert_int_equal(from.length, expected.length);
        assert_memory_equal(&from.storage, &expected.storage, expected.length);
        close(descriptor);
    }
    hf_tun_close(tun);
}

/* A ping in, the kernel's pong out. */
static void kernel_answers_pings(void **state)
{
    static const uint8_t families[] = {HF_IPV4, HF_IPV6};
    struct hf_tun *tun = open_device("hft0", 0);
    uint8_t echo[8 + 56], packet[2048];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        uint8_t protocol = families[i] == HF_IPV4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
        const uint8_t *pong;
        size_t length;

        memset(echo, 0, sizeof echo);
        echo[0] = families[i] == HF_IPV4 ? 8 : 128;
        write_16(echo + 4, 0x1234);
        write_16(echo + 6, 7);
        for (size_t j = 8; j < sizeof echo; j++)
            echo[j] = (uint8_t)j;
        length = wrap(families[i], protocol, echo, sizeof echo, packet);
        write_16(echo + 2, families[i] == HF_IPV4
                               ? fold(sum(0, echo, sizeof echo))
                               : payload_checksum(packet, protocol, echo, sizeof echo));
        wrap(families[i], protocol, echo, sizeof echo, packet);
        assert_int_equal(hf_tun_write(tun, packet, length), HF_OK);
        pong = read_payload(tun, families[i], protocol, packet, &length);
        assert_int_equal(length, sizeof echo);
        assert_int_equal(pong[0], families[i] == HF_IPV4 ? 0 : 129);
        assert_memory_equal(pong + 4, echo + 4, sizeof echo - 4);
    }
    hf_tun_close(tun);
}

static void reads_and_writes_tell_their_errors(void **state)
{
    struct hf_tun_config config = {.name = "hft0", .mtu = 1000};
    struct hf_tun *tun = hf_tun_open(&config, NULL, 0);
    uint8_t packet[1500] = {0};

    (void)state;
    assert_non_null(tun);
    assert_int_equal(hf_tun_read(tun, packet, 999), HF_EMSGSIZE);
    while (hf_tun_read(tun, packet, sizeof packet) > 0)
        ; /* what the kernel says of itself when a device comes up */
    assert_int_equal(hf_tun_read(tun, packet, 1000), HF_EAGAIN);
    assert_int_equal(hf_tun_write(tun, packet, 100), -EINVAL); /* version 0 */
    hf_tun_close(tun);
    hf_tun_close(NULL);
}

/* Until a packet over this protocol and family comes; by the way that knows of offloads. */
static size_t read_with_hints(struct hf_tun *tun, uint8_t family, uint8_t protocol, uint8_t *packet,
                              struct hf_packet_hints *hints)
{
    struct pollfd waiting = {.fd = hf_tun_descriptor(tun), .events = POLLIN};

    for (;;) {
        ptrdiff_t length = hf_tun_read_packet(tun, packet, HF_PACKET_BYTES, hints);

        if (length == HF_EAGAIN)
            assert_int_equal(poll(&waiting, 1, WAIT_MS), 1);
        else
            assert_true(length > 0);
        if (length > 0 && packet[0] >> 4 == family && packet[family == HF_IPV4 ? 9 : 6] == protocol)
            return (size_t)length;
    }
}

static struct hf_tun *open_with(uint8_t offload, uint8_t multi_queue)
{
    struct hf_tun_address addresses[2] = {address_of(HF_IPV4, kernel_ipv4, 24),
                                          address_of(HF_IPV6, kernel_ipv6, 64)};
    struct hf_tun_config config = {.name = "hft0",
                                   .kernel_addresses = addresses,
                                   .kernel_address_count = 2,
                                   .offload = offload,
                                   .multi_queue = multi_queue};
    char message[256];
    struct hf_tun *tun = hf_tun_open(&config, message, sizeof message);

    if (tun == NULL)
        fail_msg("%s", message);
    return tun;
}

/* Datagrams to the peer: with offloads their checksum is left to us, without it is there. */
static void checksums_are_left_partial_with_offloads(void **state)
{
    static uint8_t packet[HF_PACKET_BYTES];
    static const uint8_t text[] = "from the kernel to the peer";

    (void)state;
    for (int offload = HF_TUN_OFFLOAD_OFF; offload <= HF_TUN_OFFLOAD_ON; offload++) {
        struct hf_tun *tun = open_with((uint8_t)offload, 0);
        struct kernel_address to = kernel_address(HF_IPV4, peer_ipv4, PEER_PORT);
        int descriptor = kernel_socket(HF_IPV4);
        struct hf_packet_hints hints = {.segment_bytes = 7};
        size_t length;

        assert_int_equal(hf_tun_offloads(tun) != 0, offload != HF_TUN_OFFLOAD_OFF);
        assert_int_equal(
            sendto(descriptor, text, sizeof text, 0, (struct sockaddr *)&to.storage, to.length),
            sizeof text);
        length = read_with_hints(tun, HF_IPV4, PROTOCOL_UDP, packet, &hints);
        assert_int_equal(length, 28 + sizeof text);
        assert_int_equal(hints.segment_bytes, 0);
        assert_int_equal(hints.flags,
                         offload != HF_TUN_OFFLOAD_OFF ? HF_PACKET_CHECKSUM_PARTIAL : 0);
        assert_int_equal(payload_checksum(packet, PROTOCOL_UDP, packet + 20, length - 20) == 0,
                         offload == HF_TUN_OFFLOAD_OFF);
        close(descriptor);
        hf_tun_close(tun);
    }
}

/* A ping in several pieces, the pong out, both with the header of offloads in front. */
static void packets_in_pieces_are_written(void **state)
{
    static uint8_t packet[HF_PACKET_BYTES];
    struct hf_tun *tun = open_with(HF_TUN_OFFLOAD_ON, 0);
    struct hf_packet_hints hints;
    uint8_t echo[8 + 56] = {8}, whole[2048];
    struct hf_packet written = {.bytes = whole, .segments = 1, .piece_count = 2};

    (void)state;
    for (size_t i = 8; i < sizeof echo; i++)
        echo[i] = (uint8_t)i;
    write_16(echo + 2, fold(sum(0, echo, sizeof echo)));
    written.total_length = wrap(HF_IPV4, PROTOCOL_ICMP, echo, sizeof echo, whole);
    written.length = written.total_length - sizeof echo;
    written.pieces[0] = (struct hf_piece){echo, 11};
    written.pieces[1] = (struct hf_piece){echo + 11, sizeof echo - 11};
    assert_int_equal(hf_tun_write_packet(tun, &written), HF_OK);
    assert_int_equal(read_with_hints(tun, HF_IPV4, PROTOCOL_ICMP, packet, &hints),
                     written.total_length);
    assert_memory_equal(packet + 28, echo + 8, 56);
    assert_int_equal(hf_tun_read(tun, packet, sizeof packet), HF_EOPNOTSUPP);
    assert_int_equal(hf_tun_write(tun, packet, 100), HF_EOPNOTSUPP);
    assert_int_equal(hf_tun_read_packet(tun, packet, 1500, &hints), HF_EMSGSIZE);
    hf_tun_close(tun);

    tun = open_with(HF_TUN_OFFLOAD_OFF, 0);
    assert_int_equal(hf_tun_write_packet(tun, &written), HF_OK);
    assert_int_equal(read_with_hints(tun, HF_IPV4, PROTOCOL_ICMP, packet, &hints),
                     written.total_length);
    written.flags = HF_PACKET_CHECKSUM_PARTIAL;
    assert_int_equal(hf_tun_write_packet(tun, &written), HF_EOPNOTSUPP);
    hf_tun_close(tun);
}

static void queues_share_a_device(void **state)
{
    static uint8_t packet[HF_PACKET_BYTES];
    struct hf_tun *tun = open_with(HF_TUN_OFFLOAD_AUTO, 1), *queue, *alone;
    char message[256];
    uint8_t echo[8] = {8}, whole[64];
    struct hf_packet_hints hints;
    struct hf_packet written = {.bytes = whole, .segments = 1};

    (void)state;
    queue = hf_tun_open_queue(tun, message, sizeof message);
    if (queue == NULL)
        fail_msg("%s", message);
    assert_string_equal(hf_tun_name(queue), "hft0");
    assert_int_equal(hf_tun_offloads(queue), hf_tun_offloads(tun));
    write_16(echo + 2, fold(sum(0, echo, sizeof echo)));
    written.length = written.total_length = wrap(HF_IPV4, PROTOCOL_ICMP, echo, sizeof echo, whole);
    assert_int_equal(hf_tun_write_packet(queue, &written), HF_OK);
    /* The other queue closed, there is one left for the answer. */
    hf_tun_close(tun);
    assert_int_equal(hf_tun_write_packet(queue, &written), HF_OK);
    assert_true(read_with_hints(queue, HF_IPV4, PROTOCOL_ICMP, packet, &hints) >= sizeof echo);
    hf_tun_close(queue);

    alone = open_with(HF_TUN_OFFLOAD_AUTO, 0);
    assert_null(hf_tun_open_queue(alone, message, sizeof message));
    assert_non_null(strstr(message, "not opened for several queues"));
    hf_tun_close(alone);
}

static void persistent_device_is_attached_to(void **state)
{
    struct hf_tun *tun = open_device("hft0", 1300);
    unsigned index = if_nametoindex("hft0");

    (void)state;
    assert_int_equal(ioctl(hf_tun_descriptor(tun), TUNSETPERSIST, 1), 0);
    hf_tun_close(tun);
    assert_int_equal(if_nametoindex("hft0"), index);
    tun = open_device("hft0", 1300);
    assert_int_equal(if_nametoindex("hft0"), index);
    assert_int_equal(ioctl(hf_tun_descriptor(tun), TUNSETPERSIST, 0), 0);
    hf_tun_close(tun);
    assert_int_equal(if_nametoindex("hft0"), 0);
}

static void bad_requests_are_refused(void **state)
{
    struct hf_tun_address ipv4 = address_of(HF_IPV4, kernel_ipv4, 33);
    struct hf_tun_address ipv6 = address_of(HF_IPV6, kernel_ipv6, 129);
    struct hf_tun_config config = {.name = "", .mtu = 1500};
    char message[8];

    (void)state;
    assert_refused(&config, "\"\"", "0 characters", "1 to 15");
    config.name = NULL;
    assert_refused(&config, "\"\"", "0 characters", "1 to 15");
    config.name = "sixteencharacter";
    assert_refused(&config, "sixteencharacter", "16 characters", "1 to 15");
    config.name = "a/b";
    assert_refused(&config, "a/b", "without", "'/'");
    config.name = "tun%d";
    assert_refused(&config, "tun%d", "without", "'%'");
    config.name = "hft0";
    config.mtu = 575;
    assert_refused(&config, "hft0", "575", "576");
    config.mtu = 65536;
    assert_refused(&config, "hft0", "65536", "65535");
    config.mtu = 1279;
    config.kernel_address_count = 1;
    assert_refused(&config, "hft0", "addresses", "not given");
    config.kernel_addresses = &ipv4;
    assert_refused(&config, "10.66.0.1/33", "hft0", "0 to 32");
    config.kernel_addresses = &ipv6;
    assert_refused(&config, "fd66::1/129", "hft0", "0 to 128");
    ipv6.prefix_length = 64;
    assert_refused(&config, "1279", "1280", "IPv6");
    config.mtu = 1500;
    ipv6.address.bytes[0] = 0xff;
    assert_refused(&config, "ff66::1", "hft0", "unicast");
    ipv6.address.family = 5;
    assert_refused(&config, "hft0", "neither IPv4 nor IPv6", "10.66.0.1/24");
    assert_null(hf_tun_open(&config, message, sizeof message));
    assert_int_equal(message[7], '\0');
    assert_int_equal(if_nametoindex("hft0"), 0);
}

static void what_is_taken_is_refused(void **state)
{
    struct hf_tun *tun = open_device("hft0", 0);
    struct hf_tun_address taken = address_of(HF_IPV4, kernel_ipv4, 24);
    struct hf_tun_config config = {.name = "hft0"};

    (void)state;
    assert_refused(&config, "hft0", strerror(EBUSY), "another program");
    config.name = "lo";
    assert_refused(&config, "lo", "not a plain TUN device", "another name");
    config.name = "hft1";
    config.kernel_addresses = &taken;
    config.kernel_address_count = 1;
    assert_refused(&config, "10.66.0.1", "hft0", "hft1");
    taken = address_of(HF_IPV6, kernel_ipv6, 64);
    assert_refused(&config, "fd66::1", "hft0", "hft1");
    assert_int_equal(if_nametoindex("hft1"), 0);
    hf_tun_close(tun);
}

/* Runs `child` in a process of its own: 0, or SKIPPED when it could not set the scene. */
static int in_child(int (*child)(void))
{
    int status;
    pid_t process = fork();

    assert_true(process >= 0);
    if (process == 0)
        _exit(child());
    assert_int_equal(waitpid(process, &status, 0), process);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int message_has(const char *first, const char *second)
{
    struct hf_tun_config config = {.name = "hft0"};
    char message[256];

    if (hf_tun_open(&config, message, sizeof message) != NULL)
        return 1;
    if (strstr(message, first) != NULL && strstr(message, second) != NULL)
        return 0;
    fprintf(stderr, "message lacks \"%s\" or \"%s\": %s\n", first, second, message);
    return 1;
}

/* A new user namespace has no power over the network namespace that it was made in. */
static int open_without_privilege(void)
{
    if (unshare(CLONE_NEWUSER) != 0)
        return SKIPPED;
    return message_has("TUN", "unshare -rn") != 0 &&
           message_has("/dev/net/tun", "unshare -rn") != 0;
}

static void missing_privilege_is_explained(void **state)
{
    int result = in_child(open_without_privilege);

    (void)state;
    if (result == SKIPPED)
        skip();
    assert_int_equal(result, 0);
}

static int open_without_driver(void)
{
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", "/dev/net", "tmpfs", 0, NULL) != 0)
        return SKIPPED;
    return message_has("/dev/net/tun", "modprobe tun");
}

static void missing_driver_is_explained(void **state)
{
    int result = in_child(open_without_driver);

    (void)state;
    if (result == SKIPPED)
        skip();
    assert_int_equal(result, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_is_what_was_asked_for),
        cmocka_unit_test(ipv6_address_is_usable_at_once),
        cmocka_unit_test(kernel_datagrams_come_out),
        cmocka_unit_test(written_datagrams_reach_the_kernel),
        cmocka_unit_test(kernel_answers_pings),
        cmocka_unit_test(reads_and_writes_tell_their_errors),
        cmocka_unit_test(checksums_are_left_partial_with_offloads),
        cmocka_unit_test(packets_in_pieces_are_written),
        cmocka_unit_test(queues_share_a_device),
        cmocka_unit_test(persistent_device_is_attached_to),
        cmocka_unit_test(bad_requests_are_refused),
        cmocka_unit_test(what_is_taken_is_refused),
        cmocka_unit_test(missing_privilege_is_explained),
        cmocka_unit_test(missing_driver_is_explained),
    };
    const char *obstacle = enter_namespace();
    int device;

    if (obstacle != NULL) {
        printf("skipped: no network namespace of our own: %s\n", obstacle);
        return SKIPPED;
    }
    device = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (device < 0) {
        printf("skipped: /dev/net/tun: %s\n", strerror(errno));
        return SKIPPED;
    }
    close(device);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
