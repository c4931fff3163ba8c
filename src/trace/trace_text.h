/* SPDX-License-Identifier: MIT
 *
 * What the text sinks share: a bounded line under construction, the text forms of the small things
 * in an event, and a file that goes quiet once writing to it failed.
 */
#ifndef TRACE_TEXT_H
#define TRACE_TEXT_H

#include <handfast/trace.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Room for any line of any sink: a JSON line with a host name of TRACE_NAME_BYTES that is escaped
 * throughout, or a ladder line of 400 columns. Asserted by json_trace_test.c and ladder_test.c. */
#define TRACE_TEXT_BYTES 4096u
#define TRACE_NAME_BYTES 256u
#define TRACE_FLAGS_TEXT 64u
#define TRACE_DURATION_TEXT 48u
#define TRACE_COOKIE_TEXT 33u

/* Always terminated. What does not fit is left out and noted. */
struct trace_text {
    size_t length;
    bool truncated;
    char bytes[TRACE_TEXT_BYTES];
};

void trace_text_clear(struct trace_text *text);
void trace_text_add(struct trace_text *text, const char *more);
void trace_text_addf(struct trace_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void trace_text_repeat(struct trace_text *text, const char *more, size_t times);

/* Unicode code points; the sinks print nothing that is wider than one column. */
size_t trace_columns(const char *utf8);
/* Length of the well-formed UTF-8 sequence that starts here, 1..4; 0 if there is none (RFC 3629 4:
 * overlong forms, surrogates and what lies past U+10FFFF are not well-formed). */
size_t trace_utf8_length(const char *utf8);
/* Copies at most `capacity - 1` bytes of `utf8`, cut between code points. Control characters and
 * what is not UTF-8 become '?', and with `plain_ascii` all that is not ASCII. */
void trace_clean_name(char *name, size_t capacity, const char *utf8, bool plain_ascii);

/* "10.0.0.1:80", "[fd00::1]:80"; the wildcard of both families is "*". */
void trace_endpoint_text(const struct hf_endpoint *endpoint, char text[HF_ENDPOINT_TEXT]);
/* "SYN,ACK" in the order of the bits; "none". The separator is put between two names. */
void trace_flags_text(unsigned flags, const char *separator, char text[TRACE_FLAGS_TEXT]);
/* The Fast Open option's cookie in hexadecimal digits; "": a request for one. */
const char *trace_cookie_text(const struct hf_trace_segment *segment, char text[TRACE_COOKIE_TEXT]);
/* "1.5 s", "20 ms", "350 us", "7 ns". */
void trace_duration_text(hf_time duration_ns, char text[TRACE_DURATION_TEXT]);

/* IP protocol number of a packet, -1 when it is too short or no IP packet. */
int trace_packet_protocol(const uint8_t *packet, size_t length);

/* After the first error nothing is written any more: half a record, a gap, and then more would
 * be worse than a short file, and a trace must not disturb what it watches. The caller finds out
 * with ferror(file). */
struct trace_output {
    FILE *file;
    bool failed;
};

void trace_output_write(struct trace_output *output, const void *bytes, size_t length);
void trace_output_flush(struct trace_output *output);

#endif
