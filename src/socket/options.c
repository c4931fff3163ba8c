/* SPDX-License-Identifier: MIT
 *
 * getsockopt and setsockopt: finding the row, and the ways in which Linux reads and writes an int
 * of the wrong length, which differ from level to level.
 */
#include "option_table.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>

static const struct option_row *find_row(const struct option_table *table, int name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->rows[i].name == name) {
            return &table->rows[i];
        }
    }
    return NULL;
}

/* NULL: no such level for this socket. An AF_INET6 socket has both IP levels. */
static const struct option_table *table_of(const struct socket *socket, int level)
{
    switch (level) {
    case SOL_SOCKET:
        return &option_table_socket;
    case SOL_TCP:
        return &option_table_tcp;
    case SOL_IP:
        return &option_table_ip;
    case SOL_IPV6:
        return socket->domain == AF_INET6 ? &option_table_ipv6 : NULL;
    default:
        return NULL;
    }
}

/* ---- rows that many share */

int option_set_core(struct socket *socket, const struct option_row *row, int value)
{
    if (value < row->low || value > row->high) {
        return -EINVAL;
    }
    return core_option_set(socket, row->core, value * row->unit);
}

int option_get_core(struct socket *socket, const struct option_row *row, int *value)
{
    int64_t wide = core_option_get(socket, row->core) / row->unit;
    *value = wide > INT32_MAX ? INT32_MAX : (int)wide;
    return 0;
}

static bool *flag_at(struct socket *socket, const struct option_row *row)
{
    return (bool *)(void *)((char *)&socket->options + row->offset);
}

int option_set_flag(struct socket *socket, const struct option_row *row, int value)
{
    *flag_at(socket, row) = value != 0;
    return 0;
}

int option_get_flag(struct socket *socket, const struct option_row *row, int *value)
{
    *value = *flag_at(socket, row);
    return 0;
}

/* ---- setsockopt */

/* SOL_SOCKET and SOL_TCP want a whole int; SOL_IP takes a byte for one, and nothing for 0; SOL_IPV6
 * wants a whole int, and takes NULL for 0. */
static int read_int(int level, const void *value, socklen_t length, int *out)
{
    uint8_t byte;
    *out = 0;
    if (level == SOL_IP && length < sizeof *out) {
        if (length == 0) {
            return 0;
        }
        if (value == NULL) {
            return -EFAULT;
        }
        memcpy(&byte, value, sizeof byte);
        *out = byte;
        return 0;
    }
    if (length < sizeof *out) {
        return -EINVAL;
    }
    if (value == NULL) {
        return level == SOL_IPV6 ? 0 : -EFAULT;
    }
    memcpy(out, value, sizeof *out);
    return 0;
}

/* Which complaint comes first when the name is unknown and the value short: Linux reads the value
 * before it looks at the name at SOL_SOCKET and SOL_TCP. */
static int no_such_option(int level, const void *value, socklen_t length)
{
    int unused;
    int error =
        level == SOL_SOCKET || level == SOL_TCP ? read_int(level, value, length, &unused) : 0;
    return error != 0 ? error : -ENOPROTOOPT;
}

static int set_option(struct socket *socket, int level, int name, const void *value,
                      socklen_t length)
{
    const struct option_table *table = table_of(socket, level);
    const struct option_row *row = table != NULL ? find_row(table, name) : NULL;
    int number;
    int error;
    if ((int)length < 0) {
        return -EINVAL;
    }
    if (table == NULL) {
        return -ENOPROTOOPT;
    }
    if (row == NULL || (row->set == NULL && row->set_bytes == NULL)) {
        return no_such_option(level, value, length);
    }
    if (row->set_bytes != NULL) {
        return row->set_bytes(socket, value, length);
    }
    error = read_int(level, value, length, &number);
    return error != 0 ? error : row->set(socket, row, number);
}

int hf_socket_setsockopt(struct hf_sockets *set, int fd, int level, int name, const void *value,
                         socklen_t length)
{
    int error;
    struct socket *socket = socket_get(set, fd, &error);
    if (socket == NULL) {
        return error;
    }
    error = set_option(socket, level, name, value, length);
    socket_put(socket);
    return error;
}

/* ---- getsockopt */

/* A short buffer gets the first bytes of the int; at SOL_IP one byte, where that says it all. */
static int write_int(int level, int number, void *value, socklen_t *length)
{
    uint8_t byte = (uint8_t)number;
    if (level == SOL_IP && *length<sizeof number && * length> 0 && number >= 0 && number <= 255) {
        if (value == NULL) {
            return -EFAULT;
        }
        memcpy(value, &byte, 1);
        *length = 1;
        return 0;
    }
    *length = *length < sizeof number ? *length : (socklen_t)sizeof number;
    if (*length > 0) {
        if (value == NULL) {
            return -EFAULT;
        }
        memcpy(value, &number, *length);
    }
    return 0;
}

static int get_option(struct socket *socket, int level, int name, void *value, socklen_t *length)
{
    const struct option_table *table = table_of(socket, level);
    const struct option_row *row = table != NULL ? find_row(table, name) : NULL;
    int number;
    int error;
    if (table == NULL) {
        return socket->domain == AF_INET ? -EOPNOTSUPP : -ENOPROTOOPT;
    }
    if (length == NULL) {
        return -EFAULT;
    }
    if ((int)*length < 0 && level != SOL_IPV6) { /* there it is a very large one */
        return -EINVAL;
    }
    if (row == NULL || (row->get == NULL && row->get_bytes == NULL)) {
        return -ENOPROTOOPT;
    }
    if (row->get_bytes != NULL) {
        return row->get_bytes(socket, value, length);
    }
    error = row->get(socket, row, &number);
    return error != 0 ? error : write_int(level, number, value, length);
}

int hf_socket_getsockopt(struct hf_sockets *set, int fd, int level, int name, void *value,
                         socklen_t *length)
{
    int error;
    struct socket *socket = socket_get(set, fd, &error);
    if (socket == NULL) {
        return error;
    }
    error = get_option(socket, level, name, value, length);
    socket_put(socket);
    return error;
}
