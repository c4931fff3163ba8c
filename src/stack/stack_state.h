/* SPDX-License-Identifier: MIT
 *
 * A host, from the inside: what the files of stack/ share.
 *
 * One flow table leads from a 4-tuple to whoever owns it: a connection, awake or at rest, a
 * SYN-cache record or a TIME-WAIT record; two bits of the reference say which. Listeners have a
 * table of their own. After every call into a connection, stack_settle looks at what it wants: to
 * send (ready list), to be woken (timing wheel), to tell its program something (event list), to
 * become a TIME-WAIT record, or to go away.
 */
#ifndef STACK_STATE_H
#define STACK_STATE_H

#include "checksum.h"
#include "flow_table.h"
#include "index_list.h"
#include "ip_host.h"
#include "peer_table.h"
#include "pool.h"
#include "siphash.h"
#include "tcp_conn.h"
#include "tcp_rest.h"
#include "timing_wheel.h"

#include <handfast/offload.h>

/* Cookie keys: see fast_open.h. */
struct fast_open_keys {
    uint8_t count; /* of a listener 0: the stack's */
    uint8_t bytes[2][HF_FAST_OPEN_KEY_BYTES];
};

/* ---- references in the flow table */

enum flow_kind { FLOW_CONNECTION = 0, FLOW_SYN = 1, FLOW_TIME_WAIT = 2, FLOW_RESTING = 3 };
#define FLOW_INDEX_BITS 30
#define FLOW_INDEX_MASK ((1u << FLOW_INDEX_BITS) - 1)

static inline uint32_t flow_reference(enum flow_kind kind, uint32_t index)
{
    return (uint32_t)kind << FLOW_INDEX_BITS | index;
}

/* ---- handles: kind (2 bits), generation (30), index (32), whose upper 6 bits are the core's
 * number where there are several cores */

enum handle_kind { HANDLE_CONNECTION = 1, HANDLE_LISTENER = 2 };
#define HANDLE_GENERATION_MASK ((1u << 30) - 1)
#define HANDLE_CORE_SHIFT 26

static inline hf_handle handle_make(enum handle_kind kind, uint32_t generation, uint32_t index)
{
    return (uint64_t)kind << 62 | (uint64_t)(generation & HANDLE_GENERATION_MASK) << 32 | index;
}

/* ---- a connection and what the stack keeps beside it */

/* What a handle names, whether its connection is awake or at rest. */
struct stack_slot {
    uint32_t where;      /* as in the flow table: awake or resting; the pool's free list */
    uint32_t generation; /* odd while in use */
};

/* Of a connection, awake or at rest: which of them, the wheel does not know. */
struct stack_timer {
    struct wheel_node node;
    uint32_t slot; /* in stack.slots: what its handle says */
    bool resting;
};

/* The program's buffer for what arrives (posted.c). */
struct stack_posted {
    uint8_t *buffer; /* NULL: none */
    uint32_t length, filled;
};

struct stack_connection {
    struct index_link ready; /* in stack.ready while in_ready */
    uint32_t generation;     /* as its slot's */
    uint32_t index;          /* in stack.connections, while it is awake */
    struct stack_timer timer;
    /* In stack.rest_line while in_rest_line; see resting.h. */
    uint32_t rest_next, rest_previous;
    hf_time rest_at, touched;
    bool in_rest_line;
    uint32_t hash;
    uint32_t listener;                   /* that it waits at, or POOL_NONE */
    uint32_t event_next, event_previous; /* in stack's event list while in_events */
    uint32_t accept_next;                /* in its listener's accept queue */
    bool in_ready, in_events, in_table;
    bool waiting; /* in an accept queue: its events wait too */
    /* The listener that counts it as pending (RFC 7413 5.1), or POOL_NONE. */
    uint32_t fast_open_listener, fast_open_generation;
    struct saved_syn *saved_syn; /* NULL: none */
    uint32_t path_mtus_seen;     /* stack.path_mtus_learnt when it last looked */
    struct stack_posted posted;
    struct tcp_conn tcp;
};

struct stack_listener {
    struct index_link unused_link; /* the pool's free list */
    uint32_t generation;           /* odd while in use */
    uint32_t index;
    struct hf_endpoint local;
    uint32_t hash;
    uint32_t backlog;
    uint32_t accept_head, accept_tail, accept_count;
    uint32_t event_next; /* in stack's listener event list while in_events */
    bool in_events;
    uint32_t fast_open_limit, fast_open_pending;
    struct fast_open_keys fast_open_keys;
    struct tcp_conn prototype; /* options that its connections start with */
};

/* A half-open connection: what must be remembered of a SYN (ARCHITECTURE: at most 96 bytes).
 * Records of one retry stage wait equally long, so each stage is a list in deadline order. */
struct syn_record {
    struct index_link link; /* in stack.syn_stages[retries] */
    struct flow_tuple tuple;
    struct saved_syn *saved_syn; /* NULL: none */
    hf_time deadline;
    seq32 iss, irs;
    uint32_t ts_recent;
    uint32_t listener;
    uint32_t hash;
    uint16_t snd_wnd;  /* the SYN's, never scaled */
    uint16_t peer_mss; /* or the default */
    uint8_t snd_wind_shift;
    uint8_t retries;
    uint8_t challenges;
    bool live : 1;
    bool timestamps : 1, sack : 1, window_scaling : 1;
    bool cookie : 1;       /* never kept: made for one SYN-ACK, or read back from its answer */
    bool bare_ack : 1;     /* the third ACK has come, without the data that is waited for */
    bool repeated : 1;     /* the SYN-ACK went again for a repeated SYN */
    bool no_ect : 1;       /* a SYN that did not ask for ECN came after one that did */
    uint8_t ecn;           /* enum tcp_ecn_mode */
    uint8_t syn_codepoint; /* the ECN field that the SYN came with */
};
_Static_assert(sizeof(struct syn_record) <= 96, "SYN-cache record budget");

/* What TIME-WAIT must remember (at most 64 bytes). All wait 2 MSL: one list in deadline order. */
struct time_wait_record {
    struct index_link link;
    uint8_t local[16], remote[16];
    uint16_t local_port, remote_port;
    seq32 snd_nxt, rcv_nxt;
    uint32_t ts_recent;
    uint32_t deadline_ms; /* of the stack's clock, modulo 2^32 */
    uint16_t window;      /* as it stood in the last segment */
    uint8_t family;
    bool live : 1;
    bool timestamps : 1;
};
_Static_assert(sizeof(struct time_wait_record) <= 64, "TIME-WAIT record budget");

#define SYN_STAGES 16

/* A packet that no connection stands behind: RST, SYN-ACK, ACK from TIME-WAIT, ICMP. */
struct stack_reply {
    struct stack_reply *next;
    uint32_t length;
    enum hf_reason reason;
    enum hf_state state;
    struct { /* for traces; all zero where there are none */
        seq32 iss, irs, snd_nxt, rcv_nxt;
    } numbers;
    uint8_t packet[];
};

struct stack_keys {
    struct siphash_key flow, secret, port, cookie, fast_open, steering;
};
#define PORT_COUNTERS 64

/* Connections at rest (resting.h): packed, in pools by size. */
#ifdef HF_PROFILE_TINY
#define RESTING_CLASSES 1
#else
#define RESTING_CLASSES 32
#endif
#define RESTING_MODELS 4
struct resting {
    struct pool classes[RESTING_CLASSES];
    struct tcp_rest_model *models[RESTING_MODELS]; /* NULL: none of this sort has rested yet */
    uint32_t line_head, line_tail;                 /* awake connections that may rest, POOL_NONE */
    hf_time quiet_until;                           /* the line's head is not looked at before */
};

struct hf_stack {
    struct hf_config config;
    struct memory memory;
    struct page_pool pages;
    struct send_store send_store;
    struct hf_counters counters;
    struct tcp_host host; /* what connections see of us; host.now is the clock */
    struct ip_host ip;
    struct stack_keys keys;
    uint16_t port_counters[PORT_COUNTERS];
    struct crowded_ports *crowded_ports; /* destinations that had no port left; NULL: none */
    uint64_t ports_looked_at;            /* in the search for free ones */
    hf_time cookie_sent;                 /* the last one; -1: never */
    uint16_t identification;             /* of the next packet without DF */

    struct pool slots, connections, listeners, syn_records, time_waits;
    struct resting resting;
    struct flow_table flows, listener_table;
    struct { /* the last answer of flow_hash_again and flow_find_again */
        struct flow_tuple tuple;
        uint32_t hash;
        uint32_t reference; /* FLOW_NONE: not known */
    } hashed;
    uint32_t foreign; /* the last IPv4 destination that is not ours, as it lies; 0: none yet */
    struct {          /* what secrets.c has last made of a tuple */
        struct flow_tuple tuple;
        uint64_t value;
    } secret;
    struct timing_wheel wheel;
    struct index_list ready;
    uint32_t events_head, events_tail;                   /* connections */
    uint32_t listener_events_head, listener_events_tail; /* listeners */
    struct index_list syn_stages[SYN_STAGES];
    struct index_list time_wait_queue;
    hf_time time_wait_looked; /* when time_wait_run_timers last ran */
    /* No record of theirs is due before: asked with each packet, where the answer is nearly always
     * that it is too early. */
    hf_time syn_quiet_until, time_wait_quiet_until;
    struct stack_reply *replies_head, *replies_tail;
    uint32_t reply_count;
    struct stack_late *late;       /* NULL unless config.late_split */
    struct stack_in_hand *in_hand; /* NULL: nothing is (in_hand.h) */

    struct fast_open_keys fast_open_keys;
    struct fast_open_reset *fast_open_resets; /* a ring; NULL until there was one */
    uint32_t fast_open_reset_head, fast_open_reset_count;
    struct peer_table fast_open_peers;

    struct peer_table path_mtus;
    uint32_t path_mtus_learnt; /* how often something was learnt */

    struct peer_table metrics; /* path_metrics.c */
};

/* One segment that arrived, with what was found out about it. */
struct arrival {
    const uint8_t *packet;
    size_t packet_length;
    const struct ip_header *ip;
    const struct tcp_segment *segment;
    struct flow_tuple tuple; /* local, remote */
    uint32_t hash;
    uint32_t joined_bytes; /* as the link says: offload.h */
    bool checksum_known;
};

/* Has the link vouched for it (offload.h)? */
static inline bool packet_checksum_known(const struct hf_packet_hints *hints)
{
    return hints != NULL &&
           (hints->flags & (HF_PACKET_CHECKSUM_PARTIAL | HF_PACKET_CHECKSUM_VALID)) != 0;
}

/* ---- stack.c */

/* Far enough from the end that a deadline can always be added. */
#define STACK_LATEST_TIME (HF_TIME_NEVER / 2)

static inline void stack_set_now(struct hf_stack *stack, hf_time now)
{
    if (now > STACK_LATEST_TIME) {
        now = STACK_LATEST_TIME;
    }
    if (now > stack->host.now) {
        stack->host.now = now; /* a clock that steps back is not followed */
    }
}
struct hf_address stack_clean_address(const struct hf_address *address);

/* ---- stack_connection.c */

struct stack_connection *stack_connection_new(struct hf_stack *stack,
                                              const struct flow_tuple *tuple, uint32_t hash);
/* The slot of a live connection that its program holds, or NULL. */
struct stack_slot *stack_slot_of(const struct hf_stack *stack, hf_handle handle);
/* Why there is no connection of this handle: an error. */
int stack_no_connection(const struct hf_stack *stack, hf_handle handle);
/* The live connection behind a handle, awake from now on; or NULL, also where there is no memory to
 * wake it. To look at one without waking it: resting_look. */
struct stack_connection *stack_connection_of(struct hf_stack *stack, hf_handle handle);
struct stack_listener *stack_listener_of(const struct hf_stack *stack, hf_handle handle);
/* Looks after a connection once something was done to it. It may be freed. */
void stack_settle(struct hf_stack *stack, struct stack_connection *connection);
void stack_connection_free(struct hf_stack *stack, struct stack_connection *connection);
/* What is not its tcp_conn, at first. */
void stack_connection_begin(struct stack_connection *connection, uint32_t index, uint32_t slot,
                            uint32_t generation, uint32_t hash);
void stack_slot_free(struct hf_stack *stack, uint32_t index);
/* The wheel follows the connection's earliest deadline. */
void stack_arm_timer(struct hf_stack *stack, struct stack_connection *connection);
void stack_run_timers(struct hf_stack *stack);
hf_handle stack_handle_of(const struct stack_connection *connection);
void stack_queue_events(struct hf_stack *stack, struct stack_connection *connection);

/* ---- flows.c */

uint32_t flow_hash(const struct hf_stack *stack, const struct flow_tuple *tuple);
/* Of a tuple, with whichever key. */
uint64_t flow_keyed_hash(const struct siphash_key *key, const struct flow_tuple *tuple);
/* The same for whoever will soon ask for the same again: packets come in trains. */
uint32_t flow_hash_again(struct hf_stack *stack, const struct flow_tuple *tuple);
/* The reference that owns the tuple, or FLOW_NONE. */
uint32_t flow_find(const struct hf_stack *stack, const struct flow_tuple *tuple, uint32_t hash);
/* Both, and remembered; all that changes the table goes through the three below. */
uint32_t flow_find_again(struct hf_stack *stack, const struct flow_tuple *tuple, uint32_t *hash);
bool flow_insert(struct hf_stack *stack, uint32_t hash, uint32_t reference);
void flow_remove(struct hf_stack *stack, uint32_t hash, uint32_t reference);
void flow_replace(struct hf_stack *stack, uint32_t hash, uint32_t reference,
                  uint32_t new_reference);

/* ---- secrets.c: ISN (RFC 6528), timestamp offset, ports (RFC 6056) */

void stack_keys_init(struct stack_keys *keys, const uint8_t seed[16]);
seq32 stack_isn(struct hf_stack *stack, const struct flow_tuple *tuple);
uint32_t stack_timestamp_offset(struct hf_stack *stack, const struct flow_tuple *tuple);
/* Fills tuple->local_port with a free one whose answers come home, and *hash; HF_EADDRNOTAVAIL when
 * there is none. */
int stack_choose_port(struct hf_stack *stack, struct flow_tuple *tuple, uint32_t *hash);
/* Nobody owns the tuple any more. Only where stack.crowded_ports is there. */
void crowded_ports_freed(struct hf_stack *stack, const struct flow_tuple *tuple);
void crowded_ports_free(struct hf_stack *stack);

/* ---- steering.c */

uint32_t stack_core_of_tuple(const struct hf_stack *stack, const struct flow_tuple *tuple);
static inline bool stack_is_home_of(const struct hf_stack *stack, const struct flow_tuple *tuple)
{
    return stack->config.cores == 1 || stack_core_of_tuple(stack, tuple) == stack->config.core;
}
/* What stands in its handles' indexes beside the index. */
static inline uint32_t stack_handle_bits(const struct hf_stack *stack)
{
    return (uint32_t)stack->config.core << HANDLE_CORE_SHIFT;
}

/* ---- listener.c */

struct stack_listener *listener_find(const struct hf_stack *stack, const struct hf_address *address,
                                     uint16_t port);
void listener_enqueue(struct hf_stack *stack, struct stack_listener *listener,
                      struct stack_connection *connection);
void listener_queue_event(struct hf_stack *stack, struct stack_listener *listener);
bool listener_next_event(struct hf_stack *stack, struct hf_event *event);
void listener_close(struct hf_stack *stack, struct stack_listener *listener);
static inline hf_handle listener_handle(const struct hf_stack *stack,
                                        const struct stack_listener *listener)
{
    return handle_make(HANDLE_LISTENER, listener->generation,
                       listener->index | stack_handle_bits(stack));
}

/* ---- syn_cache.c */

enum hf_reason arrives_listen(struct hf_stack *stack, struct stack_listener *listener,
                              const struct arrival *arrival);
enum hf_reason syn_record_arrives(struct hf_stack *stack, uint32_t index,
                                  const struct arrival *arrival);
/* After an old connection's number, for TIME-WAIT's reuse; `above` may be NULL. */
enum hf_reason syn_cache_add(struct hf_stack *stack, struct stack_listener *listener,
                             const struct arrival *arrival, const seq32 *above);
void syn_cache_run_due(struct hf_stack *stack);
static inline void syn_cache_run_timers(struct hf_stack *stack)
{
    if (stack->host.now >= stack->syn_quiet_until) {
        syn_cache_run_due(stack);
    }
}
hf_time syn_cache_next_deadline(const struct hf_stack *stack);
void syn_cache_remove(struct hf_stack *stack, uint32_t index);
void syn_cache_remove_listener(struct hf_stack *stack, uint32_t listener);
enum hf_reason syn_cache_icmp(struct hf_stack *stack, uint32_t index, seq32 quoted_seq, bool hard);

/* ---- syn_record.c */

/* How long a record waits for the answer after its SYN-ACK left for the `stage`-th time again. */
hf_time syn_stage_interval(const struct hf_stack *stack, unsigned stage);
unsigned syn_record_stage(const struct syn_record *record);
/* The connection of which all that its listener accepts are made. */
const struct tcp_conn *syn_record_prototype(const struct hf_stack *stack,
                                            const struct syn_record *record);
uint8_t syn_record_shift(const struct hf_stack *stack, const struct syn_record *record);
uint16_t syn_record_mss(const struct hf_stack *stack, const struct syn_record *record);
uint32_t syn_record_window(const struct hf_stack *stack, const struct syn_record *record);
/* `conn` is new; it comes to be in SYN-RECEIVED. */
void syn_record_open(struct hf_stack *stack, struct tcp_conn *conn,
                     const struct syn_record *record);

/* ---- syn_cookie.c */

/* Turns a filled record's ISS into a cookie. */
void syn_cookie_make(struct hf_stack *stack, struct syn_record *record);
/* The timestamp that carries what the cookie has no room for. */
uint32_t syn_cookie_timestamp(const struct syn_record *record, uint32_t ts_value);
/* Is this ACK the answer to a cookie of ours? Then the record is as it was, but for its listener.
 */
bool syn_cookie_read(const struct hf_stack *stack, const struct arrival *arrival,
                     struct syn_record *record);

/* ---- time_wait.c */

/* Moves a connection that reached TIME-WAIT into a record. */
void time_wait_enter(struct hf_stack *stack, struct stack_connection *connection);
enum hf_reason time_wait_arrives(struct hf_stack *stack, uint32_t index,
                                 const struct arrival *arrival);
void time_wait_run_due(struct hf_stack *stack);
static inline void time_wait_run_timers(struct hf_stack *stack)
{
    if (stack->host.now >= stack->time_wait_quiet_until) {
        time_wait_run_due(stack);
    }
    stack->time_wait_looked = stack->host.now;
}
hf_time time_wait_next_deadline(const struct hf_stack *stack);
void time_wait_remove(struct hf_stack *stack, uint32_t index, enum hf_reason reason);
hf_time time_wait_deadline_of(const struct hf_stack *stack, const struct time_wait_record *record);
struct flow_tuple time_wait_tuple(const struct time_wait_record *record);
bool time_wait_owns(const struct time_wait_record *record, const struct flow_tuple *tuple);

/* ---- reply.c */

/* Queues a TCP segment without payload. `record` is the half-open connection that speaks, or NULL.
 */
void reply_segment(struct hf_stack *stack, const struct flow_tuple *tuple,
                   const struct tcp_segment *segment, enum hf_reason reason, enum hf_state state,
                   const struct syn_record *record);
/* Sends all that a connection about to go away still has to say (a RST, a last ACK). */
void reply_flush_connection(struct hf_stack *stack, struct stack_connection *connection);
void reply_flush_conn(struct hf_stack *stack, struct tcp_conn *conn);
/* A whole packet; the caller fills the returned bytes. NULL at the limit. */
struct stack_reply *reply_reserve(struct hf_stack *stack, size_t length);
void reply_commit(struct hf_stack *stack, struct stack_reply *reply);
ptrdiff_t reply_take(struct hf_stack *stack, uint8_t *packet);
void reply_clear(struct hf_stack *stack);

/* ---- emit.c */

/* What the IP header says beside the addresses. */
struct emit_fields {
    uint8_t ttl, traffic_class;
    bool may_fragment;       /* DF off (RFC 1191 3) */
    uint16_t identification; /* only with may_fragment (RFC 6864 4) */
};

/* Writes IP and TCP headers and the payload; returns the packet's length. */
size_t emit_packet(const struct flow_tuple *tuple, const struct tcp_segment *segment,
                   const struct send_queue *queue, uint32_t payload_offset,
                   const struct emit_fields *fields, uint8_t *packet);

/* The same without the payload; returns the length of both headers. The TCP checksum field is 0,
 * and *pseudo_sum is what belongs in it besides header and payload. */
#define TCP_CHECKSUM_OFFSET 16u
size_t emit_headers(const struct flow_tuple *tuple, const struct tcp_segment *segment,
                    const struct emit_fields *fields, uint8_t *packet, checksum_sum *pseudo_sum);

/* ---- posted.c */

/* What is unread goes to the posted buffer, as far as it has room. */
void posted_fill(struct hf_stack *stack, struct stack_connection *connection);
/* Text that was written there in place of the receive queue, and was accepted, has been read. */
void posted_take(struct hf_stack *stack, struct stack_connection *connection, uint32_t length);

/* ---- super_segment.c: see offload.h */

/* A run of segments as one packet. `run`: its first one, with the payload of all. */
struct super_segment {
    struct tcp_segment run;
    uint32_t payload_offset;
    uint32_t segment_bytes; /* of its first one */
    uint32_t segments;
    enum hf_reason reason;
};
void super_begin(struct super_segment *super, const struct tcp_segment *segment,
                 uint32_t payload_offset, enum hf_reason reason);
/* May anything follow? */
bool super_is_open(const struct super_segment *super);
/* `next`, chosen at the same time, becomes part of it; false: it does not fit. */
bool super_join(struct super_segment *super, const struct tcp_segment *next, enum hf_reason reason);
/* How many more full segments fit into it when it may have `most`; so many become part of it. */
uint32_t super_room(const struct super_segment *super, uint32_t most);
void super_extend(struct super_segment *super, uint32_t segments);
/* Writes it; `flags`: enum hf_output_flag. */
void super_emit(const struct super_segment *super, const struct tcp_conn *conn,
                const struct emit_fields *fields, uint32_t flags, struct hf_packet *packet);

/* ---- stack_output.c */

/* For the next so many segments of a connection. */
struct emit_fields emit_fields_of(struct hf_stack *stack, const struct tcp_conn *conn,
                                  uint32_t segments);

/* For hf_stack_output with config.late_split: what is not handed out yet. */
#define LATE_PACKETS 2
struct stack_late {
    uint32_t count, at;    /* packets, the first that is left */
    struct hf_split split; /* of that one */
    struct hf_packet packets[LATE_PACKETS];
    uint8_t bytes[LATE_PACKETS][HF_PACKET_BYTES];
};
bool stack_late_init(struct hf_stack *stack);
void stack_late_deinit(struct hf_stack *stack);

/* ---- stack_icmp.c */

enum hf_reason stack_icmp_input(struct hf_stack *stack, const struct ip_header *ip,
                                const uint8_t *packet, size_t length);

/* ---- path_mtus.c */

void path_mtus_init(struct hf_stack *stack);
void path_mtus_deinit(struct hf_stack *stack);
/* A router has told this connection of a smaller path MTU: it holds for its destination. */
void path_mtu_learn(struct hf_stack *stack, const struct tcp_conn *conn);
void path_mtu_look_up(struct hf_stack *stack, struct tcp_conn *conn);
/* Before a connection sends: has any been learnt since it last looked? */
static inline void path_mtu_refresh(struct hf_stack *stack, struct stack_connection *connection)
{
    if (connection->path_mtus_seen != stack->path_mtus_learnt) {
        connection->path_mtus_seen = stack->path_mtus_learnt;
        path_mtu_look_up(stack, &connection->tcp);
    }
}

/* ---- stack_trace.c */

static inline bool stack_tracing(const struct hf_stack *stack)
{
    return stack->config.trace.event != NULL;
}
void stack_trace_received(struct hf_stack *stack, const struct arrival *arrival,
                          enum hf_reason reason, enum hf_state before, enum hf_state after,
                          hf_handle handle, const struct hf_trace_numbers *numbers);
void stack_trace_sent(struct hf_stack *stack, const struct flow_tuple *tuple, const uint8_t *packet,
                      size_t length, enum hf_reason reason, enum hf_state state, hf_handle handle,
                      const struct hf_trace_numbers *numbers);
/* A decision about what is not yet a connection. */
void stack_trace_record(struct hf_stack *stack, const struct flow_tuple *tuple,
                        enum hf_reason reason);
/* A state change of a record (SYN cache, TIME-WAIT) or a listener. */
void stack_trace_state(struct hf_stack *stack, const struct flow_tuple *tuple,
                       enum hf_reason reason, enum hf_state before, enum hf_state after, seq32 iss,
                       seq32 irs);

#endif
