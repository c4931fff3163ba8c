/* SPDX-License-Identifier: MIT
 *
 * Socket options: one row each, one table a level. options.c reads and writes the caller's memory
 * as Linux does at that level and calls the row.
 */
#ifndef OPTION_TABLE_H
#define OPTION_TABLE_H

#include "socket_state.h"

struct option_row {
    int name;
    /* Options of one int. NULL: cannot be set, cannot be read (-ENOPROTOOPT). */
    int (*set)(struct socket *socket, const struct option_row *row, int value);
    int (*get)(struct socket *socket, const struct option_row *row, int *value);
    /* The others, in place of the two above. `*length` is the room, then what was written. */
    int (*set_bytes)(struct socket *socket, const void *value, socklen_t length);
    int (*get_bytes)(struct socket *socket, void *value, socklen_t *length);
    /* For rows that stand for an option of the core: its unit in the core's, its range here. */
    enum hf_option core;
    int low, high;
    int64_t unit;
    size_t offset; /* for rows that stand for a member of struct socket_options */
};

struct option_table {
    const struct option_row *rows;
    size_t count;
};
extern const struct option_table option_table_socket; /* SOL_SOCKET */
extern const struct option_table option_table_tcp;    /* SOL_TCP */
extern const struct option_table option_table_ip;     /* SOL_IP */
extern const struct option_table option_table_ipv6;   /* SOL_IPV6 */

/* An int as it is in the core, times row->unit; -EINVAL outside low..high. */
int option_set_core(struct socket *socket, const struct option_row *row, int value);
int option_get_core(struct socket *socket, const struct option_row *row, int *value);
/* A bool of struct socket_options, at row->offset. */
int option_set_flag(struct socket *socket, const struct option_row *row, int value);
int option_get_flag(struct socket *socket, const struct option_row *row, int *value);

#endif
