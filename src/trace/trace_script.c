/* SPDX-License-Identifier: MIT
 *
 * The scripted conversation, and packets to go with it. The packets are built here from the RFCs'
 * header figures, byte by byte, with a checksum of two lines: nothing is shared with the code that
 * the events would come from in life.
 */
#include "trace_script.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MS HF_MILLISECOND
#define R(name) HF_REASON_##name

enum { SYN_OPTIONS = 1, SACK_1461_2921, SACK_1461_3001 };

/* Sequence numbers are offsets from the ISS of their direction. */
static const struct step {
    hf_time time;
    uint32_t host;
    enum hf_trace_kind kind;
    enum hf_reason reason;
    enum hf_state before, state;
    uint16_t flags;
    uint32_t seq, ack, length;
    int64_t value;
    uint32_t una, nxt, rcv; /* of the host; 0: not known yet */
    int options;
} steps[] = {
    {0, 1, HF_TRACE_CALL, R(OPEN_PASSIVE), HF_CLOSED, HF_CLOSED, 0, 0, 0, 0, 0, 0, 0, 0, 0},
    {0, 1, HF_TRACE_STATE, R(OPEN_PASSIVE), HF_CLOSED, HF_LISTEN, 0, 0, 0, 0, 0, 0, 0, 0, 0},
    {0, 0, HF_TRACE_CALL, R(OPEN_ACTIVE), HF_CLOSED, HF_CLOSED, 0, 0, 0, 0, 0, 0, 0, 0, 0},
    {0, 0, HF_TRACE_STATE, R(OPEN_ACTIVE), HF_CLOSED, HF_SYN_SENT, 0, 0, 0, 0, 0, 0, 1, 0, 0},
    {0, 0, HF_TRACE_SENT, R(SEND_SYN), HF_SYN_SENT, HF_SYN_SENT, HF_SYN, 0, 0, 0, 0, 0, 1, 0,
     SYN_OPTIONS},
    {10 * MS, 1, HF_TRACE_STATE, R(SYN_ARRIVED), HF_LISTEN, HF_SYN_RECEIVED, 0, 0, 0, 0, 0, 0, 1, 1,
     0},
    {10 * MS, 1, HF_TRACE_RECEIVED, R(ACCEPTED), HF_SYN_RECEIVED, HF_SYN_RECEIVED, HF_SYN, 0, 0, 0,
     0, 0, 1, 1, SYN_OPTIONS},
    {10 * MS, 1, HF_TRACE_SENT, R(SEND_SYN_ACK), HF_SYN_RECEIVED, HF_SYN_RECEIVED, HF_SYN | HF_ACK,
     0, 1, 0, 0, 0, 1, 1, SYN_OPTIONS},
    {20 * MS, 0, HF_TRACE_STATE, R(SYN_ACKED), HF_SYN_SENT, HF_ESTABLISHED, 0, 0, 0, 0, 0, 1, 1, 1,
     0},
    {20 * MS, 0, HF_TRACE_RTT, R(RTT_SAMPLE), HF_ESTABLISHED, HF_ESTABLISHED, 0, 0, 0, 0, 20 * MS,
     1, 1, 1, 0},
    {20 * MS, 0, HF_TRACE_RECEIVED, R(ACCEPTED), HF_ESTABLISHED, HF_ESTABLISHED, HF_SYN | HF_ACK, 0,
     1, 0, 0, 1, 1, 1, SYN_OPTIONS},
    {20 * MS, 0, HF_TRACE_SENT, R(SEND_ACK), HF_ESTABLISHED, HF_ESTABLISHED, HF_ACK, 1, 1, 0, 0, 1,
     1, 1, 0},
    {20 * MS, 0, HF_TRACE_CALL, R(SEND_DATA), HF_ESTABLISHED, HF_ESTABLISHED, 0, 0, 0, 0, 3000, 1,
     1, 1, 0},
    {20 * MS, 0, HF_TRACE_SENT, R(SEND_DATA), HF_ESTABLISHED, HF_ESTABLISHED, HF_ACK, 1, 1, 1460, 0,
     1, 1461, 1, 0},
    {20 * MS, 0, HF_TRACE_LINK, R(LINK_LOSS), HF_CLOSED, HF_CLOSED, HF_ACK, 1, 1, 1460, 0, 0, 0, 0,
     0},
    {20 * MS, 0, HF_TRACE_SENT, R(SEND_DATA), HF_ESTABLISHED, HF_ESTABLISHED, HF_ACK, 1461, 1, 1460,
     0, 1, 2921, 1, 0},
    {20 * MS, 0, HF_TRACE_SENT, R(SEND_DATA), HF_ESTABLISHED, HF_ESTABLISHED, HF_PSH | HF_ACK, 2921,
     1, 80, 0, 1, 3001, 1, 0},
    {30 * MS, 1, HF_TRACE_STATE, R(SYN_ACKED), HF_SYN_RECEIVED, HF_ESTABLISHED, 0, 0, 0, 0, 0, 1, 1,
     1, 0},
    {30 * MS, 1, HF_TRACE_RECEIVED, R(ACCEPTED), HF_ESTABLISHED, HF_ESTABLISHED, HF_ACK, 1, 1, 0, 0,
     1, 1, 1, 0},
    {30 * MS, 1, HF_TRACE_RECEIVED, R(OUT_OF_ORDER), HF_ESTABLISHED, HF_ESTABLISHED, HF_ACK, 1461,
     1, 1460, 0, 1, 1, 1, 0},
    {30 * MS, 1, HF_TRACE_SENT, R(SEND_ACK_DUPLICATE), HF_ESTABLISHED, HF_ESTABLISHED, HF_ACK, 1, 1,
     0, 0, 1, 1, 1, SACK_1461_2921},
    {30 * MS, 1, HF_TRACE_RECEIVED, R(OUT_OF_ORDER), HF_ESTABLISHED, HF_ESTABLISHED,
     HF_PSH | HF_ACK, 2921, 1, 80, 0, 1, 1, 1, 0},
    {30 * MS, 1, HF_TRACE_SENT, R(SEND_ACK_DUPLICATE), HF_ESTABLISHED, HF_ESTABLISHED, HF_ACK, 1, 1,
     0, 0, 1, 1, 1, SACK_1461_3001},
    {40 * MS, 0, HF_TRACE_RECEIVED, R(ACCEPTED), HF_ESTABLISHED, HF_ESTABLISHED, HF_ACK, 1, 1, 0, 0,
     1, 3001, 1, SACK_1461_2921},
    {40 * MS, 0, HF_TRACE_RECEIVED, R(ACCEPTED), HF_ESTABLISHED, HF_ESTABLISHED, HF_ACK, 1, 1, 0, 0,
     1, 3001, 1, SACK_1461_3001},
    {220 * MS, 0, HF_TRACE_TIMER, R(TIMER_RETRANSMIT), HF_ESTABLISHED, HF_ESTABLISHED, 0, 0, 0, 0,
     400 * MS, 1, 3001, 1, 0},
    {220 * MS, 0, HF_TRACE_CWND, R(CWND_TIMEOUT), HF_ESTABLISHED, HF_ESTABLISHED, 0, 0, 0, 0, 14600,
     1, 3001, 1, 0},
    {220 * MS, 0, HF_TRACE_SENT, R(RETRANSMIT_TIMEOUT), HF_ESTABLISHED, HF_ESTABLISHED, HF_ACK, 1,
     1, 1460, 0, 1, 3001, 1, 0},
    {230 * MS, 1, HF_TRACE_RECEIVED, R(ACCEPTED), HF_ESTABLISHED, HF_ESTABLISHED, HF_ACK, 1, 1,
     1460, 0, 1, 1, 3001, 0},
    {230 * MS, 1, HF_TRACE_SENT, R(SEND_ACK), HF_ESTABLISHED, HF_ESTABLISHED, HF_ACK, 1, 3001, 0, 0,
     1, 1, 3001, 0},
    {240 * MS, 0, HF_TRACE_RECEIVED, R(ACCEPTED), HF_ESTABLISHED, HF_ESTABLISHED, HF_ACK, 1, 3001,
     0, 0, 3001, 3001, 1, 0},
    {240 * MS, 0, HF_TRACE_CALL, R(USER_CLOSE), HF_ESTABLISHED, HF_ESTABLISHED, 0, 0, 0, 0, 0, 3001,
     3001, 1, 0},
    {240 * MS, 0, HF_TRACE_STATE, R(USER_CLOSE), HF_ESTABLISHED, HF_FIN_WAIT_1, 0, 0, 0, 0, 0, 3001,
     3002, 1, 0},
    {240 * MS, 0, HF_TRACE_SENT, R(SEND_FIN), HF_FIN_WAIT_1, HF_FIN_WAIT_1, HF_FIN | HF_ACK, 3001,
     1, 0, 0, 3001, 3002, 1, 0},
    {250 * MS, 1, HF_TRACE_STATE, R(FIN_ARRIVED), HF_ESTABLISHED, HF_CLOSE_WAIT, 0, 0, 0, 0, 0, 1,
     1, 3002, 0},
    {250 * MS, 1, HF_TRACE_RECEIVED, R(ACCEPTED), HF_CLOSE_WAIT, HF_CLOSE_WAIT, HF_FIN | HF_ACK,
     3001, 1, 0, 0, 1, 1, 3002, 0},
    {250 * MS, 1, HF_TRACE_SENT, R(SEND_ACK), HF_CLOSE_WAIT, HF_CLOSE_WAIT, HF_ACK, 1, 3002, 0, 0,
     1, 1, 3002, 0},
    {250 * MS, 1, HF_TRACE_CALL, R(USER_CLOSE), HF_CLOSE_WAIT, HF_CLOSE_WAIT, 0, 0, 0, 0, 0, 1, 1,
     3002, 0},
    {250 * MS, 1, HF_TRACE_STATE, R(USER_CLOSE), HF_CLOSE_WAIT, HF_LAST_ACK, 0, 0, 0, 0, 0, 1, 2,
     3002, 0},
    {250 * MS, 1, HF_TRACE_SENT, R(SEND_FIN), HF_LAST_ACK, HF_LAST_ACK, HF_FIN | HF_ACK, 1, 3002, 0,
     0, 1, 2, 3002, 0},
    {260 * MS, 0, HF_TRACE_STATE, R(FIN_ACKED), HF_FIN_WAIT_1, HF_FIN_WAIT_2, 0, 0, 0, 0, 0, 3002,
     3002, 1, 0},
    {260 * MS, 0, HF_TRACE_RECEIVED, R(ACCEPTED), HF_FIN_WAIT_2, HF_FIN_WAIT_2, HF_ACK, 1, 3002, 0,
     0, 3002, 3002, 1, 0},
    {260 * MS, 0, HF_TRACE_STATE, R(FIN_ARRIVED), HF_FIN_WAIT_2, HF_TIME_WAIT, 0, 0, 0, 0, 0, 3002,
     3002, 2, 0},
    {260 * MS, 0, HF_TRACE_RECEIVED, R(ACCEPTED), HF_TIME_WAIT, HF_TIME_WAIT, HF_FIN | HF_ACK, 1,
     3002, 0, 0, 3002, 3002, 2, 0},
    {260 * MS, 0, HF_TRACE_SENT, R(SEND_ACK), HF_TIME_WAIT, HF_TIME_WAIT, HF_ACK, 3002, 2, 0, 0,
     3002, 3002, 2, 0},
    {270 * MS, 1, HF_TRACE_STATE, R(FIN_ACKED), HF_LAST_ACK, HF_CLOSED, 0, 0, 0, 0, 0, 2, 2, 3002,
     0},
    {270 * MS, 1, HF_TRACE_RECEIVED, R(ACCEPTED), HF_CLOSED, HF_CLOSED, HF_ACK, 3002, 2, 0, 0, 2, 2,
     3002, 0},
    {60260 * MS, 0, HF_TRACE_STATE, R(TIME_WAIT_OVER), HF_TIME_WAIT, HF_CLOSED, 0, 0, 0, 0, 0, 3002,
     3002, 2, 0},
};

/* ---- Packets */

static uint32_t add_words(uint32_t sum, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
    return sum;
}

static void put_checksum(uint8_t *at, uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    sum = ~sum & 0xffff;
    at[0] = (uint8_t)(sum >> 8);
    at[1] = (uint8_t)sum;
}

static uint8_t *put_number(uint8_t *at, uint32_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
    return at + bytes;
}

static size_t put_options(uint8_t *at, const struct hf_trace_segment *segment)
{
    uint8_t *start = at;

    if (segment->mss)
        at = put_number(at, 0x02040000u | segment->mss, 4);
    if (segment->window_scale >= 0)
        at = put_number(at, 0x01030300u | (uint32_t)segment->window_scale, 4);
    if (segment->sack_permitted)
        at = put_number(at, 0x01010402u, 4);
    if (segment->has_timestamps) {
        at = put_number(at, 0x0101080au, 4);
        at = put_number(at, segment->ts_value, 4);
        at = put_number(at, segment->ts_echo, 4);
    }
    if (segment->sack_count) {
        at = put_number(at, 0x01010500u | (2u + 8u * segment->sack_count), 4);
        for (unsigned i = 0; i < segment->sack_count; i++) {
            at = put_number(at, segment->sack[i][0], 4);
            at = put_number(at, segment->sack[i][1], 4);
        }
    }
    return (size_t)(at - start);
}

/* The TCP part at `tcp`; `pseudo` is the sum over the pseudo-header without the length. */
static size_t put_tcp(uint8_t *tcp, const struct script_event *script, bool sent, uint32_t pseudo)
{
    const struct hf_trace_segment *segment = &script->segment;
    const struct hf_trace_event *event = &script->event;
    size_t header = 20 + put_options(tcp + 20, segment), length = header + segment->length;

    put_number(tcp, sent ? event->local.port : event->remote.port, 2);
    put_number(tcp + 2, sent ? event->remote.port : event->local.port, 2);
    put_number(tcp + 4, segment->seq, 4);
    put_number(tcp + 8, segment->ack, 4);
    put_number(tcp + 12, (uint32_t)(header / 4) << 12 | segment->flags, 2);
    put_number(tcp + 14, segment->window, 2);
    put_number(tcp + 16, 0, 2);
    put_number(tcp + 18, segment->urgent_pointer, 2);
    for (size_t i = header; i < length; i++)
        tcp[i] = (uint8_t)('a' + i % 26);
    put_checksum(tcp + 16, add_words(pseudo + (uint32_t)length, tcp, length));
    return length;
}

void script_packet(struct script_event *into)
{
    struct hf_trace_event *event = &into->event;
    uint8_t *packet = into->packet;
    bool sent = event->kind != HF_TRACE_RECEIVED;
    const struct hf_address *from = sent ? &event->local.address : &event->remote.address;
    const struct hf_address *to = sent ? &event->remote.address : &event->local.address;
    size_t header = from->family == HF_IPV4 ? 20 : 40, address = header == 20 ? 4 : 16;
    uint32_t pseudo = add_words(add_words(6, from->bytes, address), to->bytes, address);
    size_t length;

    memset(packet, 0, header);
    length = put_tcp(packet + header, into, sent, pseudo);
    if (header == 20) {
        put_number(packet, 0x45000000u | (uint32_t)(header + length), 4);
        put_number(packet + 8, 64u << 24 | 6u << 16, 4);
        memcpy(packet + 12, from->bytes, 4);
        memcpy(packet + 16, to->bytes, 4);
        put_checksum(packet + 10, add_words(0, packet, 20));
    } else {
        put_number(packet, 0x60000000u, 4);
        put_number(packet + 4, (uint32_t)length << 16 | 6u << 8 | 64u, 4);
        memcpy(packet + 8, from->bytes, 16);
        memcpy(packet + 24, to->bytes, 16);
    }
    event->packet = packet;
    event->packet_length = header + length;
    event->segment = &into->segment;
}

/* ---- Events */

void script_blank(struct script_event *into, uint32_t host, hf_time time, enum hf_trace_kind kind,
                  enum hf_reason reason)
{
    static const struct hf_endpoint ends[2] = {{{HF_IPV4, {10, 0, 0, 1}}, SCRIPT_A_PORT},
                                               {{HF_IPV4, {10, 0, 0, 2}}, SCRIPT_B_PORT}};

    memset(into, 0, sizeof(*into));
    into->segment.window_scale = -1;
    into->segment.window = 65535;
    into->event.host = host;
    into->event.host_name = host == SCRIPT_A ? "a" : host == SCRIPT_B ? "b" : "c";
    into->event.time = time;
    into->event.kind = kind;
    into->event.reason = reason;
    into->event.local = ends[host == SCRIPT_A ? 0 : 1];
    into->event.remote = ends[host == SCRIPT_A ? 1 : 0];
}

static void make_segment(struct hf_trace_segment *segment, const struct step *step, bool from_a)
{
    uint32_t own = from_a ? SCRIPT_A_ISS : SCRIPT_B_ISS;
    uint32_t other = from_a ? SCRIPT_B_ISS : SCRIPT_A_ISS;

    segment->flags = step->flags;
    segment->seq = own + step->seq;
    segment->ack = step->flags & HF_ACK ? other + step->ack : 0;
    segment->length = step->length;
    if (step->options == SYN_OPTIONS) {
        segment->mss = 1460;
        segment->window_scale = 7;
        segment->sack_permitted = 1;
    } else {
        segment->window = 512; /* 65536 bytes at scale 7 */
    }
    segment->has_timestamps = 1;
    segment->ts_value = (uint32_t)(step->time / MS) + (from_a ? 0 : 5000);
    if (step->options == SACK_1461_2921 || step->options == SACK_1461_3001) {
        segment->sack_count = 1;
        segment->sack[0][0] = other + 1461;
        segment->sack[0][1] = other + (step->options == SACK_1461_2921 ? 2921 : 3001);
    }
    /* What is received was sent 10 ms before. */
    if (step->kind == HF_TRACE_RECEIVED)
        segment->ts_value -= 10;
}

size_t script_length(void)
{
    return sizeof(steps) / sizeof(steps[0]);
}

void script_make(size_t index, struct script_event *into)
{
    const struct step *step = &steps[index];
    struct hf_trace_numbers *numbers = &into->event.numbers;
    uint32_t iss = step->host == SCRIPT_A ? SCRIPT_A_ISS : SCRIPT_B_ISS;
    uint32_t irs = step->host == SCRIPT_A ? SCRIPT_B_ISS : SCRIPT_A_ISS;

    script_blank(into, step->host, step->time, step->kind, step->reason);
    into->event.state_before = step->before;
    into->event.state = step->state;
    into->event.value = step->value;
    if (step->nxt) {
        numbers->iss = iss;
        numbers->snd_una = iss + step->una;
        numbers->snd_nxt = iss + step->nxt;
        numbers->snd_wnd = 65536;
        numbers->rcv_wnd = 65536;
        numbers->cwnd_bytes = step->reason == R(CWND_TIMEOUT) ? 1460 : 14600;
        numbers->ssthresh_bytes = step->reason == R(CWND_TIMEOUT) ? 2920 : UINT32_MAX;
        numbers->srtt_ns = 20 * MS;
        numbers->rto_ns = 200 * MS;
        into->event.connection = UINT64_C(0x0100000000000001) + step->host;
    }
    if (step->rcv) {
        numbers->irs = irs;
        numbers->rcv_nxt = irs + step->rcv;
        numbers->snd_wind_shift = numbers->rcv_wind_shift = 7;
    }
    if (step->reason == R(OPEN_PASSIVE)) {
        memset(&into->event.remote, 0, sizeof(into->event.remote));
        memset(into->event.local.address.bytes, 0, 16);
    }
    if (step->kind == HF_TRACE_SENT || step->kind == HF_TRACE_RECEIVED ||
        step->kind == HF_TRACE_LINK) {
        make_segment(&into->segment, step,
                     (step->host == SCRIPT_A) == (step->kind != HF_TRACE_RECEIVED));
        script_packet(into);
    }
}

void script_send(struct hf_trace_sink sink, const struct script_event *event)
{
    sink.event(sink.context, &event->event);
}

void script_play(struct hf_trace_sink sink)
{
    struct script_event event;

    for (size_t i = 0; i < script_length(); i++) {
        script_make(i, &event);
        script_send(sink, &event);
    }
}

char *script_read_all(FILE *file)
{
    size_t capacity = 1 << 16, length = 0;
    char *text = malloc(capacity);

    while (text) {
        size_t got = fread(text + length, 1, capacity - length - 1, file);

        length += got;
        if (got == 0)
            break;
        if (capacity - length < 4096) {
            char *larger = realloc(text, capacity *= 2);

            if (!larger)
                free(text);
            text = larger;
        }
    }
    if (text)
        text[length] = '\0';
    return text;
}

unsigned script_count(const char *text, const char *part)
{
    unsigned count = 0;

    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
        count++;
    return count;
}

/* Runs a line; false when it fails. */
static bool shell(const char *line, char **output)
{
    FILE *pipe = popen(line, "r"); /* NOLINT(cert-env33-c): outside programs are to judge */

    if (!pipe)
        return false;
    *output = script_read_all(pipe);
    return pclose(pipe) == 0 && *output;
}

char *script_run(const char *program, const char *line, const char *path)
{
    char *output = NULL;

    if (setenv("PROGRAM", program, 1) != 0 || setenv("FILE", path, 1) != 0 ||
        !shell("command -v \"$PROGRAM\" 2>&1", &output)) {
        printf("no %s here: it cannot judge\n", program);
        free(output);
        return NULL;
    }
    free(output);
    output = NULL;
    if (!shell(line, &output)) {
        printf("failed: %s\n%s\n", line, output ? output : "");
        free(output);
        abort();
    }
    return output;
}
