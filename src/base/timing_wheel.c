/* SPDX-License-Identifier: MIT
 *
 * The time of the wheel and every deadline are read as numbers of eleven digits of 6 bits. A node
 * lives at the level of the highest digit in which its deadline differs from the wheel's time, in
 * the slot of its deadline's digit there. Deadlines not after the time differ in no useful digit:
 * they are `due`. From this one rule follows everything else:
 *
 * - An occupied slot's digit is always greater than the time's digit at that level, so the lowest
 *   set bit of the lowest level that has one is the earliest slot: no wrapping, no stepping.
 * - Nodes of one deadline are always in one list, in the order of arming, so ties need no serial
 *   number. A slot of level 0 holds a single deadline: nothing is ever sorted.
 * - When the time enters a slot's span, its nodes no longer differ in that digit and move down
 *   (the cascade). A node moves down at most once a level, and a slot with a single node is taken
 *   at once from whatever level it stands at, so nodes sink only as deep as they are crowded.
 *
 * The time moves only in wheel_expire and never past a deadline that is not yet due, so arming
 * during a run of expiries takes its place in order. It may lag behind: until `quiet_until` nothing
 * is due, and nothing is looked at; cancelling leaves it too early at most. Where a slot starts
 * says only that nothing in it is due before; each slot also keeps a lower bound of its deadlines,
 * so that the caller is not woken at the start of an empty stretch merely to cascade.
 */
#include "timing_wheel.h"

#include "hf_assert.h"

struct position {
    unsigned level, index;
};

static unsigned lowest_bit(uint64_t bits)
{
    return (unsigned)__builtin_ctzll(bits);
}

static unsigned highest_bit(uint64_t bits)
{
    return 63 - (unsigned)__builtin_clzll(bits);
}

/* Where a deadline after the wheel's time belongs. */
static struct position position_of(const struct timing_wheel *wheel, hf_time deadline)
{
    uint64_t difference = (uint64_t)deadline ^ (uint64_t)wheel->time;
    unsigned level = highest_bit(difference) / WHEEL_SLOT_BITS;
    uint64_t digits = (uint64_t)deadline >> level * WHEEL_SLOT_BITS;
    return (struct position){level, (unsigned)(digits % WHEEL_SLOTS)};
}

/* The earliest slot after `due`; false when all are empty. */
static bool first_occupied(const struct timing_wheel *wheel, struct position *position)
{
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        if (wheel->occupied[level] != 0) {
            *position = (struct position){level, lowest_bit(wheel->occupied[level])};
            return true;
        }
    }
    return false;
}

/* The first nanosecond of a slot's span: the time's digits above the level, the slot's own, zeros
 * below. */
static hf_time slot_start(const struct timing_wheel *wheel, struct position position)
{
    unsigned shift = position.level * WHEEL_SLOT_BITS;
    uint64_t start = (uint64_t)wheel->time >> shift;
    start -= start % WHEEL_SLOTS;
    return (hf_time)((start + position.index) << shift);
}

static void link_last(struct wheel_slot *slot, struct wheel_node *node)
{
    struct wheel_node *first = slot->first;
    if (first == NULL) {
        node->next = node;
        node->previous = node;
        slot->first = node;
        return;
    }
    node->next = first;
    node->previous = first->previous;
    first->previous->next = node;
    first->previous = node;
}

static void unlink_node(struct wheel_slot *slot, struct wheel_node *node)
{
    if (node->next == node) {
        slot->first = NULL;
    } else {
        node->next->previous = node->previous;
        node->previous->next = node->next;
        if (slot->first == node)
            slot->first = node->next;
    }
    node->next = NULL;
    node->previous = NULL;
}

/* Deadlines already reached keep their order too. They come nearly always in order, at the end;
 * those before all others go straight to the front. */
static void place_due(struct wheel_slot *due, struct wheel_node *node)
{
    struct wheel_node *first = due->first;
    if (first == NULL || first->previous->deadline <= node->deadline) {
        link_last(due, node);
        return;
    }
    struct wheel_node *after = first;
    if (node->deadline >= first->deadline) {
        after = first->previous;
        while (after->previous->deadline > node->deadline)
            after = after->previous;
    }
    node->next = after;
    node->previous = after->previous;
    after->previous->next = node;
    after->previous = node;
    if (after == first)
        due->first = node;
}

static void place(struct timing_wheel *wheel, struct wheel_node *node)
{
    if (node->deadline <= wheel->time) {
        place_due(&wheel->due, node);
        return;
    }
    struct position position = position_of(wheel, node->deadline);
    struct wheel_slot *slot = &wheel->slots[position.level][position.index];
    if (slot->first == NULL || node->deadline < slot->earliest)
        slot->earliest = node->deadline;
    link_last(slot, node);
    wheel->occupied[position.level] |= UINT64_C(1) << position.index;
}

static void remove_from_slot(struct timing_wheel *wheel, struct position position,
                             struct wheel_node *node)
{
    struct wheel_slot *slot = &wheel->slots[position.level][position.index];
    unlink_node(slot, node);
    if (slot->first == NULL)
        wheel->occupied[position.level] &= ~(UINT64_C(1) << position.index);
}

void wheel_init(struct timing_wheel *wheel, hf_time now)
{
    HF_ASSERT(now >= 0);
    *wheel = (struct timing_wheel){.time = now, .quiet_until = HF_TIME_NEVER};
}

void wheel_disarm(struct timing_wheel *wheel, struct wheel_node *node)
{
    HF_ASSERT(wheel_armed(node));
    wheel->count--;
    if (node->deadline <= wheel->time)
        unlink_node(&wheel->due, node);
    else
        remove_from_slot(wheel, position_of(wheel, node->deadline), node);
}

void wheel_arm(struct timing_wheel *wheel, struct wheel_node *node, hf_time deadline)
{
    wheel_cancel(wheel, node);
    if (deadline == HF_TIME_NEVER)
        return;
    node->deadline = deadline;
    wheel->count++;
    if (deadline < wheel->quiet_until)
        wheel->quiet_until = deadline;
    place(wheel, node);
}

/* Brings the time into the span of the earliest slot, as far as nothing becomes overdue unseen, and
 * moves its nodes to where they then belong. */
static void cascade(struct timing_wheel *wheel, struct position position, hf_time now)
{
    struct wheel_slot *slot = &wheel->slots[position.level][position.index];
    struct wheel_node *node = slot->first;
    struct wheel_node *last = node->previous;
    wheel->time = slot->earliest < now ? slot->earliest : now;
    slot->first = NULL;
    wheel->occupied[position.level] &= ~(UINT64_C(1) << position.index);
    if (position.level == 0 && slot->earliest <= now) {
        wheel->due.first = node;
        return;
    }
    for (;;) {
        struct wheel_node *next = node->next;
        place(wheel, node);
        if (node == last)
            return;
        node = next;
    }
}

struct wheel_node *wheel_expire_due(struct timing_wheel *wheel, hf_time now)
{
    while (wheel->due.first == NULL) {
        struct position position;
        if (!first_occupied(wheel, &position) || slot_start(wheel, position) > now) {
            /* Nothing stands between: no node's place depends on where in this gap the time is. */
            if (now > wheel->time)
                wheel->time = now;
            wheel->quiet_until = wheel_next_deadline(wheel);
            return NULL;
        }
        struct wheel_node *node = wheel->slots[position.level][position.index].first;
        if (node->next == node && node->deadline <= now) {
            remove_from_slot(wheel, position, node);
            wheel->time = node->deadline;
            wheel->count--;
            return node;
        }
        cascade(wheel, position, now);
    }
    struct wheel_node *node = wheel->due.first;
    if (node->deadline > now) {
        wheel->quiet_until = node->deadline;
        return NULL;
    }
    unlink_node(&wheel->due, node);
    wheel->count--;
    return node;
}

hf_time wheel_next_deadline(const struct timing_wheel *wheel)
{
    if (wheel->due.first != NULL)
        return wheel->due.first->deadline;
    struct position position;
    if (!first_occupied(wheel, &position))
        return HF_TIME_NEVER;
    const struct wheel_slot *slot = &wheel->slots[position.level][position.index];
    if (slot->first->next == slot->first)
        return slot->first->deadline;
    return slot->earliest > wheel->quiet_until ? slot->earliest : wheel->quiet_until;
}
