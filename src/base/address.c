/* SPDX-License-Identifier: MIT
 *
 * IP addresses as values. Only the bytes that the family has count: whatever stands behind an IPv4
 * address's four bytes is not compared.
 */
#include <handfast/types.h>
#include <string.h>

struct hf_address hf_address_ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return (struct hf_address){.family = HF_IPV4, .bytes = {a, b, c, d}};
}

struct hf_address hf_address_ipv6(const uint8_t bytes[16])
{
    struct hf_address address = {.family = HF_IPV6};
    memcpy(address.bytes, bytes, sizeof address.bytes);
    return address;
}

static size_t length_of(const struct hf_address *address)
{
    if (address->family == HF_IPV4)
        return 4;
    return address->family == HF_IPV6 ? 16 : 0;
}

int hf_address_equal(const struct hf_address *a, const struct hf_address *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, length_of(a)) == 0;
}

int hf_address_is_any(const struct hf_address *address)
{
    static const uint8_t zeros[16] = {0};
    return memcmp(address->bytes, zeros, length_of(address)) == 0;
}
