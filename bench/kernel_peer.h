/* SPDX-License-Identifier: MIT
 *
 * The kernel's TCP doing the same work over loopback, in one thread that plays both ends. Its time
 * in the kernel counts, as the thread's own. Each gives 0 where sockets are not to be had.
 */
#ifndef KERNEL_PEER_H
#define KERNEL_PEER_H

#include <stdint.h>

/* Nanoseconds for 1460 bytes from program to program, segments of at most that. */
double kernel_bulk_ns(uint64_t bytes);
/* Connections a second: open, a byte each way, close. */
double kernel_connections(uint64_t connections, int reset);
/* Times of `count` requests of 64 bytes and responses of 128, in ns on the wall. */
int kernel_latency(uint64_t *times, uint32_t count);

#endif
