/* SPDX-License-Identifier: MIT
 *
 * The language of the scenarios: text to segment for what the peer sends, text against segment for
 * what the stack sends. harness.h describes it.
 */
#include "harness_internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAYLOAD_LIMIT = 65000, TEXT_LIMIT = 512 };

static const char flag_letters[] = "FSRP.UEWA"; /* from bit 0 up */

static void flags_text(unsigned flags, char text[10])
{
    unsigned length = 0;

    /* SYN first, as everybody writes it. */
    static const char order[] = "SFRPUEWA.";
    for (const char *letter = order; *letter != 0; letter++) {
        if (flags & 1u << (unsigned)(strchr(flag_letters, *letter) - flag_letters)) {
            text[length++] = *letter;
        }
    }
    if (length == 0) {
        text[length++] = '-';
    }
    text[length] = 0;
}

static const struct flow *flow_of_captured(const struct world *w, const struct segment *segment)
{
    for (unsigned i = 0; i < w->flow_count; i++) {
        if (w->flows[i].peer_port == segment->destination_port) {
            return &w->flows[i];
        }
    }
    return w->flow;
}

void describe(const struct world *w, const struct captured *captured, char *text, size_t capacity)
{
    const struct segment *segment = &captured->segment;
    const struct flow *flow = flow_of_captured(w, segment);
    char flags[10];
    int length;

    if (segment->source_port == 0) {
        snprintf(text, capacity, "%zu bytes that are no TCP segment", captured->length);
        return;
    }
    flags_text(segment->flags, flags);
    length =
        snprintf(text, capacity, "%s seq=%u(#%u) ack=%u(#%u) len=%zu win=%u at %+.6f s, port %u",
                 flags, segment->seq - flow->stack_iss, segment->seq, segment->ack - flow->peer_iss,
                 segment->ack, segment->payload_bytes, segment->window,
                 (double)(captured->time - w->now) / 1e9, segment->destination_port);
    if (segment->flags & HF_URG) {
        length += snprintf(text + length, capacity - (size_t)length, " urg=%u", segment->urgent);
    }
    if (segment->has_mss) {
        length += snprintf(text + length, capacity - (size_t)length, " mss=%u", segment->mss);
    }
    if (segment->has_ws) {
        length += snprintf(text + length, capacity - (size_t)length, " ws=%u", segment->ws);
    }
    if (segment->has_ts) {
        length += snprintf(text + length, capacity - (size_t)length, " ts=%u ecr=%u",
                           segment->ts_value, segment->ts_echo);
    }
    for (unsigned i = 0; i < segment->sack_count; i++) {
        length +=
            snprintf(text + length, capacity - (size_t)length, " sack=%u-%u",
                     segment->sack[i][0] - flow->peer_iss, segment->sack[i][1] - flow->peer_iss);
    }
}

void nothing_waits(struct world *w, const char *file, int line)
{
    if (waiting_packets(w) > 0) {
        char text[SEGMENT_TEXT];
        describe(w, &w->queue[w->queue_head], text, sizeof text);
        print_error("unexpected packet: %s\n", text);
        _fail(file, line);
    }
}

/* Splits "key=value" tokens in place; the first token is the flags. */
struct tokens {
    const char *key[40], *value[40];
    unsigned count, flags;
};

static unsigned parse_flags(const char *text)
{
    unsigned flags = 0;

    for (; *text != 0 && *text != '-'; text++) {
        const char *letter = strchr(flag_letters, *text);
        if (letter == NULL) {
            fail_msg("the script has no such flag: %s", text);
            return 0;
        }
        flags |= 1u << (unsigned)(letter - flag_letters);
    }
    return flags;
}

static void split(char *text, struct tokens *tokens)
{
    char *rest = NULL;
    char *token = strtok_r(text, " ", &rest);

    assert_non_null(token);
    tokens->count = 0;
    tokens->flags = parse_flags(token);
    while ((token = strtok_r(NULL, " ", &rest)) != NULL) {
        char *equals = strchr(token, '=');
        assert_true(tokens->count < 40);
        if (equals != NULL) {
            *equals = 0;
        }
        tokens->key[tokens->count] = token;
        tokens->value[tokens->count++] = equals != NULL ? equals + 1 : "";
    }
}

static uint32_t number(const char *text)
{
    char *end;
    long long value = strtoll(text, &end, 0);

    if (end == text || *end != 0) {
        fail_msg("the script has a bad number: %s", text);
    }
    return (uint32_t)value;
}

/* "#N" is N; "N" is N past the ISS. */
static uint32_t sequence(const char *text, uint32_t iss)
{
    return text[0] == '#' ? number(text + 1) : number(text) + iss;
}

static uint32_t known_stack_iss(const struct flow *flow)
{
    if (!flow->stack_iss_known) {
        fail_msg("the script speaks of the stack's ISS before the stack sent a SYN");
    }
    return flow->stack_iss;
}

static void option_byte(struct segment *segment, uint32_t value)
{
    assert_true(segment->option_bytes < SEGMENT_OPTION_BYTES);
    segment->options[segment->option_bytes++] = (uint8_t)value;
}

static void option_number(struct segment *segment, unsigned bytes, uint32_t value)
{
    while (bytes-- > 0) {
        option_byte(segment, value >> 8 * bytes & 0xff);
    }
}

static void put_sack(struct segment *segment, const char *text, uint32_t iss)
{
    size_t length_at = segment->option_bytes + 1;

    option_number(segment, 2, 5u << 8);
    for (const char *block = text; block != NULL; block = strchr(block, ',')) {
        unsigned left, right;
        block += *block == ',';
        if (sscanf(block, "%u-%u", &left, &right) != 2) {
            fail_msg("the script has a bad SACK block: %s", block);
        }
        option_number(segment, 4, left + iss);
        option_number(segment, 4, right + iss);
    }
    segment->options[length_at] = (uint8_t)(segment->option_bytes - length_at + 1);
}

static void put_raw(struct segment *segment, const char *text)
{
    unsigned byte;

    for (; sscanf(text, "%2x", &byte) == 1; text += 2) {
        option_byte(segment, byte);
        if (text[1] == 0) {
            fail_msg("raw= wants two digits a byte");
        }
    }
}

/* TSecr: as told, or the newest TSval of the stack where ACK is set. */
static uint32_t echo_for(const struct flow *flow, const struct tokens *tokens)
{
    for (unsigned i = 0; i < tokens->count; i++) {
        if (strcmp(tokens->key[i], "ecr") == 0) {
            return number(tokens->value[i]);
        }
    }
    return tokens->flags & HF_ACK ? flow->stack_ts_value : 0;
}

/* 1: it was an option. */
static int put_option(struct segment *segment, const struct flow *flow, const struct tokens *tokens,
                      const char *key, const char *value)
{
    if (strcmp(key, "mss") == 0) {
        option_number(segment, 4, 2u << 24 | 4u << 16 | (number(value) & 0xffff));
    } else if (strcmp(key, "ws") == 0) {
        option_number(segment, 4, 1u << 24 | 3u << 16 | 3u << 8 | (number(value) & 0xff));
    } else if (strcmp(key, "sackok") == 0) {
        option_number(segment, 4, 0x01010402);
    } else if (strcmp(key, "ts") == 0) {
        option_number(segment, 4, 0x0101080a);
        option_number(segment, 4, number(value));
        option_number(segment, 4, echo_for(flow, tokens));
    } else if (strcmp(key, "sack") == 0) {
        option_number(segment, 2, 0x0101);
        put_sack(segment, value, known_stack_iss(flow));
    } else if (strcmp(key, "raw") == 0) {
        put_raw(segment, value);
    } else {
        return strcmp(key, "ecr") == 0;
    }
    return 1;
}

static void put_field(struct segment *segment, const struct flow *flow, const char *key,
                      const char *value)
{
    if (strcmp(key, "seq") == 0) {
        segment->seq = sequence(value, flow->peer_iss);
    } else if (strcmp(key, "ack") == 0) {
        segment->ack = value[0] == '#' ? number(value + 1) : number(value) + known_stack_iss(flow);
    } else if (strcmp(key, "len") == 0) {
        segment->payload_bytes = number(value);
        assert_true(segment->payload_bytes <= PAYLOAD_LIMIT);
    } else if (strcmp(key, "win") == 0) {
        segment->window = (uint16_t)number(value);
    } else if (strcmp(key, "urg") == 0) {
        segment->urgent = (uint16_t)number(value);
    } else if (strcmp(key, "doff") == 0) {
        segment->data_offset = (int)number(value);
    } else if (strcmp(key, "reserved") == 0) {
        segment->reserved = number(value);
    } else if (strcmp(key, "bad") == 0) {
        segment->bad_checksum = 1;
    } else {
        fail_msg("the script has no such field: %s", key);
    }
}

/* What the options of the peer's SYN promise, as far as they can be read. */
static void note_peer_syn(struct flow *flow, const struct segment *segment)
{
    const uint8_t *options = segment->options;
    size_t at = 0;

    flow->peer_syn_seen = 1;
    while (at < segment->option_bytes && options[at] != 0) {
        size_t left = segment->option_bytes - at;
        if (options[at] == 1) {
            at++;
            continue;
        }
        if (left < 2 || options[at + 1] < 2 || options[at + 1] > left) {
            return;
        }
        if (options[at] == 2 && options[at + 1] == 4 && (options[at + 2] | options[at + 3])) {
            flow->peer_mss = (uint32_t)options[at + 2] << 8 | options[at + 3];
        } else if (options[at] == 3 && options[at + 1] == 3) {
            flow->peer_ws = 1;
            flow->peer_shift = options[at + 2] > 14 ? 14 : options[at + 2];
        } else if (options[at] == 4 && options[at + 1] == 2) {
            flow->peer_sackok = 1;
        } else if (options[at] == 8 && options[at + 1] == 10) {
            flow->peer_ts = 1;
        }
        at += options[at + 1];
    }
}

/* What the peer's SYN promised, and the window it offers, bind the stack from now on. */
static void note_peer_segment(struct world *w, const struct segment *segment)
{
    struct flow *flow = w->flow;

    if (segment->bad_checksum || (segment->flags & HF_RST)) {
        return;
    }
    if ((segment->flags & HF_SYN) && !flow->peer_syn_seen) {
        note_peer_syn(flow, segment);
    }
    if ((segment->flags & HF_ACK) && flow->stack_iss_known) {
        int shift =
            (segment->flags & HF_SYN) || !(flow->peer_ws && flow->stack_ws) ? 0 : flow->peer_shift;
        uint32_t edge = segment->ack - flow->stack_iss + ((uint32_t)segment->window << shift);
        if (!flow->peer_right_edge_known || (int32_t)(edge - flow->peer_right_edge) > 0) {
            flow->peer_right_edge = edge;
            flow->peer_right_edge_known = 1;
        }
    }
}

static size_t build_text(struct world *w, char *text, uint8_t *packet, size_t capacity)
{
    static uint8_t payload[PAYLOAD_LIMIT];
    struct segment segment = {.source = w->peer_address,
                              .destination = w->stack_address,
                              .source_port = w->flow->peer_port,
                              .destination_port = w->flow->stack_port,
                              .window = 65535,
                              .data_offset = -1,
                              .ttl = 64};
    struct tokens tokens;

    split(text, &tokens);
    segment.flags = tokens.flags;
    for (unsigned i = 0; i < tokens.count; i++) {
        if (!put_option(&segment, w->flow, &tokens, tokens.key[i], tokens.value[i])) {
            put_field(&segment, w->flow, tokens.key[i], tokens.value[i]);
        }
    }
    for (size_t i = 0; i < segment.payload_bytes; i++) {
        uint32_t first = segment.seq - w->flow->peer_iss + !!(segment.flags & HF_SYN);
        payload[i] = pattern_byte(0, first + (uint32_t)i);
    }
    segment.payload = payload;
    assert_true(segment.payload_bytes + 140 <= capacity);
    note_peer_segment(w, &segment);
    return segment_build(&segment, packet);
}

size_t build(struct world *w, uint8_t *packet, size_t capacity, const char *text, ...)
{
    char line[TEXT_LIMIT];
    va_list arguments;

    va_start(arguments, text);
    vsnprintf(line, sizeof line, text, arguments);
    va_end(arguments);
    return build_text(w, line, packet, capacity);
}

void peer_at_line(struct world *w, const char *file, int line, const char *text, ...)
{
    static uint8_t packet[PAYLOAD_LIMIT + 200];
    char script[TEXT_LIMIT];
    va_list arguments;

    nothing_waits(w, file, line);
    va_start(arguments, text);
    vsnprintf(script, sizeof script, text, arguments);
    va_end(arguments);
    inject(w, packet, build_text(w, script, packet, sizeof packet));
}

static const char *match_sack(const struct segment *segment, const char *text, uint32_t iss)
{
    unsigned count = 0;

    for (const char *block = text; block != NULL; block = strchr(block, ','), count++) {
        unsigned left, right;
        block += *block == ',';
        if (sscanf(block, "%u-%u", &left, &right) != 2) {
            return "(the script's SACK block)";
        }
        if (count >= segment->sack_count || segment->sack[count][0] != left + iss ||
            segment->sack[count][1] != right + iss) {
            return "sack";
        }
    }
    return count == segment->sack_count ? NULL : "sack";
}

/* NULL: it fits, or the token is no option; else the field that differs. */
static const char *match_option(const struct segment *segment, const struct flow *flow,
                                const char *key, const char *value, int *known)
{
    const struct {
        const char *name;
        int differs;
    } plain[] = {
        {"sackok", !segment->has_sackok}, {"nomss", segment->has_mss},
        {"nows", segment->has_ws},        {"nosackok", segment->has_sackok},
        {"nots", segment->has_ts},        {"nosack", segment->sack_count > 0},
    };

    *known = 1;
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (strcmp(key, plain[i].name) == 0) {
            return plain[i].differs ? plain[i].name : NULL;
        }
    }
    if (strcmp(key, "mss") == 0) {
        return segment->has_mss && (value[0] == 0 || segment->mss == number(value)) ? NULL : "mss";
    }
    if (strcmp(key, "ws") == 0) {
        return segment->has_ws && (value[0] == 0 || segment->ws == number(value)) ? NULL : "ws";
    }
    if (strcmp(key, "ts") == 0) {
        return segment->has_ts && (value[0] == 0 || segment->ts_value == number(value)) ? NULL
                                                                                        : "ts";
    }
    if (strcmp(key, "ecr") == 0) {
        return segment->has_ts && segment->ts_echo == number(value) ? NULL : "ecr";
    }
    if (strcmp(key, "sack") == 0) {
        return match_sack(segment, value, flow->peer_iss);
    }
    *known = 0;
    return NULL;
}

static const char *match_field(const struct segment *segment, const struct flow *flow,
                               const char *key, const char *value, unsigned *named)
{
    if (strcmp(key, "seq") == 0) {
        *named |= 1;
        return value[0] == '*' ||
                       segment->seq == sequence(value, value[0] == '#' ? 0 : known_stack_iss(flow))
                   ? NULL
                   : "seq";
    }
    if (strcmp(key, "ack") == 0) {
        *named |= 2;
        return value[0] == '*' || segment->ack == sequence(value, flow->peer_iss) ? NULL : "ack";
    }
    if (strcmp(key, "len") == 0) {
        *named |= 4;
        return segment->payload_bytes == number(value) ? NULL : "len";
    }
    if (strcmp(key, "win") == 0) {
        return segment->window == number(value) ? NULL : "win";
    }
    if (strcmp(key, "urg") == 0) {
        *named |= 8;
        return segment->urgent == number(value) ? NULL : "urg";
    }
    fail_msg("the script has no such field: %s", key);
    return key;
}

static const char *match(struct world *w, const struct segment *segment, char *text)
{
    struct tokens tokens;
    unsigned named = 0;

    split(text, &tokens);
    if (segment->destination_port != w->flow->peer_port) {
        return "peer port";
    }
    if (segment->flags != tokens.flags) {
        return "flags";
    }
    for (unsigned i = 0; i < tokens.count; i++) {
        int known;
        const char *wrong = match_option(segment, w->flow, tokens.key[i], tokens.value[i], &known);
        if (!known) {
            wrong = match_field(segment, w->flow, tokens.key[i], tokens.value[i], &named);
        }
        if (wrong != NULL) {
            return wrong;
        }
    }
    if (!(named & 1) || ((tokens.flags & HF_ACK) && !(named & 2))) {
        return "(the script must name seq and ack)";
    }
    if (!(named & 4) && segment->payload_bytes != 0) {
        return "len";
    }
    return !(named & 8) && segment->urgent != 0 ? "urg" : NULL;
}

const struct captured *sends_at_line(struct world *w, const char *file, int line, hf_time low,
                                     hf_time high, const char *text, ...)
{
    char script[TEXT_LIMIT], copy[TEXT_LIMIT], got[SEGMENT_TEXT];
    const struct captured *captured;
    hf_time start = w->now;
    const char *wrong;
    va_list arguments;

    va_start(arguments, text);
    vsnprintf(script, sizeof script, text, arguments);
    va_end(arguments);
    if (waiting_packets(w) == 0) {
        run_for(w, high, 1);
    }
    captured = next_packet(w);
    if (captured == NULL) {
        print_error("missing packet: %s\n  nothing was sent in %.6f s\n", script,
                    (double)high / 1e9);
        _fail(file, line);
        return NULL;
    }
    describe(w, captured, got, sizeof got);
    memcpy(copy, script, sizeof copy);
    wrong = match(w, &captured->segment, copy);
    if (wrong == NULL && (captured->time < start + low || captured->time > start + high)) {
        wrong = "time";
    }
    if (wrong != NULL) {
        print_error(
            "%s differs\n  expected: %s, after %.6f to %.6f s\n  sent:     %s; after %.6f s\n",
            wrong, script, (double)low / 1e9, (double)high / 1e9, got,
            (double)(captured->time - start) / 1e9);
        _fail(file, line);
    }
    return captured;
}

void silent_at_line(struct world *w, const char *file, int line, hf_time time)
{
    nothing_waits(w, file, line);
    run_for(w, time, 1);
    nothing_waits(w, file, line);
}
