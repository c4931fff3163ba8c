/* SPDX-License-Identifier: MIT
 *
 * SYN cookies (RFC 4987 3.6): when the SYN cache is full, what a record would remember is put into
 * the numbers of the SYN-ACK itself and comes back in the ACK, so a flood of SYNs costs no memory
 * at all and an honest peer still gets in.
 *
 * The ISS, from the top: 5 bits of a counter that ticks every 64 s, 3 bits for one of eight MSS
 * values, 24 bits of a keyed hash over the tuple, the peer's ISN, the counter and the MSS index. A
 * cookie is good for the tick it was made in and the next; cookies are only believed for as long
 * after the last one was sent, so that in quiet times there is nothing to guess.
 *
 * Window scale, SACK and ECN have no room there. They ride in the low 6 bits of our timestamp, when
 * the peer sent one, and are given up when it did not.
 */
#include "stack_state.h"

#define COOKIE_TICK (64 * HF_SECOND)
#define COOKIE_TICKS_VALID 2
#define COOKIE_HASH_BITS 24
#define COOKIE_HASH_MASK ((1u << COOKIE_HASH_BITS) - 1)

#define TIMESTAMP_BITS 6
#define TIMESTAMP_MASK ((1u << TIMESTAMP_BITS) - 1)
#define TIMESTAMP_SACK 16u
#define TIMESTAMP_ECN 32u
#define TIMESTAMP_NO_SCALE 15u

/* The peer's MSS is rounded down to one of these: the defaults (MUST-15), then what is common with
 * tunnels, PPPoE, Ethernet and jumbo frames. */
static const uint16_t cookie_mss[8] = {64, 536, 1220, 1360, 1400, 1440, 1460, 8940};

static uint32_t cookie_tick(const struct hf_stack *stack)
{
    return (uint32_t)(stack->host.now / COOKIE_TICK);
}

static uint32_t cookie_hash(const struct hf_stack *stack, const struct flow_tuple *tuple, seq32 irs,
                            uint32_t tick, uint32_t mss_index)
{
    struct {
        struct flow_tuple tuple;
        uint32_t irs, tick, mss_index;
    } input;
    memset(&input, 0, sizeof input);
    input.tuple = *tuple;
    input.irs = irs.value;
    input.tick = tick;
    input.mss_index = mss_index;
    return (uint32_t)siphash(&stack->keys.cookie, &input, sizeof input) & COOKIE_HASH_MASK;
}

void syn_cookie_make(struct hf_stack *stack, struct syn_record *record)
{
    uint32_t tick = cookie_tick(stack);
    uint32_t index = 7;
    while (index > 0 && cookie_mss[index] > record->peer_mss) {
        index--;
    }
    record->cookie = true;
    if (!record->timestamps) {
        record->window_scaling = false;
        record->sack = false;
        /* RFC 9768 5.1: accurate ECN shows by the ACE field of what brings the cookie back. */
        record->ecn = record->ecn == TCP_ECN_ACCURATE ? record->ecn : TCP_ECN_OFF;
    }
    record->iss = seq_make((tick & 31) << 27 | index << COOKIE_HASH_BITS |
                           cookie_hash(stack, &record->tuple, record->irs, tick, index));
    stack->cookie_sent = stack->host.now;
}

/* The low bits say what was agreed; the value never runs ahead of the clock. */
uint32_t syn_cookie_timestamp(const struct syn_record *record, uint32_t ts_value)
{
    uint32_t bits = record->window_scaling ? record->snd_wind_shift : TIMESTAMP_NO_SCALE;
    uint32_t value;
    bits |= record->sack ? TIMESTAMP_SACK : 0;
    bits |= record->ecn != TCP_ECN_OFF ? TIMESTAMP_ECN : 0;
    value = (ts_value & ~TIMESTAMP_MASK) | bits;
    return (int32_t)(value - ts_value) > 0 ? value - (1u << TIMESTAMP_BITS) : value;
}

static bool cookie_valid(const struct hf_stack *stack, const struct flow_tuple *tuple, seq32 iss,
                         seq32 irs)
{
    uint32_t now = cookie_tick(stack);
    uint32_t index = iss.value >> COOKIE_HASH_BITS & 7;
    for (uint32_t age = 0; age < COOKIE_TICKS_VALID; age++) {
        uint32_t tick = now - age;
        if (((tick & 31) == iss.value >> 27) &&
            cookie_hash(stack, tuple, irs, tick, index) == (iss.value & COOKIE_HASH_MASK)) {
            return true;
        }
    }
    return false;
}

bool syn_cookie_read(const struct hf_stack *stack, const struct arrival *arrival,
                     struct syn_record *record)
{
    const struct tcp_segment *segment = arrival->segment;
    const struct tcp_options *options = &segment->options;
    seq32 iss = seq_sub(segment->ack, 1);
    seq32 irs = seq_sub(segment->seq, 1);
    if (stack->cookie_sent < 0 ||
        stack->host.now - stack->cookie_sent > COOKIE_TICKS_VALID * COOKIE_TICK ||
        !cookie_valid(stack, &arrival->tuple, iss, irs)) {
        return false;
    }
    memset(record, 0, sizeof *record);
    record->tuple = arrival->tuple;
    record->hash = arrival->hash;
    record->cookie = true;
    record->repeated = true; /* when it was sent is not known: not to be timed */
    record->iss = iss;
    record->irs = irs;
    record->peer_mss = cookie_mss[iss.value >> COOKIE_HASH_BITS & 7];
    record->snd_wnd = segment->window;
    if (stack->config.timestamps && options->has_timestamps) {
        uint32_t bits = options->ts_echo & TIMESTAMP_MASK;
        record->timestamps = true;
        record->ts_recent = options->ts_value;
        record->sack = stack->config.sack && (bits & TIMESTAMP_SACK);
        record->ecn = tcp_ecn_of_cookie(&stack->host, segment, bits & TIMESTAMP_ECN);
        record->window_scaling = stack->config.window_scaling && (bits & 15) != TIMESTAMP_NO_SCALE;
        record->snd_wind_shift = record->window_scaling ? (uint8_t)(bits & 15) : 0;
    } else {
        record->ecn = tcp_ecn_of_cookie(&stack->host, segment, false);
    }
    record->deadline = stack->host.now + stack->config.initial_rto_ns;
    return true;
}
