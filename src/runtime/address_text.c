/* SPDX-License-Identifier: MIT
 *
 * Addresses and endpoints as people write them: "10.0.0.1", "fd00::1", "10.0.0.1:80",
 * "[fd00::1]:80". libc's inet_pton and inet_ntop do the addresses, so that what is taken and how
 * it prints (RFC 5952) is what every other program on the system does. The wildcard of both
 * families is "*", as in Linux's ss.
 */
#include <arpa/inet.h>
#include <handfast/types.h>
#include <stdio.h>
#include <string.h>

int hf_address_parse(const char *text, struct hf_address *address)
{
    struct hf_address parsed = {.family = HF_FAMILY_ANY};

    if (text == NULL || address == NULL)
        return HF_EINVAL;
    if (inet_pton(AF_INET, text, parsed.bytes) == 1)
        parsed.family = HF_IPV4;
    else if (inet_pton(AF_INET6, text, parsed.bytes) == 1)
        parsed.family = HF_IPV6;
    else if (strcmp(text, "*") != 0)
        return HF_EINVAL;
    *address = parsed;
    return HF_OK;
}

char *hf_address_format(const struct hf_address *address, char text[HF_ADDRESS_TEXT])
{
    const char *written = NULL;

    if (address->family == HF_IPV4)
        written = inet_ntop(AF_INET, address->bytes, text, HF_ADDRESS_TEXT);
    else if (address->family == HF_IPV6)
        written = inet_ntop(AF_INET6, address->bytes, text, HF_ADDRESS_TEXT);
    if (written == NULL) {
        text[0] = address->family == HF_FAMILY_ANY ? '*' : '?';
        text[1] = '\0';
    }
    return text;
}

/* One to five digits and nothing else: no sign, no space, no more than 65535. */
static int parse_port(const char *text, uint16_t *port)
{
    uint32_t value = 0;
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 5 || text[digits] != '\0')
        return HF_EINVAL;
    for (size_t i = 0; i < digits; i++)
        value = value * 10 + (uint32_t)(text[i] - '0');
    if (value > UINT16_MAX)
        return HF_EINVAL;
    *port = (uint16_t)value;
    return HF_OK;
}

/* Splits at the colon before the port. IPv6's own colons need the brackets: "fd00::1:80" is an
 * address, not an endpoint. NULL when the text is no endpoint. */
static const char *split_endpoint(const char *text, char host[HF_ADDRESS_TEXT])
{
    int bracketed = text[0] == '[';
    const char *start = bracketed ? text + 1 : text;
    const char *end = strchr(start, bracketed ? ']' : ':');
    const char *colon = end != NULL && bracketed ? end + 1 : end;
    size_t length;

    if (colon == NULL || *colon != ':')
        return NULL;
    length = (size_t)(end - start);
    if (length >= HF_ADDRESS_TEXT)
        return NULL;
    memcpy(host, start, length);
    host[length] = '\0';
    return colon + 1;
}

int hf_endpoint_parse(const char *text, struct hf_endpoint *endpoint)
{
    char host[HF_ADDRESS_TEXT];
    struct hf_endpoint parsed;
    const char *port;

    if (text == NULL || endpoint == NULL)
        return HF_EINVAL;
    port = split_endpoint(text, host);
    if (port == NULL || parse_port(port, &parsed.port) != HF_OK ||
        hf_address_parse(host, &parsed.address) != HF_OK)
        return HF_EINVAL;
    /* Brackets belong to IPv6 and to nothing else. */
    if ((text[0] == '[') != (parsed.address.family == HF_IPV6))
        return HF_EINVAL;
    *endpoint = parsed;
    return HF_OK;
}

char *hf_endpoint_format(const struct hf_endpoint *endpoint, char text[HF_ENDPOINT_TEXT])
{
    char host[HF_ADDRESS_TEXT];

    hf_address_format(&endpoint->address, host);
    if (endpoint->address.family == HF_IPV6)
        snprintf(text, HF_ENDPOINT_TEXT, "[%s]:%u", host, (unsigned)endpoint->port);
    else
        snprintf(text, HF_ENDPOINT_TEXT, "%s:%u", host, (unsigned)endpoint->port);
    return text;
}
