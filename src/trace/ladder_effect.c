/* SPDX-License-Identifier: MIT
 *
 * The ladder's rows about everything that is no packet: calls, states, errors, timers, samples.
 *
 * A stack speaks of what a segment caused (new states, errors, samples) before it speaks of the
 * segment. So these effects are kept until the next event and then drawn below the arrival; what
 * has another cause is drawn at once, so that what a program prints between its calls stands in
 * order. Only a call waits for one event: if that is the new state it led to, both are one row.
 */
#include "ladder_internal.h"

#include <inttypes.h>
#include <string.h>

static void call_items(struct ladder_items *items, const struct hf_trace_event *event,
                       const struct ladder_host *host)
{
    static const struct {
        enum hf_reason reason;
        const char *words;
        bool bytes, local, remote;
    } calls[] = {
        {HF_REASON_OPEN_ACTIVE, "connect to", false, false, true},
        {HF_REASON_OPEN_PASSIVE, "listen on", false, true, false},
        {HF_REASON_USER_CLOSE, "close", false, false, false},
        {HF_REASON_USER_ABORT, "abort", false, false, false},
        {HF_REASON_CLOSE_UNREAD, "close with data unread", false, false, false},
        {HF_REASON_SEND_DATA, "send", true, false, false},
        {HF_REASON_SEND_WINDOW_UPDATE, "receive", true, false, false},
        {HF_REASON_URGENT_ARRIVED, "program is told of urgent data", false, false, false},
        {HF_REASON_NONE, "call", true, false, false},
    };
    char end[HF_ENDPOINT_TEXT], name[LADDER_NAME_BYTES];
    size_t i = 0;

    ladder_host_name(host, name);
    ladder_add_item(items, "%s:", name);
    while (i < sizeof(calls) / sizeof(calls[0]) && calls[i].reason != event->reason)
        i++;
    if (i == sizeof(calls) / sizeof(calls[0])) {
        ladder_add_item(items, "call %s", hf_reason_name(event->reason));
        return;
    }
    ladder_add_item(items, "%s", calls[i].words);
    if (calls[i].bytes && event->value > 0)
        ladder_add_item(items, "%" PRId64 " byte%s", event->value, event->value == 1 ? "" : "s");
    if (calls[i].local || calls[i].remote) {
        trace_endpoint_text(calls[i].local ? &event->local : &event->remote, end);
        ladder_add_item(items, "%s", end);
    }
}

static void cwnd_items(struct ladder_items *items, const struct hf_trace_event *event)
{
    ladder_add_item(items, "cwnd %" PRId64 " to %" PRIu32, event->value, event->numbers.cwnd_bytes);
    if (event->numbers.ssthresh_bytes < UINT32_C(1) << 31)
        ladder_add_item(items, "ssthresh %" PRIu32, event->numbers.ssthresh_bytes);
}

static void effect_items(struct ladder_items *items, const struct hf_trace_event *event,
                         const struct ladder_host *host)
{
    char first[TRACE_DURATION_TEXT], second[TRACE_DURATION_TEXT], third[TRACE_DURATION_TEXT];

    items->count = 0;
    switch (event->kind) {
    case HF_TRACE_CALL:
        call_items(items, event, host);
        break;
    case HF_TRACE_STATE:
        if (event->reason == HF_REASON_OPEN_ACTIVE || event->reason == HF_REASON_OPEN_PASSIVE ||
            event->reason == HF_REASON_USER_ABORT)
            call_items(items, event, host);
        else
            ladder_add_item(items, "was %s", hf_state_name(event->state_before));
        break;
    case HF_TRACE_ERROR:
        ladder_add_item(items, "program is told: %s", hf_error_text((int)event->value));
        break;
    case HF_TRACE_TIMER:
        ladder_add_item(items, "%s", hf_reason_name(event->reason));
        if (event->value > 0) {
            trace_duration_text(event->value, first);
            ladder_add_item(items, "next in %s", first);
        }
        break;
    case HF_TRACE_RTT:
        trace_duration_text(event->value, first);
        trace_duration_text(event->numbers.srtt_ns, second);
        trace_duration_text(event->numbers.rto_ns, third);
        ladder_add_item(items, "RTT %s", first);
        ladder_add_item(items, "SRTT %s", second);
        ladder_add_item(items, "RTO %s", third);
        break;
    case HF_TRACE_CWND:
        cwnd_items(items, event);
        break;
    case HF_TRACE_WINDOW:
        ladder_add_item(items, "peer's window %" PRId64 " to %" PRIu32, event->value,
                        event->numbers.snd_wnd);
        break;
    case HF_TRACE_LOSS:
        ladder_add_item(items, "taken as lost: SEQ=%" PRIu32,
                        (uint32_t)event->value - event->numbers.iss);
        break;
    case HF_TRACE_RECOVERY:
        ladder_add_item(items, "%s: SEQ=%" PRIu32, hf_reason_name(event->reason),
                        (uint32_t)event->value - event->numbers.iss);
        break;
    case HF_TRACE_LIMIT:
        ladder_add_item(items, "limit: %s", hf_reason_name(event->reason));
        break;
    case HF_TRACE_REST:
        ladder_add_item(items, "%s", hf_reason_name(event->reason));
        if (event->value > 0)
            ladder_add_item(items, "%" PRId64 " bytes", event->value);
        break;
    case HF_TRACE_SENT:
    case HF_TRACE_RECEIVED:
    case HF_TRACE_LINK:
        break;
    }
}

static bool is_timeout(enum hf_reason reason)
{
    return reason >= HF_REASON_TIMEOUT_R1 && reason <= HF_REASON_TIMEOUT_FIN_WAIT_2;
}

/* Samples and the ticking of timers are for the curious. */
static bool is_shown(const struct hf_ladder *ladder, const struct hf_trace_event *event)
{
    if (ladder->options.verbose)
        return true;
    if (event->kind == HF_TRACE_TIMER)
        return is_timeout(event->reason);
    if (event->kind == HF_TRACE_WINDOW)
        return ladder_has_reason(event);
    /* What is taken as lost says so when it is sent again. */
    return event->kind != HF_TRACE_RTT && event->kind != HF_TRACE_CWND &&
           event->kind != HF_TRACE_LOSS && event->kind != HF_TRACE_RECOVERY;
}

/* Copies an event without what it borrows. */
static void keep(struct hf_trace_event *kept, const struct hf_trace_event *event)
{
    *kept = *event;
    kept->segment = NULL;
    kept->packet = NULL;
    kept->host_name = "";
}

/* One event as a row of its own. */
static void draw_effect(struct hf_ladder *ladder, const struct hf_trace_event *event)
{
    const struct ladder_host *host = ladder_learn_host(ladder, event);
    struct ladder_conversation *conversation;
    struct ladder_row row;
    int side = host->side;

    effect_items(&ladder->items, event, host);
    if (!ladder_has_column(ladder, side, event)) {
        ladder_tell(ladder, event);
        return;
    }
    conversation = ladder_find(ladder, side, event, true);
    if (conversation)
        ladder_update_view(&conversation->views[side], event);
    ladder_show_conversation(ladder, conversation);
    row = ladder_row_of(ladder, event, conversation, side, LADDER_NOTE);
    row.tone = event->kind == HF_TRACE_ERROR ? LADDER_TONE_TROUBLE : LADDER_TONE_PLAIN;
    ladder_draw_row(ladder, &row);
    if (ladder_needs_why(event))
        ladder_draw_why(ladder, "why: ", event->reason);
}

/* ---- Calls. What the program asks for usually changes the state at once: both are one row. */

void ladder_flush_call(struct hf_ladder *ladder)
{
    if (!ladder->call_due)
        return;
    ladder->call_due = false;
    draw_effect(ladder, &ladder->call);
    ladder->last_sent = 0;
}

bool ladder_finish_call(struct hf_ladder *ladder, const struct hf_trace_event *event)
{
    struct hf_trace_event *call = &ladder->call;
    bool same = ladder->call_due && event->kind == HF_TRACE_STATE && call->host == event->host &&
                call->time == event->time && call->reason == event->reason;

    if (same) {
        keep(call, event);
        call->kind = HF_TRACE_CALL;
    }
    ladder_flush_call(ladder);
    return same;
}

static bool may_change_state(enum hf_reason reason)
{
    return reason == HF_REASON_OPEN_ACTIVE || reason == HF_REASON_OPEN_PASSIVE ||
           reason == HF_REASON_USER_CLOSE || reason == HF_REASON_USER_ABORT ||
           reason == HF_REASON_CLOSE_UNREAD;
}

/* ---- What a segment causes */

/* What no arriving segment brings about is drawn at once. */
static bool has_other_cause(const struct hf_trace_event *event)
{
    static const enum hf_reason others[] = {
        HF_REASON_OPEN_ACTIVE,     HF_REASON_OPEN_PASSIVE,     HF_REASON_USER_CLOSE,
        HF_REASON_USER_ABORT,      HF_REASON_CLOSE_UNREAD,     HF_REASON_TIME_WAIT_OVER,
        HF_REASON_STACK_CLOSED,    HF_REASON_TIMER_RETRANSMIT, HF_REASON_TIMER_PROBE,
        HF_REASON_TIMER_KEEPALIVE, HF_REASON_CWND_TIMEOUT,     HF_REASON_CWND_IDLE,
    };

    if (event->kind == HF_TRACE_CALL)
        return event->reason != HF_REASON_URGENT_ARRIVED;
    if (event->kind == HF_TRACE_TIMER || is_timeout(event->reason))
        return true;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (event->reason == others[i])
            return true;
    }
    return false;
}

void ladder_flush_effects(struct hf_ladder *ladder)
{
    unsigned count = ladder->effect_count;

    ladder->effect_count = 0;
    for (unsigned i = 0; i < count; i++)
        draw_effect(ladder, &ladder->effects[i]);
}

void ladder_take_effect(struct hf_ladder *ladder, const struct hf_trace_event *event)
{
    /* A close that waited for the handshake takes effect in the middle of an arrival. */
    bool within = ladder->effect_count > 0 && event->kind == HF_TRACE_STATE;

    if (!is_shown(ladder, event))
        return;
    if (has_other_cause(event) && !within) {
        ladder_flush_effects(ladder);
        ladder->call_due = event->kind == HF_TRACE_CALL && may_change_state(event->reason);
        if (ladder->call_due)
            keep(&ladder->call, event);
        else
            draw_effect(ladder, event);
        return;
    }
    if (ladder->effect_count == LADDER_EFFECTS)
        ladder_flush_effects(ladder);
    keep(&ladder->effects[ladder->effect_count++], event);
}

/* Below the arrival that caused them. `told` is the reason that the arrival's row gave. */
void ladder_draw_effects_below(struct hf_ladder *ladder, enum hf_reason told)
{
    unsigned states = 0;

    for (unsigned i = 0; i < ladder->effect_count; i++)
        states += ladder->effects[i].kind == HF_TRACE_STATE;
    for (unsigned i = 0; i < ladder->effect_count; i++) {
        const struct hf_trace_event *effect = &ladder->effects[i];
        struct trace_text text;
        char label[40] = "why: ";

        if (effect->kind == HF_TRACE_STATE) {
            if (states > 1)
                snprintf(label, sizeof(label), "why %s: ", hf_state_name(effect->state));
            if (ladder_has_reason(effect) && (states > 1 || effect->reason != told))
                ladder_draw_why(ladder, label, effect->reason);
            continue;
        }
        effect_items(&ladder->items, effect, ladder_learn_host(ladder, effect));
        trace_text_clear(&text);
        for (unsigned j = 0; j < ladder->items.count; j++)
            trace_text_addf(&text, "%s%s", j ? ", " : "", ladder->items.item[j]);
        if (ladder_has_reason(effect) && effect->kind != HF_TRACE_RTT && effect->reason != told)
            trace_text_addf(&text, ": %s (%s)", hf_reason_sentence(effect->reason),
                            hf_reason_source(effect->reason));
        ladder_draw_paragraph(ladder, "", text.bytes, LADDER_TONE_FAINT);
    }
    ladder->effect_count = 0;
}

bool ladder_has_effect(const struct hf_ladder *ladder, enum hf_trace_kind kind)
{
    for (unsigned i = 0; i < ladder->effect_count; i++) {
        if (ladder->effects[i].kind == kind)
            return true;
    }
    return false;
}
