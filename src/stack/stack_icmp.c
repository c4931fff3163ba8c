/* SPDX-License-Identifier: MIT
 *
 * ICMP carried between ip and tcp: echo is answered, errors are taken to the connection that they
 * quote (MUST-54) and judged there.
 */
#include "icmp_message.h"
#include "resting.h"

static enum hf_reason answer_echo(struct hf_stack *stack, const struct ip_header *ip,
                                  const struct icmp_message *message)
{
    struct ip_header answer;
    struct stack_reply *reply;
    size_t header = ip_header_bytes(ip->source.family);
    size_t length = header + 8 + message->payload_length;
    if (!stack->config.answer_echo) {
        return HF_REASON_ICMP_UNKNOWN;
    }
    if (length > stack->config.mtu) {
        return HF_REASON_LINK_MTU;
    }
    reply = reply_reserve(stack, length);
    if (reply == NULL) {
        return HF_REASON_RESOURCES;
    }
    memset(&answer, 0, sizeof answer);
    answer.source = ip->destination;
    answer.destination = ip->source;
    answer.protocol = ip->protocol;
    answer.ttl = stack->config.ttl;
    answer.dont_fragment = true;
    answer.payload_length = (uint32_t)(length - header);
    ip_emit(&answer, reply->packet);
    icmp_emit_echo_reply(message, &answer.source, &answer.destination, reply->packet + header,
                         length - header);
    reply->reason = HF_REASON_ICMP_ECHO;
    reply_commit(stack, reply);
    return HF_REASON_ICMP_ECHO;
}

/* RFC 6069 3: net or host unreachable, no route or address unreachable.
 * Keeps RFC6069-3-a. */
static bool path_broken(const struct icmp_message *message)
{
    bool ipv6 = message->quoted_source.address.family == HF_IPV6;
    return message->kind == ICMP_KIND_UNREACHABLE &&
           (message->code == 0 || message->code == (ipv6 ? 3 : 1));
}

/* For those who want to know more than an error number. */
static void keep_note(struct hf_stack *stack, struct tcp_conn *conn,
                      const struct icmp_message *message, const struct hf_address *sender)
{
    struct hf_note note;
    uint32_t kept = message->quoted_segment_bytes < sizeof note.quote
                        ? message->quoted_segment_bytes
                        : (uint32_t)sizeof note.quote;
    memset(&note, 0, sizeof note);
    note.kind = HF_NOTE_ICMP;
    note.time_ns = stack->host.now;
    note.error = message->error;
    note.type = message->type;
    note.code = message->code;
    note.detail = message->detail;
    note.sender = *sender;
    note.quote_bytes = message->quoted_segment_bytes;
    memcpy(note.quote, message->quoted_segment, kept);
    tcp_notes_error(conn, &stack->host, &note);
}

static enum hf_reason news_for_connection(struct hf_stack *stack,
                                          struct stack_connection *connection,
                                          const struct icmp_message *message,
                                          const struct hf_address *sender)
{
    enum hf_reason reason;
    if (connection == NULL) {
        return HF_REASON_MEMORY_LIMIT;
    }
    if (message->kind == ICMP_KIND_TOO_BIG) {
        reason = tcp_icmp_too_big(&connection->tcp, &stack->host, message->quoted_seq, message->mtu,
                                  message->quoted_bytes);
        if (reason == HF_REASON_ICMP_TOO_BIG) {
            path_mtu_learn(stack, &connection->tcp);
        }
    } else {
        tcp_icmp_unreachable(&connection->tcp, &stack->host, message->quoted_seq,
                             path_broken(message));
        bool opening = connection->tcp.state == HF_SYN_SENT;
        reason = tcp_icmp_error(&connection->tcp, &stack->host, message->quoted_seq,
                                message->severity == ICMP_SEVERITY_HARD, message->error);
        if (opening && reason != HF_REASON_ICMP_SEQUENCE) {
            keep_note(stack, &connection->tcp, message, sender);
        }
    }
    stack_settle(stack, connection);
    return reason;
}

static enum hf_reason take_error(struct hf_stack *stack, const struct icmp_message *message,
                                 const struct hf_address *sender)
{
    struct flow_tuple tuple;
    uint32_t reference;
    uint32_t index;
    uint32_t hash;
    if (!message->has_quote) {
        return HF_REASON_ICMP_QUOTE;
    }
    tuple = flow_tuple_make(&message->quoted_source, &message->quoted_destination);
    hash = flow_hash(stack, &tuple);
    reference = flow_find(stack, &tuple, hash);
    if (reference == FLOW_NONE) {
        return HF_REASON_ICMP_QUOTE;
    }
    index = reference & FLOW_INDEX_MASK;
    switch ((enum flow_kind)(reference >> FLOW_INDEX_BITS)) {
    case FLOW_CONNECTION:
        return news_for_connection(stack, pool_at(&stack->connections, index), message, sender);
    case FLOW_RESTING:
        return news_for_connection(
            stack, resting_wake(stack, reference, hash, HF_REASON_WAKE_SEGMENT), message, sender);
    case FLOW_SYN:
        return syn_cache_icmp(stack, index, message->quoted_seq,
                              message->severity == ICMP_SEVERITY_HARD);
    case FLOW_TIME_WAIT:
        break;
    }
    return HF_REASON_ICMP_SOFT;
}

/* Keeps RFC5927-6-a. */
static enum hf_reason verdict(struct hf_stack *stack, const struct ip_header *ip)
{
    struct icmp_message message;
    enum hf_reason reason = icmp_parse(ip, &message);
    if (reason != HF_REASON_NONE) {
        return reason;
    }
    switch (message.kind) {
    case ICMP_KIND_ECHO_REQUEST:
        return answer_echo(stack, ip, &message);
    case ICMP_KIND_SOURCE_QUENCH:
        return HF_REASON_ICMP_QUENCH; /* MUST-55 */
    case ICMP_KIND_UNREACHABLE:
    case ICMP_KIND_TOO_BIG:
    case ICMP_KIND_TIME_EXCEEDED:
    case ICMP_KIND_PARAMETER_PROBLEM:
        return take_error(stack, &message, &ip->source);
    case ICMP_KIND_ECHO_REPLY:
    case ICMP_KIND_UNKNOWN:
        break;
    }
    return HF_REASON_ICMP_UNKNOWN;
}

enum hf_reason stack_icmp_input(struct hf_stack *stack, const struct ip_header *ip,
                                const uint8_t *packet, size_t length)
{
    struct arrival arrival;
    enum hf_reason reason = verdict(stack, ip);
    memset(&arrival, 0, sizeof arrival);
    arrival.packet = packet;
    arrival.packet_length = length;
    arrival.tuple = flow_tuple_make(&(struct hf_endpoint){.address = ip->destination},
                                    &(struct hf_endpoint){.address = ip->source});
    stack_trace_received(stack, &arrival, reason, HF_CLOSED, HF_CLOSED, HF_NO_HANDLE, NULL);
    return reason;
}
