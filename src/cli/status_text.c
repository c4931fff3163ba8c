/* SPDX-License-Identifier: MIT
 *
 * The columns follow the kernel's ss where both have the same thing: Recv-Q and Send-Q of a
 * listener are the connections that wait and the backlog.
 */
#include "status_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

struct line {
    char *text;
    size_t length, size;
};

__attribute__((format(printf, 2, 3))) static void put(struct line *line, const char *format, ...)
{
    size_t room = line->size - line->length;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(line->text + line->length, room, format, arguments);
    va_end(arguments);
    if (length > 0)
        line->length += (size_t)length < room ? (size_t)length : room - 1;
}

size_t status_text_header(char text[STATUS_TEXT_BYTES])
{
    struct line line = {text, 0, STATUS_TEXT_BYTES};

    put(&line, "State\tRecv-Q\tSend-Q\tLocal\tPeer\tWindow\tCwnd\tRTT\tRTO\tRetrans\tTimer\t"
               "Options\n");
    return line.length;
}

/* "*:80" where the stack prints the unspecified address of a listener. */
static void put_endpoint(struct line *line, const struct hf_endpoint *endpoint)
{
    char text[HF_ENDPOINT_TEXT];

    if (endpoint->port == 0)
        put(line, "*\t");
    else if (endpoint->address.family == HF_FAMILY_ANY)
        put(line, "*:%u\t", endpoint->port);
    else
        put(line, "%s\t", hf_endpoint_format(endpoint, text));
}

static void put_milliseconds(struct line *line, hf_time time_ns)
{
    if (time_ns <= 0)
        put(line, "-\t");
    else if (time_ns < 10 * HF_MILLISECOND)
        put(line, "%.3fms\t", (double)time_ns / (double)HF_MILLISECOND);
    else
        put(line, "%.0fms\t", (double)time_ns / (double)HF_MILLISECOND);
}

static void put_timer(struct line *line, const struct hf_status *status, hf_time now)
{
    hf_time left = status->timer_deadline - now;

    if (status->timer == NULL || status->timer[0] == '\0' ||
        status->timer_deadline == HF_TIME_NEVER)
        put(line, "-\t");
    else
        put(line, "%s %.1fs\t", status->timer, left > 0 ? (double)left / (double)HF_SECOND : 0.0);
}

static void put_options(struct line *line, const struct hf_status *status)
{
    const struct {
        int set;
        const char *name;
    } options[] = {
        {status->timestamps, "ts"},       {status->sack, "sack"},
        {status->window_scaling, "ws"},   {!status->nagle, "nodelay"},
        {status->keepalive, "keepalive"}, {status->orphan, "orphan"},
    };
    const char *gap = "";

    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (options[i].set) {
            put(line, "%s%s", gap, options[i].name);
            gap = ",";
        }
    }
    put(line, "%s\n", gap[0] == '\0' ? "-" : "");
}

size_t status_text_row(char text[STATUS_TEXT_BYTES], const struct hf_status *status, hf_time now)
{
    struct line line = {text, 0, STATUS_TEXT_BYTES};
    const struct hf_trace_numbers *numbers = &status->numbers;

    put(&line, "%s\t", hf_state_name(status->state));
    if (status->state == HF_LISTEN)
        put(&line, "%u\t%u\t", status->accept_queue, status->backlog);
    else
        put(&line, "%u\t%u\t", status->receive_queue_bytes, status->send_queue_bytes);
    put_endpoint(&line, &status->local);
    put_endpoint(&line, &status->remote);
    if (status->state == HF_LISTEN || status->state == HF_TIME_WAIT) {
        put(&line, "-\t-\t-\t-\t-\t");
    } else {
        put(&line, "%u\t%u\t", numbers->snd_wnd, numbers->cwnd_bytes);
        put_milliseconds(&line, numbers->srtt_ns);
        put_milliseconds(&line, numbers->rto_ns);
        put(&line, "%u\t", status->retransmits);
    }
    put_timer(&line, status, now);
    if (status->state == HF_LISTEN)
        put(&line, "-\n");
    else
        put_options(&line, status);
    return line.length;
}

static void put_json_endpoint(struct line *line, const char *name,
                              const struct hf_endpoint *endpoint)
{
    char text[HF_ADDRESS_TEXT];
    bool any = endpoint->address.family == HF_FAMILY_ANY;

    put(line, ",\"%s\":{\"address\":\"%s\",\"port\":%u}", name,
        any ? "*" : hf_address_format(&endpoint->address, text), endpoint->port);
}

size_t status_text_json(char text[STATUS_TEXT_BYTES], const struct hf_status *status, hf_time now)
{
    struct line line = {text, 0, STATUS_TEXT_BYTES};
    const struct hf_trace_numbers *numbers = &status->numbers;

    put(&line, "{\"handle\":\"%" PRIx64 "\",\"state\":\"%s\"", status->handle,
        hf_state_name(status->state));
    put_json_endpoint(&line, "local", &status->local);
    put_json_endpoint(&line, "remote", &status->remote);
    put(&line, ",\"error\":%d,\"soft_error\":%d", status->error, status->soft_error);
    put(&line,
        ",\"send_queue_bytes\":%u,\"send_unsent_bytes\":%u,\"receive_queue_bytes\":%u"
        ",\"out_of_order_bytes\":%u,\"send_room_bytes\":%u,\"urgent_bytes\":%u",
        status->send_queue_bytes, status->send_unsent_bytes, status->receive_queue_bytes,
        status->out_of_order_bytes, status->send_room_bytes, status->urgent_bytes);
    put(&line, ",\"backlog\":%u,\"accept_queue\":%u,\"mss_bytes\":%u", status->backlog,
        status->accept_queue, status->mss_bytes);
    put(&line, ",\"retransmits\":%u,\"backoff\":%u", status->retransmits, status->backoff);
    put(&line,
        ",\"bytes_sent\":%" PRIu64 ",\"bytes_received\":%" PRIu64 ",\"bytes_acked\":%" PRIu64
        ",\"segments_sent\":%" PRIu64 ",\"segments_received\":%" PRIu64,
        status->bytes_sent, status->bytes_received, status->bytes_acked, status->segments_sent,
        status->segments_received);
    put(&line, ",\"last_received_ns\":%" PRId64 ",\"timer\":\"%s\"", status->last_received_ns,
        status->timer != NULL ? status->timer : "");
    if (status->timer_deadline != HF_TIME_NEVER)
        put(&line, ",\"timer_left_ns\":%" PRId64, status->timer_deadline - now);
    put(&line,
        ",\"iss\":%u,\"irs\":%u,\"snd_una\":%u,\"snd_nxt\":%u,\"snd_wnd\":%u,\"rcv_nxt\":%u"
        ",\"rcv_wnd\":%u",
        numbers->iss, numbers->irs, numbers->snd_una, numbers->snd_nxt, numbers->snd_wnd,
        numbers->rcv_nxt, numbers->rcv_wnd);
    put(&line, ",\"cwnd_bytes\":%u,\"ssthresh_bytes\":%u,\"flight_bytes\":%u", numbers->cwnd_bytes,
        numbers->ssthresh_bytes, numbers->flight_bytes);
    put(&line, ",\"srtt_ns\":%" PRId64 ",\"rttvar_ns\":%" PRId64 ",\"rto_ns\":%" PRId64,
        numbers->srtt_ns, numbers->rttvar_ns, numbers->rto_ns);
    put(&line,
        ",\"timestamps\":%u,\"sack\":%u,\"window_scaling\":%u,\"nagle\":%u,\"keepalive\":%u"
        ",\"orphan\":%u,\"congestion_control\":\"%s\"}",
        status->timestamps, status->sack, status->window_scaling, status->nagle, status->keepalive,
        status->orphan, status->congestion_control != NULL ? status->congestion_control : "");
    return line.length;
}

size_t status_text_metrics_header(char text[STATUS_TEXT_BYTES])
{
    struct line line = {text, 0, STATUS_TEXT_BYTES};

    put(&line, "Local\tPeer\tAge\tRTT\tVariance\tCwnd\tSsthresh\tReordering\n");
    return line.length;
}

static hf_time age_of(const struct hf_metrics *metrics, hf_time now)
{
    return now > metrics->saved_ns ? now - metrics->saved_ns : 0;
}

/* What is not known: "-". */
static void put_known(struct line *line, uint32_t number, char end)
{
    if (number == 0)
        put(line, "-%c", end);
    else
        put(line, "%u%c", number, end);
}

size_t status_text_metrics_row(char text[STATUS_TEXT_BYTES], const struct hf_metrics *metrics,
                               hf_time now)
{
    struct line line = {text, 0, STATUS_TEXT_BYTES};
    char address[HF_ADDRESS_TEXT];

    put(&line, "%s\t", hf_address_format(&metrics->local, address));
    put(&line, "%s\t", hf_address_format(&metrics->remote, address));
    put(&line, "%.1fs\t", (double)age_of(metrics, now) / (double)HF_SECOND);
    put_milliseconds(&line, metrics->srtt_ns);
    put_milliseconds(&line, metrics->rttvar_ns);
    put_known(&line, metrics->cwnd_bytes, '\t');
    put_known(&line, metrics->ssthresh_bytes, '\t');
    put_known(&line, metrics->reordering, '\n');
    return line.length;
}

size_t status_text_metrics_json(char text[STATUS_TEXT_BYTES], const struct hf_metrics *metrics,
                                hf_time now)
{
    struct line line = {text, 0, STATUS_TEXT_BYTES};
    char address[HF_ADDRESS_TEXT];

    put(&line, "{\"local\":\"%s\"", hf_address_format(&metrics->local, address));
    put(&line, ",\"remote\":\"%s\"", hf_address_format(&metrics->remote, address));
    put(&line, ",\"age_ns\":%" PRId64 ",\"srtt_ns\":%" PRId64 ",\"rttvar_ns\":%" PRId64,
        age_of(metrics, now), metrics->srtt_ns, metrics->rttvar_ns);
    put(&line, ",\"cwnd_bytes\":%u,\"ssthresh_bytes\":%u,\"reordering\":%u}", metrics->cwnd_bytes,
        metrics->ssthresh_bytes, metrics->reordering);
    return line.length;
}

size_t status_text_counters(char text[STATUS_COUNTERS_BYTES], const struct hf_counters *counters)
{
    struct line line = {text, 0, STATUS_COUNTERS_BYTES};
    const char *gap = "";

    put(&line, "{\"packets_received\":%" PRIu64 ",\"packets_sent\":%" PRIu64,
        counters->packets_received, counters->packets_sent);
    put(&line, ",\"connections_opened_actively\":%" PRIu64 ",\"connections_accepted\":%" PRIu64,
        counters->connections_opened_actively, counters->connections_accepted);
    put(&line, ",\"connections_reset\":%" PRIu64 ",\"connections_timed_out\":%" PRIu64,
        counters->connections_reset, counters->connections_timed_out);
    put(&line,
        ",\"segments_retransmitted\":%" PRIu64 ",\"resets_sent\":%" PRIu64
        ",\"challenge_acks_sent\":%" PRIu64,
        counters->segments_retransmitted, counters->resets_sent, counters->challenge_acks_sent);
    put(&line,
        ",\"replies_dropped\":%" PRIu64 ",\"syn_records_evicted\":%" PRIu64
        ",\"time_wait_evicted\":%" PRIu64,
        counters->replies_dropped, counters->syn_records_evicted, counters->time_wait_evicted);
    put(&line, ",\"connections\":%u,\"listeners\":%u,\"syn_records\":%u,\"time_waits\":%u",
        counters->connections, counters->listeners, counters->syn_records, counters->time_waits);
    put(&line,
        ",\"metrics\":%u,\"metrics_saved\":%" PRIu64 ",\"metrics_used\":%" PRIu64
        ",\"metrics_evicted\":%" PRIu64,
        counters->metrics, counters->metrics_saved, counters->metrics_used,
        counters->metrics_evicted);
    put(&line, ",\"memory_used_bytes\":%" PRIu64 ",\"memory_peak_bytes\":%" PRIu64,
        counters->memory_used_bytes, counters->memory_peak_bytes);
    put(&line, ",\"dropped\":{");
    for (int reason = 0; reason < HF_REASON_COUNT; reason++) {
        if (counters->dropped[reason] == 0)
            continue;
        put(&line, "%s\"%s\":%" PRIu64, gap, hf_reason_name((enum hf_reason)reason),
            counters->dropped[reason]);
        gap = ",";
    }
    put(&line, "}}");
    return line.length;
}
