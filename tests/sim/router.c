/* SPDX-License-Identifier: MIT
 *
 * Packets of synchronized connections only: an opening that cannot get through is given up.
 */
#include "router.h"

#include <string.h>

#define QUOTED_BYTES 8u /* of TCP's header: the ports and the number */

static uint32_t sum_up(uint32_t sum, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
    return sum;
}

static void put_checksum(uint8_t *at, uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    sum = ~sum & 0xffff;
    at[0] = (uint8_t)(sum >> 8);
    at[1] = (uint8_t)sum;
}

/* RFC 792: host unreachable. */
static uint32_t answer_ipv4(uint8_t *message, const uint8_t *lost)
{
    static const uint8_t head[20] = {0x45, [8] = 64, [9] = 1, [12] = 10, [15] = 254};
    uint32_t quoted = (lost[0] & 15u) * 4 + QUOTED_BYTES;

    memcpy(message, head, sizeof head);
    message[3] = (uint8_t)(28 + quoted);
    memcpy(message + 16, lost + 12, 4);
    put_checksum(message + 10, sum_up(0, message, 20));
    memset(message + 20, 0, 8);
    message[20] = 3;
    message[21] = 1;
    memcpy(message + 28, lost, quoted);
    put_checksum(message + 22, sum_up(0, message + 20, 8 + quoted));
    return 28 + quoted;
}

/* RFC 4443 3.1: no route to destination. */
static uint32_t answer_ipv6(uint8_t *message, const uint8_t *lost)
{
    static const uint8_t head[40] = {0x60, [6] = 58, [7] = 64, [8] = 0xfd, [23] = 254};
    uint32_t quoted = 40 + QUOTED_BYTES;

    memcpy(message, head, sizeof head);
    message[5] = (uint8_t)(8 + quoted);
    memcpy(message + 24, lost + 8, 16);
    memset(message + 40, 0, 8);
    message[40] = 1;
    memcpy(message + 48, lost, quoted);
    put_checksum(message + 42,
                 sum_up(sum_up(58 + 8 + quoted, message + 8, 32), message + 40, 8 + quoted));
    return 48 + quoted;
}

void router_watch(struct router *router, const struct hf_trace_event *event)
{
    const uint8_t *lost = event->packet;

    if (router->every == 0 || event->reason != HF_REASON_LINK_LOSS || event->segment == NULL ||
        (event->segment->flags & (HF_SYN | HF_RST)) || router->count == ROUTER_QUEUE ||
        ++router->lost % router->every != 0)
        return;
    router->messages[router->count].host = event->host;
    router->messages[router->count].length =
        lost[0] >> 4 == 4 ? answer_ipv4(router->messages[router->count].packet, lost)
                          : answer_ipv6(router->messages[router->count].packet, lost);
    router->count++;
}

void router_speak(struct router *router, struct hf_stack *stacks[2], hf_time now)
{
    for (unsigned i = 0; i < router->count; i++)
        hf_stack_input(stacks[router->messages[i].host], router->messages[i].packet,
                       router->messages[i].length, now);
    router->count = 0;
}
