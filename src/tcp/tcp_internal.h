/* SPDX-License-Identifier: MIT
 *
 * What the files of tcp/ share among themselves.
 */
#ifndef TCP_INTERNAL_H
#define TCP_INTERNAL_H

#include "tcp_conn.h"

/* ---- tcp_receive.c: RCV side */

/* Step seven: the text of an acceptable segment, already trimmed to the window. */
enum hf_reason tcp_receive_text(struct tcp_conn *conn, struct tcp_host *host,
                                const struct tcp_segment *segment);
/* The window field for a segment about to leave; advances the offered right edge. */
uint16_t tcp_offer_window(struct tcp_conn *conn);
/* Would an ACK now move the right edge far enough to be worth it (3.8.6.2.2)? */
bool tcp_window_update_due(const struct tcp_conn *conn);
uint32_t tcp_reassembly_find(const struct tcp_reassembly *reassembly, seq32 seq);
void tcp_reassembly_free(struct tcp_conn *conn, struct tcp_host *host);
/* Bytes held above a hole. */
uint32_t tcp_out_of_order_bytes(const struct tcp_conn *conn);
/* RFC 2018 4: the blocks to report, most recent first. */
void tcp_fill_sack(const struct tcp_conn *conn, struct tcp_options *options);
/* Makes an ACK due; `reason` tells why in traces. */
void tcp_ack_now(struct tcp_conn *conn, enum hf_reason reason);

/* ---- tcp_buffers.c: how large the buffers are, and whom that lets write */

/* The connection is synchronized: tuning begins. */
void tcp_buffers_begin(struct tcp_conn *conn, struct tcp_host *host);
/* Text of this segment was taken. */
void tcp_buffers_arrived(struct tcp_conn *conn, struct tcp_host *host,
                         const struct tcp_segment *segment);
/* And it waits behind a hole. */
void tcp_buffers_held(struct tcp_conn *conn, struct tcp_host *host);
/* The program has read. */
void tcp_buffers_read(struct tcp_conn *conn, struct tcp_host *host);
/* An ACK was processed: cwnd may have grown. */
void tcp_buffers_acked(struct tcp_conn *conn, struct tcp_host *host);
/* No larger window than this is offered, whatever is free. */
static inline uint32_t tcp_window_ceiling(const struct tcp_conn *conn)
{
    uint32_t most = conn->receive_limit_bytes;
    if (conn->window_clamp_bytes != 0 && conn->window_clamp_bytes < most) {
        most = conn->window_clamp_bytes;
    }
    if (conn->receive_tuned && conn->tuning.ssthresh_bytes != 0 &&
        conn->tuning.ssthresh_bytes < most) {
        most = conn->tuning.ssthresh_bytes;
    }
    return most;
}
/* The most that may be offered as a window now. */
static inline uint32_t tcp_window_room(const struct tcp_conn *conn)
{
    uint32_t ceiling = tcp_window_ceiling(conn);
    uint32_t room = conn->receive_limit_bytes > conn->receive_bytes
                        ? conn->receive_limit_bytes - conn->receive_bytes
                        : 0;
    return room < ceiling ? room : ceiling;
}
/* How much a SEND takes now. */
uint32_t tcp_send_room(const struct tcp_conn *conn);
/* Linux's threshold: a third of the buffer is free, and little enough waits to be sent. */
bool tcp_writable(const struct tcp_conn *conn);
/* Tells whoever waits for it. */
void tcp_tell_if_writable(struct tcp_conn *conn);
static inline void tcp_tell_writable(struct tcp_conn *conn)
{
    if (conn->send_blocked) {
        tcp_tell_if_writable(conn);
    }
}
/* Memory is short: three quarters of config.memory_bytes are in use. */
static inline bool tcp_memory_short(const struct tcp_host *host)
{
    return host->memory->used_bytes > host->memory->limit_bytes / 4 * 3;
}

/* ---- tcp_tally.c: what is counted for STATUS */

/* What holds the sender back, looked at when nothing more can leave. */
void tcp_tally_limits(struct tcp_conn *conn, const struct tcp_host *host);
void tcp_tally_timeout(struct tcp_conn *conn, const struct tcp_host *host);
/* Loss recovery after timeouts may be over. */
void tcp_tally_progress(struct tcp_conn *conn, const struct tcp_host *host);

/* ---- tcp_ack.c: step five in ESTABLISHED and later */

/* False: the segment is to be dropped; *reason says why. */
bool tcp_process_ack(struct tcp_conn *conn, struct tcp_host *host,
                     const struct tcp_segment *segment, enum hf_reason *reason);

/* ---- tcp_rack.c: loss recovery with SACK */

/* Bits of config.recovery, Linux's. */
#define TCP_LOSS_RACK 1u
#define TCP_LOSS_STATIC_WINDOW 2u
#define TCP_LOSS_NO_THRESHOLD 4u
static inline bool tcp_rack_is_on(const struct tcp_host *host)
{
    return (host->config->recovery & TCP_LOSS_RACK) != 0;
}

/* RFC 8985 6.2 step 4: a wider reo_wnd is kept for so many recoveries. */
#define TCP_RACK_PERSIST 16u

/* What one ACK brought. */
struct tcp_ack_news {
    uint32_t acked_bytes;     /* of data, cumulatively */
    uint32_t delivered_bytes; /* known to be delivered since the last ACK, by ACK or SACK */
    uint32_t sacked_bytes;
    bool progress;  /* SND.UNA moved */
    bool duplicate; /* RFC 5681 2's duplicate ACK, outstanding data or not */
    bool dsack;
    bool widened;         /* the first DSACK of its round: reo_wnd has grown */
    bool probe_dup;       /* the DSACK is of the tail loss probe */
    bool original;        /* something sent only once was delivered, sent before recovery began */
    bool reordered;       /* ... and something above it had been delivered before */
    seq32 reordered_from; /* the lowest such */
    bool measured;        /* the cumulative ACK has given a round trip */
    bool sacked_once, sacked_timed; /* SACKed for the first time: what was sent once; the segment
                                     * that is timed, or above it */
    hf_time sacked_sent;            /* when the earliest of what `sacked_once` is about left */
};
/* SND.UNA has been moved already. */
void tcp_rack_on_ack(struct tcp_conn *conn, struct tcp_host *host,
                     const struct tcp_segment *segment, struct tcp_ack_news *news);
/* RFC 9937 6: how much may leave on this ACK. */
void tcp_prr_on_ack(struct tcp_conn *conn, uint32_t delivered_bytes, bool progress, bool new_loss);
/* Nothing is in flight, in recovery or in doubt, and the ACK has no SACK: all that tcp_rack_on_ack
 * would do is tcp_rack_on_idle_ack. So it is wherever the peer speaks and we do not. */
static inline bool tcp_rack_is_idle(const struct tcp_conn *conn, const struct tcp_segment *segment)
{
    return conn->sent == NULL && conn->recovery == TCP_RECOVERY_NONE &&
           segment->options.sack_count == 0 && !(conn->intents & TCP_INTENT_LOSS_PROBE) &&
           !conn->rack.dsack_round_valid && !conn->rack.probe_out && !conn->undo.possible;
}
void tcp_rack_on_idle_ack(struct tcp_conn *conn, const struct tcp_host *host);
/* One segment, sent once, was all that was in flight, and SND.UNA has moved over it; nothing is in
 * recovery or in doubt. So it is with every request, answer and FIN. Nothing can be lost then, or
 * have been reordered, so that what it teaches of the round trip and the rate is all there is to
 * do: with tcp_rack_on_lone_ack 420 instructions less than with tcp_rack_on_ack. */
static inline bool tcp_rack_is_lone(const struct tcp_conn *conn, const struct tcp_host *host,
                                    const struct tcp_segment *segment)
{
    struct tcp_sent *sent = conn->sent;
    return sent != NULL && sent->count == 1 && seq_eq(conn->snd.una, conn->snd.nxt) &&
           (tcp_sent_at(sent, sent->first)->flags & (uint8_t)~TCP_SENT_PUSHED) == 0 &&
           sent->newly_lost_bytes == 0 && conn->recovery == TCP_RECOVERY_NONE &&
           segment->options.sack_count == 0 && !(conn->intents & TCP_INTENT_LOSS_PROBE) &&
           !conn->rack.dsack_round_valid && !conn->rack.probe_out && !conn->undo.possible &&
           tcp_rack_is_on(host) && !host->by_the_book;
}
void tcp_rack_on_lone_ack(struct tcp_conn *conn, struct tcp_host *host,
                          const struct tcp_segment *segment, struct tcp_ack_news *news);
void tcp_rack_timeout(struct tcp_conn *conn, struct tcp_host *host);
void tcp_rack_on_retransmit_timeout(struct tcp_conn *conn, struct tcp_host *host);
/* ---- tcp_tlp.c: the tail loss probe */

bool tcp_loss_probe_wanted(const struct tcp_conn *conn, const struct tcp_host *host);
void tcp_arm_loss_probe(struct tcp_conn *conn, struct tcp_host *host);
void tcp_loss_probe_timeout(struct tcp_conn *conn, struct tcp_host *host);
void tcp_forget_loss_probe(struct tcp_conn *conn);
void tcp_loss_probe_on_ack(struct tcp_conn *conn, struct tcp_host *host,
                           const struct tcp_segment *segment, const struct tcp_ack_news *news);

/* ---- tcp_build.c: the segments that leave */

/* Payload room in a segment that carries what this connection's segments carry now. */
uint32_t tcp_segment_room_beside(const struct tcp_conn *conn, const struct tcp_host *host);
static inline uint32_t tcp_segment_room(const struct tcp_conn *conn, const struct tcp_host *host)
{
    bool plain = conn->ecn.mode != TCP_ECN_ACCURATE &&
                 ((conn->reassembly == NULL && !conn->dsack_due) || !conn->sack);
    return plain ? tcp_effective_mss(conn) : tcp_segment_room_beside(conn, host);
}
/* Without window and options of SACK and ECN. */
void tcp_build_header(struct tcp_conn *conn, struct tcp_host *host, struct tcp_segment *segment,
                      seq32 seq, uint16_t flags);
void tcp_build_ack(struct tcp_conn *conn, struct tcp_host *host, struct tcp_segment *segment,
                   seq32 seq);
void tcp_build_reset(struct tcp_conn *conn, struct tcp_host *host, struct tcp_segment *segment);
enum hf_reason tcp_build_syn(struct tcp_conn *conn, struct tcp_host *host,
                             struct tcp_segment *segment);
void tcp_build_data(struct tcp_conn *conn, struct tcp_host *host, struct tcp_segment *segment,
                    seq32 seq, uint32_t length, bool fin, uint32_t *payload_offset);

/* ---- tcp_rfc6675.c: loss recovery with SACK and without RACK */

/* Before an ACK changes the records. */
void tcp_rfc6675_before_ack(struct tcp_conn *conn);
/* Marks as lost what is; returns how many. */
uint32_t tcp_rfc6675_detect_loss(struct tcp_conn *conn, struct tcp_host *host,
                                 const struct tcp_ack_news *news);
void tcp_rfc6675_begin_recovery(struct tcp_conn *conn);
/* The record to be sent again though it is not lost, and why; TCP_SENT_NONE: none. */
uint32_t tcp_rfc6675_next(struct tcp_conn *conn, const struct tcp_host *host,
                          enum hf_reason *reason);
/* A repetition has left. */
void tcp_rfc6675_repeated(struct tcp_conn *conn, uint32_t id, enum hf_reason reason);

/* ---- tcp_dsack.c: duplicates told of, and heard of (RFC 2883) */

/* The peer sent [left, right) again: the next ACK says so. */
void tcp_dsack_note(struct tcp_conn *conn, struct tcp_host *host, seq32 left, seq32 right);
/* A segment with text or FIN that lies, at least in part, before RCV.NXT. */
void tcp_dsack_note_old(struct tcp_conn *conn, struct tcp_host *host,
                        const struct tcp_segment *segment);
/* Text at or above RCV.NXT that lies, at least in part, in what is held out of order. */
void tcp_dsack_note_held(struct tcp_conn *conn, struct tcp_host *host,
                         const struct tcp_segment *segment);
/* The first SACK block, where it is a DSACK: news->dsack. Before the ACK is taken. */
void tcp_dsack_on_ack(struct tcp_conn *conn, struct tcp_host *host,
                      const struct tcp_segment *segment, struct tcp_ack_news *news);

/* ---- tcp_undo.c: needless reductions taken back */

/* cwnd and ssthresh are about to be reduced. */
void tcp_undo_begin(struct tcp_conn *conn);
/* A repetition leaves, which is no tail loss probe; with this TSval, if there are timestamps. */
void tcp_undo_on_repeat(struct tcp_conn *conn, uint32_t stamp);
/* RFC 3522: the ACK answers an original that was sent before it was sent again. */
bool tcp_undo_by_timestamp(const struct tcp_conn *conn, const struct tcp_segment *segment);
/* RFC 3708: every repetition was a duplicate. */
bool tcp_undo_by_dsack(const struct tcp_conn *conn);
/* RFC 4015: gives back what was taken, and ends recovery. `none_lost`: what is marked as lost is
 * in flight. */
void tcp_undo(struct tcp_conn *conn, struct tcp_host *host, enum hf_reason reason, bool none_lost);
/* The one of the two that holds: why, or HF_REASON_NONE. */
enum hf_reason tcp_undo_reason(const struct tcp_conn *conn, const struct tcp_segment *segment);

/* ---- tcp_repeat_stamp.c: the TSval of what is sent again */

/* The segment is `record` again, whose times are those of when it left before. */
void tcp_repeat_stamp(struct tcp_conn *conn, struct tcp_host *host, struct tcp_segment *segment,
                      const struct tcp_sent_record *record);
/* A probe of the window has left: no repetition after it has an older one. */
void tcp_repeat_stamp_left(struct tcp_conn *conn, uint32_t stamp);
/* Is this echo older than the TSval of what was sent again then? */
bool tcp_repeat_stamp_is_newer(const struct tcp_conn *conn, hf_time sent, uint32_t echo);
/* Might this be the echo of a TSval that was set back? Then it tells a round trip that is too long
 * by as much. */
bool tcp_repeat_stamp_misleads(const struct tcp_conn *conn, uint32_t echo);

/* ---- tcp_frto.c: RFC 5682 */

/* The retransmission timer has run out; before recovery's state is changed. */
void tcp_frto_begin(struct tcp_conn *conn, const struct tcp_host *host);
/* New data was asked for, and none could leave: what follows goes again. */
void tcp_frto_nothing_new(struct tcp_conn *conn, struct tcp_host *host);
/* An ACK while recovering from a timeout. True: the timeout was spurious, and is undone. */
bool tcp_frto_on_ack(struct tcp_conn *conn, struct tcp_host *host,
                     const struct tcp_segment *segment, const struct tcp_ack_news *news);

/* ---- tcp_reordering.c */

/* Something that begins at `seq`, sent once, has arrived after what lies above it. */
void tcp_reordering_seen(struct tcp_conn *conn, seq32 seq);
/* For how long RACK lets what was overtaken be late (RFC 8985 6.2 step 4). */
hf_time tcp_reordering_extent(const struct tcp_conn *conn);
/* Before the timeout has changed the state of recovery. */
void tcp_reordering_on_timeout(struct tcp_conn *conn, const struct tcp_host *host);

/* ---- tcp_recovery.c */

/* cwnd grows by what was acknowledged, as congestion control sees fit; `repeating`: after a
 * timeout. */
void tcp_grow_cwnd(struct tcp_conn *conn, struct tcp_host *host, uint32_t acked_bytes,
                   bool repeating);

void tcp_on_duplicate_ack(struct tcp_conn *conn, struct tcp_host *host,
                          const struct tcp_segment *segment, const struct tcp_ack_news *news);
void tcp_on_new_ack(struct tcp_conn *conn, struct tcp_host *host, const struct tcp_segment *segment,
                    const struct tcp_ack_news *news);
void tcp_on_timeout(struct tcp_conn *conn, struct tcp_host *host);
/* cwnd, while recovery leads it down the window that it has come to (RFC 9937). This and the two
 * below are asked for tens of times a segment: outside of recovery they are inline. */
uint32_t tcp_cwnd_in_recovery(const struct tcp_conn *conn);
static inline uint32_t tcp_cwnd_bytes(const struct tcp_conn *conn)
{
    return conn->recovery == TCP_RECOVERY_NONE && !conn->ecn.reducing ? conn->congestion.cwnd_bytes
                                                                      : tcp_cwnd_in_recovery(conn);
}
/* How much may be in flight: cwnd, with limited transmit's two segments (RFC 3042). */
uint32_t tcp_allowance_in_recovery(const struct tcp_conn *conn);
static inline uint32_t tcp_send_allowance(const struct tcp_conn *conn)
{
    uint32_t mss = tcp_effective_mss(conn);
    uint32_t cwnd = conn->congestion.cwnd_bytes;
    if (conn->recovery != TCP_RECOVERY_NONE || conn->ecn.reducing || !conn->sack) {
        return tcp_allowance_in_recovery(conn);
    }
    return cwnd > mss ? cwnd : mss;
}
/* Fast recovery without SACK whose losses are all acknowledged, but nothing beyond. */
static inline bool tcp_recovery_lingers(const struct tcp_conn *conn)
{
    return conn->recovery == TCP_RECOVERY_FAST && !conn->sack &&
           seq_eq(conn->snd.una, conn->snd.recover);
}
/* The same without records, in recovery: what is thought to be in the network of so much. */
uint32_t tcp_pipe_without_sack(const struct tcp_conn *conn, uint32_t flight);
/* FlightSize as the algorithms mean it: after a timeout only what was sent again counts. */
static inline uint32_t tcp_pipe(const struct tcp_conn *conn)
{
    uint32_t flight = tcp_flight(conn);
    if (flight > 0 && seq_eq(conn->snd.una, conn->iss)) {
        flight--; /* the SYN is no data */
    }
    if (conn->sent != NULL) {
        return tcp_sent_pipe(conn->sent, flight);
    }
    return conn->recovery == TCP_RECOVERY_NONE ? flight : tcp_pipe_without_sack(conn, flight);
}

/* ---- tcp_congestion.c: between the connection and its congestion control */

/* Memory for a connection that sends, and its algorithm begun; false: none to be had. */
bool tcp_sender_reserve(struct tcp_conn *conn, struct tcp_host *host);
void tcp_sender_free(struct tcp_conn *conn, struct tcp_host *host);
/* The first cwnd and ssthresh. */
void tcp_cc_open(struct tcp_conn *conn, struct tcp_host *host);
/* HF_EINVAL: there is no such index; HF_ENOMEM: everything stays as it was. */
int tcp_cc_choose(struct tcp_conn *conn, struct tcp_host *host, int index);
void tcp_cc_fill_sample(const struct tcp_conn *conn, const struct tcp_host *host,
                        struct hf_cc_sample *sample);
static inline struct hf_cc_sample tcp_cc_sample(const struct tcp_conn *conn,
                                                const struct tcp_host *host, uint32_t acked_bytes)
{
    struct hf_cc_sample sample;
    tcp_cc_fill_sample(conn, host, &sample);
    sample.acked_bytes = acked_bytes;
    return sample;
}
/* An algorithm may write what it likes, and one segment is the least that is a window (RFC
 * 5681 3.1: the loss window): with less a connection would never send again. */
static inline void tcp_cc_bound(struct tcp_conn *conn, uint32_t mss)
{
    if (conn->congestion.cwnd_bytes < mss) {
        conn->congestion.cwnd_bytes = mss;
    }
}
/* A segment has left; SND.NXT counts it. */
void tcp_cc_sent(struct tcp_conn *conn, struct tcp_host *host, uint32_t sent_bytes);
/* A run has left (tcp_run.c), none of whose segments was the last that cwnd let go. */
void tcp_cc_sent_run(struct tcp_conn *conn, struct tcp_host *host, uint32_t sent_bytes);
/* Whether cwnd is what holds us back; `limited`: it did just now. */
void tcp_cc_validate(struct tcp_conn *conn, struct tcp_host *host, bool limited);
bool tcp_cwnd_limited(const struct tcp_conn *conn);
/* The ACK at hand, or the reordering timer, has told all about what arrived and what is lost. */
void tcp_cc_delivered(struct tcp_conn *conn, struct tcp_host *host);
void tcp_cc_status(const struct tcp_conn *conn, struct hf_status *status);
void tcp_cc_restart_after_idle(struct tcp_conn *conn, struct tcp_host *host);

/* ---- tcp_rate.c: the delivery rate */

/* A new segment of `length` leaves: its record, if there are any, is the newest; SND.NXT does not
 * count it yet. */
void tcp_rate_sent(struct tcp_conn *conn, const struct tcp_host *host, uint32_t length);
/* The same of several; their records, the newest ones, are there. */
void tcp_rate_sent_run(struct tcp_conn *conn, uint32_t segments, uint32_t length);
/* One leaves again; NULL: there are no records. */
void tcp_rate_sent_again(struct tcp_conn *conn, struct tcp_sent_record *record);
void tcp_rate_begin_ack(struct tcp_conn *conn);
/* A record is delivered, by ACK or SACK, or so many up to this one; a part of one; or, without
 * records, so many bytes. */
void tcp_rate_delivered(struct tcp_conn *conn, const struct tcp_host *host,
                        const struct tcp_sent_record *record, uint32_t bytes, uint32_t segments);
void tcp_rate_delivered_part(struct tcp_conn *conn, const struct tcp_host *host, uint32_t bytes);
void tcp_rate_cumulative(struct tcp_conn *conn, const struct tcp_host *host, uint32_t bytes);
/* What was taken as lost since the last time. */
void tcp_rate_take_losses(struct tcp_conn *conn);
/* What the ACK at hand says of the rate. */
void tcp_rate_sample(struct tcp_conn *conn);
void tcp_rate_check_app_limited(struct tcp_conn *conn, const struct tcp_host *host);
/* The same, where nothing is in flight either. */
void tcp_rate_idle(struct tcp_conn *conn);

/* ---- tcp_pacing.c */

/* Bytes a second; 0: segments are not paced. */
uint64_t tcp_pacing_rate(const struct tcp_conn *conn, const struct tcp_host *host);
/* What cwnd and the round trip come to, as Linux counts it. */
uint64_t tcp_window_rate(const struct tcp_conn *conn);
/* It is too early for the next segment. */
bool tcp_pacing_waits(const struct tcp_conn *conn, const struct tcp_host *host);
/* The same, and the pacing timer is set. */
bool tcp_pacing_holds(struct tcp_conn *conn, struct tcp_host *host);
/* The first segments of a connection are not paced, but counted. */
bool tcp_pacing_is_starting(const struct tcp_conn *conn);
void tcp_pacing_sent(struct tcp_conn *conn, struct tcp_host *host, uint32_t bytes);
/* The pacing timer was looked at later than it said: that is made up for. */
void tcp_pacing_late(struct tcp_conn *conn, const struct tcp_host *host);

/* ---- tcp_mtu.c */

/* The connection is synchronized. */
void tcp_mtu_begin(struct tcp_conn *conn, const struct tcp_host *host);
/* The records are cut to what fits now; see tcp_sent_recut. */
bool tcp_mtu_cut(struct tcp_conn *conn, const struct tcp_host *host, bool lost);
/* What is lost because it was too big goes again at once, with cwnd as it is; the recovery is over
 * when `recover` is acknowledged. */
void tcp_mtu_resend(struct tcp_conn *conn, seq32 recover);
/* The path takes less than `mss_before`. */
void tcp_mtu_shrink_first_window(struct tcp_conn *conn, const struct tcp_host *host,
                                 uint32_t mss_before);
void tcp_mtu_forget_old(struct tcp_conn *conn, const struct tcp_host *host);
enum tcp_mtu_choice {
    TCP_MTU_NO_PROBE,
    TCP_MTU_WAIT, /* the next to leave is a probe, once there is room for it */
    TCP_MTU_PROBE
};
/* *length is that of the probe; for any other choice it says nothing. */
enum tcp_mtu_choice tcp_mtu_choose(struct tcp_conn *conn, const struct tcp_host *host,
                                   uint32_t unsent, uint32_t *length);
void tcp_mtu_probe_sent(struct tcp_conn *conn, struct tcp_host *host, seq32 start, uint32_t length);
/* New data has left. */
void tcp_mtu_sent(struct tcp_conn *conn, const struct tcp_host *host, seq32 start, uint32_t length);
/* SND.UNA has moved, while a probe is out or something else waits for that. */
void tcp_mtu_acknowledged(struct tcp_conn *conn, struct tcp_host *host);
/* SND.UNA has moved. */
static inline void tcp_mtu_on_ack(struct tcp_conn *conn, struct tcp_host *host)
{
    const struct tcp_mtu_search *search = &conn->search;
    if ((search->probe | search->sized | search->held) != 0) {
        tcp_mtu_acknowledged(conn, host);
    }
}
/* Something is lost. True: the probe alone, and it goes again. */
bool tcp_mtu_probe_lost(struct tcp_conn *conn, struct tcp_host *host);
/* A router named less than the probe, and path_mtu is that now. */
void tcp_mtu_probe_refused(struct tcp_conn *conn, struct tcp_host *host);
/* Something leaves again. */
void tcp_mtu_on_repeat(struct tcp_conn *conn, const struct tcp_host *host);
/* What the timer sends it has not sent again before (RFC 5681 3.1). A doubling that an ICMP message
 * took back (RFC 6069) was a timeout nevertheless.
 * Keeps RFC6069-4-e. */
static inline bool tcp_first_timeout(const struct tcp_conn *conn)
{
    return conn->backoff == 0 && !conn->backoff_reverted;
}

/* The retransmission timer has run out; `backoff` does not count it yet. */
void tcp_mtu_on_timeout(struct tcp_conn *conn, struct tcp_host *host);

/* ---- tcp_icmp.c */

/* Is this number in flight? What an ICMP message quotes has to be. */
bool tcp_icmp_in_flight(const struct tcp_conn *conn, seq32 seq);

/* ---- tcp_too_big.c */

/* HF_OPTION_PATH_MTU_DISCOVERY: is what a router says of the MTU believed? */
bool tcp_too_big_believed(const struct tcp_conn *conn);
/* A timeout confirms the message that was held. */
void tcp_too_big_confirmed(struct tcp_conn *conn, struct tcp_host *host);

/* ---- tcp_push.c */

/* The segment about to leave, and what holds those after it. */
struct tcp_burst {
    uint32_t length_bytes, room_bytes; /* of it, of a full one */
    uint32_t unsent_bytes;             /* its own among them, as for the two others */
    uint32_t window_bytes, cwnd_bytes;
    bool small_waits; /* Nagle holds one under full size */
};
/* Is it the last of several that leave together? */
bool tcp_push_due(struct tcp_conn *conn, const struct tcp_host *host,
                  const struct tcp_burst *burst);

/* ---- tcp_rtt.c: RFC 6298 */

void tcp_rtt_init(struct tcp_conn *conn, const struct tcp_host *host);
void tcp_rtt_sample(struct tcp_conn *conn, struct tcp_host *host, hf_time sample_ns);
void tcp_rtt_note_sacked(const struct tcp_conn *conn, const struct tcp_sent_record *record,
                         struct tcp_ack_news *news);
void tcp_rtt_sample_by_sack(struct tcp_conn *conn, struct tcp_host *host,
                            const struct tcp_ack_news *news);
/* A probe is out, and SND.UNA has not moved over it. */
void tcp_rtt_sample_beside_probe(struct tcp_conn *conn, struct tcp_host *host,
                                 const struct tcp_ack_news *news);
/* RTO with its backoff, bounded. */
hf_time tcp_backed_off_rto(const struct tcp_conn *conn, const struct tcp_host *host);

/* ---- tcp_trace.c */

void tcp_trace(const struct tcp_conn *conn, const struct tcp_host *host, enum hf_trace_kind kind,
               enum hf_reason reason, int64_t value);

static inline bool tcp_tracing(const struct tcp_host *host)
{
    return host->config->trace.event != NULL;
}

static inline uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static inline uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

#endif
