/* SPDX-License-Identifier: MIT
 *
 * Marks in the stream of what is sent, and what became of them: see tcp_notes.c.
 */
#ifndef TCP_NOTES_H
#define TCP_NOTES_H

#include "memory.h"
#include "seq32.h"

#include <handfast/stack.h>
#include <stdbool.h>

#define TCP_MARKS_MAX 1024u

struct tcp_mark {
    seq32 end;
    uint32_t id;
    uint8_t kinds; /* enum hf_mark_kind */
    bool sent;     /* its last byte has left */
};

struct tcp_mark_note {
    hf_time time;
    uint32_t id;
    uint8_t kind; /* enum hf_mark_kind */
};

/* One block of memory: so many marks, ascending, then twice as many notes, each from `first` on. */
struct tcp_notes {
    uint32_t capacity; /* of marks */
    uint32_t first_mark, mark_count;
    uint32_t first_note, note_count;
    uint32_t boundaries;                       /* of the marks, how many are */
    struct hf_note *error;                     /* HF_NOTE_ICMP, or NULL */
    _Alignas(hf_time) struct tcp_mark marks[]; /* the notes follow them */
};

struct tcp_conn;
struct tcp_host;

void tcp_notes_free(struct tcp_conn *conn, struct tcp_host *host);
/* HF_OK, HF_ENOBUFS, HF_ENOMEM. */
int tcp_notes_mark(struct tcp_conn *conn, struct tcp_host *host, uint32_t id, unsigned kinds);
bool tcp_notes_take(struct tcp_conn *conn, struct tcp_host *host, struct hf_note *note);
/* A message that ends it was believed. */
void tcp_notes_error(struct tcp_conn *conn, struct tcp_host *host, const struct hf_note *note);

/* The three that follow cost nothing where there are no marks: call them if conn->notes is set. */
/* Bytes from `seq` on have left, for the first time or again. */
void tcp_notes_sent(struct tcp_conn *conn, struct tcp_host *host, seq32 seq, uint32_t length);
/* SND.UNA has moved. */
void tcp_notes_acked(struct tcp_conn *conn, struct tcp_host *host);
/* How far a segment from `seq` on may reach, at most `length`. */
uint32_t tcp_notes_bound(const struct tcp_conn *conn, seq32 seq, uint32_t length);
/* Does a segment that ends here end at a boundary? */
bool tcp_notes_ends(const struct tcp_conn *conn, seq32 end);

#endif
