/* SPDX-License-Identifier: MIT
 *
 * Whether an address is ours is asked twice for each packet, coming and going, and a host may have
 * tens of thousands: a table of places, at most half full, answers. Its hash needs no key, for it
 * is the host's own addresses that stand in it.
 */
#include "ip_host.h"

#include <string.h>

#define NO_PLACE UINT32_MAX

static void clear_places(struct ip_host *host)
{
    for (uint32_t i = 0; i <= host->place_mask; i++) {
        host->places[i] = NO_PLACE;
    }
}

bool ip_host_init(struct ip_host *host, struct memory *memory, uint32_t limit)
{
    uint32_t slots = 4;
    while (slots < 2 * limit) {
        slots *= 2;
    }
    host->memory = memory;
    host->count = 0;
    host->limit = limit;
    host->place_mask = slots - 1;
    host->addresses = memory_allocate(memory, limit * sizeof host->addresses[0]);
    host->places = memory_allocate(memory, slots * sizeof host->places[0]);
    if (host->addresses == NULL || host->places == NULL) {
        ip_host_deinit(host);
        return false;
    }
    clear_places(host);
    return true;
}

void ip_host_deinit(struct ip_host *host)
{
    memory_release(host->memory, host->addresses, host->limit * sizeof host->addresses[0]);
    memory_release(host->memory, host->places, (host->place_mask + 1) * sizeof host->places[0]);
    host->addresses = NULL;
    host->places = NULL;
    host->count = 0;
}

/* Its bytes as two numbers, those that the family has not as zeros. */
struct address_words {
    uint64_t first, second;
};

static inline struct address_words words_of(const struct hf_address *address)
{
    struct address_words words = {0, 0};
    if (address->family == HF_IPV4) {
        memcpy(&words.first, address->bytes, 4);
    } else if (address->family == HF_IPV6) {
        memcpy(&words.first, address->bytes, 8);
        memcpy(&words.second, address->bytes + 8, 8);
    }
    return words;
}

static inline uint32_t home_of(struct address_words words)
{
    uint64_t mixed = words.first ^ words.second * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(mixed * UINT64_C(0xd6e8feb86659fd93) >> 32);
}

/* Its place in `addresses`, or host->count. */
static inline uint32_t find(const struct ip_host *host, const struct hf_address *address)
{
    struct address_words words = words_of(address);
    for (uint32_t at = home_of(words);; at++) {
        uint32_t place = host->places[at & host->place_mask];
        if (place == NO_PLACE) {
            return host->count;
        }
        struct address_words other = words_of(&host->addresses[place]);
        if (host->addresses[place].family == address->family && other.first == words.first &&
            other.second == words.second) {
            return place;
        }
    }
}

static void enter(struct ip_host *host, uint32_t place)
{
    uint32_t at = home_of(words_of(&host->addresses[place]));
    while (host->places[at & host->place_mask] != NO_PLACE) {
        at++;
    }
    host->places[at & host->place_mask] = place;
}

bool ip_is_unicast(const struct hf_address *address)
{
    /* 0.0.0.0/8 is "this network", a source only while booting (RFC 1122 3.2.1.3); 224/4 is
     * multicast; 240/4, with the broadcast address in it, is not unicast either. */
    if (address->family == HF_IPV4) {
        return address->bytes[0] != 0 && address->bytes[0] < 224;
    }
    return address->family == HF_IPV6 && !hf_address_is_any(address) && !ip_is_multicast(address);
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
    host->addresses[host->count] = *address;
    enter(host, host->count++);
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
    clear_places(host);
    for (uint32_t place = 0; place < host->count; place++) {
        enter(host, place);
    }
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
