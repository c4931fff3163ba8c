/* SPDX-License-Identifier: MIT
 *
 * A host on a TUN device that answers each request of 64 bytes with a response of 128.
 */
#ifndef TUN_ANSWER_H
#define TUN_ANSWER_H

#include <stdbool.h>
#include <sys/types.h>

/* A process that serves on 10.66.0.2, port 5001, until it is ended; the kernel's end of the device
 * is 10.66.0.1. `busy`: it never sleeps. */
pid_t tun_answer_start(bool busy);

#endif
