/* SPDX-License-Identifier: MIT
 *
 * Receiving and sending on a socket, once descriptors and vectors have been looked up.
 */
#ifndef TRANSFER_H
#define TRANSFER_H

#include "socket_state.h"
#include "vector.h"

ssize_t socket_receive(struct socket *socket, struct vector *into, int flags, int *message_flags);
ssize_t socket_send(struct socket *socket, struct vector *from, int flags);
/* With an address, which only MSG_FASTOPEN looks at; NULL: none. `stamps`: see stamping.h. */
ssize_t socket_send_to(struct socket *socket, struct vector *from, int flags,
                       const struct sockaddr_storage *address, socklen_t length, uint32_t stamps);

#endif
