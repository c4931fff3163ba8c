/* SPDX-License-Identifier: MIT */
#include "ip_host.h"

#include <string.h>

bool ip_host_init(struct ip_host *host, struct memory *memory, uint32_t limit)
{
    host->memory = memory;
    host->count = 0;
    host->limit = limit;
    host->addresses = memory_allocate(memory, limit * sizeof host->addresses[0]);
    return host->addresses != NULL;
}

void ip_host_deinit(struct ip_host *host)
{
    memory_release(host->memory, host->addresses, host->limit * sizeof host->addresses[0]);
    host->addresses = NULL;
    host->count = 0;
}

static uint32_t find(const struct ip_host *host, const struct hf_address *address)
{
    uint32_t i = 0;
    while (i < host->count && !hf_address_equal(&host->addresses[i], address)) {
        i++;
    }
    return i;
}

bool ip_is_unicast(const struct hf_address *address)
{
    if (address->family != HF_IPV4 && address->family != HF_IPV6) {
        return false;
    }
    /* 0.0.0.0/8 is "this network", a source only while booting (RFC 1122 3.2.1.3); 240/4 is not
     * unicast either. */
    if (address->family == HF_IPV4 && (address->bytes[0] == 0 || address->bytes[0] >= 240)) {
        return false;
    }
    return !hf_address_is_any(address) && !ip_is_multicast(address) && !ip_is_broadcast(address);
}

int ip_host_add(struct ip_host *host, const struct hf_address *address)
{
    if (!ip_is_unicast(address)) {
        return HF_EINVAL;
    }
    if (find(host, address) < host->count) {
        return HF_EADDRINUSE;
    }
    if (host->count == host->limit) {
        return HF_ENOBUFS;
    }
    host->addresses[host->count++] = *address;
    return HF_OK;
}

int ip_host_remove(struct ip_host *host, const struct hf_address *address)
{
    uint32_t i = find(host, address);
    if (i == host->count) {
        return HF_EADDRNOTAVAIL;
    }
    memmove(&host->addresses[i], &host->addresses[i + 1],
            (host->count - i - 1) * sizeof host->addresses[0]);
    host->count--;
    return HF_OK;
}

bool ip_host_is_local(const struct ip_host *host, const struct hf_address *address)
{
    return find(host, address) < host->count;
}

static unsigned common_prefix_bits(const struct hf_address *a, const struct hf_address *b)
{
    for (unsigned i = 0; i < sizeof a->bytes; i++) {
        unsigned differ = (unsigned)(a->bytes[i] ^ b->bytes[i]);
        if (differ != 0) {
            return 8 * i + (unsigned)__builtin_clz(differ) - 24;
        }
    }
    return 8 * sizeof a->bytes;
}

const struct hf_address *ip_host_source_for(const struct ip_host *host,
                                            const struct hf_address *destination)
{
    const struct hf_address *best = NULL;
    unsigned best_bits = 0;
    for (uint32_t i = 0; i < host->count; i++) {
        unsigned bits;
        if (host->addresses[i].family != destination->family) {
            continue;
        }
        bits = common_prefix_bits(&host->addresses[i], destination);
        if (best == NULL || bits > best_bits) {
            best = &host->addresses[i];
            best_bits = bits;
        }
    }
    return best;
}

enum hf_reason ip_host_input(const struct ip_host *host, const uint8_t *packet, size_t length,
                             struct ip_header *header)
{
    enum hf_reason reason = ip_parse(packet, length, header);
    if (reason != HF_REASON_NONE) {
        return reason;
    }
    /* MUST-57: this also silences what is sent to broadcast and multicast addresses. */
    if (!ip_host_is_local(host, &header->destination)) {
        return HF_REASON_IP_DESTINATION;
    }
    /* MUST-63. */
    if (!ip_is_unicast(&header->source)) {
        return HF_REASON_IP_SOURCE;
    }
    return HF_REASON_NONE;
}
