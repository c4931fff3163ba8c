/* SPDX-License-Identifier: MIT
 *
 * Marks. A program that wants to know when its bytes have left or were acknowledged, or that no
 * segment may reach across a place, marks that place in the stream of what it sends. Nobody is
 * called back: what became of a mark is a note with its time, kept until the program takes it.
 * The same queue holds the ICMP error that ended an opening, with what it quotes, for those who
 * want more than an error number.
 *
 * Marks lie in ascending order, so what has left or was acknowledged is a run of them. They exist
 * only where a program asks, in one block that grows to a limit. An acknowledged mark goes away;
 * its notes need room, so a mark is only taken while there is room for one note of each kind. Notes
 * of repetitions, which nobody may need, have the room that is left.
 *
 * A boundary is respected by new data and by repetitions: a receiver whose program reads what one
 * segment brings sees it whole, and what is sent after it does not wait for it to fill up. RFC 9293
 * 3.9.1.2 leaves the packaging to the sender.
 */
#include "tcp_internal.h"

#define FIRST_CAPACITY 8u

static size_t size_of(uint32_t capacity)
{
    return sizeof(struct tcp_notes) + capacity * (sizeof(struct tcp_mark)) +
           2u * capacity * sizeof(struct tcp_mark_note);
}

/* Behind the marks, whose size is a multiple of eight for every capacity there is. */
_Static_assert(sizeof(struct tcp_mark) * FIRST_CAPACITY % _Alignof(struct tcp_mark_note) == 0 &&
                   sizeof(struct tcp_notes) % _Alignof(struct tcp_mark_note) == 0,
               "notes follow the marks");
static struct tcp_mark_note *notes_of(struct tcp_notes *notes)
{
    return (struct tcp_mark_note *)(void *)(notes->marks + notes->capacity);
}

void tcp_notes_free(struct tcp_conn *conn, struct tcp_host *host)
{
    struct tcp_notes *notes = conn->notes;
    if (notes != NULL) {
        memory_release(host->memory, notes->error, sizeof *notes->error);
        memory_release(host->memory, notes, size_of(notes->capacity));
        conn->notes = NULL;
    }
}

static bool grow(struct tcp_conn *conn, struct tcp_host *host, uint32_t capacity)
{
    struct tcp_notes *before = conn->notes;
    struct tcp_notes *notes = memory_allocate(host->memory, size_of(capacity));
    if (notes == NULL) {
        return false;
    }
    memset(notes, 0, sizeof *notes);
    notes->capacity = capacity;
    if (before != NULL) {
        notes->mark_count = before->mark_count;
        notes->note_count = before->note_count;
        notes->boundaries = before->boundaries;
        notes->error = before->error;
        memcpy(notes->marks, before->marks + before->first_mark,
               before->mark_count * sizeof before->marks[0]);
        memcpy(notes_of(notes), notes_of(before) + before->first_note,
               before->note_count * sizeof(struct tcp_mark_note));
        before->error = NULL;
        tcp_notes_free(conn, host);
    }
    conn->notes = notes;
    return true;
}

/* Room for one mark at the end, and for the notes that it may still need. */
static int reserve(struct tcp_conn *conn, struct tcp_host *host)
{
    struct tcp_notes *notes = conn->notes;
    if (notes == NULL) {
        return grow(conn, host, FIRST_CAPACITY) ? HF_OK : HF_ENOMEM;
    }
    if (notes->mark_count == notes->capacity ||
        notes->note_count + 2 * (notes->mark_count + 1) > 2 * notes->capacity) {
        if (notes->capacity >= TCP_MARKS_MAX) {
            return HF_ENOBUFS;
        }
        return grow(conn, host, 2 * notes->capacity) ? HF_OK : HF_ENOMEM;
    }
    if (notes->first_mark + notes->mark_count == notes->capacity) {
        memmove(notes->marks, notes->marks + notes->first_mark,
                notes->mark_count * sizeof notes->marks[0]);
        notes->first_mark = 0;
    }
    return HF_OK;
}

static void add_note(struct tcp_conn *conn, struct tcp_host *host, const struct tcp_mark *mark,
                     enum hf_mark_kind kind)
{
    struct tcp_notes *notes = conn->notes;
    struct tcp_mark_note *all = notes_of(notes);
    if (notes->first_note + notes->note_count == 2 * notes->capacity) {
        memmove(all, all + notes->first_note, notes->note_count * sizeof *all);
        notes->first_note = 0;
    }
    all[notes->first_note + notes->note_count++] =
        (struct tcp_mark_note){.time = host->now, .id = mark->id, .kind = (uint8_t)kind};
    tcp_tell(conn, HF_EVENT_NOTED);
}

int tcp_notes_mark(struct tcp_conn *conn, struct tcp_host *host, uint32_t id, unsigned kinds)
{
    struct tcp_notes *notes;
    int error;
    if (conn->state == HF_CLOSED) {
        return HF_ENOTCONN;
    }
    error = reserve(conn, host);
    if (error != HF_OK) {
        return error;
    }
    notes = conn->notes;
    notes->marks[notes->first_mark + notes->mark_count++] =
        (struct tcp_mark){.end = tcp_fin_seq(conn), .id = id, .kinds = (uint8_t)kinds};
    notes->boundaries += (kinds & HF_MARK_BOUNDARY) != 0;
    tcp_notes_acked(conn, host); /* nothing may be outstanding */
    return HF_OK;
}

/* The first mark at or above `seq`, as an index into marks. */
static uint32_t first_from(const struct tcp_notes *notes, seq32 seq)
{
    uint32_t low = notes->first_mark;
    uint32_t high = notes->first_mark + notes->mark_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (seq_lt(notes->marks[middle].end, seq)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void tcp_notes_sent(struct tcp_conn *conn, struct tcp_host *host, seq32 seq, uint32_t length)
{
    struct tcp_notes *notes = conn->notes;
    seq32 end = seq_add(seq, length);
    uint32_t stop = notes->first_mark + notes->mark_count;
    for (uint32_t i = first_from(notes, seq_add(seq, 1));
         i < stop && seq_le(notes->marks[i].end, end); i++) {
        struct tcp_mark *mark = &notes->marks[i];
        bool room = notes->note_count + 2 * notes->mark_count < 2 * notes->capacity;
        if ((mark->kinds & HF_MARK_SENT) && (!mark->sent || room)) {
            add_note(conn, host, mark, HF_MARK_SENT);
        }
        mark->sent = true;
    }
}

void tcp_notes_acked(struct tcp_conn *conn, struct tcp_host *host)
{
    struct tcp_notes *notes = conn->notes;
    while (notes->mark_count > 0 && seq_le(notes->marks[notes->first_mark].end, conn->snd.una)) {
        struct tcp_mark mark = notes->marks[notes->first_mark];
        notes->first_mark++;
        notes->mark_count--;
        notes->boundaries -= (mark.kinds & HF_MARK_BOUNDARY) != 0;
        if (mark.kinds & HF_MARK_ACKED) {
            add_note(conn, host, &mark, HF_MARK_ACKED);
        }
    }
}

uint32_t tcp_notes_bound(const struct tcp_conn *conn, seq32 seq, uint32_t length)
{
    const struct tcp_notes *notes = conn->notes;
    uint32_t stop = notes->first_mark + notes->mark_count;
    if (notes->boundaries == 0) {
        return length;
    }
    for (uint32_t i = first_from(notes, seq_add(seq, 1)); i < stop; i++) {
        if (notes->marks[i].kinds & HF_MARK_BOUNDARY) {
            return min_u32(length, (uint32_t)seq_diff(notes->marks[i].end, seq));
        }
    }
    return length;
}

bool tcp_notes_ends(const struct tcp_conn *conn, seq32 end)
{
    const struct tcp_notes *notes = conn->notes;
    uint32_t stop = notes->first_mark + notes->mark_count;
    if (notes->boundaries == 0) {
        return false;
    }
    for (uint32_t i = first_from(notes, end); i < stop && seq_eq(notes->marks[i].end, end); i++) {
        if (notes->marks[i].kinds & HF_MARK_BOUNDARY) {
            return true;
        }
    }
    return false;
}

/* ---- what a router said */

void tcp_notes_error(struct tcp_conn *conn, struct tcp_host *host, const struct hf_note *note)
{
    struct tcp_notes *notes;
    if (conn->notes == NULL && !grow(conn, host, FIRST_CAPACITY)) {
        return; /* the errno is told all the same */
    }
    notes = conn->notes;
    if (notes->error == NULL) {
        notes->error = memory_allocate(host->memory, sizeof *notes->error);
    }
    if (notes->error != NULL) {
        *notes->error = *note;
        tcp_tell(conn, HF_EVENT_NOTED);
    }
}

bool tcp_notes_take(struct tcp_conn *conn, struct tcp_host *host, struct hf_note *note)
{
    struct tcp_notes *notes = conn->notes;
    const struct tcp_mark_note *next;
    if (notes == NULL) {
        return false;
    }
    next = notes->note_count > 0 ? notes_of(notes) + notes->first_note : NULL;
    if (notes->error != NULL && (next == NULL || notes->error->time_ns < next->time)) {
        *note = *notes->error;
        memory_release(host->memory, notes->error, sizeof *notes->error);
        notes->error = NULL;
        return true;
    }
    if (next == NULL) {
        if (notes->mark_count == 0) {
            tcp_notes_free(conn, host);
        }
        return false;
    }
    memset(note, 0, sizeof *note);
    note->kind = next->kind == HF_MARK_SENT ? HF_NOTE_SENT : HF_NOTE_ACKED;
    note->mark = next->id;
    note->time_ns = next->time;
    notes->first_note++;
    notes->note_count--;
    return true;
}
