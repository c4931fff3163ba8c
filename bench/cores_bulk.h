/* SPDX-License-Identifier: MIT
 *
 * Two hosts of several cores each, a thread for a core: on each a stream from one host to the
 * other.
 */
#ifndef CORES_BULK_H
#define CORES_BULK_H

#include <stdbool.h>
#include <stdint.h>

struct cores_bulk_result {
    double seconds;  /* on the wall, from the first byte of any to the last of all; 0: failed */
    double worked;   /* seconds for which the threads had a processor, of all together */
    uint64_t passed; /* packets that went by way of another core */
};
/* `bytes` on each core. `astray`: the hosts hash differently, so that of two packets one arrives at
 * a core that is not its own, as bad as it gets; else every packet arrives where it belongs, as
 * over queues that have learnt their flows. */
struct cores_bulk_result cores_bulk_run(uint32_t cores, uint64_t bytes, bool astray);

#endif
