/* SPDX-License-Identifier: MIT
 *
 * How the ladder's lines are laid out:
 *
 *     12345678 123456789012 <------------- the lane --------------> 123456789012
 *     0.000000 SYN-SENT     -- SYN SEQ=0 LEN=0 WIN=65535 --------> LISTEN
 *                              ISS=3735928559 mss=1460
 *                              why: Asking to open. (RFC 9293 3.5)
 *
 * Time, the left host's state, the lane, the right host's state. What does not fit into the lane
 * goes on below it; nothing is ever wider than the columns asked for, and nothing is cut off.
 */
#include "ladder_internal.h"

#include <inttypes.h>
#include <string.h>

#define TIME_COLUMNS 8u
#define STATE_COLUMNS 12u
#define LEFT_STATE_AT (TIME_COLUMNS + 1)
#define LANE_AT (LEFT_STATE_AT + STATE_COLUMNS + 1)
#define BELOW_AT (LANE_AT + 3)

struct strokes {
    const char *shaft, *left, *right, *lost;
};

static const struct strokes *strokes_of(const struct hf_ladder *ladder)
{
    static const struct strokes ascii = {"-", "<", ">", "x"};
    static const struct strokes lines = {"\xe2\x94\x80", "\xe2\x97\x84", "\xe2\x96\xba", "x"};

    return ladder->options.plain_ascii ? &ascii : &lines;
}

static size_t lane_columns(const struct hf_ladder *ladder)
{
    return ladder->columns - LANE_AT - 1 - STATE_COLUMNS;
}

static const char *tone_code(enum ladder_tone tone)
{
    switch (tone) {
    case LADDER_TONE_PLAIN:
        return "";
    case LADDER_TONE_OPENING:
        return "\x1b[32m";
    case LADDER_TONE_CLOSING:
        return "\x1b[36m";
    case LADDER_TONE_TROUBLE:
        return "\x1b[31m";
    case LADDER_TONE_REPEAT:
        return "\x1b[33m";
    case LADDER_TONE_FAINT:
        return "\x1b[2m";
    }
    return "";
}

/* Adds `words` in a colour, if there is one and colour is wanted. */
static void add_coloured(struct hf_ladder *ladder, const char *code, const char *words)
{
    bool colour = ladder->options.colour && *code && *words;

    if (colour)
        trace_text_add(&ladder->line, code);
    trace_text_add(&ladder->line, words);
    if (colour)
        trace_text_add(&ladder->line, "\x1b[0m");
}

static void pad_to(struct trace_text *text, size_t columns, size_t wanted)
{
    if (columns < wanted)
        trace_text_repeat(text, " ", wanted - columns);
}

static void end_line(struct hf_ladder *ladder)
{
    struct trace_text *line = &ladder->line;

    while (line->length > 0 && line->bytes[line->length - 1] == ' ')
        line->bytes[--line->length] = '\0';
    trace_text_add(line, "\n");
    trace_output_write(&ladder->output, line->bytes, line->length);
    trace_text_clear(line);
}

/* Seconds since the first event, always 8 columns: the longer ago, the fewer decimals. */
static void time_text(const struct hf_ladder *ladder, hf_time time, char text[TIME_COLUMNS + 1])
{
    hf_time since = time > ladder->start ? time - ladder->start : 0;
    uint64_t seconds = (uint64_t)(since / HF_SECOND), limit = 10;
    uint64_t fraction = (uint64_t)(since % HF_SECOND / HF_MICROSECOND);
    int decimals = 6;
    char all[32];

    while (decimals > 0 && seconds >= limit) {
        limit *= 10;
        decimals--;
        fraction /= 10;
    }
    if (decimals > 0)
        snprintf(all, sizeof(all), "%" PRIu64 ".%0*" PRIu64, seconds, decimals, fraction);
    else if (seconds < 100000000)
        snprintf(all, sizeof(all), "%8" PRIu64, seconds);
    else
        snprintf(all, sizeof(all), "%6" PRIu64 " y", seconds / 31557600);
    memcpy(text, all, TIME_COLUMNS);
    text[TIME_COLUMNS] = '\0';
}

/* Joins the items from `first` on that fit into `room` columns; returns how many. */
static unsigned join_items(const struct ladder_items *items, unsigned first, size_t room,
                           struct trace_text *text)
{
    size_t columns = 0;
    unsigned i;

    trace_text_clear(text);
    for (i = first; i < items->count; i++) {
        size_t wanted = trace_columns(items->item[i]) + (i > first);

        if (columns + wanted > room)
            break;
        trace_text_addf(text, "%s%s", i > first ? " " : "", items->item[i]);
        columns += wanted;
    }
    return i - first;
}

/* An arrow over the whole lane, or to somewhere before its end if it is lost. Usually its words
 * stand behind two strokes of shaft and leave one before the head; so that a full segment with
 * large numbers still fits, it may be one and none. */
static unsigned lay_arrow(const struct hf_ladder *ladder, const struct ladder_row *row,
                          struct trace_text *lane)
{
    const struct strokes *strokes = strokes_of(ladder);
    const char *head = row->side == LADDER_LEFT ? strokes->right : strokes->left;
    size_t room = lane_columns(ladder), before = 2, after = 1, spare, stretch;
    struct trace_text words;
    unsigned laid = join_items(&ladder->items, 0, room - 4, &words);

    if (laid == ladder->items.count && trace_columns(words.bytes) > room - 6) {
        before = 1;
        after = 0;
    } else {
        laid = join_items(&ladder->items, 0, room - 6, &words);
    }
    spare = room - (before + after + trace_columns(words.bytes) + 3);
    stretch = row->lost && spare > 1 ? 1 : spare;
    if (row->lost)
        head = strokes->lost;
    if (row->side == LADDER_LEFT) {
        trace_text_repeat(lane, strokes->shaft, before);
        trace_text_addf(lane, " %s ", words.bytes);
        trace_text_repeat(lane, strokes->shaft, after + stretch);
        trace_text_add(lane, head);
    } else {
        trace_text_repeat(lane, " ", spare - stretch);
        trace_text_add(lane, head);
        trace_text_repeat(lane, strokes->shaft, before);
        trace_text_addf(lane, " %s ", words.bytes);
        trace_text_repeat(lane, strokes->shaft, after + stretch);
    }
    return laid;
}

static void lay_arrival(const struct hf_ladder *ladder, const struct ladder_row *row,
                        const char *words, struct trace_text *lane)
{
    const struct strokes *strokes = strokes_of(ladder);
    size_t room = lane_columns(ladder), used = trace_columns(words) + 4;

    if (row->side == LADDER_RIGHT) {
        trace_text_repeat(lane, " ", room > used ? room - used : 0);
        trace_text_addf(lane, "%s %s%s%s", words, strokes->shaft, strokes->shaft,
                        row->lost ? strokes->lost : strokes->right);
    } else {
        trace_text_addf(lane, "%s%s%s %s", row->lost ? strokes->lost : strokes->left,
                        strokes->shaft, strokes->shaft, words);
    }
}

void ladder_add_verb(struct hf_ladder *ladder, const char *verb)
{
    size_t columns = trace_columns(verb) + 4;

    for (unsigned i = 0; i < ladder->items.count; i++)
        columns += trace_columns(ladder->items.item[i]) + 1;
    if (columns <= lane_columns(ladder))
        ladder_add_item(&ladder->items, "%s", verb);
}

/* Lays the first items into the lane and returns how many they were. */
static unsigned lay_lane(const struct hf_ladder *ladder, const struct ladder_row *row,
                         struct trace_text *lane)
{
    struct trace_text words;
    size_t room = lane_columns(ladder);
    unsigned laid = 0;

    trace_text_clear(lane);
    switch (row->shape) {
    case LADDER_ARROW:
        laid = lay_arrow(ladder, row, lane);
        break;
    case LADDER_ARRIVAL:
        laid = join_items(&ladder->items, 0, room - 4, &words);
        lay_arrival(ladder, row, words.bytes, lane);
        break;
    case LADDER_NOTE:
        laid = join_items(&ladder->items, 0, room, &words);
        if (row->side == LADDER_RIGHT)
            pad_to(lane, trace_columns(words.bytes), room);
        trace_text_add(lane, words.bytes);
        break;
    }
    return laid;
}

void ladder_draw_row(struct hf_ladder *ladder, const struct ladder_row *row)
{
    struct trace_text *line = &ladder->line;
    struct trace_text lane;
    unsigned laid = lay_lane(ladder, row, &lane);
    char time[TIME_COLUMNS + 1] = "        ";

    ladder->rows++;
    if (row->dated)
        time_text(ladder, row->time, time);
    trace_text_clear(line);
    add_coloured(ladder, tone_code(LADDER_TONE_FAINT), time);
    trace_text_add(line, " ");
    add_coloured(ladder, row->changed == LADDER_LEFT ? "\x1b[1m" : "", row->states[LADDER_LEFT]);
    pad_to(line, strlen(row->states[LADDER_LEFT]), STATE_COLUMNS + 1);
    add_coloured(ladder, tone_code(row->tone), lane.bytes);
    pad_to(line, trace_columns(lane.bytes), lane_columns(ladder) + 1);
    add_coloured(ladder, row->changed == LADDER_RIGHT ? "\x1b[1m" : "", row->states[LADDER_RIGHT]);
    end_line(ladder);

    while (laid < ladder->items.count) {
        unsigned more = join_items(&ladder->items, laid, ladder->columns - BELOW_AT, &lane);

        if (more == 0) { /* one item that is wider than a line */
            ladder_draw_paragraph(ladder, "", ladder->items.item[laid], row->tone);
            more = 1;
        } else {
            trace_text_repeat(line, " ", BELOW_AT);
            add_coloured(ladder, tone_code(row->tone), lane.bytes);
            end_line(ladder);
        }
        laid += more;
    }
}

/* How many bytes of `text` go on a line of `room` columns: up to the last space that fits, or, if
 * a word is longer than the line, as much as fits. */
static size_t line_break(const char *text, size_t room)
{
    size_t columns = 0, last_space = 0, i = 0;

    while (text[i]) {
        size_t length = trace_utf8_length(text + i);

        if (text[i] == ' ')
            last_space = i;
        if (columns == room)
            return last_space ? last_space : i;
        columns++;
        i += length ? length : 1;
    }
    return i;
}

static void draw_wrapped(struct hf_ladder *ladder, const char *first, size_t indent,
                         const char *text, enum ladder_tone tone)
{
    struct trace_text *line = &ladder->line;
    struct trace_text part;

    trace_text_clear(line);
    trace_text_add(line, first);
    while (*text) {
        size_t length = line_break(text, ladder->columns - indent);

        trace_text_clear(&part);
        trace_text_addf(&part, "%.*s", (int)length, text);
        add_coloured(ladder, tone_code(tone), part.bytes);
        end_line(ladder);
        text += length;
        while (*text == ' ')
            text++;
        trace_text_repeat(line, " ", indent);
    }
    trace_text_clear(line);
}

void ladder_draw_paragraph(struct hf_ladder *ladder, const char *label, const char *text,
                           enum ladder_tone tone)
{
    struct trace_text first;

    trace_text_clear(&first);
    trace_text_repeat(&first, " ", BELOW_AT);
    trace_text_add(&first, label);
    draw_wrapped(ladder, first.bytes, BELOW_AT + trace_columns(label), text, tone);
}

void ladder_draw_why(struct hf_ladder *ladder, const char *label, enum hf_reason reason)
{
    struct trace_text text;

    trace_text_clear(&text);
    trace_text_addf(&text, "%s (%s)", hf_reason_sentence(reason), hf_reason_source(reason));
    ladder_draw_paragraph(ladder, label, text.bytes, LADDER_TONE_PLAIN);
}

/* Was this explained a few rows ago? The next like it will find it was explained here. */
static bool was_explained(struct hf_ladder *ladder, enum hf_reason reason)
{
    struct ladder_explained *oldest = &ladder->explained[0];

    for (unsigned i = 0; i < LADDER_EXPLAINED; i++) {
        struct ladder_explained *explained = &ladder->explained[i];

        if (explained->row && explained->reason == reason) {
            bool near = ladder->rows - explained->row <= LADDER_EXPLAINED_ROWS;

            explained->row = ladder->rows;
            return near;
        }
        if (explained->row < oldest->row)
            oldest = explained;
    }
    *oldest = (struct ladder_explained){reason, ladder->rows};
    return false;
}

void ladder_draw_packet_why(struct hf_ladder *ladder, enum hf_reason reason)
{
    size_t columns = BELOW_AT + strlen("why: ") + strlen(hf_reason_sentence(reason)) +
                     strlen(" ()") + strlen(hf_reason_source(reason));
    struct trace_text text;

    if (!was_explained(ladder, reason) || columns <= ladder->columns) {
        ladder_draw_why(ladder, "why: ", reason);
        return;
    }
    trace_text_clear(&text);
    trace_text_addf(&text, "as above (%s)", hf_reason_name(reason));
    ladder_draw_paragraph(ladder, "why: ", text.bytes, LADDER_TONE_PLAIN);
}

static void draw_text(struct hf_ladder *ladder, hf_time time, const char *text)
{
    char first[TIME_COLUMNS + 2];

    time_text(ladder, time, first);
    first[TIME_COLUMNS] = ' ';
    first[TIME_COLUMNS + 1] = '\0';
    draw_wrapped(ladder, first, LEFT_STATE_AT, text, LADDER_TONE_PLAIN);
}

/* Two texts, one at each side; on two lines if they do not fit beside each other. */
static void draw_sides(struct hf_ladder *ladder, const char *margin, const char *left,
                       const char *right)
{
    struct trace_text *line = &ladder->line;
    size_t left_columns = trace_columns(left), right_columns = trace_columns(right);

    trace_text_clear(line);
    trace_text_addf(line, "%*s ", (int)TIME_COLUMNS, margin);
    trace_text_add(line, left);
    if (LEFT_STATE_AT + left_columns + 1 + right_columns > ladder->columns) {
        end_line(ladder);
        left_columns = 0;
        trace_text_repeat(line, " ", LEFT_STATE_AT);
    }
    pad_to(line, LEFT_STATE_AT + left_columns + right_columns, ladder->columns);
    trace_text_add(line, right);
    end_line(ladder);
}

static void name_text(const struct hf_ladder *ladder, int side, char text[LADDER_NAME_BYTES])
{
    int index = ladder->placed[side];

    if (index < 0)
        snprintf(text, LADDER_NAME_BYTES, "(not watched)");
    else
        ladder_host_name(&ladder->hosts[index], text);
}

static void draw_names(struct hf_ladder *ladder)
{
    char names[LADDER_SIDES][LADDER_NAME_BYTES];

    name_text(ladder, LADDER_LEFT, names[LADDER_LEFT]);
    name_text(ladder, LADDER_RIGHT, names[LADDER_RIGHT]);
    draw_sides(ladder, "seconds", names[LADDER_LEFT], names[LADDER_RIGHT]);
}

static void draw_ends(struct hf_ladder *ladder, const struct ladder_conversation *conversation)
{
    char ends[LADDER_SIDES][HF_ENDPOINT_TEXT];

    trace_endpoint_text(&conversation->ends[LADDER_LEFT], ends[LADDER_LEFT]);
    trace_endpoint_text(&conversation->ends[LADDER_RIGHT], ends[LADDER_RIGHT]);
    draw_sides(ladder, "", ends[LADDER_LEFT], ends[LADDER_RIGHT]);
}

void ladder_draw_legend(struct hf_ladder *ladder)
{
    draw_wrapped(ladder, "", 0,
                 ladder->options.absolute
                     ? "SEQ and ACK are as on the wire; WIN is in bytes."
                     : "SEQ and ACK count from the sender's ISS (@: as on the wire); WIN is in "
                       "bytes.",
                 LADDER_TONE_FAINT);
}

void ladder_show_conversation(struct hf_ladder *ladder, struct ladder_conversation *conversation)
{
    if (!conversation || (ladder->shown == conversation && !ladder->names_due))
        return;
    ladder->shown = conversation;
    if (ladder->names_due)
        draw_names(ladder);
    ladder->names_due = false;
    draw_ends(ladder, conversation);
}

struct ladder_row ladder_row_of(const struct hf_ladder *ladder, const struct hf_trace_event *event,
                                const struct ladder_conversation *conversation, int side,
                                enum ladder_shape shape)
{
    struct ladder_row row = {.time = event->time,
                             .dated = true,
                             .shape = shape,
                             .side = side,
                             .changed = LADDER_NO_SIDE};

    row.states[LADDER_LEFT] = ladder_state_text(ladder, conversation, LADDER_LEFT);
    row.states[LADDER_RIGHT] = ladder_state_text(ladder, conversation, LADDER_RIGHT);
    /* A listener, say: one end only. */
    if (!conversation && (event->kind == HF_TRACE_STATE || event->kind == HF_TRACE_CALL))
        row.states[side] = hf_state_name(event->state);
    if ((event->kind == HF_TRACE_STATE || event->kind == HF_TRACE_CALL) &&
        event->state != event->state_before)
        row.changed = side;
    return row;
}

bool ladder_needs_why(const struct hf_trace_event *event)
{
    return ladder_has_reason(event) &&
           !(event->kind == HF_TRACE_CALL && (event->reason == HF_REASON_SEND_DATA ||
                                              event->reason == HF_REASON_SEND_WINDOW_UPDATE));
}

void ladder_tell(struct hf_ladder *ladder, const struct hf_trace_event *event)
{
    struct trace_text text;
    char end[HF_ENDPOINT_TEXT], name[LADDER_NAME_BYTES];
    const struct ladder_host *host = ladder_learn_host(ladder, event);

    trace_text_clear(&text);
    ladder_host_name(host, name);
    trace_text_addf(&text, "%s (%s", name, hf_state_name(event->state));
    if (event->remote.port) {
        trace_endpoint_text(&event->remote, end);
        trace_text_addf(&text, ", with %s", end);
    }
    trace_text_addf(&text, "): %s",
                    event->kind == HF_TRACE_SENT       ? "sent "
                    : event->kind == HF_TRACE_RECEIVED ? "received "
                                                       : "");
    for (unsigned i = 0; i < ladder->items.count; i++)
        trace_text_addf(&text, "%s%s", i ? " " : "", ladder->items.item[i]);
    draw_text(ladder, event->time, text.bytes);
    if (ladder_needs_why(event))
        ladder_draw_why(ladder, "why: ", event->reason);
}
