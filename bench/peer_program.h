/* SPDX-License-Identifier: MIT
 *
 * A peer that is measured in a process of its own, so that nothing of it has to be in this one:
 *
 *     PROGRAM name                         prints what it is
 *     PROGRAM bulk BYTES                   nanoseconds for 1460 bytes
 *     PROGRAM rst|fin CONNECTIONS IDLE     connections a second beside so many idle ones
 *     PROGRAM latency COUNT                nanoseconds of one exchange each, the median
 *     PROGRAM idle CONNECTIONS             bytes held for an idle connection, one end
 *
 * each a line. bench/lwip_peer.c is one.
 */
#ifndef PEER_PROGRAM_H
#define PEER_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool peer_name(const char *path, char *text, size_t size);
/* 0: it could not be measured. */
double peer_run(const char *path, const char *work, uint64_t count, uint64_t idle);

#endif
