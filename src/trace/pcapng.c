/* SPDX-License-Identifier: MIT
 *
 * pcapng (draft-ietf-opsawg-pcapng): what the hosts sent and received, with the reasons as packet
 * comments, for Wireshark and tshark.
 *
 * Each host is an interface of its own, named as the host, so that a packet appears where it left
 * and again where it arrived, each time with what that host thought of it; epb_flags tell outbound
 * from inbound. Comments, in this order: the reason; the host's state changes that belong to the
 * packet; what a simulated link did to it. Link type RAW holds IPv4 and IPv6 alike. Everything is
 * little-endian and in nanoseconds, so the same run gives the same bytes on every machine.
 *
 * A packet that was sent is held back for one event: if the link then says that it lost the packet
 * or bent it, that becomes a comment on it. What the link does without such a packet before it (an
 * old copy that turns up again) is a packet on an interface named "link". State changes come before
 * the packet that caused them, and are held back for it; those no packet belongs to cannot be said
 * in this format and are left out.
 *
 * After a write error the sink is silent (see trace_output).
 */
#include "trace_text.h"

#include <errno.h>
#include <handfast/trace.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SECTION_HEADER 0x0a0d0d0au
#define BLOCK_INTERFACE 1u
#define BLOCK_ENHANCED_PACKET 6u
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define LINK_TYPE_RAW 101u

#define OPTION_END 0u
#define OPTION_COMMENT 1u
#define OPTION_SECTION_APPLICATION 4u
#define OPTION_INTERFACE_NAME 2u
#define OPTION_INTERFACE_RESOLUTION 9u
#define OPTION_PACKET_FLAGS 2u

#define FLAG_INBOUND 1u
#define FLAG_OUTBOUND 2u

#define PACKET_MAX_BYTES 65575u /* IPv6 header and the longest payload it can announce */
#define COMMENTS 8u
#define COMMENT_BYTES 320u
#define INTERFACES 256u
#define STATE_CHANGES 4u
#define BLOCK_MAX_BYTES \
    (32u + PACKET_MAX_BYTES + 3u + (COMMENTS * (4u + COMMENT_BYTES)) + 8u + 4u + 4u)

struct comments {
    unsigned count;
    char text[COMMENTS][COMMENT_BYTES];
};

struct held_packet {
    bool used;
    uint32_t interface, host;
    hf_time time;
    struct comments comments;
    size_t length;
    uint8_t bytes[PACKET_MAX_BYTES];
};

struct interface {
    uint32_t host;
    char name[TRACE_NAME_BYTES];
};

struct hf_pcapng {
    struct trace_output output;
    int64_t epoch_ns;
    uint32_t interface_count; /* written to the file */
    uint32_t host_count;      /* of interfaces[]; their numbers are written[] */
    struct interface interfaces[INTERFACES];
    uint32_t written[INTERFACES];
    bool has_link, has_others;
    uint32_t link, others; /* interface numbers */

    unsigned state_count;
    struct hf_trace_event states[STATE_CHANGES]; /* without anything borrowed */
    struct held_packet held;
    size_t block_length;
    uint8_t block[BLOCK_MAX_BYTES];
};

/* ---- A block under construction */

static void put_u16(struct hf_pcapng *pcapng, unsigned value)
{
    uint8_t *at = pcapng->block + pcapng->block_length;

    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
    pcapng->block_length += 2;
}

static void put_u32(struct hf_pcapng *pcapng, uint32_t value)
{
    put_u16(pcapng, value & 0xffff);
    put_u16(pcapng, value >> 16);
}

/* Bytes and the padding to a multiple of four. */
static void put_bytes(struct hf_pcapng *pcapng, const void *bytes, size_t length)
{
    memcpy(pcapng->block + pcapng->block_length, bytes, length);
    pcapng->block_length += length;
    while (pcapng->block_length % 4 != 0)
        pcapng->block[pcapng->block_length++] = 0;
}

static void put_option(struct hf_pcapng *pcapng, unsigned code, const void *value, size_t length)
{
    put_u16(pcapng, code);
    put_u16(pcapng, (unsigned)length);
    put_bytes(pcapng, value, length);
}

static void begin_block(struct hf_pcapng *pcapng, uint32_t type)
{
    pcapng->block_length = 0;
    put_u32(pcapng, type);
    put_u32(pcapng, 0); /* the length, once it is known */
}

static void end_block(struct hf_pcapng *pcapng)
{
    size_t length = pcapng->block_length + 4;

    put_u32(pcapng, (uint32_t)length);
    pcapng->block_length = 4;
    put_u32(pcapng, (uint32_t)length);
    trace_output_write(&pcapng->output, pcapng->block, length);
}

static void write_section_header(struct hf_pcapng *pcapng)
{
    static const char application[] = "Handfast";

    begin_block(pcapng, BLOCK_SECTION_HEADER);
    put_u32(pcapng, BYTE_ORDER_MAGIC);
    put_u16(pcapng, 1); /* version 1.0 */
    put_u16(pcapng, 0);
    put_u32(pcapng, 0xffffffff); /* section length: not given */
    put_u32(pcapng, 0xffffffff);
    put_option(pcapng, OPTION_SECTION_APPLICATION, application, sizeof(application) - 1);
    put_option(pcapng, OPTION_END, "", 0);
    end_block(pcapng);
}

static uint32_t write_interface(struct hf_pcapng *pcapng, const char *name)
{
    static const uint8_t nanoseconds = 9; /* ticks of 10^-9 s */

    begin_block(pcapng, BLOCK_INTERFACE);
    put_u16(pcapng, LINK_TYPE_RAW);
    put_u16(pcapng, 0);
    put_u32(pcapng, 0); /* no snapshot length */
    put_option(pcapng, OPTION_INTERFACE_NAME, name, strlen(name));
    put_option(pcapng, OPTION_INTERFACE_RESOLUTION, &nanoseconds, 1);
    put_option(pcapng, OPTION_END, "", 0);
    end_block(pcapng);
    return pcapng->interface_count++;
}

static void write_packet(struct hf_pcapng *pcapng, uint32_t interface, hf_time time,
                         const uint8_t *packet, size_t length, uint32_t direction,
                         const struct comments *comments)
{
    size_t captured = length < PACKET_MAX_BYTES ? length : PACKET_MAX_BYTES;
    uint64_t ticks = 0;
    uint8_t flags[4] = {(uint8_t)direction, 0, 0, 0};

    if (time > 0 || pcapng->epoch_ns > 0)
        ticks = (uint64_t)time + (uint64_t)pcapng->epoch_ns;
    begin_block(pcapng, BLOCK_ENHANCED_PACKET);
    put_u32(pcapng, interface);
    put_u32(pcapng, (uint32_t)(ticks >> 32));
    put_u32(pcapng, (uint32_t)ticks);
    put_u32(pcapng, (uint32_t)captured);
    put_u32(pcapng, (uint32_t)length);
    put_bytes(pcapng, packet, captured);
    for (unsigned i = 0; i < comments->count; i++)
        put_option(pcapng, OPTION_COMMENT, comments->text[i], strlen(comments->text[i]));
    if (direction)
        put_option(pcapng, OPTION_PACKET_FLAGS, flags, sizeof(flags));
    put_option(pcapng, OPTION_END, "", 0);
    end_block(pcapng);
}

/* ---- Comments */

static void add_comment(struct comments *comments, const char *prefix, enum hf_reason reason)
{
    if (comments->count == COMMENTS)
        return;
    snprintf(comments->text[comments->count++], COMMENT_BYTES, "%s%s: %s (%s)", prefix,
             hf_reason_name(reason), hf_reason_sentence(reason), hf_reason_source(reason));
}

/* Readers of captures know the option, but not always its experimental form. */
static void add_fast_open_comment(struct comments *comments, const struct hf_trace_segment *segment)
{
    char cookie[TRACE_COOKIE_TEXT];

    if (!segment || !segment->has_fast_open || comments->count == COMMENTS)
        return;
    snprintf(comments->text[comments->count++], COMMENT_BYTES,
             "TCP Fast Open%s: %s%s (RFC 7413 %s)",
             segment->fast_open_experimental ? ", experimental option" : "",
             segment->fast_open_length > 0 ? "cookie " : "asks for a cookie",
             trace_cookie_text(segment, cookie), segment->fast_open_experimental ? "A" : "2");
}

static void add_state_comment(struct comments *comments, const struct hf_trace_event *event)
{
    char prefix[64];

    snprintf(prefix, sizeof(prefix), "%s -> %s: ", hf_state_name(event->state_before),
             hf_state_name(event->state));
    add_comment(comments, prefix, event->reason);
}

static bool same_end(const struct hf_endpoint *a, const struct hf_endpoint *b)
{
    return a->port == b->port && a->address.family == b->address.family &&
           memcmp(a->address.bytes, b->address.bytes, sizeof(a->address.bytes)) == 0;
}

/* Adds the state changes that belong to this packet; the others belonged to none. */
static void add_states(struct hf_pcapng *pcapng, const struct hf_trace_event *packet,
                       struct comments *comments)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < pcapng->state_count; i++) {
        const struct hf_trace_event *state = &pcapng->states[i];

        if (state->host == packet->host && state->time == packet->time &&
            same_end(&state->local, &packet->local) && same_end(&state->remote, &packet->remote))
            add_state_comment(comments, state);
        else if (state->time == packet->time)
            pcapng->states[kept++] = *state;
    }
    pcapng->state_count = kept;
}

static void keep_state(struct hf_pcapng *pcapng, const struct hf_trace_event *event)
{
    struct hf_trace_event *state;

    if (event->state == event->state_before)
        return;
    if (pcapng->state_count == STATE_CHANGES) {
        memmove(pcapng->states, pcapng->states + 1, (STATE_CHANGES - 1) * sizeof(*state));
        pcapng->state_count--;
    }
    state = &pcapng->states[pcapng->state_count++];
    *state = *event;
    state->segment = NULL;
    state->packet = NULL;
    state->host_name = "";
}

/* ---- Interfaces */

static uint32_t interface_of(struct hf_pcapng *pcapng, const struct hf_trace_event *event)
{
    struct interface *interface;

    for (uint32_t i = 0; i < pcapng->host_count; i++) {
        if (pcapng->interfaces[i].host == event->host)
            return pcapng->written[i];
    }
    if (pcapng->host_count == INTERFACES) {
        if (!pcapng->has_others)
            pcapng->others = write_interface(pcapng, "other hosts");
        pcapng->has_others = true;
        return pcapng->others;
    }
    interface = &pcapng->interfaces[pcapng->host_count];
    interface->host = event->host;
    trace_clean_name(interface->name, sizeof(interface->name), event->host_name, false);
    if (interface->name[0] == '\0')
        snprintf(interface->name, sizeof(interface->name), "host %" PRIu32, event->host);
    pcapng->written[pcapng->host_count] = write_interface(pcapng, interface->name);
    return pcapng->written[pcapng->host_count++];
}

static uint32_t link_interface(struct hf_pcapng *pcapng)
{
    if (!pcapng->has_link)
        pcapng->link = write_interface(pcapng, "link");
    pcapng->has_link = true;
    return pcapng->link;
}

/* ---- Events */

static void release_held(struct hf_pcapng *pcapng)
{
    struct held_packet *held = &pcapng->held;

    if (!held->used)
        return;
    held->used = false;
    write_packet(pcapng, held->interface, held->time, held->bytes, held->length, FLAG_OUTBOUND,
                 &held->comments);
}

static void hold_sent(struct hf_pcapng *pcapng, const struct hf_trace_event *event)
{
    struct held_packet *held = &pcapng->held;

    held->comments.count = 0;
    add_comment(&held->comments, "", event->reason);
    add_fast_open_comment(&held->comments, event->segment);
    add_states(pcapng, event, &held->comments);
    held->interface = interface_of(pcapng, event);
    if (event->packet_length > sizeof(held->bytes)) {
        write_packet(pcapng, held->interface, event->time, event->packet, event->packet_length,
                     FLAG_OUTBOUND, &held->comments);
        return;
    }
    held->used = true;
    held->host = event->host;
    held->time = event->time;
    held->length = event->packet_length;
    memcpy(held->bytes, event->packet, event->packet_length);
}

static void write_received(struct hf_pcapng *pcapng, const struct hf_trace_event *event)
{
    struct comments comments = {.count = 0};

    add_comment(&comments, "", event->reason);
    add_fast_open_comment(&comments, event->segment);
    add_states(pcapng, event, &comments);
    write_packet(pcapng, interface_of(pcapng, event), event->time, event->packet,
                 event->packet_length, FLAG_INBOUND, &comments);
}

static bool is_about_held(const struct hf_pcapng *pcapng, const struct hf_trace_event *event)
{
    const struct held_packet *held = &pcapng->held;

    if (!held->used || held->host != event->host || held->time != event->time ||
        event->reason == HF_REASON_LINK_DELAYED_DUPLICATE)
        return false;
    return !event->packet || (event->packet_length == held->length &&
                              (event->reason == HF_REASON_LINK_CORRUPT ||
                               memcmp(event->packet, held->bytes, held->length) == 0));
}

static void take_link(struct hf_pcapng *pcapng, const struct hf_trace_event *event)
{
    struct comments comments = {.count = 0};

    if (event->reason == HF_REASON_NONE || event->reason == HF_REASON_ACCEPTED)
        return;
    if (is_about_held(pcapng, event)) {
        add_comment(&pcapng->held.comments, "", event->reason);
        return;
    }
    release_held(pcapng);
    if (!event->packet)
        return;
    add_comment(&comments, "", event->reason);
    write_packet(pcapng, link_interface(pcapng), event->time, event->packet, event->packet_length,
                 0, &comments);
}

static void pcapng_event(void *context, const struct hf_trace_event *event)
{
    struct hf_pcapng *pcapng = context;

    if (pcapng->output.failed)
        return;
    if (event->kind != HF_TRACE_LINK)
        release_held(pcapng);
    switch (event->kind) {
    case HF_TRACE_SENT:
        if (event->packet)
            hold_sent(pcapng, event);
        break;
    case HF_TRACE_RECEIVED:
        if (event->packet)
            write_received(pcapng, event);
        break;
    case HF_TRACE_STATE:
        keep_state(pcapng, event);
        break;
    case HF_TRACE_LINK:
        take_link(pcapng, event);
        break;
    case HF_TRACE_TIMER:
    case HF_TRACE_RTT:
    case HF_TRACE_CWND:
    case HF_TRACE_WINDOW:
    case HF_TRACE_CALL:
    case HF_TRACE_ERROR:
    case HF_TRACE_LOSS:
    case HF_TRACE_RECOVERY:
    case HF_TRACE_LIMIT:
    case HF_TRACE_REST:
        break;
    }
}

struct hf_pcapng *hf_pcapng_new(void *file, int64_t epoch_ns)
{
    struct hf_pcapng *pcapng;

    if (!file || epoch_ns < 0) {
        errno = EINVAL;
        return NULL;
    }
    pcapng = calloc(1, sizeof(*pcapng));
    if (!pcapng)
        return NULL;
    pcapng->output.file = file;
    pcapng->epoch_ns = epoch_ns;
    write_section_header(pcapng);
    if (pcapng->output.failed) {
        int error = errno;

        free(pcapng);
        errno = error;
        return NULL;
    }
    return pcapng;
}

struct hf_trace_sink hf_pcapng_sink(struct hf_pcapng *pcapng)
{
    struct hf_trace_sink sink = {pcapng_event, pcapng};

    return sink;
}

void hf_pcapng_free(struct hf_pcapng *pcapng)
{
    if (!pcapng)
        return;
    if (!pcapng->output.failed)
        release_held(pcapng);
    trace_output_flush(&pcapng->output);
    free(pcapng);
}
