/* SPDX-License-Identifier: MIT
 *
 * Messages are laid out as structs (header, fixed part, attributes) and attributes are copied in
 * with their padding; the kernel's macros would do the same through pointer casts.
 */
#define _DEFAULT_SOURCE /* <net/if.h>'s flags and struct ifreq */

#include "rtnetlink.h"

#include "hf_assert.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ATTRIBUTES_MAX_BYTES 64u

struct attributes {
    uint32_t length;
    uint8_t bytes[ATTRIBUTES_MAX_BYTES];
};

struct link_request {
    struct nlmsghdr header;
    struct ifinfomsg link;
    uint8_t attributes[ATTRIBUTES_MAX_BYTES];
};

struct address_request {
    struct nlmsghdr header;
    struct ifaddrmsg address;
    uint8_t attributes[ATTRIBUTES_MAX_BYTES];
};

struct route_request {
    struct nlmsghdr header;
    struct rtmsg route;
    uint8_t attributes[ATTRIBUTES_MAX_BYTES];
};

/* The fixed parts end where attributes may start, so the structs have no gap to skip. */
_Static_assert(sizeof(struct link_request) ==
                   NLMSG_LENGTH(sizeof(struct ifinfomsg)) + ATTRIBUTES_MAX_BYTES,
               "attributes follow the fixed part");
_Static_assert(sizeof(struct address_request) ==
                   NLMSG_LENGTH(sizeof(struct ifaddrmsg)) + ATTRIBUTES_MAX_BYTES,
               "attributes follow the fixed part");

_Static_assert(sizeof(struct route_request) ==
                   NLMSG_LENGTH(sizeof(struct rtmsg)) + ATTRIBUTES_MAX_BYTES,
               "attributes follow the fixed part");

static void attributes_add(struct attributes *attributes, uint16_t type, const void *data,
                           uint16_t length)
{
    struct rtattr header = {.rta_len = (uint16_t)RTA_LENGTH(length), .rta_type = type};

    HF_ASSERT(attributes->length + RTA_SPACE(length) <= ATTRIBUTES_MAX_BYTES);
    memcpy(attributes->bytes + attributes->length, &header, sizeof header);
    memcpy(attributes->bytes + attributes->length + RTA_LENGTH(0), data, length);
    attributes->length += (uint32_t)RTA_SPACE(length);
}

int rtnetlink_open(void)
{
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    int error;

    if (descriptor < 0)
        return -errno;
    /* Connected to the kernel: messages of other processes do not come in. */
    if (connect(descriptor, (const struct sockaddr *)&kernel, sizeof kernel) == 0)
        return descriptor;
    error = -errno;
    close(descriptor);
    return error;
}

/* An answer of the kernel's: an acknowledgement, or what was asked for. */
struct answer {
    struct nlmsghdr header;
    union {
        struct nlmsgerr error;
        struct rtmsg route;
    } body;
    uint8_t rest[1024]; /* attributes, or the request that is acknowledged */
};

/* 0, or a negative errno: of the exchange, or carried by the answer. */
static int request(int socket, const void *message, size_t length, struct answer *answer)
{
    ssize_t transferred;

    do
        transferred = send(socket, message, length, 0);
    while (transferred < 0 && errno == EINTR);
    if (transferred < 0)
        return -errno;
    do
        transferred = recv(socket, answer, sizeof *answer, 0);
    while (transferred < 0 && errno == EINTR);
    if (transferred < 0)
        return -errno;
    if ((size_t)transferred < sizeof answer->header + sizeof answer->body)
        return -EPROTO;
    return answer->header.nlmsg_type == NLMSG_ERROR ? answer->body.error.error : 0;
}

static int request_link(int socket, const struct ifinfomsg *link,
                        const struct attributes *attributes)
{
    struct link_request message = {
        .header =
            {
                .nlmsg_len = (uint32_t)NLMSG_LENGTH(sizeof *link) + attributes->length,
                .nlmsg_type = RTM_NEWLINK,
                .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
                .nlmsg_seq = 1,
            },
        .link = *link,
    };
    struct answer answer = {0};

    memcpy(message.attributes, attributes->bytes, sizeof message.attributes);
    return request(socket, &message, message.header.nlmsg_len, &answer);
}

static int set_number(int socket, int interface, uint16_t attribute, uint32_t value)
{
    struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = interface};
    struct attributes attributes = {0};

    attributes_add(&attributes, attribute, &value, sizeof value);
    return request_link(socket, &link, &attributes);
}

int rtnetlink_set_mtu(int socket, int interface, uint32_t mtu)
{
    return set_number(socket, interface, IFLA_MTU, mtu);
}

int rtnetlink_set_queue(int socket, int interface, uint32_t packets)
{
    return set_number(socket, interface, IFLA_TXQLEN, packets);
}

int rtnetlink_set_up(int socket, int interface)
{
    struct ifinfomsg link = {
        .ifi_family = AF_UNSPEC,
        .ifi_index = interface,
        .ifi_flags = IFF_UP,
        .ifi_change = IFF_UP,
    };
    struct attributes attributes = {0};

    return request_link(socket, &link, &attributes);
}

int rtnetlink_add_address(int socket, int interface, const struct hf_address *address,
                          uint8_t prefix_length)
{
    bool is_ipv6 = address->family == HF_IPV6;
    uint16_t address_bytes = is_ipv6 ? 16 : 4;
    struct attributes attributes = {0};
    struct address_request message = {
        .header =
            {
                .nlmsg_type = RTM_NEWADDR,
                .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
                .nlmsg_seq = 1,
            },
        .address =
            {
                .ifa_family = is_ipv6 ? AF_INET6 : AF_INET,
                .ifa_prefixlen = prefix_length,
                .ifa_flags = is_ipv6 ? IFA_F_NODAD : 0,
                .ifa_scope = RT_SCOPE_UNIVERSE,
                .ifa_index = (uint32_t)interface,
            },
    };
    struct answer answer = {0};

    attributes_add(&attributes, IFA_LOCAL, address->bytes, address_bytes);
    attributes_add(&attributes, IFA_ADDRESS, address->bytes, address_bytes);
    memcpy(message.attributes, attributes.bytes, sizeof message.attributes);
    message.header.nlmsg_len = (uint32_t)NLMSG_LENGTH(sizeof message.address) + attributes.length;
    return request(socket, &message, message.header.nlmsg_len, &answer);
}

int rtnetlink_is_local(int socket, const struct hf_address *address)
{
    bool is_ipv6 = address->family == HF_IPV6;
    uint16_t address_bytes = is_ipv6 ? 16 : 4;
    struct attributes attributes = {0};
    struct route_request message = {
        .header =
            {
                .nlmsg_type = RTM_GETROUTE,
                .nlmsg_flags = NLM_F_REQUEST,
                .nlmsg_seq = 1,
            },
        .route =
            {
                .rtm_family = is_ipv6 ? AF_INET6 : AF_INET,
                .rtm_dst_len = (uint8_t)(address_bytes * 8),
            },
    };
    struct answer answer = {0};

    attributes_add(&attributes, RTA_DST, address->bytes, address_bytes);
    memcpy(message.attributes, attributes.bytes, sizeof message.attributes);
    message.header.nlmsg_len = (uint32_t)NLMSG_LENGTH(sizeof message.route) + attributes.length;
    return request(socket, &message, message.header.nlmsg_len, &answer) == 0 &&
           answer.header.nlmsg_type == RTM_NEWROUTE && answer.body.route.rtm_type == RTN_LOCAL;
}
