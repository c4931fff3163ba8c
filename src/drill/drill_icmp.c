/* SPDX-License-Identifier: MIT
 *
 * RFC 792, RFC 1122 3.2.2.1 and RFC 1812 5.2.7.1 for IPv4, RFC 4443 for IPv6. A script that is run
 * over both names a message by what it means: "unreachable host_unreachable" is type 3 code 1 there
 * and type 1 code 3 here.
 */
#include "drill_icmp.h"

#include <stddef.h>
#include <string.h>

enum { NONE = -1 };

struct message {
    const char *type, *code; /* code NULL: none is named */
    int v4_type, v4_code, v6_type, v6_code;
};

static const struct message messages[] = {
    {"unreachable", "net_unreachable", 3, 0, 1, 0},
    {"unreachable", "no_route", 3, 0, 1, 0},
    {"unreachable", "host_unreachable", 3, 1, 1, 3},
    {"unreachable", "addr_unreachable", 3, 1, 1, 3},
    {"unreachable", "address_unreachable", 3, 1, 1, 3},
    {"unreachable", "protocol_unreachable", 3, 2, 4, 1},
    {"unreachable", "port_unreachable", 3, 3, 1, 4},
    {"unreachable", "frag_needed", 3, 4, 2, 0},
    {"unreachable", "packet_too_big", 3, 4, 2, 0},
    {"unreachable", "source_route_failed", 3, 5, NONE, NONE},
    {"unreachable", "net_unknown", 3, 6, NONE, NONE},
    {"unreachable", "host_unknown", 3, 7, NONE, NONE},
    {"unreachable", "source_host_isolated", 3, 8, NONE, NONE},
    {"unreachable", "net_prohibited", 3, 9, NONE, NONE},
    {"unreachable", "host_prohibited", 3, 10, NONE, NONE},
    {"unreachable", "net_unreachable_for_tos", 3, 11, NONE, NONE},
    {"unreachable", "host_unreachable_for_tos", 3, 12, NONE, NONE},
    {"unreachable", "packet_filtered", 3, 13, 1, 1},
    {"unreachable", "admin_prohibited", 3, 13, 1, 1},
    {"unreachable", "not_neighbour", NONE, NONE, 1, 2},
    {"unreachable", "precedence_violation", 3, 14, NONE, NONE},
    {"unreachable", "precedence_cutoff", 3, 15, NONE, NONE},
    {"packet_too_big", NULL, 3, 4, 2, 0},
    {"source_quench", NULL, 4, 0, NONE, NONE},
    {"redirect", NULL, 5, 1, 137, 0},
    {"time_exceeded", NULL, 11, 0, 3, 0},
    {"time_exceeded", "exc_ttl", 11, 0, 3, 0},
    {"time_exceeded", "ttl", 11, 0, 3, 0},
    {"time_exceeded", "exc_fragtime", 11, 1, 3, 1},
    {"time_exceeded", "reassembly", 11, 1, 3, 1},
    {"parameter_problem", NULL, 12, 0, 4, 0},
    {"parameter_problem", "erroneous_header", 12, 0, 4, 0},
    {"parameter_problem", "unknown_next_header", NONE, NONE, 4, 1},
    {"parameter_problem", "unknown_option", NONE, NONE, 4, 2},
    {"echo_request", NULL, 8, 0, 128, 0},
    {"echo_reply", NULL, 0, 0, 129, 0},
};

static const struct message *find(const char *type, const char *code)
{
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        const struct message *message = &messages[i];
        if (strcmp(message->type, type) != 0)
            continue;
        if (code == NULL ? message->code == NULL
                         : message->code != NULL && strcmp(message->code, code) == 0)
            return message;
    }
    return NULL;
}

bool drill_icmp_known(const char *type, const char *code)
{
    return find(type, code) != NULL;
}

bool drill_icmp_find(int family, const char *type, const char *code, uint8_t *wire_type,
                     uint8_t *wire_code)
{
    const struct message *message = find(type, code);
    int found = NONE, found_code = NONE;
    if (message != NULL) {
        found = family == 4 ? message->v4_type : message->v6_type;
        found_code = family == 4 ? message->v4_code : message->v6_code;
    }
    if (found == NONE)
        return false;
    *wire_type = (uint8_t)found;
    *wire_code = (uint8_t)found_code;
    return true;
}
