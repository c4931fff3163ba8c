/* SPDX-License-Identifier: MIT
 *
 * What packetdrill does not look at, looked at here: that every packet is well formed with right
 * checksums, that no packet belongs to another conversation than the one under test (packetdrill
 * passes over those without a word), that no packet is left when the script ends, and that the
 * stack holds nothing once all its sockets are closed and its peers have reset what was open.
 *
 * The conversation under test is the one that the script spoke in last: the last packet that it
 * injected tells, or, after a connect, the first SYN that the stack sends. The end of a script
 * shows by packetdrill's way of ending it: it closes what is open with the C library's close and
 * injects one RST for each connection; what these bring about is no part of the script.
 */
#include "plugin.h"

#include "drill_segment.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As long as the longest timer that may still run for a closed connection. */
#define LONGEST_REST (7200 * HF_SECOND)
#define MOST_STEPS 2000000u

/* Set once and never taken back; the process that exits asks. */
static bool failed_strictly;

__attribute__((format(printf, 1, 0))) static void say_with(const char *format, va_list arguments)
{
    char text[512];
    vsnprintf(text, sizeof text, format, arguments);
    fprintf(stderr, "handfast-packetdrill: %s\n", text);
}

void plugin_say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_with(format, arguments);
    va_end(arguments);
}

void plugin_problem(struct plugin *plugin, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_with(format, arguments);
    va_end(arguments);
    plugin->judge.problems++;
    if (plugin->flags.strict)
        failed_strictly = true;
}

void plugin_judge_exit(void)
{
    if (failed_strictly) {
        fflush(NULL);
        _exit(EXIT_FAILURE);
    }
}

/* ---- packets */

static void flags_text(uint16_t flags, char text[12])
{
    static const struct {
        uint16_t flag;
        char letter;
    } letters[] = {{DRILL_SYN, 'S'}, {DRILL_FIN, 'F'}, {DRILL_RST, 'R'}, {DRILL_PSH, 'P'},
                   {DRILL_URG, 'U'}, {DRILL_ECE, 'E'}, {DRILL_CWR, 'W'}, {DRILL_ACK, '.'}};
    size_t length = 0;
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
        if (flags & letters[i].flag)
            text[length++] = letters[i].letter;
    }
    text[length] = '\0';
}

static const char *describe(const struct plugin_packet *packet, char text[256])
{
    struct drill_segment segment;
    char problem[128], from[HF_ENDPOINT_TEXT], to[HF_ENDPOINT_TEXT], flags[12];
    if (!drill_dissect(packet->bytes, packet->length, &segment, problem)) {
        snprintf(text, 256, "a packet of %zu bytes (%s)", packet->length, problem);
    } else if (segment.protocol != DRILL_PROTOCOL_TCP) {
        snprintf(text, 256, "an ICMP message of type %d, code %d", segment.icmp_type,
                 segment.icmp_code);
    } else {
        flags_text(segment.flags, flags);
        snprintf(text, 256, "%s to %s: %s seq %u, %u bytes, ack %u, win %u",
                 hf_endpoint_format(&segment.source, from),
                 hf_endpoint_format(&segment.destination, to), flags, segment.seq,
                 segment.payload_length, segment.ack, segment.window);
    }
    return text;
}

static bool same_tuple(const struct plugin_tuple *a, const struct plugin_tuple *b)
{
    return a->local.port == b->local.port && a->remote.port == b->remote.port &&
           hf_address_equal(&a->local.address, &b->local.address) &&
           hf_address_equal(&a->remote.address, &b->remote.address);
}

void plugin_judge_sent(struct plugin *plugin, const struct plugin_packet *packet)
{
    struct plugin_judge *judge = &plugin->judge;
    struct drill_segment segment;
    char problem[128], text[256];
    bool fine = drill_dissect(packet->bytes, packet->length, &segment, problem);
    if (plugin->flags.verbose)
        plugin_say("%lld us: sent %s", (long long)(packet->time / HF_MICROSECOND),
                   describe(packet, text));
    if (!fine) {
        plugin_problem(plugin, "%lld us: a packet of %zu bytes is wrong: %s",
                       (long long)(packet->time / HF_MICROSECOND), packet->length, problem);
    } else if (judge->connecting && segment.protocol == DRILL_PROTOCOL_TCP &&
               segment.flags & DRILL_SYN && !(segment.flags & DRILL_ACK)) {
        judge->under_test = (struct plugin_tuple){segment.source, segment.destination};
        judge->known = true;
        judge->connecting = false;
    }
}

void plugin_judge_taken(struct plugin *plugin, const struct plugin_packet *packet)
{
    const struct plugin_judge *judge = &plugin->judge;
    struct drill_segment segment;
    struct plugin_tuple tuple;
    char problem[128], text[256];
    if (!drill_dissect(packet->bytes, packet->length, &segment, problem) ||
        segment.protocol != DRILL_PROTOCOL_TCP)
        return;
    tuple = (struct plugin_tuple){segment.source, segment.destination};
    if (judge->known && !same_tuple(&tuple, &judge->under_test))
        plugin_problem(plugin, "%lld us: a packet of another conversation: %s",
                       (long long)(packet->time / HF_MICROSECOND), describe(packet, text));
}

static bool ends_connection(const struct drill_segment *segment)
{
    return segment->protocol == DRILL_PROTOCOL_TCP && segment->flags & DRILL_RST;
}

void plugin_judge_injected(struct plugin *plugin, const void *packet, size_t length)
{
    struct plugin_judge *judge = &plugin->judge;
    struct drill_segment segment;
    char problem[128];
    bool fine = drill_dissect(packet, length, &segment, problem);
    if (fine && ends_connection(&segment))
        plugin_judge_closed(plugin);
    else
        plugin_judge_goes_on(plugin);
    /* Whatever is wrong with it on purpose, it names a conversation. */
    if (segment.protocol == DRILL_PROTOCOL_TCP && segment.source.port != 0) {
        judge->under_test = (struct plugin_tuple){segment.destination, segment.source};
        judge->known = true;
        judge->connecting = false;
    }
}

void plugin_judge_connect(struct plugin *plugin)
{
    plugin->judge.connecting = true;
}

/* ---- the end */

void plugin_judge_goes_on(struct plugin *plugin)
{
    plugin->judge.ending = false;
}

void plugin_judge_closed(struct plugin *plugin)
{
    if (!plugin->judge.ending) {
        plugin->judge.ending = true;
        plugin->judge.sent_before_end = plugin->sent_count;
    }
}

static void judge_queue(struct plugin *plugin)
{
    uint64_t last = plugin->judge.ending ? plugin->judge.sent_before_end : plugin->sent_count;
    char text[256];
    for (const struct plugin_packet *packet = plugin->sent;
         packet != NULL && packet->number <= last; packet = packet->next)
        plugin_problem(plugin, "%lld us: the script ends, but this was sent, too: %s",
                       (long long)(packet->time / HF_MICROSECOND), describe(packet, text));
}

void plugin_judge_end(struct plugin *plugin)
{
    struct hf_counters counters;
    hf_time until = plugin->now + LONGEST_REST;
    judge_queue(plugin);
    plugin_packets_free(plugin);
    for (unsigned steps = 0; steps < MOST_STEPS; steps++) {
        hf_time next = plugin_next(plugin);
        if (next > until)
            break;
        plugin->now = next;
        plugin_drain(plugin);
        plugin_packets_free(plugin);
    }
    hf_stack_counters(plugin->stack, &counters);
    if (counters.connections != 0 || counters.listeners != 0 || counters.syn_records != 0 ||
        counters.time_waits != 0)
        plugin_problem(plugin,
                       "two hours after the end the stack still holds %u connections, %u "
                       "listeners, %u half-open ones and %u in TIME-WAIT",
                       counters.connections, counters.listeners, counters.syn_records,
                       counters.time_waits);
}
