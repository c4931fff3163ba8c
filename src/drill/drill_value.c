/* SPDX-License-Identifier: MIT
 *
 * Arguments as C has them: numbers, descriptors, socket addresses.
 */
#include "drill_call.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

/* No socket layer gives out such a descriptor. */
enum { NEVER_OPEN = 1000000 };

static void complain(struct drill_run *run, const struct drill_expression *expression,
                     const char *wanted)
{
    struct drill_event place = {.position = expression->position};
    run_fail(run, &place, "%s is expected here", wanted);
}

bool call_integer(struct drill_run *run, const struct drill_expression *expression, int64_t *value)
{
    int64_t left, right;
    switch (expression->kind) {
    case DRILL_INTEGER:
        *value = expression->integer;
        return true;
    case DRILL_OR:
        if (!call_integer(run, expression->first, &left) ||
            !call_integer(run, expression->first->next, &right))
            return false;
        *value = left | right;
        return true;
    case DRILL_FUNCTION:
        if (strcmp(expression->text, "htons") == 0)
            return call_integer(run, expression->first, value);
        break;
    case DRILL_ELLIPSIS:
    case DRILL_STRING:
    case DRILL_WORD:
    case DRILL_LIST:
    case DRILL_STRUCTURE:
    case DRILL_FIELD:
        break;
    }
    complain(run, expression, "a number");
    return false;
}

bool call_listed_integer(struct drill_run *run, const struct drill_expression *expression,
                         int64_t *value)
{
    if (expression->kind == DRILL_LIST && expression->first != NULL &&
        expression->first->next == NULL)
        return call_integer(run, expression->first, value);
    complain(run, expression, "a number in brackets");
    return false;
}

const struct drill_expression *call_field(const struct drill_expression *structure,
                                          const char *name)
{
    for (const struct drill_expression *child = structure->first; child != NULL;
         child = child->next) {
        if (child->kind == DRILL_FIELD && strcmp(child->text, name) == 0)
            return child->first;
    }
    return NULL;
}

bool call_is_null(const struct drill_expression *expression)
{
    return expression->kind == DRILL_INTEGER && expression->integer == 0;
}

struct drill_descriptor *call_state(struct drill_run *run,
                                    const struct drill_expression *expression)
{
    static const int none = -1;
    int64_t number = none;
    if (expression->kind == DRILL_INTEGER)
        number = expression->integer;
    return number >= 0 && number < DRILL_DESCRIPTORS ? &run->descriptors[number] : NULL;
}

bool call_descriptor(struct drill_run *run, const struct drill_expression *expression, int *live)
{
    int64_t number;
    if (!call_integer(run, expression, &number))
        return false;
    *live = NEVER_OPEN;
    if (number < 0)
        *live = -1;
    else if (number < DRILL_DESCRIPTORS && run->descriptors[number].live >= 0)
        *live = run->descriptors[number].live;
    return true;
}

/* ---- socket addresses */

static void set_v4(struct call_address *address, const uint8_t bytes[4], uint16_t port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    memcpy(&v4.sin_addr, bytes, 4);
    memset(&address->storage, 0, sizeof address->storage);
    memcpy(&address->storage, &v4, sizeof v4);
    address->length = sizeof v4;
}

static void set_v6(struct call_address *address, const uint8_t bytes[16], uint16_t port)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memcpy(&v6.sin6_addr, bytes, 16);
    memset(&address->storage, 0, sizeof address->storage);
    memcpy(&address->storage, &v6, sizeof v6);
    address->length = sizeof v6;
}

void call_socket_address(const struct drill_run *run, const struct hf_endpoint *endpoint,
                         struct call_address *address)
{
    uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff};
    address->null = false;
    if (endpoint->address.family == HF_IPV6) {
        set_v6(address, endpoint->address.bytes, endpoint->port);
    } else if (run->version == DRILL_MAPPED) {
        memcpy(mapped + 12, endpoint->address.bytes, 4);
        set_v6(address, mapped, endpoint->port);
    } else {
        set_v4(address, endpoint->address.bytes, endpoint->port);
    }
}

/* "192.0.2.1" in quotes, or inet_addr("192.0.2.1"). */
static bool host_of(struct drill_run *run, const struct drill_expression *expression, int family,
                    uint8_t bytes[16])
{
    const struct drill_expression *text = expression;
    uint32_t number;
    if (expression->kind == DRILL_FUNCTION)
        text = expression->first;
    memset(bytes, 0, 16);
    if (text->kind == DRILL_INTEGER && family == AF_INET) {
        number = htonl((uint32_t)text->integer); /* INADDR_ANY */
        memcpy(bytes, &number, 4);
        return true;
    }
    if (text->kind == DRILL_STRING && inet_pton(family, text->text, bytes) == 1)
        return true;
    complain(run, expression, family == AF_INET ? "an IPv4 address" : "an IPv6 address");
    return false;
}

static bool literal_address(struct drill_run *run, const struct drill_expression *expression,
                            struct call_address *address)
{
    const struct drill_expression *family = call_field(expression, "sa_family"), *port, *host;
    uint8_t bytes[16] = {0};
    int64_t kind = 0, number = 0;
    bool v6;
    if (family == NULL) {
        complain(run, expression, "sa_family = AF_INET, AF_INET6 or AF_UNSPEC");
        return false;
    }
    if (!call_integer(run, family, &kind))
        return false;
    v6 = kind == AF_INET6;
    port = call_field(expression, v6 ? "sin6_port" : "sin_port");
    host = call_field(expression, v6 ? "sin6_addr" : "sin_addr");
    if ((port != NULL && !call_integer(run, port, &number)) ||
        (host != NULL && !host_of(run, host, v6 ? AF_INET6 : AF_INET, bytes)))
        return false;
    if (v6)
        set_v6(address, bytes, (uint16_t)number);
    else
        set_v4(address, bytes, (uint16_t)number);
    address->storage.ss_family = (sa_family_t)kind;
    return true;
}

bool call_address(struct drill_run *run, const struct drill_expression *expression,
                  const struct hf_endpoint *usual, struct call_address *address)
{
    memset(address, 0, sizeof *address);
    if (expression->kind == DRILL_ELLIPSIS) {
        call_socket_address(run, usual, address);
        return true;
    }
    if (call_is_null(expression)) {
        address->null = true;
        return true;
    }
    if (expression->kind == DRILL_STRUCTURE)
        return literal_address(run, expression, address);
    complain(run, expression, "an address, ... or NULL");
    return false;
}

bool call_address_length(struct drill_run *run, const struct drill_expression *expression,
                         struct call_address *address)
{
    int64_t length = 0;
    if (expression == NULL || expression->kind == DRILL_ELLIPSIS)
        return true;
    if (expression->kind == DRILL_FUNCTION) /* sizeof(addr) */
        return true;
    if (!call_integer(run, expression, &length))
        return false;
    address->length = (socklen_t)length;
    return true;
}

struct hf_endpoint call_endpoint_of(const struct call_address *address)
{
    struct hf_endpoint endpoint;
    memset(&endpoint, 0, sizeof endpoint);
    if (address->storage.ss_family == AF_INET6) {
        struct sockaddr_in6 v6;
        static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
        memcpy(&v6, &address->storage, sizeof v6);
        endpoint.port = ntohs(v6.sin6_port);
        endpoint.address.family = HF_IPV6;
        memcpy(endpoint.address.bytes, &v6.sin6_addr, 16);
        if (memcmp(endpoint.address.bytes, mapped, sizeof mapped) == 0) {
            endpoint.address.family = HF_IPV4;
            memmove(endpoint.address.bytes, endpoint.address.bytes + 12, 4);
            memset(endpoint.address.bytes + 4, 0, 12);
        }
    } else {
        struct sockaddr_in v4;
        memcpy(&v4, &address->storage, sizeof v4);
        endpoint.port = ntohs(v4.sin_port);
        endpoint.address.family = HF_IPV4;
        memcpy(endpoint.address.bytes, &v4.sin_addr, 4);
    }
    return endpoint;
}

bool call_same_address(const struct call_address *a, const struct call_address *b)
{
    struct hf_endpoint left, right;
    if (a->storage.ss_family != b->storage.ss_family)
        return false;
    left = call_endpoint_of(a);
    right = call_endpoint_of(b);
    return left.port == right.port && hf_address_equal(&left.address, &right.address);
}

void call_address_text(const struct call_address *address, char text[80])
{
    struct hf_endpoint endpoint = call_endpoint_of(address);
    char plain[HF_ENDPOINT_TEXT];
    snprintf(text, 80, "%s%s",
             address->storage.ss_family == AF_INET6 && endpoint.address.family == HF_IPV4
                 ? "mapped "
                 : "",
             hf_endpoint_format(&endpoint, plain));
}
