/* SPDX-License-Identifier: MIT
 *
 * CoDel (RFC 8289): a queue is too long when no packet of a whole interval got through it faster
 * than the target. From then on the head is dropped (or marked), at instants that come closer as
 * the square root of their count grows, until a packet gets through in time.
 *
 * The RFC's pseudo-code takes packets out of the queue in its midst; here it is turned inside out
 * into one question per head of the queue, so that it owns no queue.
 */
#ifndef CODEL_H
#define CODEL_H

#include <handfast/types.h>
#include <stdbool.h>
#include <stdint.h>

#define CODEL_TARGET_NS (5 * HF_MILLISECOND)     /* RFC 8289 4.2's TARGET */
#define CODEL_INTERVAL_NS (100 * HF_MILLISECOND) /* RFC 8289 4.3's INTERVAL */
#define CODEL_MAX_PACKET_BYTES 1514u             /* maxpacket: one packet is no queue */

/* All zero, but for the first two, is the start. */
struct codel {
    hf_time target_ns, interval_ns;
    hf_time first_above; /* when the sojourn time will have been too long for an interval; 0: not */
    hf_time drop_next;
    uint32_t count, last_count; /* drops since the dropping state was entered; and at its entry */
    bool dropping;
};

/* The head of the queue is about to leave, having waited `sojourn_ns`, and `behind_bytes` wait
 * behind it. True: drop it and ask again about the next; or mark it and let it go. */
bool codel_condemns(struct codel *codel, hf_time now, hf_time sojourn_ns, uint64_t behind_bytes);

#endif
