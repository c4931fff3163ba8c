/* SPDX-License-Identifier: MIT
 *
 * The network device: packets of packetdrill's go into the stack, the stack's wait in a queue with
 * their times until they are asked for. The addresses of this side are learnt from both.
 */
#include "plugin.h"

#include "drill_segment.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { PACKET_BYTES = 65536, V4_HEADER = 20, V6_HEADER = 40, V4 = 0, V6 = 1 };

/* ---- out */

void plugin_drain(struct plugin *plugin)
{
    ptrdiff_t length;
    if (plugin->stack == NULL)
        return;
    while ((length = hf_stack_output(plugin->stack, plugin->buffer, PACKET_BYTES, plugin->now)) >
           0) {
        struct plugin_packet *packet = malloc(sizeof *packet + (size_t)length);
        plugin->news = true;
        if (packet == NULL) {
            plugin_problem(plugin, "out of memory: a packet of %td bytes is lost", length);
            continue;
        }
        packet->next = NULL;
        packet->time = plugin->now;
        packet->number = ++plugin->sent_count;
        packet->length = (size_t)length;
        memcpy(packet->bytes, plugin->buffer, packet->length);
        *plugin->sent_end = packet;
        plugin->sent_end = &packet->next;
        plugin_judge_sent(plugin, packet);
    }
}

static struct plugin_packet *take(struct plugin *plugin)
{
    struct plugin_packet *packet = plugin->sent;
    plugin->sent = packet->next;
    if (plugin->sent == NULL)
        plugin->sent_end = &plugin->sent;
    return packet;
}

void plugin_packets_free(struct plugin *plugin)
{
    while (plugin->sent != NULL)
        free(take(plugin));
}

/* Time passes until there is a packet, or none can come. */
static bool await_packet(struct plugin *plugin)
{
    hf_time latest = plugin->now + plugin->flags.patience;
    while (plugin->sent == NULL) {
        if (plugin_next(plugin) > latest)
            return false;
        plugin_step(plugin, latest);
    }
    return true;
}

static void hand_over(struct plugin *plugin, uint8_t *bytes, size_t *length, long long *time_us)
{
    struct plugin_packet *packet = take(plugin);
    if (packet->length > *length)
        plugin_problem(plugin, "a packet of %zu bytes does not fit into the %zu asked for",
                       packet->length, *length);
    if (packet->length < *length)
        *length = packet->length;
    memcpy(bytes, packet->bytes, *length);
    *time_us = packet->time / HF_MICROSECOND;
    plugin_judge_taken(plugin, packet);
    free(packet);
}

int plugin_netdev_receive(void *userdata, void *packet, size_t *length, long long *time_us)
{
    struct plugin *plugin = userdata;
    struct plugin_thread *thread;
    if (packet == NULL || length == NULL || time_us == NULL) {
        errno = EFAULT;
        return -1;
    }
    thread = plugin_enter(plugin);
    plugin_judge_goes_on(plugin);
    if (await_packet(plugin)) {
        hand_over(plugin, packet, length, time_us);
    } else {
        /* -1 would have packetdrill ask again for ever; this ends its script with an error. */
        plugin_say("no packet can come any more: nothing is sent for the next %lld s",
                   (long long)(plugin->flags.patience / HF_SECOND));
        *length = 0;
        *time_us = plugin->now / HF_MICROSECOND;
    }
    plugin_leave(plugin, thread);
    return 0;
}

/* ---- addresses */

static unsigned family_of(const struct hf_address *address)
{
    return address->family == HF_IPV6 ? V6 : V4;
}

/* packetdrill's own: 192.168.0.0/16 and fd3d:fa7b:d17d::/48. */
static bool of_packetdrill(const struct hf_address *address)
{
    static const uint8_t v6[] = {0xfd, 0x3d, 0xfa, 0x7b, 0xd1, 0x7d};
    return address->family == HF_IPV4 ? address->bytes[0] == 192 && address->bytes[1] == 168
                                      : memcmp(address->bytes, v6, sizeof v6) == 0;
}

void plugin_learn_address(struct plugin *plugin, const struct hf_address *address)
{
    unsigned family = family_of(address);
    if (plugin->stack == NULL || plugin->flags.has_local[family] || hf_address_is_any(address) ||
        hf_stack_has_address(plugin->stack, address))
        return;
    if (plugin->local_known[family] && !of_packetdrill(address))
        return;
    if (hf_stack_add_address(plugin->stack, address) == HF_OK)
        plugin->local_known[family] = true; /* multicast and the like are refused */
}

static bool address_of(const struct sockaddr *name, socklen_t length, struct hf_address *address)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    if (name == NULL || length < sizeof in)
        return false;
    if (name->sa_family == AF_INET) {
        const uint8_t *at;
        memcpy(&in, name, sizeof in);
        at = (const uint8_t *)&in.sin_addr;
        *address = hf_address_ipv4(at[0], at[1], at[2], at[3]);
        return true;
    }
    if (name->sa_family != AF_INET6 || length < sizeof in6)
        return false;
    memcpy(&in6, name, sizeof in6);
    if (memcmp(in6.sin6_addr.s6_addr, mapped, sizeof mapped) == 0) {
        const uint8_t *at = in6.sin6_addr.s6_addr + sizeof mapped;
        *address = hf_address_ipv4(at[0], at[1], at[2], at[3]);
    } else {
        *address = hf_address_ipv6(in6.sin6_addr.s6_addr);
    }
    return true;
}

void plugin_learn_sockaddr(struct plugin *plugin, const struct sockaddr *name, socklen_t length)
{
    struct hf_address address;
    if (address_of(name, length, &address))
        plugin_learn_address(plugin, &address);
}

void plugin_need_address(struct plugin *plugin, const struct sockaddr *remote, socklen_t length)
{
    static const char *const usual[2] = {"192.168.0.1", "fd3d:a0b:17d6::1"};
    struct hf_address address;
    unsigned family;
    if (plugin->stack == NULL || !address_of(remote, length, &address))
        return;
    family = family_of(&address);
    if (plugin->flags.has_local[family] || plugin->local_known[family] ||
        plugin->local_assumed[family])
        return;
    if (hf_address_parse(usual[family], &address) == HF_OK &&
        hf_stack_add_address(plugin->stack, &address) == HF_OK)
        plugin->local_assumed[family] = true;
}

/* ---- in */

static void learn_destination(struct plugin *plugin, const uint8_t *packet, size_t length)
{
    struct hf_address address;
    if (length >= V4_HEADER && packet[0] >> 4 == 4)
        address = hf_address_ipv4(packet[16], packet[17], packet[18], packet[19]);
    else if (length >= V6_HEADER && packet[0] >> 4 == 6)
        address = hf_address_ipv6(packet + 24);
    else
        return;
    plugin_learn_address(plugin, &address);
}

int plugin_netdev_send(void *userdata, const void *packet, size_t length)
{
    struct plugin *plugin = userdata;
    struct plugin_thread *thread;
    enum hf_reason reason;
    if (packet == NULL || length == 0) {
        errno = packet == NULL ? EFAULT : EINVAL;
        return -1;
    }
    thread = plugin_enter(plugin);
    if (!plugin_ready(plugin)) {
        plugin_leave(plugin, thread);
        errno = ENETDOWN;
        return -1;
    }
    learn_destination(plugin, packet, length);
    plugin_judge_injected(plugin, packet, length);
    reason = hf_stack_input(plugin->stack, packet, length, plugin->now);
    if (plugin->flags.verbose)
        plugin_say("%lld us: a packet of %zu bytes for the stack: %s",
                   (long long)(plugin->now / HF_MICROSECOND), length, hf_reason_name(reason));
    plugin_leave(plugin, thread);
    return 0;
}
