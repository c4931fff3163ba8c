/* SPDX-License-Identifier: MIT
 *
 * A conformance bench: one Handfast stack, reached only through its public API, against a scripted
 * peer that is nothing but bytes. The bench writes every packet the peer sends and reads every
 * packet the stack sends with a builder, a parser and a checksum of its own (segment.c), so an
 * error in the library's wire code cannot hide itself. Time is virtual and moves only when a test
 * moves it.
 *
 * A scenario reads as a script:
 *
 *     user_listen(w);
 *     peer(w, "S seq=0 win=1000 mss=1460");
 *     sends(w, "S. seq=0 ack=1");
 *     peer(w, ". seq=1 ack=1 win=1000");
 *     sends_after(w, 40 * HF_MILLISECOND, ". seq=1 ack=101");
 *     silent_for(w, HF_SECOND);
 *
 * The text of a segment is its flags, then fields, in any order:
 *     flags     S F R P . U E W A (. is ACK); - is none. Compared exactly.
 *     seq= ack= relative to the ISS of the side whose number it is; #N is the absolute number;
 *               * (in sends) is any. sends must name seq, and ack where ACK is set.
 *     len=      payload bytes, 0 if absent; both sides' payload follows a pattern of the relative
 *               sequence number that the bench makes and checks.
 *     win=      as on the wire (peer: 65535 if absent; sends: any if absent). Also urg=.
 *     mss= ws= sackok ts=VALUE ecr=ECHO sack=A-B,C-D raw=HEX (peer: option bytes, written in the
 *               order given; ecr defaults to the newest TSval of the stack. sends: ecr= and
 *               sack= are compared; sack= numbers are relative to the peer's ISS)
 *     nomss nows nosackok nots nosack   (sends) the option must be absent
 *     doff=N reserved=N bad             (peer) wrong data offset, reserved bits, wrong checksum
 * Texts are printf formats.
 *
 * Nothing may leave the stack that the script does not name: peer(), user calls and the end of the
 * test fail if packets wait unnamed. Every packet is also held to rules that need no script:
 * see check_invariants in harness.c.
 *
 * Each scenario runs under IPv4 and IPv6: list it with BOTH(name).
 */
#ifndef CONFORMANCE_HARNESS_H
#define CONFORMANCE_HARNESS_H

#include "segment.h"
#include <handfast/handfast.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

enum { PEER_PORT = 40000, STACK_PORT = 80, FLOW_LIMIT = 64, PACKET_QUEUE_LIMIT = 512 };

/* One peer endpoint talking with the stack, and what the bench has seen of that conversation. */
struct flow {
    uint16_t peer_port;
    uint16_t stack_port;
    uint32_t peer_iss;
    uint32_t stack_iss;
    int stack_iss_known;
    int peer_syn_seen, peer_ts, peer_ws, peer_sackok; /* what the peer's SYN carried */
    int stack_syn_seen, stack_ts, stack_ws, stack_sackok;
    int peer_shift, stack_shift;
    uint32_t peer_mss; /* what the stack may send; RFC default until the peer's SYN */
    uint32_t stack_ts_value;
    int stack_ts_value_known;
    uint32_t peer_right_edge; /* the peer's, relative to the stack's ISS: the furthest offered */
    int peer_right_edge_known;
    uint32_t stack_right_edge; /* relative to the peer's ISS */
    int stack_right_edge_known;
    uint32_t user_sent_bytes, user_received_bytes;
    hf_handle connection;
};

struct captured {
    hf_time time;
    struct segment segment;
    size_t length;
    uint8_t bytes[2048];
};

struct world {
    enum hf_family family;
    struct hf_config config; /* edit, then world_restart */
    struct hf_stack *stack;
    hf_time now;
    struct hf_address stack_address, peer_address;
    struct flow flows[FLOW_LIMIT];
    unsigned flow_count;
    struct flow *flow; /* the one that peer() and sends() speak of */
    uint32_t peer_iss; /* of new flows; 0xffffff00, so that numbers wrap early */
    hf_handle listener;
    enum hf_reason reason; /* hf_stack_input's answer to the last peer() */
    struct captured *queue;
    unsigned queue_head, queue_tail;
    struct hf_event events[256];
    unsigned event_count;
    int any_source; /* 1: do not check that packets come from and go to the two addresses */
    int icmp_allowed;
};

int world_setup_v4(void **state);
int world_setup_v6(void **state);
int world_teardown(void **state);
#define BOTH(test)                                                  \
    {#test " (IPv4)", test, world_setup_v4, world_teardown, NULL},  \
    {                                                               \
#test " (IPv6)", test, world_setup_v6, world_teardown, NULL \
    }
#define ONLY_V4(test)                                               \
    {                                                               \
#test " (IPv4)", test, world_setup_v4, world_teardown, NULL \
    }
#define ONLY_V6(test)                                               \
    {                                                               \
#test " (IPv6)", test, world_setup_v6, world_teardown, NULL \
    }

/* A fresh stack from w->config; every flow is forgotten; time stays. */
void world_restart(struct world *w);
/* What the stack must announce, and may send at most, with an MTU of 1500: 1460 or 1440. */
uint32_t own_mss(const struct world *w);

/* Moves time on to when the stack's ISN for the two ports of the first flow is `iss`, and begins
 * with a fresh stack: so its numbers can be made to wrap where a test wants it. */
void aim_stack_iss(struct world *w, uint32_t iss);
/* The flow of this peer port, made at need. */
struct flow *use_flow(struct world *w, uint16_t peer_port);
/* The same ports, a new connection: forget what was seen; the peer's ISS becomes `peer_iss`. */
void new_incarnation(struct world *w, uint32_t peer_iss);

/* ---- The wire. */
#define peer(w, ...) peer_at_line((w), __FILE__, __LINE__, __VA_ARGS__)
#define sends(w, ...) sends_at_line((w), __FILE__, __LINE__, 0, 0, __VA_ARGS__)
/* Exactly `after` from now, and nothing before it. */
#define sends_after(w, after, ...) \
    sends_at_line((w), __FILE__, __LINE__, (after), (after), __VA_ARGS__)
#define sends_between(w, low, high, ...) \
    sends_at_line((w), __FILE__, __LINE__, (low), (high), __VA_ARGS__)
#define silent(w) silent_at_line((w), __FILE__, __LINE__, 0)
#define silent_for(w, time) silent_at_line((w), __FILE__, __LINE__, (time))
__attribute__((format(printf, 4, 5))) void peer_at_line(struct world *w, const char *file, int line,
                                                        const char *text, ...);
__attribute__((format(printf, 6, 7))) const struct captured *
sends_at_line(struct world *w, const char *file, int line, hf_time low, hf_time high,
              const char *text, ...);
void silent_at_line(struct world *w, const char *file, int line, hf_time time);
/* Builds what peer() would inject, for a test that bends it first; returns its length. */
__attribute__((format(printf, 4, 5))) size_t build(struct world *w, uint8_t *packet,
                                                   size_t capacity, const char *text, ...);
/* Raw bytes in, as they are; what comes out is queued for sends() and next_packet(). */
void inject(struct world *w, const void *packet, size_t length);
/* Takes the oldest waiting packet of any protocol, NULL if there is none. */
const struct captured *next_packet(struct world *w);
/* How many packets wait. */
unsigned waiting_packets(const struct world *w);
/* Runs time on, collecting what comes out; stops early at the first packet if `until_packet`. */
void run_for(struct world *w, hf_time time, int until_packet);

/* ---- The program above the stack. Each asserts that the call does what its name says. */
void user_listen(struct world *w); /* wildcard address, STACK_PORT */
void user_listen_backlog(struct world *w, uint32_t backlog);
void user_accept(struct world *w);              /* into flow->connection */
void user_connect(struct world *w);             /* from STACK_PORT to PEER_PORT */
void user_send(struct world *w, size_t length); /* all of it must be taken */
void user_send_flags(struct world *w, size_t length, unsigned flags);
void user_recv(struct world *w, size_t length);   /* exactly, and the right bytes */
void user_recv_error(struct world *w, int error); /* negative; or 0: EOF */
void user_shutdown(struct world *w);
void user_close(struct world *w);
void user_abort(struct world *w);
void user_option(struct world *w, enum hf_option option, int64_t value);

/* ---- What the program sees. */
/* The connection between the flow's two ports, wherever it lives; HF_CLOSED if nowhere. */
enum hf_state state_of(struct world *w);
#define in_state(w, state) in_state_at_line((w), __FILE__, __LINE__, (state))
void in_state_at_line(struct world *w, const char *file, int line, enum hf_state state);
/* hf_status of the flow's connection. */
struct hf_status status_of(struct world *w);
/* The event must be waiting for the flow's connection (or the listener); it is taken. */
#define event(w, type, error) event_at_line((w), __FILE__, __LINE__, (type), (error))
#define no_event(w, type) no_event_at_line((w), __FILE__, __LINE__, (type))
void event_at_line(struct world *w, const char *file, int line, enum hf_event_type type, int error);
void no_event_at_line(struct world *w, const char *file, int line, enum hf_event_type type);
struct hf_counters counters_of(struct world *w);

/* ---- Whole openings. The options of the peer's SYN are `options` ("mss=1460 ws=7"...); both end
 * in ESTABLISHED with the CONNECTED or ACCEPTABLE event taken, seq 1 next on both sides and the
 * peer's window `window` (unscaled, as it stands on the wire). */
void establish_passive(struct world *w, unsigned window, const char *options);
void establish_active(struct world *w, unsigned window, const char *options);

#endif
