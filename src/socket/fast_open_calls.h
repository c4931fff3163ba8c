/* SPDX-License-Identifier: MIT
 *
 * TCP Fast Open on sockets: sending on the way in, and the options about it.
 */
#ifndef SOCKET_FAST_OPEN_CALLS_H
#define SOCKET_FAST_OPEN_CALLS_H

#include "option_table.h"
#include "transfer.h"

/* Linux's tcp_sendmsg_fastopen: connects, or goes on with a connect that was put off, and sends
 * what the SYN carries: *sent. 0: connected, send the rest; else a negative errno, which counts
 * only if nothing was sent. `address` may be NULL. */
int fast_open_send(struct socket *socket, struct vector *from, int flags,
                   const struct sockaddr_storage *address, socklen_t length, size_t *sent);
/* The socket has just begun to connect: TCP_FASTOPEN_CONNECT. True: its SYN waits for data. */
bool fast_open_put_off(struct socket *socket);
/* listen: where every listener is to have it. */
void fast_open_listen(struct socket *socket, uint32_t backlog);
/* The core's listener or connection is there: it gets the socket's keys. */
void fast_open_apply(struct socket *socket);
/* A connection just accepted does not have what is its listener's alone. */
void fast_open_accepted(struct socket *socket);

int set_fast_open_queue(struct socket *socket, const struct option_row *row, int value);
int set_fast_open_connect(struct socket *socket, const struct option_row *row, int value);
int set_fast_open_no_cookie(struct socket *socket, const struct option_row *row, int value);
int set_fast_open_key(struct socket *socket, const void *value, socklen_t length);
int get_fast_open_key(struct socket *socket, void *value, socklen_t *length);

/* ---- connect.c */

int connect_start(struct socket *socket, const struct sockaddr_storage *address, socklen_t length);
int connect_await(struct socket *socket, int verdict, int message_flags);

#endif
