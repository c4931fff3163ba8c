/* SPDX-License-Identifier: MIT
 *
 * See driver.h.
 *
 *     driver PLUGIN CASE [VERSION]
 */
#include "driver.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ifc ifc;
const char *plugin_path;
enum version version = V4;

static long long script_start;

/* ---- holding */

void check(bool holds, const char *what, const char *file, int line)
{
    if (!holds) {
        fprintf(stderr, "%s:%d: this does not hold: %s\n", file, line, what);
        exit(EXIT_FAILURE);
    }
}

void same(long long actual, long long expected, const char *what, const char *file, int line)
{
    if (actual != expected) {
        fprintf(stderr, "%s:%d: %s is %lld, expected %lld (errno %d)\n", file, line, what, actual,
                expected, errno);
        exit(EXIT_FAILURE);
    }
}

void fails(long long result, int error, const char *what, const char *file, int line)
{
    if (result != -1 || errno != error) {
        fprintf(stderr, "%s:%d: %s is %lld with errno %d, expected -1 with %d\n", file, line, what,
                result, errno, error);
        exit(EXIT_FAILURE);
    }
}

/* ---- loading */

/* A sanitizer's own dlopen refuses RTLD_DEEPBIND. */
#if defined(__SANITIZE_ADDRESS__)
#define DEEP 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DEEP 0
#endif
#endif
#ifndef DEEP
#define DEEP RTLD_DEEPBIND
#endif

void load(const char *flags)
{
    void *library = dlopen(plugin_path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE | DEEP);
    void (*init)(const char *, struct ifc *);
    void *symbol = library != NULL ? dlsym(library, "packetdrill_interface_init") : NULL;
    if (symbol == NULL) {
        fprintf(stderr, "%s: %s\n", plugin_path, dlerror());
        exit(EXIT_FAILURE);
    }
    memcpy(&init, &symbol, sizeof init);
    memset(&ifc, 0, sizeof ifc);
    init(flags, &ifc);
    script_start = 0;
    script_start = now_us() + 1000;
}

/* ---- time */

long long now_us(void)
{
    struct timeval time;
    CHECK(ifc.gettimeofday(ifc.u, &time, NULL) == 0);
    return time.tv_sec * 1000000LL + time.tv_usec - script_start;
}

void at(long long us)
{
    enum { SPIN_US = 20 };
    long long wait;
    while ((wait = us - now_us()) > 0) {
        if (wait > SPIN_US)
            CHECK(ifc.usleep(ifc.u, (useconds_t)(wait - SPIN_US)) == 0);
    }
}

/* ---- addresses */

static const uint8_t v4_local[4] = {192, 168, 0, 1}, v4_remote[4] = {192, 0, 2, 1};
static const uint8_t v6_local[16] = {0xfd, 0x3d, 0x0a, 0x0b, 0x17, 0xd6, 0, 0,
                                     0,    0,    0,    0,    0,    0,    0, 1};
static const uint8_t v6_remote[16] = {0xfd, 0x3d, 0xfa, 0x7b, 0xd1, 0x7d, 0, 0,
                                      0,    0,    0,    0,    0,    0,    0, 1};

int family(void)
{
    return version == V4 ? AF_INET : AF_INET6;
}

static struct address address_of(const uint8_t v4[4], const uint8_t v6[16], uint16_t port)
{
    struct address address;
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memset(&address, 0, sizeof address);
    if (version == V4) {
        memcpy(&in.sin_addr, v4, 4);
        memcpy(&address.storage, &in, sizeof in);
        address.length = sizeof in;
        return address;
    }
    if (version == V6) {
        memcpy(&in6.sin6_addr, v6, 16);
    } else {
        in6.sin6_addr.s6_addr[10] = in6.sin6_addr.s6_addr[11] = 0xff;
        memcpy(in6.sin6_addr.s6_addr + 12, v4, 4);
    }
    memcpy(&address.storage, &in6, sizeof in6);
    address.length = sizeof in6;
    return address;
}

struct address local_address(uint16_t port)
{
    return address_of(v4_local, v6_local, port);
}

struct address remote_address(uint16_t port)
{
    return address_of(v4_remote, v6_remote, port);
}

/* ---- packets */

enum { PACKET_BYTES = 65536, V4_BYTES = 20, V6_BYTES = 40, TCP_BYTES = 20 };

static void put_16(uint8_t *at_bytes, unsigned value)
{
    at_bytes[0] = (uint8_t)(value >> 8);
    at_bytes[1] = (uint8_t)value;
}

static void put_32(uint8_t *at_bytes, uint32_t value)
{
    put_16(at_bytes, value >> 16);
    put_16(at_bytes + 2, value & 0xffff);
}

static unsigned get_16(const uint8_t *bytes)
{
    return (unsigned)bytes[0] << 8 | bytes[1];
}

static uint32_t get_32(const uint8_t *bytes)
{
    return (uint32_t)get_16(bytes) << 16 | get_16(bytes + 2);
}

/* RFC 1071, the slow and plain way. */
static uint32_t sum(uint32_t total, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        total += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
    while (total >> 16)
        total = (total & 0xffff) + (total >> 16);
    return total;
}

/* 0xffff over a segment whose checksum is right. */
static uint32_t tcp_sum(const uint8_t *source, const uint8_t *destination, size_t address_length,
                        const uint8_t *tcp, size_t length)
{
    uint8_t pseudo[8] = {0, 0, 0, 0, 0, 0, 0, IPPROTO_TCP};
    uint32_t total = sum(0, source, address_length);
    put_32(pseudo, (uint32_t)length);
    total = sum(total, destination, address_length);
    total = sum(total, pseudo, sizeof pseudo);
    return sum(total, tcp, length);
}

static size_t ip_header(uint8_t *packet, size_t length)
{
    if (version == V6) {
        packet[0] = 0x60;
        put_16(packet + 4, (unsigned)length);
        packet[6] = IPPROTO_TCP;
        packet[7] = 64;
        memcpy(packet + 8, v6_remote, 16);
        memcpy(packet + 24, v6_local, 16);
        return V6_BYTES;
    }
    packet[0] = 0x45;
    put_16(packet + 2, (unsigned)(V4_BYTES + length));
    packet[8] = 64;
    packet[9] = IPPROTO_TCP;
    memcpy(packet + 12, v4_remote, 4);
    memcpy(packet + 16, v4_local, 4);
    put_16(packet + 10, ~sum(0, packet, V4_BYTES) & 0xffff);
    return V4_BYTES;
}

void inject(const struct segment *segment)
{
    static uint8_t packet[PACKET_BYTES];
    size_t header = TCP_BYTES + segment->options_length, length = header + segment->payload_length;
    size_t network;
    uint8_t *tcp;
    memset(packet, 0, sizeof packet);
    network = ip_header(packet, length);
    tcp = packet + network;
    put_16(tcp, segment->remote_port);
    put_16(tcp + 2, segment->local_port);
    put_32(tcp + 4, segment->seq);
    put_32(tcp + 8, segment->ack);
    tcp[12] = (uint8_t)(header / 4 << 4);
    tcp[13] = (uint8_t)segment->flags;
    put_16(tcp + 14, segment->window);
    memcpy(tcp + TCP_BYTES, segment->options, segment->options_length);
    memcpy(tcp + header, segment->payload, segment->payload_length);
    put_16(tcp + 16, ~(version == V6 ? tcp_sum(v6_remote, v6_local, 16, tcp, length)
                                     : tcp_sum(v4_remote, v4_local, 4, tcp, length)) &
                         0xffff);
    SAME(ifc.netdev_send(ifc.u, packet, network + length), 0);
}

static const uint8_t *open_ip(const uint8_t *packet, size_t length, size_t *tcp_length)
{
    if (version == V6) {
        CHECK(length > V6_BYTES && packet[0] >> 4 == 6 && packet[6] == IPPROTO_TCP);
        SAME(get_16(packet + 4), length - V6_BYTES);
        CHECK(memcmp(packet + 8, v6_local, 16) == 0 && memcmp(packet + 24, v6_remote, 16) == 0);
        *tcp_length = length - V6_BYTES;
        SAME(tcp_sum(v6_local, v6_remote, 16, packet + V6_BYTES, *tcp_length), 0xffff);
        return packet + V6_BYTES;
    }
    CHECK(length > V4_BYTES && packet[0] == 0x45 && packet[9] == IPPROTO_TCP);
    SAME(get_16(packet + 2), length);
    SAME(sum(0, packet, V4_BYTES), 0xffff);
    CHECK(memcmp(packet + 12, v4_local, 4) == 0 && memcmp(packet + 16, v4_remote, 4) == 0);
    *tcp_length = length - V4_BYTES;
    SAME(tcp_sum(v4_local, v4_remote, 4, packet + V4_BYTES, *tcp_length), 0xffff);
    return packet + V4_BYTES;
}

struct segment receive(void)
{
    static uint8_t packet[PACKET_BYTES];
    struct segment segment;
    size_t length = sizeof packet, tcp_length, header;
    long long time = -1;
    const uint8_t *tcp;
    memset(&segment, 0, sizeof segment);
    SAME(ifc.netdev_receive(ifc.u, packet, &length, &time), 0);
    CHECK(length > 0);
    tcp = open_ip(packet, length, &tcp_length);
    header = (size_t)(tcp[12] >> 4) * 4;
    CHECK(header >= TCP_BYTES && header <= tcp_length);
    segment.local_port = (uint16_t)get_16(tcp);
    segment.remote_port = (uint16_t)get_16(tcp + 2);
    segment.seq = get_32(tcp + 4);
    segment.ack = get_32(tcp + 8);
    segment.flags = tcp[13];
    segment.window = (uint16_t)get_16(tcp + 14);
    segment.options_length = header - TCP_BYTES;
    memcpy(segment.options, tcp + TCP_BYTES, segment.options_length);
    segment.payload_length = tcp_length - header;
    CHECK(segment.payload_length <= sizeof segment.payload);
    memcpy(segment.payload, tcp + header, segment.payload_length);
    segment.time = time - script_start;
    segment.v6 = version == V6;
    return segment;
}

struct segment receive_at(unsigned flags, long long us)
{
    struct segment segment = receive();
    SAME(segment.flags, flags);
    SAME(segment.time, us);
    return segment;
}

void receive_none(void)
{
    static uint8_t packet[PACKET_BYTES];
    size_t length = sizeof packet;
    long long time;
    SAME(ifc.netdev_receive(ifc.u, packet, &length, &time), 0);
    SAME(length, 0);
}

/* ---- a connection */

struct connection passive_open(long long us, uint16_t local_port)
{
    static uint16_t next_port = 53000;
    static const uint8_t mss[] = {2, 4, 5, 0xb4};
    struct connection connection = {.listener = ifc.socket(ifc.u, family(), SOCK_STREAM, 0)};
    struct address address = local_address(local_port), peer, expected;
    struct segment answer;
    CHECK(connection.listener >= 0);
    SAME(ifc.bind(ifc.u, connection.listener, SOCKADDR(address), address.length), 0);
    SAME(ifc.listen(ifc.u, connection.listener, 8), 0);
    at(us);
    connection.peer = (struct segment){.local_port = local_port,
                                       .remote_port = next_port++,
                                       .flags = SYN,
                                       .window = 32792,
                                       .options_length = sizeof mss};
    memcpy(connection.peer.options, mss, sizeof mss);
    inject(&connection.peer);
    answer = receive_at(SYN | ACK, us);
    SAME(answer.ack, 1);
    SAME(answer.remote_port, connection.peer.remote_port);
    connection.peer.options_length = 0;
    connection.peer.seq = 1;
    connection.peer.ack = answer.seq + 1;
    connection.peer.flags = ACK;
    at(us + 100);
    inject(&connection.peer);
    memset(&peer, 0xaa, sizeof peer);
    peer.length = sizeof peer.storage;
    connection.fd = ifc.accept(ifc.u, connection.listener, SOCKADDR(peer), &peer.length);
    CHECK(connection.fd > connection.listener);
    expected = remote_address(connection.peer.remote_port);
    SAME(peer.length, expected.length);
    CHECK(memcmp(&peer.storage, &expected.storage, expected.length) == 0);
    return connection;
}

struct segment peer_says(struct connection *connection, unsigned flags, const char *text)
{
    struct segment segment = connection->peer;
    segment.flags = flags;
    segment.payload_length = strlen(text);
    memcpy(segment.payload, text, segment.payload_length);
    inject(&segment);
    connection->peer.seq += (uint32_t)segment.payload_length + (flags & FIN ? 1 : 0);
    return segment;
}

/* ---- which case */

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    {"slots", case_slots},
    {"passive", case_passive},
    {"active", case_active},
    {"data", case_data},
    {"news", case_news},
    {"readiness", case_readiness},
    {"clock", case_clock},
    {"order", case_order},
    {"bad_input", case_bad_input},
    {"pipes", case_pipes},
    {"end", case_end},
    {"end_problems", case_end_problems},
    {"preload", case_preload},
    {"flags", case_flags},
    {"sysctl", case_sysctl},
    {"blocking", case_blocking},
    {"blocking_write", case_blocking_write},
    {"blocking_time", case_blocking_time},
    {"idle", case_idle},
};

int main(int count, char **words)
{
    static const char *const versions[] = {"ipv4", "ipv6", "ipv4-mapped-ipv6"};
    if (count < 3) {
        fprintf(stderr, "driver PLUGIN CASE [VERSION]\n");
        return 2;
    }
    plugin_path = words[1];
    for (int i = 0; i < 3; i++) {
        if (count > 3 && strcmp(words[3], versions[i]) == 0)
            version = (enum version)i;
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (strcmp(words[2], cases[i].name) == 0) {
            cases[i].run();
            return EXIT_SUCCESS;
        }
    }
    fprintf(stderr, "there is no case %s\n", words[2]);
    return 2;
}
