/* SPDX-License-Identifier: MIT
 *
 * A trace sink that remembers: the states each host went through, how often each reason was given,
 * and the last packet of each kind.
 */
#ifndef DEMO_WATCH_H
#define DEMO_WATCH_H

#include <handfast/trace.h>
#include <stddef.h>
#include <stdint.h>

#define DEMO_WATCH_HOSTS 2u
#define DEMO_WATCH_STATES 64u
#define DEMO_WATCH_PACKET_BYTES 160u
#define DEMO_PATH_TEXT 1024u

/* The kinds of segments that the scenarios speak of. */
enum demo_packet {
    DEMO_PACKET_NONE, /* no TCP, or no kind of its own */
    DEMO_PACKET_SYN,
    DEMO_PACKET_SYN_ACK,
    DEMO_PACKET_DATA,
    DEMO_PACKET_ACK, /* ACK alone */
    DEMO_PACKET_FIN,
    DEMO_PACKET_RST,
    DEMO_PACKET_KINDS
};

struct demo_watch_packet {
    size_t length; /* 0: none yet, or larger than is kept */
    uint8_t bytes[DEMO_WATCH_PACKET_BYTES];
};

struct demo_watch_host {
    unsigned state_count;
    enum hf_state states[DEMO_WATCH_STATES]; /* the first is the one before the first change */
    uint64_t reasons[HF_REASON_COUNT];       /* how often each was given */
    struct demo_watch_packet last[DEMO_PACKET_KINDS]; /* by enum demo_packet */
};

struct demo_watch {
    struct demo_watch_host hosts[DEMO_WATCH_HOSTS];
    uint64_t events;
};

struct hf_trace_sink demo_watch_sink(struct demo_watch *watch);
/* Forgets the states; the rest goes on. */
void demo_watch_forget_states(struct demo_watch *watch);
/* "CLOSED SYN-SENT ESTABLISHED"; "" when nothing changed. */
char *demo_watch_path(const struct demo_watch *watch, unsigned host, char text[DEMO_PATH_TEXT]);
/* Segments sent again, for whatever reason. */
uint64_t demo_watch_retransmitted(const struct demo_watch *watch, unsigned host);

/* Which kind of packet these header flags and this much data make. */
enum demo_packet demo_watch_kind(uint16_t flags, uint32_t length_bytes);
/* The same of a whole IP packet. */
enum demo_packet demo_watch_kind_of_packet(const uint8_t *packet, size_t length);

#endif
