/* SPDX-License-Identifier: MIT
 *
 * A line of the script against a packet of the stack, field by field in the order of the headers;
 * the first difference is the verdict. Besides what the line says, the payload must be the stream's
 * own bytes at that place, whoever sent them for whatever reason.
 *
 * A line with more bytes than fit a segment stands for several segments of one size, the last maybe
 * shorter, that are alike but for their place; PSH and FIN are the last one's. --strict_segments
 * turns that off. Where a script was written for a kernel, the inner ones may have PSH as well:
 * there the line is what was handed to a device, which divided it.
 */
#include "drill_match.h"

#include "drill_icmp.h"
#include "drill_options.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The stack's timestamp clock ticks every millisecond. */
#define STACK_TICK_NS INT64_C(1000000)

__attribute__((format(printf, 2, 3))) static enum drill_match differs(char why[256],
                                                                      const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, 256, format, arguments);
    va_end(arguments);
    return DRILL_MATCH_NOT;
}

/* The word for a field that differs, with both values. */
static bool same(char why[256], const char *what, uint32_t expected, uint32_t actual)
{
    if (expected != actual)
        snprintf(why, 256, "%s is %u, expected %u", what, actual, expected);
    return expected == actual;
}

static bool same_ip(const struct drill_ip_info *ip, const struct drill_segment *live, char why[256])
{
    static const char *const ecn[] = {"noecn", "ect1", "ect0", "ce"};
    if (ip->ecn != DRILL_UNSET && ip->ecn != (live->traffic_class & 3)) {
        snprintf(why, 256, "the ECN field is %s, expected %s", ecn[live->traffic_class & 3],
                 ecn[ip->ecn]);
        return false;
    }
    return (ip->traffic_class == DRILL_UNSET ||
            same(why, "tos", (uint32_t)ip->traffic_class, live->traffic_class)) &&
           (ip->ttl == DRILL_UNSET || same(why, "ttl", (uint32_t)ip->ttl, live->ttl)) &&
           (ip->flow_label == DRILL_UNSET ||
            same(why, "flow label", (uint32_t)ip->flow_label, live->flow_label)) &&
           (ip->dont_fragment == DRILL_UNSET ||
            same(why, "DF", (uint32_t)ip->dont_fragment, live->dont_fragment));
}

/* The stack's initial number, from the first SYN that a line expects. */
static void learn_offset(const struct drill_packet *expected, struct drill_flow *flow,
                         const struct drill_segment *live)
{
    bool syn = (live->flags & expected->flags & DRILL_SYN) != 0;
    if (!syn || expected->seq.absolute || (flow->offset_known && !flow->offset_open))
        return;
    flow->sequence_offset = live->seq - expected->seq.value;
    flow->own_initial = expected->seq.value;
    flow->offset_known = true;
    flow->offset_open = false;
}

/* From now on the peer's numbers are counted from the SYN that this segment answers. */
static void learn_peer_base(struct drill_flow *flow, const struct drill_segment *live)
{
    uint16_t kind = live->flags & (DRILL_SYN | DRILL_RST | DRILL_ACK);
    uint32_t taken = live->ack - flow->peer_initial - 1; /* of data on the SYN */
    if (!flow->peer_known)
        return;
    if (kind == (DRILL_SYN | DRILL_ACK) && taken <= UINT16_MAX)
        flow->peer_base = flow->peer_initial;
    if (kind == (DRILL_SYN | DRILL_ACK) || kind == DRILL_ACK)
        flow->peer_base_settled = true;
}

static bool same_flags(uint16_t expected, uint16_t actual, char why[256])
{
    static const struct {
        uint16_t flag;
        const char *name;
    } names[] = {
        {DRILL_FIN, "FIN"}, {DRILL_SYN, "SYN"}, {DRILL_RST, "RST"},
        {DRILL_PSH, "PSH"}, {DRILL_ACK, "ACK"}, {DRILL_URG, "URG"},
        {DRILL_ECE, "ECE"}, {DRILL_CWR, "CWR"}, {DRILL_AE, "AE"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if ((expected ^ actual) & names[i].flag) {
            snprintf(why, 256, "%s is %s", names[i].name,
                     actual & names[i].flag ? "set, expected clear" : "clear, expected set");
            return false;
        }
    }
    return true;
}

/* TS val is only noted, unless a tick says how to compare it. */
static bool same_timestamp(const struct drill_judge *judge, const struct drill_flow *flow,
                           uint32_t script, uint32_t live, char why[256])
{
    int64_t script_ticks, live_ticks;
    if (judge->ts_tick_ns == 0 || flow->timestamp_count == 0)
        return true;
    script_ticks = (int32_t)(script - flow->timestamps[0].script);
    live_ticks = (int32_t)(live - flow->timestamps[0].live);
    script_ticks = script_ticks * judge->ts_tick_ns / STACK_TICK_NS;
    if (script_ticks - live_ticks > 1 || live_ticks - script_ticks > 1) {
        snprintf(why, 256, "TS val is %lld ms after the first one, expected %lld",
                 (long long)live_ticks, (long long)script_ticks);
        return false;
    }
    return true;
}

static bool same_options(const struct drill_judge *judge, const struct drill_packet *expected,
                         struct drill_flow *flow, const struct drill_segment *live, char why[256])
{
    struct drill_option copies[DRILL_OPTIONS_BYTES];
    const struct drill_option *list = NULL;
    uint8_t bytes[DRILL_OPTIONS_BYTES], length = 0;
    size_t count = 0, size = 0;
    const uint8_t *stamp =
        drill_options_find(live->options, live->options_length, DRILL_KIND_TIMESTAMP, &size);
    uint32_t live_value = 0, script_value = 0, peer;
    bool stamped = false;
    char wanted[256], found[256];
    if (expected->any_options)
        return true;
    for (const struct drill_option *option = expected->options;
         option != NULL && count < DRILL_OPTIONS_BYTES; option = option->next) {
        copies[count] = *option;
        copies[count].next = NULL;
        if (option->kind == DRILL_OPTION_TIMESTAMP && stamp != NULL && size == 8) {
            live_value = (uint32_t)stamp[0] << 24 | (uint32_t)stamp[1] << 16 |
                         (uint32_t)stamp[2] << 8 | stamp[3];
            script_value = option->value;
            copies[count].value = live_value;
            stamped = true;
        }
        if (count > 0)
            copies[count - 1].next = &copies[count];
        count++;
    }
    if (count > 0)
        list = copies;
    peer = drill_flow_peer_base(flow, (live->flags & DRILL_SYN) != 0);
    drill_options_encode(list, peer, bytes, &length);
    if (length != live->options_length || memcmp(bytes, live->options, length) != 0) {
        drill_options_print(live->options, live->options_length, peer, found, sizeof found);
        drill_options_print(bytes, length, peer, wanted, sizeof wanted);
        snprintf(why, 256, "the options are <%.110s>, expected <%.110s>", found, wanted);
        return false;
    }
    if (stamped && !same_timestamp(judge, flow, script_value, live_value, why))
        return false;
    if (stamped)
        drill_flow_note_timestamp(flow, script_value, live_value);
    return true;
}

static bool own_bytes(const struct drill_flow *flow, const struct drill_segment *live,
                      char why[256])
{
    /* The first byte follows the SYN. */
    uint32_t place =
        live->seq - drill_flow_own_base(flow, false) - 1 + (live->flags & DRILL_SYN ? 1u : 0u);
    size_t good;
    if (!flow->offset_known || flow->own_unknown || live->flags & DRILL_RST)
        return true;
    good = drill_stream_compare(live->payload, live->payload_length, place);
    if (good < live->payload_length) {
        snprintf(why, 256, "byte %zu of the payload is not the one that was written there", good);
        return false;
    }
    return true;
}

static enum drill_match match_icmp(const struct drill_packet *expected,
                                   const struct drill_segment *live, char why[256])
{
    uint8_t type = 0, code = 0;
    if (live->protocol == DRILL_PROTOCOL_TCP)
        return differs(why, "it is TCP, expected ICMP");
    if (!drill_icmp_find(live->source.address.family, expected->icmp_type, expected->icmp_code,
                         &type, &code))
        return differs(why, "this version of IP has no such message");
    if (live->icmp_type != type || live->icmp_code != code)
        return differs(why, "ICMP type %d code %d, expected type %d code %d", live->icmp_type,
                       live->icmp_code, type, code);
    return same_ip(&expected->ip, live, why) ? DRILL_MATCH_WHOLE : DRILL_MATCH_NOT;
}

/* How the payload's size stands to what is left of the line's. */
static enum drill_match match_size(const struct drill_judge *judge, uint32_t left,
                                   const struct drill_progress *progress, uint32_t size,
                                   char why[256])
{
    if (progress->piece_bytes != 0 && size > progress->piece_bytes)
        return differs(why, "%u bytes of payload after pieces of %u", size, progress->piece_bytes);
    if (size == left)
        return DRILL_MATCH_WHOLE;
    if (judge->strict_segments || size > left || size == 0)
        return differs(why, "%u bytes of payload, expected %u", size, left);
    if (progress->piece_bytes != 0 && size != progress->piece_bytes)
        return differs(why, "%u bytes of payload after pieces of %u, and %u are left", size,
                       progress->piece_bytes, left);
    return DRILL_MATCH_PART;
}

enum drill_match drill_match(const struct drill_judge *judge, const struct drill_packet *expected,
                             struct drill_flow *flow, struct drill_progress *progress,
                             const struct drill_segment *live, char why[256])
{
    enum drill_match verdict;
    uint16_t flags = expected->flags;
    bool syn = (live->flags & DRILL_SYN) != 0;
    uint32_t seq, own, peer;
    why[0] = '\0';
    if (expected->kind == DRILL_ICMP)
        return match_icmp(expected, live, why);
    if (live->protocol != DRILL_PROTOCOL_TCP)
        return differs(why, "it is ICMP, expected TCP");
    learn_offset(expected, flow, live);
    verdict = match_size(judge, expected->length - progress->taken_bytes, progress,
                         live->payload_length, why);
    if (verdict == DRILL_MATCH_NOT)
        return verdict;
    if (verdict == DRILL_MATCH_PART)
        flags &= (uint16_t) ~(DRILL_PSH | DRILL_FIN);
    if (verdict == DRILL_MATCH_PART && judge->any_inner_push)
        flags |= live->flags & DRILL_PSH;
    own = drill_flow_own_base(flow, syn);
    peer = drill_flow_peer_base(flow, syn);
    seq = drill_flow_live(own, expected->seq) + progress->taken_bytes;
    if (!same_ip(&expected->ip, live, why) || !same_flags(flags, live->flags, why) ||
        !same(why, "the sequence number", seq - own, live->seq - own))
        return DRILL_MATCH_NOT;
    if (expected->has_ack &&
        !same(why, "ack", drill_flow_live(peer, expected->ack) - peer, live->ack - peer))
        return DRILL_MATCH_NOT;
    if (expected->has_window && !same(why, "win", expected->window, live->window))
        return DRILL_MATCH_NOT;
    if (expected->has_urgent && !same(why, "urg", expected->urgent, live->urgent))
        return DRILL_MATCH_NOT;
    if (!same_options(judge, expected, flow, live, why) || !own_bytes(flow, live, why))
        return DRILL_MATCH_NOT;
    learn_peer_base(flow, live);
    progress->taken_bytes += live->payload_length;
    if (progress->piece_bytes == 0)
        progress->piece_bytes = live->payload_length;
    return verdict;
}
