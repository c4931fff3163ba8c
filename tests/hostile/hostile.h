/* SPDX-License-Identifier: MIT
 *
 * A hostile peer that knows every number: one host of ours, reached by packets that are written by
 * hand (tests/fuzz/packet_forge), and what the peer knows of the connection with it. The families
 * (families_sender.c, families_receiver.c) are ways of being hostile, a step each; who plays them
 * is in hostile_test.c.
 *
 * Numbers are absolute, as on the wire. What our host sends is checked as it leaves: its text, its
 * size, its place within what was offered.
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include "packet_forge.h"

#include <handfast/handfast.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ways of opening. */
enum hostile_flag {
    HOSTILE_NO_SACK = 1,
    HOSTILE_NO_STAMPS = 2,
    HOSTILE_ECN = 4,      /* RFC 3168's */
    HOSTILE_ACCURATE = 8, /* RFC 9768's */
    HOSTILE_IPV6 = 16,
    HOSTILE_RECEIVER = 32, /* our host is sent data; otherwise it sends */
    HOSTILE_SMALL = 64     /* the peer takes segments of 88 bytes, options included */
};

struct hostile {
    struct hf_stack *stack;
    hf_handle listener, connection;
    hf_time now;
    struct forge_random random;
    struct hf_address host[2], other[2]; /* IPv4, IPv6 */
    struct hf_endpoint local, peer;
    uint16_t ports; /* the peer's last one */
    unsigned flags; /* enum hostile_flag */

    uint32_t iss, peer_iss;    /* our host's; the peer's */
    uint32_t una, next;        /* our host's SND.UNA and SND.NXT */
    uint32_t edge;             /* what was offered, at most: no segment may end behind it */
    uint32_t seq;              /* what our host expects: its RCV.NXT as it has told */
    uint32_t told_edge;        /* RCV.NXT + RCV.WND, likewise */
    uint32_t shift;            /* of the windows that our host tells */
    uint32_t mss, flight;      /* text in a segment; what may be in flight, in segments */
    uint32_t stamp, echo;      /* TSval of the peer, newest of our host */
    uint32_t read;             /* by our host's program, in bytes since the beginning */
    uint32_t written;          /* the same, given to it to send */
    uint32_t mark[4];          /* a family's own, zero when it begins */
    bool refill;               /* its program keeps the send queue full */
    bool reading;              /* its program reads what there is */
    bool counting;             /* what it does now is counted */
    uint64_t in, out, repeats; /* packets, while counting */
    struct hf_config config;   /* the usual one */
    const char *configuration; /* the one in use */
    bool usual;
};

/* Another shape of our host. */
struct configuration {
    const char *name;
    void (*set)(struct hf_config *config); /* NULL: the usual one */
};
extern const struct configuration configurations[]; /* ended by a name of NULL */
/* NULL: there is none. */
const struct configuration *configuration_find(const char *name);
/* From the next connection on. */
void hostile_configure(struct hostile *w, const struct configuration *configuration);

/* A segment of the peer's in the making. */
struct hostile_segment {
    uint32_t seq, ack;
    uint16_t flags, window, urgent_pointer;
    uint8_t options[40];
    size_t option_bytes, sack_at; /* sack_at: of SACK's length; 0: there is none */
    uint32_t length;              /* of the text, which is what belongs at seq */
    bool marked;                  /* Congestion Experienced */
};

/* One way of being hostile. */
struct family {
    const char *name;
    unsigned flags; /* how the connection opens: these, and any others of the sequence's */
    void (*step)(struct hostile *w, uint32_t i);
    void (*begin)(struct hostile *w); /* NULL: nothing */
    uint32_t most_steps;              /* with one connection; 0: any number */
};
extern const struct family sender_families[], receiver_families[]; /* ended by a name of NULL */

/* Prints what went wrong and where (printf's way), and ends the program. */
__attribute__((format(printf, 2, 3), noreturn)) void hostile_fail(const struct hostile *w,
                                                                  const char *format, ...);

void hostile_start(struct hostile *w, uint64_t seed, const struct hf_allocator *allocator);
void hostile_stop(struct hostile *w);
/* A connection with so many segments in flight, or of a receiver with a buffer for as many. */
void hostile_open(struct hostile *w, unsigned flags, uint32_t flight);
/* It is gone, and nothing of it is left. */
void hostile_close(struct hostile *w);

/* Takes all that our host sends. */
void hostile_take(struct hostile *w);
/* The same after so long; timers that are due before run in their time. */
void hostile_wait(struct hostile *w, hf_time time);
/* An ACK of w->una that offers w->flight. */
struct hostile_segment hostile_ack(const struct hostile *w);
/* A SACK block, if there is room for one more. */
void hostile_block(struct hostile_segment *segment, uint32_t left, uint32_t right);
void hostile_option(struct hostile_segment *segment, const uint8_t *bytes, size_t length);
/* What stands in the timestamps' TSecr. */
void hostile_set_echo(struct hostile_segment *segment, uint32_t echo);
void hostile_set_stamp(struct hostile_segment *segment, uint32_t stamp);
enum hf_reason hostile_hit(struct hostile *w, const struct hostile_segment *segment);
enum hf_reason hostile_hit_bytes(struct hostile *w, const uint8_t *packet, size_t length);
/* Text of the peer's at `seq`, whether due or not. */
enum hf_reason hostile_text(struct hostile *w, uint32_t seq, uint32_t length);
/* The peer acknowledges `bytes` more, or as much as is in flight. */
void hostile_acknowledge(struct hostile *w, uint32_t bytes);
/* Honest for so many round trips. */
void hostile_honest(struct hostile *w, unsigned round_trips);

static inline uint32_t below(struct hostile *w, uint32_t bound)
{
    return forge_below(&w->random, bound);
}
static inline uint32_t in_flight(const struct hostile *w)
{
    return w->next - w->una;
}
/* Segments in flight, at least one so that it can be divided by. */
static inline uint32_t segments(const struct hostile *w)
{
    return in_flight(w) / w->mss > 0 ? in_flight(w) / w->mss : 1;
}

#endif
