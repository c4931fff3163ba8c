/* SPDX-License-Identifier: MIT
 *
 * The kernel's TCP sockets, as the proxy uses them: non-blocking, and with endpoints in Handfast's
 * form.
 */
#ifndef KERNEL_SOCKET_H
#define KERNEL_SOCKET_H

#include <handfast/types.h>
#include <stdbool.h>

/* All return a descriptor or a negated errno. */
int kernel_socket_listen(const struct hf_endpoint *local);
/* Another descriptor of the same listener, for another thread. */
int kernel_socket_share(int descriptor);
/* Not connected yet. */
int kernel_socket_new(const struct hf_endpoint *remote);
int kernel_socket_accept(int listener);

/* 0: connected; -EINPROGRESS: writable once it is known; another negated errno: failed. */
int kernel_socket_connect(int descriptor, const struct hf_endpoint *remote);
/* The error that the socket holds, negated, or 0. */
int kernel_socket_error(int descriptor);
/* close with RST. */
void kernel_socket_reset(int descriptor);

/* No more can be had now of what one process or the system may have. */
bool kernel_socket_exhausted(int error);

#endif
