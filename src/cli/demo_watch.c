/* SPDX-License-Identifier: MIT
 *
 * A trace sink that remembers. The ladder is for people; this is what the demo checks itself
 * against when the last line is drawn, and where the scenarios find the packets that turn up again.
 */
#include "demo_watch.h"

#include <stdio.h>
#include <string.h>

#define IPV4_HEADER_BYTES 20u
#define IPV6_HEADER_BYTES 40u
#define TCP_HEADER_BYTES 20u
#define IP_PROTOCOL_TCP 6u

enum demo_packet demo_watch_kind(uint16_t flags, uint32_t length_bytes)
{
    if ((flags & HF_RST) != 0)
        return DEMO_PACKET_RST;
    if ((flags & HF_SYN) != 0)
        return (flags & HF_ACK) != 0 ? DEMO_PACKET_SYN_ACK : DEMO_PACKET_SYN;
    if ((flags & HF_FIN) != 0)
        return DEMO_PACKET_FIN;
    if (length_bytes > 0)
        return DEMO_PACKET_DATA;
    return (flags & HF_ACK) != 0 ? DEMO_PACKET_ACK : DEMO_PACKET_NONE;
}

/* The packets come from our own stacks, without extension headers; what is not plain TCP has no
 * kind. */
enum demo_packet demo_watch_kind_of_packet(const uint8_t *packet, size_t length)
{
    size_t header = IPV6_HEADER_BYTES;
    size_t data_offset;
    uint8_t protocol;

    if (length < IPV4_HEADER_BYTES + TCP_HEADER_BYTES)
        return DEMO_PACKET_NONE;
    if (packet[0] >> 4 == 4) {
        header = (size_t)(packet[0] & 0x0f) * 4;
        protocol = packet[9];
    } else {
        protocol = packet[6];
    }
    if (protocol != IP_PROTOCOL_TCP || length < header + TCP_HEADER_BYTES)
        return DEMO_PACKET_NONE;
    data_offset = (size_t)(packet[header + 12] >> 4) * 4;
    if (length < header + data_offset)
        return DEMO_PACKET_NONE;
    return demo_watch_kind(packet[header + 13], (uint32_t)(length - header - data_offset));
}

static void remember_state(struct demo_watch_host *host, enum hf_state state)
{
    if (host->state_count < DEMO_WATCH_STATES)
        host->states[host->state_count++] = state;
}

/* A host may have a listener and connections, one after the other: a change from a state that the
 * path does not stand at begins another connection's, and is written with where it began. */
static void remember_change(struct demo_watch_host *host, const struct hf_trace_event *event)
{
    if (host->state_count == 0 || (event->state_before != HF_CLOSED &&
                                   host->states[host->state_count - 1] != event->state_before))
        remember_state(host, event->state_before);
    remember_state(host, event->state);
}

static void remember_packet(struct demo_watch_host *host, const struct hf_trace_event *event)
{
    enum demo_packet kind = demo_watch_kind_of_packet(event->packet, event->packet_length);
    struct demo_watch_packet *last = &host->last[kind];

    last->length = 0;
    if (event->packet_length <= sizeof last->bytes) {
        memcpy(last->bytes, event->packet, event->packet_length);
        last->length = event->packet_length;
    }
}

static void watch_event(void *context, const struct hf_trace_event *event)
{
    struct demo_watch *watch = context;
    struct demo_watch_host *host;

    watch->events++;
    if (event->host >= DEMO_WATCH_HOSTS)
        return;
    host = &watch->hosts[event->host];
    host->reasons[event->reason]++;
    if (event->kind == HF_TRACE_STATE)
        remember_change(host, event);
    if (event->kind == HF_TRACE_SENT && event->packet != NULL)
        remember_packet(host, event);
}

struct hf_trace_sink demo_watch_sink(struct demo_watch *watch)
{
    return (struct hf_trace_sink){watch_event, watch};
}

void demo_watch_forget_states(struct demo_watch *watch)
{
    for (unsigned i = 0; i < DEMO_WATCH_HOSTS; i++)
        watch->hosts[i].state_count = 0;
}

char *demo_watch_path(const struct demo_watch *watch, unsigned host, char text[DEMO_PATH_TEXT])
{
    const struct demo_watch_host *watched = &watch->hosts[host];
    size_t length = 0;

    text[0] = '\0';
    for (unsigned i = 0; i < watched->state_count && length < DEMO_PATH_TEXT; i++) {
        int written = snprintf(text + length, DEMO_PATH_TEXT - length, "%s%s", i == 0 ? "" : " ",
                               hf_state_name(watched->states[i]));

        length += written > 0 ? (size_t)written : 0;
    }
    return text;
}

uint64_t demo_watch_retransmitted(const struct demo_watch *watch, unsigned host)
{
    const uint64_t *reasons = watch->hosts[host].reasons;

    return reasons[HF_REASON_RETRANSMIT_TIMEOUT] + reasons[HF_REASON_RETRANSMIT_AFTER_TIMEOUT] +
           reasons[HF_REASON_RETRANSMIT_RACK] + reasons[HF_REASON_RETRANSMIT_FAST] +
           reasons[HF_REASON_RETRANSMIT_PARTIAL] + reasons[HF_REASON_RETRANSMIT_SYN] +
           reasons[HF_REASON_RETRANSMIT_SYN_ACK] + reasons[HF_REASON_RETRANSMIT_FIN] +
           reasons[HF_REASON_RETRANSMIT_MTU];
}
