/* SPDX-License-Identifier: MIT
 *
 * Socket addresses in and out. An IPv4 address that an AF_INET6 socket sees as ::ffff:a.b.c.d is an
 * IPv4 endpoint everywhere behind this file.
 */
#include "socket_state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

int sockaddr_take(const struct sockaddr *address, socklen_t length, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    if (length > sizeof *out) { /* negative ones, too: socklen_t is unsigned */
        return -EINVAL;
    }
    if (length == 0) {
        return 0;
    }
    if (address == NULL) {
        return -EFAULT;
    }
    memcpy(out, address, length);
    return 0;
}

struct hf_endpoint sockaddr_endpoint(const struct sockaddr_storage *address)
{
    struct hf_endpoint endpoint;
    memset(&endpoint, 0, sizeof endpoint);
    if (address->ss_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof in6);
        endpoint.port = ntohs(in6.sin6_port);
        if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
            endpoint.address.family = HF_IPV4;
            memcpy(endpoint.address.bytes, in6.sin6_addr.s6_addr + 12, 4);
        } else {
            endpoint.address.family = HF_IPV6;
            memcpy(endpoint.address.bytes, in6.sin6_addr.s6_addr, 16);
        }
    } else {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        endpoint.port = ntohs(in.sin_port);
        endpoint.address.family = HF_IPV4;
        memcpy(endpoint.address.bytes, &in.sin_addr, 4);
    }
    return endpoint;
}

static socklen_t fill_in(const struct hf_endpoint *endpoint, struct sockaddr_storage *out)
{
    struct sockaddr_in in;
    memset(&in, 0, sizeof in);
    in.sin_family = AF_INET;
    in.sin_port = htons(endpoint->port);
    memcpy(&in.sin_addr, endpoint->address.bytes, 4);
    memcpy(out, &in, sizeof in);
    return sizeof in;
}

static socklen_t fill_in6(const struct hf_endpoint *endpoint, struct sockaddr_storage *out)
{
    struct sockaddr_in6 in6;
    memset(&in6, 0, sizeof in6);
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(endpoint->port);
    if (endpoint->address.family == HF_IPV4) {
        memset(in6.sin6_addr.s6_addr + 10, 0xff, 2);
        memcpy(in6.sin6_addr.s6_addr + 12, endpoint->address.bytes, 4);
    } else {
        memcpy(in6.sin6_addr.s6_addr, endpoint->address.bytes, 16);
    }
    memcpy(out, &in6, sizeof in6);
    return sizeof in6;
}

int sockaddr_give(const struct socket *socket, const struct hf_endpoint *endpoint,
                  struct sockaddr *address, socklen_t *length)
{
    struct sockaddr_storage storage;
    socklen_t whole;
    socklen_t room;
    if (length == NULL) {
        return -EFAULT;
    }
    memset(&storage, 0, sizeof storage);
    whole = socket->domain == AF_INET ? fill_in(endpoint, &storage) : fill_in6(endpoint, &storage);
    room = *length < whole ? *length : whole;
    if ((int)*length < 0) {
        return -EINVAL;
    }
    if (room > 0) {
        if (address == NULL) {
            return -EFAULT;
        }
        memcpy(address, &storage, room);
    }
    *length = whole;
    return 0;
}

bool address_is_multicast(const struct hf_address *address)
{
    return address->family == HF_IPV6 ? address->bytes[0] == 0xff
                                      : (address->bytes[0] & 0xf0) == 0xe0;
}

struct hf_address address_any_of(const struct socket *socket)
{
    struct hf_address any;
    memset(&any, 0, sizeof any);
    any.family = socket->domain == AF_INET ? HF_IPV4 : HF_IPV6;
    return any;
}
