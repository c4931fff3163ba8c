/* SPDX-License-Identifier: MIT
 *
 * Which of a host's cores a flow belongs to (cores.h).
 *
 * A hash of both endpoints decides, and nothing else, so that any core can tell of any packet
 * without asking another. It is symmetric: packets of both directions have the same core, and so
 * have both ends of a connection of the host with itself. It is keyed, from config.seed, so that
 * nobody outside can choose ports that all fall to one core; but as no more than a balance hangs on
 * it, it is not SipHash, which would cost as much as the flow table's look-up, on every packet, by
 * whoever received it.
 *
 * An ICMP error belongs to the flow that it quotes. What belongs to no flow (echo requests,
 * fragments, rubbish) is answered where it arrives.
 */
#include "icmp_message.h"
#include "stack_state.h"
#include "wire_bytes.h"

#include <handfast/cores.h>

#define TCP_PORTS_BYTES 4u

/* Odd, from the golden ratio and the square root of 2, in 64 bits. */
#define MULTIPLIER_ONE UINT64_C(0x9e3779b97f4a7c15)
#define MULTIPLIER_TWO UINT64_C(0x6a09e667f3bcc909)

static uint64_t mix(uint64_t value, uint64_t multiplier)
{
    value *= multiplier;
    return value ^ value >> 32;
}

static uint64_t read_64(const uint8_t *bytes)
{
    return (uint64_t)wire_read_32(bytes) << 32 | wire_read_32(bytes + 4);
}

/* `address`: 4 or 16 bytes. */
static uint64_t mix_endpoint(const struct siphash_key *key, const uint8_t *address, bool ipv6,
                             uint16_t port)
{
    uint64_t value = key->k0;
    if (ipv6) {
        value = mix(value ^ read_64(address), MULTIPLIER_TWO);
        value = mix(value ^ read_64(address + 8), MULTIPLIER_TWO);
    } else {
        value ^= (uint64_t)wire_read_32(address) << 16;
    }
    return mix(value ^ port, MULTIPLIER_ONE);
}

static uint32_t core_of(const struct hf_stack *stack, uint64_t one, uint64_t other)
{
    uint64_t hash = mix((one + other) ^ stack->keys.steering.k1, MULTIPLIER_TWO);
    hash = mix(hash, MULTIPLIER_ONE);
    return (uint32_t)((hash >> 32) * stack->config.cores >> 32);
}

uint32_t stack_core_of_tuple(const struct hf_stack *stack, const struct flow_tuple *tuple)
{
    const struct siphash_key *key = &stack->keys.steering;
    bool ipv6 = tuple->family == HF_IPV6;
    return core_of(stack, mix_endpoint(key, tuple->local, ipv6, tuple->local_port),
                   mix_endpoint(key, tuple->remote, ipv6, tuple->remote_port));
}

static uint32_t core_of_endpoints(const struct hf_stack *stack, const struct hf_endpoint *one,
                                  const struct hf_endpoint *other)
{
    struct flow_tuple tuple = flow_tuple_make(one, other);
    return stack_core_of_tuple(stack, &tuple);
}

/* What is not a plain TCP packet. */
static uint32_t core_of_any(const struct hf_stack *stack, const uint8_t *packet, size_t length)
{
    struct ip_header ip;
    struct icmp_message message;
    struct hf_endpoint source;
    struct hf_endpoint destination;
    if (ip_parse(packet, length, &ip) != HF_REASON_NONE) {
        return stack->config.core;
    }
    if (ip.protocol == IP_PROTOCOL_TCP && ip.payload_length >= TCP_PORTS_BYTES) {
        source = (struct hf_endpoint){ip.source, wire_read_16(ip.payload)};
        destination = (struct hf_endpoint){ip.destination, wire_read_16(ip.payload + 2)};
        return core_of_endpoints(stack, &source, &destination);
    }
    if ((ip.protocol == IP_PROTOCOL_ICMP || ip.protocol == IP_PROTOCOL_ICMPV6) &&
        icmp_parse(&ip, &message) == HF_REASON_NONE && message.has_quote) {
        return core_of_endpoints(stack, &message.quoted_source, &message.quoted_destination);
    }
    return stack->config.core;
}

uint32_t hf_stack_core_of(const struct hf_stack *stack, const void *packet, size_t length)
{
    const struct siphash_key *key = &stack->keys.steering;
    const uint8_t *ip = packet;
    if (stack->config.cores == 1) {
        return 0;
    }
    if (length >= IPV4_HEADER_BYTES + TCP_PORTS_BYTES && ip[0] == 0x45 &&
        ip[9] == IP_PROTOCOL_TCP && (wire_read_16(ip + 6) & 0x3fff) == 0) {
        const uint8_t *tcp = ip + IPV4_HEADER_BYTES;
        return core_of(stack, mix_endpoint(key, ip + 12, false, wire_read_16(tcp)),
                       mix_endpoint(key, ip + 16, false, wire_read_16(tcp + 2)));
    }
    if (length >= IPV6_HEADER_BYTES + TCP_PORTS_BYTES && ip[0] >> 4 == 6 &&
        ip[6] == IP_PROTOCOL_TCP) {
        const uint8_t *tcp = ip + IPV6_HEADER_BYTES;
        return core_of(stack, mix_endpoint(key, ip + 8, true, wire_read_16(tcp)),
                       mix_endpoint(key, ip + 24, true, wire_read_16(tcp + 2)));
    }
    return core_of_any(stack, packet, length);
}

uint32_t hf_handle_core(hf_handle handle)
{
    return (uint32_t)handle >> HANDLE_CORE_SHIFT;
}
