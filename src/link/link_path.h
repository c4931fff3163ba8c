/* SPDX-License-Identifier: MIT
 *
 * One direction of a link, under sim (two stacks in one process, virtual time) and under path (real
 * packets, real time). A packet meets the rules in the order in which a real path would apply them:
 *
 *   1. The MTU; with `too_big`, an ICMP message about it goes back the other way.
 *   2. The queue for the wire, if it is busy: drop-tail by packets or bytes; RED judges on arrival.
 *   3. The rate: turns on the wire follow one another; a turn of n bits lasts n / rate, and what
 *      a division leaves over is carried to the next turn, so that the rate is exact. CoDel judges
 *      the head of the queue when its turn comes.
 *   4. Loss, which happens on the wire: a lost packet has used its turn. First what was chosen (by
 *      number or predicate), then chance, then the bursts of Gilbert and Elliott: a chain of two
 *      states that takes one step per packet and, while bad, loses with its own probability.
 *   5. The delay with jitter. A packet never overtakes the one before it, however the jitter falls,
 *      unless it is picked for reordering: then it is held back longer and others may overtake it.
 *   6. Duplication: the copy takes step 5 with luck of its own, and so may turn up late.
 *   7. Corruption: one bit, anywhere in the packet, is flipped in this copy.
 *
 * Every choice is a function of the seed, the direction, the purpose and the packet's number in
 * its direction (link_random.h). Nothing else enters, neither the wall clock nor an address in
 * memory, so one seed gives one run, byte for byte.
 *
 * With drop-tail by packets alone all of a packet's fate is known as it is sent, and settled then:
 * nothing is held but the times of the turns. With a queue in bytes or an algorithm that manages
 * it, packets wait in `queue` and link_path_advance must be called when link_path_next_turn says.
 *
 * What is counted agrees: sent + duplicated + injected = delivered + lost + queue_drops + aqm_drops
 * + mtu_drops + in_flight, of which `injected` (ICMP included) is known to the caller.
 */
#ifndef LINK_PATH_H
#define LINK_PATH_H

#include "codel.h"
#include "link_random.h"
#include "packet_heap.h"
#include "red.h"
#include "waiting_line.h"

#include <handfast/sim.h>

#define LINK_PACKET_MAX_BYTES 65535u
#define LINK_TIME_MAX_NS (HF_TIME_NEVER / 8) /* longer than any run; sums stay in range */

/* What chance decides. Those that each copy of a packet has for itself come in twos. */
enum link_purpose {
    LINK_PURPOSE_LOSS,
    LINK_PURPOSE_BURST_STATE,
    LINK_PURPOSE_BURST_LOSS,
    LINK_PURPOSE_DUPLICATE,
    LINK_PURPOSE_JITTER,
    LINK_PURPOSE_JITTER_OF_COPY,
    LINK_PURPOSE_REORDER,
    LINK_PURPOSE_REORDER_OF_COPY,
    LINK_PURPOSE_CORRUPT,
    LINK_PURPOSE_CORRUPT_OF_COPY,
    LINK_PURPOSE_CORRUPT_BIT,
    LINK_PURPOSE_CORRUPT_BIT_OF_COPY,
    LINK_PURPOSE_RED,
    LINK_PURPOSE_COUNT
};

/* Told of what befalls a packet that host `from` sent; its bytes are those before any corruption.
 */
struct link_teller {
    void (*tell)(void *context, int from, enum hf_reason reason, const uint8_t *packet,
                 size_t length, hf_time held_ns, hf_time now);
    void *context;
};

struct link_waiting;

struct link_path {
    struct hf_sim_direction rules;
    struct link_random random[LINK_PURPOSE_COUNT];
    uint64_t number;          /* of the last packet sent, from 1 */
    bool bad;                 /* Gilbert-Elliott's state */
    hf_time wire_free;        /* when the last turn on the wire ends */
    uint64_t turn_carry;      /* left over from the last turn, in 1 / rate of a nanosecond */
    hf_time last_arrival;     /* of packets that keep their order */
    struct waiting_line line; /* for the wire, when fates are settled at once */
    struct link_waiting *first, *last; /* for the wire, when they are not */
    uint64_t queue_packets, queue_bytes;
    struct codel codel;
    struct red red;
    struct hf_sim_statistics statistics;
    struct packet_heap *arrivals; /* where packets under way are; may be shared by both ways */
    struct link_path *back;       /* the other way; NULL: ICMP messages have none to go */
    int from;                     /* 0 or 1; arrivals are for 1 - from */
    struct link_teller teller;    /* tell: NULL or a function */
};

bool link_rules_are_sane(const struct hf_sim_direction *rules);
/* `path` is all zero but for arrivals, back, from and teller. The rules are sane. */
void link_path_init(struct link_path *path, uint64_t seed, const struct hf_sim_direction *rules);
/* Frees what waits; the arrivals are their owner's. */
void link_path_clear(struct link_path *path);
/* Sane rules, from now on. Packets under way stay. */
void link_path_set_rules(struct link_path *path, const struct hf_sim_direction *rules);
/* 1 to LINK_PACKET_MAX_BYTES bytes, copied. `now` must not go backwards. */
void link_path_send(struct link_path *path, const uint8_t *packet, size_t length, hf_time now);
/* When link_path_advance has something to do; HF_TIME_NEVER: nothing waits. */
hf_time link_path_next_turn(const struct link_path *path);
/* Lets those leave the queue whose turn has come by `now`. */
void link_path_advance(struct link_path *path, hf_time now);

#endif
