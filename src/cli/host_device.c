/* SPDX-License-Identifier: MIT
 *
 * A host's wire: packets between its TUN device and its stack, or, where a program has a host for
 * each core, the stack of the core that they belong to.
 */
#define _GNU_SOURCE /* libuv's header needs it */

#include "host_device.h"

#include "message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PACKETS_IN_BATCH = 16 };

/* What belongs to other cores goes there. */
static void take_in(struct host *host, const struct hf_arriving *packets, uint32_t count)
{
    uint64_t asleep;

    if (host->cores == NULL) {
        hf_stack_input_batch(host->stack, packets, count, host_now(host));
        return;
    }
    asleep = hf_cores_input(host->cores, host->core, packets, count, host_now(host));
    for (uint32_t core = 0; asleep != 0; core++, asleep >>= 1) {
        if (asleep & 1)
            uv_async_send(&host->all[core]->bell);
    }
}

/* What has come together goes in together: segments of a connection are joined, and answered as
 * one. Few enough at a time that they are still in the nearest cache when they are looked at. */
int host_read_packets(struct host *host)
{
    struct hf_arriving packets[PACKETS_IN_BATCH];
    int read = 0, count = PACKETS_IN_BATCH;

    while (count == PACKETS_IN_BATCH && read < HOST_PACKETS_AT_ONCE) {
        count = hf_tun_read_batch(host->tun, host->arriving, sizeof host->arriving, packets,
                                  PACKETS_IN_BATCH);
        if (count == HF_EAGAIN || count == -EINTR)
            break;
        if (count < 0)
            return count;
        take_in(host, packets, (uint32_t)count);
        read += count;
    }
    return read;
}

int host_take_passed(struct host *host)
{
    return host->cores != NULL ? (int)hf_cores_take(host->cores, host->core, host_now(host)) : 0;
}

int host_take_from_device(struct host *host)
{
    int count = host_read_packets(host);

    if (count > 0)
        host->busy_since = host_now(host);
    if (count < 0) {
        say("the device %s is gone (%s): was it deleted?", hf_tun_name(host->tun),
            strerror(-count));
        host_stop(host, EXIT_CODE_FAILURE);
    }
    return count;
}

/* True when the device took the packet, or never will. */
static bool write_packet(struct host *host, const struct hf_packet *packet)
{
    int result = hf_tun_write_packet(host->tun, packet);

    if (result == HF_EAGAIN || result == -EINTR)
        return false;
    if (result >= 0) {
        host->write_failed = false;
        return true;
    }
    /* The file that it refers to has become shorter. */
    if (result == -EFAULT && host->source_is_whole != NULL && !host->source_is_whole(host))
        return true;
    /* As on any wire, a packet that does not get through is TCP's to send again. */
    host->packets_lost++;
    if (!host->write_failed)
        say("the device %s takes no packets (%s): is it up? (ip link set %s up)",
            hf_tun_name(host->tun), strerror(-result), hf_tun_name(host->tun));
    host->write_failed = true;
    return true;
}

bool host_holds_packets(const struct host *host)
{
    return host->held_first < host->held_end;
}

/* Returns how many left; a full device leaves the others held. */
static int write_held(struct host *host)
{
    int written = 0;

    while (host_holds_packets(host) && write_packet(host, &host->packets[host->held_first])) {
        host->held_first++;
        written++;
    }
    return written;
}

/* Returns how many packets left; a full device leaves some of them held. All of one turn leave at
 * one time: a program that is not scheduled for a while in between must not find timers due whose
 * answers already wait in the device. */
int host_write_packets(struct host *host, int most, hf_time now)
{
    uint32_t flags = hf_tun_offloads(host->tun) & HF_TUN_GIVES_ANY
                         ? HF_OUTPUT_SUPER | HF_OUTPUT_PARTIAL | HF_OUTPUT_PIECES
                         : 0;
    int written = write_held(host);

    while (!host_holds_packets(host) && written < most) {
        int made =
            hf_stack_output_batch(host->stack, host->packets, HOST_BATCH_PACKETS, flags, now);

        if (made <= 0)
            break;
        if (host->source_is_whole != NULL && !host->source_is_whole(host))
            continue; /* as lost on the way */
        host->held_first = 0;
        host->held_end = made;
        written += write_held(host);
        for (int i = host->held_first; i < host->held_end; i++)
            (void)hf_packet_keep(&host->packets[i]);
    }
    return written;
}

/* ---- opening */

static int device_exit_code(int error)
{
    switch (error) {
    case EPERM:
    case EACCES:
        return EXIT_CODE_PERMISSION;
    case EBUSY:
    case EADDRINUSE:
        return EXIT_CODE_ADDRESS;
    case ENOENT:
        return EXIT_CODE_FILE;
    default:
        return EXIT_CODE_FAILURE;
    }
}

static void tell_offloads(const struct host *host)
{
    uint32_t offloads = hf_tun_offloads(host->tun);

    if (offloads == 0) {
        host_tell(host, "%s: no offloads, packets of at most %u bytes", hf_tun_name(host->tun),
                  host->network->mtu);
        return;
    }
    host_tell(host, "%s: offloads: super-segments and partial checksums out; in: %s%s%s",
              hf_tun_name(host->tun),
              offloads & HF_TUN_TAKES_PARTIAL ? "partial checksums" : "none",
              offloads & HF_TUN_TAKES_SUPER_IPV4 ? ", super-segments over IPv4" : "",
              offloads & HF_TUN_TAKES_SUPER_IPV6 ? " and IPv6" : "");
}

static bool make_room(struct host *host)
{
    host->packet_bytes = malloc((size_t)HOST_BATCH_PACKETS * HF_PACKET_BYTES);
    for (size_t i = 0; i < HOST_BATCH_PACKETS && host->packet_bytes != NULL; i++) {
        host->packets[i].bytes = host->packet_bytes + i * HF_PACKET_BYTES;
        host->packets[i].capacity = HF_PACKET_BYTES;
    }
    return host->packet_bytes != NULL;
}

int host_open_device(struct host *host)
{
    int error;
    char message[512] = "";
    struct hf_tun_config config = {
        .name = host->network->tun_name,
        .mtu = host->network->mtu,
        .kernel_addresses = host->network->kernel_addresses,
        .kernel_address_count = host->network->kernel_address_count,
        .offload = host->network->offload,
        .multi_queue = host->network->cores > 1,
    };

    if (!make_room(host))
        return fail(-ENOMEM, "cannot make a host");
    host->tun = host->core == 0 ? hf_tun_open(&config, message, sizeof message)
                                : hf_tun_open_queue(host->all[0]->tun, message, sizeof message);
    if (host->tun != NULL) {
        if (host->core == 0)
            tell_offloads(host);
        return EXIT_CODE_OK;
    }
    error = errno;
    say("%s", message);
    return device_exit_code(error);
}
