/* SPDX-License-Identifier: MIT
 *
 * Explicit congestion notification (RFC 3168): a router whose queue grows marks packets instead of
 * dropping them; the receiver echoes the mark, and the sender slows down as it would for a loss,
 * but has nothing to send again.
 *
 * The SYN asks with ECE and CWR, the SYN-ACK agrees with ECE alone. Then new data leaves as
 * ECT(0): what is sent again, pure ACKs and probes do not, since nobody would see them dropped or
 * they are no sign of a working path (6.1.4 to 6.1.6). A mark (CE) that arrives on text puts ECE
 * into everything that leaves until a segment with CWR comes. ECE that arrives reduces cwnd, once
 * for all that was in flight, and the first new data after any reduction carries CWR.
 *
 * How far is up to congestion control. PRR (RFC 9937) leads the flight down to it, so that data
 * keeps flowing meanwhile; what is lost of that same flight brings no second reduction.
 *
 * Where both sides can do better, the flags mean something else: RFC 9768, in tcp_accecn.c. There
 * everything but SYN and RST is ECT, and reactions are the same.
 *
 * The two bits in the IP header are this file's alone: what a program asks for by
 * HF_OPTION_TRAFFIC_CLASS or the configuration has no say in them.
 */
#include "tcp_accecn.h"

#define ECN_SETUP (HF_ECE | HF_CWR)
/* A peer that slows down may have a tiny cwnd: it should not wait for a delayed ACK (Linux). */
#define QUICK_ACKS_AFTER_MARK 2

static void note(struct tcp_conn *conn, struct tcp_host *host, enum hf_reason reason)
{
    tcp_trace(conn, host, HF_TRACE_RECOVERY, reason, conn->snd.una.value);
}

/* ---- opening */

/* Linux's numbers: see hf_config.ecn. */
static uint8_t asked_for(const struct tcp_conn *conn, const struct tcp_host *host)
{
    static const uint8_t modes[] = {TCP_ECN_OFF,      TCP_ECN_CLASSIC, TCP_ECN_OFF,
                                    TCP_ECN_ACCURATE, TCP_ECN_CLASSIC, TCP_ECN_OFF};
    uint8_t mode = modes[host->config->ecn];
    return mode == TCP_ECN_OFF && conn->cc->needs_ecn ? TCP_ECN_CLASSIC : mode;
}

/* 6.1.1.1: something on the way may swallow such SYNs, so one that was not answered goes again
 * without; RFC 9768 3.1.4.1: after one more try.
 * Keeps RFC3168-6.1.1-a, RFC3168-6.1.1-d, RFC3168-6.1.1-e, RFC3168-6.1.1.1-a, RFC9768-3.1.1-a,
 * RFC9768-3.1.4.1-a. */
static uint16_t syn_flags(struct tcp_conn *conn, struct tcp_host *host)
{
    struct tcp_ecn *ecn = &conn->ecn;
    if (conn->backoff == 0) {
        ecn->offered = asked_for(conn, host);
    } else if (ecn->offered != TCP_ECN_OFF && host->config->ecn_fallback &&
               conn->backoff >= (ecn->offered == TCP_ECN_ACCURATE ? 2 : 1)) {
        if (!ecn->no_ect) {
            host->counters->ecn_fallbacks++;
            note(conn, host, HF_REASON_ECN_FALLBACK);
        }
        /* 6.1.1: "has sent no non-ECN-setup SYN". Linux sends ECT even then, if the answer to the
         * first SYN comes after all; here marks would be echoed, and that is all. Where that answer
         * is of the accurate kind ECT may be sent (RFC 9768 3.1.4.1). */
        ecn->no_ect = true;
        return 0;
    }
    switch ((enum tcp_ecn_mode)ecn->offered) {
    case TCP_ECN_CLASSIC:
        return ECN_SETUP;
    case TCP_ECN_ACCURATE:
        return ACE_FLAGS;
    case TCP_ECN_OFF:
        break;
    }
    return 0;
}

/* RFC 9768 3.1.2 table 2; 3.1.4.2: where SYN-ACKs get no answer, the third and later do without.
 * Keeps RFC3168-6.1.1-b, RFC3168-6.1.1-h, RFC9768-3.1.2-a, RFC9768-3.1.4.2-a. */
uint16_t tcp_ecn_answer_flags(uint8_t mode, uint8_t codepoint, unsigned retries)
{
    switch ((enum tcp_ecn_mode)mode) {
    case TCP_ECN_CLASSIC:
        return HF_ECE;
    case TCP_ECN_ACCURATE:
        return retries < 2 ? accecn_flags(accecn_handshake_ace(codepoint)) : 0;
    case TCP_ECN_OFF:
        break;
    }
    return 0;
}

/* RFC 9768 5.1: 0 and 1 are no fields of who was told of accurate ECN; the handshake's are 2 and
 * more, and the counter begins with 5. Who never asked for any sends 0, so where there is no place
 * for the bit that field is all it takes.
 * Keeps RFC9768-5.1-a. */
uint8_t tcp_ecn_of_cookie(const struct tcp_host *host, const struct tcp_segment *segment, bool kept)
{
    bool accurate = host->config->ecn >= 3 && accecn_ace(segment->flags) > 1;
    if (accurate && (kept || !segment->options.has_timestamps)) {
        return TCP_ECN_ACCURATE;
    }
    return kept && host->config->ecn != 0 ? TCP_ECN_CLASSIC : TCP_ECN_OFF;
}

uint16_t tcp_ecn_first_ace(uint8_t mode)
{
    return mode == TCP_ECN_ACCURATE ? accecn_flags(ACE_START) : 0;
}

uint16_t tcp_ecn_syn_flags(struct tcp_conn *conn, struct tcp_host *host)
{
    uint16_t flags;
    if (conn->state == HF_SYN_SENT) {
        return syn_flags(conn, host);
    }
    flags = tcp_ecn_answer_flags(conn->ecn.mode, conn->ecn.syn_codepoint, conn->backoff);
    if (flags == 0 && !conn->ecn.no_ect) {
        conn->ecn.no_ect = true;
        if (conn->ecn.mode != TCP_ECN_OFF) {
            note(conn, host, HF_REASON_ECN_SYN_ACK_FALLBACK);
        }
    }
    return flags;
}

/* 6.1.1: an ECN-setup SYN-ACK has ECE and not CWR; both together come from a peer that reflects
 * whatever it gets. Where both sides sent a SYN, each must ask.
 * Keeps RFC3168-6.1.1-b, RFC3168-6.1.1-f. */
void tcp_ecn_take_syn(struct tcp_conn *conn, struct tcp_host *host,
                      const struct tcp_segment *segment)
{
    uint16_t wanted = segment->flags & HF_ACK ? HF_ECE : ECN_SETUP;
    uint8_t ace = accecn_ace(segment->flags);
    if (conn->ecn.offered == TCP_ECN_OFF) {
        return;
    }
    if (conn->ecn.offered == TCP_ECN_ACCURATE && (segment->flags & HF_ACK)) {
        accecn_take_syn_ack(conn, host, segment);
        return;
    }
    if (conn->ecn.offered == TCP_ECN_ACCURATE && ace != 0 && ace != 3) {
        conn->ecn.mode = TCP_ECN_ACCURATE;
        conn->ecn.syn_codepoint = segment->ecn;
    } else if ((segment->flags & ECN_SETUP) == wanted) {
        conn->ecn.mode = TCP_ECN_CLASSIC;
    }
    if (conn->ecn.mode == TCP_ECN_OFF) {
        note(conn, host, HF_REASON_ECN_REFUSED);
        return;
    }
    tcp_ecn_opened_passively(conn, host);
}

/* 6.1.1: a SYN must not be ECT. As in Linux one that is gets no ECN: something has meddled with it.
 * RFC 9768 3.1.3: of the three flags all that is not used yet asks for accurate feedback. Who does
 * not know of that takes AE for one of the reserved bits.
 * Keeps RFC3168-6.1.1-a, RFC3168-6.1.1-c, RFC9768-3.1.2-b, RFC9768-3.1.3-a, RFC9768-3.1.3-c. */
uint8_t tcp_ecn_answer(const struct tcp_host *host, const struct hf_cc_ops *cc,
                       const struct tcp_segment *syn)
{
    uint8_t ace = accecn_ace(syn->flags);
    if (host->config->ecn >= 3 && ace != 0 && ace != 3) {
        return TCP_ECN_ACCURATE;
    }
    if ((syn->flags & ECN_SETUP) != ECN_SETUP) {
        return TCP_ECN_OFF;
    }
    /* RFC 8257 3.6: DCTCP's SYNs are ECT, and so are those that it takes (Linux). */
    return cc->needs_ecn || (host->config->ecn != 0 && syn->ecn == ECN_NOT_ECT) ? TCP_ECN_CLASSIC
                                                                                : TCP_ECN_OFF;
}

/* RFC 9768 3.2.2.1; 3.2.2.2: a mark on it counts, but no more than one on all SYN-ACKs.
 * Keeps RFC9768-3.2.2.1-c, RFC9768-3.2.2.2-b. */
void tcp_ecn_repeat_handshake(struct tcp_conn *conn, const struct tcp_segment *segment)
{
    struct tcp_ecn *ecn = &conn->ecn;
    uint8_t ace = accecn_ace(segment->flags);
    if (ecn->mode != TCP_ECN_ACCURATE || conn->passive ||
        (segment->flags & (HF_SYN | HF_ACK)) != (HF_SYN | HF_ACK) ||
        !seq_eq(segment->seq, conn->irs) || ace == 0 || ace == 7) {
        return;
    }
    ecn->handshake_due = true;
    ecn->syn_codepoint = segment->ecn;
    if (segment->ecn == ECN_CE && !ecn->syn_ack_marked) {
        ecn->syn_ack_marked = true;
        ecn->received_ce++;
    }
}

/* RFC 9768 3.1.5: neither side could know which of the two the other goes by.
 * Keeps RFC9768-3.1.5-c. */
bool tcp_ecn_syn_contradicts(uint8_t mode, uint16_t flags)
{
    return mode == TCP_ECN_ACCURATE && (flags & HF_SYN) &&
           accecn_ace(flags) == (flags & HF_ACK ? 1 : 3);
}

void tcp_ecn_opened_passively(struct tcp_conn *conn, struct tcp_host *host)
{
    if (conn->ecn.mode == TCP_ECN_OFF) {
        return;
    }
    conn->ecn.option_demand = 1;
    conn->ecn.last_codepoint = conn->ecn.syn_codepoint;
    host->counters->ecn_connections++;
    note(conn, host,
         conn->ecn.mode == TCP_ECN_CLASSIC ? HF_REASON_ECN_AGREED : HF_REASON_ACCECN_AGREED);
}

/* ---- receiving */

void tcp_ecn_arrived(struct tcp_conn *conn, struct tcp_host *host,
                     const struct tcp_segment *segment)
{
    uint32_t marked = segment->ecn == ECN_CE ? tcp_segment_count(segment) : 0;
    host->counters->segments_marked += marked;
    if (conn->ecn.mode == TCP_ECN_ACCURATE) {
        accecn_arrived(conn, segment);
    } else if (conn->ecn.mode == TCP_ECN_CLASSIC) {
        conn->ecn.received_ce += marked;
    }
}

/* RFC 8257 3.2: the state follows each segment; when it changes there is an ACK at once, and before
 * it one in the old state for what was waiting to be acknowledged. CWR has no say: it is processed
 * before the mark, which then decides. 3.6: what a SYN with data comes as means nothing.
 * DEVIATION: a segment that is not ECT has no mark, and would end them; as in Linux only what is
 * ECT does, for a repetition of a classic sender is not, and queues no less than the rest. Keeps
 * RFC8257-3.2-a, RFC8257-3.2-b, RFC8257-3.6-b. */
static void echo_each(struct tcp_conn *conn, struct tcp_host *host,
                      const struct tcp_segment *segment)
{
    struct tcp_ecn *ecn = &conn->ecn;
    bool marked = segment->ecn == ECN_CE;
    if (segment->ecn == ECN_NOT_ECT || (segment->flags & HF_SYN)) {
        return;
    }
    ecn->seen = true;
    if (marked == ecn->echo) {
        return;
    }
    if (conn->deadlines[TCP_TIMER_DELAYED_ACK] != HF_TIME_NEVER) {
        ecn->before_due = true;
        ecn->before = conn->rcv.nxt;
    }
    ecn->echo = marked;
    tcp_ack_now(conn, HF_REASON_SEND_ACK);
    note(conn, host, marked ? HF_REASON_ECN_MARK_SEEN : HF_REASON_ECN_MARKS_OVER);
}

/* 6.1.3; 6.1.5: text outside the window does not come here, so its marks mean nothing; 6.1.4: nor
 * do pure ACKs.
 * Keeps RFC3168-5-a, RFC3168-6.1.1-g, RFC3168-6.1.1-i, RFC3168-6.1.3-c, RFC3168-6.1.4-b,
 * RFC3168-6.1.5-b. */
void tcp_ecn_text(struct tcp_conn *conn, struct tcp_host *host, const struct tcp_segment *segment)
{
    struct tcp_ecn *ecn = &conn->ecn;
    if (ecn->mode != TCP_ECN_CLASSIC) {
        return;
    }
    if (conn->cc->needs_ecn) {
        echo_each(conn, host, segment);
        return;
    }
    if (segment->flags & HF_CWR) {
        if (ecn->echo) {
            note(conn, host, HF_REASON_ECN_CWR_SEEN);
        }
        ecn->echo = false;
        tcp_ack_now(conn, HF_REASON_SEND_ACK); /* its cwnd may be one segment now (Linux) */
    }
    if (segment->ecn == ECN_NOT_ECT) {
        if (ecn->seen) { /* a repetition most likely (Linux) */
            conn->quick_acks = (uint8_t)max_u32(conn->quick_acks, QUICK_ACKS_AFTER_MARK);
        }
        return;
    }
    ecn->seen = true;
    if (segment->ecn == ECN_CE && !ecn->echo) {
        ecn->echo = true;
        conn->quick_acks = (uint8_t)max_u32(conn->quick_acks, QUICK_ACKS_AFTER_MARK);
        note(conn, host, HF_REASON_ECN_MARK_SEEN);
    }
}

/* ---- sending */

/* RFC 9768 3.2.2: r.cep on everything, but for the ACK of the SYN-ACK, which is bare.
 * Keeps RFC9768-3.2.1-a, RFC9768-3.2.2-a, RFC9768-3.2.2.1-a. */
static void fill_accurate(struct tcp_conn *conn, const struct tcp_host *host,
                          struct tcp_segment *segment)
{
    struct tcp_ecn *ecn = &conn->ecn;
    uint32_t ace = ecn->received_ce + ACE_START;
    if (ecn->handshake_due && !(segment->flags & (HF_RST | HF_FIN))) {
        ecn->handshake_due = false;
        ace = accecn_handshake_ace(ecn->syn_codepoint);
    }
    ecn->ce_pending = 0;
    segment->flags |= accecn_flags(ace);
    if (!ecn->no_ect) {
        segment->ecn = host->config->ecn_ect_1 ? ECN_ECT_1 : ECN_ECT_0;
    }
}

void tcp_ecn_option_sent(struct tcp_conn *conn, const struct tcp_host *host,
                         const struct tcp_options *options)
{
    if (options->has_accurate_ecn) {
        conn->ecn.option_demand =
            (uint8_t)(conn->ecn.option_demand - (conn->ecn.option_demand > 0));
        conn->ecn.option_moved = 0;
        conn->ecn.option_sent = host->now;
    }
}

/* RFC 8257 3.6: what switches do to SYN, SYN-ACK and RST is to be what they do to the rest of a
 * DCTCP connection. Not where accurate feedback is asked for: RFC 9768 3.2.2.3 takes what comes
 * back of the SYN's codepoint for the path's doing. Keeps RFC8257-3.6-a. */
uint8_t tcp_ecn_handshake_codepoint(const struct hf_cc_ops *cc, uint8_t mode)
{
    return cc->needs_ecn && mode == TCP_ECN_CLASSIC ? ECN_ECT_0 : ECN_NOT_ECT;
}

void tcp_ecn_fill_syn(const struct tcp_conn *conn, struct tcp_segment *segment)
{
    uint8_t mode = conn->state == HF_SYN_SENT ? conn->ecn.offered : conn->ecn.mode;
    if (!conn->ecn.no_ect) {
        segment->ecn = tcp_ecn_handshake_codepoint(conn->cc, mode);
    }
}

void tcp_ecn_fill_reset(struct tcp_conn *conn, struct tcp_host *host, struct tcp_segment *segment)
{
    if (conn->ecn.mode == TCP_ECN_ACCURATE) {
        tcp_ecn_fill(conn, host, segment, false); /* RFC 9768 3.2.2: every packet but a SYN */
    } else if (!conn->ecn.no_ect) {
        segment->ecn = tcp_ecn_handshake_codepoint(conn->cc, conn->ecn.mode);
    }
}

void tcp_ecn_fill_before(struct tcp_conn *conn, struct tcp_segment *segment)
{
    conn->ecn.before_due = false;
    segment->ack = conn->ecn.before;
    segment->flags ^= HF_ECE;
    tcp_ack_now(conn, HF_REASON_SEND_ACK);
}

/* 6.1.2: CWR with the first new data; 6.1.3; 6.1.4 to 6.1.6: ECT on new data alone.
 * Keeps RFC3168-6.1.2-d, RFC3168-6.1.3-a, RFC3168-6.1.3-b, RFC3168-6.1.4-a, RFC3168-6.1.5-a,
 * RFC3168-6.1.6-a, RFC8257-5-a. */
void tcp_ecn_fill(struct tcp_conn *conn, struct tcp_host *host, struct tcp_segment *segment,
                  bool new_data)
{
    struct tcp_ecn *ecn = &conn->ecn;
    if (ecn->mode == TCP_ECN_ACCURATE) {
        fill_accurate(conn, host, segment);
        return;
    }
    if (ecn->mode == TCP_ECN_OFF) {
        return;
    }
    if (ecn->echo) {
        segment->flags |= HF_ECE;
    }
    if (!new_data && !conn->cc->needs_ecn) {
        return;
    }
    if (ecn->cwr_due && new_data) {
        ecn->cwr_due = false;
        segment->flags |= HF_CWR;
    }
    if (!ecn->no_ect) {
        segment->ecn = ECN_ECT_0;
    }
}

/* ---- reacting */

static bool newer_timestamp(const struct tcp_conn *conn, const struct tcp_segment *segment)
{
    return conn->timestamps && segment->options.has_timestamps &&
           (int32_t)(segment->options.ts_value - conn->ts_recent) > 0;
}

/* What RFC 9768's fields say for now; how many segments arrived is not known yet. */
static void begin_accurate(struct tcp_conn *conn, struct tcp_host *host,
                           const struct tcp_segment *segment)
{
    struct tcp_ecn *ecn = &conn->ecn;
    bool valid = false;
    ecn->handshake_ace = (segment->flags & HF_SYN) != 0;
    if (ecn->handshake_ace) {
        return;
    }
    if (!ecn->first_checked) {
        ecn->first_checked = true;
        accecn_first_ace(conn, host, segment);
    }
    ecn->progress = seq_gt(segment->ack, conn->snd.una) || newer_timestamp(conn, segment);
    ecn->marked_bytes = accecn_take_option(conn, host, &segment->options, &valid);
    ecn->option_valid = valid;
    ecn->ace = accecn_ace(segment->flags);
    ecn->echoed = !ecn->ace_bad && !ecn->handshake_ace && ecn->progress &&
                  ((ecn->ace - ACE_START - ecn->counted_ce) & 7) != 0;
}

void tcp_ecn_begin_ack(struct tcp_conn *conn, struct tcp_host *host,
                       const struct tcp_segment *segment)
{
    conn->ecn.echoed = false;
    if (conn->ecn.mode == TCP_ECN_ACCURATE) {
        begin_accurate(conn, host, segment);
    } else {
        conn->ecn.echoed = conn->ecn.mode == TCP_ECN_CLASSIC &&
                           (segment->flags & (HF_ECE | HF_SYN)) == HF_ECE &&
                           seq_ge(segment->ack, conn->snd.una) && tcp_flight(conn) > 0;
    }
    if (conn->ecn.echoed && conn->undo.possible) {
        /* Before this ACK is asked whether the reduction was needless: there is congestion in any
         * case (RFC 4015 3.2, Linux). Keeps RFC4015-3.2-d. */
        conn->undo.possible = false;
        note(conn, host, HF_REASON_UNDO_BARRED);
    }
}

/* 6.1.2: once for a window of data. The ACK of reduced_until itself does not show that what was
 * sent after the reduction, and carried CWR, has arrived. Nobody looks at each ACK: 2^31 bytes
 * later reduced_until seems to lie ahead again, but beyond SND.NXT. Keeps RFC3168-6.1.2-b,
 * RFC3168-6.1.2-f. */
static bool reduced_for_this(const struct tcp_conn *conn)
{
    return conn->ecn.reduced && seq_le(conn->snd.una, conn->ecn.reduced_until) &&
           seq_le(conn->ecn.reduced_until, conn->snd.nxt);
}

bool tcp_ecn_reacts(const struct tcp_conn *conn)
{
    return conn->ecn.echoed && conn->recovery == TCP_RECOVERY_NONE && conn->sender != NULL &&
           !reduced_for_this(conn);
}

static void end_reduction(struct tcp_conn *conn, struct tcp_host *host)
{
    struct tcp_ecn *ecn = &conn->ecn;
    if (ecn->reducing && (!reduced_for_this(conn) || tcp_flight(conn) == 0)) {
        ecn->reducing = false;
        tcp_trace(conn, host, HF_TRACE_CWND, HF_REASON_CWND_ECN_OVER, conn->prr.cwnd_bytes);
    }
}

/* 6.1.2: an ACK that echoes a mark does not open cwnd, be the mark answered already or not. In the
 * slow start after a timeout it does: until new data leaves there is no CWR to end the echo.
 * Keeps RFC3168-6.1.2-c. */
bool tcp_ecn_holds_cwnd(struct tcp_conn *conn, struct tcp_host *host)
{
    end_reduction(conn, host);
    return conn->ecn.reducing || (conn->ecn.echoed && conn->recovery == TCP_RECOVERY_NONE);
}

void tcp_ecn_reduced(struct tcp_conn *conn)
{
    struct tcp_ecn *ecn = &conn->ecn;
    ecn->reduced = true;
    ecn->reducing = false;
    ecn->reduced_until = conn->snd.nxt;
    ecn->cwr_due = ecn->mode == TCP_ECN_CLASSIC;
}

void tcp_ecn_undo_begin(struct tcp_conn *conn)
{
    struct tcp_ecn *ecn = &conn->ecn;
    ecn->prior_reduced = ecn->reduced;
    ecn->prior_until = ecn->reduced_until;
    ecn->prior_cwr_due = ecn->cwr_due;
}

/* 6.1.2: CWR tells of a reduction, and a reduction answers for the marks of its window. There was
 * none: Linux, too, withdraws CWR, and reacts to the next mark.
 * Keeps RFC3168-6.1.2-g. */
void tcp_ecn_undone(struct tcp_conn *conn, struct tcp_host *host)
{
    struct tcp_ecn *ecn = &conn->ecn;
    ecn->reduced = ecn->prior_reduced;
    ecn->reduced_until = ecn->prior_until;
    if (ecn->cwr_due && !ecn->prior_cwr_due) {
        ecn->cwr_due = false;
        note(conn, host, HF_REASON_ECN_CWR_WITHDRAWN);
    }
}

bool tcp_ecn_absorbs_loss(struct tcp_conn *conn)
{
    bool absorbs = conn->ecn.reducing && reduced_for_this(conn);
    conn->ecn.reducing = false; /* recovery leads now, by the same PRR */
    if (absorbs) {
        conn->undo.possible = false;
    }
    return absorbs;
}

bool tcp_ecn_answers_timeout(const struct tcp_conn *conn)
{
    return conn->ecn.reducing && reduced_for_this(conn);
}

/* RFC 3168 6.1.2: as a dropped packet would, once for all that was in flight.
 * Keeps SHLD-8, RFC3168-6.1.2-a, RFC9768-3.1.5-a. */
static void reduce(struct tcp_conn *conn, struct tcp_host *host, const struct tcp_ack_news *news,
                   uint32_t delivered_bytes)
{
    struct hf_cc_sample sample = tcp_cc_sample(conn, host, 0);
    uint32_t before = tcp_cwnd_bytes(conn);
    /* What was in flight when the ACK came; limited transmit may have sent beyond cwnd. */
    sample.flight_bytes = min_u32(sample.flight_bytes + news->acked_bytes, before);
    sample.alternative_backoff = host->config->ecn_alternative_backoff;
    conn->undo.possible = false; /* a mark is no mistake */
    conn->cc->on_congestion(&conn->congestion, &sample, HF_CC_ECN);
    tcp_cc_bound(conn, sample.mss_bytes);
    host->counters->ecn_reductions++;
    tcp_ecn_reduced(conn);
    conn->rack.probe_out = false; /* what it mended was lost in the window that is answered for */
    if (!conn->cc->governs_recovery) {
        conn->ecn.reducing = true;
        conn->prr = (struct tcp_prr){.flight_bytes = max_u32(tcp_pipe(conn) + delivered_bytes, 1)};
        conn->prr.cwnd_bytes = tcp_pipe(conn);
    }
    tcp_trace(conn, host, HF_TRACE_CWND, HF_REASON_CWND_ECN, before);
}

/* RFC 9768 3.2.3.2.5: by what the ACK covers. Beside new data only bare ACKs and repetitions may
 * have arrived marked since the last one: there were so few of them, ever, that with what is
 * delivered now they are no eight. */
static bool certainly_not_wrapped(const struct tcp_conn *conn, uint32_t segments)
{
    uint64_t others = conn->segments_sent - conn->tally.data_segments_sent + conn->retransmits;
    return conn->sack && segments <= ACE_MASK && others <= ACE_MASK - segments;
}

/* How many of our segments were marked.
 * Keeps RFC9768-3.2.2.2-a. */
static uint32_t count_accurate(struct tcp_conn *conn, struct tcp_host *host, uint32_t segments)
{
    struct tcp_ecn *ecn = &conn->ecn;
    struct accecn_ack ack = {.ace = ecn->ace,
                             .marked = ecn->counted_ce,
                             .segments = segments,
                             .bytes = conn->sender != NULL ? conn->sender->ack.delivered_bytes : 0,
                             .marked_bytes = ecn->marked_bytes,
                             .mss_bytes = tcp_effective_mss(conn),
                             .option = ecn->option_valid};
    uint32_t marked;
    if (ecn->handshake_ace || ecn->ace_bad || (!ecn->progress && segments == 0)) {
        ecn->echoed = false;
        return 0;
    }
    marked = accecn_newly_marked(&ack);
    if (marked == 0 && ack.option && ack.marked_bytes > 0 && !ecn->no_ect &&
        certainly_not_wrapped(conn, segments)) {
        accecn_inconsistent(conn, host);
    }
    if (marked > ACE_MASK) { /* more than the field can tell */
        note(conn, host, HF_REASON_ACCECN_WRAPPED);
    }
    ecn->counted_ce += marked;
    ecn->echoed = marked > 0;
    return marked;
}

void tcp_ecn_count(struct tcp_conn *conn, struct tcp_host *host, uint32_t segments)
{
    struct tcp_sender *sender = conn->sender;
    uint32_t marked = segments; /* Linux, RFC 8257 3.3: all that an ACK with ECE delivers */
    if (conn->ecn.mode == TCP_ECN_ACCURATE) {
        marked = count_accurate(conn, host, segments);
    }
    if (!conn->ecn.echoed || sender == NULL) {
        return;
    }
    sender->ack.ece = true;
    sender->ack.ce_bytes = sender->ack.delivered_bytes;
    if (conn->ecn.mode == TCP_ECN_ACCURATE) {
        uint64_t bytes = conn->ecn.option_valid ? conn->ecn.marked_bytes
                                                : (uint64_t)marked * tcp_effective_mss(conn);
        sender->ack.ce_bytes =
            bytes < sender->ack.ce_bytes ? (uint32_t)bytes : sender->ack.ce_bytes;
    }
    sender->delivered_ce_segments += marked;
    sender->delivered_ce_bytes += sender->ack.ce_bytes;
}

void tcp_ecn_react(struct tcp_conn *conn, struct tcp_host *host, const struct tcp_ack_news *news)
{
    uint32_t delivered_bytes = conn->sack ? news->delivered_bytes : news->acked_bytes;
    if (conn->recovery != TCP_RECOVERY_NONE) {
        if (conn->ecn.echoed) {
            note(conn, host, HF_REASON_ECN_ANSWERED);
        }
        return;
    }
    end_reduction(conn, host);
    if (!conn->ecn.reducing && tcp_ecn_reacts(conn)) {
        reduce(conn, host, news, delivered_bytes);
    } else if (conn->ecn.echoed) {
        note(conn, host, HF_REASON_ECN_ANSWERED);
    }
    /* What delivers nothing, the peer's own data for one, lets nothing leave. */
    if (conn->ecn.reducing && delivered_bytes > 0) {
        tcp_prr_on_ack(conn, delivered_bytes, news->progress, false);
    }
}
