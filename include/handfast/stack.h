/* SPDX-License-Identifier: MIT
 *
 * A host: addresses, listeners, connections. Sans-I/O: packets in, packets out, time passed in.
 *
 *     hf_stack_input(host, packet, length, now);
 *     while ((n = hf_stack_output(host, out, sizeof out, now)) > 0) transmit(out, n);
 *     wake_at(hf_stack_next_deadline(host));
 *     while (hf_stack_next_event(host, &event)) ...
 *
 * A stack is used by one thread at a time; different stacks share nothing.
 * After any call that may change something (input, user calls) drain output and events.
 */
#ifndef HANDFAST_STACK_H
#define HANDFAST_STACK_H

#include "congestion.h"
#include "reasons.h"
#include "trace.h"
#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

struct hf_stack;

/* allocate returns memory aligned for any object, or NULL; release gets the size back. */
struct hf_allocator {
    void *(*allocate)(void *context, size_t size);
    void (*release)(void *context, void *memory, size_t size);
    void *context;
};

#define HF_CORES_MAX 64
#define HF_CONFIG_CONGESTION_CONTROLS 4
/* TCP Fast Open (RFC 7413): bits of hf_config.fast_open, numbered as in Linux's tcp_fastopen. */
enum hf_fast_open_flag {
    HF_FAST_OPEN_CLIENT = 1,             /* HF_OPTION_FAST_OPEN_CONNECT may be used */
    HF_FAST_OPEN_SERVER = 2,             /* HF_OPTION_FAST_OPEN_QUEUE takes effect */
    HF_FAST_OPEN_CLIENT_NO_COOKIE = 4,   /* data on every such SYN, cookie or none */
    HF_FAST_OPEN_SERVER_NO_COOKIE = 512, /* data on a SYN is taken without a cookie */
    HF_FAST_OPEN_ALL_LISTENERS = 1024 /* with _SERVER: new listeners have their backlog as queue */
};
#define HF_FAST_OPEN_KEY_BYTES 16

struct hf_config {
    /* Secrets. Everything unpredictable (ISNs, ports, hash keys, timestamp offsets) is derived from
     * it; the same seed gives the same run. hf_config_default fills it from the system's random. */
    uint8_t seed[16];
    struct hf_allocator allocator;
    struct hf_trace_sink trace; /* event == NULL: no tracing */
    const char *host_name;      /* for traces; borrowed for the stack's life; NULL is "" */
    uint32_t host_id;           /* for traces */

    /* Limits. Reaching one is a counter and a trace event. */
    /* Tables keep what they grew to, so leave room for max_syn_records * 96, max_time_wait * 64 and
     * 1,500 bytes for each connection that is not idle, 320 for each that is, beside the buffers,
     * or a flood can starve the rest. */
    uint64_t memory_bytes;    /* all that the stack ever holds; default 1 GiB */
    uint32_t max_connections; /* default 1,000,000 */
    uint32_t max_listeners;   /* default 1,024 */
    uint32_t max_syn_records; /* SYN cache, whole stack; default 4,096 */
    uint32_t max_time_wait;   /* default 262,144 */
    uint32_t max_addresses;   /* default 64 */
    uint32_t max_replies;     /* queued SYN-ACK, RST, challenge and ICMP answers; default 1,024 */
    uint32_t max_references;  /* hf_send_ref's, fetched ones not; 1..2^30; default 65,536 */

    /* One of several stacks with the same addresses, one for each core (cores.h): which of them
     * this is (0..cores - 1) and how many there are (1..HF_CORES_MAX); they share the seed. With
     * several, max_connections and max_listeners are at most 2^26 - 1. 0 of 1. */
    uint8_t core, cores;

    uint32_t mtu; /* bytes of the largest IP packet; 576 (1280 for v6)..65535; 1500 */
    /* Buffers, per connection, 256..1 GiB. Where the second of a pair is larger than the first, the
     * buffer begins with the first and follows what the flow needs up to the second, until
     * HF_OPTION_RECEIVE_BUFFER or _SEND_BUFFER fixes it; 0, or not larger: fixed from the start. */
    uint32_t receive_buffer_bytes;     /* 64 KiB */
    uint32_t receive_buffer_max_bytes; /* 6 MiB */
    uint32_t send_buffer_bytes;        /* 64 KiB */
    uint32_t send_buffer_max_bytes;    /* 4 MiB */
    /* HF_OPTION_NOT_SENT_LOW_WATER where that is 0 (tcp_notsent_lowat); 0: none; 0. */
    uint32_t not_sent_low_water_bytes;

    /* RFC 9293 and friends. */
    hf_time msl_ns;                /* maximum segment lifetime; TIME-WAIT lasts 2 of it; 30 s */
    hf_time initial_rto_ns;        /* RFC 6298 2.1; 1 s */
    hf_time min_rto_ns;            /* 200 ms (DEVIATION: RFC 6298 2.4 says 1 s; Linux does this) */
    hf_time max_rto_ns;            /* RFC 6298 2.5, at least 60 s; 120 s */
    hf_time delayed_ack_ns;        /* RFC 9293 3.8.6.3, under 500 ms; 40 ms */
    hf_time user_timeout_ns;       /* 0: retries decide */
    uint32_t syn_retries;          /* 7: the last wait ends after 3 minutes (MUST-23) */
    uint32_t syn_ack_retries;      /* 5; 0..15 */
    uint32_t retries_r1;           /* 3 */
    uint32_t retries_r2;           /* 15; 255: for ever; after hf_close at most 8 */
    hf_time keepalive_idle_ns;     /* 2 h */
    hf_time keepalive_interval_ns; /* 75 s */
    uint32_t keepalive_probes;     /* 9 */
    hf_time fin_wait_2_timeout_ns; /* of connections their program has closed; 60 s */
    uint32_t initial_window_segments; /* RFC 6928; 10 */
    /* A connection that has been idle for so long, with nothing queued or in flight, is packed into
     * a few hundred bytes, until something touches it; nobody but who looks at its memory can tell.
     * 1 s; HF_TIME_NEVER: none is; 0 (for tests): all are, at every opportunity, idle or not.
     * Sooner where memory is short. */
    hf_time rest_after_ns;
    /* Congestion control: of new connections; cubic. And up to four of the program's own, which
     * may then be chosen by name (unused ones NULL and last); all must outlive the stack. */
    const struct hf_cc_ops *congestion_control;
    const struct hf_cc_ops *congestion_controls[HF_CONFIG_CONGESTION_CONTROLS];
    /* TCP Fast Open: enum hf_fast_open_flag (HF_FAST_OPEN_CLIENT); how many peers' cookies are
     * remembered (1..2^30; 1,024); for how long Fast Open pauses when it seems to be swallowed on
     * the way (0: never does). */
    uint32_t fast_open;
    uint32_t max_fast_open_peers;
    hf_time fast_open_blackhole_ns;
    /* Keys of the cookies that this host makes: the one in use, then the one before, whose cookies
     * are still taken. fast_open_key_count 0 takes one from the seed; at most 2. */
    uint8_t fast_open_keys[2][HF_FAST_OPEN_KEY_BYTES];
    uint8_t fast_open_key_count;
    uint8_t pacing; /* 1: every connection is paced; 0: who asks for it */
    /* PSH on the last of several segments that leave together, as Linux has it (tcp_min_tso_segs),
     * where a burst is so many segments at least (1..64). 0: only where the data ends. */
    uint8_t burst_segments;
    uint8_t join_received;       /* 1: hf_stack_input_batch joins segments (offload.h); 1 */
    uint8_t late_split;          /* 1: hf_stack_output makes super-segments, too, and cuts them
                                    (offload.h): the same packets by the longer way, for tests; 0 */
    uint32_t pacing_burst_bytes; /* may leave at once; 0: 1 ms worth, 2 segments at least */
    /* Path MTU. What a router says of a path (RFC 1191, RFC 8201) holds for its destination for
     * path_mtu_lifetime_ns (5 min..24 h; 10 min), for all connections; max_path_mtus destinations
     * are remembered (1..2^30; 1,024). Over IPv4 no packet is made smaller than min_path_mtu
     * (68..65535; 552): rather it may be fragmented. */
    hf_time path_mtu_lifetime_ns;
    uint32_t max_path_mtus;
    uint32_t min_path_mtu;
    /* What connections that end in order have learnt of their path (RFC 9040): round trip,
     * reordering, cwnd, and with ssthresh_metrics_save ssthresh, is kept for those that open to the
     * same peer within metrics_lifetime_ns (1 s..24 h; 1 h), of at most max_metrics pairs of
     * addresses (1..2^30; 1,024). As Linux's tcp_no_metrics_save, tcp_no_ssthresh_metrics_save, the
     * other way round; 1 and 0. See hf_metrics_list. */
    hf_time metrics_lifetime_ns;
    uint32_t max_metrics;
    uint8_t metrics_save, ssthresh_metrics_save;
    /* The search for a path MTU that no router tells of (RFC 4821), with Linux's sysctls: 0: none;
     * 1: once repeated timeouts hint at a black hole; 2: always. It begins with segments of
     * mtu_base_mss bytes (48..65535; 1,024), never goes below mtu_probe_floor (48..65535; 48), ends
     * when it is within mtu_probe_threshold bytes (1..65535; 8), and begins anew after
     * mtu_probe_interval_ns (1 s..24 h; 10 min). */
    uint32_t mtu_base_mss, mtu_probe_floor, mtu_probe_threshold;
    hf_time mtu_probe_interval_ns;
    uint8_t mtu_probing;
    /* RFC 5927 7.2: a message that names less than what has arrived waits for a timeout. 0, as in
     * Linux: it is believed at once. */
    uint8_t hold_too_big;
    /* How losses are found where SACK is agreed, Linux's tcp_recovery: 1: by RACK (RFC 8985); with
     * 2 its window does not grow by DSACKs, with 4 no three SACKed segments make it none; without 1
     * by what is SACKed alone (RFC 6675). 0..7; 1. */
    uint8_t recovery;
    uint8_t slow_start_after_idle;   /* cwnd halves for each RTO without use (RFC 2861); 1 */
    uint8_t timestamps;              /* RFC 7323; 1 */
    uint8_t window_scaling;          /* RFC 7323; 1 */
    uint8_t sack;                    /* RFC 2018 generation; 1 */
    uint8_t dsack;                   /* RFC 2883: tell the peer of its duplicates; 1 */
    uint8_t frto;                    /* RFC 5682: tell spurious timeouts from real ones; 1 */
    uint8_t loss_probe;              /* RFC 8985 7: tail loss probes; 0: none; 3 */
    uint8_t duplicate_threshold;     /* RFC 5681's three duplicate ACKs, 1..127; 3 */
    uint8_t nagle;                   /* 1 */
    uint8_t moderate_receive_buffer; /* 0: receive buffers grow no further by themselves; 1 */
    uint8_t syn_cookies;             /* when the SYN cache is full (RFC 4987 3.6); 1 */
    uint8_t rfc1337;                 /* 1: RST never ends TIME-WAIT */
    uint8_t answer_echo;             /* ICMP echo; 1 */
    uint8_t ttl;                     /* TTL / hop limit; 64 */
    uint8_t traffic_class;           /* DS field; its two ECN bits are ignored; 0 */
    /* ECN, by Linux's numbers (tcp_ecn): 0: neither asked for nor agreed to; 1: both; 2: agreed to
     * when the peer asks; 3: the accurate kind (RFC 9768) both ways; 4: accurate agreed to, the
     * classic kind asked for; 5: accurate agreed to; 2. And: a SYN that asks and is not answered
     * goes again without (RFC 3168 6.1.1.1); 1. Accurate ECN's option (tcp_ecn_option): 0: never,
     * 1: when there is news, and so many times a round trip, 2: always, 3: the same; 2 and 3.
     * ECT(1) in place of ECT(0), only with accurate feedback (RFC 9331); 0. Marks reduce cwnd less
     * than losses do (RFC 8511); 0. */
    uint8_t ecn;
    uint8_t ecn_fallback;
    uint8_t ecn_option;
    uint8_t ecn_option_beacon;
    uint8_t ecn_ect_1;
    uint8_t ecn_alternative_backoff;
    uint16_t port_low, port_high; /* RFC 6056 range for outgoing ports; 49152..65535 */
};

/* A complete configuration for a hosted program: malloc, a random seed, the defaults above. */
HF_API struct hf_config hf_config_default(void);
/* The same without malloc and with an all-zero seed, for freestanding builds: fill in allocator
 * and seed. */
HF_API struct hf_config hf_config_bare(void);

/* NULL when a value is out of its range or memory is refused. */
HF_API struct hf_stack *hf_stack_new(const struct hf_config *config);
/* Frees everything at once; sends nothing. NULL is allowed. */
HF_API void hf_stack_free(struct hf_stack *stack);

/* Local addresses. Several of both families may be added. HF_EINVAL (wildcard, multicast,
 * broadcast), HF_EADDRINUSE (already there), HF_ENOBUFS. */
HF_API int hf_stack_add_address(struct hf_stack *stack, const struct hf_address *address);
/* Connections that use it are reset silently. HF_EADDRNOTAVAIL. */
HF_API int hf_stack_remove_address(struct hf_stack *stack, const struct hf_address *address,
                                   hf_time now);

/* 1: one of the stack's own addresses, exactly. */
HF_API int hf_stack_has_address(const struct hf_stack *stack, const struct hf_address *address);
/* The address that was added first of those of this family that are left. HF_EADDRNOTAVAIL. */
HF_API int hf_stack_first_address(const struct hf_stack *stack, enum hf_family family,
                                  struct hf_address *address);
/* The configuration in use; lives as long as the stack. */
HF_API const struct hf_config *hf_stack_config(const struct hf_stack *stack);
/* Other values from now on, as sysctls change a running kernel's: for connections that open later,
 * and for what an open one asks the configuration anew (timeouts, retries). What the stack was
 * built with stays as it is, whatever `config` says: seed, allocator, trace, host name and id, mtu,
 * late_split and the limits (memory_bytes, max_...). HF_EINVAL: a value is out of its range, and
 * nothing changes. */
HF_API int hf_stack_reconfigure(struct hf_stack *stack, const struct hf_config *config);

/* One IP packet in. `packet` is borrowed for the call. Returns why it was taken or not; nothing a
 * peer can send is an error. */
HF_API enum hf_reason hf_stack_input(struct hf_stack *stack, const void *packet, size_t length,
                                     hf_time now);
/* One IP packet out: its length, 0 when there is nothing to send at `now`, HF_EMSGSIZE when
 * `capacity` is under config.mtu. Packets to the stack's own addresses come back in and are never
 * handed out. Timers that are due run here: hand in what has arrived before. While one connection
 * alone has data to send, and nobody traces, a call may choose up to 16 segments; those that follow
 * hand them out, whatever happens in between. */
HF_API ptrdiff_t hf_stack_output(struct hf_stack *stack, void *packet, size_t capacity,
                                 hf_time now);
/* When hf_stack_output must be called next even if nothing arrives; the past when output is
 * pending already; HF_TIME_NEVER when idle. May be a little early, never late. */
HF_API hf_time hf_stack_next_deadline(const struct hf_stack *stack);

enum hf_event_type {
    HF_EVENT_ACCEPTABLE,  /* `handle` is a listener with a connection to accept */
    HF_EVENT_CONNECTED,   /* hf_connect succeeded */
    HF_EVENT_READABLE,    /* hf_recv has bytes */
    HF_EVENT_WRITABLE,    /* hf_send has room again after it had none */
    HF_EVENT_PEER_CLOSED, /* FIN: after the bytes, hf_recv gives 0 */
    HF_EVENT_URGENT,      /* urgent data announced, or its mark moved on (MUST-32) */
    HF_EVENT_SOFT_ERROR,  /* `error`: ICMP advice or R1; the connection goes on (MUST-47) */
    HF_EVENT_ERROR,       /* `error`: HF_ECONNRESET, HF_ECONNREFUSED, HF_ETIMEDOUT...: it is over */
    HF_EVENT_CLOSED,      /* both directions ended in order; nothing more will happen (RFC
                             9293 3.10.7.4: see `reset_at_end`) */
    HF_EVENT_NOTED        /* hf_next_note has something */
};
struct hf_event {
    enum hf_event_type type;
    hf_handle handle;
    int error; /* HF_OK or negative */
};
/* 1 and the next event, or 0. Events are edges; equal ones not yet taken are one. */
HF_API int hf_stack_next_event(struct hf_stack *stack, struct hf_event *event);

/* ---- User calls (RFC 9293 3.9.1). A stale handle is HF_EBADF in all of them; a connection at rest
 * (config.rest_after_ns) that there is no memory to wake is HF_ENOMEM, and can be asked again. */

/* OPEN, passive. A wildcard address takes every local address of its family (HF_FAMILY_ANY: of
 * both); an exact bind wins over a wildcard. backlog: connections waiting for hf_accept, 1..65535;
 * those still opening are bounded by config.max_syn_records. HF_EADDRINUSE, HF_EADDRNOTAVAIL,
 * HF_EINVAL, HF_ENOBUFS. */
HF_API int hf_listen(struct hf_stack *stack, const struct hf_endpoint *local, uint32_t backlog,
                     hf_handle *listener);
/* Takes the oldest waiting connection. HF_EAGAIN when there is none. `peer` may be NULL. */
HF_API int hf_accept(struct hf_stack *stack, hf_handle listener, hf_handle *connection,
                     struct hf_endpoint *peer);
/* OPEN, active. `local` may be NULL (the stack chooses address and port) or have port 0 or a
 * wildcard address. Success means SYN will leave; HF_EVENT_CONNECTED or _ERROR follows.
 * HF_EINVAL (port 0, multicast, broadcast, wildcard remote: MUST-46), HF_EADDRNOTAVAIL,
 * HF_EADDRINUSE, HF_ENETUNREACH (no local address of that family), HF_ENOBUFS, HF_ENOMEM. */
HF_API int hf_connect(struct hf_stack *stack, const struct hf_endpoint *local,
                      const struct hf_endpoint *remote, hf_time now, hf_handle *connection);

enum hf_send_flag {
    HF_SEND_MORE = 1,  /* more follows at once: do not push the last partial segment yet */
    HF_SEND_URGENT = 2 /* the last byte is urgent (RFC 6093) */
};
/* SEND. Copies what fits and returns how much: 1..length, or HF_EAGAIN (no room; HF_EVENT_WRITABLE
 * follows), HF_EPIPE (after shutdown or the end), HF_ENOMEM. length 0 gives 0. Allowed while
 * opening. */
HF_API ptrdiff_t hf_send(struct hf_stack *stack, hf_handle connection, const void *data,
                         size_t length, unsigned flags, hf_time now);

enum hf_recv_flag { HF_RECV_PEEK = 1 };
/* RECEIVE. Returns bytes copied; 0 after the peer's FIN once all is read; HF_EAGAIN; HF_ENOTCONN
 * while opening; after a reset or timeout what had arrived, then that error for ever. */
HF_API ptrdiff_t hf_recv(struct hf_stack *stack, hf_handle connection, void *data, size_t length,
                         unsigned flags, hf_time now);

/* Copies unread bytes in order from `offset` on, and consumes none: how many, 0 past the end. */
HF_API ptrdiff_t hf_peek(const struct hf_stack *stack, hf_handle connection, uint32_t offset,
                         void *data, size_t length);

/* CLOSE in the RFC's sense: no more will be sent, reading goes on. Queued data goes first, then
 * FIN. HF_ENOTCONN while opening actively or after the end. Twice is harmless. */
HF_API int hf_shutdown(struct hf_stack *stack, hf_handle connection, hf_time now);
/* The program is done with the handle (connection or listener), which is stale from now on. A
 * connection sends what is queued, then FIN, and finishes by itself; with unread data it is reset
 * instead (SHLD-3). A listener's waiting connections are reset. */
HF_API int hf_close(struct hf_stack *stack, hf_handle handle, hf_time now);
/* ABORT: RST to the peer where the RFC wants one, everything dropped, the handle stale. */
HF_API int hf_abort(struct hf_stack *stack, hf_handle connection, hf_time now);

/* What holds a sender with something to send back. */
enum hf_limited {
    HF_LIMITED_NOT,         /* nothing to send */
    HF_LIMITED_NETWORK,     /* busy: cwnd, or what is in flight */
    HF_LIMITED_RECEIVER,    /* the peer's window */
    HF_LIMITED_SEND_BUFFER, /* the program has more, and the send buffer no room */
    HF_LIMITED_COUNT
};

/* Where loss recovery stands. */
enum hf_recovery {
    HF_RECOVERY_OPEN,
    HF_RECOVERY_FAST,
    HF_RECOVERY_TIMEOUT,
    HF_RECOVERY_MARKED /* nothing is lost, but cwnd is being reduced for a mark (RFC 3168) */
};

/* STATUS. */
struct hf_status {
    hf_handle handle; /* HF_NO_HANDLE for records without one (SYN cache, TIME-WAIT, orphans) */
    enum hf_state state;
    struct hf_endpoint local, remote;
    int error;                    /* what ended it, or HF_OK */
    int soft_error;               /* the last soft error, or HF_OK (MUST-47) */
    uint32_t send_queue_bytes;    /* accepted by hf_send and not yet acknowledged */
    uint32_t send_unsent_bytes;   /* of these, never sent yet */
    uint32_t receive_queue_bytes; /* in order and unread */
    uint32_t out_of_order_bytes;
    uint32_t send_room_bytes;       /* hf_send takes this much now */
    uint32_t urgent_bytes;          /* unread bytes up to and including the urgent mark, 0: none
                                       (MUST-33) */
    uint32_t backlog, accept_queue; /* listeners */
    uint32_t mss_bytes;             /* effective send MSS: payload bytes per full segment */
    uint32_t retransmits;           /* segments sent again, ever */
    uint64_t bytes_retransmitted;   /* payload */
    uint32_t dsacks_received;       /* segments the peer said came twice (RFC 2883) */
    uint32_t reorderings;           /* ACKs that showed reordering (RFC 8985 6.2) */
    uint32_t timeouts;              /* of the retransmission timer, ever */
    uint32_t undos;                 /* reductions of cwnd that proved needless (RFC 4015) */
    uint32_t loss_probes;           /* RFC 8985 7 */
    uint32_t duplicate_threshold;   /* config's at first; more where the path reorders further */
    uint32_t backoff;               /* consecutive timeouts now */
    uint64_t bytes_sent, bytes_received, bytes_acked; /* payload; sent counts repeats */
    uint64_t segments_sent, segments_received;
    hf_time last_received_ns; /* when the last segment came */
    const char *timer;        /* "", "retransmit", "probe", "keepalive", "time-wait"... */
    hf_time timer_deadline;   /* HF_TIME_NEVER: none */
    struct hf_trace_numbers numbers;
    uint8_t timestamps, sack, window_scaling, nagle, keepalive; /* in use */
    uint16_t path_mtu_bytes;        /* the largest IP packet the path is known to take */
    uint16_t mtu_search_low_bytes;  /* RFC 4821: the largest in use; 0: there is no search */
    uint16_t mtu_search_high_bytes; /* no larger one is tried in this search */
    uint16_t announced_mss_bytes;   /* what our SYN said */
    uint16_t received_mss_bytes;    /* the largest segment that came */
    uint8_t probes_out;             /* window probes or keep-alives unanswered */
    uint8_t recovery;               /* enum hf_recovery */
    uint32_t segments_in_flight, sacked_segments; /* with SACK agreed */
    uint32_t lost_bytes;                          /* taken as lost and not sent again yet */
    hf_time min_rtt_ns;                           /* 0: not measured */
    hf_time last_sent_ns;                         /* when data last left; 0: never */
    uint8_t syn_data_acked;        /* data on a SYN was taken, the peer's or ours (RFC 7413) */
    uint8_t fast_open_failure;     /* as Linux's tcpi_fastopen_client_fail */
    uint32_t fast_open_room_bytes; /* so much can ride on the SYN; 0 once it has left */
    uint8_t ecn;                   /* agreed on: 0: none, 1: RFC 3168, 2: RFC 9768 */
    uint8_t ecn_seen;              /* something came as ECT or CE */
    uint32_t received_ce_segments; /* came marked CE */
    /* With RFC 9768: payload bytes that came as, or are said to have arrived as, ECT(0), CE,
     * ECT(1). */
    uint32_t ecn_received_bytes[3], ecn_delivered_bytes[3];
    uint8_t ecn_option_seen;        /* the peer's options: 0 none, 1 empty ones, 2 come through,
                                       3 zeroed on the way (Linux's tcpi_accecn_opt_seen) */
    uint8_t orphan;                 /* closed by its program, finishing by itself */
    const char *congestion_control; /* "reno" */
    uint64_t pacing_rate;     /* bytes a second: of pacing, or what cwnd comes to; 0: no RTT yet */
    uint64_t max_pacing_rate; /* HF_OPTION_MAX_PACING_RATE; 0: no limit */
    uint64_t delivery_rate;   /* bytes a second that arrive; 0: not measured */
    uint8_t delivery_app_limited;   /* 1: the program gave too little to measure more */
    uint32_t delivered_ce_segments; /* of those delivered, marked CE */
    /* What the algorithm says of itself, in the layout of Linux's TCP_CC_INFO. */
    uint8_t congestion_info[HF_CC_INFO_BYTES];
    uint32_t congestion_info_bytes;

    uint32_t timestamp_offset;       /* its timestamp clock shows milliseconds plus this */
    hf_time established_ns;          /* when it was synchronized; 0: not yet */
    hf_time last_data_received_ns;   /* 0: never */
    hf_time receive_rtt_ns;          /* as the receiver measures it; 0: not measured */
    uint32_t receive_ssthresh_bytes; /* no larger window is offered now */
    uint32_t receive_space_bytes;    /* the most that was read in a round trip */
    uint32_t receive_buffer_bytes, send_buffer_bytes;
    uint64_t receive_memory_bytes, send_memory_bytes; /* held, slack included */
    uint32_t retransmitted_in_flight_bytes;           /* lost ones that were sent again */
    uint32_t lost_segments;                           /* taken as lost, sent again or not */
    uint32_t retransmitted_segments;                  /* sent again and in flight */
    uint32_t data_segments_sent, data_segments_received, out_of_order_segments;
    uint32_t delivered_segments; /* known to have arrived, the SYN among them */
    uint32_t duplicate_acks;     /* in a row, without SACK */
    uint32_t timeout_recoveries; /* series of timeouts, those of SYNs among them */
    hf_time timeout_recovery_ns; /* in recovery from them, as far as it is over */
    /* How long each enum hf_limited held, up to limited_since_ns; `limited` holds since then. */
    hf_time limited_ns[HF_LIMITED_COUNT], limited_since_ns;
    uint8_t limited;
    uint8_t resting;  /* it is packed away, and was not woken for this */
    uint8_t writable; /* as HF_EVENT_WRITABLE would say it */
    /* 1: over in order (HF_EVENT_CLOSED), but a RST came instead of the ACK of our FIN: what was
     * sent before it may not have arrived. RFC 9293 3.10.7.4 has no signal for that; Linux has
     * ECONNRESET. */
    uint8_t reset_at_end;
};
HF_API int hf_status(const struct hf_stack *stack, hf_handle handle, struct hf_status *status);
/* Whoever owns these two endpoints: a connection (an orphan too), a SYN-RECEIVED or a TIME-WAIT
 * record. HF_EBADF: nobody. */
HF_API int hf_find(const struct hf_stack *stack, const struct hf_endpoint *local,
                   const struct hf_endpoint *remote, struct hf_status *status);
/* Walks everything: listeners, connections (orphans too), SYN-RECEIVED and TIME-WAIT records.
 * Start with *cursor = 0; 1 and a status, or 0 at the end. Changes to the stack in between may
 * repeat or miss entries, nothing worse. */
HF_API int hf_stack_list(const struct hf_stack *stack, uint64_t *cursor, struct hf_status *status);

/* Options of connections; set on a listener they are what its connections start with. */
enum hf_option {
    HF_OPTION_NAGLE,                 /* 0/1 (MUST-17) */
    HF_OPTION_CORK,                  /* 0/1: partial segments wait, 200 ms at most */
    HF_OPTION_KEEPALIVE,             /* 0/1 (MUST-24, 25) */
    HF_OPTION_KEEPALIVE_IDLE_NS,     /* 1 s..32767 s */
    HF_OPTION_KEEPALIVE_INTERVAL_NS, /* 1 s..32767 s */
    HF_OPTION_KEEPALIVE_PROBES,      /* 1..127 */
    HF_OPTION_USER_TIMEOUT_NS,       /* 0: off (MUST-21: R2 by time) */
    HF_OPTION_RETRIES_R2,            /* 0..255; 255: for ever (MUST-21) */
    HF_OPTION_SYN_RETRIES,           /* 0..127; before the SYN leaves */
    HF_OPTION_RECEIVE_BUFFER,        /* bytes, 256..1 GiB; never takes back an offered window */
    HF_OPTION_SEND_BUFFER,           /* bytes, 256..1 GiB */
    HF_OPTION_MAX_SEGMENT,           /* 0 (no limit) or 88..65495: caps the MSS both ways */
    HF_OPTION_TTL,                   /* 1..255 (MUST-49) */
    HF_OPTION_TRAFFIC_CLASS,         /* 0..255, ECN bits ignored (MUST-48, SHLD-21) */
    HF_OPTION_QUICK_ACK,             /* 0/1: 1 acknowledges at once */
    HF_OPTION_SOFT_ERRORS,           /* 0/1: 0 turns soft-error events off (SHLD-20) */
    HF_OPTION_FIN_WAIT_2_NS,    /* after hf_close: 0 as configured; -1: no waiting, reset at once */
    HF_OPTION_RECEIVE_SHUTDOWN, /* 0/1: 1 and data after our FIN resets (nobody will read it) */
    HF_OPTION_BACKLOG,          /* 1..65535, listeners only */
    HF_OPTION_CONGESTION,       /* an index: see hf_congestion_control_find; at any time */
    HF_OPTION_MAX_PACING_RATE,  /* bytes a second, 0: no limit */
    /* RFC 7413, with the bits of config.fast_open. Of a listener: how many connections may be there
     * by Fast Open before their handshake is complete; 0: none (the default), ..65535. */
    HF_OPTION_FAST_OPEN_QUEUE,
    /* Right after hf_connect, before output is drained: 1 lets what hf_send takes until then ride
     * on the SYN if a cookie for the peer is known, and asks for one if not; 2 does the same, but
     * where a cookie is known the SYN waits for hf_send, or for the value 1. Read, it says 2 while
     * the SYN waits, 1 while Fast Open is tried, else 0. HF_EOPNOTSUPP without
     * HF_FAST_OPEN_CLIENT, HF_EISCONN once the SYN has left. */
    HF_OPTION_FAST_OPEN_CONNECT,
    HF_OPTION_FAST_OPEN_NO_COOKIE, /* 0/1: as HF_FAST_OPEN_..._NO_COOKIE, for this one alone */
    /* Of a listener: a bare third ACK does not open until the SYN-ACK has timed out this often,
     * 0..255 (Linux's TCP_DEFER_ACCEPT); on a client before it connects it delays that ACK. */
    HF_OPTION_DEFER_ACCEPT,
    HF_OPTION_SAVE_SYN, /* 0/1, listeners: connections keep the headers of their SYN, hf_saved_syn
                         */
    HF_OPTION_WINDOW_CLAMP,       /* bytes, 0 (none) or 256..1 GiB: no larger window is offered */
    HF_OPTION_NOT_SENT_LOW_WATER, /* bytes, 0 (as configured)..4 GiB - 1: hf_send takes nothing
                                     while so much waits that was never sent, and HF_EVENT_WRITABLE
                                     comes when less than half of it does */
    HF_OPTION_WANT_WRITABLE, /* 0/1: 1 asks for HF_EVENT_WRITABLE, which comes at once or when a
                                third of the send buffer is free; 1 is read until it has come */
    HF_OPTION_PATH_MTU_DISCOVERY, /* enum hf_path_mtu_discovery */
    HF_OPTION_RECEIVE_LEAST /* bytes, 0..1 GiB: a buffer that follows the flow becomes at least
                               this, within its maximum */
};
/* How the path's MTU is found (RFC 1191): with DF set, and messages that something was too big
 * believed, or not. IPv6 always has the first. Linux's numbers for IP_MTU_DISCOVER. */
enum hf_path_mtu_discovery {
    HF_PATH_MTU_DONT,      /* DF clear, messages not believed */
    HF_PATH_MTU_WANT,      /* DF set, messages believed: the default */
    HF_PATH_MTU_DO,        /* the same, and never DF clear */
    HF_PATH_MTU_PROBE,     /* DF clear, messages believed */
    HF_PATH_MTU_INTERFACE, /* DF clear, messages not believed */
    HF_PATH_MTU_OMIT       /* the same */
};
/* 0, HF_EINVAL (value out of range), HF_ENOPROTOOPT (no such option). */
HF_API int hf_set_option(struct hf_stack *stack, hf_handle handle, enum hf_option option,
                         int64_t value, hf_time now);
HF_API int hf_get_option(const struct hf_stack *stack, hf_handle handle, enum hf_option option,
                         int64_t *value);

/* RFC 7413 4.1.2: the keys that cookies are made with, one or two of HF_FAST_OPEN_KEY_BYTES: the
 * one in use, then the one before it, whose cookies are still taken. `handle`: a listener, or
 * HF_NO_HANDLE for the stack's, which listeners without their own use. HF_EINVAL (length),
 * HF_EOPNOTSUPP (a connection). */
HF_API int hf_set_fast_open_keys(struct hf_stack *stack, hf_handle handle, const void *keys,
                                 size_t length);
/* The keys in force; how many bytes, at most 2 * HF_FAST_OPEN_KEY_BYTES. */
HF_API ptrdiff_t hf_get_fast_open_keys(const struct hf_stack *stack, hf_handle handle,
                                       uint8_t keys[2 * HF_FAST_OPEN_KEY_BYTES]);

/* IP and TCP header of the SYN that opened it, as HF_OPTION_SAVE_SYN kept them: how many bytes; 0:
 * none. Up to `capacity` they are copied, and once all have been they are forgotten. */
HF_API ptrdiff_t hf_saved_syn(struct hf_stack *stack, hf_handle connection, void *data,
                              size_t capacity);

/* What is to be told of the place in the stream that hf_mark marks. */
enum hf_mark_kind {
    HF_MARK_SENT = 1,    /* when its last byte leaves, each time */
    HF_MARK_ACKED = 2,   /* when all up to it is acknowledged */
    HF_MARK_BOUNDARY = 4 /* nothing; but no segment reaches across it */
};
/* Marks the end of all that hf_send has taken so far. `kinds` are of enum hf_mark_kind, `mark` is
 * the caller's to tell marks apart. HF_ENOBUFS: too many marks, or notes not taken (1,024 marks
 * fit); HF_ENOMEM, HF_EINVAL, HF_ENOTCONN. */
HF_API int hf_mark(struct hf_stack *stack, hf_handle connection, uint32_t mark, unsigned kinds,
                   hf_time now);

enum hf_note_kind { HF_NOTE_SENT, HF_NOTE_ACKED, HF_NOTE_ICMP };
#define HF_NOTE_QUOTE_BYTES 128
struct hf_note {
    enum hf_note_kind kind;
    uint32_t mark; /* SENT, ACKED */
    hf_time time_ns;
    /* ICMP: what a router (or the peer's host) said that has ended an active opening. */
    int error;                /* HF_E... */
    uint8_t type, code;       /* as they came */
    uint32_t detail;          /* the four bytes after the checksum */
    struct hf_address sender; /* who said it */
    uint32_t quote_bytes;     /* of the quoted segment, TCP header first: how many came; as many as
                                 fit are here */
    uint8_t quote[HF_NOTE_QUOTE_BYTES];
};
/* 1 and the oldest note, or 0. What is not taken when the connection goes is lost. */
HF_API int hf_next_note(struct hf_stack *stack, hf_handle connection, struct hf_note *note);

struct hf_counters {
    uint64_t packets_received, packets_sent;
    uint64_t dropped[HF_REASON_COUNT]; /* every input that was not simply ACCEPTED, by reason */
    uint64_t connections_opened_actively, connections_accepted;
    uint64_t connections_reset, connections_timed_out;
    uint64_t segments_retransmitted, resets_sent, challenge_acks_sent;
    uint64_t pacing_holds;
    uint64_t slow_starts_slowed, slow_starts_ended_by_delay; /* HyStart++ (RFC 9406) */
    uint64_t retransmit_timeouts, loss_probes, sack_renegings;
    uint64_t dsacks_sent, dsacks_received;
    /* RFC 3168: connections that agreed on ECN; SYNs that went again without it; segments that came
     * marked CE; reductions of cwnd for marks. */
    uint64_t ecn_connections, ecn_fallbacks, segments_marked, ecn_reductions;
    uint64_t undos_by_timestamp, undos_by_dsack, undos_by_frto; /* RFC 3522, 3708, 5682 */
    /* Path MTUs lowered by a router's message, messages refused (for whatever reason); probes of a
     * larger size sent, arrived, lost; sizes lowered because of timeouts (RFC 4821). */
    uint64_t path_mtus_lowered, too_big_refused;
    uint64_t mtu_probes, mtu_probes_arrived, mtu_probes_lost, mtu_black_holes;
    /* Packets that joined the one before them (hf_stack_input_batch). */
    uint64_t packets_joined;
    uint64_t replies_dropped, syn_records_evicted, time_wait_evicted;
    /* RFC 7413: cookies handed out, connections opened by the SYN alone, cookies refused; then as a
     * client: data on the SYN taken, not taken. */
    uint64_t fast_open_cookies_sent, fast_open_passive, fast_open_passive_failed;
    uint64_t fast_open_active, fast_open_active_failed;
    /* RFC 9040: ended connections that left what they learnt; new ones that began with it; entries
     * that made room for others. */
    uint64_t metrics_saved, metrics_used, metrics_evicted;
    uint32_t connections, listeners, syn_records, time_waits, metrics; /* now */
    uint32_t connections_resting;                                      /* of the connections */
    /* Put to rest (config.rest_after_ns), woken; could not be: no memory, or too much to pack. */
    uint64_t rests, wakes, rests_refused, wakes_failed;
    /* Of hf_send_ref: not fetched yet; refused because there were config.max_references. */
    uint32_t references;
    uint64_t references_refused;
    uint64_t memory_used_bytes, memory_peak_bytes;
};
HF_API void hf_stack_counters(const struct hf_stack *stack, struct hf_counters *counters);

/* What is known of the path between two addresses (RFC 9040; config.metrics_save). 0: not known. */
struct hf_metrics {
    struct hf_address local, remote;
    hf_time saved_ns; /* when it was last written */
    hf_time srtt_ns, rttvar_ns;
    uint32_t cwnd_bytes, ssthresh_bytes;
    uint32_t reordering; /* segments */
};
/* Walks them: start with *cursor = 0; 1 and an entry, or 0 at the end. */
HF_API int hf_metrics_list(const struct hf_stack *stack, uint64_t *cursor,
                           struct hf_metrics *metrics);
/* Forgets all of them. */
HF_API void hf_metrics_flush(struct hf_stack *stack);

#ifdef __cplusplus
}
#endif

#endif
