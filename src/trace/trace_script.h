/* SPDX-License-Identifier: MIT
 *
 * A conversation written by hand, event by event, for the tests of the sinks: two hosts open, one
 * segment of three is lost and sent again, both close. No stack is involved; what a sink should say
 * of it is known beforehand.
 */
#ifndef TRACE_SCRIPT_H
#define TRACE_SCRIPT_H

#include <handfast/trace.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SCRIPT_PACKET_BYTES 2048u
#define SCRIPT_A 0u
#define SCRIPT_B 1u
#define SCRIPT_A_ISS 1000u
#define SCRIPT_B_ISS 4294967290u /* the numbers wrap after 6 bytes */
#define SCRIPT_A_PORT 49152u
#define SCRIPT_B_PORT 80u

/* One event with room for what it points to. */
struct script_event {
    struct hf_trace_event event;
    struct hf_trace_segment segment;
    uint8_t packet[SCRIPT_PACKET_BYTES];
};

/* The events of the conversation; SENT, RECEIVED and LINK ones have a packet with right
 * checksums. */
size_t script_length(void);
void script_make(size_t index, struct script_event *into);
/* All of them, in order. */
void script_play(struct hf_trace_sink sink);

/* An empty segment, and an event of the host between its end points; then edit. */
void script_blank(struct script_event *into, uint32_t host, hf_time time, enum hf_trace_kind kind,
                  enum hf_reason reason);
/* Builds the packet that `segment` describes between the event's end points (IPv4 or IPv6), and
 * lets the event point to both. */
void script_packet(struct script_event *into);
void script_send(struct hf_trace_sink sink, const struct script_event *event);

/* What a shell prints for `line`, which finds `path` in $FILE; NULL (and a message) when `program`
 * is not installed or the shell fails. To be freed. */
char *script_run(const char *program, const char *line, const char *path);

/* What a stream holds, with a zero behind it; to be freed. */
char *script_read_all(FILE *file);
/* How often `part` stands in `text`. */
unsigned script_count(const char *text, const char *part);

#endif
