/* SPDX-License-Identifier: MIT
 *
 * Events come in this order: what an ACK leads to (losses, recovery entered, undone or over), then
 * the ACK itself, then what leaves. So what is told before an ACK is kept until it comes, and the
 * sum is done there.
 */
#include "recovery_oracle.h"

#include <inttypes.h>
#include <string.h>

#define TIMESTAMPS_BYTES 12u

static bool is_judged(const struct recovery_oracle *oracle, const struct hf_config *host)
{
    return oracle->begun && oracle->sack[0] && oracle->sack[1] &&
           strcmp(host->congestion_control->name, "bbr") != 0;
}

/* ---- RFC 9937 6.2, in whole segments where it is in proportion */

static void proportional_rate(struct recovery_oracle *oracle, uint32_t delivered_bytes,
                              bool progress)
{
    uint64_t mss = oracle->mss_bytes, pipe = oracle->flight.pipe_bytes;
    uint64_t ssthresh = oracle->ssthresh_bytes - oracle->ssthresh_bytes % mss;
    int64_t allowed;

    if (delivered_bytes == 0)
        return;
    oracle->delivered_bytes += delivered_bytes;
    if (pipe > ssthresh) {
        uint64_t product = oracle->delivered_bytes * ssthresh;
        allowed = (int64_t)(product / oracle->recover_fs_bytes +
                            (product % oracle->recover_fs_bytes > 0)) -
                  (int64_t)oracle->out_bytes;
        if (allowed > 0 && (uint64_t)allowed % mss > 0)
            allowed += (int64_t)(mss - (uint64_t)allowed % mss);
    } else {
        allowed = (int64_t)oracle->delivered_bytes - (int64_t)oracle->out_bytes;
        if (allowed < (int64_t)delivered_bytes)
            allowed = delivered_bytes;
        if (progress && !oracle->lost)
            allowed += oracle->mss_bytes;
        if (allowed > (int64_t)(ssthresh - pipe))
            allowed = (int64_t)(ssthresh - pipe);
    }
    if (allowed <= 0)
        allowed = oracle->out_bytes == 0 ? oracle->mss_bytes : 0;
    oracle->cwnd_bytes = (uint32_t)(pipe + (uint64_t)allowed);
}

/* ---- an ACK */

static uint32_t take_blocks(struct recovery_oracle *oracle, const struct hf_trace_segment *segment)
{
    const struct flight_model *flight = &oracle->flight;
    uint32_t delivered = 0;
    bool dsack = false;

    if (segment->sack_count > 0) {
        const uint32_t *first = segment->sack[0], *second = segment->sack[1];
        dsack = flight_before(first[0], segment->ack) ||
                (segment->sack_count > 1 && !flight_before(first[0], second[0]) &&
                 !flight_before(second[1], first[1]));
    }
    for (uint8_t i = dsack; i < segment->sack_count; i++) {
        const uint32_t *block = segment->sack[i];
        if (flight->first < flight->end && flight_before(block[0], block[1]) &&
            !flight_before(block[0], oracle->una) &&
            !flight_before(flight->segments[flight->end - 1].end, block[1]))
            delivered += flight_model_report(&oracle->flight, block[0], block[1]);
    }
    return delivered;
}

/* 6.1: of what is in flight, what was reported before this ACK will not be delivered again. */
static void begin_reduction(struct recovery_oracle *oracle, uint32_t delivered_bytes)
{
    const struct flight_model *flight = &oracle->flight;

    oracle->delivered_bytes = oracle->out_bytes = 0;
    oracle->recover_fs_bytes = flight->pipe_bytes + flight->waiting_bytes + delivered_bytes;
    if (oracle->recover_fs_bytes == 0)
        oracle->recover_fs_bytes = 1;
    oracle->cwnd_bytes = flight->pipe_bytes;
}

static void judge_ack(struct recovery_oracle *oracle, const struct hf_trace_event *event,
                      uint32_t delivered_bytes, bool progress)
{
    oracle->ssthresh_bytes = event->numbers.ssthresh_bytes;
    if (oracle->marked) {
        const struct flight_model *flight = &oracle->flight;
        begin_reduction(oracle, delivered_bytes);
        /* What waits to be sent again belongs to a recovery before; here nothing does. */
        if (flight->waiting_bytes > 0)
            oracle_fail(&oracle->failure, event->time, "reduced for a mark while losses wait");
    } else if (oracle->entered && !oracle->absorbed) {
        begin_reduction(oracle, delivered_bytes);
    }
    if (!oracle->recovering && !oracle->reducing)
        return;
    proportional_rate(oracle, delivered_bytes, progress);
    oracle->acks++;
    if (event->numbers.cwnd_bytes != oracle->cwnd_bytes)
        oracle_fail(&oracle->failure, event->time,
                    "PRR's cwnd is %" PRIu32 ", by RFC 9937 %" PRIu32 " (pipe %" PRIu32
                    ", delivered %" PRIu64 " of %" PRIu32 ", out %" PRIu64 ", ssthresh %" PRIu32
                    ")",
                    event->numbers.cwnd_bytes, oracle->cwnd_bytes, oracle->flight.pipe_bytes,
                    oracle->delivered_bytes, oracle->recover_fs_bytes, oracle->out_bytes,
                    oracle->ssthresh_bytes);
}

static void take_syn(struct recovery_oracle *oracle, const struct hf_config *host,
                     const struct hf_trace_event *event, int side)
{
    const struct hf_trace_segment *segment = event->segment;
    uint32_t header_bytes = event->local.address.family == HF_IPV4 ? 40 : 60;
    uint32_t own_bytes = host->mtu - header_bytes;

    oracle->sack[side] = segment->sack_permitted;
    if (side == 0) {
        oracle->una = segment->seq;
    } else {
        oracle->mss_bytes = segment->mss < own_bytes ? segment->mss : own_bytes;
    }
    /* Only where both sides' SYNs have them are there timestamps. */
    if (side == 1 && segment->has_timestamps && host->timestamps)
        oracle->mss_bytes -= TIMESTAMPS_BYTES;
}

/* Did its ACK field count? Text that could not be kept does not matter for that. */
static bool is_taken(const struct hf_trace_event *event)
{
    return event->reason == HF_REASON_ACCEPTED || event->reason == HF_REASON_OUT_OF_ORDER ||
           event->reason == HF_REASON_REASSEMBLY_LIMIT || event->reason == HF_REASON_MEMORY_LIMIT ||
           event->reason == HF_REASON_DATA_AFTER_FIN;
}

static void take_received(struct recovery_oracle *oracle, const struct hf_config *host,
                          const struct hf_trace_event *event)
{
    const struct hf_trace_segment *segment = event->segment;
    uint32_t delivered_bytes;
    bool progress;

    oracle->ack_acked_bytes = oracle->ack_delivered_bytes = 0;
    flight_model_begin_ack(&oracle->flight);
    if (segment == NULL || (segment->flags & HF_RST))
        return;
    if (segment->flags & HF_SYN) {
        take_syn(oracle, host, event, 1);
        return;
    }
    if (!oracle->begun || !(segment->flags & HF_ACK) || !is_taken(event) ||
        flight_before(segment->ack, oracle->una) ||
        flight_before(event->numbers.snd_una, segment->ack))
        return;
    progress = segment->ack != oracle->una;
    oracle->ack_acked_bytes = segment->ack - oracle->una;
    oracle->una = segment->ack;
    delivered_bytes = flight_model_acknowledge(&oracle->flight, oracle->una);
    delivered_bytes += take_blocks(oracle, segment);
    oracle->ack_delivered_bytes = delivered_bytes;
    judge_ack(oracle, event, delivered_bytes, progress);
    oracle->entered = oracle->lost = oracle->marked = oracle->absorbed = false;
}

/* ---- what is told */

static void take_cwnd(struct recovery_oracle *oracle, const struct hf_trace_event *event)
{
    switch ((int)event->reason) {
    case HF_REASON_CWND_RACK:
        oracle->ssthresh_bytes = event->numbers.ssthresh_bytes;
        oracle->absorbed =
            oracle->reducing && !flight_before(oracle->reduced_until, event->numbers.snd_una);
        oracle->recovering = oracle->entered = oracle->forced = true;
        oracle->reducing = false;
        oracle->recover = event->numbers.snd_nxt;
        break;
    case HF_REASON_CWND_ECN:
        oracle->reducing = oracle->marked = true;
        oracle->reduced_until = oracle->nxt;
        break;
    case HF_REASON_CWND_ECN_OVER:
        oracle->reducing = false;
        break;
    case HF_REASON_CWND_TIMEOUT:
        oracle->timed_out = true;
        oracle->recovering = oracle->reducing = false;
        break;
    case HF_REASON_CWND_LOSS_PROBE:
        oracle->reducing = false;
        break;
    case HF_REASON_CWND_RECOVERED:
        if (flight_before(event->numbers.snd_una, oracle->recover))
            oracle_fail(&oracle->failure, event->time, "recovery over before its end");
        oracle->recovering = false;
        break;
    case HF_REASON_UNDO_TIMESTAMP:
    case HF_REASON_UNDO_FRTO:
        flight_model_unlose(&oracle->flight);
        oracle->recovering = false;
        break;
    case HF_REASON_UNDO_DSACK:
        if (oracle->timed_out && !oracle->recovering)
            flight_model_unlose(&oracle->flight);
        oracle->recovering = false;
        break;
    default:
        break;
    }
}

/* When time begins a recovery the first loss counts as if it had been delivered. */
static uint32_t first_waiting_bytes(const struct flight_model *flight)
{
    for (size_t i = flight->first; i < flight->end; i++)
        if (flight->segments[i].waits)
            return flight->segments[i].end - flight->segments[i].seq;
    return 0;
}

/* The reordering timer: no ACK came, but more is lost than was known. What it led to has all been
 * told when something leaves, or time goes on. */
static void after_timer(struct recovery_oracle *oracle, const struct hf_trace_event *event)
{
    if (!oracle->timer_ran || (event->kind != HF_TRACE_SENT && event->kind != HF_TRACE_TIMER &&
                               event->time == oracle->timer_time))
        return;
    oracle->timer_ran = false;
    if (oracle->entered && !oracle->absorbed)
        begin_reduction(oracle, 0);
    if (oracle->entered)
        proportional_rate(oracle, first_waiting_bytes(&oracle->flight), false);
    oracle->entered = oracle->lost = oracle->absorbed = false;
}

static void take_timer(struct recovery_oracle *oracle, const struct hf_trace_event *event)
{
    oracle->timer_ran = true;
    oracle->timer_time = event->time;
    oracle->ssthresh_bytes = event->numbers.ssthresh_bytes;
}

/* ---- what leaves */

static void judge_sent(struct recovery_oracle *oracle, const struct hf_trace_event *event,
                       uint32_t pipe_before, bool again)
{
    const struct hf_trace_segment *segment = event->segment;
    uint32_t most;

    if (!oracle->recovering && !oracle->reducing)
        return;
    oracle->sent++;
    if (again && !oracle->forced && pipe_before >= oracle->cwnd_bytes)
        oracle_fail(&oracle->failure, event->time,
                    "sent again with %" PRIu32 " in flight, PRR allows %" PRIu32, pipe_before,
                    oracle->cwnd_bytes);
    most = oracle->recover_fs_bytes > oracle->ssthresh_bytes ? oracle->recover_fs_bytes
                                                             : oracle->ssthresh_bytes;
    if (pipe_before > most + 2 * oracle->mss_bytes)
        oracle_fail(&oracle->failure, event->time,
                    "%" PRIu32 " in flight, from %" PRIu32 " down to %" PRIu32, pipe_before,
                    oracle->recover_fs_bytes, oracle->ssthresh_bytes);
    if (event->reason == HF_REASON_SEND_LOSS_PROBE)
        return; /* RFC 8985 7.3: whatever cwnd says */
    if (!again && segment->length > 0 && pipe_before + segment->length > oracle->cwnd_bytes &&
        pipe_before > 0)
        oracle_fail(&oracle->failure, event->time,
                    "%" PRIu32 " of new data with %" PRIu32 " in flight, PRR allows %" PRIu32,
                    segment->length, pipe_before, oracle->cwnd_bytes);
    if (again)
        oracle->forced = false;
}

static void take_sent(struct recovery_oracle *oracle, const struct hf_config *host,
                      const struct hf_trace_event *event)
{
    const struct hf_trace_segment *segment = event->segment;
    uint32_t end, pipe_before = oracle->flight.pipe_bytes, length;
    bool waited = false;

    if (segment == NULL || (segment->flags & HF_RST))
        return;
    if (segment->flags & HF_SYN) {
        take_syn(oracle, host, event, 0);
        return;
    }
    if (event->connection == HF_NO_HANDLE)
        return;
    end = segment->seq + segment->length + ((segment->flags & HF_FIN) != 0);
    if (!oracle->begun) {
        oracle->begun = true;
        oracle->una = event->numbers.snd_una;
    }
    if (segment->seq == end)
        return;
    if (flight_before(oracle->nxt, end) || !oracle->sent_any)
        oracle->nxt = end;
    oracle->sent_any = true;
    if (flight_model_append(&oracle->flight, segment->seq, end)) {
        if (is_judged(oracle, host))
            judge_sent(oracle, event, pipe_before, false);
        oracle->out_bytes += segment->length;
        return;
    }
    length = flight_model_repeat(&oracle->flight, segment->seq, &waited);
    if (!is_judged(oracle, host))
        return;
    if (length != end - segment->seq)
        oracle_fail(&oracle->failure, event->time,
                    "sent again %" PRIu32 " bytes where %" PRIu32 " had left", end - segment->seq,
                    length);
    if (waited)
        judge_sent(oracle, event, pipe_before, true);
    else if (event->reason != HF_REASON_SEND_LOSS_PROBE)
        oracle_fail(&oracle->failure, event->time, "sent again what was not taken as lost");
    oracle->out_bytes += length;
}

void recovery_oracle_take(struct recovery_oracle *oracle, const struct hf_config *host,
                          const struct hf_trace_event *event)
{
    after_timer(oracle, event);
    oracle->flight.now = event->time;
    switch ((int)event->kind) {
    case HF_TRACE_TIMER:
        take_timer(oracle, event);
        break;
    case HF_TRACE_SENT:
        take_sent(oracle, host, event);
        break;
    case HF_TRACE_RECEIVED:
        take_received(oracle, host, event);
        break;
    case HF_TRACE_LOSS:
        flight_model_lose(&oracle->flight, (uint32_t)event->value);
        oracle->lost = true;
        break;
    case HF_TRACE_CWND:
        take_cwnd(oracle, event);
        break;
    case HF_TRACE_RECOVERY:
        if (event->reason == HF_REASON_SACK_RENEGING)
            flight_model_forget_reports(&oracle->flight);
        break;
    default:
        break;
    }
    if (!is_judged(oracle, host))
        oracle->failure.text[0] = '\0';
}

void recovery_oracle_free(struct recovery_oracle *oracle)
{
    flight_model_free(&oracle->flight);
}
