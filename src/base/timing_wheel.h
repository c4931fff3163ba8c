/* SPDX-License-Identifier: MIT
 *
 * A hierarchical timing wheel (Varghese and Lauck, 1987): arm and cancel in O(1), expire in O(1)
 * amortised, whatever the number of timers. Nodes are embedded in their owners. Deadlines are exact
 * nanoseconds: a node never expires early, and among nodes due at one call the order is (deadline,
 * then the order of arming), so that runs repeat exactly.
 */
#ifndef TIMING_WHEEL_H
#define TIMING_WHEEL_H

#include <handfast/types.h>
#include <stdbool.h>
#include <stdint.h>

struct wheel_node {
    struct wheel_node *next, *previous; /* NULL: not armed */
    hf_time deadline;
};

/* The wheel ticks in nanoseconds; eleven levels of 6 bits hold every hf_time, as do sixteen of 4:
 * 4 KiB in place of 11 where pointers have 32 bits, for more steps down to a far deadline. */
#ifdef HF_PROFILE_TINY
#define WHEEL_SLOT_BITS 4
#define WHEEL_LEVELS 16
#else
#define WHEEL_SLOT_BITS 6
#define WHEEL_LEVELS 11
#endif
#define WHEEL_SLOTS (1 << WHEEL_SLOT_BITS)

/* A ring of nodes, the first armed first. */
struct wheel_slot {
    struct wheel_node *first; /* NULL: empty */
    hf_time earliest;         /* no node in it has a deadline before this */
};

struct timing_wheel {
    struct wheel_slot slots[WHEEL_LEVELS][WHEEL_SLOTS];
    uint64_t occupied[WHEEL_LEVELS]; /* one bit a slot */
    struct wheel_slot due;           /* deadline <= time, in order of expiry */
    hf_time time;                    /* what the wheel has reached */
    hf_time quiet_until;             /* no node has a deadline before this */
    uint64_t count;
};

void wheel_init(struct timing_wheel *wheel, hf_time now);
/* Arms or re-arms (which counts as the latest arming, even to the same deadline). deadline
 * HF_TIME_NEVER cancels. A deadline in the past is due at the next wheel_expire. */
void wheel_arm(struct timing_wheel *wheel, struct wheel_node *node, hf_time deadline);
static inline bool wheel_armed(const struct wheel_node *node)
{
    return node->next != NULL;
}
/* Of a node that is armed. */
void wheel_disarm(struct timing_wheel *wheel, struct wheel_node *node);
/* Does nothing to a node that is not armed. */
static inline void wheel_cancel(struct timing_wheel *wheel, struct wheel_node *node)
{
    if (wheel_armed(node)) {
        wheel_disarm(wheel, node);
    }
}
/* wheel_expire, where something may be due. */
struct wheel_node *wheel_expire_due(struct timing_wheel *wheel, hf_time now);
/* Takes the next node whose deadline <= now, disarmed; NULL when there is none. Arming a node
 * during a run of calls with one `now` to a deadline <= now makes it due in the same run. Asked far
 * more often than there is something due, so that answer is inline: as a call it took 82
 * instructions, thirty times a connection. */
static inline struct wheel_node *wheel_expire(struct timing_wheel *wheel, hf_time now)
{
    return now < wheel->quiet_until ? NULL : wheel_expire_due(wheel, now);
}
/* No node is due before this: exact, unless a node was cancelled or re-armed that was the earliest
 * of its slot, then possibly early; HF_TIME_NEVER when nothing is armed. Calling wheel_expire at
 * that time always makes progress: repeating "advance to next deadline, expire" reaches every node
 * exactly at its deadline. */
hf_time wheel_next_deadline(const struct timing_wheel *wheel);

#endif
