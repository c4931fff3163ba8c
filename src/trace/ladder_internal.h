/* SPDX-License-Identifier: MIT
 *
 * What the files of the ladder share: what it remembers (ladder_memory.c), how a segment reads
 * (ladder_segment.c), how a line is laid out (ladder_row.c). ladder.c decides what is shown.
 */
#ifndef LADDER_INTERNAL_H
#define LADDER_INTERNAL_H

#include "trace_text.h"

#include <handfast/trace.h>
#include <stdbool.h>
#include <stdint.h>

#define LADDER_COLUMNS_MIN 80
#define LADDER_COLUMNS_WIDE 120 /* from here on timestamps are shown */
#define LADDER_COLUMNS_MAX 400
#define LADDER_HOSTS 16u
#define LADDER_NAME_BYTES 33u
#define LADDER_ADDRESSES 32u
#define LADDER_LISTENERS 32u
#define LADDER_CONVERSATIONS 64u
#define LADDER_EFFECTS 16u
#define LADDER_SENT_SETS 1024u
#define LADDER_SENT_WAYS 4u
#define LADDER_UNKNOWN_PACKET UINT64_C(1) /* a fingerprint for what is not TCP */
#define LADDER_EXPLAINED 3u
#define LADDER_EXPLAINED_ROWS 8u
#define LADDER_ITEMS 24u
#define LADDER_ITEM_BYTES 72u

enum ladder_side { LADDER_LEFT, LADDER_RIGHT, LADDER_SIDES };
#define LADDER_NO_SIDE (-1)

struct ladder_host {
    uint32_t id;
    int side; /* enum ladder_side or LADDER_NO_SIDE */
    char name[LADDER_NAME_BYTES];
};

/* Where one direction of a connection's sequence numbers begins, and where it has got to. */
struct ladder_count {
    bool known;
    uint32_t initial, next;
};

/* A connection as one of its ends knows it. */
struct ladder_view {
    bool traced; /* this end has said something; `state` is what it said last */
    enum hf_state state;
    struct ladder_count own, peer;
    uint8_t snd_wind_shift, rcv_wind_shift;
};

struct ladder_conversation {
    bool used;
    uint64_t last_used;
    struct hf_endpoint ends[LADDER_SIDES];
    struct ladder_view views[LADDER_SIDES];
};

struct ladder_listener {
    bool used;
    int side;
    struct hf_endpoint local;
};

/* Reasons given lately, by the row they were given at (0: none). */
struct ladder_explained {
    enum hf_reason reason;
    uint64_t row;
};

/* The words of one step, in order: they are kept whole and laid out as room allows. */
struct ladder_items {
    unsigned count;
    char item[LADDER_ITEMS][LADDER_ITEM_BYTES];
};

enum ladder_shape {
    LADDER_ARROW,   /* across the lane, from `side` */
    LADDER_ARRIVAL, /* the last bit of an arrow, into `side` */
    LADDER_NOTE     /* words at `side` */
};

enum ladder_tone {
    LADDER_TONE_PLAIN,
    LADDER_TONE_OPENING,
    LADDER_TONE_CLOSING,
    LADDER_TONE_TROUBLE,
    LADDER_TONE_REPEAT,
    LADDER_TONE_FAINT
};

struct ladder_row {
    hf_time time;
    enum ladder_shape shape;
    int side;
    bool lost; /* the arrow ends in an x */
    bool dated;
    enum ladder_tone tone;
    const char *states[LADDER_SIDES];
    int changed; /* whose state this row changed, or LADDER_NO_SIDE */
};

struct hf_ladder {
    struct trace_output output;
    struct hf_ladder_options options;
    size_t columns;

    bool begun; /* the legend is out */
    hf_time start;
    struct trace_text line;
    struct ladder_items items;
    uint64_t rows;
    struct ladder_explained explained[LADDER_EXPLAINED];

    unsigned host_count;
    struct ladder_host hosts[LADDER_HOSTS];
    struct ladder_host stranger; /* for hosts beyond the table */
    int placed[LADDER_SIDES];    /* index of the host there, or -1 */
    bool names_due;
    unsigned address_count;
    struct {
        struct hf_address address;
        uint32_t host;
    } addresses[LADDER_ADDRESSES];
    unsigned next_listener;
    struct ladder_listener listeners[LADDER_LISTENERS];
    uint64_t clock; /* for last_used */
    struct ladder_conversation conversations[LADDER_CONVERSATIONS];
    struct ladder_conversation *shown; /* whose end points were printed last */

    unsigned effect_count;
    struct hf_trace_event effects[LADDER_EFFECTS]; /* without anything borrowed */
    struct hf_trace_event call; /* the same; not drawn yet, for a new state may follow */
    bool call_due;
    uint64_t last_sent; /* fingerprint of the arrow drawn last, 0: a row came between */
    uint32_t last_sent_host;
    hf_time last_sent_time;
    uint64_t sent[LADDER_SENT_SETS][LADDER_SENT_WAYS];
};

/* ---- ladder_memory.c */

/* Finds or adds the host of an event and gives it a side. */
struct ladder_host *ladder_learn_host(struct hf_ladder *ladder, const struct hf_trace_event *event);
void ladder_host_name(const struct ladder_host *host, char text[LADDER_NAME_BYTES]);
/* The host known to have this address, NULL if none said so. */
const struct ladder_host *ladder_host_at(const struct hf_ladder *ladder,
                                         const struct hf_address *address);
/* Both hosts of this event can be shown in columns. `side` is that of the event's own. */
bool ladder_has_column(const struct hf_ladder *ladder, int side,
                       const struct hf_trace_event *event);
/* The connection an event belongs to, made if need be (and `may_add`); NULL without two ends. */
struct ladder_conversation *ladder_find(struct hf_ladder *ladder, int side,
                                        const struct hf_trace_event *event, bool may_add);
/* Takes over what the event says about its end of the conversation. */
void ladder_update_view(struct ladder_view *view, const struct hf_trace_event *event);
void ladder_learn_listener(struct hf_ladder *ladder, int side, const struct hf_trace_event *event);
/* What to print in a state column. */
const char *ladder_state_text(const struct hf_ladder *ladder,
                              const struct ladder_conversation *conversation, int side);
/* Both hosts of the conversation are watched. */
bool ladder_sees_both(const struct hf_ladder *ladder,
                      const struct ladder_conversation *conversation);
/* Which segment this is, wherever on its way it is seen; over 1. By its fixed header: a link may
 * not have looked at the options. `departing`: the event is at the sender's side. */
uint64_t ladder_fingerprint(const struct hf_trace_event *event, bool departing);
void ladder_remember_sent(struct hf_ladder *ladder, uint64_t fingerprint);
bool ladder_was_sent(const struct hf_ladder *ladder, uint64_t fingerprint);

/* ---- ladder_segment.c */

void ladder_add_item(struct ladder_items *items, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The packet of an event: flags, SEQ, ACK, LEN, WIN, options; `brief` without the last two. The
 * conversation may be NULL; `departing` tells whose numbers they are. */
void ladder_packet_items(struct hf_ladder *ladder, const struct hf_trace_event *event,
                         const struct ladder_conversation *conversation, int side, bool departing,
                         bool brief);
enum ladder_tone ladder_packet_tone(const struct hf_trace_event *event);

/* ---- ladder_effect.c */

/* Takes in an event that is no packet: draws it, or keeps it for what comes next. */
void ladder_take_effect(struct hf_ladder *ladder, const struct hf_trace_event *event);
/* Draws what is kept, as rows of their own. */
void ladder_flush_effects(struct hf_ladder *ladder);
/* Draws what is kept below the arrival that caused it, whose row gave `told` as its reason. */
void ladder_draw_effects_below(struct hf_ladder *ladder, enum hf_reason told);
bool ladder_has_effect(const struct hf_ladder *ladder, enum hf_trace_kind kind);
/* Draws the call that is due, if any. _finish_call tells whether `event` is drawn with it. */
void ladder_flush_call(struct hf_ladder *ladder);
bool ladder_finish_call(struct hf_ladder *ladder, const struct hf_trace_event *event);

/* ---- ladder_row.c */

/* A row for an event, with the states as they are now. */
struct ladder_row ladder_row_of(const struct hf_ladder *ladder, const struct hf_trace_event *event,
                                const struct ladder_conversation *conversation, int side,
                                enum ladder_shape shape);
/* Names the end points if they are not those named last. */
void ladder_show_conversation(struct hf_ladder *ladder, struct ladder_conversation *conversation);
/* The event, with ladder->items, as a sentence: for hosts that have no column. */
void ladder_tell(struct hf_ladder *ladder, const struct hf_trace_event *event);
bool ladder_needs_why(const struct hf_trace_event *event);
/* The row and, below it, those of ladder->items that did not fit. */
void ladder_draw_row(struct hf_ladder *ladder, const struct ladder_row *row);
/* Adds a last item, but only if all of them then fit into an arrival's row. */
void ladder_add_verb(struct hf_ladder *ladder, const char *verb);
/* An indented paragraph: the label, then text beside it. */
void ladder_draw_paragraph(struct hf_ladder *ladder, const char *label, const char *text,
                           enum ladder_tone tone);
/* "why: Sentence. (source)" */
void ladder_draw_why(struct hf_ladder *ladder, const char *label, enum hf_reason reason);
/* The same for what may happen to one packet after the other: "why: as above (name)" if the
 * sentence is long and was printed a few rows before. */
void ladder_draw_packet_why(struct hf_ladder *ladder, enum hf_reason reason);
void ladder_draw_legend(struct hf_ladder *ladder);

static inline bool ladder_has_reason(const struct hf_trace_event *event)
{
    return event->reason != HF_REASON_NONE && event->reason != HF_REASON_ACCEPTED;
}

#endif
