/* SPDX-License-Identifier: MIT
 *
 * A script is looked over as a whole before its first event, so that a slip of the pen in its last
 * line is found without running it, and is never taken for a fault of the stack.
 */
#include "drill_check.h"

#include "drill_call.h"
#include "drill_options.h"
#include "drill_symbols.h"

#include <string.h>

/* Functions that stand for themselves in arguments. */
static const char *const functions[] = {
    "htons",  "ntohs",    "htonl",   "inet_addr",   "inet_pton",
    "sizeof", "msg_name", "msg_iov", "msg_control",
};

static bool is_function(const char *name)
{
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (strcmp(functions[i], name) == 0)
            return true;
    }
    return false;
}

/* Words become numbers, all the way down. */
static void resolve(struct drill_script *script, struct drill_expression *expression)
{
    if (expression->kind == DRILL_WORD) {
        if (!drill_symbol_find(expression->text, &expression->integer)) {
            drill_complain(script, expression->position, "the name '%s' is not known",
                           expression->text);
            return;
        }
        expression->kind = DRILL_INTEGER;
    }
    if (expression->kind == DRILL_FUNCTION && !is_function(expression->text)) {
        drill_complain(script, expression->position, "the function '%s' is not known",
                       expression->text);
        return;
    }
    if (expression->kind == DRILL_FUNCTION && strcmp(expression->text, "sizeof") == 0)
        return; /* its operand is a name of C */
    for (struct drill_expression *child = expression->first; child != NULL && !script->failed;
         child = child->next)
        resolve(script, child);
}

static void check_call(struct drill_script *script, struct drill_event *event)
{
    struct drill_call *call = &event->call;
    const struct drill_call_kind *kind = drill_call_find(call->name);
    if (kind == NULL) {
        drill_complain(script, event->position, "there is no system call '%s'", call->name);
        return;
    }
    if (call->argument_count < kind->least || call->argument_count > kind->most) {
        drill_complain(script, event->position, "%s takes %u argument%s, not %u", call->name,
                       call->argument_count < kind->least ? kind->least : kind->most,
                       kind->most == 1 ? "" : "s", call->argument_count);
        return;
    }
    for (struct drill_expression *argument = call->arguments; argument != NULL && !script->failed;
         argument = argument->next)
        resolve(script, argument);
    if (!script->failed)
        resolve(script, call->result);
    if (call->error != NULL) {
        call->error_number = drill_errno_find(call->error);
        if (call->error_number == 0)
            drill_complain(script, call->result->position, "the error '%s' is not known",
                           call->error);
        else if (call->result->kind != DRILL_INTEGER || call->result->integer != -1)
            drill_complain(script, call->result->position, "an error comes with -1");
    }
    if (kind->result == DRILL_RESULT_DESCRIPTOR && call->result->kind == DRILL_ELLIPSIS)
        drill_complain(script, call->result->position, "the descriptor needs a number here");
}

static void check_packet(struct drill_script *script, const struct drill_event *event)
{
    const struct drill_packet *packet = &event->packet;
    const struct drill_ip_info *ip = &packet->ip;
    uint8_t bytes[DRILL_OPTIONS_BYTES], length;
    if (!drill_options_encode(packet->options, 0, bytes, &length))
        drill_complain(script, event->position, "TCP options have %d bytes at most",
                       DRILL_OPTIONS_BYTES);
    if (packet->inbound && packet->any_options)
        drill_complain(script, event->position, "<...> is for outbound packets");
    if (packet->inbound && packet->length > UINT16_MAX)
        drill_complain(script, event->position, "no packet holds %u bytes", packet->length);
    if (packet->inbound && packet->seq.absolute)
        drill_complain(script, event->position,
                       "the peer's own numbers are the script's: @ has no meaning here");
    if (!packet->inbound &&
        (ip->bad_checksum || ip->bad_ip_checksum || ip->from != NULL || ip->to != NULL ||
         ip->data_offset != DRILL_UNSET || ip->reserved != DRILL_UNSET))
        drill_complain(script, event->position,
                       "badsum, badipsum, doff, reserved, from and to are for inbound packets");
    if (packet->kind == DRILL_TCP && packet->has_ack && !(packet->flags & DRILL_ACK) &&
        !packet->inbound)
        drill_complain(script, event->position, "an acknowledgement number needs the flag '.'");
}

/* A packet that arrives, or code, has one time; only what the stack does may have a range. */
static void check_time(struct drill_script *script, const struct drill_event *event,
                       int64_t *latest)
{
    const struct drill_time *time = &event->time;
    bool outbound = event->kind == DRILL_EVENT_PACKET && !event->packet.inbound;
    if (time->kind == DRILL_TIME_ANY && !outbound)
        drill_complain(script, event->position, "only an outbound packet may come at any time");
    if (time->range == DRILL_RANGE_WINDOW && event->kind == DRILL_EVENT_CALL)
        drill_complain(script, event->position,
                       "a call that waits has a time as +0...1; ~ is for outbound packets");
    if (time->range != DRILL_RANGE_NONE && !outbound && event->kind != DRILL_EVENT_CALL)
        drill_complain(script, event->position,
                       "only outbound packets and calls that wait have a range of time");
    if (time->kind != DRILL_TIME_ABSOLUTE)
        return;
    if (time->end_ns < *latest)
        drill_complain(script, event->position,
                       "this time is before that of an event above, %lld.%06lld",
                       (long long)(*latest / 1000000000), (long long)(*latest % 1000000000 / 1000));
    if (time->begin_ns > *latest)
        *latest = time->begin_ns;
}

bool drill_check(struct drill_script *script)
{
    int64_t latest = 0;
    if (!script->failed && script->events == NULL)
        drill_complain(script, (struct drill_position){1, 1}, "the script has no event");
    for (struct drill_event *event = script->events; event != NULL && !script->failed;
         event = event->next) {
        check_time(script, event, &latest);
        if (event->kind == DRILL_EVENT_CALL)
            check_call(script, event);
        else if (event->kind == DRILL_EVENT_PACKET)
            check_packet(script, event);
    }
    return !script->failed;
}
