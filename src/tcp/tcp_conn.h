/* SPDX-License-Identifier: MIT
 *
 * One connection: RFC 9293's transmission control block, in the RFC's names, and the calls that
 * the stack makes on it. Nothing here calls upward: what a connection wants (to send, to wake, to
 * tell its program something, to go away) is left in its fields, and the stack looks after each
 * call.
 *
 * Times are passed in through `tcp_host.now`. Memory comes from the host's pools.
 */
#ifndef TCP_CONN_H
#define TCP_CONN_H

#include "bytequeue.h"
#include "cc_ops.h"
#include "flow_tuple.h"
#include "memory.h"
#include "send_queue.h"
#include "seq32.h"
#include "tcp_ecn.h"
#include "tcp_min_rtt.h"
#include "tcp_notes.h"
#include "tcp_segment.h"
#include "tcp_sender.h"
#include "tcp_sent.h"

#include <handfast/offload.h>
#include <handfast/stack.h>

/* What a connection may use of its host; one per stack. */
struct tcp_host {
    const struct hf_config *config;
    struct memory *memory;
    struct page_pool *pages;
    struct send_store *send_store;
    struct hf_counters *counters;
    hf_time now;
    bool by_the_book;          /* no short cut is taken: what tests compare them with */
    uint32_t fast_open_pauses; /* in a row: see tcp_fast_open_timeout */
    hf_time fast_open_paused;  /* when the last one began */
};

/* The timers of a connection. At most one deadline of each kind; HF_TIME_NEVER: not running.
 *
 * retransmit  While a SYN, data or a FIN is unacknowledged: after the RTO it is sent again and the
 *             RTO doubles (RFC 6298 5). The R1, R2 and user-timeout thresholds are looked at here.
 * probe       While there is data to send, none in flight, and the peer's window does not allow it:
 *             asks again after the RTO, doubling (RFC 9293 3.8.6.1), or overrides silly-window
 *             avoidance (3.8.6.2.1).
 * delayed_ack While an acknowledgement is being delayed (3.8.6.3).
 * keepalive   While keep-alive is on and nothing is outstanding (3.8.4).
 * reordering  While something that was overtaken may yet be only late (RFC 8985 6.2).
 * loss_probe  While the tail of a flight may be lost and nobody would tell (RFC 8985 7).
 * fin_wait_2  In FIN-WAIT-2 after the program has let go: the peer may never close.
 * pacing      While a segment may go but for the pacing rate (tcp_pacing.c). */
enum tcp_timer {
    TCP_TIMER_REORDERING,
    TCP_TIMER_LOSS_PROBE,
    TCP_TIMER_RETRANSMIT,
    TCP_TIMER_PROBE,
    TCP_TIMER_DELAYED_ACK,
    TCP_TIMER_KEEPALIVE,
    TCP_TIMER_FIN_WAIT_2,
    TCP_TIMER_PACING,
    TCP_TIMER_COUNT
};

/* What tcp_next_segment has been asked to send, besides data that is allowed to go. */
enum tcp_intent {
    TCP_INTENT_RESET = 1,      /* RST with reset_seq; the connection may be CLOSED already */
    TCP_INTENT_SYN = 2,        /* SYN, or SYN-ACK in SYN-RECEIVED */
    TCP_INTENT_RETRANSMIT = 4, /* the segment at snd.retransmit_next, whatever cwnd says */
    TCP_INTENT_ACK = 8,        /* an ACK, by itself or with data */
    TCP_INTENT_PROBE = 16,     /* a window probe, or whatever fits the window */
    TCP_INTENT_KEEPALIVE = 32,
    TCP_INTENT_CHALLENGE = 64, /* a challenge ACK: always by itself */
    TCP_INTENT_LOSS_PROBE = 256,
    TCP_INTENT_FORCE_SMALL = 128 /* silly-window avoidance is overridden once */
};

/* RFC 8985's variables. */
struct tcp_rack {
    hf_time sent;   /* RACK.xmit_ts: when the latest-sent delivered segment left */
    uint32_t order; /* its ordinal, instead of RACK.end_seq: see tcp_sent.h */
    seq32 fack;     /* RACK.fack: the highest delivered */
    seq32 dsack_round, probe_end;
    uint32_t rtt_us;
    struct tcp_min_rtt min_rtt;
    uint8_t reo_wnd_mult, reo_wnd_persist;
    bool valid, reordering_seen, dsack_round_valid;
    bool probe_out, probe_repeats; /* TLP.end_seq is set; TLP.is_retrans */
    bool probe_unmeasured;         /* no round trip was measured since the last probe */
    bool probe_timed;              /* what was timed when it left lies below it */
};

/* Whether the last reduction of cwnd was needless (tcp_undo.c). */
struct tcp_undo {
    seq32 marker;         /* SND.UNA at the reduction */
    uint32_t stamp;       /* the clock of timestamps at the first repetition since (RFC 3522) */
    uint32_t retransmits; /* repetitions since that no DSACK has shown to be needless */
    bool possible;        /* there is a reduction to be undone */
    bool repeated;        /* something was sent again since: `retransmits` means something */
    bool stamped;
};

/* RFC 5682: was the timeout spurious? */
enum tcp_frto {
    TCP_FRTO_OFF,
    TCP_FRTO_FIRST, /* step 2: the first repetition is out; what does the next ACK cover? */
    TCP_FRTO_NEW,   /* step 2b: new data may leave, and nothing again */
    TCP_FRTO_SECOND /* step 3: it has left; its ACK decides */
};

/* The largest packets (tcp_mtu.c): RFC 4821's search. Sizes are of IP packets. */
struct tcp_mtu_search {
    seq32 probe_start, probe_end;
    seq32 sized_end, held_seq;
    hf_time since;        /* when this search began */
    hf_time silent_since; /* the first of the timeouts in a row */
    uint16_t low;         /* search_low: it gets through */
    uint16_t high;        /* search_high: nothing larger does */
    uint16_t probe;       /* the one in flight; 0: none */
    uint16_t arrived;     /* RFC 5927 7.2's maxsizeacked, and the packet that may raise it */
    uint16_t sized;
    uint16_t held; /* what a message claimed that waits to be confirmed by a timeout; 0: none */
    bool on;
    bool over;  /* low and high have met, and that has been told */
    bool waits; /* for room for a probe, and that has been told */
};

/* RFC 9937's. */
struct tcp_prr {
    uint64_t delivered_bytes, out_bytes;
    uint32_t flight_bytes; /* RecoverFS */
    uint32_t cwnd_bytes;
};

/* Loss recovery's state. */
enum tcp_recovery {
    TCP_RECOVERY_NONE = HF_RECOVERY_OPEN,
    TCP_RECOVERY_FAST,   /* after three duplicate ACKs (RFC 5681 3.2, RFC 6582) */
    TCP_RECOVERY_TIMEOUT /* after a timeout: all that was in flight is sent again in slow start */
};

/* A stretch of the sequence space received above a hole. */
struct tcp_range {
    seq32 left, right;
    uint32_t recency; /* larger: touched later; for RFC 2018's "most recent first" */
};

/* Only there while something is out of order. */
struct tcp_reassembly {
    uint32_t count, capacity;
    uint32_t recency;
    uint32_t recent_count;
    struct tcp_sack_block recent[TCP_SACK_MAX_BLOCKS]; /* the ranges touched last, latest first */
    struct tcp_range ranges[];                         /* ascending, disjoint, not touching */
};

/* Below this a peer's MSS is taken for an attack on our overhead (Linux: tcp_min_snd_mss). */
#define TCP_MINIMUM_SEND_MSS 48u

/* Receive buffer tuning (tcp_buffers.c). */
struct tcp_tuning {
    uint32_t ssthresh_bytes; /* no more than this is offered; grows as segments come */
    uint32_t rtt_us;         /* the receiver's round trip, smoothed; 0: not measured */
    seq32 rtt_seq;           /* without timestamps: a round trip ends when this arrives */
    uint32_t rtt_echo;       /* with them: the last echo that gave a sample */
    hf_time rtt_since;       /* 0: rtt_seq is not being timed */
    uint32_t space_bytes;    /* the most that was read in one round trip */
    seq32 space_seq;         /* what had been read when this round trip began */
    hf_time space_since;
};

/* What is counted for STATUS alone; what bulk data counts comes first. */
struct tcp_tally {
    uint32_t data_segments_sent, data_segments_received;
    uint32_t delivered_segments; /* known to have arrived, the SYN among them */
    uint8_t limited;             /* enum hf_limited */
    hf_time last_data_received;
    hf_time timeout_since, timeout_ns; /* in recovery from timeouts: 0 or since when; finished */
    uint32_t out_of_order_segments, syn_timeouts, timeout_recoveries;
    hf_time established;
    hf_time limited_ns[HF_LIMITED_COUNT], limited_since;
};

/* Events waiting for the program: bits are 1 << enum hf_event_type. */
typedef uint16_t tcp_event_set;

struct tcp_fast_open;

/* What bulk data touches stands together, before and behind what it does not (tcp_layout_test.c
 * prints it and holds it there). */
struct tcp_conn {
    struct flow_tuple tuple;

    /* RFC 9293 3.3.1, the send sequence space. */
    struct {
        seq32 una, nxt, up, wl1, wl2;
        seq32 front; /* the number of the send queue's first byte */
        uint32_t wnd;
        uint32_t max_wnd;      /* the largest ever offered (3.8.6.2.1, RFC 5961 5.2) */
        seq32 retransmit_next; /* the next to send again; una..nxt; == nxt: nothing */
        seq32 recover;         /* RFC 6582: snd.nxt when recovery began */
        seq32 limited_until;   /* cwnd_limited holds until this is acknowledged */
        seq32 first_duplicate; /* snd.nxt at the first duplicate ACK: before limited transmit */
        seq32 small_end;       /* the end of the last segment under a full one (Nagle) */
        seq32 una_before;      /* SND.UNA before it last moved (RFC 6582 4.1) */
    } snd;
    seq32 iss;
    /* The receive sequence space. */
    struct {
        seq32 nxt, up;
        uint32_t wnd;        /* the right edge offered is nxt + wnd */
        seq32 last_ack_sent; /* RFC 7323 4.3's Last.ACK.sent */
        seq32 fin;           /* the FIN's number, when has_fin */
    } rcv;

    enum hf_state state : 8;
    bool passive : 1;        /* opened by a listener (MUST-11) */
    bool orphan : 1;         /* the program has closed its handle */
    bool fin_queued : 1;     /* CLOSE was called: FIN follows the data */
    bool receive_eof : 1;    /* FIN was taken in order */
    bool has_fin : 1;        /* a FIN is known, perhaps above a hole */
    bool timestamps : 1;     /* agreed (RFC 7323 3.2) */
    bool sack : 1;           /* agreed (RFC 2018 2) */
    bool window_scaling : 1; /* agreed (RFC 7323 2.2) */
    bool nagle : 1;
    bool cork : 1;
    bool keepalive : 1;
    bool quick_ack : 1;        /* the program wants every ACK at once */
    bool syn_retries_set : 1;  /* by the program, not by the configuration */
    bool conversation : 1;     /* what arrives is answered soon: no ACK goes at once */
    bool receive_shutdown : 1; /* the program reads no more */
    bool soft_errors : 1;      /* the program wants soft errors */
    bool urgent_sending : 1;   /* snd.up is ahead of what is acknowledged */
    bool urgent_receiving : 1; /* rcv.up is ahead of what was read */
    bool rtt_timing : 1;       /* rtt_seq is being timed (no timestamps) */
    bool rtt_measured : 1;
    bool syn_retransmitted : 1;
    bool send_blocked : 1; /* hf_send answered HF_EAGAIN */
    bool more_follows : 1; /* HF_SEND_MORE: the last partial segment waits */
    bool r1_reported : 1;
    bool cwnd_limited : 1;      /* cwnd held data back (until snd.limited_until) */
    bool after_timeout : 1;     /* this slow start follows a timeout (RFC 3465 2.3) */
    bool path_mtu_locked : 1;   /* the path takes less than we cut: DF is off (RFC 1191 3) */
    bool receive_tuned : 1;     /* no HF_OPTION_RECEIVE_BUFFER was set: it follows the flow */
    bool send_tuned : 1;        /* the same for sending */
    bool dsack_due : 1;         /* the next ACK reports `dsack` (RFC 2883) */
    bool backoff_reverted : 1;  /* ICMP (RFC 6069) or a sample took back doublings */
    bool metrics_wanted : 1;    /* synchronized: to begin with what others learnt (RFC 9040) */
    bool metrics_due : 1;       /* ended in order: what it learnt is to be kept */
    uint8_t frto;               /* enum tcp_frto */
    uint8_t recovery;           /* enum tcp_recovery */
    uint8_t duplicate_acks;     /* received in a row */
    uint8_t duplicate_acks_due; /* to send, one for each out-of-order segment */
    /* TCP Fast Open: a listener opened it at the SYN (RFC 7413 4.2.2); our SYN had the option or
     * data; HF_OPTION_FAST_OPEN_NO_COOKIE; our SYN waits for data; data on a SYN was taken, theirs
     * or ours; enum tcp_fast_open_failure. */
    bool fast_open_child : 1;
    bool fast_open_used : 1;
    bool fast_open_no_cookie : 1;
    bool syn_held : 1;
    bool syn_data_acked : 1;
    uint8_t fast_open_failure;
    /* Of a listener's: the program has it; HF_OPTION_SAVE_SYN, HF_OPTION_DEFER_ACCEPT. */
    bool accepted : 1;
    bool save_syn : 1;
    bool reset_at_end : 1; /* a RST came instead of the ACK of our FIN */
    uint8_t defer_accept;
    uint8_t snd_wind_shift, rcv_wind_shift; /* RFC 7323 2.2's names */
    uint8_t ttl, traffic_class;
    uint8_t backoff;           /* consecutive timeouts */
    uint8_t probes_out;        /* window probes or keep-alives unanswered */
    uint8_t quick_acks;        /* this many more ACKs go at once */
    uint8_t retransmit_reason; /* enum hf_reason of the retransmission due */
    uint8_t ack_reason;        /* enum hf_reason of the ACK due */
    uint8_t challenge_reason;  /* enum hf_reason of the challenge ACK due */
    uint8_t challenge_tokens;
    uint8_t syn_retries, retries_r2, keepalive_probes;
    uint16_t intents;       /* enum tcp_intent */
    tcp_event_set events;   /* to be told to the program */
    tcp_event_set reported; /* READABLE told and not read since */

    uint8_t path_mtu_discovery; /* enum hf_path_mtu_discovery */
    uint16_t peer_mss;          /* what the peer's SYN allows; 536 or 1220 by default (MUST-15) */
    uint16_t own_mss;           /* what we announced */
    uint16_t max_segment;       /* HF_OPTION_MAX_SEGMENT; 0: none */
    uint16_t path_mtu;          /* the largest IP packet the path is known to take */
    uint16_t reordering;        /* how far the path is known to reorder, in segments: DupThresh */
    uint16_t receive_mss; /* the largest segment seen: what "full-sized" means for delayed ACKs */
    uint32_t ack_pending_bytes; /* received in order since the last ACK went */

    uint32_t ts_recent, ts_offset;
    uint32_t ts_recent_age_s; /* when ts_recent was taken, in seconds */

    /* RFC 6298, microseconds. */
    uint32_t srtt_us, rttvar_us, rto_us;
    seq32 rtt_seq;
    hf_time rtt_start;

    struct tcp_sender *sender;       /* from before the first byte leaves */
    struct tcp_fast_open *fast_open; /* only while opening with Fast Open */
    struct tcp_notes *notes;         /* only while there are marks (tcp_notes.c) */
    struct tcp_sent *sent;           /* only with SACK, only while something is in flight */
    struct tcp_rack rack;
    struct tcp_prr prr;
    struct tcp_undo undo;
    struct hf_cc_state congestion;
    const struct hf_cc_ops *cc;

    /* From here on what bulk data does not touch: a third of ecn, which begins it, is for marks,
     * and most of search, which ends it, for probes. */
    struct tcp_ecn ecn;
    hf_handle handle; /* the stack's name for it, for traces */
    seq32 irs;
    seq32 reset_seq, reset_ack;
    bool reset_has_ack;
    struct tcp_sack_block dsack;
    uint32_t left_bytes; /* without SACK: what duplicate ACKs say has arrived (RFC 9937 5) */
    int error;           /* what ended it */
    int told_soft_error; /* what HF_EVENT_SOFT_ERROR came for */
    hf_time challenge_refill;
    hf_time path_mtu_lowered; /* when path_mtu was last made smaller */
    hf_time keepalive_idle_ns, keepalive_interval_ns;
    hf_time fin_wait_2_ns; /* HF_OPTION_FIN_WAIT_2_NS */
    uint32_t retransmits;
    uint32_t dsacks_received; /* segments that DSACK said came twice */
    uint32_t reorderings;     /* ACKs that showed reordering */
    uint32_t timeouts, undos, loss_probes;
    uint64_t bytes_retransmitted;
    struct tcp_mtu_search search;

    hf_time deadlines[TCP_TIMER_COUNT];
    hf_time progress_time; /* when the oldest unacknowledged was first sent, or progress was made */
    hf_time last_sent, last_received;
    hf_time user_timeout_ns;
    uint64_t max_pacing_rate; /* HF_OPTION_MAX_PACING_RATE; 0: no limit */

    /* What the program gave and is not acknowledged yet; the front is snd.front. */
    struct send_queue send_queue;
    uint32_t send_bytes, send_limit_bytes;
    /* Unread bytes, in order, then what is out of order at its place. */
    struct bytequeue receive_queue;
    uint32_t receive_bytes, receive_limit_bytes;
    struct tcp_reassembly *reassembly;
    uint32_t window_clamp_bytes;       /* HF_OPTION_WINDOW_CLAMP; 0: none */
    uint32_t not_sent_low_water_bytes; /* 0 or all ones: none */
    struct tcp_tuning tuning;
    int soft_error; /* MUST-47 */

    uint64_t bytes_sent, bytes_received, bytes_acked;
    uint64_t segments_sent, segments_received;
    struct tcp_tally tally;
};

/* The last of those that say why something leaves; no others are kept. */
_Static_assert(HF_REASON_SEND_MTU_PROBE <= UINT8_MAX, "reasons are kept in a byte");

/* ---- tcp_conn.c */

/* A CLOSED connection with the host's defaults. */
void tcp_conn_init(struct tcp_conn *conn, const struct tcp_host *host,
                   const struct flow_tuple *tuple);
/* Gives back buffers and reassembly. */
void tcp_conn_clear(struct tcp_conn *conn, struct tcp_host *host);
void tcp_set_state(struct tcp_conn *conn, const struct tcp_host *host, enum hf_state state,
                   enum hf_reason reason);
/* The connection is over: CLOSED, timers off, the program told (error HF_OK: an orderly end). */
void tcp_finish(struct tcp_conn *conn, struct tcp_host *host, int error, enum hf_reason reason);
void tcp_tell(struct tcp_conn *conn, enum hf_event_type type);
/* The largest packet that may be sent, but for probes (tcp_mtu.c). */
static inline uint32_t tcp_mtu_in_use(const struct tcp_conn *conn)
{
    return conn->search.on && conn->search.low < conn->path_mtu ? conn->search.low : conn->path_mtu;
}
/* Payload bytes of a full segment with the options in use now, if packets were bounded by `mtu`.
 * MUST-16: min(SendMSS, what the path takes) less the options that every segment carries; SACK
 * blocks are taken off where a segment is built. */
static inline uint32_t tcp_payload_of_mtu(const struct tcp_conn *conn, uint32_t mtu)
{
    uint32_t headers = (conn->tuple.family == HF_IPV4 ? 20u : 40u) + TCP_HEADER_BYTES;
    uint32_t options = conn->timestamps ? 12 : 0;
    uint32_t mss = mtu > headers ? mtu - headers : 0;
    mss = mss < conn->peer_mss ? mss : conn->peer_mss;
    if (conn->max_segment != 0 && conn->max_segment < mss) {
        mss = conn->max_segment;
    }
    return mss > options + TCP_MINIMUM_SEND_MSS ? mss - options : TCP_MINIMUM_SEND_MSS;
}
/* Of what the path takes. Asked a dozen times for a segment, so it is inline: as a call it took 760
 * of the 7900 instructions that a segment cost. */
static inline uint32_t tcp_effective_mss(const struct tcp_conn *conn)
{
    return tcp_payload_of_mtu(conn, tcp_mtu_in_use(conn));
}
/* RFC 7323 5.4's clock: milliseconds, offset per connection. */
uint32_t tcp_timestamp(const struct tcp_conn *conn, hf_time now);

/* ---- tcp_open.c */

/* Active OPEN: SYN-SENT, SYN due. */
void tcp_open_active(struct tcp_conn *conn, struct tcp_host *host, seq32 iss, uint32_t ts_offset);
/* Options were set before the SYN left: what it announces follows them. */
void tcp_open_refresh(struct tcp_conn *conn, const struct tcp_host *host);
/* A connection from a SYN-cache record, in SYN-RECEIVED with its SYN-ACK sent. */
struct tcp_passive_open {
    seq32 iss, irs;
    uint32_t ts_offset, ts_recent;
    uint32_t rcv_wnd;
    uint16_t snd_wnd; /* the SYN's, unscaled */
    uint16_t peer_mss, own_mss;
    uint8_t snd_wind_shift, rcv_wind_shift;
    bool timestamps, sack, window_scaling;
    uint8_t ecn;                /* enum tcp_ecn_mode */
    uint8_t syn_codepoint;      /* the ECN field that the SYN came with */
    bool no_ect;                /* see struct tcp_ecn */
    bool syn_ack_retransmitted; /* after a timeout */
    bool syn_ack_repeated;      /* for whatever reason: not to be timed */
    hf_time syn_ack_sent;
};
void tcp_open_passive(struct tcp_conn *conn, struct tcp_host *host,
                      const struct tcp_passive_open *open);
/* Takes what the peer's SYN says: MSS, scale, timestamps, SACK. */
void tcp_take_syn_options(struct tcp_conn *conn, struct tcp_host *host,
                          const struct tcp_segment *segment);
/* Our SYN is acknowledged: cwnd, RTO, ESTABLISHED's first values. */
void tcp_synchronized(struct tcp_conn *conn, struct tcp_host *host);
/* The receive window scale for a connection like this one: the smallest shift that lets 65535
 * cover all that its buffer may become, <= 14. */
uint8_t tcp_window_shift_of(const struct tcp_conn *conn, const struct hf_config *config);
/* What its SYN offers. */
uint32_t tcp_first_window(const struct tcp_conn *conn);

/* ---- tcp_arrives.c: SEGMENT ARRIVES (RFC 9293 3.10.7) */

/* The checksum was verified and the tuple matched. Returns why it was taken or not. */
enum hf_reason tcp_segment_arrives(struct tcp_conn *conn, struct tcp_host *host,
                                   const struct tcp_segment *segment);
/* RFC 9293 3.10.7.4 first, table 6: HF_REASON_NONE when acceptable; the bytes are not trimmed. */
enum hf_reason tcp_sequence_verdict(seq32 rcv_nxt, uint32_t rcv_wnd,
                                    const struct tcp_segment *segment);
/* RFC 9293 3.10.7.1: the RST that answers a segment for no connection; false: it gets none. */
bool tcp_reset_for(const struct tcp_segment *segment, struct tcp_segment *reset);

/* ---- tcp_send.c */

/* The only place that chooses what leaves: fills `segment` (ports, numbers, flags, options,
 * payload_length; payload stays NULL: copy it from the send queue with *payload_offset) and why.
 * False: nothing to send now. Calls must be repeated until then. */
static inline bool tcp_next_segment(struct tcp_conn *conn, struct tcp_host *host,
                                    struct tcp_segment *segment, uint32_t *payload_offset,
                                    enum hf_reason *reason);
/* `segment` has just been chosen, HF_REASON_SEND_DATA, at this instant: how many more full segments
 * of new data follow it that differ in nothing but their number, at most `most`. They are taken as
 * sent. 0: ask tcp_next_segment. */
uint32_t tcp_next_run(struct tcp_conn *conn, struct tcp_host *host,
                      const struct tcp_segment *segment, uint32_t most);
/* It would be so many at least, were `most` larger and memory there. */
uint32_t tcp_run_sure(const struct tcp_conn *conn, const struct tcp_host *host,
                      const struct tcp_segment *segment);
/* Text of `length` was written behind what is received, and is not going to be: memory for it is
 * given back. */
void tcp_forget_placed(struct tcp_conn *conn, struct tcp_host *host, uint32_t length);
/* Of how many segments a super-segment may be made: Linux's, see tcp_push.c; 2 or more. */
uint32_t tcp_run_limit(const struct tcp_conn *conn, const struct tcp_host *host);
/* The number of our FIN, once fin_queued: it follows the last byte. */
static inline seq32 tcp_fin_seq(const struct tcp_conn *conn)
{
    return seq_add(conn->snd.front, conn->send_bytes);
}
/* SND.NXT - SND.UNA. */
static inline uint32_t tcp_flight(const struct tcp_conn *conn)
{
    return (uint32_t)seq_diff(conn->snd.nxt, conn->snd.una);
}
/* Queued bytes that were never sent. */
static inline uint32_t tcp_unsent_bytes(const struct tcp_conn *conn)
{
    int32_t sent = seq_diff(conn->snd.nxt, conn->snd.front);
    if (sent <= 0) {
        return conn->send_bytes;
    }
    return (uint32_t)sent < conn->send_bytes ? conn->send_bytes - (uint32_t)sent : 0;
}

static inline bool tcp_fin_unsent(const struct tcp_conn *conn)
{
    return conn->fin_queued && seq_le(conn->snd.nxt, tcp_fin_seq(conn));
}
/* Nothing unsent, lost or being recovered from, though something may be in flight, and nobody is
 * about to bring more: choose would find nothing but what the intents ask for. */
static inline bool tcp_is_calm(const struct tcp_conn *conn, const struct tcp_host *host)
{
    return tcp_unsent_bytes(conn) == 0 && !tcp_fin_unsent(conn) && conn->duplicate_acks_due == 0 &&
           conn->recovery == TCP_RECOVERY_NONE && conn->frto == TCP_FRTO_OFF &&
           !conn->ecn.before_due && !conn->ecn.handshake_due &&
           (conn->sent == NULL || conn->sent->lost_bytes == 0) && !conn->send_blocked &&
           conn->state != HF_CLOSED && !host->by_the_book;
}
/* It is not asked then: it costs 450 instructions to find that out in choose, and eleven times
 * while a connection opens, says a byte and closes. */
static inline bool tcp_is_quiet(const struct tcp_conn *conn, const struct tcp_host *host)
{
    return conn->intents == 0 && tcp_is_calm(conn, host);
}
/* An ACK by itself is all that it has to say. */
static inline bool tcp_only_acknowledges(const struct tcp_conn *conn, const struct tcp_host *host)
{
    return conn->intents == TCP_INTENT_ACK && conn->state != HF_SYN_SENT && tcp_is_calm(conn, host);
}
bool tcp_choose_segment(struct tcp_conn *conn, struct tcp_host *host, struct tcp_segment *segment,
                        uint32_t *payload_offset, enum hf_reason *reason);
/* What else choose does where it finds nothing: see tcp_is_quiet. */
void tcp_fall_quiet(struct tcp_conn *conn, struct tcp_host *host);
/* And where it finds that ACK; why it is sent. */
enum hf_reason tcp_send_ack(struct tcp_conn *conn, struct tcp_host *host,
                            struct tcp_segment *segment);
static inline bool tcp_next_segment(struct tcp_conn *conn, struct tcp_host *host,
                                    struct tcp_segment *segment, uint32_t *payload_offset,
                                    enum hf_reason *reason)
{
    if (tcp_is_quiet(conn, host)) {
        tcp_fall_quiet(conn, host);
        return false;
    }
    if (tcp_only_acknowledges(conn, host)) {
        *reason = tcp_send_ack(conn, host, segment);
        return true;
    }
    return tcp_choose_segment(conn, host, segment, payload_offset, reason);
}

/* ---- tcp_timers.c */

static inline hf_time tcp_earlier(hf_time one, hf_time other)
{
    return one < other ? one : other;
}
/* Looked at after everything that is done to a connection; in pairs it takes half of what a loop
 * does. */
static inline hf_time tcp_earliest_deadline(const struct tcp_conn *conn)
{
    const hf_time *at = conn->deadlines;
    _Static_assert(TCP_TIMER_COUNT == 8, "four pairs");
    return tcp_earlier(tcp_earlier(tcp_earlier(at[0], at[1]), tcp_earlier(at[2], at[3])),
                       tcp_earlier(tcp_earlier(at[4], at[5]), tcp_earlier(at[6], at[7])));
}
/* Runs every timer that is due at host->now. */
void tcp_run_timers(struct tcp_conn *conn, struct tcp_host *host);
/* Sets the retransmission and probe timers to what the send state now asks for. */
void tcp_arm_retransmit_anew(struct tcp_conn *conn, struct tcp_host *host);
static inline void tcp_arm_retransmit(struct tcp_conn *conn, struct tcp_host *host)
{
    if (tcp_flight(conn) > 0 && conn->deadlines[TCP_TIMER_RETRANSMIT] != HF_TIME_NEVER) {
        conn->deadlines[TCP_TIMER_PROBE] = HF_TIME_NEVER; /* it runs already */
    } else if (tcp_flight(conn) == 0 && tcp_unsent_bytes(conn) == 0 && !tcp_fin_unsent(conn)) {
        conn->deadlines[TCP_TIMER_RETRANSMIT] = HF_TIME_NEVER;
        conn->deadlines[TCP_TIMER_PROBE] = HF_TIME_NEVER;
    } else {
        tcp_arm_retransmit_anew(conn, host);
    }
}
void tcp_start_keepalive(struct tcp_conn *conn);
static inline void tcp_restart_keepalive(struct tcp_conn *conn)
{
    if (conn->keepalive) {
        tcp_start_keepalive(conn);
    } else {
        conn->deadlines[TCP_TIMER_KEEPALIVE] = HF_TIME_NEVER;
    }
}
const char *tcp_timer_name(enum tcp_timer timer);

/* ---- tcp_calls.c: the user calls, after the stack has checked the handle */

ptrdiff_t tcp_send(struct tcp_conn *conn, struct tcp_host *host, const void *data, size_t length,
                   unsigned flags);
/* The same by reference (zero_copy.h). */
ptrdiff_t tcp_send_reference(struct tcp_conn *conn, struct tcp_host *host, const void *data,
                             size_t length, void *context, unsigned flags);
/* What was given by reference is copied, and goes back. False: out of memory. */
bool tcp_send_own(struct tcp_conn *conn, struct tcp_host *host);
ptrdiff_t tcp_peek(const struct tcp_conn *conn, uint32_t offset, void *data, size_t length);
ptrdiff_t tcp_receive(struct tcp_conn *conn, struct tcp_host *host, void *data, size_t length,
                      unsigned flags);
/* The same by reference (zero_copy.h), and what follows: `length` bytes, no more than there are,
 * have been read. */
ptrdiff_t tcp_refer(const struct tcp_conn *conn, struct hf_piece *pieces, uint32_t *count);
void tcp_release(struct tcp_conn *conn, struct tcp_host *host, uint32_t length);
int tcp_shutdown(struct tcp_conn *conn, struct tcp_host *host);
/* The program lets go. */
void tcp_close(struct tcp_conn *conn, struct tcp_host *host);
/* In FIN-WAIT-2 with nobody there: waits for a bounded time, or not at all. */
void tcp_wait_abandoned(struct tcp_conn *conn, struct tcp_host *host);
void tcp_abort(struct tcp_conn *conn, struct tcp_host *host, enum hf_reason reason, int error);
int tcp_set_option(struct tcp_conn *conn, struct tcp_host *host, enum hf_option option,
                   int64_t value);
int tcp_get_option(const struct tcp_conn *conn, const struct tcp_host *host, enum hf_option option,
                   int64_t *value);
void tcp_status(const struct tcp_conn *conn, struct hf_status *status);

/* ---- tcp_congestion.c: the algorithms by index, as <handfast/congestion.h> counts them */

const struct hf_cc_ops *tcp_cc_at(const struct hf_config *config, int index);
int tcp_cc_index(const struct hf_config *config, const struct hf_cc_ops *ops);
/* ---- tcp_tally.c */

void tcp_tally_status(const struct tcp_conn *conn, struct hf_status *status);

/* ---- tcp_trace.c */

/* The variables as they stand, for an event. */
void tcp_trace_numbers(const struct tcp_conn *conn, struct hf_trace_numbers *numbers);

/* ---- tcp_mtu.c */

/* MSS from an MTU for this connection's family: MTU - IP header - 20. */
uint16_t tcp_mss_of_mtu(const struct tcp_conn *conn, uint32_t mtu);
/* Another connection has learnt that the path to this destination takes no more, at that time. */
void tcp_mtu_adopt(struct tcp_conn *conn, const struct tcp_host *host, uint16_t mtu, bool locked,
                   hf_time lowered);

/* ---- tcp_icmp.c */

/* ICMP news about a segment of ours, already matched to this connection. */
enum hf_reason tcp_icmp_error(struct tcp_conn *conn, struct tcp_host *host, seq32 quoted_seq,
                              bool hard, int error);
/* RFC 6069: network or host unreachable, no more than a bad path. */
void tcp_icmp_unreachable(struct tcp_conn *conn, struct tcp_host *host, seq32 quoted_seq,
                          bool path_broken);

/* ---- tcp_too_big.c */

/* Its packets leave without DF. */
bool tcp_may_fragment(const struct tcp_conn *conn);
/* `quoted_bytes`: the length of the packet that was too big. */
enum hf_reason tcp_icmp_too_big(struct tcp_conn *conn, struct tcp_host *host, seq32 quoted_seq,
                                uint32_t mtu, uint32_t quoted_bytes);

#endif
