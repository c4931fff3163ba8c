/* SPDX-License-Identifier: MIT
 *
 * The ladder: what two hosts say to each other, as the RFC draws it, with both ends' states beside
 * every step and the reason below it.
 *
 * A segment is one row when it leaves, with an arrow in its direction. Its arrival gets a row of
 * its own only when there is something to tell: the state changed, it opens, closes or resets, or
 * it was not simply taken; in-order data and its ACKs are thus one line each. A packet the link
 * loses has a short arrow below it that ends in an x. A segment that arrives without having left
 * (a forgery, an old duplicate, or any segment when only one of the hosts is watched) is drawn
 * whole on arrival.
 *
 * With more than one connection, a line names the end points whenever the connection changes.
 * Hosts beyond the second have no column: what they do is said in sentences.
 *
 * After a write error the ladder is silent (see trace_output).
 */
#include "ladder_internal.h"

#include <errno.h>
#include <stdlib.h>

/* The stack or the wire turned the packet away. The reasons for that stand together in the table,
 * among a few that tell of more than a refusal. */
static bool is_refused(const struct hf_trace_event *event)
{
    static const enum hf_reason taken[] = {
        HF_REASON_ICMP_SOFT,    HF_REASON_ICMP_HARD,         HF_REASON_ICMP_TOO_BIG,
        HF_REASON_ICMP_ECHO,    HF_REASON_SYN_CACHE_FULL,    HF_REASON_SYN_CACHE_DUPLICATE,
        HF_REASON_OUT_OF_ORDER, HF_REASON_ICMP_TOO_BIG_HELD,
    };

    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        if (event->reason == taken[i])
            return false;
    }
    return event->reason >= HF_REASON_IP_TOO_SHORT && event->reason <= HF_REASON_CHALLENGE_LIMITED;
}

/* So broken that its addresses and ports may be wrong too. */
static bool is_unreadable(const struct hf_trace_event *event)
{
    return event->reason >= HF_REASON_IP_TOO_SHORT && event->reason <= HF_REASON_ICMP_CHECKSUM;
}

static void begin(struct hf_ladder *ladder, hf_time time)
{
    if (ladder->begun)
        return;
    ladder->begun = true;
    ladder->start = time;
    ladder_draw_legend(ladder);
}

/* Everyday sending that needs no explanation. */
static bool is_plain_sending(const struct hf_ladder *ladder, enum hf_reason reason)
{
    if (reason == HF_REASON_SEND_ACK || reason == HF_REASON_SEND_ACK_DELAYED)
        return !ladder->options.verbose;
    return reason == HF_REASON_NONE || reason == HF_REASON_ACCEPTED ||
           reason == HF_REASON_SEND_DATA;
}

/* A new opening: what the other end said of the connection before belongs to the past. */
static void forget_past(struct ladder_conversation *conversation, int side,
                        const struct hf_trace_event *event)
{
    const struct hf_trace_segment *segment = event->segment;
    struct ladder_view *other = &conversation->views[!side];

    if (segment && (segment->flags & (HF_SYN | HF_ACK)) == HF_SYN && other->state == HF_CLOSED)
        other->traced = false;
}

static void remember_sent(struct hf_ladder *ladder, const struct hf_trace_event *event)
{
    ladder->last_sent_host = event->host;
    ladder->last_sent_time = event->time;
    ladder->last_sent = LADDER_UNKNOWN_PACKET;
    if (event->segment) {
        ladder->last_sent = ladder_fingerprint(event, true);
        ladder_remember_sent(ladder, ladder->last_sent);
    }
}

static void draw_sent(struct hf_ladder *ladder, const struct hf_trace_event *event)
{
    int side = ladder_learn_host(ladder, event)->side;
    struct ladder_conversation *conversation = NULL;
    struct ladder_row row;

    if (!ladder_has_column(ladder, side, event)) {
        ladder_packet_items(ladder, event, NULL, 0, true, false);
        ladder_tell(ladder, event);
        remember_sent(ladder, event);
        return;
    }
    conversation = ladder_find(ladder, side, event, event->segment != NULL);
    if (conversation) {
        ladder_update_view(&conversation->views[side], event);
        forget_past(conversation, side, event);
    }
    ladder_show_conversation(ladder, conversation);
    ladder_packet_items(ladder, event, conversation, side, true, false);
    row = ladder_row_of(ladder, event, conversation, side, LADDER_ARROW);
    row.tone = ladder_packet_tone(event);
    ladder_draw_row(ladder, &row);
    if (!is_plain_sending(ladder, event->reason))
        ladder_draw_packet_why(ladder, event->reason);
    remember_sent(ladder, event);
}

static void draw_arrival(struct hf_ladder *ladder, const struct hf_trace_event *event,
                         struct ladder_conversation *conversation, int side, bool sent)
{
    struct ladder_row row;

    ladder_show_conversation(ladder, conversation);
    ladder_packet_items(ladder, event, conversation, side, false, sent);
    row = ladder_row_of(ladder, event, conversation, side, LADDER_ARRIVAL);
    row.lost = is_refused(event);
    if (sent) {
        ladder_add_verb(ladder, row.lost ? "refused" : "arrives");
    } else {
        row.shape = LADDER_ARROW;
        row.side = !side;
    }
    row.tone = row.lost ? LADDER_TONE_TROUBLE : ladder_packet_tone(event);
    row.changed = ladder_has_effect(ladder, HF_TRACE_STATE) ? side : LADDER_NO_SIDE;
    ladder_draw_row(ladder, &row);
    if (!sent && !is_unreadable(event) && ladder_sees_both(ladder, conversation))
        ladder_draw_paragraph(ladder, "note: ", "Neither host was seen sending this.",
                              LADDER_TONE_FAINT);
    if (ladder_has_reason(event))
        ladder_draw_packet_why(ladder, event->reason);
    ladder_draw_effects_below(ladder, event->reason);
}

static bool is_remarkable(const struct hf_ladder *ladder, const struct hf_trace_event *event)
{
    return ladder_has_reason(event) || ladder_has_effect(ladder, HF_TRACE_STATE) ||
           ladder_has_effect(ladder, HF_TRACE_ERROR) ||
           ladder_has_effect(ladder, HF_TRACE_WINDOW) || !event->segment ||
           (event->segment->flags & (HF_SYN | HF_FIN | HF_RST));
}

static void take_received(struct hf_ladder *ladder, const struct hf_trace_event *event)
{
    int side = ladder_learn_host(ladder, event)->side;
    struct ladder_conversation *conversation = NULL;
    bool column = ladder_has_column(ladder, side, event);
    bool sent;

    if (column)
        conversation = ladder_find(ladder, side, event, event->segment && !is_unreadable(event));
    if (conversation && !is_unreadable(event))
        ladder_update_view(&conversation->views[side], event);
    if (column && !conversation && is_unreadable(event))
        conversation = ladder->shown;
    sent = event->segment ? ladder_was_sent(ladder, ladder_fingerprint(event, false))
                          : ladder_sees_both(ladder, conversation);
    if (sent && !is_remarkable(ladder, event)) {
        ladder_flush_effects(ladder);
    } else if (column) {
        draw_arrival(ladder, event, conversation, side, sent);
    } else {
        ladder_packet_items(ladder, event, NULL, 0, false, false);
        ladder_tell(ladder, event);
        ladder_flush_effects(ladder);
    }
}

static bool is_loss(enum hf_reason reason)
{
    return reason == HF_REASON_LINK_LOSS || reason == HF_REASON_LINK_LOSS_CHOSEN ||
           reason == HF_REASON_LINK_QUEUE || reason == HF_REASON_LINK_MTU;
}

/* Is this about the packet whose arrow was drawn last? A corrupted one may not look like it. */
static bool is_last_sent(const struct hf_ladder *ladder, const struct hf_trace_event *event)
{
    if (ladder->last_sent == 0 || ladder->last_sent_host != event->host ||
        ladder->last_sent_time != event->time || event->reason == HF_REASON_LINK_DELAYED_DUPLICATE)
        return false;
    return !event->segment || event->reason == HF_REASON_LINK_CORRUPT ||
           ladder->last_sent == ladder_fingerprint(event, true);
}

/* What the link did to the packet whose arrow was drawn last goes right below it; any other packet
 * gets an arrow again. */
static void draw_link(struct hf_ladder *ladder, const struct hf_trace_event *event)
{
    int side = ladder_learn_host(ladder, event)->side;
    struct ladder_conversation *conversation;
    struct ladder_row row;
    char held[TRACE_DURATION_TEXT];
    bool below;

    if (event->reason == HF_REASON_NONE || event->reason == HF_REASON_ACCEPTED)
        return;
    if (!ladder_has_column(ladder, side, event)) {
        ladder_packet_items(ladder, event, NULL, 0, true, false);
        ladder_tell(ladder, event);
        return;
    }
    conversation = ladder_find(ladder, side, event, event->segment != NULL);
    below = is_last_sent(ladder, event);
    if (!below)
        ladder_show_conversation(ladder, conversation);
    ladder_packet_items(ladder, event, conversation, side, true, false);
    row = ladder_row_of(ladder, event, conversation ? conversation : ladder->shown, side,
                        LADDER_ARROW);
    row.lost = is_loss(event->reason);
    row.tone = LADDER_TONE_TROUBLE;
    if (below && row.lost) {
        row.dated = false;
        row.states[LADDER_LEFT] = row.states[LADDER_RIGHT] = "";
        ladder->items.count = 0;
        ladder_add_item(&ladder->items, "lost");
    }
    if (!below || row.lost)
        ladder_draw_row(ladder, &row);
    ladder_draw_why(ladder, row.lost ? "why: " : "link: ", event->reason);
    if (!row.lost && event->value > 0) {
        trace_duration_text(event->value, held);
        ladder_draw_paragraph(ladder, "held: ", held, LADDER_TONE_FAINT);
    }
    if (event->segment && !row.lost)
        ladder_remember_sent(ladder, ladder_fingerprint(event, true));
}

static void ladder_event(void *context, const struct hf_trace_event *event)
{
    struct hf_ladder *ladder = context;
    const struct ladder_host *host;

    if (ladder->output.failed)
        return;
    /* Nothing that happens between two hosts: for the curious. */
    if (event->kind == HF_TRACE_REST && !ladder->options.verbose)
        return;
    host = ladder_learn_host(ladder, event);
    if (host->side != LADDER_NO_SIDE)
        ladder_learn_listener(ladder, host->side, event);
    begin(ladder, event->time);
    if (ladder_finish_call(ladder, event))
        return;
    if (ladder->effect_count &&
        (ladder->effects[0].host != event->host || ladder->effects[0].time != event->time ||
         event->kind == HF_TRACE_SENT || event->kind == HF_TRACE_LINK))
        ladder_flush_effects(ladder);
    switch (event->kind) {
    case HF_TRACE_SENT:
        draw_sent(ladder, event);
        return;
    case HF_TRACE_LINK:
        draw_link(ladder, event);
        return;
    case HF_TRACE_RECEIVED:
        take_received(ladder, event);
        break;
    case HF_TRACE_STATE:
    case HF_TRACE_TIMER:
    case HF_TRACE_RTT:
    case HF_TRACE_CWND:
    case HF_TRACE_WINDOW:
    case HF_TRACE_CALL:
    case HF_TRACE_ERROR:
    case HF_TRACE_LOSS:
    case HF_TRACE_RECOVERY:
    case HF_TRACE_LIMIT:
    case HF_TRACE_REST:
        ladder_take_effect(ladder, event);
        break;
    }
    ladder->last_sent = 0;
}

struct hf_ladder *hf_ladder_new(void *file, const struct hf_ladder_options *options)
{
    static const struct hf_ladder_options defaults = {.columns = LADDER_COLUMNS_MIN};
    struct hf_ladder *ladder;

    if (!file) {
        errno = EINVAL;
        return NULL;
    }
    ladder = calloc(1, sizeof(*ladder));
    if (!ladder)
        return NULL;
    ladder->output.file = file;
    ladder->options = options ? *options : defaults;
    ladder->columns = LADDER_COLUMNS_MIN;
    if (ladder->options.columns > LADDER_COLUMNS_MAX)
        ladder->columns = LADDER_COLUMNS_MAX;
    else if (ladder->options.columns > LADDER_COLUMNS_MIN)
        ladder->columns = (size_t)ladder->options.columns;
    ladder->placed[LADDER_LEFT] = ladder->placed[LADDER_RIGHT] = -1;
    return ladder;
}

struct hf_trace_sink hf_ladder_sink(struct hf_ladder *ladder)
{
    struct hf_trace_sink sink = {ladder_event, ladder};

    return sink;
}

void hf_ladder_free(struct hf_ladder *ladder)
{
    if (!ladder)
        return;
    ladder_flush_call(ladder);
    ladder_flush_effects(ladder);
    trace_output_flush(&ladder->output);
    free(ladder);
}
