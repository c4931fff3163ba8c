/* SPDX-License-Identifier: MIT
 *
 * Accurate ECN feedback (RFC 9768): not that there was a mark, but how many. The three flags AE,
 * CWR and ECE become one number on every segment, the ACE field: how many segments came marked,
 * modulo 8, beginning with 5. An option beside it counts bytes of ECT(1), CE and ECT(0), modulo
 * 2^24.
 *
 * On the SYN the three flags ask; on the SYN-ACK they agree and say at once how the SYN's ECN field
 * arrived, as the ACK of the SYN-ACK does for that: so both sides see whether the path lets the
 * field through. Where it does not, or something clears the ACE field, nothing is sent as ECT any
 * more, but what arrives is told as before (3.2.2.3, 3.2.2.4).
 *
 * Three bits wrap soon. An ACK for more than seven segments may stand for eight marks more than it
 * says; without the option the worst that fits is assumed, with it the bytes tell (A.2).
 */
#include "tcp_accecn.h"

#include "hf_assert.h"

#define ACE_MASK 7u
#define COUNTER_MASK 0xffffffu
#define COUNTER_SIGN 0x800000u
/* Places of the counters in struct tcp_ecn. */
enum { E0B = 0, CEB = 1, E1B = 2 };
/* 3.2.1: r.e0b and r.e1b begin with 1, so that a zeroed option shows; r.ceb with 0. */
static const uint32_t counter_start[TCP_ACCURATE_ECN_FIELDS] = {1, 0, 1};

static void note(struct tcp_conn *conn, struct tcp_host *host, enum hf_reason reason)
{
    tcp_trace(conn, host, HF_TRACE_RECOVERY, reason, conn->snd.una.value);
}

uint8_t accecn_handshake_ace(uint8_t codepoint)
{
    switch ((enum ecn_codepoint)codepoint) {
    case ECN_NOT_ECT:
        return 2;
    case ECN_ECT_1:
        return 3;
    case ECN_ECT_0:
        return 4;
    case ECN_CE:
        return 6;
    }
    return 2;
}

/* ---- what arrived: the data receiver */

static int counter_of(uint8_t codepoint)
{
    switch ((enum ecn_codepoint)codepoint) {
    case ECN_ECT_0:
        return E0B;
    case ECN_CE:
        return CEB;
    case ECN_ECT_1:
        return E1B;
    case ECN_NOT_ECT:
        break;
    }
    return -1;
}

/* 3.2.2.5.1: an ACK at once where marks begin, and after so many since the last ACK: two where
 * there is something to acknowledge, three where there is not, or ACKs would answer ACKs for ever.
 * Keeps RFC9768-3.2.2-a, RFC9768-3.2.2.5.1-a, RFC9768-3.2.2.5.1-b. */
void accecn_arrived(struct tcp_conn *conn, const struct tcp_segment *segment)
{
    struct tcp_ecn *ecn = &conn->ecn;
    bool text = segment->payload_length > 0;
    int counter = counter_of(segment->ecn);
    if (counter >= 0) {
        /* The option must reach as far as the counter that moves. */
        uint8_t least = counter == E1B ? 1 : counter == CEB ? 2 : 3;
        ecn->seen = true;
        if (text) {
            ecn->received_bytes[counter] += segment->payload_length;
            ecn->option_least = (uint8_t)max_u32(ecn->option_least, least);
        }
    }
    if (segment->ecn == ECN_CE) {
        ecn->received_ce += tcp_segment_count(segment);
        ecn->ce_pending = (uint8_t)min_u32(ecn->ce_pending + tcp_segment_count(segment), UINT8_MAX);
        if ((text && ecn->last_codepoint != ECN_CE) || ecn->ce_pending >= (text ? 2 : 3)) {
            tcp_ack_now(conn, HF_REASON_SEND_ACK);
        }
    }
    if (text && ecn->last_codepoint != segment->ecn) {
        ecn->last_codepoint = segment->ecn;
        ecn->option_demand = (uint8_t)max_u32(ecn->option_demand, 1); /* 3.2.3.3 */
    }
}

/* ---- what is sent */

/* 3.2.3.3: in every segment, or when something has changed and three times a round trip.
 * Keeps RFC9768-3.2.3-b, RFC9768-3.2.3.3-a. */
static bool option_wanted(const struct tcp_conn *conn, const struct tcp_host *host)
{
    const struct tcp_ecn *ecn = &conn->ecn;
    uint8_t rule = host->config->ecn_option;
    hf_time beacon = host->config->ecn_option_beacon;
    if (ecn->mode != TCP_ECN_ACCURATE || rule == 0 || !ecn->option_seen) {
        return false;
    }
    return rule >= 2 || ecn->option_demand > 0 ||
           (beacon > 0 && conn->rtt_measured &&
            host->now - ecn->option_sent >= conn->srtt_us * HF_MICROSECOND / beacon);
}

/* As many counters as `room` lets stand beside the SACK blocks that are there. */
static bool fits(struct tcp_options *options, size_t room)
{
    for (int count = TCP_ACCURATE_ECN_FIELDS; count >= 0; count--) {
        options->accurate_ecn_count = (uint8_t)count;
        /* The length counts only the blocks that there is room for: all of them must have it. */
        if (tcp_options_length(options) <= room &&
            options->sack_count <= tcp_options_sack_room(options)) {
            return true;
        }
    }
    return false;
}

/* 3.2.3.1: e1b, ceb, e0b. The option gives way to all others; only where a counter that has moved
 * would not be told, one SACK block of three or more makes room (Linux).
 * Keeps RFC9768-3.2.3-a, RFC9768-3.2.3.3-b. */
void tcp_ecn_fill_option(const struct tcp_conn *conn, const struct tcp_host *host,
                         struct tcp_options *options, size_t room)
{
    const struct tcp_ecn *ecn = &conn->ecn;
    options->has_accurate_ecn = false;
    if (!option_wanted(conn, host)) {
        return;
    }
    options->has_accurate_ecn = true;
    options->accurate_ecn[0] = (ecn->received_bytes[E1B] + counter_start[E1B]) & COUNTER_MASK;
    options->accurate_ecn[1] = (ecn->received_bytes[CEB] + counter_start[CEB]) & COUNTER_MASK;
    options->accurate_ecn[2] = (ecn->received_bytes[E0B] + counter_start[E0B]) & COUNTER_MASK;
    options->has_accurate_ecn = fits(options, room);
    if (options->sack_count > 2 &&
        (!options->has_accurate_ecn || options->accurate_ecn_count < ecn->option_least)) {
        options->sack_count--;
        options->has_accurate_ecn = true;
        options->has_accurate_ecn = fits(options, room);
    }
}

void tcp_ecn_first_option(const struct tcp_host *host, struct tcp_options *options)
{
    if (host->config->ecn_option == 0) {
        return;
    }
    options->has_accurate_ecn = true;
    options->accurate_ecn[0] = counter_start[E1B];
    options->accurate_ecn[1] = counter_start[CEB];
    options->accurate_ecn[2] = counter_start[E0B];
    options->has_accurate_ecn = fits(options, TCP_OPTIONS_MAX_BYTES);
}

/* ---- what the peer says: the data sender */

/* 3.2.3.2.4 and 3.2.3: a first option whose ECT counters are zero was zeroed on the way, and none
 * is believed then. A difference of more than 2^23 is a step back, of an ACK that was overtaken.
 * Keeps RFC9768-3.2.3.2.4-a. */
uint32_t accecn_take_option(struct tcp_conn *conn, struct tcp_host *host,
                            const struct tcp_options *options, bool *valid)
{
    struct tcp_ecn *ecn = &conn->ecn;
    uint32_t marked = 0;
    *valid = false;
    if (!options->has_accurate_ecn || ecn->option_bad) {
        return 0;
    }
    if (!ecn->option_seen && options->accurate_ecn_count > 0) {
        /* Whichever stands first is no ceb. */
        if (options->accurate_ecn[0] == 0) {
            ecn->option_bad = true;
            note(conn, host, HF_REASON_ACCECN_OPTION_ZEROED);
            return 0;
        }
    }
    ecn->option_seen = true;
    HF_ASSERT(options->accurate_ecn_count <= TCP_ACCURATE_ECN_FIELDS); /* tcp_parse takes no more */
    for (unsigned i = 0; i < options->accurate_ecn_count; i++) {
        unsigned counter = options->accurate_ecn_e0b_first ? i : TCP_ACCURATE_ECN_FIELDS - 1 - i;
        uint32_t delta =
            (options->accurate_ecn[i] - counter_start[counter] - ecn->delivered_bytes[counter]) &
            COUNTER_MASK;
        if (delta & COUNTER_SIGN) {
            continue;
        }
        ecn->delivered_bytes[counter] += delta;
        if (counter == CEB) {
            marked = delta;
            *valid = true;
        }
    }
    return marked;
}

/* A.2.1, A.2.2; where the option's bytes are worth more than the marks that the field shows, it has
 * wrapped (as Linux judges it). Keeps RFC9768-3.2.2.5-a. */
uint32_t accecn_newly_marked(const struct accecn_ack *ack)
{
    uint32_t shown = (ack->ace - ACE_START - ack->marked) & ACE_MASK;
    uint32_t safest;
    if (ack->segments <= ACE_MASK) {
        return shown;
    }
    safest = ack->segments - ((ack->segments - shown) & ACE_MASK);
    if (!ack->option) {
        return safest;
    }
    if (ack->marked_bytes == 0) {
        return shown;
    }
    if (ack->segments >= 2 * (ACE_MASK + 1)) {
        uint64_t estimate;
        if (ack->bytes <= ack->marked_bytes) {
            return safest;
        }
        estimate = ((uint64_t)ack->marked_bytes * ack->segments + ack->bytes - 1) / ack->bytes;
        return min_u32(safest, shown + (uint32_t)(estimate & ~(uint64_t)ACE_MASK));
    }
    if (ack->marked_bytes > (uint64_t)shown * ack->mss_bytes) {
        return safest;
    }
    return ack->marked_bytes < (uint64_t)safest * ack->mss_bytes / 2 ? shown : safest;
}

static void stop_ect(struct tcp_conn *conn, struct tcp_host *host, enum hf_reason reason)
{
    conn->ecn.no_ect = true;
    note(conn, host, reason);
}

/* 3.2.2.1 table 4, 3.2.2.4. Our SYN-ACK was Not-ECT, and so it should have arrived (3.2.2.3).
 * Keeps RFC9768-3.2.2.1-b, RFC9768-3.2.2.3-a, RFC9768-3.2.2.4-a. */
void accecn_first_ace(struct tcp_conn *conn, struct tcp_host *host,
                      const struct tcp_segment *segment)
{
    uint8_t ace = accecn_ace(segment->flags);
    if (!seq_eq(segment->seq, seq_add(conn->irs, 1))) {
        return; /* something else came first, and is not here */
    }
    if (ace == 0) {
        conn->ecn.ace_bad = true;
        stop_ect(conn, host, HF_REASON_ACCECN_ACE_ZEROED);
        return;
    }
    if (!conn->passive || segment->payload_length > 0 || segment->options.sack_count > 0) {
        return; /* a counter already */
    }
    switch (ace) {
    case 6:
        conn->ecn.counted_ce++;
        stop_ect(conn, host, HF_REASON_ACCECN_MANGLED);
        break;
    case 3:
    case 4:
        stop_ect(conn, host, HF_REASON_ACCECN_MANGLED);
        break;
    default:
        break; /* Not-ECT, or not in use yet */
    }
    conn->ecn.handshake_ace = true;
}

/* 3.1.2 table 2, 3.1.3.
 * Keeps RFC9768-3.1.2-c, RFC9768-3.1.3-b. */
void accecn_take_syn_ack(struct tcp_conn *conn, struct tcp_host *host,
                         const struct tcp_segment *segment)
{
    struct tcp_ecn *ecn = &conn->ecn;
    uint8_t ace = accecn_ace(segment->flags);
    bool valid;
    switch (ace) {
    case 0:
    case 7: /* it reflects what it gets */
        note(conn, host, HF_REASON_ECN_REFUSED);
        return;
    case 1:
        ecn->mode = TCP_ECN_CLASSIC;
        break;
    default:
        ecn->mode = TCP_ECN_ACCURATE;
        ecn->handshake_due = true;
        ecn->syn_codepoint = segment->ecn;
        ecn->last_codepoint = segment->ecn;
        (void)accecn_take_option(conn, host, &segment->options, &valid);
        ecn->option_demand = 2;
        break;
    }
    host->counters->ecn_connections++;
    note(conn, host, ecn->mode == TCP_ECN_CLASSIC ? HF_REASON_ECN_AGREED : HF_REASON_ACCECN_AGREED);
    if (ecn->mode == TCP_ECN_ACCURATE && ace != 2 && ace != 5) {
        stop_ect(conn, host, HF_REASON_ACCECN_MANGLED); /* our SYN was Not-ECT */
    }
}
