/* SPDX-License-Identifier: MIT
 *
 * What a figure was measured on, without which it means nothing.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdint.h>

struct machine {
    char processor[128];
    char kernel[128];
    unsigned cores;
    uint64_t memory_bytes, available_bytes;
    double load; /* of the last minute, before the measurement */
    const char *compiler, *flags;
};

void machine_look(struct machine *machine);
/* Of this process. */
uint64_t machine_resident_bytes(void);

#endif
