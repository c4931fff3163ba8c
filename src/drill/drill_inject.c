/* SPDX-License-Identifier: MIT
 *
 * The peer's side: which conversation a line belongs to, and its packets.
 *
 * Without a word about it a line belongs to the current flow: the one that the last connect, or the
 * first SYN after the last listen, began. [peer PORT] and [sock N] name another one; [peer PORT]
 * with a port that is not known yet begins it.
 */
#include "drill_icmp.h"
#include "drill_options.h"
#include "drill_run.h"

#include <stdlib.h>
#include <string.h>

enum { PACKET_BYTES = 65535, FIRST_PEER_PORT = 53000, ECHO_BYTES = 16 };

/* ---- flows */

struct drill_flow *run_flow_new(struct drill_run *run, uint16_t remote_port, uint16_t local_port)
{
    struct drill_flow *flow = calloc(1, sizeof *flow);
    if (flow == NULL) {
        run_fail(run, run->event, "out of memory");
        return NULL;
    }
    flow->remote_port = remote_port;
    flow->local_port = local_port;
    flow->descriptor = DRILL_UNSET;
    flow->next = run->flows;
    run->flows = flow;
    return flow;
}

static struct drill_flow *find_flow(const struct drill_run *run, int remote_port, int local_port,
                                    int descriptor)
{
    for (struct drill_flow *flow = run->flows; flow != NULL; flow = flow->next) {
        if ((remote_port == DRILL_UNSET || flow->remote_port == remote_port) &&
            (local_port == DRILL_UNSET || flow->local_port == local_port ||
             flow->local_port == 0) && /* its SYN has not been seen yet */
            (descriptor == DRILL_UNSET || flow->descriptor == descriptor))
            return flow;
    }
    return NULL;
}

struct drill_flow *run_flow(struct drill_run *run, const struct drill_event *event)
{
    const struct drill_packet *packet = &event->packet;
    const struct drill_ip_info *ip = &packet->ip;
    bool syn = packet->inbound && packet->kind == DRILL_TCP && packet->flags & DRILL_SYN;
    uint16_t local =
        ip->local_port != DRILL_UNSET ? (uint16_t)ip->local_port : run->settings->bind_port;
    struct drill_flow *flow;
    if (ip->peer_port != DRILL_UNSET || ip->descriptor != DRILL_UNSET ||
        ip->local_port != DRILL_UNSET) {
        flow = find_flow(run, ip->peer_port, ip->local_port, ip->descriptor);
        if (flow == NULL && ip->descriptor == DRILL_UNSET && packet->inbound)
            flow = run_flow_new(
                run, ip->peer_port != DRILL_UNSET ? (uint16_t)ip->peer_port : FIRST_PEER_PORT,
                local);
        if (flow == NULL)
            run_fail(run, event, "there is no such conversation");
        return flow;
    }
    if (run->flow == NULL || (run->listening && syn)) {
        run->flow = run_flow_new(run, (uint16_t)(FIRST_PEER_PORT + run->passive_flows++), local);
        run->listening = false;
    }
    return run->flow;
}

/* ---- packets */

static bool addresses(struct drill_run *run, const struct drill_event *event,
                      const struct drill_flow *flow, struct drill_segment *segment)
{
    const struct drill_ip_info *ip = &event->packet.ip;
    segment->source.address = run->remote;
    segment->destination.address = run->local;
    segment->source.port = flow->remote_port;
    segment->destination.port = flow->local_port;
    if ((ip->from != NULL && (hf_address_parse(ip->from, &segment->source.address) != 0 ||
                              segment->source.address.family != run->remote.family)) ||
        (ip->to != NULL && (hf_address_parse(ip->to, &segment->destination.address) != 0 ||
                            segment->destination.address.family != run->local.family))) {
        run_fail(run, event, "an address in brackets is not one of this run's version of IP");
        return false;
    }
    segment->ttl = ip->ttl != DRILL_UNSET ? (uint8_t)ip->ttl : 64;
    segment->traffic_class = ip->traffic_class != DRILL_UNSET ? (uint8_t)ip->traffic_class : 0;
    if (ip->ecn != DRILL_UNSET)
        segment->traffic_class = (uint8_t)((segment->traffic_class & ~3) | ip->ecn);
    segment->flow_label = ip->flow_label != DRILL_UNSET ? (uint32_t)ip->flow_label : 0;
    segment->dont_fragment = ip->dont_fragment == 1;
    return true;
}

static bool options(struct drill_run *run, const struct drill_event *event,
                    const struct drill_flow *flow, struct drill_segment *segment)
{
    struct drill_option copies[DRILL_OPTIONS_BYTES];
    size_t count = 0;
    for (const struct drill_option *option = event->packet.options; option != NULL;
         option = option->next) {
        if (count == DRILL_OPTIONS_BYTES)
            return false; /* drill_check has counted their bytes */
        copies[count] = *option;
        copies[count].next = NULL;
        if (option->kind == DRILL_OPTION_TIMESTAMP &&
            !drill_flow_echo(flow, option->echo, &copies[count].echo)) {
            run_fail(run, event, "the stack has not sent a TS val yet that ecr %u could echo",
                     option->echo);
            return false;
        }
        if (count > 0)
            copies[count - 1].next = &copies[count];
        count++;
    }
    return drill_options_encode(count > 0 ? copies : NULL,
                                drill_flow_own_base(flow, (event->packet.flags & DRILL_SYN) != 0),
                                segment->options, &segment->options_length);
}

/* The numbers of the peer's SYN tell where its stream begins. */
static void note_syn(struct drill_flow *flow, const struct drill_packet *packet)
{
    if (!(packet->flags & DRILL_SYN) || packet->flags & DRILL_RST) {
        if (packet->flags & DRILL_ACK && flow->peer_known && flow->offset_known)
            flow->peer_base_settled = true;
        return;
    }
    if (!(packet->flags & DRILL_ACK) &&
        (!flow->peer_known || flow->peer_initial != packet->seq.value))
        flow->offset_open = true;
    flow->peer_known = true;
    flow->peer_initial = packet->seq.value;
    if (!flow->peer_base_settled)
        flow->peer_base = packet->seq.value;
}

static void inject(struct drill_run *run, const struct drill_event *event,
                   const struct drill_segment *segment)
{
    const struct drill_ip_info *ip = &event->packet.ip;
    const struct drill_faults faults = {ip->bad_checksum, ip->bad_ip_checksum, ip->data_offset};
    uint8_t *packet = malloc(PACKET_BYTES);
    size_t length = packet != NULL ? drill_build(segment, &faults, packet, PACKET_BYTES) : 0;
    if (length == 0) {
        run_fail(run, event, "this packet is larger than IP allows");
    } else {
        char text[512], time[32];
        if (run->settings->verbose) {
            drill_segment_print(segment, run->flow, true, text, sizeof text);
            fprintf(run->out, "    received: %s %s\n", run_time_text(run, run->now, time), text);
        }
        hf_stack_input(run->stack, packet, length, run->now);
        run_drain(run);
    }
    free(packet);
}

static void inject_tcp(struct drill_run *run, const struct drill_event *event,
                       struct drill_flow *flow)
{
    const struct drill_packet *packet = &event->packet;
    struct drill_segment segment;
    bool syn = (packet->flags & DRILL_SYN) != 0;
    uint8_t *payload = packet->length > 0 ? malloc(packet->length) : NULL;
    memset(&segment, 0, sizeof segment);
    segment.protocol = DRILL_PROTOCOL_TCP;
    segment.seq = drill_flow_live(drill_flow_peer_base(flow, syn), packet->seq);
    segment.flags = packet->flags;
    segment.reserved = packet->ip.reserved != DRILL_UNSET ? (uint8_t)packet->ip.reserved : 0;
    segment.ack =
        packet->has_ack ? drill_flow_live(drill_flow_own_base(flow, syn), packet->ack) : 0;
    segment.window = packet->window;
    segment.urgent = packet->urgent;
    segment.payload = payload;
    segment.payload_length = packet->length;
    if (packet->length > PACKET_BYTES || (packet->length > 0 && payload == NULL)) {
        run_fail(run, event, "this packet is larger than IP allows");
    } else if (addresses(run, event, flow, &segment) && options(run, event, flow, &segment)) {
        note_syn(flow, packet);
        flow->urgent |= (packet->flags & DRILL_URG) != 0;
        if (payload != NULL)
            drill_stream_fill(payload, packet->length,
                              segment.seq + (packet->flags & DRILL_SYN ? 1u : 0u) -
                                  flow->peer_initial - 1);
        inject(run, event, &segment);
    }
    free(payload);
}

/* The stack's segment as a router would quote it: its IP header and the first eight bytes. */
static size_t quote(struct drill_run *run, const struct drill_event *event,
                    const struct drill_flow *flow, uint8_t *bytes, size_t room)
{
    const struct drill_packet *packet = &event->packet;
    const struct drill_faults none = {false, false, DRILL_UNSET};
    struct drill_segment quoted;
    bool syn = (packet->flags & DRILL_SYN) != 0;
    size_t length;
    memset(&quoted, 0, sizeof quoted);
    quoted.protocol = DRILL_PROTOCOL_TCP;
    quoted.source = (struct hf_endpoint){run->local, flow->local_port};
    quoted.destination = (struct hf_endpoint){run->remote, flow->remote_port};
    quoted.ttl = 63;
    quoted.dont_fragment = true;
    quoted.seq = drill_flow_live(drill_flow_own_base(flow, syn), packet->seq);
    quoted.flags = packet->flags;
    quoted.ack =
        packet->has_ack ? drill_flow_live(drill_flow_peer_base(flow, syn), packet->ack) : 0;
    length = drill_build(&quoted, &none, bytes, room);
    /* The quoted header tells the length of the whole packet. */
    if (run->local.family == HF_IPV4 && length > 0) {
        size_t whole = length + packet->length;
        bytes[2] = (uint8_t)(whole >> 8);
        bytes[3] = (uint8_t)whole;
        return length - 12;
    }
    return length;
}

static void inject_icmp(struct drill_run *run, const struct drill_event *event,
                        const struct drill_flow *flow)
{
    const struct drill_packet *packet = &event->packet;
    struct drill_segment segment;
    uint8_t bytes[128];
    bool v4 = run->local.family == HF_IPV4;
    memset(&segment, 0, sizeof segment);
    segment.protocol = v4 ? DRILL_PROTOCOL_ICMP : DRILL_PROTOCOL_ICMP6;
    if (!addresses(run, event, flow, &segment))
        return;
    if (!drill_icmp_find(v4 ? 4 : 6, packet->icmp_type, packet->icmp_code, &segment.icmp_type,
                         &segment.icmp_code)) {
        run_fail(run, event, "%s has no ICMP message 'icmp %s%s%s'", v4 ? "IPv4" : "IPv6",
                 packet->icmp_type, packet->icmp_code != NULL ? " " : "",
                 packet->icmp_code != NULL ? packet->icmp_code : "");
        return;
    }
    if (packet->icmp_mtu != DRILL_UNSET)
        segment.icmp_rest = (uint32_t)packet->icmp_mtu;
    segment.payload = bytes;
    if (packet->has_quote) {
        segment.payload_length = (uint32_t)quote(run, event, flow, bytes, sizeof bytes);
    } else {
        drill_stream_fill(bytes, ECHO_BYTES, 0);
        segment.payload_length = ECHO_BYTES;
    }
    inject(run, event, &segment);
}

void run_inject(struct drill_run *run, const struct drill_event *event)
{
    struct drill_flow *flow = run_flow(run, event);
    if (flow == NULL)
        return;
    if (flow->local_port == 0) {
        run_fail(run, event, "the stack's port is not known: no line has matched its SYN yet");
        return;
    }
    if (event->packet.kind == DRILL_ICMP)
        inject_icmp(run, event, flow);
    else
        inject_tcp(run, event, flow);
}
