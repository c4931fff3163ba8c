/* SPDX-License-Identifier: MIT
 *
 * IPv6 addresses hold colons, so endpoints of that family are written in brackets; '=' is in none.
 */
#include "proxy_rule.h"

#include "numbers.h"

#include <string.h>

enum { PART_BYTES = 64 };

static bool parse_part(const char *text, size_t length, bool bare_port,
                       struct hf_endpoint *endpoint)
{
    char part[PART_BYTES];
    unsigned long port;

    if (length == 0 || length >= sizeof part)
        return false;
    memcpy(part, text, length);
    part[length] = '\0';
    if (bare_port && parse_number(part, 1, 65535, &port)) {
        *endpoint = (struct hf_endpoint){.port = (uint16_t)port};
        return true;
    }
    return hf_endpoint_parse(part, endpoint) == HF_OK && endpoint->port != 0;
}

bool proxy_rule_parse(const char *text, bool bare_port, struct hf_endpoint *listen,
                      struct hf_endpoint *target)
{
    const char *equals = strchr(text, '=');

    return equals != NULL && parse_part(text, (size_t)(equals - text), bare_port, listen) &&
           parse_part(equals + 1, strlen(equals + 1), false, target) &&
           !hf_address_is_any(&target->address);
}
