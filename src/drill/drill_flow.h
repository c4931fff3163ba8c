/* SPDX-License-Identifier: MIT
 *
 * One conversation between the stack under test and the script's peer: its ports, and how the
 * script's numbers stand to those on the wire.
 *
 * A SYN has its number as it stands there; all other numbers are counted from the one that the SYN
 * of that side had, as in packetdrill: after "< S. 123:123(0)" the next line is "> . 1:1(0) ack 1".
 * The peer's initial number is the script's. The stack chooses its own: the first SYN that a script
 * line matches tells by how much they differ. Timestamps likewise: the stack's TS val
 * is noted beside the one that the script has for it, so that the script's ecr finds it again.
 */
#ifndef DRILL_FLOW_H
#define DRILL_FLOW_H

#include "drill_segment.h"

struct drill_timestamp {
    uint32_t script, live;
};

struct drill_flow {
    uint16_t remote_port;
    uint16_t local_port;      /* 0: not known before the stack's SYN */
    int descriptor;           /* the script's, or DRILL_UNSET */
    bool offset_known;        /* the stack's SYN was seen */
    bool offset_open;         /* another SYN with another number may follow */
    uint32_t sequence_offset; /* of the stack's SYN: the wire's number = the script's + offset */
    uint32_t own_initial;     /* the script's number of the stack's SYN */
    bool peer_known;          /* the peer's SYN was sent */
    uint32_t peer_initial;    /* its number */
    uint32_t peer_base;       /* of the SYN from which the peer's numbers are counted */
    bool peer_base_settled;   /* both sides speak: only an answered SYN begins anew */
    bool own_unknown;         /* the stack's stream is not the one known by its place */
    bool urgent;              /* urgent data makes the stream's bytes no longer countable */
    struct drill_timestamp *timestamps;
    size_t timestamp_count, timestamp_room;
    struct drill_flow *next;
};

/* What the wire's numbers of the stack's and of the peer's sequence space are counted from, in a
 * segment with SYN or without. */
uint32_t drill_flow_own_base(const struct drill_flow *flow, bool syn);
uint32_t drill_flow_peer_base(const struct drill_flow *flow, bool syn);
/* The wire's number. */
uint32_t drill_flow_live(uint32_t base, struct drill_number number);

void drill_flow_note_timestamp(struct drill_flow *flow, uint32_t script, uint32_t live);
/* What the script's ecr is on the wire. False: no such TS val was seen, nor one to count from. */
bool drill_flow_echo(const struct drill_flow *flow, uint32_t script, uint32_t *live);
void drill_flow_free(struct drill_flow *flow);

/* Every byte of a stream has a value by its place, so that one that is lost, doubled or moved
 * shows. */
uint8_t drill_stream_byte(uint32_t offset);
void drill_stream_fill(uint8_t *bytes, size_t length, uint32_t offset);
/* The place of the first byte that is not as it should be; length: none. */
size_t drill_stream_compare(const uint8_t *bytes, size_t length, uint32_t offset);

/* The script's words for a packet as it is; `flow` may be NULL. */
void drill_segment_print(const struct drill_segment *segment, const struct drill_flow *flow,
                         bool inbound, char *text, size_t room);

#endif
