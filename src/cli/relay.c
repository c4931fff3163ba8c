/* SPDX-License-Identifier: MIT
 *
 * Theory of operation.
 *
 * Whatever one side does, the other is to see: bytes, the end of bytes, a reset, and slowness.
 *
 * Bytes. What a side gives is read into the host's scratch buffer and offered to the other at once.
 * Only what that one does not take is kept (the residue, at most one scratch buffer for each
 * direction), and while there is one, its source is not read: the source's own window closes.
 * So an idle relay holds no buffers at all, and a stalled one a bounded amount.
 *
 * The end of bytes. FIN of one side becomes hf_shutdown or shutdown(SHUT_WR) of the other, after
 * the residue. When both directions have ended, both sides are closed.
 *
 * Resets. An error of the stack's connection closes the kernel's socket with SO_LINGER 0, which
 * sends RST; an error of the kernel's socket is hf_abort. A side that cannot be connected resets
 * the one that is.
 *
 * The poll handle is raw rather than a uv_tcp_t, which knows neither half-closing while reading
 * nor lingering. It always asks for UV_PRIORITIZED, though nothing is done about urgent data
 * (it comes in line): as long as anything is asked for, epoll reports errors, so a reset is seen at
 * once even while a stalled peer keeps us from reading. A socket both of whose directions have
 * ended reports hang-up without end; then even that is given up (`quiet`).
 */
#define _GNU_SOURCE /* <uv.h> needs more than C17 has */

#include "relay.h"

#include "kernel_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void poll_kernel(uv_poll_t *poll, int status, int events);

static void relay_freed(uv_handle_t *handle)
{
    struct relay *relay = handle->data;

    free(relay->to_kernel.bytes);
    free(relay->to_stack.bytes);
    free(relay);
}

/* Parts from everything; the caller has said how with the sides. */
static void release(struct relay *relay)
{
    host_disown(relay->host, relay->handle);
    uv_close((uv_handle_t *)&relay->poll, relay_freed);
}

/* The user is told last: by then the descriptor is free for another relay. */
static void end_closed(struct relay *relay)
{
    release(relay);
    close(relay->descriptor);
    hf_close(relay->host->stack, relay->handle, host_now(relay->host));
    relay->ended(relay, RELAY_CLOSED, HF_OK);
}

static void end_by_stack(struct relay *relay, int error)
{
    release(relay);
    kernel_socket_reset(relay->descriptor);
    hf_close(relay->host->stack, relay->handle, host_now(relay->host));
    relay->ended(relay, relay->stack_open ? RELAY_RESET : RELAY_NOT_CONNECTED, error);
}

static void end_by_kernel(struct relay *relay, int error)
{
    release(relay);
    kernel_socket_reset(relay->descriptor);
    hf_abort(relay->host->stack, relay->handle, host_now(relay->host));
    relay->ended(relay, relay->kernel_open ? RELAY_RESET : RELAY_NOT_CONNECTED, error);
}

void relay_abort(struct relay *relay)
{
    release(relay);
    hf_abort(relay->host->stack, relay->handle, host_now(relay->host));
    kernel_socket_reset(relay->descriptor);
}

static bool keep(struct relay_residue *residue, const uint8_t *bytes, size_t length)
{
    residue->bytes = malloc(length);
    if (residue->bytes == NULL)
        return false;
    memcpy(residue->bytes, bytes, length);
    residue->start = 0;
    residue->length = length;
    return true;
}

static void used(struct relay_residue *residue, size_t length)
{
    residue->start += length;
    residue->length -= length;
    if (residue->length == 0) {
        free(residue->bytes);
        residue->bytes = NULL;
    }
}

/* Offers bytes to the kernel: how many it took, or a negated errno. */
static ssize_t give_kernel(struct relay *relay, const uint8_t *bytes, size_t length)
{
    ssize_t taken = send(relay->descriptor, bytes, length, MSG_NOSIGNAL);

    if (taken < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    relay->to_kernel_bytes += (uint64_t)taken;
    return taken;
}

/* From here on: false when the relay has ended. */
static bool flush_to_kernel(struct relay *relay)
{
    ssize_t taken;

    if (relay->to_kernel.bytes == NULL)
        return true;
    taken = give_kernel(relay, relay->to_kernel.bytes + relay->to_kernel.start,
                        relay->to_kernel.length);
    if (taken < 0) {
        end_by_kernel(relay, (int)taken);
        return false;
    }
    used(&relay->to_kernel, (size_t)taken);
    return true;
}

static bool pump_to_kernel(struct relay *relay)
{
    uint8_t *scratch = relay->host->scratch;

    if (!relay->kernel_open || !relay->stack_open)
        return true;
    if (!flush_to_kernel(relay))
        return false;
    while (relay->to_kernel.bytes == NULL && !relay->stack_ended) {
        ptrdiff_t length = hf_recv(relay->host->stack, relay->handle, scratch, HOST_SCRATCH_BYTES,
                                   0, host_now(relay->host));
        ssize_t taken;

        if (length == HF_EAGAIN)
            return true;
        if (length < 0) {
            end_by_stack(relay, (int)length);
            return false;
        }
        if (length == 0) {
            relay->stack_ended = true;
            break;
        }
        taken = give_kernel(relay, scratch, (size_t)length);
        if (taken >= 0 && taken < length &&
            !keep(&relay->to_kernel, scratch + taken, (size_t)(length - taken)))
            taken = -ENOMEM;
        if (taken < 0) {
            end_by_kernel(relay, (int)taken);
            return false;
        }
    }
    if (relay->stack_ended && relay->to_kernel.bytes == NULL && !relay->kernel_shut) {
        relay->kernel_shut = true;
        shutdown(relay->descriptor, SHUT_WR);
    }
    return true;
}

/* Offers bytes to the stack: how many it took, or an error. */
static ptrdiff_t give_stack(struct relay *relay, const uint8_t *bytes, size_t length)
{
    ptrdiff_t taken =
        hf_send(relay->host->stack, relay->handle, bytes, length, 0, host_now(relay->host));

    if (taken == HF_EAGAIN)
        taken = 0; /* HF_EVENT_WRITABLE is to come */
    if (taken > 0)
        relay->to_stack_bytes += (uint64_t)taken;
    return taken;
}

static bool flush_to_stack(struct relay *relay)
{
    while (relay->to_stack.bytes != NULL) {
        ptrdiff_t taken = give_stack(relay, relay->to_stack.bytes + relay->to_stack.start,
                                     relay->to_stack.length);

        if (taken < 0) {
            end_by_stack(relay, (int)taken);
            return false;
        }
        if (taken == 0)
            return true;
        used(&relay->to_stack, (size_t)taken);
    }
    if (relay->kernel_ended && !relay->stack_shut) {
        relay->stack_shut = true;
        hf_shutdown(relay->host->stack, relay->handle, host_now(relay->host));
    }
    return true;
}

/* One piece each time the loop says that there is something: other relays want their turn. */
static bool read_kernel(struct relay *relay)
{
    uint8_t *scratch = relay->host->scratch;
    ptrdiff_t taken = 0;
    ssize_t length;

    if (relay->to_stack.bytes != NULL || relay->kernel_ended || !relay->stack_open)
        return true;
    length = recv(relay->descriptor, scratch, HOST_SCRATCH_BYTES, 0);
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (length < 0) {
        end_by_kernel(relay, -errno);
        return false;
    }
    if (length == 0)
        relay->kernel_ended = true;
    else
        taken = give_stack(relay, scratch, (size_t)length);
    if (taken >= 0 && taken < length &&
        !keep(&relay->to_stack, scratch + taken, (size_t)(length - taken)))
        taken = HF_ENOMEM;
    if (taken < 0) {
        end_by_stack(relay, (int)taken);
        return false;
    }
    return flush_to_stack(relay);
}

static void watch(struct relay *relay)
{
    int wanted = relay->quiet ? 0 : UV_PRIORITIZED;

    if (!relay->kernel_open || relay->to_kernel.bytes != NULL)
        wanted |= UV_WRITABLE;
    if (relay->kernel_open && relay->stack_open && !relay->kernel_ended &&
        relay->to_stack.bytes == NULL)
        wanted |= UV_READABLE;
    if (wanted == relay->watched)
        return;
    relay->watched = wanted;
    if (wanted != 0)
        uv_poll_start(&relay->poll, wanted, poll_kernel);
    else
        uv_poll_stop(&relay->poll);
}

static void pump(struct relay *relay)
{
    if (!pump_to_kernel(relay) || !flush_to_stack(relay))
        return;
    if (relay->kernel_shut && relay->stack_shut)
        end_closed(relay);
    else
        watch(relay);
}

/* True once the kernel's connection is open. */
static bool check_connected(struct relay *relay)
{
    int error = kernel_socket_error(relay->descriptor);

    if (error != 0) {
        end_by_kernel(relay, error);
        return false;
    }
    relay->kernel_open = true;
    return true;
}

static void poll_kernel(uv_poll_t *poll, int status, int events)
{
    struct relay *relay = poll->data;

    if (status != 0) {
        int error = kernel_socket_error(relay->descriptor);

        end_by_kernel(relay, error != 0 ? error : -ECONNRESET);
        return;
    }
    if ((events & (UV_READABLE | UV_WRITABLE)) == 0)
        relay->quiet = true;
    if (!relay->kernel_open && (events & UV_WRITABLE) != 0 && !check_connected(relay))
        return;
    if ((events & UV_READABLE) != 0 && !read_kernel(relay))
        return;
    pump(relay);
}

static void take_event(struct host_owner *owner, const struct hf_event *event)
{
    struct relay *relay = (struct relay *)owner;

    switch (event->type) {
    case HF_EVENT_CONNECTED:
        relay->stack_open = true;
        break;
    case HF_EVENT_ERROR:
        end_by_stack(relay, event->error);
        return;
    case HF_EVENT_READABLE:
    case HF_EVENT_WRITABLE:
    case HF_EVENT_PEER_CLOSED:
    case HF_EVENT_CLOSED:
        break;
    case HF_EVENT_ACCEPTABLE:
    case HF_EVENT_URGENT:
    case HF_EVENT_SOFT_ERROR:
    case HF_EVENT_NOTED:
        return;
    }
    pump(relay);
}

struct relay *relay_new(struct host *host, hf_handle handle, bool stack_open, int descriptor,
                        bool kernel_open)
{
    struct relay *relay = calloc(1, sizeof *relay);

    if (relay == NULL)
        return NULL;
    relay->owner.event = take_event;
    relay->host = host;
    relay->handle = handle;
    relay->stack_open = stack_open;
    relay->descriptor = descriptor;
    relay->kernel_open = kernel_open;
    if (!host_own(host, handle, &relay->owner)) {
        free(relay);
        return NULL;
    }
    if (uv_poll_init(&host->loop, &relay->poll, descriptor) != 0) {
        host_disown(host, handle);
        free(relay);
        return NULL;
    }
    relay->poll.data = relay;
    /* As for the kernel's socket: pass on what comes when it comes, and notice a dead peer. */
    hf_set_option(host->stack, handle, HF_OPTION_NAGLE, 0, host_now(host));
    hf_set_option(host->stack, handle, HF_OPTION_KEEPALIVE, 1, host_now(host));
    return relay;
}

/* What the kernel's side has sent already rides on our SYN, as far as there is room (RFC 7413); its
 * end can wait for the handshake. */
static bool ride_on_syn(struct relay *relay)
{
    struct hf_status status;
    size_t room;
    ssize_t length;
    ptrdiff_t taken;

    if (relay->stack_open || hf_status(relay->host->stack, relay->handle, &status) != HF_OK ||
        status.fast_open_room_bytes == 0)
        return true;
    room = status.fast_open_room_bytes < HOST_SCRATCH_BYTES ? status.fast_open_room_bytes
                                                            : HOST_SCRATCH_BYTES;
    length = recv(relay->descriptor, relay->host->scratch, room, 0);
    if (length < 0 && errno != EAGAIN && errno != EINTR) {
        end_by_kernel(relay, -errno);
        return false;
    }
    if (length <= 0)
        return true;
    taken = give_stack(relay, relay->host->scratch, (size_t)length);
    if (taken >= 0 && taken < length &&
        !keep(&relay->to_stack, relay->host->scratch + taken, (size_t)(length - taken)))
        taken = HF_ENOMEM;
    if (taken < 0)
        end_by_stack(relay, (int)taken);
    return taken >= 0;
}

void relay_start(struct relay *relay)
{
    if (!ride_on_syn(relay))
        return;
    pump(relay);
}
