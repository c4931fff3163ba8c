/* SPDX-License-Identifier: MIT
 *
 * The event schema: what a stack says while it works. A sink is one function; ladder, JSON lines
 * and pcapng are sinks, and a program may bring its own. Everything an event points to is borrowed
 * for the call. A sink must not call back into the stack.
 */
#ifndef HANDFAST_TRACE_H
#define HANDFAST_TRACE_H

#include "reasons.h"
#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

enum hf_trace_kind {
    HF_TRACE_SENT,     /* a packet left the stack (reason: why it was sent) */
    HF_TRACE_RECEIVED, /* a packet was taken in and acted on (reason ACCEPTED or why not; emitted
                          after its processing, so `state` is the state it led to) */
    HF_TRACE_STATE,    /* state_before -> state (reason: why) */
    HF_TRACE_TIMER,    /* a timer ran out (reason: which; value: the new interval in ns) */
    HF_TRACE_RTT,      /* value: the sample in ns; numbers hold srtt and rto after it */
    HF_TRACE_CWND,     /* value: cwnd before, in bytes; numbers hold cwnd and ssthresh after it */
    HF_TRACE_WINDOW,   /* the peer's window: value before, in bytes; numbers.snd_wnd after */
    HF_TRACE_LOSS,     /* a segment in flight is taken as lost (value: its sequence number) */
    HF_TRACE_CALL,     /* a user call (reason OPEN_ACTIVE, USER_CLOSE...; value: bytes, if any) */
    HF_TRACE_ERROR,    /* the program is told of an error (value: enum hf_error) */
    HF_TRACE_RECOVERY, /* what loss recovery learns or does besides (reason: what; value: a sequence
                          number) */
    HF_TRACE_LIMIT,    /* a limit of hf_config was reached */
    HF_TRACE_LINK,     /* a simulated link did something to a packet (reason LINK_*; value: the
                          time it is held, in ns); `host` is the host that sent it */
    HF_TRACE_REST      /* an idle connection was packed away, or woken (reason: why; value: the
                          bytes that it takes at rest, or 0) */
};

/* "sent", "received"...; "unknown" for no kind. */
HF_API const char *hf_trace_kind_name(enum hf_trace_kind kind);

/* A TCP header in host order. Present for HF_TRACE_SENT, _RECEIVED and _LINK of TCP packets that
 * parse. */
struct hf_trace_segment {
    uint32_t seq;
    uint32_t ack;
    uint32_t length; /* payload bytes */
    uint16_t flags;  /* HF_FIN | HF_SYN | ... */
    uint16_t window; /* as on the wire, unscaled */
    uint16_t urgent_pointer;
    uint16_t mss;           /* 0: option absent */
    int8_t window_scale;    /* -1: option absent */
    uint8_t sack_permitted; /* 1: option present */
    uint8_t has_timestamps; /* 1: ts_value and ts_echo are set */
    uint8_t sack_count;     /* 0..4 */
    uint32_t ts_value, ts_echo;
    uint32_t sack[4][2]; /* left edge, right edge */
    /* TCP Fast Open (RFC 7413): 1: the option is there; 1: in its experimental form; the bytes of
     * its cookie, of which a request has none. */
    uint8_t has_fast_open, fast_open_experimental, fast_open_length;
    uint8_t fast_open_cookie[16];
};

/* Header flags, as in the low bits of octets 12 and 13. */
enum hf_flag {
    HF_FIN = 0x001,
    HF_SYN = 0x002,
    HF_RST = 0x004,
    HF_PSH = 0x008,
    HF_ACK = 0x010,
    HF_URG = 0x020,
    HF_ECE = 0x040,
    HF_CWR = 0x080,
    HF_AE = 0x100
};

/* RFC 9293 3.3.1's variables and the congestion state when the event happened; all zero where
 * there is no connection. iss and irs let a reader show relative numbers. */
struct hf_trace_numbers {
    uint32_t iss, irs;
    uint32_t snd_una, snd_nxt, snd_wnd;
    uint32_t rcv_nxt, rcv_wnd;
    uint32_t cwnd_bytes, ssthresh_bytes, flight_bytes;
    hf_time srtt_ns, rttvar_ns, rto_ns;
    uint8_t snd_wind_shift, rcv_wind_shift;
};

struct hf_trace_event {
    hf_time time;
    enum hf_trace_kind kind;
    enum hf_reason reason;
    const char *host_name;            /* config.host_name; "" if unset, never NULL */
    uint32_t host;                    /* config.host_id */
    hf_handle connection;             /* HF_NO_HANDLE where there is none */
    struct hf_endpoint local, remote; /* seen from `host` */
    enum hf_state state_before, state;
    int64_t value; /* see hf_trace_kind */
    struct hf_trace_numbers numbers;
    const struct hf_trace_segment *segment; /* or NULL */
    const uint8_t *packet;                  /* the whole IP packet, or NULL */
    size_t packet_length;
};

struct hf_trace_sink {
    void (*event)(void *context, const struct hf_trace_event *event);
    void *context;
};

/* ---- Readers of events (hosted builds). Each _new returns NULL with errno set on failure; the
 * FILE stays the caller's; _free flushes. Register with: config.trace = hf_ladder_sink(ladder). */
struct hf_ladder;
struct hf_ladder_options {
    int columns;     /* 0: 80; at least 80 */
    int colour;      /* 1: ANSI colour */
    int absolute;    /* 1: absolute sequence numbers; 0: relative to ISS and IRS */
    int verbose;     /* 1: timers, RTT samples and cwnd too */
    int plain_ascii; /* 1: no arrows beyond ASCII */
};
HF_API struct hf_ladder *hf_ladder_new(void *file /* FILE * */, const struct hf_ladder_options *);
HF_API struct hf_trace_sink hf_ladder_sink(struct hf_ladder *ladder);
HF_API void hf_ladder_free(struct hf_ladder *ladder);

/* One JSON object per event, one event per line. */
struct hf_json_trace;
HF_API struct hf_json_trace *hf_json_trace_new(void *file /* FILE * */);
HF_API struct hf_trace_sink hf_json_trace_sink(struct hf_json_trace *trace);
HF_API void hf_json_trace_free(struct hf_json_trace *trace);

/* pcapng: one interface per host, packets with their reasons as comments. `epoch_ns` is added to
 * each event's time to give the capture's wall clock (0 is fine). */
struct hf_pcapng;
HF_API struct hf_pcapng *hf_pcapng_new(void *file /* FILE * */, int64_t epoch_ns);
HF_API struct hf_trace_sink hf_pcapng_sink(struct hf_pcapng *pcapng);
HF_API void hf_pcapng_free(struct hf_pcapng *pcapng);

/* Sends every event to up to 8 sinks in turn. */
struct hf_trace_tee {
    struct hf_trace_sink sinks[8];
    unsigned count;
};
HF_API struct hf_trace_sink hf_trace_tee_sink(struct hf_trace_tee *tee);

#ifdef __cplusplus
}
#endif

#endif
