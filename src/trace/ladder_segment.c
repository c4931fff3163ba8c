/* SPDX-License-Identifier: MIT
 *
 * How a segment reads: "PSH,ACK SEQ=1461 ACK=1 LEN=1460 WIN=65535".
 *
 * Sequence numbers count from the ISS of whoever sends them, as the host in question knows it: what
 * it sent from its own ISS, what it received from its IRS. A number that is nowhere near what that
 * host expects is shown whole, with an @: to a host that restarted, the numbers of the connection
 * it forgot mean nothing, and the reader should see that they do not. Windows are shown in bytes,
 * scaled where scaling is agreed (never in a SYN: RFC 7323 2.2).
 */
#include "ladder_internal.h"

#include <inttypes.h>
#include <stdarg.h>

/* No window is larger (RFC 7323 2.3), so whatever belongs to the connection is nearer than this. */
#define NEAR_BYTES (INT32_C(1) << 30)

#define NUMBER_TEXT 24u

void ladder_add_item(struct ladder_items *items, const char *format, ...)
{
    va_list arguments;

    if (items->count == LADDER_ITEMS)
        return;
    va_start(arguments, format);
    vsnprintf(items->item[items->count], LADDER_ITEM_BYTES, format, arguments);
    va_end(arguments);
    items->count++;
}

struct numbering {
    bool absolute;
    struct ladder_count sent; /* how SEQ counts */
    struct ladder_count back; /* how ACK and SACK count */
};

static struct numbering numbering_of(const struct hf_ladder *ladder,
                                     const struct ladder_conversation *conversation, int side,
                                     bool departing)
{
    struct numbering numbering = {.absolute = ladder->options.absolute != 0};
    const struct ladder_view *here, *there;

    if (!conversation)
        return numbering;
    here = &conversation->views[side];
    there = &conversation->views[!side];
    numbering.sent = here->own.known ? here->own : there->peer;
    numbering.back = here->peer.known ? here->peer : there->own;
    if (!departing) {
        struct ladder_count swap = numbering.sent;

        numbering.sent = numbering.back;
        numbering.back = swap;
    }
    return numbering;
}

static bool is_near(uint32_t value, const struct ladder_count *count)
{
    int32_t distance = (int32_t)(value - count->next);

    return count->known && distance <= NEAR_BYTES && distance >= -NEAR_BYTES;
}

static void number_text(uint32_t value, const struct ladder_count *count, bool absolute,
                        char text[NUMBER_TEXT])
{
    int64_t offset;

    if (absolute) {
        snprintf(text, NUMBER_TEXT, "%" PRIu32, value);
        return;
    }
    if (!is_near(value, count)) {
        snprintf(text, NUMBER_TEXT, "@%" PRIu32, value);
        return;
    }
    offset = (int64_t)(uint32_t)(count->next - count->initial) + (int32_t)(value - count->next);
    snprintf(text, NUMBER_TEXT, "%" PRId64, offset);
}

static void add_window(struct ladder_items *items, const struct hf_trace_segment *segment,
                       const struct ladder_view *view, bool departing)
{
    unsigned shift = 0;

    if (view && !(segment->flags & HF_SYN))
        shift = departing ? view->rcv_wind_shift : view->snd_wind_shift;
    ladder_add_item(items, "WIN=%" PRIu64, (uint64_t)segment->window << (shift & 15));
}

static void add_options(const struct hf_ladder *ladder, struct ladder_items *items,
                        const struct hf_trace_segment *segment, const struct numbering *numbering)
{
    bool syn = (segment->flags & HF_SYN) != 0;
    bool times = ladder->options.verbose || ladder->columns >= LADDER_COLUMNS_WIDE;

    if (segment->mss)
        ladder_add_item(items, "mss=%u", segment->mss);
    if (segment->window_scale >= 0)
        ladder_add_item(items, "ws=%d", segment->window_scale);
    if (segment->sack_permitted)
        ladder_add_item(items, "sackOK");
    if (segment->has_timestamps && times)
        ladder_add_item(items, "TS=%" PRIu32 "/%" PRIu32, segment->ts_value, segment->ts_echo);
    else if (segment->has_timestamps && syn)
        ladder_add_item(items, "TS");
    for (unsigned i = 0; i < segment->sack_count && i < 4; i++) {
        char left[NUMBER_TEXT], right[NUMBER_TEXT];

        number_text(segment->sack[i][0], &numbering->back, numbering->absolute, left);
        number_text(segment->sack[i][1], &numbering->back, numbering->absolute, right);
        ladder_add_item(items, "SACK=%s-%s", left, right);
    }
    if (segment->has_fast_open) {
        char cookie[TRACE_COOKIE_TEXT];

        ladder_add_item(items, "%s%s%s", segment->fast_open_experimental ? "FOEXP" : "FO",
                        segment->fast_open_length > 0 ? "=" : "",
                        trace_cookie_text(segment, cookie));
    }
}

static void segment_items(struct hf_ladder *ladder, const struct hf_trace_segment *segment,
                          const struct ladder_conversation *conversation, int side, bool departing,
                          bool brief)
{
    struct ladder_items *items = &ladder->items;
    struct numbering numbering = numbering_of(ladder, conversation, side, departing);
    char flags[TRACE_FLAGS_TEXT], number[NUMBER_TEXT];

    trace_flags_text(segment->flags, ",", flags);
    ladder_add_item(items, "%s", flags);
    number_text(segment->seq, &numbering.sent, numbering.absolute, number);
    ladder_add_item(items, "SEQ=%s", number);
    if (segment->flags & HF_ACK) {
        number_text(segment->ack, &numbering.back, numbering.absolute, number);
        ladder_add_item(items, "ACK=%s", number);
    }
    if (!brief || segment->length)
        ladder_add_item(items, "LEN=%" PRIu32, segment->length);
    if (segment->flags & HF_URG)
        ladder_add_item(items, "URG=%u", segment->urgent_pointer);
    if (brief)
        return;
    add_window(items, segment, conversation ? &conversation->views[side] : NULL, departing);
    if ((segment->flags & HF_SYN) && !numbering.absolute && is_near(segment->seq, &numbering.sent))
        ladder_add_item(items, "ISS=%" PRIu32, segment->seq);
    add_options(ladder, items, segment, &numbering);
}

static void other_packet_items(struct ladder_items *items, const struct hf_trace_event *event)
{
    int protocol = trace_packet_protocol(event->packet, event->packet_length);

    switch (protocol) {
    case 1:
        ladder_add_item(items, "ICMP");
        break;
    case 58:
        ladder_add_item(items, "ICMPv6");
        break;
    case 6:
        ladder_add_item(items, "TCP");
        break;
    case -1:
        ladder_add_item(items, "packet");
        break;
    default:
        ladder_add_item(items, "protocol %d", protocol);
        break;
    }
    if (event->packet)
        ladder_add_item(items, "of %zu bytes", event->packet_length);
}

void ladder_packet_items(struct hf_ladder *ladder, const struct hf_trace_event *event,
                         const struct ladder_conversation *conversation, int side, bool departing,
                         bool brief)
{
    ladder->items.count = 0;
    if (event->segment)
        segment_items(ladder, event->segment, conversation, side, departing, brief);
    else
        other_packet_items(&ladder->items, event);
}

enum ladder_tone ladder_packet_tone(const struct hf_trace_event *event)
{
    unsigned flags = event->segment ? event->segment->flags : 0;

    if (event->kind == HF_TRACE_SENT && event->reason >= HF_REASON_RETRANSMIT_TIMEOUT &&
        event->reason <= HF_REASON_RETRANSMIT_MTU)
        return LADDER_TONE_REPEAT;
    if (flags & HF_RST)
        return LADDER_TONE_TROUBLE;
    if (flags & HF_SYN)
        return LADDER_TONE_OPENING;
    if (flags & HF_FIN)
        return LADDER_TONE_CLOSING;
    return LADDER_TONE_PLAIN;
}
