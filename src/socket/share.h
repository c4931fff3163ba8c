/* SPDX-License-Identifier: MIT
 *
 * Listeners with SO_REUSEPORT.
 */
#ifndef SHARE_H
#define SHARE_H

#include "socket_state.h"

/* Joins those who listen there, or begins to. `socket->backlog` is set. 0 or a negative errno. */
int share_listen(struct socket *socket, const struct hf_endpoint *local);
/* socket->backlog has changed. */
int share_set_backlog(struct socket *socket);
/* Stops listening; what waits is reset. */
void share_leave(struct socket *socket);
/* Takes what the core has for the group. */
void share_distribute(struct socket *listener);
/* The oldest connection that waits, with its one reference; NULL: none. */
struct socket *share_take(struct socket *listener);

#endif
