/* SPDX-License-Identifier: MIT
 *
 * Numbers that are counted from different places, and bytes that know theirs: see drill_flow.h.
 */
#include "drill_flow.h"

#include "drill_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t drill_flow_own_base(const struct drill_flow *flow, bool syn)
{
    return flow->sequence_offset + (syn ? 0 : flow->own_initial);
}

uint32_t drill_flow_peer_base(const struct drill_flow *flow, bool syn)
{
    return syn ? 0 : flow->peer_base;
}

uint32_t drill_flow_live(uint32_t base, struct drill_number number)
{
    return number.absolute ? number.value : number.value + base;
}

void drill_flow_note_timestamp(struct drill_flow *flow, uint32_t script, uint32_t live)
{
    if (flow->timestamp_count == flow->timestamp_room) {
        size_t room = flow->timestamp_room == 0 ? 16 : 2 * flow->timestamp_room;
        struct drill_timestamp *grown = realloc(flow->timestamps, room * sizeof *grown);
        if (grown == NULL)
            return;
        flow->timestamps = grown;
        flow->timestamp_room = room;
    }
    flow->timestamps[flow->timestamp_count++] = (struct drill_timestamp){script, live};
}

bool drill_flow_echo(const struct drill_flow *flow, uint32_t script, uint32_t *live)
{
    *live = script;
    if (script == 0 || flow->timestamp_count == 0)
        return script == 0;
    for (size_t i = flow->timestamp_count; i-- > 0;) {
        if (flow->timestamps[i].script == script) {
            *live = flow->timestamps[i].live;
            return true;
        }
    }
    /* One that was never sent: as far from the first as the script has it. */
    *live = flow->timestamps[0].live + (script - flow->timestamps[0].script);
    return true;
}

void drill_flow_free(struct drill_flow *flow)
{
    free(flow->timestamps);
    free(flow);
}

/* ---- streams */

uint8_t drill_stream_byte(uint32_t offset)
{
    return (uint8_t)(offset ^ (offset >> 8) * 29u ^ (offset >> 16) * 101u ^ 0x55u);
}

void drill_stream_fill(uint8_t *bytes, size_t length, uint32_t offset)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = drill_stream_byte(offset + (uint32_t)i);
}

size_t drill_stream_compare(const uint8_t *bytes, size_t length, uint32_t offset)
{
    size_t i = 0;
    while (i < length && bytes[i] == drill_stream_byte(offset + (uint32_t)i))
        i++;
    return i;
}

/* ---- words */

static void flags_print(uint16_t flags, char text[16])
{
    static const struct {
        uint16_t flag;
        char letter;
    } order[] = {
        {DRILL_SYN, 'S'}, {DRILL_FIN, 'F'}, {DRILL_RST, 'R'}, {DRILL_PSH, 'P'}, {DRILL_URG, 'U'},
        {DRILL_ECE, 'E'}, {DRILL_CWR, 'W'}, {DRILL_AE, 'A'},  {DRILL_ACK, '.'},
    };
    size_t length = 0;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        if (flags & order[i].flag)
            text[length++] = order[i].letter;
    }
    if (length == 0)
        text[length++] = '-';
    text[length] = '\0';
}

static void tcp_print(const struct drill_segment *segment, const struct drill_flow *flow,
                      bool inbound, char *text, size_t room)
{
    bool syn = (segment->flags & DRILL_SYN) != 0;
    uint32_t own = flow != NULL ? drill_flow_own_base(flow, syn) : 0,
             peer = flow != NULL ? drill_flow_peer_base(flow, syn) : 0;
    uint32_t seq = segment->seq - (inbound ? peer : own),
             ack = segment->ack - (inbound ? own : peer);
    char flags[16], options[256], ack_text[24] = "", urgent[16] = "";
    flags_print(segment->flags, flags);
    drill_options_print(segment->options, segment->options_length, inbound ? own : peer, options,
                        sizeof options);
    if (segment->flags & DRILL_ACK)
        snprintf(ack_text, sizeof ack_text, " ack %u", ack);
    if (segment->flags & DRILL_URG)
        snprintf(urgent, sizeof urgent, " urg %u", segment->urgent);
    snprintf(text, room, "%s %s %u:%u(%u)%s win %u%s%s%s%s", inbound ? "<" : ">", flags, seq,
             seq + segment->payload_length, segment->payload_length, ack_text, segment->window,
             urgent, segment->options_length > 0 ? " <" : "", options,
             segment->options_length > 0 ? ">" : "");
}

void drill_segment_print(const struct drill_segment *segment, const struct drill_flow *flow,
                         bool inbound, char *text, size_t room)
{
    if (segment->protocol == DRILL_PROTOCOL_TCP)
        tcp_print(segment, flow, inbound, text, room);
    else
        snprintf(text, room, "%s icmp type %d code %d, %u bytes", inbound ? "<" : ">",
                 segment->icmp_type, segment->icmp_code, segment->payload_length);
}
