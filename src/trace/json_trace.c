/* SPDX-License-Identifier: MIT
 *
 * JSON lines: one object per event, one event per line, for programs that read traces.
 *
 * Keys always come in the same order and never change their meaning. Those up to "value" are in
 * every line; the rest is there when the event has it: the segment's fields ("seq" to "options"),
 * "packet_bytes", and "numbers" when there is a connection. Sequence numbers are absolute, as on
 * the wire; "numbers" holds iss and irs. Handles are strings, because a JavaScript number has 53
 * bits. "t" is for people; "t_ns" is exact. The same run gives the same bytes: nothing here depends
 * on an address in memory, a clock, or a locale.
 *
 * A line goes out with one write, so lines of several writers to one file do not mix. After a write
 * error the sink is silent (see trace_output).
 */
#include "trace_text.h"

#include <errno.h>
#include <handfast/trace.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct hf_json_trace {
    struct trace_output output;
    struct trace_text line;
};

/* RFC 8259 7: quotation mark, reverse solidus and control characters are escaped; bytes that are
 * not UTF-8 become U+FFFD, for a JSON text is UTF-8 (8.1). At most TRACE_NAME_BYTES are read. */
static void add_string(struct trace_text *line, const char *utf8)
{
    size_t read = 0;

    trace_text_add(line, "\"");
    while (utf8[read]) {
        const char *at = utf8 + read;
        size_t length = trace_utf8_length(at);

        if (read + length > TRACE_NAME_BYTES)
            break;
        if (length == 0)
            trace_text_add(line, "\\ufffd");
        else if (*at == '"' || *at == '\\')
            trace_text_addf(line, "\\%c", *at);
        else if ((unsigned char)*at < 0x20)
            trace_text_addf(line, "\\u%04x", (unsigned)*at);
        else
            trace_text_addf(line, "%.*s", (int)length, at);
        read += length ? length : 1;
    }
    trace_text_add(line, "\"");
}

static void add_time(struct trace_text *line, hf_time time)
{
    hf_time positive = time < 0 ? 0 : time;

    trace_text_addf(line, "{\"t\":%" PRId64 ".%06" PRId64 ",\"t_ns\":%" PRId64,
                    positive / HF_SECOND, positive % HF_SECOND / HF_MICROSECOND, time);
}

static void add_endpoint(struct trace_text *line, const char *key,
                         const struct hf_endpoint *endpoint)
{
    char text[HF_ENDPOINT_TEXT];

    if (endpoint->address.family == HF_FAMILY_ANY && endpoint->port == 0) {
        trace_text_addf(line, ",\"%s\":null", key);
        return;
    }
    trace_endpoint_text(endpoint, text);
    trace_text_addf(line, ",\"%s\":\"%s\"", key, text);
}

static void add_header(struct trace_text *line, const struct hf_trace_event *event)
{
    add_time(line, event->time);
    trace_text_add(line, ",\"host\":");
    add_string(line, event->host_name);
    trace_text_addf(line, ",\"host_id\":%" PRIu32 ",\"event\":\"%s\",\"reason\":\"%s\"",
                    event->host, hf_trace_kind_name(event->kind), hf_reason_name(event->reason));
    trace_text_add(line, ",\"why\":");
    add_string(line, hf_reason_sentence(event->reason));
    trace_text_add(line, ",\"rfc\":");
    add_string(line, hf_reason_source(event->reason));
    if (event->connection == HF_NO_HANDLE)
        trace_text_add(line, ",\"connection\":null");
    else
        trace_text_addf(line, ",\"connection\":\"%" PRIu64 "\"", event->connection);
    add_endpoint(line, "local", &event->local);
    add_endpoint(line, "remote", &event->remote);
    trace_text_addf(line, ",\"state_before\":\"%s\",\"state\":\"%s\",\"value\":%" PRId64,
                    hf_state_name(event->state_before), hf_state_name(event->state), event->value);
    if (event->kind == HF_TRACE_ERROR) {
        trace_text_add(line, ",\"error\":");
        add_string(line, event->value < INT32_MIN || event->value > INT32_MAX
                             ? "unknown error"
                             : hf_error_text((int)event->value));
    }
}

static void add_options(struct trace_text *line, const struct hf_trace_segment *segment)
{
    const char *comma = "";

    trace_text_add(line, ",\"options\":{");
    if (segment->mss) {
        trace_text_addf(line, "\"mss\":%u", segment->mss);
        comma = ",";
    }
    if (segment->window_scale >= 0) {
        trace_text_addf(line, "%s\"ws\":%d", comma, segment->window_scale);
        comma = ",";
    }
    if (segment->sack_permitted) {
        trace_text_addf(line, "%s\"sack_ok\":true", comma);
        comma = ",";
    }
    if (segment->has_timestamps) {
        trace_text_addf(line, "%s\"ts\":{\"val\":%" PRIu32 ",\"ecr\":%" PRIu32 "}", comma,
                        segment->ts_value, segment->ts_echo);
        comma = ",";
    }
    if (segment->sack_count) {
        trace_text_addf(line, "%s\"sack\":[", comma);
        for (unsigned i = 0; i < segment->sack_count && i < 4; i++)
            trace_text_addf(line, "%s[%" PRIu32 ",%" PRIu32 "]", i ? "," : "", segment->sack[i][0],
                            segment->sack[i][1]);
        trace_text_add(line, "]");
        comma = ",";
    }
    if (segment->has_fast_open) {
        char cookie[TRACE_COOKIE_TEXT];

        trace_text_addf(line, "%s\"%s\":\"%s\"", comma,
                        segment->fast_open_experimental ? "fo_exp" : "fo",
                        trace_cookie_text(segment, cookie));
    }
    trace_text_add(line, "}");
}

static void add_segment(struct trace_text *line, const struct hf_trace_segment *segment)
{
    char flags[TRACE_FLAGS_TEXT];

    trace_flags_text(segment->flags, "\",\"", flags);
    trace_text_addf(line, ",\"seq\":%" PRIu32 ",\"ack\":%" PRIu32 ",\"len\":%" PRIu32, segment->seq,
                    segment->ack, segment->length);
    if (segment->flags & 0x1ff)
        trace_text_addf(line, ",\"flags\":[\"%s\"]", flags);
    else
        trace_text_add(line, ",\"flags\":[]");
    trace_text_addf(line, ",\"win\":%u,\"urg\":%u", segment->window, segment->urgent_pointer);
    add_options(line, segment);
}

static bool has_numbers(const struct hf_trace_numbers *numbers)
{
    return numbers->iss || numbers->irs || numbers->snd_una || numbers->snd_nxt ||
           numbers->snd_wnd || numbers->rcv_nxt || numbers->rcv_wnd || numbers->cwnd_bytes ||
           numbers->ssthresh_bytes || numbers->flight_bytes || numbers->srtt_ns ||
           numbers->rttvar_ns || numbers->rto_ns;
}

static void add_numbers(struct trace_text *line, const struct hf_trace_numbers *numbers)
{
    trace_text_addf(line,
                    ",\"numbers\":{\"iss\":%" PRIu32 ",\"irs\":%" PRIu32 ",\"snd_una\":%" PRIu32
                    ",\"snd_nxt\":%" PRIu32 ",\"snd_wnd\":%" PRIu32 ",\"rcv_nxt\":%" PRIu32
                    ",\"rcv_wnd\":%" PRIu32,
                    numbers->iss, numbers->irs, numbers->snd_una, numbers->snd_nxt,
                    numbers->snd_wnd, numbers->rcv_nxt, numbers->rcv_wnd);
    trace_text_addf(line,
                    ",\"cwnd_bytes\":%" PRIu32 ",\"ssthresh_bytes\":%" PRIu32
                    ",\"flight_bytes\":%" PRIu32 ",\"srtt_ns\":%" PRId64 ",\"rttvar_ns\":%" PRId64
                    ",\"rto_ns\":%" PRId64 ",\"snd_wind_shift\":%u,\"rcv_wind_shift\":%u}",
                    numbers->cwnd_bytes, numbers->ssthresh_bytes, numbers->flight_bytes,
                    numbers->srtt_ns, numbers->rttvar_ns, numbers->rto_ns, numbers->snd_wind_shift,
                    numbers->rcv_wind_shift);
}

static void json_event(void *context, const struct hf_trace_event *event)
{
    struct hf_json_trace *trace = context;
    struct trace_text *line = &trace->line;

    if (trace->output.failed)
        return;
    trace_text_clear(line);
    add_header(line, event);
    if (event->segment)
        add_segment(line, event->segment);
    if (event->packet)
        trace_text_addf(line, ",\"packet_bytes\":%zu", event->packet_length);
    if (has_numbers(&event->numbers))
        add_numbers(line, &event->numbers);
    trace_text_add(line, "}\n");
    trace_output_write(&trace->output, line->bytes, line->length);
}

struct hf_json_trace *hf_json_trace_new(void *file)
{
    struct hf_json_trace *trace;

    if (!file) {
        errno = EINVAL;
        return NULL;
    }
    trace = calloc(1, sizeof(*trace));
    if (trace)
        trace->output.file = file;
    return trace;
}

struct hf_trace_sink hf_json_trace_sink(struct hf_json_trace *trace)
{
    struct hf_trace_sink sink = {json_event, trace};

    return sink;
}

void hf_json_trace_free(struct hf_json_trace *trace)
{
    if (!trace)
        return;
    trace_output_flush(&trace->output);
    free(trace);
}
