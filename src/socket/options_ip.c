/* SPDX-License-Identifier: MIT
 *
 * SOL_IP and SOL_IPV6. The low two bits of the traffic class are ECN's and stay as they are
 * (RFC 3168 5).
 */
#include "error_queue.h"
#include "option_table.h"

#include <errno.h>
#include <stddef.h>

#define ECN_BITS 3
#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif
#define LARGEST_MTU_DISCOVERY 5 /* Linux's IP_PMTUDISC_OMIT */

enum { IPV4_ROW, IPV6_ROW }; /* index into the options of either family, kept in row->low */

static int set_traffic_class(struct socket *socket, unsigned family, int value)
{
    socket->options.traffic_class[family] = value & ~ECN_BITS & 0xff;
    core_options_apply_header(socket);
    return 0;
}

static int set_tos(struct socket *socket, const struct option_row *row, int value)
{
    (void)row;
    return set_traffic_class(socket, IPV4_ROW, value);
}

static int set_tclass(struct socket *socket, const struct option_row *row, int value)
{
    (void)row;
    if (value < -1 || value > 0xff) {
        return -EINVAL;
    }
    return set_traffic_class(socket, IPV6_ROW, value == -1 ? 0 : value);
}

static int get_traffic_class(struct socket *socket, const struct option_row *row, int *value)
{
    int given = socket->options.traffic_class[row->low];
    *value = given >= 0 ? given : hf_stack_config(socket->file.set->config.stack)->traffic_class;
    return 0;
}

static int set_ttl(struct socket *socket, const struct option_row *row, int value)
{
    (void)row;
    if (value != -1 && (value < 1 || value > 255)) {
        return -EINVAL;
    }
    socket->options.hops[IPV4_ROW] = value;
    core_options_apply_header(socket);
    return 0;
}

/* A hop limit of 0, which Linux takes, could reach nobody, and the core refuses it. */
static int set_hops(struct socket *socket, const struct option_row *row, int value)
{
    (void)row;
    if (value < -1 || value > 255 || value == 0) {
        return -EINVAL;
    }
    socket->options.hops[IPV6_ROW] = value;
    core_options_apply_header(socket);
    return 0;
}

static int get_hops(struct socket *socket, const struct option_row *row, int *value)
{
    int given = socket->options.hops[row->low];
    *value = given >= 0 ? given : hf_stack_config(socket->file.set->config.stack)->ttl;
    return 0;
}

/* Linux's values are the core's. */
static int set_mtu_discovery(struct socket *socket, const struct option_row *row, int value)
{
    if (value < 0 || value > LARGEST_MTU_DISCOVERY) {
        return -EINVAL;
    }
    socket->options.mtu_discovery[row->low] = value;
    core_options_apply_header(socket);
    return 0;
}

static int get_mtu_discovery(struct socket *socket, const struct option_row *row, int *value)
{
    *value = socket->options.mtu_discovery[row->low];
    return 0;
}

/* Known once there is a path. */
static int get_mtu(struct socket *socket, const struct option_row *row, int *value)
{
    struct hf_status status;
    (void)row;
    if (socket->progress == PROGRESS_LISTENING || socket->handle == HF_NO_HANDLE ||
        hf_status(socket->file.set->config.stack, socket->handle, &status) != HF_OK) {
        return -ENOTCONN;
    }
    *value = status.path_mtu_bytes;
    return 0;
}

/* What routers say is a pending error at once. */
static int set_receive_errors(struct socket *socket, const struct option_row *row, int value)
{
    socket->options.receive_errors[row->low] = value != 0;
    if (value == 0) {
        error_queue_purge_icmp(socket);
    }
    return 0;
}

static int get_receive_errors(struct socket *socket, const struct option_row *row, int *value)
{
    *value = socket->options.receive_errors[row->low];
    return 0;
}

static int set_v6_only(struct socket *socket, const struct option_row *row, int value)
{
    if (socket->port != NULL) {
        return -EINVAL;
    }
    return option_set_flag(socket, row, value);
}

#define FLAG(member)                                \
    .set = option_set_flag, .get = option_get_flag, \
    .offset = offsetof(struct socket_options, member)

static const struct option_row ip_rows[] = {
    {.name = IP_TOS, .set = set_tos, .get = get_traffic_class, .low = IPV4_ROW},
    {.name = IP_TTL, .set = set_ttl, .get = get_hops, .low = IPV4_ROW},
    {.name = IP_MTU_DISCOVER, .set = set_mtu_discovery, .get = get_mtu_discovery, .low = IPV4_ROW},
    {.name = IP_MTU, .get = get_mtu},
    {.name = IP_RECVERR, .set = set_receive_errors, .get = get_receive_errors, .low = IPV4_ROW},
    {.name = IP_BIND_ADDRESS_NO_PORT, FLAG(bind_without_port)},
};
const struct option_table option_table_ip = {ip_rows, sizeof ip_rows / sizeof ip_rows[0]};

static const struct option_row ipv6_rows[] = {
    {.name = IPV6_V6ONLY,
     .set = set_v6_only,
     .get = option_get_flag,
     .offset = offsetof(struct socket_options, v6_only)},
    {.name = IPV6_TCLASS, .set = set_tclass, .get = get_traffic_class, .low = IPV6_ROW},
    {.name = IPV6_UNICAST_HOPS, .set = set_hops, .get = get_hops, .low = IPV6_ROW},
    {.name = IPV6_MTU_DISCOVER,
     .set = set_mtu_discovery,
     .get = get_mtu_discovery,
     .low = IPV6_ROW},
    {.name = IPV6_MTU, .get = get_mtu},
    {.name = IPV6_RECVERR, .set = set_receive_errors, .get = get_receive_errors, .low = IPV6_ROW},
};
const struct option_table option_table_ipv6 = {ipv6_rows, sizeof ipv6_rows / sizeof ipv6_rows[0]};
