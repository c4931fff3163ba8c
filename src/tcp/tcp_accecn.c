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

#define COUNTER_MASK 0xffffffu
#define COUNTER_SIGN 0x800000u
/* 3.2.3.3: an option at least for each 2^22 bytes of a counter. */
#define OPTION_LEAST_BITS 22u
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

static void demand_option(struct tcp_ecn *ecn, uint32_t times)
{
    ecn->option_demand = (uint8_t)max_u32(ecn->option_demand, times);
}

/* 3.2.2.5.1: an ACK at once where marks begin, and after so many since the last ACK: two where
 * there is something to acknowledge, three where there is not, or ACKs would answer ACKs for ever.
 * 3.2.3.3: the option with what changes, with marks, and before a counter could wrap unseen.
 * Keeps RFC9768-3.2.2-a, RFC9768-3.2.2.5.1-a, RFC9768-3.2.2.5.1-b, RFC9768-3.2.3.3-c,
 * RFC9768-3.2.3.3-d. */
void accecn_arrived(struct tcp_conn *conn, const struct tcp_segment *segment)
{
    struct tcp_ecn *ecn = &conn->ecn;
    bool text = segment->payload_length > 0;
    int counter = counter_of(segment->ecn);
    if (counter >= 0) {
        ecn->seen = true;
        if (text) {
            uint32_t before = ecn->received_bytes[counter];
            ecn->received_bytes[counter] += segment->payload_length;
            ecn->option_moved |= (uint8_t)(1u << counter);
            if ((before ^ ecn->received_bytes[counter]) >> OPTION_LEAST_BITS) {
                demand_option(ecn, 1);
            }
        }
    }
    if (segment->ecn == ECN_CE) {
        ecn->received_ce += tcp_segment_count(segment);
        ecn->ce_pending = (uint8_t)min_u32(ecn->ce_pending + tcp_segment_count(segment), UINT8_MAX);
        if ((text && ecn->last_codepoint != ECN_CE) || ecn->ce_pending >= (text ? 2 : 3)) {
            tcp_ack_now(conn, HF_REASON_SEND_ACK);
        }
    }
    if (text && (segment->ecn == ECN_CE || ecn->last_codepoint != segment->ecn)) {
        ecn->last_codepoint = segment->ecn;
        demand_option(ecn, 2); /* with what changed, and once more; while there are marks, always */
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

/* As many counters as `room` lets stand beside the SACK blocks that are there, `least` or none. */
static bool fits(struct tcp_options *options, size_t room, int least)
{
    for (int count = TCP_ACCURATE_ECN_FIELDS; count >= least; count--) {
        options->accurate_ecn_count = (uint8_t)count;
        /* The length counts only the blocks that there is room for: all of them must have it. */
        if (tcp_options_length(options) <= room &&
            options->sack_count <= tcp_options_sack_room(options)) {
            return true;
        }
    }
    return false;
}

/* e1b, ceb, e0b; or the other way round. */
static void fill_counters(const struct tcp_ecn *ecn, struct tcp_options *options, bool e0b_first)
{
    options->accurate_ecn_e0b_first = e0b_first;
    for (unsigned counter = 0; counter < TCP_ACCURATE_ECN_FIELDS; counter++) {
        unsigned at = e0b_first ? counter : TCP_ACCURATE_ECN_FIELDS - 1 - counter;
        options->accurate_ecn[at] =
            (ecn->received_bytes[counter] + counter_start[counter]) & COUNTER_MASK;
    }
}

/* 3.2.3.3: without the counters that have moved there is no option. It gives way to all others;
 * only where such a counter would not be told do SACK blocks beyond two make room, if that is
 * enough (Linux).
 * Keeps RFC9768-3.2.3.3-b, RFC9768-3.2.3.3-e. */
static bool place(const struct tcp_ecn *ecn, struct tcp_options *options, size_t room,
                  bool e0b_first)
{
    uint8_t blocks = options->sack_count;
    uint32_t least = 0;
    for (uint32_t counter = 0; counter < TCP_ACCURATE_ECN_FIELDS; counter++) {
        if (ecn->option_moved & 1u << counter) {
            least = max_u32(least, e0b_first ? counter + 1 : TCP_ACCURATE_ECN_FIELDS - counter);
        }
    }
    fill_counters(ecn, options, e0b_first);
    while (!fits(options, room, (int)least)) {
        if (options->sack_count <= 2 || least == 0) {
            options->sack_count = blocks;
            return false;
        }
        options->sack_count--;
    }
    return true;
}

/* 3.2.3.1: as in Linux e1b stands first; where that order is too long for what has moved, e0b.
 * Keeps RFC9768-3.2.3-a. */
void tcp_ecn_fill_option(const struct tcp_conn *conn, const struct tcp_host *host,
                         struct tcp_options *options, size_t room)
{
    options->has_accurate_ecn = option_wanted(conn, host);
    if (options->has_accurate_ecn) {
        options->has_accurate_ecn =
            place(&conn->ecn, options, room, false) || place(&conn->ecn, options, room, true);
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
    options->has_accurate_ecn = fits(options, TCP_OPTIONS_MAX_BYTES, 0);
}

/* ---- what the peer says: the data sender */

/* Whichever counter stands first or last is no ceb. */
static bool zeroed(const struct tcp_options *options)
{
    return options->accurate_ecn[0] == 0 ||
           (options->accurate_ecn_count == TCP_ACCURATE_ECN_FIELDS &&
            options->accurate_ecn[TCP_ACCURATE_ECN_FIELDS - 1] == 0);
}

/* 3.2.3.2.4 and 3.2.3: a first option of which an ECT counter is zero was zeroed on the way, and
 * none is believed then. A difference of more than 2^23 is a step back, of an ACK that was
 * overtaken. Keeps RFC9768-3.2.3.2.3-a, RFC9768-3.2.3.2.4-a. */
uint32_t accecn_take_option(struct tcp_conn *conn, struct tcp_host *host,
                            const struct tcp_options *options, bool *valid)
{
    struct tcp_ecn *ecn = &conn->ecn;
    uint32_t marked = 0;
    *valid = false;
    if (!options->has_accurate_ecn || ecn->option_bad) {
        return 0;
    }
    ecn->option_seen = true; /* bad ones, too: ours may come through (3.2.3.2.3) */
    if (!ecn->option_counted && options->accurate_ecn_count > 0) {
        ecn->option_counted = true;
        if (zeroed(options)) {
            ecn->option_bad = true;
            note(conn, host, HF_REASON_ACCECN_OPTION_ZEROED);
            return 0;
        }
    }
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

/* 3.2.3.2.5. Keeps RFC9768-3.2.3.2.5-a. */
void accecn_inconsistent(struct tcp_conn *conn, struct tcp_host *host)
{
    stop_ect(conn, host, HF_REASON_ACCECN_INCONSISTENT);
}

/* 3.2.2.1 table 4, 3.2.2.4. Our SYN-ACK was Not-ECT, and so it should have arrived (3.2.2.3).
 * Keeps RFC9768-3.2.2.1-b, RFC9768-3.2.2.1-e, RFC9768-3.2.2.1-f, RFC9768-3.2.2.3-a,
 * RFC9768-3.2.2.4-a. */
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
    if (!conn->passive || tcp_segment_length(segment) > 0 || segment->options.sack_count > 0) {
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
 * Keeps RFC9768-3.1.2-c, RFC9768-3.1.3-b, RFC9768-3.1.4.1-b. */
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
        ecn->no_ect = false; /* 3.1.4.1: whatever SYNs of ours came after the one it answers */
        ecn->handshake_due = true;
        ecn->syn_ack_marked = segment->ecn == ECN_CE;
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
