/* SPDX-License-Identifier: MIT
 *
 * Plays a figure of RFC 9293 line by line. The lines are a table: what a program asks for, which
 * segment leaves or arrives, and the states of both ends after it. The packets are carried by hand
 * from one stack to the other, so that a segment can stay in the network ("..." in the figures) as
 * long as the figure wants.
 *
 * Nothing is taken on trust: the segments are parsed here, from their bytes; the states are asked
 * from the stack and, independently, followed in its trace; a packet that the figure does not show
 * fails the test, as does one that it shows and that is not sent.
 */
#ifndef FIGURE_PLAYER_H
#define FIGURE_PLAYER_H

#include <handfast/handfast.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PEER_A, PEER_B, PEERS };

/* Sequence numbers are written as in "B's first number plus 1". A number is learned where it is
 * first seen, and must fit from then on. */
enum number_origin { NO_NUMBER, ISS_A, ISS_A_NEW, ISS_B, ISS_B_NEW, NUMBER_ORIGINS };

struct number {
    enum number_origin origin;
    uint32_t plus;
};

enum move {
    LISTENS,   /* OPEN, passive */
    UNLISTENS, /* the listener is closed; what it has opened stays */
    CONNECTS,  /* OPEN, active */
    CLOSES,    /* CLOSE */
    ABORTS,    /* ABORT */
    SENDS,     /* SEND; length: how many bytes */
    REBOOTS,   /* everything is forgotten */
    WAITS,     /* length: milliseconds pass */
    JUDGES,    /* nothing happens; the reason is what the peer made of the last arrival */
    LEAVES,    /* the peer's next packet is this one; it stays in the network:  -->  ... */
    ARRIVES,   /* and now reaches the other:                                    ...  --> */
    PASSES,    /* both at once; what left earlier has arrived before:           -->  --> */
    OVERTAKES  /* the same, past packets that left earlier */
};

struct figure_row {
    unsigned line; /* of the figure; 0: what led up to it */
    enum move move;
    unsigned peer;
    uint16_t flags; /* PSH is free to be there or not */
    struct number seq, ack;
    uint32_t length;
    enum hf_state states[PEERS]; /* afterwards */
    enum hf_reason reason;       /* of a segment that leaves; HF_REASON_NONE: whatever it may be */
};

struct figure_variant {
    uint8_t family; /* HF_IPV4, HF_IPV6 */
    uint8_t seed;
    bool timestamps;  /* and SACK and window scaling */
    bool whole_close; /* CLOSE is hf_close, not hf_shutdown */
};

struct figure {
    const char *name;
    const struct figure_row *rows;
    size_t row_count;
    int errors[PEERS];              /* what the programs must have been told at the end */
    uint64_t received_bytes[PEERS]; /* what they must have read */
    unsigned in_network;            /* packets that the figure leaves there at its end */
    /* Not NULL: may change a packet before it arrives in this line. */
    void (*tamper)(unsigned line, const uint32_t numbers[NUMBER_ORIGINS], uint8_t *packet);
};

#define FIGURE_ROWS(table) .rows = (table), .row_count = sizeof(table) / sizeof(table)[0]

/* Plays it in all variants; fails the cmocka test at the first difference, naming the figure, the
 * variant and the line. */
void figure_play(const struct figure *figure);

/* For tamper: writes a sequence number into the TCP header and mends the checksum. */
void figure_write_seq(uint8_t *packet, uint32_t seq);

#endif
